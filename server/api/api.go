// Package api answers the public questions: what is published, and what became
// of a report. It knows no transport; a caller hands over the parts of a
// request and sends the Answer back over whatever it speaks.
//
//	GET  /v1/head                      Head     the signed head, the only answer that changes
//	GET  /v1/blob/{digest}             Blob     a set or a keys note
//	GET  /v1/delta/{set}/{from}        Delta    from the set of an older release to this one
//	GET  /v1/bucket/{release}/{prefix} Bucket   the reasons behind the hits of one bucket
//	POST /v1/reports                   Report   takes a report, answers with a receipt
//	GET  /v1/receipts/{id}             Receipt  what became of the report
//	POST /v1/receipts                  Receipts what became of up to 50 of them
//	POST /v1/pictures                  Picture  a picture to a report, by its receipt
//
// Whatever goes wrong is told as {"error": {"code", "message"}}: a code for
// programs, a sentence for people, in their language (Answer.In). Neither
// repeats anything of the request.
package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tinylib/msgp/msgp"

	"khien/server/blob"
	"khien/server/evidence"
	"khien/server/inbox"
	"khien/server/publish"
	"khien/server/triage"
	"khien/shared/release"
	"khien/shared/subject"
)

// API answers from what is published, from the inbox and from the cases. Its methods are safe
// for concurrent use and keep nothing of their arguments.
type API struct {
	Shelf    *publish.Shelf
	Inbox    *inbox.Inbox
	Desk     *triage.Desk    // nil where reports are decided one by one
	Evidence *evidence.Store // nil where no pictures are taken
	// Platform tells when the platform of a listed subject was informed of it and when it has removed it, in Unix seconds,
	// 0 for what has not happened; nil where nobody asks platforms for anything.
	Platform func(ctx context.Context, s subject.Subject) (informed, removed int64, err error)
	// Since tells when a listed subject was put on the list, in Unix seconds; nil where nobody knows.
	Since func(ctx context.Context, s subject.Subject) (int64, error)

	Log *slog.Logger // told, once a minute, that something published is damaged; nil for nobody

	current atomic.Pointer[current]
	told    atomic.Int64 // the minute, since 1970, in which Log was told last
}

// Answer is what to send back.
type Answer struct {
	Status int    // as in HTTP (RFC 9110 section 15)
	Type   string // media type of Body
	Cache  string // how long it may be kept (RFC 9111 section 5.2)
	ETag   string // names Body, quoted; empty where Body is not worth naming
	Body   []byte

	failure *failure // nil where nothing went wrong
}

// How long an answer may be kept.
const (
	cacheNever   = "no-store"
	cacheHead    = "public, max-age=60"
	cacheForever = "public, max-age=31536000, immutable"
)

// Form is how structured answers are written.
type Form string

const (
	JSON    Form = "application/json"
	MsgPack Form = "application/msgpack"
)

// Accepts picks the form that a client's Accept header names first, or otherwise.
func Accepts(header string, otherwise Form) Form {
	for part := range strings.SplitSeq(header, ",") {
		kind, _, _ := strings.Cut(part, ";")
		switch form := Form(strings.ToLower(strings.TrimSpace(kind))); form {
		case JSON, MsgPack:
			return form
		}
	}
	return otherwise
}

// Head is the newest signed head, read anew for each question, so that what
// another process publishes is served at once.
func (a *API) Head(ctx context.Context, form Form) Answer {
	head, err := a.Shelf.Head(ctx)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return Fail(form, 503, "no_release", "Nothing is published yet.")
	case err != nil:
		return a.damaged(err, form)
	}
	sum := sha256.Sum256(head)
	return Answer{Status: 200, Type: "text/plain; charset=utf-8", Cache: cacheHead, ETag: quoted(hex.EncodeToString(sum[:8])), Body: head}
}

// Blob is the blob with this digest, in hex.
func (a *API) Blob(ctx context.Context, digest string, form Form) Answer {
	d, err := release.ParseDigest(digest)
	if err != nil {
		return notFound(form)
	}
	body, err := a.Shelf.Blob(ctx, d)
	return a.published("blob/"+d.String(), "application/octet-stream", body, err, form)
}

// Delta leads from the set of release from to the set with the digest target.
func (a *API) Delta(ctx context.Context, target, from string, form Form) Answer {
	d, err := release.ParseDigest(target)
	n, ok := number(from)
	if err != nil || !ok {
		return notFound(form)
	}
	body, err := a.Shelf.Delta(ctx, d, n)
	return a.published("delta/"+d.String()+"/"+from, "application/octet-stream", body, err, form)
}

// published answers with what a shelf has handed out.
func (a *API) published(name, kind string, body []byte, err error, form Form) Answer {
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return notFound(form)
	case err != nil:
		return a.damaged(err, form)
	}
	return Answer{Status: 200, Type: kind, Cache: cacheForever, ETag: quoted(name), Body: body}
}

// damaged tells the operator, and the client to come again: what is published is mended within the hour.
func (a *API) damaged(err error, form Form) Answer {
	if a.Log != nil {
		if minute := time.Now().Unix() / 60; a.told.Swap(minute) != minute {
			a.Log.Error("couldn't hand out what is published", "error", err)
		}
	}
	return unavailable(form)
}

// Bucket is one bucket of a release; prefix is in hex, as release.BucketPath writes it.
func (a *API) Bucket(ctx context.Context, sequence, prefix string, form Form) Answer {
	n, ok := number(sequence)
	if !ok {
		return notFound(form)
	}
	body, err := a.Shelf.Bucket(ctx, n, prefix)
	return a.published("bucket/"+sequence+"/"+prefix, string(MsgPack), body, err, form)
}

// Ready is nil when everything that is asked for can be answered: there is a head
// that has not expired, and the inbox can be read.
func (a *API) Ready(ctx context.Context, now int64) error {
	note, err := a.Shelf.Head(ctx)
	if errors.Is(err, blob.ErrNotFound) {
		return errors.New("nothing is published yet")
	}
	if err != nil {
		return err
	}
	head, err := release.ReadHead(note)
	if err != nil {
		return errors.New("the published head is damaged")
	}
	if head.Expires <= now {
		return errors.New("the published head has expired")
	}
	if err := a.Inbox.Ping(ctx); err != nil {
		return errors.New("the inbox does not answer")
	}
	return nil
}

// failure is what went wrong: a code for programs and an English sentence for people, with places to fill in.
type failure struct {
	form     Form
	status   int
	code     string
	sentence string
	args     []any
}

// Fail is the answer to a request that cannot be met. Its sentence has a translation in api.txt of each language.
func Fail(form Form, status int, code, sentence string, args ...any) Answer {
	f := &failure{form, status, code, sentence, args}
	return f.answer(fmt.Sprintf(sentence, args...))
}

// In is the answer for who reads a language: what went wrong is told in it, all else is the same for all.
func (a Answer) In(lang string) Answer {
	if a.failure == nil {
		return a
	}
	f, key := a.failure, a.failure.sentence
	lang = said.SaidIn(lang, key)
	for _, arg := range f.args {
		if n, ok := arg.(int); ok {
			key = said.Form(lang, f.sentence, n)
		}
	}
	if translated := said.Text(lang, key); translated != "" {
		return f.answer(fmt.Sprintf(translated, f.args...))
	}
	return a
}

// Failed tells whether something went wrong, which is told in the language of who asked.
func (a Answer) Failed() bool { return a.failure != nil }

func (f *failure) answer(message string) Answer {
	var body []byte
	if f.form == MsgPack {
		body = msgp.AppendMapHeader(nil, 1)
		body = msgp.AppendString(body, "error")
		body = msgp.AppendMapHeader(body, 2)
		body = msgp.AppendString(body, "code")
		body = msgp.AppendString(body, f.code)
		body = msgp.AppendString(body, "message")
		body = msgp.AppendString(body, message)
	} else {
		type text struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}
		body, _ = json.Marshal(map[string]text{"error": {f.code, message}})
		body = append(body, '\n')
	}
	return Answer{Status: f.status, Type: string(f.form), Cache: cacheNever, Body: body, failure: f}
}

func notFound(form Form) Answer {
	return Fail(form, 404, "not_found", "There is nothing under this address.")
}

func unavailable(form Form) Answer {
	return Fail(form, 503, "unavailable", "The server cannot read or write its store at the moment. Try again later.")
}

func quoted(name string) string { return `"` + name + `"` }

// number reads the one way to write a number that a path may use.
func number(s string) (n uint64, ok bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && strconv.FormatUint(n, 10) == s
}

// mediaType reads a Content-Type header.
func mediaType(header string) (Form, error) {
	kind, params, err := mime.ParseMediaType(header)
	if err != nil {
		return "", errors.New("unreadable Content-Type")
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return "", fmt.Errorf("charset other than UTF-8")
	}
	switch form := Form(kind); form {
	case JSON, MsgPack:
		return form, nil
	}
	return "", errors.New("another media type")
}
