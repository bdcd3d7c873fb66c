package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"

	"khien/server/blob"
	"khien/server/db"
	"khien/server/evidence"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/office"
	"khien/server/publish"
	"khien/server/triage"
)

// dir is the data directory. Its office is opened once, when it is needed first.
type dir struct {
	path  string
	asked string // the address of a PostgreSQL database; "" for where its databases are

	opening sync.Mutex
	opened  *db.DB
}

// office is the one database of all that is decided, for all who ask.
func (d *dir) office() (*db.DB, error) {
	if err := d.exists(); err != nil {
		return nil, err
	}
	d.opening.Lock()
	defer d.opening.Unlock()
	if d.opened != nil {
		return d.opened, nil
	}
	place, err := d.place()
	if err != nil {
		return nil, err
	}
	opened, err := office.Open(context.Background(), d.path, place)
	if err != nil {
		return nil, err
	}
	if err := office.Remember(d.path, place); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	d.opened = opened
	return opened, nil
}

// place is where its databases are: in files of the directory, or at an address.
func (d *dir) place() (string, error) { return office.Where(d.path, d.asked) }

// close waits for the statements under way.
func (d *dir) close() error {
	opened := d.opened
	if d.opened = nil; opened == nil {
		return nil
	}
	return opened.Close()
}

func (d *dir) keys() string { return filepath.Join(d.path, "keys") }

// exists refuses a directory that "khien init" has not made, rather than making an
// empty one somewhere by mistake.
func (d *dir) exists() error {
	_, err := os.Stat(d.keys())
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no data directory at %s: run \"khien init --data %s\", or name another with --data", d.path, d.path)
	}
	return err
}

func (d *dir) ledger() (*ledger.Ledger, error) {
	base, err := d.office()
	if err != nil {
		return nil, err
	}
	return ledger.Open(base), nil
}

func (d *dir) inbox() (*inbox.Inbox, error) {
	if err := d.exists(); err != nil {
		return nil, err
	}
	place, err := d.place()
	if err != nil {
		return nil, err
	}
	box, err := inbox.Open(db.In(place, "inbox"))
	if err != nil {
		return nil, err
	}
	if err := office.Remember(d.path, place); err != nil {
		return nil, errors.Join(err, box.Close())
	}
	return box, nil
}

func (d *dir) evidence() (*evidence.Store, error) {
	base, err := d.office()
	if err != nil {
		return nil, err
	}
	return evidence.Open(base, filepath.Join(d.path, "evidence"))
}

func (d *dir) blobs() (*blob.Dir, error) {
	if err := d.exists(); err != nil {
		return nil, err
	}
	return blob.Open(filepath.Join(d.path, "published"))
}

// publisher is ready to sign.
func (d *dir) publisher() (*publish.Publisher, error) {
	book, err := d.ledger()
	if err != nil {
		return nil, err
	}
	cards, err := d.campaigns()
	if err != nil {
		return nil, err
	}
	blobs, err := d.blobs()
	if err != nil {
		return nil, err
	}
	keys, err := publish.LoadKeys(d.keys())
	if err != nil {
		return nil, err
	}
	names := &popularNames{path: d.popular()}
	if err := names.read(); err != nil {
		return nil, err
	}
	return &publish.Publisher{Ledger: book, Blobs: blobs, Keys: keys, Popular: names.now, Cards: cards, Official: d.official(), Help: d.help()}, nil
}

// official is the folder of the operator's own books of official names.
func (d *dir) official() string { return filepath.Join(d.path, "official") }

// rootFile is where the secret half of the root key is kept if nobody says otherwise: beside the data directory, never
// in it.
func (d *dir) rootFile() string { return filepath.Clean(d.path) + "-root.key" }

// maxKeyFile bounds a file with a key, in bytes.
const maxKeyFile = 4096

// rootBeside is the file beside the data directory in which "khien init" has left the root key, if this user can read
// it; or "".
func (d *dir) rootBeside() string {
	if _, err := blob.ReadPlain(d.rootFile(), maxKeyFile); err != nil {
		return ""
	}
	return d.rootFile()
}

// rootWithin is the file in the data directory, or the link there to one, that holds the secret half of a root key; ""
// if none does. Among the pictures of reports, which may be a million and have the names of their digests, nobody
// looks.
func (d *dir) rootWithin() (found string) {
	filepath.WalkDir(d.path+string(filepath.Separator), func(path string, e fs.DirEntry, err error) error { // which may be a link itself
		switch {
		case err != nil:
			return nil
		case e.IsDir() && path == filepath.Join(d.path, "evidence"):
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		if text, err := blob.ReadPlain(path, maxKeyFile); err == nil && strings.Contains(string(text), "PRIVATE+KEY+khien-root+") {
			found = path
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// warnOfRoot tells where the root key lies within reach of this user.
func (d *dir) warnOfRoot(words io.Writer) {
	if file := d.rootWithin(); file != "" {
		fmt.Fprintf(words, "khien: the root key lies in the data directory (%s), where whoever breaks into the server finds it: move it to another machine (docs/keys.md)\n", file)
	} else if file := d.rootBeside(); file != "" {
		fmt.Fprintf(words, "khien: the root key still lies beside the data directory (%s), where whoever breaks into the server as this user can read it: move it to another machine or medium (docs/keys.md)\n", file)
	}
}

// rootKey is the verifier key of this directory's root.
func (d *dir) rootKey() (string, error) {
	if err := d.exists(); err != nil {
		return "", err
	}
	text, err := blob.ReadPlain(filepath.Join(d.keys(), "root.pub"), maxKeyFile)
	if err != nil {
		return "", fmt.Errorf("couldn't read the root key: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// actor is who decides: the name of the account that runs the command, marked so that it is nobody of the console.
func actor() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username + triage.Shell
	}
	return "unknown" + triage.Shell
}
