package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fence is a block of code: what kind it is, and its lines.
var fence = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// moments differ from one day to the other.
var moments = regexp.MustCompile(`20\d\d-\d\d-\d\d \d\d:\d\d`)

// What docs/sources.md types does what it says there: each command is typed as it stands, and answers, on stdout and
// stderr together, what stands below it. A line … stands for any lines, and one that ends so for any that begins so.
func TestTheCommandsOfTheDocumentAboutSources(t *testing.T) {
	text, err := os.ReadFile("../../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	typed, khien := 0, 0
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		if block[1] == "csv" {
			if err := os.WriteFile(filepath.Join(dir, "export.csv"), []byte(block[2]), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for _, one := range strings.Split(block[2], "$ ")[1:] {
			line, says, _ := strings.Cut(one, "\n")
			shell := exec.Command("sh", "-c", line)
			shell.Dir = dir
			shell.Env = append(os.Environ(), "KHIEN_DATA=", "KHIEN_DB=")
			var out bytes.Buffer
			shell.Stdout, shell.Stderr = &out, &out
			err := shell.Run()
			if waits := strings.Contains(says, "waits for a person"); waits != (err != nil) {
				t.Errorf("$ %s: %v", line, err)
			}
			if !answers(lines(out.String()), lines(says)) {
				t.Errorf("$ %s\n%s\nand not\n%s", line, out.String(), says)
			}
			if typed++; strings.HasPrefix(line, "khien ") && khien < 10 {
				khien++
			}
		}
	}
	if typed < 12 || khien < 10 {
		t.Errorf("%d commands were typed", typed)
	}
}

// lines are those of a text, without what differs from day to day.
func lines(text string) (all []string) {
	for line := range strings.Lines(moments.ReplaceAllString(text, "20..")) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// answers tells whether lines are what was said they would be.
func answers(got, want []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "…" {
		return answers(got, want[1:]) || len(got) > 0 && answers(got[1:], want)
	}
	if len(got) == 0 {
		return false
	}
	begin, cut := strings.CutSuffix(want[0], "…")
	return (got[0] == want[0] || cut && strings.HasPrefix(got[0], begin)) && answers(got[1:], want[1:])
}
