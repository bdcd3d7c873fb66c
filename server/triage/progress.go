package triage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"khien/shared/wire"
)

// Progress is how far the case of one report has come.
type Progress struct {
	Case     int64
	State    State
	Seen     int64 // Unix seconds when a person first opened the case; 0 before
	Changed  int64 // Unix seconds of the last decision
	Released int64 // Unix seconds of the release that has the decision; 0 before
	Expired  int64 // Unix seconds when it left the queue unread; 0 if it did not
	Ruling
}

// Progress tells how far the case of a report has come, by the report's id, or ErrNotFound while it is not gathered.
func (d *Desk) Progress(ctx context.Context, report []byte) (Progress, error) {
	var p Progress
	var reason, lists string
	err := d.db.QueryRowContext(ctx, `SELECT id, state, seen, changed, coalesce((SELECT issued FROM release WHERE sequence = published), 0), expired, action, lists, reason, lapses, decided, seconded, settled, published
		FROM cases WHERE id = (SELECT case_id FROM members JOIN subjects ON subjects.id = subject WHERE members.id = ?)`, report).
		Scan(&p.Case, &p.State, &p.Seen, &p.Changed, &p.Released, &p.Expired, &p.Action, &lists, &reason, &p.Lapses, &p.Decided, &p.Seconded, &p.Settled, &p.Published)
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal([]byte(reason), &p.Reason)
	}
	if err == nil {
		p.Lists, err = listingsOf(lists)
	}
	if err != nil {
		return p, fmt.Errorf("couldn't read how far a case has come: %w", err)
	}
	return p, nil
}

// Seen notes that a person has opened a case, the first time; one that had left the queue unread is in it again.
func (d *Desk) Seen(ctx context.Context, id int64) error {
	var seen int64
	err := d.db.QueryRowContext(ctx, `SELECT seen FROM cases WHERE id = ?`, id).Scan(&seen)
	if err == nil && seen == 0 {
		err = d.change(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE cases SET seen = ?, expired = 0 WHERE id = ? AND seen = 0`, d.now(), id)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("couldn't note that case %d was opened: %w", id, err)
	}
	return nil
}

// Pictured notes that a report, by its id, has a picture, which counts as evidence and may be what was asked for.
func (d *Desk) Pictured(ctx context.Context, report []byte) error {
	err := d.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO pictures (report) VALUES (?) ON CONFLICT DO NOTHING`, report); err != nil {
			return err
		}
		if err := hear(ctx, tx, report); err != nil {
			return err
		}
		var of int64
		var kind string
		var source []byte
		err := tx.QueryRowContext(ctx, `UPDATE members SET noted = 1 WHERE id = ? AND noted = 0 RETURNING subject, kind, source`, report).Scan(&of, &kind, &source)
		if errors.Is(err, sql.ErrNoRows) || kind == wire.KindMistake {
			return nil // not gathered yet, or counted already, or no evidence
		}
		if err == nil {
			err = touch(ctx, tx, of, source, true)
		}
		if err == nil {
			var id int64
			if err = tx.QueryRowContext(ctx, `SELECT case_id FROM subjects WHERE id = ?`, of).Scan(&id); err == nil {
				err = rank(ctx, tx, id)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("couldn't note a picture: %w", err)
	}
	return nil
}
