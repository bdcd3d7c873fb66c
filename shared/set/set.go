// Package set is the compact set of indicators: 40-bit prefixes of SHA-256
// digests, each with a class, looked up in the very bytes that were signed and
// downloaded. Opening decodes nothing but the header.
//
// # Format
//
// Numbers are little-endian. A stream of bits begins with the lowest bit of its
// first byte and is followed by eight zero bytes.
//
//	 0  4  "KS\x01\x00"
//	 4  4  n, the number of entries
//	 8  4  t, the length of the stream in bits
//	12  1  k, the Rice parameter of the prefixes
//	13  1  1 if the directory is wide, else 0
//	14  1  the commonest class, the lowest of several
//	15  1  r, the Rice parameter of runs; 255 if there are none
//	16 33  the class code: the class where only one is coded, else 0 for the smallest
//	       class in use; then a code length of four bits for each of the 64 classes
//	49     directory, then the stream
//
// There are m = max(1, ⌈n/64⌉) buckets; an entry with prefix p is in bucket
// ⌊p·m/2^40⌋. A bucket codes its entries in order: the distance to the smallest
// prefix that the bucket can hold, or to the one after the entry before, as a
// Rice code (quotient by 2^k in unary: zeros, then a one; then the low k bits;
// Rice 1979). An entry is not counted: a bucket ends where the next begins.
//
// Classes: where all entries have the commonest class, they take no bits. Where more
// than half have it, a bucket begins with a run, the number of entries before the
// first of another class or before its end, Rice-coded with r; an entry of another
// class has its canonical Huffman code behind its prefix, and then, unless the
// bucket ends there, the next run. Otherwise every entry has its Huffman code.
//
// The directory tells where each bucket begins in the stream. Groups of 16
// buckets have a number of 4 bytes and then 2 bytes a bucket, relative to it. If
// one of these does not fit, the directory is wide and has 4 bytes a bucket.
//
// One set of entries has exactly one encoding: every parameter is a function of
// n and of the number of entries in each class.
//
// # Example
//
// The two entries {0x0000000001, class 1} and {0x8000000000, class 2} (n = 2,
// one bucket, k = 38):
//
//	4b530100 02000000 51000000 26 00              "KS\1\0", n, t = 81, k, narrow
//	01 ff                                         commonest class, no runs
//	01 10010000 00000000 00000000 00000000        lengths: one bit for classes 1 and 2
//	   00000000 00000000 00000000 00000000
//	00000000 0000                                 directory: one group, one bucket
//	0300000000 faffffffff01 0000000000000000      stream, padding
//
// See the test for how the stream reads: 1 (quotient 0), 38 bits of 1, class bit
// 0; then 01 (quotient 1), 38 bits of 0x3ffffffffe, class bit 1.
package set

import (
	"encoding/binary"
	"errors"
	"iter"
	"math/bits"
	"slices"
)

// PrefixBits is the length of a prefix.
const PrefixBits = 40

// Bounds on what is opened.
const (
	MaxEntries = 1 << 24
	MaxBytes   = 64 << 20
)

var (
	// ErrMagic is data that is no set, or of a newer format.
	ErrMagic = errors.New("not a set of this format")
	// ErrTruncated is data that ends too early.
	ErrTruncated = errors.New("the set is cut off")
	// ErrOversized is data with something behind its end, or above the bounds.
	ErrOversized = errors.New("the set is too large")
	// ErrCorrupt is data that is not the encoding of any set.
	ErrCorrupt = errors.New("the set is damaged")
	// ErrConflict is one prefix with two classes.
	ErrConflict = errors.New("one prefix has two classes")
	// ErrEntry is a prefix above 40 bits or a class above 63.
	ErrEntry = errors.New("the entry does not fit a set")
)

// Entry is one indicator: the first 40 bits of its digest, and its class, 0 to 63.
type Entry struct {
	Prefix uint64
	Class  uint8
}

// Prefix is the prefix under which a digest is looked up: its first 40 bits, big-endian.
func Prefix(digest [32]byte) uint64 {
	return binary.BigEndian.Uint64(digest[:8]) >> (64 - PrefixBits)
}

const (
	magic      = "KS\x01\x00"
	headerSize = 16 + tableSize
	bucketMean = 64
	groupSize  = 16
	groupBytes = 4 + 2*groupSize
	universe   = 1 << PrefixBits
	noRuns     = 255
)

const narrow, wide byte = 0, 1

// Set is an opened set. It reads the bytes it was opened with, which must not change.
type Set struct {
	data    []byte
	stream  []byte // with pad
	dir     []byte
	n       int
	buckets uint64
	end     uint64 // of the stream, in bits
	k       uint
	wide    bool
	classes classing
}

func bucketsFor(n int) uint64 { return max(1, uint64(n+bucketMean-1)/bucketMean) }

// bucketOf is ⌊p·m/2^40⌋: the product has up to 58 bits.
func bucketOf(prefix, buckets uint64) uint64 { return prefix * buckets >> PrefixBits }

// baseOf is the smallest prefix in a bucket.
func baseOf(bucket, buckets uint64) uint64 { return (bucket<<PrefixBits + buckets - 1) / buckets }

func directorySize(buckets uint64, isWide bool) int {
	if isWide {
		return int(4 * buckets)
	}
	groups := (buckets + groupSize - 1) / groupSize
	return int(4*groups + 2*buckets)
}

// Open reads the header and the size of everything, not the entries: data that
// passes is safe to look things up in, and the digest tells whether it is right.
// The errors are ErrMagic, ErrTruncated, ErrOversized and ErrCorrupt.
func Open(data []byte) (Set, error) {
	if len(data) < headerSize {
		if n := min(len(data), len(magic)); string(data[:n]) != magic[:n] {
			return Set{}, ErrMagic
		}
		return Set{}, ErrTruncated
	}
	if string(data[:4]) != magic {
		return Set{}, ErrMagic
	}
	n := binary.LittleEndian.Uint32(data[4:])
	if n > MaxEntries || len(data) > MaxBytes {
		return Set{}, ErrOversized
	}
	s := Set{
		data: data, n: int(n), buckets: bucketsFor(int(n)),
		end: uint64(binary.LittleEndian.Uint32(data[8:])), k: uint(data[12]), wide: data[13] == wide,
	}
	var ok bool
	if s.classes, ok = parseClassing(data[14:headerSize]); !ok || data[13] > wide || s.k != riceParameter(universe, uint64(n)) {
		return Set{}, ErrCorrupt
	}
	dirEnd := headerSize + directorySize(s.buckets, s.wide)
	size := uint64(dirEnd) + (s.end+7)/8 + pad
	switch {
	case uint64(len(data)) < size:
		return Set{}, ErrTruncated
	case uint64(len(data)) > size:
		return Set{}, ErrOversized
	}
	s.dir, s.stream = data[headerSize:dirEnd], data[dirEnd:]
	if s.end < uint64(n)*uint64(s.k+1) {
		return Set{}, ErrCorrupt
	}
	return s, nil
}

// Len is the number of entries.
func (s *Set) Len() int { return s.n }

// Bytes are the bytes the set was opened with.
func (s *Set) Bytes() []byte { return s.data }

// offset is where a bucket begins in the stream.
func (s *Set) offset(bucket uint64) uint64 {
	switch {
	case bucket >= s.buckets:
		return s.end
	case s.wide:
		return uint64(binary.LittleEndian.Uint32(s.dir[4*bucket:]))
	}
	group := s.dir[bucket/groupSize*groupBytes:]
	return uint64(binary.LittleEndian.Uint32(group)) + uint64(binary.LittleEndian.Uint16(group[4+bucket%groupSize*2:]))
}

// cursor reads the entries of one bucket.
type cursor struct {
	bitReader
	set  *Set
	end  uint64
	next uint64 // the smallest prefix that can come
	run  uint64 // entries of the commonest class before one of another
}

func (s *Set) cursor(bucket uint64) cursor {
	c := cursor{
		bitReader: bitReader{s.stream, s.offset(bucket)}, set: s, end: min(s.offset(bucket+1), s.end),
		next: baseOf(bucket, s.buckets),
	}
	if s.classes.runs != noRuns && c.at < c.end {
		c.run = c.rice(uint(s.classes.runs), c.end)
	}
	return c
}

// class reads what follows a prefix.
func (c *cursor) class() uint8 {
	s := c.set
	if s.classes.runs == noRuns {
		return s.classes.code.read(&c.bitReader)
	}
	if c.run > 0 {
		c.run--
		return s.classes.common
	}
	class := s.classes.code.read(&c.bitReader)
	if c.at < c.end {
		c.run = c.rice(uint(s.classes.runs), c.end)
	}
	return class
}

// Lookup tells the class of a prefix, and whether the set has it. It allocates
// nothing; its work is bounded by one bucket, 64 entries on average.
func (s *Set) Lookup(prefix uint64) (class uint8, ok bool) {
	if prefix >= universe || s.buckets == 0 {
		return 0, false
	}
	c := s.cursor(bucketOf(prefix, s.buckets))
	// What follows is cursor.rice and cursor.class with everything at hand in registers:
	// half a bucket is passed over on the way to an entry.
	data, end, k, next, run, runs := s.stream, c.end, s.k&63, c.next, c.run, s.classes.runs != noRuns
	plain := !runs && s.classes.code.max == 0
	mask := uint64(1)<<k - 1
	for at := c.at; at < end; next++ {
		i := at >> 3
		if i+8 > uint64(len(data)) {
			break
		}
		word := binary.LittleEndian.Uint64(data[i:]) >> (at & 7)
		z := uint(bits.TrailingZeros64(word))
		if z+k < 56 {
			next += uint64(z)<<k | word>>1>>(z&63)&mask
			at += uint64(z + 1 + k)
		} else {
			c.at = at
			next += c.longRice(k, end)
			at = c.at
		}
		if next > prefix {
			return 0, false
		}
		switch {
		case runs && run > 0:
			run--
			class = s.classes.common
		case plain:
			class = s.classes.code.only
		default:
			c.at, c.run = at, 0
			class = c.class()
			at, run = c.at, c.run
		}
		if next == prefix {
			return class, at <= end
		}
	}
	return 0, false
}

// All yields the entries in the order of their prefixes.
func (s *Set) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for bucket := range s.buckets {
			for c := s.cursor(bucket); c.at < c.end; c.next++ {
				c.next += c.rice(s.k, c.end)
				class := c.class()
				if c.at > c.end || !yield(Entry{c.next, class}) {
					return
				}
			}
		}
	}
}

// Build encodes entries, which it sorts. An entry may be given twice; one prefix
// with two classes is ErrConflict.
func Build(entries []Entry) ([]byte, error) {
	slices.SortFunc(entries, func(a, b Entry) int {
		if a.Prefix != b.Prefix {
			if a.Prefix < b.Prefix {
				return -1
			}
			return 1
		}
		return int(a.Class) - int(b.Class)
	})
	entries = slices.Compact(entries)
	for i, e := range entries {
		if e.Prefix >= universe || e.Class >= classes {
			return nil, ErrEntry
		}
		if i > 0 && entries[i-1].Prefix == e.Prefix {
			return nil, ErrConflict
		}
	}
	return encode(slices.Values(entries))
}

// encode writes a set whose entries are yielded in order, the same ones each time it is asked.
func encode(entries iter.Seq[Entry]) ([]byte, error) {
	var counts [classes]uint32
	n := 0
	for e := range entries {
		counts[e.Class]++
		n++
	}
	if n > MaxEntries {
		return nil, ErrOversized
	}
	e := encoder{buckets: bucketsFor(n), k: riceParameter(universe, uint64(n)), classes: classingFor(&counts)}
	e.w.out = make([]byte, 0, n*int(e.k+3)/8+pad)
	e.offsets = make([]uint32, 0, e.buckets)
	for entry := range entries {
		bucket := bucketOf(entry.Prefix, e.buckets)
		for uint64(len(e.offsets)) <= bucket {
			e.flush()
			e.offsets = append(e.offsets, uint32(e.w.n))
		}
		e.bucket = append(e.bucket, entry)
	}
	e.flush()
	for uint64(len(e.offsets)) < e.buckets {
		e.offsets = append(e.offsets, uint32(e.w.n))
	}
	if e.w.n > 8*MaxBytes {
		return nil, ErrOversized
	}

	out := append(make([]byte, 0, headerSize+4*len(e.offsets)+len(e.w.out)+2*pad), magic...)
	out = binary.LittleEndian.AppendUint32(out, uint32(n))
	out = binary.LittleEndian.AppendUint32(out, uint32(e.w.n))
	out = append(out, byte(e.k), directoryKind(e.offsets))
	out = e.classes.append(out)
	out = appendDirectory(out, e.offsets)
	out = append(out, e.w.finish()...)
	if len(out) > MaxBytes {
		return nil, ErrOversized
	}
	return out, nil
}

// encoder writes one bucket after the other.
type encoder struct {
	w       bitWriter
	buckets uint64
	k       uint
	classes classing
	offsets []uint32 // where each bucket that was begun begins
	bucket  []Entry  // of the last one of these
}

// flush writes the bucket that was begun last.
func (e *encoder) flush() {
	next := baseOf(uint64(max(0, len(e.offsets)-1)), e.buckets)
	for i, entry := range e.bucket {
		if e.classes.runs != noRuns && (i == 0 || e.bucket[i-1].Class != e.classes.common) {
			run := uint64(0)
			for i+int(run) < len(e.bucket) && e.bucket[i+int(run)].Class == e.classes.common {
				run++
			}
			e.w.rice(run, uint(e.classes.runs))
		}
		e.w.rice(entry.Prefix-next, e.k)
		if e.classes.runs == noRuns || entry.Class != e.classes.common {
			e.classes.code.write(&e.w, entry.Class)
		}
		next = entry.Prefix + 1
	}
	e.bucket = e.bucket[:0]
}

func directoryKind(offsets []uint32) byte {
	for i, offset := range offsets {
		if offset-offsets[i/groupSize*groupSize] > 0xffff {
			return wide
		}
	}
	return narrow
}

func appendDirectory(out []byte, offsets []uint32) []byte {
	isWide := directoryKind(offsets) == wide
	for i, offset := range offsets {
		if isWide {
			out = binary.LittleEndian.AppendUint32(out, offset)
			continue
		}
		group := offsets[i/groupSize*groupSize]
		if i%groupSize == 0 {
			out = binary.LittleEndian.AppendUint32(out, group)
		}
		out = binary.LittleEndian.AppendUint16(out, uint16(offset-group))
	}
	return out
}

// Verify decodes all of data and checks that it is the encoding of its entries.
// It costs as much as building the set. The errors are those of Open.
func Verify(data []byte) error {
	s, err := Open(data)
	if err != nil {
		return err
	}
	n, last := 0, uint64(0)
	for e := range s.All() {
		if e.Prefix >= universe || n > 0 && e.Prefix <= last {
			return ErrCorrupt
		}
		last = e.Prefix
		n++
	}
	if n != s.n {
		return ErrCorrupt
	}
	again, err := encode(s.All())
	if err != nil || !slices.Equal(again, data) {
		return ErrCorrupt
	}
	return nil
}
