package evidence

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

// A picture that two reports have stays until the second is deleted; then its file is gone too.
func TestPicturesAreDeleted(t *testing.T) {
	s := open(t)
	one, other := bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 16)
	body := asPNG(t, screenshot(60, 40))
	p, err := s.Add(t.Context(), one, body, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(t.Context(), other, body, noon+1); err != nil {
		t.Fatal(err)
	}
	all, last, err := s.After(t.Context(), 0, 10)
	if err != nil || len(all) != 2 || last != 2 {
		t.Fatalf("%+v, %d, %v", all, last, err)
	}
	if rest, last, err := s.After(t.Context(), 1, 10); err != nil || len(rest) != 1 || last != 2 || rest[0].Received != noon+1 {
		t.Errorf("%+v, %d, %v", rest, last, err)
	}
	for range 2 { // twice does no harm
		if err := s.Delete(t.Context(), all[0]); err != nil {
			t.Fatal(err)
		}
		if list, err := s.Of(t.Context(), one, other); err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		if _, err := s.Read(p.Digest); err != nil {
			t.Errorf("the other report lost it: %v", err)
		}
	}
	if err := s.Delete(t.Context(), all[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(p.Digest); !errors.Is(err, ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}
	// Who holds the receipt may send it anew.
	if _, err := s.Add(t.Context(), one, body, noon+9); err != nil {
		t.Error(err)
	}
}

// What a crash has left between file and row is swept up, and nothing else.
func TestTheFloorIsSwept(t *testing.T) {
	s := open(t)
	p, err := s.Add(t.Context(), bytes.Repeat([]byte{1}, 16), asPNG(t, screenshot(60, 40)), noon)
	if err != nil {
		t.Fatal(err)
	}
	left := strings.Repeat("a", 64)
	if err := s.write(left, []byte("a file without a row")); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(t.Context()); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := os.Stat(s.file(left)); err == nil {
		t.Error("it still lies there")
	}
	if _, err := s.Read(p.Digest); err != nil {
		t.Error(err)
	}
	if n, err := s.Sweep(t.Context()); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}
