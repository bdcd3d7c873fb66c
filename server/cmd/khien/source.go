package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"khien/server/audit"
	"khien/server/blob"
	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/publish"
	"khien/shared/category"
	"khien/shared/texts"
)

func (d *dir) exchange() (*exchange.Exchange, error) {
	base, err := d.office()
	if err != nil {
		return nil, err
	}
	return exchange.Open(base, d.protection), nil
}

func sourceCommand(d *dir) *cobra.Command {
	cmd := group("source", "Bring in what other people's lists say, again and again", `  $ khien source try list.csv --write ours.json
  $ khien source add partner https://lists.example/scams.csv --mapping ours.json
  $ khien source run partner`)
	cmd.Long = `A source is somebody else's list at an address, which "khien serve" asks for again and again.
What it says are claims: one thing that three sources name is one entry of the list with
three claims, and leaves it when the last of them is taken back. What a person has taken off
the list stays off, whatever a source says; then a person is asked once.

A source never decides alone what is published: protected names are refused, what many people
visit goes to people, and a list that is empty, cut off, or much shorter or longer than the
one before waits until a person has looked at it. Nothing is published before "khien publish".`
	cmd.AddCommand(sourceTry(d), sourceAdd(d), sourceEdit(d), sourceList(d), sourceShow(d), sourceRun(d), sourceAccept(d), sourceDrop(d),
		sourcePause(d), sourceResume(d), sourceRemove(d), sourceRestore(d))
	return cmd
}

// sourceOptions are what somebody says of a source on the command line.
type sourceOptions struct {
	address, preset, mapping, secret string
	category, tlp, meaning           string
	trust, when                      string
	every                            time.Duration
	lapseDays                        int64
	set                              exchange.Source
}

func (o *sourceOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.set.Title, "title", "", "what people read as its name")
	f.StringVar(&o.preset, "preset", "", "how its list is read: one of "+strings.Join(presetNames(), ", "))
	f.StringVar(&o.mapping, "mapping", "", "how its list is read: a `file` that \"khien source try --write\" has written")
	f.StringVar(&o.secret, "secret-file", "", "a `file` with what the source wants to know of who asks (- is stdin): lines such as \"Authorization: Bearer …\", or a "+
		"key alone, which stands for {key} in the address; an empty one takes it away")
	f.DurationVar(&o.every, "every", 0, "how often its list is asked for, such as 15m (default: as its preset says, or 1h)")
	f.StringVar(&o.trust, "trust", string(exchange.Queue), "what becomes of what it says: queue, people decide about each; or list, it is listed as --when says")
	f.StringVar(&o.when, "when", string(exchange.Every), "with --trust list: every; second, if another source says so too; or sure, if it is 75 % sure at least")
	f.StringVar(&o.category, "category", "", "the kind of scam, where the list does not say: "+slugs())
	f.StringVar(&o.tlp, "tlp", "", "to whom it may be told, where the list does not say: clear, green, amber or amber+strict")
	f.Int64Var(&o.lapseDays, "lapse-days", 90, "how many days a claim stands after it was heard last")
	f.StringVar(&o.meaning, "meaning", "", "what it means that an entry is in the list no more: full, it is taken back; window, it stays until it lapses; "+
		"append, nothing; explicit, the list marks what is taken back")
	f.IntVar(&o.set.Less, "less", 20, "how many percent of the list may go at once before a person is asked")
	f.IntVar(&o.set.More, "more", 100, "how many percent of the list may come at once before a person is asked")
	f.BoolVar(&o.set.Private, "allow-private", false, "it may be on this machine or in a private network")
	f.BoolVar(&o.set.Plain, "allow-http", false, "it may be asked by http, which anybody on the way can change")
}

// onto sets what was said, and leaves the rest as it is.
func (o *sourceOptions) onto(s *exchange.Source, f *pflag.FlagSet) error {
	said := func(name string) bool { return f.Changed(name) }
	if said("preset") && said("mapping") {
		return usagef("--preset and --mapping exclude each other")
	}
	meaning := s.Preset.Meaning
	switch {
	case said("preset"):
		p, err := presetNamed(o.preset)
		if err != nil {
			return err
		}
		s.Preset, s.Address = p, cmp.Or(s.Address, p.Address)
		if s.Every == 0 {
			s.Every = int64(time.Duration(p.Interval) / time.Second)
		}
	case said("mapping"):
		p, err := presetFile(o.mapping)
		if err != nil {
			return err
		}
		s.Preset = p
	}
	s.Preset.Meaning = cmp.Or(s.Preset.Meaning, meaning)
	if said("meaning") {
		s.Preset.Meaning = feed.Meaning(o.meaning)
	}
	if o.address != "" {
		address, err := sourceAddress(o.address)
		if err != nil {
			return err
		}
		s.Address = address
	}
	if said("category") {
		var known bool
		if s.Category, known = category.Parse(o.category); !known {
			return usagef("--category is one of %s", slugs())
		}
	}
	for name, set := range map[string]func(){
		"title": func() { s.Title = o.set.Title }, "every": func() { s.Every = int64(o.every / time.Second) },
		"trust": func() { s.Trust = exchange.Trust(o.trust) }, "when": func() { s.Rule = exchange.Rule(o.when) },
		"tlp": func() { s.TLP = feed.TLP(o.tlp) }, "lapse-days": func() { s.Life = o.lapseDays },
		"less": func() { s.Less = o.set.Less }, "more": func() { s.More = o.set.More },
		"allow-private": func() { s.Private = o.set.Private }, "allow-http": func() { s.Plain = o.set.Plain },
	} {
		if said(name) {
			set()
		}
	}
	return nil
}

// sourceAddress is an address as a source keeps it: that of a file is whole.
func sourceAddress(address string) (string, error) {
	if strings.Contains(address, "://") {
		return address, nil
	}
	if _, err := os.Stat(address); err != nil {
		return "", fmt.Errorf("couldn't find the file or folder: %w", err)
	}
	return filepath.Abs(address)
}

func presetNames() (names []string) {
	for _, p := range feed.Presets() {
		names = append(names, p.Name)
	}
	return names
}

func presetNamed(name string) (feed.Preset, error) {
	for _, p := range feed.Presets() {
		if p.Name == name {
			return p, nil
		}
	}
	return feed.Preset{}, usagef("there is no preset %q: use one of %s, or write one with \"khien source try FILE --write preset.json\" and name it with --mapping",
		name, strings.Join(presetNames(), ", "))
}

// maxPreset bounds the file of a preset, in bytes.
const maxPreset = 1 << 20

func presetFile(name string) (feed.Preset, error) {
	text, err := blob.ReadPlain(name, maxPreset)
	if err != nil {
		return feed.Preset{}, fmt.Errorf("couldn't read the mapping: %w", err)
	}
	p, err := feed.ParsePreset(text)
	if err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// credentials reads what a source wants to know of who asks; "-" is stdin.
func credentials(cmd *cobra.Command, file string) (c exchange.Credentials, err error) {
	var text []byte
	if file == "-" {
		text, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxKeyFile+1))
	} else {
		text, err = blob.ReadPlain(file, maxKeyFile)
	}
	if err != nil {
		return c, fmt.Errorf("couldn't read the credentials: %w", err)
	}
	if len(text) > maxKeyFile {
		return c, fmt.Errorf("the credentials are longer than %d bytes", maxKeyFile)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, value, header := strings.Cut(line, ":")
		switch {
		case line == "":
		case header:
			if c.Headers == nil {
				c.Headers = map[string]string{}
			}
			c.Headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
		case c.Key != "":
			return c, errors.New("the credentials have two lines that are no header: a key is one line")
		default:
			c.Key = line
		}
	}
	return c, nil
}

// aboutSource says what to do about an error of a source.
func aboutSource(name string, err error) error {
	switch {
	case errors.Is(err, exchange.ErrNotFound):
		return fmt.Errorf("there is no source %q: \"khien source list\" names them", name)
	case errors.Is(err, exchange.ErrExists):
		return fmt.Errorf("there is a source of this name or title already: change it with \"khien source edit\", or take another")
	case errors.Is(err, exchange.ErrRemoved):
		return fmt.Errorf("%s was removed: \"khien source restore %s\" brings it back", name, name)
	case errors.Is(err, exchange.ErrBusy):
		return fmt.Errorf("somebody else is at %s just now: try again in a minute", name)
	case errors.Is(err, exchange.ErrChanged):
		return fmt.Errorf("%s is not what you have looked at any more: \"khien source run %s\" shows what would change now", name, name)
	case errors.Is(err, exchange.ErrConfig):
		return &usageError{err}
	}
	return err
}

func sourceAdd(d *dir) *cobra.Command {
	o := &sourceOptions{}
	cmd := &cobra.Command{
		Use: "add NAME [ADDRESS]", Short: "Connect another list",
		Long: `ADDRESS is https://…, a file, or a folder of which the newest file counts; a preset may have
one. How the list is read is a preset that Khiên has, or a mapping: a file that "khien source
try" writes for a list that it has not seen before.

Nothing is asked for yet: "khien serve" does it within seconds, and "khien source run" at once.
Credentials are read from a file or stdin, kept encrypted, and shown to nobody again.`,
		Example: `  $ khien source add certpl --preset certpl-json --trust list
  $ khien source add ministry https://lists.example/export.csv?key={key} --mapping ministry.json --secret-file key.txt
  $ khien source add inbox /srv/incoming --mapping ours.json --every 5m`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usagef("name the source, and its address unless a preset has one")
			}
			return nil
		},
	}
	o.flags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s := exchange.Source{Name: args[0]}
		if len(args) == 2 {
			o.address = args[1]
		}
		if o.preset == "" && o.mapping == "" {
			return usagef("say how its list is read, with --preset or --mapping: \"khien source try ADDRESS --write preset.json\" writes a mapping")
		}
		if err := o.onto(&s, cmd.Flags()); err != nil {
			return err
		}
		if s.Address == "" {
			return usagef("the preset %s has no address: name the one of the list", s.Preset.Name)
		}
		var secret exchange.Credentials
		if o.secret != "" {
			var err error
			if secret, err = credentials(cmd, o.secret); err != nil {
				return err
			}
		}
		x, err := d.exchange()
		if err != nil {
			return err
		}
		if err := x.Add(cmd.Context(), actor(), s); err != nil {
			return aboutSource(s.Name, err)
		}
		if o.secret != "" {
			if err := x.SetCredentials(cmd.Context(), actor(), s.Name, secret); err != nil {
				return aboutSource(s.Name, err)
			}
		}
		s = s.Usual()
		fmt.Fprintf(cmd.ErrOrStderr(), "added %s: asked every %s; %s\n", s.Name, everySays(s.Every), trustSays(s))
		fmt.Fprintf(cmd.ErrOrStderr(), "\"khien serve\" asks for its list; \"khien source run %s\" does it now\n", s.Name)
		return nil
	}
	return cmd
}

func sourceEdit(d *dir) *cobra.Command {
	o := &sourceOptions{}
	cmd := &cobra.Command{
		Use: "edit NAME", Short: "Change how a source is asked, read or trusted",
		Long: `What is not named stays as it is. Where it is trusted otherwise, what follows for what it has
said comes at once: what stands through it alone may leave the list with the next release.`,
		Example: `  $ khien source edit ministry --every 15m --trust list --when second
  $ khien source edit ministry --secret-file - < key.txt`,
		Args: exactly(1, "one source"),
	}
	o.flags(cmd.Flags())
	cmd.Flags().StringVar(&o.address, "address", "", "where its list is: https://…, a file or a folder")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().NFlag() == 0 {
			return usagef("say what is to change, such as --every 15m")
		}
		x, err := d.exchange()
		if err != nil {
			return err
		}
		was, err := x.Get(cmd.Context(), args[0])
		if err != nil {
			return aboutSource(args[0], err)
		}
		s := was.Source
		if err := o.onto(&s, cmd.Flags()); err != nil {
			return err
		}
		if cmd.Flags().Changed("secret-file") {
			secret, err := credentials(cmd, o.secret)
			if err != nil {
				return err
			}
			if err := x.SetCredentials(cmd.Context(), actor(), s.Name, secret); err != nil {
				return aboutSource(s.Name, err)
			}
		}
		leaves, err := x.Leaves(cmd.Context(), s.Name, &s)
		if err != nil {
			return err
		}
		if err := x.Edit(cmd.Context(), actor(), s); err != nil {
			return aboutSource(s.Name, err)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is asked every %s; %s\n", s.Name, everySays(s.Every), trustSays(s))
		if leaves.Count > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d of what it has listed leaves the list with the next \"khien publish\"; edit it back before, and all of it stays\n", leaves.Count)
		}
		return nil
	}
	return cmd
}

// everySays is a time between two attempts, as --every takes it.
func everySays(seconds int64) string {
	text := (time.Duration(seconds) * time.Second).String()
	text = strings.TrimSuffix(text, "0s")
	return strings.TrimSuffix(text, "h0m") + map[bool]string{true: "h"}[strings.HasSuffix(text, "h0m")]
}

func trustSays(s exchange.Source) string {
	switch {
	case s.Trust == exchange.Queue:
		return "people decide about what it says"
	case s.Rule == exchange.Second:
		return "what another source says too is listed"
	case s.Rule == exchange.Sure:
		return "what it is 75 % sure of is listed"
	}
	return "what it says is listed"
}

// notesOn are what somebody should know of a source.
func notesOn(s exchange.Status) (notes []string) {
	if s.Removed != 0 {
		return nil
	}
	if s.Waiting != 0 {
		notes = append(notes, fmt.Sprintf("run %d waits for a person", s.Waiting))
	}
	if s.Failures > 0 {
		notes = append(notes, fmt.Sprintf("failed %s: %s", counted(s.Failures, "time", "times"), s.Trouble))
	}
	if s.Silent {
		notes = append(notes, "no news for 7 days")
	}
	if s.Unsettled {
		notes = append(notes, "a change of it is still being carried out")
	}
	return notes
}

func moment(unix int64) string {
	if unix == 0 {
		return "-"
	}
	return minute(unix)
}

func sourceList(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the sources, and how each does",
		Long: `CLAIMS are those that stand; LISTED is how many of them are on the list, and ALONE how many of
those no other source names.`,
		Example: `  $ khien source list
  NAME      STATE  LAST RUN          NEXT RUN          CLAIMS  LISTED  ALONE  NOTE
  certpl    runs   2026-11-30 09:14  2026-11-30 09:19  98204   98113   90217
  ministry  waits  2026-11-30 09:02  2026-11-30 10:04  412     409     77     run 17 waits for a person`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			x, err := d.exchange()
			if err != nil {
				return err
			}
			all, err := x.List(cmd.Context())
			if err != nil {
				return err
			}
			if len(all) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "no source yet: \"khien source add NAME ADDRESS\"")
				return nil
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tSTATE\tLAST RUN\tNEXT RUN\tCLAIMS\tLISTED\tALONE\tNOTE")
			for _, s := range all {
				n, err := x.Standing(cmd.Context(), s.Name)
				if err != nil {
					return err
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", s.Name, s.How(), moment(s.Tried), moment(s.Next), n.Claims, n.Listed, n.Alone,
					strings.Join(notesOn(s), "; "))
			}
			return table.Flush()
		},
	}
}

func sourceShow(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show a source: what it is, how it did, and what waits",
		Example: `  $ khien source show ministry`,
		Args:    exactly(1, "one source"),
		RunE: func(cmd *cobra.Command, args []string) error {
			x, err := d.exchange()
			if err != nil {
				return err
			}
			s, err := x.Get(cmd.Context(), args[0])
			if err != nil {
				return aboutSource(args[0], err)
			}
			n, err := x.Standing(cmd.Context(), s.Name)
			if err != nil {
				return err
			}
			runs, err := x.Runs(cmd.Context(), s.Name, 10)
			if err != nil {
				return err
			}
			preset, err := json.Marshal(s.Preset)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			row := func(name string, value any) { fmt.Fprintf(table, "%s\t%v\n", name, value) }
			yes := map[bool]string{true: "yes", false: "no"}
			row("name", s.Name)
			row("title", s.Shown())
			row("state", s.How())
			row("address", s.Address)
			row("credentials", yes[s.Secret])
			row("every", everySays(s.Every))
			row("trust", trustSays(s.Source))
			if s.Category != category.Other {
				row("category", s.Category.Slug())
			}
			if s.TLP != "" {
				row("tlp", s.TLP)
			}
			row("lapses", counted(int(s.Life), "day", "days"))
			row("meaning", s.Preset.Meaning)
			row("waits if", fmt.Sprintf("more than %d %% go or %d %% come", s.Less, s.More))
			row("allowed", strings.Join(allowedOf(s.Source), ", "))
			row("added", moment(s.Added))
			row("last run", moment(s.Tried))
			row("next run", moment(s.Next))
			row("last news", moment(s.News))
			row("claims", n.Claims)
			row("listed", fmt.Sprintf("%d, %d of them by no other source", n.Listed, n.Alone))
			row("preset", string(preset))
			if err := table.Flush(); err != nil {
				return err
			}
			for _, note := range notesOn(s) {
				fmt.Fprintln(out, note)
			}
			if len(runs) > 0 {
				fmt.Fprintln(out)
				table = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "RUN\tBEGUN\tSTATE\tNEW\tCHANGED\tGONE\tREFUSED\tBY\tNOTE")
				for _, r := range runs {
					fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n", r.ID, minute(r.Begun), r.State, r.Numbers.New, r.Numbers.Changed, r.Numbers.Gone, r.Numbers.Refused,
						r.Actor, cmp.Or(r.Trouble, strings.Join(whyWaits(r), "; ")))
				}
				if err := table.Flush(); err != nil {
					return err
				}
			}
			if s.Waiting == 0 {
				return nil
			}
			r, err := x.GetRun(cmd.Context(), s.Waiting)
			if err != nil {
				return err
			}
			fmt.Fprintln(out)
			sampled(out, r.Numbers.Samples)
			whatNext(cmd.ErrOrStderr(), r)
			return nil
		},
	}
}

func allowedOf(s exchange.Source) (all []string) {
	if s.Private {
		all = append(all, "private networks")
	}
	if s.Plain {
		all = append(all, "http")
	}
	if all == nil {
		return []string{"-"}
	}
	return all
}

// whyWaits says why a run waits, or has waited.
func whyWaits(r exchange.Run) (all []string) {
	n := r.Numbers
	for _, why := range r.Why {
		text := string(why)
		switch why {
		case exchange.Empty:
			text = "there is nothing in the list"
		case exchange.Cut:
			text = "the end of the list is missing"
		case exchange.Shrunken:
			text = fmt.Sprintf("%d %% fewer than the run before", n.Gone*100/max(1, n.Had))
		case exchange.Swollen:
			text = fmt.Sprintf("%d %% more than the run before", n.New*100/max(1, n.Had))
		case exchange.Refusing:
			text = fmt.Sprintf("%d of %d entries are refused", n.Refused, n.Refused+n.Read)
		case exchange.Flipping:
			text = "it lists and takes back the same again and again"
		case exchange.Certificate:
			text = "its server has another key than before"
		case exchange.Page:
			text = "it is a web page and no list"
		}
		all = append(all, text)
	}
	return all
}

// sampled writes the first of what a run changes.
func sampled(out io.Writer, s exchange.Samples) {
	for _, one := range s.New {
		fmt.Fprintf(out, "new      %s\n", one)
	}
	for _, one := range s.Gone {
		fmt.Fprintf(out, "gone     %s\n", one)
	}
	for _, one := range s.Refused {
		fmt.Fprintf(out, "refused  %s: %q: %s\n", one.Place, one.Value, one.Why)
	}
}

func whatNext(words io.Writer, r exchange.Run) {
	fmt.Fprintf(words, "run %d waits for a person: %s\n", r.ID, strings.Join(whyWaits(r), "; "))
	if !slices.Contains(r.Why, exchange.Page) {
		fmt.Fprintf(words, "  khien source accept %s --run %d   takes it as it is\n", r.Source, r.ID)
	}
	fmt.Fprintf(words, "  khien source drop %s --run %d     leaves what it said before\n", r.Source, r.ID)
}

// summed writes what a run has changed, or would.
func summed(words io.Writer, n exchange.Numbers) {
	fmt.Fprintf(words, "new %d, changed %d, gone %d, refused %d\n", n.New, n.Changed, n.Gone, n.Refused)
	if n.Unwanted > 0 {
		fmt.Fprintf(words, "  left out %d: the preset does not want them\n", n.Unwanted)
	}
	for _, why := range slices.SortedFunc(maps.Keys(n.Refusals), func(a, b string) int {
		return cmp.Or(cmp.Compare(n.Refusals[b], n.Refusals[a]), strings.Compare(a, b))
	}) {
		fmt.Fprintf(words, "  refused %d: %s\n", n.Refusals[why], whyRefused(why))
	}
}

// whyRefused says a reason, which may be a rule of the guard, in words.
func whyRefused(why string) string {
	if slices.Contains(publish.Rules(), publish.Rule(why)) {
		return audit.Guarded(texts.Fallback, why)
	}
	return why
}

// showProgress tells on a terminal how far a run is.
func showProgress(cmd *cobra.Command) (progress exchange.Progress, finish func()) {
	words := cmd.ErrOrStderr()
	if !onTerminal(words) {
		return nil, func() {}
	}
	says := map[string]string{"fetch": "fetching, bytes", "read": "reading", "take": "taking in"}
	bar, at := countOn(words, ""), ""
	return func(step string, n int) {
		if step != at {
			bar.Finish()
			bar, at = countOn(words, cmp.Or(says[step], step)), step
		}
		bar.Set(n)
	}, func() { bar.Finish() }
}

func sourceRun(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "run NAME", Short: "Ask for a list now, and take in what is new",
		Long: `A list that is not what its source usually sends waits for a person, and the exit code is 1:
then its first entries are shown, and "accept" takes it as it is or "drop" leaves what the
source said before. Broken off at any moment, it leaves what was before or all that is new.`,
		Example: `  $ khien source run ministry
  new 12, changed 3, gone 4, refused 1
    refused 1: it is a public service
  listed 11, left the list 4, people are asked about 1`,
		Args: exactly(1, "one source"),
		RunE: func(cmd *cobra.Command, args []string) error {
			x, err := d.exchange()
			if err != nil {
				return err
			}
			progress, finish := showProgress(cmd)
			r, err := x.Run(cmd.Context(), actor(), args[0], progress)
			finish()
			if err != nil {
				return aboutSource(args[0], err)
			}
			return ran(cmd, r)
		},
	}
}

// ran tells how a run went.
func ran(cmd *cobra.Command, r exchange.Run) error {
	words, n := cmd.ErrOrStderr(), r.Numbers
	switch r.State {
	case exchange.Same:
		fmt.Fprintf(words, "%s says what it said before: nothing to do\n", r.Source)
		return nil
	case exchange.Dropped:
		fmt.Fprintf(words, "%s says what was dropped as run %d: nothing of it is taken\n", r.Source, r.ID)
		return nil
	case exchange.Waiting:
		summed(words, n)
		sampled(words, n.Samples)
		whatNext(words, r)
		return errTold
	}
	summed(words, n)
	fmt.Fprintf(words, "listed %d, left the list %d, people are asked about %d\n", n.Listed, n.Left, n.Asked)
	if n.Listed+n.Left > 0 {
		fmt.Fprintln(words, "\"khien publish\" publishes it")
	}
	return nil
}

// waitingRun is the run of a source that waits.
func waitingRun(ctx context.Context, x *exchange.Exchange, name string, run int64) (int64, error) {
	s, err := x.Get(ctx, name)
	switch {
	case err != nil:
		return 0, aboutSource(name, err)
	case s.Waiting == 0:
		return 0, fmt.Errorf("no run of %s waits", name)
	case run != 0 && s.Waiting != run:
		return 0, fmt.Errorf("run %d waits no more: run %d does, see \"khien source show %s\"", run, s.Waiting, name)
	}
	return s.Waiting, nil
}

func sourceAccept(d *dir) *cobra.Command {
	var run int64
	cmd := &cobra.Command{
		Use: "accept NAME", Short: "Take in a list that waits, as it is",
		Example: `  $ khien source show ministry
  $ khien source accept ministry --run 17`,
		Args: exactly(1, "one source"),
	}
	cmd.Flags().Int64Var(&run, "run", 0, "the number of the run that you have looked at, so that no other is meant")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		x, err := d.exchange()
		if err != nil {
			return err
		}
		id, err := waitingRun(cmd.Context(), x, args[0], run)
		if err != nil {
			return err
		}
		progress, finish := showProgress(cmd)
		r, err := x.Accept(cmd.Context(), actor(), id, progress)
		finish()
		if err != nil {
			return aboutSource(args[0], err)
		}
		return ran(cmd, r)
	}
	return cmd
}

func sourceDrop(d *dir) *cobra.Command {
	var run int64
	cmd := &cobra.Command{
		Use: "drop NAME", Short: "Leave what a source said before, and forget the list that waits",
		Long:    `The same list is not asked about again.`,
		Example: `  $ khien source drop ministry --run 17`,
		Args:    exactly(1, "one source"),
	}
	cmd.Flags().Int64Var(&run, "run", 0, "the number of the run that you have looked at, so that no other is meant")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		x, err := d.exchange()
		if err != nil {
			return err
		}
		id, err := waitingRun(cmd.Context(), x, args[0], run)
		if err != nil {
			return err
		}
		if err := x.Drop(cmd.Context(), actor(), id); err != nil {
			return aboutSource(args[0], err)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "run %d is dropped: what %s said before stands\n", id, args[0])
		return nil
	}
	return cmd
}

// sourceAct is a command that does one thing to a source.
func sourceAct(d *dir, cmd *cobra.Command, done string, do func(*exchange.Exchange, context.Context, string, string) error) *cobra.Command {
	cmd.Args = exactly(1, "one source")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		x, err := d.exchange()
		if err != nil {
			return err
		}
		if err := do(x, cmd.Context(), actor(), args[0]); err != nil {
			return aboutSource(args[0], err)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s %s\n", args[0], done)
		return nil
	}
	return cmd
}

func sourcePause(d *dir) *cobra.Command {
	return sourceAct(d, &cobra.Command{
		Use: "pause NAME", Short: "Ask a source no more by itself; what it says stands until it lapses",
		Example: `  $ khien source pause ministry`,
	}, "is not asked any more; \"resume\" ends that", (*exchange.Exchange).Pause)
}

func sourceResume(d *dir) *cobra.Command {
	return sourceAct(d, &cobra.Command{
		Use: "resume NAME", Short: "Ask a source again that was paused",
		Example: `  $ khien source resume ministry`,
	}, "is asked again", (*exchange.Exchange).Resume)
}

func sourceRestore(d *dir) *cobra.Command {
	return sourceAct(d, &cobra.Command{
		Use: "restore NAME", Short: "Undo the removal of a source: what it said stands again",
		Example: `  $ khien source restore ministry`,
	}, "is back, with all that it said", (*exchange.Exchange).Restore)
}

func sourceRemove(d *dir) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Take back all that a source says",
		Long: `Tells how much that is and asks whether it is meant: on a terminal, or from stdin, which must
then say yes; --yes does not ask. What other sources say too stays, as does what a person has
decided. "khien source restore" undoes it.`,
		Example: `  $ khien source remove ministry
  ministry says 412 things; 409 of them are listed, and 77 would leave the list, as only it names them
  Remove it? [y/N] y`,
		Args: exactly(1, "one source"),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "don't ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		x, err := d.exchange()
		if err != nil {
			return err
		}
		s, err := x.Get(cmd.Context(), args[0])
		if err != nil {
			return aboutSource(args[0], err)
		}
		words := cmd.ErrOrStderr()
		if s.Removed != 0 {
			fmt.Fprintf(words, "%s was removed already\n", s.Name)
			return nil
		}
		n, err := x.Standing(cmd.Context(), s.Name)
		if err != nil {
			return err
		}
		leaves, err := x.Leaves(cmd.Context(), s.Name, nil)
		if err != nil {
			return err
		}
		fmt.Fprintf(words, "%s says %s; %d of them are listed, and %d would leave the list, as only it names them\n",
			s.Name, counted(n.Claims, "thing", "things"), n.Listed, leaves.Count)
		if !yes {
			fmt.Fprint(words, "Remove it? [y/N] ")
			answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
			if err != nil && err != io.EOF {
				return err
			}
			if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
				fmt.Fprintln(words, "nothing was changed")
				return errTold
			}
		}
		if err := x.Remove(cmd.Context(), actor(), s.Name); err != nil {
			return aboutSource(s.Name, err)
		}
		fmt.Fprintf(words, "%s is removed; \"khien source restore %s\" undoes it\n", s.Name, s.Name)
		return nil
	}
	return cmd
}
