// Package publish turns the ledger into a signed release.
//
//	ledger ── Guard ──> set ──> step of the history ──> deltas ──> buckets ──> blobs ──> head
//	the book, the help, the cards, the hosts listed last ──> guide ──────────────┘
//
// A release gets its number before anything of it is written, everything is written
// under a name of its own, and the head comes last. So a crash at any point leaves the
// release before it in force; the next publishing takes a new number and leaves what the
// crashed one wrote to be pruned. There is no other recovery.
package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"khien/server/blob"
	"khien/server/campaign"
	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
)

const (
	// headLife is how long a head is good. A client that cannot get a newer one by then
	// no longer says "nothing known".
	headLife = 7 * 24 * time.Hour
	// reach is how far behind a client may be and still get along with one delta.
	reach = 30 * 24 * time.Hour
	// bucketLife is how long the buckets of a release are kept that is no longer the newest:
	// for as long as clients and caches may still have its head.
	bucketLife = time.Hour
	// setsKept is how many of the last sets are kept, the newest among them.
	setsKept = 8
	// wait and spread are how often clients look for a newer head.
	wait, spread = 5 * time.Minute, time.Minute
)

// ErrWellKnown is a set that would warn about a well-known page.
var ErrWellKnown = errors.New("the set would warn about a well-known page")

// errDelta is a mistake of ours.
var errDelta = errors.New("the delta does not lead to the set")

// Publisher publishes. Several may work on the same directory; one waits for the other.
type Publisher struct {
	Ledger *ledger.Ledger
	Blobs  *blob.Dir
	Keys   *Keys
	// Popular hands out what popular pages name now, as far as anyone knows them; or nil, and so may be what it hands out. An
	// indicator with the same 40 bits gets a longer prefix.
	Popular func() *set.Set
	// Cards are the advice cards; nil for none.
	Cards *campaign.Store
	// Official is the folder of the operator's own books of official names; it need not exist.
	Official string
	// Help is the file with the operator's own help and hotlines; it need not exist.
	Help string
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
	r, err := p.publish(ctx, now, func(release.Head, said) error { return nil })
	if err != nil {
		return Result{}, fmt.Errorf("couldn't publish: %w", err)
	}
	return r, nil
}

// publish asks agree about the head before it writes anything that lasts; its sequence is that of the release before.
func (p *Publisher) publish(ctx context.Context, now int64, agree func(release.Head, said) error) (r Result, err error) {
	if err := p.Blobs.Sweep(); err != nil {
		return r, err
	}
	last, err := p.last()
	if err != nil {
		return r, err
	}
	list, err := newRows(int(last.Count) + 1024)
	if err != nil {
		return r, err
	}
	defer list.close()
	var hot hotHosts
	for i, err := range p.Ledger.Active(ctx, now) {
		if err != nil {
			return r, err
		}
		if err := Guard(i.Subject); err != nil {
			r.Refused = append(r.Refused, err)
			continue
		}
		if err := list.add(i); err != nil {
			return r, err
		}
		hot.add(i)
	}
	if err := list.sort(); err != nil {
		return r, err
	}
	entries, long := p.entries(list.list)
	body, err := set.Build(entries, long)
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
	buckets, err := list.pack(p.Blobs)
	if err != nil {
		return r, err
	}
	defer buckets.Discard()
	spoken, _, err := p.say(ctx, &hot, &next, last, now)
	if err != nil {
		return r, err
	}
	guide, err := spoken.encode()
	if err != nil {
		return r, err
	}

	h := release.Head{
		Sequence: last.Sequence, Issued: now, Expires: now + int64(headLife.Seconds()),
		Keys: release.DigestOf(p.Keys.Note), Set: release.DigestOf(body), SetSize: uint64(len(body)), Count: uint64(next.Len()),
		BucketBits: buckets.bits, BucketRoot: buckets.root,
		Guide: release.DigestOf(guide), GuideSize: uint64(len(guide)), Wait: uint64(wait.Seconds()), Spread: uint64(spread.Seconds()),
	}
	if err := agree(h, spoken); err != nil {
		return r, err
	}
	r.Sequence, r.Count, r.SetSize = last.Sequence, next.Len(), len(body)
	same := h.Set == last.Set && h.Keys == last.Keys && h.BucketRoot == last.BucketRoot && h.BucketBits == last.BucketBits && h.Guide == last.Guide
	if same && last.Expires-now > int64(headLife.Seconds())/2 {
		return r, nil
	}

	return r, p.issue(ctx, edition{h, last, body, guide, entries, long, &next, buckets.Put}, now, &r)
}

// edition is what a release is made of, and the head before it.
type edition struct {
	head, last  release.Head
	body, guide []byte
	entries     []set.Entry
	long        []set.Long
	set         *set.Set
	pack        func(name string) error // writes the buckets
}

// issue gives a release its number, writes all of it, and signs its head.
func (p *Publisher) issue(ctx context.Context, is edition, now int64, r *Result) error {
	h := is.head
	// A head is renewed within its life, so whatever was in force within reach is in this list.
	past, err := p.Ledger.Releases(ctx, now-int64((reach+2*headLife).Seconds()))
	if err != nil {
		return err
	}
	if len(past) > 0 {
		h.Sequence = max(h.Sequence, past[0].Sequence)
	}
	h.Sequence++
	if err := p.Ledger.AddRelease(ctx, ledger.Release{
		Sequence: h.Sequence, Set: h.Set, Size: h.SetSize, Count: h.Count, Issued: h.Issued, Expires: h.Expires, BucketBits: h.BucketBits,
	}); err != nil {
		return err
	}
	if err := p.Blobs.Put("blob/"+h.Set.String(), is.body); err != nil {
		return err
	}
	if err := p.Blobs.Put("blob/"+h.Guide.String(), is.guide); err != nil {
		return err
	}
	if err := p.Blobs.Put("blob/"+h.Keys.String(), p.Keys.Note); err != nil {
		return err
	}
	if err := is.pack(packName(h.Sequence)); err != nil {
		return err
	}
	oldest, err := p.writeDeltas(&h, is.last, past, is.entries, is.long, is.set, r)
	if err != nil {
		return err
	}
	note, err := h.Sign(p.Keys.signer)
	if err != nil {
		return err
	}
	if err := p.Blobs.SetHead(note); err != nil {
		return err
	}
	r.Published, r.Sequence = true, h.Sequence
	return p.prune(h, is.last, past, oldest, now)
}

// last is the head in force; the zero head before the first, and if it is of an older format.
func (p *Publisher) last() (release.Head, error) {
	msg, err := p.Blobs.Head()
	if errors.Is(err, blob.ErrNotFound) {
		return release.Head{}, nil
	}
	if err != nil {
		return release.Head{}, err
	}
	h, err := release.ReadHead(msg)
	if errors.Is(err, release.ErrFormat) {
		return release.Head{}, nil
	}
	return h, err
}

// entries makes the entries of the set, both kinds in order. Where two subjects share a
// prefix, the entry has the kind that comes first in the taxonomy, but a named kind before
// Other; the bucket tells them apart.
func (p *Publisher) entries(list []row) (entries []set.Entry, long []set.Long) {
	entries = make([]set.Entry, 0, len(list))
	var names *set.Set
	if p.Popular != nil {
		names = p.Popular()
	}
	for _, r := range list {
		prefix := set.Prefix(r.digest)
		if popular(names, r.digest) {
			long = append(long, set.Long{Prefix: [set.LongBytes]byte(r.digest[:]), Class: r.class})
			continue
		}
		if n := len(entries); n > 0 && entries[n-1].Prefix == prefix {
			if have := &entries[n-1]; have.Class == uint8(category.Other) || r.class != uint8(category.Other) && r.class < have.Class {
				have.Class = r.class
			}
			continue
		}
		entries = append(entries, set.Entry{Prefix: prefix, Class: r.class})
	}
	return entries, long
}

// popular tells whether a popular page shares the first 40 bits: a well-known one, or one of names, which may be nil.
func popular(names *set.Set, digest [32]byte) bool {
	if wellKnownPrefixes()[set.Prefix(digest)] {
		return true
	}
	if names == nil {
		return false
	}
	_, ok := names.Lookup(digest)
	return ok
}

var wellKnownPrefixes = sync.OnceValue(func() map[uint64]bool {
	m := map[uint64]bool{}
	for href := range wellKnown {
		subjects, err := subject.FromHref(nil, href)
		if err != nil {
			continue
		}
		for _, s := range subjects {
			m[set.Prefix(s.Digest())] = true
		}
	}
	return m
})

// writeDeltas writes the step from last to h, and the deltas from all releases within reach,
// and fills in h.Deltas. It returns the oldest release whose step is still of use.
func (p *Publisher) writeDeltas(h *release.Head, last release.Head, past []ledger.Release, entries []set.Entry, long []set.Long, next *set.Set, r *Result) (oldest uint64, err error) {
	h.Deltas = h.Sequence
	r.Added = next.Len()
	if last.Sequence == 0 {
		return h.Sequence, nil
	}
	old, err := p.Blobs.Get("blob/" + last.Set.String())
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return 0, err
	}
	before, err := set.Open(old)
	if err != nil {
		return h.Sequence, nil // of an older format: its clients take the whole set
	}
	newest := step{last.Sequence, slices.Collect(before.Longs()), compare(&before, entries)}
	r.Added, r.Removed = churn(&newest, long)
	releases := map[uint64]releaseTime{last.Sequence: {last.Set, last.Issued}}
	for _, known := range past {
		releases[known.Sequence] = releaseTime{known.Set, known.Issued}
	}
	links, err := p.chain(newest, releases, h.Issued-int64(reach.Seconds()))
	if err != nil {
		return 0, err
	}
	oldest = h.Sequence
	err = deltas(entries, long, links, func(sequence uint64, delta []byte) (bool, error) {
		if len(delta) > len(next.Bytes())+set.DeltaOverhead {
			return false, nil // and those from older ones are larger still
		}
		if sequence == last.Sequence {
			if got, err := set.Apply(before, last.Set, delta); err != nil || !bytes.Equal(got, next.Bytes()) {
				return false, errDelta
			}
			if err := p.Blobs.Put(stepName(h.Sequence), newest.encode()); err != nil {
				return false, err
			}
		}
		h.Deltas, oldest = sequence, sequence
		return true, p.Blobs.Put(deltaName(h.Set, sequence), delta)
	})
	return oldest, err
}

// churn counts what a step adds and removes.
func churn(s *step, long []set.Long) (added, removed int) {
	for _, c := range s.changes {
		if c.before == absent {
			added++
		} else if c.after == absent {
			removed++
		}
	}
	var d set.Delta
	d.Long(s.long, long)
	return added + len(d.LongAdded), removed + len(d.LongRemoved)
}

func deltaName(d release.Digest, from uint64) string {
	return strings.TrimPrefix(release.DeltaPath(d, from), "/v1/")
}

// prune deletes what no client can ask for any more: it may have seen this head or the last one.
func (p *Publisher) prune(h, last release.Head, past []ledger.Release, oldest uint64, now int64) error {
	keep := map[string]bool{
		"blob/" + h.Set.String(): true, "blob/" + h.Keys.String(): true, packName(h.Sequence): true, stepName(h.Sequence): true,
		"blob/" + h.Guide.String(): true, "blob/" + last.Guide.String(): true,
		"blob/" + last.Set.String(): true, "blob/" + last.Keys.String(): true, packName(last.Sequence): true,
	}
	for i, before := range past {
		if i < setsKept-1 {
			keep["blob/"+before.Set.String()] = true
		}
		if i == 0 || past[i-1].Issued > now-int64(bucketLife.Seconds()) { // when it was superseded
			keep[packName(before.Sequence)] = true
		}
		if before.Sequence > oldest {
			keep[stepName(before.Sequence)] = true
		}
	}
	for _, folder := range []string{"blob", "buckets", "delta", "history"} {
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

// warnsAbout returns the first well-known page that is in the set; "" if none is.
func warnsAbout(s *set.Set) string {
	var found []string
	for href := range wellKnown {
		subjects, err := subject.FromHref(nil, href)
		if err != nil {
			continue
		}
		for _, named := range subjects {
			if _, ok := s.Lookup(named.Digest()); ok {
				found = append(found, href)
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found)
}
