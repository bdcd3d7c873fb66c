package httpd

import (
	"bytes"
	"embed"
	"html/template"
	"net"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"khien/server/api"
	"khien/server/public"
	"khien/shared/texts"
)

var (
	//go:embed pages
	pageFiles embed.FS

	pages = template.Must(template.New("").Funcs(template.FuncMap{"ownName": texts.Name}).ParseFS(pageFiles, "pages/*.html"))
)

// Pages load their style and icon from here and nothing else from anywhere, and send no form.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// page answers the landing page and what it loads; false means that path is something else.
func (s *Server) page(ctx *fasthttp.RequestCtx, path string) bool {
	switch path {
	case "/":
		lang, at := readersLanguage(ctx), ""
		if s.demo {
			at = port(ctx)
		}
		s.html(ctx, "landing.html", lang+at, func() any { return landing(lang, s.demo, s.public != nil, at) })
	case "/style.css":
		s.file(ctx, path, "text/css; charset=utf-8", embedded("pages/style.css"))
	case "/icon.svg", "/favicon.ico":
		s.file(ctx, path, "image/svg+xml", embedded("pages/icon.svg"))
	default:
		return false
	}
	return true
}

// html answers a page of ours, of which there may be several variants.
func (s *Server) html(ctx *fasthttp.RequestCtx, name, variant string, data func() any) {
	if !ctx.IsGet() && !ctx.IsHead() {
		wrongMethod(ctx, api.JSON, "GET, HEAD")
		return
	}
	s.ready.get(name+" "+variant, always, func() api.Answer {
		var b bytes.Buffer
		if err := pages.ExecuteTemplate(&b, name, data()); err != nil {
			s.log.Error("couldn't write a page", "page", name)
			return api.Fail(api.JSON, 500, "internal", "The server made a mistake.")
		}
		return api.Answer{Status: 200, Type: "text/html; charset=utf-8", Cache: "no-cache", Body: b.Bytes()}
	}).send(ctx, pagePolicy, "Accept-Language")
}

func (s *Server) file(ctx *fasthttp.RequestCtx, path, kind string, body []byte) {
	if !ctx.IsGet() && !ctx.IsHead() {
		wrongMethod(ctx, api.JSON, "GET, HEAD")
		return
	}
	s.ready.get(path, always, func() api.Answer {
		return api.Answer{Status: 200, Type: kind, Cache: "public, max-age=300", Body: body}
	}).send(ctx, "")
}

func embedded(name string) []byte {
	body, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return body
}

// readersLanguage is what ?lang= asks for, else what the browser prefers.
func readersLanguage(ctx *fasthttp.RequestCtx) string {
	return public.Reader(string(ctx.QueryArgs().Peek("lang")), wanted(ctx, "Accept-Language"))
}

// port is ":8787" for the address that the browser used, or empty.
func port(ctx *fasthttp.RequestCtx) string {
	_, p, err := net.SplitHostPort(string(ctx.Host()))
	if n, bad := strconv.ParseUint(p, 10, 16); err != nil || bad != nil || n == 0 {
		return ""
	}
	return ":" + p
}

// hostName is the name in the Host header, without port and in lower case.
func hostName(ctx *fasthttp.RequestCtx) string {
	host := string(ctx.Host())
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
