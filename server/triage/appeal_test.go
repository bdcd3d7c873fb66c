package triage

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/shared/wire"
)

func TestWhenAnAppealIsDue(t *testing.T) {
	f := func(received, want string) {
		t.Helper()
		at, err := time.ParseInLocation("2006-01-02 15:04", received, zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Unix(AppealDue(at.Unix()), 0).In(zone).Format("2006-01-02 15:04"); got != want {
			t.Errorf("of %s it is %s, want %s", received, got, want)
		}
	}
	f("2026-11-23 09:14", "2026-11-26 09:14") // Monday
	f("2026-11-24 09:14", "2026-11-27 09:14")
	f("2026-11-25 09:14", "2026-11-30 09:14") // over a weekend
	f("2026-11-27 23:59", "2026-12-02 23:59")
	f("2026-11-28 12:00", "2026-12-03 00:00") // Saturday counts as Monday
	f("2026-11-29 23:00", "2026-12-03 00:00")
}

var sorry = map[string]string{"en": "it is yours", "vi": "là của bạn"}

// mistaken sends an objection and puts it into its case.
func (o *office) mistaken(href, from string) (receipt string, c Case) {
	o.t.Helper()
	receipt = o.report(wire.KindMistake, href, from)
	o.gather()
	r, err := o.box.ByReceipt(o.t.Context(), receipt)
	if err != nil {
		o.t.Fatal(err)
	}
	if c, err = o.desk.Of(o.t.Context(), r.ID); err != nil {
		o.t.Fatal(err)
	}
	return receipt, c
}

func (o *office) answerTo(receipt string) map[string]string {
	o.t.Helper()
	r, err := o.box.ByReceipt(o.t.Context(), receipt)
	if err != nil {
		o.t.Fatal(err)
	}
	reason, err := o.desk.AnswerTo(o.t.Context(), r.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		o.t.Fatal(err)
	}
	return reason
}

// The clock runs from the oldest that waits, and the longest waiting is first.
func TestTheClockOfAppeals(t *testing.T) {
	o := newOffice(t)
	_, first := o.mistaken("https://a.example/", "x")
	o.mistaken("https://b.example/", "x")
	_, again := o.mistaken("https://a.example/", "y")
	if again.ID != first.ID || again.Appeals != 2 || again.Appealed != first.Appealed || again.AppealDue() != AppealDue(first.Appealed) {
		t.Errorf("%+v after %+v", again, first)
	}
	if waiting, err := o.desk.First(t.Context(), PartAppealed, 100); err != nil || len(waiting) != 2 || waiting[0].ID != first.ID {
		t.Errorf("%+v, %v", waiting, err)
	}
}

// Against an entry of ours: it stays, and who objected is told why, in their language.
func TestAnAppealIsRefused(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	id := o.first().ID
	o.decide(id, o.list("shop.example/"))
	o.settle(1)
	receipt, _ := o.mistaken("https://shop.example/", "b")
	if _, err := o.desk.Decide(t.Context(), id, Decision{Actor: "linh", Action: Reject}); !errors.Is(err, ErrState) {
		t.Errorf("a listed case was rejected: %v", err)
	}
	c, err := o.desk.Uphold(t.Context(), o.box, id, "linh", map[string]string{"en": "it still cheats", "vi": "vẫn lừa"}, audit.Why{Text: "looked again"})
	if err != nil || c.State != StateAccepted || c.Action != List || c.Appeals != 0 || c.Appealed != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	o.wantState(receipt, wire.StateRejected)
	if got := o.answerTo(receipt); got["vi"] != "vẫn lừa" {
		t.Errorf("told %v", got)
	}
	if _, err := o.book.Get(t.Context(), "shop.example/"); err != nil {
		t.Errorf("it is off the list: %v", err)
	}
	if _, err := o.desk.Uphold(t.Context(), o.box, id, "linh", nil, audit.Why{}); !errors.Is(err, ErrState) {
		t.Errorf("answered twice: %v", err)
	}
	// A new objection waits again, and the answers before stay.
	later, c := o.mistaken("https://shop.example/", "b")
	if c.Appeals != 1 || o.answerTo(later) != nil {
		t.Errorf("%+v", c)
	}
	if answers, err := o.desk.Answers(t.Context(), id); err != nil || len(answers) != 1 || answers[0].Righted || answers[0].Appeals != 1 {
		t.Errorf("%+v, %v", answers, err)
	}
}

// Against an entry that came from a list there was no case before.
func TestAnAppealAgainstAnImportedEntry(t *testing.T) {
	o := newOffice(t)
	if _, _, err := o.book.Import(t.Context(), "mai", []ledger.Indicator{{Subject: "shop.example/"}}); err != nil {
		t.Fatal(err)
	}
	receipt, c := o.mistaken("https://shop.example/", "a")
	if c.State != StateOpen || c.Reports != 0 || c.Appeals != 1 {
		t.Fatalf("%+v", c)
	}
	o.decide(c.ID, Decision{Actor: "linh", Action: Withdraw, Lists: Only("shop.example/"), Reason: sorry})
	if o.answerTo(receipt) != nil {
		t.Error("answered before it is published")
	}
	if _, err := o.desk.Uphold(t.Context(), o.box, c.ID, "mai", nil, audit.Why{}); !errors.Is(err, ErrState) {
		t.Errorf("upheld what is being withdrawn: %v", err)
	}
	o.settle(1)
	o.wantState(receipt, wire.StateAccepted)
	if got := o.answerTo(receipt); got["vi"] != "là của bạn" {
		t.Errorf("told %v", got)
	}
	if e, err := o.book.Entry(t.Context(), "shop.example/"); err != nil || e.Withdrawn == 0 || e.Taken["vi"] != "là của bạn" {
		t.Errorf("%+v, %v", e, err)
	}
	if tally, err := o.desk.Tally(t.Context(), 0, 1); err != nil || tally.Appeals != 1 || tally.Righted != 1 || tally.Refused != 0 || tally.Reports != 0 {
		t.Errorf("%+v, %v", tally, err)
	}

	// Refused, a case of nothing but an appeal is closed, and the entry stays.
	if _, _, err := o.book.Import(t.Context(), "mai", []ledger.Indicator{{Subject: "other.example/"}}); err != nil {
		t.Fatal(err)
	}
	_, c = o.mistaken("https://other.example/", "a")
	if c, err := o.desk.Uphold(t.Context(), o.box, c.ID, "linh", sorry, audit.Why{}); err != nil || c.State != StateRejected {
		t.Errorf("%+v, %v", c, err)
	}
	if open := o.queue(); len(open) != 0 {
		t.Errorf("%+v", open)
	}
}

// A maintainer takes an entry off for somebody who objects, and thinks again before the release: it is listed all the
// while, so its case stays accepted, and the objection waits for its answer.
func TestAWithdrawalThatIsTakenBack(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	id := o.first().ID
	o.decide(id, o.list("shop.example/"))
	o.settle(1)
	objection, before := o.mistaken("https://shop.example/", "b")
	for _, impact := range []Reach{{}, {Rule: Popular}} {
		o.decide(id, Decision{Actor: "linh", Action: Withdraw, Lists: Only("shop.example/"), Reason: sorry, Impact: impact})
		after, err := o.desk.Undo(t.Context(), id, "linh", audit.Why{Text: "too early"})
		if err != nil {
			t.Fatal(err)
		}
		after.Latest = before.Latest // the objection counts as a report, from the next counting on
		if !reflect.DeepEqual(after, before) {
			t.Errorf("it was\n%+v and is\n%+v", before, after)
		}
	}
	if open := o.queue(); len(open) != 0 {
		t.Errorf("to be decided as if nobody had: %+v", open)
	}
	if waiting, err := o.desk.Appeals(t.Context(), id, 5); err != nil || len(waiting) != 1 {
		t.Errorf("%d wait for an answer, %v", len(waiting), err)
	}
	if _, err := o.desk.Undo(t.Context(), id, "linh", audit.Why{}); !errors.Is(err, ErrState) {
		t.Errorf("undid what is published: %v", err)
	}
	o.settle(2)
	if _, err := o.book.Get(t.Context(), "shop.example/"); err != nil {
		t.Errorf("off the list: %v", err)
	}
	if o.answerTo(objection) != nil {
		t.Error("answered by what was taken back")
	}

	// Decided once more, it is.
	o.decide(id, Decision{Actor: "linh", Action: Withdraw, Lists: Only("shop.example/"), Reason: sorry})
	o.settle(3)
	o.wantState(objection, wire.StateAccepted)
}

// What was taken off comes to the maintainers again when many more speak of it.
func TestWhatWasWithdrawnIsReportedAgain(t *testing.T) {
	o := newOffice(t)
	o.report(wire.KindScam, "https://shop.example/", "a")
	o.gather()
	id := o.first().ID
	o.decide(id, o.list("shop.example/"))
	o.settle(1)
	o.mistaken("https://shop.example/", "b")
	o.decide(id, Decision{Actor: "linh", Action: Withdraw, Lists: Only("shop.example/"), Reason: sorry})
	o.settle(2)
	for i := range 8 {
		o.report(wire.KindScam, "https://shop.example/", fmt.Sprint("place ", i))
	}
	o.gather()
	if open := o.queue(); len(open) != 1 || open[0].ID != id {
		t.Errorf("%+v", open)
	}
}

// Merging and splitting takes the objections along, with their clock.
func TestAppealsMoveWithTheirReports(t *testing.T) {
	o := newOffice(t)
	receipt, first := o.mistaken("https://www.facebook.com/invented.shop", "a")
	o.report(wire.KindScam, "https://www.facebook.com/profile.php?id=900000000000001", "b")
	o.gather()
	var other Case
	for _, c := range o.queue() {
		if c.ID != first.ID {
			other = c
		}
	}
	merged, err := o.desk.Merge(t.Context(), first.ID, other.ID, "mai", audit.Why{})
	if err != nil || merged.Appeals != 1 || merged.Appealed != first.Appealed {
		t.Fatalf("%+v, %v", merged, err)
	}
	r, err := o.box.ByReceipt(t.Context(), receipt)
	if err != nil {
		t.Fatal(err)
	}
	split, err := o.desk.Split(t.Context(), merged.ID, first.Subject, [][]byte{r.ID}, "mai", audit.Why{})
	if err != nil || split.Appeals != 1 || split.Appealed != first.Appealed {
		t.Fatalf("%+v, %v", split, err)
	}
	if left, _ := o.desk.Get(t.Context(), merged.ID); left.Appeals != 0 || left.Appealed != 0 {
		t.Errorf("%+v", left)
	}
}

// The answer to one appeal is taken back: it waits again, and the answer counts one less.
func TestAnAnswerIsTakenBack(t *testing.T) {
	o := newOffice(t)
	receipt, c := o.mistaken("https://shop.example/", "a")
	o.mistaken("https://shop.example/", "b")
	if _, err := o.desk.Uphold(t.Context(), o.box, c.ID, "linh", sorry, audit.Why{}); err != nil {
		t.Fatal(err)
	}
	r, err := o.box.ByReceipt(t.Context(), receipt)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := o.desk.Unanswer(t.Context(), o.box, r.ID, "mai", audit.Why{}); err != nil {
			t.Fatal(err)
		}
		if c, _ := o.desk.Get(t.Context(), c.ID); c.Appeals != 1 || c.Appealed != r.Received {
			t.Errorf("%+v", c)
		}
	}
	if o.answerTo(receipt) != nil {
		t.Error("there is an answer")
	}
	if tally, _ := o.desk.Tally(t.Context(), 0, 1); tally.Refused != 1 {
		t.Errorf("%+v", tally)
	}
}

// Decided before it was gathered, it never waits.
func TestAnAppealThatIsAnsweredElsewhere(t *testing.T) {
	o := newOffice(t)
	late := o.report(wire.KindMistake, "https://late.example/", "a")
	r, err := o.box.ByReceipt(t.Context(), late)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.box.DecideAll(t.Context(), [][]byte{r.ID}, inbox.Transition{State: wire.StateRejected}); err != nil {
		t.Fatal(err)
	}
	o.gather()
	if c, err := o.desk.Of(t.Context(), r.ID); err != nil || c.Appeals != 0 || c.Appealed != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// What one person proposes to take off can't be upheld by another meanwhile: those who objected would be told both.
func TestAProposedWithdrawalIsNotUpheld(t *testing.T) {
	o := newOffice(t)
	if _, _, err := o.book.Import(t.Context(), "mai", []ledger.Indicator{{Subject: "shop.example/"}}); err != nil {
		t.Fatal(err)
	}
	receipt, c := o.mistaken("https://shop.example/", "a")
	o.decide(c.ID, Decision{Actor: "linh", Action: Withdraw, Lists: Only("shop.example/"), Reason: sorry, Impact: Reach{Rule: Popular}})
	if _, err := o.desk.Uphold(t.Context(), o.box, c.ID, "mai", sorry, audit.Why{}); !errors.Is(err, ErrState) {
		t.Errorf("upheld what is proposed to be taken off: %v", err)
	}
	o.wantState(receipt, wire.StateReceived)
	if _, err := o.desk.Undo(t.Context(), c.ID, "mai", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.desk.Uphold(t.Context(), o.box, c.ID, "mai", sorry, audit.Why{}); err != nil {
		t.Error(err)
	}
	o.wantState(receipt, wire.StateRejected)
}

// What is on the list already is reported and decided about. Who objects after that, and before the release, has been
// heard by nobody: the release answers who objected earlier, and this one waits.
func TestADecisionIsNoAnswerToWhoObjectsLater(t *testing.T) {
	o := newOffice(t)
	if err := o.book.List(t.Context(), "mai", ledger.Indicator{Subject: "shop.example/", FirstSeen: 1}); err != nil {
		t.Fatal(err)
	}
	o.report(wire.KindScam, "https://shop.example/", "a")
	earlier, c := o.mistaken("https://shop.example/", "b")
	o.desk.SetClock(func() int64 { return o.time + 30 })
	v := o.list("shop.example/")
	o.decide(c.ID, v)
	later, _ := o.mistaken("https://shop.example/", "c")
	o.settle(1)
	o.wantState(earlier, wire.StateRejected)
	o.wantState(later, wire.StateReceived)
	if waiting, err := o.desk.First(t.Context(), PartAppealed, 100); err != nil || len(waiting) != 1 || waiting[0].Appeals != 1 || o.answerTo(later) != nil {
		t.Errorf("%+v, %v", waiting, err)
	}

	// Taken off the list, all who object are right.
	o.decide(c.ID, Decision{Actor: "linh", Action: Withdraw, Lists: Only("shop.example/"), Reason: sorry})
	last, _ := o.mistaken("https://shop.example/", "d")
	o.settle(2)
	o.wantState(later, wire.StateAccepted)
	o.wantState(last, wire.StateAccepted)
}
