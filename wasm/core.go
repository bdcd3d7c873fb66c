// Command wasm is the core of the extension: a WASI reactor that takes bytes and
// time and returns bytes. It has four exports (main_wasip1.go):
//
//	buffer(n) -> pointer     memory for a request of n bytes
//	attach(n) -> pointer     memory for the n bytes that the request is about, if it is
//	                         about any: a set or a delta, which the core keeps as it lies there
//	call(op, n) -> pointer<<32 | length     the reply, good until the next call
//	made() -> pointer<<32 | length          the set that the last apply made, good until it is opened
//
// Requests and replies are MessagePack maps (protocol.go). A reply with the key
// "error" is a refusal, a panic included: nothing that is asked can end the core.
package main

import (
	"errors"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"khien/shared/checker"
	"khien/shared/official"
	"khien/shared/pow"
	"khien/shared/release"
	"khien/shared/report"
	"khien/shared/set"
	"khien/shared/subject"
	"khien/shared/supplement"
	"khien/shared/wire"
)

// maxRequest bounds a request in bytes: a check of many addresses, one of them of 2 MiB.
const maxRequest = 16 << 20

var (
	errRequest = errors.New("the request cannot be read")
	errNotOpen = errors.New("no release is open")
	errPanic   = errors.New("the core made a mistake")
)

// codes name the errors across the boundary. What has no name here is "internal".
var codes = []struct {
	err  error
	code string
}{
	{errRequest, "bad_request"},
	{errNotOpen, "not_open"},
	{errPanic, "panic"},
	{release.ErrFormat, "format"},
	{release.ErrSignature, "signature"},
	{release.ErrOlder, "older"},
	{release.ErrForked, "forked"},
	{release.ErrExpired, "expired"},
	{release.ErrNotYet, "not_yet"},
	{release.ErrKeys, "keys"},
	{release.ErrDigest, "digest"},
	{release.ErrTruncated, "truncated"},
	{release.ErrOversized, "oversized"},
	{release.ErrProof, "proof"},
	{checker.ErrBucket, "bucket"},
	{checker.ErrKind, "kind"},
	{checker.ErrStale, "stale"},
	{checker.ErrNothing, "nothing"},
	{set.ErrMagic, "magic"},
	{set.ErrTruncated, "truncated"},
	{set.ErrOversized, "oversized"},
	{set.ErrCorrupt, "corrupt"},
	{set.ErrBase, "base"},
	{supplement.ErrFormat, "supplement"},
	{supplement.ErrBound, "supplement"},
	{official.ErrFormat, "supplement"},
	{subject.ErrNotNormalised, "not_normalised"},
	{subject.ErrScheme, "scheme"},
	{subject.ErrHost, "host"},
	{subject.ErrTooLong, "too_long"},
	{subject.ErrSubject, "subject"},
}

func code(err error) string {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return "internal"
}

// core is what lives between calls.
type core struct {
	checker *checker.Checker // nil until a release is open
	made    []byte           // the set that the last apply made, until it is opened
}

// answer runs one operation. It always returns a reply, whatever the request.
func (c *core) answer(op int32, request, body []byte) (reply []byte) {
	defer func() {
		if recover() != nil {
			reply = refusal(errPanic)
		}
	}()
	reply, err := c.run(op, request, body)
	if err != nil {
		return refusal(err)
	}
	return reply
}

func refusal(err error) []byte {
	reply, _ := (&failure{reason{code(err), err.Error()}}).MarshalMsg(nil)
	return reply
}

func (c *core) run(op int32, request, body []byte) ([]byte, error) {
	if op == opHello {
		return (&helloReply{version}).MarshalMsg(nil)
	}
	switch op {
	case opOpen:
		return c.open(request, body)
	case opReport:
		return writeReport(request)
	case opSubjects:
		return subjects(request)
	case opWork:
		return prove(request)
	}
	if c.checker == nil {
		return nil, errNotOpen
	}
	switch op {
	case opCheck:
		return c.check(request)
	case opResolve:
		return c.resolve(request)
	case opText:
		return c.text(request)
	case opResemble:
		return c.resemble(request)
	case opSupplement:
		return c.checker.Supplement().BodyBytes(), nil
	case opMeet:
		return c.meet(request)
	case opRecall:
		return c.recall(request)
	case opRemember:
		return c.remember(request)
	case opPlan:
		return c.plan(request)
	case opApply:
		return c.apply(request, body)
	}
	return nil, errRequest
}

// read decodes a request; nothing may follow it.
func read(request []byte, into msgp.Unmarshaler) error {
	if rest, err := into.UnmarshalMsg(request); err != nil || len(rest) > 0 {
		return errRequest
	}
	return nil
}

// open replaces the release in use, if the new one is sound.
func (c *core) open(request, body []byte) ([]byte, error) {
	var q openRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	if len(q.Sum) != len(release.Digest{}) {
		return nil, errRequest
	}
	if len(body) == 0 {
		body = c.made
	}
	next, err := checker.Open(q.Root, q.Keys, q.Head, body, release.Digest(q.Sum), q.Supplement, q.Now)
	if err != nil {
		return nil, err
	}
	c.checker, c.made = next, nil
	h := next.Head()
	return (&openReply{h.Sequence, h.Issued, h.Expires, h.Count, h.Wait, h.Spread}).MarshalMsg(nil)
}

func (c *core) check(request []byte) ([]byte, error) {
	var q checkRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	if len(q.Hrefs) > maxHrefs {
		return nil, errRequest
	}
	reply := checkReply{Verdicts: make([]byte, len(q.Hrefs))}
	var named subject.Named
	for i, href := range q.Hrefs {
		f := c.checker.CheckNext(&named, href, q.Now)
		if reply.Verdicts[i] = byte(f.Verdict); reply.Verdicts[i] != unlisted {
			reply.Findings = append(reply.Findings, answerOf(f, q.Language))
		}
	}
	return reply.MarshalMsg(nil)
}

func answerOf(f checker.Finding, lang string) finding {
	t := finding{
		Verdict: f.Verdict.String(), Subject: string(f.Subject), Bucket: f.Bucket, Within: f.Within, Stale: f.Stale,
		Owner: f.Owner, Confirmed: f.Confirmed, FirstSeen: f.FirstSeen, Reference: f.Reference, Source: f.Source,
	}
	switch f.Verdict {
	case checker.Listed:
		t.Category, t.Shown = f.Category.Slug(), f.Subject.Describe(lang)
	case checker.Caution:
		t.Resembles, t.Real, t.Rule = f.Resembles.Official, f.Resembles.Name, string(f.Resembles.Rule)
		if account := subject.Subject(f.Resembles.Account); account != "" {
			_, t.Resembles, _ = strings.Cut(account.Address(), "://")
		}
	}
	if f.Cause != nil {
		t.Cause = code(f.Cause)
	}
	if len(f.Reason) > 0 {
		t.Reason = make(map[string]string, len(f.Reason))
		for _, r := range f.Reason {
			t.Reason[r.Lang] = r.Text
		}
	}
	return t
}

func (c *core) resolve(request []byte) ([]byte, error) {
	var q resolveRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	s, err := subject.Parse(q.Subject)
	if err != nil {
		return nil, err
	}
	f, err := c.checker.Resolve(s, q.Bucket, q.Now)
	if err != nil {
		return nil, err
	}
	return (&resolveReply{answerOf(f, q.Language)}).MarshalMsg(nil)
}

// text checks what a selected text names, and tells each thing once.
func (c *core) text(request []byte) ([]byte, error) {
	var q textRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	var reply textReply
	for _, found := range c.checker.CheckText(q.Selected, q.Now, q.Speaks...) {
		if errors.Is(found.Cause, subject.ErrSubject) {
			return nil, found.Cause
		}
		f := answerOf(found, q.Language)
		if f.Subject != "" {
			f.Shown = found.Subject.Describe(q.Language)
		}
		reply.Findings = append(reply.Findings, f)
	}
	return reply.MarshalMsg(nil)
}

func (c *core) resemble(request []byte) ([]byte, error) {
	var q resembleRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	return (&resembleReply{answerOf(c.checker.Resemble(q.Href, report.Cut(q.Name, report.MaxTitle), q.Also[:min(len(q.Also), maxAlso)]...), "")}).MarshalMsg(nil)
}

func (c *core) plan(request []byte) ([]byte, error) {
	var q planRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	from := c.checker
	if q.Root != "" {
		from = checker.Before(q.Root)
	}
	step, err := from.Plan(q.Head, q.Keys, q.Now)
	if err != nil {
		return nil, err
	}
	return (&planReply{step.Need, step.Path, step.Limit, step.Sequence, step.Set[:], step.SetPath, step.SetSize, step.SupplementPath, step.SupplementSize, step.Supplement[:]}).MarshalMsg(nil)
}

func (c *core) apply(request, body []byte) ([]byte, error) {
	var q applyRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	c.made = nil
	made, err := c.checker.Apply(q.Head, q.Keys, q.Kind, body, q.Now)
	if err != nil {
		return nil, err
	}
	c.made = made
	return (&applyReply{uint64(len(made))}).MarshalMsg(nil)
}

// maxAlso bounds the other addresses of an account.
const maxAlso = 8

func writeReport(request []byte) ([]byte, error) {
	var q reportRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	r := &wire.Report{ID: q.ID, Kind: q.Kind, Href: q.Href, Title: q.Title, Language: q.Language, Time: q.Time, Category: q.Category, Note: q.Note, Links: q.Links}
	if q.Href == "" {
		r.Subjects = []string{q.Subject}
	}
	body, err := report.Write(r)
	if err != nil {
		return nil, err
	}
	return (&reportReply{body, r.Subjects}).MarshalMsg(nil)
}

func prove(request []byte) ([]byte, error) {
	var q workRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	if q.Tries < 1 || q.Tries > maxTries || len(q.Challenge)+len(q.ID) > pow.MaxText {
		return nil, errRequest
	}
	var reply workReply
	reply.Number, reply.Found = pow.Search(q.Challenge, q.ID, q.From, q.Tries, q.Zeros)
	return reply.MarshalMsg(nil)
}

func subjects(request []byte) ([]byte, error) {
	var q subjectsRequest
	if err := read(request, &q); err != nil {
		return nil, err
	}
	named, err := subject.FromHref(nil, q.Href)
	if err != nil {
		return nil, err
	}
	reply := subjectsReply{Subjects: make([]string, len(named))}
	for i, s := range named {
		reply.Subjects[i] = string(s)
	}
	return reply.MarshalMsg(nil)
}
