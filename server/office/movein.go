package office

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"khien/server/db"
)

// An earlier khien kept a file for each package. Its files are copied aside first. Copies of them are brought to the
// newest version that there was, their rows go into a database of their own, and when each table is the same there,
// that becomes the office's database by rename. A kill leaves all as it was, or all taken over.

// aside is the folder of the data directory in which the files of before stay.
const aside = "before-office"

// before holds the tables as they were, one folder for each package. They never change any more.
//
//go:embed before
var before embed.FS

// earlier are the files of before, by package.
var earlier = []struct{ name, file string }{
	{"ledger", "ledger.db"}, {"triage", "triage.db"}, {"takedown", "takedown.db"}, {"campaign", "campaign.db"}, {"staff", "staff.db"},
	{"evidence", filepath.Join("evidence", "index.db")},
}

// renamed are the tables and columns that are called otherwise now.
var renamed = map[string]string{"staff.proposal": "member_proposal", "person.left": "gone", "amended.only": "one"}

func called(in, name string) string {
	if other, ok := renamed[in+"."+name]; ok {
		return other
	}
	return name
}

// MoveIn takes the files of an earlier khien over into the office's database, where there are any. No other khien may
// have them open. Whatever fails has changed nothing.
func MoveIn(ctx context.Context, folder string) error {
	if len(present(folder)) == 0 {
		return nil
	}
	lock, err := lockFolder(folder)
	if err != nil {
		return err
	}
	defer lock.Close()
	files := present(folder) // another process may have been faster
	switch _, err := os.Stat(filepath.Join(folder, File)); {
	case err == nil:
		return tidy(folder, files)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	for _, file := range files {
		release, err := alone(ctx, filepath.Join(folder, file))
		if err != nil {
			return fmt.Errorf("%s can't be had alone: stop every other khien that uses %s, and start this one again: %w", file, folder, err)
		}
		defer release()
	}
	if err := copyAside(folder, files); err != nil {
		return fmt.Errorf("couldn't copy the files to %s: make room on the disk: %w", aside, err)
	}
	part := filepath.Join(folder, "office.part")
	defer os.RemoveAll(part)
	if err := fill(ctx, folder, part); err != nil {
		return fmt.Errorf("%w: nothing was changed, and the earlier khien still runs with these files", err)
	}
	if err := os.Rename(filepath.Join(part, File), filepath.Join(folder, File)); err != nil {
		return err
	}
	if err := synced(folder); err != nil {
		return err
	}
	return tidy(folder, files)
}

// present are the files of an earlier khien that are in a folder.
func present(folder string) (files []string) {
	for _, e := range earlier {
		if _, err := os.Stat(filepath.Join(folder, e.file)); err == nil {
			files = append(files, e.file)
		}
	}
	return files
}

// alone keeps everybody else from a database until release, and has all of it in its one file.
func alone(ctx context.Context, path string) (release func(), err error) {
	file, err := driver.Open(path, func(c *sqlite3.Conn) error {
		return c.Exec(`PRAGMA busy_timeout = 1000`)
	})
	if err != nil {
		return nil, err
	}
	file.SetMaxOpenConns(1)
	tx, err := (*sql.Tx)(nil), error(nil)
	if _, err = file.ExecContext(ctx, `PRAGMA journal_mode = DELETE`); err == nil {
		tx, err = file.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelLinearizable}) // which is BEGIN EXCLUSIVE
	}
	var mode string
	if err == nil {
		err = tx.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode)
	}
	if err == nil && mode != "delete" {
		err = errors.New("it is in use")
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return func() { tx.Rollback(); file.Close() }, nil
}

// copyAside leaves either no folder of copies or all of them in it.
func copyAside(folder string, files []string) error {
	part, whole := filepath.Join(folder, aside+".part"), filepath.Join(folder, aside)
	for _, file := range present(whole) {
		if !slices.Contains(files, file) { // the only one that there is
			if err := os.Rename(whole, fmt.Sprintf("%s-%d", whole, time.Now().UnixNano())); err != nil {
				return err
			}
			break
		}
	}
	for _, old := range []string{part, whole} { // of a move that was killed: what was copied then may be older than what is there now
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	for _, file := range files {
		if err := copyFile(filepath.Join(folder, file), filepath.Join(part, file)); err != nil {
			return err
		}
	}
	if err := os.Rename(part, whole); err != nil {
		return err
	}
	return synced(folder)
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	return synced(filepath.Dir(to))
}

// synced makes what was done to a file or a folder survive a loss of power.
func synced(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// fill makes the office's database in part of what was copied aside, and compares the two.
func fill(ctx context.Context, folder, part string) error {
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	files := present(filepath.Join(folder, aside))
	for _, file := range files {
		if err := copyFile(filepath.Join(folder, aside, file), filepath.Join(part, file)); err != nil {
			return err
		}
	}
	for _, e := range earlier {
		if !slices.Contains(files, e.file) {
			continue
		}
		tables, err := fs.Sub(before, "before/"+e.name)
		if err != nil {
			return err
		}
		old, err := db.Open(filepath.Join(part, e.file), db.Tables{Package: e.name, Files: tables})
		if err == nil {
			err = old.Close()
		}
		if err != nil {
			return fmt.Errorf("couldn't bring %s to its newest version: %w", e.file, err)
		}
	}
	path := filepath.Join(part, File)
	empty := slices.Clone(Tables)
	for i := range empty {
		empty[i].Until = 1 // which is what they were; what has changed since is done to what was moved in
	}
	made, err := db.Open(path, empty...)
	if err == nil {
		err = made.Close()
	}
	if err != nil {
		return err
	}
	if err := move(ctx, path, part, files); err != nil {
		return err
	}
	problem, err := db.Check(ctx, path)
	if err == nil && problem != "" {
		err = fmt.Errorf("%s would not be whole: %s", File, problem)
	}
	if err != nil {
		return err
	}
	return synced(path)
}

// move copies all rows in one transaction, and commits it if they are the same in every table.
func move(ctx context.Context, path, part string, files []string) error {
	office, err := driver.Open(path)
	if err != nil {
		return err
	}
	defer office.Close()
	office.SetMaxOpenConns(1)
	for _, e := range earlier {
		if slices.Contains(files, e.file) {
			if _, err := office.ExecContext(ctx, `ATTACH ? AS before_`+e.name, filepath.Join(part, e.file)); err != nil {
				return err
			}
		}
	}
	if _, err := office.ExecContext(ctx, `PRAGMA journal_mode = DELETE; PRAGMA foreign_keys = ON`); err != nil {
		return err
	}
	tx, err := office.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `PRAGMA defer_foreign_keys = ON`); err != nil {
		return err
	}
	for _, e := range earlier {
		if slices.Contains(files, e.file) {
			if err := moveFile(ctx, tx, e.name); err != nil {
				return fmt.Errorf("couldn't take %s over: %w", e.file, err)
			}
		}
	}
	return tx.Commit()
}

// text reads a column of texts.
var text = db.All(func(row db.Row) (s string, err error) { return s, row.Scan(&s) })

func moveFile(ctx context.Context, tx *sql.Tx, name string) error {
	from := "before_" + name
	tables, err := text(tx.QueryContext(ctx, `SELECT name FROM `+from+`.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name <> 'migration' ORDER BY rowid`))
	if err != nil {
		return err
	}
	for _, table := range tables {
		old, err := text(tx.QueryContext(ctx, `SELECT name FROM pragma_table_info(?, ?) ORDER BY cid`, table, from))
		if err != nil {
			return err
		}
		now := make([]string, len(old))
		for i, column := range old {
			now[i] = called(table, column)
		}
		source, target := from+"."+table, "main."+called(name, table)
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+target); err != nil { // what a new one begins with
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO `+target+` (`+strings.Join(now, ", ")+`) SELECT `+strings.Join(old, ", ")+` FROM `+source); err != nil {
			return err
		}
		was, err := db.DigestOf(ctx, tx, source, old)
		if err != nil {
			return err
		}
		is, err := db.DigestOf(ctx, tx, target, now)
		if err != nil {
			return err
		}
		if was != is {
			return fmt.Errorf("the table %s would not be the same: it has %d rows, and %d were taken over", table, was.Rows, is.Rows)
		}
	}
	return moveNumbers(ctx, tx, name)
}

// moveNumbers takes over which numbers were given, so that none is given twice.
func moveNumbers(ctx context.Context, tx *sql.Tx, name string) error {
	from := "before_" + name + ".sqlite_sequence"
	tables, err := text(tx.QueryContext(ctx, `SELECT name FROM pragma_table_list WHERE schema = ? AND name = 'sqlite_sequence'`, "before_"+name))
	if err != nil || len(tables) == 0 {
		return err
	}
	if tables, err = text(tx.QueryContext(ctx, `SELECT name FROM `+from)); err != nil {
		return err
	}
	for _, table := range tables {
		now := called(name, table)
		if _, err := tx.ExecContext(ctx, `DELETE FROM main.sqlite_sequence WHERE name = ?`, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO main.sqlite_sequence (name, seq) SELECT ?, seq FROM `+from+` WHERE name = ?`, now, table); err != nil {
			return err
		}
	}
	return nil
}

// tidy removes the files of before, which were taken over: an earlier khien would go on with them. What is not the same
// as what was taken over stays.
func tidy(folder string, files []string) error {
	for _, file := range files {
		if same, err := same(filepath.Join(folder, file), filepath.Join(folder, aside, file)); err != nil || !same {
			return errors.Join(err, fmt.Errorf("%s lies beside %s and is not what was taken over: move it away, or, to take all of %s over instead, move %s away",
				file, File, strings.Join(files, ", "), File))
		}
	}
	for _, file := range files {
		if err := os.Remove(filepath.Join(folder, file)); err != nil {
			return err
		}
	}
	return synced(folder)
}

func same(a, b string) (bool, error) {
	var sums [2][]byte
	for i, path := range []string{a, b} {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, f)
		f.Close()
		if err != nil {
			return false, err
		}
		sums[i] = sum.Sum(nil)
	}
	return bytes.Equal(sums[0], sums[1]), nil
}
