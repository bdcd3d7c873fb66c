package export

import (
	"io"
	"time"
)

// comments are the first lines of a file, behind a sign.
func (l *lines) comments(sign string, h Head) {
	l.printf("%s %s\n", sign, oneLine(h.Operator))
	if h.Home != "" {
		l.printf("%s %s\n", sign, oneLine(h.Home))
	}
	l.printf("%s as of %s, position %d\n", sign, time.Unix(h.Now, 0).UTC().Format(time.RFC3339), h.Position)
}

// writeDomains writes a host a line. Each stands for itself and all below it.
func writeDomains(w io.Writer, list List, h Head) (Left, error) {
	return writeNames(w, list, h, "#", func(l *lines, name string) { l.printf("%s\n", name) })
}

// writeDnsmasq writes a configuration of dnsmasq: of a host and all below it nothing is known, and nobody else is asked
// (dnsmasq(8), --local).
func writeDnsmasq(w io.Writer, list List, h Head) (Left, error) {
	return writeNames(w, list, h, "#", func(l *lines, name string) { l.printf("local=/%s/\n", name) })
}

func writeNames(w io.Writer, list List, h Head, sign string, write func(*lines, string)) (Left, error) {
	l, left := newLines(w), Left{}
	l.comments(sign, h)
	for name, err := range topmost(list, h, left) {
		if err != nil {
			return nil, l.end(err)
		}
		write(l, name)
	}
	return left, l.end(nil)
}

// writeHosts writes a file of hosts (hosts(5)). It has no way to say "and all below it", so that each host stands for
// itself alone.
func writeHosts(w io.Writer, list List, h Head) (Left, error) {
	l, left := newLines(w), Left{}
	l.comments("#", h)
	for g, err := range inForce(list, h, left) {
		if err != nil {
			return nil, l.end(err)
		}
		name, why := host(g)
		if why != "" {
			left[why]++
			continue
		}
		l.printf("0.0.0.0 %s\n", name)
	}
	return left, l.end(nil)
}

// zoneRoom is for the name of the zone itself, which whoever loads it gives it: with "*." and a host in front, that is a
// DNS name too.
const zoneRoom = 64

// writeRPZ writes a response policy zone (draft-vixie-dnsop-dns-rpz-00): a host and all below it do not exist. The names
// stand without the zone's, so that it can be called anything of up to 64 bytes.
func writeRPZ(w io.Writer, list List, h Head) (Left, error) {
	l, left := newLines(w), Left{}
	l.comments(";", h)
	// The serial rises with each release (RFC 1035 section 3.3.13), until 2106.
	l.printf("$TTL 60\n@ IN SOA localhost. root.localhost. %d 60 60 2592000 60\n@ IN NS localhost.\n", uint32(h.Now))
	for name, err := range topmost(list, h, left) {
		if err != nil {
			return nil, l.end(err)
		}
		if len(name) > 253-len("*.")-zoneRoom {
			left[TooLong]++
			continue
		}
		l.printf("%s CNAME .\n*.%s CNAME .\n", name, name)
	}
	return left, l.end(nil)
}
