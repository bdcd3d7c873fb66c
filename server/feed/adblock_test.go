package feed

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"testing"

	"khien/shared/subject"
)

// vector opens a sample of somebody else's format.
func vector(t *testing.T, name string) io.Reader {
	t.Helper()
	f, err := os.Open("../../../shared/vectors/" + name)
	if err != nil {
		t.Skip("the samples of other formats are not here: ", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// said writes down what a list says, one entry a line: its place, its subject and its weight, or why it is refused.
func said(t *testing.T, list iter.Seq2[Claim, error]) string {
	t.Helper()
	var b strings.Builder
	for c, err := range list {
		if refused, ok := errors.AsType[*Refused](err); ok {
			fmt.Fprintf(&b, "%s refused: %v\n", refused.Place, refused.Why)
			continue
		} else if err != nil {
			fmt.Fprintln(&b, "ended:", err)
			continue
		}
		checkClaim(t, c)
		fmt.Fprint(&b, c.Place, " ", c.Subject, [...]string{"", " context", " disputed", " suspected"}[c.Weight])
		if c.Gone {
			b.WriteString(" gone")
		}
		if c.Hacked {
			b.WriteString(" hacked")
		}
		if c.TLP != "" {
			b.WriteString(" " + string(c.TLP))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// checkClaim tells that a claim is one that may be kept, whatever a list says.
func checkClaim(t *testing.T, c Claim) {
	t.Helper()
	if again, err := subject.Parse(string(c.Subject)); err != nil || again != c.Subject || !c.Subject.IsListable() {
		t.Fatalf("%q is no subject that may be listed: %v", c.Subject, err)
	}
	if c.TLP == Red || c.Sure < 0 || c.Sure > 100 || c.First < 0 || c.Last < 0 || c.Lapses < 0 || c.Weight > Suspects || len(c.Text) > maxLine {
		t.Fatalf("%+v", c)
	}
}

func wants(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimLeft(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The list of somebody else, with traps: three of its rules block, one is an exception.
func TestAFilterListOfOthers(t *testing.T) {
	wants(t, said(t, readAdblock(vector(t, "exchange/filterlists/adblock.txt"), Preset{})), `
line 8 lucky-gift.example/
line 9 pay.example/
line 10 not-this.example/ disputed
line 11 sites.example.org/view/bad-shop
line 12 refused: a rule that blocks only in part: $domain
line 13 refused: a cosmetic rule, which hides a part of a page and blocks nothing
line 14 refused: a regular expression, which names no host and no page
line 15 refused: a pattern or a rule of a filter: name the host or the page itself
`)
	wants(t, said(t, readAdblock(vector(t, "exchange/certpl/domains_adblock.txt"), Preset{})), `
line 1 lucky-gift.example/
line 2 xn--vit-5kz.example/
`)
}

// Whatever blocks more or less than one host or one page is no entry, and is told what it is.
func TestRulesOfFilters(t *testing.T) {
	for _, c := range [][2]string{
		{"||a.example^", "a.example/"},
		{"||a.example^|", "a.example/"},
		{"||a.example^*", "a.example/"},
		{"||a.example/", "a.example/"},
		{"||a.example/*", "a.example/"},
		{"||*.a.example^", "a.example/"},
		{"||a.example:8080^", "a.example/"},
		{"||192.0.2.7^$all", "192.0.2.7/"},
		{"||[2001:db8::1]^", "[2001:db8::1]/"},
		{"||đầu-tư.example^", "xn--u-t-uqa21fb58j.example/"},
		{"||a.example^$document,popup", "a.example/"},
		{"||a.example^$doc,important", "a.example/"},
		{"||a.example/p/q^$document", "a.example/p/q"},
		{"||a.example/p/q*$all", "a.example/p/q"},
		{"||a.example/p?x=1$document", "a.example/p?x=1"},
		{"||a.example/$5$document", "a.example/$5"},
		{"|https://a.example/p|$document", "a.example/p"},
		{"|https://a.example^", "a.example/"},
		{"||t.me/an_invented_name^$document", "telegram:user/an_invented_name"},
		{"||a.example^$badfilter", "a.example/ disputed"},
		{"@@||a.example/p^$document", "a.example/p disputed"},
		{"||a.example/p/q^", "only in part"},
		{"||a.example", "only in part"},
		{"||a.example*", "pattern"},
		{"||a.*^", "pattern"},
		{"||a.example^p", "pattern"},
		{"||a.example/p*/q$document", "pattern"},
		{"||ad-^", "host name"},
		{"||user@a.example^", "host name"},
		{"||0900000001^", "host name"},
		{"||a.example^$third-party", "$third-party"},
		{"||a.example^$~third-party", "$~third-party"},
		{"||a.example^$script", "$script"},
		{"||a.example^$removeparam=x", "$removeparam"},
		{"||a.example^$dnsrewrite=192.0.2.1", "$dnsrewrite"},
		{"||a.example^$document,denyallow=b.example", "$denyallow"},
		{"@@||a.example^$elemhide", "$elemhide"},
		{"a.example##.ad", "cosmetic"},
		{"##.ad", "cosmetic"},
		{"a.example#@#.ad", "cosmetic"},
		{"a.example#?#.ad:has(b)", "cosmetic"},
		{"a.example##+js(x)", "cosmetic"},
		{"a.example$$script", "cosmetic"},
		{"/ad[0-9]/$script", "regular expression"},
		{"a.example", "pattern"},
		{"|ftp://a.example^", "pattern"},
	} {
		got := said(t, readAdblock(strings.NewReader(c[0]), Preset{}))
		if got != "line 1 "+c[1]+"\n" && !(strings.HasPrefix(got, "line 1 refused") && strings.Contains(got, c[1])) {
			t.Errorf("%s: %s", c[0], got)
		}
	}
}

// A line of a gigabyte is one that is refused, and the next one is read.
func TestALineWithoutAnEnd(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("||"), io.LimitReader(of('a'), 64<<20), strings.NewReader("^\n||b.example^\r\n\xff\r||c.example^"))
	wants(t, said(t, readAdblock(endless, Preset{})), `
line 1 refused: longer than 8 kB
line 2 b.example/
line 3 refused: the list is not in UTF-8: save it as that, or name its encoding
line 4 c.example/
`)
}

// of is a text of one letter, without an end.
type of byte

func (o of) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(o)
	}
	return len(p), nil
}

func FuzzAdblock(f *testing.F) {
	f.Add("||a.example^\n@@||b.example^$document\n||c.example/p$all\na.example##.ad\n/x/\n||d.example^$domain=x")
	f.Fuzz(func(t *testing.T, text string) {
		lines := map[int]bool{}
		for c, err := range readAdblock(strings.NewReader(text), Preset{}) {
			place := c.Place
			if refused, ok := errors.AsType[*Refused](err); ok {
				place = refused.Place
			} else if err != nil {
				t.Fatal(err)
			} else {
				checkClaim(t, c)
			}
			if lines[place.Line] {
				t.Fatalf("line %d is told twice", place.Line)
			}
			lines[place.Line] = true
		}
	})
}
