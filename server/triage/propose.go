package triage

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/inbox"
	"khien/server/publish"
	"khien/shared/release"
	"khien/shared/subject"
)

// What reaches everybody is seen by two. One person proposes a release. Another confirms exactly that, and it goes out
// at once; or nobody stops it within a delay, and it goes out by itself, but for what reaches far and what two have
// listed, which take two always. Meanwhile people go on deciding: what they decide after the proposal is not in it.
// What was proposed and is not as it was any more does not go out at all: somebody proposes anew, with the whole delay.

var (
	// ErrProposed is a proposal beside one that is open.
	ErrProposed = errors.New("another release is proposed already: it is confirmed, or stopped, first")
	// ErrNotProposed is a proposal that is open no more.
	ErrNotProposed = errors.New("no such release is proposed now")

	errUnopposable = errors.New("nobody could have stopped this release")
)

// Draft is a release that one person may propose. Close it.
type Draft struct {
	Whole  Planned // what goes out when two people confirm it
	Rest   Planned // what goes out by itself: without what reaches far
	Digest string  // over both, in hex: what a person confirms
	Fewer  Fewer

	at, seq     int64
	anew, clock bool
	popular     int // pages that are named
}

// Close forgets the editions of a draft.
func (f Draft) Close() {
	f.Whole.Close()
	f.Rest.Close()
}

// Draft is what a release of now would be.
func (d *Desk) Draft(ctx context.Context, p *publish.Publisher, impact Impact, now int64) (Draft, error) {
	seq, err := p.Ledger.Seq(ctx)
	if err != nil {
		return Draft{}, err
	}
	cases, err := d.Pending(ctx)
	if err != nil {
		return Draft{}, err
	}
	return d.draft(ctx, p, impact, cases, Draft{at: now, seq: seq, anew: p.Anew, clock: p.ClockIsRight}, now)
}

// Redraft is what was proposed, as far as it still is what people have decided: where not, it has another digest.
func (d *Desk) Redraft(ctx context.Context, p *publish.Publisher, impact Impact, one Proposal, now int64) (Draft, error) {
	cases := []Case{}
	for _, of := range one.cases {
		c, err := d.Get(ctx, of.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Draft{}, err
		}
		if err == nil && c.Published == 0 && c.Changed == of.Changed && (c.State == StateAccepted || c.State == StateRejected) {
			cases = append(cases, c)
		}
	}
	return d.draft(ctx, one.publisher(p), impact, cases, Draft{at: one.Made, seq: one.seq, anew: one.anew, clock: one.ClockIsRight}, now)
}

func (d *Desk) draft(ctx context.Context, p *publish.Publisher, impact Impact, cases []Case, of Draft, now int64) (Draft, error) {
	impact = impact.now(ctx, p)
	of.popular = impact.names()
	var err error
	if of.Fewer, err = d.Fewer(ctx, impact); err != nil {
		return of, err
	}
	since, err := p.Ledger.Since(ctx, of.seq)
	if err != nil {
		return of, err
	}
	agreed, unproven, err := d.agreed(ctx)
	if err != nil {
		return of, err
	}
	byTwo, err := listedByTwo(ctx, d.db)
	if err != nil {
		return of, err
	}
	far := false
	of.Rest, err = d.plan(ctx, p, impact, cases, of.at, now, since, func(s subject.Subject) bool {
		holds := unproven[s] || !agreed[s] && (byTwo[s] || impact.Of(s, 1) != Reach{})
		far = far || holds
		return holds
	})
	if err != nil {
		return of, err
	}
	if of.Whole = of.Rest; far {
		if of.Whole, err = d.plan(ctx, p, impact, cases, of.at, now, since, nil); err != nil {
			of.Rest.Close()
			return of, err
		}
	}
	named := []any{of.Whole.named(), of.Rest.named(), of.anew, of.clock}
	if of.Fewer != (Fewer{}) {
		named = append(named, of.Fewer)
	}
	text, err := json.Marshal(named)
	sum := sha256.Sum256(append([]byte("khien release\n"), text...))
	of.Digest = hex.EncodeToString(sum[:])
	return of, err
}

// named is exactly what a plan makes of what everybody has. That is named by what it says, so that it may be signed
// anew meanwhile.
func (p Planned) named() any {
	type told struct {
		Case     int64
		Action   Action
		Lists    []subject.Subject
		Category string
		Reason   map[string]string
		Lapses   int64
		Changed  int64
		Decided  string
	}
	cases := []told{}
	for _, c := range p.all() {
		cases = append(cases, told{c.ID, c.Action, c.About(), c.Category, c.Reason, c.Lapses, c.Changed, c.Decided})
	}
	digests := []string{}
	for _, d := range []release.Digest{p.BaseSet, p.BaseRoot, p.BaseSupplement, p.Set, p.Root, p.Supplement, p.Keys} {
		digests = append(digests, d.String())
	}
	return []any{digests, cases}
}

// ByItself tells whether a part of the draft may go out by itself. Where what everybody has is damaged, or newer than
// the ledger, or of another root key, nobody can tell what would change. Nor does anything push by itself off the list
// what reaches far; and where fewer popular pages are named than before, nobody can tell what that is.
func (f Draft) ByItself() bool {
	return f.Fewer == (Fewer{}) && !f.Rest.Unread && !f.Rest.Crowded && (!f.Rest.Empty() || len(f.Rest.Cases) > 0)
}

// Fewer is how many popular pages were named, and are now, where they are fewer: the file is gone, or another one. The
// zero value where they are not.
type Fewer struct{ Was, Are int }

// Fewer compares the popular pages that are named now with those of the releases before.
func (d *Desk) Fewer(ctx context.Context, impact Impact) (f Fewer, err error) {
	f.Are = impact.names()
	if err := d.db.QueryRowContext(ctx, `SELECT popular FROM protects`).Scan(&f.Was); err != nil {
		return f, fmt.Errorf("couldn't read how many popular pages were named: %w", err)
	}
	if f.Are >= f.Was {
		return Fewer{}, nil
	}
	return f, nil
}

// Outcome is what became of a proposal.
type Outcome string

// The outcomes.
const (
	Waits     Outcome = "open"
	Agreed    Outcome = "agreed"    // two have confirmed it, and it is out
	Unopposed Outcome = "unopposed" // nobody has stopped it, and it is out
	Stopped   Outcome = "stopped"   // by another
	TakenBack Outcome = "taken back"
	Outdated  Outcome = "outdated" // it is not what people have decided any more, or who proposed it may publish no more
)

// Changes are what a proposal changes, for people.
type Changes struct {
	Added, Changed, Removed int
	Held                    int               // of these, wait for two people
	First                   []subject.Subject // some of them
	Beside                  []string          // what is said beside the list: official, help, hot, cards, order; and keys, prefixes, fewer
}

// Proposal is a release that one person has proposed.
type Proposal struct {
	ID        int64
	By        string
	Made, Due int64 // Unix seconds; Due is 0 where it does not go out by itself
	Adopted   int64 // Unix seconds since when it is By's, where the command line has proposed it before; else 0
	Digest    string
	Changes   Changes
	State     Outcome
	Ended     int64 // Unix seconds; 0 while it is open
	Ender     string
	Why       string // why it was ended

	ClockIsRight bool // as its author says, though it looks wrong

	seq   int64
	cases []decidedAt
	anew  bool
}

type decidedAt struct{ ID, Changed int64 }

// Shell tells whether it was proposed on the command line: by nobody in particular, so that two others confirm it.
func (o Proposal) Shell() bool { return fromShell(o.By) }

// publisher is one that publishes as was proposed.
func (o Proposal) publisher(p *publish.Publisher) *publish.Publisher {
	like := *p
	like.Anew, like.ClockIsRight = o.anew, p.ClockIsRight || o.ClockIsRight
	return &like
}

const selectProposal = `SELECT id, actor, made, due, digest, seq, cases, anew, clock, changes, state, ended, ender, why, adopted FROM proposal`

func scanProposal(row *sql.Row) (o Proposal, err error) {
	var cases, changes string
	err = row.Scan(&o.ID, &o.By, &o.Made, &o.Due, &o.Digest, &o.seq, &cases, &o.anew, &o.ClockIsRight, &changes, &o.State, &o.Ended, &o.Ender, &o.Why, &o.Adopted)
	if errors.Is(err, sql.ErrNoRows) {
		return o, ErrNotProposed
	}
	if err == nil {
		err = errors.Join(json.Unmarshal([]byte(cases), &o.cases), json.Unmarshal([]byte(changes), &o.Changes))
	}
	if err != nil {
		return o, fmt.Errorf("couldn't read what is proposed: %w", err)
	}
	return o, nil
}

// Proposed is the proposal that is open, or ErrNotProposed.
func (d *Desk) Proposed(ctx context.Context) (Proposal, error) {
	return scanProposal(d.db.QueryRowContext(ctx, selectProposal+` WHERE state = 'open'`))
}

// LastProposed is the proposal that was ended last, or ErrNotProposed.
func (d *Desk) LastProposed(ctx context.Context) (Proposal, error) {
	return scanProposal(d.db.QueryRowContext(ctx, selectProposal+` WHERE state <> 'open' ORDER BY id DESC LIMIT 1`))
}

// NeedsTwo is the proposal that somebody has stopped, since when nothing goes out by itself until two people have
// confirmed a release; or ErrNotProposed. Else who was stopped would propose it again, and wait for a day on which
// nobody looks.
func (d *Desk) NeedsTwo(ctx context.Context) (Proposal, error) { return needsTwo(ctx, d.db) }

func needsTwo(ctx context.Context, q db.Reader) (Proposal, error) {
	return scanProposal(q.QueryRowContext(ctx, selectProposal+` WHERE state = 'stopped' AND id > (SELECT coalesce(max(id), 0) FROM proposal WHERE state = 'agreed') ORDER BY id DESC LIMIT 1`))
}

// Propose keeps a draft as somebody's proposal, for others to see; by itself it goes out after the delay in seconds.
// Why is for the audit log.
func (d *Desk) Propose(ctx context.Context, f Draft, by string, delay int64, why audit.Why, now int64) (o Proposal, err error) {
	o = Proposal{
		By: by, Made: f.at, Digest: f.Digest, State: Waits, seq: f.seq, anew: f.anew, ClockIsRight: f.clock,
		Changes: f.Whole.changes(f.Rest.Held.Count), cases: []decidedAt{},
	}
	for _, c := range f.Whole.all() {
		o.cases = append(o.cases, decidedAt{c.ID, c.Changed})
	}
	if f.Fewer != (Fewer{}) {
		o.Changes.Beside = append(o.Changes.Beside, "fewer")
	}
	cases, err := json.Marshal(o.cases)
	if err != nil {
		return o, err
	}
	changes, err := json.Marshal(o.Changes)
	if err != nil {
		return o, err
	}
	err = d.change(ctx, func(tx *sql.Tx) error {
		if _, err := scanProposal(tx.QueryRowContext(ctx, selectProposal+` WHERE state = 'open'`)); !errors.Is(err, ErrNotProposed) {
			return errors.Join(err, ErrProposed)
		}
		switch _, err := needsTwo(ctx, tx); {
		case errors.Is(err, ErrNotProposed):
			if f.ByItself() {
				o.Due = now + delay
			}
		case err != nil:
			return err
		}
		err := tx.QueryRowContext(ctx, `INSERT INTO proposal (actor, made, due, digest, seq, cases, anew, clock, changes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			o.By, o.Made, o.Due, o.Digest, o.seq, string(cases), o.anew, o.ClockIsRight, string(changes)).Scan(&o.ID)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE protects SET popular = max(popular, ?)`, f.popular); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Act{Time: now, Actor: by, Verb: audit.Propose, Object: o.object(), Why: why, Args: audit.Args{
			Added: o.Changes.Added, Changed: o.Changes.Changed, Removed: o.Changes.Removed, Beside: o.Changes.Beside, Draft: o.Digest, Clock: o.ClockIsRight,
		}})
	})
	if err != nil {
		return o, fmt.Errorf("couldn't propose a release: %w", err)
	}
	return o, nil
}

func (o Proposal) object() audit.Object { return audit.Numbered(audit.OfProposal, o.ID) }

func (p Planned) changes(held int) Changes {
	c := Changes{Added: p.Added.Count, Changed: p.Changed.Count, Removed: p.Removed.Count, Held: held}
	for _, part := range []publish.Excerpt{p.Added, p.Changed, p.Removed} {
		for _, i := range part.First[:min(len(part.First), 5)] {
			c.First = append(c.First, i.Subject)
		}
	}
	for _, one := range []struct {
		what string
		is   bool
	}{
		{"official", p.Spoken.Official.Any()}, {"help", p.Spoken.Help.Any()}, {"hot", p.Spoken.Hot.Any()}, {"cards", len(p.Spoken.Cards) > 0}, {"order", p.Spoken.OnlyOrder()}, {"keys", p.NewKeys}, {"prefixes", p.Prefixes()},
	} {
		if one.is {
			c.Beside = append(c.Beside, one.what)
		}
	}
	return c
}

// String is what changes, in English.
func (c Changes) String() string {
	text := fmt.Sprintf("%d added, %d changed, %d removed", c.Added, c.Changed, c.Removed)
	for _, what := range c.Beside {
		text += ", " + audit.Beside("en", what)
	}
	return text
}

// Hold keeps what is proposed from going out by itself before a time, in Unix seconds: somebody who could have stopped
// it was locked out.
func (d *Desk) Hold(ctx context.Context, until int64) error {
	return d.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE proposal SET due = max(due, ?) WHERE state = 'open' AND due > 0`, until)
		return err
	})
}

// Adopt makes a member's own what was proposed on the command line, as the first of the two who confirm it. When it
// goes out by itself stays.
func (d *Desk) Adopt(ctx context.Context, id int64, by string, why audit.Why, now int64) error {
	return d.ofProposal(ctx, id, func(tx *sql.Tx, o Proposal) error {
		if !o.Shell() {
			return ErrNotProposed
		}
		if _, err := tx.ExecContext(ctx, `UPDATE proposal SET actor = ?, adopted = ? WHERE id = ?`, by, now, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Act{Time: now, Actor: by, Verb: audit.Adopt, Object: o.object(), Args: audit.Args{Draft: o.Digest}, Why: why})
	})
}

// Stop ends a proposal, with a reason. Who has proposed it takes it back; anybody else stops it, and so does whoever is
// on the command line. What went out before is out, and ErrNotProposed.
func (d *Desk) Stop(ctx context.Context, id int64, by, why string, now int64) (how Outcome, err error) {
	how = Stopped
	err = d.ofProposal(ctx, id, func(tx *sql.Tx, o Proposal) error {
		if !fromShell(by) && o.By == by {
			how = TakenBack
		}
		return end(ctx, tx, id, how, by, why, now)
	})
	return how, err
}

func (d *Desk) ofProposal(ctx context.Context, id int64, f func(*sql.Tx, Proposal) error) error {
	return d.change(ctx, func(tx *sql.Tx) error {
		o, err := scanProposal(tx.QueryRowContext(ctx, selectProposal+` WHERE state = 'open' AND id = ?`, id))
		if err != nil {
			return err
		}
		return f(tx, o)
	})
}

// end closes an open proposal. The release that came of it has an act of its own.
func end(ctx context.Context, tx *sql.Tx, id int64, how Outcome, by, why string, now int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE proposal SET state = ?, ended = ?, ender = ?, why = ? WHERE id = ? AND state = 'open'`, how, now, by, why, id); err != nil {
		return err
	}
	verb, told := map[Outcome]audit.Verb{Stopped: audit.Stop, TakenBack: audit.TakeBack, Outdated: audit.Outdate}[how]
	if !told {
		return nil
	}
	return audit.Record(ctx, tx, audit.Act{Time: now, Actor: by, Verb: verb, Object: Proposal{ID: id}.object(), Why: audit.Why{Text: why}})
}

// Outdate closes a proposal that does not stand any more.
func (d *Desk) Outdate(ctx context.Context, o Proposal, by string, now int64) error {
	return d.ofProposal(ctx, o.ID, func(tx *sql.Tx, o Proposal) error { return end(ctx, tx, o.ID, Outdated, by, "", now) })
}

// releaseProposed publishes a part of what was proposed and closes that, unless somebody has stopped it, or also
// refuses.
func (d *Desk) releaseProposed(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, o Proposal, part Planned, s settling, also func(Proposal) error) (publish.Result, error) {
	s.Proposal, s.Args.By = o.ID, o.By
	return d.release(ctx, o.publisher(p), box, part, s, func(q db.Reader) error {
		open, err := scanProposal(q.QueryRowContext(ctx, selectProposal+` WHERE state = 'open'`))
		if err == nil && open.ID != o.ID {
			err = ErrNotProposed
		}
		if err != nil {
			return err
		}
		return also(open)
	})
}

// ReleaseAgreed publishes what was proposed, all of it: another person has confirmed it.
func (d *Desk) ReleaseAgreed(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, o Proposal, f Draft, by string, why audit.Why, now int64) (publish.Result, error) {
	s := settling{Actor: by, Why: why, Time: now, How: Agreed, Popular: f.popular}
	return d.releaseProposed(ctx, p, box, o, f.Whole, s, func(open Proposal) error {
		if open.Shell() || fromShell(by) || SamePerson(open.By, by) {
			return ErrSamePerson
		}
		return nil
	})
}

// Stands tells whether whoever has a name may publish, and might already when they proposed something, in Unix seconds:
// a word ends with the term of whoever gave it, and is not that of whoever has the name afterwards.
type Stands func(ctx context.Context, name string, when int64) (bool, error)

// Standing is the proposal that is open, what it would publish, and whether that still is what was proposed, by
// somebody who stands for it. It is ErrNotProposed where there is none.
func (d *Desk) Standing(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, impact Impact, by Stands, now int64) (o Proposal, f Draft, stands bool, err error) {
	if err := d.Resume(ctx, p.Shelf(), box); err != nil {
		return o, f, false, err
	}
	if o, err = d.Proposed(ctx); err != nil {
		return o, f, false, err
	}
	if f, err = d.Redraft(ctx, p, impact, o, now); err != nil || f.Digest != o.Digest || o.Shell() {
		return o, f, err == nil && f.Digest == o.Digest, err
	}
	stands, err = by(ctx, o.By, max(o.Made, o.Adopted))
	return o, f, stands, err
}

// Overdue publishes the proposal that is open once its delay is over, exactly as it was proposed but for what takes two
// people, or closes it where it does not stand any more. By tells who stands for it. Where nobody could have stopped
// what somebody has proposed it stays open, which opposable is asked up to the last moment: who locks others out writes
// two books, one after the other. There may be nothing to do: then the proposal is the zero one.
func (d *Desk) Overdue(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, impact Impact, by Stands,
	opposable func(ctx context.Context, by string) (bool, error), actor string, now int64) (r publish.Result, o Proposal, err error) {
	if err := d.Resume(ctx, p.Shelf(), box); err != nil {
		return r, o, err
	}
	o, err = d.Proposed(ctx)
	if err == nil && (o.Due == 0 || now < o.Due) {
		return r, Proposal{}, nil
	}
	still := func(o Proposal) error {
		could, err := opposable(ctx, o.By)
		if err == nil && !could {
			err = errUnopposable
		}
		return err
	}
	var f Draft
	stands := false
	if err == nil {
		err = still(o)
	}
	if err == nil {
		o, f, stands, err = d.Standing(ctx, p, box, impact, by, now)
		defer f.Close()
	}
	if err == nil && !stands {
		o.State = Outdated
		return r, o, d.Outdate(ctx, o, actor, now)
	}
	if err == nil {
		r, err = d.releaseProposed(ctx, p, box, o, f.Rest, settling{Actor: actor, Args: audit.Args{Made: o.Made}, Time: now, How: Unopposed}, still)
	}
	if errors.Is(err, ErrNotProposed) || errors.Is(err, errUnopposable) {
		return r, Proposal{}, nil
	}
	if err == nil {
		o.State = Unopposed
	}
	return r, o, err
}
