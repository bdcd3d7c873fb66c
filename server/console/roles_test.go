package console

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"khien/server/staff"
)

var update = flag.Bool("update", false, "rewrite the table in testdata")

// Who may do what is written down, so that a route that gets another right is seen: go test ./server/console -update rewrites it.
// TestRoleMatrix tries each of these for each role.
func TestWhoMayDoWhat(t *testing.T) {
	var lines []string
	for _, one := range routes {
		var who []string
		for _, role := range staff.Roles {
			if one.Right == everybody || one.Right == seen || role.May(one.Right) {
				who = append(who, string(role))
			}
		}
		says := strings.Join(who, " ")
		switch one.Right {
		case everybody:
			says = "everybody, also who is not signed in"
		case seen:
			says = "whoever is signed in"
		}
		lines = append(lines, fmt.Sprintf("%-36s %s", one.Pattern, says))
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	const file = "testdata/roles.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s differs (%v); if that is meant, go test ./server/console -update rewrites it:\n%s", file, err, got)
	}
}
