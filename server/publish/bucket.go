package publish

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
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
// its entry in a bucket lies.
type row struct {
	digest [32]byte
	at     uint32
	size   uint16
	class  uint8
}

// parts is over how many files the entries are spread, by the first bits of their digests:
// each is read as a whole when its buckets are made.
const parts = 16

func (r row) part() byte { return r.digest[0] / (256 / parts) }

// rows are the indicators of a release. A million of them take 40 MB; the entries of the
// buckets, which take five times as much, lie in files without a name.
type rows struct {
	list []row
	part [parts]part
	room []byte
}

type part struct {
	file *os.File
	w    *bufio.Writer
	size int64
}

func newRows(count int) (*rows, error) {
	r := &rows{list: make([]row, 0, count)}
	for i := range r.part {
		file, err := os.CreateTemp("", "khien-publish-*")
		if err == nil {
			r.part[i] = part{file: file, w: bufio.NewWriterSize(file, 1<<16)}
			err = os.Remove(file.Name())
		}
		if err != nil {
			r.close()
			return nil, err
		}
	}
	return r, nil
}

func (r *rows) close() {
	for _, p := range r.part {
		if p.file != nil {
			p.file.Close()
		}
	}
}

// load reads the entries of one part.
func (r *rows) load(n byte) ([]byte, error) {
	p := &r.part[n]
	if cap(r.room) < int(p.size) {
		r.room = make([]byte, p.size)
	}
	body := r.room[:p.size]
	_, err := p.file.ReadAt(body, 0)
	return body, err
}

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
	one := row{digest: digest, size: uint16(len(r.room)), class: uint8(i.Category)}
	p := &r.part[one.part()]
	if len(r.room) > 1<<16-1 || p.size+int64(len(r.room)) > 1<<32-1 {
		return fmt.Errorf("%s: what is said about it, or about all, is too long", i.Subject)
	}
	one.at = uint32(p.size)
	p.size += int64(len(r.room))
	r.list = append(r.list, one)
	_, err = p.w.Write(r.room)
	return err
}

// sort brings the indicators into the order of their digests.
func (r *rows) sort() error {
	slices.SortFunc(r.list, func(a, b row) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	for _, p := range r.part {
		if err := p.w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// pack is the buckets of a release, in one blob:
//
//	offsets    where each leaf begins, and the last one ends: 4 bytes each
//	leaves     the entries of each bucket
//	proofs     for each bucket the hashes that lead to the root
type pack struct {
	*blob.Draft
	bits uint8
	root release.Digest
}

// pack writes the buckets.
func (r *rows) pack(blobs *blob.Dir) (*pack, error) {
	draft, err := blobs.Draft()
	if err != nil {
		return nil, err
	}
	p := &pack{Draft: draft, bits: bucketBits(len(r.list))}
	if err := p.write(r); err != nil {
		p.Discard()
		return nil, fmt.Errorf("couldn't make the buckets: %w", err)
	}
	return p, nil
}

func (p *pack) write(r *rows) error {
	count := 1 << p.bits
	offset, ends := uint64(4*(count+1)), make([]int, count)
	head := make([]byte, 0, offset)
	for n, i := 0, 0; n < count; n++ {
		from, size := i, 0
		for ; i < len(r.list) && release.BucketIndex(p.bits, r.list[i].digest) == uint32(n); i++ {
			size += int(r.list[i].size)
		}
		ends[n] = i
		head = binary.LittleEndian.AppendUint32(head, uint32(offset))
		size += len(msgp.AppendArrayHeader(nil, uint32(i-from)))
		if size+int(p.bits)*40+64 > wire.MaxBucket {
			return fmt.Errorf("number %d has more than %d bytes", n, wire.MaxBucket)
		}
		offset += uint64(size)
	}
	head = binary.LittleEndian.AppendUint32(head, uint32(offset))
	if offset+uint64(count)*uint64(p.bits)*32 > 1<<32-1 {
		return errors.New("they have more than 4 GiB")
	}
	out := bufio.NewWriterSize(p.Draft, 1<<18)
	out.Write(head)
	var leaf []byte
	hashes := make([]release.Digest, count)
	var entries []byte
	loaded, from := byte(parts), 0
	for n, end := range ends {
		leaf = msgp.AppendArrayHeader(leaf[:0], uint32(end-from))
		for _, one := range r.list[from:end] {
			if loaded != one.part() {
				loaded = one.part()
				var err error
				if entries, err = r.load(loaded); err != nil {
					return err
				}
			}
			leaf = append(leaf, entries[one.at:one.at+uint32(one.size)]...)
		}
		hashes[n] = release.LeafHash(leaf)
		out.Write(leaf)
		from = end
	}
	tree := release.NewBucketTree(hashes)
	for n := range count {
		for _, hash := range tree.Prove(n) {
			out.Write(hash)
		}
	}
	p.root = tree.Root()
	return out.Flush() // a failed write before is told here
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
