package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// silent are the commands that write no data, or none that anybody could lose: they serve, change something and say so
// in words, or need another machine.
var silent = []string{
	"serve", "init", "import", "verify", "popular", "withdraw", "admin delay", "admin leave", "admin suspend", "campaign put", "campaign withdraw",
	"hotlines import", "keys rotate", "official import", "official remove", "proposal stop", "reports accept", "reports reject", "reports reopen", "takedown state",
	"partner add", "partner end", "partner revoke", "partner answers", "partner approve", "partner replay",
	"source accept", "source add", "source drop", "source edit", "source pause", "source remove", "source restore", "source resume", "source run",
}

// Each command that writes data is tried where nothing can be written (testdata/full.txt): a new one as well.
func TestEachCommandIsTriedOnAFullDisk(t *testing.T) {
	script, err := os.ReadFile("testdata/full.txt")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		path := strings.TrimPrefix(c.CommandPath(), "khien ")
		if c.HasSubCommands() || slices.Contains(silent, path) {
			return
		}
		if !regexp.MustCompile(`(?m)^(?:\[!postgres\] )?full khien ` + regexp.QuoteMeta(path) + `\b`).Match(script) {
			t.Errorf("khien %s is not tried", path)
		}
	}
	walk(root(&dir{}))
}
