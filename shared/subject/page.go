package subject

import (
	"net/netip"
	"strconv"
	"strings"
)

// page is an address, taken apart.
type page struct {
	host     string // canonical
	hostAt   int    // where it begins in the href, if it was canonical there
	isIP     bool
	path     string // canonical, from the first slash
	query    string // canonical, with the question mark; empty without one or with nothing behind it
	raw      string // the path with nothing escaped
	rawQuery string // the query as it came
	escaped  string // the path as it came
	fragment string // as it came
}

// read takes apart the href of a URL object.
func (p *page) read(href string) error {
	if len(href) > maxVisit {
		return ErrTooLong
	}
	if has(href, notInHref) {
		return ErrNotNormalised
	}
	rest, secure := strings.CutPrefix(href, "https://")
	if !secure {
		var plain bool
		if rest, plain = strings.CutPrefix(href, "http://"); !plain {
			return wrongScheme(href)
		}
	}
	p.hostAt = len(href) - len(rest)
	end := strings.IndexByte(rest, '/')
	if end < 0 || has(rest[:end], endsAuthority) {
		return ErrNotNormalised
	}
	authority := rest[:end]
	rest = rest[end:]
	rest, p.fragment, _ = strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")

	if err := p.readAuthority(authority, secure); err != nil {
		return err
	}
	if has(path, notInPath) || hasDotSegment(path) {
		return ErrNotNormalised
	}
	p.escaped = path
	p.raw, p.rawQuery = cleanPath(unescape(path)), query
	p.path, p.query = escape(p.raw, true), ""
	if query != "" {
		if p.query = escape(unescape(query), false); p.query == query {
			p.query = rest[len(path):] // with its question mark, and without a copy
		} else if p.query != "" {
			p.query = "?" + p.query
		}
	}
	return nil
}

// What a byte is not allowed to be, or calls for.
const (
	notInHref = 1 << iota
	notInHost
	notInPath
	endsAuthority
	escaped
	escapedInPath
)

// kinds are these of each byte.
var kinds = func() (k [256]uint8) {
	for i := range k {
		c := byte(i)
		mark := func(kind uint8, is bool) {
			if is {
				k[i] |= kind
			}
		}
		other := c <= ' ' || c >= 0x7f
		mark(notInHref, other)
		mark(notInHost, other || c >= 'A' && c <= 'Z' || strings.IndexByte("#%/:<>?@[\\]^|", c) >= 0)
		mark(notInPath, strings.IndexByte("\"<>\\", c) >= 0)
		mark(endsAuthority, strings.IndexByte("?#\\", c) >= 0)
		mark(escaped, other || c == '#' || c == '%')
		mark(escapedInPath, other || c == '#' || c == '%' || c == '?')
	}
	return k
}()

// has tells whether s has a byte of a kind.
func has(s string, kind uint8) bool {
	for i := range len(s) {
		if kinds[s[i]]&kind != 0 {
			return true
		}
	}
	return false
}

// wrongScheme tells another scheme from what is no address at all.
func wrongScheme(href string) error {
	scheme, rest, ok := strings.Cut(href, ":")
	if !ok || scheme == "" || scheme[0] < 'a' || scheme[0] > 'z' ||
		strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" ||
		(scheme == "http" || scheme == "https") && !strings.HasPrefix(rest, "//") {
		return ErrNotNormalised
	}
	return ErrScheme
}

func (p *page) readAuthority(authority string, secure bool) error {
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if strings.IndexByte(authority, '@') != at { // a browser escapes the others
			return ErrNotNormalised
		}
		authority = authority[at+1:]
		p.hostAt += at + 1
	}
	host := authority
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host = authority[:colon]
		port, err := strconv.ParseUint(authority[colon+1:], 10, 16)
		if err != nil || authority[colon+1] == '0' && port != 0 || port == 0 && len(authority) != colon+2 ||
			secure && port == 443 || !secure && port == 80 {
			return ErrNotNormalised
		}
	}
	if host == "" {
		return ErrHost
	}
	var err error
	p.host, p.isIP, err = canonicalHost(host)
	return err
}

// canonicalHost takes a host as a browser writes it. Dots at the ends and double dots
// go; an IPv6 address that stands for an IPv4 address becomes that (Safe Browsing v5,
// "URLs and Hashing", Canonicalization).
func canonicalHost(host string) (canonical string, isIP bool, err error) {
	if host[:min(1, len(host))] == "[" {
		return canonicalIPv6(host)
	}
	if has(host, notInHost) {
		// Chromium writes two characters as escapes, which the URL standard leaves as they are or
		// forbids, and goes on to look for the name.
		if strings.IndexByte(host, '%') < 0 || has(strings.ReplaceAll(strings.ReplaceAll(host, "%2A", ""), "%20", ""), notInHost) {
			return "", false, ErrNotNormalised
		}
		host = strings.ReplaceAll(host, "%2A", "*")
	}
	doubled := strings.HasSuffix(host, "..")
	host = strings.Trim(host, ".")
	for strings.Contains(host, "..") {
		host = strings.ReplaceAll(host, "..", ".")
	}
	if host == "" {
		return "", false, ErrHost
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if !numeric(last) {
		return host, false, nil
	}
	// A last label that is a number makes the whole an IPv4 address, or no host at all.
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Is4() || ip.String() != host {
		if doubled { // to a browser the last label of "a.09.." is the empty one
			return "", false, ErrHost
		}
		return "", false, ErrNotNormalised
	}
	return host, true, nil
}

// numeric tells whether a label is a number to the URL standard ("ends in a number checker").
func numeric(label string) bool {
	if digits(label) {
		return true
	}
	hex, ok := strings.CutPrefix(label, "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func canonicalIPv6(host string) (string, bool, error) {
	inner, ok := strings.CutSuffix(host[1:], "]")
	ip, err := netip.ParseAddr(inner)
	if !ok || err != nil || !ip.Is6() || ip.Zone() != "" || strings.Contains(inner, ".") {
		return "", false, ErrNotNormalised
	}
	b := ip.As16()
	if ip.Is4In6() {
		hex := func(hi, lo byte) string { return strconv.FormatUint(uint64(hi)<<8|uint64(lo), 16) }
		if inner != "::ffff:"+hex(b[12], b[13])+":"+hex(b[14], b[15]) {
			return "", false, ErrNotNormalised
		}
		return netip.AddrFrom4([4]byte(b[12:])).String(), true, nil
	}
	if ip.String() != inner {
		return "", false, ErrNotNormalised
	}
	if string(b[:12]) == "\x00\x64\xff\x9b\x00\x00\x00\x00\x00\x00\x00\x00" { // 64:ff9b::/96, RFC 6052 section 2.1
		return netip.AddrFrom4([4]byte(b[12:])).String(), true, nil
	}
	return host, true, nil
}

// hasDotSegment tells whether a path has a segment that a browser would have resolved.
func hasDotSegment(path string) bool {
	for more := true; more; {
		var segment string
		segment, path, more = strings.Cut(path, "/")
		if len(segment) > len("%2e%2e") {
			continue
		}
		switch strings.ToLower(segment) {
		case ".", "..", "%2e", "%2e%2e", ".%2e", "%2e.":
			return true
		}
	}
	return false
}

// unescape replaces %XX by its byte until none is left. A replaced byte may complete
// another escape; since two escapes never overlap, the order does not matter, and one
// pass with a look back finds them all.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		out = append(out, s[i])
		for n := len(out); n >= 3 && out[n-3] == '%'; n = len(out) {
			hi, lo := hexDigit(out[n-2]), hexDigit(out[n-1])
			if hi > 15 || lo > 15 {
				break
			}
			out = append(out[:n-3], hi<<4|lo)
		}
	}
	return string(out)
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

// escape writes blanks, controls, bytes from 0x7f on, '#' and '%' as %XX, and in a path
// also '?', so that a path and a query are never confused.
func escape(s string, inPath bool) string {
	const hex = "0123456789ABCDEF"
	special := uint8(escaped)
	if inPath {
		special = escapedInPath
	}
	if !has(s, special) {
		return s
	}
	out := make([]byte, 0, len(s)+len(s)/4+8)
	for i := range len(s) {
		if c := s[i]; kinds[c]&special != 0 {
			out = append(out, '%', hex[c>>4], hex[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

// cleanPath resolves the dot segments that unescaping brought to light and joins double slashes.
func cleanPath(path string) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	segments := strings.Split(path, "/")
	folder := false
	for _, segment := range segments {
		folder = false
		switch segment {
		case "", ".":
			folder = true
		case "..":
			folder = true
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
		}
	}
	clean := "/" + strings.Join(kept, "/")
	if folder && len(kept) > 0 {
		clean += "/"
	}
	return clean
}
