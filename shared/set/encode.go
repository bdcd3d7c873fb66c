package set

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"
)

// Build encodes entries, both kinds of which it sorts. An entry may be given twice. The
// errors are ErrConflict, ErrEntry and ErrOversized.
func Build(entries []Entry, long []Long) ([]byte, error) {
	slices.SortFunc(entries, func(a, b Entry) int {
		if a.Prefix != b.Prefix {
			return cmp.Compare(a.Prefix, b.Prefix)
		}
		return cmp.Compare(a.Class, b.Class)
	})
	entries = slices.Compact(entries)
	var counts [classes]uint32
	for i, e := range entries {
		if e.Prefix >= universe || e.Class >= classes {
			return nil, ErrEntry
		}
		if i > 0 && entries[i-1].Prefix == e.Prefix {
			return nil, ErrConflict
		}
		counts[e.Class]++
	}
	slices.SortFunc(long, func(a, b Long) int {
		return cmp.Or(slices.Compare(a.Prefix[:], b.Prefix[:]), cmp.Compare(a.Class, b.Class))
	})
	long = slices.Compact(long)
	for i, l := range long {
		if l.Class >= classes {
			return nil, ErrEntry
		}
		_, covered := slices.BinarySearchFunc(entries, l.short(), func(e Entry, p uint64) int { return cmp.Compare(e.Prefix, p) })
		if covered || i > 0 && long[i-1].Prefix == l.Prefix {
			return nil, ErrConflict
		}
	}
	if len(entries) > MaxEntries || len(long) > MaxLong {
		return nil, ErrOversized
	}
	e := newEncoder(&counts, 0)
	for _, entry := range entries {
		e.add(entry)
	}
	return e.finish(slices.Values(long))
}

// encoder writes a set whose entries are added in order.
type encoder struct {
	w       bitWriter
	n       int
	buckets uint64
	k       uint
	rate    uint64
	classes classing
	offsets []uint32 // where each record that was begun begins
	bucket  []Entry  // of the last one of these
	limit   uint64   // the first prefix beyond it
}

// newEncoder makes an encoder for so many entries of each class. Size is about how long
// the set will be, in bytes, or 0.
func newEncoder(counts *[classes]uint32, size int) *encoder {
	e := &encoder{}
	for _, c := range counts {
		e.n += int(c)
	}
	e.buckets, e.k, e.classes = bucketsFor(e.n), riceParameter(universe, uint64(e.n)), classingFor(counts)
	e.rate = rateOf(e.n, e.k, counts, &e.classes)
	if size == 0 {
		size = headerSize + e.n*int(e.k+4)/8 + int(e.buckets)*2 + 64
	}
	e.w.out = append(make([]byte, 0, size), make([]byte, headerSize)...)
	e.offsets = make([]uint32, 0, e.buckets)
	return e
}

// rateOf is how many entries 2^24 bits hold, in expectation: k bits of remainder and
// 1/2 + 2^40/(n·2^k) bits of quotient an entry (the mean of a geometric distribution,
// to the second order), and its class.
func rateOf(n int, k uint, counts *[classes]uint32, c *classing) uint64 {
	if n == 0 {
		return 0
	}
	all := uint64(n)
	sixteenths := uint64(k)*16 + 8 + 16*universe/(all<<k)
	coded := uint64(0) // 16 bits of what classes take in all
	for class, count := range counts {
		coded += 16 * uint64(count) * uint64(c.code.length[class])
	}
	if c.runs != noRuns {
		others := all - uint64(counts[c.common])
		coded += others*(16*uint64(c.runs)+8) + 16*uint64(counts[c.common])>>c.runs
	}
	return 16 << rateBits / (sixteenths + coded/all)
}

func (e *encoder) add(entry Entry) {
	if entry.Prefix >= e.limit || len(e.offsets) == 0 {
		e.begin(bucketOf(entry.Prefix, e.buckets))
	}
	e.bucket = append(e.bucket, entry)
}

// begin writes the record that is complete, and empty ones, up to a bucket.
func (e *encoder) begin(bucket uint64) {
	for uint64(len(e.offsets)) <= bucket {
		e.flush()
		e.offsets = append(e.offsets, uint32(e.w.n))
	}
	e.limit = baseOf(bucket+1, e.buckets)
}

// flush writes the record of the bucket that was begun last.
func (e *encoder) flush() {
	if len(e.bucket) == 0 {
		return
	}
	w, k, n := &e.w, e.k&63, uint64(len(e.bucket))
	base := baseOf(uint64(len(e.offsets)-1), e.buckets)
	quotients, next := uint64(0), base
	for _, entry := range e.bucket {
		quotients += (entry.Prefix-next)>>k + 1
		next = entry.Prefix + 1
	}
	length := countWidth + quotients + e.classLength() + n*uint64(k)
	if d := int64(n) - int64(length*e.rate>>rateBits) + countBias; d > 0 && d < 1<<countWidth {
		w.write(uint64(d), countWidth)
	} else {
		w.write(n<<countWidth, countWidth+countLong)
	}
	next = base
	for _, entry := range e.bucket {
		w.unary((entry.Prefix - next) >> k)
		next = entry.Prefix + 1
	}
	e.writeClasses()
	for i := len(e.bucket) - 1; i >= 0; i-- {
		next = base
		if i > 0 {
			next = e.bucket[i-1].Prefix + 1
		}
		w.write((e.bucket[i].Prefix-next)&(1<<k-1), k)
	}
	e.bucket = e.bucket[:0]
}

// likens tells whether the records of a set with the same entries are those of from.
func (e *encoder) likens(from *Set) bool {
	return e.buckets == from.buckets && e.k == from.k && e.rate == from.rate && e.classes == from.classes
}

// copy writes a record as it is in a set that is likened.
func (e *encoder) copy(from *Set, bucket uint64) {
	e.begin(bucket)
	for at, end := from.record(bucket); at < end; {
		width := min(56, end-at)
		e.w.write(load(from.stream, at)&(1<<width-1), uint(width))
		at += width
	}
}

// runs yields the runs of the commonest class in the bucket, and whether an entry of
// another class follows.
func (e *encoder) runs(yield func(run uint64, other *Entry)) {
	run := uint64(0)
	for i := range e.bucket {
		if entry := &e.bucket[i]; entry.Class == e.classes.common {
			run++
		} else {
			yield(run, entry)
			run = 0
		}
	}
	if e.bucket[len(e.bucket)-1].Class == e.classes.common {
		yield(run, nil)
	}
}

func (e *encoder) classLength() (length uint64) {
	code := &e.classes.code
	if e.classes.runs == noRuns {
		if code.max > 0 {
			for _, entry := range e.bucket {
				length += uint64(code.length[entry.Class])
			}
		}
		return length
	}
	e.runs(func(run uint64, other *Entry) {
		length += riceLength(run, uint(e.classes.runs))
		if other != nil {
			length += uint64(code.length[other.Class])
		}
	})
	return length
}

func (e *encoder) writeClasses() {
	code := &e.classes.code
	if e.classes.runs == noRuns {
		if code.max > 0 {
			for _, entry := range e.bucket {
				code.write(&e.w, entry.Class)
			}
		}
		return
	}
	e.runs(func(run uint64, other *Entry) {
		e.w.rice(run, uint(e.classes.runs))
		if other != nil {
			code.write(&e.w, other.Class)
		}
	})
}

// finish writes what is left, the directory and the long entries, and fills in the header.
func (e *encoder) finish(long iter.Seq[Long]) ([]byte, error) {
	e.begin(e.buckets - 1)
	e.flush()
	if e.w.n > 8*MaxBytes {
		return nil, ErrOversized
	}
	t := e.w.n
	out := e.w.finish()
	width := e.residualWidth(t)
	out = e.appendDirectory(out, t, width)
	longs := 0
	for l := range long {
		out = append(append(out, l.Prefix[:]...), l.Class)
		longs++
	}
	out = append(out, make([]byte, pad)...)
	if len(out) > MaxBytes || longs > MaxLong {
		return nil, ErrOversized
	}
	h := append(out[:0], magic...)
	h = binary.LittleEndian.AppendUint32(h, uint32(e.n))
	h = binary.LittleEndian.AppendUint32(h, uint32(t))
	h = binary.LittleEndian.AppendUint16(h, uint16(longs))
	h = append(h, byte(e.k), byte(width))
	h = binary.LittleEndian.AppendUint32(h, uint32(e.rate))
	e.classes.append(h)
	return out, nil
}

// residuals yields how far each record is from the line through its group: 0 for its first.
func (e *encoder) residuals(t uint64) iter.Seq2[int, int64] {
	return func(yield func(int, int64) bool) {
		for i, offset := range e.offsets {
			group := i / groupSize * groupSize
			first, next := uint64(e.offsets[group]), uint64(0)
			if group+groupSize < len(e.offsets) {
				next = uint64(e.offsets[group+groupSize])
			} else {
				next = lineEnd(first, t, e.buckets)
			}
			line := first + (next-first)*uint64(i-group)/groupSize
			if !yield(i, int64(offset)-int64(line)) {
				return
			}
		}
	}
}

// residualWidth is the smallest w with all residuals in -⌊2^w/2⌋ … 2^w - 1 - ⌊2^w/2⌋.
func (e *encoder) residualWidth(t uint64) uint {
	width := 0
	for _, r := range e.residuals(t) {
		if r != 0 {
			width = max(width, bits.Len64(uint64(max(r, ^r)))+1)
		}
	}
	return uint(width)
}

func (e *encoder) appendDirectory(out []byte, t uint64, width uint) []byte {
	w := bitWriter{out: out}
	for i, r := range e.residuals(t) {
		if i%groupSize == 0 {
			w.out = binary.LittleEndian.AppendUint32(w.finish(), e.offsets[i])
			continue
		}
		w.write(uint64(r+1<<width>>1), width)
	}
	groups := (e.buckets + groupSize - 1) / groupSize
	out = w.finish()
	full := len(out)
	for want := headerSize + int((t+7)/8) + int(groups*groupBytes(width)); full < want; full++ {
		out = append(out, 0) // the last group is as long as the others
	}
	return out
}
