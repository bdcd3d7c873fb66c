package publish

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"khien/server/ledger"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/wire"
)

// Renew signs a new head when half of the life of the one in force is over, so that the list doesn't grow too old for
// its readers, and mends what is damaged of what is published. It publishes what the calendar alone has changed, such
// as an entry or an advice card whose time is over. Where a person has changed something since the last release, that
// waits for a person to publish it, and what is in force is signed once more, exactly as it is, with the key that it
// was signed with: ErrDamaged where it is not all there to be signed, ErrRotated where the key is gone.
func (p *Publisher) Renew(ctx context.Context, now int64, agree Agree) (Result, error) {
	if due, err := p.due(ctx, now); err != nil || !due {
		return Result{}, err
	}
	e, err := p.Draft(ctx, now, nil, nil)
	if errors.Is(err, ledger.ErrImporting) {
		return p.again(ctx, now, agree)
	}
	if err != nil {
		return Result{}, err
	}
	defer e.Close()
	if e.byCalendar(now) {
		return p.Issue(ctx, e, agree)
	}
	return p.again(ctx, now, agree)
}

// Resign is Renew, and leaves to the next release what the calendar has changed.
func (p *Publisher) Resign(ctx context.Context, now int64, agree Agree) (Result, error) {
	if due, err := p.due(ctx, now); err != nil || !due {
		return Result{}, err
	}
	return p.again(ctx, now, agree)
}

func (p *Publisher) again(ctx context.Context, now int64, agree Agree) (Result, error) {
	e, err := p.asBefore(ctx, now)
	if err != nil || e.last.Sequence == 0 {
		return Result{}, err
	}
	return p.Issue(ctx, e, agree)
}

// due tells whether there is something to renew or to mend, once nobody is publishing.
func (p *Publisher) due(ctx context.Context, now int64) (bool, error) {
	unlock, err := p.Shelf().Lock(ctx)
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
func (e *Edition) byCalendar(now int64) bool {
	s := e.Spoken
	byPerson := func(c CardChange) bool { return c.Is != nil || c.Was.To == 0 || c.Was.To > now }
	if e.Base == 0 || e.Unread || e.NewKeys || e.Prefixes() || e.Added.Count+e.Changed.Count > 0 || s.Official.Any() || s.Help.Any() || slices.ContainsFunc(s.Cards, byPerson) {
		return false
	}
	if s.Changed && !s.Hot.Any() && len(s.Cards) == 0 { // the order of something
		return false
	}
	return e.Removed.Count == e.over
}

// asBefore is the edition in force once more.
func (p *Publisher) asBefore(ctx context.Context, now int64) (e Edition, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("couldn't sign the release in force again: %w", err)
		}
	}()
	e = Edition{now: now, seq: -1}
	if e.last, err = p.inForce(ctx); err != nil || e.last.Sequence == 0 {
		return e, err
	}
	last := e.last.Head
	if err := p.clock(ctx, last, now); err != nil {
		return e, err
	}
	if e.keys, err = p.Keys.before(e.last.keys); err != nil {
		return e, err
	}
	if e.body, err = blobOf(p.Blobs, last.Set, last.SetSize); err != nil {
		return e, err
	}
	if e.set, err = set.Open(e.body); err != nil {
		return e, err
	}
	e.entries, e.long = slices.Collect(e.set.All()), slices.Collect(e.set.Longs())
	if e.supplement, err = blobOf(p.Blobs, last.Supplement, last.SupplementSize); err != nil {
		return e, err
	}
	if err = checkPack(p.Blobs, last, nil); err != nil {
		return e, err
	}
	e.Root, e.bits = last.BucketRoot, last.BucketBits
	e.pack = func(name string) error { return p.copyPack(last, name) }
	return e, nil
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
