package console

import (
	"cmp"
	"encoding/binary"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/staff"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// invented is what the reports of a large office are about.
func invented(n int) (names []string, href string) {
	switch n % 4 {
	case 0:
		name := fmt.Sprintf("invented%07d", n)
		return []string{"facebook:user/" + name}, "https://www.facebook.com/" + name
	case 1:
		return []string{fmt.Sprintf("phone:+8491%07d", n)}, ""
	}
	host := fmt.Sprintf("shop-%07d.example", n)
	return []string{host + "/p", host + "/"}, "https://" + host + "/p"
}

// grow fills an office: so many reports, and so many cases that are open. Of each ten cases one has objections, and for each hundred five more were
// decided: two rejected and done, one asked about, one proposed, one accepted. As many things as cases are on the list by another way, and
// of these the accounts have a takedown case.
func (o *office) grow(reports, cases int) {
	o.t.Helper()
	ctx, now := o.t.Context(), time.Now().Unix()
	must := func(err error) {
		if err != nil {
			o.t.Helper()
			o.t.Fatal(err)
		}
	}
	closed := cases / 20
	kinds := category.All()
	var sending sync.WaitGroup
	next := make(chan int)
	for range 256 {
		sending.Go(func() {
			for n := range next {
				at := n % (cases + closed)
				if n%11 == 10 {
					at = 2 // what everybody reports
				}
				r := wire.Report{ID: make([]byte, inbox.IDSize), Kind: wire.KindScam, Language: "vi", Category: kinds[at%len(kinds)].Slug()}
				if r.Subjects, r.Href = invented(at); n%7 == 0 {
					r.Note = "never sent it"
				}
				if at%10 == 6 && n >= cases+closed {
					r.Kind, r.Note = wire.KindMistake, "it is mine"
				}
				binary.BigEndian.PutUint64(r.ID, uint64(n))
				if _, _, err := o.Inbox.Accept(ctx, r, binary.BigEndian.AppendUint32(nil, uint32(n%(reports/2))), now-int64(reports-n)*60*24*60*60/int64(reports)); err != nil {
					o.t.Error(err)
				}
			}
		})
	}
	for n := range reports {
		next <- n
	}
	close(next)
	sending.Wait()
	_, err := o.Desk.Gather(ctx, o.Inbox)
	must(err)
	for n := cases; n < cases+closed; n++ {
		names, _ := invented(n)
		c, err := o.Desk.Named(ctx, subject.Subject(names[len(names)-1]))
		must(err)
		d := triage.Decision{Actor: "mai", Action: triage.Reject, Reason: map[string]string{"en": "we do not know"}}
		switch n % 5 {
		case 2:
			d.Action = triage.Ask
		case 3:
			d.Action, d.Lists, d.Impact = triage.List, triage.Only(c.Subject), triage.Reach{Rule: triage.ManyAtOnce}
		case 4:
			d.Action, d.Lists = triage.List, triage.Only(c.Subject)
		}
		_, err = o.Desk.Decide(ctx, c.ID, d)
		must(err)
	}
	pending, err := o.Desk.Pending(ctx)
	must(err)
	done := slices.DeleteFunc(slices.Clone(pending), func(c triage.Case) bool { return c.Action != triage.Reject })
	must(o.Desk.Settle(ctx, o.Publisher.Ledger, o.Inbox, done[:len(done)-min(10, len(done)/2)]))
	list := make([]ledger.Indicator, cases)
	for n := range list {
		names, _ := invented(10_000_000 + n)
		list[n] = ledger.Indicator{Subject: subject.Subject(names[0]), Category: kinds[n%len(kinds)], Source: "invented list", Reason: map[string]string{"en": "never delivers"}}
	}
	_, _, err = o.Publisher.Ledger.Import(ctx, "mai", list)
	must(err)
	_, err = o.Publisher.Publish(ctx, now)
	must(err)
	must(o.Desk.Record(ctx, audit.Act{Time: now, Actor: "mai", Verb: audit.Publish, Object: audit.Numbered[uint64](audit.OfRelease, 1)}))
	_, err = o.Takedowns.Follow(ctx, o.Publisher.Ledger, now)
	must(err)
}

// pageOf is the page of the case about one of the invented things.
func (o *office) pageOf(pages string, n int) string {
	o.t.Helper()
	names, _ := invented(n)
	c, err := o.Desk.Named(o.t.Context(), subject.Subject(names[len(names)-1]))
	if err != nil {
		o.t.Fatal(err)
	}
	return fmt.Sprintf("%s/%d", pages, c.ID)
}

// largePages are what somebody sees who may see everything.
func (o *office) largePages() []string {
	pages := []string{"/queue?show=200", "/appeals", "/takedowns", "/takedowns?all=1", "/takedowns?platform=facebook", "/takedowns?state=prepared", "/takedowns/1",
		"/campaigns", "/people", "/me", "/audit", "/audit?actor=mai", "/audit?object=case+7", "/releases/1", "/find?q=shop-0000003.example", o.pageOf("/cases", 3), o.pageOf("/cases", 4), o.pageOf("/appeals", 6)}
	for _, part := range triage.Parts {
		pages = append(pages, "/queue?part="+string(part))
	}
	return pages
}

var (
	manyReports = flag.Int("reports", 1_000_000, "reports of the large office")
	manyCases   = flag.Int("cases", 100_000, "its open cases")
)

// What each page costs the server in a large office.
func BenchmarkLarge(b *testing.B) {
	watch()
	o := newOffice(b)
	mai, binh := o.person("mai", staff.Maintainer), o.person("binh", staff.Auditor)
	since := time.Now()
	o.grow(*manyReports, *manyCases)
	b.Logf("grown in %.0f s", time.Since(since).Seconds())
	for _, page := range append(o.largePages(), "/publish", o.pageOf("/cases", 2)) {
		b.Run(page, func(b *testing.B) {
			who := mai
			if strings.HasPrefix(page, "/audit") {
				who = binh
			}
			var bytes, status int
			var took []time.Duration
			var ran []statement
			for range 3 {
				ran = during(func() {
					since := time.Now()
					s, body, _ := o.ask("GET", page, who, nil)
					status, bytes = s, len(body)
					took = append(took, time.Since(since))
				})
			}
			slices.Sort(took)
			steps := 0
			for _, one := range ran {
				steps += one.Steps
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(took[1].Microseconds())/1000, "ms")
			b.ReportMetric(float64(bytes)/1000, "kB")
			b.ReportMetric(float64(len(ran)), "statements")
			b.ReportMetric(float64(steps), "steps")
			if status >= 400 {
				b.Errorf("%s is %d", page, status)
			}
			slices.SortFunc(ran, func(a, b statement) int { return cmp.Compare(b.Steps, a.Steps) })
			for _, one := range ran[:min(3, len(ran))] {
				if one.Steps > 10_000 {
					b.Logf("%d steps, %d scanned: %s", one.Steps, one.Scanned, strings.TrimSpace(one.SQL))
				}
			}
		})
	}
}

// A page costs as much in an office with four times the reports and cases: what it reads follows from what it shows.
func TestNoPageGrowsWithTheOffice(t *testing.T) {
	if dbtest.OnPostgres {
		t.Skip("SQLite counts its steps")
	}
	watch()
	small, large := newOffice(t), newOffice(t)
	small.grow(2_000, 200)
	large.grow(8_000, 800)
	ran := func(o *office, page string) (steps map[string]int) {
		t.Helper()
		who := o.person("binh", staff.Auditor)
		steps = map[string]int{}
		for _, one := range during(func() {
			if status, _, _ := o.ask("GET", page, who, nil); status >= 400 {
				t.Errorf("%s is %d", page, status)
			}
		}) {
			steps[one.SQL] += one.Steps
		}
		return steps
	}
	larger := large.largePages()
	for i, page := range small.largePages() {
		if strings.HasPrefix(page, "/takedowns") || strings.HasPrefix(page, "/audit?") {
			continue
		}
		before, after := ran(small, page), ran(large, larger[i])
		for query, steps := range after {
			if steps > 2*before[query]+500 {
				t.Errorf("%s: %d steps, where a quarter of the office takes %d: %s", page, steps, before[query], query)
			}
		}
	}
}
