// Package texts holds what people read, a folder for each language. A part of the program speaks the languages whose
// folder has its files: so a new language is a folder, and no list of languages is written down anywhere else.
package texts

import (
	"embed"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"
)

//go:embed */*.txt */*.html
var files embed.FS

// Fallback is the language in which everything is said.
const Fallback = "en"

// Languages are those in which there is a file, the fallback first and those with the lowest rank next: language.txt of
// each folder.
func Languages(name string) []string {
	found, _ := fs.Glob(files, "*/"+name) // the error is of the pattern
	var languages []string
	for _, file := range found {
		languages = append(languages, path.Dir(file))
	}
	slices.SortStableFunc(languages, func(a, b string) int { return strings.Compare(about(a)["rank"], about(b)["rank"]) })
	return languages
}

// All are the languages that there is a folder of.
func All() []string { return slices.Clone(all()) }

var all = sync.OnceValue(func() []string { return Languages("language.txt") })

// IsOne tells whether there is a folder of a language.
func IsOne(lang string) bool { return slices.Contains(all(), lang) }

// about is what a language says of itself: its name, its rank and how it writes a day.
func about(lang string) map[string]string { return allAbout()[lang] }

var allAbout = sync.OnceValue(func() map[string]map[string]string {
	found, _ := fs.Glob(files, "*/language.txt")
	all := map[string]map[string]string{}
	for _, file := range found {
		all[path.Dir(file)] = Lines(path.Dir(file), "language.txt")
	}
	return all
})

// Name is the name of a language in itself.
func Name(lang string) string { return about(lang)["name"] }

// Day is how a language writes a day, as a layout of package time.
func Day(lang string) string { return about(lang)["day"] }

// File is a file of a language, or else of the fallback. That there is none is a fault of the program.
func File(lang, name string) string {
	text, err := files.ReadFile(lang + "/" + name)
	if err != nil {
		text, err = files.ReadFile(Fallback + "/" + name)
	}
	if err != nil {
		panic(err)
	}
	return string(text)
}

// kept are the lines of files that were asked for, by path: of languages that there are.
var kept sync.Map

func lines(lang, name string) map[string]string {
	if !IsOne(lang) {
		return nil
	}
	said, ok := kept.Load(lang + "/" + name)
	if !ok {
		said, _ = kept.LoadOrStore(lang+"/"+name, Lines(lang, name))
	}
	return said.(map[string]string)
}

// Say is what a language says of a key in one of its files, or else the fallback; "" where neither does.
func Say(lang, name, key string) string {
	if text := lines(lang, name)[key]; text != "" {
		return text
	}
	return lines(Fallback, name)[key]
}

// Every is what each language says of a key in one of its files, for texts that people of all languages are given.
func Every(name, key string) map[string]string {
	said := map[string]string{}
	for _, lang := range all() {
		if text := lines(lang, name)[key]; text != "" {
			said[lang] = text
		}
	}
	return said
}

// Lines are the texts of all files of a language with a name like pattern, each a line "key = text". A line that is
// none, or a key that is there twice, is a fault of the program.
func Lines(lang, pattern string) map[string]string {
	found, _ := fs.Glob(files, lang+"/"+pattern)
	all := map[string]string{}
	for _, file := range found {
		for line := range strings.Lines(File(lang, path.Base(file))) {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			key, text, ok := strings.Cut(line, " = ")
			if _, twice := all[key]; !ok || twice {
				panic(file + ": " + line)
			}
			all[key] = text
		}
	}
	return all
}

// In is a text in a language, or else in the fallback or in whatever there is: one in which nothing can be seen hides
// no other.
func In(byLang map[string]string, lang string) string {
	for _, l := range append([]string{lang, Fallback}, append(All(), slices.Sorted(maps.Keys(byLang))...)...) {
		if strings.ContainsFunc(byLang[l], visible) {
			return byLang[l]
		}
	}
	return ""
}

func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }
