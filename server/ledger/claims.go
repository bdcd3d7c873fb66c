package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"khien/server/db"
	"khien/shared/subject"
)

// Word is what all sources together say about one thing: an indicator as their claims would list it, with SaidBy.
type Word struct {
	Indicator
	Lists bool // whether their claims list it by themselves
}

// Entries returns what there is or was on the list about each of some subjects.
func (l *Ledger) Entries(ctx context.Context, subjects []subject.Subject) (map[subject.Subject]Entry, error) {
	names, err := json.Marshal(subjects)
	if err != nil {
		return nil, err
	}
	there := make(map[subject.Subject]Entry, len(subjects))
	for r, err := range db.Each(scan)(l.reader().QueryContext(ctx, selectIndicator+` WHERE subject IN (SELECT value FROM json_each(?))`, string(names))) {
		if err != nil {
			return nil, err
		}
		there[r.Subject] = Entry{Indicator: r.Indicator, Withdrawn: r.withdrawn}
	}
	return there, nil
}

// SaidBy are the sources whose claims about a subject stand, whether it is on the list or not.
func (l *Ledger) SaidBy(ctx context.Context, s subject.Subject) (names string, err error) {
	err = l.reader().QueryRowContext(ctx, `SELECT coalesce((SELECT said_by FROM indicator WHERE subject = ?1), (SELECT names FROM said_by WHERE subject = ?1), '')`,
		string(s)).Scan(&names)
	if err != nil {
		return "", fmt.Errorf("couldn't read who says so: %w", err)
	}
	return names, nil
}

// Withdrawn returns the decisions after one that have taken something off the list, at most limit, in their order.
func (l *Ledger) Withdrawn(ctx context.Context, after int64, limit int) ([]Event, error) {
	list, err := db.All(scanDecision)(l.reader().QueryContext(ctx, selectDecision+` WHERE seq > ? AND action = 'withdraw' ORDER BY seq LIMIT ?`, after, limit))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the history: %w", err)
	}
	return list, nil
}

// LaterThan are those of the subjects of some decisions about which another was made after the decision with a number.
func (l *Ledger) LaterThan(ctx context.Context, seq int64, decisions []Event) (map[subject.Subject]bool, error) {
	subjects := make([]subject.Subject, len(decisions))
	for i, d := range decisions {
		subjects[i] = d.Subject
	}
	names, err := json.Marshal(subjects)
	if err != nil {
		return nil, err
	}
	later := map[subject.Subject]bool{}
	for s, err := range db.Each(scanName)(l.reader().QueryContext(ctx, `SELECT DISTINCT subject FROM decision
		WHERE subject IN (SELECT value FROM json_each(?)) AND seq > ?`, string(names), seq)) {
		if err != nil {
			return nil, fmt.Errorf("couldn't read the history: %w", err)
		}
		later[s] = true
	}
	return later, nil
}

// Hear takes down what sources say, as part of a change. What they list comes on the list, unless a person has taken it
// off; what stands through them alone and is listed by none of them any more leaves at once; and of everything else it
// is kept who says so. There is what Entries returned in the same change.
func (l *Ledger) Hear(ctx context.Context, actor string, words []Word, there map[subject.Subject]Entry) (listed, left int, err error) {
	err = l.change(ctx, func(tx *transaction) error {
		listed, left, err = tx.hear(actor, words, there)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("couldn't take down what sources say: %w", err)
	}
	return listed, left, nil
}

// heard is an indicator about which sources say something else than before.
type heard struct {
	Subject  subject.Subject `json:"subject"`
	SaidBy   string          `json:"said_by"`
	Category int64           `json:"category"`
	Lapses   int64           `json:"lapses"`
}

func (t *transaction) hear(actor string, words []Word, there map[subject.Subject]Entry) (listed, left int, err error) {
	var fresh []entering
	var changed, gone, unlisted []heard
	for _, w := range words {
		was, known := there[w.Subject]
		now := heard{w.Subject, w.SaidBy, int64(was.Category), was.Lapses}
		stands := known && was.Listed(t.now)
		switch {
		case !known && !w.Lists:
			unlisted = append(unlisted, now)
		case w.Lists && was.Withdrawn == 0 && !stands:
			w.Claimed = true
			fresh = append(fresh, entering{w.Indicator, was.Indicator})
		case was.Claimed && stands && !w.Lists:
			now.Lapses = t.now
			gone = append(gone, now)
		default:
			if was.Claimed && stands {
				now.Category, now.Lapses = int64(w.Category), w.Lapses
			}
			if now != (heard{w.Subject, was.SaidBy, int64(was.Category), was.Lapses}) {
				changed = append(changed, now)
			}
		}
	}
	if len(fresh) > 0 {
		if err := t.put(actor, "import", fresh); err != nil {
			return 0, 0, err
		}
	}
	if err := t.each(append(changed, gone...), `UPDATE indicator SET said_by = v.value ->> 'said_by', category = CAST(v.value ->> 'category' AS BIGINT),
		lapses = CAST(v.value ->> 'lapses' AS BIGINT) FROM json_each(?) AS v WHERE indicator.subject = v.value ->> 'subject'`); err != nil {
		return 0, 0, err
	}
	if err := t.each(gone, `INSERT INTO decision (time, actor, action, subject, reason)
		SELECT CAST(?2 AS BIGINT), CAST(?3 AS TEXT), 'withdraw', value ->> 'subject', '' FROM json_each(?1)`, t.now, actor); err != nil {
		return 0, 0, err
	}
	err = t.each(unlisted, `INSERT INTO said_by (subject, names) SELECT value ->> 'subject', value ->> 'said_by' FROM json_each(?) WHERE true
		ON CONFLICT (subject) DO UPDATE SET names = excluded.names`)
	return len(fresh), len(gone), err
}

// each runs a statement about rows, which are its first argument.
func (t *transaction) each(rows []heard, text string, more ...any) error {
	if len(rows) == 0 {
		return nil
	}
	list, err := json.Marshal(rows)
	if err == nil {
		_, err = t.exec(text, append([]any{string(list)}, more...)...)
	}
	return err
}

// Begin marks the ledger, within a change, as having a part of something alone: until End, nothing is released.
func (l *Ledger) Begin(ctx context.Context, tx *sql.Tx, what, actor string, now int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO importing (digest, actor, begun) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, what, actor, now)
	return err
}

// End takes the mark of Begin away.
func (l *Ledger) End(ctx context.Context, tx *sql.Tx, what string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM importing WHERE digest = ?`, what)
	return err
}
