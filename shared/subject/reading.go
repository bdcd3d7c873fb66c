package subject

import (
	"strings"
	"unicode/utf8"
)

// How a text is read that is no address: it is split into words, numbers and signs (tokens.go); words that say what a
// number is (words.go) are found; and then each number is what the words beside it say, and each account belongs to the
// bank whose name stands with it.

// reader reads one text.
type reader struct {
	text   string
	gone   [][2]int // addresses, wallets and the like, which are read as a whole
	tokens []token
	plain  []byte   // the words of the text, one behind the other, without accents
	groups [][2]int // of digits

	speaksPolish, speaksOther bool
	looksPolish               bool // the text has words or letters of Polish
	namesBank                 bool // the text names a bank of Vietnam

	items  []item
	phones []Subject
}

func (r *reader) speak(languages []string) {
	for _, tag := range languages {
		tag = strings.ToLower(tag)
		switch {
		case tag == "":
		case tag == "pl", strings.HasPrefix(tag, "pl-"), strings.HasSuffix(tag, "-pl"):
			r.speaksPolish = true
		default:
			r.speaksOther = true
		}
	}
}

// at is what the words from a token on say together, and how many tokens that takes. The longest name counts: Đông Nam
// Á is not Nam Á.
func (r *reader) at(i int) (phrase, int) {
	var best phrase
	taken := 0
	if r.isSlashed(i) {
		return words()["stk"], 3
	}
	count := 0
	for j := i; j < len(r.tokens) && count < maxWordsInName; j++ {
		t := &r.tokens[j]
		if t.kind == aSign && (t.sign == '-' || t.sign == '.') && count > 0 {
			continue
		}
		if t.kind != aWord || t.to-r.tokens[i].from > maxWord {
			break
		}
		count++
		name := r.plain[r.tokens[i].from:t.to]
		if w := words()[string(name)]; w.says != 0 {
			best, taken = w, j-i+1
		}
		if len(name) >= fewLetters {
			if _, ok := words()[string(name[:fewLetters])]; !ok {
				break
			}
		}
	}
	return best, taken
}

// isSlashed tells "A/C" before a number, or what is said of one; in Vietnamese it is a form of address, too.
func (r *reader) isSlashed(i int) bool {
	rest := lowerASCII(r.text[r.tokens[i].at:min(len(r.text), r.tokens[i].at+len("a/c no. "))])
	if !strings.HasPrefix(rest, "a/c") {
		return false
	}
	rest = strings.TrimLeft(rest[len("a/c"):], " ")
	return rest != "" && (strings.IndexByte("(:#"+number10, rest[0]) >= 0 || strings.HasPrefix(rest, "no.") || strings.HasPrefix(rest, "no:"))
}

// item is a bank, a number, or what parts them.
type item struct {
	kind  itemKind
	line  int
	words int // how many words that say nothing stand before it

	bank       *bank
	weak       bool // a name that is another word, too
	into, from bool // the money goes to it, or comes from it

	digits, raw string
	says        byte // what the word before it says; 0 where none does
	next        bool // that word stands right before it
	soon        bool // or two others between: a code of some kind
	again       bool // another number stood between
	bill        bool // that word is one for a bill, on which telephone numbers stand
	rank        int
}

type itemKind uint8

const (
	aBank itemKind = iota
	anAccount
	aPart // a sign or a word between parts of a line
)

// read finds what the tokens name.
func (r *reader) read(found *things) {
	type saying struct {
		says  byte
		words int
		again bool
		after bool // nothing came behind it in its line
		money bool // of an account: a word for money stands behind it
		bill  bool // of something else: it has the number of whoever gets it on it
	}
	var label saying
	var networks []string
	var named bool // a name has come behind them
	line, plain := 0, 0
	last := -1 // the last token of the last word that says something
	lastSays := byte(0)
	into, from, sure := false, false, false
	lineStart := 0
	password := false // a one-time password is named in this line
	lone := ""        // a name with no network before it

	endLine := func() {
		if password {
			for i := lineStart; i < len(r.items); i++ {
				if it := &r.items[i]; it.kind == anAccount && it.says == 0 && len(it.digits) <= 8 {
					it.says, it.next = isOther, true
				}
			}
		}
		password, lineStart = false, len(r.items)
	}
	for i := 0; i < len(r.tokens); i++ {
		t := &r.tokens[i]
		switch t.kind {
		case aLine:
			endLine()
			line++
			r.items = append(r.items, item{kind: aPart, line: line, words: plain})
			if !label.after {
				label = saying{}
			}
			label.after = false
			if named {
				networks, named = nil, false
			}
			lone = ""
			into, from, sure = false, false, false
		case aGone:
			label, networks, named = saying{}, nil, false
			plain++
		case aSign:
			if label.says == isOtherNext && (t.sign == ',' || t.sign == ';' || t.sign == '|') {
				label = saying{}
			}
			switch t.sign {
			case ',', ';', '|', '•', '–', '—', '&', '/', '·':
				r.items = append(r.items, item{kind: aPart, line: line, words: plain})
			case '-':
				if r.isBetween(t) {
					r.items = append(r.items, item{kind: aPart, line: line, words: plain})
				}
			case '$', '€', '₫', '#':
				if (t.sign == '$' || t.sign == '€') && i+1 < len(r.tokens) && r.isLong(&r.tokens[i+1]) {
					break
				}
				if label.says == isAccount && !label.again { // STK #…
					label.money = true
				} else {
					label = saying{says: isMoney, words: plain}
				}
			}
		case aName:
			name := strings.TrimRight(r.text[t.at+1:t.end], ".-")
			for _, network := range networks {
				if s, ok := accountAt(network, name); ok {
					found.add(s)
				}
			}
			named, lone = len(networks) > 0, name
			label.after = false
		case aWord:
			w, n := r.at(i)
			if n == 0 && len(networks) > 0 && !named && (last == i-1 && lastSays != isNetwork || last == i-2 && (r.before(i) == ':' || r.before(i) == '=')) {
				if name := r.nameAt(t.at); name != "" {
					for _, network := range networks {
						if s, ok := accountAt(network, name); ok {
							found.add(s)
							named = true
						}
					}
					for named && i+1 < len(r.tokens) && r.tokens[i+1].at < t.at+len(name) {
						i++
					}
				}
				if named {
					plain++
					continue
				}
			}
			if n == 0 {
				lone = ""
				plain++
				label.after = false
				switch string(r.plain[t.from:t.to]) {
				case "hoac", "or", "lub", "va", "and", "i", "oraz", "hay":
					last = i
					r.items = append(r.items, item{kind: aPart, line: line, words: plain})
					plain-- // it says that there is another one
				default:
					if label.again {
						label = saying{}
					}
					networks, named, into, from, sure = nil, false, false, false, false
				}
				continue
			}
			if w.polish && !(r.speaksOther && (w.says == isPhone || w.says == isAccount)) { // these words are of other languages, too
				r.looksPolish = true
			}
			before := r.before(i)
			if w.says == isPurpose {
				if label.says == isAccount && !label.again && before != ',' && before != ';' && before != '+' {
					label.money, w.says = true, isLink
				} else {
					w.says = isMoney
				}
			}
			switch w.says {
			case isBankName:
				if n == 1 && t.to-t.from == 2 && r.isUnitOf(i) { // 500 MB
					plain++
					break
				}
				if r.isHandle(i) {
					break
				}
				r.namesBank = true
				r.items = append(r.items, item{kind: aBank, line: line, words: plain, bank: w.bank.bank, weak: w.bank.weak && !sure, into: into, from: from})
				if label.says == isMoney || label.says == isOtherNext || label.again {
					label = saying{}
				}
				label.after, networks, named = false, nil, false
				into, from, sure = false, false, false
			case isNetwork:
				if lone != "" && (before == '(' || last == i-1 && lastSays == isLink) {
					if s, ok := accountAt(w.network, lone); ok {
						found.add(s)
					}
				}
				if !(len(networks) > 0 && !named && (before == '/' || before == '&' || before == '+' || before == ',')) {
					networks, named = nil, false
				}
				if t.to-t.from == 1 && r.isUnitOf(i) { // 2 x …
					plain++
					break
				}
				networks = append(networks, w.network)
				if label.says != isPhone {
					label = saying{says: isPhone, words: plain, after: true}
				}
			case isInto:
				if into, from = true, false; label.says == isMoney {
					label = saying{}
				}
			case isFrom:
				from, into = true, false
			case isBankWord:
				sure = true
			case isLink, isPolish, isTransfer:
				if w.says == isTransfer {
					if networks, named = nil, false; label.says == isOtherNext {
						label = saying{}
					}
				}
			case isOtherNext:
				if label.says == 0 && len(networks) == 0 {
					label = saying{says: isOtherNext, words: plain, after: true, bill: n == 1 && string(r.plain[t.from:t.to]) == "bill"}
				}
			default:
				if w.says == isMoney && i > 0 && r.tokens[i-1].kind == aNumber { // it belongs to the number before it
					break
				}
				if w.says == isPhone && label.says == isAccount && label.words == plain && !label.again && before != ',' { // "the account is the telephone number"
					break
				}
				if w.says == isOther && strings.Contains(string(r.plain[t.from:r.tokens[i+n-1].to]), "otp") {
					password = true
				}
				if w.says != isAccount {
					networks, named = nil, false
				}
				label = saying{says: w.says, words: plain, after: true}
			}
			i += n - 1
			last, lastSays = i, w.says
		case aNumber:
			says, next := label.says, label.words == plain
			if t.at > 0 && r.followsWord(t.at) && !(last == i-1 && strings.IndexByte("apnmctvgb", lastSays) >= 0) {
				plain++
				label = saying{}
				continue
			}
			unit, glued := r.unitBehind(i)
			if i+1 < len(r.tokens) && r.tokens[i+1].at == t.end && r.tokens[i+1].kind == aWord && !unit {
				if w, n := r.at(i + 1); n == 0 || strings.IndexByte("apnb", w.says) < 0 {
					plain++
					label = saying{}
					continue
				}
			}
			numbers := r.numbersIn(t, unit, glued)
			for k, number := range numbers {
				if number.iban != "" {
					found.add(number.iban)
					continue
				}
				it := item{kind: anAccount, line: line, words: plain, digits: number.digits, raw: number.raw, says: says, next: next, again: label.again || k > 0}
				it.bill = label.bill
				it.soon = says == isOtherNext && plain-label.words <= 2
				if label.money && (isRound(it.digits) || isSum(it.raw)) {
					it.says, it.next = isMoney, true
				}
				if len(number.digits) < minDigits {
					continue
				}
				r.items = append(r.items, it)
			}
			if len(numbers) > 0 || unit {
				label.again, label.after = true, false
				networks, named = nil, false
				if says != isAccount && says != isPhone && says != isContent {
					label = saying{}
				}
			}
			into, from, sure = false, false, false
		}
		if t.kind == aNumber || t.kind == aGone {
			lone = ""
		}
	}
	endLine()
	for _, s := range r.accounts() {
		found.add(s)
	}
	for i := range r.items {
		if it := &r.items[i]; it.kind == anAccount {
			for _, id := range r.phonesIn(it) {
				found.add(Subject("phone:" + id))
			}
		}
	}
}

// isBetween tells a dash between words from one within them.
func (r *reader) isBetween(t *token) bool {
	return t.at > 0 && t.end < len(r.text) && r.text[t.at-1] == ' ' && r.text[t.end] == ' '
}

// before is the sign before a token, or 0.
func (r *reader) before(i int) rune {
	if i > 0 && r.tokens[i-1].kind == aSign {
		return r.tokens[i-1].sign
	}
	return 0
}

// isLong tells a number of so many digits without a sign in it that no dollars are meant.
func (r *reader) isLong(t *token) bool {
	return t.kind == aNumber && t.to-t.from == 1 && r.size(r.groups[t.from]) > 8
}

// isHandle tells a word behind a @, or a part of one that has a point or a dash and no blank in it.
func (r *reader) isHandle(i int) bool { return r.before(i) == '@' }

// isUnitOf tells whether a word is what is counted by the few digits before it.
func (r *reader) isUnitOf(i int) bool {
	if i == 0 || r.tokens[i-1].kind != aNumber {
		return false
	}
	t := r.tokens[i-1]
	return t.end-t.at <= 4
}

// unitBehind tells whether behind a number stands what makes it a sum of money, and whether at once.
func (r *reader) unitBehind(i int) (unit, glued bool) {
	if i+1 >= len(r.tokens) {
		return false, false
	}
	t := &r.tokens[i+1]
	glued = t.at == r.tokens[i].end
	switch t.kind {
	case aSign:
		unit = t.sign == '₫' || t.sign == '$' || t.sign == '€' || t.sign == '%' && glued
	case aWord:
		unit = isUnit(string(r.plain[t.from:t.to]))
		if _, n := r.at(i + 1); n > 1 { // ngân hàng
			unit = false
		}
		if plain := string(r.plain[t.from:t.to]); unit && !glued && len(plain) == 1 && plain == r.text[t.at:t.end] && plain != "k" {
			unit = false
		}
	}
	return unit, glued && unit
}

// nameAt is a name that begins at a place and can be no word: it has a sign or a digit in it.
func (r *reader) nameAt(at int) string {
	end := at
	for end < len(r.text) && isNameByte(r.text[end]) {
		end++
	}
	name := strings.TrimRight(r.text[at:end], ".-")
	if !r.endsName(end) || strings.HasPrefix(r.text[end:], "/") || !strings.ContainsAny(name, "_"+number10) && (!strings.Contains(name, ".") || endsAsHost(name)) {
		return ""
	}
	return name
}

// isNamed tells a name with points in it behind that of a network and a sign, "fb: an.invented", which looks like a
// host and is none: it ends in nothing that hosts end in, and the network may have such names.
func (r *reader) isNamed(word string, at int) bool {
	before, name := r.text[:at], strings.TrimRight(word, ".,;!?)")
	if sign := strings.LastIndexAny(name, ":="); sign >= 0 {
		before, name = name[:sign+1], name[sign+1:]
	}
	if !strings.Contains(name, ".") || strings.ContainsFunc(name, func(c rune) bool { return c >= utf8.RuneSelf || !isNameByte(byte(c)) }) || endsAsHost(name) {
		return false
	}
	before = strings.TrimRight(before, " ")
	if before == "" || strings.IndexByte(":=", before[len(before)-1]) < 0 {
		return false
	}
	before = strings.TrimRight(before[:len(before)-1], " ")
	network := words()[unaccented(before[strings.LastIndexFunc(before, func(c rune) bool { return !isWordRune(c) })+1:])]
	if network.says != isNetwork {
		return false
	}
	_, ok := accountAt(network.network, name)
	return ok
}

// endsAsHost tells whether a name with points ends in two letters, as those of countries do, or in one of the endings
// that names of hosts have most.
func endsAsHost(name string) bool {
	ending := lowerASCII(name[strings.LastIndexByte(name, '.')+1:])
	return len(ending) <= 2 || strings.Contains(endings, " "+ending+" ")
}

const endings = " com net org info biz top xyz shop site online app club store vip live win icu fun pro space website tech link click cloud life world today asia" +
	" mobi edu gov int mil example test invalid localhost cyou sbs bond cfd lol bet casino work page dev blog one wiki zone buzz art pics monster rest trade" +
	" men stream review science download bid cam support help finance bank money loan market center email games host press digital network agency group company" +
	" global media news solutions services plus run social chat team "

// accountAt is the account of a name on a network.
func accountAt(network, name string) (Subject, bool) {
	if name == "" || network == "tel:" {
		return "", false
	}
	s, err := Exact(network + name)
	return s, err == nil && s.IsProfile()
}
