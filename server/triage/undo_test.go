package triage

import (
	"errors"
	"strings"
	"testing"

	"khien/server/audit"
	"khien/shared/subject"
	"khien/shared/wire"
)

// agreed is a case that mai has listed and linh has agreed to.
func (o *office) agreed(href string, name subject.Subject) Case {
	o.t.Helper()
	o.report(wire.KindScam, href, "a")
	o.gather()
	v := o.list(name)
	v.Impact = Reach{Rule: Popular}
	c := o.decide(o.called(name).ID, v)
	c, err := o.desk.Second(o.t.Context(), c, "linh", audit.Why{})
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// What two people decided one alone does not take back: not before it is published, not after, not as another name of
// the command line.
func TestTwoTakeBackWhatTwoDecided(t *testing.T) {
	o := newOffice(t)
	f := func(what string, id int64, undo func(actor string) (Case, error)) {
		t.Helper()
		// Whoever has the command line may have a passkey too: what is wanted there makes nobody the second one.
		if c, err := undo("root" + Shell); err != nil || c.State != StateAccepted || c.Undoing != "root"+Shell {
			t.Fatalf("%s on the command line: %+v, %v", what, c, err)
		}
		if _, err := undo("another" + Shell); !errors.Is(err, ErrSamePerson) {
			t.Errorf("%s by another name of the command line: %v", what, err)
		}
		c, err := undo("tam")
		if err != nil || c.State != StateAccepted || c.Undoing != "tam" || c.Seconded != "linh" {
			t.Fatalf("%s by one: %+v, %v", what, c, err)
		}
		for _, same := range []string{"root" + Shell, "another" + Shell, "tam", "tam" + Shell} {
			if _, err := undo(same); !errors.Is(err, ErrSamePerson) {
				t.Errorf("%s by %s too: %v", what, same, err)
			}
		}
		if c, err := undo("mai"); err != nil || c.State != StateOpen || c.Undoing != "" || c.Seconded != "" {
			t.Errorf("%s by two: %+v, %v", what, c, err)
		}
		var log []string
		for a, err := range o.desk.Acts(t.Context(), audit.Filter{Object: object(id).String()}) {
			if err != nil {
				t.Fatal(err)
			}
			log = append(log, a.Actor+": "+string(a.Verb)+" "+a.Because("en"))
		}
		if got := strings.Join(log, "\n"); !strings.Contains(got, "root@shell: want-undo") || !strings.Contains(got, "mai: "+what+" proposed by tam") {
			t.Errorf("the log says %s", got)
		}
	}
	c := o.agreed("https://one.example/", "one.example/")
	f("undo", c.ID, func(actor string) (Case, error) { return o.desk.Undo(t.Context(), c.ID, actor, audit.Why{}) })
	d := o.agreed("https://two.example/", "two.example/")
	o.settle(1)
	f("reopen", d.ID, func(actor string) (Case, error) { return o.desk.Reopen(t.Context(), o.box, d.ID, actor, audit.Why{}) })
}

// A wish to take something back is about that decision alone.
func TestAWishToTakeBackEndsWithTheDecision(t *testing.T) {
	o := newOffice(t)
	c := o.agreed("https://one.example/", "one.example/")
	if _, err := o.desk.Undo(t.Context(), c.ID, "tam", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	o.settle(1)
	if c, err := o.desk.Get(t.Context(), c.ID); err != nil || c.Undoing != "" {
		t.Fatalf("%+v, %v", c, err)
	}
	if c, err := o.desk.Reopen(t.Context(), o.box, c.ID, "mai", audit.Why{}); err != nil || c.State != StateAccepted || c.Undoing != "mai" {
		t.Errorf("what was wanted before it was published opened it after: %+v, %v", c, err)
	}
}

// What two people listed is not taken off the list by one, in whatever case that is decided.
func TestTwoTakeOffWhatTwoListed(t *testing.T) {
	o := newOffice(t)
	o.agreed("https://one.example/", "one.example/")
	o.settle(1)
	c, err := o.desk.Listing(t.Context(), "one.example/")
	if err != nil {
		t.Fatal(err)
	}
	c, err = o.desk.DecideNow(t.Context(), o.book, o.box, c.ID, Decision{Actor: "root" + Shell, Action: Withdraw, Lists: Only("one.example/"), Reason: sorry})
	if err != nil || c.State != StateProposed {
		t.Fatalf("one person took it off: %+v, %v", c, err)
	}
	if got := o.standsOnList(); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if _, err := o.desk.Second(t.Context(), c, "another"+Shell, audit.Why{}); !errors.Is(err, ErrSamePerson) {
		t.Errorf("another name of the command line agrees: %v", err)
	}
	if _, err := o.desk.Second(t.Context(), c, "linh", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	o.settle(2)
	if got := o.standsOnList(); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
