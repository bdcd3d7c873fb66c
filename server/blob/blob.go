// Package blob keeps published bytes in a directory: each under a name that never
// means anything else, and one head, which is replaced as a whole.
//
// A name is the published path without "/v1/", such as "blob/9f86…", and a file of
// that name holds the bytes, so the directory can be copied to any static server.
// Whatever is put is on the disk when Put or SetHead returns: a temporary file is
// written and synced, renamed, and its folder synced. A crash leaves temporary files
// behind, which Sweep removes, and nothing else.
//
// What is read may be anything, for the directory lies open to whoever serves it: only plain
// files are read, never a link, a folder or a pipe, and never more bytes than are asked for.
// Whether they are the right ones is for the reader to know.
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

	"khien/shared/release"
)

var (
	// ErrNotFound is a name under which nothing was put.
	ErrNotFound = errors.New("no such blob")
	// ErrNoBlob is what cannot have been put: a folder, a link, a pipe, or a file that has more bytes than are asked for
	// or cannot be read.
	ErrNoBlob = errors.New("not a file that was published")
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
	if name == headName || !plain(name) {
		return "", ErrName
	}
	return filepath.Join(d.path, filepath.FromSlash(name)), nil
}

func plain(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// Put stores body under name, for good. Whatever else lies there is not what was put, and is replaced.
func (d *Dir) Put(name string, body []byte) error {
	file, err := d.file(name)
	if err != nil {
		return err
	}
	if have, err := read(file, int64(len(body))); err == nil && bytes.Equal(have, body) {
		return nil
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
	t, err := draft(d.path)
	if err != nil {
		return nil, fmt.Errorf("couldn't begin a blob: %w", err)
	}
	t.dir = d
	return t, nil
}

// draft makes a temporary file. It is locked as long as somebody writes it, so that Sweep tells it from what a crash
// has left.
func draft(folder string) (*Draft, error) {
	temp, err := os.CreateTemp(folder, tempName)
	if err != nil {
		return nil, err
	}
	t := &Draft{File: temp}
	if err := syscall.Flock(int(temp.Fd()), syscall.LOCK_EX); err != nil {
		t.Discard()
		return nil, err
	}
	return t, nil
}

// Put stores what was written under name, for good, in place of whatever lies there.
func (t *Draft) Put(name string) error {
	file, err := t.dir.file(name)
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
	if err == nil {
		err = vacate(file)
	}
	if err == nil {
		err = os.Rename(t.Name(), file)
	}
	if err = errors.Join(err, t.Close()); err != nil {
		return err
	}
	return sync(filepath.Dir(file))
}

// vacate removes a folder that has the name of a file.
func vacate(file string) error {
	if have, err := os.Lstat(file); err != nil || !have.IsDir() {
		return nil
	}
	return os.RemoveAll(file)
}

// mkdir makes a folder below the directory so that it survives a loss of power. What has its name and is none is
// removed.
func (d *Dir) mkdir(folder string) error {
	have, err := os.Stat(folder)
	if err == nil && have.IsDir() || folder == d.path {
		return err
	}
	if _, err := os.Lstat(folder); err == nil { // a link that leads nowhere, too
		if err := os.Remove(folder); err != nil {
			return err
		}
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
	t, err := draft(filepath.Dir(file))
	if err != nil {
		return err
	}
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

// Get returns what was put under name, of at most limit bytes. The errors are ErrNotFound and ErrNoBlob.
func (d *Dir) Get(name string, limit int64) ([]byte, error) {
	file, err := d.file(name)
	if err != nil {
		return nil, ErrNotFound
	}
	return read(file, limit)
}

// File is what was put under a name, open to be read in pieces.
type File struct {
	file *os.File
	size int64
}

// Open opens what was put under name. The errors are ErrNotFound and ErrNoBlob.
func (d *Dir) Open(name string) (*File, error) {
	file, err := d.file(name)
	if err != nil {
		return nil, ErrNotFound
	}
	f, size, err := open(file)
	if err != nil {
		return nil, err
	}
	return &File{f, size}, nil
}

// Slice returns n bytes from off on, or ErrNoBlob where there are none.
func (f *File) Slice(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > f.size-n {
		return nil, fmt.Errorf("%w: it is cut off", ErrNoBlob)
	}
	return readFrom(io.NewSectionReader(f.file, off, n), n)
}

// Reader reads n bytes from off on, or as many as there are.
func (f *File) Reader(off, n int64) io.Reader { return io.NewSectionReader(f.file, off, n) }

// Size is how many bytes there are.
func (f *File) Size() int64 { return f.size }

// Close ends the reading.
func (f *File) Close() error { return f.file.Close() }

// ReadPlain reads a file that is no blob, of at most limit bytes, through links too: a folder, a pipe or a larger one
// is ErrNoBlob, and one that is not there fs.ErrNotExist. It waits for nobody at the other end of something that is no
// file.
func ReadPlain(file string, limit int64) ([]byte, error) {
	f, size, err := openPlain(file, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, fmt.Errorf("%w: %s has %d bytes, %d are allowed", ErrNoBlob, file, size, limit)
	}
	return readFrom(f, size)
}

// WritePlain replaces a file that is no blob, at once or not at all, and on the disk.
func WritePlain(file string, body []byte) error { return write(file, body) }

func read(file string, limit int64) ([]byte, error) {
	f, size, err := open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, fmt.Errorf("%w: it has %d bytes, %d are allowed", ErrNoBlob, size, limit)
	}
	return readFrom(f, size)
}

func readFrom(r io.Reader, n int64) ([]byte, error) {
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBlob, err)
	}
	return body, nil
}

func open(file string) (f *os.File, size int64, err error) {
	f, size, err = openPlain(file, syscall.O_NOFOLLOW)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = ErrNotFound
	case err != nil && !errors.Is(err, ErrNoBlob):
		err = fmt.Errorf("%w: %w", ErrNoBlob, err)
	}
	return f, size, err
}

// openPlain opens a plain file to be read, and waits for nobody at the other end of something that is none.
func openPlain(file string, flags int) (f *os.File, size int64, err error) {
	f, err = os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK|flags, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, 0, fmt.Errorf("%w: %s", ErrNoBlob, file)
	}
	return f, info.Size(), nil
}

// Names lists what lies below a folder, such as "delta/9f86…", and could have been put.
func (d *Dir) Names(folder string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(filepath.Join(d.path, filepath.FromSlash(folder)), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(d.path, path)
		if name = filepath.ToSlash(name); name != folder && plain(name) {
			names = append(names, name)
		}
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
	if err := vacate(file); err != nil {
		return fmt.Errorf("couldn't delete a blob: %w", err)
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, syscall.ELOOP) {
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

// Head returns the head. The errors are ErrNotFound, before the first SetHead, and ErrNoBlob.
func (d *Dir) Head() ([]byte, error) {
	return read(filepath.Join(d.path, headName), release.MaxHead)
}

// Sweep removes what a crash left half written.
func (d *Dir) Sweep() error {
	return filepath.WalkDir(d.path, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasPrefix(e.Name(), strings.TrimSuffix(tempName, "*")) {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		if err == nil {
			defer f.Close()
			if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil { // somebody is writing it
				return nil
			}
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
