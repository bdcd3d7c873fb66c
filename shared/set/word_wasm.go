package set

import "unsafe"

// word is the eight bytes of data from i on, little-endian, or 0 if it has not so many.
// The compiler makes eight loads of binary.LittleEndian.Uint64 for wasm, which makes a
// look-up four times as slow; wasm is little-endian and has no alignment.
func word(data []byte, i uint64) uint64 {
	if i+8 > uint64(len(data)) {
		return 0
	}
	return *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(data)), i))
}
