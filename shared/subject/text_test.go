package subject

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nlnwa/whatwg-url/url"
	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"
)

// What a person selects on a page and asks about.
func TestWhatASelectedTextNames(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		got, err := FromText(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		var accounts []string
		for _, s := range got {
			if s.IsAccount() || !strings.Contains(text, "/") {
				accounts = append(accounts, string(s))
			}
			if again, err := Parse(string(s)); err != nil || again != s {
				t.Errorf("%q: %q is not canonical", text, s)
			}
		}
		if !slices.Equal(accounts, want) {
			t.Errorf("%q\ngot  %q\nwant %q", text, accounts, want)
		}
	}
	// Telephone numbers, as people write them.
	for _, text := range []string{
		"0900000001", "0900 000 001", "090.000.0001", "090-000-0001", "(090) 000 0001", "+84 900 000 001", "+84 (0) 900 000 001", "84900000001",
		"Gọi ngay: 0900.000.001!", "Hotline/Zalo 0900 000 001 (anh An)", "00 84 900 000 001", "SĐT:0900000001", "０９００ ０００ ００１",
		"SĐT0900000001", "Zalo0900.000.001", "+84 (90) 000-0001", "0900.000.001", "09 00 00 00 01", "(+84) 900000001", "+84.900.000.001", "0084900000001", "Zalo: 0900-000-001",
		"phone:+84900000001", "tel:+84900000001", "https://zalo.me/0900000001",
	} {
		f(text, "phone:+84900000001")
	}
	f("call +1 (202) 555-0100 or +44 20 7946 0000", "phone:+12025550100", "phone:+442079460000")
	f("Tổng đài 1900 0001 hoặc 1800.0001", "phone:+8419000001", "phone:+8418000001")
	f("024 0000 0001", "phone:+842400000001")
	f("+44 (0)20 7946 0000", "phone:+442079460000")
	f("0900000001/0900000002", "phone:+84900000001", "phone:+84900000002")
	f("0900000001-0900000002", "phone:+84900000001", "phone:+84900000002")
	for _, text := range []string{
		"0900000001 0900000002", "LH 0900 000 001 - 0900 000 002", "0900.000.001 0900.000.002", "0900000001–0900000002", "0900000001. 0900000002", "09000\u200b00001, \u202a0900000002\u202c",
	} {
		f(text, "phone:+84900000001", "phone:+84900000002")
	}
	f("0900000001 0900000002 0900000003", "phone:+84900000001", "phone:+84900000002", "phone:+84900000003")
	// Not telephone numbers: amounts, dates, orders.
	f("2.500.000đ ngày 12/05/2026")
	f("Mã đơn SPX0900000001VN")
	f("20:15 23-11-2026, 1.000.000")
	f("số 12345")
	f("chỉ 500.000đ, 1.500.000 VNĐ hay 1.5tr")

	// Bank accounts beside the name of their bank.
	f("Vietcombank 0011000000001", "bank:970436/0011000000001")
	f("STK: 0011 0000 00001 - Ngân hàng Ngoại thương (VCB)", "bank:970436/0011000000001")
	f("chuyển khoản MB Bank 999900001111 Nguyen Van An", "bank:970422/999900001111")
	f("Ngân hàng Quân đội, số tài khoản 0900000001", "bank:970422/0900000001", "phone:+84900000001")
	f("TÀI KHOẢN TECHCOMBANK: 19030000000011", "bank:970407/19030000000011")
	for _, text := range []string{
		"STK 0123456789 Vietcombank", "VCB 0123 456 789", "Vietcombank: 0123.456.789", "0123456789 - VCB", "STK0123456789 vietcombank", "Stk:0123456789vcb",
		"tk 0123456789 vcb cn Hà Nội", "VIETCOMBANK\n0123456789\nNGUYEN VAN A", "chuyển 5.000.000 vào VCB 0123456789 nhé", "Ngân hàng TMCP Ngoại thương, số tài khoản: 0123456789",
	} {
		f(text, "bank:970436/0123456789")
	}
	for _, text := range []string{"MB Bank 999900001111", "mbbank: 9999 0000 1111", "MB-999900001111", "999900001111 (Quân đội)", "STK MBBank 999900001111"} {
		f(text, "bank:970422/999900001111")
	}
	for _, text := range []string{"MoMo 0900000001", "ví momo: 0900 000 001", "0900.000.001 (Momo)"} {
		f(text, "bank:971025/0900000001", "phone:+84900000001")
	}
	for _, text := range []string{
		"VPB 0123456789", "VPBank ngày 24/11/2026: 0123456789", "vpbank 24-11-2026 0123456789", "VPB 0123456789 500k", "chuyển 0123 456 789 2tr vào VPB", "VPBank – 0123 456 789 – NGUYEN VAN A",
	} {
		f(text, "bank:970432/0123456789")
	}
	f("Techcom 19030000000011", "bank:970407/19030000000011")
	f("Techcom 19030000000011 0900000001", "bank:970407/19030000000011", "phone:+84900000001")
	for _, text := range []string{"Vietcom 0011000000001", "STK vietcom bank: 0011000000001"} {
		f(text, "bank:970436/0011000000001")
	}
	f("Ngân hàng Đông Nam Á 000000000011", "bank:970440/000000000011")
	f("Nam Á 000000000011", "bank:970428/000000000011")
	f("Sài Gòn Công Thương 700000000011", "bank:970400/700000000011")
	f("CAKE by VPBank 700000000011", "bank:546034/700000000011")
	f("Ngân hàng TMCP Quốc tế Việt Nam 060000000001", "bank:970441/060000000001")
	f("Ngân hàng TMCP Phát triển Thành phố Hồ Chí Minh 060000000001", "bank:970437/060000000001")
	f("KBank 1000000001", "bank:668888/1000000001")
	f("Sacom 060000000001", "bank:970403/060000000001")
	f("Agri 1500000000001", "bank:970405/1500000000001")
	f("Viettinbank 101000000001", "bank:970415/101000000001")
	f("Vietcombank 0123456789 hoặc Momo 0900000001", "bank:970436/0123456789", "bank:971025/0900000001", "phone:+84900000001")
	f("momo +84 900 000 001", "bank:971025/0900000001", "phone:+84900000001")
	f("Ví Momo 84900000001", "bank:971025/0900000001", "phone:+84900000001")
	f("sinh ngày 24/11/1990")
	f("hotline0900000001, Viber0900000002", "phone:+84900000001", "phone:+84900000002")
	f("lúc 24.11.2026 gọi 0900000001", "phone:+84900000001")
	f("TCB 19030000000011 - BIDV 12310000000001", "bank:970407/19030000000011", "bank:970418/12310000000001")
	f("Agribank or BIDV 0011000000001") // whose it is would be a guess
	f("Agribank, BIDV 0011000000001")
	f("0011000000001")
	// A payment code (VietQR): of NAPAS' format, with and without damage.
	code := func(bin, account string) string {
		inner := "00" + fmt.Sprintf("%02d%s", len(bin), bin) + "01" + fmt.Sprintf("%02d%s", len(account), account)
		merchant := "0010A000000727" + "01" + fmt.Sprintf("%02d%s", len(inner), inner) + "0208QRIBFTTA"
		body := "000201010211" + "38" + fmt.Sprintf("%02d%s", len(merchant), merchant) + "53037045802VN6304"
		return body + fmt.Sprintf("%04X", crc16(0xffff, []byte(body)))
	}
	f(code("970436", "0011000000001"), "bank:970436/0011000000001")
	f(strings.ToLower(code("970422", "nguoibanabc")[len(code("970422", "nguoibanabc"))-4:]))
	f(code("970422", "nguoibanabc"), "bank:970422/NGUOIBANABC")
	damaged := []byte(code("970436", "0011000000001"))
	damaged[40] ^= 1
	f(string(damaged))

	// Wallets, by their checksums.
	f("Send USDT to TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t now", "wallet:tron/TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
	f("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u")
	f("SOL: 9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM.", "wallet:solana/9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM")
	f("9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYt")
	f("“t.me/invented_name”.", "telegram:user/invented_name")
	f("(see t.me/invented_name.)", "telegram:user/invented_name")
	f("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "wallet:ethereum/0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
	f("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed") // one letter of the other case
	f("BTC: bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.", "wallet:bitcoin/bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
	f("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5")
	for _, label := range []string{"USDT:", "TRC20=", "USDT(TRC20)", "usdt/", "Ví:", "TRC20-", "ví \u200b", "👉"} {
		f(label+"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "wallet:tron/TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
	}
	for _, label := range []string{"(TRC20)", "-TRC20", "/USDT", "\u200b"} {
		f("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"+label, "wallet:tron/TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
	}

	f("Write to <Some.Body@Invented.Example>, please", "email:some.body@invented.example")
	f("scam-shop.example", "scam-shop.example/")
	f("www.scam-shop.example.", "www.scam-shop.example/", "scam-shop.example/")
	f("facebook.com/An.Invented.Name", "facebook:user/aninventedname")
	f("xem https://www.tiktok.com/@an.invented.name!", "tiktok:user/an.invented.name")
	f("tg://resolve?domain=invented_name", "telegram:user/invented_name")
	for _, text := range []string{
		"Link:https://t.me/invented_name", "=>https://t.me/invented_name", "👉https://t.me/invented_name", "👉t.me/invented_name👈", "Telegram:t.me/invented_name", "Kênh:HTTPS://T.me/invented_name", "https://t.me/invented_name\u200b",
	} {
		f(text, "telegram:user/invented_name")
	}
	f("https://x.com/invented_name_", "x:user/invented_name_")
	f("(instagram.com/invented.name_)", "instagram:user/invented.name_")
	f("_https://x.com/invented_name_", "x:user/invented_name")
	// An address keeps what it leads to, and a wallet in it does not hide whose it is.
	f("t.me/share?url=https://www.facebook.com/an.invented.name", "facebook:user/aninventedname")
	hidden, err := FromText("https://scam.example/pay?to=TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
	if err != nil || !slices.Contains(hidden, "wallet:tron/TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t") || !slices.Contains(hidden, "scam.example/") {
		t.Errorf("an address with a wallet in it names %q, %v", hidden, err)
	}
	f("v1.2 e.g. 3.14 and/or")
	f("tỉ lệ 3:1, xem:sau, a:b.c")
	f("")
	if _, err := FromText(strings.Repeat("a ", maxSelected)); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if _, err := FromText("\xff"); !errors.Is(err, ErrSubject) {
		t.Error(err)
	}
}

// The second implementation of telephone numbers is Google's, as ported to Go: a number that it takes
// for one of Vietnam or of any country is the same here, however it is written.
func TestTelephoneNumbersAgreeWithGoogles(t *testing.T) {
	regions := phonenumbers.GetSupportedRegions()
	n := 0
	for region := range regions {
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE} {
			number := phonenumbers.GetExampleNumberForType(region, kind)
			if number == nil || !phonenumbers.IsValidNumber(number) {
				continue
			}
			want := "phone:" + phonenumbers.Format(number, phonenumbers.E164)
			if len(want) < len("phone:+12345678") {
				continue // shorter than what is taken
			}
			texts := []string{phonenumbers.Format(number, phonenumbers.INTERNATIONAL)}
			if region == "VN" {
				texts = append(texts, phonenumbers.Format(number, phonenumbers.NATIONAL))
			}
			for _, text := range texts {
				got, err := FromText(text)
				if err != nil || len(got) != 1 || string(got[0]) != want {
					t.Errorf("%s: %q: %q, %v; want %q", region, text, got, err, want)
				}
			}
			n++
		}
	}
	if n < 300 {
		t.Errorf("only %d numbers", n)
	}
}

// What an account is called, and where it is shown.
func TestSubjectsAreShownAndOpened(t *testing.T) {
	f := func(s Subject, lang, want, address string) {
		t.Helper()
		if got := s.Describe(lang); got != want {
			t.Errorf("%s in %s: %q, want %q", s, lang, got, want)
		}
		if got := s.Address(); got != address {
			t.Errorf("%s opens %q, want %q", s, got, address)
		}
	}
	f("facebook:group/123", "en", "Facebook group 123", "https://www.facebook.com/groups/123")
	f("facebook:group/123", "vi-VN", "Nhóm Facebook 123", "https://www.facebook.com/groups/123")
	f("facebook:group/123", "pl", "Grupa na Facebooku 123", "https://www.facebook.com/groups/123")
	f("facebook:group/123", "fr", "Facebook group 123", "https://www.facebook.com/groups/123")
	f("mastodon:user/invented@mas.to", "en", "Mastodon account invented@mas.to", "https://mastodon.social/@invented@mas.to")
	f("facebook:user/tênbịa", "vi", "Tài khoản Facebook tênbịa", "https://www.facebook.com/t%C3%AAnb%E1%BB%8Ba")
	f("phone:+84900000001", "vi", "Số điện thoại +84900000001", "tel:+84900000001")
	f("bank:970436/0011000000001", "en", "Bank account 0011000000001 (Vietcombank)", "")
	f("bank:10901014/PL61109010140000071219812874", "pl", "Konto bankowe PL61 1090 1014 0000 0712 1981 2874 (Santander / Erste)", "")
	f("bank:10901014/PL61109010140000071219812874", "vi", "Tài khoản ngân hàng PL61 1090 1014 0000 0712 1981 2874 (Santander / Erste)", "")
	f("bank:37040044/DE89370400440532013000", "en", "Bank account DE89 3704 0044 0532 0130 00", "")
	f("bank:999999/0011000000001", "en", "Bank account 0011000000001 (999999)", "")
	f("wallet:tron/TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "pl", "Portfel TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t (TRON)", "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
	f("email:somebody@invented.example", "en", "Email address somebody@invented.example", "mailto:somebody@invented.example")
	f("short:bit.ly/Inv3nted", "en", "Short link bit.ly/Inv3nted", "https://bit.ly/Inv3nted")
	f("scam.example/", "vi", "Trang mạng scam.example", "http://scam.example/")
	f("scam.example/a?b", "en", "Web page scam.example/a?b", "http://scam.example/a?b")
}

// Whatever an address names can be opened, and the address that opens it names it first, but for a link that says which
// page it leads to.
func TestWhatIsOpenedIsTheSame(t *testing.T) {
	n := 0
	for _, s := range allStories(t) {
		for _, a := range s.accounts {
			if strings.HasPrefix(a, "bank:") {
				continue // there is no page of an account at a bank
			}
			address := Subject(a).Address()
			if address == "" {
				t.Errorf("%s cannot be opened", a)
				continue
			}
			again, err := FromHref(nil, address)
			if strings.HasPrefix(a, "short:redd.it/") {
				slices.Reverse(again)
			}
			if err != nil || len(again) == 0 || string(again[0]) != a {
				t.Errorf("%s opens %s, which names %q, %v", a, address, again, err)
			}
			if text := Subject(a).Describe("vi"); text == "" || text == a {
				t.Errorf("%s has no words", a)
			}
			n++
		}
	}
	if n < 300 {
		t.Errorf("only %d accounts", n)
	}
}

// A page that leads elsewhere names what it leads to, and itself.
func TestWhereAPageLeads(t *testing.T) {
	f := func(href string, want ...string) {
		t.Helper()
		if got := named(t, href); !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %q\nwant %q", href, got, want)
		}
	}
	f("https://l.facebook.com/l.php?u=https%3A%2F%2Fscam.example%2Fa%3Fb", "scam.example/a?b", "scam.example/a", "scam.example/",
		"l.facebook.com/l.php?u=https://scam.example/a?b", "l.facebook.com/l.php", "l.facebook.com/",
		"facebook.com/l.php?u=https://scam.example/a?b", "facebook.com/l.php", "facebook.com/")
	f("https://t.me/iv?url=https%3A%2F%2FSCAM.example%3A443", "scam.example/", "t.me/iv?url=https://SCAM.example:443", "t.me/iv", "t.me/")
	f("https://scam-page.translate.goog/a?b&_x_tr_sl=vi", "scam.page/a?b", "scam.page/a?b&_x_tr_sl=vi", "scam.page/a", "scam.page/",
		"scam-page.translate.goog/a?b", "scam-page.translate.goog/a?b&_x_tr_sl=vi", "scam-page.translate.goog/a", "scam-page.translate.goog/", "translate.goog/a?b", "translate.goog/a?b&_x_tr_sl=vi", "translate.goog/a", "translate.goog/")

	// However deep, the work ends.
	deep := "https://t.me/invented_name"
	for range maxTargets + 1 {
		deep = "https://t.me/iv?url=" + strings.NewReplacer("%", "%25", "&", "%26", ":", "%3A", "/", "%2F", "?", "%3F", "=", "%3D").Replace(deep)
	}
	if got := named(t, deep); len(got) > MaxSubjects || strings.Contains(got[0], "telegram:user/") {
		t.Errorf("%q", got)
	}
}

// The second implementation is the URL standard's parser: an address in another one is read as
// a browser reads it, or refused.
func FuzzAnAddressInAnother(f *testing.F) {
	for _, s := range allStories(f) {
		f.Add(s.href)
	}
	f.Add(`hTTps:\\A:b@t.me:0443\./x/..%2f%2E%2e/?q="#<`)
	f.Add("//bücher.example")
	f.Fuzz(func(t *testing.T, text string) {
		href, ok := browserForm(text)
		if !ok || IsLink(href) || !utf8.ValidString(text) { // that parser reads characters, and a redirector bytes
			return
		}
		got, err := FromHref(nil, href)
		if err != nil {
			return
		}
		if len(got) == 0 {
			t.Fatalf("%q is read as %q, which names nothing", text, href)
		}
		if strings.HasPrefix(strings.TrimLeft(text, "\t\n\r "), "//") {
			text = "https:" + strings.TrimLeft(text, "\t\n\r ")
		}
		u, err := url.Parse(text)
		if err != nil {
			return // it names a host that nobody can open
		}
		u.SetUsername("")
		u.SetPassword("")
		want, err := FromHref(nil, u.Href(false))
		if err != nil || u.Hostname() == "" {
			return
		}
		if strings.Contains(u.Hostname(), "xn--") && !strings.Contains(strings.ToLower(text), "xn--") && !slices.Equal(got, want) {
			return // what is not allowed in a name, or is read by a rare rule: of no platform
		}
		if _, err := netip.ParseAddr(u.Hostname()); err == nil && strings.ContainsAny(text, "+-") && !slices.Equal(got, want) {
			return // that parser reads signs in front of the numbers of an address; no browser does
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q is read as %q\nwhich names %q\nand as %q\nwhich names %q", text, href, got, u.Href(false), want)
		}
	})
}

// Whatever the text: what is found is canonical, is found again, can be told to a person, and every number in it stands
// in the text. The second implementation of the checksum of an account in international form is arithmetic with big
// numbers.
func FuzzFromText(f *testing.F) {
	for _, text := range []string{
		"Vietcombank 0011 0000 00001", "+84 (0) 900 000 001", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "a@invented.example", "000201010211", "tg://join?invite=x", "facebook.com/a.name",
		"- Vietcombank, stk: 0071000000001\n- ACB, stk: 218340001", "CK 500000 vào MB 0900000001 nd 123456", "PL61 1090 1014 0000 0712 1981 2874", "Tele/IG: @an_invented, zalo 0900000001",
		"tel. 600-123-456", "1️⃣ momo 0900.000.001/0900.000.002 (500k) ② STK=SĐT", "GB29nwbk60161331926819", "https://img.vietqr.io/image/VCB-0010000000355-a.png", "\U0001d7ce\u0663\u0301+(0)",
	} {
		f.Add(text, "pl")
		f.Add(text, "")
	}
	f.Fuzz(func(t *testing.T, text, language string) {
		found, err := Things(text, language)
		if err != nil && !errors.Is(err, ErrTooLong) && !errors.Is(err, ErrSubject) {
			t.Fatal(err)
		}
		digitsOnly := func(r rune) rune {
			if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' {
				return r
			}
			return -1
		}
		there := strings.Map(digitsOnly, strings.ToUpper(norm.NFKC.String(text)))
		for _, thing := range found {
			for _, s := range thing {
				if again, err := Parse(string(s)); err != nil || again != s {
					t.Fatalf("%q names %q, which is not canonical: %v", text, s, err)
				}
			}
			s := thing[0]
			again, err := Things(string(s), language)
			if s.IsAccount() && (err != nil || len(again) != 1 || again[0][0] != s) {
				t.Fatalf("%q names %q, which names %q, %v", text, s, again, err)
			}
			for _, lang := range tongues {
				if s.Describe(lang) == "" {
					t.Fatalf("%q has no words", s)
				}
			}
			name, rest, _ := strings.Cut(string(s), ":")
			bin, number, _ := strings.Cut(rest, "/")
			switch {
			case name == "phone":
				number = rest[len(rest)-7:]
			case name != "bank":
				continue
			case len(bin) == 6 && digits(bin):
				number = number[max(0, len(number)-9):] // a wallet has a zero for the country
			default:
				value, ok := new(big.Int).SetString(strings.Map(digitsOnly, ibanValue(number)), 10)
				if !ok || new(big.Int).Mod(value, big.NewInt(97)).Int64() != 1 {
					t.Fatalf("%q names %q, whose checksum is wrong", text, s)
				}
				number = number[4:]
			}
			if !strings.Contains(there, number) && !strings.Contains(text, "%") { // escaped, it stands there otherwise
				t.Fatalf("%q names %q, which does not stand in it", text, s)
			}
		}
	})
}

// ibanValue is what the checksum is over: the country and the check digits at the end, and two digits for each letter.
func ibanValue(iban string) string {
	var b strings.Builder
	for _, c := range iban[4:] + iban[:4] {
		if c >= 'A' {
			fmt.Fprint(&b, int(c-'A')+10)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Every id of every kind can be opened, and is still itself then.
func FuzzAnIDThatIsOpened(f *testing.F) {
	for _, s := range allStories(f) {
		for _, a := range s.accounts {
			_, rest, _ := strings.Cut(a, "/")
			f.Add(rest)
		}
	}
	f.Add("-1000000000")
	f.Add("groups")
	f.Add("0010000000")
	f.Fuzz(func(t *testing.T, id string) {
		for i := range platforms {
			for j := range platforms[i].kinds {
				k := &platforms[i].kinds[j]
				if k.prefix == "" {
					continue
				}
				s, err := Parse(k.prefix + id)
				if err != nil {
					continue
				}
				again, err := FromHref(nil, s.Address())
				if err != nil || len(again) == 0 || again[0] != s {
					t.Fatalf("%s opens %s, which names %q, %v", s, s.Address(), again, err)
				}
				if text := s.Describe("pl"); !strings.Contains(text, k.says[2][:4]) {
					t.Fatalf("%s is called %q", s, text)
				}
			}
		}
	})
}
