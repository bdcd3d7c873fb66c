package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"khien/shared/texts"
)

var house = build{source: "../../extension"}

// Adding a permission later disables the extension at everybody's until they agree,
// so what it may do changes here first.
func TestWhatTheExtensionMayDo(t *testing.T) {
	common := []string{"webNavigation", "storage", "alarms", "contextMenus", "activeTab", "scripting"}
	for browser, pattern := range map[string]string{"chromium": "http://127.0.0.1:8787/*", "firefox": "http://127.0.0.1/*"} {
		want := slices.Concat(common, map[string][]string{"chromium": {"declarativeNetRequestWithHostAccess"}, "firefox": {"webRequest", "webRequestBlocking"}}[browser])
		text, err := house.manifest(browser, "http://127.0.0.1:8787")
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			Permissions []string
			Hosts       []string `json:"host_permissions"`
			Optional    []string `json:"optional_permissions"`
			Asked       []string `json:"optional_host_permissions"`
			Resources   []struct {
				Resources []string
				Matches   []string
				Dynamic   bool `json:"use_dynamic_url"`
			} `json:"web_accessible_resources"`
			Policy map[string]string `json:"content_security_policy"`
		}
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.Permissions, want) {
			t.Errorf("%s: permissions %q, want %q", browser, m.Permissions, want)
		}
		if !slices.Equal(m.Asked, []string{"*://*/*"}) {
			t.Errorf("%s: asks for %q by a button", browser, m.Asked)
		}
		if !slices.Equal(m.Hosts, []string{pattern}) {
			t.Errorf("%s: hosts %q, want the server alone, %q", browser, m.Hosts, pattern)
		}
		if len(m.Optional) > 0 {
			t.Errorf("%s: optional permissions %q", browser, m.Optional)
		}
		// The warning can be led to by Chromium's rules; no page knows where it is.
		for _, r := range m.Resources {
			if browser != "chromium" || !r.Dynamic || !slices.Equal(r.Resources, []string{"warning.html"}) || !slices.Equal(r.Matches, []string{"<all_urls>"}) {
				t.Errorf("%s: pages can load %+v", browser, r)
			}
		}
		policy := m.Policy["extension_pages"]
		if !strings.Contains(policy, "default-src 'none'; script-src 'self' 'wasm-unsafe-eval';") || strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "style-src 'self'") {
			t.Errorf("%s: policy %q", browser, policy)
		}
	}
}

// A page is drawn with the first file that comes, and its styles are those that the policy names.
func TestStylesLieInThePages(t *testing.T) {
	pages, sources, err := house.styled()
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 6 || len(sources) != len(pages) {
		t.Fatalf("%d pages, %d styles", len(pages), len(sources))
	}
	for name, page := range pages {
		_, rest, _ := bytes.Cut(page, []byte("<style>"))
		style, _, ok := bytes.Cut(rest, []byte("</style>"))
		sum := sha256.Sum256(style)
		if !ok || !slices.Contains(sources, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("%s: the policy does not name its style", name)
		}
		if bytes.Contains(page, []byte("stylesheet")) || !bytes.Contains(style, []byte("--ground:")) {
			t.Errorf("%s: its styles lie elsewhere", name)
		}
	}
}

func TestOrigin(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got, err := parseOrigin(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("parseOrigin(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	f("https://khien.example", "https://khien.example")
	f("https://khien.example:8443/", "https://khien.example:8443")
	f("http://127.0.0.1:8787", "http://127.0.0.1:8787")
	f("http://localhost:8787", "http://localhost:8787")
	f("http://[::1]:8787", "http://[::1]:8787")

	f("http://khien.example", "") // reports would travel in the clear
	f("http://203.0.113.7:8787", "")
	f("ws://127.0.0.1:8787", "")
	f("https://user:secret@khien.example", "")
	f("https://khien.example/v1", "")
	f("https://khien.example?x", "")
	f("khien.example", "")
	f("", "")
}

// A release that speaks to nobody's server is refused, whatever it was built from.
func TestWhereAReleaseMayPoint(t *testing.T) {
	f := func(origin string, want bool) {
		t.Helper()
		if got := reachable(origin); got != want {
			t.Errorf("reachable(%q) = %v", origin, got)
		}
	}
	f("https://khien.org", true)
	f("https://203.0.113.7", true)
	f("https://[2001:db8::7]:8443", true)

	f("http://127.0.0.1:8787", false)
	f("http://localhost:8787", false)
	f("http://[::1]:8787", false)
	f("https://10.0.0.7", false)
	f("https://[fe80::7]", false)
	f("https://khien.example", false)
	f("https://khien.local", false)
	f("https://khien", false)
}

func TestHostPattern(t *testing.T) {
	f := func(browser, origin, want string) {
		t.Helper()
		if got := hostPattern(browser, origin); got != want {
			t.Errorf("hostPattern(%q, %q) = %q, want %q", browser, origin, got, want)
		}
	}
	f("chromium", "https://khien.example:8443", "https://khien.example:8443/*")
	f("firefox", "https://khien.example:8443", "https://khien.example/*")
	f("firefox", "http://[::1]:8787", "http://[::1]/*")
}

func TestMessagesFitTheExtension(t *testing.T) {
	all := files{}
	if err := house.messages(all); err != nil {
		t.Fatal(err)
	}
	locales, err := house.spoken()
	if err != nil {
		t.Fatal(err)
	}
	for lang, words := range locales {
		for _, key := range []string{`"category_phishing"`, `"category_phishing_how"`, `"stopPage"`} {
			if !bytes.Contains(all["_locales/"+lang+"/messages.json"], []byte(key)) {
				t.Errorf("%s has no message %s", lang, key)
			}
		}
		if keys := missing(words, locales[texts.Fallback]); len(keys) > 0 {
			t.Errorf("%s says in English: %s", lang, strings.Join(keys, ", "))
		}
	}
	if len(locales) != len(texts.All()) {
		t.Errorf("the extension speaks %d of %v", len(locales), texts.All())
	}
}

// What a language does not say yet is read in English; what has plural forms is in all of its own, or in all of
// English.
func TestMessagesThatAreMissingAreEnglish(t *testing.T) {
	en := map[string]message{"leave": {Message: "Leave"}, "list": {Message: "5 scams"}, "list_one": {Message: "1 scam"}}
	f := func(words map[string]message, want ...string) {
		t.Helper()
		if got := missing(words, en); !slices.Equal(got, want) {
			t.Errorf("%v takes %q from English, want %q", words, got, want)
		}
	}
	f(nil, "leave", "list", "list_one")
	f(map[string]message{"list": {Message: "5 vụ"}}, "leave")
	f(map[string]message{"leave": {Message: "Wyjdź"}}, "list", "list_one")
}

func TestMessagesThatDoNotFit(t *testing.T) {
	date := map[string]placeholder{"date": {"$1"}}
	f := func(first, polish map[string]message, want string) {
		t.Helper()
		err := checkMessages(map[string]map[string]message{"en": first, "pl": polish}, map[string]bool{"leave": true, "since": false, "list": false})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("checkMessages: %v, want %q", err, want)
		}
	}
	leave := map[string]message{"leave": {Message: "Leave"}}
	f(leave, leave, "")
	f(leave, map[string]message{}, "")
	f(map[string]message{}, map[string]message{}, "en: leave is used and missing")
	f(leave, map[string]message{"leave": {}}, "pl: leave is empty")
	f(map[string]message{"leave": {Message: "Leave"}, "old": {Message: "Old"}}, leave, "en: old is never used")
	f(map[string]message{"leave": {Message: "Leave"}, "since": {Message: "Since $DATE$", Placeholders: date}},
		map[string]message{"leave": {Message: "Wyjdź"}, "since": {Message: "Od"}}, "pl: since has other placeholders")
	f(leave, map[string]message{"leave": {Message: "Wyjdź", Placeholders: date}}, "pl: leave leaves out $DATE$")

	list := map[string]message{"leave": {Message: "Leave"}, "list": {Message: "5 scams"}, "list_one": {Message: "1 scam"}}
	inPolish := map[string]message{"list": {Message: "1,5 oszustwa"}, "list_one": {Message: "1 oszustwo"}, "list_few": {Message: "2 oszustwa"}, "list_many": {Message: "5 oszustw"}}
	f(list, leave, "")
	f(list, inPolish, "")
	delete(inPolish, "list_few")
	f(list, inPolish, "pl: list_few is missing")
	delete(list, "list_one")
	f(list, inPolish, "en: list_one is missing")
}

func TestEqualFilesGiveEqualArchives(t *testing.T) {
	some := files{"manifest.json": []byte("{}"), "a/b.js": []byte("1"), "a.js": []byte("2")}
	folder := t.TempDir()
	var archives [2][]byte
	for i := range archives {
		path := filepath.Join(folder, "x.zip")
		if err := some.zip(path); err != nil {
			t.Fatal(err)
		}
		var err error
		if archives[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two archives of the same files differ")
	}
	r, err := zip.NewReader(bytes.NewReader(archives[0]), int64(len(archives[0])))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range r.File {
		body, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(body); !bytes.Equal(got, some[file.Name]) {
			t.Errorf("%s holds %q", file.Name, got)
		}
	}
}

func TestAFolderHoldsExactlyTheFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "chromium")
	if err := (files{"old.js": nil}).write(folder); err != nil {
		t.Fatal(err)
	}
	if err := (files{"a/new.js": []byte("1")}).write(folder); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "old.js")); !os.IsNotExist(err) {
		t.Errorf("a file of the build before is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "a", "new.js")); err != nil {
		t.Error(err)
	}
}

// Two files say the same on both sides of the boundary.
func TestMirrors(t *testing.T) {
	// On the browser's side an error is written in one line.
	mirror(t, "../../wasm/protocol.go", "../../extension/src/shared/protocol.ts", "code", "text")
	mirror(t, "../../shared/supplement/body.go", "../../extension/src/shared/supplement.ts")
}

// mirror wants the same fields in the same order in both files, but for those that are on Go's side only.
func mirror(t *testing.T, goFile, tsFile string, goOnly ...string) {
	t.Helper()
	field := func(text, pattern string) []string {
		var names []string
		for line := range strings.Lines(text) {
			if _, after, ok := strings.Cut(line, pattern); ok {
				name, _, _ := strings.Cut(after, `"`)
				names = append(names, name)
			}
		}
		return names
	}
	goSide, err := os.ReadFile(goFile)
	if err != nil {
		t.Fatal(err)
	}
	tsSide, err := os.ReadFile(tsFile)
	if err != nil {
		t.Fatal(err)
	}
	var ts []string
	for line := range strings.Lines(string(tsSide)) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), ":")
		if strings.HasPrefix(line, "  ") && ok && !strings.ContainsAny(name, " ()=/*") {
			ts = append(ts, name)
		}
	}
	want := field(string(goSide), `msg:"`)
	for i, tag := range want { // "set,limit=…"
		want[i], _, _ = strings.Cut(tag, ",")
	}
	want = slices.DeleteFunc(want, func(name string) bool { return slices.Contains(goOnly, name) })
	if !slices.Equal(ts, want) {
		t.Errorf("%s has the fields\n%q\n%s\n%q", tsFile, ts, goFile, want)
	}
}
