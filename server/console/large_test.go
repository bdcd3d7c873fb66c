package console

import (
	"cmp"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"html"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/campaign"
	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/server/ledger"
	officedb "khien/server/office"
	"khien/server/public"
	"khien/server/staff"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/supplement"
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

// kit is how many subjects are in one case, since their pages lead to the same account.
const kit = 150

// grow fills an office: so many reports, and so many cases that are open. Of each ten cases one has objections, and for
// each hundred five more were decided: two rejected and done, one asked about, one proposed, one accepted. As many
// things as cases are on the list by another way, and of these the accounts have a takedown case, where of each ten
// three were sent and one of these was done. There are a tenth as many advice cards, and a hundredth as many people who
// were here once.
func (o *office) grow(reports, cases int) {
	o.t.Helper()
	o.sends(o.t.TempDir(), "partner", "never-met.example", "google.com")
	o.agrees()
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
				if n%17 == 16 && n >= cases+closed {
					at = 16 // what everybody objects to
					r.Subjects, r.Href = invented(at)
				}
				if at >= 20 && at < 20+kit && n < cases+closed { // one page kit
					r.Links = []string{"facebook:user/inventedkit"}
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
	for id := range int64(cases / 4) {
		steps := []takedown.State{takedown.Sent, takedown.ActionTaken}[:map[int64]int{0: 1, 1: 1, 2: 2}[id%10]]
		for n, to := range steps {
			_, err := o.Takedowns.Move(ctx, id+1, takedown.Move{Actor: "mai", To: to}, now+int64(n)*id)
			must(err)
		}
	}
	for n := range cases / 10 {
		id := fmt.Sprintf("invented-%d", n)
		must(o.Publisher.Cards.Put(ctx, "mai", supplement.Card{ID: id, Title: supplement.Texts(map[string]string{"en": id}), Text: supplement.Texts(map[string]string{"en": "Never pay ahead."}), Picture: []byte("\xff\xd8\xffinvented")}, campaign.Draft))
	}
	for n := range cases / 100 {
		o.sql(`INSERT INTO person (handle, name, role, made, gone) VALUES (?, ?, 'auditor', 1, 2)`, fmt.Append(nil, "of ", n), fmt.Sprintf("gone.%d", n))
	}
	must(os.MkdirAll(o.Letters, 0o755))
	must(os.WriteFile(filepath.Join(o.Letters, "sender.txt"), []byte("organisation Invented Office against Scams\ncontact takedown@office.example\ndomain office.example\n"), 0o644))
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

// begin are addresses of each route that shows something, from which links lead on. A route without any fails the
// tests.
func (o *office) begin(cases int) map[string][]string {
	all := map[string][]string{
		"GET /{$}":                    {"/"},
		"GET /queue":                  {"/queue", "/queue?show=200"},
		"GET /find":                   {"/find?q=shop-0000003.example", "/find?q=17", "/find?q=nothing.example", "/find?q=x"},
		"GET /appeals":                {"/appeals"},
		"GET /appeals/{id}":           {o.pageOf("/appeals", 6), o.pageOf("/appeals", 16)},
		"GET /takedowns":              {"/takedowns", "/takedowns?all=1", "/takedowns?platform=facebook&all=1"},
		"GET /takedowns/{id}":         {"/takedowns/1", "/takedowns/3"},
		"GET /takedowns/{id}/letter":  {"/takedowns/1/letter?lang=vi&as=mail"},
		"GET /takedowns/{id}/xarf":    {"/takedowns/1/xarf"},
		"GET /campaigns":              {"/campaigns"},
		"GET /campaigns/new":          {"/campaigns/new"},
		"GET /campaigns/{id}":         {"/campaigns/invented-1"},
		"GET /campaigns/{id}/picture": {"/campaigns/invented-1/picture"},
		"GET /sources":                {"/sources"},
		"GET /sources/{id}":           {"/sources/partner"},
		"GET /partners":               {"/partners"},
		"GET /partners/{id}":          {"/partners/bank-one"},
		"GET /people":                 {"/people"},
		"GET /me":                     {"/me"},
		"GET /audit": {"/audit", "/audit?actor=mai", "/audit?actor=nobody", "/audit?object=case+7", "/audit?since=2026-01-01", "/audit?since=2100-01-01", "/audit?actor=mai&since=2026-01-01",
			"/audit?actor=mai&object=case+7"},
		"GET /audit/export":  nil, // it is the whole log, as is to verify it
		"GET /publish":       {"/publish"},
		"GET /proposal":      {"/proposal"},
		"GET /releases/{id}": {"/releases/1"},
		"GET /signin":        {"/signin"},
		"GET /invite/{link}": {"/invite/none"},
	}
	for n := range 5 { // decided ones
		all["GET /cases/{id}"] = append(all["GET /cases/{id}"], o.pageOf("/cases", cases+n))
	}
	for _, n := range []int{20, 2, 3, 4, 16} { // of a kit, what everybody reports, a host, an account, what everybody objects to
		all["GET /cases/{id}"] = append(all["GET /cases/{id}"], o.pageOf("/cases", n))
	}
	for _, state := range takedown.States {
		all["GET /takedowns"] = append(all["GET /takedowns"], "/takedowns?state="+string(state), "/takedowns?platform=facebook&state="+string(state))
	}
	return all
}

var leads = regexp.MustCompile(`(?:href|action)="(/[^"#]*)"`)

// everyPage are the pages that anybody can come to, by what each is: those of begin, and of those that they lead to one
// of each kind, with each filter that a link has.
func (o *office) everyPage(t testing.TB, cases int, session string) map[string]string {
	t.Helper()
	all := map[string]string{}
	begin := o.begin(cases)
	for _, one := range routes {
		if _, known := begin[one.Pattern]; !known && strings.HasPrefix(one.Pattern, "GET ") {
			t.Errorf("%s: tell office.begin what to ask for", one.Pattern)
		}
	}
	for pattern, pages := range begin {
		for n, page := range pages {
			all[fmt.Sprint(pattern, " ", n)] = page
			_, body, _ := o.ask("GET", page, session, nil)
			for _, m := range leads.FindAllStringSubmatch(body, -1) {
				u, err := url.Parse(html.UnescapeString(m[1]))
				if err != nil {
					t.Fatal(err)
				}
				_, to := o.mux.Handler(&http.Request{Method: "GET", Host: o.origin.Host, URL: u})
				if !strings.HasPrefix(to, "GET ") || strings.HasPrefix(to, "GET /static/") || to == "GET /audit/export" {
					continue
				}
				query := u.Query()
				if len(query) == 0 { // begin has one
					continue
				}
				for _, name := range []string{"before", "after", "object", "since"} { // places and names
					if query.Has(name) {
						query.Set(name, "one")
					}
				}
				if key := to + "?" + query.Encode(); all[key] == "" {
					all[key] = u.RequestURI()
				}
			}
		}
	}
	return all
}

// everybodys are the public pages of an office, by what each is.
func (o *office) everybodys(ctx context.Context) map[string]func() public.Page {
	site := &public.Site{Shelf: o.Publisher.Shelf(), Ledger: o.Publisher.Ledger, Inbox: o.Inbox, Desk: o.Desk, Takedowns: o.Takedowns, Exchange: o.Exchange, Log: o.Log}
	tickets := func([]byte) (string, int) { return "a ticket", 0 }
	fields := func(pairs ...string) public.Values {
		return func(name string) string {
			at := slices.Index(pairs, name)
			if at < 0 {
				return ""
			}
			return pairs[at+1]
		}
	}
	about := func(n int) string {
		names, _ := invented(n)
		return strings.TrimPrefix(names[0], "phone:")
	}
	all := map[string]func() public.Page{
		"public /rules":      func() public.Page { return site.Rules("vi") },
		"public /register":   func() public.Page { return site.Register("vi") },
		"public /appeal":     func() public.Page { return site.Appeal("vi", tickets) },
		"public /statistics": func() public.Page { return site.Statistics(ctx, "vi") },
		"public POST /appeal": func() public.Page {
			form := fields("id", fmt.Sprintf("%032x", rand.Uint64()), "about", about(10_000_003), "note", "it is mine")
			return site.TakeAppeal(ctx, "vi", form, tickets, []byte("somebody"), time.Now().Unix())
		},
	}
	for name, what := range map[string]string{
		"a host": about(10_000_003), "an account": "https://www.facebook.com/invented10000000", "a number": about(1),
		"what everybody reports": "https://shop-0000002.example/p", "nothing": "https://nothing.example/a/b/c?d",
	} {
		all["public POST /register, "+name] = func() public.Page { return site.LookUp(ctx, "vi", fields("about", what)) }
	}
	for name, id := range map[string]int{"a receipt": 0, "a receipt of an objection": 16} {
		reports, err := o.Inbox.After(ctx, int64(id), 1)
		if err == nil && len(reports) == 1 {
			all["public POST /appeal/receipt, "+name] = func() public.Page { return site.Receipt(ctx, "vi", fields("number", reports[0].Receipt)) }
		}
	}
	return all
}

// visits are all pages, each with what asks for it and returns the status and how long the page is.
func (o *office) visits(t testing.TB, cases int) map[string]func() (status, size int) {
	t.Helper()
	linh := o.person("linh", staff.Approver)
	all := map[string]func() (int, int){}
	for name, page := range o.everyPage(t, cases, linh) {
		all[name+" "+page] = func() (int, int) {
			status, body, _ := o.ask("GET", page, linh, nil)
			return status, len(body)
		}
	}
	for name, ask := range o.everybodys(t.Context()) {
		all[name] = func() (int, int) {
			p := ask()
			return p.Status, len(p.Body)
		}
	}
	return all
}

var (
	manyReports = flag.Int("reports", 1_000_000, "reports of the large office")
	manyCases   = flag.Int("cases", 100_000, "its open cases")
	kept        = flag.String("office", "", "a folder in which the large office is kept, and found again")
	keptAt      = flag.String("db", "", "the address of a PostgreSQL in which its databases are, and not in that folder")
)

// kindOf is what a page is, without its address.
func kindOf(name string) string {
	if strings.HasPrefix(name, "GET ") {
		return name[:strings.LastIndexByte(name, ' ')]
	}
	return name
}

// large is the large office, grown where it is not there yet.
func large(b *testing.B) *office {
	dir := *kept
	if dir == "" {
		dir = b.TempDir()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	place := cmp.Or(*keptAt, dir)
	base, err := db.Open(db.In(place, "office"), officedb.Tables...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { base.Close() })
	o := officeIn(b, dir, base, db.In(place, "inbox"))
	done := filepath.Join(dir, "grown")
	if _, err := os.Stat(done); err == nil {
		return o
	}
	since := time.Now()
	o.grow(*manyReports, *manyCases)
	b.Logf("grown in %.0f s", time.Since(since).Seconds())
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	return o
}

// What each page costs the server in a large office.
func BenchmarkLarge(b *testing.B) {
	watch()
	o := large(b)
	visits := o.visits(b, *manyCases)
	for _, name := range slices.Sorted(maps.Keys(visits)) {
		b.Run(kindOf(name), func(b *testing.B) {
			var size, status int
			var took []time.Duration
			var ran []statement
			for range 3 {
				ran = during(func() {
					since := time.Now()
					status, size = visits[name]()
					took = append(took, time.Since(since))
				})
			}
			steps := 0
			for _, one := range ran {
				steps += one.Steps
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(took[0].Microseconds())/1000, "first-ms")
			slices.Sort(took)
			b.ReportMetric(float64(took[1].Microseconds())/1000, "ms")
			b.ReportMetric(float64(size)/1000, "kB")
			b.ReportMetric(float64(len(ran)), "statements")
			b.ReportMetric(float64(steps), "steps")
			if status >= 400 && !strings.Contains(name, "/none") {
				b.Errorf("%s is %d", name, status)
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

// grows are the pages that cost more in a larger office, and why.
var grows = map[string]string{
	"GET /publish":       "drafts a short list while somebody waits: TestTheDraftOfALongListIsMadeBeside",
	"GET /proposal":      "the same",
	"public /statistics": "counts the first time; afterwards beside those who look",
}

// A page costs as much in an office with four times the reports and cases: what it reads, and how long it is, follow
// from what it shows. Which pages there are the routes say, and the links on their pages.
func TestNoPageGrowsWithTheOffice(t *testing.T) {
	if dbtest.OnPostgres {
		t.Skip("SQLite counts its steps")
	}
	if testing.Short() {
		t.Skip("one page after the other: no races to find, and two offices to fill")
	}
	watch()
	few, lots, fewActs = 3, 10, 5 // so that there are more pages than one in the smaller office, too
	t.Cleanup(func() { few, lots, fewActs = 50, 200, 100 })
	small, large := newOffice(t), newOffice(t)
	small.grow(2_000, 200)
	large.grow(8_000, 800)
	before, after := small.visits(t, 200), large.visits(t, 800)
	names := func(visits map[string]func() (int, int)) map[string]string {
		all := map[string]string{}
		for name := range visits {
			all[kindOf(name)] = name
		}
		return all
	}
	were := names(before)
	for kind, name := range names(after) {
		if slices.ContainsFunc(slices.Collect(maps.Keys(grows)), func(of string) bool {
			return kind == of || strings.HasPrefix(kind, of+" ") || strings.HasPrefix(kind, of+"?")
		}) {
			continue
		}
		if were[kind] == "" {
			t.Errorf("%s is there in the larger office alone: %s", kind, name)
			continue
		}
		ran := func(visit func() (int, int)) (steps map[string]int, size int) {
			steps = map[string]int{}
			for _, one := range during(func() {
				status := 0
				if status, size = visit(); status >= 400 && !strings.Contains(name, "none") {
					t.Errorf("%s is %d", name, status)
				}
			}) {
				steps[one.SQL] += one.Steps
			}
			return steps, size
		}
		less, short := ran(before[were[kind]])
		more, size := ran(after[name])
		for query, steps := range more {
			if steps > 2*less[query]+500 {
				t.Errorf("%s: %d steps, where a quarter of the office takes %d: %s", name, steps, less[query], query)
			}
		}
		if size > short*3/2+4000 {
			t.Errorf("%s: %d bytes, where a quarter of the office has %d", name, size, short)
		}
	}
}
