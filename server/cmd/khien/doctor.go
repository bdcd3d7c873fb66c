package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"khien/server/db"
	"khien/server/office"
	"khien/server/publish"
	"khien/server/triage"
	"khien/shared/release"
)

const (
	// little is how much room on the disk is too little, in bytes: a release of a million entries needs half of it while
	// it is written.
	little = 1 << 30
	// soon is how long before its end a list of release keys is told about, in seconds.
	soon = 60 * day
)

func doctorCommand(d *dir) *cobra.Command {
	var recount bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look whether all is well with a data directory",
		Long: `Checks the databases (that they are whole, of a version that this program knows, and refer to
nothing that is missing), the keys (that nobody else may read them, which is in use and for how
long, and that the root key does not lie here), what is published (as "khien verify" does), the
clock, the popular pages that are named, the numbers that are kept of reports and cases, and the
room on the disk. Changes nothing that is published.

Prints a line for each. What is wrong begins with "wrong" and says what to do; then the exit
code is 1. What begins with "warn" is well only while nobody breaks in.`,
		Example: `  $ khien doctor
  ok     office.db: whole
  wrong  keys/release-1.key can be read by others: run "chmod 600 data/keys/release-1.key"`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := d.exists(); err != nil {
				return err
			}
			place, err := d.place()
			if err != nil {
				return err
			}
			x := &examination{d: d, out: cmd.OutOrStdout(), now: time.Now().Unix()}
			kept := x.databases(cmd.Context(), place)
			if kept {
				x.counts(cmd.Context(), recount)
			}
			x.keys()
			if kept {
				x.published(cmd.Context())
				x.popular(cmd.Context())
			}
			x.disk()
			if x.wrong > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "khien: %s\n", counted(x.wrong, "thing is wrong", "things are wrong"))
				return errTold
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&recount, "recount", false, "count reports and cases anew before, and keep these numbers")
	return cmd
}

// examination looks at everything, whatever it finds on the way.
type examination struct {
	d     *dir
	out   io.Writer
	now   int64
	wrong int
}

func (x *examination) ok(format string, args ...any) {
	fmt.Fprintf(x.out, "ok     "+format+"\n", args...)
}

// warning says what is well only for now, and what to do.
func (x *examination) warning(format string, args ...any) {
	fmt.Fprintf(x.out, "warn   "+format+"\n", args...)
}

// finding says what is wrong and what to do.
func (x *examination) finding(format string, args ...any) {
	x.wrong++
	fmt.Fprintf(x.out, "wrong  "+format+"\n", args...)
}

// databases tells whether there is an office, whatever is wrong with it.
func (x *examination) databases(ctx context.Context, place string) (kept bool) {
	kept, err := office.Kept(ctx, place)
	if err != nil && db.IsPostgres(place) {
		x.finding("%v", err)
		return false
	}
	box, err := db.Exists(ctx, db.In(place, "inbox"))
	for _, one := range []struct {
		name string
		kept bool
		err  error
		open func() error
	}{
		{"office", kept, nil, func() error { _, err := x.d.office(); return err }},
		{"inbox", box, err, func() error {
			box, err := x.d.inbox()
			if err != nil {
				return err
			}
			return box.Close()
		}},
	} {
		place, called := db.In(place, one.name), one.name+" in PostgreSQL"
		if !db.IsPostgres(place) {
			called = filepath.Base(place)
		}
		problem, err := "", one.err
		if err == nil && !one.kept {
			x.finding("%s: it is missing: put it back from a backup, or run \"khien init\" for an empty one", called)
			continue
		}
		if err == nil && (db.IsPostgres(place) || exists(place)) {
			problem, err = db.Check(ctx, place)
		}
		if err == nil && problem == "" {
			err = one.open()
		}
		switch {
		case err != nil:
			x.finding("%s: %v: put it back from a backup, or use the program that wrote it", called, err)
		case problem != "":
			x.finding("%s: %s: stop the server and put it back from a backup", called, problem)
		default:
			x.ok("%s: whole", called)
		}
	}
	return kept
}

// counts looks whether the numbers that are kept are what there is.
func (x *examination) counts(ctx context.Context, anew bool) {
	desk, err := x.d.desk()
	if err != nil {
		return // it is told already
	}
	takedowns, err := x.d.takedownsOf(desk)
	if err != nil {
		return
	}
	before := x.wrong
	for _, kept := range []interface {
		Recount(context.Context) error
		Miscounted(context.Context) ([]triage.Kept, error)
	}{desk, takedowns} {
		var wrong []triage.Kept
		err := error(nil)
		if anew {
			err = kept.Recount(ctx)
		}
		if err == nil {
			wrong, err = kept.Miscounted(ctx)
		}
		if err != nil {
			x.finding("%v", err)
		}
		for _, one := range wrong {
			x.finding("%s: run \"khien doctor --recount\"", one)
		}
	}
	if x.wrong == before {
		x.ok("the numbers of reports and cases are what there is")
	}
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

func (x *examination) keys() {
	if file := x.d.rootWithin(); file != "" {
		x.finding("the root key lies in the data directory, where whoever breaks into the server finds it: move %s to another machine, with a copy (docs/keys.md)", file)
	} else if file := x.d.rootBeside(); file != "" {
		x.warning("the root key still lies beside the data directory, where whoever breaks into the server as this user can read it: move %s to another machine or medium, with a copy (docs/keys.md)", file)
	} else {
		x.ok("the root key lies neither in the data directory nor beside it")
	}
	private, err := filepath.Glob(filepath.Join(x.d.keys(), "*.key"))
	if err != nil {
		private = nil
	}
	if _, err := os.Stat(x.d.rootFile()); err == nil {
		private = append(private, x.d.rootFile())
	}
	for _, file := range private {
		info, err := os.Lstat(file)
		switch {
		case err != nil:
			x.finding("%v: make it readable for the server", err)
		case !info.Mode().IsRegular():
			x.finding("%s is not a file: put the key itself there", file)
		case info.Mode().Perm()&0o077 != 0:
			x.finding("%s can be read by others: run \"chmod 600 %s\", and \"khien keys rotate\" if anybody may have", file, file)
		}
	}
	keys, err := publish.LoadKeys(x.d.keys())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		x.finding("%v: put the release key back, or run \"khien keys rotate\" where the root key is", err)
	case err != nil:
		x.finding("%v: run \"khien keys rotate\" where the root key is, and look at the clock", err)
	case keys.List.Expires-x.now < soon:
		x.finding("the list of release keys, number %d, is good until %s only: run \"khien keys rotate\" where the root key is", keys.List.Sequence, minute(keys.List.Expires))
	default:
		x.ok("release key %d is in use, %s, good until %s", keys.List.Sequence, named(keys.List), minute(keys.List.Expires))
	}
}

// named is the name and the hash of the release key in use, which are public.
func named(keys release.Keys) string {
	name, rest, _ := strings.Cut(keys.Release[0], "+")
	hash, _, _ := strings.Cut(rest, "+")
	return name + "+" + hash
}

func (x *examination) published(ctx context.Context) {
	root, err := x.d.rootKey()
	if err != nil {
		x.finding("%v: put keys/root.pub back", err)
		return
	}
	blobs, err := x.d.blobs()
	if err != nil {
		x.finding("%v: make the directory readable for the server", err)
		return
	}
	book, err := x.d.ledger()
	if err != nil {
		return // told with the databases
	}
	_, head, err := publish.InForce(ctx, book, blobs, root)
	if err == nil && head.Sequence > 0 {
		if err := publish.Clock(ctx, book, head, x.now); err != nil {
			x.finding("%v", err)
		} else {
			x.ok("the clock: %s, after the release of %s", minute(x.now), minute(head.Issued))
		}
	}
	damaged, err := publish.Damaged(ctx, book, blobs, root)
	if err != nil {
		x.finding("published: %v", err)
		return
	}
	for _, name := range damaged {
		x.finding("published/%s is not what was published: run \"khien publish\", or start \"khien serve\", which put it back", name)
	}
	if err := x.d.verify(ctx, io.Discard, x.now); err != nil && len(damaged) == 0 {
		x.finding("published: %v: run \"khien publish\"", err)
	} else if err == nil && len(damaged) == 0 {
		x.ok("release %d is published, whole", head.Sequence)
	}
}

// popular looks whether what takes two people still does.
func (x *examination) popular(ctx context.Context) {
	desk, err := x.d.desk()
	if err != nil {
		return // told with the databases
	}
	switch less, err := x.d.fewer(ctx, desk); {
	case err != nil:
		x.finding("%v", err)
	case less != "":
		x.finding("%s", less)
	default:
		x.ok("as many popular pages are named as at the releases before")
	}
}

func (x *examination) disk() {
	var s syscall.Statfs_t
	if err := syscall.Statfs(x.d.path, &s); err != nil {
		x.finding("the disk: %v: look at its mount", err)
		return
	}
	free := s.Bavail * uint64(s.Bsize)
	if free < little {
		x.finding("the disk has %d MB left: make room for 1 GB, or reports and releases cannot be written", free>>20)
		return
	}
	x.ok("the disk has %d MB left", free>>20)
}
