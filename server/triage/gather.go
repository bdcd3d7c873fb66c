package triage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

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
	n, more := 0, true
	taking := pace{n: 1000, most: 20_000} // each page of the tables is written once for all of them
	for n < most && more {
		var last int64
		if err := d.db.QueryRowContext(ctx, `SELECT coalesce(max(report), 0) FROM members`).Scan(&last); err != nil {
			return n, fmt.Errorf("couldn't gather reports: %w", err)
		}
		reports, err := box.After(ctx, last, min(taking.n, most-n))
		if err != nil {
			return n, err
		}
		if more = len(reports) > 0; more {
			err = d.paced(ctx, &taking, func(tx *sql.Tx) error {
				var now int64
				if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(report), 0) FROM members`).Scan(&now); err != nil || now != last {
					return err // another process has gathered them
				}
				return d.put(ctx, tx, box, reports)
			})
		}
		if err == nil {
			err = d.bindPending(ctx)
		}
		if err != nil {
			return n, fmt.Errorf("couldn't gather reports: %w", err)
		}
		n += len(reports)
	}
	// Once for all of them: the score of a case is the same however its reports were dealt out.
	if err := d.rankStale(ctx); err != nil {
		return n, err
	}
	if err := d.Deliver(ctx, box); err != nil || more {
		return n, err
	}
	if err := d.amend(ctx, box); err != nil {
		return n, err
	}
	return n, d.rankStale(ctx)
}

// pace is how much is done in one change, so that whoever wants to change something beside it waits a fraction of a
// second, on a fast machine and on a busy one.
type pace struct{ n, most int }

// paced makes a change, and finds out how much the next one of its kind may do.
func (d *Desk) paced(ctx context.Context, p *pace, f func(*sql.Tx) error) error {
	const enough = 300 * time.Millisecond
	var since time.Time
	err := d.change(ctx, func(tx *sql.Tx) error {
		since = time.Now() // behind all who came before
		return f(tx)
	})
	if took := time.Since(since); took > enough/2 {
		p.n = max(1, int(float64(p.n)*float64(enough)/float64(took)))
	} else {
		p.n *= 2
	}
	p.n = min(p.n, p.most)
	return err
}

// batch is some reports on their way into cases. Each step takes a few statements, however many they are.
type batch struct {
	ctx      context.Context
	tx       *sql.Tx
	db       *db.DB
	reports  []arriving
	subjects map[subject.Subject]*adding
	arrived  tally
}

// arriving is a report, with where it belongs.
type arriving struct {
	*inbox.Report
	site          subject.Subject // what binds it to others: see nameOf
	about         *adding
	noted, behind bool
	answered      int
}

// adding is what a batch adds to one subject.
type adding struct {
	name                    subject.Subject
	id, of                  int64 // of is its case
	opened, latest          int64
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
func (d *Desk) put(ctx context.Context, tx *sql.Tx, box *inbox.Inbox, reports []inbox.Report) error {
	b := &batch{ctx: ctx, tx: tx, db: d.db, reports: make([]arriving, len(reports)), subjects: map[subject.Subject]*adding{}, arrived: tally{}}
	for i := range reports {
		b.reports[i].Report = &reports[i]
		if reports[i].Source == nil { // from before there were any
			reports[i].Source = []byte{}
		}
	}
	for _, step := range []func() error{b.place, b.line, b.keep, b.count, b.lead, b.write, b.tell} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// place finds where each report belongs: under the narrowest thing that it names and that was decided about alone, or
// else with all that is on its site. For what is reported for the first time it opens a case.
func (b *batch) place() error {
	sites := map[string]subject.Subject{} // by what was reported
	for i := range b.reports {
		r := &b.reports[i]
		site, known := sites[r.Subjects[0]]
		if !known {
			site = nameOf(r.Subjects)
			sites[r.Subjects[0]] = site
		}
		if r.Href != "" && !slices.Contains(r.Subjects, string(site)) { // so deep below it that no device would find it there
			site = subject.Subject(r.Subjects[0])
		}
		r.site = site
	}
	divided, err := b.divided()
	if err != nil {
		return err
	}
	var all []*adding
	for i := range b.reports {
		r := &b.reports[i]
		name := r.site
		if below := divided[r.site]; below != nil {
			if at := slices.IndexFunc(Names(r.Report), func(s subject.Subject) bool { return below[s] }); at >= 0 {
				name = Names(r.Report)[at]
			}
		}
		s := b.subjects[name]
		if s == nil {
			s = &adding{name: name, opened: r.Received, latest: r.Received, protected: publish.Permit(name) != nil, from: map[string]*voice{}, days: map[int64]int{}}
			b.subjects[name] = s
			all = append(all, s)
		}
		r.about = s
		s.opened, s.latest = min(s.opened, r.Received), max(s.latest, r.Received)
		s.days[r.Received/day]++
		b.arrived.add(r.Received, r.Kind, kindOf(r.Category), 1)
	}
	return b.find(all)
}

// divided are the sites below which there are subjects of their own, with those of them that the reports name: sources
// may name many thousand pages of one site.
func (b *batch) divided() (map[subject.Subject]map[subject.Subject]bool, error) {
	sites, all := map[subject.Subject]bool{}, map[subject.Subject]map[subject.Subject]bool{}
	for _, r := range b.reports {
		sites[r.site] = true
	}
	for site, err := range db.Each(scanName)(b.tx.QueryContext(b.ctx,
		`SELECT DISTINCT within FROM subjects WHERE within <> '' AND within IN (SELECT value FROM json_each(?))`, jsonText(slices.Collect(maps.Keys(sites))))) {
		if err != nil {
			return nil, err
		}
		all[site] = map[subject.Subject]bool{}
	}
	var names []subject.Subject
	for _, r := range b.reports {
		if all[r.site] != nil {
			names = append(names, Names(r.Report)...)
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	type part struct{ of, name subject.Subject }
	for one, err := range db.Each(func(row db.Row) (p part, err error) { return p, row.Scan(&p.of, &p.name) })(b.tx.QueryContext(b.ctx,
		`SELECT within, name FROM subjects WHERE within <> '' AND name IN (SELECT value FROM json_each(?))`, jsonText(names))) {
		if err != nil {
			return nil, err
		}
		if below := all[one.of]; below != nil {
			below[one.name] = true
		}
	}
	return all, nil
}

// find finds the subjects, or opens a case for each that is new, in their order.
func (b *batch) find(all []*adding) error {
	there := func(row db.Row) error {
		var id, of int64
		var name subject.Subject
		var targets int
		err := row.Scan(&id, &name, &of, &targets)
		if s := b.subjects[name]; s != nil {
			s.id, s.of, s.targets = id, of, targets
		}
		return err
	}
	for _, err := range db.Each(func(row db.Row) (struct{}, error) { return struct{}{}, there(row) })(b.tx.QueryContext(b.ctx,
		`SELECT id, name, case_id, targets FROM subjects WHERE name IN (SELECT value FROM json_each(?))`, jsonText(slices.Collect(maps.Keys(b.subjects))))) {
		if err != nil {
			return err
		}
	}
	fresh := slices.DeleteFunc(all, func(s *adding) bool { return s.id != 0 })
	rows := make([][]any, len(fresh))
	for i, s := range fresh {
		rows[i] = caseRow(s.name, s.opened, s.opened)
	}
	if err := b.db.Insert(b.ctx, b.tx, intoCases, rows, `RETURNING id, subject`, func(row db.Row) error {
		var id int64
		var name subject.Subject
		err := row.Scan(&id, &name)
		if s := b.subjects[name]; s != nil { // a row that could not be read, where whoever serves ends, has no name
			s.of = id
		}
		return err
	}); err != nil {
		return err
	}
	for i, s := range fresh {
		rows[i] = []any{string(s.name), s.of, s.opened, s.latest}
	}
	return b.db.Insert(b.ctx, b.tx, `INSERT INTO subjects (name, case_id, opened, latest)`, rows, `RETURNING id, name, case_id, targets`, there)
}

// intoCases makes a case that has no subject yet.
const intoCases = `INSERT INTO cases (subject, platform, state, opened, latest, changed, protected, reports, appeals, sources, category, score, burst, noted)`

func caseRow(name subject.Subject, opened, changed int64) []any {
	return []any{string(name), platformOf(name), StateOpen, opened, opened, changed, publish.Permit(name) != nil, 0, 0, 0, "", 0.0, 0, 0}
}

// openCase makes a case that has no subject yet.
func openCase(ctx context.Context, tx *sql.Tx, name subject.Subject, opened, changed int64) (id int64, err error) {
	err = tx.QueryRowContext(ctx, intoCases+` VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, caseRow(name, opened, changed)...).Scan(&id)
	return id, err
}

func addSubject(ctx context.Context, tx *sql.Tx, name subject.Subject, id int64, bound Bound, opened, latest int64) (of int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO subjects (name, case_id, bound, opened, latest) VALUES (?, ?, ?, ?, ?) RETURNING id`,
		string(name), id, bound, opened, latest).Scan(&of)
	return of, err
}

// line finds the objections that wait behind others, because their network has sent so many on that day, and those
// that wait for nobody, since they were answered elsewhere.
func (b *batch) line() error {
	type sender struct {
		day int64
		n   int // and after that, before them
	}
	senders := map[string]*sender{}
	var waiting []*arriving
	for i := range b.reports {
		r := &b.reports[i]
		switch {
		case r.Kind != wire.KindMistake:
		case r.State != wire.StateReceived:
			r.answered = elsewhere
		default:
			waiting = append(waiting, r)
			if senders[string(r.Source)] == nil {
				senders[string(r.Source)] = &sender{day: r.Received / day}
			}
			senders[string(r.Source)].n++
		}
	}
	var rows [][]any
	for _, source := range slices.Sorted(maps.Keys(senders)) {
		rows = append(rows, []any{[]byte(source), senders[source].day, senders[source].n})
	}
	if err := b.db.Insert(b.ctx, b.tx, `INSERT INTO objectors (source, day, appeals)`, rows,
		`ON CONFLICT (source) DO UPDATE SET appeals = objectors.appeals + excluded.appeals RETURNING source, appeals`, func(row db.Row) error {
			var source []byte
			var now int
			err := row.Scan(&source, &now)
			if s := senders[string(source)]; s != nil {
				s.n = now - s.n
			}
			return err
		}); err != nil {
		return err
	}
	for _, r := range waiting {
		from := senders[string(r.Source)]
		from.n++
		r.behind = from.n > maxSpoken
		s := r.about
		if s.mistakes++; s.mistakes == 1 || r.Received < s.objected {
			s.objected = r.Received
		}
		if !r.behind {
			s.front++
		}
	}
	return nil
}

// keep keeps which report belongs to which subject, and finds out which have a picture.
func (b *batch) keep() error {
	rows, seqs := make([][]any, len(b.reports)), make([]int64, len(b.reports))
	byNumber := map[int64]*arriving{}
	for i := range b.reports {
		r := &b.reports[i]
		r.noted = r.Note != ""
		rows[i] = []any{r.Seq, r.ID, r.about.id, r.Kind, r.Received, r.Source, kindOf(r.Category), r.noted, r.answered, r.behind}
		seqs[i], byNumber[r.Seq] = r.Seq, r
	}
	err := b.db.Insert(b.ctx, b.tx, `INSERT INTO members (report, id, subject, kind, received, source, category, noted, answered, behind)`, rows, "", nil)
	if err != nil {
		return err
	}
	pictured, err := db.All(func(row db.Row) (seq int64, err error) { return seq, row.Scan(&seq) })(b.tx.QueryContext(b.ctx, `SELECT members.report
		FROM pictures JOIN members ON id = pictures.report WHERE noted = 0 AND members.report IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, jsonText(seqs)))
	if err != nil || len(pictured) == 0 {
		return err
	}
	for _, seq := range pictured {
		byNumber[seq].noted = true
	}
	_, err = b.tx.ExecContext(b.ctx, `UPDATE members SET noted = 1 WHERE report IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, jsonText(pictured))
	return err
}

// count counts the reports that call a subject a scam.
func (b *batch) count() error {
	for i := range b.reports {
		r := &b.reports[i]
		if r.Kind == wire.KindMistake {
			continue
		}
		s := r.about
		s.reports++
		if r.noted {
			s.noted++
		}
		v := s.from[string(r.Source)]
		if v == nil {
			v = &voice{first: r.Received}
			s.from[string(r.Source)] = v
		}
		v.latest, v.noted, v.category = max(v.latest, r.Received), v.noted || r.noted, cmp.Or(kindOf(r.Category), v.category)
		s.scams = append(s.scams, r.Report)
	}
	return nil
}

// write writes down what the batch adds.
func (b *batch) write() error {
	all := slices.SortedFunc(maps.Values(b.subjects), func(a, b *adding) int { return cmp.Compare(a.id, b.id) })
	if err := b.hear(all); err != nil {
		return err
	}
	type more struct {
		ID       int64 `json:"id"`
		Opened   int64 `json:"opened"`
		Latest   int64 `json:"latest"`
		Reports  int   `json:"reports"`
		Sources  int   `json:"sources"`
		Noted    int   `json:"noted"`
		Targets  int   `json:"targets"`
		Mistakes int   `json:"mistakes"`
	}
	type onCase struct {
		ID       int64 `json:"id"`
		Reports  int   `json:"reports"`
		Mistakes int   `json:"mistakes"`
		Objected int64 `json:"objected"`
		Front    int   `json:"front"`
		Weighing int   `json:"weighing"`
	}
	subjects, cases := make([]more, len(all)), map[int64]*onCase{}
	var days [][]any
	for i, s := range all {
		subjects[i] = more{s.id, s.opened, s.latest, s.reports, s.sources, s.noted, s.targets, s.mistakes}
		c := cases[s.of]
		if c == nil {
			c = &onCase{ID: s.of}
			cases[s.of] = c
		}
		if s.mistakes > 0 && (c.Mistakes == 0 || s.objected < c.Objected) {
			c.Objected = s.objected
		}
		c.Reports, c.Mistakes, c.Front, c.Weighing = c.Reports+s.reports, c.Mistakes+s.mistakes, c.Front+s.front, c.Weighing+s.weighing
		for _, day := range slices.Sorted(maps.Keys(s.days)) {
			days = append(days, []any{s.id, day, s.days[day]})
		}
	}
	if _, err := b.tx.ExecContext(b.ctx, `UPDATE subjects SET opened = min(subjects.opened, more.opened), latest = max(subjects.latest, more.latest), reports = subjects.reports + more.reports,
			sources = subjects.sources + more.sources, noted = subjects.noted + more.noted, targets = more.targets, unanswered = unanswered + mistakes
		FROM (SELECT CAST(value ->> 'id' AS BIGINT) AS id, CAST(value ->> 'opened' AS BIGINT) AS opened, CAST(value ->> 'latest' AS BIGINT) AS latest,
			CAST(value ->> 'reports' AS BIGINT) AS reports, CAST(value ->> 'sources' AS BIGINT) AS sources, CAST(value ->> 'noted' AS BIGINT) AS noted,
			CAST(value ->> 'targets' AS BIGINT) AS targets, CAST(value ->> 'mistakes' AS BIGINT) AS mistakes FROM json_each(?)) AS more
		WHERE subjects.id = more.id`, jsonText(subjects)); err != nil {
		return err
	}
	if err := b.db.Insert(b.ctx, b.tx, `INSERT INTO subject_day (subject, day, reports)`, days,
		`ON CONFLICT (subject, day) DO UPDATE SET reports = subject_day.reports + excluded.reports`, nil); err != nil {
		return err
	}
	if _, err := b.tx.ExecContext(b.ctx, `UPDATE cases SET stale = 1, state = CASE WHEN state = 'asked' AND more.reports > 0 THEN 'open' ELSE state END,
			appeals = appeals + mistakes, appealed = CASE WHEN mistakes = 0 THEN appealed WHEN appealed = 0 THEN more.objected ELSE min(appealed, more.objected) END,
			behind = CASE WHEN mistakes = 0 THEN behind WHEN front > 0 THEN 0 WHEN appeals = 0 THEN 1 ELSE behind END,
			expired = CASE WHEN weighing > 0 THEN 0 ELSE expired END
		FROM (SELECT CAST(value ->> 'id' AS BIGINT) AS id, CAST(value ->> 'reports' AS BIGINT) AS reports, CAST(value ->> 'mistakes' AS BIGINT) AS mistakes,
			CAST(value ->> 'objected' AS BIGINT) AS objected, CAST(value ->> 'front' AS BIGINT) AS front, CAST(value ->> 'weighing' AS BIGINT) AS weighing FROM json_each(?)) AS more
		WHERE cases.id = more.id`, jsonText(slices.Collect(maps.Values(cases)))); err != nil {
		return err
	}
	return b.arrived.write(b.ctx, b.tx)
}

// hear keeps what each source says, and how much that weighs: of those that have spoken of many things already, nothing.
func (b *batch) hear(all []*adding) error {
	const into, both = `INSERT INTO voices (subject, source, day, latest, category, noted, weighs)`, `ON CONFLICT (subject, source) DO `
	type spoken struct {
		about *adding
		row   []any
	}
	var rows [][]any
	// In the order of the table: a flood of sources touches each of its pages once.
	for _, s := range all {
		for _, source := range slices.Sorted(maps.Keys(s.from)) {
			v := s.from[source]
			rows = append(rows, []any{s.id, []byte(source), v.first / day, v.latest, v.category, v.noted, 1})
		}
	}
	type pair struct {
		subject int64
		source  string
	}
	fresh := map[pair]bool{}
	if err := b.db.Insert(b.ctx, b.tx, into, rows, both+`NOTHING RETURNING subject, source`, func(row db.Row) error {
		var of int64
		var source []byte
		err := row.Scan(&of, &source)
		fresh[pair{of, string(source)}] = true
		return err
	}); err != nil {
		return err
	}
	byID, bySource := map[int64]*adding{}, map[string][]spoken{}
	for _, s := range all {
		byID[s.id] = s
	}
	var again [][]any
	for _, row := range rows {
		of, source := row[0].(int64), string(row[1].([]byte))
		if !fresh[pair{of, source}] {
			again = append(again, row)
			continue
		}
		bySource[source] = append(bySource[source], spoken{byID[of], row})
	}
	var speaking, light [][]any
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		speaking = append(speaking, []any{[]byte(source), len(bySource[source])})
	}
	if err := b.db.Insert(b.ctx, b.tx, `INSERT INTO speakers (source, subjects)`, speaking,
		`ON CONFLICT (source) DO UPDATE SET subjects = speakers.subjects + excluded.subjects RETURNING source, subjects`, func(row db.Row) error {
			var source []byte
			var now int
			err := row.Scan(&source, &now)
			of := bySource[string(source)]
			for i, one := range of {
				one.about.sources++
				if now-len(of)+i < maxSpoken {
					one.about.weighing++
				} else {
					light = append(light, one.row)
				}
			}
			return err
		}); err != nil {
		return err
	}
	if err := b.db.Insert(b.ctx, b.tx, into, light, both+`UPDATE SET weighs = 0`, nil); err != nil {
		return err
	}
	return b.db.Insert(b.ctx, b.tx, into, again, both+`UPDATE SET latest = max(voices.latest, excluded.latest),
		category = CASE excluded.category WHEN '' THEN voices.category ELSE excluded.category END, noted = max(voices.noted, excluded.noted)`, nil)
}

// tell has those told who report what is listed already, though something else about it may have been decided that no
// release has yet.
func (b *batch) tell() error {
	byID := map[int64]*adding{}
	for _, s := range b.subjects {
		if len(s.scams) > 0 {
			byID[s.id] = s
		}
	}
	listed, err := db.All(func(row db.Row) (one [2]int64, err error) {
		return one, row.Scan(&one[0], &one[1])
	})(b.tx.QueryContext(b.ctx, `SELECT subjects.id, case_id FROM subjects JOIN cases ON cases.id = case_id
		WHERE CASE WHEN settled = 0 AND earlier <> '' THEN earlier ->> 'action' WHEN settled = 1 THEN action END = 'list'
			AND subjects.id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))
		ORDER BY 1`, jsonText(slices.Collect(maps.Keys(byID)))))
	if err != nil {
		return err
	}
	for _, one := range listed {
		c, err := settledLast(b.ctx, b.tx, one[1])
		if err != nil {
			return err
		}
		groups := map[subject.Subject][][]byte{}
		for _, r := range byID[one[0]].scams {
			if name := firstOf(Names(r), c.about(byID[one[0]].name)); name != "" {
				groups[name] = append(groups[name], r.ID)
			}
		}
		for name, ids := range groups {
			if err := tell(b.ctx, b.tx, letter{Reports: ids, Transition: c.says(name)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// amend counts the categories and notes that came after their reports were gathered.
func (d *Desk) amend(ctx context.Context, box *inbox.Inbox) error {
	const together = 200
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
