package set

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"slices"
)

// ErrBase is a delta that was made for another set.
var ErrBase = errors.New("the delta is for another set")

// DeltaOverhead is the length of a delta in which nothing changes, in bytes.
const DeltaOverhead = deltaHeader + pad

const (
	deltaMagic  = "KD\x02\x00"
	deltaHeader = 40 + tableSize
	baseCheck   = 8
)

// Delta is what turns one set into another:
//
//	 0  4  "KD\x02\x00"
//	 4  4  length of the delta in bytes
//	 8  4  number of entries of 40 bits in the set it is for
//	12  8  the first bytes of the SHA-256 of that set
//	20  4  r, entries removed
//	24  4  c, entries whose class changes
//	28  4  a, entries added
//	32  2  long entries removed
//	34  2  long entries added
//	36  4  length of the stream in bits
//	40 33  class code of the changed and the added, as in a set
//	73     stream, places of removed long entries in 2 bytes each, added long entries,
//	       eight zero bytes
//
// The stream holds r places in the old set, as distances to the one after the place
// before, Rice-coded for a mean of n/r; c places with their new class in the same
// way; a prefixes with their class, Rice-coded for a mean of 2^40/a.
type Delta struct {
	From        int      // entries of 40 bits in the set it is for
	Base        [32]byte // its SHA-256
	Removed     []uint32 // places in it, in order
	Changed     []Change // in order
	Added       []Entry  // in order
	LongRemoved []uint16 // places among its long entries, in order
	LongAdded   []Long   // in order
}

// Change is another class for the entry at a place.
type Change struct {
	Place uint32
	Class uint8
}

// Diff returns the delta that turns from, whose SHA-256 is base, into to. It goes through
// both; a publisher that knows what changed fills in a Delta instead.
func Diff(from Set, base [32]byte, to Set) Delta {
	d := Delta{From: from.n, Base: base}
	next, stop := iter.Pull(to.All())
	defer stop()
	t, more := next()
	place := uint32(0)
	for f := range from.All() {
		for more && t.Prefix < f.Prefix {
			d.Added = append(d.Added, t)
			t, more = next()
		}
		switch {
		case !more || t.Prefix > f.Prefix:
			d.Removed = append(d.Removed, place)
		default:
			if t.Class != f.Class {
				d.Changed = append(d.Changed, Change{place, t.Class})
			}
			t, more = next()
		}
		place++
	}
	for more {
		d.Added = append(d.Added, t)
		t, more = next()
	}
	d.Long(slices.Collect(from.Longs()), slices.Collect(to.Longs()))
	return d
}

// Long fills in what turns one list of long entries, in order, into another.
func (d *Delta) Long(from, to []Long) {
	d.LongRemoved, d.LongAdded = nil, nil
	for i, l := range from {
		if !slices.Contains(to, l) {
			d.LongRemoved = append(d.LongRemoved, uint16(i))
		}
	}
	for _, l := range to {
		if !slices.Contains(from, l) {
			d.LongAdded = append(d.LongAdded, l)
		}
	}
}

// Append appends the delta as it is published.
func (d *Delta) Append(dst []byte) []byte {
	var counts [classes]uint32
	for _, c := range d.Changed {
		counts[c.Class]++
	}
	for _, e := range d.Added {
		counts[e.Class]++
	}
	code := codeFor(&counts)
	start := len(dst)
	dst = append(dst, deltaMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(d.From))
	dst = append(dst, d.Base[:baseCheck]...)
	for _, n := range []int{len(d.Removed), len(d.Changed), len(d.Added)} {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(d.LongRemoved)))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(d.LongAdded)))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = code.append(dst)

	w := bitWriter{out: dst}
	k, after := riceParameter(uint64(d.From), uint64(len(d.Removed))), uint32(0)
	for _, place := range d.Removed {
		w.rice(uint64(place-after), k)
		after = place + 1
	}
	k, after = riceParameter(uint64(d.From), uint64(len(d.Changed))), 0
	for _, c := range d.Changed {
		w.rice(uint64(c.Place-after), k)
		code.write(&w, c.Class)
		after = c.Place + 1
	}
	k, next := riceParameter(universe, uint64(len(d.Added))), uint64(0)
	for _, e := range d.Added {
		w.rice(e.Prefix-next, k)
		code.write(&w, e.Class)
		next = e.Prefix + 1
	}
	dst = w.finish()
	for _, place := range d.LongRemoved {
		dst = binary.LittleEndian.AppendUint16(dst, place)
	}
	for _, l := range d.LongAdded {
		dst = append(append(dst, l.Prefix[:]...), l.Class)
	}
	dst = append(dst, make([]byte, pad)...)
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(len(dst)-start))
	binary.LittleEndian.PutUint32(dst[start+36:], uint32(w.n))
	return dst
}

// parseDelta reads what Append wrote. What it makes is bounded by the length of data.
func parseDelta(data []byte) (d Delta, err error) {
	if n := min(len(data), len(deltaMagic)); string(data[:n]) != deltaMagic[:n] {
		return d, ErrMagic
	}
	if len(data) < deltaHeader {
		return d, ErrTruncated
	}
	u32 := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32(data[at:])) }
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(data[at:])) }
	switch length := u32(4); {
	case length > MaxBytes || uint64(len(data)) > length:
		return d, ErrOversized
	case uint64(len(data)) < length:
		return d, ErrTruncated
	}
	n, removed, changed, added, end := u32(8), u32(20), u32(24), u32(28), u32(36)
	longRemoved, longAdded := u16(32), u16(34)
	code, ok := parseCode(data[40:])
	long := deltaHeader + int(end+7)/8
	least := func(total, count uint64) uint64 { return count * uint64(riceParameter(total, count)+1) } // bits
	if !ok || len(data) != long+2*longRemoved+longSize*longAdded+pad || removed > n || changed > n || added > MaxEntries ||
		n > MaxEntries || least(n, removed)+least(n, changed)+least(universe, added) > end ||
		binary.LittleEndian.Uint64(data[len(data)-pad:]) != 0 || end&7 != 0 && data[long-1]>>(end&7) != 0 {
		return d, ErrCorrupt
	}
	d.From, d.Base = int(n), [32]byte{}
	copy(d.Base[:], data[12:12+baseCheck])
	d.Removed, d.Changed, d.Added = make([]uint32, removed), make([]Change, changed), make([]Entry, added)

	r := bitReader{data: data[deltaHeader:]}
	k, next := riceParameter(n, removed), uint64(0)
	for i := range d.Removed {
		if next += r.rice(k, end); r.at > end || next >= n {
			return d, ErrCorrupt
		}
		d.Removed[i] = uint32(next)
		next++
	}
	k, next = riceParameter(n, changed), 0
	for i := range d.Changed {
		next += r.rice(k, end)
		class := code.read(&r)
		if r.at > end || next >= n {
			return d, ErrCorrupt
		}
		d.Changed[i] = Change{uint32(next), class}
		next++
	}
	k, next = riceParameter(universe, added), 0
	for i := range d.Added {
		next += r.rice(k, end)
		class := code.read(&r)
		if r.at > end || next >= universe {
			return d, ErrCorrupt
		}
		d.Added[i] = Entry{next, class}
		next++
	}
	if r.at != end {
		return d, ErrCorrupt
	}
	for range longRemoved {
		d.LongRemoved = append(d.LongRemoved, uint16(u16(long)))
		long += 2
	}
	for range longAdded {
		d.LongAdded = append(d.LongAdded, Long{[LongBytes]byte(data[long:]), data[long+LongBytes]})
		long += longSize
	}
	return d, nil
}

// Apply returns the bytes of the set that a delta makes of from, whose SHA-256 is base:
// what Diff has found between two sets makes the one of the other, byte for byte. The
// errors are ErrMagic, ErrTruncated, ErrOversized, ErrBase and ErrCorrupt. It needs
// memory for the new set and for the delta.
func Apply(from Set, base [32]byte, delta []byte) ([]byte, error) {
	d, err := parseDelta(delta)
	if err != nil {
		return nil, err
	}
	if d.From != from.n || !bytes.Equal(d.Base[:baseCheck], base[:baseCheck]) {
		return nil, ErrBase
	}
	long, ok := d.applyLong(&from)
	if !ok {
		return nil, ErrCorrupt
	}
	var counts [classes]uint32
	if !d.merge(&from, func(bucket uint64) bool { return from.countClasses(&counts, bucket) }, func(e Entry) { counts[e.Class]++ }) {
		return nil, ErrCorrupt
	}
	e := newEncoder(&counts, len(from.data)+2*len(delta)+len(from.data)/64+1024)
	var room [2 * bucketMean]Entry
	again := func(bucket uint64) bool {
		entries, ok := from.decode(room[:0], bucket)
		for _, entry := range entries {
			e.add(entry)
		}
		return ok
	}
	if e.likens(&from) {
		again = func(bucket uint64) bool { e.copy(&from, bucket); return true }
	}
	if !d.merge(&from, again, e.add) {
		return nil, ErrCorrupt
	}
	out, err := e.finish(slices.Values(long))
	if err != nil {
		return nil, err
	}
	next, err := Open(out)
	if err != nil {
		return nil, err
	}
	for _, l := range long {
		if _, covered := next.lookup(l.short()); covered {
			return nil, ErrCorrupt
		}
	}
	return out, nil
}

// applyLong returns the long entries after the delta; false if they are not in order or
// one is removed that is not there.
func (d *Delta) applyLong(from *Set) ([]Long, bool) {
	var long []Long
	removed := d.LongRemoved
	place := 0
	for l := range from.Longs() {
		if len(removed) > 0 && int(removed[0]) == place {
			removed = removed[1:]
		} else {
			long = append(long, l)
		}
		place++
	}
	kept := len(long)
	long = append(long, d.LongAdded...)
	slices.SortStableFunc(long, func(a, b Long) int { return slices.Compare(a.Prefix[:], b.Prefix[:]) })
	for i, l := range long {
		if l.Class >= classes || i > 0 && long[i-1].Prefix == l.Prefix {
			return nil, false
		}
	}
	inOrder := slices.IsSortedFunc(d.LongAdded, func(a, b Long) int { return slices.Compare(a.Prefix[:], b.Prefix[:]) })
	return long, len(removed) == 0 && inOrder && kept+len(d.LongAdded) <= MaxLong
}

// merge goes through the buckets of from with the changes made: it gives bucket each one in
// which nothing changes, and entry the entries of the others. It returns false for a change
// that is none (an entry removed and changed, removed and added, added twice, or changed
// to the class it has), for a set that is damaged, and where bucket does.
func (d *Delta) merge(from *Set, bucket func(uint64) bool, entry func(Entry)) bool {
	removed, changed, added := d.Removed, d.Changed, d.Added
	var room [2 * bucketMean]Entry
	place := uint32(0)
	for b := range from.buckets {
		n, _ := from.count(from.record(b))
		last, limit := place+uint32(n), uint64(0)
		if len(added) > 0 {
			limit = baseOf(b+1, from.buckets)
		}
		if (len(removed) == 0 || removed[0] >= last) && (len(changed) == 0 || changed[0].Place >= last) &&
			(len(added) == 0 || added[0].Prefix >= limit) {
			if !bucket(b) {
				return false
			}
			place = last
			continue
		}
		entries, ok := from.decode(room[:0], b)
		if !ok {
			return false
		}
		for _, e := range entries {
			for len(added) > 0 && added[0].Prefix < e.Prefix {
				entry(added[0])
				added = added[1:]
			}
			if len(added) > 0 && added[0].Prefix == e.Prefix {
				return false
			}
			gone := len(removed) > 0 && removed[0] == place
			if gone {
				removed = removed[1:]
			}
			if len(changed) > 0 && changed[0].Place == place {
				if gone || changed[0].Class == e.Class {
					return false
				}
				e.Class = changed[0].Class
				changed = changed[1:]
			}
			if !gone {
				entry(e)
			}
			place++
		}
		for len(added) > 0 && added[0].Prefix < limit {
			entry(added[0])
			added = added[1:]
		}
	}
	return int(place) == from.n
}
