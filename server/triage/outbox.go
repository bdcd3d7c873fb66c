package triage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"khien/server/inbox"
)

// letter is what some who reported are told. It is kept with what it is about, and carried to the inbox, which is a database of its own, when that is out.
type letter struct {
	inbox.Transition
	To    [][]byte // reports
	After bool     // those who were told something else are told too
}

func post(ctx context.Context, tx *sql.Tx, l letter) error {
	text, err := json.Marshal(l)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO outbox (letter) VALUES (?)`, string(text))
	}
	return err
}

// Deliver tells those who reported what waits for them, in order. It is told once more where whoever tells it is killed, which changes nothing.
func (d *Desk) Deliver(ctx context.Context, box *inbox.Inbox) error {
	waits := true
	var err error
	for waits && err == nil {
		if waits, err = d.posted(ctx); waits && err == nil {
			err = d.alone(ctx, func(tx *sql.Tx) error { return deliver(ctx, tx, box) })
		}
	}
	if err != nil {
		return fmt.Errorf("couldn't tell those who reported: %w", err)
	}
	return nil
}

// posted tells whether somebody is to be told something.
func (d *Desk) posted(ctx context.Context) (waits bool, err error) {
	return waits, d.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM outbox)`).Scan(&waits)
}

// deliver carries the first letter that there is.
func deliver(ctx context.Context, tx *sql.Tx, box *inbox.Inbox) error {
	var text string
	err := tx.QueryRowContext(ctx, `DELETE FROM outbox WHERE seq = (SELECT min(seq) FROM outbox) RETURNING letter`).Scan(&text)
	if err != nil {
		if errors.Is(err, sql.ErrNoRows) { // another has
			return nil
		}
		return err
	}
	var l letter
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return err
	}
	switch {
	case l.State == "":
		return box.ReopenAll(ctx, l.To, l.Actor, l.Time)
	case l.After:
		_, err = box.DecideAfterAll(ctx, l.To, l.Transition)
	default:
		_, err = box.DecideAll(ctx, l.To, l.Transition)
	}
	return err
}
