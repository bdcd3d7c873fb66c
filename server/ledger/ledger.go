// Package ledger keeps what is listed, with every decision that made it so, and
// what was published. It is the maintainers' memory: nothing is ever deleted, and
// a subject that is taken off the list stays with its history.
package ledger

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"time"

	"khien/server/sqlite"
	"khien/shared/category"
	"khien/shared/release"
	"khien/shared/subject"
)

// ErrNotFound is a subject that is not on the list.
var ErrNotFound = errors.New("not on the list")

// Indicator is one thing that is listed. What it covers follows from its subject:
// an account, an exact page, everything below a path, or a host and the hosts below it.
type Indicator struct {
	Subject   subject.Subject
	Category  category.Category
	Source    string            // who says so
	Reference string            // case number; the ledger gives one where it is empty
	Reason    map[string]string // by language; may be empty; not to be changed
	FirstSeen int64             // Unix seconds
	Lapses    int64             // Unix seconds; 0 is never
}

// Decision is one entry of a subject's history.
type Decision struct {
	Time    int64 // Unix seconds
	Actor   string
	Action  string // "list", "import" or "withdraw"
	Subject subject.Subject
	Reason  string
}

// Release is what was published at one time.
type Release struct {
	Sequence        uint64
	Set             release.Digest
	Size, Count     uint64
	Issued, Expires int64 // Unix seconds
	BucketBits      uint8
}

// Ledger is safe for concurrent use, by several processes too.
type Ledger struct{ db *sql.DB }

//go:embed migrations/*.sql
var files embed.FS

// Open opens the ledger in the file at path, making or upgrading it where needed.
func Open(path string) (*Ledger, error) {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(path, migrations)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the ledger: %w", err)
	}
	return &Ledger{db}, nil
}

// Close waits for the statements under way.
func (l *Ledger) Close() error { return l.db.Close() }

// Import lists many indicators in one transaction: all of them or none. What is listed
// already is left as it is and counted as a duplicate; what was withdrawn before stays
// withdrawn, since a person decided so, and counts as one too.
func (l *Ledger) Import(ctx context.Context, actor string, list []Indicator) (added, duplicates int, err error) {
	err = l.change(ctx, func(tx *transaction) error {
		for _, i := range list {
			have, err := tx.get(i.Subject)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			if err == nil && (have.withdrawn != 0 || !lapsed(have.Indicator, tx.now)) {
				duplicates++
				continue
			}
			if err := tx.put(i, have.Reference); err != nil {
				return err
			}
			if err := tx.decide(actor, "import", i.Subject, i.Source); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("couldn't import: %w", err)
	}
	return added, duplicates, nil
}

func lapsed(i Indicator, now int64) bool { return i.Lapses != 0 && i.Lapses <= now }

// List lists one indicator, or changes what is said about one that is listed or was.
func (l *Ledger) List(ctx context.Context, actor string, i Indicator) error {
	err := l.change(ctx, func(tx *transaction) error {
		have, err := tx.get(i.Subject)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := tx.put(i, have.Reference); err != nil {
			return err
		}
		return tx.decide(actor, "list", i.Subject, i.Source)
	})
	if err != nil {
		return fmt.Errorf("couldn't list: %w", err)
	}
	return nil
}

// Withdraw takes a subject off the list, or returns ErrNotFound. The reason, by language, is public.
func (l *Ledger) Withdraw(ctx context.Context, actor string, s subject.Subject, reason map[string]string) error {
	taken, err := json.Marshal(reason)
	if err != nil {
		return err
	}
	if reason == nil {
		taken = []byte("{}")
	}
	return l.change(ctx, func(tx *transaction) error {
		done, err := tx.exec(`UPDATE indicator SET withdrawn = ?, taken = ? WHERE subject = ? AND withdrawn = 0`, tx.now, string(taken), string(s))
		if err != nil {
			return fmt.Errorf("couldn't withdraw: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return ErrNotFound
		}
		return tx.decide(actor, "withdraw", s, first(reason))
	})
}

// first is a reason in English, or in whatever language there is.
func first(reason map[string]string) string {
	if text := reason["en"]; text != "" {
		return text
	}
	for _, lang := range category.Languages {
		if text := reason[lang]; text != "" {
			return text
		}
	}
	return ""
}

// Get returns what is listed about a subject, or ErrNotFound if it is not on the list now.
func (l *Ledger) Get(ctx context.Context, s subject.Subject) (Indicator, error) {
	r, err := scan(l.db.QueryRowContext(ctx, selectIndicator+` WHERE subject = ?`, string(s)))
	if err == nil && (r.withdrawn != 0 || lapsed(r.Indicator, time.Now().Unix())) {
		return Indicator{}, ErrNotFound
	}
	return r.Indicator, err
}

// Entry is what there is or was on the list about a subject.
type Entry struct {
	Indicator
	Withdrawn int64             // Unix seconds; 0 if nobody took it off the list
	Taken     map[string]string // why it was taken off, by language, for the public; may be empty
}

// Listed tells whether it is on the list at now.
func (e Entry) Listed(now int64) bool { return e.Withdrawn == 0 && !lapsed(e.Indicator, now) }

// Entry returns what there is or was on the list about a subject, or ErrNotFound if there never was anything.
func (l *Ledger) Entry(ctx context.Context, s subject.Subject) (Entry, error) {
	r, err := scan(l.db.QueryRowContext(ctx, selectIndicator+` WHERE subject = ?`, string(s)))
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Indicator: r.Indicator, Withdrawn: r.withdrawn}
	var taken string
	if err := l.db.QueryRowContext(ctx, `SELECT taken FROM indicator WHERE subject = ?`, string(s)).Scan(&taken); err != nil {
		return Entry{}, fmt.Errorf("couldn't read the ledger: %w", err)
	}
	if err := json.Unmarshal([]byte(taken), &e.Taken); err != nil {
		return Entry{}, fmt.Errorf("couldn't read the ledger: %w", err)
	}
	return e, nil
}

// Active yields what is on the list at now, neither withdrawn nor lapsed, in the order of the subjects.
func (l *Ledger) Active(ctx context.Context, now int64) iter.Seq2[Indicator, error] {
	return func(yield func(Indicator, error) bool) {
		rows, err := l.db.QueryContext(ctx, selectIndicator+` WHERE withdrawn = 0 AND (lapses = 0 OR lapses > ?) ORDER BY subject`, now)
		if err != nil {
			yield(Indicator{}, fmt.Errorf("couldn't read the ledger: %w", err))
			return
		}
		defer rows.Close()
		var last lastReason
		for rows.Next() {
			r, err := last.scan(rows)
			if !yield(r.Indicator, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Indicator{}, fmt.Errorf("couldn't read the ledger: %w", err))
		}
	}
}

// History returns every decision about a subject, the oldest first.
func (l *Ledger) History(ctx context.Context, s subject.Subject) ([]Decision, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT time, actor, action, subject, reason FROM decision WHERE subject = ? ORDER BY seq`, string(s))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the history: %w", err)
	}
	defer rows.Close()
	var list []Decision
	for rows.Next() {
		var d Decision
		if err := rows.Scan(&d.Time, &d.Actor, &d.Action, &d.Subject, &d.Reason); err != nil {
			return nil, fmt.Errorf("couldn't read the history: %w", err)
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// Group is how many entries of one category and sort are on the list, or were taken off it.
type Group struct {
	Category  category.Category
	Sort      string // what stands before the colon of an account or a number, such as "facebook" or "phone"; "host/" or "page/" of the web
	Count     int    // on the list
	Withdrawn int    // taken off by a person, and off still
}

// Groups counts what is on the list at now, and what was taken off, by category and sort.
func (l *Ledger) Groups(ctx context.Context, now int64) ([]Group, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT category, CASE
			WHEN subject NOT LIKE '[%' AND instr(substr(subject, 1, instr(subject || '/', '/')), ':') > 0 THEN substr(subject, 1, instr(subject, ':') - 1)
			WHEN instr(subject, '/') = length(subject) THEN 'host/' ELSE 'page/' END AS sort, count(*) FILTER (WHERE withdrawn = 0), count(*) FILTER (WHERE withdrawn <> 0)
		FROM indicator WHERE withdrawn <> 0 OR lapses = 0 OR lapses > ? GROUP BY 1, 2`, now)
	if err != nil {
		return nil, fmt.Errorf("couldn't count the ledger: %w", err)
	}
	defer rows.Close()
	var groups []Group
	for rows.Next() {
		var g Group
		if err := rows.Scan(&g.Category, &g.Sort, &g.Count, &g.Withdrawn); err != nil {
			return nil, fmt.Errorf("couldn't count the ledger: %w", err)
		}
		groups = append(groups, g)
	}
	return groups, rows.Err()
}

// Tally is how many entries were listed and taken off within a time.
type Tally struct {
	Start             int64 // Unix seconds
	Listed, Withdrawn int
}

// Tally counts what was ever taken off and is off still, and what was decided since a time in spans of so many
// seconds, which begin with that time.
func (l *Ledger) Tally(ctx context.Context, since, span int64) (removed int, spans []Tally, err error) {
	if err := l.db.QueryRowContext(ctx, `SELECT count(*) FROM indicator WHERE withdrawn <> 0`).Scan(&removed); err != nil {
		return 0, nil, fmt.Errorf("couldn't count the ledger: %w", err)
	}
	rows, err := l.db.QueryContext(ctx, `SELECT (time - ?2) / ?1 * ?1 + ?2, count(*) FILTER (WHERE action <> 'withdraw'), count(*) FILTER (WHERE action = 'withdraw')
		FROM decision WHERE time >= ?2 GROUP BY 1 ORDER BY 1`, span, since)
	if err != nil {
		return 0, nil, fmt.Errorf("couldn't count the ledger: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t Tally
		if err := rows.Scan(&t.Start, &t.Listed, &t.Withdrawn); err != nil {
			return 0, nil, err
		}
		spans = append(spans, t)
	}
	return removed, spans, rows.Err()
}

// AddRelease remembers what was published. The same release may be added again.
func (l *Ledger) AddRelease(ctx context.Context, r Release) error {
	_, err := l.db.ExecContext(ctx, `INSERT OR REPLACE INTO release (sequence, digest, size, count, issued, expires, bits) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		int64(r.Sequence), r.Set.String(), int64(r.Size), int64(r.Count), r.Issued, r.Expires, int64(r.BucketBits))
	if err != nil {
		return fmt.Errorf("couldn't remember the release: %w", err)
	}
	return nil
}

// Releases returns the releases issued at since or later, in Unix seconds, the newest first.
func (l *Ledger) Releases(ctx context.Context, since int64) ([]Release, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT sequence, digest, size, count, issued, expires, bits FROM release WHERE issued >= ? ORDER BY sequence DESC`, since)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the releases: %w", err)
	}
	defer rows.Close()
	var list []Release
	for rows.Next() {
		var r Release
		var digest string
		if err := rows.Scan(&r.Sequence, &digest, &r.Size, &r.Count, &r.Issued, &r.Expires, &r.BucketBits); err != nil {
			return nil, fmt.Errorf("couldn't read the releases: %w", err)
		}
		if r.Set, err = release.ParseDigest(digest); err != nil {
			return nil, fmt.Errorf("couldn't read the releases: %w", err)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// row is an indicator as it is stored.
type row struct {
	Indicator
	withdrawn int64
}

const selectIndicator = `SELECT subject, category, source, reference, reason, first_seen, lapses, withdrawn FROM indicator`

func scan(from interface{ Scan(...any) error }) (row, error) {
	var last lastReason
	return last.scan(from)
}

// lastReason is the reason of the row before: lists give the same to many.
type lastReason struct {
	text   string
	reason map[string]string
}

func (l *lastReason) scan(from interface{ Scan(...any) error }) (row, error) {
	var r row
	var reason string
	err := from.Scan(&r.Subject, &r.Category, &r.Source, &r.Reference, &reason, &r.FirstSeen, &r.Lapses, &r.withdrawn)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, ErrNotFound
	}
	if err == nil && reason != l.text {
		l.text, l.reason = reason, nil
		err = json.Unmarshal([]byte(reason), &l.reason)
	}
	r.Reason = l.reason
	if err != nil {
		return row{}, fmt.Errorf("couldn't read the ledger: %w", err)
	}
	return r, nil
}

// transaction is one change of the ledger.
type transaction struct {
	ctx   context.Context
	tx    *sql.Tx
	now   int64
	ready map[string]*sql.Stmt
}

// change runs f in a transaction, which is on the disk when change returns nil.
func (l *Ledger) change(ctx context.Context, f func(*transaction) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(&transaction{ctx, tx, time.Now().Unix(), map[string]*sql.Stmt{}}); err != nil {
		return err
	}
	return tx.Commit()
}

// statement prepares each text once; they are closed with the transaction.
func (t *transaction) statement(text string) (*sql.Stmt, error) {
	if s := t.ready[text]; s != nil {
		return s, nil
	}
	s, err := t.tx.PrepareContext(t.ctx, text)
	t.ready[text] = s
	return s, err
}

func (t *transaction) exec(text string, args ...any) (sql.Result, error) {
	s, err := t.statement(text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(t.ctx, args...)
}

func (t *transaction) get(s subject.Subject) (row, error) {
	get, err := t.statement(selectIndicator + ` WHERE subject = ?`)
	if err != nil {
		return row{}, err
	}
	return scan(get.QueryRowContext(t.ctx, string(s)))
}

// put stores an indicator as listed. It keeps the case number it had, unless i brings one.
func (t *transaction) put(i Indicator, reference string) error {
	if i.Reference == "" {
		i.Reference = reference
	}
	if i.Reference == "" {
		var err error
		if i.Reference, err = t.number(); err != nil {
			return err
		}
	}
	reason := []byte("{}")
	if len(i.Reason) > 0 {
		var err error
		if reason, err = json.Marshal(i.Reason); err != nil {
			return err
		}
	}
	_, err := t.exec(`INSERT OR REPLACE INTO indicator (subject, category, source, reference, reason, first_seen, lapses) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		string(i.Subject), int64(i.Category), i.Source, i.Reference, string(reason), i.FirstSeen, i.Lapses)
	return err
}

// number gives the next case number, such as "KH-2026-000123".
func (t *transaction) number() (string, error) {
	year := time.Unix(t.now, 0).UTC().Year()
	if _, err := t.exec(`INSERT INTO case_number (year, last) VALUES (?, 1) ON CONFLICT (year) DO UPDATE SET last = last + 1`, year); err != nil {
		return "", err
	}
	last, err := t.statement(`SELECT last FROM case_number WHERE year = ?`)
	if err != nil {
		return "", err
	}
	var n int
	if err := last.QueryRowContext(t.ctx, year).Scan(&n); err != nil {
		return "", err
	}
	return fmt.Sprintf("KH-%d-%06d", year, n), nil
}

func (t *transaction) decide(actor, action string, s subject.Subject, reason string) error {
	_, err := t.exec(`INSERT INTO decision (time, actor, action, subject, reason) VALUES (?, ?, ?, ?, ?)`, t.now, actor, action, string(s), reason)
	return err
}
