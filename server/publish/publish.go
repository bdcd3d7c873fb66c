// Package publish turns the ledger into a signed release.
//
//	ledger, what is pending ── Permit ──> set, buckets ──> edition ──> blobs, deltas ──> ledger ──> head
//	the book, the help, the cards, the hosts listed last ──> supplement ──┘
//
// An edition is drafted once (Draft): compared with what everybody has, and looked at by all that guards a release,
// before anything is written. It is issued byte for byte (Issue): all that the head names is written under names of its
// own, then the ledger takes the release with all that it brings, in one transaction, and the head comes last. A crash
// before that transaction leaves what was, and files that nothing names, which the next publishing prunes; a crash
// after it leaves the release in force, whose head is put in its place by whoever looks next.
package publish

import (
	"bytes"
	"context"
	"database/sql"
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
	// Popular hands out what popular pages name now, as far as anyone knows them; or nil, and so may be what it hands out.
	// An indicator with the same 40 bits gets a longer prefix.
	Popular func() *set.Set
	// Cards are the advice cards; nil for none.
	Cards *campaign.Store
	// Official is the folder of the operator's own books of official names; it need not exist.
	Official string
	// Help is the file with the operator's own help and hotlines; it need not exist.
	Help string
	// Anew builds upon nothing where what is published is newer than the ledger, which came back from a backup, and takes
	// a number above all that were.
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
	Behind         error    // what could not be done once it was out: to put the head in its place, which follows by itself, or to tidy up, which the next one does
}

// Publish drafts an edition of what is on the list at now, in Unix seconds, and issues it.
func (p *Publisher) Publish(ctx context.Context, now int64) (Result, error) {
	e, err := p.Draft(ctx, now, nil, nil)
	if err != nil {
		return Result{}, err
	}
	defer e.Close()
	return p.Issue(ctx, e, Alone)
}

// Out is how an edition gets out.
type Out struct {
	Release        ledger.Release
	Added, Removed int
	// Write writes the release down, with what it brings, as part of a change. Everybody has it when that is committed, or
	// nobody.
	Write func(tx *sql.Tx, changes []ledger.Change) error
	alone func() error
}

// Agree is asked once all of an edition is on the disk and signed, and nothing of it is out: it calls Out.Write, and
// commits that, or it is not published.
type Agree func(Out) error

// Alone is Agree where nothing is done beside.
func Alone(out Out) error { return out.alone() }

// Issue publishes an edition, byte for byte as it was drafted; or nothing, and ErrChanged, where something else is in
// force than it was drafted upon, or something was decided since. Where it says what is in force, and the head has more
// than half of its life left, nothing is published, and agree is not asked.
func (p *Publisher) Issue(ctx context.Context, e Edition, agree Agree) (r Result, err error) {
	unlock, err := p.Shelf().Lock(ctx)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	r = Result{Sequence: e.last.Sequence, Count: e.set.Len(), SetSize: len(e.body), Refused: e.Refused}
	if err = p.issue(ctx, e, agree, &r); err != nil {
		err = fmt.Errorf("couldn't publish: %w", err)
	}
	return r, err
}

func (p *Publisher) issue(ctx context.Context, e Edition, agree Agree, r *Result) error {
	last, err := p.inForce(ctx)
	if err != nil {
		return err
	}
	decided := e.seq
	if e.seq >= 0 {
		if decided, err = p.Ledger.Seq(ctx); err != nil {
			return err
		}
	}
	if !bytes.Equal(last.note, e.last.note) || last.highest != e.last.highest || e.seq != decided {
		return ErrChanged
	}
	if last.adopted {
		files, err := last.files(ctx, p.Ledger, p.Blobs)
		if err != nil {
			return err
		}
		if err := p.Ledger.Issue(ctx, ledger.Issue{Release: entry(last.Head, last.note, last.keys), Files: files, Seq: -1}); err != nil {
			return err
		}
	}
	step := p.reached
	if step == nil {
		step = func(string) {}
	}
	h := e.head()
	same := h.Set == last.Set && h.Keys == last.Keys && h.BucketRoot == last.BucketRoot && h.BucketBits == last.BucketBits && h.Supplement == last.Supplement
	if same && last.Expires-e.now > int64(headLife.Seconds())/2 {
		var whole bool
		if r.Back, whole, err = p.mend(ctx, last, e.body, e.supplement, e.pack); err != nil || whole {
			return err
		}
		e.pack = func(name string) error { return p.copyPack(last.Head, name) } // the draft may have been put back under the old name
	}
	// A head is renewed within its life, so whatever was in force within reach is in this list.
	past, err := p.Ledger.Releases(ctx, e.now-int64((reach+2*headLife).Seconds()))
	if err != nil {
		return err
	}
	if last.highest >= release.MaxSequence {
		return ErrNumbers
	}
	h.Sequence = last.highest + 1
	is := ledger.Issue{Files: map[string]release.Digest{}, Seq: e.seq}
	var written []string // that was not there before
	defer func() {
		if !r.Published {
			p.withdraw(ctx, h.Sequence, written)
		}
	}()
	writes := func(name string) {
		if f, err := p.Blobs.Open(name); err != nil {
			written = append(written, name)
		} else {
			f.Close()
		}
	}
	if is.Left, err = p.said(&e); err != nil {
		return err
	}
	for _, one := range []struct {
		step, name string
		body       []byte
	}{{"set", "blob/" + h.Set.String(), e.body}, {"supplement", "blob/" + h.Supplement.String(), e.supplement}, {"keys", "blob/" + h.Keys.String(), e.keys.Note}} {
		writes(one.name)
		if err := p.Blobs.Put(one.name, one.body); err != nil {
			return err
		}
		step(one.step)
	}
	writes(packName(h.Sequence))
	if err := e.pack(packName(h.Sequence)); err != nil {
		return err
	}
	step("buckets")
	put := func(name string, body []byte) error {
		is.Files[name] = release.DigestOf(body)
		writes(name)
		return p.Blobs.Put(name, body)
	}
	oldest, err := p.writeDeltas(ctx, &h, last.Head, past, &e, put, r)
	if err != nil {
		return err
	}
	step("deltas")
	note, err := h.Sign(e.keys.signer)
	if err != nil {
		return err
	}
	is.Release = entry(h, note, e.keys.Note)
	write := func(tx *sql.Tx, changes []ledger.Change) error {
		is.Changes = changes
		err := p.Ledger.In(tx).Issue(ctx, is)
		if errors.Is(err, ledger.ErrDecided) {
			err = ErrChanged
		}
		return err
	}
	alone := func() error {
		return p.Ledger.Change(ctx, func(tx *sql.Tx) error { return write(tx, nil) })
	}
	if err := agree(Out{is.Release, r.Added, r.Removed, write, alone}); err != nil {
		return err
	}
	step("finished")
	r.Published, r.Sequence = true, h.Sequence
	r.Behind = p.Blobs.SetHead(note)
	step("head")
	if r.Behind == nil { // else whoever asks may have the head before for longer
		r.Behind = errors.Join(p.Blobs.Sweep(), p.prune(ctx, h, last.Head, past, oldest, e.now, is.Files))
	}
	step("pruned")
	return nil
}

// withdraw deletes what was written for a release that is not out, unless nobody can tell whether it is.
func (p *Publisher) withdraw(ctx context.Context, sequence uint64, written []string) {
	if _, highest, err := p.Ledger.Newest(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, ledger.ErrNotFound) || highest >= sequence {
		return
	}
	for _, name := range written {
		p.Blobs.Delete(name) // or the next release does
	}
}

// head is the head of an edition, without a number.
func (e *Edition) head() release.Head {
	return release.Head{
		Issued: e.now, Expires: e.now + int64(headLife.Seconds()),
		Keys: release.DigestOf(e.keys.Note), Set: release.DigestOf(e.body), SetSize: uint64(len(e.body)), Count: uint64(e.set.Len()),
		BucketBits: e.bits, BucketRoot: e.Root,
		Supplement: release.DigestOf(e.supplement), SupplementSize: uint64(len(e.supplement)), Wait: uint64(wait.Seconds()), Spread: uint64(spread.Seconds()),
	}
}

// entry is what the ledger keeps of a release.
func entry(h release.Head, note, keys []byte) ledger.Release {
	return ledger.Release{Sequence: h.Sequence, Set: h.Set, Size: h.SetSize, Count: h.Count, Issued: h.Issued, Expires: h.Expires, BucketBits: h.BucketBits, Head: note, Keys: keys}
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
		digest := r.name.digest()
		prefix := set.Prefix(digest)
		if popular(names, digest) {
			long = append(long, set.Long{Prefix: [set.LongBytes]byte(digest[:]), Class: r.class})
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

// popular tells whether a popular page shares the first 40 bits: a well-known one, one of the ranking, or one of names,
// which may be nil.
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
func (p *Publisher) writeDeltas(ctx context.Context, h *release.Head, last release.Head, past []ledger.Release, e *Edition,
	put func(name string, body []byte) error, r *Result) (oldest uint64, err error) {
	h.Deltas = h.Sequence
	r.Added = e.set.Len()
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
	newest := stepFrom(last.Sequence, &before, e.entries)
	r.Added, r.Removed = churn(newest, e.long)
	releases := map[uint64]releaseTime{last.Sequence: {last.Set, last.Issued}}
	for _, known := range past {
		releases[known.Sequence] = releaseTime{known.Set, known.Issued}
	}
	known, err := p.Ledger.Files(ctx)
	if err != nil {
		return 0, err
	}
	links := p.chain(*newest, releases, known, h.Issued-int64(reach.Seconds()))
	oldest = h.Sequence
	err = deltas(e.entries, e.long, links, func(sequence uint64, delta []byte) (bool, error) {
		if len(delta) > len(e.set.Bytes())+set.DeltaOverhead {
			return false, nil // and those from older ones are larger still
		}
		if sequence == last.Sequence {
			if got, err := set.Apply(before, last.Set, delta); err != nil || !bytes.Equal(got, e.set.Bytes()) {
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

// prune deletes what no client can ask for any more: it may have seen this head or the last one. Of what the ledger
// knows, and was not written just now, it deletes what is damaged too, since nothing makes that anew.
func (p *Publisher) prune(ctx context.Context, h, last release.Head, past []ledger.Release, oldest uint64, now int64, written map[string]release.Digest) error {
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
	files, err := p.Ledger.Files(ctx)
	if err != nil {
		return err
	}
	damaged := map[string]bool{}
	for name, digest := range files {
		if _, fresh := written[name]; !fresh {
			_, err := fileOf(p.Blobs, name, digest)
			damaged[name] = err != nil
		}
	}
	kept := func(name string) bool {
		return !damaged[name] && (keep[name] || strings.HasPrefix(name, "delta/"+h.Set.String()+"/") || strings.HasPrefix(name, "delta/"+last.Set.String()+"/"))
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
	maps.DeleteFunc(files, func(name string, _ release.Digest) bool { return kept(name) })
	return p.Ledger.Forget(ctx, slices.Collect(maps.Keys(files)))
}

// warnsAbout returns the first well-known page that is in the set, or the prefix of a host of the ranking, of which
// only a longer one may be there; "" if none is. Entries are those of the set, of 40 bits. What is kept of the release
// before may be there.
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
