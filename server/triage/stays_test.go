package triage

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"khien/server/db/dbtest"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/set"
	"khien/shared/subject"
)

// far is an office in which a shop on a rented host is on the list, as two have confirmed.
func far(t *testing.T) *printer {
	p := team(t)
	p.publisher.Official = t.TempDir()
	p.imported(0, rented)
	p.propose("mai")
	p.agree("linh")
	return p
}

const rented = subject.Subject("an-invented-shop.weebly.com/")

// official writes a book of the operator, as "khien official import" does.
func (p *printer) official(lines string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.publisher.Official, "ours.txt"), []byte(lines), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// One person says in a book of the operator that a scam on a rented host is somebody's official site, whatever happens
// to it in the ledger, and waits.
func TestABookTakesNothingThatReachesFarOffTheList(t *testing.T) {
	dbtest.Long(t)
	for name, also := range map[string]func(p *printer) error{
		"the book alone": func(*printer) error { return nil },
		"a name below":   func(p *printer) error { p.official("an-invented-name.an-invented-shop.weebly.com | X\n"); return nil },
		"withdrawn too":  func(p *printer) error { return p.book.Withdraw(p.t.Context(), "mai", rented, sorry) },
		"ended too":      func(p *printer) error { p.imported(p.time+60, rented); p.time += 120; return nil },
		"changed too":    func(p *printer) error { p.imported(p.time+365*oneDay, rented); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			p := far(t)
			p.official("an-invented-shop.weebly.com | X\n")
			p.imported(0, "shop.example/")
			if err := also(p); err != nil {
				t.Fatal(err)
			}
			if o := p.propose("mai"); o.Changes.Held != 1 || o.Changes.Removed != 1 || o.Changes.Added != 1 {
				t.Errorf("it says %+v", o.Changes)
			}
			if r, how := p.wait(oneDay); how != Unopposed || r.Removed != 0 || r.Added != 1 {
				t.Errorf("%s, %+v", how, r)
			}
			if _, err := p.publisher.Renew(t.Context(), p.time+5*oneDay, publish.Alone); err != nil {
				t.Fatal(err)
			}
			p.time += 6 * oneDay
			plan, err := p.desk.Plan(t.Context(), p.publisher, p.impact, p.time)
			if err != nil || plan.Removed.Count != 1 || plan.Removed.First[0].Subject != rented || plan.Two.Subject != rented {
				t.Errorf("it is not on the list any more, or leaves unnamed: %+v, %v", plan.Removed, err)
			}
			p.propose("mai")
			if r := p.agree("linh"); r.Removed != 1 {
				t.Errorf("two take it off: %+v", r)
			}
		})
	}
}

// crowd are so many names whose digests begin with these bits, as text, each with a reason of so many bytes.
func crowd(many int, bits, name string, reason int) (all []ledger.Indicator) {
	for n := 0; len(all) < many; n++ {
		s := subject.Subject(fmt.Sprintf("%s-%d.example/", name, n))
		if strings.HasPrefix(fmt.Sprintf("%08b", s.Digest()[0]), bits) {
			all = append(all, wordy(s, reason))
		}
	}
	return all
}

func wordy(s subject.Subject, reason int) ledger.Indicator {
	return ledger.Indicator{Subject: s, FirstSeen: 1_763_900_000, Reason: map[string]string{"en": strings.Repeat("x", reason)}}
}

// all lists much at once, in place of what was there, as an import does.
func (p *printer) all(list ...ledger.Indicator) {
	p.t.Helper()
	if _, _, err := p.book.Import(p.t.Context(), "mai", list); err != nil {
		p.t.Fatal(err)
	}
}

// One person seeks names that share the bucket of an entry that reaches far, about which more is said than about any of
// them, and waits. Whoever comes later has no place, and is named.
func TestWhatIsListedIsNotCrowdedOut(t *testing.T) {
	dbtest.Long(t)
	victim := fmt.Sprintf("%08b", rented.Digest()[0])
	begin := func(t *testing.T, list ...ledger.Indicator) *printer {
		p := team(t)
		p.all(append(list, wordy(rented, 7900))...)
		p.propose("mai")
		p.agree("linh")
		return p
	}
	on := func(p *printer, want int) {
		p.t.Helper()
		plan, err := p.publisher.Draft(p.t.Context(), p.time, publish.Pending{rented: nil}, nil)
		if err != nil || !slices.ContainsFunc(plan.Removed.First, func(i ledger.Indicator) bool { return i.Subject == rented }) {
			p.t.Errorf("it is not on the list any more: %+v, %v", plan.Removed.Count, err)
		}
		_, h, err := publish.InForce(p.t.Context(), p.book, p.publisher.Blobs, p.publisher.Keys.Root)
		if err != nil || int(h.Count) != want {
			p.t.Errorf("%d are on the list, want %d, %v", h.Count, want, err)
		}
	}

	t.Run("by newcomers", func(t *testing.T) {
		p := begin(t)
		p.all(crowd(400, victim[:4], "crowd", 7000)...)
		o := p.propose("mai")
		r, how := p.wait(oneDay)
		if how != Unopposed || o.Changes.Removed != 0 || o.Changes.Added != r.Added || r.Added < 100 || r.Added+len(r.Refused) != 400 {
			t.Errorf("%s, it says %+v, %d are new, %d left out", how, o.Changes, r.Added, len(r.Refused))
		}
		on(p, 2+r.Added)
		if f, err := p.desk.Draft(t.Context(), p.publisher, p.impact, p.time); err != nil || !f.Whole.Empty() {
			t.Errorf("what has no room is proposed again and again: %+v, %v", f.Whole.Added.Count, err)
		}
	})
	t.Run("by newcomers in their cases", func(t *testing.T) {
		p := begin(t, crowd(140, victim[:3], "crowd", 7000)...)
		pending := publish.Pending{}
		for _, i := range crowd(20, victim[:3], "case", 7000) {
			pending[i.Subject] = &i
		}
		plan, err := p.publisher.Draft(t.Context(), p.time, pending, nil)
		if err != nil || plan.Removed.Count != 0 || plan.Added.Count+len(plan.Refused) != 20 || len(plan.Refused) < 10 {
			t.Errorf("%d are new, %d removed, %d left out, %v", plan.Added.Count, plan.Removed.Count, len(plan.Refused), err)
		}
	})
	t.Run("by what more is said about", func(t *testing.T) {
		p := begin(t, crowd(200, victim[:3], "crowd", 10)...)
		for _, i := range crowd(200, victim[:3], "crowd", 7000) {
			if err := p.book.List(t.Context(), "mai", i); err != nil {
				t.Fatal(err)
			}
		}
		o := p.propose("mai")
		r, how := p.wait(oneDay)
		if how != Unopposed || o.Changes.Removed != r.Removed || r.Removed == 0 || o.Changes.Removed+o.Changes.Changed != 200 {
			t.Errorf("%s, it says %+v, %d are gone", how, o.Changes, r.Removed)
		}
		on(p, 202-r.Removed)
	})
	t.Run("by a list that is shorter", func(t *testing.T) {
		other := map[byte]string{'0': "1", '1': "0"}
		list := append(crowd(80, victim[:4], "crowd", 7500), crowd(80, victim[:3]+other[victim[3]], "crowd", 7500)...)
		few := crowd(100, other[victim[0]], "few", 10)
		p := begin(t, append(list, few...)...)
		on(p, 262)
		for _, i := range few[:20] {
			if err := p.book.Withdraw(t.Context(), "mai", i.Subject, sorry); err != nil {
				t.Fatal(err)
			}
		}
		if o := p.propose("mai"); o.Due != 0 || o.Changes.Removed < 21 {
			t.Errorf("it goes out by itself: %+v", o)
		}
		p.wait(oneDay)
		on(p, 262)
	})
}

// Somebody at the operator's files takes a bank's account out of the book, and its number out of the hotlines, and has
// both listed by the same release, which waits for a day on which nobody looks. What everybody has still says whose
// they are: they stay off the list, and everybody sees that the lines are gone.
func TestALineTakenOutProtectsUntilThatIsOut(t *testing.T) {
	p := team(t)
	p.publisher.Official = t.TempDir()
	p.official("a-real-bank.example | A Real Bank | facebook:user/arealbank\n")
	p.publisher.Help = filepath.Join(t.TempDir(), "help.json")
	const hotline = `{"help":[{"country":"SE","checked":"2026-11-24","steps":{},"hotlines":[{"kind":"phone","value":"0771123456","name":{"en":"A Real Bank"},"what":{"en":"Fraud"},"cases":[],"source":"https://a-real-bank.example/"}]}]}`
	if err := os.WriteFile(p.publisher.Help, []byte(hotline), 0o644); err != nil {
		t.Fatal(err)
	}
	p.impact.Verified = p.publisher.Verified
	p.propose("mai")
	p.agree("linh")

	if err := os.RemoveAll(p.publisher.Official); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(p.publisher.Help); err != nil {
		t.Fatal(err)
	}
	p.imported(0, "facebook:user/arealbank", "phone:+46771123456", "a-real-bank.example/offers", "shop.example/")
	o := p.propose("hoa")
	if o.Changes.Held != 3 || !slices.Contains(o.Changes.Beside, "official") || !slices.Contains(o.Changes.Beside, "help") {
		t.Errorf("it says %+v", o.Changes)
	}
	if r, how := p.wait(oneDay); how != Unopposed || r.Added != 1 {
		t.Errorf("%s, %+v", how, r)
	}
}

// Somebody removes the file of popular pages, or puts a shorter one in its place, so that what took two takes one: what
// is proposed says so, and nothing goes out by itself until two have confirmed a release like that. Names put back, or
// more of them, are nothing to tell.
func TestFewerPopularNamesTakeTwo(t *testing.T) {
	p := team(t)
	all := popular(t, "news.example/")
	p.impact.Popular = all
	p.imported(0, "second.example/")
	p.propose("mai")
	p.agree("linh")
	for what, fewer := range map[string]func() *set.Set{"gone": nil, "unread": func() *set.Set { return nil }, "others": popular(t)} {
		p.impact.Popular = fewer
		p.imported(0, "news.example/robbed")
		o := p.propose("hoa")
		if o.Due != 0 || !slices.Contains(o.Changes.Beside, "fewer") {
			t.Errorf("%s: it goes out at %d: %+v", what, o.Due, o.Changes)
		}
		p.impact.Popular = all
		if r, how := p.wait(2 * oneDay); r.Published || how != "" {
			t.Errorf("%s: %s, %+v", what, how, r)
		}
		// It is no more what was proposed, and everything is as it was.
		if _, _, stands, err := p.desk.Standing(t.Context(), p.publisher, p.box, p.impact, anybody, p.time); err != nil || stands {
			t.Errorf("%s: it stands: %v", what, err)
		}
		if err := p.desk.Outdate(t.Context(), o, "mai", p.time); err != nil {
			t.Fatal(err)
		}
	}
	p.imported(0, "shop.example/")
	if o := p.propose("mai"); o.Due == 0 || slices.Contains(o.Changes.Beside, "fewer") || o.Changes.Held != 1 {
		t.Errorf("put back: %+v", o)
	}
	if r, how := p.wait(oneDay); how != Unopposed || r.Added != 1 {
		t.Errorf("%s, %+v", how, r)
	}
	// Two say that it is meant.
	p.impact.Popular = popular(t)
	p.propose("mai")
	p.agree("linh")
	p.imported(0, "later.example/")
	if o := p.propose("mai"); o.Due == 0 || slices.Contains(o.Changes.Beside, "fewer") {
		t.Errorf("what two have confirmed: %+v", o)
	}
}
