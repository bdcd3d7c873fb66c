package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/blob"
	"khien/server/feed"
	"khien/server/triage"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
)

func (d *dir) popular() string { return filepath.Join(d.path, "popular.set") }

func popularCommand(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "popular FILE", Short: "Name the popular pages that no one may be warned about by chance",
		Long: `Reads hosts or addresses, one a line, such as the first million of a public ranking, with or
without the rank in front ("17,shop.example"). Two people must agree to list anything of one of
these hosts: the host, one below it, a folder or a page. An indicator whose digest begins like that of one of them is published with a longer
prefix, so that the popular page is not hit. It takes effect at once, also in a console that
runs, and with the next publishing, and adds to what was named before: who gives a shorter
ranking does not make one person enough for what took two. Who gave a wrong file puts
popular.set back from a backup. An empty line or one that begins with # is passed over.

A host whose name is like that of somebody in the official names (khien official) is no reason for caution
once it has been in every ranking that you gave over 90 days: it goes out with the next release.
So give a ranking every month or so.`,
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
			ranking, err := readRanking(file)
			if err != nil {
				return fmt.Errorf("couldn't read %s: %w", args[0], err)
			}
			pages, refused := ranking.pages, ranking.refused
			before := &popularNames{path: d.popular()}
			if err := before.read(); err != nil {
				return err
			}
			if before.names != nil {
				ranking.entries = slices.AppendSeq(ranking.entries, before.names.All())
			}
			body, err := ranking.set()
			if err != nil {
				return fmt.Errorf("couldn't keep them: %w", err)
			}
			var known, waiting int
			err = d.act(cmd.Context(), audit.Act{Verb: audit.NamePopular, Object: fileNamed(args[0]), Args: audit.Args{Count: pages}}, func() error {
				if err := blob.WritePlain(d.popular(), body); err != nil {
					return err
				}
				known, waiting, err = d.keepKnown(ranking.hosts, time.Now())
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s, %s not understood\n", counted(pages, "popular page", "popular pages"), counted(refused, "line", "lines"))
			if known+waiting > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s of them with a name like somebody else's will be excused; %d must be in the rankings of 90 days first\n", counted(known, "host", "hosts"), waiting)
			}
			return nil
		},
	}
}

// fewer says that fewer popular pages are named than at the releases before, and what to do; or it is empty.
func (d *dir) fewer(ctx context.Context, desk *triage.Desk) (string, error) {
	impact, err := d.impact()
	if err != nil {
		return "", err
	}
	f, err := desk.Fewer(ctx, impact)
	if err != nil || f == (triage.Fewer{}) {
		return "", err
	}
	return fmt.Sprintf("popular.set names %d popular pages, and there were %d at a release before, so that less takes two people: put it back from a backup; "+
		"until then a release goes out when two people confirm it", f.Are, f.Was), nil
}

// maxRanked bounds the pages of a ranking.
const maxRanked = 10_000_000

// ranking is a list of what many people visit.
type ranking struct {
	entries        []set.Entry // of all that a list is asked for because of its pages
	hosts          []string    // without "www.", in their order
	pages, refused int
}

// readRanking reads one page a line. A line of more than 64 kB, and more than maxRanked pages, refuse the whole of it.
func readRanking(r io.Reader) (all ranking, err error) {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
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
			all.refused++
			continue
		}
		if all.pages++; all.pages > maxRanked {
			return ranking{}, fmt.Errorf("line %d: at most %d pages are kept: leave out the less popular ones", n, maxRanked)
		}
		if host, err := subject.Host(href); err == nil {
			all.hosts = append(all.hosts, strings.TrimPrefix(host, "www."))
		}
		for i := range named.Asked() {
			all.entries = append(all.entries, set.Entry{Prefix: set.Prefix(named.Subject(i).Digest())})
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return ranking{}, errors.New("a line has more than 64 kB: is it a list with one host a line?")
	}
	return all, lines.Err()
}

// errManyNames is more than is read again.
var errManyNames = fmt.Errorf("with those that were named before they take more than %d MB: leave out the less popular ones", release.MaxSet>>20)

// set is what is kept of it.
func (all ranking) set() ([]byte, error) {
	slices.SortFunc(all.entries, func(a, b set.Entry) int { return cmp.Compare(a.Prefix, b.Prefix) })
	body, err := set.Build(slices.Compact(all.entries), nil)
	if err == nil && len(body) > release.MaxSet {
		err = errManyNames
	}
	return body, err
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

// now reads them again where the file is another than before. One that can't be read, or is gone, leaves those that
// were read last.
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
		return nil
	case err != nil:
		return err
	case p.file != nil && os.SameFile(file, p.file) && file.ModTime().Equal(p.file.ModTime()):
		return nil
	}
	body, err := blob.ReadPlain(p.path, release.MaxSet)
	if err != nil {
		return err
	}
	names, err := set.Open(body)
	if err != nil {
		return fmt.Errorf("%s: %w: put it back from a backup", p.path, err)
	}
	p.names, p.file = &names, file
	return nil
}
