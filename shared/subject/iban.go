package subject

import "strings"

// ibanTable says how an account is built in each country: its code, and the parts of the number behind the two check
// digits, the identifier of the bank first (SWIFT, "IBAN Registry"; in Italy and San Marino a letter stands before it).
// n is for digits, a for capital letters, c for both.
const ibanTable = " AD4n4n12c AE3n16n AL8n16c AT5n11n AZ4a20c BA3n13n BE3n9n BG4a4n2n8c BH4a14c BI5n18n BR8n15n1a1c BY4c4n16c CH5n12c CR4n14n CY3n5n16c" +
	" CZ4n16n DE8n10n DJ5n18n DK4n10n DO4c20n EE2n14n EG4n21n ES4n16n FI3n11n FK2a12n FO4n10n FR5n5n11c2n GB4a14n GE2a16n GI4a15c GL4n10n GR3n4n16c GT4c20c" +
	" HN4a20n HR7n10n HU3n21n IE4a14n IL3n16n IQ4a15n IS4n18n IT1a5n5n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c LC4a24c LI5n12c LT5n11n LU3n13c LV4a13c LY3n18n" +
	" MC5n5n11c2n MD2c18c ME3n15n MK3n10c2n MN4n12n MR5n18n MT4a5n18c MU4a2n2n12n3n3a NI4a20n NL4a10n NO4n7n OM3n16c PK4a16c PL8n16n PS4a21c PT4n17n QA4a21c" +
	" RO4a16c RS3n15n RU9n5n15c SA2n18c SC4a2n2n16n3a SD2n12n SE3n17n SI5n10n SK4n16n SM1a5n5n12c SO4n15n ST4n17n SV4a20n TL3n16n TN2n18n TR5n17c UA6n19c" +
	" VA3n15n VG4a16n XK4n12n YE4a4n18c "

const (
	minIBAN = 15
	maxIBAN = 34
)

// ibanParts are the parts of the accounts of a country; "" for one that has no such numbers.
func ibanParts(country string) string {
	if len(country) != 2 || country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' || country[1] > 'Z' {
		return ""
	}
	_, parts, _ := strings.Cut(ibanTable, " "+country)
	parts, _, _ = strings.Cut(parts, " ")
	return parts
}

// nextPart takes one part off the front: how many characters of what sort.
func nextPart(parts string) (count int, sort byte, rest string) {
	i := 0
	for ; parts[i] <= '9'; i++ {
		count = count*10 + int(parts[i]-'0')
	}
	return count, parts[i], parts[i+1:]
}

// ibanSize is the length of the numbers of a country; 0 where there are none.
func ibanSize(country string) int {
	size := 0
	for parts := ibanParts(country); parts != ""; {
		var n int
		n, _, parts = nextPart(parts)
		size += n
	}
	if size > 0 {
		size += len("PL61")
	}
	return size
}

// ibanBank is the identifier of the bank in an account in international form (ISO 13616), in capitals and without
// blanks; "" for what is none, or has another checksum (ISO 7064, MOD 97-10).
func ibanBank(text string) string {
	if len(text) < minIBAN || len(text) > maxIBAN || text[2] < '0' || text[2] > '9' || text[3] < '0' || text[3] > '9' {
		return ""
	}
	bank := ""
	at := len("PL61")
	for parts := ibanParts(text[:2]); parts != ""; {
		var n int
		var sort byte
		n, sort, parts = nextPart(parts)
		if len(text) < at+n {
			return ""
		}
		for i := range n {
			c := text[at+i]
			digit, letter := c >= '0' && c <= '9', c >= 'A' && c <= 'Z'
			if !(digit && sort != 'a' || letter && sort != 'n') {
				return ""
			}
		}
		if bank == "" && n > 1 {
			bank = text[at : at+n]
		}
		at += n
	}
	if at != len(text) || checkDigits(text[:2], text[4:]) != text[2:4] {
		return ""
	}
	return bank
}

// checkDigits are those of an account of a country.
func checkDigits(country, account string) string {
	rest := 0
	for _, part := range [...]string{account, country, "00"} {
		for i := range len(part) {
			if c := part[i]; c >= 'A' {
				rest = (rest*100 + int(c-'A') + 10) % 97
			} else {
				rest = (rest*10 + int(c-'0')) % 97
			}
		}
	}
	sum := 98 - rest
	return string([]byte{'0' + byte(sum/10), '0' + byte(sum%10)})
}

// fromIBAN is the account that a text without blanks is the number of, or "".
func fromIBAN(text string) Subject {
	if bank := ibanBank(text); bank != "" {
		return Subject("bank:" + bank + "/" + text)
	}
	return ""
}

// grouped writes such a number as people do: in fours.
func grouped(iban string) string {
	var b strings.Builder
	for i := range len(iban) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(iban[i])
	}
	return b.String()
}

// polishBanks are the banks of Poland by the first digits of their identifiers (Narodowy Bank Polski, "Ewidencja
// Numerów Rozliczeniowych Banków").
const polishBanks = " 1010 NBP 1020 PKO_BP 1030 Citi_Handlowy 1050 ING_Bank_Śląski 1090 Santander_/_Erste 1130 BGK 1140 mBank 1160 Bank_Millennium" +
	" 1240 Bank_Pekao 1320 Bank_Pocztowy 1540 BOŚ_Bank 1610 SGB-Bank 1680 Plus_Bank 1870 Nest_Bank 1910 Deutsche_Bank_Polska 1930 Bank_BPS" +
	" 1940 Credit_Agricole 2030 BNP_Paribas 2120 Santander_Consumer 2480 VeloBank 2490 Alior_Bank "

// polishBank is what people call the bank of a Polish account, or "".
func polishBank(iban string) string {
	if iban[:2] != "PL" {
		return ""
	}
	_, name, _ := strings.Cut(polishBanks, " "+iban[4:8]+" ")
	name, _, _ = strings.Cut(name, " ")
	return strings.ReplaceAll(name, "_", " ")
}
