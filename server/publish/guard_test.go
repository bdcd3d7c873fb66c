package publish

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"testing"

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
		if err := Guard(exact(t, text)); err != nil {
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
		err := Guard(s)
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
		if err := Guard(s); err != nil {
			t.Errorf("%s: %v", lines.Text(), err)
		}
	}
}

// What the guard lets through never covers the root of a protected name.
func FuzzGuard(f *testing.F) {
	f.Add("www.facebook.com/")
	f.Add("vn/")
	f.Add("sites.google.com/view/x")
	var roots []subject.Subject
	for href := range wellKnown {
		roots, _ = subject.FromHref(roots, href)
	}
	covered := map[subject.Subject]bool{}
	for _, s := range roots {
		covered[s] = true
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := subject.Parse(text)
		if err == nil && !s.IsAccount() && covered[s] && Guard(s) == nil && strings.HasSuffix(text, "/") && strings.Count(text, "/") == 1 {
			t.Fatalf("%s was let through and covers a well-known page", s)
		}
	})
}
