package takedown

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"khien/server/db"
	"khien/server/triage"
)

const (
	hour  = 60 * 60
	tenth = day / 10
)

// count counts a case as it stands, once more or once less.
func count(ctx context.Context, tx *sql.Tx, c Request, n int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO takedown_count (platform, state, hour, cases, asked, answered) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (platform, state, hour) DO UPDATE SET cases = takedown_count.cases + excluded.cases,
			asked = takedown_count.asked + excluded.asked, answered = takedown_count.answered + excluded.answered`,
		c.Platform, string(c.State), c.Due/hour, n, n*c.Asked, n*c.Answered)
	if err == nil && n < 0 {
		_, err = tx.ExecContext(ctx, `DELETE FROM takedown_count WHERE platform = ? AND state = ? AND hour = ? AND cases = 0`, c.Platform, string(c.State), c.Due/hour)
	}
	return err
}

// countAction counts how long a platform took, once more or once less.
func countAction(ctx context.Context, tx *sql.Tx, platform string, seconds int64, n int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO action_count (platform, tenths, actions) VALUES (?, ?, ?)
		ON CONFLICT (platform, tenths) DO UPDATE SET actions = action_count.actions + excluded.actions`, platform, (seconds+tenth/2)/tenth, n)
	return err
}

// Count is how many cases there are.
func (b *Store) Count(ctx context.Context, f Filter) (n int, err error) {
	where, args := f.where("hour > 0")
	if err := b.db.QueryRowContext(ctx, `SELECT coalesce(sum(cases), 0) FROM takedown_count`+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("couldn't count the takedown cases: %w", err)
	}
	return n, nil
}

// Overview is how it goes with one platform.
type Overview struct {
	Platform string
	Open     int     // cases in which somebody has to act
	Overdue  int     // of these, those past their due time
	Asked    int     // letters about something new
	Acted    int     // of these, those that the platform acted on
	Days     float64 // median days from the letter to the action, to a tenth; 0 where Acted is 0
}

// Share is the share of letters that the platform acted on, from 0 to 1.
func (o Overview) Share() float64 {
	if o.Asked == 0 {
		return 0
	}
	return float64(o.Acted) / float64(o.Asked)
}

// Overview tells of each platform that has cases, in the order of their names.
func (b *Store) Overview(ctx context.Context, now int64) ([]Overview, error) {
	list, err := b.overview(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("couldn't sum up the takedown cases: %w", err)
	}
	return list, nil
}

func (b *Store) overview(ctx context.Context, now int64) ([]Overview, error) {
	list, err := db.All(func(row db.Row) (o Overview, err error) {
		return o, row.Scan(&o.Platform, &o.Open, &o.Overdue, &o.Asked, &o.Acted)
	})(b.db.QueryContext(ctx, `SELECT platform, coalesce(sum(cases) FILTER (WHERE hour > 0), 0),
		coalesce(sum(cases) FILTER (WHERE hour > 0 AND hour < ?), 0), sum(asked), sum(answered) FROM takedown_count GROUP BY platform ORDER BY platform`, now/hour))
	if err != nil {
		return nil, err
	}
	at := map[string]*Overview{}
	for i := range list {
		at[list[i].Platform] = &list[i]
	}
	type some struct {
		platform string
		n        int
	}
	for one, err := range db.Each(func(row db.Row) (s some, err error) { return s, row.Scan(&s.platform, &s.n) })(
		b.db.QueryContext(ctx, `SELECT platform, count(*) FROM takedown WHERE place >= ? AND place < ? GROUP BY platform`, now/hour*hour, now)) {
		if err != nil {
			return nil, err
		}
		if o := at[one.platform]; o != nil {
			o.Overdue += one.n
		}
	}
	for i := range list {
		if list[i].Days, err = b.median(ctx, list[i].Platform); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// median is how many days a platform took in the middle of all times, or between the two in the middle.
func (b *Store) median(ctx context.Context, platform string) (days float64, err error) {
	type took struct{ tenths, actions int }
	list, err := db.All(func(row db.Row) (t took, err error) { return t, row.Scan(&t.tenths, &t.actions) })(
		b.db.QueryContext(ctx, `SELECT tenths, actions FROM action_count WHERE platform = ? ORDER BY tenths`, platform))
	all := 0
	for _, t := range list {
		all += t.actions
	}
	seen, sum := 0, 0
	for _, t := range list {
		for _, middle := range []int{(all - 1) / 2, all / 2} {
			if seen <= middle && middle < seen+t.actions {
				sum += t.tenths
			}
		}
		seen += t.actions
	}
	return float64(sum) / 20, err
}

// Miscounted counts all that numbers are kept of, and returns those that are wrong.
func (b *Store) Miscounted(ctx context.Context) ([]triage.Kept, error) {
	wrong, err := db.All(func(row db.Row) (k triage.Kept, err error) { return k, row.Scan(&k.Of, &k.Kept, &k.Counted) })(b.db.QueryContext(ctx, `
		SELECT of, sum(kept), sum(counted) FROM (
			SELECT 'takedown cases of ' || platform || ', ' || state AS of, cases AS kept, 0 AS counted FROM takedown_count
			UNION ALL SELECT 'takedown cases of ' || platform || ', ' || state, 0, 1 FROM takedown
			UNION ALL SELECT 'hours in which takedown cases of ' || platform || ' are due', hour * cases, 0 FROM takedown_count
			UNION ALL SELECT 'hours in which takedown cases of ' || platform || ' are due', 0, due / 3600 FROM takedown
			UNION ALL SELECT 'letters to ' || platform, asked, 0 FROM takedown_count
			UNION ALL SELECT 'letters to ' || platform, 0, asked FROM takedown
			UNION ALL SELECT 'answers of ' || platform, answered, 0 FROM takedown_count
			UNION ALL SELECT 'answers of ' || platform, 0, answered FROM takedown
			UNION ALL SELECT 'tenths of days that ' || platform || ' took', tenths * actions, 0 FROM action_count
			UNION ALL SELECT 'tenths of days that ' || platform || ' took', 0, (acted - sent + 4320) / 8640 FROM action
		) AS numbers GROUP BY of HAVING sum(kept) <> sum(counted) ORDER BY of`))
	if err != nil {
		return nil, fmt.Errorf("couldn't count the takedown cases: %w", err)
	}
	return wrong, nil
}

// Recount counts anew all that numbers are kept of.
func (b *Store) Recount(ctx context.Context) error {
	return b.db.Change(ctx, func(tx *sql.Tx) (err error) {
		for _, step := range []string{
			`DELETE FROM takedown_count`,
			`INSERT INTO takedown_count SELECT platform, state, due / 3600, count(*), sum(asked), sum(answered) FROM takedown GROUP BY platform, state, due / 3600`,
			`DELETE FROM action_count`,
			`INSERT INTO action_count SELECT platform, (acted - sent + 4320) / 8640, count(*) FROM action GROUP BY platform, (acted - sent + 4320) / 8640`,
		} {
			_, again := tx.ExecContext(ctx, step)
			err = errors.Join(err, again)
		}
		return err
	})
}
