package layers

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"khien/shared/texts"
)

// speaks are the files that may name a language, and why; a language that is added needs none of them.
var speaks = map[string]string{
	"extension/screens/store.mjs":      "what invented people write in the pictures for the stores",
	"extension/src/worker/place.ts":    "the country of a language that has no region",
	"scripts/layers/languages_test.go": "has lists to be found",
	"scripts/load/flood.go":            "reports as a browser in Vietnam sends them",
	"scripts/load/main.go":             "reports as a browser in Vietnam sends them",
	"scripts/load/overload.go":         "reports as a browser in Vietnam sends them",
	"server/cmd/khien/campaign.go":     "the help shows a card in two languages",
	"server/cmd/khien/demo.go":         "what the invented people of the demo wrote",
	"server/publish/permit.go":         "the endings of hosts, by country",
	"server/words/words_test.go":       "lines of its own, in languages with one, two and four plural forms",
	"shared/subject/reading.go":        "how numbers are written in Poland",
}

// tells finds a language that is named in code, and in tests a list of them; which languages there are it takes from
// their folders.
func tells(languages []string) func(file, text string) []string {
	others := strings.Join(languages[1:], "|")
	any := strings.Join(languages, "|")
	quote := "[\"'`]"
	named := regexp.MustCompile(quote + "(?:" + others + ")" + quote + `|(?:^|[{,])\s*(?:` + others + `):\s|\.(?:` + strings.ToUpper(others) + `)\b`)
	list := regexp.MustCompile(`[\[{]\s*` + quote + "(?:" + any + ")" + quote + `\s*,\s*` + quote + "(?:" + any + ")" + quote +
		`|\b(?:` + any + `)(?: ?[|/] ?|, )(?:` + others + `)\b`)
	comment := regexp.MustCompile(`(^|\s)(//|/?\*).*`)
	return func(file, text string) (found []string) {
		wrong := named
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "extension/test/") {
			wrong = list
		}
		for line := range strings.Lines(text) {
			if wrong.MatchString(comment.ReplaceAllString(line, "")) || list.MatchString(line) {
				found = append(found, strings.TrimSpace(line))
			}
		}
		return found
	}
}

// A language is a folder of texts: no source names one, or lists those that there are.
func TestNoSourceListsTheLanguages(t *testing.T) {
	find := tells(texts.All())
	seen := 0
	for _, file := range sources(t) {
		isCode := slices.Contains([]string{".go", ".ts", ".mjs", ".js", ".html", ".css", ".sh", ".sql", ".yml"}, filepath.Ext(file)) || file == "Makefile"
		made := strings.HasSuffix(file, "_gen.go") || strings.HasPrefix(file, "shared/texts/") || strings.Contains(file, "/testdata/") || strings.HasPrefix(file, "extension/test/fixture/pages/")
		if !isCode || made {
			continue
		}
		seen++
		found := find(file, text(t, filepath.Join(root, file)))
		if len(found) > 0 && speaks[file] == "" {
			t.Errorf("%s: take the languages from shared/texts: %s", file, strings.Join(found, "\n\t"))
		}
	}
	if seen < 300 {
		t.Errorf("only %d files were read: this test sees nothing", seen)
	}
	for file := range speaks {
		if len(find(file, text(t, filepath.Join(root, file)))) == 0 {
			t.Errorf("%s names no language any more", file)
		}
	}
}

func TestAListOfLanguagesIsFound(t *testing.T) {
	find := tells([]string{"en", "vi", "pl"})
	f := func(file, line string, want bool) {
		t.Helper()
		if got := len(find(file, line)) > 0; got != want {
			t.Errorf("in %s, %q is found: %v", file, line, got)
		}
	}
	for _, line := range []string{`var Languages = []string{"en", "vi"}`, `for (const lang of ["vi", "en"]) {`, `for _, lang := range [...]string{ "pl","en" } {`, "// a text in en, vi and pl", "//	en|vi|pl TEXT"} {
		f("server/x/x.go", line, true)
		f("server/x/x_test.go", line, true)
	}
	for _, line := range []string{`case "vi":`, `if lang == "pl" {`, "{{if .VI}}đúng{{else}}right{{end}}", `{"en": one, "vi": two}`, "const words = { 'pl': słowa };", "const homes = { vi: \"VN\" };"} {
		f("server/x/x.go", line, true)
		f("extension/src/pages/x.ts", line, true)
		f("extension/test/x.test.mjs", line, false)
	}
	for _, line := range []string{`return texts.All()`, `if lang == "en" {`, `Lang string // such as "vi"`, `f("vi", "pl", "vi")`, "via, pleased and envied", "/v1/vi/x"} {
		f("server/x/x_test.go", line, false)
	}
	f("server/x/x.go", `Lang string // such as "vi"`, false)
}
