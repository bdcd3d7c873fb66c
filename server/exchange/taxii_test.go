package exchange

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/feed"
	"khien/shared/subject"
)

// asking is a getter without the bounds of a source.
func asking(headers ...string) getter {
	return func(ctx context.Context, r *http.Request) (*http.Response, error) {
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return http.DefaultClient.Do(r.WithContext(ctx))
	}
}

// reads is what one pull brings: the ids of the objects, in order.
func reads(t *testing.T, pull puller, get getter, address, cursor string, now time.Time) (ids []string, next string, fresh bool, err error) {
	t.Helper()
	u, bad := url.Parse(address)
	if bad != nil {
		t.Fatal(bad)
	}
	var b bytes.Buffer
	next, fresh, err = pull(t.Context(), get, u, cursor, now, &b)
	if err != nil {
		return nil, next, fresh, err
	}
	for c, bad := range feed.Claims(&b, feed.Preset{Format: "stix"}) {
		if bad != nil {
			t.Fatal(bad)
		}
		ids = append(ids, string(c.Subject))
	}
	return ids, next, fresh, nil
}

// A server of OASIS, as it was recorded: it says the same next for every page, and answers who has no credentials with
// a web page.
func TestTheServerOfOASIS(t *testing.T) {
	text, err := os.ReadFile("../../../shared/vectors/exchange/taxii/server-medallion-3.0.0.jsonl")
	if err != nil {
		t.Skip("the recorded answers of other servers are not here: ", err)
	}
	type answer struct {
		URI, Accept string
		Auth        bool
		Status      int
		Headers     map[string]string
		Body        json.RawMessage
	}
	var all []answer
	for line := range bytes.Lines(text) {
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	pages := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, auth := r.BasicAuth()
		same := func(a answer) bool {
			u, err := url.Parse(a.URI)
			if err != nil || u.Path != r.URL.Path || a.Auth != auth || a.Accept != r.Header.Get("Accept") {
				return false
			}
			want, got := u.Query(), r.URL.Query()
			return want.Get("next") == got.Get("next") && want.Get("match[id]") == "" && (want.Get("added_after") == "") == (got.Get("added_after") == "")
		}
		found := slices.Collect(func(yield func(answer) bool) {
			for _, a := range all {
				if same(a) && !yield(a) {
					return
				}
			}
		})
		if len(found) == 0 {
			http.NotFound(w, r)
			return
		}
		a := found[0]
		if r.URL.Query().Get("next") != "" {
			a = found[min(pages, len(found)-1)]
			pages++
		}
		for name, value := range a.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.Status)
		w.Write(bytes.ReplaceAll(a.Body, []byte("127.0.0.1:5000"), []byte(r.Host)))
	}))
	defer server.Close()
	who := &http.Request{Header: http.Header{}}
	who.SetBasicAuth("partner", "key")
	get := asking("Authorization", who.Header.Get("Authorization"))
	want := []string{"n0.example/", "n1.example/", "n2.example/", "n3.example/", "n4.example/"}
	for _, from := range []string{"/taxii2/", "/root/", "/root/collections/", "/root/collections/472c94ae-3113-4e3e-a4dd-a9f4ac7471d4/", "/root/collections/472c94ae-3113-4e3e-a4dd-a9f4ac7471d4/objects/"} {
		pages = 0
		got, next, fresh, err := reads(t, pullTAXII, get, server.URL+from, "", time.Now())
		if err != nil || !fresh || !slices.Equal(got, want) || !strings.Contains(next, "2026-11-02T00:00:00Z") {
			t.Errorf("%s: %q, %s, %v, %v", from, got, next, fresh, err)
		}
	}
	if _, _, _, err := reads(t, pullTAXII, asking(), server.URL+"/taxii2/", "", time.Now()); err == nil || !strings.Contains(err.Error(), "401: it wants other credentials") {
		t.Error(err)
	}
	if _, _, _, err := reads(t, pullTAXII, get, server.URL+"/root/collections/00000000-0000-4000-8000-000000000000/", "", time.Now()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Error(err)
	}
}

// taxiiServer has one collection of n objects; the first half was added at one time, and all say the same next.
type taxiiServer struct {
	*httptest.Server
	added   []time.Time
	revoked map[int]bool
	bearer  string
	breaks  func(page int) bool // that page ends in its middle
	fakes   func(w http.ResponseWriter, r *http.Request) bool
	asked   []string
	pages   int
	at      int // of the session, whose next says nothing
	after   time.Time
}

func newTAXII(t *testing.T, n int) *taxiiServer {
	s := &taxiiServer{revoked: map[int]bool{}}
	for i := range n {
		at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		if i >= n/2 {
			at = at.Add(time.Hour + time.Duration(i)*time.Millisecond)
		}
		s.added = append(s.added, at)
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *taxiiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.URL.RequestURI())
	w.Header().Set("Content-Type", taxiiType)
	switch {
	case s.fakes != nil && s.fakes(w, r):
		return
	case s.bearer != "" && r.Header.Get("Authorization") != "Bearer "+s.bearer:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(401)
		fmt.Fprint(w, "<html>Sign in")
		return
	case r.Header.Get("Accept") != taxiiType:
		w.WriteHeader(406)
		return
	}
	switch r.URL.Path {
	case "/taxii2/":
		fmt.Fprint(w, `{"title":"x","api_roots":["/api/"]}`)
	case "/api/collections/":
		fmt.Fprint(w, `{"collections":[{"id":"secret","can_read":false},{"id":"one","can_read":true}]}`)
	case "/api/collections/one/objects/":
		s.objects(w, r)
	default:
		w.WriteHeader(404)
	}
}

func (s *taxiiServer) objects(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.pages++
	if q.Get("next") == "" {
		s.at = 0
		s.after, _ = time.Parse(time.RFC3339, q.Get("added_after"))
		for s.at < len(s.added) && !s.added[s.at].After(s.after) {
			s.at++
		}
	} else if q.Get("next") != "session" {
		w.WriteHeader(400)
		return
	}
	end := min(s.at+500, len(s.added))
	var objects []string
	for i := s.at; i < end; i++ {
		modified := "2026-01-01T00:00:00Z"
		if s.revoked[i] {
			modified = "2026-02-01T00:00:00Z"
		}
		objects = append(objects, fmt.Sprintf(`{"type":"indicator","id":"indicator--%d","created":"2026-01-01T00:00:00Z","modified":%q,"pattern_type":"stix","pattern":"[domain-name:value = 'n%d.example']","revoked":%v,"valid_from":"2083-01-01T00:00:00Z"}`,
			i, modified, i, s.revoked[i]))
	}
	if len(objects) == 0 {
		fmt.Fprint(w, `{}`)
		return
	}
	w.Header().Set("X-TAXII-Date-Added-First", s.added[s.at].Format("2006-01-02T15:04:05.000000Z"))
	w.Header().Set("X-TAXII-Date-Added-Last", s.added[end-1].Format("2006-01-02T15:04:05.000000Z"))
	more := ""
	if s.at = end; end < len(s.added) {
		more = `,"more":true,"next":"session"`
	}
	page := `{"objects":[` + strings.Join(objects, ",") + `]` + more + `}`
	if s.breaks != nil && s.breaks(s.pages) {
		w.Header().Set("Content-Length", fmt.Sprint(len(page)))
		w.Write([]byte(page[:len(page)/2]))
		panic(http.ErrAbortHandler)
	}
	fmt.Fprint(w, page)
}

// Each of 5,000 objects comes once, whether pages break off or not; the next time only what is new comes, with what was
// added within the last second.
func TestTenPagesOfTAXII(t *testing.T) {
	for name, breaks := range map[string]func(int) bool{
		"whole":          nil,
		"one breaks off": func(page int) bool { return page == 3 },
		"many break off": func(page int) bool { return page%7 == 0 },
	} {
		s := newTAXII(t, 5000)
		s.breaks = breaks
		got, next, fresh, err := reads(t, pullTAXII, asking(), s.URL+"/taxii2/", "", time.Now())
		if err != nil || !fresh || len(got) != 5000 || !strings.Contains(next, "2026-11-01T01:00:04.999Z") {
			t.Fatalf("%s: %d, %s, %v", name, len(got), next, err)
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != 5000 {
			t.Errorf("%s: some came twice and others never", name)
		}
		s.breaks = nil
		got, again, _, err := reads(t, pullTAXII, asking(), s.URL+"/taxii2/", next, time.Now())
		if err != nil || len(got) != 1000 || again != next { // those of the last second
			t.Errorf("%s: %d come again, %s, %v", name, len(got), again, err)
		}
		s.added = append(s.added, s.added[4999])
		if got, _, _, err = reads(t, pullTAXII, asking(), s.URL+"/taxii2/", next, time.Now()); err != nil || !slices.Contains(got, "n5000.example/") {
			t.Errorf("%s: what was added at the very last moment is lost: %v", name, err)
		}
	}
	s := newTAXII(t, 5000)
	s.breaks = func(page int) bool { return page > 1 }
	if _, _, _, err := reads(t, pullTAXII, asking(), s.URL+"/taxii2/", "", time.Now()); err == nil || s.pages > 20 {
		t.Errorf("%d pages, %v", s.pages, err)
	}
}

// What a server says wrong is told by what it is, and ends.
func TestServersThatAreNotAsTheyShouldBe(t *testing.T) {
	page := `{"objects":[{"type":"indicator","id":"indicator--1"}],"more":true%s}`
	for name, c := range map[string]struct {
		fakes func(w http.ResponseWriter, r *http.Request) bool
		want  error
	}{
		"more without next": {func(w http.ResponseWriter, r *http.Request) bool {
			fmt.Fprintf(w, page, "")
			return true
		}, errNext},
		"the same page for ever": {func(w http.ResponseWriter, r *http.Request) bool {
			fmt.Fprintf(w, page, `,"next":"a"`)
			return true
		}, errAgain},
		"an endless page": {func(w http.ResponseWriter, r *http.Request) bool {
			fmt.Fprint(w, `{"objects":["`)
			for range 25 << 4 {
				if _, err := w.Write(bytes.Repeat([]byte("a"), 64<<10)); err != nil {
					break
				}
			}
			return true
		}, errPage},
		"a web page": {func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<html>Welcome`)
			return true
		}, errHTML},
		"TAXII 2.0": {func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", "application/vnd.oasis.stix+json; version=2.0")
			fmt.Fprint(w, `{"type":"bundle"}`)
			return true
		}, errTAXII2},
		"TAXII 2.0, asked for 2.1": {func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(406)
			return true
		}, errTAXII},
		"TAXII 1": {func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", "application/xml")
			fmt.Fprint(w, `<taxii_11:Discovery_Response/>`)
			return true
		}, errTAXII},
		"no JSON": {func(w http.ResponseWriter, r *http.Request) bool {
			fmt.Fprint(w, `objects`)
			return true
		}, errJSON},
	} {
		s := newTAXII(t, 1)
		s.fakes = c.fakes
		if _, _, _, err := reads(t, pullTAXII, asking(), s.URL+"/api/collections/one/objects/", "", time.Now()); !errors.Is(err, c.want) || len(s.asked) > 3 {
			t.Errorf("%s: %v after %d requests", name, err, len(s.asked))
		}
	}
	for name, c := range map[string]struct {
		path, answer string
		want         error
	}{
		"another server":         {"/taxii2/", `{"api_roots":["https://other.example/api/"]}`, errOthers},
		"a root of 2.0":          {"/api/", `{"versions":["taxii-2.0"]}`, errTAXII2},
		"nothing of TAXII":       {"/taxii2/", `{"hello":"world"}`, errTAXII},
		"nothing to read":        {"/api/collections/", `{"collections":[{"id":"a","can_read":false}]}`, errCollection},
		"nobody's":               {"/api/collections/", `{}`, errCollection},
		"a collection elsewhere": {"/api/collections/", `{"collections":[{"id":"../../x"}]}`, errTAXII},
		"dots":                   {"/api/collections/", `{"collections":[{"id":".."}]}`, errTAXII},
		"a hundred collections":  {"/api/collections/", `{"collections":[{"id":"a"}` + strings.Repeat(`,{"id":"b"}`, 99) + `]}`, errMany},
	} {
		s := newTAXII(t, 1)
		s.fakes = func(w http.ResponseWriter, r *http.Request) bool {
			fmt.Fprint(w, c.answer)
			return true
		}
		if _, _, _, err := reads(t, pullTAXII, asking(), s.URL+c.path, "", time.Now()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A time that is still to come moves no cursor.
func TestAServerThatLivesInTheFuture(t *testing.T) {
	s := newTAXII(t, 4)
	s.added[3] = time.Date(2083, 1, 1, 0, 0, 0, 0, time.UTC)
	got, next, _, err := reads(t, pullTAXII, asking(), s.URL+"/taxii2/", "", time.Now())
	if err != nil || len(got) != 4 || next != "" {
		t.Errorf("%d, %q, %v", len(got), next, err)
	}
}

// The whole way: a source that is a TAXII server, with a credential, and what it takes back.
func TestASourceThatIsATAXIIServer(t *testing.T) {
	d := open(t)
	server := newTAXII(t, 5)
	server.bearer = "invented"
	d.source("taxii", func(s *Source) {
		s.Address, s.Private, s.Plain, s.Every = server.URL+"/taxii2/", true, true, 60
		s.Preset = feed.Preset{Name: "taxii", Format: "stix", Pull: "taxii", Meaning: feed.Explicit}
	})
	if _, err := d.Run(t.Context(), "mai", "taxii", nil); err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), server.URL) {
		t.Fatal(err)
	}
	if err := d.SetCredentials(t.Context(), "mai", "taxii", Credentials{Headers: map[string]string{"Authorization": "Bearer invented"}}); err != nil {
		t.Fatal(err)
	}
	r, err := d.Run(t.Context(), "mai", "taxii", nil)
	if err != nil || r.State != Accepted || r.Numbers.New != 5 || r.Numbers.Listed != 5 {
		t.Fatalf("%+v, %v", r, err)
	}
	server.revoked[4] = true // a newer version, added now
	server.added[4] = server.added[4].Add(time.Minute)
	if r, err = d.Run(t.Context(), "mai", "taxii", nil); err != nil || r.State != Accepted || r.Numbers.Gone != 1 || r.Numbers.Left != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, want := range []State{Accepted, Same} { // what was added last comes again, and then is the same
		if r, err = d.Run(t.Context(), "mai", "taxii", nil); err != nil || r.State != want || r.Numbers.New+r.Numbers.Changed+r.Numbers.Gone != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	claims := 0
	for i := range 4 {
		all, err := d.Claims(t.Context(), subject.Subject(fmt.Sprintf("n%d.example/", i)))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if c.Gone == 0 {
				claims++
			}
		}
	}
	if claims != 4 {
		t.Errorf("%d claims stand", claims)
	}
}

// An object of which a newer version comes names only what that one names: what the one before has named is gone, also
// where the newer one names nothing that is understood.
func TestAnObjectThatNamesSomethingElseNow(t *testing.T) {
	d := open(t)
	d.source("stix", func(s *Source) { s.Preset = feed.Preset{Name: "stix", Format: "stix", Meaning: feed.Explicit} })
	object := func(id, day int, pattern string) string {
		return fmt.Sprintf(`{"type":"indicator","id":"indicator--%d","created":"2026-01-01T00:00:00Z","modified":"2026-01-%02dT00:00:00Z","pattern_type":"stix","pattern":%q}`, id, day, pattern)
	}
	d.sends("stix", object(1, 1, "[domain-name:value = 'a.example' OR domain-name:value = 'b.example']"), object(2, 1, "[domain-name:value = 'c.example']"),
		object(3, 1, "[domain-name:value = 'd.example']"))
	d.expect("a.example/ stix", "b.example/ stix", "c.example/ stix", "d.example/ stix")
	d.sends("stix", object(1, 2, "[domain-name:value = 'b.example']"), object(2, 2, "[domain-name:value LIKE 'c%']"))
	d.expect("b.example/ stix", "d.example/ stix")
}

// The requests that clients of others were recorded to send are as ours: with the type that TAXII 2.1 wants.
func TestOurRequestsAreLikeThoseOfOthers(t *testing.T) {
	f, err := os.Open("../../../shared/vectors/exchange/taxii/client-taxii2client-2.3.0.jsonl")
	if err != nil {
		t.Skip("the recorded requests of other clients are not here: ", err)
	}
	defer f.Close()
	s := newTAXII(t, 1)
	if _, _, _, err := reads(t, pullTAXII, asking(), s.URL+"/taxii2/", "", time.Now()); err != nil {
		t.Fatal(err)
	}
	kinds := func(uri string) string {
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		return u.Path[strings.LastIndex(strings.TrimSuffix(u.Path, "/"), "/"):]
	}
	theirs := map[string]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r struct{ URI string }
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		theirs[kinds(r.URI)] = true
	}
	for _, uri := range s.asked {
		if !theirs[kinds(uri)] {
			t.Errorf("nobody else asks for %s", uri)
		}
	}
}
