package publish

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"khien/server/blob"
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
	Set, Root               release.Digest // of what would be published: the set, and the buckets with every reason
	Guide, Keys             release.Digest // the guide without the time at which it was made, and the list of release keys
	Spoken                  Spoken
	NewKeys                 bool // whether that list is another than in the release before
	Count                   int  // indicators in all
	Added, Changed, Removed Part
	Refused                 []error // each *Protected
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
	return p.Added.Count+p.Changed.Count+p.Removed.Count == 0 && !p.Spoken.Changed && !p.NewKeys
}

// Plan works out what Publish would publish at now, after pending was written into the ledger. It reads everything
// that a release is made of and writes nothing.
func (p *Publisher) Plan(ctx context.Context, now int64, pending Pending) (plan Plan, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("couldn't plan a release: %w", err)
		}
	}()
	last, err := p.last()
	if err != nil {
		return plan, err
	}
	before, err := p.published(last)
	if err != nil {
		return plan, err
	}
	plan.Base = last.Sequence
	list, err := newRows(int(last.Count) + 1024)
	if err != nil {
		return plan, err
	}
	defer list.close()
	var hot hotHosts
	add := func(i ledger.Indicator) error {
		if err := Guard(i.Subject); err != nil {
			plan.Refused = append(plan.Refused, err)
			return nil
		}
		if err := list.add(i); err != nil {
			return err
		}
		hot.add(i)
		digest := i.Subject.Digest()
		said, known := before[digest]
		delete(before, digest)
		switch {
		case !known:
			plan.Added.add(i)
		case said != maphash.Bytes(seed, list.room):
			plan.Changed.add(i)
		}
		return nil
	}
	for i, err := range p.Ledger.Active(ctx, now) {
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
		if i != nil && (i.Lapses == 0 || i.Lapses > now) {
			if err := add(*i); err != nil {
				return plan, err
			}
		} else if was, err := p.Ledger.Get(ctx, s); err == nil {
			if _, ok := before[s.Digest()]; ok {
				delete(before, s.Digest())
				plan.Removed.add(was)
			}
		}
	}
	if len(before) > 0 {
		for i, err := range p.Ledger.Gone(ctx, now) {
			if err != nil {
				return plan, err
			}
			if digest := i.Subject.Digest(); has(before, digest) {
				delete(before, digest)
				plan.Removed.add(i)
			}
		}
		plan.Removed.Count += len(before) // of a guard that has become stricter
	}
	if err := list.sort(); err != nil {
		return plan, err
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
	if href := warnsAbout(&next); href != "" {
		return plan, fmt.Errorf("%w: %s", ErrWellKnown, href)
	}
	buckets, err := list.pack(p.Blobs)
	if err != nil {
		return plan, err
	}
	plan.Set, plan.Root, plan.Count = release.DigestOf(body), buckets.root, next.Len()
	buckets.Discard()
	plan.Keys = release.DigestOf(p.Keys.Note)
	plan.NewKeys = last.Sequence > 0 && plan.Keys != last.Keys
	spoken, earlier, err := p.say(ctx, &hot, &next, last, now)
	if err != nil {
		return plan, err
	}
	if _, err := spoken.encode(); err != nil { // too large, it would not be published either
		return plan, err
	}
	if plan.Guide, err = spoken.confirmed(); err != nil {
		return plan, err
	}
	plan.Spoken, err = compareSaid(earlier, spoken)
	return plan, err
}

func has(m map[[32]byte]uint64, digest [32]byte) bool {
	_, ok := m[digest]
	return ok
}

var seed = maphash.MakeSeed()

// published is what a release says, hashed, by the digest of what it says it about.
func (p *Publisher) published(h release.Head) (map[[32]byte]uint64, error) {
	said := make(map[[32]byte]uint64, h.Count)
	if h.Sequence == 0 {
		return said, nil
	}
	pack, err := p.Blobs.Get(packName(h.Sequence))
	if errors.Is(err, blob.ErrNotFound) {
		return said, nil
	}
	if err != nil {
		return nil, err
	}
	var entries wire.Entries
	var text []byte
	for n := range uint32(1) << h.BucketBits {
		from, to := binary.LittleEndian.Uint32(pack[4*n:]), binary.LittleEndian.Uint32(pack[4*n+4:])
		if _, err := entries.UnmarshalMsg(pack[from:to]); err != nil {
			return nil, err
		}
		for _, e := range entries {
			if text, err = e.MarshalMsg(text[:0]); err != nil {
				return nil, err
			}
			said[[32]byte(e.Digest)] = maphash.Bytes(seed, text)
		}
	}
	return said, nil
}

// PublishPlanned is Publish, and refuses with ErrChanged what is not exactly as it was planned.
func (p *Publisher) PublishPlanned(ctx context.Context, now int64, plan Plan) (Result, error) {
	unlock, err := p.Blobs.Lock()
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	r, err := p.publish(ctx, now, func(h release.Head, spoken said) error {
		guide, err := spoken.confirmed()
		if err != nil {
			return err
		}
		if h.Sequence != plan.Base || h.Set != plan.Set || !bytes.Equal(h.BucketRoot[:], plan.Root[:]) || guide != plan.Guide || h.Keys != plan.Keys {
			return ErrChanged
		}
		return nil
	})
	if err != nil {
		return Result{}, fmt.Errorf("couldn't publish: %w", err)
	}
	return r, nil
}
