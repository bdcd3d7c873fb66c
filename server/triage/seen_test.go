package triage

import (
	"testing"

	"khien/shared/subject"
)

// Of the address that somebody met and reported, as much is kept as what is listed needs: it goes out to others.
func TestWhatIsKeptOfAnAddress(t *testing.T) {
	f := func(href string, s subject.Subject, want string) {
		t.Helper()
		if got := partOf(href, s); got != want {
			t.Errorf("%s of %s: %q, want %q", s, href, got, want)
		}
	}
	f("https://shop.example:8443/it%5C", `shop.example/it\`, "https://shop.example:8443/it%5C")
	f("https://shop.example/p?id=5", "shop.example/p?id=5", "https://shop.example/p?id=5")
	f("https://shop.example/p?id=5&session=mine", "shop.example/p", "https://shop.example/p")
	f("https://www.shop.example:8443/p?session=mine", "shop.example/", "https://www.shop.example:8443/")
	f("https://shop.example/a/b?session=mine", "shop.example/a/", "https://shop.example/a/b")
	f("https://www.facebook.com/an.invented.name?fbclid=mine", "facebook:user/aninventedname", "https://www.facebook.com/an.invented.name")
	f("https://www.facebook.com/profile.php?id=999999999999999&fbclid=mine", "facebook:id/999999999999999", "")
	f("https://l.facebook.com/l.php?u=https%3A%2F%2Fshop.example%2Fa&h=mine", "shop.example/a", "")
	f("https://shop.example/", "other.example/", "")
	f("", "shop.example/", "")
	f("tel:0900000001", "phone:+84900000001", "")
}
