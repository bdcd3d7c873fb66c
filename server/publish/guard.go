package publish

import (
	"embed"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"

	"khien/shared/subject"
)

// Protected is the refusal of a subject that would cover what it must not.
type Protected struct {
	Subject subject.Subject
	Rule    Rule
}

func (p *Protected) Error() string { return string(p.Subject) + ": " + rules[p.Rule] }

// Rule is why a subject is refused.
type Rule string

// rules are all of them, in English for the command line and logs.
var rules = map[Rule]string{
	"nothing":  "not a subject",
	"platform": "a social network or another platform, which shows the pages of many: name the exact page or account",
	"bank":     "a bank or payment service",
	"state":    "a site of the state",
	"site":     "a well-known site",
	"private":  "an address of a private network, where everybody has another machine",
	"home":     "a name of a private network, where everybody has another machine",
	"dotless":  "a name without a dot, which means another machine everywhere",
	"above":    "it would cover protected names below it",
	"suffix":   "a public suffix, under which anybody can have a name",
	"shared":   "a host that many people share: name the exact page, or the name below it",
	"folder":   "a whole folder of a site that many people share: name the exact page",
	"endpoint": "a page that shows whatever follows it: name it with what follows",
}

// Rules are all reasons for which Guard refuses.
func Rules() []Rule { return slices.Sorted(maps.Keys(rules)) }

//go:embed protected/*.txt
var protectedFiles embed.FS

// names are the protected names, by host.
type names struct {
	sites     map[string]Rule     // with everything below them
	shared    map[string]bool     // the host itself; what is below belongs to others
	endpoints map[string]bool     // pages that show whatever their query or the rest of their path says
	above     map[string]struct{} // every parent of one of these hosts
}

var protected = sync.OnceValue(func() names {
	n := names{map[string]Rule{}, map[string]bool{}, map[string]bool{}, map[string]struct{}{}}
	site := func(why Rule) func(string) {
		return func(host string) { n.sites[host] = why }
	}
	read("platforms.txt", site("platform"))
	read("banks.txt", site("bank"))
	read("state.txt", site("state"))
	read("sites.txt", site("site"))
	read("shared.txt", func(host string) { n.shared[host] = true })
	read("endpoints.txt", func(page string) { n.endpoints[page] = true })
	parents := func(host string) {
		for {
			_, parent, ok := strings.Cut(host, ".")
			if !ok {
				return
			}
			n.above[parent] = struct{}{}
			host = parent
		}
	}
	for host := range n.sites {
		parents(host)
	}
	for host := range n.shared {
		parents(host)
	}
	return n
})

// read hands over each line of a list that is neither blank nor a comment.
func read(file string, take func(string)) {
	text, err := protectedFiles.ReadFile("protected/" + file)
	if err != nil {
		panic(err) // it is part of the program
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			take(line)
		}
	}
}

// site returns why host, or one it is below, is protected; "" if it is not.
func (n names) site(host string) Rule {
	for {
		if why := n.sites[host]; why != "" {
			return why
		}
		_, parent, ok := strings.Cut(host, ".")
		if !ok {
			return ""
		}
		host = parent
	}
}

// isShared tells whether host, with or without www, is one where others have their pages.
func (n names) isShared(host string) bool {
	return n.shared[host] || n.shared[strings.TrimPrefix(host, "www.")]
}

// Guard returns nil for a subject that may be listed, or *Protected. The rules, in order:
//
//   - An account, number or wallet may be listed.
//   - An address or a name of a private network, and a name without a dot, may not.
//   - A host may not be listed if it is a public suffix or above a protected name, a
//     protected site or below one, or a shared host itself. What is below a shared host may.
//   - Of a protected site or shared host, a page may be listed, but neither a folder at
//     the first level nor a page that shows whatever its query says.
//
// The names are in protected/*.txt, each with the meaning of its list at the top.
func Guard(s subject.Subject) error {
	if s.IsAccount() {
		return nil
	}
	host, rest, ok := strings.Cut(string(s), "/")
	if !ok {
		return &Protected{s, "nothing"}
	}
	refuse := func(why Rule) error { return &Protected{s, why} }
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() || carriers.Contains(ip) {
			return refuse("private")
		}
		return nil
	}
	if !strings.Contains(host, ".") {
		return refuse("dotless")
	}
	if slices.ContainsFunc(atHome, func(zone string) bool { return strings.HasSuffix(host, zone) }) {
		return refuse("home")
	}
	n := protected()
	why, shared := n.site(host), n.isShared(host)
	if rest == "" {
		if _, above := n.above[host]; above {
			return refuse("above")
		}
		if suffix, _ := publicsuffix.PublicSuffix(host); suffix == host {
			return refuse("suffix")
		}
		switch {
		case shared:
			return refuse("shared")
		case why != "":
			return refuse(why)
		}
		return nil
	}
	if why == "" && !shared {
		return nil
	}
	page, _, hasQuery := strings.Cut(rest, "?")
	switch {
	case hasQuery:
		return nil // exactly this page
	case strings.HasSuffix(page, "/") && strings.Count(page, "/") < 2:
		return refuse("folder")
	case n.endpoint(host, page):
		return refuse("endpoint")
	}
	return nil
}

// carriers is what carriers give to their customers, many times over (RFC 6598).
var carriers = netip.MustParsePrefix("100.64.0.0/10")

// atHome are the zones that no public name is in (RFC 6762, RFC 8375, and what ICANN has set aside).
var atHome = []string{".local", ".home.arpa", ".internal"}

// endpoint tells whether a page is one that shows whatever follows it.
func (n names) endpoint(host, page string) bool {
	page = strings.TrimSuffix(page, "/")
	for {
		if n.endpoints[host+"/"+page] {
			return true
		}
		_, parent, ok := strings.Cut(host, ".")
		if !ok {
			return false
		}
		host = parent
	}
}

// wellKnown yields the addresses of pages that no release may list: the roots of all
// protected sites and shared hosts, and their end points.
func wellKnown(yield func(href string) bool) {
	n := protected()
	for host := range n.sites {
		if !yield("https://"+host+"/") || !yield("https://www."+host+"/") {
			return
		}
	}
	for host := range n.shared {
		if !yield("https://" + host + "/") {
			return
		}
	}
	for page := range n.endpoints {
		if !yield("https://"+page) || !yield("https://"+page+"/another") || !yield("https://"+page+"?another=1") {
			return
		}
	}
}
