package triage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"khien/server/db"
	"khien/shared/texts"
)

// source is what the ledger calls what a case has listed.
const source = "report"

// narrowed is the public reason for what leaves the list because the case was decided anew and lists something else.
func narrowed() map[string]string { return texts.Every("reasons.txt", "narrowed") }

// Replaced are the things that the decision about a case takes off the list though it does not name them: earlier
// decisions about the same subjects have put them there, and this one rejects them, or lists something else. What came
// on the list in another way, or stands there for a subject of its own, is none of them.
func (d *Desk) Replaced(ctx context.Context, c Case) ([]Listing, error) {
	list, err := replaced(ctx, d.db, c)
	if err != nil {
		return nil, fmt.Errorf("couldn't read what case %d has listed: %w", c.ID, err)
	}
	return list, nil
}

func replaced(ctx context.Context, q db.Reader, c Case) ([]Listing, error) {
	if c.Action != List && c.Action != Reject {
		return nil, nil
	}
	all, err := db.All(func(row db.Row) (one Listing, err error) {
		return one, row.Scan(&one.Of, &one.Lists)
	})(q.QueryContext(ctx, `SELECT name, indicator.subject FROM subjects JOIN indicator ON case_subject = subjects.id AND case_subject > 0
		WHERE case_id = ? AND withdrawn = 0 ORDER BY subjects.id, indicator.subject`, c.ID))
	return slices.DeleteFunc(all, func(one Listing) bool { return slices.Contains(c.About(), one.Lists) }), err
}

// stands tells whether something stands on the list for a subject.
func stands(ctx context.Context, q db.Reader, id int64) (stands bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM indicator WHERE case_subject = ? AND case_subject > 0 AND withdrawn = 0)`, id).Scan(&stands)
	return stands, err
}

// settledLast is a case with the ruling that the list follows: one that is not settled yet may be undone.
func settledLast(ctx context.Context, q db.Reader, id int64) (Case, error) {
	c, err := get(ctx, q, id)
	if err != nil || c.Settled {
		return c, err
	}
	var lists, reason string
	earlier := Ruling{Settled: true}
	err = q.QueryRowContext(ctx, `SELECT earlier ->> 'action', earlier ->> 'lists', earlier ->> 'reason', earlier ->> 'decided', earlier ->> 'changed'
		FROM cases WHERE id = ? AND earlier <> ''`, id).Scan(&earlier.Action, &lists, &reason, &earlier.Decided, &c.Changed)
	if err == nil {
		err = json.Unmarshal([]byte(reason), &earlier.Reason)
	}
	if err == nil {
		earlier.Lists, err = listingsOf(lists)
	}
	c.Ruling = earlier
	return c, err
}

// replaces is the public reason for what a decision takes off the list without naming it.
func (c Case) replaces() map[string]string {
	if c.Action == List {
		return narrowed()
	}
	return c.Reason
}
