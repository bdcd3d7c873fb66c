package exchange

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Runner asks all sources when they are due, until its time is over.
type Runner struct {
	*Exchange
	Actor string
	Log   *slog.Logger
}

const (
	look     = 5 * time.Second // how often a runner looks what is due
	together = 2               // how many sources are asked beside each other
)

// waits is how many seconds an attempt is followed by none: the source's own, a tenth of it more or less, and after
// failures twice as long each time, up to a day.
func waits(every int64, failures int) int64 {
	wait := every
	for range failures {
		if wait = min(wait*2, max(day, every)); wait >= day {
			break
		}
	}
	return max(wait-wait/10+rand.Int64N(wait/5+1), 30)
}

// Run asks sources until ctx is done. One that fails or is slow holds no other: a source that takes its time has one of
// the places, and the others go on in what is left.
func (r *Runner) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	places := make(chan struct{}, together)
	var lock sync.Mutex
	at := map[string]bool{}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := r.Finish(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("couldn't finish what a source has brought", "error", err)
		}
		due, err := r.due(ctx)
		if err != nil && ctx.Err() == nil {
			r.Log.Error("couldn't read the sources", "error", err)
		}
		for _, name := range due {
			lock.Lock()
			busy := at[name]
			lock.Unlock()
			if busy {
				continue
			}
			select {
			case places <- struct{}{}:
			default:
				continue // at the next look
			}
			lock.Lock()
			at[name] = true
			lock.Unlock()
			running.Go(func() {
				defer func() {
					lock.Lock()
					delete(at, name)
					lock.Unlock()
					<-places
				}()
				r.once(ctx, name)
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// once runs one source, and tells what somebody should know.
func (r *Runner) once(ctx context.Context, name string) {
	done, err := r.Exchange.Run(ctx, r.Actor, name, nil)
	switch {
	case ctx.Err() != nil || errors.Is(err, ErrBusy) || errors.Is(err, ErrRemoved):
	case err != nil:
		r.Log.Warn("a source could not be asked", "source", name, "error", err)
	case done.State == Waiting:
		r.Log.Warn("what a source has sent waits for a person", "source", name, "run", done.ID)
	case done.State == Accepted:
		n := done.Numbers
		r.Log.Info("took what a source has sent", "source", name, "new", n.New, "gone", n.Gone, "listed", n.Listed, "asked", n.Asked)
	}
}

// due are the sources whose time has come, the longest ago first. One that was asked in what is the future now was so
// by a clock that was set back.
func (r *Runner) due(ctx context.Context) (names []string, err error) {
	all, err := r.List(ctx)
	now := r.unix()
	for _, s := range all {
		if s.Paused == 0 && s.Removed == 0 && (s.Next <= now || s.Tried > now) {
			names = append(names, s.Name)
		}
	}
	return names, err
}
