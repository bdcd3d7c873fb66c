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
