package backup

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"khien/server/db"
	"khien/server/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// A data directory with a database of one table, and what else lies there.
func directory(t *testing.T) (folder string, databases []Database, rows *db.DB) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "data")
	for name, text := range map[string]string{
		"keys/root.pub": "khien-root", "published/head": "head", "published/.lock": "", "published/.new-1": "half", "evidence/new-2": "half",
		"evidence/ab": "picture", "before-office/ledger.db": "moved in", "audit.mark": "1:aa",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Join(folder, filepath.Dir(name)), 0o700), os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := db.Open(dbtest.In(t, folder, "office.db"), db.Tables{Package: "rows", Files: fstest.MapFS{"tables/1.sql": {Data: []byte(`CREATE TABLE one (n INTEGER NOT NULL) STRICT`)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rows.Close() })
	return folder, []Database{{"office.db", rows.CopyTo}}, rows
}

func count(t *testing.T, file string) (n int) {
	t.Helper()
	copied, err := db.Open(file)
	if err == nil {
		defer copied.Close()
		err = copied.QueryRowContext(t.Context(), `SELECT count(*) FROM one`).Scan(&n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Somebody writes all the time: what was committed before is in the copy, and each copy is whole.
func TestABackupBesideAWriter(t *testing.T) {
	folder, databases, rows := directory(t)
	ctx, stop := context.WithCancel(t.Context())
	wrote := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if _, err := rows.ExecContext(context.WithoutCancel(ctx), `INSERT INTO one (n) VALUES (1), (2)`); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	for _, name := range []string{"a", "b", "c"} {
		var before int
		if err := rows.QueryRowContext(t.Context(), `SELECT count(*) FROM one`).Scan(&before); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(filepath.Dir(folder), name)
		if err := Make(t.Context(), folder, to, databases, func(string) {}); err != nil {
			t.Fatal(err)
		}
		again := to + "-again"
		if err := Restore(t.Context(), to, again, func(string) error { return nil }, func(string) {}); err != nil {
			t.Fatal(err)
		}
		if got := count(t, filepath.Join(again, "office.db")); got < before || got%2 != 0 {
			t.Errorf("the copy has %d rows, there were %d before", got, before)
		}
	}
	stop()
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

// The data directory may be a link to where it lies.
func TestWhatIsInABackup(t *testing.T) {
	folder, databases, _ := directory(t)
	to, link := filepath.Join(filepath.Dir(folder), "backup"), filepath.Join(filepath.Dir(folder), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	if err := Make(t.Context(), link, to, databases, func(string) {}); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	if err := files(to, func(name string, _ os.DirEntry) error { got[name] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"SHA256SUMS": true, "audit.mark": true, "evidence/ab": true, "keys/root.pub": true, "office.db": true, "published/head": true}
	if !maps.Equal(got, want) {
		t.Errorf("it holds %v, want %v", got, want)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may look into it: %v, %v", info, err)
	}
}

// Ended in the middle, at each file in turn, neither of the two leaves anything, and none waits for a lock afterwards.
func TestABackupThatBreaksOff(t *testing.T) {
	folder, databases, _ := directory(t)
	parent := filepath.Dir(folder)
	whole := filepath.Join(parent, "whole")
	if err := Make(t.Context(), folder, whole, databases, func(string) {}); err != nil {
		t.Fatal(err)
	}
	f := func(what string, do func(ctx context.Context, to string, progress func(string)) error) {
		t.Helper()
		for at := 1; at < 5; at++ {
			ctx, stop := context.WithCancel(t.Context())
			n, to := 0, filepath.Join(parent, "broken")
			err := do(ctx, to, func(string) {
				if n++; n == at {
					stop()
				}
			})
			left, _ := filepath.Glob(to + "*")
			if err == nil || len(left) > 0 {
				t.Errorf("%s ended after %d files: %v, and left %v", what, at, err, left)
			}
		}
	}
	f("a backup", func(ctx context.Context, to string, progress func(string)) error {
		return Make(ctx, folder, to, databases, progress)
	})
	f("a restore", func(ctx context.Context, to string, progress func(string)) error {
		return Restore(ctx, whole, to, func(string) error { return ctx.Err() }, progress)
	})
	f("what proves nothing", func(ctx context.Context, to string, progress func(string)) error {
		return Restore(ctx, whole, to, func(string) error { return errors.New("not whole") }, func(string) {})
	})
}

// What is read as a list of sums names files within the folder, each once, and is written as it was read.
func FuzzSums(f *testing.F) {
	sum := "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, seed := range []string{"", sum + "  a\n", sum + "  ../a\n", sum + "  /a\n", sum + "  a/./b\n", sum + "  a\n" + sum + "  a\n", sum + " *a\n", sum + "  a\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		file := filepath.Join(t.TempDir(), SumsFile)
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		sums, err := read(file)
		if err != nil {
			return
		}
		for name := range sums {
			if rel, err := filepath.Rel("/data", filepath.Join("/data", name)); err != nil || rel != name || !filepath.IsLocal(name) {
				t.Errorf("%q leads elsewhere", name)
			}
		}
		if err := os.WriteFile(file, []byte(text(sums)), 0o600); err != nil {
			t.Fatal(err)
		}
		if again, err := read(file); err != nil || !maps.Equal(again, sums) {
			t.Errorf("%q is read as %v, and written as %q", body, sums, text(sums))
		}
	})
}
