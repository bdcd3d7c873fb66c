package report

import (
	"errors"
	"slices"
	"strings"

	"khien/shared/subject"
	"khien/shared/wire"
)

// Write makes r what the server takes, and returns its body. Of the address it leaves out the fragment, and a name and
// password; beside it stands what it names; without one, r says by its subjects what it is about. The time is that of
// the hour, and of the language its first part: how wrong a clock is, and which of many variants somebody speaks, would
// tell that two reports come from the same person.
func Write(r *wire.Report) ([]byte, error) {
	r.Title, r.Note, r.Language = Cut(r.Title, MaxTitle), Cut(r.Note, MaxNote), language(r.Language)
	r.Time -= r.Time % 3600
	if r.Href != "" {
		r.Href, _, _ = strings.Cut(r.Href, "#")
		if r.Href = withoutUser(r.Href); len(r.Href) > subject.MaxHref { // what makes an address that long is its query
			r.Href, _, _ = strings.Cut(r.Href, "?")
		}
		named, err := subject.FromHref(nil, r.Href)
		if err != nil {
			return nil, err
		}
		r.Subjects = nil
		for _, s := range named {
			r.Subjects = append(r.Subjects, string(s))
		}
	} else {
		for i, about := range r.Subjects {
			s, err := subject.Parse(about)
			if err != nil {
				return nil, err
			}
			r.Subjects[i] = string(s)
		}
	}
	r.Links = leads(r.Href, r.Links)
	body, err := r.MarshalMsg(nil)
	if err != nil {
		return nil, err
	}
	if len(body) > wire.MaxReport {
		return nil, subject.ErrTooLong
	}
	return body, nil
}

func language(tag string) string {
	tag, _, _ = strings.Cut(tag, "-")
	return Cut(tag, 8) // RFC 5646 section 2.1
}

// leads is what links on a page lead to, without their queries, which may be about the person who looks at it: accounts
// and numbers, and pages of other hosts. What cannot be read is left out. A page of a platform has none: where a feed
// leads tells about whoever reads it, and not about what is reported.
func leads(page string, links []string) []string {
	own, err := subject.Host(page)
	if err != nil || subject.IsPlatform(own) {
		return nil
	}
	var to []string
	for _, link := range links {
		named, err := subject.FromHref(nil, link)
		if errors.Is(err, subject.ErrScheme) {
			named, err = subject.FromText(link) // a number, or an account by an address of its app
		}
		if err != nil || len(named) == 0 || len(to) == wire.MaxLinks {
			continue
		}
		target := string(named[0])
		if !named[0].IsAccount() {
			if host, _ := subject.Host(link); host == own {
				continue
			}
			target, _, _ = strings.Cut(target, "?")
		}
		if len(target) <= maxLink && !slices.Contains(to, target) {
			to = append(to, target)
		}
	}
	return to
}

// withoutUser removes "name:password@" from a normalised href.
func withoutUser(href string) string {
	scheme, rest, ok := strings.Cut(href, "://")
	if !ok {
		return href
	}
	authority := rest
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		authority = rest[:slash]
	}
	return scheme + "://" + rest[strings.LastIndexByte(authority, '@')+1:]
}

// Cut shortens s to at most n bytes, at the beginning of a character.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
