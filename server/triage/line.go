package triage

import (
	"context"
	"fmt"
	"math"
	"slices"

	"khien/server/db"
	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/subject"
)

// Part is a part of the queue, as people see it.
type Part string

// The parts of the queue. A case is in one of them, or was merged into another, or is about nothing but appeals.
const (
	PartOpen      Part = "open"
	PartProtected Part = "protected" // open, and the publisher refuses to list the subject as it is
	PartAsked     Part = "asked"
	PartProposed  Part = "proposed"
	PartDecided   Part = "decided" // with the next release; until then it can be undone
	PartDone      Part = "done"
	PartUnread    Part = "left"     // open, and no longer waiting: one network alone spoke of it, and nobody has looked
	PartAppealed  Part = "appealed" // with appeals that wait for an answer; beside the others, and not one of Parts
	PartSourced   Part = "sourced"  // open or protected, and named by sources; beside the others too
)

// Parts lists them, as they are shown.
var Parts = []Part{PartOpen, PartProtected, PartAsked, PartProposed, PartDecided, PartDone, PartUnread}

func (p Part) list() db.List[Case] {
	l := db.List[Case]{
		Select: selectCase + ` WHERE part = ?`, Order: []string{"place", "id"},
		Scan: scanCase, Key: func(c Case) []any { return []any{c.place, c.ID} }, Weight: func(c Case) int { return len(c.Subject) },
	}
	switch p {
	case PartSourced:
		l.Select = selectCase + ` WHERE sourced = 1 AND ? <> ''`
	case PartAppealed:
		l.Select, l.Order = selectCase+` WHERE appeals > 0 AND ? <> ''`, []string{"behind", "appealed", "id"}
		l.Key = func(c Case) []any { return []any{c.behind, c.Appealed, c.ID} }
	}
	return l
}

// In returns a page of at most limit cases of a part of the queue. What is open comes in the order of the score, what
// is proposed the longest waiting first, and the rest the newest first.
func (d *Desk) In(ctx context.Context, part Part, at db.Place, limit int) (db.Page[Case], error) {
	if part != PartAppealed && part != PartSourced && !slices.Contains(Parts, part) {
		return db.Page[Case]{}, ErrNotFound
	}
	page, err := part.list().Page(ctx, d.db, at, limit, string(part))
	if err != nil {
		err = fmt.Errorf("couldn't read the queue: %w", err)
	}
	return page, err
}

// First returns at most limit cases of a part of the queue, those that come first.
func (d *Desk) First(ctx context.Context, part Part, limit int) ([]Case, error) {
	page, err := d.In(ctx, part, db.Place{}, limit)
	return page.Rows, err
}

// Next returns the open case that follows one in its order, or the first, or ErrNotFound where no other is open.
func (d *Desk) Next(ctx context.Context, c Case) (Case, error) {
	part := PartOpen
	if c.Protected {
		part = PartProtected
	}
	const after = ` WHERE part = ? AND (place, id) > (?, ?) AND id <> ? ORDER BY place, id LIMIT 1`
	next, err := scanCase(d.db.QueryRowContext(ctx, selectCase+after, part, c.place, c.ID, c.ID))
	if err == ErrNotFound {
		next, err = scanCase(d.db.QueryRowContext(ctx, selectCase+after, part, int64(math.MinInt64), 0, c.ID))
	}
	return next, err
}

// Names returns the names of the subjects of a case, at most limit.
func (d *Desk) Names(ctx context.Context, id int64, limit int) ([]subject.Subject, error) {
	names, err := namesOf(ctx, d.db, id, limit)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the names of case %d: %w", id, err)
	}
	return names, nil
}

func namesOf(ctx context.Context, q db.Reader, id int64, limit int) ([]subject.Subject, error) {
	return db.All(scanName)(q.QueryContext(ctx, `SELECT name FROM subjects WHERE case_id = ? ORDER BY name LIMIT ?`, id, limit))
}

func scanName(row db.Row) (s subject.Subject, err error) { return s, row.Scan(&s) }

// Find returns the case of something that reports name, by the first of its subjects that a case has, or ErrNotFound.
func (d *Desk) Find(ctx context.Context, names []subject.Subject) (Case, error) {
	for _, name := range names {
		c, err := scanCase(d.db.QueryRowContext(ctx, selectCase+` WHERE id = (SELECT case_id FROM subjects WHERE name = ?)`, string(name)))
		if err != ErrNotFound {
			return c, err
		}
	}
	return Case{}, ErrNotFound
}

// Indicators are what a case that is accepted puts on the list.
func (c Case) Indicators() []ledger.Indicator {
	kind, _ := category.Parse(c.Category)
	all := make([]ledger.Indicator, len(c.Lists))
	for i, one := range c.Lists {
		all[i] = ledger.Indicator{
			Subject: one.Lists, Category: kind, Source: source, Reference: reference(c), Reason: c.Reason, FirstSeen: one.Seen, Lapses: c.Lapses,
		}
	}
	return all
}

// Within returns a page of the cases whose decision a release has, and how many they are.
func (d *Desk) Within(ctx context.Context, sequence uint64, at db.Place, limit int) (page db.Page[Case], all int, err error) {
	cases := db.List[Case]{
		Select: selectCase + ` WHERE published = ?`, Order: []string{"id"},
		Scan: scanCase, Key: func(c Case) []any { return []any{c.ID} }, Weight: func(c Case) int { return len(c.Subject) },
	}
	err = d.db.QueryRowContext(ctx, `SELECT count(*) FROM cases WHERE published = ?`, int64(sequence)).Scan(&all)
	if err == nil {
		page, err = cases.Page(ctx, d.db, at, limit, int64(sequence))
	}
	if err != nil {
		return page, 0, fmt.Errorf("couldn't read the cases of release %d: %w", sequence, err)
	}
	return page, all, nil
}
