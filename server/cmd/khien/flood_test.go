package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"khien/server/db/dbtest"
)

// dialFrom connects from an address of this machine, of which all in 127/8 are.
func dialFrom(from, to string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 20 * time.Second}
	return d.Dial("tcp4", to)
}

// visitor asks from an address of its own.
func visitor(from string) *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: func(_ context.Context, _, to string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(to)
		return dialFrom(from, "127.0.0.1:"+port)
	}}}
}

// One address holds what it can of each of the program's listeners, which may open few files. Others are answered,
// nothing about it is written, and the program stops when it is told to.
func TestOneAddressAgainstTheProgram(t *testing.T) {
	dbtest.Long(t)
	const request = "GET /rules HTTP/1.1\r\nHost: khien.example\r\n\r\n"
	for _, flood := range []struct{ name, sends string }{
		{"idle", ""},
		{"half a request", request[:30]},
		{"pipelined and unread", strings.Repeat(request, 5000)},
	} {
		t.Run(flood.name, func(t *testing.T) {
			s := &server{before: "ulimit -n 512;"}
			if err := s.start(".", append(os.Environ(), "KHIEN_DATA="+prepared(t)), "--console", "127.0.0.1:0"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.kill)
			var held []net.Conn
			defer func() {
				for _, c := range held {
					c.Close()
				}
			}()
			_, consolePort, _ := net.SplitHostPort(s.console)
			for range 700 { // more than there are files
				for _, addr := range []string{s.addr, "127.0.0.1:" + consolePort} {
					if c, err := dialFrom("127.0.0.2", addr); err == nil {
						held = append(held, c)
						go io.WriteString(c, flood.sends)
					}
				}
			}
			person := visitor("127.0.0.3")
			for i := range 60 {
				path := []string{"http://" + s.addr + "/rules", "http://" + s.addr + "/healthz", "http://" + s.console + "/"}[i%3]
				want := []int{http.StatusOK, http.StatusOK, http.StatusUnauthorized}[i%3] // the console asks who it is
				resp, err := person.Get(path)
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != want {
					t.Errorf("%s: %s", path, resp.Status)
				}
				if i%2 == 0 {
					person.CloseIdleConnections()
				}
			}
			report, err := person.Post("http://"+s.addr+"/v1/reports", "application/json", strings.NewReader(reportBody(1)))
			if err != nil || report.StatusCode != http.StatusCreated {
				t.Errorf("a report: %v, %v", report, err)
			}
			said, err := s.stop()
			if err != nil || !strings.HasSuffix(said, "stopped\n") {
				t.Errorf("the program ended with %v: %s", err, said)
			}
			if strings.Contains(said, "127.0.0.2") || strings.Count(said, "\n") > 12 {
				t.Errorf("the program said %s", said)
			}
		})
	}
}

// Behind a proxy the clients count, each for itself; what one of them sends ahead and doesn't read takes nothing from
// the others.
func TestOneClientOfAProxyAgainstTheProgram(t *testing.T) {
	s := &server{}
	if err := s.start(".", append(os.Environ(), "KHIEN_DATA="+prepared(t)), "--client-header", "X-Forwarded-For", "--conns", "400", "--conns-each", "40"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	var held []net.Conn
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	refused := 0
	for i := range 300 {
		c, err := dialFrom("127.0.0.1", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
		// What stands before the last address, the client has made up.
		ahead := fmt.Sprintf("GET /rules HTTP/1.1\r\nHost: khien.example\r\nX-Forwarded-For: 192.0.2.%d, 198.51.100.1\r\n\r\n", i%250)
		go io.WriteString(c, strings.Repeat(ahead, 3000))
	}
	for i := range 50 {
		c, err := dialFrom("127.0.0.1", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: khien.example\r\nX-Forwarded-For: 198.51.100.1, 203.0.113.%d\r\n\r\n", i)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		c.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			refused++
		}
	}
	if refused > 0 {
		t.Errorf("%d of 50 other clients were not answered", refused)
	}
}

// A process that may open hardly any files says so, and what to do.
func TestHardlyAnyFiles(t *testing.T) {
	s := &server{before: "ulimit -n 100;"}
	err := s.start(".", append(os.Environ(), "KHIEN_DATA="+prepared(t)))
	if err == nil {
		s.kill()
		t.Fatal("it serves")
	}
	if !strings.Contains(err.Error(), "ulimit -n") {
		t.Error(err)
	}
}
