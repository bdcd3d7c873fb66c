// Package takedown follows what is asked of platforms: that an account, page, group or app which is listed be taken
// down there as well. Websites have no platform and no case here.
//
//	prepared ──> sent ──> acknowledged ──> action taken ──(reported again)──> re-appeared ──> sent …
//	               └────────────┴───────> refused ──> appealed ──> acknowledged | action taken | refused
//	               └────────────┴───────> need more ──> sent
//	               └────────────┴───────> restricted ──(its end)──> sent
//	action taken | restricted ──(the platform gives it back)──> restored ──> appealed
//	any of them ──(taken off the list)──> withdrawn ──(listed again)──> prepared
//
// Follow makes the cases from what is listed, and moves those by themselves that no person needs to move. All else
// a person does (Move), and every step is an act in the audit log.
package takedown

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
)

var (
	// ErrNotFound is a case that there is not.
	ErrNotFound = errors.New("no such takedown case")
	// ErrState is a step that the state of a case does not allow.
	ErrState = errors.New("the takedown case is not in a state for this")
)

// State is where a case stands.
type State string

// The states of a case.
const (
	Prepared     State = "prepared"     // it is listed; nobody has written yet
	Sent         State = "sent"         // the platform was written to
	Acknowledged State = "acknowledged" // the platform has answered that it looks at it
	ActionTaken  State = "action-taken" // the platform has removed or locked it
	Restricted   State = "restricted"   // the platform shows it no more in some countries, or until some day
	NeedMore     State = "need-more"    // the platform asks for more than it was told
	Restored     State = "restored"     // the platform has given back what it had removed or restricted
	Refused      State = "refused"      // the platform leaves it
	Appealed     State = "appealed"     // we have asked the platform to look again
	ReAppeared   State = "re-appeared"  // reported again after the platform had acted
	Withdrawn    State = "withdrawn"    // it was taken off our list: the platform need not act, or should give it back
)

// States lists them in the order in which they are shown.
var States = []State{Prepared, Sent, Acknowledged, NeedMore, Refused, Appealed, Restored, ReAppeared, Restricted, ActionTaken, Withdrawn}

// next are the states that may follow each.
var next = map[State][]State{
	Prepared:     {Sent, ActionTaken, Withdrawn}, // it may be gone before anybody wrote
	Sent:         {Acknowledged, NeedMore, ActionTaken, Restricted, Refused, Withdrawn},
	Acknowledged: {NeedMore, ActionTaken, Restricted, Refused, Withdrawn},
	NeedMore:     {Sent, ActionTaken, Restricted, Refused, Withdrawn},
	ActionTaken:  {ReAppeared, Restored, Withdrawn},
	Restricted:   {Sent, ActionTaken, Restored, Withdrawn},
	Restored:     {Appealed, ActionTaken, Restricted, Withdrawn},
	Refused:      {Appealed, ActionTaken, Restricted, Withdrawn}, // a platform may change its mind
	Appealed:     {Acknowledged, NeedMore, ActionTaken, Restricted, Refused, Withdrawn},
	ReAppeared:   {Sent, ActionTaken, Withdrawn},
	Withdrawn:    {Prepared},
}

// Next are the states that a case in this state may go to.
func (s State) Next() []State { return slices.Clone(next[s]) }

// Known tells whether there is such a state.
func (s State) Known() bool { return next[s] != nil }

// Open tells whether somebody still has to act; of a restriction that has an end, only then.
func (s State) Open() bool { return s != ActionTaken && s != Restricted && s != Withdrawn }

// Ours tells whether it is we who have to act next, and not the platform.
func (s State) Ours() bool {
	return slices.Contains([]State{Prepared, ReAppeared, Refused, NeedMore, Restricted, Restored}, s)
}

// Request is what was asked of a platform about one subject.
type Request struct {
	ID        int64
	Subject   subject.Subject
	Platform  string            // a name of Platforms
	Category  category.Category // of the indicator, as is its public case number
	Reference string
	State     State
	Made      int64  // Unix seconds
	Changed   int64  // Unix seconds of the last step
	Due       int64  // Unix seconds of when who must act next has to; 0 is nobody
	Theirs    string // the platform's reference
	Sent      int64  // Unix seconds of the first letter about what is there now; 0 before
	Acted     int64  // Unix seconds of when the platform last acted; 0 before
	Asked     int    // how often the platform was written to about something new
	Answered  int    // how often it acted on that
	Returned  int    // how often the subject re-appeared
	Territory string // countries in which it is restricted, with a blank between them; empty where the platform named none
	Until     int64  // Unix seconds of when the restriction ends; 0 is never
}

// Object is what the audit log calls the case.
func (c Request) Object() audit.Object { return audit.Numbered(audit.OfTakedown, c.ID) }

// Overdue tells whether who must act next should have by now.
func (c Request) Overdue(now int64) bool { return c.Due != 0 && c.Due < now }

// Transition is one change of a case.
type Transition struct {
	Time   int64 // Unix seconds
	Actor  string
	State  State // after it
	Why    string
	Cause  string // of what nobody did: listed, again, unlisted or reported
	Undone bool   // taken back later, or takes one back
}

// Because says why the step was taken in the case of a subject, in a language: what somebody wrote, as it is, or the
// cause.
func (s Transition) Because(lang string, about subject.Subject) string {
	if s.Cause == "" {
		return s.Why
	}
	return audit.Caused(lang, s.Cause, about)
}

// Store is where takedown cases are kept. It is safe for concurrent use, by several processes too.
type Store struct {
	db   *db.DB
	desk *triage.Desk
}

//go:embed tables/*.sql
var files embed.FS

// Tables are what it keeps in the office's database.
var Tables = db.Tables{Package: "takedown", Files: files}

// Open opens the store in a database that has its tables and those of the desk, whose audit log its acts go to.
func Open(office *db.DB, desk *triage.Desk) *Store { return &Store{office, desk} }

// Desk is where its acts are written down, and where its subjects are reported.
func (b *Store) Desk() *triage.Desk { return b.desk }

const selectCase = `SELECT id, takedown.subject, platform, category, reference, state, made, changed, due, theirs, sent, acted, asked, answered, returned, territory, until
	FROM takedown JOIN indicator ON indicator.subject = takedown.subject`

func scan(from db.Row) (Request, error) {
	var c Request
	err := from.Scan(&c.ID, &c.Subject, &c.Platform, &c.Category, &c.Reference, &c.State, &c.Made, &c.Changed, &c.Due, &c.Theirs,
		&c.Sent, &c.Acted, &c.Asked, &c.Answered, &c.Returned, &c.Territory, &c.Until)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return c, err
}

// Get returns a case, or ErrNotFound.
func (b *Store) Get(ctx context.Context, id int64) (Request, error) {
	return scan(b.db.QueryRowContext(ctx, selectCase+` WHERE id = ?`, id))
}

// Of returns the case of a subject, or ErrNotFound where there is none: a website, something that was never listed,
// or that is in no release yet.
//
// A receipt says of it: where Sent is not 0, "the platform was told", at that time; where State is ActionTaken,
// "removed by the platform", at Acted. A Withdrawn case says nothing any more. Both times come back to nothing when a
// subject re-appears and the platform has not been told anew.
func (b *Store) Of(ctx context.Context, s subject.Subject) (Request, error) {
	return scan(b.db.QueryRowContext(ctx, selectCase+` WHERE takedown.subject = ?`, string(s)))
}

// Among returns the cases of some subjects, in the order of their numbers.
func (b *Store) Among(ctx context.Context, subjects []subject.Subject) ([]Request, error) {
	names, err := json.Marshal(subjects)
	if err != nil {
		return nil, err
	}
	list, err := db.All(scan)(b.db.QueryContext(ctx, selectCase+` WHERE takedown.subject IN (SELECT value FROM json_each(?)) ORDER BY id`, string(names)))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the takedown cases: %w", err)
	}
	return list, nil
}

// Filter picks cases; the zero value picks all.
type Filter struct {
	Platform string
	State    State
	Open     bool // only those in which somebody has to act
}

// never is the place in line of a case in which nobody must act.
const never = 9_000_000_000_000_000_000

// place is where a case stands in line: those that are due first come first.
func (c Request) place() int64 {
	if c.Due == 0 {
		return never
	}
	return c.Due
}

// where picks cases, and with open those in which somebody has to act.
func (f Filter) where(open string) (text string, args []any) {
	text = " WHERE 1 = 1"
	if f.Platform != "" {
		text, args = text+" AND platform = ?", append(args, f.Platform)
	}
	if f.State != "" {
		text, args = text+" AND state = ?", append(args, string(f.State))
	}
	if f.Open {
		text += " AND " + open
	}
	return text, args
}

// List returns a page of at most limit cases, those first that are due first.
func (b *Store) List(ctx context.Context, f Filter, at db.Place, limit int) (db.Page[Request], error) {
	where, args := f.where(fmt.Sprint("place < ", int64(never)))
	page, err := db.List[Request]{
		Select: selectCase + where, Order: []string{"place", "id"}, Scan: scan,
		Key:    func(c Request) []any { return []any{c.place(), c.ID} },
		Weight: func(c Request) int { return len(c.Subject) },
	}.Page(ctx, b.db, at, limit, args...)
	if err != nil {
		err = fmt.Errorf("couldn't read the takedown cases: %w", err)
	}
	return page, err
}

// Steps returns what was done in a case, the oldest first.
func (b *Store) Steps(ctx context.Context, id int64) ([]Transition, error) {
	list, err := db.All(func(row db.Row) (s Transition, err error) {
		return s, row.Scan(&s.Time, &s.Actor, &s.State, &s.Why, &s.Cause, &s.Undone)
	})(b.db.QueryContext(ctx, `SELECT time, actor, state, why, cause, undone FROM step WHERE takedown = ? ORDER BY seq`, id))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the steps of takedown case %d: %w", id, err)
	}
	return list, nil
}
