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
// programs, a sentence for people. Neither repeats anything of the request.
package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"sync/atomic"

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
	Blobs    *blob.Dir
	Inbox    *inbox.Inbox
	Desk     *triage.Desk    // nil where reports are decided one by one
	Evidence *evidence.Store // nil where no pictures are taken
	// Platform tells when the platform of a listed subject was informed of it and when it has removed it, in Unix seconds, 0 for
	// what has not happened; nil where nobody asks platforms for anything.
	Platform func(ctx context.Context, s subject.Subject) (informed, removed int64, err error)

	current atomic.Pointer[current]
}

// Answer is what to send back.
type Answer struct {
	Status int    // as in HTTP (RFC 9110 section 15)
	Type   string // media type of Body
	Cache  string // how long it may be kept (RFC 9111 section 5.2)
	ETag   string // names Body, quoted; empty where Body is not worth naming
	Body   []byte
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
func (a *API) Head(form Form) Answer {
	head, err := a.Blobs.Head()
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return Fail(form, 503, "no_release", "Nothing is published yet.")
	case err != nil:
		return unavailable(form)
	}
	sum := sha256.Sum256(head)
	return Answer{Status: 200, Type: "text/plain; charset=utf-8", Cache: cacheHead, ETag: quoted(hex.EncodeToString(sum[:8])), Body: head}
}

// Blob is the blob with this digest, in hex.
func (a *API) Blob(digest string, form Form) Answer {
	d, err := release.ParseDigest(digest)
	if err != nil {
		return notFound(form)
	}
	return a.published("blob/"+d.String(), form)
}

// Delta leads from the set of release from to the set with the digest target.
func (a *API) Delta(target, from string, form Form) Answer {
	d, err := release.ParseDigest(target)
	if err != nil || !canonicalNumber(from) {
		return notFound(form)
	}
	return a.published("delta/"+d.String()+"/"+from, form)
}

func (a *API) published(name string, form Form) Answer {
	body, err := a.Blobs.Get(name)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return notFound(form)
	case err != nil:
		return unavailable(form)
	}
	return Answer{Status: 200, Type: "application/octet-stream", Cache: cacheForever, ETag: quoted(name), Body: body}
}

// Bucket is one bucket of a release; prefix is in hex, as release.BucketPath writes it.
func (a *API) Bucket(sequence, prefix string, form Form) Answer {
	n, err := strconv.ParseUint(sequence, 10, 64)
	if err != nil || !canonicalNumber(sequence) {
		return notFound(form)
	}
	body, err := publish.Bucket(a.Blobs, n, prefix)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return notFound(form)
	case err != nil:
		return unavailable(form)
	}
	return Answer{Status: 200, Type: string(MsgPack), Cache: cacheForever, ETag: quoted("bucket/" + sequence + "/" + prefix), Body: body}
}

// Ready is nil when everything that is asked for can be answered: there is a head
// that has not expired, and the inbox can be read.
func (a *API) Ready(ctx context.Context, now int64) error {
	note, err := a.Blobs.Head()
	if err != nil {
		return errors.New("nothing is published yet")
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

// Fail is the answer to a request that cannot be met: a code for programs and a
// sentence for people.
func Fail(form Form, status int, code, message string) Answer {
	var body []byte
	if form == MsgPack {
		body = msgp.AppendMapHeader(nil, 1)
		body = msgp.AppendString(body, "error")
		body = msgp.AppendMapHeader(body, 2)
		body = msgp.AppendString(body, "code")
		body = msgp.AppendString(body, code)
		body = msgp.AppendString(body, "message")
		body = msgp.AppendString(body, message)
	} else {
		type text struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}
		body, _ = json.Marshal(map[string]text{"error": {code, message}})
		body = append(body, '\n')
	}
	return Answer{Status: status, Type: string(form), Cache: cacheNever, Body: body}
}

func notFound(form Form) Answer {
	return Fail(form, 404, "not_found", "There is nothing under this address.")
}

func unavailable(form Form) Answer {
	return Fail(form, 503, "unavailable", "The server cannot read or write its store at the moment. Try again later.")
}

func quoted(name string) string { return `"` + name + `"` }

// canonicalNumber holds for the one way to write a number that a path may use.
func canonicalNumber(s string) bool {
	n, err := strconv.ParseUint(s, 10, 64)
	return err == nil && strconv.FormatUint(n, 10) == s
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
