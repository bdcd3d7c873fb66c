package feed

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// told is what a list says, in short: what was read and what was refused, by where it stands.
func told(r io.Reader, p Preset) string {
	var b strings.Builder
	for c, err := range Claims(r, p) {
		if refused, ok := errors.AsType[*Refused](err); ok {
			fmt.Fprintf(&b, "%s refused: %v\n", refused.Place, refused.Why)
		} else if err != nil {
			fmt.Fprintf(&b, "ended: %v\n", err)
		} else {
			fmt.Fprintf(&b, "%s %s", c.Place, c.Subject)
			if c.Gone {
				b.WriteString(" gone")
			}
			if c.Weight == Disputes {
				b.WriteString(" disputed")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestClaimsOfLines(t *testing.T) {
	f := func(p Preset, text, want string) {
		t.Helper()
		if got := told(strings.NewReader(text), p); got != want {
			t.Errorf("%q:\n%swant\n%s", text, got, want)
		}
	}
	f(Preset{Format: "lines"}, "\ufeff# a list\r\na.example # bought in March\r\n\r\n*.b.example\n84900000001.0\n", fmt.Sprintf("line 2 a.example/\nline 4 b.example/\nline 5 refused: %v\n", ErrSpoilt))
	f(Preset{Format: "lines"}, "local=/a.example/\naddress=/b.example/c.example/0.0.0.0\nserver=/d.example/192.0.2.1\nserver=/e.example/\n",
		fmt.Sprintf("line 1 a.example/\nline 2 b.example/\nline 2 c.example/\nline 3 refused: %v\nline 4 e.example/\n", ErrElsewhere))
	f(Preset{Format: "hosts"}, "127.0.0.1 localhost\n0.0.0.0 a.example www.a.example # two\n0.0.0.0 x/y b.example\n", fmt.Sprintf("line 2 a.example/\nline 2 www.a.example/\nline 3 refused: %v\nline 3 b.example/\n", ErrHost))
}
