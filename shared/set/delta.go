package set

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"iter"
)

// ErrBase is a delta that was made for another set.
var ErrBase = errors.New("the delta is for another set")

// DeltaOverhead is the length of a delta in which nothing changes, in bytes.
const DeltaOverhead = deltaHeader + pad

const (
	deltaMagic  = "KD\x01\x00"
	deltaHeader = 36 + tableSize
	baseCheck   = 8
)

// A delta turns one set into another:
//
//	 0  4  "KD\x01\x00"
//	 4  4  length of the delta in bytes
//	 8  4  number of entries of the set it is for
//	12  8  the first bytes of the SHA-256 of that set
//	20  4  r, entries removed
//	24  4  c, entries whose class changes
//	28  4  a, entries added
//	32  4  length of the stream in bits
//	36 33  class code of the changed and the added, as in a set
//	69     stream, padding
//
// The stream holds r places in the old set, as distances to the one after the place
// before, Rice-coded for a mean of n/r; c places with their new class in the same
// way; a prefixes with their class, Rice-coded for a mean of 2^40/a.
type delta struct {
	removed, changed, added uint64
	n                       uint64
	code                    classCode
	stream                  []byte
	end                     uint64
}

type change struct {
	place uint64
	class uint8
}

// Diff returns the delta that turns from into to.
func Diff(from, to Set) []byte {
	var removed []uint64
	var changed []change
	var added []Entry
	var counts [classes]uint32
	next, stop := iter.Pull(to.All())
	defer stop()
	t, more := next()
	add := func() {
		added = append(added, t)
		counts[t.Class]++
		t, more = next()
	}
	place := uint64(0)
	for f := range from.All() {
		for more && t.Prefix < f.Prefix {
			add()
		}
		switch {
		case !more || t.Prefix > f.Prefix:
			removed = append(removed, place)
		default:
			if t.Class != f.Class {
				changed = append(changed, change{place, t.Class})
				counts[t.Class]++
			}
			t, more = next()
		}
		place++
	}
	for more {
		add()
	}

	code := codeFor(&counts)
	var w bitWriter
	k, after := riceParameter(uint64(from.n), uint64(len(removed))), uint64(0)
	for _, p := range removed {
		w.rice(p-after, k)
		after = p + 1
	}
	k, after = riceParameter(uint64(from.n), uint64(len(changed))), 0
	for _, c := range changed {
		w.rice(c.place-after, k)
		code.write(&w, c.class)
		after = c.place + 1
	}
	k, after = riceParameter(universe, uint64(len(added))), 0
	for _, e := range added {
		w.rice(e.Prefix-after, k)
		code.write(&w, e.Class)
		after = e.Prefix + 1
	}

	bitLength := uint32(w.n)
	stream := w.finish()
	sum := sha256.Sum256(from.data)
	out := append(make([]byte, 0, deltaHeader+len(stream)), deltaMagic...)
	out = binary.LittleEndian.AppendUint32(out, uint32(deltaHeader+len(stream)))
	out = binary.LittleEndian.AppendUint32(out, uint32(from.n))
	out = append(out, sum[:baseCheck]...)
	for _, n := range []int{len(removed), len(changed), len(added)} {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	out = binary.LittleEndian.AppendUint32(out, bitLength)
	return append(code.append(out), stream...)
}

func openDelta(data []byte) (delta, error) {
	if n := min(len(data), len(deltaMagic)); string(data[:n]) != deltaMagic[:n] {
		return delta{}, ErrMagic
	}
	if len(data) < deltaHeader {
		return delta{}, ErrTruncated
	}
	u32 := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32(data[at:])) }
	d := delta{n: u32(8), removed: u32(20), changed: u32(24), added: u32(28), end: u32(32)}
	switch length := u32(4); {
	case length > MaxBytes || uint64(len(data)) > length:
		return delta{}, ErrOversized
	case uint64(len(data)) < length:
		return delta{}, ErrTruncated
	}
	code, ok := parseCode(data[36:])
	if !ok || uint64(len(data)) != deltaHeader+(d.end+7)/8+pad || d.removed+d.changed+d.added > d.end {
		return delta{}, ErrCorrupt
	}
	d.code, d.stream = code, data[deltaHeader:]
	rest := bitReader{d.stream, d.end}
	if rest.peek() != 0 || binary.LittleEndian.Uint64(data[len(data)-pad:]) != 0 {
		return delta{}, ErrCorrupt // the padding is not empty
	}
	return d, nil
}

// places reads count places below n; nil if the stream does not hold them.
func (d *delta) places(r *bitReader, count uint64, withClass bool) ([]change, bool) {
	list := make([]change, 0, count) // count ≤ bits of the stream
	k, next := riceParameter(d.n, count), uint64(0)
	for range count {
		next += r.rice(k, d.end)
		c := change{place: next}
		if withClass {
			c.class = d.code.read(r)
		}
		if r.at > d.end || next >= d.n {
			return nil, false
		}
		list = append(list, c)
		next++
	}
	return list, true
}

// Apply returns the bytes of the set that delta makes of from: Apply(a, Diff(a, b))
// is b, byte for byte. The errors are ErrMagic, ErrTruncated, ErrOversized, ErrBase
// and ErrCorrupt.
func Apply(from Set, data []byte) ([]byte, error) {
	d, err := openDelta(data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(from.data)
	if d.n != uint64(from.n) || !bytes.Equal(data[12:12+baseCheck], sum[:baseCheck]) {
		return nil, ErrBase
	}
	r := bitReader{data: d.stream}
	removed, ok := d.places(&r, d.removed, false)
	if !ok {
		return nil, ErrCorrupt
	}
	changed, ok := d.places(&r, d.changed, true)
	if !ok {
		return nil, ErrCorrupt
	}
	added := make([]Entry, 0, d.added)
	k, next := riceParameter(universe, d.added), uint64(0)
	for range d.added {
		next += r.rice(k, d.end)
		class := d.code.read(&r)
		if r.at > d.end || next >= universe {
			return nil, ErrCorrupt
		}
		added = append(added, Entry{next, class})
		next++
	}
	if r.at != d.end {
		return nil, ErrCorrupt
	}
	sound := true
	out, err := encode(merge(&from, removed, changed, added, &sound))
	if err == nil && !sound {
		return nil, ErrCorrupt
	}
	return out, err
}

// merge yields the entries of from with the changes made. A change that is none
// (an entry removed and changed, removed and added, added twice, or changed to the
// class it has) makes sound false.
func merge(from *Set, removed, changed []change, added []Entry, sound *bool) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		removed, changed, added := removed, changed, added
		place := uint64(0)
		for e := range from.All() {
			for len(added) > 0 && added[0].Prefix < e.Prefix {
				if !yield(added[0]) {
					return
				}
				added = added[1:]
			}
			if len(added) > 0 && added[0].Prefix == e.Prefix {
				*sound = false
				return
			}
			gone := len(removed) > 0 && removed[0].place == place
			if gone {
				removed = removed[1:]
			}
			if len(changed) > 0 && changed[0].place == place {
				if gone || changed[0].class == e.Class {
					*sound = false
					return
				}
				e.Class = changed[0].class
				changed = changed[1:]
			}
			if !gone && !yield(e) {
				return
			}
			place++
		}
		for _, e := range added {
			if !yield(e) {
				return
			}
		}
	}
}
