package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/publish"
	"khien/shared/category"
	"khien/shared/subject"
)

// tried is a claim, as it is shown to who tries a list out.
type tried struct {
	Subject   subject.Subject `json:"subject"`
	Line      int             `json:"line,omitempty"`
	Part      string          `json:"part,omitempty"` // of the list
	Address   string          `json:"address,omitempty"`
	ID        string          `json:"id,omitempty"`
	First     string          `json:"first_seen,omitempty"` // RFC 3339, as all times
	Last      string          `json:"last_seen,omitempty"`
	Lapses    string          `json:"lapses,omitempty"`
	Gone      bool            `json:"gone,omitempty"`
	Context   bool            `json:"context,omitempty"`  // it is not to be listed
	Disputed  bool            `json:"disputed,omitempty"` // the source says that it is none
	Suspected bool            `json:"suspected,omitempty"`
	Hacked    bool            `json:"hacked,omitempty"`
	Sure      int             `json:"confidence,omitempty"`
	TLP       feed.TLP        `json:"tlp,omitempty"`
	Category  string          `json:"category,omitempty"`
	Reference string          `json:"reference,omitempty"`
	Text      string          `json:"text,omitempty"`
}

// triedNot is what is refused, and why.
type triedNot struct {
	Refused string `json:"refused"`
	Why     string `json:"why"`
	Line    int    `json:"line,omitempty"`
	Part    string `json:"part,omitempty"`
}

func triedAs(c feed.Claim) tried {
	when := func(unix int64) string {
		if unix == 0 {
			return ""
		}
		return time.Unix(unix, 0).UTC().Format(time.RFC3339)
	}
	t := tried{
		Subject: c.Subject, Line: c.Place.Line, Part: c.Place.Name, Address: c.Address, ID: c.ID, First: when(c.First), Last: when(c.Last), Lapses: when(c.Lapses),
		Gone: c.Gone, Context: c.Weight == feed.Context, Disputed: c.Weight == feed.Disputes, Suspected: c.Weight == feed.Suspects, Hacked: c.Hacked, Sure: c.Sure, TLP: c.TLP,
		Reference: c.Reference, Text: c.Text,
	}
	if c.Category != category.Other {
		t.Category = c.Category.Slug()
	}
	return t
}

func sourceTry(d *dir) *cobra.Command {
	var preset, mapping, write, secret string
	var private, plain bool
	cmd := &cobra.Command{
		Use: "try FILE|URL", Short: "Show what would be read of a list, and write the preset for it",
		Long: `Prints one JSON object a line: each "subject" with what the list says about it, and each entry
that is "refused", with the reason. Nothing is kept. Protected names are refused as they would be
when the source runs. FILE - is stdin.

How the list is read is found out, and told with the reasons, unless --preset or --mapping says
it. With --write it is kept as a file, which you can look through, mend, try again with
--mapping, and give to "khien source add".`,
		Example: `  $ khien source try export.csv --write ours.json
  {"subject":"scam.example/a","line":2,"first_seen":"2026-11-24T08:00:00Z","category":"phishing"}
  {"refused":"8.49E+10","why":"a spreadsheet has spoilt this number","line":3}`,
		Args: exactly(1, "one file or address"),
	}
	f := cmd.Flags()
	f.StringVar(&preset, "preset", "", "read it by this preset: one of "+strings.Join(presetNames(), ", "))
	f.StringVar(&mapping, "mapping", "", "read it by the preset in this `file`")
	f.StringVar(&write, "write", "", "write how it is read into this `file`")
	f.StringVar(&secret, "secret-file", "", "a `file` with credentials, as for \"khien source add\"")
	f.BoolVar(&private, "allow-private", false, "it may be on this machine or in a private network")
	f.BoolVar(&plain, "allow-http", false, "it may be asked by http")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		words := cmd.ErrOrStderr()
		if preset != "" && mapping != "" {
			return usagef("--preset and --mapping exclude each other")
		}
		protection, err := d.protection()
		if err != nil {
			return err
		}
		of := exchange.Source{Name: "try", Address: args[0], Private: private, Plain: plain}
		switch {
		case preset != "":
			of.Preset, err = presetNamed(preset)
		case mapping != "":
			of.Preset, err = presetFile(mapping)
		}
		if err != nil {
			return err
		}
		var with exchange.Credentials
		if secret != "" {
			if with, err = credentials(cmd, secret); err != nil {
				return err
			}
		}
		file, err := tryable(cmd, &of, with)
		if err != nil {
			return err
		}
		defer file.Close()
		p := of.Preset
		if p.Format == "" {
			var why []string
			p, why, err = guessed(args[0], file)
			for _, one := range why {
				fmt.Fprintln(words, one)
			}
			if err != nil {
				return err
			}
		}
		if write != "" {
			text, err := json.MarshalIndent(p, "", " ")
			if err != nil {
				return err
			}
			if err := os.WriteFile(write, append(text, '\n'), 0o644); err != nil {
				return fmt.Errorf("couldn't write the preset: %w", err)
			}
		}
		out := bufio.NewWriter(cmd.OutOrStdout())
		lines := json.NewEncoder(out)
		lines.SetEscapeHTML(false)
		claims, gone, refused := 0, 0, 0
		reasons := map[string]int{}
		for c, err := range feed.Claims(file, p) {
			if err == nil {
				c, err = of.Permitted(protection, c)
			}
			no, isRefused := errors.AsType[*feed.Refused](err)
			switch {
			case isRefused:
				refused++
				why := no.Why.Error()
				if protected, ok := errors.AsType[*publish.Protected](no.Why); ok {
					why = whyRefused(string(protected.Rule))
				}
				reasons[why]++
				err = lines.Encode(triedNot{no.Value, why, no.Line, no.Name})
			case err != nil:
				return errors.Join(out.Flush(), fmt.Errorf("%s can't be read as %s: %w", args[0], p.Format, err))
			case c.Gone:
				gone++
				err = lines.Encode(triedAs(c))
			default:
				claims++
				err = lines.Encode(triedAs(c))
			}
			if err != nil {
				return errTold // which the output tells
			}
		}
		if err := out.Flush(); err != nil {
			return errTold
		}
		fmt.Fprintf(words, "claims %d, gone %d, refused %d\n", claims, gone, refused)
		for _, why := range slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
			return cmp.Or(cmp.Compare(reasons[b], reasons[a]), strings.Compare(a, b))
		})[:min(len(reasons), 10)] {
			fmt.Fprintf(words, "  refused %d: %s\n", reasons[why], why)
		}
		if write != "" {
			fmt.Fprintf(words, "wrote %s: look through it, and then \"khien source add NAME %s --mapping %s\"\n", write, args[0], write)
		}
		if claims+gone == 0 {
			fmt.Fprintln(words, "nothing of it can be used")
			return errTold
		}
		return nil
	}
	return cmd
}

// tryable is a list to be read, from its beginning.
func tryable(cmd *cobra.Command, of *exchange.Source, with exchange.Credentials) (*os.File, error) {
	if of.Address != "-" {
		address, err := sourceAddress(of.Address)
		if err != nil {
			return nil, err
		}
		of.Address = address
		progress, finish := showProgress(cmd)
		defer finish()
		list, got, err := exchange.Look(cmd.Context(), *of, with, progress)
		if got.Cut {
			fmt.Fprintln(cmd.ErrOrStderr(), "the end of the list is missing: a source that sends it so waits for a person")
		}
		return list, aboutSource(of.Address, err)
	}
	file, err := os.CreateTemp("", "khien-try-*")
	if err != nil {
		return nil, err
	}
	os.Remove(file.Name())
	if _, err = io.Copy(file, cmd.InOrStdin()); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// guessed finds out how a list is read, and says why.
func guessed(name string, file *os.File) (p feed.Preset, why []string, err error) {
	p, why, err = feed.Guess(file)
	if errors.Is(err, feed.ErrUnguessed) {
		err = fmt.Errorf("%w: say how it is read, with --preset, or with --mapping and a file such as docs/sources.md has", err)
	}
	if err != nil {
		return p, why, fmt.Errorf("couldn't find out how %s is read: %w", name, err)
	}
	p.Name = cmp.Or(p.Name, "ours")
	_, err = file.Seek(0, io.SeekStart)
	return p, why, err
}
