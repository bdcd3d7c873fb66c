package release

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// MaxSums bounds signed sums, in bytes.
const MaxSums = 64 << 10

// sumsLine begins what is signed: what is signed as sums can be read as neither a head nor a key list.
const sumsLine = "khien/sums/v1"

// Sums are the digests of files that people fetch, such as the packages of the extension, by their names.
type Sums map[string]Digest

// Text is one "digest  name" a line, sorted by name, as sha256sum reads it.
func (s Sums) Text() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%s  %s\n", s[name], name)
	}
	return b.String()
}

// Sign returns the sums as they are given out. A name that leads to another folder, or none, is ErrFormat.
func (s Sums) Sign(signer note.Signer) ([]byte, error) {
	text := sumsLine + "\n" + s.Text()
	if _, err := parseSums(text); err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: text}, signer)
}

// OpenSums verifies sums: signed by a key of keys, and of this format. The errors are ErrOversized, ErrSignature and
// ErrFormat.
func OpenSums(msg []byte, keys Keys) (Sums, error) {
	text, err := open(msg, MaxSums, keys.Release...)
	if err != nil {
		return nil, err
	}
	return parseSums(text)
}

func parseSums(text string) (Sums, error) {
	rest, ok := strings.CutPrefix(text, sumsLine+"\n")
	if !ok {
		return nil, ErrFormat
	}
	s := Sums{}
	for line := range strings.Lines(rest) {
		hex, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		digest, err := ParseDigest(hex)
		if err != nil || name == "" || name[0] == '.' || strings.ContainsAny(name, "/\\ \t\x00") {
			return nil, ErrFormat
		}
		s[name] = digest
	}
	if len(s) == 0 || s.Text() != rest { // one way to write it: sorted, each once
		return nil, ErrFormat
	}
	return s, nil
}
