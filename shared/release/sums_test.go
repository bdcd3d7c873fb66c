package release

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// Sums are believed from a release key alone, and nothing that is signed for another purpose is taken for them.
func TestSums(t *testing.T) {
	p := newPublisher(t)
	keys := Keys{Release: []string{p.releaseKey}}
	sums := Sums{"khien-0.1.0-chromium.zip": DigestOf([]byte("one")), "khien-0.1.0-firefox.zip": DigestOf([]byte("two"))}
	msg, err := sums.Sign(p.release)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenSums(msg, keys)
	if err != nil || got.Text() != sums.Text() {
		t.Fatalf("%v, %v", got, err)
	}
	if _, err := OpenHead(msg, keys, now); !errors.Is(err, ErrFormat) {
		t.Errorf("sums are taken for a head: %v", err)
	}
	if _, err := OpenKeys(msg, p.releaseKey, now); !errors.Is(err, ErrFormat) {
		t.Errorf("sums are taken for a key list: %v", err)
	}
	signed, err := head(1).Sign(p.release)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSums(signed, keys); !errors.Is(err, ErrFormat) {
		t.Errorf("a head is taken for sums: %v", err)
	}
	stranger, _ := newKey(t, "khien-release")
	for what, forged := range map[string]func() ([]byte, error){
		"another key":   func() ([]byte, error) { return sums.Sign(stranger) },
		"another digit": func() ([]byte, error) { return bytes.Replace(msg, []byte("chromium"), []byte("chromiun"), 1), nil },
	} {
		msg, err := forged()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSums(msg, keys); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// There is one way to write sums, and a name leads nowhere else.
func TestSumsThatAreNone(t *testing.T) {
	p := newPublisher(t)
	digest := DigestOf(nil).String()
	for _, text := range []string{
		"",
		sumsLine + "\n",
		digest + "  a\n",
		sumsLine + "\n" + digest + "  ../a\n",
		sumsLine + "\n" + digest + "  .a\n",
		sumsLine + "\n" + digest + "  \n",
		sumsLine + "\n" + digest + " a\n",
		sumsLine + "\n" + digest + "  a b\n",
		sumsLine + "\n" + digest + "  b\n" + digest + "  a\n",
		sumsLine + "\n" + digest + "  a\n" + digest + "  a\n",
		sumsLine + "\nabc  a\n",
	} {
		msg, err := note.Sign(&note.Note{Text: text + "\n"[:max(0, 1-len(text))]}, p.release)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got, err := OpenSums(msg, Keys{Release: []string{p.releaseKey}}); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := (Sums{"a/b": {}}).Sign(p.release); !errors.Is(err, ErrFormat) {
		t.Errorf("a name with a folder is signed: %v", err)
	}
}
