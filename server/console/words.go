package console

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"reflect"
	"strings"
	"sync"
	"time"

	"khien/server/audit"
	"khien/server/bidi"
	"khien/server/ledger"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/server/words"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/texts"
)

// said are the words of the console.
var said = words.Read("console.*.txt")

func say(lang, key string, args ...any) string { return said.Say(lang, key, args...) }

func count(lang, key string, n int) string { return said.Count(lang, key, n) }

// near says how much is listed near something, of which not all is counted.
func near(lang, key string, n int) string {
	if n > ledger.MaxNear {
		return say(lang, key+".more", words.Digits(lang, ledger.MaxNear))
	}
	return count(lang, key, n)
}

// span says how long something takes, in days where it is whole ones.
func span(lang string, seconds int64) string {
	hours := int(seconds / (60 * 60))
	if hours%24 == 0 {
		return count(lang, "span.days", hours/24)
	}
	return count(lang, "span.hours", hours)
}

// ago says how long something is past, in the largest unit that fits.
func ago(lang string, unix int64) string {
	switch d := time.Since(time.Unix(unix, 0)); {
	case d < time.Minute:
		return say(lang, "ago.now")
	case d < time.Hour:
		return count(lang, "ago.minutes", int(d/time.Minute))
	case d < 24*time.Hour:
		return count(lang, "ago.hours", int(d/time.Hour))
	case d < 60*24*time.Hour:
		return count(lang, "ago.days", int(d/(24*time.Hour)))
	}
	return words.Day(lang, unix)
}

// kind is the name of a kind of scam.
func kind(lang, slug string) string {
	c, ok := category.Parse(slug)
	if !ok {
		return say(lang, "case.nokind")
	}
	return c.Name(lang)
}

// defang writes an address so that nothing makes a link of it.
func defang(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if ok {
		scheme = strings.Replace(scheme, "http", "hxxp", 1) + "://"
	} else if scheme, rest, ok = strings.Cut(text, ":"); ok && !strings.ContainsAny(scheme, "./") {
		return scheme + "[:]" + rest
	} else {
		scheme, rest = "", text
	}
	host, path, slash := strings.Cut(rest, "/")
	host = strings.ReplaceAll(host, ".", "[.]")
	if slash {
		host += "/"
	}
	return scheme + host + path
}

//go:embed templates
var templateFiles embed.FS

// pages are the templates by language and name, read when the first page is shown: most commands show none.
var pages = sync.OnceValue(readPages)

func readPages() map[string]map[string]*template.Template {
	all := map[string]map[string]*template.Template{}
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, lang := range said.Languages {
		all[lang] = map[string]*template.Template{}
		layout := template.Must(template.New("").Funcs(functions(lang)).ParseFS(templateFiles, "templates/layout.html"))
		for _, file := range files {
			if name := strings.TrimSuffix(file.Name(), ".html"); name != "layout" {
				all[lang][name] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, "templates/"+file.Name()))
				bidi.Templates(all[lang][name])
			}
		}
	}
	return all
}

func functions(lang string) template.FuncMap {
	return template.FuncMap{
		bidi.Func: bidi.Apart,
		"t":       func(key string, args ...any) any { return bidi.Apart(say(lang, key, args...)) },
		"n":       func(key string, n int) string { return count(lang, key, n) },
		"near":    func(key string, n int) string { return near(lang, key, n) },
		"digits":  func(n int) string { return words.Digits(lang, n) },
		"day":     func(unix int64) string { return words.Day(lang, unix) },
		"moment":  func(unix int64) string { return words.Moment(lang, unix) },
		"iso":     func(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) },
		"ago":     func(unix int64) string { return ago(lang, unix) },
		"kind":    func(slug string) string { return kind(lang, slug) },
		"did":     func(a audit.Act) string { return a.What(lang) },
		"because": func(a audit.Act) string { return a.Because(lang) },
		"object":  func(o audit.Object) string { return o.Text(lang) },
		"step":    func(s takedown.Transition, about subject.Subject) string { return s.Because(lang, about) },
		"reach":   func(r triage.Reach) string { return r.Text(lang) },
		"about":   func(s subject.Subject) string { return s.Describe(lang) },
		"defang":  func(s any) string { return defang(fmt.Sprint(s)) },
		"in":      func(lang, key string) string { return say(lang, key) },
		"int":     func(n any) int { return toInt(n) },
		"firsts":  firsts,
		"most":    func() int { return most },
		"network": network,
		"percent": func(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) },
		"short":   func(text string) string { return text[:min(len(text), 16)] },

		"list": func(some []string) string { return strings.Join(some, ", ") },
		"pair": func(page, one any) any { return struct{ Page, One any }{page, one} },

		"languages": func() []string { return said.Languages },
		"others":    func() []string { return said.Others(lang) },
		"ownName":   texts.Name,
		"tongue":    func(of string) string { return words.Tongue(lang, of) },
	}
}

// most is how many rows of a list are shown that may be of any length, and has no pages.
const most = 100

func firsts(list any) any {
	v := reflect.ValueOf(list)
	return v.Slice(0, min(v.Len(), most)).Interface()
}

// network is how people call a platform.
func network(name string) string {
	p, _ := takedown.ByName(name)
	return cmp.Or(p.Title, name)
}

// toInt takes the numbers that templates count with.
func toInt(n any) int {
	switch n := n.(type) {
	case int64:
		return int(n)
	case uint64:
		return int(n)
	}
	return n.(int)
}
