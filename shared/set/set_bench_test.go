package set

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var sizes = []int{100_000, 1_000_000, 5_000_000}

// choose is log2 of how many ways there are to choose r of n, r much smaller than n or
// n small (Stirling's formula; lgamma alone loses the difference at 2^40).
func choose(n, r float64) float64 {
	lgamma := func(x float64) float64 { v, _ := math.Lgamma(x + 1); return v / math.Ln2 }
	if n > 1e9 {
		return r*math.Log2(n) - r*r/(2*n*math.Ln2) - lgamma(r)
	}
	return lgamma(n) - lgamma(r) - lgamma(n-r)
}

// bound is the least that n prefixes of 40 bits with these classes can need, in bits an
// entry: log2 C(2^40, n)/n, and the entropy of the class.
func bound(entries []Entry) float64 {
	if len(entries) == 0 {
		return 0
	}
	n := float64(len(entries))
	bits := choose(math.Exp2(PrefixBits), n)
	var counts [classes]float64
	for _, e := range entries {
		counts[e.Class]++
	}
	for _, c := range counts {
		if c > 0 {
			bits += c * math.Log2(n/c)
		}
	}
	return bits / n
}

func BenchmarkSize(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			entries := random(1, n)
			var data []byte
			for b.Loop() {
				data, _ = Build(slices.Clone(entries), nil)
			}
			got := float64(len(data)) * 8 / float64(n)
			b.ReportMetric(got, "bits/entry")
			b.ReportMetric(bound(entries), "bound-bits/entry")
			b.ReportMetric(got/bound(entries), "of-bound")
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range sizes {
		entries := random(1, n)
		data, _ := Build(slices.Clone(entries), nil)
		s, err := Open(data)
		if err != nil {
			b.Fatal(err)
		}
		r := rand.New(rand.NewPCG(5, 5))
		probes := make([]uint64, 1<<16)
		for _, kind := range []string{"absent", "present"} {
			for i := range probes {
				probes[i] = r.Uint64N(universe)
				if kind == "present" {
					probes[i] = entries[r.IntN(n)].Prefix
				}
			}
			b.Run(fmt.Sprintf("%d/%s", n, kind), func(b *testing.B) {
				i := 0
				for b.Loop() {
					s.lookup(probes[i&(1<<16-1)])
					i++
				}
			})
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	data, _ := Build(random(1, 1_000_000), nil)
	for b.Loop() {
		if _, err := Open(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDelta(b *testing.B) {
	from := random(1, 1_000_000)
	later := append(slices.Clone(from[1000:]), random(77, 1000)...)
	a, _ := Build(from, nil)
	c, _ := Build(later, nil)
	old, _ := Open(a)
	next, _ := Open(c)
	base := sha256.Sum256(a)
	d := Diff(old, base, next)
	delta := d.Append(nil)
	b.Run("diff", func(b *testing.B) {
		for b.Loop() {
			Diff(old, base, next)
		}
		b.ReportMetric(float64(len(delta)), "B/delta")
	})
	b.Run("apply", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Apply(old, base, delta); err != nil {
				b.Fatal(err)
			}
		}
	})
}
