package office

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"khien/server/db"
	"khien/server/inbox"
)

// What a data directory keeps in its files moves to a PostgreSQL database, and back. It is copied first, where nobody
// looks: into schemas of another name, or a folder. When each table is the same there, the directory's note of where
// its databases are (noted) comes, or goes, by one rename: that is the moment of the move. What is left to do then is
// done at once, or by whoever asks next where they are (settle).

// kept are the two databases of a data directory with their tables.
var kept = []struct {
	name, file string
	tables     []db.Tables
}{{"office", File, Tables}, {"inbox", "inbox.db", []db.Tables{inbox.Tables}}}

const (
	part       = "_part"           // ends the name of a schema that is being filled
	moving     = "moving"          // the folder of files that are being filled; with the note in it, they are in force
	asideFiles = "before-postgres" // the folder in which the files stay that moved to PostgreSQL
)

// ErrThere is a move to where everything is already.
var ErrThere = errors.New("it is kept there already")

// Migrate moves what a data directory keeps to a PostgreSQL database at an address, or to files of its own where that
// is "". asked is the address of where it is, where that is a database, or "". Nobody else may have it open. Whatever
// fails has changed nothing. What was moved stays where it was, aside.
func Migrate(ctx context.Context, folder, asked, to string, copied func(rows int64)) error {
	if to != "" {
		if _, err := db.Bare(to); err != nil {
			return err
		}
	}
	from, err := Where(folder, asked)
	switch {
	case err != nil:
		return err
	case db.IsPostgres(from) == (to != ""):
		return ErrThere
	case to == "":
		return toFiles(ctx, folder, from, copied)
	}
	return toPostgres(ctx, folder, to, copied)
}

func toPostgres(ctx context.Context, folder, to string, copied func(int64)) error {
	for _, k := range kept { // brings them to their newest version
		file := filepath.Join(folder, k.file)
		if k.name == "office" {
			if err := MoveIn(ctx, folder); err != nil {
				return err
			}
		}
		opened, err := db.Open(file, k.tables...)
		if err == nil {
			err = opened.Close()
		}
		if err != nil {
			return fmt.Errorf("couldn't open %s: %w", file, err)
		}
	}
	lock, err := lockFolder(folder)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := vacant(ctx, to); err != nil {
		return err
	}
	copies := filepath.Join(folder, moving)
	defer os.RemoveAll(copies)
	if err := os.RemoveAll(copies); err != nil {
		return err
	}
	for _, k := range kept {
		release, err := alone(ctx, filepath.Join(folder, k.file))
		if err != nil {
			return fmt.Errorf("%s can't be had alone: stop every other khien that uses %s: %w", k.file, folder, err)
		}
		defer release()
		if err := copyFile(filepath.Join(folder, k.file), filepath.Join(copies, k.file)); err != nil {
			return err
		}
	}
	for _, k := range kept {
		source, err := db.Open(filepath.Join(copies, k.file), k.tables...)
		if err != nil {
			return err
		}
		err = filled(ctx, db.In(to, k.name+part), source, k.tables, copied)
		if err := errors.Join(err, source.Close()); err != nil {
			return fmt.Errorf("couldn't move %s, and changed nothing: %w", k.file, err)
		}
	}
	if err := os.RemoveAll(filepath.Join(folder, asideFiles)); err != nil { // of an earlier move, from which it came back since
		return err
	}
	if err := Remember(folder, to); err != nil {
		return err
	}
	return settleInPostgres(ctx, folder, to)
}

// filled makes a database at a place of all that another one has.
func filled(ctx context.Context, place string, source *db.DB, tables []db.Tables, copied func(int64)) error {
	made, err := db.Open(place, tables...)
	if err != nil {
		return err
	}
	return errors.Join(made.Fill(ctx, source, copied), made.Close())
}

// vacant makes room in a PostgreSQL database. What somebody uses there is an error; what moved away from there is put
// aside, and what a move that was killed has left is removed.
func vacant(ctx context.Context, to string) error {
	var left []string
	away := map[string]string{}
	for _, k := range kept {
		there, err := db.Exists(ctx, db.In(to, k.name+part))
		if err != nil {
			return err
		}
		if there {
			half, err := db.Open(db.In(to, k.name+part))
			if err != nil {
				return err
			}
			err = half.Seize(ctx)
			if err := errors.Join(err, half.Close()); err != nil {
				return err
			}
			left = append(left, k.name+part)
		}
		if there, err = db.Exists(ctx, db.In(to, k.name)); err != nil {
			return err
		}
		if !there {
			continue
		}
		used, err := db.Open(db.In(to, k.name))
		if errors.Is(err, db.ErrMoved) {
			away[k.name] = fmt.Sprintf("%s_before_%d", k.name, time.Now().UnixMicro())
			continue
		}
		if err == nil {
			err = used.Close()
		}
		return errors.Join(err, fmt.Errorf("there is an %s in that database already: name another one, or other schemas in it (?search_path=NAME)", k.name))
	}
	if err := db.Drop(ctx, to, left...); err != nil {
		return err
	}
	return db.Rename(ctx, to, away)
}

func toFiles(ctx context.Context, folder, from string, copied func(int64)) error {
	lock, err := lockFolder(folder)
	if err != nil {
		return err
	}
	defer lock.Close()
	to := filepath.Join(folder, moving)
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	defer func() { // where it did not come to the note
		if _, err := os.Stat(filepath.Join(to, noted)); errors.Is(err, fs.ErrNotExist) {
			os.RemoveAll(to)
		}
	}()
	for _, k := range kept {
		source, err := db.Open(db.In(from, k.name), k.tables...)
		if err != nil {
			return err
		}
		defer source.Close()
		if err := source.Seize(ctx); err != nil {
			return err
		}
		file := filepath.Join(to, k.file)
		if err := filled(ctx, file, source, k.tables, copied); err != nil {
			return fmt.Errorf("couldn't move the %s, and changed nothing: %w", k.name, err)
		}
		problem, err := db.Check(ctx, file)
		if err == nil && problem != "" {
			err = fmt.Errorf("%s would not be whole: %s", k.file, problem)
		}
		if err := errors.Join(err, synced(file)); err != nil {
			return err
		}
	}
	if err := errors.Join(synced(to), os.Rename(filepath.Join(folder, noted), filepath.Join(to, noted)), synced(folder)); err != nil {
		return err
	}
	return settleInFiles(ctx, folder, from)
}

// settle ends what a move that was killed had still to do.
func settle(ctx context.Context, folder, asked string) error {
	finish, within := settleInFiles, filepath.Join(folder, moving)
	if _, err := os.Stat(filepath.Join(within, noted)); errors.Is(err, fs.ErrNotExist) {
		finish, within = settleInPostgres, folder
		if len(files(folder)) == 0 {
			return nil
		}
	}
	address, err := remembered(within)
	if err != nil || address == "" {
		return err
	}
	if asked != "" && db.Same(address, asked) {
		address = asked // with its password
	}
	lock, err := lockFolder(folder)
	if err != nil {
		return err
	}
	defer lock.Close()
	return finish(ctx, folder, address)
}

func settleInPostgres(ctx context.Context, folder, place string) error {
	whole := filepath.Join(folder, asideFiles)
	for _, file := range files(folder) {
		if _, err := os.Lstat(filepath.Join(whole, file)); err == nil {
			return fmt.Errorf("%s lies in %s, which keeps what it has in a PostgreSQL database: move it away", file, folder)
		}
	}
	if err := db.Rename(ctx, place, map[string]string{"office" + part: "office", "inbox" + part: "inbox"}); err != nil {
		return err
	}
	for _, k := range kept {
		if there, err := db.Exists(ctx, db.In(place, k.name)); err != nil || !there {
			return errors.Join(err, fmt.Errorf("the %s is not in the database that it moved to: to go on with the files of before, remove %s", k.name, filepath.Join(folder, noted)))
		}
	}
	if err := os.MkdirAll(whole, 0o700); err != nil {
		return err
	}
	for _, file := range files(folder) {
		if err := os.Rename(filepath.Join(folder, file), filepath.Join(whole, file)); err != nil {
			return err
		}
	}
	return errors.Join(synced(whole), synced(folder))
}

func settleInFiles(ctx context.Context, folder, from string) error {
	if err := db.Leave(ctx, from, "office", "inbox"); err != nil {
		return fmt.Errorf("what has moved must be closed for others where it was: %w", err)
	}
	came := filepath.Join(folder, moving)
	for _, file := range files(came) {
		if err := os.Rename(filepath.Join(came, file), filepath.Join(folder, file)); err != nil {
			return err
		}
	}
	return errors.Join(synced(folder), os.RemoveAll(came))
}

// files are those of databases that are in a folder.
func files(folder string) (names []string) {
	for _, k := range kept {
		for _, end := range []string{"", "-wal", "-shm"} {
			if _, err := os.Lstat(filepath.Join(folder, k.file+end)); err == nil {
				names = append(names, k.file+end)
			}
		}
	}
	return names
}

// lockFolder keeps other moves in a data directory waiting until it is closed.
func lockFolder(folder string) (*os.File, error) {
	lock, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}
