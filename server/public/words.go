package public

import (
	"embed"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"khien/server/bidi"
	"khien/shared/category"
	"khien/shared/subject"
)

// Languages are those of the pages, the first being the fallback.
var Languages = []string{"en", "vi"}

//go:embed messages
var messageFiles embed.FS

// messages are all messages by language and key: one "key = text" a line in messages/LANG.txt.
var messages = readMessages()

func readMessages() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, lang := range Languages {
		text, err := messageFiles.ReadFile("messages/" + lang + ".txt")
		if err != nil {
			panic(err) // it is part of the program
		}
		all[lang] = map[string]string{}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			key, text, ok := strings.Cut(line, " = ")
			if _, twice := all[lang][key]; !ok || twice {
				panic("messages/" + lang + ".txt: " + line)
			}
			all[lang][key] = text
		}
	}
	return all
}

// say is a message in a language, with its places filled in.
func say(lang, key string, args ...any) string {
	text, ok := messages[lang][key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, bidi.Args(args)...)
}

// digits writes a number with its thousands apart.
func digits(lang string, n int) string {
	text := strconv.Itoa(n)
	apart := ","
	if lang == "vi" {
		apart = "."
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + apart + text[i:]
	}
	return text
}

// zone is where most readers are; a page tells nobody's own time.
var zone = time.FixedZone("UTC+7", 7*60*60)

func date(lang string, unix int64) string {
	t := time.Unix(unix, 0).In(zone)
	if lang == "vi" {
		return t.Format("02/01/2006")
	}
	return t.Format("2 Jan 2006")
}

func moment(lang string, unix int64) string {
	return date(lang, unix) + time.Unix(unix, 0).In(zone).Format(" 15:04 (UTC+7)")
}

// per cent, in whole numbers.
func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

func days(lang string, n float64) string {
	text := strconv.FormatFloat(n, 'f', 1, 64)
	if lang == "vi" {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

func functions(lang string) template.FuncMap {
	return template.FuncMap{
		bidi.Func: bidi.Apart,
		"t":       func(key string, args ...any) any { return bidi.Apart(say(lang, key, args...)) },
		"digits":  func(n int) string { return digits(lang, n) },
		"date":    func(unix int64) string { return date(lang, unix) },
		"moment":  func(unix int64) string { return moment(lang, unix) },
		"iso":     func(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) },
		"kind":    func(c category.Category) string { return c.Name(lang) },
		"how":     func(c category.Category) string { return c.How(lang) },
		"about":   func(s subject.Subject) string { return s.Describe(lang) },
		"reason":  func(texts map[string]string) string { return first(texts, lang, "") },
		"place":   func(name string) string { return placeName(lang, name) },
		"percent": percent,
		"days":    func(n float64) string { return days(lang, n) },
	}
}
