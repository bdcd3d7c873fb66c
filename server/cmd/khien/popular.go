package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"khien/server/feed"
	"khien/shared/set"
	"khien/shared/subject"
)

func (d *dir) popular() string { return filepath.Join(d.path, "popular.set") }

func popularCommand(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "popular FILE", Short: "Name the popular pages that no one may be warned about by chance",
		Long: `Reads hosts or addresses, one a line, such as the first million of a public ranking. An
indicator whose digest begins like that of one of them is published with a longer prefix,
so that the popular page is not hit. It takes effect with the next publishing, and
replaces what was named before. An empty line or one that begins with # is passed over.`,
		Example: `  $ khien popular top-1m.txt
  1000000 popular pages, 0 lines not understood`,
		Args: exactly(1, "a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.exists(); err != nil {
				return err
			}
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			var entries []set.Entry
			pages, refused := 0, 0
			lines := bufio.NewScanner(file)
			for lines.Scan() {
				text := strings.TrimSpace(lines.Text())
				if text == "" || strings.HasPrefix(text, "#") {
					continue
				}
				var named subject.Named
				href, err := feed.Href(text)
				if err == nil {
					err = named.Read(href)
				}
				if err != nil {
					refused++
					continue
				}
				pages++
				for i := range named.Len() {
					entries = append(entries, set.Entry{Prefix: set.Prefix(named.Subject(i).Digest())})
				}
			}
			if err := lines.Err(); err != nil {
				return fmt.Errorf("couldn't read %s: %w", args[0], err)
			}
			slices.SortFunc(entries, func(a, b set.Entry) int { return int(int64(a.Prefix) - int64(b.Prefix)) })
			body, err := set.Build(slices.Compact(entries), nil)
			if err != nil {
				return fmt.Errorf("couldn't keep them: %w", err)
			}
			err = d.act(cmd.Context(), fmt.Sprintf("name %d popular pages", pages), "file "+args[0], "", func() error {
				if err := os.WriteFile(d.popular()+".new", body, 0o644); err != nil {
					return err
				}
				return os.Rename(d.popular()+".new", d.popular())
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%d popular pages, %d lines not understood\n", pages, refused)
			return nil
		},
	}
}
