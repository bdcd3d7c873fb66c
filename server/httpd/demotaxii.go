package httpd

import (
	_ "embed"
	"encoding/json"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// demoObjects are what the demo's partner says, as one page of TAXII.
//
//go:embed demo/taxii.json
var demoObjects []byte

// DemoTAXII is where the demo plays a partner's server of TAXII 2.1, with one collection that only ever says the same.
const DemoTAXII = "/taxii2/"

const (
	demoRoot       = DemoTAXII + "partner/"
	demoCollection = demoRoot + "collections/5d1c7f0e-0a34-4f0b-9d41-0d5c4a7b1000/"
	taxiiType      = "application/taxii+json;version=2.1"
)

// demoAdded is when all of it was added to the collection.
var demoAdded = time.Date(2026, time.October, 6, 3, 0, 0, 0, time.UTC)

// demoPartner answers as the demo's partner does; false means that path is something else.
func (s *Server) demoPartner(ctx *fasthttp.RequestCtx, path string) bool {
	if !strings.HasPrefix(path, DemoTAXII) || !ctx.IsGet() {
		return false
	}
	type object map[string]any
	collection := object{"id": strings.TrimSuffix(strings.TrimPrefix(demoCollection, demoRoot+"collections/"), "/"), "title": "Invented scams", "can_read": true, "can_write": false}
	var answer any
	switch path {
	case DemoTAXII:
		answer = object{"title": "An invented partner", "api_roots": []string{demoRoot}}
	case demoRoot:
		answer = object{"title": "An invented partner", "versions": []string{taxiiType}, "max_content_length": 1 << 20}
	case demoRoot + "collections/":
		answer = object{"collections": []any{collection}}
	case demoCollection:
		answer = collection
	case demoCollection + "objects/":
		after, err := time.Parse(time.RFC3339Nano, string(ctx.QueryArgs().Peek("added_after")))
		if answer = json.RawMessage(demoObjects); err == nil && !demoAdded.After(after) {
			answer = object{}
			break
		}
		for _, header := range []string{"First", "Last"} {
			ctx.Response.Header.Set("X-TAXII-Date-Added-"+header, demoAdded.Format("2006-01-02T15:04:05.000000Z"))
		}
	default:
		return false
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // it is part of the program
	}
	ctx.SetContentType(taxiiType)
	ctx.SetBody(body)
	return true
}
