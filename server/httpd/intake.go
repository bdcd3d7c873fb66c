package httpd

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"khien/server/api"
	"khien/server/evidence"
	"khien/server/inbox"
	"khien/server/limit"
	"khien/server/notice"
	"khien/server/partner"
	"khien/shared/wire"
)

// pictureTimeout is for a whole picture: 2 MB at 70 kB/s. Four are taken in a second (limit.Usual): some 260 MB of
// uploads at once at worst.
const pictureTimeout = 30 * time.Second

// fromExtension answers what a browser asks before it lets an extension send something, and tells whether this was no
// more than that.
//
// A web page cannot send in its visitor's name: the media types are none that a browser sends to another site
// unasked, and only an extension's origin is told that it may.
func fromExtension(ctx *fasthttp.RequestCtx, form api.Form) (answered bool) {
	h := &ctx.Response.Header
	origin := string(ctx.Request.Header.Peek("Origin"))
	if strings.HasPrefix(origin, "chrome-extension://") || strings.HasPrefix(origin, "moz-extension://") {
		h.Set("Access-Control-Allow-Origin", origin)
	}
	h.Set("Vary", "Origin")
	h.Set("Access-Control-Expose-Headers", "Khien-Challenge, Retry-After")
	switch {
	case ctx.IsPost():
		return false
	case ctx.IsOptions():
		h.Set("Access-Control-Allow-Methods", "POST")
		h.Set("Access-Control-Allow-Headers", "Content-Type, Khien-Work, Khien-Receipt")
		h.Set("Access-Control-Max-Age", "86400")
		send(ctx, api.Answer{Status: 204})
	default:
		wrongMethod(ctx, form, "POST, OPTIONS")
	}
	return true
}

// report takes a report.
func (s *Server) report(ctx *fasthttp.RequestCtx, form api.Form) {
	if fromExtension(ctx, form) {
		return
	}
	now := time.Now().Unix()
	r, refused := s.api.ReadReport(sent(ctx), now)
	if refused != nil {
		send(ctx, *refused)
		return
	}
	purpose := limit.Reports
	if r.Kind == wire.KindMistake {
		purpose = limit.Appeals
	}
	proof, brought := proofIn(&ctx.Request.Header)
	if brought && !bytes.Equal(proof.id, r.ID) {
		send(ctx, api.Fail(form, 400, "bad_work", "The proof of work is for another report."))
		return
	}
	sender := s.sender(ctx, now)
	if answer := s.ask(purpose, sender, brought && s.proven(purpose, proof, now), len(ctx.PostBody())); answer != limit.Take {
		s.refuse(ctx, form, purpose, answer, now)
		return
	}
	send(ctx, s.api.TakeReport(asking(), r, sender.Network[:], now))
}

// ask asks the limiter about what would be kept, where there is room on the disk at all.
func (s *Server) ask(p limit.Purpose, sender limit.Sender, worked bool, size int) limit.Answer {
	if !s.disk.Enough() {
		return limit.Full
	}
	return s.limiter.Ask(p, sender, worked, size)
}

// refuse tells a program why something is not taken, and what to do.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, form api.Form, p limit.Purpose, answer limit.Answer, now int64) {
	switch answer {
	case limit.Work:
		challenge, zeros := s.limiter.Challenge(p, now)
		ctx.Response.Header.Set("Khien-Challenge", fmt.Sprintf("%x %d", challenge, zeros))
		send(ctx, api.Fail(form, 429, "work", "Many come just now. Send this again with a proof of work for the challenge in the header Khien-Challenge."))
	case limit.Full:
		ctx.Response.Header.Set("Retry-After", strconv.FormatInt(untilTomorrow(now), 10))
		send(ctx, api.Fail(form, 429, "full", "So much has come today that no more can be kept. Please send this again tomorrow."))
	default:
		later(ctx, form)
	}
}

// untilTomorrow is for how long what is full stays so, in seconds: days are those of UTC.
func untilTomorrow(now int64) int64 { return 24*60*60 - now%(24*60*60) }

// mustWait is for who sends too much.
const mustWait = "Too much comes from your network. Try again in a minute."

func later(ctx *fasthttp.RequestCtx, form api.Form) {
	ctx.Response.Header.Set("Retry-After", "60")
	send(ctx, api.Fail(form, 429, "too_many", mustWait))
}

// receipts tells what became of several reports.
func (s *Server) receipts(ctx *fasthttp.RequestCtx, form api.Form) {
	if fromExtension(ctx, form) {
		return
	}
	if !s.follows(ctx) {
		later(ctx, form)
		return
	}
	send(ctx, s.api.Receipts(asking(), sent(ctx)))
}

// follows tells whether a question what became of reports is one that is answered.
func (s *Server) follows(ctx *fasthttp.RequestCtx) bool {
	return s.limiter.Ask(limit.Receipts, s.sender(ctx, time.Now().Unix()), false, 0) == limit.Take
}

// picture takes a picture; only who holds a receipt, and whom the limiter lets, gets as far as here with more than a
// byte (room). Without a body it is the question whether a picture would be taken: 204, or what is wanted first. So no
// two megabytes are sent to be refused.
func (s *Server) picture(ctx *fasthttp.RequestCtx, form api.Form) {
	if fromExtension(ctx, form) {
		return
	}
	now, receipt := time.Now().Unix(), string(ctx.Request.Header.Peek("Khien-Receipt"))
	if len(ctx.PostBody()) == 0 {
		s.mayPicture(ctx, form, receipt, usualPicture, now)
		return
	}
	if sender, err := s.holder(receipt, now); err == nil && !s.limiter.Came(limit.Pictures, sender, len(ctx.PostBody())) {
		s.refuse(ctx, form, limit.Pictures, limit.Full, now)
		return
	}
	a := s.api.Picture(asking(), receipt, ctx.PostBody(), form, now)
	if a.Status == fasthttp.StatusServiceUnavailable {
		ctx.Response.Header.Set("Retry-After", "60")
	}
	send(ctx, a)
}

// usualPicture is how large a picture is of which nobody says it, in bytes: a part of a screen.
const usualPicture = 128 << 10

// mayPicture tells whether a picture of so many bytes would be taken with a receipt that brings no work.
func (s *Server) mayPicture(ctx *fasthttp.RequestCtx, form api.Form, receipt string, size int, now int64) {
	sender, err := s.holder(receipt, now)
	switch {
	case errors.Is(err, api.ErrNoReceipt):
		send(ctx, api.Fail(form, 404, "not_found", "There is nothing under this address."))
		return
	case err != nil:
		send(ctx, api.Fail(form, 503, "unavailable", "The server cannot read or write its store at the moment. Try again later."))
		return
	}
	answer := limit.Full
	if s.disk.Enough() {
		answer = s.limiter.Would(limit.Pictures, sender, size)
	}
	if answer == limit.Take {
		send(ctx, api.Answer{Status: 204})
		return
	}
	s.refuse(ctx, form, limit.Pictures, answer, now)
}

// yet is for how long a report of yesterday counts as one of today, in seconds: its pictures come soon after it.
const yet = 60 * 60

// holder is who holds a receipt, as package limit knows senders: the report that it is of, and the network that this
// came from today. All older reports are one network, since it can't be told any more which of them came from the same;
// those of one network of one day, which can be told, are one sender in it.
func (s *Server) holder(receipt string, now int64) (limit.Sender, error) {
	source, received, err := s.api.Reported(asking(), receipt)
	if err != nil {
		return limit.Sender{}, err
	}
	name, _ := hex.DecodeString(receipt) // 16 random bytes of ours
	if len(source) != len(limit.Source{}) || now-received >= yet && untilTomorrow(received)+received <= now {
		if len(source) > 0 {
			name = source
		}
		source = nil
	}
	return s.limiter.Holder(name, source, now), nil
}

const picturesPath = "/v1/pictures"

// room tells how large the body of a request may be and how long it may take, before it is read: a picture is read from
// who holds a receipt, and whom the limiter lets.
func (s *Server) room(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if s.notices != nil && string(h.RequestURI()) == notice.AnswersPath && h.IsPost() {
		return s.roomForAnswers(h)
	}
	if string(h.RequestURI()) != picturesPath || !h.IsPost() {
		return fasthttp.RequestConfig{}
	}
	none, size := fasthttp.RequestConfig{MaxRequestBodySize: 1}, h.ContentLength()
	if size == 0 || size > evidence.MaxUpload {
		return none
	}
	if size < 0 { // it is not told before
		size = evidence.MaxUpload
	}
	now, receipt := time.Now().Unix(), string(h.Peek("Khien-Receipt"))
	sender, err := s.holder(receipt, now)
	if err != nil {
		return none
	}
	proof, brought := proofIn(h)
	worked := brought && hex.EncodeToString(proof.id) == receipt && s.proven(limit.Pictures, proof, now)
	if !s.disk.Enough() || s.limiter.Begin(limit.Pictures, sender, worked, size) != limit.Take {
		return none
	}
	return fasthttp.RequestConfig{MaxRequestBodySize: evidence.MaxUpload, ReadTimeout: pictureTimeout}
}

// noRoom answers a body that room had no room for.
func (s *Server) noRoom(ctx *fasthttp.RequestCtx) {
	h := &ctx.Request.Header
	if s.notices != nil && string(h.RequestURI()) == notice.AnswersPath && h.ContentLength() <= notice.MaxAnswers {
		send(ctx, needsKey(partner.ErrKey))
		return
	}
	if s.api == nil || string(h.RequestURI()) != picturesPath || h.ContentLength() > evidence.MaxUpload {
		send(ctx, api.Fail(api.JSON, 413, "too_large", "The body of the request is too long."))
		return
	}
	size := h.ContentLength()
	if size < 0 {
		size = evidence.MaxUpload
	}
	s.mayPicture(ctx, api.JSON, string(h.Peek("Khien-Receipt")), size, time.Now().Unix())
	if ctx.Response.StatusCode() == fasthttp.StatusNoContent { // there is room again
		ctx.Response.Header.Set("Retry-After", "5")
		send(ctx, api.Fail(api.JSON, 503, "busy", "Many pictures come just now. Try again in a minute."))
	}
}

func sent(ctx *fasthttp.RequestCtx) api.Sent {
	h := &ctx.Request.Header
	return api.Sent{
		Type:     string(h.Peek("Content-Type")),
		Encoding: string(h.Peek("Content-Encoding")),
		Accept:   string(h.Peek("Accept")),
		Body:     ctx.PostBody(),
	}
}

// sender is who sends a request, as package limit knows senders.
func (s *Server) sender(ctx *fasthttp.RequestCtx, now int64) limit.Sender {
	return s.limiter.Sender(s.client(ctx), now)
}

// proof is a proof of work as it was sent: nobody has looked at it.
type proof struct {
	challenge, id []byte
	number        uint64
}

// proofIn reads the header Khien-Work, "challenge id number" with the first two in hex.
func proofIn(h *fasthttp.RequestHeader) (p proof, ok bool) {
	part := strings.Split(string(h.Peek("Khien-Work")), " ")
	if len(part) != 3 || len(part[0]) != 2*limit.ChallengeSize || len(part[1]) != 2*inbox.IDSize {
		return p, false
	}
	var bad [3]error
	p.challenge, bad[0] = hex.DecodeString(part[0])
	p.id, bad[1] = hex.DecodeString(part[1])
	p.number, bad[2] = strconv.ParseUint(part[2], 10, 64)
	return p, errors.Join(bad[:]...) == nil
}

// proven tells whether a proof of work is one, for a purpose.
func (s *Server) proven(purpose limit.Purpose, p proof, now int64) bool {
	return s.limiter.Worked(purpose, p.challenge, p.id, p.number, now)
}
