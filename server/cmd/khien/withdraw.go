package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/triage"
	"khien/shared/subject"
)

func withdrawCommand(d *dir) *cobra.Command {
	var of string
	reason := publicReason{}
	cmd := &cobra.Command{
		Use: "withdraw SUBJECT", Short: "Take an indicator off the list",
		Long: `Takes an indicator off the list with the next "khien publish". SUBJECT is what "khien
check" prints as the subject, or a URL for exactly that page or account. The reason is shown
to whoever looks the subject up in the public register; the history keeps who did it. What
another person has listed leaves the list only where --of names that person. What two people
must agree to, as what two have listed, is proposed, or left to those who confirm the release.`,
		Example: `  $ khien withdraw tiktok:user/an.invented.name --reason "the account was stolen and is back with its owner"`,
		Args:    exactly(1, "one subject"),
	}
	reason.flags(cmd, "why, in English; it is shown in the public register (required)")
	cmd.Flags().StringVar(&of, "of", "", "who has listed it, where that is another")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if reason.english() == "" {
			return usagef("say why with --reason")
		}
		book, err := d.ledger()
		if err != nil {
			return err
		}
		s := subject.Subject(args[0]) // as it is, what no list may hold any more can be taken off too
		if _, err := book.Get(cmd.Context(), s); errors.Is(err, ledger.ErrNotFound) {
			if s, err = feed.Exact(args[0]); err != nil {
				return err
			}
		}
		var proposed triage.Case
		entry, err := book.Get(cmd.Context(), s)
		if err == nil && !entry.Claimed { // what stands through sources alone no person has put there
			err = listedBy(cmd.Context(), book, s, of)
		}
		if err == nil {
			proposed, err = d.withdraw(cmd.Context(), book, s, reason.said())
		}
		if errors.Is(err, ledger.ErrNotFound) {
			return fmt.Errorf("%s is not on the list: \"khien check\" shows which subject covers a page", s)
		}
		if err != nil {
			return err
		}
		if proposed.State == triage.StateProposed {
			fmt.Fprintf(cmd.ErrOrStderr(), "proposed to take %s off the list: another person must agree about case %d in the console\n", s, proposed.ID)
			return nil
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is off the list with the next \"khien publish\"\n", s)
		return nil
	}
	return cmd
}

// listedBy refuses to take off the list what another has put there, unless that person is named.
func listedBy(ctx context.Context, book *ledger.Ledger, s subject.Subject, of string) error {
	history, err := book.History(ctx, s)
	if err != nil || len(history) == 0 {
		return err
	}
	return another(history[len(history)-1].Actor, of, "the entry "+string(s))
}

// withdraw takes something off the list: by the case that listed it or in which people object to it, so that the
// console knows, or else in the ledger alone. It returns that case, where there is one.
func (d *dir) withdraw(ctx context.Context, book *ledger.Ledger, s subject.Subject, reason map[string]string) (triage.Case, error) {
	box, err := d.inbox()
	if err != nil {
		return triage.Case{}, err
	}
	defer box.Close()
	desk, err := d.desk()
	if err != nil {
		return triage.Case{}, err
	}
	impact, err := d.impact()
	if err != nil {
		return triage.Case{}, err
	}
	c, err := desk.Listing(ctx, s)
	if err == nil {
		decided, err := desk.DecideNow(ctx, book, box, c.ID, triage.Decision{
			Actor: actor(), Action: triage.Withdraw, Lists: triage.Only(s), Reason: reason, Why: audit.Why{Text: reason["en"]}, Impact: impact.Of(s, 1),
		})
		if errors.Is(err, triage.ErrState) {
			err = fmt.Errorf("case %d about it is decided and not published: undo that in the console, or publish it first", c.ID)
		}
		return decided, err
	}
	if !errors.Is(err, triage.ErrNotFound) {
		return triage.Case{}, err
	}
	return triage.Case{}, d.act(ctx, audit.Act{Verb: audit.Withdraw, Object: audit.Object{Kind: audit.OfEntry, ID: string(s)}, Args: audit.Args{Names: []subject.Subject{s}}, Why: audit.Why{Text: reason["en"]}}, func() error {
		return book.Withdraw(ctx, actor(), s, reason)
	})
}
