// Package official tells a page that passes itself off as somebody well known from the real one.
//
// A book holds who is well known, with their hosts and their names. A host that is not theirs is
// suspicious, never more than that, by the first of these rules that fits:
//
//	letters   its name is theirs in letters that look alike: faceb00k.example
//	ending    its name is theirs, of six letters and more (an office of a state: five), under another ending
//	inside    another name below it, or a word of one between dashes, is theirs: facebook.login.example
//	added     its name is theirs, of six letters and more, and nothing but words of bait,
//	          digits or two letters: vietcombanklogin.example
//	slip      its name is theirs, of eight letters and more, but for one letter, or of six and more, but for how
//	          often letters stand in a row; of a bank, of five and more beside "bank"
//
// "Its name" is the label in front of the ending. What looks alike is UTS #39's skeleton, further
// without the marks of Vietnamese and other Latin letters. The rules and how often they are wrong are in
// docs/official.md. What accounts on a platform pass themselves off as is in account.go.
package official

//go:generate sh -c "go run ../../scripts/confusables > confusables_gen.go.new && mv confusables_gen.go.new confusables_gen.go"

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// ErrFormat is a book that cannot be read.
var ErrFormat = errors.New("not a list of official names")

// Bounds on a book: entries, bytes of a line, and accounts of one entry.
const (
	MaxEntries  = 5_000
	maxLine     = 4096
	maxAccounts = 32
)

// Rule is why something is suspicious.
type Rule string

// The rules, in the order in which they are tried.
const (
	Letters Rule = "letters"
	Ending  Rule = "ending"
	Inside  Rule = "inside"
	Added   Rule = "added"
	Slip    Rule = "slip"
	Named   Rule = "named"
	Account Rule = "account"
)

// Resemblance is what something resembles.
type Resemblance struct {
	Official string // the host of the real one, or its first account if it has no host
	Account  string // its account on the platform of the other one, or its first; empty unless the rule is Account or it has no host
	Name     string // what it is called, if the book says so
	Rule     Rule
}

// entity is somebody well known.
type entity struct {
	host     string   // the first of the hosts; empty for somebody who has none
	hosts    []string // all of them, those under every country's ending without it
	names    []string // the first is what it is called
	accounts []string
	more     []string // the platforms on which they may have more accounts than these
	country  string
	labels   []label   // the names in the hosts
	words    []spelled // the names
}

func (e *entity) name() string {
	if len(e.names) == 0 {
		return ""
	}
	return e.names[0]
}

// resembled is what somebody else resembles by a rule.
func (e *entity) resembled(rule Rule) Resemblance {
	if e.host == "" {
		return Resemblance{Official: e.accounts[0], Account: e.accounts[0], Name: e.name(), Rule: rule}
	}
	return Resemblance{Official: e.host, Name: e.name(), Rule: rule}
}

// label is the part of a host by which people know whose it is.
type label struct{ text, skel, once string }

// Book is a list of who is well known. It never changes and is safe for concurrent use.
type Book struct {
	entities []entity
	hosts    map[string]int // official ones, with whose they are; what is below is official too
	endings  map[string]int // the part of a host that is official under every country's ending
	accounts map[string]int
	looks    func() map[string]known // by skeleton: made when it is needed first, with the labels and words
}

// known is whose label it is.
type known struct {
	entity int
	text   string
}

// Read reads a book: a line for each of who is well known, of up to four parts with "|" between,
//
//	hosts | names | accounts | country
//
// The hosts stand first, the one that people know before the others; a host such as "google.*" is
// official under the ending of every country, and com, net and org. Between names stands ";", and the first is what it is called. Accounts are
// canonical subjects such as "facebook:user/NAME"; who has any on a platform has all of them there, unless a "+" behind
// one says that there may be more. Who has no host, such as a person, has a name and an account. The country is
// ISO 3166-1 alpha-2, or missing. What follows "#" is for people. The error is ErrFormat.
func Read(r io.Reader) (*Book, error) {
	b := &Book{hosts: map[string]int{}, endings: map[string]int{}, accounts: map[string]int{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, maxLine), maxLine)
	for n := 1; lines.Scan(); n++ {
		e, err := entry(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("%w: line %d %w", ErrFormat, n, err)
		}
		if e == nil {
			continue
		}
		if len(b.entities) == MaxEntries {
			return nil, fmt.Errorf("%w: more than %d entries", ErrFormat, MaxEntries)
		}
		for i, host := range e.hosts {
			if name, every := strings.CutSuffix(host, ".*"); every {
				b.endings[name], e.hosts[i] = len(b.entities), name
			} else {
				b.hosts[host] = len(b.entities)
			}
		}
		for _, account := range e.accounts {
			b.accounts[account] = len(b.entities)
		}
		b.entities = append(b.entities, *e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	b.looks = sync.OnceValue(b.look)
	return b, nil
}

// entry reads a line; nil if there is nothing for us in it.
func entry(line string) (*entity, error) {
	text, _, _ := strings.Cut(line, "#")
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	parts := strings.Split(text, "|")
	if len(parts) > 4 {
		return nil, errors.New("has more than four parts")
	}
	parts = append(parts, "", "", "")
	e := &entity{hosts: strings.Fields(parts[0]), accounts: strings.Fields(parts[2]), country: strings.TrimSpace(parts[3])}
	for _, host := range e.hosts {
		if name, every := strings.CutSuffix(host, ".*"); !isHost(host) && (!every || !isHost(name+".com")) {
			return nil, errors.New("has something else for a host: " + host)
		}
	}
	if len(e.hosts) > 0 {
		e.host = e.hosts[0]
	}
	for name := range strings.SplitSeq(parts[1], ";") {
		if name = strings.TrimSpace(name); name != "" {
			e.names = append(e.names, name)
		}
	}
	if len(e.accounts) > maxAccounts {
		return nil, errors.New("has too many accounts")
	}
	for i, account := range e.accounts {
		account, more := strings.CutSuffix(account, "+")
		platform, id, ok := strings.Cut(account, ":")
		if !ok || platform == "" || !strings.Contains(id, "/") {
			return nil, errors.New("has something else for an account: " + account)
		}
		if e.accounts[i] = account; more {
			e.more = append(e.more, platform)
		}
	}
	if e.host == "" && (len(e.names) == 0 || len(e.accounts) == 0) {
		return nil, errors.New("has no host, nor a name and an account")
	}
	if c := e.country; c != "" && (len(c) != 2 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		return nil, errors.New("has something else for a country: " + c)
	}
	return e, nil
}

// Who is whom a line of a book is about: the first host, or account of somebody who has none.
func Who(line string) string {
	for i, part := range strings.Split(line, "|") {
		if words := strings.Fields(part); i%2 == 0 && len(words) > 0 {
			return strings.TrimSuffix(words[0], "+")
		}
	}
	return ""
}

// look finds what everybody in the book looks like.
func (b *Book) look() map[string]known {
	bySkel := map[string]known{}
	for n := range b.entities {
		e := &b.entities[n]
		for i, host := range e.hosts {
			name := host
			if strings.Contains(host, ".") {
				name, _ = nameIn(host)
			}
			// Further hosts may have names that are everybody's words.
			if l := labelOf(name); (i == 0 || len(name) >= 8) && !slices.Contains(e.labels, l) {
				e.labels = append(e.labels, l)
			}
		}
		for _, name := range e.names {
			e.words = append(e.words, spell(name))
		}
		for _, l := range e.labels {
			if _, taken := bySkel[l.skel]; !taken && len(l.text) >= 3 {
				bySkel[l.skel] = known{n, l.text}
			}
		}
	}
	return bySkel
}

// Accounts are all official accounts, in no order.
func (b *Book) Accounts() iter.Seq[string] { return maps.Keys(b.accounts) }

func isHost(text string) bool {
	return strings.Contains(text, ".") && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

// Len is the number of entries.
func (b *Book) Len() int { return len(b.entities) }

// Owner tells whose page a host is that is in the book itself, with "www." or without: the name, or
// where the book has none the host that people know. What is below may be shown for others: a bucket
// below amazonaws.com is not Amazon's.
func (b *Book) Owner(host string) (name string, ok bool) {
	i, ok := b.hosts[strings.TrimPrefix(host, "www.")]
	if !ok {
		return "", false
	}
	return b.called(i), true
}

func (b *Book) called(i int) string {
	if name := b.entities[i].name(); name != "" {
		return name
	}
	return b.entities[i].host
}

// IsOfficial tells whether a host is in the book, or below one that is: it resembles nobody.
func (b *Book) IsOfficial(host string) bool {
	for at := host; at != ""; {
		if _, ok := b.hosts[at]; ok {
			return true
		}
		_, at, _ = strings.Cut(at, ".")
	}
	name, _ := nameIn(host)
	_, ok := b.endings[name]
	return ok && isCountry(host[strings.LastIndexByte(host, '.')+1:])
}

// isCountry tells whether an ending is that of a country, or com, net or org. Those that anybody has for nothing, and are
// hardly used by anybody else, are not.
func isCountry(ending string) bool {
	switch ending {
	case "com", "net", "org":
		return true
	case "cc", "cf", "ga", "gq", "ml", "pw", "tk", "ws":
		return false
	}
	return len(ending) == 2
}

// isOffice tells whether a host is below an ending that a state gives to its own offices alone, of which each may have a
// page by the name of a service of all: dichvucong.hanoi.gov.vn.
func isOffice(host string) bool {
	labels := strings.Split(host, ".")
	last := len(labels) - 1
	if labels[last] == "gov" || labels[last] == "mil" {
		return last > 0
	}
	if last < 2 || !isCountry(labels[last]) {
		return false
	}
	switch ending := labels[last-1] + "." + labels[last]; ending {
	case "gouv.fr", "go.jp", "go.kr", "go.th", "go.id", "govt.nz", "gc.ca", "gub.uy":
		return true
	default:
		return labels[last-1] == "gov" || labels[last-1] == "gob"
	}
}

// Host tells whom a host resembles, in the form that a browser gives it. One that is official, or of an office of a state,
// resembles nobody.
func (b *Book) Host(host string) (Resemblance, bool) {
	if b.IsOfficial(host) || isOffice(host) {
		return Resemblance{}, false
	}
	looks := b.looks()
	name, below := nameIn(host)
	seen := decoded(name)
	skel := Skeleton(seen)
	found := func(i int, rule Rule) (Resemblance, bool) {
		return b.entities[i].resembled(rule), true
	}
	if k, ok := looks[skel]; ok {
		switch {
		case k.text != seen && len(k.text) >= 4:
			return found(k.entity, Letters)
		case k.text == seen && (len(k.text) >= 6 || len(k.text) == 5 && isOffice(b.entities[k.entity].host)):
			return found(k.entity, Ending)
		}
	}
	for part := range strings.SplitSeq(below, ".") {
		if i, ok := b.inside(decoded(part), 4); ok {
			return found(i, Inside)
		}
	}
	if strings.Contains(seen, "-") {
		if i, ok := b.inside(seen, 4); ok {
			return found(i, Inside)
		}
	}
	if i, ok := b.added(skel); ok {
		return found(i, Added)
	}
	single := once(skel)
	for i := range b.entities {
		for _, l := range b.entities[i].labels {
			if l.isSlipped(skel, single) {
				return found(i, Slip)
			}
		}
	}
	return Resemblance{}, false
}

// inside looks for a name of at least min letters among the words of a label.
func (b *Book) inside(label string, min int) (int, bool) {
	for word := range strings.SplitSeq(label, "-") {
		if k, ok := b.looks()[Skeleton(word)]; ok && len(k.text) >= min {
			return k.entity, true
		}
	}
	return 0, false
}

// added looks for a name of six letters and more with nothing but bait, digits and two letters more
// around it, and for one of four and five with nothing but bait and digits.
func (b *Book) added(skel string) (int, bool) {
	for i := range b.entities {
		for _, l := range b.entities[i].labels {
			if len(l.text) < 4 || len(skel) <= len(l.skel) {
				continue
			}
			before, after, ok := strings.Cut(skel, l.skel)
			if ok && isBait(before) && (isBait(after) || len(l.text) >= 6 && len(strings.Trim(after, digits)) <= 2) {
				return i, true
			}
		}
	}
	return 0, false
}

// bait are words that are put before and behind a name; their skeletons.
var bait = skeletons(`
		login signin secure security verify account accounts update support help service services center online web
		app apps pay payment bank banking ebank digibank digi card cards wallet bonus gift gifts promo sale shop store mall
		vn viet vietnam asia vip pro plus my the new official team event reward rewards win lucky
		dangnhap xacthuc xacminh hotro cskh chamsockhachhang khuyenmai trian uudai quatang tangqua nhanqua quayso
		the trung tam trungtam chinhthuc business membership member user nap napthe mua ban free thetindung tindung vay vayvon vayonline nganhang taikhoan caidat nangcap mo rut tien ruttien km sukien
		page fanpage verified 24h khachhang tongdai hotline helpdesk giveaway airdrop claim refund hoantien laylaitien thuhoivon kichhoat mokhoa
		tuyenctv ctv tuyencongtacvien congtacvien nhiemvu quocgia xakho thanhlykho thanhly trungthuong nhanthuong phatqua`)

func skeletons(words string) map[string]bool {
	m := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		m[Skeleton(word)] = true
	}
	return m
}

// maxWord is how long the skeleton of a word of bait is at most.
const maxWord = 18

// digits are those of a skeleton, in which some are letters.
const digits = "-0123456789ol"

// isBait tells whether a skeleton is nothing but words of bait and digits.
func isBait(text string) bool { return isMadeOf(text, bait) }

// isMadeOf tells whether a skeleton is nothing but some words and digits, with nothing between them.
func isMadeOf(text string, words map[string]bool) bool {
	if text == "" || words[text] {
		return true
	}
	if len(text) > 40 {
		return false
	}
	// ends[i]: the first i bytes are words and digits.
	var ends [41]bool
	ends[0] = true
	for i := range len(text) {
		if !ends[i] {
			continue
		}
		if strings.IndexByte(digits, text[i]) >= 0 {
			ends[i+1] = true
		}
		for j := i + 2; j <= len(text) && j <= i+maxWord; j++ {
			if words[text[i:j]] {
				ends[j] = true
			}
		}
	}
	return ends[len(text)]
}

// Name tells whom the name of a page resembles that is shown at a host: it is a name of the book, with
// words of bait or without, and the host is not theirs. Of somebody without a host others may well have a page; there,
// words that promise something, or letters that only look like those of the name, must be in it.
func (b *Book) Name(name, host string) (Resemblance, bool) {
	if b.IsOfficial(host) || isOffice(host) {
		return Resemblance{}, false
	}
	for _, how := range b.claims(name) {
		if e := &b.entities[how.entity]; e.host != "" || how.isBold(name) {
			return e.resembled(Named), true
		}
	}
	return Resemblance{}, false
}

// claims are those whose name is a text, with nothing but words of bait before and behind it. What stands between
// words and letters doesn't count, but a short name must be a word of its own.
func (b *Book) claims(name string) (found []claim) {
	b.looks()
	text, edges := joined(name)
	for i := range b.entities {
		for n, words := range b.entities[i].words {
			for at := 0; len(words.skel) >= 4 && at < len(text); at++ {
				next := strings.Index(text[at:], words.skel)
				if next < 0 {
					break
				}
				at += next
				end := at + len(words.skel)
				begins, ends := slices.Contains(edges, at), slices.Contains(edges, end)
				switch {
				case words.short && !(begins && ends), !begins && isLetters(text[:at]), !ends && isLetters(text[end:]), !isBait(text[:at]), !isBait(text[end:]):
					continue
				}
				found = append(found, claim{i, b.entities[i].names[n], words.short, text[:at], text[end:]})
				break
			}
		}
	}
	return found
}

// isLetters tells whether digits of a skeleton are letters: the O of OTP Bank.
func isLetters(skel string) bool { return strings.Trim(skel, "ol") == "" }

// claim is how a text claims a name.
type claim struct {
	entity        int
	name          string
	short         bool   // the name is
	before, after string // skeletons
}

// spelled is a name, as joined gives it.
type spelled struct {
	skel  string
	short bool // less than six letters: there are others of that name
}

func spell(name string) spelled {
	skel, _ := joined(name)
	return spelled{skel, len(plain(name)) < 6}
}

// joined is the skeleton of a text without what stands between its words, and where words begin and end in it. That
// a bank is a company on shares (TMCP) is left out of its name as often as not.
func joined(text string) (skel string, edges []int) {
	var b strings.Builder
	edges = append(edges, 0)
	for _, word := range strings.FieldsFunc(Skeleton(text), between) {
		if word != "trncp" {
			b.WriteString(word)
			edges = append(edges, b.Len())
		}
	}
	return b.String(), edges
}

// between tells what stands between words.
func between(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// Skeleton is what a text looks like: two texts that look alike have the same (UTS #39 section 4,
// for what looks like ASCII; without marks, and in lower case).
func Skeleton(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(norm.NFKC.String(text))) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == 'đ':
			b.WriteByte('d')
		case r == '0':
			b.WriteByte('o')
		case r == '1':
			b.WriteByte('l')
		case r < 0x80:
			b.WriteRune(r)
		case unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		default:
			b.WriteString(lookalike(r))
		}
	}
	return strings.ReplaceAll(b.String(), "m", "rn")
}

func lookalike(r rune) string {
	for _, l := range lookalikes {
		if strings.ContainsRune(l.letters, r) {
			return l.looks
		}
	}
	return string(r)
}

// nameIn is the label of a host in front of its ending, and what stands below it.
func nameIn(host string) (name, below string) {
	labels := strings.Split(host, ".")
	n := len(labels)
	if n < 2 {
		return host, ""
	}
	at := n - 2
	if n > 2 && len(labels[n-1]) == 2 {
		switch labels[n-2] {
		case "co", "com", "net", "org", "gov", "edu", "ac", "or", "ne", "go", "info", "biz", "name", "id", "web", "in":
			at--
		}
	}
	return labels[at], strings.Join(labels[:at], ".")
}

func labelOf(name string) label {
	skel := Skeleton(name)
	return label{name, skel, once(skel)}
}

// isSlipped tells whether a skeleton is that of the label but for a slip; single is what once makes of it.
func (l *label) isSlipped(skel, single string) bool {
	if len(strings.Trim(strings.ReplaceAll(l.text, "bank", ""), "-")) <= 4 {
		return false
	}
	return len(l.text) >= 8 && oneSlip(skel, l.skel) || len(l.text) >= 6 && single == l.once
}

// once is a skeleton in which each letter stands once where it stands several times in a row: gooogle and google have
// the same.
func once(skel string) string {
	return string(slices.Compact([]byte(strings.ReplaceAll(skel, "rn", "m"))))
}

// oneSlip tells whether one letter is wrong, missing, too many or two are swapped.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// decoded is a label as people see it (RFC 3492 section 6.2); one that is not encoded, or wrongly, is
// as it was.
func decoded(label string) string {
	code, ok := strings.CutPrefix(label, "xn--")
	if !ok || len(code) > 63 {
		return label
	}
	const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
	var out []rune
	if i := strings.LastIndexByte(code, '-'); i >= 0 {
		out, code = []rune(code[:i]), code[i+1:]
	}
	n, i, bias := 0x80, 0, 72
	for code != "" {
		before, w := i, 1
		for k := base; ; k += base {
			if code == "" {
				return label
			}
			d := strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789", code[0])
			code = code[1:]
			if d < 0 || i > 1<<31 || w > 1<<31 { // beyond any character
				return label
			}
			i += d * w
			t := min(max(k-bias, tmin), tmax)
			if d < t {
				break
			}
			w *= base - t
		}
		count := len(out) + 1
		delta := (i - before) / 2
		if before == 0 {
			delta = i / damp
		}
		delta += delta / count
		k := 0
		for ; delta > (base-tmin)*tmax/2; k += base {
			delta /= base - tmin
		}
		bias = k + (base-tmin+1)*delta/(delta+skew)
		n += i / count
		i %= count
		if n > unicode.MaxRune {
			return label
		}
		out = append(out[:i], append([]rune{rune(n)}, out[i:]...)...)
		i++
	}
	return string(out)
}
