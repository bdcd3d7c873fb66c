// Package notice tells platforms with whom that was agreed what they are asked to take down, and takes their answers.
//
//	Follow   takedown cases -> notices, written once, approved by a person where the agreement says so
//	Deliver  notices -> the partner's address, as signed Standard Webhooks, in order; or a file (Of)
//	Take     what the partner has decided -> the takedown case, with the partner's name as the actor
package notice

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/evidence"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/partner"
	"khien/server/stream"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/subject"
)

// State is where a notice stands.
type State string

// The states of a notice.
const (
	New     State = "new"     // it is to be written, as soon as all that it says is known
	Waiting State = "waiting" // for a person to approve it
	Ready   State = "ready"   // to be sent
	Sent    State = "sent"    // the partner has taken it
	Failed  State = "failed"  // the partner did not take it for three days
	Dropped State = "dropped" // it is not sent: Problem says why
)

// Notice is what a partner is told about one turn of a takedown case.
type Notice struct {
	ID        int64
	Partner   string
	Takedown  int64
	Step      int64 // of the case, by which it asks for this
	Kind      string
	Subject   subject.Subject
	Reference string
	Made      int64 // Unix seconds
	State     State
	Actor     string // who has approved it
	Ready     int64  // Unix seconds since when it may go; 0 is not yet
	Hours     int    // in which the partner answers
	Tries     int
	Sent      int64 // Unix seconds; 0 is not yet
	Problem   string
	Answer    string // what the partner has decided last

	data string
}

// mistaken is the kind of a notice that takes back what was said.
const mistaken = "takedown." + string(takedown.Withdrawn)

// Due is when the partner has to have answered, in Unix seconds; 0 where it was not told.
func (n Notice) Due() int64 {
	if n.Sent == 0 {
		return 0
	}
	return n.Sent + int64(n.Hours)*60*60
}

// Store keeps notices and answers. It is safe for concurrent use, by several processes too.
type Store struct {
	db       *db.DB
	desk     *triage.Desk
	cases    *takedown.Store
	partners *partner.Store
	leaves   *stream.Stream
	book     *ledger.Ledger
	pictures *evidence.Store
	operator func() (takedown.Operator, error)
	space    uuid.UUID
	now      func() time.Time
}

//go:embed tables/*.sql
var files embed.FS

// Tables are what it keeps in the office's database.
var Tables = db.Tables{Package: "notice", Files: files}

// Config says what notices are made of.
type Config struct {
	Office   *db.DB
	Cases    *takedown.Store
	Partners *partner.Store
	Stream   *stream.Stream
	Ledger   *ledger.Ledger
	Pictures *evidence.Store
	Operator func() (takedown.Operator, error) // who asks
	Root     string                            // the public root key, by which one installation is told from all others
}

// Open opens the store in a database that has its tables and those of all that notices are made of.
func Open(c Config) *Store {
	return &Store{c.Office, c.Cases.Desk(), c.Cases, c.Partners, c.Stream, c.Ledger, c.Pictures, c.Operator, stream.Space(c.Root), time.Now}
}

// together is how many cases are followed in one change: nobody else waits for more.
const together = 500

// standing are the agreements of now by which notices are sent, by the platform.
func (b *Store) standing(ctx context.Context, now int64) (of map[string]partner.Standing, mark string, err error) {
	all, err := b.partners.List(ctx)
	of = map[string]partner.Standing{}
	var text strings.Builder
	for _, s := range all {
		if s.Notice == "" || s.Direction == partner.In || !s.Stands(now) {
			continue
		}
		fmt.Fprintf(&text, "%s %d\n", s.Name, s.Version)
		for _, p := range s.Platforms {
			if _, ok := of[p]; !ok {
				of[p] = s
			}
		}
	}
	return of, text.String(), err
}

// hours is how long a partner has to answer.
func hours(a partner.Agreement) int {
	switch {
	case a.Hours != 0:
		return a.Hours
	case a.Notice == partner.Request:
		return 24
	}
	return 48
}

// Follow makes notices of what takedown cases ask for since the last time, one for each turn of a case, and writes those
// whose facts have left with a release; an agreement that is new or changed has all cases looked at. It tells how many
// it made.
func (b *Store) Follow(ctx context.Context) (made int, err error) {
	now := b.now().Unix()
	of, mark, err := b.standing(ctx, now)
	for more := true; more && err == nil; {
		var n int
		n, more, err = b.follow(ctx, of, mark, now)
		made += n
	}
	if err == nil {
		err = b.write(ctx, of, now)
	}
	if err != nil {
		return made, fmt.Errorf("couldn't make the notices: %w", err)
	}
	return made, nil
}

func (b *Store) follow(ctx context.Context, of map[string]partner.Standing, mark string, now int64) (made int, more bool, err error) {
	const position = `SELECT step, agreements FROM noticed`
	var after int64
	var before string
	if err := b.db.QueryRowContext(ctx, position).Scan(&after, &before); err != nil {
		return 0, false, err
	}
	newest, err := b.cases.LastStep(ctx)
	if err != nil || before == mark && after >= newest {
		return 0, false, err
	}
	err = b.desk.Recorded(ctx, func(tx *sql.Tx) (acts []audit.Act, err error) {
		if err := tx.QueryRowContext(ctx, position).Scan(&after, &before); err != nil { // another process may have been faster
			return nil, err
		}
		if before != mark {
			after = 0
		}
		turns, last, err := b.cases.Turns(ctx, tx, after, together)
		if err != nil {
			return nil, err
		}
		more = last > after
		for _, t := range turns {
			s, ok := of[t.Platform]
			did, err := b.turn(ctx, tx, t, s, ok, now)
			if err != nil {
				return nil, err
			}
			if did {
				made++
				acts = append(acts, audit.Act{Time: now, Actor: takedown.Robot, Verb: audit.MakeNotice, Object: audit.Object{Kind: audit.OfPartner, ID: s.Name},
					Args: audit.Args{Names: []subject.Subject{t.Subject}}})
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE noticed SET step = ?, agreements = ?`, last, mark)
		return acts, err
	})
	return made, more, err
}

// turn makes the notice of one turn, if it is not there yet. What was to be said before and was not is said no more.
func (b *Store) turn(ctx context.Context, tx *sql.Tx, t takedown.Turn, s partner.Standing, agreed bool, now int64) (made bool, err error) {
	if _, err := tx.ExecContext(ctx, `UPDATE notice SET state = 'dropped', problem = 'overtaken' WHERE takedown = ? AND step <> ? AND state IN ('new', 'waiting', 'ready', 'failed')`,
		t.ID, t.Step); err != nil || !agreed {
		return false, err
	}
	if t.State == takedown.Withdrawn { // of interest to whoever was told
		var told int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM notice WHERE takedown = ? AND partner = ? AND sent <> 0`, t.ID, s.Name).Scan(&told); err != nil || told == 0 {
			return false, err
		}
	}
	done, err := tx.ExecContext(ctx, `INSERT INTO notice (partner, takedown, step, kind, subject, reference, made, state, hours) VALUES (?, ?, ?, ?, ?, ?, ?, 'new', ?)
		ON CONFLICT DO NOTHING`, s.Name, t.ID, t.Step, "takedown."+string(t.State), string(t.Subject), t.Reference, now, hours(s.Agreement))
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

const selectNotice = `SELECT id, partner, takedown, step, kind, subject, reference, made, state, actor, ready, hours, tries, sent, problem,
	coalesce((SELECT decision FROM notice_answer AS a WHERE a.takedown = notice.takedown ORDER BY decided DESC, a.id DESC LIMIT 1), ''), data FROM notice`

func scan(row db.Row) (n Notice, err error) {
	return n, row.Scan(&n.ID, &n.Partner, &n.Takedown, &n.Step, &n.Kind, &n.Subject, &n.Reference, &n.Made, &n.State, &n.Actor, &n.Ready, &n.Hours, &n.Tries, &n.Sent,
		&n.Problem, &n.Answer, &n.data)
}

// write writes what the new notices say.
func (b *Store) write(ctx context.Context, of map[string]partner.Standing, now int64) error {
	for {
		list, err := db.All(scan)(b.db.QueryContext(ctx, selectNotice+` WHERE state = 'new' AND problem = '' ORDER BY id LIMIT ?`, together))
		if err != nil || len(list) == 0 {
			if err == nil {
				list, err = db.All(scan)(b.db.QueryContext(ctx, selectNotice+` WHERE state = 'new' ORDER BY id LIMIT ?`, together))
			}
			if err != nil || len(list) == 0 {
				return err
			}
			return b.writeThese(ctx, list, of, now)
		}
		if err := b.writeThese(ctx, list, of, now); err != nil {
			return err
		}
	}
}

func (b *Store) writeThese(ctx context.Context, list []Notice, of map[string]partner.Standing, now int64) error {
	operator, err := b.operator()
	if err != nil {
		return err
	}
	var subjects []subject.Subject
	for _, n := range list {
		subjects = append(subjects, n.Subject)
	}
	objects, err := b.leaves.Of(ctx, subjects)
	if err != nil {
		return err
	}
	for i := range list {
		n := &list[i]
		was := *n
		s, agreed := of[takedown.PlatformOf(n.Subject)]
		object, left := objects[n.Subject]
		withdrawn := n.Kind == mistaken
		_, why := s.Gives(object, nil)
		switch {
		case !agreed || s.Name != n.Partner:
			n.Problem = "no agreement"
		case !left:
			n.Problem = "in no release yet"
		case operator.Organisation == "" || operator.Contact == "":
			n.Problem = "no sender"
		case why != "" && !withdrawn: // who was told is told that it was a mistake
			n.State, n.Problem = Dropped, "withheld: "+string(why)
		default:
			if n.data, err = b.data(ctx, *n, s.Agreement, object, operator); err != nil {
				return err
			}
			n.Problem = ""
			if n.State = Waiting; !s.Approved {
				n.State, n.Ready = Ready, now
			}
		}
		if n.State == was.State && n.Problem == was.Problem {
			continue
		}
		if _, err := b.db.ExecContext(ctx, `UPDATE notice SET state = ?, problem = ?, data = ?, ready = ? WHERE id = ? AND state = 'new'`,
			string(n.State), n.Problem, n.data, n.Ready, n.ID); err != nil {
			return err
		}
	}
	return nil
}

// Data is what a notice says.
type Data struct {
	Reference   string            `json:"reference"`
	Platform    string            `json:"platform"`
	Subject     string            `json:"subject"`
	What        string            `json:"what"`
	URLs        []string          `json:"urls"`
	Identifiers map[string]string `json:"identifiers"`
	Category    string            `json:"category"`
	DSA         string            `json:"dsa_category"`
	Explanation string            `json:"explanation"`
	LegalBasis  string            `json:"legal_basis,omitempty"`
	Territory   []string          `json:"territory,omitempty"`
	Language    string            `json:"language"`
	FirstSeen   string            `json:"first_seen"`
	Evidence    []Evidence        `json:"evidence"`
	Notifier    partner.Contact   `json:"notifier"`
	GoodFaith   bool              `json:"good_faith"`
	NoticeKind  partner.Notice    `json:"notice_kind"`
	Due         string            `json:"due,omitempty"`
	AnswerTo    string            `json:"answer_to,omitempty"`
	Redress     string            `json:"redress,omitempty"`
}

// Evidence is what is kept and can be asked for.
type Evidence struct {
	Kind     string `json:"kind"`
	SHA256   string `json:"sha256"`
	Captured string `json:"captured"`
}

// maxEvidence bounds the pictures that a notice names.
const maxEvidence = 10

// AnswersPath is where partners answer.
const AnswersPath = "/exchange/answers"

// whats are the kinds of accounts that are called otherwise than in a subject.
var whats = map[string][2]string{"id": {"profile", "user_id"}, "user": {"profile", "user_name"}}

// data writes what a notice says, without its times.
func (b *Store) data(ctx context.Context, n Notice, a partner.Agreement, o stream.Object, by takedown.Operator) (string, error) {
	c, err := b.cases.Get(ctx, n.Takedown)
	if err != nil {
		return "", err
	}
	facts, err := b.cases.Facts(ctx, b.book, c)
	if err != nil {
		return "", err
	}
	lang := a.Language
	if lang == "" {
		lang = "en"
	}
	d := Data{Reference: n.Reference, Platform: c.Platform, Subject: string(n.Subject), Category: o.Category.Slug(), DSA: "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
		Explanation: facts.Explain(c, lang), LegalBasis: a.Legal.Basis, Territory: a.Legal.Territory, Language: lang, FirstSeen: stamp(o.FirstSeen), Evidence: []Evidence{},
		Notifier: partner.Contact{Name: by.Organisation, Email: by.Contact}, GoodFaith: true, NoticeKind: a.Notice, Redress: a.Legal.Redress}
	for _, address := range []string{o.Open(), n.Subject.Address()} {
		if address != "" && !slices.Contains(d.URLs, address) {
			d.URLs = append(d.URLs, address)
		}
	}
	_, account, _ := strings.Cut(string(n.Subject), ":")
	what, id, _ := strings.Cut(account, "/")
	called, ok := whats[what]
	if !ok {
		called = [2]string{what, what}
	}
	d.What, d.Identifiers = called[0], map[string]string{called[1]: id}
	if at, err := url.Parse(by.Register); err == nil && at.Host != "" {
		d.AnswerTo = at.Scheme + "://" + at.Host + AnswersPath
		if d.Redress == "" {
			d.Redress = at.Scheme + "://" + at.Host + "/appeal"
		}
	}
	if n.Kind != mistaken {
		if d.Evidence, err = b.evidence(ctx, n.Subject); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(d)
	return string(text), err
}

// evidence are the pictures that came with reports of a subject.
func (b *Store) evidence(ctx context.Context, s subject.Subject) ([]Evidence, error) {
	all := []Evidence{}
	reported, err := b.desk.Named(ctx, s)
	if errors.Is(err, triage.ErrNotFound) || errors.Is(err, sql.ErrNoRows) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	members, err := b.desk.Members(ctx, reported.ID, 50, 200)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.Of != s || len(all) >= maxEvidence {
			continue
		}
		pictures, err := b.pictures.Of(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		for _, p := range pictures {
			all = append(all, Evidence{"picture", p.Digest, stamp(p.Received)})
		}
	}
	return all[:min(len(all), maxEvidence)], nil
}

func stamp(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }

// Message is what is sent: the same bytes for the same notice and time.
type Message struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Time string `json:"time"`
	Data Data   `json:"data"`
}

// name is by what the partner knows a notice, whenever it is sent.
func (b *Store) name(n Notice) uuid.UUID {
	return uuid.NewSHA1(b.space, fmt.Appendf(nil, "notice\n%d\n%d", n.Takedown, n.Step))
}

// message is a notice as it is sent at a time, in Unix seconds; one that was taken stays as it was then.
func (b *Store) message(n Notice, at int64) (m Message, body []byte, err error) {
	if n.Sent != 0 {
		at = n.Sent
	}
	if err = json.Unmarshal([]byte(n.data), &m.Data); err != nil {
		return m, nil, err
	}
	if n.Kind != mistaken {
		m.Data.Due = stamp(at + int64(n.Hours)*60*60)
	}
	m.ID, m.Type, m.Time = b.name(n).String(), n.Kind, stamp(at)
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	err = e.Encode(m)
	return m, bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// Write writes notices for a partner without a webhook, as json (a message a line) or csv.
func (b *Store) Write(w io.Writer, list []Notice, format string) error {
	rows := csv.NewWriter(w)
	if format == "csv" {
		rows.Write([]string{"id", "type", "time", "reference", "platform", "subject", "what", "urls", "category", "explanation", "legal_basis", "territory", "language", "first_seen",
			"evidence", "notifier_name", "notifier_email", "good_faith", "notice_kind", "due", "answer_to", "redress"})
	}
	now := b.now().Unix()
	for _, n := range list {
		m, body, err := b.message(n, now)
		if err != nil {
			return err
		}
		if format != "csv" {
			if _, err := w.Write(append(body, '\n')); err != nil {
				return err
			}
			continue
		}
		d := m.Data
		var digests []string
		for _, e := range d.Evidence {
			digests = append(digests, e.SHA256)
		}
		row := []string{m.ID, m.Type, m.Time, d.Reference, d.Platform, d.Subject, d.What, strings.Join(d.URLs, " "), d.Category, d.Explanation, d.LegalBasis,
			strings.Join(d.Territory, " "), d.Language, d.FirstSeen, strings.Join(digests, " "), d.Notifier.Name, d.Notifier.Email, "true", string(d.NoticeKind), d.Due,
			d.AnswerTo, d.Redress}
		for i, cell := range row {
			row[i] = feed.Cell(cell)
		}
		if err := rows.Write(row); err != nil {
			return err
		}
	}
	rows.Flush()
	return rows.Error()
}

// Of returns the notices to a partner in a state, or in any where that is empty, the oldest first.
func (b *Store) Of(ctx context.Context, name string, in State, limit int) ([]Notice, error) {
	list, err := db.All(scan)(b.db.QueryContext(ctx, selectNotice+` WHERE partner = ? AND (? = '' OR state = ?) ORDER BY id LIMIT ?`, name, string(in), string(in), limit))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the notices: %w", err)
	}
	return list, nil
}

// Approve lets notices go that wait for a person, all that wait where none is named, and tells how many those were.
func (b *Store) Approve(ctx context.Context, by partner.Actor, name string, ids ...int64) (int, error) {
	return b.release(ctx, by, name, audit.ApproveNotice, `state = 'waiting'`, ids)
}

// Replay sends notices again, with the same name: those that failed where none is named.
func (b *Store) Replay(ctx context.Context, by partner.Actor, name string, ids ...int64) (int, error) {
	which := `state = 'failed'`
	if len(ids) > 0 {
		which = `state IN ('failed', 'sent')`
	}
	return b.release(ctx, by, name, audit.ReplayNotice, which, ids)
}

func (b *Store) release(ctx context.Context, by partner.Actor, name string, verb audit.Verb, which string, ids []int64) (n int, err error) {
	named, err := json.Marshal(ids)
	if err != nil {
		return 0, err
	}
	now := b.now().Unix()
	err = b.desk.Recorded(ctx, func(tx *sql.Tx) ([]audit.Act, error) {
		done, err := tx.ExecContext(ctx, `UPDATE notice SET state = 'ready', ready = ?, actor = ?, tries = 0, problem = '' WHERE partner = ? AND `+which+`
			AND (? = 0 OR id IN (SELECT CAST(value AS BIGINT) FROM json_each(?)))`, now, by.Name, name, len(ids), string(named))
		if err != nil {
			return nil, err
		}
		some, err := done.RowsAffected()
		if n = int(some); n == 0 || err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, `UPDATE notice_hook SET failures = 0, again = 0 WHERE partner = ?`, name)
		return []audit.Act{{Time: now, Actor: by.Name, Verb: verb, Object: audit.Object{Kind: audit.OfPartner, ID: name}, Args: audit.Args{Count: n}, Why: by.Why}}, err
	})
	if err != nil {
		return 0, fmt.Errorf("couldn't release the notices: %w", err)
	}
	return n, nil
}
