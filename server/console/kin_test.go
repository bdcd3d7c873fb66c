package console

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
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

// A kit on its page: each subject with what ties it to the others; nothing of it comes with a tick; what is listed is
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
		"2 reports, 2 sources, 2 with a note or a picture", `value="`+value("bank-lucky.example/")+`">`, `value="`+value("honest-shop.example/")+`">`, "Take out", "<b data-ticked>0</b>",
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
	if _, err := o.Desk.Release(t.Context(), o.Publisher, o.Inbox, "mai", audit.Why{}, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	o.report(wire.Report{Href: "https://new-bank.example/", Links: []string{boss}}, "d")
	fresh, err := o.Desk.Named(t.Context(), "new-bank.example/")
	if err != nil || fresh.State != triage.StateOpen || fresh.Subjects != 1 {
		t.Fatalf("%+v, %v", fresh, err)
	}
	_, page, _ = o.ask("GET", fmt.Sprintf("/cases/%d", fresh.ID), mai, nil)
	o.sees(page, "Of the kit of case 1, listed on ")
	_, page, _ = o.ask("GET", fmt.Sprintf("/cases/%d", fresh.ID), mai+"; __Host-khien-lang=vi", nil)
	o.sees(page, "Cùng bộ trang với vụ 1, vào danh sách ngày ")
}

// Two reports say that an honest florist leads where a kit leads. Whichever way the kit is listed then, the florist is
// not: on its own page and on that of the kit nothing is ticked for it, and among many cases whatever links have tied
// to something is left to be looked at, also what was left open when the kit was listed, was taken out, or came after
// it.
func TestAnHonestFloristInAKit(t *testing.T) {
	const florist = "honest-florist.example/"
	attack := func(o *office) {
		for _, from := range []string{"x", "y"} {
			o.report(wire.Report{Href: "https://" + florist, Links: []string{boss}}, from)
		}
	}
	listKit := func(o *office, mai string) {
		form := url.Values{"category": {"phishing"}, "days": {"30"}, "lists": {value("lucky-bank.example/"), value("bank-lucky.example/")}}
		if status, page, _ := o.ask("POST", "/cases/1/list", mai, form); status != 303 {
			o.t.Fatalf("listing: %d\n%s", status, page)
		}
	}
	f := func(what string, do func(o *office, mai string)) {
		t.Helper()
		t.Run(what, func(t *testing.T) {
			t.Helper()
			o := newOffice(t)
			mai := o.person("mai", staff.Maintainer)
			do(o, mai)
			// Everything that is open is selected in the queue, looked at in bulk, and listed.
			o.ask("GET", "/queue", mai, nil)
			open, err := o.Desk.First(t.Context(), triage.PartOpen, 50)
			if err != nil {
				t.Fatal(err)
			}
			form := url.Values{"action": {"list"}, "days": {"30"}}
			for _, c := range open {
				form.Add("id", fmt.Sprint(c.ID))
			}
			if len(open) > 0 {
				_, page, _ := o.ask("POST", "/queue/many", mai, form)
				o.sees(page, "only the word of strangers ties it to other pages")
				o.ask("POST", "/queue/many/decide", mai, form)
			}
			where, err := o.Desk.Named(t.Context(), florist)
			if err != nil || where.State != triage.StateOpen {
				t.Fatalf("the florist is in %+v, %v", where, err)
			}
			_, page, _ := o.ask("GET", fmt.Sprintf("/cases/%d", where.ID), mai, nil)
			o.sees(page, `value="`+value(florist)+`">`, "!"+`value="`+value(florist)+`" checked`)
			o.settle()
			if _, err := o.Publisher.Ledger.Get(t.Context(), florist); err == nil {
				t.Error("the florist is listed")
			}
		})
	}
	f("beside the kit", func(o *office, _ string) { o.kit(); attack(o) })
	f("first, so that the case is called by it", func(o *office, _ string) { attack(o); o.kit() })
	f("left open when the kit is listed", func(o *office, mai string) {
		o.kit()
		attack(o)
		o.ask("GET", "/queue", mai, nil)
		listKit(o, mai)
	})
	f("after the kit was listed", func(o *office, mai string) {
		o.kit()
		o.ask("GET", "/queue", mai, nil)
		listKit(o, mai)
		attack(o)
	})
	f("listed, undone and listed again", func(o *office, mai string) {
		o.kit()
		attack(o)
		o.ask("GET", "/queue", mai, nil)
		listKit(o, mai)
		if status, _, _ := o.ask("POST", "/cases/1/undo", mai, nil); status != 303 {
			o.t.Fatalf("undoing: %d", status)
		}
	})
	f("taken out, and the rest merged with another case", func(o *office, mai string) {
		o.kit()
		attack(o)
		o.report(wire.Report{Href: "https://another-kit.example/"}, "c")
		o.ask("GET", "/queue", mai, nil)
		if status, _, _ := o.ask("POST", "/cases/1/split", mai, url.Values{"name": {florist}, "whole": {"1"}}); status != 303 {
			o.t.Fatalf("taking out: %d", status)
		}
		other, err := o.Desk.Named(o.t.Context(), "another-kit.example/")
		if err != nil {
			o.t.Fatal(err)
		}
		o.ask("POST", "/cases/1/merge", mai, url.Values{"into": {fmt.Sprint(other.ID)}})
	})
	f("a florist of two shops that a person has merged", func(o *office, mai string) {
		o.report(wire.Report{Href: "https://" + florist}, "c")
		o.report(wire.Report{Href: "https://florist-too.example/"}, "d")
		o.ask("GET", "/queue", mai, nil)
		if status, _, _ := o.ask("POST", "/cases/2/merge", mai, url.Values{"into": {"1"}}); status != 303 {
			o.t.Fatalf("merging: %d", status)
		}
		attack(o)
		for _, from := range []string{"a", "b"} {
			o.report(wire.Report{Href: "https://lucky-bank.example/login", Links: []string{boss}}, from)
		}
	})
	f("two shops that a person has merged, joined with two pages that a person has merged", func(o *office, mai string) {
		for i, page := range []string{florist, "florist-too.example/", "lucky-bank.example/", "bank-lucky.example/"} {
			o.report(wire.Report{Href: "https://" + page}, fmt.Sprint(i))
		}
		for from, into := range map[string]string{"2": "1", "4": "3"} {
			if status, _, _ := o.ask("POST", "/cases/"+from+"/merge", mai, url.Values{"into": {into}}); status != 303 {
				o.t.Fatalf("merging: %d", status)
			}
		}
		attack(o)
		for _, from := range []string{"a", "b"} {
			o.report(wire.Report{Href: "https://lucky-bank.example/", Links: []string{boss}}, from)
		}
		if c, err := o.Desk.Named(o.t.Context(), florist); err != nil || c.Subjects != 4 {
			o.t.Fatalf("%+v, %v", c, err)
		}
	})
}

// Deciding about many cases lists what people alone have put together, and what stands alone.
func TestWhatIsListedAmongMany(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	o.report(wire.Report{Href: "https://one-shop.example/"}, "a")
	o.report(wire.Report{Href: "https://shop-one.example/"}, "b")
	o.report(wire.Report{Href: "https://alone.example/", Links: []string{"telegram:user/nobody_else"}}, "c")
	o.ask("GET", "/queue", mai, nil)
	if status, _, _ := o.ask("POST", "/cases/2/merge", mai, url.Values{"into": {"1"}}); status != 303 {
		t.Fatalf("merging: %d", status)
	}
	form := url.Values{"action": {"list"}, "id": {"1", "3"}, "days": {"30"}}
	_, page, _ := o.ask("POST", "/queue/many", mai, form)
	o.sees(page, "List 3 things")
	if status, _, _ := o.ask("POST", "/queue/many/decide", mai, form); status != 303 {
		t.Fatalf("deciding: %d", status)
	}
	c, err := o.Desk.Get(t.Context(), 1)
	if err != nil || len(c.Lists) != 2 || c.Rest != 0 {
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
	o.sees(page, "The 51 subjects of this case", "<b data-ticked>0</b>")
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
