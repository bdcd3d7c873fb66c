package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"khien/shared/texts"
)

// written is where a line stands, for errors.
type written struct {
	file string
	line int
}

func (w written) fail(text string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s:%d: %s\n", w.file, w.line, fmt.Sprintf(text, args...))
	os.Exit(1)
}

type platform struct {
	written
	name, title string
	about       []string
	groups      []string
	hosts       []host
	kinds       []*kind
	forms       []form
	tracking    []string
	comments    []string
	pages       string
	place
}

type host struct{ text, group string }

type kind struct {
	written
	name, rule, parts, open string
	says                    map[string]string
	reserved, sections      []string
	isPart                  bool
}

type form struct {
	written
	word, group, pattern, out string
}

// languages are those in which a person is told what there is on a platform.
var languages = texts.All()

// spoken is what a language says of a subject or a kind, in its subject.txt.
func spoken(lang, key string) string { return texts.Lines(lang, "subject.txt")[key] }

// translate adds what the rules of a platform do not say in a language: as its subject.txt has it, or else in English.
func (pf *platform) translate() {
	for _, lang := range languages {
		for _, k := range pf.kinds {
			if !k.isPart && k.says[lang] == "" {
				k.says[lang] = cmp.Or(spoken(lang, pf.name+":"+k.name), k.says[texts.Fallback])
			}
		}
		if menu := spoken(lang, "takedown "+pf.name); pf.takedown != nil && pf.takedown.menu[lang] == "" && menu != "" {
			pf.takedown.menu[lang] = menu
		}
	}
}

var builtin = []string{"phone", "vnphone", "url", "rest", "proxied", "code", "bin", "account", "base64", "dashed"}

func read(file string) *platform {
	text, err := os.ReadFile(file)
	must(err)
	pf := &platform{written: written{file, 1}, groups: []string{""}}
	var last string
	for i, line := range strings.Split(string(text), "\n") {
		at := written{file, i + 1}
		if about, ok := strings.CutPrefix(line, "#"); ok {
			if pf.name == "" {
				pf.about = append(pf.about, strings.TrimSpace(about))
			}
			continue
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		indented := strings.HasPrefix(line, " ")
		switch {
		case indented && last == "takedown":
			pf.readTakedown(at, word, rest)
			continue
		case indented && strings.HasPrefix(line, "    "), indented && (last == "hosts" || last == "tracking"):
			words := strings.Fields(line)
			if last == "tracking" {
				pf.tracking = append(pf.tracking, words...)
			} else if last == "hosts" {
				for _, h := range words {
					pf.hosts = append(pf.hosts, host{h, pf.hosts[len(pf.hosts)-1].group})
				}
			} else {
				k := pf.kinds[len(pf.kinds)-1]
				k.reserved = append(k.reserved, words...)
			}
			continue
		case indented:
			k := pf.kinds[len(pf.kinds)-1]
			switch word {
			case "open":
				k.open = rest
			case "sections":
				k.sections = append(k.sections, strings.Fields(rest)...)
			case "reserved":
				k.reserved = append(k.reserved, strings.Fields(rest)...)
			default:
				if !slices.Contains(languages, word) {
					at.fail("no language %q", word)
				}
				k.says[word] = rest
			}
			continue
		}
		last = word
		switch word {
		case "platform":
			pf.name, pf.title, _ = strings.Cut(rest, " ")
		case "hosts":
			words := strings.Fields(rest)
			group := ""
			if !strings.ContainsAny(words[0], ".:[{<") {
				group, words = words[0], words[1:]
			}
			if !slices.Contains(pf.groups, group) {
				pf.groups = append(pf.groups, group)
			}
			for _, h := range words {
				pf.hosts = append(pf.hosts, host{h, group})
			}
		case "kind", "part":
			name, rule, _ := strings.Cut(rest, " ")
			k := &kind{written: at, name: name, isPart: word == "part", says: map[string]string{}}
			if strings.HasPrefix(rule, "{") {
				k.parts = rule
			} else {
				k.rule = rule
			}
			pf.kinds = append(pf.kinds, k)
		case "network", "cards", "reach", "owns", "things", "takedown":
			pf.readPlace(at, word, rest)
		case "tracking":
			pf.tracking = append(pf.tracking, strings.Fields(rest)...)
		case "comments":
			pf.comments = append(pf.comments, strings.Fields(rest)...)
		case "pages":
			pf.pages = rest
		case "form", "also", "target", "short":
			f := form{written: at, word: word}
			if rest, f.out, _ = strings.Cut(rest, "=>"); strings.IndexByte("/?#{", rest[0]) < 0 {
				f.group, rest, _ = strings.Cut(rest, " ")
			}
			f.pattern, f.out = strings.TrimSpace(rest), strings.TrimSpace(f.out)
			if !slices.Contains(pf.groups, f.group) {
				at.fail("no hosts %q", f.group)
			}
			pf.forms = append(pf.forms, f)
		default:
			at.fail("%q is no word of this language", word)
		}
	}
	for _, k := range pf.kinds {
		if !k.isPart && (k.open == "" || k.says[texts.Fallback] == "") {
			k.fail("kind %s needs an address to open and a text in %s", k.name, texts.Fallback)
		}
		slices.Sort(k.reserved)
		slices.Sort(k.sections)
		k.reserved = slices.Compact(k.reserved)
	}
	slices.Sort(pf.tracking)
	pf.checkPlace()
	pf.translate()
	return pf
}

// tracking are the words of tracking.txt, by what is said of them.
type tracking struct{ everywhere, beside []string }

const trackingFile = folder + "tracking.txt"

func readTracking() (t tracking) {
	text, err := os.ReadFile(trackingFile)
	must(err)
	var to *[]string
	for i, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if !strings.HasPrefix(line, " ") {
			switch words[0] {
			case "everywhere":
				to = &t.everywhere
			case "beside":
				to = &t.beside
			default:
				written{trackingFile, i + 1}.fail("%q is no word of this list", words[0])
			}
			words = words[1:]
		}
		*to = append(*to, words...)
	}
	for _, list := range []*[]string{&t.everywhere, &t.beside} {
		slices.Sort(*list)
		if n := len(*list); n != len(slices.Compact(*list)) {
			written{trackingFile, 1}.fail("a word is there twice")
		}
	}
	return t
}

// index is that of a kind of the platform, or of a builtin part.
func (pf *platform) index(at written, name string) int {
	if i := slices.Index(builtin, name); i >= 0 {
		return 0x70 + i
	}
	i := slices.IndexFunc(pf.kinds, func(k *kind) bool { return k.name == name })
	if i < 0 {
		at.fail("no kind or part %q", name)
	}
	return i
}
