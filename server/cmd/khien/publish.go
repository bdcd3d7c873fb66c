package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/staff"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/subject"
)

func publishCommand(d *dir) *cobra.Command {
	var why string
	var alone, anew, clock bool
	cmd := &cobra.Command{
		Use: "publish", Short: "Publish the ledger as a signed release",
		Long: `Writes the set, its deltas and its buckets, and the signed head last. Where nothing has
changed and the head has more than half of its life left, nothing is published. Protected
names are never published. What was decided about cases in the console goes out with it, and
those who reported are told when it is out: a release that fails changes nothing. Prints what
was published as one JSON object. A published file that is damaged is put back as it was, or
made anew with a new release.

Where several people decide, a release takes two of them, and the command line is none of
them, since a name given here proves nothing. What has changed is proposed: two members
confirm it in the console, and it goes out at once; or nobody stops it for a day (see "khien
admin delay"), and then "khien serve" or this command publishes exactly what was proposed. See
"khien proposal".

Where one person runs all of it, and the register says so ("khien init"), it is published at
once. What reaches far is held back and named until there is a second person: what lists,
changes or takes off anything of a host that many people know, a host of one that is rented
out, an official account, a hotline, or mail of a bank or an office. More than 50 changes at once are refused. With --alone these are
published, and what is rented out; the audit log says so.`,
		Example: `  $ khien publish
  {"sequence":42,"count":34467,"added":12,"removed":3,"size":93184,"published":true}
  $ khien publish --alone --why "the national list of this month"`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if alone && why == "" {
				return usagef("say with --why why nobody else confirms it")
			}
			p, err := d.publisher()
			if err != nil {
				return err
			}
			p.Anew, p.ClockIsRight = anew, clock
			d.warnOfRoot(cmd.ErrOrStderr())
			box, err := d.inbox()
			if err != nil {
				return err
			}
			defer box.Close()
			desk, err := d.desk()
			if err != nil {
				return err
			}
			switch less, err := d.fewer(cmd.Context(), desk); {
			case err != nil:
				return err
			case less != "":
				fmt.Fprintln(cmd.ErrOrStderr(), less)
			}
			out, err := d.release(cmd.Context(), desk, p, box, alone, why)
			if err != nil {
				return err
			}
			r, held := out.Result, out.held
			takedowns, err := d.takedownsOf(desk)
			if err != nil {
				return err
			}
			followed, err := takedowns.Follow(cmd.Context(), p.Ledger, time.Now().Unix())
			if err != nil {
				return err
			}
			words := cmd.ErrOrStderr()
			for _, refused := range r.Refused {
				fmt.Fprintf(words, "not published: %v\n", refused)
			}
			for _, name := range r.Back {
				fmt.Fprintf(words, "was damaged, and put back: %s\n", name)
			}
			for _, i := range held.First {
				fmt.Fprintf(words, "held back until two people confirm it in the console: %s\n", i.Subject)
			}
			if more := held.Count - len(held.First); more > 0 {
				fmt.Fprintf(words, "held back as well: %d more\n", more)
			}
			if out.outdated != nil {
				fmt.Fprintf(words, "what %s proposed is not what was decided any more, and does not go out\n", out.outdated.By)
			}
			if out.proposal != nil {
				tellProposal(words, *out.proposal)
			} else if r.Published {
				fmt.Fprintf(words, "release %d: %s, %d added, %d removed\n", r.Sequence, counted(r.Count, "indicator", "indicators"), r.Added, r.Removed)
				if r.Behind != nil {
					fmt.Fprintf(words, "It is out. What could not be done behind it follows by itself, or with the next release: %v\n", r.Behind)
				}
			} else {
				fmt.Fprintf(words, "release %d is up to date\n", r.Sequence)
			}
			if followed != (takedown.Followed{}) {
				fmt.Fprintf(words, "takedown cases: %d prepared, %d withdrawn, %d re-appeared\n", followed.Made, followed.Withdrawn, followed.ReAppeared)
			}
			said := map[string]any{"sequence": r.Sequence, "count": r.Count, "added": r.Added, "removed": r.Removed, "size": r.SetSize, "published": r.Published}
			if out.proposal != nil {
				said = map[string]any{"published": false, "proposed": proposalLine(*out.proposal)}
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(said)
		},
	}
	cmd.Flags().StringVar(&why, "why", "", "for the audit log")
	cmd.Flags().BoolVar(&clock, "clock-is-right", false, "publish although so long after the last release, or with so many entries at their end, that the clock looks wrong")
	cmd.Flags().BoolVar(&anew, "anew", false, "where what is published is newer than the ledger, which came back from a backup: build upon none of it, with a number above all that were. Where several people decide, two confirm it")
	cmd.Flags().BoolVar(&alone, "alone", false, "where one person runs all of it: publish more than 50 changes at once, and what is rented out; needs --why")
	return cmd
}

// released is what became of a release.
type released struct {
	publish.Result
	held     publish.Excerpt
	proposal *triage.Proposal // that waits
	outdated *triage.Proposal // that was closed
}

// release publishes what one person may, or what nobody has stopped, and else proposes it.
func (d *dir) release(ctx context.Context, desk *triage.Desk, p *publish.Publisher, box *inbox.Inbox, alone bool, why string) (out released, err error) {
	now := time.Now().Unix()
	impact, err := d.impact()
	if err != nil {
		return out, err
	}
	people, err := d.staff()
	if err != nil {
		return out, err
	}
	register, err := people.Register(ctx, now)
	if err != nil {
		return out, err
	}
	if !register.Alone {
		if alone {
			return out, fmt.Errorf("--alone is for an installation that one person runs, and whose register says so. Here two people confirm a release in the console, "+
				"or it goes out %s after it was proposed, unless somebody stops it: \"khien publish\" proposes it", hours(register.Waits(now)))
		}
		out, err = together(ctx, desk, p, box, impact, people, register.Waits(now), why, now)
	} else {
		out, err = single(ctx, desk, p, box, impact, alone, why, now)
	}
	if errors.Is(err, publish.ErrChanged) || errors.Is(err, triage.ErrProposed) {
		err = fmt.Errorf("%w, somebody else is at work: run it again", err)
	}
	return out, err
}

// single publishes for a person who has nobody else, and holds back what reaches far.
func single(ctx context.Context, desk *triage.Desk, p *publish.Publisher, box *inbox.Inbox, impact triage.Impact, alone bool, why string, now int64) (out released, err error) {
	plan, err := desk.PlanAlone(ctx, p, impact, now, alone)
	if err != nil {
		return out, err
	}
	defer plan.Close()
	if plan.Two != (triage.Two{}) {
		if !alone {
			return out, fmt.Errorf("this release takes two people (%s): say \"khien publish --alone --why TEXT\" where there is nobody else", plan.Two)
		}
	}
	out.held = plan.Held
	out.Result, err = desk.ReleasePlanned(ctx, p, box, actor(), audit.Why{Text: why}, now, plan)
	return out, err
}

// together publishes what was proposed and nobody has stopped, or else proposes what has changed.
func together(ctx context.Context, desk *triage.Desk, p *publish.Publisher, box *inbox.Inbox, impact triage.Impact, people *staff.Store,
	delay int64, why string, now int64) (out released, err error) {
	r, done, err := desk.Overdue(ctx, p, box, impact, people.Publishers(), opposable(people), actor(), now)
	if err != nil {
		return out, err
	}
	if done.State == triage.Unopposed {
		out.Result = r
		return out, nil
	}
	open, f, stands, err := desk.Standing(ctx, p, box, impact, people.Publishers(), now)
	f.Close()
	switch {
	case errors.Is(err, triage.ErrNotProposed):
	case err != nil:
		return out, err
	case stands:
		if open.Due <= now { // as long as nobody could stop it
			open.Due = 0
		}
		out.proposal = &open
		return out, nil
	default:
		done = open
		if err := desk.Outdate(ctx, open, actor(), now); err != nil {
			return out, err
		}
	}
	if done.ID != 0 {
		out.outdated = &done
	}
	if f, err = desk.Draft(ctx, p, impact, now); err != nil {
		return out, err
	}
	defer f.Close()
	if f.Whole.Empty() { // but those who reported are told, and a head that is old is signed anew
		out.Result, err = desk.ReleasePlanned(ctx, p, box, actor(), audit.Why{Text: why}, now, f.Whole)
		return out, err
	}
	made, err := desk.Propose(ctx, f, actor(), delay, audit.Why{Text: why}, now)
	out.proposal = &made
	return out, err
}

// waits tells whether a subject waits for a second person: two must agree on it, and no release has it yet. Where one
// person runs all of it, there is nobody to wait for.
func (d *dir) waits(ctx context.Context) (func(subject.Subject) (bool, error), error) {
	people, err := d.staff()
	if err != nil {
		return nil, err
	}
	register, err := people.Register(ctx, time.Now().Unix())
	if err != nil {
		return nil, err
	}
	if register.Alone {
		return func(subject.Subject) (bool, error) { return false, nil }, nil
	}
	impact, err := d.impact()
	if err != nil {
		return nil, err
	}
	p, err := d.publisher()
	if err != nil {
		return nil, err
	}
	impact, shelf := impact.Now(), p.Shelf()
	return func(s subject.Subject) (bool, error) {
		if impact.Of(s, 1) == (triage.Reach{}) {
			return false, nil
		}
		_, err := shelf.Listed(ctx, s)
		if errors.Is(err, ledger.ErrNotFound) {
			return true, nil
		}
		return false, err
	}, nil
}

// guarded leaves out what no release has either, and names it; and what waits for two people, of which it tells the
// number.
func guarded(list iter.Seq2[ledger.Indicator, error], waits func(subject.Subject) (bool, error), words io.Writer) iter.Seq2[ledger.Indicator, error] {
	return func(yield func(ledger.Indicator, error) bool) {
		waiting := 0
		defer func() {
			if waiting > 0 {
				fmt.Fprintf(words, "not exported: %d that two people must agree on; \"khien publish\" names them\n", waiting)
			}
		}()
		for i, err := range list {
			if err == nil {
				var wait bool
				if wait, err = waits(i.Subject); wait {
					waiting++
					continue
				}
			}
			if err == nil {
				if refused := publish.Permit(i.Subject); refused != nil {
					fmt.Fprintf(words, "not exported: %v\n", refused)
					continue
				}
			}
			if !yield(i, err) {
				return
			}
		}
	}
}
