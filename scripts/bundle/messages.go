package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"khien/server/words"
	"khien/shared/category"
	"khien/shared/texts"
)

// message is one entry of messages.json (the format of chrome.i18n).
type message struct {
	Message      string                 `json:"message"`
	Description  string                 `json:"description,omitempty"`
	Placeholders map[string]placeholder `json:"placeholders,omitempty"`
}

type placeholder struct {
	Content string `json:"content"`
}

// spoken are the words of every language, as extension.json of its folder has them.
func (b build) spoken() (map[string]map[string]message, error) {
	locales := map[string]map[string]message{}
	for _, lang := range texts.All() {
		name := filepath.Join(b.top(), "shared", "texts", lang, "extension.json")
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && lang != texts.Fallback {
			continue // such a language is one of the server's alone
		} else if err != nil {
			return nil, err
		}
		words := map[string]message{}
		if err := json.Unmarshal(text, &words); err != nil {
			return nil, fmt.Errorf("couldn't read %s: %w", name, err)
		}
		locales[lang] = words
	}
	return locales, nil
}

// languages are those that there are words in, each by its own name, as an object of JavaScript.
func (b build) languages() (string, error) {
	locales, err := b.spoken()
	var names []string
	for _, lang := range texts.All() {
		if locales[lang] != nil {
			names = append(names, fmt.Sprintf("%q: %q", lang, texts.Name(lang)))
		}
	}
	return "{" + strings.Join(names, ", ") + "}", err
}

// messages checks the words of every language, fills what is missing with those of the fallback, and adds the kinds of
// scam.
func (b build) messages(all files) error {
	locales, err := b.spoken()
	if err != nil {
		return err
	}
	used, err := b.usedMessages()
	if err != nil {
		return err
	}
	if err := checkMessages(locales, used); err != nil {
		return err
	}
	for lang, words := range locales {
		for _, key := range missing(words, locales[texts.Fallback]) {
			words[key] = locales[texts.Fallback][key]
		}
		for _, c := range category.All() {
			words["category_"+c.Slug()] = message{Message: c.Name(lang)}
			words["category_"+c.Slug()+"_how"] = message{Message: c.How(lang)}
			words["category_"+c.Slug()+"_advice"] = message{Message: c.Advice(lang)}
		}
		if all["_locales/"+lang+"/messages.json"], err = indented(words); err != nil {
			return err
		}
	}
	return nil
}

// form ends the name of what is said of some numbers only: in a plural form of the language, as CLDR names it. Without
// it stands what is said of all others.
var form = regexp.MustCompile(`_(?:zero|one|two|few|many)$`)

// missing are the messages that a language leaves to the fallback, with their plural forms.
func missing(words, fallback map[string]message) (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(fallback)) {
		if _, ok := words[form.ReplaceAllString(key, "")]; !ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// uses are the ways to name a message: certain in a page, a manifest, t("…") or counted("…"),
// and possible wherever a script has a string.
var (
	certain  = regexp.MustCompile(`\b(?:t|counted)\("(\w+)"|data-text="(\w+)"|__MSG_(\w+)__`)
	possible = regexp.MustCompile(`"(\w+)"`)
)

// usedMessages maps each name that may be that of a message to whether it certainly is.
func (b build) usedMessages() (map[string]bool, error) {
	used := map[string]bool{}
	for _, pattern := range []string{"src/*/*.ts", "pages/*.html", "manifest/*.json"} {
		names, err := filepath.Glob(filepath.Join(b.source, pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			if strings.HasSuffix(name, ".ts") {
				for _, m := range possible.FindAllSubmatch(text, -1) {
					used[string(m[1])] = used[string(m[1])]
				}
			}
			for _, m := range certain.FindAllSubmatch(text, -1) {
				for _, group := range m[1:] {
					if len(group) > 0 {
						used[string(group)] = true
					}
				}
			}
		}
	}
	return used, nil
}

// checkMessages refuses a message that nothing uses, that is used and missing in the fallback, that lacks a plural form
// of its language, or whose placeholders differ between the languages.
func checkMessages(locales map[string]map[string]message, used map[string]bool) error {
	var wrong []string
	first := locales[texts.Fallback]
	counted := map[string]bool{}
	for _, words := range locales {
		for key := range words {
			if base := form.ReplaceAllString(key, ""); base != key {
				counted[base] = true
			}
		}
	}
	for _, lang := range slices.Sorted(maps.Keys(locales)) {
		said := locales[lang]
		for _, key := range slices.Sorted(maps.Keys(said)) {
			base := form.ReplaceAllString(key, "")
			if _, ok := used[base]; !ok {
				wrong = append(wrong, fmt.Sprintf("%s: %s is never used", lang, key))
			}
			if said[key].Message == "" {
				wrong = append(wrong, fmt.Sprintf("%s: %s is empty", lang, key))
			}
			if !maps.Equal(said[key].Placeholders, first[base].Placeholders) {
				wrong = append(wrong, fmt.Sprintf("%s: %s has other placeholders than in %s", lang, key, texts.Fallback))
			}
			for name := range said[key].Placeholders {
				if !strings.Contains(said[key].Message, "$"+strings.ToUpper(name)+"$") {
					wrong = append(wrong, fmt.Sprintf("%s: %s leaves out $%s$", lang, key, strings.ToUpper(name)))
				}
			}
			for n := 0; n < 200 && counted[key]; n++ {
				if name := words.FormOf(lang, n); name != "other" && said[key+"_"+name].Message == "" {
					wrong = append(wrong, fmt.Sprintf("%s: %s_%s is missing", lang, key, name))
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(used)) {
		if _, ok := first[key]; used[key] && !ok {
			wrong = append(wrong, fmt.Sprintf("%s: %s is used and missing", texts.Fallback, key))
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return errors.New("the messages of the extension do not fit it:\n  " + strings.Join(slices.Compact(wrong), "\n  "))
	}
	return nil
}
