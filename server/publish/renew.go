package publish

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/wire"
)

// Renew signs a new head when half of the life of the one in force is over, so that the list doesn't grow too old for its readers, and mends
// what is damaged of what is published. It publishes what the calendar alone has changed, such as an entry or an advice card whose time is over.
// Where a person has changed something since the last release, that waits for a person to publish it, and what is in force is signed once
// more, exactly as it is, with the key that it was signed with: ErrDamaged where it is not all there to be signed, ErrRotated where the key is gone.
func (p *Publisher) Renew(ctx context.Context, now int64) (Result, error) {
	if due, err := p.due(ctx, now); err != nil || !due {
		return Result{}, err
	}
	plan, err := p.Plan(ctx, now, nil, nil)
	if err != nil {
		return Result{}, err
	}
	if plan.byCalendar(now) {
		return p.PublishPlanned(ctx, now, plan)
	}
	return p.again(ctx, now)
}

// Resign is Renew, and leaves to the next release what the calendar has changed.
func (p *Publisher) Resign(ctx context.Context, now int64) (Result, error) {
	if due, err := p.due(ctx, now); err != nil || !due {
		return Result{}, err
	}
	return p.again(ctx, now)
}

func (p *Publisher) again(ctx context.Context, now int64) (Result, error) {
	unlock, err := p.Blobs.Lock()
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	r, err := p.resign(ctx, now)
	if err != nil {
		return Result{}, fmt.Errorf("couldn't sign the release in force again: %w", err)
	}
	return r, nil
}

// due tells whether there is something to renew or to mend, once nobody is publishing.
func (p *Publisher) due(ctx context.Context, now int64) (bool, error) {
	unlock, err := p.Blobs.Lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	f, err := p.inForce(ctx)
	if err == nil {
		err = p.clock(ctx, f.Head, now)
	}
	if err != nil || f.Sequence == 0 || f.Expires-now <= int64(headLife.Seconds())/2 {
		return f.Sequence > 0, err
	}
	damaged, err := Damaged(ctx, p.Ledger, p.Blobs, p.Keys.Root)
	return len(damaged) > 0, err
}

// byCalendar tells whether nobody but the calendar has changed anything.
func (p *Plan) byCalendar(now int64) bool {
	s := p.Spoken
	byPerson := func(c CardChange) bool { return c.Is != nil || c.Was.To == 0 || c.Was.To > now }
	if p.Base == 0 || p.Unread || p.NewKeys || p.Prefixes() || p.Added.Count+p.Changed.Count > 0 || s.Official.Any() || s.Help.Any() || slices.ContainsFunc(s.Cards, byPerson) {
		return false
	}
	if s.Changed && !s.Hot.Any() && len(s.Cards) == 0 { // the order of something
		return false
	}
	return p.Removed.Count == p.over
}

// resign issues the release in force once more.
func (p *Publisher) resign(ctx context.Context, now int64) (r Result, err error) {
	last, err := p.inForce(ctx)
	if err != nil || last.Sequence == 0 {
		return r, err
	}
	if err := p.clock(ctx, last.Head, now); err != nil {
		return r, err
	}
	keys, err := p.Keys.before(last.keys)
	if err != nil {
		return r, err
	}
	again := *p
	again.Keys = keys
	is := edition{head: last.Head, last: last}
	is.head.Issued, is.head.Expires = now, now+int64(headLife.Seconds())
	if is.body, err = blobOf(p.Blobs, last.Set, last.SetSize); err != nil {
		return r, err
	}
	next, err := set.Open(is.body)
	if err != nil {
		return r, err
	}
	is.set, is.entries, is.long = &next, slices.Collect(next.All()), slices.Collect(next.Longs())
	if is.supplement, err = blobOf(p.Blobs, last.Supplement, last.SupplementSize); err != nil {
		return r, err
	}
	if err = checkPack(p.Blobs, last.Head, nil); err != nil {
		return r, err
	}
	is.pack = func(name string) error { return p.copyPack(last.Head, name) }
	r.Count, r.SetSize = next.Len(), len(is.body)
	return r, again.issue(ctx, is, now, &r)
}

// copyPack writes the buckets of a release under another name, each proven on the way.
func (p *Publisher) copyPack(h release.Head, name string) error {
	draft, err := p.Blobs.Draft()
	if err != nil {
		return err
	}
	defer draft.Discard()
	f, err := openPack(p.Blobs, h)
	if err != nil {
		return err
	}
	defer f.Close()
	count := uint32(1) << h.BucketBits
	out := bufio.NewWriterSize(draft, 1<<18)
	offset := 4 * (count + 1)
	head := binary.LittleEndian.AppendUint32(make([]byte, 0, offset), offset)
	for n := range count {
		b, err := f.bucket(n)
		if err != nil {
			return err
		}
		offset += uint32(len(b.Leaf))
		head = binary.LittleEndian.AppendUint32(head, offset)
	}
	out.Write(head)
	for _, part := range []func(wire.Bucket) [][]byte{func(b wire.Bucket) [][]byte { return [][]byte{b.Leaf} }, func(b wire.Bucket) [][]byte { return b.Proof }} {
		for n := range count {
			b, err := f.bucket(n)
			if err != nil {
				return err
			}
			for _, piece := range part(b) {
				out.Write(piece)
			}
		}
	}
	if err := out.Flush(); err != nil { // a failed write before is told here
		return err
	}
	return draft.Put(name)
}
