package public

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
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

// figures are the statistics, counted now and then.
type figures struct {
	last     atomic.Pointer[Figures]
	counting singleflight.Group
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

// Statistics is the page of figures, which are at most ten minutes old.
func (s *Site) Statistics(ctx context.Context, lang string) Page {
	f, err := s.count(ctx, time.Now().Unix())
	if err != nil {
		return s.fault(lang, "statistics", err)
	}
	return s.write(200, cacheAll, lang, "statistics", "statistics", charted(lang, f))
}

// count returns the figures. They are counted once for all who ask meanwhile.
func (s *Site) count(ctx context.Context, now int64) (Figures, error) {
	if last := s.figures.last.Load(); last != nil && now-last.Counted < figuresLife && now >= last.Counted {
		return *last, nil
	}
	counted, err, _ := s.figures.counting.Do("", func() (any, error) {
		f, err := s.countAnew(context.WithoutCancel(ctx), now)
		if err == nil {
			s.figures.last.Store(&f)
		}
		return f, err
	})
	return counted.(Figures), err
}

func (s *Site) countAnew(ctx context.Context, now int64) (Figures, error) {
	f := Figures{Counted: now}
	kinds, places := counts{}, counts{}
	public, err := s.published(ctx, now)
	if err != nil {
		return f, err
	}
	for name, err := range s.Ledger.Subjects(ctx) {
		if err != nil {
			return f, err
		}
		one, ok := public[name.Digest()]
		if !ok || one.over && !one.withdrawn {
			continue
		}
		for _, c := range []*Count{kinds.of(one.kind), places.of(placeOf(sortOf(name)))} {
			if one.over {
				c.Removed++
			} else {
				c.Listed++
			}
		}
		if one.over {
			f.Removed++
		} else {
			f.Listed++
		}
	}
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

	first := ((now-monday)/week-weeksShown+1)*week + monday
	f.Weeks = make([]Week, weeksShown)
	for i := range f.Weeks {
		f.Weeks[i].Start = first + int64(i)*week
	}
	at := func(start int64) *Week {
		if i := (start - first) / week; i >= 0 && i < weeksShown {
			return &f.Weeks[i]
		}
		return &Week{}
	}
	for d, err := range s.Ledger.Decisions(ctx, first) {
		if err != nil {
			return f, err
		}
		one, ok := public[d.Subject.Digest()]
		switch {
		case !ok || d.Time > one.until:
		case d.Action != "withdraw":
			at(d.Time).Listed++
		case d.Time <= one.off:
			at(d.Time).Removed++
		}
	}
	reported, err := s.Desk.Tally(ctx, first, week)
	if err != nil {
		return f, err
	}
	f.Reports, f.Appeals, f.Righted, f.Refused = reported.Reports, reported.Appeals, reported.Righted, reported.Refused
	for _, t := range reported.Spans {
		at(t.Start).Reports = t.Reports
	}
	f.Platforms, err = s.Takedowns.Overview(ctx, now)
	return f, err
}

// announced is what everybody was told of one subject by a release.
type announced struct {
	kind            string // slug of its category
	over, withdrawn bool   // it is on the list no more, because a person took it off
	until           int64  // what was decided until then is published, in Unix seconds
	off             int64  // when it was last taken off; 0 for never
}

// published is what everybody was told, by the digest of what it is about.
func (s *Site) published(ctx context.Context, now int64) (map[[32]byte]announced, error) {
	p := map[[32]byte]announced{}
	for e, err := range s.Ledger.AllLeft(ctx) {
		if err != nil {
			return p, err
		}
		p[e.Subject.Digest()] = announced{e.Category.Slug(), true, e.Withdrawn != 0, cmp.Or(e.Withdrawn, e.Lapses), e.Withdrawn}
	}
	h, err := s.Shelf.InForce(ctx)
	if err != nil {
		return p, err
	}
	return p, s.Shelf.All(ctx, func(entries wire.Entries) error {
		for _, e := range entries {
			digest := [32]byte(e.Digest)
			p[digest] = announced{e.Category, e.Lapses != 0 && e.Lapses <= now, false, h.Issued, p[digest].off}
		}
		return nil
	})
}

// sortOf is what stands before the colon of an account or a number, such as "facebook" or "phone"; "host/" or "page/" of the web.
func sortOf(s subject.Subject) string {
	if s.IsAccount() {
		sort, _, _ := strings.Cut(string(s), ":")
		return sort
	}
	if strings.Index(string(s), "/") == len(s)-1 {
		return "host/"
	}
	return "page/"
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
			r.Two = append(r.Two, say(lang, key, digits(lang, triage.MaxAtOnce)))
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
