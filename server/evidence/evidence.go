// Package evidence keeps the pictures that people send with their reports.
//
// Nothing of what was sent is kept but its pixels (Clean). What is kept lies apart from everything else, in a folder of
// its own, in files named by their SHA-256, and is served from an origin of its own, to be downloaded and never shown
// as a page.
//
//	upload ──Clean──> JPEG ──> DIR/ab/cdef… ──> a row in the office's database
//
// The file comes before its row: after a crash there may be a file that nobody names (Sweep), and never a row without
// its file. How long a picture is kept, whoever calls Delete decides.
package evidence

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"khien/server/blob"
	"khien/server/db"
)

// MaxEach bounds the pictures of one report.
const MaxEach = 3

// maxKept bounds a picture as it is kept, in bytes: noise of the most pixels, at our quality.
const maxKept = 2 * MaxPixels

var (
	// ErrNotFound is a picture that is not here.
	ErrNotFound = errors.New("no such picture")
	// ErrEnough is one picture too many for a report.
	ErrEnough = fmt.Errorf("a report has at most %d pictures", MaxEach)
	// ErrBusy is a picture that came while others were waiting to be cleaned.
	ErrBusy = errors.New("too many pictures come just now")
)

// Picture is a picture that is kept.
type Picture struct {
	Digest        string // 64 hex digits: its name
	Report        []byte // id of the report that it came with
	Width, Height int    // pixels
	Size          int64  // bytes
	Received      int64  // Unix seconds
}

// Store keeps pictures in a folder. It is safe for concurrent use, by several processes too.
type Store struct {
	dir     string
	db      *db.DB
	waiting chan struct{} // those who wait to be cleaned, and the one that is
	turn    chan struct{}
}

// maxWaiting bounds the uploads that are in memory to be cleaned; one at a time is, with some 130 MB at worst.
const maxWaiting = 16

//go:embed tables/*.sql
var files embed.FS

// Tables are what it keeps in the office's database.
var Tables = db.Tables{Package: "evidence", Files: files}

// Open opens the store with its pictures in dir, which it makes where it is missing, and its index in a database that
// has its tables.
func Open(office *db.DB, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't open the evidence: %w", err)
	}
	return &Store{dir, office, make(chan struct{}, maxWaiting), make(chan struct{}, 1)}, nil
}

// Add keeps a picture of a report; it is on the disk when Add returns without an error. The same picture may come any
// number of times. It refuses with ErrTooLarge, ErrPicture, ErrEnough or ErrBusy.
func (s *Store) Add(ctx context.Context, report, upload []byte, now int64) (p Picture, err error) {
	sum := sha256.Sum256(upload)
	if p, err = s.known(ctx, report, sum[:]); !errors.Is(err, ErrNotFound) {
		return p, err
	}
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return Picture{}, ErrBusy
	}
	s.turn <- struct{}{}
	clean, width, height, err := Clean(upload)
	<-s.turn
	if err != nil {
		return Picture{}, err
	}
	digest := sha256.Sum256(clean)
	p = Picture{hex.EncodeToString(digest[:]), report, width, height, int64(len(clean)), now}
	kept := int64(0)
	err = s.db.Change(ctx, func(tx *sql.Tx) error {
		if err := s.write(p.Digest, clean); err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `INSERT INTO picture (report, upload, digest, width, height, size, received)
			SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE (SELECT count(*) FROM picture WHERE report = ?1) < ?8 ON CONFLICT (report, upload) DO NOTHING`,
			report, sum[:], digest[:], width, height, p.Size, now, MaxEach)
		if err == nil {
			kept, err = done.RowsAffected()
		}
		return err
	})
	if err != nil {
		return Picture{}, fmt.Errorf("couldn't keep a picture: %w", err)
	}
	if kept == 0 {
		return s.known(ctx, report, sum[:]) // another sending of it was faster
	}
	return p, nil
}

// known finds what was made of an upload for a report, or tells why no more may come: ErrNotFound or ErrEnough.
func (s *Store) known(ctx context.Context, report, upload []byte) (Picture, error) {
	list, err := pictures(s.db.QueryContext(ctx, selectPicture+` WHERE report = ? AND upload = ?`, report, upload))
	if err != nil {
		return Picture{}, err
	}
	if len(list) > 0 {
		return list[0], nil
	}
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM picture WHERE report = ?`, report).Scan(&n); err != nil {
		return Picture{}, fmt.Errorf("couldn't count the pictures of a report: %w", err)
	}
	if n >= MaxEach {
		return Picture{}, ErrEnough
	}
	return Picture{}, ErrNotFound
}

const selectPicture = `SELECT digest, report, width, height, size, received FROM picture`

func pictures(rows *sql.Rows, err error) ([]Picture, error) {
	if err != nil {
		return nil, fmt.Errorf("couldn't list pictures: %w", err)
	}
	defer rows.Close()
	var list []Picture
	for rows.Next() {
		var p Picture
		var digest []byte
		if err := rows.Scan(&digest, &p.Report, &p.Width, &p.Height, &p.Size, &p.Received); err != nil {
			return nil, fmt.Errorf("couldn't list pictures: %w", err)
		}
		p.Digest = hex.EncodeToString(digest)
		list = append(list, p)
	}
	return list, rows.Err()
}

// Of returns the pictures of reports, by their ids, the oldest first.
func (s *Store) Of(ctx context.Context, reports ...[]byte) ([]Picture, error) {
	var all []Picture
	for _, id := range reports {
		list, err := pictures(s.db.QueryContext(ctx, selectPicture+` WHERE report = ? ORDER BY seq`, id))
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// Read returns a picture by its digest: the one that was kept, or ErrNotFound. It is a JPEG.
func (s *Store) Read(digest string) ([]byte, error) {
	if len(digest) != 2*sha256.Size || strings.Trim(digest, "0123456789abcdef") != "" {
		return nil, ErrNotFound
	}
	body, err := blob.ReadPlain(s.file(digest), maxKept)
	sum := sha256.Sum256(body)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, blob.ErrNoBlob), err == nil && hex.EncodeToString(sum[:]) != digest:
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("couldn't read a picture: %w", err)
	}
	return body, nil
}

func (s *Store) file(digest string) string {
	return filepath.Join(s.dir, digest[:2], digest[2:]+".jpg")
}

// write puts a file where it belongs in one step, and on the disk.
func (s *Store) write(digest string, body []byte) error {
	path := s.file(digest)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // of no effect once it has moved
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err == nil {
		err = syncFolder(s.dir)
	}
	return err
}

// syncFolder makes what was renamed into a folder survive a loss of power.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
