package parts

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"
)

var (
	//go:embed texts/go.txt
	goTerms string
	//go:embed texts/unicode.txt
	unicodeTerms string
)

// standard is Go's runtime and standard library, which are in everything that it compiles.
func standard(version string) Component {
	version = strings.TrimPrefix(version, "go")
	return Component{Name: "Go", Version: version, Terms: "BSD-3-Clause", From: "https://go.dev/", PURL: "pkg:golang/std@" + version, Texts: []string{strings.Trim(goTerms, "\n")}}
}

// data come along with a package that is linked.
var data = []struct {
	with string // import path
	part Component
	file string // of ours, that says more
}{
	{"unicode", Component{Name: "Unicode Character Database", Version: unicode.Version, Terms: "Unicode-3.0", From: "https://www.unicode.org/ucd/", Texts: []string{unicodeTerms}}, ""},
	{"khien/shared/official", Component{Name: "Unicode confusables (UTS #39)", Version: "13.0", Terms: "Unicode-3.0", From: "https://www.unicode.org/reports/tr39/", Texts: []string{unicodeTerms}}, ""},
	{"khien/shared/supplement", Component{Name: "Wikidata: accounts of the official names", Version: "18 September 2026", Terms: "CC0-1.0", From: "https://www.wikidata.org/"}, ""},
	{"khien/shared/supplement", Component{Name: "MISP warning lists: sites that are known by themselves", Terms: "CC0-1.0", From: "https://github.com/MISP/misp-warninglists"}, ""},
	{"golang.org/x/net/publicsuffix", Component{Name: "Public Suffix List", Version: publicsuffix.List.String(), Terms: "MPL-2.0", From: "https://publicsuffix.org/list/",
		Texts: []string{mozilla}}, ""},
	{"khien/server/phone", Component{Name: "Telephone rules of libphonenumber", Terms: "Apache-2.0", From: "https://github.com/google/libphonenumber",
		Texts: []string{"Copyright (C) The Libphonenumber Authors"}}, "LICENSE"},
	{"github.com/ncruces/go-sqlite3-wasm/v6", Component{Name: "SQLite", Terms: "blessing", From: "https://www.sqlite.org/copyright.html",
		Texts: []string{"All of the code and documentation in SQLite has been dedicated to the public domain by the authors."}}, ""},
	{"khien/server/publish", Component{Name: "The ranking of what many people visit", Terms: "CC0-1.0 AND CC-BY-NC-SA-4.0"}, "server/publish/ranking/README.md"},
}

// mozilla is Exhibit A of the Mozilla Public License.
const mozilla = `This Source Code Form is subject to the terms of the Mozilla Public
License, v. 2.0. If a copy of the MPL was not distributed with this
file, You can obtain one at https://mozilla.org/MPL/2.0/.`

// dataOf are those that come along with what is linked.
func dataOf(root string, linked map[string]bool) (all []Component, err error) {
	for _, d := range data {
		if !linked[d.with] {
			continue
		}
		part := d.part
		part.Data = true
		if d.file != "" {
			text, err := os.ReadFile(filepath.Join(root, d.file))
			if err != nil {
				return nil, err
			}
			part.Texts = append(part.Texts[:len(part.Texts):len(part.Texts)], strings.Trim(string(text), "\n"))
		}
		all = append(all, part)
	}
	return all, nil
}
