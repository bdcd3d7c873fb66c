package triage

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"

	"khien/server/db"
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
func (d *Desk) rankStale(ctx context.Context) error {
	ranking := pace{n: 100, most: 5000}
	for more := true; more; {
		// Who finds nothing to do need not wait for those who write.
		if err := d.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM cases WHERE stale = 1)`).Scan(&more); err != nil || !more {
			return err
		}
		err := d.paced(ctx, &ranking, func(tx *sql.Tx) error { return rankSome(ctx, tx, ranking.n) })
		if err != nil {
			return fmt.Errorf("couldn't rank the cases: %w", err)
		}
	}
	return nil
}

// rankSome brings the score of at most so many cases up to date of which something was counted.
func rankSome(ctx context.Context, tx *sql.Tx, most int) error {
	type one struct {
		id      int64
		sources int
	}
	stale, err := db.All(func(row db.Row) (c one, err error) { return c, row.Scan(&c.id, &c.sources) })(tx.QueryContext(ctx,
		`SELECT id, (SELECT coalesce(sum(sources), 0) FROM subjects WHERE case_id = cases.id) FROM cases WHERE stale = 1 ORDER BY id LIMIT ?`, most))
	if err != nil {
		return err
	}
	for len(stale) > 0 {
		var ids []int64
		for sources := 0; len(stale) > 0 && (len(ids) == 0 || sources+stale[0].sources <= maxSources); stale = stale[1:] {
			sources += stale[0].sources
			ids = append(ids, stale[0].id)
		}
		if err := rank(ctx, tx, ids...); err != nil {
			return err
		}
	}
	return nil
}

// ranked is what is counted of the subjects of a case.
type ranked struct {
	ID       int64   `json:"id"`
	Subjects int     `json:"subjects"`
	Reports  int     `json:"reports"`
	Sources  int     `json:"sources"`
	Noted    int     `json:"noted"`
	Named    int     `json:"named"`
	Opened   int64   `json:"opened"`
	Latest   int64   `json:"latest"`
	Burst    int     `json:"burst"`
	Category string  `json:"category"`
	Score    float64 `json:"score"`
	weight   int
	evidence int
	furthest string
}

// rank brings the score of cases up to date with what is counted of their subjects: of one, or of several that have no
// more than maxSources sources together.
func rank(ctx context.Context, tx *sql.Tx, ids ...int64) error {
	const these = `case_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1))`
	all := map[int64]*ranked{} // those with subjects: others were merged
	for r, err := range db.Each(func(row db.Row) (r ranked, err error) {
		return r, row.Scan(&r.ID, &r.Subjects, &r.Reports, &r.Noted, &r.Opened, &r.Latest)
	})(tx.QueryContext(ctx, `SELECT case_id, count(*), sum(reports), sum(noted), min(opened), max(latest) FROM subjects WHERE `+these+` GROUP BY case_id`, jsonText(ids))) {
		if err != nil {
			return err
		}
		all[r.ID] = &r
	}
	for c, err := range db.Each(func(row db.Row) (c ranked, err error) {
		return c, row.Scan(&c.ID, &c.Sources, &c.weight, &c.Burst, &c.evidence)
	})(tx.QueryContext(ctx, `
		WITH all_voices AS (SELECT case_id, source, min(day) AS day, max(voices.latest) AS latest, max(voices.noted) AS noted, max(weighs) AS weighs
				FROM subjects JOIN voices ON subject = subjects.id WHERE `+these+` GROUP BY case_id, source LIMIT ?2),
			newest AS (SELECT case_id AS of, max(latest) AS newest FROM all_voices GROUP BY case_id),
			days AS (SELECT case_id, day, count(*) AS n, sum(weighs) AS weighing, sum(CASE WHEN weighs = 1 AND latest > newest - ?4 THEN 1 ELSE 0 END) AS fresh,
				sum(CASE WHEN weighs = 1 THEN noted ELSE 0 END) AS noted FROM all_voices JOIN newest ON of = case_id GROUP BY case_id, day)
		SELECT case_id, sum(n), max(weighing) + min(max(sum(CASE WHEN weighing > 0 THEN 1 ELSE 0 END) - 1, 0), ?3), sum(fresh), sum(noted) FROM days GROUP BY case_id`,
		jsonText(ids), maxSources, otherDays, day)) {
		if err != nil {
			return err
		}
		of := all[c.ID]
		of.Sources, of.weight, of.Burst, of.evidence = c.Sources, c.weight, c.Burst, c.evidence
	}
	// What most networks say whose word weighs.
	for c, err := range db.Each(func(row db.Row) (c ranked, err error) { return c, row.Scan(&c.ID, &c.Category) })(tx.QueryContext(ctx, `
		SELECT case_id, category FROM subjects JOIN voices ON subject = subjects.id WHERE `+these+` AND category <> '' GROUP BY case_id, category
		ORDER BY case_id, count(DISTINCT CASE WHEN weighs = 1 THEN source END) DESC, count(*) DESC, category`, jsonText(ids))) {
		if err != nil {
			return err
		}
		all[c.ID].Category = cmp.Or(all[c.ID].Category, c.Category)
	}
	for c, err := range db.Each(func(row db.Row) (c ranked, err error) { return c, row.Scan(&c.ID, &c.Named, &c.Category) })(tx.QueryContext(ctx, `
		SELECT case_id, max(named), coalesce(min(nullif(category, '')), '') FROM subjects JOIN raised ON subject = subjects.id
		WHERE `+these+` AND against = 0 GROUP BY case_id`, jsonText(ids))) {
		if err != nil {
			return err
		}
		of := all[c.ID]
		of.Named, of.Category = c.Named, cmp.Or(of.Category, c.Category)
	}
	for c, err := range db.Each(func(row db.Row) (c struct {
		of   int64
		name subject.Subject
	}, err error) {
		return c, row.Scan(&c.of, &c.name)
	})(tx.QueryContext(ctx, `SELECT case_id, name FROM subjects WHERE `+these, jsonText(ids))) {
		if err != nil {
			return err
		}
		of := all[c.of]
		of.furthest = further(of.furthest, platformOf(c.name))
	}
	rows := make([]ranked, len(ids))
	for i, id := range ids {
		rows[i].ID = id
		if r := all[id]; r != nil {
			rows[i] = *r
			rows[i].Score = Score(r.weight, r.Burst, r.evidence, r.Named, r.Category, r.furthest)
			if r.Reports == 0 && r.Named > 0 {
				rows[i].Score -= unheard
			}
		}
	}
	const from = ` FROM (SELECT CAST(value ->> 'id' AS BIGINT) AS id, CAST(value ->> 'subjects' AS BIGINT) AS subjects, CAST(value ->> 'reports' AS BIGINT) AS reports,
			CAST(value ->> 'sources' AS BIGINT) AS sources, CAST(value ->> 'noted' AS BIGINT) AS noted, CAST(value ->> 'named' AS BIGINT) AS named, CAST(value ->> 'opened' AS BIGINT) AS opened,
			CAST(value ->> 'latest' AS BIGINT) AS latest, CAST(value ->> 'burst' AS BIGINT) AS burst, value ->> 'category' AS category,
			CAST(value ->> 'score' AS DOUBLE PRECISION) AS score FROM json_each(?1)) AS now WHERE cases.id = now.id`
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET `+opensAgain+from+
		` AND now.subjects > 0 AND (state = 'rejected' OR state = 'accepted' AND action = 'withdraw') AND settled = 1 AND now.score >= ruled + ?2`, jsonText(rows), reopens); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE cases SET subjects = now.subjects, reports = now.reports, sources = now.sources, noted = now.noted, named = now.named, burst = now.burst,
		opened = CASE WHEN now.subjects > 0 THEN now.opened ELSE cases.opened END, latest = CASE WHEN now.subjects > 0 THEN now.latest ELSE cases.latest END,
		category = CASE WHEN now.subjects > 0 AND state IN ('open', 'asked') THEN now.category ELSE cases.category END, score = now.score, stale = 0`+from, jsonText(rows))
	return err
}

// further is the one of two platforms that reaches more, the first if they reach as many.
func further(a, b string) string {
	if platform.ByName(b).Reach > platform.ByName(a).Reach {
		return b
	}
	return a
}
