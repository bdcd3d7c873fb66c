package exchange

import (
	"iter"

	"khien/server/feed"
)

//go:generate go tool msgp -file taken.go -o taken_gen.go -io=false -tests=false -unexported
//msgp:ignore batch entry

// taken is a claim while it is sorted.
type taken struct {
	Address   string `msg:"a,omitempty"`
	ID        string `msg:"i,omitempty"`
	First     int64  `msg:"f,omitempty"`
	Last      int64  `msg:"l,omitempty"`
	Lapses    int64  `msg:"e,omitempty"`
	Gone      bool   `msg:"g,omitempty"`
	Weight    uint8  `msg:"w,omitempty"`
	Hacked    bool   `msg:"h,omitempty"`
	Sure      int    `msg:"s,omitempty"`
	TLP       string `msg:"t,omitempty"`
	Category  int    `msg:"c,omitempty"`
	Reference string `msg:"r,omitempty"`
	Text      string `msg:"x,omitempty"`
}

// batch are entries of a list, some together.
type batch []entry

type entry struct {
	claim feed.Claim
	err   error
}

// ahead reads a list beside who uses what was read.
func ahead(list iter.Seq2[feed.Claim, error]) iter.Seq2[feed.Claim, error] {
	const together = 256
	return func(yield func(feed.Claim, error) bool) {
		batches, left, ended := make(chan batch, 4), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			defer close(batches)
			some := make(batch, 0, together)
			for c, err := range list {
				if some = append(some, entry{c, err}); len(some) < together {
					continue
				}
				select {
				case batches <- some:
					some = make(batch, 0, together)
				case <-left:
					return
				}
			}
			select {
			case batches <- some:
			case <-left:
			}
		}()
		defer func() { <-ended }() // what is read from may be closed then
		defer close(left)
		for some := range batches {
			for _, one := range some {
				if !yield(one.claim, one.err) {
					return
				}
			}
		}
	}
}
