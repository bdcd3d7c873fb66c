package publish

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"khien/shared/release"
)

// keysLife is how long a key list is good. Rotating makes a new one.
const keysLife = 2 * 365 * 24 * time.Hour

// The files of a key folder. Release keys are numbered by the list that names them,
// so that the list alone says which one is in use.
const (
	rootFile   = "root.key"
	rootPublic = "root.pub"
	listFile   = "keys.note"
)

func releaseFile(sequence uint64) string { return fmt.Sprintf("release-%d.key", sequence) }

// Keys are what is needed to publish.
type Keys struct {
	Root   string // verifier key of the root
	Note   []byte // the key list as it is published
	List   release.Keys
	signer note.Signer
}

// InitKeys makes a folder with a root key and a release key, at once or not at all.
// A folder that is there already is an error. Now is in Unix seconds.
func InitKeys(dir string, now int64) error {
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("couldn't make keys: %s is there already", dir)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("couldn't make keys: %w", err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".keys-*")
	if err != nil {
		return fmt.Errorf("couldn't make keys: %w", err)
	}
	defer os.RemoveAll(temp)
	secret, public, err := note.GenerateKey(rand.Reader, "khien-root")
	if err == nil {
		err = save(temp, rootFile, secret+"\n", 0o600)
	}
	if err == nil {
		err = save(temp, rootPublic, public+"\n", 0o644)
	}
	if err == nil {
		err = newList(temp, 1, now)
	}
	if err == nil {
		err = os.Rename(temp, dir)
	}
	if err != nil {
		return fmt.Errorf("couldn't make keys: %w", err)
	}
	return nil
}

// Rotate makes a new release key and signs it with the root key of the folder. Heads
// are signed with it from the next publishing on.
func Rotate(dir string, now int64) error {
	k, err := LoadKeys(dir)
	if err != nil {
		return err
	}
	if err := newList(dir, k.List.Sequence+1, now); err != nil {
		return fmt.Errorf("couldn't rotate the release key: %w", err)
	}
	return nil
}

// newList makes release key number sequence, and then the list that names it.
func newList(dir string, sequence uint64, now int64) error {
	text, err := os.ReadFile(filepath.Join(dir, rootFile))
	if err != nil {
		return err
	}
	root, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	secret, public, err := note.GenerateKey(rand.Reader, "khien-release")
	if err != nil {
		return err
	}
	list := release.Keys{Sequence: sequence, Issued: now, Expires: now + int64(keysLife.Seconds()), Release: []string{public}}
	msg, err := list.Sign(root)
	if err != nil {
		return err
	}
	if err := save(dir, releaseFile(sequence), secret+"\n", 0o600); err != nil {
		return err
	}
	return save(dir, listFile, string(msg), 0o644)
}

func save(dir, name, text string, mode os.FileMode) error {
	temp := filepath.Join(dir, name+".new")
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(temp, filepath.Join(dir, name))
	}
	return err
}

// LoadKeys reads a folder of InitKeys. The root key itself is not needed.
func LoadKeys(dir string) (*Keys, error) {
	k, err := loadKeys(dir)
	if err != nil {
		return nil, fmt.Errorf("couldn't load the keys: %w", err)
	}
	return k, nil
}

func loadKeys(dir string) (*Keys, error) {
	public, err := os.ReadFile(filepath.Join(dir, rootPublic))
	if err != nil {
		return nil, err
	}
	k := &Keys{Root: strings.TrimSpace(string(public))}
	if k.Note, err = os.ReadFile(filepath.Join(dir, listFile)); err != nil {
		return nil, err
	}
	k.List, err = release.OpenKeys(k.Note, k.Root, time.Now().Unix())
	if errors.Is(err, release.ErrExpired) {
		return nil, errors.New("the key list has expired: run \"khien keys rotate\" where the root key is")
	}
	if err != nil {
		return nil, err
	}
	secret, err := os.ReadFile(filepath.Join(dir, releaseFile(k.List.Sequence)))
	if err != nil {
		return nil, err
	}
	if k.signer, err = note.NewSigner(strings.TrimSpace(string(secret))); err != nil {
		return nil, err
	}
	for _, key := range k.List.Release {
		v, err := note.NewVerifier(key)
		if err == nil && v.Name() == k.signer.Name() && v.KeyHash() == k.signer.KeyHash() {
			return k, nil
		}
	}
	return nil, errors.New("the release key is not one that the key list names")
}
