package console

import (
	"errors"
	"strings"

	"khien/server/audit"
	"khien/server/ledger"
	"khien/server/triage"
	"khien/server/words"
	"khien/shared/texts"
)

// raised is why sources bring something before people.
type raised struct {
	triage.Question
	Says string
}

// mostAsked is how many questions of a case its page shows.
const mostAsked = 20

// raised are what sources have people decide about in a case: what waits, as long as the case does.
func (v *visit) raised(c triage.Case) (all []raised, disputed int, err error) {
	questions, err := v.Desk.Questions(v.ctx(), c.ID, mostAsked)
	if err != nil || len(questions) == 0 {
		return nil, 0, err
	}
	for _, q := range questions {
		if q.Kind == triage.Disputed && !q.Waits || q.Kind != triage.Disputed && c.State != triage.StateOpen && c.State != triage.StateAsked {
			continue
		}
		one := raised{Question: q}
		names := strings.Join(q.Sources, ", ")
		switch q.Kind {
		case triage.Disputed:
			disputed++
			one.Says = say(v.lang, "raised.disputed", words.Day(v.lang, q.Asked), names)
		case triage.Candidate:
			one.Says = say(v.lang, "raised.candidate", words.Day(v.lang, q.Asked), names)
		case triage.Again:
			how, err := v.before(c, q)
			if err != nil {
				return nil, 0, err
			}
			one.Says = how + " " + say(v.lang, "raised.again", names)
		}
		all = append(all, one)
	}
	return all, disputed, nil
}

// before tells who decided against what sources list again, when and why: who took it off the list, or else rejected
// its case.
func (v *visit) before(c triage.Case, q triage.Question) (string, error) {
	said, because := "raised.withdrawn", "raised.withdrawn.why"
	actor, when, why := "", int64(0), ""
	entry, err := v.Publisher.Ledger.Entry(v.ctx(), q.Of)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return "", err
	}
	history, err := v.Publisher.Ledger.History(v.ctx(), q.Of)
	if err != nil {
		return "", err
	}
	for _, e := range history {
		if e.Action == "withdraw" && e.Time == entry.Withdrawn {
			actor, when, why = e.Actor, e.Time, texts.In(entry.Taken, v.lang)
		}
	}
	for a, err := range v.Desk.Acts(v.ctx(), audit.Filter{Object: audit.Numbered(audit.OfCase, c.ID).String()}) {
		if err != nil {
			return "", err
		}
		if a.Verb == audit.Reject && a.Time >= when {
			said, because = "raised.rejected", "raised.rejected.why"
			actor, when, why = a.Actor, a.Time, a.Because(v.lang)
		}
	}
	switch {
	case when == 0:
		return say(v.lang, "raised.unknown"), nil
	case why == "":
		return say(v.lang, said, actor, words.Day(v.lang, when)), nil
	}
	return say(v.lang, because, actor, words.Day(v.lang, when), why), nil
}
