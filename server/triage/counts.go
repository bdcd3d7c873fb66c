package triage

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"khien/server/db"
	"khien/shared/subject"
)

// Where a case stands in the queue. What is open comes in the order of the score, what is proposed the longest waiting
// first, and the rest the newest first; a case about nothing but appeals is in no part.
const (
	thePart = `CASE WHEN state = 'open' AND expired > 0 THEN 'left' WHEN state = 'open' AND reports = 0 AND named = 0 AND appeals > 0 THEN ''
		WHEN state = 'open' AND protected = 1 THEN 'protected' WHEN state IN ('open', 'asked', 'proposed') THEN state WHEN state = 'merged' THEN ''
		WHEN settled = 1 THEN 'done' WHEN published = 0 THEN 'decided' ELSE '' END`
	thePlace = `CASE WHEN state = 'open' AND expired > 0 THEN -expired * 1000 - CAST(score AS BIGINT) WHEN state = 'open' THEN -CAST(score * 1000000 AS BIGINT)
		WHEN state = 'proposed' THEN changed ELSE -changed END`
	isObjected = `CASE WHEN appeals > 0 THEN 1 ELSE 0 END`
	isSourced  = `CASE WHEN state = 'open' AND expired = 0 AND named > 0 THEN 1 ELSE 0 END`
	// moved are the cases that a change has moved; an index has this very term.
	moved = `(CASE WHEN part <> ` + thePart + ` OR place <> ` + thePlace + ` OR objected <> ` + isObjected + ` OR sourced <> ` + isSourced + ` THEN 1 ELSE 0 END) = 1`
)

// count brings all that is kept up to date with what a change has done.
func count(ctx context.Context, tx *sql.Tx) error {
	if err := countCases(ctx, tx); err != nil {
		return err
	}
	return countSorts(ctx, tx)
}

// countCases finds the places of the cases that have moved, and how many each part has.
func countCases(ctx context.Context, tx *sql.Tx) error {
	type step struct {
		from, to    Part
		was, is, n  int
		before, now int // from sources
	}
	steps, err := db.All(func(row db.Row) (s step, err error) {
		return s, row.Scan(&s.from, &s.to, &s.was, &s.is, &s.before, &s.now, &s.n)
	})(tx.QueryContext(ctx, `SELECT part, part_now, objected, objected_now, sourced, sourced_now, count(*) FROM
		(SELECT part, `+thePart+` AS part_now, objected, `+isObjected+` AS objected_now, sourced, `+isSourced+` AS sourced_now FROM cases WHERE `+moved+`) AS moves
		GROUP BY part, part_now, objected, objected_now, sourced, sourced_now`))
	if err != nil || len(steps) == 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET part = `+thePart+`, place = `+thePlace+`, objected = `+isObjected+`, sourced = `+isSourced+` WHERE `+moved); err != nil {
		return err
	}
	change := map[Part]int{}
	for _, s := range steps {
		change[s.from] -= s.n
		change[s.to] += s.n
		change[PartAppealed] += (s.is - s.was) * s.n
		change[PartSourced] += (s.now - s.before) * s.n
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

// Sort is what stands before the colon of an account or a number, such as "facebook" or "phone"; "host/" or "page/" of
// the web.
func Sort(s subject.Subject) string {
	if s.IsAccount() {
		sort, _, _ := strings.Cut(string(s), ":")
		return sort
	}
	if strings.Index(string(s), "/") == len(s)-1 {
		return "host/"
	}
	return "page/"
}

// uncounted are the subjects with reports that are not counted by sort yet.
const uncounted = `(CASE WHEN counted <> reports THEN 1 ELSE 0 END) = 1`

// countSorts counts reports by what they are about. What there is from before that was kept is counted so many subjects
// at a time.
func countSorts(ctx context.Context, tx *sql.Tx) error {
	const most = 20_000
	type more struct {
		id, n int64
		name  subject.Subject
	}
	subjects, err := db.All(func(row db.Row) (m more, err error) {
		return m, row.Scan(&m.id, &m.name, &m.n)
	})(tx.QueryContext(ctx, `SELECT id, name, reports - counted FROM subjects WHERE `+uncounted+` LIMIT ?`, most))
	if err != nil {
		return err
	}
	if len(subjects) == 0 {
		return nil
	}
	sorts, ids := map[string]int64{}, make([]int64, len(subjects))
	for i, one := range subjects {
		sorts[Sort(one.name)] += one.n
		ids[i] = one.id
	}
	if _, err := tx.ExecContext(ctx, `UPDATE subjects SET counted = reports WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, jsonText(ids)); err != nil {
		return err
	}
	for sort, n := range sorts {
		if err := addSort(ctx, tx, sort, n); err != nil {
			return err
		}
	}
	return nil
}

func addSort(ctx context.Context, tx *sql.Tx, sort string, n int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO sort_count (sort, reports) VALUES (?, ?) ON CONFLICT (sort) DO UPDATE SET reports = sort_count.reports + excluded.reports`, sort, n)
	return err
}

// resort has the reports of a subject counted anew that is about to get another name.
func resort(ctx context.Context, tx *sql.Tx, id int64) error {
	var name subject.Subject
	var n int64
	if err := tx.QueryRowContext(ctx, `SELECT name, counted FROM subjects WHERE id = ?`, id).Scan(&name, &n); err != nil {
		return err
	}
	if err := addSort(ctx, tx, Sort(name), -n); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE subjects SET counted = 0 WHERE id = ?`, id)
	return err
}

// tally is how many reports there are of one day, kind and category.
type tally map[arrival]int

type arrival struct {
	day            int64
	kind, category string
}

func (t tally) add(received int64, kind, category string, n int) {
	t[arrival{(received + zoneOffset) / day, kind, category}] += n
}

func (t tally) write(ctx context.Context, tx *sql.Tx) error {
	for at, n := range t {
		_, err := tx.ExecContext(ctx, `INSERT INTO report_count (day, kind, category, reports) VALUES (?, ?, ?, ?)
			ON CONFLICT (day, kind, category) DO UPDATE SET reports = report_count.reports + excluded.reports`, at.day, at.kind, at.category, n)
		if err != nil {
			return err
		}
	}
	return nil
}

// recountDays counts the reports of a subject by day anew, after some of them have come or gone.
func recountDays(ctx context.Context, tx *sql.Tx, of int64) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM subject_day WHERE subject = ?`, of); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO subject_day SELECT subject, received / 86400, count(*) FROM members WHERE subject = ? GROUP BY subject, received / 86400`, of)
	return err
}

// Day is how many reports came on one day, in UTC.
type Day struct {
	Start   int64 // Unix seconds
	Reports int
}

// Days counts the reports of a case by day, the oldest first: those of so many days up to the newest report.
func (d *Desk) Days(ctx context.Context, id int64, last int) ([]Day, error) {
	days, err := db.All(func(row db.Row) (one Day, err error) {
		return one, row.Scan(&one.Start, &one.Reports)
	})(d.db.QueryContext(ctx, `SELECT day * 86400, sum(subject_day.reports) FROM subjects JOIN subject_day ON subject = subjects.id
		WHERE case_id = ?1 AND day > (SELECT max(latest) FROM subjects WHERE case_id = ?1) / 86400 - ?2 GROUP BY day ORDER BY day`, id, last))
	if err != nil {
		return nil, fmt.Errorf("couldn't count the reports of case %d: %w", id, err)
	}
	return days, nil
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

// Miscounted counts all that numbers are kept of, and returns those that are wrong: none, unless somebody has changed
// the database by hand.
func (d *Desk) Miscounted(ctx context.Context) ([]Kept, error) {
	wrong, err := db.All(func(row db.Row) (k Kept, err error) { return k, row.Scan(&k.Of, &k.Kept, &k.Counted) })(d.db.QueryContext(ctx, `
		SELECT of, sum(kept), sum(counted) FROM (
			SELECT 'cases in ' || part AS of, cases AS kept, 0 AS counted FROM case_count
			UNION ALL SELECT 'cases in ' || part, 0, count(*) FROM (SELECT `+thePart+` AS part FROM cases) AS parts WHERE part <> '' GROUP BY part
			UNION ALL SELECT 'cases in appealed', 0, count(*) FROM cases WHERE appeals > 0
			UNION ALL SELECT 'cases in sourced', 0, count(*) FROM (SELECT `+isSourced+` AS sourced FROM cases) AS named WHERE sourced = 1
			UNION ALL SELECT 'reports of day ' || day || ', ' || kind || ', ' || category, reports, 0 FROM report_count
			UNION ALL SELECT 'reports of day ' || day || ', ' || kind || ', ' || category, 0, count(*) FROM
				(SELECT (received + 25200) / 86400 AS day, kind, category FROM members) AS arrivals GROUP BY day, kind, category
			UNION ALL SELECT 'objections that wait, by subject', unanswered, 0 FROM subjects
			UNION ALL SELECT 'objections that wait, by subject', 0, 1 FROM members WHERE kind = 'mistake' AND answered = 0
			UNION ALL SELECT 'objections that wait, by subject', 0, waits FROM raised
			UNION ALL SELECT 'reports by sort', reports, 0 FROM sort_count
			UNION ALL SELECT 'reports by sort', 0, counted FROM subjects
			UNION ALL SELECT 'days of a subject with another number of reports', 0, count(*) FROM (SELECT 1 FROM
				(SELECT subject, day, reports FROM subject_day UNION ALL SELECT subject, received / 86400, -1 FROM members) AS days
				GROUP BY subject, day HAVING sum(reports) <> 0) AS wrong
			UNION ALL SELECT 'cases elsewhere than in their place', 0, count(*) FROM cases WHERE `+moved+`
		) AS numbers GROUP BY of HAVING sum(kept) <> sum(counted) ORDER BY of`))
	if err != nil {
		return nil, fmt.Errorf("couldn't count the cases: %w", err)
	}
	return wrong, nil
}

// Recount counts anew all that numbers are kept of.
func (d *Desk) Recount(ctx context.Context) error {
	return d.change(ctx, func(tx *sql.Tx) error {
		for _, step := range []string{
			`UPDATE cases SET part = '', place = 0, objected = 0, sourced = 0`,
			`DELETE FROM case_count`,
			`DELETE FROM report_count`,
			`INSERT INTO report_count SELECT (received + 25200) / 86400, kind, category, count(*) FROM members GROUP BY (received + 25200) / 86400, kind, category`,
			`DELETE FROM subject_day`,
			`INSERT INTO subject_day SELECT subject, received / 86400, count(*) FROM members GROUP BY subject, received / 86400`,
			`UPDATE subjects SET counted = 0, unanswered = (SELECT count(*) FROM members WHERE subject = subjects.id AND kind = 'mistake' AND answered = 0)
				+ (SELECT coalesce(sum(waits), 0) FROM raised WHERE subject = subjects.id)`,
			`DELETE FROM sort_count`,
		} {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		return nil
	})
}
