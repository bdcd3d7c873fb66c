package feed

import (
	"errors"
	"slices"
	"strings"

	"khien/server/phone"
	"khien/shared/subject"
)

// ErrPaymentCode is the text of a payment code that is damaged, or of no bank account.
var ErrPaymentCode = errors.New("not a payment code of a bank account, or a damaged one")

// region is where a telephone number without a country is of.
const region = "VN"

// Named are the things that a text names, as people write it into lists and ask for it: a canonical
// subject, a telephone number, an email address, a wallet, a bank account beside its bank's name, a
// payment code, or an address, which names several. The errors are ErrHref, ErrPaymentCode and those of
// subject.FromHref.
func Named(text string) ([]subject.Subject, error) {
	text = strings.TrimSpace(text)
	if s, err := subject.Parse(text); err == nil && s.IsAccount() {
		return []subject.Subject{s}, nil
	}
	if s, ok := telephone(text); ok {
		return []subject.Subject{s}, nil
	}
	if subject.IsLink(text) { // tel:, tg: and the like
		return subject.FromHref(nil, text)
	}
	href, err := Href(text)
	if host := authority(text); err == nil && !strings.ContainsAny(host, "@ ") && strings.ContainsAny(host, ".[:") {
		return subject.FromHref(nil, href)
	}
	if found, textErr := subject.FromText(text); textErr == nil && len(found) > 0 && found[0].IsAccount() {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(text, "000201") {
		return nil, ErrPaymentCode
	}
	return subject.FromHref(nil, href)
}

// Exact is the one thing that exactly this text names: the first account, else the page.
func Exact(text string) (subject.Subject, error) {
	named, err := Named(text)
	if err != nil {
		return "", err
	}
	return named[0], nil
}

// authority is what stands before the path, if text is taken for an address.
func authority(text string) string {
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
		if _, rest, ok := strings.Cut(text, "@"); ok { // with a scheme, it is a name and a password
			text = rest
		}
	}
	if i := strings.IndexAny(text, `/\?#`); i >= 0 {
		text = text[:i]
	}
	return text
}

// telephone reads a telephone number that stands alone, by Google's rules for all countries.
func telephone(text string) (subject.Subject, bool) {
	if strings.ContainsFunc(text, func(r rune) bool { return r > '9' && r != '\u00a0' }) || strings.Trim(text, "+0123456789 -.()/\u00a0") != "" || strings.Count(text, ".") == 3 && !strings.HasPrefix(text, "0") {
		return "", false // with letters, or an IP address
	}
	if parts := strings.Split(text, "."); len(parts) == 4 && slices.ContainsFunc(parts, func(part string) bool { return len(part) == 1 }) {
		return "", false // an IP address in octal numbers
	}
	n, ok := phone.Parse(text, region)
	if !ok || !n.IsValid() {
		return "", false
	}
	s, err := subject.Parse("phone:" + string(n))
	return s, err == nil
}
