package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"khien/server/feed"
	"khien/server/triage"
	"khien/shared/set"
	"khien/shared/subject"
)

func (d *dir) popular() string { return filepath.Join(d.path, "popular.set") }

func popularCommand(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "popular FILE", Short: "Name the popular pages that no one may be warned about by chance",
		Long: `Reads hosts or addresses, one a line, such as the first million of a public ranking, with or
without the rank in front ("17,shop.example"). Two people must agree to list one of these hosts
as a whole. An indicator whose digest begins like that of one of them is published with a longer
prefix, so that the popular page is not hit. It takes effect at once, also in a console that
runs, and with the next publishing, and replaces what was named before. An empty line or one
that begins with # is passed over.`,
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
				href, err := feed.Href(ranked(text))
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
			err = d.act(cmd.Context(), "name "+triage.Counted(pages, "popular page", "popular pages"), "file "+args[0], "", func() error {
				if err := os.WriteFile(d.popular()+".new", body, 0o644); err != nil {
					return err
				}
				return os.Rename(d.popular()+".new", d.popular())
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s, %s not understood\n", triage.Counted(pages, "popular page", "popular pages"), triage.Counted(refused, "line", "lines"))
			return nil
		},
	}
}

// ranked is a line of a ranking without the rank in front: "17,shop.example" is shop.example.
func ranked(line string) string {
	rank, name, ok := strings.Cut(line, ",")
	if _, err := strconv.ParseUint(strings.Trim(rank, `"`), 10, 64); !ok || err != nil {
		return line
	}
	return strings.Trim(strings.TrimSpace(name), `"`)
}

// popularNames are what "khien popular" has kept, as they are now. It is safe for concurrent use.
type popularNames struct {
	path string

	mu    sync.Mutex
	names *set.Set
	file  fs.FileInfo // that they were read from; nil where there was none
}

// now reads them again where the file is another than before. One that can't be read leaves those that were read last.
func (p *popularNames) now() *set.Set {
	p.read()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names
}

func (p *popularNames) read() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	file, err := os.Stat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.names, p.file = nil, nil
		return nil
	case err != nil:
		return err
	case p.file != nil && os.SameFile(file, p.file) && file.ModTime().Equal(p.file.ModTime()):
		return nil
	}
	body, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	names, err := set.Open(body)
	if err != nil {
		return fmt.Errorf("%s: %w: run \"khien popular\" again", p.path, err)
	}
	p.names, p.file = &names, file
	return nil
}
