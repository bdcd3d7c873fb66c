package triage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"khien/server/audit"
	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/office/officetest"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// office is where maintainers work: the inbox, the desk and the ledger.
type office struct {
	t    *testing.T
	box  *inbox.Inbox
	desk *Desk
	book *ledger.Ledger
	time int64
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, time: 1_763_900_000}
	var err error
	if o.box, err = inbox.Open(dbtest.Place(t, "inbox.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.box.Close() })
	base := officetest.Open(t, ledger.Tables, Tables)
	o.desk, o.book = Open(base), ledger.Open(base)
	t.Cleanup(func() { o.rightlyCounted(t) })
	return o
}

// report sends a report from a place and returns its receipt.
func (o *office) report(kind, href, from string) string {
	o.t.Helper()
	return o.reportWith(kind, href, from, nil)
}

func (o *office) reportWith(kind, href, from string, links []string) string {
	o.t.Helper()
	names, err := subject.FromHref(nil, href)
	if err != nil {
		o.t.Fatal(err)
	}
	r := wire.Report{ID: make([]byte, inbox.IDSize), Kind: kind, Href: href, Time: o.time, Links: links}
	for i := range r.ID {
		r.ID[i] = byte(rand.Uint32())
	}
	for _, s := range names {
		r.Subjects = append(r.Subjects, string(s))
	}
	o.time += 60
	receipt, _, err := o.box.Accept(o.t.Context(), r, []byte(from), o.time)
	if err != nil {
		o.t.Fatal(err)
	}
	return receipt.Receipt
}

// flood sends many reports at once, each from a place of its own.
func (o *office) flood(reports []wire.Report) {
	o.t.Helper()
	o.floodFrom(reports, func(r wire.Report) []byte { return r.ID[:8] })
}

// floodFrom sends many reports at once, each from the place that it is told.
func (o *office) floodFrom(reports []wire.Report, from func(wire.Report) []byte) {
	o.t.Helper()
	var senders sync.WaitGroup
	for part := range slices.Chunk(reports, 500) {
		senders.Go(func() {
			for _, r := range part {
				if _, _, err := o.box.Accept(o.t.Context(), r, from(r), o.time); err != nil {
					o.t.Error(err)
				}
			}
		})
	}
	senders.Wait()
}

func (o *office) gather() {
	o.t.Helper()
	if _, err := o.desk.Gather(o.t.Context(), o.box); err != nil {
		o.t.Fatal(err)
	}
}

// queue is the subjects of the open cases that are not protected, in order.
func (o *office) queue() []Case {
	o.t.Helper()
	cases, err := o.desk.First(o.t.Context(), PartOpen, 1000)
	if err != nil || o.count(PartOpen) != len(cases) {
		o.t.Fatalf("%d of %d cases, %v", len(cases), o.count(PartOpen), err)
	}
	return cases
}

// count is how many cases a part of the queue has.
func (o *office) count(part Part) int {
	o.t.Helper()
	counts, err := o.desk.Counts(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return counts[part]
}

func (o *office) first() Case {
	o.t.Helper()
	cases := o.queue()
	if len(cases) == 0 {
		o.t.Fatal("no case is open")
	}
	return cases[0]
}

func (o *office) decide(id int64, v Decision) Case {
	o.t.Helper()
	c, err := o.desk.Decide(o.t.Context(), id, v)
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

func (o *office) settle(sequence uint64) {
	o.t.Helper()
	cases, err := o.desk.Pending(o.t.Context())
	if err == nil {
		err = o.desk.Settle(o.t.Context(), o.book, o.box, cases)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	if err := o.book.Issue(o.t.Context(), ledger.Issue{Seq: -1, Release: ledger.Release{Sequence: sequence, Issued: o.time}}); err != nil {
		o.t.Fatal(err)
	}
	for _, c := range cases {
		if _, err := o.desk.db.ExecContext(o.t.Context(), `UPDATE cases SET published = ? WHERE id = ? AND settled = 1`, sequence, c.ID); err != nil {
			o.t.Fatal(err)
		}
	}
}

func (o *office) wantState(receipt, state string) {
	o.t.Helper()
	r, err := o.box.ByReceipt(o.t.Context(), receipt)
	if err != nil || r.State != state {
		o.t.Errorf("the receipt says %q (%v), want %q", r.State, err, state)
	}
}

func (o *office) list(s subject.Subject) Decision {
	return Decision{Actor: "mai", Action: List, Lists: Only(s), Category: category.Shop, Reason: map[string]string{"en": "never delivers"}, Why: audit.Why{Text: "seen"}}
}

func TestReportsOfOneThingAreOneCase(t *testing.T) {
	o := newOffice(t)
	for i, href := range []string{
		"https://www.facebook.com/invented.shop",
		"https://m.facebook.com/Invented.Shop/posts/1",
		"https://www.facebook.com/profile.php?id=900000000000001",
		"https://pay.scam-shop.example/a?x=1",
		"https://scam-shop.example/",
		"https://docs.google.com/forms/d/e/1FAIpQLSinventedinventedinventedinventedinventedinventedinv/viewform",
		"https://other.example/",
	} {
		o.report(wire.KindScam, href, fmt.Sprint(i))
	}
	o.gather()
	want := map[subject.Subject]int{
		"facebook:user/inventedshop": 2, "facebook:id/900000000000001": 1, "scam-shop.example/": 2, "other.example/": 1,
		"google:form/1FAIpQLSinventedinventedinventedinventedinventedinventedinv": 1,
	}
	cases := o.queue()
	for _, c := range cases {
		if want[c.Subject] != c.Reports {
			t.Errorf("%s has %d reports, want %d", c.Subject, c.Reports, want[c.Subject])
		}
	}
	if len(cases) != len(want) {
		t.Errorf("%d cases, want %d: %+v", len(cases), len(want), cases)
	}
	o.gather()
	if again := o.queue(); len(again) != len(cases) || again[0].Reports != cases[0].Reports {
		t.Error("gathering once more counted reports twice")
	}
}

// A thousand reports from one place weigh less than a few dozen people.
func TestAFloodFromOnePlace(t *testing.T) {
	o := newOffice(t)
	for range 1000 {
		o.report(wire.KindScam, "https://victim.example/", "one place")
	}
	for i := range 40 {
		o.report(wire.KindScam, "https://scam.example/", fmt.Sprint("place ", i))
	}
	o.gather()
	cases := o.queue()
	if len(cases) != 2 || cases[0].Subject != "scam.example/" || cases[1].Sources != 1 || cases[1].Reports != 1000 {
		t.Errorf("the queue is %+v", cases)
	}
	// And nothing is listed by anybody but a person.
	o.settle(1)
	if _, err := o.book.Get(t.Context(), "victim.example/"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("a flood of reports listed its victim: %v", err)
	}
}

func TestFromAReportToTheList(t *testing.T) {
	o := newOffice(t)
	receipt := o.report(wire.KindScam, "https://scam.example/pay", "a")
	o.gather()
	c := o.decide(o.first().ID, o.list("scam.example/"))
	if c.State != StateAccepted || c.Settled {
		t.Fatalf("%+v", c)
	}
	if _, err := o.book.Get(t.Context(), "scam.example/"); !errors.Is(err, ledger.ErrNotFound) {
		t.Error("it is on the list before a release is made")
	}
	o.wantState(receipt, wire.StateReceived)
	o.settle(7)
	i, err := o.book.Get(t.Context(), "scam.example/")
	if err != nil || i.Category != category.Shop || i.Reason["en"] != "never delivers" || i.Reference != "KH-C1" {
		t.Errorf("listed as %+v, %v", i, err)
	}
	o.wantState(receipt, wire.StateAccepted)
	if c, _ := o.desk.Get(t.Context(), c.ID); c.Published != 7 {
		t.Errorf("published with release %d", c.Published)
	}
	// Who reports it later is told at once.
	later := o.report(wire.KindScam, "https://scam.example/other", "b")
	o.gather()
	o.wantState(later, wire.StateAccepted)
}

func TestADecisionIsUndoneUntilItIsPublished(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://honest.example/", "a")
	o.gather()
	id := o.first().ID
	o.decide(id, o.list("honest.example/"))
	if _, err := o.desk.Decide(t.Context(), id, o.list("honest.example/")); !errors.Is(err, ErrState) {
		t.Errorf("decided twice: %v", err)
	}
	if c, err := o.desk.Undo(t.Context(), id, "mai", audit.Why{Text: "wrong line"}); err != nil || c.State != StateOpen || len(c.Lists) > 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	o.settle(1)
	if _, err := o.book.Get(t.Context(), "honest.example/"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("undone, and listed: %v", err)
	}
	o.decide(id, o.list("honest.example/"))
	o.settle(2)
	if _, err := o.desk.Undo(t.Context(), id, "mai", audit.Why{}); !errors.Is(err, ErrState) {
		t.Errorf("undone after it was published: %v", err)
	}
}

func TestWhatMayNotBeListed(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://www.facebook.com/", "a")
	o.gather()
	if cases := o.queue(); len(cases) != 0 {
		t.Errorf("a protected name stands among the others: %+v", cases)
	}
	apart, err := o.desk.First(t.Context(), PartProtected, 10)
	if err != nil || len(apart) != 1 {
		t.Fatalf("%d cases apart, %v", len(apart), err)
	}
	for _, s := range []subject.Subject{"facebook.com/", "Scam.example/", ""} {
		if _, err := o.desk.Decide(t.Context(), apart[0].ID, o.list(s)); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: %v, want ErrRefused", s, err)
		}
	}
}

func TestTwoPeopleMustAgree(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://shop.github.io/", "a")
	o.gather()
	v := o.list("shop.github.io/")
	if v.Impact = (Impact{}).Of(v.Lists[0].Lists, 1); v.Impact == (Reach{}) {
		t.Fatal("a host of github.io is no high impact")
	}
	c := o.decide(o.first().ID, v)
	if c.State != StateProposed {
		t.Fatalf("%+v", c)
	}
	o.settle(1)
	if _, err := o.book.Get(t.Context(), v.Lists[0].Lists); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("listed by one person: %v", err)
	}
	if _, err := o.desk.Second(t.Context(), c, "mai", audit.Why{}); !errors.Is(err, ErrSamePerson) {
		t.Errorf("agreed with herself: %v", err)
	}

	// While Linh reads the proposal, Mai takes it back and makes another.
	read := c
	if _, err := o.desk.Undo(t.Context(), c.ID, v.Actor, audit.Why{}); err != nil {
		t.Fatal(err)
	}
	v.Reason = map[string]string{"en": "It is something else altogether.", "vi": "Đó là chuyện hoàn toàn khác."}
	if c = o.decide(c.ID, v); c.State != StateProposed {
		t.Fatalf("%+v", c)
	}
	if _, err := o.desk.Second(t.Context(), read, "linh", audit.Why{}); !errors.Is(err, ErrState) {
		t.Errorf("agreed to what she has not read: %v", err)
	}
	if c, err := o.desk.Second(t.Context(), c, "linh", audit.Why{Text: "seen too"}); err != nil || c.State != StateAccepted || c.Seconded != "linh" {
		t.Fatalf("%+v, %v", c, err)
	}
	o.settle(2)
	if _, err := o.book.Get(t.Context(), v.Lists[0].Lists); err != nil {
		t.Error(err)
	}
}

func TestAnAppeal(t *testing.T) {
	o := newOffice(t)
	scam := o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	id := o.first().ID
	o.decide(id, o.list("shop.example/"))
	o.settle(1)

	mistake := o.report(wire.KindMistake, "https://shop.example/", "b")
	o.gather()
	appealed, err := o.desk.First(t.Context(), PartAppealed, 100)
	if err != nil || len(appealed) != 1 || appealed[0].ID != id {
		t.Fatalf("appeals: %+v, %v", appealed, err)
	}
	o.decide(id, Decision{Actor: "linh", Action: Withdraw, Lists: Only("shop.example/"), Reason: map[string]string{"en": "sold to an honest owner"}})
	o.settle(2)
	if _, err := o.book.Get(t.Context(), "shop.example/"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("still listed: %v", err)
	}
	o.wantState(mistake, wire.StateAccepted)
	o.wantState(scam, wire.StateAccepted) // it was right when it was told
	if appealed, _ := o.desk.First(t.Context(), PartAppealed, 100); len(appealed) != 0 {
		t.Errorf("answered, and still waiting: %+v", appealed)
	}
}

func TestARejectedCaseOpensAgainWhenManyMoreSpeakOfIt(t *testing.T) {
	o := newOffice(t)
	receipt := o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	id := o.first().ID
	o.decide(id, Decision{Actor: "mai", Action: Reject, Reason: map[string]string{"en": "an honest shop"}})
	o.settle(1)
	o.wantState(receipt, wire.StateRejected)
	o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	if open := o.queue(); len(open) != 0 {
		t.Errorf("one more report from the same place opened it: %+v", open)
	}
	for i := range 5 {
		o.report(wire.KindScam, "https://shop.example/", fmt.Sprint(i))
	}
	o.gather()
	if open := o.queue(); len(open) != 1 || open[0].ID != id {
		t.Errorf("five more people did not open it: %+v", open)
	}
}

func TestMergeAndSplit(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://www.facebook.com/invented.shop", "a")
	second := o.report(wire.KindScam, "https://www.facebook.com/profile.php?id=900000000000001", "b")
	o.gather()
	cases := o.queue()
	merged, err := o.desk.Merge(t.Context(), cases[1].ID, cases[0].ID, "mai", audit.Why{Text: "the same page"})
	if err != nil || merged.Reports != 2 || merged.Sources != 2 {
		t.Fatalf("%+v, %v", merged, err)
	}
	// Later reports by either name belong to it.
	o.report(wire.KindScam, "https://www.facebook.com/profile.php?id=900000000000001", "c")
	o.gather()
	if open := o.queue(); len(open) != 1 || open[0].Reports != 3 {
		t.Fatalf("%+v", open)
	}
	r, err := o.box.ByReceipt(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	split, err := o.desk.Split(t.Context(), merged.ID, cases[1].Subject, [][]byte{r.ID}, "linh", audit.Why{Text: "not the same"})
	if cases[1].Subject == merged.Subject {
		t.Fatal("the case is called by the other name")
	}
	if err != nil || split.Reports != 2 || split.Subject != cases[1].Subject {
		t.Fatalf("%+v, %v", split, err)
	}
	if c, err := o.desk.Of(t.Context(), r.ID); err != nil || c.ID != split.ID {
		t.Errorf("the report belongs to %+v, %v", c, err)
	}
	if open := o.queue(); len(open) != 2 {
		t.Errorf("%+v", open)
	}
}

// Who cuts the end off, and lets the log go on, is found out, as long as the mark beside it is not changed as well.
func TestTheEndOfTheAuditLogIsKept(t *testing.T) {
	o := newOffice(t)
	act := func(verb audit.Verb) {
		t.Helper()
		if err := o.desk.Record(t.Context(), audit.Act{Time: 1, Actor: "mai", Verb: verb, Object: object(1)}); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		act(audit.Reject)
	}
	if _, err := o.desk.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.desk.db.ExecContext(t.Context(), `DELETE FROM audit WHERE seq >= 3`); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := o.desk.Verify(t.Context()); !errors.Is(err, audit.ErrAudit) {
			t.Errorf("%v, want ErrAudit", err)
		}
		act(audit.Reopen) // as if nothing had been
	}
}

func TestImpact(t *testing.T) {
	i := Impact{Verified: official("facebook:user/aministry")}
	f := func(s subject.Subject, n int, high bool) {
		t.Helper()
		if got := i.Of(s, n); (got != Reach{}) != high {
			t.Errorf("Of(%q, %d) = %q", s, n, got)
		}
	}
	f("scam.example/", 1, false)
	f("scam.example/", 50, false)
	f("scam.example/", 51, true)
	f("shop.github.io/", 1, true)
	f("a.shop.github.io/", 1, true)
	f("shop.github.io/page", 1, false)
	f("facebook:user/aministry", 1, true)
	f("facebook:user/inventedshop", 1, false)
}
