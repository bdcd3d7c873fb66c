package exchange

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"khien/server/audit"
)

// Before a source is removed, a person sees what rests on it alone; after it is restored, all of it does again.
func TestWhatASourceHoldsAlone(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	d.source("two", nil)
	d.sends("one", "both.example", "alone.example", "third.example")
	d.sends("two", "both.example", "other.example")
	f := func(name string, want Standing) {
		t.Helper()
		if n, err := d.Standing(t.Context(), name); err != nil || n != want {
			t.Errorf("%s: %+v, %v, want %+v", name, n, err, want)
		}
	}
	f("one", Standing{Claims: 3, Listed: 3, Alone: 2})
	f("two", Standing{Claims: 2, Listed: 2, Alone: 1})
	if err := d.Because(audit.Why{Text: "they closed"}).Remove(t.Context(), "mai", "two"); err != nil {
		t.Fatal(err)
	}
	f("one", Standing{Claims: 3, Listed: 3, Alone: 3})
	d.expect("alone.example/ one", "both.example/ one", "third.example/ one")
	if err := d.Restore(t.Context(), "mai", "two"); err != nil {
		t.Fatal(err)
	}
	f("one", Standing{Claims: 3, Listed: 3, Alone: 2})
	var why string
	if err := d.db.QueryRowContext(t.Context(), `SELECT why FROM audit WHERE verb = ?`, string(audit.RemoveSource)).Scan(&why); err != nil || !strings.Contains(why, "they closed") {
		t.Errorf("the log says %q of why, %v", why, err)
	}
	if _, err := d.Standing(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// A list is looked at without anything being kept, and leads to no machine beside this one.
func TestLookingAtAListKeepsNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	path := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(path, []byte("scam.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, got, err := Look(t.Context(), Source{Address: path}, Credentials{}, nil)
	if err != nil || got.Cut || got.Page {
		t.Fatal(got, err)
	}
	defer file.Close()
	if text, err := io.ReadAll(file); err != nil || string(text) != "scam.example\n" {
		t.Errorf("%q, %v", text, err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	if _, _, err := Look(t.Context(), Source{Address: "https://127.0.0.1:1/list"}, Credentials{}, nil); !errors.Is(err, errPrivate) {
		t.Error(err)
	}
	if _, _, err := Look(t.Context(), Source{Address: "http://lists.example/list"}, Credentials{}, nil); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}

// Whoever has a source asked more often does not wait for as long as it took before.
func TestAShorterIntervalCountsAtOnce(t *testing.T) {
	d := open(t)
	d.source("one", func(s *Source) { s.Every = 30 * day })
	d.sends("one", "scam.example")
	s, err := d.Get(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	s.Every = 10 * 60
	if err := d.Edit(t.Context(), "mai", s.Source); err != nil {
		t.Fatal(err)
	}
	if s, err = d.Get(t.Context(), "one"); err != nil || s.Next-s.Tried > 11*60 {
		t.Errorf("it is asked again after %d s, %v", s.Next-s.Tried, err)
	}
}
