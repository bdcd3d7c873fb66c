package takedown

import (
	"encoding/json"
	"errors"
	"net/mail"
	"strings"
	"testing"

	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/texts"
)

// Whatever strangers choose as a name, a reason or a number: a letter has the headers that we wrote and no other, its
// lines are ours, and the report for machines is what its format asks for.
func FuzzWhatStrangersWrite(f *testing.F) {
	f.Add("facebook:user/invented", "never delivers", "FB-1", byte(0))
	f.Add("tiktok:user/x\r\nBcc: y@victim.example", "x\n\nTo: z", "\u202e\u2028", byte(1))
	f.Add("0", " ", "0", byte('I'))
	f.Add("", "\xff\x00", "=?utf-8?q?=0d=0a?=", byte(200))
	o := Operator{Organisation: "Invented Office", Contact: "takedown@office.example", Domain: "office.example", folder: f.TempDir()}
	f.Fuzz(func(t *testing.T, name, reason, theirs string, kind byte) {
		c := Request{ID: 1, Subject: subject.Subject(name), Platform: "facebook", Category: category.Category(kind), Reference: "KH-C1", Theirs: theirs, State: States[int(kind)%len(States)]}
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
		said := map[string]string{"en": "x"}
		if line(reason) == "" {
			said = nil
		}
		plain, err := o.Letter(Request{ID: 1, Subject: "facebook:user/x", Platform: "facebook", Category: c.Category, Reference: "KH-C1", Theirs: map[bool]string{true: "x"}[line(theirs) != ""], State: c.State},
			Facts{Reason: said, Source: "x", Seen: now, Reports: facts.Reports}, "en", now)
		if err != nil || strings.Count(plain.Body, "\n") != rows {
			t.Errorf("a letter of %d lines became one of %d, %v", strings.Count(plain.Body, "\n"), rows, err)
		}
		for lang, other := range map[string]string{"en": "vi", "vi": "en", "pl": "vi"} { // what says nothing hides nothing
			if got := line(texts.In(map[string]string{lang: " \u200b\n", other: "x" + reason}, lang)); got != line("x"+reason) {
				t.Errorf("a blank text in %s hides the one in %s: %q", lang, other, got)
			}
		}
		body, err := o.XARF(c, facts, now)
		if c.State == Withdrawn && errors.Is(err, ErrState) { // there is nothing to report any more
			return
		}
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
