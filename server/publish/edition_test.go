package publish

import (
	"database/sql"
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

// An edition names what it changes, and is issued as it was drafted, with what it brings; or not at all.
func TestWhatIsDraftedIsIssued(t *testing.T) {
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
	first, err := p.Draft(t.Context(), now, nil, nil)
	if err != nil || first.Added.Count != 2 || len(first.Refused) != 1 || first.Base != 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	if r, err := p.Issue(t.Context(), first, Alone); err != nil || !r.Published {
		t.Fatalf("%+v, %v", r, err)
	}
	if again, err := p.Draft(t.Context(), now, nil, nil); err != nil || !again.Empty() {
		t.Fatalf("published, and still to do: %+v, %v", again, err)
	}

	fresh := add("fresh.example/")
	draft := func() Edition {
		t.Helper()
		e, err := p.Draft(t.Context(), now, Pending{"fresh.example/": &fresh, "leaves.example/": nil}, nil)
		if err != nil || e.Added.Count != 1 || e.Added.First[0].Subject != "fresh.example/" ||
			e.Removed.Count != 1 || e.Removed.First[0].Subject != "leaves.example/" || e.Changed.Count != 0 {
			t.Fatalf("%+v, %v", e, err)
		}
		return e
	}
	out := func() string { // what anybody can tell of a release
		t.Helper()
		_, err := p.Ledger.Get(t.Context(), "fresh.example/")
		_, left := p.Ledger.Left(t.Context(), "leaves.example/")
		all, failed := p.Ledger.Releases(t.Context(), 0)
		if failed != nil {
			t.Fatal(failed)
		}
		return fmt.Sprintf("release %d of %d, listed %v, left %v", p.client(t, now).Head().Sequence, len(all), err == nil, left == nil)
	}
	brings := func(out Out) error {
		return p.Ledger.Change(t.Context(), func(tx *sql.Tx) error {
			return out.Write(tx, []ledger.Change{
				{Actor: "mai", Indicator: fresh}, {Actor: "linh", Indicator: ledger.Indicator{Subject: "leaves.example/"}, Off: true, Taken: map[string]string{"en": "honest"}},
			})
		})
	}
	// Somebody decides meanwhile, or the desk does not agree: nothing is out, and nothing is in the ledger.
	e := draft()
	for _, s := range []subject.Subject{"meanwhile.example/", "another.example/"} {
		if err := p.Ledger.List(t.Context(), "mai", add(s)); err != nil {
			t.Fatal(err)
		}
		if err := p.Ledger.Withdraw(t.Context(), "mai", s, map[string]string{"en": "too soon"}); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Issue(t.Context(), e, brings); !errors.Is(err, ErrChanged) {
			t.Errorf("%v, want ErrChanged", err)
		}
	}
	refused := errors.New("stopped")
	e = draft()
	before := published(t, p)
	if _, err := p.Issue(t.Context(), e, func(Out) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	if got := out(); got != "release 1 of 1, listed false, left false" {
		t.Errorf("nothing is published: %s", got)
	}
	if after := published(t, p); !slices.Equal(before, after) {
		t.Errorf("refused, it lies there for who guesses its names: %q, before %q", after, before)
	}
	e = draft()
	if r, err := p.Issue(t.Context(), e, brings); err != nil || r.Added != 1 || r.Removed != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if got := out(); got != "release 2 of 2, listed true, left true" {
		t.Errorf("published: %s", got)
	}
	if left, err := p.Ledger.Left(t.Context(), "leaves.example/"); err != nil || left.Taken["en"] != "honest" || left.Withdrawn == 0 {
		t.Errorf("%+v, %v", left, err)
	}
	if !draftEmpty(t, p, now) {
		t.Error("published, and still to do")
	}
	// Upon a release that is not in force any more, nothing is built.
	if _, err := p.Issue(t.Context(), e, brings); !errors.Is(err, ErrChanged) {
		t.Errorf("twice: %v", err)
	}
}

// The head can't be written when the release is in force already: it is out, and who asks for the head by the shelf has
// it; its copy follows.
func TestWhatIsOutIsToldAsOut(t *testing.T) {
	const now = 1_763_900_000
	dir := t.TempDir()
	if err := InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	p, folder := open(t, dir), filepath.Join(dir, "published")
	p.list(t, "shop.example/")
	p.reached = func(step string) {
		if step == "finished" {
			if err := os.Rename(folder, folder+".away"); err != nil {
				t.Error(err)
			}
		}
	}
	r, err := p.Publish(t.Context(), now)
	if err != nil || !r.Published || r.Behind == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	if err := p.Shelf().SetHead(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.client(t, now).Head().Sequence; got != r.Sequence {
		t.Errorf("release %d is in force", got)
	}
}

// published are the names of all files that are published.
func published(t *testing.T, p *Publisher) (all []string) {
	t.Helper()
	for _, folder := range []string{"blob", "buckets", "delta", "history"} {
		names, err := p.Blobs.Names(folder)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, names...)
	}
	return all
}

func draftEmpty(t *testing.T, p *Publisher, now int64) bool {
	t.Helper()
	e, err := p.Draft(t.Context(), now, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.Empty()
}

// All that a release signs is planned: who is official, whom to call, advice, hot hosts, keys. What changes in any of
// them after somebody has confirmed the edition is not published.
func TestWhatIsSaidBesideTheListIsPlanned(t *testing.T) {
	const now = 1_763_900_000
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	if err := InitKeys(keys, keys+".root", time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	p := open(t, dir)
	cards := campaign.Open(office(t, dir))
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
	plan := func(at int64) Edition {
		t.Helper()
		plan, err := p.Draft(t.Context(), at, nil, nil)
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
	change := func(what string, do func() error, shows func(Edition) bool) {
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
		if r, err := p.Issue(t.Context(), before, Alone); r.Published {
			t.Errorf("%s: published unseen: %+v, %v", what, r, err)
		}
		if r, err := p.Issue(t.Context(), after, Alone); err != nil || !r.Published {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
		if left := plan(at + 180); !left.Empty() {
			t.Errorf("%s: published, and still to do: %+v", what, left)
		}
	}
	ours := filepath.Join(p.Official, "ours.txt")
	change("an official name", func() error { write(ours, "real-bank.example | The Real Bank\n"); return nil }, func(p Edition) bool {
		return slices.Equal(p.Spoken.Official.Added, []string{"real-bank.example | The Real Bank"}) && len(p.Spoken.Official.Removed) == 0
	})
	change("an official name of somebody else", func() error { write(ours, "real-bank.example | Another\n"); return nil }, func(p Edition) bool {
		return len(p.Spoken.Official.Added) == 1 && len(p.Spoken.Official.Removed) == 1
	})
	help := `{"help":[{"country":"SE","checked":"2026-11-24","steps":{},"hotlines":[{"kind":"phone","value":"%s","name":{"en":"Police"},"what":{"en":"Fraud"},"cases":[],"source":"https://police.example/"}]}]}`
	change("a hotline", func() error { write(p.Help, fmt.Sprintf(help, "11414")); return nil }, func(p Edition) bool {
		return len(p.Spoken.Help.Added) == 1 && strings.Contains(p.Spoken.Help.Added[0], "SE phone 11414: en: Police")
	})
	change("its number", func() error { write(p.Help, fmt.Sprintf(help, "90000")); return nil }, func(p Edition) bool {
		return len(p.Spoken.Help.Added) == 1 && len(p.Spoken.Help.Removed) == 1
	})
	card := supplement.Card{ID: "a", Title: []supplement.Text{{Lang: "en", Text: "A"}}, Text: []supplement.Text{{Lang: "en", Text: "A."}}}
	change("a card", func() error { return cards.Put(t.Context(), "mai", card, campaign.Published) }, func(p Edition) bool {
		return len(p.Spoken.Cards) == 1 && p.Spoken.Cards[0].Was == nil
	})
	card.Link = "https://advice.example/"
	change("its link", func() error { return cards.Put(t.Context(), "mai", card, campaign.Published) }, func(p Edition) bool {
		return len(p.Spoken.Cards) == 1 && p.Spoken.Cards[0].Was != nil && p.Spoken.Cards[0].Is.Link != ""
	})
	change("no card", func() error { return cards.Withdraw(t.Context(), "mai", "a") }, func(p Edition) bool {
		return len(p.Spoken.Cards) == 1 && p.Spoken.Cards[0].Is == nil
	})
	change("a hot host", func() error {
		return p.Ledger.List(t.Context(), "mai", ledger.Indicator{Subject: "hot.example/", Category: category.Shop, FirstSeen: now})
	}, func(p Edition) bool { return slices.Equal(p.Spoken.Hot.Added, []string{"hot.example"}) })
	change("another key", func() error {
		if err := Rotate(keys, keys+".root", time.Now().Unix()); err != nil {
			return err
		}
		var err error
		p.Keys, err = LoadKeys(keys)
		return err
	}, func(p Edition) bool { return p.NewKeys && !p.Spoken.Changed })
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

// A first release that nothing is on is drafted upon a ledger without a decision, and is no release of one with some.
func TestAnEmptyFirstReleaseIsNotIssuedOverADecision(t *testing.T) {
	p := newPublisher(t)
	now := time.Now().Unix()
	e, err := p.Draft(t.Context(), now, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := p.Ledger.List(t.Context(), "mai", ledger.Indicator{Subject: "meanwhile.example/", Category: category.Shop, Source: "report", Reason: map[string]string{"en": "never delivers"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Issue(t.Context(), e, Alone); !errors.Is(err, ErrChanged) {
		t.Errorf("%v, want ErrChanged", err)
	}
}
