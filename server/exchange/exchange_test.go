package exchange

import (
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
	"khien/server/office/officetest"
	"khien/server/publish"
	"khien/server/triage"
	"khien/shared/subject"
)

// desk is an exchange with a clock of its own, and a folder in which lists lie.
type desk struct {
	*Exchange
	t     testing.TB
	at    time.Time
	lists string
	began int64
}

func open(t testing.TB) *desk {
	t.Helper()
	office := officetest.Open(t, ledger.Tables, triage.Tables, Tables)
	d := &desk{t: t, at: time.Now(), lists: t.TempDir()}
	d.Exchange = Open(office, func() (*publish.Protection, error) { return publish.Protect("") })
	d.began = d.at.Unix()
	d.now = func() time.Time { return d.at }
	return d
}

// source adds one that reads a file of this name, trusted to list.
func (d *desk) source(name string, more func(*Source)) {
	d.t.Helper()
	s := Source{Name: name, Address: filepath.Join(d.lists, name), Preset: feed.Preset{Name: name, Format: "lines"}, Trust: List}
	if more != nil {
		more(&s)
	}
	if err := d.Add(d.t.Context(), "mai", s); err != nil {
		d.t.Fatal(err)
	}
}

// sends has a source send a list, and runs it.
func (d *desk) sends(name string, lines ...string) Run {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.lists, name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		d.t.Fatal(err)
	}
	r, err := d.Run(d.t.Context(), "mai", name, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// listed is what is on the list now, with who says so.
func (d *desk) listed() (all []string) {
	d.t.Helper()
	for i, err := range d.ledger.Active(d.t.Context(), max(time.Now().Unix(), d.at.Unix())+1) {
		if err != nil {
			d.t.Fatal(err)
		}
		all = append(all, string(i.Subject)+" "+i.By())
	}
	return all
}

func (d *desk) expect(want ...string) {
	d.t.Helper()
	if got := d.listed(); !slices.Equal(got, want) {
		d.t.Errorf("listed is %q, not %q", got, want)
	}
}

func TestAListComesInAndGoes(t *testing.T) {
	d := open(t)
	d.source("one", nil)
	d.source("two", func(s *Source) { s.Title = "National list" })
	if r := d.sends("one", "# ours", "scam.example", "https://bad.example/pay", "google.com", "not a thing at all"); r.State != Accepted || r.Numbers.New != 2 || r.Numbers.Refused != 2 {
		t.Fatalf("%+v", r)
	}
	d.expect("bad.example/pay one", "scam.example/ one")
	d.sends("two", "scam.example", "other.example")
	d.expect("bad.example/pay one", "other.example/ National list", "scam.example/ National list, one")
	if r := d.sends("one", "https://bad.example/pay"); r.State != Accepted || r.Numbers.Gone != 1 {
		t.Fatalf("%+v", r)
	}
	d.expect("bad.example/pay one", "other.example/ National list", "scam.example/ National list")
	d.sends("two", "other.example")
	d.expect("bad.example/pay one", "other.example/ National list")
	if r := d.sends("two", "other.example"); r.State != Same {
		t.Errorf("%+v", r)
	}
	claims, err := d.Claims(t.Context(), "scam.example/")
	if err != nil || len(claims) != 2 || claims[0].Gone == 0 || claims[1].Gone == 0 {
		t.Errorf("%+v, %v", claims, err)
	}
	if err := d.Remove(t.Context(), "mai", "two"); err != nil {
		t.Fatal(err)
	}
	d.expect("bad.example/pay one")
	if err := d.Restore(t.Context(), "mai", "two"); err != nil {
		t.Fatal(err)
	}
	d.expect("bad.example/pay one", "other.example/ National list")
}

// questions are what people are asked about a subject now, and because of which sources.
func (d *desk) questions(s subject.Subject) (all []string) {
	d.t.Helper()
	board := triage.Open(d.db)
	c, err := board.Find(d.t.Context(), []subject.Subject{s})
	if errors.Is(err, triage.ErrNotFound) {
		return nil
	}
	if err != nil {
		d.t.Fatal(err)
	}
	list, err := board.Questions(d.t.Context(), c.ID, 10)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, q := range list {
		all = append(all, fmt.Sprintf("%s %v %d", q.Kind, q.Sources, q.Asked-d.began))
	}
	return all
}

func TestWhatAPersonHasWithdrawnIsAskedAboutOnce(t *testing.T) {
	d := open(t)
	for _, name := range []string{"one", "two", "three"} {
		d.source(name, nil)
	}
	d.sends("one", "scam.example", "other.example")
	if err := d.ledger.Withdraw(t.Context(), "mai", "scam.example/", nil); err != nil {
		t.Fatal(err)
	}
	ask := func(want ...string) {
		t.Helper()
		if got := d.questions("scam.example/"); !slices.Equal(got, want) {
			t.Errorf("asked is %q, not %q", got, want)
		}
	}
	if r := d.sends("one", "scam.example", "other.example"); r.State != Same {
		t.Errorf("the same list is %s", r.State)
	}
	ask("again [one] 0")
	d.at = d.at.Add(time.Minute)
	d.sends("one", "scam.example", "other.example")
	d.sends("one", "other.example")
	d.sends("one", "scam.example", "other.example")
	d.expect("other.example/ one")
	ask("again [one] 0")
	d.at = d.at.Add(time.Hour - time.Minute)
	d.sends("two", "scam.example")
	ask("again [one two] 3600")
	d.at = d.at.Add(time.Hour)
	d.sends("one", "other.example")
	d.sends("one", "scam.example", "other.example")
	ask("again [one two] 3600")
	d.expect("other.example/ one")
}
