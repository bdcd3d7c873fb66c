package takedown

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"khien/shared/category"
	"khien/shared/texts"
)

// xarfVersion is the version of the format that XARF writes: github.com/xarf/xarf-spec, schemas/v4. Held against
// xarf-core.json (as of commit 17faf2f), types/content-base.json (17b9692), types/content-fraud.json and
// types/content-phishing.json (1a31648) on 2026-11-24.
const xarfVersion = "4.0.0"

// Bounds of the format.
const (
	maxXARFText = 1000 // description, in characters
	maxXARFOrg  = 200
)

type xarfContact struct {
	Org     string `json:"org"`
	Contact string `json:"contact"`
	Domain  string `json:"domain"`
}

type xarfEvidence struct {
	Type        string `json:"content_type"`
	Description string `json:"description"`
	Payload     string `json:"payload"` // base64
	Hash        string `json:"hash"`
	Size        int    `json:"size"`
}

type xarfReport struct {
	Version        string         `json:"xarf_version"`
	ID             string         `json:"report_id"`
	Time           string         `json:"timestamp"`
	Reporter       xarfContact    `json:"reporter"`
	Sender         xarfContact    `json:"sender"`
	Source         string         `json:"source_identifier"`
	Category       string         `json:"category"`
	Type           string         `json:"type"`
	FraudType      string         `json:"fraud_type,omitempty"`
	URL            string         `json:"url"`
	Domain         string         `json:"domain,omitempty"`
	EvidenceSource string         `json:"evidence_source"`
	Verified       string         `json:"verification_method"`
	Description    string         `json:"description"`
	Evidence       []xarfEvidence `json:"evidence"`
	Tags           []string       `json:"tags"`
}

// fraudTypes are the kinds of fraud of the format that our categories are.
var fraudTypes = map[category.Category]string{
	category.Investment: "investment", category.Romance: "romance", category.Support: "tech_support", category.Prize: "lottery",
	category.Loan: "advance_fee", category.Recovery: "advance_fee", category.Shop: "shopping", category.Travel: "shopping",
	category.Charity: "charity", category.Job: "employment",
	category.Authority: "government_impersonation", category.Lottery: "lottery",
}

// XARF is a case as an abuse report that machines read (X-ARF version 4, JSON). The same case gives the same id
// until its subject re-appears. A case that is withdrawn reports nothing: ErrState.
func (o Operator) XARF(c Request, f Facts, now int64) ([]byte, error) {
	if c.State == Withdrawn {
		return nil, fmt.Errorf("%w: it is %s", ErrState, c.State)
	}
	if o.Organisation == "" || o.Contact == "" || o.Domain == "" {
		return nil, ErrSender
	}
	us := xarfContact{cut(o.Organisation, maxXARFOrg), o.Contact, o.Domain}
	seen := f.Latest
	source := "user_report"
	if f.Reports == 0 {
		seen, source = f.Seen, "threat_intelligence"
	}
	if seen == 0 {
		seen = now
	}
	summary := f.evidence("en") + "\n"
	sum := sha256.Sum256([]byte(summary))
	said := []string{line(texts.In(f.Reason, texts.Fallback)), c.Category.How("en")}
	said = slices.DeleteFunc(slices.Compact(said), func(text string) bool { return text == "" })
	r := xarfReport{
		Version: xarfVersion, ID: c.uuid(o.Domain), Time: time.Unix(seen, 0).UTC().Format(time.RFC3339), Reporter: us, Sender: us,
		Source: line(string(c.Subject)), Category: "content", Type: "fraud", FraudType: "other", URL: line(c.Subject.Address()),
		EvidenceSource: source, Verified: "manual", Description: cut(line(strings.Join(said, " ")), maxXARFText),
		Evidence: []xarfEvidence{{"text/plain", "What is known, summed up: counts and days", base64.StdEncoding.EncodeToString([]byte(summary)),
			"sha256:" + hex.EncodeToString(sum[:]), len(summary)}},
		Tags: []string{"scam:" + c.Category.Slug(), "platform:" + c.Platform},
	}
	if u, err := url.Parse(r.URL); err == nil {
		r.Domain = u.Hostname()
	}
	if t, ok := fraudTypes[c.Category]; ok {
		r.FraudType = t
	}
	if c.Category == category.Phishing {
		r.Type, r.FraudType = "phishing", ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(r)
	return b.Bytes(), err
}

// uuid names the report, in the form of RFC 9562, version 4; its bits come from the case, not from chance, so that a
// report that is sent twice is seen to be the same.
func (c Request) uuid(domain string) string {
	b := sha256.Sum256(fmt.Appendf(nil, "%s takedown %d %d %s", domain, c.ID, c.Returned, c.Subject))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// cut bounds a text in characters.
func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}
