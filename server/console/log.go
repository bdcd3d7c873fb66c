package console

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"

	"khien/server/audit"
	"khien/server/feed"
	"khien/server/staff"
	"khien/server/words"
)

var logRoutes = []route{
	{"GET /audit", staff.Audit, auditPage},
	{"GET /audit/export", staff.Audit, exportLog},
}

// acts is the audit log, or a part of it, the newest first.
type acts struct {
	Actor, Object, Since string
	Acts                 []audit.Act
	Older                string        // link to what comes before, or empty
	Verified             bool          // whether the log was read just now
	Broken               *audit.Broken // what is wrong with it
	Mark                 audit.Mark    // of the last entry, to be noted elsewhere
	Noted                string        // that somebody wrote down earlier
}

// Link is where a part of the log is written out for others.
func (a acts) Link(format string) string {
	return "/audit/export?" + url.Values{"format": {format}, "actor": {a.Actor}, "object": {a.Object}, "since": {a.Since}}.Encode()
}

// About is the log of one thing.
func (acts) About(o audit.Object) string {
	return "/audit?" + url.Values{"object": {o.String()}}.Encode()
}

// since reads a day of the maintainers.
func since(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, words.Zone)
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
	if a.Acts, err = v.Desk.Log(v.ctx(), audit.Filter{Actor: a.Actor, Object: a.Object, Since: from, Before: v.number("before")}, fewActs+1); err != nil {
		return err
	}
	if len(a.Acts) > fewActs {
		a.Acts = a.Acts[:fewActs]
		q := url.Values{"before": {strconv.FormatInt(a.Acts[fewActs-1].Seq, 10)}}
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
	var noted audit.Mark
	if a.Noted != "" {
		if noted, err = audit.ParseMark(a.Noted); err != nil {
			return wrong("audit.badmark")
		}
	}
	a.Verified = true
	if a.Mark, err = v.Desk.Verify(v.ctx(), noted); err != nil && !errors.As(err, &a.Broken) {
		return err
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
	if !slices.Contains(audit.Formats, format) {
		return errNoPage
	}
	if err := v.note(audit.Act{Verb: audit.Export, Object: audit.Object{Kind: audit.OfLog}, Args: audit.Args{Format: format}}); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Disposition", `attachment; filename="khien-audit-`+time.Now().In(words.Zone).Format(time.DateOnly)+`.`+format+`"`)
	h.Set("Content-Type", map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}[format])
	return audit.Write(v.w, format, feed.Cell, v.Desk.Acts(v.ctx(), audit.Filter{Actor: v.form("actor"), Object: v.form("object"), Since: from}))
}
