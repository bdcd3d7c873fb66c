package exchange

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"khien/server/audit"
)

// Accept takes a run that waits, if it is still what a person has seen.
func (x *Exchange) Accept(ctx context.Context, actor string, id int64, progress Progress) (r Run, err error) {
	return x.decide(ctx, id, func(h *holder, s Status, r *Run) error {
		config, err := json.Marshal(s.Source)
		if err != nil {
			return err
		}
		if r.config != string(config) || r.base != s.base {
			return ErrChanged
		}
		if r.Fetched.Page {
			return fmt.Errorf("%w: it is a web page: drop it", ErrConfig)
		}
		seen := r.Numbers
		list, err := h.read(r, s, progress)
		if err != nil {
			return err
		}
		defer list.close()
		if err := h.differ(r, s, list, nil); err != nil {
			return err
		}
		if n := r.Numbers; n.New != seen.New || n.Gone != seen.Gone || n.Had != seen.Had || n.Refused != seen.Refused {
			return ErrChanged
		}
		r.Actor = actor
		return h.apply(r, s, list, audit.AcceptRun, progress)
	})
}

// Drop drops a run that waits: what the source said before stands, and the same list is not asked about again.
func (x *Exchange) Drop(ctx context.Context, actor string, id int64) error {
	_, err := x.decide(ctx, id, func(h *holder, s Status, r *Run) error {
		r.State, r.Actor, r.Ended = Dropped, actor, h.unix()
		return h.change(func(tx *sql.Tx) error {
			if err := h.note(tx, r); err != nil {
				return err
			}
			return h.act(tx, r, audit.DropRun)
		})
	})
	return err
}

func (x *Exchange) decide(ctx context.Context, id int64, how func(*holder, Status, *Run) error) (r Run, err error) {
	if r, err = x.GetRun(ctx, id); err != nil {
		return r, err
	}
	h, s, err := x.hold(ctx, r.Source)
	if err != nil {
		return r, err
	}
	defer h.end()
	if s.Removed != 0 {
		return r, ErrRemoved
	}
	if r, err = x.GetRun(ctx, id); err == nil && r.State != Waiting {
		err = ErrState
	}
	if err == nil {
		err = how(h, s, &r)
	}
	return r, err
}
