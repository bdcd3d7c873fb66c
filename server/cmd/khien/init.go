package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"khien/server/blob"
	"khien/server/httpd"
	"khien/server/publish"
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
			more, err = d.demo(cmd)
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

// demo fills an empty ledger with the demo list and publishes where nothing is published.
func (d *dir) demo(cmd *cobra.Command) (did []string, err error) {
	p, done, err := d.publisher()
	if err != nil {
		return nil, err
	}
	defer done()
	now := time.Now().Unix()
	empty := true
	for _, err := range p.Ledger.Active(cmd.Context(), now) {
		if err != nil {
			return nil, err
		}
		empty = false
		break
	}
	if empty {
		list, err := readList("csv", bytes.NewReader(httpd.DemoList), importOptions{source: "demo", lapseDays: defaultLife, now: now})
		if err != nil {
			return nil, err
		}
		var added int
		err = d.act(cmd.Context(), fmt.Sprintf("import csv: %d indicators", len(list.indicators)), "the demo list", "", func() (err error) {
			added, _, err = p.Ledger.Import(cmd.Context(), "demo", list.indicators)
			return err
		})
		if err != nil {
			return nil, err
		}
		did = append(did, fmt.Sprintf("imported the demo list: %d indicators", added))
	}
	cards, err := d.demoCampaigns(cmd.Context())
	if err != nil {
		return did, err
	}
	if cards > 0 {
		did = append(did, fmt.Sprintf("wrote %d advice cards", cards))
	}
	if _, err := p.Blobs.Head(); errors.Is(err, blob.ErrNotFound) {
		desk, err := d.desk()
		if err != nil {
			return did, err
		}
		defer desk.Close()
		r, err := desk.Renew(cmd.Context(), p, actor(), "the first release", now)
		if err != nil {
			return did, err
		}
		did = append(did, fmt.Sprintf("published release %d", r.Sequence))
	}
	return did, nil
}
