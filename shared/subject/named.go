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
	within      [maxAccounts]bool
	aside       [maxAccounts]bool // where others write, too: it comes behind the page
	accountAt   int               // where the one begins that is being made
	numAccounts int
	numAside    int
	comments    string // the parameters by some of which the page that is read is about what somebody has written below it; empty where it is not

	served bool                   // an address before this one
	known  *[rememberedHosts]host // from the second address on
	host   *host                  // of this address, if its host may be remembered
}

// expressions are the URL expressions of one address. Every one is a part of a text: from where
// one of the hosts begins to where one of the paths ends.
type expressions struct {
	page               page
	text               string
	kept               string // host, path and what is kept of the query; empty where that is all of it, or none
	named              bool   // the page is of an account
	shared             bool   // the host is that of a platform, where each page is somebody else's
	hosts              [maxHosts]int
	paths              [maxPaths]int // in text; 0 is all of kept
	numHosts, numPaths int
	root               int // which path is "/"

	further    [maxFurther]string
	numFurther int
	otherRoot  int // which of further is the root of the host with or without "www.", or -1
	room       []byte
}

// rememberedHosts is how many hosts are remembered; a power of two.
const rememberedHosts = 32

// host is a host whose own expressions, those with the path "/", have been hashed: the links
// of a feed lead to the same few again and again.
type host struct {
	text  [48]byte
	len   int
	heads [maxHosts + 1][2]uint64 // the last is of the host with or without "www."
	have  [maxHosts + 1]bool
}

// Read takes an address. What it names is then Len subjects, in the order of FromHref, whose
// errors it returns.
func (n *Named) Read(href string) error {
	n.numAccounts, n.numAside, n.accountText = 0, 0, n.accountText[:0]
	n.targets, n.leads, n.web.numHosts, n.host = n.targets[:0], n.leads[:0], 0, nil
	if IsLink(href) {
		if err := n.readLink(href); err != nil {
			return err
		}
	} else {
		if err := n.web.page.read(href); err != nil {
			return err
		}
		n.remember()
		n.readPage(&n.web, href)
	}
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
		if to.page.read(href) != nil {
			n.targets = n.targets[:len(n.targets)-1]
			continue
		}
		n.readPage(to, href)
	}
	for _, aside := range n.aside[:n.numAccounts] {
		if aside {
			n.numAside++
		}
	}
	if n.numAccounts == 0 && n.web.numHosts == 0 && len(n.targets) == 0 { // of an app, and leads nowhere
		return ErrScheme
	}
	return nil
}

// readPage adds the expressions of a page that was read, its accounts, and where it leads.
func (n *Named) readPage(e *expressions, href string) {
	p := &e.page
	e.named, e.shared = false, false
	tracking := ""
	if !p.isIP {
		at := domain(p.host)
		if rules := hostsOf(at); len(rules) > 0 {
			e.shared = showsMany(rules)
			v := &n.visit
			v.host, v.domain, v.path, v.escaped, v.query, v.fragment, v.label = p.host, at, p.raw, p.escaped, p.rawQuery, p.fragment, ""
			if pf, group := v.find(rules); pf != nil {
				leads := len(n.leads)
				e.named = n.readAccounts(pf, group, v)
				if !e.named && len(n.leads) == leads && group == 0 && pf.pages != "" && p.host != pf.pages {
					path := href[p.hostAt:]
					n.leads = append(n.leads, "https://"+pf.pages+path[strings.IndexByte(path, '/'):])
				}
				tracking = pf.tracking
			}
		}
	}
	e.read(href, tracking)
}

// read finds the expressions of the page, on whose platform more than everywhere is tracking.
func (e *expressions) read(href, tracking string) {
	p := &e.page
	e.numHosts, e.numPaths, e.numFurther, e.otherRoot, e.kept, e.room = 0, 0, -1, -1, "", e.room[:0]
	path, query := p.path, p.query
	kept, tracked := "", false
	if p.rawQuery != "" {
		if kept, tracked = withoutTracking(p.rawQuery, tracking); tracked && kept != "" {
			kept = escape(unescape(kept), false)
		}
	}
	if len(p.host)+len(path)+len(query) > maxText {
		query = ""
	}
	if rest := href[p.hostAt:]; strings.HasPrefix(rest, p.host) && strings.HasPrefix(rest[len(p.host):], path) &&
		strings.HasPrefix(rest[len(p.host)+len(path):], query) {
		e.text = rest[:len(p.host)+len(path)+len(query)]
	} else {
		e.text = p.host + path + query
	}
	if tracked && kept != "" && len(p.host)+len(path)+1+len(kept) <= maxText {
		e.room = append(append(append(append(e.room, p.host...), path...), '?'), kept...)
		e.kept = view(e.room)
	}
	e.readPaths(len(p.host), len(p.host)+len(path), tracked && kept == "")
	e.readHosts()
}

func (e *expressions) len() int { return e.numHosts * e.numPaths }

// at is an expression, and which host and path it is of.
func (e *expressions) at(i int) (text string, host, path int) {
	for ; i >= e.numPaths; i -= e.numPaths { // a division takes longer
		host++
	}
	if e.paths[i] == 0 {
		return e.kept[e.hosts[host]:], host, i
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
		h.len, h.have = copy(h.text[:], text), [maxHosts + 1]bool{}
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

// Asked is the number of subjects that a list is asked for: those that the address names, and from
// Len on the same pages as others write them, as Further has it; at most MaxAsked.
func (n *Named) Asked() int {
	count := n.Len()
	for i := range n.targets {
		count += n.targets[i].spell()
	}
	if n.web.numHosts > 0 {
		count += n.web.spell()
	}
	return count
}

// Head is the first 16 bytes of the digest of subject i, big-endian: what a set is asked for. From Len
// on, Asked comes first.
func (n *Named) Head(i int) (a, b uint64) {
	text, e, host, path := n.at(i)
	if n.host == nil || e != &n.web || path != e.root {
		return digestHead(text)
	}
	head := &n.host.heads[host]
	if !n.host.have[host] {
		head[0], head[1] = digestHead(text)
		n.host.have[host] = true
	}
	return head[0], head[1]
}

// Subject is the text of subject i. From Len on, Asked comes first.
func (n *Named) Subject(i int) Subject {
	text, _, _, _ := n.at(i)
	return Subject(strings.Clone(text))
}

// account is which of the accounts comes at place i of them: those that stand aside come last.
func (n *Named) account(i int) int {
	if n.numAside == 0 {
		return i
	}
	for _, aside := range [...]bool{false, true} {
		for at := range n.numAccounts {
			if n.aside[at] == aside {
				if i == 0 {
					return at
				}
				i--
			}
		}
	}
	return -1
}

// textOf is the text of an account.
func (n *Named) textOf(account int) string {
	from := 0
	if account > 0 {
		from = n.accountEnd[account-1]
	}
	return view(n.accountText[from:n.accountEnd[account]])
}

// IsWithin tells whether the address is not about subject i but of something in it: a post or a list of followers of an
// account, a member of a group, and on a platform a page below the one that the subject names. A link to it may stand
// beside what others say.
func (n *Named) IsWithin(i int) bool {
	if i < n.numAccounts-n.numAside {
		return n.within[n.account(i)]
	}
	text, e, _, _ := n.at(i)
	if e == nil { // it stands aside
		return true
	}
	path := text[strings.IndexByte(text, '/'):]
	return e.shared && len(path) < len(e.page.path) && (strings.HasSuffix(path, "/")) // else it is the same page without the slash at its end
}

// at is the text of subject i, and for an expression, of what it is one.
func (n *Named) at(i int) (text string, e *expressions, host, path int) {
	if i < n.numAccounts-n.numAside {
		return n.textOf(n.account(i)), nil, 0, 0
	}
	i -= n.numAccounts - n.numAside
	for t := len(n.targets) - 1; t >= 0; t-- {
		e := &n.targets[t]
		if i < e.len() {
			text, host, path = e.at(i)
			return text, e, host, path
		}
		i -= e.len()
	}
	if i < n.web.len() {
		text, host, path = n.web.at(i)
		return text, &n.web, host, path
	}
	if i -= n.web.len(); i < n.numAside {
		return n.textOf(n.account(n.numAccounts - n.numAside + i)), nil, 0, 0
	}
	i -= n.numAside
	for t := len(n.targets) - 1; t >= 0; t-- {
		e := &n.targets[t]
		if i < e.numFurther {
			return e.further[i], e, maxHosts, -1
		}
		i -= e.numFurther
	}
	if path = -1; i == n.web.otherRoot {
		path = n.web.root
	}
	return n.web.further[i], &n.web, maxHosts, path
}

// readPaths finds where the paths end: with what is kept of the query, with all of it, without, and the root
// and the first three folders. What is too long for an indicator is left out. Where nothing is kept,
// the page without a query is the narrowest.
func (e *expressions) readPaths(start, end int, nothingKept bool) {
	add := func(end int) {
		if end <= maxText {
			e.paths[e.numPaths] = end
			e.numPaths++
		}
	}
	if e.kept != "" {
		add(0)
	}
	e.root = -1
	page := func() {
		if end == start+1 {
			e.root = e.numPaths
		}
		add(end)
	}
	if nothingKept {
		page()
	}
	if end < len(e.text) {
		add(len(e.text))
	}
	if !nothingKept {
		page()
	}
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
			if count == 0 {
				e.root = e.numPaths
			}
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
