package subject

import "strings"

// Named is what one address names, for its digests. It serves one address after the other and
// allocates nothing, except for social accounts and where a port or an escape stands
// between the parts of an expression.
type Named struct {
	page     page
	accounts [maxAccounts]Subject
	// Every URL expression is a part of text: from where one of the hosts begins to where
	// one of the paths ends.
	text                            string
	hosts                           [maxHosts]int
	paths                           [maxPaths]int
	numAccounts, numHosts, numPaths int
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
	return nil
}

// Len is the number of subjects, at most MaxSubjects.
func (n *Named) Len() int { return n.numAccounts + n.numHosts*n.numPaths }

// Head is the first 16 bytes of the digest of subject i, big-endian: what a set is asked for.
func (n *Named) Head(i int) (a, b uint64) { return digestHead(n.at(i)) }

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
