package api

import (
	"embed"
	"strings"
)

// Languages are those in which it is told what went wrong, the first being the fallback.
var Languages = []string{"en", "vi", "pl"}

//go:embed words
var wordFiles embed.FS

// sentences are the translations by language and by the English sentence.
var sentences = readWords()

func readWords() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, lang := range Languages[1:] {
		text, err := wordFiles.ReadFile("words/" + lang + ".txt")
		if err != nil {
			panic(err) // it is part of the program
		}
		all[lang] = map[string]string{}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			english, text, ok := strings.Cut(line, " = ")
			if _, twice := all[lang][english]; !ok || twice {
				panic("words/" + lang + ".txt: " + line)
			}
			all[lang][english] = text
		}
	}
	return all
}
