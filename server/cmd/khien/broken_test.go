package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"khien/server/db/dbtest"
	"khien/server/ledger"
)

// Somebody who imports a long list is killed. Nothing is published of half of it, until the same file is imported once
// more, or a person lets stand what is there.
func TestKilledWhileImporting(t *testing.T) {
	dbtest.Long(t)
	if testing.Short() {
		t.Skip("processes of their own: no races to find")
	}
	const lines = 20_000
	var text strings.Builder
	for n := range lines {
		fmt.Fprintf(&text, "shop-%05d.example\n", n)
	}
	file := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ends := range [][]string{{"import", "urls", file}, {"import", "--as-it-is"}} {
		d := &dir{path: prepared(t)}
		khien := func(args ...string) (string, error) {
			out, err := exec.Command("khien", append(args, "--data", d.path)...).CombinedOutput()
			return string(out), err
		}
		if out, err := khien("publish"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		cmd := exec.Command("khien", "import", "urls", file, "--data", d.path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		book, err := d.ledger()
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); !errors.Is(err, ledger.ErrImporting); _, err = book.Seq(t.Context()) {
			if err != nil || time.Now().After(end) {
				t.Fatalf("it has not begun: %v", err)
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		if out, err := khien("publish"); err == nil || !strings.Contains(out, "--as-it-is") {
			t.Errorf("published is half of a list: %v, %s", err, out)
		}
		if out, err := khien(ends...); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		out, err := khien("publish", "--alone", "--why", "the list")
		if all := strings.Contains(out, fmt.Sprintf(": %d indicators, ", lines)); err != nil || all != (len(ends) == 3) || !strings.Contains(out, "release 2: ") {
			t.Errorf("after %s: %v, %s", ends, err, out)
		}
		d.close()
	}
}
