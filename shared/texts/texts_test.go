package texts_test

import (
	"os"
	"path/filepath"
	"testing"

	"khien/shared/texts"
)

// A language is a folder, and nothing else says which there are.
func TestTheLanguagesAreTheFolders(t *testing.T) {
	folders, err := filepath.Glob("*/language.txt")
	if err != nil || len(folders) != len(texts.All()) || texts.All()[0] != texts.Fallback {
		t.Fatalf("%v has not all of %v: %v", texts.All(), folders, err)
	}
	for _, lang := range texts.All() {
		if texts.Name(lang) == "" || texts.Day(lang) == "" {
			t.Errorf("%s does not say what it is called, or how it writes a day", lang)
		}
	}
}

// A file that a language does not have is told, so that nobody looks for it in vain; what it has of one, package words
// asks for in full.
func TestFilesThatAreReadInEnglish(t *testing.T) {
	files, err := filepath.Glob(texts.Fallback + "/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", texts.Fallback, err)
	}
	for _, lang := range texts.All() {
		for _, file := range files {
			if _, err := os.Stat(filepath.Join(lang, filepath.Base(file))); err != nil {
				t.Logf("%s has no %s: it is not offered there, or read in English", lang, filepath.Base(file))
			}
		}
		theirs, _ := filepath.Glob(lang + "/*") // the error is of the pattern
		for _, file := range theirs {
			if _, err := os.Stat(filepath.Join(texts.Fallback, filepath.Base(file))); err != nil {
				t.Errorf("%s is of no file in %s: nobody reads it", file, texts.Fallback)
			}
		}
	}
}

// What a language has not, English has; and what nobody has, nobody says.
func TestWhatIsMissingIsReadInEnglish(t *testing.T) {
	f := func(lang, name, key, want string) {
		t.Helper()
		if got := texts.Say(lang, name, key); got != want {
			t.Errorf("%s of %s in %s is %q, want %q", key, name, lang, got, want)
		}
	}
	f("pl", "welcome.txt", "landing.rules", "Rules")
	f("pl", "category.txt", "shop", "Fałszywy sklep")
	f("xx", "category.txt", "shop", "Fake shop")
	f("../en", "category.txt", "shop", "Fake shop")
	f("vi", "category.txt", "nothing", "")
	if got := texts.Every("welcome.txt", "landing.rules"); len(got) != 2 || got["vi"] == "" {
		t.Errorf("the rules are called %v", got)
	}
	if texts.File("pl", "rules.html") != texts.File("en", "rules.html") {
		t.Error("a page that is not in Polish is not read in English")
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
