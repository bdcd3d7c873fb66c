package public

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"khien/server/export"
	"khien/server/words"
)

const exportsPart = "exports/"

// cacheExports is short: whoever reads of a file can take it still, since the files of the release before stay.
const cacheExports = "public, max-age=60"

// exports is what a page says of the files that others take.
type exports struct {
	Number   int // of the release
	Issued   int64
	Shown    []exported
	Withheld []string
}

// exported is one of these files.
type exported struct {
	Name string
	For  string // key of a message
	Size string
	Left []string
}

// Exports says which files others can take, what each leaves out and why, and what is in none of them.
func (s *Site) Exports(ctx context.Context, lang string) Page {
	i, err := s.Files.Index(ctx)
	if errors.Is(err, export.ErrNone) {
		return s.Problem(503, lang, exportsPart, "exports.none")
	}
	if err != nil {
		return s.fault(lang, exportsPart, err)
	}
	page := exports{Number: int(i.Release), Issued: i.Issued, Withheld: leftOut(lang, i.Withheld)}
	for _, f := range i.Files {
		base, _, _ := strings.Cut(f.Name, ".")
		base, _, _ = strings.Cut(base, "-") // stix-2.json is a part of stix.json
		page.Shown = append(page.Shown, exported{f.Name, "exports.for." + base, size(lang, f.Size), leftOut(lang, f.Left)})
	}
	return s.write(200, cacheExports, lang, exportsPart, "exports", page)
}

// leftOut says what is left out, and why, a sentence each.
func leftOut(lang string, left export.Left) (all []string) {
	for _, why := range slices.Sorted(maps.Keys(left)) {
		all = append(all, said.Count(lang, "left."+string(why), left[why]))
	}
	return all
}

func size(lang string, bytes int64) string {
	switch {
	case bytes < 1000:
		return words.Digits(lang, int(bytes)) + " B"
	case bytes < 1_000_000:
		return words.Decimal(lang, float64(bytes)/1e3) + " kB"
	}
	return words.Decimal(lang, float64(bytes)/1e6) + " MB"
}
