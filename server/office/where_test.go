package office

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Somebody's directory has its databases in PostgreSQL. Whoever forgets to say so gets no empty ones in the directory,
// and whoever names another database gets none there.
func TestADirectoryRemembersWhereItsDatabasesAre(t *testing.T) {
	folder := t.TempDir()
	where := func(asked, want, refused string) {
		t.Helper()
		place, err := Where(folder, asked)
		switch {
		case refused == "" && (err != nil || place != want):
			t.Errorf("with %q it is %q, %v; want %q", asked, place, err, want)
		case refused != "" && (err == nil || !strings.Contains(err.Error(), refused) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("with %q it is %q, %v; it should say %q", asked, place, err, refused)
		}
	}
	const asked = "postgres://khien:hunter2@db.example/khien?sslmode=require"
	where("", folder, "")
	where(asked, asked, "")
	where("khien.db", "", "postgres://USER@HOST:PORT/NAME")
	where("postgres://khien:hunter2@db.example:x/khien", "", "postgres://USER@HOST:PORT/NAME")

	if err := Remember(folder, asked); err != nil {
		t.Fatal(err)
	}
	where("", "postgres://khien@db.example/khien?sslmode=require", "")
	where(asked, asked, "")
	where("postgresql://mai:hunter2@db.example:5432/khien", "postgresql://mai:hunter2@db.example:5432/khien", "")
	for _, other := range []string{
		"postgres://khien:hunter2@db.example/other", "postgres://khien:hunter2@other.example/khien", "postgres://khien:hunter2@db.example:5433/khien",
		"postgres://khien:hunter2@db.example/khien?search_path=other",
	} {
		where(other, "", "and not in the database that was named")
	}
	if err := Remember(folder, "postgres://khien:hunter2@db.example/other"); err != nil {
		t.Fatal(err)
	}
	where("", "postgres://khien@db.example/khien?sslmode=require", "")
	if err := os.WriteFile(filepath.Join(folder, "db"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	where("", "", "postgres://USER@HOST:PORT/NAME")
}

// What lies in files is not left behind because somebody names a database.
func TestFilesAreNotLeftBehind(t *testing.T) {
	for _, file := range []string{"office.db", "inbox.db", "ledger.db", "evidence/index.db"} {
		folder := t.TempDir()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, file)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if place, err := Where(folder, "postgres://db.example/khien"); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("beside %s it is %q, %v", file, place, err)
		}
		if place, err := Where(folder, ""); err != nil || place != folder {
			t.Errorf("with %s it is %q, %v", file, place, err)
		}
	}
}
