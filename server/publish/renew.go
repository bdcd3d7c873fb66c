package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"khien/server/blob"
	"khien/shared/release"
	"khien/shared/set"
)

// Renew signs a new head when nobody has published for a while, so that the list doesn't grow too old for its readers. It
// publishes what the calendar alone has changed, such as an entry or an advice card whose time is over. Where a person has changed
// something since the last release, that waits for a person to publish it, and what is in force is signed once more, exactly
// as it is, with the keys of today.
func (p *Publisher) Renew(ctx context.Context, now int64) (Result, error) {
	plan, err := p.Plan(ctx, now, nil)
	if err != nil {
		return Result{}, err
	}
	if plan.byCalendar(now) {
		return p.Publish(ctx, now)
	}
	unlock, err := p.Blobs.Lock()
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	r, err := p.resign(ctx, now)
	if errors.Is(err, blob.ErrNotFound) {
		return Result{}, fmt.Errorf("couldn't sign the release in force again, publish a new one: %w", err)
	}
	if err != nil {
		return Result{}, fmt.Errorf("couldn't sign the release in force again: %w", err)
	}
	return r, nil
}

// byCalendar tells whether nobody but the calendar has changed anything.
func (p *Plan) byCalendar(now int64) bool {
	s := p.Spoken
	byPerson := func(c CardChange) bool { return c.Is != nil || c.Was.To == 0 || c.Was.To > now }
	if p.Base == 0 || p.Added.Count+p.Changed.Count > 0 || s.Official.Any() || s.Help.Any() || slices.ContainsFunc(s.Cards, byPerson) {
		return false
	}
	if s.Changed && !s.Hot.Any() && len(s.Cards) == 0 { // the order of something
		return false
	}
	if p.Removed.Count != len(p.Removed.First) {
		return false
	}
	for _, i := range p.Removed.First {
		if i.Lapses == 0 || i.Lapses > now {
			return false
		}
	}
	return true
}

// resign issues the release in force once more.
func (p *Publisher) resign(ctx context.Context, now int64) (r Result, err error) {
	last, err := p.last()
	if err != nil || last.Sequence == 0 {
		return r, err
	}
	is := edition{head: last, last: last}
	is.head.Issued, is.head.Expires, is.head.Keys = now, now+int64(headLife.Seconds()), release.DigestOf(p.Keys.Note)
	if is.body, err = p.Blobs.Get("blob/" + last.Set.String()); err != nil {
		return r, err
	}
	next, err := set.Open(is.body)
	if err != nil {
		return r, err
	}
	is.set, is.entries, is.long = &next, slices.Collect(next.All()), slices.Collect(next.Longs())
	if is.guide, err = p.Blobs.Get("blob/" + last.Guide.String()); err != nil {
		return r, err
	}
	pack, err := p.Blobs.Get(packName(last.Sequence))
	if err != nil {
		return r, err
	}
	is.pack = func(name string) error { return p.Blobs.Put(name, pack) }
	r.Count, r.SetSize = next.Len(), len(is.body)
	return r, p.issue(ctx, is, now, &r)
}
