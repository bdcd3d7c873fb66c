package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"khien/server/feed"
	"khien/server/takedown"
)

func publishCommand(d *dir) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use: "publish", Short: "Publish the ledger as a signed release",
		Long: `Writes the set, its deltas and its buckets, and the signed head last. Where nothing has
changed and the head has more than half of its life left, nothing is published. Protected
names are never published. What was decided about cases in the console goes into the ledger
first. Prints what was published as one JSON object.`,
		Example: `  $ khien publish
  {"sequence":42,"count":34467,"added":12,"removed":3,"size":93184,"published":true}`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
			r, err := desk.Release(cmd.Context(), p, box, actor(), why, time.Now().Unix())
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
				fmt.Fprintf(words, "release %d: %d indicators, %d added, %d removed\n", r.Sequence, r.Count, r.Added, r.Removed)
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
	return cmd
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
