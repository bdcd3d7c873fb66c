package publish

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/tinylib/msgp/msgp"

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

// row is one indicator of a release that is being made: its place in the set, and where
// its entry in a bucket lies. A million of them take 48 MB, with their entries 200.
type row struct {
	digest [32]byte
	at     uint32
	size   uint16
	class  uint8
}

// rows are the indicators of a release. The entries of the buckets lie in a file without a name.
type rows struct {
	list []row
	file *os.File
	w    *bufio.Writer
	at   int64
	room []byte
}

func newRows(count int) (*rows, error) {
	file, err := os.CreateTemp("", "khien-publish-*")
	if err != nil {
		return nil, err
	}
	return &rows{list: make([]row, 0, count), file: file, w: bufio.NewWriterSize(file, 1<<18)}, os.Remove(file.Name())
}

func (r *rows) close() { r.file.Close() }

func (r *rows) add(i ledger.Indicator) error {
	digest := i.Subject.Digest()
	entry := wire.Entry{
		Digest: digest[:], Category: i.Category.Slug(), FirstSeen: i.FirstSeen, Lapses: i.Lapses,
		Reference: i.Reference, Source: i.Source, Reason: reasons(i.Reason),
	}
	var err error
	if r.room, err = entry.MarshalMsg(r.room[:0]); err != nil {
		return err
	}
	if len(r.room) > 1<<16-1 || r.at+int64(len(r.room)) > 1<<32-1 {
		return fmt.Errorf("%s: what is said about it, or about all, is too long", i.Subject)
	}
	r.list = append(r.list, row{digest, uint32(r.at), uint16(len(r.room)), uint8(i.Category)})
	r.at += int64(len(r.room))
	_, err = r.w.Write(r.room)
	return err
}

// sort brings the indicators into the order of their digests.
func (r *rows) sort() error {
	slices.SortFunc(r.list, func(a, b row) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	return r.w.Flush()
}

// pack is how the buckets of a release are stored, in one blob:
//
//	offsets    where each leaf begins, and the last one ends: 4 bytes each
//	leaves     the entries of each bucket
//	proofs     for each bucket the hashes that lead to the root
type pack struct {
	rows    *rows
	bits    uint8
	ends    []int    // of each bucket, in rows
	offsets []uint32 // of each leaf, and of the end
	tree    release.BucketTree
}

// pack finds the root of the buckets.
func (r *rows) pack() (*pack, error) {
	p := &pack{rows: r, bits: bucketBits(len(r.list))}
	count := 1 << p.bits
	offset := uint64(4 * (count + 1))
	for n, i := 0, 0; n < count; n++ {
		from, size := i, 0
		for ; i < len(r.list) && release.BucketIndex(p.bits, r.list[i].digest) == uint32(n); i++ {
			size += int(r.list[i].size)
		}
		p.ends, p.offsets = append(p.ends, i), append(p.offsets, uint32(offset))
		size += len(msgp.AppendArrayHeader(nil, uint32(i-from)))
		if size+int(p.bits)*40+64 > wire.MaxBucket {
			return nil, fmt.Errorf("couldn't make the buckets: number %d has more than %d bytes", n, wire.MaxBucket)
		}
		offset += uint64(size)
	}
	p.offsets = append(p.offsets, uint32(offset))
	if offset+uint64(count)*uint64(p.bits)*32 > 1<<32-1 {
		return nil, fmt.Errorf("couldn't make the buckets: they have more than 4 GiB")
	}
	hashes := make([]release.Digest, count)
	err := p.leaves(func(n int, leaf []byte) error {
		hashes[n] = release.LeafHash(leaf)
		return nil
	})
	p.tree = release.NewBucketTree(hashes)
	return p, err
}

// leaves gives f the leaf of each bucket, which it must not keep.
func (p *pack) leaves(f func(n int, leaf []byte) error) error {
	var leaf []byte
	from := 0
	for n, end := range p.ends {
		leaf = msgp.AppendArrayHeader(leaf[:0], uint32(end-from))
		for _, r := range p.rows.list[from:end] {
			at := len(leaf)
			leaf = slices.Grow(leaf, int(r.size))[:at+int(r.size)]
			if _, err := p.rows.file.ReadAt(leaf[at:], int64(r.at)); err != nil {
				return err
			}
		}
		if err := f(n, leaf); err != nil {
			return err
		}
		from = end
	}
	return nil
}

// write writes the pack.
func (p *pack) write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<18)
	var number [4]byte
	for _, offset := range p.offsets {
		binary.LittleEndian.PutUint32(number[:], offset)
		out.Write(number[:])
	}
	if err := p.leaves(func(_ int, leaf []byte) error {
		_, err := out.Write(leaf)
		return err
	}); err != nil {
		return err
	}
	for n := range p.ends {
		for _, hash := range p.tree.Prove(n) {
			out.Write(hash)
		}
	}
	return out.Flush()
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
	bits := bitsOf(count)
	n, err := strconv.ParseUint(prefix, 16, 32)
	if err != nil || uint32(n) >= count || prefix != release.BucketName(bits, uint32(n)) {
		return nil, blob.ErrNotFound
	}
	ends, err := blobs.Slice(packName(sequence), int64(4*n), 8)
	if err != nil {
		return nil, err
	}
	last, err := blobs.Slice(packName(sequence), int64(4*count), 4)
	if err != nil {
		return nil, err
	}
	from, to := int64(binary.LittleEndian.Uint32(ends)), int64(binary.LittleEndian.Uint32(ends[4:]))
	var b wire.Bucket
	if b.Leaf, err = blobs.Slice(packName(sequence), from, to-from); err != nil {
		return nil, err
	}
	size := int64(bits) * 32
	proof, err := blobs.Slice(packName(sequence), int64(binary.LittleEndian.Uint32(last))+int64(n)*size, size)
	if err != nil {
		return nil, err
	}
	for hash := range slices.Chunk(proof, 32) {
		b.Proof = append(b.Proof, hash)
	}
	return b.MarshalMsg(nil)
}

func bitsOf(count uint32) (bits uint8) {
	for 1<<bits < count {
		bits++
	}
	return bits
}
