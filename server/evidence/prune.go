package evidence

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// After returns at most limit pictures that came after the one with this place, the oldest first, and the place of the
// last; the places begin at 1.
func (s *Store) After(ctx context.Context, place int64, limit int) (list []Picture, last int64, err error) {
	last = place
	err = s.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), ?1) FROM (SELECT seq FROM picture WHERE seq > ?1 ORDER BY seq LIMIT ?2) AS page`, place, limit).Scan(&last)
	if err != nil {
		return nil, place, fmt.Errorf("couldn't list pictures: %w", err)
	}
	if last > place {
		list, err = pictures(s.db.QueryContext(ctx, selectPicture+` WHERE seq > ? AND seq <= ? ORDER BY seq`, place, last))
	}
	return list, last, err
}

// Delete removes pictures of reports, for good. A file that belongs to another report too stays. What is gone already
// is no error.
func (s *Store) Delete(ctx context.Context, list ...Picture) error {
	err := s.db.Change(ctx, func(tx *sql.Tx) error {
		for _, p := range list {
			digest, err := hex.DecodeString(p.Digest)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM picture WHERE report = ? AND digest = ?`, p.Report, digest); err != nil {
				return err
			}
			if err := s.drop(ctx, tx, p.Digest); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("couldn't delete pictures: %w", err)
	}
	return nil
}

// Sweep removes files that belong to no report, which a crash has left, and returns how many there were.
func (s *Store) Sweep(ctx context.Context) (n int, err error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "[0-9a-f][0-9a-f]", "*.jpg"))
	for _, path := range files {
		if err != nil {
			break
		}
		digest := filepath.Base(filepath.Dir(path)) + strings.TrimSuffix(filepath.Base(path), ".jpg")
		err = s.db.Change(ctx, func(tx *sql.Tx) error {
			err := s.drop(ctx, tx, digest)
			if err == nil {
				if _, gone := os.Stat(path); errors.Is(gone, fs.ErrNotExist) {
					n++
				}
			}
			return err
		})
	}
	if err != nil {
		return n, fmt.Errorf("couldn't sweep the evidence: %w", err)
	}
	return n, nil
}

// drop removes a file that no row names. Whoever adds a picture writes its file and its row in one transaction too, so
// that neither sees the other half way.
func (s *Store) drop(ctx context.Context, tx *sql.Tx, digest string) error {
	sum, err := hex.DecodeString(digest)
	if err != nil {
		return nil // no file of ours
	}
	var named bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM picture WHERE digest = ?)`, sum).Scan(&named); err != nil || named {
		return err
	}
	if err := os.Remove(s.file(digest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
