package triage

import (
	"cmp"
	"database/sql"
	"encoding/binary"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/wire"
)

var (
	gathered = flag.Int("reports", 100_000, "reports that are gathered")
	about    = flag.Int("subjects", 20_000, "about so many things")
	at       = flag.String("db", "", "the address of a PostgreSQL to gather in, and not a file")
)

// Reports are gathered, and beside that somebody changes something ten times a second. Every fourth page leads to the
// account of its kit.
func BenchmarkGather(b *testing.B) {
	for range b.N {
		base, err := db.Open(cmp.Or(*at, dbtest.Place(b, "office.db"))+map[bool]string{true: fmt.Sprintf("&search_path=office%d", time.Now().UnixNano())}[*at != ""], ledger.Tables, Tables)
		if err != nil {
			b.Fatal(err)
		}
		defer base.Close()
		box, err := inbox.Open(cmp.Or(*at, dbtest.Place(b, "inbox.db")) + map[bool]string{true: fmt.Sprintf("&search_path=inbox%d", time.Now().UnixNano())}[*at != ""])
		if err != nil {
			b.Fatal(err)
		}
		defer box.Close()
		kinds := category.All()
		now := time.Now().Unix()
		var sending sync.WaitGroup
		for from := range 128 {
			sending.Go(func() {
				for n := from; n < *gathered; n += 128 {
					thing := n % *about
					host := fmt.Sprintf("shop-%07d.example", thing)
					r := wire.Report{ID: binary.BigEndian.AppendUint64(make([]byte, 8, inbox.IDSize), uint64(n)), Kind: wire.KindScam, Language: "vi", Category: kinds[thing%len(kinds)].Slug(),
						Subjects: []string{host + "/p", host + "/"}, Href: "https://" + host + "/p"}
					if thing%4 == 0 {
						r.Links = []string{fmt.Sprintf("facebook:user/kit%d", thing/40), "counter.example/", fmt.Sprintf("telegram:user/sales%d", thing/400)}
					}
					if n%7 == 0 {
						r.Note = "never sent it"
					}
					if n%10 == 6 && n > *about {
						r.Kind, r.Note, r.Links = wire.KindMistake, "it is mine", nil
					}
					if _, _, err := box.Accept(b.Context(), r, binary.BigEndian.AppendUint32(nil, uint32(n%(*gathered/2))), now); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		sending.Wait()
		desk := Open(base)
		done := make(chan struct{})
		var waited sync.WaitGroup
		var longest time.Duration
		waited.Go(func() {
			for tick := time.NewTicker(100 * time.Millisecond); ; {
				select {
				case <-done:
					return
				case <-tick.C:
				}
				since := time.Now()
				if err := base.Change(b.Context(), func(*sql.Tx) error { return nil }); err != nil {
					b.Error(err)
				}
				longest = max(longest, time.Since(since))
			}
		})
		since := time.Now()
		if n, err := desk.Gather(b.Context(), box); err != nil || n != *gathered {
			b.Fatal(n, err)
		}
		took := time.Since(since)
		close(done)
		waited.Wait()
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(took.Seconds(), "s")
		b.ReportMetric(float64(longest.Milliseconds()), "longest-wait-ms")
	}
}
