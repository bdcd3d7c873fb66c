package set

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

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
		delta := Diff(open(t, a), open(t, b))
		got, err := Apply(open(t, a), delta)
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

// What changed is what is paid for.
func TestADeltaIsSmall(t *testing.T) {
	from := random(4, 40000)
	to := day(4, from, 100)
	a, b := open(t, build(t, from)), open(t, build(t, to))
	if delta := Diff(a, b); len(delta) > len(b.Bytes())/50 {
		t.Errorf("225 changes cost %d bytes, the whole set %d", len(delta), len(b.Bytes()))
	}
}

func TestADamagedDeltaHasAName(t *testing.T) {
	from := random(5, 900)
	a := open(t, build(t, from))
	good := Diff(a, open(t, build(t, day(5, from, 20))))
	f := func(name string, want error, damage func([]byte) []byte) {
		t.Helper()
		if _, err := Apply(a, damage(bytes.Clone(good))); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	f("as it is", nil, func(b []byte) []byte { return b })
	f("nothing", ErrTruncated, func(b []byte) []byte { return nil })
	f("a set instead", ErrMagic, func(b []byte) []byte { return a.Bytes() })
	f("cut off in the header", ErrTruncated, func(b []byte) []byte { return b[:20] })
	f("cut off at the end", ErrTruncated, func(b []byte) []byte { return b[:len(b)-1] })
	f("something behind", ErrOversized, func(b []byte) []byte { return append(b, 0) })
	f("endless by its own word", ErrOversized, func(b []byte) []byte {
		binary.LittleEndian.PutUint32(b[4:], 0xffffffff)
		return b
	})
	f("for a set of another size", ErrBase, func(b []byte) []byte { b[8]++; return b })
	f("for another set", ErrBase, func(b []byte) []byte { b[12]++; return b })
	f("more removals than bits", ErrCorrupt, func(b []byte) []byte { b[23] = 0xff; return b })
	f("one removal more", ErrCorrupt, func(b []byte) []byte { b[20]++; return b })
	f("something in the padding", ErrCorrupt, func(b []byte) []byte { b[len(b)-1] = 0x80; return b })
	f("one addition less", ErrCorrupt, func(b []byte) []byte { b[28]--; return b })

	other := open(t, build(t, random(6, 900)))
	if _, err := Apply(other, good); !errors.Is(err, ErrBase) {
		t.Errorf("applied to another set: %v", err)
	}
}

// An addition of what is there, or a change to the class it has, is no delta that Diff writes.
func TestADeltaThatSaysTheSameTwice(t *testing.T) {
	have := open(t, build(t, []Entry{{10, 1}, {20, 1}}))
	sound := true
	f := func(removed, changed []change, added []Entry) {
		t.Helper()
		sound = true
		for range merge(&have, removed, changed, added, &sound) {
		}
		if sound {
			t.Errorf("removed %v, changed %v, added %v: taken for sound", removed, changed, added)
		}
	}
	f(nil, nil, []Entry{{10, 2}})
	f([]change{{0, 0}}, nil, []Entry{{10, 2}})
	f([]change{{0, 0}}, []change{{0, 2}}, nil)
	f(nil, []change{{1, 1}}, nil)
}

func FuzzApply(f *testing.F) {
	from := random(7, 200)
	a := build(f, from)
	f.Add(Diff(open(f, a), open(f, build(f, day(7, from, 9)))))
	f.Add(Diff(open(f, a), open(f, build(f, nil))))
	f.Fuzz(func(t *testing.T, delta []byte) {
		got, err := Apply(open(t, a), delta)
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
		got, err := Apply(open(t, a), Diff(open(t, a), open(t, b)))
		if err != nil || !bytes.Equal(got, b) {
			t.Fatal(err)
		}
	})
}
