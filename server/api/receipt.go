package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"khien/server/inbox"
	"khien/server/triage"
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

// Receipts tells what became of up to wire.MaxReceipts reports, for a wire.Follow in MessagePack or JSON. The answer is a
// wire.Followed, which is the same whatever the order of the question. The name of a receipt is in no address, so that it
// is in no log of anybody.
//
// Codes of refusal: unsupported_encoding, unsupported_type, too_large, too_many, malformed, unknown_field, bad_field, unavailable.
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
		return Fail(answerForm, refused.status, refused.code, refused.message)
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

func readFollow(form Form, sent Sent) ([]string, *problem) {
	var f wire.Follow
	if sent.compressed() {
		return nil, &problem{415, "unsupported_encoding", "Ask without Content-Encoding; it is small as it is."}
	}
	if len(sent.Body) > wire.MaxFollow {
		return nil, &problem{413, "too_large", fmt.Sprintf("A question has at most %d bytes.", wire.MaxFollow)}
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
	answer := r.Acknowledgement()
	step := func(state string, time int64) {
		if n := len(answer.Steps); n > 0 && time < answer.Steps[n-1].Time {
			time = answer.Steps[len(answer.Steps)-1].Time
		}
		answer.State, answer.Time = state, time
		answer.Steps = append(answer.Steps, wire.Step{State: state, Time: time})
	}
	step(wire.StateReceived, r.Received)
	if seen := reviewed(p); seen > 0 {
		step(wire.StateReview, seen)
	}
	if r.State == wire.StateReceived {
		if p.State == triage.StateAsked && r.Kind == wire.KindScam {
			answer.Reasons = texts(p.Reason)
		}
		return answer, nil
	}
	step(r.State, r.Changed)
	answer.Reasons = reasons(r, p)
	if r.State != wire.StateAccepted || r.Kind != wire.KindScam {
		return answer, nil
	}
	listed := subject.Subject(r.Subject)
	if !a.lists(listed) {
		if p.Released > 0 && slices.Contains(p.About(), listed) {
			step(wire.StateWithdrawn, max(p.Released, p.Changed))
		}
		return answer, nil
	}
	step(wire.StateListed, p.Released)
	if a.Platform == nil {
		return answer, nil
	}
	informed, removed, err := a.Platform(ctx, listed)
	if err != nil {
		return unknown, err
	}
	if removed > 0 && removed < r.Received { // it is reported again, and the platform is asked again
		return answer, nil
	}
	if informed > 0 {
		step(wire.StateInformed, informed)
	}
	if removed > 0 {
		step(wire.StateRemoved, removed)
	}
	return answer, nil
}

// reviewed is since when a person looks at a case, in Unix seconds: since it was opened, or else since something was decided that is not
// public yet. What is decided is told when it is published, and not before: until then it can be undone.
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
	return texts(p.Reason)
}

// texts are those of a text that there are, sorted by language.
func texts(said map[string]string) []wire.Text {
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
	digest release.Digest
	set    set.Set
}

// lists tells whether the current release has s.
func (a *API) lists(s subject.Subject) bool {
	note, err := a.Blobs.Head()
	if err != nil {
		return false
	}
	head, err := release.ReadHead(note)
	if err != nil {
		return false
	}
	open := a.current.Load()
	if open == nil || open.digest != head.Set {
		body, err := a.Blobs.Get("blob/" + head.Set.String())
		if err != nil {
			return false
		}
		list, err := set.Open(body)
		if err != nil {
			return false
		}
		open = &current{head.Set, list}
		a.current.Store(open)
	}
	_, ok := open.set.Lookup(s.Digest())
	return ok
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
