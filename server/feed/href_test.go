package feed

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"khien/shared/subject"
)

// What analysts write so that nobody opens it by accident.
func TestHarmlessAddressesAreMadeWhole(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got, err := Href(text); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	f("hxxp://scam.example/", "http://scam.example/")
	f("hXXps://scam.example/", "https://scam.example/")
	f("hxxps[:]//scam[.]example", "https://scam.example/")
	f("https[:]//scam.example/a", "https://scam.example/a")
	f("hxxp[://]scam[.]example:8080/", "http://scam.example:8080/")
	f("www[.]scam(.)example", "http://www.scam.example/")
	f("scam[dot]example", "http://scam.example/")
	f("scam{.}example/login", "http://scam.example/login")
	f("203[.]0[.]113[.]7", "http://203.0.113.7/")
	f("[2001:db8::1]/a", "http://[2001:db8::1]/a")
	f("scam.example/a[.]b(.)c?d[.]e", "http://scam.example/a[.]b(.)c?d[.]e") // a path is left alone
}

// To the parser these lead somewhere; to a browser they lead nowhere or elsewhere. An
// indicator made of one would be for a stranger's address.
func TestWhatTheParserMisreadsIsRefused(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if got, err := Href(text); !errors.Is(err, ErrHref) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	f("http://-1/") // 255.255.255.255
	f("http://+1/")
	f("http://1.-1.2.3/")
	f("http://0x-1/")
	f("http://1.2.3.%2b4/")
	f("http://1.2.3.＋4/")
	f("http://xn--.example/") // .example, and so all of it
	f("http://XN--.example/")
	f("http://scam.xn--/")
	f("http://x%6e--.example/")
	f("http://x\u00adn--.example/")
	f("http://xn--。example/")
	f("http://[[::1]]/")
	f("http://[::1/")
	f("http://[::1%25eth0]/")
	f("http://[1:2:3:4:5:6:7:8:9]/")
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if got, err := Href(text); !errors.Is(err, ErrHref) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", " ", "/", "//", "///scam.example", "/blah", "\\\\scam.example", "?q", "#ref", ":", ":8080", "http:", "https://", "http://?q", "http://#f", "http://@/",
		"scam.example\tbought in March", "scam.example bought in March", "scam\n.example", "\x00http://scam.example/", "scam.example/\x7f", "scam.example/\xff",
		"javascript:alert(1)", "data:text/html,hi", "mailto:a@scam.example", "tel:+84901234567",
		"scam.example:99999", "scam.example:8o", "1.2.3.256", "1.2.3.4.5", "1.2.3.09", "exa%23mple", "exa<mple.example", "xn--a", "\u200b", "scam.example/" + strings.Repeat("a", subject.MaxHref),
	} {
		f(text)
	}
	for text, want := range map[string]error{"ftp://scam.example/": subject.ErrScheme, "http://.../": subject.ErrHost, "http://../a": subject.ErrHost} {
		if got, err := Href(text); !errors.Is(err, want) {
			t.Errorf("%q: %q, %v; want %v", text, got, err, want)
		}
	}
}

// The URL standard's own cases: where a browser opens an address that stands alone, the
// same href comes out. Only control characters, which have no place in a list, and hosts
// of nothing but dots or numbers and dots are refused.
func TestTheURLStandardsCases(t *testing.T) {
	text, err := os.ReadFile("../../../shared/vectors/whatwg/urltestdata.json")
	if err != nil {
		t.Skip("the URL standard's cases are not here")
	}
	var cases []json.RawMessage
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	same := 0
	for _, raw := range cases {
		var c struct {
			Input   string
			Base    *string
			Href    string
			Failure bool
		}
		if json.Unmarshal(raw, &c) != nil || c.Base != nil {
			continue // a comment, or relative to another address
		}
		lower := strings.ToLower(strings.TrimLeft(c.Input, " \t\r\n\x00\x1f"))
		if !strings.HasPrefix(lower, "http:") && !strings.HasPrefix(lower, "https:") {
			continue
		}
		got, err := Href(c.Input)
		switch {
		case err == nil && (c.Failure || got != c.Href):
			t.Errorf("%q: %q, a browser has %q", c.Input, got, c.Href)
		case err != nil && !c.Failure:
			control := func(r rune) bool { return r < ' ' || r == 0x7f }
			if !strings.ContainsFunc(c.Input, control) && !errors.Is(err, subject.ErrHost) {
				t.Errorf("%q, which a browser opens as %q, is refused: %v", c.Input, c.Href, err)
			}
		case err == nil:
			same++
		}
	}
	if same < 100 {
		t.Errorf("only %d the same", same)
	}
}

// From a line of the real list to a visit: whatever is imported is found.
func TestEveryLineOfARealListIsFoundByAVisit(t *testing.T) {
	text, err := os.ReadFile("../../../shared/data/vn-scam-hosts.txt")
	if err != nil {
		t.Skip("the list is not here")
	}
	lines := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		lines++
		href, err := Href(line)
		if err != nil {
			t.Errorf("line %d: %v", lines, err)
			continue
		}
		exact, err := subject.Exact(href)
		if err != nil {
			t.Errorf("line %d: %v", lines, err)
			continue
		}
		if named, err := subject.FromHref(nil, href); err != nil || !slices.Contains(named, exact) {
			t.Errorf("line %d: a visit does not find it, %v", lines, err)
		}
		if again, err := Href(href); err != nil || again != href {
			t.Errorf("line %d: read again it is another address, %v", lines, err)
		}
	}
	if lines < 30_000 {
		t.Errorf("%d lines", lines)
	}
}

// Whatever comes out is accepted by the core and is never another address when read again.
func FuzzHref(f *testing.F) {
	for _, text := range []string{
		"scam.example", "hxxps[:]//scam[.]example/a?b#c", "http://good.example:pw@scam.example:8080/", "Đầu-Tư.example", "１２７.1", "[::ffff:1.2.3.4]",
		"http://-1/", "xn--.example", "//a", "http:a", "a:1", "a:b", "[[::1]]", "[1:2:3:4:5:6:7:8:9]", "[::1.2.3.4.5]", "[1::2::3]", "a。b", "%2e%2e.example",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		href, err := Href(text)
		if err != nil {
			if href != "" || err != ErrHref && err != ErrNumber && err != subject.ErrScheme && err != subject.ErrHost && err != subject.ErrTooLong {
				t.Fatalf("%q: %q, %v", text, href, err)
			}
			return
		}
		named, err := subject.FromHref(nil, href)
		if err != nil {
			t.Fatalf("%q became %q, which the core refuses: %v", text, href, err)
		}
		if len(href) <= subject.MaxHref {
			again, err := Href(href)
			if err == ErrHref && strings.Contains(href, "xn--") {
				return // the parser has stricter rules beside punycode than beside the letters it stands for
			}
			if err != nil || again != href {
				t.Fatalf("%q became %q, and that %q, %v", text, href, again, err)
			}
			if exact, err := subject.Exact(href); err != nil || exact != named[0] {
				t.Fatalf("%q is exactly %q and names %q, %v", href, exact, named, err)
			}
		}
	})
}
