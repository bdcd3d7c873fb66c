package triage

import (
	"context"
	"slices"

	"khien/server/inbox"
	"khien/shared/subject"
	"khien/shared/wire"
)

// heard is what the reports of decided cases say, as far as settling asks for it. It is read before the change that
// settles them, where everybody waits; what came since, or is too much to be kept, is read there.
type heard struct {
	box *inbox.Inbox
	of  map[[inbox.IDSize]byte]saying
}

// saying is what one report says.
type saying struct {
	id       []byte
	names    []subject.Subject // of a scam, only those that the decision speaks of
	received int64             // Unix seconds
	open     bool
}

// maxObjections is how many objections are kept with all that they name.
const maxObjections = 20_000

// hearOf reads what the reports of cases say.
func (d *Desk) hearOf(ctx context.Context, box *inbox.Inbox, cases []Case) (heard, error) {
	h := heard{box, map[[inbox.IDSize]byte]saying{}}
	objections := 0
	for _, c := range cases {
		subjects, err := subjectsOf(ctx, d.db, c.ID)
		if err != nil {
			return h, err
		}
		about := c.About()
		kinds := []string{wire.KindScam, wire.KindMistake}
		if c.Action == Reject { // of everything that was reported as a scam
			kinds = kinds[1:]
		}
		for _, s := range subjects {
			for _, kind := range kinds {
				err := eachPage(ctx, d.db, s.ID, kind, func(ids [][]byte) error {
					if kind == wire.KindMistake {
						ids = ids[:min(len(ids), maxObjections-objections)]
						objections += len(ids)
					}
					all, err := sayings(ctx, box, ids)
					for _, one := range all {
						if kind == wire.KindScam {
							one.names = slices.DeleteFunc(one.names, func(name subject.Subject) bool { return !slices.Contains(about, name) })
							for i, name := range one.names { // one copy of it for all reports
								one.names[i] = about[slices.Index(about, name)]
							}
							one.names = slices.Clip(slices.Clone(one.names))
						}
						h.of[[inbox.IDSize]byte(one.id)] = one
					}
					return err
				})
				if err != nil {
					return h, err
				}
			}
		}
	}
	return h, nil
}

func sayings(ctx context.Context, box *inbox.Inbox, ids [][]byte) ([]saying, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	reports, err := box.Some(ctx, ids)
	all := make([]saying, len(reports))
	for i := range reports {
		r := &reports[i]
		all[i] = saying{r.ID, Names(r), r.Received, r.State == wire.StateReceived}
	}
	return all, err
}

// some is what these reports say, in their order.
func (h heard) some(ctx context.Context, ids [][]byte) ([]saying, error) {
	var missing [][]byte
	for _, id := range ids {
		if _, ok := h.of[[inbox.IDSize]byte(id)]; !ok {
			missing = append(missing, id)
		}
	}
	since, err := sayings(ctx, h.box, missing)
	if err != nil || len(missing) == len(ids) {
		return since, err
	}
	fresh := make(map[[inbox.IDSize]byte]saying, len(since))
	for _, one := range since {
		fresh[[inbox.IDSize]byte(one.id)] = one
	}
	all := make([]saying, 0, len(ids))
	for _, id := range ids {
		one, ok := h.of[[inbox.IDSize]byte(id)]
		if !ok {
			one, ok = fresh[[inbox.IDSize]byte(id)]
		}
		if ok {
			all = append(all, one)
		}
	}
	return all, nil
}
