package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxEvents is how many events a feed may have.
const maxEvents = 50_000

var (
	errManifest = errors.New("the manifest of the feed is not as MISP writes it")
	errEvent    = errors.New("an event of the feed is not as MISP writes it")
	eventID     = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// pullMISP reads a feed of MISP: its manifest, and each event that the manifest has with another time than before. Feeds
// publish events late and with times of long ago, so no time says that all before it is known: the cursor has the time
// of each event.
func pullMISP(ctx context.Context, get getter, address *url.URL, cursor string, _ time.Time, to io.Writer) (next string, fresh bool, err error) {
	at := *address
	if !strings.HasSuffix(at.Path, "/manifest.json") {
		at = *below(address, "manifest.json")
		at.RawQuery = address.RawQuery
	}
	text, err := mispFile(ctx, get, &at)
	if err != nil {
		return "", false, err
	}
	var manifest map[string]struct {
		Written json.RawMessage `json:"timestamp"`
	}
	if json.Unmarshal(text, &manifest) != nil || len(manifest) > maxEvents {
		return "", false, errManifest
	}
	known := map[string]string{}
	if cursor != "" && json.Unmarshal([]byte(cursor), &known) != nil {
		known = map[string]string{}
	}
	now := make(map[string]string, len(manifest))
	var changed []string
	for id, event := range manifest {
		if !eventID.MatchString(id) { // it becomes a part of an address
			return "", false, errManifest
		}
		if now[id] = strings.Trim(string(event.Written), `"`); now[id] == "" || len(now[id]) > 20 {
			return "", false, errManifest
		}
		if known[id] != now[id] {
			changed = append(changed, id)
		}
	}
	slices.Sort(changed)
	missing := 0
	for _, id := range changed {
		event := at
		event.Path = strings.TrimSuffix(at.Path, "manifest.json") + id + ".json"
		text, err := mispFile(ctx, get, &event)
		if gone, ok := errors.AsType[missingError](err); ok { // it is written before the manifest, or taken away before it
			if missing++; missing == len(changed) {
				return "", false, gone.error
			}
			delete(now, id)
			continue
		}
		var one struct {
			Event *struct{}
		}
		if err == nil && (json.Unmarshal(text, &one) != nil || one.Event == nil) {
			err = errEvent
		}
		if err == nil {
			err = writeLine(to, text)
		}
		if err != nil {
			return "", false, err
		}
	}
	state, err := json.Marshal(now)
	return string(state), len(changed) > missing, err
}

// missingError is a file that a server does not have.
type missingError struct{ error }

func mispFile(ctx context.Context, get getter, u *url.URL) ([]byte, error) {
	response, err := get(ctx, request(u, "application/json"))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		if err = refusedBy(response); response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusGone {
			err = missingError{fmt.Errorf("%w: a file of the feed is not there", err)}
		}
		return nil, err
	}
	return body(response, maxPage)
}
