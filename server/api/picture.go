package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"khien/server/evidence"
	"khien/server/inbox"
)

// HoldsReceipt tells whether a receipt is one of ours, before anything that comes with it is read.
func (a *API) HoldsReceipt(ctx context.Context, receipt string) bool {
	if a.Evidence == nil || !isReceipt(receipt) {
		return false
	}
	_, err := a.Inbox.ByReceipt(ctx, receipt)
	return err == nil
}

// Picture keeps a picture of a report: 201, or 200 for one that is here already. The receipt proves that it comes from who sent the report. It is
// on the disk by then, encoded anew.
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
		return Fail(form, 413, "too_large", fmt.Sprintf("A picture has at most %d bytes and %d pixels.", evidence.MaxUpload, evidence.MaxPixels))
	case errors.Is(err, evidence.ErrPicture):
		return Fail(form, 400, "bad_picture", "This is no picture: send a baseline JPEG, or a PNG of 8 bits a channel.")
	case errors.Is(err, evidence.ErrEnough):
		return Fail(form, 409, "enough", fmt.Sprintf("A report has at most %d pictures.", evidence.MaxEach))
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
