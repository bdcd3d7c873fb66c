package console

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"khien/server/feed"
	"khien/server/triage"
)

var queueRoutes = []route{
	{"GET /{$}", seen, func(v *visit) error { return v.back("/queue", "") }},
	{"GET /queue", seen, queue},
	{"GET /find", seen, find},
}

// counts are how many cases wait in each part of the queue.
type counts map[triage.Part]int

// Of is how many wait in a part.
func (c counts) Of(part triage.Part) int { return c[part] }

func (v *visit) count() (counts, error) {
	n := counts{}
	for _, part := range []triage.Part{triage.PartOpen, triage.PartProtected, triage.PartAsked, triage.PartProposed, triage.PartDecided, triage.PartUnread, triage.PartAppealed} {
		_, total, err := v.Desk.In(v.ctx(), part, 0, 0)
		if err != nil {
			return nil, err
		}
		n[part] = total
	}
	return n, nil
}

// A page of the queue has so many cases, or so many where that is asked for.
const few, lots = 50, 200

// line is the queue: some cases of one part.
type line struct {
	Part              triage.Part
	Cases             []triage.Case
	From, Show, Total int
	Tabs              []tab
	Selectable        bool // whether the reader may decide about many of them
}

type tab struct {
	Part  triage.Part
	Key   string // of its name
	Count int
	Link  string
}

func queueLink(part triage.Part, show, from int) string {
	q := url.Values{}
	if part != triage.PartOpen {
		q.Set("part", string(part))
	}
	if show != few {
		q.Set("show", strconv.Itoa(show))
	}
	if from > 0 {
		q.Set("from", strconv.Itoa(from))
	}
	if len(q) == 0 {
		return "/queue"
	}
	return "/queue?" + q.Encode()
}

// First and Last are places, from 1; Before, After and More are links, the first two empty where there is nothing.
func (l line) First() int   { return l.From + 1 }
func (l line) Last() int    { return l.From + len(l.Cases) }
func (l line) More() string { return queueLink(l.Part, lots, l.From) }
func (l line) Before() string {
	if l.From == 0 {
		return ""
	}
	return queueLink(l.Part, l.Show, max(0, l.From-l.Show))
}
func (l line) After() string {
	if l.Last() >= l.Total {
		return ""
	}
	return queueLink(l.Part, l.Show, l.Last())
}

func queue(v *visit) error {
	// What came a moment ago is in the queue that is shown.
	if _, err := v.Desk.Gather(v.ctx(), v.Inbox); err != nil {
		v.Log.Error("couldn't gather reports into cases", "error", err)
	}
	l := line{Part: triage.Part(v.form("part")), Show: few, From: max(0, int(v.number("from")))}
	if l.Part == "" {
		l.Part = triage.PartOpen
	}
	if v.number("show") >= lots {
		l.Show = lots
	}
	var err error
	if l.Cases, l.Total, err = v.Desk.In(v.ctx(), l.Part, l.From, l.Show); err != nil {
		return err
	}
	n, err := v.count()
	if err != nil {
		return err
	}
	for _, part := range triage.Parts {
		l.Tabs = append(l.Tabs, tab{part, "queue." + string(part), n[part], queueLink(part, few, 0)})
	}
	switch l.Part {
	case triage.PartOpen, triage.PartAsked, triage.PartDecided:
		l.Selectable = v.may("decide")
	case triage.PartProposed:
		l.Selectable = v.may("second")
	}
	return v.show("queue", l)
}

// find goes to the case of a number, also as the public is told it (KH-C17), or of what an address, a handle, a telephone number or a canonical subject names.
func find(v *visit) error {
	text := v.form("q")
	number := strings.TrimPrefix(strings.ToUpper(text), "KH-C")
	if id, err := strconv.ParseInt(number, 10, 64); err == nil && len(number) < 10 {
		if _, err := v.Desk.Get(v.ctx(), id); err == nil {
			return v.back(fmt.Sprintf("/cases/%d", id), "")
		}
	}
	names, err := feed.Named(text)
	if err != nil {
		return v.back("/queue", "queue.unread")
	}
	c, err := v.Desk.Find(v.ctx(), names)
	if errors.Is(err, triage.ErrNotFound) {
		return v.back("/queue", "queue.notfound")
	}
	if err != nil {
		return err
	}
	return v.back(fmt.Sprintf("/cases/%d", c.ID), "")
}
