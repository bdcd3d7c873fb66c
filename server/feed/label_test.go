package feed

import (
	"errors"
	"strings"
	"testing"
)

// To whom an entry may be told is never guessed: a label that nobody understands lets nothing out.
func TestAStrangeLabelIsNotPublic(t *testing.T) {
	f := func(label string, preset Choice, want TLP, refused error) {
		t.Helper()
		p := Preset{Format: "csv", Separator: ";", Header: true, Value: Values{"url"}, TLP: &preset}
		for c, err := range Claims(strings.NewReader("url;tlp\na.example;"+label+"\n"), p) {
			if c.TLP != want || !errors.Is(err, refused) {
				t.Errorf("%q: %q, %v", label, c.TLP, err)
			}
		}
	}
	plain := Choice{Field: "tlp"}
	f("TLP:AMBER+STRICT", plain, AmberStrict, nil)
	f("White", plain, Clear, nil)
	f("", plain, "", nil)
	f("-", plain, "", nil)
	for _, red := range []string{"TLP:RED", "red", "TLP RED", "tlp-red", "TLP_RED", "TLP: RED"} {
		f(red, plain, "", ErrRed)
	}
	f("đỏ", Choice{Field: "tlp", Map: map[string]string{"đỏ": "red"}}, "", ErrRed)
	for _, strange := range []string{"đỏ", "TLP:EX:CHR", "confidential", "czerwony", "5"} {
		f(strange, plain, "", ErrLabel)
	}
	f("shared", Choice{Field: "tlp", Default: "green"}, Green, nil)
	f("TLP:PURPLE", Choice{Field: "tlp", Default: "green"}, "", ErrLabel)
}
