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
)

// nationalList are 34,467 hosts and pages that a national list names, as they came.
const nationalList = "../../../../shared/data/vn-scam-hosts.txt"

// The whole real list goes in, every line of it is found again, and no well-known site with it.
func TestTheNationalList(t *testing.T) {
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
	_, words := khien(nil, "import", "urls", nationalList)
	t.Logf("%s in %v", strings.TrimSpace(words), time.Since(began).Round(time.Millisecond))
	khien(nil, "publish", "--alone", "--why", "a test has one person")

	began = time.Now()
	checked, _ := khien(list, "check", "-")
	t.Logf("checked in %v", time.Since(began).Round(time.Millisecond))
	lines := 0
	for line := range strings.Lines(checked) {
		var v verdict
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if v.Verdict != "listed" || !v.Confirmed {
			t.Errorf("an imported line is not listed: %s", line)
		}
		lines++
	}
	if want := len(strings.Fields(string(list))); lines != want {
		t.Errorf("%d lines were checked, want %d", lines, want)
	}

	var known []byte
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
			if name, _, _ := strings.Cut(line, "#"); strings.TrimSpace(name) != "" {
				known = append(append(known, strings.TrimSpace(name)...), '\n')
			}
		}
	}
	checked, _ = khien(known, "check", "-")
	for line := range strings.Lines(checked) {
		if !strings.Contains(line, `"verdict":"unlisted"`) {
			t.Errorf("a well-known site is listed: %s", line)
		}
	}
}
