package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"khien/server/bidi"
	"khien/server/words"
	"khien/shared/subject"
)

// said are the words of the log. A text has places in braces; see fill.
var said = words.Read("audit.txt")

// closed are the arguments whose values are words of the program: each has a text in every language.
var closed = []string{"two", "guard", "cause", "beside", "role", "state"}

// notes are what is said of an act beside what was done and why, in this order, by the argument that it is about.
var notes = []string{"beside", "off", "left", "from", "alone", "far", "two", "guard", "cause", "theirs", "source", "by", "clock", "draft", "report", "passkey"}

// What says what was done, in a language. Texts of others are set apart as package bidi does.
func (a Act) What(lang string) string {
	if a.Verb == Said || a.odd {
		return apart(a.args)
	}
	values := a.values()
	what := text(lang, "verb."+string(a.Verb), values)
	if a.Args.Failed {
		what = text(lang, "failed", nil) + " " + what
	}
	return what
}

// Because says why it was done, in a language: what somebody wrote, as it is, and what the program knows of it.
func (a Act) Because(lang string) string {
	var parts []string
	if a.Why.Text != "" {
		parts = append(parts, apart(a.Why.Text))
	}
	if a.Verb == Said || a.odd {
		return strings.Join(parts, "; ")
	}
	values := a.values()
	for _, name := range notes {
		key := "note." + name
		switch {
		case values[name] == nil, name == "two" && a.Args.Alone, name == "by" && a.Verb == StopPerson:
			continue
		case name == "by" && a.Args.Made != 0:
			key = "note.unopposed"
		case name == "alone" && a.Args.Two != "":
			key = "note.alonetwo"
		}
		parts = append(parts, text(lang, key, values))
	}
	return strings.Join(parts, "; ")
}

// Text is an object in words.
func (o Object) Text(lang string) string {
	if _, ok := kinds[o.Kind]; !ok { // as an entry of before has it
		return apart(o.String())
	}
	return text(lang, "object."+string(o.Kind), map[string]any{"id": o.ID})
}

// Text says what is wrong.
func (b *Broken) Text(lang string) string {
	return text(lang, "broken."+b.What, map[string]any{"entry": json.Number(fmt.Sprint(b.Entry)), "left": json.Number(fmt.Sprint(b.Left))})
}

// TakesTwo says why something takes two people: many (with how many), popular, suffix (with which), official or bytwo.
func TakesTwo(lang, why, of string) string { return text(lang, "two."+why, map[string]any{"of": of}) }

// Beside says what a release changes beside the list, by a word of Changes in package triage.
func Beside(lang, what string) string { return text(lang, "beside."+what, nil) }

// Guarded says why something may not be listed, by a rule of package publish.
func Guarded(lang, rule string) string { return text(lang, "guard."+rule, nil) }

// Caused says why something has happened by itself to what is about a subject.
func Caused(lang, cause string, about subject.Subject) string {
	return text(lang, "cause."+cause, map[string]any{"names": []any{string(about)}})
}

func text(lang, key string, values map[string]any) string {
	text := said.Text(lang, key)
	if text == "" {
		return "⟦" + key + "⟧"
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		place, after, _ := strings.Cut(rest, "}")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString(fill(lang, place, values))
		text = after
	}
}

// fill says the value of a place: {by} as it is, {count#} as a number, {count:indicator} as a number with what there
// are so many of, {made@} as a time, {role/} and {beside/} in the words of the program.
func fill(lang, place string, values map[string]any) string {
	end := strings.IndexAny(place, "#:@/")
	if end < 0 {
		if number, ok := values[place].(json.Number); ok {
			return number.String()
		}
		return strings.Join(each(textsOf(values[place]), apart), ", ")
	}
	name, how, noun := place[:end], place[end], place[end+1:]
	number, _ := values[name].(json.Number)
	n, _ := number.Int64()
	switch how {
	case '@':
		return time.Unix(n, 0).UTC().Format("2006-01-02 15:04 UTC")
	case '/':
		return strings.Join(each(textsOf(values[name]), func(word string) string { return text(lang, name+"."+word, values) }), ", ")
	}
	digits := words.Digits(lang, int(n))
	if how == '#' {
		return digits
	}
	if noun == "minute" && n%60 == 0 {
		return fill(lang, "n:hour", map[string]any{"n": json.Number(fmt.Sprint(n / 60))})
	}
	tongue := said.SaidIn(lang, "noun."+noun)
	return text(tongue, said.Form(tongue, "noun."+noun, int(n)), map[string]any{"n": digits})
}

func each(list []string, f func(string) string) []string {
	list = slices.Clone(list)
	for i, one := range list {
		list[i] = f(one)
	}
	return list
}

// apart sets a text of others apart from what stands beside it.
func apart(text string) string { return bidi.Args([]any{text})[0].(string) }
