package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"khien/server/export"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/stream"
	"khien/server/takedown"
)

func exportCommand(d *dir) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "export FORMAT", Short: "Write what is listed, for others",
		Long: `What the newest release has, in a format that others read. Each says only what it can say
exactly: what is left out is counted at the end, by why. Nothing that is for partners alone is
in it, and no telephone number and no account at a bank.

  domains   a host a line, for itself and all below it
  hosts     a file of hosts: each for itself
  adblock   filters for uBlock Origin, AdGuard and the like: hosts and pages
  rpz       a response policy zone for BIND, Unbound, Knot Resolver, PowerDNS
  dnsmasq   a configuration of dnsmasq
  jsonl     an object a line: everything, accounts too
  stix      a bundle of STIX 2.1: everything, accounts too, and what was taken off, revoked

  csv       what is in force at this moment, released or not, with a header; "khien import csv"
            reads it again. In the column url is the address at which each was first seen, or
            else the one that it has by itself. Where several people decide, what two must agree
            on is left out until a release has it
  all       all formats as files below a folder, with their sums, signed: --to FOLDER. "khien
            serve" does it after each release, below exports/ of the data directory, and serves
            them at /exports/`,
		Example: `  $ khien export csv > indicators.csv
  $ khien export rpz > khien.zone`,
		Args: exactly(1, "a format: "+formats()),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, words := cmd.Context(), cmd.ErrOrStderr()
			if (args[0] == "all") != (to != "") {
				return usagef("--to FOLDER goes with all, and all with --to FOLDER")
			}
			if args[0] == "csv" {
				book, err := d.ledger()
				if err != nil {
					return err
				}
				waits, err := d.waits(ctx)
				if err != nil {
					return err
				}
				return feed.WriteCSV(cmd.OutOrStdout(), guarded(book.Active(ctx, time.Now().Unix()), waits, words))
			}
			f, known := export.ByName(args[0])
			if !known && args[0] != "stix" && args[0] != "all" {
				return usagef("there is no format %q: use %s", args[0], formats())
			}
			out, err := d.exports(ctx)
			if err != nil {
				return err
			}
			switch args[0] {
			case "all":
				i, err := out.write(ctx, to)
				if err == nil {
					fmt.Fprintf(words, "%s of release %d in %s\n", counted(len(i.Files), "file", "files"), i.Release, filepath.Join(to, "now"))
				}
				return err
			case "stix":
				return out.stix(ctx, cmd.OutOrStdout(), words)
			}
			withheld := export.Left{}
			left, err := f.Write(cmd.OutOrStdout(), export.Everybody(ctx, out.stream, withheld), out.head)
			if err == nil {
				tellLeft(words, left, withheld)
			}
			return err
		},
	}
	c.Flags().StringVar(&to, "to", "", "with all: the folder below which the files go")
	return c
}

func formats() string {
	all := []string{"csv", "stix", "all"}
	for _, f := range export.Formats {
		if f.Name != "csv" {
			all = append(all, f.Name)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// exporting is what is exported, and how.
type exporting struct {
	stream  *stream.Stream
	head    export.Head
	release uint64
	d       *dir
}

// exports brings the stream up to the newest release, which there must be.
func (d *dir) exports(ctx context.Context) (e exporting, err error) {
	book, err := d.ledger()
	if err != nil {
		return e, err
	}
	sources, err := d.exchange()
	if err != nil {
		return e, err
	}
	base, err := d.office()
	if err != nil {
		return e, err
	}
	root, err := d.rootKey()
	if err != nil {
		return e, err
	}
	e.d, e.stream = d, stream.Open(base, sources, root)
	if _, err := e.stream.Follow(ctx, book); err != nil {
		return e, err
	}
	return e, e.as(ctx, book)
}

// as says of which release what is exported is.
func (e *exporting) as(ctx context.Context, book *ledger.Ledger) error {
	newest, _, err := book.Newest(ctx)
	if errors.Is(err, ledger.ErrNotFound) {
		return fmt.Errorf("nothing is published yet: run \"khien publish\"")
	}
	if err != nil {
		return err
	}
	operator, err := takedown.ReadOperator(e.d.letters())
	if err != nil {
		return err
	}
	root, err := e.d.rootKey()
	if err != nil {
		return err
	}
	e.release = newest.Sequence
	e.head = export.Head{Operator: cmp.Or(operator.Organisation, "Khiên"), Now: newest.Issued, Root: root}
	if operator.Domain != "" {
		e.head.Home = "https://" + operator.Domain
	}
	e.head.Position, _, err = e.stream.End(ctx)
	return err
}

// write writes the files of all formats below a folder, and signs them.
func (e exporting) write(ctx context.Context, folder string) (export.Index, error) {
	p, err := e.d.publisher()
	if err != nil {
		return export.Index{}, err
	}
	return export.Write(ctx, folder, e.stream, e.head, e.release, p.Keys.SignSums)
}

// stix writes one bundle; a list that needs several is for files.
func (e exporting) stix(ctx context.Context, w, words io.Writer) error {
	withheld := export.Left{}
	left, err := export.NewSTIX(e.head).Bundles(export.Everybody(ctx, e.stream, withheld), func(part int) (io.WriteCloser, error) {
		if part > 0 {
			return nil, fmt.Errorf("there are more than %d objects, which go into several files: khien export all --to FOLDER", export.MaxObjects)
		}
		return unclosed{w}, nil
	})
	if err == nil {
		tellLeft(words, left, withheld)
	}
	return err
}

type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// tellLeft says what is not in an export, and why.
func tellLeft(words io.Writer, all ...export.Left) {
	for _, left := range all {
		for _, why := range slices.Sorted(maps.Keys(left)) {
			fmt.Fprintf(words, "left out: %d, %s\n", left[why], why.Because())
		}
	}
}

// exportFolder is where the files are that everybody may have.
func (d *dir) exportFolder() string { return filepath.Join(d.path, "exports") }

// keepExported writes the files anew after each release, until ctx is done.
func keepExported(ctx context.Context, d *dir, book *ledger.Ledger, s *stream.Stream, log *slog.Logger) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		e := exporting{stream: s, d: d}
		err := e.as(ctx, book)
		if err == nil {
			_, err = e.write(ctx, d.exportFolder())
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, os.ErrNotExist) {
			log.Error("couldn't write the exports", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
