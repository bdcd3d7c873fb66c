package ledger

import (
	"strings"
	"testing"
)

func TestWhoSaysSo(t *testing.T) {
	many := strings.Repeat("a, ", 11) + "b"
	for _, one := range []struct{ source, saidBy, want string }{
		{"", "", ""},
		{"report", "", "report"},
		{"", "CERT Invented, National list", "CERT Invented, National list"},
		{"report", "CERT Invented, National list", "report; CERT Invented, National list"},
		{"National list", "CERT Invented, National list", "National list; CERT Invented"},
		{"National list", "National list", "National list"},
		{"police; hanoi", "a; b", "police, hanoi; a, b"},
		{"report", many, "report; " + strings.Repeat("a, ", 10) + "+2"},
		{"", many, strings.Repeat("a, ", 10) + "+2"},
	} {
		if got := (Indicator{Source: one.source, SaidBy: one.saidBy}).By(); got != one.want {
			t.Errorf("%q, %q: %q, want %q", one.source, one.saidBy, got, one.want)
		}
	}
}
