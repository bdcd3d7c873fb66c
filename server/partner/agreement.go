// Package partner keeps what was agreed with whom: who gets what, in which form, until when, and by which key. One
// question decides about everything that leaves, whatever it leaves in: Agreement.Gives.
package partner

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/platform"
	"khien/server/stream"
	"khien/shared/category"
	"khien/shared/subject"
)

// ErrAgreement is an agreement that can't be like that.
var ErrAgreement = errors.New("an agreement can't be like that")

// Role is what a partner is.
type Role string

// The roles.
const (
	Platform   Role = "platform"   // runs the places where accounts, pages and groups are
	Authority  Role = "authority"  // of a state
	Bank       Role = "bank"       // or another who moves money
	CERT       Role = "cert"       // answers to attacks
	Researcher Role = "researcher" // and whoever else learns from it
)

// Direction is who sends.
type Direction string

// The directions.
const (
	Out  Direction = "out"  // we send
	In   Direction = "in"   // the partner sends
	Both Direction = "both" // either
)

// Notice is how a platform hears of what it is asked to take down.
type Notice string

// The kinds of notices; empty is none.
const (
	Complaint Notice = "complaint"         // of users, to be answered within 48 hours (Vietnam, Decree 147/2024)
	Request   Notice = "authority-request" // of an authority, within 24 hours (the same)
)

// Personal is how a telephone number or an account at a bank leaves.
type Personal string

// How they leave; empty is not at all.
const (
	Hidden Personal = "hmac"  // HMAC-SHA-256 of the subject with the partner's own key: who has the number can compare it
	Plain  Personal = "clear" // as it is
)

// Agreement is what was agreed with one partner. What is left empty is: all kinds and categories, clear only, nothing
// personal.
type Agreement struct {
	Name       string              `json:"name"`                 // small letters, digits and hyphens; it stays
	Title      string              `json:"title"`                // whom people know
	Role       Role                `json:"role"`                 //
	Platforms  []string            `json:"platforms,omitempty"`  // of a platform: whose accounts, pages and groups it answers for
	Kinds      []string            `json:"kinds,omitempty"`      // of subjects: see Kind; empty is all
	Categories []string            `json:"categories,omitempty"` // slugs; empty is all
	TLP        feed.TLP            `json:"tlp,omitempty"`        // the narrowest that it may hear; clear where empty
	Personal   map[string]Personal `json:"personal,omitempty"`   // "phone" and "bank"
	Purpose    string              `json:"purpose"`              // for which it may be used
	Retention  int                 `json:"retention"`            // days after which the partner erases what it got
	Direction  Direction           `json:"direction"`            //
	Source     string              `json:"source,omitempty"`     // the source by which the partner's own list comes in: it does not go back
	Notice     Notice              `json:"notice,omitempty"`     // how a platform is asked
	Approved   bool                `json:"approved,omitempty"`   // a person looks at each notice before it goes
	Language   string              `json:"language,omitempty"`   // of notices; English where empty
	Hours      int                 `json:"hours,omitempty"`      // in which the partner answers; what its notices say where 0
	Contacts   []Contact           `json:"contacts"`             //
	Legal      Legal               `json:"legal,omitzero"`       // of an authority's request
	From       string              `json:"from"`                 // the first day, in UTC: 2026-12-01
	Until      string              `json:"until"`                // the last day, in UTC
}

// Contact is whom to ask at the partner.
type Contact struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Legal is what an authority's request stands on (Regulation (EU) 2022/2065, article 9).
type Legal struct {
	Basis     string   `json:"basis,omitempty"`
	Territory []string `json:"territory,omitempty"` // ISO 3166-1 alpha-2
	Redress   string   `json:"redress,omitempty"`   // where whoever is concerned can object
}

// Bounds of an agreement.
const (
	maxAgreement = 64 << 10 // bytes of one
	maxWords     = 2000     // bytes of each text
	maxContacts  = 20
	maxRetention = 3660 // days
)

var (
	plainName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$`)
	country   = regexp.MustCompile(`^[A-Z]{2}$`)
)

// Parse reads an agreement of at most 64 kB as JSON. What it does not know is an error, so that nothing is agreed that is
// not kept to.
func Parse(r io.Reader) (a Agreement, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxAgreement+1))
	if err != nil {
		return a, err
	}
	if len(text) > maxAgreement {
		return a, fmt.Errorf("%w: it has more than %d bytes", ErrAgreement, maxAgreement)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, fmt.Errorf("%w: %v", ErrAgreement, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return a, fmt.Errorf("%w: something stands behind it", ErrAgreement)
	}
	return a, a.Check()
}

// Check tells what is wrong with an agreement; all that it says is ErrAgreement.
func (a Agreement) Check() error {
	wrong := func(what string, args ...any) error {
		return fmt.Errorf("%w: "+what, append([]any{ErrAgreement}, args...)...)
	}
	begins, err1 := day(a.From)
	ends, err2 := day(a.Until)
	switch {
	case !plainName.MatchString(a.Name):
		return wrong("its name has small letters, digits and hyphens, at most 40")
	case strings.TrimSpace(a.Title) == "":
		return wrong("it has no title: whom people know the partner as")
	case !slices.Contains([]Role{Platform, Authority, Bank, CERT, Researcher}, a.Role):
		return wrong("its role is platform, authority, bank, cert or researcher")
	case !slices.Contains([]Direction{Out, In, Both}, a.Direction):
		return wrong("its direction is out, in or both")
	case strings.TrimSpace(a.Purpose) == "":
		return wrong("it has no purpose")
	case a.Retention < 1 || a.Retention > maxRetention:
		return wrong("the retention is a number of days from 1 to %d", maxRetention)
	case err1 != nil || err2 != nil:
		return wrong("from and until are days: 2026-12-01")
	case ends.Before(begins):
		return wrong("it ends before it begins")
	case len(a.Contacts) == 0 || len(a.Contacts) > maxContacts:
		return wrong("it has from 1 to %d contacts", maxContacts)
	case a.TLP != "" && !slices.Contains([]feed.TLP{feed.Clear, feed.Green, feed.Amber, feed.AmberStrict}, a.TLP):
		return wrong("its tlp is clear, green, amber or amber+strict; what is red is for nobody")
	case a.Notice != "" && a.Notice != Complaint && a.Notice != Request:
		return wrong("its notice is complaint or authority-request, or none")
	case a.Notice != "" && a.Role != Platform:
		return wrong("notices go to platforms")
	case a.Role == Platform && len(a.Platforms) == 0:
		return wrong("a platform says in platforms which it is")
	case a.Role != Platform && len(a.Platforms) > 0:
		return wrong("only a platform has platforms")
	case a.Notice == Request && (a.Legal.Basis == "" || len(a.Legal.Territory) == 0 || a.Legal.Redress == ""):
		return wrong("an authority's request names its legal basis, territory and redress")
	case a.Hours < 0 || a.Hours > 24*90:
		return wrong("hours are from 1 to %d", 24*90)
	case a.Source != "" && !plainName.MatchString(a.Source):
		return wrong("its source is the name of one")
	}
	for _, p := range a.Platforms {
		if platform.ByName(p).Name == "" {
			return wrong("there is no platform %q", p)
		}
	}
	for _, k := range a.Kinds {
		if !slices.Contains(AllKinds, Kind(k)) {
			return wrong("there is no kind %q: %s", k, kinds())
		}
	}
	for _, c := range a.Categories {
		if _, ok := category.Parse(c); !ok {
			return wrong("there is no category %q", c)
		}
	}
	for k, how := range a.Personal {
		if k != string(Phone) && k != string(BankAccount) || how != Hidden && how != Plain {
			return wrong(`personal is "phone" or "bank", each "hmac" or "clear"`)
		}
	}
	for _, c := range a.Contacts {
		if one, err := mail.ParseAddress(c.Email); err != nil || one.Address != c.Email {
			return wrong("a contact has no e-mail address that can be written to")
		}
	}
	for _, t := range a.Legal.Territory {
		if !country.MatchString(t) {
			return wrong("a territory is two capital letters, as VN")
		}
	}
	for _, text := range a.texts() {
		if len(text) > maxWords || !utf8.ValidString(text) || strings.ContainsFunc(text, control) {
			return wrong("its texts have at most %d bytes each, on one line", maxWords)
		}
	}
	return nil
}

func (a Agreement) texts() []string {
	all := []string{a.Title, a.Purpose, a.Legal.Basis, a.Legal.Redress}
	for _, c := range a.Contacts {
		all = append(all, c.Name, c.Email)
	}
	return all
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func day(text string) (time.Time, error) { return time.Parse(time.DateOnly, text) }

// Stands tells whether the agreement holds at now, in Unix seconds: from the begin of its first day to the end of its
// last one.
func (a Agreement) Stands(now int64) bool {
	begins, err1 := day(a.From)
	ends, err2 := day(a.Until)
	return err1 == nil && err2 == nil && now >= begins.Unix() && now < ends.AddDate(0, 0, 1).Unix()
}

// Kind is what a subject is, as agreements and statements have it.
type Kind string

// The kinds.
const (
	Host        Kind = "host"    // a site, with all hosts below it
	Page        Kind = "page"    // an address of the web
	Account     Kind = "account" // an account, page, group or app on a platform
	Phone       Kind = "phone"
	BankAccount Kind = "bank"
	Wallet      Kind = "wallet"
	Email       Kind = "email"
	Short       Kind = "short" // a shortened link
)

// AllKinds lists them in the order in which they are shown.
var AllKinds = []Kind{Host, Page, Account, Phone, BankAccount, Wallet, Email, Short}

func kinds() string {
	var all []string
	for _, k := range AllKinds {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

// KindOf is the kind of a subject.
func KindOf(s subject.Subject) Kind {
	if !s.IsAccount() {
		if host, path, _ := strings.Cut(string(s), "/"); host != "" && path == "" {
			return Host
		}
		return Page
	}
	switch head, _, _ := strings.Cut(string(s), ":"); Kind(head) {
	case Phone, BankAccount, Wallet, Email, Short:
		return Kind(head)
	}
	return Account
}

// Withheld is why something does not leave to a partner.
type Withheld string

// Why something does not leave.
const (
	ForNobody   Withheld = "red"      // its label is for nobody
	TooNarrow   Withheld = "tlp"      // its label is narrower than what was agreed
	OtherKind   Withheld = "kind"     // the agreement does not have it
	OtherTopic  Withheld = "category" // the agreement does not have it
	TooPersonal Withheld = "personal" // a number of a person, of which the agreement says nothing
	TheirOwn    Withheld = "own"      // the partner itself has said so, and nobody else
)

// Given is an object as a partner gets it.
type Given struct {
	stream.Object
	Kind Kind
	HMAC string // of the subject, in hex, where it does not leave as it is: then Subject and Address are empty
}

// Gives tells how an object leaves to the partner, or why it does not. Key is the partner's own, for what leaves
// hidden; without one nothing does.
func (a Agreement) Gives(o stream.Object, key []byte) (g Given, why Withheld) {
	kind := KindOf(o.Subject)
	switch most := a.TLP; {
	case o.TLP == feed.Red || !slices.Contains([]feed.TLP{feed.Clear, feed.Green, feed.Amber, feed.AmberStrict}, o.TLP):
		return g, ForNobody
	case most == "" && o.TLP != feed.Clear, most != "" && exchange.Narrower(o.TLP, most):
		return g, TooNarrow
	case len(a.Kinds) > 0 && !slices.Contains(a.Kinds, string(kind)):
		return g, OtherKind
	case len(a.Categories) > 0 && !slices.Contains(a.Categories, o.Category.Slug()):
		return g, OtherTopic
	case a.Source != "" && len(o.Origins) == 1 && o.Origins[0] == a.Source:
		return g, TheirOwn
	}
	g = Given{Object: o, Kind: kind}
	if kind != Phone && kind != BankAccount {
		return g, ""
	}
	switch how := a.Personal[string(kind)]; {
	case how == Plain:
		return g, ""
	case how == Hidden && len(key) > 0:
		sum := hmac.New(sha256.New, key)
		sum.Write([]byte(o.Subject))
		g.HMAC, g.Subject, g.Address = hex.EncodeToString(sum.Sum(nil)), "", ""
		return g, ""
	}
	return Given{}, TooPersonal
}
