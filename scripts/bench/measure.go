package main

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	random "math/rand/v2"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"khien/shared/checker"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
	"khien/shared/supplement"
)

// least is how long something is repeated to be measured.
const least = 300 * time.Millisecond

// each is how many nanoseconds one call of f takes; f gets a number that counts up.
func each(f func(i int)) float64 {
	for i := range 1000 {
		f(i) // warm
	}
	for n := 1000; ; n *= 2 {
		start := time.Now()
		for i := range n {
			f(i)
		}
		if took := time.Since(start); took >= least {
			return float64(took.Nanoseconds()) / float64(n)
		}
	}
}

// once is how many milliseconds the fastest of five calls of f takes.
func once(f func()) float64 {
	best := math.Inf(1)
	for range 5 {
		start := time.Now()
		f()
		best = min(best, float64(time.Since(start).Microseconds())/1000)
	}
	return best
}

// entries are as digests would give them; three quarters of one class.
func entries(seed uint64, n int) []set.Entry {
	r := random.New(random.NewPCG(seed, 1))
	seen := make(map[uint64]bool, n)
	list := make([]set.Entry, 0, n)
	for len(list) < n {
		e := set.Entry{Prefix: r.Uint64N(1 << set.PrefixBits)}
		if r.IntN(4) == 0 {
			e.Class = uint8(r.IntN(16))
		}
		if !seen[e.Prefix] {
			seen[e.Prefix] = true
			list = append(list, e)
		}
	}
	return list
}

// choose is log2 of the number of ways to choose r of n.
func choose(n, r float64) float64 {
	lgamma := func(x float64) float64 { v, _ := math.Lgamma(x + 1); return v / math.Ln2 }
	if n > 1e9 { // lgamma would lose the difference
		return r*math.Log2(n) - r*r/(2*n*math.Ln2) - lgamma(r)
	}
	return lgamma(n) - lgamma(r) - lgamma(n-r)
}

// entropy is that of the classes of all entries together, in bits.
func entropy(list []set.Entry) (bits float64) {
	var counts [64]float64
	for _, e := range list {
		counts[e.Class]++
	}
	for _, c := range counts {
		if c > 0 {
			bits += c * math.Log2(float64(len(list))/c)
		}
	}
	return bits
}

func measure(n int) error {
	out := json.NewEncoder(os.Stdout)
	where := ""
	if runtime.GOOS == "wasip1" {
		where = "@wasm"
	}
	var failed error
	say := func(l line) {
		l.Name += where
		if l.N == 0 {
			l.N = n
		}
		if err := out.Encode(l); err != nil {
			failed = err
		}
	}
	must := func(err error) {
		if err != nil && failed == nil {
			failed = err
		}
	}

	list := entries(1, n)
	data, err := set.Build(slices.Clone(list), nil)
	must(err)
	s, err := set.Open(data)
	must(err)
	sum := release.DigestOf(data)
	bound := (choose(math.Exp2(set.PrefixBits), float64(n)) + entropy(list)) / float64(n)
	size := float64(len(data)) * 8 / float64(n)
	probes := make([][2]uint64, 1<<16)
	r := random.New(random.NewPCG(5, 5))
	fill := func(hit bool) {
		for i := range probes {
			p := r.Uint64N(1 << set.PrefixBits)
			if hit {
				p = list[r.IntN(n)].Prefix
			}
			probes[i] = [2]uint64{p<<24 | r.Uint64N(1<<24), r.Uint64()}
		}
	}
	look := func(i int) { p := probes[i&(1<<16-1)]; s.LookupHead(p[0], p[1]) }
	if where == "" {
		say(line{Name: "set/bits-per-entry", Value: size, Unit: "bits", Peer: "raw sorted 32-bit prefixes, without class", PeerValue: 32, Bound: bound})
		peers(say, list, data, probes, fill)
		falseHits(say, &s)
	}
	fill(true)
	say(line{Name: "set/lookup-hit", Value: each(look), Unit: "ns", Bound: 250})
	fill(false)
	say(line{Name: "set/lookup-miss", Value: each(look), Unit: "ns", Bound: 250})
	say(line{Name: "set/open", Value: each(func(int) { set.Open(data) }) / 1e6, Unit: "ms"})
	say(line{Name: "set/memory", Value: float64(len(data)), Unit: "bytes", Peer: "raw 32-bit prefixes", PeerValue: float64(4 * n), Bound: bound * float64(n) / 8})

	// A day's change: a thousand removed, a thousand added.
	later := append(slices.Clone(list[1000:]), entries(77, 1000)...)
	slices.SortFunc(later, func(a, b set.Entry) int { return int(int64(a.Prefix) - int64(b.Prefix)) })
	later = slices.CompactFunc(later, func(a, b set.Entry) bool { return a.Prefix == b.Prefix })
	target, err := set.Build(slices.Clone(later), nil)
	must(err)
	to, err := set.Open(target)
	must(err)
	diff := set.Diff(s, sum, to)
	delta := diff.Append(nil)
	least := (choose(float64(n), float64(len(diff.Removed))) + choose(math.Exp2(set.PrefixBits), float64(len(diff.Added))) + entropy(diff.Added)) / 8
	if where == "" {
		say(line{Name: "delta/bytes", Value: float64(len(delta)), Unit: "bytes", Peer: "zstd with the old raw 40-bit list as dictionary", PeerValue: patch(list, later), Bound: least})
	}
	say(line{Name: "delta/apply", Value: once(func() {
		if _, err := set.Apply(s, sum, delta); err != nil {
			failed = err
		}
	}), Unit: "ms", Bound: 40})

	const thirty = "https://a.b.c.d.e.example/one/two/three/four.html?x=1&y=2"
	var named subject.Named
	say(line{Name: "subject/expressions", N: 42, Value: each(func(int) {
		must(named.Read(thirty))
		for i := range named.Asked() {
			named.Head(i)
		}
	}) / 1000, Unit: "µs", Bound: 10})
	feed := [...]string{
		"https://www.facebook.com/an.invented.name/posts/1", "https://www.tiktok.com/@invented1/video/1",
		"https://shop1.example/item/1?ref=feed", "https://news1.example/",
	}
	perLink := 3.0
	if where != "" {
		perLink = 8
	}
	say(line{Name: "subject/feed-link", N: len(feed), Value: each(func(i int) {
		must(named.Read(feed[i%len(feed)]))
		for i := range named.Asked() {
			named.Head(i)
		}
	}) / 1000, Unit: "µs", Bound: perLink})
	c, err := opened(data, uint64(n))
	must(err)
	if failed != nil {
		return failed
	}
	now := time.Now().Unix()
	say(line{Name: "check/url", Value: each(func(int) { c.Check(thirty, now) }) / 1000, Unit: "µs"})
	links := make([]string, 1000)
	for i := range links {
		links[i] = [...]string{
			fmt.Sprintf("https://www.facebook.com/an.invented.name%d/posts/%d", i, i), fmt.Sprintf("https://shop%d.example/item/%d?ref=feed", i, i),
			fmt.Sprintf("https://www.tiktok.com/@invented%d/video/%d", i, i), fmt.Sprintf("https://news%d.example/", i),
		}[i%4]
	}
	say(line{Name: "check/batch-1000", N: 1000, Value: once(func() {
		var named subject.Named
		for _, href := range links {
			c.CheckNext(&named, href, now)
		}
	}), Unit: "ms", Bound: 5})
	return failed
}

// opened signs a release with this set and opens it.
func opened(data []byte, count uint64) (*checker.Checker, error) {
	key := func(name string) (note.Signer, string, error) {
		secret, public, err := note.GenerateKey(rand.Reader, name)
		if err != nil {
			return nil, "", err
		}
		signer, err := note.NewSigner(secret)
		return signer, public, err
	}
	root, rootKey, err := key("bench-root")
	if err != nil {
		return nil, err
	}
	signer, releaseKey, err := key("bench-release")
	if err != nil {
		return nil, err
	}
	now := time.Now().Unix()
	keys, err := release.Keys{Sequence: 1, Issued: now, Expires: now + 1e6, Release: []string{releaseKey}}.Sign(root)
	if err != nil {
		return nil, err
	}
	empty, err := supplement.Encode("", supplement.Body{})
	if err != nil {
		return nil, err
	}
	head, err := release.Head{
		Sequence: 1, Issued: now, Expires: now + 1e6, Keys: release.DigestOf(keys), Set: release.DigestOf(data), SetSize: uint64(len(data)), Count: count, Deltas: 1,
		Supplement: release.DigestOf(empty), SupplementSize: uint64(len(empty)),
	}.Sign(signer)
	if err != nil {
		return nil, err
	}
	return checker.Open(rootKey, keys, head, data, release.DigestOf(data), empty, now)
}

// falseHits asks a million digests of names that are not listed: n/2^40 of them hit by chance.
func falseHits(say func(line), s *set.Set) {
	const asked = 1_000_000
	hits := 0
	for i := range asked {
		d := subject.Subject(fmt.Sprintf("unlisted-%d.example/", i)).Digest()
		if _, ok := s.LookupHead(binary.BigEndian.Uint64(d[:]), binary.BigEndian.Uint64(d[8:])); ok {
			hits++
		}
	}
	say(line{Name: "set/false-hits", N: asked, Value: float64(hits), Unit: fmt.Sprintf("hits; theory %.2f", asked*float64(s.Len())/math.Exp2(set.PrefixBits))})
}
