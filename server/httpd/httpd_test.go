package httpd

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"khien/server/api"
	"khien/server/blob"
	"khien/server/gate"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/limit"
	"khien/server/office/officetest"
	"khien/server/publish"
	"khien/shared/pow"
	"khien/shared/wire"
)

// fixture is a server with an empty inbox and nothing published.
type fixture struct {
	*Server
	box *inbox.Inbox
	log bytes.Buffer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	box, err := inbox.Open(filepath.Join(t.TempDir(), "inbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	book := ledger.Open(officetest.Open(t, ledger.Tables))
	f := &fixture{box: box}
	f.Server = New(Config{API: &api.API{Shelf: &publish.Shelf{Blobs: blobs, Ledger: book}, Inbox: box}, Limiter: limit.New(limit.Usual), Conns: gate.Usual, Demo: true, Log: slog.New(slog.NewTextHandler(&f.log, nil))})
	return f
}

// run serves on a free port until the test ends.
func (f *fixture) run(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func TestEveryLimitIsSet(t *testing.T) {
	s := newFixture(t).http
	for name, set := range map[string]bool{
		"ReadTimeout": s.ReadTimeout > 0, "WriteTimeout": s.WriteTimeout > 0, "IdleTimeout": s.IdleTimeout > 0,
		"ReadBufferSize": s.ReadBufferSize > 0, "MaxRequestBodySize": s.MaxRequestBodySize == wire.MaxReport,
		"Concurrency": s.Concurrency > 0, "MaxRequestsPerConn": s.MaxRequestsPerConn > 0,
		"SecureErrorLogMessage": s.SecureErrorLogMessage, "DisablePreParseMultipartForm": s.DisablePreParseMultipartForm,
		"Logger": s.Logger == silence{}, "ErrorHandler": s.ErrorHandler != nil,
	} {
		if !set {
			t.Errorf("%s is left to fasthttp's default", name)
		}
	}
}

// Fifty clients send a byte now and then and never finish.
func TestTricklingClientsAreCutOff(t *testing.T) {
	for name, request := range map[string]string{
		"header": "GET /v1/head HTTP/1.1\r\nHost: khien.example\r\nX-Slow: " + strings.Repeat("a", 1000),
		"body":   "POST /v1/reports HTTP/1.1\r\nHost: khien.example\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat(" ", 900),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.http.ReadTimeout = 500 * time.Millisecond
			addr := f.run(t)
			cut := make(chan error)
			const clients = 50
			for range clients {
				go func() { cut <- trickle(addr, request) }()
			}
			for range clients {
				if err := <-cut; err != nil {
					t.Error(err)
				}
			}
			resp, err := http.Get("http://" + addr + "/healthz")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("afterwards: %v, %v", resp, err)
			}
		})
	}
}

// trickle sends a byte every 20 ms until the server closes the connection. All bytes would take it 20 seconds.
func trickle(addr, request string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	closed := make(chan struct{})
	go func() {
		io.Copy(io.Discard, conn)
		close(closed)
	}()
	for i := range len(request) {
		select {
		case <-closed:
			return nil
		case <-time.After(20 * time.Millisecond):
			conn.Write([]byte{request[i]})
		}
	}
	return fmt.Errorf("%d bytes were taken, one every 20 ms", len(request))
}

// fasthttp gives the memory of a request to the next one. Here it is overwritten as
// soon as the handler returns, so whoever kept a piece of it keeps rubbish.
func TestNothingOfARequestIsKept(t *testing.T) {
	f := newFixture(t)
	handle := f.http.Handler
	f.http.Handler = func(ctx *fasthttp.RequestCtx) {
		handle(ctx)
		for _, b := range [][]byte{ctx.PostBody(), ctx.Request.Header.ContentType(), ctx.Request.Header.RequestURI(), ctx.URI().PathOriginal(), ctx.Host()} {
			for i := range b {
				b[i] = 'X'
			}
		}
	}
	addr := f.run(t)
	want := wire.Report{
		ID: []byte("0123456789abcdef"), Kind: wire.KindMistake, Subjects: []string{"shop.example/"}, Href: "",
		Title: "A shop", Language: "en", Time: 1763900000, Category: "shop", Note: "mine",
	}
	body, err := want.MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		resp, err := http.Post("http://"+addr+"/v1/reports", "application/msgpack", bytes.NewReader(body))
		if err != nil || resp.StatusCode/100 != 2 {
			t.Fatalf("%v, %v", resp, err)
		}
	}
	list, _, err := f.box.List(t.Context(), "", 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d reports, %v", len(list), err)
	}
	if got := list[0].Report; got.Title != want.Title || got.Note != want.Note || got.Subjects[0] != want.Subjects[0] || string(got.ID) != string(want.ID) {
		t.Errorf("the inbox holds %+v, sent was %+v", got, want)
	}
}

// A fault in a handler costs one answer, and the log does not quote the request.
func TestAPanicIsContained(t *testing.T) {
	f := newFixture(t)
	f.api.Shelf = nil
	addr := f.run(t)
	resp, err := http.Get("http://" + addr + "/v1/blob/" + strings.Repeat("ca", 32) + "?canary")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 500 || !strings.Contains(string(body), `"internal"`) {
		t.Errorf("%s %s", resp.Status, body)
	}
	if resp, err := http.Get("http://" + addr + "/healthz"); err != nil || resp.StatusCode != 200 {
		t.Errorf("afterwards: %v, %v", resp, err)
	}
	if log := f.log.String(); !strings.Contains(log, "panic") || strings.Contains(log, "canary") || strings.Contains(log, "caca") {
		t.Errorf("the log says %s", log)
	}
}

func TestDemoSitesAndListAgree(t *testing.T) {
	list := string(DemoList)
	for _, site := range demoSites {
		listed := strings.Contains(list, "http://"+site.Host+"/,")
		if listed != (site.Kind == "listed") {
			t.Errorf("%s is %s, and in the list: %v", site.Host, site.Kind, listed)
		}
		if pages.Lookup(site.page) == nil {
			t.Errorf("%s has no page", site.Host)
		}
	}
	for _, account := range demoAccounts {
		if !strings.Contains(list, account.Href+",") {
			t.Errorf("%s is not in the list", account.Href)
		}
	}
}

// While more comes than is wanted, a report is taken with a proof of work, and only the one that it was made for.
func TestAProofOfWorkIsAskedForUnderLoad(t *testing.T) {
	f := newFixture(t)
	f.limiter = limit.New(alike(limit.Limits{Each: 1000, EachBurst: 1000, All: 0, AllBurst: 0, Bits: 4}))
	url := "http://" + f.run(t) + "/v1/reports"
	send := func(id, work string) (status int, code string, header http.Header) {
		t.Helper()
		body := fmt.Sprintf(`{"id":%q,"kind":"scam","href":"http://shop.example/","title":"","language":"en","time":1763900000}`, base64.StdEncoding.EncodeToString([]byte(id)))
		req, err := http.NewRequest("POST", url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if work != "" {
			req.Header.Set("Khien-Work", work)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var told struct{ Error struct{ Code string } }
		json.NewDecoder(resp.Body).Decode(&told)
		return resp.StatusCode, told.Error.Code, resp.Header
	}
	const id, other = "0123456789abcdef", "0123456789abcdeg"
	status, code, header := send(id, "")
	if status != 429 || code != "work" {
		t.Fatalf("%d %s", status, code)
	}
	var challenge []byte
	var zeros int
	if _, err := fmt.Sscanf(header.Get("Khien-Challenge"), "%x %d", &challenge, &zeros); err != nil {
		t.Fatalf("challenge %q: %v", header.Get("Khien-Challenge"), err)
	}
	var number uint64
	for pow.Zeros(challenge, []byte(id), number) < zeros {
		number++
	}
	work := fmt.Sprintf("%x %x %d", challenge, id, number)
	if status, code, _ := send(other, work); status != 400 || code != "bad_work" {
		t.Errorf("the proof of another report: %d %s", status, code)
	}
	for _, bad := range []string{"x", work + " 1", fmt.Sprintf("%x %x %d", challenge[1:], id, number), fmt.Sprintf("%x %x -1", challenge, id)} {
		if status, code, _ := send(id, bad); status != 429 || code != "work" {
			t.Errorf("%q: %d %s", bad, status, code)
		}
	}
	if status, _, _ := send(id, work); status != 201 {
		t.Errorf("with its proof: %d", status)
	}
}
