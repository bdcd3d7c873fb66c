package triage

import (
	"context"
	"fmt"
	"strconv"

	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/subject"
)

// Planned is what a release would change, with what was decided and is not published.
type Planned struct {
	publish.Plan
	Cases []Case // that it brings into the ledger, or tells about
	Two   Two
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

// Plan works out what releasing now would change. Two people must confirm it where it changes more than 50 entries of the
// list, and where it lists, changes or takes off one that reaches far by impact, unless two have agreed on that in its case or
// its time has only run out.
func (d *Desk) Plan(ctx context.Context, p *publish.Publisher, impact Impact, now int64) (plan Planned, err error) {
	if plan.Cases, err = d.Pending(ctx); err != nil {
		return plan, err
	}
	overlay := publish.Pending{}
	for _, c := range plan.Cases {
		switch c.Action {
		case List:
			for _, i := range c.Indicators() {
				overlay[i.Subject] = &i
			}
		case Withdraw:
			for _, s := range c.About() {
				overlay[s] = nil
			}
		}
		off, err := d.Replaced(ctx, p.Ledger, c)
		if err != nil {
			return plan, err
		}
		for _, one := range off {
			if _, named := overlay[one.Lists]; !named {
				overlay[one.Lists] = nil
			}
		}
	}
	if plan.Plan, err = p.Plan(ctx, now, overlay); err != nil {
		return plan, err
	}
	plan.Two, err = d.two(ctx, plan.Plan, impact, now)
	return plan, err
}

func (d *Desk) two(ctx context.Context, plan publish.Plan, impact Impact, now int64) (Two, error) {
	if n := plan.Added.Count + plan.Changed.Count + plan.Removed.Count; n > maxAtOnce {
		return Two{Why: Reach{ManyAtOnce, strconv.Itoa(n)}}, nil
	}
	cases, err := list(d.db.QueryContext(ctx, selectCase+` WHERE published = 0 AND state = 'accepted' AND seconded <> ''`))
	if err != nil {
		return Two{}, fmt.Errorf("couldn't read on what two people have agreed: %w", err)
	}
	agreed := map[subject.Subject]bool{}
	for _, c := range cases {
		for _, s := range c.About() {
			agreed[s] = true
		}
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
