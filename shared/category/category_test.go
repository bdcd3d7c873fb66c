package category

import (
	"strings"
	"testing"
)

func TestPublishedCodesNeverChange(t *testing.T) {
	const published = "other phishing impersonation investment job shop loan gambling prize romance recovery malware support gaming charity travel " +
		"deepfake sim receipt emergency talent sms hijacked authority identity transfer otp hoax unlock lottery"
	var slugs []string
	for _, c := range All() {
		slugs = append(slugs, c.Slug())
	}
	if got := strings.Join(slugs, " "); !strings.HasPrefix(got, published) {
		t.Errorf("codes in order are\n%s\nbut releases in the field say\n%s", got, published)
	}
	if len(slugs) > Limit {
		t.Errorf("%d categories do not fit %d classes", len(slugs), Limit)
	}
}

func TestEveryCategorySpeaksEveryLanguage(t *testing.T) {
	for _, c := range All() {
		seen := map[string]string{}
		for _, lang := range Languages {
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

func TestParse(t *testing.T) {
	for _, c := range All() {
		if got, ok := Parse(c.Slug()); !ok || got != c {
			t.Errorf("Parse(%q) = %v, %v", c.Slug(), got, ok)
		}
	}
	for _, slug := range []string{"", "Phishing", "phishing ", "nothing"} {
		if got, ok := Parse(slug); ok {
			t.Errorf("Parse(%q) = %v, want none", slug, got)
		}
	}
}

func TestCodeFromANewerRelease(t *testing.T) {
	if got := Category(63).Slug(); got != "other" {
		t.Errorf("an unknown code reads %q, want other", got)
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
		for _, lang := range Languages {
			if other, ok := seen[f.Name(lang)]; ok || f.Name(lang) == "" {
				t.Errorf("form %d is called %q in %s, as form %d is", f.Number, f.Name(lang), lang, other)
			}
			seen[f.Name(lang)] = f.Number
		}
	}
}
