package bidi

import (
	"html/template"
	"strings"
	"testing"
)

func TestApart(t *testing.T) {
	f := func(in any, want any) {
		t.Helper()
		if got := Apart(in); got != want {
			t.Errorf("Apart(%q) = %q, want %q", in, got, want)
		}
	}
	type handle string
	f("plain & simple", "plain & simple")
	f("Tiếng Việt, zł", "Tiếng Việt, zł")
	f(7, 7)
	f(nil, nil)
	f(template.HTML("<b>שלום</b>"), template.HTML("<b>שלום</b>"))
	f("a\u202egnp.exe", template.HTML("<bdi>a[U+202E]gnp.exe</bdi>"))
	f("<שלום>", template.HTML("<bdi>&lt;שלום&gt;</bdi>"))
	f(handle("مرحبا"), template.HTML("<bdi>مرحبا</bdi>"))
	f("\u2069\u2068", template.HTML("<bdi>[U+2069][U+2068]</bdi>"))
	f("a\ufdd1b", template.HTML("<bdi>a[U+FDD1]b</bdi>"))
	f(Args([]any{"plain"})[0], "plain")
	f("by "+Args([]any{"דן\u2069\ufdd1"})[0].(string)+" now", template.HTML("<bdi>by <bdi>דן[U+2069][U+FDD1]</bdi> now</bdi>"))
	if got := Plain("by " + Args([]any{"דן"})[0].(string)); got != "by \u2068דן\u2069" {
		t.Errorf("%q", got)
	}
}

func TestTemplates(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		page := template.Must(template.New("").Funcs(template.FuncMap{Func: Apart}).Parse(text))
		Templates(page)
		Templates(page)
		var b strings.Builder
		if err := page.Execute(&b, []string{"א\u202e"}); err != nil || b.String() != want {
			t.Errorf("%s gives %q, %v, want %q", text, b.String(), err, want)
		}
	}
	const set = "<bdi>א[U+202E]</bdi>"
	f(`<p>{{index . 0}}</p>`, "<p>"+set+"</p>")
	f(`<p title="a > b" {{if .}}hidden{{end}}>{{range .}}{{.}}{{else}}{{.}}{{end}}</p>`, `<p title="a > b" hidden>`+set+"</p>")
	f(`{{with index . 0}}<input value="{{.}}">{{.}}{{end}}`, `<input value="א`+"\u202e"+`">`+set)
	f(`{{$x := index . 0}}<textarea>{{$x}}</textarea>{{$x}}`, "<textarea>א\u202e</textarea>"+set)
	f(`{{define "x"}}<b>{{index . 0}}</b>{{end}}{{template "x" .}}`, "<b>"+set+"</b>")
}

// Whatever somebody writes, what is printed turns nothing, and says the same.
func FuzzApart(f *testing.F) {
	for _, one := range []string{"a\u202eb", "א", "\ufdd0א\ufdd1", "\ufdd0\ufdd0\ufdd1", "\u2067\u2069</bdi>", "\u061c"} {
		f.Add(one, one)
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		message := "by " + Args([]any{text})[0].(string) + other
		for _, value := range []string{text, message} {
			got, ok := Apart(value).(template.HTML)
			if !ok {
				if odd(value) {
					t.Fatalf("%q is printed as it is", value)
				}
				continue
			}
			if strings.IndexFunc(string(got), turns) >= 0 {
				t.Errorf("%q turns others: %q", value, got)
			}
			if !strings.HasPrefix(string(got), "<bdi>") || !strings.HasSuffix(string(got), "</bdi>") || strings.Count(string(got), "<bdi>") != strings.Count(string(got), "</bdi>") {
				t.Errorf("%q is not apart: %q", value, got)
			}
		}
	})
}
