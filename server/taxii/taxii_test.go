package taxii

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"khien/server/db/dbtest"
	"khien/server/exchange"
	"khien/server/export"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/office/officetest"
	"khien/server/partner"
	"khien/server/publish"
	"khien/server/stream"
	"khien/server/triage"
	"khien/shared/subject"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const root = "invented root"

// house serves what it has released.
type house struct {
	*Server
	t    testing.TB
	book *ledger.Ledger
	seq  uint64
	as   string // whose key the next questions carry
}

// partners are who may read, by their keys.
var partners = map[string]partner.Agreement{
	"bank":  {Name: "bank", Title: "Invented Bank 1.0", TLP: feed.Amber, Direction: partner.Out},
	"cert":  {Name: "cert", Title: "Invented CERT", Direction: partner.Out, Kinds: []string{"account"}},
	"gives": {Name: "gives", Title: "Only sends", Direction: partner.In},
}

func open(t testing.TB) *house {
	t.Helper()
	office := officetest.Open(t, ledger.Tables, triage.Tables, exchange.Tables, stream.Tables)
	h := &house{t: t, book: ledger.Open(office), as: "bank"}
	sources := exchange.Open(office, func() (*publish.Protection, error) { return publish.Protect("") })
	h.Server = &Server{
		Stream: stream.Open(office, sources, root),
		Head: func(context.Context) (export.Head, error) {
			return export.Head{Operator: "Invented Shield", Root: root}, nil
		},
		Admit: func(_ context.Context, authorization string) (partner.Agreement, []byte, error) {
			a, ok := partners[authorization]
			if authorization == "often" {
				return a, nil, ErrBusy
			}
			if !ok {
				return a, nil, ErrKey
			}
			return a, nil, nil
		},
	}
	return h
}

// releases puts subjects on the list, and out.
func (h *house) releases(subjects ...string) {
	h.t.Helper()
	var list []ledger.Indicator
	for _, s := range subjects {
		list = append(list, ledger.Indicator{Subject: subject.Subject(s), Source: "x", FirstSeen: 1})
	}
	if _, _, err := h.book.Import(h.t.Context(), "mai", list); err != nil {
		h.t.Fatal(err)
	}
	h.issue()
}

func (h *house) issue() {
	h.t.Helper()
	decided, err := h.book.Seq(h.t.Context())
	h.seq++
	if err == nil {
		err = h.book.Issue(h.t.Context(), ledger.Issue{Release: ledger.Release{Sequence: h.seq, Issued: 1, Expires: 2, Head: []byte("head")}, Seq: decided})
	}
	if err == nil {
		_, err = h.Stream.Follow(h.t.Context(), h.book)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// get asks, and returns what is said.
func (h *house) get(path string) (Answer, map[string]any) {
	h.t.Helper()
	path, query, _ := strings.Cut(path, "?")
	a := h.Answer(h.t.Context(), Question{Method: "GET", Path: path, Query: query, Authorization: h.as, Origin: "https://khien.example"})
	var said map[string]any
	if err := json.Unmarshal(a.Body, &said); err != nil {
		h.t.Fatalf("%s: %v: %s", path, err, a.Body)
	}
	return a, said
}

// own is the collection of whoever asks.
func (h *house) own() string {
	h.t.Helper()
	_, said := h.get("/exchange/collections/")
	return "/exchange/collections/" + said["collections"].([]any)[0].(map[string]any)["id"].(string) + "/"
}

// many are names of n hosts.
func many(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("s%05d.example/", i))
	}
	return all
}

func TestWhatRecordedClientsAskIsAnswered(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/vectors/exchange/taxii/client-*.jsonl")
	if len(files) == 0 {
		t.Skip("the recordings are not beside the project")
	}
	h := open(t)
	h.releases(many(1700)...)
	theirs := regexp.MustCompile(`91a7b528-80eb-42ed-a74d-c6fbd5a26116`)
	own := strings.Split(h.own(), "/")[3]
	asked := 0
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		next := ""
		for lines := bufio.NewScanner(f); lines.Scan(); asked++ {
			var r struct {
				Headers map[string]string
				URI     string
			}
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			path, query, _ := strings.Cut(theirs.ReplaceAllString(r.URI, own), "?")
			if values, _ := url.ParseQuery(query); values.Has("next") {
				if next == "" {
					t.Fatalf("%s: there is no page after the one before", r.URI)
				}
				values.Set("next", next)
				query = values.Encode()
			}
			a := h.Answer(t.Context(), Question{Method: "GET", Path: path, Query: query, Accept: r.Headers["Accept"], Authorization: "bank", Origin: "https://khien.example"})
			if a.Status != 200 {
				t.Errorf("%s: %d %s", r.URI, a.Status, a.Body)
			}
			var envelope struct{ Next string }
			if err := json.Unmarshal(a.Body, &envelope); err != nil {
				t.Fatal(err)
			}
			if envelope.Next != "" { // else the last one goes on from where it was
				next = envelope.Next
			}
		}
		f.Close()
	}
	if asked < 15 {
		t.Errorf("only %d requests", asked)
	}
}

// Each client has its own way to go on: by the date of the last one, by that date without its last digits, by the
// token.
func TestOfFiveThousandAtOnceEveryClientGetsFiveThousand(t *testing.T) {
	h := open(t)
	h.releases(many(5000)...)
	own := h.own()
	for name, on := range map[string]func(Answer, map[string]any) string{
		"date": func(a Answer, _ map[string]any) string {
			return "added_after=" + a.Header["X-TAXII-Date-Added-Last"]
		},
		"milliseconds": func(a Answer, _ map[string]any) string {
			last := a.Header["X-TAXII-Date-Added-Last"]
			return "added_after=" + last[:len("2026-12-01T00:00:00.000")] + "Z"
		},
		"token": func(_ Answer, said map[string]any) string { return "next=" + said["next"].(string) },
	} {
		seen, pages, repeated := map[string]bool{}, 0, 0
		for query := "added_after=2000-01-01T00:00:00Z"; ; pages++ {
			a, said := h.get(own + "objects/?limit=300&match[type]=indicator&" + query)
			if a.Status != 200 || pages > 100 {
				t.Fatalf("%s: %d after %d pages", name, a.Status, pages)
			}
			objects, _ := said["objects"].([]any)
			for _, o := range objects {
				id := o.(map[string]any)["id"].(string)
				if seen[id] {
					repeated++
				}
				seen[id] = true
			}
			if said["more"] != true {
				break
			}
			query = on(a, said)
		}
		if len(seen) != 5000 || repeated > pages {
			t.Errorf("%s: %d of 5000 on %d pages, %d twice", name, len(seen), pages, repeated)
		}
	}
}

func TestATokenNeverLapses(t *testing.T) {
	h := open(t)
	h.releases(many(3)...)
	own := h.own()
	_, said := h.get(own + "objects/?limit=6&match[type]=indicator")
	if said["next"] != nil {
		t.Fatalf("there is more: %v", said)
	}
	_, said = h.get(own + "objects/?limit=2&match[type]=indicator")
	next := said["next"].(string)
	h.releases("later.example/")
	_, said = h.get(own + "objects/?next=" + next + "&added_after=2099-01-01T00:00:00Z") // the token wins, and knows the types
	if n := len(said["objects"].([]any)); n != 2 {
		t.Errorf("%d behind the token: %v", n, said)
	}
	h.as = "cert"
	if a, _ := h.get(h.own() + "objects/?next=" + next); a.Status != 400 {
		t.Errorf("the token of another collection is %d", a.Status)
	}
	if a, _ := h.get(own + "objects/"); a.Status != 404 {
		t.Errorf("the collection of another is %d", a.Status)
	}
}

func TestWhatIsEmptySaysNothing(t *testing.T) {
	h := open(t)
	h.releases(many(2)...)
	a, said := h.get(h.own() + "objects/?added_after=2099-01-01T00:00:00Z")
	if a.Status != 200 || len(said) != 0 || len(a.Header) != 0 {
		t.Errorf("%d %v %v", a.Status, said, a.Header)
	}
	a, _ = h.get(h.own() + "objects/")
	if first := a.Header["X-TAXII-Date-Added-First"]; !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`).MatchString(first) {
		t.Errorf("the first date is %q", first)
	}
}

func TestWhatIsAccepted(t *testing.T) {
	h := open(t)
	f := func(accept string, want int) {
		t.Helper()
		if a := h.Answer(t.Context(), Question{Method: "GET", Path: "/taxii2/", Accept: accept, Authorization: "bank"}); a.Status != want {
			t.Errorf("%q is %d, not %d", accept, a.Status, want)
		}
	}
	f("application/json, text/plain, */*", 200)
	f("", 200)
	f("application/taxii+json", 200)
	f("application/taxii+json;version=2.1", 200)
	f(`application/taxii+json; version="2.1"`, 200)
	f("application/taxii+json;version=2.0", 406)
	f("text/html", 406)
}

func TestWhoMayAskWhat(t *testing.T) {
	h := open(t)
	h.releases("scam.example/", "facebook:id/999999999999999", "phone:+84900000001")
	f := func(as, method, path string, want int) {
		t.Helper()
		path, query, _ := strings.Cut(path, "?")
		a := h.Answer(t.Context(), Question{Method: method, Path: path, Query: query, Authorization: as})
		var said struct {
			Title  string
			Status string `json:"http_status"`
		}
		if err := json.Unmarshal(a.Body, &said); err != nil || a.Status != want || want >= 400 && (said.Title == "" || said.Status != fmt.Sprint(want)) {
			t.Errorf("%s %s as %q is %d %s, not %d", method, path, as, a.Status, a.Body, want)
		}
	}
	own := h.own()
	f("", "GET", "/taxii2/", 401)
	f("nobody", "GET", own+"objects/", 401)
	f("often", "GET", own+"objects/", 429)
	f("gives", "GET", own+"objects/", 403)
	f("bank", "GET", "/taxii2", 200)
	f("bank", "GET", "/exchange", 200)
	f("bank", "GET", strings.TrimSuffix(own, "/"), 200)
	f("bank", "GET", own+"objects", 200)
	f("bank", "GET", own+"manifest", 200)
	f("bank", "POST", own+"objects/", 403)
	f("bank", "DELETE", own+"objects/x/", 405)
	f("bank", "GET", own+"objects/?limit=0", 400)
	f("bank", "GET", own+"objects/?limit=many", 400)
	f("bank", "GET", own+"objects/?added_after=yesterday", 400)
	f("bank", "GET", own+"objects/?next=!", 400)
	f("bank", "GET", own+"objects/?%zz", 400)
	f("bank", "GET", own+"objects/indicator--00000000-0000-4000-8000-000000000000/", 404)
	f("bank", "GET", own+"nothing/", 404)

	names := func(as string) (all []string) {
		h.as = as
		_, said := h.get(h.own() + "objects/?match[type]=indicator")
		for _, o := range said["objects"].([]any) {
			all = append(all, o.(map[string]any)["name"].(string))
		}
		slices.Sort(all)
		return all
	}
	if got := names("bank"); !slices.Equal(got, []string{"facebook:id/999999999999999", "scam.example/"}) {
		t.Errorf("the bank gets %q", got)
	}
	if got := names("cert"); !slices.Equal(got, []string{"facebook:id/999999999999999"}) {
		t.Errorf("the CERT gets %q", got)
	}
}

func TestOneObjectByItsId(t *testing.T) {
	h := open(t)
	h.releases("scam.example/")
	own := h.own()
	_, said := h.get(own + "objects/?match[type]=indicator")
	id := said["objects"].([]any)[0].(map[string]any)["id"].(string)
	if err := h.book.Withdraw(t.Context(), "mai", "scam.example/", map[string]string{"en": "A mistake."}); err != nil {
		t.Fatal(err)
	}
	h.issue()
	_, said = h.get(own + "objects/" + id + "/")
	o := said["objects"].([]any)[0].(map[string]any)
	if o["id"] != id || o["revoked"] != true || o["modified"].(string) <= o["created"].(string) {
		t.Errorf("%v", o)
	}
	_, said = h.get(own + "objects/" + id + "/versions/")
	if versions := said["versions"].([]any); len(versions) != 1 || versions[0] != o["modified"] {
		t.Errorf("%v", said)
	}
	_, said = h.get(own + "objects/" + o["created_by_ref"].(string) + "/")
	if who := said["objects"].([]any)[0].(map[string]any); who["name"] != "Invented Shield" {
		t.Errorf("%v", who)
	}
	_, said = h.get(own + "manifest/?match[id]=" + id)
	if entries := said["objects"].([]any); len(entries) != 1 || entries[0].(map[string]any)["version"] != o["modified"] {
		t.Errorf("%v", said)
	}
}
