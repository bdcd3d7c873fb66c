package office

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"khien/server/blob"
	"khien/server/db"
)

// noted is the file of a data directory whose databases are in PostgreSQL that says where, without a password. So no
// command begins empty ones in the directory because nobody told it.
const noted = "db"

// Where is where the databases of a data directory are: in its own files, which is the folder, or at the address of a
// PostgreSQL database, which is asked for or was before (Remember). What lies in files does not change its place by
// asking.
func Where(folder, asked string) (place string, err error) {
	if asked != "" {
		if _, err := db.Bare(asked); err != nil {
			return "", err
		}
	}
	if err := settle(context.Background(), folder, asked); err != nil {
		return "", err
	}
	before, err := remembered(folder)
	switch {
	case err != nil:
		return "", err
	case before == "" && asked == "":
		return folder, nil
	case asked == "":
		return before, nil
	case before != "" && !db.Same(before, asked):
		return "", fmt.Errorf("what %s keeps is in %s, and not in the database that was named: leave --db and KHIEN_DB away",
			folder, before)
	case before == "":
		for _, file := range append(present(folder), File, "inbox.db") {
			if there, err := db.Exists(context.Background(), filepath.Join(folder, file)); err != nil || there {
				return "", errors.Join(err, fmt.Errorf("%s keeps what it has in %s, and nothing of it is in the database that was named: leave --db and KHIEN_DB away, or move it there first: khien migrate --to ADDRESS",
					folder, filepath.Join(folder, file)))
			}
		}
	}
	return asked, nil
}

// Remember notes where the databases of a data directory are, once they are there.
func Remember(folder, place string) error {
	if !db.IsPostgres(place) {
		return nil
	}
	if before, err := remembered(folder); err != nil || before != "" {
		return err
	}
	bare, err := db.Bare(place)
	if err != nil {
		return err
	}
	return blob.WritePlain(filepath.Join(folder, noted), []byte(bare+"\n"))
}

// remembered is the address that was noted, or "".
func remembered(folder string) (string, error) {
	text, err := blob.ReadPlain(filepath.Join(folder, noted), 4096)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("%s should say in one line where the databases are: %w", filepath.Join(folder, noted), err)
	}
	address := strings.TrimSpace(string(text))
	if _, err := db.Bare(address); err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Join(folder, noted), err)
	}
	return address, nil
}

// Kept tells whether an office is kept at a place that Where has told, be it in files of an earlier khien.
func Kept(ctx context.Context, place string) (bool, error) {
	there, err := db.Exists(ctx, db.In(place, "office"))
	return there || !db.IsPostgres(place) && len(present(place)) > 0, err
}
