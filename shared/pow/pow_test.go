package pow

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

func TestZerosOfKnownSums(t *testing.T) {
	f := func(challenge, id string, number uint64, want int) {
		t.Helper()
		if got := Zeros([]byte(challenge), []byte(id), number); got != want {
			t.Errorf("Zeros(%q, %q, %d) = %d, want %d", challenge, id, number, got, want)
		}
	}
	for _, number := range []uint64{0, 1, 77, 1 << 40} {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("khien"), number))
		zeros := 0
		for _, b := range sum {
			if b != 0 {
				for b&0x80 == 0 {
					zeros, b = zeros+1, b<<1
				}
				break
			}
			zeros += 8
		}
		f("kh", "ien", number, zeros)
	}
	f(string(make([]byte, MaxText)), "x", 1, 0)
}

// A search in slices finds what a search in one go finds, and nothing before it.
func TestASearchGoesOnWhereItStopped(t *testing.T) {
	challenge, id := bytes.Repeat([]byte{1}, 24), bytes.Repeat([]byte{2}, 16)
	whole, found := Search(challenge, id, 0, 1<<20, 12)
	if !found {
		t.Fatal("nothing was found")
	}
	slices := 0
	var number uint64
	for done := false; !done; slices++ {
		number, done = Search(challenge, id, number, 100, 12)
	}
	if number != whole || slices != int(whole/100)+1 {
		t.Errorf("in %d slices %d, in one %d", slices, number, whole)
	}
	for n := range whole {
		if Zeros(challenge, id, n) >= 12 {
			t.Errorf("%d comes before %d", n, whole)
		}
	}
}

func TestALookAllocatesNothing(t *testing.T) {
	challenge, id := make([]byte, 24), make([]byte, 16)
	if n := testing.AllocsPerRun(100, func() { Search(challenge, id, 0, 10, 64) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSearch(b *testing.B) {
	challenge, id := make([]byte, 24), make([]byte, 16)
	for b.Loop() {
		Search(challenge, id, 0, 1000, 64)
	}
}
