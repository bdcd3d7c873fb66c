package checker

import (
	"errors"
	"testing"

	"khien/shared/release"
	"khien/shared/supplement"
)

const book = `
inventedbank.example | Bank of Inventions | facebook:user/inventedbank instagram:user/inventedbank | VN
facebook.com | Facebook
`

// By the book of the release: whom a page passes itself off as, and whose it is.
func TestWhoAPageIs(t *testing.T) {
	w := demo(t)
	w.book = book
	w.publish()
	c := w.client()
	f := func(href, title string, verdict Verdict, real, owner string) {
		t.Helper()
		got := c.Resemble(href, title)
		if got.Verdict != verdict || got.Resembles.Official != real || got.Owner != owner {
			t.Errorf("%s %q: %v of %q, resembles %+v", href, title, got.Verdict, got.Owner, got.Resembles)
		}
	}
	const bank, facebook = "inventedbank.example", "https://www.facebook.com/"
	f("https://inventedbank.example/", "", Unlisted, "", "Bank of Inventions")
	f("https://inventedbank.scam.example/", "", Caution, bank, "")
	f("https://good.example/", "Bank of Inventions", Caution, bank, "")
	f("https://good.example/", "A good page", Unlisted, "", "")
	f(facebook+"invented.bank", "Bank of Inventions | Facebook", Unlisted, "", "Bank of Inventions")
	f(facebook+"invented.bank.help", "Bank of Inventions | Facebook", Caution, bank, "")
	f(facebook+"profile.php?id=900000000000001", "(1) Bank of Inventions", Caution, bank, "")
	f(facebook+"someone", "Someone | Facebook", Unlisted, "", "")
	f(facebook, "Bank of Inventions | Facebook", Unlisted, "", "") // nobody's page
	f(facebook+"events/900000000000001", "Bank of Inventions | Facebook", Unlisted, "", "")
	f("about:blank", "Bank of Inventions", Unknown, "", "")
	// What the platform says of an address beside it: the real account by its number, and others that nobody asked about.
	for _, also := range [][]string{{facebook + "InventedBank"}, {"about:blank", facebook + "profile.php?id=900000000000001", facebook + "invented.bank"}} {
		if got := c.Resemble(facebook+"profile.php?id=900000000000001", "Bank of Inventions", also...); got.Verdict != Unlisted || got.Owner != "Bank of Inventions" {
			t.Errorf("the real one by its number and %v: %v of %q", also, got.Verdict, got.Owner)
		}
	}
	for href, also := range map[string]string{facebook + "ab": "https://www.instagram.com/inventedbank", facebook: facebook + "inventedbank", "https://good.example/": facebook + "inventedbank"} {
		if got := c.Resemble(href, "A name", also); got.Owner != "" {
			t.Errorf("%s and %s are of %q", href, also, got.Owner)
		}
	}
	if got := c.Resemble(facebook+"ab", "Bank of Inventions"); got.Resembles.Account != "facebook:user/inventedbank" {
		t.Errorf("the real one is %+v", got.Resembles)
	}
}

// A release brings its own supplement; one that is as before is not fetched again.
func TestTheSupplementComesWithTheRelease(t *testing.T) {
	w := demo(t)
	c := w.client()
	if _, err := c.Supplement().Book().Host("x.example"); err {
		t.Error("an empty book knows somebody")
	}
	w.publish()
	step, err := c.Plan(w.head, nil, now)
	if err != nil || step.SupplementPath != "" {
		t.Errorf("the same supplement: %+v, %v", step, err)
	}
	w.told.Hot, w.book = []string{"scam.example"}, book
	h := w.publish()
	next, step, err := update(c, w, now)
	if err != nil || step.SupplementPath != release.BlobPath(h.Supplement) || step.SupplementSize != h.SupplementSize || step.Supplement != h.Supplement {
		t.Fatalf("another supplement: %+v, %v", step, err)
	}
	if told := next.Supplement().Body(); len(told.Hot) != 1 || c.Supplement().Body().Hot != nil {
		t.Errorf("after the update it tells %+v", told)
	}
}

func TestASupplementThatIsNotTheSignedOne(t *testing.T) {
	w := demo(t)
	w.book = book
	w.publish()
	c := w.client()
	w.told.Hot = []string{"scam.example"}
	h := w.publish()
	path := release.BlobPath(h.Supplement)
	good := w.served[path]
	f := func(attack string, want error, body []byte) {
		t.Helper()
		w.served[path] = body
		if got, _, err := update(c, w, now); !errors.Is(err, want) || got != c {
			t.Errorf("%s: %v, want %v", attack, err, want)
		}
	}
	other, err := supplement.Encode(book, supplement.Body{Hot: []string{"a-good.example"}})
	w.must(err)
	f("nothing", release.ErrTruncated, nil)
	f("the supplement cut short", release.ErrTruncated, good[:len(good)-1])
	f("something behind it", release.ErrOversized, append(good[:len(good):len(good)], 0))
	f("a supplement that accuses somebody else", release.ErrOversized, other)
	f("the same length with one host changed", release.ErrDigest, []byte(string(good[:len(good)-20])+"x"+string(good[len(good)-19:])))
	w.served[path] = good
	if _, _, err := update(c, w, now); err != nil {
		t.Errorf("the signed one: %v", err)
	}
}
