package layers

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// widest is how many characters a line of comments or prose may have.
const widest = 120

// A line that is broken at no space, such as an address, a row of a table, a directive or a drawing may be wider.
var (
	comment = regexp.MustCompile(`^\s*(//|\*|/\*\*?|#|--) (\S.*)`)
	drawing = regexp.MustCompile(`^\s*(//|\*|#) ? ?[\t ]|[─└]|^\s*//go:`)
	noProse = regexp.MustCompile(`^\s*([|#<]|!\[|\[[^\]]+\]: |    )`)
)

func TestCommentsAndProseAreNarrow(t *testing.T) {
	for _, name := range sources(t) {
		prose := strings.HasSuffix(name, ".md")
		switch filepath.Ext(name) {
		case ".go", ".ts", ".mjs", ".sh", ".sql", ".rules", ".md":
		default:
			continue
		}
		if written(name) {
			continue
		}
		fenced := false
		for i, line := range strings.Split(text(t, filepath.Join(root, name)), "\n") {
			if prose && strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
			}
			ours := !fenced && !noProse.MatchString(line)
			if !prose {
				ours = comment.MatchString(line) && !drawing.MatchString(line)
			}
			if ours && utf8.RuneCountInString(line) > widest && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s:%d: a line of %d characters", name, i+1, utf8.RuneCountInString(line))
			}
		}
	}
}

// written tells the files that a program of ours has written.
func written(name string) bool {
	return strings.HasSuffix(name, "_gen.go") || strings.HasSuffix(name, "_gen.ts") || name == "docs/subjects.md"
}
