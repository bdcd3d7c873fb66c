package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

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

// outs is what a form says that it names, and how much of it the page is about; -1 is for all.
func (f form) outs() (outs []string, of int, aside bool) {
	outs = strings.Fields(f.out)
	if of = slices.Index(outs, "among"); of >= 0 {
		outs[of], aside = "of", true
	}
	if of = slices.Index(outs, "of"); of >= 0 {
		outs = slices.Delete(outs, of, of+1)
		if of >= len(outs) {
			f.fail("of what?")
		}
	}
	return outs, of, aside
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
		if before, inPath, ok := strings.Cut(path, ";"); ok {
			path, query = before, inPath
			set("inPath: true")
		}
	}
	if segments := strings.Trim(path, "/"); segments != "" && path != "{proxied}" {
		compiled := pattern(pf, f.written, segments) + "/"
		if compiled[0] > 4 {
			set("first: %q", compiled[0])
		}
		set("path: %q", compiled)
		if strings.HasSuffix(segments, "{rest}") {
			set("rest: true")
		}
	}
	if query != "" {
		query, having, _ := strings.Cut(query, "&")
		set("query: %q", pattern(pf, f.written, query))
		switch {
		case strings.Contains(having, "="):
			set("beside: %q", pattern(pf, f.written, having))
		case having != "":
			set("having: %q", having)
		}
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
		text, among := strings.CutPrefix(f.out, "among ")
		if among { // it is known which page that is
			set("of: 1, aside: true")
		}
		if text == "" {
			text = shortHost(f) + "/" + strings.TrimPrefix(f.pattern, "/")
		}
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
		outs, of, aside := f.outs()
		if len(outs) == 0 {
			if len(captured) != 1 {
				f.fail("what does it name?")
			}
			outs = captured
		}
		if of >= 0 {
			set("of: %d", of+1)
		}
		if aside {
			set("aside: true")
		}
		list := ""
		for _, out := range outs {
			name, template, ok := strings.Cut(out, "=")
			if name == "bank" {
				if !ok {
					template = "{bin}/{account}"
				}
				list += "bank:" + pattern(pf, f.written, template) + "\n"
				continue
			}
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
			if len(outs) == 1 && query == "" && len(k.sections) > 0 {
				set("sections: %q", strings.Join(k.sections, " ")+" ")
			}
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
