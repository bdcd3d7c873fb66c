package staff

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// ShortestDelay and LongestDelay bound how long a release of one person waits for others.
	ShortestDelay, LongestDelay = time.Hour, 14 * 24 * time.Hour
)

var (
	// ErrTeam is an installation that was of several people once: no single one of them makes it their own.
	ErrTeam = errors.New("this is no installation of one person: others are or were on record")
	// ErrDelay is a delay that nobody may set.
	ErrDelay = fmt.Errorf("a delay is from %d hour to %d days", ShortestDelay/time.Hour, LongestDelay/(24*time.Hour))
)

// Register says how many people a release takes.
type Register struct {
	// Alone is an installation that one person runs, and that says so. It ends when a second person who decides is on
	// record, for good.
	Alone bool
	// Delay is how long what one person has proposed waits for others to stop it, in seconds.
	Delay int64
	// Until is when something may go out by itself again, in Unix seconds: somebody who could stop it was locked out a
	// while ago. 0 where nobody was.
	Until int64
	// Next is a shorter delay that holds from Since on, in seconds and Unix seconds; 0 for none.
	Next, Since int64
}

// Register returns it as of now, in Unix seconds.
func (b *Store) Register(ctx context.Context, now int64) (r Register, err error) {
	if err := b.db.QueryRowContext(ctx, `SELECT alone, delay, next, since FROM register`).Scan(&r.Alone, &r.Delay, &r.Next, &r.Since); err != nil {
		return r, fmt.Errorf("couldn't read the register: %w", err)
	}
	if r.Next != 0 && r.Since <= now {
		r.Delay, r.Next, r.Since = r.Next, 0, 0
	}
	if err := b.db.QueryRowContext(ctx, `SELECT coalesce(max(max(gone, suspended)), 0) + ?1 FROM person WHERE counts > 0 AND max(gone, suspended) > ?2 - ?1`, Wait, now).Scan(&r.Until); err != nil {
		return r, fmt.Errorf("couldn't read who was locked out: %w", err)
	}
	if r.Until == Wait {
		r.Until = 0
	}
	return r, nil
}

// Waits is how long what somebody proposes now waits, in seconds: the delay, and Wait from when somebody was locked
// out, lest one person first shut out all who could stop it.
func (r Register) Waits(now int64) int64 { return max(r.Delay, r.Until-now) }

// Opposable tells whether somebody could have stopped what one has proposed, so that it may go out by itself at now, in
// Unix seconds: another one, whose word counts, may enter and has a passkey, and nobody was locked out a while ago. Who
// is on the command line is nobody on record, and may be one of those who are: then it takes two of them. A role
// without a say, which one person gives, is a puppet's.
func (b *Store) Opposable(ctx context.Context, by string, now int64) (bool, error) {
	r, err := b.Register(ctx, now)
	if err != nil || now < r.Until {
		return false, err
	}
	all, err := people(ctx, b.db, ``)
	if err != nil {
		return false, fmt.Errorf("couldn't read who could stop a release: %w", err)
	}
	others, known := 0, false
	for _, p := range all {
		switch {
		case p.Name == by:
			known = true
		case p.In() && p.Role.Weighs() && p.Counts > 0 && p.Waits(now) == 0 && len(p.Passkeys) > 0:
			others++
		}
	}
	return others > 1 || known && others > 0, nil
}

// DeclareAlone says that one person runs all of this, which only an installation can say in which nobody was ever on
// record: else ErrTeam.
func (b *Store) DeclareAlone(ctx context.Context) error {
	return b.db.Change(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE register SET alone = 1 WHERE NOT EXISTS (SELECT 1 FROM person)`)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrTeam)
		}
		return nil
	})
}

// SetDelay sets how long what one person has proposed waits, in whole seconds, and returns the register. Where there
// are others, a shorter delay holds only after the present one, so that they see it come; whoever sets the present one
// takes that back.
func (b *Store) SetDelay(ctx context.Context, delay time.Duration, now int64) (r Register, err error) {
	if delay < ShortestDelay || delay > LongestDelay {
		return r, ErrDelay
	}
	if r, err = b.Register(ctx, now); err != nil {
		return r, err
	}
	want := int64(delay.Seconds())
	if r.Alone || want >= r.Delay {
		r.Delay, r.Next, r.Since = want, 0, 0
	} else {
		r.Next, r.Since = want, now+r.Delay
	}
	if _, err := b.db.ExecContext(ctx, `UPDATE register SET delay = ?, next = ?, since = ?`, r.Delay, r.Next, r.Since); err != nil {
		return r, fmt.Errorf("couldn't set the delay: %w", err)
	}
	return r, nil
}
