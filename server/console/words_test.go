package console

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/publish"
	"khien/server/staff"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/texts"
	"khien/shared/wire"
)

var (
	key  = regexp.MustCompile(`"([a-z]+(?:\.[a-z0-9]+)*)"`)
	form = regexp.MustCompile(`\[(1|one|few|many)\]$`)
)

// Every message is used somewhere, and every one that is used is there.
func TestEveryMessageIsUsed(t *testing.T) {
	var source strings.Builder
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".html")) {
			text, err := os.ReadFile(path)
			for line := range strings.Lines(string(text)) {
				if !strings.HasPrefix(strings.TrimSpace(line), "//") {
					source.WriteString(line)
				}
			}
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range key.FindAllStringSubmatch(source.String(), -1) {
		used[m[1]] = true
	}
	for _, call := range regexp.MustCompile(`\b(?:t|n) "([a-z.0-9]+)"|say\(v?\.?lang, "([a-z.0-9]+)"|wrong\("([a-z.0-9]+)"|back\([^,]+, "([a-z.0-9]+)"`).FindAllStringSubmatch(source.String(), -1) {
		for _, name := range call[1:] {
			if name != "" && !strings.HasSuffix(name, ".") && said.Text("en", name) == "" {
				t.Errorf("%s is used and not there", name)
			}
		}
	}
	// Those whose last part is a value: print "role." .Role, or "queue." + part.
	for _, m := range regexp.MustCompile(`"([a-z]+\.)"`).FindAllStringSubmatch(source.String(), -1) {
		for key := range said.Keys("en") {
			if strings.HasPrefix(key, m[1]) {
				used[key] = true
			}
		}
	}
	for key := range said.Keys("en") {
		if key = form.ReplaceAllString(key, ""); !used[key] && !used[strings.TrimSuffix(key, ".more")] { // see near
			t.Errorf("%s is not used", key)
		}
	}
}

func TestWordsOfNumbersAndTimes(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(ago("en", time.Now().Unix()-7200), "2 hours ago")
	f(defang("https://www.scam.example/a.b?c=d.e"), "hxxps://www[.]scam[.]example/a.b?c=d.e")
	f(defang("scam.example/"), "scam[.]example/")
	f(defang("javascript:alert(1)"), "javascript[:]alert(1)")
	f(defang("tel:+84900000001"), "tel[:]+84900000001")
}

// Whatever the guard refuses, and whatever the program itself writes into a case, a Vietnamese reader is told in
// Vietnamese.
func TestWhatTheProgramSaysIsSaidInTheReadersLanguage(t *testing.T) {
	for _, rule := range publish.Rules() {
		for _, lang := range texts.All() {
			if text := audit.Guarded(lang, string(rule)); strings.Contains(text, "⟦") {
				t.Errorf("%s: the refusal %s has no words", lang, rule)
			}
		}
	}
	o := newOffice(t)
	mai, binh := o.person("mai", staff.Maintainer)+"; __Host-khien-lang=vi", o.person("binh", staff.Approver)+"; __Host-khien-lang=vi"
	do := func(path string, form url.Values) {
		t.Helper()
		if status, body, _ := o.ask("POST", path, mai, form); status != 303 {
			t.Fatalf("%s is %d: %s", path, status, body)
		}
	}
	o.kit() // some of it is listed, then decided anew, and the rest rejected
	do("/cases/1/list", url.Values{"category": {"phishing"}, "days": {"30"}, "lists": {value("lucky-bank.example/"), value("bank-lucky.example/")}})
	if _, err := o.Desk.Release(t.Context(), o.Publisher, o.Inbox, "mai", audit.Why{}, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	do("/cases/1/reopen", nil)
	if _, err := o.Desk.Decide(t.Context(), 1, triage.Decision{Actor: "mai", Action: triage.Reject, Of: "bank-lucky.example/"}); err != nil {
		t.Fatal(err)
	}
	o.report(wire.Report{Href: "https://an-invented-page.github.io/"}, "a")
	page, err := o.Desk.Named(t.Context(), "an-invented-page.github.io/")
	if err != nil {
		t.Fatal(err)
	}
	do(fmt.Sprintf("/cases/%d/list", page.ID), url.Values{"category": {"shop"}, "days": {"30"}, "lists": {"an-invented-page.github.io/"}})
	wrote := 0
	for a, err := range o.Desk.Acts(t.Context(), audit.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if what := a.What("vi"); what == a.What("en") {
			t.Errorf("%q has no Vietnamese", what)
		}
		if why := a.Because("vi"); why != "" {
			if wrote++; why == a.Because("en") {
				t.Errorf("%q has no Vietnamese", why)
			}
		}
	}
	for _, rule := range triage.Rules {
		for _, lang := range texts.All() {
			if text := (triage.Reach{Rule: rule, What: "51"}).Text(lang); strings.Contains(text, "⟦") {
				t.Errorf("%s: the rule %s has no words", lang, rule)
			}
		}
	}
	for _, role := range staff.Roles {
		if text := (audit.Act{Verb: audit.Invite, Args: audit.Args{Role: string(role)}}).What("pl"); strings.Contains(text, "⟦") {
			t.Error(text)
		}
	}
	for _, state := range takedown.States {
		if text := (audit.Act{Verb: audit.Move, Args: audit.Args{State: string(state)}}).What("pl"); strings.Contains(text, "⟦") {
			t.Error(text)
		}
	}
	if wrote < 3 {
		t.Errorf("the program wrote %d remarks only", wrote)
	}

	o.report(wire.Report{Href: "https://www.vietcombank.com.vn/"}, "a")
	bank, err := o.Desk.Named(t.Context(), "www.vietcombank.com.vn/")
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("/cases/%d", bank.ID)
	for _, reader := range []string{mai, binh} {
		_, body, _ := o.ask("GET", at, reader, nil)
		o.sees(body, "một ngân hàng hoặc dịch vụ thanh toán", "!a bank or payment")
	}
	_, body, _ := o.ask("POST", at+"/list", mai, url.Values{"category": {"shop"}, "days": {"30"}, "lists": {"www.vietcombank.com.vn/"}})
	o.sees(body, "một ngân hàng hoặc dịch vụ thanh toán", "!a bank or payment")
}
