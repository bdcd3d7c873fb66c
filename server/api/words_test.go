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

var (
	places = regexp.MustCompile(`%\w`)
	form   = regexp.MustCompile(`\[(one|few|many)\]$`)
)

// Each sentence that the code answers with when something goes wrong has a translation with the same places, and there
// is none for what nobody says.
func TestEachSentenceIsInEachLanguage(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.go", "../httpd/*.go", "../../shared/report/*.go"} {
		some, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, some...)
	}
	sentences := map[string]bool{}
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
				sentences[text] = true
			}
			return true
		})
	}
	if len(sentences) < 45 {
		t.Errorf("only %d sentences are found: this test sees nothing", len(sentences))
	}
	for _, lang := range said.Languages[1:] {
		for text := range sentences {
			translated := said.Text(lang, text)
			if translated == "" {
				t.Errorf("%s has no %q", lang, text)
			}
			if !slices.Equal(places.FindAllString(text, -1), places.FindAllString(translated, -1)) {
				t.Errorf("%s has other places: %q", lang, translated)
			}
		}
	}
	for _, lang := range said.Languages {
		for key := range said.Keys(lang) {
			if text := form.ReplaceAllString(key, ""); !sentences[text] {
				t.Errorf("nobody says %q, which %s translates", text, lang)
			}
		}
	}
}

// sentence is a text for people.
var sentence = regexp.MustCompile(`^[A-Z%][^ ]* .*[.]$`)

// A number stands in the form that it has in the reader's language.
func TestWhatIsSaidOfANumberIsRightForIt(t *testing.T) {
	f := func(lang, sentence, want string, args ...any) {
		t.Helper()
		if got := Fail(JSON, 400, "bad", sentence, args...).In(lang); !strings.Contains(string(got.Body), `"`+want+`"`) {
			t.Errorf("%s: %s, want %s", lang, got.Body, want)
		}
	}
	const most, follow = "A question has at most %d bytes.", "%d bytes follow the report."
	f("pl", most, "Pytanie ma najwyżej 5 bajtów.", 5)
	f("pl", most, "Pytanie ma najwyżej 4096 bajtów.", 4096)
	f("pl", most, "Pytanie ma najwyżej 22 bajty.", 22)
	f("pl", "The field %s has at most %d bytes.", "Pole note ma najwyżej 2004 bajty.", "note", 2004)
	f("vi", most, "Một câu hỏi dài nhất 22 byte.", 22)
	f("en", follow, "1 byte follows the report.", 1)
	f("en", follow, "2 bytes follow the report.", 2)
}
