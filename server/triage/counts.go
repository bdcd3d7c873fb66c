package triage

import (
	"context"
	"database/sql"
	"fmt"

	"khien/server/db"
)

// Where a case stands in the queue. What is open comes in the order of the score, what is proposed the longest waiting first, and the rest
// the newest first; a case about nothing but appeals is in no part.
const (
	thePart = `CASE WHEN state = 'open' AND expired > 0 THEN 'left' WHEN state = 'open' AND reports = 0 AND appeals > 0 THEN ''
		WHEN state = 'open' AND protected = 1 THEN 'protected' WHEN state IN ('open', 'asked', 'proposed') THEN state WHEN state = 'merged' THEN ''
		WHEN settled = 1 THEN 'done' WHEN published = 0 THEN 'decided' ELSE '' END`
	thePlace = `CASE WHEN state = 'open' AND expired > 0 THEN -expired * 1000 - CAST(score AS INTEGER) WHEN state = 'open' THEN -CAST(score * 1000000 AS INTEGER)
		WHEN state = 'proposed' THEN changed ELSE -changed END`
	isObjected = `CASE WHEN appeals > 0 THEN 1 ELSE 0 END`
	// moved are the cases that a change has moved; an index has this very term.
	moved = `(CASE WHEN part <> ` + thePart + ` OR place <> ` + thePlace + ` OR objected <> ` + isObjected + ` THEN 1 ELSE 0 END) = 1`
)

// count brings the places of all cases that a change has moved up to date, and how many each part has.
func count(ctx context.Context, tx *sql.Tx) error {
	type step struct {
		from, to   Part
		was, is, n int
	}
	steps, err := db.All(func(row db.Row) (s step, err error) {
		return s, row.Scan(&s.from, &s.to, &s.was, &s.is, &s.n)
	})(tx.QueryContext(ctx, `SELECT part, part_now, objected, objected_now, count(*) FROM
		(SELECT part, `+thePart+` AS part_now, objected, `+isObjected+` AS objected_now FROM cases WHERE `+moved+`) AS moves GROUP BY part, part_now, objected, objected_now`))
	if err != nil || len(steps) == 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET part = `+thePart+`, place = `+thePlace+`, objected = `+isObjected+` WHERE `+moved); err != nil {
		return err
	}
	change := map[Part]int{}
	for _, s := range steps {
		change[s.from] -= s.n
		change[s.to] += s.n
		change[PartAppealed] += (s.is - s.was) * s.n
	}
	delete(change, "")
	for part, n := range change {
		_, err := tx.ExecContext(ctx, `INSERT INTO case_count (part, cases) VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET cases = case_count.cases + excluded.cases`, part, n)
		if err != nil {
			return err
		}
	}
	return nil
}

// Counts are how many cases there are in each part of the queue.
func (d *Desk) Counts(ctx context.Context) (map[Part]int, error) {
	counts := map[Part]int{}
	for one, err := range db.Each(scanCount)(d.db.QueryContext(ctx, `SELECT part, cases FROM case_count`)) {
		if err != nil {
			return nil, fmt.Errorf("couldn't read how many cases there are: %w", err)
		}
		counts[one.part] = one.cases
	}
	return counts, nil
}

type partCount struct {
	part  Part
	cases int
}

func scanCount(row db.Row) (c partCount, err error) { return c, row.Scan(&c.part, &c.cases) }

// Kept is a number that is kept, where what it stands for gives another one.
type Kept struct {
	Of            string
	Kept, Counted int
}

func (k Kept) String() string {
	return fmt.Sprintf("%s: %d are kept, %d counted", k.Of, k.Kept, k.Counted)
}

// Miscounted counts all that numbers are kept of, and returns those that are wrong: none, unless somebody has changed the database by hand.
func (d *Desk) Miscounted(ctx context.Context) ([]Kept, error) {
	wrong, err := db.All(func(row db.Row) (k Kept, err error) { return k, row.Scan(&k.Of, &k.Kept, &k.Counted) })(d.db.QueryContext(ctx, `
		SELECT of, sum(kept), sum(counted) FROM (
			SELECT 'cases in ' || part AS of, cases AS kept, 0 AS counted FROM case_count
			UNION ALL SELECT 'cases in ' || part, 0, count(*) FROM (SELECT `+thePart+` AS part FROM cases) AS parts WHERE part <> '' GROUP BY part
			UNION ALL SELECT 'cases in appealed', 0, count(*) FROM cases WHERE appeals > 0
			UNION ALL SELECT 'cases elsewhere than in their place', 0, count(*) FROM cases WHERE `+moved+`
		) AS numbers GROUP BY of HAVING sum(kept) <> sum(counted) ORDER BY of`))
	if err != nil {
		return nil, fmt.Errorf("couldn't count the cases: %w", err)
	}
	return wrong, nil
}

// Recount counts anew all that numbers are kept of.
func (d *Desk) Recount(ctx context.Context) error {
	return d.db.Change(ctx, func(tx *sql.Tx) error {
		for _, step := range []string{
			`UPDATE cases SET part = '', place = 0, objected = 0`,
			`DELETE FROM case_count`,
		} {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		return count(ctx, tx)
	})
}
