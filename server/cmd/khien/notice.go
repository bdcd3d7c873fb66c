package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"khien/server/exchange"
	"khien/server/ledger"
	"khien/server/notice"
	"khien/server/partner"
	"khien/server/stream"
	"khien/server/takedown"
)

// notices are what platforms are told, and what they answer.
func (d *dir) notices() (*notice.Store, error) {
	base, err := d.office()
	if err != nil {
		return nil, err
	}
	cases, err := d.takedowns()
	if err != nil {
		return nil, err
	}
	partners, err := d.partners()
	if err != nil {
		return nil, err
	}
	pictures, err := d.evidence()
	if err != nil {
		return nil, err
	}
	root, err := d.rootKey()
	if err != nil {
		return nil, err
	}
	return notice.Open(notice.Config{Office: base, Cases: cases, Partners: partners, Stream: stream.Open(base, exchange.Open(base, d.protection), root),
		Ledger: ledger.Open(base), Pictures: pictures, Root: root, Operator: func() (takedown.Operator, error) { return takedown.ReadOperator(d.letters()) }}), nil
}

// maxNotices bounds what one file has.
const maxNotices = 10_000

func partnerNotices(d *dir) *cobra.Command {
	var format, state string
	var handOver bool
	c := &cobra.Command{
		Use: "notices NAME", Short: "Show the notices to a platform, or write those that it has not got into a file",
		Long: `Shows what a platform is told, and what it has decided. With --format, writes the notices that are
ready as JSON lines or as a table, for a partner without a webhook; with --sent too, they count as sent
from now on.`,
		Example: `  $ khien partner notices platform-one
  $ khien partner notices platform-one --format csv --sent > notices.csv`,
		Args: exactly(1, "the name of a partner"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "" && format != "json" && format != "csv" {
				return usagef("--format is json or csv")
			}
			if handOver && format == "" {
				return usagef("--sent goes with --format")
			}
			store, err := d.notices()
			if err != nil {
				return err
			}
			if _, err := d.partnerNamed(cmd, args[0]); err != nil {
				return err
			}
			if format != "" && state == "" {
				state = string(notice.Ready)
			}
			list, err := store.Of(cmd.Context(), args[0], notice.State(state), maxNotices)
			if err != nil {
				return err
			}
			if format == "" {
				return noticeTable(cmd.OutOrStdout(), store, cmd, list, args[0])
			}
			if handOver {
				if list, err = store.HandOver(cmd.Context(), list); err != nil {
					return err
				}
			}
			return store.Write(cmd.OutOrStdout(), list, format)
		},
	}
	c.Flags().StringVar(&format, "format", "", "write them as json (one a line) or csv")
	c.Flags().StringVar(&state, "state", "", "only in this state: new, waiting, ready, sent, failed, dropped")
	c.Flags().BoolVar(&handOver, "sent", false, "note that what is written is sent")
	return c
}

func noticeTable(out io.Writer, store *notice.Store, cmd *cobra.Command, list []notice.Notice, name string) error {
	h, ok, err := store.HookOf(cmd.Context(), name)
	if err != nil {
		return err
	}
	if ok && h.Failures > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "the webhook has failed %s; it is tried again at %s UTC\n", counted(h.Failures, "time", "times"), minute(h.Again))
	} else if !ok {
		fmt.Fprintln(cmd.ErrOrStderr(), "no webhook: write files with --format, or \"khien partner webhook\"")
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NOTICE\tCASE\tKIND\tREFERENCE\tSUBJECT\tSTATE\tSENT\tDUE\tANSWER\tPROBLEM")
	for _, n := range list {
		sent, due := "", ""
		if n.Sent != 0 {
			sent, due = minute(n.Sent), minute(n.Due())
		}
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", n.ID, n.Takedown, strings.TrimPrefix(n.Kind, "takedown."), n.Reference, printable(string(n.Subject)),
			n.State, sent, due, n.Answer, n.Problem)
	}
	return w.Flush()
}

// partnerNamed is the partner of this name.
func (d *dir) partnerNamed(cmd *cobra.Command, name string) (partner.Standing, error) {
	store, err := d.partners()
	if err != nil {
		return partner.Standing{}, err
	}
	return store.Get(cmd.Context(), name)
}

func partnerApprove(d *dir) *cobra.Command {
	return releases(d, "approve", "Approve notices that wait for a person, all of them where none is named", "approved", (*notice.Store).Approve)
}

func partnerReplay(d *dir) *cobra.Command {
	return releases(d, "replay", "Send notices again: those that are named, or all that failed", "to be sent again", (*notice.Store).Replay)
}

// releasing lets notices go.
type releasing func(b *notice.Store, ctx context.Context, by partner.Actor, name string, ids ...int64) (int, error)

func releases(d *dir, use, short, done string, f releasing) *cobra.Command {
	return &cobra.Command{
		Use: use + " NAME [NOTICE...]", Short: short,
		Example: "  $ khien partner " + use + " platform-one 17 18",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name a partner")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var ids []int64
			for _, text := range args[1:] {
				id, err := strconv.ParseInt(text, 10, 64)
				if err != nil {
					return usagef("%q is no number of a notice", text)
				}
				ids = append(ids, id)
			}
			store, err := d.notices()
			if err != nil {
				return err
			}
			by, err := d.partnerActor(cmd.Context())
			if err != nil {
				return err
			}
			n, err := f(store, cmd.Context(), by, args[0], ids...)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s %s\n", counted(n, "notice", "notices"), done)
			return nil
		},
	}
}

func partnerWebhook(d *dir) *cobra.Command {
	var loopback bool
	c := &cobra.Command{
		Use: "webhook NAME ADDRESS", Short: "Say where notices to a platform are sent, and show the secret that signs them",
		Long: `Says where notices are sent from now on: a server of the public network, by https. They are
Standard Webhooks, signed with the secret that is printed (whsec_...): give it to the partner alone.`,
		Example: `  $ khien partner webhook platform-one https://trust-safety.platform.example/hooks/khien > secret`,
		Args:    exactly(2, "the name of a partner and an address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := d.notices()
			if err != nil {
				return err
			}
			by, err := d.partnerActor(cmd.Context())
			if err != nil {
				return err
			}
			secret, err := store.SetHook(cmd.Context(), by, args[0], args[1], loopback)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		},
	}
	c.Flags().BoolVar(&loopback, "loopback", false, "it may be this machine, without https")
	return c
}

func partnerAnswers(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "answers NAME FILE", Short: "Take what a platform has decided, from a table (CSV) or JSON",
		Long: `Takes answers as "POST ` + notice.AnswersPath + `" does (- is stdin). A table has the columns reference and decision,
and may have subject, decided_at, platform_reference, ground, reason, territory and expires. Decisions are
received, removed, restricted, refused, need_more and restored. What is not taken is refused by line; the same
answer twice changes nothing, and of several the last one by decided_at counts.`,
		Example: `  $ khien partner answers platform-one answers.csv`,
		Args:    exactly(2, "the name of a partner and a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := d.partnerNamed(cmd, args[0])
			if err != nil {
				return err
			}
			in := cmd.InOrStdin()
			if args[1] != "-" {
				f, err := os.Open(args[1])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			text, err := io.ReadAll(io.LimitReader(in, notice.MaxAnswers+1))
			if err != nil {
				return err
			}
			list, err := notice.Read(text)
			if err != nil {
				return fmt.Errorf("%s: %w", args[1], err)
			}
			store, err := d.notices()
			if err != nil {
				return err
			}
			r, err := store.Take(cmd.Context(), by, list)
			if err != nil {
				return err
			}
			words := cmd.ErrOrStderr()
			for _, one := range r.Refused {
				fmt.Fprintf(words, "line %d, %s: %s\n", one.Line, printable(one.Reference), one.Why)
			}
			fmt.Fprintf(words, "%s taken, %d known before, %d refused\n", counted(r.Taken, "answer", "answers"), r.Known, len(r.Refused))
			if len(r.Refused) > 0 {
				return errors.New("some answers were refused")
			}
			return nil
		},
	}
}
