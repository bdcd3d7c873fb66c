package official

import (
	"errors"
	"fmt"
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
	f, err := os.Open("../../server/publish/supplement/official.txt")
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
	f("vietbankadigitals.example", "vietbanka.com.vn", Piece)
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
	f("mmomentum.example", "momentum.example", Piece)
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
		"palace.example", "face.example", "mommies.example", "bank.example", "localhost", "203.0.113.7", "xn--a", "xn--99999", "", "...", "invented-bakery.example",
	} {
		f(host, "", "")
	}
}

const withMarks = `
facepalace.com facepalacecdn.net facepalace-studio.com | FacePalace
gogol.com gogol.*
kokoda.example
sevenup.example
everyday.example
santaville.example
steelcommunity.com
green-machine-xanh.example
gpd.com gpd.*
apell.example
vivivi.example
zoqgroup.example | ZOQ Group; ZOQ; Ilom
#!coined kokoda
#!famous kokoda gpd zoq ilom
#!common everyday kokodachrome facepalate
#!parcel dostawa paczka parcel
#!bait zaloguj
#!shared pages.example io.vn
#!known facepalacefans.example kokoda-palace.example fan.pages.example
#!of-tomorrow something new
`

func TestWhomAHostResemblesByWhatABookMarks(t *testing.T) {
	b, err := Read(strings.NewReader(withMarks))
	if err != nil {
		t.Fatal(err)
	}
	f := func(host, official string, rule Rule) {
		t.Helper()
		got, ok := b.Host(host)
		if ok != (official != "") || got.Official != official || got.Rule != rule {
			t.Errorf("%s resembles %+v, %t; want %s by %s", host, got, ok, official, rule)
		}
	}
	// i, l and 1, vv and w, rn and m are the same; in short names only where other alphabets are used.
	f("facepaiace.com", "facepalace.com", Letters)
	f("facepaIace.com", "facepalace.com", Letters)
	f("steelcornmunity.com", "steelcommunity.com", Letters)
	f("wlwlwl.example", "", "")
	f("vlvlvl.example", "vivivi.example", Letters)
	f("apeil.example", "", "")
	f("xn--pll-8cd1c.example", "", "")
	f("аpеll.example", "apell.example", Letters)
	f("аpеiӏ.example", "apell.example", Letters)
	// Whole words of Cyrillic, Greek, Armenian and Latin letters that only look alike.
	f("коkоdа.example", "kokoda.example", Letters)
	f("ɡоɡоӏ.example", "gogol.com", Letters)
	f("κοκοdα.shop", "kokoda.example", Letters)
	f("kօkօda.shop", "kokoda.example", Letters)
	f("fасераӏасе.shop", "facepalace.com", Letters)
	// Digits that are read for letters, in names of six letters and more.
	f("f4c3p4l4c3.com", "facepalace.com", Letters)
	f("k0k0d4.shop", "kokoda.example", Letters)
	f("login-f4cepalace.example", "facepalace.com", Inside)
	f("myf4cepalaces.example", "facepalace.com", Piece)
	f("4pell.example", "", "")
	// A name of eight letters, or a coined one of six, is anywhere in a label; another one is not, nor where a word has
	// it.
	f("facepalacegarden.example", "facepalace.com", Piece)
	f("thisismyfacepalace.example", "facepalace.com", Piece)
	f("shop.thisismyfacepalace.example.example", "facepalace.com", Piece)
	f("myfacepalaces.shop.example", "facepalace.com", Piece)
	f("bestkokodas.example", "kokoda.example", Piece)
	f("thesevenupgame.example", "", "")
	f("kokodachrome.example", "", "")
	f("my-kokodachrome.example", "", "")
	f("kokodachromekokoda.example", "kokoda.example", Piece)
	f("facepalacestudio.example", "facepalace.com", Piece)
	// Everybody's words are no names, unless as a whole host or with bait alone.
	f("everydaylife.example", "", "")
	f("everyday-life.example", "", "")
	f("everyday-login.example", "everyday.example", Added)
	f("everyday.example.scam.shop", "everyday.example", Inside)
	f("everyday.shop", "everyday.example", Ending)
	// Slips: one in eight, two in twelve, one in a famous name of six whose first letter is right, one in a word of eight.
	f("facepalate.com", "", "") // a word of everybody's
	f("facepulace.com", "facepalace.com", Slip)
	f("facepulacc.com", "", "")
	f("steelcomunitty.com", "steelcommunity.com", Slip)
	f("stealcomunuty.com", "", "")
	f("kokida.example", "kokoda.example", Slip)
	f("nokoda.example", "", "")
	f("sevenap.example", "", "")
	f("login-facepulace.example", "facepalace.com", Slip)
	f("login-kokida.example", "", "")
	// Dashes in a name, or none where it has some.
	f("face-palace.example", "facepalace.com", Slip)
	f("ko-koda.example", "kokoda.example", Slip)
	f("greenmachinexanh.example", "green-machine-xanh.example", Slip)
	f("ape-ll.example", "", "")
	// Three letters, famous, and words of parcels.
	f("gpddostawa.example", "gpd.com", Added)
	f("paczka-gpd24.example", "gpd.com", Added)
	f("gpd-parcel.pages.example", "gpd.com", Added)
	f("gpd24.example", "", "")
	// A famous name that no host of theirs has, and what looks like it: in a short name, not i and l.
	f("zoq-dostawa.example", "zoqgroup.example", Added)
	f("zoq.example", "", "")
	f("zoq-holding.example", "", "")
	f("z0q.example", "zoqgroup.example", Letters)
	f("zоq.example", "zoqgroup.example", Letters)
	f("llom.example", "zoqgroup.example", Letters)
	f("gpd-holding.example", "", "")
	f("gpdzaloguj.example", "", "")
	f("gogolzaloguj.example", "gogol.com", Added)
	f("gogoldostawa24.example", "gogol.com", Added)
	// A whole host of theirs, below another or before a dash.
	f("gpd.com.scam.example", "gpd.com", Inside)
	f("gpd.com-parcel.example", "gpd.com", Inside)
	f("pay.gpd.com-parcel.example", "gpd.com", Inside)
	f("gpd.company-parcel.example", "", "")
	f("xgpd.com-parcel.example", "", "")
	f("gpd.com.br", "", "") // theirs
	f("gpd.com.top", "gpd.com", Inside)
	// Below a host on which anybody has a name it is as before an ending.
	f("facepalce.pages.example", "facepalace.com", Slip)
	f("facepalace.pages.example", "facepalace.com", Ending)
	f("www.kokida.pages.example", "kokoda.example", Slip)
	f("gogollogin.pages.example", "gogol.com", Added)
	f("kokida.io.vn", "kokoda.example", Slip)
	f("kokida.other.example", "", "")
	f("pages.example", "", "")
	// Well known by itself, with all below it, and nothing else.
	f("facepalacefans.example", "", "")
	f("www.facepalacefans.example", "", "")
	f("facepalace.kokoda-palace.example", "", "")
	f("facepalacefans.shop", "facepalace.com", Piece)
	f("myfacepalacefans.example", "facepalace.com", Piece)
	f("fan.pages.example", "", "")
	f("facepalacefans.example.scam.shop", "facepalace.com", Piece)
}

// A reader that knows no marks takes them for comments, and one that knows fewer passes over the rest.
func TestMarksAreCommentsToOlderReaders(t *testing.T) {
	var hosts []string
	for i := range 1000 {
		hosts = append(hosts, fmt.Sprintf("a-name-that-is-known-%d.example", i))
	}
	lines := MarkLines(Known, hosts)
	b, err := Read(strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(lines) {
		if !IsMark(line) || line[0] != '#' || len(line) > maxLine {
			t.Errorf("a line of %d bytes: %.40q", len(line), line)
		}
	}
	for _, host := range hosts {
		if !b.IsKnown("www." + host) {
			t.Errorf("%s got lost", host)
		}
	}
	if b.IsKnown("known.example") || MarkLines(Known, nil) != "\n" {
		t.Error("what was not marked is known")
	}
	for _, bad := range []string{"#!known a", "#!known A.example", "#!shared https://a.example/", "#!coined a.example", "#!common ö"} {
		if _, err := Read(strings.NewReader(bad)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := Read(strings.NewReader("#!of-tomorrow {}\n#!\n#!known\n")); err != nil {
		t.Error(err)
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

// Whatever a host is made of, nothing panics; a host of the book and what is below it resembles nobody; what is no
// host of the right length does neither.
func FuzzHost(f *testing.F) {
	for _, host := range []string{"facepalace-login.example", "xn--fceplace-16gd.com", "a.b.c.d.pages.example", "gpd.com-parcel.example", strings.Repeat("a.", 126) + "a", strings.Repeat("kokoda", 42), "", ".", "-", "..-", "ԛ", "\xff\xfe.com"} {
		f.Add(host)
	}
	b, err := Read(strings.NewReader(withMarks))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host string) {
		r, ok := b.Host(host)
		if ok && (b.IsOfficial(host) || b.IsKnown(host) || len(host) > maxHost || r.Official == "" || r.Rule == "") {
			t.Fatalf("%q resembles %+v", host, r)
		}
		for _, real := range []string{"facepalace.com", "gogol.com", "gpd.com.br", "facepalacefans.example"} {
			if r, ok := b.Host(host + "." + real); ok {
				t.Fatalf("%q, which is below %s, resembles %+v", host, real, r)
			}
		}
		if again, _ := b.Host(host); again != r {
			t.Fatalf("%q resembles %+v and then %+v", host, r, again)
		}
	})
}

func TestSlips(t *testing.T) {
	f := func(a, b string, least int) {
		t.Helper()
		for n := range 4 {
			if slips(a, b, n) != (n >= least) || slips(b, a, n) != (n >= least) {
				t.Errorf("%q is %q with %d slips: %t, with %d: %t; want from %d on", a, b, n, slips(a, b, n), n, slips(b, a, n), least)
			}
		}
	}
	f("palace", "palace", 0)
	f("palace", "pallace", 1)
	f("palace", "plaace", 1)
	f("palace", "qalace", 1)
	f("palace", "palac", 1)
	f("palace", "alac", 2)
	f("palace", "aplcae", 2)
	f("palace", "place", 1)
	f("", "a", 1)
	f("", "abcd", 4)
	f("abc", "xyz", 3)
}
