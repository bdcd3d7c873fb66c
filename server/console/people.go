package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"khien/server/staff"
	"khien/server/triage"
)

var peopleRoutes = []route{
	{"GET /people", staff.Invite, peoplePage},
	{"POST /people/invite", staff.Invite, invite},
	{"POST /people/leave", staff.Invite, leave},
	{"GET /me", seen, mePage},
	{"POST /me/passkey", seen, anotherPasskey},
	{"POST /me/forget", seen, forgetPasskey},
}

// people is who may enter.
type people struct {
	All   []staff.Person
	Roles []staff.Role
	// Of somebody who was invited just now.
	Name, Link string
}

func peoplePage(v *visit) error { return v.people("", "") }

func (v *visit) people(name, link string) error {
	all, err := v.Staff.All(v.ctx())
	if err != nil {
		return err
	}
	return v.show("people", people{all, staff.Roles, name, link})
}

// invite makes a link that is good once. It is shown on this one page and nowhere else.
func invite(v *visit) error {
	name, role := strings.ToLower(v.form("name")), staff.Role(v.form("role"))
	switch err := staff.Check(name, role); {
	case errors.Is(err, staff.ErrRole):
		return wrong("people.badrole")
	case err != nil:
		return wrong("people.badname")
	}
	says := say(v.lang, "people.will.invite", name, say(v.lang, "role."+string(role)), say(v.lang, "role."+string(role)+".does"))
	all, err := v.Staff.All(v.ctx())
	if err != nil {
		return err
	}
	known := slices.IndexFunc(all, func(p staff.Person) bool { return p.Name == name && p.Left == 0 && len(p.Passkeys) > 0 })
	if known >= 0 {
		says = say(v.lang, "people.will.change", name, say(v.lang, "role."+string(all[known].Role)), say(v.lang, "role."+string(role)))
	}
	proof, err := v.confirm(change{Key: "confirm.invite", What: []any{name, role}, Says: []string{says}})
	if proof == "" || err != nil {
		return err
	}
	link, err := v.Staff.Invite(v.ctx(), name, role)
	if errors.Is(err, staff.ErrLast) {
		return wrong("people.last")
	}
	if err != nil {
		return err
	}
	action := "invite as "
	if link == "" {
		action = "change the role to "
	}
	err = v.Desk.Record(v.ctx(), triage.Act{Time: v.now(), Actor: v.person.Name, Action: action + string(role), Object: "person " + name, Why: proof})
	if err != nil {
		return err
	}
	if link == "" {
		return v.back("/people", "people.changed", name)
	}
	return v.people(name, v.Address()+"/invite/"+link)
}

func leave(v *visit) error {
	name := v.form("name")
	proof, err := v.confirm(change{Key: "confirm.leave", What: name, Says: []string{say(v.lang, "people.will.leave", name)}})
	if proof == "" || err != nil {
		return err
	}
	switch err := v.Staff.Leave(v.ctx(), name); {
	case errors.Is(err, staff.ErrLast):
		return wrong("people.last")
	case errors.Is(err, staff.ErrNotFound):
		return errNoPage
	case err != nil:
		return err
	}
	err = v.Desk.Record(v.ctx(), triage.Act{Time: v.now(), Actor: v.person.Name, Action: "leave", Object: "person " + name, Why: proof})
	if err != nil {
		return err
	}
	return v.back("/people", "people.left", name)
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
	if proof == "" || err != nil {
		return err
	}
	if err := v.Desk.Record(v.ctx(), triage.Act{Time: v.now(), Actor: v.person.Name, Action: "ask for another passkey", Object: "person " + v.person.Name, Why: proof}); err != nil {
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
	if proof == "" || err != nil {
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
	err = v.Desk.Record(v.ctx(), triage.Act{Time: v.now(), Actor: v.person.Name, Action: "remove passkey " + shortKey(id), Object: "person " + v.person.Name, Why: proof})
	if err != nil {
		return err
	}
	return v.back("/me", "me.forgotten")
}
