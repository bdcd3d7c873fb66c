package takedown

import (
	"encoding/json"
	"net/mail"
	"strings"
	"testing"

	"khien/shared/category"
	"khien/shared/subject"
)

// Whatever strangers choose as a name, a reason or a number: a letter has the headers that we wrote and no other, its
// lines are ours, and the report for machines is what its format asks for.
func FuzzWhatStrangersWrite(f *testing.F) {
	f.Add("facebook:user/invented", "never delivers", "FB-1", byte(0))
	f.Add("tiktok:user/x\r\nBcc: y@victim.example", "x\n\nTo: z", "\u202e\u2028", byte(1))
	f.Add("", "\xff\x00", "=?utf-8?q?=0d=0a?=", byte(200))
	o := Operator{Organisation: "Invented Office", Contact: "takedown@office.example", Domain: "office.example", folder: f.TempDir()}
	f.Fuzz(func(t *testing.T, name, reason, theirs string, kind byte) {
		c := Case{ID: 1, Subject: subject.Subject(name), Platform: "facebook", Category: category.Category(kind), Reference: "KH-C1", Theirs: theirs, State: States[int(kind)%len(States)]}
		facts := Facts{Reason: map[string]string{"en": reason}, Source: reason, Seen: now, Reports: int(kind) % 3}
		l, err := o.Letter(c, facts, "en", now)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(l.Subject, "\n") {
			t.Errorf("the subject is %q", l.Subject)
		}
		m, err := mail.ReadMessage(strings.NewReader(l.Mail()))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(m.Header); n != 6 { // no platform of ours takes letters from here but by its form
			t.Errorf("there are %d headers: %v", n, m.Header)
		}
		rows := strings.Count(l.Body, "\n")
		plain, err := o.Letter(Case{ID: 1, Subject: "facebook:user/x", Platform: "facebook", Category: c.Category, Reference: "KH-C1", Theirs: map[bool]string{true: "x"}[line(theirs) != ""], State: c.State},
			Facts{Reason: map[string]string{"en": "x"}, Source: "x", Seen: now, Reports: facts.Reports}, "en", now)
		if err != nil || strings.Count(plain.Body, "\n") != rows {
			t.Errorf("a letter of %d lines became one of %d, %v", strings.Count(plain.Body, "\n"), rows, err)
		}
		body, err := o.XARF(c, facts, now)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := subject.Parse(name); err == nil && PlatformOf(s) != "" { // nothing else is in a case
			checkXARF(t, body)
		} else if !json.Valid(body) {
			t.Errorf("%q", body)
		}
	})
}
