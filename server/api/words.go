package api

import (
	"khien/server/words"
	"khien/shared/texts"
)

// said are the translations, by the English sentence.
var said = words.Of(append([]string{texts.Fallback}, texts.Languages("api.txt")...), func(lang string) map[string]string { return texts.Lines(lang, "api.txt") })

// Reader is the language of what went wrong, for who prefers some, as Accept-Language has it.
func Reader(preferred string) string { return said.Reader("", preferred) }
