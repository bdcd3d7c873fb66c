package feed

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"khien/shared/category"
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

// table finds the separator and the header.
func (g *guess) table(text string) bool {
	var best [][]string
	comma, most := ',', 0
	for _, c := range "\t;,|" {
		r := csv.NewReader(&lineEnds{r: strings.NewReader(text)})
		r.Comma, r.LazyQuotes, r.FieldsPerRecord = c, true, -1
		var rows [][]string
		counts := map[int]int{}
		for len(rows) < maxSample {
			row, err := r.Read()
			if err != nil {
				break
			}
			rows = append(rows, row[:min(len(row), maxFields)])
			counts[len(row)]++
		}
		score := 0
		for n, times := range counts {
			if n > 1 && times*2 > len(rows)-times {
				score = max(score, n*times)
			}
		}
		if score > most {
			best, comma, most = rows, c, score
		}
	}
	if best == nil {
		for row := range strings.Lines(text) {
			best = append(best, []string{strings.TrimSpace(row)})
			if len(best) == maxSample {
				break
			}
		}
		if _, ok := headerIn(best); !ok {
			return false
		}
	}
	g.Format, g.Separator = "csv", string(comma)
	if comma == '\t' {
		g.Format, g.Separator = "tsv", ""
	}
	g.say("%q parts the columns", comma)
	g.rows(best)
	return true
}

func isThing(text string) bool {
	_, _, err := thing(text, "")
	return err == nil
}

// partedBy are the signs that part several things in one field.
const partedBy = ";,"

// isParted tells whether a field holds several things that could be listed, and nothing else.
func isParted(text string) bool {
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(partedBy, r) })
	return len(parts) > 1 && !isThing(text) && !slices.ContainsFunc(parts, func(part string) bool { return !isThing(strings.TrimSpace(part)) })
}

// headerIn finds the row that names the columns: the first with words for columns, and nothing that could be listed.
func headerIn(rows [][]string) (int, bool) {
	for i, row := range rows[:min(len(rows), maxTitles)] {
		named, things := 0, 0
		for n, cell := range row {
			if n == 0 {
				cell = strings.TrimLeft(strings.TrimSpace(cell), "#")
			}
			if roleOf(cell) != "" {
				named++
			}
			if isThing(strings.TrimSpace(cell)) {
				things++
			}
		}
		if named > 0 && things == 0 && (len(row) == 1 || named > 1 || len(row) < 4) {
			return i, true
		}
	}
	return 0, false
}

// rows makes columns of rows.
func (g *guess) rows(rows [][]string) {
	header, ok := headerIn(rows)
	g.Header = ok
	if ok {
		for n, cell := range rows[header] {
			if n == 0 {
				cell = strings.TrimLeft(strings.TrimSpace(cell), "#")
			}
			g.columns = append(g.columns, column{name: strings.Join(strings.Fields(cell), " ")})
		}
		rows = rows[header+1:]
		g.say("row %d names the columns", header+1)
		if len(rows) > 0 && slices.ContainsFunc(rows[0], func(cell string) bool { return roleOf(cell) == "value" }) {
			g.HeaderLines, rows = 2, rows[1:]
			g.say("and so does the row below")
		}
	}
	for _, row := range rows {
		if isBlank(row) || strings.HasPrefix(strings.TrimSpace(row[0]), "#") {
			continue
		}
		for n, cell := range row {
			for !ok && n >= len(g.columns) {
				g.columns = append(g.columns, column{name: fmt.Sprint(len(g.columns) + 1)})
			}
			if cell = unguard(strings.TrimSpace(cell)); n < len(g.columns) && cell != "" {
				g.columns[n].samples = append(g.columns[n].samples, cell)
			}
		}
	}
}

// book reads the first rows of a spreadsheet.
func (g *guess) book() error {
	b, err := openBook(bytes.NewReader(g.begin))
	if err != nil {
		return err
	}
	s, err := b.open("")
	if err != nil {
		return err
	}
	g.Format = "xlsx"
	var rows [][]string
	for len(rows) < maxSample {
		r, err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		rows = append(rows, slices.Clone(r.cells[:min(len(r.cells), maxFields)]))
	}
	g.say("it is a spreadsheet; its first sheet is %s", s.name)
	g.rows(rows)
	return nil
}

// json finds the records, and their fields.
func (g *guess) json(text string) bool {
	first, rest, more := strings.Cut(text, "\n")
	var one map[string]any
	if more && strings.HasPrefix(strings.TrimSpace(rest), "{") && json.Unmarshal([]byte(first), &one) == nil {
		g.Format = "jsonl"
		var all []any
		for line := range strings.Lines(text) {
			var v any
			if parse(line, &v); v != nil && len(all) < maxSample {
				all = append(all, v)
			}
		}
		g.objects(all)
		g.say("each line is a record of JSON")
		return true
	}
	var root any
	if parse(text, &root); root == nil {
		return false
	}
	g.Format = "json"
	best, most := []any(nil), 0.0
	groups := g.groups(root, "", 0)
	for _, path := range slices.Backward(slices.Sorted(maps.Keys(groups))) { // what has a name before what has any
		all := groups[path]
		score := 0.0
		for _, v := range all[:min(len(all), maxSample)] {
			for _, c := range columnsOf([]any{v}) {
				if slices.ContainsFunc(c.samples, isThing) {
					score++
					break
				}
			}
		}
		if _, list := root.([]any); path == "" && !list {
			score /= 2 // one record, or the covers of a list
		}
		if score > most || score == most && len(all) < len(best) {
			best, most, g.Records = all, score, path
		}
	}
	g.objects(best)
	if g.Records == "" {
		g.say("it is one list of records")
	} else {
		g.say("the records lie at %s", g.Records)
	}
	return true
}

// parse reads as much of a value as there is.
func parse(text string, into *any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	*into, _ = partial(d, 0)
}

func partial(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil || depth > maxDepth {
		return nil, errors.Join(err, ErrShape)
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := partial(d, depth+1)
			if v != nil {
				list = append(list, v)
			}
			if err != nil {
				return list, err
			}
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		object := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return object, err
			}
			v, err := partial(d, depth+1)
			if key, ok := name.(string); ok {
				object[key] = v
			}
			if err != nil {
				return object, err
			}
		}
		_, err = d.Token()
		return object, err
	}
	return t, nil
}

// groups are the lists of records in a value, by the way to them.
func (g *guess) groups(v any, path string, depth int) map[string][]any {
	all := map[string][]any{}
	if depth > 4 {
		return all
	}
	step := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	switch v := v.(type) {
	case []any:
		all[path] = v
	case map[string]any:
		if path == "" {
			all[path] = []any{v}
		}
		var each []any
		for name, inner := range v {
			switch inner := inner.(type) {
			case []any:
				each = append(each, inner...)
			case map[string]any:
				each = append(each, inner)
			}
			if !strings.ContainsAny(name, ".*") {
				for path, list := range g.groups(inner, step(name), depth+1) {
					all[path] = list
				}
			}
		}
		if len(v) > 1 && len(each) >= len(v) {
			all[step("*")] = each
		}
	}
	return all
}

func (g *guess) objects(all []any) {
	g.columns = columnsOf(all[:min(len(all), maxSample)])
	if strings.HasSuffix(g.Records, "*") {
		g.columns = append(g.columns, column{name: "@key"})
	}
}

// columnsOf are the fields of records.
func columnsOf(all []any) []column {
	var columns []column
	var add func(name string, v any)
	add = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				add(strings.TrimPrefix(name+"."+key, "."), inner)
			}
		case []any:
			for _, inner := range v {
				add(name, inner)
			}
		default:
			said := sayings(nil, v)
			if name == "" {
				name = "."
			}
			i := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
			if i < 0 && len(columns) == maxFields {
				return
			}
			if i < 0 {
				i = len(columns)
				columns = append(columns, column{name: name})
			}
			if len(said) > 0 && said[0] != "" {
				columns[i].samples = append(columns[i].samples, said[0])
			}
		}
	}
	for _, v := range all {
		add("", v)
	}
	slices.SortFunc(columns, func(a, b column) int { return strings.Compare(a.name, b.name) })
	return columns
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

// layouts are those of dates that may be taken for one another; the first that fits all samples is taken.
var layouts = [][]string{
	{"02/01/2006 15:04:05", "02/01/2006 15:04", "02/01/2006"}, {"15:04:05 02/01/2006", "15:04 02/01/2006", "02/01/2006"}, {"2/1/2006 15:04:05", "2/1/2006 15:04", "2/1/2006"},
	{"02-01-2006 15:04:05", "02-01-2006 15:04", "02-01-2006"}, {"02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006"}, {"2.1.2006"},
	{"01/02/2006 15:04:05", "01/02/2006 15:04", "01/02/2006"}, {"1/2/2006 15:04:05", "1/2/2006 15:04", "1/2/2006"}, {"1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM"},
	{"20060102150405", "20060102"}, {"2006年1月2日"}, {"2 Jan 2006"}, {"Jan 2, 2006"}, {"2 January 2006"}, {"January 2, 2006"}, {"02-Jan-2006", "2-Jan-2006"}, {"days"},
}

// dates is how the samples of a column are read as dates.
func dates(c column, zone string) *Moment {
	if len(c.samples) == 0 {
		return nil
	}
	fits := func(m Moment) bool {
		clock := newClock(&m)
		for _, text := range c.samples {
			if _, err := clock.read(text); err != nil {
				return false
			}
		}
		return true
	}
	if m := (Moment{Field: c.name}); fits(m) {
		m.Zone = zone
		return &m
	}
	for _, list := range layouts {
		m := Moment{Field: c.name, Zone: zone}
		for _, layout := range list { // only those that occur
			one := newClock(&Moment{Layouts: []string{layout}})
			if slices.ContainsFunc(c.samples, func(text string) bool { _, err := one.read(text); return err == nil }) {
				m.Layouts = append(m.Layouts, layout)
			}
		}
		if len(m.Layouts) > 0 && fits(m) {
			return &m
		}
	}
	for _, layout := range []string{"2006/1/2", "2006-1-2", "2006.1.2", "20060102"} { // Taiwan's calendar
		if m := (Moment{Field: c.name, Zone: zone, Era: 1911, Layouts: []string{layout}}); len(c.samples[0]) <= 9 && fits(m) {
			return &m
		}
	}
	return nil
}

// roles says what the fields mean.
func (g *guess) roles() {
	if !g.isMapped() {
		return
	}
	var names strings.Builder
	for _, c := range g.columns {
		names.WriteString(fold(c.name) + " ")
	}
	zone := ""
	switch text := names.String(); {
	case strings.ContainsAny(text, "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"):
		zone = "Asia/Ho_Chi_Minh"
	case strings.ContainsAny(text, "ąćęłńóśźż") || strings.Contains(text, "data wpisu") || strings.Contains(text, "datawpisu"):
		zone = "Europe/Warsaw"
	case regexp.MustCompile(`\p{Han}`).MatchString(text):
		zone = "Asia/Taipei"
	}
	best, most := "", 0.0
	for _, c := range g.columns {
		role, things, spread := roleOf(c.name), 0, map[string]bool{}
		for _, text := range c.samples {
			if s, _, err := thing(strings.TrimSuffix(text, "/*"), ""); err == nil || isParted(text) {
				things++
				host, _, _ := strings.Cut(string(s), "/")
				spread[host] = true
			}
		}
		if things == 0 && role != "value" {
			continue
		}
		score := float64(things) / float64(max(1, len(c.samples)))
		switch {
		case role == "value":
			score += 1
		case role != "" || len(spread) == 1 && things > 3:
			score -= 0.8
		}
		if score > most {
			best, most = c.name, score
		}
	}
	for _, c := range g.columns {
		if c.name == best && slices.ContainsFunc(c.samples, func(text string) bool { return strings.HasSuffix(text, "/*") }) {
			g.Strip = []string{"/*"}
		}
		if parted := slices.DeleteFunc(slices.Clone(c.samples), func(text string) bool { return !isParted(text) }); c.name == best && len(parted)*5 > len(c.samples) {
			g.Split = partedBy
			g.say("%q parts several things in one field", partedBy)
		}
	}
	if best != "" {
		g.Value = Values{best}
		g.say("%s has the addresses", best)
	}
	for _, c := range g.columns {
		if c.name == best {
			continue
		}
		switch role := roleOf(c.name); role {
		case "first", "last", "lapses", "gone_when":
			m := dates(c, zone)
			to := map[string]**Moment{"first": &g.First, "last": &g.Last, "lapses": &g.Lapses}[role]
			switch {
			case role == "gone_when" && (m != nil || len(c.samples) == 0) && g.Gone == nil:
				set := true
				g.Gone = Conditions{{Field: c.name, Set: &set}}
				g.say("what has a %s is taken back", c.name)
			case to != nil && m != nil && *to == nil:
				*to = m
				g.say("%s is a date: %s", c.name, role)
			}
		case "id":
			if g.ID == "" {
				g.ID = c.name
			}
		case "bank":
			g.Beside = c.name
		case "category":
			if g.Category == nil {
				g.Category = kinds(c)
			}
		case "status":
			if gone := c.among(goneWords); gone != nil && g.Gone == nil {
				g.Gone = Conditions{{Field: c.name, In: gone}}
				g.say("what has %s in %s is taken back", strings.Join(gone, ", "), c.name)
			}
			if honest := c.among(honestWords); honest != nil && g.Disputed == nil {
				g.Disputed = Conditions{{Field: c.name, In: honest}}
				g.say("what has %s in %s is no scam", strings.Join(honest, ", "), c.name)
			}
		case "sure":
			g.Sure = &Share{Field: c.name}
			if !slices.ContainsFunc(c.samples, func(text string) bool {
				return !strings.HasPrefix(text, "0.") && text != "1" && text != "0" && text != "1.0"
			}) {
				g.Sure.Of = 1
			}
		case "tlp":
			g.TLP = &Choice{Field: c.name}
		case "reference":
			if g.Reference == "" {
				g.Reference = c.name
			}
		case "text":
			if g.Text == "" {
				g.Text = c.name
			}
		}
	}
	if g.Format == "json" || g.Format == "jsonl" { // a member that says nothing is often left out
		for _, name := range g.needed() {
			if !slices.Contains(g.Value, name) {
				g.Optional = append(g.Optional, name)
			}
		}
	}
}

// kinds says which kinds of scam the words of a column mean.
func kinds(c column) *Choice {
	k := &Choice{Field: c.name, Map: map[string]string{}}
	for _, text := range c.samples {
		if _, known := category.Parse(fold(text)); known || len(k.Map) > 40 {
			continue
		}
		for _, word := range kindWords {
			if strings.Contains(fold(text), word[0]) {
				k.Map[text] = word[1]
				break
			}
		}
	}
	return k
}
