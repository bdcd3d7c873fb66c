package office

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/driver"

	"khien/server/db"
	"khien/server/triage"
)

// TestMain moves a directory in, or elsewhere, where a test asks for a process of its own, which it then kills.
func TestMain(m *testing.M) {
	if folder := os.Getenv("MIGRATE"); folder != "" {
		if err := Migrate(context.Background(), folder, os.Getenv("MIGRATE_FROM"), os.Getenv("MIGRATE_TO"), func(int64) {}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	if folder := os.Getenv("MOVE_IN"); folder != "" {
		base, err := Open(context.Background(), folder, folder)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		base.Close()
		return
	}
	os.Exit(m.Run())
}

// earlierData is a data directory as the program of commit 5b5ab6c has left it.
func earlierData(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	f, err := os.Open("testdata/data-5b5ab6c.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return folder
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, filepath.Clean("/"+h.Name))
		if h.FileInfo().IsDir() {
			err = os.MkdirAll(path, 0o700)
		} else {
			var body []byte
			if body, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, body, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// counts is how many rows each table of a file has.
func counts(t *testing.T, path string) map[string]int {
	t.Helper()
	d, err := driver.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	names, err := text(d.QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	for _, name := range names {
		var n int
		if err := d.QueryRowContext(t.Context(), `SELECT count(*) FROM `+name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		all[name] = n
	}
	return all
}

// execute does something to a file behind everybody's back.
func execute(t *testing.T, path, statement string, args ...any) {
	t.Helper()
	d, err := driver.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// An installation of 5b5ab6c goes on: each table has the rows that it had, the audit log is the same to its last hash,
// and the files of before lie aside.
func TestAnEarlierInstallationMovesIn(t *testing.T) {
	folder := earlierData(t)
	read, err := os.ReadFile("testdata/counts.json")
	if err != nil {
		t.Fatal(err)
	}
	var was map[string]map[string]int
	if err := json.Unmarshal(read, &was); err != nil {
		t.Fatal(err)
	}
	base, err := Open(t.Context(), folder, folder)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	is := counts(t, filepath.Join(folder, File))
	for file, tables := range was {
		if file == "inbox.db" {
			continue
		}
		if _, err := os.Stat(filepath.Join(folder, file)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", file, err)
		}
		if got := counts(t, filepath.Join(folder, aside, file)); !maps.Equal(got, tables) {
			t.Errorf("%s was put aside with %v, and had %v", file, got, tables)
		}
		for table, n := range tables {
			switch table { // both are told by who spoke, since then
			case "sources":
				table = "voices"
			case "kinds":
				continue
			}
			if is[table] != n {
				t.Errorf("%s of %s has %d rows, and had %d", table, file, is[table], n)
			}
		}
	}
	last, err := triage.Open(base).Verify(t.Context())
	if err != nil || last.String() != "37:fa91a9ecf04efbbb5365a469627685e905ce49a26e7c0b135acf1d92599e0220" {
		t.Errorf("the last entry of the audit log is %s, %v", last, err)
	}
	again, err := Open(t.Context(), folder, folder)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if left, _ := filepath.Glob(filepath.Join(folder, "*part*")); len(left) > 0 {
		t.Errorf("there is left %v", left)
	}
}

// Numbers that were given once are not given again, though what had them is gone.
func TestNumbersGoOn(t *testing.T) {
	folder := earlierData(t)
	MoveIn(t.Context(), folder)
	if err := os.RemoveAll(filepath.Join(folder, File)); err != nil {
		t.Fatal(err)
	}
	tables, err := fs.Sub(before, "before/staff")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "staff.db")
	old, err := db.Open(file, db.Tables{Package: "staff", Files: tables})
	if err != nil {
		t.Fatal(err)
	}
	old.Close()
	const propose = `INSERT INTO %s (name, term, role, by_term, by_name, made) VALUES ('mai', 0, 'admin', 0, 'root@shell', 1)`
	execute(t, file, fmt.Sprintf(propose, "proposal"))
	execute(t, file, `DELETE FROM proposal`)
	base, err := Open(t.Context(), folder, folder)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	var id int64
	if _, err := base.ExecContext(t.Context(), fmt.Sprintf(propose, "member_proposal")); err != nil {
		t.Fatal(err)
	}
	if err := base.QueryRowContext(t.Context(), `SELECT id FROM member_proposal`).Scan(&id); err != nil || id != 2 {
		t.Errorf("the next proposal has number %d, %v", id, err)
	}
}

// Each of these is refused with what to do, and leaves the installation to the earlier program as it was.
func TestWhatDoesNotMoveIn(t *testing.T) {
	for what, of := range map[string]struct {
		does func(folder string)
		says string
	}{
		"a file that is none": {func(folder string) {
			os.WriteFile(filepath.Join(folder, "takedown.db"), []byte(strings.Repeat("no database ", 1000)), 0o600)
		}, "takedown.db"},
		"a file of a newer program": {func(folder string) {
			execute(t, filepath.Join(folder, "ledger.db"), `PRAGMA user_version = 99`)
		}, "made by a newer khien"},
		"a row that belongs to nothing": {func(folder string) {
			execute(t, filepath.Join(folder, "takedown.db"), `PRAGMA foreign_keys = OFF; INSERT INTO step (takedown, time, actor, state, why, before) VALUES (99999, 1, 'mai', 'sent', '', '')`)
		}, "nothing was changed"},
		"a server that still runs": {func(folder string) {
			running, err := db.Open(filepath.Join(folder, "staff.db"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { running.Close() })
			if err := running.QueryRowContext(t.Context(), `SELECT count(*) FROM person`).Scan(new(int)); err != nil {
				t.Fatal(err)
			}
		}, "stop every other khien"},
		"a file that was put back beside the new one": {func(folder string) {
			if err := MoveIn(t.Context(), folder); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(folder, os.DirFS(filepath.Join(folder, aside))); err != nil {
				t.Fatal(err)
			}
			execute(t, filepath.Join(folder, "staff.db"), `UPDATE person SET role = 'admin'`)
		}, "staff.db lies beside office.db and is not what was taken over"},
	} {
		folder := earlierData(t)
		of.does(folder)
		had := present(folder)
		base, err := Open(t.Context(), folder, folder)
		if err == nil {
			base.Close()
		}
		if err == nil || !strings.Contains(err.Error(), of.says) {
			t.Errorf("%s: %v", what, err)
		}
		if has := present(folder); !slices.Equal(had, has) {
			t.Errorf("%s: of %v there is left %v", what, had, has)
		}
	}
}

// Somebody takes one file back from the folder of copies and moves the office away: the copies of the others are the
// only ones, and stay.
func TestTheOnlyCopiesStay(t *testing.T) {
	folder := earlierData(t)
	if err := MoveIn(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(copyFile(filepath.Join(folder, aside, "staff.db"), filepath.Join(folder, "staff.db")), os.Remove(filepath.Join(folder, File))); err != nil {
		t.Fatal(err)
	}
	if err := MoveIn(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(folder, aside+"-*", "ledger.db"))
	if err != nil || len(kept) != 1 {
		t.Errorf("of what was taken over before there is %v left", kept)
	}
}

// The program is killed at twenty random moments of moving in. Each time all is as it was, or all is taken over; and
// the next start takes it over.
func TestAKilledMoveStartsAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("processes of their own: no races to find")
	}
	folder := earlierData(t)
	execute(t, filepath.Join(folder, "ledger.db"), `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		INSERT INTO decision (time, actor, action, subject, reason) SELECT i, 'mai', 'list', 'scam-' || i || '.example/', '' FROM n`) // so that it takes a while
	want := counts(t, filepath.Join(folder, "ledger.db"))["decision"]
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "MOVE_IN="+folder)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	back := func() {
		if err := os.Remove(filepath.Join(folder, File)); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(folder, os.DirFS(filepath.Join(folder, aside))); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := start().Wait(); err != nil {
		t.Fatal(err)
	}
	taken, longest := 0, time.Since(began)*5/4
	back()
	for range 20 {
		cmd := start()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(rand.N(longest)):
			cmd.Process.Kill()
			<-ended
		}
		file, table := filepath.Join(folder, "ledger.db"), "decision"
		if _, err := os.Stat(filepath.Join(folder, File)); err == nil {
			file = filepath.Join(folder, File)
			taken++
		}
		if got := counts(t, file)[table]; got != want {
			t.Fatalf("%s has %d decisions, want %d", file, got, want)
		}
		if file != filepath.Join(folder, File) {
			continue
		}
		base, err := Open(t.Context(), folder, folder)
		if err != nil {
			t.Fatal(err)
		}
		base.Close()
		if left := present(folder); len(left) > 0 {
			t.Fatalf("there is left %v", left)
		}
		back()
	}
	t.Logf("of twenty, %d had taken it over", taken)
}
