package feed

import (
	"errors"
	"strings"

	"github.com/nlnwa/whatwg-url/url"

	"khien/shared/subject"
)

// ErrHref is text that no browser would open as a web address.
var ErrHref = errors.New("not a web address")

var parser = url.NewParser()

// Href reads an address as people write it into lists and gives it the form that a
// browser would: without a scheme it is taken for http, and what was made harmless
// (hxxp, [.]) is made whole again. The errors are ErrHref and those of subject.FromHref.
func Href(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > subject.MaxHref {
		return "", ErrHref
	}
	text = rearm(text)
	if !hasScheme(text) {
		text = "http://" + strings.TrimPrefix(text, "//")
	}
	u, err := parser.Parse(text)
	if err != nil || u.Hostname() == "" {
		return "", ErrHref
	}
	href := u.Href(false)
	if _, err := subject.FromHref(nil, href); err != nil {
		return "", err
	}
	return href, nil
}

// rearm undoes what analysts do to an address so that nobody opens it by accident.
func rearm(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if ok {
		switch strings.ToLower(scheme) {
		case "hxxp", "hxtp", "http[:]":
			text = "http://" + rest
		case "hxxps", "hxtps":
			text = "https://" + rest
		}
	}
	return strings.NewReplacer("[.]", ".", "(.)", ".", "[:]", ":").Replace(text)
}

// hasScheme tells "https://host" and "mailto:name" from "host:8080/path".
func hasScheme(text string) bool {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || scheme == "" || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+-") != "" {
		return false // with a dot in it, it is a host
	}
	return strings.HasPrefix(rest, "//") || strings.Trim(rest[:min(1, len(rest))], "0123456789") != ""
}
