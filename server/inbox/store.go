package inbox

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the inbox in the file at path, making or upgrading it where needed.
// Several processes may have it open at once.
func Open(path string) (*Inbox, error) {
	db, err := driver.Open(path, func(c *sqlite3.Conn) error {
		return c.Exec(`
			PRAGMA busy_timeout = 10000;
			PRAGMA journal_mode = WAL;
			PRAGMA synchronous = FULL;
			PRAGMA foreign_keys = ON`)
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't open the inbox: %w", err)
	}
	// One connection: writers queue here in order instead of polling for SQLite's lock.
	db.SetMaxOpenConns(1)
	if err := migrate(db); err != nil {
		return nil, fmt.Errorf("couldn't open the inbox: %w", sqlClose(db, err))
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("couldn't open the inbox: %w", sqlClose(db, err))
	}
	return &Inbox{db: db}, nil
}

// Close waits for the statements under way.
func (i *Inbox) Close() error { return i.db.Close() }

// Ping tells whether the inbox can be read.
func (i *Inbox) Ping(ctx context.Context) error {
	var n int
	if err := i.db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM report LIMIT 1)`).Scan(&n); err != nil {
		return fmt.Errorf("couldn't read the inbox: %w", err)
	}
	return nil
}

// migrate runs the numbered files that the database has not seen yet, each in a transaction.
func migrate(db *sql.DB) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
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
		if err := migrateOne(db, names[n], n); err != nil {
			return fmt.Errorf("%s: %w", names[n], err)
		}
	}
	return nil
}

func migrateOne(db *sql.DB, name string, n int) error {
	text, err := migrations.ReadFile(name)
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

// syncDir makes a file that was just created in dir survive a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func sqlClose(db *sql.DB, err error) error {
	db.Close()
	return err
}
