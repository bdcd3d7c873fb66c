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
	text = strings.TrimSpace(text)
	if text == "" || len(text) > subject.MaxHref || !utf8.ValidString(text) {
		return "", ErrHref
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
	if _, err := subject.FromHref(nil, href); err != nil {
		return "", err
	}
	return href, nil
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
	if m := harmlessScheme.FindStringSubmatchIndex(text); m != nil {
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
	end := endOfHost.FindStringIndex(rest)
	if end == nil {
		end = []int{len(rest)}
	}
	host, path := harmlessSigns.ReplaceAllStringFunc(rest[:end[0]], plainSign), rest[end[0]:]
	if host != rest[:end[0]] || scheme != "" && !strings.EqualFold(scheme, text[:min(len(scheme), len(text))]) {
		path = harmlessSigns.ReplaceAllStringFunc(path, plainSign)
	}
	return scheme + host + path
}

// endOfHost is where the path begins; a backslash before a dot is one of harmlessSigns.
var endOfHost = regexp.MustCompile(`[/?#]|\\(?:[^.]|$)`)

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
