package triage

import (
	"context"
	"database/sql"
	"fmt"

	"khien/server/audit"
	"khien/shared/texts"
)

// UnreadDays is after how many days a case leaves the queue unread, unless the operator says otherwise.
const UnreadDays = 30

// Unread is what those are told whose report is in a case that left the queue unread.
func Unread() map[string]string { return texts.Every("reasons.txt", "unread") }

// expireMost is how many cases leave the queue in one change.
const expireMost = 5_000

// Expire takes those open cases out of the queue that one network alone spoke of, on one day, of those whose word
// weighs (Score), or sources alone, whose newest report is so many seconds old, and at which nobody has looked, and
// returns how many they were. Nothing is decided about them: a report from another network whose word weighs, another
// source, or a person who opens one, brings it back. Only networks of one day can be told to be the same. What a person
// is asked again waits for one.
func (d *Desk) Expire(ctx context.Context, age int64, actor string) (n int, err error) {
	if err := d.rankStale(ctx); err != nil { // whoever gathered may have been stopped before
		return 0, err
	}
	for more := true; more && err == nil; {
		err = d.change(ctx, func(tx *sql.Tx) error {
			done, err := tx.ExecContext(ctx, `UPDATE cases SET expired = ?1 WHERE id IN (SELECT id FROM cases WHERE state = 'open' AND expired = 0 AND seen = 0 AND stale = 0
				AND latest < ?2 AND changed < ?2 AND (reports > 0 OR named > 0) AND appeals = 0
				AND (SELECT count(DISTINCT source) FROM subjects JOIN voices ON subject = subjects.id WHERE case_id = cases.id AND weighs = 1) <= 1
				AND NOT EXISTS (SELECT 1 FROM subjects JOIN raised ON subject = subjects.id WHERE case_id = cases.id AND kind = 'again')
				AND NOT EXISTS (SELECT 1 FROM audit WHERE object = 'case ' || cases.id) LIMIT ?3)`, d.now(), d.now()-age, expireMost)
			if err != nil {
				return err
			}
			gone, err := done.RowsAffected()
			n, more = n+int(gone), gone == expireMost
			if err != nil || gone == 0 {
				return err
			}
			return audit.Record(ctx, tx, audit.Act{Time: d.now(), Actor: actor, Verb: audit.Expire, Object: audit.Object{Kind: audit.OfQueue},
				Args: audit.Args{Count: int(gone), Cause: "unread"}})
		})
	}
	if err != nil {
		return 0, fmt.Errorf("couldn't take unread cases out of the queue: %w", err)
	}
	return n, nil
}
