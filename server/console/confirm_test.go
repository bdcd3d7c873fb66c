package console

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/ledger"
	"khien/server/staff"
	"khien/shared/subject"
	"khien/shared/wire"
)

// The digest is over all that changes: another subject, reason or order is another digest, and so is another act.
func TestADigestIsOverAllOfAChange(t *testing.T) {
	seen := map[string]string{}
	for name, c := range map[string]change{
		"one": {Key: "confirm.second", What: []any{"scam.example/", 1}}, "another subject": {Key: "confirm.second", What: []any{"scam.example/a", 1}},
		"another number": {Key: "confirm.second", What: []any{"scam.example/", 2}}, "another act": {Key: "confirm.leave", What: []any{"scam.example/", 1}},
	} {
		digest, err := c.digest()
		if err != nil || len(digest) != 64 {
			t.Fatalf("%s: %q, %v", name, digest, err)
		}
		if other, ok := seen[digest]; ok {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[digest] = name
	}
}

var digestField = regexp.MustCompile(`name="digest" value="([0-9a-f]{64})"`)

// Without the passkey's signature nothing is published, whatever the form says; and what would change is shown anew.
func TestNothingIsPublishedWithoutAPasskey(t *testing.T) {
	o := newOffice(t)
	session := o.person("mai", staff.Maintainer)
	o.report(wire.Report{Href: "https://scam.example/"}, "a")
	o.ask("POST", "/cases/1/list", session, url.Values{"lists": {"scam.example/"}, "category": {"shop"}, "days": {"365"}})
	_, body, _ := o.ask("GET", "/publish", session, nil)
	shown := digestField.FindStringSubmatch(body)
	if shown == nil || !strings.Contains(body, "scam.example/") {
		t.Fatalf("the plan does not show what is added:\n%s", body)
	}
	for what, form := range map[string]url.Values{
		"an empty form": nil, "the digest alone": {"digest": {shown[1]}}, "an invented signature": {"digest": {shown[1]}, "assertion": {"{}"}},
		"another digest": {"digest": {strings.Repeat("0", 64)}, "assertion": {"{}"}},
	} {
		status, body, _ := o.ask("POST", "/publish", session, form)
		if status != 409 || !strings.Contains(body, shown[1]) {
			t.Errorf("%s: %d", what, status)
		}
	}
	if _, err := o.Publisher.Blobs.Head(); err == nil {
		t.Error("it was published")
	}
}

// The page shows, and the passkey signs, what changes beside the list too: here somebody edits the official names, and
// then the hotlines, after the page was opened.
func TestWhatIsSaidBesideTheListIsConfirmed(t *testing.T) {
	o := newOffice(t)
	session := o.person("mai", staff.Maintainer)
	o.Publisher.Official, o.Publisher.Help = t.TempDir(), filepath.Join(t.TempDir(), "help.json")
	if _, err := o.Desk.Release(t.Context(), o.Publisher, o.Inbox, "mai", audit.Why{}, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	digest := func(words ...string) string {
		t.Helper()
		_, body, _ := o.ask("GET", "/publish", session, nil)
		o.sees(body, words...)
		shown := digestField.FindStringSubmatch(body)
		if shown == nil {
			t.Fatalf("there is nothing to confirm:\n%s", body)
		}
		return shown[1]
	}
	_, body, _ := o.ask("GET", "/publish", session, nil)
	o.sees(body, "There is nothing to publish")
	write(filepath.Join(o.Publisher.Official, "ours.txt"), "real-bank.example | The Real Bank\n")
	names := digest("Official names", "real-bank.example | The Real Bank")
	write(o.Publisher.Help, `{"help":[{"country":"SE","checked":"2026-11-24","steps":{},"hotlines":[{"kind":"phone","value":"11414","name":{"en":"Police"},"what":{"en":"Fraud"},"cases":[],"source":"https://police.example/"}]}]}`)
	both := digest("Official names", "Help and hotlines", "SE phone 11414")
	if names == both {
		t.Error("another hotline has the same digest")
	}
	status, body, _ := o.ask("POST", "/publish", session, url.Values{"digest": {names}, "assertion": {"{}"}})
	if status != 409 || !strings.Contains(body, both) {
		t.Errorf("what was confirmed before it changed: %d", status)
	}
}

// The server stood still for 700 days, or its clock has jumped: the page asks before it shows what a release would
// change, and whoever says that the clock is right confirms that too. What is over at once takes two people, as on the
// command line.
func TestAClockThatIsWrongIsAQuestion(t *testing.T) {
	o := newOffice(t)
	mai, linh := o.person("mai", staff.Maintainer), o.person("linh", staff.Approver)
	then := time.Now().Unix() - 700*24*60*60
	for i := range 60 {
		one := ledger.Indicator{Subject: subject.Subject(fmt.Sprintf("shop-%d.example/", i)), FirstSeen: then, Lapses: then + 90*24*60*60}
		if err := o.Publisher.Ledger.List(t.Context(), "mai", one); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Desk.Release(t.Context(), o.Publisher, o.Inbox, "mai", audit.Why{}, then); err != nil {
		t.Fatal(err)
	}
	before, err := o.Publisher.Blobs.Head()
	if err != nil {
		t.Fatal(err)
	}
	status, body, _ := o.ask("GET", "/publish", mai, nil)
	o.sees(body, "Is this server&#39;s clock right?", "60 of 60 entries", "The clock is right: it is")
	if status != 200 || digestField.MatchString(body) {
		t.Errorf("%d, and there is something to confirm", status)
	}
	for _, form := range []url.Values{nil, {"digest": {strings.Repeat("0", 64)}, "assertion": {"{}"}}} {
		status, body, _ := o.ask("POST", "/publish", mai, form)
		if o.sees(body, "Is this server&#39;s clock right?"); status != 409 {
			t.Errorf("it is confirmed unasked: %d", status)
		}
	}
	_, body, _ = o.ask("GET", "/publish?clock=right", mai, nil)
	o.sees(body, "You say that it is right", "Two people confirm what reaches everybody", "60 are taken off")
	shown := digestField.FindStringSubmatch(body)
	if shown == nil || !strings.Contains(body, `name="clock" value="right"`) {
		t.Fatalf("there is nothing to confirm:\n%s", body)
	}
	o.Publisher.ClockIsRight = true
	o.propose("mai")
	o.Publisher.ClockIsRight = false
	_, body, _ = o.ask("GET", "/publish", linh, nil)
	if digestField.MatchString(body) {
		t.Error("the second person isn't asked")
	}
	_, body, _ = o.ask("GET", "/publish?clock=right", linh, nil)
	o.sees(body, "mai has proposed it; you make it two")
	shown = digestField.FindStringSubmatch(body)
	status, body, _ = o.ask("POST", "/publish", linh, url.Values{"clock": {"right"}, "digest": {shown[1]}, "assertion": {"{}"}})
	if status != 409 || !strings.Contains(body, shown[1]) {
		t.Errorf("without a passkey: %d", status)
	}
	if after, err := o.Publisher.Blobs.Head(); err != nil || string(after) != string(before) {
		t.Errorf("something was published: %v", err)
	}
}

// Nobody is asked to confirm what cannot be: to forget no passkey, one that is not theirs, or the last.
func TestOnlyAPasskeyOfOnesOwnIsForgotten(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	for _, id := range []string{"", "00", "no hex"} {
		if status, body, _ := o.ask("POST", "/me/forget", mai, url.Values{"passkey": {id}}); status != 404 || strings.Contains(body, "data-confirm") {
			t.Errorf("%q is %d", id, status)
		}
	}
	status, body, _ := o.ask("POST", "/me/forget", mai, url.Values{"passkey": {hex.EncodeToString(o.fingers[mai].id)}})
	if o.sees(body, "Without this passkey you could not come in"); status != 422 {
		t.Errorf("the last one is %d", status)
	}
}
