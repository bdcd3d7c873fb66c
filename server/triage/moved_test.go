package triage

import (
	"database/sql"
	"strings"
	"testing"

	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/ledger"
	"khien/server/office/officetest"
)

// Each change asks which cases it has moved and which subjects are not counted yet. Both engines answer out of an index,
// which they use for the very same term alone: else every change would read the whole office.
func TestWhatAChangeMovesIsFoundByAnIndex(t *testing.T) {
	base := officetest.Open(t, ledger.Tables, Tables)
	for query, index := range map[string]string{
		`SELECT id FROM cases WHERE ` + moved:           "cases_moved",
		`SELECT id FROM subjects WHERE ` + uncounted:    "subjects_uncounted",
		`UPDATE cases SET place = 0 WHERE ` + moved:     "cases_moved",
		`SELECT id FROM cases WHERE stale = 1 LIMIT 10`: "cases_stale",
	} {
		var plan []string
		if err := base.Change(t.Context(), func(tx *sql.Tx) (err error) {
			explain := `EXPLAIN QUERY PLAN `
			scan := func(row db.Row) (step string, err error) {
				var id, parent, unused int
				return step, row.Scan(&id, &parent, &unused, &step)
			}
			if dbtest.OnPostgres {
				explain, scan = `EXPLAIN `, func(row db.Row) (step string, err error) { return step, row.Scan(&step) }
				for _, way := range []string{"seqscan", "bitmapscan"} { // which are as good where there is next to nothing
					if _, err := tx.ExecContext(t.Context(), `SET LOCAL enable_`+way+` = off`); err != nil {
						return err
					}
				}
			}
			plan, err = db.All(scan)(tx.QueryContext(t.Context(), explain+query))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(plan, "\n"), index) || strings.Contains(strings.Join(plan, "\n"), "Filter") {
			t.Errorf("%s\n%s", query, strings.Join(plan, "\n"))
		}
	}
}
