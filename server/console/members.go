package console

import (
	"context"
	"slices"
	"strings"

	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/triage"
	"khien/shared/subject"
)

// member is one subject of a case, as its page shows it.
type member struct {
	triage.Subject
	Scopes  []scope            // what may be listed for it
	Refused string             // why it may not be listed as it is
	Listed  []ledger.Indicator // what covers it already
	Ticked  bool               // whether it comes ticked
}

// Weak tells whether one sender's word alone ties it to the others, and Untied that nothing does.
func (p member) Weak() bool {
	return len(p.Ties) > 0 && !slices.ContainsFunc(p.Ties, func(t triage.Tie) bool { return t.Senders > 1 })
}
func (p member) Untied() bool { return len(p.Ties) == 0 && p.Bound != triage.ByHand }

const tiesShown = 5

// First are the ties that are shown, and Beyond how many there are beside.
func (p member) First() []triage.Tie { return p.Ties[:min(tiesShown, len(p.Ties))] }
func (p member) Beyond() int         { return max(0, len(p.Ties)-tiesShown) }

// scope is one thing that a decision may list.
type scope struct {
	Of      subject.Subject // the subject of the case that it belongs to
	Subject subject.Subject
	Covers  string       // in words
	Impact  triage.Reach // why two people must agree, if they must
	Reports int          // of those shown, that name it
	Chosen  bool
}

// Value is the scope as a form sends it; see listings.
func (s scope) Value() string { return string(s.Of) + "\t" + string(s.Subject) }

// members are the subjects of a case: what may be listed for each, and what covers it already.
func (v *visit) members(ctx context.Context, c triage.Case, reports []sample) ([]member, error) {
	subjects, err := v.Desk.Subjects(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	covers := make([][]subject.Subject, len(subjects))
	for i, s := range subjects {
		covers[i] = covering(s.Name)
	}
	listed, err := v.Publisher.Ledger.Listed(ctx, slices.Concat(covers...))
	if err != nil {
		return nil, err
	}
	each := 24 / max(1, len(subjects)) // scopes of a subject beside itself
	parts := make([]member, len(subjects))
	for i, s := range subjects {
		p := member{Subject: s}
		if err := s.Refused(); err != nil {
			p.Refused = refusedFor(v.lang, err)
		}
		if p.Scopes, err = v.scopes(ctx, s.Name, reports, each, i < 24); err != nil {
			return nil, err
		}
		p.Ticked = len(p.Scopes) > 0 && s.Sure() && (len(subjects) == 1 || p.Refused == "")
		if p.Ticked {
			p.Scopes[0].Chosen = true
		}
		for _, name := range covers[i] {
			if i, ok := listed[name]; ok {
				p.Listed = append(p.Listed, i)
			}
		}
		parts[i] = p
	}
	return parts, nil
}

// covering are the names whose listing covers a subject, itself first.
func covering(s subject.Subject) []subject.Subject {
	all := []subject.Subject{s}
	if href := s.Address(); href != "" {
		if names, err := subject.FromHref(nil, href); err == nil {
			for _, name := range names {
				if !slices.Contains(all, name) && name.IsAccount() == s.IsAccount() {
					all = append(all, name)
				}
			}
		}
	}
	return append(all, subject.Further(all)...)
}

// scopes are what may be listed for a subject: itself first, then at most so many of the accounts and then of the pages
// that reports of it name, the narrower before the wider. With near, each says how much is listed near it.
func (v *visit) scopes(ctx context.Context, of subject.Subject, reports []sample, more int, near bool) ([]scope, error) {
	all := []subject.Subject{of}
	named := map[subject.Subject]int{}
	for _, r := range reports {
		if r.Of != of {
			continue
		}
		for _, s := range r.Subjects {
			if named[s]++; !slices.Contains(all, s) && len(all) <= more {
				all = append(all, s)
			}
		}
	}
	rest := all[1:]
	slices.SortStableFunc(rest, func(a, b subject.Subject) int {
		if a.IsAccount() != b.IsAccount() {
			return map[bool]int{true: -1, false: 1}[a.IsAccount()]
		}
		return len(b) - len(a)
	})
	var list []scope
	impact := v.Impact.Now()
	for _, s := range all {
		if publish.Permit(s) != nil {
			continue
		}
		beside := 0
		if near {
			var err error
			if _, beside, err = v.Publisher.Ledger.Near(ctx, s, 0); err != nil {
				return nil, err
			}
		}
		list = append(list, scope{Of: of, Subject: s, Covers: covers(v.lang, s, beside), Impact: impact.Of(s, 1), Reports: named[s]})
	}
	return list, nil
}

// covers says what listing a subject would cover.
func covers(lang string, s subject.Subject, beside int) string {
	text := say(lang, "covers.account")
	if !s.IsAccount() {
		host, path, _ := strings.Cut(string(s), "/")
		switch {
		case path == "":
			text = say(lang, "covers.host", host)
		case strings.HasSuffix(path, "/"):
			text = say(lang, "covers.folder", "/"+path, host)
		default:
			text = say(lang, "covers.page")
		}
		if beside > 0 {
			text += " " + near(lang, "covers.near", beside)
		}
	} else if beside > 0 {
		text += " " + near(lang, "covers.same", beside)
	}
	return text
}

// maxLists bounds the things that one form lists.
const maxLists = 1000

// belong refuses what is no subject of a case, nor part of one, nor named by a report about one: a form may come from
// anywhere.
func (v *visit) belong(c triage.Case, lists []triage.Listing) error {
	names, err := v.Desk.Names(v.ctx(), c.ID, maxLists)
	if err != nil {
		return err
	}
	var said []sample
	for _, one := range lists {
		of := one.Of
		if of == "" && len(names) == 1 {
			of = names[0]
		}
		if !slices.Contains(names, of) || slices.Contains(covering(one.Lists), of) {
			continue // what is no subject of the case, Decide refuses
		}
		if said == nil {
			if said, err = v.samples(v.ctx(), c); err != nil {
				return err
			}
		}
		if !slices.ContainsFunc(said, func(r sample) bool { return r.Of == of && slices.Contains(r.Subjects, one.Lists) }) {
			return wrong("case.badscope", string(one.Lists))
		}
	}
	return nil
}

// listings reads what is ticked: of which subject of the case, and what to list for it.
func (v *visit) listings() ([]triage.Listing, error) {
	ticked := v.r.Form["lists"]
	switch {
	case len(ticked) == 0:
		return nil, wrong("case.notick")
	case len(ticked) > maxLists:
		return nil, wrong("many.toomany", maxLists)
	}
	var all []triage.Listing
	for _, text := range ticked {
		of, lists, ok := strings.Cut(text, "\t")
		if !ok {
			of, lists = "", text
		}
		all = append(all, triage.Listing{Of: subject.Subject(of), Lists: subject.Subject(lists)})
	}
	return all, nil
}
