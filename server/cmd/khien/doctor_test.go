package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"khien/server/publish"
)

// The list of release keys ends, and nobody has thought of it: sixty days before, and not earlier, it is something that
// is wrong, with what to do.
func TestAKeyListThatEnds(t *testing.T) {
	d := &dir{path: filepath.Join(t.TempDir(), "data")}
	if err := os.Mkdir(d.path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := publish.InitKeys(d.keys(), filepath.Join(t.TempDir(), "root.key"), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	keys, err := publish.LoadKeys(d.keys())
	if err != nil {
		t.Fatal(err)
	}
	for left, want := range map[int64]string{
		60 * day:   "ok     release key 1 is in use, ",
		60*day - 1: "wrong  the list of release keys, number 1, is good until " + minute(keys.List.Expires) + " only: run \"khien keys rotate\" where the root key is\n",
		-1:         "wrong  the list of release keys, number 1, is good until ",
	} {
		var out bytes.Buffer
		x := &examination{d: d, out: &out, now: keys.List.Expires - left}
		if x.keys(); !strings.Contains(out.String(), want) || (x.wrong > 0) != strings.HasPrefix(want, "wrong") {
			t.Errorf("with %d seconds left:\n%s", left, out.String())
		}
	}
}
