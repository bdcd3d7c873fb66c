package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"khien/server/inbox"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Bounds of a report's fields in bytes.
const (
	maxTitle    = 300
	maxNote     = 2000
	maxLanguage = 35 // RFC 5646 section 4.4.1
	maxSubjects = 64
)

// Sent is the part of a request that carries a report.
type Sent struct {
	Type      string // Content-Type
	Encoding  string // Content-Encoding
	Accept    string
	Body      []byte
	Source    []byte // of the sender, as package limit knows senders; or nil
	WorkedFor []byte // the id of the report that a proof of work was for; nil without one
}

func (s Sent) compressed() bool {
	encoding := strings.ToLower(strings.TrimSpace(s.Encoding))
	return encoding != "" && encoding != "identity"
}

// problem is why a report was refused.
type problem struct {
	status        int
	code, message string
}

func (p *problem) Error() string { return p.message }

func refuse(code, format string, args ...any) *problem {
	return &problem{400, code, fmt.Sprintf(format, args...)}
}

// Report takes a report in MessagePack or JSON with the field names of
// wire.Report (in JSON, id is base64) and answers with its receipt: 201 for a
// new one, 200 for one that is here already. The report is on disk by then.
//
// Codes of refusal: unsupported_encoding, unsupported_type, too_large, malformed,
// unknown_field, bad_field, bad_href, bad_subject, bad_work, conflict, unavailable.
func (a *API) Report(ctx context.Context, sent Sent, now int64) Answer {
	form, err := mediaType(sent.Type)
	answerForm := Accepts(sent.Accept, form)
	if answerForm == "" {
		answerForm = JSON
	}
	if err != nil {
		return Fail(answerForm, 415, "unsupported_type", "Send a report as application/msgpack or as application/json in UTF-8.")
	}
	report, refused := readReport(form, sent, now)
	if refused != nil {
		return Fail(answerForm, refused.status, refused.code, refused.message)
	}
	if sent.WorkedFor != nil && !bytes.Equal(sent.WorkedFor, report.ID) {
		return Fail(answerForm, 400, "bad_work", "The proof of work is for another report.")
	}
	receipt, created, err := a.Inbox.Accept(ctx, report, sent.Source, now)
	switch {
	case errors.Is(err, inbox.ErrConflict):
		return Fail(answerForm, 409, "conflict", "This id was used for another report. Make a new one for each report.")
	case err != nil:
		return unavailable(answerForm)
	case created:
		return encoded(201, &receipt, answerForm)
	}
	return encoded(200, &receipt, answerForm)
}

// readReport decodes and checks a report. Everything in it is a copy.
func readReport(form Form, sent Sent, now int64) (wire.Report, *problem) {
	var r wire.Report
	if sent.compressed() {
		return r, &problem{415, "unsupported_encoding", "Send a report without Content-Encoding; it is small as it is."}
	}
	if len(sent.Body) > wire.MaxReport {
		return r, &problem{413, "too_large", fmt.Sprintf("A report has at most %d bytes.", wire.MaxReport)}
	}
	if form == MsgPack {
		rest, err := r.UnmarshalMsg(sent.Body)
		if err != nil {
			return r, refuse("malformed", "The body is no report in MessagePack.")
		}
		if len(rest) > 0 {
			return r, refuse("malformed", "%d bytes follow the report.", len(rest))
		}
	} else if refused := readJSON(map[string]any{
		"id": &r.ID, "kind": &r.Kind, "subjects": &r.Subjects, "href": &r.Href, "title": &r.Title,
		"language": &r.Language, "time": &r.Time, "category": &r.Category, "note": &r.Note, "links": &r.Links,
	}, sent.Body); refused != nil {
		return r, refused
	}
	return r, check(&r, now)
}

// readJSON is stricter than encoding/json, which takes "ID" for "id", keeps the
// last of two equal names, and replaces what is not UTF-8.
func readJSON(fields map[string]any, body []byte) *problem {
	if !utf8.Valid(body) {
		return refuse("malformed", "The body is not UTF-8.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	malformed := refuse("malformed", "The body is no JSON object.")
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return malformed
	}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return malformed
		}
		field, ok := fields[name]
		switch {
		case !ok:
			return refuse("unknown_field", "The body has a field that does not belong there.")
		case field == nil:
			return refuse("malformed", "The field %s is there twice.", name)
		}
		fields[name] = nil
		if err := d.Decode(field); err != nil {
			var kind *json.UnmarshalTypeError
			if errors.As(err, &kind) {
				return refuse("bad_field", "The field %s has a value of the wrong type.", name)
			}
			if name == "id" {
				return refuse("bad_field", "The field id is %d bytes in base64.", inbox.IDSize)
			}
			return malformed
		}
	}
	if end, err := d.Token(); err != nil || end != json.Delim('}') {
		return malformed
	}
	if _, err := d.Token(); err != io.EOF {
		return refuse("malformed", "Something follows the JSON object.")
	}
	return nil
}

// check refuses what no sender of ours writes, and replaces the subjects by those
// that the address truly has.
func check(r *wire.Report, now int64) *problem {
	for _, f := range []struct {
		name, value string
		max         int
	}{
		{"title", r.Title, maxTitle}, {"note", r.Note, maxNote}, {"language", r.Language, maxLanguage}, {"href", r.Href, subject.MaxHref},
	} {
		if !utf8.ValidString(f.value) {
			return refuse("bad_field", "The field %s is not UTF-8.", f.name)
		}
		if len(f.value) > f.max {
			return refuse("bad_field", "The field %s has at most %d bytes.", f.name, f.max)
		}
	}
	if len(r.ID) != inbox.IDSize {
		return refuse("bad_field", "The field id has %d bytes.", inbox.IDSize)
	}
	if r.Kind != wire.KindScam && r.Kind != wire.KindMistake {
		return refuse("bad_field", "The field kind is %q or %q.", wire.KindScam, wire.KindMistake)
	}
	if strings.Trim(r.Language, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return refuse("bad_field", "The field language is a language tag such as vi.")
	}
	const aDay = 24 * 60 * 60
	if r.Time < 0 || r.Time > now+365*aDay {
		return refuse("bad_field", "The field time is the Unix time in seconds.")
	}
	if _, ok := category.Parse(r.Category); r.Category != "" && !ok {
		return refuse("bad_field", "The field category is a known kind of scam, or empty.")
	}
	return checkSubjects(r)
}

func checkSubjects(r *wire.Report) *problem {
	if len(r.Subjects) > maxSubjects {
		return refuse("bad_subject", "A report has at most %d subjects.", maxSubjects)
	}
	if len(r.Links) > wire.MaxLinks {
		return refuse("bad_subject", "A report has at most %d links.", wire.MaxLinks)
	}
	for _, text := range slices.Concat(r.Subjects, r.Links) {
		if _, err := subject.Parse(text); err != nil {
			return refuse("bad_subject", "A subject is not in canonical form.")
		}
	}
	if r.Href == "" {
		if r.Kind != wire.KindMistake || len(r.Subjects) == 0 {
			return refuse("bad_href", "The field href is missing.")
		}
		return nil
	}
	if strings.Contains(r.Href, "#") {
		return refuse("bad_href", "The field href has a fragment, which stays on the sender's device.")
	}
	derived, err := subject.FromHref(nil, r.Href)
	switch {
	case errors.Is(err, subject.ErrScheme):
		return refuse("bad_href", "The field href is not an http or https address.")
	case err != nil:
		return refuse("bad_href", "The field href is not an address as browsers write it.")
	}
	_, rest, _ := strings.Cut(r.Href, "://")
	if authority, _, _ := strings.Cut(rest, "/"); strings.Contains(authority, "@") {
		return refuse("bad_href", "The field href has a user name or password, which stays on the sender's device.")
	}
	r.Subjects = r.Subjects[:0]
	for _, s := range derived {
		r.Subjects = append(r.Subjects, string(s))
	}
	return nil
}
