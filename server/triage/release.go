package triage

import (
	"context"
	"fmt"

	"khien/server/inbox"
	"khien/server/publish"
)

// Release brings what was decided into the ledger, publishes it, and notes both. A head that is only signed anew is
// noted as well. Why is for the audit log and may be empty.
func (d *Desk) Release(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, actor, why string, now int64) (publish.Result, error) {
	if _, err := d.Settle(ctx, p.Ledger, box); err != nil {
		return publish.Result{}, err
	}
	return d.Renew(ctx, p, actor, why, now)
}

// KeepFresh signs a new head, as publish.Renew does, and notes it.
func (d *Desk) KeepFresh(ctx context.Context, p *publish.Publisher, actor, why string, now int64) (publish.Result, error) {
	r, err := p.Renew(ctx, now)
	if err != nil || !r.Published {
		return r, err
	}
	act := Act{Time: now, Actor: actor, Action: fmt.Sprintf("renew the head: %s, %d removed", Counted(r.Count, "indicator", "indicators"), r.Removed), Object: fmt.Sprintf("release %d", r.Sequence), Why: why}
	if err := d.Record(ctx, act); err != nil {
		return r, fmt.Errorf("release %d is published, but couldn't be noted: %w", r.Sequence, err)
	}
	return r, nil
}

// Renew publishes what is in the ledger already, and notes it.
func (d *Desk) Renew(ctx context.Context, p *publish.Publisher, actor, why string, now int64) (publish.Result, error) {
	r, err := p.Publish(ctx, now)
	if err != nil || !r.Published {
		return r, err
	}
	return r, d.note(ctx, r, actor, why, now)
}

// ReleasePlanned is Release, and publishes exactly what was planned or nothing: publish.ErrChanged.
func (d *Desk) ReleasePlanned(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, actor, why string, now int64, plan publish.Plan) (publish.Result, error) {
	if _, err := d.Settle(ctx, p.Ledger, box); err != nil {
		return publish.Result{}, err
	}
	r, err := p.PublishPlanned(ctx, now, plan)
	if err != nil || !r.Published {
		return r, err
	}
	return r, d.note(ctx, r, actor, why, now)
}

func (d *Desk) note(ctx context.Context, r publish.Result, actor, why string, now int64) error {
	what := fmt.Sprintf("publish: %s, %d added, %d removed", Counted(r.Count, "indicator", "indicators"), r.Added, r.Removed)
	if err := d.Record(ctx, Act{Time: now, Actor: actor, Action: what, Object: fmt.Sprintf("release %d", r.Sequence), Why: why}); err != nil {
		return fmt.Errorf("release %d is published, but couldn't be noted: %w", r.Sequence, err)
	}
	return d.Published(ctx, r.Sequence)
}
