// Package db is the one door to the databases that the server keeps its state in: files of SQLite (WAL mode,
// synchronous=FULL), or schemas of PostgreSQL. A commit survives the loss of power. It brings each package's tables to
// their newest version.
//
// Whoever writes does so alone and in turn (Change); whoever reads sees what is committed and waits for nobody.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// DB is a database. It is safe for concurrent use, by several processes too.
type DB struct {
	Folder string // where files lie that belong to it; that of its own file unless somebody says otherwise

	place       string
	tables      []Tables
	write, read *sql.DB
}

// Tables are those of one package: the files *.sql in a folder of Files make them and change them, in the order of
// their names.
type Tables struct {
	Package string
	Files   fs.FS
	Until   int // so many of the files; 0 is all
}

// Open opens the file at a path, or the schema at the address of a PostgreSQL database, making it where it is missing,
// and brings the tables of each package in turn to their newest version: each of their files that it has not seen yet
// is run in a transaction. Several processes may have it open at once. What a newer program has upgraded is an error.
func Open(place string, all ...Tables) (*DB, error) {
	open := openSQLite
	if IsPostgres(place) {
		open = openPostgres
	}
	write, read, err := open(place)
	if err != nil {
		return nil, err
	}
	d := &DB{place: place, tables: all, write: write, read: read}
	if !IsPostgres(place) {
		d.Folder = filepath.Dir(place)
	}
	for _, t := range all {
		if err := d.migrate(t); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// openSQLite opens the two ways into a file. At most 64 MB of the file are kept in memory, and the log grows to some 64
// MB before a writer works it into the file: one write for all that happened to a page meanwhile. Tend does it beside
// the writers.
func openSQLite(path string) (write, read *sql.DB, err error) {
	write, err = connect(path, 1, `
		PRAGMA journal_mode = WAL;
		PRAGMA synchronous = FULL;
		PRAGMA cache_size = -65536;
		PRAGMA wal_autocheckpoint = 16000;
		PRAGMA foreign_keys = ON`)
	if err == nil {
		_, err = write.Exec(`CREATE TABLE IF NOT EXISTS migration (package TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL) STRICT`)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err == nil {
		read, err = reader(path)
	}
	if err != nil && write != nil {
		write.Close()
	}
	return write, read, err
}

// connect opens a file by so many connections at most. With one, writers queue here in order instead of polling for
// SQLite's lock.
func connect(path string, most int, pragmas string) (*sql.DB, error) {
	// A change has the lock from its start, so that it waits for those of other processes instead of failing in the
	// middle.
	db, err := driver.Open("file:"+url.PathEscape(path)+"?_txlock=immediate", func(c *sqlite3.Conn) error {
		return c.Exec(`PRAGMA busy_timeout = 10000; ` + pragmas)
	})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db, nil
}

func reader(path string) (*sql.DB, error) {
	return connect(path, 8, `PRAGMA query_only = ON; PRAGMA cache_size = -16384`)
}

// Beside is a file of this name in the folder of the database.
func (d *DB) Beside(name string) string { return filepath.Join(d.Folder, name) }

// Close waits for the statements under way.
func (d *DB) Close() error { return errors.Join(d.read.Close(), d.write.Close()) }

// CopyTo copies the database to a file of SQLite at a path where there is none yet, as it is at one moment; whoever
// writes goes on meanwhile.
func (d *DB) CopyTo(ctx context.Context, path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if IsPostgres(d.place) {
		copied, err := Open(path, d.tables...)
		if err == nil {
			err = errors.Join(copied.Fill(ctx, d, func(int64) {}), copied.Close())
		}
		return errors.Join(err, file.Sync())
	}
	c, err := d.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.Raw(func(c any) error {
		return c.(driver.Conn).Raw().Backup("main", "file:"+url.PathEscape(path))
	})
	return errors.Join(err, file.Sync())
}

// Change runs f in a transaction, which nobody else writes beside and which is on the disk when Change returns nil.
func (d *DB) Change(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// ExecContext is a change of one statement.
func (d *DB) ExecContext(ctx context.Context, query string, args ...any) (done sql.Result, err error) {
	err = d.Change(ctx, func(tx *sql.Tx) (err error) {
		done, err = tx.ExecContext(ctx, query, args...)
		return err
	})
	return done, err
}

// QueryContext reads what is committed.
func (d *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.read.QueryContext(ctx, query, args...)
}

// QueryRowContext reads one row of what is committed.
func (d *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return d.read.QueryRowContext(ctx, query, args...)
}

// Reader is what can be asked: a database, or a change of it that is under way.
type Reader interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

// Row is what one row is read from.
type Row interface{ Scan(...any) error }

// All reads the rows of a query, each by scan.
func All[T any](scan func(Row) (T, error)) func(*sql.Rows, error) ([]T, error) {
	return func(rows *sql.Rows, err error) (list []T, _ error) {
		for one, err := range Each(scan)(rows, err) {
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	}
}

// Each yields the rows of a query, each read by scan, until one can't be read.
func Each[T any](scan func(Row) (T, error)) func(*sql.Rows, error) iter.Seq2[T, error] {
	return func(rows *sql.Rows, err error) iter.Seq2[T, error] {
		return func(yield func(T, error) bool) {
			if err == nil {
				defer rows.Close()
				for rows.Next() {
					one, err := scan(rows)
					if !yield(one, err) || err != nil {
						return
					}
				}
				err = rows.Err()
			}
			if err != nil {
				yield(*new(T), err)
			}
		}
	}
}

// Tend works the log into the file, four times a second until ctx ends, beside whoever writes: a writer who
// must do it has everybody wait meanwhile. Where this cannot, the writer still does. PostgreSQL does so by itself.
func (d *DB) Tend(ctx context.Context) error {
	if IsPostgres(d.place) {
		return nil
	}
	db, err := connect(d.place, 1, `PRAGMA cache_size = -1024`)
	if err != nil {
		return err
	}
	defer db.Close()
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

// Alone waits until nobody else in any process is alone with the database in that sense, and returns the end of it,
// which comes with the end of the process too. Whoever changes something does not ask. With SQLite it does nothing:
// all processes have the folder of its file, and can lock that.
func (d *DB) Alone(ctx context.Context) (end func(), err error) {
	if !IsPostgres(d.place) {
		return func() {}, nil
	}
	return lockPostgres(ctx, d.read, d.place)
}

// Exists tells whether anything was ever kept at a place, and makes nothing there.
func Exists(ctx context.Context, place string) (there bool, err error) {
	if !IsPostgres(place) {
		_, err := os.Lstat(place)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	}
	config, err := parse(place)
	if err != nil {
		return false, err
	}
	db := connections(config, 0, 1)
	defer db.Close()
	return there, db.QueryRowContext(ctx, known).Scan(&there)
}

func (d *DB) migrate(t Tables) error {
	names, texts, err := steps(t.Files, IsPostgres(d.place))
	if err != nil {
		return err
	}
	if t.Until > 0 {
		names = names[:t.Until]
	}
	// A file that was made before one could hold the tables of several packages counts in user_version.
	ask := `SELECT coalesce((SELECT version FROM migration WHERE package = ?), (SELECT user_version FROM pragma_user_version))`
	if IsPostgres(d.place) {
		ask = `SELECT coalesce((SELECT version FROM migration WHERE package = ?), 0)`
	}
	ctx := context.Background()
	var version int
	if err := d.read.QueryRowContext(ctx, ask, t.Package).Scan(&version); err != nil {
		return err
	}
	if version > len(names) {
		return fmt.Errorf("the tables of %s are of version %d, made by a newer khien; this one knows %d", t.Package, version, len(names))
	}
	for n := version; n < len(names); n++ {
		err := d.Change(ctx, func(tx *sql.Tx) error {
			var version int // again, as the only one who writes: another process may have been faster
			if err := tx.QueryRow(ask, t.Package).Scan(&version); err != nil || version > n {
				return err
			}
			if _, err := tx.Exec(texts[n]); err != nil {
				return err
			}
			_, err := tx.Exec(`INSERT INTO migration (package, version) VALUES (?, ?) ON CONFLICT (package) DO UPDATE SET version = excluded.version`, t.Package, n+1)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %s: %w", t.Package, names[n], err)
		}
	}
	return nil
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

// Check looks whether a file is whole and refers to nothing that is missing, and says what is wrong; it writes nothing.
// Of PostgreSQL, which holds references by itself and has tools of its own for its files, only whether it answers.
func Check(ctx context.Context, place string) (problem string, err error) {
	if IsPostgres(place) {
		write, read, err := openPostgres(place)
		if err != nil {
			return "", err
		}
		return "", errors.Join(read.PingContext(ctx), write.Close(), read.Close())
	}
	db, err := reader(place)
	if err != nil {
		return "", err
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&problem); err != nil {
		return "", err
	}
	if problem != "ok" {
		return problem, nil
	}
	rows, err := db.QueryContext(ctx, `PRAGMA foreign_key_check`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	if rows.Next() {
		return "a row refers to one that is missing", nil
	}
	return "", rows.Err()
}
