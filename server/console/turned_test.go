package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"khien/server/audit"
	"khien/server/staff"
	"khien/shared/wire"
)

// turning are the characters that only say in which direction to go.
const turning = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufdd0\ufdd1"

// turned is what somebody writes so that what stands beside it is read otherwise.
const turned = "שלום 1 " + turning + " gpj.exe"

// turns finds in a page what turns what stands beside it: a direction that nobody sees, or a script from right to left
// that is not set apart.
func turns(t *testing.T, where, page string) (apart int) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *html.Node, set bool)
	walk = func(n *html.Node, set bool) {
		switch {
		case n.Type == html.ElementNode && (n.Data == "textarea" || n.Data == "title"):
			return // of the reader's own text, and a line of its own
		case n.Type == html.ElementNode:
			set = set || n.Data == "bdi" || n.Data == "option"
			for _, a := range n.Attr {
				if a.Key != "value" && strings.ContainsAny(a.Val, turning) {
					t.Errorf("%s: <%s %s=%q>", where, n.Data, a.Key, a.Val)
				}
			}
		case n.Type == html.TextNode:
			if strings.ContainsAny(n.Data, turning) {
				t.Errorf("%s: %q turns what stands beside it", where, n.Data)
			}
			if strings.ContainsAny(n.Data, "שלום") {
				if apart++; !set {
					t.Errorf("%s: %q is not set apart", where, n.Data)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, set)
		}
	}
	walk(root, false)
	return apart
}

// Whatever anybody writes in any field, no page of the console can be read in another order by it.
func TestOthersWordsTurnNothing(t *testing.T) {
	o := newOffice(t)
	an, mai, linh := o.person("an", staff.Admin), o.person("mai", staff.Maintainer), o.person("linh", staff.Approver)
	for i, host := range []string{"one.example", "two.example", "xn--9dbq2a.example", "page.github.io", "four.example", "five.example"} {
		href := "https://" + host + "/" + url.PathEscape(turned) + "?q=" + url.QueryEscape(turned)
		o.report(wire.Report{Href: href, Title: turned, Note: turned, Language: "he", Category: "shop"}, fmt.Sprint("a", i))
		o.report(wire.Report{Href: href, Title: turned, Note: turned}, fmt.Sprint("b", i))
	}
	o.report(wire.Report{Subjects: []string{"telegram:user/invented_" + "name"}, Title: turned, Note: turned}, "c")
	words := func(more ...string) url.Values {
		v := url.Values{"reason_en": {turned}, "reason_vi": {turned}, "why": {turned}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	seen := 0
	visit := func(session, method, path string, form url.Values) {
		t.Helper()
		status, page, h := o.askRaw(method, path, session, form)
		for status == http.StatusSeeOther {
			path = h.Get("Location")
			status, page, h = o.askRaw("GET", path, session, nil)
		}
		if status >= 500 {
			t.Errorf("%s is %d", path, status)
		}
		seen += turns(t, path, page)
	}
	for id, lists := range []string{"one.example/", "two.example/", "xn--9dbq2a.example/", "page.github.io/"} {
		visit(mai, "POST", fmt.Sprintf("/cases/%d/list", id+1), words("lists", lists, "category", "shop", "days", "30"))
	}
	visit(mai, "POST", "/cases/5/reject", words())
	visit(mai, "POST", "/cases/6/ask", words())
	o.report(wire.Report{Kind: wire.KindMistake, Href: "https://one.example/" + url.PathEscape(turned), Note: turned}, "d")
	visit(linh, "POST", "/cases/4/second", words())
	visit(linh, "POST", "/cases/5/undo", words())
	visit(linh, "POST", "/queue/many/undo", url.Values{"id": {"1", "2", "5"}})
	visit(linh, "POST", "/queue/many", url.Values{"id": {"7"}, "action": {"list"}})
	visit(linh, "POST", "/campaigns", url.Values{"name": {"a-card"}, "title_en": {turned}, "title_vi": {turned}, "text_en": {turned}, "text_vi": {turned}, "advice_en": {turned}, "advice_vi": {turned}})
	pages := []string{"/queue", "/queue?part=decided", "/queue?part=proposed", "/queue?part=asked", "/publish", "/appeals", "/takedowns", "/campaigns", "/campaigns/a-card", "/audit", "/people", "/me"}
	for id := range 8 {
		pages = append(pages, fmt.Sprintf("/cases/%d", id+1), fmt.Sprintf("/appeals/%d", id+1))
	}
	for _, path := range pages {
		visit(linh, "GET", path, nil)
	}
	if _, err := o.Desk.Release(t.Context(), o.Publisher, o.Inbox, "linh", audit.Why{Text: turned}, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Takedowns.Follow(t.Context(), o.Publisher.Ledger, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	visit(linh, "POST", "/cases/1/reopen", words())
	visit(linh, "POST", "/appeals/1/withdraw", words("lists", "one.example/"))
	visit(linh, "POST", "/takedowns/1/state", url.Values{"state": {"sent"}, "why": {turned}, "theirs": {turned}})
	for _, path := range append(pages, "/releases/1", "/takedowns/1", "/takedowns/1/letter", "/queue?part=done", "/nothing?q="+url.QueryEscape(turned), "/audit?actor="+url.QueryEscape(turned)) {
		visit(linh, "GET", path, nil)
		visit(an, "GET", path, nil)
	}
	if seen < 100 {
		t.Errorf("only %d texts were seen", seen)
	}
}
