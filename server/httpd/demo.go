package httpd

import (
	_ "embed"
	"strings"

	"github.com/valyala/fasthttp"
)

// DemoList is the list of the demo, in the csv format of package feed: the demo
// pages that play a scam, and social accounts that nobody has.
//
//go:embed demo/list.csv
var DemoList []byte

// demoSite is a page under a host name that means this very machine (RFC 6761 section 6.3).
type demoSite struct {
	Host string
	page string // its template
	Kind string // "listed" is in the demo list; "new" plays a scam that is not; "clean" is harmless
}

var demoSites = []demoSite{
	{Host: "lucky-gift.localhost", page: "lucky-gift.html", Kind: "listed"},
	{Host: "fake-bank.localhost", page: "fake-bank.html", Kind: "listed"},
	{Host: "easy-money.localhost", page: "easy-money.html", Kind: "listed"},
	{Host: "game-gift.localhost", page: "game-gift.html", Kind: "listed"},
	{Host: "new-scam.localhost", page: "new-scam.html", Kind: "new"},
	{Host: "clean-shop.localhost", page: "clean-shop.html", Kind: "clean"},
}

// demoAccount is an account of the demo list.
type demoAccount struct{ Network, Href string }

// Short is what a person reads of the address.
func (a demoAccount) Short() string {
	return strings.TrimPrefix(strings.TrimPrefix(a.Href, "https://"), "www.")
}

var demoAccounts = []demoAccount{
	{"Facebook", "https://www.facebook.com/khien.demo.scam"},
	{"Facebook", "https://www.facebook.com/profile.php?id=999999999999999"},
	{"Facebook", "https://www.facebook.com/groups/999999999999998"},
	{"TikTok", "https://www.tiktok.com/@khien.demo.scam"},
	{"Telegram", "https://t.me/khien_demo_scam"},
	{"Zalo", "https://zalo.me/999999999999999999"},
}

// demoPage answers on the host names of the demo; false means that the host is another.
func (s *Server) demoPage(ctx *fasthttp.RequestCtx, path string) bool {
	host := hostName(ctx)
	if !strings.HasSuffix(host, ".localhost") || path == "/style.css" || path == "/icon.svg" || path == "/favicon.ico" {
		return false
	}
	for _, site := range demoSites {
		if site.Host == host {
			lang, at := readersLanguage(ctx), port(ctx)
			s.html(ctx, site.page, lang+at, func() any {
				return struct {
					spoken
					Home string
				}{spoken{lang}, "http://localhost" + at + "/"}
			})
			return true
		}
	}
	return false
}
