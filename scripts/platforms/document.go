package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
)

// document is docs/subjects.md: what is written by hand (subjects.md beside the rules), and
// where it says so, what the rules say.
func document(all []*platform, t tracking) []byte {
	text, err := os.ReadFile(folder + "subjects.md")
	must(err)
	const here = "<!-- platforms -->\n"
	written := strings.NewReplacer("<!-- everywhere -->", code(t.everywhere), "<!-- beside -->", code(t.beside)).Replace(string(text))
	before, after, ok := strings.Cut(written, here)
	if !ok {
		must(fmt.Errorf("%ssubjects.md has no line %s", folder, here))
	}
	b := new(bytes.Buffer)
	fmt.Fprintf(b, "<!-- Written by scripts/platforms from shared/subject/platforms; change those. -->\n\n%s", before)
	fmt.Fprintf(b, "These are the rules `%s`, which `khien subject --rules` prints too.\n\n", version())
	for _, pf := range slices.SortedFunc(slices.Values(all), func(a, b *platform) int {
		return strings.Compare(strings.ToLower(a.title), strings.ToLower(b.title))
	}) {
		pf.document(b)
	}
	b.WriteString(after)
	return b.Bytes()
}

func (pf *platform) document(b *bytes.Buffer) {
	p := func(text string, args ...any) { fmt.Fprintf(b, text, args...) }
	p("### %s\n\n", pf.title)
	if len(pf.about) > 0 {
		p("%s\n\n", strings.Join(pf.about, " "))
	}
	hosts := map[string][]string{}
	for _, h := range pf.hosts {
		hosts[h.group] = append(hosts[h.group], alternatives(h.text)...)
	}
	if len(pf.tracking) > 0 {
		p("Tracking on these hosts: %s.\n\n", code(pf.tracking))
	}
	if pf.pages != "" {
		p("A page that is nobody's is the same on all hosts of the first table: `%s`.\n\n", pf.pages)
	}
	if len(pf.comments) > 0 {
		p("Of what somebody has written below are pages with %s.\n\n", code(pf.comments))
	}
	for _, k := range pf.kinds {
		if len(k.sections) > 0 {
			p("Others write in `%s:%s/…`, too: what follows its address is a page of its own, but for %s.\n\n", pf.name, k.name, code(k.sections))
		}
	}
	kinds := false
	for _, k := range pf.kinds {
		if k.isPart {
			continue
		}
		if !kinds {
			p("| canonical | id | a person reads | opens |\n|---|---|---|---|\n")
			kinds = true
		}
		id := "{id}"
		if k.parts != "" {
			id = k.parts
		}
		p("| `%s:%s/%s` | `%s` | %s | `%s` |\n", pf.name, k.name, id, strings.ReplaceAll(k.rule+k.parts, "|", "\\|"), k.says["en"], k.open)
	}
	if kinds {
		p("\n")
	}
	for _, group := range pf.groups {
		if len(hosts[group]) == 0 {
			continue
		}
		p("On %s:\n\n| address | names |\n|---|---|\n", code(hosts[group]))
		for _, f := range pf.forms {
			if f.group == group {
				p("| `%s` | %s |\n", strings.ReplaceAll(f.pattern, "|", "\\|"), f.says(pf))
			}
		}
		p("\n")
	}
}

func code(list []string) string {
	return "`" + strings.Join(list, "` `") + "`"
}

// says tells what a form names.
func (f form) says(pf *platform) string {
	switch {
	case f.word == "short" && f.out != "":
		return "`short:" + strings.TrimPrefix(f.out, "among ") + "`"
	case f.word == "short":
		return "`short:" + shortHost(f) + "/" + strings.TrimPrefix(f.pattern, "/") + "`"
	case f.word == "target" && f.out == "":
		return "what the address leads to"
	case f.word == "target":
		return "what `" + f.out + "` names"
	case f.out == "nobody":
		return "nobody"
	}
	outs, of, aside := f.outs()
	if len(outs) == 0 {
		_, captured, _ := strings.Cut(f.pattern, "{")
		captured, _, _ = strings.Cut(captured, "}")
		outs = []string{captured}
	}
	for i, out := range outs {
		name, template, ok := strings.Cut(out, "=")
		switch {
		case name == "phone":
			outs[i] = "`phone:+…`"
			continue
		case name == "bank":
			if !ok {
				template = "{bin}/{account}"
			}
			outs[i] = "`bank:" + template + "`"
			continue
		case !ok:
			template = "{" + name + "}"
			for _, k := range pf.kinds {
				if k.name == name && k.parts != "" {
					template = k.parts
				}
			}
		}
		outs[i] = "`" + pf.name + ":" + name + "/" + template + "`"
	}
	if of >= 0 {
		outs[of] = "of " + outs[of]
		if aside {
			outs[of] = "the page, in " + strings.TrimPrefix(outs[of], "of ")
		}
	}
	return strings.Join(outs, ", ")
}
