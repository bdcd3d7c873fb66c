package httpd

import (
	"bytes"
	"embed"
	"html/template"
	"net"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
	"golang.org/x/text/language"

	"khien/server/api"
)

var (
	//go:embed pages
	pageFiles embed.FS

	pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

	languages = language.NewMatcher([]language.Tag{language.English, language.Vietnamese})
)

// Pages load their style and icon from here and nothing else from anywhere, and send no form.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// page answers the landing page and what it loads; false means that path is something else.
func (s *Server) page(ctx *fasthttp.RequestCtx, path string) bool {
	switch path {
	case "/":
		s.html(ctx, "landing.html", landing(readersLanguage(ctx), s.demo, s.public != nil, port(ctx)))
	case "/style.css":
		file(ctx, "pages/style.css", "text/css; charset=utf-8")
	case "/icon.svg", "/favicon.ico":
		file(ctx, "pages/icon.svg", "image/svg+xml")
	default:
		return false
	}
	return true
}

func (s *Server) html(ctx *fasthttp.RequestCtx, name string, data any) {
	if !ctx.IsGet() && !ctx.IsHead() {
		wrongMethod(ctx, api.JSON, "GET, HEAD")
		return
	}
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		s.log.Error("couldn't write a page", "page", name)
		send(ctx, api.Fail(api.JSON, 500, "internal", "The server made a mistake."))
		return
	}
	ctx.Response.Header.Set("Content-Security-Policy", pagePolicy)
	ctx.Response.Header.Set("Vary", "Accept-Language")
	send(ctx, api.Answer{Status: 200, Type: "text/html; charset=utf-8", Cache: "no-cache", Body: b.Bytes()})
}

func file(ctx *fasthttp.RequestCtx, name, kind string) {
	if !ctx.IsGet() && !ctx.IsHead() {
		wrongMethod(ctx, api.JSON, "GET, HEAD")
		return
	}
	body, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	send(ctx, api.Answer{Status: 200, Type: kind, Cache: "public, max-age=300", Body: body})
}

// readersLanguage is "en" or "vi": what ?lang= asks for, else what the browser prefers.
func readersLanguage(ctx *fasthttp.RequestCtx) string {
	asked := string(ctx.QueryArgs().Peek("lang"))
	_, n := language.MatchStrings(languages, asked, string(ctx.Request.Header.Peek("Accept-Language")))
	return [...]string{"en", "vi"}[n]
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
