package console

import (
	"net/url"
	"strings"
	"testing"

	"khien/server/staff"
	"khien/shared/wire"
)

func TestPagesOfOneKitStandBesideEachOther(t *testing.T) {
	o := newOffice(t)
	mai, li := o.person("mai", staff.Maintainer), o.person("li", staff.Liaison)
	o.report(wire.Report{Href: "https://lucky-bank.example/", Links: []string{"telegram:user/invented_boss"}}, "a")
	o.report(wire.Report{Href: "https://bank-lucky.example/", Links: []string{"telegram:user/invented_boss"}}, "b")
	o.report(wire.Report{Href: "https://a-bakery.example/", Links: []string{"a-mill.example/"}}, "c")
	_, page, _ := o.ask("GET", "/cases/1", mai, nil)
	if !strings.Contains(page, "Perhaps of the same kit") || !strings.Contains(page, `href="/cases/2"`) || !strings.Contains(page, "<code>telegram:user/invented_boss</code>") {
		t.Errorf("the case beside it is not shown:\n%s", page)
	}
	if _, page, _ := o.ask("GET", "/cases/1", li, nil); strings.Contains(page, "Merge this case into that one") {
		t.Error("who may not decide is offered to merge")
	}
	if _, page, _ := o.ask("GET", "/cases/3", mai, nil); strings.Contains(page, "Perhaps of the same kit") {
		t.Error("the bakery is of a kit")
	}
	if status, _, _ := o.ask("POST", "/cases/1/merge", mai, url.Values{"into": {"2"}}); status != 303 {
		t.Errorf("merging: %d", status)
	}
	if _, page, _ := o.ask("GET", "/cases/2", mai, nil); strings.Contains(page, "Perhaps of the same kit") {
		t.Error("merged, and still beside each other")
	}
}
