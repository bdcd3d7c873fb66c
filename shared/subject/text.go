package subject

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxSelected bounds a text that somebody has selected, in bytes.
const maxSelected = 4096

// maxFound bounds what is found in it.
const maxFound = 32

// FromText is all that Things finds, in one list.
func FromText(text string) ([]Subject, error) {
	things, err := Things(text)
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

// Things finds what a text that a person has selected or pasted names, and what each of it is called, the
// narrowest first: addresses, telephone
// numbers as they are written in Vietnam or with their country, bank accounts beside the name of
// their bank, wallets, email addresses, and the payload of a payment code (VietQR). What is not sure is
// left out. It returns ErrTooLong for more than 4,096 bytes.
func Things(text string) ([][]Subject, error) {
	if len(text) > maxSelected {
		return nil, ErrTooLong
	}
	if !utf8.ValidString(text) {
		return nil, ErrSubject
	}
	var found [][]Subject
	add := func(thing ...Subject) {
		same := func(other []Subject) bool { return other[0] == thing[0] }
		if len(thing) > 0 && len(found) < maxFound && !slices.ContainsFunc(found, same) {
			found = append(found, thing)
		}
	}
	text = strings.TrimSpace(strings.Map(seen, norm.NFKC.String(text)))
	if s, err := Parse(text); err == nil && s.IsAccount() {
		return [][]Subject{{s}}, nil
	}
	if s, ok := fromPaymentCode(text); ok {
		return [][]Subject{{s}}, nil
	}
	for _, word := range strings.Fields(text) {
		for _, thing := range fromWord(bare(word)) {
			add(thing...)
		}
	}
	for _, s := range banksIn(text) {
		add(s)
	}
	for _, run := range numbersIn(text) {
		for _, id := range run.phones() {
			add(Subject("phone:" + id))
		}
	}
	return found, nil
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
	if word != "" && word[0] >= '0' && word[0] <= '9' && strings.Trim(word, number10+".,") != word && isCurrency(strings.TrimLeft(word, number10+".,")) {
		return nil
	}
	if scheme := schemeAt(word); scheme > 0 && !strings.ContainsAny(word[:scheme], "/?#") {
		word = word[scheme:]
	}
	href := word
	if schemeAt(word) != 0 && !IsLink(word) {
		before, after, hasColon := strings.Cut(word, ":")
		switch {
		case looksLikeHost(hostPart(word)):
		case hasColon && !strings.ContainsAny(before, "./?") && looksLikeHost(hostPart(after)):
			word = after
		default:
			return nil
		}
		href = "http://" + word
	}
	href, ok := browserForm(href)
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

// isCurrency tells what stands behind an amount in Vietnam: 500.000đ, 1.5tr.
func isCurrency(word string) bool {
	return slices.Contains([]string{"d", "vnd", "k", "tr", "trieu", "usd", "usdt"}, unaccented(word))
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
	if dot <= 0 || strings.Trim(host, lower+number10+".-") != "" || !isHostname(host) {
		return false
	}
	last := host[dot+1:]
	return len(last) >= 2 && (lowercase(last) || strings.HasPrefix(last, "xn--"))
}

// run is a number in a text.
type run struct {
	digits string // with a plus sign if it has one
	raw    string // as it is written
}

// A number has six digits at least, and an account at a bank nineteen at most (canonicalBank); people write a few numbers in a row.
const (
	minDigits  = 6
	maxAccount = 19
	maxDigits  = 80
)

// numbersIn finds the numbers in a text: digits in groups, with what people put between them.
func numbersIn(text string) []run {
	var runs []run
	for i := 0; i < len(text) && len(runs) < maxFound; {
		c := text[i]
		if c != '+' && (c < '0' || c > '9') {
			i++
			continue
		}
		if n := dateAt(text[i:]); n > 0 {
			i += n
			continue
		}
		at := i
		number := []byte{c}
		end := i + 1
		whole, blank := 0, 0 // the digits in front of the last blank, and where that stands
		for j, gap := i+1, 0; j < len(text) && len(number) < maxDigits; {
			r, size := utf8.DecodeRuneInString(text[j:])
			switch {
			case c == '+' && strings.HasPrefix(text[j:], "(0)"): // for calls within the country
				j += len("(0)")
			case r >= '0' && r <= '9':
				number = append(number, byte(r))
				j += size
				end, gap = j, 0
			case unvisual(r) < 0 && gap < 2:
				if r == ' ' && gap == 0 {
					whole, blank = len(number), j
				}
				j += size
				gap++
			default:
				j = len(text)
			}
		}
		i = end
		if after := strings.TrimLeftFunc(text[end:], isWordRune); whole > 0 && isCurrency(text[end:len(text)-len(after)]) { // of the next number
			number, end = number[:whole], blank
		}
		if len(number) >= minDigits && standsAlone(text, at, end) {
			runs = append(runs, run{string(number), text[at:end]}.apart()...)
		}
	}
	return runs
}

// apart are the numbers in a run that is too long for one: what stands between blanks, if each of it can be a number.
func (r run) apart() []run {
	if len(r.digits) <= maxAccount {
		return []run{r}
	}
	var parts []run
	for _, raw := range strings.Fields(r.raw) {
		part := run{strings.Map(unvisual, raw), raw}
		if len(part.digits) < minDigits {
			return []run{r}
		}
		parts = append(parts, part)
	}
	return parts
}

// dateAt is the length of a date that a text begins with, such as 24/11/2026, if it has something else behind it; or 0.
func dateAt(text string) int {
	at := 0
	for _, most := range [...]int{31, 12, 2099} {
		n, from := 0, at
		for at < len(text) && at < from+4 && text[at] >= '0' && text[at] <= '9' {
			n = n*10 + int(text[at]-'0')
			at++
		}
		if n == 0 || n > most || most > 31 && n < 1900 {
			return 0
		}
		if most <= 31 {
			if at == len(text) || strings.IndexByte("/-.", text[at]) < 0 {
				return 0
			}
			at++
		}
	}
	if at < len(text) && strings.IndexByte("0123456789/-.", text[at]) >= 0 {
		return 0
	}
	return at
}

// standsAlone tells whether a number is a word of its own, or has nothing but a word such as "STK" or the name
// of a bank written to it.
func standsAlone(text string, at, end int) bool {
	before := strings.TrimRightFunc(text[:at], isWordRune)
	after := strings.TrimLeftFunc(text[end:], isWordRune)
	return isLabel(text[len(before):at]) && isLabel(text[end:len(text)-len(after)])
}

func isLabel(word string) bool {
	if word == "" {
		return true
	}
	if len(word) > 20 {
		return false
	}
	plain := unaccented(word)
	if slices.Contains([]string{"stk", "tk", "sotk", "sdt", "dt", "so", "tel", "zalo", "viber", "whatsapp", "hotline", "lh", "call", "sms", "phone"}, plain) {
		return true
	}
	return slices.ContainsFunc(banks[:], func(b bank) bool { return slices.Contains(b.names, plain) })
}

// phones are the telephone numbers in a run: it, or several with a dash or a stroke between them.
func (r run) phones() []string {
	take := func(digits string) string {
		if strings.HasPrefix(digits, "00") && !strings.HasPrefix(digits, "0084") {
			return "" // rather the number of an account
		}
		id, _ := appendVietnamese(nil, digits)
		return string(id)
	}
	if id := take(r.digits); id != "" {
		return []string{id}
	}
	var ids []string
	for _, part := range strings.FieldsFunc(r.raw, func(c rune) bool { return c == '/' || c == '-' || c == '–' }) {
		id := take(strings.Map(unvisual, part))
		if id == "" {
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

// isAmount tells whether a number is rather a sum of money: thousands, and nothing below them.
func (r run) isAmount() bool {
	for _, mark := range []string{".", ","} {
		groups := strings.Split(r.raw, mark)
		if n := len(groups); n < 2 || len(groups[0]) > 3 || groups[0][0] == '0' || groups[n-1] != "000" {
			continue
		}
		if !slices.ContainsFunc(groups[1:], func(group string) bool { return len(group) != 3 || !digits(group) }) {
			return true
		}
	}
	return false
}

func isWordRune(r rune) bool {
	return r != utf8.RuneError && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '@' || r >= 0xc0 && r < 0x2000)
}

// banksIn finds bank accounts: numbers of 6 to 19 digits in a text that names a bank. Where it names several, each
// must stand beside its own number.
func banksIn(text string) []Subject {
	if bins := banksNamed(text); len(bins) < 2 {
		return accountsAt(bins, text)
	}
	var found []Subject
	for _, between := range [...]string{" - ", " hoặc ", " or "} {
		text = strings.ReplaceAll(text, between, "\n")
	}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune("\n;|,", r) }) {
		bins := banksNamed(part)
		accounts := accountsAt(bins, part)
		if len(bins) > 0 && len(accounts) == 0 {
			return nil // whose account another is would be a guess
		}
		found = append(found, accounts...)
	}
	return found
}

// banksNamed are the banks that a text names, by their numbers. A name within the longer one of another bank does not
// count: Đông Nam Á is not Nam Á.
func banksNamed(text string) []string {
	plain := " " + unaccented(text) + " "
	var names, bins []string
	for _, b := range banks {
		for _, name := range b.names {
			if hasWord(plain, name) {
				names, bins = append(names, name), append(bins, b.bin)
			}
		}
	}
	var named []string
	for i, name := range names {
		within := false
		for j, other := range names {
			within = within || bins[j] != bins[i] && len(other) > len(name) && hasWord(" "+other+" ", name)
		}
		if !within && !slices.Contains(named, bins[i]) {
			named = append(named, bins[i])
		}
	}
	return named
}

// accountsAt are the accounts in a text about one bank; without one, or with several, there are none.
func accountsAt(bins []string, text string) []Subject {
	if len(bins) != 1 {
		return nil
	}
	var found, phones []Subject
	for _, r := range numbersIn(text) {
		phone, isPhone := appendVietnamese(nil, r.digits)
		id := canonicalBank(bins[0], r.digits)
		if isPhone && strings.HasPrefix(bins[0], "971") { // wallets go by the telephone number, as it is dialled in Vietnam
			id = canonicalBank(bins[0], "0"+string(phone[len("+84"):]))
		}
		if id == "" || r.isAmount() {
			continue
		}
		if isPhone {
			phones = append(phones, Subject("bank:"+id))
		} else {
			found = append(found, Subject("bank:"+id))
		}
	}
	if len(found) == 0 { // many banks take the telephone number for the number of the account
		return phones
	}
	return found
}

// unaccented is a text in lower case without the marks of Vietnamese.
func unaccented(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0x300 && r < 0x370:
			return -1
		case r == 'đ':
			return 'd'
		}
		return r
	}, norm.NFD.String(strings.ToLower(text)))
}

func hasWord(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(word):])
		if !isWordRune(before) && !isWordRune(after) {
			return true
		}
		from = i + 1
	}
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
