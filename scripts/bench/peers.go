//go:build !wasip1

package main

import (
	"bytes"
	"encoding/binary"
	"runtime"
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
	// From the bytes that would come over the network, or lie in a store, to the first look-up.
	rawBytes, keyBytes := binary.LittleEndian.AppendUint32(nil, 0)[:0], []byte(nil)
	for _, p := range raw {
		rawBytes = binary.LittleEndian.AppendUint32(rawBytes, p)
	}
	for _, e := range list {
		keyBytes = append(binary.LittleEndian.AppendUint64(keyBytes, e.Prefix), e.Class)
	}
	filterBytes, fuseBytes := new(bytes.Buffer), new(bytes.Buffer)
	if _, err := filter.WriteTo(filterBytes); err != nil {
		panic(err)
	}
	if err := fuse.Save(fuseBytes); err != nil {
		panic(err)
	}
	open := once(func() { set.Open(data) })
	against := func(peer string, load func() any) {
		say(line{Name: "set/open", Value: open, Unit: "ms", Peer: peer, PeerValue: once(func() { load() })})
		say(line{Name: "set/memory", Value: float64(len(data)), Unit: "bytes", Peer: peer, PeerValue: held(load)})
	}
	against("raw 32-bit prefixes", func() any {
		loaded := make([]uint32, len(rawBytes)/4)
		for i := range loaded {
			loaded[i] = binary.LittleEndian.Uint32(rawBytes[4*i:])
		}
		return loaded
	})
	against("Go map", func() any {
		loaded := make(map[uint64]uint8, len(list))
		for at := 0; at < len(keyBytes); at += 9 {
			loaded[binary.LittleEndian.Uint64(keyBytes[at:])] = keyBytes[at+8]
		}
		return loaded
	})
	against("Bloom filter", func() any {
		loaded := new(bloom.BloomFilter)
		if _, err := loaded.ReadFrom(bytes.NewReader(filterBytes.Bytes())); err != nil {
			panic(err)
		}
		return loaded
	})
	against("binary fuse filter, 16 bits", func() any {
		loaded, err := xorfilter.LoadBinaryFuse[uint16](bytes.NewReader(fuseBytes.Bytes()))
		if err != nil {
			panic(err)
		}
		return loaded
	})
	size := float64(len(data)) * 8 / n
	say(line{Name: "set/bits-per-entry", Value: size, Unit: "bits", Peer: "Bloom filter, as rare false hits, without class", PeerValue: float64(filter.Cap()) / n})
	say(line{Name: "set/bits-per-entry", Value: size, Unit: "bits", Peer: "binary fuse filter, 16 bits: 17 times the false hits, without class", PeerValue: float64(len(fuse.Fingerprints)) * 16 / n})
}

// held is how many bytes of the heap hold what load makes.
func held(load func() any) float64 {
	var before, after runtime.MemStats
	for range 3 { // what was freed before, pools too, is not to be counted
		runtime.GC()
	}
	runtime.ReadMemStats(&before)
	made := load()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(made)
	runtime.KeepAlive(load)
	return float64(after.HeapAlloc) - float64(before.HeapAlloc)
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
