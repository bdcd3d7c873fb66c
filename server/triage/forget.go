package triage

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"

	"khien/server/inbox"
)

// labelSize is the length of what stands for a network in a case that is closed: random bytes, longer than the hash of
// one.
const labelSize = 12

// forgetMost bounds the reports that one call goes through.
const forgetMost = 100_000

// Forget puts random labels in place of the hashes of networks in cases that were closed, or have left the queue
// unread, for so many seconds, at least two days, and returns in how many reports. Who spoke of a case stays as many as
// before; that the same network spoke of two cases on one day can't be told any more. What a case got since it was
// closed is gone through the next time.
func (d *Desk) Forget(ctx context.Context, box *inbox.Inbox, age int64) (n int, err error) {
	const closed = `(settled = 1 AND state IN ('accepted', 'rejected') AND appeals = 0 AND changed < ?1 OR expired > 0 AND expired < ?1)`
	before := d.now() - max(age, 2*day)
	rows, err := d.db.QueryContext(ctx, `SELECT report, members.id, subjects.id, case_id, source FROM cases JOIN subjects ON case_id = cases.id JOIN members ON members.subject = subjects.id
		WHERE `+closed+` AND length(source) NOT IN (0, ?2) AND received < ?1 ORDER BY case_id LIMIT ?3`, before, labelSize, forgetMost)
	if err != nil {
		return 0, fmt.Errorf("couldn't forget who reported: %w", err)
	}
	defer rows.Close()
	type heard struct {
		report, subject, of int64
		id, source, label   []byte
	}
	type network struct {
		of     int64
		source string
	}
	var all []heard
	labels := map[network][]byte{}
	for rows.Next() {
		var h heard
		if err := rows.Scan(&h.report, &h.id, &h.subject, &h.of, &h.source); err != nil {
			return 0, fmt.Errorf("couldn't forget who reported: %w", err)
		}
		who := network{h.of, string(h.source)}
		if labels[who] == nil {
			labels[who] = make([]byte, labelSize)
			rand.Read(labels[who])
		}
		h.label = labels[who]
		all = append(all, h)
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("couldn't forget who reported: %w", err)
	}
	rows.Close()
	sources := make(map[string][]byte, len(all))
	for _, h := range all {
		sources[string(h.id)] = h.label
	}
	// The inbox first: after a crash in between, all of them are gone through again.
	if err := box.Relabel(ctx, sources); err != nil {
		return 0, err
	}
	err = d.change(ctx, func(tx *sql.Tx) error {
		for _, h := range all {
			_, err := tx.ExecContext(ctx, `UPDATE members SET source = ? WHERE report = ?`, h.label, h.report)
			if err == nil {
				_, err = tx.ExecContext(ctx, `UPDATE voices SET source = ? WHERE subject = ? AND source = ?`, h.label, h.subject, h.source)
			}
			if err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE said SET source = randomblob(?2) WHERE length(source) NOT IN (0, ?2) AND (target, subject) IN (
			SELECT target, ties.subject FROM ties JOIN subjects ON subjects.id = ties.subject JOIN cases ON cases.id = case_id WHERE `+closed+`)`, before, labelSize); err != nil {
			return err
		}
		// Of days that are over nobody speaks any more.
		if _, err := tx.ExecContext(ctx, `DELETE FROM objectors WHERE day < ?`, d.now()/day-1); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM speakers WHERE source NOT IN (SELECT source FROM voices WHERE day >= ?)`, d.now()/day-1)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("couldn't forget who reported: %w", err)
	}
	return len(all), nil
}
