package publish

import (
	_ "embed"
	"encoding/binary"
	"strings"
	"sync"

	"khien/shared/set"
	"khien/shared/subject"
)

// The ranking that Khiên carries: sets of shared/set, each entry the name that Ranked gives, as a host
// ("shop.example/"), with a RankedAs for its class. scripts/ranking makes them from public lists; ranking/README.md
// says from which, and their licences.
var (
	//go:embed ranking/free.set
	freeRanking []byte
	//go:embed ranking/noncommercial.set
	noncommercialRanking []byte
)

// RankedAs is what the ranking knows a host as; the class of its entry.
type RankedAs uint8

// What a host can be ranked as. Where several lists know it, the highest holds.
const (
	Unranked     RankedAs = iota
	PopularHost           // many visit it, or a public directory names it: two people must agree to list anything of it but an account
	RankedShared          // a short link, a page of links, free space: as the hosts of protected/shared.txt
	RankedBank            // a bank: as the hosts of protected/banks.txt
)

var ranking = sync.OnceValue(func() (sets [2]set.Set) {
	for i, body := range [][]byte{freeRanking, noncommercialRanking} {
		s, err := set.Open(body)
		if err != nil {
			panic(err) // it is part of the program
		}
		sets[i] = s
	}
	return sets
})

// Ranked returns the name under which a ranking keeps a host: what its owner has registered below a public suffix,
// official or private, or the customer's name below a host that many share. It returns false for an IP address, a
// public suffix, and what the protection has already: a site or what is below it, and a shared host itself.
func Ranked(host string) (name string, ok bool) { return protected().ranked(host) }

func (p *Protection) ranked(host string) (name string, ok bool) {
	if _, ok := addressOf(host); ok {
		return "", false
	}
	in := p.place(host)
	if p.siteOf(in) != "" || p.isShared(host) {
		return "", false
	}
	return p.registered(in)
}

// registered is ranked for a name that the protection has not already.
func (p *Protection) registered(h placed) (name string, ok bool) {
	above, ok := strings.CutSuffix(h.host, "."+h.suffix)
	if !ok || strings.HasPrefix(h.host, ".") || strings.HasSuffix(h.host, ".") || strings.Contains(h.host, "..") {
		return "", false
	}
	name = h.host[strings.LastIndexByte(above, '.')+1:]
	for below := h.host; len(below) > len(name); {
		_, parent, _ := strings.Cut(below, ".")
		if p.shared[parent] {
			return below, true
		}
		below = parent
	}
	return name, true
}

// rank returns what the ranking that Khiên carries knows a host as, or what it is below.
func (p *Protection) rank(host string) RankedAs {
	name, ok := p.ranked(host)
	return rankOfName(name, ok)
}

func rankOfName(name string, ok bool) RankedAs {
	if !ok {
		return Unranked
	}
	return rankOf(subject.Subject(name + "/").Digest())
}

// rankedBits is by how many bits of a digest most are told that are not ranked: the sieve takes half a MB, and lets one
// of fourteen through.
const rankedBits = 22

var rankedSieve = sync.OnceValue(func() sieve {
	known := make(sieve, 1<<rankedBits/64)
	for _, s := range ranking() {
		for e := range s.All() {
			known.add(e.Prefix << (64 - set.PrefixBits))
		}
	}
	return known
})

func rankOf(digest [32]byte) (rank RankedAs) {
	if !rankedSieve().may(binary.BigEndian.Uint64(digest[:])) {
		return Unranked
	}
	for _, s := range ranking() {
		if as, known := s.Lookup(digest); known {
			rank = max(rank, RankedAs(as))
		}
	}
	return rank
}

// Known tells whether a host, or one that it is below, is one that many people know: by the protected names or by the
// ranking. Host is in its canonical form, as in a subject.
func Known(host string) bool {
	p := protected()
	return p.site(host) != "" || p.isShared(host) || p.rank(host) != Unranked
}
