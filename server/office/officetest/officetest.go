// Package officetest has databases for the tests of those who keep their tables in the office's.
package officetest

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"khien/server/db"
	"khien/server/db/dbtest"
)

// Open makes a database with these tables, which is closed when the test ends.
func Open(t testing.TB, all ...db.Tables) *db.DB {
	t.Helper()
	place := dbtest.Place(t, "office.db")
	if !dbtest.OnPostgres {
		if err := os.WriteFile(place, empty(t, all), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := db.Open(place, all...)
	if err != nil {
		t.Fatal(err)
	}
	if dbtest.OnPostgres {
		d.Folder = t.TempDir()
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// made are files with tables in which there is nothing yet: to run what makes them takes longer than most tests.
var made = struct {
	sync.Mutex
	files map[string][]byte
}{files: map[string][]byte{}}

// empty is a file with these tables.
func empty(t testing.TB, all []db.Tables) []byte {
	t.Helper()
	made.Lock()
	defer made.Unlock()
	var name strings.Builder
	for _, one := range all {
		if _, ok := one.Files.(embed.FS); !ok {
			return nil // those of one test alone
		}
		fmt.Fprintln(&name, one.Package, one.Until, one.Files)
	}
	file, known := made.files[name.String()]
	if known {
		return file
	}
	place := filepath.Join(t.TempDir(), "empty.db")
	d, err := db.Open(place, all...)
	if err == nil {
		err = d.Close()
	}
	if err == nil {
		file, err = os.ReadFile(place)
	}
	if err != nil {
		t.Fatal(err)
	}
	made.files[name.String()] = file
	return file
}
