package publish

import (
	"hash/maphash"
	"math/bits"
)

// sieve tells most that are not among some from their hashes, with one look at a memory that is near: of some of these
// it says that they may be. Its length is a power of two.
type sieve []uint64

// newSieve is one for so many, which lets one of sixteen through, or fewer.
func newSieve(count int) sieve { return make(sieve, 1<<bits.Len(uint(count/4))) }

func (s sieve) place(hash uint64) (word uint64, bit uint64) {
	at := hash >> (58 - bits.Len(uint(len(s)-1))) // the first bits
	return at / 64, 1 << (at % 64)
}

func (s sieve) add(hash uint64) {
	word, bit := s.place(hash)
	s[word] |= bit
}

func (s sieve) may(hash uint64) bool {
	word, bit := s.place(hash)
	return s[word]&bit != 0
}

func hashOf(name string) uint64 { return maphash.String(seed, name) }
