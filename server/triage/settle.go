package triage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"khien/server/inbox"
	"khien/server/ledger"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Settle brings what was decided into the ledger and tells those who reported, and returns how many cases there were.
// It is called just before a release is made; from then on a decision can't be undone, only be followed by another.
// What it has done once does no harm when it is done again after a crash.
func (d *Desk) Settle(ctx context.Context, book *ledger.Ledger, box *inbox.Inbox) (int, error) {
	cases, err := list(d.db.QueryContext(ctx, selectCase+` WHERE published = 0 AND settled = 0 AND state IN ('accepted', 'rejected') ORDER BY id`))
	if err != nil {
		return 0, fmt.Errorf("couldn't settle: %w", err)
	}
	for n, c := range cases {
		if err := d.settle(ctx, c, book, box); err != nil {
			return n, fmt.Errorf("couldn't settle case %d: %w", c.ID, err)
		}
	}
	return len(cases), nil
}

func (d *Desk) settle(ctx context.Context, c Case, book *ledger.Ledger, box *inbox.Inbox) error {
	off, err := d.Replaced(ctx, book, c)
	if err != nil {
		return err
	}
	switch c.Action {
	case List:
		for _, i := range c.Indicators() {
			if err := book.List(ctx, c.Decided, i); err != nil {
				return err
			}
		}
	case Withdraw:
		for _, one := range c.Lists {
			if err := book.Withdraw(ctx, c.Decided, one.Lists, c.Reason); err != nil && !errors.Is(err, ledger.ErrNotFound) {
				return err
			}
		}
	}
	if err := d.takeOff(ctx, book, c, off); err != nil {
		return err
	}
	if err := d.tell(ctx, c, off, box); err != nil {
		return err
	}
	return d.change(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE cases SET settled = 1 WHERE id = ? AND changed = ?`, c.ID, c.Changed)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if err := stand(ctx, tx, c); err != nil {
			return err
		}
		for _, one := range off {
			_, mistake := outcome(c, one.Of, off)
			if err := answerLast(ctx, tx, c, box, mistake, true, c.replaces(), one.Of); err != nil {
				return err
			}
		}
		_, mistake := outcome(c, c.Subject, nil)
		return answerLast(ctx, tx, c, box, mistake, c.Action == Withdraw, c.Reason)
	})
}

// heard is before when an appeal came to which a decision is the answer: who objects later to what stays listed has been heard by nobody, and
// waits for a person. Who was right is answered whenever.
func heard(c Case, righted bool) int64 {
	if righted {
		return ever
	}
	return c.Changed
}

// answerLast answers the appeals of a settled case that still wait, all of them or those about some of its subjects.
func answerLast(ctx context.Context, tx *sql.Tx, c Case, box *inbox.Inbox, said inbox.Decision, righted bool, reason map[string]string, of ...subject.Subject) error {
	waiting, err := unanswered(ctx, tx, c.ID, of, heard(c, righted))
	if err != nil {
		return err
	}
	if _, err := box.DecideAll(ctx, waiting, said); err != nil {
		return err
	}
	return answered(ctx, tx, c, of, heard(c, righted), c.Decided, righted, reason, c.Changed)
}

// outcome is what those are told who reported a subject of a settled case as a scam, and as a mistake; off is what the decision
// takes off the list without naming it.
func outcome(c Case, of subject.Subject, off []Listing) (scam, mistake inbox.Decision) {
	scam = inbox.Decision{Time: c.Changed, Actor: c.Decided, State: wire.StateRejected, Reason: inEnglish(c.Reason)}
	mistake = scam
	switch c.Action {
	case List:
		scam.State, scam.Subject = wire.StateAccepted, string(c.listsOf(of))
	case Withdraw:
		mistake.State, mistake.Subject = wire.StateAccepted, string(c.listsOf(of))
	}
	if at := slices.IndexFunc(off, func(one Listing) bool { return one.Of == of }); at >= 0 {
		mistake.State, mistake.Subject, mistake.Reason = wire.StateAccepted, string(off[at].Lists), inEnglish(c.replaces())
	}
	return scam, mistake
}

// tell closes the reports of a case that are open, those of each subject with what was decided about it; what is listed is told too
// to those who were told before that it is not.
func (d *Desk) tell(ctx context.Context, c Case, off []Listing, box *inbox.Inbox) error {
	subjects, err := subjectsOf(ctx, d.db, c.ID)
	if err != nil {
		return err
	}
	for _, s := range subjects {
		scam, mistake := outcome(c, s.Name, off)
		for kind, said := range map[string]inbox.Decision{wire.KindScam: scam, wire.KindMistake: mistake} {
			decide, before := box.DecideAll, int64(ever)
			if kind == wire.KindScam && c.Action == List { // who was told that it is not listed
				decide = box.DecideAfterAll
			}
			if kind == wire.KindMistake {
				before = heard(c, said.State == wire.StateAccepted)
			}
			err := d.eachPage(ctx, s.ID, kind, before, func(ids [][]byte) error {
				_, err := decide(ctx, ids, said)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// eachPage hands over the ids of all reports of a subject that are of one kind and came before a time, the oldest first, a thousand at a time.
func (d *Desk) eachPage(ctx context.Context, of int64, kind string, before int64, f func(ids [][]byte) error) error {
	for last := (place{}); ; {
		ids, next, err := d.page(ctx, of, kind, last, before, 1000)
		if err != nil || len(ids) == 0 {
			return err
		}
		last = next
		if err := f(ids); err != nil {
			return err
		}
	}
}

// place is where a report stands among those of its subject.
type place struct{ received, report int64 }

// page returns the ids of the next reports of a subject, and the place of the last.
func (d *Desk) page(ctx context.Context, of int64, kind string, after place, before int64, limit int) (ids [][]byte, last place, err error) {
	rows, err := d.db.QueryContext(ctx, `SELECT id, received, report FROM members WHERE subject = ? AND kind = ? AND (received, report) > (?, ?) AND received < ?
		ORDER BY received, report LIMIT ?`, of, kind, after.received, after.report, before, limit)
	if err != nil {
		return nil, after, err
	}
	defer rows.Close()
	for rows.Next() {
		var one []byte
		if err := rows.Scan(&one, &last.received, &last.report); err != nil {
			return nil, after, err
		}
		ids = append(ids, one)
	}
	return ids, last, rows.Err()
}

// Published notes the release that has what was settled.
func (d *Desk) Published(ctx context.Context, sequence uint64) error {
	_, err := d.db.ExecContext(ctx, `UPDATE cases SET published = ?, released = ? WHERE settled = 1 AND published = 0`, int64(sequence), d.now())
	if err != nil {
		return fmt.Errorf("couldn't note the release: %w", err)
	}
	return nil
}

// reference is the case number as the public sees it, such as "KH-C17".
func reference(c Case) string { return "KH-C" + strconv.FormatInt(c.ID, 10) }

func object(id int64) string { return "case " + strconv.FormatInt(id, 10) }

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
