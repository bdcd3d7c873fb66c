package console

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/triage"
)

// drafted is what is proposed and stands, or else a release of now.
type drafted struct {
	Draft    triage.Draft
	Proposal *triage.Proposal // exactly this, and open; nil where nobody has proposed it
	Outdated *triage.Proposal // that was proposed, and is not what was decided any more
}

// draft finds what is proposed and stands, or else drafts a release of now; right is that somebody says that the clock
// is.
func (v *visit) draft(ctx context.Context, right bool) (d drafted, err error) {
	one, f, stands, err := v.Desk.Standing(ctx, v.publisher(right), v.Inbox, v.Impact, v.Staff.Publishers(), v.now())
	switch {
	case errors.Is(err, triage.ErrNotProposed):
	case err != nil:
		return d, err
	case stands:
		d.Draft, d.Proposal = f, &one
		if !right && one.ClockIsRight { // each of the two says so
			head, err := v.head()
			if err == nil {
				err = publish.Clock(ctx, v.Publisher.Ledger, head, v.now())
			}
			if err != nil {
				f.Close()
			}
			return d, err
		}
		return d, nil
	default:
		f.Close()
		d.Outdated = &one
	}
	d.Draft, err = v.Desk.Draft(ctx, v.publisher(right), v.Impact, v.now())
	return d, err
}

// A release is drafted from the whole list, and takes a second where that is long. So those who look at a long one are
// shown a draft that was made beside them, and is kept until something is done, or for so long: files of the operator
// may change meanwhile. What somebody confirms is drafted anew, and compared with what they saw.
const sketchLife = time.Minute

const (
	long     = 20_000                // entries of a list whose draft nobody waits for
	patience = 50 * time.Millisecond // or no longer than this
)

var errDrafting = errors.New("the release is being drafted")

// sketches are drafts for those who look, by whether they say that the clock is right.
type sketches struct {
	long uint64
	mu   sync.Mutex
	last map[bool]*sketch
}

// sketch is a draft that can be looked at, and not be published, once it is done.
type sketch struct {
	of    string // what was done before; see visit.state
	begun time.Time
	done  chan struct{}
	drafted
	err error
}

func (s *sketch) isDone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// sketch is draft for who looks: nobody can publish it.
func (v *visit) sketch(ctx context.Context, right bool) (drafted, error) {
	of, entries, err := v.state(ctx)
	if err != nil {
		return drafted{}, err
	}
	if entries <= v.sketches.long {
		d, err := v.draft(ctx, right)
		d.Draft.Close()
		return d, err
	}
	enough := time.After(patience)
	for {
		s := v.sketchOf(of, right)
		select {
		case <-s.done:
			if s.of == of {
				return s.drafted, s.err
			}
		case <-enough:
			return drafted{}, errDrafting
		case <-ctx.Done():
			return drafted{}, ctx.Err()
		}
	}
}

// sketchOf is the sketch that is there, or being made, or else begins one.
func (v *visit) sketchOf(of string, right bool) *sketch {
	k := &v.sketches
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.last[right]
	if s != nil && (!s.isDone() || s.of == of && s.err == nil && time.Since(s.begun) < sketchLife) {
		return s
	}
	s = &sketch{of: of, begun: time.Now(), done: make(chan struct{})}
	k.last[right] = s
	ctx := context.WithoutCancel(v.ctx())
	go func() {
		defer close(s.done)
		s.drafted, s.err = v.draft(ctx, right)
		s.Draft.Close()
	}()
	return s
}

// state is what was done until now, and how many entries the list has.
func (v *visit) state(ctx context.Context) (of string, entries uint64, err error) {
	last, err := v.Desk.Last(ctx)
	if err != nil {
		return "", 0, err
	}
	seq, err := v.Publisher.Ledger.Seq(ctx)
	if err != nil {
		return "", 0, err
	}
	out, _, err := v.Publisher.Ledger.Newest(ctx)
	if errors.Is(err, ledger.ErrNotFound) {
		err = nil
	}
	return fmt.Sprint(last, seq, out.Sequence), out.Count, err
}
