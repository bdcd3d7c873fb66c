package httpd

import (
	"bytes"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"khien/server/api"
	"khien/server/limit"
	"khien/server/public"
)

// The public pages send their forms to themselves, and load their style and icon from here and nothing else.
const publicPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// publicPage answers the pages of package public; false means that path is something else.
func (s *Server) publicPage(ctx *fasthttp.RequestCtx, path string) bool {
	if s.public == nil {
		return false
	}
	lang := readersLanguage(ctx)
	part := strings.TrimPrefix(path, "/")
	var get func() public.Page
	var post func(form public.Values, source limit.Source, now int64) public.Page
	switch path {
	case "/public.css":
		style(ctx)
		return true
	case "/statistics":
		get = func() public.Page { return s.public.Statistics(asking(), lang) }
	case "/rules":
		get = func() public.Page { return s.public.Rules(lang) }
	case "/register":
		get = func() public.Page { return s.public.Register(lang) }
		post = func(form public.Values, _ limit.Source, _ int64) public.Page {
			return s.public.LookUp(asking(), lang, form)
		}
	case "/appeal":
		get = func() public.Page { return s.public.Appeal(lang) }
		post = func(form public.Values, source limit.Source, now int64) public.Page {
			return s.public.TakeAppeal(asking(), lang, form, source[:], now)
		}
	case "/appeal/receipt":
		part = "appeal"
		post = func(form public.Values, _ limit.Source, _ int64) public.Page {
			return s.public.Receipt(asking(), lang, form)
		}
	default:
		return false
	}
	switch {
	case get != nil && (ctx.IsGet() || ctx.IsHead()):
		sendPage(ctx, get())
	case post != nil && ctx.IsPost():
		sendPage(ctx, s.posted(ctx, lang, part, post))
	default:
		allow := "GET, HEAD"
		if post != nil {
			allow = "GET, HEAD, POST"
		}
		if get == nil {
			allow = "POST"
		}
		ctx.Response.Header.Set("Allow", allow)
		sendPage(ctx, s.public.Problem(405, lang, part, "problem.method"))
	}
	return true
}

// posted answers a form that was sent from one of these pages, by one who has not sent too many.
func (s *Server) posted(ctx *fasthttp.RequestCtx, lang, part string, post func(public.Values, limit.Source, int64) public.Page) public.Page {
	if !ownForm(ctx) {
		return s.public.Problem(403, lang, part, "problem.form")
	}
	now := time.Now().Unix()
	source := s.source(ctx, s.limiter, now)
	// Where reports need a proof of work, a form without script has none to give: it waits like who has sent too many.
	if s.limiter.Ask(source, false) != limit.Take {
		ctx.Response.Header.Set("Retry-After", "60")
		return s.public.Problem(429, lang, part, "problem.wait")
	}
	fields := ctx.PostArgs()
	return post(func(name string) string { return string(fields.Peek(name)) }, source, now)
}

// ownForm tells whether a form is of these pages and not of another site, which would have its visitors send it. There
// is no cookie by which they would be known, but they have an address.
func ownForm(ctx *fasthttp.RequestCtx) bool {
	kind, _, _ := bytes.Cut(ctx.Request.Header.ContentType(), []byte(";"))
	if !bytes.EqualFold(bytes.TrimSpace(kind), []byte("application/x-www-form-urlencoded")) {
		return false
	}
	if site := ctx.Request.Header.Peek("Sec-Fetch-Site"); len(site) > 0 {
		return string(site) == "same-origin" || string(site) == "none"
	}
	// An older browser: these pages send no referrer, and so it calls the origin null.
	_, host, _ := bytes.Cut(ctx.Request.Header.Peek("Origin"), []byte("://"))
	return len(host) == 0 || bytes.Equal(host, ctx.Host())
}

func sendPage(ctx *fasthttp.RequestCtx, p public.Page) {
	ctx.Response.Header.Set("Content-Security-Policy", publicPolicy)
	ctx.Response.Header.Set("Vary", "Accept-Language")
	send(ctx, api.Answer{Status: p.Status, Type: "text/html; charset=utf-8", Cache: p.Cache, Body: p.Body})
}

func style(ctx *fasthttp.RequestCtx) {
	if !ctx.IsGet() && !ctx.IsHead() {
		wrongMethod(ctx, api.JSON, "GET, HEAD")
		return
	}
	send(ctx, api.Answer{Status: 200, Type: "text/css; charset=utf-8", Cache: "public, max-age=300", Body: public.Style})
}
