package publish

import (
	"os"
	"path/filepath"
	"testing"

	"khien/server/campaign"
	"khien/server/ledger"
	"khien/server/office/officetest"
	"khien/shared/category"
	"khien/shared/checker"
	"khien/shared/subject"
	"khien/shared/supplement"
)

// The server keeps the head fresh by itself. It never publishes what a person has not: neither an entry, nor an end,
// nor a name.
func TestARenewalPublishesNothingByItself(t *testing.T) {
	p := newPublisher(t)
	const now, day = 1_763_900_000, 24 * 60 * 60
	p.Official = t.TempDir()
	list := func(s subject.Subject, lapses int64) {
		t.Helper()
		if err := p.Ledger.List(t.Context(), "mai", ledger.Indicator{Subject: s, Category: category.Shop, Source: "test", FirstSeen: now, Lapses: lapses}); err != nil {
			t.Fatal(err)
		}
	}
	listed := func(at int64, s subject.Subject) bool {
		t.Helper()
		return p.client(t, at).CheckSubject(s, at).Verdict == checker.Listed
	}
	list("stays.example/", 0)
	list("ends.example/", now+2*day)
	p.mustPublish(t, now)
	first, err := p.inForce(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	// By the calendar alone: what has lapsed leaves.
	at := int64(now + 4*day)
	if r, err := p.Renew(t.Context(), at, Alone); err != nil || !r.Published || r.Sequence != 2 || r.Removed != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if listed(at, "ends.example/") || !listed(at, "stays.example/") {
		t.Error("what has lapsed did not leave")
	}

	// Nobody has published these.
	list("new.example/", 0)
	if err := p.Ledger.Withdraw(t.Context(), "mai", "stays.example/", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.Official, "ours.txt"), []byte("real-bank.example | The Real Bank\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := p.inForce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(2) {
		at += 4 * day
		r, err := p.Renew(t.Context(), at, Alone)
		if err != nil || !r.Published || r.Added != 0 || r.Removed != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		h, err := p.inForce(t.Context())
		if err != nil || h.Sequence != 3+uint64(n) || h.Set != before.Set || h.BucketRoot != before.BucketRoot || h.Supplement != before.Supplement || h.Expires <= at {
			t.Errorf("%+v, %v", h, err)
		}
		if listed(at, "new.example/") || !listed(at, "stays.example/") {
			t.Error("it was published by nobody")
		}
	}
	// And who had the first release gets along with a delta still.
	if h, _ := p.inForce(t.Context()); h.Deltas > first.Sequence {
		t.Errorf("deltas reach back to %d", h.Deltas)
	}

	// Then a person publishes it.
	if r := p.mustPublish(t, at+60); r.Added != 1 || r.Removed != 1 || !listed(at+60, "new.example/") {
		t.Errorf("%+v", r)
	}
}

// A card whose last day is over goes by itself, and keeps nothing on the list whose time is over too. One that a person
// has taken away waits for a person.
func TestACardThatIsOverHoldsNothingBack(t *testing.T) {
	p := newPublisher(t)
	const now, day = 1_763_900_000, 24 * 60 * 60
	p.Cards = campaign.Open(officetest.Open(t, campaign.Tables))
	text := []supplement.Text{{Lang: "en", Text: "Nobody needs your code."}}
	for id, to := range map[string]int64{"over": now + 2*day, "taken": now + 90*day} {
		if err := p.Cards.Put(t.Context(), "mai", supplement.Card{ID: id, Title: text, Text: text, To: to}, campaign.Published); err != nil {
			t.Fatal(err)
		}
	}
	list := func(s subject.Subject, lapses int64) {
		t.Helper()
		if err := p.Ledger.List(t.Context(), "mai", ledger.Indicator{Subject: s, Source: "test", FirstSeen: now, Lapses: lapses}); err != nil {
			t.Fatal(err)
		}
	}
	list("stays.example/", 0)
	list("first.example/", now+2*day)
	list("second.example/", now+6*day)
	p.mustPublish(t, now)
	at := int64(now + 4*day)
	if r, err := p.Renew(t.Context(), at, Alone); err != nil || r.Removed != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := p.Cards.Withdraw(t.Context(), "mai", "taken"); err != nil {
		t.Fatal(err)
	}
	if r, err := p.Renew(t.Context(), at+4*day, Alone); err != nil || r.Removed != 0 || !r.Published {
		t.Errorf("%+v, %v", r, err)
	}
}
