// Package parts finds what of others is in a product, with the terms under which that may be passed on.
//
// What counts is what was compiled in: the packages that Go links for a target, the files that esbuild took into a
// script. A module that only tests or tools need is no part.
package parts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// Component is something of others.
type Component struct {
	Name, Version string
	Data          bool     // and no program
	Terms         string   // SPDX licence expression
	From          string   // where its source is
	PURL          string   // package URL (ECMA-427); empty where it is in no registry
	Texts         []string // licences and notices, as they came
}

// allowed are the terms of programs that we can keep with notices alone. Others are for a person to read first.
var allowed = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0", "Unlicense"}

// ErrTerms is a part under terms that nobody has read, or without any.
var ErrTerms = errors.New("its licence is none of those that scripts/parts knows")

// Go returns what is linked into a package of ours, in order of name: modules, Go itself, and the data that come with
// them. Env says for which target, such as GOOS=wasip1. Root is the folder of go.mod.
func Go(root, pkg string, env ...string) ([]Component, error) {
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Module", pkg)
	list.Dir, list.Env = root, append(os.Environ(), append(env, "CGO_ENABLED=0")...)
	var words bytes.Buffer
	list.Stderr = &words
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("couldn't list what %s is made of: %w: %s", pkg, err, words.Bytes())
	}
	modules, texts, linked := map[string]Component{}, map[string]map[string]bool{}, map[string]bool{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir string
			Module          *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		linked[p.ImportPath] = true
		m := p.Module
		if m == nil || m.Main {
			continue
		}
		if texts[m.Path] == nil {
			texts[m.Path] = map[string]bool{}
			modules[m.Path] = Component{Name: m.Path, Version: m.Version, From: "https://pkg.go.dev/" + m.Path + "@" + m.Version, PURL: "pkg:golang/" + m.Path + "@" + m.Version}
		}
		// A folder of a module may have terms of its own.
		for folder := p.Dir; strings.HasPrefix(folder, m.Dir); folder = filepath.Dir(folder) {
			if err := terms(folder, texts[m.Path]); err != nil {
				return nil, err
			}
		}
	}
	all := []Component{}
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		part := modules[path]
		part.Texts = slices.Sorted(maps.Keys(texts[path]))
		if part.Terms, err = recognise(part.Texts); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, part)
	}
	version, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return nil, err
	}
	all = append(all, standard(strings.TrimSpace(string(version))))
	data, err := dataOf(root, linked)
	return append(all, data...), err
}

var termsName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|unlicense|patents)([-.]\w+)*$`)

// terms adds the texts of the licences and notices in a folder.
func terms(folder string, texts map[string]bool) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !termsName.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		texts[strings.Trim(strings.ReplaceAll(string(text), "\r", ""), "\n")] = true
	}
	return nil
}

// recognise names the terms of all texts together. A text that grants more than the licence beside it (PATENTS) has no
// name.
func recognise(texts []string) (string, error) {
	found := map[string]bool{}
	for _, text := range texts {
		for _, match := range licensecheck.Scan([]byte(text)).Match {
			if match.IsURL || match.ID == "GooglePatentClause" || match.ID == "GooglePatentsFile" {
				continue
			}
			if !slices.Contains(allowed, match.ID) {
				return "", fmt.Errorf("%w: %s", ErrTerms, match.ID)
			}
			found[match.ID] = true
		}
	}
	if len(found) == 0 {
		return "", ErrTerms
	}
	return strings.Join(slices.Sorted(maps.Keys(found)), " AND "), nil
}

// NPM returns the packages of which esbuild took something into a script, in order of name, by what it wrote about its
// outputs. Source is the folder of node_modules.
func NPM(source string, metafiles ...string) ([]Component, error) {
	taken := map[string]bool{}
	for _, text := range metafiles {
		var meta struct {
			Outputs map[string]struct {
				Inputs map[string]struct{ BytesInOutput int }
			}
		}
		if err := json.Unmarshal([]byte(text), &meta); err != nil {
			return nil, fmt.Errorf("couldn't read what esbuild wrote: %w", err)
		}
		for _, out := range meta.Outputs {
			for file, in := range out.Inputs {
				if name := packageOf(file); name != "" && in.BytesInOutput > 0 {
					taken[name] = true
				}
			}
		}
	}
	all := []Component{}
	for _, name := range slices.Sorted(maps.Keys(taken)) {
		folder := filepath.Join(source, "node_modules", filepath.FromSlash(name))
		var says struct{ Version, License string }
		text, err := os.ReadFile(filepath.Join(folder, "package.json"))
		if err == nil {
			err = json.Unmarshal(text, &says)
		}
		texts := map[string]bool{}
		if err == nil {
			err = terms(folder, texts)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		part := Component{
			Name: name, Version: says.Version, Terms: strings.Trim(says.License, "()"), Texts: slices.Sorted(maps.Keys(texts)),
			From: "https://www.npmjs.com/package/" + name + "/v/" + says.Version,
			PURL: "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + says.Version,
		}
		if _, err := recognise(part.Texts); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, part)
	}
	return all, nil
}

// packageOf is the package of npm that a file belongs to; empty for a file of ours.
func packageOf(file string) string {
	_, rest, ok := strings.Cut(filepath.ToSlash(file), "node_modules/")
	if !ok {
		return ""
	}
	part := strings.Split(rest, "/")
	if strings.HasPrefix(rest, "@") {
		return strings.Join(part[:2], "/")
	}
	return part[0]
}

// Version is that of the extension and the program.
func Version(root string) (string, error) {
	text, err := fs.ReadFile(os.DirFS(root), "extension/manifest/base.json")
	if err != nil {
		return "", err
	}
	var manifest struct{ Version string }
	if err := json.Unmarshal(text, &manifest); err != nil {
		return "", fmt.Errorf("couldn't read manifest/base.json: %w", err)
	}
	return manifest.Version, nil
}
