package triage

import (
	"database/sql"
	"fmt"
	"testing"

	"khien/shared/subject"
	"khien/shared/wire"
)

// What many reported is settled, and of what they and those who object say nothing is read in the change, for which
// everybody waits: nobody there has the inbox.
func TestNoReportIsReadWhereEverybodyWaits(t *testing.T) {
	for name, one := range map[string]struct{ lists, answered string }{
		"the site":      {"shop.example/", wire.StateAccepted},
		"a page of it":  {"shop.example/p", wire.StateAccepted},
		"nothing of it": {"", wire.StateRejected},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			var receipts []string
			for n := range 20 {
				receipts = append(receipts, o.report(wire.KindScam, "https://shop.example/p", fmt.Sprint(n)))
			}
			objection := o.report(wire.KindMistake, "https://shop.example/p", "owner")
			o.gather()
			c := o.called("shop.example/")
			decision := o.listOf(c.Subject, subject.Subject(one.lists))
			if one.lists == "" {
				decision = Decision{Actor: "mai", Action: Reject, Reason: decision.Reason, Why: decision.Why}
			}
			c = o.decide(c.ID, decision)
			changes, err := o.desk.changes(t.Context(), o.box, c)
			if err != nil {
				t.Fatal(err)
			}
			said, err := o.desk.hearOf(t.Context(), o.box, []Case{c})
			if err != nil {
				t.Fatal(err)
			}
			said.box = nil // whoever asks it panics
			if err := o.desk.change(t.Context(), func(tx *sql.Tx) error {
				if err := o.book.In(tx).Apply(t.Context(), changes); err != nil {
					return err
				}
				return o.desk.settle(t.Context(), tx, o.book.In(tx), said, c, nil)
			}); err != nil {
				t.Fatal(err)
			}
			if err := o.desk.Deliver(t.Context(), o.box); err != nil {
				t.Fatal(err)
			}
			for _, receipt := range receipts {
				o.wantState(receipt, one.answered)
			}
			if one.lists == "" { // none of it is on the list
				o.wantState(objection, wire.StateAccepted)
			}
		})
	}
}

// Of a report that came behind the reading, settling asks the inbox.
func TestWhatCameBehindTheReadingIsSettledToo(t *testing.T) {
	o := newOffice(t)
	first := o.report(wire.KindScam, "https://shop.example/p", "a")
	o.gather()
	c := o.called("shop.example/")
	c = o.decide(c.ID, o.listOf(c.Subject, c.Subject))
	said, err := o.desk.hearOf(t.Context(), o.box, []Case{c})
	if err != nil {
		t.Fatal(err)
	}
	second := o.report(wire.KindScam, "https://shop.example/q", "b")
	o.gather()
	if err := o.desk.change(t.Context(), func(tx *sql.Tx) error {
		return o.desk.settle(t.Context(), tx, o.book.In(tx), said, c, nil)
	}); err != nil {
		t.Fatal(err)
	}
	if err := o.desk.Deliver(t.Context(), o.box); err != nil {
		t.Fatal(err)
	}
	o.wantState(first, wire.StateAccepted)
	o.wantState(second, wire.StateAccepted)
}
