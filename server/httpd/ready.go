package httpd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/singleflight"

	"khien/server/api"
)

// always is the life of what changes only with the program.
const always = time.Duration(1<<63 - 1)

// soon is the life of what hardly ever changes, and is seen to have changed then.
const soon = 5 * time.Second

// maxReady bounds the pages that are kept in each of two generations. There are some thirty; only on a demo do more
// come, one for each port under which somebody calls it.
const maxReady = 128

// worthwhile is from how many bytes on a page is compressed.
const worthwhile = 128

// Encodings, in the order of preference where a client prefers none.
const (
	asBrotli = iota
	asGzip
	asIs
)

var encodingNames = [...]string{asBrotli: "br", asGzip: "gzip", asIs: "identity"}

// ready is a page as the bytes that are sent, in each encoding.
type ready struct {
	api.Answer
	bodies   [asIs + 1][]byte // nil where another encoding wins nothing
	tags     [asIs + 1]string
	made     time.Time
	renewing atomic.Bool
}

func newReady(a api.Answer) *ready {
	r := &ready{Answer: a, made: time.Now()}
	sum := sha256.Sum256(a.Body)
	tag := hex.EncodeToString(sum[:12])
	r.bodies[asIs] = a.Body
	if len(a.Body) >= worthwhile {
		r.bodies[asBrotli] = fasthttp.AppendBrotliBytesLevel(nil, a.Body, fasthttp.CompressBrotliDefaultCompression)
		r.bodies[asGzip] = fasthttp.AppendGzipBytesLevel(nil, a.Body, fasthttp.CompressBestCompression)
	}
	for i, name := range encodingNames {
		r.tags[i] = `"` + tag + "-" + name + `"`
	}
	return r
}

// readyPages keeps pages that everybody sees alike. A page is made once, however many ask for it; one that has become
// old is made anew while the old one is still shown, until it is twice as old as it may get. The zero value is ready
// for use.
type readyPages struct {
	mu         sync.Mutex // held for no longer than a look
	young, old map[string]*ready
	making     singleflight.Group
}

// get returns the page of a name, which lives for so long, or what make makes in its place. Only a page that could be
// made is kept.
func (s *readyPages) get(name string, life time.Duration, make func() api.Answer) *ready {
	r := s.look(name)
	if r != nil {
		switch age := time.Since(r.made); {
		case age < life:
			return r
		case age-life < life:
			if !r.renewing.Swap(true) {
				go func() {
					defer func() {
						recover() // who asks when the page is twice as old learns of it, and the log
						r.renewing.Store(false)
					}()
					s.renew(name, make)
				}()
			}
			return r
		}
	}
	return s.renew(name, make)
}

func (s *readyPages) renew(name string, make func() api.Answer) *ready {
	made, _, _ := s.making.Do(name, func() (any, error) {
		r := newReady(make())
		if r.Status < fasthttp.StatusInternalServerError {
			s.put(name, r)
		}
		return r, nil
	})
	return made.(*ready)
}

func (s *readyPages) look(name string) *ready {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.young[name]
	if r == nil {
		if r = s.old[name]; r != nil {
			s.putLocked(name, r)
		}
	}
	return r
}

func (s *readyPages) put(name string, r *ready) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putLocked(name, r)
}

func (s *readyPages) putLocked(name string, r *ready) {
	if s.young == nil || len(s.young) >= maxReady {
		s.young, s.old = map[string]*ready{}, s.young
	}
	s.young[name] = r
}

// send writes a page in the encoding that the client prefers.
func (r *ready) send(ctx *fasthttp.RequestCtx, policy string, varies ...string) {
	if r.Failed() { // told in words of their own, which nobody has compressed
		send(ctx, r.Answer)
		return
	}
	a, as := r.Answer, encoding(string(ctx.Request.Header.Peek("Accept-Encoding")))
	if r.bodies[as] == nil {
		as = asIs
	}
	a.Body = r.bodies[as]
	if a.Cache != "no-store" {
		a.ETag = r.tags[as]
	}
	h := &ctx.Response.Header
	for _, by := range append(varies, "Accept-Encoding") {
		h.Add("Vary", by)
	}
	if policy != "" {
		h.Set("Content-Security-Policy", policy)
	}
	send(ctx, a)
	if as != asIs && ctx.Response.StatusCode() != fasthttp.StatusNotModified {
		h.Set("Content-Encoding", encodingNames[as])
	}
}

// encoding is what a client prefers of what there is, by its header Accept-Encoding (RFC 9110 section 12.5.3).
func encoding(header string) int {
	weights := [...]float64{asBrotli: -1, asGzip: -1, asIs: -1} // not named
	rest := -1.0
	for part := range strings.SplitSeq(header, ",") {
		name, parameter, _ := strings.Cut(part, ";")
		weight := 1.0
		if text, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameter), " ", ""), "q="); ok {
			if q, err := strconv.ParseFloat(text, 64); err == nil && q >= 0 && q <= 1 {
				weight = q
			}
		}
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case "*":
			rest = weight
		case "x-gzip":
			weights[asGzip] = weight
		default:
			for as, known := range encodingNames {
				if name == known {
					weights[as] = weight
				}
			}
		}
	}
	best, most := asIs, 0.0
	for _, as := range []int{asBrotli, asGzip} {
		weight := weights[as]
		if weight < 0 {
			weight = rest
		}
		if weight > most {
			best, most = as, weight
		}
	}
	if weights[asIs] > most {
		return asIs
	}
	return best
}

// wanted is a header of a client that says what it prefers, as far as anybody writes one.
func wanted(ctx *fasthttp.RequestCtx, name string) string {
	const most = 256
	value := ctx.Request.Header.Peek(name)
	if len(value) > most {
		value = value[:max(0, bytes.LastIndexByte(value[:most], ','))]
	}
	return string(value)
}
