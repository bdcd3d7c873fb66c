package words

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"khien/shared/texts"
)

// parts are the files of package texts that are lines of texts.
var parts = []string{"console.*.txt", "public.txt", "welcome.txt", "letter.words.txt", "audit.txt", "reasons.txt", "category.txt", "help.txt", "cards.txt", "subject.txt", "language.txt"}

var (
	form  = regexp.MustCompile(`\[(?:1|zero|one|two|few|many)\]$`)
	place = regexp.MustCompile(`%(?:\[\d\])?[sd]`)
)

// Who has a file of a part has all of it: each text, with the same places, and none that nobody says.
func TestEachLanguageSaysAllOfAPart(t *testing.T) {
	for _, part := range parts {
		w := Read(part)
		if len(w.Languages) < 2 || w.Languages[0] != texts.Fallback {
			t.Errorf("%s is in %v", part, w.Languages)
		}
		want := w.Keys(texts.Fallback)
		for _, lang := range w.Languages {
			has := w.Keys(lang)
			for key, text := range want {
				if form.MatchString(key) {
					continue
				}
				if has[key] == "" {
					t.Errorf("%s: %s does not say %s", part, lang, key)
				} else if !slices.Equal(place.FindAllString(text, -1), place.FindAllString(has[key], -1)) {
					t.Errorf("%s: %s has other places in %s", part, lang, key)
				}
			}
			for key := range has {
				if want[form.ReplaceAllString(key, "")] == "" {
					t.Errorf("%s: %s says %s, which is not in %s", part, lang, key, texts.Fallback)
				}
			}
		}
	}
}

// What is said about a number is right for every number: each language has each form that CLDR asks of it.
func TestEachCountHasTheFormsOfItsLanguage(t *testing.T) {
	for _, part := range append(parts, "api.txt") {
		w := Read(part)
		counted := map[string]bool{}
		for _, lang := range w.Languages {
			for key := range w.Keys(lang) {
				if form.MatchString(key) {
					counted[form.ReplaceAllString(key, "")] = true
				}
			}
		}
		for _, lang := range w.Languages {
			for key := range counted {
				if part == "api.txt" && !hasForms(w, lang, key) { // its sentence is one that is right for every number, or it is said of one alone
					continue
				}
				for n := range 200 {
					if w.Form(lang, key, n) == key && FormOf(lang, n) != "other" {
						t.Errorf("%s: %s has no form of %s for %d (%s)", part, lang, key, n, FormOf(lang, n))
						break
					}
				}
			}
		}
	}
}

func hasForms(w *Words, lang, key string) bool {
	for one := range w.Keys(lang) {
		if one != key && form.ReplaceAllString(one, "") == key {
			return true
		}
	}
	return false
}

func TestCountsAreSaidAsEachLanguageDoes(t *testing.T) {
	lines := map[string]map[string]string{
		"en": {"cases": "%s cases", "cases[one]": "%s case", "ago": "%s days ago", "ago[1]": "yesterday"},
		"vi": {"cases": "%s vụ", "ago": "%s ngày trước", "ago[1]": "hôm qua"},
		"pl": {"cases": "%s sprawy", "cases[one]": "%s sprawa", "cases[few]": "%s sprawy", "cases[many]": "%s spraw", "ago": "%s dnia temu", "ago[1]": "wczoraj", "ago[few]": "%s dni temu", "ago[many]": "%s dni temu"},
	}
	w := Of([]string{"en", "vi", "pl"}, func(lang string) map[string]string { return lines[lang] })
	f := func(lang, key, want string) {
		t.Helper()
		var said []string
		for _, n := range []int{0, 1, 2, 5, 12, 22, 112, 1234567} {
			said = append(said, w.Count(lang, key, n))
		}
		if got := strings.ReplaceAll(strings.Join(said, "; "), "\u00a0", " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f("en", "cases", "0 cases; 1 case; 2 cases; 5 cases; 12 cases; 22 cases; 112 cases; 1,234,567 cases")
	f("vi", "cases", "0 vụ; 1 vụ; 2 vụ; 5 vụ; 12 vụ; 22 vụ; 112 vụ; 1.234.567 vụ")
	f("pl", "cases", "0 spraw; 1 sprawa; 2 sprawy; 5 spraw; 12 spraw; 22 sprawy; 112 spraw; 1 234 567 spraw")
	f("en", "ago", "0 days ago; yesterday; 2 days ago; 5 days ago; 12 days ago; 22 days ago; 112 days ago; 1,234,567 days ago")
	f("pl", "ago", "0 dni temu; wczoraj; 2 dni temu; 5 dni temu; 12 dni temu; 22 dni temu; 112 dni temu; 1 234 567 dni temu")
}

func TestNumbersAndDays(t *testing.T) {
	f := func(lang, want string) {
		t.Helper()
		got := strings.Join([]string{Digits(lang, 999), Digits(lang, 1234567), Digits(lang, -4321), Decimal(lang, 2.5), Day(lang, 1763900000), Moment(lang, 1763900000)}, " | ")
		if got = strings.ReplaceAll(got, "\u00a0", " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f("en", "999 | 1,234,567 | -4,321 | 2.5 | 23 Nov 2025 | 23 Nov 2025 19:13")
	f("vi", "999 | 1.234.567 | -4.321 | 2,5 | 23/11/2025 | 23/11/2025 19:13")
}

// Whatever a browser asks for: a reader gets the language that comes nearest, and always one that there is.
func TestAReaderGetsTheNearestLanguage(t *testing.T) {
	w := Of([]string{"en", "vi", "pl"}, func(string) map[string]string { return nil })
	f := func(chosen, preferred, want string) {
		t.Helper()
		if got := w.Reader(chosen, preferred); got != want {
			t.Errorf("%q and %q get %s, want %s", chosen, preferred, got, want)
		}
	}
	f("", "", "en")
	f("vi", "pl", "vi")
	f("", "pl-PL,pl;q=0.9,en;q=0.8", "pl")
	f("vi-VN", "en", "vi")
	f("", "de, vi;q=0.5", "vi")
	f("xx", "pl", "pl")
	f("<script>", "vi", "vi")
	f(strings.Repeat("a-", 1000), strings.Repeat(",;q=", 300), "en")
}

func ExampleWords_Count() {
	w := Read("console.*.txt")
	fmt.Println(w.Count("en", "case.reports", 1), w.Count("en", "case.reports", 1000), w.Count("vi", "case.reports", 1000))
	// Output: 1 report 1,000 reports 1.000 báo cáo
}
