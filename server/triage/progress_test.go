package triage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/shared/wire"
)

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

// Who answers what was asked, with a note, another note or a picture, brings the case back before people's eyes, with
// the kind that the answer names.
func TestAnAnswerOpensTheCaseAgain(t *testing.T) {
	o := newOffice(t)
	r, other := o.sent("https://scam.example/", "a"), o.sent("https://scam.example/", "b")
	o.gather()
	id := o.first().ID
	add := func(r wire.Report) {
		t.Helper()
		if _, _, err := o.box.Accept(t.Context(), r, []byte("a"), o.time); err != nil {
			t.Fatal(err)
		}
		o.gather()
	}
	for _, answer := range []func(){
		func() { r.Note = "They took a deposit."; add(r) },
		func() { r.Note = "They took a deposit, and want another."; add(r) },
		func() {
			if err := o.desk.Pictured(t.Context(), other.ID); err != nil {
				t.Fatal(err)
			}
		},
		func() { other.Category = "shop"; add(other) },
	} {
		o.decide(id, Decision{Actor: "lan", Action: Ask, Reason: map[string]string{"en": "What was paid?"}})
		add(r) // the same once more is no answer
		if c, err := o.desk.Get(t.Context(), id); err != nil || c.State != StateAsked {
			t.Fatalf("%+v, %v", c, err)
		}
		answer()
		if c := o.first(); c.ID != id {
			t.Fatalf("%+v", c)
		}
	}
	if c := o.first(); c.Category != "shop" {
		t.Errorf("the case is about %q", c.Category)
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
	if p := progress(); p.Settled || p.Released != 0 || fmt.Sprint(p.Lists) != "[{scam.example/ scam.example/ 1763900060}]" {
		t.Errorf("%+v", p)
	}
	o.settle(1)
	if p := progress(); !p.Settled || p.Released == 0 || p.Seen != first {
		t.Errorf("%+v", p)
	}
}

// A crowd of invented reporters, each from an address of its own and each with a proof of work, wins places in a queue
// and nothing else. What it can fill is a row for each subject that it names.
func TestInventedReportersPublishNothing(t *testing.T) {
	dbtest.Long(t)
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
