package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// pages are the pages of the extension and its pictures. The style sheets of a page lie in the page itself: it is drawn
// with the first file that comes.
func (b build) pages(all files) error {
	pages, _, err := b.styled()
	if err != nil {
		return err
	}
	for name, page := range pages {
		all[name] = page
	}
	icons, err := os.ReadDir(filepath.Join(b.source, "icons"))
	if err != nil {
		return err
	}
	for _, icon := range icons {
		body, err := os.ReadFile(filepath.Join(b.source, "icons", icon.Name()))
		if err != nil {
			return err
		}
		all[path.Join("icons", icon.Name())] = body
	}
	return nil
}

// sheets is the list of style sheets in the head of a page.
var (
	sheets = regexp.MustCompile(`(?: *<link rel="stylesheet" href="[\w-]+\.css" />\n)+`)
	sheet  = regexp.MustCompile(`href="([\w-]+\.css)"`)
)

// styled is every page with its style sheets inside, by its name, and what the content security policy calls these
// (CSP3 section 6.7.3.2), sorted.
func (b build) styled() (pages files, sources []string, err error) {
	names, err := filepath.Glob(filepath.Join(b.source, "pages", "*.html"))
	if err != nil {
		return nil, nil, err
	}
	pages = files{}
	for _, name := range names {
		page, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		lists := sheets.FindAllIndex(page, -1)
		if len(lists) != 1 {
			return nil, nil, fmt.Errorf("%s: %d lists of style sheets, want one", name, len(lists))
		}
		at := lists[0]
		var text strings.Builder
		for _, link := range sheet.FindAllSubmatch(page[at[0]:at[1]], -1) {
			css, err := os.ReadFile(filepath.Join(b.source, "pages", string(link[1])))
			if err != nil {
				return nil, nil, err
			}
			text.WriteString("\n")
			text.Write(css)
		}
		if strings.Contains(text.String(), "</") {
			return nil, nil, fmt.Errorf("%s: a style sheet would end its element", name)
		}
		sum := sha256.Sum256([]byte(text.String()))
		sources = append(sources, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		pages[filepath.Base(name)] = slices.Concat(page[:at[0]], []byte("    <style>"+text.String()+"</style>\n"), page[at[1]:])
	}
	slices.Sort(sources)
	return pages, slices.Compact(sources), nil
}
