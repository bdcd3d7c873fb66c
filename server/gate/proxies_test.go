package gate

import (
	"net/netip"
	"strings"
	"testing"
)

func TestClient(t *testing.T) {
	from := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for _, c := range []struct{ peer, name, header, want string }{
		{"127.0.0.1", "X-Real-IP", "198.51.100.7", "198.51.100.7"},
		{"127.0.0.1", "X-Real-IP", "", "127.0.0.1"},
		{"::ffff:127.0.0.1", "X-Real-IP", "::ffff:198.51.100.7", "198.51.100.7"},
		{"203.0.113.9", "X-Real-IP", "198.51.100.7", "203.0.113.9"}, // nobody has declared it
		{"127.0.0.1", "", "198.51.100.7", "127.0.0.1"},              // nor this one
		{"127.0.0.1", "X-Forwarded-For", "1.1.1.1, 198.51.100.7", "198.51.100.7"},
		{"127.0.0.1", "X-Forwarded-For", "1.1.1.1, 198.51.100.7, 192.0.2.1", "198.51.100.7"}, // two hops
		{"127.0.0.1", "X-Forwarded-For", "198.51.100.7, 203.0.113.9, 192.0.2.1", "203.0.113.9"},
		{"127.0.0.1", "X-Forwarded-For", "127.0.0.1,127.0.0.1", "127.0.0.1"},
		{"127.0.0.1", "X-Forwarded-For", "198.51.100.7, unknown", "127.0.0.1"},
		{"127.0.0.1", "X-Forwarded-For", "198.51.100.7, , ", "127.0.0.1"},
		{"127.0.0.1", "X-Forwarded-For", "198.51.100.7, junk, 192.0.2.1", "192.0.2.1"},
		{"127.0.0.1", "X-Forwarded-For", "198.51.100.7:4711", "198.51.100.7"},
		{"127.0.0.1", "X-Forwarded-For", "[2001:470::1]:4711", "2001:470::1"},
		{"127.0.0.1", "X-Forwarded-For", "[2001:470::1]", "2001:470::1"},
		{"127.0.0.1", "X-Forwarded-For", "[2001:470::1", "127.0.0.1"},
		{"127.0.0.1", "X-Forwarded-For", "fe80::1%eth0", "fe80::1"},
		{"127.0.0.1", "Forwarded", `for=198.51.100.7;proto=https;by=192.0.2.1`, "198.51.100.7"},
		{"127.0.0.1", "Forwarded", `proto=https;For="[2001:470::1]:4711"`, "2001:470::1"},
		{"127.0.0.1", "Forwarded", `for=1.1.1.1, for=198.51.100.7, for="[2001:db8::9]"`, "198.51.100.7"},
		{"127.0.0.1", "Forwarded", `for=", for=198.51.100.7`, "198.51.100.7"}, // the client's quote swallows nothing
		{"127.0.0.1", "Forwarded", `for=198.51.100.7;for=1.1.1.1`, "198.51.100.7"},
		{"127.0.0.1", "Forwarded", `for=_hidden`, "127.0.0.1"},
		{"127.0.0.1", "Forwarded", `198.51.100.7`, "127.0.0.1"},
		{"127.0.0.1", "X-Forwarded-For", `for=198.51.100.7`, "127.0.0.1"},
	} {
		p := Proxies{Header: c.name, From: from}
		if got := p.Client(netip.MustParseAddr(c.peer), c.header); got != netip.MustParseAddr(c.want) {
			t.Errorf("%s with %s %q is %v, want %s", c.peer, c.name, c.header, got, c.want)
		}
	}
}

// Whatever a client writes in front of what the proxy appends changes nothing.
func FuzzClient(f *testing.F) {
	for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
		for _, written := range []string{"", "1.1.1.1", "127.0.0.1, 127.0.0.1", `for="`, `for=1.1.1.1;`, ", ,", "[::1]:1", "\x00"} {
			f.Add(name, written)
		}
	}
	f.Fuzz(func(t *testing.T, name, written string) {
		p := Proxies{Header: name, From: Loopback}
		appended := "198.51.100.7"
		if strings.EqualFold(name, "Forwarded") {
			appended = "for=198.51.100.7"
		}
		peer, want := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("198.51.100.7")
		if name == "" {
			want = peer
		}
		if got := p.Client(peer, written+", "+appended); got != want {
			t.Errorf("%s: %q makes it %v", name, written, got)
		}
		if got := p.Client(want, written); got != want {
			t.Errorf("an undeclared peer with %q is %v", written, got)
		}
		if got := p.Client(peer, written); !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q is the client %v", written, got)
		}
	})
}
