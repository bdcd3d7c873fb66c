package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"khien/server/office"
)

func migrateCommand(d *dir) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "migrate", Short: "Move the databases of the data directory to PostgreSQL, or back to files",
		Long: `Copies the cases, the list, the people, the reports and everything else that the databases hold to the PostgreSQL
database that --to names, and compares every row. From then on each command finds them there. What was moved stays
aside: files in before-postgres, and what was in PostgreSQL in its schemas, which no khien opens any more. Keys,
what is published and pictures stay in the data directory.

No other khien may use the data directory or the database meanwhile: stop the server first. A move that is killed
has moved nothing or everything; run it again. Give a password in PGPASSWORD or ~/.pgpass, not in the address.`,
		Example: `  $ khien migrate --to postgres://khien@db.example/khien
  $ khien migrate --to sqlite`,
		Args: none,
	}
	cmd.Flags().StringVar(&to, "to", "", "the `address` of a PostgreSQL database, or sqlite for files in the data directory")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		from := d.asked
		switch to {
		case "":
			return usagef("name where to with --to: an address such as postgres://khien@db.example/khien, or sqlite")
		case "sqlite":
			to = ""
		default:
			from = ""
		}
		if err := d.exists(); err != nil {
			return err
		}
		err := d.migrate(cmd.Context(), cmd.ErrOrStderr(), to, from)
		if errors.Is(err, office.ErrThere) {
			return err
		}
		if err != nil {
			return fmt.Errorf("couldn't move: %w", err)
		}
		d.asked = ""
		if to != "" {
			d.asked = to
		}
		desk, err := d.desk()
		if err != nil {
			return err
		}
		last, err := desk.Verify(cmd.Context())
		if err != nil {
			return err
		}
		return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
			Mark string `json:"mark"`
		}{last.String()})
	}
	return cmd
}

// migrate moves the databases to an address, or to files where that is "", and shows on a terminal how far it has come.
func (d *dir) migrate(ctx context.Context, words io.Writer, to, from string) error {
	rows, done := counting(words, "copying rows")
	defer done()
	return office.Migrate(ctx, d.path, from, to, func(n int64) { rows.bar.Set64(n) })
}
