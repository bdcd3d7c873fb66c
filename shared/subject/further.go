package subject

import "strings"

// What a parameter of a query says.
const (
	content  = iota // which page it is
	maybe           // that, if no other does
	tracking        // how somebody came to it
)

// withoutTracking is a query without the parameters that say how somebody came to a page and not which page it is,
// and without empty ones, and whether that differs. They are those of tracking.txt and own; some are dropped only
// where another one stays. The others stay as they are and in their order.
func withoutTracking(query, own string) (kept string, differs bool) {
	var count [tracking + 1]int
	for rest, more := query, true; more; {
		var pair string
		pair, rest, more = strings.Cut(rest, "&")
		count[kindOfParameter(pair, own)]++
	}
	drop := tracking
	if count[content] > 0 {
		drop = maybe
	}
	if count[tracking] == 0 && (drop == tracking || count[maybe] == 0) {
		return query, false
	}
	out := make([]byte, 0, len(query))
	for rest, more := query, true; more; {
		var pair string
		if pair, rest, more = strings.Cut(rest, "&"); kindOfParameter(pair, own) >= drop {
			continue
		}
		if len(out) > 0 {
			out = append(out, '&')
		}
		out = append(out, pair...)
	}
	return view(out), true
}

// maxParameter is beyond the length of any parameter that is known, in bytes.
const maxParameter = 32

// kindOfParameter tells what a parameter says, by its name as it came. A word that ends with an underscore stands for
// all that begin so.
func kindOfParameter(pair, own string) int {
	if pair == "" {
		return tracking
	}
	name, _, _ := strings.Cut(pair, "=")
	if strings.IndexByte(name, '%') >= 0 {
		name = unescape(name)
	}
	name = strings.TrimPrefix(name, "amp;") // of a link that was copied out of the text of a page
	if len(name) > 2*maxParameter {
		name = name[:2*maxParameter] // enough for any beginning
	}
	var room [2 * maxParameter]byte
	low, hash, kind := room[:0], uint32(0), content
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		low = append(low, c)
		if hash = hash*31 + uint32(c); c != '_' && i < len(name)-1 {
			continue
		}
		if kind = max(kind, parameter(hash, low)); kind == tracking || own != "" && isWord(own, low) {
			return tracking
		}
	}
	return kind
}

// parameter finds a name in parameters.
func parameter(hash uint32, name []byte) int {
	for slot := hash; ; slot++ {
		at := int(parameterAt[slot%uint32(len(parameterAt))])
		if at == 0 {
			return content
		}
		if at--; strings.HasPrefix(parameters[at:], view(name)) {
			switch parameters[at+len(name)] {
			case ' ':
				return tracking
			case '?':
				return maybe
			}
		}
	}
}

// Further is what a list is asked for besides, about a thing as FromHref and Things give it: the exact page of each
// address as others write it, with or without "www." in front of the host, and with or without a slash at the end of
// the path. A page of an account has none, since whatever is listed because of it is the account.
func Further(thing []Subject) (further []Subject) {
	site := ""
	for _, s := range thing {
		if s.IsAccount() {
			continue
		}
		host, path, _ := strings.Cut(string(s), "/")
		if host == site || strings.HasSuffix(site, "."+host) {
			continue // wider than the one before
		}
		site = host
		var n Named
		if n.Read("http://"+host+"/"+inHref.Replace(path)) != nil {
			continue
		}
		n.web.spell()
		for _, text := range n.web.further[:n.web.numFurther] {
			further = append(further, Subject(strings.Clone(text)))
		}
	}
	return further
}

// inHref escapes what a browser escapes in a path and an expression does not.
var inHref = strings.NewReplacer(`"`, "%22", "<", "%3C", ">", "%3E", `\`, "%5C")

// spell finds the further expressions of the page, once, and returns how many there are.
func (e *expressions) spell() int {
	if e.numFurther >= 0 {
		return e.numFurther
	}
	e.numFurther = 0
	if e.named {
		return 0
	}
	p := &e.page
	add := func(text string) {
		e.further[e.numFurther] = text
		e.numFurther++
	}
	const www = len("www.")
	bare, isWWW := strings.CutPrefix(p.host, "www.")
	exact, other := www, 0 // where the two hosts begin in what write has written
	if isWWW {
		exact, other = other, exact
	}
	if need := 4 * (www + len(bare) + len(p.path) + 1 + len(p.query)); cap(e.room)-len(e.room) < need && len(p.path) <= maxText && len(p.query) <= maxText {
		e.room = append(make([]byte, 0, len(e.room)+need), e.room...)
	}
	write := func(path, slash, query string) string {
		at := len(e.room)
		e.room = append(append(append(append(append(e.room, "www."...), bare...), path...), slash...), query...)
		return view(e.room[at:])
	}
	hasOther := !p.isIP && strings.IndexByte(bare, '.') >= 0
	query := "" // what is kept of it
	switch {
	case e.paths[0] == 0:
		query = e.kept[len(p.host)+len(p.path):]
	case e.paths[0] > len(p.host)+len(p.path):
		query = p.query
	}
	if hasOther && !(isWWW && e.numHosts > 1 && e.hosts[1] == www) { // else it is among the hosts
		if query != "" {
			add(write(p.path, "", query)[other:])
		}
		whole := ""
		for i, end := range e.paths[:e.numPaths] {
			if end -= len(p.host); end <= 0 || end > len(p.path) {
				continue
			}
			if whole == "" { // the others are shorter
				whole = write(p.path[:end], "", "")
			}
			if i == e.root {
				e.otherRoot = e.numFurther
			}
			add(whole[other : www+len(bare)+end])
		}
	}
	if p.path == "/" || len(p.host)+len(p.path) >= maxText {
		return e.numFurther
	}
	path, slash := strings.TrimSuffix(p.path, "/"), ""
	if len(path) == len(p.path) {
		slash = "/"
	}
	for _, query := range [...]string{query, ""} {
		text := write(path, slash, query)
		add(text[exact:])
		if hasOther {
			add(text[other:])
		}
		if query == "" {
			break
		}
	}
	return e.numFurther
}
