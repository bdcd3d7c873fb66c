package exchange

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// holder is who is at a source, as nobody else is meanwhile.
type holder struct {
	*Exchange
	ctx    context.Context
	cancel context.CancelCauseFunc
	id     string
	source int64
	done   chan struct{}
}

// Who holds a source says so every beat; who was not heard of for so long is gone.
const (
	beat   = 20 * time.Second
	unseen = 120
)

// hold takes a source for oneself, or returns ErrBusy.
func (x *Exchange) hold(ctx context.Context, name string) (*holder, Status, error) {
	h := &holder{Exchange: x, id: rand.Text(), done: make(chan struct{})}
	var s Status
	err := x.db.Change(ctx, func(tx *sql.Tx) (err error) {
		if s, err = x.get(ctx, tx, name); err != nil {
			return err
		}
		// Whoever was heard of after now was so by a clock that was set back.
		done, err := tx.ExecContext(ctx, `UPDATE source SET holder = ?1, held = ?2 WHERE id = ?3 AND (holder = '' OR held < ?4 OR held > ?5)`,
			h.id, x.unix(), s.ID, x.unix()-unseen, x.unix()+unseen)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, ErrBusy)
		}
		_, err = tx.ExecContext(ctx, `UPDATE run SET state = 'failed', ended = ?, trouble = 'it was broken off' WHERE source = ? AND state = 'running'`, x.unix(), s.ID)
		return err
	})
	if err != nil {
		return nil, s, err
	}
	h.source = s.ID
	h.ctx, h.cancel = context.WithCancelCause(ctx)
	go h.keep()
	return h, s, nil
}

// keep says every beat that the source is held.
func (h *holder) keep() {
	defer close(h.done)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
			if err := h.change(func(*sql.Tx) error { return nil }); err != nil && h.ctx.Err() == nil {
				h.cancel(err)
			}
		}
	}
}

// end lets the source go.
func (h *holder) end() {
	h.cancel(nil)
	<-h.done
	h.db.ExecContext(context.WithoutCancel(h.ctx), `UPDATE source SET holder = '' WHERE id = ? AND holder = ?`, h.source, h.id)
}

// change is a change of the office by who still holds the source: ErrBusy where another has taken it meanwhile.
func (h *holder) change(f func(*sql.Tx) error) error {
	err := h.db.Change(h.ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(h.ctx, `UPDATE source SET held = ? WHERE id = ? AND holder = ?`, h.unix(), h.source, h.id)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, ErrBusy)
		}
		return f(tx)
	})
	if cause := context.Cause(h.ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// tried notes how an attempt went, and when the next is due.
func (h *holder) tried(s Status, r Run, failed error) error {
	failures, trouble := 0, ""
	if failed != nil {
		failures, trouble = s.Failures+1, failed.Error()
		if len(trouble) > 1000 {
			trouble = strings.ToValidUTF8(trouble[:1000], "")
		}
	}
	wait := waits(s.Every, failures)
	if again, ok := errors.AsType[*laterError](failed); ok {
		wait = max(wait, min(again.seconds, day))
	}
	return h.change(func(tx *sql.Tx) error {
		_, err := tx.ExecContext(h.ctx, `UPDATE source SET tried = ?, wait = ?, failures = ?, trouble = ? WHERE id = ?`, h.unix(), wait, failures, trouble, s.ID)
		if err == nil && failed != nil && r.ID != 0 {
			_, err = tx.ExecContext(h.ctx, `UPDATE run SET state = 'failed', ended = ?, trouble = ? WHERE id = ? AND state = 'running'`, h.unix(), trouble, r.ID)
		}
		return err
	})
}
