package httpd

import (
	"strings"

	"github.com/valyala/fasthttp"

	"khien/server/taxii"
)

// collection answers partners who speak TAXII 2.1.
func (s *Server) collection(ctx *fasthttp.RequestCtx, path string) {
	origin := "http://" + string(ctx.Host())
	if ctx.IsTLS() || strings.EqualFold(string(ctx.Request.Header.Peek("X-Forwarded-Proto")), "https") {
		origin = "https://" + string(ctx.Host())
	}
	a := s.taxii.Answer(asking(), taxii.Question{Method: string(ctx.Method()), Path: path, Query: string(ctx.URI().QueryString()),
		Accept: string(ctx.Request.Header.Peek("Accept")), Authorization: string(ctx.Request.Header.Peek("Authorization")), Origin: origin})
	h := &ctx.Response.Header
	h.Set("Content-Type", taxii.Type)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	for name, value := range a.Header {
		h.Set(name, value)
	}
	ctx.SetStatusCode(a.Status)
	ctx.SetBody(a.Body)
}
