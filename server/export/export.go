// Package export writes what leaves to partners, and to everybody, in the formats that others read. A writer says only
// what its format can say exactly, and counts what it leaves out and why: an account is never a host, and a page on a
// host that many share is never the host.
package export

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"khien/server/partner"
	"khien/shared/subject"
)

// List is what is written. It can be gone through twice, and is the same each time.
type List = iter.Seq2[partner.Given, error]

// Head is what a file says about itself.
type Head struct {
	Operator string // who publishes the list, as people know them
	Home     string // where the list is served, such as https://khien.example; may be empty
	Now      int64  // Unix seconds when the newest release was issued: what lapses until then is not in force
	Position int64  // of the stream, up to which the list goes
	Root     string // the public root key, by which one installation is told from all others

	hosts names // all that are in the list
}

// Left counts what a file leaves out, by why.
type Left map[Why]int

// Why is why something is not in a file.
type Why string

// Why something is left out, beside what an agreement withholds.
const (
	NoHost   Why = "not-a-host"  // the format has whole hosts alone, and it is none: an account, a page, a number
	NoName   Why = "not-a-name"  // a host without a DNS name (an IP address), or with one that the format could read as something else
	TooLong  Why = "too-long"    // a name for which the format has no room
	Covered  Why = "covered"     // a host below another one that is in the file and covers it
	NoPage   Why = "not-a-page"  // the format has hosts and pages of the web alone
	NoExact  Why = "not-exactly" // the format would read it as more than it is
	NoKind   Why = "no-word"     // the format has nothing for such a subject
	OffList  Why = "off-list"    // it is in force no more, and the format has no word for that
	IsHidden Why = "hidden"      // it leaves as a keyed digest alone, and the format has no place for one
)

// Format is a form that a list can be written in.
type Format struct {
	Name  string // as in "khien export NAME"
	File  string // that it is published as
	Type  string // media type
	write func(io.Writer, List, Head) (Left, error)
}

// Write writes a list and tells what it leaves out. It holds no more of the list in memory than sixteen bytes of each
// host.
func (f Format) Write(w io.Writer, list List, h Head) (Left, error) {
	var err error
	if h.hosts, err = hosts(list, h.Now); err != nil {
		return nil, fmt.Errorf("couldn't read what is exported: %w", err)
	}
	return f.write(w, list, h)
}

// Formats are those with one file for the whole list.
var Formats = []Format{
	{"domains", "domains.txt", "text/plain; charset=utf-8", writeDomains},
	{"hosts", "hosts.txt", "text/plain; charset=utf-8", writeHosts},
	{"adblock", "adblock.txt", "text/plain; charset=utf-8", writeAdblock},
	{"rpz", "rpz.zone", "text/dns; charset=utf-8", writeRPZ}, // RFC 4027
	{"dnsmasq", "dnsmasq.conf", "text/plain; charset=utf-8", writeDnsmasq},
	{"csv", "list.csv", "text/csv; charset=utf-8", writeCSV},
	{"jsonl", "list.jsonl", "application/jsonl; charset=utf-8", writeJSONLines},
}

// ByName returns the format of a name.
func ByName(name string) (Format, bool) {
	i := slices.IndexFunc(Formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return Formats[i], true
}

// inForce are the objects that are listed now; what has left, or leaves hidden, is counted.
func inForce(list List, h Head, left Left) List {
	return func(yield func(partner.Given, error) bool) {
		for g, err := range list {
			switch {
			case err != nil:
			case !g.Listed(h.Now):
				left[OffList]++
				continue
			}
			if !yield(g, err) || err != nil {
				return
			}
		}
	}
}

// host is the name of a whole host that a resolver can be asked for, or why there is none. It is checked anew here,
// whatever checked it before: what is written goes where a letter more is an order.
func host(g partner.Given) (name string, why Why) {
	if g.HMAC != "" {
		return "", IsHidden
	}
	if g.Kind != partner.Host {
		return "", NoHost
	}
	name = strings.TrimSuffix(string(g.Subject), "/")
	if !isName(name) {
		return "", NoName
	}
	return name, ""
}

// isName tells whether a host is a DNS name of at least two labels of letters, digits, hyphens and underscores, of 63
// bytes at most each and 253 in all, whose last label is no number, and which no response policy zone would take for a
// trigger of another kind (draft-vixie-dnsop-dns-rpz-00, section 4: rpz-ip, rpz-nsdname and the like).
func isName(name string) bool {
	if !subject.IsHost(name) || !strings.Contains(name, ".") {
		return false
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "rpz-") || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return len(name) <= 253 && strings.Trim(last, "0123456789") != ""
}

// names are hosts of which it can be asked whether they are there.
type names [][16]byte

func short(name string) (d [16]byte) {
	sum := sha256.Sum256([]byte(name))
	return [16]byte(sum[:])
}

// hosts are the names of the hosts of a list.
func hosts(list List, now int64) (all names, err error) {
	for g, err := range list {
		if err != nil {
			return nil, err
		}
		if name, why := host(g); why == "" && g.Listed(now) {
			all = append(all, short(name))
		}
	}
	slices.SortFunc(all, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	return all, nil
}

// cover tells whether a host stands below one of them.
func (n names) cover(name string) bool {
	for {
		_, above, ok := strings.Cut(name, ".")
		if !ok {
			return false
		}
		digest := short(above)
		if _, found := slices.BinarySearchFunc(n, digest, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }); found {
			return true
		}
		name = above
	}
}

// topmost are the hosts of a list that no other of its hosts stands above: where a host covers those below it, these
// say nothing more, and some programs refuse them (Squid's dstdomain).
func topmost(list List, h Head, left Left) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for g, err := range inForce(list, h, left) {
			if err != nil {
				yield("", err)
				return
			}
			name, why := host(g)
			if why == "" && h.hosts.cover(name) {
				why = Covered
			}
			if why != "" {
				left[why]++
				continue
			}
			if !yield(name, nil) {
				return
			}
		}
	}
}

// lines writes lines and keeps the first error.
type lines struct {
	w   *bufio.Writer
	err error
}

func newLines(w io.Writer) *lines { return &lines{w: bufio.NewWriterSize(w, 64<<10)} }

func (l *lines) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(l.w, format, args...); l.err == nil {
		l.err = err
	}
}

// end writes what is left and returns the first error, also one of the list.
func (l *lines) end(err error) error {
	if flushed := l.w.Flush(); l.err == nil {
		l.err = flushed
	}
	if err != nil {
		return fmt.Errorf("couldn't read what is exported: %w", err)
	}
	if l.err != nil {
		return fmt.Errorf("couldn't write the export: %w", l.err)
	}
	return nil
}

// oneLine is a text that nothing behind it is part of.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, text)
}

// Because says why in words, for whoever runs the installation.
func (w Why) Because() string {
	if text, ok := because[w]; ok {
		return text
	}
	return string(w)
}

var because = map[Why]string{
	NoHost:   "which the format has no place for: it has whole hosts alone",
	NoName:   "hosts without a name that a resolver can be asked for",
	TooLong:  "names for which a zone has no room",
	Covered:  "hosts below another one that covers them",
	NoPage:   "which the format has no place for: it has hosts and pages of the web alone",
	NoExact:  "pages that the format would read as more than they are",
	NoKind:   "for which the format has no word",
	OffList:  "in force no more",
	IsHidden: "of which only a keyed digest leaves",

	Why(partner.ForNobody):   "for nobody (TLP:RED)",
	Why(partner.TooNarrow):   "for partners alone, by their label (TLP)",
	Why(partner.OtherKind):   "of kinds that were not agreed on",
	Why(partner.OtherTopic):  "of categories that were not agreed on",
	Why(partner.TooPersonal): "telephone numbers and accounts at banks, which leave by an agreement alone",
	Why(partner.TheirOwn):    "which the partner itself has said",
}
