package feed

import (
	"errors"
	"net/netip"
	neturl "net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/nlnwa/whatwg-url/url"
	"golang.org/x/text/unicode/norm"

	"khien/shared/subject"
)

// ErrHref is text that no browser would open as a web address.
var ErrHref = errors.New("not a web address")

// Href reads an address as people write it into lists and gives it the form that a
// browser would: without a scheme it is taken for http, and what was made harmless
// (hxxp, [.]) is made whole again. The errors are ErrHref and those of subject.FromHref.
func Href(text string) (string, error) {
	var named subject.Named
	return readHref(text, &named)
}

// readHref also reads what the address names.
func readHref(text string, named *subject.Named) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > subject.MaxHref || !utf8.ValidString(text) {
		return "", ErrHref
	}
	if isPlainHost(text) { // most of most lists; the parser would change nothing
		href := "http://" + text + "/"
		if err := named.Read(href); err != nil {
			return "", err
		}
		return href, nil
	}
	text = rearm(text)
	if strings.Contains(text, "://") {
		text = dropped.Replace(text) // as a browser does; without a scheme they part columns of a list
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return "", ErrHref
		}
	}
	text = strings.TrimPrefix(text, "//")
	if text == "" || strings.IndexByte(`/\?#:`, text[0]) >= 0 { // a part of an address
		return "", ErrHref
	}
	bare := !hasScheme(text)
	if bare {
		text = "http://" + text
	}
	var written string
	parser := url.NewParser(url.WithPreParseHostFunc(func(_ *url.Url, host string) string {
		written = host
		return host
	}))
	u, err := parser.Parse(text)
	if err != nil || u.Hostname() == "" || !sameHost(written, u.Hostname()) {
		return "", ErrHref
	}
	if bare && isIPv4(u.Hostname()) && !isIPv4(strings.TrimSuffix(dots.Replace(written), ".")) {
		return "", ErrNumber
	}
	href := u.Href(false)
	if err := named.Read(href); err != nil {
		return "", err
	}
	return href, nil
}

// isPlainHost tells a host name as browsers write it, of labels without hyphens side by side, which could be Punycode, and
// with a letter at the end, so that it is no number.
func isPlainHost(text string) bool {
	if len(text) > 253 || text == "" || !isLetter(text[len(text)-1]) {
		return false
	}
	label := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			label++
		case c == '-' && label > 0 && text[i-1] != '-' && text[i+1] != '.':
			label++
		case c == '.' && label > 0:
			label = 0
		default:
			return false
		}
		if label > 63 {
			return false
		}
	}
	last := text[strings.LastIndexByte(text, '.')+1:]
	return isLetter(last[0]) && last != text
}

// dropped are what the URL standard removes from an address before it reads it.
var dropped = strings.NewReplacer("\t", "", "\r", "", "\n", "")

// sameHost tells whether a browser, too, reads the host that was written as the one that
// was parsed. The parser takes three kinds of hosts which browsers refuse or read
// otherwise: it strips any number of brackets from "[[::1]]", reads the signs in
// "1.-2.3.4" and drops a label that is "xn--" and nothing else.
func sameHost(written, parsed string) bool {
	if inner, ok := strings.CutPrefix(written, "["); ok {
		want, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		got, err2 := netip.ParseAddr(strings.Trim(parsed, "[]"))
		return err == nil && err2 == nil && want == got && want.Zone() == ""
	}
	decoded, err := neturl.PathUnescape(written)
	if err != nil {
		return false
	}
	if _, err := netip.ParseAddr(parsed); err == nil {
		return strings.Trim(norm.NFKC.String(decoded), "0123456789abcdefxABCDEFX.。") == ""
	}
	return emptyLabels(parsed) == emptyLabels(dots.Replace(decoded))
}

// dots are the full stops that part labels (UTS #46 section 4, "Processing").
var dots = strings.NewReplacer("。", ".", "．", ".", "｡", ".")

func emptyLabels(host string) int {
	n := 0
	for label := range strings.SplitSeq(host, ".") {
		if label == "" {
			n++
		}
	}
	return n
}

var (
	// harmlessScheme is the scheme of an address, as it is or as analysts write it: hxxp://, http[:]//, hxxps[://],
	// h**p:\\, [https://].
	harmlessScheme = regexp.MustCompile(`(?i)^[\[({<]?(h(?:tt|xx|xt|tx|\*\*|__)p)(s?|\[s\]|\(s\))[\])}>]?[\[({<]?:[\])}>]?[\[({<]?(?:/|\\|\[/\]){2}[\])}>]?`)
	// harmlessSigns are what stands for a dot, a colon or an at sign in a host.
	harmlessSigns = regexp.MustCompile(`(?i)[\[({<](?:\.|dot)[\])}>]|\\\.|[\[({](?::|@|at)[\])}]`)
	schemes       = map[string]string{"http": "http", "https": "https", "hxxp": "http", "hxxps": "https", "hxtp": "http", "hxtps": "https"}
)

// rearm undoes what analysts do to an address so that nobody opens it by accident. Where they have done it neither to
// the scheme nor to the host, the path stays as it is.
func rearm(text string) string {
	web := strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
	if !strings.ContainsAny(text, `[({<\`) && (web || text != "" && text[0]|0x20 != 'h') {
		return text // nothing was done to it, as to most
	}
	scheme, rest := "", text
	if end := plainScheme(text); end > 0 {
		scheme, rest = text[:end], text[end:]
	} else if text == "" || strings.IndexByte("hH[({<", text[0]) < 0 {
		// no scheme of the web, however written
	} else if m := harmlessScheme.FindStringSubmatchIndex(text); m != nil {
		end := m[1]
		if strings.ContainsAny(text[end-1:end], "])}>") && !strings.ContainsAny(text[:end], "[({<") {
			end-- // it closes nothing: the host may begin so
		}
		if scheme, rest = "http://", text[end:]; m[5] > m[4] {
			scheme = "https://"
		}
	}
	if slash := strings.Index(rest, "[/]"); slash > 0 && !strings.Contains(rest[:slash], "/") {
		rest = strings.ReplaceAll(rest, "[/]", "/")
	}
	end := endOfHost(rest)
	host, path := plainSigns(rest[:end]), rest[end:]
	if host != rest[:end] || scheme != "" && !strings.EqualFold(scheme, text[:min(len(scheme), len(text))]) {
		path = plainSigns(path)
	}
	return scheme + host + path
}

// plainScheme is the length of the scheme of an address that nobody has made harmless, in small letters; 0 for others.
func plainScheme(text string) int {
	for _, scheme := range []string{"https://", "http://"} {
		if rest, ok := strings.CutPrefix(text, scheme); ok && (rest == "" || strings.IndexByte("])}>", rest[0]) < 0) {
			return len(scheme)
		}
	}
	return 0
}

// endOfHost is where the path begins; a backslash before a dot is one of harmlessSigns.
func endOfHost(text string) int {
	for i := range len(text) {
		switch text[i] {
		case '/', '?', '#':
			return i
		case '\\':
			if i+1 == len(text) || text[i+1] != '.' {
				return i
			}
		}
	}
	return len(text)
}

func plainSigns(text string) string {
	if !strings.ContainsAny(text, `[({<\`) {
		return text
	}
	return harmlessSigns.ReplaceAllStringFunc(text, plainSign)
}

func plainSign(sign string) string {
	switch {
	case strings.Contains(sign, ":"):
		return ":"
	case strings.ContainsAny(sign, "@aA"):
		return "@"
	}
	return "."
}

// hasScheme tells "https://host" and "mailto:name" from "host:8080/path".
func hasScheme(text string) bool {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || scheme == "" || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+-") != "" {
		return false // with a dot in it, it is a host
	}
	switch strings.ToLower(scheme) {
	case "http", "https":
		return true
	}
	return strings.HasPrefix(rest, "//") || strings.Trim(rest[:min(1, len(rest))], "0123456789") != ""
}
