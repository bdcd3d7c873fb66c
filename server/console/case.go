package console

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"khien/server/evidence"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/staff"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

var caseRoutes = []route{
	{"GET /cases/{id}", seen, casePage},
	{"POST /cases/{id}/list", staff.Decide, decideList},
	{"POST /cases/{id}/reject", staff.Decide, decideReject},
	{"POST /cases/{id}/ask", staff.Ask, decideAsk},
	{"POST /cases/{id}/merge", staff.Decide, merge},
	{"POST /cases/{id}/split", staff.Decide, split},
	{"POST /cases/{id}/undo", staff.Decide, undo},
	{"POST /cases/{id}/second", staff.Second, second},
}

const (
	samples = 30 // reports of a case that its page shows
	nearby  = 8  // indicators near it
)

// file is what a case page shows.
type file struct {
	triage.Case
	Names   []subject.Subject
	Scopes  []scope
	Refused string // why the subject may not be listed as it is
	Said    []sample
	More    int // reports that are not shown
	Days    chart
	Acts    []triage.Act
	History []ledger.Decision // of what the decision lists
	Near    []ledger.Indicator
	NearAll int
	Listed  []ledger.Indicator // what covers it already
	Kin     []triage.Kin       // cases that are perhaps of the same kit
	Next    int64              // the case that follows, or 0
	Kinds   []category.Category
	Drafts  map[string]map[string]string // by slug and language
	Others  []triage.Case                // open cases that it may be merged with
	MayUndo bool
	Asked   *takedown.Case // what its platform was asked; nil where nothing was
}

// scope is one thing that a decision may list.
type scope struct {
	Subject subject.Subject
	Covers  string // in words
	Impact  string // why two people must agree, or empty
	Reports int    // of those shown, that name it
	Chosen  bool
}

// sample is one report as a case page shows it: what was said, never who.
type sample struct {
	inbox.Report
	Subjects []subject.Subject
	Leads    []subject.Subject // where links on the page lead
	Pictures []picture
}

// picture is one that came with a report. It is never shown here: its link downloads it from an origin of its own.
type picture struct {
	evidence.Picture
	Link string // empty where pictures aren't served
}

func (v *visit) thisCase() (triage.Case, error) { return v.Desk.Get(v.ctx(), v.number("id")) }

func casePage(v *visit) error {
	c, err := v.thisCase()
	if err != nil {
		return err
	}
	f := file{Case: c, Kinds: category.All(), Drafts: drafts()}
	ctx := v.ctx()
	if err := v.Desk.Seen(ctx, c.ID); err != nil {
		return err
	}
	if f.Names, err = v.Desk.Names(ctx, c.ID, 50); err != nil {
		return err
	}
	if f.Said, err = v.samples(ctx, c); err != nil {
		return err
	}
	f.More = max(0, c.Reports+c.Appeals-len(f.Said))
	if err := publish.Guard(c.Subject); err != nil {
		f.Refused = why(err)
	}
	if f.Scopes, err = v.scopes(ctx, c, f.Names, f.Said); err != nil {
		return err
	}
	days, err := v.Desk.Days(ctx, c.ID)
	if err != nil {
		return err
	}
	f.Days = draw(v.lang, days)
	for a, err := range v.Desk.Acts(ctx, "case "+strconv.FormatInt(c.ID, 10), 0) {
		if err != nil {
			return err
		}
		f.Acts = append(f.Acts, a)
	}
	switch t, err := v.Takedowns.Of(ctx, cmp.Or(c.Lists, c.Subject)); {
	case err == nil:
		f.Asked = &t
	case !errors.Is(err, takedown.ErrNotFound):
		return err
	}
	if f.Near, f.NearAll, err = v.Publisher.Ledger.Near(ctx, c.Subject, nearby); err != nil {
		return err
	}
	for _, s := range f.covering() {
		switch i, err := v.Publisher.Ledger.Get(ctx, s); {
		case err == nil:
			f.Listed = append(f.Listed, i)
		case !errors.Is(err, ledger.ErrNotFound):
			return err
		}
	}
	if c.Lists != "" {
		if f.History, err = v.Publisher.Ledger.History(ctx, c.Lists); err != nil {
			return err
		}
	}
	next, err := v.Desk.Next(ctx, c)
	if err == nil {
		f.Next = next.ID
	} else if !errors.Is(err, triage.ErrNotFound) {
		return err
	}
	if f.Kin, err = v.Desk.Kin(ctx, c.ID); err != nil {
		return err
	}
	if f.Undecided() {
		others, _, err := v.Desk.In(ctx, triage.PartOpen, 0, 100)
		if err != nil {
			return err
		}
		f.Others = slices.DeleteFunc(others, func(o triage.Case) bool { return o.ID == c.ID })
	}
	f.MayUndo = !c.Settled && c.State != triage.StateOpen && c.State != triage.StateMerged
	return v.show("case", f)
}

// Undecided tells whether the case waits for a decision.
func (f file) Undecided() bool { return f.State == triage.StateOpen || f.State == triage.StateAsked }

// Chosen is the category that a decision begins with.
func (f file) Chosen(c category.Category) bool { return c.Slug() == f.begin() }

func (f file) begin() string {
	if _, ok := category.Parse(f.Category); ok {
		return f.Category
	}
	return category.Other.Slug()
}

// Draft is the reason that a decision begins with.
func (f file) Draft(lang string) string { return f.Drafts[f.begin()][lang] }

// drafts are the public reasons that are proposed: how each kind of scam works, by slug and language.
func drafts() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, c := range category.All() {
		all[c.Slug()] = map[string]string{}
		for _, lang := range languages {
			all[c.Slug()][lang] = c.How(lang)
		}
	}
	return all
}

// covering are the names whose listing covers the subject, the subject first.
func (f file) covering() []subject.Subject {
	names := slices.Clone(f.Names)
	if href := f.Subject.Address(); href != "" {
		if more, err := subject.FromHref(nil, href); err == nil {
			names = append(names, more...)
		}
	}
	all := []subject.Subject{f.Subject}
	for _, s := range names {
		if !slices.Contains(all, s) && s.IsAccount() == f.Subject.IsAccount() {
			all = append(all, s)
		}
	}
	return all
}

// Splittable are the things that may be taken out of the case into one of their own.
func (f file) Splittable() []subject.Subject {
	var all []subject.Subject
	for _, s := range f.Names {
		if s != f.Subject {
			all = append(all, s)
		}
	}
	for _, one := range f.Scopes {
		if one.Subject != f.Subject && !slices.Contains(all, one.Subject) {
			all = append(all, one.Subject)
		}
	}
	return all
}

func (v *visit) samples(ctx context.Context, c triage.Case) ([]sample, error) {
	ids, err := v.Desk.Members(ctx, c.ID, samples)
	if err != nil {
		return nil, err
	}
	list := make([]sample, 0, len(ids))
	for _, id := range ids {
		r, err := v.Inbox.Get(ctx, hex.EncodeToString(id))
		if err != nil {
			return nil, err
		}
		one := sample{Report: r}
		for _, s := range r.Subjects {
			one.Subjects = append(one.Subjects, subject.Subject(s))
		}
		for _, s := range r.Links {
			one.Leads = append(one.Leads, subject.Subject(s))
		}
		list = append(list, one)
	}
	if v.Evidence == nil {
		return list, nil
	}
	pictures, err := v.Evidence.Of(ctx, ids...)
	if err != nil {
		return nil, err
	}
	for _, p := range pictures {
		one := picture{Picture: p}
		if v.Pictures != "" {
			one.Link = v.Pictures + "/" + p.Digest + ".jpg"
		}
		for i := range list {
			if bytes.Equal(list[i].ID, p.Report) {
				list[i].Pictures = append(list[i].Pictures, one)
			}
		}
	}
	return list, nil
}

// scopes are what may be listed for a case, what it is called first, then the accounts and then the pages that reports
// name, the narrower before the wider.
func (v *visit) scopes(ctx context.Context, c triage.Case, names []subject.Subject, reports []sample) ([]scope, error) {
	var all []subject.Subject
	named := map[subject.Subject]int{}
	for _, s := range append([]subject.Subject{c.Subject}, names...) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	for _, r := range reports {
		for _, s := range r.Subjects {
			if named[s]++; !slices.Contains(all, s) && len(all) < 24 {
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
	for _, s := range all {
		if publish.Guard(s) != nil {
			continue
		}
		_, near, err := v.Publisher.Ledger.Near(ctx, s, 0)
		if err != nil {
			return nil, err
		}
		list = append(list, scope{Subject: s, Covers: covers(v.lang, s, near), Impact: v.Impact.Of(s, 1), Reports: named[s], Chosen: len(list) == 0})
	}
	return list, nil
}

// covers says what listing a subject would cover.
func covers(lang string, s subject.Subject, near int) string {
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
		if near > 0 {
			text += " " + count(lang, "covers.near", near)
		}
	} else if near > 0 {
		text += " " + count(lang, "covers.same", near)
	}
	return text
}

// why is the reason of a refusal without the subject in front, which is shown beside it.
func why(err error) string {
	var p *publish.Protected
	if errors.As(err, &p) {
		return p.Why
	}
	return err.Error()
}

// lapse reads in how many days something lapses; 0 is never.
func (v *visit) lapse() (int64, error) {
	days, err := strconv.Atoi(v.form("days"))
	if err != nil || days < 0 || days > 3650 {
		return 0, wrong("case.baddays")
	}
	if days == 0 {
		return 0, nil
	}
	return v.now() + int64(days)*24*60*60, nil
}

// maxReason bounds a public sentence, in bytes.
const maxReason = 600

// reasons reads the reason in each language; what is left empty is the draft.
func (v *visit) reasons(draft func(lang string) string) (map[string]string, error) {
	said := map[string]string{}
	for _, lang := range languages {
		text := v.form("reason_" + lang)
		if text == "" {
			text = draft(lang)
		}
		if len(text) > maxReason {
			return nil, wrong("case.longreason", maxReason)
		}
		if text != "" {
			said[lang] = text
		}
	}
	return said, nil
}

// decide decides about the case of the path and goes on to the next one.
func (v *visit) decide(d triage.Decision, done string) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	before, err := v.thisCase()
	if err != nil {
		return err
	}
	d.Actor, d.Why = v.person.Name, v.form("why")
	c, err := v.Desk.Decide(v.ctx(), before.ID, d)
	if err != nil {
		return err
	}
	if c.State == triage.StateProposed {
		done = "case.told.proposed"
	}
	return v.onward(before, done)
}

// onward goes to the case after one, saying what was done about it and that it can be undone.
func (v *visit) onward(c triage.Case, done string) error {
	to := "/queue"
	if next, err := v.Desk.Next(v.ctx(), c); err == nil {
		to = fmt.Sprintf("/cases/%d", next.ID)
	} else if !errors.Is(err, triage.ErrNotFound) {
		return err
	}
	v.sessions.Put(v.ctx(), "undo", int(c.ID))
	return v.back(to, done, strconv.FormatInt(c.ID, 10))
}

func decideList(v *visit) error {
	kind, ok := category.Parse(v.form("category"))
	if !ok {
		return wrong("case.badkind")
	}
	lapses, err := v.lapse()
	if err != nil {
		return err
	}
	reason, err := v.reasons(kind.How)
	if err != nil {
		return err
	}
	lists := subject.Subject(v.form("lists"))
	return v.decide(triage.Decision{
		Action: triage.List, Lists: lists, Category: kind, Lapses: lapses, Reason: reason, Impact: v.Impact.Of(lists, 1),
	}, "case.told.list")
}

// refusals are the reasons that are proposed for rejecting a case.
var refusals = []string{"reject.honest", "reject.unclear", "reject.opinion", "reject.gone"}

// refusal is the one that was chosen.
func (v *visit) refusal() string {
	if key := v.form("refusal"); slices.Contains(refusals, key) {
		return key
	}
	return refusals[0]
}

// Refusals lists them.
func (file) Refusals() []string { return refusals }

func decideReject(v *visit) error {
	reason, err := v.reasons(func(lang string) string { return say(lang, v.refusal()) })
	if err != nil {
		return err
	}
	return v.decide(triage.Decision{Action: triage.Reject, Reason: reason}, "case.told.reject")
}

func decideAsk(v *visit) error {
	reason, err := v.reasons(func(lang string) string { return say(lang, "ask.draft") })
	if err != nil {
		return err
	}
	return v.decide(triage.Decision{Action: triage.Ask, Reason: reason}, "case.told.ask")
}

func undo(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	c, err := v.Desk.Undo(v.ctx(), v.number("id"), v.person.Name, v.form("why"))
	if err != nil {
		return err
	}
	id := strconv.FormatInt(c.ID, 10)
	return v.back("/cases/"+id, "case.told.undo", id)
}

func merge(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	into := v.number("into")
	if _, err := v.Desk.Merge(v.ctx(), v.number("id"), into, v.person.Name, v.form("why")); err != nil {
		return err
	}
	return v.back(fmt.Sprintf("/cases/%d", into), "case.told.merge", v.r.PathValue("id"))
}

func split(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	c, err := v.thisCase()
	if err != nil {
		return err
	}
	var ids [][]byte
	for _, text := range v.r.Form["report"] {
		id, err := hex.DecodeString(text)
		if err != nil {
			return inbox.ErrNotFound
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return wrong("case.nosplit")
	}
	name, err := subject.Parse(v.form("name"))
	if err != nil {
		return wrong("case.badname")
	}
	made, err := v.Desk.Split(v.ctx(), c.ID, name, ids, v.person.Name, v.form("why"))
	if err != nil {
		return err
	}
	return v.back(fmt.Sprintf("/cases/%d", made.ID), "case.told.split", strconv.FormatInt(c.ID, 10))
}

// second agrees to what another has proposed, with a passkey over exactly that.
func second(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	c, err := v.thisCase()
	if err != nil {
		return err
	}
	proof, err := v.confirmSecond([]triage.Case{c})
	if proof == "" || err != nil {
		return err
	}
	if _, err := v.Desk.Second(v.ctx(), c.ID, v.person.Name, strings.TrimSpace(v.form("why")+" "+proof)); err != nil {
		return err
	}
	return v.back("/queue?part=proposed", "case.told.second", strconv.FormatInt(c.ID, 10))
}

// confirmSecond asks for a passkey over what others have proposed. What may not be agreed to is an error at once.
func (v *visit) confirmSecond(cases []triage.Case) (proof string, err error) {
	c := change{Key: "confirm.second"}
	var what []any
	for _, one := range cases {
		switch {
		case one.State != triage.StateProposed:
			return "", triage.ErrState
		case one.Decided == v.person.Name:
			return "", triage.ErrSamePerson
		}
		what = append(what, pending(one))
		key := "change.list"
		if one.Action == triage.Withdraw {
			key = "change.withdraw"
		}
		c.Says = append(c.Says, say(v.lang, key, one.Lists.Describe(v.lang), kind(v.lang, one.Category), until(v.lang, one.Lapses), one.Decided, one.Reason[v.lang]))
	}
	c.What = what
	return v.confirm(c)
}

// pending is all of what a case does when it is published.
func pending(c triage.Case) any {
	return struct {
		Case            int64
		Action          triage.Action
		Lists           subject.Subject
		Category        string
		Reason          map[string]string
		Lapses, Changed int64
		Decided         string
	}{c.ID, c.Action, c.Lists, c.Category, c.Reason, c.Lapses, c.Changed, c.Decided}
}

func until(lang string, lapses int64) string {
	if lapses == 0 {
		return say(lang, "case.never")
	}
	return day(lang, lapses)
}

// Mistake tells whether a report says that a listing is wrong.
func (s sample) Mistake() bool { return s.Kind == wire.KindMistake }
