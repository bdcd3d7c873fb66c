package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"khien/server/audit"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/words"
	"khien/shared/category"
	"khien/shared/texts"
)

// Every indicator has an end, unless a maintainer says otherwise: hosts change hands.
const (
	day         = 24 * 60 * 60 // seconds
	defaultLife = 365          // days
)

// importOptions fill in what a list does not say.
type importOptions struct {
	category        string
	source          string
	reasons         map[string]*string // by language
	lapseDays       int
	partial         bool
	asItIs          bool
	defaultCategory category.Category
	now             int64
	progress        io.Writer // nil for none
}

func importCommand(d *dir) *cobra.Command {
	o := importOptions{}
	cmd := &cobra.Command{
		Use: "import FORMAT FILE...", Short: "Import lists of scams into the ledger",
		Long: "Formats:\n" + formatHelp() + `
A line or cell holds one thing, also as analysts write it so that nobody opens it by accident
(hxxps://scam[.]example). The address is kept as it stands there, for "khien export". Numbers
are telephone numbers or nothing: an IP address has four parts, or stands behind a scheme.

A file is imported as a whole or not at all: where a line is refused, nothing of its file
is imported, unless --partial is given. A line is refused if it cannot be read, if it has
more than one thing or no host name in it, or if it would list a protected name. A file of
which nothing can be imported is a failure; one of which all is listed already is none.
FILE - is stdin. Nothing is published before "khien publish".

A long list comes in by parts, so that nobody who decides meanwhile waits for it, and nothing is
published before all of it is there. Where an import was broken off, import the same file again: it
goes on where it was. If there is no such file any more, --as-it-is lets stand what is there.`,
		Example: `  $ khien import urls national-list.txt --source "national list" --category phishing
  imported 34120, duplicates 347, refused 0`,
		Args: func(_ *cobra.Command, args []string) error {
			if o.asItIs && len(args) > 0 {
				return usagef("--as-it-is takes no file")
			}
			if !o.asItIs && len(args) < 2 {
				return usagef("name a format (%s) and at least one file", formatNames())
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.category, "category", "", "the kind of scam, where the list does not say: "+slugs())
	f.StringVar(&o.source, "source", "", "who says so, where the list does not say")
	o.reasons = map[string]*string{}
	for _, lang := range texts.All() {
		o.reasons[lang] = f.String("reason-"+lang, "", "the reason in "+words.Tongue(texts.Fallback, lang)+", where the list does not say")
	}
	f.IntVar(&o.lapseDays, "lapse-days", defaultLife, "take each indicator off the list after so many days, where the list does not say; 0 for never")
	f.BoolVar(&o.partial, "partial", false, "import the good lines of a file that has refused ones")
	f.BoolVar(&o.asItIs, "as-it-is", false, "end imports that were broken off: what is there stays, and the rest of them is not waited for")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.asItIs {
			return d.endImports(cmd)
		}
		if err := o.check(args[0]); err != nil {
			return err
		}
		o.now = time.Now().Unix()
		if onTerminal(cmd.ErrOrStderr()) {
			o.progress = cmd.ErrOrStderr()
		}
		book, err := d.ledger()
		if err != nil {
			return err
		}
		failed := false
		for _, name := range args[1:] {
			good, err := importFile(cmd, d, book, args[0], name, o)
			if err != nil {
				return err
			}
			failed = failed || !good
		}
		if failed {
			return errTold
		}
		return nil
	}
	return cmd
}

// endImports lets stand what was imported in part.
func (d *dir) endImports(cmd *cobra.Command) error {
	book, err := d.ledger()
	if err != nil {
		return err
	}
	var n int64
	err = d.act(cmd.Context(), audit.Act{Verb: audit.Import, Object: fileNamed("-"), Why: audit.Why{Text: "--as-it-is"}}, func() (err error) {
		n, err = book.AsItIs(cmd.Context())
		return err
	})
	if err == nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s ended\n", counted(int(n), "import", "imports"))
	}
	return err
}

func formatNames() string {
	var names []string
	for _, f := range feed.Formats() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// formatHelp is a line about each format.
func formatHelp() string {
	var b strings.Builder
	for _, f := range feed.Formats() {
		fmt.Fprintf(&b, "  %-6s %s\n", f.Name, f.About)
	}
	return b.String()
}

func (o *importOptions) check(format string) error {
	if !slices.ContainsFunc(feed.Formats(), func(f feed.Format) bool { return f.Name == format }) {
		return usagef("there is no format %q: use %s", format, formatNames())
	}
	if o.lapseDays < 0 {
		return usagef("--lapse-days is a number of days")
	}
	var known bool
	if o.defaultCategory, known = category.Parse(o.category); o.category != "" && !known {
		return usagef("--category is one of %s", slugs())
	}
	return nil
}

// importFile imports one file and tells what became of each line; good is false where
// nothing was imported, unless all of it is listed already.
func importFile(cmd *cobra.Command, d *dir, book *ledger.Ledger, format, name string, o importOptions) (good bool, err error) {
	words := cmd.ErrOrStderr()
	file := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return false, err
		}
		defer f.Close()
		file = f
	}
	protection, err := d.protection()
	if err != nil {
		return false, err
	}
	l, err := readList(format, file, o, protection)
	if err != nil {
		return false, fmt.Errorf("couldn't read %s: %w", name, err)
	}
	for _, r := range l.refused {
		fmt.Fprintf(words, "%s:%d: refused: %s\n", name, r.Line, r.Why)
	}
	if len(l.refused) > 0 && !o.partial {
		fmt.Fprintf(words, "imported 0, duplicates 0, refused %d\n", len(l.refused))
		fmt.Fprintf(words, "Nothing of %s was imported. Mend these lines, or import the others with --partial.\n", name)
		return false, nil
	}
	if len(l.indicators) == 0 && l.duplicates == 0 {
		fmt.Fprintf(words, "imported 0, duplicates 0, refused %d\n", len(l.refused))
		what := "there is nothing in it"
		if len(l.refused) > 0 {
			what = "every line of it is refused"
		}
		fmt.Fprintf(words, "Nothing of %s was imported: %s.\n", name, what)
		return false, nil
	}
	var added, known int
	err = d.act(cmd.Context(), audit.Act{Verb: audit.Import, Object: fileNamed(name), Args: audit.Args{Count: len(l.indicators), Format: format, Source: o.source}}, func() (err error) {
		added, known, err = book.Import(cmd.Context(), actor(), l.indicators)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("couldn't import %s: %w", name, err)
	}
	fmt.Fprintf(words, "imported %d, duplicates %d, refused %d\n", added, known+l.duplicates, len(l.refused))
	return true, nil
}

// onTerminal tells whether a person is watching w.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// list is a list ready for the ledger.
type list struct {
	indicators []ledger.Indicator
	duplicates int // within the list
	refused    []feed.Refusal
}

// readList reads a list, fills in what it does not say, and refuses protected names.
func readList(format string, r io.Reader, o importOptions, protection *publish.Protection) (list, error) {
	var progress func(int)
	if o.progress != nil {
		bar := countOn(o.progress, "reading")
		progress = func(lines int) { bar.Set(lines) }
		defer bar.Finish()
	}
	read, err := feed.Read(format, r, progress)
	if err != nil {
		return list{}, err
	}
	l := list{duplicates: read.Duplicates, refused: read.Refused}
	for _, item := range read.Items {
		if err := protection.Permit(item.Subject); err != nil {
			l.refused = append(l.refused, feed.Refusal{Line: item.Line, Why: err.Error()})
			continue
		}
		l.indicators = append(l.indicators, o.complete(item.Indicator))
	}
	slices.SortStableFunc(l.refused, func(a, b feed.Refusal) int { return a.Line - b.Line })
	return l, nil
}

// complete fills in what a list does not say about an indicator.
func (o importOptions) complete(i ledger.Indicator) ledger.Indicator {
	if i.Category == category.Other {
		i.Category = o.defaultCategory
	}
	if i.Source == "" {
		i.Source = o.source
	}
	for lang, text := range o.reasons {
		if *text == "" || i.Reason[lang] != "" {
			continue
		}
		if i.Reason == nil {
			i.Reason = map[string]string{}
		}
		i.Reason[lang] = *text
	}
	if i.FirstSeen == 0 {
		i.FirstSeen = o.now
	}
	if i.Lapses == 0 && o.lapseDays > 0 {
		i.Lapses = o.now + int64(o.lapseDays)*day
	}
	return i
}
