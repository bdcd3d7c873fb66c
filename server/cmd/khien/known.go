package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"khien/server/blob"
	"khien/server/publish"
	"khien/shared/official"
)

// A host of a ranking that resembles somebody in the official book is well known by itself once it has been in every
// ranking that the operator gave over knownAfter: a scam is popular for days or weeks. At most maxKnown of them, the
// first ones of the ranking, go out.
const (
	knownAfter = 90 * 24 * time.Hour
	maxKnown   = 2_000

	maxKnownFile = 2 * maxKnown * 300 // bytes
)

// popularKnown has a line for each such host, with the day on which a ranking had it first.
func (d *dir) popularKnown() string { return filepath.Join(d.path, "popular.known") }

// knownBook is the book of the operator in which those go out that have been there for long enough.
func (d *dir) knownBook() string { return filepath.Join(d.official(), "known-by-ranking.txt") }

// keepKnown takes note of the hosts of a ranking, the most popular first, and returns how many of them go out as well
// known and how many wait.
func (d *dir) keepKnown(hosts []string, now time.Time) (out, waiting int, err error) {
	before, err := blob.ReadPlain(d.popularKnown(), maxKnownFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, err
	}
	since := map[string]time.Time{}
	for line := range strings.Lines(string(before)) {
		host, day, _ := strings.Cut(strings.TrimSpace(line), " ")
		if first, err := time.Parse(time.DateOnly, day); err == nil && !first.After(now) {
			since[host] = first
		}
	}
	text, _ := publish.Book(d.official())
	book, err := official.Read(strings.NewReader(text))
	if err != nil {
		return 0, 0, err
	}
	var kept strings.Builder
	var known []string
	seen := map[string]bool{}
	for _, host := range hosts {
		first, noted := since[host]
		if _, resembles := book.Host(host); !noted && !resembles || seen[host] || len(seen) == 2*maxKnown {
			continue
		}
		if seen[host] = true; !noted {
			first = now
		}
		fmt.Fprintln(&kept, host, first.UTC().Format(time.DateOnly))
		if now.Sub(first) >= knownAfter && len(known) < maxKnown {
			known = append(known, host)
		}
	}
	if err := blob.WritePlain(d.popularKnown(), []byte(kept.String())); err != nil {
		return 0, 0, err
	}
	if len(known) == 0 {
		if err := os.Remove(d.knownBook()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, 0, err
		}
		return 0, len(seen), nil
	}
	if err := os.MkdirAll(d.official(), 0o755); err != nil {
		return 0, 0, err
	}
	return len(known), len(seen) - len(known), d.keepBook(d.knownBook(), []byte(official.MarkLines(official.Known, known)))
}
