package subject

//go:generate go run ../../scripts/platforms

import (
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/unicode/norm"
)

// What a platform's file of rules (platforms/*.rules, whose form is documented in package
// main of scripts/platforms) is compiled to. All of it is constant data.

// platform is one place where accounts live.
type platform struct {
	name  string
	kinds []kind
	forms []form
}

// kind is one sort of ids, or a part of one.
type kind struct {
	name     string
	prefix   string // of its subjects: "facebook:user/"; a part has none
	rule     rule
	parts    string            // the pattern of an id that is put together; rule is empty then
	open     string            // the template of an address that shows it
	says     [languages]string // what a person is told of it
	reserved string            // words that are no ids of this kind, sorted, each with a blank behind it
}

// rule brings an id into its one form.
type rule struct {
	shape    shape
	extra    string // characters besides letters and digits
	min, max int    // of the canonical form, in bytes
	drop     string // a character that does not count
	begins   string // what an id begins with
	flags    uint8
}

type shape uint8

const (
	handle   shape = iota // ASCII letters in lower case, and digits
	name                  // letters of any script in lower case, and digits
	code                  // ASCII letters as they are, and digits
	number                // digits without a leading zero
	hostname              // at least two labels in lower case
	phone                 // a telephone number with its country (E.164)
	vnphone               // the same, or a Vietnamese mobile number without
	anything              // an address, or what stands for a part of one
	linkCode              // of a short link: code, and a few signs more
)

const (
	startsWithLetter = 1 << iota
	notDigits
	notNumbered // not with a number of nine digits and more at its end, behind a dash
	hasDot
)

// A pattern is a text in which these bytes stand for something; a template likewise.
const (
	capture    = 1 // in front of the index of a kind, 0x80 added
	wild       = 2 // anything but nothing; in a template all of the id
	hostOfPage = 3 // without "www."
	siteOfPage = 4 // the part of the host that is registered
)

// form is one sort of address.
type form struct {
	group    uint8  // the hosts it is for
	also     bool   // a match does not end the search
	leads    bool   // out is not a subject but an address that the page leads to
	rest     bool   // the last segment is all that is left of the path
	path     string // the patterns of the first segments, with a slash behind each
	query    string // key=pattern, with "&" behind each
	fragment string // a pattern
	out      string // templates, each with a line end; none is for nobody
}

// hostRule is a host of a platform: the labels before its domain.
type hostRule struct {
	labels   string // with the dot behind them; empty for the domain itself
	wild     uint8  // what stands before the labels
	part     uint8  // of anyLabel
	platform uint8
	group    uint8
}

const (
	exactly  = iota
	locale   // xx-xx
	language // xx
	anyLabel // one label, which is captured
)

// firstBuiltin is the index of the first of the parts that every platform has.
const firstBuiltin = 0x70

var builtin = [...]kind{
	{name: "phone", prefix: "phone:", rule: rule{shape: phone, max: 20}},
	{name: "vnphone", prefix: "phone:", rule: rule{shape: vnphone, max: 20}},
	{name: "url", rule: rule{shape: anything, max: MaxHref}},
	{name: "rest", rule: rule{shape: anything, max: MaxHref}},
	{name: "proxied", rule: rule{shape: anything, max: MaxHref}},
	{name: "code", rule: rule{shape: linkCode, min: 1, max: 100}},
}

func (pf *platform) part(i uint8) *kind {
	if i >= firstBuiltin {
		return &builtin[i-firstBuiltin]
	}
	return &pf.kinds[i]
}

// domainRules are the hosts below a domain: hostRules[from:to].
type domainRules struct {
	domain   string
	from, to uint16
}

// hostsOf are the hosts of platforms below a domain.
func hostsOf(domain string) []hostRule {
	for slot := hashOf(domain); ; slot++ {
		i := domainAt[slot%uint32(len(domainAt))]
		if i == 0 {
			return nil
		}
		if d := &domains[i-1]; d.domain == domain {
			return hostRules[d.from:d.to]
		}
	}
}

func hashOf(domain string) uint32 {
	h := uint32(0)
	for i := range len(domain) {
		h = h*31 + uint32(domain[i])
	}
	return h
}

// domain is the part of a host below which names are registered: the last two labels, or
// three where the two are such as "com.vn".
func domain(host string) string {
	last := strings.LastIndexByte(host, '.')
	if last <= 0 {
		return host
	}
	second := strings.LastIndexByte(host[:last], '.')
	if second > 0 && len(host)-last == 3 {
		switch host[second+1 : last] {
		case "co", "com", "net", "org":
			second = strings.LastIndexByte(host[:second], '.')
		}
	}
	return host[second+1:]
}

// maxSegments is beyond what any platform's addresses have.
const maxSegments = 16

// visit is an address as a platform sees it.
type visit struct {
	host, domain string
	path         string // nothing escaped
	escaped      string // as it came
	query        string // as it came
	fragment     string
	label        string // of the host, if its rule takes one
	labelPart    uint8
	count        int // of segments
	segments     [maxSegments]string
}

func (v *visit) split() {
	v.count = 0
	path := strings.Trim(v.path, "/")
	for more := path != ""; more && v.count < maxSegments; v.count++ {
		if v.count == maxSegments-1 {
			v.segments[v.count] = path
			v.count++
			return
		}
		v.segments[v.count], path, more = strings.Cut(path, "/")
	}
}

// find finds the platform that a host belongs to, among the hosts below its domain, and which
// of its groups.
func (v *visit) find(rules []hostRule) (pf *platform, group uint8) {
	labels := v.host[:len(v.host)-len(v.domain)]
	for i := range rules {
		r := &rules[i]
		fits := r.wild == exactly && r.labels == labels
		if more := len(labels) - len(r.labels) - 1; r.wild != exactly && more > 0 && strings.HasSuffix(labels, r.labels) {
			label := labels[:more]
			switch r.wild {
			case locale:
				fits = len(label) == 5 && label[2] == '-' && lowercase(label[:2]) && lowercase(label[3:])
			case language:
				fits = len(label) == 2 && lowercase(label)
			case anyLabel:
				if fits = !strings.Contains(label, ".") && labels[more] == '.'; fits {
					v.label, v.labelPart = label, r.part
				}
			}
		}
		if fits {
			return &platforms[r.platform], r.group
		}
	}
	return nil, 0
}

func lowercase(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

// captures are what a pattern has taken, in their canonical form.
type captures struct {
	room  []byte
	parts [4]uint8
	from  [4]int
	to    [4]int
	n     int
}

func (c *captures) reset() { c.room, c.n = c.room[:0], 0 }

// matchValue matches the value of a parameter of a query.
func (c *captures) matchValue(pf *platform, pattern, value string) bool {
	if strings.IndexByte(value, '+') >= 0 {
		value = strings.ReplaceAll(value, "+", " ")
	}
	if len(pattern) == 2 && pattern[0] == capture && pf.part(pattern[1]&^0x80).rule.shape == anything {
		return c.take(pf, pattern[1]&^0x80, unescapeOnce(value)) // it is an address, in which more may be escaped
	}
	return c.match(pf, pattern, unescape(value))
}

// take captures a text as a part, if that part can be so.
func (c *captures) take(pf *platform, part uint8, text string) bool {
	if c.n == len(c.parts) {
		return false
	}
	at := len(c.room)
	room, ok := pf.part(part).canonical(c.room, text)
	if !ok {
		c.room = room[:at]
		return false
	}
	c.room = room
	c.parts[c.n], c.from[c.n], c.to[c.n] = part, at, len(room)
	c.n++
	return true
}

// get is what was captured last as a part.
func (c *captures) get(part uint8) []byte {
	for i := c.n - 1; i >= 0; i-- {
		if c.parts[i] == part {
			return c.room[c.from[i]:c.to[i]]
		}
	}
	return nil
}

// match matches all of a text. A literal is written in lower case and fits every case; in
// front of a literal a capture is as short as can be, and what is wild as long as can be.
func (c *captures) match(pf *platform, pattern, text string) bool {
	for pattern != "" {
		if pattern[0] > wild {
			n := literal(pattern)
			if len(text) < n || !sameWord(text[:n], pattern[:n]) {
				return false
			}
			pattern, text = pattern[n:], text[n:]
			continue
		}
		isWild, part := pattern[0] == wild, uint8(0)
		if pattern = pattern[1:]; !isWild {
			part, pattern = pattern[0]&^0x80, pattern[1:]
		}
		taken := text
		if n := literal(pattern); n > 0 {
			end := 0
			switch {
			case n == len(pattern):
				end = len(text) - n
			case isWild:
				end = strings.LastIndex(text, pattern[:n])
			default:
				end = strings.Index(text, pattern[:n])
			}
			if end < 0 || n == len(pattern) && !sameWord(text[end:], pattern) {
				return false
			}
			taken = text[:end]
		}
		if isWild && taken == "" || !isWild && !c.take(pf, part, taken) {
			return false
		}
		text = text[len(taken):]
	}
	return text == ""
}

// literal is the length of the literal that a pattern begins with.
func literal(pattern string) int {
	for i := range len(pattern) {
		if pattern[i] <= siteOfPage {
			return i
		}
	}
	return len(pattern)
}

// sameWord compares a text with a word in lower case.
func sameWord(text, word string) bool {
	if len(text) != len(word) {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// matchPath matches the beginning of the path.
func (c *captures) matchPath(pf *platform, f *form, v *visit) bool {
	patterns := f.path
	for i := 0; patterns != ""; i++ {
		if i == v.count {
			return false
		}
		var pattern string
		pattern, patterns, _ = strings.Cut(patterns, "/")
		text := v.segments[i]
		if f.rest && patterns == "" { // its slashes are its own
			text = strings.TrimLeft(v.escaped, "/")
			for range i {
				_, text, _ = strings.Cut(text, "/")
			}
		}
		if !c.match(pf, pattern, text) {
			return false
		}
	}
	return true
}

// param is the first and the last value of a parameter of a query, as it came: where there are
// several, some servers take the one and some the other.
func param(query, key string) (first, last string, n int) {
	for more := query != ""; more; {
		var pair string
		pair, query, more = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		if !sameWord(name, key) && (strings.IndexByte(name, '%') < 0 || !sameWord(unescape(name), key)) {
			continue
		}
		last = value
		if n == 0 {
			first = last
		}
		n++
	}
	return first, last, n
}

// accounts adds what an address of a platform names, the narrowest first, and returns where
// the page leads, if its address says so.
func (n *Named) readAccounts(rules []hostRule, v *visit) (target string) {
	pf, group := v.find(rules)
	if pf == nil {
		return ""
	}
	v.split()
	c := &n.captures
	first := byte(0) // of the path
	if v.count > 0 {
		if first = v.segments[0][0]; first >= 'A' && first <= 'Z' {
			first |= 0x20
		}
	}
	for i := range pf.forms {
		f := &pf.forms[i]
		if f.group != group || f.path != "" && f.path[0] != first && f.path[0] > wild {
			continue
		}
		c.reset()
		if v.label != "" && !c.take(pf, v.labelPart, v.label) {
			return ""
		}
		if !c.matchPath(pf, f, v) {
			continue
		}
		matched := false
		yield := func() {
			matched = true
			if to := n.yield(pf, f, v); target == "" {
				target = to
			}
		}
		switch {
		case f.fragment != "":
			part, _, _ := strings.Cut(v.fragment, "&")
			if c.match(pf, f.fragment, unescape(part)) {
				yield()
			}
		case f.query != "":
			room, count := len(c.room), c.n
			for patterns := f.query; patterns != ""; {
				var pair string
				pair, patterns, _ = strings.Cut(patterns, "&")
				key, pattern, _ := strings.Cut(pair, "=")
				first, last, times := param(v.query, key)
				if times > 0 && c.matchValue(pf, pattern, first) {
					yield()
				}
				if c.room, c.n = c.room[:room], count; times > 1 && last != first && c.matchValue(pf, pattern, last) {
					yield()
				}
				c.room, c.n = c.room[:room], count
			}
		default:
			yield()
		}
		if matched && !f.also && !f.leads { // what a page leads to must not hide whose it is
			return target
		}
	}
	return target
}

// yield adds what a form that has matched names, or returns where it leads.
func (n *Named) yield(pf *platform, f *form, v *visit) (target string) {
	if !f.leads {
		for out := f.out; out != ""; {
			var template string
			template, out, _ = strings.Cut(out, "\n")
			n.accountAt = len(n.accountText)
			n.accountText = n.captures.fill(n.accountText, template, v)
			n.end()
		}
		return ""
	}
	template := strings.TrimSuffix(f.out, "\n")
	if template == "" { // a proxy, which has the host in its own
		target = "https://" + unproxied(v.label) + "/" + strings.TrimLeft(v.escaped, "/")
	} else {
		target = string(n.captures.fill(nil, template, v))
	}
	if v.query != "" && f.query == "" {
		target += "?" + v.query
	}
	return target
}

// unproxied is the host that a translation proxy shows under one label: a dash stands for a
// dot, and two for a dash.
func unproxied(label string) string {
	const dash = "\x00"
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(label, "--", dash), "-", "."), dash, "-")
}

// fill appends a template, filled with what was captured.
func (c *captures) fill(dst []byte, template string, v *visit) []byte {
	for template != "" {
		if n := literal(template); n > 0 {
			dst, template = append(dst, template[:n]...), template[n:]
			continue
		}
		switch template[0] {
		case capture:
			dst, template = append(dst, c.get(template[1]&^0x80)...), template[1:]
		case hostOfPage:
			dst = append(dst, strings.TrimPrefix(v.host, "www.")...)
		case siteOfPage:
			dst = append(dst, v.domain...)
		}
		template = template[1:]
	}
	return dst
}

// end finishes the account that begins at accountAt, unless it is there already or one too many.
func (n *Named) end() {
	made := n.accountText[n.accountAt:]
	from := 0
	for i := range n.numAccounts {
		if string(n.accountText[from:n.accountEnd[i]]) == string(made) {
			n.accountText = n.accountText[:n.accountAt]
			return
		}
		from = n.accountEnd[i]
	}
	if n.numAccounts == maxAccounts {
		n.accountText = n.accountText[:n.accountAt]
		return
	}
	n.accountEnd[n.numAccounts] = len(n.accountText)
	n.numAccounts++
}

// canonical appends the one form of an id of this kind, and tells whether text is one.
func (k *kind) canonical(dst []byte, text string) ([]byte, bool) {
	r := &k.rule
	at := len(dst)
	switch r.shape {
	case anything:
		return append(dst, text...), text != "" && len(text) <= r.max
	case phone:
		return appendPhone(dst, text)
	case vnphone:
		return appendVietnamese(dst, text)
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

func (k *kind) isReserved(id []byte) bool {
	low, high := 0, len(k.reserved) // where words begin
	for low < high {
		at := (low + high) / 2
		for at > low && k.reserved[at-1] != ' ' {
			at--
		}
		end := at
		for k.reserved[end] != ' ' {
			end++
		}
		switch word := k.reserved[at:end]; {
		case string(id) == word:
			return true
		case string(id) > word:
			low = end + 1
		default:
			high = at
		}
	}
	return false
}

// view is a text that lives no longer than the bytes stay as they are.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// canonicalAccount tells whether a text is the canonical form of an account of a platform.
func canonicalAccount(text string) bool {
	pf, k, id := parseAccount(text)
	if k == nil {
		return false
	}
	return k.isCanonical(pf, id)
}

// parseAccount finds the kind of a subject, and its id.
func parseAccount(text string) (pf *platform, k *kind, id string) {
	name, rest, _ := strings.Cut(text, ":")
	label, id, ok := strings.Cut(rest, "/")
	if !ok {
		return nil, nil, ""
	}
	for i := range platforms {
		if pf := &platforms[i]; pf.name == name {
			for j := range pf.kinds {
				if k := &pf.kinds[j]; k.name == label && k.prefix != "" {
					return pf, k, id
				}
			}
		}
	}
	return nil, nil, ""
}

func (k *kind) isCanonical(pf *platform, id string) bool {
	if k.parts != "" {
		// The parts may be possible and the whole not: a host of another platform.
		var c captures
		var n Named
		return c.match(pf, k.parts, id) && string(c.fill(nil, k.parts, nil)) == id &&
			n.Read(shown(pf, k, k.open, id, escapedID)) == nil && n.Len() > 0 && string(n.Subject(0)) == k.prefix+id
	}
	got, ok := k.canonical(nil, id)
	return ok && string(got) == id
}

// isShortLink tells whether a text is the host and the path of a short link.
func isShortLink(text string) bool {
	var n Named
	return n.Read("https://"+text) == nil && n.numAccounts == 1 && string(n.accountText) == "short:"+text
}

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
