package feed

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
	"unicode/utf8"

	"khien/shared/subject"
)

// Why a rule of a filter is refused, beside ErrRule and what Entry says.
var (
	// ErrCosmetic is a rule that hides a part of a page.
	ErrCosmetic = errors.New("a cosmetic rule, which hides a part of a page and blocks nothing")
	// ErrRegexp is a rule that is a regular expression.
	ErrRegexp = errors.New("a regular expression, which names no host and no page")
	// ErrPartly is a rule that blocks its address only for some, or only parts of it.
	ErrPartly = errors.New("a rule that blocks only in part")
)

// readAdblock reads a filter list, as ad blockers have it, for the rules that block a whole host or a whole page. An
// exception (@@) says of its host or page that it is none.
func readAdblock(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	return claimsOf(textLines(r), p, func(line textLine, c *Claim) (err error) {
		if !isFilterComment(line.text) {
			c.Weight, c.Subject, c.Address, err = readRule(line.text)
		}
		return err
	})
}

// claimsOf are the claims of lines that read puts into them; there is none where it puts no subject.
func claimsOf(lines iter.Seq2[textLine, error], p Preset, read func(textLine, *Claim) error) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		base, err := newMapping(p).said(func(string) []string { return nil })
		if err != nil {
			yield(Claim{}, err)
			return
		}
		for line, err := range lines {
			if err != nil && line.number == 0 {
				yield(Claim{}, err)
				return
			}
			c := base
			c.Place.Line = line.number
			if err == nil {
				err = read(line, &c)
			}
			if err != nil {
				c, err = Claim{}, &Refused{Place: c.Place, Value: cut(plain(line.text), 200), Why: err}
			} else if c.Subject == "" {
				continue
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// isFilterComment tells what stands between the rules: comments, the header, directives of preprocessors.
func isFilterComment(line string) bool {
	return line == "" || line[0] == '!' || line == "#" || strings.HasPrefix(line, "# ") ||
		line[0] == '[' && line[len(line)-1] == ']' && !strings.Contains(line, "##")
}

// cosmetic is what parts the hosts from what is hidden on them, or from the script that is run there.
var cosmetic = regexp.MustCompile(`^[^/|]*(#@?(\?|\$\??|%)?#|\$@?\$)`)

// ruleOptions are the options behind a rule: the last dollar sign with nothing but options after it.
var ruleOptions = regexp.MustCompile(`^(.*)\$(~?[a-z0-9_-]+(?:=[^,]*)?(?:,~?[a-z0-9_-]+(?:=[^,]*)?)*)$`)

func readRule(text string) (w Weight, s subject.Subject, address string, err error) {
	if cosmetic.MatchString(text) {
		return 0, "", "", ErrCosmetic
	}
	rule, exception := strings.CutPrefix(text, "@@")
	if exception {
		w = Disputes
	}
	options := ""
	if m := ruleOptions.FindStringSubmatch(rule); m != nil {
		rule, options = m[1], m[2]
	}
	if len(rule) > 1 && rule[0] == '/' && rule[len(rule)-1] == '/' {
		return 0, "", "", ErrRegexp
	}
	document, kinds := false, false
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "document", "doc", "all":
			document = true
		case "important":
		case "badfilter": // takes back the rule that is the same without it
			w = Disputes
		case "popup", "popunder", "script", "image", "stylesheet", "css", "subdocument", "frame", "xmlhttprequest", "xhr", "media", "font", "object", "websocket", "ping", "other":
			kinds = true
		default:
			name, _, _ := strings.Cut(option, "=")
			return 0, "", "", fmt.Errorf("%w: $%s", ErrPartly, name)
		}
	}
	if kinds && !document {
		return 0, "", "", fmt.Errorf("%w: $%s", ErrPartly, options)
	}
	anchored, ok := strings.CutPrefix(rule, "||")
	if !ok {
		anchored, ok = strings.CutPrefix(rule, "|")
		scheme, _, web := strings.Cut(anchored, "://")
		if ok = ok && web && (scheme == "http" || scheme == "https"); !ok {
			return 0, "", "", ErrRule
		}
	}
	s, address, err = readAnchored(anchored, document)
	return w, s, address, err
}

// readAnchored reads a rule that begins where the host does. What it blocks must be all of the host, or the page and
// what begins so.
func readAnchored(pattern string, document bool) (s subject.Subject, address string, err error) {
	for {
		shorter := strings.TrimSuffix(strings.TrimSuffix(pattern, "*"), "|")
		if shorter == pattern || !strings.ContainsAny(shorter, "^/") {
			break // the host itself is open at its end
		}
		pattern = shorter
	}
	closed := strings.HasSuffix(pattern, "^")
	pattern = strings.TrimSuffix(pattern, "^")
	rest := pattern[schemeEnd(pattern):]
	rest = strings.TrimPrefix(rest, "*.")
	host, path, hasPath := strings.Cut(rest, "/")
	switch {
	case strings.ContainsAny(rest, "^*|"):
		return "", "", ErrRule
	case strings.ContainsAny(host, "@?#") || !strings.ContainsAny(host, ".["):
		return "", "", ErrHost
	case !closed && !hasPath:
		return "", "", fmt.Errorf("%w: the name of the host is open at its end", ErrPartly)
	case path != "" && !document:
		return "", "", fmt.Errorf("%w: without $document, what a page loads from there", ErrPartly)
	}
	if strings.ContainsFunc(pattern, isControl) || strings.ContainsAny(pattern, " \t") {
		return "", "", ErrSeveral
	}
	return fromAddress(pattern[:schemeEnd(pattern)] + rest)
}

// textLine is a line of a text, without the blanks around it.
type textLine struct {
	number int
	text   string
	indent bool // it begins with a blank
}

// textLines are the lines of a text, whichever way they end. The errors of a line are ErrLong and
// ErrEncoding; another one ends the text, and has no line.
func textLines(r io.Reader) iter.Seq2[textLine, error] {
	return func(yield func(textLine, error) bool) {
		in := bufio.NewReaderSize(&lineEnds{r: r}, maxLine+1)
		for number := 1; ; number++ {
			raw, err := in.ReadSlice('\n')
			line := textLine{number: number, text: strings.TrimSpace(string(raw)), indent: len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t')}
			var bad error
			for bad = nil; errors.Is(err, bufio.ErrBufferFull); bad = ErrLong {
				_, err = in.ReadSlice('\n')
			}
			if bad == nil && !utf8.ValidString(line.text) {
				bad = ErrEncoding
			}
			switch {
			case err != nil && err != io.EOF:
				yield(textLine{}, err)
				return
			case err == io.EOF && len(raw) == 0:
				return
			case !yield(line, bad) || err == io.EOF:
				return
			}
		}
	}
}
