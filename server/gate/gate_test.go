package gate

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// street is a listener to which connections come from any address.
type street struct {
	come   chan any // a net.Conn or an error
	closed chan struct{}
	once   sync.Once
}

func newStreet() *street { return &street{come: make(chan any), closed: make(chan struct{})} }

func (s *street) Accept() (net.Conn, error) {
	select {
	case one := <-s.come:
		if err, ok := one.(error); ok {
			return nil, err
		}
		return one.(net.Conn), nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *street) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *street) Addr() net.Addr { return &net.TCPAddr{} }

// from is a connection from an address.
type from struct {
	net.Conn
	addr netip.Addr
	gone chan struct{} // closed when the server has closed it
	once *sync.Once
}

func (f from) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.AddrPortFrom(f.addr, 4711)) }

func (f from) Close() error {
	f.once.Do(func() { close(f.gone) })
	return f.Conn.Close()
}

// house is a gate with a street in front. Who was let in stands in the hall.
type house struct {
	*Gate
	street *street
	log    bytes.Buffer
	t      *testing.T

	mu   sync.Mutex
	hall []*Conn
}

// try is a house in which time passes only when nobody has anything to do.
func try(t *testing.T, limits Limits, proxies Proxies, f func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{street: newStreet(), t: t}
		h.Gate = Listen(h.street, limits, proxies, slog.New(slog.NewTextHandler(&h.log, nil)))
		go func() {
			for {
				c, err := h.Accept()
				if err != nil {
					return
				}
				h.mu.Lock()
				h.hall = append(h.hall, c.(*Conn))
				h.mu.Unlock()
			}
		}()
		f(h)
		h.Close()
		h.mu.Lock()
		for _, c := range h.hall {
			c.Close()
		}
		h.mu.Unlock()
		time.Sleep(time.Minute)
		if log := h.log.String(); strings.Contains(log, "192.0.2.") || strings.Contains(log, "2001:db8") {
			t.Errorf("the log names addresses: %s", log)
		}
	})
}

// caller is both ends of a connection.
type caller struct {
	ours   net.Conn
	server *Conn // nil where it was not let in
	gone   chan struct{}
}

func (c caller) in() bool {
	select {
	case <-c.gone:
		return false
	default:
		return c.server != nil
	}
}

// call connects from an address.
func (h *house) call(addr string) caller {
	h.t.Helper()
	a, b := net.Pipe()
	one := from{b, netip.MustParseAddr(addr), make(chan struct{}), new(sync.Once)}
	h.mu.Lock()
	before := len(h.hall)
	h.mu.Unlock()
	h.street.come <- one
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.hall) == before {
		return caller{a, nil, one.gone}
	}
	return caller{a, h.hall[before], one.gone}
}

// flood calls so often from each address in turn, and returns who is in.
func (h *house) flood(times int, addr func(i int) string, busy bool) (in []caller) {
	var all []caller
	for i := range times {
		c := h.call(addr(i))
		if c.server != nil && busy {
			c.server.Begin(netip.Addr{})
		}
		all = append(all, c)
	}
	for _, c := range all {
		if c.in() {
			in = append(in, c)
		}
	}
	return in
}

func TestAFloodLeavesRoom(t *testing.T) {
	limits := Limits{All: 800, Each: 50, Wide: 120}
	for _, flood := range []struct {
		name string
		addr func(i int) string
		most int // that the flood holds
	}{
		{"one IPv4 address", func(int) string { return "192.0.2.1" }, 50},
		{"one IPv4 address in both forms", func(i int) string { return []string{"192.0.2.1", "::ffff:192.0.2.1"}[i%2] }, 50},
		{"one /64", func(i int) string { return fmt.Sprintf("2001:db8:0:1::%x", i) }, 50},
		{"one /64 with zones", func(i int) string { return fmt.Sprintf("fe80::1%%%d", i) }, 50},
		{"one /48", func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i) }, 120},
		{"three hundred sources", func(i int) string { return fmt.Sprintf("198.18.%d.%d", i%3, i/3%100) }, 790},
		{"three hundred /48", func(i int) string { return fmt.Sprintf("2001:db8:%x:%x::1", i%300, i) }, 790},
	} {
		for _, busy := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, busy %v", flood.name, busy), func(t *testing.T) {
				try(t, limits, Proxies{}, func(h *house) {
					early := h.call("203.0.113.1")
					early.server.Begin(netip.Addr{})
					in := h.flood(2000, flood.addr, busy)
					if len(in) > flood.most {
						t.Errorf("the flood holds %d connections", len(in))
					}
					if !early.in() {
						t.Error("who was there before is out")
					}
					for i := range 8 {
						for _, addr := range []string{"203.0.113.%d", "2001:db8:f000:%d::1"} {
							if late := h.call(fmt.Sprintf(addr, 10+i)); !late.in() {
								t.Errorf("visitor %d of "+addr+" finds no room", i, i)
							}
						}
					}
				})
			})
		}
	}
}

// A flood shares an address with people, as behind a provider's translator of addresses.
func TestWhoSharesAnAddressWithAFloodGetsIn(t *testing.T) {
	try(t, Limits{All: 800, Each: 50, Wide: 120}, Proxies{}, func(h *house) {
		flood := h.flood(500, func(int) string { return "192.0.2.1" }, false)
		one := h.call("192.0.2.1")
		if !one.in() || !one.server.Begin(netip.Addr{}) {
			t.Fatal("a person finds no room")
		}
		h.flood(500, func(int) string { return "192.0.2.1" }, false)
		if !one.in() {
			t.Error("a person was put out while being answered")
		}
		one.server.End()
		still := 0
		for _, c := range flood {
			if c.in() {
				still++
			}
		}
		if still > 0 {
			t.Errorf("%d that have waited for longer are still in", still)
		}
	})
}

// When all is full, the longest wait ends, and not that of one who is being answered.
func TestWhenAllIsFull(t *testing.T) {
	try(t, Limits{All: 20, Each: 20, Wide: 20}, Proxies{}, func(h *house) {
		each := func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }
		if in := h.flood(20, each, false); len(in) != 20 {
			t.Fatalf("%d of 20 are in", len(in))
		}
		if late := h.call("203.0.113.1"); !late.in() {
			t.Error("idle connections keep a visitor out")
		}
		h.mu.Lock()
		for _, c := range h.hall {
			c.Begin(netip.Addr{})
		}
		h.mu.Unlock()
		if late := h.call("203.0.113.2"); late.in() {
			t.Error("there are more than there may be")
		}
	})
}

// Accepting goes on when the process or the system has no file left, and doesn't spin.
func TestNoFileLeft(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		try(t, Usual, Proxies{}, func(h *house) {
			idle := h.call("192.0.2.1")
			start, tries := time.Now(), 0
			for time.Since(start) < 10*time.Second {
				select {
				case h.street.come <- &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", errno)}:
					tries++
				case <-time.After(time.Minute):
					t.Fatalf("%v: nobody accepts any more", errno)
				}
			}
			if tries > 30 {
				t.Errorf("%v: tried %d times in ten seconds", errno, tries)
			}
			if idle.in() {
				t.Errorf("%v: an idle connection keeps its file", errno)
			}
			if !h.call("192.0.2.1").in() {
				t.Errorf("%v: nobody is let in any more", errno)
			}
		})
	}
}

// How long somebody may hold a connection on which nothing moves, and what counts as moving.
func TestNothingMoves(t *testing.T) {
	const full = 100
	for _, one := range []struct {
		name     string
		does     func(c caller)
		others   int // connections besides, of 100
		stays    time.Duration
		goneThen bool
	}{
		{"idle", func(caller) {}, 0, 29 * time.Second, true},
		{"idle while there is a crowd", func(caller) {}, full - 2, 1 * time.Second, true},
		{"a byte each second", func(c caller) {
			for range 1000 {
				if _, err := c.ours.Write([]byte("a")); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}, 0, 29 * time.Second, true},
		{"a byte each second while there is a crowd", func(c caller) {
			for range 1000 {
				if _, err := c.ours.Write([]byte("a")); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}, full - 2, 1 * time.Second, true},
		{"a picture over a slow line", func(c caller) {
			for range 1000 {
				if _, err := c.ours.Write(make([]byte, 1000)); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}, full - 2, 90 * time.Second, false},
		{"never reads", func(c caller) { c.server.Write(make([]byte, 1<<20)) }, 0, 29 * time.Second, true},
		{"reads slowly", func(c caller) {
			go c.server.Write(make([]byte, 4<<20))
			for range 100 {
				io.ReadFull(c.ours, make([]byte, 32<<10))
				time.Sleep(time.Second)
			}
		}, full - 2, 90 * time.Second, false},
		{"a long answer is being made", func(c caller) { c.server.Begin(netip.Addr{}) }, full - 2, 10 * time.Minute, false},
	} {
		t.Run(one.name, func(t *testing.T) {
			try(t, Limits{All: full, Each: full, Wide: full}, Proxies{}, func(h *house) {
				c := h.call("203.0.113.1")
				for i := range one.others {
					if other := h.call(fmt.Sprintf("192.0.2.%d", i)); other.server != nil {
						other.server.Begin(netip.Addr{}) // they stay
					}
				}
				go io.Copy(io.Discard, c.server)
				go one.does(c)
				time.Sleep(one.stays)
				if !c.in() {
					t.Fatalf("gone before %v", one.stays)
				}
				time.Sleep(5 * time.Second)
				if one.goneThen && c.in() {
					t.Errorf("still there after %v", one.stays+5*time.Second)
				}
			})
		})
	}
}

// Requests that were sent before the last answer cost only the one who sends them.
func TestPipelinedRequestsWaitForTheirTurn(t *testing.T) {
	try(t, Usual, Proxies{}, func(h *house) {
		var mu sync.Mutex
		answered, refused := 0, 0
		for range 400 {
			c := h.call("192.0.2.1")
			go func() {
				for range 1000 {
					ok := c.server.Begin(netip.Addr{})
					c.server.End()
					mu.Lock()
					if ok {
						answered++
					} else {
						refused++
					}
					mu.Unlock()
					if !ok {
						return
					}
				}
			}()
		}
		start := time.Now()
		one := h.call("203.0.113.1")
		for range 100 {
			go one.ours.Write([]byte("GET"))
			one.server.Read(make([]byte, 3))
			if !one.server.Begin(netip.Addr{}) {
				t.Fatal("somebody who does not pipeline is refused")
			}
			one.server.End()
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("somebody who does not pipeline has waited for %v", took)
		}
		time.Sleep(20 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if most := paces[0].burst + 20*int(paces[0].rate) + 1; answered > most {
			t.Errorf("%d requests were answered in 20 seconds, at most %d should be", answered, most)
		}
		if answered < 500 {
			t.Errorf("only %d were answered", answered)
		}
	})
}

// Behind a proxy the client counts, as long as it is being answered or does not take its answer; the proxy's own
// connections may wait.
func TestBehindAProxy(t *testing.T) {
	proxies := Proxies{Header: "X-Real-IP", From: Loopback}
	try(t, Limits{All: 8000, Each: 80, Wide: 160}, proxies, func(h *house) {
		proxy := func(int) string { return "127.0.0.1" }
		if in := h.flood(400, proxy, false); len(in) != 400 {
			t.Errorf("%d of 400 connections of the proxy are in", len(in))
		}
		carry := func(client string) (caller, bool) {
			c := h.call("127.0.0.1")
			if c.server == nil {
				t.Fatal("the proxy finds no room")
			}
			ok := c.server.Begin(netip.MustParseAddr(client))
			if ok {
				go c.server.Read(make([]byte, 1)) // as net/http does
			}
			return c, ok
		}
		var under []caller
		for range 100 {
			if c, ok := carry("192.0.2.1"); ok {
				under = append(under, c)
			}
		}
		if len(under) == 0 || len(under) > 80/proxiedOf {
			t.Fatalf("%d requests of one client are under way", len(under))
		}
		if _, ok := carry("192.0.2.2"); !ok {
			t.Error("another client is refused")
		}
		// One answer is taken, and another request comes.
		c := under[0]
		c.server.End()
		go io.Copy(io.Discard, c.ours)
		c.server.Write([]byte("HTTP/1.1 200 OK"))
		go c.server.Read(make([]byte, 1))
		synctest.Wait()
		if _, ok := carry("192.0.2.1"); !ok {
			t.Error("a client is refused after its answer was taken")
		}
		if _, ok := carry("192.0.2.1"); ok {
			t.Error("one client has more under way than it may")
		}
	})
}

func TestTheLogIsNoFlood(t *testing.T) {
	try(t, Limits{All: 80, Each: 5, Wide: 5}, Proxies{}, func(h *house) {
		h.flood(3000, func(i int) string { return fmt.Sprintf("192.0.2.%d", i%2) }, true)
		if lines := strings.Count(h.log.String(), "\n"); lines != 1 {
			t.Errorf("%d lines: %s", lines, h.log.String())
		}
	})
}

func TestCapsFitTheFiles(t *testing.T) {
	for files, want := range map[int]Limits{
		1 << 20: Usual,
		1024:    {All: 768, Each: 512, Wide: 768},
		256:     {All: 192, Each: 192, Wide: 192},
		0:       {All: 1, Each: 1, Wide: 1},
	} {
		if got := Usual.Within(files); got != want {
			t.Errorf("%d files: %+v, want %+v", files, got, want)
		}
	}
}
