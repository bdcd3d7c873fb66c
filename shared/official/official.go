// Package official tells a page that passes itself off as somebody well known from the real one.
//
// A book holds who is well known, with their hosts and their names. A host that is not theirs is
// suspicious, never more than that, by the first of these rules that fits:
//
//	letters   its name is theirs in letters that look alike: faceb00k.example
//	ending    its name is theirs, of six letters and more (an office of a state: five), under another ending
//	inside    another name below it, or a word of one between dashes, is theirs, or a whole host: facebook.login.example
//	added     its name is theirs, of six letters and more, and nothing but words of bait,
//	          digits or two letters: vietcombanklogin.example; of three, beside words of parcels
//	part      its name, or one below it, has theirs in it, of eight letters and more, or a coined one of six
//	slip      its name is theirs, of eight letters and more, but for one letter, of twelve but for two, or of six and more, but
//	          for dashes or how often letters stand in a row; of a bank, of five and more beside "bank"
//
// "Its name" is the label in front of the ending, and in front of a host below which anybody has a name. What looks
// alike is UTS #39's skeleton, further without the marks of Vietnamese and other Latin letters; in hosts i, l and 1 are
// the same, and vv and w. The rules and how often they are wrong are in docs/official.md, and in host.go. What accounts
// on a platform pass themselves off as is in account.go.
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
	Piece   Rule = "part"
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
	words    []spelled // the names
	everyday bool      // the name is everybody's word, too
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

// Book is a list of who is well known. It never changes and is safe for concurrent use.
type Book struct {
	entities []entity
	hosts    map[string]int // official ones, with whose they are; what is below is official too
	endings  map[string]int // the part of a host that is official under every country's ending
	accounts map[string]int
	marked   map[Mark]map[string]bool
	looks    func() *looks // made when it is needed first, with the words
}

// Read reads a book: a line for each of who is well known, of up to four parts with "|" between,
//
//	hosts | names | accounts | country
//
// The hosts stand first, the one that people know before the others; a host such as "google.*" is official under the
// ending of every country, and com, net and org. Between names stands ";", and the first is what it is called. Accounts
// are canonical subjects such as "facebook:user/NAME"; who has any on a platform has all of them there, unless a "+"
// behind one says that there may be more. Who has no host, such as a person, has a name and an account. The country is
// ISO 3166-1 alpha-2, or missing. Behind "#!everyday" such a line is of somebody whose name is everybody's word: it
// counts beside words of bills and payments (Dues) alone. What follows "#" is for people, but for lines with a Mark.
// The error is ErrFormat.
func Read(r io.Reader) (*Book, error) {
	b := &Book{hosts: map[string]int{}, endings: map[string]int{}, accounts: map[string]int{}, marked: map[Mark]map[string]bool{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, maxLine), maxLine)
	for n := 1; lines.Scan(); n++ {
		e, err := entry(lines.Text())
		if whose, ok := strings.CutPrefix(lines.Text(), markSign+everyday+" "); ok {
			if e, err = entry(whose); e != nil {
				e.everyday = true
			}
		} else if IsMark(lines.Text()) {
			err = b.mark(lines.Text())
		}
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

// Mark is what words have in common that stand on a line behind it, such as "#!known a.example b.example".
type Mark string

// The marks. What stands on a line with another one is passed over.
const (
	Coined Mark = "coined" // names of six and seven letters that are in nothing else: they count anywhere in a label, as all of eight do
	Famous Mark = "famous" // names of six and seven letters in which one slip counts, of three that count beside parcels, of further hosts, and of who has none of that name
	Common Mark = "common" // words in which, and names for which, nobody's name counts
	Bait   Mark = "bait"   // words that are put before and behind a name, besides those that are here
	Parcel Mark = "parcel" // those of them that are put beside the name of a carrier
	Dues   Mark = "dues"   // those of them that are of bills and payments
	Shared Mark = "shared" // hosts, or endings, below which anybody has a name at once
	Known  Mark = "known"  // hosts that are well known by themselves, with all below them
)

const (
	markSign = "#!"
	everyday = "everyday"
)

// IsMark tells whether a line of a book has a mark and words. To a reader that knows no marks it is for people.
func IsMark(line string) bool { return strings.HasPrefix(line, markSign) }

// MarkLines are the lines of a book that give words a mark.
func MarkLines(mark Mark, words []string) string {
	var b strings.Builder
	for at := -maxLine; len(words) > 0; words = words[1:] {
		if b.Len()-at+len(words[0]) > maxLine-64 {
			at = b.Len()
			b.WriteString("\n" + markSign + string(mark))
		}
		b.WriteString(" " + words[0])
	}
	return strings.TrimPrefix(b.String(), "\n") + "\n"
}

// mark reads a line with a mark.
func (b *Book) mark(line string) error {
	mark, text, _ := strings.Cut(strings.TrimPrefix(line, markSign), " ")
	switch Mark(mark) {
	case Coined, Famous, Common, Bait, Parcel, Dues, Shared, Known:
	default:
		return nil
	}
	words := b.marked[Mark(mark)]
	if words == nil {
		words = map[string]bool{}
		b.marked[Mark(mark)] = words
	}
	for word := range strings.FieldsSeq(text) {
		if strings.Trim(word, hostLetters) != "" || strings.Contains(word, ".") != (Mark(mark) == Shared || Mark(mark) == Known) {
			return errors.New("has something else for a word or a host: " + word)
		}
		words[word] = true
	}
	return nil
}

// Who is whom a line of a book is about: the first host, or account of somebody who has none.
func Who(line string) string {
	line = strings.TrimPrefix(line, markSign+everyday)
	for i, part := range strings.Split(line, "|") {
		if words := strings.Fields(part); i%2 == 0 && len(words) > 0 {
			return strings.TrimSuffix(words[0], "+")
		}
	}
	return ""
}

// Hosts are all official hosts, in no order; one that is official under the ending of every country is "google.*".
func (b *Book) Hosts() iter.Seq[string] {
	return func(yield func(string) bool) {
		for host := range b.hosts {
			if !yield(host) {
				return
			}
		}
		for name := range b.endings {
			if !yield(name + ".*") {
				return
			}
		}
	}
}

// Accounts are all official accounts, in no order.
func (b *Book) Accounts() iter.Seq[string] { return maps.Keys(b.accounts) }

func isHost(text string) bool {
	return strings.Contains(text, ".") && strings.Trim(text, hostLetters) == ""
}

const hostLetters = "abcdefghijklmnopqrstuvwxyz0123456789.-"

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

// IsKnown tells whether a host, or one that it is below, is well known by itself: it resembles nobody, whatever its
// name.
func (b *Book) IsKnown(host string) bool {
	for at := host; at != ""; {
		if b.marked[Known][at] {
			return true
		}
		_, at, _ = strings.Cut(at, ".")
	}
	return false
}

// isCountry tells whether an ending is that of a country, or com, net or org. Those that anybody has for nothing, and
// are hardly used by anybody else, are not.
func isCountry(ending string) bool {
	switch ending {
	case "com", "net", "org":
		return true
	case "cc", "cf", "ga", "gq", "ml", "pw", "tk", "ws":
		return false
	}
	return len(ending) == 2
}

// isOffice tells whether a host is below an ending that a state gives to its own offices alone, of which each may have
// a page by the name of a service of all: dichvucong.hanoi.gov.vn.
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
				case words.short && !(begins && ends), !begins && isLetters(text[:at]), !ends && isLetters(text[end:]), !isPromise(text[:at]), !isPromise(text[end:]):
					continue
				}
				found = append(found, claim{i, b.entities[i].names[n], words.short, text[:at], text[end:]})
				break
			}
		}
	}
	return found
}

// promises are the skeletons of bait.
var promises = sync.OnceValue(func() []map[string]bool { return []map[string]bool{skeletons(bait)} })

// isPromise tells whether a skeleton is nothing but words of bait and digits.
func isPromise(text string) bool { return isMadeOf(text, skelDigits, promises()) }

func skeletons(words string) map[string]bool {
	m := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		m[Skeleton(word)] = true
	}
	return m
}

// skelDigits are those of a skeleton, in which some are letters.
const skelDigits = digits + "ol"

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
