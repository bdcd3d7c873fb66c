package publish

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"khien/shared/release"
	"khien/shared/set"
)

// absent is the class of an entry that is not there.
const absent = 0xff

// change is what a release did to one prefix.
type change struct {
	prefix        uint64
	before, after uint8 // classes, or absent
}

// step is what a release changed in the one before. It is kept for as long as a client may
// have that one: the deltas to a new release are made of the steps, not of the sets.
//
//	 0  4  "KH\x01\x00"
//	 4  8  sequence of the release before
//	12  4  number of its long entries
//	16  4  number of changes
//	20     long entries, of 11 bytes; changes: 5 bytes of prefix, big-endian, and the classes
type step struct {
	base    uint64
	long    []set.Long // of the release before
	changes []change   // in order
}

const stepMagic = "KH\x01\x00"

func (s *step) encode() []byte {
	out := append(make([]byte, 0, 20+len(s.long)*11+len(s.changes)*7), stepMagic...)
	out = binary.LittleEndian.AppendUint64(out, s.base)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(s.long)))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(s.changes)))
	for _, l := range s.long {
		out = append(append(out, l.Prefix[:]...), l.Class)
	}
	for _, c := range s.changes {
		out = append(out, byte(c.prefix>>32), byte(c.prefix>>24), byte(c.prefix>>16), byte(c.prefix>>8), byte(c.prefix), c.before, c.after)
	}
	return out
}

var errStep = errors.New("not a step of the history")

func decodeStep(b []byte) (s step, err error) {
	if len(b) < 20 || string(b[:4]) != stepMagic {
		return s, errStep
	}
	s.base = binary.LittleEndian.Uint64(b[4:])
	long, changes := uint64(binary.LittleEndian.Uint32(b[12:])), uint64(binary.LittleEndian.Uint32(b[16:]))
	if b = b[20:]; uint64(len(b)) != long*11+changes*7 {
		return s, errStep
	}
	for range long {
		s.long = append(s.long, set.Long{Prefix: [set.LongBytes]byte(b), Class: b[10]})
		b = b[11:]
	}
	s.changes = make([]change, changes)
	for i := range s.changes {
		s.changes[i] = change{uint64(b[0])<<32 | uint64(binary.BigEndian.Uint32(b[1:])), b[5], b[6]}
		if i > 0 && s.changes[i].prefix <= s.changes[i-1].prefix {
			return s, errStep
		}
		b = b[7:]
	}
	return s, nil
}

func stepName(sequence uint64) string { return "history/" + strconv.FormatUint(sequence, 10) }

// stepFrom is the step from the set of the release base to one with these entries, which are in order.
func stepFrom(base uint64, last *set.Set, entries []set.Entry) *step {
	return &step{base, slices.Collect(last.Longs()), compare(last, entries)}
}

// compare finds what leads from last to entries, which are in order.
func compare(last *set.Set, entries []set.Entry) (changes []change) {
	for e := range last.All() {
		for len(entries) > 0 && entries[0].Prefix < e.Prefix {
			changes = append(changes, change{entries[0].Prefix, absent, entries[0].Class})
			entries = entries[1:]
		}
		switch {
		case len(entries) == 0 || entries[0].Prefix > e.Prefix:
			changes = append(changes, change{e.Prefix, e.Class, absent})
		default:
			if entries[0].Class != e.Class {
				changes = append(changes, change{e.Prefix, e.Class, entries[0].Class})
			}
			entries = entries[1:]
		}
	}
	for _, e := range entries {
		changes = append(changes, change{e.Prefix, absent, e.Class})
	}
	return changes
}

// link is a step with the digest of the set that it leads from.
type link struct {
	step
	set release.Digest
}

// chain reads the steps that lead back from the newest, whose step is given, to the release
// that was in force at since: the newest first. It ends early where a step is missing or is
// not the one that the ledger knows: clients that are older take the set.
func (p *Publisher) chain(newest step, releases map[uint64]releaseTime, known map[string]release.Digest, since int64) (links []link) {
	for s := newest; ; {
		base, ok := releases[s.base]
		if !ok {
			return links
		}
		links = append(links, link{s, base.set})
		if base.issued < since {
			return links
		}
		name := stepName(s.base)
		body, err := fileOf(p.Blobs, name, known[name])
		if err != nil {
			return links
		}
		before := s.base
		if s, err = decodeStep(body); err != nil || s.base >= before {
			return links
		}
	}
}

type releaseTime struct {
	set    release.Digest
	issued int64
}

// deltas makes the delta from each release of the chain to the newest, of which entries and
// long are in order, and gives them to put until it wants no more. It goes over the changes
// once: on the way back it keeps, for each prefix that ever changed, the class it had.
func deltas(entries []set.Entry, long []set.Long, links []link, put func(sequence uint64, delta []byte) (more bool, err error)) error {
	var prefixes []uint64
	for _, l := range links {
		for _, c := range l.changes {
			prefixes = append(prefixes, c.prefix)
		}
	}
	slices.Sort(prefixes)
	prefixes = slices.Compact(prefixes)
	rank, now := make([]uint32, len(prefixes)), make([]uint8, len(prefixes))
	place := 0
	for i, prefix := range prefixes {
		for place < len(entries) && entries[place].Prefix < prefix {
			place++
		}
		rank[i], now[i] = uint32(place), absent
		if place < len(entries) && entries[place].Prefix == prefix {
			now[i] = entries[place].Class
		}
	}
	then := slices.Clone(now)
	var d set.Delta
	var out []byte
	for _, l := range links {
		at := 0
		for _, c := range l.changes {
			n, _ := slices.BinarySearch(prefixes[at:], c.prefix)
			at += n
			then[at] = c.before
		}
		d.Base, d.Removed, d.Changed, d.Added = l.set, d.Removed[:0], d.Changed[:0], d.Added[:0]
		shift := 0 // how many more of the prefixes before were there then than are now
		for i, was := range then {
			is := now[i]
			if was == is {
				continue
			}
			place := uint32(int(rank[i]) + shift)
			switch {
			case is == absent:
				d.Removed = append(d.Removed, place)
				shift++
			case was == absent:
				d.Added = append(d.Added, set.Entry{Prefix: prefixes[i], Class: is})
				shift--
			default:
				d.Changed = append(d.Changed, set.Change{Place: place, Class: is})
			}
		}
		d.From = len(entries) + shift
		d.Long(l.long, long)
		out = d.Append(out[:0])
		if more, err := put(l.base, out); err != nil || !more {
			return err
		}
	}
	return nil
}
