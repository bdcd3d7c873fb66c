package exchange

import (
	"context"
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
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/triage"
)

func TestMain(m *testing.M) {
	if place := os.Getenv("RUN_SOURCE"); place != "" {
		x, err := at(place, os.Getenv("RUN_FOLDER"))
		if err == nil {
			_, err = x.Run(context.Background(), "mai", "one", nil)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("done")
		return
	}
	dbtest.Main(m)
}

// at opens the exchange of a place, whose files lie in a folder.
func at(place, folder string) (*Exchange, error) {
	office, err := db.Open(place, ledger.Tables, triage.Tables, Tables)
	if err != nil {
		return nil, err
	}
	office.Folder = folder
	return Open(office, func() (*publish.Protection, error) { return publish.Protect("") }), nil
}

// A run is killed at twenty random moments. What is there then is what was there before it or, once it was finished,
// what is there after it; nothing is released of what is between; and what somebody was told is done is done.
func TestAKilledRunIsTheOneBeforeOrTheOneAfter(t *testing.T) {
	if testing.Short() {
		t.Skip("processes of their own: no races to find")
	}
	place, folder := dbtest.Place(t, "office.db"), t.TempDir()
	x, err := at(place, folder)
	if err != nil {
		t.Fatal(err)
	}
	defer x.db.Close()
	list := filepath.Join(folder, "list")
	const size, moved = 7000, 3000
	err = x.Add(t.Context(), "mai", Source{Name: "one", Address: list, Trust: List, Preset: feed.Preset{Name: "one", Format: "lines"}, Less: 100, More: 1000})
	if err != nil {
		t.Fatal(err)
	}
	// Each list has some of the one before no more, and others instead; none comes back, as in a feed that flips.
	write := func(n int) {
		t.Helper()
		var b strings.Builder
		for i := range size {
			fmt.Fprintf(&b, "shop%06d.example\n", n*moved+i)
		}
		if err := os.WriteFile(list, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	after := func(n int) string {
		return fmt.Sprintf("%d claims stand from shop%06d.example/, %d are listed, %d by name", size, n*moved, size, size)
	}
	state := func() string {
		t.Helper()
		var claims, standing, listed, first int
		var seen string
		err := errors.Join(
			x.db.QueryRowContext(t.Context(), `SELECT count(*), count(*) FILTER (WHERE gone = 0), coalesce(min(subject) FILTER (WHERE gone = 0), '') FROM claim`).Scan(&claims, &standing, &seen),
			x.db.QueryRowContext(t.Context(), `SELECT count(*), count(*) FILTER (WHERE said_by = 'one') FROM indicator WHERE lapses > ?`, time.Now().Unix()).Scan(&listed, &first))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d claims stand from %s, %d are listed, %d by name", standing, seen, listed, first)
	}
	process := func() (*exec.Cmd, *strings.Builder) {
		cmd, said := exec.Command(os.Args[0]), &strings.Builder{}
		cmd.Env, cmd.Stdout = append(os.Environ(), "RUN_SOURCE="+place, "RUN_FOLDER="+folder), said
		return cmd, said
	}
	// Who was killed holds the source until it was not heard of for long enough.
	release := func() {
		t.Helper()
		if _, err := x.db.ExecContext(t.Context(), `UPDATE source SET held = 0`); err != nil {
			t.Fatal(err)
		}
	}
	var longest time.Duration
	for n := range 3 {
		write(n)
		since := time.Now()
		cmd, said := process()
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		if got := state(); got != after(n) {
			t.Fatalf("%s, and should be %s", got, after(n))
		}
		longest = time.Since(since) * 5 / 4
	}
	now, between, whole := 2, 0, 0
	for n := range 20 {
		next := n + 3
		write(next)
		cmd, said := process()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(longest))
		cmd.Process.Kill()
		cmd.Wait()
		release()
		_, err := x.ledger.Seq(t.Context())
		half := errors.Is(err, ledger.ErrImporting)
		if got := state(); !half && got != after(now) && got != after(next) {
			t.Fatalf("%s, and it may be released; before it was %s, after it %s", got, after(now), after(next))
		}
		if half {
			between++
		}
		if err := x.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := x.ledger.Seq(t.Context()); err != nil {
			t.Fatal(err)
		}
		switch got := state(); {
		case got == after(next):
			now = next
			whole++
		case got != after(now):
			t.Fatalf("%s; before it was %s, after it %s", got, after(now), after(next))
		case strings.Contains(said.String(), "done"):
			t.Fatal("it was said to be done, and is not")
		}
	}
	t.Logf("of twenty, %d were taken, %d of these in part when they were killed", whole, between)
}
