package triage

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Settle brings decided cases into the ledger and tells those who reported, unless that is done already, without a
// release. From then on a decision can't be undone, only be followed by another. It is done at once, or not at all.
func (d *Desk) Settle(ctx context.Context, book *ledger.Ledger, box *inbox.Inbox, cases []Case) error {
	for _, c := range cases {
		if c.Settled {
			continue
		}
		changes, err := d.changes(ctx, box, c)
		var said heard
		if err == nil {
			said, err = d.hearOf(ctx, box, []Case{c})
		}
		if err == nil {
			err = d.change(ctx, func(tx *sql.Tx) error {
				now, err := get(ctx, tx, c.ID)
				if err != nil || now.Settled && now.Changed == c.Changed { // by a release meanwhile
					return err
				}
				if now.Changed != c.Changed || !decided(now) {
					return ErrState
				}
				off, err := replaced(ctx, tx, c)
				if err == nil {
					err = book.In(tx).Apply(ctx, changes)
				}
				if err == nil {
					err = d.settle(ctx, tx, book.In(tx), said, c, off)
				}
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("couldn't settle case %d: %w", c.ID, err)
		}
	}
	d.Deliver(ctx, box) // who can't be told now is told at the next time
	return nil
}

// changes are what a case brings into the ledger.
func (d *Desk) changes(ctx context.Context, box *inbox.Inbox, c Case) (changes []ledger.Change, err error) {
	off := func(s subject.Subject, why map[string]string) {
		changes = append(changes, ledger.Change{Actor: c.Decided, Indicator: ledger.Indicator{Subject: s}, Off: true, Taken: why})
	}
	switch c.Action {
	case List:
		subjects, err := subjectsOf(ctx, d.db, c.ID)
		if err != nil {
			return nil, err
		}
		for n, i := range c.Indicators() {
			if at := slices.IndexFunc(subjects, func(s Subject) bool { return s.Name == c.Lists[n].Of }); at >= 0 {
				i.Case = subjects[at].ID
			}
			if i.Address, err = d.seenAt(ctx, box, c.Lists[n]); err != nil {
				return nil, err
			}
			changes = append(changes, ledger.Change{Actor: c.Decided, Indicator: i})
		}
	case Withdraw:
		for _, one := range c.Lists {
			off(one.Lists, c.Reason)
		}
	}
	replaced, err := d.Replaced(ctx, c)
	for _, one := range replaced {
		off(one.Lists, c.replaces())
	}
	return changes, err
}

// settle is what follows in the cases and for those who reported, once the ledger has what a case brings, and not what
// it replaces any more.
func (d *Desk) settle(ctx context.Context, tx *sql.Tx, book *ledger.Ledger, said heard, c Case, off []Listing) error {
	done, err := tx.ExecContext(ctx, `UPDATE cases SET settled = 1, undoing = '', wished = 0 WHERE id = ? AND changed = ?`, c.ID, c.Changed)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return err
	}
	left, err := answer(ctx, tx, c, said)
	if err != nil {
		return err
	}
	objections, err := reply(ctx, tx, c, off, book, said)
	if err != nil {
		return err
	}
	others, err := narrow(ctx, tx, book, said, c)
	if err != nil {
		return err
	}
	return d.anew(ctx, tx, said.box, slices.Concat(left, objections, others), d.now())
}

// says is what those are told who reported as a scam what a settled decision speaks of: a thing that their address
// names, or empty where all of a subject was rejected.
func (c Case) says(name subject.Subject) inbox.Transition {
	said := inbox.Transition{Time: c.Changed, Actor: c.Decided, State: wire.StateRejected, Reason: inEnglish(c.Reason)}
	if c.Action == List {
		said.State, said.Subject = wire.StateAccepted, string(name)
	}
	return said
}

// answer closes the reports of a case that are open and about what was decided; what is listed is told too to those who
// were told before that it is not. A report whose address names none of that stays open: it is returned.
func answer(ctx context.Context, tx *sql.Tx, c Case, said heard) (left [][]byte, err error) {
	subjects, err := subjectsOf(ctx, tx, c.ID)
	if err != nil {
		return nil, err
	}
	for _, s := range subjects {
		about := c.about(s.Name)
		err := eachPage(ctx, tx, s.ID, wire.KindScam, func(ids [][]byte) error {
			groups := map[subject.Subject][][]byte{}
			if c.Action == Reject { // of everything that was reported of it
				groups[""] = ids
			} else {
				reports, err := said.some(ctx, ids)
				if err != nil {
					return err
				}
				for _, r := range reports {
					if name := firstOf(r.names, about); name != "" {
						groups[name] = append(groups[name], r.id)
					} else if r.open {
						left = append(left, r.id)
					}
				}
			}
			for name, ids := range groups { // who was told that it is not listed is told that it is
				if err := tell(ctx, tx, letter{Reports: ids, Again: c.Action == List, Transition: c.says(name)}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return left, nil
}

// reply answers the objections of a settled case that wait, each by what it names. It is right where that was taken off
// and none of it is on the list any more, or where the case was rejected and none of it is. It is wrong where it came
// before what it names was listed. It waits for a person where somebody else has listed what it names. What names
// nothing that the decision speaks of, nor anything on the list, is returned.
func reply(ctx context.Context, tx *sql.Tx, c Case, off []Listing, book *ledger.Ledger, heard heard) (left [][]byte, err error) {
	waiting, err := unanswered(ctx, tx, c.ID, nil)
	if err != nil {
		return nil, err
	}
	gone := make([]subject.Subject, len(off))
	for i, one := range off {
		gone[i] = one.Lists
	}
	type answer struct {
		inbox.Transition
		replaced bool // by what is listed instead
	}
	answers := map[answer][][]byte{}
	for page := range slices.Chunk(waiting, 1000) {
		reports, err := heard.some(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, r := range reports {
			listed, err := OnList(ctx, book, r.names)
			if err != nil {
				return nil, err
			}
			said := answer{inbox.Transition{Time: c.Changed, Actor: c.Decided, State: wire.StateAccepted, Reason: inEnglish(c.Reason)}, false}
			about, replaced := firstOf(r.names, c.About()), firstOf(r.names, gone)
			switch {
			case c.Action == List && about != "":
				if r.received >= c.Changed { // nobody has heard it
					continue
				}
				said.State = wire.StateRejected
			case listed:
				continue
			case replaced != "":
				said.Subject, said.Reason, said.replaced = string(replaced), inEnglish(c.replaces()), true
			case c.Action == Withdraw && about != "":
				said.Subject = string(about)
			case c.Action == Reject:
			default:
				left = append(left, r.id)
				continue
			}
			answers[said] = append(answers[said], r.id)
		}
	}
	if err := settleDisputes(ctx, tx, c, book); err != nil {
		return nil, err
	}
	for said, ids := range answers {
		if err := tell(ctx, tx, letter{Reports: ids, Transition: said.Transition}); err != nil {
			return nil, err
		}
		reason := c.Reason
		if said.replaced {
			reason = c.replaces()
		}
		if err := answered(ctx, tx, c.ID, ids, 0, c.Decided, said.State == wire.StateAccepted, reason, c.Changed); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// narrow calls the subjects of a settled case by what was decided about them, and puts each report under what it names.
// A wider name is free then: what else is reported under it belongs to a case that nobody has decided about, and is
// returned. What still stands on the list by a wider name keeps it.
func narrow(ctx context.Context, tx *sql.Tx, book *ledger.Ledger, said heard, c Case) (others [][]byte, err error) {
	if c.Action != List && c.Action != Withdraw {
		return nil, nil
	}
	subjects, err := subjectsOf(ctx, tx, c.ID)
	if err != nil {
		return nil, err
	}
	lists := slices.Clone(c.Lists)
	for _, s := range subjects {
		stands, err := stands(ctx, tx, s.ID)
		if err != nil {
			return nil, err
		}
		if slices.Contains(c.about(s.Name), s.Name) || c.Action == Withdraw && stands {
			continue
		}
		rows := map[subject.Subject]int64{} // subjects that the reports of s may belong to
		renamed := false
		for i, one := range lists {
			if one.Of != s.Name {
				continue
			}
			var other, at int64
			err := tx.QueryRowContext(ctx, `SELECT id, case_id FROM subjects WHERE name = ?`, string(one.Lists)).Scan(&other, &at)
			if err == nil && at == c.ID {
				rows[one.Lists] = other
			}
			if err == nil {
				continue
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return nil, err
			}
			id := s.ID
			if !renamed {
				if err = resort(ctx, tx, s.ID); err == nil {
					_, err = tx.ExecContext(ctx, `UPDATE subjects SET within = CASE within WHEN '' THEN name ELSE within END, name = ? WHERE id = ?`, string(one.Lists), s.ID)
				}
			} else {
				err = tx.QueryRowContext(ctx, `INSERT INTO subjects (name, case_id, opened, latest, within) SELECT ?1, case_id, opened, latest, within
					FROM subjects WHERE id = ?2 RETURNING id`, string(one.Lists), s.ID).Scan(&id)
				if err == nil {
					err = book.Give(ctx, one.Lists, id)
				}
			}
			if err != nil {
				return nil, err
			}
			rows[one.Lists], lists[i].Of, renamed = id, one.Lists, true
		}
		if !renamed {
			continue
		}
		more, err := deal(ctx, tx, said, s.ID, rows)
		if err != nil {
			return nil, err
		}
		others = append(others, more...)
	}
	if slices.Equal(lists, c.Lists) {
		return others, nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET lists = ? WHERE id = ?`, textOf(lists), c.ID); err != nil {
		return nil, err
	}
	return others, refresh(ctx, tx, c.ID)
}

// deal puts the reports of a subject under those of some subjects that they name. Of those that name none, it returns
// the ones that call something a scam; an objection stays with the case that answers it.
func deal(ctx context.Context, tx *sql.Tx, said heard, of int64, to map[subject.Subject]int64) (others [][]byte, err error) {
	names := slices.Sorted(maps.Keys(to))
	touched := map[int64]bool{}
	for _, kind := range []string{wire.KindScam, wire.KindMistake} {
		err := eachPage(ctx, tx, of, kind, func(ids [][]byte) error {
			reports, err := said.some(ctx, ids)
			if err != nil {
				return err
			}
			for _, r := range reports {
				name := firstOf(r.names, names)
				switch id := to[name]; {
				case name == "" && kind == wire.KindScam:
					others = append(others, r.id)
				case name == "" || id == of:
				default:
					if _, err := tx.ExecContext(ctx, `UPDATE members SET subject = ? WHERE id = ?`, id, r.id); err != nil {
						return err
					}
					touched[id], touched[of] = true, true
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for id := range touched {
		if err := recount(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	return others, nil
}

// anew puts reports into cases as if they came now.
func (d *Desk) anew(ctx context.Context, tx *sql.Tx, box *inbox.Inbox, ids [][]byte, now int64) error {
	slices.SortFunc(ids, bytes.Compare)
	ids = slices.CompactFunc(ids, bytes.Equal)
	if len(ids) == 0 {
		return nil
	}
	from, gone := map[int64]bool{}, tally{}
	for _, id := range ids {
		var of, received int64
		var kind, category string
		err := tx.QueryRowContext(ctx, `DELETE FROM members WHERE id = ? RETURNING subject, received, kind, category`, id).Scan(&of, &received, &kind, &category)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		from[of] = true
		gone.add(received, kind, category, -1)
	}
	if err := gone.write(ctx, tx); err != nil {
		return err
	}
	for of := range from {
		if err := recount(ctx, tx, of); err != nil {
			return err
		}
		var id int64
		if err := tx.QueryRowContext(ctx, `SELECT case_id FROM subjects WHERE id = ?`, of).Scan(&id); err != nil {
			return err
		}
		if err := refresh(ctx, tx, id); err != nil {
			return err
		}
	}
	for page := range slices.Chunk(ids, 1000) {
		reports, err := box.Some(ctx, page)
		if err != nil {
			return err
		}
		if err := d.put(ctx, tx, box, reports); err != nil {
			return err
		}
	}
	// Those are soon among the first; where somebody is gathering beside this, the rest is left to them.
	if _, err := bindSome(ctx, tx, 200, now); err != nil {
		return err
	}
	return rankSome(ctx, tx, 1000)
}

// eachPage hands over the ids of all reports of a subject that are of one kind, the oldest first, a thousand at a time.
func eachPage(ctx context.Context, q db.Reader, of int64, kind string, f func(ids [][]byte) error) error {
	for last := (place{}); ; {
		ids, next, err := page(ctx, q, of, kind, last, 1000)
		if err != nil || len(ids) == 0 {
			return err
		}
		last = next
		if err := f(ids); err != nil {
			return err
		}
	}
}

// place is where a report stands among those of its subject.
type place struct{ received, report int64 }

// page returns the ids of the next reports of a subject, and the place of the last.
func page(ctx context.Context, q db.Reader, of int64, kind string, after place, limit int) (ids [][]byte, last place, err error) {
	ids, err = db.All(func(row db.Row) (id []byte, err error) {
		return id, row.Scan(&id, &last.received, &last.report)
	})(q.QueryContext(ctx, `SELECT id, received, report FROM members WHERE subject = ? AND kind = ? AND (received, report) > (?, ?)
		ORDER BY received, report LIMIT ?`, of, kind, after.received, after.report, limit))
	return ids, last, err
}

// reference is the case number as the public sees it, such as "KH-C17".
func reference(c Case) string { return "KH-C" + strconv.FormatInt(c.ID, 10) }

func object(id int64) audit.Object { return audit.Numbered(audit.OfCase, id) }
