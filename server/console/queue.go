package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"khien/server/db"
	"khien/server/feed"
	"khien/server/triage"
)

var queueRoutes = []route{
	{"GET /{$}", seen, func(v *visit) error { return v.back("/queue", "") }},
	{"GET /queue", seen, queue},
	{"GET /find", seen, find},
}

// A page of a list has so many rows, or so many where that is asked for; one of the log so many. Tests have shorter
// ones.
var few, lots, fewActs = 50, 200, 100

// pager leads to the pages before and after one; the links are empty where there is none.
type pager struct{ Before, After string }

// place is where the page that is asked for begins.
func (v *visit) place() db.Place {
	if key := v.form("before"); key != "" {
		return db.Place{Key: key, Before: true}
	}
	return db.Place{Key: v.form("after")}
}

// pager links the pages around one: the same query from another place.
func (v *visit) pager(before, after string) (p pager) {
	at, _, _ := strings.Cut(v.here(), "?")
	link := func(name, key string) string {
		if key == "" {
			return ""
		}
		q := v.r.URL.Query()
		q.Del("before")
		q.Del("after")
		q.Set(name, key)
		return at + "?" + q.Encode()
	}
	return pager{link("before", before), link("after", after)}
}

// line is the queue: some cases of one part.
type line struct {
	pager
	Part       triage.Part
	Cases      []triage.Case
	More       string // link to a longer page; empty where this is one, or the last
	Total      int
	Tabs       []tab
	Selectable bool // whether the reader may decide about many of them
}

type tab struct {
	Part  triage.Part
	Key   string // of its name
	Count int
	Link  string
}

// catchUp puts what came a moment ago into cases, so that it is in the queue that is shown; nobody waits for more than
// that, and in a flood or on a machine that is busy not for long.
func (v *visit) catchUp() {
	ctx, cancel := context.WithTimeout(v.ctx(), time.Second)
	defer cancel()
	if _, err := v.Desk.GatherUpTo(ctx, v.Inbox, lots); err != nil && ctx.Err() == nil {
		v.Log.Error("couldn't gather reports into cases", "error", err)
	}
}

func queue(v *visit) error {
	v.catchUp()
	l := line{Part: triage.Part(cmp.Or(v.form("part"), string(triage.PartOpen)))}
	parts := slices.Insert(slices.Clone(triage.Parts), 1, triage.PartSourced)
	if !slices.Contains(parts, l.Part) {
		return errNoPage
	}
	show := few
	if v.number("show") >= int64(lots) {
		show = lots
	}
	page, err := v.Desk.In(v.ctx(), l.Part, v.place(), show)
	if err != nil {
		return err
	}
	n, err := v.Desk.Counts(v.ctx())
	if err != nil {
		return err
	}
	l.Cases, l.Total, l.pager = page.Rows, n[l.Part], v.pager(page.Before, page.After)
	if l.After != "" && show == few {
		q := v.r.URL.Query()
		q.Set("show", strconv.Itoa(lots))
		l.More = "/queue?" + q.Encode()
	}
	for _, part := range parts {
		if part == triage.PartSourced && n[part] == 0 && l.Part != part {
			continue // there are no sources, as a rule
		}
		l.Tabs = append(l.Tabs, tab{part, "queue." + string(part), n[part], queueLink(part)})
	}
	switch l.Part {
	case triage.PartOpen, triage.PartSourced, triage.PartAsked, triage.PartDecided:
		l.Selectable = v.may("decide")
	case triage.PartProposed:
		l.Selectable = v.may("second")
	}
	return v.show("queue", l)
}

func queueLink(part triage.Part) string {
	if part == triage.PartOpen {
		return "/queue"
	}
	return "/queue?part=" + string(part)
}

// find goes to the case of a number, also as the public is told it (KH-C17), or of what an address, a handle, a
// telephone number or a canonical subject names.
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
