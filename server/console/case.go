package console

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"khien/server/audit"
	"khien/server/evidence"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/staff"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/server/words"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/texts"
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
	{"POST /cases/{id}/reopen", staff.Decide, reopen},
	{"POST /cases/{id}/second", staff.Second, second},
}

const (
	samples = 30 // reports of a case that its page shows
	nearby  = 8  // indicators near it
)

// file is what a case page shows.
type file struct {
	triage.Case
	Members []member // its subjects
	Said    []sample
	More    int // reports that are not shown
	Days    chart
	Acts    []audit.Act
	History []ledger.Event // of what the decision lists
	Near    []ledger.Indicator
	NearAll int
	Kin     []triage.Kin // cases that are perhaps of the same kit
	Next    int64        // the case that follows, or 0
	Kinds   []category.Category
	Drafts  map[string]map[string]string // by slug and language
	Others  []triage.Case                // open cases that it may be merged with
	Stands  []triage.Listing             // what it has listed earlier, and takes off the list where it is rejected now
	MayUndo bool
	Asked   []takedown.Request // what platforms were asked
	Raised  []raised           // why sources bring it before people
	Claims  claims             // all that they say about it
}

// sample is one report as a case page shows it: what was said, never who.
type sample struct {
	inbox.Report
	Of       subject.Subject // of the case
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
	if f.Said, err = v.samples(ctx, c); err != nil {
		return err
	}
	disputed := 0
	if f.Raised, disputed, err = v.raised(c); err != nil {
		return err
	}
	f.More = max(0, c.Reports+c.Appeals-disputed-len(f.Said))
	if f.Members, err = v.members(ctx, c, f.Said); err != nil {
		return err
	}
	names := make([]subject.Subject, len(f.Members))
	for i, p := range f.Members {
		names[i] = p.Name
	}
	if f.Claims, err = v.claims(names...); err != nil {
		return err
	}
	days, err := v.Desk.Days(ctx, c.ID, chartDays)
	if err != nil {
		return err
	}
	f.Days = draw(v.lang, days)
	for a, err := range v.Desk.Acts(ctx, audit.Filter{Object: audit.Numbered(audit.OfCase, c.ID).String()}) {
		if err != nil {
			return err
		}
		f.Acts = append(f.Acts, a)
	}
	if f.Asked, err = v.platforms(f); err != nil {
		return err
	}
	if f.Near, f.NearAll, err = v.Publisher.Ledger.Near(ctx, c.Subject, nearby); err != nil {
		return err
	}
	for _, s := range c.About() {
		history, err := v.Publisher.Ledger.History(ctx, s)
		if err != nil {
			return err
		}
		f.History = append(f.History, history...)
	}
	slices.SortStableFunc(f.History, func(a, b ledger.Event) int { return cmp.Compare(a.Time, b.Time) })
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
		others, err := v.Desk.First(ctx, triage.PartOpen, 100)
		if err != nil {
			return err
		}
		rejected := c
		rejected.Ruling = triage.Ruling{Action: triage.Reject}
		if f.Stands, err = v.Desk.Replaced(ctx, rejected); err != nil {
			return err
		}
		f.Others = slices.DeleteFunc(others, func(o triage.Case) bool { return o.ID == c.ID })
	}
	f.MayUndo = !c.Settled && c.State != triage.StateOpen && c.State != triage.StateMerged
	return v.show("case", f)
}

// MayReopen tells whether the case is settled, so that it can only be decided anew.
func (f file) MayReopen() bool {
	return f.Settled && (f.State == triage.StateAccepted || f.State == triage.StateRejected)
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
		for _, lang := range said.Languages {
			all[c.Slug()][lang] = c.How(lang)
		}
	}
	return all
}

// Several tells whether the case is about more than one subject.
func (f file) Several() bool { return len(f.Members) > 1 }

// Ticked is how many subjects come ticked.
func (f file) Ticked() int {
	n := 0
	for _, p := range f.Members {
		if p.Ticked {
			n++
		}
	}
	return n
}

// Listable tells whether there is anything that may be listed.
func (f file) Listable() bool {
	return slices.ContainsFunc(f.Members, func(p member) bool { return len(p.Scopes) > 0 })
}

// Listed is what covers the subjects of the case already.
func (f file) Listed() (all []ledger.Indicator) {
	for _, p := range f.Members {
		all = append(all, p.Listed...)
	}
	return all
}

// Kit is a case of the same kit that is listed, or will be; the newest that is.
func (f file) Kit() *triage.Kin {
	for i, k := range f.Kin {
		if k.State == triage.StateAccepted && k.Action == triage.List {
			return &f.Kin[i]
		}
	}
	return nil
}

// Splittable are the things that may be taken out of the case into one of their own, with reports of theirs.
func (f file) Splittable() []subject.Subject {
	var all []subject.Subject
	for _, p := range f.Members {
		for _, one := range p.Scopes {
			if one.Subject != p.Name && !slices.Contains(all, one.Subject) {
				all = append(all, one.Subject)
			}
		}
	}
	return all
}

// platforms is what platforms were asked about the subjects of a case, and about what it lists.
func (v *visit) platforms(f file) ([]takedown.Request, error) {
	names := f.About()
	for _, p := range f.Members {
		names = append(names, p.Name)
	}
	return v.Takedowns.Among(v.ctx(), names)
}

func (v *visit) samples(ctx context.Context, c triage.Case) ([]sample, error) {
	members, err := v.Desk.Members(ctx, c.ID, max(2, samples/max(1, c.Subjects)), 4*samples)
	if err != nil {
		return nil, err
	}
	list := make([]sample, 0, len(members))
	ids := make([][]byte, 0, len(members))
	for _, m := range members {
		r, err := v.Inbox.Get(ctx, hex.EncodeToString(m.ID))
		if err != nil {
			return nil, err
		}
		ids = append(ids, m.ID)
		one := sample{Report: r, Of: m.Of}
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

// refusedFor says why something may not be listed, without the subject in front, which is shown beside it.
func refusedFor(lang string, err error) string {
	var p *publish.Protected
	switch {
	case errors.As(err, &p):
		return audit.Guarded(lang, string(p.Rule))
	case errors.Is(err, triage.ErrNothing):
		return say(lang, "case.notick")
	case errors.Is(err, triage.ErrTooMany):
		return say(lang, "guard.many", maxLists)
	case errors.Is(err, triage.ErrElsewhere):
		return say(lang, "guard.elsewhere")
	}
	return say(lang, "case.badname")
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
	reason := map[string]string{}
	for _, lang := range said.Languages {
		text := v.form("reason_" + lang)
		if text == "" {
			text = draft(lang)
		}
		if len(text) > maxReason {
			return nil, wrong("case.longreason", maxReason)
		}
		if text != "" {
			reason[lang] = text
		}
	}
	return reason, nil
}

// inOtherLanguages adds the draft in the languages of the extension that the console's people need not know, where they
// have left it as it is.
func inOtherLanguages(reason map[string]string, kind category.Category) {
	for _, lang := range said.Languages {
		if reason[lang] != kind.How(lang) {
			return
		}
	}
	for _, lang := range texts.All() {
		reason[lang] = kind.How(lang)
	}
}

// decide decides about the case of the path and goes on to the next one. One that is closed is listed otherwise, since
// somebody objects: that takes back what was decided before, and where that is another's, it is confirmed.
func (v *visit) decide(d triage.Decision, done string) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	before, err := v.thisCase()
	if err != nil {
		return err
	}
	d.Actor = v.person.Name
	if d.Action == triage.List && before.Appeals > 0 && before.Seconded == "" && (file{Case: before}).MayReopen() {
		why, err := v.confirmUndo("confirm.reopen", []triage.Case{before})
		if why == nil || err != nil {
			return err
		}
		d.Why = *why
	}
	d.Why = v.why(d.Why)
	c, err := v.Desk.Decide(v.ctx(), before.ID, d)
	if err != nil {
		return err
	}
	id := strconv.FormatInt(c.ID, 10)
	args := []string{id}
	switch {
	case c.State == triage.StateProposed:
		done = "case.told.proposed"
	case c.Rest != 0:
		done, args = "case.told.rest", []string{id, words.Digits(v.lang, len(d.Lists)), strconv.FormatInt(c.Rest, 10)}
	case len(d.Lists) > 1:
		done, args = "case.told.several", []string{id, words.Digits(v.lang, len(d.Lists))}
	}
	return v.onward(before, done, args...)
}

// onward goes to the case after one, saying what was done about it and that it can be undone.
func (v *visit) onward(c triage.Case, done string, args ...string) error {
	to := "/queue"
	if next, err := v.Desk.Next(v.ctx(), c); err == nil {
		to = fmt.Sprintf("/cases/%d", next.ID)
	} else if !errors.Is(err, triage.ErrNotFound) {
		return err
	}
	v.sessions.Put(v.ctx(), "undo", int(c.ID))
	return v.back(to, done, args...)
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
	lists, err := v.listings()
	if err != nil {
		return err
	}
	inOtherLanguages(reason, kind)
	c, err := v.thisCase()
	if err != nil {
		return err
	}
	if err := v.belong(c, lists); err != nil {
		return err
	}
	return v.decide(triage.Decision{
		Action: triage.List, Lists: lists, Category: kind, Lapses: lapses, Reason: reason, Impact: v.Impact.OfAll(triage.Ruling{Lists: lists}.About(), 0),
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
	return v.takeBack("confirm.undo", func(c triage.Case, why audit.Why) (triage.Case, error) {
		return v.Desk.Undo(v.ctx(), c.ID, v.person.Name, why)
	})
}

// reopen opens a case again that is settled: it is decided anew.
func reopen(v *visit) error {
	return v.takeBack("confirm.reopen", func(c triage.Case, why audit.Why) (triage.Case, error) {
		return v.Desk.Reopen(v.ctx(), v.Inbox, c.ID, v.person.Name, why)
	})
}

// takeBack takes the decision about the case of the path back, where it is another's when that is confirmed.
func (v *visit) takeBack(key string, do func(c triage.Case, why audit.Why) (triage.Case, error)) error {
	v.deciding.Lock()
	defer v.deciding.Unlock()
	c, err := v.thisCase()
	if err != nil {
		return err
	}
	why, err := v.confirmUndo(key, []triage.Case{c})
	if why == nil || err != nil {
		return err
	}
	if c, err = do(c, v.why(*why)); err != nil {
		return err
	}
	id, told := strconv.FormatInt(c.ID, 10), "case.told.undo"
	if c.Undoing != "" {
		told = "case.told.undoing"
	}
	return v.back("/cases/"+id, told, id)
}

// confirmUndo asks with a passkey before decisions are taken back that are not the reader's own alone, and says whose
// they are, and what follows. Why is for the log; it is nil where the page that asks has been shown. What one person
// may not take back is an error at once.
func (v *visit) confirmUndo(key string, cases []triage.Case) (why *audit.Why, err error) {
	c := change{Key: key}
	var what []any
	var whose []string
	for _, one := range cases {
		if one.Settled != (key == "confirm.reopen") || one.State == triage.StateOpen || one.State == triage.StateMerged {
			return nil, triage.ErrState
		}
		by := one.Decided
		if one.Seconded != "" {
			by = say(v.lang, "undo.both", one.Decided, one.Seconded)
		}
		what = append(what, pending(one), one.Seconded, one.Undoing, one.Wished)
		key := "undo.opens"
		switch {
		case one.Seconded == "" && one.Decided == v.person.Name:
			continue
		case one.Seconded == "":
		case !one.UndoneBy(v.person.Name):
			if key = "undo.proposes"; one.WantedBefore(v.person.Name) {
				return nil, triage.ErrSamePerson
			}
		case !v.may(staff.Second):
			return nil, errForbidden
		default:
			key = "undo.second"
		}
		if !slices.Contains(whose, by) {
			whose = append(whose, by)
		}
		args := []any{one.ID, one.Subject.Describe(v.lang), say(v.lang, "action."+string(one.Action)), by, count(v.lang, "case.reports", one.Reports)}
		if key == "undo.second" {
			args = append(args, one.Undoing)
		}
		c.Says = append(c.Says, say(v.lang, key, args...))
	}
	if c.Says == nil {
		return new(audit.Why), nil
	}
	c.Says = slices.Insert(c.Says, 0, count(v.lang, "undo.whose", len(c.Says))+" "+strings.Join(whose, ", "))
	if own := len(cases) - len(c.Says) + 1; own > 0 {
		c.Says = append(c.Says, count(v.lang, "undo.own", own))
	}
	c.What = what
	proof, err := v.confirm(c)
	if proof == (audit.Why{}) || err != nil {
		return nil, err
	}
	return &proof, nil
}

func merge(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	into := v.number("into")
	if _, err := v.Desk.Merge(v.ctx(), v.number("id"), into, v.person.Name, v.why(audit.Why{})); err != nil {
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
	name, err := subject.Parse(v.form("name"))
	if err != nil {
		return wrong("case.badname")
	}
	if len(ids) == 0 && v.form("whole") == "" {
		return wrong("case.nosplit")
	}
	made, err := v.Desk.Split(v.ctx(), c.ID, name, ids, v.person.Name, v.why(audit.Why{}))
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
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	if _, err := v.Desk.Second(v.ctx(), c, v.person.Name, v.why(proof)); err != nil {
		return err
	}
	return v.back("/queue?part=proposed", "case.told.second", strconv.FormatInt(c.ID, 10))
}

// confirmSecond asks for a passkey over what others have proposed. What may not be agreed to is an error at once.
func (v *visit) confirmSecond(cases []triage.Case) (proof audit.Why, err error) {
	c := change{Key: "confirm.second"}
	var what []any
	for _, one := range cases {
		switch {
		case one.State != triage.StateProposed:
			return proof, triage.ErrState
		case triage.SamePerson(one.Decided, v.person.Name):
			return proof, triage.ErrSamePerson
		}
		if stands, err := v.stands(one); err != nil {
			return proof, err
		} else if !stands {
			return proof, &userError{http.StatusConflict, "problem.gone", []any{one.Decided}}
		}
		off, err := v.Desk.Replaced(v.ctx(), one)
		if err != nil {
			return proof, err
		}
		off = slices.DeleteFunc(off, func(l triage.Listing) bool { // it has left already
			_, err := v.Publisher.Ledger.Get(v.ctx(), l.Lists)
			return errors.Is(err, ledger.ErrNotFound)
		})
		what = append(what, pending(one), off)
		key := "change.list"
		if one.Action == triage.Withdraw {
			key = "change.withdraw"
		}
		for _, s := range one.About() {
			c.Says = append(c.Says, say(v.lang, key, s.Describe(v.lang), kind(v.lang, one.Category), until(v.lang, one.Lapses), one.Decided, one.Reason[v.lang]))
		}
		for _, gone := range off {
			c.Says = append(c.Says, say(v.lang, "change.replaces", gone.Lists.Describe(v.lang)))
		}
	}
	c.What = what
	return v.confirm(c)
}

// stands tells whether who has decided about a case stands for it still: somebody who was locked out since, or came in
// anew, is no first of two.
func (v *visit) stands(c triage.Case) (bool, error) {
	if strings.HasSuffix(c.Decided, triage.Shell) {
		return true, nil
	}
	return v.Staff.Stands(v.ctx(), c.Decided, staff.Decide, c.Changed)
}

// pending is all of what a case does when it is published.
func pending(c triage.Case) any {
	return struct {
		Case            int64
		Action          triage.Action
		Lists           []triage.Listing
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
	return words.Day(lang, lapses)
}

// Mistake tells whether a report says that a listing is wrong.
func (s sample) Mistake() bool { return s.Kind == wire.KindMistake }
