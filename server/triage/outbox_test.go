package triage

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"khien/server/audit"
	"khien/server/inbox"
	"khien/shared/wire"
)

// A release is in force and its head did not come to its place, since somebody was killed there: whoever gathers or
// delivers tells nobody of it, and whoever goes on puts the head there first.
func TestNobodyIsToldBeforeTheHeadIsThere(t *testing.T) {
	p := newPrinter(t)
	p.imported(0, "shop.example/")
	if _, err := p.desk.Release(t.Context(), p.publisher, p.box, "mai", audit.Why{Text: "the first"}, p.time); err != nil {
		t.Fatal(err)
	}
	receipt := p.report(wire.KindScam, "https://invented.example/", "a")
	p.gather()
	reported, err := p.box.ByReceipt(t.Context(), receipt)
	if err != nil {
		t.Fatal(err)
	}
	says := inbox.Transition{Time: p.time, Actor: "mai", State: wire.StateAccepted, Subject: "invented.example/"}
	err = p.desk.change(t.Context(), func(tx *sql.Tx) error {
		return errors.Join(tellFirst(t.Context(), tx), tell(t.Context(), tx, letter{Reports: [][]byte{reported.ID}, Transition: says}))
	})
	head := filepath.Join(p.keys, "published", "head")
	if err := errors.Join(err, os.Remove(head)); err != nil {
		t.Fatal(err)
	}
	p.gather()
	if err := p.desk.Deliver(t.Context(), p.box); err != nil {
		t.Fatal(err)
	}
	p.wantState(receipt, wire.StateReceived)

	if err := p.desk.Resume(t.Context(), p.publisher.Shelf(), p.box); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(head); err != nil {
		t.Error(err)
	}
	p.wantState(receipt, wire.StateAccepted)
}

// Somebody undoes a decision between when it was read and when it is brought into the ledger: it is not brought there.
func TestWhatWasUndoneMeanwhileIsNotSettled(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	c := o.decide(o.first().ID, o.list("shop.example/"))
	o.time++
	if _, err := o.desk.Undo(t.Context(), c.ID, c.Decided, audit.Why{Text: "a mistake"}); err != nil {
		t.Fatal(err)
	}
	if err := o.desk.Settle(t.Context(), o.book, o.box, []Case{c}); err == nil {
		t.Error("it is settled")
	}
	if o.listed("shop.example/") {
		t.Error("it is in the ledger")
	}
}

// What is said of one report alone stands beside its act, and is told as soon as the inbox can be opened; what the log
// doesn't take nobody is told.
func TestWhatIsSaidOfOneReportGoesWithItsAct(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	o.decide(o.first().ID, Decision{Actor: "mai", Action: Reject, Reason: sorry})
	o.settle(1)
	receipt := o.report(wire.KindScam, "https://shop.example/", "b")
	o.gather()
	late, err := o.box.ByReceipt(t.Context(), receipt)
	if err != nil {
		t.Fatal(err)
	}
	f := func(box *inbox.Inbox, state string, do func(*inbox.Inbox) error) {
		t.Helper()
		if err := do(box); err != nil {
			t.Fatal(err)
		}
		o.wantState(receipt, state)
	}
	reject := func(box *inbox.Inbox) error {
		return o.desk.RejectAlone(t.Context(), box, late, "mai", sorry, audit.Why{})
	}
	reopen := func(box *inbox.Inbox) error { return o.desk.ReopenAlone(t.Context(), box, late, "mai") }
	f(nil, wire.StateReceived, reject)
	f(o.box, wire.StateReceived, reopen)
	f(o.box, wire.StateRejected, reject)
	f(nil, wire.StateRejected, reopen)
	o.gather()
	o.wantState(receipt, wire.StateReceived)
	if acts, err := o.desk.Log(t.Context(), audit.Filter{Object: "report " + late.Name()}, 10); err != nil || len(acts) != 4 || acts[3].Verb != audit.Reject {
		t.Errorf("%+v, %v", acts, err)
	}
	if _, err := o.desk.db.ExecContext(t.Context(), `ALTER TABLE audit RENAME TO elsewhere`); err != nil {
		t.Fatal(err)
	}
	if err := reject(o.box); err == nil {
		t.Error("it is said without an act")
	}
	o.gather()
	o.wantState(receipt, wire.StateReceived)
}
