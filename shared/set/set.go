// Package set is the compact set of indicators: prefixes of SHA-256 digests, 40 bits
// each, with a class, looked up in the very bytes that were signed and downloaded.
// Opening reads the header and the directory, never the entries.
//
// # Format
//
// Numbers are little-endian. In a stream of bits the lowest bit of the first byte comes
// first.
//
//	 0  4  "KS\x02\x00"
//	 4  4  n, the number of entries
//	 8  4  t, the length of the stream in bits
//	12  2  number of long entries
//	14  1  k, the Rice parameter of the prefixes
//	15  1  w, the width of a residual in the directory, in bits
//	16  4  rate: how many entries 2^24 bits of the stream hold, about
//	20  1  the commonest class, the lowest of several
//	21  1  r, the Rice parameter of runs; 255 if there are none
//	22 33  the class code: the class where only one is coded, else 0 for the smallest
//	       class in use; then a code length of four bits for each of the 64 classes
//	55     stream, directory, long entries, eight zero bytes
//
// There are m buckets, max(1, ⌈n/60⌉) rounded up to six significant bits; an entry with
// prefix p is in bucket ⌊p·m/2^40⌋. A bucket has a record in the stream, which is empty if the bucket is:
//
//	4 bits          8 + its number of entries − ⌊its bits·rate/2^24⌋, if that is in
//	                1 … 15; else 0, and 24 bits with the number of entries
//	quotients       one for each entry, in unary: zeros, then a one
//	classes         see below
//	remainders      k bits for each entry, the last entry's first, the first entry's
//	                at the very end of the record
//
// Quotient and remainder are of the distance to the smallest prefix that the bucket can
// hold, or to the one after the entry before, divided by 2^k: a Rice code (Rice 1979)
// whose halves are kept apart, so that a reader goes through both without one waiting
// for the other.
//
// Classes: where all entries have the commonest class, they take no bits. Where more
// than half have it, there comes a run, the number of entries before the first of
// another class or before the end of the bucket, Rice-coded with r; then, unless the
// bucket ends there, the canonical Huffman code of the other class, and the next run,
// unless the bucket ends there. Otherwise every entry has its Huffman code.
//
// The directory tells where each record begins. Groups of 16 buckets have the place of
// the first of them in 4 bytes, and 15 residuals of w bits, filled up to a byte: a record
// is at the place that lies on the straight line to the next group's first record, rounded
// down, plus its residual, less ⌊2^w/2⌋; the line of the last group goes to the end of the
// stream, in as many steps as the group has buckets. w is the smallest that fits them all.
//
// A long entry is the first 10 bytes of a digest and its class, in order. A publisher
// gives one to an indicator whose 40 bits are those of a page that must not warn; no
// entry of 40 bits may be a prefix of a long one.
//
// One set of entries has exactly one encoding: every parameter is a function of n and of
// the number of entries in each class. Verify refuses any other by the name ErrCanonical.
//
// # Example
//
// The two entries {0x0000000001, class 1} and {0x8000000000, class 2} (n = 2, one
// bucket, k = 38):
//
//	4b530200 02000000 55000000 0000               "KS\2\0", n, t = 85, no long entries
//	26 00 2e2b0600                                k = 38, w = 0, rate = 404,270
//	01 ff                                         commonest class, no runs
//	01 10010000 00000000 00000000 00000000        lengths: one bit for classes 1 and 2
//	   00000000 00000000 00000000 00000000
//	58fdffffffff0000000000                        stream
//	00000000                                      directory: one group
//	0000000000000000
//
// The stream reads: 8 in four bits, so two entries, for ⌊85·404270/2^24⌋ = 2; quotients
// 1 and 01; classes 0 and 1; the remainder 0x3ffffffffe of the second entry, in 38 bits,
// then the remainder 1 of the first.
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

// LongBytes is the length of the prefix of a long entry in bytes.
const LongBytes = 10

// Bounds on what is opened.
const (
	MaxEntries = 1 << 24
	MaxBytes   = 64 << 20
	MaxLong    = 1<<16 - 1
)

var (
	// ErrMagic is data that is no set, or of another format.
	ErrMagic = errors.New("not a set of this format")
	// ErrTruncated is data that ends too early.
	ErrTruncated = errors.New("the set is cut off")
	// ErrOversized is data with something behind its end, or above the bounds.
	ErrOversized = errors.New("the set is too large")
	// ErrCorrupt is data that is not the encoding of any set.
	ErrCorrupt = errors.New("the set is damaged")
	// ErrCanonical is data that has entries but is not their one encoding.
	ErrCanonical = errors.New("the set is not in its one form")
	// ErrConflict is one prefix with two classes, or a prefix of a long entry.
	ErrConflict = errors.New("one prefix has two classes")
	// ErrEntry is a prefix above 40 bits or a class above 63.
	ErrEntry = errors.New("the entry does not fit a set")
)

// Entry is one indicator: the first 40 bits of its digest, and its class, 0 to 63.
type Entry struct {
	Prefix uint64
	Class  uint8
}

// Long is an indicator with a longer prefix, so that it covers no page by chance.
type Long struct {
	Prefix [LongBytes]byte
	Class  uint8
}

// Prefix is the prefix under which a digest is looked up: its first 40 bits, big-endian.
func Prefix(digest [32]byte) uint64 { return binary.BigEndian.Uint64(digest[:8]) >> (64 - PrefixBits) }

// short is the prefix that a set would have without its being long.
func (l Long) short() uint64 {
	return binary.BigEndian.Uint64(l.Prefix[:8]) >> (64 - PrefixBits)
}

const (
	magic      = "KS\x02\x00"
	headerSize = 22 + tableSize
	bucketMean = 60
	groupSize  = 16
	universe   = 1 << PrefixBits
	noRuns     = 255
	rateBits   = 24
	longSize   = LongBytes + 1

	countWidth = 4
	countBias  = 1 << countWidth / 2
	countLong  = 24 // bits of a number of entries that is written out
)

// Set is an opened set. It reads the bytes it was opened with, which must not change.
type Set struct {
	data      []byte
	stream    []byte // with all that follows it
	dir       []byte // with all that follows it
	long      []byte
	n         int
	buckets   uint64
	end       uint64 // of the stream, in bits
	k         uint
	width     uint // of a residual
	groupStep uint64
	last      uint64 // where the group after the last one would begin
	rate      uint64
	classes   classing
}

// bucketsFor is the number of buckets. It has six significant bits, so that most updates
// leave it, and with it the records of the buckets in which nothing changes, as they are.
func bucketsFor(n int) uint64 {
	m := max(1, uint64(n+bucketMean-1)/bucketMean)
	step := uint64(1) << max(0, bits.Len64(m)-6)
	return (m + step - 1) / step * step
}

// bucketOf is ⌊p·m/2^40⌋: the product has up to 58 bits.
func bucketOf(prefix, buckets uint64) uint64 { return prefix * buckets >> PrefixBits }

// baseOf is the smallest prefix in a bucket.
func baseOf(bucket, buckets uint64) uint64 { return (bucket<<PrefixBits + buckets - 1) / buckets }

// lineEnd is where the line through the last group ends, which may have fewer than 16
// buckets: on the line from its first record to the end of the stream, at the sixteenth.
func lineEnd(first, end, buckets uint64) uint64 {
	return first + (end-first)*groupSize/((buckets-1)%groupSize+1)
}

func groupBytes(width uint) uint64 { return 4 + (uint64(width)*(groupSize-1)+7)/8 }

// Open reads the header and the directory, not the entries: data that passes is safe to
// look things up in, and the digest tells whether it is right. The errors are ErrMagic,
// ErrTruncated, ErrOversized and ErrCorrupt.
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
		data: data, n: int(n), buckets: bucketsFor(int(n)), end: uint64(binary.LittleEndian.Uint32(data[8:])),
		k: uint(data[14]), width: uint(data[15]), rate: uint64(binary.LittleEndian.Uint32(data[16:])),
	}
	var ok bool
	if s.classes, ok = parseClassing(data[20:headerSize]); !ok || s.k != riceParameter(universe, uint64(n)) ||
		s.width > 32 || s.rate > 1<<rateBits {
		return Set{}, ErrCorrupt
	}
	s.groupStep = groupBytes(s.width)
	dirAt := headerSize + (s.end+7)/8
	longAt := dirAt + s.groupStep*((s.buckets+groupSize-1)/groupSize)
	padAt := longAt + longSize*uint64(binary.LittleEndian.Uint16(data[12:]))
	switch size := padAt + pad; {
	case uint64(len(data)) < size:
		return Set{}, ErrTruncated
	case uint64(len(data)) > size:
		return Set{}, ErrOversized
	}
	s.stream, s.dir, s.long = data[headerSize:], data[dirAt:], data[longAt:padAt]
	s.last = lineEnd(uint64(binary.LittleEndian.Uint32(s.dir[(s.buckets-1)/groupSize*s.groupStep:])), s.end, s.buckets)
	for bucket, last := uint64(0), uint64(0); bucket < s.buckets; bucket++ {
		at, end := s.record(bucket)
		if at != last || end < at || end > s.end || end > at && end-at < countWidth+1+uint64(s.k) {
			return Set{}, ErrCorrupt
		}
		last = end
	}
	return s, nil
}

// Len is the number of entries, long ones too.
func (s *Set) Len() int { return s.n + len(s.long)/longSize }

// Bytes are the bytes the set was opened with.
func (s *Set) Bytes() []byte { return s.data }

// record is where the record of a bucket begins and ends in the stream.
func (s *Set) record(bucket uint64) (at, end uint64) {
	g, i := s.dir[bucket/groupSize*s.groupStep:], bucket%groupSize
	first, next := word(g, 0)&(1<<32-1), s.last
	if bucket|(groupSize-1) < s.buckets-1 {
		next = word(g, s.groupStep) & (1<<32 - 1)
	}
	mask, bias, bit := uint64(1)<<s.width-1, uint64(1)<<s.width>>1, i*uint64(s.width)
	at, end = first, next
	if i > 0 {
		before := bit - uint64(s.width)
		at = first + (next-first)*i/groupSize + word(g, 4+before>>3)>>(before&7)&mask - bias
	}
	if bucket == s.buckets-1 {
		end = s.end
	} else if i < groupSize-1 {
		end = first + (next-first)*(i+1)/groupSize + word(g, 4+bit>>3)>>(bit&7)&mask - bias
	}
	return at, end
}

// count reads the number of entries at the beginning of a record, and where what follows begins.
func (s *Set) count(at, end uint64) (n, after uint64) {
	if at == end {
		return 0, at
	}
	v := load(s.stream, at)
	if d := v & (1<<countWidth - 1); d != 0 {
		n, after = (end-at)*s.rate>>rateBits+d-countBias, at+countWidth
	} else {
		n, after = v>>countWidth&(1<<countLong-1), at+countWidth+countLong
	}
	if after > end || n > (end-after)/uint64(s.k+1) {
		return 0, end // a damaged record
	}
	return n, after
}

// Lookup tells the class of a digest, and whether the set has it. It allocates nothing;
// its work is bounded by one bucket, 60 entries on average.
func (s *Set) Lookup(digest [32]byte) (class uint8, ok bool) {
	return s.LookupHead(binary.BigEndian.Uint64(digest[:]), binary.BigEndian.Uint64(digest[8:]))
}

// LookupHead is Lookup for the first 16 bytes of a digest, big-endian.
func (s *Set) LookupHead(a, b uint64) (class uint8, ok bool) {
	if class, ok = s.lookup(a >> (64 - PrefixBits)); ok || len(s.long) == 0 {
		return class, ok
	}
	return s.lookupLong(a, uint16(b>>48))
}

func (s *Set) lookup(prefix uint64) (class uint8, ok bool) {
	bucket := bucketOf(prefix, s.buckets)
	at, end := s.record(bucket)
	n, at := s.count(at, end)
	if n == 0 {
		return 0, false
	}
	// The entry i is base + (zeros before the one of quotient i)·2^k + the sum of the
	// remainders so far + i.
	data, k := s.stream, s.k&63
	mask := uint64(1)<<k - 1
	sum := baseOf(bucket, s.buckets)
	low := end
	rest, restAt := load(data, at), at
	start := at
	for i := range n {
		for rest == 0 {
			if restAt = restAt&^7 + 64; restAt >= end {
				return 0, false
			}
			rest = load(data, restAt)
		}
		one := restAt + uint64(bits.TrailingZeros64(rest))
		rest &= rest - 1
		low -= uint64(k)
		sum += load(data, low) & mask
		if v := (one-start-i)<<k + sum + i; v >= prefix {
			if v > prefix {
				return 0, false
			}
			return s.classAt(one+1, end, n-i-1, i), true
		}
	}
	return 0, false
}

// classAt is the class of entry i of a record. Behind its quotient, at, are those of more entries.
func (s *Set) classAt(at, end, more, i uint64) uint8 {
	c := &s.classes
	if c.runs == noRuns && c.code.max == 0 {
		return c.code.only
	}
	at = afterOnes(s.stream, at, end, more)
	if c.runs == noRuns {
		r := bitReader{s.stream, at}
		for range i {
			c.code.read(&r)
		}
		return c.code.read(&r)
	}
	k := uint(c.runs) & 63
	for {
		rest := load(s.stream, at)
		z := uint(bits.TrailingZeros64(rest))
		if z+k >= 40 {
			return s.slowClassAt(at, end, i) // a run and a code may be longer than a word
		}
		run := uint64(z)<<k | rest>>1>>(z&63)&(1<<k-1)
		if run > i {
			return c.common
		}
		z += k + 1
		fast := c.code.fast[rest>>(z&63)&(1<<fastBits-1)]
		if fast == 0 {
			return s.slowClassAt(at, end, i)
		}
		if run == i {
			return uint8(fast & 63)
		}
		at += uint64(z) + uint64(fast>>6)
		i -= run + 1
	}
}

// slowClassAt goes on where a run and a code are long.
func (s *Set) slowClassAt(at, end, i uint64) uint8 {
	c := &s.classes
	r := bitReader{s.stream, at}
	for {
		run := r.rice(uint(c.runs), end)
		if run > i || r.at > end {
			return c.common
		}
		class := c.code.read(&r)
		if run == i {
			return class
		}
		i -= run + 1
	}
}

// afterOnes is the place behind the nth one from at on; end if there are fewer.
func afterOnes(data []byte, at, end, n uint64) uint64 {
	if n == 0 {
		return at
	}
	rest := load(data, at)
	for {
		ones := uint64(bits.OnesCount64(rest))
		if ones >= n {
			break
		}
		n -= ones
		if at = at&^7 + 64; at >= end {
			return end
		}
		rest = load(data, at)
	}
	for half := uint64(32); half >= 8; half /= 2 {
		if ones := uint64(bits.OnesCount64(rest & (1<<(half&63) - 1))); ones < n {
			n -= ones
			rest >>= half & 63
			at += half
		}
	}
	for ; n > 1; n-- {
		rest &= rest - 1
	}
	return at + uint64(bits.TrailingZeros64(rest)) + 1
}

// lookupLong looks for the 8 bytes a and the 2 bytes b behind them.
func (s *Set) lookupLong(a uint64, b uint16) (class uint8, ok bool) {
	low, high := 0, len(s.long)/longSize
	for low < high {
		mid := (low + high) / 2
		entry := s.long[mid*longSize:]
		first, rest := binary.BigEndian.Uint64(entry), binary.BigEndian.Uint16(entry[8:])
		switch {
		case first == a && rest == b:
			return entry[LongBytes], true
		case first < a || first == a && rest < b:
			low = mid + 1
		default:
			high = mid
		}
	}
	return 0, false
}

// decode appends the entries of a bucket to dst; false if its record is damaged.
func (s *Set) decode(dst []Entry, bucket uint64) ([]Entry, bool) {
	at, end := s.record(bucket)
	n, ones := s.count(at, end)
	if n == 0 {
		return dst, at == end
	}
	data, k := s.stream, s.k&63
	mask := uint64(1)<<k - 1
	next, low := baseOf(bucket, s.buckets), end
	lows := end - n*uint64(k)
	rest, restAt, last := load(data, ones), ones, ones
	from := len(dst)
	for range n {
		for rest == 0 {
			if restAt = restAt&^7 + 64; restAt >= lows {
				return dst, false
			}
			rest = load(data, restAt)
		}
		one := restAt + uint64(bits.TrailingZeros64(rest))
		rest &= rest - 1
		low -= uint64(k)
		next += (one-last)<<k + load(data, low)&mask
		last = one + 1
		dst = append(dst, Entry{next, s.classes.common})
		next++
	}
	if next > universe || last > lows {
		return dst, false
	}
	return dst, s.readClasses(dst[from:], last, lows)
}

// readClasses reads the classes of the entries of one bucket, which lie in from … end.
func (s *Set) readClasses(entries []Entry, from, end uint64) bool {
	c := &s.classes
	r := bitReader{s.stream, from}
	if c.runs == noRuns {
		for i := range entries {
			entries[i].Class = c.code.read(&r)
		}
		return r.at == end
	}
	for i := uint64(0); i < uint64(len(entries)); i++ {
		i += r.rice(uint(c.runs), end)
		if i >= uint64(len(entries)) {
			return i == uint64(len(entries)) && r.at == end
		}
		entries[i].Class = c.code.read(&r)
	}
	return r.at == end
}

// countClasses adds how many entries of each class a bucket has; false if its record is damaged.
func (s *Set) countClasses(counts *[classes]uint32, bucket uint64) bool {
	at, end := s.record(bucket)
	n, ones := s.count(at, end)
	if n == 0 {
		return at == end
	}
	c := &s.classes
	if c.runs == noRuns && c.code.max == 0 {
		counts[c.code.only] += uint32(n)
		return true
	}
	end -= n * uint64(s.k)
	r := bitReader{s.stream, afterOnes(s.stream, ones, end, n)}
	left := n
	for left > 0 {
		if c.runs != noRuns {
			run := min(r.rice(uint(c.runs), end), left)
			counts[c.common] += uint32(run)
			if left -= run; left == 0 {
				break
			}
		}
		counts[c.code.read(&r)]++
		left--
	}
	return r.at == end
}

// All yields the entries of 40 bits in the order of their prefixes, up to the first
// damaged bucket.
func (s *Set) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		var room [2 * bucketMean]Entry
		entries, ok := room[:0], true
		for bucket := uint64(0); ok && bucket < s.buckets; bucket++ {
			if entries, ok = s.decode(entries[:0], bucket); !ok {
				return
			}
			for _, e := range entries {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// Longs yields the long entries in order.
func (s *Set) Longs() iter.Seq[Long] {
	return func(yield func(Long) bool) {
		for b := s.long; len(b) > 0; b = b[longSize:] {
			if !yield(Long{[LongBytes]byte(b), b[LongBytes]}) {
				return
			}
		}
	}
}

// Verify decodes all of data and checks that it is the encoding of its entries. It costs
// as much as building the set. The errors are those of Open and ErrCanonical.
func Verify(data []byte) error {
	s, err := Open(data)
	if err != nil {
		return err
	}
	entries := make([]Entry, 0, s.n)
	for bucket := range s.buckets {
		from, ok := len(entries), false
		if entries, ok = s.decode(entries, bucket); !ok || len(entries) > s.n {
			return ErrCorrupt
		}
		if len(entries) > from && bucketOf(entries[len(entries)-1].Prefix, s.buckets) != bucket {
			return ErrCorrupt
		}
	}
	if len(entries) != s.n {
		return ErrCorrupt
	}
	again, err := Build(entries, slices.Collect(s.Longs()))
	if err != nil {
		return ErrCorrupt
	}
	if !slices.Equal(again, data) {
		return ErrCanonical
	}
	return nil
}
