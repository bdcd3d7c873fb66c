package set

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// diff is the delta between two encoded sets.
func diff(t testing.TB, a, b []byte) []byte {
	t.Helper()
	d := Diff(open(t, a), sha256.Sum256(a), open(t, b))
	return d.Append(nil)
}

// apply applies a delta to an encoded set.
func apply(t testing.TB, a, delta []byte) ([]byte, error) {
	t.Helper()
	return Apply(open(t, a), sha256.Sum256(a), delta)
}

// day returns entries a day later: some gone, some new, some with another class.
func day(seed uint64, entries []Entry, churn int) []Entry {
	r := rand.New(rand.NewPCG(seed, 2))
	later := slices.Clone(entries)
	for range min(churn, len(later)) {
		i := r.IntN(len(later))
		later = slices.Delete(later, i, i+1)
	}
	for range min(churn/4, len(later)) {
		i := r.IntN(len(later))
		later[i].Class = (later[i].Class + 1) % 16
	}
	for _, e := range random(seed+1000, churn) {
		if !slices.ContainsFunc(later, func(o Entry) bool { return o.Prefix == e.Prefix }) {
			later = append(later, e)
		}
	}
	return later
}

func TestADeltaMakesTheNewSetByteForByte(t *testing.T) {
	f := func(name string, from, to []Entry) {
		t.Helper()
		a, b := build(t, from), build(t, to)
		delta := diff(t, a, b)
		got, err := apply(t, a, delta)
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: %v; the result differs from the set", name, err)
		}
	}
	base := random(1, 3000)
	f("nothing changes", base, base)
	f("from nothing", nil, base)
	f("to nothing", base, nil)
	f("nothing to nothing", nil, nil)
	f("a day", base, day(1, base, 40))
	f("everything else", base, random(2, 2000))
	f("only classes", []Entry{{1, 1}, {2, 2}, {3, 3}}, []Entry{{1, 2}, {2, 2}, {3, 63}})
	f("both ends", []Entry{{0, 0}, {universe - 1, 0}}, []Entry{{1, 0}, {universe - 2, 1}})
	for seed := range uint64(30) {
		from := random(seed, int(seed*17))
		f("random", from, day(seed, from, int(seed)))
	}
}

// What changed is what is paid for: 1.05 of what any code needs, and 120 bytes.
func TestADeltaIsSmall(t *testing.T) {
	f := func(n, churn int) {
		t.Helper()
		from := random(4, n)
		to := append(slices.Clone(from[churn:]), random(99, churn)...)
		a, b := build(t, from), build(t, to)
		delta := diff(t, a, b)
		added := slices.DeleteFunc(slices.Clone(to), func(e Entry) bool { return slices.Contains(from[churn:], e) })
		bound := choose(float64(n), float64(churn)) + bound(added)*float64(len(added))
		if got := float64(len(delta)); got > 1.05*bound/8+120 {
			t.Errorf("%d and %d changes of %d cost %d bytes, the bound is %.0f", churn, churn, n, len(delta), bound/8)
		}
	}
	f(40_000, 100)
	f(40_000, 1000)
	f(3000, 0)
	f(3000, 1)
}

func TestADamagedDeltaHasAName(t *testing.T) {
	from := random(5, 900)
	a := build(t, from)
	good := diff(t, a, build(t, day(5, from, 20)))
	f := func(name string, want error, damage func([]byte) []byte) {
		t.Helper()
		if _, err := apply(t, a, damage(bytes.Clone(good))); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	f("as it is", nil, func(b []byte) []byte { return b })
	f("nothing", ErrTruncated, func(b []byte) []byte { return nil })
	f("a set instead", ErrMagic, func(b []byte) []byte { return a })
	f("cut off in the header", ErrTruncated, func(b []byte) []byte { return b[:20] })
	f("cut off at the end", ErrTruncated, func(b []byte) []byte { return b[:len(b)-1] })
	f("something behind", ErrOversized, func(b []byte) []byte { return append(b, 0) })
	f("endless by its own word", ErrOversized, func(b []byte) []byte {
		binary.LittleEndian.PutUint32(b[4:], 0xffffffff)
		return b
	})
	f("for a set of another size", ErrBase, func(b []byte) []byte { b[8] ^= 1; return b })
	f("for another set", ErrBase, func(b []byte) []byte { b[12]++; return b })
	f("more removals than bits", ErrCorrupt, func(b []byte) []byte { b[23] = 0xff; return b })
	f("one removal more", ErrCorrupt, func(b []byte) []byte { b[20]++; return b })
	f("long entries that are not there", ErrCorrupt, func(b []byte) []byte { b[34]++; return b })
	f("something in the padding", ErrCorrupt, func(b []byte) []byte { b[len(b)-1] = 0x80; return b })
	f("one addition less", ErrCorrupt, func(b []byte) []byte { b[28]--; return b })

	if _, err := apply(t, build(t, random(6, 900)), good); !errors.Is(err, ErrBase) {
		t.Errorf("applied to another set: %v", err)
	}
}

// What Diff never writes: a change that is none, and what would make a set that is none.
func TestADeltaThatMakesNoSense(t *testing.T) {
	long := func(first byte, class uint8) Long { return Long{Prefix: [LongBytes]byte{first}, Class: class} }
	data, err := Build([]Entry{{10, 1}, {20, 1}}, []Long{long(7, 1), long(9, 1)})
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, want error, d Delta) {
		t.Helper()
		d.From, d.Base = 2, sha256.Sum256(data)
		if _, err := apply(t, data, d.Append(nil)); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f("nothing", nil, Delta{})
	f("what is there is added", ErrCorrupt, Delta{Added: []Entry{{10, 2}}})
	f("removed and added", ErrCorrupt, Delta{Removed: []uint32{0}, Added: []Entry{{10, 2}}})
	f("removed and changed", ErrCorrupt, Delta{Removed: []uint32{0}, Changed: []Change{{0, 2}}})
	f("changed to what it is", ErrCorrupt, Delta{Changed: []Change{{1, 1}}})
	f("a long one that is not there is removed", ErrCorrupt, Delta{LongRemoved: []uint16{2}})
	f("a long one is added again", ErrCorrupt, Delta{LongAdded: []Long{long(7, 1)}})
	f("two long ones in no order", ErrCorrupt, Delta{LongAdded: []Long{long(8, 1), long(6, 1)}})
	f("a long one of no class", ErrCorrupt, Delta{LongAdded: []Long{long(8, 64)}})
	f("a long one gets another class", nil, Delta{LongRemoved: []uint16{1}, LongAdded: []Long{long(9, 2)}})
	f("an entry covers a long one", ErrCorrupt, Delta{Added: []Entry{{9 << 32, 0}}})
}

func TestLongEntriesTravelInDeltas(t *testing.T) {
	make := func(entries []Entry, long ...Long) []byte {
		t.Helper()
		data, err := Build(slices.Clone(entries), long)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	one, two := Long{[LongBytes]byte{1}, 3}, Long{[LongBytes]byte{2, 1}, 3}
	base := random(11, 300)
	f := func(a, b []byte) {
		t.Helper()
		if got, err := apply(t, a, diff(t, a, b)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%v; the result differs from the set", err)
		}
	}
	f(make(base), make(base, one, two))
	f(make(base, one, two), make(base))
	f(make(base, one), make(base, two))
	f(make(base, one), make(base, Long{one.Prefix, 4}, two))
	f(make([]Entry{{1 << 32, 3}}), make(nil, one)) // an entry has become long
}

func FuzzApply(f *testing.F) {
	from := random(7, 200)
	a := build(f, from)
	f.Add(diff(f, a, build(f, day(7, from, 9))))
	f.Add(diff(f, a, build(f, nil)))
	f.Fuzz(func(t *testing.T, delta []byte) {
		got, err := apply(t, a, delta)
		if err == nil && Verify(got) != nil {
			t.Fatalf("a delta made a set that is none: %x", delta)
		}
	})
}

func FuzzDiff(f *testing.F) {
	f.Add(uint64(1), uint64(2), uint16(100))
	f.Fuzz(func(t *testing.T, s1, s2 uint64, n uint16) {
		from := random(s1, int(n%500))
		to := day(s2, from, int(s2%50))
		a, b := build(t, from), build(t, to)
		got, err := apply(t, a, diff(t, a, b))
		if err != nil || !bytes.Equal(got, b) {
			t.Fatal(err)
		}
	})
}
