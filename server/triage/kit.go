package triage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"khien/server/inbox"
	"khien/server/publish"
	"khien/shared/subject"
)

// Reports of one page kit fall into one case: pages whose reports say that they lead to the same account, number or
// site. What is said is a stranger's word, so that is bounded, shown, and undone by Split; nothing is listed by it, and
// nothing ticked (Subject.Sure).
const (
	// MaxSubjects is how many subjects a case may have by itself; a person may merge more.
	MaxSubjects = 200
	// maxTogether is how many it may have at all, and how many a decision lists.
	maxTogether = 1000
	// MaxSenders is how many distinct senders are counted of those who say the same.
	MaxSenders = 8
	// maxTargets bounds the targets that are kept of a subject; a report brings 16 at most.
	maxTargets = 100
	// maxKin is to how many a target may belong that still tells them apart from all others. What more lead to is an
	// advertiser, a counter or a payment service: sites where it is a site, cases where it is an account or a number,
	// which a kit of many pages shares and a counter is not.
	maxKin = 20
	// maxLeading is how many subjects may lead to a target of any kind.
	maxLeading = 1000
)

// target is where links lead.
type target struct {
	id       int64
	name     subject.Subject
	subjects int // that lead there
	silent   bool
}

// targetOf finds the target of a link; nil where that says nothing: what is protected, and a page of a site that many
// share.
func (b *batch) targetOf(link string) (*target, error) {
	t, ok := b.targets[link]
	if ok {
		return t, nil
	}
	name := nameOf([]string{link})
	site := strings.IndexByte(string(name), '/') == len(name)-1
	if (site || name.IsAccount()) && publish.Permit(name) == nil {
		if t = b.targets[string(name)]; t == nil {
			t = &target{name: name}
			err := b.tx.one(b.ctx, `SELECT id, subjects, silent FROM targets WHERE name = ?`, []any{string(name)}, &t.id, &t.subjects, &t.silent)
			if errors.Is(err, sql.ErrNoRows) {
				err = b.tx.one(b.ctx, `INSERT INTO targets (name) VALUES (?) RETURNING id`, []any{string(name)}, &t.id)
			}
			if err != nil {
				return nil, err
			}
			b.targets[string(name)] = t
		}
	}
	b.targets[link] = t
	return t, nil
}

// lead keeps where the links of a reported page lead, and by how many senders' word.
func (b *batch) lead(s *adding, r *inbox.Report) error {
	if s.protected {
		return nil
	}
	own := b.names[r.Subjects[0]].site
	for _, link := range r.Links {
		t, err := b.targetOf(link)
		if err != nil {
			return err
		}
		if t == nil || t.silent || t.name == own {
			continue
		}
		pair := [2]int64{t.id, s.id}
		senders, known := b.known[pair]
		if !known {
			err := b.tx.one(b.ctx, `SELECT senders FROM ties WHERE target = ? AND subject = ?`, []any{t.id, s.id}, &senders)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		if senders < MaxSenders && (senders > 0 || s.targets < maxTargets) {
			done, err := b.tx.exec(b.ctx, `INSERT INTO said (target, subject, source) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, t.id, s.id, r.Source)
			if err != nil {
				return err
			}
			if n, _ := done.RowsAffected(); n == 1 {
				if senders++; senders == 1 {
					s.targets++
					t.subjects++
				}
				if err := b.tie(t, s, senders); err != nil {
					return err
				}
			}
		}
		b.known[pair] = senders
	}
	return nil
}

func (b *batch) tie(t *target, s *adding, senders int) error {
	_, err := b.tx.exec(b.ctx, `INSERT INTO ties (target, subject, senders) VALUES (?1, ?2, ?3) ON CONFLICT (target, subject) DO UPDATE SET senders = ?3`, t.id, s.id, senders)
	if err == nil && senders <= 2 { // a third one's word changes nothing
		_, err = b.tx.exec(b.ctx, `UPDATE targets SET subjects = ?, pending = 1 WHERE id = ?`, t.subjects, t.id)
	}
	return err
}

// bindPending works out what those targets join of which something new was said.
func bindPending(ctx context.Context, tx *sql.Tx, now int64) error {
	rows, err := tx.QueryContext(ctx, `SELECT id, name, subjects, silent FROM targets WHERE pending = 1 ORDER BY id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var pending []target
	for rows.Next() {
		var t target
		if err := rows.Scan(&t.id, &t.name, &t.subjects, &t.silent); err != nil {
			return err
		}
		pending = append(pending, t)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	for _, t := range pending {
		if t.subjects > 1 && !t.silent {
			if err := bind(ctx, tx, t, now); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE targets SET pending = 0 WHERE id = ?`, t.id); err != nil {
			return err
		}
	}
	return nil
}

// leading is a case whose subjects lead to a target.
type leading struct {
	id       int64
	subjects int // of the case, whether they lead there or not
	leads    int // of these, that do
	senders  int // most who say so of one of them
	open     bool
	listed   bool
}

// bind joins the cases whose subjects lead to one target, unless so many do that it says nothing. It only joins what
// nobody has decided about. One sender's word puts a subject beside others; to join two cases that have several each
// takes two senders'.
func bind(ctx context.Context, tx *sql.Tx, t target, now int64) error {
	cases, err := leadingTo(ctx, tx, t)
	if err != nil {
		return err
	}
	sites := 0
	for _, c := range cases {
		if c.listed {
			sites++ // a person has said that they belong together
		} else {
			sites += c.leads
		}
	}
	if !t.name.IsAccount() && sites > maxKin || t.subjects > maxLeading {
		return silence(ctx, tx, t, cases, now)
	}
	left, err := joinAll(ctx, tx, cases, now)
	if err != nil || left <= maxKin {
		return err
	}
	if cases, err = leadingTo(ctx, tx, t); err != nil {
		return err
	}
	return silence(ctx, tx, t, cases, now)
}

// joinAll joins what it may of some cases that share a target, and returns how many there are then.
func joinAll(ctx context.Context, tx *sql.Tx, cases []leading, now int64) (left int, err error) {
	left = len(cases)
	cases = slices.DeleteFunc(slices.Clone(cases), func(c leading) bool { return !c.open })
	for len(cases) > 1 {
		into := cases[0]
		for _, c := range cases {
			if c.subjects > into.subjects {
				into = c
			}
		}
		var over []leading // that went in no more: they may make another case
		for _, c := range cases {
			switch {
			case c.id == into.id:
			case c.subjects+into.subjects > MaxSubjects:
				over = append(over, c)
			case c.subjects == 1 || into.subjects == 1 || min(c.senders, into.senders) >= 2:
				if _, err := tx.ExecContext(ctx, `UPDATE subjects SET joined = ? WHERE case_id = ?`, now, c.id); err != nil {
					return left, err
				}
				if err := fold(ctx, tx, c.id, into.id); err != nil {
					return left, err
				}
				into.subjects += c.subjects
				into.senders = max(into.senders, c.senders)
				left--
			}
		}
		cases = over
	}
	return left, nil
}

// leadingTo are the cases with a subject that leads to a target and that nobody took out of another case, the oldest
// first.
func leadingTo(ctx context.Context, tx *sql.Tx, t target) ([]leading, error) {
	rows, err := tx.QueryContext(ctx, `SELECT cases.id, (SELECT count(*) FROM subjects WHERE case_id = cases.id), count(*), max(senders),
			state IN ('open', 'asked'), state = 'accepted' AND action = 'list'
		FROM (SELECT subject AS of, senders FROM ties WHERE target = ? LIMIT ?) AS led JOIN subjects ON subjects.id = of JOIN cases ON cases.id = case_id
		WHERE bound <> 'apart' GROUP BY cases.id ORDER BY cases.id`, t.id, maxLeading+1)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []leading
	for rows.Next() {
		var c leading
		if err := rows.Scan(&c.id, &c.subjects, &c.leads, &c.senders, &c.open, &c.listed); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// silence makes a target say nothing from now on, and takes cases apart that nothing else holds together.
func silence(ctx context.Context, tx *sql.Tx, t target, cases []leading, now int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE targets SET silent = 1 WHERE id = ?`, t.id); err != nil {
		return err
	}
	for _, c := range cases {
		if c.open && c.leads > 1 {
			if err := loosen(ctx, tx, c.id, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// loosen leaves in a case what holds together with the subject that it is called by, or was put there by hand; all else
// goes back into cases of its own.
func loosen(ctx context.Context, tx *sql.Tx, id, now int64) error {
	subjects, err := subjectsOf(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := tied(ctx, tx, id, subjects); err != nil {
		return err
	}
	var groups [][]Subject
	for _, s := range subjects {
		group := []Subject{s}
		groups = slices.DeleteFunc(groups, func(other []Subject) bool {
			if !slices.ContainsFunc(other, func(o Subject) bool { return o.with(s) }) {
				return false
			}
			group = append(group, other...)
			return true
		})
		groups = append(groups, group)
	}
	changed := false
	for _, group := range groups {
		if slices.ContainsFunc(group, func(s Subject) bool { return s.Name == subjects[0].Name }) {
			continue
		}
		changed = true
		if _, err := setApart(ctx, tx, group, now); err != nil {
			return err
		}
	}
	if !changed {
		return nil
	}
	return refresh(ctx, tx, id)
}

// with tells whether something holds two subjects of one case together.
func (s Subject) with(o Subject) bool {
	if s.Bound == ByHand && o.Bound == ByHand {
		return true
	}
	return slices.ContainsFunc(s.Ties, func(t Tie) bool {
		return slices.ContainsFunc(o.Ties, func(other Tie) bool { return other.Target == t.Target })
	})
}

// setApart opens a case for some subjects of another one and puts them there.
func setApart(ctx context.Context, tx *sql.Tx, group []Subject, now int64) (int64, error) {
	id, err := openCase(ctx, tx, group[0].Name, group[0].Opened, now)
	if err != nil {
		return 0, err
	}
	for _, s := range group {
		if _, err := tx.ExecContext(ctx, `UPDATE subjects SET case_id = ?, joined = 0 WHERE id = ?`, id, s.ID); err != nil {
			return 0, err
		}
	}
	return id, refresh(ctx, tx, id)
}

// fold puts all subjects of one case into another. Both are undecided; the other one opens again if more was asked for
// it. Their scores are worked out later: rankStale.
func fold(ctx context.Context, tx *sql.Tx, from, into int64) error {
	for _, step := range []string{
		`UPDATE subjects SET case_id = ?2 WHERE case_id = ?1`,
		`UPDATE cases SET state = 'open', expired = CASE (SELECT expired FROM cases WHERE id = ?1) WHEN 0 THEN 0 ELSE expired END, seen = CASE seen WHEN 0 THEN (SELECT seen FROM cases WHERE id = ?1) ELSE seen END WHERE id = ?2`,
		`UPDATE cases SET state = 'merged', into_case = ?2 WHERE id = ?1`,
		// A case that had gone into the one that goes is found where that is.
		`UPDATE cases SET into_case = ?2 WHERE into_case = ?1`,
		`UPDATE cases SET stale = 1 WHERE id IN (?1, ?2)`,
	} {
		if _, err := tx.ExecContext(ctx, step, from, into); err != nil {
			return err
		}
	}
	if err := recountAppeals(ctx, tx, from); err != nil {
		return err
	}
	return recountAppeals(ctx, tx, into)
}

// Kin is a case whose reported pages lead to the same place as another's, and that is not joined with it: it is decided
// already, it was taken out by hand, or too little ties them together.
type Kin struct {
	Case
	Targets []subject.Subject // that both lead to, the rarest first
}

// Kin returns at most 20 cases that share a target with this one, those with the most shared targets first.
func (d *Desk) Kin(ctx context.Context, id int64) ([]Kin, error) {
	fail := func(err error) ([]Kin, error) {
		return nil, fmt.Errorf("couldn't read what is like case %d: %w", id, err)
	}
	rows, err := d.db.QueryContext(ctx, `
		WITH mine AS (SELECT DISTINCT target FROM subjects JOIN ties ON subject = subjects.id JOIN targets ON targets.id = target
				WHERE case_id = ?1 AND silent = 0 AND targets.subjects > 1 LIMIT 200),
		     shared AS (SELECT DISTINCT target, case_id FROM mine JOIN ties USING (target) JOIN subjects ON subjects.id = subject WHERE case_id <> ?1)
		SELECT case_id, name FROM shared JOIN targets ON targets.id = target
		ORDER BY count(*) OVER (PARTITION BY case_id) DESC, case_id, targets.subjects, name`, id)
	if err != nil {
		return fail(err)
	}
	defer rows.Close()
	var kin []Kin
	for rows.Next() {
		var other int64
		var target subject.Subject
		if err := rows.Scan(&other, &target); err != nil {
			return fail(err)
		}
		if len(kin) == 0 || kin[len(kin)-1].ID != other {
			if len(kin) == maxKin {
				break
			}
			kin = append(kin, Kin{Case: Case{ID: other}})
		}
		last := &kin[len(kin)-1]
		last.Targets = append(last.Targets, target)
	}
	if err := rows.Err(); err != nil {
		return fail(err)
	}
	rows.Close()
	for i := range kin {
		if kin[i].Case, err = get(ctx, d.db, kin[i].ID); err != nil {
			return fail(err)
		}
	}
	return kin, nil
}
