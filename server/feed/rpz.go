package feed

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/miekg/dns"

	"khien/shared/subject"
)

// Why a record of a zone is refused, beside ErrRule and what Entry says.
var (
	// ErrZone is what is no record of a zone.
	ErrZone = errors.New("not a record of a DNS zone")
	// ErrDirective is a directive that would read another file, or make records out of nothing.
	ErrDirective = errors.New("a directive that is not followed")
	// ErrTrigger is a rule about something else than the name that is asked for.
	ErrTrigger = errors.New("a rule about an address or a server, not about a name")
	// ErrNoBlock is a rule that answers, and does not block.
	ErrNoBlock = errors.New("a rule that does not block")
	// ErrOutOfZone is a name that is not in the zone, which no resolver would use.
	ErrOutOfZone = errors.New("a name outside of the zone")
)

// readRPZ reads a response policy zone: a name that is answered with nothing, or with the way to another place, is one
// that is blocked. A name and all below it are one.
func readRPZ(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	z := zone{origin: unnamed, apex: unnamed}
	var last subject.Subject
	return claimsOf(records(r), p, func(record textLine, c *Claim) (err error) {
		if c.Subject, c.Address, err = z.read(record); c.Subject == last {
			c.Subject = "" // the name itself stands in front of all below it
		} else if c.Subject != "" {
			last = c.Subject
		}
		return err
	})
}

// unnamed is what a zone is called until it says how.
const unnamed = "rpz.invalid."

// records are the lines of a zone, each with those that brackets join to it, up to 8 kB, and without comments.
func records(r io.Reader) iter.Seq2[textLine, error] {
	return func(yield func(textLine, error) bool) {
		var open textLine
		depth := 0
		for line, err := range textLines(r) {
			if err == nil {
				var change int
				line.text, change = uncommented(line.text)
				if depth == 0 && line.text == "" {
					continue
				}
				if depth > 0 {
					line.number, line.indent, line.text = open.number, open.indent, open.text+" "+line.text
				}
				if depth += change; depth > 0 {
					if open = line; len(open.text) <= maxLine {
						continue
					}
					err = ErrLong
				}
			}
			depth = 0
			if !yield(line, err) || err != nil && line.number == 0 {
				return
			}
		}
		if depth > 0 {
			yield(open, fmt.Errorf("%w: a bracket is not closed", ErrZone))
		}
	}
}

// uncommented is a line without its comment, and how many brackets it leaves open.
func uncommented(text string) (rest string, open int) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';':
			return strings.TrimSpace(text[:i]), open
		case c == '(':
			open++
		case c == ')':
			open--
		}
	}
	return text, open
}

// zone is what the records before say of the next one.
type zone struct {
	origin string // to which names belong that end without a dot
	apex   string // the name of the zone itself, which is taken away
	owner  string // of the record before, as it was written
}

// read is what a record blocks; nothing where it is of the zone itself.
func (z *zone) read(record textLine) (s subject.Subject, address string, err error) {
	text := record.text
	if text[0] == '$' {
		return "", "", z.direct(text)
	}
	if record.indent {
		if z.owner == "" {
			return "", "", ErrZone
		}
		text = z.owner + " " + text
	}
	p := dns.NewZoneParser(strings.NewReader(text+"\n"), z.origin, "")
	p.SetDefaultTTL(3600)
	rr, ok := p.Next()
	if !ok || rr == nil {
		return "", "", ErrZone
	}
	z.owner, _, _ = strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	name := strings.ToLower(rr.Header().Name)
	switch rr.Header().Rrtype {
	case dns.TypeSOA:
		z.apex = name
		return "", "", nil
	case dns.TypeNS, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeDNSKEY, dns.TypeZONEMD:
		return "", "", nil
	}
	if !dns.IsSubDomain(z.apex, name) {
		return "", "", ErrOutOfZone
	}
	host := strings.TrimSuffix(strings.TrimSuffix(name, z.apex), ".")
	if host == "" { // a text about the zone
		return "", "", nil
	}
	trigger := host[strings.LastIndexByte(host, '.')+1:]
	switch {
	case strings.HasPrefix(trigger, "rpz-"):
		return "", "", fmt.Errorf("%w: %s", ErrTrigger, trigger)
	case strings.ContainsAny(host, "\\@"):
		return "", "", ErrHost
	}
	switch rr := rr.(type) {
	case *dns.CNAME:
		switch target := strings.ToLower(rr.Target); target {
		case "":
			return "", "", ErrZone
		case "rpz-passthru.", "rpz-tcp-only.", name:
			return "", "", fmt.Errorf("%w: %s", ErrNoBlock, target)
		}
	case *dns.A, *dns.AAAA: // where visitors are led to instead
	default:
		return "", "", fmt.Errorf("%w: a record of the type %s", ErrNoBlock, dns.TypeToString[rr.Header().Rrtype])
	}
	return fromAddress(host)
}

// direct follows a directive of the zone.
func (z *zone) direct(text string) error {
	f := strings.Fields(text)
	switch directive := strings.ToUpper(f[0]); {
	case directive == "$TTL":
		return nil
	case directive == "$ORIGIN" && len(f) == 2:
		origin := strings.ToLower(f[1])
		if !dns.IsFqdn(origin) {
			origin += "." + strings.TrimPrefix(z.origin, ".")
		}
		if _, ok := dns.IsDomainName(origin); !ok || len(origin) > 255 {
			return ErrZone
		}
		if z.origin == unnamed && z.apex == unnamed { // nothing has said yet which zone it is
			z.apex = origin
		}
		z.origin = origin
		return nil
	}
	return fmt.Errorf("%w: %s", ErrDirective, cut(f[0], 20))
}
