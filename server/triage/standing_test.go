package triage

import (
	"fmt"
	"slices"
	"testing"

	"khien/server/audit"
	"khien/server/ledger"
	"khien/shared/subject"
	"khien/shared/wire"
)

// standsOnList are the names of all that is on the list.
func (o *office) standsOnList() (all []subject.Subject) {
	o.t.Helper()
	for i, err := range o.book.Active(o.t.Context(), o.time) {
		if err != nil {
			o.t.Fatal(err)
		}
		all = append(all, i.Subject)
	}
	return all
}

func (o *office) reopen(id int64) {
	o.t.Helper()
	if _, err := o.desk.Reopen(o.t.Context(), o.box, id, "linh", audit.Why{Text: "the owner wrote"}); err != nil {
		o.t.Fatal(err)
	}
}

// What was listed by mistake, looked at again and rejected is not on the list any more, and the public is told why;
// until that is settled it can be undone, and stays.
func TestARejectedCaseLeavesTheList(t *testing.T) {
	o := newOffice(t)
	receipt := o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	id := o.first().ID
	o.decide(id, o.list("shop.example/"))
	o.settle(1)
	o.reopen(id)
	objection := o.report(wire.KindMistake, "https://shop.example/", "b")
	o.gather()
	o.decide(id, Decision{Actor: "mai", Action: Reject, Reason: sorry})
	if _, err := o.desk.Undo(t.Context(), id, "mai", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	if got := o.standsOnList(); len(got) != 1 {
		t.Errorf("before anything was settled: %v", got)
	}
	c := o.decide(id, Decision{Actor: "mai", Action: Reject, Reason: sorry})
	if off, err := o.desk.Replaced(t.Context(), c); err != nil || len(off) != 1 || off[0].Lists != "shop.example/" {
		t.Errorf("the plan does not say what leaves: %v, %v", off, err)
	}
	o.settle(2)
	if got := o.standsOnList(); len(got) != 0 {
		t.Errorf("still on the list: %v", got)
	}
	if e, err := o.book.Entry(t.Context(), "shop.example/"); err != nil || e.Taken["en"] != sorry["en"] {
		t.Errorf("%+v, %v", e, err)
	}
	o.wantState(receipt, wire.StateRejected)
	o.wantState(objection, wire.StateAccepted)
	if tally, err := o.desk.Tally(t.Context(), 0, 1); err != nil || tally.Righted != 1 || tally.Refused != 0 {
		t.Errorf("%+v, %v", tally, err)
	}
	// Rejected again, it has nothing to take off.
	o.reopen(id)
	o.decide(id, Decision{Actor: "mai", Action: Reject, Reason: sorry})
	o.settle(3)
	if log, err := o.desk.Log(t.Context(), audit.Filter{Object: object(id).String()}, 1); err != nil || log[0].Because("en") != "" {
		t.Errorf("%+v, %v", log, err)
	}
}

// Decided anew for less, the case lists that and nothing else; what is not decided about stays.
func TestACaseIsListedForLess(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://shop.example/scam", "a")
	o.report(wire.KindScam, "https://other.example/", "a")
	o.gather()
	cases := o.queue()
	into, err := o.desk.Merge(t.Context(), cases[1].ID, cases[0].ID, "mai", audit.Why{})
	if err != nil {
		t.Fatal(err)
	}
	both := o.list("shop.example/")
	both.Lists = append(both.Lists, Only("other.example/")...)
	o.decide(into.ID, both)
	o.settle(1)
	o.reopen(into.ID)
	less := o.list("shop.example/scam")
	less.Lists[0].Of = "shop.example/"
	c := o.decide(into.ID, less)
	o.settle(2)
	if got := fmt.Sprint(o.standsOnList()); got != "[other.example/ shop.example/scam]" {
		t.Errorf("%v", got)
	}
	if e, err := o.book.Entry(t.Context(), "shop.example/"); err != nil || e.Taken["vi"] == "" {
		t.Errorf("%+v, %v", e, err)
	}
	o.decide(c.Rest, Decision{Actor: "mai", Action: Reject, Reason: sorry})
	o.settle(3)
	if got := fmt.Sprint(o.standsOnList()); got != "[shop.example/scam]" {
		t.Errorf("%v", got)
	}
}

// What others put on the list is not for a case to take off by being rejected.
func TestARejectedCaseTakesOffItsOwnOnly(t *testing.T) {
	o := newOffice(t)
	if _, _, err := o.book.Import(t.Context(), "mai", []ledger.Indicator{{Subject: "shop.example/", Source: "partner"}}); err != nil {
		t.Fatal(err)
	}
	o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	o.decide(o.first().ID, Decision{Actor: "mai", Action: Reject, Reason: sorry})
	o.settle(1)
	if got := o.standsOnList(); !slices.Contains(got, "shop.example/") {
		t.Errorf("%v", got)
	}
}

// Rejected on one person's word, reported by many, and listed then: the first who reported it is told so too.
func TestWhoWasRightAllAlongIsTold(t *testing.T) {
	o := newOffice(t)
	first := o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	id := o.first().ID
	o.decide(id, Decision{Actor: "mai", Action: Reject, Reason: sorry})
	o.settle(1)
	o.wantState(first, wire.StateRejected)
	for _, from := range []string{"b", "c", "d", "e", "f"} {
		o.report(wire.KindScam, "https://shop.example/", from)
	}
	o.gather()
	if got := o.first().ID; got != id {
		t.Fatalf("case %d is open, want %d again", got, id)
	}
	o.wantState(first, wire.StateRejected)
	o.decide(id, o.list("shop.example/"))
	o.settle(2)
	o.wantState(first, wire.StateAccepted)
}

// Somebody objects, and less is listed: who objected was right, the rest leaves, and who reported it is told what is
// listed now.
func TestLessIsListedAfterAnObjection(t *testing.T) {
	o := newOffice(t)
	scam := o.report(wire.KindScam, "https://shop.example/scam", "a")
	o.gather()
	id := o.first().ID
	o.decide(id, o.list("shop.example/"))
	o.settle(1)
	objection := o.report(wire.KindMistake, "https://shop.example/", "b")
	o.gather()
	o.decide(id, o.list("shop.example/scam"))
	o.settle(2)
	if got := fmt.Sprint(o.standsOnList()); got != "[shop.example/scam]" {
		t.Errorf("%v", got)
	}
	o.wantState(objection, wire.StateAccepted)
	o.wantState(scam, wire.StateAccepted)
	if r, err := o.box.ByReceipt(t.Context(), scam); err != nil || r.Subject != "shop.example/scam" {
		t.Errorf("%+v, %v", r, err)
	}
}
