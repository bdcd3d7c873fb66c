package triage

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

const oneDay = 24 * 60 * 60

// propose is somebody's proposal of what would go out now.
func (p *printer) propose(by string) Proposal {
	p.t.Helper()
	f, err := p.desk.Draft(p.t.Context(), p.publisher, p.impact, p.time)
	if err != nil {
		p.t.Fatal(err)
	}
	o, err := p.desk.Propose(p.t.Context(), f, by, oneDay, audit.Why{}, p.time)
	if err != nil {
		p.t.Fatal(err)
	}
	return o
}

func anybody(context.Context, string, int64) (bool, error) { return true, nil }

// wait is how the server looks after some time whether a proposal is due; everybody but the retired may publish.
func (p *printer) wait(seconds int64, retired ...string) (publish.Result, Outcome) {
	p.t.Helper()
	p.time += seconds
	stands := func(_ context.Context, name string, _ int64) (bool, error) {
		return !slices.Contains(retired, name), nil
	}
	opposable := func(context.Context, string) (bool, error) { return true, nil }
	r, o, err := p.desk.Overdue(p.t.Context(), p.publisher, p.box, p.impact, stands, opposable, "khien serve", p.time)
	if err != nil {
		p.t.Fatal(err)
	}
	return r, o.State
}

// Somebody locks all others out, and what is proposed is looked at between that and when the delay is made longer: it
// stays, whenever that is seen.
func TestWhatNobodyCouldHaveStoppedStays(t *testing.T) {
	p := newPrinter(t)
	p.imported(0, "shop.example/")
	p.propose("mai")
	p.time += oneDay
	for after := range 3 { // times that somebody was there still
		asked := 0
		opposable := func(_ context.Context, by string) (bool, error) {
			asked++
			return asked <= after, nil
		}
		_, o, err := p.desk.Overdue(t.Context(), p.publisher, p.box, p.impact, anybody, opposable, "khien serve", p.time)
		if err != nil || o.ID != 0 || asked != after+1 {
			t.Errorf("after %d: %+v, asked %d times, %v", after, o, asked, err)
		}
		if open, err := p.desk.Proposed(t.Context()); err != nil || open.Ended != 0 {
			t.Fatalf("after %d it does not wait any more: %+v, %v", after, open, err)
		}
	}
	if _, how := p.wait(0); how != Unopposed {
		t.Errorf("with somebody there it is %q", how)
	}
}

// stop is how somebody stops what is proposed.
func (p *printer) stop(by string) {
	p.t.Helper()
	o, err := p.desk.Proposed(p.t.Context())
	if err == nil {
		_, err = p.desk.Stop(p.t.Context(), o.ID, by, "an honest shop", p.time)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// agree is how a second person confirms what is proposed.
func (p *printer) agree(by string) publish.Result {
	p.t.Helper()
	o, f, stands, err := p.desk.Standing(p.t.Context(), p.publisher, p.box, p.impact, anybody, p.time)
	if err != nil || !stands {
		p.t.Fatalf("it does not stand: %v", err)
	}
	r, err := p.desk.ReleaseAgreed(p.t.Context(), p.publisher, p.box, o, f, by, audit.Why{}, p.time)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// out is what everybody has, as a plan of what would change tells: of these subjects, those that would not.
func (p *printer) out(subjects ...subject.Subject) (all string) {
	p.t.Helper()
	plan, err := p.publisher.Draft(p.t.Context(), p.time, nil, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, s := range subjects {
		is := func(i ledger.Indicator) bool { return i.Subject == s }
		_, err := p.book.Get(p.t.Context(), s)
		on := err == nil && !slices.ContainsFunc(plan.Added.First, is) || slices.ContainsFunc(plan.Removed.First, is)
		if on {
			all += " " + string(s)
		}
	}
	return strings.TrimSpace(all)
}

// sequence is the number of the release that everybody has.
func (p *printer) sequence() uint64 {
	p.t.Helper()
	_, h, err := publish.InForce(p.t.Context(), p.book, p.publisher.Blobs, p.publisher.Keys.Root)
	if err != nil {
		p.t.Fatal(err)
	}
	return h.Sequence
}

// team is an office in which one release is out.
func team(t *testing.T) *printer {
	p := newPrinter(t)
	p.imported(0, "first.example/")
	p.propose("mai")
	p.agree("linh")
	return p
}

// What one person has proposed goes out after its time, and not a second earlier; what was decided since is not in it.
func TestAProposalGoesOutAsItWas(t *testing.T) {
	p := team(t)
	p.imported(0, "shop.example/")
	o := p.propose("mai")
	p.imported(0, "later.example/")
	if r, how := p.wait(oneDay - 1); r.Published || how != "" {
		t.Fatalf("too early: %s, %+v", how, r)
	}
	if got := p.out("first.example/", "shop.example/", "later.example/"); got != "first.example/" {
		t.Errorf("out is %s", got)
	}
	// The head is renewed meanwhile, again and again.
	if _, err := p.desk.KeepFresh(t.Context(), p.publisher, p.box, "khien serve", p.time); err != nil {
		t.Fatal(err)
	}
	if r, how := p.wait(1); !r.Published || how != Unopposed || r.Added != 1 {
		t.Fatalf("%s, %+v", how, r)
	}
	if got := p.out("first.example/", "shop.example/", "later.example/"); got != "first.example/ shop.example/" {
		t.Errorf("out is %s", got)
	}
	if r, how := p.wait(oneDay); r.Published || how != "" {
		t.Errorf("twice: %s, %+v", how, r)
	}
	log, err := p.desk.Log(t.Context(), audit.Filter{}, 1)
	if err != nil || log[0].Args.By != "mai" || !strings.HasSuffix(log[0].Because("en"), "and stopped by nobody") {
		t.Errorf("%+v, %v", log, err)
	}
	if last, err := p.desk.LastProposed(t.Context()); err != nil || last.ID != o.ID || last.State != Unopposed {
		t.Errorf("%+v, %v", last, err)
	}
}

// Something of a proposal is decided otherwise meanwhile, by whatever way: none of it goes out, and it is proposed anew
// with all of its time.
func TestWhatIsNotDecidedAnyMoreDoesNotGoOut(t *testing.T) {
	dbtest.Long(t)
	for name, change := range map[string]func(p *printer) error{
		"withdrawn": func(p *printer) error { return p.book.Withdraw(p.t.Context(), "linh", "shop.example/", sorry) },
		"said otherwise": func(p *printer) error {
			return p.book.List(p.t.Context(), "linh", ledger.Indicator{Subject: "shop.example/", Category: category.Prize, FirstSeen: p.time})
		},
		"listed once more": func(p *printer) error {
			return p.book.List(p.t.Context(), "linh", ledger.Indicator{Subject: "gone.example/", FirstSeen: p.time})
		},
		"undone in its case": func(p *printer) error {
			_, err := p.desk.Undo(p.t.Context(), p.called("case.example/").ID, "linh", audit.Why{})
			return err
		},
		"published by two": func(p *printer) error {
			f, err := p.desk.Draft(p.t.Context(), p.publisher, p.impact, p.time)
			if err == nil {
				_, err = p.desk.ReleasePlanned(p.t.Context(), p.publisher, p.box, "linh", audit.Why{}, p.time, f.Rest)
			}
			p.imported(0, "another.example/")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := team(t)
			p.imported(0, "gone.example/")
			p.propose("mai")
			p.agree("linh")
			p.imported(0, "shop.example/", "innocent.example/")
			if err := p.book.Withdraw(t.Context(), "mai", "gone.example/", sorry); err != nil {
				t.Fatal(err)
			}
			p.report(wire.KindScam, "https://case.example/", "a")
			p.gather()
			p.decide(p.first().ID, p.list("case.example/"))
			p.propose("mai")
			if err := change(p); err != nil {
				t.Fatal(err)
			}
			before := p.sequence()
			if r, how := p.wait(oneDay); r.Published || p.sequence() != before || name != "published by two" && how != Outdated {
				t.Errorf("%s, %+v", how, r)
			}
			if _, err := p.desk.Proposed(t.Context()); !errors.Is(err, ErrNotProposed) {
				t.Errorf("it is still proposed: %v", err)
			}
			if o := p.propose("mai"); o.Due != p.time+oneDay {
				t.Errorf("due in %d seconds", o.Due-p.time)
			}
		})
	}
}

// Who may publish no more when the time has come has proposed nothing; what nobody in particular proposed stands.
func TestAProposalEndsWithItsAuthor(t *testing.T) {
	p := team(t)
	p.imported(0, "shop.example/")
	p.propose("mai")
	if r, how := p.wait(oneDay, "mai"); r.Published || how != Outdated {
		t.Errorf("%s, %+v", how, r)
	}
	p.propose("root" + Shell)
	if r, how := p.wait(oneDay, "mai"); !r.Published || how != Unopposed {
		t.Errorf("%s, %+v", how, r)
	}
}

// Whoever else stops a proposal has it go out by two people only, and so all that follows, whoever proposes it and
// whatever else is in it.
func TestWhatWasStoppedTakesTwo(t *testing.T) {
	p := team(t)
	p.imported(0, "shop.example/")
	p.propose("mai")
	p.stop("lan")
	before := p.sequence()
	for _, by := range []string{"mai", "puppet", "root" + Shell} {
		p.imported(0, subject.Subject(strings.TrimSuffix(by, Shell)+".example/"))
		o := p.propose(by)
		if r, how := p.wait(365 * oneDay / 12); o.Due != 0 || r.Published || how != "" {
			t.Errorf("%s gets it through by waiting: %d, %s, %+v", by, o.Due, how, r)
		}
		if by == "puppet" {
			p.stop("puppet") // who takes their own back opens nothing
		} else {
			p.stop("lan")
		}
	}
	if p.sequence() != before {
		t.Error("it is out")
	}
	p.propose("mai")
	if r := p.agree("linh"); !r.Published {
		t.Errorf("%+v", r)
	}
	p.imported(0, "next.example/")
	if o := p.propose("mai"); o.Due == 0 {
		t.Error("two have confirmed a release, and the next one still takes two")
	}
	// Taken back by who has proposed it, the next one has its time, and all of it.
	p.time += oneDay / 2
	p.stop("mai")
	if o := p.propose("mai"); o.Due != p.time+oneDay {
		t.Errorf("due in %d seconds", o.Due-p.time)
	}
}

// One proposal at a time: who comes second confirms it or stops it.
func TestOneProposalAtATime(t *testing.T) {
	p := team(t)
	p.imported(0, "shop.example/")
	p.propose("mai")
	f, err := p.desk.Draft(t.Context(), p.publisher, p.impact, p.time)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"mai", "linh", "root" + Shell} {
		if _, err := p.desk.Propose(t.Context(), f, by, oneDay, audit.Why{}, p.time); !errors.Is(err, ErrProposed) {
			t.Errorf("%s proposes beside it: %v", by, err)
		}
	}
}

// What reaches far never goes out by itself: neither listed, nor taken off, nor said otherwise, nor brought to its end.
// The rest does.
func TestWhatReachesFarWaitsForTwo(t *testing.T) {
	p := team(t)
	p.imported(0, "popular.example/listed", "popular.example/changed", "popular.example/ended")
	p.propose("mai")
	p.agree("linh")
	all := []subject.Subject{"first.example/", "popular.example/listed", "popular.example/changed", "popular.example/ended", "popular.example/new", "shop.example/"}
	const before = "first.example/ popular.example/listed popular.example/changed popular.example/ended"
	if got := p.out(all...); got != before {
		t.Fatalf("out is %s", got)
	}
	// All that an import, a withdrawal and an earlier end can do.
	p.imported(0, "popular.example/new", "shop.example/")
	if err := p.book.Withdraw(t.Context(), "mai", "popular.example/listed", sorry); err != nil {
		t.Fatal(err)
	}
	if err := p.book.List(t.Context(), "mai", ledger.Indicator{Subject: "popular.example/changed", FirstSeen: p.time, Source: "somebody else"}); err != nil {
		t.Fatal(err)
	}
	p.imported(p.time+60, "popular.example/ended")
	p.time += 120
	o := p.propose("mai")
	if o.Changes.Held != 4 {
		t.Errorf("%+v", o.Changes)
	}
	if r, how := p.wait(oneDay); how != Unopposed || r.Added != 1 || r.Removed != 0 {
		t.Errorf("%s, %+v", how, r)
	}
	if got := p.out(all...); got != before+" shop.example/" {
		t.Errorf("out is %s", got)
	}
	// Nor does the server do it when it renews the head.
	if r, err := p.publisher.Renew(t.Context(), p.time+5*oneDay, publish.Alone); err != nil || !r.Published || r.Removed != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	p.time += 6 * oneDay
	if got := p.out(all...); got != before+" shop.example/" {
		t.Errorf("out is %s", got)
	}
	p.propose("mai")
	p.agree("linh")
	if got := p.out(all...); got != "first.example/ popular.example/changed popular.example/new shop.example/" {
		t.Errorf("out is %s", got)
	}
}

// errKilled is how far a publisher came that is killed.
var errKilled = errors.New("killed")

// Whoever publishes a proposal is killed at some point. It is out once, whoever looks next, and never again; stopped it
// can't be any more. Before it is out nobody is told.
func TestAProposalIsPublishedOnce(t *testing.T) {
	for name, until := range map[string]func(p *printer, o Proposal, f Draft) error{
		"before it was out": func(p *printer, _ Proposal, f Draft) error {
			_, err := p.publisher.Issue(p.t.Context(), f.Rest.Edition, func(publish.Out) error { return errKilled })
			return err
		},
		"before that was committed": func(p *printer, o Proposal, f Draft) error {
			s := settling{Actor: "khien serve", Time: p.time, How: Unopposed}
			changes, err := p.desk.brings(p.t.Context(), p.box, f.Rest)
			if err != nil {
				return err
			}
			agree := p.desk.agree(p.t.Context(), p.book, heard{box: p.box}, changes, s, func(db.Reader) error { return nil })
			_, err = p.publisher.Issue(p.t.Context(), f.Rest.Edition, func(out publish.Out) error {
				write := out.Write
				out.Write = func(tx *sql.Tx, changes []ledger.Change) error { return errors.Join(write(tx, changes), errKilled) }
				return agree(out)
			})
			return err
		},
		"before those who reported were told": func(p *printer, o Proposal, f Draft) error {
			s := settling{Actor: "khien serve", Time: p.time, How: Unopposed, Proposal: o.ID}
			for _, c := range f.Rest.all() {
				s.Cases = append(s.Cases, decidedAt{c.ID, c.Changed})
			}
			changes, err := p.desk.brings(p.t.Context(), p.box, f.Rest)
			if err != nil {
				return err
			}
			agree := p.desk.agree(p.t.Context(), p.book, heard{box: p.box}, changes, s, func(db.Reader) error { return nil })
			_, err = p.publisher.Issue(p.t.Context(), f.Rest.Edition, func(out publish.Out) error { return errors.Join(agree(out), errKilled) })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := team(t)
			p.imported(0, "shop.example/")
			receipt := p.report(wire.KindScam, "https://case.example/", "a")
			p.gather()
			p.decide(p.first().ID, p.list("case.example/"))
			o := p.propose("mai")
			p.time += oneDay
			f, err := p.desk.Redraft(t.Context(), p.publisher, p.impact, o, p.time)
			if err != nil || f.Digest != o.Digest {
				t.Fatalf("it does not stand: %v", err)
			}
			if err := until(p, o, f); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			out := p.sequence()
			if out == 1 {
				p.wantState(receipt, wire.StateReceived)
			}
			p.wait(60)
			if out > 1 && p.sequence() != out || out == 1 && p.sequence() != 2 {
				t.Errorf("release %d was in force, and now %d", out, p.sequence())
			}
			p.wait(60)
			if p.sequence() != 2 {
				t.Errorf("twice: release %d", p.sequence())
			}
			if last, err := p.desk.LastProposed(t.Context()); err != nil || last.ID != o.ID || last.State != Unopposed {
				t.Errorf("%+v, %v", last, err)
			}
			if _, err := p.desk.Stop(t.Context(), o.ID, "lan", "too late", p.time); !errors.Is(err, ErrNotProposed) {
				t.Errorf("stopped after it was out: %v", err)
			}
			if got := p.out("case.example/", "shop.example/"); got != "case.example/ shop.example/" {
				t.Errorf("out is %s", got)
			}
			p.wantState(receipt, wire.StateAccepted)
			if c, err := p.desk.Get(t.Context(), p.called("case.example/").ID); err != nil || c.Published != 2 {
				t.Errorf("the case is in release %d, %v", c.Published, err)
			}
			if log, err := p.desk.Log(t.Context(), audit.Filter{Object: "release 2"}, 10); err != nil || len(log) != 1 {
				t.Errorf("it is noted %d times, %v", len(log), err)
			}
		})
	}
}

// A stop that comes while it goes out finds it out; one that comes before keeps it in.
func TestAStopIsBeforeOrAfter(t *testing.T) {
	p := team(t)
	p.imported(0, "shop.example/")
	o := p.propose("mai")
	p.time += oneDay
	f, err := p.desk.Redraft(t.Context(), p.publisher, p.impact, o, p.time)
	if err != nil {
		t.Fatal(err)
	}
	p.stop("lan")
	if _, err := p.desk.ReleaseAgreed(t.Context(), p.publisher, p.box, o, f, "linh", audit.Why{}, p.time); !errors.Is(err, ErrNotProposed) {
		t.Errorf("published after it was stopped: %v", err)
	}
	p.imported(0, "next.example/")
	p.propose("mai")
	p.agree("linh")
	p.imported(0, "third.example/")
	o = p.propose("mai")
	if f, err = p.desk.Redraft(t.Context(), p.publisher, p.impact, o, p.time); err != nil {
		t.Fatal(err)
	}
	if _, err := p.desk.ReleaseAgreed(t.Context(), p.publisher, p.box, o, f, "linh", audit.Why{}, p.time); err != nil {
		t.Fatal(err)
	}
	if _, err := p.desk.Stop(t.Context(), o.ID, "lan", "too late", p.time); !errors.Is(err, ErrNotProposed) {
		t.Errorf("stopped after it was out: %v", err)
	}
	if last, err := p.desk.LastProposed(t.Context()); err != nil || last.State != Agreed {
		t.Errorf("%+v, %v", last, err)
	}
}

// Somebody has the command line and a passkey: as the one they propose to list what reaches far, as the other they
// agree. It is one person's word, and the release holds it back.
func TestTheCommandLineAndAPasskeyAreOnePerson(t *testing.T) {
	p := team(t)
	p.report(wire.KindScam, "https://popular.example/", "a")
	p.gather()
	v := p.list("popular.example/")
	v.Actor, v.Impact = "root"+Shell, p.impact.Of("popular.example/", 1)
	c := p.decide(p.first().ID, v)
	if _, err := p.desk.Second(t.Context(), c, "linh", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	if o := p.propose("linh"); o.Changes.Held != 1 || o.Due != 0 {
		t.Errorf("%+v", o)
	}
	if r, _ := p.wait(30 * oneDay); r.Published {
		t.Errorf("%+v", r)
	}
}

// A new release key is proposed as all else is. Until then the head is renewed with the key before, and where that is
// gone, not at all.
func TestAReleaseKeyIsReplacedByTwo(t *testing.T) {
	p := team(t)
	o := p.rotated()
	before := p.sequence()
	if r, err := p.desk.KeepFresh(t.Context(), p.publisher, p.box, "khien serve", p.time+4*oneDay); err != nil || !r.Published {
		t.Fatalf("%+v, %v", r, err)
	}
	_, h, err := publish.InForce(t.Context(), p.book, p.publisher.Blobs, p.publisher.Keys.Root)
	if err != nil || h.Sequence == before || h.Keys == o {
		t.Errorf("the new key is in use, and nobody has published it: %v", err)
	}
	p.time += 4 * oneDay
	if made := p.propose("mai"); !slices.Equal(made.Changes.Beside, []string{"keys"}) {
		t.Errorf("%+v", made.Changes)
	}
	p.agree("linh")
	if _, h, err := publish.InForce(t.Context(), p.book, p.publisher.Blobs, p.publisher.Keys.Root); err != nil || h.Keys != o {
		t.Errorf("%v", err)
	}
}
