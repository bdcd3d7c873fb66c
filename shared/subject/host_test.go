package subject

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/idna"
)

func TestWhatAListTakesForAHost(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, host := range []string{
		"scam.example", "a.b.c.d.e.f.example", "x--y.example", "-a-.example", "_dmarc.scam.example", "a_b.scam.example", "1.example", "0x1.example", "123.scam",
		"xn--cccc-0x5ac.example", "xn--a.example", "localhost", "com", "example", "0x1g", "1a", long + ".example",
		strings.Repeat(long+".", 3) + strings.Repeat("a", 61), "203.0.113.7", "0.0.0.0", "255.255.255.255", "[2001:db8::1]", "[::]",
	} {
		if !IsHost(host) {
			t.Errorf("%q is refused", host)
		}
	}
	for _, host := range []string{
		"", ".", "*.wild.example", "*", "x&y.example", "a,b.example", "a;b.example", "a(b).example", "$include.example", `"a32.example"`, "a'b.example", "a!b.example",
		"a+b.example", "a=b.example", "a~b.example", "a{b}.example", "a`b.example", "a b.example", "a%20b.example", "a%2Ab.example", "a:b.example", "a@b.example", "a/b.example",
		"Scam.example", "cốccốc.example", "scam.example.", ".scam.example", "scam..example", "xn--.example", "scam.xn--", "scam.\x00example", "scam.exa\nmple", "scam.exa\xffmple",
		long + "a.example", strings.Repeat(long+".", 3) + strings.Repeat("a", 62),
		"1", "469", "1.2", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "0x7f.0.0.1", "scam.1", "scam.0x1f", "scam.09",
		"[2001:db8::1", "2001:db8::1", "[2001:DB8::1]", "[::1.2.3.4]", "[::ffff:102:304]", "[fe80::1%25eth0]", "[]",
	} {
		if IsHost(host) {
			t.Errorf("%q is taken", host)
		}
	}
}

func TestWhatAListTakesIsAlsoWhatItNames(t *testing.T) {
	f := func(s Subject, want bool) {
		t.Helper()
		if s.IsListable() != want {
			t.Errorf("%s: %v, want %v", s, !want, want)
		}
	}
	f("scam.example/", true)
	f("scam.example/a*b?c=d&e", true)
	f("facebook:user/aninventedname", true)
	f("phone:+84900000001", true)
	f("[2001:db8::1]/a", true)
	f("x&y.example/", false)
	f("*.wild.example/a", false)
}

// The same, said by others: what is taken is an address of net/netip, or a name that idna gives back as it is.
func FuzzIsHost(f *testing.F) {
	for _, host := range []string{"scam.example", "x&y.example", "*.a", "_a.b", "xn--cccc-0x5ac.example", "1.2.3.4", "[::1]", "a..b", "1.2", strings.Repeat("a.", 127)} {
		f.Add(host)
	}
	names := idna.New(idna.VerifyDNSLength(true), idna.StrictDomainName(false))
	f.Fuzz(func(t *testing.T, host string) {
		if !IsHost(host) {
			return
		}
		if canonical, _, err := canonicalHost(host); err != nil || canonical != host {
			t.Fatalf("%q is not canonical: %q, %v", host, canonical, err)
		}
		if named, err := FromHref(nil, "http://"+host+"/"); err != nil || !strings.Contains(string(named[len(named)-1]), "/") {
			t.Fatalf("a visit of %q: %q, %v", host, named, err)
		}
		if _, err := Parse(host + "/"); err != nil {
			t.Fatalf("%q: %v", host, err)
		}
		if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			if back := ip.String(); back != strings.Trim(host, "[]") {
				t.Fatalf("%q is %s", host, back)
			}
			return
		}
		if strings.Contains(host, "xn--") {
			return // idna knows which of them stand for something
		}
		if ascii, err := names.ToASCII(host); err != nil || ascii != host {
			t.Fatalf("%q: idna has %q, %v", host, ascii, err)
		}
	})
}
