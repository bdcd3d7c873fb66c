package feed

import (
	"slices"
	"testing"
)

func TestWhatPeopleWriteIntoLists(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		got, err := Named(text)
		var texts []string
		for _, s := range got {
			texts = append(texts, string(s))
		}
		if !slices.Equal(texts, want) {
			t.Errorf("%q: %q, %v; want %q", text, texts, err, want)
		}
		if exact, err := Exact(text); len(want) > 0 && (err != nil || string(exact) != want[0]) {
			t.Errorf("%q: exactly %q, %v", text, exact, err)
		}
	}
	f("scam.example", "scam.example/")
	f("facebook:user/an.invented.name") // not the canonical form: dots do not count
	f("facebook:user/aninventedname", "facebook:user/aninventedname")
	f("phone:+84900000001", "phone:+84900000001")
	f(" 0900 000 001 ", "phone:+84900000001")
	f("0900.000.001", "phone:+84900000001")
	f("+84 (90) 000-0001", "phone:+84900000001")
	f("+44 20 7946 0000", "phone:+442079460000")
	f("tel:0900000001", "phone:+84900000001")
	f("203.0.113.7", "203.0.113.7/")
	f("203.0.113.7:8080", "203.0.113.7/")
	f("somebody@invented.example", "email:somebody@invented.example")
	f("mailto:somebody@invented.example", "email:somebody@invented.example")
	f("https://somebody@scam.example/", "scam.example/")
	f("Vietcombank 0011000000001", "bank:970436/0011000000001")
	f("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "wallet:tron/TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
	f("tg://resolve?domain=invented_name", "telegram:user/invented_name")
	f("t.me/invented_name", "telegram:user/invented_name", "t.me/invented_name", "t.me/")
	// The examples of NAPAS' specification, and one with a digit changed.
	f("00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN63049E6F", "bank:970403/0011012345678")
	f("00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA530370454061800005802VN62340107NPS68690819thanh toan don hang63042E2E", "bank:970403/0011012345678")
	f("00020101021138570010A00000072701270006970403011300110123456790208QRIBFTTA53037045802VN63049E6F")
	f("javascript:alert(1)")
	f("0900")
	f("")
}
