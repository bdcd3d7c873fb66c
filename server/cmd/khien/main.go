// Command khien publishes a signed list of scams, takes reports, and serves both.
//
// All state lives in one data directory (--data, KHIEN_DATA, or ./data):
//
//	keys/       the release keys, the list that the root key signed, and its public half; the root key itself is kept elsewhere
//	published/  what is served, and the signed head
//	office.db   what is listed, cases, takedowns, advice cards, who may enter the console, and the audit log
//	inbox.db    reports
//	official/   the operator's own official names
//	db          where the two are, if they are in PostgreSQL; before-postgres/ what they were before
//	audit.mark  number and hash of the log's last entry
//	evidence/   pictures that came with reports
//	letters/    what the operator has for letters to platforms
//
// Data goes to stdout, words go to stderr. The exit code is 0, or 1 where
// something was refused or failed, or 2 where the command line was wrong.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"khien/server/words"
	"khien/shared/texts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	os.Exit(run(ctx))
}

func run(ctx context.Context) int {
	out := &output{file: os.Stdout}
	d := &dir{}
	top := root(d)
	top.SetOut(out)
	cmd, err := top.ExecuteContextC(ctx)
	if closed := d.close(); err == nil {
		err = closed
	}
	lost := out.close()
	if lost != nil {
		fmt.Fprintf(os.Stderr, "khien: couldn't write the output: %v\n", lost)
	}
	var wrong *usageError
	switch {
	case err == nil && lost == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(os.Stderr, "khien: %v\nSee: %s --help\n", err, cmd.CommandPath())
		return 2
	case err != nil && !errors.Is(err, errTold) && !errors.Is(err, lost):
		fmt.Fprintf(os.Stderr, "khien: %v\n", err)
	}
	return 1
}

// output is where data goes. It keeps the first error, so that what never arrived is told whatever a command did about
// it.
type output struct {
	file *os.File
	lost error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.file.Write(p)
	o.lost = cmp.Or(o.lost, err)
	return n, err
}

// close ends the output: some disks say only then that they had no room.
func (o *output) close() error {
	return cmp.Or(o.lost, o.file.Close())
}

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// errTold is a failure that has been told on stderr or in the output already.
var errTold = errors.New("failed")

func root(d *dir) *cobra.Command {
	cmd := group("khien", "Publish a signed list of scams, take reports, and serve both", `  $ khien init --demo
  $ khien serve --demo`)
	cmd.Long = `Khiên protects people on social media from scams. This program keeps the list of
indicators, publishes it signed, takes reports and serves both to the extension.`
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	path := os.Getenv("KHIEN_DATA")
	if path == "" {
		path = "data"
	}
	cmd.PersistentFlags().StringVar(&d.path, "data", path, "the data directory (or KHIEN_DATA)")
	cmd.PersistentFlags().StringVar(&d.asked, "db", os.Getenv("KHIEN_DB"), "the `address` of a PostgreSQL database, such as postgres://khien@db.example/khien, "+
		"that keeps what the data directory has in its *.db files otherwise, and which it remembers (or KHIEN_DB, where nobody else on the machine reads a password)")
	cmd.PersistentFlags().Lookup("db").DefValue = "" // which help shows
	cmd.AddCommand(
		initCommand(d), serveCommand(d), publishCommand(d), proposalCommand(d), verifyCommand(d), doctorCommand(d), backupCommand(d), restoreCommand(d), migrateCommand(d), keysCommand(d),
		importCommand(d), sourceCommand(d), exportCommand(d), partnerCommand(d), popularCommand(d), withdrawCommand(d), reportsCommand(d), takedownCommand(d), evidenceCommand(d), auditCommand(d), adminCommand(d),
		demoCommand(d),
		subjectCommand(), checkCommand(d), officialCommand(d), campaignCommand(d), hotlinesCommand(d), categoriesCommand(),
	)
	return cmd
}

// group is a command that only holds others.
func group(use, short, example string) *cobra.Command {
	return &cobra.Command{
		Use: use + " COMMAND", Short: short, Example: example,
		Args: cobra.ArbitraryArgs, DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q", args[0])
			}
			cmd.SetOut(cmd.ErrOrStderr())
			cmd.Help()
			return usagef("name a command")
		},
	}
}

// atLeast, exactly and none say how many arguments a command takes, and what they are.
func atLeast(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return usagef("name %s", what)
		}
		return nil
	}
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("name %s", what)
		}
		return nil
	}
}

func none(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("there is nothing to do with %q", args[0])
	}
	return nil
}

// counted says how many of something there are, in English, as all commands do.
func counted(n int, one, many string) string {
	if words.FormOf(texts.Fallback, n) != "one" {
		one = many
	}
	return strconv.Itoa(n) + " " + one
}
