package report

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Refusal is why a report is not taken: a code for programs, and an English sentence for people with places to fill in.
type Refusal struct {
	Code, Sentence string
	Args           []any
}

func (r *Refusal) Error() string { return r.Sentence }

func refuse(code, sentence string, args ...any) error { return &Refusal{code, sentence, args} }

// Check refuses, with a *Refusal, what no sender of ours writes, and replaces the subjects by those
// that the address truly has.
func Check(r *wire.Report, now int64) error {
	for _, f := range []struct {
		name, value string
		max         int
	}{
		{"title", r.Title, MaxTitle}, {"note", r.Note, MaxNote}, {"language", r.Language, maxLanguage}, {"href", r.Href, subject.MaxHref},
	} {
		if !utf8.ValidString(f.value) {
			return refuse("bad_field", "The field %s is not UTF-8.", f.name)
		}
		if len(f.value) > f.max {
			return refuse("bad_field", "The field %s has at most %d bytes.", f.name, f.max)
		}
	}
	r.Title, r.Note = printed(r.Title), printed(r.Note)
	if len(r.ID) != wire.IDSize {
		return refuse("bad_field", "The field id has %d bytes.", wire.IDSize)
	}
	if r.Kind != wire.KindScam && r.Kind != wire.KindMistake {
		return refuse("bad_field", "The field kind is %q or %q.", wire.KindScam, wire.KindMistake)
	}
	if strings.Trim(r.Language, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return refuse("bad_field", "The field language is a language tag such as vi.")
	}
	if r.Time < 0 {
		return refuse("bad_field", "The field time is the Unix time in seconds.")
	}
	if r.Time > now+aYear { // the clock of a device is wrong, and its report is none the worse
		r.Time = 0
	}
	if _, ok := category.Parse(r.Category); r.Category != "" && !ok {
		return refuse("bad_field", "The field category is a known kind of scam, or empty.")
	}
	return checkSubjects(r)
}

// printed is a text as every database can keep it.
func printed(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }

func checkSubjects(r *wire.Report) error {
	if len(r.Subjects) > maxSubjects {
		return refuse("bad_subject", "A report has at most %d subjects.", maxSubjects)
	}
	if len(r.Links) > wire.MaxLinks {
		return refuse("bad_subject", "A report has at most %d links.", wire.MaxLinks)
	}
	for _, text := range slices.Concat(r.Subjects, r.Links) {
		if _, err := subject.Parse(text); err != nil {
			return refuse("bad_subject", "A subject is not in canonical form.")
		}
	}
	if r.Href == "" {
		if r.Kind != wire.KindMistake || len(r.Subjects) == 0 {
			return refuse("bad_href", "The field href is missing.")
		}
		return nil
	}
	if strings.Contains(r.Href, "#") {
		return refuse("bad_href", "The field href has a fragment, which stays on the sender's device.")
	}
	derived, err := subject.FromHref(nil, r.Href)
	switch {
	case errors.Is(err, subject.ErrScheme):
		return refuse("bad_href", "The field href is not an http or https address.")
	case err != nil:
		return refuse("bad_href", "The field href is not an address as browsers write it.")
	}
	_, rest, _ := strings.Cut(r.Href, "://")
	if authority, _, _ := strings.Cut(rest, "/"); strings.Contains(authority, "@") {
		return refuse("bad_href", "The field href has a user name or password, which stays on the sender's device.")
	}
	r.Subjects = r.Subjects[:0]
	for _, s := range derived {
		if r.Kind == wire.KindMistake || s.IsListable() { // of a host that is no name, the name above it may be one
			r.Subjects = append(r.Subjects, string(s))
		}
	}
	if len(r.Subjects) == 0 {
		return refuse("bad_href", "The field href has no host name that a list could hold.")
	}
	return nil
}
