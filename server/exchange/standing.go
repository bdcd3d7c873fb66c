package exchange

import (
	"context"
	"fmt"

	"khien/server/feed"
)

// Standing is how much a source says, and how much rests on it.
type Standing struct {
	Claims int // that stand
	Listed int // of these, that are on the list
	Alone  int // of these, that would leave it with the source: no other says so, and no person has listed them
}

// Standing counts it, with one look at each claim.
func (x *Exchange) Standing(ctx context.Context, name string) (n Standing, err error) {
	s, err := x.get(ctx, x.db, name)
	if err != nil {
		return n, err
	}
	err = x.db.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(CASE WHEN i.subject IS NULL THEN 0 ELSE 1 END), 0),
			coalesce(sum(CASE WHEN i.claimed = 1 AND c.weight = ?1 AND NOT EXISTS (SELECT 1 FROM claim AS o JOIN source AS s ON s.id = o.source
				WHERE o.subject = c.subject AND o.source <> c.source AND o.gone = 0 AND o.lapses > ?2 AND o.weight = ?1 AND s.removed = 0) THEN 1 ELSE 0 END), 0)
		FROM claim AS c LEFT JOIN indicator AS i ON i.subject = c.subject AND i.withdrawn = 0 AND (i.lapses = 0 OR i.lapses > ?2)
		WHERE c.source = ?3 AND c.gone = 0 AND c.lapses > ?2`, int64(feed.Lists), x.unix(), s.ID).Scan(&n.Claims, &n.Listed, &n.Alone)
	if err != nil {
		return n, fmt.Errorf("couldn't count what %s says: %w", name, err)
	}
	return n, nil
}

// Soon has a source be asked as soon as a server looks what is due.
func (x *Exchange) Soon(ctx context.Context, name string) error {
	s, err := x.get(ctx, x.db, name)
	if err == nil {
		_, err = x.db.ExecContext(ctx, `UPDATE source SET wait = 0 WHERE id = ?`, s.ID)
	}
	return err
}
