package public

import (
	"context"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"khien/server/ledger"
	"khien/shared/category"
)

// Whoever had a say in an entry, and whoever asks about one, turns nothing on a page that others read: what they wrote
// is set apart, and a character that only says in which direction to go is shown.
func TestOthersWordsTurnNothing(t *testing.T) {
	const turning = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufdd0\ufdd1"
	const turned = "שלום 1 " + turning + " gpj.exe"
	w := newWorld(t)
	i := ledger.Indicator{Subject: "scam.example/", Category: category.Shop, Source: turned, SaidBy: turned, FirstSeen: 1_763_900_000, Reason: map[string]string{"en": turned, "vi": turned}}
	if err := w.Ledger.List(context.Background(), "mai", i); err != nil {
		t.Fatal(err)
	}
	w.publishes()
	apart := 0
	f := func(where string, p Page) {
		t.Helper()
		root, err := html.Parse(strings.NewReader(string(p.Body)))
		if err != nil {
			t.Fatal(err)
		}
		var walk func(n *html.Node, set bool)
		walk = func(n *html.Node, set bool) {
			set = set || n.Type == html.ElementNode && (n.Data == "bdi" || n.Data == "textarea")
			for _, a := range n.Attr {
				if a.Key != "value" && strings.ContainsAny(a.Val, turning) {
					t.Errorf("%s: <%s %s=%q>", where, n.Data, a.Key, a.Val)
				}
			}
			if n.Type == html.TextNode && n.Parent.Data != "textarea" {
				if strings.ContainsAny(n.Data, turning) {
					t.Errorf("%s: %q turns what stands beside it", where, n.Data)
				}
				if strings.ContainsAny(n.Data, "שלום") {
					if apart++; !set {
						t.Errorf("%s: %q is not set apart", where, n.Data)
					}
				}
			}
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				walk(c, set)
			}
		}
		walk(root, false)
	}
	for _, lang := range said.Languages {
		for _, about := range []string{"scam.example", "https://scam.example/" + turned, turned} {
			f("register", w.LookUp(t.Context(), lang, form("about", about)))
		}
		if err := w.Ledger.Withdraw(t.Context(), "mai", "scam.example/", map[string]string{"en": turned, "vi": turned}); err != nil && lang == "en" {
			t.Fatal(err)
		}
		w.publishes()
		f("taken off", w.LookUp(t.Context(), lang, form("about", "scam.example")))
	}
	if apart < 8 {
		t.Errorf("only %d texts were seen", apart)
	}
}
