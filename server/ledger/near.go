package ledger

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"khien/server/db"
	"khien/shared/subject"
)

// MaxNear is up to how many of what is near a subject are counted.
const MaxNear = 1000

// Near returns at most limit indicators that are on the list and near a subject, and how many there are, or one more
// than MaxNear where those are more: of a page or a host, those of the same host; of an account, those of the same name
// elsewhere. The subject itself is not among them.
func (l *Ledger) Near(ctx context.Context, s subject.Subject, limit int) (list []Indicator, total int, err error) {
	where := ` WHERE subject >= ?1 || '/' AND subject < ?1 || '0'` // 0 follows / in ASCII
	part, _, _ := strings.Cut(string(s), "/")
	if s.IsAccount() {
		where = ` WHERE instr(subject, ':') > 0 AND substr(subject, instr(subject, '/') + 1) = ?1`
		part = string(s)[strings.IndexByte(string(s), '/')+1:]
	}
	where += ` AND subject <> ?2 AND withdrawn = 0 AND (lapses = 0 OR lapses > ?3)`
	now := time.Now().Unix()
	err = l.reader().QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM indicator`+where+` LIMIT ?4) AS near`, part, string(s), now, MaxNear+1).Scan(&total)
	if err == nil {
		list, err = db.All(func(row db.Row) (Indicator, error) {
			r, err := scan(row)
			return r.Indicator, err
		})(l.reader().QueryContext(ctx, selectIndicator+where+` ORDER BY subject LIMIT ?4`, part, string(s), now, limit))
	}
	if err != nil {
		return nil, 0, fmt.Errorf("couldn't read what is listed near: %w", err)
	}
	return list, total, nil
}

// Gone yields what was on the list and is not at now, with the moment in Unix seconds when a person took it off, or 0
// where it lapsed.
func (l *Ledger) Gone(ctx context.Context, now int64) iter.Seq2[Indicator, error] {
	return func(yield func(Indicator, error) bool) {
		for r, err := range db.Each(scan)(l.reader().QueryContext(ctx, selectIndicator+` WHERE NOT (withdrawn = 0 AND (lapses = 0 OR lapses > ?))`, now)) {
			if err != nil {
				err = fmt.Errorf("couldn't read the ledger: %w", err)
			}
			if !yield(r.Indicator, err) || err != nil {
				return
			}
		}
	}
}
