package console

import (
	"cmp"
	"errors"
	"net/url"
	"strings"

	"khien/server/audit"
	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/triage"
	"khien/server/words"
	"khien/shared/subject"
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

// claim is what a source says about a subject, as it is shown.
type claim struct {
	exchange.Claim
	Link string // to the source's page about it; empty where that is no address of the web
}

// Since is when the source began to say so, or when it came to us where the source doesn't tell.
func (c claim) Since() int64 { return cmp.Or(c.First, c.Came) }

// Disputes, Context and Suspects tell what the source wants, where it does not call the subject a scam.
func (c claim) Disputes() bool { return c.Weight == feed.Disputes }
func (c claim) Context() bool  { return c.Weight == feed.Context }
func (c claim) Suspects() bool { return c.Weight == feed.Suspects }

// claims are what sources say about something.
type claims struct {
	Some    []claim
	More    int  // that are not shown
	Several bool // whether they are about more than one subject
}

const (
	mostClaimed  = 24 // subjects of a case of which claims are read
	claimsShown  = 50
	maxReference = 2000 // bytes of an address that is a link
)

// claims are what sources say about some subjects, the oldest first.
func (v *visit) claims(names ...subject.Subject) (all claims, err error) {
	all.Several = len(names) > 1
	for _, name := range names[:min(len(names), mostClaimed)] {
		said, err := v.Exchange.Claims(v.ctx(), name)
		if err != nil {
			return all, err
		}
		for _, one := range said {
			if len(all.Some) == claimsShown {
				all.More++
				continue
			}
			all.Some = append(all.Some, claim{one, linkable(one.Reference)})
		}
	}
	return all, nil
}

// linkable is an address that may be a link: nothing but the web, and nobody's name or password in it.
func linkable(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(address) > maxReference {
		return ""
	}
	return u.String()
}
