package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"khien/server/feed"
	"khien/shared/subject"
	"khien/shared/texts"
)

func subjectCommand() *cobra.Command {
	var lang, speaks string
	var rules bool
	cmd := &cobra.Command{
		Use: "subject TEXT...", Short: "Show what a URL, number or account names",
		Long: `Prints one JSON object a line for each input: the accounts it names first, then the
URL expressions, the narrowest first. An input is a text as somebody pastes it, and is read
as the extension reads it: with URLs (of tel:, mailto:, tg: and the like too), host names
and pages without a scheme, telephone numbers, email addresses, wallets, bank accounts
beside the names of their banks, IBANs, names behind that of a network; or the text of a
payment code, or a canonical subject. With "-" the inputs are the lines of stdin.`,
		Example: `  $ khien subject https://m.facebook.com/zuck
  {"input":"https://m.facebook.com/zuck","subjects":["facebook:user/zuck","m.facebook.com/zuck",...]}
  $ khien subject --describe vi zalo.me/0900000001`,
		Args: func(cmd *cobra.Command, args []string) error {
			if rules {
				return nil
			}
			return atLeast(1, "at least one text, or - for the lines of stdin")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if rules {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), subject.Rules)
				return err
			}
			type description struct {
				Subject subject.Subject `json:"subject"`
				Text    string          `json:"text"`
				Address string          `json:"address,omitempty"`
			}
			type answer struct {
				Input     string            `json:"input"`
				Subjects  []subject.Subject `json:"subjects,omitempty"`
				Described []description     `json:"described,omitempty"`
				Error     string            `json:"error,omitempty"`
			}
			return eachInput(cmd, args, func(input string) (any, bool) {
				things, err := feed.Things(input, speaks, lang)
				a := answer{Input: input}
				for _, thing := range things {
					for _, s := range thing {
						if !slices.Contains(a.Subjects, s) {
							a.Subjects = append(a.Subjects, s)
						}
					}
				}
				if err != nil {
					a.Error = err.Error()
				}
				if lang != "" {
					for _, s := range a.Subjects {
						a.Described = append(a.Described, description{s, s.Describe(lang), s.Address()})
					}
				}
				return a, err == nil
			})
		},
	}
	cmd.Flags().StringVar(&lang, "describe", "", "also tell each subject to a person who reads this `language` ("+strings.Join(texts.All(), ", ")+"), with an address that opens it")
	cmd.Flags().StringVar(&speaks, "language", "", "read numbers as who speaks this `language` writes them, such as pl (default: that of --describe)")
	cmd.Flags().BoolVar(&rules, "rules", false, "print which rules of the platforms these are, and nothing else")
	return cmd
}

// eachInput answers each argument, or each line of stdin if the only argument is "-",
// with one JSON object a line. It fails if one of the answers is not good.
func eachInput(cmd *cobra.Command, args []string, answer func(input string) (value any, good bool)) error {
	out := bufio.NewWriter(cmd.OutOrStdout())
	defer out.Flush()
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	bad := 0
	one := func(input string) error {
		value, good := answer(input)
		if !good {
			bad++
		}
		return lines.Encode(value)
	}
	if err := eachArgument(cmd, args, one); err != nil {
		return err
	}
	if bad > 0 {
		return errTold
	}
	return nil
}

// eachArgument hands over each argument, or each line of stdin if the only argument is "-".
func eachArgument(cmd *cobra.Command, args []string, f func(input string) error) error {
	if len(args) == 1 && args[0] == "-" {
		return eachLine(cmd.InOrStdin(), f)
	}
	for _, input := range args {
		if err := f(input); err != nil {
			return err
		}
	}
	return nil
}

// eachLine hands over the lines of r that are not empty. A line has at most 64 KiB,
// far more than any address that is taken.
func eachLine(r io.Reader, f func(line string) error) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		if err := f(line); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("couldn't read stdin: %w", err)
	}
	return nil
}
