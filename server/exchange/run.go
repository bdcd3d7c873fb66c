package exchange

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/feed"
	"khien/server/publish"
	"khien/shared/category"
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

// holder is who is at a source, as nobody else is meanwhile.
type holder struct {
	*Exchange
	ctx    context.Context
	cancel context.CancelCauseFunc
	id     string
	source int64
	done   chan struct{}
}

// Who holds a source says so every beat; who was not heard of for so long is gone.
const (
	beat   = 20 * time.Second
	unseen = 120
)

// hold takes a source for oneself, or returns ErrBusy.
func (x *Exchange) hold(ctx context.Context, name string) (*holder, Status, error) {
	h := &holder{Exchange: x, id: rand.Text(), done: make(chan struct{})}
	var s Status
	err := x.db.Change(ctx, func(tx *sql.Tx) (err error) {
		if s, err = x.get(ctx, tx, name); err != nil {
			return err
		}
		// Whoever was heard of after now was so by a clock that was set back.
		done, err := tx.ExecContext(ctx, `UPDATE source SET holder = ?1, held = ?2 WHERE id = ?3 AND (holder = '' OR held < ?4 OR held > ?5)`,
			h.id, x.unix(), s.ID, x.unix()-unseen, x.unix()+unseen)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, ErrBusy)
		}
		_, err = tx.ExecContext(ctx, `UPDATE run SET state = 'failed', ended = ?, trouble = 'it was broken off' WHERE source = ? AND state = 'running'`, x.unix(), s.ID)
		return err
	})
	if err != nil {
		return nil, s, err
	}
	h.source = s.ID
	h.ctx, h.cancel = context.WithCancelCause(ctx)
	go h.keep()
	return h, s, nil
}

// keep says every beat that the source is held.
func (h *holder) keep() {
	defer close(h.done)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
			if err := h.change(func(*sql.Tx) error { return nil }); err != nil && h.ctx.Err() == nil {
				h.cancel(err)
			}
		}
	}
}

// end lets the source go.
func (h *holder) end() {
	h.cancel(nil)
	<-h.done
	h.db.ExecContext(context.WithoutCancel(h.ctx), `UPDATE source SET holder = '' WHERE id = ? AND holder = ?`, h.source, h.id)
}

// change is a change of the office by who still holds the source: ErrBusy where another has taken it meanwhile.
func (h *holder) change(f func(*sql.Tx) error) error {
	err := h.db.Change(h.ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(h.ctx, `UPDATE source SET held = ? WHERE id = ? AND holder = ?`, h.unix(), h.source, h.id)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, ErrBusy)
		}
		return f(tx)
	})
	if cause := context.Cause(h.ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// tried notes how an attempt went, and when the next is due.
func (h *holder) tried(s Status, r Run, failed error) error {
	failures, trouble := 0, ""
	if failed != nil {
		failures, trouble = s.Failures+1, failed.Error()
		if len(trouble) > 1000 {
			trouble = strings.ToValidUTF8(trouble[:1000], "")
		}
	}
	wait := waits(s.Every, failures)
	if again, ok := errors.AsType[*laterError](failed); ok {
		wait = max(wait, min(again.seconds, day))
	}
	return h.change(func(tx *sql.Tx) error {
		_, err := tx.ExecContext(h.ctx, `UPDATE source SET tried = ?, wait = ?, failures = ?, trouble = ? WHERE id = ?`, h.unix(), wait, failures, trouble, s.ID)
		if err == nil && failed != nil && r.ID != 0 {
			_, err = tx.ExecContext(h.ctx, `UPDATE run SET state = 'failed', ended = ?, trouble = ? WHERE id = ? AND state = 'running'`, h.unix(), trouble, r.ID)
		}
		return err
	})
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

// heard is what a list says about one thing.
type heard struct {
	feed.Claim
	print int64
}

// list is what was read, in the order of the subjects.
type list struct {
	sorter
	told map[uint64]bool // hashes of the ids of objects, where a newer version may name something else
}

func hashOf(id string) uint64 {
	sum := fnv.New64a()
	sum.Write([]byte(id))
	return sum.Sum64()
}

// tell notes that the list has an object, whatever comes of it.
func (l *list) tell(id string) {
	if l.told != nil && id != "" {
		l.told[hashOf(id)] = true
	}
}

// read reads the file of a run: what it claims goes through the guard, and into the order of the subjects. What is
// refused is counted.
func (h *holder) read(r *Run, s Status, progress Progress) (*list, error) {
	protection, err := h.protect()
	if err != nil {
		return nil, err
	}
	file, err := h.openFetched(r.Fetched.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	l := &list{sorter: sorter{folder: h.folder}}
	if s.Preset.Format == "stix" || s.Preset.Format == "misp" {
		l.told = map[uint64]bool{}
	}
	r.Numbers = Numbers{Refusals: map[string]int{}}
	n := 0
	for c, err := range ahead(feed.Claims(file, s.Preset)) {
		if n++; n%1000 == 0 {
			progress.at("read", n)
			if err := h.ctx.Err(); err != nil {
				l.close()
				return nil, cmp.Or(context.Cause(h.ctx), err)
			}
		}
		if err == nil {
			c, err = s.Permitted(protection, c)
		}
		if errors.Is(err, feed.ErrUnwanted) {
			r.Numbers.Unwanted++
			continue
		}
		if refused, ok := errors.AsType[*feed.Refused](err); ok {
			r.Numbers.refuse(refused)
			l.tell(refused.Name)
			continue
		}
		l.tell(c.ID)
		if err == nil {
			var body []byte
			t := taken{c.Address, c.ID, c.First, c.Last, c.Lapses, c.Gone, uint8(c.Weight), c.Hacked, c.Sure, string(c.TLP), int(c.Category), c.Reference, c.Text}
			body, err = t.MarshalMsg(nil)
			if err == nil {
				err = l.add(record{string(c.Subject), body})
			}
		}
		if err != nil && r.Fetched.Cut && errors.Is(err, feed.ErrShape) {
			break // of what was cut off, what came before
		}
		if err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (n *Numbers) refuse(r *feed.Refused) {
	n.Refused++
	why := r.Why.Error()
	if len(n.Samples.Refused) < samples {
		n.Samples.Refused = append(n.Samples.Refused, Refusal{r.Place.String(), r.Value, why})
	}
	if protected, ok := errors.AsType[*publish.Protected](r.Why); ok {
		why = string(protected.Rule)
	}
	if _, known := n.Refusals[why]; known || len(n.Refusals) < 50 {
		n.Refusals[why]++
	}
}

var (
	errRed    = errors.New("it may be told to nobody (TLP:RED)")
	errHacked = errors.New("an honest site that was hacked: its whole host is not listed")
)

// Permitted is a claim that the guard lets in, with what its source leaves unsaid; else the error is a *feed.Refused.
func (s Source) Permitted(protection *publish.Protection, c feed.Claim) (feed.Claim, error) {
	refuse := func(why error) (feed.Claim, error) {
		return c, &feed.Refused{Place: c.Place, Value: string(c.Subject), Why: why}
	}
	if c.TLP == "" {
		c.TLP = s.TLP
	}
	if c.TLP == feed.Red {
		return refuse(errRed)
	}
	if err := protection.Permit(c.Subject); err != nil {
		return refuse(err)
	}
	if _, path, ok := strings.Cut(string(c.Subject), "/"); c.Hacked && ok && path == "" && c.Weight == feed.Lists {
		return refuse(errHacked)
	}
	return c, nil
}

// claims yields what a list says, once for each subject. Where it names one several times, what it says last counts,
// with the earliest and the latest of the dates; what it takes back it does not list.
func (l *list) claims() iter.Seq2[heard, error] {
	return func(yield func(heard, error) bool) {
		var now heard
		for r, err := range l.all() {
			var t taken
			if err == nil {
				_, err = t.UnmarshalMsg(r.body)
			}
			if err != nil {
				yield(now, err)
				return
			}
			c := feed.Claim{Subject: subject.Subject(r.key), Address: t.Address, ID: t.ID, First: t.First, Last: t.Last, Lapses: t.Lapses, Gone: t.Gone,
				Weight: feed.Weight(t.Weight), Hacked: t.Hacked, Sure: t.Sure, TLP: feed.TLP(t.TLP), Category: category.Category(t.Category), Reference: t.Reference, Text: t.Text}
			print := fnv.New64a()
			print.Write(r.body)
			next := heard{c, int64(print.Sum64())}
			if now.Subject == next.Subject {
				next.after(now)
			} else if now.Subject != "" && !yield(now, nil) {
				return
			}
			now = next
		}
		if now.Subject != "" {
			yield(now, nil)
		}
	}
}

// after adds what was said of the same thing before.
func (h *heard) after(was heard) {
	h.print = h.print*31 + was.print
	if h.Gone {
		return
	}
	if was.First != 0 && (h.First == 0 || was.First < h.First) {
		h.First = was.First
	}
	h.Last = max(h.Last, was.Last)
	h.Address, h.ID = cmp.Or(h.Address, was.Address), cmp.Or(h.ID, was.ID)
	h.Category, h.Reference, h.Text = cmp.Or(h.Category, was.Category), cmp.Or(h.Reference, was.Reference), cmp.Or(h.Text, was.Text)
}

// step is what becomes of one claim.
type step struct {
	heard
	was  kept
	is   what
	turn int64
	ends int64
}

type what uint8

const (
	same what = iota
	fresh
	back
	changed
	renewed
	gone
)

// kept is what is kept of a claim, as far as it is compared.
type kept struct {
	subject                   subject.Subject
	id                        string
	print, gone, lapses, turn int64
}

// hackedLife is how many days a claim about an honest site stands that others have put something on: it is mended soon.
const hackedLife = 14

// ends is until when a claim stands, if nothing more is heard.
func (s Status) ends(c feed.Claim, now int64) int64 {
	days := s.Life
	if c.Hacked {
		days = min(days, hackedLife)
	}
	ends := now + days*day
	if c.Lapses != 0 {
		ends = min(ends, c.Lapses)
	}
	return ends
}

// differ compares a list with what its source said before, thing by thing in the order of the subjects: it counts, and
// gives take each one of which anything changes.
func (h *holder) differ(r *Run, s Status, l *list, take func(step) error) error {
	now, n := h.unix(), &r.Numbers
	refused, refusals, refusedOnes := n.Refused, n.Refusals, n.Samples.Refused
	*n = Numbers{Refused: refused, Unwanted: n.Unwanted, Refusals: refusals, Samples: Samples{Refused: refusedOnes}}
	before, stop := iter.Pull2(h.before(s.ID))
	defer stop()
	was, err, more := before()
	leaves := func(was kept) error {
		if was.gone != 0 {
			return nil
		}
		if n.Had++; s.Preset.Meaning != feed.Full && was.lapses > now && !l.told[hashOf(was.id)] {
			return nil
		}
		n.Gone++
		if was.turn >= 2 {
			n.Flips++
		}
		if len(n.Samples.Gone) < samples {
			n.Samples.Gone = append(n.Samples.Gone, was.subject)
		}
		if take == nil {
			return nil
		}
		return take(step{heard: heard{Claim: feed.Claim{Subject: was.subject}}, was: was, is: gone})
	}
	for c, failed := range l.claims() {
		if failed != nil {
			return failed
		}
		for more && err == nil && was.subject < c.Subject {
			if err = leaves(was); err == nil {
				was, err, more = before()
			}
		}
		if err != nil {
			return err
		}
		of, known := was, more && was.subject == c.Subject
		if known {
			was, err, more = before()
		} else {
			of = kept{}
		}
		if c.Gone || c.Lapses != 0 && c.Lapses <= now {
			if known && of.gone == 0 {
				of.lapses = 0 // whatever its absence means
				if err := leaves(of); err != nil {
					return err
				}
			}
			continue
		}
		n.Read++
		one := step{heard: c, was: of, turn: of.turn, ends: s.ends(c.Claim, now)}
		switch {
		case !known:
			one.is = fresh
		case of.gone != 0:
			one.is, one.turn = back, 1
			if now-of.gone < silence {
				one.turn = of.turn + 1
			}
		case of.print != c.print:
			one.is = changed
		case of.lapses-now < (one.ends-now)/2:
			one.is = renewed
		}
		if known && of.gone == 0 {
			n.Had++
		}
		switch one.is {
		case same:
			continue
		case changed:
			n.Changed++
		case renewed:
			n.Renewed++
		default:
			n.New++
			if one.is == back {
				n.Back++
				if one.turn >= 2 {
					n.Flips++
				}
			}
			if len(n.Samples.New) < samples {
				n.Samples.New = append(n.Samples.New, c.Subject)
			}
		}
		if take != nil {
			if err := take(one); err != nil {
				return err
			}
		}
	}
	for ; more && err == nil; was, err, more = before() {
		if err := leaves(was); err != nil {
			return err
		}
	}
	return err
}

// before yields what a source has said, in the order of the subjects, some thousand at a time.
func (h *holder) before(source int64) iter.Seq2[kept, error] {
	const together = 5000
	return func(yield func(kept, error) bool) {
		var last subject.Subject
		for {
			rows, err := db.All(func(row db.Row) (k kept, err error) {
				return k, row.Scan(&k.subject, &k.id, &k.print, &k.gone, &k.lapses, &k.turn)
			})(h.db.QueryContext(h.ctx, `SELECT subject, id, print, gone, lapses, turns FROM claim WHERE source = ? AND subject > ? ORDER BY subject LIMIT ?`, source, string(last), together))
			if err != nil {
				yield(kept{}, err)
				return
			}
			for _, k := range rows {
				if !yield(k, nil) {
					return
				}
				last = k.subject
			}
			if len(rows) < together {
				return
			}
		}
	}
}

// From how many on a share counts: of a short list, a few lines are a large one.
const (
	fewGone = 3
	fewNew  = 10
)

// waitsFor tells why a run is to wait for a person.
func waitsFor(s Status, r Run) (why []Why) {
	n := r.Numbers
	add := func(is bool, one Why) {
		if is {
			why = append(why, one)
		}
	}
	marks := s.Preset.Meaning == feed.Full || s.Preset.Meaning == feed.Explicit // otherwise what is gone is so by its time
	left := n.Had - n.Gone
	add(r.Fetched.Page, Page)
	add(r.Fetched.Cut, Cut)
	add(n.Read == 0 && s.Preset.Meaning != feed.Explicit || marks && n.Had > 0 && left+n.New == 0, Empty)
	add(marks && n.Gone >= fewGone && n.Gone*100 > s.Less*n.Had, Shrunken)
	add(n.Had > 0 && n.New >= fewNew && n.New*100 > s.More*n.Had, Swollen)
	add(n.Flips > 0 && n.Flips*2 >= n.New+n.Gone+n.Changed, Flipping)
	add(s.pin != "" && r.Fetched.Pin != "" && s.pin != r.Fetched.Pin, Certificate)
	add(n.Had > 0 && n.Refused >= fewNew && n.Refused > n.Read && n.Refused*100 > 50*(n.Read+n.Refused), Refusing)
	return why
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

// Accept takes a run that waits, if it is still what a person has seen.
func (x *Exchange) Accept(ctx context.Context, actor string, id int64, progress Progress) (r Run, err error) {
	return x.decide(ctx, id, func(h *holder, s Status, r *Run) error {
		config, err := json.Marshal(s.Source)
		if err != nil {
			return err
		}
		if r.config != string(config) || r.base != s.base {
			return ErrChanged
		}
		if r.Fetched.Page {
			return fmt.Errorf("%w: it is a web page: drop it", ErrConfig)
		}
		seen := r.Numbers
		list, err := h.read(r, s, progress)
		if err != nil {
			return err
		}
		defer list.close()
		if err := h.differ(r, s, list, nil); err != nil {
			return err
		}
		if n := r.Numbers; n.New != seen.New || n.Gone != seen.Gone || n.Had != seen.Had || n.Refused != seen.Refused {
			return ErrChanged
		}
		r.Actor = actor
		return h.apply(r, s, list, audit.AcceptRun, progress)
	})
}

// Drop drops a run that waits: what the source said before stands, and the same list is not asked about again.
func (x *Exchange) Drop(ctx context.Context, actor string, id int64) error {
	_, err := x.decide(ctx, id, func(h *holder, s Status, r *Run) error {
		r.State, r.Actor, r.Ended = Dropped, actor, h.unix()
		return h.change(func(tx *sql.Tx) error {
			if err := h.note(tx, r); err != nil {
				return err
			}
			return h.act(tx, r, audit.DropRun)
		})
	})
	return err
}

func (x *Exchange) decide(ctx context.Context, id int64, how func(*holder, Status, *Run) error) (r Run, err error) {
	if r, err = x.GetRun(ctx, id); err != nil {
		return r, err
	}
	h, s, err := x.hold(ctx, r.Source)
	if err != nil {
		return r, err
	}
	defer h.end()
	if s.Removed != 0 {
		return r, ErrRemoved
	}
	if r, err = x.GetRun(ctx, id); err == nil && r.State != Waiting {
		err = ErrState
	}
	if err == nil {
		err = how(h, s, &r)
	}
	return r, err
}

func (h *holder) act(tx *sql.Tx, r *Run, verb audit.Verb) error {
	n := r.Numbers
	return audit.Record(h.ctx, tx, audit.Act{Time: h.unix(), Actor: r.Actor, Verb: verb, Object: audit.Object{Kind: audit.OfSource, ID: r.Source},
		Args: audit.Args{Added: n.New, Changed: n.Changed, Removed: n.Gone}, Why: h.why})
}

// apply takes a run: its claims, and what the ledger hears of them, in parts, between which nothing is released. Where
// it is broken off, finish does it again, and comes to the same.
func (h *holder) apply(r *Run, s Status, l *list, verb audit.Verb, progress Progress) error {
	protection, err := h.protect()
	if err != nil {
		return err
	}
	mark := "source " + s.Name
	r.State = Applying
	err = h.change(func(tx *sql.Tx) error {
		if err := h.note(tx, r); err != nil {
			return err
		}
		return h.ledger.Begin(h.ctx, tx, mark, r.Actor, h.unix())
	})
	if err != nil {
		return err
	}
	// What is to be written is found while what was found before is written.
	var done settled
	parts, group := make(chan []step, 1), errgroup.Group{}
	failed := make(chan struct{})
	group.Go(func() error {
		n := 0
		for some := range parts {
			err := h.change(func(tx *sql.Tx) error {
				sum, err := h.write(tx, protection, s, some)
				done.listed, done.left, done.asked = done.listed+sum.listed, done.left+sum.left, done.asked+sum.asked
				return err
			})
			if err != nil {
				close(failed)
				return err
			}
			n += len(some)
			progress.at("take", n)
			h.giveWay(h.ctx)
		}
		return nil
	})
	var some []step
	write := func() error {
		select {
		case parts <- some:
			some = make([]step, 0, part)
			return nil
		case <-failed:
			return errStopped
		}
	}
	err = h.differ(r, s, l, func(one step) error {
		if some = append(some, one); len(some) < part {
			return nil
		}
		return write()
	})
	if err == nil && len(some) > 0 {
		err = write()
	}
	close(parts)
	if wrong := group.Wait(); wrong != nil {
		err = wrong
	}
	if err != nil {
		return err
	}
	r.State, r.Ended = Accepted, h.unix()
	r.Numbers.Listed, r.Numbers.Left, r.Numbers.Asked = done.listed, done.left, done.asked
	err = h.change(func(tx *sql.Tx) error {
		if err := h.note(tx, r); err != nil {
			return err
		}
		news := s.News
		if r.Numbers.New+r.Numbers.Changed+r.Numbers.Gone > 0 {
			news = h.unix()
		}
		got := r.Fetched
		if _, err := tx.ExecContext(h.ctx, `UPDATE source SET tag = ?, modified = ?, pin = ?, cursor = ?, digest = ?, base = ?, taken = ?, news = ? WHERE id = ?`,
			got.Tag, got.Modified, got.Pin, got.Cursor, readAs(s.Source, got), r.ID, h.unix(), news, s.ID); err != nil {
			return err
		}
		// What is gone for long is told by nobody any more.
		if _, err := tx.ExecContext(h.ctx, `DELETE FROM claim WHERE source = ? AND gone > 0 AND gone < ?`, s.ID, h.unix()-remembered); err != nil {
			return err
		}
		if _, err := tx.ExecContext(h.ctx, `DELETE FROM run WHERE source = ?1 AND state IN ('failed', 'dropped', 'accepted') AND id <> ?2
			AND id NOT IN (SELECT id FROM run WHERE source = ?1 ORDER BY id DESC LIMIT 100)`, s.ID, r.ID); err != nil {
			return err
		}
		if err := h.ledger.End(h.ctx, tx, mark); err != nil {
			return err
		}
		return h.act(tx, r, verb)
	})
	if err == nil {
		h.sweep()
	}
	return err
}

// remembered is for how many seconds is kept what a source says no more.
const remembered = 90 * day

// errStopped ends the search for what is to be written, where that can't be.
var errStopped = errors.New("what was found can't be written")

// giving is how long who writes many parts steps back after each, so that programs that wait for their turn get it.
const giving = 5 * time.Millisecond

func (x *Exchange) giveWay(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(giving):
	}
}

// write takes some claims, and what follows.
func (h *holder) write(tx *sql.Tx, protection *publish.Protection, s Status, some []step) (settled, error) {
	j, err := h.judge(h.ctx, tx, protection)
	if err != nil {
		return settled{}, err
	}
	type row struct {
		Subject   subject.Subject `json:"subject"`
		ID        string          `json:"id"`
		Address   string          `json:"address"`
		First     int64           `json:"first"`
		Last      int64           `json:"last"`
		Lapses    int64           `json:"lapses"`
		Turns     int64           `json:"turns"`
		Weight    feed.Weight     `json:"weight"`
		Hacked    int64           `json:"hacked"`
		Sure      int             `json:"sure"`
		TLP       feed.TLP        `json:"tlp"`
		Category  int64           `json:"category"`
		Reference string          `json:"reference"`
		Said      string          `json:"said"`
		Print     int64           `json:"print"`
	}
	var rows []row
	var gones, all []subject.Subject
	now := h.unix()
	for _, c := range some {
		all = append(all, c.Subject)
		if c.is == gone {
			gones = append(gones, c.Subject)
			continue
		}
		one := row{c.Subject, c.ID, c.Address, min(c.First, now), min(c.Last, now), c.ends, c.turn, c.Weight, 0, c.Sure, c.TLP, int64(c.Category), c.Reference, c.Text, c.print}
		if c.Hacked {
			one.Hacked = 1
		}
		rows = append(rows, one)
	}
	if len(rows) > 0 {
		text, err := json.Marshal(rows)
		if err != nil {
			return settled{}, err
		}
		_, err = tx.ExecContext(h.ctx, `WITH these AS MATERIALIZED (SELECT value FROM json_each(?3))
			INSERT INTO claim (source, subject, id, address, first, last, came, gone, lapses, turns, weight, hacked, sure, tlp, category, reference, said, print)
			SELECT CAST(?1 AS BIGINT), value ->> 'subject', value ->> 'id', value ->> 'address', CAST(value ->> 'first' AS BIGINT), CAST(value ->> 'last' AS BIGINT), CAST(?2 AS BIGINT), 0,
				CAST(value ->> 'lapses' AS BIGINT), CAST(value ->> 'turns' AS BIGINT), CAST(value ->> 'weight' AS BIGINT), CAST(value ->> 'hacked' AS BIGINT),
				CAST(value ->> 'sure' AS BIGINT), value ->> 'tlp', CAST(value ->> 'category' AS BIGINT), value ->> 'reference', value ->> 'said', CAST(value ->> 'print' AS BIGINT)
			FROM these WHERE true
			ON CONFLICT (source, subject) DO UPDATE SET id = excluded.id, address = excluded.address, first = excluded.first, last = excluded.last, gone = 0,
				lapses = excluded.lapses, turns = excluded.turns, weight = excluded.weight, hacked = excluded.hacked, sure = excluded.sure, tlp = excluded.tlp,
				category = excluded.category, reference = excluded.reference, said = excluded.said, print = excluded.print`, s.ID, now, string(text))
		if err != nil {
			return settled{}, err
		}
	}
	if len(gones) > 0 {
		text, err := json.Marshal(gones)
		if err != nil {
			return settled{}, err
		}
		_, err = tx.ExecContext(h.ctx, `WITH these AS MATERIALIZED (SELECT value FROM json_each(?3))
			UPDATE claim SET gone = ?1 FROM these WHERE claim.source = ?2 AND claim.subject = these.value AND claim.gone = 0`, now, s.ID, string(text))
		if err != nil {
			return settled{}, err
		}
	}
	return h.settle(h.ctx, tx, j, "source "+s.Name, all, len(gones) > 0)
}

// finish does again what was broken off: a run that is taken in part, and what follows from a change of a source.
func (h *holder) finish(s Status) error {
	r, err := scanRun(h.db.QueryRowContext(h.ctx, selectRun+` WHERE r.source = ? AND r.state = 'applying' ORDER BY r.id DESC LIMIT 1`, s.ID))
	if err == nil { // of a removed source too: nothing is released before it is whole
		of := s
		if err := json.Unmarshal([]byte(r.config), &of.Source); err != nil {
			return err
		}
		list, err := h.read(&r, of, nil)
		if err == nil {
			defer list.close()
			if err := h.apply(&r, of, list, audit.TakeRun, nil); err != nil {
				return err
			}
		} else if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errFile) { // the next list decides
			err = h.change(func(tx *sql.Tx) error {
				_, err := tx.ExecContext(h.ctx, `UPDATE run SET state = 'failed', ended = ?, trouble = 'its file is lost' WHERE id = ?`, h.unix(), r.ID)
				return err
			})
			if err != nil {
				return err
			}
		} else {
			return err
		}
	} else if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return h.Settle(h.ctx, s.Name)
}

// Finish does for all sources what was broken off.
func (x *Exchange) Finish(ctx context.Context) error {
	names, err := db.All(func(row db.Row) (s string, err error) { return s, row.Scan(&s) })(x.db.QueryContext(ctx,
		`SELECT name FROM source WHERE unsettled > 0 OR EXISTS (SELECT 1 FROM run WHERE run.source = source.id AND state = 'applying') ORDER BY name`))
	if err != nil {
		return err
	}
	var failed []error
	for _, name := range names {
		h, s, err := x.hold(ctx, name)
		if errors.Is(err, ErrBusy) { // somebody is at it
			continue
		}
		if err == nil {
			err = h.finish(s)
			h.end()
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

var errFile = errors.New("what was fetched is not what it was")

// openFetched opens what was fetched, if it is byte for byte what it was then.
func (x *Exchange) openFetched(digest string) (*os.File, error) {
	if raw, err := hex.DecodeString(digest); err != nil || len(raw) != sha256.Size {
		return nil, errFile
	}
	file, err := os.Open(filepath.Join(x.folder, digest))
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	if _, err = io.Copy(sum, file); err == nil && hex.EncodeToString(sum.Sum(nil)) != digest {
		err = errFile
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// sweep removes the files that no run needs any more; what cannot be removed is so at the next time.
func (h *holder) sweep() {
	needed := map[string]bool{}
	for name, err := range db.Each(func(row db.Row) (s string, err error) { return s, row.Scan(&s) })(h.db.QueryContext(h.ctx,
		`SELECT file FROM run WHERE state IN ('running', 'waiting', 'applying')`)) {
		if err != nil {
			return
		}
		needed[name] = true
	}
	entries, err := os.ReadDir(h.folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || needed[e.Name()] || !e.Type().IsRegular() || len(e.Name()) != 2*sha256.Size || time.Since(info.ModTime()) < time.Hour {
			continue
		}
		os.Remove(filepath.Join(h.folder, e.Name()))
	}
}
