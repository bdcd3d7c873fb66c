package feed

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Bounds on a spreadsheet: its file and the texts in it, which are held in memory, and how deep its XML goes.
const (
	maxPacked  = 64 << 20
	maxWords   = 64 << 20
	maxNesting = 64
)

// readXLSX reads a sheet of a spreadsheet (ECMA-376, part 1, section 18), row by row. Numbers and days are taken as they
// are stored, not as they are shown.
func readXLSX(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		b, err := openBook(r)
		if err != nil {
			yield(Claim{}, err)
			return
		}
		s, err := b.open(p.Sheet)
		if err != nil {
			yield(Claim{}, err)
			return
		}
		for _, when := range []**Moment{&p.First, &p.Last, &p.Lapses} {
			if m := *when; m != nil {
				*when = &Moment{m.Field, append(slices.Clip(m.known()), b.days), m.Zone, m.Era}
			}
		}
		for claim, err := range readTable(p, s.next) {
			if refused, ok := errors.AsType[*Refused](err); ok {
				refused.Place.Name = s.name
			} else if err == nil {
				claim.Place.Name = s.name
			}
			if !yield(claim, err) {
				return
			}
		}
	}
}

// book is a spreadsheet.
type book struct {
	parts   *zip.Reader
	left    int64 // that may still be unpacked
	sheets  []sheetEntry
	targets map[string]string // parts by the names that the workbook has for them
	words   []byte            // the shared strings, one behind the other
	ends    []uint32          // where each ends
	days    string            // the layout of its days
}

type sheetEntry struct {
	Name  string `xml:"name,attr"`
	State string `xml:"state,attr"`
	ID    string `xml:"id,attr"`
}

func damaged(err error) error {
	if errors.Is(err, ErrTooLarge) || errors.Is(err, ErrShape) {
		return err
	}
	return fmt.Errorf("%w: a damaged spreadsheet: %w", ErrShape, err)
}

func openBook(r io.Reader) (*book, error) {
	data, err := io.ReadAll(&bounded{r, maxPacked})
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte{0xd0, 0xcf, 0x11, 0xe0}) {
		return nil, fmt.Errorf("%w: a spreadsheet with a password, or of before 2007: save it as .xlsx without one", ErrShape)
	}
	parts, err := OpenZIP(bytes.NewReader(data), int64(len(data)))
	if errors.Is(err, errDirectory) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: no spreadsheet (.xlsx), or only a part of one", ErrShape)
	}
	b := &book{parts: parts, left: maxList, days: "days"}
	top, err := b.relations("")
	if err != nil {
		return nil, damaged(err)
	}
	main := top["officeDocument"]
	if b.targets, err = b.relations(main); err != nil {
		return nil, damaged(err)
	}
	var workbook struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []sheetEntry `xml:"sheets>sheet"`
	}
	if err := b.small(main, &workbook); err != nil {
		return nil, damaged(err)
	}
	if d := workbook.Properties.Date1904; d == "1" || d == "true" {
		b.days = "days-1904"
	}
	b.sheets = workbook.Sheets
	if shared := b.targets["sharedStrings"]; shared != "" {
		if err := b.share(shared); err != nil {
			return nil, damaged(err)
		}
	}
	return b, nil
}

// part opens a part, which counts against what may be unpacked.
func (b *book) part(name string) (io.ReadCloser, error) {
	file, err := b.parts.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s is missing", path.Base(name))
	}
	return struct {
		io.Reader
		io.Closer
	}{&budget{file, &b.left}, file}, nil
}

// budget fails where readers that share it go on after left bytes.
type budget struct {
	r    io.Reader
	left *int64
}

func (b *budget) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if *b.left -= int64(n); *b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

// small reads a part of at most a megabyte as a whole.
func (b *book) small(name string, into any) error {
	part, err := b.part(name)
	if err != nil {
		return err
	}
	defer part.Close()
	return xml.NewDecoder(&bounded{part, maxRecord}).Decode(into)
}

// relations are the parts to which a part leads, by the name that it has for each, and by the kind of each.
func (b *book) relations(of string) (map[string]string, error) {
	dir, base := path.Split(of)
	var list struct {
		Relationship []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		}
	}
	if err := b.small(path.Join(dir, "_rels", base+".rels"), &list); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, r := range list.Relationship {
		target := strings.TrimPrefix(path.Join("/", dir, r.Target), "/")
		if strings.HasPrefix(r.Target, "/") {
			target = strings.TrimPrefix(path.Clean(r.Target), "/")
		}
		all[r.ID], all[path.Base(r.Type)] = target, target
	}
	return all, nil
}

// markup is the XML of a part.
type markup struct {
	part  io.ReadCloser
	in    *limited
	xml   *xml.Decoder
	depth int
}

func (b *book) markup(name string) (*markup, error) {
	part, err := b.part(name)
	if err != nil {
		return nil, err
	}
	in := &limited{r: part}
	return &markup{part: part, in: in, xml: xml.NewDecoder(in)}, nil
}

func (s *markup) token() (xml.Token, error) {
	s.in.left = maxRecord
	t, err := s.xml.Token()
	switch t.(type) {
	case xml.StartElement:
		if s.depth++; s.depth > maxNesting {
			return nil, errors.New("its XML is too deep")
		}
	case xml.EndElement:
		s.depth--
	}
	return t, err
}

// text is all text up to the end of the element that was just begun, without how it is pronounced.
func (s *markup) text() (string, error) {
	var b strings.Builder
	mute := 0
	for depth := s.depth; ; {
		t, err := s.token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if mute > 0 || t.Name.Local == "rPh" {
				mute++
			}
		case xml.EndElement:
			if mute > 0 {
				mute--
			}
			if s.depth < depth {
				return b.String(), nil
			}
		case xml.CharData:
			if b.Len()+len(t) > maxRecord {
				return "", errRecord
			}
			if mute == 0 {
				b.Write(t)
			}
		}
	}
}

// share reads the shared strings.
func (b *book) share(name string) error {
	s, err := b.markup(name)
	if err != nil {
		return err
	}
	defer s.part.Close()
	for {
		t, err := s.token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := t.(xml.StartElement); ok && start.Name.Local == "si" {
			text, err := s.text()
			if err != nil {
				return err
			}
			if len(b.words)+len(text) > maxWords {
				return ErrTooLarge
			}
			b.words = append(b.words, text...)
			b.ends = append(b.ends, uint32(len(b.words)))
		}
	}
}

func (b *book) word(number string) (string, error) {
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i >= len(b.ends) {
		return "", errors.New("a shared string is missing")
	}
	begin := uint32(0)
	if i > 0 {
		begin = b.ends[i-1]
	}
	return string(b.words[begin:b.ends[i]]), nil
}

// sheet is one that is read.
type sheet struct {
	*book
	*markup
	name  string
	line  int
	cells []string
	odd   map[int]error
}

// open opens the sheet of that name, or the first that is shown.
func (b *book) open(name string) (*sheet, error) {
	for _, e := range b.sheets {
		if name == "" && e.State != "" && e.State != "visible" || name != "" && fold(name) != fold(e.Name) {
			continue
		}
		s, err := b.markup(b.targets[e.ID])
		if err != nil {
			return nil, damaged(err)
		}
		return &sheet{book: b, markup: s, name: e.Name}, nil
	}
	return nil, missing("sheet", name)
}

// next is the next row; at the end, the part is closed.
func (s *sheet) next() (row, error) {
	for {
		t, err := s.token()
		if err == io.EOF {
			s.markup.part.Close()
			return row{}, io.EOF
		}
		if err != nil {
			return row{}, damaged(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "row":
				s.line, s.cells, s.odd = s.line+1, s.cells[:0], nil
				if n, err := strconv.Atoi(attribute(t, "r")); err == nil && n > 0 {
					s.line = n
				}
			case "c":
				if err := s.cell(t); err != nil {
					return row{}, damaged(err)
				}
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				return row{cells: s.cells, line: s.line, odd: s.odd}, nil
			}
		}
	}
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// maxColumns is how many columns a sheet has at most.
const maxColumns = 16384

func (s *sheet) cell(start xml.StartElement) error {
	column := len(s.cells)
	if name := attribute(start, "r"); name != "" {
		column = 0
		for _, c := range []byte(strings.TrimRight(name, "0123456789")) {
			if c < 'A' || c > 'Z' || column > maxColumns {
				return errors.New("a cell has a strange name")
			}
			column = column*26 + int(c-'A') + 1
		}
		column--
	}
	if column < len(s.cells) || column >= maxColumns {
		return errors.New("the cells of a row are in disorder")
	}
	value, formula := "", false
	for depth := s.depth; s.depth >= depth; {
		t, err := s.token()
		if err != nil {
			return err
		}
		inner, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		text, err := s.text()
		if err != nil {
			return err
		}
		switch inner.Name.Local {
		case "v", "is":
			value = text
		case "f":
			formula = true
		}
	}
	odd := error(nil)
	switch attribute(start, "t") {
	case "s":
		var err error
		if value, err = s.word(value); err != nil {
			return err
		}
	case "", "n":
		value, odd = number(value)
	case "b":
		value = strings.NewReplacer("1", "true", "0", "false").Replace(value)
	}
	if formula {
		odd = ErrFormula
	}
	for len(s.cells) < column {
		s.cells = append(s.cells, "")
	}
	if s.cells = append(s.cells, value); odd != nil {
		if s.odd == nil {
			s.odd = map[int]error{}
		}
		s.odd[column] = odd
	}
	return nil
}

// number is a number as people write it. Of one above 10^15 a spreadsheet has lost the last digits.
func number(text string) (string, error) {
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return text, nil
	case math.Abs(n) >= 1e15:
		return text, ErrSpoilt
	}
	return strconv.FormatFloat(n, 'f', -1, 64), nil
}
