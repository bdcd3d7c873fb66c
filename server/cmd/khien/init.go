package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/httpd"
	"khien/server/ledger"
	"khien/server/office"
	"khien/server/publish"
)

func initCommand(d *dir) *cobra.Command {
	var demo, team bool
	var root string
	cmd := &cobra.Command{
		Use: "init", Short: "Make a data directory with its keys",
		Long: `Makes the data directory, a root key and a release key, the ledger and the inbox, where
they are not there yet. With --demo it also imports the demo list into an empty ledger and
publishes the first release.

A new installation is of one person, and its public pages say so. That person publishes at once
what does not reach far. It ends by itself, for good, when a second person who decides is invited
into the console ("khien admin invite"); with --team it never begins. From then on a release
takes two people, or a day in which any other can stop it ("khien publish --help").

The root key signs new release keys, and the extension trusts nothing else. It is written to
a file of its own, beside the data directory or where --root says: move it to another machine,
with a copy. Nothing but "khien keys rotate" needs it.`,
		Example: `  $ khien init --demo --data ./data
  $ khien init --data /srv/khien --root /media/stick/khien-root.key`,
		Args: none,
	}
	cmd.Flags().StringVar(&root, "root", "", "the `file` to write the root key to (default: DATA-root.key, beside the data directory)")
	cmd.Flags().BoolVar(&team, "team", false, "several people run it from the beginning")
	cmd.Flags().BoolVar(&demo, "demo", false, "import the demo list and publish it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if root == "" {
			root = d.rootFile()
		}
		did, err := d.init(cmd.Context(), root, team)
		if err == nil && demo {
			var more []string
			more, err = d.demo(cmd.Context(), time.Now().Unix())
			did = append(did, more...)
		}
		for _, line := range did {
			fmt.Fprintln(cmd.ErrOrStderr(), line)
		}
		if err == nil && len(did) == 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s is ready; nothing to do\n", d.path)
		}
		return err
	}
	return cmd
}

// errNoDemo keeps what is invented out of what people run together.
var errNoDemo = errors.New("the demo is for an installation of one person: make another directory with --data")

// within tells whether a file would lie in the data directory, by whatever way.
func (d *dir) within(file string) (bool, error) {
	data, err := filepath.EvalSymlinks(d.path)
	if err == nil {
		data, err = filepath.Abs(data)
	}
	if err != nil {
		return false, err
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(file))
	if err == nil {
		folder, err = filepath.Abs(folder)
	}
	if err != nil {
		return false, err
	}
	way, err := filepath.Rel(data, folder)
	return err == nil && way != ".." && !strings.HasPrefix(way, "../"), err
}

// init makes what is missing and tells what it made.
func (d *dir) init(ctx context.Context, root string, team bool) (did []string, err error) {
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return nil, err
	}
	place, err := d.place()
	if err != nil {
		return nil, err
	}
	kept, err := office.Kept(ctx, place)
	if err != nil {
		return nil, err
	}
	if err := d.exists(); err != nil {
		if kept && db.IsPostgres(place) {
			return nil, fmt.Errorf("this database is kept for another data directory, which has the keys: name that with --data, or another database, or another schema in it (?search_path=NAME)")
		}
		if within, err := d.within(root); err != nil || within {
			return nil, usagef("--root is a file outside of the data directory, which the server reads: not %s", root)
		}
		if err := publish.InitKeys(d.keys(), root, time.Now().Unix()); err != nil {
			return nil, err
		}
		did = append(did, "made "+d.path+" with a root key and a release key", "the root key is in "+root+": move it to another machine, with a copy (docs/keys.md)")
	}
	// Where the office was taken away, the mark of its audit log is left.
	fresh := !kept && !exists(filepath.Join(d.path, "audit.mark"))
	people, err := d.staff()
	if err != nil {
		return did, err
	}
	if fresh && !team {
		if err := people.DeclareAlone(ctx); err != nil {
			return did, err
		}
		did = append(did, "one person runs it, and its public pages say so, until a second one who decides is invited (khien init --help)")
	}
	box, err := d.inbox()
	if err != nil {
		return did, err
	}
	return did, box.Close()
}

// demo fills an empty ledger with the demo list and publishes where nothing is published, as of a time in Unix seconds.
func (d *dir) demo(ctx context.Context, now int64) (did []string, err error) {
	p, err := d.publisher()
	if err != nil {
		return nil, err
	}
	desk, err := d.desk()
	if err != nil {
		return nil, err
	}
	people, err := d.staff()
	if err != nil {
		return nil, err
	}
	if register, err := people.Register(ctx, now); err != nil || !register.Alone {
		return nil, errors.Join(err, errNoDemo)
	}
	empty := true
	for _, err := range p.Ledger.Active(ctx, now) {
		if err != nil {
			return nil, err
		}
		empty = false
		break
	}
	if empty {
		protection, err := d.protection()
		if err != nil {
			return nil, err
		}
		list, err := readList("csv", bytes.NewReader(httpd.DemoList), importOptions{source: "demo", lapseDays: defaultLife, now: now - 7*day}, protection)
		if err != nil {
			return nil, err
		}
		act := audit.Act{Time: now, Actor: actor(), Verb: audit.Import, Object: audit.Object{Kind: audit.OfDemo}, Args: audit.Args{Count: len(list.indicators), Format: "csv"}}
		if err := desk.Record(ctx, act); err != nil {
			return nil, err
		}
		added, _, err := p.Ledger.Import(ctx, "demo", list.indicators)
		if err != nil {
			return nil, err
		}
		did = append(did, "imported the demo list: "+counted(added, "indicator", "indicators"))
	}
	cards, err := d.demoCampaigns(ctx)
	if err != nil {
		return did, err
	}
	if cards > 0 {
		did = append(did, "wrote "+counted(cards, "advice card", "advice cards"))
	}
	if _, _, err := p.Ledger.Newest(ctx); !empty || !errors.Is(err, ledger.ErrNotFound) {
		return did, nil
	}
	box, err := d.inbox()
	if err != nil {
		return did, err
	}
	defer box.Close()
	r, err := desk.Release(ctx, p, box, actor(), audit.Why{Text: "the first release"}, now)
	if err != nil {
		return did, err
	}
	return append(did, fmt.Sprintf("published release %d", r.Sequence)), nil
}
