package db

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"khien/server/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestAFileGrowsWithTheProgram(t *testing.T) {
	path := dbtest.Place(t, "state.db")
	first := fstest.MapFS{"tables/0001_things.sql": {Data: []byte("CREATE TABLE thing (name TEXT NOT NULL) STRICT")}}
	second := fstest.MapFS{
		"tables/0001_things.sql": first["tables/0001_things.sql"],
		"tables/0002_colour.sql": {Data: []byte("ALTER TABLE thing ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'")},
	}
	broken := fstest.MapFS{
		"tables/0001_things.sql": first["tables/0001_things.sql"], "tables/0002_colour.sql": second["tables/0002_colour.sql"],
		"tables/0003_broken.sql": {Data: []byte("CREATE TABLE half (a TEXT) STRICT; SELECT nonsense")},
	}

	db, err := Open(path, Tables{Package: "things", Files: first})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO thing VALUES ('shield')`); err != nil {
		t.Fatal(err)
	}
	db.Close()

	if _, err := Open(path, Tables{Package: "things", Files: broken}); err == nil || !strings.Contains(err.Error(), "0003_broken.sql") {
		t.Errorf("a broken migration: %v", err)
	}
	db, err = Open(path, Tables{Package: "things", Files: second})
	if err != nil {
		t.Fatal(err)
	}
	var colour string
	if err := db.QueryRowContext(t.Context(), `SELECT colour FROM thing WHERE name = 'shield'`).Scan(&colour); err != nil || colour != "grey" {
		t.Errorf("after the upgrade: %q, %v", colour, err)
	}
	if _, err := db.ExecContext(t.Context(), `SELECT * FROM half`); err == nil {
		t.Error("half of the broken migration stayed")
	}
	survives(t, db)
	db.Close()

	if _, err := Open(path, Tables{Package: "things", Files: first}); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("an older program on a newer file: %v", err)
	}
}

func survives(t *testing.T, d *DB) {
	t.Helper()
	ask, want := `SELECT journal_mode || synchronous FROM pragma_journal_mode, pragma_synchronous`, "wal2"
	if dbtest.OnPostgres {
		ask, want = `SELECT current_setting('synchronous_commit')`, "on"
	}
	var got string
	if err := d.write.QueryRow(ask).Scan(&got); err != nil || got != want {
		t.Errorf("durable is %s and not %s (%v): a commit would not survive the loss of power", got, want, err)
	}
}

// Who reads sees what is committed, and waits for no writer; what a change has written its own reading sees.
func TestReadingWaitsForNoWriter(t *testing.T) {
	d, err := Open(dbtest.Place(t, "state.db"), Tables{Package: "things", Files: fstest.MapFS{"tables/0001_things.sql": {Data: []byte("CREATE TABLE thing (name TEXT NOT NULL) STRICT")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	names := func(from Reader) []string {
		t.Helper()
		list, err := All(func(row Row) (name string, err error) { return name, row.Scan(&name) })(from.QueryContext(t.Context(), `SELECT name FROM thing ORDER BY name`))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	stopped := errors.New("stopped")
	for _, end := range []error{stopped, nil} {
		err := d.Change(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.Exec(`INSERT INTO thing VALUES ('shield')`); err != nil {
				return err
			}
			if got := names(tx); len(got) != 1 {
				t.Errorf("the change itself reads %v", got)
			}
			if got := names(d); len(got) != 0 {
				t.Errorf("others read %v before it is committed", got)
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	if got := names(d); len(got) != 1 {
		t.Errorf("afterwards there is %v", got)
	}
	if err := d.QueryRowContext(t.Context(), `INSERT INTO thing VALUES ('sword') RETURNING name`).Scan(new(string)); err == nil {
		t.Error("what only reads has written")
	}
}

// What somebody sent is no text. It hurts nothing that is changed beside.
func TestWhatIsNoTextIsKept(t *testing.T) {
	d, err := Open(dbtest.Place(t, "state.db"), Tables{Package: "things", Files: fstest.MapFS{"tables/0001_things.sql": {Data: []byte("CREATE TABLE thing (name TEXT NOT NULL) STRICT")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range []string{"a\x00b", "a\xffb", "a\xed\xa0\x80b"} {
		if _, err := d.ExecContext(t.Context(), `INSERT INTO thing VALUES (?)`, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	var n int
	if err := d.QueryRowContext(t.Context(), `SELECT count(*) FROM thing`).Scan(&n); err != nil || n != 3 {
		t.Errorf("%d are kept, %v", n, err)
	}
}
