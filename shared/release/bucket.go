package release

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxBucketBits bounds how much of a digest a client tells: 16 bits are shared by
// some 15,000 of the thousand million host names there are.
const MaxBucketBits = 16

// BucketIndex is the number of the bucket that a digest falls into: its first bits.
func BucketIndex(bits uint8, digest [32]byte) uint32 {
	return binary.BigEndian.Uint32(digest[:4]) >> 16 >> (16 - bits)
}

// BucketName is the last part of a bucket's path: its number in ⌈bits/4⌉ lower-case hex digits, at least one.
func BucketName(bits uint8, index uint32) string {
	return fmt.Sprintf("%0*x", max(1, (int(bits)+3)/4), index)
}

// BucketTree is the Merkle tree (RFC 6962 section 2.1) over the leaves of all buckets,
// a power of two of them.
type BucketTree struct {
	levels [][]tlog.Hash // from the leaves to the root
}

// LeafHash is the hash of a bucket's leaf.
func LeafHash(leaf []byte) Digest { return Digest(tlog.RecordHash(leaf)) }

// NewBucketTree takes the hashes of the leaves, one for each bucket in the order of their numbers.
func NewBucketTree(hashes []Digest) BucketTree {
	level := make([]tlog.Hash, len(hashes))
	for i, hash := range hashes {
		level[i] = tlog.Hash(hash)
	}
	t := BucketTree{[][]tlog.Hash{level}}
	for len(level) > 1 {
		above := make([]tlog.Hash, len(level)/2)
		for i := range above {
			above[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		t.levels = append(t.levels, above)
		level = above
	}
	return t
}

// Root is what the head signs.
func (t BucketTree) Root() Digest { return Digest(t.levels[len(t.levels)-1][0]) }

// Prove returns the hashes that lead from bucket i to the root, 32 bytes each.
func (t BucketTree) Prove(i int) [][]byte {
	proof := make([][]byte, 0, len(t.levels)-1)
	for _, level := range t.levels[:len(t.levels)-1] {
		sibling := level[i^1]
		proof = append(proof, sibling[:])
		i /= 2
	}
	return proof
}

// CheckBucket tells whether leaf is bucket i of the release with this root, or returns ErrProof.
func CheckBucket(leaf []byte, proof [][]byte, i uint32, bits uint8, root Digest) error {
	if len(proof) != int(bits) || bits > MaxBucketBits || i>>bits != 0 {
		return ErrProof
	}
	hashes := make(tlog.RecordProof, len(proof))
	for n, h := range proof {
		if len(h) != tlog.HashSize {
			return ErrProof
		}
		hashes[n] = tlog.Hash(h)
	}
	if tlog.CheckRecord(hashes, 1<<bits, tlog.Hash(root), int64(i), tlog.RecordHash(leaf)) != nil {
		return ErrProof
	}
	return nil
}
