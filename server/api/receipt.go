package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"khien/server/blob"
	"khien/server/inbox"
	"khien/server/triage"
	"khien/shared/checker"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Receipt tells what became of one report.
func (a *API) Receipt(ctx context.Context, receipt string, form Form) Answer {
	r, err := a.follow(ctx, receipt)
	switch {
	case err != nil:
		return unavailable(form)
	case r.State == wire.StateUnknown:
		return notFound(form)
	}
	return encoded(200, &r, form)
}

// Receipts tells what became of up to wire.MaxReceipts reports, for a wire.Follow in MessagePack or JSON. The answer is
// a wire.Followed, which is the same whatever the order of the question. The name of a receipt is in no address, so
// that it is in no log of anybody.
//
// Codes of refusal: unsupported_encoding, unsupported_type, too_large, too_many, malformed, unknown_field, bad_field,
// unavailable.
func (a *API) Receipts(ctx context.Context, sent Sent) Answer {
	form, err := mediaType(sent.Type)
	answerForm := Accepts(sent.Accept, form)
	if answerForm == "" {
		answerForm = JSON
	}
	if err != nil {
		return Fail(answerForm, 415, "unsupported_type", "Ask in application/msgpack or in application/json in UTF-8.")
	}
	asked, refused := readFollow(form, sent)
	if refused != nil {
		return refused.in(answerForm)
	}
	slices.Sort(asked)
	answer := wire.Followed{Receipts: []wire.Receipt{}} // a list in JSON too, where nothing was asked
	for _, receipt := range slices.Compact(asked) {
		r, err := a.follow(ctx, receipt)
		if err != nil {
			return unavailable(answerForm)
		}
		answer.Receipts = append(answer.Receipts, r)
	}
	return encoded(200, &answer, answerForm)
}

func readFollow(form Form, sent Sent) ([]string, *failure) {
	var f wire.Follow
	if sent.compressed() {
		return nil, refuseAs(415, "unsupported_encoding", "Ask without Content-Encoding; it is small as it is.")
	}
	if len(sent.Body) > wire.MaxFollow {
		return nil, refuseAs(413, "too_large", "A question has at most %d bytes.", wire.MaxFollow)
	}
	if form == MsgPack {
		rest, err := f.UnmarshalMsg(sent.Body)
		if err != nil || len(rest) > 0 {
			return nil, refuse("malformed", "The body is no question about receipts in MessagePack.")
		}
	} else if refused := readJSON(map[string]any{"receipts": &f.Receipts}, sent.Body); refused != nil {
		return nil, refused
	}
	if len(f.Receipts) > wire.MaxReceipts {
		return nil, refuse("too_many", "A question is about at most %d receipts.", wire.MaxReceipts)
	}
	for _, receipt := range f.Receipts {
		if !isReceipt(receipt) {
			return nil, refuse("bad_field", "A receipt is 32 hex digits.")
		}
	}
	return f.Receipts, nil
}

func isReceipt(s string) bool { return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" }

// follow composes what became of a report from the inbox, its case, the current release and what its platform did.
func (a *API) follow(ctx context.Context, receipt string) (wire.Receipt, error) {
	unknown := wire.Receipt{Receipt: receipt, State: wire.StateUnknown}
	if !isReceipt(receipt) {
		return unknown, nil
	}
	r, err := a.Inbox.ByReceipt(ctx, receipt)
	switch {
	case errors.Is(err, inbox.ErrNotFound):
		return unknown, nil
	case err != nil:
		return unknown, err
	}
	var p triage.Progress
	if a.Desk != nil {
		if p, err = a.Desk.Progress(ctx, r.ID); err != nil && !errors.Is(err, triage.ErrNotFound) {
			return unknown, err
		}
		if r.Kind == wire.KindMistake { // an appeal has an answer of its own: what is listed may stay
			said, err := a.Desk.AnswerTo(ctx, r.ID)
			if err == nil {
				p.Reason, p.Settled = said, true
			} else if !errors.Is(err, triage.ErrNotFound) {
				return unknown, err
			}
		}
	}
	now, err := a.open(ctx)
	if err != nil {
		return unknown, err
	}
	hit, err := a.find(ctx, now, &r)
	if err != nil {
		return unknown, err
	}
	if r.Kind == wire.KindMistake {
		return objection(r, p, hit), nil
	}
	if r.State == wire.StateAccepted && !slices.Contains(triage.Names(&r), subject.Subject(r.Subject)) {
		r.State = wire.StateReceived // an older server has answered it with what was decided about something else
	}
	way := follow(r, p)
	if hit == nil {
		switch {
		case r.State == wire.StateReceived:
			switch {
			case p.State == triage.StateAsked:
				way.Reasons = textsOf(p.Reason)
			case p.Expired > 0:
				way.step(wire.StateUnread, p.Expired)
				way.Reason, way.Reasons = triage.Unread()["en"], textsOf(triage.Unread())
			}
			return way.Receipt, nil
		case r.State == wire.StateAccepted && p.Case != 0 && !(unpublished(p) && p.Action == triage.List):
			way.step(wire.StateAccepted, r.Changed)
			off := max(p.Released, p.Changed)
			if p.Action == triage.List && p.Lapses > off && p.Lapses <= now.issued() { // its time has run out
				off = p.Lapses
			}
			way.step(wire.StateWithdrawn, off)
		default:
			way.step(r.State, r.Changed)
		}
		way.because(r, p)
		return way.Receipt, nil
	}
	if r.State == wire.StateAccepted && r.Subject == string(hit.subject) {
		way.step(wire.StateAccepted, r.Changed)
		way.because(r, p)
	} else { // on another one's report, or before this one came
		way.Subject, way.Reasons = string(hit.subject), hit.entry.Reason
		for _, one := range hit.entry.Reason {
			if one.Lang == "en" {
				way.Reason = one.Text
			}
		}
	}
	since := p.Released
	if p.Published == 0 || p.Action != triage.List || !slices.Contains(p.About(), hit.subject) {
		if since, err = a.since(ctx, hit.subject); err != nil {
			return unknown, err
		}
	}
	way.step(wire.StateListed, since)
	if a.Platform == nil {
		return way.Receipt, nil
	}
	informed, removed, err := a.Platform(ctx, hit.subject)
	if err != nil {
		return unknown, err
	}
	if removed > 0 && removed < r.Received { // it is reported again, and the platform is asked again
		return way.Receipt, nil
	}
	if informed > 0 {
		way.step(wire.StateInformed, informed)
	}
	if removed > 0 {
		way.step(wire.StateRemoved, removed)
	}
	return way.Receipt, nil
}

// way is a receipt that is being composed.
type way struct{ wire.Receipt }

// follow begins with what is true of every report: that it came, and whether a person looks at it.
func follow(r inbox.Report, p triage.Progress) *way {
	w := &way{wire.Receipt{Receipt: r.Receipt}}
	w.step(wire.StateReceived, r.Received)
	if seen := reviewed(p); seen > 0 && !(closed(p) && r.State == wire.StateReceived) { // else it came later, and waits for others to say so too
		w.step(wire.StateReview, seen)
	}
	return w
}

// closed tells whether a case is decided, and that those who reported are told.
func closed(p triage.Progress) bool {
	return p.Settled && (p.State == triage.StateAccepted || p.State == triage.StateRejected)
}

// unpublished tells whether what was decided is told, and in no release yet.
func unpublished(p triage.Progress) bool { return closed(p) && p.Published == 0 }

// step adds a state, no earlier than the one before.
func (w *way) step(state string, time int64) {
	if n := len(w.Steps); n > 0 {
		time = max(time, w.Steps[n-1].Time)
	}
	w.State, w.Time = state, time
	w.Steps = append(w.Steps, wire.Transition{State: state, Time: time})
}

// because adds about what it was decided and why.
func (w *way) because(r inbox.Report, p triage.Progress) {
	w.Subject, w.Reason, w.Reasons = r.Subject, r.Reason, reasons(r, p)
}

// objection is what became of a report of a mistake. It is answered when devices find what the answer says, and under
// review until then. Where the list has become another one since, that is told: what stayed on it has left, or what had
// left is there again.
func objection(r inbox.Report, p triage.Progress, hit *hit) wire.Receipt {
	w := follow(r, p)
	stays := r.State == wire.StateRejected
	switch {
	case r.State == wire.StateReceived:
		return w.Receipt
	case stays != (hit != nil) && unpublished(p):
		if len(w.Steps) == 1 {
			w.step(wire.StateReview, r.Changed)
		}
		return w.Receipt
	}
	w.step(r.State, r.Changed)
	switch {
	case stays && hit == nil:
		w.step(wire.StateWithdrawn, p.Released)
	case !stays && hit != nil:
		w.step(wire.StateListed, p.Released)
	default:
		w.because(r, p)
	}
	return w.Receipt
}

// reviewed is since when a person looks at a case, in Unix seconds: since it was opened, or else since something was
// decided that is not public yet. What is decided is told when it is published, and not before: until then it can be
// undone.
func reviewed(p triage.Progress) int64 {
	switch {
	case p.Seen > 0:
		return p.Seen
	case p.State != "" && p.State != triage.StateOpen && p.State != triage.StateMerged:
		return p.Changed
	}
	return 0
}

// reasons is why a report was decided as it was, in each language there is, as long as its case still says so.
func reasons(r inbox.Report, p triage.Progress) []wire.Text {
	if !p.Settled || p.Reason["en"] != r.Reason {
		return nil
	}
	return textsOf(p.Reason)
}

// textsOf are those of a text that there are, sorted by language.
func textsOf(said map[string]string) []wire.Text {
	var list []wire.Text
	for lang, text := range said {
		if text != "" {
			list = append(list, wire.Text{Lang: lang, Text: text})
		}
	}
	slices.SortFunc(list, func(a, b wire.Text) int { return cmp.Compare(a.Lang, b.Lang) })
	return list
}

// current is the set of a release, opened once.
type current struct {
	head release.Head
	set  set.Set
}

// issued is when a release was signed, in Unix seconds; 0 where there is none.
func (c *current) issued() int64 {
	if c == nil {
		return 0
	}
	return c.head.Issued
}

// open returns the current release; nil where there is none.
func (a *API) open(ctx context.Context) (*current, error) {
	note, err := a.Shelf.Head(ctx)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	head, err := release.ReadHead(note)
	if errors.Is(err, release.ErrFormat) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if known := a.current.Load(); known != nil && known.head.Sequence == head.Sequence {
		return known, nil
	}
	body, err := a.Shelf.Blob(ctx, head.Set)
	if err != nil {
		return nil, err
	}
	list, err := set.Open(body)
	if err != nil {
		return nil, err
	}
	now := &current{head, list}
	a.current.Store(now)
	return now, nil
}

// hit is what the current release says about what was reported.
type hit struct {
	subject subject.Subject
	entry   wire.Entry
}

// find looks what was reported up in a release, as a device does that opens its address; nil where it finds nothing.
func (a *API) find(ctx context.Context, now *current, r *inbox.Report) (*hit, error) {
	if now == nil {
		return nil, nil
	}
	var found subject.Subject
	if r.Href != "" {
		var named subject.Named
		if named.Read(r.Href) != nil {
			return nil, nil
		}
		if i, _ := checker.Find(&now.set, &named); i >= 0 {
			found = named.Subject(i)
		}
	} else { // an objection may come without
		for _, s := range triage.Names(r) {
			if _, ok := now.set.Lookup(s.Digest()); ok {
				found = s
				break
			}
		}
	}
	if found == "" {
		return nil, nil
	}
	digest := found.Digest()
	body, err := a.Shelf.Bucket(ctx, now.head.Sequence, release.BucketName(now.head.BucketBits, release.BucketIndex(now.head.BucketBits, digest)))
	if errors.Is(err, blob.ErrNotFound) { // a device warns all the same
		return &hit{subject: found}, nil
	}
	if err != nil {
		return nil, err
	}
	var bucket wire.Bucket
	var entries wire.Entries
	if _, err = bucket.UnmarshalMsg(body); err == nil {
		_, err = entries.UnmarshalMsg(bucket.Leaf)
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if bytes.Equal(e.Digest, digest[:]) {
			return &hit{found, e}, nil
		}
	}
	return nil, nil // another subject begins with the same bits
}

// since is when something was put on the list; 0 where nobody knows.
func (a *API) since(ctx context.Context, s subject.Subject) (int64, error) {
	if a.Since == nil {
		return 0, nil
	}
	return a.Since(ctx, s)
}

// encoded is an answer in the form that was asked for.
func encoded(status int, body msgp.Marshaler, form Form) Answer {
	var text []byte
	if form == MsgPack {
		text, _ = body.MarshalMsg(nil)
	} else {
		text, _ = json.Marshal(body)
		text = append(text, '\n')
	}
	return Answer{Status: status, Type: string(form), Cache: cacheNever, Body: text}
}
