// Command load measures how many reports a server takes, and whether any that it acknowledged is lost when it is
// killed. It starts the program on a data directory of its own, sends different reports over many connections, kills
// the server as a loss of power would, looks for each report that was acknowledged, and begins again.
//
//	go run ./scripts/load --time 10s --kills 1
//	go run ./scripts/load --time 10s --rate 8000
//	go run ./scripts/load --time 10s --overload 20
//	go run ./scripts/load --time 10s --overload 20 --of appeals
//	go run ./scripts/load --time 24s --idle 8300 --pipelined 2000
//	go run ./scripts/load --flood 1000000
//	go run ./scripts/load --flood 1000000 --links
//	go run ./scripts/load --flood 1000000 --networks 200
//
// The first sends as fast as the connections can; the second so many a second, whatever the answers take, and counts
// the time from the moment at which each report was due. The third and the fourth flood a server that asks for work
// while people report, object or send pictures honestly; the fifth holds as many connections from one address as it
// can, while others ask; the others see what a crowd of invented reporters wins. Each prints one JSON object, and exits
// with 1 if a report was lost, if too few honest ones were accepted, if others were slowed to less than nine tenths, if
// the crowd won more than rows in a queue, or if honest reports left its first page.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"khien/server/inbox"
	"khien/shared/wire"
)

func main() {
	var l load
	flag.StringVar(&l.program, "khien", "build/khien", "the program")
	flag.IntVar(&l.connections, "connections", 192, "connections at once, each with one report on its way")
	flag.DurationVar(&l.time, "time", 10*time.Second, "how long each life of the server lasts; with more than one kill, at most")
	flag.IntVar(&l.kills, "kills", 1, "how often the server is killed")
	flag.IntVar(&l.rate, "rate", 0, "send so many reports a second; 0 sends as many as the connections can")
	times := flag.Int("overload", 0, "send so many times what the server wants, and report honestly meanwhile")
	of := flag.String("of", "reports", "with --overload: reports, appeals, form or pictures")
	reports := flag.Int("flood", 0, "store so many reports from invented reporters, and see what becomes of them")
	networks := flag.Int("networks", 0, "with --flood: they come from so many networks, and some honest reports from others")
	links := flag.Bool("links", false, "with --flood: each report also names invented places that its page leads to")
	idle := flag.Int("idle", 0, "open so many connections from one address that send nothing, and see what others get")
	pipelined := flag.Int("pipelined", 0, "with --idle: and so many that send requests ahead and read no answer")
	flag.Parse()
	if _, known := scenes[*of]; !known || flag.NArg() > 0 || l.connections < 1 || l.kills < 1 {
		flag.Usage()
		os.Exit(2)
	}
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
			os.Exit(1)
		}
	}
	switch {
	case *times > 0:
		r, err := l.inFolder(func() (any, error) {
			r, err := l.overload(*times, *of)
			if err == nil && r.Share < 0.95 {
				err = fmt.Errorf("only %.1f %% of the honest %s were accepted", 100*r.Share, *of)
			}
			return r, err
		})
		printed(r)
		fail(err)
	case *idle > 0 || *pipelined > 0:
		r, err := l.inFolder(func() (any, error) { return l.siege(*idle, *pipelined) })
		printed(r)
		fail(err)
	case *reports > 0:
		r, err := l.flood(*reports, 1000, *networks, *links)
		printed(r)
		fail(err)
	default:
		r, err := l.inFolder(func() (any, error) {
			r, err := l.run()
			if err == nil && r.Lost > 0 {
				err = fmt.Errorf("%d reports that were acknowledged are lost", r.Lost)
			}
			return r, err
		})
		printed(r)
		fail(err)
	}
}

// inFolder runs f on a new data directory.
func (l *load) inFolder(f func() (any, error)) (result any, err error) {
	if l.folder, err = os.MkdirTemp("", "khien-load-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(l.folder)
	if out, err := exec.Command(l.program, "init", "--data", l.folder).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("khien init: %w: %s", err, out)
	}
	return f()
}

// load is one run.
type load struct {
	program     string
	connections int
	time        time.Duration
	kills       int
	rate        int

	folder string
}

// result is what a run found.
type result struct {
	Connections int     `json:"connections"`
	Rate        int     `json:"rate,omitempty"` // asked for, a second
	Kills       int     `json:"kills"`
	Accepted    int     `json:"accepted"`
	Refused     int     `json:"refused"`
	PerSecond   int     `json:"per_second"` // accepted
	P50         float64 `json:"p50_ms"`     // of those accepted
	P99         float64 `json:"p99_ms"`
	Lost        int     `json:"lost"` // acknowledged, and not in the inbox after the kill
}

// sender is what one connection has seen.
type sender struct {
	receipts []string
	times    []time.Duration
	refused  int
}

func (l *load) run() (r result, err error) {
	r.Connections, r.Kills, r.Rate = l.connections, l.kills, l.rate
	var times []time.Duration
	var took time.Duration
	receipts := map[string]bool{}
	for life := range l.kills {
		lasts := l.time
		if l.kills > 1 {
			lasts = time.Duration(rand.Int64N(int64(l.time)))
		}
		// One of four is killed while it starts, the others while they work.
		senders, lived, err := l.life(lasts, l.kills > 1 && life%4 > 0)
		if err != nil {
			return r, err
		}
		took += lived
		for _, s := range senders {
			r.Accepted += len(s.receipts)
			r.Refused += s.refused
			times = append(times, s.times...)
			for _, receipt := range s.receipts {
				receipts[receipt] = true
			}
		}
		if l.kills > 1 && (life+1)%50 == 0 {
			fmt.Fprintf(os.Stderr, "%d of %d kills, %d reports accepted\n", life+1, l.kills, r.Accepted)
		}
	}
	if len(times) == 0 {
		return r, errors.New("no report was accepted; nothing is shown by this")
	}
	slices.Sort(times)
	r.P50, r.P99 = share(times, 50), share(times, 99)
	r.PerSecond = int(float64(r.Accepted) / took.Seconds())
	r.Lost, err = l.lost(receipts)
	return r, err
}

var serving = regexp.MustCompile(`serving on http://(\S+)/`)

// share is what so many of a hundred took at most, in milliseconds.
func share(sorted []time.Duration, of int) float64 {
	return float64(sorted[(len(sorted)-1)*of/100].Microseconds()) / 1000
}

// served is a running server.
type served struct {
	cmd    *exec.Cmd
	client *fasthttp.Client
	url    string // of reports

	receipts []string // of the flood that sends pictures
}

func (s *served) kill() error {
	err := s.cmd.Process.Kill()
	s.client.CloseIdleConnections()
	s.cmd.Wait()
	return err
}

// start starts the server with flags besides.
func (l *load) start(flags ...string) (*served, error) {
	cmd := exec.Command(l.program, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", l.folder}, flags...)...)
	words, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &served{cmd: cmd, client: &fasthttp.Client{MaxConnsPerHost: 4096, ReadTimeout: 30 * time.Second, RetryIf: func(*fasthttp.Request) bool { return false }}}
	for lines := bufio.NewScanner(words); s.url == "" && lines.Scan(); {
		if m := serving.FindStringSubmatch(lines.Text()); m != nil {
			s.url = "http://" + m[1] + "/v1/reports"
		}
	}
	if s.url == "" {
		s.kill()
		return nil, errors.New("khien serve did not say where it serves")
	}
	return s, nil
}

// life starts the server, loads it until it is killed, and returns what the senders saw and how long they sent. Its
// time begins with the first report that is acknowledged, if it is to be working.
func (l *load) life(lasts time.Duration, working bool) ([]sender, time.Duration, error) {
	s, err := l.start("--each", "1e9", "--each-burst", "1000000000", "--all", "1e9")
	if err != nil {
		return nil, 0, err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	senders := make([]sender, l.connections)
	first := make(chan struct{}, 1)
	var all sync.WaitGroup
	start := time.Now()
	for i := range senders {
		var due, every time.Duration
		if l.rate > 0 {
			every = time.Duration(l.connections) * time.Second / time.Duration(l.rate)
			due = every * time.Duration(i) / time.Duration(l.connections)
		}
		all.Go(func() { senders[i].send(ctx, s.client, s.url, first, start.Add(due), every) })
	}
	if working {
		select {
		case <-first:
		case <-time.After(10 * time.Second):
		}
	}
	time.Sleep(lasts)
	stop()
	took := time.Since(start)
	if err := s.kill(); err != nil {
		return nil, 0, fmt.Errorf("the server died by itself: %w", err)
	}
	all.Wait()
	return senders, took, nil
}

// send sends one report after the other until the time is over or the server is dead. The first is due at a time and
// the others so long after each other, or at once if every is 0.
func (s *sender) send(ctx context.Context, client *fasthttp.Client, url string, first chan<- struct{}, due time.Time, every time.Duration) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(url)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetContentType("application/msgpack")
	report := wire.Report{ID: make([]byte, inbox.IDSize), Kind: wire.KindScam, Title: "An invented shop", Language: "vi"}
	var body []byte
	for ctx.Err() == nil {
		for i := range report.ID {
			report.ID[i] = byte(rand.Uint32())
		}
		report.Time = time.Now().Unix()
		report.Href = fmt.Sprintf("https://shop-%x.example/pay?item=%d", report.ID[:6], report.ID[7])
		body, _ = report.MarshalMsg(body[:0])
		req.SetBodyRaw(body)
		start := time.Now()
		if every > 0 {
			time.Sleep(time.Until(due))
			start, due = due, due.Add(every)
			if ctx.Err() != nil {
				return
			}
		}
		if client.Do(req, resp) != nil {
			return // the server is dead
		}
		var receipt wire.Receipt
		if _, err := receipt.UnmarshalMsg(resp.Body()); err != nil || resp.StatusCode() != fasthttp.StatusCreated {
			s.refused++
			continue
		}
		s.times = append(s.times, time.Since(start))
		s.receipts = append(s.receipts, receipt.Receipt)
		select {
		case first <- struct{}{}:
		default:
		}
	}
}

// lost counts the receipts of which the inbox knows nothing.
func (l *load) lost(receipts map[string]bool) (int, error) {
	box, err := inbox.Open(filepath.Join(l.folder, "inbox.db"))
	if err != nil {
		return 0, err
	}
	defer box.Close()
	n := 0
	for receipt := range receipts {
		if _, err := box.ByReceipt(context.Background(), receipt); err != nil {
			n++
		}
	}
	return n, nil
}
