package triage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"khien/server/db"
	"khien/server/publish"
	"khien/shared/subject"
	"khien/shared/wire"
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

// says is what a link leads to; empty where that says nothing: what is protected, and a page of a site that many share.
func says(link string) subject.Subject {
	name := nameOf([]string{link})
	site := strings.IndexByte(string(name), '/') == len(name)-1
	if (site || name.IsAccount()) && publish.Permit(name) == nil {
		return name
	}
	return ""
}

// tie is what a subject has with a target.
type tie struct {
	senders int             // distinct ones who say so
	said    map[string]bool // who
}

// lead keeps where the links of reported pages lead, and by how many senders' word.
func (b *batch) lead() error {
	names := map[string]subject.Subject{} // by link
	var order []subject.Subject
	for _, r := range b.reports {
		if r.Kind == wire.KindMistake || r.about.protected {
			continue
		}
		for _, link := range r.Links {
			if _, known := names[link]; !known {
				names[link] = says(link)
				order = append(order, names[link])
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	targets, err := b.targets(order)
	if err != nil {
		return err
	}
	type word struct {
		about  *adding
		to     *target
		source string
	}
	var words []word
	ties := map[[2]int64]*tie{} // by target and subject
	for _, r := range b.reports {
		if r.Kind == wire.KindMistake || r.about.protected {
			continue
		}
		for _, link := range r.Links {
			if t := targets[names[link]]; t != nil && !t.silent && t.name != r.site {
				words = append(words, word{r.about, t, string(r.Source)})
				ties[[2]int64{t.id, r.about.id}] = &tie{said: map[string]bool{}}
			}
		}
	}
	if err := b.known(ties); err != nil {
		return err
	}
	var said, tied [][]any
	changed, pending := map[[2]int64]bool{}, map[*target]bool{}
	for _, w := range words {
		pair := [2]int64{w.to.id, w.about.id}
		t := ties[pair]
		if t.said[w.source] || t.senders >= MaxSenders || t.senders == 0 && w.about.targets >= maxTargets {
			continue
		}
		t.said[w.source] = true
		said = append(said, []any{w.to.id, w.about.id, []byte(w.source)})
		if t.senders++; t.senders == 1 {
			w.about.targets++
			w.to.subjects++
		}
		changed[pair] = true
		if t.senders <= 2 { // a third one's word changes nothing
			pending[w.to] = true
		}
	}
	if err := b.db.Insert(b.ctx, b.tx, `INSERT INTO said (target, subject, source)`, said, "", nil); err != nil {
		return err
	}
	for pair := range changed {
		tied = append(tied, []any{pair[0], pair[1], ties[pair].senders})
	}
	if err := b.db.Insert(b.ctx, b.tx, `INSERT INTO ties (target, subject, senders)`, tied,
		`ON CONFLICT (target, subject) DO UPDATE SET senders = excluded.senders`, nil); err != nil {
		return err
	}
	type more struct {
		ID       int64 `json:"id"`
		Subjects int   `json:"subjects"`
	}
	var counts []more
	for t := range pending {
		counts = append(counts, more{t.id, t.subjects})
	}
	_, err = b.tx.ExecContext(b.ctx, `UPDATE targets SET subjects = more.subjects, pending = 1
		FROM (SELECT CAST(value ->> 'id' AS BIGINT) AS id, CAST(value ->> 'subjects' AS BIGINT) AS subjects FROM json_each(?)) AS more WHERE targets.id = more.id`, jsonText(counts))
	return err
}

// targets are those of some names, with those that nobody has named before, which are made in their order.
func (b *batch) targets(names []subject.Subject) (map[subject.Subject]*target, error) {
	all := map[subject.Subject]*target{}
	there := func(row db.Row) error {
		t := &target{}
		err := row.Scan(&t.id, &t.name, &t.subjects, &t.silent)
		all[t.name] = t
		return err
	}
	for _, err := range db.Each(func(row db.Row) (struct{}, error) { return struct{}{}, there(row) })(b.tx.QueryContext(b.ctx,
		`SELECT id, name, subjects, silent FROM targets WHERE name IN (SELECT value FROM json_each(?))`, jsonText(names))) {
		if err != nil {
			return nil, err
		}
	}
	var fresh [][]any
	for _, name := range names {
		if _, there := all[name]; !there && name != "" {
			all[name] = nil
			fresh = append(fresh, []any{string(name)})
		}
	}
	return all, b.db.Insert(b.ctx, b.tx, `INSERT INTO targets (name)`, fresh, `RETURNING id, name, subjects, silent`, there)
}

// known finds what was said before.
func (b *batch) known(ties map[[2]int64]*tie) error {
	const pairs = `(SELECT CAST(value ->> 't' AS BIGINT) AS t, CAST(value ->> 's' AS BIGINT) AS s FROM json_each(?)) AS pair`
	type pair struct {
		Target  int64 `json:"t"`
		Subject int64 `json:"s"`
	}
	var all, some []pair
	for of := range ties {
		all = append(all, pair{of[0], of[1]})
	}
	type one struct {
		pair
		n      int
		source []byte
	}
	for t, err := range db.Each(func(row db.Row) (t one, err error) { return t, row.Scan(&t.Target, &t.Subject, &t.n) })(b.tx.QueryContext(b.ctx,
		`SELECT target, subject, senders FROM `+pairs+` JOIN ties ON target = t AND subject = s`, jsonText(all))) {
		if err != nil {
			return err
		}
		if ties[[2]int64{t.Target, t.Subject}].senders = t.n; t.n < MaxSenders {
			some = append(some, t.pair)
		}
	}
	for t, err := range db.Each(func(row db.Row) (t one, err error) { return t, row.Scan(&t.Target, &t.Subject, &t.source) })(b.tx.QueryContext(b.ctx,
		`SELECT target, subject, source FROM `+pairs+` JOIN said ON target = t AND subject = s`, jsonText(some))) {
		if err != nil {
			return err
		}
		ties[[2]int64{t.Target, t.Subject}].said[string(t.source)] = true
	}
	return nil
}

// bindPending works out what those targets join of which something new was said.
func (d *Desk) bindPending(ctx context.Context) error {
	binding := pace{n: 20, most: 2000}
	for more := true; more; {
		err := d.paced(ctx, &binding, func(tx *sql.Tx) (err error) {
			more, err = bindSome(ctx, tx, binding.n, d.now())
			return err
		})
		if err != nil {
			return fmt.Errorf("couldn't bind cases together: %w", err)
		}
	}
	return nil
}

// bindSome works out what at most so many targets join, and tells whether there are more.
func bindSome(ctx context.Context, tx *sql.Tx, most int, now int64) (more bool, err error) {
	if _, err := tx.ExecContext(ctx, `UPDATE targets SET pending = 0 WHERE pending = 1 AND (subjects < 2 OR silent = 1)`); err != nil {
		return false, err
	}
	pending, err := db.All(func(row db.Row) (t target, err error) {
		return t, row.Scan(&t.id, &t.name, &t.subjects)
	})(tx.QueryContext(ctx, `SELECT id, name, subjects FROM targets WHERE pending = 1 ORDER BY id LIMIT ?`, most))
	if err != nil || len(pending) == 0 {
		return false, err
	}
	ids := make([]int64, len(pending))
	for i, t := range pending {
		if ids[i] = t.id; err == nil {
			err = bind(ctx, tx, t, now)
		}
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE targets SET pending = 0 WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, jsonText(ids))
	}
	return len(pending) == most, err
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
		var gone []int64
		for _, c := range cases {
			switch {
			case c.id == into.id:
			case c.subjects+into.subjects > MaxSubjects:
				over = append(over, c)
			case c.subjects == 1 || into.subjects == 1 || min(c.senders, into.senders) >= 2:
				gone = append(gone, c.id)
				into.subjects += c.subjects
				into.senders = max(into.senders, c.senders)
				left--
			}
		}
		if len(gone) > 0 {
			if _, err := tx.ExecContext(ctx, `UPDATE subjects SET joined = ? WHERE case_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, now, jsonText(gone)); err != nil {
				return left, err
			}
			if err := fold(ctx, tx, into.id, gone...); err != nil {
				return left, err
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

// fold puts all subjects of some cases into another. None is decided; the other one opens again if more was asked for
// it. Their scores are worked out later: rankStale.
func fold(ctx context.Context, tx *sql.Tx, into int64, from ...int64) error {
	const these = `IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))`
	for _, step := range []string{
		`UPDATE subjects SET case_id = ?2 WHERE case_id ` + these,
		`UPDATE cases SET state = 'open', stale = 1, expired = CASE WHEN EXISTS (SELECT 1 FROM cases AS gone WHERE gone.expired = 0 AND gone.id ` + these + `) THEN 0 ELSE expired END,
			seen = CASE seen WHEN 0 THEN (SELECT coalesce(min(CASE WHEN gone.seen > 0 THEN gone.seen END), 0) FROM cases AS gone WHERE gone.id ` + these + `) ELSE seen END WHERE id = ?2`,
		// A case that had gone into one that goes is found where that is.
		`UPDATE cases SET into_case = ?2 WHERE into_case ` + these,
		`UPDATE cases SET state = 'merged', into_case = ?2, stale = 1, appeals = 0, appealed = 0, behind = 0 WHERE id ` + these,
	} {
		if _, err := tx.ExecContext(ctx, step, jsonText(from), into); err != nil {
			return err
		}
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
