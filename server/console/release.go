package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"khien/server/audit"
	"khien/server/blob"
	"khien/server/publish"
	"khien/server/staff"
	"khien/server/triage"
	"khien/server/words"
	"khien/shared/release"
)

var releaseRoutes = []route{
	{"GET /publish", staff.Publish, planPage},
	{"POST /publish", staff.Publish, publishNow},
	{"GET /proposal", seen, planPage},
	{"POST /proposal/stop", seen, stopRelease},
	{"POST /proposal/delay", seen, keepDelay},
	{"GET /releases/{id}", seen, releasePage},
}

// plan is what the publish page shows.
type plan struct {
	triage.Planned
	drafted
	Drafting bool            // whether it is being worked out, and there is nothing to show yet
	Held     publish.Excerpt // what waits for two people when the rest goes out by itself
	Rejected int             // of its cases
	Cards    []cardChange    // advice cards
	Waiting  int             // that wait for a second person and are not in it
	Digest   string
	Reason   string           // why the page is shown again
	Stopped  *triage.Proposal // since when two must confirm
	Alone    bool             // one person runs all of this
	Mine     bool             // whether the proposal is the reader's
	Delay    string           // after which it goes out by itself
	Last     *release.Head
	Clock    *publish.UnlikelyTime // nil where the clock agrees with the release in force
	Right    bool                  // whether the reader says that it is right; else there is no plan
}

// Refusals are what the guard leaves out, with the reasons.
func (p plan) Refusals() []publish.Protected {
	var all []publish.Protected
	for _, err := range p.Refused {
		var one *publish.Protected
		if errors.As(err, &one) {
			all = append(all, *one)
		}
	}
	return all
}

// Unfit is what else is left out, since no reader could take it.
func (p plan) Unfit() []publish.Unfit {
	var all []publish.Unfit
	for _, err := range p.Refused {
		if one, ok := errors.AsType[*publish.Unfit](err); ok {
			all = append(all, *one)
		}
	}
	return all
}

// Nothing tells whether there is nothing to publish and nobody to tell.
func (p plan) Nothing() bool { return p.Empty() && len(p.Cases) == 0 }

// Tells tells whether it changes nothing for anybody, and those who reported are told.
func (p plan) Tells() bool { return p.Empty() }

// Order tells whether what is said beside the list changes in nothing but its order.
func (p plan) Order() bool { return p.Spoken.OnlyOrder() }

// Prefixes tells whether nothing changes but how much of each digest is told.
func (p plan) Prefixes() bool { return p.Planned.Prefixes() }

// Goes tells whether a part of it goes out by itself.
func (p plan) Goes() bool { return p.Draft.ByItself() && p.Stopped == nil }

// Many tells whether one person alone would do what takes two.
func (p plan) Many() bool { return p.Alone && p.Two != (triage.Two{}) }

// beside is one part of what is said beside the list, as lines that come and go.
type beside struct {
	Key string // of its message
	publish.Lines
}

// Beside are the parts that change.
func (p plan) Beside() (all []beside) {
	for _, one := range []beside{{"publish.head.official", p.Spoken.Official}, {"publish.head.help", p.Spoken.Help}, {"publish.head.hot", p.Spoken.Hot}} {
		if one.Any() {
			all = append(all, one)
		}
	}
	return all
}

// plan works out what was proposed, or else what publishing now would change.
func (v *visit) plan() (plan, error) { return v.planOf(v.draft) }

func (v *visit) planOf(draft func(ctx context.Context, right bool) (drafted, error)) (p plan, err error) {
	register, err := v.Staff.Register(v.ctx(), v.now())
	if err != nil {
		return p, err
	}
	p.Alone, p.Delay = register.Alone, span(v.lang, register.Waits(v.now()))
	p.drafted, err = draft(v.ctx(), false)
	if errors.As(err, &p.Clock) {
		if p.Right = v.form("clock") == "right"; !p.Right {
			return p, nil
		}
		p.drafted, err = draft(v.ctx(), true)
	}
	if err != nil {
		return p, err
	}
	p.Mine = p.Proposal != nil && p.Proposal.By == v.person.Name
	p.Planned, p.Held = p.Draft.Whole, p.Draft.Rest.Held
	key := "publish"
	if p.Alone {
		p.Planned, key = p.Draft.Rest, "publish.alone"
	}
	for _, c := range p.Cases {
		if c.Action != triage.List && c.Action != triage.Withdraw {
			p.Rejected++
		}
	}
	p.Cards = v.cardChanges(p.Spoken.Cards)
	n, err := v.Desk.Counts(v.ctx())
	if err != nil {
		return p, err
	}
	p.Waiting = n[triage.PartProposed]
	if p.Digest, err = (change{Key: key, What: p.Draft.Digest}).digest(); err != nil {
		return p, err
	}
	if head, err := v.head(); err == nil {
		p.Last = &head
	} else if !errors.Is(err, blob.ErrNotFound) && !errors.Is(err, publish.ErrUnknown) {
		return p, err
	}
	switch stopped, err := v.Desk.NeedsTwo(v.ctx()); {
	case err == nil:
		p.Stopped = &stopped
	case !errors.Is(err, triage.ErrNotProposed):
		return p, err
	}
	return p, nil
}

// publisher is who publishes: whatever the clock says, where a person says that it is right.
func (v *visit) publisher(right bool) *publish.Publisher {
	own := *v.Publisher
	own.ClockIsRight = right
	return &own
}

// head is the head that every device is handed out now, as it verifies it.
func (v *visit) head() (release.Head, error) {
	_, h, err := publish.InForce(v.ctx(), v.Publisher.Ledger, v.Publisher.Blobs, v.Publisher.Keys.Root)
	if err == nil && h.Sequence == 0 {
		err = blob.ErrNotFound
	}
	return h, err
}

func planPage(v *visit) error {
	p, err := v.planOf(v.sketch)
	if errors.Is(err, errDrafting) {
		v.w.Header().Set("Refresh", "1")
		p.Drafting, err = true, nil
	}
	if err != nil {
		return err
	}
	return v.show("publish", p)
}

// publishNow proposes what the reader has confirmed with a passkey, or publishes it where another has proposed it or
// there is nobody else: if it is still exactly that.
func publishNow(v *visit) error {
	v.deciding.Lock()
	defer v.deciding.Unlock()
	p, err := v.plan()
	if err != nil {
		return err
	}
	defer p.Draft.Close()
	if p.Clock != nil && !p.Right {
		return v.write(http.StatusConflict, "publish", p)
	}
	if p.Many() {
		return v.publishMany(p)
	}
	proof, reason, err := v.confirmed(p.Digest)
	if err != nil {
		return err
	}
	if proof == (audit.Why{}) {
		if p.Reason = reason; reason == "" && v.form("digest") != p.Digest {
			p.Reason = "confirm.changed"
		}
		return v.write(http.StatusConflict, "publish", p)
	}
	if p.Nothing() {
		return v.back("/publish", "publish.nothing")
	}
	return v.publishConfirmed(p, proof)
}

// publishMany asks somebody who is alone once more about what would take two, as the command line does: a page says
// what goes out, and the passkey signs that and the reason.
func (v *visit) publishMany(p plan) error {
	why := v.form("why")
	if why == "" {
		return wrong("publish.many.why")
	}
	says := []string{say(v.lang, "proposal.changes", words.Digits(v.lang, p.Added.Count), words.Digits(v.lang, p.Changed.Count), words.Digits(v.lang, p.Removed.Count)), say(v.lang, "publish.many.alone", why)}
	for _, part := range []struct {
		key string
		publish.Excerpt
	}{{"publish.head.added", p.Added}, {"publish.head.changed", p.Changed}, {"publish.head.removed", p.Removed}} {
		var names []string
		for _, i := range part.First {
			names = append(names, i.Subject.Describe(v.lang))
		}
		if part.Count > 0 {
			says = append(says, say(v.lang, "publish.many.part", count(v.lang, part.key, part.Count), strings.Join(names, ", ")))
		}
		if part.Count > len(names) {
			says = append(says, say(v.lang, "publish.rest", len(names)))
		}
	}
	for _, one := range p.Beside() {
		says = append(says, say(v.lang, "publish.many.part", say(v.lang, one.Key), say(v.lang, "publish.lines", words.Digits(v.lang, len(one.Added)), words.Digits(v.lang, len(one.Removed)))))
	}
	for _, card := range p.Cards {
		says = append(says, say(v.lang, "publish.many.part", card.Title, say(v.lang, card.Key)))
	}
	proof, err := v.confirm(change{Key: "confirm.many", What: []any{p.Digest, why}, Says: says})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	return v.publishConfirmed(p, v.why(proof))
}

// publishConfirmed does what the reader has confirmed.
func (v *visit) publishConfirmed(p plan, proof audit.Why) (err error) {
	var r publish.Result
	switch {
	case p.Alone, p.Empty(): // nobody else, or nothing that reaches anybody but who reported
		r, err = v.Desk.ReleasePlanned(v.ctx(), v.publisher(p.Right), v.Inbox, v.person.Name, proof, v.now(), p.Planned)
	case p.Proposal == nil:
		return v.propose(p, proof)
	case p.Mine:
		return v.back("/publish", "publish.proposed")
	case p.Proposal.Shell():
		if err := v.Desk.Adopt(v.ctx(), p.Proposal.ID, v.person.Name, proof, v.now()); err != nil {
			return err
		}
		return v.back("/publish", "publish.proposed")
	case !v.may(staff.Second):
		return errForbidden
	default:
		r, err = v.Desk.ReleaseAgreed(v.ctx(), v.publisher(p.Right), v.Inbox, *p.Proposal, p.Draft, v.person.Name, proof, v.now())
	}
	if errors.Is(err, publish.ErrChanged) {
		if p, err = v.plan(); err != nil {
			return err
		}
		defer p.Draft.Close()
		p.Reason = "confirm.changed"
		return v.write(http.StatusConflict, "publish", p)
	}
	if err != nil {
		return err
	}
	if !r.Published {
		return v.back("/publish", "publish.told")
	}
	return v.back("/releases/"+strconv.FormatUint(r.Sequence, 10), "publish.done", strconv.FormatUint(r.Sequence, 10))
}

func (v *visit) propose(p plan, proof audit.Why) error {
	if p.Outdated != nil {
		if err := v.Desk.Outdate(v.ctx(), *p.Outdated, v.person.Name, v.now()); err != nil {
			return err
		}
	}
	register, err := v.Staff.Register(v.ctx(), v.now())
	if err != nil {
		return err
	}
	if _, err := v.Desk.Propose(v.ctx(), p.Draft, v.person.Name, register.Waits(v.now()), proof, v.now()); err != nil {
		return err
	}
	return v.back("/publish", "publish.proposed")
}

// stopRelease ends what is proposed, with a reason: whoever may enter can.
func stopRelease(v *visit) error {
	if v.form("why") == "" {
		return wrong("publish.stop.why")
	}
	how, err := v.Desk.Stop(v.ctx(), v.number("id"), v.person.Name, v.form("why"), v.now())
	if errors.Is(err, triage.ErrNotProposed) {
		return wrong("publish.stop.late")
	}
	if err != nil {
		return err
	}
	if how == triage.TakenBack {
		return v.back("/proposal", "publish.takenback")
	}
	return v.back("/proposal", "publish.stopped")
}

// keepDelay takes back that releases are going to wait for a shorter time: whoever may enter can.
func keepDelay(v *visit) error {
	register, err := v.Staff.Register(v.ctx(), v.now())
	if err != nil {
		return err
	}
	if _, err := v.Staff.SetDelay(v.ctx(), time.Duration(register.Delay)*time.Second, v.now()); err != nil {
		return err
	}
	if err := v.note(audit.Act{Verb: audit.KeepDelay, Object: audit.Object{Kind: audit.OfRegister}, Why: v.why(audit.Why{})}); err != nil {
		return err
	}
	return v.back("/proposal", "delay.kept")
}

// banner is what every page says as long as something waits that one person wants to do to everybody.
type banner struct {
	Proposal *triage.Proposal
	Mine     bool
	Delay    string // that releases are going to wait for, from Since on
	Since    int64
}

func (v *visit) banner() (b banner, err error) {
	one, err := v.Desk.Proposed(v.ctx())
	switch {
	case err == nil:
		b.Proposal, b.Mine = &one, one.By == v.person.Name
	case !errors.Is(err, triage.ErrNotProposed):
		return b, err
	}
	register, err := v.Staff.Register(v.ctx(), v.now())
	if register.Next != 0 {
		b.Delay, b.Since = span(v.lang, register.Next), register.Since
	}
	return b, err
}

// Rest is how many of what it names are beside the first.
func (b banner) Rest() int {
	c := b.Proposal.Changes
	return c.Added + c.Changed + c.Removed - len(c.First)
}

// issued is a release, as its page shows it.
type issued struct {
	Sequence uint64
	Act      audit.Act
	Current  bool // whether it is what devices are handed out now
	Head     release.Head
	ByMinute int64 // Unix seconds when devices that are on have asked
	Cases    []triage.Case
	All      int // cases, of which these are a page
	pager
}

func releasePage(v *visit) error {
	i := issued{Sequence: uint64(v.number("id"))}
	acts, err := v.Desk.Log(v.ctx(), audit.Filter{Object: audit.Numbered(audit.OfRelease, i.Sequence).String()}, 1)
	if err != nil {
		return err
	}
	if len(acts) == 0 {
		return errNoPage
	}
	i.Act = acts[0]
	if i.Head, err = v.head(); err != nil {
		return err
	}
	i.Current = i.Head.Sequence == i.Sequence
	i.ByMinute = i.Head.Issued + int64(i.Head.Wait+i.Head.Spread)
	page, all, err := v.Desk.Within(v.ctx(), i.Sequence, v.place(), few)
	if err != nil {
		return err
	}
	i.Cases, i.All, i.pager = page.Rows, all, v.pager(page.Before, page.After)
	return v.show("release", i)
}
