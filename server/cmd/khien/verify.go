package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"khien/server/blob"
	"khien/server/publish"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/supplement"
	"khien/shared/wire"
)

func verifyCommand(d *dir) *cobra.Command {
	var server, root, packages string
	cmd := &cobra.Command{
		Use: "verify", Short: "Verify everything that is published, or a release of the extension",
		Long: `Checks the signatures of the keys and the head, that neither has expired, the digest and
the canonical form of the set, the supplement, that each delta leads from the older release to this one,
that every bucket is under the root that the head signs, and that the buckets explain
exactly the entries of the set. In a data directory, the head must be the one that the ledger
has in force, and deltas are compared with the digests that the ledger keeps, and applied; a
server does not say which older sets they are for.

With --packages it verifies a release of the extension: that a release key has signed its sums, and
that the files in the folder are those.`,
		Example: `  $ khien verify
  $ khien verify --server https://khien.example --root root.pub
  $ khien verify --packages build/release --root root.pub`,
		Args: none,
	}
	cmd.Flags().StringVar(&server, "server", "", "verify what this server publishes")
	cmd.Flags().StringVar(&root, "root", "", "the server's root key, or a file with it (default: the data directory's)")
	cmd.Flags().StringVar(&packages, "packages", "", "verify the release of the extension in this `folder`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v := verification{now: time.Now().Unix(), words: cmd.ErrOrStderr()}
		switch {
		case server != "" && packages != "":
			return usagef("verify --server or --packages, not both")
		case server == "" && packages == "":
			return d.verify(cmd.Context(), v.words, v.now)
		}
		var err error
		if v.root, err = serverRoot(d, root); err != nil {
			return err
		}
		if packages != "" {
			return v.packages(packages)
		}
		c, err := newClient(cmd.Context(), server)
		if err != nil {
			return err
		}
		v.get = c.get
		return v.run()
	}
	return cmd
}

// verify verifies what a data directory publishes.
func (d *dir) verify(ctx context.Context, words io.Writer, now int64) (err error) {
	v := verification{now: now, words: words}
	if v.root, err = d.rootKey(); err != nil {
		return err
	}
	blobs, err := d.blobs()
	if err != nil {
		return err
	}
	book, err := d.ledger()
	if err != nil {
		return err
	}
	note, head, err := publish.InForce(ctx, book, blobs, v.root)
	if err != nil {
		return err
	}
	if head.Sequence == 0 {
		if _, err := blobs.Head(); !errors.Is(err, blob.ErrNotFound) {
			return errors.New("the head: it is not signed by a key of ours, and the ledger knows no release: run \"khien publish\", which makes one")
		}
		return fmt.Errorf("there is no release yet in %s: run \"khien publish\"", d.path)
	}
	v.get, v.own = store{blobs, note}.get, &own{copied: blobs.Head, note: note, sets: map[uint64]release.Digest{}}
	if v.own.files, err = publish.Files(ctx, book, blobs, v.root); err != nil {
		return err
	}
	older, err := book.Releases(ctx, 0)
	if err != nil {
		return err
	}
	for _, r := range older {
		if r.Sequence >= head.Sequence {
			continue
		}
		if v.own.before == nil && len(r.Head) > 0 { // else a crash took its number, or an earlier khien published it
			v.own.before = r.Head
		}
		v.own.sets[r.Sequence] = r.Set
	}
	return v.run()
}

// verification walks through one release, from the root key to the last bucket.
type verification struct {
	root  string
	get   getter
	now   int64
	words io.Writer
	own   *own // what only the data directory knows; nil for a server
}

// own is what the ledger says of what is published.
type own struct {
	copied func() ([]byte, error)    // the head as it lies in published/
	note   []byte                    // the head in force
	before []byte                    // the head before it
	sets   map[uint64]release.Digest // of older releases
	files  map[string]release.Digest // of deltas and steps of the history
}

// head tells whether the head that lies in published/ is the one in force, or the one before it: then a publishing was
// killed just before it would have handed the new one out.
func (v verification) head(keys release.Keys, sequence uint64) error {
	copied, err := v.own.copied()
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return fmt.Errorf("the head: there is none, and release %d is in force: \"khien publish\", or \"khien serve\" at its start, puts it back", sequence)
	case err != nil:
		return fmt.Errorf("the head: %w", err)
	case bytes.Equal(copied, v.own.note):
		return nil
	}
	before := v.own.before != nil && bytes.Equal(copied, v.own.before)
	if _, err := release.OpenHead(copied, keys, v.now); err != nil && !before {
		return fmt.Errorf("the head: %w", err)
	}
	lies, err := release.ReadHead(copied)
	if err != nil {
		return fmt.Errorf("the head: %w", err)
	}
	waits := fmt.Sprintf("release %d lies in published, release %d is in force: \"khien publish\", or \"khien serve\" at its start, puts it there", lies.Sequence, sequence)
	if !before {
		return errors.New("the head: " + waits)
	}
	fmt.Fprintf(v.words, "waiting: %s\n", waits)
	return nil
}

func (v verification) run() error {
	r, err := fetchRelease(v.get)
	if err != nil {
		return err
	}
	keys, err := release.OpenKeys(r.keys, v.root, v.now)
	if err != nil {
		return fmt.Errorf("the release keys: %w", v.dated(err, keys.Issued, keys.Expires))
	}
	fmt.Fprintf(v.words, "keys %d: signed by the root key, valid until %s\n", keys.Sequence, minute(keys.Expires))
	head, err := release.OpenHead(r.head, keys, v.now)
	if err != nil {
		return fmt.Errorf("the head: %w", v.dated(err, head.Issued, head.Expires))
	}
	if v.own != nil {
		if err := v.head(keys, head.Sequence); err != nil {
			return err
		}
	}
	fmt.Fprintf(v.words, "head %d: signed by a release key, valid until %s\n", head.Sequence, minute(head.Expires))
	if err := release.CheckBlob(r.set, release.DigestOf(r.set), head.Set, head.SetSize); err != nil {
		return fmt.Errorf("the set: %w", err)
	}
	if err := set.Verify(r.set); err != nil {
		return fmt.Errorf("the set: %w", err)
	}
	list, err := set.Open(r.set)
	if err != nil {
		return fmt.Errorf("the set: %w", err)
	}
	if uint64(list.Len()) != head.Count {
		return fmt.Errorf("the set has %s, the head says %d", counted(list.Len(), "entry", "entries"), head.Count)
	}
	fmt.Fprintf(v.words, "set: %s in %d bytes, canonical\n", counted(list.Len(), "entry", "entries"), len(r.set))
	if err := release.CheckBlob(r.supplement, release.DigestOf(r.supplement), head.Supplement, head.SupplementSize); err != nil {
		return fmt.Errorf("the supplement: %w", err)
	}
	g, err := supplement.Open(r.supplement)
	if err != nil {
		return fmt.Errorf("the supplement: %w", err)
	}
	told := g.Body()
	fmt.Fprintf(v.words, "supplement: %s, help for %s, %s, %s in %d bytes\n",
		counted(g.Book().Len(), "official name", "official names"), counted(len(told.Help), "country", "countries"),
		counted(len(told.Cards), "card", "cards"), counted(len(told.Hot), "hot host", "hot hosts"), len(r.supplement))
	if err := v.deltas(head, r.set); err != nil {
		return err
	}
	return v.buckets(head, list)
}

// maxPackage bounds a file of a release of the extension, in bytes.
const maxPackage = 1 << 28

// packages verifies what "make release" has written, as far as it is there: the key list, the signed sums, each file.
func (v verification) packages(folder string) error {
	list, err := blob.ReadPlain(filepath.Join(folder, "keys.note"), release.MaxKeys)
	if err != nil {
		return fmt.Errorf("the release keys: %w", err)
	}
	keys, err := release.OpenKeys(list, v.root, v.now)
	if err != nil {
		return fmt.Errorf("the release keys: %w", v.dated(err, keys.Issued, keys.Expires))
	}
	signed, err := blob.ReadPlain(filepath.Join(folder, "SHA256SUMS.signed"), release.MaxSums)
	if err != nil {
		return fmt.Errorf("the sums: %w", err)
	}
	sums, err := release.OpenSums(signed, keys)
	if err != nil {
		return fmt.Errorf("the sums: %w", err)
	}
	fmt.Fprintf(v.words, "sums: signed by a release key, of list %d\n", keys.Sequence)
	same := 0
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		body, err := blob.ReadPlain(filepath.Join(folder, name), maxPackage)
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(v.words, "%s: not here\n", name)
			continue
		}
		if err != nil || release.DigestOf(body) != sums[name] {
			return fmt.Errorf("%s: it is not what was released: do not install it", name)
		}
		fmt.Fprintf(v.words, "%s: as it was released\n", name)
		same++
	}
	if same == 0 {
		return fmt.Errorf("there is nothing of the release in %s", folder)
	}
	return nil
}

// dated names the clock where something is refused because of the time.
func (v verification) dated(err error, issued, expires int64) error {
	if errors.Is(err, release.ErrExpired) || errors.Is(err, release.ErrNotYet) {
		return fmt.Errorf("%w: it is good from %s to %s, and this machine's clock says %s: is that right?", err, minute(issued), minute(expires), minute(v.now))
	}
	return err
}

// deltas compares each delta with the digest that the ledger keeps, and applies it where the older set is still there.
func (v verification) deltas(head release.Head, want []byte) error {
	if v.own == nil {
		fmt.Fprintf(v.words, "deltas: from release %d on, not applied\n", head.Deltas)
		return nil
	}
	applied, compared := 0, 0
	folder := strings.TrimPrefix(release.DeltaPath(head.Set, 0), "/v1/")
	for _, name := range slices.Sorted(maps.Keys(v.own.files)) {
		from, err := strconv.ParseUint(strings.TrimPrefix(name, folder[:len(folder)-1]), 10, 64)
		if err != nil {
			continue
		}
		delta, err := v.get(release.DeltaPath(head.Set, from), release.MaxSet)
		if err == nil && release.DigestOf(delta) != v.own.files[name] {
			err = release.ErrDigest
		}
		if err != nil {
			return fmt.Errorf("the delta from release %d: %w", from, err)
		}
		compared++
		digest, ok := v.own.sets[from]
		if !ok {
			continue
		}
		body, err := v.get(release.BlobPath(digest), release.MaxSet)
		if errors.Is(err, blob.ErrNotFound) {
			continue
		}
		if err == nil && release.DigestOf(body) != digest {
			err = release.ErrDigest
		}
		if err != nil {
			return fmt.Errorf("the set of release %d: %w", from, err)
		}
		base, err := set.Open(body)
		if err != nil {
			return fmt.Errorf("the set of release %d: %w", from, err)
		}
		got, err := set.Apply(base, digest, delta)
		if err != nil {
			return fmt.Errorf("the delta from release %d: %w", from, err)
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("the delta from release %d leads to another set", from)
		}
		applied++
	}
	fmt.Fprintf(v.words, "deltas: %d are as they were published\ndeltas: from release %d on, %d applied\n", compared, head.Deltas, applied)
	return nil
}

func (v verification) buckets(head release.Head, list set.Set) error {
	n := uint32(1) << head.BucketBits
	bar := progressbar.DefaultSilent(int64(n))
	if onTerminal(v.words) {
		bar = progressbar.NewOptions64(int64(n), progressbar.OptionSetWriter(v.words), progressbar.OptionSetDescription("buckets"),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	digests := explained{map[uint64]bool{}, map[[set.LongBytes]byte]bool{}}
	for i := range n {
		var digest [32]byte
		binary.BigEndian.PutUint32(digest[:], i<<(32-head.BucketBits)) // the first bits of all in this bucket
		body, err := v.get(release.BucketPath(head.Sequence, head.BucketBits, digest), maxBucket)
		if err != nil {
			return fmt.Errorf("bucket %d: %w", i, err)
		}
		if err := v.bucket(head, list, i, body, digests); err != nil {
			return fmt.Errorf("bucket %d: %w", i, err)
		}
		bar.Add(1)
	}
	bar.Finish()
	if missing := digests.missing(list); missing > 0 {
		return fmt.Errorf("the buckets do not explain %d of the set's %s", missing, counted(list.Len(), "entry", "entries"))
	}
	fmt.Fprintf(v.words, "buckets: %d, all under the signed root, explain the whole set: %s\n", n, counted(list.Len(), "entry", "entries"))
	return nil
}

// explained are the digests in the buckets, by the prefixes that a set may have of them.
type explained struct {
	short map[uint64]bool
	long  map[[set.LongBytes]byte]bool
}

func (x explained) missing(list set.Set) (n int) {
	for e := range list.All() {
		if !x.short[e.Prefix] {
			n++
		}
	}
	for l := range list.Longs() {
		if !x.long[l.Prefix] {
			n++
		}
	}
	return n
}

// bucket checks one bucket and notes which entries of the set it explains.
func (v verification) bucket(head release.Head, list set.Set, i uint32, body []byte, x explained) error {
	var b wire.Bucket
	if rest, err := b.UnmarshalMsg(body); err != nil || len(rest) > 0 {
		return errors.New("not readable")
	}
	if err := release.CheckBucket(b.Leaf, b.Proof, i, head.BucketBits, head.BucketRoot); err != nil {
		return err
	}
	var entries wire.Entries
	if rest, err := entries.UnmarshalMsg(b.Leaf); err != nil || len(rest) > 0 {
		return errors.New("not readable")
	}
	for _, e := range entries {
		if len(e.Digest) != 32 || release.BucketIndex(head.BucketBits, [32]byte(e.Digest)) != i {
			return errors.New("an entry belongs to another bucket")
		}
		digest := [32]byte(e.Digest)
		if _, ok := list.Lookup(digest); !ok {
			return errors.New("an entry that the set does not have")
		}
		x.short[set.Prefix(digest)], x.long[[set.LongBytes]byte(digest[:])] = true, true
	}
	return nil
}
