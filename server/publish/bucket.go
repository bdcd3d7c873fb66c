package publish

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"khien/server/blob"
	"khien/server/ledger"
	"khien/shared/category"
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
	name  name
	at    uint32
	size  uint16
	class uint8
}

// parts is over how many files the entries are spread, by the first bits of their digests:
// each is read as a whole when its buckets are made.
const parts = 16

func (r row) part() byte { return r.name[0] / (256 / parts) }

// rows are the indicators of a release. A million of them take 24 MB; the entries of the
// buckets, which take eight times as much, lie in files without a name.
type rows struct {
	list []row
	part [parts]spill
	room []byte
}

type spill struct {
	file *os.File
	w    *bufio.Writer
	size int64
}

// newRows are as many as the release before had, and some more.
func newRows(before release.Head) (*rows, error) {
	r := &rows{list: make([]row, 0, min(before.Count, 4<<20)+1024)}
	for i := range r.part {
		file, err := os.CreateTemp("", "khien-publish-*")
		if err == nil {
			r.part[i] = spill{file: file, w: bufio.NewWriterSize(file, 1<<16)}
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

// encode makes the entry of an indicator whose subject has this digest, in room. Where that is an Unfit, it is there
// without what could not be.
func (r *rows) encode(digest [32]byte, i ledger.Indicator) (err error) {
	entry := wire.Entry{
		Digest: digest[:], Category: i.Category.Slug(), FirstSeen: i.FirstSeen, Lapses: i.Lapses,
		Reference: i.Reference, Source: i.By(), Reason: reasons(i.Reason),
	}
	if r.room, err = entry.MarshalMsg(r.room[:0]); err != nil || len(r.room) <= maxEntry {
		return err
	}
	entry.Reason, entry.Source, entry.Reference = nil, carried(entry.Source), carried(entry.Reference)
	if r.room, err = entry.MarshalMsg(r.room[:0]); err != nil {
		return err
	}
	return &Unfit{string(i.Subject), ErrWordy}
}

// keep adds an entry as a release has it.
func (r *rows) keep(e wire.Entry) (err error) {
	if r.room, err = e.MarshalMsg(r.room[:0]); err != nil {
		return err
	}
	kind, _ := category.Parse(e.Category)
	return r.append([32]byte(e.Digest), kind)
}

// append adds the entry in room.
func (r *rows) append(digest [32]byte, kind category.Category) error {
	one := row{name: nameOf(digest), size: uint16(len(r.room)), class: uint8(kind)}
	p := &r.part[one.part()]
	if p.size+int64(len(r.room)) > 1<<32-1 {
		return errors.New("what is said about all is too long")
	}
	one.at = uint32(p.size)
	p.size += int64(len(r.room))
	r.list = append(r.list, one)
	_, err := p.w.Write(r.room)
	return err
}

// carried is the beginning of a text that is too long.
func carried(text string) string {
	if len(text) <= maxCarried {
		return text
	}
	return strings.ToValidUTF8(text[:maxCarried], "")
}

// sort brings the indicators into the order of their digests.
func (r *rows) sort() error {
	slices.SortFunc(r.list, func(a, b row) int { return a.name.compare(b.name) })
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
		for ; i < len(r.list) && release.BucketIndex(p.bits, r.list[i].name.digest()) == uint32(n); i++ {
			size += int(r.list[i].size)
		}
		ends[n] = i
		head = binary.LittleEndian.AppendUint32(head, uint32(offset))
		size += len(msgp.AppendArrayHeader(nil, uint32(i-from)))
		if size+bucketOverhead(p.bits)-64 > wire.MaxBucket {
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
		if strings.TrimSpace(text) == "" {
			continue
		}
		list = append(list, wire.Text{Lang: lang, Text: text})
	}
	slices.SortFunc(list, func(a, b wire.Text) int { return cmp.Compare(a.Lang, b.Lang) })
	return list
}

func packName(sequence uint64) string { return "buckets/" + strconv.FormatUint(sequence, 10) }

// maxLeaf bounds what is read of one bucket.
const maxLeaf = wire.MaxBucket

// packFile is the buckets of a release, open to be read. Each that is read is proven.
type packFile struct {
	*blob.File
	head release.Head
}

func openPack(blobs *blob.Dir, h release.Head) (*packFile, error) {
	f, err := blobs.Open(packName(h.Sequence))
	if err != nil {
		return nil, fmt.Errorf("%s: %w (%w)", packName(h.Sequence), ErrDamaged, err)
	}
	return &packFile{f, h}, nil
}

// bucket reads bucket n, or returns ErrDamaged where it is not under the root of the head.
func (f *packFile) bucket(n uint32) (b wire.Bucket, err error) {
	b.Leaf, b.Proof, err = f.pieces(n)
	if err == nil {
		err = release.CheckBucket(b.Leaf, b.Proof, n, f.head.BucketBits, f.head.BucketRoot)
	}
	if err != nil {
		return b, fmt.Errorf("%s: %w (%w)", packName(f.head.Sequence), ErrDamaged, err)
	}
	return b, nil
}

// pieces reads a leaf and its proof, whatever they are.
func (f *packFile) pieces(n uint32) (leaf []byte, proof [][]byte, err error) {
	ends, err := f.Slice(4*int64(n), 8)
	if err != nil {
		return nil, nil, err
	}
	last, err := f.Slice(4<<f.head.BucketBits, 4)
	if err != nil {
		return nil, nil, err
	}
	from, to := int64(binary.LittleEndian.Uint32(ends)), int64(binary.LittleEndian.Uint32(ends[4:]))
	if to-from > maxLeaf {
		return nil, nil, release.ErrOversized
	}
	if leaf, err = f.Slice(from, to-from); err != nil {
		return nil, nil, err
	}
	size := int64(f.head.BucketBits) * 32
	hashes, err := f.Slice(int64(binary.LittleEndian.Uint32(last))+int64(n)*size, size)
	return leaf, slices.Collect(slices.Chunk(hashes, 32)), err
}

// checkPack proves every bucket of the release of a head and gives its entries to take, which may be nil, one bucket
// after the other. The error is ErrDamaged, or that of take.
func checkPack(blobs *blob.Dir, h release.Head, take func(wire.Entries) error) error {
	f, err := openPack(blobs, h)
	if err != nil {
		return err
	}
	defer f.Close()
	damaged := func(err error) error { return fmt.Errorf("%s: %w (%w)", packName(h.Sequence), ErrDamaged, err) }
	count := int64(1) << h.BucketBits
	ends, err := f.Slice(0, 4*(count+1))
	if err != nil {
		return damaged(err)
	}
	end := func(n int64) int64 { return int64(binary.LittleEndian.Uint32(ends[4*n:])) }
	first, last, path := end(0), end(count), int64(h.BucketBits)*32
	if first != int64(len(ends)) || last < first || f.Size() != last+path*count {
		return damaged(release.ErrFormat)
	}
	leaves, proofs := bufio.NewReaderSize(f.Reader(first, last-first), 1<<18), bufio.NewReaderSize(f.Reader(last, path*count), 1<<18)
	leaf, hashes := make([]byte, 0, maxLeaf), make([]byte, path)
	proof := slices.Collect(slices.Chunk(hashes, 32))
	var entries wire.Entries
	for n := range count {
		size := end(n+1) - end(n)
		if size < 0 || size > maxLeaf {
			return damaged(release.ErrOversized)
		}
		leaf = leaf[:size]
		if _, err := io.ReadFull(leaves, leaf); err != nil {
			return damaged(err)
		}
		if _, err := io.ReadFull(proofs, hashes); err != nil {
			return damaged(err)
		}
		if err := release.CheckBucket(leaf, proof, uint32(n), h.BucketBits, h.BucketRoot); err != nil {
			return damaged(err)
		}
		if rest, err := entries.UnmarshalMsg(leaf); err != nil || len(rest) > 0 {
			return damaged(release.ErrFormat)
		}
		for _, e := range entries {
			if len(e.Digest) != 32 {
				return damaged(release.ErrFormat)
			}
		}
		if take != nil {
			if err := take(entries); err != nil {
				return err
			}
		}
	}
	return nil
}

// Bucket cuts one bucket out of the release of a head; prefix is the last part of its path. What is not asked for so is
// blob.ErrNotFound; what is not under the root of the head is ErrDamaged.
func Bucket(blobs *blob.Dir, h release.Head, prefix string) ([]byte, error) {
	n, err := strconv.ParseUint(prefix, 16, 32)
	if err != nil || n>>h.BucketBits != 0 || prefix != release.BucketName(h.BucketBits, uint32(n)) {
		return nil, blob.ErrNotFound
	}
	f, err := openPack(blobs, h)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := f.bucket(uint32(n))
	if err != nil {
		return nil, err
	}
	return b.MarshalMsg(nil)
}
