package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

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

// languages are those that there are words in, each by its own name, as an object of JavaScript.
func languages() string {
	var names []string
	for _, lang := range category.Languages {
		names = append(names, fmt.Sprintf("%q: %q", lang, texts.Name(lang)))
	}
	return "{" + strings.Join(names, ", ") + "}"
}

// messages checks the words of every language and adds the kinds of scam.
func (b build) messages(all files) error {
	locales := map[string]map[string]message{}
	for _, lang := range category.Languages {
		name := filepath.Join("_locales", lang, "messages.json")
		text, err := os.ReadFile(filepath.Join(b.source, name))
		if err != nil {
			return err
		}
		words := map[string]message{}
		if err := json.Unmarshal(text, &words); err != nil {
			return fmt.Errorf("couldn't read %s: %w", name, err)
		}
		locales[lang] = words
	}
	used, err := b.usedMessages()
	if err != nil {
		return err
	}
	if err := checkMessages(locales, used); err != nil {
		return err
	}
	for lang, words := range locales {
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

// uses are the ways to name a message: certain in a page, a manifest or t("…"),
// and possible wherever a script has a string.
var (
	certain  = regexp.MustCompile(`\bt\("(\w+)"|data-text="(\w+)"|__MSG_(\w+)__`)
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

// checkMessages refuses a message that is missing in a language, that nothing uses, or
// whose placeholders differ between the languages.
func checkMessages(locales map[string]map[string]message, used map[string]bool) error {
	var wrong []string
	first := locales[category.Languages[0]]
	for _, lang := range slices.Sorted(maps.Keys(locales)) {
		words := locales[lang]
		for _, key := range slices.Sorted(maps.Keys(words)) {
			if _, ok := used[key]; !ok {
				wrong = append(wrong, fmt.Sprintf("%s: %s is never used", lang, key))
			}
			if words[key].Message == "" {
				wrong = append(wrong, fmt.Sprintf("%s: %s is empty", lang, key))
			}
			if !maps.Equal(words[key].Placeholders, first[key].Placeholders) {
				wrong = append(wrong, fmt.Sprintf("%s: %s has other placeholders than in %s", lang, key, category.Languages[0]))
			}
			for name := range words[key].Placeholders {
				if !strings.Contains(words[key].Message, "$"+strings.ToUpper(name)+"$") {
					wrong = append(wrong, fmt.Sprintf("%s: %s leaves out $%s$", lang, key, strings.ToUpper(name)))
				}
			}
		}
		for _, key := range slices.Sorted(maps.Keys(first)) {
			if _, ok := words[key]; !ok {
				wrong = append(wrong, fmt.Sprintf("%s: %s is missing", lang, key))
			}
		}
		for _, key := range slices.Sorted(maps.Keys(used)) {
			if _, ok := words[key]; used[key] && !ok {
				wrong = append(wrong, fmt.Sprintf("%s: %s is used and missing", lang, key))
			}
		}
	}
	if len(wrong) > 0 {
		return errors.New("the messages of the extension do not fit it:\n  " + strings.Join(slices.Compact(wrong), "\n  "))
	}
	return nil
}
