// Package limit keeps one sender of reports from drowning out the others, without knowing who anybody is.
//
// A sender is the prefix of an address: a whole IPv4 address, or the 64 bits of an IPv6 one that a household has. It is
// hashed with a key that exists in memory only and is replaced every day, so that what is stored beside a report tells
// whether two reports of one day came from one place, and the next day nothing.
//
// While reports come faster than the server wants to take them, each must bring a proof of work: a number that makes
// SHA-256 of the challenge, the report's id and the number begin with so many zero bits. That is a fraction of a
// second for one person and a great deal for who sends thousands. A challenge is an HMAC over its time and is kept
// nowhere; it holds for one id, and an id counts once.
package limit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"

	"khien/shared/work"
)

// Source is a sender, for one day. It tells nothing about the address.
type Source [8]byte

const (
	day = 24 * 60 * 60

	// maxSources bounds the senders that are remembered: some 20 MB. They are in two generations; when the younger one is full,
	// the older one is forgotten, and whoever sends is young again.
	maxSources = 100_000
)

// Limits are how much is taken, in reports a second.
type Limits struct {
	Each      rate.Limit // from one sender in the long run
	EachBurst int        // from one sender at once
	All       rate.Limit // from all together before work is asked for
	AllBurst  int
	Bits      int // of the proof of work
}

// Usual is what one server of two cores takes with ease: a person who reports a whole feed is no flood.
var Usual = Limits{Each: 0.2, EachBurst: 60, All: 2000, AllBurst: 4000, Bits: 17}

// Limiter is safe for concurrent use.
type Limiter struct {
	limits Limits
	secret [32]byte // key of the challenges

	mu         sync.Mutex
	day        int64
	key        [32]byte // of the sources, for this day
	young, old map[Source]*rate.Limiter
	all        *rate.Limiter
}

// New makes a limiter with keys of its own.
func New(limits Limits) *Limiter {
	l := &Limiter{limits: limits, young: map[Source]*rate.Limiter{}, all: rate.NewLimiter(limits.All, limits.AllBurst)}
	rand.Read(l.secret[:])
	rand.Read(l.key[:])
	return l
}

// Source is the sender behind an address, at now in Unix seconds.
func (l *Limiter) Source(addr netip.Addr, now int64) Source {
	addr = addr.Unmap().WithZone("")
	length := 32
	if addr.Is6() {
		length = 64
	}
	prefix, _ := addr.Prefix(length) // of the zero address none, and all those are one sender
	text, _ := prefix.MarshalBinary()
	l.mu.Lock()
	if today := now / day; today != l.day {
		l.day = today
		rand.Read(l.key[:])
		l.young, l.old = map[Source]*rate.Limiter{}, nil
	}
	key := l.key
	l.mu.Unlock()
	h := hmac.New(sha256.New, key[:])
	h.Write(text)
	return Source(h.Sum(nil)[:8])
}

// Answer is what may happen with a report.
type Answer int

// The answers.
const (
	Take Answer = iota
	Work        // it must come again with a proof of work
	Wait        // the sender has sent too many; later
)

// Ask counts a report of a sender, and tells what may happen with it; worked tells whether it brings a proof of work.
func (l *Limiter) Ask(s Source, worked bool) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.sender(s)
	// First the common bucket, so that one who must wait does not take from the others.
	if !worked && l.all.Tokens() < 1 {
		return Work
	}
	if !one.Allow() {
		return Wait
	}
	l.all.Allow()
	return Take
}

// sender is what a sender may still send.
func (l *Limiter) sender(s Source) *rate.Limiter {
	one := l.young[s]
	if one != nil {
		return one
	}
	if one = l.old[s]; one == nil {
		one = rate.NewLimiter(l.limits.Each, l.limits.EachBurst)
	}
	if len(l.young) >= maxSources/2 {
		l.young, l.old = make(map[Source]*rate.Limiter, maxSources/2), l.young
	}
	l.young[s] = one
	return one
}

// ChallengeSize is the length of a challenge in bytes: its time and its HMAC.
const ChallengeSize = 8 + 16

// challengeLife is how long a challenge is good, in seconds.
const challengeLife = 10 * 60

// Challenge is what a proof of work is made for, at now, and how many zero bits it needs.
func (l *Limiter) Challenge(now int64) (challenge []byte, zeros int) {
	challenge = binary.BigEndian.AppendUint64(nil, uint64(now))
	return append(challenge, l.seal(challenge)...), l.limits.Bits
}

func (l *Limiter) seal(time []byte) []byte {
	h := hmac.New(sha256.New, l.secret[:])
	h.Write(time)
	return h.Sum(nil)[:ChallengeSize-8]
}

// Worked tells whether number is a proof of work for a challenge of ours and the report with this id.
func (l *Limiter) Worked(challenge, id []byte, number uint64, now int64) bool {
	if len(challenge) != ChallengeSize || subtle.ConstantTimeCompare(challenge[8:], l.seal(challenge[:8])) != 1 {
		return false
	}
	made := int64(binary.BigEndian.Uint64(challenge))
	return made <= now && now-made <= challengeLife && work.Zeros(challenge, id, number) >= l.limits.Bits
}
