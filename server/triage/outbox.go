package triage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"khien/server/inbox"
)

// The inbox is a database of its own. What those who reported are told is written down with the decision that it
// follows from, and brought to the inbox once that is committed, in order. To bring the same once more, as after a
// crash, changes nothing. A release comes before what is told of it: an empty letter, which Resume alone takes away,
// when the head of that release is in its place.

// letter is what some who reported are told.
type letter struct {
	Reports [][]byte
	Again   bool // those too who were told something else before
	Reopen  bool // that it is looked at anew
	inbox.Transition
}

func tell(ctx context.Context, tx *sql.Tx, l letter) error {
	if len(l.Reports) == 0 {
		return nil
	}
	text, err := json.Marshal(l)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO outbox (letter) VALUES (?)`, string(text))
	}
	return err
}

// tellFirst has everything that is told from now on wait until the head of a release is in its place.
func tellFirst(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO outbox (letter) VALUES ('')`)
	return err
}

// Deliver brings to the inbox what is written down for it, up to a release whose head is not in its place yet. One
// delivers at a time. What can't be brought waits for the next who delivers.
func (d *Desk) Deliver(ctx context.Context, box *inbox.Inbox) error {
	if box == nil { // which can't be opened now
		return nil
	}
	for {
		var waits bool
		err := d.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM (SELECT letter FROM outbox ORDER BY seq LIMIT 1) AS next WHERE letter <> '')`).Scan(&waits)
		if err == nil && waits {
			err = d.db.Change(ctx, func(tx *sql.Tx) error { return deliver(ctx, tx, box) })
		}
		if err != nil {
			return fmt.Errorf("couldn't tell those who reported: %w", err)
		}
		if !waits {
			return nil
		}
	}
}

func deliver(ctx context.Context, tx *sql.Tx, box *inbox.Inbox) error {
	var seq int64
	var text string
	err := tx.QueryRowContext(ctx, `SELECT seq, letter FROM outbox ORDER BY seq LIMIT 1`).Scan(&seq, &text)
	if errors.Is(err, sql.ErrNoRows) || err == nil && text == "" { // another process was faster
		return nil
	}
	var l letter
	if err == nil {
		err = json.Unmarshal([]byte(text), &l)
	}
	if err != nil {
		return err
	}
	switch {
	case l.Reopen:
		err = box.ReopenAll(ctx, l.Reports, l.Actor, l.Time)
	case l.Again:
		err = box.DecideAfterAll(ctx, l.Reports, l.Transition)
	default:
		err = box.DecideAll(ctx, l.Reports, l.Transition)
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM outbox WHERE seq = ?`, seq)
	}
	return err
}
