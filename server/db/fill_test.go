package db

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"khien/server/db/dbtest"
)

// All kinds of values that there are, rows that refer to later ones, what a new database begins with, and numbers that
// were given and are gone.
var odd = Tables{Package: "odd", Files: fstest.MapFS{"tables/0001_odd.sql": {Data: []byte(`
CREATE TABLE thing (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    "by"  TEXT    NOT NULL,
    bytes BLOB,
    size  REAL    NOT NULL,
    of    INTEGER REFERENCES thing (id)
) STRICT;
CREATE TABLE part (thing INTEGER NOT NULL REFERENCES thing (id), name TEXT NOT NULL, PRIMARY KEY (thing, name)) STRICT, WITHOUT ROWID;
CREATE TABLE began (n INTEGER NOT NULL) STRICT;
INSERT INTO began (n) VALUES (1);`)}}}

func filledOdd(t *testing.T, place string) *DB {
	t.Helper()
	d, err := Open(place, odd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	for _, statement := range []string{
		`INSERT INTO thing ("by", bytes, size, of) VALUES ('mai', NULL, 0.1, NULL), ('quà "tặng"', NULL, -1e300, NULL), ('', NULL, 0, 1), ('gone', NULL, 0, NULL)`,
		`UPDATE thing SET of = 3 WHERE id = 1`, `DELETE FROM thing WHERE id = 4`, `INSERT INTO part (thing, name) VALUES (3, 'a'), (1, 'b')`, `UPDATE began SET n = 7`,
	} {
		if _, err := d.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if _, err := d.ExecContext(t.Context(), `UPDATE thing SET bytes = ? WHERE id = 2`, []byte{0, 255, '\n'}); err != nil {
		t.Fatal(err)
	}
	return d
}

// From each engine to each, what is read is the same, and the next number is one that nobody had.
func TestADatabaseIsFilledFromAnother(t *testing.T) {
	here := func(name string) string { return filepath.Join(t.TempDir(), name) }
	for what, places := range map[string][2]string{
		"a file from a file": {here("a.db"), here("b.db")}, "PostgreSQL from a file": {here("c.db"), dbtest.Postgres(t)},
		"a file from PostgreSQL": {dbtest.Postgres(t), here("d.db")}, "PostgreSQL from PostgreSQL": {dbtest.Postgres(t), dbtest.Postgres(t)},
	} {
		from := filledOdd(t, places[0])
		to, err := Open(places[1], odd)
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		if err := to.Fill(t.Context(), from, func(int64) {}); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		list := func(d *DB) string {
			rows, err := All(func(row Row) (string, error) {
				var id, began int64
				var by, part string
				var bytes []byte
				var size float64
				var of *int64
				err := row.Scan(&id, &by, &bytes, &size, &of, &part, &began)
				return fmt.Sprint(id, by, bytes, size, of != nil && *of == 3, part, began), err
			})(d.QueryContext(t.Context(), `SELECT id, "by", bytes, size, of, coalesce(name, ''), n FROM began, thing LEFT JOIN part ON thing = id ORDER BY id`))
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(rows, "\n")
		}
		if was, is := list(from), list(to); was != is || strings.Count(is, "\n") != 2 {
			t.Errorf("%s: of\n%s\nit has\n%s", what, was, is)
		}
		var next int64
		if _, err := to.ExecContext(t.Context(), `INSERT INTO thing ("by", size) VALUES ('next', 0)`); err != nil {
			t.Fatal(err)
		}
		if err := to.QueryRowContext(t.Context(), `SELECT id FROM thing WHERE "by" = 'next'`).Scan(&next); err != nil || next != 5 {
			t.Errorf("%s: the next number is %d, %v", what, next, err)
		}
	}
}

// A row that the other engine does not take, or takes otherwise, stops it, and nothing is there.
func TestWhatWouldNotBeTheSameIsRefused(t *testing.T) {
	changes := Tables{Package: "odd", Files: fstest.MapFS{
		"tables/0001_odd.sql": odd.Files.(fstest.MapFS)["tables/0001_odd.sql"],
		"tables/0002_changes.sql": {Data: []byte(`CREATE TRIGGER changes AFTER INSERT ON part WHEN NEW.name = 'b' BEGIN UPDATE thing SET size = 5 WHERE id = NEW.thing; END;
			CREATE TRIGGER doubles AFTER INSERT ON began WHEN NEW.n = 7 BEGIN INSERT INTO began (n) VALUES (8); END;`)},
	}}
	for what, of := range map[string]struct {
		tables    Tables
		statement string
		says      string
	}{
		"a row that is refused": {odd, `PRAGMA foreign_keys = OFF; INSERT INTO part (thing, name) VALUES (99, 'of nothing')`, "couldn't copy the table part"},
		"a row more":            {changes, `UPDATE began SET n = 7`, "the table began would not be the same: it has 1 rows, and 2 were copied"},
	} {
		place := filepath.Join(t.TempDir(), "odd.db")
		from := filledOdd(t, place)
		if _, err := from.write.ExecContext(t.Context(), of.statement); err != nil {
			t.Fatal(err)
		}
		to, err := Open(dbtest.Postgres(t), of.tables)
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		if err := to.Fill(t.Context(), from, func(int64) {}); err == nil || !strings.Contains(err.Error(), of.says) {
			t.Errorf("%s: %v", what, err)
		}
		var rows, began int
		if err := to.QueryRowContext(t.Context(), `SELECT count(*), (SELECT n FROM began) FROM thing`).Scan(&rows, &began); err != nil || rows != 0 || began != 1 {
			t.Errorf("%s: there are %d rows, and it began with %d, %v", what, rows, began, err)
		}
	}
}

// What an earlier program took into a file though it is no text stops no move.
func TestWhatIsNoTextMovesAsTheSignForIt(t *testing.T) {
	from := filledOdd(t, filepath.Join(t.TempDir(), "odd.db"))
	if _, err := from.ExecContext(t.Context(), `UPDATE thing SET "by" = CAST(x'6100ff' AS TEXT) WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	to, err := Open(dbtest.Postgres(t), odd)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if err := to.Fill(t.Context(), from, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	var by string
	if err := to.QueryRowContext(t.Context(), `SELECT "by" FROM thing WHERE id = 1`).Scan(&by); err != nil || by != "a\uFFFD\uFFFD" {
		t.Errorf("%q, %v", by, err)
	}
}
