package feed

import (
	"bufio"
	"errors"
	"fmt"
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

// eachLine hands over every line that is neither blank nor a comment, cut free of blanks around it. One that is too
// long, or not UTF-8, comes with an error.
func eachLine(r io.Reader, comment string, take func(line int, text string, err error) bool) error {
	in := bufio.NewReaderSize(&lineEnds{r: r}, 64<<10)
	for line := 1; ; line++ {
		raw, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return err
		}
		switch text := strings.TrimSpace(string(raw)); {
		case text == "" || strings.HasPrefix(text, comment):
		case long || len(text) > maxLine:
			if !take(line, cut(text, 200), ErrLong) {
				return nil
			}
		case !utf8.ValidString(text):
			if !take(line, plain(text), ErrEncoding) {
				return nil
			}
		default:
			if !take(line, text, nil) {
				return nil
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// eachEntry reads a list with an entry a line, of which split makes names, and read the things that they name.
func eachEntry(r io.Reader, p Preset, split func(string) ([]string, error), read func(string) (subject.Subject, string, error)) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		if p.Comment == "" {
			p.Comment = "#"
		}
		m := newMapping(p)
		base, err := m.said(func(string) []string { return nil })
		if err != nil {
			yield(Claim{}, err)
			return
		}
		more := true
		err = eachLine(r, p.Comment, func(line int, text string, err error) bool {
			at := Place{Line: line}
			refuse := func(value string, why error) bool {
				more = yield(Claim{}, &Refused{Place: at, Value: cut(value, 200), Why: why})
				return more
			}
			if err != nil {
				return refuse(text, err)
			}
			names, err := split(text)
			if err != nil {
				return refuse(text, err)
			}
			for _, name := range names {
				c := base
				c.Place = at
				if c.Subject, c.Address, err = read(name); err != nil {
					if !refuse(name, err) {
						return false
					}
				} else if more = yield(c, nil); !more {
					return false
				}
			}
			return true
		})
		if err != nil && more {
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
		if hosts, err, ok := dnsmasq(text); ok {
			return hosts, err
		}
		return []string{text}, nil
	}, alone)
}

func alone(text string) (subject.Subject, string, error) { return thing(text, "") }

// ErrElsewhere is a rule that leads a host elsewhere, and does not block it.
var ErrElsewhere = errors.New("a rule that leads a host elsewhere")

// dnsmasq reads a line of its settings that is about hosts: local=/host/, address=/host/0.0.0.0, server=/host/.
func dnsmasq(text string) (hosts []string, err error, ok bool) {
	option, value, ok := strings.Cut(text, "=")
	if !ok || strings.Trim(option, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return nil, nil, false
	}
	switch option {
	case "local", "address", "server":
	default:
		return nil, ErrRule, true
	}
	part := strings.Split(value, "/")
	if len(part) < 3 || part[0] != "" {
		return nil, ErrRule, true
	}
	to := part[len(part)-1]
	if to != "" && to != "#" && (option != "address" || !isSink(to)) {
		return nil, ErrElsewhere, true
	}
	for _, host := range part[1 : len(part)-1] {
		if host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts, nil, true
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
			return nil, errors.New("an address and a host name are wanted")
		case !isSink(part[0]):
			return nil, errors.New("the address is not one that hosts files block with, such as 0.0.0.0")
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
		if p.Comment == "" {
			p.Comment = "#"
		}
		pattern, m := regexp.MustCompile(p.Pattern), newMapping(p)
		for _, name := range p.needed() {
			if pattern.SubexpIndex(name) < 0 {
				yield(Claim{}, fmt.Errorf("%w: the pattern has no group %s", ErrPreset, name))
				return
			}
		}
		more := true
		err := eachLine(r, p.Comment, func(line int, text string, err error) bool {
			at := Place{Line: line}
			found := pattern.FindStringSubmatch(text)
			if err == nil && found == nil {
				err = errors.New("the line is not as the pattern says")
			}
			if err != nil {
				more = yield(Claim{}, &Refused{Place: at, Value: cut(text, 200), Why: err})
				return more
			}
			more = m.claims(func(name string) []string {
				if i := pattern.SubexpIndex(name); i >= 0 {
					return []string{found[i]}
				}
				return nil
			}, at, yield)
			return more
		})
		if err != nil && more {
			yield(Claim{}, err)
		}
	}
}
