package publish

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"khien/shared/release"
	"khien/shared/set"
)

func TestTheRankingIsTwoSets(t *testing.T) {
	for file, body := range map[string][]byte{"free.set": freeRanking, "noncommercial.set": noncommercialRanking} {
		if err := set.Verify(body); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if len(body) > 480_000 {
			t.Errorf("%s has %d bytes: it is carried by every checkout", file, len(body))
		}
	}
	sets := ranking()
	if n := sets[0].Len(); n < 100_000 {
		t.Errorf("only %d names", n)
	}
}

func TestWhatTheRankingKnows(t *testing.T) {
	f := func(host string, want RankedAs) {
		t.Helper()
		if got := protected().rank(host); got != want {
			t.Errorf("%s is ranked as %d, want %d", host, got, want)
		}
	}
	f("nestjs.com", PopularHost)
	f("docs.nestjs.com", PopularHost)
	f("uj.edu.pl", PopularHost)
	f("bankofclarke.com", RankedBank)
	f("www.bankofclarke.com", RankedBank)
	f("shop.example", Unranked)
	f("edu.pl", Unranked)
	f("an-invented-customer.weebly.com", Unranked)
	// what is protected is not ranked as well
	f("facebook.com", Unranked)
	f("vietcombank.com.vn", Unranked)
	f("8.8.8.8", Unranked)
	for _, host := range []string{"nestjs.com", "docs.nestjs.com", "www.facebook.com", "google.pl", "bit.ly", "irs.gov"} {
		if !Known(host) {
			t.Errorf("%s is unknown", host)
		}
	}
	for _, host := range []string{"shop.example", "an-invented-customer.weebly.com", "vietcombank-login.example", ""} {
		if Known(host) {
			t.Errorf("%s is known", host)
		}
	}
}

func TestUnderWhichNameAHostIsRanked(t *testing.T) {
	f := func(host, want string) {
		t.Helper()
		if got, ok := Ranked(host); got != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", host, got, ok, want)
		}
	}
	f("shop.example", "shop.example")
	f("www.a.shop.example", "shop.example")
	f("www.shop.com.vn", "shop.com.vn")
	f("a.customer.github.io", "customer.github.io") // a private suffix
	f("a.customer.ladipage.vn", "customer.ladipage.vn")
	f("com.vn", "")
	f("github.io", "")
	f("ladipage.vn", "")
	f("mail.google.com", "")
	f("203.0.113.7", "")
	f("[2001:db8::1]", "")
	f("", "")
}

// What is told at once not to be ranked is what the sets do not have.
func TestTheSieveKeepsNobodyOut(t *testing.T) {
	for _, s := range ranking() {
		for e := range s.All() {
			var digest [32]byte
			binary.BigEndian.PutUint64(digest[:], e.Prefix<<(64-set.PrefixBits))
			if got := rankOf(digest); got < RankedAs(e.Class) {
				t.Fatalf("%010x is ranked as %d, want %d", e.Prefix, got, e.Class)
			}
		}
		for range s.Longs() {
			t.Fatal("the sieve knows nothing of long entries")
		}
	}
	through := 0
	for n := range 10_000 {
		digest := release.DigestOf(fmt.Append(nil, n))
		if rankedSieve().may(binary.BigEndian.Uint64(digest[:])) {
			through++
		}
	}
	if through > 1_000 {
		t.Errorf("%d of 10,000 invented names get through", through)
	}
}

// Nor does the sieve of what is protected.
func TestTheSieveKnowsAllThatIsProtected(t *testing.T) {
	p := protected()
	f := func(host string) {
		if !p.mayKnow(host) {
			t.Errorf("%s would be let through", host)
		}
	}
	for host := range p.sites {
		f(host)
	}
	for host := range p.shared {
		f(host)
	}
	for host := range p.above {
		f(host)
	}
	for page := range p.covered() {
		host, _, _ := strings.Cut(string(page), "/")
		f(host)
	}
	through := 0
	for n := range 10_000 {
		if p.mayKnow(fmt.Sprintf("site-%d.example", n)) {
			through++
		}
	}
	if through > 1_000 {
		t.Errorf("%d of 10,000 invented hosts get through", through)
	}
}
