package subject

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxSelected bounds a text that somebody has selected, in bytes.
const maxSelected = 64 << 10

// maxFound bounds what is found in it.
const maxFound = 64

// FromText is all that Things finds, in one list.
func FromText(text string, languages ...string) ([]Subject, error) {
	things, err := Things(text, languages...)
	var found []Subject
	for _, thing := range things {
		for _, s := range thing {
			if !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
	}
	return found, err
}

// Things finds what a text that a person has selected or pasted names, and what each of it is called, the narrowest
// first: addresses, telephone numbers as they are written in Vietnam or with their country, bank accounts beside the
// name of their bank or in international form, wallets, email addresses, names behind that of a network, and the
// payload of a payment code (VietQR). Languages are those of the person, as BCP 47 tags: with "pl" among them, numbers
// are read as they are written in Poland, too; without any, the text alone tells. What is not sure is left out. It
// returns ErrTooLong for more than 64 KiB, and with the first 64 things for a text with more of them.
func Things(text string, languages ...string) ([][]Subject, error) {
	if len(text) > maxSelected {
		return nil, ErrTooLong
	}
	if !utf8.ValidString(text) {
		return nil, ErrSubject
	}
	text = strings.TrimSpace(strings.Map(seen, norm.NFKC.String(figures(text))))
	if s, err := Parse(text); err == nil && s.IsAccount() {
		return [][]Subject{{s}}, nil
	}
	if s, ok := fromPaymentCode(text); ok {
		return [][]Subject{{s}}, nil
	}
	if isMachine(text) {
		if found := fromHost(text); found != nil {
			return [][]Subject{found}, nil
		}
	}
	var found things
	r := reader{text: text}
	r.speak(languages)
	r.readAddresses(&found)
	r.split()
	r.read(&found)
	return found.list, found.err
}

// things are what was found, each once.
type things struct {
	list  [][]Subject
	known map[Subject]bool // the narrowest of each
	err   error
}

func (t *things) add(thing ...Subject) {
	if len(thing) == 0 || t.known[thing[0]] {
		return
	}
	if len(t.list) == maxFound {
		t.err = ErrTooLong
		return
	}
	if t.known == nil {
		t.known = map[Subject]bool{}
	}
	t.known[thing[0]] = true
	t.list = append(t.list, thing)
}

// figures reads numbers on keys and in circles: six and more in a row are the digits of a number. Fewer are what lists
// begin with, and none of the digits beside them: a blank stands for each.
func figures(text string) string {
	var out, row []byte
	count := 0
	for text != "" {
		if c, n := figureAt(text); n > 0 {
			row = append(row, c)
			if c != ' ' {
				count++
			}
			text = text[n:]
			continue
		}
		if len(row) > 0 && strings.IndexByte(" .-", text[0]) >= 0 {
			if _, n := figureAt(text[1:]); n > 0 {
				row = append(row, text[0])
				text = text[1:]
				continue
			}
		}
		out = appendRow(out, row, count)
		row, count = row[:0], 0
		out = append(out, text[0])
		text = text[1:]
	}
	return string(appendRow(out, row, count))
}

func appendRow(out, row []byte, count int) []byte {
	for _, c := range row {
		if count < minDigits && isDigit(c) {
			c = ' '
		}
		out = append(out, c)
	}
	return out
}

// figureAt is the digit on a key or in a circle that a text begins with, a blank for another such sign, and how long it
// is; 0 if it is none.
func figureAt(text string) (byte, int) {
	if text == "" {
		return 0, 0
	}
	if c := text[0]; c < utf8.RuneSelf {
		rest := strings.TrimPrefix(text[1:], "\ufe0f")
		if after, ok := strings.CutPrefix(rest, "\u20e3"); ok {
			switch {
			case isDigit(c):
				return c, len(text) - len(after)
			case c == '#' || c == '*':
				return ' ', len(text) - len(after)
			}
		}
		return 0, 0
	}
	r, size := utf8.DecodeRuneInString(text)
	switch r {
	case 0x24ea, 0x24ff, 0x1f100, 0x1f101, 0x1f10b, 0x1f10c:
		return '0', size
	}
	for _, one := range [...]rune{0x2460, 0x2474, 0x2488, 0x24f5, 0x2776, 0x2780, 0x278a} {
		if r >= one && r < one+9 {
			return byte('1' + r - one), size
		}
	}
	if r >= 0x2460 && r < 0x249c || r >= 0x2776 && r < 0x2794 || r >= 0x24eb && r < 0x24ff {
		return ' ', size
	}
	return 0, 0
}

// bare is a word without what people write around it. A name may end with an underscore: one belongs to it unless
// there is one in front, too.
func bare(word string) string {
	around := "<>()[]{}\"'“”‘’«»,;!|*"
	if strings.HasPrefix(word, "_") {
		around += "_"
	}
	word = strings.TrimLeftFunc(word, func(r rune) bool { return strings.ContainsRune(around, r) || isPictured(r) })
	return strings.TrimRightFunc(word, func(r rune) bool { return strings.ContainsRune(around+".:", r) || isPictured(r) })
}

// isPictured tells arrows, pictures and emoji.
func isPictured(r rune) bool { return r >= 0x2190 && r < 0x2c00 || r >= 0x1f000 && r < 0x1fb00 }

// fromWord takes one word: an email address, a wallet, an address, or an address with a wallet in it.
func fromWord(word string) [][]Subject {
	if email := canonicalEmail(word); email != "" {
		return [][]Subject{{Subject("email:" + email)}}
	}
	address := fromAddress(word)
	if len(address) > 0 && strings.HasPrefix(string(address[0]), "wallet:") {
		return [][]Subject{address}
	}
	wallet := walletIn(word)
	switch {
	case wallet == "" && len(address) == 0:
		return nil
	case wallet == "":
		return [][]Subject{address}
	case len(address) == 0:
		return [][]Subject{{wallet}}
	}
	return [][]Subject{{wallet}, address}
}

// walletIn is the wallet that a word is or has in it: "BTC:1A…", "USDT(TRC20)T…", "T…(TRC20)", "…/address/T…".
func walletIn(word string) Subject {
	isLetterOrDigit := func(r rune) bool { return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
	parts := strings.FieldsFunc(word, func(r rune) bool { return !isLetterOrDigit(r) })
	// A few chains have other signs in their addresses, and one has no checksum: for these the end of a word counts.
	last := word[strings.LastIndexAny(word, ":=/)")+1:]
	for _, address := range append([]string{word, last}, parts...) {
		for _, chain := range []string{"bitcoin", "ethereum", "tron", "litecoin", "dogecoin", "ton", "solana"} {
			if chain == "solana" && (address != last || len(address) <= 40) { // shorter ones are rare, and other words
				continue
			}
			if id := canonicalWallet(chain, address); id != "" {
				return Subject("wallet:" + chain + "/" + id)
			}
		}
	}
	return ""
}

// fromAddress takes an address, with or without its scheme, also one that has a word and a colon or an arrow in
// front: "Link:https://…", "FB:facebook.com/…".
func fromAddress(word string) []Subject {
	if word != "" && word[0] >= '0' && word[0] <= '9' && isUnit(unaccented(strings.TrimLeft(word, number10+".,"))) { // 1.5tr
		return nil
	}
	if scheme := schemeAt(word); scheme > 0 && !strings.ContainsAny(word[:scheme], "/?#") {
		word = word[scheme:]
	}
	if schemeAt(word) != 0 && !IsLink(word) {
		before, after, hasColon := strings.Cut(word, ":")
		switch {
		case looksLikeHost(hostPart(word)):
			return fromHost(word)
		case hasColon && !strings.ContainsAny(before, "./?") && looksLikeHost(hostPart(after)):
			return fromHost(after)
		}
		return nil
	}
	href, ok := browserForm(word)
	if !ok {
		return nil
	}
	found, err := FromHref(nil, href)
	if err != nil {
		return nil
	}
	return found
}

// isMachine tells whether a text is the address of a machine and what follows it: an IPv4 address of four numbers, or
// an IPv6 address in brackets. In a sentence four numbers may be a version or a date, and are nothing.
func isMachine(text string) bool {
	host := hostPart(text)
	if end := strings.IndexByte(host, ']'); end >= 0 {
		host = host[:end+1]
	} else {
		host, _, _ = strings.Cut(host, ":")
	}
	canonical, isIP, err := canonicalHost(host)
	return err == nil && isIP && (canonical == host || host[0] == '[') && !strings.ContainsAny(text, " \t\r\n")
}

// fromHost takes an address without its scheme.
func fromHost(text string) []Subject {
	href, ok := browserForm("http://" + text)
	if !ok {
		return nil
	}
	found, err := FromHref(nil, href)
	if err != nil {
		return nil
	}
	return found
}

// schemeAt is where the first "http://" or "https://" of a word is, or -1.
func schemeAt(word string) int {
	low := lowerASCII(word)
	at := strings.Index(low, "http://")
	if secure := strings.Index(low, "https://"); secure >= 0 && (at < 0 || secure < at) {
		return secure
	}
	return at
}

// hostPart is what stands in front of the path of an address without a scheme.
func hostPart(word string) string {
	if end := strings.IndexAny(word, "/?#"); end >= 0 {
		return word[:end]
	}
	return word
}

// looksLikeHost tells "shop.example" from "v1.2" and "e.g": its last label has two letters and
// more, and nothing else.
func looksLikeHost(word string) bool {
	host, ok := normalisedHost(word)
	if !ok {
		return false
	}
	host, _, _ = strings.Cut(host, ":")
	dot := strings.LastIndexByte(host, '.')
	if dot <= 0 || strings.Trim(host, lower+number10+".-_") != "" || !isHostname(host) {
		return false
	}
	last := host[dot+1:]
	return len(last) >= 2 && (lowercase(last) || strings.HasPrefix(last, "xn--"))
}

// unaccented is a text in lower case without the marks of Vietnamese and Polish.
func unaccented(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0x300 && r < 0x370:
			return -1
		case r == 'đ':
			return 'd'
		case r == 'ł':
			return 'l'
		}
		return r
	}, norm.NFD.String(strings.ToLower(text)))
}

// fromPaymentCode reads the text of a payment code (EMVCo, "EMV QR Code Specification for
// Payment Systems, Merchant-Presented Mode", section 3; NAPAS has the template 38).
func fromPaymentCode(text string) (Subject, bool) {
	const tag = "6304"
	if !strings.HasPrefix(text, "000201") || len(text) < len(tag)+4 {
		return "", false
	}
	body, sum := text[:len(text)-4], text[len(text)-4:]
	want := crc16(0xffff, []byte(body))
	if !strings.HasSuffix(body, tag) || !strings.EqualFold(sum, string(hex4(want))) {
		return "", false
	}
	merchant := field(text, "38")
	if field(merchant, "00") != "A000000727" {
		return "", false
	}
	account := field(merchant, "01")
	id := canonicalBank(field(account, "00"), strings.ToUpper(field(account, "01")))
	return Subject("bank:" + id), id != ""
}

func hex4(v uint16) []byte {
	const hex = "0123456789ABCDEF"
	return []byte{hex[v>>12], hex[v>>8&15], hex[v>>4&15], hex[v&15]}
}

// field is the value of a data object: two digits of its id, two of its length, and the value.
func field(text, id string) string {
	for len(text) >= 4 {
		if !digits(text[2:4]) {
			return ""
		}
		n := int(text[2]-'0')*10 + int(text[3]-'0')
		if len(text) < 4+n {
			return ""
		}
		if text[:2] == id {
			return text[4 : 4+n]
		}
		text = text[4+n:]
	}
	return ""
}
