package triage

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"khien/server/db"
	"khien/server/inbox"
	"khien/server/publish"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Gather puts the reports that came since the last time into their cases, joins the cases of one page kit, and returns
// how many reports there were. A case for which more was asked opens again with the next report, or what is added to
// one; a rejected one, and one that was taken off the list, when its score is reopens points higher than then; and who
// reports what is listed already is told so.
func (d *Desk) Gather(ctx context.Context, box *inbox.Inbox) (int, error) {
	return d.GatherUpTo(ctx, box, math.MaxInt)
}

// GatherUpTo is Gather for who has other things to do as well: it stops when it has so many reports.
func (d *Desk) GatherUpTo(ctx context.Context, box *inbox.Inbox, most int) (int, error) {
	const together = 20_000 // each page of the tables is written once for all of them
	n, more := 0, true
	for n < most && more {
		var last int64
		if err := d.db.QueryRowContext(ctx, `SELECT coalesce(max(report), 0) FROM members`).Scan(&last); err != nil {
			return n, fmt.Errorf("couldn't gather reports: %w", err)
		}
		reports, err := box.After(ctx, last, min(together, most-n))
		if err != nil {
			return n, err
		}
		more = len(reports) > 0
		err = d.change(ctx, func(tx *sql.Tx) error {
			var now int64
			if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(report), 0) FROM members`).Scan(&now); err != nil {
				return err
			}
			if more && now == last { // else another process has gathered them
				if err := put(ctx, tx, box, reports); err != nil {
					return err
				}
			}
			return bindPending(ctx, tx, d.now())
		})
		if err != nil {
			return n, fmt.Errorf("couldn't gather reports: %w", err)
		}
		n += len(reports)
	}
	// Once for all of them: the score of a case is the same however its reports were dealt out.
	if err := d.change(ctx, func(tx *sql.Tx) error { return rankStale(ctx, tx) }); err != nil {
		return n, fmt.Errorf("couldn't rank the cases: %w", err)
	}
	if err := d.Deliver(ctx, box); err != nil || more {
		return n, err
	}
	return n, d.amend(ctx, box)
}

// repeated runs the same few statements many times in one transaction.
type repeated struct {
	tx    *sql.Tx
	known map[string]*sql.Stmt
}

func (r repeated) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	known := r.known[query]
	if known != nil {
		return known, nil
	}
	known, err := r.tx.PrepareContext(ctx, query) // closed with the transaction
	if err == nil {
		r.known[query] = known
	}
	return known, err
}

// exec runs a statement.
func (r repeated) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := r.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// one reads one row.
func (r repeated) one(ctx context.Context, query string, args []any, into ...any) error {
	s, err := r.prepare(ctx, query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, args...).Scan(into...)
}

// batch is some reports on their way into cases. What they add to one subject is written once.
type batch struct {
	ctx      context.Context
	tx       repeated
	subjects map[subject.Subject]*adding
	names    map[string]home          // by what was reported
	narrower map[subject.Subject]bool // sites below which there are subjects of their own
	targets  map[string]*target       // by what a link leads to; nil where that says nothing
	known    map[[2]int64]int         // senders who are known to tie a subject to a target
	pictured bool                     // whether there is a report with a picture at all
	arrived  tally
}

// adding is what a batch adds to one subject.
type adding struct {
	id, opened, latest      int64
	reports, sources, noted int
	weighing                int // of the sources
	targets                 int // all that are kept of it
	protected               bool
	from                    map[string]*voice // of those who call it a scam, by source
	scams                   []*inbox.Report
	mistakes                int
	front                   int           // of these, that wait behind nobody
	objected                int64         // Unix seconds of the oldest of these
	days                    map[int64]int // reports, by day
}

// voice is what one source says of a subject.
type voice struct {
	first, latest int64
	category      string // that it named last
	noted         bool
}

// put puts reports into their cases.
func put(ctx context.Context, tx *sql.Tx, box *inbox.Inbox, reports []inbox.Report) error {
	b := &batch{
		ctx: ctx, tx: repeated{tx, map[string]*sql.Stmt{}}, subjects: map[subject.Subject]*adding{}, names: map[string]home{},
		narrower: map[subject.Subject]bool{}, targets: map[string]*target{}, known: map[[2]int64]int{}, arrived: tally{},
	}
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pictures)`).Scan(&b.pictured); err != nil {
		return err
	}
	for i := range reports {
		r := &reports[i]
		if r.Source == nil { // from before there were any
			r.Source = []byte{}
		}
		s, err := b.subjectOf(r)
		if err != nil {
			return err
		}
		noted := r.Note != ""
		if !noted && b.pictured {
			if err := b.tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM pictures WHERE report = ?)`, []any{r.ID}, &noted); err != nil {
				return err
			}
		}
		s.opened, s.latest = min(s.opened, r.Received), max(s.latest, r.Received)
		answered, behind := 0, false
		if r.Kind == wire.KindMistake {
			if r.State != wire.StateReceived {
				answered = elsewhere
			} else {
				if s.mistakes++; s.mistakes == 1 || r.Received < s.objected {
					s.objected = r.Received
				}
				if behind, err = b.behind(r); err != nil {
					return err
				}
				if !behind {
					s.front++
				}
			}
		} else if err := b.count(s, r, noted); err != nil {
			return err
		}
		b.arrived.add(r.Received, r.Kind, kindOf(r.Category), 1)
		s.days[r.Received/day]++
		// One row at a time: for several SQLite keeps a journal of the statement, which costs more than it saves.
		if _, err := b.tx.exec(ctx, `INSERT INTO members (report, id, subject, kind, received, source, category, noted, answered, behind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.Seq, r.ID, s.id, r.Kind, r.Received, r.Source, kindOf(r.Category), noted, answered, behind); err != nil {
			return err
		}
	}
	if err := b.write(); err != nil {
		return err
	}
	return b.tell(box)
}

// behind tells whether an objection waits behind others, because its network has sent so many on that day.
func (b *batch) behind(r *inbox.Report) (bool, error) {
	var n int
	err := b.tx.one(b.ctx, `INSERT INTO objectors (source, day, appeals) VALUES (?, ?, 1) ON CONFLICT (source) DO UPDATE SET appeals = objectors.appeals + 1 RETURNING appeals`,
		[]any{r.Source, r.Received / day}, &n)
	return n > maxSpoken, err
}

// subjectOf finds the subject of a report, or opens a case for it.
func (b *batch) subjectOf(r *inbox.Report) (*adding, error) {
	at, ok := b.names[r.Subjects[0]]
	if !ok {
		var err error
		if at, err = b.homeOf(r); err != nil {
			return nil, err
		}
		if !b.narrower[at.site] { // else its other names decide
			b.names[r.Subjects[0]] = at
		}
	}
	name := at.name
	if s := b.subjects[name]; s != nil {
		return s, nil
	}
	s := &adding{opened: r.Received, latest: r.Received, protected: publish.Permit(name) != nil, from: map[string]*voice{}, days: map[int64]int{}}
	err := b.tx.one(b.ctx, `SELECT id, targets FROM subjects WHERE name = ?`, []any{string(name)}, &s.id, &s.targets)
	if errors.Is(err, sql.ErrNoRows) {
		var id int64
		if id, err = openCase(b.ctx, b.tx.tx, name, r.Received, r.Received); err == nil {
			s.id, err = addSubject(b.ctx, b.tx.tx, name, id, "", r.Received, r.Received)
		}
	}
	b.subjects[name] = s
	return s, err
}

// home is where a report belongs.
type home struct {
	site subject.Subject // what binds it to others: see nameOf
	name subject.Subject // the site, or what is narrower and a subject of its own
}

// homeOf finds where a report belongs: under the narrowest thing that it names and that was decided about alone, or
// else with all that is on its site.
func (b *batch) homeOf(r *inbox.Report) (home, error) {
	site := nameOf(r.Subjects)
	if r.Href != "" && !slices.Contains(r.Subjects, string(site)) { // so deep below it that no device would find it there
		site = subject.Subject(r.Subjects[0])
	}
	narrower, ok := b.narrower[site]
	if !ok {
		if err := b.tx.one(b.ctx, `SELECT EXISTS (SELECT 1 FROM subjects WHERE within = ? AND within <> '')`, []any{string(site)}, &narrower); err != nil {
			return home{}, err
		}
		b.narrower[site] = narrower
	}
	if narrower { // looked up by name: sources may name many thousand pages of one site
		names := Names(r)
		there, err := db.All(scanName)(b.tx.tx.QueryContext(b.ctx, `SELECT name FROM subjects WHERE name IN (SELECT value FROM json_each(?)) AND within || '' = ?`, jsonText(names), string(site)))
		if err != nil {
			return home{}, err
		}
		if name := firstOf(names, there); name != "" {
			return home{site, name}, nil
		}
	}
	return home{site, site}, nil
}

// openCase makes a case that has no subject yet.
func openCase(ctx context.Context, tx *sql.Tx, name subject.Subject, opened, changed int64) (int64, error) {
	var id int64
	err := tx.QueryRowContext(ctx, `INSERT INTO cases
		(subject, platform, state, opened, latest, changed, reports, appeals, sources, category, protected, score, burst, noted)
		VALUES (?1, ?2, 'open', ?3, ?3, ?4, 0, 0, 0, '', ?5, 0, 0, 0) RETURNING id`, string(name), platformOf(name), opened, changed, publish.Permit(name) != nil).Scan(&id)
	return id, err
}

func addSubject(ctx context.Context, tx *sql.Tx, name subject.Subject, id int64, bound Bound, opened, latest int64) (of int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO subjects (name, case_id, bound, opened, latest) VALUES (?, ?, ?, ?, ?) RETURNING id`,
		string(name), id, bound, opened, latest).Scan(&of)
	return of, err
}

// count counts a report that calls a subject a scam.
func (b *batch) count(s *adding, r *inbox.Report, noted bool) error {
	s.reports++
	if noted {
		s.noted++
	}
	v := s.from[string(r.Source)]
	if v == nil {
		v = &voice{first: r.Received}
		s.from[string(r.Source)] = v
	}
	v.latest, v.noted, v.category = max(v.latest, r.Received), v.noted || noted, cmp.Or(kindOf(r.Category), v.category)
	s.scams = append(s.scams, r)
	return b.lead(s, r)
}

// write writes down what the batch adds.
func (b *batch) write() error {
	all := slices.SortedFunc(maps.Values(b.subjects), func(a, b *adding) int { return int(a.id - b.id) })
	for _, s := range all {
		// In the order of the table: a flood of sources touches each of its pages once.
		for _, source := range slices.Sorted(maps.Keys(s.from)) {
			v := s.from[source]
			var weighs int
			err := b.tx.one(b.ctx, `INSERT INTO voices (subject, source, day, latest, category, noted, weighs)
				VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce((SELECT CASE WHEN subjects < ?7 THEN 1 ELSE 0 END FROM speakers WHERE source = ?2), 1)) ON CONFLICT DO NOTHING RETURNING weighs`,
				[]any{s.id, []byte(source), v.first / day, v.latest, v.category, v.noted, maxSpoken}, &weighs)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if err == nil {
				s.sources++
				s.weighing += weighs
				if _, err := b.tx.exec(b.ctx, `INSERT INTO speakers (source, subjects) VALUES (?, 1) ON CONFLICT (source) DO UPDATE SET subjects = speakers.subjects + 1`, []byte(source)); err != nil {
					return err
				}
				continue
			}
			if _, err := b.tx.exec(b.ctx, `UPDATE voices SET latest = max(latest, ?3), category = CASE ?4 WHEN '' THEN category ELSE ?4 END, noted = max(noted, ?5)
				WHERE subject = ?1 AND source = ?2`, s.id, []byte(source), v.latest, v.category, v.noted); err != nil {
				return err
			}
		}
		if _, err := b.tx.exec(b.ctx, `UPDATE subjects SET opened = min(opened, ?), latest = max(latest, ?), reports = reports + ?,
			sources = sources + ?, noted = noted + ?, targets = ?, unanswered = unanswered + ? WHERE id = ?`, s.opened, s.latest, s.reports, s.sources, s.noted, s.targets, s.mistakes, s.id); err != nil {
			return err
		}
		for day, n := range s.days {
			if _, err := b.tx.exec(b.ctx, `INSERT INTO subject_day (subject, day, reports) VALUES (?, ?, ?)
				ON CONFLICT (subject, day) DO UPDATE SET reports = subject_day.reports + excluded.reports`, s.id, day, n); err != nil {
				return err
			}
		}
		if _, err := b.tx.exec(b.ctx, `UPDATE cases SET stale = 1, state = CASE WHEN state = 'asked' AND ?1 > 0 THEN 'open' ELSE state END,
			appeals = appeals + ?2, appealed = CASE WHEN ?2 = 0 THEN appealed WHEN appealed = 0 THEN ?3 ELSE min(appealed, ?3) END,
			behind = CASE WHEN ?2 = 0 THEN behind WHEN ?6 > 0 THEN 0 WHEN appeals = 0 THEN 1 ELSE behind END,
			expired = CASE WHEN ?5 > 0 THEN 0 ELSE expired END
			WHERE id = (SELECT case_id FROM subjects WHERE id = ?4)`, s.reports, s.mistakes, s.objected, s.id, s.weighing, s.front); err != nil {
			return err
		}
	}
	return b.arrived.write(b.ctx, b.tx.tx)
}

// tell has those told who report what is listed already, though something else about it may have been decided that no
// release has yet.
func (b *batch) tell(box *inbox.Inbox) error {
	byID := map[int64]*adding{}
	names := map[int64]subject.Subject{}
	for name, s := range b.subjects {
		if len(s.scams) > 0 {
			byID[s.id], names[s.id] = s, name
		}
	}
	ids, err := json.Marshal(slices.Collect(maps.Keys(byID)))
	if err != nil {
		return err
	}
	listed, err := db.All(func(row db.Row) (one [2]int64, err error) {
		return one, row.Scan(&one[0], &one[1])
	})(b.tx.tx.QueryContext(b.ctx, `SELECT subjects.id, case_id FROM subjects JOIN cases ON cases.id = case_id
		WHERE CASE WHEN settled = 0 AND earlier <> '' THEN earlier ->> 'action' WHEN settled = 1 THEN action END = 'list'
			AND subjects.id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))
		ORDER BY 1`, string(ids)))
	if err != nil {
		return err
	}
	for _, one := range listed {
		c, err := settledLast(b.ctx, b.tx.tx, one[1])
		if err != nil {
			return err
		}
		groups := map[subject.Subject][][]byte{}
		for _, r := range byID[one[0]].scams {
			if name := firstOf(Names(r), c.about(names[one[0]])); name != "" {
				groups[name] = append(groups[name], r.ID)
			}
		}
		for name, ids := range groups {
			if err := tell(b.ctx, b.tx.tx, letter{Reports: ids, Transition: c.says(name)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// amend counts the categories and notes that came after their reports were gathered.
func (d *Desk) amend(ctx context.Context, box *inbox.Inbox) error {
	const together = 500
	for {
		var n int64
		if err := d.db.QueryRowContext(ctx, `SELECT n FROM amended`).Scan(&n); err != nil {
			return fmt.Errorf("couldn't gather what was added to reports: %w", err)
		}
		reports, last, err := box.Amended(ctx, n, together)
		if err != nil || last == n {
			return err
		}
		err = d.change(ctx, func(tx *sql.Tx) error {
			for _, r := range reports {
				if err := amendOne(ctx, tx, r); err != nil {
					return err
				}
			}
			if err := rankStale(ctx, tx); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `UPDATE amended SET n = ?`, last)
			return err
		})
		if err != nil {
			return fmt.Errorf("couldn't gather what was added to reports: %w", err)
		}
	}
}

func amendOne(ctx context.Context, tx *sql.Tx, r inbox.Report) error {
	var of, received int64
	var kind, before string
	var noted bool
	var source []byte
	err := tx.QueryRowContext(ctx, `SELECT subject, received, kind, category, noted, source FROM members WHERE report = ?`, r.Seq).Scan(&of, &received, &kind, &before, &noted, &source)
	if errors.Is(err, sql.ErrNoRows) { // it came since the others were gathered, and is gathered with what was added
		return nil
	}
	if err != nil {
		return err
	}
	if err := hear(ctx, tx, r.ID); err != nil {
		return err
	}
	after := kindOf(r.Category)
	more := r.Note != "" && !noted
	if after == before && !more {
		return nil
	}
	changed := tally{}
	changed.add(received, kind, before, -1)
	changed.add(received, kind, after, 1)
	if err := changed.write(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE members SET category = ?, noted = max(noted, ?) WHERE report = ?`, after, r.Note != "", r.Seq); err != nil || kind != wire.KindScam {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE voices SET category = ? WHERE subject = ? AND source = ?`, after, of, source); err != nil {
		return err
	}
	return touch(ctx, tx, of, source, more)
}

// hear opens a case again for which more was asked, when something is added to one of its reports.
func hear(ctx context.Context, tx *sql.Tx, report []byte) error {
	_, err := tx.ExecContext(ctx, `UPDATE cases SET state = 'open' WHERE state = 'asked' AND id =
		(SELECT case_id FROM members JOIN subjects ON subjects.id = subject WHERE members.id = ? AND kind = 'scam')`, report)
	return err
}

// touch counts one more report of a subject with a note or a picture, where there is one, and has its case ranked anew.
func touch(ctx context.Context, tx *sql.Tx, of int64, source []byte, noted bool) error {
	if _, err := tx.ExecContext(ctx, `UPDATE voices SET noted = max(noted, ?) WHERE subject = ? AND source = ?`, noted, of, source); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE subjects SET noted = noted + ? WHERE id = ?`, noted, of); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE cases SET stale = 1 WHERE id = (SELECT case_id FROM subjects WHERE id = ?)`, of)
	return err
}

// recount counts the reports of a subject anew, after some of them have come or gone.
func recount(ctx context.Context, tx *sql.Tx, of int64) error {
	for _, step := range []string{
		`DELETE FROM voices WHERE subject = ?1 AND source NOT IN (SELECT source FROM members WHERE subject = ?1 AND kind = 'scam')`,
		`INSERT INTO voices (subject, source, day, latest, category, noted) SELECT subject, source, min(received) / 86400, max(received),
			substr(max(CASE category WHEN '' THEN '' ELSE CAST(1000000000000000000 + report AS TEXT) || category END), 20), max(noted)
			FROM members WHERE subject = ?1 AND kind = 'scam' GROUP BY subject, source
			ON CONFLICT (subject, source) DO UPDATE SET day = excluded.day, latest = excluded.latest, category = excluded.category, noted = excluded.noted`,
		`UPDATE subjects SET (reports, noted) = (SELECT count(*), coalesce(sum(noted), 0) FROM members WHERE subject = ?1 AND kind = 'scam'),
			sources = (SELECT count(*) FROM voices WHERE subject = ?1),
			unanswered = (SELECT count(*) FROM members WHERE subject = ?1 AND kind = 'mistake' AND answered = 0)
				+ (SELECT coalesce(sum(waits), 0) FROM raised WHERE subject = ?1),
			opened = coalesce((SELECT min(received) FROM members WHERE subject = ?1), opened),
			latest = coalesce((SELECT max(received) FROM members WHERE subject = ?1), latest) WHERE id = ?1`,
	} {
		if _, err := tx.ExecContext(ctx, step, of); err != nil {
			return err
		}
	}
	return recountDays(ctx, tx, of)
}

// refresh brings a case up to date whose subjects have come or gone.
func refresh(ctx context.Context, tx *sql.Tx, id int64) error {
	if err := rename(ctx, tx, id); err != nil {
		return err
	}
	// What is left alone, nothing has joined to anything.
	if _, err := tx.ExecContext(ctx, `UPDATE subjects SET joined = 0 WHERE case_id = ?1 AND (SELECT count(*) FROM subjects WHERE case_id = ?1) = 1`, id); err != nil {
		return err
	}
	if err := recountAppeals(ctx, tx, id); err != nil {
		return err
	}
	return rank(ctx, tx, id)
}

// rename calls a case by the subject that most places report, where what it was called by is no longer in it.
func rename(ctx context.Context, tx *sql.Tx, id int64) error {
	var name subject.Subject
	err := tx.QueryRowContext(ctx, `SELECT name FROM subjects WHERE case_id = ?1 AND NOT EXISTS (
		SELECT 1 FROM subjects JOIN cases ON cases.id = case_id WHERE case_id = ?1 AND name = subject) ORDER BY sources DESC, id LIMIT 1`, id).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE cases SET subject = ?, platform = ?, protected = ? WHERE id = ?`, string(name), platformOf(name), publish.Permit(name) != nil, id)
	}
	return err
}

// nameOf is what binds reports together: the account, or else the whole site where everything on it is one person's.
// Subjects are those of a report, the narrowest first.
func nameOf(subjects []string) subject.Subject {
	narrowest := subject.Subject(subjects[0])
	if narrowest.IsAccount() {
		return narrowest
	}
	host, _, _ := strings.Cut(subjects[0], "/")
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		site = host
	}
	if whole := subject.Subject(site + "/"); publish.Permit(whole) == nil {
		return whole
	}
	return narrowest
}
