package httpd

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/valyala/fasthttp"

	"khien/server/api"
	"khien/server/evidence"
	"khien/server/gate"
)

// NewEvidence makes the server of the pictures, for an address of its own: what people have sent shares no origin with
// anything that can decide. A picture is downloaded, never shown as a page, and found by its digest alone.
//
//	GET /{digest}.jpg
func NewEvidence(store *evidence.Store, conns gate.Limits, log *slog.Logger) *Server {
	s := &Server{conns: conns, log: log}
	s.http = s.fasthttpServer(func(ctx *fasthttp.RequestCtx) { sendPicture(ctx, store) })
	return s
}

func sendPicture(ctx *fasthttp.RequestCtx, store *evidence.Store) {
	if !ctx.IsGet() && !ctx.IsHead() {
		wrongMethod(ctx, api.JSON, "GET, HEAD")
		return
	}
	digest, ok := strings.CutSuffix(strings.TrimPrefix(string(ctx.URI().PathOriginal()), "/"), ".jpg")
	body, err := store.Read(digest)
	switch {
	case !ok || errors.Is(err, evidence.ErrNotFound):
		send(ctx, api.Fail(api.JSON, 404, "not_found", "There is no picture under this address."))
		return
	case err != nil:
		send(ctx, api.Fail(api.JSON, 503, "unavailable", "The server cannot read its store at the moment. Try again later."))
		return
	}
	h := &ctx.Response.Header
	h.Set("Content-Disposition", `attachment; filename="`+digest[:12]+`.jpg"`)
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-site")
	send(ctx, api.Answer{Status: 200, Type: "image/jpeg", Cache: "no-store", Body: body})
}
