package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"khien/server/ledger"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
	"khien/shared/wire"
)

// ErrChanged is a release that would not be the one that was planned.
var ErrChanged = errors.New("the list is not what was planned any more")

// Pending is what will be written into the ledger just before a release: the indicator to list, or nil for a subject
// to take off the list.
type Pending map[subject.Subject]*ledger.Indicator

// planned bounds how many indicators of each kind a plan names; it counts all of them.
const planned = 500

// Plan is what a release would change for those who have the one before.
type Plan struct {
	Base                    uint64         // sequence of the release before; 0 if there is none
	BaseSet, BaseRoot       release.Digest // of that release
	BaseSupplement          release.Digest
	At                      int64          // Unix seconds of what is on the list, see PlanAsOf
	Set, Root               release.Digest // of what would be published: the set, and the buckets with every reason
	Supplement, Keys        release.Digest // the supplement without the time at which it was made, and the list of release keys
	Spoken                  Spoken
	NewKeys                 bool // whether that list is another than in the release before
	Count                   int  // indicators in all
	Added, Changed, Removed Part
	Refused                 []error // each *Protected or *Unfit
	Unread                  bool    // what is published is damaged or lost, so that what would change cannot be told: everything counts as added
	Held                    Part    // what the release leaves as it is for now; see Plan
	Crowded                 bool    // whether something is among Removed that would be held back, and has no room in its bucket any more

	// Still is asked, where it is not nil, once nobody else can publish any more and before anything is written that lasts.
	Still func() error

	held map[subject.Subject]bool     // of Held
	kept map[[32]byte]subject.Subject // those of them that are on the list, and stay there as they are
	out  map[[32]byte]bool            // what has no room in its bucket
	over int                          // how many of Removed are at the end that was published with them
}

// Part is one part of a plan: how many indicators there are, and the first of them.
type Part struct {
	Count int
	First []ledger.Indicator
}

func (p *Part) add(i ledger.Indicator) {
	if p.Count++; len(p.First) < planned {
		p.First = append(p.First, i)
	}
}

// Empty tells whether nothing would change for anybody: neither the list, nor what is said beside it, nor the keys.
func (p *Plan) Empty() bool {
	return p.Added.Count+p.Changed.Count+p.Removed.Count == 0 && !p.Prefixes() && !p.Spoken.Changed && !p.NewKeys
}

// Prefixes tells whether the same is listed, and only how much of each digest is told changes: other pages are popular.
func (p *Plan) Prefixes() bool {
	return p.Base > 0 && p.Added.Count+p.Changed.Count+p.Removed.Count == 0 && (p.Set != p.BaseSet || p.Root != p.BaseRoot)
}

// Plan works out what Publish would publish at now, after pending was written into the ledger. It reads everything
// that a release is made of and writes nothing. Where hold is not nil, it is asked about each subject of which anything would change, unless
// its time is over: what it holds back stays as it is in the release that PublishPlanned makes of this plan. What of that is new is left out, what
// is said otherwise is said as before, and what was taken off is listed still. The ledger has it, and the next release asks again.
func (p *Publisher) Plan(ctx context.Context, now int64, pending Pending, hold func(subject.Subject) bool) (Plan, error) {
	return p.PlanAsOf(ctx, now, now, pending, hold)
}

// PlanAsOf is Plan for a release of now that has what was on the list at an earlier time: what has lapsed meanwhile, and the cards whose days
// have come or gone, wait for the next one.
func (p *Publisher) PlanAsOf(ctx context.Context, at, now int64, pending Pending, hold func(subject.Subject) bool) (plan Plan, err error) {
	plan, err = p.planWithout(ctx, at, now, pending, hold, nil)
	if err == nil && len(plan.out) > 0 {
		plan, err = p.planWithout(ctx, at, now, pending, hold, plan.out)
	}
	if err != nil {
		err = fmt.Errorf("couldn't plan a release: %w", err)
	}
	return plan, err
}

// planWithout is PlanAsOf without what is known to have no room. Where some has none and that is not known yet, the plan tells nothing else.
func (p *Publisher) planWithout(ctx context.Context, at, now int64, pending Pending, hold func(subject.Subject) bool, out map[[32]byte]bool) (plan Plan, err error) {
	plan.out = out
	f, err := p.inForce(ctx)
	if err != nil {
		return plan, err
	}
	if err := p.clock(ctx, f.Head, now); err != nil {
		return plan, err
	}
	protection, err := Protect(p.Official)
	if err != nil {
		return plan, err
	}
	last := f.Head
	before, readable := p.published(last)
	plan.Base, plan.BaseSet, plan.BaseRoot, plan.BaseSupplement, plan.At = last.Sequence, last.Set, last.BucketRoot, last.Supplement, at
	plan.held, plan.kept = map[subject.Subject]bool{}, map[[32]byte]subject.Subject{}
	list, err := newRows(last)
	if err != nil {
		return plan, err
	}
	defer list.close()
	var hot hotHosts
	held := func(i ledger.Indicator) bool {
		if hold == nil || !hold(i.Subject) {
			return false
		}
		plan.Held.add(i)
		plan.held[i.Subject] = true
		return true
	}
	// An end that somebody has brought forward meanwhile is not the end that was published. What the program itself protects leaves the list whatever
	// anybody holds back; what a book of the operator protects, as somebody says, does not.
	remove := func(i ledger.Indicator) (stays bool) {
		digest := i.Subject.Digest()
		was, known := before[digest]
		if !known {
			return false
		}
		delete(before, digest)
		i.Lapses = was.lapses
		switch over := was.lapses != 0 && was.lapses <= at; {
		case over:
			plan.over++
			plan.Removed.add(i)
		case out[digest]:
			plan.Crowded = plan.Crowded || hold != nil && hold(i.Subject)
			plan.Removed.add(i)
		case Permit(i.Subject) == nil && held(i):
			plan.kept[digest] = i.Subject
			return true
		default:
			plan.Removed.add(i)
		}
		return false
	}
	add := func(i ledger.Indicator) error {
		if err := protection.Permit(i.Subject); err != nil {
			if !remove(i) {
				plan.Refused = append(plan.Refused, err)
			}
			return nil
		}
		digest := i.Subject.Digest()
		if out[digest] {
			remove(i)
			plan.Refused = append(plan.Refused, &Unfit{string(i.Subject), ErrCrowded})
			return nil
		}
		wordy := list.encode(i)
		if wordy != nil && !isUnfit(wordy) {
			return wordy
		}
		said, known := before[digest]
		changed := known && said.hash != maphash.Bytes(seed, list.room)
		delete(before, digest)
		switch {
		case known && !changed:
		case held(i):
			if known {
				plan.kept[digest] = i.Subject
			}
			return nil
		case changed:
			plan.Changed.add(i)
		default:
			plan.Added.add(i)
		}
		if wordy != nil {
			plan.Refused = append(plan.Refused, wordy)
		}
		hot.add(i)
		return list.append(digest, i.Category)
	}
	for i, err := range p.Ledger.Active(ctx, at) {
		if err != nil {
			return plan, err
		}
		if _, ok := pending[i.Subject]; ok { // comes below
			continue
		}
		if err := add(i); err != nil {
			return plan, err
		}
	}
	for _, s := range slices.Sorted(maps.Keys(pending)) {
		i := pending[s]
		if i != nil && (i.Lapses == 0 || i.Lapses > at) {
			if err := add(*i); err != nil {
				return plan, err
			}
		} else if was, err := p.Ledger.Get(ctx, s); err == nil {
			remove(was)
		}
	}
	if len(before) > 0 {
		for i, err := range p.Ledger.Gone(ctx, at) {
			if err != nil {
				return plan, err
			}
			remove(i)
		}
		plan.Removed.Count += len(before) // that the ledger has lost: nobody can name them
	}
	if err := p.keep(last, plan.kept, list, &hot); err != nil {
		return plan, err
	}
	if err := list.sort(); err != nil {
		return plan, err
	}
	if crowded := list.crowded(p.sizes(last)); len(crowded) > 0 {
		plan.out = crowded
		return plan, nil
	}
	entries, long := p.entries(list.list)
	body, err := set.Build(entries, long)
	if err != nil {
		return plan, err
	}
	next, err := set.Open(body)
	if err != nil {
		return plan, err
	}
	if href := protection.warnsAbout(&next, entries, plan.kept); href != "" {
		return plan, fmt.Errorf("%w: %s", ErrWellKnown, href)
	}
	buckets, err := list.pack(p.Blobs)
	if err != nil {
		return plan, err
	}
	plan.Set, plan.Root, plan.Count = release.DigestOf(body), buckets.root, next.Len()
	buckets.Discard()
	if plan.Unread = !readable || f.lost; plan.Unread && buckets.root == last.BucketRoot && buckets.bits == last.BucketBits {
		plan.Added, plan.Changed, plan.Removed, plan.Unread = Part{}, Part{}, Part{}, false
	}
	plan.Keys = release.DigestOf(p.Keys.Note)
	plan.NewKeys = last.Sequence > 0 && plan.Keys != last.Keys
	spoken, earlier, left, err := p.say(ctx, &hot, &next, last, at)
	if err != nil {
		return plan, err
	}
	plan.Refused = append(plan.Refused, left...)
	if _, err := spoken.encode(); err != nil { // too large, it would not be published either
		return plan, err
	}
	if plan.Supplement, err = spoken.confirmed(); err != nil {
		return plan, err
	}
	plan.Spoken, err = compareSaid(earlier, spoken)
	return plan, err
}

// keep adds what is kept of a release as it is there.
func (p *Publisher) keep(h release.Head, kept map[[32]byte]subject.Subject, list *rows, hot *hotHosts) error {
	if len(kept) == 0 {
		return nil
	}
	return checkPack(p.Blobs, h, func(entries wire.Entries) error {
		for _, e := range entries {
			s, ok := kept[[32]byte(e.Digest)]
			if !ok {
				continue
			}
			if err := list.keep(e); err != nil {
				return err
			}
			hot.add(ledger.Indicator{Subject: s, FirstSeen: e.FirstSeen})
		}
		return nil
	})
}

var seed = maphash.MakeSeed()

// printed is what a release says about something, hashed, and until when.
type printed struct {
	hash   uint64
	lapses int64
}

// published is what a release says, by the digest of what it says it about. It is empty where that is damaged.
func (p *Publisher) published(h release.Head) (said map[[32]byte]printed, readable bool) {
	said = map[[32]byte]printed{}
	if h.Sequence == 0 {
		return said, true
	}
	var text []byte
	err := checkPack(p.Blobs, h, func(entries wire.Entries) (err error) {
		for _, e := range entries {
			if text, err = e.MarshalMsg(text[:0]); err != nil {
				return err
			}
			said[[32]byte(e.Digest)] = printed{maphash.Bytes(seed, text), e.Lapses}
		}
		return nil
	})
	if err != nil {
		return map[[32]byte]printed{}, false
	}
	return said, true
}

// sizes hands out how long the entries of a release are, by their digests: none where that is damaged.
func (p *Publisher) sizes(h release.Head) func() map[[32]byte]uint16 {
	return func() map[[32]byte]uint16 {
		sizes := map[[32]byte]uint16{}
		if h.Sequence == 0 {
			return sizes
		}
		var text []byte
		err := checkPack(p.Blobs, h, func(entries wire.Entries) (err error) {
			for _, e := range entries {
				if text, err = e.MarshalMsg(text[:0]); err != nil {
					return err
				}
				sizes[[32]byte(e.Digest)] = uint16(len(text))
			}
			return nil
		})
		if err != nil {
			return nil
		}
		return sizes
	}
}

// Holds tells whether a subject is among Held.
func (p *Plan) Holds(s subject.Subject) bool { return p.held[s] }

// PublishPlanned is Publish, and refuses with ErrChanged what is not exactly as it was planned.
func (p *Publisher) PublishPlanned(ctx context.Context, now int64, plan Plan) (Result, error) {
	unlock, err := p.Blobs.Lock()
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	r, err := p.publish(ctx, now, &plan, func(h release.Head, spoken said) error {
		supplement, err := spoken.confirmed()
		if err != nil {
			return err
		}
		if h.Sequence != plan.Base || h.Set != plan.Set || !bytes.Equal(h.BucketRoot[:], plan.Root[:]) || supplement != plan.Supplement || h.Keys != plan.Keys {
			return ErrChanged
		}
		if plan.Still != nil {
			return plan.Still()
		}
		return nil
	})
	if err != nil {
		return Result{}, fmt.Errorf("couldn't publish: %w", err)
	}
	return r, nil
}
