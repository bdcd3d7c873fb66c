package triage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"khien/server/inbox"
	"khien/shared/wire"
)

// sent sends a report of a scam about a page with links on it and returns it.
func (o *office) sent(href, from string, links ...string) wire.Report {
	o.t.Helper()
	receipt := o.reportWith(wire.KindScam, href, from, links)
	r, err := o.box.ByReceipt(o.t.Context(), receipt)
	if err != nil {
		o.t.Fatal(err)
	}
	return r.Report
}

func (o *office) kin(id int64) []Kin {
	o.t.Helper()
	kin, err := o.desk.Kin(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return kin
}

func TestPagesOfOneKitAreFoundByWhereTheyLead(t *testing.T) {
	o := newOffice(t)
	kit := []string{"collect.example/take", "telegram:user/invented_boss", "fonts.google.com/specimen", "www.facebook.com/"}
	o.sent("https://lucky-bank.example/login", "a", kit...)
	o.sent("https://bank-lucky.example/", "b", kit...)
	o.sent("https://another-bank.example/", "c", "telegram:user/invented_boss")
	o.sent("https://a-bakery.example/", "d", "fonts.google.com/specimen", "www.facebook.com/", "a-bakery.example/menu")
	o.gather()
	id := map[string]int64{}
	for _, c := range o.queue() {
		id[string(c.Subject)] = c.ID
	}
	kin := o.kin(id["lucky-bank.example/"])
	if len(kin) != 2 || kin[0].Subject != "bank-lucky.example/" || kin[1].Subject != "another-bank.example/" {
		t.Fatalf("%+v", kin)
	}
	if fmt.Sprint(kin[0].Targets) != "[collect.example/ telegram:user/invented_boss]" {
		t.Errorf("they share %q", kin[0].Targets)
	}
	if kin := o.kin(id["a-bakery.example/"]); len(kin) != 0 {
		t.Errorf("what everybody links to binds the bakery to %+v", kin)
	}
	// A person who agrees merges them; then they are one.
	if _, err := o.desk.Merge(t.Context(), id["bank-lucky.example/"], id["lucky-bank.example/"], "mai", "one kit"); err != nil {
		t.Fatal(err)
	}
	if kin := o.kin(id["lucky-bank.example/"]); len(kin) != 1 {
		t.Errorf("merged, and still kin: %+v", kin)
	}
}

func TestWhatManyPagesLeadToIsNoKit(t *testing.T) {
	o := newOffice(t)
	for i := range maxKin + 1 {
		o.sent(fmt.Sprintf("https://shop-%d.example/", i), "a", "a-counter.example/")
	}
	o.gather()
	if kin := o.kin(o.first().ID); len(kin) != 0 {
		t.Errorf("%d kin by a counter that everybody has", len(kin))
	}
}

func TestWhatIsAddedToAReportCounts(t *testing.T) {
	o := newOffice(t)
	r := o.sent("https://scam.example/", "a")
	o.gather()
	before := o.first()
	r.Category, r.Note = "phishing", "asked for a password"
	if _, _, err := o.box.Accept(t.Context(), r, []byte("a"), o.time); err != nil {
		t.Fatal(err)
	}
	o.gather()
	after := o.first()
	if after.Category != "phishing" || after.Score != before.Score+1+harm["phishing"]-1 {
		t.Errorf("%+v, before %+v", after, before)
	}
	o.gather()
	if again := o.first(); again.Score != after.Score {
		t.Error("it counts twice")
	}
	if err := o.desk.Pictured(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if c := o.first(); c.Score != after.Score {
		t.Error("a note and a picture of one report are two")
	}
}

func TestAPictureIsEvidenceWhenItComesFirstToo(t *testing.T) {
	o := newOffice(t)
	early, late := o.sent("https://one.example/", "a"), o.sent("https://two.example/", "a")
	plain := o.sent("https://three.example/", "a")
	for n, r := range []wire.Report{early, late} {
		if n == 1 {
			o.gather()
		}
		if err := o.desk.Pictured(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	score := map[string]float64{}
	for _, c := range o.queue() {
		score[string(c.Subject)] = c.Score
	}
	if score["one.example/"] != score["two.example/"] || score["one.example/"] != score["three.example/"]+1 {
		t.Errorf("%v (%s is without)", score, plain.Href)
	}
}

func TestHowFarACaseHasCome(t *testing.T) {
	o := newOffice(t)
	r := o.sent("https://scam.example/", "a")
	progress := func() Progress {
		t.Helper()
		p, err := o.desk.Progress(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if _, err := o.desk.Progress(t.Context(), r.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("before it is gathered: %v", err)
	}
	o.gather()
	id := o.first().ID
	if p := progress(); p.State != StateOpen || p.Seen != 0 {
		t.Errorf("%+v", p)
	}
	if err := o.desk.Seen(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	first := progress().Seen
	if first == 0 {
		t.Error("opened, and not seen")
	}
	o.decide(id, o.list("scam.example/"))
	if p := progress(); p.Settled || p.Released != 0 || p.Lists != "scam.example/" {
		t.Errorf("%+v", p)
	}
	o.settle(1)
	if p := progress(); !p.Settled || p.Released == 0 || p.Seen != first {
		t.Errorf("%+v", p)
	}
}

// A crowd of invented reporters, each from an address of its own and each with a proof of work, wins places in a queue and nothing else. What
// it can fill is a row for each subject that it names.
func TestInventedReportersPublishNothing(t *testing.T) {
	o := newOffice(t)
	const reports, subjects = 10_000, 40
	var crowd []wire.Report
	for i := range reports {
		r := wire.Report{ID: make([]byte, inbox.IDSize), Kind: wire.KindScam, Category: "phishing", Note: "it is a scam!!!", Time: o.time}
		for j := range r.ID {
			r.ID[j] = byte(rand.Uint32())
		}
		r.Href = fmt.Sprintf("https://honest-shop-%d.example/page-%d", i%subjects, i)
		r.Subjects = []string{fmt.Sprintf("honest-shop-%d.example/page-%d", i%subjects, i), fmt.Sprintf("honest-shop-%d.example/", i%subjects)}
		crowd = append(crowd, r)
	}
	o.flood(crowd)
	o.gather()
	cases := o.queue()
	if len(cases) != subjects {
		t.Fatalf("%d rows for %d subjects", len(cases), subjects)
	}
	reported := 0
	for _, c := range cases {
		reported += c.Reports
		if c.Action != "" || c.State != StateOpen {
			t.Fatalf("decided by nobody: %+v", c)
		}
	}
	if reported != reports {
		t.Errorf("%d of %d reports are in a case", reported, reports)
	}
	o.settle(1)
	for i, err := range o.book.Active(t.Context(), o.time) {
		t.Fatalf("nobody has decided, and it is on the list: %v, %v", i.Subject, err)
	}
}
