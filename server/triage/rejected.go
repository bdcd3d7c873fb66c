package triage

import (
	"context"
	"fmt"

	"khien/server/db"
	"khien/shared/subject"
)

// Rejected tells of some subjects which of them people have said is no scam, or not to be listed.
func Rejected(ctx context.Context, q db.Reader, subjects []subject.Subject) (map[subject.Subject]bool, error) {
	names, err := db.All(scanName)(q.QueryContext(ctx, `SELECT name FROM subjects WHERE name IN (SELECT value FROM json_each(?))
		AND case_id IN (SELECT id FROM cases WHERE state = 'rejected' AND id = subjects.case_id)`, jsonText(subjects)))
	if err != nil {
		return nil, fmt.Errorf("couldn't read what was rejected: %w", err)
	}
	rejected := map[subject.Subject]bool{}
	for _, name := range names {
		rejected[name] = true
	}
	return rejected, nil
}
