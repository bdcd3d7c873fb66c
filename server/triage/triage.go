// Package triage gathers reports about one thing into one case and follows it to its end.
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
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"khien/server/sqlite"
	"khien/shared/category"
	"khien/shared/subject"
)

var (
	// ErrNotFound is a case that there is not.
	ErrNotFound = errors.New("no such case")
	// ErrState is a decision about a case that is not in a state for it.
	ErrState = errors.New("the case is not in a state for this")
	// ErrRefused is a subject that may not be listed.
	ErrRefused = errors.New("this may not be listed")
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

// Case is one thing that reports are about.
type Case struct {
	ID        int64
	Subject   subject.Subject // what it is called
	Platform  string          // of the subject; empty for a website
	State     State
	Opened    int64 // Unix seconds of the first report
	Latest    int64 // Unix seconds of the newest report
	Changed   int64 // Unix seconds of the last decision, or Opened
	Reports   int   // that call it a scam
	Appeals   int   // that call it a mistake, and are not answered
	Appealed  int64 // Unix seconds of the oldest of these; 0 where there is none
	Sources   int   // distinct places that reports came from
	Category  string
	Protected bool // whether the publisher refuses to list the subject as it is
	Score     float64
	Into      int64 // the case that a merged one went into
	Ruling
}

// Ruling is what was decided about a case.
type Ruling struct {
	Action    Action
	Lists     subject.Subject   // what is listed, or taken off the list; empty where nothing is
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
	db  *sql.DB
	now func() int64
}

//go:embed migrations/*.sql
var files embed.FS

// Open opens the desk in the file at path, making or upgrading it where needed.
func Open(path string) (*Desk, error) {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(path, migrations)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the cases: %w", err)
	}
	return &Desk{db, func() int64 { return time.Now().Unix() }}, nil
}

// Close waits for the statements under way.
func (d *Desk) Close() error { return d.db.Close() }

// change runs f in a transaction, which is on the disk when change returns nil.
func (d *Desk) change(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

const selectCase = `SELECT id, subject, platform, state, opened, latest, changed, reports, appeals, appealed, sources, category, protected, score,
	coalesce(into_case, 0), action, lists, reason, lapses, decided, seconded, settled, published FROM cases`

func scanCase(from interface{ Scan(...any) error }) (Case, error) {
	var c Case
	var reason string
	err := from.Scan(&c.ID, &c.Subject, &c.Platform, &c.State, &c.Opened, &c.Latest, &c.Changed, &c.Reports, &c.Appeals, &c.Appealed, &c.Sources, &c.Category,
		&c.Protected, &c.Score, &c.Into, &c.Action, &c.Lists, &reason, &c.Lapses, &c.Decided, &c.Seconded, &c.Settled, &c.Published)
	if errors.Is(err, sql.ErrNoRows) {
		return c, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal([]byte(reason), &c.Reason)
	}
	return c, err
}

// querier is a transaction, or the store itself.
type querier interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

func get(ctx context.Context, q querier, id int64) (Case, error) {
	return scanCase(q.QueryRowContext(ctx, selectCase+` WHERE id = ?`, id))
}

func list(rows *sql.Rows, err error) ([]Case, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Case
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// Get returns a case, or ErrNotFound.
func (d *Desk) Get(ctx context.Context, id int64) (Case, error) {
	c, err := get(ctx, d.db, id)
	if err != nil {
		return c, fmt.Errorf("couldn't read case %d: %w", id, err)
	}
	return c, nil
}

// Queue returns at most limit cases of a state, the highest score first and the older one of equals, from place
// from on, and how many there are.
func (d *Desk) Queue(ctx context.Context, state State, protected bool, from, limit int) (cases []Case, total int, err error) {
	const where = ` WHERE state = ? AND protected = ?`
	err = d.db.QueryRowContext(ctx, `SELECT count(*) FROM cases`+where, state, protected).Scan(&total)
	if err == nil {
		cases, err = list(d.db.QueryContext(ctx, selectCase+where+` ORDER BY score DESC, id LIMIT ? OFFSET ?`, state, protected, limit, from))
	}
	if err != nil {
		return nil, 0, fmt.Errorf("couldn't read the queue: %w", err)
	}
	return cases, total, nil
}

// Appealed returns the cases with appeals that nobody has answered, the longest waiting first.
func (d *Desk) Appealed(ctx context.Context) ([]Case, error) {
	cases, err := list(d.db.QueryContext(ctx, selectCase+` WHERE appeals > 0 ORDER BY appealed, id`))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the appeals: %w", err)
	}
	return cases, nil
}

// Of returns the case of a report, by its id, or ErrNotFound.
func (d *Desk) Of(ctx context.Context, report []byte) (Case, error) {
	return scanCase(d.db.QueryRowContext(ctx, selectCase+` WHERE id = (SELECT case_id FROM members WHERE id = ?)`, report))
}

// Named returns the case that a subject belongs to by its name, or ErrNotFound.
func (d *Desk) Named(ctx context.Context, s subject.Subject) (Case, error) {
	return scanCase(d.db.QueryRowContext(ctx, selectCase+` WHERE id = (SELECT case_id FROM names WHERE name = ?)`, string(s)))
}

// LastReported is when a subject was last reported as a scam, in Unix seconds; 0 if never.
func (d *Desk) LastReported(ctx context.Context, s subject.Subject) (latest int64, err error) {
	err = d.db.QueryRowContext(ctx, `SELECT coalesce(max(received), 0) FROM members
		WHERE case_id = (SELECT case_id FROM names WHERE name = ?) AND kind = 'scam'`, string(s)).Scan(&latest)
	if err != nil {
		return 0, fmt.Errorf("couldn't read when something was reported: %w", err)
	}
	return latest, nil
}

// Members returns the ids of the reports of a case, the oldest first, at most limit.
func (d *Desk) Members(ctx context.Context, id int64, limit int) ([][]byte, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT id FROM members WHERE case_id = ? ORDER BY received, report LIMIT ?`, id, limit)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the reports of case %d: %w", id, err)
	}
	defer rows.Close()
	var ids [][]byte
	for rows.Next() {
		var one []byte
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		ids = append(ids, one)
	}
	return ids, rows.Err()
}

// Day is how many reports came on one day, in UTC.
type Day struct {
	Start   int64 // Unix seconds
	Reports int
}

// Days counts the reports of a case by day, the oldest first.
func (d *Desk) Days(ctx context.Context, id int64) ([]Day, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT received / 86400 * 86400, count(*) FROM members WHERE case_id = ? GROUP BY 1 ORDER BY 1`, id)
	if err != nil {
		return nil, fmt.Errorf("couldn't count the reports of case %d: %w", id, err)
	}
	defer rows.Close()
	var days []Day
	for rows.Next() {
		var one Day
		if err := rows.Scan(&one.Start, &one.Reports); err != nil {
			return nil, err
		}
		days = append(days, one)
	}
	return days, rows.Err()
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
