package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"khien/server/db/dbtest"
	"khien/server/feed"
	"khien/server/platform"
	"khien/server/publish"
)

// nationalList are 34,467 hosts and pages that a national list names, as they came.
const nationalList = "../../../../shared/data/vn-scam-hosts.txt"

// The whole real list goes in, every line of it that one person may list is found again, and no well-known site with
// it.
func TestTheNationalList(t *testing.T) {
	dbtest.Long(t)
	if testing.Short() {
		t.Skip("one command after the other: no races to find, and a minute to lose")
	}
	list, err := os.ReadFile(nationalList)
	if err != nil {
		t.Skip("the national list is not beside the project")
	}
	data := prepared(t)
	khien := func(stdin []byte, args ...string) (stdout, stderr string) {
		t.Helper()
		cmd := exec.Command("khien", append(args, "--data", data)...)
		var out, words bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &words
		if err := cmd.Run(); err != nil {
			t.Fatalf("khien %s: %v\n%.2000s", strings.Join(args, " "), err, words.String())
		}
		return out.String(), words.String()
	}
	began := time.Now()
	_, words := khien(nil, "import", "urls", "--partial", nationalList) // two lines name free space as a whole
	t.Logf("%s in %v", strings.TrimSpace(words), time.Since(began).Round(time.Millisecond))
	khien(nil, "publish", "--alone", "--why", "a test has one person")

	began = time.Now()
	checked, _ := khien(list, "check", "-")
	t.Logf("checked in %v", time.Since(began).Round(time.Millisecond))
	lines, waiting := 0, 0
	for line := range strings.Lines(checked) {
		var v verdict
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if s, _, err := feed.Entry(v.Input); err != nil || publish.Permit(s) != nil || publish.ReachesFar(s) {
			waiting++ // for mending, or for a second person
		} else if v.Verdict != "listed" || !v.Confirmed {
			t.Errorf("an imported line is not listed: %s", line)
		}
		lines++
	}
	if want := len(strings.Fields(string(list))); lines != want || waiting > want/500 {
		t.Errorf("%d lines were checked, want %d; %d of them were refused or wait for a second person", lines, want, waiting)
	}

	var known []byte
	for _, p := range platform.All() {
		for _, domain := range p.Owns {
			known = append(append(known, domain...), '\n')
		}
	}
	files, err := filepath.Glob("../../publish/protected/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no list of well-known sites: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			line, _, _ = strings.Cut(line, "#")
			for name := range strings.FieldsSeq(line) {
				switch {
				case strings.Contains(name, ":"):
					name = "[" + name + "]"
				case !strings.Contains(name, "."):
					continue // an ending of somebody's own
				}
				known = append(append(known, name...), '\n')
			}
		}
	}
	checked, _ = khien(known, "check", "-")
	for line := range strings.Lines(checked) {
		if !strings.Contains(line, `"verdict":"unlisted"`) && !strings.Contains(line, `"verdict":"caution"`) {
			t.Errorf("a well-known site is listed: %s", line)
		}
	}
}
