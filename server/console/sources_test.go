package console

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/staff"
)

// sends has a source of this name send a list, and asks for it.
func (o *office) sends(folder, name string, lines ...string) exchange.Run {
	o.t.Helper()
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.Exchange.Get(o.t.Context(), name); err != nil {
		s := exchange.Source{Name: name, Address: file, Preset: feed.Preset{Name: "lines", Format: "lines"}, Trust: exchange.List}
		if err := o.Exchange.Add(o.t.Context(), "an@shell", s); err != nil {
			o.t.Fatal(err)
		}
	}
	r, err := o.Exchange.Run(o.t.Context(), "an@shell", name, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

// A list that is not what its source usually sends waits: whoever is in sees it on every page, and who publishes
// decides about it with a passkey over exactly what it would change.
func TestAListOfASourceWaits(t *testing.T) {
	o := newOffice(t)
	folder := t.TempDir()
	mai, chi := o.at(o.person("mai", staff.Maintainer)), o.person("chi", staff.Auditor)
	o.sends(folder, "partner", "one.example", "two.example", "three.example", "four.example", "five.example", "google.com")
	if r := o.sends(folder, "partner", "one.example", "<b>not an address</b>"); r.State != exchange.Waiting {
		t.Fatal(r.State)
	}
	_, body, _ := o.ask("GET", "/queue", chi, nil)
	o.sees(body, `Sources <b>1</b>`)
	_, body, _ = o.ask("GET", "/sources", chi, nil)
	o.sees(body, "partner", "a list waits", "!<form method=\"post\" action=\"/sources\">")
	_, body, _ = o.ask("GET", "/sources/partner", chi, nil)
	o.sees(body, "List 2 waits for a person", "80% fewer than in the list before", "four.example/", "&lt;b&gt;not", "!<b>not an", "!/accept", "!/pause")
	for _, path := range []string{"/accept", "/drop", "/remove", "/edit", "/run"} {
		if status, _, _ := o.ask("POST", "/sources/partner"+path, chi, url.Values{"run": {"2"}}); status != http.StatusForbidden {
			t.Errorf("an auditor may %s: %d", path, status)
		}
	}
	_, body = mai.get("/sources/partner")
	o.sees(body, "/accept", "/drop", "/pause")
	// Nothing happens without the passkey, nor to another run.
	if status, asked := mai.post("/sources/partner/accept", url.Values{"run": {"2"}}); status != http.StatusOK || !strings.Contains(asked, "0 new, 0 changed, 4 gone") {
		t.Errorf("%d %s", status, asked)
	}
	if status, _ := mai.post("/sources/partner/accept", url.Values{"run": {"1"}}); status != http.StatusConflict {
		t.Errorf("a run that waits no more is accepted with %d", status)
	}
	if r, _ := o.Exchange.GetRun(t.Context(), 2); r.State != exchange.Waiting {
		t.Error(r.State)
	}
	if status, _, answer := mai.confirm("/sources/partner/drop", url.Values{"run": {"2"}, "why": {"the server was broken"}}); status != http.StatusSeeOther {
		t.Fatal(status, answer)
	}
	_, body = mai.get("/sources/partner")
	o.sees(body, "Dropped: what it said before stands.", "dropped")
	o.sends(folder, "partner", "one.example", "two.example", "google.com")
	if status, _, answer := mai.confirm("/sources/partner/accept", url.Values{"run": {"3"}}); status != http.StatusSeeOther {
		t.Fatal(status, answer)
	}
	_, body = mai.get("/sources/partner")
	o.sees(body, "Taken: 0 came on the list and 3 left it", "!waits for a person", "it would cover protected names below it")
	_, body, _ = o.ask("GET", "/audit", chi, nil)
	o.sees(body, "the server was broken", "confirmed with passkey", "accept a list that waited")
}

// A source is connected, changed, paused and removed in the console; only addresses that everybody may ask are taken
// there, and no secret is shown.
func TestASourceIsConnectedInTheConsole(t *testing.T) {
	o := newOffice(t)
	mai := o.at(o.person("mai", staff.Approver))
	_, body := mai.get("/sources")
	o.sees(body, "There is no source yet.", `<option value="certpl-json">`)
	form := func(address string) url.Values {
		return url.Values{"name": {"partner"}, "preset": {"certpl-txt"}, "address": {address}, "trust": {"second"}, "category": {"shop"}}
	}
	for _, bad := range []string{"/etc/passwd", "http://lists.example/", "file:///etc/passwd", "https://mai:secret@lists.example/"} {
		if status, _, _ := mai.confirm("/sources", form(bad)); status != http.StatusUnprocessableEntity {
			if _, err := o.Exchange.Get(t.Context(), "partner"); err == nil {
				t.Errorf("%s is connected", bad)
			}
		}
	}
	if status, _, answer := mai.confirm("/sources", form("https://lists.example/all.txt?token=s3cr3t")); status != http.StatusSeeOther {
		t.Fatal(status, answer)
	}
	if status, _ := mai.post("/sources", form("https://lists.example/")); status != http.StatusConflict {
		t.Errorf("a second one of the name: %d", status)
	}
	_, body = mai.get("/sources/partner")
	o.sees(body, "lists[.]example/all.txt?…", "!s3cr3t", "not asked yet", "if another source says so too")
	s, err := o.Exchange.Get(t.Context(), "partner")
	if err != nil || s.Trust != exchange.List || s.Rule != exchange.Second || s.Private || s.Plain {
		t.Fatalf("%+v %v", s, err)
	}
	if status, _ := mai.post("/sources/partner/edit", url.Values{"minutes": {"15"}, "trust": {"second"}}); status != http.StatusSeeOther {
		t.Error(status)
	}
	if status, asked := mai.post("/sources/partner/edit", url.Values{"minutes": {"15"}, "trust": {"every"}}); status != http.StatusOK || !strings.Contains(asked, "Leaving the list") {
		t.Errorf("more trust takes no passkey: %d", status)
	}
	if s, _ = o.Exchange.Get(t.Context(), "partner"); s.Every != 15*60 || s.Rule != exchange.Second {
		t.Errorf("%+v", s)
	}
	if status, _, _ := mai.confirm("/sources/partner/edit", url.Values{"minutes": {"15"}, "trust": {"queue"}}); status != http.StatusSeeOther {
		t.Error(status)
	}
	for _, act := range []struct{ path, told, state string }{
		{"/pause", "It is not asked any more.", "paused"}, {"/resume", "It is asked again.", "not asked yet"}, {"/run", "asks for it within seconds", "not asked yet"},
		{"/remove", "Below is a button that undoes it.", "removed"}, {"/restore", "It is back", "not asked yet"},
	} {
		if status, _, answer := mai.confirm("/sources/partner"+act.path, nil); status != http.StatusSeeOther {
			t.Fatal(act.path, status, answer)
		}
		_, body = mai.get("/sources/partner")
		o.sees(body, act.told, act.state)
	}
	o.sees(body, "!/restore")
}

// Before a source is removed, the reader sees what rests on it alone.
func TestWhatASourceHoldsAloneIsSeenBeforeItGoes(t *testing.T) {
	o := newOffice(t)
	folder := t.TempDir()
	mai := o.at(o.person("mai", staff.Approver))
	o.sends(folder, "one", "both.example", "alone.example")
	o.sends(folder, "two", "both.example")
	_, asked, _ := mai.confirm("/sources/one/remove", nil)
	o.sees(asked, "2 things, of which 2 are on the list.", "as nothing else keeps it there: 1<")
	if s, err := o.Exchange.Get(t.Context(), "one"); err != nil || s.Removed == 0 {
		t.Error(s.Removed, err)
	}
}
