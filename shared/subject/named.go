package subject

import "strings"

// Named is what one address names, for its digests. It serves one address after the other,
// remembers the digests of some hosts, and allocates nothing, except for that memory, for
// social accounts and where a port or an escape stands between the parts of an expression.
type Named struct {
	page     page
	accounts [maxAccounts]Subject
	// Every URL expression is a part of text: from where one of the hosts begins to where
	// one of the paths ends.
	text                            string
	hosts                           [maxHosts]int
	paths                           [maxPaths]int
	numAccounts, numHosts, numPaths int

	served bool                   // an address before this one
	known  *[rememberedHosts]host // from the second address on
	host   *host                  // of this address, if its host may be remembered
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
	n.numAccounts, n.numHosts, n.numPaths = 0, 0, 0
	p := &n.page
	if err := p.read(href); err != nil {
		return err
	}
	n.numAccounts = copy(n.accounts[:], p.accounts())
	path, query := p.path, p.query
	if len(p.host)+len(path)+len(query) > maxText {
		query = ""
	}
	if rest := href[p.hostAt:]; strings.HasPrefix(rest, p.host) && strings.HasPrefix(rest[len(p.host):], path) &&
		strings.HasPrefix(rest[len(p.host)+len(path):], query) {
		n.text = rest[:len(p.host)+len(path)+len(query)]
	} else {
		n.text = p.host + path + query
	}
	n.readPaths(len(p.host), len(p.host)+len(path))
	n.readHosts()
	n.remember()
	return nil
}

// remember finds the host among those of the addresses before, or takes it in.
func (n *Named) remember() {
	text := n.page.host
	n.host = nil
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
func (n *Named) Len() int { return n.numAccounts + n.numHosts*n.numPaths }

// Head is the first 16 bytes of the digest of subject i, big-endian: what a set is asked for.
func (n *Named) Head(i int) (a, b uint64) {
	if n.host == nil || i < n.numAccounts {
		return digestHead(n.at(i))
	}
	at, path := 0, i-n.numAccounts
	for ; path >= n.numPaths; path -= n.numPaths { // a division takes longer
		at++
	}
	text := n.text[n.hosts[at]:n.paths[path]]
	if path < n.numPaths-1 { // the last one is "/"
		return digestHead(text)
	}
	head := &n.host.heads[at]
	if !n.host.have[at] {
		head[0], head[1] = digestHead(text)
		n.host.have[at] = true
	}
	return head[0], head[1]
}

// Subject is the text of subject i.
func (n *Named) Subject(i int) Subject { return Subject(strings.Clone(n.at(i))) }

func (n *Named) at(i int) string {
	if i < n.numAccounts {
		return string(n.accounts[i])
	}
	i -= n.numAccounts
	host := 0
	for ; i >= n.numPaths; i -= n.numPaths { // a division takes longer
		host++
	}
	return n.text[n.hosts[host]:n.paths[i]]
}

// readPaths finds where the paths end: with the query, without, and the root and the first
// three folders. What is too long for an indicator is left out.
func (n *Named) readPaths(start, end int) {
	add := func(end int) {
		if end <= maxText {
			n.paths[n.numPaths] = end
			n.numPaths++
		}
	}
	if end < len(n.text) {
		add(len(n.text))
	}
	add(end)
	var folders [4]int // where the root and the first three folders end
	count := 0
	for i := start; i < end && count < len(folders); i++ {
		if n.text[i] == '/' {
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
func (n *Named) readHosts() {
	host := n.page.host
	n.hosts[0], n.numHosts = 0, 1
	if n.page.isIP {
		return
	}
	skip := max(1, strings.Count(host, ".")-(maxHosts-1))
	for at := 0; n.numHosts < maxHosts; skip = 1 {
		for range skip {
			at += strings.IndexByte(host[at:], '.') + 1
		}
		if !strings.Contains(host[at:], ".") || at == 0 {
			return
		}
		n.hosts[n.numHosts] = at
		n.numHosts++
	}
}
