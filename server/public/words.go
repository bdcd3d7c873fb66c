package public

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"khien/server/bidi"
	"khien/server/words"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/texts"
	"khien/shared/wire"
)

// said are the words of the pages.
var said = words.Read("public.txt")

// Reader is the language of the pages for a reader: what is asked for, else what the browser prefers, as
// Accept-Language has it.
func Reader(asked, preferred string) string { return said.Reader(asked, preferred) }

// Others are the languages of the pages but for one.
func Others(lang string) []string { return said.Others(lang) }

func say(lang, key string, args ...any) string { return said.Say(lang, key, args...) }

// per cent, in whole numbers.
func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

func functions(lang string) template.FuncMap {
	return template.FuncMap{
		bidi.Func: bidi.Apart,
		"t":       func(key string, args ...any) any { return bidi.Apart(say(lang, key, args...)) },
		"n":       func(key string, n int, args ...any) any { return bidi.Apart(said.Count(lang, key, n, args...)) },
		"by":      func(source string) string { by, _, _ := strings.Cut(source, wire.AlsoSaid); return by },
		"also":    func(source string) string { _, also, _ := strings.Cut(source, wire.AlsoSaid); return also },
		"digits":  func(n int) string { return words.Digits(lang, n) },
		"date":    func(unix int64) string { return words.Day(lang, unix) },
		"moment":  func(unix int64) string { return words.Moment(lang, unix) + " (UTC+7)" },
		"iso":     func(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) },
		"kind":    func(c category.Category) string { return c.Name(lang) },
		"how":     func(c category.Category) string { return c.How(lang) },
		"about":   func(s subject.Subject) string { return s.Describe(lang) },
		"reason":  func(byLang map[string]string) string { return texts.In(byLang, lang) },
		"place":   func(name string) string { return placeName(lang, name) },
		"percent": percent,
		"days":    func(n float64) string { return words.Decimal(lang, n) },
		"others":  func() []string { return said.Others(lang) },
		"ownName": texts.Name,
	}
}
