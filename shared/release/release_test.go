package release

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

const (
	now = int64(1763900000)
	day = int64(24 * 60 * 60)
)

// publisher is whoever holds a root key and a release key.
type publisher struct {
	root, release       note.Signer
	rootKey, releaseKey string
}

func newKey(t testing.TB, name string) (note.Signer, string) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return s, vkey
}

func newPublisher(t testing.TB) publisher {
	var p publisher
	p.root, p.rootKey = newKey(t, "khien-root")
	p.release, p.releaseKey = newKey(t, "khien-release")
	return p
}

func (p publisher) keys(t testing.TB, sequence uint64) []byte {
	t.Helper()
	msg, err := Keys{sequence, now, now + 365*day, []string{p.releaseKey}}.Sign(p.root)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func head(sequence uint64) Head {
	body := []byte("a set")
	return Head{
		Sequence: sequence, Issued: now, Expires: now + 7*day, Keys: DigestOf([]byte("keys")),
		Set: DigestOf(body), SetSize: uint64(len(body)), Count: 1, Deltas: 1, BucketBits: 3, BucketRoot: DigestOf([]byte("root")),
		Wait: 300, Spread: 60,
	}
}

func (p publisher) head(t testing.TB, h Head) []byte {
	t.Helper()
	msg, err := h.Sign(p.release)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestWhatThePublisherSignsIsBelieved(t *testing.T) {
	p := newPublisher(t)
	keys, err := OpenKeys(p.keys(t, 1), p.rootKey, now)
	if err != nil {
		t.Fatal(err)
	}
	want := head(42)
	msg := p.head(t, want)
	got, err := OpenHead(msg, keys, now)
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if read, err := ReadHead(msg); err != nil || read != want {
		t.Errorf("read without verifying: %+v, %v", read, err)
	}
	if len(msg) > 1000 {
		t.Errorf("the head has %d bytes", len(msg))
	}
}

// Each attack is what somebody between the publisher and the person could try.
func TestAttacksOnTheHead(t *testing.T) {
	p, mallory := newPublisher(t), newPublisher(t)
	keys, err := OpenKeys(p.keys(t, 1), p.rootKey, now)
	if err != nil {
		t.Fatal(err)
	}
	good := p.head(t, head(42))
	f := func(attack string, want error, msg []byte, at int64) {
		t.Helper()
		if _, err := OpenHead(msg, keys, at); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", attack, err, want)
		}
	}
	edit := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the head has no %q", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	signed := func(text string) []byte {
		msg, err := note.Sign(&note.Note{Text: text}, p.release)
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	text := head(42).text()

	f("none", nil, good, now)
	f("signed with a key of their own", ErrSignature, mallory.head(t, head(43)), now)
	f("signed with the root key, which signs key lists only", ErrSignature, func() []byte { m, _ := head(43).Sign(p.root); return m }(), now)
	f("a higher sequence under the old signature", ErrSignature, edit("sequence 42", "sequence 99"), now)
	f("a later expiry under the old signature", ErrSignature, edit("expires 1764504800", "expires 1964504800"), now)
	f("the signature cut away", ErrFormat, good[:bytes.LastIndex(good, []byte("\n\n"))+1], now)
	f("no signature that we know", ErrSignature, mallory.head(t, head(42)), now)
	f("frozen: a head of last month", ErrExpired, good, now+30*day)
	f("a second after its expiry", ErrExpired, good, now+7*day+1)
	f("at its expiry", nil, good, now+7*day)
	f("from a clock two days ahead", ErrNotYet, good, now-2*day)
	f("a clock that is some hours behind", nil, good, now-day/2)
	f("endless", ErrOversized, append(bytes.Clone(good), make([]byte, MaxHead)...), now)
	f("nothing", ErrFormat, nil, now)
	f("a hotel's sign-in page", ErrFormat, []byte("<html>\n\nSign in</html>"), now)
	f("a key list in place of a head", ErrFormat, signed(Keys{1, now, now + day, []string{p.releaseKey}}.text()), now)

	f("signed, with a line more", ErrFormat, signed(text+"extra 1\n"), now)
	f("signed, with a line less", ErrFormat, signed(text[:strings.LastIndex(text, "buckets")]), now)
	f("signed, leading zero", ErrFormat, signed(strings.Replace(text, "sequence 42", "sequence 042", 1)), now)
	f("signed, a sign", ErrFormat, signed(strings.Replace(text, "sequence 42", "sequence +42", 1)), now)
	f("signed, two blanks", ErrFormat, signed(strings.Replace(text, "sequence 42", "sequence  42", 1)), now)
	f("signed, capital digest", ErrFormat, signed(strings.Replace(text, head(1).Set.String(), strings.ToUpper(head(1).Set.String()), 1)), now)
	f("signed, sequence 0", ErrFormat, signed(strings.Replace(text, "sequence 42", "sequence 0", 1)), now)
	f("signed, a set beyond the bound", ErrFormat, signed(strings.Replace(text, " 5 1\n", " 99999999999 1\n", 1)), now)
	f("signed, a wait of two days", ErrFormat, signed(strings.Replace(text, "wait 300 60", "wait 172800 60", 1)), now)
	f("signed, too many bucket bits", ErrFormat, signed(strings.Replace(text, "buckets 3", "buckets 17", 1)), now)
	f("signed, good for a hundred years", ErrFormat, signed(strings.Replace(text, "expires 1764504800", "expires 4917500000", 1)), now)
}

func TestAttacksOnTheKeys(t *testing.T) {
	p, mallory := newPublisher(t), newPublisher(t)
	f := func(attack string, want error, msg []byte, at int64) {
		t.Helper()
		if _, err := OpenKeys(msg, p.rootKey, at); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", attack, err, want)
		}
	}
	f("none", nil, p.keys(t, 1), now)
	f("a list by another root", ErrSignature, mallory.keys(t, 2), now)
	f("a list that a release key signed for itself", ErrSignature, func() []byte {
		m, _ := Keys{2, now, now + day, []string{p.releaseKey}}.Sign(p.release)
		return m
	}(), now)
	f("frozen: a list of two years ago", ErrExpired, p.keys(t, 1), now+2*365*day)
	f("endless", ErrOversized, append(p.keys(t, 1), make([]byte, MaxKeys)...), now)
	f("a head in place of the list", ErrFormat, func() []byte { m, _ := head(1).Sign(p.root); return m }(), now)

	if _, err := (Keys{1, now, now + day, nil}).Sign(p.root); !errors.Is(err, ErrFormat) {
		t.Errorf("a list of no keys was signed: %v", err)
	}
	if _, err := (Keys{1, now, now + day, []string{"khien-release+00000000+AAAA"}}).Sign(p.root); !errors.Is(err, ErrFormat) {
		t.Errorf("a list with a damaged key was signed: %v", err)
	}
}

// The release key was stolen. The root key signs a new list; from then on the thief signs in vain.
func TestAStolenReleaseKeyIsReplaced(t *testing.T) {
	p := newPublisher(t)
	thief := p.release
	p.release, p.releaseKey = newKey(t, "khien-release")
	keys, err := OpenKeys(p.keys(t, 2), p.rootKey, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHead(p.head(t, head(43)), keys, now); err != nil {
		t.Errorf("a head by the new key: %v", err)
	}
	forged, _ := head(44).Sign(thief)
	if _, err := OpenHead(forged, keys, now); !errors.Is(err, ErrSignature) {
		t.Errorf("a head by the stolen key: %v", err)
	}
}

func TestNoWayBack(t *testing.T) {
	last := head(42)
	f := func(name string, h Head, want error) {
		t.Helper()
		if err := h.Follows(last); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	f("the next", head(43), nil)
	f("a much later one", head(4200), nil)
	f("the same again", head(42), nil)
	f("the one before", head(41), ErrOlder)
	fork := head(42)
	fork.Set = DigestOf([]byte("a set for one person only"))
	f("another one with the same number", fork, ErrForked)
}

func TestABodyIsWhatTheHeadSays(t *testing.T) {
	body := []byte("a set")
	f := func(name string, body []byte, want error) {
		t.Helper()
		if err := CheckBlob(body, DigestOf(body), head(1).Set, head(1).SetSize); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	f("whole", body, nil)
	f("cut off", body[:4], ErrTruncated)
	f("nothing", nil, ErrTruncated)
	f("something behind", append(bytes.Clone(body), 0), ErrOversized)
	f("the set of another release", []byte("b set"), ErrDigest)
}

func TestBuckets(t *testing.T) {
	for bits := uint8(0); bits <= 6; bits++ {
		leaves, hashes := make([][]byte, 1<<bits), make([]Digest, 1<<bits)
		for i := range leaves {
			leaves[i] = fmt.Appendf(nil, "leaf %d", i)
			hashes[i] = LeafHash(leaves[i])
		}
		tree := NewBucketTree(hashes)
		for i, leaf := range leaves {
			proof := tree.Prove(i)
			f := func(attack string, want error, leaf []byte, proof [][]byte, i uint32) {
				t.Helper()
				if err := CheckBucket(leaf, proof, i, bits, tree.Root()); !errors.Is(err, want) {
					t.Errorf("bucket %d of %d bits, %s: got %v, want %v", i, bits, attack, err, want)
				}
			}
			f("as published", nil, leaf, proof, uint32(i))
			f("another text", ErrProof, []byte("safe, go on"), proof, uint32(i))
			f("beyond the last", ErrProof, leaf, proof, 1<<bits)
			f("a hash more", ErrProof, leaf, append(proof[:len(proof):len(proof)], make([]byte, 32)), uint32(i))
			if bits > 0 {
				f("the bucket beside it", ErrProof, leaves[i^1], proof, uint32(i))
				f("under another number", ErrProof, leaf, proof, uint32(i^1))
				f("no proof", ErrProof, leaf, nil, uint32(i))
				f("a short hash", ErrProof, leaf, append([][]byte{proof[0][:31]}, proof[1:]...), uint32(i))
			}
		}
	}
}

func TestPaths(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	d := Digest{0xab, 0xcd, 0xef}
	rest := strings.Repeat("0", 58)
	f(BlobPath(d), "/v1/blob/abcdef"+rest)
	f(DeltaPath(d, 7), "/v1/delta/abcdef"+rest+"/7")
	f(BucketPath(42, 16, d), "/v1/bucket/42/abcd")
	f(BucketPath(42, 11, d), "/v1/bucket/42/55e")
	f(BucketPath(42, 1, d), "/v1/bucket/42/1")
	f(BucketPath(42, 0, d), "/v1/bucket/42/0")
}

// Text that is read as a head is exactly the text that the head has.
func FuzzHead(f *testing.F) {
	f.Add(head(42).text())
	f.Add("khien/head/v3\nsequence 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHead(text)
		if err == nil && h.text() != text {
			t.Fatalf("%q reads as a head whose text is %q", text, h.text())
		}
		ReadHead([]byte(text + "\nrest"))
	})
}

func FuzzKeys(f *testing.F) {
	p := newPublisher(f)
	f.Add(Keys{1, now, now + day, []string{p.releaseKey}}.text())
	f.Fuzz(func(t *testing.T, text string) {
		k, err := parseKeys(text)
		if err == nil && k.text() != text {
			t.Fatalf("%q reads as a list whose text is %q", text, k.text())
		}
	})
}

func FuzzNote(f *testing.F) {
	p := newPublisher(f)
	keys := Keys{1, now, now + day, []string{p.releaseKey}}
	good := p.head(f, head(42))
	f.Add(good)
	f.Fuzz(func(t *testing.T, msg []byte) {
		if h, err := OpenHead(msg, keys, now); err == nil && h != head(42) {
			t.Fatalf("believed what was never signed: %+v", h)
		}
	})
}
