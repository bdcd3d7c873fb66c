package exchange

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"khien/server/feed"
)

// Bounds on what is fetched in pieces.
const (
	maxPage  = 24 << 20 // a page of TAXII, or an event of MISP
	maxPages = 20_000
)

var (
	errPage   = errors.New("a page is larger than 24 MB")
	errPages  = errors.New("the server has page after page, and no end")
	errHTML   = errors.New("the server answers with a web page, and not with what was asked for")
	errJSON   = errors.New("the server answers with what is no JSON")
	errOthers = errors.New("the server leads to another server, which the credentials are not for: name that one")
)

// getter asks a server within the bounds of a source.
type getter func(context.Context, *http.Request) (*http.Response, error)

// puller fetches a list that is more than one file, and writes it as one. The cursor is what puller returned when the
// list was taken last; from there on it goes on, and without one it begins. It tells whether there is anything new.
type puller func(ctx context.Context, get getter, address *url.URL, cursor string, now time.Time, to io.Writer) (next string, fresh bool, err error)

// pullers are by Preset.Pull.
var pullers = map[string]puller{"taxii": pullTAXII, "misp": pullMISP}

// pull fetches a list that is more than one file.
func (h *holder) pull(ctx context.Context, pull puller, s Status, credentials Credentials, to *os.File, progress Progress) (got Fetched, err error) {
	ctx, done := context.WithTimeoutCause(ctx, h.whole, errLong)
	defer done()
	client, pin := h.client(s, credentials)
	defer client.CloseIdleConnections()
	address, err := url.Parse(strings.ReplaceAll(s.Address, "{key}", url.QueryEscape(credentials.Key)))
	if err != nil {
		return got, errors.New("the address can't be read")
	}
	n := 0
	get := func(ctx context.Context, request *http.Request) (*http.Response, error) {
		n++
		progress.at("fetch", n)
		request.Header.Set("User-Agent", "khien")
		request.Header.Set("Accept-Encoding", "gzip")
		for name, value := range credentials.Headers {
			request.Header.Set(name, value)
		}
		response, err := client.Do(request.WithContext(ctx))
		if err != nil {
			return nil, withoutAddress(ctx, err)
		}
		response.Body = &watched{ReadCloser: response.Body, timer: time.AfterFunc(h.quiet, func() { response.Body.Close() }), quiet: h.quiet}
		return response, nil
	}
	cursor := s.cursor
	if s.base == 0 || s.stale(h.unix()) || s.Preset.Meaning == feed.Full {
		cursor = ""
	}
	next, fresh, err := pull(ctx, get, address, cursor, h.now(), &writer{to, maxList})
	if err != nil {
		return got, withoutAddress(ctx, err)
	}
	return Fetched{Pin: *pin, Cursor: next, Unchanged: cursor != "" && !fresh}, nil
}

// watched is a body that ends where nothing comes for a while.
type watched struct {
	io.ReadCloser
	timer *time.Timer
	quiet time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if running := w.timer.Reset(w.quiet); !running && err != nil && err != io.EOF {
		err = errQuiet
	}
	if err != nil {
		w.timer.Stop()
	}
	return n, err
}

func (w *watched) Close() error {
	w.timer.Stop()
	return w.ReadCloser.Close()
}

// writer fails where a list becomes too large.
type writer struct {
	io.Writer
	left int
}

func (w *writer) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errLarge
	}
	return w.Writer.Write(p)
}

// request is one for an address that accepts an answer of some type.
func request(u *url.URL, accept string) *http.Request {
	return &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{"Accept": {accept}}}
}

// body is what an answer has in it, unpacked. A web page is errHTML, whatever its type says.
func body(r *http.Response, most int64) ([]byte, error) {
	defer r.Body.Close()
	var in io.Reader = r.Body
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = unpacked
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) > most:
		return nil, errPage
	case isPage(text[:min(len(text), 1024)]) || kindOf(r) == "text/html":
		return nil, errHTML
	}
	return text, nil
}

// kindOf is the type of what is in an answer.
func kindOf(r *http.Response) string {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind
}

// asJSON reads an answer.
func asJSON(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%w of the shape that is wanted", errJSON)
	}
	return nil
}

// writeLine writes JSON as one line.
func writeLine(to io.Writer, text []byte) error {
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		return errJSON
	}
	line.WriteByte('\n')
	_, err := to.Write(line.Bytes())
	return err
}
