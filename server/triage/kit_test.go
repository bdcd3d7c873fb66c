package triage

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"khien/server/audit"
	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/shared/subject"
	"khien/shared/wire"
)

// sent sends a report of a scam about a page with links on it and returns it.
func (o *office) sent(href, from string, links ...string) wire.Report {
	o.t.Helper()
	receipt := o.reportWith(wire.KindScam, href, from, links)
	r, err := o.box.ByReceipt(o.t.Context(), receipt)
	if err != nil {
		o.t.Fatal(err)
	}
	return r.Report
}

func (o *office) kin(id int64) []Kin {
	o.t.Helper()
	kin, err := o.desk.Kin(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return kin
}

// about is what a case is about, by name.
func (o *office) about(id int64) map[subject.Subject]Subject {
	o.t.Helper()
	subjects, err := o.desk.Subjects(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	all := map[subject.Subject]Subject{}
	for _, s := range subjects {
		all[s.Name] = s
	}
	return all
}

// called is the case of a subject.
func (o *office) called(name subject.Subject) Case {
	o.t.Helper()
	c, err := o.desk.Named(o.t.Context(), name)
	if err != nil {
		o.t.Fatalf("%s: %v", name, err)
	}
	return c
}

// sure are the subjects of a case that come ticked, in the order of their names.
func (o *office) sure(id int64) (lists []Listing) {
	o.t.Helper()
	all := o.about(id)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].Sure() {
			lists = append(lists, Listing{Of: name, Lists: name})
		}
	}
	return lists
}

// looked are the subjects of a case that a person ticks who has looked at each: all but the honest shop.
func (o *office) looked(id int64) (lists []Listing) {
	o.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(o.about(id))) {
		if name != "honest-shop.example/" {
			lists = append(lists, Listing{Of: name, Lists: name})
		}
	}
	return lists
}

func (o *office) listed(s subject.Subject) bool {
	o.t.Helper()
	_, err := o.book.Get(o.t.Context(), s)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		o.t.Fatal(err)
	}
	return err == nil
}

const boss = "telegram:user/invented_boss"

// kit is a page kit as it is reported: three pages, each by two people, that lead to one account and one site.
func (o *office) kit() Case {
	o.t.Helper()
	for _, page := range []string{"https://lucky-bank.example/login", "https://bank-lucky.example/", "https://another-bank.example/"} {
		for _, from := range []string{"a", "b"} {
			o.sent(page, page+from, boss, "collect.example/take", "fonts.google.com/specimen", "www.facebook.com/")
		}
	}
	o.gather()
	return o.called("lucky-bank.example/")
}

func TestPagesOfOneKitAreOneCase(t *testing.T) {
	o := newOffice(t)
	o.sent("https://a-bakery.example/", "d", "fonts.google.com/specimen", "www.facebook.com/", "a-bakery.example/menu")
	c := o.kit()
	if open := o.queue(); len(open) != 2 || c.Subjects != 3 || c.Reports != 6 || c.Sources != 6 {
		t.Fatalf("%+v in %+v", c, open)
	}
	one := o.about(c.ID)["bank-lucky.example/"]
	if one.Reports != 2 || one.Sources != 2 || one.Sure() || fmt.Sprint(one.Ties) != "[{collect.example/ 2 2} {telegram:user/invented_boss 2 2}]" {
		t.Errorf("%+v", one)
	}
	if kin := o.kin(o.called("a-bakery.example/").ID); len(kin) != 0 {
		t.Errorf("what everybody links to binds the bakery to %+v", kin)
	}
	// Which of them was reported in which order, and whether they were gathered together, makes no difference.
	for order := range 6 {
		other := newOffice(t)
		pages := []string{"https://one.example/", "https://two.example/", "https://three.example/", "https://four.example/"}
		rand.Shuffle(len(pages), func(i, j int) { pages[i], pages[j] = pages[j], pages[i] })
		for i, page := range pages {
			if other.sent(page, fmt.Sprint(i), boss); order%2 == 0 {
				other.gather()
			}
		}
		other.gather()
		if open := other.queue(); len(open) != 1 || open[0].Subjects != 4 {
			t.Errorf("%q: %+v", pages, open)
		}
	}
}

// One decision lists all that is ticked: one entry in the log that names them, one undo, one release; and each reporter
// is told what became of what he reported.
func TestAKitIsListedWithOneDecision(t *testing.T) {
	o := newOffice(t)
	c := o.kit()
	receipt := o.reportWith(wire.KindScam, "https://bank-lucky.example/pay", "z", nil)
	o.gather()
	v := o.list("")
	v.Lists = []Listing{{Of: "lucky-bank.example/", Lists: "lucky-bank.example/"}, {Of: "bank-lucky.example/", Lists: "bank-lucky.example/pay"}, {Of: "another-bank.example/", Lists: "another-bank.example/"}}
	if c = o.decide(c.ID, v); c.State != StateAccepted || c.Rest != 0 || len(c.Indicators()) != 3 {
		t.Fatalf("%+v", c)
	}
	log, err := o.desk.Log(t.Context(), audit.Filter{}, 10)
	if err != nil || len(log) != 1 || log[0].What("en") != "list lucky-bank.example/, bank-lucky.example/pay, another-bank.example/" {
		t.Errorf("%+v, %v", log, err)
	}
	if c, err = o.desk.Undo(t.Context(), c.ID, "mai", audit.Why{}); err != nil || c.State != StateOpen || c.Subjects != 3 || len(c.Lists) != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	o.decide(c.ID, v)
	opened := o.about(c.ID)
	o.settle(4)
	for _, want := range v.Lists {
		if i, err := o.book.Get(t.Context(), want.Lists); err != nil || i.Reference != "KH-C1" || i.FirstSeen != opened[want.Of].Opened {
			t.Errorf("%s: %+v, %v", want.Lists, i, err)
		}
	}
	if r, err := o.box.ByReceipt(t.Context(), receipt); err != nil || r.State != wire.StateAccepted || r.Subject != "bank-lucky.example/pay" {
		t.Errorf("told %s about %s, %v", r.State, r.Subject, err)
	}
	late := o.reportWith(wire.KindScam, "https://another-bank.example/2", "y", nil)
	o.gather()
	if r, _ := o.box.ByReceipt(t.Context(), late); r.Subject != "another-bank.example/" {
		t.Errorf("who came later is told %s about %s", r.State, r.Subject)
	}
}

// Somebody who wants an honest shop on the list says that it leads where a scam leads. The shop stands in the case and
// comes without a tick; what is listed is what was ticked; and taken out, it stays out, however often it is said again.
func TestAnInventedLinkListsNoHonestShop(t *testing.T) {
	o := newOffice(t)
	c := o.kit()
	honest := o.reportWith(wire.KindScam, "https://honest-shop.example/", "attacker", []string{boss})
	for range 5 {
		o.sent("https://honest-shop.example/", "attacker", boss)
	}
	o.gather()
	shop, ok := o.about(c.ID)["honest-shop.example/"]
	if !ok || shop.Sure() || shop.Joined == 0 || len(shop.Ties) != 1 || shop.Ties[0].Senders != 1 {
		t.Fatalf("one sender's word six times: %+v", shop)
	}
	v := o.list("")
	v.Lists = o.looked(c.ID)
	c = o.decide(c.ID, v)
	rest := o.called("honest-shop.example/")
	if c.Subjects != 3 || c.Rest != rest.ID || rest.State != StateOpen || rest.Subjects != 1 {
		t.Fatalf("%+v and %+v", c, rest)
	}
	// It comes back with one undo, and goes again.
	if _, err := o.desk.Undo(t.Context(), c.ID, "mai", audit.Why{}); err != nil || o.called("honest-shop.example/").ID != c.ID {
		t.Errorf("undone, it is in %+v, %v", o.called("honest-shop.example/"), err)
	}
	c = o.decide(c.ID, v)
	o.settle(1)
	if o.listed("honest-shop.example/") || !o.listed("bank-lucky.example/") {
		t.Error("what was not ticked is listed, or what was is not")
	}
	o.wantState(honest, wire.StateReceived)
	// Nothing joins a case that is decided: it says of which kit it may be, and waits.
	o.sent("https://honest-shop.example/", "another attacker", boss)
	o.gather()
	rest = o.called("honest-shop.example/")
	kin := o.kin(rest.ID)
	if rest.ID == c.ID || len(kin) != 1 || kin[0].ID != c.ID || kin[0].Published != 1 || fmt.Sprint(kin[0].Targets) != "["+boss+"]" {
		t.Errorf("%+v, kin %+v", rest, kin)
	}
	o.settle(2)
	if o.listed("honest-shop.example/") {
		t.Error("listed without a decision")
	}
}

func TestWhatIsTakenOutStaysOut(t *testing.T) {
	o := newOffice(t)
	c := o.kit()
	o.sent("https://honest-shop.example/", "attacker", boss)
	o.gather()
	apart, err := o.desk.Split(t.Context(), c.ID, "honest-shop.example/", nil, "mai", audit.Why{Text: "an honest shop"})
	if err != nil || apart.Reports != 1 || apart.Subject != "honest-shop.example/" {
		t.Fatalf("%+v, %v", apart, err)
	}
	for i := range 9 {
		o.sent("https://honest-shop.example/", fmt.Sprint("attacker ", i), boss, "collect.example/")
		o.sent("https://lucky-bank.example/", fmt.Sprint("somebody ", i), boss, "honest-shop.example/")
	}
	o.sent("https://one-more.example/", "x", boss)
	o.gather()
	if got := o.called("honest-shop.example/"); got.ID != apart.ID || got.Subjects != 1 || got.Reports != 10 {
		t.Errorf("it is in %+v", got)
	}
	if c = o.called("lucky-bank.example/"); c.Subjects != 4 {
		t.Errorf("%+v", c)
	}
	// What the case is called by may be taken out too; the heaviest of the others names it then.
	if _, err := o.desk.Split(t.Context(), c.ID, "lucky-bank.example/", nil, "mai", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	if c = o.called("bank-lucky.example/"); c.Subject == "lucky-bank.example/" || c.Subjects != 3 {
		t.Errorf("%+v", c)
	}
	for name := range o.about(c.ID) {
		if o.called(name).Subjects == 1 {
			break
		}
		if _, err := o.desk.Split(t.Context(), c.ID, name, nil, "mai", audit.Why{}); err != nil && !errors.Is(err, ErrState) {
			t.Error(err)
		}
	}
	// By hand it may go back, and is said to belong there.
	back, err := o.desk.Merge(t.Context(), apart.ID, o.called("one-more.example/").ID, "mai", audit.Why{Text: "it was sold to them"})
	if err != nil || !o.about(back.ID)["honest-shop.example/"].Sure() {
		t.Errorf("%+v, %v", back, err)
	}
}

// The attacker is first: he reports the honest shop, and then the scam comes. What the case is called by is not thereby
// ticked.
func TestADecoyThatComesFirst(t *testing.T) {
	o := newOffice(t)
	o.sent("https://honest-shop.example/", "attacker", boss)
	c := o.kit()
	if c.Subject != "honest-shop.example/" || c.Subjects != 4 {
		t.Fatalf("%+v", c)
	}
	if ticked := o.sure(c.ID); len(ticked) != 0 {
		t.Errorf("%v come ticked", ticked)
	}
	v := o.list("")
	v.Lists = o.looked(c.ID)
	c = o.decide(c.ID, v)
	if c.Subject == "honest-shop.example/" || len(v.Lists) != 3 || o.called("honest-shop.example/").ID != c.Rest {
		t.Errorf("%+v lists %+v", c, v.Lists)
	}
}

// An account may be led to by a large kit; a site that more than twenty lead to is a counter, a font or a payment
// service, whether they came one by one or all at once, and what it had joined falls apart again.
func TestWhatManyPagesLeadToIsNoKit(t *testing.T) {
	o := newOffice(t)
	shop := func(i int) {
		o.sent(fmt.Sprintf("https://shop-%d.example/", i), fmt.Sprint(i), "a-counter.example/count")
	}
	for i := range maxKin {
		shop(i)
	}
	o.sent("https://shop-3.example/", "x", boss)
	o.sent("https://shop-4.example/", "y", boss)
	o.gather()
	if open := o.queue(); len(open) != 1 || open[0].Subjects != maxKin {
		t.Fatalf("%d cases, the first with %d subjects", len(open), open[0].Subjects)
	}
	shop(maxKin)
	o.gather()
	open := o.queue()
	if len(open) != maxKin || o.called("shop-3.example/").Subjects != 2 || o.called("shop-3.example/").ID != o.called("shop-4.example/").ID {
		t.Errorf("%d cases, want %d: %+v", len(open), maxKin, open)
	}
	if kin := o.kin(o.called("shop-1.example/").ID); len(kin) != 0 {
		t.Errorf("%d kin by a counter that everybody has", len(kin))
	}
	if o.called("shop-20.example/").Reports != 1 || o.called("shop-0.example/").Reports != 1 {
		t.Error("reports were lost on the way")
	}
}

// A flood of invented pages that lead to one account joins them into heaps of a bounded size, with no tick on any of
// them.
func TestAFloodOfInventedLinksMakesNoHeap(t *testing.T) {
	dbtest.Long(t)
	if testing.Short() {
		t.Skip("a flood takes long with the race detector, and is gathered by one goroutine")
	}
	o := newOffice(t)
	var flood []wire.Report
	for i := range 3*MaxSubjects + 10 {
		host := fmt.Sprintf("invented-%d.example/", i)
		r := wire.Report{ID: fmt.Appendf(nil, "%016x", i), Kind: wire.KindScam, Href: "https://" + host, Subjects: []string{host}, Time: o.time}
		for n := range 15 {
			r.Links = append(r.Links, fmt.Sprintf("telegram:user/invented_%d", (i*7+n)%500))
		}
		r.Links = append(r.Links, boss)
		flood = append(flood, r)
	}
	o.flood(flood)
	o.gather()
	total := 0
	for _, c := range o.queue() {
		if c.Subjects > MaxSubjects {
			t.Errorf("case %d has %d subjects", c.ID, c.Subjects)
		}
		if lists := o.sure(c.ID); len(lists) > 0 {
			t.Errorf("%d of case %d come ticked", len(lists), c.ID)
		}
		total += c.Subjects
	}
	if total != len(flood) {
		t.Errorf("%d subjects, want %d", total, len(flood))
	}
}

// One sender's word puts one page beside others. To make one case of two kits takes two.
func TestOneSenderDoesNotJoinTwoKits(t *testing.T) {
	o := newOffice(t)
	const other = "phone:+84900000777"
	for i := range 3 {
		o.sent(fmt.Sprintf("https://red-%d.example/", i), fmt.Sprint("r", i), boss)
		o.sent(fmt.Sprintf("https://blue-%d.example/", i), fmt.Sprint("b", i), other)
	}
	o.gather()
	o.sent("https://bridge.example/", "attacker", boss, other)
	o.gather()
	if open := o.queue(); len(open) != 2 || open[0].Subjects+open[1].Subjects != 7 {
		t.Fatalf("%+v", open)
	}
	if kin := o.kin(o.called("red-0.example/").ID); len(kin) != 1 || kin[0].ID != o.called("blue-0.example/").ID {
		t.Errorf("that they may belong together is not shown: %+v", kin)
	}
	for _, from := range []string{"x", "y"} {
		o.sent("https://bridge.example/", from, boss, other)
		o.sent("https://red-0.example/", from, boss)
		o.sent("https://blue-0.example/", from, other)
	}
	o.gather()
	if open := o.queue(); len(open) != 1 || open[0].Subjects != 7 {
		t.Errorf("%+v", open)
	}
}

// Protected names are neither joined nor do they join.
func TestAProtectedNameIsInNoKit(t *testing.T) {
	o := newOffice(t)
	c := o.kit()
	o.sent("https://www.facebook.com/", "a", boss)
	o.sent("https://www.facebook.com/", "b", boss)
	o.gather()
	if got := o.called("www.facebook.com/"); got.ID == c.ID || !got.Protected || len(o.kin(got.ID)) != 0 {
		t.Errorf("%+v", got)
	}
}

// The score counts the case as a whole: who reports two pages of it is one source.
func TestTheScoreOfAKit(t *testing.T) {
	o := newOffice(t)
	for _, page := range []string{"https://one.example/", "https://two.example/"} {
		o.sent(page, "a", boss)
		o.sent(page, page, boss)
	}
	o.sent("https://www.facebook.com/invented.shop", "c", boss)
	o.gather()
	c := o.called("one.example/")
	if c.Subjects != 3 || c.Sources != 4 || c.Score != Score(4, 4, 0, 0, "", "facebook") {
		t.Errorf("%+v, want the score %v", c, Score(4, 4, 0, 0, "", "facebook"))
	}
}

// The owner of one page of a listed kit objects, and is right. What leaves the list is that page, in a case of its own;
// the others stay, and who reports them later is told so.
func TestAnAppealAgainstOneOfAKit(t *testing.T) {
	o := newOffice(t)
	c := o.kit()
	v := o.list("")
	v.Lists = o.looked(c.ID)
	o.decide(c.ID, v)
	o.settle(1)
	right, _ := o.mistaken("https://bank-lucky.example/", "owner")
	wrong, c := o.mistaken("https://another-bank.example/", "crook")
	if c.Appeals != 2 {
		t.Fatalf("%+v", c)
	}
	c, err := o.desk.Uphold(t.Context(), o.box, c.ID, "linh", map[string]string{"en": "it still cheats"}, audit.Why{}, "another-bank.example/")
	if err != nil || c.Appeals != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	o.wantState(wrong, wire.StateRejected)
	o.wantState(right, wire.StateReceived)

	withdraw := Decision{Actor: "linh", Action: Withdraw, Lists: Only("bank-lucky.example/"), Reason: sorry}
	own := o.decide(c.ID, withdraw)
	if own.ID == c.ID || own.Subjects != 1 || own.Appeals != 1 {
		t.Fatalf("%+v", own)
	}
	// Taken back, it is listed as it was, and the objection waits.
	if own, err = o.desk.Undo(t.Context(), own.ID, "linh", audit.Why{}); err != nil || !own.Settled || own.Action != List || fmt.Sprint(own.About()) != "[bank-lucky.example/]" || own.Appeals != 1 {
		t.Fatalf("%+v, %v", own, err)
	}
	o.decide(own.ID, withdraw)
	o.settle(2)
	o.wantState(right, wire.StateAccepted)
	if o.listed("bank-lucky.example/") || !o.listed("another-bank.example/") || !o.listed("lucky-bank.example/") {
		t.Error("the list is not what was decided")
	}
	if c, _ = o.desk.Get(t.Context(), c.ID); c.State != StateAccepted || c.Action != List || c.Subjects != 2 || len(c.Lists) != 2 || c.Appeals != 0 {
		t.Errorf("%+v", c)
	}
	late := o.report(wire.KindScam, "https://lucky-bank.example/", "late")
	o.gather()
	o.wantState(late, wire.StateAccepted)
	if p, err := o.desk.Progress(t.Context(), o.byReceipt(right).ID); err != nil || p.Case != own.ID {
		t.Errorf("%+v, %v", p, err)
	}
}

func (o *office) byReceipt(receipt string) inbox.Report {
	o.t.Helper()
	r, err := o.box.ByReceipt(o.t.Context(), receipt)
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

// On the command line one report is decided about, and with it what it is about; the rest of the kit stays open.
func TestOneOfAKitIsRejected(t *testing.T) {
	o := newOffice(t)
	c := o.kit()
	own := o.decide(c.ID, Decision{Actor: "mai", Action: Reject, Of: "bank-lucky.example/", Reason: sorry})
	if own.ID == c.ID || own.State != StateRejected || own.Subjects != 1 {
		t.Fatalf("%+v", own)
	}
	if c, _ = o.desk.Get(t.Context(), c.ID); c.State != StateOpen || c.Subjects != 2 {
		t.Errorf("%+v", c)
	}
}

func TestWhatADecisionMayName(t *testing.T) {
	o := newOffice(t)
	c := o.kit()
	f := func(what string, lists ...Listing) {
		t.Helper()
		v := o.list("")
		v.Lists = lists
		if _, err := o.desk.Decide(t.Context(), c.ID, v); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", what, err)
		}
	}
	f("nothing")
	f("what is in another case", Listing{Of: "other.example/", Lists: "other.example/"})
	f("what is nobody's", Listing{Lists: "other.example/"})
	f("a protected name for one of them", Listing{Of: "bank-lucky.example/", Lists: "facebook.com/"})
	f("too many", slices.Repeat([]Listing{{Of: "bank-lucky.example/", Lists: "bank-lucky.example/"}}, maxTogether+1)...)
	if c, _ = o.desk.Get(t.Context(), c.ID); c.State != StateOpen || c.Subjects != 3 {
		t.Errorf("%+v", c)
	}
}

// More than fifty at once, be they of one case, take two people.
func TestMoreThanFiftyOfOneCase(t *testing.T) {
	o := newOffice(t)
	for i := range MaxAtOnce + 1 {
		for _, from := range []string{"a", "b"} {
			o.sent(fmt.Sprintf("https://kit-%d.example/", i), fmt.Sprint(from, i), boss)
		}
	}
	o.gather()
	c := o.first()
	lists := o.looked(c.ID)
	if len(lists) != MaxAtOnce+1 || len(o.sure(c.ID)) != 0 {
		t.Fatalf("%d subjects, and %d come ticked", len(lists), len(o.sure(c.ID)))
	}
	why := (Impact{}).OfAll(Ruling{Lists: lists}.About(), 0)
	if why.String() != "51 subjects at once" || (Impact{}).OfAll(Ruling{Lists: lists[1:]}.About(), 0) != (Reach{}) {
		t.Errorf("%q", why)
	}
	v := o.list("")
	v.Lists, v.Impact = lists, why
	if c = o.decide(c.ID, v); c.State != StateProposed {
		t.Fatalf("%+v", c)
	}
	o.settle(1)
	if o.listed("kit-0.example/") {
		t.Error("listed by one person")
	}
	if _, err := o.desk.Second(t.Context(), c, "linh", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	o.settle(2)
	for _, one := range lists {
		if !o.listed(one.Lists) {
			t.Errorf("%s is not listed", one.Lists)
		}
	}
}

// What is counted by platform is where each thing is, not where the others of its case are.
func TestAKitIsCountedWhereItsPartsAre(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://www.facebook.com/invented.shop", "a")
	o.report(wire.KindScam, "https://www.facebook.com/invented.shop", "b")
	o.report(wire.KindScam, "https://invented-shop.example/", "c")
	o.report(wire.KindScam, "http://[2001:db8::17]/", "d")
	o.gather()
	if _, err := o.desk.Merge(t.Context(), o.called("invented-shop.example/").ID, o.called("facebook:user/inventedshop").ID, "mai", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	r, err := o.desk.Reported(t.Context())
	if want := map[string]int{"facebook": 2, "host/": 2}; err != nil || !maps.Equal(r.Sorts, want) {
		t.Errorf("%v, %v, want %v", r.Sorts, err, want)
	}
}
