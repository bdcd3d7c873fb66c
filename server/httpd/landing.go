package httpd

import (
	"html/template"

	"khien/server/public"
	"khien/shared/texts"
)

// spoken is what a page says in a language: the words of its welcome.txt, which are HTML.
type spoken struct{ Lang string }

func (p spoken) T(key string) template.HTML {
	return template.HTML(texts.Say(p.Lang, "welcome.txt", key))
}

// Others are the other languages that there are pages in.
func (p spoken) Others() []string { return public.Others(p.Lang) }

// landingPage is what the landing page shows.
type landingPage struct {
	spoken
	Demo               bool
	Public             bool // whether there are public pages to link to
	Port               string
	Listed, New, Clean []demoSite
	Accounts           []demoAccount
}

func landing(lang string, demo, public bool, port string) landingPage {
	p := landingPage{spoken: spoken{lang}, Demo: demo, Public: public, Port: port, Accounts: demoAccounts}
	for _, site := range demoSites {
		switch site.Kind {
		case "listed":
			p.Listed = append(p.Listed, site)
		case "new":
			p.New = append(p.New, site)
		case "clean":
			p.Clean = append(p.Clean, site)
		}
	}
	return p
}
