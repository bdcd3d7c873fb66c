package exchange

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	errTAXII2     = errors.New("the server speaks TAXII 2.0 and not 2.1: ask it for an address of TAXII 2.1, or for its STIX as a file")
	errTAXII      = errors.New("the server does not speak TAXII 2.1")
	errCollection = errors.New("the server has no collection that may be read with these credentials")
	errMany       = errors.New("the server has more than 20 collections: name the address of one of them")
	errNext       = errors.New("the server has more, and does not say where (\"more\" without \"next\")")
	errAgain      = errors.New("the server gives the same page again and again")
)

const (
	taxiiType   = "application/taxii+json;version=2.1"
	taxiiPage   = 500 // objects that are asked for at once
	collections = 20
	begins      = 5 // times that reading goes on after pages that broke off
)

// pullTAXII reads collections of a TAXII 2.1 server as envelopes, a line each: those that may be read of a server, of an
// API root, or one. The cursor has for each collection the time that the server itself has said of the last page
// (X-TAXII-Date-Added-Last), and never one that stands in an object. From one second before it on it goes on, so that
// what was added at the same time comes too; what was there before comes again, and changes nothing.
func pullTAXII(ctx context.Context, get getter, address *url.URL, cursor string, now time.Time, to io.Writer) (next string, fresh bool, err error) {
	t := &taxii{get: get, to: to, now: now}
	all, err := t.find(ctx, address)
	if err != nil {
		return "", false, err
	}
	last := map[string]time.Time{}
	if cursor != "" {
		if err := json.Unmarshal([]byte(cursor), &last); err != nil {
			last = map[string]time.Time{}
		}
	}
	until := map[string]time.Time{}
	for _, u := range all {
		added, some, err := t.read(ctx, u, last[nameOf(u)])
		if err != nil {
			return "", false, err
		}
		if !added.IsZero() {
			until[nameOf(u)] = added
		}
		fresh = fresh || some
	}
	if len(until) == 0 {
		return "", fresh, nil
	}
	text, err := json.Marshal(until)
	return string(text), fresh, err
}

// nameOf is what a collection is called in the cursor, which does not tell its address: a credential may be in that.
func nameOf(u *url.URL) string {
	sum := sha256.Sum256([]byte(u.Path))
	return hex.EncodeToString(sum[:8])
}

// taxii is who reads a server.
type taxii struct {
	get getter
	to  io.Writer
	now time.Time
}

// brokenError is of an answer that did not come, or not to its end, and would perhaps at another time.
type brokenError struct{ error }

func (b brokenError) Unwrap() error { return b.error }

// ask asks for something of TAXII.
func (t *taxii) ask(ctx context.Context, u *url.URL, into any) (http.Header, []byte, error) {
	response, err := t.get(ctx, request(u, taxiiType))
	if err != nil {
		return nil, nil, brokenError{err}
	}
	kind, more, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch status := response.StatusCode; {
	case strings.HasPrefix(kind, "application/vnd.oasis.") || more["version"] == "2.0":
		err = errTAXII2
	case status == http.StatusNotAcceptable || status == http.StatusUnsupportedMediaType || strings.HasSuffix(kind, "/xml"):
		err = errTAXII
	case status == http.StatusBadRequest || status >= 500 && response.Header.Get("Retry-After") == "":
		err = brokenError{refusedBy(response)}
	case status != http.StatusOK:
		err = refusedBy(response)
	}
	if err != nil {
		response.Body.Close()
		return nil, nil, err
	}
	text, err := body(response, maxPage)
	if err == nil {
		err = asJSON(text, into)
	}
	if err != nil && err != errPage && err != errHTML {
		err = brokenError{err}
	}
	return response.Header, text, err
}

// resource is whatever a server answers: what it has, an API root, its collections, or one.
type resource struct {
	Roots       []string `json:"api_roots"`
	Versions    []string `json:"versions"`
	Collections []struct {
		ID   string `json:"id"`
		Read *bool  `json:"can_read"`
	} `json:"collections"`
	Read *bool `json:"can_read"`
}

var (
	objectsPath    = regexp.MustCompile(`/collections/[^/]+/objects/?$`)
	collectionPath = regexp.MustCompile(`/collections/[^/]+/?$`)
	collectionID   = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,128}$`)
)

// find finds the collections behind an address: where their objects are.
func (t *taxii) find(ctx context.Context, u *url.URL) ([]*url.URL, error) {
	if objectsPath.MatchString(u.Path) {
		return []*url.URL{u}, nil
	}
	var r resource
	if _, _, err := t.ask(ctx, u, &r); err != nil {
		return nil, err
	}
	switch {
	case collectionPath.MatchString(u.Path):
		if r.Read != nil && !*r.Read {
			return nil, errCollection
		}
		return []*url.URL{below(u, "objects/")}, nil
	case r.Collections != nil || strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/collections"):
		return readable(below(u, ""), r)
	case r.Versions != nil:
		if !slices.ContainsFunc(r.Versions, func(v string) bool { return strings.Contains(v, "2.1") }) {
			return nil, errTAXII2
		}
		return t.root(ctx, u)
	case len(r.Roots) == 0:
		return nil, errTAXII
	}
	var all []*url.URL
	var failed error
	for _, root := range r.Roots {
		at, err := within(u, root)
		if err == nil {
			var some []*url.URL
			some, err = t.root(ctx, at)
			all = append(all, some...)
		}
		failed = errors.Join(failed, err)
		if len(all) > collections || len(r.Roots) > collections {
			return nil, errMany
		}
	}
	if len(all) == 0 {
		return nil, failed
	}
	return all, nil
}

// root finds the collections of an API root.
func (t *taxii) root(ctx context.Context, u *url.URL) ([]*url.URL, error) {
	at := below(u, "collections/")
	var r resource
	if _, _, err := t.ask(ctx, at, &r); err != nil {
		return nil, err
	}
	return readable(at, r)
}

func readable(at *url.URL, r resource) (all []*url.URL, err error) {
	for _, c := range r.Collections {
		if !collectionID.MatchString(c.ID) || strings.Trim(c.ID, ".") == "" {
			return nil, fmt.Errorf("%w: a collection has an id that is none", errTAXII)
		}
		if c.Read == nil || *c.Read {
			all = append(all, below(at, c.ID+"/objects/"))
		}
	}
	switch {
	case len(all) == 0:
		return nil, errCollection
	case len(all) > collections:
		return nil, errMany
	}
	return all, nil
}

// below is an address in the folder that another is.
func below(u *url.URL, path string) *url.URL {
	at := *u
	at.Path, at.RawPath, at.RawQuery, at.Fragment = strings.TrimSuffix(u.Path, "/")+"/"+path, "", "", ""
	return &at
}

// within is an address on the same server. What a server behind another takes for http is asked for by https.
func within(u *url.URL, address string) (*url.URL, error) {
	at, err := u.Parse(address)
	host := func(u *url.URL) string { return strings.TrimSuffix(strings.TrimSuffix(u.Host, ":443"), ":80") }
	if err != nil || host(at) != host(u) || at.User != nil {
		return nil, errOthers
	}
	at.Host = u.Host
	at.Scheme = u.Scheme
	return at, nil
}

// envelope is a page of a collection.
type envelope struct {
	More    bool            `json:"more"`
	Next    json.RawMessage `json:"next"`
	Objects json.RawMessage `json:"objects"`
}

// read reads a collection from a time on. Where a page breaks off, it begins again from the last time that it has.
func (t *taxii) read(ctx context.Context, u *url.URL, since time.Time) (last time.Time, fresh bool, err error) {
	last = since
	for try := 0; ; try++ {
		until, some, err := t.pages(ctx, u, last)
		fresh = fresh || some
		if until.After(last) {
			last = until
		}
		broken, again := errors.AsType[brokenError](err)
		if again && (!some || ctx.Err() != nil || try == begins) {
			return last, fresh, broken.error
		} else if !again {
			return last, fresh, err
		}
	}
}

// pages reads page after page. That the server says the same next again means nothing; that the same page comes again
// does.
func (t *taxii) pages(ctx context.Context, u *url.URL, since time.Time) (last time.Time, fresh bool, err error) {
	next, before := "", ""
	for n := 0; ; n++ {
		if n == maxPages {
			return last, fresh, errPages
		}
		query := u.Query()
		query.Set("limit", fmt.Sprint(taxiiPage))
		if !since.IsZero() {
			query.Set("added_after", since.Add(-time.Second).UTC().Format("2006-01-02T15:04:05.000000Z"))
		}
		if next != "" {
			query.Set("next", next)
		}
		at := *u
		at.RawQuery = query.Encode()
		var page envelope
		header, text, err := t.ask(ctx, &at, &page)
		if err != nil {
			return last, fresh, err
		}
		if page.More && string(text) == before {
			return last, fresh, errAgain
		}
		before = string(text)
		if len(page.Objects) > 0 && string(page.Objects) != "null" && string(page.Objects) != "[]" {
			if err := writeLine(t.to, slices.Concat([]byte(`{"objects":`), page.Objects, []byte(`}`))); err != nil {
				return last, fresh, err
			}
			fresh = true
		}
		// A time that is still to come would leave out all that is added until then.
		if added, err := time.Parse(time.RFC3339, header.Get("X-TAXII-Date-Added-Last")); err == nil && added.After(last) && added.Before(t.now.Add(time.Hour)) {
			last = added
		}
		if !page.More {
			return last, fresh, nil
		}
		if next = strings.Trim(string(page.Next), `"`); next == "" || next == "null" {
			return last, fresh, errNext
		}
		if page.Next[0] == '"' {
			if err := json.Unmarshal(page.Next, &next); err != nil {
				return last, fresh, errNext
			}
		}
	}
}
