package publish

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/campaign"
	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/supplement"
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
	first, err := p.Plan(t.Context(), now, nil, nil)
	if err != nil || first.Added.Count != 2 || len(first.Refused) != 1 || first.Base != 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	if r, err := p.PublishPlanned(t.Context(), now, first); err != nil || !r.Published {
		t.Fatalf("%+v, %v", r, err)
	}
	if plan, err := p.Plan(t.Context(), now, nil, nil); err != nil || !plan.Empty() {
		t.Fatalf("published, and still to do: %+v, %v", plan, err)
	}

	fresh := add("fresh.example/")
	plan, err := p.Plan(t.Context(), now, Pending{"fresh.example/": &fresh, "leaves.example/": nil}, nil)
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

// All that a release signs is planned: who is official, whom to call, advice, hot hosts, keys. What changes in any of them after somebody
// has confirmed the plan is not published.
func TestWhatIsSaidBesideTheListIsPlanned(t *testing.T) {
	const now = 1_763_900_000
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	if err := InitKeys(keys, keys+".root", time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	p := open(t, dir)
	cards, err := campaign.Open(filepath.Join(dir, "campaign.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer cards.Close()
	p.Cards, p.Official, p.Help = cards, filepath.Join(dir, "official"), filepath.Join(dir, "help.json")
	if err := os.Mkdir(p.Official, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	plan := func(at int64) Plan {
		t.Helper()
		plan, err := p.Plan(t.Context(), at, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	if first := plan(now); len(first.Spoken.Official.Added) < 80 || len(first.Spoken.Help.Added) < 10 || first.NewKeys || first.Empty() {
		t.Errorf("%+v", first.Spoken)
	}
	p.mustPublish(t, now)
	if again := plan(now + 60); !again.Empty() {
		t.Fatalf("published, and still to do: %+v", again)
	}

	step := int64(0)
	change := func(what string, do func() error, shows func(Plan) bool) {
		t.Helper()
		step += 600
		at := now + step
		before := plan(at)
		if err := do(); err != nil {
			t.Fatal(err)
		}
		after := plan(at + 60)
		if after.Empty() || !shows(after) {
			t.Errorf("%s: the plan is %+v", what, after)
		}
		if r, err := p.PublishPlanned(t.Context(), at+120, before); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: published unseen: %+v, %v", what, r, err)
		}
		if r, err := p.PublishPlanned(t.Context(), at+120, after); err != nil || !r.Published {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
		if left := plan(at + 180); !left.Empty() {
			t.Errorf("%s: published, and still to do: %+v", what, left)
		}
	}
	ours := filepath.Join(p.Official, "ours.txt")
	change("an official name", func() error { write(ours, "real-bank.example | The Real Bank\n"); return nil }, func(p Plan) bool {
		return slices.Equal(p.Spoken.Official.Added, []string{"real-bank.example | The Real Bank"}) && len(p.Spoken.Official.Removed) == 0
	})
	change("an official name of somebody else", func() error { write(ours, "real-bank.example | Another\n"); return nil }, func(p Plan) bool {
		return len(p.Spoken.Official.Added) == 1 && len(p.Spoken.Official.Removed) == 1
	})
	help := `{"help":[{"country":"SE","checked":"2026-11-24","steps":{},"hotlines":[{"kind":"phone","value":"%s","name":{"en":"Police"},"what":{"en":"Fraud"},"cases":[],"source":"https://police.example/"}]}]}`
	change("a hotline", func() error { write(p.Help, fmt.Sprintf(help, "11414")); return nil }, func(p Plan) bool {
		return len(p.Spoken.Help.Added) == 1 && strings.Contains(p.Spoken.Help.Added[0], "SE phone 11414: en: Police")
	})
	change("its number", func() error { write(p.Help, fmt.Sprintf(help, "90000")); return nil }, func(p Plan) bool {
		return len(p.Spoken.Help.Added) == 1 && len(p.Spoken.Help.Removed) == 1
	})
	card := supplement.Card{ID: "a", Title: []supplement.Text{{Lang: "en", Text: "A"}}, Text: []supplement.Text{{Lang: "en", Text: "A."}}}
	change("a card", func() error { return cards.Put(t.Context(), "mai", card, campaign.Published) }, func(p Plan) bool {
		return len(p.Spoken.Cards) == 1 && p.Spoken.Cards[0].Was == nil
	})
	card.Link = "https://advice.example/"
	change("its link", func() error { return cards.Put(t.Context(), "mai", card, campaign.Published) }, func(p Plan) bool {
		return len(p.Spoken.Cards) == 1 && p.Spoken.Cards[0].Was != nil && p.Spoken.Cards[0].Is.Link != ""
	})
	change("no card", func() error { return cards.Withdraw(t.Context(), "mai", "a") }, func(p Plan) bool {
		return len(p.Spoken.Cards) == 1 && p.Spoken.Cards[0].Is == nil
	})
	change("a hot host", func() error {
		return p.Ledger.List(t.Context(), "mai", ledger.Indicator{Subject: "hot.example/", Category: category.Shop, FirstSeen: now})
	}, func(p Plan) bool { return slices.Equal(p.Spoken.Hot.Added, []string{"hot.example"}) })
	change("another key", func() error {
		if err := Rotate(keys, keys+".root", time.Now().Unix()); err != nil {
			return err
		}
		var err error
		p.Keys, err = LoadKeys(keys)
		return err
	}, func(p Plan) bool { return p.NewKeys && !p.Spoken.Changed })
}

// Lines that only change their places are none that come or go.
func TestCompareLines(t *testing.T) {
	f := func(was, is, added, removed string) {
		t.Helper()
		got := compareLines(strings.Fields(was), strings.Fields(is))
		if a, r := strings.Join(got.Added, " "), strings.Join(got.Removed, " "); a != added || r != removed {
			t.Errorf("%q to %q: +%q -%q", was, is, a, r)
		}
	}
	f("", "", "", "")
	f("a b", "b a", "", "")
	f("a b", "b c", "c", "a")
	f("a", "a a", "a", "")
	f("a a b", "a", "", "a b")
}
