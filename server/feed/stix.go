package feed

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/subject"
)

// Why an object of STIX is refused, beside ErrPattern, ErrAccount, ErrRed and what Entry says.
var (
	// ErrLanguage is an indicator in a language of patterns that is not STIX's.
	ErrLanguage = errors.New("a rule of another tool, which names nothing that could be listed")
	// ErrKeyed is a number of which only a keyed digest was told: whoever has the number can compare it, and nobody read it.
	ErrKeyed = errors.New("a keyed digest of a number, which nobody can read")
	// ErrObject is an object of STIX without what it must have.
	ErrObject = errors.New("not an object as STIX has it")
)

// maxVersions is how many indicators a list may have.
const maxVersions = 1_000_000

// readSTIX reads STIX 2.1, and 2.0: bundles, lists of objects, objects behind one another, and envelopes of TAXII. Only
// indicators list anything; what was seen, or belongs to a report, is in many lists because it is honest.
//
// The newest version of an id counts, whichever order they stand in, and the list is not held in memory for that: of
// each id stays when its newest version so far was written, and what that one names. An older version that comes later
// is passed over; a newer one takes back what the one before named and it does not. So of the claims with one id the
// last ones are those of the newest version.
func readSTIX(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		base, err := newMapping(p).said(func(string) []string { return nil })
		if err != nil {
			yield(Claim{}, err)
			return
		}
		x := &stix{stream: newStream(r), yield: yield, base: base, newest: map[string]version{}, markings: map[string]TLP{}, unknown: map[string]bool{}}
		if err := x.read(); err != nil && err != errEnough {
			yield(Claim{}, wrong(err))
		}
	}
}

// errEnough is that whoever reads wants no more.
var errEnough = errors.New("enough was read")

// stix reads one list of STIX.
type stix struct {
	*stream
	yield    func(Claim, error) bool
	base     Claim
	newest   map[string]version
	markings map[string]TLP  // that the list defines itself
	unknown  map[string]bool // that something was marked with before they were defined
}

// version is the newest one of an indicator so far.
type version struct {
	written int64
	names   string // the subjects that it lists, parted by newlines
}

// stixObject is what is read of an object.
type stixObject struct {
	Type        string   `json:"type"`
	ID          string   `json:"id"`
	Created     stixTime `json:"created"`
	Modified    stixTime `json:"modified"`
	From        stixTime `json:"valid_from"`
	Until       stixTime `json:"valid_until"`
	Revoked     bool     `json:"revoked"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Pattern     string   `json:"pattern"`
	Language    string   `json:"pattern_type"`
	Kinds       []string `json:"indicator_types"`
	Labels      []string `json:"labels"`
	Confidence  *int     `json:"confidence"`
	Markings    []string `json:"object_marking_refs"`
	Granular    []struct {
		Marking string `json:"marking_ref"`
	} `json:"granular_markings"`
	References []struct {
		Source string `json:"source_name"`
		URL    string `json:"url"`
		ID     string `json:"external_id"`
	} `json:"external_references"`
	Definition struct {
		TLP string `json:"tlp"`
	} `json:"definition"`
	Extensions map[string]json.RawMessage `json:"extensions"`
}

// stixTime is a time in microseconds since 1970; 0 where none is said.
type stixTime int64

func (t *stixTime) UnmarshalText(text []byte) error {
	read, err := time.Parse(time.RFC3339, string(text))
	if err != nil || read.Unix() < 0 || read.Unix() > latest {
		return &json.UnmarshalTypeError{Value: "time"}
	}
	*t = stixTime(read.UnixMicro())
	return nil
}

func (t stixTime) unix() int64 { return int64(t) / 1e6 }

// read goes through all values of the text.
func (x *stix) read() error {
	for {
		begin, err := x.token()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case begin == json.Delim('['):
			err = x.elements(x.object)
		case begin == json.Delim('{'):
			err = x.bundle()
		default:
			err = fmt.Errorf("%w: no objects of STIX", ErrShape)
		}
		if err != nil {
			return err
		}
	}
}

// bundle reads a bundle, an envelope, or an object that stands alone.
func (x *stix) bundle() error {
	list := false
	whole, err := x.rest(func(name string) (bool, error) {
		if name != "objects" {
			return false, nil
		}
		list = true
		begin, err := x.token()
		switch {
		case err != nil || begin == nil:
			return true, err
		case begin != json.Delim('['):
			return true, fmt.Errorf("%w: objects is no list", ErrShape)
		}
		return true, x.elements(x.object)
	})
	if err != nil || list || len(whole) == 0 || whole["more"] != nil {
		return err
	}
	if string(whole["type"]) == `"bundle"` {
		return nil
	}
	if whole["type"] == nil {
		return fmt.Errorf("%w: no objects of STIX", ErrShape)
	}
	var o stixObject
	return x.take(&o, again(whole, &o))
}

func (x *stix) object() error {
	var o stixObject
	err := x.decode(&o)
	if broken(err) {
		return err
	}
	return x.take(&o, err)
}

// take tells what an object says; bad is why it could not be read.
func (x *stix) take(o *stixObject, bad error) error {
	x.n++
	at := Place{Line: x.n, Name: cut(plain(o.ID), 100)}
	refuse := func(value string, why error) error {
		if !x.yield(Claim{}, &Refused{Place: at, Value: cut(plain(value), 200), Why: why}) {
			return errEnough
		}
		return nil
	}
	switch {
	case bad != nil && (o.Type == "" || o.Type == "indicator" || o.Type == "marking-definition"):
		return refuse(o.Pattern, ErrObject)
	case o.Type == "marking-definition":
		return x.define(o)
	case o.Type != "indicator":
		return nil
	case o.ID == "" || len(o.ID) > maxName || o.Created == 0 && o.Modified == 0:
		return refuse(o.Pattern, ErrObject)
	}
	was, before := x.newest[o.ID]
	now := version{written: int64(cmp.Or(o.Modified, o.Created))}
	if before && now.written <= was.written {
		return nil
	}
	if !before && len(x.newest) == maxVersions {
		return fmt.Errorf("%w: more than a million indicators", ErrTooLarge)
	}
	claims, refused := x.claims(o, at)
	names := make([]string, 0, 1)
	for _, c := range claims {
		names = append(names, string(c.Subject))
	}
	for name := range strings.SplitSeq(was.names, "\n") {
		if name != "" && !slices.Contains(names, name) {
			c := Claim{Subject: subject.Subject(name), ID: plain(o.ID), Gone: true, TLP: x.base.TLP, Category: x.base.Category, Place: at}
			if !x.yield(c, nil) {
				return errEnough
			}
		}
	}
	now.names = strings.Join(names, "\n")
	x.newest[strings.Clone(o.ID)] = now
	for _, why := range refused {
		if err := refuse(o.Pattern, why); err != nil {
			return err
		}
	}
	for _, c := range claims {
		if !x.yield(c, nil) {
			return errEnough
		}
	}
	return nil
}

// claims are what an indicator says, and why some or all of it is refused.
func (x *stix) claims(o *stixObject, at Place) (claims []Claim, refused []error) {
	c := x.base
	c.Place, c.ID = at, plain(o.ID)
	var err error
	if c.TLP, err = x.label(o); err != nil {
		return nil, []error{err}
	}
	if o.Language != "stix" && (o.Language != "" || !strings.HasPrefix(strings.TrimSpace(o.Pattern), "[")) {
		return nil, []error{fmt.Errorf("%w: %s", ErrLanguage, cut(plain(o.Language), 20))}
	}
	all, err := parsePattern(o.Pattern)
	if err != nil {
		return nil, []error{err}
	}
	c.Gone = o.Revoked
	c.First, c.Lapses = cmp.Or(o.Created, o.From).unix(), o.Until.unix()
	c.Weight, c.Hacked = weigh(append(o.Kinds, o.Labels...))
	if o.Confidence != nil {
		c.Sure = min(max(*o.Confidence, 1), 100)
		if *o.Confidence < 30 && c.Weight == Lists { // "Low" and "None" of the scale of STIX 2.1, appendix A
			c.Weight = Suspects
		}
	}
	if kind := categoryOf(append(o.Labels, o.Kinds...)); kind != category.Other {
		c.Category = kind
	}
	c.Text = cut(plain(cmp.Or(o.Name, o.Description)), maxText)
	for _, r := range o.References {
		if r.Source != SubjectReference && isWeb(r.URL) && len(r.URL) <= maxText {
			c.Reference = plain(r.URL)
			break
		}
	}
	for _, r := range o.References {
		if r.Source == SubjectReference && len(all) == 1 {
			if c.Subject, c.Address, err = ours(r.ID, r.URL); err != nil {
				return nil, []error{err}
			}
			return append(claims, c), nil
		}
	}
	for _, things := range all {
		if c.Subject, c.Address, err = thingOf(things); err != nil {
			refused = append(refused, err)
		} else if !slices.ContainsFunc(claims, func(was Claim) bool { return was.Subject == c.Subject }) {
			claims = append(claims, c)
		}
	}
	return claims, refused
}

// SubjectReference is the source_name of the external reference in which another Khiên says what an indicator is about:
// the canonical subject in external_id, and in url the address at which it was seen. A pattern says less than either.
const SubjectReference = "khien-subject"

// ours is what another Khiên says an indicator is about.
func ours(id, seen string) (s subject.Subject, address string, err error) {
	if strings.Contains(id, ":hmac-sha256/") {
		return "", "", ErrKeyed
	}
	if s, err = subject.Parse(id); err != nil {
		return "", "", err
	}
	if !s.IsListable() {
		return "", "", ErrHost
	}
	return s, ledger.Seen(seen, s), nil
}

// weigh is what an indicator is there for: "benign" is an honest thing, "compromised" an honest one that others use, and
// what is neither called malicious nor unknown is told, but not to be blocked.
func weigh(kinds []string) (w Weight, hacked bool) {
	said, blocks := false, false
	for _, kind := range kinds {
		switch fold(kind) {
		case "benign", "false-positive", "whitelist", "allowlist":
			return Disputes, false
		case "compromised":
			said, blocks, hacked = true, true, true
		case "malicious-activity", "malicious", "unknown", "phishing":
			said, blocks = true, true
		case "anomalous-activity", "anonymization", "attribution":
			said = true
		}
	}
	if said && !blocks {
		return Context, false
	}
	return Lists, hacked
}

// categoryOf is the kind of scam that some words or tags name, such as phishing or rsit:fraud="phishing".
func categoryOf(words []string) category.Category {
	for _, word := range words {
		word = strings.Trim(word[strings.IndexAny(word, "=:")+1:], `" `)
		word = word[strings.LastIndexAny(word, `=:"`)+1:]
		if kind, known := category.Parse(fold(word)); known && kind != category.Other {
			return kind
		}
	}
	return category.Other
}

// label is to whom an object may be told: the narrowest of all that it is marked with.
func (x *stix) label(o *stixObject) (narrowest TLP, err error) {
	refs := o.Markings
	for _, g := range o.Granular {
		refs = append(refs, g.Marking)
	}
	for _, ref := range refs {
		label, known := tlpMarkings[ref]
		if !known {
			label, known = x.markings[ref]
		}
		if !known && len(x.unknown) < maxMarkings {
			x.unknown[cut(ref, maxName)] = true
		}
		narrowest = narrower(narrowest, label)
	}
	if narrowest == Red {
		return "", ErrRed
	}
	return cmp.Or(narrowest, x.base.TLP), nil
}

const maxMarkings = 10_000

// narrower is the one of two labels that lets fewer know.
func narrower(a, b TLP) TLP {
	order := []TLP{"", Clear, Green, Amber, AmberStrict, Red}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// tlpExtension is the one by which STIX 2.1 says the labels of TLP 2.0.
const tlpExtension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

// tlpMarkings are the markings that STIX itself defines, of TLP 1 (STIX 2.1, 7.2.1.4) and of TLP 2.0 (the extension).
var tlpMarkings = map[string]TLP{
	"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Clear,
	"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Green,
	"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Amber,
	"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Red,
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": Clear,
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": Green,
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": Amber,
	"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": AmberStrict,
	"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": Red,
}

// define takes a marking that the list defines itself. One that is a label must stand before what it marks, or that
// would have been told further than its source wants.
func (x *stix) define(o *stixObject) error {
	text := o.Definition.TLP
	if raw := o.Extensions[tlpExtension]; raw != nil {
		var extension struct {
			Label string `json:"tlp_2_0"`
		}
		if json.Unmarshal(raw, &extension) == nil {
			text = cmp.Or(extension.Label, text)
		}
	}
	if text == "" {
		return nil
	}
	label, known := ParseTLP(text)
	if !known {
		label = Red
	}
	if _, ours := tlpMarkings[o.ID]; ours {
		return nil
	}
	if x.unknown[o.ID] {
		return fmt.Errorf("%w: what TLP:%s marks stands before it is said to", ErrShape, strings.ToUpper(string(label)))
	}
	if len(x.markings) == maxMarkings {
		return fmt.Errorf("%w: more than %d markings", ErrShape, maxMarkings)
	}
	x.markings[o.ID] = label
	return nil
}

// thingOf is the one thing that comparisons name.
func thingOf(all []comparison) (s subject.Subject, address string, err error) {
	if strings.HasPrefix(all[0].path, "user-account:") {
		s, err = userAccount(all)
		return s, "", err
	}
	if len(all) > 1 {
		return "", "", fmt.Errorf("%w: AND", ErrPattern)
	}
	value := strings.TrimSpace(all[0].value)
	if len(value) > maxLine {
		return "", "", ErrLong
	}
	switch all[0].path {
	case "url:value":
		return urlEntry(value)
	case "domain-name:value":
		if strings.ContainsAny(value, "/?#@:[\\ ") || !strings.Contains(value, ".") {
			return "", "", ErrHost
		}
		return fromAddress(value)
	case "ipv4-addr:value", "ipv6-addr:value":
		return ipEntry(value)
	case "email-addr:value":
		if s, _, err = Entry(value); err == nil && !strings.HasPrefix(string(s), "email:") {
			s, err = "", ErrHost
		}
		return s, "", err
	}
	return "", "", fmt.Errorf("%w: %s", ErrPattern, cut(plain(all[0].path), 60))
}

// urlEntry reads an address that has a field of its own. A query in it may end with a quote, where an entry of a text
// has one too many.
func urlEntry(value string) (s subject.Subject, address string, err error) {
	if _, query, ok := strings.Cut(value, "?"); ok && strings.HasSuffix(query, "'") && strings.Count(query, "'")%2 == 0 {
		value = strings.TrimSuffix(value, "'") + "%27" // as a browser writes it
	}
	return Entry(value)
}

// ipEntry reads an IP address, which may be written as a range of one.
func ipEntry(value string) (s subject.Subject, address string, err error) {
	ip, err := netip.ParseAddr(value)
	if err != nil {
		one, err := netip.ParsePrefix(value)
		switch {
		case err != nil:
			return "", "", ErrHost
		case !one.IsSingleIP():
			return "", "", ErrRange
		}
		ip = one.Addr()
	}
	if ip.Is4() {
		return fromAddress(ip.String())
	}
	return fromAddress("[" + ip.WithZone("").String() + "]")
}

// userAccount is an account by its type and its number or name.
func userAccount(all []comparison) (subject.Subject, error) {
	said := map[string]string{}
	for _, c := range all {
		property, ok := strings.CutPrefix(c.path, "user-account:")
		switch {
		case !ok:
			return "", fmt.Errorf("%w: AND", ErrPattern)
		case property != "account_type" && property != "user_id" && property != "account_login" && property != "display_name":
			return "", fmt.Errorf("%w: %s", ErrPattern, cut(plain(c.path), 60))
		case said[property] != "" && said[property] != c.value:
			return "", fmt.Errorf("%w: two of %s", ErrPattern, c.path)
		}
		said[property] = c.value
	}
	return account(said["account_type"], said["user_id"], said["account_login"])
}
