package publish

import (
	"strings"
	"testing"

	"khien/shared/category"
	"khien/shared/guide"
	"khien/shared/official"
	"khien/shared/subject"
)

// What Khiên comes with is complete in every language, and says where each number is from.
func TestTheHelpThatKhienComesWith(t *testing.T) {
	help, err := ownHelp()
	if err != nil {
		t.Fatal(err)
	}
	everywhere := func(what string, texts []guide.Text) {
		t.Helper()
		for _, lang := range category.Languages {
			if guide.In(texts, lang) == "" || len(texts) != len(category.Languages) {
				t.Errorf("%s is not in every language: %v", what, texts)
			}
		}
	}
	seen := map[string]bool{}
	for _, h := range help {
		if seen[h.Country] {
			t.Errorf("%q stands there twice", h.Country)
		}
		seen[h.Country] = true
		for _, s := range h.Steps {
			everywhere("a step for "+h.Country, s.Text)
		}
		for _, l := range h.Hotlines {
			everywhere(l.Value, l.Name)
			everywhere(l.Value, l.What)
			if !strings.HasPrefix(l.Source, "https://") || h.Checked == "" {
				t.Errorf("%s: %s comes from nowhere", h.Country, l.Value)
			}
		}
		if h.Country != "" && len(h.Hotlines) == 0 {
			t.Errorf("%s has no hotline", h.Country)
		}
	}
	for _, country := range []string{"", "VN", "PL", "US", "GB", "SG", "AU", "TH", "TW"} {
		if !seen[country] {
			t.Errorf("there is nothing for %q", country)
		}
	}
	for _, c := range guide.Cases {
		n := 0
		for _, s := range help[0].Steps {
			if s.Case == c {
				n++
			}
		}
		if help[0].Country != "" || n < 3 {
			t.Errorf("%d steps in the case %s", n, c)
		}
	}
	body, err := guide.Encode(OwnBook(), guide.Told{Help: help})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the guide without cards has %d bytes", len(body))
}

func TestTheBookThatKhienComesWith(t *testing.T) {
	book, err := official.Read(strings.NewReader(OwnBook()))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for account := range book.Accounts() {
		n++
		if s, err := subject.Parse(account); err != nil || !s.IsProfile() {
			t.Errorf("%s is no account from which anybody speaks", account)
		}
	}
	if n < 5 || book.Len() < 80 {
		t.Errorf("%d accounts of %d", n, book.Len())
	}
}
