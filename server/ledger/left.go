package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"

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
		_, err = t.exec(`INSERT INTO left_list (subject, category, source, reference, reason, first_seen, lapses, withdrawn, taken)
			SELECT subject, ?, ?, ?, ?, ?, ?, withdrawn, taken FROM indicator WHERE subject = ?
			ON CONFLICT (subject) DO UPDATE SET category = excluded.category, source = excluded.source, reference = excluded.reference, reason = excluded.reason,
				first_seen = excluded.first_seen, lapses = excluded.lapses, withdrawn = excluded.withdrawn, taken = excluded.taken`,
			int64(i.Category), i.Source, i.Reference, string(reason), i.FirstSeen, i.Lapses, string(i.Subject))
		if err != nil {
			return fmt.Errorf("couldn't remember what has left the list: %w", err)
		}
	}
	return nil
}

const selectLeft = `SELECT subject, '', category, source, reference, reason, first_seen, lapses, withdrawn, 0, '', 0, taken FROM left_list`

// Left returns what was said of a subject when a release had it last, and why it was taken off; ErrNotFound where it
// has left no list. It may be on the list again.
func (l *Ledger) Left(ctx context.Context, s subject.Subject) (Entry, error) {
	return scanEntry(l.reader().QueryRowContext(ctx, selectLeft+` WHERE subject = ?`, string(s)))
}

// AllLeft yields all that has ever left the list of a release, in the order of the subjects.
func (l *Ledger) AllLeft(ctx context.Context) iter.Seq2[Entry, error] {
	return inPages(func(last Entry) ([]Entry, error) {
		return db.All(scanEntry)(l.reader().QueryContext(ctx, selectLeft+` WHERE subject > ? ORDER BY subject LIMIT ?`, string(last.Subject), together))
	})
}

// together is how many rows are read at once of what is long: whoever else reads waits for no more than these.
const together = 5000

// inPages yields rows that are read so many together, each time those after the last one.
func inPages[T any](read func(last T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last T
		for {
			rows, err := read(last)
			if err != nil {
				yield(last, fmt.Errorf("couldn't read the ledger: %w", err))
				return
			}
			for _, last = range rows {
				if !yield(last, nil) {
					return
				}
			}
			if len(rows) < together {
				return
			}
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

func scanName(row db.Row) (s subject.Subject, err error) { return s, row.Scan(&s) }

// Subjects yields all that was ever listed.
func (l *Ledger) Subjects(ctx context.Context) iter.Seq2[subject.Subject, error] {
	return inPages(func(last subject.Subject) ([]subject.Subject, error) {
		return db.All(scanName)(l.reader().QueryContext(ctx, `SELECT subject FROM indicator WHERE subject > ? ORDER BY subject LIMIT ?`, string(last), together))
	})
}

// Decisions yields what was decided since a time, in Unix seconds.
func (l *Ledger) Decisions(ctx context.Context, since int64) iter.Seq2[Event, error] {
	return inPages(func(last Event) ([]Event, error) {
		return db.All(scanDecision)(l.reader().QueryContext(ctx, selectDecision+` WHERE (time, seq) > (?, ?) ORDER BY time, seq LIMIT ?`,
			max(last.Time, since-1), cmp.Or(last.Seq, math.MaxInt64), together))
	})
}
