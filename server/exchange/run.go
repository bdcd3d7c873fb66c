package exchange

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"khien/server/audit"
	"khien/server/db"
	"khien/shared/subject"
)

// State is where a run stands.
type State string

const (
	Running  State = "running"
	Waiting  State = "waiting"  // for a person
	Applying State = "applying" // a part of it is there
	Accepted State = "accepted"
	Dropped  State = "dropped"
	Failed   State = "failed"
	Same     State = "same" // the list is the one that was taken last; no run is kept of it
)

// Why is a reason for which a run waits for a person.
type Why string

const (
	Empty       Why = "empty"       // there is nothing in the list
	Cut         Why = "cut"         // its end is missing
	Shrunken    Why = "shrunken"    // much of it is gone
	Swollen     Why = "swollen"     // it has much more than before
	Refusing    Why = "refusing"    // much more of it is refused than before
	Flipping    Why = "flipping"    // it lists and takes back the same again and again
	Certificate Why = "certificate" // its server has another key than before
	Page        Why = "page"        // it is a web page, and no list
)

// Numbers are what a list would change, with samples.
type Numbers struct {
	Read     int `json:"read"` // things that are claimed
	Refused  int `json:"refused"`
	Unwanted int `json:"unwanted,omitempty"` // that the preset leaves out
	Had      int `json:"had"`                // claims that stood before
	New      int `json:"new"`
	Back     int `json:"back"` // of New: those that were there before, and had gone
	Flips    int `json:"flips"`
	Changed  int `json:"changed"`
	Gone     int `json:"gone"`
	Renewed  int `json:"renewed"`
	Listed   int `json:"listed"` // that came on the list with it
	Left     int `json:"left"`   // that left the list with it
	Asked    int `json:"asked"`  // about which people are asked
	Samples  Samples
	Refusals map[string]int `json:"refusals,omitempty"` // by reason, the first fifty reasons
}

// Samples are the first of each, at most twenty.
type Samples struct {
	New     []subject.Subject `json:"new,omitempty"`
	Gone    []subject.Subject `json:"gone,omitempty"`
	Refused []Refusal         `json:"refused,omitempty"`
}

// Refusal is an entry of which nothing is taken, for who looks at a run.
type Refusal struct {
	Place string `json:"place"`
	Value string `json:"value"`
	Why   string `json:"why"`
}

const samples = 20

// Run is one time that a list was fetched.
type Run struct {
	ID           int64
	Source       string
	Begun, Ended int64 // Unix seconds
	State        State
	Actor        string
	Fetched      Fetched
	Numbers      Numbers
	Why          []Why  // why it waits, or has waited
	Trouble      string // why it failed

	source, base int64
	config       string
}

const selectRun = `SELECT r.id, r.source, s.name, r.begun, r.ended, r.state, r.actor, r.config, r.base, r.fetched, r.numbers, r.why, r.trouble
	FROM run AS r JOIN source AS s ON s.id = r.source`

func scanRun(row db.Row) (r Run, err error) {
	var fetched, numbers, why string
	err = row.Scan(&r.ID, &r.source, &r.Source, &r.Begun, &r.Ended, &r.State, &r.Actor, &r.config, &r.base, &fetched, &numbers, &why, &r.Trouble)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNotFound
	}
	if err == nil {
		err = errors.Join(json.Unmarshal([]byte(fetched), &r.Fetched), json.Unmarshal([]byte(numbers), &r.Numbers), json.Unmarshal([]byte(why), &r.Why))
	}
	return r, err
}

// Runs returns at most limit runs of a source, the newest first.
func (x *Exchange) Runs(ctx context.Context, name string, limit int) ([]Run, error) {
	return db.All(scanRun)(x.db.QueryContext(ctx, selectRun+` WHERE s.name = ? ORDER BY r.id DESC LIMIT ?`, name, limit))
}

// Waiting returns the runs that wait for a person, the oldest first.
func (x *Exchange) Waiting(ctx context.Context) ([]Run, error) {
	return db.All(scanRun)(x.db.QueryContext(ctx, selectRun+` WHERE r.state = 'waiting' ORDER BY r.id`))
}

// Waits is how many runs wait for a person.
func (x *Exchange) Waits(ctx context.Context) (n int, err error) {
	return n, x.db.QueryRowContext(ctx, `SELECT count(*) FROM run WHERE state = 'waiting'`).Scan(&n)
}

// GetRun returns a run, or ErrNotFound.
func (x *Exchange) GetRun(ctx context.Context, id int64) (Run, error) { return getRun(ctx, x.db, id) }

func getRun(ctx context.Context, q db.Reader, id int64) (Run, error) {
	return scanRun(q.QueryRowContext(ctx, selectRun+` WHERE r.id = ?`, id))
}

// Progress is told what is being done, and how much of it is; it may be nil.
type Progress func(step string, n int)

func (p Progress) at(step string, n int) {
	if p != nil {
		p(step, n)
	}
}

// Run fetches the list of a source and takes it, unless it is to wait for a person. Whatever a run of before has left
// half done is finished first. An error is also the source's trouble.
func (x *Exchange) Run(ctx context.Context, actor, name string, progress Progress) (r Run, err error) {
	h, s, err := x.hold(ctx, name)
	if err != nil {
		return r, err
	}
	defer h.end()
	if s.Removed != 0 {
		return r, ErrRemoved
	}
	if err := h.finish(s); err != nil {
		return r, err
	}
	if s, err = x.get(ctx, x.db, name); err != nil {
		return r, err
	}
	r, err = h.run(s, actor, progress)
	if ctx.Err() == nil {
		err = errors.Join(err, h.tried(s, r, err))
	}
	return r, err
}

// run is an attempt.
func (h *holder) run(s Status, actor string, progress Progress) (r Run, err error) {
	progress.at("fetch", 0)
	credentials, err := h.reveal(s)
	if err != nil {
		return r, err
	}
	got, err := h.fetch(h.ctx, s, credentials, progress)
	if err != nil {
		return r, err
	}
	if got.Unchanged || h.same(s, got) && !s.stale(h.unix()) {
		return Run{Source: s.Name, State: Same, Fetched: got}, h.askAgain(s)
	}
	config, err := json.Marshal(s.Source)
	if err != nil {
		return r, err
	}
	if r, known, err := h.known(s, got, string(config)); err != nil || known {
		return r, err
	}
	r = Run{Source: s.Name, Begun: h.unix(), State: Running, Actor: actor, Fetched: got, source: s.ID, base: s.base, config: string(config)}
	fetched, err := json.Marshal(got)
	if err != nil {
		return r, err
	}
	err = h.change(func(tx *sql.Tx) error {
		return tx.QueryRowContext(h.ctx, `INSERT INTO run (source, begun, state, actor, config, base, file, fetched) VALUES (?, ?, 'running', ?, ?, ?, ?, ?) RETURNING id`,
			s.ID, r.Begun, actor, r.config, r.base, got.File, string(fetched)).Scan(&r.ID)
	})
	if err != nil {
		return r, err
	}
	list := &list{}
	if !got.Page { // which nobody takes for a list
		if list, err = h.read(&r, s, progress); err != nil {
			return r, err
		}
		defer list.close()
	}
	if err := h.differ(&r, s, list, nil); err != nil {
		return r, err
	}
	if r.Why = waitsFor(s, r); len(r.Why) > 0 {
		return r, h.wait(s, &r)
	}
	if err := h.apply(&r, s, list, audit.TakeRun, progress); err != nil {
		return r, err
	}
	return r, h.askAgain(s)
}

// askAgain raises what a person has taken off the list since the source was last heard, and it names all the same.
func (h *holder) askAgain(s Status) error {
	protection, err := h.protect()
	if err != nil {
		return err
	}
	var heard int64
	if err := h.db.QueryRowContext(h.ctx, `SELECT heard FROM source WHERE id = ?`, s.ID).Scan(&heard); err != nil {
		return err
	}
	for {
		taken, err := h.ledger.Withdrawn(h.ctx, heard, part)
		if err != nil || len(taken) == 0 {
			return err
		}
		var subjects []subject.Subject
		for _, e := range taken {
			subjects = append(subjects, e.Subject)
		}
		slices.Sort(subjects)
		names, err := json.Marshal(slices.Compact(subjects))
		if err != nil {
			return err
		}
		heard = taken[len(taken)-1].Seq
		err = h.change(func(tx *sql.Tx) error {
			named, err := db.All(func(row db.Row) (s subject.Subject, err error) { return s, row.Scan(&s) })(tx.QueryContext(h.ctx,
				`SELECT subject FROM claim WHERE source = ? AND subject IN (SELECT value FROM json_each(?)) AND gone = 0`, s.ID, string(names)))
			if err != nil {
				return err
			}
			j, err := h.judge(h.ctx, tx, protection)
			if err == nil {
				_, err = h.settle(h.ctx, tx, j, "source "+s.Name, named, false)
			}
			if err == nil {
				_, err = tx.ExecContext(h.ctx, `UPDATE source SET heard = ? WHERE id = ?`, heard, s.ID)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
}

// stale tells whether half of the time is over for which what a source says stands: then it is renewed by the list,
// unchanged as it may be.
func (s Status) stale(now int64) bool { return now-s.Taken >= s.Life*day/2 || s.Taken > now+day }

// same tells whether what was fetched is what was taken last, read as it was then.
func (h *holder) same(s Status, got Fetched) bool {
	return s.digest != "" && s.digest == readAs(s.Source, got)
}

// readAs is the digest of a list and of how it is read.
func readAs(s Source, got Fetched) string {
	how, err := json.Marshal(s)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(append([]byte(got.File+"\n"), how...))
	return hex.EncodeToString(sum[:])
}

// known tells whether a person has seen this very list, and lets it wait or has dropped it. Another that waits does so
// no more: this one is newer.
func (h *holder) known(s Status, got Fetched, config string) (r Run, known bool, err error) {
	r, err = scanRun(h.db.QueryRowContext(h.ctx, selectRun+` WHERE r.source = ? AND r.state IN ('waiting', 'dropped') AND r.base = ? AND r.file = ? AND r.config = ?
		ORDER BY r.id DESC LIMIT 1`, s.ID, s.base, got.File, config))
	if err == nil && r.Fetched.Pin == got.Pin {
		return r, true, nil
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return r, false, err
	}
	return r, false, h.change(func(tx *sql.Tx) error {
		_, err := tx.ExecContext(h.ctx, `UPDATE run SET state = 'failed', ended = ?, trouble = 'a newer list came' WHERE source = ? AND state = 'waiting'`, h.unix(), s.ID)
		return err
	})
}

// wait has a run wait for a person.
func (h *holder) wait(s Status, r *Run) error {
	r.State, r.Ended = Waiting, h.unix()
	return h.change(func(tx *sql.Tx) error { return h.note(tx, r) })
}

// note keeps how a run stands.
func (h *holder) note(tx *sql.Tx, r *Run) error {
	numbers, err := json.Marshal(r.Numbers)
	if err != nil {
		return err
	}
	why, err := json.Marshal(append([]Why{}, r.Why...))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(h.ctx, `UPDATE run SET state = ?, ended = ?, actor = ?, numbers = ?, why = ? WHERE id = ?`,
		string(r.State), r.Ended, r.Actor, string(numbers), string(why), r.ID)
	return err
}

func (h *holder) act(tx *sql.Tx, r *Run, verb audit.Verb) error {
	n := r.Numbers
	return audit.Record(h.ctx, tx, audit.Act{Time: h.unix(), Actor: r.Actor, Verb: verb, Object: audit.Object{Kind: audit.OfSource, ID: r.Source},
		Args: audit.Args{Added: n.New, Changed: n.Changed, Removed: n.Gone}, Why: h.why})
}
