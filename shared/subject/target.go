package subject

import (
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// dropped is what a browser drops from everywhere in an address, and blanks from its ends.
var dropped = strings.NewReplacer("\t", "", "\n", "", "\r", "")

const blanks = "\x00\x01\x02\x03\x04\x05\x06\x07\b\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "

// browserForm gives an address that stands in another one the form that a browser would give
// it, as far as naming it needs: without name and password. It refuses what it cannot be sure
// of. The steps are those of the URL standard (url.spec.whatwg.org, "URL parsing").
func browserForm(text string) (href string, ok bool) {
	text = dropped.Replace(strings.Trim(text, blanks))
	if strings.HasPrefix(text, "//") {
		text = "https:" + text
	}
	scheme, rest, found := strings.Cut(text, ":")
	if !found || len(text) > MaxHref {
		return "", false
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "http", "https":
	default:
		if has(text, notInHref) {
			return "", false
		}
		return scheme + ":" + rest, true
	}
	rest = strings.TrimLeft(rest, `/\`)
	authority, after := rest, ""
	if i := strings.IndexAny(rest, `/\?#`); i >= 0 {
		authority, after = rest[:i], rest[i:]
	}
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	host, port := authority, ""
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host = authority[:colon]
		if authority[colon+1:] != "" {
			n, err := strconv.ParseUint(authority[colon+1:], 10, 16)
			if err != nil {
				return "", false
			}
			if !(scheme == "http" && n == 80 || scheme == "https" && n == 443) {
				port = ":" + strconv.FormatUint(n, 10)
			}
		}
	}
	if host, ok = normalisedHost(host); !ok {
		return "", false
	}
	after, fragment, _ := strings.Cut(after, "#")
	path, query, _ := strings.Cut(after, "?")
	path = resolved(strings.ReplaceAll(path, `\`, "/"))
	href = scheme + "://" + host + port + encoded(path)
	if query != "" {
		href += "?" + encoded(query)
	}
	if fragment != "" {
		href += "#" + encoded(fragment)
	}
	return href, true
}

// withScheme gives an address that a redirector has without a scheme, as TikTok does, the one that
// it goes to.
func withScheme(text string) string {
	text = strings.Trim(text, blanks)
	host := text
	if end := strings.IndexAny(text, `/\?#`); end >= 0 {
		host = text[:end]
	}
	if looksLikeHost(host) {
		return "https://" + text
	}
	return text
}

// encoded escapes what a browser would escape in a path or a query.
func encoded(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && !mustEncode(s[i])
	}
	if plain {
		return s
	}
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		if c := s[i]; mustEncode(c) {
			out = append(out, '%', hex[c>>4], hex[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

func mustEncode(c byte) bool { return kinds[c]&(notInHref|notInPath) != 0 && c != '\\' }

// resolved has the dot segments of a path resolved, which may be escaped.
func resolved(path string) string {
	if !hasDotSegment(path) {
		if path == "" {
			return "/"
		}
		return path
	}
	var kept []string
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(s), "%2e", ".") {
		case ".":
			if last {
				kept = append(kept, "")
			}
		case "..":
			kept = kept[:max(0, len(kept)-1)]
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// normalisedHost is a host in lower case and in ASCII (UTS #46 section 4, in short: what
// differs in compatibility is made the same, and labels are encoded).
func normalisedHost(host string) (string, bool) {
	if strings.HasPrefix(host, "[") {
		return strings.ToLower(host), true // canonicalHost sees to it
	}
	if strings.IndexByte(host, '%') >= 0 {
		decoded := unescapeOnce(host)
		if strings.IndexByte(decoded, '%') >= 0 {
			return "", false
		}
		host = decoded
	}
	if !isASCII(host) {
		host = norm.NFKC.String(fold(norm.NFKC.String(host)))
		host = stops.Replace(host)
		labels := strings.Split(host, ".")
		for i, label := range labels {
			if isASCII(label) {
				continue
			}
			code, ok := punycode(label)
			if !ok {
				return "", false
			}
			labels[i] = "xn--" + code
		}
		host = strings.Join(labels, ".")
	}
	return strings.ToLower(host), host != ""
}

// stops are the full stops of other scripts, which part labels too (UTS #46 section 2.3).
var stops = strings.NewReplacer("。", ".", "．", ".", "｡", ".")

// punycode encodes a label (RFC 3492 section 6.3), of at most 63 characters.
func punycode(label string) (string, bool) {
	const (
		base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
		digits                       = "abcdefghijklmnopqrstuvwxyz0123456789"
	)
	input := []rune(label)
	if len(input) > 63 {
		return "", false
	}
	var out []byte
	for _, r := range input {
		if r < 0x80 {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(0x80), 0, 72
	for done := basic; done < len(input); n++ {
		next := rune(0x7fffffff)
		for _, r := range input {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range input {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tmin), tmax)
				if q < t {
					break
				}
				out = append(out, digits[t+(q-t)%(base-t)])
				q = (q - t) / (base - t)
			}
			out = append(out, digits[q])
			done++
			if bias = delta / 2; done == basic+1 {
				bias = delta / damp
			}
			bias += bias / done
			k := 0
			for ; bias > (base-tmin)*tmax/2; k += base {
				bias /= base - tmin
			}
			bias = k + (base-tmin+1)*bias/(bias+skew)
			delta = 0
		}
		delta++
	}
	return string(out), true
}

// unescapeOnce replaces each %XX by its byte, once.
func unescapeOnce(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2]); hi < 16 && lo < 16 {
				out = append(out, hi<<4|lo)
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}
