package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"khien/server/staff"
	"khien/server/triage"
	"khien/shared/subject"
	"khien/shared/wire"
)

// listed has somebody list what was reported, and another agree where that is wanted; returns the number of the case.
func (o *office) listed(host string, by, second *browser) string {
	o.t.Helper()
	o.report(wire.Report{Href: "https://" + host + "/"}, "a")
	id := o.about(host).ID
	path := fmt.Sprintf("/cases/%d", id)
	if status, body := by.post(path+"/list", url.Values{"lists": {host + "/"}, "category": {"shop"}, "days": {"30"}}); status != http.StatusSeeOther {
		o.t.Fatalf("listing is %d: %s", status, body)
	}
	if second != nil {
		if status, _, answer := second.confirm(path+"/second", nil); status != http.StatusSeeOther {
			o.t.Fatalf("agreeing is %d: %s", status, answer)
		}
	}
	return fmt.Sprint(id)
}

func (o *office) about(host string) triage.Case {
	o.t.Helper()
	c, err := o.Desk.Named(o.t.Context(), subject.Subject(host+"/"))
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// Somebody takes back what another decided: it is asked first, and says whose it is and what follows. One's own goes at
// once.
func TestAnothersDecisionIsNotTakenBackUnasked(t *testing.T) {
	o := newOffice(t)
	mai, tam := o.at(o.person("mai", staff.Maintainer)), o.at(o.person("tam", staff.Maintainer))
	id := o.listed("shop.example", mai, nil)
	status, body := tam.post("/cases/"+id+"/undo", nil)
	if o.sees(body, "data-confirm", "A decision that is not yours alone, but of mai", "It is open again"); status != http.StatusOK || o.about("shop.example").State != triage.StateAccepted {
		t.Errorf("%d, %s", status, o.about("shop.example").State)
	}
	// What was asked is what is done: here mai decides it anew meanwhile.
	digest := digestField.FindStringSubmatch(body)[1]
	form := url.Values{"digest": {digest}, "assertion": {tam.assertion(digest)}}
	mai.post("/cases/"+id+"/undo", nil)
	mai.post("/cases/"+id+"/reject", nil)
	_, body = tam.post("/cases/"+id+"/undo", form)
	if o.sees(body, "no longer what you confirmed"); o.about("shop.example").State != triage.StateRejected {
		t.Errorf("another decision was taken back: %s", o.about("shop.example").State)
	}
	if status, _, _ := tam.confirm("/cases/"+id+"/undo", nil); status != http.StatusSeeOther || o.about("shop.example").State != triage.StateOpen {
		t.Errorf("%d, %s", status, o.about("shop.example").State)
	}
	// Settled, it is opened again in the same way.
	id = o.listed("shop.example", mai, nil)
	o.settle()
	if _, body = tam.post("/cases/"+id+"/reopen", nil); o.about("shop.example").State != triage.StateAccepted {
		t.Error("it was opened again unasked")
	}
	o.sees(body, "data-confirm", "of mai")
	// An objection does not lead around it.
	o.report(wire.Report{Kind: wire.KindMistake, Href: "https://shop.example/", Note: "It is mine."}, "b")
	answer := url.Values{"lists": {"shop.example/"}, "reason_en": {"honest"}, "reason_vi": {"thật"}}
	if _, body = tam.post("/appeals/"+id+"/withdraw", answer); o.about("shop.example").Action != triage.List {
		t.Error("it leaves the list unasked")
	}
	o.sees(body, "data-confirm", "It was put there by mai")
	otherwise := url.Values{"lists": {"shop.example/"}, "category": {"phishing"}, "days": {"30"}}
	if _, body = tam.post("/cases/"+id+"/list", otherwise); o.about("shop.example").Decided != "mai" {
		t.Error("it is listed otherwise unasked")
	}
	o.sees(body, "data-confirm", "of mai")
	if status, _ := mai.post("/cases/"+id+"/list", otherwise); status != http.StatusSeeOther || o.about("shop.example").Category != "phishing" {
		t.Errorf("one's own is listed otherwise: %d", status)
	}
	mai.post("/cases/"+id+"/undo", nil)
	if status, _, _ := tam.confirm("/appeals/"+id+"/withdraw", answer); status != http.StatusSeeOther || o.about("shop.example").Action != triage.Withdraw {
		t.Errorf("%d", status)
	}
}

// What two people decided two take back: alone, in bulk, settled, and by an objection.
func TestOneDoesNotTakeBackWhatTwoDecided(t *testing.T) {
	o := newOffice(t)
	mai, tam, vy := o.at(o.person("mai", staff.Maintainer)), o.at(o.person("tam", staff.Maintainer)), o.at(o.person("vy", staff.Maintainer))
	linh := o.at(o.person("linh", staff.Approver))
	const host = "an-invented-page.github.io"
	id := o.listed(host, mai, linh)
	f := func(what, path string, form url.Values) {
		t.Helper()
		status, asked, _ := tam.confirm(path, form)
		if o.sees(asked, "mai and linh", "nothing changes until another one agrees"); status != http.StatusSeeOther || o.about(host).State != triage.StateAccepted || o.about(host).Undoing != "tam" {
			t.Errorf("%s: %d, %+v", what, status, o.about(host))
		}
		if status, _, _ := tam.confirm(path, form); status != http.StatusConflict {
			t.Errorf("%s: the same person twice is %d", what, status)
		}
		if status, _, _ := vy.confirm(path, form); status != http.StatusForbidden {
			t.Errorf("%s: a maintainer who may not second is %d", what, status)
		}
		if _, body := vy.get("/cases/" + id); !strings.Contains(body, "tam wants to take this back") {
			t.Errorf("%s: the page does not say that somebody wants it", what)
		}
		status, asked, _ = linh.confirm(path, form)
		if o.sees(asked, "tam wants that too"); status != http.StatusSeeOther || o.about(host).State != triage.StateOpen {
			t.Errorf("%s by two: %d, %s", what, status, o.about(host).State)
		}
	}
	f("undo", "/cases/"+id+"/undo", nil)
	id = o.listed(host, mai, linh)
	own := o.listed("own.example", tam, nil)
	f("bulk", "/queue/many/undo", url.Values{"id": {id}})
	if o.about("own.example").State != triage.StateAccepted {
		t.Error("more was taken back than was selected")
	}
	id = o.listed(host, mai, linh)
	other := o.listed("other.example", mai, nil)
	status, asked, _ := tam.confirm("/queue/many/undo", url.Values{"id": {id, other, own}})
	o.sees(asked, "2 decisions that are not yours alone, but of", "mai and linh, mai", "And one of your own")
	for host, want := range map[string]triage.State{"other.example": triage.StateOpen, "own.example": triage.StateOpen, host: triage.StateAccepted} {
		if got := o.about(host).State; got != want || status != http.StatusSeeOther {
			t.Errorf("%s is %s, want %s (%d)", host, got, want, status)
		}
	}
	linh.confirm("/queue/many/undo", url.Values{"id": {id}})
	id = o.listed(host, mai, linh)
	o.settle()
	f("reopen", "/cases/"+id+"/reopen", nil)
}

// What somebody proposed who was locked out since, or came in anew, is the word of nobody: another's agreement does not
// make it two.
func TestAProposalEndsWithWhoMadeIt(t *testing.T) {
	o := newOffice(t)
	an, mai, linh := o.at(o.person("an", staff.Admin)), o.at(o.person("mai", staff.Maintainer)), o.at(o.person("linh", staff.Approver))
	id := o.listed("an-invented-page.github.io", mai, nil)
	f := func(what string) {
		t.Helper()
		for _, path := range []string{"/cases/" + id + "/second", "/queue/many/second"} {
			if status, _, answer := linh.confirm(path, url.Values{"id": {id}}); status != http.StatusConflict || !strings.Contains(answer, "mai has proposed this and has no say here any more") {
				t.Errorf("%s: %s is %d", what, path, status)
			}
		}
	}
	an.confirm("/people/suspend", url.Values{"name": {"mai"}})
	f("suspended")
	an.invites("mai", staff.Maintainer)
	linh.agrees("mai")
	f("in again")
	if status, _, _ := linh.confirm("/cases/"+id+"/undo", nil); status != http.StatusSeeOther {
		t.Errorf("nobody can take it back: %d", status)
	}
}

// Somebody wants to take back what two decided and is locked out, leaves, or comes in anew: that is the wish of nobody,
// and the next one who has it is the first of two.
func TestAWishToTakeBackEndsWithWhoHasIt(t *testing.T) {
	o := newOffice(t)
	an, mai, linh, vy := o.at(o.person("an", staff.Admin)), o.at(o.person("mai", staff.Maintainer)), o.at(o.person("linh", staff.Approver)), o.at(o.person("vy", staff.Approver))
	const host = "an-invented-page.github.io"
	id := o.listed(host, mai, linh)
	f := func(what, path string, tam *browser, gone func()) {
		t.Helper()
		if status, _, _ := tam.confirm(path, nil); status != http.StatusSeeOther || o.about(host).State != triage.StateAccepted {
			t.Fatalf("%s: the wish is %d", what, status)
		}
		gone()
		if _, body := vy.get("/cases/" + id); strings.Contains(body, "tam wants to take this back") {
			t.Errorf("%s: the page says that somebody wants it", what)
		}
		status, asked, answer := linh.confirm(path, nil)
		if o.sees(asked, "nothing changes until another one agrees"); status != http.StatusSeeOther || o.about(host).State != triage.StateAccepted {
			t.Fatalf("%s: one person took it back: %d, %s", what, status, answer)
		}
		if _, body := vy.get("/cases/" + id); !strings.Contains(body, "linh wants to take this back") {
			t.Errorf("%s: the page does not say who wants it", what)
		}
		status, asked, _ = vy.confirm(path, nil)
		if o.sees(asked, "linh wants that too"); status != http.StatusSeeOther || o.about(host).State != triage.StateOpen {
			t.Errorf("%s: two did not take it back: %d", what, status)
		}
	}
	tam := o.at(o.person("tam", staff.Maintainer))
	f("suspended", "/cases/"+id+"/undo", tam, func() { an.confirm("/people/suspend", url.Values{"name": {"tam"}}) })
	an.invites("tam", staff.Maintainer)
	linh.agrees("tam")
	o.days(4)
	id = o.listed(host, mai, linh)
	if status, text := tam.signIn(); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	f("in another role", "/cases/"+id+"/undo", tam, func() {
		an.invites("tam", staff.Approver)
		vy.agrees("tam")
	})
	o.days(4)
	id = o.listed(host, mai, linh)
	o.settle()
	if status, text := tam.signIn(); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	f("gone", "/cases/"+id+"/reopen", tam, func() { an.confirm("/people/leave", url.Values{"name": {"tam"}}) })
}
