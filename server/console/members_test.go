package console

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/staff"
	"khien/server/triage"
	"khien/server/words"
	"khien/shared/wire"
)

var linkField = regexp.MustCompile(`id="link" readonly value="([^"]+)"`)

// link is the invitation that a page shows, or empty.
func link(page string) string {
	if found := linkField.FindStringSubmatch(page); found != nil {
		return found[1]
	}
	return ""
}

// invites has an admin invite somebody, who confirms it with the passkey; returns the link, where there is one at once.
func (b *browser) invites(name string, role staff.Role) string {
	b.o.t.Helper()
	_, _, answer := b.confirm("/people/invite", url.Values{"name": {name}, "role": {string(role)}})
	return link(answer)
}

// proposal is the number of what is proposed about somebody; 0 where nothing is.
func (o *office) proposal(name string) string {
	o.t.Helper()
	all, err := o.Staff.Proposals(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, p := range all {
		if p.Name == name {
			return fmt.Sprint(p.ID)
		}
	}
	return "0"
}

// agrees confirms what is proposed about somebody; returns the status and the link.
func (b *browser) agrees(name string) (int, string) {
	b.o.t.Helper()
	status, _, answer := b.confirm("/people/confirm", url.Values{"id": {b.o.proposal(name)}})
	return status, link(answer)
}

// enrolled is somebody who has followed a link.
func (o *office) enrolled(name, link string) *browser {
	o.t.Helper()
	b := o.browser(name)
	if status, text := b.enrol(link); status != http.StatusOK {
		o.t.Fatalf("%s did not come in: %d %s", name, status, text)
	}
	return b
}

func (o *office) is(name string) staff.Person {
	o.t.Helper()
	all, err := o.Staff.All(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, p := range all {
		if p.Name == name {
			return p
		}
	}
	return staff.Person{}
}

// An admin makes two puppets and publishes what takes two. The first one comes in, since there is nobody else, and
// waits; the second never does.
func TestAnAdminAloneMakesNoTwoPuppets(t *testing.T) {
	o := newOffice(t)
	an := o.at(o.person("an", staff.Admin))
	first := an.invites("puppet-1", staff.Maintainer)
	if first == "" {
		t.Fatal("the first person besides the only one gets no link")
	}
	for _, role := range []staff.Role{staff.Maintainer, staff.Approver, staff.Admin} {
		if an.invites("puppet-2", role) != "" {
			t.Errorf("a second %s got a link before the first came in", role)
		}
	}
	puppet := o.enrolled("puppet-1", first)
	if an.invites("puppet-2", staff.Approver) != "" {
		t.Error("a second puppet got a link")
	}
	// Neither of them confirms it: the one has proposed it, the word of the other does not count yet.
	if status, got := an.agrees("puppet-2"); status != http.StatusConflict || got != "" {
		t.Errorf("an admin confirms what the same admin proposes: %d, %q", status, got)
	}
	status, body := puppet.post("/people/confirm", url.Values{"id": {o.proposal("puppet-2")}})
	if o.sees(body, "Your word does not count yet"); status != http.StatusForbidden {
		t.Errorf("who came in a minute ago confirms: %d", status)
	}
	// What the first decides waits too.
	o.report(wire.Report{Href: "https://bank.example/"}, "a")
	status, body = puppet.post("/cases/1/list", url.Values{"lists": {"bank.example/"}, "category": {"shop"}, "days": {"30"}})
	if o.sees(body, "Your word does not count yet"); status != http.StatusForbidden {
		t.Errorf("who came in a minute ago decides: %d", status)
	}
	if _, body := puppet.get("/queue"); !strings.Contains(body, "your word counts from "+words.Moment("en", o.is("puppet-1").Counts)) {
		t.Error("nobody says when the word counts")
	}
	for _, person := range []*browser{an, puppet} {
		if _, body := person.get("/people"); !strings.Contains(body, "counts from "+words.Moment("en", o.is("puppet-1").Counts)) {
			t.Error("the list of people does not say since when somebody's word counts")
		}
	}
	if p := o.is("puppet-2"); p.Name != "" {
		t.Errorf("there is %+v", p)
	}
	var log []string
	for a, err := range o.Desk.Acts(t.Context(), audit.Filter{Object: "person puppet-1"}) {
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, a.Actor+": "+a.What("en"))
	}
	if got := strings.Join(log, "; "); !strings.HasPrefix(got, "an: invite as maintainer; puppet-1: make passkey ") {
		t.Errorf("the log says %s", got)
	}
	// Three days later two people can do what two people can, and the next one waits as well.
	o.days(3)
	status, second := puppet.agrees("puppet-2")
	if status != http.StatusOK || second == "" {
		t.Fatalf("two people can't invite a third: %d", status)
	}
	next := o.enrolled("puppet-2", second)
	if status, _ := next.post("/queue/many/second", url.Values{"id": {"1"}}); status != http.StatusForbidden {
		t.Errorf("an approver who came in a minute ago agrees: %d", status)
	}
}

// Whoever waits is refused at each door that weighs, and at no other.
func TestWhoIsNewWaitsAtEachDoor(t *testing.T) {
	o := newOffice(t)
	for _, role := range []staff.Role{staff.Maintainer, staff.Approver, staff.Admin} {
		b := o.at(o.person("new-"+string(role), role))
		o.sql(`UPDATE person SET counts = ? WHERE name = ?`, time.Now().Unix()+3600, "new-"+string(role))
		for _, one := range routes {
			method, pattern, _ := strings.Cut(one.Pattern, " ")
			weighs := one.Right == staff.Decide || one.Right == staff.Second || one.Right == staff.Publish || one.Right == staff.Answer || one.Right == staff.Invite || one.Right == staff.Vouch
			if one.Right == everybody || !weighs || !role.May(one.Right) {
				continue
			}
			status, body, _ := b.send(method, strings.ReplaceAll(pattern, "{id}", "1"), "application/x-www-form-urlencoded", "")
			if status != http.StatusForbidden || !strings.Contains(body, "does not count yet") {
				t.Errorf("%s as a new %s is %d", one.Pattern, role, status)
			}
		}
	}
}

// The brothers: ways to be two people that are one.
func TestOnePersonIsNoTwo(t *testing.T) {
	o := newOffice(t)
	an, mai, linh := o.at(o.person("an", staff.Admin)), o.at(o.person("mai", staff.Maintainer)), o.at(o.person("linh", staff.Approver))
	bao := o.at(o.person("bao", staff.Admin))

	t.Run("who raises their own role needs another", func(t *testing.T) {
		an.invites("an", staff.Approver)
		if status, _ := an.agrees("an"); status != http.StatusConflict || o.is("an").Role != staff.Admin {
			t.Errorf("%d, %s", status, o.is("an").Role)
		}
	})
	t.Run("whom it is about does not confirm it", func(t *testing.T) {
		an.invites("mai", staff.Approver)
		if status, _ := mai.agrees("mai"); status != http.StatusConflict || o.is("mai").Role != staff.Maintainer {
			t.Errorf("%d, %s", status, o.is("mai").Role)
		}
	})
	t.Run("what somebody proposed who was locked out since is void, also when they are in again", func(t *testing.T) {
		bao.invites("puppet", staff.Approver)
		id := o.proposal("puppet")
		if status, _, _ := an.confirm("/people/suspend", url.Values{"name": {"bao"}}); status != http.StatusSeeOther {
			t.Fatalf("suspending is %d", status)
		}
		if status, got := mai.post("/people/confirm", url.Values{"id": {id}}); status != http.StatusNotFound {
			t.Errorf("%d: %s", status, got)
		}
		an.invites("bao", staff.Admin)
		if status, _ := linh.agrees("bao"); status != http.StatusSeeOther {
			t.Fatalf("two people don't let bao in again: %d", status)
		}
		if status, _ := mai.post("/people/confirm", url.Values{"id": {id}}); status != http.StatusNotFound {
			t.Errorf("an old proposal came back: %d", status)
		}
		if p := o.is("bao"); !p.In() || p.Waits(1) == 0 {
			t.Errorf("who is in again does not wait: %+v", p)
		}
	})
	t.Run("a signature for one proposal is none for another that took its place", func(t *testing.T) {
		an.invites("vy", staff.Maintainer)
		_, page := mai.post("/people/confirm", url.Values{"id": {o.proposal("vy")}})
		digest := digestField.FindStringSubmatch(page)[1]
		assertion := mai.assertion(digest)
		an.invites("vy", staff.Approver)
		_, answer := mai.post("/people/confirm", url.Values{"id": {o.proposal("vy")}, "digest": {digest}, "assertion": {assertion}})
		if o.sees(answer, "no longer what you confirmed"); link(answer) != "" || o.is("vy").Name != "" {
			t.Error("it counted for another role")
		}
	})
	t.Run("nobody is let in by who may not, whoever asks", func(t *testing.T) {
		for _, b := range []*browser{mai, linh, o.at(o.person("tam", staff.Liaison)), o.at(o.person("sen", staff.Auditor))} {
			if status, _ := b.post("/people/invite", url.Values{"name": {"x1"}, "role": {"auditor"}}); status != http.StatusForbidden {
				t.Errorf("%d", status)
			}
		}
		if status, _ := o.at(o.person("sen", staff.Auditor)).post("/people/confirm", url.Values{"id": {o.proposal("vy")}}); status != http.StatusForbidden {
			t.Errorf("an auditor confirms: %d", status)
		}
	})
	t.Run("a proposal older than a week is none", func(t *testing.T) {
		id := o.proposal("vy")
		o.days(8)
		if status, _ := mai.post("/people/confirm", url.Values{"id": {id}}); status != http.StatusNotFound {
			t.Errorf("%d", status)
		}
	})
	t.Run("two accounts with one passkey, or in one browser", func(t *testing.T) {
		made, got := an.invites("x2", staff.Auditor), an.invites("x3", staff.Liaison)
		x2 := o.enrolled("x2", made)
		if status, answer := x2.enrol(got); status != http.StatusConflict || !strings.Contains(answer, "Sign out first") {
			t.Errorf("one browser made passkeys for two: %d %s", status, answer)
		}
		twin := o.browser("x3")
		twin.finger = &finger{id: x2.finger.id, key: x2.finger.key}
		if status, answer := twin.enrol(got); status != http.StatusConflict {
			t.Errorf("one passkey is of two people: %d %s", status, answer)
		}
		twin.finger = &finger{id: []byte("another id"), key: x2.finger.key}
		if status, answer := twin.enrol(got); status != http.StatusConflict {
			t.Errorf("one key under two names is of two people: %d %s", status, answer)
		}
	})
}

// A link that leaked, was used, withdrawn or is old lets nobody in.
func TestALinkThatIsNoneAnyMore(t *testing.T) {
	o := newOffice(t)
	an := o.at(o.person("an", staff.Admin))
	o.person("mai", staff.Maintainer)
	f := func(what string, makes func() string) {
		t.Helper()
		if status, answer := o.browser("thief").enrol(makes()); status != http.StatusNotFound {
			t.Errorf("a link %s: %d %s", what, status, answer)
		}
	}
	f("that was used", func() string {
		link := an.invites("x1", staff.Auditor)
		o.enrolled("x1", link)
		return link
	})
	f("in place of which there is another", func() string {
		link := an.invites("x2", staff.Auditor)
		an.invites("x2", staff.Auditor)
		return link
	})
	f("whose person has left", func() string {
		link := an.invites("x3", staff.Auditor)
		an.confirm("/people/leave", url.Values{"name": {"x3"}})
		return link
	})
	f("whose person is suspended", func() string {
		link := an.invites("x4", staff.Auditor)
		an.confirm("/people/suspend", url.Values{"name": {"x4"}})
		return link
	})
	f("older than a day", func() string {
		link := an.invites("x5", staff.Auditor)
		o.days(2)
		return link
	})
	// One that was made on a laptop that is lost: the passkey there is removed, or the person gets another role.
	f("made before a passkey was removed", func() string {
		lost, phone := o.at(o.person("lan", staff.Approver)), o.at(o.person("lan", staff.Approver))
		_, _, answer := lost.confirm("/me/passkey", nil)
		phone.confirm("/me/forget", url.Values{"passkey": {fmt.Sprintf("%x", lost.finger.id)}})
		return link(answer)
	})
	f("made before another role", func() string {
		hoa, linh := o.at(o.person("hoa", staff.Maintainer)), o.at(o.person("linh", staff.Approver))
		_, _, answer := hoa.confirm("/me/passkey", nil)
		an.invites("hoa", staff.Approver)
		linh.agrees("hoa")
		return link(answer)
	})
	// One that is followed while it is withdrawn.
	thief := o.browser("thief")
	path := strings.TrimPrefix(an.invites("x6", staff.Auditor), origin)
	_, options, _ := thief.send("POST", path+"/begin", "application/json", "{}")
	an.confirm("/people/leave", url.Values{"name": {"x6"}})
	if status, _, _ := thief.send("POST", path+"/finish", "application/json", thief.finger.makes(t, options)); status != http.StatusNotFound {
		t.Errorf("a link that was withdrawn meanwhile: %d", status)
	}
}

// Whoever is removed, leaves, is suspended, gets another role or removes the passkey is out, with what the session was
// about to do.
func TestASessionEndsWithWhatItIsOf(t *testing.T) {
	o := newOffice(t)
	an, linh := o.at(o.person("an", staff.Admin)), o.at(o.person("linh", staff.Approver))
	f := func(what string, does func(name string, mai *browser)) {
		t.Helper()
		name := strings.ReplaceAll("of-"+what, " ", "-")
		mai := o.at(o.person(name, staff.Maintainer))
		if status, _ := mai.get("/queue"); status != http.StatusOK {
			t.Fatalf("%s is not in: %d", name, status)
		}
		_, page := mai.post("/me/passkey", nil)
		digest := digestField.FindStringSubmatch(page)[1]
		assertion := mai.assertion(digest)
		does(name, mai)
		if status, answer := mai.post("/me/passkey", url.Values{"digest": {digest}, "assertion": {assertion}}); status != http.StatusUnauthorized || link(answer) != "" {
			t.Errorf("%s: what was half done is done: %d", what, status)
		}
		if status, _ := mai.get("/queue"); status != http.StatusUnauthorized {
			t.Errorf("%s: the session goes on: %d", what, status)
		}
	}
	f("left", func(name string, _ *browser) { an.confirm("/people/leave", url.Values{"name": {name}}) })
	f("suspended", func(name string, _ *browser) { an.confirm("/people/suspend", url.Values{"name": {name}}) })
	f("another role", func(name string, _ *browser) {
		an.invites(name, staff.Approver)
		linh.agrees(name)
	})
	f("left and invited again", func(name string, _ *browser) {
		an.confirm("/people/leave", url.Values{"name": {name}})
		an.invites(name, staff.Maintainer)
		_, link := linh.agrees(name)
		o.enrolled(name, link)
	})
	f("passkey removed", func(name string, mai *browser) {
		_, _, answer := mai.confirm("/me/passkey", nil)
		other := o.enrolled(name, link(answer))
		if status, _, _ := other.confirm("/me/forget", url.Values{"passkey": {fmt.Sprintf("%x", mai.finger.id)}}); status != http.StatusSeeOther {
			t.Fatalf("removing a passkey is %d", status)
		}
		if status, _ := other.get("/queue"); status != http.StatusOK {
			t.Errorf("the other passkey's session ended too: %d", status)
		}
	})
}

// Somebody without a say whose laptop was lost is locked out as anybody is: the passkey there lets nobody in again
// before two people say so.
func TestTwoLetInWhoWasSuspended(t *testing.T) {
	o := newOffice(t)
	an, linh := o.at(o.person("an", staff.Admin)), o.at(o.person("linh", staff.Approver))
	for _, role := range []staff.Role{staff.Liaison, staff.Auditor, staff.Maintainer} {
		name := "the-" + string(role)
		laptop := o.at(o.person(name, role))
		an.confirm("/people/suspend", url.Values{"name": {name}})
		if link := an.invites(name, role); link != "" || o.is(name).In() {
			t.Errorf("one admin lets %s in again", name)
		}
		if status, _ := laptop.signIn(); status == http.StatusOK {
			t.Errorf("the passkey of %s lets somebody in", name)
		}
		if status, _ := linh.agrees(name); status != http.StatusSeeOther || !o.is(name).In() {
			t.Errorf("two people don't let %s in again: %d", name, status)
		}
	}
}

// An admin who removes everybody else is not alone by it: nobody is let in by one, not even who was removed.
func TestNobodyBecomesTheOnlyOne(t *testing.T) {
	o := newOffice(t)
	an := o.at(o.person("an", staff.Admin))
	for _, name := range []string{"mai", "linh"} {
		o.person(name, staff.Approver)
		if status, _, _ := an.confirm("/people/leave", url.Values{"name": {name}}); status != http.StatusSeeOther {
			t.Fatalf("%d", status)
		}
	}
	for _, name := range []string{"puppet", "mai"} {
		if an.invites(name, staff.Approver) != "" {
			t.Errorf("%s got a link", name)
		}
		if status, got := an.agrees(name); status != http.StatusConflict || got != "" {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, _, _ := an.confirm("/people/suspend", url.Values{"name": {"an"}}); status != http.StatusConflict {
		t.Errorf("the only admin locked themself out: %d", status)
	}
	// The command line can, after three days in which it is seen and stopped by anybody.
	if _, waits, err := o.Staff.Alone(t.Context(), "root"+triage.Shell, "mai", staff.Approver); err != nil || !waits.Alone() {
		t.Fatalf("%+v, %v", waits, err)
	}
	_, body := an.get("/queue")
	o.sees(body, "2 things about who may enter wait")
	_, body = an.get("/people")
	o.sees(body, "Somebody on the command line does this alone from")
	if status, _ := an.post("/people/confirm", url.Values{"id": {o.proposal("mai")}}); status != http.StatusNotFound && status != http.StatusConflict {
		t.Errorf("an admin confirms at once what the command line wants: %d", status)
	}
	if status, _ := an.post("/people/stop", url.Values{"id": {o.proposal("mai")}}); status != http.StatusSeeOther {
		t.Errorf("%d", status)
	}
	o.days(3)
	if link, waits, err := o.Staff.Alone(t.Context(), "root"+triage.Shell, "mai", staff.Approver); err != nil || link != "" || !waits.Alone() {
		t.Errorf("what was stopped is done: %q, %v", link, err)
	}
	o.days(3)
	if link, _, err := o.Staff.Alone(t.Context(), "root"+triage.Shell, "mai", staff.Approver); err != nil || link == "" {
		t.Errorf("nobody gets in ever again: %v", err)
	}
}

// An admin shuts out everybody who could stop a release, before or after it is proposed: it waits until they had time
// to be heard.
func TestWhoShutsOthersOutGainsNothing(t *testing.T) {
	o := newOffice(t)
	an, mai := o.at(o.person("an", staff.Admin)), o.at(o.person("mai", staff.Maintainer))
	o.person("linh", staff.Approver)
	o.person("bao", staff.Approver)
	o.imported("shop.example/")
	due := func() int64 {
		t.Helper()
		p, err := o.Desk.Proposed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p.Due - time.Now().Unix()
	}
	o.propose("mai")
	if got := due(); got > 24*60*60 {
		t.Fatalf("it waits %d seconds", got)
	}
	an.confirm("/people/suspend", url.Values{"name": {"linh"}})
	if got := due(); got < staff.Wait-60 {
		t.Errorf("after somebody was suspended, it goes out in %d seconds", got)
	}
	p, err := o.Desk.Proposed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mai.post("/proposal/stop", url.Values{"id": {fmt.Sprint(p.ID)}, "why": {"to propose it anew, with a day"}})
	an.confirm("/people/leave", url.Values{"name": {"bao"}})
	_, page := mai.get("/publish")
	digest := digestField.FindStringSubmatch(page)[1]
	mai.post("/publish", url.Values{"digest": {digest}, "assertion": {mai.assertion(digest)}})
	if got := due(); got < staff.Wait-60 {
		t.Errorf("proposed after others were locked out, it goes out in %d seconds", got)
	}
	// Three days later it is a day again.
	o.sql(`UPDATE person SET gone = max(0, gone - ?1), suspended = max(0, suspended - ?1)`, staff.Wait+1)
	if r, err := o.Staff.Register(t.Context(), time.Now().Unix()); err != nil || r.Waits(time.Now().Unix()) != 24*60*60 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Who has confirmed an invitation holds its link, and follows it: in the browser in which they are signed in, signed
// out, and in a private window. Neither the first nor, on a device that has a passkey of theirs, the others make a
// puppet; the same goes for who has proposed it.
func TestWhoHasVouchedDoesNotEnrol(t *testing.T) {
	o := newOffice(t)
	an, linh := o.at(o.person("an", staff.Admin)), o.at(o.person("linh", staff.Approver))
	o.person("lan", staff.Auditor)
	an.invites("puppet", staff.Approver)
	_, got := linh.agrees("puppet")
	path := strings.TrimPrefix(got, origin)
	for _, b := range []*browser{linh, an} {
		if status, answer := b.enrol(got); status != http.StatusConflict || !strings.Contains(answer, "Sign out first") {
			t.Errorf("signed in as another: %d %s", status, answer)
		}
		if status, page := b.get(path); status != http.StatusConflict || strings.Contains(page, "data-make") {
			t.Errorf("the page is shown: %d", status)
		}
		if status, _ := b.post("/signout", nil); status != http.StatusSeeOther {
			t.Fatal(status)
		}
	}
	for what, b := range map[string]*browser{"signed out": linh, "in a private window": o.browser("nobody")} {
		status, options, _ := b.send("POST", path+"/begin", "application/json", "{}")
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", what, status, options)
		}
		for _, held := range []*finger{linh.finger, an.finger} {
			if !held.refuses(t, options) {
				t.Errorf("%s: a device with a passkey of theirs makes another person's", what)
			}
		}
		if newFinger(t).refuses(t, options) {
			t.Errorf("%s: a device of somebody else does not", what)
		}
	}
	o.enrolled("puppet", got)
}
