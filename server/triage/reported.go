package triage

import (
	"context"
	"fmt"
)

// Reported is how many reports of scams there were, ever.
type Reported struct {
	Categories map[string]int // by the slug that they name; "" for none
	Sorts      map[string]int // by what they are about, whichever case that is in: "facebook", "phone" and so on, or "host/" or "page/" of the web
}

// Reported counts the reports of scams by category and by what they are about.
func (d *Desk) Reported(ctx context.Context) (Reported, error) {
	r := Reported{map[string]int{}, map[string]int{}}
	for query, into := range map[string]map[string]int{
		`SELECT category, sum(reports) FROM report_count WHERE kind = 'scam' GROUP BY category`: r.Categories,
		`SELECT sort, reports FROM sort_count WHERE reports > 0`:                                r.Sorts,
	} {
		rows, err := d.db.QueryContext(ctx, query)
		if err != nil {
			return r, fmt.Errorf("couldn't count the reports: %w", err)
		}
		for rows.Next() {
			var name string
			var n int
			if err := rows.Scan(&name, &n); err != nil {
				rows.Close()
				return r, err
			}
			into[name] = n
		}
		if err := rows.Err(); err != nil {
			return r, err
		}
	}
	return r, nil
}
