package subject

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nlnwa/whatwg-url/url"
)

func named(t testing.TB, href string) []string {
	t.Helper()
	list, err := FromHref(nil, href)
	if err != nil {
		t.Fatalf("%s: %v", href, err)
	}
	var texts []string
	for _, s := range list {
		texts = append(texts, string(s))
	}
	return texts
}

func TestWhatAPageNames(t *testing.T) {
	f := func(href string, want ...string) {
		t.Helper()
		if got := named(t, href); !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", href, got, want)
		}
	}
	f("http://b.example/", "b.example/")
	f("http://localhost:8787/", "localhost/")
	f("http://lucky-gift.localhost:8787/", "lucky-gift.localhost/")
	f("https://shop.scam.example/a/b.html?x=1#top",
		"shop.scam.example/a/b.html?x=1", "shop.scam.example/a/b.html", "shop.scam.example/a/", "shop.scam.example/",
		"scam.example/a/b.html?x=1", "scam.example/a/b.html", "scam.example/a/", "scam.example/")
	f("https://203.0.113.7:8443/a/", "203.0.113.7/a/", "203.0.113.7/")
	f("https://[2001:db8::1]/a", "[2001:db8::1]/a", "[2001:db8::1]/")
	f("https://[::ffff:cb00:7107]/", "203.0.113.7/")
	f("https://b.example/%2541//x/%252e%252e/y?q=%2541%23", "b.example/A/y?q=A%23", "b.example/A/y", "b.example/A/", "b.example/")
	f("https://t.me/an_invented_name", "telegram:user/an_invented_name", "t.me/an_invented_name", "t.me/")
}

// Each is an address that looks like one place and leads to another.
func TestAddressesThatDeceive(t *testing.T) {
	f := func(href, host string) {
		t.Helper()
		list := named(t, href)
		if got, _, _ := strings.Cut(list[0], "/"); got != host {
			t.Errorf("%s leads to %s, we say %s", href, host, list[0])
		}
	}
	f("https://good.example:pw@evil.example/", "evil.example")
	f("https://good.example%40evil.example@bad.example/", "bad.example")
	f("https://www.facebook.com@evil.example/zuck", "evil.example")
	f("https://www.facebook.com.evil.example/an.invented.name", "www.facebook.com.evil.example")
	f("https://evil.example/www.facebook.com/an.invented.name", "evil.example")
	f("https://evil.example/?u=https://www.facebook.com/an.invented.name", "evil.example")
	f("https://xn--fcebook-2fg.com/an.invented.name", "xn--fcebook-2fg.com")
	f("https://evilfacebook.com/an.invented.name", "evilfacebook.com")
}

// A browser gives none of these as an href; who sends one is no browser.
func TestOnlyTheBrowsersFormIsAccepted(t *testing.T) {
	f := func(text string, want error) {
		t.Helper()
		if got, err := FromHref(nil, text); !errors.Is(err, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "example", "b.example/", "//b.example/", "http:/b.example/", "http:b.example", "HTTP://b.example/", "http://B.example/",
		"http://b.example", "http://b.example?q", "http://b.example#f", " http://b.example/", "http://b.example/ ", "http://b.example/a b",
		"http://b.example/\t", "http://b.example/\n", "http://b.example/\x00", "http://b.example/ü", "http://bü.example/", "http://b.example\\a/",
		"http://b.example/a\\b", "http://b.example:80/", "https://b.example:443/", "http://b.example:/", "http://b.example:080/", "http://b.example:65536/",
		"http://b.example:8x/", "http://a@b@c.example/", "http://b%2eexample/", "http://b.example/a/../b", "http://b.example/./", "http://b.example/a/..",
		"http://b.example/%2e%2E/", "http://b.example/.%2e", "http://127.1/", "http://0x7f.0.0.1/", "http://2130706433/", "http://1.2.3.256/", "http://1.2.3.4.5/", "http://01.2.3.4/",
		"http://[::1/", "http://[::0001]/", "http://[::FFFF:1.2.3.4]/", "http://[::ffff:1.2.3.4]/", "http://[2001:DB8::1]/", "http://[fe80::1%25eth0]/", "http://[::1]x/",
		"http://a<b.example/", "http://b.example/<", "http://b^.example/", ":", "1http://b.example/",
	} {
		f(text, ErrNotNormalised)
	}
	f("http:///", ErrHost)
	f("http://.../", ErrHost)
	f("http://user@/", ErrHost)
	for _, text := range []string{"about:blank", "chrome://settings/", "javascript:alert(1)", "data:text/html,hi", "ftp://b.example/", "file:///etc/passwd", "mailto:nobody", "tel:", "tel:12", "tg://settings", "bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "chrome-extension://abc/page.html"} {
		f(text, ErrScheme)
	}
	f("http://b.example/"+strings.Repeat("a", maxVisit), ErrTooLong)
}

// Whoever is listed does not escape by an address that is longer than an indicator may be.
func TestALongAddressStillNamesItsHost(t *testing.T) {
	f := func(path string, want ...string) {
		t.Helper()
		href := "https://www.facebook.com" + path
		if got := named(t, href); !slices.Equal(got, want) {
			t.Errorf("%.60s… of %d bytes names %.80q…", href, len(href), got)
		}
		if s, err := Exact(href); err != ErrTooLong {
			t.Errorf("%.60s… is exactly %.80s…, %v", href, s, err)
		}
	}
	long := strings.Repeat("a", 100_000)
	f("/an.invented.name/?"+long, "facebook:user/aninventedname",
		"www.facebook.com/an.invented.name/", "www.facebook.com/", "facebook.com/an.invented.name/", "facebook.com/")
	f("/login/"+long, "www.facebook.com/login/", "www.facebook.com/", "facebook.com/login/", "facebook.com/")
	f("/"+strings.Repeat("%", 100_000), "www.facebook.com/", "facebook.com/")
	f("/#"+long, "www.facebook.com/", "facebook.com/")
	f("/"+strings.Repeat("/a/", 100_000), "www.facebook.com/a/a/a/", "www.facebook.com/a/a/", "www.facebook.com/a/", "www.facebook.com/",
		"facebook.com/a/a/a/", "facebook.com/a/a/", "facebook.com/a/", "facebook.com/")
}

// Escaping makes an address longer; what it names stays readable.
func TestWhatEscapingMakesLongIsStillASubject(t *testing.T) {
	href := "http://b.example/" + strings.Repeat("%", MaxHref-len("http://b.example/"))
	s, err := Exact(href)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(string(s)); err != nil || again != s {
		t.Errorf("a subject of %d bytes: %v", len(s), err)
	}
}

func TestExactlyThisPage(t *testing.T) {
	f := func(href, want string) {
		t.Helper()
		if got, err := Exact(href); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", href, got, err, want)
		}
	}
	f("http://scam.example/", "scam.example/")
	f("http://www.scam.example:100/", "www.scam.example/")
	f("https://www.youtube.com/watch?v=aaaaaaaaaaa", "www.youtube.com/watch?v=aaaaaaaaaaa")
	f("https://www.youtube.com/channel/UCaaaaaaaaaaaaaaaaaaaaaa/videos", "youtube:channel/UCaaaaaaaaaaaaaaaaaaaaaa")
	f("https://play.google.com/store/apps/details?id=com.example.app&hl=vi", "play:app/com.example.app")
	f("https://sites.google.com/view/an-invented-name", "google:site/an-invented-name")
	f("https://l.facebook.com/l.php?u=https%3A%2F%2Fscam.example%2Fa%3Fb&h=c", "scam.example/a?b")
	f("tel:+84900000001", "phone:+84900000001")
	f("https://m.facebook.com/profile.php?id=999999999999999&sk=about", "facebook:id/999999999999999")
}

func TestOnlyTheCanonicalTextIsASubject(t *testing.T) {
	for _, text := range []string{
		"b.example/", "b.example/a?q", "localhost/", "203.0.113.7/", "[2001:db8::1]/a", "b.example/%20%23%25%3F", "facebook:user/aninventedname",
		"facebook:id/999999999999999", "facebook:group/an.invented.group", "youtube:channel/UCaaaaaaaaaaaaaaaaaaaaaa", "telegram:invite/AbCdEfGhIjKlMnOp",
		"phone:+84901234567", "zalo:oa/999999999999999999", "youtube:c/tuyềnmốc",
	} {
		if s, err := Parse(text); err != nil || string(s) != text {
			t.Errorf("%q: %q, %v", text, s, err)
		}
	}
	for _, text := range []string{
		"", "/", "b.example", "B.example/", "http://b.example/", "b.example:80/", "b.example/a b", "b.example/%41", "b.example/a%2fb", "b.example/a//b",
		"b.example/../a", "b.example/a?", "b.example/#x", "b..example/", ".b.example/", "b.example./", "127.1/", "[::ffff:1.2.3.4]/",
		"facebook:user/An.Invented.Name", "facebook:user/an.invented", "facebook:user/", "facebook:user/login", "facebook:page/x", "facebook:id/0123456", "facebook:id/abc",
		"nowhere:user/x", "phone:0901234567", "phone:+0901234567", "phone:", "youtube:channel/ucaaaaaaaaaaaaaaaaaaaaaa", "tiktok:user/" + strings.Repeat("a", 30), "telegram:user/1abc",
		"youtube:c/tuye\u0302\u0300nmo\u0302\u0301c", "youtube:c/a\u200bb", ":", "a:b",
	} {
		if s, err := Parse(text); err == nil {
			t.Errorf("%q was accepted as %q", text, s)
		}
	}
}

// The list of a project in Vietnam: each of its lines names something, and a visit to it finds just that.
func TestEveryLineOfARealListNamesSomething(t *testing.T) {
	text, err := os.ReadFile("../../../shared/data/vn-scam-hosts.txt")
	if err != nil {
		t.Skip("the list is not here")
	}
	for line := range strings.Lines(string(text)) {
		href, ok := normalised("http://" + strings.TrimSpace(line))
		if !ok {
			t.Errorf("%q does not parse", line)
			continue
		}
		exact, err := Exact(href)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if !slices.Contains(named(t, href), string(exact)) {
			t.Errorf("%q is %s, which a visit does not find", line, exact)
		}
		if _, err := Parse(string(exact)); err != nil {
			t.Errorf("%q is %q, which is not canonical", line, exact)
		}
	}
}

// asInHref escapes what a browser escapes in a path and Safe Browsing does not.
var asInHref = strings.NewReplacer(`"`, "%22", "<", "%3C", ">", "%3E", `\`, "%5C")

// Whatever is accepted names between one and MaxSubjects things, each in its canonical
// form, accounts first; and reading a URL expression as an address names it again.
func FuzzFromHref(f *testing.F) {
	for _, s := range allStories(f) {
		f.Add(s.href)
	}
	f.Add("http://user:pw@b.example:8080/%2541/%252e%252e/?q=%23#f")
	f.Add("https://[::ffff:cb00:7107]/a?b?c")
	f.Add("https://www.facebook.com/%C4%B0%CC%87%EF%B8%8F.%E2%80%8B")
	f.Fuzz(func(t *testing.T, href string) {
		list, err := FromHref(nil, href)
		if err != nil {
			if !slices.Contains([]error{ErrNotNormalised, ErrScheme, ErrHost, ErrTooLong}, err) {
				t.Fatalf("%q: the error %q has no name", href, err)
			}
			return
		}
		if len(list) == 0 || len(list) > MaxSubjects {
			t.Fatalf("%d subjects", len(list))
		}
		for _, s := range list {
			if again, err := Parse(string(s)); err != nil || again != s {
				t.Fatalf("%q names %q, which reads as %q, %v", href, s, again, err)
			}
		}
		if !slices.ContainsFunc(list, func(s Subject) bool { return !s.IsAccount() }) {
			return // another scheme
		}
		if !areInOrder(list) {
			t.Fatalf("%q names %q: an account between expressions", href, list)
		}
		expression := list[len(list)-1]
		for _, s := range list {
			if !s.IsAccount() {
				expression = s
				break
			}
		}
		host, path, _ := strings.Cut(string(expression), "/")
		again, err := FromHref(nil, "http://"+host+"/"+asInHref.Replace(path))
		if err != nil || !slices.Contains(again, expression) {
			t.Fatalf("%q names %q, which names %q, %v", href, expression, again, err)
		}
		if exact, err := Exact(href); err == nil && exact != list[0] {
			t.Fatalf("%q is exactly %q and names %q", href, exact, list)
		}
	})
}

// What is listed because of a page in a place where others write, too, is the page, by whichever address: of its hosts,
// and of those that the platform has for the same post. What is listed because of the place itself is the place.
func TestAPageAmongOthersIsThatPage(t *testing.T) {
	f := func(want string, hrefs ...string) {
		t.Helper()
		for _, href := range hrefs {
			got, err := Exact(href)
			if err != nil || string(got) != want {
				t.Errorf("%s is exactly %s, %v; want %s", href, got, err, want)
			}
		}
	}
	f("www.facebook.com/groups/900000000000002/posts/900000000000003",
		"https://www.facebook.com/groups/900000000000002/posts/900000000000003",
		"https://m.facebook.com/groups/900000000000002/permalink/900000000000003/?mibextid=a",
		"https://mbasic.facebook.com/groups/900000000000002?view=permalink&id=900000000000003",
		"https://www.facebook.com/groups/900000000000002/?multi_permalinks=900000000000003&ref=share")
	f("www.facebook.com/groups/900000000000002/posts/900000000000003?comment_id=9", "https://m.facebook.com/groups/900000000000002/permalink/900000000000003/?comment_id=9")
	f("www.facebook.com/an.invented/posts/1?comment_id=9", "https://www.facebook.com/an.invented/posts/1?comment_id=9")
	f("www.facebook.com/watch/?v=900000000000003", "https://m.facebook.com/watch/?v=900000000000003&extid=a", "https://fb.com/video.php?v=900000000000003")
	f("www.facebook.com/watch/?v=900000000000003&comment_id=9", "https://m.facebook.com/watch/?v=900000000000003&extid=a&comment_id=9")
	f("www.facebook.com/reel/900000000000003", "https://www.facebook.com/reel/900000000000003", "https://vi-vn.facebook.com/reel/900000000000003", "https://m.facebook.com/reel/900000000000003")
	f("www.facebook.com/events/900000000000003/permalink/900000000000004/", "https://www.facebook.com/events/900000000000003/permalink/900000000000004/")
	f("facebook:group/900000000000002", "https://www.facebook.com/groups/900000000000002/", "https://m.facebook.com/groups/900000000000002/about",
		"https://www.facebook.com/groups/900000000000002/posts/", "https://www.facebook.com/groups/900000000000002?comment_id=")
	f("facebook:id/900000000000001", "https://www.facebook.com/groups/900000000000002/user/900000000000001/",
		"https://www.facebook.com/permalink.php?story_fbid=1&id=900000000000001")
	f("www.reddit.com/comments/1abcde", "https://www.reddit.com/r/invented/comments/1abcde/a_title/?share_id=a&sort=new", "https://old.reddit.com/comments/1abcde",
		"https://redd.it/1abcde")
	f("www.reddit.com/comments/1abcde/comment/kabcde", "https://new.reddit.com/r/invented/comments/1abcde/a_title/kabcde/?context=3",
		"https://www.reddit.com/comments/1abcde/comment/kabcde")
	f("www.reddit.com/r/invented/s/AbCdEfGhIj", "https://www.reddit.com/r/invented/s/AbCdEfGhIj")
	f("reddit:subreddit/invented", "https://www.reddit.com/r/invented/", "https://www.reddit.com/r/invented/new/")
	f("reddit:user/an_invented", "https://www.reddit.com/user/an_invented/comments/1abcde/a_title/")
	f("t.me/an_invented/12?comment=34", "https://t.me/an_invented/12?comment=34")
	f("telegram:user/an_invented", "https://t.me/an_invented/12")
	f("x.com/i/status/1900000000000000000", "https://twitter.com/i/web/status/1900000000000000000", "https://mobile.twitter.com/i/status/1900000000000000000")
	f("www.instagram.com/p/C1aBcInvented/c/17900000000000000", "https://www.instagram.com/an.invented/p/C1aBcInvented/c/17900000000000000/")
	f("www.linkedin.com/groups/1234567/posts/1", "https://vn.linkedin.com/groups/1234567/posts/1")
	f("x:community/1500000000000000000", "https://x.com/i/communities/1500000000000000000/about")
}

// The second implementation is the URL standard's parser: what it makes of any text is
// accepted, unless for a reason that has a name, and names the host it says.
func FuzzAgreesWithTheURLStandard(f *testing.F) {
	f.Add("http://good.example:pw@evil.example/")
	f.Add("https:\\\\evil.example\\a")
	f.Add("http://EVIL。example")
	f.Add("http://0x7f.1/..//%2e")
	f.Add("http://[::ffff:1.2.3.4]:8080/")
	f.Add("http://..a..b../")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.NewParser().Parse(text)
		if err != nil || u.Protocol() != "http:" && u.Protocol() != "https:" {
			return
		}
		list, err := FromHref(nil, u.Href(false))
		if err != nil {
			if err != ErrHost && err != ErrTooLong {
				t.Fatalf("%q, which a browser makes of %q, is refused: %v", u.Href(false), text, err)
			}
			return
		}
		want, _, err := canonicalHost(u.Hostname())
		if err != nil {
			t.Fatalf("%q: the host %q has no canonical form: %v", text, u.Hostname(), err)
		}
		for _, s := range list {
			if host, _, _ := strings.Cut(string(s), "/"); !s.IsAccount() && host != want && !strings.HasSuffix(want, "."+host) {
				t.Fatalf("%q is on %q and names %q", text, want, s)
			}
		}
	})
}

// thirty is an address with as many URL expressions as there can be.
const thirty = "https://a.b.c.d.e.example/one/two/three/four.html?x=1&y=2"

func TestNamingAPageAllocatesNothing(t *testing.T) {
	var n Named
	f := func(href string, subjects, want int) {
		t.Helper()
		if got := testing.AllocsPerRun(100, func() {
			if err := n.Read(href); err != nil || n.Len() != subjects {
				t.Fatal(n.Len(), err)
			}
			for i := range n.Len() {
				n.Head(i)
			}
		}); int(got) != want {
			t.Errorf("%s: %v allocations, want %d", href, got, want)
		}
	}
	f(thirty, 30, 0)
	f("https://example.com/", 1, 0)
	f("http://shop.example.vn/a/b?q#c", 8, 0)
	f("http://shop.example.vn:8080/a/b?q", 8, 1)
	f("https://www.facebook.com/an.invented.name/posts/1", 9, 0)
	f("https://www.facebook.com/An.Invented.Name/posts/1?comment_id=2", 11, 0)
	f("https://www.facebook.com/profile.php?id=900000000000001", 7, 0)
	f("https://www.facebook.com/groups/900000000000001/user/900000000000002/", 12, 0)
	f("https://www.tiktok.com/@an.invented.name/video/1", 9, 0)
	f("https://t.me/+InventedInvite01", 3, 0)
	f("https://zalo.me/0900000001", 3, 0)
	f("https://vi-vn.facebook.com/an.invented.name", 5, 0)
}

// One Named serves a whole feed: what it remembers of a host never changes what it says of a page.
func TestAHostThatIsRemembered(t *testing.T) {
	var n Named
	hosts := []string{"www.facebook.com", "a.b.c.d.e.f.example", "e.f.example", "example", "127.0.0.1", strings.Repeat("long.", 9) + "example", strings.Repeat("long.", 12) + "example"}
	for i := range 200 {
		hosts = append(hosts, fmt.Sprintf("site-%d.example", i))
	}
	for round := range 3 {
		for i, host := range hosts {
			for _, path := range []string{"/", "/?q=1", "/one/two", "/an.invented.name/posts/1"} {
				href := "https://" + host + path
				if i%7 == round { // a port stands between the parts
					href = "https://" + host + ":8443" + path
				}
				if err := n.Read(href); err != nil {
					t.Fatal(href, err)
				}
				for i := range n.Len() {
					sum := n.Subject(i).Digest()
					want := [2]uint64{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
					if a, b := n.Head(i); [2]uint64{a, b} != want {
						t.Fatalf("%s: the digest of %s is wrong in round %d", href, n.Subject(i), round)
					}
				}
			}
		}
	}
}

// The digest of a text is its SHA-256, whatever it is made by.
func FuzzDigest(f *testing.F) {
	for n := range 300 {
		f.Add(strings.Repeat("h", n))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := digest(text), sha256.Sum256([]byte(text)); got != want {
			t.Fatalf("%q: %x, want %x", text, got, want)
		} else if a, b := digestHead(text); a != binary.BigEndian.Uint64(want[:]) || b != binary.BigEndian.Uint64(want[8:]) {
			t.Fatalf("%q: %x %x, want %x", text, a, b, want)
		}
	})
}

func BenchmarkExpressions(b *testing.B) {
	var n Named
	b.ReportAllocs()
	for b.Loop() {
		if err := n.Read(thirty); err != nil {
			b.Fatal(err)
		}
		for i := range n.Len() {
			n.Head(i)
		}
	}
}
