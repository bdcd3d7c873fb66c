package publish

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
)

// BenchmarkPublish publishes a million indicators, with deltas from 300 releases behind it.
// It runs once, on one core: the process must be started for it alone, because the peak of
// its memory is read from the kernel.
func BenchmarkPublish(b *testing.B) {
	const n, releases, churn = 1_000_000, 300, 170 // half a per cent a day, ten releases a day
	p := newPublisher(b)
	ctx := context.Background()
	now := time.Now().Unix()
	r := rand.New(rand.NewPCG(1, 1))
	kinds := category.All()
	made := 0
	site := func() ledger.Indicator {
		made++
		i := ledger.Indicator{
			Subject: subject.Subject(fmt.Sprintf("site-%d.example/", made)), Category: kinds[max(0, r.IntN(64)-48)], Source: "benchmark", FirstSeen: now - 1000, Lapses: now + 1e8,
		}
		if made%10 == 0 { // what maintainers have looked at
			i.Reason = map[string]string{"en": fmt.Sprintf("case %d asks for a fee before anything is delivered", made), "vi": "đòi phí trước khi giao hàng"}
		}
		return i
	}
	add := func(count int) {
		list := make([]ledger.Indicator, count)
		for i := range list {
			list[i] = site()
		}
		if _, _, err := p.Ledger.Import(ctx, "benchmark", list); err != nil {
			b.Fatal(err)
		}
	}
	for range n / 50_000 {
		add(50_000)
	}
	// The history is made of steps alone: 300 whole publishings would take half an hour.
	p.invent(b, releases, churn, now)
	add(churn)
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak begins anew
	for b.Loop() {
		start := time.Now()
		r := p.mustPublish(b, now+1)
		h := p.client(b, now+1).Head()
		b.ReportMetric(time.Since(start).Seconds(), "sec/publish")
		b.ReportMetric(float64(peak(b)), "peak-bytes")
		b.ReportMetric(float64(h.Sequence-h.Deltas), "deltas")
		if b.N > 1 || !r.Published {
			b.Fatal("run it with -benchtime 1x")
		}
	}
}

// invent publishes, with releases before that one whose steps alone are kept: in each, count
// entries came and count others went.
func (p *Publisher) invent(b *testing.B, releases, count int, now int64) {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	hour := int64(time.Hour.Seconds())
	for n := uint64(1); n < uint64(releases); n++ {
		must(p.Ledger.Issue(context.Background(), ledger.Issue{Seq: -1, Release: ledger.Release{
			Sequence: n, Set: release.DigestOf(fmt.Append(nil, n)), Issued: now - int64(releases-int(n))*hour, Expires: now + 1e6,
		}}))
	}
	if r := p.mustPublish(b, now); r.Sequence != uint64(releases) {
		b.Fatalf("release %d", r.Sequence)
	}
	note, err := p.Blobs.Head()
	must(err)
	body, err := p.Blobs.Get("blob/"+p.client(b, now).Head().Set.String(), release.MaxSet)
	must(err)
	s, err := set.Open(body)
	must(err)
	r := rand.New(rand.NewPCG(2, 2))
	entries := slices.Collect(s.All())
	r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	for n := uint64(releases); n > 1; n-- {
		one := step{base: n - 1}
		for _, e := range entries[:count] {
			gone := r.Uint64N(1 << set.PrefixBits)
			one.changes = append(one.changes, change{e.Prefix, absent, e.Class}, change{gone, e.Class, absent})
		}
		entries = entries[count:]
		slices.SortFunc(one.changes, func(a, b change) int { return cmp.Compare(a.prefix, b.prefix) })
		must(p.Blobs.Put(stepName(n), one.encode()))
		must(p.Ledger.Issue(context.Background(), ledger.Issue{Seq: -1, Release: entry(p.client(b, now).Head(), note, p.Keys.Note), Files: map[string]release.Digest{stepName(n): release.DigestOf(one.encode())}}))
	}
}

// peak is the most memory that the process has had in use, in bytes.
func peak(b *testing.B) int {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kB, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				b.Fatal(err)
			}
			return kB << 10
		}
	}
	b.Fatal("the kernel does not say")
	return 0
}

// BenchmarkShelf hands out what devices ask for: the head, a delta, a bucket, and the whole set of a million entries.
// What was proven once comes from memory; "first" is what the proof costs.
func BenchmarkShelf(b *testing.B) {
	p := newPublisher(b)
	now := time.Now().Unix()
	list := make([]ledger.Indicator, 20_000)
	for i := range list {
		list[i] = ledger.Indicator{Subject: subject.Subject(fmt.Sprintf("site-%d.example/", i)), Source: "benchmark", FirstSeen: now}
	}
	if _, _, err := p.Ledger.Import(b.Context(), "benchmark", list[1:]); err != nil {
		b.Fatal(err)
	}
	p.mustPublish(b, now)
	if _, _, err := p.Ledger.Import(b.Context(), "benchmark", list[:1]); err != nil {
		b.Fatal(err)
	}
	p.mustPublish(b, now+1)
	r := rand.New(rand.NewPCG(1, 2))
	prefixes := map[uint64]bool{}
	for len(prefixes) < 1_000_000 {
		prefixes[r.Uint64N(1<<set.PrefixBits)] = true
	}
	var entries []set.Entry
	for _, prefix := range slices.Sorted(maps.Keys(prefixes)) {
		entries = append(entries, set.Entry{Prefix: prefix})
	}
	million, err := set.Build(entries, nil)
	if err != nil {
		b.Fatal(err)
	}
	digest := release.DigestOf(million)
	if err := p.Blobs.Put("blob/"+digest.String(), million); err != nil {
		b.Fatal(err)
	}
	shelf := &Shelf{Blobs: p.Blobs, Ledger: p.Ledger, Root: p.Keys.Root}
	st, err := shelf.of(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	st.sizes[digest] = uint64(len(million))
	h := p.client(b, now+1).Head()
	for name, get := range map[string]func() ([]byte, error){
		"head":  func() ([]byte, error) { return shelf.Head(b.Context()) },
		"delta": func() ([]byte, error) { return shelf.Delta(b.Context(), h.Set, h.Sequence-1) },
		"bucket": func() ([]byte, error) {
			return shelf.Bucket(b.Context(), h.Sequence, release.BucketName(h.BucketBits, 1))
		},
		"set": func() ([]byte, error) { return shelf.Blob(b.Context(), digest) },
	} {
		for _, first := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/first=%t", name, first), func(b *testing.B) {
				for b.Loop() {
					if first {
						shelf.known = memory{}
					}
					if body, err := get(); err != nil || len(body) == 0 {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
