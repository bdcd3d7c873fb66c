package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var bracesPattern = regexp.MustCompile(`\{([^{}]*)\}`)

// alternatives expands {braces,like,these}.
func alternatives(text string) []string {
	m := bracesPattern.FindStringSubmatchIndex(text)
	if m == nil {
		return []string{text}
	}
	var all []string
	for _, alternative := range strings.Split(text[m[2]:m[3]], ",") {
		all = append(all, alternatives(text[:m[0]]+alternative+text[m[1]:])...)
	}
	return all
}

// domain must do as the function of the same name in package subject.
func domain(host string) string {
	labels := strings.Split(host, ".")
	n := len(labels)
	keep := 2
	if n > 2 && len(labels[n-1]) == 2 && slices.Contains([]string{"co", "com", "net", "org"}, labels[n-2]) {
		keep = 3
	}
	return strings.Join(labels[max(0, n-keep):], ".")
}

type hostRule struct {
	domain, labels, wild, part string
	platform, group            int
}

func rules(all []*platform) []hostRule {
	var rules []hostRule
	seen := map[string]string{}
	for i, pf := range all {
		for _, h := range pf.hosts {
			for _, text := range alternatives(h.text) {
				if other := seen[text]; other != "" {
					pf.fail("host %s is also in %s", text, other)
				}
				seen[text] = pf.name
				r := hostRule{domain: text, wild: "exactly", part: "0", platform: i, group: slices.Index(pf.groups, h.group)}
				if !strings.HasSuffix(text, ":") {
					r.domain = domain(text)
					r.labels = strings.TrimSuffix(text, r.domain)
				}
				switch {
				case strings.HasPrefix(r.labels, "[xx-xx]."):
					r.labels, r.wild = r.labels[len("[xx-xx]."):], "locale"
				case strings.HasPrefix(r.labels, "[xx]."):
					r.labels, r.wild = r.labels[len("[xx]."):], "language"
				case strings.HasPrefix(r.labels, "[any]."):
					r.labels, r.wild = r.labels[len("[any]."):], "below"
				case strings.HasPrefix(r.labels, "<"):
					name, rest, _ := strings.Cut(r.labels[1:], ">.")
					r.labels, r.wild = rest, "anyLabel"
					r.part = strconv.Itoa(pf.index(pf.written, name))
				}
				rules = append(rules, r)
			}
		}
	}
	slices.SortStableFunc(rules, func(a, b hostRule) int {
		if c := strings.Compare(a.domain, b.domain); c != 0 {
			return c
		}
		return strings.Compare(order(a), order(b))
	})
	return rules
}

// order: what is exact comes before what is wild.
func order(r hostRule) string {
	return map[string]string{"exactly": "0", "locale": "1", "language": "2", "anyLabel": "3", "below": "4"}[r.wild]
}

// domainSlots is the length of the table of domains, a power of two.
const domainSlots = 1024

// hashOf must do as the function of the same name in package subject.
func hashOf(domain string) uint32 {
	h := uint32(0)
	for i := range len(domain) {
		h = h*31 + uint32(domain[i])
	}
	return h
}
