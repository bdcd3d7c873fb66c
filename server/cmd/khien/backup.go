package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/backup"
	"khien/server/db"
	"khien/server/office"
)

func backupCommand(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "backup FOLDER", Short: "Copy the data directory, also while it is served",
		Long: `Copies everything into FOLDER, which must not be there yet: databases, keys, what is published,
pictures, official names. The server goes on meanwhile; only releases wait. A copy that broke off
is not called FOLDER. What it holds is listed in SHA256SUMS, which "sha256sum --check" reads too.

What is kept in PostgreSQL is copied to files too, as it is at one moment.

FOLDER holds the release keys and what people reported: keep it as you keep the data directory.
SHA256SUMS finds damage, and nothing that somebody changes who may write into FOLDER. Prints the
mark of the audit log. Note it elsewhere: with it, "khien restore --from" proves that
nobody has changed the log in the backup.`,
		Example: `  $ khien backup khien-2026-11-30
  {"files":1204,"mark":"1204:9c1e…"}`,
		Args: exactly(1, "a folder that is not there yet"),
		RunE: func(cmd *cobra.Command, args []string) error {
			base, err := d.office()
			if err != nil {
				return err
			}
			box, err := d.inbox()
			if err != nil {
				return err
			}
			defer box.Close()
			last, err := audit.Last(cmd.Context(), base)
			if err != nil {
				return err
			}
			// The inbox after the office: what the office has taken from it is in both.
			databases := []backup.Database{{Name: office.File, CopyTo: base.CopyTo}, {Name: "inbox.db", CopyTo: box.CopyTo}}
			files, done := counting(cmd.ErrOrStderr(), "copying")
			err = backup.Make(cmd.Context(), d.path, args[0], databases, files.add)
			done()
			if err != nil {
				return fmt.Errorf("couldn't back up: %w", err)
			}
			return backedUp(cmd.OutOrStdout(), files.n, last)
		},
	}
}

func restoreCommand(d *dir) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use: "restore FOLDER", Short: "Bring a data directory back from a backup",
		Long: `Copies what "khien backup" has made to the data directory (--data), which must not be there:
move a damaged one away first. Each file must be the one that was backed up, the databases must
be whole, and "khien verify" and "khien audit verify" must find nothing; else nothing is left.

Devices that have seen a release later than the backup refuse an older number. So put the newest
head that was handed out, from the damaged directory or a mirror, in the place of published/head,
and run "khien publish --anew": its number is above that.

A backup has its databases in files, wherever they were. With --db they move to that database at once.`,
		Example: `  $ khien restore khien-2026-11-30 --data data --from 1204:9c1e…`,
		Args:    exactly(1, "the folder of a backup"),
	}
	cmd.Flags().StringVar(&from, "from", "", "the `mark` that \"khien backup\" has printed")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var noted []audit.Mark
		if from != "" {
			mark, err := audit.ParseMark(from)
			if err != nil {
				return usagef("--from: %w", err)
			}
			noted = append(noted, mark)
		}
		var last audit.Mark
		files, done := counting(cmd.ErrOrStderr(), "copying")
		err := backup.Restore(cmd.Context(), args[0], d.path, func(folder string) (err error) {
			last, err = (&dir{path: folder}).proved(cmd.Context(), cmd.ErrOrStderr(), noted)
			return err
		}, files.add)
		done()
		switch {
		case errors.Is(err, backup.ErrExists):
			return fmt.Errorf("%w: move it away, or name another with --data", err)
		case err != nil:
			return fmt.Errorf("couldn't restore, and left nothing: %w", err)
		}
		if d.asked != "" {
			if err := d.migrate(cmd.Context(), cmd.ErrOrStderr(), d.asked, ""); err != nil {
				return fmt.Errorf("it is restored to the files of %s, and couldn't move to the database (\"khien migrate --to\" tries again): %w", d.path, err)
			}
		}
		return backedUp(cmd.OutOrStdout(), files.n, last)
	}
	return cmd
}

// proved tells whether all of a data directory is as this program keeps it, and its log goes on from the entries noted.
func (d *dir) proved(ctx context.Context, words io.Writer, noted []audit.Mark) (last audit.Mark, err error) {
	place, err := d.place()
	if err != nil {
		return last, err
	}
	for _, name := range []string{"office", "inbox"} {
		problem, err := db.Check(ctx, db.In(place, name))
		if err == nil && problem != "" {
			err = errors.New(problem)
		}
		if err != nil {
			return last, fmt.Errorf("%s: %w", name, err)
		}
	}
	desk, err := d.desk()
	if err != nil {
		return last, err
	}
	defer d.close()
	if last, err = desk.Verify(ctx, noted...); err != nil {
		return last, err
	}
	return last, d.verify(ctx, words, time.Now().Unix())
}

// tally counts files, on the terminal too.
type tally struct {
	n   int
	bar *progressbar.ProgressBar
}

func (c *tally) add(string) {
	c.n++
	c.bar.Set(c.n)
}

func counting(words io.Writer, what string) (c *tally, done func()) {
	if !onTerminal(words) {
		words = io.Discard
	}
	bar := countOn(words, what)
	return &tally{bar: bar}, func() { bar.Finish() }
}

// countOn counts on a terminal what nobody knows the number of. By itself, between one count and the next, it draws
// nothing: what draws then in the library is not safe beside what counts.
func countOn(terminal io.Writer, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(-1, progressbar.OptionSetWriter(terminal), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0))
}

func backedUp(out io.Writer, files int, last audit.Mark) error {
	mark := ""
	if last != (audit.Mark{}) {
		mark = last.String()
	}
	return json.NewEncoder(out).Encode(struct {
		Files int    `json:"files"`
		Mark  string `json:"mark,omitempty"`
	}{files, mark})
}
