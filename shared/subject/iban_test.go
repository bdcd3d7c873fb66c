package subject

import (
	"math/big"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// The examples of the registry (SWIFT, "IBAN Registry"), and what a slip makes of them.
func TestAnIBANIsReadWhereItsChecksumIsRight(t *testing.T) {
	f := func(iban, bank string) {
		t.Helper()
		want := "bank:" + bank + "/" + iban
		for _, text := range []string{iban, grouped(iban), strings.ToLower(iban), "IBAN: " + grouped(iban) + ".", "konto " + iban + ", 500 EUR", "(" + iban + ")", "\u200b" + strings.ReplaceAll(grouped(iban), " ", "\u00a0")} {
			if got, err := FromText(text); err != nil || len(got) != 1 || string(got[0]) != want {
				t.Errorf("%q names %q, %v; want %q", text, got, err, want)
			}
		}
		if value, _ := new(big.Int).SetString(ibanValue(iban), 10); new(big.Int).Mod(value, big.NewInt(97)).Int64() != 1 {
			t.Errorf("%s is no example", iban)
		}
		for i := range len(iban) {
			slip := []byte(iban)
			if slip[i]++; slip[i] > 'Z' || slip[i] == ':' {
				continue
			}
			if got, err := FromText(string(slip)); err != nil || len(got) > 0 {
				t.Errorf("%q names %q, %v", slip, got, err)
			}
		}
	}
	f("PL61109010140000071219812874", "10901014")
	f("DE89370400440532013000", "37040044")
	f("GB29NWBK60161331926819", "NWBK")
	f("FR1420041010050500013M02606", "20041")
	f("IT60X0542811101000000123456", "05428")
	f("ES9121000418450200051332", "2100")
	f("NL91ABNA0417164300", "ABNA")
	f("BE68539007547034", "539")
	f("CH9300762011623852957", "00762")
	f("NO9386011117947", "8601")
	f("SE4550000000058398257466", "500")
	f("CZ6508000000192000145399", "0800")
	f("SK3112000000198742637541", "1200")
	f("LT121000011101001000", "10000")
	f("UA213223130000026007233566001", "322313")
	f("VA59001123000012345678", "001")
	f("MT84MALT011000012345MTLCAST001S", "MALT")
	if got, err := FromText("61 1090 1014 0000 0712 1981 2874"); err != nil || len(got) != 1 || got[0] != "bank:10901014/PL61109010140000071219812874" {
		t.Errorf("the digits alone, as they are written in Poland, name %q, %v", got, err)
	}
	// One that is too short or too long, or of a country that has none, is nothing else either.
	for _, text := range []string{"PL6110901014000007121981287", "PL611090101400000712198128740", "VN61109010140000071219812874", "PL62 0900 000 001 0000 0712 1981 2874"} {
		if got, err := FromText(text); err != nil || len(got) > 0 {
			t.Errorf("%q names %q, %v", text, got, err)
		}
	}
}

// Every country of the table has numbers of a possible length, and one that is made by it is read.
func TestEveryCountryOfTheTableHasAnIBAN(t *testing.T) {
	for _, row := range strings.Fields(ibanTable) {
		account := ""
		for parts := row[2:]; parts != ""; {
			var n int
			var sort byte
			n, sort, parts = nextPart(parts)
			account += strings.Repeat(map[byte]string{'n': "7", 'a': "Q", 'c': "5"}[sort], n)
		}
		iban := row[:2] + checkDigits(row[:2], account) + account
		if size := ibanSize(row[:2]); size != len(iban) || size < minIBAN || size > maxIBAN {
			t.Errorf("%s: %d signs", row, size)
		}
		s := fromIBAN(iban)
		if again, err := Parse(string(s)); err != nil || again != s {
			t.Errorf("%s: %q is %q, %v", row, iban, s, err)
		}
	}
}

// The second implementation of Poland's numbers is Google's: what it calls one is one here, to who speaks Polish, and
// to who does not, none is.
func TestPolishNumbersAgreeWithGoogles(t *testing.T) {
	n := 0
	for prefix := 100; prefix < 1000; prefix++ {
		digits := []byte{byte('0' + prefix/100), byte('0' + prefix/10%10), byte('0' + prefix%10)}
		text := string(digits) + " 000 123"
		number, err := phonenumbers.Parse(text, "PL")
		valid := err == nil && phonenumbers.IsValidNumber(number)
		got, err := FromText(text, "pl-PL")
		if err != nil {
			t.Fatal(err)
		}
		if valid {
			n++
			if len(got) != 1 || string(got[0]) != "phone:"+phonenumbers.Format(number, phonenumbers.E164) {
				t.Errorf("%s names %q", text, got)
			}
		}
		hotline := prefix == 180 || prefix == 190 // of Vietnam
		if got, err := FromText(text, "vi"); err != nil || len(got) > 0 && !hotline {
			t.Errorf("%s names %q to who speaks Vietnamese, %v", text, got, err)
		}
	}
	if n < 300 {
		t.Errorf("only %d numbers", n)
	}
}
