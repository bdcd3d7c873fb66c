package httpd

import (
	"errors"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"khien/server/api"
	"khien/server/export"
)

// exportsPath is where the files are that others take.
const exportsPath = "/exports/"

// slowest is how fast somebody must take a file, in bytes a second, beside the time that every answer has.
const slowest = 25_000

// exported answers with a file of the newest release. It goes out as it is read, so that a large one is never in memory.
func (s *Server) exported(ctx *fasthttp.RequestCtx, name string) {
	form := api.Accepts(string(ctx.Request.Header.Peek("Accept")), api.JSON)
	if !everybodys(ctx, form) {
		return
	}
	f, err := s.public.Files.Open(asking(), name)
	switch {
	case errors.Is(err, export.ErrNoFile):
		send(ctx, api.Fail(form, 404, "not_found", "There is nothing under this address."))
		return
	case errors.Is(err, export.ErrNone):
		send(ctx, api.Fail(form, 503, "no_release", "Nothing is published yet."))
		return
	case err != nil:
		if minute := time.Now().Unix() / 60; s.told.Swap(minute) != minute {
			s.log.Error("couldn't hand out an export", "error", err)
		}
		send(ctx, api.Fail(form, 503, "unavailable", "The server cannot read or write its store at the moment. Try again later."))
		return
	}
	h := &ctx.Response.Header
	h.Set("Last-Modified", string(fasthttp.AppendHTTPDate(nil, time.Unix(f.Issued, 0))))
	since := ctx.Request.Header.Peek("If-Modified-Since")
	if len(ctx.Request.Header.Peek("If-None-Match")) == 0 && len(since) > 0 {
		if at, err := fasthttp.ParseHTTPDate(since); err == nil && at.Unix() >= f.Issued {
			ctx.Request.Header.Set("If-None-Match", "*")
		}
	}
	send(ctx, api.Answer{Status: 200, Type: f.Type, Cache: "public, max-age=60", ETag: `"` + f.Sum + `"`})
	if ctx.Response.StatusCode() != fasthttp.StatusOK {
		f.Close()
		return
	}
	ctx.Response.SetBodyStream(&timed{f, ctx.Conn(), f.Size}, int(f.Size))
}

// timed is a file that goes out. Whoever takes it has more time the larger it is.
type timed struct {
	*export.Proven
	to   net.Conn
	size int64 // 0 when the time is set
}

func (t *timed) Read(p []byte) (int, error) {
	if t.size > 0 {
		if err := t.to.SetWriteDeadline(time.Now().Add(writeTimeout + time.Duration(t.size/slowest)*time.Second)); err != nil {
			return 0, err
		}
		t.size = 0
	}
	return t.Proven.Read(p)
}
