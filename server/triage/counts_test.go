package triage

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"khien/server/db"
	"khien/shared/wire"
)

// rightlyCounted wants each number that is kept to be what there is.
func (o *office) rightlyCounted(t *testing.T) {
	if wrong, err := o.desk.Miscounted(context.WithoutCancel(t.Context())); err != nil || len(wrong) > 0 {
		t.Errorf("%v, %v", wrong, err)
	}
}

// Somebody changes the database by hand: the numbers that are kept say otherwise than what there is, until they are
// counted anew.
func TestWhatIsMiscountedIsNamed(t *testing.T) {
	o := newOffice(t)
	for n := range 3 {
		o.report(wire.KindScam, fmt.Sprintf("https://shop-%d.example/", n), "a")
	}
	o.report(wire.KindMistake, "https://shop-1.example/", "b")
	o.gather()
	f := func(statement string, want ...string) {
		t.Helper()
		if _, err := o.desk.db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		var got []string
		wrong, err := o.desk.Miscounted(t.Context())
		for _, one := range wrong {
			got = append(got, one.String())
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", statement, got, err, want)
		}
		if err := o.desk.Recount(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.rightlyCounted(t)
	}
	f(`UPDATE case_count SET cases = 2 WHERE part = 'open'`, "cases in open: 2 are kept, 3 counted")
	f(`DELETE FROM case_count WHERE part = 'appealed'`, "cases in appealed: 0 are kept, 1 counted")
	f(`UPDATE cases SET state = 'asked' WHERE id = 1`, "cases elsewhere than in their place: 0 are kept, 1 counted", "cases in asked: 0 are kept, 1 counted", "cases in open: 3 are kept, 2 counted")
	f(`DELETE FROM report_count WHERE kind = 'mistake'`, "reports of day 20415, mistake, : 0 are kept, 1 counted")
	f(`UPDATE subject_day SET day = day + 1 WHERE subject = 1`, "days of a subject with another number of reports: 0 are kept, 2 counted")
	f(`UPDATE subjects SET unanswered = 0`, "objections that wait, by subject: 0 are kept, 1 counted")
	f(`UPDATE sort_count SET reports = 9`, "reports by sort: 9 are kept, 3 counted")
	f(`UPDATE cases SET score = score + 1 WHERE id = 2`, "cases elsewhere than in their place: 0 are kept, 1 counted")
}

// Whoever goes through the queue page by page meets each case once, though others decide meanwhile, and what is
// reported climbs past.
func TestTheQueueIsReadWhileItChanges(t *testing.T) {
	o := newOffice(t)
	for n := range 30 {
		o.report(wire.KindScam, fmt.Sprintf("https://shop-%02d.example/", n), "a")
	}
	o.gather()
	met := map[int64]int{}
	at := db.Place{}
	for pages := 0; ; pages++ {
		page, err := o.desk.In(t.Context(), PartOpen, at, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Rows {
			met[c.ID]++
		}
		if page.After == "" {
			break
		}
		// Somebody rejects the last one that was shown, another is reported once more, and something new comes in.
		o.decide(page.Rows[len(page.Rows)-1].ID, Decision{Actor: "mai", Action: Reject})
		o.report(wire.KindScam, string("https://"+page.Rows[0].Subject), fmt.Sprint("b", pages))
		o.report(wire.KindScam, fmt.Sprintf("https://late-%d.example/", pages), "a")
		o.gather()
		at = db.Place{Key: page.After}
	}
	for id := int64(1); id <= 30; id++ {
		if met[id] != 1 {
			t.Errorf("case %d was met %d times", id, met[id])
		}
	}
}
