package console

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/staff"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// raise has sources bring something before people.
func (o *office) raise(kind triage.Kind, name subject.Subject, sources ...string) {
	o.t.Helper()
	err := o.Desk.Recorded(o.t.Context(), func(tx *sql.Tx) ([]audit.Act, error) {
		return nil, triage.Raise(o.t.Context(), tx, []triage.Raised{{Subject: name, Kind: kind, Sources: sources, Category: "phishing", Time: time.Now().Unix()}})
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// Sources name something, list again what mai has taken off, and dispute an entry: each stands where it is decided, and
// its page says what is asked, and why.
func TestWhatSourcesAskInTheConsole(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	_, page, _ := o.ask("GET", "/queue", mai, nil)
	o.sees(page, "!Other lists")
	o.report(wire.Report{Href: "https://reported.example/"}, "a")
	book := o.Publisher.Ledger
	for _, name := range []subject.Subject{"sold.example/", "disputed.example/"} {
		if err := book.List(t.Context(), "khien import", ledger.Indicator{Subject: name, Category: category.Shop, Source: "invented list"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.Withdraw(t.Context(), "mai", "sold.example/", map[string]string{"en": "sold to an honest owner", "vi": "đã bán cho chủ mới"}); err != nil {
		t.Fatal(err)
	}
	o.raise(triage.Candidate, "named.example/", "cert-invented", "bank-list")
	o.raise(triage.Again, "sold.example/", "cert-invented")
	o.raise(triage.Disputed, "disputed.example/", "warning-list")

	_, page, _ = o.ask("GET", "/queue", mai, nil)
	o.sees(page, "Other lists <b>2</b>", "on 2 other lists", "on 1 other list<", "reported.example", "!disputed.example")
	_, page, _ = o.ask("GET", "/queue?part=sourced", mai, nil)
	o.sees(page, `aria-current="page">Other lists <b>2</b>`, "named.example", "sold.example", "!reported.example", "!0 reports", "!0 senders", `name="action" value="list"`, `name="action" value="reject"`)
	if status, _, _ := o.ask("GET", "/queue?part=appealed", mai, nil); status != 404 {
		t.Errorf("a part that is none: %d", status)
	}

	at := func(name subject.Subject) string {
		c, err := o.Desk.Named(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return audit.Numbered(audit.OfCase, c.ID).ID
	}
	_, page, _ = o.ask("GET", "/cases/"+at("named.example/"), mai, nil)
	o.sees(page, "What sources say", "and not listed by that alone: bank-list, cert-invented.", "Kind of scam", "Named since", "!0 reports", "!Ask for more", "!No objection waits")
	_, page, _ = o.ask("GET", "/cases/"+at("sold.example/"), mai, nil)
	o.sees(page, "Asked again: taken off the list by mai on ", "because: “sold to an honest owner”.", "Now listed by cert-invented.")
	_, page, _ = o.ask("GET", "/appeals", mai, nil)
	o.sees(page, "disputed.example", "1 objection")
	disputed := at("disputed.example/")
	_, page, _ = o.ask("GET", "/appeals/"+disputed, mai, nil)
	o.sees(page, "a source says that it is no scam (warning-list).", "They are right: take it off", "It stays", "!No objection waits", "!1 more")
	form := url.Values{"reason_en": {"it takes money"}, "reason_vi": {"lấy tiền của người mua"}, "why": {"looked at it"}}
	if status, page, _ := o.ask("POST", "/appeals/"+disputed+"/uphold", mai, form); status != 303 {
		t.Fatalf("upholding: %d\n%s", status, page)
	}
	_, page, _ = o.ask("GET", "/appeals/"+disputed, mai, nil)
	o.sees(page, "stayed (a source had disputed it)", "it takes money", "!no scam")

	// Rejected, named by one more, and asked again.
	again := at("sold.example/")
	if status, page, _ := o.ask("POST", "/cases/"+again+"/reject", mai, url.Values{"refusal": {"reject.honest"}, "why": {"called the owner"}}); status != 303 {
		t.Fatalf("rejecting: %d\n%s", status, page)
	}
	_, page, _ = o.ask("GET", "/cases/"+again, mai, nil)
	o.sees(page, "!What sources say")
	o.settle()
	o.raise(triage.Again, "sold.example/", "cert-invented", "third-list")
	_, page, _ = o.ask("GET", "/cases/"+again, mai, nil)
	o.sees(page, "Asked again: rejected by mai on ", "because: “called the owner”.", "Now listed by cert-invented, third-list.")
}

// What each source says about the subject of a case stands on its page, whatever it is: nothing of it is a link but an
// address of the web, and nothing turns the page around.
func TestTheClaimsOfACase(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	for n, config := range []string{`{"name":"cert","title":"CERT Invented"}`, `{"name":"warning-list"}`, `{"name":"old"}`} {
		o.sql(`INSERT INTO source (id, name, config, added, removed) VALUES (?, ?, ?, 1700000000, ?)`, n+1, []string{"cert", "warning-list", "old"}[n], config, n/2)
	}
	const insert = `INSERT INTO claim (source, subject, id, address, first, last, came, gone, lapses, turns, weight, hacked, sure, tlp, category, reference, said, print)
		VALUES (?, 'shop.example/', ?, ?, ?, ?, 1764500000, ?, 1800000000, 0, ?, 0, ?, 'amber', ?, ?, ?, 0)`
	o.sql(insert, 1, "id-4711", "https://shop.example:8443/a%5Cb", 1763900000, 1764400000, 0, 0, 80, int64(category.Shop), "https://cert.example/reports/4711?a=1", "takes <b>money</b> \u202egnihton sdnes")
	o.sql(insert, 2, "", "", 0, 0, 0, 2, 0, 0, "javascript:alert(1)", "")
	o.sql(insert, 3, "", "", 0, 0, 1764550000, 1, 0, 0, "https://name:secret@old.example/", "")
	o.raise(triage.Candidate, "shop.example/", "cert")
	c, err := o.Desk.Named(t.Context(), "shop.example/")
	if err != nil {
		t.Fatal(err)
	}
	at := audit.Numbered(audit.OfCase, c.ID).ID
	for _, path := range []string{"/cases/" + at, "/appeals/" + at} {
		_, page, _ := o.ask("GET", path, mai, nil)
		o.sees(page, "CERT Invented", "since 23 Nov 2025", "last seen 29 Nov 2025", "80% sure", "TLP:amber", "id-4711", "hxxps://shop[.]example:8443/a%5Cb",
			`<a href="https://cert.example/reports/4711?a=1" rel="noreferrer noopener nofollow" target="_blank">`, "takes &lt;b&gt;money&lt;/b&gt; ", "!<b>money",
			"warning-list", "says that it is no scam", `!href="javascript`, "javascript[:]alert(1)", "source removed", `!href="https://name`)
	}
}

// The page of sources has what each is worth.
func TestWhatSourcesAreWorth(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	_, page, _ := o.ask("GET", "/sources", mai, nil)
	o.sees(page, "!What they are worth")
	o = newOffice(t)
	mai = o.person("mai", staff.Maintainer)
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("scam.example\nbad.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := exchange.Source{Name: "cert", Title: "CERT Invented", Address: list, Preset: feed.Preset{Name: "list", Format: "lines"}, Trust: exchange.List}
	if err := o.Exchange.Add(t.Context(), "mai", s); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Exchange.Run(t.Context(), "mai", "cert", nil); err != nil {
		t.Fatal(err)
	}
	_, page, _ = o.ask("GET", "/sources", mai, nil)
	o.sees(page, "What they are worth", `<th scope="row">CERT Invented</th><td>2</td><td>2</td><td>0</td><td>–</td>`, "Counted ")
}
