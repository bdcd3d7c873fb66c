package console

import (
	"fmt"
	"html"
	"net/http/httptest"
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
	"khien/server/takedown"
	"khien/server/triage"
	"khien/server/words"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// lists puts something on the list, as a release would, and follows it to its platform.
func (o *office) lists(s subject.Subject, reason map[string]string) {
	o.t.Helper()
	i := ledger.Indicator{Subject: s, Category: category.Shop, Source: "report", FirstSeen: time.Now().Unix(), Reason: reason}
	if err := o.Publisher.Ledger.List(o.t.Context(), "mai", i); err != nil {
		o.t.Fatal(err)
	}
	o.followed()
}

// followed has a release of what is on the list now followed to the platforms.
func (o *office) followed() takedown.Followed {
	o.t.Helper()
	ctx, book, now := o.t.Context(), o.Publisher.Ledger, time.Now().Unix()
	releases, err := book.Releases(ctx, 0)
	if err != nil {
		o.t.Fatal(err)
	}
	decided, err := book.Seq(ctx)
	if err == nil {
		err = book.Issue(ctx, ledger.Issue{Seq: decided, Release: ledger.Release{Sequence: uint64(len(releases) + 1), Issued: now, Expires: now + 1, Head: []byte("signed")}})
	}
	if err != nil {
		o.t.Fatal(err)
	}
	done, err := o.Takedowns.Follow(ctx, book, now)
	if err != nil {
		o.t.Fatal(err)
	}
	return done
}

func (o *office) sees(body string, words ...string) {
	o.t.Helper()
	for _, word := range words {
		if gone, ok := strings.CutPrefix(word, "!"); ok == strings.Contains(body, gone) {
			o.t.Errorf("the page and %q:\n%s", word, body)
		}
	}
}

func TestATakedownToItsEnd(t *testing.T) {
	o := newOffice(t)
	lan, chi := o.person("lan", staff.Liaison), o.person("chi", staff.Auditor)
	o.lists("facebook:user/inventedshop", map[string]string{"en": "never delivers", "vi": "không giao hàng"})
	_, body, _ := o.ask("GET", "/takedowns", lan, nil)
	o.sees(body, "Facebook account inventedshop", "Prepared", "we must act", "due in ")
	_, body, _ = o.ask("GET", "/takedowns/1", lan, nil)
	o.sees(body, "https://www.facebook.com/inventedshop", "sender.txt")
	if status, body, _ := o.ask("GET", "/takedowns/1/letter?lang=vi", lan, nil); status != 422 {
		t.Errorf("a letter from nobody is %d: %s", status, body)
	}

	if err := os.MkdirAll(o.Letters, 0o700); err != nil {
		t.Fatal(err)
	}
	sender := "organisation Invented Office\ncontact takedown@office.example\ndomain office.example\n"
	if err := os.WriteFile(filepath.Join(o.Letters, "sender.txt"), []byte(sender), 0o600); err != nil {
		t.Fatal(err)
	}
	_, body, _ = o.ask("GET", "/takedowns/1", lan, nil)
	o.sees(body, "To Facebook", "never delivers", "Draft in Vietnamese")
	_, body, h := o.ask("GET", "/takedowns/1/letter?lang=vi&as=mail", lan, nil)
	if h.Get("Content-Type") != "message/rfc822" || h.Get("Content-Disposition") != `attachment; filename="khien-takedown-1.eml"` || !strings.HasPrefix(body, "From: ") {
		t.Errorf("the draft is %v\n%s", h, body)
	}
	_, body, h = o.ask("GET", "/takedowns/1/xarf", lan, nil)
	if h.Get("Content-Type") != "application/json" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || !strings.Contains(body, `"xarf_version": "4.0.0"`) {
		t.Errorf("the report is %v\n%s", h, body)
	}
	if status, _, _ := o.ask("GET", "/takedowns/1/letter?lang=de", lan, nil); status != 404 {
		t.Errorf("a letter in German is %d", status)
	}

	// An auditor sees the case, and neither writes nor changes anything.
	_, body, _ = o.ask("GET", "/takedowns/1", chi, nil)
	o.sees(body, "Facebook account inventedshop", "!<form method=\"post\" action=\"/takedowns", "!To Facebook")

	step := func(state takedown.State, theirs string, want int) {
		t.Helper()
		status, body, _ := o.ask("POST", "/takedowns/1/state", lan, url.Values{"state": {string(state)}, "theirs": {theirs}, "why": {"seen"}})
		if status != want {
			t.Errorf("%s: %d, want %d: %s", state, status, want, body)
		}
	}
	step(takedown.Refused, "", 409)
	step("nonsense", "", 422)
	step(takedown.Sent, strings.Repeat("x", 300), 422)
	step(takedown.Sent, "FB-4711", 303)
	step(takedown.ActionTaken, "", 303)
	_, body, _ = o.ask("GET", "/takedowns/1", lan, nil)
	o.sees(body, "Action taken", "FB-4711", "Noted: action taken.", "Take the last step back")
	if status, _, _ := o.ask("POST", "/takedowns/1/undo", lan, nil); status != 303 {
		t.Errorf("taking it back is %d", status)
	}
	o.report(wire.Report{Href: "https://www.facebook.com/invented.shop"}, "a")
	_, body, _ = o.ask("GET", "/cases/1", lan, nil)
	o.sees(body, "Takedown 1: Sent")
	_, body, _ = o.ask("GET", "/takedowns?state=sent", lan, nil)
	o.sees(body, "Facebook account inventedshop", "the platform must act")
	step(takedown.ActionTaken, "", 303)
	_, body, _ = o.ask("GET", "/takedowns", lan, nil)
	o.sees(body, "100%", "!<ol class=\"line\"")
}

func TestAppealsInTheConsole(t *testing.T) {
	o := newOffice(t)
	mai, lan := o.person("mai", staff.Maintainer), o.person("lan", staff.Liaison)
	o.lists("shop.example/", map[string]string{"en": "never delivers"})
	o.lists("other.example/", nil)
	o.report(wire.Report{Kind: wire.KindMistake, Href: "https://shop.example/about", Note: "It is mine."}, "a")
	o.report(wire.Report{Kind: wire.KindMistake, Href: "https://other.example/", Note: "Mine too."}, "b")

	// They stand in their own line, with the clock, and not among what is to be listed.
	_, body, _ := o.ask("GET", "/appeals", mai, nil)
	o.sees(body, "Website shop.example", "Website other.example", "due in ")
	_, body, _ = o.ask("GET", "/queue", mai, nil)
	o.sees(body, "!Website shop.example")
	_, body, _ = o.ask("GET", "/appeals/1", mai, nil)
	o.sees(body, "It is mine.", "never delivers", "They are right")
	_, body, _ = o.ask("GET", "/appeals/1", lan, nil)
	o.sees(body, "It is mine.", "!They are right")

	both := func(extra ...string) url.Values {
		v := url.Values{"reason_en": {"an honest shop"}, "reason_vi": {"cửa hàng thật"}, "why": {"trade register"}}
		for i := 0; i < len(extra); i += 2 {
			v.Set(extra[i], extra[i+1])
		}
		return v
	}
	f := func(path string, form url.Values, want int) {
		t.Helper()
		if status, body, _ := o.ask("POST", path, mai, form); status != want {
			t.Errorf("%s is %d, want %d: %s", path, status, want, body)
		}
	}
	f("/appeals/1/withdraw", both("lists", "shop.example/", "reason_vi", ""), 422)
	f("/appeals/1/withdraw", both("lists", "other.example/"), 422)
	f("/appeals/1/withdraw", both("lists", "shop.example/", "reason_en", strings.Repeat("x", 5000)), 422)
	f("/appeals/1/withdraw", both("lists", "shop.example/"), 303)
	f("/appeals/1/uphold", both(), 409)
	_, body, _ = o.ask("GET", "/appeals", mai, nil)
	o.sees(body, "leaves with the next release")
	f("/appeals/2/uphold", both(), 303)
	f("/appeals/2/uphold", both(), 409)
	_, body, _ = o.ask("GET", "/appeals/2", mai, nil)
	o.sees(body, "No objection waits", "cửa hàng thật", "stayed")

	o.settle()
	e, err := o.Publisher.Ledger.Entry(t.Context(), "shop.example/")
	if err != nil || e.Withdrawn == 0 || e.Taken["vi"] != "cửa hàng thật" {
		t.Errorf("%+v, %v", e, err)
	}
	if waiting, err := o.Desk.First(t.Context(), triage.PartAppealed, 100); err != nil || len(waiting) != 0 {
		t.Errorf("%+v, %v", waiting, err)
	}
	var said []string
	for a, err := range o.Desk.Acts(t.Context(), audit.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Actor == "mai" {
			said = append(said, a.What("en")+" · "+a.Object.String()+" · "+a.Because("en"))
		}
	}
	want := "take off the list shop.example/ · case 1 · trade register\nleave it on the list, against 1 objection · case 2 · trade register"
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("the log says\n%s\nwant\n%s", got, want)
	}
}

// What took two people to list takes two to take off, and the pages say so in the reader's language.
func TestAnObjectionToWhatReachesFar(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	o.lists("shop.github.io/", nil)
	o.report(wire.Report{Kind: wire.KindMistake, Href: "https://shop.github.io/", Note: "It is mine."}, "a")
	_, body, _ := o.ask("GET", "/appeals/1", mai+"; __Host-khien-lang=vi", nil)
	o.sees(body, "Cần hai người đồng ý: một trang thuộc github.io")
	form := url.Values{"lists": {"shop.github.io/"}, "reason_en": {"an honest shop"}, "reason_vi": {"cửa hàng thật"}}
	if status, body, _ := o.ask("POST", "/appeals/1/withdraw", mai, form); status != 303 {
		t.Fatalf("%d: %s", status, body)
	}
	if c, err := o.Desk.Get(t.Context(), 1); err != nil || c.State != triage.StateProposed {
		t.Errorf("%+v, %v", c, err)
	}
	_, body, _ = o.ask("GET", "/publish", mai, nil)
	o.sees(body, "1 proposal waits for a second person", "!is taken off")

	// Listed in another way, it waits for two when the release goes out.
	if err := o.Publisher.Ledger.List(t.Context(), "mai", ledger.Indicator{Subject: "page.github.io/", FirstSeen: 1}); err != nil {
		t.Fatal(err)
	}
	_, body, _ = o.ask("GET", "/publish", mai, nil)
	o.sees(body, "2 wait for two people: they reach far", "page.github.io/", "Two people confirm what reaches everybody")
}

// A case that was listed and is decided anew: its page says what a rejection takes off the list, the plan shows it, and
// a release does what was planned.
func TestAListedCaseIsRejectedAnew(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	o.report(wire.Report{Href: "https://shop.example/"}, "a")
	do := func(path string, form url.Values) {
		t.Helper()
		if status, body, _ := o.ask("POST", path, mai, form); status != 303 {
			t.Fatalf("%s is %d: %s", path, status, body)
		}
	}
	do("/cases/1/list", url.Values{"lists": {"shop.example/"}, "category": {"shop"}, "days": {"0"}})
	if c, err := o.Desk.Get(t.Context(), 1); err != nil || c.Reason["pl"] != category.Shop.How("pl") {
		t.Errorf("the draft has no Polish: %q, %v", c.Reason, err)
	}
	if _, err := o.Desk.Release(t.Context(), o.Publisher, o.Inbox, "mai", audit.Why{}, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	do("/cases/1/reopen", nil)
	_, body, _ := o.ask("GET", "/cases/1", mai, nil)
	o.sees(body, "leaves the list with the next release")
	do("/cases/1/reject", url.Values{"reason_en": {"an honest shop"}, "reason_vi": {"cửa hàng thật"}})
	_, body, _ = o.ask("GET", "/publish", mai, nil)
	o.sees(body, "taken off")
	ctx, err := o.sessions.Load(t.Context(), strings.TrimPrefix(mai, "khien-console="))
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{Console: o.Console, r: httptest.NewRequestWithContext(ctx, "GET", origin+"/publish", nil), lang: "en"}
	p, err := v.plan()
	if err != nil || p.Removed.Count != 1 {
		t.Fatalf("%+v, %v", p.Edition, err)
	}
	if _, err := o.Desk.ReleasePlanned(t.Context(), o.Publisher, o.Inbox, "mai", audit.Why{}, time.Now().Unix(), p.Planned); err != nil {
		t.Error(err)
	}
	e, err := o.Publisher.Ledger.Entry(t.Context(), "shop.example/")
	if err != nil || e.Withdrawn == 0 || e.Taken["vi"] != "cửa hàng thật" {
		t.Errorf("%+v, %v", e, err)
	}
}

// Whoever agrees as the second person is told, and signs, what leaves the list for it.
func TestTheSecondPersonIsToldWhatIsReplaced(t *testing.T) {
	o := newOffice(t)
	mai, linh := o.person("mai", staff.Maintainer), o.person("linh", staff.Approver)
	o.report(wire.Report{Href: "https://an-invented-page.github.io/pay"}, "a")
	list := func(name string) {
		t.Helper()
		form := url.Values{"lists": {name}, "category": {"shop"}, "days": {"0"}}
		if status, body, _ := o.ask("POST", "/cases/1/list", mai, form); status != 303 {
			t.Fatalf("%s: %d: %s", name, status, body)
		}
	}
	list("an-invented-page.github.io/pay")
	if _, err := o.Desk.Release(t.Context(), o.Publisher, o.Inbox, "mai", audit.Why{}, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := o.ask("POST", "/cases/1/reopen", mai, nil); status != 303 {
		t.Fatalf("opening it again is %d", status)
	}
	list("an-invented-page.github.io/")
	_, body, _ := o.ask("POST", "/cases/1/second", linh, nil)
	o.sees(body, "Take Web page an-invented-page.github.io/pay off the list, which an earlier decision had put there")
	before := digestField.FindStringSubmatch(body)
	if err := o.Publisher.Ledger.Withdraw(t.Context(), "mai", "an-invented-page.github.io/pay", map[string]string{"en": "it is gone"}); err != nil {
		t.Fatal(err)
	}
	_, body, _ = o.ask("POST", "/cases/1/second", linh, nil)
	o.sees(body, "!off the list")
	if after := digestField.FindStringSubmatch(body); before == nil || after == nil || before[1] == after[1] {
		t.Errorf("the passkey signs the same, whatever leaves the list: %q, %q", before, after)
	}
}

// Who asks about an entry quotes its number as the warning shows it.
func TestACaseIsFound(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	o.report(wire.Report{Href: "https://shop.example/a"}, "a")
	for _, text := range []string{"1", "KH-C1", " kh-c1 ", "shop.example", "hxxps://shop[.]example/b"} {
		if _, _, h := o.ask("GET", "/find?q="+url.QueryEscape(text), mai, nil); h.Get("Location") != "/cases/1" {
			t.Errorf("%q leads to %q", text, h.Get("Location"))
		}
	}
	for _, text := range []string{"2", "KH-C2", "KH-C", "KH-C-1", "what?", ""} {
		if _, _, h := o.ask("GET", "/find?q="+url.QueryEscape(text), mai, nil); h.Get("Location") != "/queue" {
			t.Errorf("%q leads to %q", text, h.Get("Location"))
		}
	}
}

// A form may be written by hand: what is listed, split off and noted is held to the case all the same.
func TestFormsThatNoPageHas(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	o.report(wire.Report{Href: "https://shop.example/a"}, "a")
	o.report(wire.Report{Href: "https://shop.example/b"}, "b")
	second := make([]byte, 16)
	copy(second, "bhttps://shop.example/b")
	f := func(path string, form url.Values, want int, words ...string) {
		t.Helper()
		status, body, _ := o.ask("POST", path, mai, form)
		if status != want {
			t.Errorf("%s is %d, want %d: %s", path, status, want, body)
		}
		o.sees(body, words...)
	}
	listing := func(s string) url.Values { return url.Values{"lists": {s}, "category": {"shop"}, "days": {"30"}} }
	f("/cases/1/list", listing("honest.example/"), 422, "No report of this case is about honest.example/")
	f("/cases/1/list", listing("facebook:user/somebody"), 422)
	f("/cases/1/list", listing("vietcombank.com.vn/"), 422)
	f("/cases/1/list", listing("shop.example/c"), 303) // a page of it
	f("/cases/1/undo", nil, 303)
	f("/cases/1/reject", url.Values{"why": {strings.Repeat("x", 2001)}}, 422, "at most 2000")
	f("/cases/1/split", url.Values{"name": {"shop.example/b"}, "report": {"zz"}}, 404)
	f("/cases/1/split", url.Values{"name": {"shop.example/b"}, "report": {strings.Repeat("0", 32)}}, 404)
	f("/cases/1/split", url.Values{"name": {"shop.example/b"}}, 422, "Select the reports")
	f("/cases/1/split", url.Values{"name": {"shop.example/b"}, "report": {fmt.Sprintf("%x", second)}}, 303)
	if c, err := o.Desk.Of(t.Context(), second); err != nil || c.Subject != "shop.example/b" || c.Reports != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// Whatever stands in reports, reasons and references stands in these pages as text.
func TestNothingRunsInCasePages(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	for i, attack := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</textarea></pre><script>alert(1)</script>`, `' autofocus onfocus='alert(1)`} {
		host := subject.Subject("attack-" + string(rune('a'+i)) + ".example/")
		o.lists(host, map[string]string{"en": attack, "vi": attack})
		shop := subject.Subject("tiktok:user/attack." + string(rune('a'+i)))
		o.lists(shop, map[string]string{"en": attack, "vi": attack})
		o.report(wire.Report{Kind: wire.KindMistake, Subjects: []string{string(host)}, Note: attack, Title: attack}, attack)
		c, err := o.Takedowns.Of(t.Context(), shop)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Takedowns.Move(t.Context(), c.ID, takedown.Move{Actor: attack, To: takedown.Sent, Theirs: attack, Why: attack}, time.Now().Unix()); err != nil {
			t.Fatal(err)
		}
		waiting, err := o.Desk.First(t.Context(), triage.PartAppealed, 100)
		if err != nil || len(waiting) == 0 {
			t.Fatalf("%+v, %v", waiting, err)
		}
		id := waiting[0].ID
		pages := []string{"/appeals", "/takedowns", "/takedowns?state=sent&platform=" + url.QueryEscape(attack)}
		for _, c := range waiting {
			pages = append(pages, "/appeals/"+words.Digits("en", int(c.ID)))
		}
		pages = append(pages, "/takedowns/"+words.Digits("en", int(c.ID)))
		for _, path := range pages {
			if _, body, _ := o.ask("GET", path, mai, nil); strings.Contains(body, "alert(1)</script>") || strings.Contains(body, "<img src=x") || strings.Contains(body, " onfocus='") {
				t.Errorf("%s runs %q:\n%s", path, attack, body)
			}
		}
		if _, err := o.Desk.Uphold(t.Context(), o.Inbox, id, attack, map[string]string{"en": attack, "vi": attack}, audit.Why{Text: attack}); err != nil {
			t.Fatal(err)
		}
		if _, body, _ := o.ask("GET", "/appeals/"+words.Digits("en", int(id)), mai, nil); strings.Contains(body, attack) {
			t.Errorf("an answer runs %q", attack)
		}
	}
}

func TestWhenSomethingIsDue(t *testing.T) {
	f := func(left int64, want string) {
		t.Helper()
		if got := due("en", 1_000_000+left, 1_000_000); got != want {
			t.Errorf("due(%d) = %q, want %q", left, got, want)
		}
	}
	f(3*24*3600, "due in 3 days")
	f(47*3600, "due in 47 hours")
	f(3600, "due in an hour")
	f(-7200, "2 hours late")
	f(-5*24*3600, "5 days late")
	if got := due("vi", 0, triage.AppealDays*24*3600); got != "trễ 3 ngày" {
		t.Error(got)
	}
}

// A release with many cases shows them by pages, and each once.
func TestAReleaseOfManyCases(t *testing.T) {
	few = 3
	t.Cleanup(func() { few = 50 })
	o := newOffice(t)
	session := o.person("mai", staff.Approver)
	for n := range 8 {
		o.report(wire.Report{Href: fmt.Sprintf("https://shop-%d.example/", n)}, fmt.Sprint(n))
	}
	o.sql(`UPDATE cases SET state = 'rejected', action = 'reject', settled = 1, published = 1`)
	if err := o.Desk.Record(t.Context(), audit.Act{Time: 1, Actor: "mai", Verb: audit.Publish, Object: audit.Numbered[uint64](audit.OfRelease, 1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Publisher.Publish(t.Context(), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for page, left := "/releases/1", 10; page != "" && left > 0; left-- {
		_, body, _ := o.ask("GET", page, session, nil)
		if !strings.Contains(body, "8 cases") {
			t.Fatalf("%s:\n%s", page, body)
		}
		for _, m := range regexp.MustCompile(`href="(/cases/\d+)"`).FindAllStringSubmatch(body, -1) {
			seen[m[1]]++
		}
		page = ""
		if m := regexp.MustCompile(`href="(/releases/1\?after=[^"]*)"`).FindStringSubmatch(body); m != nil {
			page = html.UnescapeString(m[1])
		}
	}
	if len(seen) != 8 {
		t.Errorf("%v", seen)
	}
	for link, n := range seen {
		if n != 1 {
			t.Errorf("%s is on %d pages", link, n)
		}
	}
}

// Of what is listed near a thing, so much is counted and no more.
func TestMuchIsListedNearby(t *testing.T) {
	o := newOffice(t)
	session := o.person("mai", staff.Approver)
	list := make([]ledger.Indicator, ledger.MaxNear+50)
	for n := range list {
		list[n] = ledger.Indicator{Subject: subject.Subject(fmt.Sprintf("pages.example/%d", n)), Category: category.Other, Source: "invented list", Reason: map[string]string{"en": "never delivers"}}
	}
	if _, _, err := o.Publisher.Ledger.Import(t.Context(), "mai", list); err != nil {
		t.Fatal(err)
	}
	some, all, err := o.Publisher.Ledger.Near(t.Context(), "pages.example/", 3)
	if err != nil || len(some) != 3 || all != ledger.MaxNear+1 {
		t.Errorf("%d of %d, %v", len(some), all, err)
	}
	o.report(wire.Report{Href: "https://pages.example/"}, "a")
	if _, body, _ := o.ask("GET", "/cases/1", session, nil); !strings.Contains(body, "more than 1,000 other pages listed") {
		t.Error(body)
	}
}
