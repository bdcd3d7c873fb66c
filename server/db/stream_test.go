package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"khien/server/db/dbtest"
)

// A long list is read where it lies: what is committed, and in a change what that has written; whoever has enough, or
// has no time any more, leaves the connection as it was.
func TestALongListIsRead(t *testing.T) {
	d, err := Open(dbtest.Place(t, "state.db"), Tables{Package: "things", Files: fstest.MapFS{"tables/1.sql": {Data: []byte("CREATE TABLE thing (name TEXT NOT NULL, size INTEGER NOT NULL) STRICT")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	read := func(ctx context.Context, from Reader, most int, args ...any) string {
		var rows []string
		for v, err := range Stream(ctx, from, `SELECT name, size FROM thing WHERE size > ? AND name <> ? ORDER BY size`, args...) {
			if err != nil {
				return err.Error()
			}
			if rows = append(rows, fmt.Sprintf("%s %d", v.Text(0), v.Int(1))); len(rows) == most {
				break
			}
		}
		return strings.Join(rows, ", ")
	}
	f := func(ctx context.Context, from Reader, most int, want string) {
		t.Helper()
		if got := read(ctx, from, most, int64(-9), "no"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for range 20 { // there are fewer connections
		f(t.Context(), d, 9, "")
		f(ended, d, 9, context.Canceled.Error())
	}
	stop := errors.New("not that")
	err = d.Change(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.Exec(`INSERT INTO thing VALUES ('', -1), ('giới ''thiệu', 1), ('b', 9007199254740993), ('no', 3)`); err != nil {
			return err
		}
		f(t.Context(), tx, 9, " -1, giới 'thiệu 1, b 9007199254740993")
		f(t.Context(), d, 9, "")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		f(t.Context(), d, 1, " -1")
		f(t.Context(), d, 9, " -1, giới 'thiệu 1, b 9007199254740993")
	}
	if got := read(t.Context(), d, 9, "x", stop); got == "" || strings.HasPrefix(got, " -1") {
		t.Errorf("arguments that are none: %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n, last := 0, error(nil)
	for _, err := range Stream(ctx, d, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000000) SELECT i FROM n`) {
		if n++; n == 10 {
			cancel()
		}
		last = err
	}
	if n > 5_000_000 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d rows after the end, and %v", n, last)
	}
	f(t.Context(), d, 1, " -1")
}
