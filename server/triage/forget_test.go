package triage

import (
	"bytes"
	"testing"

	"khien/server/audit"
	"khien/shared/wire"
)

// Which network spoke of a case is kept, as a hash of one day, while the case is open. Two days after it was closed
// nobody can tell any more that the same network spoke of another case; how many spoke of it stays as it was.
func TestWhoReportedIsForgotten(t *testing.T) {
	o := newOffice(t)
	o.desk.SetClock(func() int64 { return o.time })
	for _, from := range []string{"one", "two", "two"} {
		o.sent("https://closed.example/", from, boss)
		o.sent("https://beside.example/", from, boss)
		o.sent("https://open.example/", from, "collect.example/")
	}
	o.gather()
	c := o.called("closed.example/")
	c = o.decide(c.ID, Decision{Actor: "mai", Action: Reject})
	o.settle(1)
	f := func(what string, want int) {
		t.Helper()
		if n, err := o.desk.Forget(t.Context(), o.box, 0); err != nil || n != want {
			t.Errorf("%s: forgotten in %d reports, want %d, %v", what, n, want, err)
		}
	}
	f("just closed", 0)
	o.time += 3 * day
	f("two days later", 6)
	f("and again", 0)
	for _, table := range []string{"members", "voices", "said"} {
		var left int
		err := o.desk.db.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table+` AS kept JOIN subjects ON subjects.id = kept.subject WHERE case_id = 1 AND length(source) <> 12`).Scan(&left)
		if err != nil || left > 0 {
			t.Errorf("%s still has %d of them, %v", table, left, err)
		}
	}
	reports, err := o.box.After(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][][]byte{}
	for _, r := range reports {
		of[r.Subjects[0]] = append(of[r.Subjects[0]], r.Source)
	}
	if got := of["open.example/"]; string(got[0]) != "one" || string(got[1]) != "two" {
		t.Errorf("of an open case %q is left", got)
	}
	if got := of["closed.example/"]; len(got[0]) != labelSize || bytes.Equal(got[0], got[1]) || !bytes.Equal(got[1], got[2]) || !bytes.Equal(got[0], of["beside.example/"][0]) {
		t.Errorf("of a closed case %x is left, beside %x", got, of["beside.example/"])
	}
	again, err := o.desk.Reopen(t.Context(), o.box, c.ID, "mai", audit.Why{})
	if err != nil || again.Sources != 2 || again.Score != c.Score {
		t.Errorf("opened again: %+v, %v", again, err)
	}
	// What comes after it was closed is forgotten in its turn.
	o.decide(c.ID, Decision{Actor: "mai", Action: Reject})
	o.settle(2)
	o.report(wire.KindScam, "https://closed.example/", "three")
	o.gather()
	o.time += 3 * day
	f("of who came later", 1)
}

// Of what left the queue unread nobody can tell either, two days later, which network spoke of it.
func TestWhoReportedWhatNobodyReadIsForgotten(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://lonely.example/", "one")
	o.gather()
	o.time += month + 3600
	o.expire(1)
	for _, want := range []int{0, 1, 0} {
		if n, err := o.desk.Forget(t.Context(), o.box, 0); err != nil || n != want {
			t.Errorf("forgotten in %d reports, want %d, %v", n, want, err)
		}
		o.time += 3 * day
	}
	if c := o.called("lonely.example/"); c.Sources != 1 || c.Expired == 0 {
		t.Errorf("%+v", c)
	}
}
