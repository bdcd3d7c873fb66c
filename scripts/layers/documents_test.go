package layers

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents are the pages that people read, by their path; subjects.md beside the rules is only a part of one.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	patterns := []string{"*.md", "docs/*.md", "docs/store/*.md", "extension/README.md", "server/publish/ranking/README.md"}
	for _, pattern := range patterns {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no such document (%v)", pattern, err)
		}
		for _, name := range names {
			pages[name] = text(t, name)
		}
	}
	return pages
}

func text(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sources are all files that are written by hand, by their path below the root.
func sources(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		made := strings.HasPrefix(e.Name(), ".") || slices.Contains([]string{"node_modules", "build", "data"}, e.Name())
		if e.IsDir() && path != root && made {
			return fs.SkipDir
		}
		if !e.IsDir() {
			names = append(names, strings.TrimPrefix(filepath.ToSlash(path), root+"/"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var (
	quoted   = regexp.MustCompile("`([^`\n]+)`")
	goTest   = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)\w+$`)
	goTests  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	codeFile = regexp.MustCompile(`^(?:[\w./-]+\.(?:go|ts|mjs)|scripts/[\w-]+\.sh)$`)
	link     = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
)

// What a page names is there under exactly that name: tests, files and the pages that it leads to.
func TestDocumentsNameWhatThereIs(t *testing.T) {
	files := sources(t)
	isFile := func(name string) bool {
		return slices.ContainsFunc(files, func(file string) bool { return strings.HasSuffix("/"+file, "/"+name) })
	}
	tests := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			for _, m := range goTests.FindAllStringSubmatch(text(t, filepath.Join(root, file)), -1) {
				tests[m[1]] = true
			}
		}
	}
	named := 0
	for page, words := range documents(t) {
		for _, m := range quoted.FindAllStringSubmatch(words, -1) {
			switch name := m[1]; {
			case goTest.MatchString(name):
				if named++; !tests[name] {
					t.Errorf("%s names %s, and there is no such test", page, name)
				}
			case codeFile.MatchString(name), strings.HasSuffix(name, ".txt") && strings.HasSuffix(page, "SECURITY.md"):
				if named++; !isFile(name) {
					t.Errorf("%s names %s, and there is no such file", page, name)
				}
			}
		}
		for _, m := range link.FindAllStringSubmatch(words, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s leads to %s: %v", page, m[1], err)
			}
		}
	}
	if named < 200 {
		t.Errorf("only %d names were found: this test sees nothing", named)
	}
}

// Each row of SECURITY.md names its tests in the last cell, and of the stories of the extension words of their names.
func TestEachThreatHasItsTest(t *testing.T) {
	story := regexp.MustCompile(`[\w-]+\.test\.mjs`)
	words := regexp.MustCompile(`"([^"]+)"`)
	rows := 0
	for line := range strings.Lines(text(t, root+"/SECURITY.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| threat") {
			continue
		}
		rows++
		held := cells[len(cells)-1]
		if len(cells) != 3 || !quoted.MatchString(held) {
			t.Errorf("this row has no test: %s", line)
			continue
		}
		stories := ""
		for _, name := range story.FindAllString(held, -1) {
			stories += text(t, root+"/extension/test/"+name)
		}
		for _, m := range words.FindAllStringSubmatch(held, -1) {
			if !strings.Contains(stories, m[1]) {
				t.Errorf("no story that is named with it has the words %q: %s", m[1], held)
			}
		}
	}
	if rows < 60 {
		t.Errorf("only %d rows were found: this test sees nothing", rows)
	}
}

// The map in ARCHITECTURE.md has every package, and the tables in extension/README.md every file of the extension, in
// its room.
func TestTheMapsAreWhole(t *testing.T) {
	_, drawn, _ := strings.Cut(text(t, root+"/ARCHITECTURE.md"), "```\n")
	drawn, _, _ = strings.Cut(drawn, "```\n")
	at, onMap := "", map[string]bool{}
	folder := regexp.MustCompile(`^(  )?(\w[\w/]*)/\s`)
	for line := range strings.Lines(drawn) {
		if m := folder.FindStringSubmatch(line); m != nil {
			name := m[2]
			if m[1] == "" {
				at = name
			} else {
				name = at + "/" + name
			}
			onMap[name] = true
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("ARCHITECTURE.md has %s: %v", name, err)
			}
		}
	}
	_, scripts, _ := strings.Cut(drawn, "\nscripts/")
	for _, p := range house(t) {
		name := strings.TrimPrefix(p.ImportPath, "khien/")
		tool, isTool := strings.CutPrefix(p.ImportPath, toolRooms)
		if isTool && !strings.Contains(scripts, " "+tool+"/ ") || !isTool && !onMap[name] {
			t.Errorf("ARCHITECTURE.md has no %s", name)
		}
	}
	table := text(t, root+"/extension/README.md")
	for _, file := range sources(t) {
		room, name, ours := strings.Cut(strings.TrimPrefix(file, "extension/src/"), "/")
		one := ours && strings.HasPrefix(file, "extension/src/") && !strings.HasSuffix(name, ".d.ts")
		_, table, _ := strings.Cut(table, "\n### `src/"+room+"`")
		table, _, _ = strings.Cut(table, "\n### ")
		if folder, _, inside := strings.Cut(name, "/"); inside {
			name = folder + "/" // its files are alike
		}
		if one && !strings.Contains(table, "`"+name+"`") {
			t.Errorf("extension/README.md has no %s in the table of %s", name, room)
		}
	}
}
