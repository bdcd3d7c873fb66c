package feed

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"

	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/subject"
)

// Why a line or cell is refused, beside ErrHref and the errors of package subject.
var (
	// ErrSeveral is text that names more than one thing, or has something beside it.
	ErrSeveral = errors.New("more than one thing in the line, or words around one")
	// ErrNumber is a number. No number is an IP address unless it has four parts or stands behind a scheme.
	ErrNumber = errors.New("a number, which names nothing: neither a telephone number, nor an IP address of four parts")
	// ErrHost is an address on what is no host.
	ErrHost = errors.New("no host name: letters, digits, hyphens and underscores between dots, or an IP address")
	// ErrRange is a range of IP addresses.
	ErrRange = errors.New("a range of addresses: name each of them")
	// ErrRule is a pattern, or a rule of some filter.
	ErrRule = errors.New("a pattern or a rule of a filter: name the host or the page itself")
	// ErrCut is an address that a page or the name of a file has only in part.
	ErrCut = errors.New("an address of which something was cut off, or that the name of a file was made of")
	// ErrQuotes is an address with quotes, brackets or separators of some other format around it.
	ErrQuotes = errors.New("quotes, brackets or separators beside the address")
)

// Entry reads what one line or cell of a list says: the one thing that it names, and the address as it was written
// there, in the form in which a browser has it; empty where the subject says as much. The errors are those above,
// ErrHref, ErrPaymentCode and those of subject.FromHref.
func Entry(text string) (s subject.Subject, address string, err error) {
	text = strings.TrimSpace(text)
	if len(text) > maxLine || !utf8.ValidString(text) || strings.ContainsFunc(text, isControl) {
		return "", "", ErrHref
	}
	if s, err := subject.Parse(text); err == nil && s.IsAccount() {
		return s, "", nil
	}
	if s, ok := telephone(text); ok {
		return s, "", nil
	}
	if strings.ContainsFunc(text, unicode.IsSpace) {
		if plain := spelledDots.ReplaceAllString(text, "."); !strings.ContainsFunc(plain, unicode.IsSpace) {
			text = plain
		}
	}
	text = rearm(text)
	if subject.IsLink(text) { // tel:, tg: and the like
		named, err := subject.FromHref(nil, text)
		if err != nil {
			return "", "", err
		}
		return named[0], "", nil
	}
	blank := strings.ContainsFunc(text, unicode.IsSpace)
	host := authority(text)
	if blank || strings.ContainsRune(host, '@') || !strings.ContainsAny(host, ".[:") {
		if things, err := subject.Things(text); err == nil && len(things) == 1 && things[0][0].IsAccount() && isNumbered(things[0][0]) {
			return things[0][0], "", nil
		}
	}
	switch {
	case blank:
		return "", "", ErrSeveral
	case strings.HasPrefix(text, "000201"):
		return "", "", ErrPaymentCode
	case strings.ContainsRune(host, '@'): // neither an email address, nor with a scheme before it
		return "", "", ErrHref
	}
	return fromAddress(text)
}

func isControl(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' || r == 0x7f }

// isNumbered tells what people write in words: a bank account beside the name of its bank, an email address, a wallet.
func isNumbered(s subject.Subject) bool {
	kind, _, _ := strings.Cut(string(s), ":")
	return kind == "bank" || kind == "email" || kind == "wallet"
}

// fromAddress reads an address without blanks.
func fromAddress(text string) (s subject.Subject, address string, err error) {
	if text, err = plainRule(text); err != nil {
		return "", "", err
	}
	if text == "" || strings.ContainsAny(text, "\"<>`") || strings.IndexByte(",;'|", text[len(text)-1]) >= 0 || !balanced(text) {
		return "", "", ErrQuotes
	}
	if isSeveral(text) {
		return "", "", ErrSeveral
	}
	if strings.HasSuffix(text, "…") || strings.HasSuffix(text, "/...") || strings.Contains(text, "__") && schemeOfFile.MatchString(text) {
		return "", "", ErrCut
	}
	if last, _ := utf8.DecodeLastRuneInString(text); isOfSentences(last) || last == '。' || strings.ContainsFunc(hostOf(text[schemeEnd(text):]), isOfSentences) {
		return "", "", ErrQuotes
	}
	if !hasScheme(text) {
		text = strings.TrimLeft(text, ".")
		host := hostOf(text)
		text = strings.TrimRight(host, ".") + text[len(host):]
		if host = strings.TrimRight(host, "."); isNumber(host) {
			return "", "", ErrNumber
		}
		if beginsWithDigit(host) && !isIPv4(host) && masked.MatchString(host) {
			return "", "", ErrRange
		}
		if _, rest, _ := strings.Cut(text, "/"); (isIPv4(host) || strings.HasPrefix(host, "[")) && rest != "" && len(rest) <= 3 && strings.Trim(rest, "0123456789") == "" {
			return "", "", ErrRange
		}
		if last := host[strings.LastIndexByte(host, '.')+1:]; strings.HasPrefix(last, "rpz-") {
			return "", "", ErrRule
		}
	}
	var named subject.Named
	href, err := readHref(text, &named)
	if err != nil {
		return "", "", err
	}
	if len(href) > subject.MaxHref {
		return "", "", subject.ErrTooLong
	}
	s = named.Subject(0)
	_, written, _ := strings.Cut(href, "://")
	written, _, _ = strings.Cut(written, "/")
	if !s.IsListable() || strings.Contains(written, "..") { // a name has no empty label
		return "", "", ErrHost
	}
	return s, ledger.Seen(href, s), nil
}

// plainRule takes the simplest rules of filters for the host that they mean: *.host and ||host^. Of others it is
// ErrRule.
func plainRule(text string) (string, error) {
	if host, ok := strings.CutPrefix(text, "||"); ok {
		if host, ok = strings.CutSuffix(host, "^"); !ok || strings.ContainsAny(host, "/*^|") {
			return "", ErrRule
		}
		return host, nil
	}
	scheme, host, ok := strings.Cut(text, "://")
	if !ok {
		scheme, host = "", text
	}
	if rest, ok := strings.CutPrefix(host, "*."); ok {
		if rest = strings.TrimSuffix(rest, "/"); rest == "" || strings.ContainsAny(rest, "/*?#\\@") {
			return "", ErrRule
		}
		if scheme != "" {
			return scheme + "://" + rest, nil
		}
		return rest, nil
	}
	if strings.HasPrefix(text, "@@") || strings.HasPrefix(text, "|") || strings.HasPrefix(text, "/") && len(text) > 1 && strings.HasSuffix(text, "/") ||
		strings.HasSuffix(text, "/*") || strings.HasSuffix(text, "^") || strings.ContainsRune(scheme, '*') || strings.Contains(text, "##") {
		return "", ErrRule
	}
	return text, nil
}

// balanced tells whether each bracket that is closed was opened: what ends in the bracket of a sentence has one too
// many.
func balanced(text string) bool {
	for _, pair := range []string{"()", "[]", "{}"} {
		open := 0
		for i := range len(text) {
			switch text[i] {
			case pair[0]:
				open++
			case pair[1]:
				open--
			}
			if open < 0 {
				return false
			}
		}
	}
	return true
}

// schemeOfFile is what a scheme becomes in the name of a file: hxxps___host.
var schemeOfFile = regexp.MustCompile(`(?i)^h(?:tt|xx)ps?_{2,}`)

// glued are two addresses with nothing between them.
var glued = regexp.MustCompile(`(?i)[a-z0-9]h(?:tt|xx)ps?://`)

// schemeEnd is where behind a scheme of the web the host begins.
func schemeEnd(text string) int {
	if !isWeb(text) {
		return 0
	}
	return strings.Index(text, "://") + len("://")
}

// isOfSentences tells quotes, brackets, commas and the like that are not of ASCII: “ » 、 •. No host is registered with
// them; the points of Catalan and Japanese and the signs of Hebrew are in some, and full stops part labels.
func isOfSentences(r rune) bool {
	return r >= utf8.RuneSelf && unicode.In(r, unicode.Pi, unicode.Pf, unicode.Ps, unicode.Pe, unicode.Po) && !strings.ContainsRune("·・׳״。．｡", r)
}

// isSeveral tells whether behind a comma, semicolon or bar, or behind nothing, another address begins, or another
// column: a kind of scam, or a day.
func isSeveral(text string) bool {
	if strings.Contains(text[schemeEnd(text):], "://") && glued.MatchString(text) {
		return true
	}
	query := strings.IndexAny(text, "?#")
	for i := range len(text) {
		if strings.IndexByte(",;|", text[i]) < 0 {
			continue
		}
		rest := text[i+1:]
		scheme, _, ok := strings.Cut(rest, "://")
		if ok && schemes[strings.ToLower(scheme)] != "" {
			return true
		}
		if query >= 0 && i > query {
			continue
		}
		if end := strings.IndexAny(rest, "/?#:,;|"); end >= 0 {
			rest = rest[:end]
		}
		if rest = strings.ToLower(rest); isPublicName(rest) {
			return true
		}
		if _, known := category.Parse(rest); known || day.MatchString(rest) {
			return true
		}
	}
	return false
}

var day = regexp.MustCompile(`^20[0-9]{2}-[0-9]{2}-[0-9]{2}`)

// isPublicName tells the name of a host under a suffix that there is, or that is reserved for examples (RFC 2606).
func isPublicName(host string) bool {
	if !subject.IsHost(host) || !strings.Contains(host, ".") {
		return false
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch last {
	case "example", "test", "invalid", "localhost":
		return true
	}
	_, icann := publicsuffix.PublicSuffix(host)
	return icann
}

// hostOf is the host of an address without a scheme, as it is written.
func hostOf(text string) string {
	if end := strings.IndexAny(text, `/\?#`); end >= 0 {
		text = text[:end]
	}
	if colon := strings.LastIndexByte(text, ':'); colon > strings.LastIndexByte(text, ']') {
		text = text[:colon]
	}
	return text
}

// masked is an IP address with parts left open.
var masked = regexp.MustCompile(`(?i)^[0-9]{1,3}(\.([0-9]{1,3}|x{1,3})){3}$`)

// scientific is a number as spreadsheets write long ones: 9.00E+08.
var scientific = regexp.MustCompile(`^[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+$`)

// isNumber tells whether what should be a host is a number: one without a letter, or whose last part is one to a
// browser, which would make an IP address of it; and no dotted quad.
func isNumber(host string) bool {
	if host == "" || isIPv4(host) || strings.HasPrefix(host, "[") {
		return false
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last != "" && isLetter(last[0]) && isLetter(last[len(last)-1]) {
		return false // the name of a country, say
	}
	last = strings.ToLower(last)
	hex, isHex := strings.CutPrefix(last, "0x")
	return strings.Trim(last, "0123456789") == "" || isHex && strings.Trim(hex, "0123456789abcdef") == "" ||
		strings.Trim(host, "0123456789.,-+_") == "" || scientific.MatchString(host)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func beginsWithDigit(text string) bool { return text != "" && text[0] >= '0' && text[0] <= '9' }

// isIPv4 tells an IP address of four parts.
func isIPv4(host string) bool {
	if !beginsWithDigit(host) {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is4()
}

// spelledDots are dots that were made harmless with blanks around them.
var spelledDots = regexp.MustCompile(`(?i)\s*[\[({<]\s*(?:dot|\.)\s*[\])}>]\s*|\s+dot\s+`)
