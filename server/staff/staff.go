// Package staff knows who may enter the console, as what, and by which passkeys.
//
// Nobody has a password. A person is invited by a link that is good once and for a day; behind it the browser makes a
// passkey, and that is how the person comes in from then on. More passkeys only the person makes. Who has left stays on
// record and comes in no more.
//
// Nobody gives a say to anybody alone: see two.go.
package staff

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"khien/server/db"
)

var (
	// ErrNotFound is a person, a passkey or an invitation that there is not, or no more.
	ErrNotFound = errors.New("nobody of this name, or not any more")
	// ErrName is a name that nobody may have.
	ErrName = errors.New("a name is 2 to 32 small letters, digits, dots and dashes, a letter first")
	// ErrRole is a role that there is not.
	ErrRole = errors.New("no such role")
	// ErrLast is a change after which there is no admin.
	ErrLast = errors.New("somebody must be an admin, who may invite others")
	// ErrTaken is a passkey that somebody has already.
	ErrTaken = errors.New("somebody has this passkey already: each person needs one of their own")
	// ErrLastPasskey is the removal of the passkey without which a person could not come in.
	ErrLastPasskey = errors.New("a person must have a passkey")
)

// Role is what a person may do.
type Role string

// The roles.
const (
	Liaison    Role = "liaison"    // speaks with reporters and platforms
	Maintainer Role = "maintainer" // decides and publishes
	Approver   Role = "approver"   // a maintainer who may second
	Auditor    Role = "auditor"    // sees all, changes nothing
	Admin      Role = "admin"      // says who may enter
)

// Roles lists them, as they are shown.
var Roles = []Role{Liaison, Maintainer, Approver, Auditor, Admin}

// Right is one thing that a role allows.
type Right string

// The rights. Whoever may enter may see the queue and the cases.
const (
	Ask      Right = "ask"      // ask for more about a case
	Decide   Right = "decide"   // accept, reject, merge, split, undo
	Second   Right = "second"   // agree to what another has proposed
	Publish  Right = "publish"  // make a release
	Takedown Right = "takedown" // write to platforms
	Answer   Right = "answer"   // answer an appeal
	Campaign Right = "campaign" // write advice cards
	Audit    Right = "audit"    // read and export the audit log
	Invite   Right = "invite"   // propose who may enter, and as what; suspend and remove
	Vouch    Right = "vouch"    // confirm what another has proposed of that
)

var allowed = map[Role][]Right{
	Liaison:    {Ask, Takedown, Campaign},
	Maintainer: {Ask, Decide, Publish, Takedown, Answer, Campaign, Vouch},
	Approver:   {Ask, Decide, Second, Publish, Takedown, Answer, Campaign, Audit, Vouch},
	Auditor:    {Audit},
	Admin:      {Audit, Invite, Vouch},
}

// weighty are the rights that wait with whoever is new.
var weighty = []Right{Decide, Second, Publish, Answer, Invite, Vouch}

// May tells whether a role allows something.
func (r Role) May(what Right) bool { return slices.Contains(allowed[r], what) }

// Weighs tells whether a role has a say: it decides, agrees, publishes, or says who may enter.
func (r Role) Weighs() bool {
	return slices.ContainsFunc(allowed[r], func(right Right) bool { return slices.Contains(weighty, right) })
}

// Known tells whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles, r) }

// Person is somebody who may enter. It is a webauthn.User.
type Person struct {
	Handle    []byte
	Name      string
	Role      Role
	Made      int64 // Unix seconds
	Left      int64 // Unix seconds; 0 while the person may enter
	Suspended int64 // Unix seconds; 0 while the person may enter
	Counts    int64 // Unix seconds from which the person's word counts; 0 where no passkey was ever made
	Term      int64 // another one with each change of what the person is here
	Passkeys  []webauthn.Credential
}

// In tells whether a person may enter.
func (p Person) In() bool { return p.Left == 0 && p.Suspended == 0 }

// Waits is when the word of somebody who is new begins to count, in Unix seconds; 0 where it does.
func (p Person) Waits(now int64) int64 {
	if !p.Role.Weighs() || now >= p.Counts {
		return 0
	}
	return p.Counts
}

// May tells whether a person may do something now: what the role allows, and where that weighs, not before their word
// counts.
func (p Person) May(what Right, now int64) bool {
	return p.In() && p.Role.May(what) && (p.Waits(now) == 0 || !slices.Contains(weighty, what))
}

func (p Person) WebAuthnID() []byte                         { return p.Handle }
func (p Person) WebAuthnName() string                       { return p.Name }
func (p Person) WebAuthnDisplayName() string                { return p.Name }
func (p Person) WebAuthnCredentials() []webauthn.Credential { return p.Passkeys }

// invitationLife is how long a link is good, in seconds.
const invitationLife = 24 * 60 * 60

// Store is where people are kept. It is safe for concurrent use, by several processes too.
type Store struct{ db *db.DB }

//go:embed tables/*.sql
var files embed.FS

// Tables are what it keeps in the office's database.
var Tables = db.Tables{Package: "staff", Files: files}

// Open opens the store in a database that has its tables.
func Open(office *db.DB) *Store { return &Store{office} }

var names = regexp.MustCompile(`^[a-z][a-z0-9.-]{1,31}$`)

// Check refuses a name that nobody may have, and a role that there is not.
func Check(name string, role Role) error {
	if !names.MatchString(name) {
		return ErrName
	}
	if !role.Known() {
		return ErrRole
	}
	return nil
}

// Another is a link for a person who is in, to make one more passkey on another device. Nobody else may be handed it.
func (b *Store) Another(ctx context.Context, handle []byte) (link string, err error) {
	err = b.db.Change(ctx, func(tx *sql.Tx) error {
		link, err = invitation(ctx, tx, handle)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("couldn't make a link: %w", err)
	}
	return link, nil
}

// invitation makes a link for somebody, the only one that is good.
func invitation(ctx context.Context, tx *sql.Tx, handle []byte) (link string, err error) {
	var secret [32]byte
	rand.Read(secret[:])
	digest := sha256.Sum256(secret[:])
	if _, err := tx.ExecContext(ctx, `DELETE FROM invitation WHERE handle = ?`, handle); err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO invitation (digest, handle, expires) VALUES (?, ?, ?)`, digest[:], handle, time.Now().Unix()+invitationLife)
	return base64.RawURLEncoding.EncodeToString(secret[:]), err
}

// Invited returns whom a link is for, or ErrNotFound.
func (b *Store) Invited(ctx context.Context, link string) (Person, error) {
	digest, err := digestOf(link)
	if err != nil {
		return Person{}, err
	}
	var handle []byte
	err = b.db.QueryRowContext(ctx, `SELECT handle FROM invitation WHERE digest = ? AND expires > ?`, digest, time.Now().Unix()).Scan(&handle)
	if err != nil {
		return Person{}, notFound(err)
	}
	return b.ByHandle(ctx, handle)
}

// Enrol gives the person of a link a passkey, and uses the link up. Where it is the person's first, their word counts
// after Wait: only an admin who is the first of all has nobody who could be told. A passkey that somebody has already
// is ErrTaken.
func (b *Store) Enrol(ctx context.Context, link string, key webauthn.Credential) error {
	digest, err := digestOf(link)
	if err != nil {
		return err
	}
	text, err := json.Marshal(key)
	if err != nil {
		return err
	}
	return b.db.Change(ctx, func(tx *sql.Tx) error {
		now := time.Now().Unix()
		var taken, first, known, invented bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM passkey WHERE id = ? OR credential ->> 'publicKey' = ? ->> 'publicKey')`, key.ID, string(text)).Scan(&taken); err != nil {
			return err
		}
		if taken {
			return ErrTaken
		}
		var p Person
		err := tx.QueryRowContext(ctx, `SELECT handle, role, counts > 0, invented, NOT EXISTS (SELECT 1 FROM passkey WHERE passkey.handle = person.handle) FROM person
			WHERE gone = 0 AND suspended = 0 AND handle = (SELECT handle FROM invitation WHERE digest = ? AND expires > ?)`, digest, now).Scan(&p.Handle, &p.Role, &known, &invented, &first)
		if err != nil {
			return notFound(err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO passkey (id, handle, credential, made) VALUES (?, ?, ?, ?)`, key.ID, p.Handle, string(text), now); err != nil {
			return err
		}
		if first {
			var others bool
			if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM person WHERE counts > 0 AND handle <> ?)`, p.Handle).Scan(&others); err != nil {
				return err
			}
			counts := now + Wait
			switch {
			case invented:
				counts = 1
			case p.Role == Admin && !others && !known:
				counts = now
			}
			if _, err := tx.ExecContext(ctx, `UPDATE person SET counts = ?, term = term + 1 WHERE handle = ?`, counts, p.Handle); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM invitation WHERE digest = ? OR expires <= ?`, digest, now)
		return err
	})
}

func digestOf(link string) ([]byte, error) {
	secret, err := base64.RawURLEncoding.DecodeString(link)
	if err != nil || len(secret) != 32 {
		return nil, ErrNotFound
	}
	digest := sha256.Sum256(secret)
	return digest[:], nil
}

// Passkey is one that a person has made.
type Passkey struct {
	ID         []byte
	Made, Used int64 // Unix seconds; 0 where it was never used
}

// Passkeys are those of a person, the oldest first.
func (b *Store) Passkeys(ctx context.Context, handle []byte) ([]Passkey, error) {
	list, err := db.All(func(row db.Row) (k Passkey, err error) {
		return k, row.Scan(&k.ID, &k.Made, &k.Used)
	})(b.db.QueryContext(ctx, `SELECT id, made, used FROM passkey WHERE handle = ? ORDER BY made, id`, handle))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the passkeys: %w", err)
	}
	return list, nil
}

// NotBeside are the passkeys that may not lie on the device, or in the key chain, where somebody makes another: their
// own, and those of everybody else, for each person has one of their own. In an invented installation, which one person
// tries out, they are their own alone.
func (b *Store) NotBeside(ctx context.Context, handle []byte) (keys webauthn.Credentials, err error) {
	rows, err := b.db.QueryContext(ctx, `SELECT credential FROM passkey WHERE handle = ?1 OR (SELECT invented FROM person WHERE handle = ?1) = 0`, handle)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the passkeys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var key webauthn.Credential
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &key); err != nil {
			return nil, fmt.Errorf("couldn't read a passkey: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// Forget removes a passkey of a person, but not the last one: ErrLastPasskey. A link to another one is void: whoever
// has the lost device may have made it there.
func (b *Store) Forget(ctx context.Context, handle, id []byte) error {
	return b.db.Change(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `DELETE FROM passkey WHERE handle = ? AND id = ?`, handle, id)
		if err != nil {
			return err
		}
		if n, _ := done.RowsAffected(); n != 1 {
			return ErrNotFound
		}
		var left int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM passkey WHERE handle = ?`, handle).Scan(&left); err != nil {
			return err
		}
		if left == 0 {
			return ErrLastPasskey
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM invitation WHERE handle = ?`, handle)
		return err
	})
}

// Used keeps what a passkey said when it was last used, such as its counter.
func (b *Store) Used(ctx context.Context, key webauthn.Credential) error {
	text, err := json.Marshal(key)
	if err != nil {
		return err
	}
	_, err = b.db.ExecContext(ctx, `UPDATE passkey SET credential = ?, used = ? WHERE id = ?`, string(text), time.Now().Unix(), key.ID)
	return err
}

// Entered returns somebody who has come in with a passkey and in a term, or ErrNotFound where the person may enter no
// more, has another term now, or has removed the passkey.
func (b *Store) Entered(ctx context.Context, handle, passkey []byte, term int64) (Person, error) {
	p, err := b.ByHandle(ctx, handle)
	if err != nil {
		return Person{}, err
	}
	if p.Term != term || !slices.ContainsFunc(p.Passkeys, func(k webauthn.Credential) bool { return bytes.Equal(k.ID, passkey) }) {
		return Person{}, ErrNotFound
	}
	return p, nil
}

// ByHandle returns somebody who may enter, or ErrNotFound.
func (b *Store) ByHandle(ctx context.Context, handle []byte) (Person, error) {
	people, err := people(ctx, b.db, ` WHERE handle = ? AND gone = 0 AND suspended = 0`, handle)
	if err != nil {
		return Person{}, err
	}
	if len(people) == 0 {
		return Person{}, ErrNotFound
	}
	return people[0], nil
}

// All returns everybody, those who may enter first.
func (b *Store) All(ctx context.Context) ([]Person, error) {
	return people(ctx, b.db, ` ORDER BY gone, name`)
}

// List returns a page of at most limit people, those who may enter first, and then who has left first.
func (b *Store) List(ctx context.Context, at db.Place, limit int) (db.Page[Person], error) {
	page, err := db.List[Person]{
		Select: selectPerson + ` WHERE 1 = 1`, Order: []string{"gone", "name"}, Scan: scan,
		Key: func(p Person) []any { return []any{p.Left, p.Name} }, Weight: func(p Person) int { return len(p.Name) },
	}.Page(ctx, b.db, at, limit)
	if err != nil {
		err = fmt.Errorf("couldn't read the list of people: %w", err)
	}
	return page, err
}

// Named returns somebody who may enter, or might once, or ErrNotFound.
func (b *Store) Named(ctx context.Context, name string) (Person, error) {
	people, err := people(ctx, b.db, ` WHERE name = ?`, name)
	if err == nil && len(people) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Person{}, err
	}
	return people[0], nil
}

const selectPerson = `SELECT handle, name, role, made, gone, suspended, counts, term,
	(SELECT '[' || coalesce(string_agg(credential, ','), '') || ']' FROM passkey WHERE passkey.handle = person.handle) FROM person`

func scan(row db.Row) (p Person, err error) {
	var keys string
	if err := row.Scan(&p.Handle, &p.Name, &p.Role, &p.Made, &p.Left, &p.Suspended, &p.Counts, &p.Term, &keys); err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(keys), &p.Passkeys); err != nil {
		return p, fmt.Errorf("the passkeys of %s: %w", p.Name, err)
	}
	return p, nil
}

func people(ctx context.Context, q db.Reader, which string, args ...any) ([]Person, error) {
	all, err := db.All(scan)(q.QueryContext(ctx, selectPerson+which, args...))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the list of people: %w", err)
	}
	return all, nil
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}
