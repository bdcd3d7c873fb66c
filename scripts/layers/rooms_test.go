package layers

import (
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rooms are the folders of the extension, each with those that it may import from beside itself. The worker holds what
// nobody else may have, the content scripts run in pages of others, and they know each other by messages alone.
var rooms = map[string][]string{
	"worker":  {"shared"},
	"content": {"shared"},
	"pages":   {"shared"},
	"shared":  nil,
}

const extension = "extension/src/"

// A type counts as anything else: what two files know of each other they can only be understood with.
var imported = regexp.MustCompile(`(?m)(?:^(?:import|export)\s[^"';]*?|^import\s|\bimport\()"(\.[^"\n]+)"`)

// scripts maps each file of the extension to the files of the extension that it imports.
func scripts(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, file := range sources(t) {
		if name, ours := strings.CutPrefix(file, extension); ours && strings.HasSuffix(name, ".ts") {
			all[name] = nil
		}
	}
	for name := range all {
		for _, m := range imported.FindAllStringSubmatch(text(t, filepath.Join(root, extension+name)), -1) {
			to := path.Join(path.Dir(name), m[1])
			if strings.HasPrefix(to, "../") {
				continue // a style sheet, or the words
			}
			names := []string{to + ".ts", to + "/index.ts", strings.TrimSuffix(to, ".js") + ".ts"}
			i := slices.IndexFunc(names, func(name string) bool { _, ok := all[name]; return ok })
			if i < 0 {
				t.Errorf("%s imports %s, and there is no such file", name, m[1])
				continue
			}
			all[name] = append(all[name], names[i])
		}
	}
	return all
}

func TestRoomsOfTheExtension(t *testing.T) {
	imports := 0
	for name, others := range scripts(t) {
		room, _, _ := strings.Cut(name, "/")
		may, ok := rooms[room]
		if !ok {
			t.Errorf("%s%s lies in no room: give it a place", extension, name)
		}
		for _, other := range others {
			imports++
			if theirs, _, _ := strings.Cut(other, "/"); theirs != room && !slices.Contains(may, theirs) {
				t.Errorf("%s imports %s: %s knows nothing of %s", name, other, room, theirs)
			}
		}
	}
	if imports < 200 {
		t.Errorf("only %d imports were found: this test sees nothing", imports)
	}
}

func TestNoScriptsImportEachOther(t *testing.T) {
	for _, circle := range circles(scripts(t)) {
		t.Errorf("the extension has a circle: %s", strings.Join(circle, " → "))
	}
	found := circles(map[string][]string{"a": {"b", "c"}, "b": {"c"}, "c": {"b"}})
	if len(found) != 1 || strings.Join(found[0], " ") != "b c b" {
		t.Errorf("circles are not found: %q", found)
	}
}

// circles are ways that lead from a file over its imports back to itself: some if there are any.
func circles(imports map[string][]string) (found [][]string) {
	done := map[string]bool{}
	var way []string
	var walk func(name string)
	walk = func(name string) {
		if i := slices.Index(way, name); i >= 0 {
			found = append(found, append(slices.Clone(way[i:]), name))
			return
		}
		if done[name] {
			return
		}
		way = append(way, name)
		for _, other := range imports[name] {
			walk(other)
		}
		way = way[:len(way)-1]
		done[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		walk(name)
	}
	return found
}
