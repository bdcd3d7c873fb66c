package triage

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"khien/server/audit"
	"khien/server/db/dbtest"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Somebody says that the release builds upon nothing, so that an entry which reaches far and that is held back is
// missing in it. What everybody has is known, so it is built upon all the same.
func TestBuildingUponNothingTakesNothingOff(t *testing.T) {
	p := team(t)
	p.imported(0, "popular.example/listed")
	p.propose("mai")
	p.agree("linh")
	p.publisher.Anew = true
	p.imported(0, "shop.example/")
	if o := p.propose("root" + Shell); o.Changes.Added != 1 || o.Changes.Removed != 0 {
		t.Errorf("%+v", o.Changes)
	}
	p.publisher.Anew = false
	p.wait(oneDay)
	if got := p.out("first.example/", "popular.example/listed", "shop.example/"); got != "first.example/ popular.example/listed shop.example/" {
		t.Errorf("out is %s", got)
	}
}

// The published head is newer than the ledger, so that nobody can tell what a release would take off: it goes out by
// two people, and never by itself.
func TestWhatBuildsUponNothingTakesTwo(t *testing.T) {
	p := team(t)
	p.imported(0, "popular.example/listed")
	p.propose("mai")
	p.agree("linh")
	p.restored("first.example/", "popular.example/listed")
	p.publisher.Anew = true
	p.imported(0, "shop.example/")
	o := p.propose("root" + Shell)
	if o.Due != 0 {
		t.Errorf("it goes out by itself after %d seconds", o.Due-p.time)
	}
	p.publisher.Anew = false
	if r, _ := p.wait(30 * oneDay); r.Published {
		t.Errorf("it went out by itself: %+v", r)
	}
	if err := p.desk.Adopt(t.Context(), o.ID, "mai", audit.Why{}, p.time); err != nil {
		t.Fatal(err)
	}
	adopted := p.time
	if _, _, stands, err := p.desk.Standing(t.Context(), p.publisher, p.box, p.impact, func(_ context.Context, name string, when int64) (bool, error) {
		return name == "mai" && when == adopted, nil
	}, p.time+1); err != nil || !stands {
		t.Errorf("%v, %v: asked is not whether mai stood for it when it became hers", stands, err)
	}
	if r := p.agree("linh"); !r.Published {
		t.Errorf("%+v", r)
	}
	all := []subject.Subject{"first.example/", "popular.example/listed", "shop.example/"}
	if got := p.out(all...); got != "first.example/ popular.example/listed shop.example/" {
		t.Errorf("out is %s", got)
	}
	if last, err := p.desk.LastProposed(t.Context()); err != nil || last.State != Agreed {
		t.Errorf("%+v, %v", last, err)
	}
}

// Other keys are put in the place of ours: nothing that was published is signed by them, so that everything seems new,
// and nothing taken off.
func TestWhatOtherKeysSignTakesTwo(t *testing.T) {
	p := team(t)
	p.imported(0, "popular.example/listed")
	p.propose("mai")
	p.agree("linh")
	dir := t.TempDir()
	err := publish.InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), p.time)
	if err == nil {
		p.publisher.Keys, err = publish.LoadKeys(filepath.Join(dir, "keys"))
	}
	if err != nil {
		t.Fatal(err)
	}
	before := p.sequence()
	if o := p.propose("root" + Shell); o.Due != 0 {
		t.Errorf("it goes out by itself after %d seconds", o.Due-p.time)
	}
	if r, _ := p.wait(30 * oneDay); r.Published || p.sequence() != before {
		t.Errorf("it went out by itself: %+v", r)
	}
}

// A stop holds until a second person confirms something: not until a head is signed anew, whatever was proposed and
// taken back in between.
func TestAStopIsForgottenByTwoAlone(t *testing.T) {
	for name, f := range map[string]func(p *printer){
		"proposed, and undone": func(p *printer) {
			p.propose("mai")
			if err := p.book.Withdraw(p.t.Context(), "mai", "shop.example/", sorry); err != nil {
				p.t.Fatal(err)
			}
		},
		"proposed, and undone in its case": func(p *printer) {
			if err := p.book.Withdraw(p.t.Context(), "mai", "shop.example/", sorry); err != nil {
				p.t.Fatal(err)
			}
			p.report(wire.KindScam, "https://case.example/", "a")
			p.gather()
			c := p.decide(p.called("case.example/").ID, p.list("case.example/"))
			p.propose("mai")
			if _, err := p.desk.Undo(p.t.Context(), c.ID, "mai", audit.Why{}); err != nil {
				p.t.Fatal(err)
			}
		},
		"nothing, built upon nothing": func(p *printer) {
			if err := p.book.Withdraw(p.t.Context(), "mai", "shop.example/", sorry); err != nil {
				p.t.Fatal(err)
			}
			p.publisher.Anew = true
			p.propose("root" + Shell)
			p.publisher.Anew = false
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := team(t)
			p.imported(0, "shop.example/")
			p.propose("mai")
			p.stop("lan")
			f(p)
			p.time += 5 * oneDay // that is when the head is signed anew; or at once, where somebody takes it away and starts the server
			if r, err := p.desk.KeepFresh(t.Context(), p.publisher, p.box, "khien serve", p.time); err != nil || !r.Published {
				t.Fatalf("%+v, %v", r, err)
			}
			for _, look := range []int64{60, 30 * oneDay} {
				p.wait(look)
				if _, _, _, err := p.desk.Standing(t.Context(), p.publisher, p.box, p.impact, anybody, p.time); err != nil && !errors.Is(err, ErrNotProposed) {
					t.Fatal(err)
				}
			}
			if last, err := p.desk.NeedsTwo(t.Context()); err != nil || last.Ender != "lan" {
				t.Errorf("the stop is forgotten: %+v, %v", last, err)
			}
		})
	}
}

// Nobody confirms their own, nor what was proposed on the command line and is nobody's yet.
func TestWhoConfirmsIsAnother(t *testing.T) {
	p := team(t)
	p.imported(0, "shop.example/")
	for _, by := range []string{"mai", "root" + Shell} {
		o := p.propose(by)
		f, err := p.desk.Redraft(t.Context(), p.publisher, p.impact, o, p.time)
		if err != nil {
			t.Fatal(err)
		}
		for _, same := range []string{by, "mai" + Shell, "other" + Shell} {
			if r, err := p.desk.ReleaseAgreed(t.Context(), p.publisher, p.box, o, f, same, audit.Why{}, p.time); !errors.Is(err, ErrSamePerson) || r.Published {
				t.Errorf("%s confirms what %s has proposed: %+v, %v", same, by, r, err)
			}
		}
		p.stop("linh")
	}
}

// Two have listed something that few people know. Whoever has the command line and a passkey, and so is one person,
// neither takes it off the list, nor says something else of it, nor has it end, by waiting for a day; what is about
// nothing else goes out.
func TestOnePersonUndoesNothingThatTwoListed(t *testing.T) {
	dbtest.Long(t)
	for name, change := range map[string]func(p *printer) error{
		"a withdrawal that their own passkey agrees to": func(p *printer) error {
			c, err := p.desk.Listing(p.t.Context(), "one.example/")
			if err != nil {
				return err
			}
			c, err = p.desk.DecideNow(p.t.Context(), p.book, p.box, c.ID, Decision{Actor: "root" + Shell, Action: Withdraw, Lists: Only("one.example/"), Reason: sorry})
			if err != nil || c.State != StateProposed {
				p.t.Fatalf("%+v, %v", c, err)
			}
			_, err = p.desk.Second(p.t.Context(), c, "hoa", audit.Why{})
			return err
		},
		"one that only waits, beside an import": func(p *printer) error {
			c, err := p.desk.Listing(p.t.Context(), "one.example/")
			if err == nil {
				_, err = p.desk.DecideNow(p.t.Context(), p.book, p.box, c.ID, Decision{Actor: "root" + Shell, Action: Withdraw, Lists: Only("one.example/"), Reason: sorry})
			}
			p.imported(p.time+oneDay/2, "one.example/")
			return err
		},
		"without its case": func(p *printer) error { return p.book.Withdraw(p.t.Context(), "root"+Shell, "one.example/", sorry) },
		"by an end":        func(p *printer) error { p.imported(p.time+oneDay/2, "one.example/"); return nil },
		"by another reason": func(p *printer) error {
			return p.book.List(p.t.Context(), "root"+Shell, ledger.Indicator{Subject: "one.example/", FirstSeen: p.time, Source: "somebody else"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := team(t)
			p.agreed("https://one.example/", "one.example/")
			p.propose("mai")
			p.agree("linh")
			if err := change(p); err != nil {
				t.Fatal(err)
			}
			p.imported(0, "shop.example/")
			o := p.propose("hoa")
			if o.Changes.Held != 1 {
				t.Errorf("%+v", o.Changes)
			}
			if _, how := p.wait(oneDay); how != Unopposed {
				t.Errorf("%s", how)
			}
			if name == "a withdrawal that their own passkey agrees to" {
				if c := p.called("one.example/"); c.Settled {
					t.Errorf("it is in the ledger: %+v", c)
				}
			}
			if _, h, err := publish.InForce(t.Context(), p.book, p.publisher.Blobs, p.publisher.Keys.Root); err != nil || h.Count != 3 {
				t.Errorf("%d are out, %v", h.Count, err)
			}
			f, err := p.desk.Draft(t.Context(), p.publisher, p.impact, p.time)
			if err != nil || f.ByItself() || f.Whole.Empty() {
				t.Errorf("%+v beside %+v, %v", f.Rest.changes(0), f.Whole.changes(0), err)
			}
			p.propose("mai")
			if r := p.agree("linh"); !r.Published {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Nor does the release hold back what two members have agreed on anew.
func TestTwoUndoWhatTwoListed(t *testing.T) {
	p := team(t)
	c := p.agreed("https://one.example/", "one.example/")
	p.propose("mai")
	p.agree("linh")
	c = p.decide(c.ID, Decision{Actor: "mai", Action: Withdraw, Lists: Only("one.example/"), Reason: sorry})
	if _, err := p.desk.Second(t.Context(), c, "linh", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	if o := p.propose("mai"); o.Changes.Held != 0 || o.Due == 0 {
		t.Errorf("%+v", o)
	}
	if r, how := p.wait(oneDay); how != Unopposed || r.Removed != 1 {
		t.Errorf("%s, %+v", how, r)
	}
}

// A file of popular names makes what is listed be told by a longer part of its digest. That is another list, so it is
// proposed as any other is, and the server's renewal doesn't bring it.
func TestLongerPrefixesAreProposed(t *testing.T) {
	p := team(t)
	p.imported(0, "popular.example/")
	p.propose("mai")
	p.agree("linh")
	p.publisher.Popular = popular(t)
	f, err := p.desk.Draft(t.Context(), p.publisher, p.impact, p.time)
	if err != nil || f.Whole.Empty() || f.Whole.changes(0).String() != "0 added, 0 changed, 0 removed, how much of each digest is told" {
		t.Errorf("%s, empty: %t, %v", f.Whole.changes(0), f.Whole.Empty(), err)
	}
	_, before, err := publish.InForce(t.Context(), p.book, p.publisher.Blobs, p.publisher.Keys.Root)
	if err != nil {
		t.Fatal(err)
	}
	p.time += 5 * oneDay
	if r, err := p.desk.KeepFresh(t.Context(), p.publisher, p.box, "khien serve", p.time); err != nil || !r.Published {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, h, err := publish.InForce(t.Context(), p.book, p.publisher.Blobs, p.publisher.Keys.Root); err != nil || h.Set != before.Set {
		t.Errorf("the server published it: %v", err)
	}
	p.propose("mai")
	if r, how := p.wait(oneDay); how != Unopposed || !r.Published {
		t.Errorf("%s, %+v", how, r)
	}
}

// restored is a ledger that knows of no release, as where it came back from a backup.
func (p *printer) restored(subjects ...subject.Subject) {
	p.t.Helper()
	for _, table := range []string{"indicator", "decision", "release", "file", "left_list"} {
		if _, err := p.desk.db.ExecContext(p.t.Context(), `DELETE FROM `+table); err != nil {
			p.t.Fatal(err)
		}
	}
	p.imported(0, subjects...)
}
