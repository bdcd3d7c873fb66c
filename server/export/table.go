package export

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"khien/server/feed"
	"khien/server/partner"
	"khien/shared/texts"
)

// Name is what a subject is called where it leaves: its canonical text, or, where only a keyed digest of it leaves, the
// kind and that.
func Name(g partner.Given) string {
	if g.HMAC != "" {
		return fmt.Sprintf("%s:hmac-sha256/%s", g.Kind, g.HMAC)
	}
	return string(g.Subject)
}

// address is where a browser finds it; empty where that is nowhere, or hidden.
func address(g partner.Given) string {
	if g.HMAC != "" {
		return ""
	}
	return g.Open()
}

// writeCSV writes a table (RFC 4180) with a header, which "khien import" reads. A cell that a spreadsheet would take for
// a formula begins with an apostrophe (OWASP, "CSV Injection").
func writeCSV(w io.Writer, list List, h Head) (Left, error) {
	left := Left{}
	out := csv.NewWriter(w)
	header := []string{"subject", "url", "category"}
	for _, lang := range texts.All() {
		header = append(header, "reason_"+lang)
	}
	out.Write(append(header, "first_seen", "lapses", "reference", "source"))
	for g, err := range inForce(list, h, left) {
		if err != nil {
			return nil, fmt.Errorf("couldn't read what is exported: %w", err)
		}
		record := []string{Name(g), address(g), g.Category.Slug()}
		for _, lang := range texts.All() {
			record = append(record, g.Reason[lang])
		}
		record = append(record, moment(g.FirstSeen), moment(g.Lapses), g.Reference, g.By())
		for n := range record {
			record[n] = feed.Cell(record[n])
		}
		out.Write(record)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return nil, fmt.Errorf("couldn't write the export: %w", err)
	}
	return left, nil
}

// record is one line of JSON lines.
type record struct {
	Subject   string            `json:"subject"`
	Kind      partner.Kind      `json:"kind"`
	URL       string            `json:"url,omitempty"`
	Category  string            `json:"category"`
	Reason    map[string]string `json:"reason,omitempty"`
	FirstSeen string            `json:"first_seen,omitempty"`
	Lapses    string            `json:"lapses,omitempty"`
	Reference string            `json:"reference"`
	Source    string            `json:"source,omitempty"`
	TLP       feed.TLP          `json:"tlp"`
	Position  int64             `json:"position"`
	Changed   string            `json:"changed"`
}

// writeJSONLines writes an object a line.
func writeJSONLines(w io.Writer, list List, h Head) (Left, error) {
	l, left := newLines(w), Left{}
	out := json.NewEncoder(l.w)
	out.SetEscapeHTML(false)
	for g, err := range inForce(list, h, left) {
		if err != nil {
			return nil, l.end(err)
		}
		l.err = out.Encode(record{Name(g), g.Kind, address(g), g.Category.Slug(), g.Reason, moment(g.FirstSeen), moment(g.Lapses), g.Reference, g.By(), g.TLP,
			g.Position, time.UnixMilli(g.Added).UTC().Format("2006-01-02T15:04:05.000Z")})
		if l.err != nil {
			break
		}
	}
	return left, l.end(nil)
}

func moment(at int64) string {
	if at == 0 {
		return ""
	}
	return time.Unix(at, 0).UTC().Format(time.RFC3339)
}
