package public

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"khien/server/ledger"
	"khien/server/takedown"
	"khien/shared/category"
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
	mu   sync.Mutex
	last Figures
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

// count returns the figures; who comes while they are counted waits for them.
func (s *Site) count(ctx context.Context, now int64) (Figures, error) {
	s.figures.mu.Lock()
	defer s.figures.mu.Unlock()
	if now-s.figures.last.Counted < figuresLife && now >= s.figures.last.Counted {
		return s.figures.last, nil
	}
	f, err := s.countAnew(ctx, now)
	if err == nil {
		s.figures.last = f
	}
	return f, err
}

func (s *Site) countAnew(ctx context.Context, now int64) (Figures, error) {
	f := Figures{Counted: now}
	kinds, places := counts{}, counts{}
	groups, err := s.Ledger.Groups(ctx, now)
	if err != nil {
		return f, err
	}
	for _, g := range groups {
		f.Listed += g.Count
		for _, c := range []*Count{kinds.of(g.Category.Slug()), places.of(placeOf(g.Sort))} {
			c.Listed, c.Removed = c.Listed+g.Count, c.Removed+g.Withdrawn
		}
	}
	told, err := s.Desk.Reported(ctx)
	if err != nil {
		return f, err
	}
	for slug, n := range told.Categories {
		kinds.of(cmp.Or(slug, category.Other.Slug())).Reports += n
	}
	for sort, n := range told.Sorts {
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
	var decided []ledger.Tally
	if f.Removed, decided, err = s.Ledger.Tally(ctx, first, week); err != nil {
		return f, err
	}
	for _, t := range decided {
		at(t.Start).Listed, at(t.Start).Removed = t.Listed, t.Withdrawn
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

func kinds(lang string) []kindRow {
	var rows []kindRow
	for _, c := range category.All() {
		rows = append(rows, kindRow{c.Name(lang), c.How(lang)})
	}
	return rows
}
