package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var places = regexp.MustCompile(`%\w`)

// Each sentence that the code answers with when something goes wrong has a translation with the same places, and there is none for what nobody says.
func TestEachSentenceIsInEachLanguage(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.go", "../httpd/*.go", "../../shared/report/*.go"} {
		some, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, some...)
	}
	said := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(lit.Value); err == nil && sentence.MatchString(text) {
				said[text] = true
			}
			return true
		})
	}
	if len(said) < 45 {
		t.Errorf("only %d sentences are found: this test sees nothing", len(said))
	}
	for _, lang := range Languages[1:] {
		for text := range said {
			translated, ok := sentences[lang][text]
			if !ok {
				t.Errorf("%s has no %q", lang, text)
			}
			if !slices.Equal(places.FindAllString(text, -1), places.FindAllString(translated, -1)) {
				t.Errorf("%s has other places: %q", lang, translated)
			}
		}
		for text := range sentences[lang] {
			if !said[text] {
				t.Errorf("nobody says %q, which %s translates", text, lang)
			}
		}
	}
}

// sentence is a text for people.
var sentence = regexp.MustCompile(`^[A-Z%][^ ]* .*[.]$`)
