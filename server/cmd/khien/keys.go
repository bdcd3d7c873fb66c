package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"khien/server/publish"
	"khien/shared/release"
)

func keysCommand(d *dir) *cobra.Command {
	cmd := group("keys", "Show and rotate the keys", `  $ khien keys show
  $ khien keys rotate && khien publish`)
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
				note, err := os.ReadFile(filepath.Join(d.keys(), "keys.note"))
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
		&cobra.Command{
			Use: "rotate", Short: "Replace the release key",
			Long: `Makes a new release key and signs it with the root key, which must be in the data
directory for this. The old one stops being trusted with the next "khien publish".`,
			Example: `  $ khien keys rotate && khien publish`,
			Args:    none,
			RunE: func(cmd *cobra.Command, _ []string) error {
				err := d.act(cmd.Context(), "rotate", "release key", "", func() error { return publish.Rotate(d.keys(), time.Now().Unix()) })
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.ErrOrStderr(), "there is a new release key; \"khien publish\" puts it into use")
				return nil
			},
		},
	)
	return cmd
}
