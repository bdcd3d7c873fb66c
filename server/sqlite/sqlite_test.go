package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestAFileGrowsWithTheProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	first := fstest.MapFS{"0001_things.sql": {Data: []byte("CREATE TABLE thing (name TEXT NOT NULL) STRICT")}}
	second := fstest.MapFS{
		"0001_things.sql": first["0001_things.sql"],
		"0002_colour.sql": {Data: []byte("ALTER TABLE thing ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'")},
	}
	broken := fstest.MapFS{
		"0001_things.sql": first["0001_things.sql"], "0002_colour.sql": second["0002_colour.sql"],
		"0003_broken.sql": {Data: []byte("CREATE TABLE half (a TEXT) STRICT; SELECT nonsense")},
	}

	db, err := Open(path, first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO thing VALUES ('shield')`); err != nil {
		t.Fatal(err)
	}
	db.Close()

	if _, err := Open(path, broken); err == nil || !strings.Contains(err.Error(), "0003_broken.sql") {
		t.Errorf("a broken migration: %v", err)
	}
	db, err = Open(path, second)
	if err != nil {
		t.Fatal(err)
	}
	var colour string
	if err := db.QueryRow(`SELECT colour FROM thing WHERE name = 'shield'`).Scan(&colour); err != nil || colour != "grey" {
		t.Errorf("after the upgrade: %q, %v", colour, err)
	}
	if _, err := db.Exec(`SELECT * FROM half`); err == nil {
		t.Error("half of the broken migration stayed")
	}
	var mode string
	var synchronous int
	db.QueryRow(`PRAGMA journal_mode`).Scan(&mode)
	db.QueryRow(`PRAGMA synchronous`).Scan(&synchronous)
	if mode != "wal" || synchronous != 2 {
		t.Errorf("journal_mode %s, synchronous %d: a commit would not survive a loss of power", mode, synchronous)
	}
	db.Close()

	if _, err := Open(path, first); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("an older program on a newer file: %v", err)
	}
}
