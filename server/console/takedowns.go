package console

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"khien/server/ledger"
	"khien/server/staff"
	"khien/server/takedown"
)

var takedownRoutes = []route{
	{"GET /takedowns", seen, takedownsPage},
	{"GET /takedowns/{id}", seen, takedownPage},
	{"GET /takedowns/{id}/letter", staff.Takedown, letterFile},
	{"GET /takedowns/{id}/xarf", staff.Takedown, xarfFile},
	{"POST /takedowns/{id}/state", staff.Takedown, moveTakedown},
	{"POST /takedowns/{id}/undo", staff.Takedown, undoTakedown},
}

// due says when something is due, in words.
func due(lang string, at, now int64) string {
	late := at < now
	left := at - now
	if late {
		left = -left
	}
	key, n := "due.in.hours", int(left/3600)
	if left >= 2*24*3600 {
		key, n = "due.in.days", int(left/(24*3600))
	}
	if late {
		return count(lang, map[string]string{"due.in.hours": "due.late.hours", "due.in.days": "due.late.days"}[key], n)
	}
	return count(lang, key, n)
}

// asked is one takedown case as it is shown.
type asked struct {
	takedown.Request
	DueSays string // empty where nobody must act
	Late    bool
	Title   string // of the platform
}

func (v *visit) asked(c takedown.Request) asked {
	a := asked{Request: c, Title: c.Platform}
	if p, ok := takedown.ByName(c.Platform); ok {
		a.Title = p.Title
	}
	if c.Due != 0 {
		a.DueSays, a.Late = due(v.lang, c.Due, v.now()), c.Overdue(v.now())
	}
	return a
}

// line of takedown cases.
type askedLine struct {
	pager
	Platform string
	State    takedown.State
	All      bool
	Cases    []asked
	Total    int
	Overview []overview
	States   []takedown.State
}

type overview struct {
	takedown.Overview
	Title string
}

func takedownsPage(v *visit) error {
	l := askedLine{Platform: v.form("platform"), State: takedown.State(v.form("state")), All: v.form("all") == "1", States: takedown.States}
	if l.State != "" && !l.State.Known() {
		return errNoPage
	}
	f := takedown.Filter{Platform: l.Platform, State: l.State, Open: !l.All && l.State == ""}
	page, err := v.Takedowns.List(v.ctx(), f, v.place(), few)
	if err != nil {
		return err
	}
	if l.Total, err = v.Takedowns.Count(v.ctx(), f); err != nil {
		return err
	}
	l.pager = v.pager(page.Before, page.After)
	for _, c := range page.Rows {
		l.Cases = append(l.Cases, v.asked(c))
	}
	sums, err := v.Takedowns.Overview(v.ctx(), v.now())
	if err != nil {
		return err
	}
	for _, o := range sums {
		l.Overview = append(l.Overview, overview{o, v.asked(takedown.Request{Platform: o.Platform}).Title})
	}
	return v.show("takedowns", l)
}

// askedFile is what the page of one takedown case shows.
type askedFile struct {
	asked
	Steps   []takedown.Transition
	Form    []takedown.Field
	Letter  string // in the reader's language, or empty
	Problem string // key of why there is no letter
	Next    []takedown.State
	MayUndo bool
	Desk    int64 // the case of the reports, or 0
}

func takedownPage(v *visit) error {
	c, err := v.Takedowns.Get(v.ctx(), v.number("id"))
	if err != nil {
		return err
	}
	f := askedFile{asked: v.asked(c)}
	for _, s := range c.State.Next() {
		if s != takedown.ReAppeared && s != takedown.Withdrawn && s != takedown.Prepared || c.State == takedown.ActionTaken && s == takedown.ReAppeared {
			f.Next = append(f.Next, s)
		}
	}
	if f.Steps, err = v.Takedowns.Steps(v.ctx(), c.ID); err != nil {
		return err
	}
	for _, s := range slices.Backward(f.Steps) {
		if !s.Undone {
			f.MayUndo = s.Actor != takedown.Robot
			break
		}
	}
	if reported, err := v.Desk.Named(v.ctx(), c.Subject); err == nil {
		f.Desk = reported.ID
	}
	o, facts, err := v.writes(c)
	if err != nil {
		return err
	}
	if f.Form, err = o.Form(c, facts, v.lang, v.now()); err != nil {
		return err
	}
	letter, err := o.Letter(c, facts, v.lang, v.now())
	switch {
	case errors.Is(err, takedown.ErrSender):
		f.Problem = "takedown.nosender"
	case errors.Is(err, takedown.ErrLetters):
		f.Problem = "takedown.badletters"
	case err != nil:
		return err
	default:
		f.Letter = letter.Text()
	}
	return v.show("takedown", f)
}

// writes gathers what is needed to write about a case.
func (v *visit) writes(c takedown.Request) (takedown.Operator, takedown.Facts, error) {
	o, err := takedown.ReadOperator(v.Letters)
	if errors.Is(err, takedown.ErrLetters) {
		err = wrong("takedown.badletters")
	}
	if err != nil {
		return o, takedown.Facts{}, err
	}
	facts, err := v.Takedowns.Facts(v.ctx(), v.Publisher.Ledger, c)
	if errors.Is(err, ledger.ErrNotFound) {
		err = nil
	}
	return o, facts, err
}

// letterFile is the letter as a draft for a mail program, or as text.
func letterFile(v *visit) error {
	c, err := v.Takedowns.Get(v.ctx(), v.number("id"))
	if err != nil {
		return err
	}
	o, facts, err := v.writes(c)
	if err != nil {
		return err
	}
	letter, err := o.Letter(c, facts, v.form("lang"), v.now())
	if err != nil {
		return letterProblem(err)
	}
	if v.form("as") == "mail" {
		return v.file(c, "message/rfc822", ".eml", letter.Mail())
	}
	return v.file(c, "text/plain; charset=utf-8", ".txt", letter.Text())
}

func xarfFile(v *visit) error {
	c, err := v.Takedowns.Get(v.ctx(), v.number("id"))
	if err != nil {
		return err
	}
	o, facts, err := v.writes(c)
	if err != nil {
		return err
	}
	body, err := o.XARF(c, facts, v.now())
	if err != nil {
		return letterProblem(err)
	}
	return v.file(c, "application/json", ".xarf.json", string(body))
}

func letterProblem(err error) error {
	switch {
	case errors.Is(err, takedown.ErrSender):
		return wrong("takedown.nosender")
	case errors.Is(err, takedown.ErrLetters):
		return wrong("takedown.badletters")
	case errors.Is(err, takedown.ErrLanguage):
		return errNoPage
	}
	return err
}

// file sends something to be kept.
func (v *visit) file(c takedown.Request, kind, suffix, body string) error {
	v.w.Header().Set("Content-Type", kind)
	v.w.Header().Set("Content-Disposition", `attachment; filename="khien-takedown-`+strconv.FormatInt(c.ID, 10)+suffix+`"`)
	_, err := v.w.Write([]byte(body))
	return err
}

func moveTakedown(v *visit) error {
	id := v.number("id")
	c, err := v.Takedowns.Get(v.ctx(), id)
	if err != nil {
		return err
	}
	o, err := takedown.ReadOperator(v.Letters)
	if err != nil {
		return letterProblem(err)
	}
	to := takedown.State(v.form("state"))
	if !to.Known() {
		return wrong("takedown.nostate")
	}
	after, err := v.Takedowns.Move(v.ctx(), id, takedown.Move{Actor: v.person.Name, To: to, Theirs: v.form("theirs"), Why: v.form("why"), Clock: o.Clock(c.Platform)}, v.now())
	if errors.Is(err, takedown.ErrTooLong) {
		return wrong("takedown.long")
	}
	if err != nil {
		return err
	}
	return v.back("/takedowns/"+strconv.FormatInt(id, 10), "takedown.moved", strings.ToLower(say(v.lang, "asked."+string(after.State))))
}

func undoTakedown(v *visit) error {
	id := v.number("id")
	after, err := v.Takedowns.Undo(v.ctx(), id, v.person.Name, v.form("why"), v.now())
	if err != nil {
		return err
	}
	return v.back("/takedowns/"+strconv.FormatInt(id, 10), "takedown.undone", strings.ToLower(say(v.lang, "asked."+string(after.State))))
}
