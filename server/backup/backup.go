// Package backup copies a data directory while it is served, and brings a copy back after comparing every byte of it.
//
// A backup is a data directory itself, with a list of what is in it: "sha256sum --check SHA256SUMS" reads that too.
package backup

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode"

	"khien/server/blob"
)

// SumsFile lists SHA-256 and name of every other file of a backup, in the order of their names.
const SumsFile = "SHA256SUMS"

// maxSums bounds that list, in bytes: some two million files.
const maxSums = 256 << 20

// Errors of a backup that is not made, or not brought back.
var (
	ErrExists  = errors.New("it is there already")
	ErrWithin  = errors.New("it would lie within what is copied")
	ErrChanged = errors.New("it is not what was backed up")
)

// Database is one that a data directory holds: the name of its file, and what copies it as it is at one moment.
type Database struct {
	Name   string
	CopyTo func(ctx context.Context, path string) error
}

// Make copies the data directory from into the folder to, which must not be there; progress is called with the name of
// each file that was copied. The databases are copied as they are at one moment each, in the order given: what a later
// one has been told by an earlier one is in both. Releases wait meanwhile, and nothing else does. A backup that was not
// finished has another name.
func Make(ctx context.Context, from, to string, databases []Database, progress func(name string)) error {
	to = filepath.Clean(to)
	if err := free(from, to); err != nil {
		return err
	}
	published, err := blob.Open(filepath.Join(from, "published"))
	if err != nil {
		return err
	}
	unlock, err := published.Lock()
	if err != nil {
		return err
	}
	unlock = sync.OnceFunc(unlock)
	defer unlock()
	part, err := partOf(to)
	if err != nil {
		return err
	}
	defer os.RemoveAll(part) // of no effect once it has its name

	sums := map[string]string{}
	took := func(name, sum string) {
		sums[name] = sum
		progress(name)
	}
	// The mark of the audit log is of an entry that the copy of the log holds: it is read before that.
	const mark = "audit.mark"
	if text, err := blob.ReadPlain(filepath.Join(from, mark), 1024); err == nil {
		if err := os.WriteFile(filepath.Join(part, mark), text, 0o600); err != nil {
			return err
		}
		took(mark, hexSum(text))
	}
	for _, d := range databases {
		file := filepath.Join(part, d.Name)
		if err := d.CopyTo(ctx, file); err != nil {
			return fmt.Errorf("couldn't copy %s: %w", d.Name, err)
		}
		sum, err := sumOf(file)
		if err != nil {
			return err
		}
		took(d.Name, sum)
	}
	within := func(name string, e fs.DirEntry) error {
		if _, done := sums[name]; done || passing(name) || slices.ContainsFunc(databases, func(d Database) bool { return strings.HasPrefix(name, d.Name) }) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		sum, err := copyFile(filepath.Join(from, name), filepath.Join(part, name))
		if errors.Is(err, fs.ErrNotExist) { // a picture whose time was over just now
			return nil
		}
		if err != nil {
			return err
		}
		took(name, sum)
		return nil
	}
	err = files(filepath.Join(from, "published"), func(name string, e fs.DirEntry) error { return within(filepath.Join("published", name), e) })
	if err != nil {
		return err
	}
	unlock() // whatever comes now is as it will stay
	if err := files(from, within); err != nil {
		return err
	}
	if err := blob.WritePlain(filepath.Join(part, SumsFile), []byte(text(sums))); err != nil {
		return err
	}
	return finish(part, to)
}

// Restore copies a backup to a data directory, which must not be there, and gives it that name when every byte is as it
// was and proved has nothing to say against it. Whatever fails leaves nothing.
func Restore(ctx context.Context, from, to string, proved func(folder string) error, progress func(name string)) error {
	to = filepath.Clean(to)
	if err := free(from, to); err != nil {
		return err
	}
	sums, err := read(filepath.Join(from, SumsFile))
	if err != nil {
		return err
	}
	part, err := partOf(to)
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	err = files(from, func(name string, e fs.DirEntry) error {
		want, listed := sums[name]
		switch {
		case name == SumsFile:
			return nil
		case !listed:
			return fmt.Errorf("%s is not in %s: %w", name, SumsFile, ErrChanged)
		}
		delete(sums, name)
		if err := ctx.Err(); err != nil {
			return err
		}
		sum, err := copyFile(filepath.Join(from, name), filepath.Join(part, name))
		if err == nil && sum != want {
			err = fmt.Errorf("%s: %w", name, ErrChanged)
		}
		if err == nil {
			progress(name)
		}
		return err
	})
	if err != nil {
		return err
	}
	for name := range sums {
		return fmt.Errorf("%s is missing: %w", name, ErrChanged)
	}
	if err := proved(part); err != nil {
		return err
	}
	return finish(part, to)
}

// partOf is a new folder beside the one that it will become. Nobody else may read it: keys will be in it.
func partOf(to string) (string, error) {
	return os.MkdirTemp(filepath.Dir(to), filepath.Base(to)+".part-*")
}

// passing tells whether a file is of no use to anybody later: a lock, what a crash left half written, what a move set
// aside, and where the databases are, which a backup has in files.
func passing(name string) bool {
	base := filepath.Base(name)
	for _, folder := range []string{"before-office", "before-postgres", "moving"} {
		if strings.HasPrefix(name, folder+string(filepath.Separator)) {
			return true
		}
	}
	return name == "db" || base == ".lock" || strings.Contains(base, ".part") || strings.HasPrefix(base, ".new-") || strings.HasPrefix(base, "new-")
}

// exports is the folder of the files that others take: they are written anew from the office after each release, and no
// backup has them.
const exports = "exports"

// files calls f for each plain file below a folder, by its name from there. Anything else but folders, such as a link
// or a pipe, is an error; the folder itself may be a link to one.
func files(folder string, f func(name string, e fs.DirEntry) error) error {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return err
	}
	return filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != folder {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			if name == exports {
				return fs.SkipDir
			}
			return nil
		}
		if !e.Type().IsRegular() || strings.ContainsFunc(name, unicode.IsControl) {
			return fmt.Errorf("%q is no plain file with a plain name: move it away", name)
		}
		return f(name, e)
	})
}

// copyFile copies a plain file with its mode, and returns SHA-256 of what was copied.
func copyFile(from, to string) (sum string, err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return "", err
	}
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func sumOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// finish gives a folder its name when all of it is on the disk.
func finish(part, to string) error {
	err := filepath.WalkDir(part, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		return synced(path)
	})
	if err != nil {
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	return synced(filepath.Dir(to))
}

func synced(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// free tells whether a folder may be made of what is copied into it: there is nothing of its name, and it does not lie
// within that.
func free(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s: %w", to, ErrExists)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var real [2]string
	for i, folder := range []string{from, filepath.Dir(to)} {
		path, err := filepath.EvalSymlinks(folder)
		if err == nil {
			real[i], err = filepath.Abs(path)
		}
		if err != nil {
			return err
		}
	}
	if up, err := filepath.Rel(real[0], real[1]); err == nil && filepath.IsLocal(up) {
		return fmt.Errorf("%s: %w", to, ErrWithin)
	}
	return nil
}

func text(sums map[string]string) string {
	lines := make([]string, 0, len(sums))
	for name, sum := range sums {
		lines = append(lines, name+"\x00"+sum)
	}
	slices.Sort(lines)
	var b strings.Builder
	for _, line := range lines {
		name, sum, _ := strings.Cut(line, "\x00")
		fmt.Fprintf(&b, "%s  %s\n", sum, name)
	}
	return b.String()
}

// read reads a list of sums. A name that leads out of the folder, or is there twice, is an error.
func read(file string) (map[string]string, error) {
	body, err := blob.ReadPlain(file, maxSums)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrNoBlob) {
		return nil, fmt.Errorf("%s is missing, or no plain file: this is no backup that \"khien backup\" has finished", SumsFile)
	}
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(string(body)))
	for n := 1; lines.Scan(); n++ {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		raw, err := hex.DecodeString(sum)
		_, twice := sums[name]
		if !ok || err != nil || len(raw) != sha256.Size || twice || !filepath.IsLocal(name) || filepath.Clean(name) != name {
			return nil, fmt.Errorf("line %d of %s: %w", n, SumsFile, ErrChanged)
		}
		sums[name] = sum
	}
	return sums, lines.Err()
}
