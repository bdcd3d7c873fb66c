package publish

import (
	"embed"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"

	"khien/shared/subject"
)

// Protected is the refusal of a subject that would cover what it must not.
type Protected struct {
	Subject subject.Subject
	Why     string
}

func (p *Protected) Error() string { return string(p.Subject) + ": " + p.Why }

//go:embed protected/*.txt
var protectedFiles embed.FS

// names are the protected names, by host.
type names struct {
	sites     map[string]string   // with everything below them: host to why
	shared    map[string]bool     // the host itself; what is below belongs to others
	endpoints map[string]bool     // pages that show whatever their query or the rest of their path says
	above     map[string]struct{} // every parent of one of these hosts
}

var protected = sync.OnceValue(func() names {
	n := names{map[string]string{}, map[string]bool{}, map[string]bool{}, map[string]struct{}{}}
	site := func(why string) func(string) {
		return func(host string) { n.sites[host] = why }
	}
	read("platforms.txt", site("a social network or another platform, which shows the pages of many: name the exact page or account"))
	read("banks.txt", site("a bank or payment service"))
	read("state.txt", site("a site of the state"))
	read("sites.txt", site("a well-known site"))
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
func (n names) site(host string) string {
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
//   - An address of a private network, and a name without a dot, may not.
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
		return &Protected{s, "not a subject"}
	}
	refuse := func(why string) error { return &Protected{s, why} }
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() {
			return refuse("an address of a private network, where everybody has another machine")
		}
		return nil
	}
	if !strings.Contains(host, ".") {
		return refuse("a name without a dot, which means another machine everywhere")
	}
	n := protected()
	why, shared := n.site(host), n.isShared(host)
	if rest == "" {
		if _, above := n.above[host]; above {
			return refuse("it would cover protected names below it")
		}
		if suffix, _ := publicsuffix.PublicSuffix(host); suffix == host {
			return refuse("a public suffix, under which anybody can have a name")
		}
		switch {
		case shared:
			return refuse("a host that many people share: name the exact page, or the name below it")
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
		return refuse("a whole folder of a site that many people share: name the exact page")
	case n.endpoint(host, page):
		return refuse("a page that shows whatever follows it: name it with what follows")
	}
	return nil
}

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
