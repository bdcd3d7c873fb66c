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
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"

	"khien/shared/pow"
	"khien/shared/wire"
)

// scene is what is sent too much of.
type scene struct {
	flags  []string
	wanted int // how many a second the server of this measurement takes before it asks for work: so few that this machine can send twenty times as many and be the server too
	honest int // how many people send in a second meanwhile
	// prepare makes ready what either sends.
	prepare func(l *load, s *served) error
	// flood sends one of the flood, without work, and returns the status; try sends one as an honest person does.
	flood func(p *person) int
	try   func(s *served) error
}

// scenes are what may be sent too much of, by name.
var scenes = map[string]scene{
	"reports": {
		flags: []string{"--all", "400"}, wanted: 400, honest: 20,
		flood: func(p *person) int { status, _ := p.try(""); return status },
		try:   func(s *served) error { return newPerson(s).persist() },
	},
	"appeals": {
		flags: []string{"--all-appeals", "50"}, wanted: 50, honest: 10,
		flood: func(p *person) int {
			p.objects()
			status, _ := p.send("")
			return status
		},
		try: func(s *served) error {
			p := newPerson(s)
			p.objects()
			return p.persist()
		},
	},
	"form": {
		flags: []string{"--all-appeals", "50"}, wanted: 50, honest: 10,
		prepare: listAShop,
		flood: func(p *person) int {
			p.renew()
			status, _, _ := p.object(fmt.Sprintf("%x", p.id), "")
			return status
		},
		try: func(s *served) error { return newPerson(s).fillIn() },
	},
	"pictures": {
		flags: []string{"--all-pictures", "4"}, wanted: 4, honest: 2,
		prepare: receiptsFor,
		flood: func(p *person) int {
			status, _ := p.upload(p.receipts[rand.IntN(len(p.receipts))], "")
			return status
		},
		try: func(s *served) error { return newPerson(s).illustrate() },
	},
}

// overloaded is what a run under overload found.
type overloaded struct {
	Of       string  `json:"of"`
	Times    int     `json:"times_what_is_wanted"`
	Offered  int     `json:"offered_per_second"` // by the flood
	Flooded  int     `json:"flood_accepted"`
	Refused  int     `json:"flood_refused"`
	Honest   int     `json:"honest"`
	Accepted int     `json:"honest_accepted"`
	Share    float64 `json:"honest_share"`
	P50      float64 `json:"honest_p50_ms"` // from the first try to the receipt, with the work or the wait that was asked for
	P99      float64 `json:"honest_p99_ms"`
}

// overload floods the server with times as much as it wants, from ever new addresses and without work, while people
// send as the extension and the form do.
func (l *load) overload(times int, of string) (r overloaded, err error) {
	now := scenes[of]
	s, err := l.start(append(now.flags, "--client-header", "X-Client")...)
	if err != nil {
		return r, err
	}
	defer func() { s.kill() }()
	if now.prepare != nil {
		if err := now.prepare(l, s); err != nil {
			return r, err
		}
	}
	r.Of, r.Times = of, times
	ctx, stop := context.WithTimeout(context.Background(), l.time)
	defer stop()
	var flooded, refused atomic.Int64
	pace := rate.NewLimiter(rate.Limit(times*now.wanted), max(1, times*now.wanted/10))
	var flood, people sync.WaitGroup
	for range 64 {
		flood.Go(func() {
			one := newPerson(s)
			for pace.Wait(ctx) == nil {
				switch now.flood(one) {
				case fasthttp.StatusOK, fasthttp.StatusCreated:
					flooded.Add(1)
				case fasthttp.StatusTooManyRequests, 0: // 0: it was cut off before it was read
					refused.Add(1)
				}
			}
		})
	}
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	for next := time.NewTicker(time.Second / time.Duration(now.honest)); ctx.Err() == nil; <-next.C {
		r.Honest++
		people.Go(func() {
			start := time.Now()
			err := now.try(s)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				took = append(took, time.Since(start))
			} else {
				failed = err
			}
		})
	}
	flood.Wait()
	people.Wait()
	if len(took) == 0 {
		return r, fmt.Errorf("no honest one was accepted: %w", failed)
	}
	slices.Sort(took)
	r.P50, r.P99 = share(took, 50), share(took, 99)
	r.Flooded, r.Refused, r.Accepted = int(flooded.Load()), int(refused.Load()), len(took)
	r.Offered = int(float64(r.Flooded+r.Refused) / l.time.Seconds())
	r.Share = float64(r.Accepted) / float64(r.Honest)
	if most := float64(now.wanted) * (l.time.Seconds() + 5); float64(r.Flooded) > most { // what is wanted, and what may come at once
		return r, fmt.Errorf("%d of the flood were accepted", r.Flooded)
	}
	return r, nil
}

// person sends one report from an address of its own.
type person struct {
	client *fasthttp.Client
	url    string
	id     []byte
	body   []byte
	addr   string

	receipts []string // of the flood
}

func newPerson(s *served) *person {
	p := &person{client: s.client, url: s.url, receipts: s.receipts}
	p.renew()
	return p
}

// renew makes it another person with another report.
func (p *person) renew() { p.about(wire.KindScam) }

// objects makes it another person who objects.
func (p *person) objects() { p.about(wire.KindMistake) }

func (p *person) about(kind string) {
	r := wire.Report{ID: make([]byte, 16), Kind: kind, Title: "An invented shop", Language: "vi", Time: time.Now().Unix()}
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
	return p.post("/v1/reports", "application/msgpack", "", proof, p.body, nil)
}

// post sends something as this person; answer gets the body of the answer where it is not nil.
func (p *person) post(path, kind, receipt, proof string, body []byte, answer *[]byte) (status int, challenge string) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(strings.TrimSuffix(p.url, "/v1/reports") + path)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetContentType(kind)
	req.Header.Set("X-Client", p.addr)
	if receipt != "" {
		req.Header.Set("Khien-Receipt", receipt)
	}
	if proof != "" {
		req.Header.Set("Khien-Work", proof)
	}
	req.SetBodyRaw(body)
	if err := p.client.Do(req, resp); err != nil {
		return 0, ""
	}
	if answer != nil {
		*answer = bytes.Clone(resp.Body())
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
		var err error
		if proof, err = proofOf(challenge, p.id); err != nil {
			return err
		}
	}
	return errors.New("refused three times")
}

// proofOf does the work that a challenge asks for.
func proofOf(challenge string, id []byte) (string, error) {
	text, bits, ok := strings.Cut(challenge, " ")
	zeros, err := strconv.Atoi(bits)
	if !ok || err != nil {
		return "", errors.New("refused without a challenge")
	}
	secret, err := hex.DecodeString(text)
	if err != nil {
		return "", err
	}
	var number uint64
	for found := false; !found; {
		number, found = pow.Search(secret, id, number, 4096, zeros)
	}
	return fmt.Sprintf("%s %x %d", text, id, number), nil
}

func printed(v any) {
	text, _ := json.Marshal(v)
	fmt.Println(string(text))
}
