package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/blob"
	"khien/server/publish"
	"khien/shared/release"
)

func keysCommand(d *dir) *cobra.Command {
	cmd := group("keys", "Show and rotate the keys", `  $ khien keys show
  $ khien keys rotate && khien publish`)
	var rootFile string
	rotate := &cobra.Command{
		Use: "rotate", Short: "Replace the release key",
		Long: `Makes a new release key and signs it with the root key, for which this is run where that key
is. The old one stops being trusted with the next "khien publish". What to do when a key was
stolen: docs/keys.md.`,
		Example: `  $ khien keys rotate --root /media/stick/khien-root.key && khien publish`,
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := d.exists(); err != nil {
				return err
			}
			if rootFile == "" {
				if rootFile = d.rootWithin(); rootFile == "" {
					rootFile = d.rootFile()
				}
			}
			if _, err := os.Stat(rootFile); err != nil {
				return fmt.Errorf("couldn't read the root key: say where it is with --root FILE (%w)", err)
			}
			err := d.act(cmd.Context(), audit.Act{Verb: audit.Rotate, Object: audit.Object{Kind: audit.OfKey}}, func() error { return publish.Rotate(d.keys(), rootFile, time.Now().Unix()) })
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "there is a new release key; \"khien publish\" puts it into use")
			d.warnOfRoot(cmd.ErrOrStderr())
			return nil
		},
	}
	rotate.Flags().StringVar(&rootFile, "root", "", "the `file` with the root key (default: DATA-root.key, beside the data directory)")
	cmd.AddCommand(
		&cobra.Command{
			Use: "show", Short: "Show the public keys",
			Long:    "Prints the root key, which the extension trusts, and the release keys that it has signed, as one JSON object.",
			Example: `  $ khien keys show`,
			Args:    none,
			RunE: func(cmd *cobra.Command, _ []string) error {
				root, err := d.rootKey()
				if err != nil {
					return err
				}
				note, err := blob.ReadPlain(filepath.Join(d.keys(), "keys.note"), release.MaxKeys)
				if err != nil {
					return err
				}
				keys, err := release.OpenKeys(note, root, time.Now().Unix())
				if err != nil {
					return fmt.Errorf("couldn't verify the release keys: %w", err)
				}
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{
					"root": root, "release": keys.Release, "sequence": keys.Sequence,
					"issued":  time.Unix(keys.Issued, 0).UTC().Format(time.RFC3339),
					"expires": time.Unix(keys.Expires, 0).UTC().Format(time.RFC3339),
				})
			},
		},
		rotate,
	)
	return cmd
}
