package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/evidence"
	"khien/server/inbox"
	"khien/server/triage"
)

const (
	// pictureDays is for how many days a picture is kept after the case of its report was closed.
	pictureDays = 90
	// pictureMost is for how many days a picture is kept at most where nobody has decided.
	pictureMost = 365
)

func evidenceCommand(d *dir) *cobra.Command {
	cmd := group("evidence", "Delete pictures that are needed no more", `  $ khien evidence prune`)
	cmd.AddCommand(evidencePrune(d))
	return cmd
}

func evidencePrune(d *dir) *cobra.Command {
	var days int
	var dry bool
	cmd := &cobra.Command{
		Use: "prune", Short: "Delete the pictures of cases that were closed long ago",
		Long: fmt.Sprintf(`Deletes the pictures that came with reports once their case has been closed for %d days and
nobody objects to it, and those that are %d days old although nobody has decided. "khien serve"
does the same once a day. Files that belong to no report are swept up too. How many were
deleted stands in the audit log. Prints what was done as one JSON object.`, pictureDays, pictureMost),
		Example: `  $ khien evidence prune --dry-run
  {"pictures":41,"bytes":6211077,"deleted":false}`,
		Args: none,
	}
	cmd.Flags().IntVar(&days, "days", pictureDays, "keep them for so many days after their case was closed")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be deleted")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if days < 1 {
			return usagef("--days is a number from 1")
		}
		store, err := d.evidence()
		if err != nil {
			return err
		}
		desk, err := d.desk()
		if err != nil {
			return err
		}
		due, err := duePictures(cmd.Context(), store, desk, days, time.Now().Unix())
		if err != nil {
			return err
		}
		if !dry {
			if err := deletePictures(cmd.Context(), store, desk, due, actor()); err != nil {
				return err
			}
		}
		var size int64
		for _, p := range due {
			size += p.Size
		}
		return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
			Pictures int   `json:"pictures"`
			Bytes    int64 `json:"bytes"`
			Deleted  bool  `json:"deleted"`
		}{len(due), size, !dry})
	}
	return cmd
}

// duePictures are those whose time is over.
func duePictures(ctx context.Context, store *evidence.Store, desk *triage.Desk, days int, now int64) (due []evidence.Picture, err error) {
	const together = 500
	for place := int64(0); ; {
		list, last, err := store.After(ctx, place, together)
		if err != nil {
			return nil, err
		}
		if last == place {
			return due, nil
		}
		place = last
		for _, p := range list {
			c, err := desk.Of(ctx, p.Report)
			if err != nil && !errors.Is(err, triage.ErrNotFound) {
				return nil, err
			}
			end := p.Received + pictureMost*day
			if c.Settled && c.Appeals == 0 && (c.State == triage.StateAccepted || c.State == triage.StateRejected) {
				end = max(c.Changed, p.Received) + int64(days)*day
			}
			if end <= now {
				due = append(due, p)
			}
		}
	}
}

// deletePictures deletes what is due, and writes that into the audit log first.
func deletePictures(ctx context.Context, store *evidence.Store, desk *triage.Desk, due []evidence.Picture, actor string) error {
	if len(due) > 0 {
		a := audit.Act{Time: time.Now().Unix(), Actor: actor, Verb: audit.DeletePictures, Object: audit.Object{Kind: audit.OfEvidence}, Args: audit.Args{Count: len(due), Cause: "kept"}}
		if err := desk.Record(ctx, a); err != nil {
			return fmt.Errorf("couldn't write the audit log: %w", err)
		}
		if err := store.Delete(ctx, due...); err != nil {
			a.Args.Failed = true
			return errors.Join(err, desk.Record(context.WithoutCancel(ctx), a))
		}
	}
	_, err := store.Sweep(ctx)
	return err
}

// tidy deletes the pictures that are due, forgets which network spoke of cases that are closed, and takes cases out of
// the queue that nobody has read for so many days, now and once a day until ctx is done.
func tidy(ctx context.Context, base *db.DB, store *evidence.Store, desk *triage.Desk, box *inbox.Inbox, unread int64, log *slog.Logger) {
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	for {
		end, err := base.Alone(ctx) // what one server deletes no other one says that it has
		if err == nil {
			var due []evidence.Picture
			if due, err = duePictures(ctx, store, desk, pictureDays, time.Now().Unix()); err == nil {
				err = deletePictures(ctx, store, desk, due, "khien serve")
			}
			end()
		}
		if err != nil && ctx.Err() == nil {
			log.Error("couldn't delete old pictures", "error", err)
		}
		if _, err := desk.Forget(ctx, box, 0); err != nil && ctx.Err() == nil {
			log.Error("couldn't forget who reported", "error", err)
		}
		if unread > 0 {
			if _, err := desk.Expire(ctx, unread*day, "khien serve"); err != nil && ctx.Err() == nil {
				log.Error("couldn't tidy the queue", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-daily.C:
		}
	}
}
