package triage

import (
	"cmp"
	"slices"
	"testing"

	"khien/shared/set"
	"khien/shared/subject"
)

// popular holds popular.example alone.
func popular(t *testing.T, more ...subject.Subject) func() *set.Set {
	t.Helper()
	var entries []set.Entry
	for _, s := range append(more, "popular.example/") {
		entries = append(entries, set.Entry{Prefix: set.Prefix(s.Digest())})
	}
	slices.SortFunc(entries, func(a, b set.Entry) int { return cmp.Compare(a.Prefix, b.Prefix) })
	body, err := set.Build(entries, nil)
	if err != nil {
		t.Fatal(err)
	}
	names, err := set.Open(body)
	if err != nil {
		t.Fatal(err)
	}
	return func() *set.Set { return &names }
}

// official takes one account for somebody's official one.
func official(one subject.Subject) func() func(subject.Subject) bool {
	return func() func(subject.Subject) bool { return func(s subject.Subject) bool { return s == one } }
}

// One person is not enough for what reaches far, by whatever name of it.
func TestWhatTwoPeopleMustAgreeOn(t *testing.T) {
	i := Impact{Popular: popular(t), Verified: official("facebook:user/a.bank")}
	f := func(s subject.Subject, n int, want string) {
		t.Helper()
		if got := i.Of(s, n).String(); got != want {
			t.Errorf("%s, one of %d: %q, want %q", s, n, got, want)
		}
	}
	f("popular.example/", 1, "a popular host")
	f("www.popular.example/", 1, "a popular host")
	f("www2.popular.example/", 1, "a popular host")
	f("a.b.popular.example/", 1, "a popular host")
	f("popular.example/page", 1, "a popular host")
	f("popular.example/all/below/", 1, "a popular host")
	f("login.popular.example/page?x=1", 1, "a popular host")
	f("popular.example.shop.example/", 1, "")
	f("unpopular.example/", 1, "")
	// by the ranking that Khiên carries, without anybody's doing
	f("nestjs.com/", 1, "a popular host")
	f("www.nestjs.com/", 1, "a popular host")
	f("shop.nestjs.com/", 1, "a popular host")
	f("nestjs.com/hacked/login.html", 1, "a popular host")
	// one page of a bank, a state, or a well-known site may have been broken into; a page of a platform is somebody's
	f("www.vietcombank.com.vn/hacked/page.html", 1, "a popular host")
	f("www.gov.pl/hacked/page.html", 1, "a popular host")
	f("telegra.ph/an-invented-page-01-01", 1, "")
	f("bit.ly/aaaa", 1, "")
	f("www.facebook.com/permalink.php?story_fbid=1", 1, "")
	f("sites.google.com/view/an-invented-name", 1, "")
	// a host of somebody in the book under the ending of a country where nobody knows it
	f("garena.cx/", 1, "a popular host")
	f("shop.github.io/", 1, "a host of github.io")
	f("shop.github.io/page", 1, "")
	f("shop.ladipage.vn/", 1, "a host of ladipage.vn")
	f("shop.ladipage.vn/page", 1, "")
	f("shop.ladipage.vn/all/below/", 1, "a host of ladipage.vn")
	f("a.shop.github.io/", 1, "a host of github.io")
	f("shop.com.vn/", 1, "")
	f("facebook:user/a.bank", 1, "an official account")
	f("facebook:user/a.shop", 1, "")
	f("shop.example/", 50, "")
	f("shop.example/", 51, "51 subjects at once")
	if got := i.OfAll(slices.Repeat([]subject.Subject{"shop.example/"}, 3), 48).String(); got != "51 subjects at once" {
		t.Errorf("%q", got)
	}
}
