// Package gate keeps one network from taking the connections of a server from all the others.
//
// A connection counts for its source: an IPv4 address, or the 64 bits of an IPv6 one that a household has, and for the
// 48 bits that one customer of a provider can have; an IPv4 address in the clothes of an IPv6 one is that IPv4
// address. Each has a cap, which shrinks as the server fills: a source may hold no more than an eighth of what is
// still free, so some is always free for who comes next, be it after hundreds of others.
//
// Where a cap is reached, the connection of that source on which nothing has moved for longest makes room, unless it
// is being answered. So whoever shares an address with a flood of idle connections still gets in. What moves is the
// first byte of a request, each further 4 kB of it, and each piece of an answer that the client has taken: who sends
// one byte at a time, or never reads, moves nothing.
//
// A request that was sent before the answer to the last one was, is pipelined. No browser and no proxy does that. Such
// requests are answered at a slow pace, so that what is sent ahead costs who sends it, and nobody else.
//
// Connections from a declared proxy count for nobody; while one carries a request, it counts for the client that the
// proxy tells.
//
// Nothing about an address is logged or kept after its last connection.
package gate

import (
	"container/list"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

// Limits are how many connections may be open.
type Limits struct {
	All  int // in all
	Each int // from one IPv4 address, or one /64
	Wide int // from one /48
}

// Usual is for a machine of two cores: some 150 MB at worst. Behind one IPv4 address may be thousands of people, who
// keep a connection for seconds every few minutes.
var Usual = Limits{All: 8192, Each: 512, Wide: 2048}

// Within are the limits of a process that may open so many files, most of which may be connections.
func (l Limits) Within(files int) Limits {
	l.All = max(1, min(l.All, files-files/4))
	l.Each, l.Wide = min(l.Each, l.All), min(l.Wide, l.All)
	return l
}

const (
	eachOf, wideOf = 8, 4 // a source has at most this part of what is free

	// Behind a proxy, what counts are requests under way, and not connections that wait for the next one.
	proxiedOf = 4

	patience       = 30 * time.Second // with a connection on which nothing moves
	leastPatience  = 2 * time.Second  // where hardly anything is free
	drainPatience  = 5 * time.Second  // when the server is about to stop
	sweepEvery     = time.Second
	longestPace    = 10 * time.Second // that a pipelined request waits for its turn
	mostRequest    = 4 << 20          // bytes of a request, which servers bound in most of their parts
	moveRead       = 4 << 10          // bytes of a request that count as a move
	moveWrite      = 32 << 10         // bytes of an answer that count as one, at most
	bufferSize     = 64 << 10         // that the system keeps of what is not read yet, each way; it takes twice as much
	complainEvery  = time.Minute
	longestBackoff = time.Second
)

// paces are how many pipelined requests a second are answered: of one source, of one /48, and of all.
var paces = [3]struct {
	rate  rate.Limit
	burst int
}{{50, 100}, {200, 400}, {1000, 1000}}

// Gate is a listener that lets in what there is room for. It is safe for concurrent use.
type Gate struct {
	net.Listener
	limits  Limits
	proxies Proxies
	log     *slog.Logger

	mu         sync.Mutex
	groups     map[netip.Prefix]*group
	all        group
	draining   bool
	complained time.Time // when it was last said that connections are refused
	refused    int       // since then
	cut        int       // closed since then, because nothing moved
}

// group are the connections that count for one source, for a /48 or for all.
type group struct {
	prefix netip.Prefix
	conns  list.List // of *Conn, that on which nothing has moved for longest first
	pace   *rate.Limiter
}

// Listen makes a gate of a listener. Proxies may be none.
func Listen(l net.Listener, limits Limits, proxies Proxies, log *slog.Logger) *Gate {
	g := &Gate{Listener: l, limits: limits, proxies: proxies, log: log, groups: map[netip.Prefix]*group{}}
	g.all.pace = rate.NewLimiter(paces[2].rate, paces[2].burst)
	go g.sweep()
	return g
}

// Conn is a connection that was let in.
type Conn struct {
	net.Conn
	gate    *Gate
	proxied bool
	gone    chan struct{} // closed with the connection
	buffer  int           // bytes of a request since the last move; of the one who reads

	request   atomic.Int64 // bytes of it, which have come since the last answer
	fresh     atomic.Bool  // bytes have come since the last request was taken up
	answering atomic.Bool
	writing   atomic.Bool

	// Guarded by the gate's mutex.
	counts []membership
	moved  time.Time
	closed bool
}

type membership struct {
	in *group
	at *list.Element
}

// Accept returns the next connection that there is room for. It fails only when the listener is closed: where the
// system has no file or memory left, it makes room and waits.
func (g *Gate) Accept() (net.Conn, error) {
	backoff := time.Millisecond
	for {
		inner, err := g.Listener.Accept()
		switch {
		case err == nil:
		case scarce(err):
			if old := g.longest(); old != nil {
				old.cut()
			}
			time.Sleep(backoff)
			backoff = min(2*backoff, longestBackoff)
			continue
		default:
			return nil, err
		}
		backoff = time.Millisecond
		if c := g.admit(inner); c != nil {
			return c, nil
		}
	}
}

// scarce tells whether accepting may succeed later.
func scarce(err error) bool {
	for _, one := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPROTO, syscall.EINTR} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// longest takes out the connection on which nothing has moved for longest.
func (g *Gate) longest() *Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.displace(&g.all)
}

// admit lets a connection in, or closes it and returns nil.
func (g *Gate) admit(inner net.Conn) *Conn {
	if tcp, ok := inner.(*net.TCPConn); ok {
		tcp.SetReadBuffer(bufferSize)
		tcp.SetWriteBuffer(bufferSize)
	}
	peer := Addr(inner)
	c := &Conn{Conn: inner, gate: g, proxied: g.proxies.trusts(peer), gone: make(chan struct{}), moved: time.Now()}
	g.mu.Lock()
	var names []netip.Prefix
	if !c.proxied {
		names = sources(peer)
	}
	old, ok := g.room(names, 1)
	if ok && g.all.conns.Len() >= g.limits.All {
		if more := g.displace(&g.all); more != nil {
			old = append(old, more)
		} else {
			ok = false
		}
	}
	if ok {
		for _, name := range names {
			c.join(g.group(name))
		}
		c.join(&g.all)
	} else {
		g.refused++
		g.complain()
	}
	g.mu.Unlock()
	for _, one := range old {
		one.cut()
	}
	if !ok {
		reset(inner)
		return nil
	}
	return c
}

// sources are what an address counts for, the narrowest first.
func sources(addr netip.Addr) []netip.Prefix {
	if !addr.Is6() {
		return []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}
	}
	narrow, _ := addr.Prefix(64)
	wide, _ := addr.Prefix(48)
	return []netip.Prefix{narrow, wide}
}

// room tells whether one more may count for the sources, and takes out whom it displaces; the caps are divided by part.
// The mutex is held.
func (g *Gate) room(names []netip.Prefix, part int) (old []*Conn, ok bool) {
	free := g.limits.All - g.all.conns.Len()
	for i, name := range names {
		most := min(g.limits.Each, free/eachOf)
		if i > 0 {
			most = min(g.limits.Wide, free/wideOf)
		}
		in := g.groups[name]
		if in == nil || in.conns.Len() < max(1, most/part) {
			continue
		}
		one := g.displace(in)
		if one == nil {
			return old, false
		}
		old = append(old, one)
	}
	return old, true
}

// displace takes out the connection of a group on which nothing has moved for longest, for it to be cut; nil where all
// are being answered. The mutex is held.
func (g *Gate) displace(in *group) *Conn {
	const looks = 16
	e := in.conns.Front()
	for range looks {
		if e == nil {
			return nil
		}
		if c := e.Value.(*Conn); !c.answering.Load() {
			c.end()
			g.cut++
			g.complain()
			return c
		}
		e = e.Next()
	}
	return nil
}

// group is that of a source. The mutex is held.
func (g *Gate) group(name netip.Prefix) *group {
	in := g.groups[name]
	if in == nil {
		pace := paces[0]
		if name.Bits() == 48 {
			pace = paces[1]
		}
		in = &group{prefix: name, pace: rate.NewLimiter(pace.rate, pace.burst)}
		g.groups[name] = in
	}
	return in
}

// join counts c in a group. The mutex is held.
func (c *Conn) join(in *group) { c.counts = append(c.counts, membership{in, in.conns.PushBack(c)}) }

// leave takes c out of all groups but the first few. The mutex is held.
func (c *Conn) leave(keep int) {
	for _, m := range c.counts[keep:] {
		m.in.conns.Remove(m.at)
		if m.in.conns.Len() == 0 && m.in != &c.gate.all {
			delete(c.gate.groups, m.in.prefix)
		}
	}
	c.counts = c.counts[:keep]
}

// moves notes that something has moved.
func (c *Conn) moves() {
	g := c.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	c.moved = time.Now()
	for _, m := range c.counts {
		m.in.conns.MoveToBack(m.at)
	}
}

var errTooLong = errors.New("the request is too long")

// Read notes what moves.
func (c *Conn) Read(p []byte) (int, error) {
	if c.proxied && !c.answering.Load() { // what was asked is answered
		c.gate.mu.Lock()
		if !c.closed {
			c.leave(1)
		}
		c.gate.mu.Unlock()
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.fresh.Store(true)
		size := c.request.Add(int64(n))
		if size > mostRequest {
			c.Close()
			return 0, errTooLong
		}
		if c.buffer += n; size == int64(n) || c.buffer >= moveRead {
			c.buffer = 0
			c.moves()
		}
	}
	return n, err
}

// Write notes what moves.
func (c *Conn) Write(p []byte) (n int, err error) {
	c.writing.Store(true)
	defer c.writing.Store(false)
	for {
		piece := p[n:min(len(p), n+moveWrite)]
		m, err := c.Conn.Write(piece)
		if n += m; err != nil {
			return n, err
		}
		if n == len(p) {
			c.request.Store(0)
		}
		c.moves()
		if n == len(p) {
			return n, nil
		}
	}
}

// Close closes the connection, which counts no more.
func (c *Conn) Close() error {
	c.gate.mu.Lock()
	c.end()
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// end takes c out of all groups for ever. The mutex is held.
func (c *Conn) end() {
	c.leave(0)
	if !c.closed {
		c.closed = true
		close(c.gone)
	}
}

// cut closes a connection that was taken out. What a client does not read would stay with the system for long.
func (c *Conn) cut() {
	if c.writing.Load() {
		reset(c.Conn)
		return
	}
	c.Conn.Close()
}

// reset closes a connection and keeps nothing of it, not even for a while.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

// Begin is called before a request of a client is answered, and End when its answer is made. Where it is false, too
// much of this client is under way, and the connection should be closed with an answer that says so. A pipelined
// request waits here.
func (c *Conn) Begin(client netip.Addr) bool {
	if c.proxied && !c.carries(client) {
		return false
	}
	if !c.fresh.Swap(false) {
		wait, ok := c.pace()
		if !ok {
			return false
		}
		select {
		case <-time.After(wait):
		case <-c.gone:
			return false
		}
	}
	c.moves()
	c.answering.Store(true)
	return true
}

// End allows the connection to be displaced again.
func (c *Conn) End() { c.answering.Store(false) }

// carries counts a proxied connection for a client.
func (c *Conn) carries(client netip.Addr) bool {
	g := c.gate
	g.mu.Lock()
	if c.closed {
		g.mu.Unlock()
		return false
	}
	c.leave(1)
	names := sources(client)
	old, ok := g.room(names, proxiedOf)
	if ok {
		for _, name := range names {
			c.join(g.group(name))
		}
	} else {
		g.refused++
		g.complain()
	}
	g.mu.Unlock()
	for _, one := range old {
		one.cut()
	}
	return ok
}

// pace is how long a pipelined request waits; false where it would be too long.
func (c *Conn) pace() (wait time.Duration, ok bool) {
	g := c.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	var turns []*rate.Reservation
	for _, m := range c.counts {
		turn := m.in.pace.ReserveN(now, 1)
		turns = append(turns, turn)
		wait = max(wait, turn.DelayFrom(now))
	}
	if ok = wait <= longestPace && !c.closed; !ok {
		for _, turn := range turns {
			turn.CancelAt(now)
		}
	}
	return wait, ok
}

// sweep cuts connections on which nothing moves, until the listener is closed and nobody is left.
func (g *Gate) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for now := range tick.C {
		g.mu.Lock()
		var old []*Conn
		for e := g.all.conns.Front(); e != nil; {
			c := e.Value.(*Conn)
			e = e.Next()
			if now.Sub(c.moved) < g.patience() {
				break
			}
			if !c.answering.Load() {
				c.end()
				old = append(old, c)
			}
		}
		over := g.draining && g.all.conns.Len() == 0
		g.mu.Unlock()
		for _, c := range old {
			c.cut()
		}
		if over {
			return
		}
	}
}

// patience is how long nothing may move on a connection: the less is free, the shorter. The mutex is held.
func (g *Gate) patience() time.Duration {
	if g.draining {
		return drainPatience
	}
	half := max(1, g.limits.All/2)
	free := min(half, g.limits.All-g.all.conns.Len())
	return leastPatience + (patience-leastPatience)*time.Duration(free)/time.Duration(half)
}

// complain says now and then how many had no room, and not who. The mutex is held.
func (g *Gate) complain() {
	now := time.Now()
	if now.Sub(g.complained) < complainEvery {
		return
	}
	g.log.Warn("there is no room for so many connections", "open", g.all.conns.Len(), "refused", g.refused, "closed for others", g.cut)
	g.complained, g.refused, g.cut = now, 0, 0
}

// Close ends listening; from then on there is less patience with what is open.
func (g *Gate) Close() error {
	g.mu.Lock()
	g.draining = true
	g.mu.Unlock()
	return g.Listener.Close()
}

// Addr is the address of the other end; the zero one where it has none.
func Addr(c net.Conn) netip.Addr {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return plain(tcp.AddrPort().Addr())
}

// plain is an address in its only form.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
