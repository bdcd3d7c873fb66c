package console

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/blob"
	"khien/server/campaign"
	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/exchange"
	"khien/server/inbox"
	"khien/server/ledger"
	officedb "khien/server/office"
	"khien/server/office/officetest"
	"khien/server/partner"
	"khien/server/publish"
	"khien/server/staff"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/subject"
	"khien/shared/texts"
	"khien/shared/wire"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const origin = "http://localhost:8788"

// office is a console with people, and everything behind it on the disk.
type office struct {
	*Console
	t       testing.TB
	base    *db.DB
	fingers map[string]*finger // by session
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := officeIn(t, t.TempDir(), officetest.Open(t, officedb.Tables...), dbtest.Place(t, "inbox.db"))
	t.Cleanup(o.readable)
	return o
}

// officeIn is an office with all that it keeps in a folder, its databases aside.
func officeIn(t testing.TB, dir string, base *db.DB, reports string) *office {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	people, desk, cards, book := staff.Open(base), triage.Open(base), campaign.Open(base), ledger.Open(base)
	takedowns := takedown.Open(base, desk)
	box, err := inbox.Open(reports)
	must(err)
	t.Cleanup(func() { box.Close() })
	blobs, err := blob.Open(filepath.Join(dir, "published"))
	must(err)
	if _, err := os.Stat(filepath.Join(dir, "keys")); err != nil {
		must(publish.InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), time.Now().Unix()))
	}
	keys, err := publish.LoadKeys(filepath.Join(dir, "keys"))
	must(err)
	k, err := New(Config{
		Origin: origin, Staff: people, Desk: desk, Inbox: box, Takedowns: takedowns, Letters: filepath.Join(dir, "letters"), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Publisher: &publish.Publisher{Ledger: book, Cards: cards, Blobs: blobs, Keys: keys},
		Exchange:  exchange.Open(base, func() (*publish.Protection, error) { return publish.Protect("") }),
		Partners:  partner.Open(base, desk),
	})
	must(err)
	o := &office{k, t, base, map[string]*finger{}}
	o.person("an", staff.Admin)
	return o
}

// readable tells whether everything that was done can be read in every language, at the end of each story.
func (o *office) readable() {
	for a, err := range o.Desk.Acts(context.Background(), audit.Filter{}) {
		if err != nil {
			o.t.Fatal(err)
		}
		for _, lang := range texts.All() {
			if text := a.What(lang) + "; " + a.Because(lang) + "; " + a.Object.Text(lang); strings.ContainsAny(text, "⟦{}") {
				o.t.Errorf("entry %d in %s: %s", a.Seq, lang, text)
			}
		}
	}
}

// sql changes the database behind the program's back.
func (o *office) sql(statement string, args ...any) {
	o.t.Helper()
	if _, err := o.base.ExecContext(o.t.Context(), statement, args...); err != nil {
		o.t.Fatal(err)
	}
}

// days lets days pass for everybody: what was made or proposed, and when somebody's word counts, is so much earlier.
func (o *office) days(n int) {
	o.t.Helper()
	for _, statement := range []string{`UPDATE person SET counts = max(1, counts - ?) WHERE counts > 0`, `UPDATE invitation SET expires = expires - ?`,
		`UPDATE member_proposal SET made = made - ?1, due = CASE due WHEN 0 THEN 0 ELSE due - ?1 END`} {
		o.sql(statement, n*24*60*60)
	}
}

// person is somebody who has been here long enough, signed in; returns the cookie of the session.
func (o *office) person(name string, role staff.Role) string {
	o.t.Helper()
	ctx := o.t.Context()
	f := newFinger(o.t)
	f.handle = []byte("the handle of " + name)
	text, err := json.Marshal(f.credential())
	if err != nil {
		o.t.Fatal(err)
	}
	o.sql(`INSERT INTO person (handle, name, role, made, counts) VALUES (?, ?, ?, 1, 1) ON CONFLICT (name) DO UPDATE SET role = excluded.role`, f.handle, name, string(role))
	o.sql(`INSERT INTO passkey (id, handle, credential, made) VALUES (?, ?, ?, 1)`, f.id, f.handle, string(text))
	p, err := o.Staff.ByHandle(ctx, f.handle)
	if err != nil {
		o.t.Fatal(err)
	}
	if ctx, err = o.sessions.Load(ctx, ""); err != nil {
		o.t.Fatal(err)
	}
	o.sessions.Put(ctx, "person", p.Handle)
	o.sessions.Put(ctx, "passkey", f.id)
	o.sessions.Put(ctx, "term", p.Term)
	token, _, err := o.sessions.Commit(ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	session := sessionCookie + "=" + token
	o.fingers[session] = f
	return session
}

// ask sends a request as the holder of a session does, from a page of the console; what sets texts apart is left out of
// the answer.
func (o *office) ask(method, path, session string, form url.Values) (status int, body string, h http.Header) {
	o.t.Helper()
	status, body, h = o.askRaw(method, path, session, form)
	return status, strings.NewReplacer("<bdi>", "", "</bdi>", "").Replace(body), h
}

func (o *office) askRaw(method, path, session string, form url.Values) (status int, body string, h http.Header) {
	o.t.Helper()
	r := httptest.NewRequest(method, origin+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if session != "" {
		r.Header.Set("Cookie", session)
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return w.Code, string(text), w.Header()
}

// settle brings what is decided into the ledger.
func (o *office) settle() []triage.Case {
	o.t.Helper()
	cases, err := o.Desk.Pending(o.t.Context())
	if err == nil {
		err = o.Desk.Settle(o.t.Context(), o.Publisher.Ledger, o.Inbox, cases)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return cases
}

// report sends a report from a place.
func (o *office) report(r wire.Report, from string) {
	o.t.Helper()
	r.ID = make([]byte, inbox.IDSize)
	copy(r.ID, from+r.Href)
	if r.Kind == "" {
		r.Kind = wire.KindScam
	}
	if len(r.Subjects) == 0 {
		names, err := subject.FromHref(nil, r.Href)
		if err != nil {
			o.t.Fatal(err)
		}
		for _, s := range names {
			r.Subjects = append(r.Subjects, string(s))
		}
	}
	if _, _, err := o.Inbox.Accept(o.t.Context(), r, []byte(from), time.Now().Unix()); err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.Desk.Gather(o.t.Context(), o.Inbox); err != nil {
		o.t.Fatal(err)
	}
}

// Each role takes each route that its rights allow, and no other; the table is made from the routes themselves.
func TestRoleMatrix(t *testing.T) {
	o := newOffice(t)
	o.report(wire.Report{Href: "https://shop.example/a", Title: "a shop", Note: "never sent it", Language: "vi", Category: "shop"}, "a")
	o.report(wire.Report{Href: "https://shop.example/b"}, "b")
	o.report(wire.Report{Href: "https://shop.example/b", Kind: wire.KindMistake, Note: "it is mine"}, "c")
	sessions := map[staff.Role]string{"": ""}
	for _, role := range staff.Roles {
		sessions[role] = o.person("the-"+string(role), role)
	}
	for _, one := range routes {
		method, pattern, ok := strings.Cut(one.Pattern, " ")
		if !ok || one.Right == "" {
			t.Errorf("%q has no method or no right", one.Pattern)
			continue
		}
		path := strings.NewReplacer("{$}", "", "{id}", "1", "{link}", "none", "{role}", "none").Replace(pattern)
		if strings.Contains(path, "{") {
			t.Fatalf("%s: tell this test what to put into the path", one.Pattern)
		}
		known := one.Right == everybody || one.Right == seen
		for role, session := range sessions {
			if role != "" && role.May(one.Right) {
				known = true
			}
			status, body, _ := o.ask(method, path, session, nil)
			switch {
			case one.Right == everybody:
				if status == http.StatusForbidden || strings.Contains(body, "data-passkey") && pattern != "/signin" {
					t.Errorf("%s is for everybody, and %q gets %d", one.Pattern, role, status)
				}
			case role == "":
				if status != http.StatusUnauthorized {
					t.Errorf("%s without signing in is %d, want 401", one.Pattern, status)
				}
				if method == "GET" && !strings.Contains(body, `data-passkey="/signin"`) {
					t.Errorf("%s without signing in does not lead to the sign-in", one.Pattern)
				}
			case one.Right == seen || role.May(one.Right):
				if status == http.StatusForbidden || status == http.StatusUnauthorized || status >= 500 {
					t.Errorf("%s as %s is %d, and the role allows it", one.Pattern, role, status)
				}
			default:
				if status != http.StatusForbidden {
					t.Errorf("%s as %s is %d, want 403", one.Pattern, role, status)
				}
			}
			if one.Pattern == "POST /signout" && session != "" {
				sessions[role] = o.person("the-"+string(role), role)
			}
		}
		if !known {
			t.Errorf("%s needs the right %q, which nobody has", one.Pattern, one.Right)
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	o := newOffice(t)
	session := o.person("mai", staff.Maintainer)
	for _, path := range []string{"/queue", "/signin", "/nothing", "/static/console.js", "/invite/none"} {
		_, _, h := o.ask("GET", path, session, nil)
		csp := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: the policy has no %s", path, part)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") == "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// Nothing of the console is kept by anybody: no page, error, redirect or file, with or without a session, and also
// where the session is written anew. Its cookies go to this host alone, and no script sees them.
func TestNothingIsKept(t *testing.T) {
	o := newOffice(t)
	o.report(wire.Report{Href: "https://shop.example/a"}, "a")
	session := o.person("mai", staff.Approver)
	paths := []string{"GET /static/console.js", "GET /static/none", "GET /nothing", "POST /nothing", "GET /static/", "PUT /queue"}
	for _, one := range routes {
		paths = append(paths, strings.NewReplacer("{$}", "", "{id}", "1", "{link}", "none").Replace(one.Pattern))
	}
	slices.Sort(paths)
	set := 0
	for _, one := range paths {
		method, path, _ := strings.Cut(one, " ")
		for _, who := range []string{"", session, sessionCookie + "=an-old-one"} {
			status, _, h := o.ask(method, path, who, url.Values{"next": {"/"}, "lang": {"vi"}})
			if kept := h.Values("Cache-Control"); len(kept) != 1 || kept[0] != "no-store" {
				t.Errorf("%s is %d with %q", one, status, kept)
			}
			for _, cookie := range h.Values("Set-Cookie") {
				set++
				if !strings.HasPrefix(cookie, "__Host-") || !strings.Contains(cookie, "; Secure") || !strings.Contains(cookie, "; Path=/;") || strings.Contains(cookie, "Domain") ||
					!strings.Contains(cookie, "; HttpOnly") || !strings.Contains(cookie, "; SameSite=Strict") {
					t.Errorf("%s sets %s", one, cookie)
				}
			}
			if path == "/signout" && who == session {
				session = o.person("mai", staff.Approver)
			}
		}
	}
	if set < 20 {
		t.Errorf("only %d cookies were set", set)
	}
	// Under another name, and where too much is sent.
	for _, r := range []*http.Request{httptest.NewRequest("GET", "http://elsewhere.example/queue", nil), httptest.NewRequest("POST", "http://elsewhere.example/queue", nil)} {
		w := httptest.NewRecorder()
		o.ServeHTTP(w, r)
		if kept := w.Result().Header.Values("Cache-Control"); len(kept) != 1 || kept[0] != "no-store" {
			t.Errorf("%s elsewhere: %q", r.Method, kept)
		}
	}
	if status, _, h := o.ask("POST", "/queue/many", session, url.Values{"why": {strings.Repeat("x", maxForm)}}); status != http.StatusRequestEntityTooLarge || h.Get("Cache-Control") != "no-store" {
		t.Errorf("too much is %d, %q", status, h.Get("Cache-Control"))
	}
}

func TestRequestsOfOtherSites(t *testing.T) {
	o := newOffice(t)
	session := o.person("mai", staff.Maintainer)
	f := func(what string, change func(*http.Request), want int) {
		t.Helper()
		r := httptest.NewRequest("POST", origin+"/signout", nil)
		r.Header.Set("Cookie", session)
		change(r)
		w := httptest.NewRecorder()
		o.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", what, w.Code, want)
		}
	}
	f("a form on another site", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403)
	f("a page on another port of this machine", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403)
	f("an old browser, another site", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403)
	f("another name that points here", func(r *http.Request) { r.Host = "evil.example:8788" }, 421)
	f("the console itself", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }, 303)
}

func TestWhereSomebodyMayBeSent(t *testing.T) {
	f := func(path, want string) {
		t.Helper()
		if got := local(path); got != want {
			t.Errorf("local(%q) = %q, want %q", path, got, want)
		}
	}
	f("/cases/17?a=b", "/cases/17?a=b")
	f("//evil.example/", "/")
	f("/\\evil.example/", "/")
	f("https://evil.example/", "/")
	f("javascript:alert(1)", "/")
	f("", "/")
}

// Who chooses another language or goes back from a page that answers a form comes to a page.
func TestThePageAboveAForm(t *testing.T) {
	o := newOffice(t)
	an := o.person("ann", staff.Admin)
	o.report(wire.Report{Href: "https://shop.example/"}, "a")
	for form, above := range map[string]string{"/people/invite": "/people", "/cases/1/list": "/cases/1", "/queue/many": "/queue", "/confirm/begin": "/"} {
		_, body, _ := o.ask("POST", form, an, url.Values{"name": {"mai"}, "role": {"auditor"}})
		if want := `name="next" value="` + above + `"`; !strings.Contains(body, want) {
			t.Errorf("%s has no %s:\n%s", form, want, body)
		}
		if strings.Contains(body, "data-confirm") && !strings.Contains(body, `href="`+above+`">`) {
			t.Errorf("%s does not lead back to %s", form, above)
		}
	}
	if _, body, _ := o.ask("GET", "/queue?part=done", an, nil); !strings.Contains(body, `value="/queue?part=done"`) {
		t.Error("a page is not where it was")
	}
}

func TestAnOriginThatPasskeysCannotHave(t *testing.T) {
	for _, bad := range []string{"", "http://console.example", "http://127.0.0.1:8788", "localhost:8788"} {
		if _, err := New(Config{Origin: bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
