// Package officetest has databases for the tests of those who keep their tables in the office's.
package officetest

import (
	"testing"

	"khien/server/db"
	"khien/server/db/dbtest"
)

// Open makes a database with these tables, which is closed when the test ends.
func Open(t testing.TB, all ...db.Tables) *db.DB {
	t.Helper()
	d, err := db.Open(dbtest.Place(t, "office.db"), all...)
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
