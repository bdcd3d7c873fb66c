// Package inbox keeps reports until a person has decided about them.
//
// A report is on disk when Accept returns, so that it survives the loss of power. What comes
// at the same time shares a commit. Nothing here publishes; what becomes of a report is decided by a person (Decide),
// can be taken back (Reopen), and every decision is kept.
//
//	Accept ──> received ──Decide──> accepted | rejected
//	               ^                   │
//	               └──────Reopen───────┘
//
// The receipt is a random number that only the sender knows. It answers what
// became of the report, and nothing else.
package inbox

import (
	"context"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"khien/server/db"
	"khien/shared/wire"
)

// IDSize is the length of a report's id in bytes.
const IDSize = wire.IDSize

var (
	// ErrConflict is a report whose id was used before for another report.
	ErrConflict = errors.New("this id belongs to another report")
	// ErrNotFound is an id or a receipt that the inbox does not hold.
	ErrNotFound = errors.New("no such report")
	// ErrAmbiguous is the beginning of an id that several reports share.
	ErrAmbiguous = errors.New("several reports begin with this id")
)

// Inbox is a store of reports. It is safe for concurrent use, by several processes too.
type Inbox struct {
	db      *db.DB
	waiting chan *sent
	closing chan struct{}
	stopped chan struct{}

	tending     sync.WaitGroup // the log is worked into the file
	stopTending context.CancelFunc
}

//go:embed migrations/*.sql
var files embed.FS

// Tables are what it keeps, in a database of its own.
var Tables = db.Tables{Package: "inbox", Files: files}

// Open opens the inbox in a file or a schema of PostgreSQL, making or upgrading it where needed.
func Open(place string) (*Inbox, error) {
	store, err := db.Open(place, Tables)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the inbox: %w", err)
	}
	i := &Inbox{db: store, waiting: make(chan *sent, maxTogether), closing: make(chan struct{}), stopped: make(chan struct{})}
	go i.write()
	ctx, stop := context.WithCancel(context.Background())
	i.stopTending = stop
	i.tending.Go(func() { store.Tend(ctx) })
	return i, nil
}

// Close waits for the statements under way. Nothing may be accepted afterwards.
func (i *Inbox) Close() error {
	close(i.closing)
	<-i.stopped
	i.stopTending()
	i.tending.Wait()
	return i.db.Close()
}

// CopyTo copies all of it to a file, as db.DB.CopyTo does.
func (i *Inbox) CopyTo(ctx context.Context, path string) error { return i.db.CopyTo(ctx, path) }

// Ping tells whether the inbox can be read.
func (i *Inbox) Ping(ctx context.Context) error {
	var n int
	if err := i.db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM report LIMIT 1) AS page`).Scan(&n); err != nil {
		return fmt.Errorf("couldn't read the inbox: %w", err)
	}
	return nil
}

// Report is a report as it was sent and what has become of it.
type Report struct {
	wire.Report
	Seq      int64  // place in the order in which reports came, from 1
	Source   []byte // where it came from, as a hash whose key is gone by now; may be empty
	Receipt  string // 32 hex digits
	State    string // a state of package wire; never StateListed, which is for the releases to say
	Received int64  // Unix seconds by our clock
	Changed  int64  // Unix seconds of the last change of State
	Subject  string // what was decided about; empty while open
	Reason   string // why; empty while open
}

// Name is the report's id as people and command lines write it: 32 hex digits.
func (r Report) Name() string { return hex.EncodeToString(r.ID) }

// Acknowledgement is what the sender is told.
func (r Report) Acknowledgement() wire.Receipt {
	return wire.Receipt{Receipt: r.Receipt, State: r.State, Time: r.Changed, Reason: r.Reason, Subject: r.Subject}
}

// Transition is one entry in the history of a report.
type Transition struct {
	Time    int64  // Unix seconds
	Actor   string // who decided
	State   string // the state after it
	Subject string
	Reason  string
}

// Get finds a report by its name or by the beginning of it.
// It returns ErrNotFound, or ErrAmbiguous if several reports begin so.
func (i *Inbox) Get(ctx context.Context, prefix string) (Report, error) {
	prefix = strings.ToLower(prefix)
	rest := 2*IDSize - len(prefix)
	if prefix == "" || rest < 0 {
		return Report{}, ErrNotFound
	}
	low, err := hex.DecodeString(prefix + strings.Repeat("0", rest))
	if err != nil {
		return Report{}, ErrNotFound
	}
	high, _ := hex.DecodeString(prefix + strings.Repeat("f", rest))
	return one(i.db.QueryContext(ctx, selectReport+` WHERE id BETWEEN ? AND ? LIMIT 2`, low, high))
}

// ByReceipt finds a report by its receipt, or returns ErrNotFound.
func (i *Inbox) ByReceipt(ctx context.Context, receipt string) (Report, error) {
	name, err := hex.DecodeString(receipt)
	if err != nil {
		return Report{}, ErrNotFound
	}
	return one(i.db.QueryContext(ctx, selectReport+` WHERE receipt = ?`, name))
}

// List returns at most limit reports, the oldest first, and says how many there are;
// an empty state stands for all of them.
func (i *Inbox) List(ctx context.Context, state string, limit int) (list []Report, total int, err error) {
	const where = ` WHERE ?1 = '' OR state = ?1`
	err = i.db.QueryRowContext(ctx, `SELECT count(*) FROM report`+where, state).Scan(&total)
	if err == nil {
		list, err = all(i.db.QueryContext(ctx, selectReport+where+` ORDER BY seq LIMIT ?2`, state, limit))
	}
	if err != nil {
		return nil, 0, fmt.Errorf("couldn't list the reports: %w", err)
	}
	return list, total, nil
}

// Some returns the reports with these ids, in their order; what there is none of is left out.
func (i *Inbox) Some(ctx context.Context, ids [][]byte) ([]Report, error) {
	list := make([]Report, 0, len(ids))
	for some := range slices.Chunk(ids, 1000) {
		args := make([]any, len(some))
		for n, id := range some {
			args[n] = id
		}
		found, err := all(i.db.QueryContext(ctx, selectReport+` WHERE id IN (?`+strings.Repeat(", ?", len(some)-1)+`)`, args...))
		if err != nil {
			return nil, fmt.Errorf("couldn't read some reports: %w", err)
		}
		at := make(map[string]int, len(found))
		for n, r := range found {
			at[string(r.ID)] = n
		}
		for _, id := range some {
			if n, ok := at[string(id)]; ok {
				list = append(list, found[n])
			}
		}
	}
	return list, nil
}

// After returns at most limit reports that came after the one with this place, the oldest first.
func (i *Inbox) After(ctx context.Context, seq int64, limit int) ([]Report, error) {
	list, err := all(i.db.QueryContext(ctx, selectReport+` WHERE seq > ? ORDER BY seq LIMIT ?`, seq, limit))
	if err != nil {
		return nil, fmt.Errorf("couldn't list the reports: %w", err)
	}
	return list, nil
}

// Amended returns at most limit of the reports to which a category or a note was added after they had come, from the
// amendment after number n on, and the number of the last; a report that was amended twice is there twice.
func (i *Inbox) Amended(ctx context.Context, n int64, limit int) (list []Report, last int64, err error) {
	err = i.db.QueryRowContext(ctx, `SELECT coalesce(max(n), ?1) FROM (SELECT n FROM amendment WHERE n > ?1 ORDER BY n LIMIT ?2) AS page`, n, limit).Scan(&last)
	if err == nil && last > n {
		list, err = all(i.db.QueryContext(ctx, selectReport+` JOIN amendment ON report = seq WHERE n > ? AND n <= ? ORDER BY n`, n, last))
	}
	if err != nil {
		return nil, n, fmt.Errorf("couldn't list what was added to reports: %w", err)
	}
	return list, last, nil
}

// DecideAll closes those of the reports that are open, all with one decision: StateAccepted or StateRejected, with the
// subject that is listed or taken off the list, and a reason for the holders of the receipts.
func (i *Inbox) DecideAll(ctx context.Context, ids [][]byte, d Transition) error {
	return i.decideAll(ctx, ids, d, `state = 'received'`)
}

// DecideAfterAll is DecideAll for what comes out otherwise than it was told before: those are told too that were
// rejected, or accepted for another subject.
func (i *Inbox) DecideAfterAll(ctx context.Context, ids [][]byte, d Transition) error {
	return i.decideAll(ctx, ids, d, `(state IN ('received', 'rejected') OR subject <> ?3)`)
}

func (i *Inbox) decideAll(ctx context.Context, ids [][]byte, d Transition, from string) error {
	if d.State != wire.StateAccepted && d.State != wire.StateRejected {
		return fmt.Errorf("couldn't decide about reports: %q is no decision", d.State)
	}
	err := i.db.Change(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			done, err := tx.ExecContext(ctx, `UPDATE report SET state = ?1, changed = ?2, subject = ?3, reason = ?4 WHERE id = ?5 AND `+from,
				d.State, d.Time, d.Subject, d.Reason, id)
			if err != nil {
				return err
			}
			if closed, _ := done.RowsAffected(); closed == 1 {
				if err := note(ctx, tx, id, d); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("couldn't decide about reports: %w", err)
	}
	return nil
}

// note writes a decision into the history of a report.
func note(ctx context.Context, tx *sql.Tx, id []byte, d Transition) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO decision (report, time, actor, state, subject, reason) VALUES (?, ?, ?, ?, ?, ?)`,
		id, d.Time, d.Actor, d.State, d.Subject, d.Reason)
	return err
}

// ReopenAll takes the decisions about those of the reports back that are decided: they are received again. What was
// listed because of them stays listed.
func (i *Inbox) ReopenAll(ctx context.Context, ids [][]byte, actor string, now int64) error {
	err := i.db.Change(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			done, err := tx.ExecContext(ctx, `UPDATE report SET state = 'received', changed = ?, subject = '', reason = '' WHERE id = ? AND state <> 'received'`, now, id)
			if err == nil {
				if n, _ := done.RowsAffected(); n == 1 {
					err = note(ctx, tx, id, Transition{Time: now, Actor: actor, State: wire.StateReceived})
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("couldn't reopen reports: %w", err)
	}
	return nil
}

// History returns what was decided about a report, the oldest first.
func (i *Inbox) History(ctx context.Context, id []byte) ([]Transition, error) {
	list, err := db.All(func(row db.Row) (d Transition, err error) {
		return d, row.Scan(&d.Time, &d.Actor, &d.State, &d.Subject, &d.Reason)
	})(i.db.QueryContext(ctx, `SELECT time, actor, state, subject, reason FROM decision WHERE report = ? ORDER BY seq`, id))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the history of a report: %w", err)
	}
	return list, nil
}

// Relabel puts something else in place of the sources of reports, by their ids.
func (i *Inbox) Relabel(ctx context.Context, sources map[string][]byte) error {
	if len(sources) == 0 {
		return nil
	}
	err := i.db.Change(ctx, func(tx *sql.Tx) error {
		for id, source := range sources {
			if _, err := tx.ExecContext(ctx, `UPDATE report SET source = ? WHERE id = ?`, source, []byte(id)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("couldn't forget who reported: %w", err)
	}
	return nil
}

const selectReport = `SELECT seq, source, id, receipt, received, kind, subjects, href, title, language, sent, category, note, links,
	state, changed, subject, reason FROM report`

var all = db.All(func(row db.Row) (r Report, err error) {
	var receipt []byte
	var subjects, links string
	if err := row.Scan(&r.Seq, &r.Source, &r.ID, &receipt, &r.Received, &r.Kind, &subjects, &r.Href, &r.Title, &r.Language, &r.Time,
		&r.Category, &r.Note, &links, &r.State, &r.Changed, &r.Subject, &r.Reason); err != nil {
		return r, err
	}
	r.Receipt = hex.EncodeToString(receipt)
	r.Subjects = strings.Split(subjects, "\n")
	if links != "" {
		r.Links = strings.Split(links, "\n")
	}
	return r, nil
})

func one(rows *sql.Rows, err error) (Report, error) {
	list, err := all(rows, err)
	switch {
	case err != nil:
		return Report{}, fmt.Errorf("couldn't read a report: %w", err)
	case len(list) == 0:
		return Report{}, ErrNotFound
	case len(list) > 1:
		return Report{}, ErrAmbiguous
	}
	return list[0], nil
}
