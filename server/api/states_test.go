package api

import (
	"fmt"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/ledger"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// list lists one thing for the case of a subject.
func (o *office) list(of, lists subject.Subject) triage.Case {
	o.t.Helper()
	c := o.named(of)
	o.decide(c.ID, triage.Decision{Action: triage.List, Lists: []triage.Listing{{Of: of, Lists: lists}}, Category: category.Shop, Reason: map[string]string{"en": "never delivers"}})
	return c
}

func (o *office) named(s subject.Subject) triage.Case {
	o.t.Helper()
	o.gather()
	c, err := o.Desk.Named(o.t.Context(), s)
	if err != nil {
		o.t.Fatalf("%s: %v", s, err)
	}
	return c
}

func (o *office) gather() {
	o.t.Helper()
	if _, err := o.Desk.Gather(o.t.Context(), o.Inbox); err != nil {
		o.t.Fatal(err)
	}
}

// settle is what the command line does at once and the console with the release.
func (o *office) settle() {
	o.t.Helper()
	cases, err := o.Desk.Pending(o.t.Context())
	if err == nil {
		err = o.Desk.Settle(o.t.Context(), o.book, o.Inbox, cases)
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) withdraw(of, gone subject.Subject) {
	o.t.Helper()
	o.decide(o.named(of).ID, triage.Decision{Action: triage.Withdraw, Lists: []triage.Listing{{Of: of, Lists: gone}}, Reason: map[string]string{"en": "honest"}})
}

func (o *office) partner(s subject.Subject) {
	o.t.Helper()
	if _, _, err := o.book.Import(o.t.Context(), "linh", []ledger.Indicator{{Subject: s, Source: "partner", Reason: map[string]string{"en": "seen by a partner"}}}); err != nil {
		o.t.Fatal(err)
	}
}

// Every state of a receipt, by how one comes to it: each row reports the same two addresses, of one site, and tells
// what becomes of the first and of the second.
func TestWhatReceiptsSay(t *testing.T) {
	const a, b = "https://a.kit.example/pay", "https://b.kit.example/"
	type told struct{ first, second string }
	f := func(what string, do func(o *office), want told) {
		t.Helper()
		t.Run(what, func(t *testing.T) {
			t.Helper()
			o := newOffice(t)
			first, second := o.report(wire.KindScam, a), o.report(wire.KindScam, b)
			o.release()
			do(o)
			say := func(receipt string) string {
				r, err := o.follow(t.Context(), receipt)
				if err != nil {
					t.Fatal(err)
				}
				text := r.State
				if r.Subject != "" {
					text += " " + r.Subject
				}
				if r.Reason != "" {
					text += ": " + r.Reason
				} else if len(r.Reasons) > 0 {
					text += "? " + r.Reasons[0].Text
				}
				return text
			}
			if got := (told{say(first), say(second)}); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
	reject := triage.Decision{Action: triage.Reject, Reason: map[string]string{"en": "honest"}}
	f("nobody has looked", func(o *office) { o.gather() }, told{"received", "received"})
	leave := func(o *office) {
		t.Helper()
		o.gather()
		o.Desk.SetClock(func() int64 { return time.Now().Unix() + 31*24*60*60 })
		if n, err := o.Desk.Expire(t.Context(), 30*24*60*60, "khien serve"); err != nil || n != 1 {
			t.Errorf("%d cases left the queue, %v", n, err)
		}
	}
	unread := "unread: " + triage.Unread()["en"]
	f("nobody else reported it, and nobody has looked", leave, told{unread, unread})
	f("and then somebody has", func(o *office) {
		leave(o)
		if err := o.Desk.Seen(t.Context(), o.named("kit.example/").ID); err != nil {
			t.Fatal(err)
		}
	}, told{"review", "review"})
	f("and then it is listed after all", func(o *office) {
		leave(o)
		o.Desk.SetClock(func() int64 { return time.Now().Unix() })
		o.list("kit.example/", "kit.example/")
		o.release()
	}, told{"listed kit.example/: never delivers", "listed kit.example/: never delivers"})
	f("a person has opened the case", func(o *office) {
		if err := o.Desk.Seen(t.Context(), o.named("kit.example/").ID); err != nil {
			t.Fatal(err)
		}
	}, told{"review", "review"})
	f("more is asked for", func(o *office) {
		o.decide(o.named("kit.example/").ID, triage.Decision{Action: triage.Ask, Reason: map[string]string{"en": "What was paid?"}})
	}, told{"review? What was paid?", "review? What was paid?"})
	f("one is decided, and can be undone", func(o *office) { o.list("kit.example/", "a.kit.example/pay") }, told{"review", "review"})
	f("one is decided, by the command line", func(o *office) {
		o.list("kit.example/", "a.kit.example/pay")
		o.settle()
	}, told{"accepted a.kit.example/pay: never delivers", "received"})
	f("one is published", func(o *office) {
		o.list("kit.example/", "a.kit.example/pay")
		o.release()
	}, told{"listed a.kit.example/pay: never delivers", "received"})
	f("both are published", func(o *office) {
		o.list("kit.example/", "kit.example/")
		o.release()
	}, told{"listed kit.example/: never delivers", "listed kit.example/: never delivers"})
	f("one after the other", func(o *office) {
		o.list("kit.example/", "a.kit.example/")
		o.release()
		o.list("kit.example/", "b.kit.example/")
		o.release()
	}, told{"listed a.kit.example/: never delivers", "listed b.kit.example/: never delivers"})
	f("both are rejected", func(o *office) {
		o.decide(o.named("kit.example/").ID, reject)
		o.settle()
	}, told{"rejected: honest", "rejected: honest"})
	f("one is rejected", func(o *office) {
		c, of, err := o.Desk.Narrow(t.Context(), o.Inbox, o.named("kit.example/").ID, "kit.example/", "a.kit.example/pay", "mai", audit.Why{})
		if err != nil {
			t.Fatal(err)
		}
		v := reject
		v.Of = of
		o.decide(c.ID, v)
		o.settle()
	}, told{"rejected: honest", "received"})
	f("one is listed and the other rejected", func(o *office) {
		o.list("kit.example/", "a.kit.example/")
		o.settle()
		o.decide(o.named("kit.example/").ID, reject)
		o.release()
	}, told{"listed a.kit.example/: never delivers", "rejected: honest"})
	f("two people must agree, and one has", func(o *office) {
		o.decide(o.named("kit.example/").ID, triage.Decision{Action: triage.List, Lists: triage.Only("kit.example/"), Category: category.Shop, Impact: triage.Reach{Rule: triage.Popular}})
		o.release()
	}, told{"review", "review"})
	f("the platform is told", func(o *office) {
		o.list("kit.example/", "a.kit.example/pay")
		o.release()
		o.informed = time.Now().Unix() + 1
	}, told{"informed a.kit.example/pay: never delivers", "received"})
	f("the platform has removed it", func(o *office) {
		o.list("kit.example/", "a.kit.example/pay")
		o.release()
		o.informed, o.removed = time.Now().Unix()+1, time.Now().Unix()+2
	}, told{"removed a.kit.example/pay: never delivers", "received"})
	f("it is taken off again", func(o *office) {
		o.list("kit.example/", "kit.example/")
		o.release()
		o.withdraw("kit.example/", "kit.example/")
		o.release()
	}, told{"withdrawn kit.example/: never delivers", "withdrawn kit.example/: never delivers"})
	f("it is being taken off, and devices find it still", func(o *office) {
		o.list("kit.example/", "kit.example/")
		o.release()
		o.withdraw("kit.example/", "kit.example/")
		o.settle()
	}, told{"listed kit.example/: never delivers", "listed kit.example/: never delivers"})
	f("its time has run out", func(o *office) {
		c := o.named("kit.example/")
		o.decide(c.ID, triage.Decision{Action: triage.List, Lists: triage.Only("kit.example/"), Category: category.Shop, Lapses: time.Now().Unix() + 1000})
		o.release()
		if _, err := o.Desk.Release(t.Context(), o.publisher, o.Inbox, "mai", audit.Why{}, time.Now().Unix()+2000); err != nil {
			t.Fatal(err)
		}
	}, told{"withdrawn kit.example/", "withdrawn kit.example/"})
	f("listed for less, after all", func(o *office) {
		c := o.list("kit.example/", "kit.example/")
		o.release()
		if _, err := o.Desk.Reopen(t.Context(), o.Inbox, c.ID, "mai", audit.Why{}); err != nil {
			t.Fatal(err)
		}
		o.list("kit.example/", "a.kit.example/")
		o.release()
	}, told{"listed a.kit.example/: never delivers", "received"})
	f("looked at again, and on the list until then", func(o *office) {
		c := o.list("kit.example/", "kit.example/")
		o.release()
		if _, err := o.Desk.Reopen(t.Context(), o.Inbox, c.ID, "mai", audit.Why{}); err != nil {
			t.Fatal(err)
		}
	}, told{"listed kit.example/: never delivers", "listed kit.example/: never delivers"})
	f("a wider one is on the list already", func(o *office) {
		o.partner("b.kit.example/")
		o.release()
	}, told{"received", "listed b.kit.example/: seen by a partner"})
	f("a narrower one is on the list already", func(o *office) {
		o.partner("b.kit.example/other")
		o.release()
	}, told{"received", "received"})
	f("the same page is on the list, as others write it", func(o *office) {
		o.partner("a.kit.example/pay/")
		o.partner("www.b.kit.example/")
		o.release()
	}, told{"listed a.kit.example/pay/: seen by a partner", "listed www.b.kit.example/: seen by a partner"})
	f("rejected, and listed by somebody else", func(o *office) {
		o.decide(o.named("kit.example/").ID, reject)
		o.partner("b.kit.example/")
		o.release()
	}, told{"rejected: honest", "listed b.kit.example/: seen by a partner"})
	f("merged with another kit, of which one is ticked", func(o *office) {
		other := o.report(wire.KindScam, "https://another.example/")
		if _, err := o.Desk.Merge(t.Context(), o.named("kit.example/").ID, o.named("another.example/").ID, "mai", audit.Why{}); err != nil {
			t.Fatal(err)
		}
		o.list("another.example/", "another.example/")
		o.release()
		if r, err := o.follow(t.Context(), other); err != nil || r.State != wire.StateListed {
			t.Errorf("%+v, %v", r, err)
		}
	}, told{"received", "received"})
}

// Every answer to who objects.
func TestWhatObjectionsAreTold(t *testing.T) {
	const page = "https://kit.example/pay"
	f := func(what string, do func(o *office), want string) {
		t.Helper()
		t.Run(what, func(t *testing.T) {
			t.Helper()
			o := newOffice(t)
			o.report(wire.KindScam, page)
			o.list("kit.example/", "kit.example/")
			o.release()
			objection := o.report(wire.KindMistake, page)
			o.gather()
			do(o)
			r, err := o.follow(t.Context(), objection)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(r.State, " ", r.Reason); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
	uphold := func(o *office) {
		if _, err := o.Desk.Uphold(t.Context(), o.Inbox, o.named("kit.example/").ID, "mai", map[string]string{"en": "it cheats"}, audit.Why{}); err != nil {
			t.Fatal(err)
		}
	}
	f("nobody has answered", func(*office) {}, "received ")
	f("it stays", uphold, "rejected it cheats")
	f("it is right, and devices find it still", func(o *office) {
		o.withdraw("kit.example/", "kit.example/")
		o.settle()
	}, "review ")
	f("it is right", func(o *office) {
		o.withdraw("kit.example/", "kit.example/")
		o.release()
	}, "accepted honest")
	f("it was right, and others have listed it since", func(o *office) {
		o.withdraw("kit.example/", "kit.example/")
		o.release()
		o.partner("kit.example/pay")
		o.release()
	}, "listed ")
	f("it stayed, and has left since", func(o *office) {
		uphold(o)
		o.withdraw("kit.example/", "kit.example/")
		o.release()
	}, "withdrawn ")
	f("another entry covers it still", func(o *office) {
		o.partner("kit.example/pay")
		o.withdraw("kit.example/", "kit.example/")
		o.release()
	}, "received ")
	f("it is listed for less, and that is still this page", func(o *office) {
		o.Desk.SetClock(func() int64 { return time.Now().Unix() + 10 })
		o.list("kit.example/", "kit.example/pay")
		o.release()
	}, "rejected never delivers")
}
