package triage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"khien/server/audit"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/shared/subject"
	"khien/shared/wire"
)

// DecideNow is Decide for who works on the command line: what takes nobody else is in the ledger and told to those who
// reported when it returns, and the next release has it. What a second person must agree to is proposed, as in the
// console.
func (d *Desk) DecideNow(ctx context.Context, book *ledger.Ledger, box *inbox.Inbox, id int64, v Decision) (Case, error) {
	c, err := d.Decide(ctx, id, v)
	if err != nil || !decided(c) {
		return c, err
	}
	if err := d.Settle(ctx, book, box, []Case{c}); err != nil { // the next release does
		return c, err
	}
	return d.Get(ctx, c.ID)
}

// Reopen opens a case again that was decided and settled: people decide about it anew, and those who reported it as a
// scam are told that it is looked at. What is on the list stays there until then, see Replaced. A decision that is not
// settled is for Undo, and ErrState here. What two people decided two must open again, as in Undo.
func (d *Desk) Reopen(ctx context.Context, box *inbox.Inbox, id int64, actor string, why audit.Why) (Case, error) {
	c, err := d.Get(ctx, id)
	if err != nil {
		return c, err
	}
	if !closed(c) {
		return c, fmt.Errorf("couldn't open case %d again: %w", id, ErrState)
	}
	if !c.UndoneBy(actor) {
		return d.update(ctx, id, func(tx *sql.Tx, c Case) error {
			if !closed(c) || c.UndoneBy(actor) {
				return ErrState
			}
			return wants(ctx, tx, c, actor, why, d.now())
		})
	}
	c, err = d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		if !closed(c) || !c.UndoneBy(actor) {
			return ErrState
		}
		return d.reopen(ctx, tx, c, actor, audit.Args{By: c.Undoing}, why)
	})
	if err == nil {
		d.Deliver(ctx, box) // who can't be told now is told at the next time
	}
	return c, err
}

// reopen opens a closed case again, whoever decided it.
func (d *Desk) reopen(ctx context.Context, tx *sql.Tx, c Case, actor string, how audit.Args, why audit.Why) error {
	subjects, err := subjectsOf(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	for _, one := range subjects {
		if err := eachPage(ctx, tx, one.ID, wire.KindScam, func(ids [][]byte) error {
			return tell(ctx, tx, letter{Reports: ids, Reopen: true, Transition: inbox.Transition{Actor: actor, Time: d.now()}})
		}); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET state = 'open', action = '', lists = '', reason = '{}', lapses = 0, decided = '', seconded = '', undoing = '', wished = 0,
		settled = 0, published = 0, expired = 0, earlier = '', rest = 0, changed = ? WHERE id = ?`, d.now(), c.ID); err != nil {
		return err
	}
	if err := rank(ctx, tx, c.ID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Act{Time: d.now(), Actor: actor, Verb: audit.Reopen, Object: object(c.ID), Args: how, Why: why})
}

// closed tells whether a case is decided, and that it is settled.
func closed(c Case) bool { return c.Settled && decided(c) }

func decided(c Case) bool { return c.State == StateAccepted || c.State == StateRejected }

// RejectAlone tells who sent one report, by its id, that it is rejected, whatever was decided about its case before it
// came.
func (d *Desk) RejectAlone(ctx context.Context, box *inbox.Inbox, report inbox.Report, actor string, reason map[string]string, why audit.Why) error {
	said := letter{Transition: inbox.Transition{State: wire.StateRejected, Reason: inEnglish(reason)}}
	return d.alone(ctx, box, report, said, audit.Act{Actor: actor, Verb: audit.Reject, Why: why})
}

// ReopenAlone takes back what was said about one report alone.
func (d *Desk) ReopenAlone(ctx context.Context, box *inbox.Inbox, report inbox.Report, actor string) error {
	return d.alone(ctx, box, report, letter{Reopen: true}, audit.Act{Actor: actor, Verb: audit.Reopen})
}

func (d *Desk) alone(ctx context.Context, box *inbox.Inbox, report inbox.Report, l letter, a audit.Act) error {
	a.Time, a.Object = d.now(), audit.Object{Kind: audit.OfReport, ID: report.Name()}
	l.Reports, l.Actor, l.Time = [][]byte{report.ID}, a.Actor, a.Time
	err := d.Recorded(ctx, func(tx *sql.Tx) ([]audit.Act, error) { return []audit.Act{a}, tell(ctx, tx, l) })
	if err != nil {
		return fmt.Errorf("couldn't decide about a report: %w", err)
	}
	d.Deliver(ctx, box) // who can't be told now is told at the next time
	return nil
}

// Unanswer takes the answer to one appeal back, by the id of its report, which is told: it waits again. What was listed
// or taken off stays so. Where it waits already, nothing changes.
func (d *Desk) Unanswer(ctx context.Context, box *inbox.Inbox, report []byte, actor string, why audit.Why) error {
	err := d.change(ctx, func(tx *sql.Tx) error {
		if err := tell(ctx, tx, letter{Reports: [][]byte{report}, Reopen: true, Transition: inbox.Transition{Actor: actor, Time: d.now()}}); err != nil {
			return err
		}
		var id, answer int64
		err := tx.QueryRowContext(ctx, `SELECT case_id, answered FROM members JOIN subjects ON subjects.id = subject WHERE members.id = ? AND kind = 'mistake' AND answered <> 0`, report).Scan(&id, &answer)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE members SET answered = 0 WHERE id = ?`, report)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE answer SET appeals = appeals - 1 WHERE seq = ?`, answer)
		}
		if err == nil {
			err = recountAppeals(ctx, tx, id)
		}
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Act{Time: d.now(), Actor: actor, Verb: audit.Unanswer, Object: object(id), Why: why})
	})
	if err != nil {
		return fmt.Errorf("couldn't take an answer back: %w", err)
	}
	d.Deliver(ctx, box) // who can't be told now is told at the next time
	return nil
}

// Listing returns the case whose decision put a subject on the list, or else the one in which people object to it; or
// ErrNotFound.
func (d *Desk) Listing(ctx context.Context, s subject.Subject) (Case, error) {
	c, err := scanCase(d.db.QueryRowContext(ctx, selectCase+` WHERE state = 'accepted' AND action = 'list' AND settled = 1
		AND id = (SELECT case_id FROM subjects WHERE id = (SELECT case_subject FROM indicator WHERE indicator.subject = ?))`, string(s)))
	if !errors.Is(err, ErrNotFound) {
		return c, err
	}
	c, err = d.Named(ctx, s)
	if err == nil && c.Appeals == 0 {
		return Case{}, ErrNotFound
	}
	return c, err
}

// Standings tells how the cases of reports stand, by the ids of the reports; those that are in no case yet are left
// out.
func (d *Desk) Standings(ctx context.Context, reports [][]byte) (map[string]Case, error) {
	all := make(map[string]Case, len(reports))
	for _, id := range reports {
		c, err := d.Of(ctx, id)
		switch {
		case err == nil:
			all[string(id)] = c
		case !errors.Is(err, ErrNotFound):
			return nil, fmt.Errorf("couldn't read the case of a report: %w", err)
		}
	}
	return all, nil
}
