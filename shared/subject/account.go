package subject

import "strings"

// maxSegments is beyond what any platform's addresses have.
const maxSegments = 16

// visit is an address as a platform sees it.
type visit struct {
	host, domain string
	path         string // nothing escaped
	escaped      string // as it came
	query        string // as it came
	fragment     string
	label        string // of the host, if its rule takes one
	labelPart    uint8
	count        int // of segments
	segments     [maxSegments]string
}

func (v *visit) split() {
	v.count = 0
	path := strings.Trim(v.path, "/")
	for more := path != ""; more && v.count < maxSegments; v.count++ {
		if v.count == maxSegments-1 {
			v.segments[v.count] = path
			v.count++
			return
		}
		v.segments[v.count], path, more = strings.Cut(path, "/")
	}
}

// find finds the platform that a host belongs to, among the hosts below its domain, and which
// of its groups.
func (v *visit) find(rules []hostRule) (pf *platform, group uint8) {
	labels := v.host[:len(v.host)-len(v.domain)]
	for i := range rules {
		r := &rules[i]
		fits := r.wild == exactly && r.labels == labels
		if more := len(labels) - len(r.labels) - 1; r.wild != exactly && more > 0 && strings.HasSuffix(labels, r.labels) {
			label := labels[:more]
			switch r.wild {
			case locale:
				fits = len(label) == 5 && label[2] == '-' && lowercase(label[:2]) && lowercase(label[3:])
			case language:
				fits = len(label) == 2 && lowercase(label)
			case anyLabel:
				if fits = !strings.Contains(label, ".") && labels[more] == '.'; fits {
					v.label, v.labelPart = label, r.part
				}
			}
		}
		if fits {
			return &platforms[r.platform], r.group
		}
	}
	return nil, 0
}

func lowercase(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

// readAccounts adds what an address of a platform names, the narrowest first, and where the page
// leads, if its address says so.
func (n *Named) readAccounts(rules []hostRule, v *visit) {
	pf, group := v.find(rules)
	if pf == nil {
		return
	}
	v.split()
	c := &n.captures
	first := byte(0) // of the path
	if v.count > 0 {
		if first = v.segments[0][0]; first >= 'A' && first <= 'Z' {
			first |= 0x20
		}
	}
	for i := range pf.forms {
		f := &pf.forms[i]
		if f.group != group || f.path != "" && f.path[0] != first && f.path[0] > wild {
			continue
		}
		c.reset()
		if v.label != "" && !c.take(pf, v.labelPart, v.label) {
			return
		}
		if !c.matchPath(pf, f, v) {
			continue
		}
		matched := false
		yield := func() {
			matched = true
			n.yield(pf, f, v)
		}
		switch {
		case f.fragment != "":
			part, _, _ := strings.Cut(v.fragment, "&")
			if c.match(pf, f.fragment, unescape(part)) {
				yield()
			}
		case f.query != "":
			room, count := len(c.room), c.n
			for patterns := f.query; patterns != ""; {
				var pair string
				pair, patterns, _ = strings.Cut(patterns, "&")
				key, pattern, _ := strings.Cut(pair, "=")
				first, last, times := param(v.query, key)
				if times > 0 && c.matchValue(pf, pattern, first) {
					yield()
				}
				if c.room, c.n = c.room[:room], count; times > 1 && last != first && c.matchValue(pf, pattern, last) {
					yield()
				}
				c.room, c.n = c.room[:room], count
			}
		default:
			yield()
		}
		if matched && !f.also && !f.leads { // what a page leads to must not hide whose it is
			return
		}
	}
}

// yield adds what a form that has matched names, or where it leads.
func (n *Named) yield(pf *platform, f *form, v *visit) {
	if !f.leads {
		for out := f.out; out != ""; {
			var template string
			template, out, _ = strings.Cut(out, "\n")
			n.accountAt = len(n.accountText)
			n.accountText = n.captures.fill(n.accountText, template, v)
			n.end()
		}
		return
	}
	var target string
	template := strings.TrimSuffix(f.out, "\n")
	if template == "" { // a proxy, which has the host in its own
		target = "https://" + unproxied(v.label) + "/" + strings.TrimLeft(v.escaped, "/")
	} else {
		target = string(n.captures.fill(nil, template, v))
	}
	if v.query != "" && f.query == "" {
		target += "?" + v.query
	}
	n.leads = append(n.leads, target)
}

// unproxied is the host that a translation proxy shows under one label: a dash stands for a
// dot, and two for a dash.
func unproxied(label string) string {
	const dash = "\x00"
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(label, "--", dash), "-", "."), dash, "-")
}

// end finishes the account that begins at accountAt, unless it is there already or one too many.
func (n *Named) end() {
	made := n.accountText[n.accountAt:]
	from := 0
	for i := range n.numAccounts {
		if string(n.accountText[from:n.accountEnd[i]]) == string(made) {
			n.accountText = n.accountText[:n.accountAt]
			return
		}
		from = n.accountEnd[i]
	}
	if n.numAccounts == maxAccounts {
		n.accountText = n.accountText[:n.accountAt]
		return
	}
	n.accountEnd[n.numAccounts] = len(n.accountText)
	n.numAccounts++
}

// canonicalAccount tells whether a text is the canonical form of an account of a platform.
func canonicalAccount(text string) bool {
	pf, k, id := parseAccount(text)
	if k == nil {
		return false
	}
	return k.isCanonical(pf, id)
}

// parseAccount finds the kind of a subject, and its id.
func parseAccount(text string) (pf *platform, k *kind, id string) {
	name, rest, _ := strings.Cut(text, ":")
	label, id, ok := strings.Cut(rest, "/")
	if !ok {
		return nil, nil, ""
	}
	for i := range platforms {
		if pf := &platforms[i]; pf.name == name {
			for j := range pf.kinds {
				if k := &pf.kinds[j]; k.name == label && k.prefix != "" {
					return pf, k, id
				}
			}
		}
	}
	return nil, nil, ""
}

func (k *kind) isCanonical(pf *platform, id string) bool {
	if k.parts != "" {
		// The parts may be possible and the whole not: a host of another platform.
		var c captures
		var n Named
		return c.match(pf, k.parts, id) && string(c.fill(nil, k.parts, nil)) == id &&
			n.Read(shown(pf, k, k.open, id, escapedID)) == nil && n.Len() > 0 && string(n.Subject(0)) == k.prefix+id
	}
	got, ok := k.canonical(nil, id)
	return ok && string(got) == id
}

// isShortLink tells whether a text is the host and the path of a short link.
func isShortLink(text string) bool {
	var n Named
	return n.Read("https://"+text) == nil && n.numAccounts == 1 && string(n.accountText) == "short:"+text
}
