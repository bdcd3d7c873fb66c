package partner

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"khien/server/feed"
	"khien/server/stream"
	"khien/shared/category"
	"khien/shared/subject"
)

// agreed is an agreement that holds, with some changes.
func agreed(change func(*Agreement)) Agreement {
	a := Agreement{Name: "bank-one", Title: "Invented Bank", Role: Bank, Purpose: "to stop payments", Retention: 30, Direction: Out,
		Contacts: []Contact{{"Mai", "mai@bank.example"}}, From: "2026-01-01", Until: "2026-12-31"}
	if change != nil {
		change(&a)
	}
	return a
}

func TestAnAgreementSaysWhatItMust(t *testing.T) {
	refused := func(want string, change func(*Agreement)) {
		t.Helper()
		text, err := json.Marshal(agreed(change))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(strings.NewReader(string(text))); !errors.Is(err, ErrAgreement) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not speak of %s", err, want)
		}
	}
	if a := agreed(nil); a.Check() != nil {
		t.Fatal(a.Check())
	}
	refused("name", func(a *Agreement) { a.Name = "../x" })
	refused("role", func(a *Agreement) { a.Role = "friend" })
	refused("purpose", func(a *Agreement) { a.Purpose = " " })
	refused("retention", func(a *Agreement) { a.Retention = 0 })
	refused("days", func(a *Agreement) { a.Until = "soon" })
	refused("before", func(a *Agreement) { a.Until = "2025-01-01" })
	refused("red", func(a *Agreement) { a.TLP = feed.Red })
	refused("contacts", func(a *Agreement) { a.Contacts = nil })
	refused("written to", func(a *Agreement) { a.Contacts[0].Email = "x@y.example\nBcc: z@y.example" })
	refused("notices", func(a *Agreement) { a.Notice = Complaint })
	refused("which it is", func(a *Agreement) { a.Role = Platform })
	refused("no platform", func(a *Agreement) { a.Role, a.Platforms = Platform, []string{"nowhere"} })
	refused("redress", func(a *Agreement) { a.Role, a.Platforms, a.Notice = Platform, []string{"facebook"}, Request })
	refused("no kind", func(a *Agreement) { a.Kinds = []string{"everything"} })
	refused("no category", func(a *Agreement) { a.Categories = []string{"everything"} })
	refused("personal", func(a *Agreement) { a.Personal = map[string]Personal{"host": Plain} })
	refused("one line", func(a *Agreement) { a.Title = "a\nb" })
	for _, text := range []string{`{"name":"x","everything":true}`, `{} {}`, ``, `[]`, strings.Repeat(" ", maxAgreement) + `{}`} {
		if _, err := Parse(strings.NewReader(text)); !errors.Is(err, ErrAgreement) {
			t.Errorf("%.40q is %v", text, err)
		}
	}
}

func TestItHoldsFromItsFirstDayToTheEndOfItsLast(t *testing.T) {
	for now, want := range map[int64]bool{1767225599: false, 1767225600: true, 1798761599: true, 1798761600: false} {
		if got := agreed(nil).Stands(now); got != want {
			t.Errorf("at %d it is %v", now, got)
		}
	}
}

func TestTheRightThingReachesTheRightPartner(t *testing.T) {
	gives := func(s string, tlp feed.TLP, want Withheld, change func(*Agreement)) Given {
		t.Helper()
		o := stream.Object{Subject: subject.Subject(s), TLP: tlp, Category: category.Other, Address: "https://seen.example/"}
		g, why := agreed(change).Gives(o, []byte("key"))
		if why != want {
			t.Errorf("%s at %s is withheld because of %q, not %q", s, tlp, why, want)
		}
		return g
	}
	label := func(l feed.TLP) func(*Agreement) { return func(a *Agreement) { a.TLP = l } }
	all := []feed.TLP{feed.Clear, feed.Green, feed.Amber, feed.AmberStrict}
	for i, most := range all {
		for j, tlp := range all {
			want := Withheld("")
			if j > i {
				want = TooNarrow
			}
			gives("scam.example/", tlp, want, label(most))
		}
		gives("scam.example/", feed.Red, ForNobody, label(most))
		gives("scam.example/", "purple", ForNobody, label(most))
	}
	gives("scam.example/", feed.Green, TooNarrow, nil)
	gives("scam.example/", feed.Clear, OtherKind, func(a *Agreement) { a.Kinds = []string{"page"} })
	gives("scam.example/a", feed.Clear, "", func(a *Agreement) { a.Kinds = []string{"page"} })
	gives("scam.example/", feed.Clear, OtherTopic, func(a *Agreement) { a.Categories = []string{"investment"} })
	for _, s := range []string{"phone:+84900000001", "bank:970436/0123456789"} {
		kind := strings.Split(s, ":")[0]
		gives(s, feed.Clear, TooPersonal, nil)
		if g := gives(s, feed.Clear, "", func(a *Agreement) { a.Personal = map[string]Personal{kind: Plain} }); string(g.Subject) != s {
			t.Errorf("%+v", g)
		}
		g := gives(s, feed.Clear, "", func(a *Agreement) { a.Personal = map[string]Personal{kind: Hidden} })
		if len(g.HMAC) != 64 || g.Subject != "" || g.Address != "" {
			t.Errorf("%+v", g)
		}
		if _, why := agreed(func(a *Agreement) { a.Personal = map[string]Personal{kind: Hidden} }).Gives(stream.Object{Subject: subject.Subject(s), TLP: feed.Clear}, nil); why != TooPersonal {
			t.Errorf("without a key %s leaves: %q", s, why)
		}
	}
}

func TestNobodyGetsBackWhatIsTheirOwn(t *testing.T) {
	a := agreed(func(a *Agreement) { a.Source = "bank-one" })
	for origins, want := range map[string]Withheld{"": "", "bank-one": TheirOwn, "bank-one,national": "", "national": ""} {
		o := stream.Object{Subject: "scam.example/", TLP: feed.Clear}
		if origins != "" {
			o.Origins = strings.Split(origins, ",")
		}
		if _, why := a.Gives(o, nil); why != want {
			t.Errorf("what %q said is withheld because of %q", origins, why)
		}
	}
}

func TestWhatASubjectIs(t *testing.T) {
	for s, want := range map[subject.Subject]Kind{"a.example/": Host, "a.example/b": Page, "a.example/?b": Page, "facebook:id/9": Account, "phone:+84900000001": Phone,
		"bank:970436/1": BankAccount, "wallet:bitcoin/x": Wallet, "email:a@b.example": Email, "short:s.example/x": Short, "[2001:db8::1]/": Host} {
		if got := KindOf(s); got != want {
			t.Errorf("%s is a %s, not a %s", s, got, want)
		}
	}
}
