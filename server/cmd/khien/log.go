package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// sameInAMinute is how often the same is said within a minute: a fault that each request meets must not fill the disk.
const sameInAMinute = 10

// newLog is the log of a server.
func newLog(w io.Writer) *slog.Logger {
	return slog.New(&sparing{slog.NewTextHandler(w, nil), &repeats{of: map[string]int{}, unsaid: map[string]int{}}})
}

// sparing says the same message a few times a minute only, and afterwards how often it was left out.
type sparing struct {
	slog.Handler
	times *repeats
}

// repeats are how often each message has come in a minute. Messages are words of the program, so there are few.
type repeats struct {
	mu     sync.Mutex
	minute time.Time
	of     map[string]int
	unsaid map[string]int // since it was last told
}

// Handle says a message that was not said too often.
func (s *sparing) Handle(ctx context.Context, r slog.Record) error {
	s.times.mu.Lock()
	if minute := r.Time.Truncate(time.Minute); minute.After(s.times.minute) {
		s.times.minute = minute
		clear(s.times.of)
	}
	s.times.of[r.Message]++
	often := s.times.of[r.Message] > sameInAMinute
	unsaid := s.times.unsaid[r.Message]
	if often {
		s.times.unsaid[r.Message]++
	} else {
		delete(s.times.unsaid, r.Message)
	}
	s.times.mu.Unlock()
	if often {
		return nil
	}
	if unsaid > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("unsaid", unsaid))
	}
	return s.Handler.Handle(ctx, r)
}

// WithAttrs is as sparing.
func (s *sparing) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &sparing{s.Handler.WithAttrs(attrs), s.times}
}

// WithGroup is as sparing.
func (s *sparing) WithGroup(name string) slog.Handler {
	return &sparing{s.Handler.WithGroup(name), s.times}
}
