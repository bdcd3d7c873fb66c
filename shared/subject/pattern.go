package subject

import "strings"

// captures are what a pattern has taken, in their canonical form.
type captures struct {
	room  []byte
	parts [4]uint8
	from  [4]int
	to    [4]int
	n     int
}

func (c *captures) reset() { c.room, c.n = c.room[:0], 0 }

// matchValue matches the value of a parameter of a query.
func (c *captures) matchValue(pf *platform, pattern, value string) bool {
	if strings.IndexByte(value, '+') >= 0 {
		value = strings.ReplaceAll(value, "+", " ")
	}
	if len(pattern) == 2 && pattern[0] == capture && pf.part(pattern[1]&^0x80).rule.shape == anything {
		return c.take(pf, pattern[1]&^0x80, unescapeOnce(value)) // it is an address, in which more may be escaped
	}
	return c.match(pf, pattern, unescape(value))
}

// take captures a text as a part, if that part can be so.
func (c *captures) take(pf *platform, part uint8, text string) bool {
	if c.n == len(c.parts) {
		return false
	}
	at := len(c.room)
	room, ok := pf.part(part).canonical(c.room, text)
	if !ok {
		c.room = room[:at]
		return false
	}
	c.room = room
	c.parts[c.n], c.from[c.n], c.to[c.n] = part, at, len(room)
	c.n++
	return true
}

// get is what was captured last as a part.
func (c *captures) get(part uint8) []byte {
	for i := c.n - 1; i >= 0; i-- {
		if c.parts[i] == part {
			return c.room[c.from[i]:c.to[i]]
		}
	}
	return nil
}

// match matches all of a text. A literal is written in lower case and fits every case; in
// front of a literal a capture is as short as can be, and what is wild as long as can be.
func (c *captures) match(pf *platform, pattern, text string) bool {
	for pattern != "" {
		if pattern[0] > wild {
			n := literal(pattern)
			if len(text) < n || !sameWord(text[:n], pattern[:n]) {
				return false
			}
			pattern, text = pattern[n:], text[n:]
			continue
		}
		isWild, part := pattern[0] == wild, uint8(0)
		if pattern = pattern[1:]; !isWild {
			part, pattern = pattern[0]&^0x80, pattern[1:]
		}
		taken := text
		if n := literal(pattern); n > 0 {
			end := 0
			switch {
			case n == len(pattern):
				end = len(text) - n
			case isWild:
				end = strings.LastIndex(text, pattern[:n])
			default:
				end = strings.Index(text, pattern[:n])
			}
			if end < 0 || n == len(pattern) && !sameWord(text[end:], pattern) {
				return false
			}
			taken = text[:end]
		}
		if isWild && taken == "" || !isWild && !c.take(pf, part, taken) {
			return false
		}
		text = text[len(taken):]
	}
	return text == ""
}

// literal is the length of the literal that a pattern begins with.
func literal(pattern string) int {
	for i := range len(pattern) {
		if pattern[i] <= siteOfPage {
			return i
		}
	}
	return len(pattern)
}

// sameWord compares a text with a word in lower case.
func sameWord(text, word string) bool {
	if len(text) != len(word) {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// matchPath matches the beginning of the path.
func (c *captures) matchPath(pf *platform, f *form, v *visit) bool {
	patterns := f.path
	for i := 0; patterns != ""; i++ {
		if i == v.count {
			return false
		}
		var pattern string
		pattern, patterns, _ = strings.Cut(patterns, "/")
		text := v.segments[i]
		if f.rest && patterns == "" { // its slashes are its own
			text = strings.TrimLeft(v.escaped, "/")
			for range i {
				_, text, _ = strings.Cut(text, "/")
			}
		}
		if !c.match(pf, pattern, text) {
			return false
		}
	}
	return true
}

// param is the first and the last value of a parameter of a query, as it came: where there are
// several, some servers take the one and some the other.
func param(query, key string) (first, last string, n int) {
	for more := query != ""; more; {
		var pair string
		pair, query, more = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		if !sameWord(name, key) && (strings.IndexByte(name, '%') < 0 || !sameWord(unescape(name), key)) {
			continue
		}
		last = value
		if n == 0 {
			first = last
		}
		n++
	}
	return first, last, n
}

func hasParam(query, key string) bool {
	_, _, times := param(query, key)
	return times > 0
}

// paramsOf tells whether a query has any of some parameters, and hands over each that it has.
func paramsOf(query, keys string, take func(key, value string)) (any bool) {
	for keys != "" {
		var key string
		key, keys, _ = strings.Cut(keys, " ")
		if value, _, n := param(query, key); n > 0 {
			any = true
			if take != nil {
				take(key, value)
			}
		}
	}
	return any
}

// fill appends a template, filled with what was captured.
func (c *captures) fill(dst []byte, template string, v *visit) []byte {
	for template != "" {
		if n := literal(template); n > 0 {
			dst, template = append(dst, template[:n]...), template[n:]
			continue
		}
		switch template[0] {
		case capture:
			dst, template = append(dst, c.get(template[1]&^0x80)...), template[1:]
		case hostOfPage:
			dst = append(dst, strings.TrimPrefix(v.host, "www.")...)
		case siteOfPage:
			dst = append(dst, v.domain...)
		}
		template = template[1:]
	}
	return dst
}
