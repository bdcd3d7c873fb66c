package category

import (
	"strings"
	"testing"
)

func TestPublishedCodesNeverChange(t *testing.T) {
	const published = "other phishing impersonation investment job shop loan gambling prize romance recovery malware support gaming charity travel"
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
