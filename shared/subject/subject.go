// Package subject turns an address into the things it names: social accounts first,
// the narrowest first, then URL expressions, from the exact page to the host.
//
//	https://m.facebook.com/groups/an.invented.group/user/999999999999999/?ref=share
//	   facebook:id/999999999999999
//	   facebook:group/an.invented.group
//	   m.facebook.com/groups/an.invented.group/user/999999999999999/?ref=share
//	   m.facebook.com/groups/an.invented.group/user/999999999999999/
//	   …
//	   facebook.com/
//
// A subject is a text that has one form only; its SHA-256 is what a set holds. A URL
// expression is a host and a path without scheme, port, name and password, as Safe
// Browsing has it (developers.google.com/safe-browsing/v4/urls-hashing, "Suffix/prefix
// expressions"). An account is platform:kind/id, whatever form its address takes.
//
// The browser has parsed the address already. Only its normalised form, the href of a
// URL object (url.spec.whatwg.org, "URL serializing"), is accepted; anything else is
// refused rather than understood in another way than the browser does.
package subject

import (
	"errors"
	"strings"
)

// Subject is the canonical text of one thing.
type Subject string

var (
	// ErrNotNormalised is text that no browser gives as a normalised address.
	ErrNotNormalised = errors.New("not a normalised address")
	// ErrScheme is an address that is neither http nor https.
	ErrScheme = errors.New("not a web address")
	// ErrHost is an address whose host has nothing but dots.
	ErrHost = errors.New("no host in the address")
	// ErrTooLong is an address that is longer than what a browser or an indicator may have.
	ErrTooLong = errors.New("the address is too long")
	// ErrSubject is text that is not the canonical form of a subject.
	ErrSubject = errors.New("not the canonical form of a subject")
)

const (
	// MaxHref bounds an address that an indicator or a report is about, in bytes.
	MaxHref = 8192
	// maxVisit bounds an address that may be visited, in bytes. It is Chromium's own
	// bound: with a smaller one, a listed host would escape by a long query.
	maxVisit = 2 << 20
	// maxText bounds a subject in bytes: escaping makes a byte three.
	maxText = 3 * MaxHref
)

// Bounds on what one address names.
const (
	maxHosts    = 5
	maxPaths    = 7
	maxFurther  = 10
	maxAccounts = 8
	maxTargets  = 6 // addresses that one leads to, by itself or by way of others
	// MaxSubjects is how many subjects one address has at most.
	MaxSubjects = (1+maxTargets)*maxHosts*maxPaths + maxAccounts
	// MaxAsked is how many subjects a list is asked for at most, because of one address.
	MaxAsked = MaxSubjects + (1+maxTargets)*maxFurther
)

// Digest is the SHA-256 of the text.
func (s Subject) Digest() [32]byte { return digest(string(s)) }

// IsAccount tells an account, a number or the like from a URL expression.
func (s Subject) IsAccount() bool {
	head, _, _ := strings.Cut(string(s), "/")
	return !strings.HasPrefix(head, "[") && strings.Contains(head, ":")
}

// FromHref appends to dst what href names, at most MaxSubjects: accounts, then URL
// expressions, each the narrowest first. Href must be as a browser normalises it, of at
// most 2 MiB; what is too long for an indicator is left out, its host never is. The
// errors are ErrNotNormalised, ErrScheme, ErrHost and ErrTooLong.
func FromHref(dst []Subject, href string) ([]Subject, error) {
	var n Named
	if err := n.Read(href); err != nil {
		return dst, err
	}
	for i := range n.Len() {
		dst = append(dst, n.Subject(i))
	}
	return dst, nil
}

// Exact is the subject of an indicator for exactly this page: the account if href names
// one, else its narrowest URL expression. For the root of a host that is the host. The
// errors are those of FromHref; ErrTooLong is for more than MaxHref bytes.
func Exact(href string) (Subject, error) {
	if len(href) > MaxHref {
		return "", ErrTooLong
	}
	var n Named
	if err := n.Read(href); err != nil {
		return "", err
	}
	return n.Subject(0), nil
}

// Parse accepts the canonical text of a subject and nothing else, or returns ErrSubject.
func Parse(text string) (Subject, error) {
	s := Subject(text)
	if len(text) > maxText {
		return "", ErrSubject
	}
	if s.IsAccount() {
		if name, rest, _ := strings.Cut(text, ":"); !canonicalNumber(name, rest) && !canonicalAccount(text) {
			return "", ErrSubject
		}
		return s, nil
	}
	host, rest, ok := strings.Cut(text, "/")
	if !ok {
		return "", ErrSubject
	}
	if canonical, _, err := canonicalHost(host); err != nil || canonical != host {
		return "", ErrSubject
	}
	path, query, hasQuery := strings.Cut("/"+rest, "?")
	if escape(cleanPath(unescape(path)), true) != path || hasQuery && (query == "" || escape(unescape(query), false) != query) {
		return "", ErrSubject
	}
	return s, nil
}

// IsPlatform tells whether below the domain of a host the pages of many people are shown.
func IsPlatform(host string) bool { return showsMany(hostsOf(domain(host))) }

// showsMany tells whether the hosts are more than redirectors.
func showsMany(rules []hostRule) bool {
	return len(rules) > 0 && platforms[rules[0].platform].name != elsewhere
}

// notProfiles are the platforms where people sell, publish apps or keep files, and the kinds of account that are
// no place from which somebody speaks.
const notProfiles = " appstore play short shopee lazada tiki chotot phone email bank wallet facebook:event facebook:item google:form google:formfile google:doc google:folder whatsapp:message "

// IsProfile tells an account on a social network or messenger from which a person or an organisation speaks to
// others: a user, a page, a group, a channel.
func (s Subject) IsProfile() bool {
	account, _, ok := strings.Cut(string(s), "/")
	name, _, named := strings.Cut(account, ":")
	return ok && named && s.IsAccount() && !strings.Contains(notProfiles, " "+name+" ") && !strings.Contains(notProfiles, " "+account+" ")
}

// Host is the host of an address, in the form that it has in a URL expression. The errors are those
// of FromHref.
func Host(href string) (string, error) {
	var p page
	if err := p.read(href); err != nil {
		return "", err
	}
	return p.host, nil
}
