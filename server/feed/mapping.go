package feed

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"khien/shared/category"
	"khien/shared/subject"
)

// Why an entry is refused, beside what Entry says.
var (
	// ErrNothing is an entry without an address.
	ErrNothing = errors.New("no address in the line")
	// ErrUnwanted is an entry that the preset leaves out.
	ErrUnwanted = errors.New("left out by the preset")
	// ErrRed is an entry that the source tells nobody else (TLP:RED).
	ErrRed = errors.New("marked TLP:RED: it is not for us to keep")
	// ErrLabel is an entry of which nobody knows to whom it may be told.
	ErrLabel = errors.New("a label of TLP that is not known: the preset says what it means (tlp.map), or what counts then (tlp.default)")
	// ErrLong is a value above 8 kB.
	ErrLong = errors.New("longer than 8 kB")
	// ErrSpoilt is a number that a spreadsheet has written in its own way, so that it is another one now.
	ErrSpoilt = errors.New("a number that a spreadsheet has spoilt: format the column as text there")
	// ErrFormula is what a spreadsheet would calculate.
	ErrFormula = errors.New("a formula of a spreadsheet: its result is wanted")
	// ErrDate is a date in another layout than the preset says.
	ErrDate = errors.New("not a date in the layout of the preset")
	// ErrBank is a number that stands beside the name of no bank that is known.
	ErrBank = errors.New("not an account number beside the name of a bank that is known")
)

// maxText is how much of a source's own words is kept.
const maxText = 2000

// fields looks up what a field of one record says.
type fields func(name string) []string

// mapping makes claims of records.
type mapping struct {
	Preset
	nothing               map[string]bool
	gone, only            test
	context, disp, hacked test
	first, last, lapses   *clock
}

func newMapping(p Preset) *mapping {
	m := &mapping{Preset: p, nothing: map[string]bool{"": true, "none": true, "null": true, "n/a": true, "-": true}}
	for _, word := range p.Nothing {
		m.nothing[fold(word)] = true
	}
	m.gone, m.only, m.context, m.disp, m.hacked = compile(p.Gone), compile(p.Only), compile(p.Context), compile(p.Disputed), compile(p.Hacked)
	m.first, m.last, m.lapses = newClock(p.First), newClock(p.Last), newClock(p.Lapses)
	return m
}

// claims hands over what a record says, and tells whether more is wanted.
func (m *mapping) claims(look fields, at Place, yield func(Claim, error) bool) bool {
	say := func(name string) []string {
		var said []string
		for _, text := range look(name) {
			if text = strings.TrimSpace(text); !m.nothing[fold(text)] {
				said = append(said, text)
			}
		}
		return said
	}
	values, wanted := m.values(say)
	refuse := func(value string, why error) bool {
		return yield(Claim{}, &Refused{Place: at, Value: cut(value, 200), Why: why})
	}
	claim, err := m.said(say)
	if err != nil {
		return refuse(strings.Join(values, " "), err)
	}
	if !wanted {
		return refuse("", ErrUnwanted)
	}
	if len(values) == 0 {
		return refuse("", ErrNothing)
	}
	beside := m.text(m.Beside, say)
	for _, value := range values {
		c := claim
		c.Place = at
		if c.Subject, c.Address, err = thing(value, beside); err != nil {
			if !refuse(value, err) {
				return false
			}
		} else if !yield(c, nil) {
			return false
		}
	}
	return true
}

// said is what a record says of whatever it names.
func (m *mapping) said(say fields) (c Claim, err error) {
	if m.only != nil && !m.only(say) {
		return c, ErrUnwanted
	}
	if c.TLP, err = m.label(say); err != nil {
		return c, err
	}
	for _, when := range []struct {
		clock *clock
		to    *int64
	}{{m.first, &c.First}, {m.last, &c.Last}, {m.lapses, &c.Lapses}} {
		if when.clock == nil {
			continue
		}
		if *when.to, err = when.clock.read(m.text(when.clock.Field, say)); err != nil {
			return c, err
		}
	}
	switch {
	case m.disp.holds(say):
		c.Weight = Disputes
	case m.context.holds(say):
		c.Weight = Context
	}
	c.Gone, c.Hacked = m.gone.holds(say), m.hacked.holds(say)
	c.Category, c.Sure = m.kind(say), m.sure(say)
	c.ID, c.Reference = m.text(m.ID, say), m.text(m.Reference, say)
	if hasScheme(c.Reference) && !isWeb(c.Reference) {
		c.Reference = ""
	}
	if len(c.ID) > maxLine || len(c.Reference) > maxLine {
		return c, ErrLong
	}
	c.ID, c.Reference, c.Text = plain(c.ID), plain(c.Reference), cut(plain(strings.Join(m.texts(m.Text, say), ",")), maxText)
	return c, nil
}

// values are the texts that name things, and whether the preset wants what the record is.
func (m *mapping) values(say fields) (values []string, wanted bool) {
	from := []string(m.Value)
	if m.ValueBy != nil {
		if to, known := m.ValueBy.find(say(m.ValueBy.Field)); known && to == "" {
			return nil, false
		} else if known {
			from = []string{to}
		}
	}
	for _, field := range from {
		if values = m.texts(field, say); len(values) > 0 {
			break
		}
	}
	if m.Split != "" {
		var parted []string
		for _, value := range values {
			parted = append(parted, strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(m.Split, r) })...)
		}
		values = parted
	}
	for i, value := range values {
		for _, end := range m.Strip {
			value = strings.TrimPrefix(strings.TrimSuffix(strings.TrimSpace(value), end), end)
		}
		values[i] = strings.TrimSpace(value)
	}
	return slices.DeleteFunc(values, func(value string) bool { return value == "" }), true
}

// texts are what a field says, or a text with fields in braces.
func (m *mapping) texts(field string, say fields) []string {
	if field == "" {
		return nil
	}
	if !strings.Contains(field, "{") {
		return say(field)
	}
	text, all := "", true
	for field != "" {
		before, rest, ok := strings.Cut(field, "{")
		name, after, closed := strings.Cut(rest, "}")
		text += before
		if !ok || !closed {
			break
		}
		said := say(name)
		if all = all && len(said) > 0; len(said) > 0 {
			text += said[0]
		}
		field = after
	}
	if !all {
		return nil
	}
	return []string{text}
}

func (m *mapping) text(field string, say fields) string {
	if texts := m.texts(field, say); len(texts) > 0 {
		return texts[0]
	}
	return ""
}

// fieldsOf are the fields that a text has in braces, or that it is.
func fieldsOf(text string) []string {
	if text == "" {
		return nil
	}
	if !strings.Contains(text, "{") {
		return []string{text}
	}
	var names []string
	for _, part := range strings.Split(text, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		names = append(names, name)
	}
	return names
}

// needed are all fields that the preset names, save those that a list may lack. Of several for the value, it may lack
// all but one; which, nobody knows before.
func (p Preset) needed() []string {
	var all []string
	seen := map[string]bool{}
	for _, name := range p.Optional {
		seen[name] = true
	}
	add := func(texts ...string) {
		for _, text := range texts {
			for _, name := range fieldsOf(text) {
				if !seen[name] {
					seen[name] = true
					all = append(all, name)
				}
			}
		}
	}
	var conditions func(Conditions)
	conditions = func(list Conditions) {
		for _, c := range list {
			add(c.Field)
			conditions(c.All)
		}
	}
	if len(p.Value) == 1 {
		add(p.Value...)
	}
	if p.ValueBy != nil {
		add(p.ValueBy.Field)
		for _, to := range p.ValueBy.Map {
			add(to)
		}
		add(p.ValueBy.Default)
	}
	add(p.Beside, p.ID, p.Reference, p.Text)
	for _, list := range []Conditions{p.Only, p.Gone, p.Context, p.Disputed, p.Hacked} {
		conditions(list)
	}
	for _, c := range []*Choice{p.Category, p.TLP} {
		if c != nil {
			add(c.Field)
		}
	}
	if p.Sure != nil {
		add(p.Sure.Field)
	}
	for _, when := range []*Moment{p.First, p.Last, p.Lapses} {
		if when != nil {
			add(when.Field)
		}
	}
	return all
}

// named are all fields that the preset names.
func (p Preset) named() []string { return slices.Concat(p.needed(), p.Optional, p.Value) }

// lacks is how many of the fields that are needed there are, and the first that there is not.
func (p Preset) lacks(has func(name string) bool) (had int, lack string) {
	for _, name := range p.needed() {
		if has(name) {
			had++
		} else if lack == "" {
			lack = name
		}
	}
	if lack == "" && len(p.Value) > 1 && !slices.ContainsFunc(p.Value, has) {
		lack = p.Value[0]
	}
	return had, lack
}

// find is what the first text means that is known; else the default, if there is one.
func (c *Choice) find(said []string) (string, bool) {
	for _, text := range said {
		for from, to := range c.Map {
			if fold(from) == fold(text) {
				return to, true
			}
		}
	}
	return c.Default, c.Default != ""
}

func (m *mapping) kind(say fields) category.Category {
	if m.Category == nil {
		return category.Other
	}
	said := say(m.Category.Field)
	to, mapped := (&Choice{Map: m.Category.Map}).find(said)
	if !mapped {
		for _, text := range said {
			for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",;|", r) }) {
				if c, known := category.Parse(fold(part)); known {
					return c
				}
				if to, mapped = (&Choice{Map: m.Category.Map}).find([]string{part}); mapped {
					c, _ := category.Parse(to)
					return c
				}
			}
		}
		to = m.Category.Default
	}
	c, _ := category.Parse(to)
	return c
}

// label is the narrowest of the labels that a record has. What is not understood is not taken for public.
func (m *mapping) label(say fields) (narrowest TLP, err error) {
	if m.TLP == nil {
		return "", nil
	}
	order := []TLP{"", Clear, Green, Amber, AmberStrict, Red}
	rank, strange := 0, false
	for _, text := range say(m.TLP.Field) {
		to, mapped := (&Choice{Map: m.TLP.Map}).find([]string{text})
		if !mapped {
			to = text
		}
		label, known := ParseTLP(to)
		if strange = strange || !known; !known && strings.Contains(fold(to), "tlp") {
			return "", ErrLabel
		}
		if !known {
			continue
		}
		for i, l := range order {
			if l == label {
				rank = max(rank, i)
			}
		}
	}
	if narrowest = order[rank]; narrowest == "" {
		narrowest, _ = ParseTLP(m.TLP.Default)
	}
	switch {
	case narrowest == Red:
		return "", ErrRed
	case narrowest == "" && strange:
		return "", ErrLabel
	}
	return narrowest, nil
}

// ParseTLP reads a label of the Traffic Light Protocol as people write it: TLP:AMBER, white.
func ParseTLP(text string) (TLP, bool) {
	text = strings.TrimLeft(strings.TrimPrefix(fold(text), "tlp"), ":-_ ")
	switch l := TLP(strings.ReplaceAll(text, " ", "")); l {
	case Clear, Green, Amber, AmberStrict, Red:
		return l, true
	case "white":
		return Clear, true
	}
	return "", false
}

// sure is a share in percent.
func (m *mapping) sure(say fields) int {
	if m.Sure == nil {
		return 0
	}
	of := m.Sure.Of
	if of == 0 {
		of = 100
	}
	for _, text := range say(m.Sure.Field) {
		for word, percent := range m.Sure.Map {
			if fold(word) == fold(text) {
				return percent
			}
		}
		if n, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64); err == nil && n >= 0 && n <= of {
			return int(n / of * 100)
		}
	}
	return m.Sure.Default
}

// test is a condition.
type test func(say fields) bool

func (t test) holds(say fields) bool { return t != nil && t(say) }

func compile(list Conditions) test {
	if len(list) == 0 {
		return nil
	}
	var any []test
	for _, c := range list {
		var all []test
		for _, inner := range c.All {
			all = append(all, compile(Conditions{inner}))
		}
		for _, words := range []struct {
			list []string
			want bool
		}{{c.In, true}, {c.NotIn, false}} {
			if words.list == nil {
				continue
			}
			known := map[string]bool{}
			for _, word := range words.list {
				known[fold(word)] = true
			}
			all = append(all, c.some(words.want, func(text string) bool { return known[fold(text)] }))
		}
		if c.Match != "" {
			all = append(all, c.some(true, regexp.MustCompile(c.Match).MatchString))
		}
		if c.Set != nil {
			all = append(all, c.some(*c.Set, func(string) bool { return true }))
		}
		if c.Min != nil || c.Max != nil {
			all = append(all, c.some(true, func(text string) bool {
				n, err := strconv.ParseFloat(text, 64)
				return err == nil && (c.Min == nil || n >= *c.Min) && (c.Max == nil || n <= *c.Max)
			}))
		}
		any = append(any, func(say fields) bool {
			for _, t := range all {
				if !t(say) {
					return false
				}
			}
			return true
		})
	}
	return func(say fields) bool {
		for _, t := range any {
			if t(say) {
				return true
			}
		}
		return false
	}
}

// some is met where it is as wanted whether something that the field says is such.
func (c Condition) some(want bool, such func(string) bool) test {
	return func(say fields) bool {
		for _, text := range say(c.Field) {
			if such(text) {
				return want
			}
		}
		return !want
	}
}

// thing reads the one thing that a value names, beside which the name of a bank may stand.
func thing(value, beside string) (subject.Subject, string, error) {
	value = unguard(value)
	switch {
	case len(value) > maxLine || len(beside) > maxLine:
		return "", "", ErrLong
	case !utf8.ValidString(value) || strings.ContainsRune(value, utf8.RuneError) || !utf8.ValidString(beside):
		return "", "", ErrEncoding
	case len(value) > 1024 && !strings.ContainsAny(value, ".:"): // no address, and longer than a payment code
		return "", "", ErrHost
	case strings.HasPrefix(value, "="):
		return "", "", ErrFormula
	case scientific.MatchString(value) || spoilt.MatchString(value):
		return "", "", ErrSpoilt
	case beside != "" && strings.Trim(value, "0123456789 .-\u00a0") == "":
		s, _, err := Entry(beside + " " + value)
		if kind, _, _ := strings.Cut(string(s), ":"); err != nil || kind != "bank" {
			return "", "", ErrBank
		}
		return s, "", nil
	}
	s, address, err := Entry(value)
	if host, _, _ := strings.Cut(string(s), "/"); err == nil && !s.IsAccount() && !strings.ContainsAny(host, ".:") {
		return "", "", ErrHost // a word, or the name of a country
	}
	return s, address, err
}

// spoilt is a number with what a spreadsheet puts behind it where it takes it for a measure: 84900000001.0.
var spoilt = regexp.MustCompile(`^\+?[0-9]{5,}[.,][0-9]{1,2}$`)

// fold is a text in the form in which names and words are compared.
func fold(text string) string {
	ascii := true
	for i := range len(text) {
		c := text[i]
		ascii = ascii && c > ' ' && c < utf8.RuneSelf && (c < 'A' || c > 'Z')
	}
	if ascii {
		return text
	}
	return strings.ToLower(norm.NFC.String(strings.Join(strings.Fields(text), " ")))
}

// plain is a text without signs that control what shows it.
func plain(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, isControl) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if isControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}

// cut is the beginning of a text, in whole characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// missing is a list without a field that the preset names.
func missing(what, name string) error {
	return fmt.Errorf("%w: %s %s is missing", ErrShape, what, name)
}
