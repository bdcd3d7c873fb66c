package publish

import (
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

// ErrChanged is an edition that is not what would be drafted now any more.
var ErrChanged = errors.New("the list is not what was planned any more")

// Pending is what a release brings into the ledger: the indicator to list, or nil for a subject to take off the list.
type Pending map[subject.Subject]*ledger.Indicator

// planned bounds how many indicators of each kind an edition names; it counts all of them.
const planned = 500

// Edition is a release that is drafted: every byte of it but for its number and its time, and what it changes for those
// who have the one before. Nobody can see it before it is issued.
type Edition struct {
	Base                    uint64         // sequence of the release before; 0 if there is none
	BaseSet, BaseRoot       release.Digest // of that release
	BaseSupplement          release.Digest
	At                      int64          // Unix seconds of what is on the list, see DraftAsOf
	Set, Root               release.Digest // of the set, and of the buckets with every reason
	Supplement, Keys        release.Digest // the supplement without the time at which it was made, and the list of release keys
	Spoken                  Spoken
	NewKeys                 bool // whether that list is another than in the release before
	Count                   int  // indicators in all
	Added, Changed, Removed Excerpt
	Refused                 []error // each *Protected or *Unfit: what it goes without
	Unread                  bool    // what is published is damaged or lost, so that what would change cannot be told: everything counts as added
	Held                    Excerpt // what it leaves as it is for now; see Draft
	Crowded                 bool    // whether something is among Removed that would be held back, and has no room in its bucket any more

	held map[subject.Subject]bool     // of Held
	kept map[[32]byte]subject.Subject // those of them that are on the list, and stay there as they are
	out  map[name]bool                // what has no room in its bucket
	gone map[[32]byte]subject.Subject // what a person has taken off, or whose time is over
	over int                          // how many of Removed are at the end that was published with them

	last             force // what it is drafted upon
	now, seq         int64 // Unix seconds of the draft, and the ledger's last decision in it; -1 where none matters
	keys             *Keys
	body, supplement []byte
	entries          []set.Entry
	long             []set.Long
	set              set.Set
	bits             uint8                   // of the buckets
	pack             func(name string) error // writes them
	drafted          *pack                   // them; nil where they are those of the release before
}

// Close forgets an edition, whether it was issued or not.
func (e *Edition) Close() {
	if e.drafted != nil {
		e.drafted.Discard()
	}
}

// Excerpt is one list of an edition: how many indicators there are, and the first of them.
type Excerpt struct {
	Count int
	First []ledger.Indicator
}

func (p *Excerpt) add(i ledger.Indicator) {
	if p.Count++; len(p.First) < planned {
		p.First = append(p.First, i)
	}
}

// Empty tells whether nothing would change for anybody: neither the list, nor what is said beside it, nor the keys.
func (e *Edition) Empty() bool {
	return e.Added.Count+e.Changed.Count+e.Removed.Count == 0 && !e.Prefixes() && !e.Spoken.Changed && !e.NewKeys
}

// Prefixes tells whether the same is listed, and only how much of each digest is told changes: other pages are popular.
func (e *Edition) Prefixes() bool {
	return e.Base > 0 && e.Added.Count+e.Changed.Count+e.Removed.Count == 0 && (e.Set != e.BaseSet || e.Root != e.BaseRoot)
}

// Draft makes the edition of now, with what is pending: all that guards a release has looked at it when it is returned,
// and nothing is written. Where hold is not nil, it is asked about each subject of which anything would change, unless
// its time is over: what it holds back stays as it is. What of that is new is left out, what is said otherwise is said
// as before, and what was taken off is listed still. The ledger has it, and the next draft asks again.
func (p *Publisher) Draft(ctx context.Context, now int64, pending Pending, hold func(subject.Subject) bool) (Edition, error) {
	return p.DraftAsOf(ctx, now, now, pending, hold)
}

// DraftAsOf is Draft for an edition of now that has what was on the list at an earlier time: what has lapsed meanwhile,
// and the cards whose days have come or gone, wait for the next one.
func (p *Publisher) DraftAsOf(ctx context.Context, at, now int64, pending Pending, hold func(subject.Subject) bool) (Edition, error) {
	out := map[name]bool{}
	for {
		e := Edition{At: at, now: now, out: out}
		crowded, err := p.draft(ctx, &e, pending, hold)
		if err != nil {
			e.Close()
			return Edition{}, fmt.Errorf("couldn't draft a release: %w", err)
		}
		if len(crowded) == 0 {
			return e, nil
		}
		maps.Copy(out, crowded)
	}
}

// draft fills in an edition of what is known to have room. Where some has none, it is returned, and nothing else is
// told.
func (p *Publisher) draft(ctx context.Context, e *Edition, pending Pending, hold func(subject.Subject) bool) (crowded map[name]bool, err error) {
	at := e.At
	if e.seq, err = p.Ledger.Seq(ctx); err != nil {
		return nil, err
	}
	if e.last, err = p.inForce(ctx); err != nil {
		return nil, err
	}
	last := e.last.Head
	if err := p.clock(ctx, last, e.now); err != nil {
		return nil, err
	}
	protection, err := Protect(p.Official)
	if err != nil {
		return nil, err
	}
	before, readable := p.published(last)
	e.Base, e.BaseSet, e.BaseRoot, e.BaseSupplement = last.Sequence, last.Set, last.BucketRoot, last.Supplement
	e.held, e.kept, e.gone = map[subject.Subject]bool{}, map[[32]byte]subject.Subject{}, map[[32]byte]subject.Subject{}
	list, err := newRows(last)
	if err != nil {
		return nil, err
	}
	defer list.close()
	var hot hotHosts
	held := func(i ledger.Indicator) bool {
		if hold == nil || !hold(i.Subject) {
			return false
		}
		e.Held.add(i)
		e.held[i.Subject] = true
		return true
	}
	// An end that somebody has brought forward meanwhile is not the end that was published. What the program itself
	// protects leaves the list whatever anybody holds back; what a book of the operator protects, as somebody says, does
	// not.
	remove := func(i ledger.Indicator) (stays bool) {
		digest := i.Subject.Digest()
		was, known := before.take(digest)
		if !known {
			return false
		}
		i.Lapses = was.lapses
		switch over := was.lapses != 0 && was.lapses <= at; {
		case over:
			e.over++
			e.Removed.add(i)
		case e.out[nameOf(digest)]:
			e.Crowded = e.Crowded || hold != nil && hold(i.Subject)
			e.Removed.add(i)
		case Permit(i.Subject) == nil && held(i):
			e.kept[digest] = i.Subject
			return true
		default:
			e.Removed.add(i)
		}
		return false
	}
	add := func(i ledger.Indicator) error {
		digest := i.Subject.Digest()
		if err := protection.permit(i.Subject, digest); err != nil {
			if !remove(i) {
				e.Refused = append(e.Refused, err)
			}
			return nil
		}
		if e.out[nameOf(digest)] {
			remove(i)
			e.Refused = append(e.Refused, &Unfit{string(i.Subject), ErrCrowded})
			return nil
		}
		wordy := list.encode(digest, i)
		if wordy != nil && !isUnfit(wordy) {
			return wordy
		}
		said, known := before.take(digest)
		changed := known && said.hash != maphash.Bytes(seed, list.room)
		switch {
		case known && !changed:
		case held(i):
			if known {
				e.kept[digest] = i.Subject
			}
			return nil
		case changed:
			e.Changed.add(i)
		default:
			e.Added.add(i)
		}
		if wordy != nil {
			e.Refused = append(e.Refused, wordy)
		}
		hot.add(i)
		return list.append(digest, i.Category)
	}
	takeOff := func(i ledger.Indicator) {
		digest := i.Subject.Digest()
		if before.has(digest) && !remove(i) {
			e.gone[digest] = i.Subject
		}
	}
	for i, err := range p.Ledger.Active(ctx, at) {
		if err != nil {
			return nil, err
		}
		if _, ok := pending[i.Subject]; ok { // comes below
			continue
		}
		if err := add(i); err != nil {
			return nil, err
		}
	}
	for _, s := range slices.Sorted(maps.Keys(pending)) {
		i := pending[s]
		if i != nil && (i.Lapses == 0 || i.Lapses > at) {
			listed := *i
			if listed.SaidBy, err = p.Ledger.SaidBy(ctx, s); err != nil {
				return nil, err
			}
			if err := add(listed); err != nil {
				return nil, err
			}
		} else if was, err := p.Ledger.Get(ctx, s); err == nil {
			takeOff(was)
		} else if !errors.Is(err, ledger.ErrNotFound) {
			return nil, err
		}
	}
	if before.left > 0 {
		for i, err := range p.Ledger.Gone(ctx, at) {
			if err != nil {
				return nil, err
			}
			takeOff(i)
		}
		e.Removed.Count += before.left // that the ledger has lost: nobody can name them
	}
	if err := p.keep(last, e.kept, list, &hot); err != nil {
		return nil, err
	}
	if err := list.sort(); err != nil {
		return nil, err
	}
	if crowded := list.crowded(p.sizes(last)); len(crowded) > 0 {
		return crowded, nil
	}
	e.entries, e.long = p.entries(list.list)
	if e.body, err = set.Build(e.entries, e.long); err != nil {
		return nil, err
	}
	if e.set, err = set.Open(e.body); err != nil {
		return nil, err
	}
	if href := protection.warnsAbout(&e.set, e.entries, e.kept); href != "" {
		return nil, fmt.Errorf("%w: %s", ErrWellKnown, href)
	}
	if e.drafted, err = list.pack(p.Blobs); err != nil {
		return nil, err
	}
	e.pack, e.bits = e.drafted.Put, e.drafted.bits
	e.Set, e.Root, e.Count = release.DigestOf(e.body), e.drafted.root, e.set.Len()
	if e.Unread = !readable || e.last.lost; e.Unread && e.Root == last.BucketRoot && e.bits == last.BucketBits {
		e.Added, e.Changed, e.Removed, e.Unread = Excerpt{}, Excerpt{}, Excerpt{}, false
	}
	e.keys, e.Keys = p.Keys, release.DigestOf(p.Keys.Note)
	e.NewKeys = last.Sequence > 0 && e.Keys != last.Keys
	spoken, earlier, left, err := p.say(ctx, &hot, &e.set, last, at)
	if err != nil {
		return nil, err
	}
	e.Refused = append(e.Refused, left...)
	if e.supplement, err = spoken.encode(); err != nil {
		return nil, err
	}
	if e.Supplement, err = spoken.confirmed(); err != nil {
		return nil, err
	}
	e.Spoken, err = compareSaid(earlier, spoken)
	return nil, err
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

// sizes hands out how long the entries of a release are, by their digests: none where that is damaged.
func (p *Publisher) sizes(h release.Head) func() map[name]uint16 {
	return func() map[name]uint16 {
		sizes := map[name]uint16{}
		if h.Sequence == 0 {
			return sizes
		}
		var text []byte
		err := checkPack(p.Blobs, h, func(entries wire.Entries) (err error) {
			for _, e := range entries {
				if text, err = e.MarshalMsg(text[:0]); err != nil {
					return err
				}
				sizes[name(e.Digest)] = uint16(len(text))
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
func (e *Edition) Holds(s subject.Subject) bool { return e.held[s] }
