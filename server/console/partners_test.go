package console

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"khien/server/partner"
	"khien/server/staff"
)

// agreement is one as the form has it.
func agreement(change func(*partner.Agreement)) url.Values {
	a := partner.Agreement{Name: "bank-one", Title: "Invented <b>Bank</b>", Role: partner.Bank, Purpose: "to stop payments", Retention: 30, Direction: partner.Out,
		Contacts: []partner.Contact{{Name: "Mai", Email: "mai@bank.example"}}, From: "2026-01-01", Until: "2099-12-31"}
	if change != nil {
		change(&a)
	}
	return url.Values{"agreement": {a.Text()}}
}

// agrees has the office agree with one.
func (o *office) agrees() {
	o.t.Helper()
	a, err := partner.Parse(strings.NewReader(agreement(nil).Get("agreement")))
	if err == nil {
		_, err = o.Partners.Propose(o.t.Context(), partner.Actor{Name: "an@shell", Alone: true}, a)
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

// done confirms something with a passkey, and returns the page that says what became of it.
func (b *browser) done(path string, form url.Values, then string) string {
	b.o.t.Helper()
	status, _, body := b.confirm(path, form)
	switch status {
	case http.StatusOK:
	case http.StatusSeeOther:
		_, body = b.get(then)
	default:
		b.o.t.Fatalf("%s is %d: %s", path, status, body)
	}
	return body
}

// What a partner gets is agreed on by two people, each with a passkey over exactly that.
func TestTwoPeopleAgreeWithAPartner(t *testing.T) {
	o := newOffice(t)
	mai, linh, chi := o.at(o.person("mai", staff.Maintainer)), o.at(o.person("linh", staff.Approver)), o.at(o.person("chi", staff.Auditor))
	_, body := mai.get("/partners")
	o.sees(body, "Nothing is agreed with anybody yet.", `action="/partners"`)
	_, body = chi.get("/partners")
	o.sees(body, `!action="/partners"`)

	for bad, says := range map[string]string{"{": "can&#39;t be like that", `{"name":"x"}`: "it has no title", `{"nothing":1}`: "unknown field"} {
		if status, body := mai.post("/partners", url.Values{"agreement": {bad}}); status != http.StatusUnprocessableEntity || !strings.Contains(body, says) {
			t.Errorf("%s is %d: %s", bad, status, body)
		}
	}
	if status, asked := mai.post("/partners", agreement(nil)); status != http.StatusOK || !strings.Contains(asked, "Propose this agreement") || !strings.Contains(asked, "none leave") {
		t.Fatalf("%d: %s", status, asked)
	}
	body = mai.done("/partners", agreement(nil), "/partners")
	o.sees(body, "It is proposed: another person must agree.", "Proposed: an agreement with", "You have had your say", "!/bank-one/agree", "!<b>Bank</b>")
	_, body = chi.get("/partners")
	o.sees(body, "proposed by mai", "1 person must agree", "!/bank-one/stop")
	id := url.Values{"proposal": {"1"}}
	if status, _ := mai.post("/partners/bank-one/agree", id); status != http.StatusConflict {
		t.Errorf("who has proposed it agrees: %d", status)
	}
	if status, _ := linh.post("/partners/another/agree", id); status != http.StatusConflict {
		t.Errorf("it is agreed to under another name: %d", status)
	}
	if status, asked := linh.post("/partners/bank-one/agree", id); status != http.StatusOK || !strings.Contains(asked, "Agree to this") || !strings.Contains(asked, "to stop payments") {
		t.Errorf("%d: %s", status, asked)
	}
	body = linh.done("/partners/bank-one/agree", id, "/partners/bank-one")
	o.sees(body, "The agreement holds.", "version 1, agreed by mai, linh", "There is no key")
	if status, _, _ := linh.confirm("/partners/bank-one/agree", id); status != http.StatusConflict {
		t.Errorf("it is agreed to twice: %d", status)
	}

	// A change shows what it changes.
	body = linh.done("/partners", agreement(func(a *partner.Agreement) { a.Personal = map[string]partner.Personal{"bank": partner.Plain} }), "/partners")
	o.sees(body, "Proposed: a change of the agreement", "accounts at banks: in clear", "before: none leave")
	if status, _ := mai.post("/partners/bank-one/stop", url.Values{"proposal": {"2"}}); status != http.StatusSeeOther {
		t.Errorf("it is not stopped: %d", status)
	}
	if status, _, _ := mai.confirm("/partners/bank-one/agree", url.Values{"proposal": {"2"}}); status != http.StatusConflict {
		t.Errorf("what was stopped is agreed to: %d", status)
	}

	// A key is shown once.
	body = mai.done("/partners/bank-one/key", url.Values{"scope": {"read"}}, "")
	key := regexp.MustCompile(`khien_[A-Za-z0-9_-]{43}`).FindString(body)
	if key == "" {
		t.Fatalf("no key: %s", body)
	}
	if _, err := o.Partners.Admit(t.Context(), "Bearer "+key, partner.ToRead); err != nil {
		t.Error(err)
	}
	_, body = mai.get("/partners/bank-one")
	o.sees(body, "Key 1 to read what was agreed", "!"+key, "Revoke key 1")
	_, body = chi.get("/partners/bank-one")
	o.sees(body, "Key 1", "!Revoke", "!Make a key", "!End the agreement")
	if status, _ := mai.post("/partners/bank-one/revoke", url.Values{"key": {"1"}}); status != http.StatusSeeOther {
		t.Errorf("it is not revoked: %d", status)
	}
	if _, err := o.Partners.Admit(t.Context(), "Bearer "+key, partner.ToRead); err == nil {
		t.Error("a revoked key is good")
	}

	// One person ends it.
	body = mai.done("/partners/bank-one/end", url.Values{"why": {"they asked for it"}}, "/partners/bank-one")
	o.sees(body, "The agreement has ended.", "!Make a key")
	if status, _ := mai.get("/partners/nobody"); status != http.StatusNotFound {
		t.Errorf("a partner that there is not is %d", status)
	}
	o.readable()
}
