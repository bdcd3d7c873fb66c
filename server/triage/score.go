package triage

import (
	"cmp"
	"context"
	"database/sql"
	"math"

	"khien/server/platform"
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

const day = 24 * 60 * 60

// Score ranks a case as a whole, over all of its subjects: 4·log2(1 + weight of the networks that speak of it) +
// 2·log2(1 + networks in the 24 hours before the newest report) + 1 for each network with a note or a picture, at most
// 3 + 1 for each source that calls it a scam, at most 3 + harm of the category (1 to 4) + reach of the platform (1 to 3;
// of several, the one that reaches most). Of what sources alone speak, unheard is taken away from that. A thousand
// reports from one network count as one, and its word weighs about the first ten subjects of a day alone; proofs of
// work count for nothing.
func Score(weight, burst, noted, named int, category, where string) float64 {
	score := 4*math.Log2(float64(1+weight)) + 2*math.Log2(float64(1+burst)) + float64(min(noted, 3)) + float64(min(named, 3))
	return score + max(harm[category], 1) + float64(max(platform.ByName(where).Reach, 1))
}

// unheard is more than what counts of sources, harm and reach together: whatever sources name, and however much of it,
// stands behind all that people report.
const unheard = 10

// reopens is by how much the score of a rejected case must have grown: twice as many people speak of it, or more.
const reopens = 4

// opensAgain makes a closed case one that nobody has decided about.
const opensAgain = `state = 'open', settled = 0, published = 0, decided = '', action = ''`

const (
	// maxSources bounds what is counted of the distinct sources of a case.
	maxSources = 100_000
	// maxSpoken is about how many subjects a network's word weighs on one day. Many people may be behind one, and few
	// report so much; whoever invents thousands of things spreads it thin.
	maxSpoken = 10
	// otherDays is for how many days beside the busiest one something is added, one each: networks are told apart within a
	// day only, and one that comes back every day weighs no more than three.
	otherDays = 2
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
	var subjects, reports, noted int
	var opened, latest int64
	err := tx.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(reports), 0), coalesce(sum(noted), 0),
		coalesce(min(opened), 0), coalesce(max(latest), 0) FROM subjects WHERE case_id = ?`, id).Scan(&subjects, &reports, &noted, &opened, &latest)
	if err != nil {
		return err
	}
	if subjects == 0 { // it was merged
		_, err := tx.ExecContext(ctx, `UPDATE cases SET subjects = 0, reports = 0, sources = 0, noted = 0, named = 0, burst = 0, score = 0, stale = 0 WHERE id = ?`, id)
		return err
	}
	var sources, weight, burst, evidence int
	err = tx.QueryRowContext(ctx, `
		WITH all_voices AS (SELECT source, min(day) AS day, max(voices.latest) AS latest, max(voices.noted) AS noted, max(weighs) AS weighs FROM subjects JOIN voices ON subject = subjects.id
				WHERE case_id = ?1 GROUP BY source LIMIT ?2),
		     days AS (SELECT count(*) AS n FROM all_voices WHERE weighs = 1 GROUP BY day)
		SELECT (SELECT count(*) FROM all_voices), (SELECT coalesce(max(n) + min(count(*) - 1, ?3), 0) FROM days),
			(SELECT count(*) FROM all_voices WHERE weighs = 1 AND latest > (SELECT max(latest) FROM all_voices) - ?4), (SELECT coalesce(sum(noted), 0) FROM all_voices WHERE weighs = 1)`,
		id, maxSources, otherDays, day).Scan(&sources, &weight, &burst, &evidence)
	if err != nil {
		return err
	}
	var category string
	err = tx.QueryRowContext(ctx, `SELECT coalesce((SELECT category FROM subjects JOIN voices ON subject = subjects.id WHERE case_id = ? AND category <> ''
		GROUP BY category ORDER BY count(DISTINCT CASE WHEN weighs = 1 THEN source END) DESC, count(*) DESC, category LIMIT 1), '')`, id).Scan(&category)
	if err != nil {
		return err
	}
	var named int
	var called string
	err = tx.QueryRowContext(ctx, `SELECT coalesce(max(named), 0), coalesce(min(nullif(category, '')), '') FROM subjects JOIN raised ON subject = subjects.id
		WHERE case_id = ? AND against = 0`, id).Scan(&named, &called)
	if err != nil {
		return err
	}
	category = cmp.Or(category, called)
	names, err := namesOf(ctx, tx, id, maxTogether)
	if err != nil {
		return err
	}
	score := Score(weight, burst, evidence, named, category, furthest(names))
	if reports == 0 && named > 0 {
		score -= unheard
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET `+opensAgain+`
		WHERE id = ? AND (state = 'rejected' OR state = 'accepted' AND action = 'withdraw') AND settled = 1 AND ? >= ruled + ?`, id, score, reopens); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE cases SET subjects = ?, reports = ?, sources = ?, noted = ?, named = ?, opened = ?, latest = ?, burst = ?,
		category = CASE WHEN state IN ('open', 'asked') THEN ? ELSE category END, score = ?, stale = 0 WHERE id = ?`,
		subjects, reports, sources, noted, named, opened, latest, burst, category, score, id)
	return err
}

// furthest is the platform among those of some subjects that reaches most.
func furthest(names []subject.Subject) (furthest string) {
	for _, name := range names {
		if p := platformOf(name); platform.ByName(p).Reach > platform.ByName(furthest).Reach {
			furthest = p
		}
	}
	return furthest
}
