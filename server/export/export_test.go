package export

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"khien/server/feed"
	"khien/server/partner"
	"khien/server/stream"
	"khien/shared/category"
	"khien/shared/subject"
)

// head is of a list at one moment.
var head = Head{Operator: "Invented Shield", Home: "https://khien.example", Now: 1_800_000_000, Position: 7, Root: "invented"}

// given is a list as everybody gets it; a subject may be followed by an address at which it was seen.
func given(subjects ...string) List {
	return func(yield func(partner.Given, error) bool) {
		for i, text := range subjects {
			s, seen, _ := strings.Cut(text, " ")
			o := stream.Object{Position: int64(i + 1), Added: int64(i+1) + 1_790_000_000_000, Made: int64(i+1) + 1_790_000_000_000, Subject: subject.Subject(s), Address: seen,
				Category: category.Other, Source: "Khiên", Reference: fmt.Sprintf("KH-2026-%06d", i+1), FirstSeen: 1_790_000_000, TLP: feed.Clear}
			if !yield(partner.Given{Object: o, Kind: partner.KindOf(o.Subject)}, nil) {
				return
			}
		}
	}
}

// body is what a format makes of a list, without its comments, and what it leaves out.
func body(t *testing.T, format string, list List) (string, string) {
	t.Helper()
	f, ok := ByName(format)
	if !ok {
		t.Fatalf("no format %s", format)
	}
	var out strings.Builder
	left, err := f.Write(&out, list, head)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "! ") && !strings.HasPrefix(line, "; ") {
			kept = append(kept, line)
		}
	}
	var counts []string
	for _, why := range slices.Sorted(maps.Keys(left)) {
		counts = append(counts, fmt.Sprint(why, " ", left[why]))
	}
	return strings.Join(kept, ""), strings.Join(counts, ", ")
}

func TestEachFormatSaysWhatItCanSayExactly(t *testing.T) {
	list := given("scam.example/", "below.scam.example/", "_dmarc.under_score.example/", "shared.example/page https://shared.example:8443/page", "shared.example/folder/",
		"shared.example/find?q=1", "192.0.2.7/", "[2001:db8::1]/", "facebook:id/999999999999999", "phone:+84900000001", "bank:970436/0123456789")
	f := func(format, want, left string) {
		t.Helper()
		got, counts := body(t, format, list)
		if got != want || counts != left {
			t.Errorf("%s is\n%sleft: %s\nnot\n%sleft: %s", format, got, counts, want, left)
		}
	}
	const noHosts = "not-a-host 6, not-a-name 2"
	f("domains", "scam.example\n_dmarc.under_score.example\n", "covered 1, "+noHosts)
	f("dnsmasq", "local=/scam.example/\nlocal=/_dmarc.under_score.example/\n", "covered 1, "+noHosts)
	f("hosts", "0.0.0.0 scam.example\n0.0.0.0 below.scam.example\n0.0.0.0 _dmarc.under_score.example\n", noHosts)
	f("rpz", "$TTL 60\n@ IN SOA localhost. root.localhost. 1800000000 60 60 2592000 60\n@ IN NS localhost.\nscam.example CNAME .\n*.scam.example CNAME .\n"+
		"_dmarc.under_score.example CNAME .\n*._dmarc.under_score.example CNAME .\n", "covered 1, "+noHosts)
	f("adblock", "||scam.example^\n||_dmarc.under_score.example^\n||shared.example/page|$all\n||shared.example/page?$all\n||shared.example:8443/page|$all\n"+
		"||shared.example:8443/page?$all\n||shared.example/folder/$all\n||shared.example/find?q=1|$all\n", "covered 1, not-a-page 5")
}

func TestWhatIsSyntaxNeverLeaves(t *testing.T) {
	hostile := []string{"*.com/", "*.com.vn/", "32.9.2.0.192.rpz-ip/", "ns.rpz-nsdname/", "$include.example/", "a;b.example/", "a(b.example/", "a..b.example/", "-a.example/", "a-.example/",
		"com/", "a.example./", ".example/", "a b.example/", "a\nb.example/", "a,b.example/", "a/../b.example/", "a^b.example/", "a.example\\/", "@/", "A.example/", "bücher.example/", "1.2/", "a.0/",
		strings.Repeat("a", 64) + ".example/", strings.Repeat(strings.Repeat("a", 60)+".", 4) + "example1234567890/"}
	for _, format := range []string{"domains", "hosts", "adblock", "rpz", "dnsmasq"} {
		for _, s := range hostile {
			empty, _ := body(t, format, given())
			if got, left := body(t, format, given(s)); got != empty || left == "" {
				t.Errorf("%s has %q of %q, left %q", format, got, s, left)
			}
		}
	}
	for _, s := range []string{"a.example/x*y", "a.example/x|", "a.example/x^y", "a.example/x,y"} {
		if got, left := body(t, "adblock", given(s)); got != "" || left != "not-exactly 1" {
			t.Errorf("%q of %q, left %q", got, s, left)
		}
	}
}

func TestALongNameHasNoRoomInAZone(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 61)+".", 3) + "example"
	if _, left := body(t, "rpz", given(long+"/")); left != "too-long 1" {
		t.Errorf("left: %s", left)
	}
	if _, left := body(t, "domains", given(long+"/")); left != "" {
		t.Errorf("left: %s", left)
	}
}

func TestWhatIsOffTheListIsInNoListOfWhatIs(t *testing.T) {
	list := func(yield func(partner.Given, error) bool) {
		for g := range given("gone.example/", "over.example/", "stays.example/") {
			switch g.Subject {
			case "gone.example/":
				g.Withdrawn = head.Now - 5
			case "over.example/":
				g.Lapses = head.Now
			}
			if !yield(g, nil) {
				return
			}
		}
	}
	for _, f := range Formats {
		if got, left := body(t, f.Name, list); strings.Contains(got, "gone") || strings.Contains(got, "over.example") || !strings.Contains(got, "stays.example") || left != "off-list 2" {
			t.Errorf("%s: %q, left %q", f.Name, got, left)
		}
	}
}

func TestWhatLeavesHiddenIsNowhereInTheOpen(t *testing.T) {
	a := partner.Agreement{Personal: map[string]partner.Personal{"phone": partner.Hidden}}
	g, why := a.Gives(stream.Object{Subject: "phone:+84900000001", Address: "tel:+84900000001", TLP: feed.Clear, Category: category.Other}, []byte("key"))
	if why != "" {
		t.Fatal(why)
	}
	for _, f := range Formats {
		got, _ := body(t, f.Name, func(yield func(partner.Given, error) bool) { yield(g, nil) })
		if strings.Contains(got, "900000001") {
			t.Errorf("%s says %q", f.Name, got)
		}
		if told := strings.Contains(got, "phone:hmac-sha256/"+g.HMAC); told != (f.Name == "csv" || f.Name == "jsonl") {
			t.Errorf("%s says %q", f.Name, got)
		}
	}
}

func TestATableIsReadAsItWasWritten(t *testing.T) {
	out, _ := body(t, "csv", given("shared.example/page https://shared.example/page%5C", "facebook:id/999999999999999"))
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][0] != "shared.example/page" || rows[2][1] != "https://www.facebook.com/profile.php?id=999999999999999" {
		t.Errorf("%q, %v", rows, err)
	}
	out, _ = body(t, "jsonl", given("scam.example/"))
	var r record
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Subject != "scam.example/" || r.TLP != feed.Clear || r.Reference != "KH-2026-000001" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatCanNotBeReadIsNoList(t *testing.T) {
	broken := errors.New("the disk is gone")
	for _, f := range Formats {
		_, err := f.Write(&strings.Builder{}, func(yield func(partner.Given, error) bool) { yield(partner.Given{}, broken) }, head)
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", f.Name, err)
		}
		if _, err := f.Write(full{}, given("scam.example/"), head); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
