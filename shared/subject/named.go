package subject

import "strings"

// Named is what one address names, for its digests. It serves one address after the other,
// remembers the digests of some hosts, and allocates nothing for each, except where an escape
// or a port stands between the parts of an expression and where an address leads elsewhere.
type Named struct {
	web      expressions
	targets  []expressions // where the address leads, where that leads, and so on
	leads    []string      // the same as they came, with those that are still to be read
	visit    visit
	captures captures

	accountText []byte // one behind the other
	accountEnd  [maxAccounts]int
	accountAt   int // where the one begins that is being made
	numAccounts int

	served bool                   // an address before this one
	known  *[rememberedHosts]host // from the second address on
	host   *host                  // of this address, if its host may be remembered
}

// expressions are the URL expressions of one address. Every one is a part of text: from where
// one of the hosts begins to where one of the paths ends.
type expressions struct {
	page               page
	text               string
	hosts              [maxHosts]int
	paths              [maxPaths]int
	numHosts, numPaths int
}

// rememberedHosts is how many hosts are remembered; a power of two.
const rememberedHosts = 32

// host is a host whose own expressions, those with the path "/", have been hashed: the links
// of a feed lead to the same few again and again.
type host struct {
	text  [48]byte
	len   int
	heads [maxHosts][2]uint64
	have  [maxHosts]bool
}

// Read takes an address. What it names is then Len subjects, in the order of FromHref, whose
// errors it returns.
func (n *Named) Read(href string) error {
	n.numAccounts, n.accountText = 0, n.accountText[:0]
	n.targets, n.leads, n.web.numHosts, n.host = n.targets[:0], n.leads[:0], 0, nil
	if IsLink(href) {
		return n.readLink(href)
	}
	if err := n.web.read(href); err != nil {
		return err
	}
	n.remember()
	n.readPage(&n.web.page)
	for i := 0; i < len(n.leads) && len(n.targets) < maxTargets; i++ {
		href, ok := browserForm(withScheme(n.leads[i]))
		if !ok {
			continue
		}
		if IsLink(href) {
			n.readLink(href)
			continue
		}
		n.targets = append(n.targets, expressions{})
		to := &n.targets[len(n.targets)-1]
		if to.read(href) != nil {
			n.targets = n.targets[:len(n.targets)-1]
			continue
		}
		n.readPage(&to.page)
	}
	return nil
}

// readPage adds the accounts of a page, and where it leads.
func (n *Named) readPage(p *page) {
	if p.isIP {
		return
	}
	at := domain(p.host)
	rules := hostsOf(at)
	if len(rules) == 0 {
		return
	}
	v := &n.visit
	v.host, v.domain, v.path, v.escaped, v.query, v.fragment, v.label = p.host, at, p.raw, p.escaped, p.rawQuery, p.fragment, ""
	n.readAccounts(rules, v)
}

func (e *expressions) read(href string) error {
	p := &e.page
	e.numHosts, e.numPaths = 0, 0
	if err := p.read(href); err != nil {
		return err
	}
	path, query := p.path, p.query
	if len(p.host)+len(path)+len(query) > maxText {
		query = ""
	}
	if rest := href[p.hostAt:]; strings.HasPrefix(rest, p.host) && strings.HasPrefix(rest[len(p.host):], path) &&
		strings.HasPrefix(rest[len(p.host)+len(path):], query) {
		e.text = rest[:len(p.host)+len(path)+len(query)]
	} else {
		e.text = p.host + path + query
	}
	e.readPaths(len(p.host), len(p.host)+len(path))
	e.readHosts()
	return nil
}

func (e *expressions) len() int { return e.numHosts * e.numPaths }

// at is an expression, and which host and path it is of.
func (e *expressions) at(i int) (text string, host, path int) {
	for ; i >= e.numPaths; i -= e.numPaths { // a division takes longer
		host++
	}
	return e.text[e.hosts[host]:e.paths[i]], host, i
}

// remember finds the host among those of the addresses before, or takes it in.
func (n *Named) remember() {
	text := n.web.page.host
	if !n.served {
		n.served = true
		return
	}
	if len(text) > len(host{}.text) {
		return
	}
	if n.known == nil {
		n.known = new([rememberedHosts]host)
	}
	slot := len(text)
	for i := range min(len(text), 12) {
		slot = slot*5 + int(text[i])
	}
	n.host = &n.known[slot%rememberedHosts]
	if h := n.host; string(h.text[:h.len]) != text {
		h.len, h.have = copy(h.text[:], text), [maxHosts]bool{}
	}
}

// Len is the number of subjects, at most MaxSubjects.
func (n *Named) Len() int {
	count := n.numAccounts + n.web.len()
	for i := range n.targets {
		count += n.targets[i].len()
	}
	return count
}

// Head is the first 16 bytes of the digest of subject i, big-endian: what a set is asked for.
func (n *Named) Head(i int) (a, b uint64) {
	text, e, host, path := n.at(i)
	if n.host == nil || e != &n.web || path < e.numPaths-1 { // the last one is "/"
		return digestHead(text)
	}
	head := &n.host.heads[host]
	if !n.host.have[host] {
		head[0], head[1] = digestHead(text)
		n.host.have[host] = true
	}
	return head[0], head[1]
}

// Subject is the text of subject i.
func (n *Named) Subject(i int) Subject {
	text, _, _, _ := n.at(i)
	return Subject(strings.Clone(text))
}

// at is the text of subject i, and for an expression, of what it is one.
func (n *Named) at(i int) (text string, e *expressions, host, path int) {
	if i < n.numAccounts {
		from := 0
		if i > 0 {
			from = n.accountEnd[i-1]
		}
		return view(n.accountText[from:n.accountEnd[i]]), nil, 0, 0
	}
	i -= n.numAccounts
	for t := len(n.targets) - 1; t >= 0; t-- {
		e := &n.targets[t]
		if i < e.len() {
			text, host, path = e.at(i)
			return text, e, host, path
		}
		i -= e.len()
	}
	text, host, path = n.web.at(i)
	return text, &n.web, host, path
}

// readPaths finds where the paths end: with the query, without, and the root and the first
// three folders. What is too long for an indicator is left out.
func (e *expressions) readPaths(start, end int) {
	add := func(end int) {
		if end <= maxText {
			e.paths[e.numPaths] = end
			e.numPaths++
		}
	}
	if end < len(e.text) {
		add(len(e.text))
	}
	add(end)
	var folders [4]int // where the root and the first three folders end
	count := 0
	for i := start; i < end && count < len(folders); i++ {
		if e.text[i] == '/' {
			folders[count] = i + 1
			count++
		}
	}
	for count--; count >= 0; count-- {
		if folders[count] < end {
			add(folders[count])
		}
	}
}

// readHosts finds where the hosts begin: the exact one, then the last five labels and fewer,
// down to two.
func (e *expressions) readHosts() {
	host := e.page.host
	e.hosts[0], e.numHosts = 0, 1
	if e.page.isIP {
		return
	}
	skip := max(1, strings.Count(host, ".")-(maxHosts-1))
	for at := 0; e.numHosts < maxHosts; skip = 1 {
		for range skip {
			at += strings.IndexByte(host[at:], '.') + 1
		}
		if !strings.Contains(host[at:], ".") || at == 0 {
			return
		}
		e.hosts[e.numHosts] = at
		e.numHosts++
	}
}
