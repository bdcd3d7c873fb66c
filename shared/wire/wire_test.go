package wire

import (
	"bytes"
	"reflect"
	"testing"
)

func report() Report {
	return Report{
		ID: bytes.Repeat([]byte{7}, 16), Kind: KindScam,
		Subjects: []string{"tiktok:user/an.invented.name", "www.tiktok.com/@an.invented.name"},
		Href:     "https://www.tiktok.com/@an.invented.name", Title: "Quà tặng", Language: "vi",
		Time: 1763900000, Category: "prize", Note: "asked for a fee",
	}
}

func TestRoundTrip(t *testing.T) {
	want := report()
	body, err := want.MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got Report
	rest, err := got.UnmarshalMsg(body)
	if err != nil || len(rest) != 0 {
		t.Fatalf("unmarshal: %v, %d bytes left", err, len(rest))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestABucketMayBeLarge(t *testing.T) {
	want := Bucket{Leaf: bytes.Repeat([]byte{1}, MaxBucket-1000), Proof: [][]byte{bytes.Repeat([]byte{2}, 32)}}
	body, err := want.MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got Bucket
	if _, err := got.UnmarshalMsg(body); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v", err)
	}
}

// A sender that announces four thousand million subjects in a body of ten bytes
// must be refused before anything is allocated for them.
func TestAnnouncedSizesAreNotBelieved(t *testing.T) {
	var r Report
	if _, err := r.UnmarshalMsg([]byte("\x81\xa8subjects\xdd\xff\xff\xff\xff")); err == nil {
		t.Error("an array of 4,294,967,295 subjects was accepted")
	}
	var e Entries
	if _, err := e.UnmarshalMsg([]byte("\xdd\xff\xff\xff\xff")); err == nil {
		t.Error("a bucket of 4,294,967,295 entries was accepted")
	}
	var reason Entry
	if _, err := reason.UnmarshalMsg([]byte("\x81\xa6reason\xdd\xff\xff\xff\xff")); err == nil {
		t.Error("a list of 4,294,967,295 reasons was accepted")
	}
}

// What decodes encodes again, and the second reading equals the first.
func FuzzReport(f *testing.F) {
	r := report()
	body, _ := r.MarshalMsg(nil)
	f.Add(body)
	f.Add(body[:20])
	f.Fuzz(func(t *testing.T, body []byte) {
		var first, second Report
		if _, err := first.UnmarshalMsg(body); err != nil {
			return
		}
		again, err := first.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := second.UnmarshalMsg(again); err != nil {
			t.Fatal(err)
		}
		if third, _ := second.MarshalMsg(nil); !bytes.Equal(again, third) {
			t.Fatalf("% x\nread again is\n% x", again, third)
		}
	})
}
