// Package staff knows who may enter the console, as what, and by which passkeys.
//
// Nobody has a password. A person is invited by a link that is good once and for a day; behind it the browser makes a
// passkey, and that is how the person comes in from then on. More passkeys only the person makes. Who has left stays on record and comes in no more.
package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"khien/server/sqlite"
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
	Invite   Right = "invite"   // say who may enter, and as what
)

var allowed = map[Role][]Right{
	Liaison:    {Ask, Takedown, Campaign},
	Maintainer: {Ask, Decide, Publish, Takedown, Answer, Campaign},
	Approver:   {Ask, Decide, Second, Publish, Takedown, Answer, Campaign, Audit},
	Auditor:    {Audit},
	Admin:      {Audit, Invite},
}

// May tells whether a role allows something.
func (r Role) May(what Right) bool { return slices.Contains(allowed[r], what) }

// Known tells whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles, r) }

// Person is somebody who may enter. It is a webauthn.User.
type Person struct {
	Handle   []byte
	Name     string
	Role     Role
	Made     int64 // Unix seconds
	Left     int64 // Unix seconds; 0 while the person may enter
	Passkeys []webauthn.Credential
}

func (p Person) WebAuthnID() []byte                         { return p.Handle }
func (p Person) WebAuthnName() string                       { return p.Name }
func (p Person) WebAuthnDisplayName() string                { return p.Name }
func (p Person) WebAuthnCredentials() []webauthn.Credential { return p.Passkeys }

// invitationLife is how long a link is good, in seconds.
const invitationLife = 24 * 60 * 60

// Book is the store of people. It is safe for concurrent use, by several processes too.
type Book struct{ db *sql.DB }

//go:embed migrations/*.sql
var files embed.FS

// Open opens the book in the file at path, making or upgrading it where needed.
func Open(path string) (*Book, error) {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(path, migrations)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the list of people: %w", err)
	}
	return &Book{db}, nil
}

// Close waits for the statements under way.
func (b *Book) Close() error { return b.db.Close() }

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

// Invite lets a person in, and returns the name of the link that is good once; earlier links of the person are not any
// more. Somebody who has a passkey only gets the role, at once, and there is no link: with one, whoever invites could come
// in as that person. Another passkey is for the person alone to make (Another); who has lost theirs leaves and is invited anew.
func (b *Book) Invite(ctx context.Context, name string, role Role) (link string, err error) {
	if err := Check(name, role); err != nil {
		return "", err
	}
	var handle [32]byte
	rand.Read(handle[:])
	err = sqlite.Change(ctx, b.db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO person (handle, name, role, made) VALUES (?1, ?2, ?3, ?4)
			ON CONFLICT (name) DO UPDATE SET role = ?3, left = 0`, handle[:], name, role, time.Now().Unix()); err != nil {
			return err
		}
		var known []byte
		var passkeys int
		if err := tx.QueryRowContext(ctx, `SELECT handle, (SELECT count(*) FROM passkey WHERE passkey.handle = person.handle) FROM person WHERE name = ?`, name).
			Scan(&known, &passkeys); err != nil {
			return err
		}
		if passkeys == 0 {
			if link, err = invitation(ctx, tx, known); err != nil {
				return err
			}
		}
		return someoneInvites(ctx, tx)
	})
	if err != nil {
		return "", fmt.Errorf("couldn't invite %s: %w", name, err)
	}
	return link, nil
}

// Another is a link for a person who is in, to make one more passkey on another device. Nobody else may be handed it.
func (b *Book) Another(ctx context.Context, handle []byte) (link string, err error) {
	err = sqlite.Change(ctx, b.db, func(tx *sql.Tx) error {
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
func (b *Book) Invited(ctx context.Context, link string) (Person, error) {
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

// Enrol gives the person of a link a passkey, and uses the link up.
func (b *Book) Enrol(ctx context.Context, link string, key webauthn.Credential) error {
	digest, err := digestOf(link)
	if err != nil {
		return err
	}
	text, err := json.Marshal(key)
	if err != nil {
		return err
	}
	return sqlite.Change(ctx, b.db, func(tx *sql.Tx) error {
		now := time.Now().Unix()
		done, err := tx.ExecContext(ctx, `INSERT INTO passkey (id, handle, credential, made) SELECT ?, handle, ?, ? FROM invitation WHERE digest = ? AND expires > ?`,
			key.ID, string(text), now, digest, now)
		if err != nil {
			return err
		}
		if n, _ := done.RowsAffected(); n != 1 {
			return ErrNotFound
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
func (b *Book) Passkeys(ctx context.Context, handle []byte) ([]Passkey, error) {
	rows, err := b.db.QueryContext(ctx, `SELECT id, made, used FROM passkey WHERE handle = ? ORDER BY made, id`, handle)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the passkeys: %w", err)
	}
	defer rows.Close()
	var list []Passkey
	for rows.Next() {
		var k Passkey
		if err := rows.Scan(&k.ID, &k.Made, &k.Used); err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, rows.Err()
}

// Forget removes a passkey of a person, but not the last one: ErrLastPasskey.
func (b *Book) Forget(ctx context.Context, handle, id []byte) error {
	return sqlite.Change(ctx, b.db, func(tx *sql.Tx) error {
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
		return nil
	})
}

// Used keeps what a passkey said when it was last used, such as its counter.
func (b *Book) Used(ctx context.Context, key webauthn.Credential) error {
	text, err := json.Marshal(key)
	if err != nil {
		return err
	}
	_, err = b.db.ExecContext(ctx, `UPDATE passkey SET credential = ?, used = ? WHERE id = ?`, string(text), time.Now().Unix(), key.ID)
	return err
}

// ByHandle returns somebody who may enter, or ErrNotFound.
func (b *Book) ByHandle(ctx context.Context, handle []byte) (Person, error) {
	people, err := b.people(ctx, ` WHERE handle = ? AND left = 0`, handle)
	if err != nil {
		return Person{}, err
	}
	if len(people) == 0 {
		return Person{}, ErrNotFound
	}
	return people[0], nil
}

// All returns everybody, those who may enter first.
func (b *Book) All(ctx context.Context) ([]Person, error) {
	return b.people(ctx, ` WHERE ? IS NULL ORDER BY left > 0, name`, nil)
}

func (b *Book) people(ctx context.Context, which string, arg any) ([]Person, error) {
	rows, err := b.db.QueryContext(ctx, `SELECT handle, name, role, made, left,
		(SELECT json_group_array(json(credential)) FROM passkey WHERE passkey.handle = person.handle) FROM person`+which, arg)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the list of people: %w", err)
	}
	defer rows.Close()
	var all []Person
	for rows.Next() {
		var p Person
		var keys string
		if err := rows.Scan(&p.Handle, &p.Name, &p.Role, &p.Made, &p.Left, &keys); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(keys), &p.Passkeys); err != nil {
			return nil, fmt.Errorf("couldn't read the passkeys of %s: %w", p.Name, err)
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// Leave lets somebody in no more: the passkeys and links are gone at once.
func (b *Book) Leave(ctx context.Context, name string) error {
	return sqlite.Change(ctx, b.db, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE person SET left = ? WHERE name = ? AND left = 0`, time.Now().Unix(), name)
		if err != nil {
			return err
		}
		if n, _ := done.RowsAffected(); n != 1 {
			return ErrNotFound
		}
		for _, table := range []string{"passkey", "invitation"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE handle = (SELECT handle FROM person WHERE name = ?)`, name); err != nil {
				return err
			}
		}
		return someoneInvites(ctx, tx)
	})
}

// someoneInvites refuses a change after which there is no admin.
func someoneInvites(ctx context.Context, tx *sql.Tx) error {
	var admins int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM person WHERE left = 0 AND role = 'admin'`).Scan(&admins); err != nil {
		return err
	}
	if admins == 0 {
		return ErrLast
	}
	return nil
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}
