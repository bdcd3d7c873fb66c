// Package release is what is published and how it is believed: a signed head,
// the list of keys that may sign heads, digests for everything else, and every
// published path.
//
// # Head
//
// The head is a signed note (golang.org/x/mod/sumdb/note) whose text has exactly
// these lines, in this order, each number in decimal without leading zeros:
//
//	khien/head/v3
//	sequence 42                 every release has a higher one
//	issued 1763900000           Unix seconds
//	expires 1764504800          after this, "nothing known" is no longer said
//	keys 9f86…                  SHA-256 of the key list that names the signer
//	set 2c26… 110731 34467      SHA-256, size in bytes, entries
//	deltas 12                   a delta exists from each release 12 … 41
//	buckets 11 fcde…            bits of the hash space, root of the buckets' Merkle tree
//	guide 8d1f… 61204           SHA-256 and size of the supplement
//	wait 300 60                 ask again in 300 seconds, and up to 60 more
//
// # Keys
//
// The key list is a signed note by the root key, which a client has from its
// installation. Only the keys it names may sign heads:
//
//	khien/keys/v1
//	sequence 1
//	issued 1763900000
//	expires 1795436000
//	release khien-release+5a1e…+AU3n…
//
// # Verification
//
// A client knows the root key, and the last head and key list that it accepted:
//
//	head ──ReadHead──> keys digest ──fetch──> OpenKeys (root key, expiry, sequence)
//	  └──OpenHead (a key of the list, expiry) ──> Follows (not older, not forked)
//	        └──> set or delta, and the supplement ──CheckBlob (size, digest)──> accepted
//
// Each refusal has its own error. A client that refuses keeps what it has.
package release

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

var (
	// ErrFormat is text that is not exactly a head or a key list.
	ErrFormat = errors.New("not a head or key list of this format")
	// ErrSignature is a note that no trusted key has signed.
	ErrSignature = errors.New("not signed by a trusted key")
	// ErrOlder is a sequence below one that was accepted before: a rollback.
	ErrOlder = errors.New("older than what was accepted before")
	// ErrForked is the sequence that was accepted before with another content.
	ErrForked = errors.New("another release with the same sequence")
	// ErrExpired is a head or key list past its expiry: a freeze.
	ErrExpired = errors.New("expired")
	// ErrNotYet is a head or key list issued more than a day from now.
	ErrNotYet = errors.New("issued in the future")
	// ErrKeys is a key list other than the one that the head names.
	ErrKeys = errors.New("not the key list that the head names")
	// ErrDigest is a body whose digest is another than the signed one.
	ErrDigest = errors.New("the digest differs")
	// ErrTruncated is a body shorter than the signed size.
	ErrTruncated = errors.New("the body is cut off")
	// ErrOversized is a body longer than the signed size, or than the bound.
	ErrOversized = errors.New("the body is too long")
	// ErrProof is a bucket that is not under the signed root.
	ErrProof = errors.New("the bucket is not part of the release")
)

// Bounds in bytes on what a client reads before it has verified anything.
const (
	MaxHead       = 4096
	MaxKeys       = 4096
	MaxSet        = 64 << 20
	MaxSupplement = 512 << 10
)

// aheadOfClock is how far in the future something may be issued, in seconds: a clock
// that is a day behind is common, one that is more than a day ahead is rare.
const aheadOfClock = 24 * 60 * 60

// maxLife bounds how long a head or a key list may claim to be good, in seconds: ten years.
const maxLife = 10 * 366 * 24 * 60 * 60

// Digest is a SHA-256.
type Digest [32]byte

// DigestOf is the digest of body.
func DigestOf(body []byte) Digest { return sha256.Sum256(body) }

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// ParseDigest reads 64 lower-case hex digits, or returns ErrFormat.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d) || s != strings.ToLower(s) {
		return d, ErrFormat
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return d, ErrFormat
	}
	return d, nil
}

// CheckBlob compares a body, whose SHA-256 is sum, with its signed digest and size.
// The errors are ErrTruncated, ErrOversized and ErrDigest.
func CheckBlob(body []byte, sum, d Digest, size uint64) error {
	if err := CheckSize(body, size); err != nil {
		return err
	}
	if sum != d {
		return ErrDigest
	}
	return nil
}

// CheckSize compares a body with its signed size alone. The errors are ErrTruncated and
// ErrOversized.
func CheckSize(body []byte, size uint64) error {
	switch {
	case uint64(len(body)) < size:
		return ErrTruncated
	case uint64(len(body)) > size:
		return ErrOversized
	}
	return nil
}

// lines reads "name value…" lines of a note's text in a fixed order. The first
// thing that is not as it must be makes bad true, and all that follows is zero.
type lines struct {
	rest string
	bad  bool
}

// fields returns the n values of the next line, which must begin with name.
func (l *lines) fields(name string, n int) []string {
	line, rest, ended := strings.Cut(l.rest, "\n")
	got := strings.Split(line, " ")
	if l.bad || !ended || len(got) != n+1 || got[0] != name {
		l.bad = true
		return make([]string, n)
	}
	l.rest = rest
	return got[1:]
}

func (l *lines) number(s string) uint64 {
	v, err := strconv.ParseUint(s, 10, 63)
	if err != nil || strconv.FormatUint(v, 10) != s {
		l.bad = true
	}
	return v
}

func (l *lines) digest(s string) Digest {
	d, err := ParseDigest(s)
	if err != nil {
		l.bad = true
	}
	return d
}

// open verifies a note by any one of the keys.
func open(msg []byte, bound int, keys ...string) (text string, err error) {
	if len(msg) > bound {
		return "", ErrOversized
	}
	verifiers := make([]note.Verifier, 0, len(keys))
	for _, key := range keys {
		v, err := note.NewVerifier(key)
		if err != nil {
			return "", ErrFormat
		}
		verifiers = append(verifiers, v)
	}
	n, err := note.Open(msg, note.VerifierList(verifiers...))
	if err != nil {
		if _, bad := errors.AsType[*note.UnverifiedNoteError](err); bad {
			return "", ErrSignature
		}
		if _, bad := errors.AsType[*note.InvalidSignatureError](err); bad {
			return "", ErrSignature
		}
		return "", ErrFormat
	}
	return n.Text, nil
}

// inTime tells whether now is between issued, give or take a slow clock, and expires.
func inTime(issued, expires, now int64) error {
	switch {
	case now > expires:
		return ErrExpired
	case now < issued-aheadOfClock:
		return ErrNotYet
	}
	return nil
}

func soundLife(issued, expires int64) bool {
	return issued > 0 && expires > issued && expires-issued <= maxLife
}
