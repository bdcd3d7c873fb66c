package subject

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/unicode/norm"
)

// canonical appends the one form of an id of this kind, and tells whether text is one.
func (k *kind) canonical(dst []byte, text string) ([]byte, bool) {
	r := &k.rule
	at := len(dst)
	switch r.shape {
	case encoded64:
		return appendDecoded(dst, text)
	case dashed:
		text = unescapeOnce(strings.ReplaceAll(strings.ReplaceAll(text, "-", "%"), "_", "/"))
		return append(dst, text...), text != "" && len(text) <= r.max
	case anything:
		return append(dst, text...), text != "" && len(text) <= r.max
	case phone:
		return appendPhone(dst, text)
	case vnphone:
		return appendVietnamese(dst, text)
	case bin:
		id := binOf(text)
		return append(dst, id...), id != ""
	case bankAccount:
		text = strings.ToUpper(strings.TrimSpace(text))
		return append(dst, text...), canonicalBank("000000", text) != ""
	}
	if !isASCII(text) {
		if len(text) > 4*r.max {
			return dst, false
		}
		text = fold(text)
		if r.shape == code || r.shape == number || r.shape == linkCode {
			return dst, false // nobody made such an id
		}
	}
	if len(text) > 4*r.max {
		return dst, false
	}
	onlyDigits := true
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 'A' && c <= 'Z' && r.shape != code && r.shape != linkCode {
			c |= 0x20
		}
		digit := c >= '0' && c <= '9'
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		switch {
		case digit:
		case r.drop != "" && c == r.drop[0]:
			continue
		case r.shape == number:
			return dst, false
		case c >= utf8.RuneSelf:
			if r.shape != name {
				return dst, false
			}
			char, size := utf8.DecodeRuneInString(text[i:])
			if !unicode.IsLetter(char) && !unicode.IsMark(char) && !unicode.IsDigit(char) && !strings.ContainsRune(r.extra, char) {
				return dst, false
			}
			dst = append(dst, text[i:i+size]...)
			i += size - 1
			onlyDigits = false
			continue
		case letter:
			onlyDigits = false
		case strings.IndexByte(r.extra, c) >= 0:
			onlyDigits = false
		case r.shape == hostname && (c == '.' || c == '-'):
			onlyDigits = false
		case r.shape == linkCode && strings.IndexByte("-_.~+", c) >= 0:
			onlyDigits = false
		default:
			return dst, false
		}
		dst = append(dst, c)
	}
	id := dst[at:]
	if len(id) == 0 || len(id) < r.min || len(id) > r.max || !r.fits(id, onlyDigits) || k.isReserved(id) {
		return dst, false
	}
	return dst, true
}

// appendDecoded appends what stands in base64.
func appendDecoded(dst []byte, text string) ([]byte, bool) {
	if len(text) > 2*MaxHref {
		return dst, false
	}
	text = strings.TrimRight(strings.NewReplacer("+", "-", " ", "-", "/", "_").Replace(text), "=")
	decoded, err := base64.RawURLEncoding.AppendDecode(dst, []byte(text))
	if err != nil || len(decoded) == len(dst) || !utf8.Valid(decoded[len(dst):]) {
		return dst, false
	}
	return decoded, true
}

// fits tells whether an id is as the rule wants the whole of it.
func (r *rule) fits(id []byte, onlyDigits bool) bool {
	switch {
	case r.shape == number && id[0] == '0',
		r.begins != "" && !strings.HasPrefix(view(id), r.begins),
		r.flags&startsWithLetter != 0 && !(id[0] >= 'a' && id[0] <= 'z' || id[0] >= 'A' && id[0] <= 'Z'),
		r.flags&notDigits != 0 && onlyDigits,
		r.flags&hasDot != 0 && !strings.Contains(view(id), "."),
		r.flags&notNumbered != 0 && isNumbered(view(id)),
		r.shape == hostname && !isHostname(view(id)):
		return false
	}
	return id[0] != '.' || !onlyDots(id) // a browser would have taken that for a dot segment
}

func onlyDots(id []byte) bool {
	for _, c := range id {
		if c != '.' {
			return false
		}
	}
	return true
}

func isHostname(s string) bool {
	return strings.Contains(s, ".") && !strings.Contains(s, "..") && strings.Trim(s, ".-") == s
}

// isNumbered tells a name such as a-name-100000000000001.
func isNumbered(id string) bool {
	i := strings.LastIndexByte(id, '-')
	return i > 0 && len(id)-i-1 >= 9 && digits(id[i+1:]) && id[i+1] != '0'
}

func (k *kind) isReserved(id []byte) bool { return isWord(k.reserved, id) }

// isWord finds a word among words, which are sorted and have a blank behind each.
func isWord(words string, word []byte) bool {
	low, high := 0, len(words) // where words begin
	for low < high {
		at := (low + high) / 2
		for at > low && words[at-1] != ' ' {
			at--
		}
		end := at
		for words[end] != ' ' {
			end++
		}
		switch found := words[at:end]; {
		case string(word) == found:
			return true
		case string(word) > found:
			low = end + 1
		default:
			high = at
		}
	}
	return false
}

// view is a text that lives no longer than the bytes stay as they are.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// fold brings a name that may have letters of any script into one form: composed
// (Unicode NFC), lower-case, without characters that nobody sees (UAX #44
// Default_Ignorable_Code_Point, which zero-width and bidirectional marks are in).
func fold(name string) string {
	if isASCII(name) {
		return lowerASCII(name)
	}
	if !utf8.ValidString(name) {
		return "\x00"
	}
	return norm.NFC.String(strings.ToLower(norm.NFC.String(strings.Map(seen, name))))
}

// seen drops the characters that nobody sees.
func seen(r rune) rune {
	if unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
		return -1
	}
	return r
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// lowerASCII is strings.ToLower for what has ASCII letters only.
func lowerASCII(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}
