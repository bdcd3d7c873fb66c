package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"khien/server/export"
	"khien/server/ledger"
	"khien/server/partner"
	"khien/server/stream"
	"khien/server/taxii"
)

// partners are those with whom something was agreed.
func (d *dir) partners() (*partner.Store, error) {
	base, err := d.office()
	if err != nil {
		return nil, err
	}
	desk, err := d.desk()
	if err != nil {
		return nil, err
	}
	return partner.Open(base, desk), nil
}

// partnerActor is whoever has the command line.
func (d *dir) partnerActor(ctx context.Context) (a partner.Actor, err error) {
	people, err := d.staff()
	if err != nil {
		return a, err
	}
	register, err := people.Register(ctx, time.Now().Unix())
	return partner.Actor{Name: actor(), Shell: true, Alone: register.Alone}, err
}

func partnerCommand(d *dir) *cobra.Command {
	cmd := group("partner", "Agree with others on what they get, and give them their keys", `  $ khien partner example > bank.json
  $ khien partner add bank.json
  $ khien partner key bank-one`)
	cmd.Long = `A partner gets what was agreed, and nothing else: which kinds of things and which categories,
how narrow a label (TLP), and whether telephone numbers and accounts at banks leave at all, as
keyed digests or in clear. An agreement holds from its first day to its last; a key is good for
as long as its agreement holds.

What is agreed takes two people of the console beside whoever proposes it here, for whoever has
the command line may be one of them; where one person runs all of it, it holds at once. To end
an agreement or to revoke a key takes one person. All of it is in the audit log.`
	cmd.AddCommand(partnerExample(), partnerAdd(d), partnerList(d), partnerShow(d), partnerEnd(d), partnerKey(d), partnerRevoke(d),
		partnerWebhook(d), partnerNotices(d), partnerApprove(d), partnerReplay(d), partnerAnswers(d))
	return cmd
}

func partnerExample() *cobra.Command {
	return &cobra.Command{
		Use: "example", Short: "Write an agreement to begin with",
		Long: `Writes an agreement as JSON, to be changed and given to "khien partner add". What is not said is:
all kinds, all categories, what is clear alone, no telephone number and no account at a bank.`,
		Args: exactly(0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now().UTC()
			out := json.NewEncoder(cmd.OutOrStdout())
			out.SetIndent("", "  ")
			return out.Encode(partner.Agreement{
				Name: "bank-one", Title: "A bank", Role: partner.Bank, Kinds: []string{string(partner.Page), string(partner.Host), string(partner.BankAccount)},
				TLP: "green", Personal: map[string]partner.Personal{"bank": partner.Hidden}, Purpose: "to stop payments to accounts that are reported",
				Retention: 180, Direction: partner.Out, Contacts: []partner.Contact{{Name: "The fraud desk", Email: "fraud@bank.example"}},
				From: now.Format(time.DateOnly), Until: now.AddDate(1, 0, -1).Format(time.DateOnly),
			})
		},
	}
}

func partnerAdd(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "add FILE", Aliases: []string{"edit"}, Short: "Propose an agreement, or a change of one",
		Long: `Reads an agreement as JSON (- is stdin; "khien partner example" writes one) and proposes it. The
name in it says with whom: where something is agreed already, it is a change of that.`,
		Example: `  $ khien partner add bank.json`,
		Args:    exactly(1, "a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := agreementFile(cmd, args[0])
			if err != nil {
				return err
			}
			store, err := d.partners()
			if err != nil {
				return err
			}
			by, err := d.partnerActor(cmd.Context())
			if err != nil {
				return err
			}
			p, err := store.Propose(cmd.Context(), by, a)
			if err != nil {
				return err
			}
			words := cmd.ErrOrStderr()
			if p.ID == 0 {
				fmt.Fprintf(words, "agreed with %s: it holds from %s to %s\n", a.Name, a.From, a.Until)
				return nil
			}
			fmt.Fprintf(words, "proposed: two people of the console must agree to it there, under Partners, or one of them stops it\n")
			return nil
		},
	}
}

func agreementFile(cmd *cobra.Command, file string) (a partner.Agreement, err error) {
	if file == "-" {
		return partner.Parse(cmd.InOrStdin())
	}
	f, err := os.Open(file)
	if err != nil {
		return a, err
	}
	defer f.Close()
	if a, err = partner.Parse(f); err != nil {
		return a, fmt.Errorf("%s: %w", file, err)
	}
	return a, nil
}

func partnerList(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the partners, and what is proposed",
		Args: exactly(0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := d.partners()
			if err != nil {
				return err
			}
			all, err := store.List(cmd.Context())
			if err != nil {
				return err
			}
			proposed, err := store.Proposals(cmd.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, s := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s to %s\n", s.Name, s.Role, holds(s, time.Now().Unix()), s.From, s.Until)
			}
			for _, p := range proposed {
				fmt.Fprintf(w, "%s\t%s\tproposed by %s, %d more must agree\t%s to %s\n", p.Name, p.Role, p.By, p.Needs(), p.From, p.Until)
			}
			return w.Flush()
		},
	}
}

// holds says in a word whether an agreement holds.
func holds(s partner.Standing, now int64) string {
	switch {
	case s.Ended != 0:
		return "ended"
	case s.Stands(now):
		return "holds"
	case s.From > time.Unix(now, 0).UTC().Format(time.DateOnly):
		return "not yet"
	}
	return "over"
}

func partnerShow(d *dir) *cobra.Command {
	var digests bool
	c := &cobra.Command{
		Use: "show NAME", Short: "Show what was agreed with a partner, and its keys",
		Long: `Shows the agreement as JSON, which "khien partner add" reads again, who agreed to it, and which
keys there are. With --digest-key, the key by which the telephone numbers and accounts of this
partner are digested (HMAC-SHA-256, in hex), and nothing else: give it to the partner alone.`,
		Args: exactly(1, "the name of a partner"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := d.partners()
			if err != nil {
				return err
			}
			s, err := store.Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if digests {
				key, err := store.Digests(s.Name)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), hex.EncodeToString(key))
				return err
			}
			keys, err := store.Keys(cmd.Context(), s.Name)
			if err != nil {
				return err
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			out.SetIndent("", "  ")
			if err := out.Encode(s.Agreement); err != nil {
				return err
			}
			words := cmd.ErrOrStderr()
			fmt.Fprintf(words, "version %d, %s, agreed by %s\n", s.Version, holds(s, time.Now().Unix()), strings.Join(s.People, ", "))
			for _, k := range keys {
				state := "good for " + string(k.Scope)
				if k.Revoked != 0 {
					state = "revoked"
				}
				fmt.Fprintf(words, "key %d, made %s by %s: %s\n", k.ID, minute(k.Made), k.By, state)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&digests, "digest-key", false, "show the key by which numbers are digested for this partner")
	return c
}

func partnerEnd(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "end NAME", Short: "End an agreement at once: its keys are good for nothing",
		Args: exactly(1, "the name of a partner"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := d.partners()
			if err != nil {
				return err
			}
			by, err := d.partnerActor(cmd.Context())
			if err != nil {
				return err
			}
			if err := store.End(cmd.Context(), by, args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "ended: nothing leaves to %s any more\n", args[0])
			return nil
		},
	}
}

func partnerKey(d *dir) *cobra.Command {
	var scope string
	c := &cobra.Command{
		Use: "key NAME", Short: "Make a key for a partner, and show it this once",
		Long: `Makes a key and prints it. It is kept nowhere: who loses it gets another. A request carries it as
"Authorization: Bearer KEY", as "Token KEY", or as Basic with the partner's name and the key.`,
		Example: `  $ khien partner key bank-one > bank-one.key`,
		Args:    exactly(1, "the name of a partner"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := d.partners()
			if err != nil {
				return err
			}
			by, err := d.partnerActor(cmd.Context())
			if err != nil {
				return err
			}
			key, err := store.MakeKey(cmd.Context(), by, args[0], partner.Scope(scope))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), key)
			return err
		},
	}
	c.Flags().StringVar(&scope, "scope", string(partner.ToRead), "what it is good for: read, or answer")
	return c
}

func partnerRevoke(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME NUMBER", Short: "Make a key of a partner good for nothing, at once",
		Long: `Makes a key good for nothing. Its number is the one that "khien partner show" gives it.`,
		Args: exactly(2, "the name of a partner and the number of a key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return usagef("%q is no number of a key", args[1])
			}
			store, err := d.partners()
			if err != nil {
				return err
			}
			by, err := d.partnerActor(cmd.Context())
			if err == nil {
				err = store.Revoke(cmd.Context(), by, args[0], id)
			}
			return err
		},
	}
}

// collections answers partners who speak TAXII.
func (d *dir) collections(s *stream.Stream, book *ledger.Ledger) (*taxii.Server, error) {
	store, err := d.partners()
	if err != nil {
		return nil, err
	}
	return &taxii.Server{
		Stream: s,
		Head: func(ctx context.Context) (export.Head, error) {
			e := exporting{stream: s, d: d}
			err := e.as(ctx, book)
			return e.head, err
		},
		Admit: func(ctx context.Context, authorization string) (a partner.Agreement, key []byte, err error) {
			standing, err := store.Admit(ctx, authorization, partner.ToRead)
			switch {
			case errors.Is(err, partner.ErrKey):
				return a, nil, taxii.ErrKey
			case errors.Is(err, partner.ErrBusy):
				return a, nil, taxii.ErrBusy
			case err != nil:
				return a, nil, err
			}
			key, err = store.Digests(standing.Name)
			return standing.Agreement, key, err
		},
	}, nil
}
