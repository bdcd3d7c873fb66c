package httpd

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"khien/server/api"
	"khien/server/evidence"
	"khien/server/inbox"
	"khien/server/limit"
)

// What is taken besides reports.
const (
	pictureTimeout = 30 * time.Second // for a whole picture: 2 MB at 70 kB/s
	pictureRate    = 4                // a second, from all senders: some 260 MB of uploads at once at worst
	pictureBurst   = 16
)

// following is how often may be asked what became of reports. An extension asks once a day, and when its popup opens.
var following = limit.Limits{Each: 1, EachBurst: 60, All: 500, AllBurst: 1000}

// fromExtension answers what a browser asks before it lets an extension send something, and tells whether this was no more than that.
//
// A web page cannot send in its visitor's name: the media types are none that a browser sends to another site
// unasked, and only an extension's origin is told that it may.
func fromExtension(ctx *fasthttp.RequestCtx, form api.Form) (answered bool) {
	h := &ctx.Response.Header
	origin := string(ctx.Request.Header.Peek("Origin"))
	if strings.HasPrefix(origin, "chrome-extension://") || strings.HasPrefix(origin, "moz-extension://") {
		h.Set("Access-Control-Allow-Origin", origin)
	}
	h.Set("Vary", "Origin")
	h.Set("Access-Control-Expose-Headers", "Khien-Challenge, Retry-After")
	switch {
	case ctx.IsPost():
		return false
	case ctx.IsOptions():
		h.Set("Access-Control-Allow-Methods", "POST")
		h.Set("Access-Control-Allow-Headers", "Content-Type, Khien-Work, Khien-Receipt")
		h.Set("Access-Control-Max-Age", "86400")
		send(ctx, api.Answer{Status: 204})
	default:
		wrongMethod(ctx, form, "POST, OPTIONS")
	}
	return true
}

// report takes a report.
func (s *Server) report(ctx *fasthttp.RequestCtx, form api.Form) {
	if fromExtension(ctx, form) {
		return
	}
	now := time.Now().Unix()
	source := s.source(ctx, s.limiter, now)
	id, worked := s.worked(ctx, now)
	switch s.limiter.Ask(source, worked) {
	case limit.Work:
		challenge, zeros := s.limiter.Challenge(now)
		ctx.Response.Header.Set("Khien-Challenge", fmt.Sprintf("%x %d", challenge, zeros))
		send(ctx, api.Fail(form, 429, "work", "Many reports come just now. Send this one again with a proof of work for the challenge in the header Khien-Challenge."))
		return
	case limit.Wait:
		later(ctx, form)
		return
	}
	send(ctx, s.api.Report(asking(), sent(ctx, source, id), now))
}

// receipts tells what became of several reports.
func (s *Server) receipts(ctx *fasthttp.RequestCtx, form api.Form) {
	if fromExtension(ctx, form) {
		return
	}
	if s.following.Ask(s.source(ctx, s.following, time.Now().Unix()), false) != limit.Take {
		later(ctx, form)
		return
	}
	send(ctx, s.api.Receipts(asking(), sent(ctx, limit.Source{}, nil)))
}

// picture takes a picture; only who holds a receipt gets as far as here with more than a byte (room).
func (s *Server) picture(ctx *fasthttp.RequestCtx, form api.Form) {
	if fromExtension(ctx, form) {
		return
	}
	now := time.Now().Unix()
	if s.limiter.Ask(s.source(ctx, s.limiter, now), false) != limit.Take {
		later(ctx, form)
		return
	}
	a := s.api.Picture(asking(), string(ctx.Request.Header.Peek("Khien-Receipt")), ctx.PostBody(), form, now)
	if a.Status == fasthttp.StatusServiceUnavailable {
		ctx.Response.Header.Set("Retry-After", "60")
	}
	send(ctx, a)
}

const picturesPath = "/v1/pictures"

// room tells how large the body of a request may be and how long it may take, before it is read: a picture is read from who holds a
// receipt, and not from too many at once.
func (s *Server) room(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if string(h.RequestURI()) != picturesPath || !h.IsPost() {
		return fasthttp.RequestConfig{}
	}
	if !s.api.HoldsReceipt(asking(), string(h.Peek("Khien-Receipt"))) || !s.pictures.Allow() {
		return fasthttp.RequestConfig{MaxRequestBodySize: 1}
	}
	return fasthttp.RequestConfig{MaxRequestBodySize: evidence.MaxUpload, ReadTimeout: pictureTimeout}
}

// noRoom answers a body that room had no room for.
func (s *Server) noRoom(ctx *fasthttp.RequestCtx) {
	h := &ctx.Request.Header
	switch {
	case s.api == nil || string(h.RequestURI()) != picturesPath || h.ContentLength() < 0 || h.ContentLength() > evidence.MaxUpload:
		send(ctx, api.Fail(api.JSON, 413, "too_large", "The body of the request is too long."))
	case !s.api.HoldsReceipt(asking(), string(h.Peek("Khien-Receipt"))):
		send(ctx, api.Fail(api.JSON, 404, "not_found", "There is nothing under this address."))
	default:
		ctx.Response.Header.Set("Retry-After", "60")
		send(ctx, api.Fail(api.JSON, 503, "busy", "Many pictures come just now. Try again in a minute."))
	}
}

func later(ctx *fasthttp.RequestCtx, form api.Form) {
	ctx.Response.Header.Set("Retry-After", "60")
	send(ctx, api.Fail(form, 429, "too_many", "Too much comes from your network. Try again in a minute."))
}

func sent(ctx *fasthttp.RequestCtx, source limit.Source, workedFor []byte) api.Sent {
	h := &ctx.Request.Header
	return api.Sent{
		Type:      string(h.Peek("Content-Type")),
		Encoding:  string(h.Peek("Content-Encoding")),
		Accept:    string(h.Peek("Accept")),
		Body:      ctx.PostBody(),
		Source:    source[:],
		WorkedFor: workedFor,
	}
}

// source is who sends a request, as package limit knows senders.
func (s *Server) source(ctx *fasthttp.RequestCtx, l *limit.Limiter, now int64) limit.Source {
	addr, _ := netip.AddrFromSlice(ctx.RemoteIP())
	if s.clientHeader != "" {
		told := string(bytes.Join(ctx.Request.Header.PeekAll(s.clientHeader), []byte(",")))
		last := told[strings.LastIndexByte(told, ',')+1:] // of X-Forwarded-For; what stands before it, the client may have written
		addr, _ = netip.ParseAddr(strings.TrimSpace(last))
	}
	return l.Source(addr, now)
}

// worked reads the header Khien-Work, "challenge id number" with the first two in hex, and returns the id that it is
// a proof of work for.
func (s *Server) worked(ctx *fasthttp.RequestCtx, now int64) (id []byte, ok bool) {
	part := strings.Split(string(ctx.Request.Header.Peek("Khien-Work")), " ")
	if len(part) != 3 || len(part[1]) != 2*inbox.IDSize {
		return nil, false
	}
	challenge, err := hex.DecodeString(part[0])
	if err != nil {
		return nil, false
	}
	if id, err = hex.DecodeString(part[1]); err != nil {
		return nil, false
	}
	number, err := strconv.ParseUint(part[2], 10, 64)
	if err != nil || !s.limiter.Worked(challenge, id, number, now) {
		return nil, false
	}
	return id, true
}
