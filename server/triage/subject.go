package triage

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"khien/server/db"
	"khien/server/publish"
	"khien/shared/subject"
)

// Bound is what a person has said about where a subject belongs; empty where nobody has.
type Bound string

// What may be said.
const (
	ByHand Bound = "hand"  // it belongs into its case: a person merged it
	Apart  Bound = "apart" // it was taken out of a case, and is never joined to one by itself again
)

// Subject is one thing that a case is about, with what was reported about it alone.
type Subject struct {
	ID             int64
	Name           subject.Subject
	Bound          Bound
	Joined         int64 // Unix seconds when its links brought it into its case; 0 if they did not
	Opened, Latest int64 // Unix seconds of the first and of the newest report
	Reports        int   // that call it a scam
	Sources        int   // distinct places that these came from
	Noted          int   // of them, with a note or a picture
	Appeals        int   // that call it a mistake, and are not answered
	Ties           []Tie // what ties it to others of its case, what most say first
	sure           bool
}

// Tie is what a subject and others of its case lead to.
type Tie struct {
	Target  subject.Subject
	Senders int // distinct ones who say that the subject leads there, counted up to MaxSenders
	Others  int // subjects of the case that lead there too
}

// Sure tells whether a subject may come ticked, and be listed among many cases: its case is about nothing else and
// nothing ties it to another, or people alone have put the case together. Where links lead is the word of strangers,
// however many say so: where that has brought subjects together, or would, a person looks at each.
func (s Subject) Sure() bool { return s.sure }

// weigh finds out which subjects of a case are sure.
func weigh(ctx context.Context, q db.Reader, subjects []Subject) error {
	sure := !slices.ContainsFunc(subjects, func(s Subject) bool { return s.Bound != ByHand || s.Joined != 0 })
	if len(subjects) == 1 {
		var tied bool
		err := q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM ties AS mine JOIN targets ON targets.id = mine.target JOIN ties AS others ON others.target = mine.target
			WHERE mine.subject = ?1 AND silent = 0 AND others.subject <> ?1)`, subjects[0].ID).Scan(&tied)
		if err != nil {
			return err
		}
		sure = !tied
	}
	for i := range subjects {
		subjects[i].sure = sure
	}
	return nil
}

// Refused is why the publisher refuses to list the subject as it is, or nil.
func (s Subject) Refused() error { return publish.Permit(s.Name) }

// Subjects returns what a case is about: what it is called by first, then what most places report.
func (d *Desk) Subjects(ctx context.Context, id int64) ([]Subject, error) {
	subjects, err := subjectsOf(ctx, d.db, id)
	if err == nil {
		err = tied(ctx, d.db, id, subjects)
	}
	if err == nil {
		err = weigh(ctx, d.db, subjects)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the subjects of case %d: %w", id, err)
	}
	return subjects, nil
}

const selectSubject = `SELECT id, name, bound, joined, opened, latest, reports, sources, noted, unanswered FROM subjects`

func scanSubject(from db.Row) (s Subject, err error) {
	err = from.Scan(&s.ID, &s.Name, &s.Bound, &s.Joined, &s.Opened, &s.Latest, &s.Reports, &s.Sources, &s.Noted, &s.Appeals)
	return s, err
}

func subjectsOf(ctx context.Context, q db.Reader, id int64) ([]Subject, error) {
	return db.All(scanSubject)(q.QueryContext(ctx, selectSubject+` WHERE case_id = ?1
		ORDER BY name <> (SELECT subject FROM cases WHERE id = ?1), sources DESC, id`, id))
}

// tied finds what ties the subjects of a case together.
func tied(ctx context.Context, q db.Reader, id int64, subjects []Subject) error {
	if len(subjects) < 2 {
		return nil
	}
	rows, err := q.QueryContext(ctx, `
		WITH mine AS (SELECT target, subject, senders FROM subjects JOIN ties ON subject = subjects.id WHERE case_id = ?1),
		     shared AS (SELECT target, count(*) AS n FROM mine GROUP BY target HAVING count(*) > 1)
		SELECT subject, name, senders, n - 1 FROM mine JOIN shared USING (target) JOIN targets ON targets.id = target WHERE silent = 0
		ORDER BY senders DESC, n DESC, name`, id)
	if err != nil {
		return err
	}
	defer rows.Close()
	place := map[int64]*Subject{}
	for i := range subjects {
		place[subjects[i].ID] = &subjects[i]
	}
	for rows.Next() {
		var of int64
		var t Tie
		if err := rows.Scan(&of, &t.Target, &t.Senders, &t.Others); err != nil {
			return err
		}
		if s := place[of]; s != nil {
			s.Ties = append(s.Ties, t)
		}
	}
	return rows.Err()
}

// About returns what was reported about one subject, or ErrNotFound.
func (d *Desk) About(ctx context.Context, name subject.Subject) (Subject, error) {
	s, err := scanSubject(d.db.QueryRowContext(ctx, selectSubject+` WHERE name = ?`, string(name)))
	if errors.Is(err, sql.ErrNoRows) {
		return s, ErrNotFound
	}
	return s, err
}

// Listing is one thing that a decision lists, or takes off the list.
type Listing struct {
	Of    subject.Subject `json:"of"`    // the subject of the case whose reports it answers
	Lists subject.Subject `json:"lists"` // the subject itself, or something narrower that reports of it name
	Seen  int64           `json:"seen"`  // Unix seconds of the first report of it
}

// Only lists one thing. Whose it is, Decide finds out.
func Only(s subject.Subject) []Listing { return []Listing{{Lists: s}} }

// About are the things that a ruling lists, or takes off the list, in its order.
func (r Ruling) About() []subject.Subject {
	all := make([]subject.Subject, len(r.Lists))
	for i, one := range r.Lists {
		all[i] = one.Lists
	}
	return all
}

func listingsOf(text string) (all []Listing, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &all)
	}
	return all, err
}

func textOf(lists []Listing) string {
	if len(lists) == 0 {
		return ""
	}
	text, err := json.Marshal(lists)
	if err != nil {
		panic(err) // strings and a number
	}
	return string(text)
}

// things are those that some listings name.
func things(lists []Listing) []subject.Subject {
	names := make([]subject.Subject, len(lists))
	for i, one := range lists {
		names[i] = one.Lists
	}
	return names
}

// assign finds for each listing the subject of the case that it belongs to, or is ErrRefused.
func assign(c Case, subjects []Subject, lists []Listing) ([]Listing, error) {
	all := slices.Clone(lists)
	for i, one := range all {
		at := slices.IndexFunc(subjects, func(s Subject) bool {
			switch {
			case one.Of != "":
				return s.Name == one.Of
			case len(subjects) == 1, s.Name == one.Lists:
				return true
			}
			return slices.ContainsFunc(c.Lists, func(before Listing) bool { return before.Lists == one.Lists && before.Of == s.Name })
		})
		if at < 0 && one.Of == "" {
			whole := nameOf([]string{string(one.Lists)})
			at = slices.IndexFunc(subjects, func(s Subject) bool { return s.Name == whole })
		}
		if at < 0 {
			return nil, fmt.Errorf("%w: %s: %w", ErrRefused, cmp.Or(one.Of, one.Lists), ErrElsewhere)
		}
		all[i].Of, all[i].Seen = subjects[at].Name, subjects[at].Opened
	}
	return all, nil
}
