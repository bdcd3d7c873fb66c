package feed

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRecord is how much one entry of a table or of JSON may take.
const maxRecord = 1 << 20

// ErrCells is a row that has cells under no column, so that nobody knows what is what.
var ErrCells = errors.New("another number of cells than the table has columns")

// row is one of a table; its cells are valid until the next one is read. Bad tells why there are none, and odd which of
// them cannot name a thing, and why.
type row struct {
	cells []string
	line  int
	bad   error
	odd   map[int]error
}

// table reads rows as a preset says.
type table struct {
	*mapping
	next   func() (row, error) // io.EOF behind the last
	waits  []row               // were read while the header was sought
	header []string
	at     map[string]int // columns by the names that the preset has for them
	things []int          // those of them that name things
}

// maxTitles is how many rows may stand above the header.
const maxTitles = 64

func readTable(p Preset, next func() (row, error)) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		t := &table{mapping: newMapping(p), next: next, at: map[string]int{}}
		if err := t.find(); err != nil {
			yield(Claim{}, err)
			return
		}
		for _, text := range append(t.ValueBy.all(), t.Value...) {
			for _, name := range fieldsOf(text) {
				if column, ok := t.at[name]; ok {
					t.things = append(t.things, column)
				}
			}
		}
		var cells [1]string
		var now row
		look := func(name string) []string {
			if i, ok := t.at[name]; ok && i < len(now.cells) {
				cells[0] = unguard(strings.TrimSpace(now.cells[i]))
				return cells[:]
			}
			return nil
		}
		for first := true; ; {
			var err error
			if now, err = t.take(); err == io.EOF {
				return
			}
			if err == nil && first && now.bad == nil && !t.isNote(now) {
				first, err = false, t.fits(now)
			}
			if err != nil {
				yield(Claim{}, err)
				return
			}
			at := Place{Line: now.line}
			if now.bad == nil {
				if t.isNote(now) || t.isHeader(now) {
					continue
				}
				if extra := now.cells[min(len(now.cells), max(len(t.header), len(t.Columns))):]; len(t.header) > 0 && !isBlank(extra) || len(t.Columns) > 0 && len(now.cells) != len(t.Columns) {
					now.bad = ErrCells
				}
			}
			for _, column := range t.things {
				if odd := now.odd[column]; now.bad == nil && odd != nil {
					now.bad = odd
				}
			}
			if now.bad != nil {
				if !yield(Claim{}, &Refused{Place: at, Value: cut(strings.Join(now.cells, " "), 200), Why: now.bad}) {
					return
				}
			} else if !t.claims(look, at, yield) {
				return
			}
		}
	}
}

func (t *table) take() (row, error) {
	if len(t.waits) > 0 {
		r := t.waits[0]
		t.waits = t.waits[1:]
		return r, nil
	}
	return t.next()
}

// isNote tells what is no entry: a blank row, or a comment.
func (t *table) isNote(r row) bool {
	return isBlank(r.cells) || strings.HasPrefix(strings.TrimSpace(r.cells[0]), t.Comment)
}

// isHeader tells a header that stands in a list again.
func (t *table) isHeader(r row) bool {
	if slices.Equal(r.cells, t.header) {
		return true
	}
	for _, name := range t.Value {
		i, ok := t.at[name]
		if !ok || i >= len(r.cells) {
			continue
		}
		if cell := strings.TrimSpace(r.cells[i]); cell == name || slices.Contains(t.Also[name], cell) {
			return true
		}
	}
	return false
}

func isBlank(cells []string) bool {
	for _, cell := range cells {
		if strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}

// fits refuses a list by its first entry, if that cannot be of this preset.
func (t *table) fits(first row) error {
	for _, cell := range first.cells {
		if !utf8.ValidString(cell) {
			return ErrEncoding
		}
	}
	if n := len(t.Columns); n > 0 && len(first.cells) != n {
		return fmt.Errorf("%w: there are %d columns, and the preset has %d", ErrShape, len(first.cells), n)
	}
	if len(t.header) > 0 {
		return nil
	}
	for _, name := range t.needed() {
		if i, ok := t.at[name]; !ok || i >= len(first.cells) {
			return missing("column", name)
		}
	}
	return nil
}

// find finds the columns that the preset names.
func (t *table) find() error {
	if !t.Header {
		for i, name := range t.Columns {
			t.at[name] = i
		}
		for _, name := range t.named() {
			if n, err := strconv.Atoi(name); err == nil && n > 0 && t.Columns == nil {
				t.at[name] = n - 1
			}
		}
		return nil
	}
	for len(t.waits) < maxTitles {
		r, err := t.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		r.cells = slices.Clone(r.cells)
		t.waits = append(t.waits, r)
	}
	best, lacks := -1, ""
	for i := range t.waits {
		names := t.names(i)
		had, lack := t.lacks(func(name string) bool { _, ok := names[fold(name)]; return ok })
		if lack == "" {
			return t.settle(i, names)
		}
		if had > best {
			best, lacks = had, lack
		}
	}
	if slices.ContainsFunc(t.waits, func(r row) bool { return !utf8.ValidString(strings.Join(r.cells, "")) }) {
		return ErrEncoding
	}
	if !slices.ContainsFunc(t.waits, func(r row) bool { return r.bad != nil || !isBlank(r.cells) }) {
		return nil // an empty list says nothing
	}
	return missing("column", lacks)
}

// names are the columns by the names that row i gives them, and, if it gives any that is wanted, the lines below that
// are part of the header.
func (t *table) names(i int) map[string]int {
	names := map[string]int{}
	for n, r := range t.waits[i:min(len(t.waits), i+max(1, t.HeaderLines))] {
		if n > 0 && !slices.ContainsFunc(t.needed(), func(name string) bool { _, ok := names[fold(name)]; return ok }) {
			break
		}
		for column, name := range t.titles(r) {
			if name == "" {
				continue
			}
			if _, twice := names[name]; twice {
				column = -1
			}
			names[name] = column
		}
	}
	for name, others := range t.Also {
		for _, other := range others {
			column, ok := names[fold(other)]
			if _, has := names[fold(name)]; ok && !has {
				names[fold(name)] = column
			}
		}
	}
	return names
}

// titles are the cells of a row, if it is a header. That may be a comment.
func (t *table) titles(r row) []string {
	var titles []string
	for i, cell := range r.cells {
		if i == 0 {
			cell = strings.TrimLeft(strings.TrimSpace(cell), t.Comment)
		}
		titles = append(titles, fold(cell))
	}
	return titles
}

// settle takes row i for the header.
func (t *table) settle(i int, names map[string]int) error {
	header := t.waits[i]
	t.header, t.waits = header.cells, t.waits[i+1:]
	if t.Columns != nil {
		titles := t.titles(header)
		for n, name := range t.Columns {
			if n >= len(titles) || titles[n] != fold(name) {
				if !slices.Contains(titles, fold(name)) {
					return missing("column", name)
				}
				return fmt.Errorf("%w: column %d is not %s any more", ErrShape, n+1, name)
			}
		}
		if len(titles) != len(t.Columns) {
			return fmt.Errorf("%w: there are %d columns, and the preset has %d: column %s is new", ErrShape, len(titles), len(t.Columns), titles[len(t.Columns)])
		}
	}
	for _, name := range t.named() {
		if column, ok := names[fold(name)]; ok && column < 0 {
			return fmt.Errorf("%w: two columns are called %s", ErrShape, name)
		} else if ok {
			t.at[name] = column
		}
	}
	for n := 1; n < t.HeaderLines && len(t.waits) > 0; n++ { // the names may be those of the last line
		next := t.waits[0]
		named := false
		values, _ := t.values(func(name string) []string {
			if column, ok := t.at[name]; ok && column < len(next.cells) && next.cells[column] != "" {
				return next.cells[column : column+1]
			}
			return nil
		})
		for _, value := range values {
			_, _, err := thing(value, "")
			named = named || err == nil
		}
		if named {
			break
		}
		t.waits = t.waits[1:]
	}
	return nil
}

// readCSV reads a table whose cells a sign parts.
func readCSV(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	in := bufio.NewReaderSize(&lineEnds{r: r}, 64<<10)
	begin, err := in.Peek(16 << 10)
	if err != nil && err != io.EOF {
		return func(yield func(Claim, error) bool) { yield(Claim{}, err) }
	}
	skipped, consumed := 0, 0
	if first, _, _ := bytes.Cut(begin, []byte("\n")); len(first) == len("sep=;") && bytes.HasPrefix(first, []byte("sep=")) { // for Excel
		if p.Separator == "" {
			p.Separator = string(first[4:])
		}
		consumed, _ = in.Discard(len(first) + 1)
		skipped = 1
	}
	// A header that is a comment may have its names in quotes, as all else: the sign of the comment goes into the first.
	begin = regexp.MustCompile(`(?m)^(`+regexp.QuoteMeta(p.Comment)+`[ \t]*)"`).ReplaceAll(begin[consumed:], []byte(`"$1`))
	in.Discard(len(begin))
	limit := &limited{r: io.MultiReader(bytes.NewReader(begin), in)}
	c := csv.NewReader(limit)
	c.Comma, _ = utf8.DecodeRuneInString(p.Separator)
	if p.Separator == "" {
		c.Comma = separator(begin, p)
	}
	c.LazyQuotes, c.TrimLeadingSpace = p.Format == "tsv", !unicode.IsSpace(c.Comma)
	c.FieldsPerRecord, c.ReuseRecord = -1, true
	line := 0
	return readTable(p, func() (row, error) {
		limit.left = maxRecord
		cells, err := c.Read()
		if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			why := errors.New("the quotes do not match")
			if bad.Line > bad.StartLine {
				why = fmt.Errorf("the quotes do not match, and nothing is read up to line %d", bad.Line+skipped)
			}
			return row{line: bad.StartLine + skipped, bad: why}, nil
		}
		if errors.Is(err, errRecord) {
			return row{}, fmt.Errorf("%w, behind line %d: perhaps a quote is left open", err, line+skipped)
		}
		if err != nil {
			return row{}, err
		}
		line, _ = c.FieldPos(0)
		return row{cells: cells, line: line + skipped}, nil
	})
}

func readTSV(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	if p.Separator == "" {
		p.Separator = "\t"
	}
	return readCSV(r, p)
}

// separator is the sign with which most of the columns are found that the preset names, or that is most frequent.
func separator(begin []byte, p Preset) rune {
	best, most := ',', -1
	for _, comma := range ",;\t|" {
		c := csv.NewReader(bytes.NewReader(begin))
		c.Comma, c.LazyQuotes, c.FieldsPerRecord = comma, true, -1
		score := 0
		for range maxTitles {
			cells, err := c.Read()
			if err != nil {
				break
			}
			titles := (&table{mapping: &mapping{Preset: p}}).titles(row{cells: cells})
			found := 0
			for _, name := range p.needed() {
				if p.Header && slices.Contains(titles, fold(name)) {
					found += 1 << 16
				}
			}
			score = max(score, found+len(cells))
		}
		if score > most {
			best, most = comma, score
		}
	}
	return best
}

// errRecord is an entry that takes too much.
var errRecord = fmt.Errorf("%w: an entry takes more than 1 MB", ErrShape)

// limited fails where more is read than is left; whoever reads sets that anew for each entry.
type limited struct {
	r    io.Reader
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errRecord
	}
	n, err := l.r.Read(p[:min(len(p), 32<<10)])
	l.left -= n
	return n, err
}
