package triage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Decision is what a person decides about a case.
type Decision struct {
	Actor    string
	Action   Action
	Lists    subject.Subject   // what to list, or to take off the list; the narrowest that does it
	Category category.Category // of what is listed
	Reason   map[string]string // by language, public
	Lapses   int64             // Unix seconds; 0 is never
	Why      string            // for the audit log; may be empty
	// Impact is why a second person must agree; empty where one is enough. See Impact.
	Impact string
}

// Decide decides about a case that is open or waits for more, and returns how it stands then. What may not be listed
// is ErrRefused, a case that is decided already ErrState.
func (d *Desk) Decide(ctx context.Context, id int64, v Decision) (Case, error) {
	state := map[Action]State{List: StateAccepted, Withdraw: StateAccepted, Reject: StateRejected, Ask: StateAsked}[v.Action]
	if v.Impact != "" && state == StateAccepted {
		state = StateProposed
	}
	if v.Action == List {
		if _, err := subject.Parse(string(v.Lists)); err != nil {
			return Case{}, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		if err := publish.Guard(v.Lists); err != nil {
			return Case{}, fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	reason, err := json.Marshal(v.Reason)
	if err != nil || v.Reason == nil {
		reason = []byte("{}")
	}
	return d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		// What is listed can be taken off again, or listed otherwise, when somebody objects, though its case was closed;
		// that it stays as it is, Uphold says.
		again := c.Appeals > 0 && c.Settled && (c.State == StateAccepted || c.State == StateRejected) && (v.Action == Withdraw || v.Action == List)
		if c.State != StateOpen && c.State != StateAsked && !again || state == "" {
			return ErrState
		}
		kind := c.Category
		if v.Action == List {
			kind = v.Category.Slug()
		}
		// Whoever undoes this must come back to what stood before: it is on the list all the while.
		if again {
			_, err = tx.ExecContext(ctx, `UPDATE cases SET earlier = json_object('state', state, 'action', action, 'lists', lists, 'category', category, 'reason', reason,
				'lapses', lapses, 'ruled', ruled, 'decided', decided, 'seconded', seconded, 'published', published, 'changed', changed) WHERE id = ?`, id)
		} else {
			_, err = tx.ExecContext(ctx, `UPDATE cases SET earlier = '' WHERE id = ?`, id)
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE cases SET state = ?, action = ?, lists = ?, category = ?, reason = ?, lapses = ?, decided = ?, seconded = '',
			settled = 0, published = 0, ruled = score, changed = ? WHERE id = ?`,
			state, v.Action, string(v.Lists), kind, string(reason), v.Lapses, v.Actor, d.now(), id)
		if err != nil {
			return err
		}
		why := v.Why
		if v.Impact != "" {
			why = join(why, "a second person must agree: "+v.Impact)
		}
		return record(ctx, tx, Act{Time: d.now(), Actor: v.Actor, Action: string(v.Action) + " " + string(v.Lists), Object: object(id), Why: why})
	})
}

// Second agrees to what another person has proposed.
func (d *Desk) Second(ctx context.Context, id int64, actor, why string) (Case, error) {
	return d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		switch {
		case c.State != StateProposed:
			return ErrState
		case c.Decided == actor:
			return ErrSamePerson
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET state = 'accepted', seconded = ?, changed = ? WHERE id = ?`, actor, d.now(), id); err != nil {
			return err
		}
		return record(ctx, tx, Act{Time: d.now(), Actor: actor, Action: "second", Object: object(id), Why: why})
	})
}

// Undo takes a decision back that is in no release yet; else it is ErrState. The case is open again; one that was closed
// before somebody objected is as it was then, with the objection unanswered.
func (d *Desk) Undo(ctx context.Context, id int64, actor, why string) (Case, error) {
	return d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		if c.Settled || c.State == StateOpen || c.State == StateMerged {
			return ErrState
		}
		restored, err := tx.ExecContext(ctx, `UPDATE cases SET state = earlier ->> 'state', action = earlier ->> 'action', lists = earlier ->> 'lists', category = earlier ->> 'category',
			reason = earlier ->> 'reason', lapses = earlier ->> 'lapses', ruled = earlier ->> 'ruled', decided = earlier ->> 'decided', seconded = earlier ->> 'seconded',
			published = earlier ->> 'published', changed = earlier ->> 'changed', settled = 1, earlier = '' WHERE id = ? AND earlier <> ''`, id)
		if err != nil {
			return err
		}
		if n, err := restored.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			if _, err := tx.ExecContext(ctx, `UPDATE cases SET state = 'open', action = '', lists = '', reason = '{}', lapses = 0, decided = '', seconded = '', changed = ? WHERE id = ?`, d.now(), id); err != nil {
				return err
			}
		}
		if err := rank(ctx, tx, id); err != nil {
			return err
		}
		return record(ctx, tx, Act{Time: d.now(), Actor: actor, Action: "undo", Object: object(id), Why: why})
	})
}

// Merge puts the reports of one case into another: they are about the same thing. Both must be open or wait for more.
func (d *Desk) Merge(ctx context.Context, from, into int64, actor, why string) (Case, error) {
	if from == into {
		return Case{}, ErrState
	}
	return d.update(ctx, into, func(tx *sql.Tx, c Case) error {
		other, err := get(ctx, tx, from)
		if err != nil {
			return err
		}
		if !undecided(c) || !undecided(other) {
			return ErrState
		}
		for _, step := range []string{
			`UPDATE members SET case_id = ?2 WHERE case_id = ?1`,
			`UPDATE names SET case_id = ?2 WHERE case_id = ?1`,
			`UPDATE cases SET opened = min(opened, (SELECT opened FROM cases WHERE id = ?1)) WHERE id = ?2`,
			`UPDATE cases SET state = 'merged', into_case = ?2 WHERE id = ?1`,
		} {
			if _, err := tx.ExecContext(ctx, step, from, into); err != nil {
				return err
			}
		}
		if err := recount(ctx, tx, from); err != nil {
			return err
		}
		if err := recount(ctx, tx, into); err != nil {
			return err
		}
		return record(ctx, tx, Act{Time: d.now(), Actor: actor, Action: "merge " + object(from), Object: object(into), Why: why})
	})
}

// Split takes a name with the reports that gave it out of a case, into one of its own, and returns that.
func (d *Desk) Split(ctx context.Context, id int64, name subject.Subject, reports [][]byte, actor, why string) (Case, error) {
	var made Case
	_, err := d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		if !undecided(c) || name == c.Subject || len(reports) == 0 {
			return ErrState
		}
		done, err := tx.ExecContext(ctx, `INSERT INTO cases (subject, platform, state, opened, latest, changed, reports, appeals, sources, category, protected, score, burst, noted)
			VALUES (?, ?, 'open', ?, ?, ?, 0, 0, 0, '', ?, 0, 0, 0)`, string(name), platformOf(name), c.Opened, c.Latest, d.now(), publish.Guard(name) != nil)
		if err != nil {
			return err
		}
		made.ID, _ = done.LastInsertId()
		if _, err := tx.ExecContext(ctx, `INSERT INTO names (name, case_id) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET case_id = ?2`, string(name), made.ID); err != nil {
			return err
		}
		for _, report := range reports {
			done, err := tx.ExecContext(ctx, `UPDATE members SET case_id = ? WHERE id = ? AND case_id = ?`, made.ID, report, id)
			if err != nil {
				return err
			}
			if n, _ := done.RowsAffected(); n != 1 {
				return inbox.ErrNotFound
			}
		}
		for _, one := range []int64{id, made.ID} {
			if err := recount(ctx, tx, one); err != nil {
				return err
			}
		}
		if err := record(ctx, tx, Act{Time: d.now(), Actor: actor, Action: "split off " + object(made.ID), Object: object(id), Why: why}); err != nil {
			return err
		}
		made, err = get(ctx, tx, made.ID)
		return err
	})
	return made, err
}

func undecided(c Case) bool { return c.State == StateOpen || c.State == StateAsked }

// update changes one case in a transaction and returns how it stands then.
func (d *Desk) update(ctx context.Context, id int64, f func(*sql.Tx, Case) error) (c Case, err error) {
	err = d.change(ctx, func(tx *sql.Tx) error {
		if c, err = get(ctx, tx, id); err != nil {
			return err
		}
		if err := f(tx, c); err != nil {
			return err
		}
		c, err = get(ctx, tx, id)
		return err
	})
	if err != nil {
		return Case{}, fmt.Errorf("couldn't change case %d: %w", id, err)
	}
	return c, nil
}

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
	switch c.Action {
	case List:
		if err := book.List(ctx, c.Decided, c.Indicator()); err != nil {
			return err
		}
	case Withdraw:
		err := book.Withdraw(ctx, c.Decided, c.Lists, c.Reason)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
	}
	if err := d.tell(ctx, c, box); err != nil {
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
		waiting, err := unanswered(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		_, mistake := outcome(c)
		if _, err := box.DecideAll(ctx, waiting, mistake); err != nil {
			return err
		}
		return answered(ctx, tx, c, c.Decided, c.Action == Withdraw, c.Reason, c.Changed)
	})
}

// outcome is what those are told who reported the subject of a settled case as a scam, and as a mistake.
func outcome(c Case) (scam, mistake inbox.Decision) {
	scam = inbox.Decision{Time: c.Changed, Actor: c.Decided, State: wire.StateRejected, Reason: inEnglish(c.Reason)}
	mistake = scam
	switch c.Action {
	case List:
		scam.State, scam.Subject = wire.StateAccepted, string(c.Lists)
	case Withdraw:
		mistake.State, mistake.Subject = wire.StateAccepted, string(c.Lists)
	}
	return scam, mistake
}

// tell closes the reports of a case that are open.
func (d *Desk) tell(ctx context.Context, c Case, box *inbox.Inbox) error {
	scam, mistake := outcome(c)
	const together = 1000
	for last := int64(0); ; {
		scams, mistakes, next, err := d.page(ctx, c.ID, last, together)
		if err != nil {
			return err
		}
		if next == last {
			return nil
		}
		last = next
		if _, err := box.DecideAll(ctx, scams, scam); err != nil {
			return err
		}
		if _, err := box.DecideAll(ctx, mistakes, mistake); err != nil {
			return err
		}
	}
}

// page returns the ids of the next reports of a case, those of scams and those of mistakes, and the place of the last.
func (d *Desk) page(ctx context.Context, id, after int64, limit int) (scams, mistakes [][]byte, last int64, err error) {
	rows, err := d.db.QueryContext(ctx, `SELECT report, id, kind FROM members WHERE case_id = ? AND report > ? ORDER BY report LIMIT ?`, id, after, limit)
	if err != nil {
		return nil, nil, 0, err
	}
	defer rows.Close()
	last = after
	for rows.Next() {
		var report []byte
		var kind string
		if err := rows.Scan(&last, &report, &kind); err != nil {
			return nil, nil, 0, err
		}
		if kind == wire.KindMistake {
			mistakes = append(mistakes, report)
		} else {
			scams = append(scams, report)
		}
	}
	return scams, mistakes, last, rows.Err()
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
