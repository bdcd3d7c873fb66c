package triage

import (
	"slices"
	"testing"

	"khien/shared/set"
	"khien/shared/subject"
)

// popular holds popular.example alone.
func popular(t *testing.T) func() *set.Set {
	t.Helper()
	body, err := set.Build([]set.Entry{{Prefix: set.Prefix(subject.Subject("popular.example/").Digest())}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	names, err := set.Open(body)
	if err != nil {
		t.Fatal(err)
	}
	return func() *set.Set { return &names }
}

// One person is not enough for what reaches far, by whatever name of it.
func TestWhatTwoPeopleMustAgreeOn(t *testing.T) {
	i := Impact{Popular: popular(t), Verified: func(s subject.Subject) bool { return s == "facebook:user/a.bank" }}
	f := func(s subject.Subject, n int, want string) {
		t.Helper()
		if got := i.Of(s, n).String(); got != want {
			t.Errorf("%s, one of %d: %q, want %q", s, n, got, want)
		}
	}
	f("popular.example/", 1, "a popular host")
	f("www.popular.example/", 1, "a popular host")
	f("www2.popular.example/", 1, "")
	f("popular.example/page", 1, "")
	f("shop.github.io/", 1, "a host of github.io")
	f("shop.github.io/page", 1, "")
	f("shop.com.vn/", 1, "")
	f("facebook:user/a.bank", 1, "an official account")
	f("facebook:user/a.shop", 1, "")
	f("shop.example/", 50, "")
	f("shop.example/", 51, "51 subjects at once")
	if got := i.OfAll(slices.Repeat([]subject.Subject{"shop.example/"}, 3), 48).String(); got != "51 subjects at once" {
		t.Errorf("%q", got)
	}
}
