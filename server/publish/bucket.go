package publish

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"khien/server/blob"
	"khien/server/ledger"
	"khien/shared/release"
	"khien/shared/wire"
)

// bucketMean is how many indicators a bucket has at least, on average: few bits are
// asked for as long as the list is short.
const bucketMean = 16

func bucketBits(count int) (bits uint8) {
	for bits < release.MaxBucketBits && count>>(bits+1) >= bucketMean {
		bits++
	}
	return bits
}

// pack makes the buckets of a release: their root, and one blob of all of them, ready
// to be sent. The blob begins with the offset of each bucket and of its end, in 4 bytes.
func pack(list []ledger.Indicator) (root release.Digest, bits uint8, body []byte, err error) {
	bits = bucketBits(len(list))
	buckets := make([]wire.Entries, 1<<bits)
	for _, i := range list {
		digest := i.Subject.Digest()
		n := release.BucketIndex(bits, digest)
		buckets[n] = append(buckets[n], wire.Entry{
			Digest: digest[:], Category: i.Category.Slug(), FirstSeen: i.FirstSeen, Lapses: i.Lapses,
			Reference: i.Reference, Source: i.Source, Reason: reasons(i.Reason),
		})
	}
	leaves := make([][]byte, len(buckets))
	for n, entries := range buckets {
		slices.SortFunc(entries, func(a, b wire.Entry) int { return slices.Compare(a.Digest, b.Digest) })
		if leaves[n], err = entries.MarshalMsg(nil); err != nil {
			return root, 0, nil, fmt.Errorf("couldn't make the buckets: %w", err)
		}
	}
	tree := release.NewBucketTree(leaves)
	body = make([]byte, 4*(len(leaves)+1))
	for n, leaf := range leaves {
		binary.LittleEndian.PutUint32(body[4*n:], uint32(len(body)))
		start := len(body)
		bucket := wire.Bucket{Leaf: leaf, Proof: tree.Prove(n)}
		if body, err = bucket.MarshalMsg(body); err != nil {
			return root, 0, nil, fmt.Errorf("couldn't make the buckets: %w", err)
		}
		if len(body)-start > wire.MaxBucket {
			return root, 0, nil, fmt.Errorf("couldn't make the buckets: number %d has more than %d bytes", n, wire.MaxBucket)
		}
	}
	binary.LittleEndian.PutUint32(body[4*len(leaves):], uint32(len(body)))
	return tree.Root(), bits, body, nil
}

func reasons(byLanguage map[string]string) []wire.Text {
	list := make([]wire.Text, 0, len(byLanguage))
	for lang, text := range byLanguage {
		list = append(list, wire.Text{Lang: lang, Text: text})
	}
	slices.SortFunc(list, func(a, b wire.Text) int { return cmp.Compare(a.Lang, b.Lang) })
	return list
}

func packName(sequence uint64) string { return "buckets/" + strconv.FormatUint(sequence, 10) }

// Bucket cuts one bucket out of a release; prefix is the last part of its path. What is
// not there is blob.ErrNotFound.
func Bucket(blobs *blob.Dir, sequence uint64, prefix string) ([]byte, error) {
	first, err := blobs.Slice(packName(sequence), 0, 4)
	if err != nil {
		return nil, err
	}
	count := binary.LittleEndian.Uint32(first)/4 - 1
	n, err := strconv.ParseUint(prefix, 16, 32)
	if err != nil || uint32(n) >= count || prefix != release.BucketName(bitsOf(count), uint32(n)) {
		return nil, blob.ErrNotFound
	}
	ends, err := blobs.Slice(packName(sequence), int64(4*n), 8)
	if err != nil {
		return nil, err
	}
	from, to := binary.LittleEndian.Uint32(ends), binary.LittleEndian.Uint32(ends[4:])
	return blobs.Slice(packName(sequence), int64(from), int64(to)-int64(from))
}

func bitsOf(count uint32) (bits uint8) {
	for 1<<bits < count {
		bits++
	}
	return bits
}
