package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"khien/server/staff"
	"khien/server/triage"
)

func proposalCommand(d *dir) *cobra.Command {
	cmd := group("proposal", "See and stop the release that one person has proposed", `  $ khien proposal show
  $ khien proposal stop --why "uj.edu.pl is a university"`)
	cmd.AddCommand(proposalShow(d), proposalStop(d))
	return cmd
}

func proposalShow(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show the release that waits for a second person, or for its time",
		Long: `Prints it as one JSON object, or nothing where nothing is proposed. The console shows all that
it changes.`,
		Example: `  $ khien proposal show
  {"id":3,"by":"mai","made":"2026-11-29T21:00:00Z","due":"2026-11-30T21:00:00Z","added":12,...}`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			desk, err := d.desk()
			if err != nil {
				return err
			}
			o, err := desk.Proposed(cmd.Context())
			if errors.Is(err, triage.ErrNotProposed) {
				fmt.Fprintln(cmd.ErrOrStderr(), "nothing is proposed")
				return nil
			}
			if err != nil {
				return err
			}
			tellProposal(cmd.ErrOrStderr(), o)
			return json.NewEncoder(cmd.OutOrStdout()).Encode(proposalLine(o))
		},
	}
}

func proposalStop(d *dir) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use: "stop", Short: "Stop the release that is proposed",
		Long: `Nothing of it goes out. Until two people have confirmed another release in the console, nothing
goes out by itself any more. Who has proposed it in the console takes it back there, which
leaves that as it is.`,
		Example: `  $ khien proposal stop --why "uj.edu.pl is a university"`,
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if why == "" {
				return usagef("say with --why why it is stopped")
			}
			desk, err := d.desk()
			if err != nil {
				return err
			}
			o, err := desk.Proposed(cmd.Context())
			if err == nil {
				_, err = desk.Stop(cmd.Context(), o.ID, actor(), why, time.Now().Unix())
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "it is stopped; the next release takes two people")
			return nil
		},
	}
	cmd.Flags().StringVar(&why, "why", "", "for the others, and the audit log")
	return cmd
}

// proposalLine is a proposal as one JSON object.
func proposalLine(o triage.Proposal) any {
	due := ""
	if o.Due != 0 {
		due = time.Unix(o.Due, 0).UTC().Format(time.RFC3339)
	}
	return struct {
		ID      int64    `json:"id"`
		By      string   `json:"by"`
		Shell   bool     `json:"command_line"`
		Made    string   `json:"made"`
		Due     string   `json:"due,omitempty"`
		Added   int      `json:"added"`
		Changed int      `json:"changed"`
		Removed int      `json:"removed"`
		Held    int      `json:"held"`
		Beside  []string `json:"beside,omitempty"`
		Digest  string   `json:"digest"`
	}{
		o.ID, o.By, o.Shell(), time.Unix(o.Made, 0).UTC().Format(time.RFC3339), due,
		o.Changes.Added, o.Changes.Changed, o.Changes.Removed, o.Changes.Held, o.Changes.Beside, o.Digest,
	}
}

// tellProposal says how what is proposed gets out.
func tellProposal(words io.Writer, o triage.Proposal) {
	fmt.Fprintf(words, "proposed by %s: %s\n", o.By, o.Changes)
	two := "another member confirms"
	if o.Shell() {
		two = "two members confirm"
	}
	if o.Due == 0 {
		fmt.Fprintf(words, "it goes out when %s it in the console, and not before\n", two)
		return
	}
	fmt.Fprintf(words, "it goes out at %s unless somebody stops it, or at once when %s it in the console\n", minute(o.Due), two)
	if o.Changes.Held > 0 {
		fmt.Fprintf(words, "held back until two people confirm it in the console: %d of it\n", o.Changes.Held)
	}
}

// hours is a delay in words.
func hours(seconds int64) string { return counted(int(seconds/(60*60)), "hour", "hours") }

// opposable tells whether somebody could have stopped what one has proposed, as of the moment at which it is asked.
func opposable(people *staff.Store) func(ctx context.Context, by string) (bool, error) {
	return func(ctx context.Context, by string) (bool, error) {
		return people.Opposable(ctx, by, time.Now().Unix())
	}
}
