//go:build !wasm

package subject

import (
	"crypto/sha256"
	"encoding/binary"
)

// digest is the SHA-256 of text.
func digest(text string) [32]byte {
	var room [256]byte
	return sha256.Sum256(append(room[:0], text...))
}

// digestHead is its first 16 bytes, big-endian.
func digestHead(text string) (a, b uint64) {
	sum := digest(text)
	return binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])
}
