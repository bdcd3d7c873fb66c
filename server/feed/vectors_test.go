package feed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// vectors are lists in the shape of those that others publish.
const vectors = "../../../shared/vectors/exchange"

// preset is a known one.
func preset(t *testing.T, name string) Preset {
	t.Helper()
	for _, p := range Presets() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no preset %s", name)
	return Preset{}
}

// full is all that a list says, an entry a line.
func full(t *testing.T, file string, p Preset) string {
	t.Helper()
	r, err := os.Open(file)
	if err != nil {
		t.Skip("the vectors are not here: ", err)
	}
	defer r.Close()
	var b strings.Builder
	day := func(name string, unix int64) {
		if unix != 0 {
			fmt.Fprintf(&b, " %s=%s", name, time.Unix(unix, 0).UTC().Format("2006-01-02T15:04:05"))
		}
	}
	for c, err := range Claims(r, p) {
		if refused, ok := errors.AsType[*Refused](err); ok {
			fmt.Fprintf(&b, "%d refused: %v\n", refused.Line, refused.Why)
			continue
		}
		if err != nil {
			fmt.Fprintf(&b, "ended: %v\n", err)
			continue
		}
		fmt.Fprintf(&b, "%d %s", c.Place.Line, c.Subject)
		if c.Address != "" {
			fmt.Fprintf(&b, " at %s", c.Address)
		}
		if c.ID != "" {
			fmt.Fprintf(&b, " id=%s", c.ID)
		}
		day("first", c.First)
		day("last", c.Last)
		day("lapses", c.Lapses)
		for _, flag := range []struct {
			word string
			is   bool
		}{{" gone", c.Gone}, {" hacked", c.Hacked}, {" disputed", c.Weight == Disputes}, {" context", c.Weight == Context}} {
			if flag.is {
				b.WriteString(flag.word)
			}
		}
		if c.Sure != 0 {
			fmt.Fprintf(&b, " sure=%d", c.Sure)
		}
		if c.TLP != "" {
			fmt.Fprintf(&b, " tlp=%s", c.TLP)
		}
		fmt.Fprintf(&b, " %s", c.Category.Slug())
		if c.Reference != "" {
			fmt.Fprintf(&b, " ref=%s", c.Reference)
		}
		if c.Text != "" {
			fmt.Fprintf(&b, " %q", c.Text)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// What each list says, read by its preset, is in the archive.
func TestVectors(t *testing.T) {
	want, err := txtar.ParseFile("testdata/vectors.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want.Files {
		name, file, _ := strings.Cut(w.Name, " ")
		t.Run(name, func(t *testing.T) {
			if got := full(t, filepath.Join(vectors, file), preset(t, name)); got != string(w.Data) {
				t.Errorf("%s:\n%swant\n%s", file, got, w.Data)
			}
		})
	}
}

// Every preset reads a list of its own in testdata/lists, and what stands there is what is read.
func TestPresetsReadTheirLists(t *testing.T) {
	for _, p := range Presets() {
		t.Run(p.Name, func(t *testing.T) {
			files, _ := filepath.Glob("testdata/lists/" + p.Name + ".*")
			if len(files) != 2 {
				t.Fatalf("its list and what it says are wanted: %q", files)
			}
			want, err := os.ReadFile("testdata/lists/" + p.Name + ".want")
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				if filepath.Ext(file) == ".want" {
					continue
				}
				if got := full(t, file, p); got != string(want) {
					t.Errorf("%s:\n%swant\n%s", file, got, want)
				}
			}
		})
	}
}
