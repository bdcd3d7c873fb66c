// Package httpd speaks HTTP for package api, through fasthttp, and serves the
// landing page and the demo pages.
//
// What fasthttp would do by itself and must not here: wait for ever for a slow
// client, print client addresses and the bytes of bad requests, die of a panic,
// and reuse a request's memory while somebody still holds it. So every limit is
// set below, its messages go nowhere, and whatever leaves a handler is a copy.
//
// Nothing about a request is ever logged.
package httpd

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"khien/server/api"
	"khien/server/gate"
	"khien/server/limit"
	"khien/server/notice"
	"khien/server/public"
	"khien/server/taxii"
	"khien/shared/wire"
)

// Limits on one connection and on all of them.
const (
	readTimeout  = 10 * time.Second // for a whole request, so a trickle ends here
	writeTimeout = 2 * time.Minute  // for a whole answer: a set of 3 MB at 25 kB/s
	idleTimeout  = 30 * time.Second
	drainTimeout = readTimeout + 5*time.Second
	maxHeader    = 8 << 10
	maxRequests  = 1000 // on one connection
)

// Config says what to serve.
type Config struct {
	API     *api.API
	Public  *public.Site // figures, register, rules and appeals; nil for none
	Limiter *limit.Limiter
	Disk    *limit.Disk // where what is sent is kept; nil for room without an end
	Proxies gate.Proxies
	Conns   gate.Limits
	TAXII   *taxii.Server // collections of partners; nil for none
	Notices *notice.Store // whom partners answer; nil for nobody
	Demo    bool          // serve the demo pages on *.localhost and link to them
	Log     *slog.Logger  // told about faults of the server, never about requests
}

// Server answers HTTP requests.
type Server struct {
	api     *api.API
	public  *public.Site
	limiter *limit.Limiter
	disk    *limit.Disk
	proxies gate.Proxies
	conns   gate.Limits
	taxii   *taxii.Server
	notices *notice.Store
	demo    bool
	log     *slog.Logger
	http    *fasthttp.Server
	ready   readyPages
	told    atomic.Int64 // the minute, since 1970, in which log was told last that exports are damaged
}

// New makes a server.
func New(c Config) *Server {
	s := &Server{api: c.API, public: c.Public, limiter: c.Limiter, disk: c.Disk, proxies: c.Proxies, conns: c.Conns, taxii: c.TAXII, notices: c.Notices, demo: c.Demo, log: c.Log}
	s.http = s.fasthttpServer(s.handle)
	s.http.HeaderReceived = s.room
	return s
}

// fasthttpServer has every limit set.
func (s *Server) fasthttpServer(handle fasthttp.RequestHandler) *fasthttp.Server {
	return &fasthttp.Server{
		Handler:                      s.guarded(s.admitted(handle)),
		ErrorHandler:                 s.unreadable,
		Logger:                       silence{},
		SecureErrorLogMessage:        true,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		ReadBufferSize:               maxHeader,
		MaxRequestBodySize:           wire.MaxReport,
		MaxRequestsPerConn:           maxRequests,
		Concurrency:                  2 * s.conns.All, // the gate counts; one that it has cut may end a little later
		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		CloseOnShutdown:              true,
		TCPKeepalive:                 true,
	}
}

// silence takes what fasthttp wants to print: client addresses and pieces of requests.
type silence struct{}

func (silence) Printf(string, ...any) {}

// Run serves on l until ctx is done, then takes no new connection and lets the
// requests under way finish. An error says that it could not serve or that some
// request did not finish in time.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	l = gate.Listen(l, s.conns, s.proxies, s.log)
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := s.http.ShutdownWithContext(drain)
	l.Close() // Shutdown misses a listener that Serve has not reached yet
	if err != nil {
		return errors.New("some requests did not finish in time")
	}
	<-served
	return nil
}

// admitted answers who has not too much under way.
func (s *Server) admitted(handle fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		conn, ok := ctx.Conn().(*gate.Conn)
		if !ok { // a test's
			handle(ctx)
			return
		}
		if !conn.Begin(s.client(ctx)) {
			later(ctx, api.JSON)
			ctx.SetConnectionClose()
			return
		}
		defer conn.End()
		handle(ctx)
	}
}

// client is the address of who asks, behind a proxy that was declared too.
func (s *Server) client(ctx *fasthttp.RequestCtx) netip.Addr {
	peer, _ := netip.AddrFromSlice(ctx.RemoteIP())
	if s.proxies.Header == "" {
		return peer
	}
	lines := ctx.Request.Header.PeekAll(s.proxies.Header)
	return s.proxies.Client(peer, string(bytes.Join(lines, []byte(","))))
}

// guarded answers what a handler that panics does not.
func (s *Server) guarded(handle fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		defer func() {
			if recover() != nil {
				// The value of the panic may quote the request; the stack holds addresses only.
				s.log.Error("a request caused a panic", "stack", string(debug.Stack()))
				ctx.Response.Reset()
				send(ctx, api.Fail(api.JSON, 500, "internal", "The server made a mistake."))
			}
		}()
		handle(ctx)
	}
}

func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	// The path is matched as it was sent: nothing that is published needs decoding.
	path := string(ctx.URI().PathOriginal())
	if s.demo && (s.demoPage(ctx, path) || s.demoPartner(ctx, path)) {
		return
	}
	if s.page(ctx, path) || s.publicPage(ctx, path) {
		return
	}
	if s.public != nil && s.public.Files != nil && strings.HasPrefix(path, exportsPath) {
		s.exported(ctx, path[len(exportsPath):])
		return
	}
	if s.taxii != nil && taxii.Answers(path) {
		s.collection(ctx, path)
		return
	}
	if s.notices != nil && path == notice.AnswersPath {
		s.answers(ctx)
		return
	}
	s.question(ctx, path)
}

// asking is the context of a question. A RequestCtx is none: it is done as soon as the
// server begins to drain, and it is reused for the next request.
func asking() context.Context { return context.Background() }

// question answers what package api knows.
func (s *Server) question(ctx *fasthttp.RequestCtx, path string) {
	form := api.Accepts(string(ctx.Request.Header.Peek("Accept")), api.JSON)
	part := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var answer func() api.Answer
	switch {
	case path == "/v1/reports":
		s.report(ctx, form)
		return
	case path == "/v1/receipts":
		s.receipts(ctx, form)
		return
	case path == picturesPath:
		s.picture(ctx, form)
		return
	case path == "/healthz":
		answer = func() api.Answer { return plain(200, "ok\n") }
	case path == "/readyz":
		answer = func() api.Answer {
			if err := s.api.Ready(asking(), time.Now().Unix()); err != nil {
				return plain(503, err.Error()+"\n")
			}
			return plain(200, "ok\n")
		}
	case part[0] != "v1":
	case len(part) == 2 && part[1] == "head":
		answer = func() api.Answer { return s.api.Head(asking(), form) }
	case len(part) == 3 && part[1] == "blob":
		answer = func() api.Answer { return s.api.Blob(asking(), part[2], form) }
	case len(part) == 4 && part[1] == "delta":
		answer = func() api.Answer { return s.api.Delta(asking(), part[2], part[3], form) }
	case len(part) == 4 && part[1] == "bucket":
		answer = func() api.Answer { return s.api.Bucket(asking(), part[2], part[3], form) }
	case len(part) == 3 && part[1] == "receipts":
		answer = func() api.Answer {
			if !s.follows(ctx) {
				ctx.Response.Header.Set("Retry-After", "60")
				return api.Fail(form, 429, "too_many", mustWait)
			}
			return s.api.Receipt(asking(), part[2], form)
		}
	}
	if answer == nil {
		send(ctx, api.Fail(form, 404, "not_found", "There is nothing under this address."))
		return
	}
	if everybodys(ctx, form) {
		send(ctx, answer())
	}
}

// everybodys lets any page read an answer: it carries no cookie and tells nothing about the reader. It answers by
// itself, and returns false, where nothing is asked for.
func everybodys(ctx *fasthttp.RequestCtx, form api.Form) bool {
	h := &ctx.Response.Header
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Date, ETag")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	switch {
	case ctx.IsGet() || ctx.IsHead():
		return true
	case ctx.IsOptions():
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "If-None-Match")
		h.Set("Access-Control-Max-Age", "86400")
		send(ctx, api.Answer{Status: 204})
	default:
		wrongMethod(ctx, form, "GET, HEAD, OPTIONS")
	}
	return false
}

// unreadable answers a request that fasthttp could not read, without quoting it.
func (s *Server) unreadable(ctx *fasthttp.RequestCtx, err error) {
	var timeout net.Error
	var tooLong *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &tooLong):
		send(ctx, api.Fail(api.JSON, 431, "header_too_large", "The header of the request is too long."))
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		s.noRoom(ctx)
	case errors.As(err, &timeout) && timeout.Timeout():
		send(ctx, api.Fail(api.JSON, 408, "timeout", "The request did not arrive in time."))
	default:
		send(ctx, api.Fail(api.JSON, 400, "malformed", "This is not an HTTP request."))
	}
}

func wrongMethod(ctx *fasthttp.RequestCtx, form api.Form, allow string) {
	ctx.Response.Header.Set("Allow", allow)
	send(ctx, api.Fail(form, 405, "method_not_allowed", "This address does not take this method."))
}

func plain(status int, text string) api.Answer {
	return api.Answer{Status: status, Type: "text/plain; charset=utf-8", Cache: "no-store", Body: []byte(text)}
}

// send writes a as the response; where the client has these very bytes, it says only that. What went wrong is told in
// the reader's language.
func send(ctx *fasthttp.RequestCtx, a api.Answer) {
	if a.Failed() {
		a = a.In(api.Reader(wanted(ctx, "Accept-Language")))
	}
	h := &ctx.Response.Header
	if a.ETag != "" && a.Status == fasthttp.StatusOK && has(string(ctx.Request.Header.Peek("If-None-Match")), a.ETag) {
		// What most clients get most of the time: nothing but what RFC 9110 section 15.4.5 asks for.
		h.Del("Access-Control-Expose-Headers")
		h.Del("Cross-Origin-Resource-Policy")
		h.Set("Cache-Control", a.Cache)
		h.Set("ETag", a.ETag)
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if len(h.Peek("Content-Security-Policy")) == 0 {
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	}
	if a.Cache != "" {
		h.Set("Cache-Control", a.Cache)
	}
	if a.ETag != "" {
		h.Set("ETag", a.ETag)
	}
	if a.Type != "" {
		h.SetContentType(a.Type)
	}
	ctx.SetStatusCode(a.Status)
	ctx.Response.SetBodyRaw(a.Body)
}

// has tells whether an If-None-Match header names tag (RFC 9110 section 13.1.2).
func has(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
			return true
		}
	}
	return false
}
