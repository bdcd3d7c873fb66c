package phone

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	f := func(text, region string, want Number) {
		t.Helper()
		if got, ok := Parse(text, region); got != want || ok != (want != "") {
			t.Errorf("%q in %s: %q, %v; want %q", text, region, got, ok, want)
		}
	}
	f("0900 000 001", "VN", "+84900000001")
	f("+84 (0) 900 000 001", "PL", "+84900000001")
	f("00 84 900 000 001", "VN", "+84900000001")
	f("84900000001", "VN", "+84900000001")
	f("+0084900000001", "VN", "+84900000001")
	f("(+84) 900.000.001", "", "+84900000001")
	f("113", "VN", "+84113")
	f("828 828 828", "PL", "+48828828828")
	f("1-877-382-4357", "US", "+18773824357")
	f("0900 000 001", "", "")
	f("0900 000 001", "nowhere", "")
	f("+999 000 000 000", "VN", "")
	f("113#", "VN", "")
	f("https://156.example", "VN", "")
	f("", "VN", "")
	f("+", "VN", "")
	f("900+000+001", "VN", "")
	f(strings.Repeat("1", 251), "VN", "")
}

// agrees reads a text in both ways.
func agrees(t *testing.T, text, region string) {
	t.Helper()
	if strings.Trim(text, "+"+digitsAndSigns) != "" {
		return // letters for digits, extensions and the like are read there only
	}
	got, ok := Parse(text, region)
	n, err := phonenumbers.Parse(text, region)
	if ok != (err == nil) {
		t.Fatalf("%q in %s: %q; libphonenumber: %v, %v", text, region, got, n, err)
	}
	if !ok {
		return
	}
	if want := phonenumbers.Format(n, phonenumbers.E164); string(got) != want {
		t.Fatalf("%q in %s: %q; libphonenumber: %q", text, region, got, want)
	}
	if want := phonenumbers.IsValidNumber(n); got.IsValid() != want {
		t.Fatalf("%q in %s: %s is valid: %v; libphonenumber: %v", text, region, got, got.IsValid(), want)
	}
	kind := phonenumbers.GetNumberType(n)
	want := kind == phonenumbers.TOLL_FREE || kind == phonenumbers.SHARED_COST || kind == phonenumbers.UAN
	if got.IsForAll() != want {
		t.Fatalf("%q in %s: %s is for all: %v; libphonenumber: %v", text, region, got, got.IsForAll(), kind)
	}
}

// The second implementation is the library whose rules these are: the examples of all countries and kinds in every
// form, and others by chance that are nearly the same, of which KHIEN_WHOLE=1 has more.
func TestReadsAsLibphonenumber(t *testing.T) {
	rounds := 1
	if os.Getenv("KHIEN_WHOLE") != "" {
		rounds = 20
	}
	random := rand.New(rand.NewPCG(1, 2))
	examples := 0
	near := func(n *phonenumbers.PhoneNumber, region string) {
		if n == nil {
			return
		}
		examples++
		national := phonenumbers.GetNationalSignificantNumber(n)
		for range rounds {
			for _, form := range []phonenumbers.PhoneNumberFormat{phonenumbers.E164, phonenumbers.INTERNATIONAL, phonenumbers.NATIONAL} {
				agrees(t, phonenumbers.Format(n, form), region)
				agrees(t, phonenumbers.Format(n, form), "VN")
			}
			for _, before := range []string{"", "0", "00", "+", "+00", "1", "8", "011", fmt.Sprint(n.GetCountryCode()), fmt.Sprint("00", n.GetCountryCode())} {
				agrees(t, before+national, region)
				other := []byte(national)
				for range 1 + random.IntN(3) {
					other[random.IntN(len(other))] = byte('0' + random.IntN(10))
				}
				agrees(t, before+string(other), region)
			}
			before := []string{"", "0", fmt.Sprint(n.GetCountryCode())}[random.IntN(3)]
			agrees(t, before+national[:random.IntN(len(national)+1)], region)
			agrees(t, before+national+fmt.Sprint(random.IntN(1000)), region)
			other := []byte(national)
			for i := 1 + random.IntN(len(other)); i < len(other); i++ {
				other[i] = byte('0' + random.IntN(10))
			}
			agrees(t, fmt.Sprintf("+%d%s", n.GetCountryCode(), other), "")
		}
	}
	for region := range phonenumbers.GetSupportedRegions() {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			near(phonenumbers.GetExampleNumberForType(region, kind), region)
		}
	}
	for code := range phonenumbers.GetSupportedGlobalNetworkCallingCodes() {
		near(phonenumbers.GetExampleNumberForNonGeoEntity(code), "")
	}
	if examples < 800 {
		t.Errorf("only %d examples", examples)
	}
}

// Whatever somebody writes is read as there, and what comes out is itself when it is read again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"0900 000 001", "+84 (0) 900 000 001", "00 84 900 000 001", "+0084900000001", "113", "113#", "+", "", "++1", "1 2"} {
		f.Add(text, "VN")
	}
	f.Add("8 (900) 000-00-01", "KZ")
	f.Add("+7 700 000 00 01", "RU")
	f.Fuzz(func(t *testing.T, text, region string) {
		agrees(t, text, region)
		if n, ok := Parse(text, region); ok {
			if again, ok := Parse(string(n), ""); ok && again.IsValid() && n.IsValid() && again != n {
				t.Errorf("%q is %s, and that is %s", text, n, again)
			}
		}
	})
}
