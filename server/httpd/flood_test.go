package httpd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"khien/server/gate"
	"khien/server/limit"
)

// dial connects to a server from an address of this machine, of which all in 127/8 are.
func dial(from, to string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	return d.Dial("tcp", to)
}

// person asks from an address of her own, with new connections and with one that stays.
type person struct {
	client *http.Client
	url    string
}

func newPerson(from, addr string) person {
	return person{&http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return dial(from, addr) },
	}}, "http://" + addr}
}

// asks is how many of n questions are answered.
func (p person) asks(n int) (answered int) {
	for i := range n {
		if i%2 == 0 {
			p.client.CloseIdleConnections()
		}
		resp, err := p.client.Get(p.url + "/healthz")
		if err != nil {
			continue
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			answered++
		}
	}
	return answered
}

// One address opens connections in every way that costs it nothing, and goes on; people elsewhere, and at the very same
// address, are answered.
func TestOneAddressSilencesNobody(t *testing.T) {
	request := "GET /healthz HTTP/1.1\r\nHost: khien.example\r\n\r\n"
	for _, flood := range []struct {
		name  string
		sends string
		conns int
	}{
		{"idle", "", 900},
		{"half a header", "GET /healthz HTTP/1.1\r\nHost: khien.example\r\nX-", 900},
		{"half a body", "POST /v1/reports HTTP/1.1\r\nHost: khien.example\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{", 900},
		{"expecting to continue", "POST /v1/reports HTTP/1.1\r\nHost: khien.example\r\nContent-Length: 9000\r\nExpect: 100-continue\r\n\r\n", 900},
		{"HTTP/1.0 kept alive", "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 900},
		{"a trailer that never ends", "POST /v1/reports HTTP/1.1\r\nHost: khien.example\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\n{\r\n0\r\nX: " + strings.Repeat("a", 9000), 900},
		{"pipelined and unread", strings.Repeat(request, 3000), 600},
	} {
		t.Run(flood.name, func(t *testing.T) {
			f := newFixture(t)
			f.conns = gate.Limits{All: 1200, Each: 100, Wide: 200}
			addr := f.run(t)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var held []net.Conn
			defer func() {
				for _, c := range held {
					c.Close()
				}
			}()
			for range flood.conns {
				c, err := dial("127.0.0.2", addr)
				if err != nil {
					continue // no room
				}
				held = append(held, c)
				go io.WriteString(c, flood.sends)
			}
			if n := newPerson("127.0.0.3", addr).asks(100); n < 100 {
				t.Errorf("%d of 100 questions from elsewhere are answered", n)
			}
			if n := newPerson("127.0.0.2", addr).asks(100); n < 90 {
				t.Errorf("%d of 100 questions from the same address are answered", n)
			}
			if n := f.http.GetOpenConnectionsCount(); n > 120 {
				t.Errorf("%d connections are open", n)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapInuse+after.StackInuse) - int64(before.HeapInuse+before.StackInuse); grown > 40<<20 {
				t.Errorf("the memory has grown by %d MB", grown>>20)
			}
			if log := f.log.String(); strings.Contains(log, "127.0.0.") || strings.Count(log, "\n") > 2 {
				t.Errorf("the log says %s", log)
			}
		})
	}
}

// A client writes itself another address into each report: where no proxy was declared, or not this one, that changes
// nothing, and where one was, what it appends counts.
func TestNobodyChoosesAnAddress(t *testing.T) {
	for _, c := range []struct {
		name    string
		proxies gate.Proxies
		header  string
		taken   int // of ten reports, where one sender may send three
	}{
		{"no proxy", gate.Proxies{}, "192.0.2.%d", 3},
		{"not this one", gate.Proxies{Header: "X-Forwarded-For", From: gate.Loopback[1:]}, "192.0.2.%d", 3},
		{"one client of a proxy", gate.Proxies{Header: "X-Forwarded-For", From: gate.Loopback}, "192.0.2.%d, 198.51.100.1", 3},
		{"one client of two proxies", gate.Proxies{Header: "X-Forwarded-For", From: gate.Loopback}, "192.0.2.%d, 198.51.100.1, 127.0.0.9", 3},
		{"clients of a proxy", gate.Proxies{Header: "X-Forwarded-For", From: gate.Loopback}, "198.51.100.1, 192.0.2.%d", 10},
		{"one household", gate.Proxies{Header: "Forwarded", From: gate.Loopback}, `for="[2001:db8:0:1::%d]"`, 3},
	} {
		f := newFixture(t)
		f.proxies, f.limiter = c.proxies, limit.New(alike(limit.Limits{Each: 0, EachBurst: 3, All: 1000, AllBurst: 1000}))
		addr := f.run(t)
		taken := 0
		for i := range 10 {
			body := fmt.Sprintf(`{"id":"AQIDBAUGBwgJCgsMDQ4P%dA==","kind":"scam","href":"http://shop.example/","title":"","language":"en","time":1763900000}`, i)
			req, err := http.NewRequest("POST", "http://"+addr+"/v1/reports", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set(cmp.Or(c.proxies.Header, "X-Forwarded-For"), fmt.Sprintf(c.header, i+1))
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusCreated {
				taken++
			}
		}
		if taken != c.taken {
			t.Errorf("%s: %d reports are taken, want %d", c.name, taken, c.taken)
		}
	}
}
