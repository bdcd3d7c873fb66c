package httpd

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/valyala/fasthttp"

	"khien/server/inbox"
	"khien/server/limit"
	"khien/shared/pow"
)

// Whatever stands in the header Khien-Work: what is read of it is what was written, and it counts only where it is a
// proof for that challenge and that id, once.
func FuzzKhienWork(f *testing.F) {
	const noon = 1_763_900_000
	s := &Server{limiter: limit.New(alike(limit.Limits{Each: 1, EachBurst: 1, All: 1, AllBurst: 1, Bits: 8}))}
	challenge, zeros := s.limiter.Challenge(limit.Reports, noon)
	id := bytes.Repeat([]byte{7}, inbox.IDSize)
	number, _ := pow.Search(challenge, id, 0, 1<<20, zeros)
	f.Add(fmt.Appendf(nil, "%x %x %d", challenge, id, number))
	f.Add(fmt.Appendf(nil, "%X %x +%d", challenge, id, number))
	f.Add(fmt.Appendf(nil, "%x %x %d ", challenge, id, number))
	f.Add(fmt.Appendf(nil, "%x  %x", challenge, id))
	f.Add([]byte("none"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, said []byte) {
		var h fasthttp.RequestHeader
		h.SetBytesV("Khien-Work", said)
		p, ok := proofIn(&h)
		if !ok {
			return
		}
		if len(p.challenge) != limit.ChallengeSize || len(p.id) != inbox.IDSize {
			t.Fatalf("%q: %d and %d bytes", said, len(p.challenge), len(p.id))
		}
		if again := fmt.Appendf(nil, "%x %x %d", p.challenge, p.id, p.number); len(said) < len(again) {
			t.Errorf("%q is read as %q", said, again)
		}
		if s.proven(limit.Reports, p, noon) {
			if !bytes.Equal(p.challenge, challenge) || pow.Zeros(p.challenge, p.id, p.number) < zeros {
				t.Errorf("%q counts", said)
			}
			if s.proven(limit.Reports, p, noon) {
				t.Errorf("%q counts twice", said)
			}
		}
	})
}
