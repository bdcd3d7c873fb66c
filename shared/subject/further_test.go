package subject

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// asked are the subjects that a list is asked for when somebody visits an address.
func asked(t testing.TB, href string) []string {
	t.Helper()
	var n Named
	if err := n.Read(href); err != nil {
		t.Fatalf("%s: %v", href, err)
	}
	var texts []string
	for i := range n.Asked() {
		texts = append(texts, string(n.Subject(i)))
	}
	return texts
}

// finds tells whether who visits an address is warned where exactly the page of an entry was listed.
func finds(t testing.TB, entry, visit string) bool {
	t.Helper()
	listed, err := Exact(entry)
	if err != nil {
		t.Fatalf("%s: %v", entry, err)
	}
	return slices.Contains(asked(t, visit), string(listed))
}

func TestAnEntryIsFoundHoweverPeopleCameToIt(t *testing.T) {
	f := func(entry, visit string) {
		t.Helper()
		for _, pair := range [][2]string{{entry, visit}, {visit, entry}} {
			if !finds(t, pair[0], pair[1]) {
				t.Errorf("%s is listed, and %s asks for %q", pair[0], pair[1], asked(t, pair[1]))
			}
		}
	}
	const page = "https://q.example/p.php?id=5"
	f(page, page+"&fbclid=IwAR0")
	f(page, "https://q.example/p.php?fbclid=IwAR0&id=5")
	f(page, "https://q.example/p.php?utm_source=zalo&id=5&utm_medium=zalo&utm_campaign=zalo&zarsrc=1303")
	f(page, page+"&gclid")
	f(page, page+"&gclid=")
	f(page, page+"&fbclid=a&fbclid=b")
	f(page, page+"&FbClid=a&UTM_Source=b")
	f(page, page+"&%66%62clid=a&utm%5fsource=b&%2566bclid=c")
	f(page, page+"&amp;fbclid=a&amp;utm_source=b")
	f(page, page+"&&")
	f(page, page+"&si=abc&aff_whoever=1")
	f(page, page+"&fbclid="+strings.Repeat("a", 8000))
	f(page+"&gclid=x", page+"&fbclid=y")
	f("https://q.example/p.php", "https://q.example/p.php?fbclid=a")
	f("https://q.example/", "https://q.example/?fbclid=a&utm_id=b")
	f("https://q.example/gift/", "https://q.example/gift/?fbclid=a")
	f("https://q.example/p.php?a=%22&b", "https://q.example/p.php?a=%22&utm_id=%20&b")
	f("https://203.0.113.7/p?id=5", "https://203.0.113.7/p/?id=5&fbclid=a")

	f("https://www.only-www.example/", "https://only-www.example/")
	f("https://www.page.example/gift", "https://page.example/gift")
	f("https://www.page.example/gift?id=5", "https://page.example/gift/?fbclid=a&id=5")
	f("https://www.a.b.c.d.e.f.example/gift", "https://a.b.c.d.e.f.example/gift")
	f("https://www.a.b.c.d.e.f.example/gift?a=b", "https://a.b.c.d.e.f.example/gift/?a=b")
	f("https://page.example/gift", "https://page.example/gift/")
	f("https://page.example/gift?a=b", "https://page.example/gift/?a=b")
	f("https://203.0.113.7/gift", "https://203.0.113.7/gift/")

	f("https://www.youtube.com/watch?v=inventedone", "https://youtube.com/watch?pp=abc&v=inventedone&si=abc&feature=share")
	f("https://bit.ly/invented", "https://www.bit.ly/invented?fbclid=a")
	f("https://www.facebook.com/an.invented.name?fbclid=a", "https://facebook.com/an.invented.name/?mibextid=b")

	// What covers more than a page covers it in these forms, too.
	g := func(entry, visit string) {
		t.Helper()
		if !finds(t, entry, visit) {
			t.Errorf("%s is listed, and %s asks for %q", entry, visit, asked(t, visit))
		}
	}
	g("https://www.only-www.example/", "https://only-www.example/any/page?id=5&fbclid=a")
	g("https://www.only-www.example/gift/", "https://only-www.example/gift/any/page")
	g("https://page.example/gift", "https://sub.page.example/gift?fbclid=a")
	g("https://page.example/gift?id=5", "https://sub.page.example/gift?fbclid=a&id=5")
	g(page, "https://l.facebook.com/l.php?u=https%3A%2F%2Fq.example%2Fp.php%3Fid%3D5%26fbclid%3DIwAR0&h=AT0")
	g(page, "https://l.facebook.com/l.php?h=AT0&u=https%3A%2F%2Fwww.q.example%2Fp.php%2F%3Ffbclid%3DIwAR0%26id%3D5")
	g("https://www.only-www.example/", "https://l.facebook.com/l.php?u=https%3A%2F%2Fonly-www.example")
}

// Two pages that differ in what a page shows are never one, and an entry covers nobody else's page.
func TestAnEntryCoversNothingElse(t *testing.T) {
	f := func(entry, visit string) {
		t.Helper()
		if finds(t, entry, visit) {
			t.Errorf("%s is listed, and somebody who visits %s is warned", entry, visit)
		}
	}
	f("https://q.example/p.php?id=5", "https://q.example/p.php?id=6&fbclid=a")
	f("https://q.example/p.php?id=5", "https://q.example/p.php?fbclid=id=5")
	f("https://q.example/p.php?id=5", "https://q.example/p.php")
	f("https://q.example/p.php?id=5", "https://q.example/p.php?id=5&id=6&fbclid=a")
	f("https://q.example/p.php?q=a", "https://q.example/p.php?q=a%26fbclid=b") // the last is a part of what q says
	f("https://q.example/p.php?a=1&b=2", "https://q.example/p.php?b=2&a=1&fbclid=c")
	for _, name := range []string{"id", "p", "page", "v", "q", "s", "t", "ref", "u", "url", "code", "item", "pk_id", "utmost", "xfbclid", "fbclid2", "gclid_id", "spm2", "itm", "af_dp", "tag", "source", "si", "clickid", "aff_page"} {
		f("https://q.example/p.php?"+name+"=1", "https://q.example/p.php?"+name+"=2")
		f("https://q.example/p.php?"+name+"=1", "https://q.example/p.php?"+name+"=2&fbclid=a")
		f("https://q.example/p.php?"+name+"=1", "https://q.example/p.php")
	}
	f("https://q.example/p.php?s=1&id=5", "https://q.example/p.php?s=2&id=5")
	f("https://www.youtube.com/watch?v=inventedone&si=a", "https://www.youtube.com/watch?v=inventedtwo&si=a")

	f("https://www.shared.example/", "https://somebody.shared.example/")
	f("https://www.shared.example/login", "https://somebody.shared.example/login")
	f("https://somebody.shared.example/", "https://www.shared.example/")
	f("https://page.example/gift", "https://page.example/gift/another")
	f("https://page.example/gift", "https://page.example/gifts")
	f("https://page.example/gift/", "https://page.example/gifts/")
	f("https://page.example/gift?a=b", "https://page.example/gift/")
	f("https://page.example/gift/another", "https://page.example/gift")
	f("https://shared.example/somebody/?fbclid=a", "https://shared.example/another/?fbclid=a")
	f("https://www.203.0.113.7.example/", "https://203.0.113.7/")
	f("https://www.example/", "https://another.example/")
}

// What an address names stays what Safe Browsing asks for; only what is asked besides is more.
func TestWhatIsAskedBesides(t *testing.T) {
	f := func(href string, want ...string) {
		t.Helper()
		all, named := asked(t, href), named(t, href)
		if got := all[len(named):]; !slices.Equal(all[:len(named)], named) || !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", href, got, want)
		}
	}
	f("https://b.example/", "www.b.example/")
	f("https://www.b.example/")
	f("https://b.example/a", "www.b.example/a", "www.b.example/", "b.example/a/", "www.b.example/a/")
	f("https://www.b.example/a/?q", "www.b.example/a?q", "b.example/a?q", "www.b.example/a", "b.example/a")
	f("https://b.example/a?q&utm_id=1", "www.b.example/a?q", "www.b.example/a", "www.b.example/", "b.example/a/?q", "www.b.example/a/?q", "b.example/a/", "www.b.example/a/")
	f("https://203.0.113.7/a", "203.0.113.7/a/")
	f("http://localhost/a", "localhost/a/")
	f("https://t.me/an_invented_name")
	f("https://www.facebook.com/groups/an.invented.group/?ref=share")
}

func TestTrackingIsNamedLast(t *testing.T) {
	f := func(href string, want ...string) {
		t.Helper()
		if got := named(t, href); !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", href, got, want)
		}
	}
	f("https://b.example/a?q=1&fbclid=2", "b.example/a?q=1", "b.example/a?q=1&fbclid=2", "b.example/a", "b.example/")
	f("https://b.example/a?fbclid=2", "b.example/a", "b.example/a?fbclid=2", "b.example/")
	f("https://b.example/?fbclid=2", "b.example/", "b.example/?fbclid=2")
	f("https://b.example/?si=2", "b.example/?si=2", "b.example/")
	f("https://b.example/?si=2&fbclid=1", "b.example/?si=2", "b.example/?si=2&fbclid=1", "b.example/")
}

// every is what may be added to any address: each parameter that is tracking everywhere, and one for each beginning.
func every() (names []string) {
	for _, name := range strings.FieldsFunc(parameters, func(r rune) bool { return r == ' ' }) {
		if name = name[strings.LastIndexByte(name, '?')+1:]; name == "" {
			continue
		}
		if strings.HasSuffix(name, "_") {
			name += "anything"
		}
		names = append(names, name)
	}
	return names
}

// Whatever is added to a listed page, in any order and at any place, it stays listed; and what is left names it.
func TestEveryTrackingParameterAtEveryPlace(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := every()
	for _, base := range []string{
		"https://q.example/p.php?id=5", "https://www.q.example/a/b/?x=1&y=2&x=3", "https://sub.q.example/?p=1", "https://q.example/gift", "https://q.example/",
		"https://203.0.113.7/p?id=%26&q=", "https://www.facebook.com/an.invented.name", "https://zalo.me/g/inventedgroup",
	} {
		page, query, _ := strings.Cut(base, "?")
		want, err := Exact(base)
		if err != nil {
			t.Fatal(err)
		}
		for round := range 2 * len(names) {
			pairs := strings.FieldsFunc(query, func(r rune) bool { return r == '&' })
			for i := range 1 + random.IntN(4) {
				name := names[(round+i*31)%len(names)]
				pair := []string{name, name + "=", name + "=Any%20thing-1", strings.ToUpper(name) + "=1", fmt.Sprintf("%%%02X%s=1", name[0], name[1:])}[random.IntN(5)]
				pairs = slices.Insert(pairs, random.IntN(len(pairs)+1), pair)
			}
			visit := page + "?" + strings.Join(pairs, "&")
			if !finds(t, base, visit) || !finds(t, visit, base) {
				t.Fatalf("%s is listed, and %s asks for %q", base, visit, asked(t, visit))
			}
			if got, err := Exact(visit); got != want {
				t.Fatalf("%s is exactly %s, %v; want %s", visit, got, err, want)
			}
		}
	}
}

func TestTheTableOfParameters(t *testing.T) {
	f := func(name, own string, want int) {
		t.Helper()
		for _, pair := range []string{name, name + "=", name + "=1", strings.ToUpper(name) + "=a=b", "amp;" + name} {
			if got := kindOfParameter(pair, own); got != want {
				t.Errorf("%q is of kind %d, want %d", pair, got, want)
			}
		}
		if kindOfParameter("x"+name, own) != content {
			t.Errorf("what has %q in it is dropped", name)
		}
	}
	n := 0
	for i, word := 0, ""; i < len(parameters); i++ {
		switch parameters[i] {
		case ' ':
			f(word, "", tracking)
		case '?':
			f(word, "", maybe)
		default:
			word += parameters[i : i+1]
			continue
		}
		if n++; len(word) > maxParameter || strings.ToLower(word) != word {
			t.Errorf("%q is no such word", word)
		}
		word = ""
	}
	if n < 150 {
		t.Errorf("only %d words", n)
	}
	for i := range platforms {
		if words := platforms[i].tracking; words != "" {
			list := strings.Fields(words)
			if !slices.IsSorted(list) || strings.Join(list, " ")+" " != words {
				t.Errorf("%q is not sorted words", words)
			}
			for _, word := range list {
				f(word, words, tracking)
			}
		}
	}
	f("an_invented_name_that_is_longer_than_any_parameter_that_is_known_and_goes_on", "", content)
	f("utm_an_invented_name_that_is_longer_than_any_parameter_that_is_known_and_goes_on", "", tracking)
}

// FuzzTracking: pages whose queries differ in what is kept have different names, what is kept stays in its order, and
// keeping it once more changes nothing.
func FuzzTracking(f *testing.F) {
	f.Add("id=5&fbclid=1", "id=5")
	f.Add("a&&b=%26&utm_x", "si=1")
	f.Add("si=1&clickid=2&a", "%75tm_source=1")
	f.Fuzz(func(t *testing.T, one, other string) {
		if one == "" || other == "" || strings.Contains(one+other, "#") { // no query has these
			return
		}
		keep := func(query string) string {
			kept, differs := withoutTracking(query, "")
			if differs != (kept != query) {
				t.Fatalf("%q becomes %q, which differs: %v", query, kept, differs)
			}
			if again, more := withoutTracking(kept, ""); more && kept != "" {
				t.Fatalf("%q becomes %q and then %q", query, kept, again)
			}
			at := 0
			all := strings.Split(query, "&")
			for _, pair := range strings.Split(kept, "&") {
				i := slices.Index(all[at:], pair)
				if i < 0 && kept != "" {
					t.Fatalf("%q becomes %q", query, kept)
				}
				at += i + 1
			}
			return kept
		}
		a, b := keep(one), keep(other)
		for _, added := range []string{one + "&fbclid=1", "utm_id&" + one, "gclid=%20&" + one + "&gclid"} {
			if kept := keep(added); kept != a && a != "" {
				t.Fatalf("%q is %q, and %q is %q", one, a, added, kept)
			}
		}
		first, err1 := Exact("https://q.example/p?" + one)
		second, err2 := Exact("https://q.example/p?" + other)
		if err1 == nil && err2 == nil && escape(unescape(a), false) != escape(unescape(b), false) && first == second {
			t.Fatalf("%q and %q are both %s", one, other, first)
		}
	})
}

// FuzzAsked: what is asked because of an address is bounded and canonical, begins with what the address names, has its
// digests, and goes on as Further has it for who has only the names.
func FuzzAsked(f *testing.F) {
	for _, s := range allStories(f) {
		f.Add(s.href)
	}
	f.Add("https://www.b.example/a/?q=1&fbclid=%26")
	f.Add("http://www.a.b.c.d.e.f.example/%22%3C%5C?%22")
	f.Add("https://l.facebook.com/l.php?u=https%3A%2F%2Fonly-www.example%2Fa%3Fb&fbclid=a")
	var n Named
	f.Fuzz(func(t *testing.T, href string) {
		names, err := FromHref(nil, href)
		if n.Read(href) != err {
			t.Fatal("two errors")
		}
		if err != nil {
			return
		}
		if n.Len() != len(names) || n.Asked() > MaxAsked || n.Asked() != n.Asked() {
			t.Fatalf("%q: %d names, of which %d, and %d asked", href, len(names), n.Len(), n.Asked())
		}
		var further []Subject
		for i := range n.Asked() {
			s := n.Subject(i)
			sum := s.Digest()
			if a, b := n.Head(i); a != binary.BigEndian.Uint64(sum[:]) || b != binary.BigEndian.Uint64(sum[8:]) {
				t.Fatalf("%q: the digest of %q is wrong", href, s)
			}
			if i < len(names) && s != names[i] {
				t.Fatalf("%q: %q is not %q", href, s, names[i])
			}
			if _, err := Parse(string(s)); err != nil {
				t.Fatalf("%q asks for %q: %v", href, s, err)
			}
			if i >= len(names) {
				further = append(further, s)
			}
		}
		got := Further(names)
		if len(href) < MaxHref && len(n.leads) == 0 && !strings.Contains(href, "#") && !slices.Equal(got, further) {
			t.Fatalf("%q asks further for\n%q\nand its names for\n%q", href, further, got)
		}
		for _, s := range got {
			if !strings.Contains(href, "#") && !slices.Contains(further, s) { // a fragment may say whose page it is
				t.Fatalf("%q asks for %q, and its names for %q", href, further, s)
			}
		}
	})
}

func TestAskingAllocatesNothing(t *testing.T) {
	var n Named
	f := func(href string, subjects int) {
		t.Helper()
		if got := testing.AllocsPerRun(100, func() {
			if err := n.Read(href); err != nil || n.Asked() != subjects {
				t.Fatal(n.Asked(), err)
			}
			for i := range n.Asked() {
				n.Head(i)
			}
		}); got != 0 {
			t.Errorf("%s: %v allocations", href, got)
		}
	}
	f(thirty, 40)
	f("https://shop1.example/item/1?ref=feed", 12)
	f("https://news1.example/", 2)
	f("https://www.facebook.com/an.invented.name/posts/1", 9)
}
