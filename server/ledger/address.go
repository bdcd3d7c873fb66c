package ledger

import (
	"slices"
	"strings"

	"khien/shared/subject"
)

// Seen is what is kept of an address, as a browser writes it, at which a subject was seen: the address without name and
// password. It is empty where the subject's own address is the same, and where the address is not one of at most
// subject.MaxHref bytes that names the subject. That of a page or a host is on that host, or on one below it: what
// leads there from elsewhere is not kept. Nor is one on what is no host, which browsers open and canonical forms mend:
// a..b.example.
func Seen(href string, s subject.Subject) string {
	scheme, rest, ok := strings.Cut(href, "://")
	if !ok || len(href) > subject.MaxHref {
		return ""
	}
	authority, _, _ := strings.Cut(rest, "/")
	rest = rest[strings.LastIndexByte(authority, '@')+1:]
	href = scheme + "://" + rest
	host, _, _ := strings.Cut(rest, "/")
	if port := strings.LastIndexByte(host, ':'); port > strings.LastIndexByte(host, ']') {
		host = host[:port]
	}
	if href == s.Address() || !subject.IsHost(strings.TrimSuffix(host, ".")) && !strings.HasPrefix(host, "[") || !Names(href, s) {
		return ""
	}
	return href
}

// Names tells whether an address names a subject, and by itself: a page or a host is on the address's own host.
func Names(href string, s subject.Subject) bool {
	named, err := subject.FromHref(nil, href)
	if err != nil || !slices.Contains(named, s) {
		return false
	}
	if s.IsAccount() {
		return true
	}
	host, err := subject.Host(href)
	of, _, _ := strings.Cut(string(s), "/")
	of = strings.TrimPrefix(of, "www.") // of a platform, other hosts show the same page
	return err == nil && (host == of || strings.HasSuffix(host, "."+of))
}

// Open is an address at which the indicator can be seen: the one at which it first was, or else that of its subject;
// empty where there is none.
func (i Indicator) Open() string {
	if seen := Seen(i.Address, i.Subject); seen != "" {
		return seen
	}
	return i.Subject.Address()
}
