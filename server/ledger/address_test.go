package ledger

import (
	"testing"

	"khien/shared/subject"
)

// What leaves in exports is an address that leads to what is listed, on a host that can be one.
func TestTheAddressThatIsKept(t *testing.T) {
	f := func(href, of, want string) {
		t.Helper()
		if got := Seen(href, subject.Subject(of)); got != want {
			t.Errorf("%s at %s: %q is kept, want %q", of, href, got, want)
		}
	}
	f("https://scam.example:8443/pay?x=1", "scam.example/pay?x=1", "https://scam.example:8443/pay?x=1")
	f("https://me:secret@scam.example/", "scam.example/", "https://scam.example/")
	f("http://[::ffff:cb00:7109]:81/", "203.0.113.9/", "http://[::ffff:cb00:7109]:81/")
	f("http://scam.example./", "scam.example/", "http://scam.example./")
	f("http://scam.example/", "scam.example/", "")
	f("http://other.example/", "scam.example/", "")
	f("http://*.scam.example/", "scam.example/", "")
	f("http://a..scam.example/", "a.scam.example/", "")
	f("http://..scam.example:80/pay", "scam.example/pay", "")
}
