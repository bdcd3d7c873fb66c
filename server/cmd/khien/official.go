package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"khien/server/feed"
	"khien/server/publish"
	"khien/shared/official"
	"khien/shared/subject"
)

func officialCommand() *cobra.Command {
	var file, name string
	var count bool
	cmd := &cobra.Command{
		Use: "official HOST...", Short: "Show which well-known name a host passes itself off as",
		Long: `Prints one JSON object a line for each host or URL: whether it is official, and else which
official one it resembles, and by which rule (docs/subjects.md). That is a reason for
caution and never a proof. With "-" the inputs are the lines of stdin.

With --count it prints one object for all of them: how many there were, how many are
official, and how many resemble one, by rule. That is how the rules are measured: on
popular hosts each resemblance is a false alarm.`,
		Example: `  $ khien official vietcombank-login.example
  {"input":"vietcombank-login.example","official":false,"resembles":"vietcombank.com.vn","name":"Vietcombank","rule":"inside"}
  $ khien official --count - < popular.txt`,
		Args: atLeast(1, "at least one host, or - for the lines of stdin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			book, err := openBook(file)
			if err != nil {
				return err
			}
			type answer struct {
				Input     string        `json:"input"`
				Official  bool          `json:"official"`
				Resembles string        `json:"resembles,omitempty"`
				Name      string        `json:"name,omitempty"`
				Rule      official.Rule `json:"rule,omitempty"`
				Error     string        `json:"error,omitempty"`
			}
			ask := func(input string) answer {
				a := answer{Input: input}
				host, err := hostOf(input)
				if err != nil {
					a.Error = err.Error()
					return a
				}
				a.Official = book.IsOfficial(host)
				r, ok := book.Host(host)
				if !ok && name != "" {
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
				Hosts      int                   `json:"hosts"`
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
				case a.Official:
					total.Official++
				case a.Resembles != "":
					total.Resembling++
					total.Rules[a.Rule]++
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
	cmd.Flags().StringVar(&file, "list", "", "the official names in this `file` in place of those that Khiên has")
	cmd.Flags().StringVar(&name, "name", "", "the `name` that the page or account goes by")
	cmd.Flags().BoolVar(&count, "count", false, "count all inputs and print the sums")
	return cmd
}

func openBook(file string) (*official.Book, error) {
	if file == "" {
		return official.Read(strings.NewReader(publish.OwnBook()))
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

// hostOf is the host of an address, as a browser writes it.
func hostOf(input string) (string, error) {
	href, err := feed.Href(input)
	if err != nil {
		return "", err
	}
	return subject.Host(href)
}
