// Package public is what everybody may read about the list: figures, the register, the rules, and how to object to an
// entry. It writes pages; it knows no transport.
//
// The register answers about exactly what somebody names, and cannot be leafed through: a list of all that is listed
// would be an address book of scams. What is asked for is in the body of a request, never in an address, and is
// kept nowhere.
package public

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"khien/server/bidi"
	"khien/server/exchange"
	"khien/server/export"
	"khien/server/feed"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/subject"
	"khien/shared/texts"
	"khien/shared/wire"
)

// Bounds of what somebody writes, in bytes.
const (
	maxText = 2048 // an address, a number or an account
	maxNote = 2000 // as a report's
)

// Site writes the pages. It is safe for concurrent use.
type Site struct {
	Shelf     *publish.Shelf // what everybody has: nothing else is said of the list
	Ledger    *ledger.Ledger
	Inbox     *inbox.Inbox
	Desk      *triage.Desk
	Takedowns *takedown.Store
	Exchange  *exchange.Exchange
	Files     *export.Shelf // the files that others take; nil for none
	Alone     func() bool   // whether one person runs all of this, which each page says; nil for no
	Log       *slog.Logger  // told about faults of the server, never about what somebody asks

	figures figures
	blanks  sync.Map // of []byte by language: the form of objections with places instead of its id and ticket
}

// Page is an answer.
type Page struct {
	Status int
	Cache  string // Cache-Control
	Body   []byte
}

// How long a page may be kept: what everybody sees alike for a while, what is about somebody's question never.
const (
	cacheAll   = "public, max-age=300"
	cacheNever = "no-store"
)

// Values are the fields of a form, by name; empty where there is none.
type Values func(name string) string

//go:embed templates
var templateFiles embed.FS

// Style is the style sheet of the pages.
//
//go:embed static/public.css
var Style []byte

// pages are the templates by language and name, read when the first page is shown: most commands show none.
var pages = sync.OnceValue(readPages)

func readPages() map[string]map[string]*template.Template {
	all := map[string]map[string]*template.Template{}
	for _, lang := range said.Languages {
		all[lang] = map[string]*template.Template{}
		layout := template.Must(template.New("").Funcs(functions(lang)).ParseFS(templateFiles, "templates/layout.html", "templates/chart.html"))
		for _, name := range []string{"statistics", "register", "appeal", "sent", "receipt", "rules", "exports", "problem"} {
			page := template.Must(layout.Clone())
			if name == "rules" { // it is nearly all text
				page = template.Must(page.Parse(texts.File(lang, "rules.html")))
			} else {
				page = template.Must(page.ParseFS(templateFiles, "templates/"+name+".html"))
			}
			all[lang][name] = page
			bidi.Templates(all[lang][name])
		}
	}
	return all
}

// sheet is what a template sees.
type sheet struct {
	Lang    string
	Section string // "statistics", "register", "appeal" or "rules"
	Path    string // of this page, for the link to the other language
	Alone   bool   // whether one person runs all of this
	D       any
}

func (s *Site) write(status int, cache, lang, part, name string, data any) Page {
	if !slices.Contains(said.Languages, lang) {
		lang = texts.Fallback
	}
	path := "/" + part
	var b bytes.Buffer
	if err := pages()[lang][name].ExecuteTemplate(&b, "layout", sheet{lang, part, path, s.Alone != nil && s.Alone(), data}); err != nil {
		s.Log.Error("couldn't write a page", "page", name)
		return Page{500, cacheNever, []byte("The server made a mistake.\n")}
	}
	return Page{status, cache, b.Bytes()}
}

// Problem says in a sentence of messages what went wrong.
func (s *Site) Problem(status int, lang, part, key string) Page {
	return s.write(status, cacheNever, lang, part, "problem", key)
}

func (s *Site) fault(lang, part string, err error) Page {
	// An error of a store may quote what was asked: only its kind is told.
	s.Log.Error("couldn't answer a page", "part", part, "canceled", errors.Is(err, context.Canceled))
	return s.Problem(503, lang, part, "problem.fault")
}

// Rules says what is listed, by whom, and how to object.
func (s *Site) Rules(lang string) Page {
	return s.write(200, cacheAll, lang, "rules", "rules", rules(lang))
}

// Tickets makes a ticket out for what has an id: a form that carries it is taken in a flood too, when so many seconds
// have passed.
type Tickets func(id []byte) (ticket string, wait int)

// turn is with what a form is taken where many come.
type turn struct {
	ID     string
	Ticket string
	Wait   int // seconds; 0 where nothing is to be waited for
}

// newTurn is for a form that was not sent yet.
func newTurn(tickets Tickets) turn {
	var id [inbox.IDSize]byte
	rand.Read(id[:])
	t := turn{ID: hex.EncodeToString(id[:])}
	t.Ticket, _ = tickets(id[:])
	return t
}

// Busy gives a form of the register, or of objections, back that was sent while too many came. What was written is
// still there, and it is taken when it is sent again after so many seconds.
func (s *Site) Busy(lang, part string, form Values, tickets Tickets) (p Page, wait int) {
	t := newTurn(tickets)
	if id, err := hex.DecodeString(form("id")); err == nil && len(id) == inbox.IDSize {
		t.ID = form("id")
	}
	id, _ := hex.DecodeString(t.ID)
	t.Ticket, t.Wait = tickets(id)
	about := strings.TrimSpace(form("about"))
	if len(about) > maxText || len(form("note")) > maxNote || !utf8.ValidString(about+form("note")) {
		return s.Problem(429, lang, part, "problem.wait"), t.Wait
	}
	if part == "register" {
		return s.write(429, cacheNever, lang, part, part, question{Asked: about, turn: t}), t.Wait
	}
	return s.write(429, cacheNever, lang, part, part, objection{turn: t, About: about, Note: form("note"), MaxNote: maxNote / 2, Days: triage.AppealDays}), t.Wait
}

// question is what somebody wants to know of the register.
type question struct {
	turn
	Asked   string
	Problem string // key of a message; empty where it could be read
	Named   string // what it names, in words
	Entries []entry
}

// entry is what the register says of one subject.
type entry struct {
	ledger.Entry
	Listed bool
	Case   *takedown.Request // what was asked of its platform; nil where nothing was
	Now    int64
}

// State of the entry, as a key of a message.
func (e entry) State() string {
	switch {
	case e.Listed:
		return "entry.listed"
	case e.Withdrawn != 0:
		return "entry.withdrawn"
	}
	return "entry.lapsed"
}

// Platform is the title of the platform that was asked.
func (e entry) Platform() string {
	p, _ := takedown.ByName(e.Case.Platform)
	return p.Title
}

// Register is the page that asks what to look up.
func (s *Site) Register(lang string) Page {
	return s.write(200, cacheAll, lang, "register", "register", question{})
}

// LookUp says what the register has about exactly what the field "about" names: that account, number or address, and
// the page and site that it is part of, since an entry may be about these.
func (s *Site) LookUp(ctx context.Context, lang string, form Values) Page {
	q := question{Asked: strings.TrimSpace(form("about"))}
	named, problem := read(q.Asked)
	if q.Problem = problem; problem != "" {
		return s.write(422, cacheNever, lang, "register", "register", q)
	}
	q.Named = named[0].Describe(lang)
	var err error
	if q.Entries, err = s.entries(ctx, named, true); err != nil {
		return s.fault(lang, "register", err)
	}
	return s.write(200, cacheNever, lang, "register", "register", q)
}

// read says what a text names, or the key of why it can't be read.
func read(text string) ([]subject.Subject, string) {
	switch {
	case text == "":
		return nil, "about.missing"
	case len(text) > maxText || !utf8.ValidString(text):
		return nil, "about.long"
	}
	named, err := feed.Asked(text)
	if err != nil || bare(named[0]) {
		return nil, "about.unread"
	}
	return named, ""
}

// bare tells whether a subject is a site with a name without a dot, such as a user name or a case number that was taken
// for one: none is ever listed, and "nothing is known" would be said about something else than was meant.
func bare(s subject.Subject) bool {
	host, _, _ := strings.Cut(string(s), "/")
	return !s.IsAccount() && !strings.ContainsAny(host, ".[")
}

// entry is what the release in force says of a subject, or else what the last one said that had it.
func (s *Site) entry(ctx context.Context, name subject.Subject, now int64) (entry, error) {
	i, err := s.Shelf.Listed(ctx, name)
	if err == nil {
		e := ledger.Entry{Indicator: i}
		return entry{Entry: e, Listed: e.Listed(now), Now: now}, nil
	}
	if !errors.Is(err, ledger.ErrNotFound) {
		return entry{}, err
	}
	e, err := s.Ledger.Left(ctx, name)
	return entry{Entry: e, Now: now}, err
}

// entries are those of the subjects; without past, only those in force.
func (s *Site) entries(ctx context.Context, named []subject.Subject, past bool) ([]entry, error) {
	now := time.Now().Unix()
	var found []entry
	for _, name := range append(named, subject.Further(named)...) {
		one, err := s.entry(ctx, name, now)
		if errors.Is(err, ledger.ErrNotFound) || err == nil && !one.Listed && !past {
			continue
		}
		if err != nil {
			return nil, err
		}
		c, err := s.Takedowns.Of(ctx, name)
		switch {
		case err == nil && one.Listed:
			one.Case = &c
		case err != nil && !errors.Is(err, takedown.ErrNotFound):
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

// objection is the form with which somebody says that an entry is a mistake.
type objection struct {
	turn    // its id is that of the report: sending the same form again sends nothing new
	About   string
	Note    string
	Problem string // key of a message
	MaxNote int
	Days    int
}

// Appeal is the form to object to an entry.
// The form is written once; what differs is put into its places.
func (s *Site) Appeal(lang string, tickets Tickets) Page {
	blank, ok := s.blanks.Load(lang)
	if !ok {
		p := s.write(200, cacheNever, lang, "appeal", "appeal", objection{turn: turn{ID: idPlace, Ticket: ticketPlace}, MaxNote: maxNote / 2, Days: triage.AppealDays})
		if p.Status != 200 {
			return p
		}
		blank, _ = s.blanks.LoadOrStore(lang, p.Body)
	}
	mine := newTurn(tickets)
	body := bytes.ReplaceAll(blank.([]byte), []byte(idPlace), []byte(mine.ID))
	return Page{200, cacheNever, bytes.ReplaceAll(body, []byte(ticketPlace), []byte(template.HTMLEscapeString(mine.Ticket)))}
}

// The places of a form that is written once.
const idPlace, ticketPlace = "place-of-the-id", "place-of-the-ticket"

// TakeAppeal takes an objection: the fields are "about", "note" and the hidden "id". It is on the disk when the
// page says so. The same form sent again gives the same number, and
// mends the note where it has changed.
func (s *Site) TakeAppeal(ctx context.Context, lang string, form Values, tickets Tickets, source []byte, now int64) Page {
	o := objection{turn: turn{ID: form("id")}, About: strings.TrimSpace(form("about")), Note: strings.TrimSpace(strings.ReplaceAll(form("note"), "\r\n", "\n")), MaxNote: maxNote / 2, Days: triage.AppealDays}
	again := func(status int, problem string) Page {
		o.Problem, o.turn = problem, newTurn(tickets)
		return s.write(status, cacheNever, lang, "appeal", "appeal", o)
	}
	id, err := hex.DecodeString(o.ID)
	if err != nil || len(id) != inbox.IDSize {
		return again(422, "appeal.again")
	}
	named, problem := read(o.About)
	switch {
	case problem != "":
		return again(422, problem)
	case len(o.Note) > maxNote || !utf8.ValidString(o.Note):
		return again(422, "note.long")
	case o.Note == "":
		return again(422, "note.missing")
	}
	found, err := s.entries(ctx, named, false)
	if err != nil {
		return s.fault(lang, "appeal", err)
	}
	if len(found) == 0 {
		return again(422, "appeal.nothing")
	}
	r := wire.Report{ID: id, Kind: wire.KindMistake, Language: lang, Note: o.Note}
	for _, name := range named {
		r.Subjects = append(r.Subjects, string(name))
	}
	receipt, _, err := s.Inbox.Accept(ctx, r, source, now)
	switch {
	case errors.Is(err, inbox.ErrConflict):
		return again(409, "appeal.again")
	case err != nil:
		return s.fault(lang, "appeal", err)
	}
	return s.write(200, cacheNever, lang, "appeal", "sent", sent{grouped(receipt.Receipt), found[0].Subject, triage.AppealDue(now)})
}

type sent struct {
	Number string
	About  subject.Subject
	Due    int64
}

// grouped writes a number in groups of four, to be copied by hand.
func grouped(number string) string {
	var b strings.Builder
	for i := range len(number) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(number[i])
	}
	return b.String()
}

// answer is what became of an objection.
type answer struct {
	Problem string // key of a message
	State   string // key of a message
	Reason  string
	About   subject.Subject
	Due     int64 // 0 where it is answered
	Late    bool
	Sent    int64
	Changed int64
}

// Receipt says what became of an objection, by the number in the field "number"; blanks and dashes in it don't count.
func (s *Site) Receipt(ctx context.Context, lang string, form Values) Page {
	number := strings.ToLower(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' || r == '\t' {
			return -1
		}
		return r
	}, strings.TrimSpace(form("number"))))
	none := func() Page {
		return s.write(404, cacheNever, lang, "appeal", "receipt", answer{Problem: "receipt.none"})
	}
	if len(number) != 2*inbox.IDSize {
		return none()
	}
	r, err := s.Inbox.ByReceipt(ctx, number)
	switch {
	case errors.Is(err, inbox.ErrNotFound):
		return none()
	case err != nil:
		return s.fault(lang, "appeal", err)
	}
	a := answer{About: subject.Subject(r.Subjects[0]), Sent: r.Received, Changed: r.Changed, Reason: r.Reason}
	if r.Subject != "" {
		a.About = subject.Subject(r.Subject)
	}
	listed, err := s.listed(ctx, triage.Names(&r))
	if err != nil {
		return s.fault(lang, "appeal", err)
	}
	mistake := r.Kind == wire.KindMistake
	switch {
	case r.State == wire.StateReceived:
		a.State = "receipt.open"
		if mistake {
			a.Due = triage.AppealDue(r.Received)
			a.Late = a.Due < time.Now().Unix()
		} else if p, err := s.Desk.Progress(ctx, r.ID); err == nil && p.Expired > 0 {
			a.Reason = texts.In(triage.Unread(), lang)
		}
	case listed && mistake && r.State == wire.StateRejected:
		a.State = "receipt.upheld"
	case listed:
		a.State = "receipt.listed"
	case mistake && r.State == wire.StateAccepted:
		a.State = "receipt.withdrawn"
	default:
		a.State = "receipt.notlisted"
	}
	if mistake && listed != (r.State == wire.StateRejected) { // it has become otherwise since, and why was said of before
		a.Reason = ""
		return s.write(200, cacheNever, lang, "appeal", "receipt", a)
	}
	if reason, err := s.Desk.AnswerTo(ctx, r.ID); err == nil && a.Due == 0 {
		a.Reason = cmp.Or(texts.In(reason, lang), a.Reason)
	} else if err != nil && !errors.Is(err, triage.ErrNotFound) {
		return s.fault(lang, "appeal", err)
	}
	return s.write(200, cacheNever, lang, "appeal", "receipt", a)
}

// listed tells whether the release in force has any of some names.
func (s *Site) listed(ctx context.Context, names []subject.Subject) (bool, error) {
	for _, name := range names {
		if one, err := s.entry(ctx, name, time.Now().Unix()); err == nil && one.Listed {
			return true, nil
		} else if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return false, err
		}
	}
	return false, nil
}
