// Platforms compiles the rules of the platforms (shared/subject/platforms/*.rules) to Go, for the core and for the
// server, to TypeScript and to documentation: go generate ./shared/subject.
//
// A file has one platform. Its first lines, with "#", say what is special about it. Then:
//
//	platform NAME TITLE
//	hosts [GROUP] HOST...        hosts whose forms are those of the group; "tg:" is a scheme
//	kind NAME SHAPE[ EXTRA] MIN..MAX [option...]
//	  open ADDRESS               an address that shows {id}
//	  LANGUAGE TEXT              how a person is told of {id}: in en, and in others or in their shared/texts/LANGUAGE/subject.txt
//	  reserved WORD...           no ids, though they look like ids
//	  sections WORD...           others write there, too: what follows the address and is none of these is a page of its own
//	kind NAME {part}TEXT{part}   an id that is put together
//	part NAME SHAPE ...          as kind, for a part of an address that is no subject
//	form [GROUP] PATTERN [=> SUBJECT...|nobody]
//	also [GROUP] PATTERN ...     a form; the search goes on behind it
//	target [GROUP] PATTERN [=> ADDRESS]   a page that leads to the address it captures
//	short [GROUP] PATTERN [=> [among] HOST/PATH]  a link that leads nobody knows where, and which it is if it goes by several names
//	tracking NAME...             parameters that on these hosts never say which page it is
//	comments NAME...             parameters that say that the page is about what somebody else wrote below it
//	pages HOST                   the host whose pages all hosts of the first group show
//	network NAME DOMAIN...       what people call it, or a part of it, and the domains where the scripts of the extension run
//	cards [DOMAIN...]            advice cards may be for it, on these domains besides
//	reach N                      how many people meet something there, from 1 to 3
//	owns DOMAIN...               what is the platform's own, with everything below: protected from being listed
//	things [KIND...]             what is of these kinds, or all, is nobody, but a group, a form or an app
//	takedown HOURS               how long it has to act; the lines below: where ADDRESS, mail ADDRESS, menu LANGUAGE TEXT
//
// Parameters that say so nowhere are in platforms/tracking.txt.
//
// A host may have {alternatives,in,braces}, [xx] or [xx-xx] for a language, [any] for one label and more, and <part>
// for a label that is captured. The shapes are those of package subject: handle, name, code, number, host. Every
// platform has the parts phone, vnphone, bin and account too: "=> phone" names the number, and "=> bank" the account at
// the bank, of which a query may have one in each of two parameters; "=> bank=TEMPLATE" puts them together. EXTRA are
// the signs besides letters and digits. Options: drop=C, prefix=TEXT, starts=letter, not=digits, not=numbered, has=.
//
// A pattern is /segment/segment?key=value#fragment; ?={url} takes all of the query, and /segment;key=value a parameter
// that is a segment of the path. A {kind} captures, "*" stands for anything, and what follows the last segment does not
// matter. Behind "&" stands a key that the query must have, too. Behind "=>" stand the subjects, the narrowest first: a
// kind, or kind=TEMPLATE with {captures}, {host} and {site-host}. Behind the word "of" stands what the page is of and
// not about: a post is of whoever wrote it, a member of a group. A page that goes on behind the last segment of its
// pattern is so too. With "among" for "of", others write there, too: what is listed because of the page is the page,
// and not the place. Forms are tried in the order in which they stand; the first one that fits is the last one.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const folder = "platforms/"

func main() {
	for file, text := range generated() {
		must(os.WriteFile(file, text, 0o644))
	}
}

// generated is all that is made of the rules, by file.
func generated() map[string][]byte {
	files, err := filepath.Glob(folder + "*.rules")
	if err != nil || len(files) == 0 {
		fmt.Fprintln(os.Stderr, "platforms: no rules here; run it by go generate ./shared/subject")
		os.Exit(1)
	}
	var all []*platform
	for _, file := range files {
		all = append(all, read(file))
	}
	t := readTracking()
	return map[string][]byte{
		"platforms_gen.go":                                    program(all, t),
		"../../docs/subjects.md":                              document(all, t),
		"../../server/platform/platforms_gen.go":              placesInGo(all),
		"../../extension/src/shared/platforms_gen.ts":         placesInTypeScript(all),
		"../../extension/src/content/evidence/readers_gen.ts": readers(all),
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "platforms:", err)
		os.Exit(1)
	}
}
