// Platforms compiles the rules of the platforms (shared/subject/platforms/*.rules) to Go and
// to documentation: go generate ./shared/subject.
//
// A file has one platform. Its first lines, with "#", say what is special about it. Then:
//
//	platform NAME TITLE
//	hosts [GROUP] HOST...        hosts whose forms are those of the group; "tg:" is a scheme
//	kind NAME SHAPE[ EXTRA] MIN..MAX [option...]
//	  open ADDRESS               an address that shows {id}
//	  en|vi|pl TEXT              how a person is told of {id}
//	  reserved WORD...           no ids, though they look like ids
//	kind NAME {part}TEXT{part}   an id that is put together
//	part NAME SHAPE ...          as kind, for a part of an address that is no subject
//	form [GROUP] PATTERN [=> SUBJECT...|nobody]
//	also [GROUP] PATTERN ...     a form; the search goes on behind it
//	target [GROUP] PATTERN [=> ADDRESS]   a page that leads to the address it captures
//	short [GROUP] PATTERN        a link that leads nobody knows where
//
// A host may have {alternatives,in,braces}, [xx] or [xx-xx] for a language, and <part> for a
// label that is captured. The shapes are those of package subject: handle, name, code, number,
// host. EXTRA are the signs besides letters and digits. Options: drop=C, prefix=TEXT,
// starts=letter, not=digits, not=numbered, has=.
//
// A pattern is /segment/segment?key=value#fragment. A {kind} captures, "*" stands for anything,
// and what follows the last segment does not matter. Behind "=>" stand the subjects, the
// narrowest first: a kind, or kind=TEMPLATE with {captures}, {host} and {site-host}.
// Forms are tried in the order in which they stand; the first one that fits is the last one.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const folder = "platforms/"

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
}

type host struct{ text, group string }

type kind struct {
	written
	name, rule, parts, open string
	says                    map[string]string
	reserved                []string
	isPart                  bool
}

type form struct {
	written
	word, group, pattern, out string
}

var languages = []string{"en", "vi", "pl"}

var builtin = []string{"phone", "vnphone", "url", "rest", "proxied", "code"}

func main() {
	files, err := filepath.Glob(folder + "*.rules")
	if err != nil || len(files) == 0 {
		fmt.Fprintln(os.Stderr, "platforms: no rules here; run it by go generate ./shared/subject")
		os.Exit(1)
	}
	var all []*platform
	for _, file := range files {
		all = append(all, read(file))
	}
	must(os.WriteFile("platforms_gen.go", program(all), 0o644))
	must(os.WriteFile("../../docs/subjects.md", document(all), 0o644))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "platforms:", err)
		os.Exit(1)
	}
}

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
		case indented && strings.HasPrefix(line, "    "), indented && last == "hosts":
			words := strings.Fields(line)
			if last == "hosts" {
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
		if !k.isPart && (k.open == "" || len(k.says) != len(languages)) {
			k.fail("kind %s needs an address to open and a text in each of %v", k.name, languages)
		}
		slices.Sort(k.reserved)
		k.reserved = slices.Compact(k.reserved)
	}
	return pf
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

var bracesPattern = regexp.MustCompile(`\{([^{}]*)\}`)

// alternatives expands {braces,like,these}.
func alternatives(text string) []string {
	m := bracesPattern.FindStringSubmatchIndex(text)
	if m == nil {
		return []string{text}
	}
	var all []string
	for _, alternative := range strings.Split(text[m[2]:m[3]], ",") {
		all = append(all, alternatives(text[:m[0]]+alternative+text[m[1]:])...)
	}
	return all
}

// domain must do as the function of the same name in package subject.
func domain(host string) string {
	labels := strings.Split(host, ".")
	n := len(labels)
	keep := 2
	if n > 2 && len(labels[n-1]) == 2 && slices.Contains([]string{"co", "com", "net", "org"}, labels[n-2]) {
		keep = 3
	}
	return strings.Join(labels[max(0, n-keep):], ".")
}

// version is the beginning of the SHA-256 of all files.
func version() string {
	files, err := filepath.Glob(folder + "*.rules")
	must(err)
	h := sha256.New()
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(err)
		h.Write(text)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:4])
}

type hostRule struct {
	domain, labels, wild, part string
	platform, group            int
}

func rules(all []*platform) []hostRule {
	var rules []hostRule
	seen := map[string]string{}
	for i, pf := range all {
		for _, h := range pf.hosts {
			for _, text := range alternatives(h.text) {
				if other := seen[text]; other != "" {
					pf.fail("host %s is also in %s", text, other)
				}
				seen[text] = pf.name
				r := hostRule{domain: text, wild: "exactly", part: "0", platform: i, group: slices.Index(pf.groups, h.group)}
				if !strings.HasSuffix(text, ":") {
					r.domain = domain(text)
					r.labels = strings.TrimSuffix(text, r.domain)
				}
				switch {
				case strings.HasPrefix(r.labels, "[xx-xx]."):
					r.labels, r.wild = r.labels[len("[xx-xx]."):], "locale"
				case strings.HasPrefix(r.labels, "[xx]."):
					r.labels, r.wild = r.labels[len("[xx]."):], "language"
				case strings.HasPrefix(r.labels, "<"):
					name, rest, _ := strings.Cut(r.labels[1:], ">.")
					r.labels, r.wild = rest, "anyLabel"
					r.part = strconv.Itoa(pf.index(pf.written, name))
				}
				rules = append(rules, r)
			}
		}
	}
	slices.SortStableFunc(rules, func(a, b hostRule) int {
		if c := strings.Compare(a.domain, b.domain); c != 0 {
			return c
		}
		return strings.Compare(order(a), order(b))
	})
	return rules
}

// domainSlots is the length of the table of domains, a power of two.
const domainSlots = 512

// hashOf must do as the function of the same name in package subject.
func hashOf(domain string) uint32 {
	h := uint32(0)
	for i := range len(domain) {
		h = h*31 + uint32(domain[i])
	}
	return h
}

// order: what is exact comes before what is wild.
func order(r hostRule) string {
	return map[string]string{"exactly": "0", "locale": "1", "language": "2", "anyLabel": "3"}[r.wild]
}

func program(all []*platform) []byte {
	b := new(bytes.Buffer)
	p := func(text string, args ...any) { fmt.Fprintf(b, text, args...) }
	p("// Code generated by scripts/platforms; DO NOT EDIT.\n\npackage subject\n\nconst languages = %d\n\n", len(languages))
	p("// Rules names the rules of the platforms: the beginning of the SHA-256 of their files.\nconst Rules = %q\n\n", version())
	p("var platforms = [...]platform{\n")
	for _, pf := range all {
		p("{name: %q,\nkinds: []kind{\n", pf.name)
		for _, k := range pf.kinds {
			p("{name: %q", k.name)
			if !k.isPart {
				p(", prefix: %q", pf.name+":"+k.name+"/")
			}
			if k.parts != "" {
				p(", parts: %q", pattern(pf, k.written, k.parts))
			} else {
				p(", rule: %s", ruleOf(k))
			}
			if k.open != "" {
				p(", open: %q, says: [languages]string{", shows(pf, k.written, k.open))
				for _, lang := range languages {
					p("%q,", shows(pf, k.written, k.says[lang]))
				}
				p("}")
			}
			if len(k.reserved) > 0 {
				p(",\nreserved: %q", strings.Join(k.reserved, " ")+" ")
			}
			p("},\n")
		}
		p("},\nforms: []form{\n")
		for _, f := range pf.forms {
			p("%s,\n", formOf(pf, f))
		}
		p("}},\n")
	}
	p("}\n\n")
	list := rules(all)
	p("var hostRules = [...]hostRule{\n")
	for _, r := range list {
		p("{%q, %s, %s, %d, %d},\n", r.labels, r.wild, r.part, r.platform, r.group)
	}
	p("}\n\n// domains are those below which hosts of platforms are, with where their hostRules begin and end.\n")
	p("var domains = [...]domainRules{\n")
	var slots [domainSlots]int // index of domains plus one
	count := 0
	for from := 0; from < len(list); {
		to := from
		for to < len(list) && list[to].domain == list[from].domain {
			to++
		}
		p("{%q, %d, %d},\n", list[from].domain, from, to)
		count++
		slot := hashOf(list[from].domain) % domainSlots
		for slots[slot] != 0 {
			slot = (slot + 1) % domainSlots
		}
		slots[slot] = count
		from = to
	}
	if count > domainSlots/2 || count > 255 {
		must(fmt.Errorf("%d domains are too many for %d slots", count, domainSlots))
	}
	p("}\n\n// domainAt is where to find a domain: the slot of its hash, or the next ones.\nvar domainAt = [%d]uint8{", domainSlots)
	for i, slot := range slots {
		if i%32 == 0 {
			p("\n")
		}
		p("%d,", slot)
	}
	p("\n}\n")
	text, err := format.Source(b.Bytes())
	must(err)
	return text
}

func ruleOf(k *kind) string {
	words := strings.Fields(k.rule)
	shape := words[0]
	if shape == "host" {
		shape = "hostname"
	}
	extra, flags := "", []string(nil)
	out := ""
	bounds := false
	for _, w := range words[1:] {
		low, high, isRange := strings.Cut(w, "..")
		_, err := strconv.Atoi(low)
		switch {
		case isRange && err == nil && !bounds:
			out += fmt.Sprintf(", min: %s, max: %s", low, high)
			bounds = true
		case strings.HasPrefix(w, "drop="):
			out += fmt.Sprintf(", drop: %q", w[5:])
		case strings.HasPrefix(w, "prefix="):
			out += fmt.Sprintf(", begins: %q", w[7:])
		case w == "starts=letter":
			flags = append(flags, "startsWithLetter")
		case w == "not=digits":
			flags = append(flags, "notDigits")
		case w == "not=numbered":
			flags = append(flags, "notNumbered")
		case w == "has=.":
			flags = append(flags, "hasDot")
		case extra == "" && !bounds:
			extra = w
		default:
			k.fail("what is %q?", w)
		}
	}
	if !bounds {
		k.fail("no MIN..MAX")
	}
	if extra != "" {
		out += fmt.Sprintf(", extra: %q", extra)
	}
	if flags != nil {
		out += ", flags: " + strings.Join(flags, "|")
	}
	return fmt.Sprintf("rule{shape: %s%s}", shape, out)
}

var capturePattern = regexp.MustCompile(`\{[^}]*\}|\*|%20`)

// pattern compiles a pattern or a template: what its bytes mean, package subject says.
func pattern(pf *platform, at written, text string) string { return compile(pf, at, text, false) }

// shows compiles a template that shows a kind: there {id} is all of its id.
func shows(pf *platform, at written, text string) string { return compile(pf, at, text, true) }

func compile(pf *platform, at written, text string, whole bool) string {
	out := ""
	for text != "" {
		m := capturePattern.FindStringIndex(text)
		if m == nil {
			return out + text
		}
		out += text[:m[0]]
		switch found := text[m[0]:m[1]]; {
		case found == "%20":
			out += " "
		case found == "*", found == "{id}" && whole:
			out += "\x02"
		case found == "{host}":
			out += "\x03"
		case found == "{site-host}":
			out += "\x04"
		default:
			out += "\x01" + string([]byte{byte(0x80 + pf.index(at, strings.Trim(found, "{}")))})
		}
		text = text[m[1]:]
	}
	return out
}

// shortHost is the host in the subject of a short link: of a platform's own links one for all of its
// hosts.
func shortHost(f form) string {
	if f.group == "" {
		return "{site-host}"
	}
	return "{host}"
}

func formOf(pf *platform, f form) string {
	var fields []string
	set := func(text string, args ...any) { fields = append(fields, fmt.Sprintf(text, args...)) }
	set("group: %d", slices.Index(pf.groups, f.group))
	if f.word == "also" {
		set("also: true")
	}
	path, fragment, hasFragment := strings.Cut(f.pattern, "#")
	query := ""
	if !hasFragment {
		path, query, _ = strings.Cut(path, "?")
	}
	if segments := strings.Trim(path, "/"); segments != "" && path != "{proxied}" {
		set("path: %q", pattern(pf, f.written, segments)+"/")
		if strings.HasSuffix(segments, "{rest}") {
			set("rest: true")
		}
	}
	if query != "" {
		set("query: %q", pattern(pf, f.written, query)+"&")
	}
	if hasFragment {
		set("fragment: %q", pattern(pf, f.written, fragment))
	}
	captured := []string{}
	for _, m := range regexp.MustCompile(`\{([^}]*)\}`).FindAllStringSubmatch(f.pattern, -1) {
		captured = append(captured, m[1])
	}
	switch {
	case f.word == "short":
		text := shortHost(f) + "/" + strings.TrimPrefix(f.pattern, "/")
		set("out: %q", "short:"+pattern(pf, f.written, text)+"\n")
	case f.out == "nobody": // names nothing, and ends the search
	case f.word == "target":
		out := f.out
		if out == "" {
			if len(captured) != 1 {
				f.fail("a target captures one address, or says how it is put together")
			}
			out = "{" + captured[0] + "}"
		}
		if out == "{proxied}" {
			out = ""
		}
		set("leads: true, out: %q", pattern(pf, f.written, out)+"\n")
	default:
		outs := strings.Fields(f.out)
		if len(outs) == 0 {
			if len(captured) != 1 {
				f.fail("what does it name?")
			}
			outs = captured
		}
		list := ""
		for _, out := range outs {
			name, template, ok := strings.Cut(out, "=")
			if name == "phone" || name == "vnphone" {
				i := slices.IndexFunc(captured, func(c string) bool { return c == "phone" || c == "vnphone" })
				if i < 0 {
					f.fail("no telephone number is captured")
				}
				list += "phone:" + pattern(pf, f.written, "{"+captured[i]+"}") + "\n"
				continue
			}
			i := pf.index(f.written, name)
			if i >= len(pf.kinds) || pf.kinds[i].isPart {
				f.fail("no kind %q", name)
			}
			k := pf.kinds[i]
			if !ok {
				if template = "{" + name + "}"; k.parts != "" {
					template = k.parts
				}
			}
			list += pf.name + ":" + name + "/" + pattern(pf, f.written, template) + "\n"
		}
		set("out: %q", list)
	}
	return "{" + strings.Join(fields, ", ") + "}"
}
