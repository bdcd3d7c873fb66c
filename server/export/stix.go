package export

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"khien/server/feed"
	"khien/server/partner"
	"khien/server/stream"
	"khien/shared/texts"
)

// MaxObjects is how many indicators a bundle of STIX has at most: who reads one holds all of it in memory.
const MaxObjects = 50_000

// CaseReference is the source_name of the external reference with the case number.
const CaseReference = "khien"

// STIX writes the objects of one operator as STIX 2.1 has them.
type STIX struct {
	head  Head
	space uuid.UUID
}

// NewSTIX writes for an operator. What two operators write about one thing has two ids (RFC 9562 section 5.5).
func NewSTIX(h Head) STIX {
	return STIX{h, stream.Space(h.Root)}
}

func (s STIX) id(kind, name string) string {
	return kind + "--" + uuid.NewSHA1(s.space, []byte(kind+"\n"+name)).String()
}

// Identity is the operator, by whom all is that it writes.
func (s STIX) Identity() string { return s.id("identity", "operator") }

// ID is the id of the indicator of a subject, which never changes.
func (s STIX) ID(g partner.Given) string {
	return "indicator--" + stream.Name(s.space, Name(g)).String()
}

// The markings of STIX 2.1, section 7.2.1.4, of which white is clear; that of amber+strict is of the extension for TLP
// 2.0 (OASIS, stix2-extensions).
var markings = map[feed.TLP]string{
	feed.Clear:       "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
	feed.Green:       "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
	feed.Amber:       "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
	feed.AmberStrict: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
}

// Markings are the definitions of what indicators are marked with, as objects.
func Markings() []json.RawMessage {
	var all []json.RawMessage
	for _, one := range []struct{ label, old string }{{"clear", "white"}, {"green", "green"}, {"amber", "amber"}} {
		all = append(all, json.RawMessage(fmt.Sprintf(`{"type":"marking-definition","spec_version":"2.1","id":%q,"created":"2017-01-20T00:00:00.000Z",`+
			`"definition_type":"tlp","name":"TLP:%s","definition":{"tlp":%q}}`, markings[feed.TLP(one.label)], strings.ToUpper(one.old), one.old)))
	}
	return append(all, json.RawMessage(fmt.Sprintf(`{"type":"marking-definition","spec_version":"2.1","id":%q,"created":"2022-10-01T00:00:00.000Z",`+
		`"name":"TLP:AMBER+STRICT","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"extension_type":"property-extension","tlp_2_0":"amber+strict"}}}`,
		markings[feed.AmberStrict])))
}

// identity is the object of the operator.
type identity struct {
	Type     string `json:"type"`
	Version  string `json:"spec_version"`
	ID       string `json:"id"`
	Created  string `json:"created"`
	Modified string `json:"modified"`
	Name     string `json:"name"`
	Class    string `json:"identity_class"`
	Contact  string `json:"contact_information,omitempty"`
}

// Operator is the object of who writes.
func (s STIX) Operator() json.RawMessage {
	const when = "2026-01-01T00:00:00.000Z" // the id is of the name: it is the same operator for as long as that is the same
	text, _ := json.Marshal(identity{"identity", "2.1", s.Identity(), when, when, oneLine(s.head.Operator), "organization", s.head.Home})
	return text
}

// indicator is an object of STIX 2.1, section 4.7.
type indicator struct {
	Type       string      `json:"type"`
	Version    string      `json:"spec_version"`
	ID         string      `json:"id"`
	By         string      `json:"created_by_ref"`
	Created    string      `json:"created"`
	Modified   string      `json:"modified"`
	Revoked    bool        `json:"revoked,omitempty"`
	Name       string      `json:"name"`
	About      string      `json:"description,omitempty"`
	Kinds      []string    `json:"indicator_types"`
	Pattern    string      `json:"pattern"`
	Language   string      `json:"pattern_type"`
	From       string      `json:"valid_from"`
	Until      string      `json:"valid_until,omitempty"`
	Labels     []string    `json:"labels"`
	References []reference `json:"external_references"`
	Marked     []string    `json:"object_marking_refs"`
}

type reference struct {
	Source string `json:"source_name"`
	About  string `json:"description,omitempty"`
	URL    string `json:"url,omitempty"`
	ID     string `json:"external_id,omitempty"`
}

// Indicator is what is listed, or was, as an object. What is off the list is revoked.
func (s STIX) Indicator(g partner.Given) (json.RawMessage, Why) {
	pattern, why := pattern(g)
	if why != "" {
		return nil, why
	}
	from := g.FirstSeen
	if from == 0 {
		from = g.Made / 1000
	}
	i := indicator{Type: "indicator", Version: "2.1", ID: s.ID(g), By: s.Identity(), Created: milli(g.Made), Modified: milli(g.Added), Revoked: g.Withdrawn != 0,
		Name: cut(Name(g), 500), About: g.Reason["en"], Kinds: []string{"malicious-activity"}, Pattern: pattern, Language: "stix",
		Labels: []string{g.Category.Slug()}, Marked: []string{markings[g.TLP]},
		References: []reference{{Source: CaseReference, ID: g.Reference, About: g.By()}, {Source: feed.SubjectReference, ID: Name(g), URL: address(g)}}}
	for _, lang := range texts.All() {
		if i.About == "" {
			i.About = g.Reason[lang]
		}
	}
	if g.Lapses != 0 {
		from = min(from, g.Lapses-1) // section 4.7.1: until is later than from
		i.Until = milli(g.Lapses * 1000)
	}
	i.From = milli(from * 1000)
	text, err := json.Marshal(i)
	if err != nil || markings[g.TLP] == "" {
		return nil, NoKind
	}
	return text, ""
}

// pattern is what an indicator compares with (STIX 2.1, section 9).
func pattern(g partner.Given) (string, Why) {
	one := func(path, value string) string { return "[" + path + " = '" + quoted(value) + "']" }
	if g.HMAC != "" {
		return one("x-khien-number:hmac_sha256", g.HMAC), ""
	}
	head, rest, _ := strings.Cut(string(g.Subject), ":")
	switch g.Kind {
	case partner.Host:
		name := strings.TrimSuffix(string(g.Subject), "/")
		if isName(name) {
			return one("domain-name:value", name), ""
		}
		if strings.HasPrefix(name, "[") {
			return one("ipv6-addr:value", strings.Trim(name, "[]")), ""
		}
		if strings.Trim(name, "0123456789.") == "" {
			return one("ipv4-addr:value", name), ""
		}
		return "", NoName
	case partner.Page, partner.Short:
		if address := g.Open(); address != "" {
			return one("url:value", address), ""
		}
	case partner.Email:
		return one("email-addr:value", rest), ""
	case partner.Account:
		kind, id, _ := strings.Cut(rest, "/")
		path := "user-account:account_login"
		if kind == "id" {
			path = "user-account:user_id"
		}
		if kind != "id" && kind != "user" && kind != "name" {
			head += "-" + kind
		}
		return "[user-account:account_type = '" + quoted(head) + "' AND " + path + " = '" + quoted(id) + "']", ""
	case partner.Phone, partner.BankAccount, partner.Wallet:
		return one("x-khien-number:value", string(g.Subject)), ""
	}
	return "", NoKind
}

// quoted escapes a text of a pattern: a quote and a backslash, and nothing else (section 9.3).
func quoted(text string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text)
}

func milli(at int64) string { return time.UnixMilli(at).UTC().Format("2006-01-02T15:04:05.000Z") }

func cut(text string, most int) string {
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// Bundles writes a list as bundles of MaxObjects indicators at most, each into what next returns, with all that an
// object of it refers to. What is off the list is in it, revoked. A list of nothing is one bundle.
func (s STIX) Bundles(list List, next func(part int) (io.WriteCloser, error)) (Left, error) {
	left := Left{}
	part, n := 0, 0
	var file io.WriteCloser
	var out *lines
	begin := func() (err error) {
		if file, err = next(part); err != nil {
			return err
		}
		part, n = part+1, 0
		out = newLines(file)
		out.printf("{\"type\":\"bundle\",\"id\":%q,\"objects\":[\n%s", s.id("bundle", fmt.Sprint(part, " ", s.head.Position)), s.Operator())
		for _, m := range Markings() {
			out.printf(",\n%s", m)
		}
		return nil
	}
	end := func(err error) error {
		if err == nil {
			out.printf("\n]}\n")
		}
		err = out.end(err)
		if closed := file.Close(); err == nil {
			err = closed
		}
		return err
	}
	if err := begin(); err != nil {
		return nil, err
	}
	for g, err := range list {
		if err != nil {
			return nil, end(err)
		}
		text, why := s.Indicator(g)
		if why != "" {
			left[why]++
			continue
		}
		if n == MaxObjects {
			if err := end(nil); err != nil {
				return nil, err
			}
			if err := begin(); err != nil {
				return nil, err
			}
		}
		out.printf(",\n%s", text)
		n++
	}
	return left, end(nil)
}
