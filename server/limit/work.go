package limit

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"time"

	"golang.org/x/time/rate"

	"khien/shared/pow"
)

// Work comes in two kinds. A program makes SHA-256 of a challenge, the id of what it sends and a number begin with so
// many zero bits. A form without script carries a ticket, and is sent again when so many seconds have passed since that
// was made out. Challenges and tickets are HMACs over what they say and are kept nowhere; each is for one purpose and
// one id, and counts once. While more of those who bring work come than the server wants, the work doubles, and doubles
// again.

// hardest is how often the work may double: 22 bits instead of 17, some two seconds of an extension's time, and 160
// seconds instead of 5.
const hardest = 5

// patience is how long a ticket has to be held, in seconds, before it has doubled.
const patience = 5

// Challenges and tickets are good for so long, in seconds.
const (
	challengeLife = 10 * 60
	ticketLife    = 60 * 60
)

// difficulty follows how many bring work.
type difficulty struct {
	wanted  rate.Limit // a second
	doubled int
	second  int64 // Unix seconds
	came    int   // in this second
}

// count counts one who has brought work.
func (d *difficulty) count(now time.Time) {
	d.pass(now.Unix())
	d.came++
}

// pass looks at the second that is over, and at those since.
func (d *difficulty) pass(now int64) {
	if now == d.second {
		return
	}
	if float64(d.came) > float64(d.wanted) && now > d.second {
		d.doubled = min(hardest, d.doubled+1)
		d.second++
	}
	d.doubled = int(max(0, int64(d.doubled)-max(0, now-d.second)))
	d.second, d.came = now, 0
}

// doubled is how often the work for a purpose is doubled now.
func (l *Limiter) doubled(p Purpose) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := &l.buckets[p].difficulty
	d.pass(time.Now().Unix())
	return d.doubled
}

// What a challenge and a ticket begin with: when it was made out, what for, and how much it wants.
const (
	saidSize = 8 + 1 + 1
	sealSize = 16

	// ChallengeSize is the length of a challenge in bytes.
	ChallengeSize = saidSize + sealSize
)

func say(p Purpose, wants int, now int64) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(now)), byte(p), byte(wants))
}

// seal proves that what is said was said by this limiter, of all that is given.
func (l *Limiter) seal(said []byte, of ...[]byte) []byte {
	h := hmac.New(sha256.New, l.secret[:])
	h.Write(said)
	for _, part := range of {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)[:sealSize]
}

// read returns what was said at which time for a purpose, if it was said by this limiter.
func (l *Limiter) read(text []byte, p Purpose, of ...[]byte) (wants int, made int64, ok bool) {
	if len(text) != saidSize+sealSize || subtle.ConstantTimeCompare(text[saidSize:], l.seal(text[:saidSize], of...)) != 1 || text[8] != byte(p) {
		return 0, 0, false
	}
	return int(text[9]), int64(binary.BigEndian.Uint64(text)), true
}

// Challenge is what a proof of work is made for, at now, and how many zero bits it needs.
func (l *Limiter) Challenge(p Purpose, now int64) (challenge []byte, zeros int) {
	zeros = l.buckets[p].limits.Bits + l.doubled(p)
	said := say(p, zeros, now)
	return append(said, l.seal(said)...), zeros
}

// Worked tells whether number is a proof of work for a challenge of ours and what has this id; it is one once.
func (l *Limiter) Worked(p Purpose, challenge, id []byte, number uint64, now int64) bool {
	zeros, made, ok := l.read(challenge, p)
	return ok && made <= now && now-made <= challengeLife && pow.Zeros(challenge, id, number) >= zeros && l.spend(challenge, id)
}

// Ticket is made out for what has this id, to whoever sends that; it is good when so many seconds have passed.
func (l *Limiter) Ticket(p Purpose, id []byte, now int64) (ticket string, wait int) {
	wait = patience << l.doubled(p)
	said := say(p, wait, now)
	return hex.EncodeToString(append(said, l.seal(said, id)...)), wait
}

// Waited tells whether a ticket was held for as long as it asks, for what has this id; it was once. From which network
// it comes doesn't matter: somebody who waits may leave one and come into another. Who may send no more now spends
// none, so nobody sends more for having many.
func (l *Limiter) Waited(p Purpose, s Sender, ticket string, id []byte, now int64) bool {
	text, err := hex.DecodeString(ticket)
	if err != nil {
		return false
	}
	wait, made, ok := l.read(text, p, id)
	return ok && now-made >= int64(wait) && now-made <= ticketLife && l.may(p, s) && l.spend(text, id)
}

// maxSpent bounds the proofs and tickets that are remembered; as the senders, they are in two generations.
const maxSpent = 100_000

// spent are proofs and tickets that have counted.
type spent struct{ young, old map[Source]bool }

// spend remembers that a challenge or a ticket has counted for an id, and tells whether it was the first time.
func (l *Limiter) spend(text, id []byte) bool {
	h := sha256.New()
	h.Write(text)
	h.Write(id)
	name := Source(h.Sum(nil)[:8])
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.spent
	if s.young[name] || s.old[name] {
		return false
	}
	if s.young == nil || len(s.young) >= maxSpent/2 {
		s.young, s.old = map[Source]bool{}, s.young
	}
	s.young[name] = true
	return true
}
