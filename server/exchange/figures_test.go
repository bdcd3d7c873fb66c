package exchange

import (
	"fmt"
	"testing"
	"time"

	"khien/server/db/dbtest"
	"khien/server/feed"
	"khien/shared/subject"
)

// Of each source it is counted what it has on the list, what it alone has there, where a person found it wrong, and by
// how many hours it is ahead of the next, not counting what the next had from the start. A source that was removed says
// nothing.
func TestWhatIsCountedOfSources(t *testing.T) {
	d := open(t)
	d.at = d.at.Add(-24 * time.Hour)
	d.source("one", nil)
	d.source("two", func(s *Source) { s.Title = "National list" })
	d.source("secret", func(s *Source) { s.TLP, s.Trust = feed.Amber, Queue })
	d.source("gone", nil)
	wait := func(hours int) { d.at = d.at.Add(time.Duration(hours)*time.Hour + time.Minute) }
	d.sends("one", "old.example", "alone.example")
	d.sends("gone", "alone.example", "only-gone.example")
	wait(1)
	d.sends("two", "old.example")
	wait(1)
	d.sends("one", "old.example", "alone.example", "early.example", "sold.example", "left.example", "later.example")
	wait(2)
	d.sends("two", "old.example", "early.example", "left.example")
	d.sends("secret", "whispered.example")
	wait(5)
	d.sends("two", "old.example", "early.example", "left.example", "sold.example", "later.example")
	if err := d.ledger.Withdraw(t.Context(), "mai", "sold.example/", nil); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(t.Context(), "mai", "gone"); err != nil {
		t.Fatal(err)
	}
	d.at = d.at.Add(2 * time.Hour)
	f, err := d.Figures(t.Context())
	if err != nil || f.Counted != d.at.Unix() {
		t.Fatalf("%+v, %v", f, err)
	}
	want := []Figure{
		{Name: "one", Shown: "one", Told: true, Listed: 5, Alone: 1, Wrong: 1, Ahead: 4, Lead: 2},
		{Name: "two", Shown: "National list", Told: true, Listed: 4, Wrong: 1},
		{Name: "secret", Shown: "secret"},
	}
	if fmt.Sprintf("%+v", f.Sources) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v\nwant %+v", f.Sources, want)
	}
	d.sends("two", "old.example")
	if again, err := d.Figures(t.Context()); err != nil || again.Counted != f.Counted {
		t.Errorf("counted anew at once: %+v, %v", again, err)
	}
}

// However claims are dealt out over what is read at once, each thing is counted once, with all that is said of it.
func TestManyClaimsAreCounted(t *testing.T) {
	dbtest.Long(t)
	d := open(t)
	var lines []string
	for n := range 2*atOnce + 7 {
		lines = append(lines, string(subject.Subject(fmt.Sprintf("shop-%06d.example", n))))
	}
	d.source("one", nil)
	d.source("two", nil)
	d.sends("one", lines...)
	d.sends("two", lines[:atOnce+3]...)
	f, err := d.count(t.Context())
	if err != nil || len(f.Sources) != 2 || f.Sources[0].Listed != len(lines) || f.Sources[0].Alone != atOnce+4 || f.Sources[1].Listed != atOnce+3 {
		t.Errorf("%+v, %v", f, err)
	}
}
