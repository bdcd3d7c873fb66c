package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"khien/server/inbox"
	"khien/shared/report"
	"khien/shared/wire"
)

// Sent is the part of a request that carries a report.
type Sent struct {
	Type     string // Content-Type
	Encoding string // Content-Encoding
	Accept   string
	Body     []byte
}

// Incoming is a report that was read and is not kept yet.
type Incoming struct {
	wire.Report
	form Form // of the answer
}

func (s Sent) compressed() bool {
	encoding := strings.ToLower(strings.TrimSpace(s.Encoding))
	return encoding != "" && encoding != "identity"
}

// refuse says why what was sent is not taken. Its form is that of the answer.
func refuse(code, sentence string, args ...any) *failure {
	return refuseAs(400, code, sentence, args...)
}

func refuseAs(status int, code, sentence string, args ...any) *failure {
	return &failure{status: status, code: code, sentence: sentence, args: args}
}

// in is the answer in a form.
func (f *failure) in(form Form) Answer { return Fail(form, f.status, f.code, f.sentence, f.args...) }

// ReadReport reads a report in MessagePack or JSON with the field names of wire.Report (in JSON, id is base64). One
// that is refused has an answer instead.
//
// Codes of refusal: unsupported_encoding, unsupported_type, too_large, malformed,
// unknown_field, bad_field, bad_href, bad_subject.
func (a *API) ReadReport(sent Sent, now int64) (r Incoming, refused *Answer) {
	form, err := mediaType(sent.Type)
	if r.form = Accepts(sent.Accept, form); r.form == "" {
		r.form = JSON
	}
	if err != nil {
		answer := Fail(r.form, 415, "unsupported_type", "Send a report as application/msgpack or as application/json in UTF-8.")
		return r, &answer
	}
	report, problem := readReport(form, sent, now)
	if problem != nil {
		answer := problem.in(r.form)
		return r, &answer
	}
	r.Report = report
	return r, nil
}

// TakeReport keeps a report, from a source as package limit knows them, and answers with its receipt: 201 for a new
// one, 200 for one that is here already. The report is on disk by then. Codes of refusal: conflict, unavailable.
func (a *API) TakeReport(ctx context.Context, r Incoming, source []byte, now int64) Answer {
	receipt, created, err := a.Inbox.Accept(ctx, r.Report, source, now)
	switch {
	case errors.Is(err, inbox.ErrConflict):
		return Fail(r.form, 409, "conflict", "This id was used for another report. Make a new one for each report.")
	case err != nil:
		return unavailable(r.form)
	case created:
		return encoded(201, &receipt, r.form)
	}
	return encoded(200, &receipt, r.form)
}

// readReport decodes and checks a report. Everything in it is a copy.
func readReport(form Form, sent Sent, now int64) (wire.Report, *failure) {
	var r wire.Report
	if sent.compressed() {
		return r, refuseAs(415, "unsupported_encoding", "Send a report without Content-Encoding; it is small as it is.")
	}
	if len(sent.Body) > wire.MaxReport {
		return r, refuseAs(413, "too_large", "A report has at most %d bytes.", wire.MaxReport)
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
	var wrong *report.Refusal
	if errors.As(report.Check(&r, now), &wrong) {
		return r, refuse(wrong.Code, wrong.Sentence, wrong.Args...)
	}
	return r, nil
}

// readJSON is stricter than encoding/json, which takes "ID" for "id", keeps the
// last of two equal names, and replaces what is not UTF-8.
func readJSON(fields map[string]any, body []byte) *failure {
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
