package release

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const keysLine = "khien/keys/v1"

// maxReleaseKeys bounds a key list: the key in use, the next one, and a few more.
const maxReleaseKeys = 8

// Keys says which keys may sign heads.
type Keys struct {
	Sequence uint64 // from 1; a client never goes back
	Issued   int64  // Unix seconds
	Expires  int64  // Unix seconds
	Release  []string
}

func (k Keys) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nsequence %d\nissued %d\nexpires %d\n", keysLine, k.Sequence, k.Issued, k.Expires)
	for _, key := range k.Release {
		b.WriteString("release " + key + "\n")
	}
	return b.String()
}

func parseKeys(text string) (Keys, error) {
	rest, ok := strings.CutPrefix(text, keysLine+"\n")
	l := &lines{rest: rest, bad: !ok}
	var k Keys
	k.Sequence = l.number(l.fields("sequence", 1)[0])
	k.Issued = int64(l.number(l.fields("issued", 1)[0]))
	k.Expires = int64(l.number(l.fields("expires", 1)[0]))
	for !l.bad && l.rest != "" && len(k.Release) < maxReleaseKeys {
		key := l.fields("release", 1)[0]
		if _, err := note.NewVerifier(key); err != nil {
			return Keys{}, ErrFormat
		}
		k.Release = append(k.Release, key)
	}
	if l.bad || l.rest != "" || len(k.Release) == 0 || k.Sequence == 0 || !soundLife(k.Issued, k.Expires) {
		return Keys{}, ErrFormat
	}
	return k, nil
}

// Sign returns the key list as it is published. A list that no client would read is ErrFormat.
func (k Keys) Sign(root note.Signer) ([]byte, error) {
	if _, err := parseKeys(k.text()); err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: k.text()}, root)
}

// OpenKeys verifies a key list: signed by the root key, of this format, and in time.
// The list is returned with ErrExpired and ErrNotYet too; the other errors are
// ErrOversized, ErrSignature and ErrFormat.
func OpenKeys(msg []byte, rootKey string, now int64) (Keys, error) {
	text, err := open(msg, MaxKeys, rootKey)
	if err != nil {
		return Keys{}, err
	}
	k, err := parseKeys(text)
	if err != nil {
		return Keys{}, err
	}
	return k, inTime(k.Issued, k.Expires, now)
}
