package feed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// ErrUnguessed is a list in whose beginning nothing is found that could be listed.
var ErrUnguessed = errors.New("nothing in the beginning of the list is an address, an account or a number")

// maxBegin is how much of a text is looked at to guess what it is; of a table or records, so many, and of those, so many
// fields.
const (
	maxBegin  = 256 << 10
	maxSample = 200
	maxFields = 200
)

// Guess finds out how a list is to be read, from its beginning, and says why it thinks so. What it guesses reads the
// beginning at least. A known preset is preferred. The errors are ErrUnguessed, and those of Claims.
func Guess(r io.Reader) (p Preset, why []string, err error) {
	in := bufio.NewReaderSize(r, maxBegin)
	begin, err := in.Peek(maxBegin)
	if err != nil && err != io.EOF {
		return p, nil, err
	}
	if bytes.HasPrefix(begin, []byte("PK\x03\x04")) {
		if begin, err = io.ReadAll(&bounded{in, maxPacked}); err != nil {
			return p, nil, err
		}
		p.Format = "xlsx"
	} else if bytes.HasPrefix(begin, []byte{0xd0, 0xcf, 0x11, 0xe0}) {
		_, err := openBook(in)
		return p, nil, err
	}
	g := &guess{cut: len(begin) == maxBegin, begin: begin}
	if p.Format == "" {
		if err := g.text(); err != nil {
			return p, nil, err
		}
		g.format()
	} else if err := g.book(); err != nil {
		return p, nil, err
	}
	if known, ok := g.known(); ok {
		return known, []string{"it has the fields of the preset " + known.Name}, nil
	}
	if g.roles(); g.isMapped() && len(g.Value) == 0 {
		return g.Preset, g.why, ErrUnguessed
	}
	good, bad, err := g.try(g.Preset)
	if err == nil && good == 0 {
		err = ErrUnguessed
	}
	if err != nil {
		return g.Preset, g.why, err
	}
	g.say("%d of the first %d entries are read", good, good+bad)
	return g.Preset, g.why, nil
}

// guess is what is known so far.
type guess struct {
	Preset
	begin   []byte // in UTF-8 where it is a text
	raw     []byte
	cut     bool // there is more
	columns []column
	why     []string
}

// column is a field with what some records say in it.
type column struct {
	name    string
	samples []string
}

// among are those of its samples that are one of some folded words, each once.
func (c column) among(words []string) (all []string) {
	for _, text := range c.samples {
		if slices.Contains(words, fold(text)) && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

func (g *guess) say(format string, a ...any) { g.why = append(g.why, fmt.Sprintf(format, a...)) }

// encodings are those that a text may be in that is not in UTF-8, in the order in which they are tried.
var encodings = []string{"windows-1258", "windows-1250", "big5", "gb18030", "windows-1252"}

// text finds the encoding.
func (g *guess) text() error {
	g.raw = g.begin
	name, unsure := "", false
	even, odd := 0, 0
	for i, c := range g.begin {
		if c == 0 && i%2 == 0 {
			even++
		} else if c == 0 {
			odd++
		}
	}
	whole := g.begin
	for n := 0; n < utf8.UTFMax && g.cut && !utf8.Valid(whole); n++ {
		whole = whole[:len(whole)-1]
	}
	switch {
	case bytes.HasPrefix(g.begin, []byte("\xff\xfe")), odd > len(g.begin)/4:
		name = "utf-16le"
	case bytes.HasPrefix(g.begin, []byte("\xfe\xff")), even > len(g.begin)/4:
		name = "utf-16be"
	case !utf8.Valid(whole):
		most := -1
		for _, candidate := range encodings {
			text, err := decode(g.begin, candidate)
			if err != nil {
				continue
			}
			score, folded := 0, fold(string(text))
			for _, words := range append(slices.Collect(maps.Values(headers)), goneWords, honestWords) {
				for _, word := range words {
					if strings.Contains(folded, word) && strings.ContainsFunc(word, func(r rune) bool { return r >= utf8.RuneSelf }) {
						score++
					}
				}
			}
			if score > most {
				name, most = candidate, score
			}
		}
		unsure = most == 0
	}
	g.begin = whole
	if unsure {
		g.say("its encoding is a guess, since no word in it is known: where letters look wrong, name another one")
	}
	if name != "" {
		text, err := decode(g.raw, name)
		if err != nil {
			return ErrEncoding
		}
		g.begin, g.Encoding = text, name
		g.say("its encoding is %s", name)
	}
	g.begin = bytes.TrimPrefix(g.begin, []byte("\ufeff"))
	if webPage.Match(g.begin[:min(len(g.begin), 1024)]) {
		return errors.Join(ErrShape, ErrPage)
	}
	return nil
}

func decode(text []byte, name string) ([]byte, error) {
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, err
	}
	return e.NewDecoder().Bytes(text)
}

var (
	rpzLine     = regexp.MustCompile(`(?im)^\$(TTL|ORIGIN)\b|\sSOA\s|\sCNAME\s+(\.|rpz-)|^[^\s;]+\.[^\s;]*\s+(IN\s+)?CNAME\s`)
	adblockLine = regexp.MustCompile(`^(\|\||@@|\[Adblock)|##|\^(\$|$)`)
	mispFile    = regexp.MustCompile(`^\s*\{\s*"(Event|response)"\s*:`)
)

// format finds out what kind of list a text is, and the columns, where it has some.
func (g *guess) format() {
	text := strings.TrimSpace(string(g.begin))
	switch first := strings.ToLower(text[:min(len(text), 4096)]); {
	case strings.HasPrefix(first, "{") && strings.Contains(first, `"type"`) && (strings.Contains(first, `"bundle"`) || strings.Contains(first, `"spec_version"`)):
		g.Format = "stix"
		return
	case mispFile.MatchString(text):
		g.Format = "misp"
		return
	case strings.HasPrefix(first, "{"), strings.HasPrefix(first, "[") && !strings.HasPrefix(first, "[adblock"):
		if g.json(text) {
			return
		}
	}
	var lines []string
	hosts, rules, zone := 0, 0, 0
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		if lines = append(lines, line); len(lines) > maxSample {
			break
		}
		if adblockLine.MatchString(line) {
			rules++
		} else if rpzLine.MatchString(line) {
			zone++
		} else if part := strings.Fields(line); len(part) > 1 && isSink(part[0]) {
			hosts++
		}
	}
	switch half := len(lines) / 2; {
	case rules > half:
		g.Format = "adblock"
	case zone > half:
		g.Format = "rpz"
	case hosts > half:
		g.Format = "hosts"
	case !g.table(text):
		g.Format = "lines"
	}
	if !g.isMapped() {
		g.say("most lines are those of the format %s", g.Format)
	}
}

// known is the preset of a known source whose fields the list has.
func (g *guess) known() (Preset, bool) {
	for _, p := range Presets() {
		if p.Format != g.Format || !p.isMapped() {
			continue
		}
		has := func(name string) bool {
			return slices.ContainsFunc(g.columns, func(c column) bool {
				return fold(c.name) == fold(name) || strings.HasPrefix(c.name, name+".") ||
					slices.ContainsFunc(p.Also[name], func(other string) bool { return fold(other) == fold(c.name) })
			})
		}
		fields := map[string]bool{}
		for _, name := range p.named() {
			fields[name] = has(name)
		}
		if _, lack := p.lacks(has); lack != "" || len(slices.DeleteFunc(slices.Collect(maps.Keys(fields)), func(name string) bool { return !fields[name] })) < 3 {
			continue
		}
		p.Encoding = g.Encoding
		if good, _, err := g.try(p); err == nil && good > 0 {
			return p, true
		}
	}
	return Preset{}, false
}

// try reads the beginning by a preset, and counts. That a list that goes on is cut off in the middle is no error.
func (g *guess) try(p Preset) (good, bad int, err error) {
	text := g.raw
	if p.Format == "xlsx" {
		text = g.begin
	} else if g.cut && p.Format != "json" {
		text = text[:max(0, bytes.LastIndexByte(text, '\n'))+1]
	}
	for _, err := range Claims(bytes.NewReader(text), p) {
		refused, ok := errors.AsType[*Refused](err)
		switch {
		case err == nil:
			good++
		case ok && !errors.Is(refused, ErrUnwanted):
			bad++
		case !ok && !(g.cut && good > 0):
			return good, bad, err
		}
		if good+bad >= 10*maxSample {
			break
		}
	}
	return good, bad, nil
}
