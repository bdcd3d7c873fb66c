package subject

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// platform is one place where accounts live. Each has a file of its own.
type platform struct {
	// is tells whether a host shows accounts of this platform.
	is func(host string) bool
	// accounts appends those that a page of such a host names, the narrowest first.
	accounts func(dst []Subject, v visit) []Subject
	// kinds are what it has, each with the rule that brings an id into its one form;
	// the empty string is no id.
	kinds map[string]func(id string) string
}

var platforms = map[string]*platform{
	"facebook":  &facebook,
	"instagram": &instagram,
	"threads":   &threads,
	"tiktok":    &tiktok,
	"youtube":   &youtube,
	"x":         &x,
	"telegram":  &telegram,
	"zalo":      &zalo,
}

// domains are the last two labels of every host that a platform may know.
var domains = map[string]*platform{
	"facebook.com": &facebook, "fb.com": &facebook, "m.me": &facebook, "messenger.com": &facebook,
	"instagram.com": &instagram, "instagr.am": &instagram,
	"threads.net": &threads, "threads.com": &threads,
	"tiktok.com":  &tiktok,
	"youtube.com": &youtube,
	"x.com":       &x, "twitter.com": &x,
	"t.me": &telegram, "telegram.me": &telegram, "telegram.dog": &telegram, "telegram.org": &telegram,
	"zalo.me": &zalo,
}

// domain is the last two labels of a host.
func domain(host string) string {
	if last := strings.LastIndexByte(host, '.'); last > 0 {
		return host[strings.LastIndexByte(host[:last], '.')+1:]
	}
	return host
}

// maxSegments is beyond what any platform's addresses have.
const maxSegments = 16

// visit is what a platform sees of a page.
type visit struct {
	host     string
	segment  []string // of the path, nothing escaped
	query    string
	fragment string
}

// at is a segment of the path, "" beyond its end.
func (v visit) at(i int) string {
	if i < len(v.segment) {
		return v.segment[i]
	}
	return ""
}

// word is a segment as reserved words are compared.
func (v visit) word(i int) string { return lowerASCII(v.at(i)) }

// param is the first and the last value of a query parameter: where there are several,
// some servers take the one and some the other.
func (v visit) param(name string) (first, last string) {
	for pair := range strings.SplitSeq(v.query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key != name && unescape(key) != name {
			continue
		}
		last = unescape(strings.ReplaceAll(value, "+", " "))
		if first == "" {
			first = last
		}
	}
	return first, last
}

// addParam appends what the values of a query parameter name.
func (v visit) addParam(dst []Subject, prefix, name string, rule func(string) string) []Subject {
	first, last := v.param(name)
	n := len(dst)
	dst = add(dst, prefix, first, rule)
	if dst = add(dst, prefix, last, rule); len(dst) == n+2 && dst[n] == dst[n+1] {
		dst = dst[:n+1]
	}
	return dst
}

// accounts are what the address names besides URL expressions, at most maxAccounts.
func (p *page) accounts() []Subject {
	if p.isIP {
		return nil
	}
	if pf := domains[domain(p.host)]; pf != nil && pf.is(p.host) {
		v := visit{host: p.host, query: p.rawQuery, fragment: p.fragment}
		if path := strings.Trim(p.raw, "/"); path != "" {
			v.segment = strings.SplitN(path, "/", maxSegments)
		}
		return pf.accounts(nil, v)
	}
	return nil
}

// add appends prefix and the id in the form that rule gives it, unless it has none.
func add(dst []Subject, prefix, id string, rule func(string) string) []Subject {
	if id = rule(id); id == "" {
		return dst
	}
	return append(dst, Subject(prefix+id))
}

func canonicalAccount(text string) bool {
	name, rest, _ := strings.Cut(text, ":")
	if name == "phone" {
		return rest != "" && phone(rest) == rest
	}
	kind, id, ok := strings.Cut(rest, "/")
	pf := platforms[name]
	if !ok || pf == nil || pf.kinds[kind] == nil {
		return false
	}
	return id != "" && pf.kinds[kind](id) == id
}

// maxID bounds an id in bytes.
const maxID = 256

// fold brings a name that may have letters of any script into one form: composed
// (Unicode NFC), lower-case, without characters that nobody sees (UAX #44
// Default_Ignorable_Code_Point, which zero-width and bidirectional marks are in).
func fold(name string) string {
	if isASCII(name) {
		return lowerASCII(name)
	}
	if len(name) > maxID*4 || !utf8.ValidString(name) {
		return ""
	}
	seen := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, name)
	return norm.NFC.String(strings.ToLower(norm.NFC.String(seen)))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
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

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	number = "0123456789"
)

// handle is a rule for names of ASCII letters, digits and what extra has, of min to max
// bytes; reserved words are no names.
func handle(extra string, min, max int, reserved map[string]bool) func(string) string {
	letters := lower + number + extra
	return func(id string) string {
		id = lowerASCII(stripUnseen(id))
		if len(id) < min || len(id) > max || reserved[id] || strings.Trim(id, letters) != "" {
			return ""
		}
		return id
	}
}

// stripUnseen removes characters that nobody sees from a name that should be ASCII.
func stripUnseen(s string) string {
	if isASCII(s) {
		return s
	}
	return fold(s)
}

// opaque is a rule for ids that a platform made: letters as they are, digits and what extra has.
func opaque(extra string, min, max int) func(string) string {
	letters := lower + strings.ToUpper(lower) + number + extra
	return func(id string) string {
		if len(id) < min || len(id) > max || strings.Trim(id, letters) != "" {
			return ""
		}
		return id
	}
}

// numeral is a rule for numbers without leading zeros, of min to max digits.
func numeral(min, max int) func(string) string {
	return func(id string) string {
		if len(id) < min || len(id) > max || !digits(id) || id[0] == '0' {
			return ""
		}
		return id
	}
}

// phone is a telephone number as "+" and 8 to 15 digits (ITU-T E.164 section 6.2), or "".
func phone(text string) string {
	rest, ok := strings.CutPrefix(text, "+")
	if !ok || len(rest) < 8 || len(rest) > 15 || !digits(rest) || rest[0] == '0' {
		return ""
	}
	return text
}

// words makes a set of the words in a text.
func words(text string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		m[w] = true
	}
	return m
}

// hosts is a rule for hosts: one of these names.
func hosts(list string) func(string) bool {
	m := words(list)
	return func(host string) bool { return m[host] }
}

// letters tells whether what is not ASCII in a folded name is letters, marks or digits.
func letters(name string) bool {
	if isASCII(name) {
		return true
	}
	for _, r := range name {
		if r >= 0x80 && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return true
}
