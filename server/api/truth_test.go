package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/checker"
	"khien/shared/release"
	"khien/shared/subject"
	"khien/shared/wire"
)

// device is what a device knows that has the current release.
func (o *office) device(now int64) *checker.Checker {
	o.t.Helper()
	get := func(d release.Digest) []byte {
		body, err := o.Shelf.Blob(o.t.Context(), d)
		if err != nil {
			o.t.Fatal(err)
		}
		return body
	}
	note, err := o.Shelf.Head(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	head, err := release.ReadHead(note)
	if err != nil {
		o.t.Fatal(err)
	}
	body := get(head.Set)
	c, err := checker.Open(o.publisher.Keys.Root, get(head.Keys), note, body, release.DigestOf(body), get(head.Supplement), now)
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// sent is a report that somebody holds a receipt for.
type sent struct {
	receipt, kind, href string
}

// maintainers do what they may, in any order.
type maintainers struct {
	*office
	rand *rand.Rand
	sent []sent
	did  []string
	now  int64
}

// pages are of a small kit: hosts, pages, spellings, an account under its name, its number and one of its posts, a host
// of another kit.
var pages = []string{
	"https://a.kit.example/", "https://b.kit.example/", "https://kit.example/", "https://www.kit.example/pay", "https://kit.example/pay/?fbclid=invented",
	"https://kit.example/pay?item=2", "https://a.kit.example/login", "https://another-kit.example/", "https://another-kit.example/login",
	"https://www.facebook.com/invented.kit", "https://www.facebook.com/invented.kit/posts/1", "https://www.facebook.com/profile.php?id=900000000000001",
	"https://a.b.c.d.e.f.g.kit.example/deep", "https://l.facebook.com/l.php?u=https%3A%2F%2Fa.kit.example%2Flogin",
}

func (m *maintainers) any(cases []triage.Case, err error) (triage.Case, bool) {
	if err != nil {
		m.t.Fatal(err)
	}
	if len(cases) == 0 {
		return triage.Case{}, false
	}
	return cases[m.rand.IntN(len(cases))], true
}

func (m *maintainers) in(parts ...triage.Part) (triage.Case, bool) {
	var all []triage.Case
	for _, part := range parts {
		cases, err := m.Desk.First(m.t.Context(), part, 100)
		if err != nil {
			m.t.Fatal(err)
		}
		all = append(all, cases...)
	}
	return m.any(all, nil)
}

// thing is something that a report of a subject names, or the subject.
func (m *maintainers) thing(of subject.Subject) subject.Subject {
	var all []subject.Subject
	for _, s := range m.sent {
		r, err := m.Inbox.ByReceipt(m.t.Context(), s.receipt)
		if err != nil {
			m.t.Fatal(err)
		}
		if at, err := m.Desk.SubjectOf(m.t.Context(), r.ID); err == nil && at == of {
			all = append(all, triage.Names(&r)...)
		}
	}
	if all = append(all, of); m.rand.IntN(3) == 0 {
		return of
	}
	return all[m.rand.IntN(len(all))]
}

// reasoned is a public reason that says about which subjects something was decided.
func reasoned(names ...subject.Subject) map[string]string {
	text, _ := json.Marshal(names)
	return map[string]string{"en": string(text)}
}

// step does one thing, and forgives what may not be done.
func (m *maintainers) step() {
	m.t.Helper()
	ctx := m.t.Context()
	one := func(err error) {
		m.t.Helper()
		if err != nil && !errors.Is(err, triage.ErrState) && !errors.Is(err, triage.ErrRefused) && !errors.Is(err, triage.ErrNotFound) && !errors.Is(err, ledger.ErrNotFound) {
			m.t.Fatalf("%v\n%s", err, strings.Join(m.did, "\n"))
		}
	}
	did := func(format string, args ...any) { m.did = append(m.did, fmt.Sprintf(format, args...)) }
	now := func(c triage.Case, err error) { // as the command line does, or as the console
		one(err)
		if err == nil && m.rand.IntN(2) == 0 {
			did("  at once")
			cases, err := m.Desk.Pending(ctx)
			one(err)
			one(m.Desk.Settle(ctx, m.book, m.Inbox, cases))
		}
	}
	switch m.rand.IntN(14) {
	case 0, 1, 2:
		kind := wire.KindScam
		if m.rand.IntN(5) == 0 {
			kind = wire.KindMistake
		}
		href := pages[m.rand.IntN(len(pages))]
		did("%s %s", kind, href)
		m.sent = append(m.sent, sent{m.report(kind, href), kind, href})
	case 3:
		did("gather")
		_, err := m.Desk.Gather(ctx, m.Inbox)
		one(err)
	case 4, 5, 6:
		c, ok := m.in(triage.PartOpen, triage.PartAsked, triage.PartAppealed)
		if !ok {
			return
		}
		subjects, err := m.Desk.Subjects(ctx, c.ID)
		one(err)
		var lists []triage.Listing
		for _, s := range subjects {
			if m.rand.IntN(2) == 0 || len(subjects) == 1 {
				lists = append(lists, triage.Listing{Of: s.Name, Lists: m.thing(s.Name)})
				if m.rand.IntN(4) == 0 {
					lists = append(lists, triage.Listing{Of: s.Name, Lists: m.thing(s.Name)})
				}
			}
		}
		v := triage.Decision{Actor: "mai", Action: triage.List, Lists: lists, Category: category.Shop, Reason: reasoned(triage.Ruling{Lists: lists}.About()...)}
		if m.rand.IntN(4) == 0 {
			v.Lapses = m.now + 1000
		}
		if m.rand.IntN(4) == 0 {
			v.Impact = triage.Reach{Rule: triage.Popular}
		}
		did("list %v in case %d, lapses %d, %v", v.Lists, c.ID, v.Lapses, v.Impact)
		now(m.Desk.Decide(ctx, c.ID, v))
	case 7:
		c, ok := m.in(triage.PartOpen, triage.PartAsked)
		if !ok {
			return
		}
		names, err := m.Desk.Names(ctx, c.ID, 100)
		one(err)
		v := triage.Decision{Actor: "mai", Action: triage.Reject}
		if of := names[m.rand.IntN(len(names))]; m.rand.IntN(2) == 0 {
			to := m.thing(of)
			did("narrow %s to %s in case %d", of, to, c.ID)
			if c, v.Of, err = m.Desk.Narrow(ctx, m.Inbox, c.ID, of, to, "mai", audit.Why{}); err != nil {
				one(err)
				return
			}
			names = []subject.Subject{v.Of}
		}
		v.Reason = reasoned(names...)
		did("reject %q in case %d", v.Of, c.ID)
		now(m.Desk.Decide(ctx, c.ID, v))
	case 8:
		appealed, ok := m.in(triage.PartDone, triage.PartAppealed)
		if !ok {
			return
		}
		var all []subject.Subject
		for i, err := range m.book.Active(ctx, m.now) {
			one(err)
			all = append(all, i.Subject)
		}
		if len(all) == 0 {
			return
		}
		gone := all[m.rand.IntN(len(all))]
		if c, err := m.Desk.Listing(ctx, gone); err == nil {
			did("withdraw %s in case %d", gone, c.ID)
			now(m.Desk.Decide(ctx, c.ID, triage.Decision{Actor: "mai", Action: triage.Withdraw, Lists: triage.Only(gone), Reason: reasoned(gone)}))
		} else if appealed.Appeals > 0 {
			did("uphold in case %d", appealed.ID)
			_, err := m.Desk.Uphold(ctx, m.Inbox, appealed.ID, "mai", reasoned(), audit.Why{})
			one(err)
		} else {
			did("withdraw %s", gone)
			one(m.book.Withdraw(ctx, "mai", gone, reasoned(gone)))
		}
	case 9:
		c, ok := m.in(triage.PartDecided, triage.PartProposed, triage.PartDone)
		if !ok {
			return
		}
		did("undo, or open again, case %d", c.ID)
		if _, err := m.Desk.Undo(ctx, c.ID, "mai", audit.Why{}); err != nil {
			_, err := m.Desk.Reopen(ctx, m.Inbox, c.ID, "mai", audit.Why{})
			one(err)
		}
	case 10:
		from, ok := m.in(triage.PartOpen, triage.PartAsked)
		into, also := m.in(triage.PartOpen, triage.PartAsked)
		if !ok || !also {
			return
		}
		did("merge %d into %d", from.ID, into.ID)
		_, err := m.Desk.Merge(ctx, from.ID, into.ID, "mai", audit.Why{})
		one(err)
	case 11:
		c, ok := m.in(triage.PartOpen, triage.PartAsked)
		if !ok {
			return
		}
		names, err := m.Desk.Names(ctx, c.ID, 100)
		one(err)
		if name := names[m.rand.IntN(len(names))]; m.rand.IntN(2) == 0 {
			did("split %s off case %d", name, c.ID)
			_, err = m.Desk.Split(ctx, c.ID, name, nil, "mai", audit.Why{})
		} else {
			did("ask in case %d", c.ID)
			_, err = m.Desk.Decide(ctx, c.ID, triage.Decision{Actor: "mai", Action: triage.Ask, Reason: reasoned(name), Of: name})
		}
		one(err)
	case 12:
		if m.rand.IntN(2) == 0 {
			names, err := subject.FromHref(nil, pages[m.rand.IntN(len(pages))])
			one(err)
			name := names[m.rand.IntN(min(2, len(names)))]
			did("import %s", name)
			_, _, err = m.book.Import(ctx, "linh", []ledger.Indicator{{Subject: name, Source: "partner", Category: category.Shop}})
			one(err)
		} else if c, ok := m.in(triage.PartProposed); ok {
			did("second case %d", c.ID)
			now(m.Desk.Second(ctx, c, "linh", audit.Why{}))
		}
	case 13:
		did("publish")
		m.now += int64(m.rand.IntN(700))
		if _, err := m.Desk.Release(ctx, m.publisher, m.Inbox, "mai", audit.Why{}, m.now); err != nil {
			m.t.Fatalf("%v\n%s", err, strings.Join(m.did, "\n"))
		}
		m.check()
	}
}

// check asks what became of every report, and compares that with what a device finds and with what was decided.
func (m *maintainers) check() {
	m.t.Helper()
	device := m.device(m.now)
	fail := func(s sent, format string, args ...any) {
		m.t.Helper()
		m.t.Fatalf("%s %s: %s\n%s", s.kind, s.href, fmt.Sprintf(format, args...), strings.Join(m.did, "\n"))
	}
	for _, s := range m.sent {
		told, err := m.follow(m.t.Context(), s.receipt)
		if err != nil {
			m.t.Fatal(err)
		}
		r, err := m.Inbox.ByReceipt(m.t.Context(), s.receipt)
		if err != nil {
			m.t.Fatal(err)
		}
		finds := device.Check(s.href, m.now)
		listed := finds.Verdict == checker.Listed
		if s.kind == wire.KindMistake {
			if told.State == wire.StateAccepted && listed || told.State == wire.StateRejected && !listed {
				fail(s, "told %s, and found %s", told.State, finds.Verdict)
			}
			continue
		}
		if listed != (told.State == wire.StateListed) || listed && told.Subject != string(finds.Subject) {
			fail(s, "told %s %s, and found %s %s", told.State, told.Subject, finds.Verdict, finds.Subject)
		}
		m.decided(s, r, fail)
	}
}

// decided finds out whether somebody has decided about a report that is closed, and about nothing that is not.
func (m *maintainers) decided(s sent, r inbox.Report, fail func(sent, string, ...any)) {
	m.t.Helper()
	names := triage.Names(&r)
	switch r.State {
	case wire.StateAccepted:
		if !slices.Contains(names, subject.Subject(r.Subject)) {
			fail(s, "accepted for %s, which it does not name", r.Subject)
		}
	case wire.StateRejected:
		var about []subject.Subject
		if err := json.Unmarshal([]byte(r.Reason), &about); err != nil || !slices.ContainsFunc(about, func(s subject.Subject) bool { return slices.Contains(names, s) }) {
			fail(s, "rejected, for what was decided about %v", about)
		}
	case wire.StateReceived:
		c, err := m.Desk.Of(m.t.Context(), r.ID)
		if errors.Is(err, triage.ErrNotFound) {
			return // not gathered
		}
		if err != nil || c.Settled && c.State == triage.StateAccepted && c.Action == triage.List {
			fail(s, "open in case %d, which is %s (%v)", c.ID, c.State, err)
		}
	}
}

// Whatever maintainers do, in whatever order: who reported something is told that it is listed when, and only when, a
// device finds it; what is closed was decided about by somebody; and who objects is told what the list says.
func TestNoReceiptLies(t *testing.T) {
	stories, steps := 15, 40
	if testing.Short() {
		stories = 5
	}
	if dbtest.Fewer() {
		stories = 0
	}
	seeds := []uint64{
		4010713599479681438,  // what is reported while the case is decided anew, and that is undone
		8237016644883336988,  // reports of what became several things
		17131479022297040394, // one of two things is taken off the list
		13982023881755683336, // a name that another case has
		7364257379256327093,  // an account and what is below it, gathered together
		16141396784281043107, // a kit of which one thing is split off
	}
	for n := range stories {
		seeds = append(seeds, uint64(n))
	}
	for n, seed := range seeds {
		t.Run(fmt.Sprint(n, " ", seed), func(t *testing.T) {
			m := &maintainers{office: newOffice(t), rand: rand.New(rand.NewPCG(seed, 0)), now: time.Now().Unix()}
			for range steps {
				m.step()
			}
			m.did = append(m.did, "publish at last")
			if _, err := m.Desk.Release(t.Context(), m.publisher, m.Inbox, "mai", audit.Why{}, m.now); err != nil {
				t.Fatal(err)
			}
			m.check()
		})
	}
}
