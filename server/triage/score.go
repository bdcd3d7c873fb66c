package triage

import (
	"context"
	"database/sql"
	"math"

	"khien/shared/subject"
)

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

// Score ranks a case as a whole, over all of its subjects: 4·log2(1 + distinct sources) + 2·log2(1 + reports of the 24 hours
// before the newest) + 1 for each report with a note or a picture, at most 3 + harm of the category (1 to 4) + reach of the
// platform (1 to 3; of several, the one that reaches most).
// A thousand reports from one place count as 30 points less than from a thousand.
func Score(sources, burst, noted int, category, platform string) float64 {
	score := 4*math.Log2(float64(1+sources)) + 2*math.Log2(float64(1+burst)) + float64(min(noted, 3))
	return score + max(harm[category], 1) + max(reach[platform], 1)
}

// reopens is by how much the score of a rejected case must have grown: twice as many people speak of it, or more.
const reopens = 4

const (
	// maxBurst bounds what is counted of a flood.
	maxBurst = 10_000
	// maxSources bounds what is counted of the distinct sources of a case with several subjects.
	maxSources = 100_000
)

// rankStale brings the score of every case up to date of which something was counted.
func rankStale(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT id FROM cases WHERE stale = 1`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	for _, id := range ids {
		if err := rank(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// rank brings the score of a case up to date with what is counted of its subjects.
func rank(ctx context.Context, tx *sql.Tx, id int64) error {
	var subjects, reports, sources, noted, burst int
	var opened, latest int64
	err := tx.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(reports), 0), coalesce(sum(sources), 0), coalesce(sum(noted), 0),
		coalesce(min(opened), 0), coalesce(max(latest), 0) FROM subjects WHERE case_id = ?`, id).Scan(&subjects, &reports, &sources, &noted, &opened, &latest)
	if err != nil {
		return err
	}
	if subjects == 0 { // it was merged
		_, err := tx.ExecContext(ctx, `UPDATE cases SET subjects = 0, reports = 0, sources = 0, noted = 0, burst = 0, score = 0, stale = 0 WHERE id = ?`, id)
		return err
	}
	if subjects > 1 {
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT DISTINCT source FROM subjects JOIN sources ON subject = subjects.id WHERE case_id = ? LIMIT ?)`,
			id, maxSources).Scan(&sources)
		if err != nil {
			return err
		}
	}
	var category string
	err = tx.QueryRowContext(ctx, `SELECT coalesce((SELECT category FROM subjects JOIN kinds ON subject = subjects.id WHERE case_id = ?
		GROUP BY category ORDER BY sum(kinds.reports) DESC, category LIMIT 1), '')`, id).Scan(&category)
	if err == nil {
		err = tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM subjects JOIN members ON subject = subjects.id
			WHERE case_id = ? AND kind = 'scam' AND received > ? LIMIT ?)`, id, latest-day, maxBurst).Scan(&burst)
	}
	if err != nil {
		return err
	}
	names, err := namesOf(ctx, tx, id, maxTogether)
	if err != nil {
		return err
	}
	score := Score(sources, burst, noted, category, furthest(names))
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET state = 'open', settled = 0, published = 0, decided = '', action = ''
		WHERE id = ? AND (state = 'rejected' OR state = 'accepted' AND action = 'withdraw') AND settled = 1 AND ? >= ruled + ?`, id, score, reopens); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE cases SET subjects = ?, reports = ?, sources = ?, noted = ?, opened = ?, latest = ?, burst = ?,
		category = CASE WHEN state IN ('open', 'asked') THEN ? ELSE category END, score = ?, stale = 0 WHERE id = ?`,
		subjects, reports, sources, noted, opened, latest, burst, category, score, id)
	return err
}

// furthest is the platform among those of some subjects that reaches most.
func furthest(names []subject.Subject) (platform string) {
	for _, name := range names {
		if p := platformOf(name); reach[p] > reach[platform] {
			platform = p
		}
	}
	return platform
}
