// Command load measures how many reports a server takes, and whether any that it acknowledged is lost when it is
// killed. It starts the program on a data directory of its own, sends different reports over many connections, kills
// the server as a loss of power would, looks for each report that was acknowledged, and begins again.
//
//	go run ./scripts/load --time 10s --kills 1
//
// prints one JSON object; exits with 1 if a report was lost.
package main

import (
	"bufio"
	"context"
	"encoding/json"
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
	flag.IntVar(&l.connections, "connections", 256, "connections at once, each with one report on its way")
	flag.DurationVar(&l.time, "time", 10*time.Second, "how long each life of the server lasts; with more than one kill, at most")
	flag.IntVar(&l.kills, "kills", 1, "how often the server is killed")
	flag.Parse()
	if flag.NArg() > 0 || l.connections < 1 || l.kills < 1 {
		flag.Usage()
		os.Exit(2)
	}
	r, err := l.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	text, _ := json.Marshal(r)
	fmt.Println(string(text))
	if r.Lost > 0 {
		os.Exit(1)
	}
}

// load is one run.
type load struct {
	program     string
	connections int
	time        time.Duration
	kills       int

	folder string
}

// result is what a run found.
type result struct {
	Connections int     `json:"connections"`
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
	if l.folder, err = os.MkdirTemp("", "khien-load-"); err != nil {
		return r, err
	}
	defer os.RemoveAll(l.folder)
	if out, err := exec.Command(l.program, "init", "--data", l.folder).CombinedOutput(); err != nil {
		return r, fmt.Errorf("khien init: %w: %s", err, out)
	}
	r.Connections, r.Kills = l.connections, l.kills
	var times []time.Duration
	var took time.Duration
	receipts := map[string]bool{}
	for life := range l.kills {
		lasts := l.time
		if l.kills > 1 {
			lasts = time.Duration(rand.Int64N(int64(l.time)))
		}
		senders, lived, err := l.life(lasts)
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
	ms := func(share int) float64 { return float64(times[(len(times)-1)*share/100].Microseconds()) / 1000 }
	r.P50, r.P99 = ms(50), ms(99)
	r.PerSecond = int(float64(r.Accepted) / took.Seconds())
	r.Lost, err = l.lost(receipts)
	return r, err
}

var serving = regexp.MustCompile(`serving on http://(\S+)/`)

// life starts the server, loads it until it is killed, and returns what the senders saw and how long they sent.
func (l *load) life(lasts time.Duration) ([]sender, time.Duration, error) {
	cmd := exec.Command(l.program, "serve", "--listen", "127.0.0.1:0", "--data", l.folder, "--each", "1e9", "--each-burst", "1000000000", "--all", "1e9")
	words, err := cmd.StderrPipe()
	if err != nil {
		return nil, 0, err
	}
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	var address string
	for lines := bufio.NewScanner(words); address == "" && lines.Scan(); {
		if m := serving.FindStringSubmatch(lines.Text()); m != nil {
			address = m[1]
		}
	}
	if address == "" {
		return nil, 0, errors.New("khien serve did not say where it serves")
	}
	client := &fasthttp.Client{MaxConnsPerHost: l.connections, ReadTimeout: 30 * time.Second, RetryIf: func(*fasthttp.Request) bool { return false }}
	defer client.CloseIdleConnections()
	ctx, stop := context.WithTimeout(context.Background(), lasts)
	defer stop()
	senders := make([]sender, l.connections)
	var all sync.WaitGroup
	start := time.Now()
	for i := range senders {
		all.Go(func() { senders[i].send(ctx, client, "http://"+address+"/v1/reports") })
	}
	<-ctx.Done()
	took := time.Since(start)
	if err := cmd.Process.Kill(); err != nil {
		return nil, 0, fmt.Errorf("the server died by itself: %w", err)
	}
	all.Wait()
	return senders, took, nil
}

// send sends one report after the other until the time is over or the server is dead.
func (s *sender) send(ctx context.Context, client *fasthttp.Client, url string) {
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
