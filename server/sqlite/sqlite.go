// Package sqlite opens the SQLite files that the server keeps its state in, so that
// a commit survives the loss of power (WAL mode, synchronous=FULL), and brings them
// to the newest version of their tables.
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// Open opens the file at path, making it where it is missing, and runs the files
// *.sql of migrations that it has not seen yet, in the order of their names, each
// in a transaction. Several processes may have the file open at once. A file that a
// newer program has upgraded is an error.
//
// At most 64 MB of the file are kept in memory, and the log grows to some 64 MB before a writer works it
// into the file: one write for all that happened to a page meanwhile. Tend does it beside the writers.
func Open(path string, migrations fs.FS) (*sql.DB, error) {
	db, err := driver.Open(path, func(c *sqlite3.Conn) error {
		return c.Exec(`
			PRAGMA busy_timeout = 10000;
			PRAGMA journal_mode = WAL;
			PRAGMA synchronous = FULL;
			PRAGMA cache_size = -65536;
			PRAGMA wal_autocheckpoint = 16000;
			PRAGMA foreign_keys = ON`)
	})
	if err != nil {
		return nil, err
	}
	// One connection: writers queue here in order instead of polling for SQLite's lock.
	db.SetMaxOpenConns(1)
	err = migrate(db, migrations)
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// Change runs f in a transaction, which nobody else writes beside and which is on the disk when Change returns nil.
func Change(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// OpenReader opens a file that Open has opened, to be read beside what is written: a reader sees what is committed, and waits for
// no writer.
func OpenReader(path string) (*sql.DB, error) {
	db, err := driver.Open(path, func(c *sqlite3.Conn) error {
		return c.Exec(`
			PRAGMA busy_timeout = 10000;
			PRAGMA query_only = ON;
			PRAGMA cache_size = -16384`)
	})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(2)
	db.SetMaxIdleConns(2)
	return db, nil
}

// Tend works the log of a file that Open has opened into the file, four times a second until ctx ends, beside whoever writes: a writer who
// must do it has everybody wait meanwhile. Where this cannot, the writer still does.
func Tend(ctx context.Context, path string) error {
	db, err := driver.Open(path, func(c *sqlite3.Conn) error { return c.Exec(`PRAGMA cache_size = -1024`) })
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for tick := time.NewTicker(250 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
			// Another may be at it; then that one does it.
			db.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`)
		}
	}
}

func migrate(db *sql.DB, migrations fs.FS) error {
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return err
	}
	var version int
	if err := db.QueryRow(`PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	if version > len(names) {
		return fmt.Errorf("the file is of version %d, made by a newer khien; this one knows %d", version, len(names))
	}
	for n := version; n < len(names); n++ {
		if err := migrateOne(db, migrations, names[n], n); err != nil {
			return fmt.Errorf("%s: %w", names[n], err)
		}
	}
	return nil
}

func migrateOne(db *sql.DB, migrations fs.FS, name string, n int) error {
	text, err := fs.ReadFile(migrations, name)
	if err != nil {
		return err
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var version int // again, under the write lock: another process may have been faster
	if err := tx.QueryRow(`PRAGMA user_version`).Scan(&version); err != nil || version > n {
		return err
	}
	if _, err := tx.Exec(string(text)); err != nil {
		return err
	}
	if _, err := tx.Exec(fmt.Sprintf(`PRAGMA user_version = %d`, n+1)); err != nil {
		return err
	}
	return tx.Commit()
}

// syncFolder makes a file that was just created survive a loss of power.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
