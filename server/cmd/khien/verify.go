package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"khien/server/blob"
	"khien/server/triage"
	"khien/shared/guide"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/wire"
)

func verifyCommand(d *dir) *cobra.Command {
	var server, root string
	cmd := &cobra.Command{
		Use: "verify", Short: "Verify everything that is published",
		Long: `Checks the signatures of the keys and the head, that neither has expired, the digest and
the canonical form of the set, the guide, that each delta leads from the older release to this one,
that every bucket is under the root that the head signs, and that the buckets explain
exactly the entries of the set. Deltas are applied in a data directory only; a server does
not say which older sets they are for.`,
		Example: `  $ khien verify
  $ khien verify --server https://khien.example --root root.pub`,
		Args: none,
	}
	cmd.Flags().StringVar(&server, "server", "", "verify what this server publishes")
	cmd.Flags().StringVar(&root, "root", "", "the server's root key, or a file with it (default: the data directory's)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v := verification{now: time.Now().Unix(), words: cmd.ErrOrStderr()}
		var err error
		if server != "" {
			if v.root, err = serverRoot(d, root); err != nil {
				return err
			}
			c, err := newClient(cmd.Context(), server)
			if err != nil {
				return err
			}
			v.get = c.get
		} else {
			if v.root, err = d.rootKey(); err != nil {
				return err
			}
			blobs, err := d.blobs()
			if err != nil {
				return err
			}
			if _, err := blobs.Head(); errors.Is(err, blob.ErrNotFound) {
				return fmt.Errorf("there is no release yet in %s: run \"khien publish\"", d.path)
			}
			v.get = store{blobs}.get
			book, err := d.ledger()
			if err != nil {
				return err
			}
			defer book.Close()
			older, err := book.Releases(cmd.Context(), 0)
			if err != nil {
				return err
			}
			v.older = map[uint64]release.Digest{}
			for _, r := range older {
				v.older[r.Sequence] = r.Set
			}
		}
		return v.run()
	}
	return cmd
}

// verification walks through one release, from the root key to the last bucket.
type verification struct {
	root  string
	get   getter
	now   int64
	words io.Writer
	older map[uint64]release.Digest // the sets of older releases; nil where they are not known
}

func (v verification) run() error {
	r, err := fetchRelease(v.get)
	if err != nil {
		return err
	}
	keys, err := release.OpenKeys(r.keys, v.root, v.now)
	if err != nil {
		return fmt.Errorf("the release keys: %w", err)
	}
	fmt.Fprintf(v.words, "keys %d: signed by the root key, valid until %s\n", keys.Sequence, minute(keys.Expires))
	head, err := release.OpenHead(r.head, keys, v.now)
	if err != nil {
		return fmt.Errorf("the head: %w", err)
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
		return fmt.Errorf("the set has %s, the head says %d", triage.Counted(list.Len(), "entry", "entries"), head.Count)
	}
	fmt.Fprintf(v.words, "set: %s in %d bytes, canonical\n", triage.Counted(list.Len(), "entry", "entries"), len(r.set))
	if err := release.CheckBlob(r.guide, release.DigestOf(r.guide), head.Guide, head.GuideSize); err != nil {
		return fmt.Errorf("the guide: %w", err)
	}
	g, err := guide.Open(r.guide)
	if err != nil {
		return fmt.Errorf("the guide: %w", err)
	}
	told := g.Told()
	fmt.Fprintf(v.words, "guide: %s, help for %s, %s, %s in %d bytes\n",
		triage.Counted(g.Book().Len(), "official name", "official names"), triage.Counted(len(told.Help), "country", "countries"),
		triage.Counted(len(told.Cards), "card", "cards"), triage.Counted(len(told.Hot), "hot host", "hot hosts"), len(r.guide))
	if err := v.deltas(head, r.set); err != nil {
		return err
	}
	return v.buckets(head, list)
}

// deltas applies each delta whose base is known and was published. The number of a
// release that a crash prevented has neither a set nor a delta.
func (v verification) deltas(head release.Head, want []byte) error {
	if v.older == nil {
		fmt.Fprintf(v.words, "deltas: from release %d on, not applied\n", head.Deltas)
		return nil
	}
	applied := 0
	for from := head.Deltas; from < head.Sequence; from++ {
		digest, ok := v.older[from]
		if !ok {
			continue
		}
		body, err := v.get(release.BlobPath(digest), release.MaxSet)
		if errors.Is(err, blob.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("the set of release %d: %w", from, err)
		}
		base, err := set.Open(body)
		if err != nil {
			return fmt.Errorf("the set of release %d: %w", from, err)
		}
		delta, err := v.get(release.DeltaPath(head.Set, from), release.MaxSet)
		if err != nil {
			return fmt.Errorf("the delta from release %d: %w", from, err)
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
	fmt.Fprintf(v.words, "deltas: from release %d on, %d applied\n", head.Deltas, applied)
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
		return fmt.Errorf("the buckets do not explain %d of the set's %s", missing, triage.Counted(list.Len(), "entry", "entries"))
	}
	fmt.Fprintf(v.words, "buckets: %d, all under the signed root, explain the whole set: %s\n", n, triage.Counted(list.Len(), "entry", "entries"))
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
