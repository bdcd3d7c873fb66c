package httpd

import (
	"bytes"
	"encoding/hex"
	"strconv"
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
	if s.public == nil || !isPublic[path] {
		return false
	}
	if path == "/public.css" {
		s.file(ctx, path, "text/css; charset=utf-8", public.Style)
		return true
	}
	lang := readersLanguage(ctx)
	part := strings.TrimPrefix(path, "/")
	var get func() public.Page
	var life time.Duration // for which it may be kept; 0 where each visitor gets another one
	var post func(f form) public.Page
	var purpose limit.Purpose
	switch path {
	case "/statistics":
		life = figuresShown
		get = func() public.Page { return s.public.Statistics(asking(), lang) }
	case "/rules":
		life = soon
		get = func() public.Page { return s.public.Rules(lang) }
	case "/exports/":
		if s.public.Files == nil {
			return false
		}
		life = soon
		get = func() public.Page { return s.public.Exports(asking(), lang) }
	case "/register":
		life = soon
		get = func() public.Page { return s.public.Register(lang) }
		purpose = limit.LookUps
		post = func(f form) public.Page { return s.public.LookUp(asking(), lang, f.values) }
	case "/appeal":
		get = func() public.Page { return s.public.Appeal(lang, s.ticketsFor(limit.Appeals, time.Now().Unix())) }
		purpose = limit.Appeals
		post = func(f form) public.Page {
			return s.public.TakeAppeal(asking(), lang, f.values, f.tickets, f.sender.Network[:], f.now)
		}
	case "/appeal/receipt":
		part = "appeal"
		purpose = limit.Receipts
		post = func(f form) public.Page { return s.public.Receipt(asking(), lang, f.values) }
	}
	switch {
	case life > 0 && (ctx.IsGet() || ctx.IsHead()):
		s.ready.get(path+" "+lang, life, func() api.Answer { return page(get()) }).send(ctx, publicPolicy, "Accept-Language")
	case get != nil && (ctx.IsGet() || ctx.IsHead()):
		sendPage(ctx, get())
	case post != nil && ctx.IsPost():
		s.posted(ctx, lang, part, purpose, post)
	default:
		allow := "GET, HEAD"
		if post != nil {
			allow = "GET, HEAD, POST"
		}
		if get == nil {
			allow = "POST"
		}
		ctx.Response.Header.Set("Allow", allow)
		s.problem(ctx, 405, lang, part, "problem.method")
	}
	return true
}

// isPublic are the paths of these pages.
var isPublic = map[string]bool{"/public.css": true, "/statistics": true, "/rules": true, "/register": true, "/exports/": true, "/appeal": true, "/appeal/receipt": true}

// figuresShown is how old the page of figures may get, besides the figures themselves; twice as old where nobody has
// asked for it meanwhile.
const figuresShown = time.Minute

// problem says what went wrong. A flood of what is refused gets bytes that are there.
func (s *Server) problem(ctx *fasthttp.RequestCtx, status int, lang, part, key string) {
	name := strings.Join([]string{strconv.Itoa(status), lang, part, key}, " ")
	s.ready.get(name, always, func() api.Answer { return page(s.public.Problem(status, lang, part, key)) }).send(ctx, publicPolicy, "Accept-Language")
}

// form is one that was sent from these pages.
type form struct {
	values  public.Values
	sender  limit.Sender
	tickets public.Tickets
	now     int64
}

// ticketsFor makes tickets out, which count where a program would bring a proof of work: the pages have no script.
func (s *Server) ticketsFor(p limit.Purpose, now int64) public.Tickets {
	return func(id []byte) (ticket string, wait int) { return s.limiter.Ticket(p, id, now) }
}

// posted answers a form that was sent from one of these pages, by one who has not sent too many.
func (s *Server) posted(ctx *fasthttp.RequestCtx, lang, part string, purpose limit.Purpose, post func(form) public.Page) {
	if !ownForm(ctx) {
		s.problem(ctx, 403, lang, part, "problem.form")
		return
	}
	fields, now := ctx.PostArgs(), time.Now().Unix()
	f := form{values: func(name string) string { return string(fields.Peek(name)) }, sender: s.sender(ctx, now), now: now}
	f.tickets = s.ticketsFor(purpose, now)
	id, err := hex.DecodeString(f.values("id"))
	waited := err == nil && s.limiter.Waited(purpose, f.sender, f.values("ticket"), id, now)
	ask, size := s.limiter.Ask, 0
	if purpose == limit.Appeals { // which are kept
		ask, size = s.ask, len(ctx.PostBody())
	}
	switch ask(purpose, f.sender, waited, size) {
	case limit.Take:
		sendPage(ctx, post(f))
	case limit.Work:
		page, wait := s.public.Busy(lang, part, f.values, f.tickets)
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(wait))
		sendPage(ctx, page)
	case limit.Full:
		ctx.Response.Header.Set("Retry-After", strconv.FormatInt(untilTomorrow(now), 10))
		s.problem(ctx, 429, lang, part, "problem.full")
	default:
		ctx.Response.Header.Set("Retry-After", "60")
		s.problem(ctx, 429, lang, part, "problem.wait")
	}
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
	send(ctx, page(p))
}

func page(p public.Page) api.Answer {
	return api.Answer{Status: p.Status, Type: "text/html; charset=utf-8", Cache: p.Cache, Body: p.Body}
}
