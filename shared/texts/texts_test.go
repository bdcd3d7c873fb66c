package texts_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"khien/shared/category"
	"khien/shared/texts"
)

// A language is a folder. What cannot be read from the folders, since the core holds no files, is compared with them.
func TestTheLanguagesAreTheFolders(t *testing.T) {
	folders, err := filepath.Glob("*/language.txt")
	if err != nil || len(folders) != len(texts.All()) || texts.All()[0] != texts.Fallback {
		t.Fatalf("%v has not all of %v: %v", texts.All(), folders, err)
	}
	if !slices.Equal(category.Languages, texts.All()) {
		t.Errorf("the kinds of scam are told in %v, and there are folders of %v", category.Languages, texts.All())
	}
	for _, lang := range texts.All() {
		for _, path := range []string{"../../extension/_locales/" + lang + "/messages.json", "../../docs/store/" + lang + ".md"} {
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s is missing a file: %v", lang, err)
			}
		}
		if texts.Name(lang) == "" || texts.Day(lang) == "" {
			t.Errorf("%s does not say what it is called, or how it writes a day", lang)
		}
	}
}

// A text that nobody has written, and one in which nothing can be seen, hide none that there is.
func TestATextIsFoundInAnotherLanguage(t *testing.T) {
	f := func(lang, want string, byLang map[string]string) {
		t.Helper()
		if got := texts.In(byLang, lang); got != want {
			t.Errorf("%s of %q is %q, want %q", lang, byLang, got, want)
		}
	}
	f("vi", "một", map[string]string{"en": "one", "vi": "một"})
	f("pl", "one", map[string]string{"en": "one", "vi": "một"})
	f("pl", "một", map[string]string{"vi": "một"})
	f("pl", "hana", map[string]string{"ko": "hana"})
	f("vi", "one", map[string]string{"en": "one", "vi": " \u200b\n"})
	f("vi", "", map[string]string{"vi": "\u202e"})
	f("vi", "", nil)
}
