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

// outside has the documents that our own vectors were copied from.
const outside = "../../../shared/vectors/"

func load(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) && strings.HasPrefix(file, outside) {
		t.Skip("the outside vectors are not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// everywhere runs a test over our own copy of a file of vectors and over the outside one.
func everywhere(t *testing.T, name string, test func(t *testing.T, file string)) {
	t.Run("own", func(t *testing.T) { test(t, "testdata/"+name) })
	t.Run("outside", func(t *testing.T) { test(t, outside+name) })
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
		text += p.query
	}
	return text, nil
}

type vector struct {
	InputHex string `json:"input_hex"` // its bytes are the input
	Expected string `json:"expected"`
	Host     string `json:"host"`
	Path     string `json:"path"`
	Query    string `json:"query"`
}

// input is the address as it is documented, and as a browser would be asked to open it.
func (v vector) input(t *testing.T) (text, address string) {
	t.Helper()
	b, err := hex.DecodeString(v.InputHex)
	if err != nil {
		t.Fatal(err)
	}
	text = string(b)
	if strings.Contains(text, "://") {
		return text, text
	}
	return text, "http://" + strings.TrimSpace(text)
}

// byDesign are the documented cases in which a browser, which parses first, decides
// otherwise than Safe Browsing's own parser. No want means that no browser opens it.
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
	"276.2.3":                       {"", "a browser refuses a part above 255"},
	"10.192.95.89 xy":               {"", "a browser refuses a blank in a host"},
}

func TestDocumentedCanonicalForms(t *testing.T) {
	everywhere(t, "safebrowsing-canonicalization.json", func(t *testing.T, file string) {
		var doc struct {
			Vectors       []vector `json:"vectors"`
			Supplementary []struct {
				Kind    string   `json:"kind"`
				Vectors []vector `json:"vectors"`
				NoHost  []vector `json:"no_host"`
			} `json:"supplementary"`
		}
		load(t, file, &doc)
		if len(doc.Vectors) != 33 {
			t.Fatalf("%d documented cases, want 33", len(doc.Vectors))
		}
		whole := func(v vector) {
			t.Helper()
			text, address := v.input(t)
			want := v.Expected
			design, differs := byDesign[text]
			if differs {
				want = design.want
			}
			href, opens := normalised(address)
			got := ""
			if opens {
				got, _ = canonical(href)
			}
			if got != want {
				t.Errorf("%q: the browser has %q, we make %q, want %q (%s)", text, href, got, want, design.why)
			}
			if differs && got == v.Expected {
				t.Errorf("%q differs by design no more", text)
			}
		}
		for _, v := range doc.Vectors {
			whole(v)
		}
		kinds := map[string]int{}
		for _, more := range doc.Supplementary {
			for _, v := range more.Vectors {
				kinds[more.Kind]++
				switch more.Kind {
				case "":
					whole(v)
				case "ipv4_host":
					ipv4(t, v)
				case "host_path_query":
					triple(t, v)
				}
			}
			for _, v := range more.NoHost {
				text, _ := v.input(t)
				if strings.HasPrefix(text, "http:///") {
					continue // by design: a browser skips the third slash and opens http://blah/
				}
				if href, ok := normalised(text); ok {
					if s, err := FromHref(nil, href); err == nil && !s[0].IsAccount() {
						t.Errorf("%q names a host: %q", text, s)
					}
				}
			}
		}
		if kinds[""] != 11 || kinds["ipv4_host"] != 11 || kinds["host_path_query"] != 10 {
			t.Errorf("supplementary cases by kind: %v", kinds)
		}
	})
}

// ipv4: every way to write an IPv4 address is one host, and what is none is not taken for one.
func ipv4(t *testing.T, v vector) {
	t.Helper()
	text, address := v.input(t)
	want := v.Expected
	if design, ok := byDesign[text]; ok {
		want = design.want
	}
	got := ""
	if href, ok := normalised(address); ok {
		var p page
		if err := p.read(href); err == nil && p.isIP {
			got = p.host
		}
	}
	if got != want {
		t.Errorf("%q is %q, want %q", text, got, want)
	}
}

// triple: the host, path and query that Chromium looks for.
func triple(t *testing.T, v vector) {
	t.Helper()
	text, _ := v.input(t)
	href, opens := normalised(text)
	var p page
	if err := p.read(href); !strings.HasPrefix(text, "http") {
		if err == nil {
			t.Errorf("%q, which is not of the web, was read", text)
		}
		return
	} else if !opens || err != nil {
		t.Errorf("%q: %v", text, err)
		return
	}
	if p.host != v.Host || p.path != v.Path || strings.TrimPrefix(p.query, "?") != v.Query {
		t.Errorf("%q: %q %q %q, want %q %q %q", text, p.host, p.path, p.query, v.Host, v.Path, v.Query)
	}
}

// moreThanV5 are the names that version 4's rule for hosts asks for beyond version 5's:
// version 5 begins at the public suffix, which the core does not know. The publisher
// refuses public suffixes, so that nothing is ever listed there.
//
// fewerThanV5: of a name with more than five labels, version 4 takes the last five;
// version 5 counts from the registrable domain.
var (
	moreThanV5 = map[string][]string{
		"http://example.co.uk/1":            {"co.uk/1", "co.uk/"},
		"https://www.example.co.uk/":        {"co.uk/"},
		"https://a.b.c.d.e.example.co.uk/x": {"co.uk/x", "co.uk/"},
	}
	fewerThanV5 = map[string][]string{
		"https://a.b.c.d.e.example.co.uk/x": {"c.d.e.example.co.uk/x", "c.d.e.example.co.uk/"},
	}
)

func TestDocumentedExpressions(t *testing.T) {
	everywhere(t, "safebrowsing-expressions.json", func(t *testing.T, file string) {
		type example struct {
			Rule        string   `json:"rule"`
			URL         string   `json:"url"`
			Expressions []string `json:"expressions"`
			SHA256      []string `json:"sha256"`
		}
		var doc struct{ Documented, Supplementary []example }
		load(t, file, &doc)
		if len(doc.Documented) != 7 || len(doc.Supplementary) != 8 {
			t.Fatalf("%d documented and %d supplementary cases, want 7 and 8", len(doc.Documented), len(doc.Supplementary))
		}
		for _, v := range append(doc.Documented, doc.Supplementary...) {
			href, ok := normalised(v.URL)
			if !ok {
				t.Fatalf("%q does not parse", v.URL)
			}
			got := named(t, href)
			for i, e := range v.Expressions {
				if d := Subject(e).Digest(); hex.EncodeToString(d[:]) != v.SHA256[i] {
					t.Errorf("%s has another digest than documented", e)
				}
			}
			want := slices.Clone(v.Expressions)
			if v.Rule == "v5" {
				want = append(want, moreThanV5[v.URL]...)
				want = slices.DeleteFunc(want, func(e string) bool { return slices.Contains(fewerThanV5[v.URL], e) })
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s (%s)\ngot  %q\nwant %q", v.URL, v.Rule, got, want)
			}
		}
	})
}

// Whatever the standard's own tests hold, an address that a browser opens is read, and its host is the browser's.
func TestTheBrowsersOwnAddresses(t *testing.T) {
	var cases []any
	load(t, outside+"whatwg/urltestdata.json", &cases)
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
