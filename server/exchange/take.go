package exchange

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/feed"
	"khien/server/publish"
	"khien/shared/subject"
)

// apply takes a run: its claims, and what the ledger hears of them, in parts, between which nothing is released. Where
// it is broken off, finish does it again, and comes to the same.
func (h *holder) apply(r *Run, s Status, l *list, verb audit.Verb, progress Progress) error {
	protection, err := h.protect()
	if err != nil {
		return err
	}
	mark := "source " + s.Name
	r.State = Applying
	err = h.change(func(tx *sql.Tx) error {
		if err := h.note(tx, r); err != nil {
			return err
		}
		return h.ledger.Begin(h.ctx, tx, mark, r.Actor, h.unix())
	})
	if err != nil {
		return err
	}
	// What is to be written is found while what was found before is written.
	var done settled
	parts, group := make(chan []step, 1), errgroup.Group{}
	failed := make(chan struct{})
	group.Go(func() error {
		n := 0
		for some := range parts {
			err := h.change(func(tx *sql.Tx) error {
				sum, err := h.write(tx, protection, s, some)
				done.listed, done.left, done.asked = done.listed+sum.listed, done.left+sum.left, done.asked+sum.asked
				return err
			})
			if err != nil {
				close(failed)
				return err
			}
			n += len(some)
			progress.at("take", n)
			h.giveWay(h.ctx)
		}
		return nil
	})
	var some []step
	write := func() error {
		select {
		case parts <- some:
			some = make([]step, 0, part)
			return nil
		case <-failed:
			return errStopped
		}
	}
	err = h.differ(r, s, l, func(one step) error {
		if some = append(some, one); len(some) < part {
			return nil
		}
		return write()
	})
	if err == nil && len(some) > 0 {
		err = write()
	}
	close(parts)
	if wrong := group.Wait(); wrong != nil {
		err = wrong
	}
	if err != nil {
		return err
	}
	r.State, r.Ended = Accepted, h.unix()
	r.Numbers.Listed, r.Numbers.Left, r.Numbers.Asked = done.listed, done.left, done.asked
	err = h.change(func(tx *sql.Tx) error {
		if err := h.note(tx, r); err != nil {
			return err
		}
		news := s.News
		if r.Numbers.New+r.Numbers.Changed+r.Numbers.Gone > 0 {
			news = h.unix()
		}
		got := r.Fetched
		if _, err := tx.ExecContext(h.ctx, `UPDATE source SET tag = ?, modified = ?, pin = ?, cursor = ?, digest = ?, base = ?, taken = ?, news = ? WHERE id = ?`,
			got.Tag, got.Modified, got.Pin, got.Cursor, readAs(s.Source, got), r.ID, h.unix(), news, s.ID); err != nil {
			return err
		}
		// What is gone for long is told by nobody any more.
		if _, err := tx.ExecContext(h.ctx, `DELETE FROM claim WHERE source = ? AND gone > 0 AND gone < ?`, s.ID, h.unix()-remembered); err != nil {
			return err
		}
		if _, err := tx.ExecContext(h.ctx, `DELETE FROM run WHERE source = ?1 AND state IN ('failed', 'dropped', 'accepted') AND id <> ?2
			AND id NOT IN (SELECT id FROM run WHERE source = ?1 ORDER BY id DESC LIMIT 100)`, s.ID, r.ID); err != nil {
			return err
		}
		if err := h.ledger.End(h.ctx, tx, mark); err != nil {
			return err
		}
		return h.act(tx, r, verb)
	})
	if err == nil {
		h.sweep()
	}
	return err
}

// remembered is for how many seconds is kept what a source says no more.
const remembered = 90 * day

// errStopped ends the search for what is to be written, where that can't be.
var errStopped = errors.New("what was found can't be written")

// giving is how long who writes many parts steps back after each, so that programs that wait for their turn get it.
const giving = 5 * time.Millisecond

func (x *Exchange) giveWay(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(giving):
	}
}

// write takes some claims, and what follows.
func (h *holder) write(tx *sql.Tx, protection *publish.Protection, s Status, some []step) (settled, error) {
	j, err := h.judge(h.ctx, tx, protection)
	if err != nil {
		return settled{}, err
	}
	type row struct {
		Subject   subject.Subject `json:"subject"`
		ID        string          `json:"id"`
		Address   string          `json:"address"`
		First     int64           `json:"first"`
		Last      int64           `json:"last"`
		Lapses    int64           `json:"lapses"`
		Turns     int64           `json:"turns"`
		Weight    feed.Weight     `json:"weight"`
		Hacked    int64           `json:"hacked"`
		Sure      int             `json:"sure"`
		TLP       feed.TLP        `json:"tlp"`
		Category  int64           `json:"category"`
		Reference string          `json:"reference"`
		Said      string          `json:"said"`
		Print     int64           `json:"print"`
	}
	var rows []row
	var gones, all []subject.Subject
	now := h.unix()
	for _, c := range some {
		all = append(all, c.Subject)
		if c.is == gone {
			gones = append(gones, c.Subject)
			continue
		}
		one := row{c.Subject, c.ID, c.Address, min(c.First, now), min(c.Last, now), c.ends, c.turn, c.Weight, 0, c.Sure, c.TLP, int64(c.Category), c.Reference, c.Text, c.print}
		if c.Hacked {
			one.Hacked = 1
		}
		rows = append(rows, one)
	}
	if len(rows) > 0 {
		text, err := json.Marshal(rows)
		if err != nil {
			return settled{}, err
		}
		_, err = tx.ExecContext(h.ctx, `WITH these AS MATERIALIZED (SELECT value FROM json_each(?3))
			INSERT INTO claim (source, subject, id, address, first, last, came, gone, lapses, turns, weight, hacked, sure, tlp, category, reference, said, print)
			SELECT CAST(?1 AS BIGINT), value ->> 'subject', value ->> 'id', value ->> 'address', CAST(value ->> 'first' AS BIGINT), CAST(value ->> 'last' AS BIGINT), CAST(?2 AS BIGINT), 0,
				CAST(value ->> 'lapses' AS BIGINT), CAST(value ->> 'turns' AS BIGINT), CAST(value ->> 'weight' AS BIGINT), CAST(value ->> 'hacked' AS BIGINT),
				CAST(value ->> 'sure' AS BIGINT), value ->> 'tlp', CAST(value ->> 'category' AS BIGINT), value ->> 'reference', value ->> 'said', CAST(value ->> 'print' AS BIGINT)
			FROM these WHERE true
			ON CONFLICT (source, subject) DO UPDATE SET id = excluded.id, address = excluded.address, first = excluded.first, last = excluded.last, gone = 0,
				lapses = excluded.lapses, turns = excluded.turns, weight = excluded.weight, hacked = excluded.hacked, sure = excluded.sure, tlp = excluded.tlp,
				category = excluded.category, reference = excluded.reference, said = excluded.said, print = excluded.print`, s.ID, now, string(text))
		if err != nil {
			return settled{}, err
		}
	}
	if len(gones) > 0 {
		text, err := json.Marshal(gones)
		if err != nil {
			return settled{}, err
		}
		_, err = tx.ExecContext(h.ctx, `WITH these AS MATERIALIZED (SELECT value FROM json_each(?3))
			UPDATE claim SET gone = ?1 FROM these WHERE claim.source = ?2 AND claim.subject = these.value AND claim.gone = 0`, now, s.ID, string(text))
		if err != nil {
			return settled{}, err
		}
	}
	return h.settle(h.ctx, tx, j, "source "+s.Name, all, len(gones) > 0)
}

// finish does again what was broken off: a run that is taken in part, and what follows from a change of a source.
func (h *holder) finish(s Status) error {
	r, err := scanRun(h.db.QueryRowContext(h.ctx, selectRun+` WHERE r.source = ? AND r.state = 'applying' ORDER BY r.id DESC LIMIT 1`, s.ID))
	if err == nil { // of a removed source too: nothing is released before it is whole
		of := s
		if err := json.Unmarshal([]byte(r.config), &of.Source); err != nil {
			return err
		}
		list, err := h.read(&r, of, nil)
		if err == nil {
			defer list.close()
			if err := h.apply(&r, of, list, audit.TakeRun, nil); err != nil {
				return err
			}
		} else if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errFile) { // the next list decides
			err = h.change(func(tx *sql.Tx) error {
				_, err := tx.ExecContext(h.ctx, `UPDATE run SET state = 'failed', ended = ?, trouble = 'its file is lost' WHERE id = ?`, h.unix(), r.ID)
				return err
			})
			if err != nil {
				return err
			}
		} else {
			return err
		}
	} else if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return h.Settle(h.ctx, s.Name)
}

// Finish does for all sources what was broken off.
func (x *Exchange) Finish(ctx context.Context) error {
	names, err := db.All(func(row db.Row) (s string, err error) { return s, row.Scan(&s) })(x.db.QueryContext(ctx,
		`SELECT name FROM source WHERE unsettled > 0 OR EXISTS (SELECT 1 FROM run WHERE run.source = source.id AND state = 'applying') ORDER BY name`))
	if err != nil {
		return err
	}
	var failed []error
	for _, name := range names {
		h, s, err := x.hold(ctx, name)
		if errors.Is(err, ErrBusy) { // somebody is at it
			continue
		}
		if err == nil {
			err = h.finish(s)
			h.end()
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

var errFile = errors.New("what was fetched is not what it was")

// openFetched opens what was fetched, if it is byte for byte what it was then.
func (x *Exchange) openFetched(digest string) (*os.File, error) {
	if raw, err := hex.DecodeString(digest); err != nil || len(raw) != sha256.Size {
		return nil, errFile
	}
	file, err := os.Open(filepath.Join(x.folder, digest))
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	if _, err = io.Copy(sum, file); err == nil && hex.EncodeToString(sum.Sum(nil)) != digest {
		err = errFile
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// sweep removes the files that no run needs any more; what cannot be removed is so at the next time.
func (h *holder) sweep() {
	needed := map[string]bool{}
	for name, err := range db.Each(func(row db.Row) (s string, err error) { return s, row.Scan(&s) })(h.db.QueryContext(h.ctx,
		`SELECT file FROM run WHERE state IN ('running', 'waiting', 'applying')`)) {
		if err != nil {
			return
		}
		needed[name] = true
	}
	entries, err := os.ReadDir(h.folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || needed[e.Name()] || !e.Type().IsRegular() || len(e.Name()) != 2*sha256.Size || time.Since(info.ModTime()) < time.Hour {
			continue
		}
		os.Remove(filepath.Join(h.folder, e.Name()))
	}
}
