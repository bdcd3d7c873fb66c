package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"khien/server/blob"
	"khien/server/httpd"
	"khien/server/publish"
	"khien/server/triage"
)

func initCommand(d *dir) *cobra.Command {
	var demo bool
	cmd := &cobra.Command{
		Use: "init", Short: "Make a data directory with its keys",
		Long: `Makes the data directory, a root key and a release key, the ledger and the inbox, where
they are not there yet. With --demo it also imports the demo list into an empty ledger and
publishes the first release.

Keep a copy of keys/root.key offline: it signs new release keys, and the extension trusts
nothing else.`,
		Example: `  $ khien init --demo --data ./data`,
		Args:    none,
	}
	cmd.Flags().BoolVar(&demo, "demo", false, "import the demo list and publish it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		did, err := d.init()
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

// init makes what is missing and tells what it made.
func (d *dir) init() (did []string, err error) {
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return nil, err
	}
	if err := d.exists(); err != nil {
		if err := publish.InitKeys(d.keys(), time.Now().Unix()); err != nil {
			return nil, err
		}
		did = append(did, "made "+d.path+" with a root key and a release key")
	}
	book, err := d.ledger()
	if err != nil {
		return did, err
	}
	if err := book.Close(); err != nil {
		return did, err
	}
	desk, err := d.desk()
	if err != nil {
		return did, err
	}
	if err := desk.Close(); err != nil {
		return did, err
	}
	box, err := d.inbox()
	if err != nil {
		return did, err
	}
	return did, box.Close()
}

// demo fills an empty ledger with the demo list and publishes where nothing is published, as of a time in Unix seconds.
func (d *dir) demo(ctx context.Context, now int64) (did []string, err error) {
	p, done, err := d.publisher()
	if err != nil {
		return nil, err
	}
	defer done()
	desk, err := d.desk()
	if err != nil {
		return nil, err
	}
	defer desk.Close()
	empty := true
	for _, err := range p.Ledger.Active(ctx, now) {
		if err != nil {
			return nil, err
		}
		empty = false
		break
	}
	if empty {
		list, err := readList("csv", bytes.NewReader(httpd.DemoList), importOptions{source: "demo", lapseDays: defaultLife, now: now - 7*day})
		if err != nil {
			return nil, err
		}
		act := triage.Act{Time: now, Actor: actor(), Action: "import csv: " + triage.Counted(len(list.indicators), "indicator", "indicators"), Object: "the demo list"}
		if err := desk.Record(ctx, act); err != nil {
			return nil, err
		}
		added, _, err := p.Ledger.Import(ctx, "demo", list.indicators)
		if err != nil {
			return nil, err
		}
		did = append(did, "imported the demo list: "+triage.Counted(added, "indicator", "indicators"))
	}
	cards, err := d.demoCampaigns(ctx)
	if err != nil {
		return did, err
	}
	if cards > 0 {
		did = append(did, "wrote "+triage.Counted(cards, "advice card", "advice cards"))
	}
	if _, err := p.Blobs.Head(); errors.Is(err, blob.ErrNotFound) {
		r, err := desk.Renew(ctx, p, actor(), "the first release", now)
		if err != nil {
			return did, err
		}
		did = append(did, fmt.Sprintf("published release %d", r.Sequence))
	}
	return did, nil
}
