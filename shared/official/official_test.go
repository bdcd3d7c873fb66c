package official

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/idna"
)

const small = `
# banks
bank-of-inventions.example inventedbank.example | Bank of Inventions; Ngân hàng Sáng chế
vietbanka.com.vn vietbankadigital.vn | Việt Banka
facepalace.com facepalacecdn.net | FacePalace
gogol.com gogol.* | Gogol
parcelia.com parcelia.* | Parcelia
momi.vn | MoMi
meoid.gov.vn | MeoID
shopping.example
momentum.example
mobank.example
`

func book(t testing.TB) *Book {
	t.Helper()
	b, err := Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// own is the book that Khiên comes with.
func own(t testing.TB) *Book {
	t.Helper()
	f, err := os.Open("../../server/publish/guide/official.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhomAHostResembles(t *testing.T) {
	b := book(t)
	f := func(host, official string, rule Rule) {
		t.Helper()
		got, ok := b.Host(host)
		if ok != (official != "") || got.Official != official || got.Rule != rule {
			t.Errorf("%s resembles %+v, %t; want %s by %s", host, got, ok, official, rule)
		}
	}
	// The real ones, and what is below them.
	for _, host := range []string{
		"vietbanka.com.vn", "www.vietbanka.com.vn", "login.vietbanka.com.vn", "facepalacecdn.net", "gogol.com", "www.gogol.co.uk", "mail.gogol.de", "parcelia.fr", "parcelia.com.br", "parcelia.net", "inventedbank.example",
	} {
		if f(host, "", ""); !b.IsOfficial(host) {
			t.Errorf("%s is not official", host)
		}
	}
	for host, want := range map[string]string{"www.vietbanka.com.vn": "Việt Banka", "gogol.com": "Gogol", "inventedbank.example": "Bank of Inventions"} {
		if got, ok := b.Owner(host); got != want || !ok {
			t.Errorf("%s is of %q, %t; want %q", host, got, ok, want)
		}
	}
	for _, host := range []string{"vietbanka.com.vn.scam.example", "a-bucket.facepalacecdn.net", "mail.gogol.de", ""} {
		if got, ok := b.Owner(host); ok {
			t.Errorf("%s is of %q", host, got)
		}
	}
	// Letters that look alike: digits, Cyrillic, Greek, marks.
	f("facepa1ace.com", "facepalace.com", Letters)
	f("xn--fceplace-16gd.com", "facepalace.com", Letters) // with two letters of Cyrillic
	f("g0g0l.shop", "gogol.com", Letters)
	f("viẹtbanka.com.vn", "vietbanka.com.vn", Letters)
	f("rnorni.vn", "momi.vn", Letters)
	// The same name under another ending; a short one may be anybody's.
	f("facepalace.shop", "facepalace.com", Ending)
	f("momi.shop", "", "")
	f("gogol.shop", "", "")
	f("meoid.shop", "meoid.gov.vn", Ending) // of an office of the state
	f("parcelia.top", "parcelia.com", Ending)
	f("www.parcelia.tk", "parcelia.com", Ending)
	// Inside of another name.
	f("facepalace.com.login.scam.example", "facepalace.com", Inside)
	f("secure-facepalace.example", "facepalace.com", Inside)
	f("momi.scam.example", "momi.vn", Inside)
	f("vietbanka-quatang.scam.example", "vietbanka.com.vn", Inside)
	// Words of bait around it.
	f("facepalacelogin.example", "facepalace.com", Added)
	f("hotrofacepalace.example", "facepalace.com", Added)
	f("vietbanka24.example", "vietbanka.com.vn", Added)
	f("momi88.example", "momi.vn", Added)
	f("vietbankadigitals.example", "vietbanka.com.vn", Added)
	// One slip.
	f("facepalcae.com", "facepalace.com", Slip)
	f("facepallace.com", "facepalace.com", Slip)
	f("facepalac.com", "facepalace.com", Slip)
	f("vietbankq.com", "vietbanka.com.vn", Slip)
	// Letters that stand more often in a row, or less often, are one slip.
	f("facepalllace.com", "facepalace.com", Slip)
	f("ffacepaalaceee.com", "facepalace.com", Slip)
	f("shoopping.example", "shopping.example", Slip)
	f("shoping.example", "shopping.example", Slip)
	f("mmomentum.example", "momentum.example", Slip)
	f("goggol.shop", "", "") // of five letters
	f("mobbank.com", "", "") // of two beside "bank"
	f("shoping-tours.example", "", "")
	f("facepalacechamsockhachhang247.example", "facepalace.com", Added)
	// Offices of a state have a page each by the name of a service of all; nobody else gets a name there.
	f("vietbanka.hanoi.gov.vn", "", "")
	f("vietbanka-tax.gov", "", "")
	f("vietbanka.service.gouv.fr", "", "")
	f("vietbanka.gov.vn.example", "vietbanka.com.vn", Inside)
	f("vietbanka.gov.tk", "vietbanka.com.vn", Ending)
	f("vietbanka-gov.vn", "vietbanka.com.vn", Inside)
	// Nobody.
	for _, host := range []string{
		"palace.example", "face.example", "facepalacegarden.example", "mommies.example", "bank.example", "localhost", "203.0.113.7", "xn--a", "xn--99999", "", "...", "invented-bakery.example",
	} {
		f(host, "", "")
	}
}

func TestWhomANameResembles(t *testing.T) {
	b := book(t)
	f := func(name, host, official string) {
		t.Helper()
		got, ok := b.Name(name, host)
		if ok != (official != "") || got.Official != official {
			t.Errorf("%q at %s resembles %+v, %t; want %q", name, host, got, ok, official)
		}
	}
	f("Bank of Inventions", "scam.example", "bank-of-inventions.example")
	f("Bank of Inventions", "www.bank-of-inventions.example", "")
	f("BΑNK OF INVENTIΟNS", "scam.example", "bank-of-inventions.example") // two Greek letters
	f("Ngân Hàng Sáng Chế - Hỗ trợ", "scam.example", "bank-of-inventions.example")
	f("Ngan hang Sang che", "scam.example", "bank-of-inventions.example")
	f("Official FacePalace Support", "scam.example", "facepalace.com")
	f("ＦａｃｅＰａｌａｃｅ", "scam.example", "facepalace.com")
	f("How I lost my money at FacePalace", "news.example", "")
	f("Palace of Inventions", "scam.example", "")
	f("", "scam.example", "")
}

func TestABookThatCannotBeRead(t *testing.T) {
	for _, text := range []string{"| a name\n", "no-dot\n", "Upper.example\n", "a.example b c\n", strings.Repeat("a", maxLine+1), strings.Repeat("a.example\n", MaxEntries+1)} {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%.20q…: %v", text, err)
		}
	}
	own := own(t)
	if own.Len() < 80 {
		t.Errorf("the book that Khiên comes with has %d entries", own.Len())
	}
	// None of them resembles another.
	for _, e := range own.entities {
		if r, ok := own.Host(e.host); ok {
			t.Errorf("%s resembles %s", e.host, r.Official)
		}
	}
}

// On a real list of scams the rules find what they are for; the figures are in docs/official.md.
func TestARealListOfScams(t *testing.T) {
	text, err := os.ReadFile("../../../shared/data/vn-scam-hosts.txt")
	if err != nil {
		t.Skip("the outside list is not here")
	}
	own := own(t)
	found, hosts := 0, 0
	rules := map[Rule]int{}
	for line := range strings.Lines(string(text)) {
		host, _, _ := strings.Cut(strings.TrimSpace(line), "/")
		hosts++
		if r, ok := own.Host(host); ok {
			rules[r.Rule]++
			found++
		}
	}
	for _, rule := range []Rule{Ending, Inside, Added, Slip} {
		if rules[rule] == 0 {
			t.Errorf("the rule %s finds nothing", rule)
		}
	}
	if found < hosts/25 {
		t.Errorf("%d of %d", found, hosts)
	}
}

// The second implementation of the decoder is the one of golang.org/x/net/idna.
func FuzzDecoded(f *testing.F) {
	for _, label := range []string{"xn--bcher-kva", "xn--", "xn--a", "xn--mua-sm-tf8b", "a", "xn--99999", "xn---"} {
		f.Add(label)
	}
	own := own(f)
	punycode := idna.New()
	f.Fuzz(func(t *testing.T, label string) {
		got := decoded(label)
		want, err := punycode.ToUnicode(label)
		if !strings.HasPrefix(label, "xn--") || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return
		}
		if err == nil && got != want && want != label && len(label) < 60 {
			t.Fatalf("%q is %q, want %q", label, got, want)
		}
		own.Host(label + ".example")
		own.Name(label, "scam.example")
	})
}

func TestSkeletonsOfWhatLooksAlike(t *testing.T) {
	for _, pair := range [][2]string{{"paypal", "pаypаl"}, {"google", "g00gle"}, {"momo", "rnorno"}, {"vietcombank", "viétcombânk"}, {"đồng", "dong"}, {"apple", "ａｐｐｌｅ"}, {"zalo", "za1o"}} {
		if a, b := Skeleton(pair[0]), Skeleton(pair[1]); a != b {
			t.Errorf("%q is %q, %q is %q", pair[0], a, pair[1], b)
		}
	}
	if slices.Contains([]string{Skeleton("paypel"), Skeleton("paypa")}, Skeleton("paypal")) {
		t.Error("what does not look alike has the same skeleton")
	}
}
