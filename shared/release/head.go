package release

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const headLine = "khien/head/v3"

// Head says which release is the newest.
type Head struct {
	Sequence       uint64 // from 1, at most MaxSequence
	Issued         int64  // Unix seconds
	Expires        int64  // Unix seconds
	Keys           Digest // of the key list that names the signer
	Set            Digest
	SetSize        uint64 // bytes
	Count          uint64 // entries of the set
	Deltas         uint64 // the oldest release from which a delta exists; Sequence if none does
	BucketBits     uint8  // at most MaxBucketBits
	BucketRoot     Digest
	Supplement     Digest
	SupplementSize uint64 // bytes, at most MaxSupplement
	Wait           uint64 // seconds from one check for a newer head to the next, at most MaxWait
	Spread         uint64 // seconds more, at random, so that not all ask at once; at most MaxWait
}

// MaxSequence bounds the number of a release, far above any that is reached: every language has it as a whole number.
const MaxSequence = 1<<53 - 1

// MaxWait bounds, in seconds, what a head may ask of the time between two checks: a day.
const MaxWait = 24 * 60 * 60

func (h Head) text() string {
	return fmt.Sprintf("%s\nsequence %d\nissued %d\nexpires %d\nkeys %s\nset %s %d %d\ndeltas %d\nbuckets %d %s\nguide %s %d\nwait %d %d\n",
		headLine, h.Sequence, h.Issued, h.Expires, h.Keys, h.Set, h.SetSize, h.Count, h.Deltas, h.BucketBits, h.BucketRoot, h.Supplement, h.SupplementSize, h.Wait, h.Spread)
}

func parseHead(text string) (Head, error) {
	rest, ok := strings.CutPrefix(text, headLine+"\n")
	l := &lines{rest: rest, bad: !ok}
	var h Head
	h.Sequence = l.number(l.fields("sequence", 1)[0])
	h.Issued = int64(l.number(l.fields("issued", 1)[0]))
	h.Expires = int64(l.number(l.fields("expires", 1)[0]))
	h.Keys = l.digest(l.fields("keys", 1)[0])
	set := l.fields("set", 3)
	h.Set, h.SetSize, h.Count = l.digest(set[0]), l.number(set[1]), l.number(set[2])
	h.Deltas = l.number(l.fields("deltas", 1)[0])
	buckets := l.fields("buckets", 2)
	bits := l.number(buckets[0])
	h.BucketBits, h.BucketRoot = uint8(bits), l.digest(buckets[1])
	supplement := l.fields("guide", 2)
	h.Supplement, h.SupplementSize = l.digest(supplement[0]), l.number(supplement[1])
	wait := l.fields("wait", 2)
	h.Wait, h.Spread = l.number(wait[0]), l.number(wait[1])
	if l.bad || l.rest != "" || bits > MaxBucketBits || !h.sound() {
		return Head{}, ErrFormat
	}
	return h, nil
}

func (h Head) sound() bool {
	return h.Sequence > 0 && h.Sequence <= MaxSequence && h.Deltas <= h.Sequence && h.SetSize <= MaxSet && h.SupplementSize <= MaxSupplement && h.Wait <= MaxWait && h.Spread <= MaxWait && soundLife(h.Issued, h.Expires)
}

// Sign returns the head as it is published. A head that no client would read is ErrFormat.
func (h Head) Sign(signer note.Signer) ([]byte, error) {
	if _, err := parseHead(h.text()); err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: h.text()}, signer)
}

// ReadHead reads a head without believing it: only to learn which key list it names.
// The errors are ErrOversized and ErrFormat.
func ReadHead(msg []byte) (Head, error) {
	if len(msg) > MaxHead {
		return Head{}, ErrOversized
	}
	text, _, ok := bytes.Cut(msg, []byte("\n\n"))
	if !ok {
		return Head{}, ErrFormat
	}
	return parseHead(string(text) + "\n")
}

// OpenHead verifies a head: signed by a key of keys, of this format, and in time.
// The head is returned with ErrExpired and ErrNotYet too; the other errors are
// ErrOversized, ErrSignature and ErrFormat.
func OpenHead(msg []byte, keys Keys, now int64) (Head, error) {
	text, err := open(msg, MaxHead, keys.Release...)
	if err != nil {
		return Head{}, err
	}
	h, err := parseHead(text)
	if err != nil {
		return Head{}, err
	}
	return h, inTime(h.Issued, h.Expires, now)
}

// Follows tells whether a client that has accepted last may accept h:
// ErrOlder if h is before it, ErrForked if it is another release of the same sequence.
func (h Head) Follows(last Head) error {
	switch {
	case h.Sequence < last.Sequence:
		return ErrOlder
	case h.Sequence == last.Sequence && h != last:
		return ErrForked
	}
	return nil
}

// The published paths.
const HeadPath = "/v1/head"

// BlobPath is where the key list, the set and the supplement of a release are.
func BlobPath(d Digest) string { return "/v1/blob/" + d.String() }

// DeltaPath is where the delta is that makes the set with this digest out of the set of release from.
func DeltaPath(set Digest, from uint64) string {
	return "/v1/delta/" + set.String() + "/" + strconv.FormatUint(from, 10)
}

// BucketPath is where the bucket for a subject's digest is, in the release with this sequence:
// the first bits of the digest in as few hex digits as hold them.
func BucketPath(sequence uint64, bits uint8, digest [32]byte) string {
	return "/v1/bucket/" + strconv.FormatUint(sequence, 10) + "/" + BucketName(bits, BucketIndex(bits, digest))
}
