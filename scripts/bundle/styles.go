package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// styles refuses style sheets that know left from right: the pages must also serve those who write from right to left.
func (b build) styles() error {
	sheets, err := filepath.Glob(filepath.Join(b.source, "pages", "*.css"))
	if err != nil {
		return err
	}
	var wrong []string
	for _, sheet := range sheets {
		text, err := os.ReadFile(sheet)
		if err != nil {
			return err
		}
		for _, declaration := range physical(string(text)) {
			wrong = append(wrong, filepath.Base(sheet)+": "+declaration)
		}
	}
	if len(wrong) > 0 {
		return errors.New("style sheets name sides; use inline and block, start and end (CSS Logical Properties):\n  " + strings.Join(wrong, "\n  "))
	}
	return nil
}

var (
	comment  = regexp.MustCompile(`(?s)/\*.*?\*/`)
	strs     = regexp.MustCompile(`"[^"\n]*"|'[^'\n]*'`)
	sided    = regexp.MustCompile(`(^|-)(left|right)(-|$)`)
	sides    = regexp.MustCompile(`\b(left|right)\b`)
	placings = regexp.MustCompile(`^(text-align|text-align-last|float|clear|justify-(content|items|self)|caption-side|resize|object-position|background-position(-x)?|transform-origin)$`)
	// Of four values, the second and the fourth are right and left; of a radius, the corners are.
	boxes = regexp.MustCompile(`^(margin|padding|inset|border-(width|style|color)|scroll-(margin|padding))$`)
)

// physical finds the declarations of a sheet that would be wrong in a mirrored page.
func physical(sheet string) []string {
	text := strs.ReplaceAllString(comment.ReplaceAllString(sheet, ""), `""`)
	var found []string
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '{' || r == '}' || r == ';' }) {
		property, value, ok := strings.Cut(strings.TrimSpace(part), ":")
		property, value = strings.TrimSpace(property), strings.Join(strings.Fields(value), " ")
		if !ok || strings.ContainsAny(property, " @(.#>,[\n") {
			continue // a selector, or the condition of a rule
		}
		v := strings.Fields(value)
		switch {
		case sided.MatchString(property),
			placings.MatchString(property) && sides.MatchString(value),
			boxes.MatchString(property) && len(v) == 4 && v[1] != v[3],
			property == "border-radius" && len(v) == 4 && (v[0] != v[1] || v[2] != v[3]),
			property == "border-radius" && (len(v) == 2 || len(v) == 3) && v[0] != v[1],
			strings.Contains(value, "translateX("):
			found = append(found, fmt.Sprintf("%s: %s", property, value))
		}
	}
	return found
}
