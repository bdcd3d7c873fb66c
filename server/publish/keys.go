package publish

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"khien/server/blob"
	"khien/shared/release"
)

// keysLife is how long a key list is good. Rotating makes a new one.
const keysLife = 2 * 365 * 24 * time.Hour

// maxKey bounds a file with one key, in bytes.
const maxKey = 4096

// The files of a key folder. Release keys are numbered by the list that names them,
// so that the list alone says which one is in use.
const (
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
	folder string
}

// ErrRotated is a release key that is not in use yet: the list that names it is in no release, and the key before it is
// not there any more.
var ErrRotated = errors.New("the release key was replaced, and the one before is gone: khien publish puts the new one into use")

// InitKeys makes a root key, in a file of its own, and a folder with its public half and a release key. A folder or a
// file that is there already is an error. Now is in Unix seconds.
func InitKeys(dir, root string, now int64) error {
	for _, taken := range []string{dir, root} {
		if _, err := os.Lstat(taken); err == nil {
			return fmt.Errorf("couldn't make keys: %s is there already", taken)
		}
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
		err = save(filepath.Dir(root), filepath.Base(root), secret+"\n", 0o600)
	}
	if err == nil {
		err = save(temp, rootPublic, public+"\n", 0o644)
	}
	if err == nil {
		err = newList(temp, root, public, 1, now)
	}
	if err == nil {
		err = os.Rename(temp, dir)
	}
	if err != nil {
		return fmt.Errorf("couldn't make keys: %w", err)
	}
	return nil
}

// Rotate makes a new release key and signs it with the root key, which is in the file root. Heads are signed with it
// from the next publishing on. A list that has expired, and a release key that is lost, are in nobody's way.
func Rotate(dir, root string, now int64) error {
	public, err := blob.ReadPlain(filepath.Join(dir, rootPublic), maxKey)
	if err != nil {
		return fmt.Errorf("couldn't rotate the release key: %w", err)
	}
	key := strings.TrimSpace(string(public))
	msg, err := blob.ReadPlain(filepath.Join(dir, listFile), release.MaxKeys)
	if err != nil {
		return fmt.Errorf("couldn't rotate the release key: %w", err)
	}
	list := opened(msg, key)
	if list.Sequence == 0 {
		return fmt.Errorf("couldn't rotate the release key: %s is not signed by the root key in %s: put it back from a copy", filepath.Join(dir, listFile), rootPublic)
	}
	if err := newList(dir, root, key, list.Sequence+1, now); err != nil {
		return fmt.Errorf("couldn't rotate the release key: %w", err)
	}
	return nil
}

// newList makes release key number sequence, and then the list that names it. The key in the file must be the root key.
func newList(dir, file, rootKey string, sequence uint64, now int64) error {
	text, err := blob.ReadPlain(file, maxKey)
	if err != nil {
		return err
	}
	root, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
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
	if opened(msg, rootKey).Sequence != sequence {
		return fmt.Errorf("%s holds another key than the root key of %s", file, dir)
	}
	if err := save(dir, releaseFile(sequence), secret+"\n", 0o600); err != nil {
		return err
	}
	return save(dir, listFile, string(msg), 0o644)
}

func day(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04 UTC") }

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
	public, err := blob.ReadPlain(filepath.Join(dir, rootPublic), maxKey)
	if err != nil {
		return nil, err
	}
	list, err := blob.ReadPlain(filepath.Join(dir, listFile), release.MaxKeys)
	if err != nil {
		return nil, err
	}
	return keysOf(dir, strings.TrimSpace(string(public)), list)
}

// keysOf reads the key of a list.
func keysOf(dir, root string, list []byte) (k *Keys, err error) {
	k = &Keys{Root: root, Note: list, folder: dir}
	k.List, err = release.OpenKeys(k.Note, k.Root, time.Now().Unix())
	if errors.Is(err, release.ErrExpired) {
		return nil, fmt.Errorf("the key list was good until %s, and this machine's clock says %s: set the clock, or run \"khien keys rotate\" where the root key is",
			day(k.List.Expires), day(time.Now().Unix()))
	}
	if errors.Is(err, release.ErrNotYet) {
		return nil, fmt.Errorf("the key list is of %s, and this machine's clock says %s: set the clock", day(k.List.Issued), day(time.Now().Unix()))
	}
	if err != nil {
		return nil, err
	}
	secret, err := blob.ReadPlain(filepath.Join(dir, releaseFile(k.List.Sequence)), maxKey)
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

// before are the keys that a release in force was signed with, be they replaced since, or ErrRotated.
func (k *Keys) before(list []byte) (*Keys, error) {
	if bytes.Equal(list, k.Note) {
		return k, nil
	}
	old, err := keysOf(k.folder, k.Root, list)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrRotated, err)
	}
	return old, nil
}

// SignSums signs the sums of what people fetch besides lists.
func (k *Keys) SignSums(s release.Sums) ([]byte, error) { return s.Sign(k.signer) }
