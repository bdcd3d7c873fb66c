package triage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"khien/server/inbox"
	"khien/server/publish"
)

// Release publishes all that was decided, and notes it. It asks nobody: it is for the first list of an installation of one person.
func (d *Desk) Release(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, actor, why string, now int64) (publish.Result, error) {
	plan, err := d.Plan(ctx, p, Impact{}, now)
	if err != nil {
		return publish.Result{}, err
	}
	return d.ReleasePlanned(ctx, p, box, actor, why, now, plan)
}

// KeepFresh signs a new head, as publish.Renew does, and notes it. While a release is proposed, everybody keeps what it was proposed upon.
func (d *Desk) KeepFresh(ctx context.Context, p *publish.Publisher, actor, why string, now int64) (r publish.Result, err error) {
	switch _, err = d.Proposed(ctx); {
	case errors.Is(err, ErrNotProposed):
		r, err = p.Renew(ctx, now)
	case err == nil:
		r, err = p.Resign(ctx, now)
	}
	if err != nil || !r.Published {
		return r, err
	}
	act := Act{Time: now, Actor: actor, Action: fmt.Sprintf("renew the head: %s, %d removed", Counted(r.Count, "indicator", "indicators"), r.Removed), Object: releaseObject(r.Sequence), Why: why}
	if err := d.Record(ctx, act); err != nil {
		return r, fmt.Errorf("release %d is published, but couldn't be noted: %w", r.Sequence, err)
	}
	return r, nil
}

// ReleasePlanned brings the cases of a plan into the ledger, publishes exactly what was planned, or nothing: publish.ErrChanged, and notes both. A head
// that is only signed anew is noted as well. Why is for the audit log and may be empty.
func (d *Desk) ReleasePlanned(ctx context.Context, p *publish.Publisher, box *inbox.Inbox, actor, why string, now int64, plan Planned) (publish.Result, error) {
	if err := d.Settle(ctx, p.Ledger, box, plan.Cases); err != nil {
		return publish.Result{}, err
	}
	r, err := p.PublishPlanned(ctx, now, plan.Plan)
	if err != nil {
		return r, err
	}
	return r, d.released(ctx, box, r, actor, why, now, plan.all())
}

// released notes a release, after what it leaves out: a case whose decision the publisher refuses is open again, and so are its reports.
func (d *Desk) released(ctx context.Context, box *inbox.Inbox, r publish.Result, actor, why string, now int64, cases []Case) error {
	for _, refused := range r.Refused {
		if err := d.leftOut(ctx, box, refused, actor); err != nil {
			return fmt.Errorf("couldn't open the case again of what isn't published: %w", err)
		}
	}
	if !r.Published {
		return nil
	}
	return d.note(ctx, r, actor, why, now, cases)
}

// leftOut opens the case again that has decided to list what the publisher refuses now.
func (d *Desk) leftOut(ctx context.Context, box *inbox.Inbox, refused error, actor string) error {
	var p *publish.Protected
	if !errors.As(refused, &p) {
		return nil
	}
	var c Case
	err := d.change(ctx, func(tx *sql.Tx) (err error) {
		c, err = scanCase(tx.QueryRowContext(ctx, selectCase+` WHERE published = 0 AND settled = 1 AND state = 'accepted' AND action = 'list'
			AND EXISTS (SELECT 1 FROM json_each(lists) WHERE value ->> 'lists' = ?)`, string(p.Subject)))
		if err != nil {
			return err
		}
		subjects, err := subjectsOf(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		var own []Subject // whose decision it is; the others of the case are published
		for _, s := range subjects {
			if slices.Contains(c.about(s.Name), p.Subject) {
				own = append(own, s)
			}
		}
		if len(own) > 0 && len(own) < len(subjects) {
			c.ID, err = carve(ctx, tx, c, own, d.now())
		}
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		c, err = d.Get(ctx, c.ID)
	}
	if err == nil {
		_, err = d.reopen(ctx, box, c, actor, "not published: "+p.Error())
	}
	return err
}

func (d *Desk) note(ctx context.Context, r publish.Result, actor, why string, now int64, cases []Case) error {
	what := fmt.Sprintf("publish: %s, %d added, %d removed", Counted(r.Count, "indicator", "indicators"), r.Added, r.Removed)
	if err := d.Record(ctx, Act{Time: now, Actor: actor, Action: what, Object: releaseObject(r.Sequence), Why: why}); err != nil {
		return fmt.Errorf("release %d is published, but couldn't be noted: %w", r.Sequence, err)
	}
	return d.Published(ctx, r.Sequence, cases)
}

func releaseObject(sequence uint64) string { return fmt.Sprintf("release %d", sequence) }
