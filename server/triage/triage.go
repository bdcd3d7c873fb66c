// Package triage gathers reports about one thing, or about the pages of one kit, into one case and follows it to its
// end.
//
//	inbox ──Gather──> open ──Decide──> accepted | rejected | asked
//	                   ^      │             │
//	                   │      └─> proposed ─┘ by a second person, where two must agree
//	                   └────────Undo────────   until it is published
//
// A case is what people decide about; the ledger is changed only when a release is made (Settle), so that a decision
// can be taken back without a trace on any list. Everything that a person does is an act in the audit log, written in
// the same transaction.
package triage

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"khien/server/db"
	"khien/server/publish"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

var (
	// ErrNotFound is a case that there is not.
	ErrNotFound = errors.New("no such case")
	// ErrState is a decision about a case that is not in a state for it.
	ErrState = errors.New("the case is not in a state for this")
	// ErrRefused is a subject that may not be listed.
	ErrRefused = errors.New("this may not be listed")
	// ErrNothing, ErrTooMany and ErrElsewhere are decisions that are refused for what they name.
	ErrNothing   = errors.New("nothing is named")
	ErrTooMany   = fmt.Errorf("at most %d at once", maxTogether)
	ErrElsewhere = errors.New("no subject of the case")
	// ErrSamePerson is a second vote of the first voter.
	ErrSamePerson = errors.New("two people must agree")
)

// State is where a case stands.
type State string

// The states of a case.
const (
	StateOpen     State = "open"     // nobody has decided
	StateAsked    State = "asked"    // more was asked for; it waits for another report
	StateProposed State = "proposed" // one person has accepted it; another must
	StateAccepted State = "accepted" // is listed, or taken off the list, with the next release
	StateRejected State = "rejected"
	StateMerged   State = "merged" // went into another case
)

// Case is what reports are about: one subject, or several that belong together. What is counted is counted over all of
// them.
type Case struct {
	ID        int64
	Subject   subject.Subject // what it is called: one of its subjects
	Platform  string          // of that; empty for a website
	Subjects  int             // how many it is about
	State     State
	Opened    int64 // Unix seconds of the first report
	Latest    int64 // Unix seconds of the newest report
	Changed   int64 // Unix seconds of the last decision, or Opened
	Reports   int   // that call it a scam
	Appeals   int   // that call it a mistake, and are not answered
	Appealed  int64 // Unix seconds of the oldest of these; 0 where there is none
	Sources   int   // distinct places that reports came from
	Named     int   // sources that call it a scam; see Raise
	Category  string
	Expired   int64 // Unix seconds when it left the queue unread; 0 if it did not
	Protected bool  // whether the publisher refuses to list the subject as it is
	Score     float64
	Into      int64  // the case that a merged one went into
	Rest      int64  // the case of the subjects that were left out when this one was accepted
	Undoing   string // who wants to take back what two people decided; another one must agree
	Wished    int64  // Unix seconds since when
	place     int64  // in its part of the queue
	behind    int64  // 1: all of its appeals wait behind those of others
	Ruling
}

// Others is how many subjects the case has beside the one that it is called by.
func (c Case) Others() int { return max(0, c.Subjects-1) }

// Ruling is what was decided about a case.
type Ruling struct {
	Action    Action
	Lists     []Listing         // what is listed, or taken off the list; empty where nothing is
	Reason    map[string]string // by language
	Lapses    int64             // Unix seconds; 0 is never
	Decided   string            // who
	Seconded  string            // who agreed, where two must
	Settled   bool              // whether it is in the ledger and told to who reported
	Published uint64            // sequence of the release that has it; 0 before
}

// Action is what a decision does.
type Action string

// The actions; a case that is proposed or accepted has one of the first two.
const (
	List     Action = "list"
	Withdraw Action = "withdraw" // an appeal was right
	Reject   Action = "reject"   // nothing is listed, or what is listed stays
	Ask      Action = "ask"
)

// Desk is the store of cases and of the audit log. It is safe for concurrent use, by several processes too.
type Desk struct {
	db   *db.DB
	now  func() int64
	mark string // file with the mark of the audit log's last entry

	// Protect is what may not be listed, as the books of official names are now; nil for what holds without any
	// operator's.
	Protect func() (*publish.Protection, error)

	// Stands tells whether somebody still stands for what they wanted at a time, in Unix seconds; nil where everybody
	// does.
	Stands func(ctx context.Context, name string, when int64) (bool, error)
}

//go:embed tables/*.sql
var files embed.FS

// Tables are what it keeps in the office's database.
var Tables = db.Tables{Package: "triage", Files: files}

// Open opens the desk in a database that has its tables.
func Open(office *db.DB) *Desk {
	return &Desk{db: office, now: func() int64 { return time.Now().Unix() }, mark: office.Beside("audit.mark")}
}

// change runs f in a transaction, which is on the disk when change returns nil.
func (d *Desk) change(ctx context.Context, f func(*sql.Tx) error) error {
	err := d.db.Change(ctx, func(tx *sql.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return count(ctx, tx)
	})
	if err != nil {
		return err
	}
	d.keepMark(ctx)
	return nil
}

const selectCase = `SELECT id, subject, platform, state, opened, latest, changed, reports, appeals, appealed, sources, named, category, protected, score, subjects,
	coalesce(into_case, 0), rest, undoing, wished, action, lists, reason, lapses, decided, seconded, settled, published, expired, place, behind FROM cases`

func scanCase(from db.Row) (Case, error) {
	var c Case
	var reason, lists string
	err := from.Scan(&c.ID, &c.Subject, &c.Platform, &c.State, &c.Opened, &c.Latest, &c.Changed, &c.Reports, &c.Appeals, &c.Appealed, &c.Sources, &c.Named, &c.Category,
		&c.Protected, &c.Score, &c.Subjects, &c.Into, &c.Rest, &c.Undoing, &c.Wished, &c.Action, &lists, &reason, &c.Lapses, &c.Decided, &c.Seconded, &c.Settled, &c.Published, &c.Expired, &c.place, &c.behind)
	if errors.Is(err, sql.ErrNoRows) {
		return c, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal([]byte(reason), &c.Reason)
	}
	if err == nil {
		c.Lists, err = listingsOf(lists)
	}
	return c, err
}

func get(ctx context.Context, q db.Reader, id int64) (Case, error) {
	return scanCase(q.QueryRowContext(ctx, selectCase+` WHERE id = ?`, id))
}

// get is a case without a wish to take it back for which nobody stands any more: two people take back together what two
// decided.
func (d *Desk) get(ctx context.Context, q db.Reader, id int64) (Case, error) {
	c, err := get(ctx, q, id)
	if err != nil || c.Undoing == "" || fromShell(c.Undoing) || d.Stands == nil {
		return c, err
	}
	stands, err := d.Stands(ctx, c.Undoing, c.Wished)
	if err == nil && !stands {
		c.Undoing, c.Wished = "", 0
	}
	return c, err
}

var list = db.All(scanCase)

// Get returns a case, or ErrNotFound.
func (d *Desk) Get(ctx context.Context, id int64) (Case, error) {
	c, err := d.get(ctx, d.db, id)
	if err != nil {
		return c, fmt.Errorf("couldn't read case %d: %w", id, err)
	}
	return c, nil
}

// Of returns the case of a report, by its id, or ErrNotFound.
func (d *Desk) Of(ctx context.Context, report []byte) (Case, error) {
	return scanCase(d.db.QueryRowContext(ctx, selectCase+` WHERE id = (SELECT case_id FROM members JOIN subjects ON subjects.id = subject WHERE members.id = ?)`, report))
}

// SubjectOf returns what a report is about, by its id: one of the subjects of its case, or ErrNotFound.
func (d *Desk) SubjectOf(ctx context.Context, report []byte) (s subject.Subject, err error) {
	err = d.db.QueryRowContext(ctx, `SELECT name FROM members JOIN subjects ON subjects.id = subject WHERE members.id = ?`, report).Scan(&s)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return s, err
}

// Named returns the case that a subject belongs to, by its name, or ErrNotFound.
func (d *Desk) Named(ctx context.Context, s subject.Subject) (Case, error) {
	return scanCase(d.db.QueryRowContext(ctx, selectCase+` WHERE id = (SELECT case_id FROM subjects WHERE name = ?)`, string(s)))
}

// ReportedAfter is what the reports after one, at most limit, call a scam, with when it was last reported in Unix
// seconds, and the number of the last of these reports.
func (d *Desk) ReportedAfter(ctx context.Context, after int64, limit int) (latest map[subject.Subject]int64, last int64, err error) {
	type one struct {
		report, received int64
		kind             string
		name             subject.Subject
	}
	latest, last = map[subject.Subject]int64{}, after
	for r, err := range db.Each(func(row db.Row) (r one, err error) {
		return r, row.Scan(&r.report, &r.received, &r.kind, &r.name)
	})(d.db.QueryContext(ctx, `SELECT report, received, kind, name FROM members JOIN subjects ON subjects.id = subject WHERE report > ? ORDER BY report LIMIT ?`, after, limit)) {
		if err != nil {
			return nil, 0, fmt.Errorf("couldn't read what was reported: %w", err)
		}
		if last = r.report; r.kind == wire.KindScam {
			latest[r.name] = max(latest[r.name], r.received)
		}
	}
	return latest, last, nil
}

// Member is a report of a case.
type Member struct {
	ID       []byte
	Of       subject.Subject // of the case
	received int64
}

// Members returns reports of each subject of a case, at most each of one subject and limit in all, the oldest first.
func (d *Desk) Members(ctx context.Context, id int64, each, limit int) ([]Member, error) {
	fail := func(err error) ([]Member, error) {
		return nil, fmt.Errorf("couldn't read the reports of case %d: %w", id, err)
	}
	subjects, err := subjectsOf(ctx, d.db, id)
	if err != nil {
		return fail(err)
	}
	var all []Member
	for _, s := range subjects {
		if len(all) >= limit {
			break
		}
		rows, err := d.db.QueryContext(ctx, `SELECT * FROM (
			SELECT * FROM (SELECT id, received FROM members WHERE subject = ?1 AND kind = 'scam' ORDER BY received LIMIT ?2) AS scams UNION ALL
			SELECT * FROM (SELECT id, received FROM members WHERE subject = ?1 AND kind = 'mistake' ORDER BY received LIMIT ?2) AS mistakes) AS reports ORDER BY received LIMIT ?2`, s.ID, each)
		if err != nil {
			return fail(err)
		}
		for rows.Next() {
			one := Member{Of: s.Name}
			if err := rows.Scan(&one.ID, &one.received); err != nil {
				rows.Close()
				return fail(err)
			}
			all = append(all, one)
		}
		if err := rows.Err(); err != nil {
			return fail(err)
		}
	}
	slices.SortStableFunc(all, func(a, b Member) int { return cmp.Compare(a.received, b.received) })
	return all[:min(len(all), limit)], nil
}

// platformOf is the first part of an account's name; empty for a page.
func platformOf(s subject.Subject) string {
	if !s.IsAccount() {
		return ""
	}
	for i := range len(s) {
		if s[i] == ':' {
			return string(s[:i])
		}
	}
	return ""
}

// kindOf is a slug of the taxonomy, or empty.
func kindOf(slug string) string {
	if _, ok := category.Parse(slug); ok {
		return slug
	}
	return ""
}

// SetClock lets the desk take the time, in Unix seconds, from somewhere else: for a story of days that are past.
func (d *Desk) SetClock(now func() int64) { d.now = now }
