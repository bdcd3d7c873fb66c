// Package ledger keeps what is listed, with every decision that made it so, and
// what was published. It is the maintainers' memory: nothing is ever deleted, and
// a subject that is taken off the list stays with its history.
package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"khien/server/db"
	"khien/shared/category"
	"khien/shared/release"
	"khien/shared/subject"
	"khien/shared/texts"
	"khien/shared/wire"
)

// ErrNotFound is a subject that is not on the list.
var ErrNotFound = errors.New("not on the list")

// Indicator is one thing that is listed. What it covers follows from its subject:
// an account, an exact page, everything below a path, or a host and the hosts below it.
type Indicator struct {
	Subject   subject.Subject
	Address   string // at which it was first seen, see Seen; may be empty; for people and exports, it never says what is listed
	Category  category.Category
	Source    string            // who says so
	Reference string            // case number; the ledger gives one where it is empty
	Reason    map[string]string // by language; may be empty; not to be changed
	FirstSeen int64             // Unix seconds
	Lapses    int64             // Unix seconds; 0 is never
	Case      int64             // the subject of a case for which a decision has listed it, see package triage; 0 where it came in another way
	SaidBy    string            // the sources whose claims about it stand, beside Source; may be empty
	Claimed   bool              // whether it stands through such claims alone
}

// mostNamed is how many of those whose claims stand the public is told by name.
const mostNamed = 10

// By is who says so, for the public, as an entry of a bucket has it: who listed it, and behind wire.AlsoSaid those whose
// claims stand. What came by claims alone, all of these have listed.
func (i Indicator) By() string {
	by := strings.ReplaceAll(i.Source, wire.AlsoSaid, ", ")
	if i.SaidBy == "" {
		return by
	}
	names := strings.Split(strings.ReplaceAll(i.SaidBy, wire.AlsoSaid, ", "), ", ")
	names = slices.DeleteFunc(names, func(name string) bool { return name == by })
	if n := len(names) - mostNamed; n > 0 {
		names = append(names[:mostNamed], fmt.Sprint("+", n))
	}
	also := strings.Join(names, ", ")
	if by == "" || also == "" {
		return by + also
	}
	return by + wire.AlsoSaid + also
}

// Event is one entry of a subject's history.
type Event struct {
	Time    int64 // Unix seconds
	Actor   string
	Action  string // "list", "import" or "withdraw"
	Subject subject.Subject
	Reason  string
	Seq     int64 // its number
}

// Release is what was published at one time.
type Release struct {
	Sequence        uint64
	Set             release.Digest
	Size, Count     uint64
	Issued, Expires int64 // Unix seconds
	BucketBits      uint8
	Head, Keys      []byte // as signed: the head, and the list of keys that names its signer; empty where the release was not finished
}

// Change is a decision that comes into the ledger: an indicator is listed, or its subject is taken off the list.
type Change struct {
	Actor string
	Indicator
	Off   bool
	Taken map[string]string // why it is taken off, by language, for the public
}

// Ledger is safe for concurrent use, by several processes too.
type Ledger struct {
	db *db.DB
	tx *sql.Tx // that it is part of; nil where each change is one of its own
}

//go:embed tables/*.sql
var files embed.FS

// Tables are what it keeps in the office's database.
var Tables = db.Tables{Package: "ledger", Files: files}

// Open opens the ledger in a database that has its tables.
func Open(office *db.DB) *Ledger { return &Ledger{db: office} }

// In is the ledger as a change of the office's database sees it, and as part of which it changes.
func (l *Ledger) In(tx *sql.Tx) *Ledger { return &Ledger{l.db, tx} }

// Alone is db.DB.Alone, of the office's database.
func (l *Ledger) Alone(ctx context.Context) (end func(), err error) { return l.db.Alone(ctx) }

// Change runs f in a change of the office's database.
func (l *Ledger) Change(ctx context.Context, f func(*sql.Tx) error) error {
	if l.tx != nil {
		return f(l.tx)
	}
	return l.db.Change(ctx, f)
}

func (l *Ledger) reader() db.Reader {
	if l.tx != nil {
		return l.tx
	}
	return l.db
}

func lapsed(i Indicator, now int64) bool { return i.Lapses != 0 && i.Lapses <= now }

// List lists one indicator, or changes what is said about one that is listed or was.
func (l *Ledger) List(ctx context.Context, actor string, i Indicator) error {
	return l.change(ctx, func(tx *transaction) error { return tx.apply(Change{Actor: actor, Indicator: i}) })
}

// Withdraw takes a subject off the list, or returns ErrNotFound. The reason, by language, is public.
func (l *Ledger) Withdraw(ctx context.Context, actor string, s subject.Subject, reason map[string]string) error {
	return l.change(ctx, func(tx *transaction) error {
		return tx.apply(Change{Actor: actor, Indicator: Indicator{Subject: s}, Off: true, Taken: reason})
	})
}

// Apply brings decisions into the ledger, all of them or none. What is to be taken off and is not there stays so.
func (l *Ledger) Apply(ctx context.Context, changes []Change) error {
	return l.change(ctx, func(tx *transaction) error { return tx.applyAll(changes) })
}

func (t *transaction) applyAll(changes []Change) error {
	for _, c := range changes {
		if err := t.apply(c); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

func (t *transaction) apply(c Change) error {
	if c.Off {
		taken, err := json.Marshal(said(c.Taken))
		if err != nil {
			return err
		}
		done, err := t.exec(`UPDATE indicator SET withdrawn = ?, taken = ?, claimed = 0 WHERE subject = ? AND withdrawn = 0`, t.now, string(taken), string(c.Subject))
		if err != nil {
			return fmt.Errorf("couldn't withdraw: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return ErrNotFound
		}
		return t.decide(c.Actor, "withdraw", c.Subject, first(c.Taken))
	}
	have, err := t.get(c.Subject)
	if err == nil || errors.Is(err, ErrNotFound) {
		err = t.put(c.Actor, "list", []entering{{c.Indicator, have.Indicator}})
	}
	if err != nil {
		return fmt.Errorf("couldn't list: %w", err)
	}
	return nil
}

// Give says that what is listed about a subject belongs to another subject of a case.
func (l *Ledger) Give(ctx context.Context, s subject.Subject, to int64) error {
	return l.change(ctx, func(tx *transaction) error {
		_, err := tx.exec(`UPDATE indicator SET case_subject = ? WHERE subject = ?`, to, string(s))
		return err
	})
}

// first is a reason in English, or in whatever language there is.
func first(reason map[string]string) string {
	for _, lang := range append([]string{"en"}, texts.All()...) {
		if text := reason[lang]; !blank(text) {
			return text
		}
	}
	return ""
}

// said are the texts that say something: one that nobody can see hides no other language.
func said(byLanguage map[string]string) map[string]string {
	texts := map[string]string{}
	for lang, text := range byLanguage {
		if !blank(text) {
			texts[lang] = text
		}
	}
	return texts
}

func blank(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) })
}

// Get returns what is listed about a subject, or ErrNotFound if it is not on the list now.
func (l *Ledger) Get(ctx context.Context, s subject.Subject) (Indicator, error) {
	r, err := scan(l.reader().QueryRowContext(ctx, selectIndicator+` WHERE subject = ?`, string(s)))
	if err == nil && (r.withdrawn != 0 || lapsed(r.Indicator, time.Now().Unix())) {
		return Indicator{}, ErrNotFound
	}
	return r.Indicator, err
}

// Listed returns what is listed now about each of some subjects; those that are not on the list are not in it.
func (l *Ledger) Listed(ctx context.Context, subjects []subject.Subject) (map[subject.Subject]Indicator, error) {
	now, listed := time.Now().Unix(), map[subject.Subject]Indicator{}
	names, err := json.Marshal(subjects)
	if err != nil {
		return nil, err
	}
	for r, err := range db.Each(scan)(
		l.reader().QueryContext(ctx, selectIndicator+` WHERE subject IN (SELECT value FROM json_each(?))`, string(names))) {
		if err != nil {
			return nil, fmt.Errorf("couldn't read the ledger: %w", err)
		}
		if r.withdrawn == 0 && !lapsed(r.Indicator, now) {
			listed[r.Subject] = r.Indicator
		}
	}
	return listed, nil
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
	return scanEntry(l.reader().QueryRowContext(ctx, `SELECT subject, address, category, source, reference, reason, first_seen, lapses, withdrawn, case_subject, said_by, claimed, taken
		FROM indicator WHERE subject = ?`, string(s)))
}

// Active yields what is on the list at now, neither withdrawn nor lapsed, in the order of the subjects.
func (l *Ledger) Active(ctx context.Context, now int64) iter.Seq2[Indicator, error] {
	return func(yield func(Indicator, error) bool) {
		var last before
		for v, err := range db.Stream(ctx, l.reader(), selectIndicator+` WHERE withdrawn = 0 AND (lapses = 0 OR lapses > ?) ORDER BY subject`, now) {
			if err != nil {
				yield(Indicator{}, fmt.Errorf("couldn't read the ledger: %w", err))
				return
			}
			i := Indicator{
				Subject: subject.Subject(v.Text(0)), Address: string(v.Text(1)), Category: kindOf(v.Int(2)), Source: again(&last.source, v.Text(3)), Reference: string(v.Text(4)),
				Reason: last.reasonOf(v.Text(5)), FirstSeen: v.Int(6), Lapses: v.Int(7), Case: v.Int(9), SaidBy: again(&last.saidBy, v.Text(10)), Claimed: v.Int(11) != 0,
			}
			i.date()
			if !yield(i, nil) {
				return
			}
		}
	}
}

// Lapsing counts what is on the list at since, and how much of it lapses until now by itself.
func (l *Ledger) Lapsing(ctx context.Context, since, now int64) (gone, listed int, err error) {
	err = l.reader().QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE lapses > 0 AND lapses <= ?), count(*) FROM indicator WHERE withdrawn = 0 AND (lapses = 0 OR lapses > ?)`,
		now, since).Scan(&gone, &listed)
	if err != nil {
		return 0, 0, fmt.Errorf("couldn't count the ledger: %w", err)
	}
	return gone, listed, nil
}

// History returns every decision about a subject, the oldest first.
func (l *Ledger) History(ctx context.Context, s subject.Subject) ([]Event, error) {
	list, err := db.All(scanDecision)(l.reader().QueryContext(ctx, selectDecision+` WHERE subject = ? ORDER BY seq`, string(s)))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the history: %w", err)
	}
	return list, nil
}

const selectDecision = `SELECT seq, time, actor, action, subject, reason FROM decision`

func scanDecision(row db.Row) (d Event, err error) {
	return d, row.Scan(&d.Seq, &d.Time, &d.Actor, &d.Action, &d.Subject, &d.Reason)
}

// Seq is the number of the last decision, on which a release may be drafted: ErrImporting while half of a list is
// there.
func (l *Ledger) Seq(ctx context.Context) (int64, error) { return seq(ctx, l.reader()) }

func seq(ctx context.Context, q db.Reader) (n int64, err error) {
	if err := whole(ctx, q); err != nil {
		return 0, err
	}
	if err := q.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM decision`).Scan(&n); err != nil {
		return 0, fmt.Errorf("couldn't read the history: %w", err)
	}
	return n, nil
}

// Released is the number of the last decision that is in a release.
func (l *Ledger) Released(ctx context.Context) (n int64, err error) {
	if err := l.reader().QueryRowContext(ctx, `SELECT coalesce(max(decided), 0) FROM release`).Scan(&n); err != nil {
		return 0, fmt.Errorf("couldn't read the releases: %w", err)
	}
	return n, nil
}

// Between returns the decisions after one and up to another, at most limit, in their order.
func (l *Ledger) Between(ctx context.Context, after, last int64, limit int) ([]Event, error) {
	list, err := db.All(scanDecision)(l.reader().QueryContext(ctx, selectDecision+` WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`, after, last, limit))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the history: %w", err)
	}
	return list, nil
}

// Since are the subjects about which something was decided after the decision with a number.
func (l *Ledger) Since(ctx context.Context, seq int64) (map[subject.Subject]bool, error) {
	decided := map[subject.Subject]bool{}
	for s, err := range db.Each(scanName)(l.reader().QueryContext(ctx, `SELECT DISTINCT subject FROM decision WHERE seq > ?`, seq)) {
		if err != nil {
			return nil, fmt.Errorf("couldn't read the history: %w", err)
		}
		decided[s] = true
	}
	return decided, nil
}

// Issue is what a release writes into the ledger.
type Issue struct {
	Release
	Files   map[string]release.Digest // that no head names
	Seq     int64                     // of the last decision when it was drafted; -1 where it is drafted upon none
	Changes []Change                  // that it brings
	Left    []Indicator               // what everybody had and it has no more, as it was said
}

// ErrDecided is a release that was drafted before the last decision, or before another had its number.
var ErrDecided = errors.New("something was decided since the release was drafted")

// Issue writes a release down, with all that it brings, or nothing. What it names is on the disk when Issue is called:
// from now on the release is in force. The same release may be issued again.
func (l *Ledger) Issue(ctx context.Context, i Issue) error {
	return l.change(ctx, func(tx *transaction) error {
		if i.Seq >= 0 {
			if last, err := seq(ctx, tx.tx); err != nil || last != i.Seq {
				return cmp.Or(err, ErrDecided)
			}
		}
		if err := tx.applyAll(i.Changes); err != nil {
			return err
		}
		done, err := tx.exec(`INSERT INTO release (sequence, digest, size, count, issued, expires, bits, head, keys, decided) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
				CASE WHEN ?10 < 0 THEN (SELECT coalesce(max(decided), 0) FROM release) ELSE (SELECT coalesce(max(seq), 0) FROM decision) END)
			ON CONFLICT (sequence) DO UPDATE SET digest = excluded.digest, size = excluded.size, count = excluded.count, issued = excluded.issued,
				expires = excluded.expires, bits = excluded.bits, head = excluded.head, keys = excluded.keys, decided = excluded.decided
			WHERE release.head IN ('', excluded.head)`,
			int64(i.Sequence), i.Set.String(), int64(i.Size), int64(i.Count), i.Issued, i.Expires, int64(i.BucketBits), string(i.Head), string(i.Keys), i.Seq)
		if err != nil {
			return fmt.Errorf("couldn't remember the release: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, ErrDecided) // another has the number, and was drafted beside
		}
		for name, digest := range i.Files {
			if _, err := tx.exec(`INSERT INTO file (name, digest) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET digest = excluded.digest`, name, digest.String()); err != nil {
				return fmt.Errorf("couldn't remember a file: %w", err)
			}
		}
		return tx.leave(i.Left)
	})
}

// Files are the published files whose digest no head names, by name.
func (l *Ledger) Files(ctx context.Context) (map[string]release.Digest, error) {
	rows, err := l.reader().QueryContext(ctx, `SELECT name, digest FROM file`)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the files: %w", err)
	}
	defer rows.Close()
	files := map[string]release.Digest{}
	for rows.Next() {
		var name, digest string
		if err := rows.Scan(&name, &digest); err != nil {
			return nil, fmt.Errorf("couldn't read the files: %w", err)
		}
		if files[name], err = release.ParseDigest(digest); err != nil {
			return nil, fmt.Errorf("couldn't read the files: %w", err)
		}
	}
	return files, rows.Err()
}

// Forget drops files that are no longer published.
func (l *Ledger) Forget(ctx context.Context, names []string) error {
	return l.change(ctx, func(tx *transaction) error {
		for _, name := range names {
			if _, err := tx.exec(`DELETE FROM file WHERE name = ?`, name); err != nil {
				return fmt.Errorf("couldn't forget a file: %w", err)
			}
		}
		return nil
	})
}

const selectRelease = `SELECT sequence, digest, size, count, issued, expires, bits, head, keys FROM release`

// Releases returns the releases issued at since or later, in Unix seconds, the newest first.
func (l *Ledger) Releases(ctx context.Context, since int64) ([]Release, error) {
	return l.releases(ctx, selectRelease+` WHERE issued >= ? ORDER BY sequence DESC`, since)
}

// Newest returns the newest release that was finished, and the highest number that any was given; ErrNotFound, with
// that number, where none was.
func (l *Ledger) Newest(ctx context.Context) (r Release, highest uint64, err error) {
	var n int64
	if err := l.reader().QueryRowContext(ctx, `SELECT coalesce(max(sequence), 0) FROM release`).Scan(&n); err != nil {
		return r, 0, fmt.Errorf("couldn't read the releases: %w", err)
	}
	list, err := l.releases(ctx, selectRelease+` WHERE head <> '' ORDER BY sequence DESC LIMIT 1`)
	if err == nil && len(list) == 0 {
		return r, uint64(n), ErrNotFound
	}
	if err != nil {
		return r, uint64(n), err
	}
	return list[0], uint64(n), nil
}

func (l *Ledger) releases(ctx context.Context, query string, args ...any) ([]Release, error) {
	list, err := db.All(func(row db.Row) (r Release, err error) {
		var digest string
		if err := row.Scan(&r.Sequence, &digest, &r.Size, &r.Count, &r.Issued, &r.Expires, &r.BucketBits, &r.Head, &r.Keys); err != nil {
			return r, err
		}
		r.Set, err = release.ParseDigest(digest)
		return r, err
	})(l.reader().QueryContext(ctx, query, args...))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the releases: %w", err)
	}
	return list, nil
}

// row is an indicator as it is stored.
type row struct {
	Indicator
	withdrawn int64
}

const selectIndicator = `SELECT subject, address, category, source, reference, reason, first_seen, lapses, withdrawn, case_subject, said_by, claimed FROM indicator`

// scan reads one row. What is not as the ledger writes it says nothing, and the row still stands: one row that somebody
// has written otherwise must not keep all others from being read.
func scan(from db.Row) (row, error) {
	var r row
	var reason []byte
	var kind int64
	err := from.Scan(&r.Subject, &r.Address, &kind, &r.Source, &r.Reference, &reason, &r.FirstSeen, &r.Lapses, &r.withdrawn, &r.Case, &r.SaidBy, &r.Claimed)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, ErrNotFound
	}
	if err != nil {
		return row{}, fmt.Errorf("couldn't read the ledger: %w", err)
	}
	r.Category, r.Reason = kindOf(kind), reasonOf(reason)
	r.date()
	return r, nil
}

func kindOf(code int64) category.Category {
	if code < 0 || code >= category.Limit {
		return 0
	}
	return category.Category(code)
}

func reasonOf(text []byte) (reason map[string]string) {
	if string(text) == "{}" { // of most that lists bring
		return map[string]string{}
	}
	if reason := plain(string(text)); reason != nil {
		return reason
	}
	if json.Unmarshal(text, &reason) != nil {
		return nil
	}
	return reason
}

// plain reads a JSON object of texts in which nothing is escaped, as most reasons are, in a fifth of the time; else it
// is nil.
func plain(text string) map[string]string {
	special := func(c rune) bool { return c < ' ' || c == '\\' || c == utf8.RuneError }
	parts := strings.Split(text, `"`)
	end := len(parts) - 1
	if end%4 != 0 || end == 0 || parts[end] != "}" || strings.ContainsFunc(text, special) {
		return nil
	}
	texts := make(map[string]string, end/4)
	between := "{"
	for n := 0; n < end; n += 4 {
		if parts[n] != between || parts[n+2] != ":" {
			return nil
		}
		texts[parts[n+1]], between = parts[n+3], ","
	}
	return texts
}

// date leaves out dates that have no form.
func (i *Indicator) date() {
	if i.FirstSeen < 0 || i.FirstSeen > latest {
		i.FirstSeen = 0
	}
	if i.Lapses > latest {
		i.Lapses = 0
	}
}

// before is what the row before said: lists say the same of many.
type before struct {
	source, saidBy, text string
	reason               map[string]string
}

func (b *before) reasonOf(text []byte) map[string]string {
	if b.reason == nil || string(text) != b.text {
		b.text, b.reason = string(text), reasonOf(text)
	}
	return b.reason
}

// again is a text, which is often the one before.
func again(before *string, text []byte) string {
	if string(text) != *before {
		*before = string(text)
	}
	return *before
}

// latest is the last second of the year 9999, beyond which no date has a form.
const latest = 253402300799

// transaction is one change of the ledger.
type transaction struct {
	ctx   context.Context
	tx    *sql.Tx
	now   int64
	ready map[string]*sql.Stmt
}

// change runs f in a transaction, which is on the disk when change returns nil.
func (l *Ledger) change(ctx context.Context, f func(*transaction) error) error {
	return l.Change(ctx, func(tx *sql.Tx) error {
		return f(&transaction{ctx, tx, time.Now().Unix(), map[string]*sql.Stmt{}})
	})
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

// entering is an indicator that comes on the list, and what was there about its subject before.
type entering struct{ is, was Indicator }

// put stores indicators as listed, and that they are, with two statements whatever their number. SQLite writes a value of
// json_each anew each time that it is named, unless it lies in a table of its own. Each keeps the case
// number and the address that it had, unless it brings others, and what sources say about it.
func (t *transaction) put(actor, action string, some []entering) error {
	type column struct {
		Subject   subject.Subject `json:"subject"`
		Address   string          `json:"address"`
		Category  int64           `json:"category"`
		Source    string          `json:"source"`
		Reference string          `json:"reference"`
		Reason    string          `json:"reason"`
		FirstSeen int64           `json:"first_seen"`
		Lapses    int64           `json:"lapses"`
		Case      int64           `json:"case_subject"`
		SaidBy    string          `json:"said_by"`
		Claimed   int64           `json:"claimed"`
	}
	rows, unnumbered := make([]column, len(some)), []*string{}
	for n, one := range some {
		i := one.is
		reason, err := json.Marshal(said(i.Reason))
		if err != nil {
			return err
		}
		if !i.Claimed { // of a claim, who reads it has looked at that
			i.Address = Seen(i.Address, i.Subject)
		}
		rows[n] = column{i.Subject, cmp.Or(i.Address, one.was.Address), int64(i.Category), i.Source, cmp.Or(i.Reference, one.was.Reference),
			string(reason), i.FirstSeen, i.Lapses, i.Case, i.SaidBy, 0}
		if i.Claimed {
			rows[n].Claimed = 1
		}
		if rows[n].Reference == "" {
			unnumbered = append(unnumbered, &rows[n].Reference)
		}
	}
	if err := t.number(unnumbered); err != nil {
		return err
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	_, err = t.exec(`WITH these AS MATERIALIZED (SELECT value FROM json_each(?))
		INSERT INTO indicator (subject, address, category, source, reference, reason, first_seen, lapses, case_subject, said_by, claimed)
		SELECT value ->> 'subject', value ->> 'address', CAST(value ->> 'category' AS BIGINT), value ->> 'source', value ->> 'reference', value ->> 'reason',
			CAST(value ->> 'first_seen' AS BIGINT), CAST(value ->> 'lapses' AS BIGINT), CAST(value ->> 'case_subject' AS BIGINT),
			coalesce(nullif(value ->> 'said_by', ''), (SELECT names FROM said_by WHERE said_by.subject = value ->> 'subject'), ''), CAST(value ->> 'claimed' AS BIGINT)
			FROM these WHERE true
		ON CONFLICT (subject) DO UPDATE SET address = excluded.address, category = excluded.category, source = excluded.source, reference = excluded.reference,
			reason = excluded.reason, first_seen = excluded.first_seen, lapses = excluded.lapses, case_subject = excluded.case_subject, withdrawn = 0, taken = '{}',
			said_by = CASE excluded.claimed WHEN 1 THEN excluded.said_by ELSE indicator.said_by END, claimed = excluded.claimed`, string(text))
	if err == nil {
		_, err = t.exec(`WITH these AS MATERIALIZED (SELECT value FROM json_each(?))
			INSERT INTO decision (time, actor, action, subject, reason)
			SELECT CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT), value ->> 'subject', coalesce(nullif(value ->> 'source', ''), value ->> 'said_by') FROM these`,
			string(text), t.now, actor, action)
	}
	return err
}

// number fills in the next case numbers, such as "KH-2026-000123".
func (t *transaction) number(all []*string) error {
	if len(all) == 0 {
		return nil
	}
	next, err := t.statement(`INSERT INTO case_number (year, last) VALUES (?, ?) ON CONFLICT (year) DO UPDATE SET last = case_number.last + excluded.last RETURNING last`)
	if err != nil {
		return err
	}
	year, last := time.Unix(t.now, 0).UTC().Year(), 0
	if err := next.QueryRowContext(t.ctx, year, len(all)).Scan(&last); err != nil {
		return err
	}
	for n, one := range all {
		*one = fmt.Sprintf("KH-%d-%06d", year, last-len(all)+1+n)
	}
	return nil
}

func (t *transaction) decide(actor, action string, s subject.Subject, reason string) error {
	_, err := t.exec(`INSERT INTO decision (time, actor, action, subject, reason) VALUES (?, ?, ?, ?, ?)`, t.now, actor, action, string(s), reason)
	return err
}
