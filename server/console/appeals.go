package console

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"

	"khien/server/audit"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/staff"
	"khien/server/triage"
	"khien/shared/subject"
)

var appealRoutes = []route{
	{"GET /appeals", seen, appealsPage},
	{"GET /appeals/{id}", seen, appealPage},
	{"POST /appeals/{id}/withdraw", staff.Answer, withdrawAppealed},
	{"POST /appeals/{id}/uphold", staff.Answer, upholdAppealed},
}

// objected is one case that somebody objects to, as it is shown.
type objected struct {
	triage.Case
	Due     int64
	DueSays string
	Late    bool
}

func (v *visit) objected(c triage.Case) objected {
	o := objected{Case: c, Due: c.AppealDue()}
	o.DueSays, o.Late = due(v.lang, o.Due, v.now()), o.Due < v.now()
	return o
}

// waiting are some of the cases that somebody objects to.
type waiting struct {
	pager
	Cases []objected
	Total int
}

func appealsPage(v *visit) error {
	page, err := v.Desk.In(v.ctx(), triage.PartAppealed, v.place(), few)
	if err != nil {
		return err
	}
	n, err := v.Desk.Counts(v.ctx())
	if err != nil {
		return err
	}
	w := waiting{pager: v.pager(page.Before, page.After), Total: n[triage.PartAppealed]}
	for _, c := range page.Rows {
		w.Cases = append(w.Cases, v.objected(c))
	}
	return v.show("appeals", w)
}

// objections is what the page of one case shows to who answers the appeals.
type objections struct {
	objected
	Said    []inbox.Report // what was objected, the oldest first
	More    int            // that are not shown
	Listed  []ledger.Indicator
	Far     map[subject.Subject]triage.Reach // of these, what takes two people
	Answers []triage.Answer
	Of      []triage.Subject // of several subjects, those that are objected to
	MayUndo bool
	Raised  []raised // what says that it is no scam
	Claims  claims   // all that sources say
}

func appealPage(v *visit) error {
	c, err := v.Desk.Get(v.ctx(), v.number("id"))
	if err != nil {
		return err
	}
	o := objections{objected: v.objected(c)}
	o.MayUndo = o.Leaving()
	if o.Answers, err = v.Desk.Answers(v.ctx(), c.ID); err != nil {
		return err
	}
	if o.Said, o.More, err = v.said(c); err != nil {
		return err
	}
	disputed := 0
	if o.Raised, disputed, err = v.raised(c); err != nil {
		return err
	}
	o.Raised = slices.DeleteFunc(o.Raised, func(a raised) bool { return a.Kind != triage.Disputed })
	o.More = max(0, o.More-disputed)
	if o.Listed, err = v.listed(c, o.Said); err != nil {
		return err
	}
	o.Far = map[subject.Subject]triage.Reach{}
	impact := v.Impact.Now()
	for _, i := range o.Listed {
		o.Far[i.Subject] = impact.Of(i.Subject, 1)
	}
	subjects, err := v.Desk.Subjects(v.ctx(), c.ID)
	if err != nil {
		return err
	}
	names := make([]subject.Subject, len(subjects))
	for i, s := range subjects {
		names[i] = s.Name
	}
	if o.Claims, err = v.claims(names...); err != nil {
		return err
	}
	if len(subjects) > 1 {
		o.Of = slices.DeleteFunc(subjects, func(s triage.Subject) bool { return s.Appeals == 0 })
	}
	return v.show("appeal", o)
}

// said are the objections of a case that wait, as many as a page shows.
func (v *visit) said(c triage.Case) (list []inbox.Report, more int, err error) {
	ids, err := v.Desk.Appeals(v.ctx(), c.ID, samples)
	if err != nil {
		return nil, 0, err
	}
	for _, id := range ids {
		r, err := v.Inbox.Get(v.ctx(), hex.EncodeToString(id))
		if err != nil {
			return nil, 0, err
		}
		list = append(list, r)
	}
	return list, max(0, c.Appeals-len(list)), nil
}

// listed is what is on the list of what the objections are about: the case's own subject, what it lists, and every
// name that an objection has.
func (v *visit) listed(c triage.Case, said []inbox.Report) ([]ledger.Indicator, error) {
	names := append(c.About(), c.Subject)
	for _, r := range said {
		for _, name := range r.Subjects {
			names = append(names, subject.Subject(name))
		}
	}
	slices.Sort(names)
	var list []ledger.Indicator
	for _, name := range slices.Compact(names) {
		i, err := v.Publisher.Ledger.Get(v.ctx(), name)
		if err == nil {
			list = append(list, i)
		} else if !errors.Is(err, ledger.ErrNotFound) {
			return nil, err
		}
	}
	return list, nil
}

// answer is the public reason in each language: both are needed, since it stands in the register and goes to who
// objected.
func (v *visit) answer() (map[string]string, error) {
	reason := map[string]string{}
	for _, lang := range said.Languages {
		text := v.form("reason_" + lang)
		switch {
		case text == "":
			return nil, wrong("appeal.noreason")
		case len(text) > maxReason:
			return nil, wrong("case.longreason", maxReason)
		}
		reason[lang] = text
	}
	return reason, nil
}

func withdrawAppealed(v *visit) error {
	v.deciding.Lock()
	defer v.deciding.Unlock()
	c, err := v.Desk.Get(v.ctx(), v.number("id"))
	if err != nil {
		return err
	}
	reason, err := v.answer()
	if err != nil {
		return err
	}
	said, _, err := v.said(c)
	if err != nil {
		return err
	}
	listed, err := v.listed(c, said)
	if err != nil {
		return err
	}
	what := subject.Subject(v.form("lists"))
	if !slices.ContainsFunc(listed, func(i ledger.Indicator) bool { return i.Subject == what }) {
		return wrong("appeal.notlisted")
	}
	why, err := v.confirmOff(what, reason)
	if why == nil || err != nil {
		return err
	}
	if c, err = v.Desk.Decide(v.ctx(), c.ID, triage.Decision{
		Actor: v.person.Name, Action: triage.Withdraw, Lists: triage.Only(what), Reason: reason, Why: v.why(*why),
		Impact: v.Impact.Of(what, 1),
	}); err != nil {
		return err
	}
	done := "appeal.withdrawn"
	if c.State == triage.StateProposed {
		done = "case.told.proposed"
	}
	return v.back("/appeals", done, strconv.FormatInt(c.ID, 10))
}

// confirmOff asks with a passkey before something leaves the list that another has listed, and says who. Why is for the
// log; it is nil where the page that asks has been shown.
func (v *visit) confirmOff(what subject.Subject, reason map[string]string) (why *audit.Why, err error) {
	history, err := v.Publisher.Ledger.History(v.ctx(), what)
	if err != nil {
		return nil, err
	}
	by := history[len(history)-1].Actor
	says := []string{say(v.lang, "undo.lists", what.Describe(v.lang), by)}
	listing, err := v.Desk.Listing(v.ctx(), what)
	if err != nil && !errors.Is(err, triage.ErrNotFound) {
		return nil, err
	}
	if listing.Seconded != "" {
		says = append(says, say(v.lang, "undo.agreed", listing.Seconded))
	}
	if by == v.person.Name && listing.Seconded == "" {
		return new(audit.Why), nil
	}
	for _, lang := range said.Languages {
		if reason[lang] != "" {
			says = append(says, say(v.lang, "undo.reason", reason[lang]))
		}
	}
	proof, err := v.confirm(change{Key: "confirm.off", What: []any{what, by, listing.ID, listing.Changed, reason}, Says: says})
	if proof == (audit.Why{}) || err != nil {
		return nil, err
	}
	return &proof, nil
}

func upholdAppealed(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	id := v.number("id")
	if _, err := v.Desk.Get(v.ctx(), id); err != nil {
		return err
	}
	reason, err := v.answer()
	if err != nil {
		return err
	}
	var of []subject.Subject
	if name := v.form("of"); name != "" {
		of = append(of, subject.Subject(name))
	}
	if _, err := v.Desk.Uphold(v.ctx(), v.Inbox, id, v.person.Name, reason, v.why(audit.Why{}), of...); err != nil {
		return err
	}
	return v.back("/appeals", "appeal.upheld", strconv.FormatInt(id, 10))
}
