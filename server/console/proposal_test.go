package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/ledger"
	"khien/server/staff"
	"khien/server/triage"
	"khien/server/words"
	"khien/shared/subject"
)

// imported is listed by nobody's decision about a case.
func (o *office) imported(subjects ...subject.Subject) {
	o.t.Helper()
	for _, s := range subjects {
		if err := o.Publisher.Ledger.List(o.t.Context(), "mai", ledger.Indicator{Subject: s, FirstSeen: 1}); err != nil {
			o.t.Fatal(err)
		}
	}
}

// propose does what publishNow does when a passkey has confirmed it.
func (o *office) propose(by string) triage.Proposal {
	o.t.Helper()
	draft, err := o.Desk.Draft(o.t.Context(), o.Publisher, o.Impact, time.Now().Unix())
	if err != nil {
		o.t.Fatal(err)
	}
	p, err := o.Desk.Propose(o.t.Context(), draft, by, 24*60*60, audit.Why{}, time.Now().Unix())
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

// What one person wants to do to everybody stands on every page of everybody who may enter, with a way to stop it, and
// outlives the server.
func TestEverybodySeesWhatIsProposed(t *testing.T) {
	o := newOffice(t)
	mai, linh, lan := o.person("mai", staff.Maintainer), o.person("linh", staff.Approver), o.person("lan", staff.Auditor)
	o.imported("shop.example/")
	_, body, _ := o.ask("GET", "/publish", mai, nil)
	o.sees(body, "after a day, unless somebody stops it", "Propose it with your passkey", "!A release is proposed")
	p := o.propose("mai")

	again, err := New(o.Config) // the server is started anew
	if err != nil {
		t.Fatal(err)
	}
	again.sessions = o.sessions
	if again.handler, err = again.routing(); err != nil {
		t.Fatal(err)
	}
	o.Console = again
	for who, session := range map[string]string{"mai": mai, "linh": linh, "lan": lan} {
		for _, path := range []string{"/queue", "/appeals", "/me", "/campaigns", "/proposal", "/no-such-page"} {
			_, body, _ := o.ask("GET", path, session, nil)
			o.sees(body, "A release is proposed", "1 added, 0 changed, 0 taken off", "shop.example/", "It goes out to everybody on", map[bool]string{true: "Take it back", false: "Stop it"}[who == "mai"])
		}
	}
	_, body, _ = o.ask("GET", "/publish", mai, nil)
	o.sees(body, "You have proposed it", "!name=\"assertion\"")
	_, body, _ = o.ask("GET", "/publish", linh, nil)
	o.sees(body, "mai has proposed it; you make it two", "Publish with your passkey")
	_, body, _ = o.ask("GET", "/proposal", lan, nil)
	o.sees(body, "shop.example/", "!name=\"assertion\"")

	// Somebody stops it, and says why.
	id := url.Values{"id": {fmt.Sprint(p.ID)}}
	if status, body, _ := o.ask("POST", "/proposal/stop", lan, id); status != 422 || !strings.Contains(body, "Say why you stop it") {
		t.Errorf("stopped for no reason: %d", status)
	}
	id.Set("why", "an honest shop")
	if status, _, _ := o.ask("POST", "/proposal/stop", lan, id); status != 303 {
		t.Errorf("not stopped: %d", status)
	}
	_, body, _ = o.ask("GET", "/publish", mai, nil)
	o.sees(body, "!A release is proposed", "lan stopped the last one", "an honest shop", "and not before")
	if status, body, _ := o.ask("POST", "/proposal/stop", linh, id); status != 422 || !strings.Contains(body, "out already, or another has stopped it") {
		t.Errorf("stopped twice: %d", status)
	}
	log, err := o.Desk.Log(t.Context(), audit.Filter{Actor: "lan"}, 1)
	if err != nil || len(log) != 1 || log[0].Verb != audit.Stop || log[0].Why.Text != "an honest shop" {
		t.Errorf("%+v, %v", log, err)
	}
}

// What an assertion would do: the parts of publishNow after it.
func (o *office) publishes(name, session string) string {
	o.t.Helper()
	ctx, err := o.sessions.Load(o.t.Context(), strings.TrimPrefix(session, "khien-console="))
	if err != nil {
		o.t.Fatal(err)
	}
	v := &visit{Console: o.Console, r: httptest.NewRequestWithContext(ctx, "GET", origin+"/publish", nil), lang: "en", person: staff.Person{Name: name, Role: staff.Approver}}
	p, err := v.plan()
	if err != nil {
		o.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"proposal": p.Proposal != nil, "mine": p.Mine, "outdated": p.Outdated != nil, "held": p.Held.Count, "alone": p.Alone, "goes": p.Goes()})
	if err != nil {
		o.t.Fatal(err)
	}
	return string(text)
}

// The page tells the second person of exactly what the first has confirmed. What was decided since is not in it; what
// was decided otherwise voids it.
func TestTheSecondConfirmsWhatTheFirstDid(t *testing.T) {
	o := newOffice(t)
	mai, linh := o.person("mai", staff.Maintainer), o.person("linh", staff.Approver)
	o.imported("shop.example/")
	o.propose("mai")
	_, body, _ := o.ask("GET", "/publish", mai, nil)
	digest := func(body string) string {
		t.Helper()
		found := strings.SplitN(body, "<code>", -1)
		return found[len(found)-1]
	}
	first := digest(body)
	o.imported("later.example/")
	_, body, _ = o.ask("GET", "/publish", linh, nil)
	if o.sees(body, "mai has proposed it", "!later.example"); digest(body) != first {
		t.Error("it is another one")
	}
	if got := o.publishes("linh", linh); got != `{"alone":false,"goes":true,"held":0,"mine":false,"outdated":false,"proposal":true}` {
		t.Error(got)
	}
	if err := o.Publisher.Ledger.Withdraw(t.Context(), "linh", "shop.example/", map[string]string{"en": "honest"}); err != nil {
		t.Fatal(err)
	}
	_, body, _ = o.ask("GET", "/publish", linh, nil)
	o.sees(body, "What mai had proposed is not what was decided any more", "later.example/", "Propose it with your passkey")

	// Who may publish no more has proposed nothing.
	if err := o.Publisher.Ledger.List(t.Context(), "linh", ledger.Indicator{Subject: "shop.example/", FirstSeen: 1}); err != nil {
		t.Fatal(err)
	}
	if err := o.Staff.Leave(t.Context(), staff.Shell("root@shell"), "mai"); err != nil {
		t.Fatal(err)
	}
	if got := o.publishes("linh", linh); !strings.Contains(got, `"outdated":true,"proposal":false`) {
		t.Error(got)
	}
}

// Somebody who is alone has sixty imported, or sixty are there by mistake, and presses the button that publishes a few:
// first a page says what goes out, and wants to know why nobody else looks at it. What confirms the page before it, or
// another reason, or other sixty, is no answer.
func TestManyAtOnceAreAskedAboutAlone(t *testing.T) {
	o := newOffice(t)
	mai := o.at(o.person("mai", staff.Maintainer))
	o.sql(`UPDATE register SET alone = 1`)
	published := func() bool {
		t.Helper()
		_, err := o.Publisher.Blobs.Head()
		return err == nil
	}
	for n := range 60 {
		o.imported(subject.Subject(fmt.Sprintf("shop-%d.example/", n)))
	}
	if status, _, _ := mai.confirm("/publish", nil); status == http.StatusSeeOther || published() {
		t.Fatalf("sixty went out unasked: %d", status)
	}
	status, body := mai.post("/publish", nil)
	if o.sees(body, "Say why nobody else confirms so much"); status != http.StatusUnprocessableEntity {
		t.Errorf("without a reason: %d", status)
	}
	_, body = mai.get("/publish")
	o.sees(body, "So much at once takes two people elsewhere", "!data-confirm", "!name=\"digest\"")

	draft, err := o.Desk.Draft(t.Context(), o.Publisher, o.Impact, time.Now().Unix())
	if err != nil {
		t.Fatal(err)
	}
	before, err := change{Key: "publish.alone", What: draft.Digest}.digest()
	if err != nil {
		t.Fatal(err)
	}
	why := url.Values{"why": {"the national list"}}
	with := func(form url.Values, digest string) url.Values {
		sent := url.Values{"digest": {digest}, "assertion": {mai.assertion(digest)}}
		for name, values := range form {
			sent[name] = values
		}
		return sent
	}
	_, asked := mai.post("/publish", why)
	o.sees(asked, "data-confirm", "60 added, 0 changed, 0 taken off", "60 are added", "shop-59.example", "Nobody but you confirms it", "the national list")
	shown := digestField.FindStringSubmatch(asked)[1]
	for what, form := range map[string]func() url.Values{
		"the plan before": func() url.Values { return with(why, before) },
		"another reason":  func() url.Values { return with(url.Values{"why": {"some other"}}, shown) },
	} {
		if _, body := mai.post("/publish", form()); !strings.Contains(body, "no longer what you confirmed") || published() {
			t.Errorf("%s was enough:\n%s", what, body)
		}
	}
	form := with(why, shown)
	o.imported("later.example/")
	if _, body := mai.post("/publish", form); !strings.Contains(body, "no longer what you confirmed") || published() {
		t.Errorf("other sixty went out:\n%s", body)
	}
	if status, _, body := mai.confirm("/publish", why); status != http.StatusSeeOther || !published() {
		t.Errorf("%d: %s", status, body)
	}
	log, err := o.Desk.Log(t.Context(), audit.Filter{Actor: "mai", Object: "release 1"}, 1)
	if err != nil || len(log) != 1 || !strings.HasPrefix(log[0].Because("en"), "the national list; alone: 61 subjects at once; confirmed with passkey") {
		t.Errorf("%+v, %v", log, err)
	}

	// Few go out as ever.
	o.imported("one.example/")
	if status, asked, _ := mai.confirm("/publish", nil); status != http.StatusSeeOther {
		t.Errorf("one is %d: %s", status, asked)
	}
}

// Somebody with the command line makes the time short that others have. Everybody sees that on every page until it
// holds, which is not before the time of now is over; what is proposed meanwhile has all of it, and anybody who may
// enter keeps it as it is, once and for all.
func TestAShorterDelayIsAnnouncedAndWaits(t *testing.T) {
	o := newOffice(t)
	mai, lan := o.at(o.person("mai", staff.Maintainer)), o.at(o.person("lan", staff.Auditor))
	const hour, says = 60 * 60, "From %s on, what one person proposes goes out after an hour already"
	shorter := func() staff.Register {
		t.Helper()
		r, err := o.Staff.SetDelay(t.Context(), time.Hour, time.Now().Unix())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	at := func(when int64) staff.Register {
		t.Helper()
		r, err := o.Staff.Register(t.Context(), when)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := shorter()
	if waits := r.Since - time.Now().Unix(); waits < 24*hour-60 || waits > 24*hour || r.Waits(r.Since-1) != 24*hour {
		t.Errorf("it holds in %d seconds: %+v", waits, r)
	}
	for _, who := range []*browser{mai, lan} {
		for _, path := range []string{"/queue", "/me", "/proposal", "/no-such-page"} {
			_, body := who.get(path)
			o.sees(body, fmt.Sprintf(says, words.Moment("en", r.Since)), "Keep the delay as it is")
		}
	}
	if status, _, _ := o.ask("POST", "/proposal/delay", "", nil); status != http.StatusUnauthorized || at(r.Since-1).Next != hour {
		t.Errorf("a stranger keeps it: %d", status)
	}
	if status, _ := lan.post("/proposal/delay", nil); status != http.StatusSeeOther {
		t.Errorf("%d", status)
	}
	if kept := at(r.Since + 365*24*hour); kept.Delay != 24*hour || kept.Next != 0 {
		t.Errorf("it came all the same: %+v", kept)
	}
	_, body := mai.get("/queue")
	o.sees(body, "!Keep the delay as it is")
	log, err := o.Desk.Log(t.Context(), audit.Filter{Actor: "lan", Object: "register"}, 1)
	if err != nil || len(log) != 1 || log[0].Verb != audit.KeepDelay {
		t.Errorf("%+v, %v", log, err)
	}

	// Nobody keeps it: it holds from then on, and nobody is told any more.
	r = shorter()
	if before, after := at(r.Since-1), at(r.Since); before.Delay != 24*hour || after.Delay != hour || after.Next != 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	// Nor does it come sooner by being said twice.
	if again := shorter(); again.Since < r.Since {
		t.Errorf("said twice it holds at %d and not at %d", again.Since, r.Since)
	}
}

// Who has proposed a release leaves; somebody else comes in under that name, by two people. What was proposed before is
// nobody's.
func TestAProposedReleaseEndsWithWhoMadeIt(t *testing.T) {
	o := newOffice(t)
	an, linh := o.at(o.person("an", staff.Admin)), o.at(o.person("linh", staff.Approver))
	vy := o.at(o.person("vy", staff.Approver))
	o.person("mai", staff.Maintainer)
	o.imported("shop.example/")
	o.propose("mai")
	_, body := vy.get("/publish")
	o.sees(body, "mai has proposed it")
	an.confirm("/people/leave", map[string][]string{"name": {"mai"}})
	_, body = vy.get("/publish")
	o.sees(body, "!mai has proposed it; you make it two")
	an.invites("mai", staff.Maintainer)
	_, link := linh.agrees("mai")
	o.enrolled("mai", link)
	_, body = vy.get("/publish")
	o.sees(body, "!mai has proposed it; you make it two")
}
