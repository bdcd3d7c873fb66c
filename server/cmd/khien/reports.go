package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"khien/server/feed"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/triage"
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
		Long: `STATE is what the one who reported is told. CASE is the number of the case and how it stands:
what is decided in the console is told when it is published.`,
		Example: `  $ khien reports list
  ID        RECEIVED          CASE     KIND  STATE     CATEGORY  SUBJECT                     TITLE
  3f9a01c2  2026-11-23 09:14  17 open  scam  received  prize     tiktok:user/invented.gifts  Quà tặng`,
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
		cases, err := d.standings(cmd.Context(), list)
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if asJSON {
			lines := json.NewEncoder(out)
			lines.SetEscapeHTML(false)
			for _, r := range list {
				if err := lines.Encode(reportJSON(r, cases[string(r.ID)])); err != nil {
					return err
				}
			}
		} else if len(list) > 0 {
			table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "ID\tRECEIVED\tCASE\tKIND\tSTATE\tCATEGORY\tSUBJECT\tTITLE")
			for _, r := range list {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name()[:8], minute(r.Received), standing(cases[string(r.ID)]), r.Kind, r.State, r.Category,
					printable(shown(r)), printable(r.Title))
			}
			table.Flush()
		}
		if total > len(list) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d of %s; see more with --limit\n", len(list), counted(total, "report", "reports"))
		} else if total == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "no reports")
		}
		return nil
	}
	return cmd
}

// standings are the cases of reports, by id.
func (d *dir) standings(ctx context.Context, list []inbox.Report) (map[string]triage.Case, error) {
	desk, err := d.desk()
	if err != nil {
		return nil, err
	}
	ids := make([][]byte, len(list))
	for i, r := range list {
		ids[i] = r.ID
	}
	return desk.Standings(ctx, ids)
}

// standing says how a case stands; "-" for none.
func standing(c triage.Case) string {
	if c.ID == 0 {
		return "-"
	}
	if c.Expired > 0 {
		return fmt.Sprintf("%d unread", c.ID)
	}
	return fmt.Sprintf("%d %s", c.ID, c.State)
}

// stands says how a case stands, and by whom.
func stands(c triage.Case) string {
	if c.ID == 0 {
		return ""
	}
	text := standing(c)
	if c.Decided != "" {
		text += " by " + c.Decided
	}
	if c.Seconded != "" {
		text += " and " + c.Seconded
	}
	if len(c.Lists) > 0 {
		text += ": " + string(c.Action) + " " + said(c)
	}
	if c.Decided != "" && !c.Settled && (c.State == triage.StateAccepted || c.State == triage.StateRejected) {
		text += ", with the next release"
	}
	return text
}

// said are the things that a case lists, or takes off the list.
func said(c triage.Case) string {
	var names []string
	for _, s := range c.About() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
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
	named, err := subject.FromHref(nil, r.Href)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(named, subject.Subject.IsListable); i >= 0 {
		return named[i], nil
	}
	return named[0], nil
}

func reportJSON(r inbox.Report, c triage.Case) any {
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
		Case     int64    `json:"case,omitempty"`
		Stands   string   `json:"case_state,omitempty"`
	}{
		r.Name(), time.Unix(r.Received, 0).UTC().Format(time.RFC3339), r.Kind, r.State, shown(r), r.Subjects,
		r.Href, r.Title, r.Language, r.Category, r.Note, r.Reason, r.Links, c.ID, string(c.State),
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
			cases, err := d.standings(cmd.Context(), []inbox.Report{r})
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
			line("case", stands(cases[string(r.ID)]))
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

// indicatorOf is what a report names, or what was chosen instead, as an indicator.
func indicatorOf(r inbox.Report, chosen, kind string, protection *publish.Protection) (i ledger.Indicator, err error) {
	s, err := narrowest(r)
	if chosen != "" {
		s, _, err = feed.Entry(chosen)
	}
	if err != nil {
		return i, fmt.Errorf("couldn't tell what to list: %w", err)
	}
	kind = cmp.Or(kind, r.Category)
	c, ok := category.Parse(kind)
	if kind != "" && !ok {
		return i, usagef("--category is one of %s", slugs())
	}
	if err := protection.Permit(s); err != nil {
		return i, fmt.Errorf("refused: %w", err)
	}
	return ledger.Indicator{Subject: s, Category: c, Source: "report", FirstSeen: r.Received, Lapses: time.Now().Unix() + defaultLife*day}, nil
}

var errNoneListed = errors.New("nothing that this report names is on the list")

// listedOf is what is on the list of what a report calls a mistake.
func listedOf(ctx context.Context, book *ledger.Ledger, r inbox.Report, chosen string) (subject.Subject, error) {
	candidates := triage.Names(&r)
	if chosen != "" {
		s, err := feed.Exact(chosen)
		if err != nil {
			return "", err
		}
		candidates = []subject.Subject{s}
	}
	for _, s := range candidates {
		_, err := book.Get(ctx, s)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, ledger.ErrNotFound) {
			return "", err
		}
	}
	return "", fmt.Errorf("%w: \"khien reports reject %s\" closes it", errNoneListed, r.Name()[:8])
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
