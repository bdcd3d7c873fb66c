// Package taxii answers TAXII 2.1 (OASIS Standard, 10 June 2021) about what leaves: each partner reads one collection,
// which is what its agreement gives it of the stream. Nothing can be written. It knows no transport; a caller hands over
// the parts of a request and sends the answer.
//
//	GET /taxii2/                                    who serves, and where
//	GET /exchange/                                  the API root
//	GET /exchange/collections/                      the one collection of whoever asks
//	GET /exchange/collections/ID/
//	GET /exchange/collections/ID/objects/           added_after, limit, next, match[id|type|version|spec_version]
//	GET /exchange/collections/ID/objects/ID/        and …/versions/
//	GET /exchange/collections/ID/manifest/
package taxii

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"khien/server/export"
	"khien/server/partner"
	"khien/server/stream"
)

// Type is the media type of all answers.
const Type = "application/taxii+json;version=2.1"

// Bounds of a page.
const (
	maxLimit = 1000 // objects
	maxScan  = 5000 // objects of the stream that are looked at for one
)

// Where it is served.
const (
	Discovery = "/taxii2/"
	Root      = "/exchange/"
)

// Errors of Admit.
var (
	// ErrKey is a key that there is not, or that is good no more.
	ErrKey = errors.New("a key of a partner is needed")
	// ErrBusy is a partner that asks too often.
	ErrBusy = errors.New("asked too often")
)

// Server answers the partners.
type Server struct {
	Stream *stream.Stream
	// Head says who serves, for the newest release.
	Head func(context.Context) (export.Head, error)
	// Admit tells whose key a request carries in its header Authorization, with the key by which what is hidden from the
	// partner is digested. Its errors are ErrKey and ErrBusy.
	Admit func(ctx context.Context, authorization string) (a partner.Agreement, key []byte, err error)
}

// Question is what matters of a request.
type Question struct {
	Method        string
	Path          string // as it was sent, without the query
	Query         string
	Accept        string
	Authorization string
	Origin        string // under which the server was called, such as https://khien.example
}

// Answer is what to send back.
type Answer struct {
	Status int
	Header map[string]string // beside Content-Type, which is Type
	Body   []byte
}

// failure is an answer that says what went wrong (section 3.6.1).
func failure(status int, title string) Answer {
	body, _ := json.Marshal(map[string]any{"title": title, "http_status": strconv.Itoa(status)})
	return Answer{Status: status, Body: body}
}

// Answers tells whether a path is one of this package.
func Answers(path string) bool {
	for _, at := range []string{Discovery, Root} {
		if path == strings.TrimSuffix(at, "/") || path == at {
			return true
		}
	}
	return path == Root+"collections" || strings.HasPrefix(path, Root+"collections/")
}

// Answer answers a question.
func (s *Server) Answer(ctx context.Context, q Question) Answer {
	if !acceptable(q.Accept) {
		return failure(406, "Only "+Type+" is served here.")
	}
	a, key, err := s.Admit(ctx, q.Authorization)
	switch {
	case errors.Is(err, ErrKey):
		f := failure(401, "The key of a partner is needed: as Basic with the partner's name, as Bearer, or as Token.")
		f.Header = map[string]string{"WWW-Authenticate": `Basic realm="khien", charset="UTF-8"`}
		return f
	case errors.Is(err, ErrBusy):
		f := failure(429, "This was asked too often.")
		f.Header = map[string]string{"Retry-After": "60"}
		return f
	case err != nil:
		return failure(503, "The server cannot answer at the moment. Try again later.")
	case a.Direction == partner.In:
		return failure(403, "The agreement does not give anything out.")
	}
	c := &collection{s: s, agreement: a, key: key, query: q.Query}
	if c.head, err = s.Head(ctx); err == nil {
		c.stix = export.NewSTIX(c.head)
		c.id = uuid.NewSHA1(stream.Space(c.head.Root), []byte("collection\n"+a.Name)).String()
		var answer Answer
		if answer, err = c.answer(ctx, q); err == nil {
			return answer
		}
	}
	var wrong *wrongQuery
	if errors.As(err, &wrong) {
		return failure(400, wrong.Error())
	}
	return failure(503, "The server cannot answer at the moment. Try again later.")
}

// acceptable tells whether a header Accept lets Type through (section 1.6.8; clients send much else).
func acceptable(accept string) bool {
	if strings.TrimSpace(accept) == "" {
		return true
	}
	for part := range strings.SplitSeq(accept, ",") {
		kind, parameters, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "*/*", "application/*", "application/json":
			return true
		case "application/taxii+json":
			version := ""
			for p := range strings.SplitSeq(parameters, ";") {
				if name, value, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(name, "version") {
					version = strings.Trim(value, `"`)
				}
			}
			if version == "" || version == "2.1" {
				return true
			}
		}
	}
	return false
}

// collection is what one partner reads.
type collection struct {
	s         *Server
	agreement partner.Agreement
	key       []byte
	head      export.Head
	stix      export.STIX
	id        string
	query     string
}

func (c *collection) answer(ctx context.Context, q Question) (Answer, error) {
	path := strings.TrimSuffix(q.Path, "/") + "/"
	rest, inside := strings.CutPrefix(path, Root+"collections/")
	part := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	allowed := q.Method == "GET" || q.Method == "HEAD"
	switch {
	case !allowed && inside && len(part) == 2 && part[1] == "objects":
		return failure(403, "Nothing can be written into this collection."), nil
	case !allowed:
		f := failure(405, "This address takes GET alone.")
		f.Header = map[string]string{"Allow": "GET, HEAD"}
		return f, nil
	case path == Discovery:
		root := q.Origin + Root
		return say(map[string]any{"title": title(c.head.Operator), "description": "What " + c.head.Operator + " lists, for its partners", "default": root, "api_roots": []string{root}})
	case path == Root:
		return say(map[string]any{"title": title(c.head.Operator), "versions": []string{Type}, "max_content_length": 1 << 20})
	case !inside:
		return failure(404, "There is nothing under this address."), nil
	case rest == "":
		return say(map[string]any{"collections": []any{c.describe()}})
	case part[0] != c.id:
		return failure(404, "There is no such collection, or not for this partner."), nil
	case len(part) == 1:
		return say(c.describe())
	case len(part) == 2 && part[1] == "objects":
		return c.page(ctx, false)
	case len(part) == 2 && part[1] == "manifest":
		return c.page(ctx, true)
	case len(part) == 3 && part[1] == "objects":
		return c.object(ctx, part[2], false)
	case len(part) == 4 && part[1] == "objects" && part[3] == "versions":
		return c.object(ctx, part[2], true)
	}
	return failure(404, "There is nothing under this address."), nil
}

// title is one without dots: OpenCTI takes what stands before one for the API root.
func title(text string) string { return strings.ReplaceAll(text, ".", " ") }

func (c *collection) describe() map[string]any {
	return map[string]any{"id": c.id, "title": title("For " + c.agreement.Title), "can_read": true, "can_write": false, "media_types": []string{export.STIXType}}
}

func say(what any) (Answer, error) {
	body, err := json.Marshal(what)
	return Answer{Status: 200, Body: body}, err
}

// wrongQuery is a parameter that can't be read.
type wrongQuery struct{ what string }

func (w *wrongQuery) Error() string { return w.what }

// asked is what a request wants of the objects.
type asked struct {
	limit    int
	position int64 // behind which
	begins   bool  // whether nothing was read before
	after    int64 // Unix milliseconds; 0 where it does not say
	match    map[string][]string
}

// matches are the fields that objects can be picked by (section 3.4.2).
var matches = []string{"id", "type", "version", "spec_version"}

// ask reads the query. A token of the page before says from where on, whatever else is there.
func (c *collection) ask(ctx context.Context) (a asked, err error) {
	values, err := url.ParseQuery(c.query)
	if err != nil {
		return a, &wrongQuery{"The query can't be read."}
	}
	a = asked{limit: maxLimit, match: map[string][]string{}, begins: true}
	if text := values.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return a, &wrongQuery{"limit is a number from 1 on."}
		}
		a.limit = min(n, maxLimit)
	}
	token, continues, err := c.open(values.Get("next"))
	if err != nil {
		return a, err
	}
	for _, name := range matches {
		text := values.Get("match[" + name + "]")
		if continues && text == "" {
			text = token.match.Get(name)
		}
		if text != "" {
			a.match[name] = strings.Split(text, ",")
		}
	}
	if continues {
		a.position, a.begins = token.position, false
		return a, nil
	}
	if text := values.Get("added_after"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			if at, err = time.Parse(time.DateOnly, text); err != nil {
				return a, &wrongQuery{"added_after is a time such as 2026-12-01T00:00:00.000000Z."}
			}
		}
		a.after = max(at.UnixMilli(), 1)
		if a.position, err = c.s.Stream.Before(ctx, a.after); err != nil {
			return a, err
		}
	}
	return a, nil
}

// token is where the next page begins.
type token struct {
	position int64
	match    url.Values
}

// seal writes a token. It is a position, with what the objects are picked by, of this collection: it never lapses.
func (c *collection) seal(position int64, match map[string][]string) string {
	values := url.Values{"c": {c.id}, "p": {strconv.FormatInt(position, 10)}}
	for name, wanted := range match {
		values.Set(name, strings.Join(wanted, ","))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(values.Encode()))
}

func (c *collection) open(text string) (t token, ok bool, err error) {
	if text == "" {
		return t, false, nil
	}
	bad := &wrongQuery{"next is none that this collection has given."}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(plain) > 4096 {
		return t, false, bad
	}
	if t.match, err = url.ParseQuery(string(plain)); err != nil || t.match.Get("c") != c.id {
		return t, false, bad
	}
	if t.position, err = strconv.ParseInt(t.match.Get("p"), 10, 64); err != nil || t.position < 0 {
		return t, false, bad
	}
	return t, true, nil
}

// entry is an object with what a manifest says of it.
type entry struct {
	id, version string
	added       int64 // Unix milliseconds
	kind        string
	body        json.RawMessage
}

// common are the objects that all others refer to: the operator, and what they are marked with. They stand before the
// first object of the stream, each at a time of its own.
func (c *collection) common(ctx context.Context) (all []entry, err error) {
	first, err := c.s.Stream.First(ctx)
	if err != nil || first == 0 {
		return nil, err
	}
	objects := append([]json.RawMessage{c.stix.Operator()}, export.Markings()...)
	for i, body := range objects {
		var o struct{ Type, ID, Created, Modified string }
		if err := json.Unmarshal(body, &o); err != nil {
			return nil, err
		}
		if o.Modified == "" {
			o.Modified = o.Created
		}
		all = append(all, entry{o.ID, o.Modified, first - int64(len(objects)-i), o.Type, body})
	}
	return all, nil
}

// wanted tells whether an object is one of those that are picked.
func (a asked) wanted(e entry) bool {
	for name, values := range a.match {
		ok := false
		for _, v := range values {
			switch name {
			case "id":
				ok = ok || v == e.id
			case "type":
				ok = ok || v == e.kind
			case "spec_version":
				ok = ok || v == "2.1"
			case "version":
				ok = ok || v == "all" || v == "first" || v == "last" || same(v, e.version) // there is one of each
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

// same tells whether two texts are one time.
func same(a, b string) bool {
	one, err1 := time.Parse(time.RFC3339, a)
	other, err2 := time.Parse(time.RFC3339, b)
	return err1 == nil && err2 == nil && one.Equal(other)
}

// page is a page of objects, or of what a manifest says of them.
func (c *collection) page(ctx context.Context, manifest bool) (Answer, error) {
	a, err := c.ask(ctx)
	if err != nil {
		return Answer{}, err
	}
	var found []entry
	if a.begins {
		common, err := c.common(ctx)
		if err != nil {
			return Answer{}, err
		}
		for _, e := range common {
			if e.added > a.after && a.wanted(e) {
				found = append(found, e)
			}
		}
	}
	position, more, scanned := a.position, len(found) >= a.limit, 0 // the common ones come together, whatever the limit is
	for len(found) < a.limit && scanned < maxScan {
		some, err := c.s.Stream.After(ctx, position, min(a.limit-len(found)+1, maxScan-scanned))
		if err != nil {
			return Answer{}, err
		}
		if more = false; len(some) == 0 {
			break
		}
		for _, o := range some {
			if more = len(found) == a.limit; more {
				break
			}
			scanned++
			position = o.Position
			e, ok := c.entry(o)
			if ok && a.wanted(e) {
				found = append(found, e)
			}
		}
		if more {
			break
		}
		more = true // until nothing is behind it
	}
	envelope := map[string]any{}
	var header map[string]string
	if len(found) > 0 {
		objects := make([]any, len(found))
		for i, e := range found {
			if objects[i] = any(e.body); manifest {
				objects[i] = map[string]string{"id": e.id, "date_added": date(e.added), "version": e.version, "media_type": export.STIXType}
			}
		}
		envelope["objects"] = objects
		header = map[string]string{"X-TAXII-Date-Added-First": date(found[0].added), "X-TAXII-Date-Added-Last": date(found[len(found)-1].added)}
	}
	if more {
		envelope["more"], envelope["next"] = true, c.seal(position, a.match)
	}
	answer, err := say(envelope)
	answer.Header = header
	return answer, err
}

// entry is what the partner gets of an object of the stream.
func (c *collection) entry(o stream.Object) (e entry, ok bool) {
	g, why := c.agreement.Gives(o, c.key)
	if why != "" {
		return e, false
	}
	body, left := c.stix.Indicator(g)
	if left != "" {
		return e, false
	}
	return entry{c.stix.ID(g), time.UnixMilli(o.Added).UTC().Format("2006-01-02T15:04:05.000Z"), o.Added, "indicator", body}, true
}

func date(milli int64) string {
	return time.UnixMilli(milli).UTC().Format("2006-01-02T15:04:05.000000Z")
}

// object is one object by its id, or its versions: the newest alone is kept.
func (c *collection) object(ctx context.Context, id string, versions bool) (Answer, error) {
	a, err := c.ask(ctx)
	if err != nil {
		return Answer{}, err
	}
	common, err := c.common(ctx)
	if err != nil {
		return Answer{}, err
	}
	var e entry
	ok := false
	if i := slices.IndexFunc(common, func(e entry) bool { return e.id == id }); i >= 0 {
		e, ok = common[i], true
	} else if name, isIndicator := strings.CutPrefix(id, "indicator--"); isIndicator {
		if u, err := uuid.Parse(name); err == nil {
			o, there, err := c.s.Stream.Named(ctx, u)
			if err != nil {
				return Answer{}, err
			}
			if there {
				e, ok = c.entry(o)
				ok = ok && e.id == id
			}
		}
	}
	if !ok {
		return failure(404, "There is no such object in this collection."), nil
	}
	header := map[string]string{"X-TAXII-Date-Added-First": date(e.added), "X-TAXII-Date-Added-Last": date(e.added)}
	envelope := map[string]any{}
	switch {
	case e.added <= a.after || !a.wanted(e):
		header = nil
	case versions:
		envelope["versions"] = []string{e.version}
	default:
		envelope["objects"] = []any{e.body}
	}
	answer, err := say(envelope)
	answer.Header = header
	return answer, err
}
