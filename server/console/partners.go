package console

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"khien/server/audit"
	"khien/server/partner"
	"khien/server/staff"
	"khien/shared/category"
)

var partnerRoutes = []route{
	{"GET /partners", seen, partnersPage},
	{"POST /partners", staff.Publish, proposeAgreement},
	{"GET /partners/{id}", seen, partnerPage},
	{"POST /partners/{id}/agree", staff.Publish, agreeToAgreement},
	{"POST /partners/{id}/stop", staff.Publish, stopAgreement},
	{"POST /partners/{id}/end", staff.Publish, endAgreement},
	{"POST /partners/{id}/key", staff.Publish, makePartnerKey},
	{"POST /partners/{id}/revoke", staff.Publish, revokePartnerKey},
}

// term is one line of what is agreed; Was is what was agreed before, where that is something else.
type term struct {
	Key        string // of the message that names it
	Value, Was string
	Changed    bool
}

// terms are what an agreement says, beside what another one said.
func (v *visit) terms(a partner.Agreement, was *partner.Agreement) (all []term) {
	values := func(a partner.Agreement) map[string]string {
		list := func(some []string, all string) string {
			if len(some) == 0 {
				return say(v.lang, all)
			}
			return strings.Join(some, ", ")
		}
		var kinds, categories, personal, contacts []string
		for _, k := range a.Kinds {
			kinds = append(kinds, say(v.lang, "partnerkind."+k))
		}
		for _, slug := range a.Categories {
			if c, ok := category.Parse(slug); ok {
				categories = append(categories, c.Name(v.lang))
			}
		}
		for _, k := range slices.Sorted(maps.Keys(a.Personal)) {
			personal = append(personal, say(v.lang, "partnerkind."+k)+": "+say(v.lang, "partnerpersonal."+string(a.Personal[k])))
		}
		for _, c := range a.Contacts {
			contacts = append(contacts, c.Name+" <"+c.Email+">")
		}
		tlp := "TLP:CLEAR"
		if a.TLP != "" {
			tlp = "TLP:" + strings.ToUpper(string(a.TLP))
		}
		notice := say(v.lang, "partnernotice.none")
		if a.Notice != "" {
			notice = say(v.lang, "partnernotice."+string(a.Notice))
			if a.Approved {
				notice += ". " + say(v.lang, "partner.approved")
			}
		}
		hours := ""
		if a.Hours > 0 {
			hours = fmt.Sprint(a.Hours)
		}
		return map[string]string{
			"partner.role": say(v.lang, "partnerrole."+string(a.Role)), "partner.platforms": strings.Join(a.Platforms, ", "),
			"partner.kinds": list(kinds, "partner.allkinds"), "partner.categories": list(categories, "partner.allcategories"), "partner.tlp": tlp,
			"partner.personal": list(personal, "partner.nothingpersonal"), "partner.purpose": a.Purpose, "partner.retention": count(v.lang, "span.days", a.Retention),
			"partner.direction": say(v.lang, "partnerdirection."+string(a.Direction)), "partner.source": a.Source, "partner.notice": notice, "partner.language": a.Language,
			"partner.hours": hours, "partner.contacts": strings.Join(contacts, ", "), "partner.legal": a.Legal.Basis, "partner.territory": strings.Join(a.Legal.Territory, ", "),
			"partner.redress": a.Legal.Redress, "partner.from": a.From, "partner.until": a.Until,
		}
	}
	now, before := values(a), map[string]string{}
	if was != nil {
		before = values(*was)
	}
	for _, key := range []string{"partner.role", "partner.platforms", "partner.kinds", "partner.categories", "partner.tlp", "partner.personal", "partner.purpose", "partner.retention",
		"partner.direction", "partner.source", "partner.notice", "partner.language", "partner.hours", "partner.contacts", "partner.legal", "partner.territory", "partner.redress",
		"partner.from", "partner.until"} {
		t := term{key, now[key], before[key], was != nil && now[key] != before[key]}
		if t.Value != "" || t.Changed {
			all = append(all, t)
		}
	}
	return all
}

// proposed is a proposal as it is shown.
type proposed struct {
	partner.Proposal
	Terms []term
	Mine  bool // the reader has proposed it, or agreed already
}

func (v *visit) proposals() (all []proposed, err error) {
	list, err := v.Partners.Proposals(v.ctx())
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		shown := proposed{Proposal: p, Mine: p.By == v.person.Name || slices.Contains(p.Agreed, v.person.Name)}
		var before *partner.Agreement
		if p.Base > 0 {
			was, err := v.Partners.Get(v.ctx(), p.Name)
			if err != nil {
				return nil, err
			}
			before = &was.Agreement
		}
		shown.Terms = v.terms(p.Agreement, before)
		all = append(all, shown)
	}
	return all, nil
}

// standing is an agreement as it is shown.
type standing struct {
	partner.Standing
	How string // holds, ended, over or early: of the message that says so
}

func (v *visit) standing(s partner.Standing) standing {
	how := "over"
	switch {
	case s.Ended != 0:
		how = "ended"
	case s.Stands(v.now()):
		how = "holds"
	case s.Early(v.now()):
		how = "early"
	}
	return standing{s, how}
}

type partnerList struct {
	All      []standing
	Proposed []proposed
	Text     string // of the form
}

func partnersPage(v *visit) error {
	all, err := v.Partners.List(v.ctx())
	if err != nil {
		return err
	}
	var list partnerList
	for _, s := range all {
		list.All = append(list.All, v.standing(s))
	}
	if list.Proposed, err = v.proposals(); err != nil {
		return err
	}
	return v.show("partners", list)
}

// partnerFile is what the page of one partner shows.
type partnerFile struct {
	standing
	Terms    []term
	Keys     []partner.Key
	Proposed *proposed
	Text     string // the agreement, to be changed
	Key      string // that was made just now
}

func partnerPage(v *visit) error { return v.partner("") }

func (v *visit) partner(key string) error {
	s, err := v.Partners.Get(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return aboutPartner(err)
	}
	f := partnerFile{standing: v.standing(s), Terms: v.terms(s.Agreement, nil), Key: key, Text: s.Text()}
	if f.Keys, err = v.Partners.Keys(v.ctx(), s.Name); err != nil {
		return err
	}
	waiting, err := v.proposals()
	if err != nil {
		return err
	}
	if at := slices.IndexFunc(waiting, func(p proposed) bool { return p.Name == s.Name }); at >= 0 {
		f.Proposed = &waiting[at]
	}
	return v.show("partner", f)
}

// aboutPartner is a refusal of package partner, as it is told.
func aboutPartner(err error) error {
	for refused, key := range map[error]string{
		partner.ErrProposed: "partner.isproposed", partner.ErrNothing: "partner.gone", partner.ErrSame: "partner.same", partner.ErrEnded: "partner.isended",
		partner.ErrChanged: "partner.gone", partner.ErrNoKey: "partner.nokey",
	} {
		if errors.Is(err, refused) {
			return &userError{http.StatusConflict, key, nil}
		}
	}
	switch {
	case errors.Is(err, partner.ErrNotFound):
		return errNoPage
	case errors.Is(err, partner.ErrAgreement):
		_, what, _ := strings.Cut(err.Error(), partner.ErrAgreement.Error()+": ")
		return wrong("partner.bad", what)
	}
	return err
}

func (v *visit) partnerActor(proof audit.Why) (partner.Actor, error) {
	register, err := v.Staff.Register(v.ctx(), v.now())
	return partner.Actor{Name: v.person.Name, Alone: register.Alone, Why: v.why(proof)}, err
}

// says is what an agreement says, in lines to be confirmed.
func (v *visit) says(a partner.Agreement, was *partner.Agreement) (all []string) {
	for _, t := range v.terms(a, was) {
		line := say(v.lang, t.Key) + ": " + t.Value
		if t.Changed {
			line += " (" + say(v.lang, "partner.was", t.Was) + ")"
		}
		all = append(all, line)
	}
	return all
}

// proposeAgreement proposes what the form has as JSON.
func proposeAgreement(v *visit) error {
	a, err := partner.Parse(strings.NewReader(v.form("agreement")))
	if err != nil {
		return aboutPartner(err)
	}
	var before *partner.Agreement
	switch was, err := v.Partners.Get(v.ctx(), a.Name); {
	case err == nil:
		before = &was.Agreement
	case !errors.Is(err, partner.ErrNotFound):
		return err
	}
	proof, err := v.confirm(change{Key: "confirm.propose", What: []any{a, before}, Says: append([]string{a.Name + ", " + a.Title}, v.says(a, before)...)})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	by, err := v.partnerActor(proof)
	if err != nil {
		return err
	}
	p, err := v.Partners.Propose(v.whole(), by, a)
	if err != nil {
		return aboutPartner(err)
	}
	if p.ID == 0 {
		return v.back("/partners/"+a.Name, "partner.told.holds")
	}
	return v.back("/partners", "partner.told.proposed")
}

// waitingFor is the proposal of the form, which must wait still.
func (v *visit) waitingFor() (p proposed, err error) {
	all, err := v.proposals()
	if err != nil {
		return p, err
	}
	id := v.number("proposal")
	at := slices.IndexFunc(all, func(p proposed) bool { return p.ID == id && p.Name == v.r.PathValue("id") })
	if at < 0 {
		return p, aboutPartner(partner.ErrNothing)
	}
	return all[at], nil
}

func agreeToAgreement(v *visit) error {
	p, err := v.waitingFor()
	if err != nil {
		return err
	}
	if p.Mine {
		return aboutPartner(partner.ErrSame)
	}
	var before *partner.Agreement
	if p.Base > 0 {
		was, err := v.Partners.Get(v.ctx(), p.Name)
		if err != nil {
			return aboutPartner(err)
		}
		before = &was.Agreement
	}
	says := append([]string{p.Name + ", " + p.Title, say(v.lang, "partner.by", p.By)}, v.says(p.Agreement, before)...)
	proof, err := v.confirm(change{Key: "confirm.agree", What: []any{p.ID, p.Agreement, p.Base}, Says: says})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	by, err := v.partnerActor(proof)
	if err != nil {
		return err
	}
	needs, err := v.Partners.Agree(v.whole(), by, p.ID)
	if err != nil {
		return aboutPartner(err)
	}
	if needs > 0 {
		return v.back("/partners", "partner.told.another")
	}
	return v.back("/partners/"+p.Name, "partner.told.holds")
}

func stopAgreement(v *visit) error {
	p, err := v.waitingFor()
	if err != nil {
		return err
	}
	by, err := v.partnerActor(audit.Why{})
	if err == nil {
		err = v.Partners.Stop(v.whole(), by, p.ID)
	}
	if err != nil {
		return aboutPartner(err)
	}
	return v.back("/partners", "partner.told.stopped")
}

func endAgreement(v *visit) error {
	s, err := v.Partners.Get(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return aboutPartner(err)
	}
	proof, err := v.confirm(change{Key: "confirm.end", What: []any{s.Name, s.Version}, Says: []string{say(v.lang, "partner.will.end", s.Name)}})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	by, err := v.partnerActor(proof)
	if err == nil {
		err = v.Partners.End(v.whole(), by, s.Name)
	}
	if err != nil {
		return aboutPartner(err)
	}
	return v.back("/partners/"+s.Name, "partner.told.ended")
}

// makePartnerKey makes a key and shows it this once.
func makePartnerKey(v *visit) error {
	name, scope := v.r.PathValue("id"), partner.Scope(v.form("scope"))
	if scope != partner.ToRead && scope != partner.ToAnswer {
		return wrong("partner.noscope")
	}
	proof, err := v.confirm(change{Key: "confirm.key", What: []any{name, scope}, Says: []string{say(v.lang, "partner.will.key", name, say(v.lang, "partnerscope."+string(scope)))}})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	by, err := v.partnerActor(proof)
	if err != nil {
		return err
	}
	key, err := v.Partners.MakeKey(v.whole(), by, name, scope)
	if err != nil {
		return aboutPartner(err)
	}
	return v.partner(key)
}

func revokePartnerKey(v *visit) error {
	by, err := v.partnerActor(audit.Why{})
	if err == nil {
		err = v.Partners.Revoke(v.whole(), by, v.r.PathValue("id"), v.number("key"))
	}
	if err != nil {
		return aboutPartner(err)
	}
	return v.back("/partners/"+v.r.PathValue("id"), "partner.told.revoked")
}
