// Package publish turns the ledger into a signed release.
//
//	ledger ── Permit ──> set ──> step of the history ──> deltas ──> buckets ──> blobs ──> head
//	the book, the help, the cards, the hosts listed last ──> supplement ──────────────┘
//
// A release gets its number before anything of it is written, everything is written
// under a name of its own, and the head comes last. So a crash at any point leaves the
// release before it in force; the next publishing takes a new number and leaves what the
// crashed one wrote to be pruned. There is no other recovery.
package publish

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
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

// ErrNumbers is a release whose number would be the last one or above it.
var ErrNumbers = errors.New("there is no number left for another release")

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
	// Anew builds upon nothing where what is published is newer than the ledger, which came back from a backup, and takes a number above all
	// that were.
	Anew bool

	// ClockIsRight publishes whatever the time is: a person has looked at the clock.
	ClockIsRight bool

	reached func(step string) // for tests: told after each step of a release
}

// Result tells what was published.
type Result struct {
	Published      bool // false: nothing has changed, and the head is good for a while
	Sequence       uint64
	Count          int
	Added, Removed int      // against the release before
	SetSize        int      // bytes
	Refused        []error  // each *Protected or *Unfit
	Back           []string // names of published files that were damaged, and were put back as they had been
}

// Publish publishes what is on the list at now, in Unix seconds. What Permit refuses, and what no reader could take, is
// left out and told in the result. Nothing is published if nothing has changed and the
// head has more than half of its life left.
func (p *Publisher) Publish(ctx context.Context, now int64) (Result, error) {
	unlock, err := p.Blobs.Lock()
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	r, err := p.publish(ctx, now, &Plan{At: now}, func(release.Head, said) error { return nil })
	if err != nil {
		return Result{}, fmt.Errorf("couldn't publish: %w", err)
	}
	return r, nil
}

// publish leaves as it is what the plan holds back, and asks agree about the head before it writes anything that lasts; its sequence is that of the
// release before.
func (p *Publisher) publish(ctx context.Context, now int64, plan *Plan, agree func(release.Head, said) error) (r Result, err error) {
	if err := p.Blobs.Sweep(); err != nil {
		return r, err
	}
	last, err := p.inForce(ctx)
	if err != nil {
		return r, err
	}
	if err := p.clock(ctx, last.Head, now); err != nil {
		return r, err
	}
	protection, err := Protect(p.Official)
	if err != nil {
		return r, err
	}
	list, err := newRows(last.Head)
	if err != nil {
		return r, err
	}
	defer list.close()
	var hot hotHosts
	for i, err := range p.Ledger.Active(ctx, plan.At) {
		if err != nil {
			return r, err
		}
		if plan.held[i.Subject] {
			continue
		}
		if err := protection.Permit(i.Subject); err != nil {
			r.Refused = append(r.Refused, err)
			continue
		}
		if len(plan.out) > 0 && plan.out[i.Subject.Digest()] {
			r.Refused = append(r.Refused, &Unfit{string(i.Subject), ErrCrowded})
			continue
		}
		if err := list.add(i); isUnfit(err) {
			r.Refused = append(r.Refused, err)
		} else if err != nil {
			return r, err
		}
		hot.add(i)
	}
	if err := p.keep(last.Head, plan.kept, list, &hot); err != nil {
		return r, err
	}
	if err := list.sort(); err != nil {
		return r, err
	}
	crowded, err := unfit(list.crowded(p.sizes(last.Head)), p.Ledger.Active(ctx, plan.At))
	if err != nil {
		return r, err
	}
	r.Refused = append(r.Refused, crowded...)
	entries, long := p.entries(list.list)
	body, err := set.Build(entries, long)
	if err != nil {
		return r, err
	}
	next, err := set.Open(body)
	if err != nil {
		return r, err
	}
	if href := protection.warnsAbout(&next, entries, plan.kept); href != "" {
		return r, fmt.Errorf("%w: %s", ErrWellKnown, href)
	}
	buckets, err := list.pack(p.Blobs)
	if err != nil {
		return r, err
	}
	defer buckets.Discard()
	spoken, _, left, err := p.say(ctx, &hot, &next, last.Head, plan.At)
	if err != nil {
		return r, err
	}
	r.Refused = append(r.Refused, left...)
	supplement, err := spoken.encode()
	if err != nil {
		return r, err
	}

	h := release.Head{
		Sequence: last.Sequence, Issued: now, Expires: now + int64(headLife.Seconds()),
		Keys: release.DigestOf(p.Keys.Note), Set: release.DigestOf(body), SetSize: uint64(len(body)), Count: uint64(next.Len()),
		BucketBits: buckets.bits, BucketRoot: buckets.root,
		Supplement: release.DigestOf(supplement), SupplementSize: uint64(len(supplement)), Wait: uint64(wait.Seconds()), Spread: uint64(spread.Seconds()),
	}
	if err := agree(h, spoken); err != nil {
		return r, err
	}
	r.Sequence, r.Count, r.SetSize = last.Sequence, next.Len(), len(body)
	same := h.Set == last.Set && h.Keys == last.Keys && h.BucketRoot == last.BucketRoot && h.BucketBits == last.BucketBits && h.Supplement == last.Supplement
	if same && last.Expires-now > int64(headLife.Seconds())/2 {
		if last.adopted {
			if err := p.Ledger.Finish(ctx, last.Sequence, last.note, last.keys, nil); err != nil {
				return r, err
			}
		}
		var whole bool
		if r.Back, whole, err = p.mend(ctx, last, body, supplement, buckets.Put); err != nil || whole {
			return r, err
		}
	}

	over, err := p.left(ctx, list.list, plan.At)
	if err != nil {
		return r, err
	}
	if err := p.Ledger.Leave(ctx, over); err != nil {
		return r, err
	}
	return r, p.issue(ctx, edition{h, last, body, supplement, entries, long, &next, buckets.Put}, now, &r)
}

// edition is what a release is made of, and the head before it.
type edition struct {
	head             release.Head
	last             force
	body, supplement []byte
	entries          []set.Entry
	long             []set.Long
	set              *set.Set
	pack             func(name string) error // writes the buckets
}

// issue gives a release its number, writes all of it, and signs its head.
func (p *Publisher) issue(ctx context.Context, is edition, now int64, r *Result) error {
	h, step := is.head, p.reached
	if step == nil {
		step = func(string) {}
	}
	// A head is renewed within its life, so whatever was in force within reach is in this list.
	past, err := p.Ledger.Releases(ctx, now-int64((reach+2*headLife).Seconds()))
	if err != nil {
		return err
	}
	if is.last.highest >= release.MaxSequence {
		return ErrNumbers
	}
	h.Sequence = is.last.highest + 1
	if err := p.Ledger.AddRelease(ctx, ledger.Release{
		Sequence: h.Sequence, Set: h.Set, Size: h.SetSize, Count: h.Count, Issued: h.Issued, Expires: h.Expires, BucketBits: h.BucketBits,
	}); err != nil {
		return err
	}
	step("number")
	if err := p.Blobs.Put("blob/"+h.Set.String(), is.body); err != nil {
		return err
	}
	step("set")
	if err := p.Blobs.Put("blob/"+h.Supplement.String(), is.supplement); err != nil {
		return err
	}
	step("supplement")
	if err := p.Blobs.Put("blob/"+h.Keys.String(), p.Keys.Note); err != nil {
		return err
	}
	step("keys")
	if err := is.pack(packName(h.Sequence)); err != nil {
		return err
	}
	step("buckets")
	files := map[string]release.Digest{}
	oldest, err := p.writeDeltas(ctx, &h, is.last.Head, past, is.entries, is.long, is.set, files, r)
	if err != nil {
		return err
	}
	step("deltas")
	note, err := h.Sign(p.Keys.signer)
	if err != nil {
		return err
	}
	if err := p.Ledger.Finish(ctx, h.Sequence, note, p.Keys.Note, files); err != nil {
		return err
	}
	step("finished")
	if err := p.Blobs.SetHead(note); err != nil {
		return err
	}
	r.Published, r.Sequence = true, h.Sequence
	step("head")
	err = p.prune(ctx, h, is.last.Head, past, oldest, now)
	step("pruned")
	return err
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

// popular tells whether a popular page shares the first 40 bits: a well-known one, one of the ranking, or one of names, which may
// be nil.
func popular(names *set.Set, digest [32]byte) bool {
	if wellKnownPrefixes()[set.Prefix(digest)] || rankOf(digest) != Unranked {
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
	for s := range protected().covered() {
		m[set.Prefix(s.Digest())] = true
	}
	return m
})

// writeDeltas writes the step from last to h, and the deltas from all releases within reach,
// and fills in h.Deltas. It returns the oldest release whose step is still of use.
// Of each file it notes the digest.
func (p *Publisher) writeDeltas(ctx context.Context, h *release.Head, last release.Head, past []ledger.Release, entries []set.Entry, long []set.Long, next *set.Set,
	files map[string]release.Digest, r *Result) (oldest uint64, err error) {
	h.Deltas = h.Sequence
	r.Added = next.Len()
	if last.Sequence == 0 {
		return h.Sequence, nil
	}
	var before set.Set
	old, err := blobOf(p.Blobs, last.Set, last.SetSize)
	if err == nil {
		before, err = set.Open(old)
	}
	if err != nil {
		return h.Sequence, nil // damaged, or of an older format: its clients take the whole set
	}
	newest := step{last.Sequence, slices.Collect(before.Longs()), compare(&before, entries)}
	r.Added, r.Removed = churn(&newest, long)
	releases := map[uint64]releaseTime{last.Sequence: {last.Set, last.Issued}}
	for _, known := range past {
		releases[known.Sequence] = releaseTime{known.Set, known.Issued}
	}
	known, err := p.Ledger.Files(ctx)
	if err != nil {
		return 0, err
	}
	put := func(name string, body []byte) error {
		files[name] = release.DigestOf(body)
		return p.Blobs.Put(name, body)
	}
	links := p.chain(newest, releases, known, h.Issued-int64(reach.Seconds()))
	oldest = h.Sequence
	err = deltas(entries, long, links, func(sequence uint64, delta []byte) (bool, error) {
		if len(delta) > len(next.Bytes())+set.DeltaOverhead {
			return false, nil // and those from older ones are larger still
		}
		if sequence == last.Sequence {
			if got, err := set.Apply(before, last.Set, delta); err != nil || !bytes.Equal(got, next.Bytes()) {
				return false, errDelta
			}
			if err := put(stepName(h.Sequence), newest.encode()); err != nil {
				return false, err
			}
		}
		h.Deltas, oldest = sequence, sequence
		return true, put(deltaName(h.Set, sequence), delta)
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
func (p *Publisher) prune(ctx context.Context, h, last release.Head, past []ledger.Release, oldest uint64, now int64) error {
	keep := map[string]bool{
		"blob/" + h.Set.String(): true, "blob/" + h.Keys.String(): true, packName(h.Sequence): true, stepName(h.Sequence): true,
		"blob/" + h.Supplement.String(): true, "blob/" + last.Supplement.String(): true,
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
	kept := func(name string) bool {
		return keep[name] || strings.HasPrefix(name, "delta/"+h.Set.String()+"/") || strings.HasPrefix(name, "delta/"+last.Set.String()+"/")
	}
	for _, folder := range []string{"blob", "buckets", "delta", "history"} {
		names, err := p.Blobs.Names(folder)
		if err != nil {
			return err
		}
		for _, name := range names {
			if kept(name) {
				continue
			}
			if err := p.Blobs.Delete(name); err != nil {
				return err
			}
		}
	}
	files, err := p.Ledger.Files(ctx)
	if err != nil {
		return err
	}
	maps.DeleteFunc(files, func(name string, _ release.Digest) bool { return kept(name) })
	return p.Ledger.Forget(ctx, slices.Collect(maps.Keys(files)))
}

// warnsAbout returns the first well-known page that is in the set, or the prefix of a host of the ranking, of which only
// a longer one may be there; "" if none is. Entries are those of the set, of 40 bits. What is kept of the release before may be there.
func (p *Protection) warnsAbout(s *set.Set, entries []set.Entry, kept map[[32]byte]subject.Subject) string {
	var found []string
	for digest, page := range p.digests() {
		if _, ok := s.Lookup(digest); ok && kept[digest] == "" {
			found = append(found, string(page))
		}
	}
	if len(found) > 0 {
		return slices.Min(found)
	}
	for _, e := range entries {
		var digest [32]byte
		binary.BigEndian.PutUint64(digest[:], e.Prefix<<(64-set.PrefixBits))
		if rankOf(digest) != Unranked {
			return fmt.Sprintf("a host of the ranking, %010x", e.Prefix)
		}
	}
	return ""
}
