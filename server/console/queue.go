package console

import (
	"net/url"
	"strconv"

	"khien/server/triage"
)

var queueRoutes = []route{
	{"GET /{$}", seen, func(v *visit) error { return v.back("/queue", "") }},
	{"GET /queue", seen, queue},
}

// counts are the numbers beside the parts of the console.
type counts struct{ Open, Asked, Proposed, Accepted, Protected int }

func (v *visit) count() (n counts, err error) {
	for _, one := range []struct {
		state     triage.State
		protected bool
		to        *int
	}{
		{triage.StateOpen, false, &n.Open}, {triage.StateAsked, false, &n.Asked}, {triage.StateProposed, false, &n.Proposed}, {triage.StateOpen, true, &n.Protected},
	} {
		if _, *one.to, err = v.Desk.Queue(v.ctx(), one.state, one.protected, 0, 0); err != nil {
			return n, err
		}
	}
	return n, nil
}

// together is how many cases a page of the queue has.
const together = 50

// line is the queue: some cases of one state.
type line struct {
	State       triage.State
	Protected   bool
	Cases       []triage.Case
	From, Total int
}

// Tabs are the parts of the queue.
func (line) Tabs() []tab {
	return []tab{
		{"queue.open", triage.StateOpen, false}, {"queue.protected", triage.StateOpen, true}, {"queue.asked", triage.StateAsked, false},
		{"queue.proposed", triage.StateProposed, false}, {"queue.accepted", triage.StateAccepted, false}, {"queue.rejected", triage.StateRejected, false},
	}
}

type tab struct {
	Key       string
	State     triage.State
	Protected bool
}

// Link is where the part begins.
func (t tab) Link() string { return queueLink(t.State, t.Protected, 0) }

func queueLink(state triage.State, protected bool, from int) string {
	q := url.Values{}
	if state != triage.StateOpen {
		q.Set("state", string(state))
	}
	if protected {
		q.Set("protected", "1")
	}
	if from > 0 {
		q.Set("from", strconv.Itoa(from))
	}
	if len(q) == 0 {
		return "/queue"
	}
	return "/queue?" + q.Encode()
}

// First and Last are places, from 1; Before and After are links, or empty.
func (l line) First() int { return l.From + 1 }
func (l line) Last() int  { return l.From + len(l.Cases) }
func (l line) Before() string {
	if l.From == 0 {
		return ""
	}
	return queueLink(l.State, l.Protected, max(0, l.From-together))
}
func (l line) After() string {
	if l.Last() >= l.Total {
		return ""
	}
	return queueLink(l.State, l.Protected, l.Last())
}

func queue(v *visit) error {
	l := line{State: triage.State(v.form("state")), Protected: v.form("protected") == "1", From: max(0, int(v.number("from")))}
	if l.State == "" {
		l.State = triage.StateOpen
	}
	var err error
	if l.Cases, l.Total, err = v.Desk.Queue(v.ctx(), l.State, l.Protected, l.From, together); err != nil {
		return err
	}
	return v.show("queue", l)
}
