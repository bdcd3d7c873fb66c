package partner

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/time/rate"

	"khien/server/audit"
	"khien/server/blob"
	"khien/server/db"
)

// Errors of keys.
var (
	// ErrKey is a key that there is not, or that is good no more: revoked, of an agreement that does not hold, or for
	// something else.
	ErrKey = errors.New("this is no key of a partner that is good for this")
	// ErrNoKey is a key that a partner does not have, or that is revoked already.
	ErrNoKey = errors.New("there is no such key of this partner, or it is revoked")
	// ErrBusy is a key by which is asked too often.
	ErrBusy = errors.New("by this key was asked too often")
)

// Scope is what a key is good for.
type Scope string

// The scopes.
const (
	ToRead   Scope = "read"   // collections and files
	ToAnswer Scope = "answer" // what became of notices
)

// How often may be asked by one key: so many times a second, and so many at once.
const (
	pace  = 20
	burst = 200
)

// keyPrefix begins every key, so that whoever finds one knows what it is.
const keyPrefix = "khien_"

// Key is one by which a partner is known. It itself is shown once, when it is made.
type Key struct {
	ID      int64
	Partner string
	Scope   Scope
	Made    int64 // Unix seconds
	By      string
	Revoked int64 // Unix seconds; 0 is not
}

// MakeKey makes a key of a partner with whom something is agreed, and returns it: it is kept nowhere.
func (b *Store) MakeKey(ctx context.Context, by Actor, name string, scope Scope) (key string, err error) {
	if scope != ToRead && scope != ToAnswer {
		return "", fmt.Errorf("a key is to %s or to %s", ToRead, ToAnswer)
	}
	random := make([]byte, 32)
	rand.Read(random)
	key = keyPrefix + base64.RawURLEncoding.EncodeToString(random)
	now := b.now().Unix()
	err = b.desk.Recorded(ctx, func(tx *sql.Tx) ([]audit.Act, error) {
		was, err := get(ctx, tx, name)
		if err == nil && was.Ended != 0 {
			err = ErrEnded
		}
		if err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO partner_key (name, digest, scope, made, actor) VALUES (?, ?, ?, ?, ?)`, name, digestOf(key), string(scope), now, by.Name)
		return []audit.Act{by.act(audit.MakePartnerKey, name, now)}, err
	})
	if err != nil {
		return "", fmt.Errorf("couldn't make a key: %w", err)
	}
	return key, nil
}

func digestOf(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

const selectKey = `SELECT id, name, scope, made, actor, revoked FROM partner_key`

func scanKey(row db.Row) (k Key, err error) {
	return k, row.Scan(&k.ID, &k.Partner, &k.Scope, &k.Made, &k.By, &k.Revoked)
}

// Keys returns the keys of a partner, the oldest first.
func (b *Store) Keys(ctx context.Context, name string) ([]Key, error) {
	list, err := db.All(scanKey)(b.db.QueryContext(ctx, selectKey+` WHERE name = ? ORDER BY id`, name))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the keys: %w", err)
	}
	return list, nil
}

// Revoke makes a key of a partner good for nothing, at once.
func (b *Store) Revoke(ctx context.Context, by Actor, name string, id int64) error {
	now := b.now().Unix()
	err := b.desk.Recorded(ctx, func(tx *sql.Tx) ([]audit.Act, error) {
		k, err := scanKey(tx.QueryRowContext(ctx, selectKey+` WHERE id = ? AND name = ? AND revoked = 0`, id, name))
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNoKey
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE partner_key SET revoked = ? WHERE id = ?`, now, id)
		}
		return []audit.Act{by.act(audit.RevokePartnerKey, k.Partner, now)}, err
	})
	if err != nil {
		return fmt.Errorf("couldn't revoke the key: %w", err)
	}
	return nil
}

// maxAuthorization bounds a header of a request, in bytes.
const maxAuthorization = 1024

// Credentials reads a header Authorization: Basic with the partner's name and the key, Bearer or Token with the key.
// The name is empty where none is said; ok is false for what is none of these.
func Credentials(authorization string) (name, key string, ok bool) {
	if len(authorization) > maxAuthorization {
		return "", "", false
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "bearer", "token":
		return "", rest, strings.HasPrefix(rest, keyPrefix)
	case "basic":
		plain, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return "", "", false
		}
		name, key, _ = strings.Cut(string(plain), ":")
		return name, key, name != "" && strings.HasPrefix(key, keyPrefix)
	}
	return "", "", false
}

// Admit tells which partner's key a header Authorization carries, if it is good for something now. Its errors are ErrKey
// and ErrBusy, and what the database says.
func (b *Store) Admit(ctx context.Context, authorization string, scope Scope) (s Standing, err error) {
	name, key, ok := Credentials(authorization)
	if !ok {
		return s, ErrKey
	}
	k, err := scanKey(b.db.QueryRowContext(ctx, selectKey+` WHERE digest = ? AND revoked = 0`, digestOf(key)))
	if errors.Is(err, sql.ErrNoRows) {
		return s, ErrKey
	}
	if err != nil {
		return s, fmt.Errorf("couldn't read the keys: %w", err)
	}
	if name != "" && name != k.Partner || k.Scope != scope {
		return s, ErrKey
	}
	if s, err = b.Get(ctx, k.Partner); err != nil {
		return s, err
	}
	if !s.Stands(b.now().Unix()) {
		return Standing{}, ErrKey
	}
	if !b.paceOf(k.ID).AllowN(b.now(), 1) {
		return Standing{}, ErrBusy
	}
	return s, nil
}

func (b *Store) paceOf(id int64) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.paces[id] == nil {
		b.paces[id] = rate.NewLimiter(pace, burst)
	}
	return b.paces[id]
}

// Digests is the key by which what a partner may only compare is digested: HMAC-SHA-256. It comes from a secret of this
// installation (RFC 5869), is another for each partner, and is made known to the partner alone.
func (b *Store) Digests(name string) ([]byte, error) {
	secret, err := b.secrets()
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, secret, nil, "khien numbers\n"+name, 32)
}

// Webhook is the secret by which what is sent to a partner is signed. It is made as Digests is, and is another one.
func (b *Store) Webhook(name string) ([]byte, error) {
	secret, err := b.secrets()
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, secret, nil, "khien webhook\n"+name, 32)
}

const maxSecret = 4096

// secrets is the secret from which those of partners come. It lies in the data directory and not in the database.
func (b *Store) secrets() ([]byte, error) {
	text, err := blob.ReadPlain(b.secret, maxSecret)
	if errors.Is(err, fs.ErrNotExist) {
		random := make([]byte, 32)
		rand.Read(random)
		text = []byte(base64.RawStdEncoding.EncodeToString(random) + "\n")
		aside := fmt.Sprintf("%s.%d", b.secret, os.Getpid())
		if err = blob.WritePlain(aside, text); err == nil {
			err = os.Link(aside, b.secret) // whoever is faster has made it, and it is never another
			os.Remove(aside)
		}
		if err == nil || errors.Is(err, fs.ErrExist) {
			text, err = blob.ReadPlain(b.secret, maxSecret)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the secret of the partners: %w", err)
	}
	secret, err := base64.RawStdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != 32 {
		return nil, errors.New("the secret of the partners, partners.key in the data directory, is damaged: bring it back from a backup, or move it away and tell " +
			"every partner its new key (khien partner show NAME)")
	}
	return secret, nil
}
