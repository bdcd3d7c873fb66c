package checker

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"khien/shared/category"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
	"khien/shared/supplement"
	"khien/shared/wire"
)

const (
	now = int64(1763900000)
	day = int64(24 * 60 * 60)
)

// world is a publisher with its releases, and what a mirror of it serves.
type world struct {
	t            testing.TB
	root, signer note.Signer
	rootKey      string
	releaseKey   string
	keysSequence uint64
	keys         []byte
	sequence     uint64
	served       map[string][]byte // by path
	head         []byte
	sets         map[uint64][]byte
	book         string
	told         supplement.Body
	subjects     map[subject.Subject]category.Category
	time         int64
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, served: map[string][]byte{}, sets: map[uint64][]byte{}, subjects: map[subject.Subject]category.Category{}, time: now}
	w.root, w.rootKey = w.key("khien-root")
	w.rotate()
	return w
}

func (w *world) key(name string) (note.Signer, string) {
	secret, public, err := note.GenerateKey(rand.Reader, name)
	w.must(err)
	signer, err := note.NewSigner(secret)
	w.must(err)
	return signer, public
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// rotate replaces the release key.
func (w *world) rotate() {
	w.signer, w.releaseKey = w.key("khien-release")
	w.keysSequence++
	var err error
	w.keys, err = release.Keys{Sequence: w.keysSequence, Issued: w.time, Expires: w.time + 700*day, Release: []string{w.releaseKey}}.Sign(w.root)
	w.must(err)
	w.served[release.BlobPath(release.DigestOf(w.keys))] = w.keys
}

// publish makes the next release of what is listed.
func (w *world) publish() release.Head {
	w.t.Helper()
	var entries []set.Entry
	var list wire.Entries
	for s, c := range w.subjects {
		d := s.Digest()
		entries = append(entries, set.Entry{Prefix: set.Prefix(d), Class: uint8(c)})
		list = append(list, wire.Entry{
			Digest: d[:], Category: c.Slug(), FirstSeen: now - 9*day, Reference: "KH-2025-000042", Source: "maintainers",
			Reason: []wire.Text{{Lang: "en", Text: "asks for a fee"}, {Lang: "vi", Text: "đòi phí"}},
		})
	}
	body, err := set.Build(entries, nil)
	w.must(err)
	const bits = 2
	leaves, hashes := make([][]byte, 1<<bits), make([]release.Digest, 1<<bits)
	for i := range leaves {
		var entries wire.Entries
		for _, e := range list {
			if release.BucketIndex(bits, [32]byte(e.Digest)) == uint32(i) {
				entries = append(entries, e)
			}
		}
		slices.SortFunc(entries, func(a, b wire.Entry) int { return bytes.Compare(a.Digest, b.Digest) })
		leaves[i], err = entries.MarshalMsg(nil)
		w.must(err)
		hashes[i] = release.LeafHash(leaves[i])
	}
	tree := release.NewBucketTree(hashes)
	enriched, err := supplement.Encode(w.book, w.told)
	w.must(err)
	w.served[release.BlobPath(release.DigestOf(enriched))] = enriched
	w.sequence++
	h := release.Head{
		Sequence: w.sequence, Issued: w.time, Expires: w.time + 7*day, Keys: release.DigestOf(w.keys),
		Set: release.DigestOf(body), SetSize: uint64(len(body)), Count: uint64(len(entries)), Deltas: 1, BucketBits: bits, BucketRoot: tree.Root(),
		Supplement: release.DigestOf(enriched), SupplementSize: uint64(len(enriched)),
	}
	for i, leaf := range leaves {
		b := wire.Bucket{Leaf: leaf, Proof: tree.Prove(i)}
		msg, err := b.MarshalMsg(nil)
		w.must(err)
		w.served[fmt.Sprintf("/v1/bucket/%d/%x", h.Sequence, i)] = msg
	}
	next, err := set.Open(body)
	w.must(err)
	for n, old := range w.sets {
		from, err := set.Open(old)
		w.must(err)
		delta := set.Diff(from, release.DigestOf(old), next)
		w.served[release.DeltaPath(h.Set, n)] = delta.Append(nil)
	}
	w.sets[h.Sequence] = body
	w.served[release.BlobPath(h.Set)] = body
	w.head, err = h.Sign(w.signer)
	w.must(err)
	return h
}

// supplement is the supplement of the newest release.
func (w *world) supplement() []byte {
	h, err := release.ReadHead(w.head)
	w.must(err)
	return w.served[release.BlobPath(h.Supplement)]
}

// client opens the newest release.
func (w *world) client() *Checker {
	w.t.Helper()
	c, err := Open(w.rootKey, w.keys, w.head, w.sets[w.sequence], release.DigestOf(w.sets[w.sequence]), w.supplement(), w.time)
	w.must(err)
	return c
}

func demo(t testing.TB) *world {
	w := newWorld(t)
	w.subjects["scam.example/"] = category.Shop
	w.subjects["shared.example/view/scam"] = category.Prize
	w.subjects["facebook:user/aninventedname"] = category.Impersonation
	w.subjects["facebook:id/999999999999999"] = category.Impersonation
	w.publish()
	return w
}

func TestAVisit(t *testing.T) {
	c := demo(t).client()
	f := func(href string, verdict Verdict, named subject.Subject) {
		t.Helper()
		got := c.Check(href, now)
		if got.Verdict != verdict || got.Subject != named {
			t.Errorf("%s: %v %q, want %v %q", href, got.Verdict, got.Subject, verdict, named)
		}
	}
	f("https://scam.example/", Listed, "scam.example/")
	f("https://pay.scam.example/a?b", Listed, "scam.example/")
	f("https://notscam.example/", Unlisted, "")
	f("https://scam.example.good.example/", Unlisted, "")
	f("https://shared.example/view/scam?x=1", Listed, "shared.example/view/scam")
	f("https://shared.example/view/other", Unlisted, "")
	f("https://shared.example/", Unlisted, "")
	f("https://m.facebook.com/An.Invented.Name/posts/1", Listed, "facebook:user/aninventedname")
	f("https://www.facebook.com/profile.php?id=999999999999999", Listed, "facebook:id/999999999999999")
	f("https://www.facebook.com/", Unlisted, "")
	f("not an address", Unknown, "")
	f("https://scam.example\\@good.example/", Unknown, "")
	f("chrome://settings/", Unknown, "")
}

// A list that has expired goes on warning, and no longer says that nothing is known.
func TestAnOldList(t *testing.T) {
	c := demo(t).client()
	later := now + 8*day
	if f := c.Check("https://scam.example/", later); f.Verdict != Listed || !f.Stale {
		t.Errorf("a listed page: %+v", f)
	}
	if f := c.Check("https://good.example/", later); f.Verdict != Unknown || !f.Stale || !errors.Is(f.Cause, ErrStale) {
		t.Errorf("another page: %+v", f)
	}
	if f := c.Check("https://good.example/", now+7*day); f.Verdict != Unlisted {
		t.Errorf("at the hour of expiry: %+v", f)
	}
}

func TestTheReasonOfAHit(t *testing.T) {
	w := demo(t)
	c := w.client()
	found := c.Check("https://scam.example/", now)
	f, err := c.Resolve(found.Subject, w.served[found.Bucket], now)
	if err != nil || f.Verdict != Listed || !f.Confirmed || f.FirstSeen != now-9*day || f.Reference != "KH-2025-000042" || f.Category != category.Shop || len(f.Reason) != 2 {
		t.Errorf("%+v, %v", f, err)
	}

	// Nobody between us and the publisher can talk a warning away.
	reject := func(attack string, bucket []byte, want error) {
		t.Helper()
		f, err := c.Resolve(found.Subject, bucket, now)
		if !errors.Is(err, want) || f.Verdict != Listed || f.Confirmed {
			t.Errorf("%s: %+v, %v; want %v", attack, f, err, want)
		}
	}
	empty, _ := (&wire.Bucket{Leaf: []byte{0x90}}).MarshalMsg(nil)
	reject("an empty bucket", empty, release.ErrProof)
	reject("nothing", nil, ErrBucket)
	reject("a web page", []byte("<html>"), ErrBucket)
	reject("something behind", append(bytes.Clone(w.served[found.Bucket]), 0), ErrBucket)
	reject("endless", make([]byte, wire.MaxBucket+1), release.ErrOversized)
	for path, body := range w.served {
		if len(path) > 10 && path[:10] == "/v1/bucket" && path != found.Bucket {
			reject("another bucket", body, release.ErrProof)
		}
	}
}

// Two subjects may share 40 bits. The bucket, which has whole digests, tells them apart.
func TestAChanceHit(t *testing.T) {
	w := demo(t)
	innocent := subject.Subject("innocent.example/")
	d := innocent.Digest()
	entries := []set.Entry{{Prefix: set.Prefix(d), Class: 1}}
	body, err := set.Build(entries, nil)
	w.must(err)
	h := w.publish()
	h.Sequence, h.Set, h.SetSize, h.Count = h.Sequence+1, release.DigestOf(body), uint64(len(body)), 1
	w.head, err = h.Sign(w.signer)
	w.must(err)
	c, err := Open(w.rootKey, w.keys, w.head, body, release.DigestOf(body), w.supplement(), now)
	w.must(err)
	found := c.Check("https://innocent.example/", now)
	if found.Verdict != Listed {
		t.Fatalf("no hit: %+v", found)
	}
	bucket := w.served[release.BucketPath(h.Sequence-1, h.BucketBits, d)]
	if f, err := c.Resolve(innocent, bucket, now); err != nil || f.Verdict != Unlisted || !f.Confirmed {
		t.Errorf("%+v, %v", f, err)
	}
}

// update does what the extension does, from whatever is served.
func update(c *Checker, w *world, at int64) (*Checker, Download, error) {
	var keys []byte
	step, err := c.Plan(w.head, keys, at)
	if err == nil && step.Need == NeedKeys {
		keys = w.served[step.Path]
		step, err = c.Plan(w.head, keys, at)
	}
	if err != nil || step.Need == NeedNothing {
		return c, step, err
	}
	body, err := c.Apply(w.head, keys, step.Need, w.served[step.Path], at)
	if err != nil {
		return c, step, err
	}
	if keys == nil {
		keys = c.keysMsg
	}
	enriched := w.served[step.SupplementPath]
	if step.SupplementPath == "" {
		enriched = w.served[release.BlobPath(c.head.Supplement)]
	}
	next, err := Open(w.rootKey, keys, w.head, body, release.DigestOf(body), enriched, at)
	if err != nil {
		return c, step, err
	}
	return next, step, nil
}

func TestUpdates(t *testing.T) {
	w := demo(t)
	c := w.client()
	if _, step, err := update(c, w, now); err != nil || step.Need != NeedNothing {
		t.Errorf("nothing new: %+v, %v", step, err)
	}
	w.subjects["new.example/"] = category.Loan
	delete(w.subjects, "scam.example/")
	w.publish()
	next, step, err := update(c, w, now)
	if err != nil || step.Need != NeedDelta {
		t.Fatalf("%+v, %v", step, err)
	}
	if next.Check("https://new.example/", now).Verdict != Listed || next.Check("https://scam.example/", now).Verdict != Unlisted {
		t.Error("the new release is not what was published")
	}
	if c.Check("https://new.example/", now).Verdict != Unlisted {
		t.Error("the old release changed")
	}
	// several releases later, one delta still does it
	for i := range 5 {
		w.subjects[subject.Subject(fmt.Sprintf("more%d.example/", i))] = category.Job
		w.publish()
	}
	last, step, err := update(c, w, now)
	if err != nil || step.Need != NeedDelta || last.Head().Sequence != w.sequence {
		t.Errorf("%+v, %v", step, err)
	}
	// nothing listed changes, but the head is renewed
	w.time += 4 * day
	w.publish()
	renewed, step, err := update(last, w, w.time)
	if err != nil || step.Need != NeedDelta || renewed.Head().Expires != w.time+7*day {
		t.Errorf("a renewed head: %+v, %v", step, err)
	}
	// the release key was replaced
	w.rotate()
	w.publish()
	if rotated, step, err := update(renewed, w, w.time); err != nil || step.Need != NeedDelta || rotated.Head().Sequence != w.sequence {
		t.Errorf("after the rotation: %+v, %v", step, err)
	}
}

func TestARenewalFromNoDelta(t *testing.T) {
	w := demo(t)
	c := w.client()
	h := w.publish()
	h.Deltas = h.Sequence
	var err error
	w.head, err = h.Sign(w.signer)
	w.must(err)
	if _, step, err := update(c, w, now); err != nil || step.Need != NeedSet || step.Limit != h.SetSize {
		t.Errorf("%+v, %v", step, err)
	}
}

// Who moves to another server has nothing of it, and asks for all of what leads back to its root key; out of date is
// better than nothing.
func TestTheFirstReleaseOfAServer(t *testing.T) {
	w := demo(t)
	first, h := Before(w.rootKey), w.client().Head()
	step, err := first.Plan(w.head, nil, now)
	if err != nil || step.Need != NeedKeys || !bytes.Equal(w.served[step.Path], w.keys) {
		t.Fatalf("the keys: %+v, %v", step, err)
	}
	for _, at := range []int64{now, now + 1000*day} {
		step, err = first.Plan(w.head, w.keys, at)
		set, supplement := w.served[step.SetPath], w.served[step.SupplementPath]
		if err != nil || step.SetSize != h.SetSize || step.SupplementSize != h.SupplementSize {
			t.Fatalf("all of it: %+v, %v", step, err)
		}
		if _, err := Open(w.rootKey, w.keys, w.head, set, release.DigestOf(set), supplement, at); err != nil {
			t.Errorf("what was asked for: %v", err)
		}
	}
	other := demo(t)
	if _, err := first.Plan(other.head, other.keys, now); !errors.Is(err, release.ErrSignature) && !errors.Is(err, release.ErrKeys) {
		t.Errorf("another's: %v", err)
	}
	if _, err := Before("nothing").Plan(w.head, w.keys, now); err == nil {
		t.Error("any root key is as good as another")
	}
}

// Whoever sits between the publisher and the person tries everything. Each time the
// client keeps the list it has, and knows why.
func TestAttacksOnAnUpdate(t *testing.T) {
	f := func(attack string, want error, do func(w *world, old []byte) int64) {
		t.Helper()
		w := demo(t)
		c := w.client()
		old := w.head
		w.subjects["new.example/"] = category.Loan
		w.publish()
		at := do(w, old)
		next, _, err := update(c, w, at)
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", attack, err, want)
		}
		if next != c || c.Check("https://scam.example/", now).Verdict != Listed {
			t.Errorf("%s: the client lost its list", attack)
		}
	}
	target := func(w *world) string {
		h, _ := release.ReadHead(w.head)
		return release.DeltaPath(h.Set, h.Sequence-1)
	}
	f("a head by another key", release.ErrSignature, func(w *world, _ []byte) int64 {
		mallory := demo(t)
		mallory.keys = w.keys
		mallory.sequence = 7
		mallory.publish()
		w.head = mallory.head
		return now
	})
	f("a root key of their own", release.ErrSignature, func(w *world, _ []byte) int64 {
		mallory := demo(t)
		mallory.sequence = 7
		mallory.publish()
		w.head, w.served = mallory.head, mallory.served
		return now
	})
	f("the key list of another release", release.ErrKeys, func(w *world, _ []byte) int64 {
		before := w.keys
		w.rotate()
		w.publish()
		w.served[release.BlobPath(release.DigestOf(w.keys))] = before
		return now
	})
	f("an expired head", release.ErrExpired, func(w *world, _ []byte) int64 { return now + 8*day })
	f("a head from the future", release.ErrNotYet, func(w *world, _ []byte) int64 { return now - 3*day })
	f("another release with the number we have", release.ErrForked, func(w *world, _ []byte) int64 {
		w.sequence = 0
		w.publish()
		return now
	})
	f("the delta cut off", set.ErrTruncated, func(w *world, _ []byte) int64 {
		w.served[target(w)] = w.served[target(w)][:50]
		return now
	})
	f("no delta", set.ErrTruncated, func(w *world, _ []byte) int64 {
		delete(w.served, target(w))
		return now
	})
	f("something behind the delta", set.ErrOversized, func(w *world, _ []byte) int64 {
		w.served[target(w)] = append(w.served[target(w)], 0)
		return now
	})
	f("a delta to another set", release.ErrDigest, func(w *world, _ []byte) int64 {
		from, err := set.Open(w.sets[1])
		w.must(err)
		wanted, err := set.Open(w.sets[2])
		w.must(err)
		entries := slices.Collect(wanted.All())
		entries[0].Prefix ^= 1
		other, err := set.Build(entries, nil)
		w.must(err)
		to, err := set.Open(other)
		w.must(err)
		delta := set.Diff(from, release.DigestOf(w.sets[1]), to)
		w.served[target(w)] = delta.Append(nil)
		return now
	})
	f("a web page for a delta", set.ErrMagic, func(w *world, _ []byte) int64 {
		w.served[target(w)] = []byte("<html>Sign in to the hotel network</html>")
		return now
	})
}

func TestNoWayBack(t *testing.T) {
	w := demo(t)
	old := w.head
	w.publish()
	c := w.client()
	w.head = old
	if _, _, err := update(c, w, now); !errors.Is(err, release.ErrOlder) {
		t.Errorf("a rollback: %v", err)
	}
	// a key list of before the rotation, with a head that the stolen key has signed
	thief, keys := w.signer, w.keys
	w.rotate()
	h := w.publish()
	c = w.client()
	h.Sequence, h.Keys = 99, release.DigestOf(keys)
	var err error
	w.head, err = h.Sign(thief)
	w.must(err)
	if _, _, err := update(c, w, now); !errors.Is(err, release.ErrOlder) {
		t.Errorf("an older key list: %v", err)
	}
}

// What lies in a client's store may be damaged. It is opened whole or not at all.
func TestADamagedStore(t *testing.T) {
	w := demo(t)
	body, enriched := w.sets[1], w.supplement()
	other := newWorld(t)
	f := func(name string, want error, root string, keys, head, body []byte) {
		t.Helper()
		if _, err := Open(root, keys, head, body, release.DigestOf(body), enriched, now); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	flipped := bytes.Clone(body)
	flipped[len(flipped)-10] ^= 1
	f("whole", nil, w.rootKey, w.keys, w.head, body)
	f("a set with a flipped bit", release.ErrDigest, w.rootKey, w.keys, w.head, flipped)
	f("a set cut off", release.ErrTruncated, w.rootKey, w.keys, w.head, body[:len(body)-1])
	whole := enriched
	enriched = bytes.Clone(whole)
	enriched[len(enriched)-3] ^= 1
	f("a supplement with a flipped bit", release.ErrDigest, w.rootKey, w.keys, w.head, body)
	enriched = whole[:len(whole)-1]
	f("a supplement cut off", release.ErrTruncated, w.rootKey, w.keys, w.head, body)
	enriched = append(bytes.Clone(whole), 0)
	f("something behind the supplement", release.ErrOversized, w.rootKey, w.keys, w.head, body)
	enriched = nil
	f("no supplement", release.ErrTruncated, w.rootKey, w.keys, w.head, body)
	enriched = whole
	f("no set", release.ErrTruncated, w.rootKey, w.keys, w.head, nil)
	f("no head", release.ErrFormat, w.rootKey, w.keys, nil, body)
	f("no keys", release.ErrFormat, w.rootKey, nil, w.head, body)
	f("another root", release.ErrSignature, other.rootKey, w.keys, w.head, body)
	f("a root that is none", release.ErrFormat, "root", w.keys, w.head, body)
	again := w.keys
	w.rotate()
	f("the keys of another release", release.ErrSignature, w.rootKey, w.keys, w.head, body)
	f("its own keys", nil, w.rootKey, again, w.head, body)
}

func FuzzResolve(f *testing.F) {
	w := demo(f)
	c := w.client()
	found := c.Check("https://scam.example/", now)
	good := w.served[found.Bucket]
	f.Add(good)
	f.Fuzz(func(t *testing.T, bucket []byte) {
		if got, err := c.Resolve(found.Subject, bucket, now); got.Verdict != Listed || err == nil && !bytes.Equal(bucket, good) && got.Reference != "KH-2025-000042" {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}
