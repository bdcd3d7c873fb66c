package subject

import (
	"math/bits"
	"unsafe"
)

//go:generate sh -c "go run ../../scripts/sha256 > block_wasm.go.new && mv block_wasm.go.new block_wasm.go"

// state is the hash so far, and end the last block or two of a text. They are no locals
// because the engine is called to clear and to move those; wasm has one thread, and nothing
// here waits.
var (
	state [8]uint32
	end   [16]uint64
)

// digest is the SHA-256 (FIPS 180-4) of text.
func digest(text string) (sum [32]byte) {
	hash(text)
	for i, v := range state {
		sum[4*i], sum[4*i+1], sum[4*i+2], sum[4*i+3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
	}
	return sum
}

// digestHead is its first 16 bytes, big-endian.
func digestHead(text string) (a, b uint64) {
	hash(text)
	return uint64(state[0])<<32 | uint64(state[1]), uint64(state[2])<<32 | uint64(state[3])
}

// hash hashes text where it lies. It is read by pointer, which the compiler does not make of
// encoding/binary for wasm; wasm is little-endian and has no alignment.
func hash(text string) {
	state[0], state[1], state[2], state[3] = 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a
	state[4], state[5], state[6], state[7] = 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
	at, n := unsafe.Pointer(unsafe.StringData(text)), len(text)
	for ; n >= 64; n -= 64 {
		block(at)
		at = unsafe.Add(at, 64)
	}
	full := n >> 3
	for i := range full {
		end[i&15] = *(*uint64)(unsafe.Add(at, 8*i))
	}
	last := uint64(0x80)
	for i := n - 1; i >= 8*full; i-- {
		last = last<<8 | uint64(*(*byte)(unsafe.Add(at, i)))
	}
	end[full&15] = last
	length := 7
	if n >= 56 {
		length = 15
	}
	for i := full + 1; i < length; i++ {
		end[i&15] = 0
	}
	end[length] = bits.ReverseBytes64(uint64(len(text)) * 8)
	block(unsafe.Pointer(&end))
	if length == 15 {
		block(unsafe.Pointer(&end[8]))
	}
}

// word is the word at off, big-endian.
func word(at unsafe.Pointer, off int) uint32 {
	v := *(*uint32)(unsafe.Add(at, off))
	return bits.RotateLeft32(v, 8)&0x00ff00ff | bits.RotateLeft32(v, 24)&0xff00ff00
}
