package publish

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/subject"
)

// The clock of the server jumps: ahead by two years, so that everything would be over, or behind the release in force.
// Nothing is signed, planned or taken off until a person has looked at the clock, and says so.
func TestAClockThatIsWrong(t *testing.T) {
	const now, day = 1_790_000_000, 24 * 60 * 60
	open := func(t *testing.T, entries int, lapses func(i int) int64) *Publisher {
		t.Helper()
		p := newPublisher(t)
		for i := range entries {
			one := ledger.Indicator{Subject: subject.Subject(fmt.Sprintf("scam%d.example/", i)), Category: category.Shop, Source: "test", FirstSeen: now, Lapses: lapses(i)}
			if err := p.Ledger.List(t.Context(), "mai", one); err != nil {
				t.Fatal(err)
			}
		}
		p.mustPublish(t, now)
		return p
	}
	f := func(what string, entries int, lapses func(i int) int64, at int64, want error) {
		t.Helper()
		t.Run(what, func(t *testing.T) {
			p := open(t, entries, lapses)
			before, err := p.Blobs.Head()
			if err != nil {
				t.Fatal(err)
			}
			_, planned := p.Draft(t.Context(), at, nil, nil)
			_, renewed := p.Renew(t.Context(), at, Alone)
			for step, err := range map[string]error{"planned": planned, "renewed": renewed} {
				if !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", step, err, want)
				}
			}
			if want == nil {
				return
			}
			if _, err := p.Publish(t.Context(), at); !errors.Is(err, want) || !strings.Contains(err.Error(), "clock") {
				t.Errorf("published: %v", err)
			}
			if after, err := p.Blobs.Head(); err != nil || string(after) != string(before) {
				t.Errorf("another head is in force: %s, %v", after, err)
			}
			p.ClockIsRight = true
			if r, err := p.Publish(t.Context(), at); err != nil || !r.Published && at > now {
				t.Errorf("a person says that it is right: %+v, %v", r, err)
			}
		})
	}
	never := func(int) int64 { return 0 }
	in90 := func(int) int64 { return now + 90*day }
	f("700 days ahead, of a short list", 10, in90, now+700*day, ErrClock)
	f("700 days ahead, of a list that never ends", 10, never, now+700*day, ErrClock)
	f("100 days ahead", 1, in90, now+100*day, ErrClock)
	f("a month behind", 3, never, now-30*day, ErrClock)
	f("an hour behind", 3, never, now-3600, nil)
	f("a week later", 3, never, now+7*day, nil)
	f("three weeks without a server", 3, func(int) int64 { return now + 2*day }, now+21*day, nil)
	f("a third of the list within a week", 90, func(i int) int64 { return map[bool]int64{true: now + day}[i%3 == 0] }, now+4*day, ErrClock)
	f("a tenth of the list within a week", 300, func(i int) int64 { return map[bool]int64{true: now + day}[i%10 == 0] }, now+4*day, nil)
}
