// Package blob keeps published bytes in a directory: each under a name that never
// means anything else, and one head, which is replaced as a whole.
//
// A name is the published path without "/v1/", such as "blob/9f86…", and a file of
// that name holds the bytes, so the directory can be copied to any static server.
// Whatever is put is on the disk when Put or SetHead returns: a temporary file is
// written and synced, renamed, and its folder synced. A crash leaves temporary files
// behind, which Sweep removes, and nothing else.
package blob

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

var (
	// ErrNotFound is a name under which nothing was put.
	ErrNotFound = errors.New("no such blob")
	// ErrDiffers is the attempt to put other bytes under a name that is taken.
	ErrDiffers = errors.New("the name is taken by other bytes")
	// ErrName is a name that is not made of lower-case letters, digits, dashes and single slashes.
	ErrName = errors.New("not a name of a blob")
)

const (
	headName = "head"
	tempName = ".new-*"
)

// Dir is a directory of blobs. It is safe for concurrent use, by several processes too.
type Dir struct{ path string }

// Open opens the directory at path, making it where it is missing.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("couldn't open the blobs: %w", err)
	}
	return &Dir{path}, nil
}

func (d *Dir) file(name string) (string, error) {
	part := strings.Split(name, "/")
	for _, p := range part {
		if p == "" || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return "", ErrName
		}
	}
	if name == headName {
		return "", ErrName
	}
	return filepath.Join(d.path, filepath.FromSlash(name)), nil
}

// Put stores body under name, for good. The same bytes may be put again; others are ErrDiffers.
func (d *Dir) Put(name string, body []byte) error {
	file, err := d.file(name)
	if err != nil {
		return err
	}
	have, err := os.ReadFile(file)
	switch {
	case err == nil && bytes.Equal(have, body):
		return nil
	case err == nil:
		return fmt.Errorf("couldn't put %s: %w", name, ErrDiffers)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("couldn't put %s: %w", name, err)
	}
	if err := d.mkdir(filepath.Dir(file)); err != nil {
		return fmt.Errorf("couldn't put %s: %w", name, err)
	}
	if err := write(file, body); err != nil {
		return fmt.Errorf("couldn't put %s: %w", name, err)
	}
	return nil
}

// Draft is a blob that is being written and has no name yet.
type Draft struct {
	*os.File
	dir *Dir
}

// Draft begins a blob that is too large for memory.
func (d *Dir) Draft() (*Draft, error) {
	temp, err := os.CreateTemp(d.path, tempName)
	if err != nil {
		return nil, fmt.Errorf("couldn't begin a blob: %w", err)
	}
	return &Draft{temp, d}, nil
}

// Put stores what was written under name, for good. What is there already is ErrDiffers.
func (t *Draft) Put(name string) error {
	file, err := t.dir.file(name)
	if err == nil {
		if _, have := os.Stat(file); have == nil {
			err = ErrDiffers
		}
	}
	if err == nil {
		err = t.dir.mkdir(filepath.Dir(file))
	}
	if err == nil {
		err = t.finish(file)
	}
	if err != nil {
		return fmt.Errorf("couldn't put %s: %w", name, err)
	}
	return nil
}

// Discard ends a draft; one that was put stays.
func (t *Draft) Discard() {
	t.Close()
	os.Remove(t.Name())
}

// finish brings what was written to the disk and gives it its name.
func (t *Draft) finish(file string) error {
	err := t.Chmod(0o644)
	if err == nil {
		err = t.Sync()
	}
	if closing := t.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(t.Name(), file)
	}
	if err != nil {
		return err
	}
	return sync(filepath.Dir(file))
}

// mkdir makes a folder below the directory so that it survives a loss of power.
func (d *Dir) mkdir(folder string) error {
	if _, err := os.Stat(folder); err == nil || folder == d.path {
		return err
	}
	parent := filepath.Dir(folder)
	if err := d.mkdir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return sync(parent)
}

// write replaces file by body, at once or not at all.
func write(file string, body []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(file), tempName)
	if err != nil {
		return err
	}
	t := &Draft{File: temp}
	defer t.Discard()
	if _, err := t.Write(body); err != nil {
		return err
	}
	return t.finish(file)
}

func sync(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// Get returns what was put under name, or ErrNotFound.
func (d *Dir) Get(name string) ([]byte, error) {
	file, err := d.file(name)
	if err != nil {
		return nil, ErrNotFound
	}
	return read(os.ReadFile(file))
}

func read(body []byte, err error) ([]byte, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read a blob: %w", err)
	}
	return body, nil
}

// Slice returns n bytes from off on of what was put under name. ErrNotFound is a name
// or a range that is not there.
func (d *Dir) Slice(name string, off, n int64) ([]byte, error) {
	file, err := d.file(name)
	if err != nil {
		return nil, ErrNotFound
	}
	f, err := os.Open(file)
	if err != nil {
		return read(nil, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || off < 0 || n < 0 || off > info.Size()-n {
		return nil, ErrNotFound
	}
	body := make([]byte, n)
	_, err = io.ReadFull(io.NewSectionReader(f, off, n), body)
	return read(body, err)
}

// Names lists what was put below a folder, such as "delta/9f86…".
func (d *Dir) Names(folder string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(filepath.Join(d.path, filepath.FromSlash(folder)), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		name, err := filepath.Rel(d.path, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("couldn't list blobs: %w", err)
	}
	return names, nil
}

// Delete removes what was put under name, if anything was.
func (d *Dir) Delete(name string) error {
	file, err := d.file(name)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("couldn't delete a blob: %w", err)
	}
	os.Remove(filepath.Dir(file)) // only if it is empty now
	return nil
}

// SetHead replaces the head, and with it what is the newest.
func (d *Dir) SetHead(head []byte) error {
	if err := write(filepath.Join(d.path, headName), head); err != nil {
		return fmt.Errorf("couldn't replace the head: %w", err)
	}
	return nil
}

// Head returns the head, or ErrNotFound before the first SetHead.
func (d *Dir) Head() ([]byte, error) {
	return read(os.ReadFile(filepath.Join(d.path, headName)))
}

// Sweep removes what a crash left half written. No other process may be putting anything.
func (d *Dir) Sweep() error {
	return filepath.WalkDir(d.path, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasPrefix(e.Name(), strings.TrimSuffix(tempName, "*")) {
			return err
		}
		return os.Remove(path)
	})
}

// Lock makes every other Lock of this directory wait, in this process and in others, until unlock.
func (d *Dir) Lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(d.path, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("couldn't lock the blobs: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("couldn't lock the blobs: %w", err)
	}
	return func() { f.Close() }, nil
}
