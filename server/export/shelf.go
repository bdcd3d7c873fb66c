package export

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/singleflight"

	"khien/server/blob"
	"khien/shared/release"
)

// Why a file can't be handed out.
var (
	// ErrNone is a folder to which nothing was written yet.
	ErrNone = errors.New("nothing is exported yet")
	// ErrNoFile is a name under which the newest folder has nothing.
	ErrNoFile = errors.New("there is no such file")
	// ErrDamaged is what is missing, or is not what was signed: "khien export all", or "khien serve" after the next
	// release, writes it anew.
	ErrDamaged = errors.New("the exports are not what was signed")
)

// maxIndex bounds an index, in bytes.
const maxIndex = 16 << 20

// Shelf hands out the newest files that were written, each proven by what a release key has signed, or not at all. It
// is safe for concurrent use, beside whoever writes.
type Shelf struct {
	Folder string
	Keys   func(context.Context) (release.Keys, error) // that the root names now

	mu     sync.Mutex
	newest *proven
	once   singleflight.Group
}

// proven is a folder of which the index is the one that was signed.
type proven struct {
	folder string
	index  Index
	files  map[string]File

	mu   sync.Mutex
	same map[string]state // as each file was when its digest was the signed one
}

// state is by what a file is told from one that was changed.
type state struct {
	device, node, size   uint64
	changed, changedNano int64
}

func stateOf(info fs.FileInfo) state {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return state{}
	}
	return state{uint64(s.Dev), s.Ino, uint64(s.Size), int64(s.Ctim.Sec), int64(s.Ctim.Nsec)}
}

// Proven is a file that may be read: it is what was signed.
type Proven struct {
	File
	Issued int64 // Unix seconds when the release was issued
	io.ReadCloser
}

var ofRelease = regexp.MustCompile(`^[0-9]{1,20}-[0-9]{1,20}$`)

// Index is what there is. The errors are ErrNone and ErrDamaged.
func (s *Shelf) Index(ctx context.Context) (Index, error) {
	p, err := s.prove(ctx)
	if err != nil {
		return Index{}, err
	}
	return p.index, nil
}

// Open opens a file. The errors are ErrNone, ErrNoFile and ErrDamaged.
func (s *Shelf) Open(ctx context.Context, name string) (*Proven, error) {
	p, err := s.prove(ctx)
	if err != nil {
		return nil, err
	}
	file, ok := p.files[name]
	if !ok {
		return nil, ErrNoFile
	}
	f, info, err := openIn(filepath.Join(s.Folder, p.folder), name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %v", ErrDamaged, name, err)
	}
	// However many ask for a file that nobody has asked for before, it is read through once.
	_, err, _ = s.once.Do(p.folder+"/"+name, func() (any, error) { return nil, p.check(f, info, file) })
	if err == nil {
		err = p.check(f, info, file) // another one may lie there since
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Proven{file, p.index.Issued, f}, nil
}

// prove proves the index of the newest folder, once for each.
func (s *Shelf) prove(ctx context.Context) (*proven, error) {
	folder, err := os.Readlink(filepath.Join(s.Folder, now))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil || !ofRelease.MatchString(folder) {
		return nil, fmt.Errorf("%w: %s leads nowhere", ErrDamaged, now)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest != nil && s.newest.folder == folder {
		return s.newest, nil
	}
	keys, err := s.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the release keys: %w", err)
	}
	p := &proven{folder: folder, files: map[string]File{}, same: map[string]state{}}
	if err := p.read(filepath.Join(s.Folder, folder), keys); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	s.newest = p
	return p, nil
}

// read reads what is signed in a folder, and the index that this proves, which has the digests of all other files.
func (p *proven) read(folder string, keys release.Keys) error {
	signed, err := readIn(folder, SignedFile, release.MaxSums)
	if err != nil {
		return err
	}
	sums, err := release.OpenSums(signed, keys)
	if err != nil {
		return fmt.Errorf("%s: %w", SignedFile, err)
	}
	text, err := readIn(folder, IndexFile, maxIndex)
	if err != nil {
		return err
	}
	if release.DigestOf(text) != sums[IndexFile] {
		return fmt.Errorf("%s: %w", IndexFile, release.ErrDigest)
	}
	if err := json.Unmarshal(text, &p.index); err != nil {
		return fmt.Errorf("%s: %w", IndexFile, err)
	}
	for _, f := range p.index.Files {
		digest, err := release.ParseDigest(f.Sum)
		if signed, ok := sums[f.Name]; err != nil || ok && signed != digest {
			return fmt.Errorf("%s has another digest of %s than what is signed", IndexFile, f.Name)
		}
		f.SHA256 = digest
		p.files[f.Name] = f
	}
	for name, own := range map[string]struct {
		kind string
		body []byte
	}{IndexFile: {"application/json", text}, SumsFile: {plainText, []byte(sums.Text())}, SignedFile: {plainText, signed}} {
		digest := release.DigestOf(own.body)
		p.files[name] = File{Name: name, Type: own.kind, Size: int64(len(own.body)), SHA256: digest, Sum: digest.String()}
	}
	return nil
}

const plainText = "text/plain; charset=utf-8"

// check reads a file through, where it has changed since that was done last, and leaves it at its begin.
func (p *proven) check(f *os.File, info fs.FileInfo, want File) error {
	p.mu.Lock()
	same := p.same[want.Name]
	p.mu.Unlock()
	if is := stateOf(info); is != (state{}) && is == same {
		return nil
	}
	if info.Size() != want.Size {
		return fmt.Errorf("%w: %s has %d bytes, not %d", ErrDamaged, want.Name, info.Size(), want.Size)
	}
	digest, err := digestOf(io.LimitReader(f, want.Size+1))
	if err == nil && digest != want.SHA256 {
		err = release.ErrDigest
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		var after fs.FileInfo
		if after, err = f.Stat(); err == nil && stateOf(after) != stateOf(info) {
			err = errors.New("it was changed meanwhile")
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %v", ErrDamaged, want.Name, err)
	}
	// A change within the same tick of the clock of the file system would look like none.
	if time.Since(info.ModTime()) > time.Second {
		p.mu.Lock()
		p.same[want.Name] = stateOf(info)
		p.mu.Unlock()
	}
	return nil
}

func digestOf(r io.Reader) (d release.Digest, err error) {
	sum := sha256.New()
	_, err = io.Copy(sum, r)
	return release.Digest(sum.Sum(nil)), err
}

// openIn opens a plain file of a folder: neither of them is a link, and it waits for nobody at the other end.
func openIn(folder, name string) (*os.File, fs.FileInfo, error) {
	if info, err := os.Lstat(folder); err != nil || !info.IsDir() {
		return nil, nil, errors.New("its folder is none")
	}
	in, err := os.OpenRoot(folder)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	f, err := in.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = blob.ErrNoBlob
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func readIn(folder, name string, most int64) ([]byte, error) {
	f, info, err := openIn(folder, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > most {
		return nil, fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return io.ReadAll(io.LimitReader(f, most))
}
