package triage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"khien/shared/subject"
)

// Progress is how far the case of one report has come.
type Progress struct {
	Case     int64
	State    State
	Seen     int64 // Unix seconds when a person first opened the case; 0 before
	Changed  int64 // Unix seconds of the last decision
	Released int64 // Unix seconds of the release that has the decision; 0 before
	Ruling
}

// Progress tells how far the case of a report has come, by the report's id, or ErrNotFound while it is not gathered.
func (d *Desk) Progress(ctx context.Context, report []byte) (Progress, error) {
	var p Progress
	var reason string
	err := d.db.QueryRowContext(ctx, `SELECT id, state, seen, changed, released, action, lists, reason, lapses, decided, seconded, settled, published
		FROM cases WHERE id = (SELECT case_id FROM members WHERE id = ?)`, report).
		Scan(&p.Case, &p.State, &p.Seen, &p.Changed, &p.Released, &p.Action, &p.Lists, &reason, &p.Lapses, &p.Decided, &p.Seconded, &p.Settled, &p.Published)
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal([]byte(reason), &p.Reason)
	}
	if err != nil {
		return p, fmt.Errorf("couldn't read how far a case has come: %w", err)
	}
	return p, nil
}

// Seen notes that a person has opened a case, the first time.
func (d *Desk) Seen(ctx context.Context, id int64) error {
	if _, err := d.db.ExecContext(ctx, `UPDATE cases SET seen = ? WHERE id = ? AND seen = 0`, d.now(), id); err != nil {
		return fmt.Errorf("couldn't note that case %d was opened: %w", id, err)
	}
	return nil
}

// Pictured notes that a report, by its id, has a picture, which counts as evidence.
func (d *Desk) Pictured(ctx context.Context, report []byte) error {
	err := d.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO pictures (report) VALUES (?) ON CONFLICT DO NOTHING`, report); err != nil {
			return err
		}
		var id int64
		err := tx.QueryRowContext(ctx, `UPDATE members SET noted = 1 WHERE id = ? AND noted = 0 RETURNING case_id`, report).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // not gathered yet, or counted already
		}
		if err == nil {
			err = recount(ctx, tx, id)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("couldn't note a picture: %w", err)
	}
	return nil
}

// Kin is a case whose reported pages lead to the same place as another's: perhaps the same kit, by the same people.
type Kin struct {
	Case
	Targets []subject.Subject // that both lead to, the rarest first
}

const (
	// maxKin is to how many cases a target may belong that still tells them apart from all others. What more pages
	// lead to is an advertiser, a counter or a shop for everybody.
	maxKin = 20
	// maxLeading bounds the reports of a case whose links are kept.
	maxLeading = 200
)

// Kin returns the cases that share a rare target with this one, those with the most shared targets first. They are
// suggested and not joined by themselves: what a page leads to is what whoever reported it says, and each page of a kit is listed for itself.
func (d *Desk) Kin(ctx context.Context, id int64) ([]Kin, error) {
	fail := func(err error) ([]Kin, error) {
		return nil, fmt.Errorf("couldn't read what is like case %d: %w", id, err)
	}
	rows, err := d.db.QueryContext(ctx, `
		WITH mine AS (SELECT DISTINCT target FROM leads JOIN members USING (report) WHERE case_id = ?1),
		     shared AS (SELECT DISTINCT target, case_id FROM mine JOIN leads USING (target) JOIN members USING (report)),
		     rare AS (SELECT target, count(*) AS cases FROM shared GROUP BY target HAVING count(*) BETWEEN 2 AND ?2)
		SELECT case_id, target FROM shared JOIN rare USING (target) WHERE case_id <> ?1
		ORDER BY count(*) OVER (PARTITION BY case_id) DESC, case_id, cases, target`, id, maxKin)
	if err != nil {
		return fail(err)
	}
	defer rows.Close()
	var kin []Kin
	for rows.Next() {
		var other int64
		var target subject.Subject
		if err := rows.Scan(&other, &target); err != nil {
			return fail(err)
		}
		if len(kin) == 0 || kin[len(kin)-1].ID != other {
			kin = append(kin, Kin{Case: Case{ID: other}})
		}
		last := &kin[len(kin)-1]
		last.Targets = append(last.Targets, target)
	}
	if err := rows.Err(); err != nil {
		return fail(err)
	}
	rows.Close()
	for i := range kin {
		if kin[i].Case, err = get(ctx, d.db, kin[i].ID); err != nil {
			return fail(err)
		}
	}
	return kin, nil
}
