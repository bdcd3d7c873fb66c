package subject

//go:generate go run ../../scripts/platforms

import (
	"iter"
	"strings"
)

// What a platform's file of rules (platforms/*.rules, whose form is documented in package
// main of scripts/platforms) is compiled to. All of it is constant data.

// platform is one place where accounts live.
type platform struct {
	name     string
	kinds    []kind
	forms    []form
	tracking string // parameters that are tracking on its hosts
	comments string // parameters of which one says that the page is of what somebody else has written below, each with a blank behind it
	pages    string // the host that shows the same pages as the others of its first group; empty where that is not so
}

// kind is one sort of ids, or a part of one.
type kind struct {
	name     string
	prefix   string // of its subjects: "facebook:user/"; a part has none
	rule     rule
	parts    string            // the pattern of an id that is put together; rule is empty then
	open     string            // the template of an address that shows it
	says     [languages]string // what a person is told of it
	reserved string            // words that are no ids of this kind, sorted, each with a blank behind it
}

// rule brings an id into its one form.
type rule struct {
	shape    shape
	extra    string // characters besides letters and digits
	min, max int    // of the canonical form, in bytes
	drop     string // a character that does not count
	begins   string // what an id begins with
	flags    uint8
}

type shape uint8

const (
	handle      shape = iota // ASCII letters in lower case, and digits
	name                     // letters of any script in lower case, and digits
	code                     // ASCII letters as they are, and digits
	number                   // digits without a leading zero
	hostname                 // at least two labels in lower case
	phone                    // a telephone number with its country (E.164)
	vnphone                  // the same, or a Vietnamese mobile number without
	anything                 // an address, or what stands for a part of one
	linkCode                 // of a short link: code, and a few signs more
	bin                      // the number of a bank, by what a payment link calls it
	bankAccount              // the number of an account there
	encoded64                // an address in base64, with either alphabet (RFC 4648)
	dashed                   // an address as Proofpoint's URL Defense writes it in version 2: "-3A" for ":", "_" for "/"
)

const (
	startsWithLetter = 1 << iota
	notDigits
	notNumbered // not with a number of nine digits and more at its end, behind a dash
	hasDot
)

// A pattern is a text in which these bytes stand for something; a template likewise.
const (
	capture    = 1 // in front of the index of a kind, 0x80 added
	wild       = 2 // anything but nothing; in a template all of the id
	hostOfPage = 3 // without "www."
	siteOfPage = 4 // the part of the host that is registered
)

// form is one sort of address.
type form struct {
	group    uint8  // the hosts it is for
	first    uint8  // what the path begins with, if that is sure
	also     bool   // a match does not end the search
	leads    bool   // out is not a subject but an address that the page leads to
	of       uint8  // the page is of what is named from this template on, counted from one, and not about it; 0 is for none
	aside    bool   // others write there, too: because of the page nothing is listed but the page
	sections string // where so: what may follow the path and be of whose the place is, sorted, each with a blank behind it; other things are others'
	rest     bool   // the last segment is all that is left of the path
	inPath   bool   // the parameters are segments of the path
	path     string // the patterns of the first segments, with a slash behind each
	query    string // key=pattern; without a key, it is all of the query
	having   string // a key that the query must have, too
	beside   string // key=pattern that must match, too, and captures its part
	fragment string // a pattern
	out      string // templates, each with a line end; none is for nobody
}

// elsewhere is the name of the platform that has the pages which only lead elsewhere.
const elsewhere = "elsewhere"

// hostRule is a host of a platform: the labels before its domain.
type hostRule struct {
	labels   string // with the dot behind them; empty for the domain itself
	wild     uint8  // what stands before the labels
	part     uint8  // of anyLabel
	platform uint8
	group    uint8
}

const (
	exactly  = iota
	locale   // xx-xx
	language // xx
	anyLabel // one label, which is captured
	below    // one label and more
)

// firstBuiltin is the index of the first of the parts that every platform has.
const firstBuiltin = 0x70

var builtin = [...]kind{
	{name: "phone", prefix: "phone:", rule: rule{shape: phone, max: 20}},
	{name: "vnphone", prefix: "phone:", rule: rule{shape: vnphone, max: 20}},
	{name: "url", rule: rule{shape: anything, max: MaxHref}},
	{name: "rest", rule: rule{shape: anything, max: MaxHref}},
	{name: "proxied", rule: rule{shape: anything, max: MaxHref}},
	{name: "code", rule: rule{shape: linkCode, min: 1, max: 100}},
	{name: "bin", rule: rule{shape: bin, max: 6}},
	{name: "account", rule: rule{shape: bankAccount, max: 19}},
	{name: "base64", rule: rule{shape: encoded64, max: MaxHref}},
	{name: "dashed", rule: rule{shape: dashed, max: MaxHref}},
}

func (pf *platform) part(i uint8) *kind {
	if i >= firstBuiltin {
		return &builtin[i-firstBuiltin]
	}
	return &pf.kinds[i]
}

// domainRules are the hosts below a domain: hostRules[from:to].
type domainRules struct {
	domain   string
	from, to uint16
}

// hostsOf are the hosts of platforms below a domain.
func hostsOf(domain string) []hostRule {
	for slot := hashOf(domain); ; slot++ {
		i := domainAt[slot%uint32(len(domainAt))]
		if i == 0 {
			return nil
		}
		if d := &domains[i-1]; d.domain == domain {
			return hostRules[d.from:d.to]
		}
	}
}

// PlatformHosts yields the domains of all platforms: a host of a platform is one of them, or below one.
func PlatformHosts() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range domains {
			if d := domains[i].domain; !strings.HasSuffix(d, ":") && !yield(d) { // not a scheme
				return
			}
		}
	}
}

func hashOf(domain string) uint32 {
	h := uint32(0)
	for i := range len(domain) {
		h = h*31 + uint32(domain[i])
	}
	return h
}

// domain is the part of a host below which names are registered: the last two labels, or
// three where the two are such as "com.vn".
func domain(host string) string {
	last := strings.LastIndexByte(host, '.')
	if last <= 0 {
		return host
	}
	second := strings.LastIndexByte(host[:last], '.')
	if second > 0 && len(host)-last == 3 {
		switch host[second+1 : last] {
		case "co", "com", "net", "org":
			second = strings.LastIndexByte(host[:second], '.')
		}
	}
	return host[second+1:]
}
