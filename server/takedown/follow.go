package takedown

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"khien/server/audit"
	"khien/server/ledger"
	"khien/shared/subject"
)

const (
	day = 24 * 60 * 60

	// ourTime is how long we give ourselves to write a letter, in seconds.
	ourTime = day
	// appealTime is how long we give ourselves to say whether we take a refusal, in seconds.
	appealTime = 7 * day
)

// Robot is the actor of what happens by itself.
const Robot = "khien"

// Move is a step that a person takes.
type Move struct {
	Actor  string
	To     State
	Theirs string // the platform's reference; empty leaves what is known
	Why    string // for the audit log and the history of the case; may be empty
	Clock  int64  // how long the platform has to act, in seconds; 0 is what Platforms says
}

// Bounds of what a person writes, in bytes.
const (
	maxTheirs = 200
	maxWhy    = 2000
)

// ErrTooLong is a reference of more than 200 bytes or a reason of more than 2000.
var ErrTooLong = fmt.Errorf("the text is too long: a reference has at most %d bytes, a reason %d", maxTheirs, maxWhy)

// Move brings a case into another state and returns how it stands then. A step that the state does not allow is
// ErrState.
func (b *Store) Move(ctx context.Context, id int64, m Move, now int64) (Request, error) {
	if len(m.Theirs) > maxTheirs || len(m.Why) > maxWhy {
		return Request{}, ErrTooLong
	}
	m.Theirs = line(m.Theirs)
	return b.change(ctx, id, Transition{Time: now, Actor: m.Actor, Why: m.Why}, func(_ *sql.Tx, c *Request) error {
		if !slices.Contains(next[c.State], m.To) {
			return fmt.Errorf("%w: it is %s", ErrState, c.State)
		}
		if m.Theirs != "" {
			c.Theirs = m.Theirs
		}
		c.move(m.To, now, m.Clock)
		return nil
	})
}

// move brings a case into a state, with all that follows from it. Who acknowledges has no more time than before.
func (c *Request) move(to State, now, clock int64) {
	if clock == 0 {
		clock = platforms[c.Platform].Clock
	}
	switch to {
	case Prepared, ReAppeared:
		c.Due, c.Sent = now+ourTime, 0
		if to == ReAppeared {
			c.Returned++
		}
	case Sent:
		c.Due, c.Sent = now+clock, now
		c.Asked++
	case Appealed:
		c.Due = now + clock
	case Refused:
		c.Due = now + appealTime
	case ActionTaken:
		c.Due, c.Acted = 0, now
		if c.Sent != 0 {
			c.Answered++
		}
	case Withdrawn:
		c.Due = 0
	}
	c.State = to
}

// Undo takes the last step of a case back, where a person took it, and returns how the case stands then; else it is
// ErrState.
func (b *Store) Undo(ctx context.Context, id int64, actor, why string, now int64) (Request, error) {
	return b.change(ctx, id, Transition{Time: now, Actor: actor, Why: why, Undone: true}, func(tx *sql.Tx, c *Request) error {
		var seq int64
		var who, before string
		err := tx.QueryRowContext(ctx, `SELECT seq, actor, before FROM step WHERE takedown = ? AND undone = 0 ORDER BY seq DESC LIMIT 1`, id).Scan(&seq, &who, &before)
		if errors.Is(err, sql.ErrNoRows) || err == nil && who == Robot {
			return fmt.Errorf("%w: there is no step of a person to take back", ErrState)
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE step SET undone = 1 WHERE seq = ?`, seq); err != nil {
			return err
		}
		acted := c.Acted
		if err := json.Unmarshal([]byte(before), c); err != nil {
			return err
		}
		var sent int64
		err = tx.QueryRowContext(ctx, `DELETE FROM action WHERE takedown = ? AND acted = ? AND acted <> ? RETURNING sent`, id, acted, c.Acted).Scan(&sent)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = countAction(ctx, tx, c.Platform, acted-sent, -1)
		}
		return err
	})
}

// change takes a step in one case. It is on the disk, and in the audit log, when change returns nil.
func (b *Store) change(ctx context.Context, id int64, step Transition, f func(*sql.Tx, *Request) error) (Request, error) {
	var c Request
	err := b.desk.Recorded(ctx, func(tx *sql.Tx) ([]audit.Act, error) {
		var err error
		if c, err = scan(tx.QueryRowContext(ctx, selectCase+` WHERE id = ?`, id)); err != nil {
			return nil, err
		}
		act, err := take(ctx, tx, &c, step, f)
		return []audit.Act{act}, err
	})
	if err != nil {
		return Request{}, fmt.Errorf("couldn't change takedown case %d: %w", id, err)
	}
	return c, nil
}

// take changes a case by f, keeps how it was, and returns the act.
func take(ctx context.Context, tx *sql.Tx, c *Request, step Transition, f func(*sql.Tx, *Request) error) (audit.Act, error) {
	before, err := json.Marshal(c)
	if err != nil {
		return audit.Act{}, err
	}
	was := *c
	if err := f(tx, c); err != nil {
		return audit.Act{}, err
	}
	c.Changed = step.Time
	if _, err := tx.ExecContext(ctx, `UPDATE takedown SET state = ?, category = ?, reference = ?, changed = ?, due = ?, theirs = ?, sent = ?, acted = ?,
		asked = ?, answered = ?, returned = ? WHERE id = ?`, string(c.State), int64(c.Category), c.Reference, c.Changed, c.Due, c.Theirs, c.Sent, c.Acted,
		c.Asked, c.Answered, c.Returned, c.ID); err != nil {
		return audit.Act{}, err
	}
	if c.State == ActionTaken && was.State != ActionTaken && !step.Undone && c.Sent != 0 {
		done, err := tx.ExecContext(ctx, `INSERT INTO action (takedown, platform, sent, acted) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, c.ID, c.Platform, c.Sent, c.Acted)
		if err != nil {
			return audit.Act{}, err
		}
		if n, _ := done.RowsAffected(); n == 1 { // else twice in a second
			if err := countAction(ctx, tx, c.Platform, c.Acted-c.Sent, 1); err != nil {
				return audit.Act{}, err
			}
		}
	}
	if err := errors.Join(count(ctx, tx, was, -1), count(ctx, tx, *c, 1)); err != nil {
		return audit.Act{}, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO step (takedown, time, actor, state, why, cause, undone, before) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		c.ID, step.Time, step.Actor, string(c.State), step.Why, step.Cause, step.Undone, string(before)); err != nil {
		return audit.Act{}, err
	}
	act := audit.Act{Time: step.Time, Actor: step.Actor, Verb: audit.Move, Object: c.Object(), Why: audit.Why{Text: step.Why}, Args: audit.Args{State: string(c.State), Cause: step.Cause}}
	if step.Undone {
		act.Verb = audit.MoveBack
	} else if c.Theirs != was.Theirs {
		act.Args.Theirs = c.Theirs
	}
	return act, nil
}

// Followed is what happened by itself.
type Followed struct{ Made, Withdrawn, ReAppeared int }

// Follow makes a case for what is listed on a platform since the last time, withdraws those whose subject was taken
// off the list by a person, and opens those again that somebody has reported after the platform had acted. An
// indicator that has only lapsed withdraws nothing. It is called after each release, and where nothing has happened
// it costs a look at the cases that platforms have acted on.
func (b *Store) Follow(ctx context.Context, book *ledger.Ledger, now int64) (Followed, error) {
	var done Followed
	out, _, err := book.Newest(ctx)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return done, err
	}
	newest, last := int64(out.Sequence), int64(0)
	if err := b.db.QueryRowContext(ctx, `SELECT sequence FROM followed`).Scan(&last); err != nil {
		return done, fmt.Errorf("couldn't follow the takedown cases: %w", err)
	}
	if newest > last {
		if err := b.followList(ctx, book, newest, now, &done); err != nil {
			return done, fmt.Errorf("couldn't follow the takedown cases: %w", err)
		}
	}
	if err := b.followReports(ctx, now, &done); err != nil {
		return done, fmt.Errorf("couldn't follow the takedown cases: %w", err)
	}
	return done, nil
}

// followList compares the cases with what is on the list.
func (b *Store) followList(ctx context.Context, book *ledger.Ledger, newest, now int64, done *Followed) error {
	cases, err := all(b.db.QueryContext(ctx, selectCase))
	if err != nil {
		return err
	}
	known := map[subject.Subject]Request{}
	for _, c := range cases {
		known[c.Subject] = c
	}
	listed := map[subject.Subject]bool{}
	var fresh, again []ledger.Indicator
	for i, err := range book.Active(ctx, now) {
		if err != nil {
			return err
		}
		if PlatformOf(i.Subject) == "" {
			continue
		}
		listed[i.Subject] = true
		if c, ok := known[i.Subject]; !ok {
			fresh = append(fresh, i)
		} else if c.State == Withdrawn {
			again = append(again, i)
		}
	}
	var gone []Request
	for _, c := range cases {
		if listed[c.Subject] || c.State == Withdrawn {
			continue
		}
		entry, err := book.Entry(ctx, c.Subject)
		if err != nil {
			return err
		}
		if entry.Withdrawn != 0 {
			gone = append(gone, c)
		}
	}
	return b.desk.Recorded(ctx, func(tx *sql.Tx) (acts []audit.Act, err error) {
		count := func(n *int, act audit.Act, err error) error {
			if errors.Is(err, ErrState) { // another process was faster
				return nil
			}
			*n++
			acts = append(acts, act)
			return err
		}
		for _, i := range fresh {
			act, err := open(ctx, tx, i, now)
			if err := count(&done.Made, act, err); err != nil {
				return nil, err
			}
		}
		for _, i := range again {
			act, err := b.robot(ctx, tx, known[i.Subject].ID, Prepared, "again", now, i)
			if err := count(&done.Made, act, err); err != nil {
				return nil, err
			}
		}
		for _, c := range gone {
			act, err := b.robot(ctx, tx, c.ID, Withdrawn, "unlisted", now, ledger.Indicator{Category: c.Category, Reference: c.Reference})
			if err := count(&done.Withdrawn, act, err); err != nil {
				return nil, err
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE followed SET sequence = ?`, newest)
		return acts, err
	})
}

// robot takes a step by itself, as it stands in the store now.
func (b *Store) robot(ctx context.Context, tx *sql.Tx, id int64, to State, cause string, now int64, i ledger.Indicator) (audit.Act, error) {
	c, err := scan(tx.QueryRowContext(ctx, selectCase+` WHERE id = ?`, id))
	if err != nil {
		return audit.Act{}, err
	}
	return take(ctx, tx, &c, Transition{Time: now, Actor: Robot, Cause: cause}, func(_ *sql.Tx, c *Request) error {
		if !slices.Contains(next[c.State], to) {
			return ErrState
		}
		c.Category, c.Reference = i.Category, i.Reference
		c.move(to, now, 0)
		return nil
	})
}

// open makes the case of an indicator.
func open(ctx context.Context, tx *sql.Tx, i ledger.Indicator, now int64) (audit.Act, error) {
	c := Request{Platform: PlatformOf(i.Subject), State: Prepared, Due: now + ourTime}
	err := tx.QueryRowContext(ctx, `INSERT INTO takedown (subject, platform, category, reference, state, made, changed, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING RETURNING id`, string(i.Subject), c.Platform, int64(i.Category), i.Reference, string(c.State), now, now, c.Due).Scan(&c.ID)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrState
	}
	if err == nil {
		err = count(ctx, tx, c, 1)
	}
	if err != nil {
		return audit.Act{}, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO step (takedown, time, actor, state, why, cause, before) VALUES (?, ?, ?, ?, '', 'listed', '')`, c.ID, now, Robot, string(Prepared))
	return audit.Act{Time: now, Actor: Robot, Verb: audit.Move, Object: c.Object(),
		Args: audit.Args{State: string(Prepared), Cause: "listed", Names: []subject.Subject{i.Subject}}}, err
}

// followReports opens the cases again whose subject was reported after the platform had acted.
func (b *Store) followReports(ctx context.Context, now int64, done *Followed) error {
	cases, err := all(b.db.QueryContext(ctx, selectCase+` WHERE state = ?`, string(ActionTaken)))
	if err != nil {
		return err
	}
	for _, c := range cases {
		latest, err := b.desk.LastReported(ctx, c.Subject)
		if err != nil {
			return err
		}
		if latest <= c.Acted {
			continue
		}
		_, err = b.change(ctx, c.ID, Transition{Time: now, Actor: Robot, Cause: "reported"}, func(_ *sql.Tx, c *Request) error {
			if c.State != ActionTaken {
				return ErrState
			}
			c.move(ReAppeared, now, 0)
			return nil
		})
		if err != nil && !errors.Is(err, ErrState) {
			return err
		}
		if err == nil {
			done.ReAppeared++
		}
	}
	return nil
}
