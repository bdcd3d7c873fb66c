package db

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pageBytes bounds what the rows of a page weigh together, so that long names make more pages and no longer ones.
const pageBytes = 64 << 10

// Place is where a page of a list begins: after a row, or before one. A row is known by its key, so that no other row
// is left out or shown twice while rows come and go. The zero value is the begin of the list.
type Place struct {
	Key    string
	Before bool
}

// Page is a part of a list, with the keys that the pages around it begin from; empty where there is none.
type Page[T any] struct {
	Rows          []T
	Before, After string
}

// List is a list of which a page is read.
type List[T any] struct {
	Select string   // up to its last term
	Order  []string // columns, and no terms, which SQLite reads from the begin of an index; whole numbers and texts. Together no two rows have the same
	Down   bool     // from the largest instead
	Scan   func(Row) (T, error)
	Key    func(T) []any // what a row has in these columns: int64 or string
	Weight func(T) int   // bytes of a row that may be long
}

// ErrPlace is a key that no page has given.
var ErrPlace = errors.New("not a place in this list")

// Page reads at most limit rows. Where what it was to show is gone meanwhile, it is the nearest page that there is.
func (l List[T]) Page(ctx context.Context, q Reader, at Place, limit int, args ...any) (p Page[T], err error) {
	rows, more, err := l.read(ctx, q, at, limit, args)
	if err != nil {
		return p, err
	}
	switch {
	case at.Before && !more && len(rows) < limit:
		return l.Page(ctx, q, Place{}, limit, args...)
	case at.Key != "" && !at.Before && len(rows) == 0:
		return l.Page(ctx, q, Place{at.Key, true}, limit, args...)
	}
	p.Rows = rows
	if len(rows) == 0 {
		return p, nil
	}
	if at.Key != "" && (!at.Before || more) {
		p.Before = l.text(rows[0])
	}
	if at.Before || more {
		p.After = l.text(rows[len(rows)-1])
	}
	return p, nil
}

// read returns the rows nearest to a place, in the order of the list, and whether there are more beyond them.
func (l List[T]) read(ctx context.Context, q Reader, at Place, limit int, args []any) (rows []T, more bool, err error) {
	query, order := l.Select, strings.Join(l.Order, ", ")
	if at.Key != "" {
		key, err := l.parse(at.Key)
		if err != nil {
			return nil, false, err
		}
		query += fmt.Sprintf(" AND (%s) %s (?%s)", order, map[bool]string{false: ">", true: "<"}[at.Before != l.Down], strings.Repeat(", ?", len(l.Order)-1))
		args = append(slices.Clip(args), key...)
	}
	if at.Before != l.Down {
		order = strings.Join(l.Order, " DESC, ") + " DESC"
	}
	weight := 0
	for one, err := range Each(l.Scan)(q.QueryContext(ctx, query+" ORDER BY "+order+" LIMIT ?", append(slices.Clip(args), limit+1)...)) {
		if err != nil {
			return nil, false, err
		}
		if weight += l.Weight(one); len(rows) == limit || len(rows) > 0 && weight > pageBytes {
			more = true
			break
		}
		rows = append(rows, one)
	}
	if at.Before {
		slices.Reverse(rows)
	}
	return rows, more, nil
}

func (l List[T]) text(row T) string {
	var parts []string
	for _, one := range l.Key(row) {
		if text, ok := one.(string); ok {
			one = base64.RawURLEncoding.EncodeToString([]byte(text))
		}
		parts = append(parts, fmt.Sprint(one))
	}
	return strings.Join(parts, ".")
}

func (l List[T]) parse(text string) (key []any, err error) {
	var none T
	key = l.Key(none)
	parts := strings.Split(text, ".")
	if len(parts) != len(key) {
		return nil, ErrPlace
	}
	for i, part := range parts {
		if _, ok := key[i].(string); ok {
			var text []byte
			text, err = base64.RawURLEncoding.DecodeString(part)
			key[i] = string(text)
			if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
				return nil, ErrPlace
			}
		} else {
			key[i], err = strconv.ParseInt(part, 10, 64)
		}
		if err != nil {
			return nil, ErrPlace
		}
	}
	return key, nil
}
