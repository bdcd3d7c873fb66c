package feed

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/subject"
)

func TestAddressesAsPeopleWriteThem(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got, err := Href(text); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	f("scam.example", "http://scam.example/")
	f("  SCAM.example/A b  ", "http://scam.example/A%20b")
	f("//scam.example/x", "http://scam.example/x")
	f("https://scam.example", "https://scam.example/")
	f("scam.example:100", "http://scam.example:100/")
	f("hxxps://scam[.]example/x", "https://scam.example/x")
	f("hxxp://scam(.)example", "http://scam.example/")
	f("cốccốc.example", "http://xn--cccc-0x5ac.example/")
	f("https:\\\\scam.example\\x", "https://scam.example/x")
	f("http://0x7f.1/", "http://127.0.0.1/")
	f("http://scam.example/foo\tbar\rbaz\n2", "http://scam.example/foobarbaz2")
	f("http://good.example@scam.example/", "http://good.example@scam.example/")
	f("scam.example/a/../b?c#d", "http://scam.example/b?c#d")
	for _, text := range []string{"", "   ", "http://", "mailto:a@b.example", "javascript:alert(1)", "ftp://scam.example/", "http://a b/", "http://exa<mple/", "http://1.2.3.256/", strings.Repeat("a", 9000)} {
		if got, err := Href(text); err == nil {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func read(t *testing.T, format, text string) Result {
	t.Helper()
	r, err := Read(format, strings.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// summary is a result in short: what was read and what was refused, by line.
func summary(r Result) string {
	var b strings.Builder
	for _, i := range r.Items {
		fmt.Fprintf(&b, "%d %s\n", i.Line, i.Subject)
	}
	for _, x := range r.Refused {
		fmt.Fprintf(&b, "%d refused\n", x.Line)
	}
	return b.String()
}

func TestLists(t *testing.T) {
	f := func(format, text, want string, lines, duplicates int) {
		t.Helper()
		r := read(t, format, text)
		if got := summary(r); got != want || r.Lines != lines || r.Duplicates != duplicates {
			t.Errorf("%s %q: %d lines, %d duplicates\n%swant\n%s", format, text, r.Lines, r.Duplicates, got, want)
		}
	}
	f("urls", "", "", 0, 0)
	f("urls", "a.example\n", "1 a.example/\n", 1, 0)
	f("urls", "\ufeffa.example\r\n\r\n# a comment\r\nB.example # bought in March\r\na.EXAMPLE", "1 a.example/\n4 b.example/\n", 5, 1)
	f("urls", "a.example b.example\nhttp://\n\xff\xfe\nc.example", "4 c.example/\n1 refused\n2 refused\n3 refused\n", 4, 0)
	f("urls", "a.example/"+strings.Repeat("x", 9000)+"\nb.example\n", "2 b.example/\n1 refused\n", 2, 0)
	f("urls", "www.facebook.com/An.Invented.Name\nm.facebook.com/aninventedname\ntiktok:user/someone", "1 facebook:user/aninventedname\n3 tiktok:user/someone\n", 3, 1)
	f("hosts", "127.0.0.1 localhost\n0.0.0.0 a.example b.example # two\n::1 ip6-localhost\n0.0.0.0 a.example\n", "2 a.example/\n2 b.example/\n", 4, 1)
	f("hosts", "203.0.113.7 a.example\na.example\n0.0.0.0 a.example/path\n", "1 refused\n2 refused\n3 refused\n", 3, 0)
	f("csv", "url\na.example\n\nhttp://\n", "2 a.example/\n4 refused\n", 4, 0)
	f("csv", "Category, URL\nphishing,a.example\nnothing,b.example\n,c.example\n", "2 a.example/\n4 c.example/\n3 refused\n", 4, 0)
	f("csv", "url,first_seen\na.example,45000\nb.example,1700000000\nc.example,0\n", "3 b.example/\n4 c.example/\n2 refused\n", 4, 0)
	f("csv", "url;reason_en\r\na.example;\"one; two\"\r\n", "2 a.example/\n", 2, 0)
}

func TestWhatACSVSays(t *testing.T) {
	r := read(t, "csv", "subject,category,reason_en,reason_vi,first_seen,lapses,reference,source,unknown\n"+
		`tiktok:user/someone,loan,"asks for a ""fee""",đòi phí,2025-03-01,2027-01-01T00:00:00Z,KH-2025-000001,a bank,x`+"\n")
	want := ledger.Indicator{
		Subject: "tiktok:user/someone", Category: category.Loan, Source: "a bank", Reference: "KH-2025-000001",
		Reason:    map[string]string{"en": `asks for a "fee"`, "vi": "đòi phí"},
		FirstSeen: time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC).Unix(), Lapses: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).Unix(),
	}
	if len(r.Items) != 1 || !reflect.DeepEqual(r.Items[0].Indicator, want) {
		t.Errorf("got %+v, want %+v", r.Items, want)
	}
}

func TestWhatIsNoList(t *testing.T) {
	f := func(format, text string, want error) {
		t.Helper()
		if _, err := Read(format, strings.NewReader(text), nil); !errors.Is(err, want) {
			t.Errorf("%s %.20q: %v, want %v", format, text, err, want)
		}
	}
	f("xml", "<list/>", ErrFormat)
	f("csv", "host,kind\na.example,x\n", ErrFormat)
	f("csv", "url,URL\na.example,x\n", ErrFormat)
	f("urls", "\xff\xfea\x00.\x00", ErrEncoding)
}

func TestWhatGoesOutComesInAgain(t *testing.T) {
	list := []ledger.Indicator{
		{Subject: "a.example/", Category: category.Shop, Source: "=HYPERLINK(\"http://evil.example\")", Reference: "'quoted", FirstSeen: 1763900000,
			Reason: map[string]string{"en": "-1+1, with a \"quote\"", "vi": "+84"}},
		{Subject: "b.example/x?y", Category: category.Other},
	}
	var all iter.Seq2[ledger.Indicator, error] = func(yield func(ledger.Indicator, error) bool) {
		for _, i := range list {
			if !yield(i, nil) {
				return
			}
		}
	}
	var out bytes.Buffer
	if err := WriteCSV(&out, all); err != nil {
		t.Fatal(err)
	}
	for _, cell := range strings.FieldsFunc(out.String(), func(r rune) bool { return r == ',' || r == '\n' }) {
		if strings.ContainsAny(strings.Trim(cell, `" `)[:min(1, len(strings.Trim(cell, `" `)))], "=+-@") {
			t.Errorf("a spreadsheet would calculate %s", cell)
		}
	}
	r := read(t, "csv", out.String())
	var got []ledger.Indicator
	for _, i := range r.Items {
		got = append(got, i.Indicator)
	}
	if !reflect.DeepEqual(got, list) {
		t.Errorf("got\n%+v\nwant\n%+v\nfrom\n%s", got, list, out.String())
	}
}

func TestARealList(t *testing.T) {
	file, err := os.Open("../../../shared/data/vn-scam-hosts.txt")
	if err != nil {
		t.Skip("the list is not here")
	}
	defer file.Close()
	told := 0
	r, err := Read("urls", file, func(int) { told++ })
	if err != nil || len(r.Refused) > 0 || len(r.Items)+r.Duplicates != r.Lines || told != r.Lines/1000 {
		t.Errorf("%d items, %d duplicates, %d lines, refused %+v, %v", len(r.Items), r.Duplicates, r.Lines, r.Refused, err)
	}
}

// A quote that nobody closes takes what follows with it, and that is said.
func TestAQuoteThatIsLeftOpen(t *testing.T) {
	r := read(t, "csv", "url\na.example\n\"b.example\nc.example\nd.example\n")
	if len(r.Items) != 1 || len(r.Refused) != 1 || r.Refused[0].Line != 3 || !strings.Contains(r.Refused[0].Why, "line 5") {
		t.Errorf("%+v", r)
	}
}

// Every line is accounted for: it gives an item, is a duplicate, is refused, or was blank.
func FuzzRead(f *testing.F) {
	f.Add("urls", "a.example\n# x\nhttp://\na.example")
	f.Add("hosts", "0.0.0.0 a.example b.example")
	f.Add("csv", "url,category\na.example,phishing\n\"")
	f.Fuzz(func(t *testing.T, format, text string) {
		r, err := Read(format, strings.NewReader(text), nil)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, i := range r.Items {
			if i.Line < 1 || i.Line > r.Lines || seen[string(i.Subject)] {
				t.Fatalf("line %d of %d: %s", i.Line, r.Lines, i.Subject)
			}
			seen[string(i.Subject)] = true
		}
		if format == "urls" && len(r.Items)+r.Duplicates+len(r.Refused) > r.Lines {
			t.Fatalf("%d lines give %d items, %d duplicates, %d refused", r.Lines, len(r.Items), r.Duplicates, len(r.Refused))
		}
		for _, x := range r.Refused {
			if x.Why == "" {
				t.Fatal("refused without a reason")
			}
		}
	})
}

// Whatever a line is, it is one thing that may be listed, or refused by its reason; read again as it is kept, it is the
// same.
func FuzzEntry(f *testing.F) {
	for _, text := range []string{
		"scam.example", "*.scam.example", "||scam.example^", "hxxps[://]scam[.]example/a[.]b", "scam dot example", "469", "9.00E+08", "192.0.2.0/24", "http://0x7f.1/", "0900 000 001",
		"https://a.example/,https://b.example/", `scam\\.example`, "https://me:secret@scam.example:8443/it%5C?x#y", "Vietcombank 0011000000001", "somebody[@]invented[.]example", "[2001:db8::1]:80/a",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, address, err := Entry(text)
		if err != nil {
			if s != "" || address != "" || err.Error() == "" {
				t.Fatalf("%q: %q, %q, %v", text, s, address, err)
			}
			return
		}
		if again, err := subject.Parse(string(s)); err != nil || again != s || !s.IsListable() {
			t.Fatalf("%q is %q, which no list may hold: %v", text, s, err)
		}
		if address == "" {
			return
		}
		if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }) || !ledger.Names(address, s) {
			t.Fatalf("%q is %q, first seen at %q", text, s, address)
		}
		if again, seen, err := named(string(s), address); err != nil || again != s || seen != address {
			t.Fatalf("%q is %q at %q, and comes in again as %q at %q, %v", text, s, address, again, seen, err)
		}
	})
}
