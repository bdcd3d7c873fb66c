package triage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"khien/server/audit"
	"khien/server/inbox"
	"khien/server/publish"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Decision is what a person decides about a case.
type Decision struct {
	Actor    string
	Action   Action
	Lists    []Listing         // what to list, or to take off the list; the narrowest that does it
	Category category.Category // of what is listed
	Reason   map[string]string // by language, public
	Lapses   int64             // Unix seconds; 0 is never
	Of       subject.Subject   // of several subjects, the one that is rejected or about which more is asked; empty: all of them
	Why      audit.Why         // for the audit log
	Impact   Reach             // why a second person must agree; see Impact
}

// Decide decides about a case that is open or waits for more, and returns how it stands then. What may not be listed
// is ErrRefused, a case that is decided already ErrState.
//
// What is listed is exactly what the decision names. Subjects of the case that it says nothing of are not decided
// about: they go on in an open case of their own, Case.Rest, and come back when the decision is undone. One of several
// subjects that is taken off the list, rejected or asked about goes into a case of its own, which is returned.
func (d *Desk) Decide(ctx context.Context, id int64, v Decision) (Case, error) {
	state := map[Action]State{List: StateAccepted, Withdraw: StateAccepted, Reject: StateRejected, Ask: StateAsked}[v.Action]
	if v.Impact != (Reach{}) && state == StateAccepted {
		state = StateProposed
	}
	if err := d.listable(v); err != nil {
		return Case{}, err
	}
	at := id
	c, err := d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		// What is listed can be taken off again though its case was closed, or listed otherwise when somebody objects; that
		// it stays as it is, Uphold says.
		again := closed(c) && (v.Action == Withdraw || v.Action == List && c.Appeals > 0)
		if c.State != StateOpen && c.State != StateAsked && !again || state == "" {
			return ErrState
		}
		subjects, err := subjectsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		lists, err := assign(c, subjects, v.Lists)
		if err != nil {
			return err
		}
		if state == StateAccepted {
			two, err := byTwo(ctx, tx, v.Action, lists)
			if err != nil {
				return err
			}
			if two || again && c.Seconded != "" {
				v.Impact, state = Reach{Rule: ByTwo}, StateProposed
			}
		}
		if err := ownOnly(ctx, tx, c, v.Action, lists); err != nil {
			return err
		}
		chosen, left := parted(subjects, lists)
		if at := slices.IndexFunc(subjects, func(s Subject) bool { return s.Name == v.Of }); len(lists) == 0 && at >= 0 {
			chosen, left = subjects[at:at+1], slices.Delete(slices.Clone(subjects), at, at+1)
		}
		rest := int64(0)
		switch {
		case len(chosen) == 0 || len(left) == 0:
		case again || v.Action != List:
			if at, err = carve(ctx, tx, c, chosen, d.now()); err != nil {
				return err
			}
		default:
			if rest, err = setApart(ctx, tx, left, d.now()); err == nil {
				err = refresh(ctx, tx, id)
			}
			if err != nil {
				return err
			}
		}
		kind := c.Category
		if v.Action == List {
			kind = v.Category.Slug()
		}
		// Whoever undoes this must come back to what stood before: it is on the list all the while.
		earlier := ""
		if again {
			if earlier, err = standsBefore(ctx, tx, at); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET earlier = ? WHERE id = ?`, earlier, at); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE cases SET state = ?, action = ?, lists = ?, category = ?, reason = ?, lapses = ?, decided = ?, seconded = '', undoing = '', wished = 0,
			settled = 0, published = 0, expired = 0, ruled = score + CASE WHEN reports = 0 AND named > 0 THEN ? ELSE 0 END, changed = ?, rest = ? WHERE id = ?`,
			state, v.Action, textOf(lists), kind, jsonOf(v.Reason), v.Lapses, v.Actor, unheard, d.now(), rest, at)
		if err != nil {
			return err
		}
		decided, err := get(ctx, tx, at)
		if err != nil {
			return err
		}
		off, err := replaced(ctx, tx, decided)
		if err != nil {
			return err
		}
		act := audit.Act{Time: d.now(), Actor: v.Actor, Verb: verbs[v.Action], Object: object(at), Why: v.Why,
			Args: audit.Args{Names: things(lists), Off: things(off), Two: string(v.Impact.Rule), Of: v.Impact.What}}
		if rest != 0 {
			act.Args.Left, act.Args.Rest = namesIn(left), rest
		}
		if at != id {
			act.Args.From = id
		}
		return audit.Record(ctx, tx, act)
	})
	if err != nil || at == id {
		return c, err
	}
	return d.Get(ctx, at)
}

// standsBefore is the decision about a case that is in force, as JSON by column.
func standsBefore(ctx context.Context, tx *sql.Tx, id int64) (string, error) {
	var e struct {
		State     State   `json:"state"`
		Action    Action  `json:"action"`
		Lists     string  `json:"lists"`
		Category  string  `json:"category"`
		Reason    string  `json:"reason"`
		Lapses    int64   `json:"lapses"`
		Ruled     float64 `json:"ruled"`
		Decided   string  `json:"decided"`
		Seconded  string  `json:"seconded"`
		Published int64   `json:"published"`
		Changed   int64   `json:"changed"`
	}
	err := tx.QueryRowContext(ctx, `SELECT state, action, lists, category, reason, lapses, ruled, decided, seconded, published, changed FROM cases WHERE id = ?`, id).
		Scan(&e.State, &e.Action, &e.Lists, &e.Category, &e.Reason, &e.Lapses, &e.Ruled, &e.Decided, &e.Seconded, &e.Published, &e.Changed)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(e)
	return string(text), err
}

// listable refuses a decision that would list nothing, too much at once, or what may not be listed.
func (d *Desk) listable(v Decision) error {
	switch {
	case len(v.Lists) > maxTogether:
		return fmt.Errorf("%w: %w", ErrRefused, ErrTooMany)
	case len(v.Lists) == 0 && (v.Action == List || v.Action == Withdraw):
		return fmt.Errorf("%w: %w", ErrRefused, ErrNothing)
	case v.Action != List:
		return nil
	}
	permit := publish.Permit
	if d.Protect != nil {
		protection, err := d.Protect()
		if err != nil {
			return err
		}
		permit = protection.Permit
	}
	for _, one := range v.Lists {
		if _, err := subject.Parse(string(one.Lists)); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		if err := permit(one.Lists); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	return nil
}

// byTwo tells whether a decision takes something off the list that two people have listed.
func byTwo(ctx context.Context, tx *sql.Tx, action Action, lists []Listing) (bool, error) {
	if action != Withdraw {
		return false, nil
	}
	listed, err := listedByTwo(ctx, tx)
	return slices.ContainsFunc(lists, func(l Listing) bool { return listed[l.Lists] }), err
}

// ownOnly refuses to list for one subject of a case what is the subject of another case: it is decided about there,
// with its reports.
func ownOnly(ctx context.Context, tx *sql.Tx, c Case, action Action, lists []Listing) error {
	for _, one := range lists {
		var other int64
		err := tx.QueryRowContext(ctx, `SELECT case_id FROM subjects WHERE name = ?`, string(one.Lists)).Scan(&other)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err == nil && other != c.ID && action == List {
			return fmt.Errorf("%w: %s is in %s: %w", ErrRefused, one.Lists, object(other), ErrElsewhere)
		}
	}
	return nil
}

// parted tells the subjects that a decision speaks of from the others.
func parted(subjects []Subject, lists []Listing) (chosen, left []Subject) {
	for _, s := range subjects {
		if slices.ContainsFunc(lists, func(l Listing) bool { return l.Of == s.Name }) {
			chosen = append(chosen, s)
		} else {
			left = append(left, s)
		}
	}
	return chosen, left
}

// carve takes some subjects of a case into one of their own, in which the same was decided about them and which is
// joined to nothing by itself.
func carve(ctx context.Context, tx *sql.Tx, c Case, chosen []Subject, now int64) (int64, error) {
	id, err := setApart(ctx, tx, chosen, now)
	if err != nil {
		return 0, err
	}
	var mine, others []Listing
	for _, one := range c.Lists {
		if slices.ContainsFunc(chosen, func(s Subject) bool { return s.Name == one.Of }) {
			mine = append(mine, one)
		} else {
			others = append(others, one)
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE cases SET (state, action, lists, category, reason, lapses, ruled, decided, seconded, settled, published, seen, changed) =
		(SELECT state, action, ?1, category, reason, lapses, ruled, decided, seconded, settled, published, seen, changed FROM cases WHERE id = ?2) WHERE id = ?3`,
		textOf(mine), c.ID, id)
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE cases SET lists = ? WHERE id = ?`, textOf(others), c.ID)
	}
	for _, s := range chosen {
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE subjects SET bound = 'apart' WHERE id = ?`, s.ID)
		}
	}
	if err != nil {
		return 0, err
	}
	return id, refresh(ctx, tx, c.ID)
}

func namesIn(subjects []Subject) []subject.Subject {
	names := make([]subject.Subject, len(subjects))
	for i, s := range subjects {
		names[i] = s.Name
	}
	return names
}

// verbs are what the audit log calls the actions.
var verbs = map[Action]audit.Verb{List: audit.List, Withdraw: audit.Withdraw, Reject: audit.Reject, Ask: audit.Ask}

// Second agrees to what another person has proposed, as it was read: to another proposal made meanwhile nobody has
// agreed, and it is ErrState.
func (d *Desk) Second(ctx context.Context, proposed Case, actor string, why audit.Why) (Case, error) {
	id := proposed.ID
	return d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		switch {
		case c.State != StateProposed, c.Category != proposed.Category, !reflect.DeepEqual(c.Ruling, proposed.Ruling):
			return ErrState
		case SamePerson(c.Decided, actor):
			return ErrSamePerson
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET state = 'accepted', seconded = ?, undoing = '', wished = 0, changed = ? WHERE id = ?`, actor, d.now(), id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Act{Time: d.now(), Actor: actor, Verb: audit.Second, Object: object(id), Why: why})
	})
}

// Undo takes a decision back that is in no release yet; else it is ErrState. The case is open again; one that was
// closed before somebody objected is as it was then, with the objection unanswered. What two people decided two must
// take back: the first one's wish is kept, as Case.Undoing, while they stand for it, and nothing else changes.
func (d *Desk) Undo(ctx context.Context, id int64, actor string, why audit.Why) (Case, error) {
	return d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		if c.Settled || c.State == StateOpen || c.State == StateMerged {
			return ErrState
		}
		if !c.UndoneBy(actor) {
			return wants(ctx, tx, c, actor, why, d.now())
		}
		return d.undo(ctx, tx, c, actor, audit.Args{By: c.Undoing}, why)
	})
}

// undo takes a decision back, whoever made it.
func (d *Desk) undo(ctx context.Context, tx *sql.Tx, c Case, actor string, how audit.Args, why audit.Why) error {
	restored, err := tx.ExecContext(ctx, `UPDATE cases SET state = earlier ->> 'state', action = earlier ->> 'action', lists = earlier ->> 'lists', category = earlier ->> 'category',
		reason = earlier ->> 'reason', lapses = CAST(earlier ->> 'lapses' AS BIGINT), ruled = CAST(earlier ->> 'ruled' AS DOUBLE PRECISION), decided = earlier ->> 'decided', seconded = earlier ->> 'seconded',
		published = CAST(earlier ->> 'published' AS BIGINT), changed = CAST(earlier ->> 'changed' AS BIGINT), settled = 1, undoing = '', wished = 0, earlier = '' WHERE id = ? AND earlier <> ''`, c.ID)
	if err != nil {
		return err
	}
	if n, err := restored.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET state = 'open', action = '', lists = '', reason = '{}', lapses = 0, decided = '', seconded = '', undoing = '', wished = 0, rest = 0, changed = ? WHERE id = ?`, d.now(), c.ID); err != nil {
			return err
		}
		if err := rejoin(ctx, tx, c); err != nil {
			return err
		}
	}
	if err := rank(ctx, tx, c.ID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Act{Time: d.now(), Actor: actor, Verb: audit.Undo, Object: object(c.ID), Args: how, Why: why})
}

// UndoneBy tells whether somebody takes the decision of the case back by wanting it: where one person decided, and
// where another wants it already. Whoever has the command line may have a passkey too, so that what is wanted there
// makes nobody the second one.
func (c Case) UndoneBy(actor string) bool {
	return c.Seconded == "" || c.Undoing != "" && !fromShell(c.Undoing) && !SamePerson(c.Undoing, actor) && !fromShell(actor)
}

// WantedBefore tells whether somebody wants to take the decision of the case back already, so that it makes no
// difference that another does who is no second one.
func (c Case) WantedBefore(actor string) bool {
	return c.Undoing != "" && (!fromShell(c.Undoing) || fromShell(actor))
}

// wants keeps that somebody wants to take back what two people decided.
func wants(ctx context.Context, tx *sql.Tx, c Case, actor string, why audit.Why, now int64) error {
	if c.WantedBefore(actor) {
		return ErrSamePerson
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET undoing = ?, wished = ? WHERE id = ?`, actor, now, c.ID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Act{Time: now, Actor: actor, Verb: audit.WantUndo, Object: object(c.ID), Why: why})
}

// rejoin brings back what was left out when a case was accepted, unless somebody has decided about that meanwhile.
func rejoin(ctx context.Context, tx *sql.Tx, c Case) error {
	if c.Rest == 0 {
		return nil
	}
	rest, err := get(ctx, tx, c.Rest)
	if err != nil || !undecided(rest) {
		return err
	}
	if err := fold(ctx, tx, c.ID, rest.ID); err != nil {
		return err
	}
	if err := rank(ctx, tx, rest.ID); err != nil {
		return err
	}
	return rank(ctx, tx, c.ID)
}

// Merge puts the subjects of one case into another: they belong together. Both must be open or wait for more.
func (d *Desk) Merge(ctx context.Context, from, into int64, actor string, why audit.Why) (Case, error) {
	if from == into {
		return Case{}, ErrState
	}
	return d.update(ctx, into, func(tx *sql.Tx, c Case) error {
		other, err := get(ctx, tx, from)
		if err != nil {
			return err
		}
		if !undecided(c) || !undecided(other) || c.Subjects+other.Subjects > maxTogether {
			return ErrState
		}
		// Of a case that holds several, the person has not said that each of them belongs here.
		for _, id := range []int64{from, into} {
			if _, err := tx.ExecContext(ctx, `UPDATE subjects SET bound = 'hand' WHERE case_id = ?1 AND (SELECT count(*) FROM subjects WHERE case_id = ?1) = 1`, id); err != nil {
				return err
			}
		}
		if err := fold(ctx, tx, into, from); err != nil {
			return err
		}
		if err := rank(ctx, tx, from); err != nil {
			return err
		}
		if err := rank(ctx, tx, into); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Act{Time: d.now(), Actor: actor, Verb: audit.Merge, Object: object(into), Args: audit.Args{Case: from}, Why: why})
	})
}

// Split takes a subject out of a case, into one of its own, and returns that. A subject of the case goes with all of
// its reports, and is never joined to a case by itself again; any other name becomes a subject, of the reports that are
// given.
func (d *Desk) Split(ctx context.Context, id int64, name subject.Subject, reports [][]byte, actor string, why audit.Why) (Case, error) {
	var made Case
	_, err := d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		if !undecided(c) {
			return ErrState
		}
		subjects, err := subjectsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		var of int64
		if at := slices.IndexFunc(subjects, func(s Subject) bool { return s.Name == name }); at >= 0 {
			if len(subjects) == 1 {
				return ErrState
			}
			of = subjects[at].ID
			made.ID, err = setApart(ctx, tx, subjects[at:at+1], d.now())
		} else if len(reports) == 0 {
			return ErrState
		} else {
			made.ID, of, err = d.another(ctx, tx, c, name, reports[0])
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE subjects SET bound = 'apart' WHERE id = ?`, of); err != nil {
			return err
		}
		if err := give(ctx, tx, subjects, reports, of); err != nil {
			return err
		}
		for _, one := range []int64{id, made.ID} {
			if err := refresh(ctx, tx, one); err != nil {
				return err
			}
		}
		if made, err = get(ctx, tx, made.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Act{Time: d.now(), Actor: actor, Verb: audit.Split, Object: object(id), Why: why,
			Args: audit.Args{Case: made.ID, Names: []subject.Subject{name}}})
	})
	return made, err
}

// Narrow makes what is below a subject of an undecided case, or the whole of it by a narrower name, a subject that can
// be decided about alone, with the reports that name it, and returns its case and its name. What was listed for a
// subject is decided about as a whole.
func (d *Desk) Narrow(ctx context.Context, box *inbox.Inbox, id int64, of, to subject.Subject, actor string, why audit.Why) (Case, subject.Subject, error) {
	c, err := d.Get(ctx, id)
	if err != nil || to == of {
		return c, of, err
	}
	var row int64
	err = d.db.QueryRowContext(ctx, `SELECT id FROM subjects WHERE name = ? AND case_id = ?`, string(of), id).Scan(&row)
	whole := false
	if err == nil {
		whole, err = stands(ctx, d.db, row)
	}
	if err != nil {
		return c, of, fmt.Errorf("couldn't read a subject of case %d: %w", id, err)
	}
	if whole {
		return c, of, nil
	}
	var mine [][]byte
	others := false
	for _, kind := range []string{wire.KindScam, wire.KindMistake} {
		err := eachPage(ctx, d.db, row, kind, func(ids [][]byte) error {
			reports, err := box.Some(ctx, ids)
			for i := range reports {
				if slices.Contains(Names(&reports[i]), to) {
					mine = append(mine, reports[i].ID)
				} else {
					others = true
				}
			}
			return err
		})
		if err != nil {
			return c, of, err
		}
	}
	if others {
		c, err = d.Split(ctx, id, to, mine, actor, why)
		return c, to, err
	}
	c, err = d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		if !undecided(c) {
			return ErrState
		}
		var other int64
		err := tx.QueryRowContext(ctx, `SELECT case_id FROM subjects WHERE name = ?`, string(to)).Scan(&other)
		if err == nil {
			return fmt.Errorf("%w: %s is in %s: %w", ErrRefused, to, object(other), ErrElsewhere)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := resort(ctx, tx, row); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE subjects SET within = CASE within WHEN '' THEN name ELSE within END, name = ? WHERE id = ?`, string(to), row); err != nil {
			return err
		}
		return rename(ctx, tx, id)
	})
	return c, to, err
}

// another finds the undecided case of a name that is no subject of case c, or opens one, for reports like the given
// one.
func (d *Desk) another(ctx context.Context, tx *sql.Tx, c Case, name subject.Subject, report []byte) (id, of int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT case_id, id FROM subjects WHERE name = ?`, string(name)).Scan(&id, &of)
	if err == nil {
		other, err := get(ctx, tx, id)
		if err == nil && !undecided(other) {
			err = ErrState
		}
		return id, of, err
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return 0, 0, err
	}
	if id, err = openCase(ctx, tx, name, c.Opened, d.now()); err == nil {
		of, err = addSubject(ctx, tx, name, id, Apart, c.Opened, c.Latest)
	}
	if err == nil { // what names it belongs to it from now on
		_, err = tx.ExecContext(ctx, `UPDATE subjects SET within = coalesce((SELECT CASE within WHEN '' THEN name ELSE within END FROM subjects
			WHERE id = (SELECT subject FROM members WHERE id = ?)), '') WHERE id = ?`, report, of)
	}
	return id, of, err
}

// give puts reports of some subjects under another one. A report that belongs to none of them is inbox.ErrNotFound.
func give(ctx context.Context, tx *sql.Tx, from []Subject, reports [][]byte, to int64) error {
	touched := map[int64]bool{to: true}
	for _, report := range reports {
		var of int64
		err := tx.QueryRowContext(ctx, `SELECT subject FROM members WHERE id = ?`, report).Scan(&of)
		if errors.Is(err, sql.ErrNoRows) || err == nil && of != to && !slices.ContainsFunc(from, func(s Subject) bool { return s.ID == of }) {
			return inbox.ErrNotFound
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE members SET subject = ? WHERE id = ?`, to, report)
		}
		if err != nil {
			return err
		}
		touched[of] = true
	}
	if len(reports) == 0 {
		return nil
	}
	for of := range touched {
		if err := recount(ctx, tx, of); err != nil {
			return err
		}
	}
	return nil
}

func undecided(c Case) bool { return c.State == StateOpen || c.State == StateAsked }

// update changes one case in a transaction and returns how it stands then.
func (d *Desk) update(ctx context.Context, id int64, f func(*sql.Tx, Case) error) (c Case, err error) {
	err = d.change(ctx, func(tx *sql.Tx) error {
		if c, err = d.get(ctx, tx, id); err != nil {
			return err
		}
		if err := f(tx, c); err != nil {
			return err
		}
		if err := count(ctx, tx); err != nil {
			return err
		}
		c, err = get(ctx, tx, id)
		return err
	})
	if err != nil {
		return Case{}, fmt.Errorf("couldn't change case %d: %w", id, err)
	}
	return c, nil
}
