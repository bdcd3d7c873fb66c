package takedown

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"khien/server/audit"
	"khien/server/db"
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

	Territory string // of Restricted: countries, with a blank between them
	Until     int64  // of Restricted: Unix seconds of when it ends; 0 is never
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
		c.apply(m, now)
		return nil
	})
}

// apply takes a person's or a platform's step.
func (c *Request) apply(m Move, now int64) {
	if m.Theirs != "" {
		c.Theirs = m.Theirs
	}
	c.move(m.To, now, m.Clock)
	if m.To == Restricted {
		c.Territory, c.Until, c.Due = line(m.Territory), m.Until, m.Until
	}
}

// move brings a case into a state, with all that follows from it. Who acknowledges has no more time than before.
func (c *Request) move(to State, now, clock int64) {
	if clock == 0 {
		clock = platforms[c.Platform].Clock
	}
	c.Territory, c.Until = "", 0
	switch to {
	case Prepared, ReAppeared:
		c.Due, c.Sent = now+ourTime, 0
		if to == ReAppeared {
			c.Returned++
		}
	case Sent:
		c.Due = now + clock
		if c.State != NeedMore { // else it is about what was asked before
			c.Sent = now
			c.Asked++
		}
	case Appealed:
		c.Due = now + clock
	case Refused, Restored:
		c.Due = now + appealTime
	case NeedMore:
		c.Due = now + ourTime
	case ActionTaken, Restricted:
		if c.Sent != 0 && c.Answered < c.Asked && c.Acted <= c.Sent { // else it has acted before on what was asked
			c.Answered++
		}
		c.Due, c.Acted = 0, now
	case Withdrawn:
		c.Due = 0
	}
	c.State = to
}

// Turn is what a case asks for now: the platform is to be told, or told that we were mistaken.
type Turn struct {
	Request
	Step int64 // number of the step that made it so
}

// Turns returns the cases in which a step after one was taken and that ask for something, at most limit of them, and the
// last step that was looked at.
func (b *Store) Turns(ctx context.Context, tx *sql.Tx, after int64, limit int) (list []Turn, last int64, err error) {
	type touched struct{ id, seq int64 }
	steps, err := db.All(func(row db.Row) (t touched, err error) { return t, row.Scan(&t.id, &t.seq) })(
		tx.QueryContext(ctx, `SELECT takedown, seq FROM step WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit))
	last = after
	seen := map[int64]bool{}
	for _, s := range steps {
		last = s.seq
		if seen[s.id] || err != nil {
			continue
		}
		seen[s.id] = true
		var t Turn
		if t, err = b.Turn(ctx, tx, s.id); err == nil && t.Step != 0 {
			list = append(list, t)
		}
	}
	if err != nil {
		return nil, after, fmt.Errorf("couldn't read the takedown cases: %w", err)
	}
	return list, last, nil
}

// LastStep is the number of the last step that was taken in any case.
func (b *Store) LastStep(ctx context.Context) (seq int64, err error) {
	return seq, b.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM step`).Scan(&seq)
}

// Turn is a case with the step by which it asks for something; 0 where it asks for nothing.
func (b *Store) Turn(ctx context.Context, tx *sql.Tx, id int64) (t Turn, err error) {
	if t.Request, err = scan(tx.QueryRowContext(ctx, selectCase+` WHERE id = ?`, id)); err != nil {
		return t, err
	}
	if t.State == Prepared || t.State == ReAppeared || t.State == Withdrawn {
		err = tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM step WHERE takedown = ? AND undone = 0 AND state = ?`, id, string(t.State)).Scan(&t.Step)
	}
	return t, err
}

// MoveIn takes a step that a machine takes, ours or the platform's, in a change that others make. The case may be in any
// state but Withdrawn, for what the platform has said last counts. The act is for the audit log.
func (b *Store) MoveIn(ctx context.Context, tx *sql.Tx, id int64, m Move, now int64) (audit.Act, error) {
	if len(m.Theirs) > maxTheirs || len(m.Why) > maxWhy {
		return audit.Act{}, ErrTooLong
	}
	m.Theirs = line(m.Theirs)
	c, err := scan(tx.QueryRowContext(ctx, selectCase+` WHERE id = ?`, id))
	if err == nil && c.State == Withdrawn {
		err = fmt.Errorf("%w: it is %s", ErrState, c.State)
	}
	if err != nil {
		return audit.Act{}, err
	}
	return take(ctx, tx, &c, Transition{Time: now, Actor: m.Actor, Why: m.Why}, func(_ *sql.Tx, c *Request) error {
		c.apply(m, now)
		return nil
	})
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
	if _, err := tx.ExecContext(ctx, `UPDATE takedown SET state = ?, changed = ?, due = ?, place = ?, theirs = ?, sent = ?, acted = ?,
		asked = ?, answered = ?, returned = ?, territory = ?, until = ? WHERE id = ?`, string(c.State), c.Changed, c.Due, c.place(), c.Theirs, c.Sent, c.Acted,
		c.Asked, c.Answered, c.Returned, c.Territory, c.Until, c.ID); err != nil {
		return audit.Act{}, err
	}
	if c.Answered > was.Answered && !step.Undone {
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

// together is how many decisions or reports are followed in one change: nobody else waits for more.
const together = 1000

// Follow makes a case for what was listed on a platform, withdraws those whose subject a person has taken off the list,
// and opens those again that somebody has reported after the platform had acted. It goes by what was decided since the
// last time and is in a release, and by the reports that came into cases since then; where there are none, it costs a
// look at the last of them. An indicator that has only lapsed withdraws nothing.
func (b *Store) Follow(ctx context.Context, book *ledger.Ledger, now int64) (done Followed, err error) {
	for _, some := range []func(context.Context, *ledger.Ledger, int64, *Followed) (bool, error){b.followList, b.followReports} {
		for more := true; more; {
			if more, err = some(ctx, book, now, &done); err != nil {
				return done, fmt.Errorf("couldn't follow the takedown cases: %w", err)
			}
		}
	}
	return done, nil
}

// followList follows some of the decisions that are in a release.
func (b *Store) followList(ctx context.Context, book *ledger.Ledger, now int64, done *Followed) (more bool, err error) {
	const position = `SELECT decided FROM followed`
	var last int64
	released, err := book.Released(ctx)
	if err == nil {
		err = b.db.QueryRowContext(ctx, position).Scan(&last)
	}
	if err != nil || last >= released {
		return false, err
	}
	return true, b.desk.Recorded(ctx, func(tx *sql.Tx) (acts []audit.Act, err error) {
		book := book.In(tx)
		if err := tx.QueryRowContext(ctx, position).Scan(&last); err != nil { // another process may have been faster
			return nil, err
		}
		decisions, err := book.Between(ctx, last, released, together)
		if err != nil {
			return nil, err
		}
		if last = released; len(decisions) == together {
			last = decisions[together-1].Seq
		}
		for _, d := range decisions {
			if PlatformOf(d.Subject) == "" {
				continue
			}
			act, err := follow(ctx, tx, book, d.Subject, now, done)
			if err != nil {
				return nil, err
			}
			acts = append(acts, act...)
		}
		_, err = tx.ExecContext(ctx, `UPDATE followed SET decided = ?`, last)
		return acts, err
	})
}

// follow brings the case of a subject to what its entry says, where it is not there yet.
func follow(ctx context.Context, tx *sql.Tx, book *ledger.Ledger, s subject.Subject, now int64, done *Followed) ([]audit.Act, error) {
	entry, err := book.Entry(ctx, s)
	if err != nil {
		return nil, err
	}
	c, err := scan(tx.QueryRowContext(ctx, selectCase+` WHERE takedown.subject = ?`, string(s)))
	var act audit.Act
	switch listed := entry.Listed(now); {
	case errors.Is(err, ErrNotFound) && listed:
		done.Made++
		act, err = open(ctx, tx, s, now)
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
	case listed && c.State == Withdrawn:
		done.Made++
		act, err = robot(ctx, tx, c, Prepared, "again", now)
	case entry.Withdrawn != 0 && c.State != Withdrawn:
		done.Withdrawn++
		act, err = robot(ctx, tx, c, Withdrawn, "unlisted", now)
	default:
		return nil, nil
	}
	return []audit.Act{act}, err
}

// robot takes a step by itself.
func robot(ctx context.Context, tx *sql.Tx, c Request, to State, cause string, now int64) (audit.Act, error) {
	return take(ctx, tx, &c, Transition{Time: now, Actor: Robot, Cause: cause}, func(_ *sql.Tx, c *Request) error {
		c.move(to, now, 0)
		return nil
	})
}

// open makes the case of a subject.
func open(ctx context.Context, tx *sql.Tx, s subject.Subject, now int64) (audit.Act, error) {
	c := Request{Platform: PlatformOf(s), State: Prepared, Due: now + ourTime}
	err := tx.QueryRowContext(ctx, `INSERT INTO takedown (subject, platform, state, made, changed, due, place) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		string(s), c.Platform, string(c.State), now, now, c.Due, c.place()).Scan(&c.ID)
	if err == nil {
		err = count(ctx, tx, c, 1)
	}
	if err != nil {
		return audit.Act{}, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO step (takedown, time, actor, state, why, cause, before) VALUES (?, ?, ?, ?, '', 'listed', '')`, c.ID, now, Robot, string(Prepared))
	return audit.Act{Time: now, Actor: Robot, Verb: audit.Move, Object: c.Object(),
		Args: audit.Args{State: string(Prepared), Cause: "listed", Names: []subject.Subject{s}}}, err
}

// followReports opens the cases again whose subject some of the newest reports name, where they came after the platform
// had acted.
func (b *Store) followReports(ctx context.Context, _ *ledger.Ledger, now int64, done *Followed) (more bool, err error) {
	var after int64
	if err := b.db.QueryRowContext(ctx, `SELECT report FROM followed`).Scan(&after); err != nil {
		return false, err
	}
	reported, last, err := b.desk.ReportedAfter(ctx, after, together)
	if err != nil || last == after {
		return false, err
	}
	return true, b.desk.Recorded(ctx, func(tx *sql.Tx) (acts []audit.Act, err error) {
		for _, s := range slices.Sorted(maps.Keys(reported)) {
			if PlatformOf(s) == "" {
				continue
			}
			c, err := scan(tx.QueryRowContext(ctx, selectCase+` WHERE takedown.subject = ?`, string(s)))
			if errors.Is(err, ErrNotFound) || err == nil && (c.State != ActionTaken || reported[s] <= c.Acted) {
				continue
			}
			if err != nil {
				return nil, err
			}
			act, err := robot(ctx, tx, c, ReAppeared, "reported", now)
			if err != nil {
				return nil, err
			}
			done.ReAppeared++
			acts = append(acts, act)
		}
		_, err = tx.ExecContext(ctx, `UPDATE followed SET report = max(report, ?)`, last)
		return acts, err
	})
}
