package console

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"khien/server/staff"
	"khien/shared/wire"
)

// Nobody waits for the draft of a long list: the page is there at once, and shows it when it is made. What is decided
// afterwards is in the next one, and what is confirmed is drafted anew.
func TestTheDraftOfALongListIsMadeBeside(t *testing.T) {
	o := newOffice(t)
	o.sketches.long = 0
	o.imported("shop.example/")
	mai := o.person("mai", staff.Maintainer)
	if _, err := o.Publisher.Publish(t.Context(), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	drafted := func() string {
		t.Helper()
		for {
			status, body, h := o.ask("GET", "/publish", mai, nil)
			if status != http.StatusOK {
				t.Fatal(status, body)
			}
			if h.Get("Refresh") == "" {
				return body
			}
			o.sees(body, "is being put together", "!data-confirm")
			o.sketches.mu.Lock()
			s := o.sketches.last[false]
			o.sketches.mu.Unlock()
			<-s.done
		}
	}
	o.sees(drafted(), "nothing to publish")
	o.report(wire.Report{Href: "https://another.example/"}, "a")
	if status, body, _ := o.ask("POST", "/cases/1/list", mai, url.Values{"lists": {"another.example/"}, "category": {"shop"}, "days": {"30"}}); status != http.StatusSeeOther {
		t.Fatal(status, body)
	}
	body := drafted()
	o.sees(body, "another.example", "data-confirm")
	first := o.sketches.last[false]
	if drafted(); o.sketches.last[false] != first {
		t.Error("it was drafted again though nothing was done")
	}
	// Behind the page's back: what is confirmed is not what there is.
	o.imported("third.example/")
	digest := regexp.MustCompile(`name="digest" value="([0-9a-f]+)"`).FindStringSubmatch(body)
	status, body, _ := o.ask("POST", "/publish", mai, url.Values{"digest": {digest[1]}})
	if status != http.StatusConflict {
		t.Errorf("what was drafted before is %d", status)
	}
	o.sees(body, "third.example")
}
