//go:build !wasip1

package category

import (
	"strings"
	"testing"

	"khien/shared/texts"
)

func TestEveryCategorySpeaksEveryLanguage(t *testing.T) {
	for _, c := range All() {
		seen := map[string]string{}
		for _, lang := range texts.All() {
			name, how := c.Name(lang), c.How(lang)
			if name == "" || !strings.HasSuffix(how, ".") {
				t.Errorf("%s has no full text in %s: %q, %q", c.Slug(), lang, name, how)
			}
			if n := len(strings.Split(how, ". ")); n != 2 {
				t.Errorf("%s tells how it works in %d sentences of %s, want two: %q", c.Slug(), n, lang, how)
			}
			if !strings.HasSuffix(c.Advice(lang), ".") {
				t.Errorf("%s has no advice in %s", c.Slug(), lang)
			}
			if other, ok := seen[name]; ok {
				t.Errorf("%s reads %q in %s and in %s", c.Slug(), name, lang, other)
			}
			seen[name] = lang
		}
	}
}

func TestTheTwentyFourForms(t *testing.T) {
	if len(Forms()) != 24 {
		t.Fatalf("%d forms", len(Forms()))
	}
	seen := map[string]int{}
	for i, f := range Forms() {
		if f.Number != i+1 {
			t.Errorf("form %d stands at place %d", f.Number, i+1)
		}
		if f.Category == Other {
			t.Errorf("form %d has no category", f.Number)
		}
		for _, lang := range texts.All() {
			if other, ok := seen[f.Name(lang)]; ok || f.Name(lang) == "" {
				t.Errorf("form %d is called %q in %s, as form %d is", f.Number, f.Name(lang), lang, other)
			}
			seen[f.Name(lang)] = f.Number
		}
	}
}
