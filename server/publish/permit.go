package publish

import (
	"embed"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/net/publicsuffix"

	"khien/server/platform"
	"khien/shared/official"
	"khien/shared/subject"
)

// Protected is the refusal of a subject that would cover what it must not.
type Protected struct {
	Subject subject.Subject
	Rule    Rule
}

func (p *Protected) Error() string { return shown(string(p.Subject)) + ": " + rules[p.Rule] }

// shown is a text of a stranger, which may be of any length and have any characters, for a line of a terminal.
func shown(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.QuoteToASCII(text)
	}
	return text
}

// Rule is why a subject is refused.
type Rule string

// rules are all of them, in English for the command line and logs.
var rules = map[Rule]string{
	"nothing":  "not a subject",
	"host":     "no host name: letters, digits, hyphens and underscores between dots, or an IP address",
	"platform": "a social network or another platform, which shows the pages of many: name the exact page or account",
	"bank":     "a bank or payment service",
	"state":    "a site of the state",
	"site":     "a well-known site",
	"official": "a host of the official book",
	"cdn":      "a part of other sites: what it sends is on many of them",
	"resolver": "a public service that answers where names are",
	"private":  "an address of a private network, where everybody has another machine",
	"home":     "a name of a private network, where everybody has another machine",
	"dotless":  "a name without a dot, which means another machine everywhere",
	"above":    "it would cover protected names below it",
	"suffix":   "a public suffix, under which anybody can have a name",
	"shared":   "a host that many people share: name the exact page, or the name below it",
	"folder":   "a whole folder of a protected site: name the exact page, without the slash at its end",
	"entrance": "where everybody signs in, or sees what is their own",
	"endpoint": "a page that shows whatever follows it: name it with what follows",
}

// Rules are all reasons for which Permit refuses.
func Rules() []Rule { return slices.Sorted(maps.Keys(rules)) }

//go:embed protected/*.txt
var protectedFiles embed.FS

// Protection knows the names that no release may cover. It never changes and is safe for concurrent use.
type Protection struct {
	sites     map[string]Rule                     // with everything below them
	shared    map[string]bool                     // the host itself; what is below belongs to others
	endpoints map[string]bool                     // pages that show whatever their query or the rest of their path says
	above     map[string]struct{}                 // every parent of one of these hosts
	book      *official.Book                      // whose hosts are protected too, with the endings of countries
	unread    bool                                // whether something of the operator's own books was left out
	covered   func() map[subject.Subject]bool     // the pages that the addresses of wellKnown name
	hosts     func() sieve                        // all of sites, shared and above, and those of covered
	digests   func() map[[32]byte]subject.Subject // of those that no set may warn about
}

// Protect makes a protection of the lists in protected/, the hosts of the platforms, and the official book with the
// operator's own ones, in a folder that need not exist.
func Protect(folder string) (*Protection, error) {
	text, left := Book(folder)
	if text == ourBook() && len(left) == 0 {
		return protected(), nil
	}
	return protectionOf(bookText{text, len(left) > 0})
}

// bookText is a book; unread tells that something of it was left out.
type bookText struct {
	text   string
	unread bool
}

// protections are those of the operator's book and of the one in force: they are asked far more often than they change.
var protections, _ = lru.New[bookText, *Protection](2) // the error is of a size below one

func protectionOf(book bookText) (*Protection, error) {
	if p, ok := protections.Get(book); ok {
		return p, nil
	}
	p, err := protect(book.text, book.unread)
	if err == nil {
		protections.Add(book, p)
	}
	return p, err
}

// protect makes a protection with this book; unread tells that something of it was left out.
func protect(text string, unread bool) (*Protection, error) {
	book, err := official.Read(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the official names: %w", err)
	}
	p := &Protection{sites: map[string]Rule{}, shared: map[string]bool{}, endpoints: map[string]bool{}, above: map[string]struct{}{}, book: book, unread: unread}
	p.covered = sync.OnceValue(func() map[subject.Subject]bool {
		all := map[subject.Subject]bool{}
		for href := range p.wellKnown {
			named, err := subject.FromHref(nil, href)
			if err != nil {
				continue
			}
			for _, s := range append(named, subject.Further(named)...) {
				all[s] = !s.IsAccount() // whoever has the name that an end point of a platform was given here
			}
		}
		return all
	})
	p.hosts = sync.OnceValue(func() sieve {
		all := newSieve(len(p.sites) + len(p.shared) + len(p.above) + len(p.covered()))
		for _, hosts := range []iter.Seq[string]{maps.Keys(p.sites), maps.Keys(p.shared), maps.Keys(p.above)} {
			for host := range hosts {
				all.add(hashOf(host))
			}
		}
		for page := range p.covered() {
			host, _, _ := strings.Cut(string(page), "/")
			all.add(hashOf(host))
		}
		return all
	})
	p.digests = sync.OnceValue(func() map[[32]byte]subject.Subject {
		all := map[[32]byte]subject.Subject{}
		for page, is := range p.covered() {
			if is {
				all[page.Digest()] = page
			}
		}
		return all
	})
	site := func(why Rule) func(string) {
		return func(host string) { p.sites[host] = why }
	}
	read("shared.txt", func(host string) { p.shared[host] = true })
	for host := range book.Hosts() {
		// What is below a host that is rented out is its customers'; so it stays a shared one.
		if suffix, _ := publicsuffix.PublicSuffix(host); !strings.HasSuffix(host, ".*") && !p.shared[host] && suffix != host {
			p.sites[host] = "official"
		}
	}
	for host := range subject.PlatformHosts() {
		if !p.shared[host] {
			p.sites[host] = "platform"
		}
	}
	for _, of := range platform.All() {
		for _, domain := range of.Owns {
			p.sites[domain] = "platform"
		}
	}
	read("platforms.txt", site("platform"))
	read("sites.txt", site("site"))
	read("cdn.txt", site("cdn"))
	read("resolvers.txt", site("resolver"))
	read("banks.txt", site("bank"))
	read("state.txt", site("state"))
	read("endpoints.txt", func(page string) { p.endpoints[page] = true })
	parents := func(host string) {
		for {
			_, parent, ok := strings.Cut(host, ".")
			if !ok {
				return
			}
			p.above[parent] = struct{}{}
			host = parent
		}
	}
	for host := range p.sites {
		parents(host)
	}
	for host := range p.shared {
		parents(host)
	}
	return p, nil
}

// ourBook is the book without any operator's.
var ourBook = sync.OnceValue(func() string {
	text, _ := Book("")
	return text
})

// protected is the protection without any operator's book.
var protected = sync.OnceValue(func() *Protection {
	p, err := protect(ourBook(), false)
	if err != nil {
		panic(err) // all of it is part of the program
	}
	return p
})

// read hands over each line of a list that is neither blank nor a comment.
func read(file string, take func(string)) {
	text, err := protectedFiles.ReadFile("protected/" + file)
	if err != nil {
		panic(err) // it is part of the program
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		for host := range strings.FieldsSeq(line) {
			take(host)
		}
	}
}

// site returns why host, or one it is below, is protected; "" if it is not. What is below a shared host, or below
// a private suffix, is its customers' and not protected by what stands above that.
func (p *Protection) site(host string) Rule { return p.siteOf(p.place(host)) }

// placed is a host, and the public suffix that it is below or is.
type placed struct {
	host, suffix string
	icann        bool // whether that is an official one
	known        bool // whether the protection may have the host itself; most it has not
}

func (p *Protection) place(host string) placed {
	suffix, icann := publicsuffix.PublicSuffix(host)
	return placed{host, suffix, icann, p.mayKnow(host)}
}

func (p *Protection) mayKnow(host string) bool { return p.hosts().may(hashOf(host)) }

func (p *Protection) siteOf(h placed) Rule {
	known := h.known
	for at := h.host; ; known = p.mayKnow(at) {
		if known && p.sites[at] != "" {
			return p.sites[at]
		}
		if at != h.host && (known && p.shared[at] || at == h.suffix && !h.icann && strings.Contains(at, ".")) && !isState(at) {
			return ""
		}
		_, parent, ok := strings.Cut(at, ".")
		if !ok {
			break
		}
		at = parent
	}
	if isState(h.host) {
		return "state"
	}
	return ""
}

// isEnding tells whether the book says that a host is official under the endings of all countries, such as "google.*".
// Whether somebody has it in that country, the book doesn't know.
func (p *Protection) isEnding(host string) bool {
	suffix, _ := publicsuffix.PublicSuffix(host)
	return suffix != host && p.book.IsOfficial(host)
}

// isState tells whether a host is below an ending that a state gives to its own offices alone, or is such an ending.
func isState(host string) bool {
	for at := host; ; {
		label, country, ok := strings.Cut(at, ".")
		if !ok {
			return false
		}
		if len(country) == 2 && slices.Contains(stateLabels, label) {
			suffix, icann := publicsuffix.PublicSuffix(at)
			return icann && suffix == at
		}
		at = country
	}
}

// stateLabels stand in front of the ending of a country for its state, where the country keeps names below it
// (publicsuffix.org). Those that mean something else in other countries, such as "go", stand in state.txt.
var stateLabels = []string{"gov", "gob", "gouv", "govt", "gub", "gv", "mil", "police", "nhs", "mod", "parliament", "jus", "leg", "mp", "def"}

// isShared tells whether host, with or without www, is one where others have their pages.
func (p *Protection) isShared(host string) bool {
	bare, www := strings.CutPrefix(host, "www.")
	return p.shared[host] || www && p.shared[bare]
}

// Permit is Protection.Permit without the books of any operator.
func Permit(s subject.Subject) error { return protected().Permit(s) }

// Permit returns nil for a subject that may be listed, or *Protected. The rules, in order:
//
//   - What is not the canonical form of a subject may not be listed.
//   - An account, number or wallet may be listed.
//   - What is neither a DNS name nor an IP address may not (subject.IsHost).
//   - An address or a name of a private network, and a name without a dot, may not; nor an address that many machines
//     share or ask.
//   - A host may not be listed if it is a public suffix or above a protected name, a
//     protected site or below one, or a shared host itself. What is below a shared host may.
//   - Of a protected site a page may be listed, but neither a folder at any level nor where everybody
//     signs in; a post of a platform is a page, with a slash at the end too; of a shared host a page may be listed, but not a folder at the first level nor where everybody
//     signs in; of neither a page that shows whatever its query says.
//
// The names are in protected/*.txt, each with the meaning of its list at the top, in the official book, in the rules of
// the platforms, and in the ranking (ranking.go).
func (p *Protection) Permit(s subject.Subject) error { return p.permit(s, s.Digest()) }

// permit is Permit of a subject that has this digest.
func (p *Protection) permit(s subject.Subject, digest [32]byte) error {
	refuse := func(why Rule) error { return &Protected{s, why} }
	if _, err := subject.Parse(string(s)); err != nil {
		return refuse("nothing")
	}
	if s.IsAccount() {
		return nil
	}
	if !s.IsListable() {
		return refuse("host")
	}
	host, rest, _ := strings.Cut(string(s), "/")
	if ip, ok := addressOf(host); ok {
		if why := p.address(ip); why != "" {
			return refuse(why)
		}
		return nil
	}
	if !strings.Contains(host, ".") {
		return refuse("dotless")
	}
	if slices.ContainsFunc(atHome, func(zone string) bool { return strings.HasSuffix(host, zone) }) {
		return refuse("home")
	}
	in := p.place(host)
	why, shared := p.siteOf(in), (in.known || strings.HasPrefix(host, "www.")) && p.isShared(host)
	if why == "" && !shared {
		name, ok := p.registered(in)
		rank := Unranked
		if ok && rest == "" && name == host {
			rank = rankOf(digest)
		} else {
			rank = rankOfName(name, ok)
		}
		switch {
		case rank == RankedBank:
			why = "bank"
		case rank == RankedShared:
			shared = host == name || host == "www."+name
		case rank == PopularHost && p.isEnding(host):
			why = "official"
		}
	}
	if rest == "" {
		if in.known {
			if _, above := p.above[host]; above {
				return refuse("above")
			}
		}
		if in.isSuffix() {
			return refuse("suffix")
		}
		switch {
		case shared:
			return refuse("shared")
		case why != "":
			return refuse(why)
		case in.known && p.covered()[s]:
			return refuse("official")
		}
		return nil
	}
	page, _, hasQuery := strings.Cut(rest, "?")
	switch {
	case in.known && p.covered()[s]:
		return refuse("endpoint")
	case why == "" && !shared:
		return nil
	case isEntrance(host, page, shared, why == "platform"):
		return refuse("entrance")
	case page == "" && !shared:
		return refuse(why) // the front page, whatever its query says
	case hasQuery:
		return nil // exactly this page
	case strings.HasSuffix(page, "/") && (!shared || strings.Count(page, "/") < 2) && !(why == "platform" && isPost(page)):
		return refuse("folder")
	case p.endpoint(host, page):
		return refuse("endpoint")
	}
	return nil
}

// addressOf reads a host that is an IP address. Most are none, and what tells so at once is cheaper than an error.
func addressOf(host string) (netip.Addr, bool) {
	if last := host[max(0, len(host)-1):]; last != "]" && (last < "0" || last > "9") && !strings.Contains(host, ":") {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return ip, err == nil
}

// address returns why an IP address may not be listed.
func (p *Protection) address(ip netip.Addr) Rule {
	ip = ip.Unmap()
	switch {
	case ip.Is4() && ip.As4()[0] >= 240, ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() || carriers.Contains(ip):
		return "private"
	case p.sites[ip.String()] != "":
		return p.sites[ip.String()]
	case slices.ContainsFunc(shares, func(net netip.Prefix) bool { return net.Contains(ip) }):
		return "cdn"
	}
	return ""
}

// carriers is what carriers give to their customers, many times over (RFC 6598).
var carriers = netip.MustParsePrefix("100.64.0.0/10")

// shares are the addresses at which one company answers for millions of sites: Cloudflare's (cloudflare.com/ips).
var shares = func() (nets []netip.Prefix) {
	for net := range strings.FieldsSeq(`173.245.48.0/20 103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 141.101.64.0/18 108.162.192.0/18
		190.93.240.0/20 188.114.96.0/20 197.234.240.0/22 198.41.128.0/17 162.158.0.0/15 104.16.0.0/13 104.24.0.0/14 172.64.0.0/13 131.0.72.0/22
		2400:cb00::/32 2606:4700::/32 2803:f800::/32 2405:b500::/32 2405:8100::/32 2a06:98c0::/29 2c0f:f248::/32`) {
		nets = append(nets, netip.MustParsePrefix(net))
	}
	return nets
}()

// atHome are the zones that no public name is in (RFC 6762, RFC 8375, and what ICANN has set aside), and those that
// networks use all the same.
var atHome = []string{".local", ".home.arpa", ".internal", ".lan", ".home", ".corp", ".intranet"}

// isEntrance tells whether a page is where everybody signs in or sees what is their own: whoever opens it
// is somebody else there. On a shared host, only at the beginning of the path: what follows may be a customer's.
func isEntrance(host, page string, shared, platform bool) bool {
	words := strings.Split(strings.ToLower(page), "/")
	if label, _, _ := strings.Cut(host, "."); !shared && slices.Contains(doors, label) {
		return true
	}
	if shared && len(words) > 1 && slices.Contains(visitors, words[0]) {
		words = words[1:]
	}
	for i, word := range words {
		word, _, _ = strings.Cut(word, ".") // login.php, signin.aspx
		switch {
		case (i == 0 || !shared) && (slices.Contains(entrances, word) || strings.HasPrefix(word, "oauth")):
			return true
		case i == 0 && (slices.Contains(rooms, word) || platform && slices.Contains(streams, word)) && !(word == "feed" && isPost(page)): // linkedin.com/feed/update/urn:li:activity:…
			return true
		}
		if i > 0 && shared {
			break
		}
	}
	return false
}

var (
	entrances = []string{
		"login", "log-in", "log_in", "logon", "signin", "sign-in", "sign_in", "signinoptions", "servicelogin", "logout", "signout", "sign-out", "signup", "sign-up",
		"openid", "saml", "saml2", "sso", "wsfed", "authorize", "auth", "checkpoint", "recover", "recovery", "identify", "password-recovery", "authflow",
		"reset_password", "password", "forgot-password", "forgotpassword", "two_factor", "challenge", "dang-nhap", "dangnhap", "logowanie", "zaloguj",
	}
	rooms = []string{
		"settings", "setting", "account", "accounts", "myaccount", "my-account", "youraccount", "messages", "inbox", "notifications", "home", "feed", "preferences",
		"register", "session", "sessions", "wp-login", "cart", "mojolx", "help", "support", "privacy", "terms", "about", "policies", "legal",
		"konto", "moje-konto", "moje-allegro", "tai-khoan", "taikhoan",
	}
	// streams are where a platform shows everybody something else.
	streams = []string{"foryou", "following", "explore", "discover", "bookmarks", "memories", "compose", "upload", "me"}
	// visitors are what a site calls whoever visits it; behind them an entrance or a room is its own.
	visitors = []string{"user", "users", "customer", "customers", "member", "members", "buyer", "my", "ap"}
	// doors are labels of hosts that are nothing but an entrance.
	doors = []string{"login", "signin", "sso", "auth", "oauth", "account", "accounts", "myaccount", "accountscenter", "passport", "id", "logowanie"}
)

// isPost tells whether a path goes on to what a platform calls one post by: a number or a code, as in
// instagram.com/p/C1aBcdefgh/ and reddit.com/r/NAME/comments/1abcde/a_title/. A section of the platform's own goes by a
// word, or by a number below one of ownRooms.
func isPost(page string) bool {
	words := strings.Split(strings.TrimSuffix(page, "/"), "/")
	if slices.Contains(ownRooms, words[0]) && (len(words) < 3 || words[1] != "item") {
		return false
	}
	if words[0] == "groups" && len(words) > 1 { // the number is that of the group
		words = words[1:]
	}
	return words[0] == "comments" && len(words) > 1 || slices.ContainsFunc(words[1:], func(word string) bool {
		return len(word) >= 6 && (strings.ContainsAny(word, "0123456789") || len(word) >= 8 && word != strings.ToLower(word) && word != strings.ToUpper(word))
	})
}

// ownRooms are sections of platforms in which a number is a place or a topic.
var ownRooms = []string{"marketplace", "business", "explore", "hashtag", "search", "topics"}

// endpoint tells whether a page is one that shows whatever follows it.
func (p *Protection) endpoint(host, page string) bool {
	page = strings.TrimSuffix(page, "/")
	for {
		if p.endpoints[host+"/"+page] {
			return true
		}
		_, parent, ok := strings.Cut(host, ".")
		if !ok {
			return false
		}
		host = parent
	}
}

// ReachesFar is Protection.ReachesFar without the books of any operator.
func ReachesFar(s subject.Subject) bool { return protected().ReachesFar(s) }

// ReachesFar tells whether two people must agree to list what Permit lets through: anything of a host that many people
// know, but for an exact page where others have their pages, which on a platform is a post or has a query. It says
// nothing about accounts.
func (p *Protection) ReachesFar(s subject.Subject) bool {
	host, path, ok := strings.Cut(string(s), "/")
	if !ok || s.IsAccount() {
		return false
	}
	page, _, _ := strings.Cut(path, "?")
	folder := strings.HasSuffix(page, "/")
	if p.isShared(host) {
		return folder
	}
	if why := p.site(host); why != "" {
		return why != "platform" || page == path && !isPost(page)
	}
	if _, ok := addressOf(host); ok {
		return false
	}
	rank := p.rank(host)
	return rank == PopularHost || rank == RankedBank || rank == RankedShared && (folder || page == "") || p.place(host).isSuffix() || p.isEnding(host)
}

// isSuffix tells whether a host is a public suffix, or the front door of the place that an official one is named after:
// www.bydgoszcz.pl.
func (h placed) isSuffix() bool {
	below, ok := strings.CutPrefix(h.host, "www.")
	return h.suffix == h.host || ok && h.icann && h.suffix == below && strings.Contains(below, ".")
}

// SharesPages tells whether the pages of a host are others' than its own: whoever lists one of them says nothing about
// the host.
func SharesPages(host string) bool {
	p := protected()
	return p.isShared(host) || p.site(host) == "platform" || p.rank(host) == RankedShared
}

// Customer tells whether a host is below one that is rented out to anybody, and returns that one.
func Customer(host string) (of string, ok bool) {
	name, ok := Ranked(host)
	if !ok {
		return "", false
	}
	_, of, _ = strings.Cut(name, ".")
	suffix, icann := publicsuffix.PublicSuffix(name)
	return of, protected().shared[of] || of == suffix && !icann && strings.Contains(suffix, ".")
}

// another stands for whatever follows an end point.
const another = "of-this-everybody-has-another"

// wellKnown yields the addresses of pages that no release may list: the roots of all
// protected sites and shared hosts, and their end points.
func (p *Protection) wellKnown(yield func(href string) bool) {
	for host := range p.sites {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		if !yield("https://"+host+"/") || !yield("https://www."+host+"/") {
			return
		}
	}
	for host := range p.shared {
		if !yield("https://" + host + "/") {
			return
		}
	}
	for page := range p.endpoints {
		if !yield("https://"+page) || !yield("https://"+page+"/"+another) || !yield("https://"+page+"?"+another+"=1") {
			return
		}
	}
	for host := range p.book.Hosts() {
		name, every := strings.CutSuffix(host, ".*")
		if !every {
			continue
		}
		for _, ending := range []string{"com", "net", "org", "vn", "com.vn", "pl", "com.pl", "de", "fr", "co.uk", "es", "it", "nl", "co.jp", "co.th", "com.my", "sg", "co.id", "ph", "com.br"} {
			if root := name + "." + ending; !yield("https://" + root + "/") {
				return
			}
		}
	}
}
