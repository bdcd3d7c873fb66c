package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"khien/server/ledger"
	"khien/shared/release"
)

// ErrClock is a time at which nothing is signed before a person has looked at the clock: it is before the release in
// force, or so long after it, or after the end of so many entries, that the clock is more likely wrong. A wrong clock
// would empty the list.
var ErrClock = errors.New("this machine's clock may be wrong: set it, or, if it is right, say so on the console's page \"Publish\" or run khien publish --clock-is-right")

// UnlikelyTime is ErrClock, with what made it so.
type UnlikelyTime struct {
	Now, Issued  int64 // Unix seconds: what the clock says, and of the release in force
	Gone, Listed int   // how many entries of how many would lapse
}

func (u *UnlikelyTime) Error() string {
	return fmt.Sprintf("%v (it says %s, the release in force is of %s, and %d of %d entries would lapse)", ErrClock, day(u.Now), day(u.Issued), u.Gone, u.Listed)
}

func (u *UnlikelyTime) Unwrap() error { return ErrClock }

const (
	// behind is how far before the release in force the time may be.
	behind = 24 * time.Hour
	// pause is how long nothing may have been signed if entries have lapsed meanwhile, and longPause if none have.
	pause, longPause = 30 * 24 * time.Hour, 180 * 24 * time.Hour
	// lapsing is how many entries may lapse at once, whatever part of the list they are; above it, no more than a quarter
	// may.
	lapsing = 20
)

func (p *Publisher) clock(ctx context.Context, last release.Head, now int64) error {
	if p.ClockIsRight || last.Sequence == 0 {
		return nil
	}
	return Clock(ctx, p.Ledger, last, now)
}

// Clock compares a time, in Unix seconds, with the release in force, or returns an UnlikelyTime.
func Clock(ctx context.Context, book *ledger.Ledger, last release.Head, now int64) error {
	gone, listed, err := book.Lapsing(ctx, last.Issued, now)
	if err != nil {
		return err
	}
	since := now - last.Issued
	if since >= -int64(behind.Seconds()) && (gone == 0 && since <= int64(longPause.Seconds()) || gone > 0 && since <= int64(pause.Seconds()) && (gone <= lapsing || gone*4 <= listed)) {
		return nil
	}
	return &UnlikelyTime{now, last.Issued, gone, listed}
}
