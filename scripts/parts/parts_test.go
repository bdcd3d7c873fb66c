package parts

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

const root = "../.."

func named(t *testing.T, all []Component) []string {
	t.Helper()
	var names []string
	for _, p := range all {
		if p.Terms == "" || p.From == "" && !p.Data || len(p.Texts) == 0 && p.Terms != "CC0-1.0" {
			t.Errorf("nobody could pass %s on by what is said of it: %+v", p.Name, p)
		}
		names = append(names, p.Name)
	}
	return names
}

// The program and the core name what is linked into them, and no more: neither what tests and tools need, nor what only
// the other has.
func TestWhatIsLinkedIsNamed(t *testing.T) {
	program, err := Go(root, "./server/cmd/khien")
	if err != nil {
		t.Fatal(err)
	}
	core, err := Go(root, "./wasm", "GOOS=wasip1", "GOARCH=wasm")
	if err != nil {
		t.Fatal(err)
	}
	inProgram, inCore := named(t, program), named(t, core)
	both := []string{"Go", "github.com/tinylib/msgp", "golang.org/x/mod", "Unicode Character Database", "Unicode confusables (UTS #39)", "Wikidata: accounts of the official names"}
	for _, name := range append(both, "github.com/valyala/fasthttp", "github.com/hashicorp/golang-lru/v2", "Public Suffix List", "Telephone rules of libphonenumber", "SQLite", "The ranking of what many people visit") {
		if !slices.Contains(inProgram, name) {
			t.Errorf("the program does not name %s", name)
		}
		if slices.Contains(both, name) != slices.Contains(inCore, name) {
			t.Errorf("%s is named by the core: %v", name, slices.Contains(inCore, name))
		}
	}
	for _, name := range []string{"khien", "github.com/rogpeppe/go-internal", "github.com/evanw/esbuild", "github.com/FastFilter/xorfilter"} {
		if slices.Contains(inProgram, name) || slices.Contains(inCore, name) {
			t.Errorf("%s is named and in neither", name)
		}
	}
}

// What comes under terms that nobody has read stops the build, and so does what comes without any.
func TestTermsThatNobodyHasRead(t *testing.T) {
	for what, text := range map[string]string{
		"the GPL":  "This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.\n\nThis program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See the GNU General Public License for more details.",
		"no terms": "Ask me before you use it.",
		"no text":  "",
	} {
		if got, err := recognise([]string{text}); !errors.Is(err, ErrTerms) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	folder := t.TempDir()
	bare := filepath.Join(folder, "node_modules", "bare")
	if err := os.MkdirAll(bare, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bare, "package.json"), []byte(`{"version": "1.0.0", "license": "MIT"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NPM(folder, `{"outputs": {"out/a.js": {"inputs": {"node_modules/bare/index.js": {"bytesInOutput": 9}}}}}`); !errors.Is(err, ErrTerms) {
		t.Errorf("a package without the text of its licence: %v", err)
	}
	if all, err := NPM(folder, `{"outputs": {"out/a.js": {"inputs": {"node_modules/bare/index.js": {"bytesInOutput": 0}, "src/a.ts": {"bytesInOutput": 9}}}}}`); err != nil || len(all) > 0 {
		t.Errorf("a package of which nothing was taken: %v, %v", all, err)
	}
}

// The licence of Go that we carry is the one that Go comes with.
func TestTheLicenceOfGo(t *testing.T) {
	where, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(where)), "LICENSE"))
	if err != nil {
		t.Skip("Go is installed without it")
	}
	if string(text) != goTerms {
		t.Error("scripts/parts/texts/go.txt is another one")
	}
}

// People find each text once, under the names of all that it is for; programs find the same parts.
func TestNoticesAndBOM(t *testing.T) {
	a := Component{Name: "a", Version: "v1", Terms: "MIT", From: "https://a.example/", PURL: "pkg:golang/a@v1", Texts: []string{"the same words"}}
	b := Component{Name: "b", Version: "2", Terms: "MIT", From: "https://b.example/", PURL: "pkg:npm/b@2", Texts: []string{"the same words", "more"}}
	d := Component{Name: "A table", Terms: "CC0-1.0", Data: true}
	all := Join([]Component{b, d}, []Component{a, b})
	if got := string(Notices("Product", all)); strings.Count(got, "the same words") != 1 || !strings.Contains(got, "a v1\nb 2\n\nthe same words") || !strings.Contains(got, "- A table: CC0-1.0") {
		t.Errorf("the notices: %s", got)
	}
	text, err := BOM("product", "0.1.0", all)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := BOM("product", "0.1.0", all); err != nil || !bytes.Equal(again, text) {
		t.Errorf("the same parts have another list: %v", err)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(text), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if bom.SpecVersion != cdx.SpecVersion1_6 || bom.Metadata.Component.Version != "0.1.0" || len(*bom.Components) != 3 {
		t.Errorf("the list: %s", text)
	}
	if c := (*bom.Components)[1]; c.PackageURL != b.PURL || (*c.Licenses)[0].Expression != "MIT" {
		t.Errorf("a part of it: %+v", c)
	}
	if (*bom.Components)[2].Type != cdx.ComponentTypeData {
		t.Error("data are no library")
	}
}
