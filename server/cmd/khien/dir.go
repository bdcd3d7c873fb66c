package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"khien/server/blob"
	"khien/server/evidence"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/publish"
)

// dir is the data directory.
type dir struct{ path string }

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
	if err := d.exists(); err != nil {
		return nil, err
	}
	return ledger.Open(filepath.Join(d.path, "ledger.db"))
}

func (d *dir) inbox() (*inbox.Inbox, error) {
	if err := d.exists(); err != nil {
		return nil, err
	}
	return inbox.Open(filepath.Join(d.path, "inbox.db"))
}

func (d *dir) evidence() (*evidence.Store, error) {
	if err := d.exists(); err != nil {
		return nil, err
	}
	return evidence.Open(filepath.Join(d.path, "evidence"))
}

func (d *dir) blobs() (*blob.Dir, error) {
	if err := d.exists(); err != nil {
		return nil, err
	}
	return blob.Open(filepath.Join(d.path, "published"))
}

// publisher is ready to sign; close it afterwards.
func (d *dir) publisher() (p *publish.Publisher, close func(), err error) {
	book, err := d.ledger()
	if err != nil {
		return nil, nil, err
	}
	cards, err := d.campaigns()
	if err != nil {
		book.Close()
		return nil, nil, err
	}
	close = func() { cards.Close(); book.Close() }
	blobs, err := d.blobs()
	if err == nil {
		var keys *publish.Keys
		if keys, err = publish.LoadKeys(d.keys()); err == nil {
			names := &popularNames{path: d.popular()}
			if err = names.read(); err == nil {
				return &publish.Publisher{Ledger: book, Blobs: blobs, Keys: keys, Popular: names.now, Cards: cards, Official: d.official(), Help: d.help()}, close, nil
			}
		}
	}
	close()
	return nil, nil, err
}

// official is the folder of the operator's own books of official names.
func (d *dir) official() string { return filepath.Join(d.path, "official") }

// rootKey is the verifier key of this directory's root.
func (d *dir) rootKey() (string, error) {
	if err := d.exists(); err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(d.keys(), "root.pub"))
	if err != nil {
		return "", fmt.Errorf("couldn't read the root key: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// actor is who decides: the name of the person who runs the command.
func actor() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}
