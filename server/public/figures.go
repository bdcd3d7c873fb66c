package public

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"khien/server/exchange"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/wire"
)

const (
	day  = 24 * 60 * 60
	week = 7 * day
	// monday is when the first whole week of the count of Unix began in Vietnam, in Unix seconds.
	monday = 4*day - 7*60*60

	// figuresLife is how long figures are kept before they are counted again, in seconds: counting reads the whole list.
	figuresLife = 10 * 60
	// weeksShown is how far the charts go back.
	weeksShown = 12
)

// patience is how long somebody waits for the first figures after a start.
const patience = 2 * time.Second

// errCounting is figures that were never counted before, and take longer.
var errCounting = errors.New("the figures are being counted")

// figures are the statistics, counted now and then, beside those who look at them.
type figures struct {
	last     atomic.Pointer[Figures]
	list     atomic.Pointer[list]
	counting singleflight.Group
}

// list is what is counted of the list itself: the same until another release is out, something lapses, or a week
// begins.
type list struct {
	release         uint64
	first, lapse    int64 // Unix seconds: when the first week that is shown begins; of what lapses next
	listed, removed int
	kinds, places   counts
	weeks           []Week
}

// Figures are what is counted for the public.
type Figures struct {
	Counted   int64 // Unix seconds
	Listed    int   // in force
	Removed   int   // taken off by a person, ever
	Reports   int   // of scams, ever
	Appeals   int   // objections, ever
	Righted   int   // objections that were right
	Refused   int   // objections after which the entry stayed
	Weeks     []Week
	Kinds     []Count // by category, those with the most in force first
	Places    []Count // by platform or sort
	Platforms []takedown.Overview
	Sources   []exchange.Figure // of whom the public may be told
	Said      int64             // Unix seconds when these were counted
}

// Week is what happened in seven days.
type Week struct {
	Start                    int64 // Unix seconds
	Reports, Listed, Removed int
}

// Count is how many entries and reports are of one kind.
type Count struct {
	Name                     string // slug of a category, name of a platform, or a sort such as "website"
	Reports, Listed, Removed int
}

// Statistics is the page of figures, which are counted every ten minutes where somebody looks.
func (s *Site) Statistics(ctx context.Context, lang string) Page {
	f, err := s.count(ctx, time.Now().Unix())
	if errors.Is(err, errCounting) {
		return s.Problem(503, lang, "statistics", "statistics.counting")
	}
	if err != nil {
		return s.fault(lang, "statistics", err)
	}
	return s.write(200, cacheAll, lang, "statistics", "statistics", charted(lang, f))
}

// count returns the last figures, and has others counted where they are old. Only the first ones are waited for, and
// not for long.
func (s *Site) count(ctx context.Context, now int64) (Figures, error) {
	last := s.figures.last.Load()
	if last != nil && now-last.Counted < figuresLife && now >= last.Counted {
		return *last, nil
	}
	counted := s.figures.counting.DoChan("", func() (any, error) {
		f, err := s.countAnew(context.WithoutCancel(ctx), now)
		if err == nil {
			s.figures.last.Store(&f)
		}
		return f, err
	})
	if last != nil {
		return *last, nil
	}
	select {
	case done := <-counted:
		return done.Val.(Figures), done.Err
	case <-time.After(patience):
		return Figures{}, errCounting
	}
}

// Begin counts what is listed before anybody looks: of a long list that takes longer than people wait.
func (s *Site) Begin(ctx context.Context) error {
	_, err := s.listCounted(ctx, time.Now().Unix())
	return err
}

// listCounted counts the list for all who ask for that meanwhile.
func (s *Site) listCounted(ctx context.Context, now int64) (*list, error) {
	l, err, _ := s.figures.counting.Do("list", func() (any, error) { return s.countList(ctx, now) })
	if err != nil {
		return nil, err
	}
	return l.(*list), nil
}

func (s *Site) countAnew(ctx context.Context, now int64) (Figures, error) {
	f := Figures{Counted: now}
	l, err := s.listCounted(ctx, now)
	if err != nil {
		return f, err
	}
	f.Listed, f.Removed, f.Weeks = l.listed, l.removed, slices.Clone(l.weeks)
	kinds, places := l.kinds.clone(), l.places.clone()
	sent, err := s.Desk.Reported(ctx)
	if err != nil {
		return f, err
	}
	for slug, n := range sent.Categories {
		kinds.of(cmp.Or(slug, category.Other.Slug())).Reports += n
	}
	for sort, n := range sent.Sorts {
		places.of(placeOf(sort)).Reports += n
	}
	f.Kinds, f.Places = kinds.sorted(), places.sorted()
	reported, err := s.Desk.Tally(ctx, l.first, week)
	if err != nil {
		return f, err
	}
	f.Reports, f.Appeals, f.Righted, f.Refused = reported.Reports, reported.Appeals, reported.Righted, reported.Refused
	for _, t := range reported.Spans {
		if i := (t.Start - l.first) / week; i >= 0 && i < weeksShown {
			f.Weeks[i].Reports = t.Reports
		}
	}
	if f.Platforms, err = s.Takedowns.Overview(ctx, now); err != nil {
		return f, err
	}
	sources, err := s.Exchange.Figures(ctx)
	f.Sources, f.Said = slices.DeleteFunc(slices.Clone(sources.Sources), func(one exchange.Figure) bool { return !one.Told }), sources.Counted
	return f, err
}

// countList counts what everybody was told, where that was not counted already.
func (s *Site) countList(ctx context.Context, now int64) (*list, error) {
	h, err := s.Shelf.InForce(ctx)
	if err != nil {
		return nil, err
	}
	first := ((now-monday)/week-weeksShown+1)*week + monday
	if l := s.figures.list.Load(); l != nil && l.release == h.Sequence && l.first == first && now < l.lapse {
		return l, nil
	}
	l := &list{release: h.Sequence, first: first, lapse: math.MaxInt64, kinds: counts{}, places: counts{}, weeks: make([]Week, weeksShown)}
	public, err := s.published(ctx, h.Issued, now, &l.lapse)
	if err != nil {
		return nil, err
	}
	for name, err := range s.Ledger.Subjects(ctx) {
		if err != nil {
			return nil, err
		}
		one, ok := public[name.Digest()]
		if !ok || one.over && !one.withdrawn {
			continue
		}
		for _, c := range []*Count{l.kinds.of(one.kind), l.places.of(placeOf(triage.Sort(name)))} {
			if one.over {
				c.Removed++
			} else {
				c.Listed++
			}
		}
		if one.over {
			l.removed++
		} else {
			l.listed++
		}
	}
	for i := range l.weeks {
		l.weeks[i].Start = first + int64(i)*week
	}
	for d, err := range s.Ledger.Decisions(ctx, first) {
		if err != nil {
			return nil, err
		}
		at := (d.Time - first) / week
		one, ok := public[d.Subject.Digest()]
		switch {
		case !ok || d.Time > one.until || at >= weeksShown:
		case d.Action != "withdraw":
			l.weeks[at].Listed++
		case d.Time <= one.off:
			l.weeks[at].Removed++
		}
	}
	s.figures.list.Store(l)
	return l, nil
}

// announced is what everybody was told of one subject by a release.
type announced struct {
	kind            string // slug of its category
	over, withdrawn bool   // it is on the list no more, because a person took it off
	until           int64  // what was decided until then is published, in Unix seconds
	off             int64  // when it was last taken off; 0 for never
}

// published is what everybody was told, by the digest of what it is about. Lapse is lowered to when the next of it
// lapses.
func (s *Site) published(ctx context.Context, issued, now int64, lapse *int64) (map[[32]byte]announced, error) {
	p := map[[32]byte]announced{}
	for e, err := range s.Ledger.AllLeft(ctx) {
		if err != nil {
			return p, err
		}
		p[e.Subject.Digest()] = announced{e.Category.Slug(), true, e.Withdrawn != 0, cmp.Or(e.Withdrawn, e.Lapses), e.Withdrawn}
	}
	return p, s.Shelf.All(ctx, func(entries wire.Entries) error {
		for _, e := range entries {
			digest := [32]byte(e.Digest)
			over := e.Lapses != 0 && e.Lapses <= now
			if e.Lapses != 0 && !over {
				*lapse = min(*lapse, e.Lapses)
			}
			p[digest] = announced{e.Category, over, false, issued, p[digest].off}
		}
		return nil
	})
}

// placeOf is where something is: its platform, or what sort of thing it is.
func placeOf(sort string) string {
	switch sort {
	case "host/":
		return "website"
	case "page/":
		return "webpage"
	case "phone", "bank", "wallet", "email":
		return sort
	}
	if _, ok := takedown.ByName(sort); ok {
		return sort
	}
	return "other"
}

// counts are made by name.
type counts map[string]*Count

func (c counts) of(name string) *Count {
	if c[name] == nil {
		c[name] = &Count{Name: name}
	}
	return c[name]
}

func (c counts) clone() counts {
	own := counts{}
	for name, one := range c {
		*own.of(name) = *one
	}
	return own
}

func (c counts) sorted() []Count {
	list := make([]Count, 0, len(c))
	for _, one := range c {
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b Count) int {
		return cmp.Or(b.Listed-a.Listed, b.Reports-a.Reports, b.Removed-a.Removed, strings.Compare(a.Name, b.Name))
	})
	return list
}

// kindName and placeName are what people are shown.
func kindName(lang, slug string) string {
	c, _ := category.Parse(slug)
	return c.Name(lang)
}

func placeName(lang, name string) string {
	if p, ok := takedown.ByName(name); ok {
		return p.Title
	}
	return say(lang, "place."+name)
}

// kindRow is one line of the taxonomy, for the rules.
type kindRow struct{ Name, How string }

// ruled is what the page of rules shows of the program's own.
type ruled struct {
	Kinds []kindRow
	Two   []string // what takes two people, in words
}

func rules(lang string) (r ruled) {
	r.Kinds = kinds(lang)
	for _, rule := range triage.Rules {
		key := "reach." + string(rule)
		if rule == triage.ManyAtOnce {
			r.Two = append(r.Two, said.Count(lang, key, triage.MaxAtOnce))
		} else {
			r.Two = append(r.Two, say(lang, key))
		}
	}
	return r
}

func kinds(lang string) []kindRow {
	var rows []kindRow
	for _, c := range category.All() {
		rows = append(rows, kindRow{c.Name(lang), c.How(lang)})
	}
	return rows
}
