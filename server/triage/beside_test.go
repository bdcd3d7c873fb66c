package triage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"khien/server/audit"
	"khien/server/ledger"
	"khien/shared/subject"
	"khien/shared/wire"
)

// listOf lists one thing for a subject of a case.
func (o *office) listOf(of, lists subject.Subject) Decision {
	v := o.list(lists)
	v.Lists[0].Of = of
	return v
}

// Listing one host says nothing of another one below the same name, nor of another page: that goes on in a case that is
// open, and whoever reports either of them later comes to where it stands.
func TestWhatIsReportedBesideStaysOpen(t *testing.T) {
	o := newOffice(t)
	a := o.report(wire.KindScam, "https://a.kit.example/login", "1")
	b := o.report(wire.KindScam, "https://b.kit.example/", "2")
	objection := o.report(wire.KindMistake, "https://b.kit.example/", "3")
	o.gather()
	c := o.decideNow(o.first().ID, o.listOf("kit.example/", "a.kit.example/"))
	o.wantState(a, wire.StateAccepted)
	o.wantState(b, wire.StateReceived)
	o.wantState(objection, wire.StateReceived)
	rest := o.first()
	if c.Subject != "a.kit.example/" || c.Reports != 1 || rest.Subject != "kit.example/" || rest.Reports != 1 || rest.Appeals != 1 || rest.ID == c.ID {
		t.Fatalf("%+v, and beside it %+v", c, rest)
	}
	again, other := o.report(wire.KindScam, "https://a.kit.example/pay", "4"), o.report(wire.KindScam, "https://c.kit.example/", "5")
	o.gather()
	o.wantState(again, wire.StateAccepted)
	o.wantState(other, wire.StateReceived)
	if rest = o.first(); rest.Reports != 2 {
		t.Errorf("%+v", rest)
	}
	// The whole of it, when somebody looks at that: what is listed already stays as it is.
	o.decideNow(rest.ID, o.list("kit.example/"))
	o.wantState(b, wire.StateAccepted)
	o.wantState(other, wire.StateAccepted)
	o.wantState(objection, wire.StateRejected)
	if got := fmt.Sprint(o.standsOnList()); got != "[a.kit.example/ kit.example/]" {
		t.Error(got)
	}
}

// Pages of one kit stay tied to it when one of them is listed for less, and the pages beside it are tied by what was
// said of them.
func TestThePartsOfASiteAreStillOfTheirKit(t *testing.T) {
	o := newOffice(t)
	for _, from := range []string{"1", "2"} {
		o.sent("https://kit.example/login", from, boss)
		o.sent("https://kit.example/other", from, "collect.example/")
		o.sent("https://another.example/", from, "collect.example/")
	}
	o.gather()
	o.decideNow(o.called("kit.example/").ID, o.listOf("kit.example/", "kit.example/login"))
	rest := o.called("kit.example/")
	if rest.ID != o.called("another.example/").ID || rest.Subjects != 2 || len(o.sure(rest.ID)) != 0 {
		t.Errorf("%+v: %v", rest, o.about(rest.ID))
	}
	o.sent("https://new.example/", "3", boss)
	o.gather()
	if kin := o.kin(o.called("new.example/").ID); len(kin) == 0 || kin[0].Subject != "kit.example/login" {
		t.Errorf("%+v", kin)
	}
}

// Several things of one site are ticked: whoever reported one of them is told about that one, and only they.
func TestSeveralThingsOfOneSite(t *testing.T) {
	o := newOffice(t)
	receipts := map[subject.Subject]string{}
	for i, page := range []string{"a.kit.example/", "b.kit.example/", "c.kit.example/"} {
		receipts[subject.Subject(page)] = o.report(wire.KindScam, "https://"+page, fmt.Sprint(i))
	}
	o.gather()
	v := o.listOf("kit.example/", "a.kit.example/")
	v.Lists = append(v.Lists, Listing{Of: "kit.example/", Lists: "b.kit.example/"})
	c := o.decideNow(o.first().ID, v)
	for _, page := range []subject.Subject{"a.kit.example/", "b.kit.example/"} {
		if r := o.byReceipt(receipts[page]); r.State != wire.StateAccepted || r.Subject != string(page) {
			t.Errorf("%s: told %s %s", page, r.State, r.Subject)
		}
	}
	o.wantState(receipts["c.kit.example/"], wire.StateReceived)
	late := o.report(wire.KindScam, "https://b.kit.example/more", "4")
	o.gather()
	if r := o.byReceipt(late); r.State != wire.StateAccepted || r.Subject != "b.kit.example/" {
		t.Errorf("told %s %s", r.State, r.Subject)
	}
	// One of them is taken off, and the other stays.
	if c, _ = o.desk.Get(t.Context(), c.ID); c.Subjects != 2 {
		t.Fatalf("%+v", c)
	}
	off := o.decideNow(c.ID, Decision{Actor: "mai", Action: Withdraw, Lists: Only("b.kit.example/"), Reason: sorry})
	if got := fmt.Sprint(o.standsOnList()); got != "[a.kit.example/]" || off.ID == c.ID {
		t.Errorf("%s, by %+v", got, off)
	}
}

// A page is rejected, and of the others of its site nobody has said anything.
func TestOnePageIsRejected(t *testing.T) {
	o := newOffice(t)
	one, two := o.report(wire.KindScam, "https://site.example/shop", "1"), o.report(wire.KindScam, "https://site.example/blog", "2")
	same := o.report(wire.KindScam, "https://www.site.example/shop/?utm_source=invented", "3")
	o.gather()
	id := o.first().ID
	c, of, err := o.desk.Narrow(t.Context(), o.box, id, "site.example/", "site.example/shop", "mai", audit.Why{})
	if err != nil || c.ID == id || of != "site.example/shop" || c.Reports != 2 {
		t.Fatalf("%+v, %s, %v", c, of, err)
	}
	o.decideNow(c.ID, Decision{Actor: "mai", Action: Reject, Of: of, Reason: sorry})
	o.wantState(one, wire.StateRejected)
	o.wantState(same, wire.StateRejected)
	o.wantState(two, wire.StateReceived)
	if rest := o.first(); rest.ID != id || rest.Reports != 1 {
		t.Errorf("%+v", rest)
	}
	// Where there is nothing else, the case is that of the page from now on, and what else is reported of the site makes
	// another one.
	last, of, err := o.desk.Narrow(t.Context(), o.box, id, "site.example/", "site.example/blog", "mai", audit.Why{})
	if err != nil || last.ID != id || of != "site.example/blog" || last.Subject != "site.example/blog" {
		t.Fatalf("%+v, %s, %v", last, of, err)
	}
	o.decideNow(id, Decision{Actor: "mai", Action: Reject, Of: of, Reason: sorry})
	o.report(wire.KindScam, "https://site.example/new", "4")
	o.gather()
	if rest := o.first(); rest.ID == id || rest.Subject != "site.example/" || rest.Reports != 1 {
		t.Errorf("%+v", rest)
	}
}

// What is taken off a site is taken off for who reported that; what others reported beside it is open still.
func TestOnePageIsTakenOff(t *testing.T) {
	o := newOffice(t)
	if _, _, err := o.book.Import(t.Context(), "linh", []ledger.Indicator{{Subject: "a.kit.example/", Source: "partner"}}); err != nil {
		t.Fatal(err)
	}
	a, b := o.report(wire.KindScam, "https://a.kit.example/", "1"), o.report(wire.KindScam, "https://b.kit.example/", "2")
	objection := o.report(wire.KindMistake, "https://a.kit.example/", "3")
	o.gather()
	o.decideNow(o.first().ID, Decision{Actor: "mai", Action: Withdraw, Lists: []Listing{{Of: "kit.example/", Lists: "a.kit.example/"}}, Reason: sorry})
	o.wantState(a, wire.StateRejected)
	o.wantState(objection, wire.StateAccepted)
	o.wantState(b, wire.StateReceived)
	if rest := o.first(); rest.Subject != "kit.example/" || rest.Reports != 1 {
		t.Errorf("%+v", rest)
	}
}

// Who objects is told that they are right when nothing that their page names is on the list, and not while it is.
func TestAnObjectionIsAnsweredByWhatIsListed(t *testing.T) {
	o := newOffice(t)
	both := []ledger.Indicator{{Subject: "kit.example/", Source: "partner"}, {Subject: "kit.example/pay", Source: "partner"}}
	if _, _, err := o.book.Import(t.Context(), "linh", both); err != nil {
		t.Fatal(err)
	}
	objection := o.report(wire.KindMistake, "https://kit.example/pay", "1")
	o.gather()
	c := o.called("kit.example/")
	off := func(s subject.Subject) Decision {
		return Decision{Actor: "mai", Action: Withdraw, Lists: Only(s), Reason: sorry}
	}
	c = o.decideNow(c.ID, off("kit.example/pay"))
	o.wantState(objection, wire.StateReceived)
	if c.Appeals != 1 {
		t.Errorf("%+v", c)
	}
	o.decideNow(c.ID, off("kit.example/"))
	o.wantState(objection, wire.StateAccepted)

	// Nothing was listed, and nothing is: who objected to the reports alone was right.
	early, scam := o.report(wire.KindMistake, "https://honest.example/", "1"), o.report(wire.KindScam, "https://honest.example/", "2")
	o.gather()
	o.decideNow(o.called("honest.example/").ID, Decision{Actor: "mai", Action: Reject, Reason: sorry})
	o.wantState(early, wire.StateAccepted)
	o.wantState(scam, wire.StateRejected)
}

// What the publisher leaves out of a release after all is decided by nobody: its case is open again, and what was
// decided with it is published. Who reported it was told of it only where the command line had said so before.
func TestWhatIsLeftOutOfAReleaseIsOpenAgain(t *testing.T) {
	for _, shell := range []bool{false, true} {
		p := newPrinter(t)
		c := p.kit()
		receipts := map[subject.Subject]string{}
		for _, s := range []subject.Subject{"bank-lucky.example/", "another-bank.example/"} {
			receipts[s] = p.report(wire.KindScam, "https://"+string(s), "z")
		}
		p.gather()
		v := p.list("")
		v.Lists = p.looked(c.ID)
		before := wire.StateReceived
		if shell {
			p.decideNow(c.ID, v)
			before = wire.StateAccepted
		} else {
			p.decide(c.ID, v)
		}
		p.wantState(receipts["bank-lucky.example/"], before)
		// Meanwhile the operator has written down whose host it is.
		p.publisher.Official = filepath.Join(t.TempDir(), "official")
		if err := os.Mkdir(p.publisher.Official, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p.publisher.Official, "ours.txt"), []byte("bank-lucky.example | The Lucky Bank\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		for range 2 { // and the next release, which leaves it out too, changes nothing more
			if _, err := p.desk.Release(t.Context(), p.publisher, p.box, "mai", audit.Why{}, p.time); err != nil {
				t.Fatal(err)
			}
			p.wantState(receipts["bank-lucky.example/"], wire.StateReceived)
			p.wantState(receipts["another-bank.example/"], wire.StateAccepted)
			if again := p.first(); again.Subject != "bank-lucky.example/" || again.Subjects != 1 {
				t.Errorf("%+v", again)
			}
			for s, want := range map[subject.Subject]error{"another-bank.example/": nil, "bank-lucky.example/": ledger.ErrNotFound} {
				if _, err := p.publisher.Shelf().Listed(t.Context(), s); !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", s, err, want)
				}
			}
		}
		log, err := p.desk.Log(t.Context(), audit.Filter{Object: object(p.first().ID).String()}, 10)
		if err != nil || len(log) != 1 || log[0].Verb != map[bool]audit.Verb{false: audit.Undo, true: audit.Reopen}[shell] || !strings.HasPrefix(log[0].Because("en"), "not published: bank-lucky.example/: ") {
			t.Errorf("%+v, %v", log, err)
		}
		reports, err := p.box.ByReceipt(t.Context(), receipts["bank-lucky.example/"])
		if err != nil {
			t.Fatal(err)
		}
		if told, err := p.box.History(t.Context(), reports.ID); err != nil || !shell && len(told) > 0 {
			t.Errorf("whoever reported it was told %+v, %v", told, err)
		}
		if listed := p.listed("bank-lucky.example/"); listed != shell {
			t.Errorf("the ledger has it: %v", listed)
		}
		// Looked at and rejected, it leaves the list of what waits to be published.
		p.decideNow(p.first().ID, Decision{Actor: "mai", Action: Reject, Reason: sorry})
		if p.listed("bank-lucky.example/") {
			t.Error("it would be left out of every release to come")
		}
	}
}

// What is the subject of one case is not listed by a decision about another one.
func TestWhatIsInAnotherCaseIsDecidedThere(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://a.kit.example/", "1")
	o.report(wire.KindScam, "https://b.kit.example/", "2")
	o.gather()
	o.decideNow(o.first().ID, o.listOf("kit.example/", "a.kit.example/"))
	if _, err := o.desk.Decide(t.Context(), o.first().ID, o.listOf("kit.example/", "a.kit.example/")); !errors.Is(err, ErrElsewhere) {
		t.Errorf("%v, want ErrElsewhere", err)
	}
}
