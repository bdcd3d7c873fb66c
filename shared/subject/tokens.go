package subject

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// How a text becomes words, numbers and signs, and what in it is read as a whole.

type token struct {
	kind     tokenKind
	at, end  int // in the text
	from, to int // of a word, in plain; of a number, in groups
	sign     rune
}

type tokenKind uint8

const (
	aSign tokenKind = iota
	aWord
	aNumber
	aName // behind a @
	aLine // the end of one
	aGone
)

// readAddresses finds what is one word of its own, and accounts in international form.
func (r *reader) readAddresses(found *things) {
	for at := 0; at < len(r.text); {
		if c, size := utf8.DecodeRuneInString(r.text[at:]); unicode.IsSpace(c) {
			at += size
			continue
		}
		end := at + strings.IndexFunc(r.text[at:], unicode.IsSpace)
		if end < at {
			end = len(r.text)
		}
		if n, s := ibanAt(r.text, at); n > 0 {
			found.add(s...)
			r.gone = append(r.gone, [2]int{at, at + n})
			at += n
			continue
		}
		word := r.text[at:end]
		if r.isNamed(word, at) {
			at = end
			continue
		}
		if scheme := schemeAt(word); scheme > 0 && !strings.ContainsAny(word[:scheme], "/?#") && word[scheme-1] != '_' { // with a word written to it
			end = at + scheme
			word = word[:scheme]
		}
		if word != "" && !r.readWord(found, word, at) {
			for from := at; from < end; { // several with nothing but a sign between them
				to := from + strings.IndexAny(r.text[from:end], ",;|<>()\"“”’‘'")
				if to < from {
					to = end
				}
				if n, s := ibanAt(r.text, from); n > 0 {
					found.add(s...)
					r.gone = append(r.gone, [2]int{from, from + n})
					end, to = max(end, from+n), from+n
				} else if to < end || from > at {
					r.readWord(found, r.text[from:to], from)
				}
				_, size := utf8.DecodeRuneInString(r.text[to:])
				from = to + max(size, 1)
			}
		}
		at = end
	}
}

// readWord tells whether a word names something by itself.
func (r *reader) readWord(found *things, word string, at int) bool {
	whole := strings.Contains(word, "://")
	if len(word) < 26 && !strings.ContainsAny(word, ".:@") {
		return false
	}
	for _, thing := range fromWord(bare(rearmed(word))) {
		found.add(thing...)
		whole = true
	}
	if whole {
		r.gone = append(r.gone, [2]int{at, at + len(word)})
	}
	return whole
}

var rearming = strings.NewReplacer("hxxp", "http", "hXXp", "http", "[.]", ".", "(.)", ".", "[dot]", ".", "[:]", ":", "[://]", "://")

// rearmed undoes what people do to an address so that nobody opens it by mistake.
func rearmed(word string) string {
	if strings.ContainsAny(word, "[(") || strings.HasPrefix(lowerASCII(word), "hxxp") {
		return rearming.Replace(word)
	}
	return word
}

// ibanAt reads an account in international form at a place where a word begins: how long it is in the text, and what it
// names. It may go on in the next line. One whose checksum is wrong names nothing, and is nothing else.
func ibanAt(text string, at int) (int, []Subject) {
	if rest, ok := strings.CutPrefix(text[at:], "IBAN:"); ok {
		if n, s := ibanAt(rest, 0); n > 0 {
			return n + len("IBAN:"), s
		}
	}
	if len(text)-at < minIBAN {
		return 0, nil
	}
	country, from := "PL", at // of Poland, without its letters
	if !isDigit(text[at]) {
		if !isDigit(text[at+2]) || !isDigit(text[at+3]) {
			return 0, nil
		}
		country, from = string([]byte{text[at] &^ 0x20, text[at+1] &^ 0x20}), at+2
	} else if isDigit(text[at+2]) || strings.IndexByte(" -", text[at+2]) < 0 || at > 1 && isDigit(text[at-2]) {
		return 0, nil // not in the groups that it is written in
	}
	size := ibanSize(country)
	if size == 0 {
		return 0, nil
	}
	if end, iban, whole := readIBAN(text, from, country, size, true); whole {
		if s := fromIBAN(iban); s != "" {
			return end - at, []Subject{s}
		}
	}
	if from == at { // in one line, it is read as any other number
		return 0, nil
	}
	end, iban, whole := readIBAN(text, from, country, size, false)
	switch letters := len(strings.Trim(iban[2:], number10)); { // from the first to the last
	case whole && letters <= size/2:
		return end - at, nil
	case !whole && len(iban) > maxAccount && letters == 0: // one that lacks a digit, or has one too many
		for end < len(text) && isDigit(text[end]) {
			end++
		}
		return end - at, nil
	}
	return 0, nil // words
}

// readIBAN reads what stands behind the country in an account in international form, in groups, and where it ends;
// across is for one that may go on in the next line. Whole is false where there is not as much of it as there should
// be, or more.
func readIBAN(text string, from int, country string, size int, across bool) (end int, iban string, whole bool) {
	room := append(make([]byte, 0, maxIBAN), country...)
	gap := 0
	for end = from; end < len(text) && len(room) < size; {
		c, width := utf8.DecodeRuneInString(text[end:])
		switch {
		case isDigitRune(c):
			room, gap = append(room, byte(c)), 0
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			room, gap = append(room, byte(c)&^0x20), 0
		case gap == 0 && (c == ' ' || c == '-' || c == '.') || across && gap < maxIndent && strings.ContainsRune(blanks, c):
			gap++
		default:
			width = 0
		}
		if width == 0 {
			break
		}
		end += width
	}
	next, _ := utf8.DecodeRuneInString(text[end:])
	return end, string(room), len(room) == size && !isWordRune(next) && !isDigitRune(next)
}

// maxIndent is how many blanks there may be where a number goes on in the next line.
const maxIndent = 8

func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isDigitRune(c rune) bool { return c >= '0' && c <= '9' }

// isWordRune tells letters, and what belongs to words.
func isWordRune(c rune) bool {
	switch {
	case c < utf8.RuneSelf:
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
	case c == utf8.RuneError:
		return false
	}
	return unicode.IsLetter(c) || unicode.IsMark(c)
}

// split makes the tokens of the text.
func (r *reader) split() {
	gone := r.gone
	for i := 0; i < len(r.text); {
		for len(gone) > 0 && gone[0][1] <= i {
			gone = gone[1:]
		}
		if len(gone) > 0 && gone[0][0] <= i {
			r.tokens = append(r.tokens, token{kind: aGone, at: i, end: gone[0][1]})
			i = gone[0][1]
			continue
		}
		end := len(r.text)
		if len(gone) > 0 {
			end = gone[0][0]
		}
		c, size := utf8.DecodeRuneInString(r.text[i:])
		t := token{kind: aSign, at: i, end: i + size, sign: c}
		switch {
		case c == '\n', c == '\r', c == '\v', c == '\f', c == 0x85, c == 0x2028, c == 0x2029:
			t.kind = aLine
		case unicode.IsSpace(c):
			i += size
			continue
		case c == '@' && !r.followsWord(i):
			for t.end < end && isNameByte(r.text[t.end]) {
				t.end++
			}
			if t.end > i+1 && r.endsName(t.end) {
				t.kind = aName
			}
		case isWordRune(c):
			for t.end < end {
				c, size := utf8.DecodeRuneInString(r.text[t.end:])
				if !isWordRune(c) {
					break
				}
				t.end += size
			}
			t.kind, t.from = aWord, len(r.plain)
			r.plain = append(r.plain, strings.Trim(unaccented(r.text[i:t.end]), "_")...)
			t.to = len(r.plain)
			r.looksPolish = r.looksPolish || strings.ContainsAny(r.text[i:t.end], "ąęłśżźćńĄĘŁŚŻŹĆŃ")
		case isDigitRune(c), c == '+' && i+1 < end && isDigit(r.text[i+1]):
			r.number(i, end)
			i = r.tokens[len(r.tokens)-1].end
			continue
		}
		r.tokens = append(r.tokens, t)
		i = t.end
	}
}

// followsWord tells whether a letter or a digit stands at once before a place.
func (r *reader) followsWord(at int) bool {
	c, _ := utf8.DecodeLastRuneInString(r.text[:at])
	return at > 0 && (isWordRune(c) || isDigitRune(c))
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || c == '_' || c == '.' || c == '-'
}

// endsName tells whether a name is whole where it ends: nothing of it was left out, and it does not go on.
func (r *reader) endsName(end int) bool {
	next, _ := utf8.DecodeRuneInString(r.text[end:])
	return !isWordRune(next) && next != '@' && next != '*' && !strings.HasSuffix(r.text[:end], "..")
}

// A number has six digits at least, and an account at a bank nineteen at most (canonicalBank); people write a few
// numbers in a row.
const (
	minDigits  = 6
	maxAccount = 19
	maxDigits  = 80
)

// number makes a token of digits in groups, with what people put between them; the token behind it is another number,
// if one follows at once.
func (r *reader) number(at, end int) {
	t := token{kind: aNumber, at: at, from: len(r.groups)}
	plus := r.text[at] == '+'
	count := 0
	for i := at; ; {
		if n := dateAt(r.text[i:end]); n > 0 {
			if i == at { // a date is no number
				r.tokens = append(r.tokens, token{kind: aSign, at: i, end: i + n})
				return
			}
			break
		}
		from := i
		if r.text[i] == '+' {
			i++
		}
		for i < end && isDigit(r.text[i]) && count < maxDigits {
			i++
			count++
		}
		r.groups = append(r.groups, [2]int{from, i})
		t.end = i
		if i == end || count >= maxDigits {
			break
		}
		next, gap, slash := i, 0, false
		if plus && len(r.groups)-t.from == 1 || count <= 3 {
			if rest := strings.TrimLeft(r.text[i:end], " ("); plus && strings.HasPrefix(rest, "0)") { // for calls within the country
				next = end - len(rest) + len("0)")
				if next < end && r.text[next] == ' ' {
					next++
				}
			}
		}
		for next < end && gap < 2 {
			c, size := utf8.DecodeRuneInString(r.text[next:])
			if unvisual(c) >= 0 {
				break
			}
			slash = slash || c == '/'
			next += size
			gap++
		}
		if next == end || !isDigit(r.text[next]) || next == i {
			break
		}
		follows := next
		for follows < end && isDigit(r.text[follows]) {
			follows++
		}
		listed := len(r.groups)-t.from == 1 && i-from <= 2 && gap == 2 && (r.startsLine(at) || r.isListed(at, i)) // "1. …"
		if whole := !(plus && count < 8); listed || whole && (slash || i-from >= minDigits && follows-next >= minDigits) ||
			strings.Contains(r.text[i:next], " ") && (i-from > 8 || count >= 8 && r.isElse(next, follows, end) || follows-next >= 8 && isSum(r.text[at:i])) {
			break
		}
		i = next
	}
	t.to = len(r.groups)
	r.tokens = append(r.tokens, t)
}

// isListed tells one or two digits at which a part of a list begins: 1) and 2. and 3-, but not (28).
func (r *reader) isListed(at, end int) bool {
	return r.text[at] != '0' && strings.IndexByte(").-", r.text[end]) >= 0 && r.text[end+1] == ' ' && (end-at == 1 || at == 0 || r.text[at-1] != '(')
}

// isElse tells whether digits behind a whole number are something else: the beginning of a part of a list, a time, a
// part of something, or a sum with points.
func (r *reader) isElse(at, to, end int) bool {
	if to-at <= 2 && to < end && strings.IndexByte("):/h", r.text[to]) >= 0 {
		return true
	}
	for to < end && (isDigit(r.text[to]) || r.text[to] == '.') {
		to++
	}
	return isSum(r.text[at:to])
}

// startsLine tells whether nothing stands before a place in its line.
func (r *reader) startsLine(at int) bool {
	before := strings.TrimRight(r.text[:at], " \t")
	return before == "" || strings.HasSuffix(before, "\n")
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
