package triage

import (
	"errors"
	"testing"

	"khien/server/audit"
	"khien/server/ledger"
	"khien/shared/wire"
)

// decideNow decides as the command line does.
func (o *office) decideNow(id int64, v Decision) Case {
	o.t.Helper()
	c, err := o.desk.DecideNow(o.t.Context(), o.book, o.box, id, v)
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// On the command line there is no page with a plan: a decision is in the ledger at once, for all who reported the case.
func TestWhatIsDecidedOnTheCommandLine(t *testing.T) {
	o := newOffice(t)
	first := o.report(wire.KindScam, "https://shop.example/", "a")
	second := o.report(wire.KindScam, "https://shop.example/pay", "b")
	o.gather()
	c := o.decideNow(o.first().ID, o.list("shop.example/"))
	if !c.Settled || c.State != StateAccepted {
		t.Fatalf("%+v", c)
	}
	o.wantState(first, wire.StateAccepted)
	o.wantState(second, wire.StateAccepted)
	if _, err := o.book.Get(t.Context(), "shop.example/"); err != nil {
		t.Error(err)
	}
	if done, err := o.desk.First(t.Context(), PartDone, 10); err != nil || len(done) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	// The next release has it and notes it.
	o.settle(3)
	if c, _ = o.desk.Get(t.Context(), c.ID); c.Published != 3 {
		t.Errorf("%+v", c)
	}
}

// Two people must agree on the command line too.
func TestTheCommandLineNeedsTwoPeopleToo(t *testing.T) {
	o := newOffice(t)
	receipt := o.report(wire.KindScam, "https://shop.github.io/", "a")
	o.gather()
	v := o.list("shop.github.io/")
	v.Impact = Reach{Suffix, "github.io"}
	c := o.decideNow(o.first().ID, v)
	if c.State != StateProposed || c.Settled {
		t.Fatalf("%+v", c)
	}
	if _, err := o.book.Get(t.Context(), v.Lists[0].Lists); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("listed by one person: %v", err)
	}
	o.wantState(receipt, wire.StateReceived)
	if _, err := o.desk.Second(t.Context(), c, v.Actor, audit.Why{}); !errors.Is(err, ErrSamePerson) {
		t.Errorf("agreed with herself: %v", err)
	}
	if c, err := o.desk.Second(t.Context(), c, "linh", audit.Why{}); err != nil || c.Settled {
		t.Fatalf("%+v, %v", c, err)
	}
	o.wantState(receipt, wire.StateReceived)
	o.settle(1)
	o.wantState(receipt, wire.StateAccepted)
}

// A closed case is opened again: in the queue, and for those who reported it.
func TestACaseIsOpenedAgain(t *testing.T) {
	o := newOffice(t)
	receipt := o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	id := o.first().ID
	if _, err := o.desk.Reopen(t.Context(), o.box, id, "mai", audit.Why{}); !errors.Is(err, ErrState) {
		t.Errorf("an open case was opened: %v", err)
	}
	o.decide(id, Decision{Actor: "mai", Action: Reject, Reason: sorry})
	if _, err := o.desk.Reopen(t.Context(), o.box, id, "mai", audit.Why{}); !errors.Is(err, ErrState) {
		t.Errorf("what may be undone was opened again: %v", err)
	}
	o.settle(1)
	o.wantState(receipt, wire.StateRejected)
	c, err := o.desk.Reopen(t.Context(), o.box, id, "linh", audit.Why{Text: "seen again"})
	if err != nil || c.State != StateOpen || c.Settled || c.Decided != "" || c.Published != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	o.wantState(receipt, wire.StateReceived)
	o.decide(id, o.list("shop.example/"))
	o.settle(2)
	o.wantState(receipt, wire.StateAccepted)
	if _, err := o.desk.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// Two programs gather at once: each report is in one case once, and neither fails.
func TestTwoProgramsGather(t *testing.T) {
	o := newOffice(t)
	other := &Desk{db: o.desk.db, now: o.desk.now, mark: o.desk.mark}
	for i := range 200 {
		o.report(wire.KindScam, "https://shop.example/", string(rune('a'+i%20)))
	}
	failed := make(chan error, 2)
	for _, d := range []*Desk{o.desk, other} {
		go func() {
			_, err := d.Gather(t.Context(), o.box)
			failed <- err
		}()
	}
	for range 2 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if c := o.first(); c.Reports != 200 {
		t.Errorf("%d reports", c.Reports)
	}
}
