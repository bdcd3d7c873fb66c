package feed

import (
	"errors"
	"net/netip"
	neturl "net/url"
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
	if !hasScheme(text) {
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
	harmless = strings.NewReplacer("[.]", ".", "(.)", ".", "{.}", ".", "[dot]", ".", "(dot)", ".", "[:]", ":", "[://]", "://")
	schemes  = map[string]string{"hxxp": "http", "hxxps": "https", "hxtp": "http", "hxtps": "https"}
)

// rearm undoes what analysts do to the scheme and the host of an address so that nobody
// opens it by accident. The path stays as it is.
func rearm(text string) string {
	host := 0
	if i := strings.Index(text, "//"); i > 0 && (text[i-1] == ':' || text[i-1] == ']') {
		host = i + 2
	}
	end := strings.IndexAny(text[host:], `/\?#`)
	if end < 0 {
		end = len(text) - host
	}
	head := harmless.Replace(text[:host+end])
	if scheme, rest, ok := strings.Cut(head, "://"); ok {
		if web := schemes[strings.ToLower(scheme)]; web != "" {
			head = web + "://" + rest
		}
	}
	return head + text[host+end:]
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
