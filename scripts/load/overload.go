package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"

	"khien/shared/wire"
	"khien/shared/work"
)

const (
	// wanted is how many reports a second the server of this measurement takes before it asks for work: so few that this machine can send
	// twenty times as many and be the server too.
	wanted = 400
	// honest is how many people report in a second meanwhile.
	honest = 20
)

// overloaded is what a run under overload found.
type overloaded struct {
	Times    int     `json:"times_what_is_wanted"`
	Offered  int     `json:"offered_per_second"` // by the flood
	Flooded  int     `json:"flood_accepted"`
	Refused  int     `json:"flood_refused"`
	Honest   int     `json:"honest"`
	Accepted int     `json:"honest_accepted"`
	Share    float64 `json:"honest_share"`
	P50      float64 `json:"honest_p50_ms"` // from the first try to the receipt, with the work
	P99      float64 `json:"honest_p99_ms"`
}

// overload floods the server with times as much as it wants, from ever new addresses and without work, while people report as the extension does.
func (l *load) overload(times int) (r overloaded, err error) {
	s, err := l.start("--all", strconv.Itoa(wanted), "--client-header", "X-Client")
	if err != nil {
		return r, err
	}
	defer s.kill()
	r.Times = times
	ctx, stop := context.WithTimeout(context.Background(), l.time)
	defer stop()
	var flooded, refused atomic.Int64
	pace := rate.NewLimiter(rate.Limit(times*wanted), times*wanted/10)
	var flood, people sync.WaitGroup
	for range 64 {
		flood.Go(func() {
			one := newPerson(s)
			for pace.Wait(ctx) == nil {
				switch status, _ := one.try(""); status {
				case fasthttp.StatusCreated:
					flooded.Add(1)
				case fasthttp.StatusTooManyRequests:
					refused.Add(1)
				}
			}
		})
	}
	var mu sync.Mutex
	var took []time.Duration
	for next := time.NewTicker(time.Second / honest); ctx.Err() == nil; <-next.C {
		r.Honest++
		people.Go(func() {
			start := time.Now()
			if newPerson(s).persist() == nil {
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
			}
		})
	}
	people.Wait()
	flood.Wait()
	if len(took) == 0 {
		return r, errors.New("no honest report was accepted")
	}
	slices.Sort(took)
	r.P50, r.P99 = share(took, 50), share(took, 99)
	r.Flooded, r.Refused, r.Accepted = int(flooded.Load()), int(refused.Load()), len(took)
	r.Offered = int(float64(r.Flooded+r.Refused) / l.time.Seconds())
	r.Share = float64(r.Accepted) / float64(r.Honest)
	return r, nil
}

// person sends one report from an address of its own.
type person struct {
	client *fasthttp.Client
	url    string
	id     []byte
	body   []byte
	addr   string
}

func newPerson(s *served) *person {
	p := &person{client: s.client, url: s.url}
	p.renew()
	return p
}

// renew makes it another person with another report.
func (p *person) renew() {
	r := wire.Report{ID: make([]byte, 16), Kind: wire.KindScam, Title: "An invented shop", Language: "vi", Time: time.Now().Unix()}
	for i := range r.ID {
		r.ID[i] = byte(rand.Uint32())
	}
	r.Href = fmt.Sprintf("https://shop-%x.example/pay", r.ID[:6])
	p.id = r.ID
	p.body, _ = r.MarshalMsg(p.body[:0])
	p.addr = fmt.Sprintf("2001:db8:%x:%x::1", r.ID[6:8], r.ID[8:10])
}

// try sends the report once and returns the status and the challenge; without work it is another person each time.
func (p *person) try(proof string) (status int, challenge string) {
	if proof == "" {
		p.renew()
	}
	return p.send(proof)
}

func (p *person) send(proof string) (status int, challenge string) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(p.url)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetContentType("application/msgpack")
	req.Header.Set("X-Client", p.addr)
	if proof != "" {
		req.Header.Set("Khien-Work", proof)
	}
	req.SetBodyRaw(p.body)
	if err := p.client.Do(req, resp); err != nil {
		return 0, ""
	}
	return resp.StatusCode(), string(resp.Header.Peek("Khien-Challenge"))
}

// persist sends the report, with a proof of work when one is asked for, as the extension does: three times at most.
func (p *person) persist() error {
	proof := ""
	for range 3 {
		status, challenge := p.send(proof)
		if status == fasthttp.StatusCreated || status == fasthttp.StatusOK {
			return nil
		}
		text, bits, ok := bytes.Cut([]byte(challenge), []byte(" "))
		zeros, err := strconv.Atoi(string(bits))
		if !ok || err != nil {
			return errors.New("refused without a challenge")
		}
		secret, err := hex.DecodeString(string(text))
		if err != nil {
			return err
		}
		var number uint64
		for found := false; !found; {
			number, found = work.Search(secret, p.id, number, 4096, zeros)
		}
		proof = fmt.Sprintf("%s %x %d", text, p.id, number)
	}
	return errors.New("refused three times")
}

func printed(v any) {
	text, _ := json.Marshal(v)
	fmt.Println(string(text))
}
