// Package feed brings lists of others in, and takes ours out.
//
// Reading is liberal in what it takes and exact in what it says: every line that
// names nothing is refused with its number and a reason, and no line is passed over
// in silence, save blank ones and comments.
package feed

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/texts"
)

// Bounds on a list.
const (
	maxLine = 8 << 10
	maxList = 256 << 20
)

var (
	// ErrFormat is a format that Read does not know, or a list that is not of it.
	ErrFormat = errors.New("not a list of this format")
	// ErrTooLarge is a list above 256 MB.
	ErrTooLarge = errors.New("the list is larger than 256 MB")
	// ErrEncoding is a list that is not in UTF-8, and in no other encoding that was named.
	ErrEncoding = errors.New("the list is not in UTF-8: save it as that, or name its encoding")
)

// Item is one indicator and the line it stands in, counted from 1.
type Item struct {
	Line int
	ledger.Indicator
}

// Refusal is a line that names nothing that could be listed.
type Refusal struct {
	Line int
	Why  string
}

// Result is what a list says.
type Result struct {
	Items      []Item
	Lines      int // with blank ones and comments
	Duplicates int // subjects that an earlier line had already
	Refused    []Refusal
}

// reader collects the result.
type reader struct {
	Result
	seen map[subject.Subject]bool
}

// Format is a way to write a list.
type Format struct {
	Name, About string
	read        func(c *reader, in *bufio.Reader, progress func(int)) error
}

// Formats are all that Read knows; another one is one more of them.
func Formats() []Format {
	return []Format{
		{"urls", "a URL, host name or page a line; # begins a comment", func(c *reader, in *bufio.Reader, progress func(int)) error {
			return c.lines(in, progress, c.url)
		}},
		{"hosts", "a hosts file: 0.0.0.0 name", func(c *reader, in *bufio.Reader, progress func(int)) error {
			return c.lines(in, progress, c.hosts)
		}},
		{"csv", "with a header: url or " + strings.Join(slices.Concat(worded, []string{"first_seen", "lapses"}), ", "), (*reader).csv},
	}
}

// Read reads a list in one of the formats. Lines end with LF, CR or both. Progress, which may be
// nil, is told the number of lines so far every thousand lines. Category, reason and
// all else that the list does not say is left empty. The errors are ErrFormat,
// ErrTooLarge, ErrEncoding and those of r.
func Read(format string, r io.Reader, progress func(lines int)) (Result, error) {
	if progress == nil {
		progress = func(int) {}
	}
	in := bufio.NewReaderSize(&lineEnds{r: &bounded{r, maxList}}, 64<<10)
	if mark, _ := in.Peek(3); bytes.HasPrefix(mark, []byte("\xff\xfe")) || bytes.HasPrefix(mark, []byte("\xfe\xff")) {
		return Result{}, ErrEncoding
	} else if string(mark) == "\ufeff" {
		in.Discard(3)
	}
	c := &reader{seen: map[subject.Subject]bool{}}
	all := Formats()
	i := slices.IndexFunc(all, func(f Format) bool { return f.Name == format })
	if i < 0 {
		return c.Result, fmt.Errorf("%w: there is no format %q", ErrFormat, format)
	}
	err := all[i].read(c, in, progress)
	return c.Result, err
}

// bounded fails where a reader goes on after left bytes.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

// lineEnds gives every line of a text the end LF, where it has CR, or CR and LF.
type lineEnds struct {
	r  io.Reader
	cr bool // the byte before was one
}

func (l *lineEnds) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	kept := p[:0]
	for _, c := range p[:n] {
		switch {
		case c == '\r':
			kept = append(kept, '\n')
		case c != '\n' || !l.cr:
			kept = append(kept, c)
		}
		l.cr = c == '\r'
	}
	return len(kept), err
}

// lines hands over each line that is neither blank nor a comment.
func (c *reader) lines(in *bufio.Reader, progress func(int), take func(line int, text string)) error {
	for {
		raw, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return err
		}
		if len(raw) > 0 {
			c.Lines++
			if c.Lines%1000 == 0 {
				progress(c.Lines)
			}
			switch text := strings.TrimSpace(string(raw)); {
			case long || len(text) > maxLine:
				c.refuse(c.Lines, "the line is longer than 8 kB")
			case !utf8.ValidString(text):
				c.refuse(c.Lines, "the line is not UTF-8")
			case text != "" && text[0] != '#':
				take(c.Lines, text)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

func (c *reader) refuse(line int, why string) { c.Refused = append(c.Refused, Refusal{line, why}) }

func (c *reader) take(line int, i ledger.Indicator) {
	if c.seen[i.Subject] {
		c.Duplicates++
		return
	}
	c.seen[i.Subject] = true
	c.Items = append(c.Items, Item{line, i})
}

func (c *reader) url(line int, text string) {
	if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 { // "example.com  # bought in March"
		if strings.HasPrefix(strings.TrimSpace(text[i:]), "#") {
			text = text[:i]
		}
	}
	s, address, err := Entry(text)
	if err != nil {
		c.refuse(line, err.Error())
		return
	}
	c.take(line, ledger.Indicator{Subject: s, Address: address})
}

// own are the names that a hosts file gives to its own machine.
var own = map[string]bool{
	"localhost": true, "localhost.localdomain": true, "local": true, "broadcasthost": true, "0.0.0.0": true,
	"ip6-localhost": true, "ip6-loopback": true, "ip6-localnet": true, "ip6-mcastprefix": true,
	"ip6-allnodes": true, "ip6-allrouters": true, "ip6-allhosts": true,
}

// hosts takes a line of a hosts file (hosts(5)): an address, names, a comment.
func (c *reader) hosts(line int, text string) {
	text, _, _ = strings.Cut(text, "#")
	part := strings.Fields(text)
	switch {
	case len(part) == 0:
	case len(part) == 1:
		c.refuse(line, "an address and a host name are wanted")
	case !sinks[part[0]]:
		c.refuse(line, "the address is not one that hosts files block with, such as 0.0.0.0")
	default:
		for _, host := range part[1:] {
			if own[strings.ToLower(host)] {
				continue
			}
			if strings.ContainsAny(host, "/?:@[]\\") || !strings.Contains(host, ".") {
				c.refuse(line, "not a host name")
				continue
			}
			s, _, err := fromAddress(host)
			if err != nil {
				c.refuse(line, err.Error())
				continue
			}
			c.take(line, ledger.Indicator{Subject: s})
		}
	}
}

var sinks = map[string]bool{"0.0.0.0": true, "127.0.0.1": true, "::": true, "::1": true, "0": true, "fe80::1%lo0": true, "255.255.255.255": true, "ff02::1": true, "ff02::2": true, "ff02::3": true, "ff00::0": true}

// columns of a CSV list; url or subject is needed, the others may be missing.
var columns = func() map[string]bool {
	names := map[string]bool{"url": true, "first_seen": true, "lapses": true}
	for _, name := range worded {
		names[name] = true
	}
	return names
}()

// worded are those columns that may have any text: with the reason in every language.
var worded = func() []string {
	names := []string{"subject", "category", "source", "reference"}
	for _, lang := range texts.All() {
		names = append(names, "reason_"+lang)
	}
	return names
}()

func (c *reader) csv(in *bufio.Reader, progress func(int)) error {
	first, _ := in.Peek(4096)
	first, _, _ = bytes.Cut(first, []byte("\n"))
	r := csv.NewReader(in)
	if named := bytes.TrimRight(first, "\r"); len(named) == len("sep=;") && bytes.HasPrefix(named, []byte("sep=")) { // in front of the header, for Excel
		in.Discard(len(first) + 1)
		r.Comma = rune(named[4])
	} else {
		for _, comma := range ";\t|" { // what spreadsheets write where the comma is in numbers, and what is copied out of them
			if bytes.Count(first, []byte(string(comma))) > bytes.Count(first, []byte(string(r.Comma))) {
				r.Comma = comma
			}
		}
	}
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	header, err := r.Read()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %v", ErrFormat, err)
	}
	c.Lines = 1
	at := map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if columns[name] {
			if _, twice := at[name]; twice {
				return fmt.Errorf("%w: two columns are called %s", ErrFormat, name)
			}
			at[name] = i
		}
	}
	_, hasURL := at["url"]
	if _, hasSubject := at["subject"]; !hasURL && !hasSubject {
		return fmt.Errorf("%w: the first line must name a column \"url\" or \"subject\"", ErrFormat)
	}
	for records := 1; ; records++ {
		record, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if records%1000 == 0 {
			progress(records)
		}
		if err != nil {
			bad, ok := errors.AsType[*csv.ParseError](err)
			if !ok {
				return err
			}
			c.Lines = max(c.Lines, bad.Line)
			why := "the quotes do not match"
			if bad.Line > bad.StartLine {
				why = fmt.Sprintf("%s, and nothing is read up to line %d", why, bad.Line)
			}
			c.refuse(bad.StartLine, why)
			continue
		}
		line, _ := r.FieldPos(0)
		c.Lines = max(c.Lines, line)
		cell := func(name string) string {
			i, ok := at[name]
			if !ok || i >= len(record) {
				return ""
			}
			return unguard(strings.TrimSpace(record[i]))
		}
		if strings.TrimSpace(strings.Join(record, "")) == "" {
			continue
		}
		i, err := indicator(cell)
		if err != nil {
			c.refuse(line, err.Error())
			continue
		}
		c.take(line, i)
	}
}

func indicator(cell func(string) string) (i ledger.Indicator, err error) {
	for _, name := range append([]string{"url"}, worded...) {
		if v := cell(name); len(v) > maxLine || !utf8.ValidString(v) {
			return i, fmt.Errorf("%s is longer than 8 kB, or not UTF-8", name)
		}
	}
	if i.Subject, i.Address, err = named(cell("subject"), cell("url")); err != nil {
		return i, err
	}
	if slug := cell("category"); slug != "" {
		var known bool
		if i.Category, known = category.Parse(strings.ToLower(slug)); !known {
			return i, errors.New("no such category")
		}
	}
	if i.FirstSeen, err = moment(cell("first_seen")); err != nil {
		return i, fmt.Errorf("first_seen: %w", err)
	}
	if i.Lapses, err = moment(cell("lapses")); err != nil {
		return i, fmt.Errorf("lapses: %w", err)
	}
	for _, lang := range texts.All() {
		if reason := cell("reason_" + lang); reason != "" {
			if i.Reason == nil {
				i.Reason = map[string]string{}
			}
			i.Reason[lang] = reason
		}
	}
	i.Source, i.Reference = cell("source"), cell("reference")
	return i, nil
}

// named reads what is listed from a subject and an address, one of which may be missing. Where both are there, the
// address must name the subject.
func named(name, url string) (s subject.Subject, address string, err error) {
	switch {
	case name == "" && url == "":
		return "", "", errors.New("no address in the line")
	case name == "":
		return Entry(url)
	}
	if s, err = subject.Parse(name); err != nil {
		if s, address, err = Entry(name); err != nil {
			return "", "", err
		}
	} else if !s.IsListable() {
		return "", "", ErrHost
	}
	if url == "" || url == s.Address() {
		return s, address, nil
	}
	href, err := Href(url)
	if err != nil {
		return "", "", fmt.Errorf("url: %w", err)
	}
	if named, err := subject.FromHref(nil, href); err != nil || !slices.Contains(named, s) {
		return "", "", errors.New("the subject and the url are not of the same thing")
	}
	return s, ledger.Seen(href, s), nil
}

// latest is the last second of the year 9999, beyond which no date has a form.
const latest = 253402300799

// earliest is the first Unix second that counts as one: spreadsheets count days, some 45,000 of them.
const earliest = 100_000_000

// moment reads a day, a time as in RFC 3339, or Unix seconds; nothing is 0.
func moment(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && (n == 0 || n >= earliest && n <= latest) {
		return n, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil && t.Unix() > 0 {
			return t.Unix(), nil
		}
	}
	return 0, errors.New("a day such as 2026-11-23 is wanted")
}
