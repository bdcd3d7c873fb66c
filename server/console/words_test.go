package console

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var key = regexp.MustCompile(`"([a-z]+(?:\.[a-z0-9]+)*)"`)

// Every message is in both languages, with the same places for values, and is used somewhere; every message that is
// used is there.
func TestEveryMessageExistsInBothLanguages(t *testing.T) {
	places := regexp.MustCompile(`%[sd]`)
	for key, text := range messages["en"] {
		other, ok := messages["vi"][key]
		if !ok {
			if strings.HasSuffix(key, ".1") {
				continue // Vietnamese has one form for all numbers
			}
			t.Errorf("%s is not in Vietnamese", key)
			continue
		}
		if strings.Join(places.FindAllString(text, -1), "") != strings.Join(places.FindAllString(other, -1), "") {
			t.Errorf("%s has other places in Vietnamese", key)
		}
	}
	for key := range messages["vi"] {
		if _, ok := messages["en"][key]; !ok {
			t.Errorf("%s is in Vietnamese only", key)
		}
	}
	var source strings.Builder
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".html")) {
			text, err := os.ReadFile(path)
			for line := range strings.Lines(string(text)) {
				if !strings.HasPrefix(strings.TrimSpace(line), "//") {
					source.WriteString(line)
				}
			}
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range key.FindAllStringSubmatch(source.String(), -1) {
		used[m[1]] = true
	}
	for _, call := range regexp.MustCompile(`\b(?:t|n) "([a-z.0-9]+)"|say\(v?\.?lang, "([a-z.0-9]+)"|wrong\("([a-z.0-9]+)"|back\([^,]+, "([a-z.0-9]+)"`).FindAllStringSubmatch(source.String(), -1) {
		for _, name := range call[1:] {
			if name != "" && !strings.HasSuffix(name, ".") && messages["en"][name] == "" {
				t.Errorf("%s is used and not there", name)
			}
		}
	}
	// Those whose last part is a value: print "role." .Role, or "queue." + part.
	for _, m := range regexp.MustCompile(`"([a-z]+\.)"`).FindAllStringSubmatch(source.String(), -1) {
		for key := range messages["en"] {
			if strings.HasPrefix(key, m[1]) {
				used[key] = true
			}
		}
	}
	for key := range messages["en"] {
		if !used[strings.TrimSuffix(key, ".1")] {
			t.Errorf("%s is not used", key)
		}
	}
}

func TestWordsOfNumbersAndTimes(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(digits("en", 1234567), "1,234,567")
	f(digits("vi", 1234567), "1.234.567")
	f(digits("en", 999), "999")
	f(count("en", "case.reports", 1), "1 report")
	f(count("en", "case.reports", 1000), "1,000 reports")
	f(count("vi", "case.reports", 1), "1 báo cáo")
	f(moment("vi", 1763900000), "23/11/2025 19:13")
	f(day("en", 1763900000), "23 Nov 2025")
	f(ago("en", time.Now().Unix()-7200), "2 hours ago")
	f(defang("https://www.scam.example/a.b?c=d.e"), "hxxps://www[.]scam[.]example/a.b?c=d.e")
	f(defang("scam.example/"), "scam[.]example/")
	f(defang("javascript:alert(1)"), "javascript[:]alert(1)")
	f(defang("tel:+84900000001"), "tel[:]+84900000001")
}
