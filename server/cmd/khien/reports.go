package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"khien/server/feed"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

func reportsCommand(d *dir) *cobra.Command {
	cmd := group("reports", "See what people reported and decide about it", `  $ khien reports list
  $ khien reports accept 3f9a01c2
  $ khien publish`)
	cmd.AddCommand(reportsList(d), reportsShow(d), reportsAccept(d), reportsReject(d), reportsReopen(d))
	return cmd
}

func reportsList(d *dir) *cobra.Command {
	var state string
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List reports, the oldest first",
		Example: `  $ khien reports list
  ID        RECEIVED          KIND  STATE     CATEGORY  SUBJECT                     TITLE
  3f9a01c2  2026-11-23 09:14  scam  received  prize     tiktok:user/invented.gifts  Quà tặng`,
		Args: none,
	}
	cmd.Flags().StringVar(&state, "state", wire.StateReceived, "received, accepted, rejected, or all")
	cmd.Flags().IntVar(&limit, "limit", 100, "at most so many")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line, with everything that was sent")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch state {
		case wire.StateReceived, wire.StateAccepted, wire.StateRejected:
		case "all":
			state = ""
		default:
			return usagef("--state is received, accepted, rejected or all")
		}
		box, err := d.inbox()
		if err != nil {
			return err
		}
		defer box.Close()
		list, total, err := box.List(cmd.Context(), state, limit)
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if asJSON {
			lines := json.NewEncoder(out)
			lines.SetEscapeHTML(false)
			for _, r := range list {
				if err := lines.Encode(reportJSON(r)); err != nil {
					return err
				}
			}
		} else if len(list) > 0 {
			table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "ID\tRECEIVED\tKIND\tSTATE\tCATEGORY\tSUBJECT\tTITLE")
			for _, r := range list {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name()[:8], minute(r.Received), r.Kind, r.State, r.Category,
					printable(shown(r)), printable(r.Title))
			}
			table.Flush()
		}
		if total > len(list) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d reports; see more with --limit\n", len(list), total)
		} else if total == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "no reports")
		}
		return nil
	}
	return cmd
}

// shown is the one subject of a report that a list has room for.
func shown(r inbox.Report) string {
	if r.Subject != "" {
		return r.Subject
	}
	s, err := narrowest(r)
	if err != nil {
		return r.Href
	}
	return string(s)
}

// narrowest is what an indicator for exactly the reported page or account covers.
func narrowest(r inbox.Report) (subject.Subject, error) {
	if r.Href == "" {
		return subject.Subject(r.Subjects[0]), nil
	}
	return subject.Exact(r.Href)
}

func reportJSON(r inbox.Report) any {
	return struct {
		ID       string   `json:"id"`
		Received string   `json:"received"`
		Kind     string   `json:"kind"`
		State    string   `json:"state"`
		Subject  string   `json:"subject"`
		Subjects []string `json:"subjects"`
		Href     string   `json:"href,omitempty"`
		Title    string   `json:"title,omitempty"`
		Language string   `json:"language,omitempty"`
		Category string   `json:"category,omitempty"`
		Note     string   `json:"note,omitempty"`
		Reason   string   `json:"reason,omitempty"`
		Links    []string `json:"links,omitempty"`
	}{
		r.Name(), time.Unix(r.Received, 0).UTC().Format(time.RFC3339), r.Kind, r.State, shown(r), r.Subjects,
		r.Href, r.Title, r.Language, r.Category, r.Note, r.Reason, r.Links,
	}
}

func reportsShow(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one report and what was decided about it",
		Example: `  $ khien reports show 3f9a01c2`,
		Args:    exactly(1, "one report, by its id or the beginning of it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			box, r, err := d.report(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer box.Close()
			history, err := box.History(cmd.Context(), r.ID)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			line := func(name, value string) {
				if value != "" {
					fmt.Fprintf(out, "%-9s %s\n", name, printable(value))
				}
			}
			line("id", r.Name())
			line("kind", r.Kind)
			line("state", r.State)
			line("received", minute(r.Received))
			line("address", defanged(r.Href))
			line("title", r.Title)
			line("language", r.Language)
			line("category", r.Category)
			line("note", r.Note)
			line("lists", shown(r))
			for _, s := range r.Subjects {
				line("subject", s)
			}
			for _, s := range r.Links {
				line("leads to", s)
			}
			for _, h := range history {
				line("decided", strings.Join(strings.Fields(minute(h.Time)+" by "+h.Actor+": "+h.State+" "+h.Subject+" "+h.Reason), " "))
			}
			return nil
		},
	}
}

// report opens the inbox and finds one report; close the inbox afterwards.
func (d *dir) report(ctx context.Context, id string) (*inbox.Inbox, inbox.Report, error) {
	box, err := d.inbox()
	if err != nil {
		return nil, inbox.Report{}, err
	}
	r, err := box.Get(ctx, id)
	switch {
	case errors.Is(err, inbox.ErrNotFound):
		err = fmt.Errorf("there is no report %s: see \"khien reports list --state all\"", id)
	case errors.Is(err, inbox.ErrAmbiguous):
		err = fmt.Errorf("several reports begin with %s: write more of the id", id)
	}
	if err != nil {
		box.Close()
		return nil, r, err
	}
	return box, r, nil
}

func reportsAccept(d *dir) *cobra.Command {
	var chosen, kind, reason string
	cmd := &cobra.Command{
		Use: "accept ID", Short: "Accept a report: list what it names, or take it off the list",
		Long: `Puts the narrowest thing that a report names into the ledger: the account, else exactly
the reported page. --subject widens or changes it, for instance to the whole host. A
report of a mistake takes the indicator off the list instead. Nothing is published before
"khien publish".`,
		Example: `  $ khien reports accept 3f9a01c2
  $ khien reports accept 3f9a01c2 --subject fake-shop.example/ --category shop`,
		Args: exactly(1, "one report, by its id or the beginning of it"),
	}
	cmd.Flags().StringVar(&chosen, "subject", "", "list this instead of the narrowest")
	cmd.Flags().StringVar(&kind, "category", "", "the kind of scam: "+slugs())
	cmd.Flags().StringVar(&reason, "reason", "", "told to the one who reported")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		box, r, err := d.report(ctx, args[0])
		if err != nil {
			return err
		}
		defer box.Close()
		if r.State != wire.StateReceived {
			return fmt.Errorf("report %s is %s already: \"khien reports reopen %s\" takes that back", args[0], r.State, args[0])
		}
		book, err := d.ledger()
		if err != nil {
			return err
		}
		defer book.Close()

		var about subject.Subject
		if r.Kind == wire.KindMistake {
			if about, err = listedOf(ctx, book, r, chosen); err != nil {
				return err
			}
			err = d.actOn(ctx, r, "withdraw "+string(about), reason, true, func() error {
				if err := book.Withdraw(ctx, actor(), about, map[string]string{"en": cmp.Or(reason, "reported as a mistake")}); err != nil {
					return err
				}
				return box.Decide(ctx, r.ID, accepted(about, reason))
			})
		} else {
			var i ledger.Indicator
			if i, err = indicatorOf(r, chosen, kind); err != nil {
				return err
			}
			about = i.Subject
			err = d.actOn(ctx, r, "list "+string(about), reason, true, func() error {
				if err := listNew(ctx, book, i); err != nil {
					return err
				}
				return box.Decide(ctx, r.ID, accepted(about, reason))
			})
		}
		if err != nil {
			return err
		}
		if r.Kind == wire.KindMistake {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s is off the list with the next \"khien publish\"\n", about)
		} else {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s is listed with the next \"khien publish\"\n", about)
		}
		return nil
	}
	return cmd
}

func accepted(about subject.Subject, reason string) inbox.Decision {
	return inbox.Decision{Time: time.Now().Unix(), Actor: actor(), State: wire.StateAccepted, Subject: string(about), Reason: reason}
}

// indicatorOf is what a report names, or what was chosen instead, as an indicator.
func indicatorOf(r inbox.Report, chosen, kind string) (i ledger.Indicator, err error) {
	s, err := narrowest(r)
	if chosen != "" {
		s, err = feed.Exact(chosen)
	}
	if err != nil {
		return i, fmt.Errorf("couldn't tell what to list: %w", err)
	}
	if kind == "" {
		kind = r.Category
	}
	c, ok := category.Parse(kind)
	if kind != "" && !ok {
		return i, usagef("--category is one of %s", slugs())
	}
	if err := publish.Guard(s); err != nil {
		return i, fmt.Errorf("refused: %w", err)
	}
	return ledger.Indicator{Subject: s, Category: c, Source: "report", FirstSeen: r.Received, Lapses: time.Now().Unix() + defaultLife*day}, nil
}

// listNew lists an indicator, unless its subject is on the list.
func listNew(ctx context.Context, book *ledger.Ledger, i ledger.Indicator) error {
	_, err := book.Get(ctx, i.Subject)
	if errors.Is(err, ledger.ErrNotFound) {
		return book.List(ctx, actor(), i)
	}
	return err
}

// listedOf is what is on the list of what a report calls a mistake.
func listedOf(ctx context.Context, book *ledger.Ledger, r inbox.Report, chosen string) (subject.Subject, error) {
	candidates := r.Subjects
	if chosen != "" {
		s, err := feed.Exact(chosen)
		if err != nil {
			return "", err
		}
		candidates = []string{string(s)}
	}
	for _, text := range candidates {
		_, err := book.Get(ctx, subject.Subject(text))
		if err == nil {
			return subject.Subject(text), nil
		}
		if !errors.Is(err, ledger.ErrNotFound) {
			return "", err
		}
	}
	return "", fmt.Errorf("nothing that this report names is on the list: \"khien reports reject %s\" closes it", r.Name()[:8])
}

func reportsReject(d *dir) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "reject ID", Short: "Reject a report",
		Example: `  $ khien reports reject 3f9a01c2 --reason "a satire page, nobody was harmed"`,
		Args:    exactly(1, "one report, by its id or the beginning of it"),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "told to the one who reported")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		box, r, err := d.report(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		defer box.Close()
		if r.State != wire.StateReceived {
			return fmt.Errorf("report %s is %s already: \"khien reports reopen %s\" takes that back", args[0], r.State, args[0])
		}
		err = d.actOn(cmd.Context(), r, "reject", reason, true, func() error {
			return box.Decide(cmd.Context(), r.ID, inbox.Decision{Time: time.Now().Unix(), Actor: actor(), State: wire.StateRejected, Reason: reason})
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "report %s is rejected\n", r.Name()[:8])
		return nil
	}
	return cmd
}

func reportsReopen(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "reopen ID", Short: "Take a decision about a report back",
		Example: `  $ khien reports reopen 3f9a01c2`,
		Args:    exactly(1, "one report, by its id or the beginning of it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			box, r, err := d.report(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer box.Close()
			if r.State == wire.StateReceived {
				return fmt.Errorf("report %s is open", args[0])
			}
			err = d.actOn(cmd.Context(), r, "reopen", "", false, func() error {
				return box.Reopen(cmd.Context(), r.ID, actor(), time.Now().Unix())
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "report %s is open again\n", r.Name()[:8])
			if r.State == wire.StateAccepted && r.Kind == wire.KindScam {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s stays listed; \"khien withdraw %s --reason TEXT\" takes it off the list\n", r.Subject, r.Subject)
			}
			return nil
		},
	}
}

func slugs() string {
	var names []string
	for _, c := range category.All() {
		names = append(names, c.Slug())
	}
	return strings.Join(names, ", ")
}

func minute(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04") }

// defanged keeps terminals from making a link of a scam's address.
func defanged(href string) string {
	if rest, ok := strings.CutPrefix(href, "http"); ok {
		return "hxxp" + rest
	}
	return href
}

// printable keeps what strangers wrote from moving the cursor, changing colours or
// turning the direction of the text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
