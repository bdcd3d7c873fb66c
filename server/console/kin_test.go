package console

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"khien/server/staff"
	"khien/server/triage"
	"khien/shared/subject"
	"khien/shared/wire"
)

const boss = "telegram:user/invented_boss"

// kit reports two pages of one kit, each by two people, and an honest shop that one person ties to them.
func (o *office) kit() {
	o.t.Helper()
	for _, from := range []string{"a", "b"} {
		o.report(wire.Report{Href: "https://lucky-bank.example/login", Links: []string{boss}}, from)
		o.report(wire.Report{Href: "https://bank-lucky.example/", Links: []string{boss}, Note: "asked for my password"}, from)
	}
	o.report(wire.Report{Href: "https://honest-shop.example/", Links: []string{boss}}, "attacker")
}

func value(s subject.Subject) string { return string(s) + "\t" + string(s) }

// A kit on its page: each subject with what ties it to the others; what one sender alone says comes without a tick; what is listed is
// what was ticked, and everything that follows counts it.
func TestAKitInTheConsole(t *testing.T) {
	o := newOffice(t)
	mai, li := o.person("mai", staff.Maintainer), o.person("li", staff.Liaison)
	o.kit()
	o.report(wire.Report{Href: "https://a-bakery.example/", Links: []string{"a-mill.example/"}}, "c")
	_, page, _ := o.ask("GET", "/queue", mai, nil)
	o.sees(page, "lucky-bank.example", "and 2 more", "a-bakery.example", "!honest-shop.example")
	_, page, _ = o.ask("GET", "/cases/1", mai, nil)
	o.sees(page, "The 3 subjects of this case", "<code>"+boss+"</code>: 2 senders say so, as do 2 others here", "1 sender says so", "one sender&#39;s word",
		"2 reports, 2 sources, 2 with a note or a picture", `value="`+value("bank-lucky.example/")+`" checked`, `value="`+value("honest-shop.example/")+`">`, "Take out", "<b data-ticked>2</b>",
		"hxxps://lucky-bank[.]example/login")
	if _, page, _ := o.ask("GET", "/cases/1", li, nil); strings.Contains(page, "Take out") || strings.Contains(page, "Merge this case into that one") {
		t.Error("who may not decide is offered to")
	}
	if status, page, _ := o.ask("POST", "/cases/1/list", mai, url.Values{"category": {"phishing"}, "days": {"30"}}); status != 422 || !strings.Contains(page, "Nothing is ticked") {
		t.Errorf("nothing ticked: %d", status)
	}
	form := url.Values{"category": {"phishing"}, "days": {"30"}, "lists": {value("lucky-bank.example/"), value("bank-lucky.example/")}}
	if status, page, _ := o.ask("POST", "/cases/1/list", mai, form); status != 303 {
		t.Fatalf("listing: %d\n%s", status, page)
	}
	rest, err := o.Desk.Named(t.Context(), "honest-shop.example/")
	if err != nil || rest.State != triage.StateOpen || rest.ID == 1 {
		t.Fatalf("%+v, %v", rest, err)
	}
	at := fmt.Sprintf("/cases/%d", rest.ID)
	_, page, _ = o.ask("GET", at, mai, nil)
	o.sees(page, "Case 1 is accepted: 2 of it will be listed with the next release", "Of the kit of case 1, which is accepted and not published yet", "it waits for one of its own")
	_, page, _ = o.ask("GET", "/publish", mai, nil)
	o.sees(page, "<b>2</b> added", "bank-lucky.example", "2 things", "!honest-shop")
	_, page, _ = o.ask("GET", "/cases/1", mai, nil)
	o.sees(page, "What was not ticked is open in", at)
	if status, _, _ := o.ask("POST", "/cases/1/undo", mai, nil); status != 303 {
		t.Errorf("undoing: %d", status)
	}
	_, page, _ = o.ask("GET", "/cases/1", mai, nil)
	o.sees(page, "The 3 subjects of this case")

	// Taken out, the shop stands alone.
	if status, _, _ := o.ask("POST", "/cases/1/split", mai, url.Values{"name": {"honest-shop.example/"}, "whole": {"1"}}); status != 303 {
		t.Errorf("taking out: %d", status)
	}
	o.report(wire.Report{Href: "https://honest-shop.example/x", Links: []string{boss}}, "another attacker")
	_, page, _ = o.ask("GET", "/cases/1", mai, nil)
	o.sees(page, "The 2 subjects of this case", "Leads to the same place", "honest-shop.example")

	// Listed, and in Vietnamese.
	if status, _, _ := o.ask("POST", "/cases/1/list", mai, form); status != 303 {
		t.Errorf("listing again: %d", status)
	}
	if _, err := o.Desk.Settle(t.Context(), o.Publisher.Ledger, o.Inbox); err != nil {
		t.Fatal(err)
	}
	if err := o.Desk.Published(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	o.report(wire.Report{Href: "https://new-bank.example/", Links: []string{boss}}, "d")
	fresh, err := o.Desk.Named(t.Context(), "new-bank.example/")
	if err != nil || fresh.State != triage.StateOpen || fresh.Subjects != 1 {
		t.Fatalf("%+v, %v", fresh, err)
	}
	_, page, _ = o.ask("GET", fmt.Sprintf("/cases/%d", fresh.ID), mai, nil)
	o.sees(page, "Of the kit of case 1, listed on ")
	_, page, _ = o.ask("GET", fmt.Sprintf("/cases/%d", fresh.ID), mai+"; khien-lang=vi", nil)
	o.sees(page, "Cùng bộ trang với vụ 1, vào danh sách ngày ")
}

// Deciding about many cases lists of each what comes ticked on its page, and leaves alone what has to be looked at.
func TestAKitAmongMany(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	o.kit()
	o.report(wire.Report{Href: "https://weak-one.example/", Links: []string{"phone:+84900000123"}}, "x")
	o.report(wire.Report{Href: "https://weak-two.example/", Links: []string{"phone:+84900000123"}}, "y")
	weak, err := o.Desk.Named(t.Context(), "weak-one.example/")
	if err != nil || weak.Subjects != 2 {
		t.Fatalf("%+v, %v", weak, err)
	}
	form := url.Values{"action": {"list"}, "id": {"1", fmt.Sprint(weak.ID)}}
	_, page, _ := o.ask("POST", "/queue/many", mai, form)
	o.sees(page, "List 2 things", "of 3 in the case", "one sender&#39;s word ties its subjects together", "!honest-shop")
	if status, _, _ := o.ask("POST", "/queue/many/decide", mai, url.Values{"action": {"list"}, "id": {"1"}, "days": {"30"}}); status != 303 {
		t.Fatalf("deciding: %d", status)
	}
	c, err := o.Desk.Get(t.Context(), 1)
	if err != nil || len(c.Lists) != 2 || c.Rest == 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// More than fifty of one case: one person proposes, another agrees, and what the passkey signs names all of them.
func TestMoreThanFiftyOfAKit(t *testing.T) {
	o := newOffice(t)
	mai, linh := o.person("mai", staff.Maintainer), o.person("linh", staff.Approver)
	form := url.Values{"category": {"phishing"}, "days": {"30"}}
	for i := range 51 {
		for _, from := range []string{"a", "b"} {
			o.report(wire.Report{Href: fmt.Sprintf("https://kit-%02d.example/", i), Links: []string{boss}}, fmt.Sprintf("%s%02d", from, i))
		}
		form.Add("lists", value(subject.Subject(fmt.Sprintf("kit-%02d.example/", i))))
	}
	_, page, _ := o.ask("GET", "/cases/1", mai, nil)
	o.sees(page, "The 51 subjects of this case", "<b data-ticked>51</b>", "Two people must agree: 51 subjects at once")
	if status, page, _ := o.ask("POST", "/cases/1/list", mai, form); status != 303 {
		t.Fatalf("%d\n%s", status, page)
	}
	c, err := o.Desk.Get(t.Context(), 1)
	if err != nil || c.State != triage.StateProposed || len(c.Lists) != 51 {
		t.Fatalf("%+v, %v", c, err)
	}
	_, page, _ = o.ask("POST", "/cases/1/second", linh, nil)
	o.sees(page, "kit-00.example", "kit-50.example", "data-confirm")
}
