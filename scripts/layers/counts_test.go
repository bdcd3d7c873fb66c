package layers

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"khien/server/platform"
	"khien/server/publish"
	"khien/shared/category"
	"khien/shared/official"
)

// What the pages say how many there are, there are. A place that says so is written here, with "N" for the number.
func TestDocumentsCountRight(t *testing.T) {
	book, _ := publish.Book("")
	names, err := official.Read(strings.NewReader(book))
	if err != nil {
		t.Fatal(err)
	}
	networks, platforms := 0, 0
	for _, p := range platform.All() {
		networks += len(p.Networks)
	}
	pages := documents(t)
	for _, section := range strings.Split(pages[filepath.Join(root, "docs/subjects.md")], "\n### ") {
		if strings.Contains(section, "\n| canonical |") { // else it only leads to others
			platforms++
		}
	}
	withAccounts := 0
	for _, line := range entries(t, "server/publish/supplement/official.txt") {
		if fields := strings.Split(line, "|"); len(fields) > 2 && strings.TrimSpace(fields[2]) != "" {
			withAccounts++
		}
	}
	var help struct{ Help []struct{ Country string } }
	if err := json.Unmarshal([]byte(text(t, filepath.Join(root, "server/publish/supplement/help.json"))), &help); err != nil {
		t.Fatal(err)
	}
	countries := len(help.Help) - 1 // and everywhere
	known := len(entries(t, "server/publish/supplement/known.txt"))
	banks := len(regexp.MustCompile(`(?m)^(?:const bankTable = .)?\d{6} `).FindAllString(text(t, filepath.Join(root, "shared/subject/banks.go")), -1))
	accounts := len(regexp.MustCompile(` [A-Z]{2}\d`).FindAllString(text(t, filepath.Join(root, "shared/subject/iban.go")), -1))

	for _, said := range []struct {
		page, text string
		n          int
	}{
		{"README.md", "In feeds and chats of N networks", networks},
		{"README.md", "covers and marks appear on N (", networks},
		{"README.md", "Accounts are known on [N platforms]", platforms},
		{"README.md", "the real one: N of the", withAccounts},
		{"README.md", "of the N names in the book", names.Len()},
		{"README.md", "maps the N forms of online scams", len(category.Forms())},
		{"README.md", "the names of N banks and wallets of Vietnam", banks},
		{"RATIONALE.md", "came the rules of N platforms", platforms},
		{"docs/categories.md", "The N forms of online scams", len(category.Forms())},
		{"docs/subjects.md", "of the N countries of SWIFT's registry", accounts},
		{"docs/supplement.md", "for N countries whom to call", countries},
		{"docs/official.md", "travels signed with the book: N names", known},
	} {
		page := strings.Join(strings.Fields(pages[filepath.Join(root, said.page)]), " ")
		pattern := strings.Replace(regexp.QuoteMeta(said.text), "N", `(\S+)`, 1)
		found := regexp.MustCompile(pattern).FindStringSubmatch(page)
		if found == nil {
			t.Errorf("%s does not say %q", said.page, said.text)
		} else if found[1] != strconv.Itoa(said.n) && found[1] != words[said.n] {
			t.Errorf("%s: %s; there are %d", said.page, found[0], said.n)
		}
	}
}

var words = map[int]string{6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve"}

// entries are the lines of a list without comments.
func entries(t *testing.T, name string) (lines []string) {
	for line := range strings.Lines(text(t, filepath.Join(root, name))) {
		if line, _, _ = strings.Cut(line, "#"); strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
