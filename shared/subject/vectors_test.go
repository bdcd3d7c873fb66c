package subject

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nlnwa/whatwg-url/url"
)

// normalised is what a browser makes of an address: new URL(x).href.
func normalised(text string) (string, bool) {
	u, err := url.NewParser().Parse(text)
	if err != nil {
		return "", false
	}
	return u.Href(false), true
}

const vectors = "../../../shared/vectors/"

func load(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) && strings.HasPrefix(file, vectors) {
		t.Skip("the outside vectors are not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// canonical is the whole address as Safe Browsing writes it.
func canonical(href string) (string, error) {
	var p page
	if err := p.read(href); err != nil {
		return "", err
	}
	scheme, _, _ := strings.Cut(href, ":")
	text := scheme + "://" + p.host + p.path
	if p.query != "" {
		text += "?" + p.query
	}
	return text, nil
}

type vector struct {
	Input    string `json:"input"`
	InputHex string `json:"input_hex"`
	Expected string `json:"expected"`
}

func (v vector) bytes(t *testing.T) string {
	t.Helper()
	b, err := hex.DecodeString(v.InputHex)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// byDesign are the documented cases in which a browser, which parses first, decides
// otherwise than Safe Browsing's own parser. Refused means that no browser opens it.
var byDesign = map[string]struct{ want, why string }{
	"http://host%23.com/%257Ea%2521b%2540c%2523d%2524e%25f%255E00%252611%252A22%252833%252944_55%252B": {"", "a browser decodes %23 in a host to '#', which no host may have"},
	"http://\x01\x80.com/":          {"", "a browser refuses control characters in a host"},
	"http:// leadingspace.com/":     {"", "a browser refuses a blank in a host"},
	"http://%20leadingspace.com/":   {"", "a browser refuses a blank in a host"},
	"%20leadingspace.com/":          {"", "a browser refuses a blank in a host"},
	"http://www.google.com/q?":      {"http://www.google.com/q", "an empty query is none: Chromium's expressions never carry a bare '?'"},
	"http://some%1bhost.com/%1b":    {"", "a browser refuses control characters in a host"},
	"ftp://ftp.myfiles.com/":        {"", "only web addresses are checked"},
	"http%3A%2F%2Fwackyurl.com:80/": {"", "a browser sees no scheme, and with one in front refuses '%2F' in a host"},
	"http://W!eird<>Ho$^.com/":      {"", "a browser refuses '<', '>' and '^' in a host"},
}

func TestDocumentedCanonicalForms(t *testing.T) {
	var file struct {
		Vectors       []vector `json:"vectors"`
		Supplementary []struct {
			Kind    string   `json:"kind"`
			Vectors []vector `json:"vectors"`
			NoHost  []vector `json:"no_host"`
		} `json:"supplementary"`
	}
	load(t, vectors+"safebrowsing-canonicalization.json", &file)
	if len(file.Vectors) != 33 {
		t.Fatalf("%d documented cases, want 33", len(file.Vectors))
	}
	check := func(v vector) {
		t.Helper()
		text := v.bytes(t)
		address := text
		if !strings.Contains(address, "://") {
			address = "http://" + strings.TrimSpace(address)
		}
		want := v.Expected
		if d, ok := byDesign[text]; ok {
			want = d.want
		}
		href, opens := normalised(address)
		got := ""
		if opens {
			var err error
			if got, err = canonical(href); err != nil {
				got = ""
			}
		}
		if got != want {
			t.Errorf("%q: the browser has %q, we make %q, want %q (%s)", text, href, got, want, byDesign[text].why)
		}
	}
	for _, v := range file.Vectors {
		check(v)
	}
	for _, more := range file.Supplementary {
		if more.Kind == "" {
			for _, v := range more.Vectors {
				check(v)
			}
			for _, v := range more.NoHost {
				if strings.HasPrefix(v.Input, "http:///") {
					continue // by design: a browser skips the slashes and opens http://blah/
				}
				if href, ok := normalised(v.bytes(t)); ok {
					if _, err := FromHref(nil, href); err == nil {
						t.Errorf("%q names a host: %q", v.Input, href)
					}
				}
			}
		}
	}
}

func TestDocumentedExpressions(t *testing.T) {
	var file struct {
		Documented, Supplementary []struct {
			Rule        string   `json:"rule"`
			URL         string   `json:"url"`
			Expressions []string `json:"expressions"`
			SHA256      []string `json:"sha256"`
		}
	}
	load(t, vectors+"safebrowsing-expressions.json", &file)
	if len(file.Documented) != 7 {
		t.Fatalf("%d documented cases, want 7", len(file.Documented))
	}
	for _, v := range append(file.Documented, file.Supplementary...) {
		href, ok := normalised(v.URL)
		if !ok {
			t.Fatalf("%q does not parse", v.URL)
		}
		named, err := FromHref(nil, href)
		if err != nil {
			t.Errorf("%s: %v", v.URL, err)
		}
		var got []string
		for _, s := range named {
			got = append(got, string(s))
		}
		for i, e := range v.Expressions {
			if d := Subject(e).Digest(); hex.EncodeToString(d[:]) != v.SHA256[i] {
				t.Errorf("%s has another digest than documented", e)
			}
		}
		want := v.Expressions
		if v.Rule == "v5" {
			// By design: version 5 cuts at the public suffix, which the core does not know. It
			// takes version 4's rule, so it may ask for a few names more, such as co.uk/, which
			// the publisher never lists.
			want = slices.DeleteFunc(slices.Clone(want), func(e string) bool { return !slices.Contains(got, e) })
			for _, e := range v.Expressions {
				if !slices.Contains(got, e) && !strings.Contains(v.URL, "a.b.c.d.e.example.co.uk") {
					t.Errorf("%s: no %s", v.URL, e)
				}
			}
			got = slices.DeleteFunc(got, func(e string) bool { return !slices.Contains(want, e) })
		}
		slices.Sort(got)
		want = slices.Clone(want)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s (%s): got %q, want %q", v.URL, v.Rule, got, want)
		}
	}
}

// Whatever the standard's own tests hold, an address that a browser opens is read, and its host is the browser's.
func TestTheBrowsersOwnAddresses(t *testing.T) {
	var cases []any
	load(t, vectors+"whatwg/urltestdata.json", &cases)
	n := 0
	for _, c := range cases {
		v, ok := c.(map[string]any)
		if !ok || v["failure"] != nil {
			continue
		}
		href, _ := v["href"].(string)
		if !strings.HasPrefix(href, "http") {
			continue
		}
		n++
		named, err := FromHref(nil, href)
		if err != nil {
			if errors.Is(err, ErrNotNormalised) {
				t.Errorf("%q: %v", href, err)
			}
			continue
		}
		host, _ := v["hostname"].(string)
		mine, _, _ := strings.Cut(string(named[len(named)-1]), "/")
		if want, _, _ := canonicalHost(host); want != mine && !strings.HasSuffix(want, "."+mine) {
			t.Errorf("%q: the host is %q, we name %q", href, host, mine)
		}
	}
	if n < 200 {
		t.Errorf("only %d addresses", n)
	}
}
