package console

import (
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
	known := slices.IndexFunc(all, func(p staff.Person) bool { return p.Name == name && p.Left == 0 })
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
	err = v.Desk.Record(v.ctx(), triage.Act{Time: v.now(), Actor: v.person.Name, Action: "invite as " + string(role), Object: "person " + name, Why: proof})
	if err != nil {
		return err
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
