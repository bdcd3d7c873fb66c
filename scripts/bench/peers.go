//go:build !wasip1

package main

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sort"

	"github.com/FastFilter/xorfilter"
	"github.com/bits-and-blooms/bloom/v3"
	"github.com/klauspost/compress/zstd"

	"khien/shared/set"
)

// peers measures what others use, on the same prefixes. None of them tells a class, and
// neither filter takes a delta.
func peers(say func(line), list []set.Entry, data []byte, probes [][2]uint64, fill func(hit bool)) {
	n := float64(len(list))
	keys := make([]uint64, len(list))
	raw := make([]uint32, len(list))
	exact := make(map[uint64]uint8, len(list))
	for i, e := range list {
		keys[i], raw[i], exact[e.Prefix] = e.Prefix, uint32(e.Prefix>>8), e.Class
	}
	slices.Sort(raw)
	rate := n / (1 << 40)
	filter := bloom.NewWithEstimates(uint(len(list)), rate)
	for _, k := range keys {
		filter.Add(binary.BigEndian.AppendUint64(nil, k))
	}
	fuse, err := xorfilter.NewBinaryFuse[uint16](keys)
	if err != nil {
		panic(err) // only for keys given twice
	}
	prefix := func(i int) uint64 { return probes[i&(1<<16-1)][0] >> 24 }
	s, err := set.Open(data)
	if err != nil {
		panic(err)
	}
	look := func(i int) { p := probes[i&(1<<16-1)]; s.LookupHead(p[0], p[1]) }
	var key [8]byte
	for _, hit := range []bool{true, false} {
		fill(hit)
		name := "set/lookup-miss"
		if hit {
			name = "set/lookup-hit"
		}
		ours := each(look)
		against := func(peer string, f func(i int)) {
			say(line{Name: name, Value: ours, Unit: "ns", Peer: peer, PeerValue: each(f)})
		}
		against("raw 32-bit prefixes, binary search", func(i int) {
			p := uint32(prefix(i) >> 8)
			sort.Search(len(raw), func(j int) bool { return raw[j] >= p })
		})
		against("Go map", func(i int) { _ = exact[prefix(i)] })
		against("Bloom filter", func(i int) { binary.BigEndian.PutUint64(key[:], prefix(i)); filter.Test(key[:]) })
		against("binary fuse filter, 16 bits", func(i int) { fuse.Contains(prefix(i)) })
	}
	size := float64(len(data)) * 8 / n
	say(line{Name: "set/bits-per-entry", Value: size, Unit: "bits", Peer: "Bloom filter, as rare false hits, without class", PeerValue: float64(filter.Cap()) / n})
	say(line{Name: "set/bits-per-entry", Value: size, Unit: "bits", Peer: "binary fuse filter, 16 bits: 17 times the false hits, without class", PeerValue: float64(len(fuse.Fingerprints)) * 16 / n})
}

// patch is the size of a zstd frame of the new list with the old one as its dictionary.
func patch(from, to []set.Entry) float64 {
	raw := func(list []set.Entry) []byte {
		list = slices.Clone(list)
		slices.SortFunc(list, func(a, b set.Entry) int { return int(int64(a.Prefix) - int64(b.Prefix)) })
		var b bytes.Buffer
		for _, e := range list {
			b.Write(binary.BigEndian.AppendUint64(nil, e.Prefix<<24)[:5])
			b.WriteByte(e.Class)
		}
		return b.Bytes()
	}
	old, next := raw(from), raw(to)
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderDictRaw(1, old), zstd.WithWindowSize(1<<26))
	if err != nil {
		panic(err)
	}
	return float64(len(w.EncodeAll(next, nil)))
}
