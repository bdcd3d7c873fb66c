package main

import (
	"strconv"
	"strings"
	"testing"
	"unicode"

	"khien/shared/category"
	"khien/shared/texts"
)

// Whoever is twelve years old, or tired, or afraid, must understand every word that is shown. What can be counted of
// that is how long sentences are and, in English, how long words are: the reading grade of Flesch and Kincaid, which is
// the school year that a text is for. Vietnamese is counted in syllables, which are written apart.
func TestWordsArePlain(t *testing.T) {
	for _, lang := range texts.All() {
		longest, mean := bound(t, lang, "longest"), bound(t, lang, "mean")
		var words, count int
		for name, text := range allTexts(t, lang) {
			for _, sentence := range sentences(text) {
				n := len(strings.Fields(sentence))
				if n > longest {
					t.Errorf("%s: %s has a sentence of %d words: %q", lang, name, n, sentence)
				}
				words, count = words+n, count+1
			}
		}
		if count > 0 && words > mean*count {
			t.Errorf("%s: a sentence has %.1f words, more than %d", lang, float64(words)/float64(count), mean)
		}
	}
	var all []string
	for _, text := range allTexts(t, "en") {
		all = append(all, sentences(text)...)
	}
	if grade := readingGrade(all); grade > 5 {
		t.Errorf("the English words are for school year %.1f, beyond 5", grade)
	}
}

func TestReadingGradeTellsPlainFromLearned(t *testing.T) {
	plain := readingGrade([]string{"The dog ran home.", "It did not pay."})
	learned := readingGrade([]string{"Notwithstanding considerable institutional verification, unauthorised intermediaries continually misappropriate deposits."})
	if plain > 3 || learned < 12 {
		t.Errorf("grades are %.1f and %.1f", plain, learned)
	}
}

// bound is how long sentences may be, as language.txt has it: what is plain differs between languages.
func bound(t *testing.T, lang, key string) int {
	t.Helper()
	n, err := strconv.Atoi(texts.Lines(lang, "language.txt")[key])
	if err != nil {
		t.Fatalf("%s does not say how long a sentence may be: %v", lang, err)
	}
	return n
}

// allTexts are the messages that are sentences, and how each kind of scam works, by name.
func allTexts(t *testing.T, lang string) map[string]string {
	t.Helper()
	locales, err := house.spoken()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for name, m := range locales[lang] {
		if strings.HasSuffix(m.Message, ".") {
			texts[name] = m.Message
		}
	}
	for _, c := range category.All() {
		texts["category "+c.Slug()] = c.How(lang)
	}
	return texts
}

// sentences are the parts of a text between marks at which a reader rests.
func sentences(text string) []string {
	var found []string
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(".!?:;…", r) }) {
		if one = strings.TrimSpace(one); strings.ContainsRune(one, ' ') {
			found = append(found, one)
		}
	}
	return found
}

// readingGrade is the school year that English sentences are for (Kincaid et al. 1975).
func readingGrade(all []string) float64 {
	var words, syllables int
	for _, sentence := range all {
		for word := range strings.FieldsSeq(sentence) {
			words++
			syllables += vowels(word)
		}
	}
	return 0.39*float64(words)/float64(len(all)) + 11.8*float64(syllables)/float64(words) - 15.59
}

// vowels counts the syllables of an English word by its groups of vowels; an e at the end is silent.
func vowels(word string) int {
	word = strings.TrimSuffix(strings.ToLower(strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) })), "e")
	n, in := 0, false
	for _, r := range word {
		is := strings.ContainsRune("aeiouyê", r)
		if is && !in {
			n++
		}
		in = is
	}
	return max(n, 1)
}
