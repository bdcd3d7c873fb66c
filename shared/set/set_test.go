package set

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// example is the worked example of the package comment.
const example = `
	4b530200 02000000 55000000 0000
	26 00 2e2b0600
	01 ff
	01 10010000 00000000 00000000 00000000
	   00000000 00000000 00000000 00000000
	58fdffffffff0000000000
	00000000
	0000000000000000`

func build(t testing.TB, entries []Entry) []byte {
	t.Helper()
	data, err := Build(slices.Clone(entries), nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func open(t testing.TB, data []byte) Set {
	t.Helper()
	s, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// random returns n entries as digests would give them; most of class 0, as in real lists.
func random(seed uint64, n int) []Entry {
	r := rand.New(rand.NewPCG(seed, 1))
	seen := make(map[uint64]bool, n)
	entries := make([]Entry, 0, n)
	for len(entries) < n {
		e := Entry{Prefix: r.Uint64N(universe)}
		if r.IntN(4) == 0 {
			e.Class = uint8(r.IntN(16))
		}
		if !seen[e.Prefix] {
			seen[e.Prefix] = true
			entries = append(entries, e)
		}
	}
	return entries
}

func sorted(entries []Entry) []Entry {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b Entry) int {
		if a.Prefix < b.Prefix {
			return -1
		}
		return 1
	})
	return entries
}

func TestTheExampleInTheDocumentation(t *testing.T) {
	want, err := hex.DecodeString(strings.Join(strings.Fields(example), ""))
	if err != nil {
		t.Fatal(err)
	}
	entries := []Entry{{1, 1}, {0x8000000000, 2}}
	if got := build(t, entries); !bytes.Equal(got, want) {
		t.Errorf("got\n%x\nwant\n%x", got, want)
	}
	s := open(t, want)
	if got := slices.Collect(s.All()); !slices.Equal(got, entries) {
		t.Errorf("the example reads %v", got)
	}
}

func TestASetHoldsWhatWasPutIn(t *testing.T) {
	f := func(name string, entries []Entry) {
		t.Helper()
		data := build(t, entries)
		if err := Verify(data); err != nil {
			t.Errorf("%s: verify: %v", name, err)
		}
		s := open(t, data)
		if s.Len() != len(entries) {
			t.Errorf("%s: %d entries, want %d", name, s.Len(), len(entries))
		}
		if got := slices.Collect(s.All()); !slices.Equal(got, sorted(entries)) {
			t.Errorf("%s: other entries come out than went in", name)
		}
		in := map[uint64]uint8{}
		for _, e := range entries {
			in[e.Prefix] = e.Class
			if class, ok := s.lookup(e.Prefix); !ok || class != e.Class {
				t.Fatalf("%s: lookup %x = %d, %v; want %d", name, e.Prefix, class, ok, e.Class)
			}
		}
		for _, e := range entries {
			for _, near := range []uint64{e.Prefix - 1, e.Prefix + 1, e.Prefix ^ 1<<39} {
				near &= universe - 1
				_, want := in[near]
				if _, ok := s.lookup(near); ok != want {
					t.Fatalf("%s: lookup %x = %v, want %v", name, near, ok, want)
				}
			}
		}
	}
	f("nothing", nil)
	f("the lowest", []Entry{{0, 0}})
	f("the highest", []Entry{{universe - 1, 63}})
	f("both ends", []Entry{{0, 5}, {universe - 1, 5}})
	for _, n := range []int{1, 2, 63, 64, 65, 127, 129, 1000, 4096, 50000} {
		f("random", random(uint64(n), n))
	}
	var everyClass, crowd, ends []Entry
	for i := range 64 {
		everyClass = append(everyClass, Entry{uint64(i) << 33, uint8(i)})
	}
	for i := range 4000 {
		crowd = append(crowd, Entry{1<<30 + uint64(i), 0}) // no digests: all in one bucket, a wide directory
		ends = append(ends, Entry{uint64(i%2)<<39 + uint64(i), uint8(i % 3)})
	}
	f("every class", everyClass)
	f("a crowd", crowd)
	f("two crowds", ends)
}

// Class counts like Fibonacci numbers make Huffman codes as long as they get.
func TestCodesAreNeverLongerThanTheHeaderCanSay(t *testing.T) {
	var counts [classes]uint32
	a, b := uint32(1), uint32(1)
	for i := range 30 {
		counts[i] = a
		a, b = b, a+b
	}
	code := codeFor(&counts)
	if code.max > maxCode {
		t.Errorf("a code of %d bits", code.max)
	}
	if _, ok := codeOf(&code.length, 0); !ok {
		t.Error("the lengths make no complete code")
	}
}

func TestWhatCannotBeBuilt(t *testing.T) {
	f := func(want error, entries ...Entry) {
		t.Helper()
		if _, err := Build(entries, nil); !errors.Is(err, want) {
			t.Errorf("%v: got %v, want %v", entries, err, want)
		}
	}
	f(ErrEntry, Entry{universe, 0})
	f(ErrEntry, Entry{1, 64})
	f(ErrConflict, Entry{7, 1}, Entry{9, 1}, Entry{7, 2})
	f(nil, Entry{7, 1}, Entry{7, 1})
}

func TestDamageHasAName(t *testing.T) {
	good := build(t, random(1, 500))
	f := func(name string, want error, damage func([]byte) []byte) {
		t.Helper()
		data := damage(bytes.Clone(good))
		if _, err := Open(data); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	f("nothing at all", ErrTruncated, func(b []byte) []byte { return nil })
	f("a web page instead", ErrMagic, func(b []byte) []byte { return []byte("<html><body>Sign in to the hotel network</body></html>") })
	f("a newer format", ErrMagic, func(b []byte) []byte { b[2]++; return b })
	f("the header only", ErrTruncated, func(b []byte) []byte { return b[:headerSize-1] })
	f("one byte short", ErrTruncated, func(b []byte) []byte { return b[:len(b)-1] })
	f("one byte more", ErrOversized, func(b []byte) []byte { return append(b, 0) })
	f("a huge count", ErrOversized, func(b []byte) []byte { b[7] = 0xff; return b })
	f("another parameter", ErrCorrupt, func(b []byte) []byte { b[14]++; return b })
	f("a class code that is none", ErrCorrupt, func(b []byte) []byte { b[23] = 0xff; return b })
	f("residuals of another width", ErrCorrupt, func(b []byte) []byte { b[15] = 33; return b })
	f("a directory that goes back", ErrCorrupt, func(b []byte) []byte { b[len(b)-pad-int(groupBytes(uint(b[15])))]++; return b })
}

// Other encodings of the same entries are refused by name.
func TestOnlyOneEncodingIsTaken(t *testing.T) {
	good := build(t, random(1, 500))
	f := func(name string, change func([]byte)) {
		t.Helper()
		data := bytes.Clone(good)
		change(data)
		if err := Verify(data); !errors.Is(err, ErrCanonical) {
			t.Errorf("%s: got %v, want %v", name, err, ErrCanonical)
		}
	}
	f("something in the padding", func(b []byte) { b[len(b)-1] = 1 })
	f("a residual of a bucket that there is not", func(b []byte) { b[len(b)-pad-1] = 1 })
	f("another class where none is coded alone", func(b []byte) { b[22]++ })
}

// Every single bit of a small set is turned. Either the set is refused, or it is the
// proper encoding of other entries, whose digest is another.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	good := build(t, random(3, 150))
	for i := range len(good) * 8 {
		data := bytes.Clone(good)
		data[i/8] ^= 1 << (i % 8)
		s, err := Open(data)
		if err != nil {
			continue
		}
		for e := range s.All() { // must end and must not panic
			s.lookup(e.Prefix)
		}
		if Verify(data) == nil {
			again, err := Build(slices.Collect(s.All()), slices.Collect(s.Longs()))
			if err != nil || !bytes.Equal(again, data) {
				t.Fatalf("bit %d: verified, but not the encoding of its entries", i)
			}
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	entries := random(9, 10000)
	s := open(t, build(t, entries))
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		s.lookup(entries[i%len(entries)].Prefix)
		s.lookup(entries[i%len(entries)].Prefix ^ 1)
		i++
	}); n != 0 {
		t.Errorf("a lookup allocates %v times", n)
	}
}

// Prefixes of 40 bits hit by chance as often as theory says: n of 2^40 times. Twenty million
// prefixes that nobody listed, asked of a million entries, hit 18.2 times on average; more
// than 40 or fewer than 4 would be once in a hundred thousand sets.
func TestFalseHitsAreAsRareAsTheorySays(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	entries := random(11, 1_000_000)
	listed := make(map[uint64]bool, len(entries))
	for _, e := range entries {
		listed[e.Prefix] = true
	}
	s := open(t, build(t, entries))
	r := rand.New(rand.NewPCG(12, 12))
	hits := 0
	for range 20_000_000 {
		a, b := r.Uint64(), r.Uint64()
		_, hit := s.LookupHead(a, b)
		if hit {
			hits++
		}
		if hit != listed[a>>(64-PrefixBits)] {
			t.Fatalf("the set says %t of prefix %010x", hit, a>>(64-PrefixBits))
		}
	}
	if hits < 4 || hits > 40 {
		t.Errorf("%d of 20,000,000 prefixes hit by chance, theory says 18.2", hits)
	}
}

func FuzzOpen(f *testing.F) {
	for _, n := range []int{0, 1, 70, 300} {
		f.Add(build(f, random(uint64(n), n)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Open(data)
		if err != nil {
			return
		}
		n := 0
		for e := range s.All() {
			s.lookup(e.Prefix)
			if n++; n > 8*len(data) {
				t.Fatal("more entries than bits")
			}
		}
		if Verify(data) != nil {
			return
		}
		again, err := Build(slices.Collect(s.All()), slices.Collect(s.Longs()))
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("verified, but its entries encode otherwise: %v", err)
		}
	})
}

// The second implementation is a sorted slice.
func FuzzAgreesWithASlice(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x01\x01\xff\xff\xff\xff\xff\x02"), uint64(1))
	f.Fuzz(func(t *testing.T, raw []byte, probe uint64) {
		var entries []Entry
		for ; len(raw) >= 6; raw = raw[6:] {
			p := uint64(raw[0])<<32 | uint64(raw[1])<<24 | uint64(raw[2])<<16 | uint64(raw[3])<<8 | uint64(raw[4])
			entries = append(entries, Entry{p, raw[5] % classes})
		}
		data, err := Build(entries, nil)
		if err != nil {
			return
		}
		s := open(t, data)
		list := slices.Collect(s.All())
		probes := []uint64{probe & (universe - 1)}
		for _, e := range list {
			probes = append(probes, e.Prefix, (e.Prefix+1)&(universe-1), (e.Prefix-1)&(universe-1))
		}
		for _, p := range probes {
			i := slices.IndexFunc(list, func(e Entry) bool { return e.Prefix == p })
			class, ok := s.lookup(p)
			if ok != (i >= 0) || ok && class != list[i].Class {
				t.Fatalf("lookup %x: %d, %v; the slice says %d", p, class, ok, i)
			}
		}
	})
}
