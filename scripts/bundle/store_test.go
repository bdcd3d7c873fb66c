package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"khien/server/platform"
	"khien/shared/texts"
)

// What the stores are told fits their fields and is what the extension says of itself.
func TestStoreTexts(t *testing.T) {
	told, err := house.storeTexts()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range texts.All() {
		text := string(told["store-"+lang+".md"])
		if text == "" {
			t.Logf("the stores are told nothing in %s yet", lang)
			continue
		}
		var words map[string]message
		if err := json.Unmarshal([]byte(read(t, "../../shared/texts/"+lang+"/extension.json")), &words); err != nil {
			t.Fatal(err)
		}
		if got := section(text, "Name"); got != words["name"].Message {
			t.Errorf("%s: the name is %q, in the manifest %q", lang, got, words["name"].Message)
		}
		short := section(text, "Short")
		if short != words["description"].Message {
			t.Errorf("%s: the short description is %q, in the manifest %q", lang, short, words["description"].Message)
		}
		if n := utf8.RuneCountInString(short); n > 132 { // the Chrome Web Store; AMO has 250
			t.Errorf("%s: the short description has %d characters of 132", lang, n)
		}
		for _, p := range platform.All() {
			for _, network := range p.Networks {
				if !strings.Contains(section(text, "Long"), network.Name) {
					t.Errorf("%s: the long description does not name %s", lang, network.Name)
				}
			}
		}
		if n := utf8.RuneCountInString(section(text, "Long")); n < 500 || n > 15000 { // AMO; the Chrome Web Store has 16,000
			t.Errorf("%s: the long description has %d characters", lang, n)
		}
		if n := strings.Count(section(text, "Captions"), "\n") + 1; n != 5 {
			t.Errorf("%s: %d captions for 5 pictures", lang, n)
		}
	}
}

// A reviewer asks about every permission, in a field of a thousand characters.
func TestEveryPermissionHasItsReason(t *testing.T) {
	reasons := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (.+) \\|$").FindAllStringSubmatch(read(t, "../../docs/store/permissions.md"), -1) {
		reasons[m[1]] = m[2]
	}
	asked := map[string]bool{}
	for _, browser := range browsers {
		text, err := house.manifest(browser, "https://khien.example")
		if err != nil {
			t.Fatal(err)
		}
		var m struct{ Permissions []string }
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		for _, permission := range m.Permissions {
			asked[permission] = true
		}
	}
	for permission := range asked {
		if n := utf8.RuneCountInString(reasons[permission]); n == 0 || n > 1000 {
			t.Errorf("docs/store/permissions.md has a reason of %d characters for %s", n, permission)
		}
	}
	for permission := range reasons {
		if !asked[permission] {
			t.Errorf("docs/store/permissions.md gives a reason for %s, which nobody asks for", permission)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is what stands below a heading.
func section(text, heading string) string {
	_, text, _ = strings.Cut(text, "\n## "+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return strings.TrimSpace(text)
}
