// Package exchange brings in what others know: sources, and what each of them says, as claims.
//
// A list is fetched into a file, read into claims, looked at by the publisher's guard, and compared with what its source
// said before. What a rule lets through is taken; a list that is not what its source usually sends waits for a person.
// What all sources say about one thing together is what the ledger hears of it, and what people are asked about becomes
// a case.
package exchange

import (
	"context"
	"crypto/x509"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/category"
)

// Errors of those who ask for something that is not so.
var (
	ErrNotFound = errors.New("there is no such source")
	ErrExists   = errors.New("there is a source of this name")
	ErrConfig   = errors.New("a source can't be like that")
	ErrBusy     = errors.New("somebody else is at this source")
	ErrRemoved  = errors.New("the source was removed: restore it first")
	ErrState    = errors.New("the run does not wait any more")
	ErrChanged  = errors.New("it is not what was looked at any more: run the source again")
)

// Trust is what becomes of what a source says.
type Trust string

const (
	Queue Trust = "queue" // people are asked
	List  Trust = "list"  // it is listed by the rule of the source, and where that does not hold people are asked
)

// Rule is when a source that is trusted lists something.
type Rule string

const (
	Every  Rule = "every"  // always
	Second Rule = "second" // if another source says so too
	Sure   Rule = "sure"   // if it is sure by 75 percent at least
)

// Source is what a person sets of one.
type Source struct {
	Name     string            `json:"name"`            // small letters, digits and hyphens; it stays
	Title    string            `json:"title,omitempty"` // what the public reads; the name where it is empty
	Address  string            `json:"address"`         // https://…, a file, or a folder of which the newest file counts; {key} stands for a credential
	Preset   feed.Preset       `json:"preset"`
	Every    int64             `json:"every"`              // seconds between two attempts
	Trust    Trust             `json:"trust"`              //
	Rule     Rule              `json:"rule"`               //
	Category category.Category `json:"category,omitempty"` // where a claim says none
	TLP      feed.TLP          `json:"tlp,omitempty"`      // where a claim says none
	Life     int64             `json:"life"`               // days that a claim stands after it was heard last
	Less     int               `json:"less"`               // percent that may go at once before a person is asked
	More     int               `json:"more"`               // percent that may come at once
	Private  bool              `json:"private,omitempty"`  // it may be on this machine or in a private network
	Plain    bool              `json:"plain,omitempty"`    // http will do
}

// Shown is what the public reads.
func (s Source) Shown() string {
	if s.Title == "" {
		return s.Name
	}
	return s.Title
}

// Usual fills in what is not set.
func (s Source) Usual() Source {
	usual := func(n *int64, to int64) {
		if *n == 0 {
			*n = to
		}
	}
	usual(&s.Every, 60*60)
	usual(&s.Life, 90)
	if s.Less == 0 {
		s.Less = 20
	}
	if s.More == 0 {
		s.More = 100
	}
	if s.Trust == "" {
		s.Trust = Queue
	}
	if s.Rule == "" {
		s.Rule = Every
	}
	if s.Preset.Meaning == "" {
		s.Preset.Meaning = feed.Full
	}
	return s
}

var plainName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$`)

// check tells what is wrong with a source.
func (s Source) check() error {
	wrong := func(what string) error { return fmt.Errorf("%w: %s", ErrConfig, what) }
	switch {
	case !plainName.MatchString(s.Name):
		return wrong("its name has at most 40 small letters, digits and hyphens")
	case len(s.Title) > 80 || !utf8.ValidString(s.Title) || strings.ContainsFunc(s.Title, func(r rune) bool { return !unicode.IsPrint(r) || r == ',' }) || s.Title != strings.TrimSpace(s.Title):
		return wrong("its title has at most 80 letters, no comma, and no signs that nobody sees")
	case s.Every < 60 || s.Every > 31*day:
		return wrong("it is asked once a minute at most, and once a month at least")
	case s.Life < 1 || s.Life > 3650:
		return wrong("a claim stands for a day at least, and ten years at most")
	case s.Less < 1 || s.Less > 100 || s.More < 1 || s.More > 100_000:
		return wrong("how much may go and come is a share in percent")
	case s.Trust != Queue && s.Trust != List:
		return wrong("its trust is queue or list")
	case s.Rule != Every && s.Rule != Second && s.Rule != Sure:
		return wrong("its rule is every, second or sure")
	case s.Category < 0 || s.Category >= category.Limit:
		return wrong("there is no such category")
	case s.TLP != "" && s.TLP != feed.Clear && s.TLP != feed.Green && s.TLP != feed.Amber && s.TLP != feed.AmberStrict:
		return wrong("its TLP is clear, green, amber or amber+strict")
	}
	if err := s.Preset.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	switch s.Preset.Meaning {
	case feed.Full, feed.Window, feed.Append, feed.Explicit:
	default:
		return wrong("what is missing in a list means full, window, append or explicit")
	}
	if !s.remote() {
		if !filepath.IsAbs(s.Address) {
			return wrong("its address is https://…, or the whole path of a file or a folder")
		}
		return nil
	}
	u, err := url.Parse(s.Address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || len(s.Address) > 2048:
		return wrong("its address can't be read, or has a password in it: keep that with its credentials")
	case u.Scheme == "http" && !s.Plain:
		return wrong("it is asked by http, which anybody on the way can change: allow it, or use https")
	}
	return nil
}

// remote tells whether a source is fetched from a server.
func (s Source) remote() bool {
	return strings.HasPrefix(s.Address, "https://") || strings.HasPrefix(s.Address, "http://")
}

// reads is what of a source decides what its list comes to.
func (s Source) reads() string {
	text, _ := json.Marshal(Source{Address: s.Address, Preset: s.Preset, TLP: s.TLP, Life: s.Life}) // as it was written before
	return string(text)
}

// server is where a source is asked; empty for a file.
func (s Source) server() string {
	u, err := url.Parse(s.Address)
	if err != nil || !s.remote() {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Status is a source, and how it does.
type Status struct {
	Source
	ID        int64
	Secret    bool  // whether it has credentials
	Added     int64 // Unix seconds, as all that follow
	Paused    int64 // 0 is not
	Removed   int64 // 0 is not
	Unsettled bool  // what follows from a change of it is not all in the ledger yet
	Taken     int64 // when its list was last taken
	News      int64 // when it last had something new
	Tried     int64
	Next      int64 // when it is asked next; 0 where it is not
	Failures  int
	Trouble   string // why the last attempt failed
	Silent    bool   // it had nothing new for seven days
	Claims    int    // that stand
	Waiting   int64  // the run that waits for a person; 0 for none

	tag, modified, pin, cursor, digest string
	base, wait, unsettled              int64
	secret                             []byte
}

// How says in a word how it does: removed, paused, waits (for a person), fails, new (not asked yet) or runs.
func (s Status) How() string {
	switch {
	case s.Removed != 0:
		return "removed"
	case s.Paused != 0:
		return "paused"
	case s.Waiting != 0:
		return "waits"
	case s.Failures > 0:
		return "fails"
	case s.Taken == 0:
		return "new"
	}
	return "runs"
}

// day is in seconds.
const day = 24 * 60 * 60

// Exchange is safe for concurrent use, by several processes too.
type Exchange struct {
	db      *db.DB
	ledger  *ledger.Ledger
	protect func() (*publish.Protection, error)
	now     func() time.Time
	why     audit.Why // of what is done
	folder  string    // in which files lie

	figures      *figures
	roots        *x509.CertPool // nil for those of the machine
	quiet, whole time.Duration  // how long a server may say nothing, and a list may take
}

//go:embed tables/*.sql
var files embed.FS

// Tables are what it keeps in the office's database.
var Tables = db.Tables{Package: "exchange", Files: files}

// Open opens the exchange in a database that has its tables, those of the ledger and the audit log. Files lie in the
// folder of the database. Protect is what may not be listed.
func Open(office *db.DB, protect func() (*publish.Protection, error)) *Exchange {
	return &Exchange{db: office, ledger: ledger.Open(office), protect: protect, now: time.Now, folder: office.Beside("exchange"), quiet: maxQuiet, whole: maxWhole, figures: &figures{}}
}

// Because is the exchange with what the log is told of why something is done, and by which passkey it was confirmed.
func (x *Exchange) Because(why audit.Why) *Exchange {
	with := *x
	with.why = why
	return &with
}

func (x *Exchange) unix() int64 { return x.now().Unix() }

// Add adds a source, which says nothing before it was run.
func (x *Exchange) Add(ctx context.Context, actor string, s Source) error {
	s = s.Usual()
	if err := s.check(); err != nil {
		return err
	}
	return x.change(ctx, actor, audit.AddSource, s.Name, func(tx *sql.Tx) error {
		if err := x.unnamed(ctx, tx, s); err != nil {
			return err
		}
		config, err := json.Marshal(s)
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO source (name, config, added) VALUES (?, ?, ?)`, s.Name, string(config), x.unix())
		}
		return err
	})
}

// unnamed is ErrExists where another source has the name, or is shown under the same.
func (x *Exchange) unnamed(ctx context.Context, tx *sql.Tx, s Source) error {
	all, err := sources(ctx, tx)
	for _, other := range all {
		if strings.EqualFold(other.Name, s.Name) || strings.EqualFold(other.Shown(), s.Shown()) {
			return ErrExists
		}
	}
	return err
}

// change is a change of the office, with its act.
func (x *Exchange) change(ctx context.Context, actor string, verb audit.Verb, name string, f func(*sql.Tx) error) error {
	return x.db.Change(ctx, func(tx *sql.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Act{Time: x.unix(), Actor: actor, Verb: verb, Object: audit.Object{Kind: audit.OfSource, ID: name}, Why: x.why})
	})
}

const selectSource = `SELECT id, config, secret, added, paused, removed, unsettled, tag, modified, pin, cursor, digest, base, taken, news, tried, wait, failures, trouble,
	coalesce((SELECT max(id) FROM run WHERE run.source = source.id AND state = 'waiting'), 0) FROM source`

func (x *Exchange) scan(row db.Row) (s Status, err error) {
	if s, err = scanSource(row); err != nil {
		return s, err
	}
	if s.Paused == 0 && s.Removed == 0 {
		s.Next = s.Tried + s.wait
	}
	s.Silent = s.Paused == 0 && s.Removed == 0 && x.unix()-max(s.News, s.Added) > silence
	return s, nil
}

// silence is after how many seconds without anything new somebody should look.
const silence = 7 * day

func scanSource(row db.Row) (s Status, err error) {
	var config string
	err = row.Scan(&s.ID, &config, &s.secret, &s.Added, &s.Paused, &s.Removed, &s.unsettled, &s.tag, &s.modified, &s.pin, &s.cursor, &s.digest, &s.base, &s.Taken, &s.News,
		&s.Tried, &s.wait, &s.Failures, &s.Trouble, &s.Waiting)
	if errors.Is(err, sql.ErrNoRows) {
		return s, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal([]byte(config), &s.Source)
	}
	s.Unsettled = s.unsettled > 0
	s.Secret = len(s.secret) > 0
	return s, err
}

func sources(ctx context.Context, q db.Reader) ([]Status, error) {
	return db.All(scanSource)(q.QueryContext(ctx, selectSource+` ORDER BY name`))
}

func (x *Exchange) get(ctx context.Context, q db.Reader, name string) (Status, error) {
	return x.scan(q.QueryRowContext(ctx, selectSource+` WHERE name = ?`, name))
}

// Get returns a source, or ErrNotFound.
func (x *Exchange) Get(ctx context.Context, name string) (Status, error) {
	s, err := x.get(ctx, x.db, name)
	if err == nil {
		err = x.db.QueryRowContext(ctx, `SELECT count(*) FROM claim WHERE source = ? AND gone = 0`, s.ID).Scan(&s.Claims)
	}
	return s, err
}

// List returns all sources by their names, those that were removed too. It does not count their claims.
func (x *Exchange) List(ctx context.Context) ([]Status, error) {
	return db.All(x.scan)(x.db.QueryContext(ctx, selectSource+` ORDER BY name`))
}

// Edit sets what a person has changed of a source. What follows for what it says comes at once: see Leaves for how
// much leaves the list where it is trusted less. At another server its credentials are not used.
func (x *Exchange) Edit(ctx context.Context, actor string, s Source) error {
	s = s.Usual()
	if err := s.check(); err != nil {
		return err
	}
	settles := false
	err := x.change(ctx, actor, audit.EditSource, s.Name, func(tx *sql.Tx) error {
		was, err := x.get(ctx, tx, s.Name)
		if err != nil {
			return err
		}
		if s.Shown() != was.Shown() {
			if err := x.unnamed(ctx, tx, Source{Name: "\x00", Title: s.Shown()}); err != nil {
				return err
			}
		}
		settles = s.Trust != was.Trust || s.Rule != was.Rule || s.Shown() != was.Shown() || s.Category != was.Category
		config, err := json.Marshal(s)
		if err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, `UPDATE source SET config = ? WHERE id = ?`, string(config), was.ID); err != nil {
			return err
		}
		if s.Every != was.Every {
			if _, err = tx.ExecContext(ctx, `UPDATE source SET wait = ? WHERE id = ?`, waits(s.Every, was.Failures), was.ID); err != nil {
				return err
			}
		}
		if s.Address != was.Address { // what is there has another server
			if _, err = tx.ExecContext(ctx, `UPDATE source SET pin = '' WHERE id = ?`, was.ID); err != nil {
				return err
			}
		}
		if s.reads() != was.reads() { // all of it is to be read, whatever the server has sent before
			if _, err = tx.ExecContext(ctx, `UPDATE source SET tag = '', modified = '', cursor = '' WHERE id = ?`, was.ID); err != nil {
				return err
			}
		}
		if s.server() != was.server() { // who gave the credentials did not give them to another
			if _, err = tx.ExecContext(ctx, `UPDATE source SET secret = ? WHERE id = ?`, []byte{}, was.ID); err != nil {
				return err
			}
		}
		return x.unsettle(ctx, tx, actor, was, settles)
	})
	if err == nil && settles {
		err = x.Settle(ctx, s.Name)
	}
	return err
}

// Pause has a source not be asked by itself. What it says stands until it lapses.
func (x *Exchange) Pause(ctx context.Context, actor, name string) error {
	return x.mark(ctx, actor, audit.PauseSource, name, "paused", x.unix(), false)
}

// Resume ends that.
func (x *Exchange) Resume(ctx context.Context, actor, name string) error {
	return x.mark(ctx, actor, audit.ResumeSource, name, "paused", 0, false)
}

// Remove takes back what a source says, as if it said nothing: what stands through it alone leaves the list (Leaves
// says how much that is). Restore undoes it.
func (x *Exchange) Remove(ctx context.Context, actor, name string) error {
	return x.mark(ctx, actor, audit.RemoveSource, name, "removed", x.unix(), true)
}

// Restore has what a removed source said stand again.
func (x *Exchange) Restore(ctx context.Context, actor, name string) error {
	return x.mark(ctx, actor, audit.RestoreSource, name, "removed", 0, true)
}

func (x *Exchange) mark(ctx context.Context, actor string, verb audit.Verb, name, column string, at int64, settles bool) error {
	err := x.change(ctx, actor, verb, name, func(tx *sql.Tx) error {
		s, err := x.get(ctx, tx, name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE source SET `+column+` = ? WHERE id = ?`, at, s.ID); err != nil {
			return err
		}
		return x.unsettle(ctx, tx, actor, s, settles)
	})
	if err == nil && settles {
		err = x.Settle(ctx, name)
	}
	return err
}
