package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/feed"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/triage"
	"khien/server/words"
	"khien/shared/subject"
	"khien/shared/texts"
	"khien/shared/wire"
)

// counter is where somebody decides about one report on the command line: about its case, as the console does.
type counter struct {
	box    *inbox.Inbox
	desk   *triage.Desk
	book   *ledger.Ledger
	r      inbox.Report
	c      triage.Case      // of the report
	of     subject.Subject  // of the case: what the report is about
	site   subject.Subject  // the same before anything narrower was made of it
	rest   int64            // the case of the other subjects, where only this one was decided about
	beside int64            // the open case of what else was reported below the same name
	off    []triage.Listing // what the decision takes off the list without naming it
}

// counter finds a report with its case; close its inbox afterwards.
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
		n.site = n.of
	}
	if err == nil { // gathering tells those who report what is listed already
		n.r, err = n.box.Get(ctx, n.r.Name())
	}
	if err != nil {
		n.box.Close()
		return nil, err
	}
	return n, nil
}

// why is what the audit log says: the reason, and from which report the case was found.
func (n *counter) why(reason string) audit.Why {
	return audit.Why{Text: reason, Proof: audit.Proof{Report: n.r.Name()}}
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

// closed tells whether the case of the report is decided, and that it is settled.
func (n *counter) closed() bool {
	return n.c.Settled && n.c.State != triage.StateOpen && n.c.State != triage.StateAsked
}

// decide decides about the case of the report; one that is closed is opened again for it.
func (n *counter) decide(ctx context.Context, v triage.Decision, again bool) (err error) {
	if again && n.closed() {
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
	// What was reported there and is not what was decided about is in a case that nobody has decided about.
	switch c, err := n.desk.Named(ctx, n.site); {
	case errors.Is(err, triage.ErrNotFound):
	case err != nil:
		return err
	case c.ID != n.c.ID && c.ID != n.rest && c.Reports > 0 && (c.State == triage.StateOpen || c.State == triage.StateAsked):
		n.beside = c.ID
	}
	return nil
}

// narrow takes what is to be rejected out of the report's subject, with the reports that name it: exactly what this one
// is about, or what was chosen.
func (n *counter) narrow(ctx context.Context, chosen string) error {
	to, err := narrowest(n.r)
	if chosen != "" {
		to, err = feed.Exact(chosen)
	}
	if err != nil {
		return fmt.Errorf("couldn't tell what to reject: %w", err)
	}
	if !n.names(to) {
		return n.namesNot(to)
	}
	n.c, n.of, err = n.desk.Narrow(ctx, n.box, n.c.ID, n.of, to, actor(), n.why(""))
	return err
}

// names tells whether what the report is about names something.
func (n *counter) names(s subject.Subject) bool { return slices.Contains(triage.Names(&n.r), s) }

func (n *counter) namesNot(s subject.Subject) error {
	return fmt.Errorf("refused: the address of report %s does not name %s, so a decision about that would say nothing of it; \"khien reports show %s\" tells what it names",
		n.r.Name()[:8], s, n.r.Name()[:8])
}

// replaced are the things that a decision about the report's subject takes off the list without naming them.
func (n *counter) replaced(ctx context.Context, v triage.Decision) (off []triage.Listing, err error) {
	after := n.c
	after.Ruling = triage.Ruling{Action: v.Action, Lists: v.Lists}
	all, err := n.desk.Replaced(ctx, after)
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
		fmt.Fprintf(words, "proposed to %s %s: another person must agree, in the console\n", n.c.Action, said(n.c))
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
	if n.beside != 0 {
		fmt.Fprintf(words, "what else was reported there stays open: case %d\n", n.beside)
	}
	if n.c.Reports > 1 && n.c.State != triage.StateProposed {
		fmt.Fprintf(words, "case %d is %s, with all of its %d reports\n", n.c.ID, n.c.State, n.c.Reports)
	}
}

// saysCovered tells what else covers what somebody objected to, and is still on the list.
func (n *counter) saysCovered(ctx context.Context, words io.Writer) error {
	if !n.c.Settled {
		return nil
	}
	switch other, err := listedOf(ctx, n.book, n.r, ""); {
	case err == nil:
		fmt.Fprintf(words, "%s covers what was objected to, and stays listed: the objection stays open\n", other)
	case !errors.Is(err, errNoneListed):
		return err
	}
	return nil
}

// publicReason are the flags of a reason, by language.
type publicReason map[string]*string

func (p publicReason) flags(cmd *cobra.Command, inEnglish string) {
	p[texts.Fallback] = cmd.Flags().String("reason", "", inEnglish)
	for _, lang := range texts.All()[1:] {
		p[lang] = cmd.Flags().String("reason-"+lang, "", "the same in "+words.Tongue(texts.Fallback, lang))
	}
}

func (p publicReason) english() string { return *p[texts.Fallback] }

// said is what was said, by language.
func (p publicReason) said() map[string]string {
	reason := map[string]string{}
	for lang, text := range p {
		if *text != "" {
			reason[lang] = *text
		}
	}
	return reason
}

// by language, with a draft where nothing was said.
func (p publicReason) by(draft func(lang string) string) map[string]string {
	reason := p.said()
	if len(reason) == 0 {
		for lang := range p {
			reason[lang] = draft(lang)
		}
	}
	return reason
}

func reportsAccept(d *dir) *cobra.Command {
	var chosen, kind, of string
	reason := publicReason{}
	cmd := &cobra.Command{
		Use: "accept ID", Short: "Accept a report: list what it names, or take it off the list",
		Long: `Decides about the case of the report, as in the console: puts the narrowest thing that the
report names into the ledger, which is the account, else exactly the reported page.
--subject widens it to something else that the report names, for instance the whole host. A
report of a mistake takes the indicator off the list instead. All reports whose address is then
found listed are answered with it; other hosts and pages of the same site or kit stay open in a
case of their own. What two people must agree to is
proposed. What another person has decided about the case, or listed, is decided anew only where
--of names that person. Nothing is published before "khien publish".`,
		Example: `  $ khien reports accept 3f9a01c2
  $ khien reports accept 3f9a01c2 --subject fake-shop.example/ --category shop`,
		Args: exactly(1, "one report, by its id or the beginning of it"),
	}
	cmd.Flags().StringVar(&chosen, "subject", "", "list this instead of the narrowest")
	cmd.Flags().StringVar(&kind, "category", "", "the kind of scam: "+slugs())
	cmd.Flags().StringVar(&of, "of", "", "whose decision it changes, where it is another's")
	reason.flags(cmd, "why, in English: public, and told to those who reported")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		n, err := d.counter(ctx, args[0])
		if err != nil {
			return err
		}
		defer n.box.Close()
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
			if !n.names(about) {
				return n.namesNot(about)
			}
			if err := listedBy(ctx, n.book, about, of); err != nil {
				return err
			}
			why := reason.by(func(lang string) string { return map[string]string{"en": "reported as a mistake"}[lang] })
			err = n.decide(ctx, triage.Decision{
				Action: triage.Withdraw, Lists: []triage.Listing{{Of: n.of, Lists: about}}, Reason: why, Why: n.why(reason.english()), Impact: impact.Of(about, 1),
			}, false)
			if err != nil {
				return err
			}
			n.says(cmd.ErrOrStderr())
			return n.saysCovered(ctx, cmd.ErrOrStderr())
		}
		protection, err := d.protection()
		if err != nil {
			return err
		}
		i, err := indicatorOf(n.r, chosen, kind, protection)
		if err != nil {
			return err
		}
		if !n.names(i.Subject) {
			return n.namesNot(i.Subject)
		}
		if n.closed() {
			if err := n.decidedBy(of); err != nil {
				return err
			}
		}
		err = n.decide(ctx, triage.Decision{
			Action: triage.List, Lists: []triage.Listing{{Of: n.of, Lists: i.Subject}}, Category: i.Category, Lapses: i.Lapses, Reason: reason.by(i.Category.How),
			Why: n.why(reason.english()), Impact: impact.Of(i.Subject, 1),
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
	return triage.Impact{Popular: names.now, Verified: (&publish.Publisher{Official: d.official(), Help: d.help()}).Verified}, nil
}

func reportsReject(d *dir) *cobra.Command {
	var chosen string
	reason := publicReason{}
	cmd := &cobra.Command{
		Use: "reject ID", Short: "Reject a report",
		Long: `Decides about the case of the report, as in the console: nothing is listed, and all who
reported the same account or page are told so. --subject widens that to something else that the
report names, for instance the whole host; other hosts and pages of the same site or kit stay
open in a case of their own. What the case had listed before it was opened again leaves
the list with the next "khien publish". Rejecting a report of a mistake leaves on the list what is listed.`,
		Example: `  $ khien reports reject 3f9a01c2 --reason "a satire page, nobody was harmed"`,
		Args:    exactly(1, "one report, by its id or the beginning of it"),
	}
	cmd.Flags().StringVar(&chosen, "subject", "", "reject this instead of the narrowest")
	reason.flags(cmd, "why, in English: public, and told to those who reported")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		n, err := d.counter(ctx, args[0])
		if err != nil {
			return err
		}
		defer n.box.Close()
		if err := n.open(); err != nil {
			return err
		}
		told := reason.said()
		switch {
		case n.r.Kind == wire.KindMistake:
			n.c, err = n.desk.Uphold(ctx, n.box, n.c.ID, actor(), told, n.why(reason.english()), n.of)
		case n.c.State == triage.StateRejected || n.c.State == triage.StateAccepted: // closed, and this came later
			err = n.desk.RejectAlone(ctx, n.box, n.r, actor(), told, audit.Why{Text: reason.english()})
		default:
			if err = n.narrow(ctx, chosen); err == nil {
				err = n.decide(ctx, triage.Decision{Action: triage.Reject, Reason: told, Why: n.why(reason.english())}, false)
			}
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

func reportsReopen(d *dir) *cobra.Command {
	var of string
	cmd := &cobra.Command{
		Use: "reopen ID", Short: "Take a decision about a report back",
		Long: `Opens the case of the report again, for the console too. What was decided and is in no release
is undone. What is on the list stays there until the case is decided anew: rejecting it then takes
that off, and so does listing something else; "khien withdraw" does at once. The answer to a report
of a mistake is taken back, and it waits for another.

What another person decided is taken back only where --of names that person. What two people
decided takes two: this only proposes it, and another person agrees in the console.`,
		Example: `  $ khien reports reopen 3f9a01c2
  $ khien reports reopen 3f9a01c2 --of mai`,
		Args: exactly(1, "one report, by its id or the beginning of it"),
	}
	cmd.Flags().StringVar(&of, "of", "", "whose decision it is, where it is another's")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		n, err := d.counter(ctx, args[0])
		if err != nil {
			return err
		}
		defer n.box.Close()
		before, wanted := n.r, n.c.Undoing
		if n.c.State == triage.StateOpen && n.r.State == wire.StateReceived {
			return fmt.Errorf("report %s is open", args[0])
		}
		if err := n.reopen(ctx, of); errors.Is(err, triage.ErrSamePerson) {
			return fmt.Errorf("%s wants to take that back already: another person must agree in the console", wanted)
		} else if err != nil {
			return err
		}
		words := cmd.ErrOrStderr()
		if n.c.Undoing != "" {
			fmt.Fprintf(words, "%s and %s decided case %d: another person must agree in the console before it is open again\n", n.c.Decided, n.c.Seconded, n.c.ID)
			return nil
		}
		fmt.Fprintf(words, "report %s is open again\n", n.r.Name()[:8])
		switch about := subject.Subject(before.Subject); {
		case before.State != wire.StateAccepted:
		case before.Kind == wire.KindScam:
			fmt.Fprintf(words, "%s stays listed until the case is decided anew; \"khien withdraw %s --reason TEXT\" takes it off the list\n", about, about)
		default:
			fmt.Fprintf(words, "%s stays off the list; accepting a report about it lists it again\n", about)
		}
		return nil
	}
	return cmd
}

// another refuses to take back what another person decided, unless that person is named: so nobody does it unawares.
func another(whose, of, what string) error {
	if triage.SamePerson(whose, actor()) || of == whose {
		return nil
	}
	if of != "" {
		return fmt.Errorf("%s is not of %s but of %s", what, of, whose)
	}
	return fmt.Errorf("%s is of %s: say --of %s to take it back", what, whose, whose)
}

// decidedBy refuses to take back what another decided about the case of the report.
func (n *counter) decidedBy(of string) error {
	what := fmt.Sprintf("the decision about case %d (%s, with %s)", n.c.ID, cmp.Or(said(n.c), string(n.c.Action)), counted(n.c.Reports, "report", "reports"))
	return another(n.c.Decided, of, what)
}

// saidBy refuses to take back what another said about this report alone.
func (n *counter) saidBy(ctx context.Context, of string) error {
	history, err := n.box.History(ctx, n.r.ID)
	if err != nil || len(history) == 0 {
		return err
	}
	return another(history[len(history)-1].Actor, of, "the answer to report "+n.r.Name()[:8])
}

// reopen takes the decision back that is in force about the report: that of its case, or what was said about it alone.
func (n *counter) reopen(ctx context.Context, of string) (err error) {
	why := n.why("")
	undecided := n.c.State == triage.StateOpen || n.c.State == triage.StateAsked
	ofCase := !n.c.Settled && n.c.State != triage.StateOpen && n.c.State != triage.StateMerged || n.r.State == wire.StateReceived || n.r.Kind != wire.KindMistake && !undecided
	if ofCase {
		err = n.decidedBy(of)
	} else {
		err = n.saidBy(ctx, of)
	}
	if err != nil {
		return err
	}
	switch {
	case !n.c.Settled && n.c.State != triage.StateOpen && n.c.State != triage.StateMerged:
		n.c, err = n.desk.Undo(ctx, n.c.ID, actor(), why)
		return err
	case n.r.State == wire.StateReceived:
		n.c, err = n.desk.Reopen(ctx, n.box, n.c.ID, actor(), why)
		return err
	case n.r.Kind == wire.KindMistake:
		return n.desk.Unanswer(ctx, n.box, n.r.ID, actor(), why)
	case undecided: // it was decided alone
		return n.desk.ReopenAlone(ctx, n.box, n.r, actor())
	}
	n.c, err = n.desk.Reopen(ctx, n.box, n.c.ID, actor(), why)
	return err
}
