package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"khien/server/notice"
	"khien/server/public"
	"khien/server/stream"
)

// gatheredAtOnce bounds what is put into cases beside serving: a flood of reports is taken first and sorted later.
const gatheredAtOnce = 2000

// follow looks every few seconds, until ctx is done, whether something happened that no person needs to do: a release
// that is out and not settled, since whoever published it was killed; a listed account that has no takedown case yet,
// or one that was reported again; what a release has changed, which goes into the stream; what platforms are to be told
// of that. With gather, it also puts
// reports into their cases, where no console does so.
func follow(ctx context.Context, s *public.Site, leaves *stream.Stream, notices *notice.Store, gather bool, log *slog.Logger) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		// One of them that fails stops none of the others.
		err := errors.Join(s.Desk.Resume(ctx, s.Shelf, s.Inbox), s.Desk.Deliver(ctx, s.Inbox))
		if gather {
			_, more := s.Desk.GatherUpTo(ctx, s.Inbox, gatheredAtOnce)
			err = errors.Join(err, more)
		}
		_, more := s.Takedowns.Follow(ctx, s.Ledger, time.Now().Unix())
		_, left := leaves.Follow(ctx, s.Ledger)
		_, told := notices.Follow(ctx)
		if err = errors.Join(err, more, left, told); err != nil && ctx.Err() == nil {
			log.Error("couldn't follow the cases", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
