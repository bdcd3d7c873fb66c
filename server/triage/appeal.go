package triage

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/inbox"
	"khien/shared/subject"
	"khien/shared/texts"
	"khien/shared/wire"
)

// AppealDays is within how many working days an appeal is answered: Monday to Friday in Vietnam, where the maintainers
// are; holidays are not known here.
const AppealDays = 3

// zone is where days begin and end.
var zone = time.FixedZone("UTC+7", zoneOffset)

const zoneOffset = 7 * 60 * 60

// AppealDue is when an appeal has to be answered that came at received, both in Unix seconds: the same time of the
// day, three working days later. What comes at a weekend counts as having come when the next Monday began.
func AppealDue(received int64) int64 {
	t := time.Unix(received, 0).In(zone)
	if weekend(t) {
		t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
		for weekend(t) {
			t = t.AddDate(0, 0, 1)
		}
	}
	for left := AppealDays; left > 0; {
		if t = t.AddDate(0, 0, 1); !weekend(t) {
			left--
		}
	}
	return t.Unix()
}

func weekend(t time.Time) bool { return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday }

// AppealDue is when the oldest appeal of the case has to be answered, in Unix seconds; 0 where none waits.
func (c Case) AppealDue() int64 {
	if c.Appealed == 0 {
		return 0
	}
	return AppealDue(c.Appealed)
}

// Leaving tells whether something is being taken off the list: decided or proposed, and not settled.
func (c Case) Leaving() bool {
	return c.Action == Withdraw && !c.Settled && (c.State == StateAccepted || c.State == StateProposed)
}

// recountAppeals counts the appeals of some cases that wait, and finds the oldest. What sources dispute is one each,
// which waits behind those of people.
func recountAppeals(ctx context.Context, tx *sql.Tx, ids ...int64) error {
	if len(ids) == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE subjects SET unanswered = (SELECT count(*) FROM members WHERE subject = subjects.id AND kind = 'mistake' AND answered = 0)
			+ (SELECT coalesce(sum(waits), 0) FROM raised WHERE subject = subjects.id)
		WHERE case_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, jsonText(ids)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE cases SET (appeals, appealed, behind) = (SELECT count(*), coalesce(min(since), 0), coalesce(min(last), 0) FROM (
			SELECT received AS since, behind AS last FROM subjects JOIN members ON subject = subjects.id WHERE case_id = cases.id AND kind = 'mistake' AND answered = 0
			UNION ALL SELECT asked, 1 FROM subjects JOIN raised ON subject = subjects.id WHERE case_id = cases.id AND waits = 1) AS waiting)
		WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?))`, jsonText(ids))
	return err
}

// answered keeps the answer to some appeals of a case, by the ids of their reports, and to so many sources that dispute
// it.
func answered(ctx context.Context, tx *sql.Tx, id int64, appeals [][]byte, disputed int, actor string, righted bool,
	reason map[string]string, now int64) error {
	if len(appeals)+disputed == 0 {
		return nil
	}
	var seq int64
	if err := tx.QueryRowContext(ctx, `INSERT INTO answer (case_id, time, actor, righted, appeals, reason) VALUES (?, ?, ?, ?, ?, ?) RETURNING seq`,
		id, now, actor, righted, len(appeals), jsonOf(reason)).Scan(&seq); err != nil {
		return err
	}
	for _, one := range appeals {
		if _, err := tx.ExecContext(ctx, `UPDATE members SET answered = ? WHERE id = ? AND kind = 'mistake' AND answered = 0`, seq, one); err != nil {
			return err
		}
	}
	return recountAppeals(ctx, tx, id)
}

// Uphold answers the appeals of a case that wait, all of them or those about some of its subjects: what is listed
// stays. The reason, by language, is told to those who appealed. A case in which there was nothing but appeals is
// closed; else it stays as it is. It is ErrState where no appeal waits, and where what is objected to is being taken
// off the list, be it only proposed: that is undone first. To take something off the list, see Decide with Withdraw.
func (d *Desk) Uphold(ctx context.Context, box *inbox.Inbox, id int64, actor string, reason map[string]string, why audit.Why, of ...subject.Subject) (Case, error) {
	c, err := d.update(ctx, id, func(tx *sql.Tx, c Case) error {
		if c.Appeals == 0 || c.Leaving() {
			return ErrState
		}
		waiting, err := unanswered(ctx, tx, id, of)
		if err != nil {
			return err
		}
		disputed, err := disputes(ctx, tx, id, of)
		if err != nil {
			return err
		}
		n := len(waiting) + len(disputed)
		if n == 0 {
			return ErrState
		}
		if err := undispute(ctx, tx, id, disputed); err != nil {
			return err
		}
		if err := answered(ctx, tx, id, waiting, len(disputed), actor, false, reason, d.now()); err != nil {
			return err
		}
		if c.Reports == 0 && c.Named == 0 && n == c.Appeals && undecided(c) {
			_, err := tx.ExecContext(ctx, `UPDATE cases SET state = 'rejected', action = 'reject', decided = ?, reason = ?, settled = 1, ruled = score, changed = ? WHERE id = ?`,
				actor, jsonOf(reason), d.now(), id)
			if err != nil {
				return err
			}
		}
		if err := audit.Record(ctx, tx, audit.Act{Time: d.now(), Actor: actor, Verb: audit.Uphold, Object: object(id), Args: audit.Args{Count: n}, Why: why}); err != nil || len(waiting) == 0 {
			return err
		}
		return tell(ctx, tx, letter{Reports: waiting, Transition: inbox.Transition{Time: d.now(), Actor: actor, State: wire.StateRejected, Reason: inEnglish(reason)}})
	})
	if err == nil {
		d.Deliver(ctx, box) // who can't be told now is told at the next time
	}
	return c, err
}

func jsonOf(reason map[string]string) string {
	text, err := json.Marshal(reason)
	if err != nil || reason == nil {
		return "{}"
	}
	return string(text)
}

// inEnglish is a reason in English, or in another language that there is.
func inEnglish(reason map[string]string) string { return texts.In(reason, texts.Fallback) }

// unanswered are the ids of the appeals of a case that wait, the oldest first; where of is not empty, those about one
// of these subjects.
func unanswered(ctx context.Context, q db.Reader, id int64, of []subject.Subject) ([][]byte, error) {
	rows, err := q.QueryContext(ctx, `SELECT members.id, name FROM subjects JOIN members ON subject = subjects.id
		WHERE case_id = ? AND kind = 'mistake' AND answered = 0 ORDER BY received, report`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids [][]byte
	for rows.Next() {
		var one []byte
		var name subject.Subject
		if err := rows.Scan(&one, &name); err != nil {
			return nil, err
		}
		if len(of) == 0 || slices.Contains(of, name) {
			ids = append(ids, one)
		}
	}
	return ids, rows.Err()
}

// elsewhere is in place of the answer to an appeal that was decided before it was put into a case; the inbox has what
// was said.
const elsewhere = -1

// Appeals are the ids of at most limit appeals of a case that wait, the oldest first.
func (d *Desk) Appeals(ctx context.Context, id int64, limit int) ([][]byte, error) {
	subjects, err := db.All(func(row db.Row) (of int64, err error) { return of, row.Scan(&of) })(
		d.db.QueryContext(ctx, `SELECT id FROM subjects WHERE case_id = ?`, id))
	type appeal struct {
		id               []byte
		received, report int64
	}
	var all []appeal
	for _, of := range subjects {
		some, failed := db.All(func(row db.Row) (a appeal, err error) { return a, row.Scan(&a.id, &a.received, &a.report) })(
			d.db.QueryContext(ctx, `SELECT id, received, report FROM members WHERE subject = ? AND kind = 'mistake' AND answered = 0 ORDER BY received, report LIMIT ?`, of, limit))
		all, err = append(all, some...), errors.Join(err, failed)
	}
	slices.SortFunc(all, func(a, b appeal) int {
		return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.report, b.report))
	})
	var ids [][]byte
	for _, a := range all[:min(limit, len(all))] {
		ids = append(ids, a.id)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the appeals of case %d: %w", id, err)
	}
	return ids, nil
}

// AnswerTo is the reason, by language, that was given to the appeal with this id, or ErrNotFound where there is no
// answer yet.
func (d *Desk) AnswerTo(ctx context.Context, report []byte) (map[string]string, error) {
	var text string
	err := d.db.QueryRowContext(ctx, `SELECT reason FROM answer WHERE seq = (SELECT answered FROM members WHERE id = ?)`, report).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	var reason map[string]string
	if err == nil {
		err = json.Unmarshal([]byte(text), &reason)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the answer to an appeal: %w", err)
	}
	return reason, nil
}

// Answer is what was answered to appeals.
type Answer struct {
	Time    int64 // Unix seconds
	Actor   string
	Righted bool // they were right
	Appeals int  // of people; 0 where sources alone have disputed it
	Reason  map[string]string
}

// Answers are those of a case, the oldest first.
func (d *Desk) Answers(ctx context.Context, id int64) ([]Answer, error) {
	list, err := db.All(func(row db.Row) (a Answer, err error) {
		var reason string
		if err := row.Scan(&a.Time, &a.Actor, &a.Righted, &a.Appeals, &reason); err != nil {
			return a, err
		}
		return a, json.Unmarshal([]byte(reason), &a.Reason)
	})(d.db.QueryContext(ctx, `SELECT time, actor, righted, appeals, reason FROM answer WHERE case_id = ? ORDER BY seq`, id))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the answers of case %d: %w", id, err)
	}
	return list, nil
}

// Tally is what is counted of all cases together.
type Tally struct {
	Reports, Appeals int // ever
	Righted, Refused int // appeals that were answered so
	Spans            []Span
}

// Span is how many reports of scams came within a time.
type Span struct {
	Start   int64 // Unix seconds
	Reports int
}

// Tally counts reports and appeals, and the reports since the begin of a day in spans of so many seconds, whole days,
// which begin with that time.
func (d *Desk) Tally(ctx context.Context, since, span int64) (Tally, error) {
	var t Tally
	err := d.db.QueryRowContext(ctx, `SELECT (SELECT coalesce(sum(reports), 0) FROM report_count WHERE kind = 'scam'), (SELECT coalesce(sum(reports), 0) FROM report_count WHERE kind = 'mistake'),
		(SELECT coalesce(sum(appeals), 0) FROM answer WHERE righted = 1), (SELECT coalesce(sum(appeals), 0) FROM answer WHERE righted = 0)`).
		Scan(&t.Reports, &t.Appeals, &t.Righted, &t.Refused)
	if err != nil {
		return t, fmt.Errorf("couldn't count the reports: %w", err)
	}
	t.Spans, err = db.All(func(row db.Row) (s Span, err error) { return s, row.Scan(&s.Start, &s.Reports) })(d.db.QueryContext(ctx,
		`SELECT start, sum(reports) FROM (SELECT (day * 86400 - ? - ?) / ? * ? + ? AS start, reports FROM report_count WHERE kind = 'scam' AND day >= ?) AS spans GROUP BY start ORDER BY start`,
		zoneOffset, since, span, span, since, (since+zoneOffset)/day))
	if err != nil {
		return t, fmt.Errorf("couldn't count the reports: %w", err)
	}
	return t, nil
}
