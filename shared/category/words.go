//go:build !wasip1

package category

import (
	"strconv"

	"khien/shared/texts"
)

// What is said of a kind is in category.txt of each language. The core carries none of it: the extension has it among
// its messages.

// Name is a short title in lang, such as "Fake investment"; what a language does not say reads as English.
func (c Category) Name(lang string) string { return say(lang, c.Slug()) }

// How tells in two sentences of lang how this kind of scam works.
func (c Category) How(lang string) string { return say(lang, c.Slug()+".how") }

// Advice tells in one to three sentences of lang what to do, and how to tell it.
func (c Category) Advice(lang string) string { return say(lang, c.Slug()+".advice") }

// Name is what it is called, in lang.
func (f Form) Name(lang string) string { return say(lang, "form."+strconv.Itoa(f.Number)) }

func say(lang, key string) string { return texts.Say(lang, "category.txt", key) }
