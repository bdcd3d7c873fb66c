package inbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"khien/shared/wire"
)

// maxTogether bounds the reports of one commit: some 10 ms of work, so that nobody waits long for others.
const maxTogether = 512

// ErrClosed is a report that came while the inbox was closing.
var ErrClosed = errors.New("the inbox is closed")

// sent is a report on its way to the disk.
type sent struct {
	report wire.Report
	source []byte
	now    int64
	done   chan struct{} // closed when the rest is known

	receipt wire.Receipt
	created bool
	err     error
}

// Accept stores r, which is durable when Accept returns without an error.
//
// The same report may come any number of times: what has been stored is kept
// and the same receipt returned, with created false. While the report is open,
// a category and a note that come later are filled in; empty ones erase nothing,
// so that a late retry of the first sending does no harm. A used id with another
// content is ErrConflict. Source is a hash of where
// it came from, or nil. Where ctx ends first, nobody knows whether r was stored.
func (i *Inbox) Accept(ctx context.Context, r wire.Report, source []byte, now int64) (receipt wire.Receipt, created bool, err error) {
	s := &sent{report: r, source: append([]byte{}, source...), now: now, done: make(chan struct{})}
	select {
	case i.waiting <- s:
	case <-i.closing:
		return wire.Receipt{}, false, ErrClosed
	case <-ctx.Done():
		return wire.Receipt{}, false, ctx.Err()
	}
	select {
	case <-s.done:
		return s.receipt, s.created, s.err
	case <-i.stopped:
		return wire.Receipt{}, false, ErrClosed
	case <-ctx.Done():
		return wire.Receipt{}, false, ctx.Err()
	}
}

// write commits what has come while the commit before was under way, until the inbox closes.
func (i *Inbox) write() {
	defer close(i.stopped)
	together := make([]*sent, 0, maxTogether)
	for {
		select {
		case s := <-i.waiting:
			together = append(together[:0], s)
		case <-i.closing:
			return
		}
		for len(together) < maxTogether && len(i.waiting) > 0 {
			together = append(together, <-i.waiting)
		}
		if err := i.store(together); err != nil {
			for _, s := range together {
				s.receipt, s.created, s.err = wire.Receipt{}, false, fmt.Errorf("couldn't store a report: %w", err)
			}
		}
		for _, s := range together {
			close(s.done)
		}
	}
}

const insertReport = `INSERT INTO report
	(source, id, receipt, received, kind, subjects, href, title, language, sent, category, note, links, state, changed)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

// store puts all of the reports on the disk, or none of them.
func (i *Inbox) store(together []*sent) error {
	return i.db.Change(context.Background(), func(tx *sql.Tx) error {
		insert, err := tx.Prepare(insertReport)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, s := range together {
			if err := s.store(tx, insert); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sent) store(tx *sql.Tx, insert *sql.Stmt) error {
	r := s.report
	var receipt [16]byte
	rand.Read(receipt[:])
	done, err := insert.Exec(s.source, r.ID, receipt[:], s.now, r.Kind, strings.Join(r.Subjects, "\n"), r.Href, r.Title, r.Language, r.Time,
		r.Category, r.Note, strings.Join(r.Links, "\n"), wire.StateReceived, s.now)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 1 {
		s.receipt = wire.Receipt{Receipt: hex.EncodeToString(receipt[:]), State: wire.StateReceived, Time: s.now}
		s.created = true
		return err
	}
	known, err := one(tx.Query(selectReport+` WHERE id = ?`, r.ID))
	switch {
	case err != nil:
		return err
	case !same(known.Report, r):
		s.err = ErrConflict
		return nil
	case known.State == wire.StateReceived:
		var done sql.Result
		done, err = tx.Exec(`UPDATE report SET
			category = CASE ?1 WHEN '' THEN category ELSE ?1 END,
			note = CASE ?2 WHEN '' THEN note ELSE ?2 END
			WHERE id = ?3 AND (?1 NOT IN ('', category) OR ?2 NOT IN ('', note))`, r.Category, r.Note, r.ID)
		if err != nil {
			return err
		}
		if n, _ := done.RowsAffected(); n == 1 {
			_, err = tx.Exec(`INSERT INTO amendment (report) VALUES (?)`, known.Seq)
		}
	}
	s.receipt = known.Acknowledgement()
	return err
}

// same compares what the sender cannot change afterwards. The subjects follow from
// the address, where there is one: a server that has learned a new platform between
// two tries of one report names more of them.
func same(a, b wire.Report) bool {
	return a.Kind == b.Kind && a.Href == b.Href && a.Title == b.Title && a.Language == b.Language && a.Time == b.Time &&
		(a.Href != "" || slices.Equal(a.Subjects, b.Subjects))
}
