package db

import (
	"database/sql"
	"slices"
	"testing"
	"testing/fstest"

	"khien/server/db/dbtest"
)

// However many rows there are, each is inserted once, in their order, and what is returned of each is told.
func TestManyRowsAreInserted(t *testing.T) {
	d, err := Open(dbtest.Place(t, "rows.db"), Tables{Package: "things", Files: fstest.MapFS{"tables/1.sql": {Data: []byte(
		"CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, n INTEGER NOT NULL) STRICT")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	next := 0
	for _, n := range []int{0, 1, 3, 511, 1300} {
		var rows [][]any
		for range n {
			rows = append(rows, []any{string(rune(0x4e00 + next)), next})
			next++
		}
		var ids []int64
		err := d.Change(t.Context(), func(tx *sql.Tx) error {
			return d.Insert(t.Context(), tx, `INSERT INTO thing (name, n)`, rows, `RETURNING id`, func(row Row) error {
				var id int64
				err := row.Scan(&id)
				ids = append(ids, id)
				return err
			})
		})
		if err != nil || len(ids) != n || !slices.IsSorted(ids) {
			t.Errorf("%d rows: %d ids, %v", n, len(ids), err)
		}
		err = d.Change(t.Context(), func(tx *sql.Tx) error {
			return d.Insert(t.Context(), tx, `INSERT INTO thing (name, n)`, rows, `ON CONFLICT (name) DO UPDATE SET n = thing.n + 1`, nil)
		})
		if err != nil {
			t.Error(err)
		}
	}
	var count, distinct, sum int
	if err := d.QueryRowContext(t.Context(), `SELECT count(*), count(DISTINCT name), sum(n) FROM thing`).Scan(&count, &distinct, &sum); err != nil {
		t.Fatal(err)
	}
	if want := next*(next-1)/2 + next; count != next || distinct != next || sum != want {
		t.Errorf("%d rows, %d names, a sum of %d; want %d and %d", count, distinct, sum, next, want)
	}
}
