package subject

import (
	"slices"
	"strings"
	"unicode"
)

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
			case below:
				fits = labels[more] == '.'
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
// leads, if its address says so. It tells whether the page is of an account.
func (n *Named) readAccounts(pf *platform, group uint8, v *visit) (named bool) {
	v.split()
	c := &n.captures
	if n.comments = ""; pf.comments != "" && v.query != "" && paramsOf(v.query, pf.comments, nil) {
		n.comments = pf.comments
	}
	first := byte(0) // of the path
	if v.count > 0 {
		if first = v.segments[0][0]; first >= 'A' && first <= 'Z' {
			first |= 0x20
		}
	}
	for i := range pf.forms {
		f := &pf.forms[i]
		if f.group != group || f.first != 0 && f.first != first {
			continue
		}
		c.reset()
		if v.label != "" && !c.take(pf, v.labelPart, v.label) {
			return named
		}
		if !c.matchPath(pf, f, v) {
			continue
		}
		matched := false
		yield := func() {
			matched = true
			named = n.yield(f, v) || named
		}
		switch {
		case f.fragment != "":
			part, _, _ := strings.Cut(v.fragment, "&")
			if c.match(pf, f.fragment, unescape(part)) {
				yield()
			}
		case f.beside != "":
			key, pattern, _ := strings.Cut(f.query, "=")
			other, otherPattern, _ := strings.Cut(f.beside, "=")
			value, _, times := param(v.query, key)
			otherValue, _, otherTimes := param(v.query, other)
			if times > 0 && otherTimes > 0 && c.matchValue(pf, pattern, value) && c.matchValue(pf, otherPattern, otherValue) {
				yield()
			}
		case f.query != "":
			key, pattern, _ := strings.Cut(f.query, "=")
			query := v.query
			if f.inPath {
				query = strings.ReplaceAll(v.escaped, "/", "&")
			}
			first, last, times := param(query, key)
			if key == "" && query != "" {
				first, times = query, 1
			}
			if times == 0 || f.having != "" && !hasParam(v.query, f.having) {
				break
			}
			room, count := len(c.room), c.n
			if c.matchValue(pf, pattern, first) {
				yield()
			}
			if c.room, c.n = c.room[:room], count; times > 1 && last != first && c.matchValue(pf, pattern, last) {
				yield()
			}
			c.room, c.n = c.room[:room], count
		default:
			yield()
		}
		if matched && !f.also && !f.leads { // what a page leads to must not hide whose it is
			return named
		}
	}
	return named
}

// yield adds what a form that has matched names, or where it leads. It tells whether because of the page an account is
// listed.
func (n *Named) yield(f *form, v *visit) (named bool) {
	if !f.leads {
		behind := strings.Count(f.path, "/")
		further := f.isPath() && v.count > behind // a page of it, such as a post
		aside := f.aside || n.comments != "" || further && f.sections != "" && (v.count > behind+1 || !isWord(f.sections, []byte(lowerASCII(v.segments[behind]))))
		for out, i := f.out, uint8(1); out != ""; i++ {
			var template string
			template, out, _ = strings.Cut(out, "\n")
			n.accountAt = len(n.accountText)
			n.accountText = n.captures.fill(n.accountText, template, v)
			within := further || f.of != 0 && i >= f.of
			n.end(within, within && aside)
			named = named || !(within && aside)
		}
		return named
	}
	var target string
	template := strings.TrimSuffix(f.out, "\n")
	if template == "" { // a proxy, which has the host in its own
		target = "https://" + unproxied(v.label) + "/" + strings.TrimLeft(v.escaped, "/")
	} else {
		target = string(n.captures.fill(nil, template, v))
	}
	if v.query != "" && f.query == "" {
		if strings.IndexByte(target, '?') < 0 {
			target += "?" + v.query
		} else {
			target += "&" + v.query
		}
	}
	if n.comments != "" && f.query != "" && template != "" && template[0] > siteOfPage { // a page of the platform by another name
		paramsOf(v.query, n.comments, func(key, value string) { target += "&" + key + "=" + value })
	}
	if strings.HasPrefix(f.query, "text=") { // more of it may follow
		if end := strings.IndexFunc(target, unicode.IsSpace); end > 0 {
			target = target[:end]
		}
	}
	if v.host == "disq.us" { // a signature stands behind the address
		if at := strings.LastIndexByte(target, ':'); at > len("https:") && len(target)-at > 20 {
			target = target[:at]
		}
	}
	if target = bared(target); !slices.Contains(n.leads, target) {
		n.leads = append(n.leads, target)
	}
	return false
}

// bared is the address in what a redirector has of it in the path of its own: between the signs of Proofpoint's URL
// Defense in version 3 (https://urldefense.com/v3/__https://…__;!!…), or escaped once more and with something behind
// it.
func bared(target string) string {
	if rest, ok := strings.CutPrefix(target, "___"); ok { // of Avanan: ___https://…___.signature
		rest, _, _ = strings.Cut(rest, "___")
		return rest
	}
	if rest, ok := strings.CutPrefix(target, "__"); ok {
		if end := strings.LastIndex(rest, "__;"); end >= 0 {
			rest = rest[:end]
		}
		return rest
	}
	if scheme := lowerASCII(target[:min(len(target), len("https%3a"))]); strings.HasPrefix(scheme, "http%3a") || scheme == "https%3a" || strings.HasPrefix(lowerASCII(target), "https:%2f%2f") {
		target, _, _ = strings.Cut(target, "/")
		return unescapeOnce(target)
	}
	return target
}

// unproxied is the host that a translation proxy shows under one label: a dash stands for a
// dot, and two for a dash.
func unproxied(label string) string {
	const dash = "\x00"
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(label, "--", dash), "-", "."), dash, "-")
}

// isPath tells whether a form goes by the path alone.
func (f *form) isPath() bool { return f.query == "" && f.fragment == "" }

// end finishes the account that begins at accountAt, unless it is there already or one too many.
func (n *Named) end(within, aside bool) {
	made := n.accountText[n.accountAt:]
	from := 0
	for i := range n.numAccounts {
		if string(n.accountText[from:n.accountEnd[i]]) == string(made) {
			n.within[i], n.aside[i] = n.within[i] && within, n.aside[i] && aside
			n.accountText = n.accountText[:n.accountAt]
			return
		}
		from = n.accountEnd[i]
	}
	if n.numAccounts == maxAccounts {
		n.accountText = n.accountText[:n.accountAt]
		return
	}
	n.accountEnd[n.numAccounts], n.within[n.numAccounts], n.aside[n.numAccounts] = len(n.accountText), within, aside
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
