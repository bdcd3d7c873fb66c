package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"khien/server/blob"
	"khien/server/ledger"
	"khien/shared/release"
	"khien/shared/set"
)

var (
	// ErrUnknown is a published head that a key of ours has signed and that the ledger does not know: the ledger is older
	// than what is published, or somebody else signs with the key.
	ErrUnknown = errors.New("the published head is signed with our key, and the ledger does not know it: put the ledger back that belongs to it; " +
		"if there is none any more, run khien publish --anew, which takes a number above it")
	// ErrDamaged is a published file that is not the one that was published. Publishing makes it anew.
	ErrDamaged = errors.New("not what was published, khien publish makes it anew")
)

// force is the release in force: what the ledger keeps of it and what is signed agree. The head that lies in the
// directory is a copy of it.
type force struct {
	release.Head        // the zero head before the first release
	note, keys   []byte // as signed
	highest      uint64 // number that any release was given, finished or not
	adopted      bool   // known by the copy alone, from before the ledger kept heads
	lost         bool   // there is a release, and nobody can build upon it: it is of another root key, or newer than the ledger
}

// InForce returns the head in force, as it was signed and as it was read: the newest of the ledger whose signatures, up
// to the root key, hold and whose entry says the same; the zero head where there is none. Time decides nothing here.
// The error is ErrUnknown where the head in blobs says that the ledger is not the newest; a head in blobs that no key
// of ours has signed, or that is older, counts for nothing.
func InForce(ctx context.Context, book *ledger.Ledger, blobs *blob.Dir, root string) (note []byte, h release.Head, err error) {
	f, err := inForce(ctx, book, blobs, root, nil)
	return f.note, f.Head, err
}

// inForce is InForce; trusted is the list of keys in use, where that is known already.
func inForce(ctx context.Context, book *ledger.Ledger, blobs *blob.Dir, root string, trusted []byte) (f force, err error) {
	newest, highest, err := book.Newest(ctx)
	f.highest = highest
	rotated := opened(trusted, root).Sequence
	switch {
	case err == nil:
		if h, list, ok := signed(newest.Head, newest.Keys, root); ok && agree(h, newest) {
			f.Head, f.note, f.keys, rotated = h, newest.Head, newest.Keys, max(rotated, list)
		} else {
			f.lost = true
		}
	case !errors.Is(err, ledger.ErrNotFound):
		return f, err
	}
	copied, err := blobs.Head()
	if err != nil || bytes.Equal(copied, f.note) {
		return f, nil
	}
	named, err := release.ReadHead(copied)
	if err != nil || named.Sequence <= f.Sequence {
		return f, nil
	}
	if trusted == nil || release.DigestOf(trusted) != named.Keys {
		if trusted, err = blobs.Get("blob/"+named.Keys.String(), release.MaxKeys); err != nil || release.DigestOf(trusted) != named.Keys {
			trusted = f.keys
		}
	}
	h, list, ok := signed(copied, trusted, root)
	if !ok || list < rotated { // by a key that has been replaced since
		return f, nil
	}
	all, err := book.Releases(ctx, 0)
	if err != nil {
		return f, err
	}
	entry := slices.IndexFunc(all, func(r ledger.Release) bool { return r.Sequence == h.Sequence })
	if f.Sequence == 0 && entry >= 0 && len(all[entry].Head) == 0 && agree(h, all[entry]) {
		f.Head, f.note, f.keys, f.adopted = h, copied, trusted, true
		return f, nil
	}
	f.highest = max(f.highest, h.Sequence)
	return f, fmt.Errorf("%w (it is release %d, the ledger's newest is %d)", ErrUnknown, h.Sequence, f.Sequence)
}

// signed reads a head that a key of the list has signed, and the root key the list, whatever their time, and the number
// of the list.
func signed(note, keys []byte, root string) (h release.Head, list uint64, ok bool) {
	k := opened(keys, root)
	h, err := release.OpenHead(note, k, 0)
	return h, k.Sequence, (err == nil || outOfTime(err)) && h.Keys == release.DigestOf(keys)
}

// opened is a list of keys that the root key has signed, whatever its time; without any key where it has not.
func opened(keys []byte, root string) release.Keys {
	k, err := release.OpenKeys(keys, root, 0)
	if err != nil && !outOfTime(err) {
		return release.Keys{}
	}
	return k
}

func outOfTime(err error) bool {
	return errors.Is(err, release.ErrExpired) || errors.Is(err, release.ErrNotYet)
}

func agree(h release.Head, r ledger.Release) bool {
	return h.Sequence == r.Sequence && h.Set == r.Set && h.SetSize == r.Size && h.Count == r.Count && h.Issued == r.Issued && h.Expires == r.Expires && h.BucketBits == r.BucketBits
}

// inForce is the release in force. Anew, there is none where the ledger does not know it, but its numbers stay taken.
// What the ledger knows is built upon all the same: else what is held back would be missing, and nobody would be told.
func (p *Publisher) inForce(ctx context.Context) (force, error) {
	f, err := inForce(ctx, p.Ledger, p.Blobs, p.Keys.Root, p.Keys.Note)
	if p.Anew && errors.Is(err, ErrUnknown) {
		return force{highest: f.highest, lost: true}, nil
	}
	return f, err
}

// blobOf reads a file that a head names, or returns ErrDamaged.
func blobOf(blobs *blob.Dir, d release.Digest, size uint64) ([]byte, error) {
	name := "blob/" + d.String()
	body, err := blobs.Get(name, int64(size))
	if err == nil {
		err = release.CheckBlob(body, release.DigestOf(body), d, size)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w (%w)", name, ErrDamaged, err)
	}
	return body, nil
}

// fileOf reads a file whose digest the ledger keeps, or returns ErrDamaged.
func fileOf(blobs *blob.Dir, name string, d release.Digest) ([]byte, error) {
	body, err := blobs.Get(name, release.MaxSet)
	if err == nil && release.DigestOf(body) != d {
		err = release.ErrDigest
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w (%w)", name, ErrDamaged, err)
	}
	return body, nil
}

// Files are the published files that no head names and that are as they were published, by name.
func Files(ctx context.Context, book *ledger.Ledger, blobs *blob.Dir, root string) (map[string]release.Digest, error) {
	f, err := inForce(ctx, book, blobs, root, nil)
	if err != nil {
		return nil, err
	}
	return f.files(ctx, book, blobs)
}

// files are those whose digest the ledger keeps. Of a release from before it kept them, the deltas and steps are proven
// by the sets that they lead from and to.
func (f *force) files(ctx context.Context, book *ledger.Ledger, blobs *blob.Dir) (map[string]release.Digest, error) {
	files, err := book.Files(ctx)
	if err != nil || !f.adopted {
		return files, err
	}
	past, err := book.Releases(ctx, 0)
	if err != nil {
		return nil, err
	}
	sets := map[uint64]set.Set{}
	for _, r := range past {
		if body, err := blobOf(blobs, r.Set, r.Size); err == nil { // else it is pruned, or damaged
			if list, err := set.Open(body); err == nil {
				sets[r.Sequence] = list
			}
		}
	}
	for _, r := range past {
		list, ok := sets[r.Sequence]
		if !ok {
			continue
		}
		name := deltaName(f.Set, r.Sequence)
		if delta, err := blobs.Get(name, release.MaxSet); err == nil {
			if got, err := set.Apply(list, r.Set, delta); err == nil && release.DigestOf(got) == f.Set {
				files[name] = release.DigestOf(delta)
			}
		}
		name = stepName(r.Sequence)
		if body, err := blobs.Get(name, release.MaxSet); err == nil {
			said, err := decodeStep(body)
			before, ok := sets[said.base]
			if err == nil && ok && bytes.Equal(body, stepFrom(said.base, &before, slices.Collect(list.All())).encode()) {
				files[name] = release.DigestOf(body)
			}
		}
	}
	return files, nil
}

// Damaged names the published files that are not as they were published: those of the release in force, and those of
// older ones that are still kept. The error is that of InForce.
func Damaged(ctx context.Context, book *ledger.Ledger, blobs *blob.Dir, root string) (names []string, err error) {
	f, err := inForce(ctx, book, blobs, root, nil)
	if err != nil || f.Sequence == 0 {
		return nil, err
	}
	files, err := f.files(ctx, book, blobs)
	if err != nil {
		return nil, err
	}
	note := func(name string, err error) {
		if err != nil {
			names = append(names, name)
		}
	}
	copied, err := blobs.Head()
	if err == nil && !bytes.Equal(copied, f.note) {
		err = ErrDamaged
	}
	note("head", err)
	_, err = blobOf(blobs, f.Keys, uint64(len(f.keys)))
	note("blob/"+f.Keys.String(), err)
	_, err = blobOf(blobs, f.Set, f.SetSize)
	note("blob/"+f.Set.String(), err)
	_, err = blobOf(blobs, f.Supplement, f.SupplementSize)
	note("blob/"+f.Supplement.String(), err)
	note(packName(f.Sequence), checkPack(blobs, f.Head, nil))
	for name, digest := range files {
		_, err = fileOf(blobs, name, digest)
		note(name, err)
	}
	older, err := book.Releases(ctx, 0)
	if err != nil {
		return nil, err
	}
	for _, r := range older {
		if len(r.Head) == 0 || r.Set == f.Set {
			continue
		}
		if _, err = blobOf(blobs, r.Set, r.Size); !errors.Is(err, blob.ErrNotFound) { // but pruned
			note("blob/"+r.Set.String(), err)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// mend puts back what is damaged of the release in force, of which everything that is made of the ledger is at hand,
// and deletes what is damaged of older ones. It names what it put back; whole is false where deltas are damaged, which
// only a new release makes anew.
func (p *Publisher) mend(ctx context.Context, f force, body, supplement []byte, pack func(name string) error) (back []string, whole bool, err error) {
	damaged, err := Damaged(ctx, p.Ledger, p.Blobs, p.Keys.Root)
	if err != nil {
		return nil, false, err
	}
	whole = true
	for _, name := range damaged {
		switch {
		case name == "head":
			err = p.Blobs.SetHead(f.note)
		case name == "blob/"+f.Keys.String():
			err = p.Blobs.Put(name, f.keys)
		case name == "blob/"+f.Set.String():
			err = p.Blobs.Put(name, body)
		case name == "blob/"+f.Supplement.String():
			err = p.Blobs.Put(name, supplement)
		case name == packName(f.Sequence):
			err = pack(name)
		case strings.HasPrefix(name, "delta/"+f.Set.String()+"/") || name == stepName(f.Sequence):
			whole = false
			continue
		default:
			err = errors.Join(p.Blobs.Delete(name), p.Ledger.Forget(ctx, []string{name}))
			if err != nil {
				return back, false, err
			}
			continue
		}
		if err != nil {
			return back, false, err
		}
		back = append(back, name)
	}
	return back, whole, nil
}
