package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/blob"
	"khien/server/publish"
	"khien/shared/supplement"
)

// help is the file with the operator's own help and hotlines.
func (d *dir) help() string { return filepath.Join(d.path, "help.json") }

func hotlinesCommand(d *dir) *cobra.Command {
	cmd := group("hotlines", "See and change what people are told after the harm, and whom to call", `  $ khien hotlines show > help.json
  $ khien hotlines import help.json`)
	cmd.AddCommand(
		&cobra.Command{
			Use: "show", Short: "Write the help of the next release as JSON",
			Example: `  $ khien hotlines show > help.json`, Args: none,
			RunE: func(cmd *cobra.Command, _ []string) error {
				help, err := publish.Help(d.help())
				if err != nil {
					return err
				}
				out := json.NewEncoder(cmd.OutOrStdout())
				out.SetIndent("", "  ")
				out.SetEscapeHTML(false)
				return out.Encode(publish.HelpFile(help))
			},
		},
		&cobra.Command{
			Use: "import FILE.json", Short: "Put your own help for a country in the place of Khiên's",
			Long: `Reads help as "khien hotlines show" writes it, for one country or more. Each country in the
file takes the place of the one that Khiên comes with, from the next release on; the country
"" is everywhere else. The file replaces one that was imported before.`,
			Example: `  $ khien hotlines import help.json`, Args: exactly(1, "a file"),
			RunE: func(cmd *cobra.Command, args []string) error {
				if err := d.exists(); err != nil {
					return err
				}
				body, err := os.ReadFile(args[0])
				if err != nil {
					return err
				}
				help, err := publish.ReadHelp(body)
				if err == nil {
					_, err = supplement.Encode("", supplement.Body{Help: help})
				}
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				err = d.act(cmd.Context(), audit.Act{Verb: audit.ImportHelp, Object: fileNamed(filepath.Base(args[0])), Args: audit.Args{Count: len(help)}}, func() error {
					return blob.WritePlain(d.help(), body)
				})
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "help for %s goes out with the next release: run \"khien publish\"\n", counted(len(help), "country", "countries"))
				return nil
			},
		})
	return cmd
}
