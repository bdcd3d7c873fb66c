package console

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"khien/server/staff"
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
