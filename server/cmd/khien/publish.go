package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"khien/server/feed"
	"khien/server/inbox"
	"khien/server/publish"
	"khien/server/takedown"
	"khien/server/triage"
)

func publishCommand(d *dir) *cobra.Command {
	var why string
	var alone bool
	cmd := &cobra.Command{
		Use: "publish", Short: "Publish the ledger as a signed release",
		Long: `Writes the set, its deltas and its buckets, and the signed head last. Where nothing has
changed and the head has more than half of its life left, nothing is published. Protected
names are never published. What was decided about cases in the console goes into the ledger
first. Prints what was published as one JSON object.

What reaches far takes two people, who confirm it in the console ("Publish"): more than 50
changes of the list, and what lists or takes off a popular host, a host of a suffix that a
company rents out or an official account, unless two have agreed on it already. Where there is
nobody else, as with the first import, --alone publishes it, and the audit log says so.`,
		Example: `  $ khien publish
  {"sequence":42,"count":34467,"added":12,"removed":3,"size":93184,"published":true}
  $ khien publish --alone --why "the national list of this month"`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if alone && why == "" {
				return usagef("say with --why why nobody else confirms it")
			}
			p, done, err := d.publisher()
			if err != nil {
				return err
			}
			defer done()
			box, err := d.inbox()
			if err != nil {
				return err
			}
			defer box.Close()
			desk, err := d.desk()
			if err != nil {
				return err
			}
			defer desk.Close()
			r, err := d.release(cmd.Context(), desk, p, box, alone, why)
			if err != nil {
				return err
			}
			takedowns, err := d.takedownsOf(desk)
			if err != nil {
				return err
			}
			defer takedowns.Close()
			followed, err := takedowns.Follow(cmd.Context(), p.Ledger, time.Now().Unix())
			if err != nil {
				return err
			}
			words := cmd.ErrOrStderr()
			for _, refused := range r.Refused {
				fmt.Fprintf(words, "not published: %v\n", refused)
			}
			if r.Published {
				fmt.Fprintf(words, "release %d: %s, %d added, %d removed\n", r.Sequence, triage.Counted(r.Count, "indicator", "indicators"), r.Added, r.Removed)
			} else {
				fmt.Fprintf(words, "release %d is up to date\n", r.Sequence)
			}
			if followed != (takedown.Followed{}) {
				fmt.Fprintf(words, "takedown cases: %d prepared, %d withdrawn, %d re-appeared\n", followed.Made, followed.Withdrawn, followed.ReAppeared)
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{
				"sequence": r.Sequence, "count": r.Count, "added": r.Added, "removed": r.Removed, "size": r.SetSize, "published": r.Published,
			})
		},
	}
	cmd.Flags().StringVar(&why, "why", "", "for the audit log")
	cmd.Flags().BoolVar(&alone, "alone", false, "publish what two people should confirm; needs --why")
	return cmd
}

// release publishes what was decided, and refuses what two people must confirm unless somebody says that they are alone.
func (d *dir) release(ctx context.Context, desk *triage.Desk, p *publish.Publisher, box *inbox.Inbox, alone bool, why string) (publish.Result, error) {
	now := time.Now().Unix()
	impact, err := d.impact()
	if err != nil {
		return publish.Result{}, err
	}
	plan, err := desk.Plan(ctx, p, impact, now)
	if err != nil {
		return publish.Result{}, err
	}
	if plan.Two != (triage.Two{}) {
		if !alone {
			return publish.Result{}, fmt.Errorf("two people must confirm this release (%s): do so in the console, or say \"khien publish --alone --why TEXT\" where there is nobody else", plan.Two)
		}
		why = fmt.Sprintf("alone (%s): %s", plan.Two, why)
	}
	r, err := desk.ReleasePlanned(ctx, p, box, actor(), why, now, plan.Plan)
	if errors.Is(err, publish.ErrChanged) {
		err = fmt.Errorf("%w, somebody else is at work: run it again", err)
	}
	return r, err
}

func exportCommand(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "export FORMAT", Short: "Write the indicators in force, for others",
		Long: `Formats:
  csv    with a header; "khien import csv" reads it again`,
		Example: `  $ khien export csv > indicators.csv`,
		Args:    exactly(1, "a format: csv"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "csv" {
				return usagef("there is no format %q: use csv", args[0])
			}
			book, err := d.ledger()
			if err != nil {
				return err
			}
			defer book.Close()
			return feed.WriteCSV(cmd.OutOrStdout(), book.Active(cmd.Context(), time.Now().Unix()))
		},
	}
}
