package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"khien/server/feed"
	"khien/server/ledger"
)

func withdrawCommand(d *dir) *cobra.Command {
	var reason, inVietnamese string
	cmd := &cobra.Command{
		Use: "withdraw SUBJECT", Short: "Take an indicator off the list",
		Long: `Takes an indicator off the list with the next "khien publish". SUBJECT is what "khien
check" prints as the subject, or a URL for exactly that page or account. The reason is shown
to whoever looks the subject up in the public register; the history keeps who did it.`,
		Example: `  $ khien withdraw tiktok:user/an.invented.name --reason "the account was stolen and is back with its owner"`,
		Args:    exactly(1, "one subject"),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in English; it is shown in the public register (required)")
	cmd.Flags().StringVar(&inVietnamese, "reason-vi", "", "the same in Vietnamese")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if reason == "" {
			return usagef("say why with --reason")
		}
		s, err := feed.Exact(args[0])
		if err != nil {
			return err
		}
		book, err := d.ledger()
		if err != nil {
			return err
		}
		defer book.Close()
		public := map[string]string{"en": reason}
		if inVietnamese != "" {
			public["vi"] = inVietnamese
		}
		_, err = book.Get(cmd.Context(), s)
		if err == nil {
			err = d.act(cmd.Context(), "withdraw "+string(s), string(s), reason, func() error {
				return book.Withdraw(cmd.Context(), actor(), s, public)
			})
		}
		if errors.Is(err, ledger.ErrNotFound) {
			return fmt.Errorf("%s is not on the list: \"khien check\" shows which subject covers a page", s)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is off the list with the next \"khien publish\"\n", s)
		return nil
	}
	return cmd
}
