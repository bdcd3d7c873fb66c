package triage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"khien/server/db"
	"khien/server/ledger"
	"khien/shared/subject"
	"khien/shared/texts"
)

// source is what the ledger calls what a case has listed.
const source = "report"

// narrowed is the public reason for what leaves the list because the case was decided anew and lists something else.
func narrowed() map[string]string { return texts.Every("reasons.txt", "narrowed") }

// Replaced are the things that the decision about a case takes off the list though it does not name them: earlier decisions about
// the same subjects have put them there, and this one rejects them, or lists something else. What came on the list in
// another way, or stands there for a subject of its own, is none of them.
func (d *Desk) Replaced(ctx context.Context, book *ledger.Ledger, c Case) ([]Listing, error) {
	return replacedIn(ctx, d.db, book, c)
}

func replacedIn(ctx context.Context, q db.Reader, book *ledger.Ledger, c Case) ([]Listing, error) {
	all, err := replaced(ctx, q, c)
	if err != nil {
		return nil, fmt.Errorf("couldn't read what case %d has listed: %w", c.ID, err)
	}
	var mine []Listing
	for _, one := range all {
		switch e, err := book.Entry(ctx, one.Lists); {
		case err == nil && e.Source == source:
			mine = append(mine, one)
		case err != nil && !errors.Is(err, ledger.ErrNotFound):
			return nil, err
		}
	}
	return mine, nil
}

func replaced(ctx context.Context, q db.Reader, c Case) (list []Listing, err error) {
	if c.Action != List && c.Action != Reject {
		return nil, nil
	}
	rows, err := q.QueryContext(ctx, `SELECT name, value FROM subjects, json_each(standing) WHERE case_id = ? AND NOT EXISTS
		(SELECT 1 FROM subjects AS whose, json_each(whose.standing) AS one WHERE whose.name = json_each.value AND whose.id <> subjects.id AND one.value = whose.name)
		ORDER BY subjects.id, value`, c.ID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one Listing
		if err := rows.Scan(&one.Of, &one.Lists); err != nil {
			return nil, err
		}
		if !slices.Contains(c.About(), one.Lists) {
			list = append(list, one)
		}
	}
	return list, rows.Err()
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

// stand notes what stands on the list for the subjects of a case, now that a decision about it is settled.
func stand(ctx context.Context, tx *sql.Tx, c Case) error {
	subjects, err := subjectsOf(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	for _, s := range subjects {
		names := []subject.Subject{}
		for _, one := range c.Lists {
			if one.Of == s.Name {
				names = append(names, one.Lists)
			}
		}
		if c.Action == Withdraw {
			if names, err = without(ctx, tx, s.ID, names); err != nil {
				return err
			}
		}
		text, err := json.Marshal(names)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE subjects SET standing = ? WHERE id = ?`, string(text), s.ID); err != nil {
			return err
		}
	}
	return nil
}

// without is what stands on the list for a subject, without what is taken off.
func without(ctx context.Context, tx *sql.Tx, id int64, gone []subject.Subject) (left []subject.Subject, err error) {
	var text string
	if err := tx.QueryRowContext(ctx, `SELECT standing FROM subjects WHERE id = ?`, id).Scan(&text); err != nil {
		return nil, err
	}
	err = json.Unmarshal([]byte(text), &left)
	return slices.DeleteFunc(left, func(s subject.Subject) bool { return slices.Contains(gone, s) }), err
}

// replaces is the public reason for what a decision takes off the list without naming it.
func (c Case) replaces() map[string]string {
	if c.Action == List {
		return narrowed()
	}
	return c.Reason
}
