package notice

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/feed"
	"khien/server/partner"
	"khien/server/takedown"
	"khien/shared/subject"
)

// Bounds of what a partner answers.
const (
	MaxAnswers = 1 << 20 // bytes of all
	maxEach    = 10_000  // answers
	maxField   = 2000    // bytes of each text
	maxAhead   = 60 * 60 // seconds by which the partner's clock may be ahead
)

// Decision is what a partner has decided.
type Decision string

// decisions are those that there are, with what becomes of the takedown case.
var decisions = map[Decision]takedown.State{
	"received": takedown.Acknowledged, "removed": takedown.ActionTaken, "restricted": takedown.Restricted, "refused": takedown.Refused,
	"need_more": takedown.NeedMore, "restored": takedown.Restored,
}

// Answer is what a partner says about one notice.
type Answer struct {
	Reference string   `json:"reference"`
	Subject   string   `json:"subject"` // canonical or an address; may be empty where the reference is of one thing
	Decision  Decision `json:"decision"`
	Decided   string   `json:"decided_at"` // RFC 3339
	Theirs    string   `json:"platform_reference"`
	Ground    string   `json:"ground"`
	Reason    string   `json:"reason"`
	Territory []string `json:"territory"` // ISO 3166-1 alpha-2
	Expires   string   `json:"expires"`   // RFC 3339

	line  int
	wrong error // why it can't be read
}

// ErrAnswers is what is no list of answers.
var ErrAnswers = errors.New("the answers can't be read")

// Read reads answers as JSON, or as a table where they are none.
func Read(text []byte) ([]Answer, error) {
	begin := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	if bytes.HasPrefix(begin, []byte("[")) || bytes.HasPrefix(begin, []byte("{")) {
		return ReadJSON(text)
	}
	return ReadCSV(bytes.NewReader(text))
}

// signal is an answer in the shape of feedback to signals (Global Signal Exchange).
type signal struct {
	Signal    string `json:"signal"`
	Type      string `json:"type"`
	Reason    string `json:"reason"`
	Other     string `json:"reason_other"`
	Reference string `json:"reporter_reference"`
}

// feedback are the types of feedback, as decisions.
var feedback = map[string]Decision{"feedback_actioned": "removed", "feedback_noaction": "refused", "feedback_enriched": "received"}

// ReadJSON reads a list of answers, or one, as JSON.
func ReadJSON(body []byte) (list []Answer, err error) {
	if len(body) > MaxAnswers {
		return nil, fmt.Errorf("%w: they have more than %d bytes", ErrAnswers, MaxAnswers)
	}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	var raw []json.RawMessage
	if bytes.HasPrefix(body, []byte("{")) {
		raw = []json.RawMessage{body}
	} else if err := json.Unmarshal(body, &raw); err != nil || raw == nil {
		return nil, fmt.Errorf("%w: they are no JSON list", ErrAnswers)
	}
	if len(raw) > maxEach {
		return nil, fmt.Errorf("%w: there are more than %d", ErrAnswers, maxEach)
	}
	for i, text := range raw {
		a, err := readOne(text)
		a.line = i + 1
		if err != nil {
			a.wrong = errors.New("it is no JSON object as it was agreed")
		}
		list = append(list, a)
	}
	return list, nil
}

func readOne(text []byte) (a Answer, err error) {
	var s signal
	if err = json.Unmarshal(text, &s); err == nil && s.Signal != "" {
		decision, ok := feedback[s.Type]
		if !ok {
			decision = Decision(s.Type)
		}
		return Answer{Reference: s.Reference, Subject: s.Signal, Decision: decision, Ground: s.Reason, Reason: s.Other}, nil
	}
	return a, json.Unmarshal(text, &a)
}

// columns are those of a table of answers, in any order; only the first two are needed.
var columns = []string{"reference", "decision", "subject", "decided_at", "platform_reference", "ground", "reason", "territory", "expires"}

// ReadCSV reads a table of answers: a line with the names of the columns, and one for each answer.
func ReadCSV(r io.Reader) (list []Answer, err error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxAnswers+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxAnswers {
		return nil, fmt.Errorf("%w: they have more than %d bytes", ErrAnswers, MaxAnswers)
	}
	rows := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	rows.FieldsPerRecord = -1
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: the first line has no names of columns", ErrAnswers)
	}
	at := map[string]int{}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(columns, name) {
			return nil, fmt.Errorf("%w: there is no column %q", ErrAnswers, line(name))
		}
		at[name] = i + 1
	}
	for _, name := range columns[:2] {
		if at[name] == 0 {
			return nil, fmt.Errorf("%w: the column %s is missing", ErrAnswers, name)
		}
	}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrAnswers, err)
		}
		if len(list) == maxEach {
			return nil, fmt.Errorf("%w: there are more than %d", ErrAnswers, maxEach)
		}
		cell := func(name string) string {
			if i := at[name]; i > 0 && i <= len(row) {
				return strings.TrimSpace(row[i-1])
			}
			return ""
		}
		a := Answer{Reference: cell("reference"), Subject: cell("subject"), Decision: Decision(cell("decision")), Decided: cell("decided_at"),
			Theirs: cell("platform_reference"), Ground: cell("ground"), Reason: cell("reason"), Territory: strings.Fields(cell("territory")), Expires: cell("expires")}
		a.line, _ = rows.FieldPos(0)
		if len(row) > len(head) {
			a.wrong = errors.New("it has more cells than the first line")
		}
		list = append(list, a)
	}
}

// line makes one line of what somebody wrote, and not a long one.
func line(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if r := []rune(text); len(r) > 100 {
		text = string(r[:99]) + "…"
	}
	return text
}

// Refusal is an answer that was not taken.
type Refusal struct {
	Line      int    `json:"line"` // of the file, or the place in the list, from 1
	Reference string `json:"reference"`
	Why       string `json:"why"`
}

// Result is what became of answers.
type Result struct {
	Taken   int       `json:"taken"`
	Known   int       `json:"known"` // before: nothing has changed
	Refused []Refusal `json:"refused"`
}

var country = regexp.MustCompile(`^[A-Z]{2}$`)

// check tells what is wrong with an answer, and reads its times.
func (a *Answer) check(now int64) (decided, until int64, err error) {
	if a.wrong != nil {
		return 0, 0, a.wrong
	}
	for _, text := range []string{a.Reference, a.Subject, a.Theirs, a.Ground, a.Reason} {
		if len(text) > maxField || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return 0, 0, fmt.Errorf("its texts have at most %d bytes, in UTF-8", maxField)
		}
	}
	if len(a.Theirs) > 200 {
		return 0, 0, errors.New("platform_reference has at most 200 bytes")
	}
	if _, ok := decisions[a.Decision]; !ok {
		return 0, 0, errors.New("decision is received, removed, restricted, refused, need_more or restored")
	}
	if len(a.Territory) > 300 || slices.ContainsFunc(a.Territory, func(t string) bool { return !country.MatchString(t) }) {
		return 0, 0, errors.New("a territory is two capital letters, as VN")
	}
	if a.Decided != "" {
		at, err := time.Parse(time.RFC3339, a.Decided)
		if err != nil || at.Unix() <= 0 {
			return 0, 0, errors.New("decided_at is a time such as 2026-11-28T09:00:00Z")
		}
		if decided = at.Unix(); decided > now+maxAhead {
			return 0, 0, errors.New("decided_at is in the future")
		}
	}
	if a.Expires != "" {
		at, err := time.Parse(time.RFC3339, a.Expires)
		if err != nil || at.Unix() <= 0 {
			return 0, 0, errors.New("expires is a time such as 2027-05-28T00:00:00Z")
		}
		until = at.Unix()
	}
	return decided, until, nil
}

// Names of why an answer is not taken.
var (
	errUnknown = errors.New("there is no such reference")
	errOthers  = errors.New("this reference is of another platform")
	errWhich   = errors.New("this reference has several subjects: say which one")
	errSubject = errors.New("this reference is of another subject")
	errUnasked = errors.New("nothing was asked about this yet")
)

// answeredTogether is how many answers are taken in one change.
const answeredTogether = 100

// Take takes what a partner has answered. What it can't take it refuses by line; the same answer twice changes nothing.
// Of all answers about a case the last one by the partner's own time counts.
func (b *Store) Take(ctx context.Context, by partner.Standing, list []Answer) (r Result, err error) {
	r.Refused = []Refusal{}
	now := b.now().Unix()
	for some := range slices.Chunk(list, answeredTogether) {
		part := Result{}
		err := b.desk.Recorded(ctx, func(tx *sql.Tx) (acts []audit.Act, err error) {
			part = Result{}
			for _, a := range some {
				did, act, why, err := b.take(ctx, tx, by, a, now)
				switch {
				case err != nil:
					return nil, err
				case why != nil:
					part.Refused = append(part.Refused, Refusal{a.line, line(a.Reference), why.Error()})
				case did:
					part.Taken++
				default:
					part.Known++
				}
				if act != nil {
					acts = append(acts, *act)
				}
			}
			return acts, nil
		})
		if err != nil {
			return r, fmt.Errorf("couldn't take the answers: %w", err)
		}
		r.Taken, r.Known, r.Refused = r.Taken+part.Taken, r.Known+part.Known, append(r.Refused, part.Refused...)
	}
	return r, nil
}

// take takes one answer: why is why it is refused.
func (b *Store) take(ctx context.Context, tx *sql.Tx, by partner.Standing, a Answer, now int64) (did bool, act *audit.Act, why, err error) {
	decided, until, why := a.check(now)
	if why != nil {
		return false, nil, why, nil
	}
	id, why, err := find(ctx, tx, by.Name, a)
	if why != nil || err != nil {
		return false, nil, why, err
	}
	var last string
	var when int64
	err = tx.QueryRowContext(ctx, `SELECT decision, decided FROM notice_answer WHERE takedown = ? ORDER BY decided DESC, id DESC LIMIT 1`, id).Scan(&last, &when)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, nil, nil, err
	}
	if decided == 0 { // it does not say when
		if Decision(last) == a.Decision {
			return false, nil, nil, nil
		}
		decided = now
	}
	territory := strings.Join(a.Territory, " ")
	done, err := tx.ExecContext(ctx, `INSERT INTO notice_answer (takedown, partner, decision, decided, theirs, ground, reason, territory, until, received)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, id, by.Name, string(a.Decision), decided, a.Theirs, a.Ground, a.Reason, territory, until, now)
	if err != nil {
		return false, nil, nil, err
	}
	if n, err := done.RowsAffected(); n == 0 || err != nil || decided < when {
		return n == 1, nil, nil, err
	}
	t, err := b.cases.Turn(ctx, tx, id)
	if err != nil || t.Step != 0 { // withdrawn, or it is back since: this is about what was before
		return true, nil, nil, err
	}
	m := takedown.Move{Actor: by.Name, To: decisions[a.Decision], Theirs: a.Theirs, Territory: territory, Until: until}
	if m.Why = a.Reason; a.Ground != "" {
		m.Why = cut(strings.TrimSuffix(a.Ground+": "+a.Reason, ": "))
	}
	moved, err := b.cases.MoveIn(ctx, tx, id, m, now)
	return true, &moved, nil, err
}

// cut keeps what a step of a case has room for.
func cut(text string) string {
	if len(text) > maxField {
		text = strings.ToValidUTF8(text[:maxField], "")
	}
	return text
}

// find finds the takedown case that an answer is about: one that the partner was told of.
func find(ctx context.Context, tx *sql.Tx, name string, a Answer) (id int64, why, err error) {
	type told struct {
		id, sent int64
		partner  string
		subject  subject.Subject
	}
	all, err := db.All(func(row db.Row) (t told, err error) { return t, row.Scan(&t.id, &t.partner, &t.subject, &t.sent) })(
		tx.QueryContext(ctx, `SELECT takedown, partner, subject, max(sent) FROM notice WHERE reference = ? GROUP BY takedown, partner, subject ORDER BY takedown`, a.Reference))
	if err != nil {
		return 0, nil, err
	}
	if a.Reference == "" || len(all) == 0 {
		return 0, errUnknown, nil
	}
	all = slices.DeleteFunc(all, func(t told) bool { return t.partner != name })
	if len(all) == 0 {
		return 0, errOthers, nil
	}
	if a.Subject == "" && len(all) > 1 {
		return 0, errWhich, nil
	}
	if a.Subject != "" {
		named, _ := feed.Named(a.Subject)
		all = slices.DeleteFunc(all, func(t told) bool { return string(t.subject) != a.Subject && !slices.Contains(named, t.subject) })
	}
	switch {
	case len(all) == 0:
		return 0, errSubject, nil
	case all[0].sent == 0:
		return 0, errUnasked, nil
	}
	return all[0].id, nil, nil
}

// Admit tells which partner may answer with a header Authorization. Its errors are those of package partner.
func (b *Store) Admit(ctx context.Context, authorization string) (partner.Standing, error) {
	return b.partners.Admit(ctx, authorization, partner.ToAnswer)
}
