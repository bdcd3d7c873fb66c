//go:build !wasm

package set

import "encoding/binary"

// word is the eight bytes of data from i on, little-endian, or 0 if it has not so many.
func word(data []byte, i uint64) uint64 {
	if i+8 > uint64(len(data)) {
		return 0
	}
	return binary.LittleEndian.Uint64(data[i:])
}
