package publish

import (
	"errors"
	"testing"

	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/subject"
)

// A plan names what a release would change, and only that is published.
func TestWhatIsPlannedIsPublished(t *testing.T) {
	p := newPublisher(t)
	const now = 1_763_900_000
	add := func(s subject.Subject) ledger.Indicator {
		return ledger.Indicator{Subject: s, Category: category.Shop, Source: "test", Reference: "KH-C1", FirstSeen: now}
	}
	for _, s := range []subject.Subject{"stays.example/", "leaves.example/", "facebook.com/"} {
		if err := p.Ledger.List(t.Context(), "mai", add(s)); err != nil {
			t.Fatal(err)
		}
	}
	first, err := p.Plan(t.Context(), now, nil)
	if err != nil || first.Added.Count != 2 || len(first.Refused) != 1 || first.Base != 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	if r, err := p.PublishPlanned(t.Context(), now, first); err != nil || !r.Published {
		t.Fatalf("%+v, %v", r, err)
	}
	if plan, err := p.Plan(t.Context(), now, nil); err != nil || !plan.Empty() {
		t.Fatalf("published, and still to do: %+v, %v", plan, err)
	}

	fresh := add("fresh.example/")
	plan, err := p.Plan(t.Context(), now, Pending{"fresh.example/": &fresh, "leaves.example/": nil})
	if err != nil || plan.Added.Count != 1 || plan.Added.First[0].Subject != "fresh.example/" ||
		plan.Removed.Count != 1 || plan.Removed.First[0].Subject != "leaves.example/" || plan.Changed.Count != 0 {
		t.Fatalf("%+v, %v", plan, err)
	}
	// Before what was pending is in the ledger, and after somebody put something else there, it is not what was planned.
	if _, err := p.PublishPlanned(t.Context(), now, plan); !errors.Is(err, ErrChanged) {
		t.Errorf("%v, want ErrChanged", err)
	}
	if err := p.Ledger.List(t.Context(), "mai", fresh); err != nil {
		t.Fatal(err)
	}
	if err := p.Ledger.Withdraw(t.Context(), "mai", "leaves.example/", map[string]string{"en": "honest"}); err != nil {
		t.Fatal(err)
	}
	if err := p.Ledger.List(t.Context(), "mai", add("meanwhile.example/")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.PublishPlanned(t.Context(), now, plan); !errors.Is(err, ErrChanged) {
		t.Errorf("%v, want ErrChanged", err)
	}
	if err := p.Ledger.Withdraw(t.Context(), "mai", "meanwhile.example/", map[string]string{"en": "too soon"}); err != nil {
		t.Fatal(err)
	}
	if r, err := p.PublishPlanned(t.Context(), now, plan); err != nil || r.Added != 1 || r.Removed != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
