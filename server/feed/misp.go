package feed

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"khien/shared/category"
	"khien/shared/subject"
)

// Why an attribute of MISP is refused, beside ErrAccount, ErrBank, ErrRed and what Entry says.
var (
	// ErrAttribute is an attribute of a type that names nothing of ours.
	ErrAttribute = errors.New("a type of attribute that names nothing that could be listed")
	// ErrEvent is an event with more attributes than are held until it is known to whom they may be told.
	ErrEvent = errors.New("an event of more than 100,000 attributes")
)

// maxHeld is how many claims of an event wait for its end: its labels stand behind them.
const maxHeld = 100_000

// readMISP reads events of MISP: those of a feed, answers of a server, and lists of attributes. What MISP does not mark
// for detection (to_ids) is context, and so is what one of its warning lists has. An object that is an account, a
// telephone or a bank account is one thing; MISP marks no names of accounts for detection, so they are suspected.
func readMISP(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		base, err := newMapping(p).said(func(string) []string { return nil })
		if err != nil {
			yield(Claim{}, err)
			return
		}
		m := &misp{stream: newStream(r), yield: yield, base: base}
		if err := m.read(); err != nil && err != errEnough {
			yield(Claim{}, wrong(err))
		}
	}
}

// misp reads one list of MISP.
type misp struct {
	*stream
	yield func(Claim, error) bool
	base  Claim
}

// mispEvent is an event of which the attributes are read.
type mispEvent struct {
	tags  []mispTag
	info  string
	held  []heldClaim
	many  bool // more than are held
	alone bool // attributes without an event around them, each of which is told at once
}

// heldClaim is a claim, or why there is none.
type heldClaim struct {
	Claim
	tags    []mispTag
	refused *Refused
}

type mispTag struct {
	Name string `json:"name"`
}

type mispAttribute struct {
	UUID        string          `json:"uuid"`
	Type        string          `json:"type"`
	Relation    string          `json:"object_relation"`
	Value       mispText        `json:"value"`
	Detects     mispFlag        `json:"to_ids"`
	Deleted     mispFlag        `json:"deleted"`
	Written     mispTime        `json:"timestamp"`
	First       mispTime        `json:"first_seen"`
	Last        mispTime        `json:"last_seen"`
	Comment     string          `json:"comment"`
	Tags        []mispTag       `json:"Tag"`
	Warnings    json.RawMessage `json:"warnings"`
	WarningList json.RawMessage `json:"warninglist"`
}

type mispObject struct {
	UUID       string          `json:"uuid"`
	Name       string          `json:"name"`
	Comment    string          `json:"comment"`
	Deleted    mispFlag        `json:"deleted"`
	Written    mispTime        `json:"timestamp"`
	Attributes []mispAttribute `json:"Attribute"`
}

// mispFlag is true, "1" or 1.
type mispFlag bool

func (f *mispFlag) UnmarshalJSON(text []byte) error {
	said := strings.Trim(string(text), `"`)
	*f = said == "true" || said == "1"
	return nil
}

// mispText is a text, or a number.
type mispText string

func (v *mispText) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, (*string)(v))
	}
	*v = mispText(text)
	return nil
}

// mispTime is in Unix seconds; 0 where none is said that can be read.
type mispTime int64

func (t *mispTime) UnmarshalJSON(text []byte) error {
	said := strings.Trim(string(text), `"`)
	if n, err := strconv.ParseInt(said, 10, 64); err == nil && n > 0 && n <= latest {
		*t = mispTime(n)
	} else if read, err := time.Parse(time.RFC3339, said); err == nil && read.Unix() > 0 {
		*t = mispTime(read.Unix())
	}
	return nil
}

// read goes through all values of the text.
func (m *misp) read() error {
	for {
		begin, err := m.token()
		switch {
		case err == io.EOF:
			return nil
		case err == nil:
			err = m.value(begin, 0)
		}
		if err != nil {
			return err
		}
	}
}

// value goes through a list of containers, or one.
func (m *misp) value(begin json.Token, depth int) error {
	switch {
	case begin == json.Delim('[') && depth < 4:
		return m.elements(func() error {
			begin, err := m.token()
			if err == nil {
				err = m.value(begin, depth+1)
			}
			return err
		})
	case begin == json.Delim('{') && depth < 8:
		return m.container(depth)
	}
	return fmt.Errorf("%w: no events of MISP", ErrShape)
}

// container goes through what has events, attributes or objects in it.
func (m *misp) container(depth int) error {
	found := false
	others, err := m.rest(func(name string) (bool, error) {
		switch name {
		case "response", "Event", "Attribute", "Object":
		default:
			return false, nil
		}
		found = true
		begin, err := m.token()
		if err != nil || begin == nil {
			return true, err
		}
		alone := &mispEvent{alone: true}
		switch {
		case name == "response":
			return true, m.value(begin, depth+1)
		case name == "Event" && begin == json.Delim('{'):
			return true, m.event()
		case name == "Attribute":
			return true, each(m, begin, alone, m.attribute)
		case name == "Object":
			return true, each(m, begin, alone, m.object)
		}
		return true, fmt.Errorf("%w: no events of MISP", ErrShape)
	})
	if err == nil && !found && len(others) > 0 {
		err = fmt.Errorf("%w: no events of MISP", ErrShape)
	}
	return err
}

// each reads a list of attributes or objects, or one.
func each[T any](m *misp, begin json.Token, e *mispEvent, take func(*mispEvent, *T, error)) error {
	one := func(into *T, err error) error {
		if broken(err) {
			return err
		}
		m.n++
		take(e, into, err)
		if !e.alone {
			return nil
		}
		err = m.tell(e)
		e.held = e.held[:0]
		return err
	}
	switch begin {
	case json.Delim('['):
		return m.elements(func() error {
			into := new(T)
			return one(into, m.decode(into))
		})
	case json.Delim('{'):
		whole, err := m.rest(func(string) (bool, error) { return false, nil })
		if err != nil {
			return err
		}
		into := new(T)
		return one(into, again(whole, into))
	}
	return fmt.Errorf("%w: no list of MISP", ErrShape)
}

// event goes through an event, and tells what it says when all of it is known.
func (m *misp) event() error {
	e := &mispEvent{}
	err := m.members(func(name string) error {
		switch name {
		case "Attribute", "Object":
			begin, err := m.token()
			switch {
			case err != nil || begin == nil:
				return err
			case name == "Attribute":
				return each(m, begin, e, m.attribute)
			}
			return each(m, begin, e, m.object)
		case "Tag", "info":
			var into any = &e.tags
			if name == "info" {
				into = &e.info
			}
			if err := m.decode(into); broken(err) {
				return err
			}
			return nil
		}
		return m.skip()
	})
	if err != nil {
		return err
	}
	return m.tell(e)
}

// tell hands over what an event says.
func (m *misp) tell(e *mispEvent) error {
	if e.many {
		if !m.yield(Claim{}, &Refused{Place: Place{Line: m.n}, Value: cut(plain(e.info), 200), Why: ErrEvent}) {
			return errEnough
		}
		return nil
	}
	for _, h := range e.held {
		var err error
		if h.refused != nil {
			err = h.refused
		} else {
			tags := append(h.tags, e.tags...)
			if label := labelOf(tags); label == Red {
				err = &Refused{Place: h.Place, Value: string(h.Subject), Why: ErrRed}
			} else {
				h.TLP = cmp.Or(label, m.base.TLP)
			}
			words := make([]string, len(tags))
			for i, t := range tags {
				words[i] = t.Name
			}
			if kind := categoryOf(words); kind != category.Other {
				h.Category = kind
			}
			if h.Text == "" {
				h.Text = cut(plain(e.info), maxText)
			}
		}
		if err != nil {
			h.Claim = Claim{}
		}
		if !m.yield(h.Claim, err) {
			return errEnough
		}
	}
	return nil
}

// labelOf is the narrowest label among tags. One that is not known lets nobody know.
func labelOf(tags []mispTag) (narrowest TLP) {
	for _, t := range tags {
		text, ok := strings.CutPrefix(fold(t.Name), "tlp:")
		if !ok || text == "ex:chr" { // who said it is not told; what was said may be
			continue
		}
		label, known := ParseTLP(text)
		switch {
		case text == "unclear":
			label = AmberStrict
		case !known:
			label = Red
		}
		narrowest = narrower(narrowest, label)
	}
	return narrowest
}

// hold keeps a claim, or why there is none, until the end of its event.
func (m *misp) hold(e *mispEvent, c Claim, tags []mispTag, err error, value string) {
	if e.many = e.many || len(e.held) == maxHeld; e.many {
		e.held = nil
		return
	}
	h := heldClaim{Claim: c, tags: tags}
	if err != nil {
		h.refused = &Refused{Place: c.Place, Value: cut(plain(value), 200), Why: err}
	}
	e.held = append(e.held, h)
}

// attribute takes one of an event.
func (m *misp) attribute(e *mispEvent, a *mispAttribute, bad error) {
	c, err := m.claim(a), fmt.Errorf("%w: one that can't be read", ErrAttribute)
	if bad == nil {
		c.Subject, c.Address, err = m.thing(a)
	}
	m.hold(e, c, a.Tags, err, string(a.Value))
}

// claim is what an attribute says of whatever it names.
func (m *misp) claim(a *mispAttribute) Claim {
	c := m.base
	c.Place = Place{Line: m.n, Name: cut(plain(a.UUID), 100)}
	c.ID, c.Text = c.Place.Name, cut(plain(a.Comment), maxText)
	c.First, c.Last = int64(cmp.Or(a.First, a.Written)), int64(a.Last)
	c.Gone = bool(a.Deleted)
	if !bool(a.Detects) || a.isWarned() || a.Type == "email-dst" { // to whom something was sent
		c.Weight = Context
	}
	return c
}

// isWarned tells whether the value is in a list of what is honest.
func (a *mispAttribute) isWarned() bool { return isFull(a.Warnings) || isFull(a.WarningList) }

func isFull(list json.RawMessage) bool {
	switch string(list) {
	case "", "null", "[]", "{}", "false", `""`:
		return false
	}
	return true
}

// thing is what an attribute names by itself.
func (m *misp) thing(a *mispAttribute) (s subject.Subject, address string, err error) {
	value := strings.TrimSpace(string(a.Value))
	if len(value) > maxLine {
		return "", "", ErrLong
	}
	wanted := ""
	switch a.Type {
	case "domain|ip", "hostname|port", "ip-src|port", "ip-dst|port":
		value, _, _ = strings.Cut(value, "|")
	}
	switch a.Type {
	case "domain", "hostname", "domain|ip", "hostname|port":
		if strings.ContainsAny(value, "/?#@:[\\ |") || !strings.Contains(value, ".") {
			return "", "", ErrHost
		}
		return fromAddress(value)
	case "ip-src", "ip-dst", "ip-src|port", "ip-dst|port":
		return ipEntry(value)
	case "url", "uri", "link":
		return urlEntry(value)
	case "twitter-id":
		s, err = account("x", "", value)
		return s, "", err
	case "email", "email-src", "email-dst", "email-reply-to":
		wanted = "email:"
	case "phone-number":
		wanted = "phone:"
	case "iban":
		wanted = "bank:"
	case "btc":
		wanted = "wallet:"
	case "bank-account-nr":
		return "", "", ErrBank
	default:
		return "", "", fmt.Errorf("%w: %s", ErrAttribute, cut(plain(a.Type), 40))
	}
	if s, _, err = Entry(value); err == nil && !strings.HasPrefix(string(s), wanted) {
		s, err = "", fmt.Errorf("%w: %s", ErrAttribute, a.Type)
	}
	return s, "", err
}

// object takes one of an event: as one thing, where it is an account, a telephone or an account at a bank, and else
// attribute by attribute. What in it names nothing and is not marked for detection describes it, and is not told.
func (m *misp) object(e *mispEvent, o *mispObject, bad error) {
	if bad != nil {
		m.hold(e, m.claim(&mispAttribute{UUID: o.UUID}), nil, fmt.Errorf("%w: an object that can't be read", ErrAttribute), o.Name)
		return
	}
	whole, by, err := o.thing()
	isOne := whole != "" || err != nil
	if isOne {
		var a mispAttribute
		if by != nil {
			a = *by
		}
		a.UUID, a.Comment, a.Written = cmp.Or(o.UUID, a.UUID), cmp.Or(a.Comment, o.Comment), cmp.Or(a.Written, o.Written)
		c := m.claim(&a)
		c.Subject, c.Gone = whole, c.Gone || bool(o.Deleted)
		if c.Weight == Context && !a.isWarned() {
			c.Weight = Suspects
		}
		m.hold(e, c, a.Tags, err, o.Name)
	}
	for i := range o.Attributes {
		a := &o.Attributes[i]
		if a == by || isOne && !bool(a.Detects) || isPart(o.Name, a.Relation) {
			continue
		}
		c := m.claim(a)
		c.Gone = c.Gone || bool(o.Deleted)
		if c.Subject, c.Address, err = m.thing(a); err == nil && c.Subject != whole || err != nil && bool(a.Detects) {
			m.hold(e, c, a.Tags, err, string(a.Value))
		}
	}
}

// isPart tells the number of an account at a bank, which names nothing without the bank.
func isPart(object, relation string) bool { return object == "bank-account" && relation == "account" }

// first is the first attribute with one of the relations that says something.
func (o *mispObject) first(relations ...string) *mispAttribute {
	for _, relation := range relations {
		for i := range o.Attributes {
			if a := &o.Attributes[i]; a.Relation == relation && strings.TrimSpace(string(a.Value)) != "" {
				return a
			}
		}
	}
	return nil
}

func (o *mispObject) text(relations ...string) string {
	if a := o.first(relations...); a != nil && len(a.Value) <= maxName {
		return strings.TrimSpace(string(a.Value))
	}
	return ""
}

// thing is the one thing that an object is, and the attribute that tells which; none for objects that are none.
func (o *mispObject) thing() (s subject.Subject, by *mispAttribute, err error) {
	switch o.Name {
	case "bank-account":
		if by = o.first("iban"); by != nil {
			s, _, err = Entry(string(by.Value))
			break
		}
		if by = o.first("account"); by == nil {
			return "", nil, ErrBank
		}
		s, err = o.bank(string(by.Value))
	case "phone":
		if by = o.first("msisdn"); by == nil {
			return "", nil, nil
		}
		if s, _, err = Entry(string(by.Value)); err == nil && !strings.HasPrefix(string(s), "phone:") {
			s, err = "", ErrNumber
		}
	default:
		platform := o.Name
		if o.Name == "user-account" {
			platform = o.text("account-type")
		}
		at, known := accountAt[platformOf(platform)]
		if !known && o.Name != "social-media-group" && o.Name != "user-account" {
			return "", nil, nil
		}
		return o.account(platform, known, at.id != "")
	}
	if err != nil {
		return "", by, err
	}
	return s, by, nil
}

// account is the account that an object is: by the address that leads to it, by its number or by its name.
func (o *mispObject) account(platform string, known, numbered bool) (subject.Subject, *mispAttribute, error) {
	family, _, _ := strings.Cut(platformOf(platform), "-")
	for _, relation := range []string{"link", "url"} {
		if by := o.first(relation); by != nil {
			s, _, err := Entry(string(by.Value))
			if err == nil && s.IsProfile() && (!known || strings.HasPrefix(string(s), family+":")) {
				return s, by, nil
			}
		}
	}
	by := o.first("account-id", "page-id", "channel-id", "user-id", "id")
	id := o.text("account-id", "page-id", "channel-id", "user-id", "id")
	name := o.text("account-name", "page-id", "username", "name")
	if !numbered || by == nil {
		by = cmp.Or(o.first("account-name", "page-id", "username", "name"), by)
	}
	s, err := account(platform, id, name)
	return s, by, err
}

// bank is an account beside its bank, which is said by its name or its number.
func (o *mispObject) bank(number string) (subject.Subject, error) {
	number = strings.NewReplacer(" ", "", "-", "").Replace(number)
	name := o.text("institution-name")
	if s, _, err := thing(number, name); err == nil && name != "" {
		return s, nil
	}
	if s, err := subject.Parse("bank:" + o.text("institution-code") + "/" + number); err == nil && s.IsListable() {
		return s, nil
	}
	return "", ErrBank
}
