package publish

import (
	"bufio"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"khien/server/feed"
	"khien/shared/subject"
)

func exact(t testing.TB, text string) subject.Subject {
	t.Helper()
	if s, err := subject.Parse(text); err == nil {
		return s
	}
	href, err := feed.Href(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	s, err := subject.Exact(href)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func TestWhatMayBeListed(t *testing.T) {
	for _, text := range []string{
		"scam.example", "www.scam.example/pay", "scam.com.vn", "lucky-gift.localhost", "203.0.113.7", "203.0.113.7/login",
		"scamshop.weebly.com", "scam.github.io/page", "scam.web.app", "vietcombank-online.example", "vietcombank.com.vn.scam.example",
		"facebook.com.scam.example", "xn--fcebook-2fg.com", "google.com-login.example",
		// exactly one page or account of a protected site
		"https://www.facebook.com/an.invented.name", "https://www.facebook.com/profile.php?id=999999999999999",
		"https://www.facebook.com/groups/999999999999998", "https://www.tiktok.com/@an.invented.name", "https://t.me/an_invented_name",
		"https://oa.zalo.me/999999999999999999", "https://www.youtube.com/channel/UCaaaaaaaaaaaaaaaaaaaaaa",
		"https://www.youtube.com/watch?v=aaaaaaaaaaa", "https://play.google.com/store/apps/details?id=com.example.scam&hl=vi",
		"https://apps.apple.com/us/app/an-invented-app/id9999999999", "https://sites.google.com/view/an-invented-name",
		"https://sites.google.com/view/an-invented-name/", "https://docs.google.com/forms/d/e/aaaa/viewform", "https://survey.alchemer.com/s3/1/aaaa",
		"https://bit.ly/aaaa", "https://linktr.ee/aninventedname", "https://www.facebook.com/watch/?v=1",
	} {
		if err := Permit(exact(t, text)); err != nil {
			t.Errorf("%s was refused: %v", text, err)
		}
	}
}

// Each of these would warn about what millions of people use.
func TestWhatMayNotBeListed(t *testing.T) {
	for _, text := range []string{
		"facebook.com/", "www.facebook.com/", "m.facebook.com/", "fb.com/", "zalo.me/", "oa.zalo.me/", "t.me/", "youtube.com/", "www.tiktok.com/", "x.com/",
		"google.com/", "www.google.com/", "mail.google.com/", "vnexpress.net/", "shopee.vn/", "wikipedia.org/", "vi.wikipedia.org/",
		"vietcombank.com.vn/", "www.vietcombank.com.vn/", "techcombank.com/", "momo.vn/", "paypal.com/",
		"gov.vn/", "bocongan.gov.vn/", "www.chinhphu.vn/", "dichvucong.gov.vn/", "irs.gov/",
		"vn/", "com/", "com.vn/", "co.uk/", "github.io/", "weebly.com/", "www.weebly.com/", "sites.google.com/", "bit.ly/", "blogspot.com/", "web.app/",
		"localhost/", "router/", "192.168.1.1/", "10.0.0.1/login", "127.0.0.1/", "[::1]/", "169.254.1.1/",
		"100.64.1.1/", "[fd00::1]/", "printer.local/", "nas.home.arpa/", "wiki.internal/login",
		"www.facebook.com/groups/", "www.facebook.com/profile.php", "www.facebook.com/watch", "www.facebook.com/login/", "www.youtube.com/watch", "m.youtube.com/watch",
		"play.google.com/store/apps/details", "play.google.com/store/", "play.google.com/store/apps/", "apps.apple.com/us/", "apps.apple.com/us/app/",
		"sites.google.com/view/", "sites.google.com/view", "docs.google.com/forms/", "docs.google.com/forms/d/e/", "www.google.com/search", "t.me/s/", "zalo.me/g/",
		"linktr.ee/aninventedname/", "bit.ly/a/", "www.wikipedia.org/wiki/",
	} {
		s := subject.Subject(text)
		if _, err := subject.Parse(text); err != nil {
			t.Fatalf("%s is no subject", text)
		}
		err := Permit(s)
		if p, ok := errors.AsType[*Protected](err); !ok || p.Subject != s || rules[p.Rule] == "" {
			t.Errorf("%s was let through", text)
		}
	}
}

func TestTheListsAreHosts(t *testing.T) {
	n := protected()
	if len(n.sites) < 800 || len(n.shared) < 100 || len(n.endpoints) < 100 {
		t.Errorf("%d sites, %d shared hosts, %d end points", len(n.sites), len(n.shared), len(n.endpoints))
	}
	check := func(name string) {
		if s, err := subject.Parse(name); err != nil || s.IsAccount() {
			t.Errorf("%q is not in its canonical form", name)
		}
	}
	for host := range n.sites {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		check(host + "/")
	}
	for host := range n.shared {
		check(host + "/")
	}
	for page := range n.endpoints {
		check(page)
	}
}

func TestTheGuardLetsARealListThrough(t *testing.T) {
	file, err := os.Open("../../../shared/data/vn-scam-hosts.txt")
	if err != nil {
		t.Skip("the list is not here")
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		s := exact(t, strings.TrimSpace(lines.Text()))
		if err := Permit(s); err != nil && !isWholly(s, freeSpace) {
			t.Errorf("%s: %v", lines.Text(), err)
		}
	}
}

// freeSpace is a host with many customers that the real list has as a whole.
const freeSpace = "unaux.com"

func isWholly(s subject.Subject, host string) bool {
	return s == subject.Subject(host+"/") || s == subject.Subject("www."+host+"/")
}

// However somebody writes it: what is below a protected site is refused, what is let through never covers the root of a
// protected name, and nothing that a list can say makes the guard panic.
func FuzzGuard(f *testing.F) {
	f.Add("www.facebook.com/")
	f.Add("vn/")
	f.Add("sites.google.com/view/x")
	var roots []subject.Subject
	for href := range protected().wellKnown {
		roots, _ = subject.FromHref(roots, href)
	}
	covered := map[subject.Subject]bool{}
	for _, s := range roots {
		covered[s] = true
	}
	sites := slices.DeleteFunc(slices.Sorted(maps.Keys(protected().sites)), func(host string) bool {
		_, err := netip.ParseAddr(host)
		return err == nil
	})
	f.Add("HTTPS://user@www.facebook.com.:443/%2e/a/..")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		if href, err := feed.Href(text); err == nil {
			if read, err := subject.Exact(href); err == nil && !read.IsAccount() && covered[read] && Permit(read) == nil {
				t.Fatalf("%q is read as %s, let through, and covers a well-known page", text, read)
			}
		}
		site := sites[len(text)%len(sites)]
		if below := subject.Subject(text + "." + site + "/"); !strings.Contains(text, "/") && below.IsListable() && !below.IsAccount() && Permit(below) == nil {
			if host := strings.TrimSuffix(string(below), "/"); protected().site(host) != "" || !isCustomer(host, site) {
				t.Fatalf("%s was let through, below %s", below, site)
			}
		}
		s, err := subject.Parse(text)
		if err == nil && !s.IsAccount() && covered[s] && Permit(s) == nil && strings.HasSuffix(text, "/") && strings.Count(text, "/") == 1 {
			t.Fatalf("%s was let through and covers a well-known page", s)
		}
	})
}

// isCustomer tells whether there is a shared host or a private suffix between a host and a site above it.
func isCustomer(host, site string) bool {
	for at := host; at != site; _, at, _ = strings.Cut(at, ".") {
		if suffix, icann := publicsuffix.PublicSuffix(at); at != host && (protected().shared[at] || suffix == at && !icann) {
			return true
		}
	}
	return false
}

// An operator's book adds names to ours, and takes the official account of nobody out of what two people must agree on.
func TestAnOperatorsBookFreesNobody(t *testing.T) {
	folder := t.TempDir()
	mine := "vietcombank.com.vn | Vietcombank | facebook:user/somebodyelse | VN\n"
	if err := os.WriteFile(folder+"/mine.txt", []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Protect(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []subject.Subject{"facebook:user/somebodyelse", "facebook:user/ilovevcb", "email:support@vietcombank.com.vn", "email:a@mail.shopee.vn",
		"email:a@facebook.com", "email:a@office.gov.pl", "email:a@google.co.uk"} {
		if !p.Verified(s) {
			t.Errorf("one person may list %s", s)
		}
	}
	for _, s := range []subject.Subject{"facebook:user/aninventedcheat", "email:an.invented.cheat@gmail.com", "email:a@shop.example",
		"email:a@wp.pl", "email:a@yahoo.com.vn", "email:a@gmx.de", "email:a@icloud.com", "email:a@outlook.com.vn", "email:a@hotmail.fr"} {
		if p.Verified(s) {
			t.Errorf("%s takes two people", s)
		}
	}
}

// A number that people are told to call, and one that firms and offices have for everybody, takes two people: scammers
// have them shown to those whom they call.
func TestHotlinesTakeTwo(t *testing.T) {
	help := filepath.Join(t.TempDir(), "help.json")
	text := `{"help": [{"country": "VN", "checked": "2026-11-24", "steps": {}, "hotlines": [{"kind": "phone", "value": "0900 000 009", "name": {"en": "Invented"}, "what": {"en": "Invented"}, "cases": [], "source": ""}]}]}`
	if err := os.WriteFile(help, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &Publisher{Help: help}
	f := func(number string, two bool) {
		t.Helper()
		if got := p.Verified()(subject.Subject("phone:" + number)); got != two {
			t.Errorf("%s takes two people: %t", number, got)
		}
	}
	f("+84900000009", true)
	f("+84900000001", false)
	f("+48828828828", true) // CERT Polska, in our own help
	f("+443001232040", true)
	f("+48600123456", false)
	f("+841900545413", true)
	f("+841800588822", true)
	f("+48800302302", true)
	f("+48801302302", true)
}

// Of a platform one person lists a post, or a page that has a query; a section that everybody has takes two.
func TestWhatOfAPlatformTakesTwo(t *testing.T) {
	f := func(text string, two bool) {
		t.Helper()
		s := exact(t, text)
		if err := Permit(s); err != nil {
			t.Fatal(err)
		}
		if got := ReachesFar(s); got != two {
			t.Errorf("%s takes two: %t", s, got)
		}
	}
	f("https://www.instagram.com/p/C1aBcInvented/", false)
	f("https://www.facebook.com/reel/900000000000001/", false)
	f("https://www.facebook.com/watch/?v=900000000000001", false)
	f("https://www.facebook.com/an_invented_section_of_nobody.php", true)
	f("https://www.linkedin.com/games", true)
	f("https://vk.com/wall-1000001_1?own=1", false)
}
