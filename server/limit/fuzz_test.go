package limit

import (
	"bytes"
	"testing"
)

// Whatever comes as a challenge or as a ticket: what counts was made out by this limiter, for that purpose, and counts
// once.
func FuzzWorkFromStrangers(f *testing.F) {
	l := New(alike(Limits{Each: 1, EachBurst: 1, All: 1, AllBurst: 1, Bits: 1}))
	id := []byte("0123456789abcdef")
	challenge, _ := l.Challenge(Appeals, noon)
	ticket, wait := l.Ticket(LookUps, id, noon)
	f.Add(challenge, ticket, id, uint64(0), int64(noon+wait), int(Appeals))
	f.Add(challenge[:5], ticket[:7], id[:0], uint64(1), int64(noon), int(LookUps))
	f.Add([]byte{}, "", []byte(nil), ^uint64(0), int64(-1), int(Receipts))
	f.Fuzz(func(t *testing.T, text []byte, said string, name []byte, number uint64, now int64, p int) {
		purpose := Purpose(p)
		if purpose < 0 || purpose >= purposes {
			return
		}
		if l.Worked(purpose, text, name, number, now) {
			if !bytes.Equal(text, challenge) || purpose != Appeals || now < noon || now > noon+challengeLife {
				t.Errorf("%x counts for purpose %d at %d", text, p, now)
			}
			if l.Worked(purpose, text, name, number, now) {
				t.Error("it counts twice")
			}
		}
		if l.Waited(purpose, from(1), said, name, now) {
			if purpose != LookUps || !bytes.Equal(name, id) || now < noon+int64(wait) || now > noon+ticketLife {
				t.Errorf("%s counts for purpose %d at %d", said, p, now)
			}
			if l.Waited(purpose, from(2), said, name, now) {
				t.Error("it counts twice")
			}
		}
	})
}
