package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// maxDepth is how deep the way to the records may lead.
const maxDepth = 64

// recordReader reads JSON as a preset says, record by record.
type recordReader struct {
	*mapping
	yield func(Claim, error) bool
	seen  map[string]bool // fields of the preset that some record has had
	names []string        // those that none has had yet
	each  []string
	n     int
	found bool
	ended bool // nobody wants more
}

func newRecordReader(p Preset, yield func(Claim, error) bool) *recordReader {
	return &recordReader{mapping: newMapping(p), yield: yield, seen: map[string]bool{}, names: p.named(), each: way(p.Each)}
}

// way is the way to a member of JSON; that a step leads to a list may be written.
func way(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(strings.ReplaceAll(path, "[]", ""), ".")
}

func readJSON(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		rec := newRecordReader(p, yield)
		in := &limited{r: r}
		w := &walk{recordReader: rec, Decoder: json.NewDecoder(in), in: in}
		w.UseNumber()
		err := w.value(way(p.Records), "", 0)
		if err == nil {
			if _, err = w.token(); err == nil {
				err = fmt.Errorf("%w: something stands behind it", ErrShape)
			} else if err == io.EOF {
				err = nil
			}
		} else if err == io.EOF && !w.begun {
			return // an empty list says nothing
		}
		if err == nil && !rec.found {
			err = missing("member", p.Records)
		}
		if err == nil {
			err = rec.complete()
		}
		if err != nil && !rec.ended {
			yield(Claim{}, wrong(err))
		}
	}
}

// wrong is an error of what is no JSON, or only a part of it.
func wrong(err error) error {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: it ends in the middle", ErrShape)
	case syntax:
		return fmt.Errorf("%w: %w", ErrShape, err)
	}
	return err
}

// walk goes through JSON as a stream.
type walk struct {
	*recordReader
	*json.Decoder
	in    *limited
	begun bool // something was read
}

func (w *walk) token() (json.Token, error) {
	w.in.left = maxRecord
	t, err := w.Token()
	w.begun = w.begun || err == nil
	return t, err
}

// value goes through a value, the records of which lie at the end of the way.
func (w *walk) value(way []string, key string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: it is deeper than %d", ErrShape, maxDepth)
	}
	t, err := w.token()
	if err != nil {
		return err
	}
	w.found = w.found || len(way) == 0
	switch {
	case t == json.Delim('['):
		for w.More() {
			if len(way) > 0 {
				err = w.value(way, key, depth+1)
			} else {
				var v any
				w.in.left = maxRecord
				if err = w.Decode(&v); err == nil {
					err = w.list(v, key, depth)
				}
			}
			if err != nil {
				return err
			}
		}
		_, err = w.token()
	case t == json.Delim('{') && len(way) == 0:
		object := map[string]any{}
		w.in.left = maxRecord
		for w.More() {
			name, err := w.Token()
			if err != nil {
				return err
			}
			var v any
			if err := w.Decode(&v); err != nil {
				return err
			}
			object[name.(string)] = v
		}
		if _, err = w.token(); err == nil {
			err = w.record(object, key, 0)
		}
	case t == json.Delim('{'):
		for w.More() {
			name, err := w.token()
			if err != nil {
				return err
			}
			if way[0] == name || way[0] == "*" {
				err = w.value(way[1:], name.(string), depth+1)
			} else {
				err = w.skip()
			}
			if err != nil {
				return err
			}
		}
		_, err = w.token()
	case len(way) == 0 && t != nil:
		err = w.record(t, key, 0)
	}
	return err
}

// list takes a record, or each of a list of them, unless the preset says that records are lists.
func (w *walk) list(v any, key string, depth int) error {
	list, ok := v.([]any)
	if !ok || w.Columns != nil || slices.ContainsFunc(list, isScalar) && slices.ContainsFunc(w.Value, isPosition) {
		return w.record(v, key, 0)
	}
	for _, v := range list {
		if depth++; depth > maxRecord {
			return errRecord
		}
		if err := w.list(v, key, depth); err != nil {
			return err
		}
	}
	return nil
}

func isPosition(name string) bool { _, err := strconv.Atoi(name); return err == nil }

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func (w *walk) skip() error {
	for depth := 0; ; {
		t, err := w.token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			if depth++; depth > 10_000 {
				return fmt.Errorf("%w: it is too deep", ErrShape)
			}
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// record hands over what a record says; line is where it stands, or 0 where records are counted.
func (c *recordReader) record(v any, key string, line int) error {
	c.n++
	if line == 0 {
		line = c.n
	}
	one := object{record: v, key: key, columns: c.Columns, also: c.Also}
	inner := []any{v}
	if c.each != nil {
		inner = one.reach(v, c.each)
		if len(inner) == 1 {
			if list, ok := inner[0].([]any); ok {
				inner = list
			}
		}
		one.outer = v
	}
	for _, v := range inner {
		one.record = v
		c.names = slices.DeleteFunc(c.names, func(name string) bool {
			if _, has := one.find(name); has {
				c.seen[name] = true
			}
			return c.seen[name]
		})
		if !c.claims(one.look, Place{Line: line}, c.yield) {
			c.ended = true
			return errEnded
		}
	}
	return nil
}

// complete tells whether each field was in some record.
func (c *recordReader) complete() error {
	if _, lack := c.lacks(func(name string) bool { return c.seen[name] }); c.n > 0 && lack != "" {
		return missing("field", lack)
	}
	return nil
}

// object is a record of JSON.
type object struct {
	record, outer any
	key           string
	columns       []string
	also          map[string][]string
}

func (o *object) look(name string) []string {
	found, _ := o.find(name)
	var said []string
	for _, v := range found {
		said = sayings(said, v)
	}
	return said
}

// find is what lies at the end of the way that a field is, and whether the way is there at all.
func (o *object) find(name string) ([]any, bool) {
	found, ok := o.findAs(name)
	for _, other := range o.also[name] {
		if !ok {
			found, ok = o.findAs(other)
		}
	}
	return found, ok
}

func (o *object) findAs(name string) ([]any, bool) {
	from := o.record
	if name == "@key" {
		return []any{o.key}, o.key != ""
	}
	if rest, ok := strings.CutPrefix(name, "^"); ok && o.outer != nil {
		from, name = o.outer, rest
	}
	if name == "." {
		return []any{from}, true
	}
	if list, ok := from.([]any); ok {
		i := slices.Index(o.columns, name)
		if n, err := strconv.Atoi(name); err == nil && o.columns == nil {
			i = n - 1
		}
		if i < 0 || i >= len(list) {
			return nil, false
		}
		return list[i : i+1], true
	}
	if members, ok := from.(map[string]any); ok {
		if v, ok := members[name]; ok {
			return []any{v}, true
		}
	}
	found := o.reach(from, way(name))
	return found, len(found) > 0
}

// reach is what lies at the end of a way, on which lists are gone through.
func (o *object) reach(from any, way []string) []any {
	if len(way) == 0 {
		return []any{from}
	}
	switch from := from.(type) {
	case map[string]any:
		if v, ok := from[way[0]]; ok {
			return o.reach(v, way[1:])
		}
	case []any:
		if n, err := strconv.Atoi(way[0]); err == nil {
			if n >= 0 && n < len(from) {
				return o.reach(from[n], way[1:])
			}
			return nil
		}
		var all []any
		for _, v := range from {
			all = append(all, o.reach(v, way)...)
		}
		return all
	}
	return nil
}

// sayings adds a value as text. Of an object it is only told that there is one.
func sayings(said []string, v any) []string {
	switch v := v.(type) {
	case string:
		return append(said, v)
	case json.Number:
		return append(said, v.String())
	case bool:
		return append(said, strconv.FormatBool(v))
	case map[string]any:
		return append(said, "{}")
	case []any:
		for _, v := range v {
			said = sayings(said, v)
		}
	}
	return said
}

// readJSONL reads a record of JSON a line.
func readJSONL(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		rec := newRecordReader(p, yield)
		good := false
		err := eachLine(r, maxRecord, "#", func(line int, text string, err error) error {
			var v any
			if err == nil {
				d := json.NewDecoder(bytes.NewReader([]byte(text)))
				d.UseNumber()
				if err = d.Decode(&v); err == nil && d.More() {
					err = errors.New("something stands behind the record")
				}
			}
			if err != nil {
				if !good {
					return fmt.Errorf("%w: line %d is no record of JSON", ErrShape, line)
				}
				if !yield(Claim{}, &Refused{Place: Place{Line: line}, Value: cut(text, 200), Why: errors.New("no record of JSON")}) {
					return errEnded
				}
				return nil
			}
			good = true
			return rec.record(v, "", line)
		})
		if err == nil {
			err = rec.complete()
		}
		if err != nil && err != errEnded {
			yield(Claim{}, err)
		}
	}
}
