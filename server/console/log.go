package console

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"khien/server/feed"
	"khien/server/staff"
	"khien/server/triage"
)

var logRoutes = []route{
	{"GET /audit", staff.Audit, auditPage},
	{"GET /audit/export", staff.Audit, exportLog},
}

// acts is the audit log, or a part of it, the newest first.
type acts struct {
	Actor, Object, Since string
	Acts                 []triage.Act
	Older                string // link to what comes before, or empty
	Verified             bool   // whether the log was read just now
	Whole                bool
	Broken               string // what is wrong with it
	Entries              int64
	Mark                 string // of the last entry, to be noted elsewhere
	Noted                string // that somebody wrote down earlier
}

// Link is where a part of the log is written out for others.
func (a acts) Link(format string) string {
	return "/audit/export?" + url.Values{"format": {format}, "actor": {a.Actor}, "object": {a.Object}, "since": {a.Since}}.Encode()
}

// page of the log.
const logPage = 100

// since reads a day of the maintainers.
func since(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return 0, wrong("audit.badday")
	}
	return t.Unix(), nil
}

func auditPage(v *visit) error {
	a := acts{Actor: v.form("actor"), Object: v.form("object"), Since: v.form("since"), Noted: v.form("noted")}
	from, err := since(a.Since)
	if err != nil {
		return err
	}
	if a.Acts, err = v.Desk.Log(v.ctx(), a.Actor, a.Object, from, v.number("before"), logPage+1); err != nil {
		return err
	}
	if len(a.Acts) > logPage {
		a.Acts = a.Acts[:logPage]
		q := url.Values{"before": {strconv.FormatInt(a.Acts[logPage-1].Seq, 10)}}
		for name, value := range map[string]string{"actor": a.Actor, "object": a.Object, "since": a.Since} {
			if value != "" {
				q.Set(name, value)
			}
		}
		a.Older = "/audit?" + q.Encode()
	}
	if v.form("verify") == "" {
		return v.show("audit", a)
	}
	var noted triage.Mark
	if a.Noted != "" {
		if noted, err = triage.ParseMark(a.Noted); err != nil {
			return wrong("audit.badmark")
		}
	}
	a.Verified = true
	var last string
	a.Entries, last, err = v.Desk.VerifyFrom(v.ctx(), noted)
	switch {
	case errors.Is(err, triage.ErrAudit):
		a.Broken = strings.TrimPrefix(err.Error(), triage.ErrAudit.Error()+": ")
	case err != nil:
		return err
	default:
		a.Whole, a.Mark = true, strconv.FormatInt(a.Entries, 10)+":"+last
	}
	return v.show("audit", a)
}

// exportLog writes the log as a file. A cell that a spreadsheet would calculate begins with an apostrophe.
func exportLog(v *visit) error {
	from, err := since(v.form("since"))
	if err != nil {
		return err
	}
	format := v.form("format")
	if format != "csv" && format != "jsonl" {
		return errNoPage
	}
	if err := v.Desk.Record(v.ctx(), triage.Act{Time: v.now(), Actor: v.person.Name, Action: "export the audit log as " + format, Object: "audit log"}); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Disposition", `attachment; filename="khien-audit-`+time.Now().In(zone).Format(time.DateOnly)+`.`+format+`"`)
	h.Set("Content-Type", map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}[format])
	table, lines := csv.NewWriter(v.w), json.NewEncoder(v.w)
	lines.SetEscapeHTML(false)
	if format == "csv" {
		table.Write([]string{"seq", "time", "actor", "action", "object", "why", "hash"})
	}
	for a, err := range v.Desk.Acts(v.ctx(), v.form("object"), 0) {
		if err != nil {
			return err
		}
		if a.Time < from || v.form("actor") != "" && a.Actor != v.form("actor") {
			continue
		}
		hash := hex.EncodeToString(a.Hash[:])
		if format == "csv" {
			when := time.Unix(a.Time, 0).UTC().Format(time.RFC3339)
			table.Write([]string{strconv.FormatInt(a.Seq, 10), when, feed.Cell(a.Actor), feed.Cell(a.Action), feed.Cell(a.Object), feed.Cell(a.Why), hash})
			continue
		}
		lines.Encode(map[string]any{"seq": a.Seq, "time": a.Time, "actor": a.Actor, "action": a.Action, "object": a.Object, "why": a.Why, "hash": hash})
	}
	table.Flush()
	return table.Error()
}
