package official

import (
	"math/bits"
	"slices"
	"strings"
	"unicode"
)

// maxHost is how long the name of a host is at most (RFC 1035 section 2.3.4, without the last dot).
const maxHost = 253

// label is the part of a host by which people know whose it is.
type label struct {
	entity  int
	text    string
	look    string   // what it looks like
	once    string   // what once makes of that
	has     uint64   // the letters in look
	coined  bool     // those letters are in nothing else, but in holders
	famous  bool     // the book says so
	common  bool     // it is everybody's word
	bank    bool     // it has less than five letters beside "bank"
	holders []string // everyday words that have it in them, as they look
}

// looks is what everybody in a book looks like.
type looks struct {
	labels []label
	exact  map[string]int   // by look; whoever stands first in the book
	begins map[string][]int // by the first letters of look, and of text
	common map[string]bool  // everyday words, as they look
}

// letters is how many of its first letters a label is found by.
const letters = 3

// look finds what everybody in the book looks like.
func (b *Book) look() *looks {
	k := &looks{exact: map[string]int{}, begins: map[string][]int{}, common: map[string]bool{}}
	for word := range b.marked[Common] {
		k.common[look(word)] = true
	}
	for n := range b.entities {
		e := &b.entities[n]
		if e.everyday {
			name, _ := nameIn(e.host)
			k.add(label{entity: n, text: name, look: look(name), common: true})
			e.words = make([]spelled, len(e.names)) // a page may be called so
			continue
		}
		first := len(k.labels)
		for i, host := range e.hosts {
			name := host
			if strings.Contains(host, ".") {
				name, _ = nameIn(host)
			}
			// Further hosts may have names that are everybody's words, or one that counts anywhere and something more.
			if len(name) < letters || i > 0 && len(name) < 8 && !b.marked[Famous][name] ||
				slices.ContainsFunc(k.labels[first:], func(l label) bool { return l.text == name || l.coined && strings.Contains(name, l.text) }) {
				continue
			}
			k.add(label{entity: n, text: name, look: look(name), coined: len(name) >= 8 || b.marked[Coined][name], famous: b.marked[Famous][name]})
		}
		for _, name := range e.names {
			e.words = append(e.words, spell(name))
			// A famous name counts though no host of theirs has it: "pko" of pkobp.pl.
			name = strings.ToLower(strings.ReplaceAll(name, " ", ""))
			if b.marked[Famous][name] && !slices.ContainsFunc(k.labels[first:], func(l label) bool { return l.text == name }) {
				k.add(label{entity: n, text: name, look: look(name), coined: len(name) >= 8, famous: true})
			}
		}
	}
	return k
}

func (k *looks) add(l label) {
	l.once, l.has = once(l.look), lettersIn(l.look)
	l.bank = len(strings.Trim(strings.ReplaceAll(l.text, "bank", ""), "-")) <= 4
	for word := range k.common {
		if strings.Contains(word, l.look) {
			l.holders = append(l.holders, word)
		}
	}
	n := len(k.labels)
	k.labels = append(k.labels, l)
	if _, taken := k.exact[l.look]; !taken && !l.common {
		k.exact[l.look] = n
	}
	for _, spelling := range [...]string{l.look, l.text} {
		if at := spelling[:min(letters, len(spelling))]; !slices.Contains(k.begins[at], n) {
			k.begins[at] = append(k.begins[at], n)
		}
	}
}

// Host tells whom a host resembles, in the form that a browser gives it. One that is official, well known by itself, or
// of an office of a state, resembles nobody.
func (b *Book) Host(host string) (Resemblance, bool) {
	if len(host) > maxHost || b.IsOfficial(host) || b.IsKnown(host) || isOffice(host) {
		return Resemblance{}, false
	}
	i, rule := b.resembled(host)
	if rule == "" {
		return Resemblance{}, false
	}
	return b.entities[i].resembled(rule), true
}

// resembled is whom a host resembles by the first rule that fits; by none if it is empty.
func (b *Book) resembled(host string) (entity int, rule Rule) {
	k := b.looks()
	name, below := b.shownBy(host)
	seen := decoded(name)
	if l := k.like(seen); l != nil {
		switch {
		case l.text != seen:
			return l.entity, Letters
		case len(seen) >= 6 || len(seen) == 5 && isOffice(b.entities[l.entity].host):
			return l.entity, Ending
		}
	}
	parts := strings.Split(below, ".")
	for i, part := range parts {
		parts[i] = decoded(part)
	}
	if strings.Contains(seen, "-") {
		parts = append(parts, seen)
	}
	for _, part := range parts {
		if l := k.inside(part); l != nil {
			return l.entity, Inside
		}
	}
	if i, ok := b.copied(host); ok {
		return i, Inside
	}
	if l := b.added(k, plainly(seen)); l != nil {
		return l.entity, Added
	}
	for _, part := range append(parts, seen) {
		if l := k.part(part); l != nil {
			return l.entity, Piece
		}
	}
	if l := k.slipped(look(seen)); l != nil {
		return l.entity, Slip
	}
	return 0, ""
}

// like is whose label another one looks like, which may be the same.
func (k *looks) like(seen string) *label {
	look := look(seen)
	if i, ok := k.exact[look]; ok {
		// What looks alike in lower case alone, such as i and l, says less in a short name; of three letters only a famous
		// one counts.
		if l := &k.labels[i]; l.text == seen || len(l.text) >= 6 || len(l.text) >= 4 && l.famous || (len(l.text) >= 4 || l.famous) && (!isASCII(seen) || Skeleton(seen) == Skeleton(l.text)) {
			return l
		}
	}
	if i, ok := k.exact[digitsRead(look)]; ok && len(k.labels[i].text) >= 6 {
		return &k.labels[i]
	}
	return nil
}

// inside looks for a name of at least four letters, which is not everybody's word, among the words of a label.
func (k *looks) inside(label string) *label {
	for word := range strings.SplitSeq(label, "-") {
		if l := k.like(word); l != nil && len(l.text) >= 4 && !k.common[l.look] {
			return l
		}
	}
	return nil
}

// copied looks for a whole official host below another name, or before a dash in it: bank.example-login.example.
func (b *Book) copied(host string) (int, bool) {
	name, below := nameIn(host)
	if below != "" {
		below += "."
	}
	within := host[:len(below)+len(name)]
	for begin := 0; begin < len(below); begin++ {
		for end := begin; end <= len(within); end++ {
			if end == len(within) || within[end] == '-' || within[end] == '.' {
				if i, ok := b.hosts[within[begin:end]]; ok {
					return i, true
				}
			}
		}
		next := strings.IndexByte(within[begin:], '.')
		if next < 0 {
			break
		}
		begin += next
	}
	return 0, false
}

// starting are the labels that begin like a text, by their looks and as they are written.
func (k *looks) starting(text string) []int {
	if len(text) < letters {
		return nil
	}
	return k.begins[text[:letters]]
}

// added looks for a name of six letters and more with nothing but bait, digits and two letters more around it, for one
// of four and five with nothing but bait and digits, for a famous one of three with words of parcels and payments, and
// for one that is everybody's word with bait of which something is about a bill.
func (b *Book) added(k *looks, seen string) *label {
	parcels := []map[string]bool{b.marked[Parcel]}
	all := []map[string]bool{b.marked[Parcel], b.marked[Bait], baitWords}
	billed := append(slices.Clone(all), b.marked[Dues])
	for at := range seen {
		for _, i := range k.starting(seen[at:]) {
			l := &k.labels[i]
			after, ok := strings.CutPrefix(seen[at:], l.text)
			if !ok {
				continue
			}
			before := seen[:at]
			switch {
			case l.common:
				if isMadeOf(before, digits, billed) && isMadeOf(after, digits, billed) && b.hasDues(before+"."+after) {
					return l
				}
			case len(l.text) == 3:
				if l.famous && strings.Trim(before+after, digits) != "" && isMadeOf(before, digits, parcels) && isMadeOf(after, digits, parcels) {
					return l
				}
			case before == "" && after == "" || !isMadeOf(before, digits, all):
			case isMadeOf(after, digits, all), len(l.text) >= 6 && len(strings.Trim(after, digits)) <= 2:
				return l
			}
		}
	}
	return nil
}

// hasDues tells whether a word of bills is in a text.
func (b *Book) hasDues(text string) bool {
	for word := range b.marked[Dues] {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// part looks for a coined name of six letters and more, anywhere in a label but in an everyday word.
func (k *looks) part(seen string) *label {
	look := look(seen)
	if l := k.partOf(look); l != nil {
		return l
	}
	if read := digitsRead(look); read != look {
		return k.partOf(read)
	}
	return nil
}

func (k *looks) partOf(look string) (longest *label) {
	for at := range look {
		for _, i := range k.starting(look[at:]) {
			l := &k.labels[i]
			if l.coined && len(l.text) >= 6 && strings.HasPrefix(look[at:], l.look) && (longest == nil || len(longest.look) < len(l.look)) && !l.isHeld(look) {
				longest = l
			}
		}
	}
	return longest
}

// isHeld tells whether the label is nowhere in a look but in everyday words.
func (l *label) isHeld(look string) bool {
	for _, word := range l.holders {
		look = strings.ReplaceAll(look, word, " ")
	}
	return !strings.Contains(look, l.look)
}

// slipped looks for a name with a slip: one letter in eight or two in twelve, and one in a famous name of six or seven;
// with one letter in a word of eight between dashes; and for one of six letters and more with dashes in it, or but for
// how often letters stand in a row.
func (k *looks) slipped(look string) *label {
	glued := strings.ReplaceAll(look, "-", "")
	single := once(look)
	has := lettersIn(look)
	for i := range k.labels {
		l := &k.labels[i]
		if len(l.text) < 6 || l.bank || l.common {
			continue
		}
		most := 0
		switch n := len(l.text); {
		case k.common[look]:
		case n >= 12:
			most = 2
		case n >= 8, l.famous && look != "" && look[0] == l.look[0]:
			most = 1
		}
		if glued == l.look || single == l.once || most > 0 && bits.OnesCount64(has^l.has) <= 2*most && slips(look, l.look, most) {
			return l
		}
	}
	if glued == look {
		return nil
	}
	for word := range strings.SplitSeq(look, "-") {
		if len(word) < 8 || k.common[word] {
			continue
		}
		has := lettersIn(word)
		for i := range k.labels {
			if l := &k.labels[i]; len(l.text) >= 8 && !l.bank && bits.OnesCount64(has^l.has) <= 2 && slips(word, l.look, 1) {
				return l
			}
		}
	}
	return nil
}

// slips tells whether one text is another but for at most n letters that are wrong, missing, too many, or swapped with
// the next.
func slips(a, b string, n int) bool {
	if len(a)-len(b) > n || len(b)-len(a) > n {
		return false
	}
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	switch {
	case a == "" && b == "":
		return true
	case n == 0:
		return false
	case a == "":
		return slips(a, b[1:], n-1)
	case b == "":
		return slips(a[1:], b, n-1)
	}
	return slips(a[1:], b[1:], n-1) || slips(a[1:], b, n-1) || slips(a, b[1:], n-1) || len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] && slips(a[2:], b[2:], n-1)
}

// lettersIn is a bit for each letter that is in a look.
func lettersIn(look string) (has uint64) {
	for i := range len(look) {
		has |= 1 << (look[i] & 63)
	}
	return has
}

// bait are words that are put before and behind a name, without marks. A book has more of them.
const bait = `
		login signin secure security verify account accounts update support help service services center online web
		app apps pay payment bank banking ebank digibank digi card cards wallet bonus gift gifts promo sale shop store mall
		vn viet vietnam asia vip pro plus my the new official team event reward rewards win lucky
		dangnhap xacthuc xacminh hotro cskh chamsockhachhang khuyenmai trian uudai quatang tangqua nhanqua quayso
		the trung tam trungtam chinhthuc business membership member user nap napthe mua ban free thetindung tindung vay vayvon vayonline nganhang taikhoan caidat nangcap mo rut tien ruttien km sukien
		page fanpage verified 24h khachhang tongdai hotline helpdesk giveaway airdrop claim refund hoantien laylaitien thuhoivon kichhoat mokhoa
		tuyenctv ctv tuyencongtacvien congtacvien nhiemvu quocgia xakho thanhlykho thanhly trungthuong nhanthuong phatqua`

// maxWord is how many bytes a word of bait, and its skeleton, has at most.
const maxWord = 18

// digits are those of a host.
const digits = "-0123456789"

var baitWords = words(bait)

func words(text string) map[string]bool {
	m := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		m[word] = true
	}
	return m
}

// isMadeOf tells whether a text is nothing but some words and digits, with nothing between them.
func isMadeOf(text, digits string, words []map[string]bool) bool {
	if text == "" {
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
			for _, m := range words {
				ends[j] = ends[j] || m[text[i:j]]
			}
		}
	}
	return ends[len(text)]
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

// shownBy is as nameIn, but below a host on which anybody may have one the label in front of that counts as well.
func (b *Book) shownBy(host string) (name, below string) {
	for at, end := 0, strings.IndexByte(host, '.'); end >= 0; end = strings.IndexByte(host[at:], '.') {
		if b.marked[Shared][host[at+end+1:]] {
			return host[at : at+end], host[:at+end]
		}
		at += end + 1
	}
	return nameIn(host)
}

// look is what a label looks like in the small print of an address: its skeleton, in which letters are the same as well
// that look alike there (i and l, vv and w).
func look(text string) string {
	if !isASCII(text) {
		text = Skeleton(text)
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '0':
			c = 'o'
		case c == '1' || c == 'i' || c == 'I':
			c = 'l'
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		last := len(out) - 1
		switch {
		case c == 'v' && last >= 0 && out[last] == 'v':
			out[last] = 'w'
		case c == 'n' && last >= 0 && out[last] == 'r':
			out[last] = 'm'
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// digitsRead is a look with the letters that digits are read for.
func digitsRead(look string) string {
	return strings.Map(func(r rune) rune {
		if i := strings.IndexRune("345789", r); i >= 0 {
			return rune("eastbg"[i])
		}
		return r
	}, look)
}

// plainly is a label with its digits as they are.
func plainly(text string) string {
	if isASCII(text) {
		return text
	}
	return Skeleton(text)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] > unicode.MaxASCII {
			return false
		}
	}
	return true
}

// once is a look in which each letter stands once where it stands several times in a row: gooogle and google have the
// same.
func once(look string) string { return string(slices.Compact([]byte(look))) }

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
