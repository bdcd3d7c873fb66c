package partner

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/triage"
)

// Errors of those who ask for something that is not so.
var (
	ErrNotFound = errors.New("there is no such partner")
	ErrProposed = errors.New("something else is proposed about this partner: it is agreed on, or stopped, first")
	ErrNothing  = errors.New("this is no proposal that waits")
	ErrSame     = errors.New("another person must agree than who has proposed it, or agreed already")
	ErrEnded    = errors.New("the agreement is over: propose a new one")
	ErrChanged  = errors.New("the agreement is not what it was when this was proposed: propose it anew")
	ErrName     = errors.New("the name of a partner stays: end the agreement, and make another")
)

// Store keeps agreements, what is proposed, and keys. It is safe for concurrent use, by several processes too.
type Store struct {
	db     *db.DB
	desk   *triage.Desk
	now    func() time.Time
	secret string // the file of the secret from which those of partners come

	mu    sync.Mutex
	paces map[int64]*rate.Limiter // of keys
}

//go:embed tables/*.sql
var files embed.FS

// Tables are what it keeps in the office's database.
var Tables = db.Tables{Package: "partner", Files: files}

// Open opens the store in a database that has its tables and those of the desk, whose audit log its acts go to.
func Open(office *db.DB, desk *triage.Desk) *Store {
	return &Store{db: office, desk: desk, now: time.Now, secret: office.Beside("partners.key"), paces: map[int64]*rate.Limiter{}}
}

// Standing is an agreement as it stands.
type Standing struct {
	Agreement
	Version int
	Agreed  int64    // Unix seconds
	People  []string // who proposed it, and who agreed
	Ended   int64    // Unix seconds since when it holds no more, whatever its last day says; 0 is not
}

// Stands tells whether it holds at now, in Unix seconds.
func (s Standing) Stands(now int64) bool { return s.Ended == 0 && s.Agreement.Stands(now) }

// Early tells whether its first day is still to come, at now in Unix seconds.
func (s Standing) Early(now int64) bool {
	begins, err := day(s.From)
	return err == nil && now < begins.Unix()
}

// Text is the agreement as Parse reads it.
func (a Agreement) Text() string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(a); err != nil {
		panic(err) // texts, numbers and lists of them
	}
	return b.String()
}

const selectStanding = `SELECT config, version, agreed, people, ended FROM agreement AS a WHERE version = (SELECT max(version) FROM agreement AS b WHERE b.name = a.name)`

func scanStanding(row db.Row) (s Standing, err error) {
	var config, people string
	if err = row.Scan(&config, &s.Version, &s.Agreed, &people, &s.Ended); err == nil {
		err = errors.Join(json.Unmarshal([]byte(config), &s.Agreement), json.Unmarshal([]byte(people), &s.People))
	}
	return s, err
}

// List returns the agreements, by the names of the partners.
func (b *Store) List(ctx context.Context) ([]Standing, error) {
	list, err := db.All(scanStanding)(b.db.QueryContext(ctx, selectStanding+` ORDER BY name`))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the agreements: %w", err)
	}
	return list, nil
}

// Get returns the agreement with a partner, or ErrNotFound.
func (b *Store) Get(ctx context.Context, name string) (Standing, error) { return get(ctx, b.db, name) }

func get(ctx context.Context, q db.Reader, name string) (Standing, error) {
	s, err := scanStanding(q.QueryRowContext(ctx, selectStanding+` AND name = ?`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return s, ErrNotFound
	}
	if err != nil {
		return s, fmt.Errorf("couldn't read the agreement: %w", err)
	}
	return s, nil
}

// Proposal is what one person wants to be agreed with a partner.
type Proposal struct {
	ID int64
	Agreement
	Base   int // the version that it changes; 0 is none
	By     string
	Shell  bool  // on the command line, by whoever that is
	Made   int64 // Unix seconds
	Agreed []string
}

// Needs is how many more people must agree: one other than who proposed it. Whoever has the command line may be anybody
// of the console, so that two people there must agree to what it proposes.
func (p Proposal) Needs() int {
	if p.Shell {
		return 2 - len(p.Agreed)
	}
	return 1 - len(p.Agreed)
}

const selectProposal = `SELECT id, config, base, actor, shell, made, agreed FROM agreement_proposal WHERE done = 0`

func scanProposal(row db.Row) (p Proposal, err error) {
	var config, agreed string
	if err = row.Scan(&p.ID, &config, &p.Base, &p.By, &p.Shell, &p.Made, &agreed); err == nil {
		err = errors.Join(json.Unmarshal([]byte(config), &p.Agreement), json.Unmarshal([]byte(agreed), &p.Agreed))
	}
	return p, err
}

// Proposals returns what waits for people to agree, the oldest first.
func (b *Store) Proposals(ctx context.Context) ([]Proposal, error) {
	list, err := db.All(scanProposal)(b.db.QueryContext(ctx, selectProposal+` ORDER BY id`))
	if err != nil {
		return nil, fmt.Errorf("couldn't read what is proposed: %w", err)
	}
	return list, nil
}

// Actor is who does something: a person of the console, or whoever has the command line.
type Actor struct {
	Name  string
	Shell bool
	Alone bool // one person runs all of it: there is nobody else to agree
	Why   audit.Why
}

func (a Actor) act(verb audit.Verb, name string, now int64) audit.Act {
	return audit.Act{Time: now, Actor: a.Name, Verb: verb, Object: audit.Object{Kind: audit.OfPartner, ID: name}, Why: a.Why}
}

// Propose proposes an agreement, or a change of one. Where one person runs all of it, it holds at once, and the proposal
// that is returned is the zero value.
func (b *Store) Propose(ctx context.Context, by Actor, a Agreement) (p Proposal, err error) {
	if err := a.Check(); err != nil {
		return p, err
	}
	config, err := json.Marshal(a)
	if err != nil {
		return p, err
	}
	now := b.now().Unix()
	err = b.desk.Recorded(ctx, func(tx *sql.Tx) ([]audit.Act, error) {
		was, err := get(ctx, tx, a.Name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if by.Alone {
			act := by.act(audit.AgreePartner, a.Name, now)
			act.Args.Alone = true
			return []audit.Act{act}, keep(ctx, tx, a.Name, string(config), was.Version, []string{by.Name}, now)
		}
		p = Proposal{Agreement: a, Base: was.Version, By: by.Name, Shell: by.Shell, Made: now}
		err = tx.QueryRowContext(ctx, `INSERT INTO agreement_proposal (name, config, base, actor, shell, made) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) WHERE done = 0 DO NOTHING RETURNING id`,
			a.Name, string(config), p.Base, p.By, p.Shell, now).Scan(&p.ID)
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrProposed
		}
		return []audit.Act{by.act(audit.ProposePartner, a.Name, now)}, err
	})
	if err != nil {
		return Proposal{}, fmt.Errorf("couldn't propose the agreement: %w", err)
	}
	return p, nil
}

// keep makes a version of an agreement the one that counts.
func keep(ctx context.Context, tx *sql.Tx, name, config string, base int, people []string, now int64) error {
	who, err := json.Marshal(people)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO agreement (name, version, config, agreed, people) VALUES (?, ?, ?, ?, ?)`, name, base+1, config, now, string(who))
	return err
}

// Agree agrees to what another has proposed; it holds as soon as nobody else must agree. It tells how many still must.
func (b *Store) Agree(ctx context.Context, by Actor, id int64) (needs int, err error) {
	now := b.now().Unix()
	err = b.desk.Recorded(ctx, func(tx *sql.Tx) ([]audit.Act, error) {
		p, err := proposal(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if by.Shell || by.Name == p.By || slices.Contains(p.Agreed, by.Name) {
			return nil, ErrSame
		}
		was, err := get(ctx, tx, p.Name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if was.Version != p.Base {
			return nil, ErrChanged
		}
		p.Agreed = append(p.Agreed, by.Name)
		act := by.act(audit.AgreePartner, p.Name, now)
		act.Args.By = p.By
		if needs = p.Needs(); needs > 0 {
			agreed, err := json.Marshal(p.Agreed)
			if err == nil {
				_, err = tx.ExecContext(ctx, `UPDATE agreement_proposal SET agreed = ? WHERE id = ?`, string(agreed), id)
			}
			return []audit.Act{act}, err
		}
		config, err := json.Marshal(p.Agreement)
		if err == nil {
			err = keep(ctx, tx, p.Name, string(config), p.Base, append([]string{p.By}, p.Agreed...), now)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE agreement_proposal SET done = ? WHERE id = ?`, now, id)
		}
		return []audit.Act{act}, err
	})
	if err != nil {
		return 0, fmt.Errorf("couldn't agree: %w", err)
	}
	return needs, nil
}

func proposal(ctx context.Context, tx *sql.Tx, id int64) (Proposal, error) {
	p, err := scanProposal(tx.QueryRowContext(ctx, selectProposal+` AND id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNothing
	}
	return p, err
}

// Stop takes a proposal away: one person can, whoever made it.
func (b *Store) Stop(ctx context.Context, by Actor, id int64) error {
	now := b.now().Unix()
	err := b.desk.Recorded(ctx, func(tx *sql.Tx) ([]audit.Act, error) {
		p, err := proposal(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, `UPDATE agreement_proposal SET done = ? WHERE id = ?`, now, id)
		act := by.act(audit.StopPartner, p.Name, now)
		act.Args.By = p.By
		return []audit.Act{act}, err
	})
	if err != nil {
		return fmt.Errorf("couldn't stop the proposal: %w", err)
	}
	return nil
}

// End ends an agreement at once: one person can, since nothing more leaves by it. It begins again as a new version, by
// two people.
func (b *Store) End(ctx context.Context, by Actor, name string) error {
	now := b.now().Unix()
	err := b.desk.Recorded(ctx, func(tx *sql.Tx) ([]audit.Act, error) {
		was, err := get(ctx, tx, name)
		if err == nil && was.Ended != 0 {
			err = ErrEnded
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE agreement SET ended = ? WHERE name = ? AND version = ?`, now, name, was.Version)
		}
		return []audit.Act{by.act(audit.EndPartner, name, now)}, err
	})
	if err != nil {
		return fmt.Errorf("couldn't end the agreement: %w", err)
	}
	return nil
}
