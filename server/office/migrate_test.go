package office

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/triage"
)

// rows is how many each table of a data directory has, wherever its databases are, and the end of its audit log.
func rows(t *testing.T, folder, asked string) string {
	t.Helper()
	place, err := Where(folder, asked)
	if err != nil {
		t.Fatal(err)
	}
	base, err := Open(t.Context(), folder, place)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	box, err := db.Open(db.In(place, "inbox"), kept[1].tables...)
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	var all []string
	for _, d := range []*db.DB{base, box} {
		names := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`
		if db.IsPostgres(place) {
			names = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename COLLATE "C"`
		}
		tables, err := text(d.QueryContext(t.Context(), names))
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			if table == "migration" {
				continue
			}
			var n int
			if err := d.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprint(table, " ", n))
		}
	}
	last, err := triage.Open(base).Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(append(all, last.String()), "\n")
}

// An installation of 5b5ab6c moves to PostgreSQL and back, and each table has at each place the rows that it had.
func TestAnInstallationMovesToPostgresAndBack(t *testing.T) {
	folder, place := earlierData(t), dbtest.Postgres(t)
	before := rows(t, folder, "")
	var was map[string]map[string]int
	read, err := os.ReadFile("testdata/counts.json")
	if err == nil {
		err = json.Unmarshal(read, &was)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"ledger.db", "inbox.db"} {
		for table, n := range was[file] {
			if line := fmt.Sprint(table, " ", n); !strings.Contains("\n"+before, "\n"+line+"\n") {
				t.Errorf("%s is not in\n%s", line, before)
			}
		}
	}
	move := func(asked, to string) {
		t.Helper()
		if err := Migrate(t.Context(), folder, asked, to, func(int64) {}); err != nil {
			t.Fatal(err)
		}
		if got := rows(t, folder, to); got != before {
			t.Fatalf("it had\n%s\n\nand has\n%s", before, got)
		}
	}
	for range 2 {
		move("", place)
		for _, k := range kept {
			if _, err := os.Stat(filepath.Join(folder, k.file)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there: %v", k.file, err)
			}
			if _, err := os.Stat(filepath.Join(folder, asideFiles, k.file)); err != nil {
				t.Error(err)
			}
		}
		if err := Migrate(t.Context(), folder, place, place, func(int64) {}); !errors.Is(err, ErrThere) {
			t.Errorf("moved there again: %v", err)
		}
		move(place, "")
		if _, err := db.Open(db.In(place, "office")); !errors.Is(err, db.ErrMoved) {
			t.Errorf("what was left behind is opened: %v", err)
		}
	}
}

// Nothing moves while somebody has it open, or to where others have something.
func TestWhatDoesNotMove(t *testing.T) {
	folder, place := earlierData(t), dbtest.Postgres(t)
	before := rows(t, folder, "")
	refused := func(what, asked, to, says string) {
		t.Helper()
		if err := Migrate(t.Context(), folder, asked, to, func(int64) {}); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", what, err)
		}
		if got := rows(t, folder, asked); got != before {
			t.Errorf("%s: it had\n%s\n\nand has\n%s", what, before, got)
		}
	}
	serving := func(place, name string) (end func()) {
		t.Helper()
		d, err := db.Open(db.In(place, name))
		if err == nil {
			err = d.QueryRowContext(t.Context(), `SELECT count(*) FROM migration`).Scan(new(int))
		}
		if err != nil {
			t.Fatal(err)
		}
		return func() { d.Close() }
	}
	other := dbtest.Postgres(t)
	serving(other, "inbox")()
	refused("to a database in which there is something", "", other, "there is an inbox in that database already")
	refused("to nowhere", "", "postgres://khien:hunter2@127.0.0.1:1/khien", "can't be reached")
	refused("to a file", "", filepath.Join(folder, File), "it should be postgres://")
	refused("to files, where it is", "", "", "it is kept there already")
	end := serving(folder, "inbox")
	refused("while a server has the files", "", place, "stop every other khien")
	end()
	if err := Migrate(t.Context(), folder, "", place, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	end = serving(place, "inbox")
	refused("while a server has the database", place, "", "stop each one that uses it")
	end()
	if _, err := Where(folder, ""); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(folder, File), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Where(folder, place); err == nil || !strings.Contains(err.Error(), "office.db lies in") {
		t.Errorf("beside a file that was put back: %v", err)
	}
}

// A move is killed at twenty random moments, each way. Whoever looks then finds everything where it was, or everything
// where it should be, and the next move gets it there.
func TestAKilledMigrationStartsAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("processes of their own: no races to find")
	}
	folder, place := earlierData(t), dbtest.Postgres(t)
	before := rows(t, folder, "")
	process := func(asked, to string) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "MIGRATE="+folder, "MIGRATE_FROM="+asked, "MIGRATE_TO="+to)
		return cmd
	}
	longest := map[bool]time.Duration{}
	move := func(asked, to string) {
		t.Helper()
		since := time.Now()
		if said, err := process(asked, to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		longest[to == ""] = time.Since(since) * 5 / 4
	}
	move("", place)
	move(place, "")
	moved := 0
	for n := range 20 {
		from, to := "", place
		if n%2 == 1 {
			from, to = to, from
		}
		cmd := process(from, to)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(longest[to == ""]))
		cmd.Process.Kill()
		cmd.Wait()
		now, err := Where(folder, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := rows(t, folder, ""); got != before {
			t.Fatalf("killed, it has in %s\n%s\n\nand had\n%s", now, got, before)
		}
		if db.IsPostgres(now) == (to != "") {
			moved++
		} else {
			move(from, to)
		}
		if got := rows(t, folder, to); got != before {
			t.Fatalf("moved, it has\n%s\n\nand had\n%s", got, before)
		}
	}
	t.Logf("of twenty, %d had moved", moved)
}

// Somebody opens a file while it is being moved away, and waits for whoever moves it: it is not the old one that they
// write to then.
func TestWhatMovesAwayIsNotOpened(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	open := func() error {
		d, err := db.Open(file)
		if err == nil {
			err = d.Close()
		}
		return err
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	release, err := alone(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() { opened <- open() }()
	select {
	case err := <-opened:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	if err := os.Rename(file, file+".before"); err != nil {
		t.Fatal(err)
	}
	release()
	if err := <-opened; err == nil { // SQLite looks whether it is still the file of that name
		t.Error("it was opened")
	}
}
