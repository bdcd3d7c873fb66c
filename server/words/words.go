// Package words says the texts of package texts in the reader's language, with numbers, days and plural forms as that
// language has them (CLDR).
package words

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"khien/server/bidi"
	"khien/shared/texts"
)

// Words are what one part of the program says.
type Words struct {
	Languages []string                            // the fallback first
	byLang    func() map[string]map[string]string // read when the first is said: most commands say none
	matcher   language.Matcher
}

// Read takes the texts of the files of each language with a name like pattern.
func Read(pattern string) *Words {
	return Of(texts.Languages(pattern), func(lang string) map[string]string { return texts.Lines(lang, pattern) })
}

// Of are the texts of these languages, the fallback first.
func Of(languages []string, lines func(lang string) map[string]string) *Words {
	languages = slices.Compact(languages)
	var tags []language.Tag
	for _, lang := range languages {
		tags = append(tags, language.MustParse(lang))
	}
	return &Words{languages, sync.OnceValue(func() map[string]map[string]string {
		all := map[string]map[string]string{}
		for _, lang := range languages {
			all[lang] = lines(lang)
		}
		return all
	}), language.NewMatcher(tags)}
}

// maxTag bounds what is asked for as a language: no tag is longer (RFC 5646 section 4.4.1).
const maxTag = 35

// Reader is the language of a reader: what is chosen, else what the browser prefers, as Accept-Language has it.
func (w *Words) Reader(chosen, preferred string) string {
	if slices.Contains(w.Languages, chosen) {
		return chosen
	}
	_, n := language.MatchStrings(w.matcher, chosen[:min(len(chosen), maxTag)], preferred)
	return w.Languages[n]
}

// Others are the languages but for one.
func (w *Words) Others(lang string) []string {
	return slices.DeleteFunc(slices.Clone(w.Languages), func(one string) bool { return one == lang })
}

// Tongue is what a language is called in another one.
func Tongue(lang, of string) string {
	return display.Languages(language.Make(lang)).Name(language.Make(of))
}

// Text is a text as it is written down, or else as the fallback has it; "" where there is none.
func (w *Words) Text(lang, key string) string {
	text, ok := w.byLang()[lang][key]
	if !ok {
		text = w.byLang()[texts.Fallback][key]
	}
	return text
}

// Keys are all keys of a language, in no order.
func (w *Words) Keys(lang string) map[string]string { return w.byLang()[lang] }

// Say is a text in a language, with its places filled in. What a language does not say reads as the fallback has it,
// and what is missing there too shows its key.
func (w *Words) Say(lang, key string, args ...any) string {
	text := w.Text(lang, key)
	if text == "" {
		return "⟦" + key + "⟧"
	}
	if !strings.Contains(text, "%") {
		return text
	}
	return fmt.Sprintf(text, bidi.Args(args)...)
}

// Count says something about n things, whose number comes first among the places. A text may have forms of its own:
// key[1] for exactly one, and key[one], key[two], key[few] or key[many] where the language has such a form; key alone
// is for all other numbers.
func (w *Words) Count(lang, key string, n int, args ...any) string {
	tongue := w.SaidIn(lang, key)
	return w.Say(tongue, w.Form(tongue, key, n), append([]any{Digits(lang, n)}, args...)...)
}

// SaidIn is the language in which a key is said to who reads another: that one, or else the fallback, whose plural
// forms are its own.
func (w *Words) SaidIn(lang, key string) string {
	if _, ok := w.byLang()[lang][key]; ok {
		return lang
	}
	return texts.Fallback
}

// Form is the key of what is said about n things.
func (w *Words) Form(lang, key string, n int) string {
	for _, form := range []string{strconv.Itoa(n), FormOf(lang, n)} {
		if _, ok := w.byLang()[lang][key+"["+form+"]"]; ok {
			return key + "[" + form + "]"
		}
	}
	return key
}

var forms = map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}

// FormOf is the name of the plural form that a language has for n things.
func FormOf(lang string, n int) string {
	if n < 0 {
		n = -n
	}
	return forms[plural.Cardinal.MatchPlural(language.Make(lang), n, 0, 0, 0, 0)]
}

// printers are made once for each language.
var printers sync.Map

func printer(lang string) *message.Printer {
	p, ok := printers.Load(lang)
	if !ok {
		p, _ = printers.LoadOrStore(lang, message.NewPrinter(language.Make(lang)))
	}
	return p.(*message.Printer)
}

// Digits writes a whole number.
func Digits(lang string, n int) string { return printer(lang).Sprint(number.Decimal(n)) }

// Decimal writes a number with one digit after the point.
func Decimal(lang string, n float64) string {
	return printer(lang).Sprint(number.Decimal(n, number.Scale(1)))
}

// Zone is where most readers are: days and times are those of there, and nobody's own.
var Zone = time.FixedZone("UTC+7", 7*60*60)

// Day is a day; Moment is with the time of day, of UTC+7.
func Day(lang string, unix int64) string { return time.Unix(unix, 0).In(Zone).Format(texts.Day(lang)) }

func Moment(lang string, unix int64) string {
	return Day(lang, unix) + time.Unix(unix, 0).In(Zone).Format(" 15:04")
}
