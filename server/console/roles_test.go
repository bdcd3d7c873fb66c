package console

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/staff"
	"khien/shared/wire"
)

var update = flag.Bool("update", false, "rewrite the table in testdata")

// Who may do what is written down, so that a route that gets another right is seen: go test ./server/console -update
// rewrites it. TestRoleMatrix tries each of these for each role.
func TestWhoMayDoWhat(t *testing.T) {
	var lines []string
	for _, one := range routes {
		var who []string
		for _, role := range staff.Roles {
			if one.Right == everybody || one.Right == seen || role.May(one.Right) {
				who = append(who, string(role))
			}
		}
		says := strings.Join(who, " ")
		switch one.Right {
		case everybody:
			says = "everybody, also who is not signed in"
		case seen:
			says = "whoever is signed in"
		}
		lines = append(lines, fmt.Sprintf("%-36s %s", one.Pattern, says))
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	const file = "testdata/roles.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s differs (%v); if that is meant, go test ./server/console -update rewrites it:\n%s", file, err, got)
	}
}

// Nobody is shown a button that leads to "this takes another role", be it that of undoing what was just done.
func TestNoButtonLeadsToARefusal(t *testing.T) {
	o := newOffice(t)
	lan, linh := o.person("lan", staff.Liaison), o.person("linh", staff.Approver)
	sessions := map[staff.Role]string{staff.Liaison: lan, staff.Approver: linh}
	for _, role := range []staff.Role{staff.Maintainer, staff.Auditor, staff.Admin} {
		sessions[role] = o.person("the-"+string(role), role)
	}
	do := func(session, path string, form url.Values) {
		t.Helper()
		if status, body, _ := o.ask("POST", path, session, form); status != http.StatusSeeOther {
			t.Fatalf("%s is %d: %s", path, status, body)
		}
	}
	o.lists("facebook:user/inventedshop", nil)
	o.lists("a-shop.example/", nil)
	for _, href := range []string{"https://open.example/", "https://asked.example/", "https://an-invented-page.github.io/", "https://decided.example/", "https://done.example/"} {
		o.report(wire.Report{Href: href}, "a")
	}
	o.report(wire.Report{Kind: wire.KindMistake, Href: "https://a-shop.example/", Note: "It is mine."}, "b")
	o.sends(t.TempDir(), "partner", "never-met.example")
	o.agrees()
	list := func(name string) url.Values {
		return url.Values{"lists": {name}, "category": {"shop"}, "days": {"30"}}
	}
	do(linh, "/cases/5/list", list("done.example/"))
	if _, err := o.Desk.Release(t.Context(), o.Publisher, o.Inbox, "linh", audit.Why{}, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	do(linh, "/cases/3/list", list("an-invented-page.github.io/"))
	do(linh, "/cases/4/list", list("decided.example/"))
	do(lan, "/cases/2/ask", nil)
	form := regexp.MustCompile(`(?s)<form\b([^>]*)>(.*?)</form>`)
	button := regexp.MustCompile(`<button\b[^>]*>`)
	action := regexp.MustCompile(`action="(/[^"?]*)`)
	for role, session := range sessions {
		for _, path := range []string{"/queue", "/queue?part=asked", "/queue?part=proposed", "/queue?part=decided", "/queue?part=done", "/cases/1", "/cases/2", "/cases/3", "/cases/4",
			"/cases/5", "/cases/6", "/appeals", "/appeals/6", "/takedowns", "/takedowns/1", "/publish", "/campaigns", "/campaigns/new", "/sources", "/sources/partner", "/partners", "/partners/bank-one", "/audit", "/people", "/me"} {
			status, body, _ := o.ask("GET", path, session, nil)
			if status != http.StatusOK && status != http.StatusForbidden {
				t.Errorf("%s as %s is %d", path, role, status)
			}
			for _, one := range form.FindAllStringSubmatch(body, -1) {
				for _, press := range button.FindAllString(one[2], -1) {
					to := action.FindStringSubmatch(press + one[1]) // what the button says comes before what the form says
					if to == nil {
						continue // it closes a dialog
					}
					method := "POST"
					if strings.Contains(one[1], `method="get"`) {
						method = "GET"
					}
					_, pattern := o.mux.Handler(&http.Request{Method: method, Host: o.origin.Host, URL: &url.URL{Path: to[1]}})
					at := slices.IndexFunc(routes, func(r route) bool { return r.Pattern == pattern })
					if at < 0 {
						t.Errorf("%s leads to %s, which is nowhere", path, to[1])
					} else if right := routes[at].Right; right != everybody && right != seen && !role.May(right) {
						t.Errorf("%s shows %s a button to %s, which takes the right to %s", path, role, to[1], right)
					}
				}
			}
		}
	}
	// Who has proposed something is not asked to agree to it.
	_, body, _ := o.ask("GET", "/cases/3", linh, nil)
	o.sees(body, "!/cases/3/second")
}
