package triage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"khien/server/db"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/subject"
)

// Planned is an edition of what was decided and is not published, with what becomes of it then. Close it.
type Planned struct {
	publish.Edition
	Cases []Case // that it brings into the ledger, or tells about
	Two   Two

	settled []Case // that are in the ledger already, and in no release yet
}

// Two is why two people must confirm a release; the zero value where one is enough.
type Two struct {
	Why     Reach
	Subject subject.Subject // which reaches far; empty for ManyAtOnce
}

// String is the reason in English.
func (t Two) String() string {
	if t.Subject == "" {
		return t.Why.String()
	}
	return string(t.Subject) + ", " + t.Why.String()
}

// Plan works out what releasing now would change. Two people must confirm it where it changes more than 50 entries of
// the list, and where it lists, changes or takes off one that reaches far by impact, unless two have agreed on that in
// its case or its time has only run out.
func (d *Desk) Plan(ctx context.Context, p *publish.Publisher, impact Impact, now int64) (plan Planned, err error) {
	cases, err := d.Pending(ctx)
	if err != nil {
		return plan, err
	}
	return d.plan(ctx, p, impact, cases, now, now, nil, nil)
}

// PlanAlone is Plan for a person who has nobody else: what reaches far, be it listed, changed or taken off, by nobody's
// decision about a case that two have agreed on, is held back. It stays as it is until two people confirm a release
// with it. With all, what Suffix alone goes by is not held back.
func (d *Desk) PlanAlone(ctx context.Context, p *publish.Publisher, impact Impact, now int64, all bool) (plan Planned, err error) {
	cases, err := d.Pending(ctx)
	if err != nil {
		return plan, err
	}
	agreed, _, err := d.agreed(ctx)
	if err != nil {
		return plan, err
	}
	impact = impact.now(ctx, p)
	return d.plan(ctx, p, impact, cases, now, now, nil, func(s subject.Subject) bool {
		why := impact.Of(s, 1)
		return !agreed[s] && why != (Reach{}) && !(all && why.Rule == Suffix)
	})
}

// plan is the edition of some cases, with what else is in the ledger, of what is on the list at a time. What was
// decided since, in none of the cases, stays as it is, and so does what hold holds back, which alone the plan tells. A
// case of which something is held back, or has no room, waits as a whole.
func (d *Desk) plan(ctx context.Context, p *publish.Publisher, impact Impact, cases []Case, at, now int64, since map[subject.Subject]bool, hold func(subject.Subject) bool) (Planned, error) {
	var waiting []ledger.Indicator
	var crowded []error
	for {
		plan, held, err := d.planOf(ctx, p, cases, at, now, since, hold)
		if err != nil {
			return plan, err
		}
		wait := map[int64]bool{}
		for _, c := range plan.Cases {
			for _, why := range plan.Refused {
				if one, ok := errors.AsType[*publish.Unfit](why); ok && errors.Is(why, publish.ErrCrowded) && c.Action == List && slices.Contains(c.About(), subject.Subject(one.What)) {
					wait[c.ID], crowded = true, append(crowded, why)
				}
			}
		}
		for id, names := range held {
			wait[id] = true
			for _, i := range plan.Held.First {
				if names[i.Subject] {
					waiting = append(waiting, i)
				}
			}
		}
		if len(wait) > 0 {
			plan.Close()
			cases = slices.DeleteFunc(slices.Clone(cases), func(c Case) bool { return wait[c.ID] })
			continue
		}
		plan.Refused = append(plan.Refused, crowded...)
		plan.Held.Count, plan.Held.First = plan.Held.Count+len(waiting), append(plan.Held.First, waiting...)
		if plan.Two, err = d.two(ctx, plan.Edition, impact, now); err != nil {
			plan.Close()
		}
		return plan, err
	}
}

// planOf is plan as far as one draft goes; held are the cases of which a part is in it and another one is held back,
// with what they name.
func (d *Desk) planOf(ctx context.Context, p *publish.Publisher, cases []Case, at, now int64, since map[subject.Subject]bool, hold func(subject.Subject) bool) (plan Planned, held map[int64]map[subject.Subject]bool, err error) {
	protection, err := publish.Protect(p.Official)
	if err != nil {
		return plan, nil, err
	}
	overlay, mine := publish.Pending{}, map[subject.Subject]bool{}
	touched := make([]publish.Pending, len(cases))
	for n, c := range cases {
		if touched[n], err = d.touches(ctx, c, protection); err != nil {
			return plan, nil, err
		}
		for s, i := range touched[n] {
			mine[s] = true
			if _, named := overlay[s]; !c.Settled && (i != nil || !named) { // what is settled is in the ledger
				overlay[s] = i
			}
		}
	}
	stays, later := map[subject.Subject]bool{}, map[subject.Subject]bool{}
	plan.Edition, err = p.DraftAsOf(ctx, at, now, overlay, func(s subject.Subject) bool {
		later[s] = since[s] && !mine[s]
		stays[s] = later[s] || hold != nil && hold(s)
		return stays[s]
	})
	if err != nil {
		return plan, nil, err
	}
	for s, is := range later {
		if is && plan.Holds(s) {
			plan.Held.Count--
		}
	}
	plan.Held.First = slices.DeleteFunc(plan.Held.First, func(i ledger.Indicator) bool { return later[i.Subject] })
	held = map[int64]map[subject.Subject]bool{}
	for n, c := range cases {
		names, waits := map[subject.Subject]bool{}, 0
		for s := range touched[n] {
			names[s] = true
			if stays[s] {
				waits++
			}
		}
		switch {
		case waits > 0:
			if !c.Settled && waits < len(names) {
				held[c.ID] = names
			}
		case c.Settled:
			plan.settled = append(plan.settled, c)
		default:
			plan.Cases = append(plan.Cases, c)
		}
	}
	return plan, held, nil
}

// all are the cases of a plan, in the order of their numbers, whatever is in the ledger already.
func (p Planned) all() []Case {
	all := slices.Concat(p.Cases, p.settled)
	slices.SortFunc(all, func(a, b Case) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// touches is what a case puts on the list, and with nil what it takes off. Of which nothing may be on it takes nothing
// off: it is open again.
func (d *Desk) touches(ctx context.Context, c Case, protection *publish.Protection) (publish.Pending, error) {
	names := publish.Pending{}
	switch c.Action {
	case List:
		refused := 0
		for _, i := range c.Indicators() {
			names[i.Subject] = &i
			if protection.Permit(i.Subject) != nil {
				refused++
			}
		}
		if refused > 0 && refused == len(c.Lists) {
			return names, nil
		}
	case Withdraw:
		for _, s := range c.About() {
			names[s] = nil
		}
	}
	off, err := d.Replaced(ctx, c)
	for _, one := range off {
		if _, named := names[one.Lists]; !named {
			names[one.Lists] = nil
		}
	}
	return names, err
}

func (d *Desk) two(ctx context.Context, plan publish.Edition, impact Impact, now int64) (Two, error) {
	impact = impact.Now()
	if n := plan.Added.Count + plan.Changed.Count + plan.Removed.Count; n > MaxAtOnce {
		return Two{Why: Reach{ManyAtOnce, strconv.Itoa(n)}}, nil
	}
	agreed, _, err := d.agreed(ctx)
	if err != nil {
		return Two{}, err
	}
	for _, part := range [][]ledger.Indicator{plan.Added.First, plan.Changed.First, plan.Removed.First} {
		for _, i := range part {
			lapsed := i.Lapses != 0 && i.Lapses <= now
			if agreed[i.Subject] || lapsed {
				continue
			}
			if why := impact.Of(i.Subject, 1); why != (Reach{}) {
				return Two{why, i.Subject}, nil
			}
		}
	}
	return Two{}, nil
}

// Pending are the cases that were decided and are in no release yet.
func (d *Desk) Pending(ctx context.Context) ([]Case, error) {
	cases, err := list(d.db.QueryContext(ctx, selectCase+` WHERE published = 0 AND state IN ('accepted', 'rejected') ORDER BY id`))
	if err != nil {
		return nil, fmt.Errorf("couldn't read what was decided: %w", err)
	}
	return cases, nil
}

// agreed are the subjects on which two people have agreed, each with a passkey of their own, in cases that are in no
// release yet; and those on which two had to, and one of them was on the command line: who that was nobody knows.
func (d *Desk) agreed(ctx context.Context) (agreed, unproven map[subject.Subject]bool, err error) {
	cases, err := list(d.db.QueryContext(ctx, selectCase+` WHERE published = 0 AND state = 'accepted' AND seconded <> ''`))
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't read on what two people have agreed: %w", err)
	}
	agreed, unproven = map[subject.Subject]bool{}, map[subject.Subject]bool{}
	for _, c := range cases {
		of := agreed
		if fromShell(c.Decided) || fromShell(c.Seconded) {
			of = unproven
		}
		for _, s := range c.About() {
			of[s] = true
		}
	}
	return agreed, unproven, nil
}

// listedByTwo are the subjects that two people have listed, until their case is decided anew, and that is settled.
func listedByTwo(ctx context.Context, q db.Reader) (map[subject.Subject]bool, error) {
	listed := map[subject.Subject]bool{}
	for s, err := range db.Each(scanName)(q.QueryContext(ctx, `
		SELECT value ->> 'lists' FROM cases, json_each(CASE lists WHEN '' THEN '[]' ELSE lists END)
			WHERE state = 'accepted' AND cases.action = 'list' AND settled = 1 AND seconded <> ''
		UNION SELECT value ->> 'lists' FROM cases, json_each(CASE WHEN earlier = '' THEN '[]' WHEN earlier ->> 'lists' = '' THEN '[]' ELSE earlier ->> 'lists' END)
			WHERE earlier <> '' AND earlier ->> 'action' = 'list' AND earlier ->> 'seconded' <> ''`)) {
		if err != nil {
			return nil, fmt.Errorf("couldn't read what two people have listed: %w", err)
		}
		listed[s] = true
	}
	return listed, nil
}
