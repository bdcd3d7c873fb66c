package set

import (
	"encoding/binary"
	"math/bits"
)

// pad is how many zero bytes follow everything, so that a reader near the end may load a
// whole word.
const pad = 8

// bitWriter appends bits, the lowest bit of the first byte first.
type bitWriter struct {
	out  []byte
	word uint64
	used uint // bits of word in use, always < 64
	n    uint64
}

// write appends the low width bits of v; width ≤ 64 and v < 1<<width.
func (w *bitWriter) write(v uint64, width uint) {
	w.n += uint64(width)
	w.word |= v << w.used
	if w.used += width; w.used < 64 {
		return
	}
	w.out = binary.LittleEndian.AppendUint64(w.out, w.word)
	w.used -= 64
	w.word = v >> (width - w.used)
}

// unary appends q zeros and a one.
func (w *bitWriter) unary(q uint64) {
	for ; q >= 32; q -= 32 {
		w.write(0, 32)
	}
	w.write(1<<q, uint(q)+1)
}

// rice appends v as its quotient by 1<<k in unary and its low k bits.
func (w *bitWriter) rice(v uint64, k uint) {
	w.unary(v >> k)
	w.write(v&(1<<k-1), k)
}

// finish fills up the last byte.
func (w *bitWriter) finish() []byte {
	for ; w.used > 0; w.used -= min(w.used, 8) {
		w.out = append(w.out, byte(w.word))
		w.word >>= 8
	}
	return w.out
}

// riceLength is the length of what rice appends, in bits.
func riceLength(v uint64, k uint) uint64 { return v>>k + 1 + uint64(k) }

// load returns at least 57 bits from the position on; zeros past the end.
func load(data []byte, at uint64) uint64 { return word(data, at>>3) >> (at & 7) }

// bitReader reads what a bitWriter wrote. Past the end it reads zeros and never goes on:
// at is the position, and whoever reads compares it with the end.
type bitReader struct {
	data []byte // with pad
	at   uint64
}

func (r *bitReader) read(width uint) uint64 {
	v := load(r.data, r.at) & (1<<width - 1)
	r.at += uint64(width)
	return v
}

// rice reads one number; at ends beyond end if the stream does before the number.
func (r *bitReader) rice(k uint, end uint64) uint64 {
	word := load(r.data, r.at)
	if z := uint(bits.TrailingZeros64(word)); z+k < 56 { // all of it is in the word
		r.at += uint64(z + 1 + k)
		return uint64(z)<<k | word>>1>>z&(1<<k-1)
	}
	return r.longRice(k, end)
}

// longRice reads one that is longer than a word.
func (r *bitReader) longRice(k uint, end uint64) uint64 {
	var q uint64
	for {
		if word := load(r.data, r.at); word != 0 {
			if z := uint64(bits.TrailingZeros64(word)); z < 56 {
				r.at += z + 1
				q += z
				break
			}
		}
		r.at += 56
		q += 56
		if r.at >= end {
			r.at = end + 1
			return 0
		}
	}
	return q<<k | r.read(k)
}

// riceParameter is the k for numbers whose mean is total/n: the smallest with
// 2^k ≥ ln(φ)·mean, where the expected lengths for k and k+1 cross
// (Kiely, "Selecting the Golomb Parameter in Rice Coding", IPN 42-159, section III).
func riceParameter(total, n uint64) uint {
	k := uint(0)
	for n > 0 && n<<8<<k < total*123 { // ln φ = 0.4812 = 123.2/256
		k++
	}
	return k
}
