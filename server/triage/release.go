package triage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/subject"
)

// settling is what is settled of a release, in the change that lets it out.
type settling struct {
	Actor    string
	Args     audit.Args // what the audit log says of it besides
	Why      audit.Why
	Time     int64
	Renewal  bool        // of the head alone, and of what the calendar has changed
	Cases    []decidedAt // that it brings or tells about, and that it has
	Refused  []refusal
	Proposal int64 // that it came of; 0 for none
	How      Outcome
	Popular  int // pages that were named
}

// refusal is what a release goes without although somebody has decided to list it.
type refusal struct {
	Subject subject.Subject
	Rule    publish.Rule
}

// Release publishes all that was decided, and notes it. It asks nobody: it is for the first list of an installation of
// one person.
func (d *Desk) Release(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, actor string, why audit.Why, now int64) (publish.Result, error) {
	plan, err := d.Plan(ctx, p, Impact{}, now)
	if err != nil {
		return publish.Result{}, err
	}
	defer plan.Close()
	return d.ReleasePlanned(ctx, p, box, actor, why, now, plan)
}

// KeepFresh signs a new head, as publish.Renew does, and notes it. While a release is proposed, everybody keeps what it
// was proposed upon.
func (d *Desk) KeepFresh(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, actor string, now int64) (r publish.Result, err error) {
	if err := d.Resume(ctx, p.Shelf(), box); err != nil {
		return r, err
	}
	agree := d.agree(ctx, p.Ledger, heard{box: box}, nil, settling{Actor: actor, Args: audit.Args{Cause: "fresh"}, Time: now, Renewal: true}, func(db.Reader) error { return nil })
	switch _, err = d.Proposed(ctx); {
	case errors.Is(err, ErrNotProposed):
		r, err = p.Renew(ctx, now, agree)
	case err == nil:
		r, err = p.Resign(ctx, now, agree)
	}
	return d.followed(ctx, p, box, r, err)
}

// followed has follow what comes after a release, and tells of what is out that it is.
func (d *Desk) followed(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, r publish.Result, err error) (publish.Result, error) {
	left := d.Resume(ctx, p.Shelf(), box)
	if r.Published {
		r.Behind = errors.Join(r.Behind, left)
		return r, err
	}
	return r, errors.Join(err, left)
}

// ReleasePlanned publishes exactly what was planned, or nothing: publish.ErrChanged. Once it is out, its cases are
// settled, and it is noted; not before, and not without it. Where it changes nothing for anybody, those who reported
// are told all the same. Where it takes two people, the audit log says that one did it alone.
func (d *Desk) ReleasePlanned(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, actor string, why audit.Why, now int64, plan Planned) (publish.Result, error) {
	two := plan.Two
	how := audit.Args{Alone: two != (Two{}), Two: string(two.Why.Rule), Of: two.Why.What, Far: two.Subject}
	return d.release(ctx, p, box, plan, settling{Actor: actor, Args: how, Why: why, Time: now}, func(db.Reader) error { return nil })
}

// release publishes a plan as long as still agrees, which is asked up to the last moment.
func (d *Desk) release(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, plan Planned, s settling, still func(db.Reader) error) (r publish.Result, err error) {
	if err := d.Resume(ctx, p.Shelf(), box); err != nil {
		return r, err
	}
	also := still
	still = func(q db.Reader) error { return errors.Join(d.unchanged(ctx, q, plan), also(q)) }
	if err := still(d.db); err != nil {
		return r, err
	}
	s.Args.Clock = p.ClockIsRight
	for _, c := range plan.all() {
		s.Cases = append(s.Cases, decidedAt{c.ID, c.Changed})
	}
	for _, why := range plan.Refused {
		if one, ok := errors.AsType[*publish.Protected](why); ok {
			s.Refused = append(s.Refused, refusal{one.Subject, one.Rule})
		}
	}
	changes, err := d.brings(ctx, box, plan)
	if err != nil {
		return r, err
	}
	said, err := d.hearOf(ctx, box, plan.Cases)
	if err != nil {
		return r, err
	}
	r, err = p.Issue(ctx, plan.Edition, d.agree(ctx, p.Ledger, said, changes, s, still))
	if err == nil && !r.Published {
		err = d.change(ctx, func(tx *sql.Tx) error {
			if err := still(tx); err != nil {
				return err
			}
			book := p.Ledger.In(tx)
			return d.settleRelease(ctx, tx, book, said, func() error { return book.Apply(ctx, changes) }, ledger.Release{}, s)
		})
	}
	return d.followed(ctx, p, box, r, err)
}

// agree lets a release out and settles it, in one change.
func (d *Desk) agree(ctx context.Context, book *ledger.Ledger, said heard, changes []ledger.Change, s settling, still func(db.Reader) error) publish.Agree {
	return func(out publish.Out) error {
		s.Args.Added, s.Args.Removed = out.Added, out.Removed
		return d.change(ctx, func(tx *sql.Tx) error {
			if err := still(tx); err != nil {
				return err
			}
			return d.settleRelease(ctx, tx, book.In(tx), said, func() error { return out.Write(tx, changes) }, out.Release, s)
		})
	}
}

// Resume lets everybody have the head that is in force, and brings to the inbox what waits for it: whoever published
// may have been killed.
func (d *Desk) Resume(ctx context.Context, shelf *publish.Shelf, box *inbox.Inbox) error {
	var out bool
	if err := d.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM outbox WHERE letter = '')`).Scan(&out); err != nil {
		return err
	}
	if out {
		if err := d.putHead(ctx, shelf); err != nil {
			return err
		}
	}
	d.Deliver(ctx, box) // who can't be told now is told at the next time; no release waits for that
	return nil
}

// putHead puts the head that is in force in its place, after which everybody may be told of it.
func (d *Desk) putHead(ctx context.Context, shelf *publish.Shelf) error {
	unlock, err := shelf.Lock(ctx) // nobody is publishing
	if err != nil {
		return err
	}
	defer unlock()
	if err := shelf.SetHead(ctx); err != nil {
		return err
	}
	_, err = d.db.ExecContext(ctx, `DELETE FROM outbox WHERE letter = ''`)
	return err
}

// settleRelease writes a release, settles its cases, notes it, and closes the proposal that it came of. Without a
// number, nothing is out, and those who reported are told.
func (d *Desk) settleRelease(ctx context.Context, tx *sql.Tx, book *ledger.Ledger, said heard, write func() error, r ledger.Release, s settling) error {
	if r.Sequence > 0 {
		if err := tellFirst(ctx, tx); err != nil {
			return err
		}
	}
	for _, one := range s.Refused {
		if err := d.leaveOut(ctx, tx, one, s); err != nil {
			return fmt.Errorf("couldn't open the case again of what isn't published: %w", err)
		}
	}
	off := map[int64][]Listing{}
	for _, of := range s.Cases {
		c, err := get(ctx, tx, of.ID)
		if err == nil {
			off[of.ID], err = replaced(ctx, tx, c)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("couldn't read what case %d has listed: %w", of.ID, err)
		}
	}
	if err := write(); err != nil {
		return err
	}
	for _, of := range s.Cases {
		c, err := get(ctx, tx, of.ID)
		if err == nil && c.Changed == of.Changed && decided(c) && !c.Settled {
			err = d.settle(ctx, tx, book, said, c, off[c.ID])
		}
		if err == nil && r.Sequence > 0 {
			_, err = tx.ExecContext(ctx, `UPDATE cases SET published = ? WHERE id = ? AND changed = ? AND settled = 1 AND published = 0`, int64(r.Sequence), c.ID, of.Changed)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("couldn't settle case %d: %w", of.ID, err)
		}
	}
	if r.Sequence > 0 {
		act := audit.Act{Time: s.Time, Actor: s.Actor, Verb: audit.Publish, Object: releaseObject(r.Sequence), Args: s.Args, Why: s.Why}
		if act.Args.Count = int(r.Count); s.Renewal {
			act.Verb, act.Args.Added = audit.Renew, 0
		}
		if err := audit.Record(ctx, tx, act); err != nil {
			return err
		}
	}
	if s.Proposal == 0 {
		return nil
	}
	if s.How == Agreed {
		if _, err := tx.ExecContext(ctx, `UPDATE protects SET popular = ?`, s.Popular); err != nil {
			return err
		}
	}
	return end(ctx, tx, s.Proposal, s.How, s.Actor, "", s.Time)
}

// unchanged is publish.ErrChanged where a case of a plan is not as it was when that was made.
func (d *Desk) unchanged(ctx context.Context, q db.Reader, plan Planned) error {
	for _, was := range plan.all() {
		if c, err := get(ctx, q, was.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		} else if c.State != was.State || c.Changed != was.Changed || c.Category != was.Category || !reflect.DeepEqual(c.Ruling, was.Ruling) {
			return publish.ErrChanged
		}
	}
	return nil
}

// brings is what the cases of a plan bring into the ledger. What is listed counts for more than what is taken off, as
// in its edition.
func (d *Desk) brings(ctx context.Context, box *inbox.Inbox, plan Planned) (changes []ledger.Change, err error) {
	listed := map[subject.Subject]bool{}
	for _, c := range plan.Cases {
		more, err := d.changes(ctx, box, plan.without(c))
		if err != nil {
			return nil, err
		}
		for _, one := range more {
			listed[one.Subject] = listed[one.Subject] || !one.Off
		}
		changes = append(changes, more...)
	}
	return slices.DeleteFunc(changes, func(c ledger.Change) bool { return c.Off && listed[c.Subject] }), nil
}

// without is a case without what its release goes without.
func (p Planned) without(c Case) Case {
	if c.Action != List {
		return c
	}
	c.Lists = slices.DeleteFunc(slices.Clone(c.Lists), func(l Listing) bool {
		return slices.ContainsFunc(p.Refused, func(why error) bool {
			one, ok := errors.AsType[*publish.Protected](why)
			return ok && one.Subject == l.Lists
		})
	})
	if len(c.Lists) == 0 { // it is open again, and what stood stands
		c.Action = ""
	}
	return c
}

// leaveOut opens the case again that has decided to list what a release goes without.
func (d *Desk) leaveOut(ctx context.Context, tx *sql.Tx, one refusal, s settling) error {
	c, err := scanCase(tx.QueryRowContext(ctx, selectCase+` WHERE published = 0 AND state = 'accepted' AND action = 'list'
		AND EXISTS (SELECT 1 FROM json_each(lists) WHERE value ->> 'lists' = ?)`, string(one.Subject)))
	if errors.Is(err, ErrNotFound) || err == nil && !c.Settled && !slices.Contains(s.Cases, decidedAt{c.ID, c.Changed}) {
		return nil
	}
	if err != nil {
		return err
	}
	subjects, err := subjectsOf(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	var own []Subject // whose decision it is; the others of the case are published
	for _, s := range subjects {
		if slices.Contains(c.about(s.Name), one.Subject) {
			own = append(own, s)
		}
	}
	if len(own) > 0 && len(own) < len(subjects) {
		id, err := carve(ctx, tx, c, own, d.now())
		if err != nil {
			return err
		}
		if c, err = get(ctx, tx, id); err != nil {
			return err
		}
	}
	how := audit.Args{Names: []subject.Subject{one.Subject}, Guard: string(one.Rule)}
	if c.Settled {
		return d.reopen(ctx, tx, c, s.Actor, how, audit.Why{})
	}
	return d.undo(ctx, tx, c, s.Actor, how, audit.Why{})
}

func releaseObject(sequence uint64) audit.Object { return audit.Numbered(audit.OfRelease, sequence) }
