package feed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"regexp"
	"slices"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"
)

// readers are all that Claims knows; another one is one more of them. They get at most 256 MB, in UTF-8 and without a
// mark in front, save of a spreadsheet.
var readers map[string]Reader

func init() { // Preset.check asks for them
	readers = map[string]Reader{
		"adblock": readAdblock, "rpz": readRPZ, "stix": readSTIX, "misp": readMISP,
		"lines": readLines,
		"hosts": readHosts,
		"csv":   readCSV,
		"tsv":   readTSV,
		"json":  readJSON,
		"jsonl": readJSONL,
		"xlsx":  readXLSX,
	}
}

// ClaimFormats are the names of all formats of Claims.
func ClaimFormats() []string {
	var all []string
	for name := range readers {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Claims reads a list as its preset says, entry by entry; how much memory it takes does not grow with the list. The
// errors are *Refused for an entry of which nothing is taken, behind which it goes on, and one that ends it, by which
// nothing of the list is to be used: ErrPreset, ErrShape, ErrTooLarge, ErrEncoding and those of r.
func Claims(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		if err := p.Check(); err != nil {
			yield(Claim{}, err)
			return
		}
		if p.Comment == "" {
			p.Comment = "#"
		}
		r := io.Reader(&bounded{r, maxList})
		if p.Format != "xlsx" {
			var err error
			if r, err = decoded(r, p.Encoding); err != nil {
				yield(Claim{}, err)
				return
			}
		}
		readers[p.Format](r, p)(yield)
	}
}

// ErrPage is a web page where a list was expected, such as one that asks to sign in.
var ErrPage = errors.New("this is a web page and no list")

// decoded is a text in UTF-8, without a mark in front.
func decoded(r io.Reader, name string) (io.Reader, error) {
	if name != "" {
		e, err := htmlindex.Get(name)
		if err != nil {
			return nil, err
		}
		r = &bounded{transform.NewReader(r, e.NewDecoder()), maxList}
	}
	in := bufio.NewReaderSize(r, 64<<10)
	begin, err := in.Peek(1024)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(begin, []byte("\ufeff")):
		in.Discard(3)
		begin = begin[3:]
	case bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")), bytes.Count(begin, []byte{0}) > len(begin)/4:
		return nil, ErrEncoding
	}
	if webPage.Match(begin) {
		return nil, errors.Join(ErrShape, ErrPage)
	}
	return in, nil
}

var webPage = regexp.MustCompile(`(?i)^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b`)
