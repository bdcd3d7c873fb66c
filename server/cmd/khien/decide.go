package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/triage"
	"khien/shared/subject"
	"khien/shared/wire"
)

// counter is where somebody decides about one report on the command line: about its case, as the console does.
type counter struct {
	box  *inbox.Inbox
	desk *triage.Desk
	book *ledger.Ledger
	r    inbox.Report
	c    triage.Case      // of the report
	of   subject.Subject  // of the case: what the report is about
	rest int64            // the case of the other subjects, where only this one was decided about
	off  []triage.Listing // what the decision takes off the list without naming it
}

// counter finds a report with its case; close it afterwards.
func (d *dir) counter(ctx context.Context, id string) (n *counter, err error) {
	n = &counter{}
	if n.box, n.r, err = d.report(ctx, id); err != nil {
		return nil, err
	}
	if n.desk, err = d.desk(); err == nil {
		n.book, err = d.ledger()
	}
	if err == nil {
		_, err = n.desk.Gather(ctx, n.box)
	}
	if err == nil {
		n.c, err = n.desk.Of(ctx, n.r.ID)
	}
	if err == nil {
		n.of, err = n.desk.SubjectOf(ctx, n.r.ID)
	}
	if err == nil { // gathering tells those who report what is listed already
		n.r, err = n.box.Get(ctx, n.r.Name())
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *counter) close() {
	if n.book != nil {
		n.book.Close()
	}
	if n.desk != nil {
		n.desk.Close()
	}
	n.box.Close()
}

// why is what the audit log says: the reason, and from which report the case was found.
func (n *counter) why(reason string) string {
	if reason == "" {
		return "report " + n.r.Name()
	}
	return reason + "; report " + n.r.Name()
}

// open refuses a report that is decided, or whose case is.
func (n *counter) open() error {
	back := fmt.Sprintf("\"khien reports reopen %s\" takes that back", n.r.Name()[:8])
	switch {
	case n.r.State != wire.StateReceived:
		return fmt.Errorf("report %s is %s already: %s", n.r.Name()[:8], n.r.State, back)
	case n.c.State == triage.StateProposed:
		return fmt.Errorf("%s has proposed to %s %s, and another person must agree: %s", n.c.Decided, n.c.Action, said(n.c), back)
	case !n.c.Settled && n.c.State != triage.StateOpen && n.c.State != triage.StateAsked:
		return fmt.Errorf("case %d is %s already, by %s: %s until it is published", n.c.ID, n.c.State, n.c.Decided, back)
	}
	return nil
}

// decide decides about the case of the report; one that is closed is opened again for it.
func (n *counter) decide(ctx context.Context, v triage.Decision, again bool) (err error) {
	if again && n.c.Settled && n.c.State != triage.StateOpen && n.c.State != triage.StateAsked {
		if n.c, err = n.desk.Reopen(ctx, n.box, n.c.ID, actor(), n.why("")); err != nil {
			return err
		}
	}
	v.Actor, v.Of = actor(), n.of
	before := n.c
	if n.off, err = n.replaced(ctx, v); err != nil {
		return err
	}
	if n.c, err = n.desk.DecideNow(ctx, n.book, n.box, n.c.ID, v); err != nil {
		return err
	}
	if n.rest = n.c.Rest; n.c.ID != before.ID {
		n.rest = before.ID
	}
	return nil
}

// replaced are the things that a decision about the report's subject takes off the list without naming them.
func (n *counter) replaced(ctx context.Context, v triage.Decision) (off []triage.Listing, err error) {
	after := n.c
	after.Ruling = triage.Ruling{Action: v.Action, Lists: v.Lists}
	all, err := n.desk.Replaced(ctx, n.book, after)
	for _, one := range all {
		if one.Of == n.of {
			off = append(off, one)
		}
	}
	return off, err
}

// says tells how the case stands after what was done.
func (n *counter) says(words io.Writer) {
	switch {
	case n.c.State == triage.StateProposed:
		fmt.Fprintf(words, "proposed to %s %s: another person must agree, in the console or with \"khien reports second %s\"\n", n.c.Action, said(n.c), n.r.Name()[:8])
	case n.c.Action == triage.Withdraw:
		fmt.Fprintf(words, "%s is off the list with the next \"khien publish\"\n", said(n.c))
	case n.c.Action == triage.List:
		fmt.Fprintf(words, "%s is listed with the next \"khien publish\"\n", said(n.c))
	}
	if len(n.off) > 0 && n.c.State != triage.StateProposed {
		fmt.Fprintf(words, "%s is off the list with the next \"khien publish\"\n", said(triage.Case{Ruling: triage.Ruling{Lists: n.off}}))
	}
	if n.rest != 0 {
		fmt.Fprintf(words, "the rest of the kit stays open: case %d\n", n.rest)
	}
	if n.c.Reports > 1 && n.c.State != triage.StateProposed {
		fmt.Fprintf(words, "case %d is %s, with all of its %d reports\n", n.c.ID, n.c.State, n.c.Reports)
	}
}

// publicReason are the flags of a reason in each language.
type publicReason struct{ en, vi string }

func (p *publicReason) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.en, "reason", "", "why, in English: public, and told to those who reported")
	cmd.Flags().StringVar(&p.vi, "reason-vi", "", "the same in Vietnamese")
}

// by language, with a draft where nothing was said.
func (p *publicReason) by(draft func(lang string) string) map[string]string {
	reason := map[string]string{}
	for lang, text := range map[string]string{"en": p.en, "vi": p.vi, "pl": ""} {
		if p.en == "" && p.vi == "" {
			text = draft(lang)
		}
		if text != "" {
			reason[lang] = text
		}
	}
	return reason
}

func reportsAccept(d *dir) *cobra.Command {
	var chosen, kind string
	var reason publicReason
	cmd := &cobra.Command{
		Use: "accept ID", Short: "Accept a report: list what it names, or take it off the list",
		Long: `Decides about the case of the report, as in the console: puts the narrowest thing that the
report names into the ledger, which is the account, else exactly the reported page.
--subject widens or changes it, for instance to the whole host. A report of a mistake takes
the indicator off the list instead. All reports of the same thing are answered with it; other
pages of the same kit stay open in a case of their own. What two people must agree to is
proposed. Nothing is published before "khien publish".`,
		Example: `  $ khien reports accept 3f9a01c2
  $ khien reports accept 3f9a01c2 --subject fake-shop.example/ --category shop`,
		Args: exactly(1, "one report, by its id or the beginning of it"),
	}
	cmd.Flags().StringVar(&chosen, "subject", "", "list this instead of the narrowest")
	cmd.Flags().StringVar(&kind, "category", "", "the kind of scam: "+slugs())
	reason.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		n, err := d.counter(ctx, args[0])
		if err != nil {
			return err
		}
		defer n.close()
		if err := n.open(); err != nil {
			return err
		}
		impact, err := d.impact()
		if err != nil {
			return err
		}
		if n.r.Kind == wire.KindMistake {
			about, err := listedOf(ctx, n.book, n.r, chosen)
			if err != nil {
				return err
			}
			why := reason.by(func(lang string) string { return map[string]string{"en": "reported as a mistake"}[lang] })
			err = n.decide(ctx, triage.Decision{
				Action: triage.Withdraw, Lists: []triage.Listing{{Of: n.of, Lists: about}}, Reason: why, Why: n.why(reason.en), Impact: impact.Of(about, 1),
			}, false)
			if err != nil {
				return err
			}
			n.says(cmd.ErrOrStderr())
			return nil
		}
		i, err := indicatorOf(n.r, chosen, kind)
		if err != nil {
			return err
		}
		err = n.decide(ctx, triage.Decision{
			Action: triage.List, Lists: []triage.Listing{{Of: n.of, Lists: i.Subject}}, Category: i.Category, Lapses: i.Lapses, Reason: reason.by(i.Category.How),
			Why: n.why(reason.en), Impact: impact.Of(i.Subject, 1),
		}, true)
		if err != nil {
			return err
		}
		n.says(cmd.ErrOrStderr())
		return nil
	}
	return cmd
}

// impact knows which decisions two people must agree on.
func (d *dir) impact() (triage.Impact, error) {
	names := &popularNames{path: d.popular()}
	if err := names.read(); err != nil {
		return triage.Impact{}, err
	}
	return triage.Impact{Popular: names.now, Verified: (&publish.Publisher{Official: d.official()}).Verified}, nil
}

func reportsReject(d *dir) *cobra.Command {
	var reason publicReason
	cmd := &cobra.Command{
		Use: "reject ID", Short: "Reject a report",
		Long: `Decides about the case of the report, as in the console: nothing is listed, and all of its
reports of the same thing are told so. What the case had listed before it was opened again leaves
the list with the next "khien publish". Rejecting a report of a mistake leaves on the list what is listed.`,
		Example: `  $ khien reports reject 3f9a01c2 --reason "a satire page, nobody was harmed"`,
		Args:    exactly(1, "one report, by its id or the beginning of it"),
	}
	reason.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		n, err := d.counter(ctx, args[0])
		if err != nil {
			return err
		}
		defer n.close()
		if err := n.open(); err != nil {
			return err
		}
		told := reason.by(func(string) string { return "" })
		switch {
		case n.r.Kind == wire.KindMistake:
			n.c, err = n.desk.Uphold(ctx, n.box, n.c.ID, actor(), told, n.why(reason.en), n.of)
		case n.c.State == triage.StateRejected || n.c.State == triage.StateAccepted: // closed, and this came later
			err = d.act(ctx, "reject", "report "+n.r.Name(), reason.en, func() error {
				return n.box.Decide(ctx, n.r.ID, inbox.Decision{Time: time.Now().Unix(), Actor: actor(), State: wire.StateRejected, Reason: cmp.Or(reason.en, reason.vi)})
			})
		default:
			err = n.decide(ctx, triage.Decision{Action: triage.Reject, Reason: told, Why: n.why(reason.en)}, false)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "report %s is rejected\n", n.r.Name()[:8])
		n.says(cmd.ErrOrStderr())
		return nil
	}
	return cmd
}

func reportsSecond(d *dir) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use: "second ID", Short: "Agree to what another person has proposed about a report",
		Long: `Where two people must agree, the first one's decision waits as a proposal. The second person
is whoever runs this command, and must be another one.`,
		Example: `  $ khien reports second 3f9a01c2 --why "I have seen it too"`,
		Args:    exactly(1, "one report, by its id or the beginning of it"),
	}
	cmd.Flags().StringVar(&why, "why", "", "for the audit log")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		n, err := d.counter(ctx, args[0])
		if err != nil {
			return err
		}
		defer n.close()
		if n.c.State != triage.StateProposed {
			return fmt.Errorf("nothing is proposed about report %s: its case %d is %s", args[0], n.c.ID, n.c.State)
		}
		by := n.c.Decided
		if n.c, err = n.desk.SecondNow(ctx, n.book, n.box, n.c, actor(), n.why(why)); errors.Is(err, triage.ErrSamePerson) {
			return fmt.Errorf("%s has proposed it: another person must agree", by)
		}
		if err != nil {
			return err
		}
		n.says(cmd.ErrOrStderr())
		return nil
	}
	return cmd
}

func reportsReopen(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "reopen ID", Short: "Take a decision about a report back",
		Long: `Opens the case of the report again, for the console too. What was decided and is in no release
is undone. What is on the list stays there until the case is decided anew: rejecting it then takes
that off, and so does listing something else; "khien withdraw" does at once. The answer to a report
of a mistake is taken back, and it waits for another.`,
		Example: `  $ khien reports reopen 3f9a01c2`,
		Args:    exactly(1, "one report, by its id or the beginning of it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			n, err := d.counter(ctx, args[0])
			if err != nil {
				return err
			}
			defer n.close()
			before := n.r
			if n.c.State == triage.StateOpen && n.r.State == wire.StateReceived {
				return fmt.Errorf("report %s is open", args[0])
			}
			if err := n.reopen(ctx, d); err != nil {
				return err
			}
			words := cmd.ErrOrStderr()
			fmt.Fprintf(words, "report %s is open again\n", n.r.Name()[:8])
			switch about := subject.Subject(before.Subject); {
			case before.State != wire.StateAccepted:
			case before.Kind == wire.KindScam:
				fmt.Fprintf(words, "%s stays listed until the case is decided anew; \"khien withdraw %s --reason TEXT\" takes it off the list\n", about, about)
			default:
				fmt.Fprintf(words, "%s stays off the list; accepting a report about it lists it again\n", about)
			}
			return nil
		},
	}
}

// reopen takes the decision back that is in force about the report: that of its case, or what was said about it alone.
func (n *counter) reopen(ctx context.Context, d *dir) (err error) {
	why := n.why("")
	undecided := n.c.State == triage.StateOpen || n.c.State == triage.StateAsked
	switch {
	case !n.c.Settled && n.c.State != triage.StateOpen && n.c.State != triage.StateMerged:
		n.c, err = n.desk.Undo(ctx, n.c.ID, actor(), why)
		return err
	case n.r.State == wire.StateReceived:
		n.c, err = n.desk.Reopen(ctx, n.box, n.c.ID, actor(), why)
		return err
	case n.r.Kind == wire.KindMistake:
		if err := n.desk.Unanswer(ctx, n.r.ID, actor(), why); err != nil {
			return err
		}
		return n.box.Reopen(ctx, n.r.ID, actor(), time.Now().Unix())
	case undecided: // it was decided alone
		return d.act(ctx, "reopen", "report "+n.r.Name(), "", func() error {
			return n.box.Reopen(ctx, n.r.ID, actor(), time.Now().Unix())
		})
	}
	n.c, err = n.desk.Reopen(ctx, n.box, n.c.ID, actor(), why)
	return err
}
