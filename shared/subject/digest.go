//go:build !wasm

package subject

import (
	"crypto/sha256"
	"encoding/binary"
	"unsafe"
)

// digest is the SHA-256 of text.
func digest(text string) [32]byte {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(text), len(text))) // without a copy
}

// digestHead is its first 16 bytes, big-endian.
func digestHead(text string) (a, b uint64) {
	sum := digest(text)
	return binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])
}
