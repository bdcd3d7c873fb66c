package exchange

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"golang.org/x/net/http/httpguts"

	"khien/server/audit"
	"khien/server/blob"
)

// Credentials are what a source wants to know of who asks. They are kept encrypted, with a key that lies in the data
// directory and not in the database, and nothing shows them again.
type Credentials struct {
	Key     string            `json:"key,omitempty"`     // stands for {key} in the address
	Headers map[string]string `json:"headers,omitempty"` // of each request
}

// SetCredentials keeps the credentials of a source; none where they are empty.
func (x *Exchange) SetCredentials(ctx context.Context, actor, name string, c Credentials) error {
	for header, value := range c.Headers {
		if !httpguts.ValidHeaderFieldName(header) || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("%w: a header of the credentials can't be sent", ErrConfig)
		}
	}
	if len(c.Key) > 4096 || strings.ContainsAny(c.Key, "\r\n\x00") {
		return fmt.Errorf("%w: the key of the credentials can't be sent", ErrConfig)
	}
	sealed := []byte{}
	if c.Key != "" || len(c.Headers) > 0 {
		identity, err := x.identity(true)
		if err != nil {
			return err
		}
		text, err := json.Marshal(c)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		w, err := age.Encrypt(&b, identity.Recipient())
		if err == nil {
			_, err = w.Write(text)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return err
		}
		sealed = b.Bytes()
	}
	return x.change(ctx, actor, audit.SetCredentials, name, func(tx *sql.Tx) error {
		s, err := x.get(ctx, tx, name)
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE source SET secret = ? WHERE id = ?`, sealed, s.ID)
		}
		return err
	})
}

// reveal opens the credentials of a source.
func (x *Exchange) reveal(s Status) (c Credentials, err error) {
	if len(s.secret) == 0 {
		return c, nil
	}
	identity, err := x.identity(false)
	if err != nil {
		return c, err
	}
	r, err := age.Decrypt(bytes.NewReader(s.secret), identity)
	if err != nil {
		return c, errors.New("the credentials can't be opened with the key of this data directory: set them again")
	}
	text, err := io.ReadAll(r)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	return c, err
}

// maxKey bounds the file with the key, in bytes.
const maxKey = 4096

// errKey is a key with which nothing can be opened.
var errKey = errors.New("the key to all credentials, exchange/credentials.key in the data directory, is damaged or gone: bring it back from a backup, " +
	"or move what is left of it away and give each source its credentials anew (khien source edit NAME --secret-file FILE)")

// identity is the key to all credentials, or errKey.
func (x *Exchange) identity(make bool) (*age.X25519Identity, error) {
	file := filepath.Join(x.folder, "credentials.key")
	text, err := blob.ReadPlain(file, maxKey)
	if err == nil {
		identity, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
		if err != nil {
			return nil, errKey // and not what is wrong with it, which may be told in a log
		}
		return identity, nil
	}
	if !make || !errors.Is(err, fs.ErrNotExist) {
		return nil, errKey
	}
	fresh, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(x.folder, 0o700); err != nil {
		return nil, err
	}
	// Whoever makes one at the same time wins or loses as a whole.
	f, err := os.CreateTemp(x.folder, ".part-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(fresh.String() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	folder, err := os.Open(x.folder)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return nil, err
	}
	return x.identity(false)
}
