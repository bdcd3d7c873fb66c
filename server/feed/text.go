package feed

import (
	"errors"
	"strings"
	"unicode"

	"khien/shared/checker"
	"khien/shared/subject"
)

// Text is what package subject reads of a text that somebody asks about, as the extension hands it over: an address
// that stands alone is written as a browser writes it. The errors are those of subject.FromHref, ErrHref and
// ErrPaymentCode, for what stands alone and can only be meant as such.
func Text(text string) (string, error) {
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, unicode.IsSpace) || !isWeb(text) {
		if strings.HasPrefix(text, "000201") && len(text) > 40 {
			if things, err := subject.Things(text); err != nil || len(things) == 0 {
				return "", ErrPaymentCode
			}
		}
		return text, nil
	}
	return Href(text)
}

func isWeb(text string) bool {
	scheme, _, ok := strings.Cut(text, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// Things are the things that such a text names, each by all its names (subject.Things). For a text with more of them
// than are read there is an error beside those that are. The errors are those of Text and of subject.Things, and
// checker.ErrNothing.
func Things(text string, languages ...string) ([][]subject.Subject, error) {
	text, err := Text(text)
	if err != nil {
		return nil, err
	}
	things, err := subject.Things(text, languages...)
	if err == nil && len(things) == 0 {
		err = checker.ErrNothing
	}
	return things, err
}

// Asked is all that such a text names, in one list.
func Asked(text string, languages ...string) ([]subject.Subject, error) {
	things, err := Things(text, languages...)
	var all []subject.Subject
	for _, thing := range things {
		all = append(all, thing...)
	}
	if len(all) > 0 && errors.Is(err, subject.ErrTooLong) {
		err = nil
	}
	return all, err
}
