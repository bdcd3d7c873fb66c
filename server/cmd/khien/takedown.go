package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"khien/server/bidi"
	"khien/server/db"
	"khien/server/feed"
	"khien/server/takedown"
	"khien/server/triage"
)

// letters is where the operator keeps what letters to platforms need.
func (d *dir) letters() string { return filepath.Join(d.path, "letters") }

// takedowns opens the takedown cases, with their audit log.
func (d *dir) takedowns() (*takedown.Store, error) {
	desk, err := d.desk()
	if err != nil {
		return nil, err
	}
	return d.takedownsOf(desk)
}

func (d *dir) takedownsOf(desk *triage.Desk) (*takedown.Store, error) {
	base, err := d.office()
	if err != nil {
		return nil, err
	}
	return takedown.Open(base, desk), nil
}

func takedownCommand(d *dir) *cobra.Command {
	cmd := group("takedown", "Ask platforms to take down what is listed, and follow it to the end", `  $ khien takedown list
  $ khien takedown letter 17 --lang vi
  $ khien takedown state 17 sent --reference FB-4711`)
	cmd.Long = `Each account, page, group or app that is listed has a case here, from the next "khien publish"
on; websites have none. A case is prepared, sent, acknowledged, need-more, refused, appealed,
restricted, action-taken, restored, re-appeared, or withdrawn where the entry was taken off
the list. Letters need to know who writes them: put a file sender.txt into the folder letters
of the data directory, with the lines "organisation NAME", "contact MAIL", "domain HOST" and,
if there is one,
"register ADDRESS" of the public register. See docs/takedown.md.`
	cmd.AddCommand(takedownList(d), takedownShow(d), takedownLetter(d), takedownXARF(d), takedownState(d), takedownOverview(d))
	return cmd
}

func takedownList(d *dir) *cobra.Command {
	var f takedown.Filter
	var state string
	var every, asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List the cases in which somebody has to act, the most urgent first",
		Example: `  $ khien takedown list --platform facebook
  CASE  STATE     DUE               WHO  SUBJECT                     REFERENCE  THEIRS
  17    prepared  2026-11-25 09:14  us   facebook:user/inventedshop  KH-C17`,
		Args: none,
	}
	cmd.Flags().StringVar(&f.Platform, "platform", "", "only of this platform")
	cmd.Flags().StringVar(&state, "state", "", "only in this state: "+states())
	cmd.Flags().BoolVar(&every, "all", false, "also those in which nobody has to act")
	cmd.Flags().IntVar(&limit, "limit", 100, "at most so many")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f.State, f.Open = takedown.State(state), !every && state == ""
		if state != "" && !f.State.Known() {
			return usagef("--state is one of %s", states())
		}
		if _, ok := takedown.ByName(f.Platform); f.Platform != "" && !ok {
			return usagef("there is no platform %q", f.Platform)
		}
		book, err := d.takedowns()
		if err != nil {
			return err
		}
		total, err := book.Count(cmd.Context(), f)
		if err != nil {
			return err
		}
		var list []takedown.Request
		for at := (db.Place{}); len(list) < limit; {
			page, err := book.List(cmd.Context(), f, at, limit-len(list))
			if err != nil {
				return err
			}
			list = append(list, page.Rows...)
			if at.Key = page.After; at.Key == "" {
				break
			}
		}
		out := cmd.OutOrStdout()
		if asJSON {
			lines := json.NewEncoder(out)
			lines.SetEscapeHTML(false)
			for _, c := range list {
				if err := lines.Encode(caseJSON(c)); err != nil {
					return err
				}
			}
		} else if len(list) > 0 {
			now := time.Now().Unix()
			table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "CASE\tSTATE\tDUE\tWHO\tSUBJECT\tREFERENCE\tTHEIRS")
			for _, c := range list {
				fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.State, dueText(c, now), who(c), printable(string(c.Subject)), c.Reference, printable(c.Theirs))
			}
			if err := table.Flush(); err != nil {
				return err
			}
		}
		if total > len(list) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d of %s; see more with --limit\n", len(list), counted(total, "case", "cases"))
		} else if total == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "no cases")
		}
		return nil
	}
	return cmd
}

func states() string {
	var names []string
	for _, s := range takedown.States {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func dueText(c takedown.Request, now int64) string {
	switch {
	case c.Due == 0:
		return ""
	case c.Overdue(now):
		return minute(c.Due) + " late"
	}
	return minute(c.Due)
}

func who(c takedown.Request) string {
	switch {
	case c.Due == 0:
		return ""
	case c.State.Ours():
		return "us"
	}
	return c.Platform
}

// actorOf is who must act, as the reader is told.
func actorOf(c takedown.Request) string {
	if c.State.Ours() {
		return "you"
	}
	return c.Platform
}

func caseJSON(c takedown.Request) any {
	stamp := func(t int64) string {
		if t == 0 {
			return ""
		}
		return time.Unix(t, 0).UTC().Format(time.RFC3339)
	}
	return struct {
		ID        int64  `json:"id"`
		Subject   string `json:"subject"`
		Platform  string `json:"platform"`
		Category  string `json:"category"`
		Reference string `json:"reference"`
		Theirs    string `json:"theirs,omitempty"`
		State     string `json:"state"`
		Made      string `json:"made"`
		Changed   string `json:"changed"`
		Due       string `json:"due,omitempty"`
		Sent      string `json:"sent,omitempty"`
		Acted     string `json:"acted,omitempty"`
		Returned  int    `json:"returned"`
		Territory string `json:"territory,omitempty"`
		Until     string `json:"until,omitempty"`
	}{c.ID, string(c.Subject), c.Platform, c.Category.Slug(), c.Reference, c.Theirs, string(c.State),
		stamp(c.Made), stamp(c.Changed), stamp(c.Due), stamp(c.Sent), stamp(c.Acted), c.Returned, c.Territory, stamp(c.Until)}
}

// takedownCase finds the case that an argument names, by its number or its subject.
func (d *dir) takedownCase(ctx context.Context, arg string) (book *takedown.Store, c takedown.Request, err error) {
	book, err = d.takedowns()
	if err != nil {
		return nil, c, err
	}
	if id, bad := strconv.ParseInt(arg, 10, 64); bad == nil {
		c, err = book.Get(ctx, id)
	} else {
		s, bad := feed.Exact(arg)
		if bad != nil {
			return nil, c, bad
		}
		c, err = book.Of(ctx, s)
	}
	if errors.Is(err, takedown.ErrNotFound) {
		err = fmt.Errorf("there is no takedown case %s: see \"khien takedown list --all\"", arg)
	}
	return book, c, err
}

func takedownShow(d *dir) *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use: "show CASE", Short: "Show a case, what was done in it, and what to copy into the platform's form",
		Example: `  $ khien takedown show 17
  $ khien takedown show https://www.facebook.com/invented.shop`,
		Args: exactly(1, "one case, by its number or its subject"),
	}
	cmd.Flags().StringVar(&lang, "lang", "en", "the language of the form: en or vi")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		book, c, err := d.takedownCase(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		operator, facts, err := d.writes(cmd.Context(), book, c)
		if err != nil {
			return err
		}
		form, err := operator.Form(c, facts, lang, time.Now().Unix())
		if errors.Is(err, takedown.ErrLanguage) {
			return usagef("--lang is en or vi")
		}
		if err != nil {
			return err
		}
		steps, err := book.Steps(cmd.Context(), c.ID)
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		row := func(name, value string) {
			if value != "" {
				fmt.Fprintf(out, "%-9s %s\n", name, printable(value))
			}
		}
		row("case", strconv.FormatInt(c.ID, 10))
		row("subject", string(c.Subject))
		row("state", string(c.State))
		row("due", dueText(c, time.Now().Unix()))
		row("who", who(c))
		row("reference", c.Reference)
		row("theirs", c.Theirs)
		var can []string
		for _, s := range c.State.Next() {
			can = append(can, string(s))
		}
		row("next", strings.Join(can, ", "))
		for _, s := range steps {
			undone := ""
			if s.Undone {
				undone = "(undone) "
			}
			row("step", strings.TrimSpace(fmt.Sprintf("%s by %s: %s %s%s", minute(s.Time), s.Actor, s.State, undone, bidi.Bare(s.Because("en", c.Subject)))))
		}
		fmt.Fprintln(out)
		for _, f := range form {
			fmt.Fprintf(out, "%s: %s\n", f.Name, printable(f.Value))
		}
		return nil
	}
	return cmd
}

// writes gathers what letters about a case need.
func (d *dir) writes(ctx context.Context, book *takedown.Store, c takedown.Request) (takedown.Operator, takedown.Facts, error) {
	operator, err := takedown.ReadOperator(d.letters())
	if err != nil {
		return operator, takedown.Facts{}, err
	}
	list, err := d.ledger()
	if err != nil {
		return operator, takedown.Facts{}, err
	}
	facts, err := book.Facts(ctx, list, c)
	return operator, facts, err
}

func takedownLetter(d *dir) *cobra.Command {
	var lang string
	var asMail bool
	cmd := &cobra.Command{
		Use: "letter CASE", Short: "Write the letter that a case asks for now",
		Long: `Writes a letter to the platform: the first one, an appeal where it has refused, another
where the subject re-appeared, or that we were mistaken where the entry was taken off the
list. Nothing is sent; say so with "khien takedown state CASE sent" when it was.`,
		Example: `  $ khien takedown letter 17 --lang vi
  $ khien takedown letter 17 --mail > letter.eml`,
		Args: exactly(1, "one case, by its number or its subject"),
	}
	cmd.Flags().StringVar(&lang, "lang", "en", "en or vi")
	cmd.Flags().BoolVar(&asMail, "mail", false, "as a draft that a mail program opens (RFC 5322)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		book, c, err := d.takedownCase(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		operator, facts, err := d.writes(cmd.Context(), book, c)
		if err != nil {
			return err
		}
		letter, err := operator.Letter(c, facts, lang, time.Now().Unix())
		switch {
		case errors.Is(err, takedown.ErrLanguage):
			return usagef("--lang is en or vi")
		case err != nil:
			return fmt.Errorf("couldn't write the letter with %s: %w", d.letters(), err)
		}
		text := letter.Text()
		if asMail {
			text = letter.Mail()
		}
		_, err = fmt.Fprint(cmd.OutOrStdout(), text)
		return err
	}
	return cmd
}

func takedownXARF(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "xarf CASE", Short: "Write a case as an abuse report that machines read (X-ARF 4)",
		Example: `  $ khien takedown xarf 17 > report.json`,
		Args:    exactly(1, "one case, by its number or its subject"),
		RunE: func(cmd *cobra.Command, args []string) error {
			book, c, err := d.takedownCase(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			operator, facts, err := d.writes(cmd.Context(), book, c)
			if err != nil {
				return err
			}
			body, err := operator.XARF(c, facts, time.Now().Unix())
			if errors.Is(err, takedown.ErrState) {
				return fmt.Errorf("case %d is %s: nothing is reported any more, and \"khien takedown letter %d\" tells the platform so", c.ID, c.State, c.ID)
			}
			if err != nil {
				return fmt.Errorf("couldn't write the report with %s: %w", d.letters(), err)
			}
			_, err = cmd.OutOrStdout().Write(body)
			return err
		},
	}
}

func takedownState(d *dir) *cobra.Command {
	var m takedown.Move
	var undo bool
	cmd := &cobra.Command{
		Use: "state CASE [STATE]", Short: "Say what was done in a case, or take the last step back",
		Example: `  $ khien takedown state 17 sent --reference FB-4711
  $ khien takedown state 17 --undo --why "the wrong case"`,
		Args: func(_ *cobra.Command, args []string) error {
			if undo && len(args) == 1 || !undo && len(args) == 2 {
				return nil
			}
			return usagef("name a case and a state (%s), or a case and --undo", states())
		},
	}
	cmd.Flags().StringVar(&m.Theirs, "reference", "", "the platform's reference")
	cmd.Flags().StringVar(&m.Why, "why", "", "for the audit log and the history of the case")
	cmd.Flags().BoolVar(&undo, "undo", false, "take back the last step that a person took")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 2 {
			if m.To = takedown.State(args[1]); !m.To.Known() {
				return usagef("a state is one of %s", states())
			}
		}
		book, c, err := d.takedownCase(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		operator, err := takedown.ReadOperator(d.letters())
		if err != nil {
			return err
		}
		m.Actor, m.Clock = actor(), operator.Clock(c.Platform)
		after, now := c, time.Now().Unix()
		if undo {
			after, err = book.Undo(cmd.Context(), c.ID, m.Actor, m.Why, now)
		} else {
			after, err = book.Move(cmd.Context(), c.ID, m, now)
		}
		if errors.Is(err, takedown.ErrState) && !undo {
			return fmt.Errorf("case %d is %s; from there it may go to: %s", c.ID, c.State, joined(c.State.Next()))
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "case %d is %s", after.ID, after.State)
		if after.Due != 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "; %s must act by %s UTC", actorOf(after), minute(after.Due))
		}
		fmt.Fprintln(cmd.ErrOrStderr())
		return nil
	}
	return cmd
}

func joined(states []takedown.State) string {
	var names []string
	for _, s := range states {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func takedownOverview(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "overview", Short: "Sum up how it goes with each platform",
		Example: `  $ khien takedown overview
  PLATFORM  OPEN  LATE  ASKED  ACTED  SHARE  MEDIAN DAYS
  Facebook  12    3     140    121    86%    1.4`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			book, err := d.takedowns()
			if err != nil {
				return err
			}
			list, err := book.Overview(cmd.Context(), time.Now().Unix())
			if err != nil {
				return err
			}
			if len(list) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "no cases")
				return nil
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "PLATFORM\tOPEN\tLATE\tASKED\tACTED\tSHARE\tMEDIAN DAYS")
			for _, o := range list {
				p, _ := takedown.ByName(o.Platform)
				fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d", p.Title, o.Open, o.Overdue, o.Asked, o.Acted)
				if o.Asked > 0 {
					fmt.Fprintf(table, "\t%.0f%%", 100*o.Share())
				}
				if o.Acted > 0 {
					fmt.Fprintf(table, "\t%.1f", o.Days)
				}
				fmt.Fprintln(table)
			}
			return table.Flush()
		},
	}
}
