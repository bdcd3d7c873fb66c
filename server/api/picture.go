package api

import (
	"context"
	"encoding/json"
	"errors"

	"khien/server/evidence"
	"khien/server/inbox"
)

// ErrNoReceipt is a receipt that is none of ours, or comes where no pictures are taken.
var ErrNoReceipt = errors.New("no such receipt")

// Reported finds the report that a receipt is of, before anything that comes with it is read: its source, as it is
// kept, and when it came.
func (a *API) Reported(ctx context.Context, receipt string) (source []byte, received int64, err error) {
	if a.Evidence == nil || !isReceipt(receipt) {
		return nil, 0, ErrNoReceipt
	}
	r, err := a.Inbox.ByReceipt(ctx, receipt)
	if errors.Is(err, inbox.ErrNotFound) {
		err = ErrNoReceipt
	}
	return r.Source, r.Received, err
}

// Picture keeps a picture of a report: 201, or 200 for one that is here already. The receipt proves that it comes from
// who sent the report. It is on the disk by then, encoded anew.
//
// Codes of refusal: not_found, too_large, bad_picture, enough, busy, unavailable.
func (a *API) Picture(ctx context.Context, receipt string, upload []byte, form Form, now int64) Answer {
	if a.Evidence == nil || !isReceipt(receipt) {
		return notFound(form)
	}
	r, err := a.Inbox.ByReceipt(ctx, receipt)
	switch {
	case errors.Is(err, inbox.ErrNotFound):
		return notFound(form)
	case err != nil:
		return unavailable(form)
	}
	p, err := a.Evidence.Add(ctx, r.ID, upload, now)
	switch {
	case errors.Is(err, evidence.ErrTooLarge):
		return Fail(form, 413, "too_large", "A picture has at most %d bytes and %d pixels.", evidence.MaxUpload, evidence.MaxPixels)
	case errors.Is(err, evidence.ErrPicture):
		return Fail(form, 400, "bad_picture", "This is no picture: send a baseline JPEG, or a PNG of 8 bits a channel.")
	case errors.Is(err, evidence.ErrEnough):
		return Fail(form, 409, "enough", "A report has at most %d pictures.", evidence.MaxEach)
	case errors.Is(err, evidence.ErrBusy):
		return Fail(form, 503, "busy", "Many pictures come just now. Try again in a minute.")
	case err != nil:
		return unavailable(form)
	}
	if a.Desk != nil {
		if err := a.Desk.Pictured(ctx, r.ID); err != nil {
			return unavailable(form)
		}
	}
	status := 200
	if p.Received == now {
		status = 201
	}
	body, _ := json.Marshal(map[string]int{"width": p.Width, "height": p.Height})
	return Answer{Status: status, Type: string(JSON), Cache: cacheNever, Body: append(body, '\n')}
}
