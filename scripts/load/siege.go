package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// besieged is what others got while one address held as many connections as it could.
type besieged struct {
	Idle      int     `json:"idle"`      // tried
	Pipelined int     `json:"pipelined"` // tried: requests are sent ahead, and answers not read
	Held      int     `json:"held"`      // of both, while others ask
	Before    int     `json:"before_per_second"`
	During    int     `json:"during_per_second"`
	Ratio     float64 `json:"ratio"` // of a round between the best and the worst
	Failed    int     `json:"failed"`
	Grown     int     `json:"grown_mb"` // of the server's memory, at most

	// What one question cost the server, in microseconds of the processor: that changes little with what else the machine
	// does.
	CostBefore float64 `json:"before_us_each"`
	CostDuring float64 `json:"during_us_each"`
}

const (
	rounds  = 3
	others  = 16 // who ask, each from an address of its own
	attacks = "127.0.0.2"

	// leastRatio is what must be left of the others' rate, and mostGrown what the flood may cost in memory.
	leastRatio = 0.9
	mostGrown  = 150
)

// siege measures the rate of the others without the flood and with it, in turn.
func (l *load) siege(idle, pipelined int) (r besieged, err error) {
	r.Idle, r.Pipelined = idle, pipelined
	var most syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &most); err != nil || most.Cur < uint64(idle+pipelined+200) {
		return r, fmt.Errorf("this needs %d open files; ulimit -n allows %d", idle+pipelined+200, most.Cur)
	}
	s, err := l.start()
	if err != nil {
		return r, err
	}
	defer s.kill()
	addr := strings.Split(s.url, "/")[2]
	var asked, failed atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range others {
		all.Go(func() { ask(fmt.Sprintf("127.0.0.%d", 3+i), addr, &asked, &failed, stop) })
	}
	defer all.Wait()
	defer close(stop)
	pid := s.cmd.Process.Pid
	window := l.time / (2*rounds + 1)
	measure := func() (perSecond, cost float64) {
		from, start, cpu := asked.Load(), time.Now(), processor(pid)
		time.Sleep(window)
		n := float64(asked.Load() - from)
		return n / time.Since(start).Seconds(), float64((processor(pid) - cpu).Microseconds()) / max(1, n)
	}
	measure() // warm
	before, cheap := measure()
	var quiet, flooded, ratios, costs, dear []float64
	for range rounds {
		memory, files := resident(pid), openFiles(pid)
		end := flood(addr, idle, pipelined)
		settled(pid)
		r.Held = max(r.Held, openFiles(pid)-files)
		during, cost := measure()
		r.Grown = max(r.Grown, resident(pid)-memory)
		end()
		settled(pid)
		after, later := measure()
		quiet, flooded = append(quiet, before), append(flooded, during)
		ratios = append(ratios, 2*during/(before+after)) // the machine may be busier or less so by and by
		costs, dear = append(costs, (cheap+later)/2), append(dear, cost)
		before, cheap = after, later
	}
	middle := func(list []float64) float64 {
		slices.Sort(list)
		return list[len(list)/2]
	}
	r.Before, r.During, r.Ratio, r.Failed = int(middle(quiet)), int(middle(flooded)), middle(ratios), int(failed.Load())
	r.CostBefore, r.CostDuring = middle(costs), middle(dear)
	switch {
	case r.Failed > 0:
		err = fmt.Errorf("%d questions of others were not answered", r.Failed)
	case r.Ratio < leastRatio:
		err = fmt.Errorf("others kept only %.0f %% of their rate", 100*r.Ratio)
	case r.Grown > mostGrown:
		err = fmt.Errorf("the server took %d MB more", r.Grown)
	}
	return r, err
}

// ask asks for one page after the other from an address, on a connection that stays and now and then on a new one.
func ask(from, addr string, asked, failed *atomic.Int64, stop <-chan struct{}) {
	client := &fasthttp.HostClient{Addr: addr, ReadTimeout: 30 * time.Second, RetryIf: func(*fasthttp.Request) bool { return false },
		Dial: func(addr string) (net.Conn, error) { return dial(from, addr) }}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	for i := 0; ; i++ {
		select {
		case <-stop:
			client.CloseIdleConnections()
			return
		default:
		}
		req.Reset()
		req.SetRequestURI("http://" + addr + []string{"/", "/register", "/rules", "/healthz"}[i%4])
		if i%10 == 9 {
			req.SetConnectionClose()
		}
		if err := client.Do(req, resp); err != nil || resp.StatusCode() != fasthttp.StatusOK {
			failed.Add(1)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		asked.Add(1)
	}
}

func dial(from, to string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	return d.Dial("tcp", to)
}

// flood opens the connections of the attack, and returns a function that ends it. Who sends ahead stops when nothing
// more is taken, and nobody reads.
func flood(addr string, idle, pipelined int) (end func()) {
	ahead := strings.Repeat("GET /rules HTTP/1.1\r\nHost: khien.example\r\n\r\n", 20_000)
	conns := make([]net.Conn, idle+pipelined)
	var all sync.WaitGroup
	for sender := range 8 {
		all.Go(func() {
			for i := sender; i < len(conns); i += 8 {
				c, err := dial(attacks, addr)
				if err != nil {
					continue
				}
				if conns[i] = c; i%(idle+pipelined) < pipelined {
					go io.WriteString(c, ahead)
				}
			}
		})
	}
	all.Wait()
	return func() {
		for _, c := range conns {
			if c != nil {
				c.(*net.TCPConn).SetLinger(0)
				c.Close()
			}
		}
	}
}

// openFiles is how many files a process has open.
func openFiles(pid int) int {
	files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(files)
}

// settled waits until a server has let in, or not, all who came.
func settled(pid int) {
	for last := -1; ; time.Sleep(200 * time.Millisecond) {
		now := openFiles(pid)
		if diff := now - last; -others <= diff && diff <= others { // whose connections come and go
			return
		}
		last = now
	}
}

// processor is how long a process has had the processor. The system counts it in hundredths of a second.
func processor(pid int) time.Duration {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is the memory of a process in MB.
func resident(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if m := residentLine.FindSubmatch(status); m != nil {
		kB, _ := strconv.Atoi(string(m[1]))
		return kB >> 10
	}
	return 0
}
