// Package bidi keeps what others wrote from turning around what stands beside it on a page.
//
// A text in a script that runs from right to left is set apart in an element of its own, so that it turns nothing but
// itself; and the characters that only say in which direction to go are shown as what they are, since nobody can see
// them and one of them is enough to have "exe.gpj" read as "jpg.exe". Templates does it in every place of a template
// that prints text, so that none can be forgotten.
package bidi

import (
	"fmt"
	"html/template"
	"reflect"
	"slices"
	"strings"
	"text/template/parse"

	"golang.org/x/text/unicode/bidi"
)

// open and shut stand around a text within a message until it is on a page. They are no characters, and no text may
// hold them.
const open, shut = '\ufdd0', '\ufdd1'

// turns tells whether a character only says in which direction to go, or is one of ours.
func turns(r rune) bool {
	return r == '\u061c' || r == '\u200e' || r == '\u200f' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u206f' || r == open || r == shut
}

// odd tells whether a text can turn anything.
func odd(text string) bool {
	for _, r := range text {
		if r < 0x590 { // before the first of them
			continue
		}
		p, _ := bidi.LookupRune(r)
		if c := p.Class(); turns(r) || c == bidi.R || c == bidi.AL || c == bidi.AN {
			return true
		}
	}
	return false
}

// Visible is a text with the characters that turn others written out, such as [U+202E].
func Visible(text string) string {
	if strings.IndexFunc(text, turns) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if turns(r) {
			fmt.Fprintf(&b, "[U+%04X]", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Args sets the texts apart that fill the places of a message.
func Args(args []any) []any {
	set := slices.Clone(args)
	for i, one := range args {
		if text, ok := textOf(one); ok && odd(text) {
			set[i] = string(open) + Visible(text) + string(shut)
		}
	}
	return set
}

// Plain is a message for where there are no elements.
func Plain(message string) string {
	var b strings.Builder
	parts(message, func(text string, apart bool) {
		if apart {
			text = "\u2068" + text + "\u2069"
		}
		b.WriteString(text)
	})
	return b.String()
}

// Bare is a message for where nothing can be set apart, such as a terminal.
func Bare(message string) string {
	return strings.Map(func(r rune) rune {
		if r == open || r == shut {
			return -1
		}
		return r
	}, message)
}

// Apart is a value as a page prints it: a text or a message that could turn what stands beside it becomes an element of
// its own.
func Apart(value any) any {
	text, ok := textOf(value)
	if !ok || !odd(text) {
		return value
	}
	var b strings.Builder
	b.WriteString("<bdi>")
	parts(text, func(text string, apart bool) {
		text = template.HTMLEscapeString(text)
		if apart {
			text = "<bdi>" + text + "</bdi>"
		}
		b.WriteString(text)
	})
	b.WriteString("</bdi>")
	return template.HTML(b.String())
}

// parts tells the pieces of a message, visible, and which of them Args has set apart.
func parts(message string, f func(text string, apart bool)) {
	for message != "" {
		before, rest, found := strings.Cut(message, string(open))
		within, after, whole := strings.Cut(rest, string(shut))
		if !found || !whole || strings.ContainsRune(within, open) {
			f(Visible(message), false)
			return
		}
		f(Visible(before), false)
		f(Visible(within), true)
		message = after
	}
}

// textOf is what a value is as a text; what is a part of a page already, and what is no text, is none.
func textOf(value any) (string, bool) {
	switch value := value.(type) {
	case template.HTML, nil:
		return "", false
	case string:
		return value, true
	case fmt.Stringer:
		return value.String(), true
	case error:
		return value.Error(), true
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.String {
		return v.String(), true
	}
	return "", false
}

// Func is the name of Apart in templates.
const Func = "apart"

// Templates puts Apart after everything that a template and those beside it print between elements. Func must be among
// their functions. What stands in a tag or in a textarea stays: a form sends back what it was given.
func Templates(t *template.Template) {
	for _, one := range t.Templates() {
		if one.Tree != nil {
			new(scanner).list(one.Tree.Root)
		}
	}
}

// scanner knows where in a page a template is.
type scanner struct {
	tag   bool // within a tag
	quote byte // within a quoted value of it; 0 if not
	name  string
	raw   bool // within a textarea
}

func (s *scanner) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			s.text(string(n.Text))
		case *parse.ActionNode:
			if !s.tag && !s.raw && len(n.Pipe.Decl) == 0 {
				appendFunc(n.Pipe)
			}
		case *parse.IfNode:
			s.branch(&n.BranchNode)
		case *parse.RangeNode:
			s.branch(&n.BranchNode)
		case *parse.WithNode:
			s.branch(&n.BranchNode)
		}
	}
}

// branch goes through both ways of a branch; html/template wants them to end in the same place.
func (s *scanner) branch(b *parse.BranchNode) {
	other := *s
	s.list(b.List)
	other.list(b.ElseList)
}

func (s *scanner) text(text string) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case !s.tag && c == '<':
			s.tag, s.name = true, text[i+1:]
			if end := strings.IndexAny(s.name, " >\n"); end >= 0 {
				s.name = s.name[:end]
			}
		case !s.tag:
		case s.quote != 0:
			if c == s.quote {
				s.quote = 0
			}
		case c == '"' || c == '\'':
			s.quote = c
		case c == '>':
			s.tag = false
			s.raw = s.name == "textarea" || s.raw && s.name != "/textarea"
		}
	}
}

func appendFunc(pipe *parse.PipeNode) {
	if last := pipe.Cmds[len(pipe.Cmds)-1]; len(last.Args) == 1 && last.Args[0].String() == Func {
		return
	}
	pipe.Cmds = append(pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pipe.Pos, Args: []parse.Node{parse.NewIdentifier(Func).SetPos(pipe.Pos)}})
}
