package httpd

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"khien/server/api"
	"khien/server/limit"
	"khien/shared/texts"
)

func TestEncoding(t *testing.T) {
	for header, want := range map[string]int{
		"": asIs, "br": asBrotli, "gzip": asGzip, "gzip, deflate, br, zstd": asBrotli, "GZip": asGzip, "x-gzip": asGzip, "deflate": asIs,
		"*": asBrotli, "*;q=0": asIs, "br;q=0, *": asGzip, "br;q=0,gzip;q=0": asIs, "br;q=0.1, gzip;q=0.9": asGzip, "gzip;q=0": asIs,
		"identity": asIs, "identity;q=1, br;q=0.5": asIs, "identity;q=0.5, br": asBrotli, "identity;q=0": asIs, "br ; Q = 0": asIs,
		"br;q=NaN": asBrotli, "br;q=7": asBrotli, ";;,,q=": asIs, "brotli": asIs, "br,br;q=0": asIs,
	} {
		if got := encoding(header); got != want {
			t.Errorf("%q: %s, want %s", header, encodingNames[got], encodingNames[want])
		}
	}
}

// A crowd comes to a page that takes long to make.
func TestAPageIsMadeOnceForACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pages readyPages
		var made atomic.Int64
		slow := func() api.Answer {
			n := made.Add(1)
			time.Sleep(10 * time.Second)
			return api.Answer{Status: 200, Body: fmt.Append(nil, n)}
		}
		crowd := func(want string, within time.Duration) {
			t.Helper()
			start := time.Now()
			var all sync.WaitGroup
			for range 1000 {
				all.Go(func() {
					if r := pages.get("figures", time.Minute, slow); string(r.Body) != want {
						t.Errorf("got %s, want %s", r.Body, want)
					}
				})
			}
			all.Wait()
			if took := time.Since(start); took > within {
				t.Errorf("the crowd waited for %v, at most %v was to be", took, within)
			}
		}
		crowd("1", 10*time.Second) // there is nothing to show yet
		crowd("1", 0)
		time.Sleep(time.Minute)
		crowd("1", 0) // it is old, and made anew meanwhile
		crowd("1", 0)
		time.Sleep(10 * time.Second)
		synctest.Wait() // the new one comes in the same moment
		crowd("2", 0)
		time.Sleep(time.Hour)
		crowd("3", 10*time.Second) // nobody has asked for an hour
		if n := made.Load(); n != 3 {
			t.Errorf("it was made %d times", n)
		}
	})
}

// What could not be made is not kept, and what fails while the old page is shown takes nothing down.
func TestAPageThatCannotBeMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pages readyPages
		status := 500
		get := func() int {
			return pages.get("figures", time.Minute, func() api.Answer {
				if status == 0 {
					panic("a fault")
				}
				return api.Answer{Status: status}
			}).Status
		}
		for _, step := range []struct{ now, want int }{{500, 500}, {503, 503}, {200, 200}, {500, 200}} {
			status = step.now
			if got := get(); got != step.want {
				t.Errorf("while it would be %d it is %d, want %d", step.now, got, step.want)
			}
		}
		time.Sleep(70 * time.Second)
		status = 0
		if got := get(); got != 200 {
			t.Errorf("the old page is %d", got)
		}
		synctest.Wait()
		status = 200
		if got := get(); got != 200 {
			t.Errorf("after a fault it is %d", got)
		}
	})
}

func TestReadyPagesAreFew(t *testing.T) {
	var pages readyPages
	for i := range 10 * maxReady {
		pages.get(fmt.Sprint(i), always, func() api.Answer { return api.Answer{Status: 200} })
		pages.get("often asked for", always, func() api.Answer {
			if i > 0 {
				t.Error("what is asked for often is made again")
			}
			return api.Answer{Status: 200}
		})
	}
	if n := len(pages.young) + len(pages.old); n > 2*maxReady {
		t.Errorf("%d pages are kept", n)
	}
}

// publicPages are those that everybody sees alike.
var publicPages = []string{"/", "/style.css", "/icon.svg", "/favicon.ico", "/public.css", "/statistics", "/rules", "/register"}

// ask sends one GET or HEAD, with headers given as name and value in turn, and takes the answer as it comes.
func (d *desk) ask(method, path string, headers ...string) (*http.Response, []byte) {
	d.t.Helper()
	req, err := http.NewRequest(method, d.url+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp, body
}

func TestPagesInEveryEncoding(t *testing.T) {
	d := newDesk(t, limit.Usual)
	for _, path := range publicPages {
		for _, lang := range texts.Languages("public.txt") {
			resp, plain := d.ask("GET", path, "Accept-Language", lang)
			if resp.StatusCode != 200 || len(plain) == 0 || resp.Header.Get("Content-Encoding") != "" {
				t.Fatalf("%s: %s %v", path, resp.Status, resp.Header)
			}
			tags := map[string]bool{}
			for _, as := range []string{"identity", "gzip", "br"} {
				headers := []string{"Accept-Language", lang, "Accept-Encoding", as}
				resp, body := d.ask("GET", path, headers...)
				size := len(body)
				switch resp.Header.Get("Content-Encoding") {
				case "gzip":
					r, err := gzip.NewReader(bytes.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					body, _ = io.ReadAll(r)
				case "br":
					body, _ = fasthttp.AppendUnbrotliBytes(nil, body)
				}
				if !bytes.Equal(body, plain) {
					t.Errorf("%s as %s is another page", path, as)
				}
				if as != "identity" && (size >= len(plain) || resp.Header.Get("Content-Encoding") != as) {
					t.Errorf("%s as %s: %d bytes of %d, %v", path, as, size, len(plain), resp.Header)
				}
				vary := strings.Join(resp.Header.Values("Vary"), ", ")
				if !strings.Contains(vary, "Accept-Encoding") || strings.HasSuffix(path, "s") && resp.Header.Get("Content-Type")[:9] == "text/html" && !strings.Contains(vary, "Accept-Language") {
					t.Errorf("%s varies by %q", path, vary)
				}
				tag := resp.Header.Get("ETag")
				tags[tag] = true
				again, none := d.ask("GET", path, append(headers, "If-None-Match", tag)...)
				if again.StatusCode != 304 || len(none) > 0 || again.Header.Get("ETag") != tag || strings.Join(again.Header.Values("Vary"), ", ") != vary || again.Header.Get("Content-Encoding") != "" {
					t.Errorf("%s as %s, again: %s %v", path, as, again.Status, again.Header)
				}
				head, none := d.ask("HEAD", path, headers...)
				if head.StatusCode != 200 || len(none) > 0 || head.ContentLength != int64(size) || head.Header.Get("ETag") != tag {
					t.Errorf("HEAD %s as %s: %s, %d bytes, length %d of %d", path, as, head.Status, len(none), head.ContentLength, size)
				}
				part, whole := d.ask("GET", path, append(headers, "Range", "bytes=0-3")...)
				if part.StatusCode != 200 || len(whole) != size {
					t.Errorf("%s as %s, a part of it: %s, %d bytes", path, as, part.Status, len(whole))
				}
			}
			if len(tags) != 3 || tags[""] {
				t.Errorf("%s has the tags %v", path, tags)
			}
		}
	}
}

// What somebody adds to an address, or says about himself, makes no further page to be kept.
func TestNobodyFillsTheReadyPages(t *testing.T) {
	d := newDesk(t, limit.Usual)
	for i := range 300 {
		for _, path := range publicPages {
			d.ask("GET", fmt.Sprintf("%s?page=%d&q=x%d&lang=x%d", path, i, i, i), "Accept-Language", fmt.Sprintf("en-x%d, vi;q=0.%d", i, i), "Accept-Encoding", fmt.Sprintf("x%d", i), "X-Client", fmt.Sprintf("192.0.2.%d", i%250))
		}
		d.ask("PATCH", fmt.Sprintf("/rules?lang=x%d", i))
	}
	if n := len(d.server.ready.young) + len(d.server.ready.old); n > 3*len(publicPages) {
		t.Errorf("%d pages are kept", n)
	}
}

// What is about somebody is made for him alone.
func TestWhatIsAboutSomebodyIsNotKept(t *testing.T) {
	d := newDesk(t, limit.Usual)
	id := regexp.MustCompile(`name="id" value="([0-9a-f]{32})"`)
	ticket := regexp.MustCompile(`name="ticket" value="([0-9a-f]+)"`)
	ids, tickets := map[string]bool{}, map[string]bool{}
	for _, lang := range texts.Languages("public.txt") {
		for range 10 {
			resp, body := d.ask("GET", "/appeal?lang="+lang)
			i, k := id.FindSubmatch(body), ticket.FindSubmatch(body)
			if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("ETag") != "" || i == nil || k == nil || bytes.Contains(body, []byte("place-of")) || !bytes.Contains(body, []byte(`<html lang="`+lang)) {
				t.Fatalf("%v %s", resp.Header, body)
			}
			ids[string(i[1])], tickets[string(k[1])] = true, true
		}
	}
	if len(ids) != 20 || len(tickets) != 20 {
		t.Errorf("20 forms have %d ids and %d tickets", len(ids), len(tickets))
	}
	before := len(d.server.ready.young)
	for i := range 5 {
		for _, path := range []string{"/register", "/appeal/receipt"} {
			resp, body := d.post(path, fmt.Appendf(nil, "about=shop-%d.example&number=%032d", i, i), "Content-Type", "application/x-www-form-urlencoded")
			if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("ETag") != "" {
				t.Errorf("%s: %v", path, resp.Header)
			}
			if path == "/register" && !strings.Contains(body, fmt.Sprintf("shop-%d.example", i)) {
				t.Errorf("%s says %s", path, body)
			}
		}
	}
	if n := len(d.server.ready.young); n != before {
		t.Errorf("%d answers to questions are kept", n-before)
	}
}

// A client may write headers of 8 kB. What is read of them is what anybody would write.
func TestLongPreferences(t *testing.T) {
	d := newDesk(t, limit.Usual)
	long := strings.Repeat("fr;q=0.1,", 800)
	if _, body := d.ask("GET", "/rules", "Accept-Language", "vi, "+long, "Accept-Encoding", "identity"); !bytes.Contains(body, []byte(`<html lang="vi"`)) {
		t.Error("what stands first is not read")
	}
	if resp, _ := d.ask("GET", "/rules?lang="+strings.Repeat("x", 3000), "Accept-Language", strings.Repeat("x", 3000)); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
}

// steady is a connection on which requests come as fast as they are read, and answers are looked at and thrown away.
type steady struct {
	net.Conn
	request []byte
	left    int
	ok      int // answers that begin with 200
}

func (s *steady) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.left--
	return copy(p, s.request), nil
}

func (s *steady) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("HTTP/1.1 200 OK\r\n")) {
		s.ok++
	}
	return len(p), nil
}

func (s *steady) Close() error                     { return nil }
func (s *steady) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)} }
func (s *steady) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2)} }
func (s *steady) SetReadDeadline(time.Time) error  { return nil }
func (s *steady) SetWriteDeadline(time.Time) error { return nil }

// What a GET of each public page costs the server, from its bytes to the bytes of the answer, with the headers of a
// browser.
func BenchmarkPage(b *testing.B) {
	d := newDesk(b, limit.Usual)
	for _, path := range append([]string{"/appeal"}, publicPages...) {
		for _, lang := range texts.Languages("public.txt") {
			b.Run(path+" "+lang, func(b *testing.B) {
				request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: khien.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"+
					"Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"+
					"Accept-Language: %s-VN,%[2]s;q=0.9,en-US;q=0.8,en;q=0.7\r\n\r\n", path, lang)
				for left := b.N; left > 0; {
					c := &steady{request: request, left: min(left, maxRequests)}
					left -= c.left
					want := c.left
					if err := d.server.http.ServeConn(c); err != nil || c.ok != want {
						b.Fatalf("%d of %d are answered, %v", c.ok, want, err)
					}
				}
			})
		}
	}
}
