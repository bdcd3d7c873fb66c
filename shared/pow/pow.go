// Package pow is the proof of work that a server asks for while reports come faster than it wants to take them: a
// number that makes SHA-256 of the server's challenge, the report's id and the number begin with so many zero bits. The
// server looks once, the sender on average two to the power of so many times.
package pow

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// MaxText bounds the challenge and the id together, in bytes.
const MaxText = 64

// Zeros counts the zero bits at the beginning of SHA-256 of challenge, id and number, which is written in eight bytes,
// the most significant first. Challenge and id have at most MaxText bytes together, or there are none.
func Zeros(challenge, id []byte, number uint64) int {
	var b [MaxText + 8]byte
	if len(challenge)+len(id) > MaxText {
		return 0
	}
	text := append(append(b[:0], challenge...), id...)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(text, number))
	return bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:]))
}

// Search tries tries numbers from a number on, and returns the first that gives at least zeros zero bits, or else the
// number to go on from.
func Search(challenge, id []byte, from uint64, tries, zeros int) (number uint64, found bool) {
	for range tries {
		if Zeros(challenge, id, from) >= zeros {
			return from, true
		}
		from++
	}
	return from, false
}
