package triage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"

	"golang.org/x/net/publicsuffix"

	"khien/server/inbox"
	"khien/server/publish"
	"khien/shared/subject"
	"khien/shared/wire"
)

// Gather puts the reports that came since the last time into their cases, and returns how many there were. A case for
// which more was asked opens again with the next report; a rejected one, and one that was taken off the list, when its score is reopens points
// higher than then; and who reports what is listed already is told so.
func (d *Desk) Gather(ctx context.Context, box *inbox.Inbox) (int, error) {
	return d.GatherUpTo(ctx, box, math.MaxInt)
}

// GatherUpTo is Gather for who has other things to do as well: it stops when it has so many reports.
func (d *Desk) GatherUpTo(ctx context.Context, box *inbox.Inbox, most int) (int, error) {
	const together = 10_000
	n := 0
	for n < most {
		var last int64
		if err := d.db.QueryRowContext(ctx, `SELECT coalesce(max(report), 0) FROM members`).Scan(&last); err != nil {
			return n, fmt.Errorf("couldn't gather reports: %w", err)
		}
		reports, err := box.After(ctx, last, min(together, most-n))
		if err != nil {
			return n, err
		}
		if len(reports) == 0 {
			return n, d.amend(ctx, box)
		}
		touched := map[int64][][]byte{}
		var listed []Case
		err = d.change(ctx, func(tx *sql.Tx) error {
			again := repeated{tx, map[string]*sql.Stmt{}}
			for _, r := range reports {
				id, err := place(ctx, again, r)
				if err != nil {
					return err
				}
				if r.Kind == wire.KindScam {
					touched[id] = append(touched[id], r.ID)
				}
			}
			for id := range touched {
				if err := rank(ctx, tx, id); err != nil {
					return err
				}
				c, err := get(ctx, tx, id)
				if err != nil {
					return err
				}
				if c.Settled && c.Action == List {
					listed = append(listed, c)
				}
			}
			return nil
		})
		for _, c := range listed {
			if scam, _ := outcome(c); err == nil {
				_, err = box.DecideAll(ctx, touched[c.ID], scam)
			}
		}
		if err != nil {
			return n, fmt.Errorf("couldn't gather reports: %w", err)
		}
		n += len(reports)
	}
	return n, nil
}

// repeated runs the same few statements many times in one transaction.
type repeated struct {
	tx    *sql.Tx
	known map[string]*sql.Stmt
}

func (r repeated) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	known := r.known[query]
	if known != nil {
		return known, nil
	}
	known, err := r.tx.PrepareContext(ctx, query) // closed with the transaction
	if err == nil {
		r.known[query] = known
	}
	return known, err
}

// ExecContext is that of the transaction.
func (r repeated) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := r.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// one reads one row.
func (r repeated) one(ctx context.Context, query string, arg any, into any) error {
	s, err := r.prepare(ctx, query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, arg).Scan(into)
}

// place finds the case of a report, or opens one.
func place(ctx context.Context, tx repeated, r inbox.Report) (id int64, err error) {
	name := nameOf(r.Subjects)
	err = tx.one(ctx, `SELECT case_id FROM names WHERE name = ?`, string(name), &id)
	if errors.Is(err, sql.ErrNoRows) {
		done, err := tx.ExecContext(ctx, `INSERT INTO cases
			(subject, platform, state, opened, latest, changed, reports, appeals, sources, category, protected, score, burst, noted)
			VALUES (?, ?, 'open', ?, ?, ?, 0, 0, 0, '', ?, 0, 0, 0)`,
			string(name), platformOf(name), r.Received, r.Received, r.Received, publish.Guard(name) != nil)
		if err != nil {
			return 0, err
		}
		if id, err = done.LastInsertId(); err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO names (name, case_id) VALUES (?, ?)`, string(name), id); err != nil {
			return 0, err
		}
	} else if err != nil {
		return 0, err
	}
	noted := r.Note != ""
	if !noted {
		if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM pictures WHERE report = ?)`, r.ID, &noted); err != nil {
			return 0, err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO members (report, id, case_id, kind, received, source, category, noted) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		r.Seq, r.ID, id, r.Kind, r.Received, r.Source, kindOf(r.Category), noted)
	if err == nil && r.Kind == wire.KindScam {
		err = lead(ctx, tx, r, id)
	}
	if err != nil {
		return 0, err
	}
	if r.Kind == wire.KindMistake && r.State != wire.StateReceived {
		_, err = tx.ExecContext(ctx, `UPDATE members SET answered = ? WHERE report = ?`, elsewhere, r.Seq)
		return id, err
	}
	if r.Kind == wire.KindMistake {
		_, err = tx.ExecContext(ctx, `UPDATE cases SET appeals = appeals + 1, appealed = CASE appealed WHEN 0 THEN ?1 ELSE min(appealed, ?1) END WHERE id = ?2`, r.Received, id)
		return id, err
	}
	done, err := tx.ExecContext(ctx, `INSERT INTO sources (case_id, source) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, r.Source)
	if err == nil {
		another, _ := done.RowsAffected()
		_, err = tx.ExecContext(ctx, `UPDATE cases SET reports = reports + 1, sources = sources + ?, noted = noted + ?,
			state = CASE state WHEN 'asked' THEN 'open' ELSE state END WHERE id = ?`, another, noted, id)
	}
	if err == nil && kindOf(r.Category) != "" {
		_, err = tx.ExecContext(ctx, `INSERT INTO kinds (case_id, category, reports) VALUES (?, ?, 1)
			ON CONFLICT DO UPDATE SET reports = reports + 1`, id, r.Category)
	}
	return id, err
}

// lead keeps where the links of a reported page lead, where that tells something: an account, or a site that is not
// everybody's.
func lead(ctx context.Context, tx repeated, r inbox.Report, id int64) error {
	if len(r.Links) == 0 {
		return nil
	}
	var reports int
	if err := tx.one(ctx, `SELECT reports FROM cases WHERE id = ?`, id, &reports); err != nil || reports >= maxLeading {
		return err
	}
	own := nameOf(r.Subjects)
	for _, link := range r.Links {
		target := nameOf([]string{link})
		site := strings.IndexByte(string(target), '/') == len(target)-1
		if target == own || !site && !target.IsAccount() || publish.Guard(target) != nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO leads (report, target) VALUES (?, ?) ON CONFLICT DO NOTHING`, r.Seq, string(target)); err != nil {
			return err
		}
	}
	return nil
}

// amend counts the categories and notes that came after their reports were gathered.
func (d *Desk) amend(ctx context.Context, box *inbox.Inbox) error {
	const together = 500
	for {
		var n int64
		if err := d.db.QueryRowContext(ctx, `SELECT n FROM amended`).Scan(&n); err != nil {
			return fmt.Errorf("couldn't gather what was added to reports: %w", err)
		}
		reports, last, err := box.Amended(ctx, n, together)
		if err != nil || last == n {
			return err
		}
		err = d.change(ctx, func(tx *sql.Tx) error {
			touched := map[int64]bool{}
			for _, r := range reports {
				var id int64
				err := tx.QueryRowContext(ctx, `UPDATE members SET category = ?, noted = max(noted, ?) WHERE report = ? RETURNING case_id`,
					kindOf(r.Category), r.Note != "", r.Seq).Scan(&id)
				if err != nil {
					return err
				}
				touched[id] = true
			}
			for id := range touched {
				if err := recount(ctx, tx, id); err != nil {
					return err
				}
			}
			_, err := tx.ExecContext(ctx, `UPDATE amended SET n = ?`, last)
			return err
		})
		if err != nil {
			return fmt.Errorf("couldn't gather what was added to reports: %w", err)
		}
	}
}

// nameOf is what binds reports together: the account, or else the whole site where everything on it is one person's.
// Subjects are those of a report, the narrowest first.
func nameOf(subjects []string) subject.Subject {
	narrowest := subject.Subject(subjects[0])
	if narrowest.IsAccount() {
		return narrowest
	}
	host, _, _ := strings.Cut(subjects[0], "/")
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		site = host
	}
	if whole := subject.Subject(site + "/"); publish.Guard(whole) == nil {
		return whole
	}
	return narrowest
}

// harm is how much is lost to a kind of scam, as a rule, from 1 to 4.
var harm = map[string]float64{
	"phishing": 4, "investment": 4, "recovery": 4, "malware": 4, "authority": 4, "sim": 4, "otp": 4, "deepfake": 4,
	"impersonation": 3, "job": 3, "loan": 3, "romance": 3, "support": 3,
	"sms": 3, "hijacked": 3, "identity": 3, "emergency": 3, "talent": 3, "transfer": 3,
	"shop": 2, "gambling": 2, "prize": 2, "charity": 2, "travel": 2,
	"receipt": 2, "unlock": 2, "lottery": 2,
}

// reach is how many people meet something on a platform, as a rule, from 1 to 3.
var reach = map[string]float64{"facebook": 3, "youtube": 3, "tiktok": 3, "zalo": 3, "instagram": 2, "telegram": 2, "messenger": 2, "x": 2}

const day = 24 * 60 * 60

// Score ranks a case: 4·log2(1 + distinct sources) + 2·log2(1 + reports of the 24 hours before the newest)
// + 1 for each report with a note or a picture, at most 3 + harm of the category (1 to 4) + reach of the platform (1 to 3).
// A thousand reports from one place count as 30 points less than from a thousand.
func Score(sources, burst, noted int, category, platform string) float64 {
	score := 4*math.Log2(float64(1+sources)) + 2*math.Log2(float64(1+burst)) + float64(min(noted, 3))
	return score + max(harm[category], 1) + max(reach[platform], 1)
}

// reopens is by how much the score of a rejected case must have grown: twice as many people speak of it, or more.
const reopens = 4

// maxBurst bounds what is counted of a flood.
const maxBurst = 10_000

// rank brings the score of a case up to date with what is counted of it.
func rank(ctx context.Context, tx *sql.Tx, id int64) error {
	var platform, category string
	var latest int64
	var sources, burst, noted int
	err := tx.QueryRowContext(ctx, `SELECT platform, noted, sources,
		coalesce((SELECT max(received) FROM members WHERE case_id = ?1), latest),
		coalesce((SELECT category FROM kinds WHERE case_id = ?1 ORDER BY reports DESC, category LIMIT 1), '')
		FROM cases WHERE id = ?1`, id).Scan(&platform, &noted, &sources, &latest, &category)
	if err == nil {
		err = tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM members WHERE case_id = ? AND received > ? AND kind = 'scam' LIMIT ?)`,
			id, latest-day, maxBurst).Scan(&burst)
	}
	if err != nil {
		return err
	}
	score := Score(sources, burst, noted, category, platform)
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET state = 'open', settled = 0, published = 0, decided = '', action = ''
		WHERE id = ? AND (state = 'rejected' OR state = 'accepted' AND action = 'withdraw') AND settled = 1 AND ? >= ruled + ?`, id, score, reopens); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE cases SET latest = ?, burst = ?, category = CASE decided WHEN '' THEN ? ELSE category END, score = ? WHERE id = ?`,
		latest, burst, category, score, id)
	return err
}

// recount counts the reports of a case anew, after some of them have come or gone.
func recount(ctx context.Context, tx *sql.Tx, id int64) error {
	for _, step := range []string{
		`DELETE FROM sources WHERE case_id = ?1`,
		`DELETE FROM kinds WHERE case_id = ?1`,
		`INSERT INTO sources SELECT DISTINCT case_id, source FROM members WHERE case_id = ?1 AND kind = 'scam'`,
		`INSERT INTO kinds SELECT case_id, category, count(*) FROM members WHERE case_id = ?1 AND kind = 'scam' AND category <> '' GROUP BY category`,
		`UPDATE cases SET sources = (SELECT count(*) FROM sources WHERE case_id = ?1) WHERE id = ?1`,
		`UPDATE cases SET (reports, noted) = (SELECT count(*), coalesce(sum(noted), 0) FROM members WHERE case_id = ?1 AND kind = 'scam') WHERE id = ?1`,
	} {
		if _, err := tx.ExecContext(ctx, step, id); err != nil {
			return err
		}
	}
	if err := recountAppeals(ctx, tx, id); err != nil {
		return err
	}
	return rank(ctx, tx, id)
}
