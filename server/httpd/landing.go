package httpd

// landingPage is what the landing page shows, in one language.
type landingPage struct {
	Lang, Other, OtherName string
	VI                     bool
	Demo                   bool
	Public                 bool // whether there are public pages to link to
	Port                   string
	Listed, New, Clean     []demoSite
	Accounts               []demoAccount
}

func landing(lang string, demo, public bool, port string) landingPage {
	p := landingPage{Lang: lang, Other: "vi", OtherName: "Tiếng Việt", Demo: demo, Public: public, Port: port, Accounts: demoAccounts}
	if lang == "vi" {
		p.VI, p.Other, p.OtherName = true, "en", "English"
	}
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
