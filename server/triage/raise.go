package triage

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"khien/server/db"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/subject"
)

// Kind is what people are asked about something that sources speak of.
type Kind string

// The kinds.
const (
	Candidate Kind = "candidate" // sources call it a scam: is it to be listed?
	Again     Kind = "again"     // and so they do though a person has rejected it, or taken it off the list
	Disputed  Kind = "disputed"  // it is listed, and sources say that it is no scam: does it stay?
)

// AskAgainDays is after how many days people are asked again about what they have answered, if no other source says so.
const AskAgainDays = 90

// Raised is what sources say of a subject.
type Raised struct {
	Subject  subject.Subject
	Kind     Kind
	Sources  []string // the names of all that say so now; none: nobody does any more
	Category string   // slug that they call it; may be empty
	Address  string   // at which they saw it; may be empty
	Time     int64    // Unix seconds
}

// Raise brings before people what sources say of some subjects, though nobody has reported them: each gets a case, or
// its case waits for them again. What was raised before changes nothing, so that a run may say all of it once more; what
// people have answered comes back when a source says so that had not, or after AskAgainDays. A decision that is in no
// release yet stands, and so does a rejection where Candidate is all that is said. Where nobody says so any more, what
// was disputed is not, and what nobody has looked at or reported leaves the queue.
//
// It is a part of the transaction of who calls it, and costs a few statements for each thousand.
func Raise(ctx context.Context, tx *sql.Tx, raised []Raised) error {
	for part := range slices.Chunk(once(raised), 1000) {
		if err := raise(ctx, tx, part); err != nil {
			return fmt.Errorf("couldn't raise what sources say: %w", err)
		}
	}
	return nil
}

// claimed is of what a question is: sources call a subject a scam, or say that it is none.
type claimed struct {
	of      subject.Subject
	against bool
}

func (r Raised) claimed() claimed { return claimed{r.Subject, r.Kind == Disputed} }

// once are those that are raised, each of them once.
func once(all []Raised) []Raised {
	at := map[claimed]int{}
	var some []Raised
	for _, r := range all {
		r.Sources = union(r.Sources)
		n, known := at[r.claimed()]
		if !known {
			at[r.claimed()] = len(some)
			some = append(some, r)
			continue
		}
		into := &some[n]
		if r.Kind == Again {
			into.Kind = Again
		}
		into.Sources = union(into.Sources, r.Sources)
		into.Category, into.Address, into.Time = cmp.Or(into.Category, r.Category), cmp.Or(into.Address, r.Address), max(into.Time, r.Time)
	}
	return some
}

// maxNamed bounds the names of sources that are kept of one subject.
const maxNamed = 100

func union(names ...[]string) []string {
	all := slices.Concat(names...)
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxNamed)]
}

// question is what was raised about a subject before, and how its case stands.
type question struct {
	subject, in       int64 // the subject and its case
	sources           []string
	category, address string
	begun, asked      int64 // 0 where it was never raised
	waits             bool
	state             State
	settled, left     bool
	listed            bool // in the name of the subject
	bare              bool // nobody has reported anything of the case, which is about nothing else
	single            bool
	fresh             bool // the case was opened for it, as it is
	platform          string
}

// pending tells whether people are being asked.
func (q question) pending(k Kind) bool {
	if k == Disputed {
		return q.waits
	}
	return (q.state == StateOpen || q.state == StateAsked) && !q.left
}

// news tells whether people are to be asked, or asked by one more.
func (q question) news(r Raised) bool {
	closed := q.state == StateAccepted || q.state == StateRejected || q.state == StateProposed
	if r.Kind != Disputed && closed && (!q.settled || q.listed || r.Kind == Candidate && q.state == StateRejected) {
		return false
	}
	for _, name := range r.Sources {
		if _, known := slices.BinarySearch(q.sources, name); !known {
			return true
		}
	}
	return !q.pending(r.Kind) && r.Time >= q.asked+AskAgainDays*day
}

// The rows that are written, as JSON for statements to read.
type (
	askedRow struct {
		Subject  int64  `json:"subject"`
		Case     int64  `json:"case"`
		Against  int    `json:"against"`
		Kind     Kind   `json:"kind"`
		Sources  string `json:"sources"`
		Named    int    `json:"named"`
		Category string `json:"category"`
		Address  string `json:"address"`
		Begun    int64  `json:"begun"`
		Asked    int64  `json:"asked"`
		Waits    int    `json:"waits"`
	}
	rankedRow struct {
		Case     int64   `json:"case"`
		Named    int     `json:"named"`
		Category string  `json:"category"`
		Score    float64 `json:"score"`
	}
)

func raise(ctx context.Context, tx *sql.Tx, some []Raised) error {
	fresh, err := openFor(ctx, tx, some)
	if err != nil {
		return err
	}
	known, err := questions(ctx, tx, some)
	if err != nil {
		return err
	}
	var rows []askedRow
	var ranked []rankedRow
	var gone, older []askedRow
	var heard, woken, stale, objected []int64
	for _, r := range some {
		q, ok := known[r.claimed()]
		q.fresh = fresh[r.Subject]
		against := r.Kind == Disputed
		switch {
		case !ok || len(r.Sources) == 0 && q.begun == 0:
			continue
		case len(r.Sources) > 0 && !q.news(r):
			continue
		case len(r.Sources) > 0:
			q.sources, q.asked, q.begun, q.waits = union(q.sources, r.Sources), r.Time, cmp.Or(q.begun, r.Time), against
			q.category, q.address = cmp.Or(q.category, kindOf(r.Category)), cmp.Or(q.address, r.Address)
		case against:
			q.waits = false
		default:
			gone = append(gone, askedRow{Case: q.in, Asked: r.Time})
			continue
		}
		if against {
			objected = append(objected, q.in)
		} else if q.settled && !q.single {
			if q.in, err = outOf(ctx, tx, q.in, q.subject, r.Time); err != nil {
				return err
			}
			stale = append(stale, q.in)
		} else if !q.fresh {
			heard = append(heard, q.in)
			if q.settled {
				woken = append(woken, q.in)
			}
			if q.bare {
				ranked = append(ranked, rankedRow{q.in, len(q.sources), q.category, bare(len(q.sources), q.category, q.platform)})
			} else {
				stale = append(stale, q.in)
			}
		}
		row := askedRow{q.subject, q.in, number(against), r.Kind, jsonText(q.sources), len(q.sources), q.category, q.address, q.begun, q.asked, number(q.waits)}
		if rows = append(rows, row); !q.fresh {
			older = append(older, row)
		}
	}
	for _, step := range []struct {
		what, about string
	}{
		{`INSERT INTO raised (subject, against, kind, sources, named, category, address, begun, asked, waits)
			SELECT CAST(value ->> 'subject' AS BIGINT), CAST(value ->> 'against' AS BIGINT), value ->> 'kind', value ->> 'sources', CAST(value ->> 'named' AS BIGINT), value ->> 'category',
				value ->> 'address', CAST(value ->> 'begun' AS BIGINT), CAST(value ->> 'asked' AS BIGINT), CAST(value ->> 'waits' AS BIGINT) FROM json_each(?) WHERE true
			ON CONFLICT (subject, against) DO UPDATE SET kind = excluded.kind, sources = excluded.sources, named = excluded.named, category = excluded.category,
				address = excluded.address, asked = excluded.asked, waits = excluded.waits`, jsonText(rows)},
		{`UPDATE subjects SET latest = max(latest, CAST(value ->> 'asked' AS BIGINT)) FROM json_each(?) WHERE subjects.id = CAST(value ->> 'subject' AS BIGINT)`, jsonText(older)},
		{`UPDATE cases SET latest = max(latest, CAST(value ->> 'asked' AS BIGINT)) FROM json_each(?) WHERE cases.id = CAST(value ->> 'case' AS BIGINT)`, jsonText(older)},
		{`UPDATE cases SET ` + opensAgain + ` WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, jsonText(woken)},
		{`UPDATE cases SET state = CASE state WHEN 'asked' THEN 'open' ELSE state END, expired = 0 WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, jsonText(heard)},
		{`UPDATE cases SET stale = 1 WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, jsonText(stale)},
		{`UPDATE cases SET named = CAST(value ->> 'named' AS BIGINT), category = value ->> 'category', score = CAST(value ->> 'score' AS DOUBLE PRECISION)
			FROM json_each(?) WHERE cases.id = CAST(value ->> 'case' AS BIGINT)`, jsonText(ranked)},
		{`UPDATE cases SET expired = CAST(value ->> 'asked' AS BIGINT) FROM json_each(?) WHERE cases.id = CAST(value ->> 'case' AS BIGINT)
			AND state = 'open' AND expired = 0 AND seen = 0 AND reports = 0 AND appeals = 0 AND subjects = 1`, jsonText(gone)},
	} {
		if _, err := tx.ExecContext(ctx, step.what, step.about); err != nil {
			return err
		}
	}
	if err := recountAppeals(ctx, tx, objected...); err != nil {
		return err
	}
	return count(ctx, tx)
}

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}

// jsonText is a list of numbers, texts and rows of them as JSON.
func jsonText[T any](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// outOf takes a subject of a closed case out of it, into an open case of its own: what was decided about the others
// stands.
func outOf(ctx context.Context, tx *sql.Tx, from, of, now int64) (int64, error) {
	s, err := scanSubject(tx.QueryRowContext(ctx, selectSubject+` WHERE id = ?`, of))
	if err != nil {
		return 0, err
	}
	id, err := setApart(ctx, tx, []Subject{s}, now)
	if err != nil {
		return 0, err
	}
	return id, refresh(ctx, tx, from)
}

// subjectNamed is the row of the subject with a name, or of that in whose name it is listed.
const subjectNamed = `coalesce((SELECT id FROM subjects WHERE name = value), (SELECT case_subject FROM indicator WHERE indicator.subject = value AND withdrawn = 0), 0)`

// bare is the score of a case that nobody has reported.
func bare(named int, category, where string) float64 {
	return Score(0, 0, 0, named, category, where) - unheard
}

// openFor opens cases for what is raised and has none, each with its place in the queue, and returns for what.
func openFor(ctx context.Context, tx *sql.Tx, some []Raised) (map[subject.Subject]bool, error) {
	raised := map[subject.Subject]Raised{}
	var names []subject.Subject
	for _, r := range some {
		if len(r.Sources) == 0 {
			continue
		}
		before, known := raised[r.Subject]
		if !known {
			names = append(names, r.Subject)
		}
		if !known || before.Kind == Disputed {
			raised[r.Subject] = r
		}
	}
	missing, err := db.All(scanName)(tx.QueryContext(ctx, `SELECT value FROM json_each(?) WHERE `+subjectNamed+` = 0`, jsonText(names)))
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	type row struct {
		Name      subject.Subject `json:"name"`
		Platform  string          `json:"platform"`
		Protected int             `json:"protected"`
		Within    subject.Subject `json:"within"`
		Time      int64           `json:"time"`
		Case      int64           `json:"case"`
		Named     int             `json:"named"`
		Category  string          `json:"category"`
		Score     float64         `json:"score"`
	}
	rows, at := make([]row, len(missing)), map[subject.Subject]int{}
	for n, name := range missing {
		r := raised[name]
		rows[n] = row{Name: name, Platform: platformOf(name), Protected: number(publish.Permit(name) != nil), Time: r.Time, Score: Score(0, 0, 0, 0, "", "")}
		if r.Kind != Disputed {
			rows[n].Named, rows[n].Category = len(r.Sources), kindOf(r.Category)
			rows[n].Score = bare(len(r.Sources), rows[n].Category, rows[n].Platform)
		}
		if site := nameOf([]string{string(name)}); site != name {
			rows[n].Within = site // who reports it is heard here, and not with the rest of the site
		}
		at[name] = n
	}
	type opened struct {
		id   int64
		name subject.Subject
	}
	cases, err := db.All(func(row db.Row) (o opened, err error) { return o, row.Scan(&o.id, &o.name) })(tx.QueryContext(ctx, `INSERT INTO cases
		(subject, platform, state, opened, latest, changed, reports, appeals, sources, category, protected, score, burst, noted, subjects, stale, named)
		SELECT value ->> 'name', value ->> 'platform', 'open', CAST(value ->> 'time' AS BIGINT), CAST(value ->> 'time' AS BIGINT), CAST(value ->> 'time' AS BIGINT),
			0, 0, 0, value ->> 'category', CAST(value ->> 'protected' AS BIGINT), CAST(value ->> 'score' AS DOUBLE PRECISION), 0, 0, 1, 0,
			CAST(value ->> 'named' AS BIGINT) FROM json_each(?) WHERE true RETURNING id, subject`, jsonText(rows)))
	if err != nil {
		return nil, err
	}
	fresh := make(map[subject.Subject]bool, len(cases))
	for _, c := range cases {
		rows[at[c.name]].Case, fresh[c.name] = c.id, true
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO subjects (name, case_id, opened, latest, within) SELECT value ->> 'name', CAST(value ->> 'case' AS BIGINT),
		CAST(value ->> 'time' AS BIGINT), CAST(value ->> 'time' AS BIGINT), value ->> 'within' FROM json_each(?) WHERE true`, jsonText(rows))
	return fresh, err
}

// questions is what was raised before about some subjects.
func questions(ctx context.Context, tx *sql.Tx, some []Raised) (map[claimed]question, error) {
	var names []subject.Subject
	now := int64(0)
	for _, r := range some {
		names, now = append(names, r.Subject), max(now, r.Time)
	}
	known := map[claimed]question{}
	for one, err := range db.Each(func(row db.Row) (found struct {
		claimed
		question
	}, err error) {
		q := &found.question
		var sources string
		err = row.Scan(&found.of, &found.against, &q.subject, &q.in, &q.state, &q.settled, &q.left, &q.bare, &q.single, &q.platform, &q.listed,
			&sources, &q.category, &q.address, &q.begun, &q.asked, &q.waits)
		if err == nil {
			err = json.Unmarshal([]byte(sources), &q.sources)
		}
		return found, err
	})(tx.QueryContext(ctx, `SELECT names.value, sides.against, subjects.id, cases.id, state, settled, expired > 0, cases.reports = 0 AND cases.subjects = 1, cases.subjects = 1, platform,
			EXISTS (SELECT 1 FROM indicator WHERE case_subject = subjects.id AND case_subject > 0 AND withdrawn = 0 AND (indicator.lapses = 0 OR indicator.lapses > ?2)),
			coalesce(raised.sources, '[]'), coalesce(raised.category, ''), coalesce(raised.address, ''), coalesce(begun, 0), coalesce(asked, 0), coalesce(waits, 0)
		FROM (SELECT value, `+subjectNamed+` AS of FROM json_each(?1)) AS names JOIN subjects ON subjects.id = names.of JOIN cases ON cases.id = case_id
			CROSS JOIN (SELECT 0 AS against UNION ALL SELECT 1) AS sides LEFT JOIN raised ON raised.subject = subjects.id AND raised.against = sides.against`, jsonText(names), now)) {
		if err != nil {
			return nil, err
		}
		known[one.claimed] = one.question
	}
	return known, nil
}

// disputes are the subjects of a case of which sources say that they are no scam, and nobody has answered; where of is
// not empty, those among them.
func disputes(ctx context.Context, q db.Reader, id int64, of []subject.Subject) ([]Subject, error) {
	all, err := db.All(scanSubject)(q.QueryContext(ctx, selectSubject+` WHERE case_id = ? AND id IN (SELECT subject FROM raised WHERE waits = 1) ORDER BY id`, id))
	return slices.DeleteFunc(all, func(s Subject) bool { return len(of) > 0 && !slices.Contains(of, s.Name) }), err
}

// undispute notes that people have answered what sources say against some subjects of a case.
func undispute(ctx context.Context, tx *sql.Tx, id int64, subjects []Subject) error {
	if len(subjects) == 0 {
		return nil
	}
	ids := make([]int64, len(subjects))
	for i, s := range subjects {
		ids[i] = s.ID
	}
	if _, err := tx.ExecContext(ctx, `UPDATE raised SET waits = 0 WHERE waits = 1 AND subject IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, jsonText(ids)); err != nil {
		return err
	}
	return recountAppeals(ctx, tx, id)
}

// settleDisputes answers what sources dispute of a settled case: of what was listed since, and of what is not on the
// list any more. The rest waits for a person.
func settleDisputes(ctx context.Context, tx *sql.Tx, c Case, book *ledger.Ledger) error {
	all, err := disputes(ctx, tx, c.ID, nil)
	if err != nil || len(all) == 0 {
		return err
	}
	var off, stay []Subject
	for _, s := range all {
		listed, err := OnList(ctx, book, []subject.Subject{s.Name})
		if err != nil {
			return err
		}
		if c.Action == List && slices.Contains(c.About(), s.Name) {
			stay = append(stay, s)
		} else if !listed {
			off = append(off, s)
		}
	}
	if err := undispute(ctx, tx, c.ID, slices.Concat(off, stay)); err != nil {
		return err
	}
	err = answered(ctx, tx, c.ID, nil, len(off), c.Decided, true, c.Reason, c.Changed)
	if err == nil {
		err = answered(ctx, tx, c.ID, nil, len(stay), c.Decided, false, c.Reason, c.Changed)
	}
	return err
}

// Question is what sources say of a subject of a case.
type Question struct {
	Of       subject.Subject
	Kind     Kind
	Sources  []string // that have ever said so
	Category string   // slug; may be empty
	Address  string   // may be empty
	Begun    int64    // Unix seconds when people were first asked
	Asked    int64    // Unix seconds when they were last asked
	Waits    bool     // it is disputed, and nobody has answered
}

// Questions are those about the subjects of a case, at most limit, the newest first.
func (d *Desk) Questions(ctx context.Context, id int64, limit int) ([]Question, error) {
	all, err := db.All(func(row db.Row) (q Question, err error) {
		var sources string
		if err := row.Scan(&q.Of, &q.Kind, &sources, &q.Category, &q.Address, &q.Begun, &q.Asked, &q.Waits); err != nil {
			return q, err
		}
		return q, json.Unmarshal([]byte(sources), &q.Sources)
	})(d.db.QueryContext(ctx, `SELECT name, kind, raised.sources, category, address, begun, asked, waits FROM subjects JOIN raised ON subject = subjects.id
		WHERE case_id = ? ORDER BY asked DESC, name, against LIMIT ?`, id, limit))
	if err != nil {
		return nil, fmt.Errorf("couldn't read what sources say of case %d: %w", id, err)
	}
	return all, nil
}
