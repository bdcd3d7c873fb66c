package triage

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"khien/server/inbox"
	"khien/server/ledger"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Bounds on the search for an address.
const (
	maxSeen       = 20 // reports that are looked at
	maxParameters = 32 // of an address
)

// seenAt is the address at which people first met what is listed, by the reports of its subject, or else at which
// sources saw it; empty where nobody says.
func (d *Desk) seenAt(ctx context.Context, box *inbox.Inbox, what Listing) (string, error) {
	of, err := d.About(ctx, what.Of)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	reports, _, err := page(ctx, d.db, of.ID, wire.KindScam, place{}, maxSeen)
	if err != nil {
		return "", err
	}
	for _, id := range reports {
		r, err := box.Get(ctx, hex.EncodeToString(id))
		if errors.Is(err, inbox.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		if seen := partOf(r.Href, what.Lists); seen != "" {
			return seen, nil
		}
	}
	var said string
	err = d.db.QueryRowContext(ctx, `SELECT address FROM raised WHERE subject = ? AND against = 0`, of.ID).Scan(&said)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return partOf(said, what.Lists), err
}

// partOf is as much of an address as names a subject, and no more: what else is in it may tell who reported it. It is
// empty where the address does not name the subject, and where only the query of a page names an account, since that
// page has an address of its own.
func partOf(href string, s subject.Subject) string {
	href, _, _ = strings.Cut(href, "#")
	page, query, hasQuery := strings.Cut(href, "?")
	scheme, rest, ok := strings.Cut(page, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	for _, some := range []string{scheme + "://" + host + "/", page} {
		if ledger.Names(some, s) {
			return some
		}
	}
	if !hasQuery || s.IsAccount() || !ledger.Names(href, s) {
		return ""
	}
	parameters := strings.Split(query, "&")
	for n := min(len(parameters), maxParameters) - 1; n >= 0 && len(parameters) > 1; n-- {
		fewer := slices.Delete(slices.Clone(parameters), n, n+1)
		if ledger.Names(page+"?"+strings.Join(fewer, "&"), s) {
			parameters = fewer
		}
	}
	return page + "?" + strings.Join(parameters, "&")
}
