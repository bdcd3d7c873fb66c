package httpd

import (
	"encoding/json"
	"errors"

	"github.com/valyala/fasthttp"

	"khien/server/api"
	"khien/server/notice"
	"khien/server/partner"
)

// roomForAnswers has room for what a partner answers, and for nobody else.
func (s *Server) roomForAnswers(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if h.ContentLength() > notice.MaxAnswers {
		return fasthttp.RequestConfig{MaxRequestBodySize: 1}
	}
	if _, err := s.notices.Admit(asking(), string(h.Peek("Authorization"))); err != nil {
		return fasthttp.RequestConfig{} // as much as everybody may send
	}
	return fasthttp.RequestConfig{MaxRequestBodySize: notice.MaxAnswers}
}

// answers takes what a partner has decided about notices.
func (s *Server) answers(ctx *fasthttp.RequestCtx) {
	if !ctx.IsPost() {
		wrongMethod(ctx, api.JSON, "POST")
		return
	}
	by, err := s.notices.Admit(asking(), string(ctx.Request.Header.Peek("Authorization")))
	if err != nil {
		a := needsKey(err)
		switch a.Status {
		case 401:
			ctx.Response.Header.Set("WWW-Authenticate", `Basic realm="khien", charset="UTF-8"`)
		case 429:
			ctx.Response.Header.Set("Retry-After", "60")
		}
		send(ctx, a)
		return
	}
	list, err := notice.ReadJSON(ctx.PostBody())
	if err != nil {
		send(ctx, api.Fail(api.JSON, 400, "malformed", "%s.", err.Error()))
		return
	}
	r, err := s.notices.Take(asking(), by, list)
	if err != nil {
		s.log.Error("couldn't take answers of a partner", "error", err)
		send(ctx, api.Fail(api.JSON, 503, "unavailable", "The server cannot read or write its store at the moment. Try again later."))
		return
	}
	body, err := json.Marshal(r)
	if err != nil {
		send(ctx, api.Fail(api.JSON, 500, "internal", "The server made a mistake."))
		return
	}
	send(ctx, api.Answer{Status: 200, Type: "application/json", Cache: "no-store", Body: body})
}

// needsKey says why somebody may not answer.
func needsKey(err error) api.Answer {
	switch {
	case errors.Is(err, partner.ErrKey):
		return api.Fail(api.JSON, 401, "key", "The key of a partner to answer is needed: as Bearer, as Token, or as Basic with the partner's name.")
	case errors.Is(err, partner.ErrBusy):
		return api.Fail(api.JSON, 429, "too_many", mustWait)
	}
	return api.Fail(api.JSON, 503, "unavailable", "The server cannot read or write its store at the moment. Try again later.")
}
