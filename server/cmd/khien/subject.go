package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"khien/server/feed"
	"khien/shared/subject"
)

func subjectCommand() *cobra.Command {
	return &cobra.Command{
		Use: "subject URL...", Short: "Show what a URL names: its social account and its URL expressions",
		Long: `Prints one JSON object a line for each input: the accounts it names first, then the
URL expressions, the narrowest first. An input is a URL, a host name or page without a
scheme, or a canonical subject. With "-" the inputs are the lines of stdin.`,
		Example: `  $ khien subject https://m.facebook.com/zuck
  {"input":"https://m.facebook.com/zuck","subjects":["facebook:user/zuck","m.facebook.com/zuck",...]}`,
		Args: atLeast(1, "at least one URL, or - for the lines of stdin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			type answer struct {
				Input    string            `json:"input"`
				Subjects []subject.Subject `json:"subjects,omitempty"`
				Error    string            `json:"error,omitempty"`
			}
			return eachInput(cmd, args, func(input string) (any, bool) {
				subjects, err := subjects(input)
				if err != nil {
					return answer{Input: input, Error: err.Error()}, false
				}
				return answer{Input: input, Subjects: subjects}, true
			})
		},
	}
}

// subjects are what an input names, the narrowest account first.
func subjects(input string) ([]subject.Subject, error) {
	if s, ok := account(input); ok {
		return []subject.Subject{s}, nil
	}
	href, err := feed.Href(input)
	if err != nil {
		return nil, err
	}
	return subject.FromHref(nil, href)
}

// exact is the narrowest indicator for an input: the account, or exactly this page.
func exact(input string) (subject.Subject, error) {
	if s, ok := account(input); ok {
		return s, nil
	}
	href, err := feed.Href(input)
	if err != nil {
		return "", err
	}
	return subject.Exact(href)
}

// account reads an input such as "facebook:user/zuck". A URL expression is none: as
// an input it is a page, which is covered by what is listed above it too.
func account(input string) (subject.Subject, bool) {
	s, err := subject.Parse(input)
	return s, err == nil && s.IsAccount()
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
	if len(args) == 1 && args[0] == "-" {
		if err := eachLine(cmd.InOrStdin(), one); err != nil {
			return err
		}
	} else {
		for _, input := range args {
			if err := one(input); err != nil {
				return err
			}
		}
	}
	if bad > 0 {
		return errTold
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
