package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"khien/server/audit"
	"khien/server/bidi"
	"khien/server/db"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/staff"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/server/words"
)

// visit is one request, with whose it is and in which language.
type visit struct {
	*Console
	w      http.ResponseWriter
	r      *http.Request
	person staff.Person
	lang   string // one of said.Languages
}

// reads is the language of who asks: the one that they have chosen here, else what the browser prefers.
func reads(r *http.Request) string {
	return said.Reader(cookie(r, lookCookie+"lang"), r.Header.Get("Accept-Language"))
}

func (k *Console) visit(w http.ResponseWriter, r *http.Request) (*visit, error) {
	v := &visit{Console: k, w: w, r: r, lang: reads(r)}
	handle := k.sessions.GetBytes(r.Context(), "person")
	if handle == nil {
		return v, nil
	}
	// Asked anew each time: who has left, was suspended, got another role or has removed the passkey is out at once, with
	// all that the session was about to do.
	person, err := k.Staff.Entered(r.Context(), handle, k.sessions.GetBytes(r.Context(), "passkey"), k.sessions.GetInt64(r.Context(), "term"))
	if errors.Is(err, staff.ErrNotFound) {
		return v, k.sessions.Destroy(r.Context())
	}
	v.person = person
	return v, err
}

func (v *visit) signedIn() bool       { return v.person.Name != "" }
func (v *visit) ctx() context.Context { return v.r.Context() }
func (v *visit) now() int64           { return time.Now().Unix() }

// number is a number of the path or of the form, or 0.
func (v *visit) number(name string) int64 {
	text := v.r.PathValue(name)
	if text == "" {
		text = v.r.FormValue(name)
	}
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// note writes an act of the reader into the audit log.
func (v *visit) note(a audit.Act) error {
	a.Time, a.Actor = v.now(), v.person.Name
	return v.Desk.Record(v.ctx(), a)
}

func (v *visit) form(name string) string { return strings.TrimSpace(v.r.FormValue(name)) }

// page is what a template sees.
type page struct {
	Lang, Theme string
	Keys        bool // whether single keys do something
	Person      staff.Person
	Path        string // where the reader is, with the query
	Told        string // a message of what was just done
	Undo        int64  // the case whose decision that was, if it can be taken back
	Waits       int64  // Unix seconds when the reader's word begins to count; 0 where it does
	Agree       int    // proposals about people that wait for somebody
	Runs        int    // lists of sources that wait for somebody
	counts      map[triage.Part]int
	Banner      banner
	D           any
	v           *visit
}

// May tells whether the reader has a right.
func (p page) May(right staff.Right) bool { return p.v.may(right) }

// Cases is how many wait in a part of the queue.
func (p page) Cases(part triage.Part) int { return p.counts[part] }

// At tells whether the reader is in a part of the console.
func (p page) At(part string) bool {
	at := p.v.r.URL.Path
	return at == part || strings.HasPrefix(at, part+"/")
}

// here is where the reader is, with the query, so that it can be asked for again. What answers a form can't: there it
// is the nearest page above.
func (v *visit) here() string {
	if v.r.Method == http.MethodGet {
		return v.r.URL.RequestURI()
	}
	for at := path.Dir(v.r.URL.Path); at != "/"; at = path.Dir(at) {
		if _, pattern := v.mux.Handler(&http.Request{Method: http.MethodGet, Host: v.r.Host, URL: &url.URL{Path: at}}); strings.HasPrefix(pattern, "GET ") {
			return at
		}
	}
	return "/"
}

// show writes a page.
func (v *visit) show(name string, data any) error { return v.write(http.StatusOK, name, data) }

func (v *visit) write(status int, name string, data any) error {
	p := page{Lang: v.lang, Theme: cookie(v.r, lookCookie+"theme"), Keys: cookie(v.r, lookCookie+"keys") != "off", Person: v.person, Path: v.here(), D: data, v: v}
	if v.signedIn() {
		p.Waits = v.person.Waits(v.now())
		open, err := v.Staff.Proposals(v.ctx())
		if err != nil {
			return err
		}
		p.Agree = len(open)
		if p.Runs, err = v.Exchange.Waits(v.ctx()); err != nil {
			return err
		}
		if p.counts, err = v.Desk.Counts(v.ctx()); err != nil {
			return err
		}
		if p.Banner, err = v.banner(); err != nil {
			return err
		}
		if told := v.sessions.PopString(v.ctx(), "told"); told != "" {
			key, args, _ := strings.Cut(told, "\n")
			p.Told = say(v.lang, key, anys(strings.Split(args, "\n"))...)
			p.Undo = int64(v.sessions.PopInt(v.ctx(), "undo"))
		}
	}
	var b bytes.Buffer
	if err := pages()[v.lang][name].ExecuteTemplate(&b, "layout", p); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Language", v.lang)
	v.w.WriteHeader(status)
	v.w.Write(b.Bytes())
	return nil
}

// back goes to a page after a POST and says a message there; args fill its places.
func (v *visit) back(to, key string, args ...string) error {
	if key != "" {
		v.sessions.Put(v.ctx(), "told", strings.Join(append([]string{key}, args...), "\n"))
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

func anys(list []string) []any {
	all := make([]any, len(list))
	for i, one := range list {
		all[i] = one
	}
	return all
}

// json answers a question of console.js.
func (v *visit) json(status int, answer any) error {
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	return json.NewEncoder(v.w).Encode(answer)
}

// userError is a mistake of the one who asked, with the key of what to say.
type userError struct {
	status int
	key    string
	args   []any
}

func (e *userError) Error() string { return e.key }

func wrong(key string, args ...any) error {
	return &userError{http.StatusUnprocessableEntity, key, args}
}

// problem says what went wrong, as a page, or to console.js.
func (v *visit) problem(err error) {
	var one *userError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &one):
	case errors.Is(err, errForbidden):
		one = &userError{http.StatusForbidden, "problem.forbidden", nil}
	case errors.Is(err, errWaits):
		one = &userError{http.StatusForbidden, "problem.waits", []any{words.Moment(v.lang, v.person.Waits(v.now()))}}
	case errors.Is(err, errSignIn):
		one = &userError{http.StatusUnauthorized, "problem.signin", nil}
	case errors.Is(err, errNoPage), errors.Is(err, db.ErrPlace), errors.Is(err, triage.ErrNotFound), errors.Is(err, inbox.ErrNotFound), errors.Is(err, ledger.ErrNotFound), errors.Is(err, takedown.ErrNotFound):
		one = &userError{http.StatusNotFound, "problem.notfound", nil}
	case errors.Is(err, triage.ErrState), errors.Is(err, takedown.ErrState):
		one = &userError{http.StatusConflict, "problem.state", nil}
	case errors.Is(err, ledger.ErrImporting):
		one = &userError{http.StatusConflict, "problem.importing", nil}
	case errors.Is(err, triage.ErrSamePerson):
		one = &userError{http.StatusConflict, "problem.sameperson", nil}
	case errors.Is(err, triage.ErrRefused):
		one = &userError{http.StatusUnprocessableEntity, "problem.refused", []any{refusedFor(v.lang, err)}}
		if p, ok := errors.AsType[*publish.Protected](err); ok {
			one.args = []any{string(p.Subject) + ": " + refusedFor(v.lang, err)}
		}
	case errors.As(err, &large):
		one = &userError{http.StatusRequestEntityTooLarge, "problem.large", nil}
	case db.Away(err):
		v.failed(err)
		one = &userError{http.StatusServiceUnavailable, "problem.away", nil}
		v.w.Header().Set("Retry-After", "60")
		v.person = staff.Person{} // nobody knows what the head of the page would say to them
	default:
		v.failed(err)
		one = &userError{http.StatusInternalServerError, "problem.fault", nil}
	}
	text := say(v.lang, one.key, one.args...)
	if v.r.Header.Get("Accept") == "application/json" {
		v.json(one.status, map[string]string{"problem": bidi.Plain(text)})
		return
	}
	if err := v.write(one.status, "problem", text); err != nil {
		http.Error(v.w, bidi.Plain(text), one.status)
	}
}

// failed notes why a page could not be made, unless that is because nobody waits for it any more.
func (v *visit) failed(err error) {
	if v.ctx().Err() == nil {
		v.Log.Error("a page failed", "route", v.r.Pattern, "error", err)
	}
}

// plainly says what went wrong where no page can be made.
func plainly(w http.ResponseWriter, r *http.Request, status int, key string, args ...any) {
	http.Error(w, bidi.Plain(say(reads(r), key, args...)), status)
}

// local is a path of this console that somebody may be sent to, or "/".
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
