package exchange

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"khien/server/db"
	"khien/server/feed"
	"khien/shared/subject"
)

const (
	// figuresLife is how long figures are kept before they are counted again, in seconds: counting reads every claim.
	figuresLife = 60 * 60
	// patience is how long somebody waits for the first ones after a start.
	patience = 2 * time.Second
	// atOnce is how many claims are read at once while they are counted, so that no reader holds up a checkpoint.
	atOnce = 10_000
)

// Figures are what is counted of the sources.
type Figures struct {
	Counted int64 // Unix seconds
	Sources []Figure
}

// Figure is what is counted of one source.
type Figure struct {
	Name   string
	Shown  string // what the public reads
	Told   bool   // whether the public is told of it: it says something that anybody may be told
	Listed int    // things on the list of which its claim stands
	Alone  int    // of these, that no other source names
	Wrong  int    // things that it named and a person then took off the list
	Ahead  int    // things that another source named after it
	Lead   int    // by how many hours, in half of these cases or more
}

// figures are those that were counted last, and who counts.
type figures struct {
	last     atomic.Pointer[Figures]
	counting singleflight.Group
}

// Figures returns what was counted last, and has it counted anew beside whoever asks where that is old. Only the first
// figures are waited for, and not for long: there are none then.
func (x *Exchange) Figures(ctx context.Context) (Figures, error) {
	last := x.figures.last.Load()
	if age := int64(0); last != nil {
		if age = x.unix() - last.Counted; age >= 0 && age < figuresLife {
			return *last, nil
		}
	}
	done := x.figures.counting.DoChan("", func() (any, error) {
		f, err := x.count(context.WithoutCancel(ctx))
		if err == nil {
			x.figures.last.Store(&f)
		}
		return f, err
	})
	if last != nil {
		return *last, nil
	}
	select {
	case d := <-done:
		return d.Val.(Figures), d.Err
	case <-time.After(patience):
		return Figures{}, nil
	}
}

// tally is a source while its claims are counted.
type tally struct {
	Figure
	first int64       // Unix seconds when its first list was taken
	leads map[int]int // how often it was so many hours ahead
}

// told is a claim as it is counted.
type told struct {
	subject              subject.Subject
	source               int64
	weight               feed.Weight
	came, withdrawn      int64
	open, stands, listed bool // anybody may be told of it, it stands, and what it names is on the list
}

func scanTold(row db.Row) (c told, err error) {
	return c, row.Scan(&c.subject, &c.source, &c.weight, &c.came, &c.open, &c.stands, &c.withdrawn, &c.listed)
}

// tell counts what is claimed of one thing.
func tell(of map[int64]*tally, claims []told) {
	claims = slices.DeleteFunc(claims, func(c told) bool { return c.weight != feed.Lists || of[c.source] == nil })
	slices.SortFunc(claims, func(a, b told) int { return cmp.Or(cmp.Compare(a.came, b.came), cmp.Compare(a.source, b.source)) })
	standing := 0
	for _, c := range claims {
		if c.stands {
			standing++
		}
	}
	for i, c := range claims {
		t := of[c.source]
		t.Told = t.Told || c.open
		if c.stands && c.listed {
			t.Listed++
			if standing == 1 {
				t.Alone++
			}
		}
		if c.withdrawn >= c.came && c.withdrawn > 0 {
			t.Wrong++
		}
		// Of what stood in the first list of the next, nobody knows since when it has it.
		if i+1 < len(claims) && claims[i+1].came > of[claims[i+1].source].first {
			t.Ahead++
			t.leads[int((claims[i+1].came-c.came)/3600)]++
		}
	}
}

// median is the value in the middle of so many.
func median(times map[int]int, n int) int {
	seen := 0
	for _, value := range slices.Sorted(maps.Keys(times)) {
		if seen += times[value]; 2*seen >= n {
			return value
		}
	}
	return 0
}

// count counts what the sources say, all of it.
func (x *Exchange) count(ctx context.Context) (Figures, error) {
	f := Figures{Counted: x.unix()}
	all, err := sources(ctx, x.db)
	if err != nil {
		return f, fmt.Errorf("couldn't count what sources say: %w", err)
	}
	of := map[int64]*tally{}
	for _, s := range all {
		if s.Removed == 0 {
			of[s.ID] = &tally{Figure: Figure{Name: s.Name, Shown: s.Shown()}, leads: map[int]int{}}
		}
	}
	for one, err := range db.Each(func(row db.Row) (r [2]int64, err error) { return r, row.Scan(&r[0], &r[1]) })(
		x.db.QueryContext(ctx, `SELECT source, min(ended) FROM run WHERE state = 'accepted' GROUP BY source`)) {
		if err != nil {
			return f, fmt.Errorf("couldn't count what sources say: %w", err)
		}
		if t := of[one[0]]; t != nil {
			t.first = one[1]
		}
	}
	for after := subject.Subject(""); len(of) > 0; {
		page, err := db.All(scanTold)(x.db.QueryContext(ctx, `SELECT c.subject, c.source, c.weight, c.came,
				c.tlp NOT IN ('amber', 'amber+strict'), c.gone = 0 AND c.lapses > ?1,
				coalesce(i.withdrawn, 0), i.subject IS NOT NULL AND i.withdrawn = 0 AND (i.lapses = 0 OR i.lapses > ?1)
			FROM claim AS c LEFT JOIN indicator AS i ON i.subject = c.subject
			WHERE c.subject > ?2 ORDER BY c.subject, c.source LIMIT ?3`, f.Counted, string(after), atOnce))
		if err != nil {
			return f, fmt.Errorf("couldn't count what sources say: %w", err)
		}
		if len(page) == 0 {
			break
		}
		if len(page) == atOnce && page[0].subject != page[atOnce-1].subject { // of the last there may be more
			page = page[:slices.IndexFunc(page, func(c told) bool { return c.subject == page[atOnce-1].subject })]
		}
		after = page[len(page)-1].subject
		for begin := 0; begin < len(page); {
			end := begin + 1
			for end < len(page) && page[end].subject == page[begin].subject {
				end++
			}
			tell(of, page[begin:end])
			begin = end
		}
	}
	for _, t := range of {
		t.Lead = median(t.leads, t.Ahead)
		f.Sources = append(f.Sources, t.Figure)
	}
	slices.SortFunc(f.Sources, func(a, b Figure) int {
		return cmp.Or(cmp.Compare(b.Listed, a.Listed), cmp.Compare(a.Shown, b.Shown))
	})
	return f, nil
}
