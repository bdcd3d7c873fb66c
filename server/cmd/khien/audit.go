package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/bidi"
	"khien/server/feed"
	"khien/server/publish"
	"khien/server/triage"
)

func (d *dir) desk() (*triage.Desk, error) {
	base, err := d.office()
	if err != nil {
		return nil, err
	}
	desk := triage.Open(base)
	desk.Protect = d.protection
	return desk, nil
}

// protection is what may not be listed, as the books of official names are now.
func (d *dir) protection() (*publish.Protection, error) { return publish.Protect(d.official()) }

// act writes into the audit log what somebody is about to do, and does it. What the log doesn't take isn't done; what
// fails afterwards is in the log as failed.
func (d *dir) act(ctx context.Context, a audit.Act, do func() error) error {
	desk, err := d.desk()
	if err != nil {
		return err
	}
	a.Time, a.Actor = time.Now().Unix(), actor()
	if err := desk.Record(ctx, a); err != nil {
		return fmt.Errorf("couldn't write the audit log: %w", err)
	}
	err = do()
	if err != nil {
		a.Args.Failed, a.Why = true, audit.Why{}
		desk.Record(context.WithoutCancel(ctx), a)
	}
	return err
}

func fileNamed(name string) audit.Object { return audit.Object{Kind: audit.OfFile, ID: name} }

func auditCommand(d *dir) *cobra.Command {
	cmd := group("audit", "See who decided what, when and why, and prove that nobody changed it", `  $ khien audit list
  $ khien audit verify`)
	cmd.Long = `The audit log holds every act of a person: who, when, what, about what, and why. Each entry
has a SHA-256 over itself and over the hash of the entry before, so that none can be
changed, left out or put in later without breaking all that follow.`
	cmd.AddCommand(auditList(d), auditVerify(d), auditExport(d))
	return cmd
}

func auditVerify(d *dir) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use: "verify", Short: "Prove that the audit log is whole",
		Long: `Reads the whole log and checks the hash of every entry. Prints how many entries there are
and the hash of the last one.

The mark of the last entry is kept in audit.mark, so that an end that was cut off is missed.
Whoever can write both files can write all of it anew. So note what is printed as "mark"
somewhere else, with another person or on paper: with --from, the log must still
hold that entry. Exits with 1 where an entry was changed, is missing or was put in, and
says which.`,
		Example: `  $ khien audit verify
  {"entries":1204,"last":"9c1e…","mark":"1204:9c1e…"}
  $ khien audit verify --from 1204:9c1e…`,
		Args: none,
	}
	cmd.Flags().StringVar(&from, "from", "", "an entry that was noted earlier and must still be there: its number and `hash`, or the hash alone")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var noted audit.Mark
		if from != "" {
			var err error
			if noted, err = audit.ParseMark(from); err != nil {
				return usagef("--from: %w", err)
			}
		}
		desk, err := d.desk()
		if err != nil {
			return err
		}
		last, err := desk.Verify(cmd.Context(), noted)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "the audit log is whole: %s\n", counted(int(last.Seq), "entry", "entries"))
		type answer struct {
			Entries int64  `json:"entries"`
			Last    string `json:"last"`
			Mark    string `json:"mark,omitempty"`
		}
		a := answer{Entries: last.Seq, Last: hex.EncodeToString(last.Hash[:])}
		if last.Seq > 0 {
			a.Mark = last.String()
		}
		return json.NewEncoder(cmd.OutOrStdout()).Encode(a)
	}
	return cmd
}

// wanted picks acts from the log.
type wanted struct {
	audit.Filter
	since string
}

func (w *wanted) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.Actor, "actor", "", "only what this person did")
	cmd.Flags().StringVar(&w.Object, "object", "", "only what was done about this, such as \"case 17\"")
	cmd.Flags().StringVar(&w.since, "since", "", "only from this day on (2026-11-24, in UTC)")
}

func (w *wanted) check() error {
	if w.since == "" {
		return nil
	}
	t, err := time.Parse(time.DateOnly, w.since)
	if err != nil {
		return usagef("--since is a day such as 2026-11-24")
	}
	w.Since = t.Unix()
	return nil
}

func auditList(d *dir) *cobra.Command {
	var w wanted
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List who did what, the newest last",
		Example: `  $ khien audit list --object "case 17"
  ENTRY  TIME              WHO   WHAT                     ABOUT    WHY
  1203   2026-11-24 09:14  mai   list fake-shop.example/  case 17  took money, sent nothing
  1204   2026-11-24 09:31  linh  agree                    case 17`,
		Args: none,
	}
	w.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 100, "at most so many, the newest")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := w.check(); err != nil {
			return err
		}
		if limit < 1 {
			return usagef("--limit is a number from 1")
		}
		desk, err := d.desk()
		if err != nil {
			return err
		}
		var newest []audit.Act
		total := 0
		for a, err := range desk.Acts(cmd.Context(), w.Filter) {
			if err != nil {
				return fmt.Errorf("couldn't read the audit log: %w", err)
			}
			if total++; len(newest) == limit {
				newest = newest[1:]
			}
			newest = append(newest, a)
		}
		if total == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "no entries")
			return nil
		}
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ENTRY\tTIME\tWHO\tWHAT\tABOUT\tWHY")
		for _, a := range newest {
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", a.Seq, minute(a.Time), printable(a.Actor),
				printable(bidi.Bare(a.What("en"))), printable(a.Object.String()), printable(bidi.Bare(a.Because("en"))))
		}
		if total > len(newest) {
			fmt.Fprintf(cmd.ErrOrStderr(), "the newest %d of %s; see more with --limit\n", len(newest), counted(total, "entry", "entries"))
		}
		return table.Flush()
	}
	return cmd
}

func auditExport(d *dir) *cobra.Command {
	var w wanted
	cmd := &cobra.Command{
		Use: "export FORMAT", Short: "Write the audit log, for others",
		Long: `Formats:
  jsonl  one JSON object a line; of the whole log, the hashes can be computed again from it
  csv    with a header; a cell that a spreadsheet would calculate begins with an apostrophe

The hash of an entry is SHA-256 over the hash of the entry before (32 zero bytes before the
first), 80 00 00 00 00 00 00 02, its number and its Unix time in 8 bytes each, the most
significant first, and actor, verb, object, args as they stand there, and why, each with its
length in bytes in 8 bytes before it. Entries from before there were verbs have the verb
"said": of them, neither the first 8 of these bytes nor the verb are in it, and their args,
a text, comes before the object.`,
		Example: `  $ khien audit export csv --since 2026-11-01 > november.csv`,
		Args:    exactly(1, "a format: jsonl or csv"),
	}
	w.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(audit.Formats, args[0]) {
			return usagef("there is no format %q: use jsonl or csv", args[0])
		}
		if err := w.check(); err != nil {
			return err
		}
		desk, err := d.desk()
		if err != nil {
			return err
		}
		return audit.Write(cmd.OutOrStdout(), args[0], feed.Cell, desk.Acts(cmd.Context(), w.Filter))
	}
	return cmd
}
