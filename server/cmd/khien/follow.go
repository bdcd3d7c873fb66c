package main

import (
	"context"
	"log/slog"
	"time"

	"khien/server/public"
)

// gatheredAtOnce bounds what is put into cases beside serving: a flood of reports is taken first and sorted later.
const gatheredAtOnce = 2000

// follow looks every few seconds, until ctx is done, whether something happened that no person needs to do: a release that is out
// and not settled, since whoever published it was killed; a listed account that has no takedown case yet, or one that was reported again. With gather, it also puts reports into
// their cases, where no console does so.
func follow(ctx context.Context, s *public.Site, gather bool, log *slog.Logger) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		var err error
		if gather {
			_, err = s.Desk.GatherUpTo(ctx, s.Inbox, gatheredAtOnce)
		}
		if err == nil {
			err = s.Desk.Resume(ctx, s.Shelf, s.Inbox)
		}
		if err == nil {
			_, err = s.Takedowns.Follow(ctx, s.Ledger, time.Now().Unix())
		}
		if err != nil && ctx.Err() == nil {
			log.Error("couldn't follow the cases", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
