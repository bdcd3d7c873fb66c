package publish

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"khien/shared/official"
	"khien/shared/release"
	"khien/shared/wire"
)

// Whatever lies in the place of a bucket pack: each bucket that is handed out is under the root of the head, and
// nothing else is.
func FuzzPack(f *testing.F) {
	p := newPublisher(f)
	p.list(f, "scam.example/", "other.example/")
	p.mustPublish(f, 1_790_000_000)
	_, h, err := InForce(f.Context(), p.Ledger, p.Blobs, p.Keys.Root)
	if err != nil {
		f.Fatal(err)
	}
	body, err := p.Blobs.Get(packName(h.Sequence), 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body, uint8(0))
	f.Add(make([]byte, len(body)), uint8(0))
	f.Add(body[:4], uint8(16))
	f.Fuzz(func(t *testing.T, body []byte, bits uint8) {
		if err := p.Blobs.Put(packName(h.Sequence), body); err != nil {
			t.Fatal(err)
		}
		h := h
		h.BucketBits = bits % (release.MaxBucketBits + 1)
		got, err := Bucket(p.Blobs, h, release.BucketName(h.BucketBits, 0))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		var b wire.Bucket
		if _, err := b.UnmarshalMsg(got); err != nil || release.CheckBucket(b.Leaf, b.Proof, 0, h.BucketBits, h.BucketRoot) != nil {
			t.Fatalf("handed out what is not under the root: %x, %v", got, err)
		}
	})
}

// Help and hotlines that are read are written, and read again, as they were.
func FuzzReadHelp(f *testing.F) {
	own, err := own.ReadFile("supplement/help.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte(`{"help":[{"country":"SE","checked":"2026-11-24","steps":{},"hotlines":[{"kind":"phone","value":"11414","name":{"en":"Police"},"what":{},"cases":[],"source":""}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		help, err := ReadHelp(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(HelpFile(help))
		if err != nil {
			t.Fatal(err)
		}
		same, err := ReadHelp(again)
		if err != nil || !slices.Equal(helpLines(same), helpLines(help)) {
			t.Fatalf("%s became %s, %v", text, again, err)
		}
	})
}

// A book of official names that is read is read the same without its comments and blanks, as it is published.
func FuzzBook(f *testing.F) {
	f.Add("bank.example | A Bank # checked\n\nfacebook:user/abank | A Bank\n")
	f.Add(OwnBook())
	f.Fuzz(func(t *testing.T, text string) {
		book, err := official.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		var plain strings.Builder
		for line := range strings.Lines(text) {
			if !official.IsMark(line) {
				line, _, _ = strings.Cut(line, "#")
			}
			plain.WriteString(strings.TrimSpace(line) + "\n")
		}
		again, err := official.Read(strings.NewReader(plain.String()))
		if err != nil || again.Len() != book.Len() {
			t.Fatalf("%q: %d names, then %d, %v", text, book.Len(), again.Len(), err)
		}
	})
}
