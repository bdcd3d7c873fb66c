package export

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"khien/server/partner"
	"khien/server/stream"
	"khien/shared/release"
)

// IndexFile says what is in a folder of exports, and what each of its files leaves out.
const IndexFile = "exports.json"

// SumsFile and SignedFile have the digests of the files: as sha256sum reads them, and signed by a release key.
const (
	SumsFile   = "SHA256SUMS"
	SignedFile = "SHA256SUMS.signed"
)

// now is the link to the newest folder.
const now = "now"

// Index is what IndexFile has.
type Index struct {
	Operator string `json:"operator"`
	Release  uint64 `json:"release"`
	Issued   int64  `json:"issued"`   // Unix seconds
	Position int64  `json:"position"` // of the stream
	Withheld Left   `json:"withheld"` // what is for nobody but partners, by why
	Files    []File `json:"files"`
}

// File is one file of a folder.
type File struct {
	Name   string         `json:"name"`
	Type   string         `json:"type"`
	Size   int64          `json:"size"`
	SHA256 release.Digest `json:"-"`
	Sum    string         `json:"sha256"`
	Left   Left           `json:"left"`
}

// Everybody is what everybody may read: what is clear, and no number of a person.
func Everybody(ctx context.Context, s *stream.Stream, withheld Left) List {
	return For(ctx, s, partner.Agreement{}, nil, withheld)
}

// For is what a partner gets of all that ever left. What the agreement withholds is counted.
func For(ctx context.Context, s *stream.Stream, a partner.Agreement, key []byte, withheld Left) List {
	return func(yield func(partner.Given, error) bool) {
		clear(withheld) // it may be gone through twice
		for o, err := range s.All(ctx) {
			if err != nil {
				yield(partner.Given{}, err)
				return
			}
			g, why := a.Gives(o, key)
			if why != "" {
				if withheld != nil {
					withheld[Why(why)]++
				}
				continue
			}
			if !yield(g, nil) {
				return
			}
		}
	}
}

// Newest is the index of the newest folder below a folder, and where that is; fs.ErrNotExist before the first.
func Newest(folder string) (i Index, path string, err error) {
	path, err = filepath.EvalSymlinks(filepath.Join(folder, now))
	if err != nil {
		return i, "", err
	}
	text, err := os.ReadFile(filepath.Join(path, IndexFile))
	if err == nil {
		err = json.Unmarshal(text, &i)
	}
	return i, path, err
}

// Write writes all files of a release into a new folder below a folder, and then leads there. Whoever reads meanwhile
// reads the files of the release before, whole; these stay until the next time. Where the newest folder is of this
// release and position already, nothing is written.
func Write(ctx context.Context, folder string, s *stream.Stream, h Head, number uint64, sign func(release.Sums) ([]byte, error)) (Index, error) {
	i, err := write(ctx, folder, s, h, number, sign)
	if err != nil {
		return i, fmt.Errorf("couldn't write the exports: %w", err)
	}
	return i, nil
}

func write(ctx context.Context, folder string, s *stream.Stream, h Head, number uint64, sign func(release.Sums) ([]byte, error)) (Index, error) {
	var err error
	if h.Position, _, err = s.End(ctx); err != nil {
		return Index{}, err
	}
	name := fmt.Sprintf("%d-%d", number, h.Position)
	if i, path, err := Newest(folder); err == nil && filepath.Base(path) == name {
		return i, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return Index{}, err
	}
	aside, err := os.MkdirTemp(folder, ".new-")
	if err != nil {
		return Index{}, err
	}
	defer os.RemoveAll(aside)
	i, err := fill(ctx, aside, s, h)
	if err != nil {
		return i, err
	}
	i.Operator, i.Release, i.Issued, i.Position = h.Operator, number, h.Now, h.Position
	sums := release.Sums{}
	for _, f := range i.Files {
		sums[f.Name] = f.SHA256
	}
	index, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return i, err
	}
	sums[IndexFile] = release.DigestOf(index)
	signed, err := sign(sums)
	if err != nil {
		return i, err
	}
	for name, body := range map[string][]byte{IndexFile: index, SumsFile: []byte(sums.Text()), SignedFile: signed} {
		if err := place(filepath.Join(aside, name), body); err != nil {
			return i, err
		}
	}
	if err := os.Chmod(aside, 0o755); err != nil {
		return i, err
	}
	_, before, _ := Newest(folder)
	to := filepath.Join(folder, name)
	if err := os.RemoveAll(to); err != nil { // of a run that was killed before it led there
		return i, err
	}
	link := filepath.Join(folder, ".now")
	if err := errors.Join(syncDir(aside), os.Rename(aside, to), ignore(os.Remove(link)), os.Symlink(name, link), os.Rename(link, filepath.Join(folder, now)), syncDir(folder)); err != nil {
		return i, err
	}
	return i, tidy(folder, name, filepath.Base(before))
}

func ignore(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// tidy removes the folders of releases before the last two.
func tidy(folder string, keep ...string) error {
	all, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range all {
		var number, position int64
		if n, _ := fmt.Sscanf(e.Name(), "%d-%d", &number, &position); n != 2 || !e.IsDir() || e.Name() == keep[0] || e.Name() == keep[1] {
			continue
		}
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, e.Name())))
	}
	return err
}

func place(path string, body []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// file is one that is being written, with its digest.
type file struct {
	io.Writer
	f    *os.File
	sum  hash.Hash
	size int64
}

func create(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	return &file{io.MultiWriter(f, sum), f, sum, 0}, nil
}

func (f *file) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	f.size += int64(n)
	return n, err
}

func (f *file) Close() error { return errors.Join(f.f.Sync(), f.f.Close()) }

func (f *file) as(name, kind string, left Left) File {
	digest := release.Digest(f.sum.Sum(nil))
	return File{name, kind, f.size, digest, digest.String(), left}
}

// fill writes the files of all formats. The list is read once for all of them.
func fill(ctx context.Context, folder string, s *stream.Stream, h Head) (i Index, err error) {
	if h.hosts, err = hosts(Everybody(ctx, s, nil), h.Now); err != nil {
		return i, err
	}
	i.Withheld = Left{}
	all := make([][]File, len(Formats)+1)
	errs := make([]error, len(all))
	lists, run := share(Everybody(ctx, s, i.Withheld), len(all))
	var writers sync.WaitGroup
	for n, f := range Formats {
		writers.Go(func() {
			to, err := create(filepath.Join(folder, f.File))
			if err == nil {
				out := bufio.NewWriterSize(to, 64<<10)
				var left Left
				left, err = f.write(out, lists[n], h)
				err = errors.Join(err, out.Flush(), to.Close())
				all[n] = []File{to.as(f.File, f.Type, left)}
			}
			errs[n] = err
			for range lists[n] { // whoever stops keeps none of the others waiting
			}
		})
	}
	writers.Go(func() {
		n := len(Formats)
		var parts []*file
		left, err := NewSTIX(h).Bundles(lists[n], func(part int) (io.WriteCloser, error) {
			to, err := create(filepath.Join(folder, stixFile(part)))
			parts = append(parts, to)
			return to, err
		})
		for part, to := range parts {
			if err == nil {
				all[n] = append(all[n], to.as(stixFile(part), STIXType, left))
			}
		}
		errs[n] = err
		for range lists[n] {
		}
	})
	run()
	writers.Wait()
	for _, some := range all {
		i.Files = append(i.Files, some...)
	}
	return i, errors.Join(errs...)
}

// STIXType is the media type of STIX 2.1.
const STIXType = "application/stix+json;version=2.1"

// stixFile is what a bundle is called: the first stix.json, and those behind it stix-2.json and so on.
func stixFile(part int) string {
	if part == 0 {
		return "stix.json"
	}
	return "stix-" + strconv.Itoa(part+1) + ".json"
}

// share hands one list to several at once, who each go through it once, or on where they have stopped; run does it.
func share(list List, n int) (all []List, run func()) {
	const together = 256
	type some struct {
		given []partner.Given
		err   error
	}
	pipes := make([]chan some, n)
	for i := range pipes {
		pipes[i] = make(chan some, 4)
		all = append(all, func(yield func(partner.Given, error) bool) {
			for s := range pipes[i] {
				for _, g := range s.given {
					if !yield(g, nil) {
						return
					}
				}
				if s.err != nil && !yield(partner.Given{}, s.err) {
					return
				}
			}
		})
	}
	return all, func() {
		send := func(s some) {
			for _, p := range pipes {
				p <- s
			}
		}
		batch := make([]partner.Given, 0, together)
		for g, err := range list {
			if err != nil {
				send(some{batch, err})
				batch = nil
				break
			}
			if batch = append(batch, g); len(batch) == together {
				send(some{batch, nil})
				batch = make([]partner.Given, 0, together)
			}
		}
		send(some{batch, nil})
		for _, p := range pipes {
			close(p)
		}
	}
}
