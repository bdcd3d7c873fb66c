package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/feed"
	"khien/shared/subject"
)

// mispServer is a folder with a manifest and events.
type mispServer struct {
	*httptest.Server
	times  map[string]string // by the id of an event
	events map[string]string
	asked  []string
}

func newMISP(t *testing.T) *mispServer {
	s := &mispServer{times: map[string]string{}, events: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/feed/"), ".json")
		s.asked = append(s.asked, name)
		if name == "manifest" {
			var all []string
			for _, id := range slices.Sorted(maps.Keys(s.times)) {
				all = append(all, fmt.Sprintf(`%q:{"info":"x","timestamp":%q}`, id, s.times[id]))
			}
			fmt.Fprintf(w, "{%s}", strings.Join(all, ","))
		} else if event, ok := s.events[name]; ok {
			fmt.Fprint(w, event)
		} else {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

const eventName = "5f0f4c1a-0000-4000-8000-00000000000%d"

// has puts an event into the feed: a host, with a time.
func (s *mispServer) has(n int, host, at string) {
	id := fmt.Sprintf(eventName, n)
	s.times[id] = at
	s.events[id] = fmt.Sprintf(`{"Event":{"uuid":%q,"Attribute":[{"uuid":"a%d","type":"domain","value":%q,"to_ids":true}]}}`, id, n, host)
}

// brings is what a pull of the feed brings.
func (s *mispServer) brings(t *testing.T, cursor string) (hosts []string, next string, fresh bool, err error) {
	t.Helper()
	u, _ := url.Parse(s.URL + "/feed/")
	var b bytes.Buffer
	s.asked = nil
	if next, fresh, err = pullMISP(t.Context(), asking(), u, cursor, time.Now(), &b); err != nil {
		return nil, next, fresh, err
	}
	for c, err := range feed.Claims(&b, feed.Preset{Format: "misp"}) {
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, string(c.Subject))
	}
	return hosts, next, fresh, nil
}

// Events are published late and with times of long ago, two of one second, and changed back in time: each that the
// manifest has with another time than before is fetched, and no other.
func TestEventsThatComeLate(t *testing.T) {
	s := newMISP(t)
	s.has(1, "a.example", "1795143660")
	s.has(2, "b.example", "1795143660")
	check := func(cursor string, want ...string) string {
		t.Helper()
		got, next, fresh, err := s.brings(t, cursor)
		if err != nil || !slices.Equal(got, want) || fresh != (len(want) > 0) || len(s.asked) != len(want)+1 {
			t.Fatalf("%q, %v, %v; asked for %q", got, fresh, err, s.asked)
		}
		return next
	}
	next := check("", "a.example/", "b.example/")
	next = check(next)
	s.has(3, "c.example", "1500000000")
	next = check(next, "c.example/")
	s.has(2, "d.example", "1400000000")
	next = check(next, "d.example/")
	delete(s.times, fmt.Sprintf(eventName, 1))
	next = check(next)
	s.has(1, "a.example", "1795143660")
	check(next, "a.example/")
}

// An event of which the file is not there yet is asked for the next time; one that is a page, or cut, or no event, ends
// the run, and so does a manifest that is none or would lead elsewhere.
func TestAFeedThatIsNotAsItShouldBe(t *testing.T) {
	s := newMISP(t)
	s.has(1, "a.example", "1")
	s.has(2, "b.example", "1")
	second := fmt.Sprintf(eventName, 2)
	event := s.events[second]
	delete(s.events, second)
	got, next, fresh, err := s.brings(t, "")
	if err != nil || !fresh || len(got) != 1 {
		t.Fatalf("%q, %v, %v", got, fresh, err)
	}
	if _, _, _, err := s.brings(t, next); err == nil || !strings.Contains(err.Error(), "404") { // none of what is new
		t.Error(err)
	}
	s.events[second] = event
	if got, _, _, err := s.brings(t, next); err != nil || len(got) != 1 || got[0] != "b.example/" {
		t.Errorf("%q, %v", got, err)
	}
	for text, want := range map[string]error{"<html>Sign in": errHTML, event[:20]: errEvent, `{"Event":null}`: errEvent, `[]`: errEvent} {
		s.events[second] = text
		if _, _, _, err := s.brings(t, next); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, id := range []string{"../../etc/passwd", "", "5f0f4c1a-0000-4000-8000-00000000000", "5f0f4c1a-0000-4000-8000-000000000001/../x", "5F0F4C1A-0000-4000-8000-000000000001\n"} {
		s := newMISP(t)
		s.times[id] = "1"
		if _, _, _, err := s.brings(t, ""); !errors.Is(err, errManifest) || len(s.asked) != 1 {
			t.Errorf("%q: %v, asked for %q", id, err, s.asked)
		}
	}
}

// The whole way, with the feed of somebody else.
func TestASourceThatIsAFeedOfMISP(t *testing.T) {
	folder := "../../../shared/vectors/exchange/misp-feed"
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the samples of other formats are not here: ", err)
	}
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		http.ServeFile(w, r, filepath.Join(folder, filepath.Base(r.URL.Path)))
	}))
	defer server.Close()
	d := open(t)
	d.source("misp", func(s *Source) {
		s.Address, s.Private, s.Plain, s.Every = server.URL+"/manifest.json", true, true, 60
		s.Preset = feed.Preset{Name: "misp-feed", Format: "misp", Pull: "misp", Meaning: feed.Explicit}
	})
	r, err := d.Run(t.Context(), "mai", "misp", nil)
	if err != nil || r.State != Accepted || r.Numbers.Listed != 6 || r.Numbers.Asked != 4 || r.Numbers.Refused != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := d.questions("facebook:id/999999999999999"); !slices.Equal(got, []string{"candidate [misp] 0"}) {
		t.Errorf("asked is %q", got)
	}
	if r, err = d.Run(t.Context(), "mai", "misp", nil); err != nil || r.State != Same || len(asked) != 3 {
		t.Fatalf("%+v, %v; asked for %q", r, err, asked)
	}
}

// What a source only suspects waits for a person, however the source is trusted; what it names beside a scam is never
// listed by it, and is a question where another has listed it.
func TestWhatASourceWouldNotBlock(t *testing.T) {
	d := open(t)
	event := func(s *Source) { s.Preset = feed.Preset{Name: "event", Format: "misp", Meaning: feed.Full} }
	d.source("event", event)
	d.source("other", nil)
	one := `{"Event":{"Attribute":[{"uuid":"1","type":"domain","value":"scam.example","to_ids":true},{"uuid":"2","type":"domain","value":"bank.example","to_ids":false},` +
		`{"uuid":"4","type":"domain","value":"honest.example","to_ids":false}],"Object":[{"uuid":"3","name":"telegram-account",` +
		`"Attribute":[{"uuid":"3","object_relation":"username","type":"text","value":"an_invented_name","to_ids":false}]}]}}`
	d.sends("other", "bank.example")
	d.sends("event", one)
	d.expect("bank.example/ other", "scam.example/ event")
	for s, want := range map[subject.Subject]string{"telegram:user/an_invented_name": "candidate [event] 0", "bank.example/": "disputed [event] 0", "honest.example/": "", "scam.example/": ""} {
		if got := strings.Join(d.questions(s), ", "); got != want {
			t.Errorf("about %s people are asked %q, not %q", s, got, want)
		}
	}
}
