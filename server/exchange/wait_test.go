package exchange

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/feed"
	"khien/server/ledger"
	"khien/shared/subject"
)

// hosts are so many lines from a number on.
func hosts(from, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("shop%03d.example", from+i))
	}
	return all
}

func TestAListThatIsNotWhatItsSourceSendsWaits(t *testing.T) {
	for what, one := range map[string]struct {
		before, now []string
		want        []Why
	}{
		"one of three less":     {hosts(0, 3), hosts(0, 2), nil},
		"as usual":              {hosts(0, 100), hosts(5, 100), nil},
		"nothing":               {hosts(0, 3), nil, []Why{Empty, Shrunken}},
		"nothing but comments":  {hosts(0, 3), []string{"# gone"}, []Why{Empty, Shrunken}},
		"nothing from the only": {hosts(0, 1), nil, []Why{Empty}},
		"60 percent less":       {hosts(0, 100), hosts(0, 40), []Why{Shrunken}},
		"200 percent more":      {hosts(0, 100), hosts(0, 300), []Why{Swollen}},
		"another list":          {hosts(0, 100), hosts(500, 100), []Why{Empty, Shrunken}},
		"a web page":            {hosts(0, 100), []string{"<!-- x -->", "<!DOCTYPE html><title>Sign in</title>"}, []Why{Page, Empty, Shrunken}},
		"all of it refused":     {hosts(0, 10), slices.Repeat([]string{"google.com"}, 30), []Why{Empty, Shrunken, Refusing}},
	} {
		t.Run(what, func(t *testing.T) {
			d := open(t)
			d.source("one", nil)
			d.sends("one", one.before...)
			had := d.listed()
			r := d.sends("one", one.now...)
			if what == "another list" {
				one.want = []Why{Shrunken}
			}
			if len(one.want) == 0 {
				if r.State != Accepted {
					t.Errorf("%+v", r)
				}
				return
			}
			if r.State != Waiting || !slices.Equal(r.Why, one.want) {
				t.Fatalf("%s %v: %+v", r.State, r.Why, r.Numbers)
			}
			d.expect(had...)
			if len(r.Numbers.Samples.Gone) > samples || len(r.Numbers.Samples.Gone) == 0 && r.Numbers.Gone > 0 {
				t.Errorf("%+v", r.Numbers.Samples)
			}
			waiting, err := d.Waiting(t.Context())
			if err != nil || len(waiting) != 1 || waiting[0].ID != r.ID || waiting[0].Numbers.Gone != r.Numbers.Gone {
				t.Errorf("%+v, %v", waiting, err)
			}
		})
	}
}

func TestAPersonAcceptsOrDropsWhatWaits(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	d.sends("one", hosts(0, 10)...)
	r := d.sends("one", hosts(0, 4)...)
	if again := d.sends("one", hosts(0, 4)...); again.ID != r.ID || again.State != Waiting {
		t.Errorf("the same list waits twice: %+v", again)
	}
	if err := d.Drop(t.Context(), "mai", r.ID); err != nil {
		t.Fatal(err)
	}
	if again := d.sends("one", hosts(0, 4)...); again.ID != r.ID || again.State != Dropped {
		t.Errorf("what was dropped is asked about again: %+v", again)
	}
	if len(d.listed()) != 10 {
		t.Errorf("%q", d.listed())
	}
	r = d.sends("one", hosts(0, 3)...)
	if _, err := d.Accept(t.Context(), "mai", r.ID, nil); err != nil {
		t.Fatal(err)
	}
	if len(d.listed()) != 3 {
		t.Errorf("%q", d.listed())
	}
	if _, err := d.Accept(t.Context(), "mai", r.ID, nil); !errors.Is(err, ErrState) {
		t.Error(err)
	}
	if s := d.sends("one", hosts(0, 3)...); s.State != Same {
		t.Errorf("%+v", s)
	}
}

// What is accepted is what was seen: byte for byte the same file, read in the same way, against the same list of before.
func TestWhatIsAcceptedIsWhatWasSeen(t *testing.T) {
	waiting := func(t *testing.T) (*desk, Run) {
		d := open(t)
		d.source("one", nil)
		d.sends("one", hosts(0, 10)...)
		return d, d.sends("one", hosts(0, 4)...)
	}
	t.Run("the file was changed", func(t *testing.T) {
		d, r := waiting(t)
		if err := os.WriteFile(filepath.Join(d.folder, r.Fetched.File), []byte("other.example\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Accept(t.Context(), "mai", r.ID, nil); !errors.Is(err, errFile) {
			t.Error(err)
		}
	})
	t.Run("the source is read otherwise", func(t *testing.T) {
		d, r := waiting(t)
		s, err := d.Get(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		s.Preset.Format = "hosts"
		if err := d.Edit(t.Context(), "mai", s.Source); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Accept(t.Context(), "mai", r.ID, nil); !errors.Is(err, ErrChanged) {
			t.Error(err)
		}
	})
	t.Run("a newer list came", func(t *testing.T) {
		d, r := waiting(t)
		d.sends("one", hosts(0, 9)...)
		if _, err := d.Accept(t.Context(), "mai", r.ID, nil); !errors.Is(err, ErrState) {
			t.Error(err)
		}
	})
	t.Run("a web page", func(t *testing.T) {
		d, _ := waiting(t)
		r := d.sends("one", "<html>")
		if _, err := d.Accept(t.Context(), "mai", r.ID, nil); !errors.Is(err, ErrConfig) {
			t.Error(err)
		}
	})
}

// What a preset leaves out is not refused, and much of it makes no run wait.
func TestWhatAPresetLeavesOut(t *testing.T) {
	d := open(t)
	d.source("one", func(s *Source) {
		s.Preset = feed.Preset{Name: "one", Format: "csv", Header: true, Value: feed.Values{"host"}, Only: feed.Conditions{{Field: "online", In: []string{"yes"}}}}
	})
	lines := []string{"host,online", "scam.example,yes"}
	d.sends("one", lines...)
	for n := range 200 {
		lines = append(lines, fmt.Sprintf("off-%d.example,no", n))
	}
	if r := d.sends("one", lines...); r.State != Accepted || r.Numbers.Unwanted != 200 || r.Numbers.Refused != 0 || r.Numbers.Read != 1 {
		t.Errorf("%s, %+v", r.State, r.Numbers)
	}
}

func TestAFeedThatFlipsWaits(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	state := Accepted
	for n := range 8 {
		d.at = d.at.Add(time.Hour)
		if state = d.sends("one", hosts(0, 100-n%2*10)...).State; state == Waiting {
			if n < 4 {
				t.Errorf("it waits at turn %d", n)
			}
			break
		}
	}
	runs, err := d.Runs(t.Context(), "one", 1)
	if err != nil || state != Waiting || !slices.Contains(runs[0].Why, Flipping) {
		t.Errorf("%s %+v, %v", state, runs, err)
	}
}

func TestWhatNoRuleListsIsAsked(t *testing.T) {
	d := open(t)
	d.source("queue", func(s *Source) { s.Trust = Queue })
	d.source("second", func(s *Source) { s.Rule = Second })
	d.source("sure", func(s *Source) { s.Rule = Sure })
	d.sends("queue", "a.example", "b.example")
	d.sends("second", "b.example", "c.example")
	d.sends("sure", "d.example")
	d.expect("b.example/ queue, second")
	for s, want := range map[string]string{"a.example/": "[candidate [queue] 0]", "c.example/": "[candidate [second] 0]", "d.example/": "[candidate [sure] 0]"} {
		if got := fmt.Sprint(d.questions(subject.Subject(s))); got != want {
			t.Errorf("%s: %s", s, got)
		}
	}
	// With the second source, what only both of them list goes.
	d.sends("queue", "a.example", "b2.example")
	d.expect()
}

// A source that is trusted less says how much leaves the list with that before it does.
func TestLessTrust(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	d.source("two", nil)
	d.sends("one", "a.example", "b.example", "c.example")
	d.sends("two", "c.example")
	s, err := d.Get(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	s.Trust = Queue
	leaving, err := d.Leaves(t.Context(), "one", &s.Source)
	if err != nil || leaving.Count != 2 || fmt.Sprint(leaving.First) != "[a.example/ b.example/]" {
		t.Errorf("%+v, %v", leaving, err)
	}
	d.expect("a.example/ one", "b.example/ one", "c.example/ one, two")
	if err := d.Edit(t.Context(), "mai", s.Source); err != nil {
		t.Fatal(err)
	}
	d.expect("c.example/ one, two")
	if got := fmt.Sprint(d.questions("a.example/")); got != "[candidate [one] 0]" {
		t.Error(got)
	}
	s.Trust = List
	if err := d.Edit(t.Context(), "mai", s.Source); err != nil {
		t.Fatal(err)
	}
	d.expect("a.example/ one", "b.example/ one", "c.example/ one, two")
}

// What a person has decided does not leave with the claims, and who says so does.
func TestADecisionStaysWhenClaimsGo(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	d.sends("one", "a.example", "b.example")
	i, err := d.ledger.Get(t.Context(), "a.example/")
	if err != nil || !i.Claimed {
		t.Fatalf("%+v, %v", i, err)
	}
	if err := d.ledger.List(t.Context(), "mai", ledger.Indicator{Subject: "a.example/", Source: "report"}); err != nil {
		t.Fatal(err)
	}
	d.expect("a.example/ report; one", "b.example/ one")
	d.sends("one", "b.example")
	d.expect("a.example/ report", "b.example/ one")
}

// Whoever lists what a source has named before finds who says so.
func TestACandidateKeepsItsSources(t *testing.T) {
	d := open(t)
	d.source("one", func(s *Source) { s.Trust, s.Title = Queue, "National list" })
	d.sends("one", "a.example")
	if err := d.ledger.List(t.Context(), "mai", ledger.Indicator{Subject: "a.example/", Source: "report"}); err != nil {
		t.Fatal(err)
	}
	d.expect("a.example/ report; National list")
}

func TestTheGate(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	r := d.sends("one", "scam.example", "google.com", "*.com", "*.com.vn", "github.io", "https://docs.google.com/forms/d/e/1FAIpQLSdScamScamScamScamScam/viewform", "127.0.0.1", "printer.local",
		"32.9.2.0.192.rpz-ip", "facebook.com")
	d.expect("google:form/1FAIpQLSdScamScamScamScamScam one", "scam.example/ one")
	if r.Numbers.Refused != 8 || len(r.Numbers.Samples.Refused) != 8 || len(r.Numbers.Refusals) == 0 {
		t.Errorf("%+v", r.Numbers)
	}
	for _, refused := range r.Numbers.Samples.Refused {
		if refused.Why == "" || refused.Value == "" || !strings.HasPrefix(refused.Place, "line ") {
			t.Errorf("%+v", refused)
		}
	}
}

// A removed source leaves with what only it says, comes back whole, and its name stays taken.
func TestRemovedAndRestored(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	d.source("two", nil)
	d.sends("one", hosts(0, 30)...)
	d.sends("two", hosts(20, 20)...)
	all := d.listed()
	leaving, err := d.Leaves(t.Context(), "one", nil)
	if err != nil || leaving.Count != 20 {
		t.Fatalf("%+v, %v", leaving, err)
	}
	if err := d.Remove(t.Context(), "mai", "one"); err != nil {
		t.Fatal(err)
	}
	if len(d.listed()) != 20 {
		t.Errorf("%q", d.listed())
	}
	if _, err := d.Run(t.Context(), "mai", "one", nil); !errors.Is(err, ErrRemoved) {
		t.Error(err)
	}
	if err := d.Add(t.Context(), "mai", Source{Name: "one", Address: "/tmp/x", Preset: feed.Preset{Name: "x", Format: "lines"}}); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	if err := d.Restore(t.Context(), "mai", "one"); err != nil {
		t.Fatal(err)
	}
	d.expect(all...)
}

func TestWhatIsSetIsLookedAt(t *testing.T) {
	d := open(t)
	d.source("one", func(s *Source) { s.Title = "National list" })
	preset := feed.Preset{Name: "x", Format: "lines"}
	for what, s := range map[string]Source{
		"the name of another":          {Name: "one", Address: "/x", Preset: preset},
		"the title of another":         {Name: "two", Title: "national LIST", Address: "/x", Preset: preset},
		"a title that two would have":  {Name: "two", Title: "a, b", Address: "/x", Preset: preset},
		"a title that turns around":    {Name: "two", Title: "a\u202eb", Address: "/x", Preset: preset},
		"a name with a path":           {Name: "../x", Address: "/x", Preset: preset},
		"no address":                   {Name: "two", Preset: preset},
		"a file below":                 {Name: "two", Address: "x.txt", Preset: preset},
		"http":                         {Name: "two", Address: "http://list.example/", Preset: preset},
		"a password":                   {Name: "two", Address: "https://a:b@list.example/", Preset: preset},
		"another scheme":               {Name: "two", Address: "file:///etc/passwd", Preset: preset},
		"no format":                    {Name: "two", Address: "/x"},
		"every second":                 {Name: "two", Address: "/x", Preset: preset, Every: 1},
		"a trust that there is not":    {Name: "two", Address: "/x", Preset: preset, Trust: "all"},
		"a category that there is not": {Name: "two", Address: "/x", Preset: preset, Category: 200},
	} {
		if err := d.Add(t.Context(), "mai", s); !errors.Is(err, ErrConfig) && !errors.Is(err, ErrExists) && !errors.Is(err, feed.ErrPreset) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Whatever a clock does, a source is asked again, and one that fails is asked less and less often.
func TestWhenASourceIsDue(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	r := &Runner{Exchange: d.Exchange, Actor: "khien serve"}
	due := func(want bool) {
		t.Helper()
		names, err := r.due(t.Context())
		if err != nil || slices.Contains(names, "one") != want {
			t.Errorf("%q, %v", names, err)
		}
	}
	due(true)
	d.sends("one", "a.example")
	due(false)
	d.at = d.at.Add(2 * time.Hour)
	due(true)
	d.at = d.at.Add(-3 * time.Hour)
	due(true) // the clock was set back
	d.at = d.at.Add(3 * time.Hour)
	if err := os.Remove(filepath.Join(d.lists, "one")); err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	for range 12 {
		if _, err := d.Run(t.Context(), "mai", "one", nil); err == nil {
			t.Fatal("there is no file")
		}
		s, err := d.Get(t.Context(), "one")
		if err != nil || s.Trouble == "" || strings.Contains(s.Trouble, d.lists) {
			t.Fatalf("%+v, %v", s, err)
		}
		wait := s.Next - s.Tried
		if wait < last/2 || wait > day+day/10 {
			t.Errorf("after %d it waits for %d", s.Failures, wait)
		}
		last = wait
	}
	if last < day-day/5 {
		t.Errorf("in the end it waits for %d", last)
	}
	d.expect("a.example/ one")
	if err := d.Pause(t.Context(), "mai", "one"); err != nil {
		t.Fatal(err)
	}
	d.at = d.at.Add(90 * 24 * time.Hour)
	due(false)
	if err := d.Resume(t.Context(), "mai", "one"); err != nil {
		t.Fatal(err)
	}
	due(true)
	if s, err := d.Get(t.Context(), "one"); err != nil || !s.Silent {
		t.Errorf("%+v, %v", s, err)
	}
}

// Two servers that run the same source do so one after the other, and one that died is waited for no longer than that.
func TestOneAtATime(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	h, _, err := d.hold(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Run(t.Context(), "mai", "one", nil); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	d.at = d.at.Add(unseen*time.Second + time.Second)
	if r := d.sends("one", "a.example"); r.State != Accepted {
		t.Errorf("%+v", r)
	}
	other, _, err := d.hold(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	defer other.end()
	if err := h.change(nil); !errors.Is(err, ErrBusy) {
		t.Errorf("who lost the source may change it: %v", err)
	}
	h.end()
	if _, err := d.Run(t.Context(), "mai", "one", nil); !errors.Is(err, ErrBusy) {
		t.Errorf("who lost it has let it go: %v", err)
	}
}

// An unchanged list writes nothing until half of the time is over for which it stands; then all of it is renewed.
func TestAnUnchangedListStands(t *testing.T) {
	d := open(t)
	d.source("one", func(s *Source) { s.Life = 30 })
	d.sends("one", "a.example")
	ends := func() int64 {
		i, err := d.ledger.Entry(context.Background(), "a.example/")
		if err != nil {
			t.Fatal(err)
		}
		return i.Lapses
	}
	first := ends()
	d.at = d.at.Add(10 * 24 * time.Hour)
	if r := d.sends("one", "a.example"); r.State != Same || ends() != first {
		t.Errorf("%+v", r)
	}
	d.at = d.at.Add(10 * 24 * time.Hour)
	if r := d.sends("one", "a.example"); r.State != Accepted || ends() != d.unix()+30*day {
		t.Errorf("%+v, %d", r, ends())
	}
}

func TestWhatLeavesAWindowStaysUntilItLapses(t *testing.T) {
	d := open(t)
	d.source("one", func(s *Source) { s.Life, s.Preset.Meaning = 30, feed.Window })
	d.sends("one", "a.example", "b.example")
	d.at = d.at.Add(time.Hour)
	if r := d.sends("one", "c.example"); r.State != Accepted || r.Numbers.Gone != 0 {
		t.Fatalf("%+v", r)
	}
	d.expect("a.example/ one", "b.example/ one", "c.example/ one")
	d.at = d.at.Add(20 * 24 * time.Hour)
	d.sends("one", "c.example", "d.example")
	d.at = d.at.Add(15 * 24 * time.Hour)
	d.sends("one", "c.example", "e.example")
	d.expect("c.example/ one", "d.example/ one", "e.example/ one")
}

// A source that is changed or removed while half of its list is there keeps the release waiting until the rest is, and
// no longer.
func TestChangedWhileHalfOfItIsThere(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	d.sends("one", hosts(0, 10)...)
	h, s, err := d.hold(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	err = h.change(func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(t.Context(), `UPDATE run SET state = 'applying' WHERE id = ?`, s.base); err != nil {
			return err
		}
		return d.ledger.Begin(t.Context(), tx, "source one", "mai", d.unix())
	})
	if err != nil {
		t.Fatal(err)
	}
	h.end()
	if err := d.Remove(t.Context(), "mai", "one"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ledger.Seq(t.Context()); !errors.Is(err, ledger.ErrImporting) {
		t.Errorf("half of a list may be released: %v", err)
	}
	if err := d.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ledger.Seq(t.Context()); err != nil {
		t.Error(err)
	}
	d.expect()
}
