package console

import (
	"errors"
	"strconv"

	"khien/server/audit"
	"khien/server/staff"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
)

var bulkRoutes = []route{
	{"POST /queue/many", staff.Decide, many},
	{"POST /queue/many/decide", staff.Decide, decideMany},
	{"POST /queue/many/undo", staff.Decide, undoMany},
	{"POST /queue/many/second", staff.Second, secondMany},
}

// maxMany is how many cases are decided at once.
const maxMany = 1000

// batch is several cases that are about to be decided together.
type batch struct {
	Action  triage.Action
	Cases   []choice
	Things  int      // that would be listed
	Refused []choice // what may not be listed
	Kinds   []category.Category
}

// choice is a case and what would be listed for it.
type choice struct {
	triage.Case
	Lists  []triage.Listing
	Impact triage.Reach
	Why    string
}

// Refusals are as on a case page.
func (batch) Refusals() []string { return refusals }

// selected reads the cases that were selected.
func (v *visit) selected() ([]triage.Case, error) {
	ids := v.r.Form["id"]
	if len(ids) == 0 {
		return nil, wrong("many.none")
	}
	if len(ids) > maxMany {
		return nil, wrong("many.toomany", maxMany)
	}
	var cases []triage.Case
	seen := map[int64]bool{}
	for _, text := range ids {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seen[id] {
			continue
		}
		seen[id] = true
		c, err := v.Desk.Get(v.ctx(), id)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// batch works out what deciding about the selected cases would do.
func (v *visit) batch() (batch, error) {
	b := batch{Action: triage.List, Kinds: category.All()}
	if v.form("action") == string(triage.Reject) {
		b.Action = triage.Reject
	}
	cases, err := v.selected()
	if err != nil {
		return b, err
	}
	n := 0
	for _, c := range cases {
		one := choice{Case: c}
		if c.State != triage.StateOpen && c.State != triage.StateAsked {
			return b, triage.ErrState
		}
		if b.Action == triage.List {
			if one.Lists, one.Why, err = v.listable(c); err != nil {
				return b, err
			}
			if len(one.Lists) == 0 {
				b.Refused = append(b.Refused, one)
				continue
			}
		}
		n += len(one.Lists)
		b.Cases = append(b.Cases, one)
	}
	b.Things = n
	if b.Action == triage.List {
		impact := v.Impact.Now()
		for i, one := range b.Cases {
			b.Cases[i].Impact = impact.OfAll(one.About(), n-len(one.Lists))
		}
	}
	return b, nil
}

// About are the things that would be listed.
func (c choice) About() []subject.Subject { return triage.Ruling{Lists: c.Lists}.About() }

// listable is what would be listed of a case without looking closer: what comes ticked on its page. Where there is
// nothing, why says so.
func (v *visit) listable(c triage.Case) (lists []triage.Listing, reason string, err error) {
	subjects, err := v.Desk.Subjects(v.ctx(), c.ID)
	if err != nil {
		return nil, "", err
	}
	for _, s := range subjects {
		switch refused := s.Refused(); {
		case refused != nil:
			reason = refusedFor(v.lang, refused)
		case s.Sure():
			lists = append(lists, triage.Listing{Of: s.Name, Lists: s.Name})
		}
	}
	if reason == "" {
		reason = say(v.lang, "many.look")
	}
	return lists, reason, nil
}

// many shows what deciding about many cases would do.
func many(v *visit) error {
	b, err := v.batch()
	if err != nil {
		return err
	}
	return v.show("many", b)
}

func decideMany(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	b, err := v.batch()
	if err != nil {
		return err
	}
	lapses, err := int64(0), error(nil)
	if b.Action == triage.List {
		if lapses, err = v.lapse(); err != nil {
			return err
		}
	}
	done := 0
	for _, one := range b.Cases {
		d := triage.Decision{Actor: v.person.Name, Action: b.Action, Why: v.why(audit.Why{})}
		if b.Action == triage.List {
			slug := v.form("category")
			if slug == "" {
				slug = one.Category // as its reports say
			}
			d.Category, _ = category.Parse(slug)
			d.Lists, d.Lapses, d.Impact = one.Lists, lapses, one.Impact
			if d.Reason, err = v.reasons(d.Category.How); err == nil {
				inOtherLanguages(d.Reason, d.Category)
			}
		} else {
			d.Reason, err = v.reasons(func(lang string) string { return say(lang, v.refusal()) })
		}
		if err != nil {
			return err
		}
		// One that somebody else has decided meanwhile stays as it is.
		if _, err := v.Desk.Decide(v.ctx(), one.ID, d); err == nil {
			done++
		} else if !errors.Is(err, triage.ErrState) {
			return err
		}
	}
	return v.back("/queue", "many.done", strconv.Itoa(done))
}

func undoMany(v *visit) error {
	v.deciding.Lock()
	defer v.deciding.Unlock()
	cases, err := v.selected()
	if err != nil {
		return err
	}
	why, err := v.confirmUndo("confirm.undo", cases)
	if why == nil || err != nil {
		return err
	}
	done, proposed := 0, 0
	for _, c := range cases {
		c, err := v.Desk.Undo(v.ctx(), c.ID, v.person.Name, *why)
		switch {
		case errors.Is(err, triage.ErrState):
		case err != nil:
			return err
		case c.Undoing != "":
			proposed++
		default:
			done++
		}
	}
	if proposed > 0 {
		return v.back("/queue?part=decided", "many.undoing", strconv.Itoa(done), strconv.Itoa(proposed))
	}
	return v.back("/queue?part=decided", "many.undone", strconv.Itoa(done))
}

// secondMany agrees to several proposals with one passkey over all of them.
func secondMany(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	cases, err := v.selected()
	if err != nil {
		return err
	}
	proof, err := v.confirmSecond(cases)
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	for _, c := range cases {
		if _, err := v.Desk.Second(v.ctx(), c, v.person.Name, proof); err != nil {
			return err
		}
	}
	return v.back("/queue?part=proposed", "many.seconded", strconv.Itoa(len(cases)))
}
