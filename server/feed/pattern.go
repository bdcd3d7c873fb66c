package feed

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrPattern is a pattern of STIX that says more than which of several things it is.
var ErrPattern = errors.New("a pattern of which not all is understood")

// comparison is one of a pattern: what of an object has which value.
type comparison struct{ path, value string }

// alternatives are the things that a pattern names: any of them, each by comparisons that all hold.
type alternatives [][]comparison

// Bounds on a pattern.
const (
	maxComparisons = 10_000
	maxBrackets    = 32
)

// parsePattern reads the part of STIX 2.1's pattern language (section 9) in which things are named: comparisons by =,
// with OR between them or between observations, and AND between those of one thing. All else is ErrPattern, by its name.
func parsePattern(text string) (alternatives, error) {
	p := &pattern{rest: text}
	p.next()
	all, err := p.observations(0)
	if err == nil && p.word != "" {
		err = p.foreign()
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// String is the pattern, as parsePattern reads it again.
func (a alternatives) String() string {
	var b strings.Builder
	for i, all := range a {
		if i > 0 {
			b.WriteString(" OR ")
		}
		b.WriteByte('[')
		for j, c := range all {
			if j > 0 {
				b.WriteString(" AND ")
			}
			b.WriteString(c.path + " = '" + escapes.Replace(c.value) + "'")
		}
		b.WriteByte(']')
	}
	return b.String()
}

var escapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// pattern is one that is being read, word by word.
type pattern struct {
	rest, word string
	kind       int
	count      int
}

// Kinds of words: the way to a property, a text in quotes, and others.
const (
	aPath = iota + 1
	aText
	aWord
	aSign
)

var patternWord = regexp.MustCompile(`^[\s\x{a0}]*(?:` +
	`([A-Za-z][A-Za-z0-9-]*:(?:[A-Za-z0-9_-]+|'[^']*')(?:\.(?:[A-Za-z0-9_-]+|'[^']*')|\[(?:\*|[0-9]+)\])*)|` +
	`('(?:[^'\\]|(?s:\\.))*')|([A-Za-z0-9_.+-]+(?:'[^']*')?)|(!=|<=|>=|<>|(?s:.)))`)

func (p *pattern) next() {
	p.word, p.kind = "", 0
	m := patternWord.FindStringSubmatchIndex(p.rest)
	if m == nil {
		return
	}
	for kind := aPath; kind <= aSign; kind++ {
		if m[2*kind] >= 0 {
			p.word, p.kind = p.rest[m[2*kind]:m[2*kind+1]], kind
		}
	}
	p.rest = p.rest[m[1]:]
}

// is goes on behind a word, if it is the next one.
func (p *pattern) is(word string) bool {
	if p.word != word || p.kind == aText {
		return false
	}
	p.next()
	return true
}

// foreign is the error of a word that does not belong here.
func (p *pattern) foreign() error {
	switch p.kind {
	case 0:
		return fmt.Errorf("%w: it ends in the middle", ErrPattern)
	case aText:
		return fmt.Errorf("%w: a text where none belongs", ErrPattern)
	}
	return fmt.Errorf("%w: %s", ErrPattern, cut(plain(p.word), 60))
}

// either reads what stands between OR.
func (p *pattern) either(depth int, one func(depth int) (alternatives, error)) (all alternatives, err error) {
	if depth > maxBrackets {
		return nil, fmt.Errorf("%w: too many brackets in one another", ErrPattern)
	}
	for {
		some, err := one(depth)
		if err != nil {
			return nil, err
		}
		if all = append(all, some...); !p.is("OR") {
			return all, nil
		}
	}
}

func (p *pattern) observations(depth int) (alternatives, error) {
	return p.either(depth, p.observation)
}

func (p *pattern) observation(depth int) (all alternatives, err error) {
	end := "]"
	switch {
	case p.is("["):
		all, err = p.either(depth+1, p.every)
	case p.is("("):
		all, err = p.observations(depth + 1)
		end = ")"
	default:
		return nil, p.foreign()
	}
	if err == nil && !p.is(end) {
		err = p.foreign()
	}
	return all, err
}

// every reads comparisons with AND between them.
func (p *pattern) every(depth int) (alternatives, error) {
	all, err := p.comparison(depth)
	for err == nil && p.is("AND") {
		var more alternatives
		if more, err = p.comparison(depth); err == nil && (len(all) > 1 || len(more) > 1) {
			err = fmt.Errorf("%w: AND with OR inside", ErrPattern)
		}
		if err == nil {
			all[0] = append(all[0], more[0]...)
		}
	}
	return all, err
}

func (p *pattern) comparison(depth int) (alternatives, error) {
	if p.is("(") {
		all, err := p.either(depth+1, p.every)
		if err == nil && !p.is(")") {
			err = p.foreign()
		}
		return all, err
	}
	if p.count++; p.count > maxComparisons {
		return nil, fmt.Errorf("%w: more than %d comparisons", ErrPattern, maxComparisons)
	}
	c := comparison{path: p.word}
	if p.kind != aPath {
		return nil, p.foreign()
	}
	if p.next(); !p.is("=") || p.kind != aText {
		return nil, p.foreign()
	}
	var err error
	c.value, err = unescaped(p.word)
	p.next()
	return alternatives{{c}}, err
}

// unescaped is the value of a text in quotes, in which only they and the backslash are escaped.
func unescaped(text string) (string, error) {
	var b strings.Builder
	for i := 1; i < len(text)-1; i++ {
		if text[i] == '\\' {
			if i++; text[i] != '\\' && text[i] != '\'' {
				return "", fmt.Errorf("%w: an escape that there is not", ErrPattern)
			}
		}
		b.WriteByte(text[i])
	}
	return b.String(), nil
}
