package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/blob"
	"khien/server/feed"
	"khien/server/publish"
	"khien/shared/official"
	"khien/shared/subject"
	"khien/shared/supplement"
)

func officialCommand(d *dir) *cobra.Command {
	var file, called string
	var count bool
	cmd := &cobra.Command{
		Use: "official HOST...", Short: "Show which well-known name a host passes itself off as",
		Long: `Prints one JSON object a line for each host or URL: whether it is official, and else which
official one it resembles, and by which rule (docs/official.md). That is a reason for
caution and never a proof. With --name, or with a name behind a tab in the input, what the page or account goes by
is compared as well. With "-" the inputs are the lines of stdin.

With --count it prints one object for all of them: how many there were, how many are
official, and how many resemble one, by rule. That is how the rules are measured: on
popular hosts, or on accounts of honest people with their names, each resemblance is a false alarm.

"khien official import" adds official names of your own to the next release.`,
		Example: `  $ khien official vietcombank-login.example
  {"input":"vietcombank-login.example","official":false,"resembles":"vietcombank.com.vn","name":"Vietcombank","rule":"inside"}
  $ khien official --count - < popular.txt
  $ printf 'https://www.facebook.com/an.invented.name\tVietcombank CSKH\n' | khien official -`,
		Args: atLeast(1, "at least one host, or - for the lines of stdin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			book, err := openBook(file, d)
			if err != nil {
				return err
			}
			type answer struct {
				Input     string        `json:"input"`
				Official  bool          `json:"official"`
				Platform  bool          `json:"-"` // anybody's account
				Account   bool          `json:"official_account,omitempty"`
				Resembles string        `json:"resembles,omitempty"`
				Name      string        `json:"name,omitempty"`
				Rule      official.Rule `json:"rule,omitempty"`
				Error     string        `json:"error,omitempty"`
			}
			ask := func(input string) answer {
				input, name, ok := strings.Cut(input, "\t")
				if !ok {
					name = called
				}
				a := answer{Input: input}
				host, err := hostOf(input)
				if err != nil {
					a.Error = err.Error()
					return a
				}
				a.Official = book.IsOfficial(host)
				r, ok := book.Host(host)
				var accounts []string
				if subject.IsPlatform(host) {
					accounts = profile(input)
					a.Platform = len(accounts) > 0
				}
				owner, real := book.AccountOwner(accounts)
				switch {
				case ok:
				case real:
					a.Account, a.Name = true, owner
				case len(accounts) > 0:
					r, ok = book.Account(name, accounts)
				case name != "":
					r, ok = book.Name(name, host)
				}
				if ok {
					a.Resembles, a.Name, a.Rule = r.Official, r.Name, r.Rule
				}
				return a
			}
			if !count {
				return eachInput(cmd, args, func(input string) (any, bool) {
					a := ask(input)
					return a, a.Error == ""
				})
			}
			total := struct {
				Hosts      int                   `json:"hosts"` // and accounts
				Official   int                   `json:"official"`
				Unreadable int                   `json:"unreadable"`
				Resembling int                   `json:"resembling"`
				Per100000  float64               `json:"per_100000"`
				Rules      map[official.Rule]int `json:"rules"`
			}{Rules: map[official.Rule]int{}}
			add := func(input string) error {
				a := ask(input)
				total.Hosts++
				switch {
				case a.Error != "":
					total.Unreadable++
				case a.Resembles != "":
					total.Resembling++
					total.Rules[a.Rule]++
				case a.Official && !a.Platform || a.Account:
					total.Official++
				}
				return nil
			}
			if err := eachArgument(cmd, args, add); err != nil {
				return err
			}
			if total.Hosts > 0 {
				total.Per100000 = float64(total.Resembling) * 100_000 / float64(total.Hosts)
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(total)
		},
	}
	cmd.AddCommand(officialImport(d), officialRemove(d))
	cmd.Flags().StringVar(&file, "list", "", "the official names in this `file` in place of those that Khiên has")
	cmd.Flags().StringVar(&called, "name", "", "the `name` that the page or account goes by")
	cmd.Flags().BoolVar(&count, "count", false, "count all inputs and print the sums")
	return cmd
}

func officialImport(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "import FILE", Short: "Add official names of your own to the next release",
		Long: `Reads a file of official names and keeps it in the data directory under its own name; the
same name again replaces it. A line has up to four parts:

  hosts | names | accounts | country

The host that people know comes first, and stands for all below it. Between names stands a
";". Accounts are canonical subjects, as "khien subject" prints them. If you name somebody's account
on a platform, name all of them there, since others of that name are met with caution; or put a + behind
one if there may be more. A person without a host has a name and an account. What stands
behind a # is for people. Where the names of Khiên have the same first host, yours take its place.`,
		Example: `  $ cat ours.txt
  bank.example | The Bank; Ngân hàng | facebook:user/thebank zalo:oa/9000000000000000001 x:user/thebank+ | VN
  | A Singer | tiktok:user/a.singer
  $ khien official import ours.txt`,
		Args: exactly(1, "a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.exists(); err != nil {
				return err
			}
			body, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("couldn't read the official names: %w", err)
			}
			if _, err := supplement.Encode(string(body), supplement.Body{}); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			book, err := official.Read(bytes.NewReader(body))
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			kept := filepath.Join(d.official(), nameOfBook(args[0])+".txt")
			if err := os.MkdirAll(d.official(), 0o755); err != nil {
				return err
			}
			err = d.act(cmd.Context(), audit.Act{Verb: audit.ImportOfficial, Object: fileNamed(filepath.Base(args[0])), Args: audit.Args{Count: book.Len()}}, func() error {
				return d.keepBook(kept, body)
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "the next release has %s of %s: run \"khien publish\"\n", counted(book.Len(), "official name", "official names"), nameOfBook(args[0]))
			return nil
		},
	}
}

// keepBook replaces a book, unless all of them together are more than a supplement can hold.
func (d *dir) keepBook(kept string, body []byte) error {
	before, had := blob.ReadPlain(kept, publish.MaxOwn)
	if had != nil && !errors.Is(had, fs.ErrNotExist) {
		return fmt.Errorf("couldn't keep what lies there already, move it away first: %w", had)
	}
	if err := blob.WritePlain(kept, body); err != nil {
		return err
	}
	var err error
	_, left := publish.Book(d.official())
	for _, one := range left {
		if u, ok := errors.AsType[*publish.Unfit](one); ok && (u.What == d.official() || strings.HasPrefix(u.What, kept)) {
			err = one
		}
	}
	if err == nil {
		return nil
	}
	if had == nil {
		return errors.Join(err, blob.WritePlain(kept, before))
	}
	return errors.Join(err, os.Remove(kept))
}

func officialRemove(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Take official names of your own out of the next release",
		Example: `  $ khien official remove ours`,
		Args:    exactly(1, "the name of an imported file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.exists(); err != nil {
				return err
			}
			kept := filepath.Join(d.official(), nameOfBook(args[0])+".txt")
			if _, err := os.Stat(kept); err != nil {
				return fmt.Errorf("no official names were imported as %s", nameOfBook(args[0]))
			}
			return d.act(cmd.Context(), audit.Act{Verb: audit.RemoveOfficial, Object: fileNamed(nameOfBook(args[0]))}, func() error { return os.Remove(kept) })
		},
	}
}

// nameOfBook is the name of a file without its folder and ending.
func nameOfBook(file string) string {
	return strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
}

// openBook reads a file, or the names that the next release would have.
func openBook(file string, d *dir) (*official.Book, error) {
	if file == "" {
		text, _ := publish.Book(d.official())
		return official.Read(strings.NewReader(text))
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the official names: %w", err)
	}
	defer f.Close()
	book, err := official.Read(f)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the official names: %w", err)
	}
	return book, nil
}

// profile are the names of the account whose page an address shows.
func profile(input string) (accounts []string) {
	named, err := feed.Named(input)
	if err != nil {
		return nil
	}
	for _, s := range named {
		if s.IsProfile() {
			accounts = append(accounts, string(s))
		}
	}
	return accounts
}

// hostOf is the host of an address, as a browser writes it.
func hostOf(input string) (string, error) {
	href, err := feed.Href(input)
	if err != nil {
		return "", err
	}
	return subject.Host(href)
}
