// Package publish turns the ledger into a signed release.
//
//	ledger ── Guard ──> set ──> deltas from the last releases ──> buckets ──> blobs ──> head
//
// A release gets its number before anything of it is written, everything is written
// under a name of its own, and the head comes last. So a crash at any point leaves the
// release before it in force; the next publishing takes a new number and leaves what the
// crashed one wrote to be pruned. There is no other recovery.
package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"khien/server/blob"
	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
)

// headLife is how long a head is good. A client that cannot get a newer one by then
// no longer says "nothing known".
const headLife = 7 * 24 * time.Hour

// retained is from how many past releases a delta leads to the newest.
const retained = 64

// ErrWellKnown is a set that would warn about a well-known page.
var ErrWellKnown = errors.New("the set would warn about a well-known page")

// Publisher publishes. Several may work on the same directory; one waits for the other.
type Publisher struct {
	Ledger *ledger.Ledger
	Blobs  *blob.Dir
	Keys   *Keys
}

// Result tells what was published.
type Result struct {
	Published      bool // false: nothing has changed, and the head is good for a while
	Sequence       uint64
	Count          int
	Added, Removed int // against the release before
	SetSize        int // bytes
	Refused        []error
}

// Publish publishes what is on the list at now, in Unix seconds. What Guard refuses is
// left out and told in the result. Nothing is published if nothing has changed and the
// head has more than half of its life left.
func (p *Publisher) Publish(ctx context.Context, now int64) (Result, error) {
	unlock, err := p.Blobs.Lock()
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	r, err := p.publish(ctx, now)
	if err != nil {
		return Result{}, fmt.Errorf("couldn't publish: %w", err)
	}
	return r, nil
}

func (p *Publisher) publish(ctx context.Context, now int64) (r Result, err error) {
	if err := p.Blobs.Sweep(); err != nil {
		return r, err
	}
	var list []ledger.Indicator
	for i, err := range p.Ledger.Active(ctx, now) {
		if err != nil {
			return r, err
		}
		if err := Guard(i.Subject); err != nil {
			r.Refused = append(r.Refused, err)
			continue
		}
		list = append(list, i)
	}
	body, err := build(list)
	if err != nil {
		return r, err
	}
	next, err := set.Open(body)
	if err != nil {
		return r, err
	}
	if href := warnsAbout(&next); href != "" {
		return r, fmt.Errorf("%w: %s", ErrWellKnown, href)
	}
	root, bits, buckets, err := pack(list)
	if err != nil {
		return r, err
	}

	past, err := p.Ledger.Releases(ctx, retained)
	if err != nil {
		return r, err
	}
	last, err := p.last(now)
	if err != nil {
		return r, err
	}
	h := release.Head{
		Sequence: last.Sequence, Issued: now, Expires: now + int64(headLife.Seconds()),
		Keys: release.DigestOf(p.Keys.Note), Set: release.DigestOf(body), SetSize: uint64(len(body)), Count: uint64(next.Len()),
		BucketBits: bits, BucketRoot: root,
	}
	r.Sequence, r.Count, r.SetSize = last.Sequence, next.Len(), len(body)
	same := h.Set == last.Set && h.Keys == last.Keys && h.BucketRoot == last.BucketRoot && h.BucketBits == last.BucketBits
	if same && last.Expires-now > int64(headLife.Seconds())/2 {
		return r, nil
	}

	if len(past) > 0 {
		h.Sequence = max(h.Sequence, past[0].Sequence)
	}
	h.Sequence++
	if err := p.Ledger.AddRelease(ctx, ledger.Release{
		Sequence: h.Sequence, Set: h.Set, Size: h.SetSize, Count: h.Count, Issued: h.Issued, Expires: h.Expires, BucketBits: bits,
	}); err != nil {
		return r, err
	}
	if err := p.write(h, last, past, &next, buckets, &r); err != nil {
		return r, err
	}
	r.Published, r.Sequence = true, h.Sequence
	return r, p.prune(h, last, past)
}

// last is the head in force; the zero head before the first.
func (p *Publisher) last(now int64) (release.Head, error) {
	msg, err := p.Blobs.Head()
	if errors.Is(err, blob.ErrNotFound) {
		return release.Head{}, nil
	}
	if err != nil {
		return release.Head{}, err
	}
	return release.ReadHead(msg)
}

// write writes a release, the head last.
func (p *Publisher) write(h, last release.Head, past []ledger.Release, next *set.Set, buckets []byte, r *Result) error {
	if err := p.Blobs.Put("blob/"+h.Set.String(), next.Bytes()); err != nil {
		return err
	}
	if err := p.Blobs.Put("blob/"+h.Keys.String(), p.Keys.Note); err != nil {
		return err
	}
	if err := p.Blobs.Put(packName(h.Sequence), buckets); err != nil {
		return err
	}
	h.Deltas = h.Sequence
	r.Added = next.Len()
	for _, before := range past {
		old, err := p.Blobs.Get("blob/" + before.Set.String())
		if errors.Is(err, blob.ErrNotFound) { // a crash came before it was written, so nobody has it
			continue
		}
		if err != nil {
			return err
		}
		from, err := set.Open(old)
		if err != nil {
			break // of an older format, as all before it: its clients take the whole set
		}
		delta := set.Diff(from, *next)
		if before.Sequence == last.Sequence {
			r.Added, r.Removed = churn(&from, next)
		}
		if len(delta) > len(next.Bytes())+set.DeltaOverhead {
			break // and those from older ones are larger still
		}
		if err := p.Blobs.Put(deltaName(h.Set, before.Sequence), delta); err != nil {
			return err
		}
		h.Deltas = before.Sequence
	}
	head, err := h.Sign(p.Keys.signer)
	if err != nil {
		return err
	}
	return p.Blobs.SetHead(head)
}

func deltaName(d release.Digest, from uint64) string {
	return strings.TrimPrefix(release.DeltaPath(d, from), "/v1/")
}

// churn counts what is in one set and not in the other.
func churn(from, to *set.Set) (added, removed int) {
	for e := range to.All() {
		if _, ok := from.Lookup(e.Prefix); !ok {
			added++
		}
	}
	return added, from.Len() - (to.Len() - added)
}

// prune deletes what no client can ask for any more: it may have seen this head or the last one.
func (p *Publisher) prune(h, last release.Head, past []ledger.Release) error {
	keep := map[string]bool{
		"blob/" + h.Set.String(): true, "blob/" + h.Keys.String(): true, packName(h.Sequence): true,
		"blob/" + last.Set.String(): true, "blob/" + last.Keys.String(): true, packName(last.Sequence): true,
	}
	for _, before := range past[:min(len(past), retained-1)] {
		keep["blob/"+before.Set.String()] = true
		keep[packName(before.Sequence)] = true
	}
	for _, folder := range []string{"blob", "buckets", "delta"} {
		names, err := p.Blobs.Names(folder)
		if err != nil {
			return err
		}
		for _, name := range names {
			part := strings.Split(name, "/")
			if keep[name] || folder == "delta" && (part[1] == h.Set.String() || part[1] == last.Set.String()) {
				continue
			}
			if err := p.Blobs.Delete(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// build makes the set. Where two subjects share a prefix, the entry has the kind that
// comes first in the taxonomy, but a named kind before Other; the bucket tells them apart.
func build(list []ledger.Indicator) ([]byte, error) {
	class := make(map[uint64]category.Category, len(list))
	for _, i := range list {
		prefix := set.Prefix(i.Subject.Digest())
		if have, ok := class[prefix]; !ok || have == category.Other || i.Category != category.Other && i.Category < have {
			class[prefix] = i.Category
		}
	}
	entries := make([]set.Entry, 0, len(class))
	for prefix, c := range class {
		entries = append(entries, set.Entry{Prefix: prefix, Class: uint8(c)})
	}
	return set.Build(entries)
}

// warnsAbout returns the first well-known page that is in the set; "" if none is.
func warnsAbout(s *set.Set) string {
	var found []string
	for href := range wellKnown {
		subjects, err := subject.FromHref(nil, href)
		if err != nil {
			continue
		}
		for _, named := range subjects {
			if _, ok := s.Lookup(set.Prefix(named.Digest())); ok {
				found = append(found, href)
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found)
}
