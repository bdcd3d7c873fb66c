package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"khien/server/audit"
	"khien/server/staff"
)

var entranceRoutes = []route{
	{"GET /signin", everybody, (*visit).enterPage},
	{"POST /signin/begin", everybody, beginSignIn},
	{"POST /signin/finish", everybody, finishSignIn},
	{"POST /signout", seen, signOut},
	{"GET /invite/{link}", everybody, invited},
	{"POST /invite/{link}/begin", everybody, beginEnrol},
	{"POST /invite/{link}/finish", everybody, finishEnrol},
	{"POST /look", everybody, look},
}

// enter shows the sign-in page in place of another; signed in, the reader comes there.
func (v *visit) enter() {
	if err := v.write(http.StatusUnauthorized, "signin", local(v.r.URL.RequestURI())); err != nil {
		v.problem(err)
	}
}

func (v *visit) enterPage() error {
	if v.signedIn() {
		return v.back("/", "")
	}
	return v.show("signin", "/")
}

// keep keeps what a ceremony began with until it ends, in the session.
func (v *visit) keep(name string, session *webauthn.SessionData) error {
	text, err := json.Marshal(session)
	if err == nil {
		v.sessions.Put(v.ctx(), name, text)
	}
	return err
}

// kept returns what a ceremony began with, once.
func (v *visit) kept(name string) (session webauthn.SessionData, err error) {
	text := v.sessions.PopBytes(v.ctx(), name)
	if text == nil {
		return session, &userError{http.StatusUnauthorized, "problem.ceremony", nil}
	}
	return session, json.Unmarshal(text, &session)
}

func beginSignIn(v *visit) error {
	options, session, err := v.passkeys.BeginDiscoverableLogin()
	if err != nil {
		return err
	}
	if !v.signedIn() {
		v.sessions.SetDeadline(v.ctx(), time.Now().Add(entering))
	}
	if err := v.keep("signin", session); err != nil {
		return err
	}
	return v.json(http.StatusOK, options.Response)
}

func finishSignIn(v *visit) error {
	session, err := v.kept("signin")
	if err != nil {
		return err
	}
	answer, err := protocol.ParseCredentialRequestResponseBody(v.r.Body)
	if err != nil {
		return &userError{http.StatusUnauthorized, "problem.passkey", nil}
	}
	find := func(_, handle []byte) (webauthn.User, error) { return v.Staff.ByHandle(v.ctx(), handle) }
	user, key, err := v.passkeys.ValidatePasskeyLogin(find, session, answer)
	if err != nil || key.Authenticator.CloneWarning {
		return &userError{http.StatusUnauthorized, "problem.passkey", nil}
	}
	if err := v.Staff.Used(v.ctx(), *key); err != nil {
		return err
	}
	return v.admit(user.(staff.Person), key.ID, audit.Act{Verb: audit.SignIn})
}

// admit makes the session somebody's, under a new name. It lasts as long as the passkey and what the person is here:
// see visit.
func (v *visit) admit(p staff.Person, passkey []byte, act audit.Act) error {
	if err := v.sessions.Clear(v.ctx()); err != nil {
		return err
	}
	if err := v.sessions.RenewToken(v.ctx()); err != nil {
		return err
	}
	v.sessions.SetDeadline(v.ctx(), time.Now().Add(sessionLife))
	v.sessions.Put(v.ctx(), "person", p.Handle)
	v.sessions.Put(v.ctx(), "passkey", passkey)
	v.sessions.Put(v.ctx(), "term", p.Term)
	act.Time, act.Actor, act.Object = v.now(), p.Name, person(p.Name)
	if err := v.Desk.Record(v.ctx(), act); err != nil {
		return err
	}
	return v.json(http.StatusOK, map[string]string{"next": local(v.r.URL.Query().Get("next"))})
}

func signOut(v *visit) error {
	if err := v.sessions.Destroy(v.ctx()); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, "/signin", http.StatusSeeOther)
	return nil
}

func (v *visit) guest() (staff.Person, error) {
	p, err := v.Staff.Invited(v.ctx(), v.r.PathValue("link"))
	if errors.Is(err, staff.ErrNotFound) {
		return p, &userError{http.StatusNotFound, "problem.link", nil}
	}
	return p, err
}

// welcome is guest, and refuses the link of one person in the browser where another is signed in, such as who has
// confirmed it and holds it: two accounts of one person are no two people.
func (v *visit) welcome() (staff.Person, error) {
	p, err := v.guest()
	if err == nil && v.signedIn() && v.person.Name != p.Name {
		err = &userError{http.StatusConflict, "invite.another", []any{p.Name, v.person.Name}}
	}
	return p, err
}

func invited(v *visit) error {
	p, err := v.welcome()
	if err != nil {
		return err
	}
	return v.show("invite", p)
}

func beginEnrol(v *visit) error {
	p, err := v.welcome()
	if err != nil {
		return err
	}
	others, err := v.Staff.NotBeside(v.ctx(), p.Handle)
	if err != nil {
		return err
	}
	options, session, err := v.passkeys.BeginRegistration(p, webauthn.WithExclusions(others.CredentialDescriptors()))
	if err != nil {
		return err
	}
	if !v.signedIn() {
		v.sessions.SetDeadline(v.ctx(), time.Now().Add(entering))
	}
	if err := v.keep("enrol", session); err != nil {
		return err
	}
	return v.json(http.StatusOK, options.Response)
}

func finishEnrol(v *visit) error {
	p, err := v.welcome()
	if err != nil {
		return err
	}
	session, err := v.kept("enrol")
	if err != nil {
		return err
	}
	answer, err := protocol.ParseCredentialCreationResponseBody(v.r.Body)
	if err != nil {
		return &userError{http.StatusUnauthorized, "problem.passkey", nil}
	}
	key, err := v.passkeys.CreateCredential(p, session, answer)
	if err != nil {
		return &userError{http.StatusUnauthorized, "problem.passkey", nil}
	}
	if err := v.Staff.Enrol(v.ctx(), v.r.PathValue("link"), *key); errors.Is(err, staff.ErrNotFound) {
		return &userError{http.StatusNotFound, "problem.link", nil}
	} else if errors.Is(err, staff.ErrTaken) {
		return &userError{http.StatusConflict, "problem.taken", nil}
	} else if err != nil {
		return err
	}
	if p, err = v.Staff.ByHandle(v.ctx(), p.Handle); err != nil { // in another term with the first passkey
		return err
	}
	return v.admit(p, key.ID, audit.Act{Verb: audit.MakePasskey, Args: audit.Args{Key: shortKey(key.ID), Role: string(p.Role)}})
}

// lookCookie begins the names of the cookies of what somebody likes to see.
const lookCookie = "__Host-khien-"

// look sets the language, the colours, or whether single keys do something; the choice stays in the browser for a year.
func look(v *visit) error {
	for name, choices := range map[string][]string{"lang": said.Languages, "theme": {"light", "dark", "system"}, "keys": {"on", "off"}} {
		if choice := v.r.PostForm.Get(name); slices.Contains(choices, choice) {
			http.SetCookie(v.w, &http.Cookie{Name: lookCookie + name, Value: choice, Path: "/", MaxAge: 365 * 24 * 60 * 60,
				HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: true})
		}
	}
	http.Redirect(v.w, v.r, local(v.form("next")), http.StatusSeeOther)
	return nil
}
