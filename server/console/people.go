package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"khien/server/audit"
	"khien/server/staff"
	"khien/server/words"
)

var peopleRoutes = []route{
	{"GET /people", seen, peoplePage},
	{"POST /people/invite", staff.Invite, invite},
	{"POST /people/confirm", staff.Vouch, vouch},
	{"POST /people/stop", seen, stop},
	{"POST /people/suspend", staff.Invite, suspend},
	{"POST /people/leave", staff.Invite, leave},
	{"GET /me", seen, mePage},
	{"POST /me/passkey", seen, anotherPasskey},
	{"POST /me/forget", seen, forgetPasskey},
}

// people is who may enter, and what is proposed about that.
type people struct {
	pager
	All      []staff.Person // some of them
	Proposed []staff.Proposal
	Roles    []staff.Role
	Now      int64
	// Of somebody who was invited just now.
	Name, Link string
}

// Waits is when somebody's word begins to count; 0 where it does, or where there is nobody yet whose it is.
func (p people) Waits(one staff.Person) int64 {
	if !one.In() || one.Counts == 0 {
		return 0
	}
	return one.Waits(p.Now)
}

func peoplePage(v *visit) error { return v.people("", "") }

func (v *visit) people(name, link string) error {
	page, err := v.Staff.List(v.ctx(), v.place(), few)
	if err != nil {
		return err
	}
	proposed, err := v.Staff.Proposals(v.ctx())
	if err != nil {
		return err
	}
	return v.show("people", people{v.pager(page.Before, page.After), page.Rows, proposed, staff.Roles, v.now(), name, link})
}

// willBe says what becomes of somebody.
func (v *visit) willBe(name string, was, role staff.Role) string {
	as := say(v.lang, "role."+string(role))
	if was == "" {
		return say(v.lang, "people.will.invite", name, as, say(v.lang, "role."+string(role)+".does"))
	}
	return say(v.lang, "people.will.change", name, say(v.lang, "role."+string(was)), as)
}

// invite makes a link that is good once, or a proposal where another person must agree. The link is shown on this one
// page and nowhere else.
func invite(v *visit) error {
	name, role := strings.ToLower(v.form("name")), staff.Role(v.form("role"))
	switch err := staff.Check(name, role); {
	case errors.Is(err, staff.ErrRole):
		return wrong("people.badrole")
	case err != nil:
		return wrong("people.badname")
	}
	var was staff.Role
	known, err := v.Staff.Named(v.ctx(), name)
	if err != nil && !errors.Is(err, staff.ErrNotFound) {
		return err
	}
	term := known.Term
	if known.In() && len(known.Passkeys) > 0 {
		was = known.Role
	}
	proof, err := v.confirm(change{Key: "confirm.invite", What: []any{name, role, was, term}, Says: []string{v.willBe(name, was, role), say(v.lang, "people.will.two")}})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	link, proposed, err := v.Staff.Invite(v.ctx(), v.person, name, role)
	if err != nil {
		return aboutPeople(err)
	}
	verb := audit.Invite
	switch {
	case proposed.ID != 0 && was != "":
		verb = audit.ProposeRole
	case proposed.ID != 0:
		verb = audit.ProposeInvite
	case link == "":
		verb = audit.LetIn
	}
	if err := v.note(audit.Act{Verb: verb, Object: person(name), Args: audit.Args{Role: string(role)}, Why: proof}); err != nil {
		return err
	}
	switch {
	case proposed.ID != 0:
		return v.back("/people", "people.told.proposed", name)
	case link == "":
		return v.back("/people", "people.changed", name)
	}
	return v.people(name, v.Address()+"/invite/"+link)
}

func person(name string) audit.Object { return audit.Object{Kind: audit.OfPerson, ID: name} }

// aboutPeople is a refusal of package staff, as it is told.
func aboutPeople(err error) error {
	for refused, key := range map[error]string{
		staff.ErrLast: "people.last", staff.ErrSame: "people.same", staff.ErrSamePerson: "people.sameperson", staff.ErrMay: "people.may",
	} {
		if errors.Is(err, refused) {
			return &userError{http.StatusConflict, key, nil}
		}
	}
	if errors.Is(err, staff.ErrNotFound) {
		return errNoPage
	}
	return err
}

// proposal is the one of the form.
func (v *visit) proposal() (staff.Proposal, error) {
	all, err := v.Staff.Proposals(v.ctx())
	if err != nil {
		return staff.Proposal{}, err
	}
	at := slices.IndexFunc(all, func(p staff.Proposal) bool { return p.ID == v.number("id") })
	if at < 0 {
		return staff.Proposal{}, errNoPage
	}
	return all[at], nil
}

// vouch confirms what another has proposed about somebody, with a passkey over exactly that.
func vouch(v *visit) error {
	p, err := v.proposal()
	if err != nil {
		return err
	}
	if p.Alone() {
		return errNoPage
	}
	if p.By == v.person.Name || p.Name == v.person.Name {
		return aboutPeople(staff.ErrSamePerson)
	}
	says := []string{v.willBe(p.Name, p.Was, p.Role), say(v.lang, "people.will.by", p.By, words.Moment(v.lang, p.Made))}
	proof, err := v.confirm(change{Key: "confirm.vouch", What: []any{p.ID, p.Name, p.Role, p.Was, p.By, p.Made}, Says: says})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	link, p, err := v.Staff.Vouch(v.ctx(), v.person, p.ID)
	if err != nil {
		return aboutPeople(err)
	}
	verb := audit.AgreeInvite
	if link == "" {
		verb = audit.AgreeRole
	}
	if err := v.note(audit.Act{Verb: verb, Object: person(p.Name), Args: audit.Args{Role: string(p.Role), By: p.By}, Why: proof}); err != nil {
		return err
	}
	if link == "" {
		return v.back("/people", "people.changed", p.Name)
	}
	return v.people(p.Name, v.Address()+"/invite/"+link)
}

// stop takes a proposal about somebody away: whoever is in can, so that what one person wants alone is seen by all and
// stopped by any.
func stop(v *visit) error {
	p, err := v.proposal()
	if err != nil {
		return err
	}
	if p, err = v.Staff.Stop(v.ctx(), p.ID); err != nil {
		return aboutPeople(err)
	}
	if err := v.note(audit.Act{Verb: audit.StopPerson, Object: person(p.Name), Args: audit.Args{By: p.By}}); err != nil {
		return err
	}
	return v.back("/people", "people.stopped", p.Name)
}

// suspend locks somebody out at once: for a lost laptop.
func suspend(v *visit) error {
	return v.lock("confirm.suspend", "people.will.suspend", audit.Suspend, "people.suspended", v.Staff.Suspend)
}

func leave(v *visit) error {
	return v.lock("confirm.leave", "people.will.leave", audit.Leave, "people.left", v.Staff.Leave)
}

func (v *visit) lock(key, will string, verb audit.Verb, done string, do func(context.Context, staff.Person, string) error) error {
	name := v.form("name")
	proof, err := v.confirm(change{Key: key, What: name, Says: []string{say(v.lang, will, name)}})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	// All of it is done, whether or not the browser that has asked for it is still there.
	ctx := context.WithoutCancel(v.ctx())
	if err := do(ctx, v.person, name); err != nil {
		return aboutPeople(err)
	}
	if err := v.Desk.Hold(ctx, v.now()+staff.Wait); err != nil {
		return err
	}
	if err := v.Desk.Record(ctx, audit.Act{Time: v.now(), Actor: v.person.Name, Verb: verb, Object: person(name), Why: proof}); err != nil {
		return err
	}
	return v.back("/people", done, name)
}

// me is what a person sees of themself.
type me struct {
	Passkeys []staff.Passkey
	Link     string // to make another, just now
}

// Name is a passkey's name in forms.
func (me) Name(k staff.Passkey) string { return hex.EncodeToString(k.ID) }

// Short is how the audit log names a passkey.
func (me) Short(k staff.Passkey) string { return shortKey(k.ID) }

func shortKey(id []byte) string {
	sum := sha256.Sum256(id)
	return hex.EncodeToString(sum[:4])
}

func mePage(v *visit) error { return v.me("") }

func (v *visit) me(link string) error {
	passkeys, err := v.Staff.Passkeys(v.ctx(), v.person.Handle)
	if err != nil {
		return err
	}
	return v.show("me", me{passkeys, link})
}

// anotherPasskey makes a link with which the reader makes one more passkey, on another device. A passkey that is there
// already confirms it, so that nobody else makes one, neither an admin nor who sits down at an open screen.
func anotherPasskey(v *visit) error {
	proof, err := v.confirm(change{Key: "confirm.passkey", What: hex.EncodeToString(v.person.Handle), Says: []string{say(v.lang, "me.will.make")}})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	if err := v.note(audit.Act{Verb: audit.AskPasskey, Object: person(v.person.Name), Why: proof}); err != nil {
		return err
	}
	link, err := v.Staff.Another(v.ctx(), v.person.Handle)
	if err != nil {
		return err
	}
	return v.me(v.Address() + "/invite/" + link)
}

func forgetPasskey(v *visit) error {
	id, err := hex.DecodeString(v.form("passkey"))
	if err != nil {
		return errNoPage
	}
	mine, err := v.Staff.Passkeys(v.ctx(), v.person.Handle)
	switch {
	case err != nil:
		return err
	case !slices.ContainsFunc(mine, func(k staff.Passkey) bool { return bytes.Equal(k.ID, id) }):
		return errNoPage
	case len(mine) == 1:
		return wrong("me.last")
	}
	proof, err := v.confirm(change{Key: "confirm.forget", What: hex.EncodeToString(id), Says: []string{say(v.lang, "me.will.forget", shortKey(id))}})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	switch err := v.Staff.Forget(v.ctx(), v.person.Handle, id); {
	case errors.Is(err, staff.ErrLastPasskey):
		return wrong("me.last")
	case errors.Is(err, staff.ErrNotFound):
		return errNoPage
	case err != nil:
		return err
	}
	err = v.note(audit.Act{Verb: audit.RemovePasskey, Object: person(v.person.Name), Args: audit.Args{Key: shortKey(id)}, Why: proof})
	if err != nil {
		return err
	}
	return v.back("/me", "me.forgotten")
}
