package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"khien/server/db"
	"khien/shared/subject"
)

// leave keeps what is on the list of a release no more, as it was said, for the register.
func (t *transaction) leave(gone []Indicator) error {
	for _, i := range gone {
		reason, err := json.Marshal(said(i.Reason))
		if err != nil {
			return err
		}
		_, err = t.exec(`INSERT OR REPLACE INTO left_list (subject, category, source, reference, reason, first_seen, lapses, withdrawn, taken)
			SELECT subject, ?, ?, ?, ?, ?, ?, withdrawn, taken FROM indicator WHERE subject = ?`,
			int64(i.Category), i.Source, i.Reference, string(reason), i.FirstSeen, i.Lapses, string(i.Subject))
		if err != nil {
			return fmt.Errorf("couldn't remember what has left the list: %w", err)
		}
	}
	return nil
}

const selectLeft = `SELECT subject, '', category, source, reference, reason, first_seen, lapses, withdrawn, taken FROM left_list`

// Left returns what was said of a subject when a release had it last, and why it was taken off; ErrNotFound where it has left no list. It may be on
// the list again.
func (l *Ledger) Left(ctx context.Context, s subject.Subject) (Entry, error) {
	return scanEntry(l.db.QueryRowContext(ctx, selectLeft+` WHERE subject = ?`, string(s)))
}

// AllLeft yields all that has ever left the list of a release.
func (l *Ledger) AllLeft(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		rows, err := l.db.QueryContext(ctx, selectLeft)
		if err != nil {
			yield(Entry{}, fmt.Errorf("couldn't read the ledger: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scanEntry(rows)
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Entry{}, fmt.Errorf("couldn't read the ledger: %w", err))
		}
	}
}

// scanEntry reads what selects an indicator, and why it was taken off.
func scanEntry(from db.Row) (Entry, error) {
	var taken string
	r, err := scan(with{from, &taken})
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Indicator: r.Indicator, Withdrawn: r.withdrawn}
	if err := json.Unmarshal([]byte(taken), &e.Taken); err != nil {
		return Entry{}, fmt.Errorf("couldn't read the ledger: %w", err)
	}
	return e, nil
}

// with scans one more column.
type with struct {
	from db.Row
	last *string
}

func (w with) Scan(into ...any) error { return w.from.Scan(append(into, w.last)...) }

// Subjects yields all that was ever listed.
func (l *Ledger) Subjects(ctx context.Context) iter.Seq2[subject.Subject, error] {
	return func(yield func(subject.Subject, error) bool) {
		rows, err := l.db.QueryContext(ctx, `SELECT subject FROM indicator`)
		if err != nil {
			yield("", fmt.Errorf("couldn't read the ledger: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var s subject.Subject
			err := rows.Scan(&s)
			if !yield(s, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield("", fmt.Errorf("couldn't read the ledger: %w", err))
		}
	}
}

// Decisions yields what was decided since a time, in Unix seconds.
func (l *Ledger) Decisions(ctx context.Context, since int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		rows, err := l.db.QueryContext(ctx, `SELECT time, actor, action, subject, reason FROM decision WHERE time >= ?`, since)
		if err != nil {
			yield(Event{}, fmt.Errorf("couldn't read the history: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var d Event
			err := rows.Scan(&d.Time, &d.Actor, &d.Action, &d.Subject, &d.Reason)
			if !yield(d, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Event{}, fmt.Errorf("couldn't read the history: %w", err))
		}
	}
}
