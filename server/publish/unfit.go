package publish

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"khien/shared/official"
	"khien/shared/release"
	"khien/shared/supplement"
	"khien/shared/wire"
)

// Unfit is what a release goes without, since no reader could take it: one bad line of somebody must not keep all
// others from being published. Where it is about an indicator, What is its subject.
type Unfit struct {
	What string
	Err  error
}

func (u *Unfit) Error() string { return shown(u.What) + ": " + shown(u.Err.Error()) }
func (u *Unfit) Unwrap() error { return u.Err }

func isUnfit(err error) bool {
	_, is := errors.AsType[*Unfit](err)
	return is
}

var (
	// ErrWordy is an indicator about which too much is said: it is published without that.
	ErrWordy = fmt.Errorf("what is said about it has more than %d bytes, and is left out", maxEntry)
	// ErrCrowded is an indicator in whose bucket there is no room. Buckets are filled by chance, or by somebody who seeks
	// it.
	ErrCrowded = errors.New("there is no room in its bucket")
)

const (
	// maxEntry bounds what a bucket says about one indicator, in bytes: some 30 of them share one of at most
	// wire.MaxBucket.
	maxEntry = 8 << 10
	// maxBucketEntries is how many entries a client takes in one bucket (the limit on arrays of package wire).
	maxBucketEntries = 4096
	// maxCarried bounds a source and a reference where the rest is left out, in bytes.
	maxCarried = 200
)

// crowded takes out of sorted rows what has no room in its bucket: first what is new, then of what more is said than in
// the release before, which had entries of these sizes, and then the rest, each time the longest first. So nobody's
// place is taken by who comes later.
func (r *rows) crowded(before func() map[name]uint16) map[name]bool {
	out := map[name]bool{}
	before = sync.OnceValue(before)
	place := func(one row) int {
		switch was := before()[one.name]; {
		case was == 0:
			return 0
		case one.size > was:
			return 1
		}
		return 2
	}
	for again := true; again; {
		again = false
		bits := bucketBits(len(r.list))
		for from := 0; from < len(r.list); {
			n := release.BucketIndex(bits, r.list[from].name.digest())
			to, size := from, 0
			for ; to < len(r.list) && release.BucketIndex(bits, r.list[to].name.digest()) == n; to++ {
				size += int(r.list[to].size)
			}
			if count := to - from; size+bucketOverhead(bits) > wire.MaxBucket || count > maxBucketEntries {
				again = true
				leave := slices.Clone(r.list[from:to])
				slices.SortStableFunc(leave, func(a, b row) int { return cmp.Or(place(a)-place(b), int(b.size)-int(a.size)) })
				for _, one := range leave {
					if size+bucketOverhead(bits) <= wire.MaxBucket && count <= maxBucketEntries {
						break
					}
					out[one.name] = true
					size, count = size-int(one.size), count-1
				}
			}
			from = to
		}
		if again { // fewer may have fewer buckets
			kept := r.list[:0]
			for _, one := range r.list {
				if !out[one.name] {
					kept = append(kept, one)
				}
			}
			r.list = kept
		}
	}
	return out
}

// bucketOverhead bounds what a bucket has beside its entries, in bytes.
func bucketOverhead(bits uint8) int { return int(bits)*40 + 128 }

// fitLine tells whether a line of an official book is one that a supplement can have.
func fitLine(line string) error {
	body, err := supplement.Encode(line, supplement.Body{})
	if err == nil && len(body) > maxEntry {
		err = official.ErrFormat
	}
	return err
}

// fitCards leaves out the cards that no supplement can have, or that are more than fit into it.
func fitCards(cards []supplement.Card) (fit []supplement.Card, left []error) {
	for _, c := range cards {
		err := c.Check()
		if err == nil && len(fit) == supplement.MaxCards {
			err = fmt.Errorf("%w: more than %d cards", supplement.ErrBound, supplement.MaxCards)
		}
		if err != nil {
			left = append(left, &Unfit{"advice card " + c.ID, err})
			continue
		}
		fit = append(fit, c)
	}
	return fit, left
}

// fitInto leaves out the last cards for as long as all together is more than a supplement may have.
func (s *said) fitInto() (left []error) {
	for n := len(s.body.Cards) - 1; n >= 0; n-- {
		_, err := s.encode()
		if !errors.Is(err, release.ErrOversized) {
			return left
		}
		left = append(left, &Unfit{"advice card " + s.body.Cards[n].ID, err})
		s.body.Cards = s.body.Cards[:n]
	}
	return left
}
