package feed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"khien/shared/subject"
)

// errEnded ends the reading of a list of which nobody wants more.
var errEnded = errors.New("nobody wants more")

// eachLine hands over every line that is neither blank nor a comment, without blanks around it. One that is longer than
// the limit, or not UTF-8, comes with an error. The errors are those of take and of r.
func eachLine(r io.Reader, limit int, comment string, take func(line int, text string, err error) error) error {
	in := bufio.NewReaderSize(&lineEnds{r: r}, max(64<<10, limit+2))
	for line := 1; ; line++ {
		raw, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return err
		}
		raw, end := bytes.TrimSpace(raw), err
		if err = nil; len(raw) > 0 && !bytes.HasPrefix(raw, []byte(comment)) {
			text := string(raw)
			switch {
			case long || len(text) > limit:
				err = take(line, cut(text, 200), ErrLong)
			case !utf8.ValidString(text):
				err = take(line, plain(text), ErrEncoding)
			default:
				err = take(line, text, nil)
			}
		}
		if err != nil || end != nil {
			return err
		}
	}
}

// eachEntry reads a list with an entry a line, of which split makes names, and read the things that they name.
func eachEntry(r io.Reader, p Preset, split func(string) ([]string, error), read func(string) (subject.Subject, string, error)) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		base, err := newMapping(p).said(func(string) []string { return nil })
		if err == nil {
			err = eachLine(r, maxLine, p.Comment, func(line int, text string, err error) error {
				names := []string{text}
				if err == nil {
					names, err = split(text)
				}
				for _, name := range names {
					c := base
					if c.Place.Line = line; err == nil {
						c.Subject, c.Address, err = read(name)
					}
					if err != nil {
						c, err = Claim{}, &Refused{Place: c.Place, Value: cut(name, 200), Why: err}
					}
					if !yield(c, err) {
						return errEnded
					}
					err = nil
				}
				return nil
			})
		}
		if err != nil && err != errEnded {
			yield(Claim{}, err)
		}
	}
}

// readLines reads a thing a line: an address, an account, a number; *.host; a rule of dnsmasq; or what a pattern finds.
func readLines(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	if p.Pattern != "" {
		return readPattern(r, p)
	}
	return eachEntry(r, p, func(text string) ([]string, error) {
		if strings.HasPrefix(text, "!") || strings.HasPrefix(text, ";") {
			return nil, nil
		}
		if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 && strings.HasPrefix(strings.TrimSpace(text[i:]), "#") {
			text = text[:i] // "example.com  # bought in March"
		}
		if hosts, ok, err := dnsmasq(text); ok {
			return hosts, err
		}
		return []string{text}, nil
	}, alone)
}

func alone(text string) (subject.Subject, string, error) { return thing(text, "") }

// ErrElsewhere is a rule that leads a host elsewhere, and does not block it.
var ErrElsewhere = errors.New("a rule that leads a host elsewhere")

// dnsmasq reads a line of its settings that is about hosts: local=/host/, address=/host/0.0.0.0, server=/host/.
func dnsmasq(text string) (hosts []string, ok bool, err error) {
	option, value, ok := strings.Cut(text, "=")
	if !ok || strings.Trim(option, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return nil, false, nil
	}
	switch option {
	case "local", "address", "server":
	default:
		return []string{text}, true, ErrRule
	}
	part := strings.Split(value, "/")
	if len(part) < 3 || part[0] != "" {
		return []string{text}, true, ErrRule
	}
	to := part[len(part)-1]
	if to != "" && to != "#" && (option != "address" || !isSink(to)) {
		return []string{text}, true, ErrElsewhere
	}
	for _, host := range part[1 : len(part)-1] {
		if host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts, true, nil
}

func isSink(text string) bool {
	ip, err := netip.ParseAddr(text)
	return sinks[text] || err == nil && (ip.IsUnspecified() || ip.IsLoopback())
}

// readHosts reads a hosts file (hosts(5)): an address, names, a comment.
func readHosts(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	return eachEntry(r, p, func(text string) ([]string, error) {
		text, _, _ = strings.Cut(text, "#")
		part := strings.Fields(text)
		switch {
		case len(part) == 0:
			return nil, nil
		case len(part) == 1:
			return []string{text}, errors.New("an address and a host name are wanted")
		case !isSink(part[0]):
			return []string{text}, errors.New("the address is not one that hosts files block with, such as 0.0.0.0")
		}
		return slices.DeleteFunc(part[1:], func(host string) bool { return own[strings.ToLower(host)] }), nil
	}, func(host string) (subject.Subject, string, error) {
		if strings.ContainsAny(host, "/?:@[]\\*|") || !strings.Contains(host, ".") {
			return "", "", ErrHost
		}
		return fromAddress(host)
	})
}

// readPattern reads the fields of each line by a regular expression.
func readPattern(r io.Reader, p Preset) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		pattern, m := regexp.MustCompile(p.Pattern), newMapping(p)
		err := eachLine(r, maxLine, p.Comment, func(line int, text string, err error) error {
			at := Place{Line: line}
			found := pattern.FindStringSubmatch(text)
			if err == nil && found == nil {
				err = ErrMatch
			}
			look := func(name string) []string {
				if i := pattern.SubexpIndex(name); i >= 0 {
					return found[i : i+1]
				}
				return nil
			}
			if err != nil && !yield(Claim{}, &Refused{Place: at, Value: cut(text, 200), Why: err}) || err == nil && !m.claims(look, at, yield) {
				return errEnded
			}
			return nil
		})
		if err != nil && err != errEnded {
			yield(Claim{}, err)
		}
	}
}

// ErrMatch is a line of which the pattern of the preset finds nothing.
var ErrMatch = errors.New("the line is not as the pattern of the preset says")
