// Package stream keeps what leaves the house, in the order in which it left: after each release, what it has changed is
// put behind all that was there. Whatever is handed on to partners (files, collections, notices) is a view of it, and
// nothing that is in no release is ever in it.
package stream

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"khien/server/db"
	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/subject"
)

// Object is one thing as the last release that changed it has it.
type Object struct {
	Position  int64 // rises by one or more from each to the next, and is never given twice
	Added     int64 // Unix milliseconds since when this can be read; rises with the position, no two have the same
	Made      int64 // Unix milliseconds when the subject could be read first, whatever became of it since
	Subject   subject.Subject
	Name      uuid.UUID // by which others know it: of the installation and the subject, and always the same
	Address   string    // at which it was first seen, with scheme, port and escapes; empty where the subject says as much
	Category  category.Category
	Source    string   // who listed it
	SaidBy    string   // the sources whose claims stood; may be empty
	Origins   []string // the names of the sources through whose claims alone it stands; empty where a person has listed it
	Reference string   // case number
	Reason    map[string]string
	FirstSeen int64    // Unix seconds
	Lapses    int64    // Unix seconds; 0 is never
	Withdrawn int64    // Unix seconds since when it is off the list; 0 is listed
	TLP       feed.TLP // to whom it may be told
}

// Listed tells whether it is on the list at now, in Unix seconds.
func (o Object) Listed(now int64) bool { return o.Withdrawn == 0 && (o.Lapses == 0 || o.Lapses > now) }

// Open is the address at which a browser finds it: where it was first seen, or else what the subject says; empty where
// it has none.
func (o Object) Open() string {
	return ledger.Indicator{Subject: o.Subject, Address: o.Address}.Open()
}

// By is who says so, for the public: see ledger.Indicator.By.
func (o Object) By() string { return ledger.Indicator{Source: o.Source, SaidBy: o.SaidBy}.By() }

// Stream is safe for concurrent use, by several processes too.
type Stream struct {
	db      *db.DB
	sources *exchange.Exchange
	space   uuid.UUID
	now     func() time.Time
}

//go:embed tables/*.sql
var files embed.FS

// Tables are what it keeps in the office's database.
var Tables = db.Tables{Package: "stream", Files: files}

// Open opens the stream in a database that has its tables, those of the ledger and those of the exchange. Root is the
// public root key, by which one installation is told from all others.
func Open(office *db.DB, sources *exchange.Exchange, root string) *Stream {
	return &Stream{office, sources, Space(root), time.Now}
}

// Space is that of the names which an installation gives (RFC 9562 section 5.5).
func Space(root string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceURL, []byte("khien:"+root)) }

// Name is by what others know a subject, or what stands for it where it leaves hidden.
func Name(space uuid.UUID, text string) uuid.UUID {
	return uuid.NewSHA1(space, []byte("indicator\n"+text))
}

// together is how many decisions are followed in one change: nobody else waits for more.
const together = 1000

// Follow puts into the stream what the releases have changed since it was called last, and tells how many objects that
// were. What was decided after the newest release waits for the next one, even where it is about something that a
// release has, since nobody may read yet what it is now.
func (s *Stream) Follow(ctx context.Context, book *ledger.Ledger) (n int, err error) {
	for more := true; more; {
		var some int
		if some, more, err = s.follow(ctx, book); err != nil {
			return n, fmt.Errorf("couldn't bring the stream up to the release: %w", err)
		}
		n += some
	}
	return n, nil
}

func (s *Stream) follow(ctx context.Context, book *ledger.Ledger) (n int, more bool, err error) {
	var last int64
	released, err := book.Released(ctx)
	if err == nil {
		err = s.db.QueryRowContext(ctx, `SELECT decided FROM streamed`).Scan(&last)
	}
	if err != nil || last >= released {
		return 0, false, err
	}
	err = s.db.Change(ctx, func(tx *sql.Tx) error {
		book := book.In(tx)
		var position, added int64
		if err := tx.QueryRowContext(ctx, `SELECT decided, position, added FROM streamed`).Scan(&last, &position, &added); err != nil {
			return err
		}
		decisions, err := book.Between(ctx, last, released, together)
		if err != nil {
			return err
		}
		if last = released; len(decisions) == together {
			last, more = decisions[together-1].Seq, true
		}
		later, err := book.LaterThan(ctx, released, decisions)
		if err != nil {
			return err
		}
		var subjects []subject.Subject
		seen := map[subject.Subject]bool{}
		for _, d := range decisions {
			if !seen[d.Subject] && !later[d.Subject] {
				seen[d.Subject] = true
				subjects = append(subjects, d.Subject)
			}
		}
		entries, err := book.Entries(ctx, subjects)
		if err != nil {
			return err
		}
		labels, err := s.sources.Labels(ctx, tx, subjects)
		if err != nil {
			return err
		}
		added = max(added, s.now().UnixMilli()-1)
		var objects []Object
		for _, name := range subjects {
			entry, ok := entries[name]
			if !ok {
				continue
			}
			position++
			added++
			o := object(entry, labels[name], position, added)
			o.Name = Name(s.space, string(name))
			objects = append(objects, o)
		}
		if n, err = put(ctx, tx, objects); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE streamed SET decided = ?, position = ?, added = ?`, last, position, added)
		return err
	})
	return n, more, err
}

// object is an entry of the ledger as it leaves.
func object(e ledger.Entry, l exchange.Label, position, added int64) Object {
	o := Object{Position: position, Added: added, Made: added, Subject: e.Subject, Address: e.Address, Category: e.Category, Source: e.Source,
		SaidBy: e.SaidBy, Reference: e.Reference, Reason: e.Reason, FirstSeen: e.FirstSeen, Lapses: e.Lapses, Withdrawn: e.Withdrawn, TLP: feed.Clear}
	if e.Claimed {
		o.Origins, o.TLP = l.Sources, l.TLP
	}
	return o
}

// put writes objects at the end. One that was there stands there no more, but keeps when it was made; one of which
// nothing has ever left is not told about when it is taken off. It tells how many it wrote.
func put(ctx context.Context, tx *sql.Tx, objects []Object) (int, error) {
	text, err := json.Marshal(objects)
	if err != nil {
		return 0, err
	}
	const these = `WITH these AS (SELECT value AS v FROM json_each(?)) `
	done, err := tx.ExecContext(ctx, these+`INSERT INTO stream (position, added, made, subject, name, address, category, source, said_by, origins, reference, reason, first_seen, lapses, withdrawn, tlp)
		SELECT CAST(v ->> 'Position' AS BIGINT), CAST(v ->> 'Added' AS BIGINT), CAST(v ->> 'Made' AS BIGINT), v ->> 'Subject', v ->> 'Name', v ->> 'Address',
			CAST(v ->> 'Category' AS BIGINT), v ->> 'Source', v ->> 'SaidBy', coalesce(v ->> 'Origins', '[]'), v ->> 'Reference', coalesce(v ->> 'Reason', '{}'),
			CAST(v ->> 'FirstSeen' AS BIGINT), CAST(v ->> 'Lapses' AS BIGINT), CAST(v ->> 'Withdrawn' AS BIGINT), v ->> 'TLP' FROM these
		WHERE CAST(v ->> 'Withdrawn' AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM stream AS s WHERE s.subject = v ->> 'Subject')
		ON CONFLICT (subject) DO UPDATE SET position = excluded.position, added = excluded.added, address = excluded.address, category = excluded.category,
			source = excluded.source, said_by = excluded.said_by, reference = excluded.reference, reason = excluded.reason, first_seen = excluded.first_seen,
			lapses = excluded.lapses, withdrawn = excluded.withdrawn,
			origins = CASE excluded.withdrawn WHEN 0 THEN excluded.origins ELSE stream.origins END,
			tlp = CASE excluded.withdrawn WHEN 0 THEN excluded.tlp ELSE stream.tlp END`, string(text))
	if err != nil {
		return 0, err
	}
	n, err := done.RowsAffected()
	return int(n), err
}

const selectObject = `SELECT position, added, made, subject, name, address, category, source, said_by, origins, reference, reason, first_seen, lapses, withdrawn, tlp FROM stream`

func scan(row db.Row) (o Object, err error) {
	var origins, reason string
	if err = row.Scan(&o.Position, &o.Added, &o.Made, &o.Subject, &o.Name, &o.Address, &o.Category, &o.Source, &o.SaidBy, &origins, &o.Reference, &reason,
		&o.FirstSeen, &o.Lapses, &o.Withdrawn, &o.TLP); err != nil {
		return o, err
	}
	if origins != "[]" {
		err = json.Unmarshal([]byte(origins), &o.Origins)
	}
	if err == nil && reason != "{}" {
		err = json.Unmarshal([]byte(reason), &o.Reason)
	}
	return o, err
}

// After returns the objects behind a position, at most limit, in their order.
func (s *Stream) After(ctx context.Context, position int64, limit int) ([]Object, error) {
	list, err := db.All(scan)(s.db.QueryContext(ctx, selectObject+` WHERE position > ? ORDER BY position LIMIT ?`, position, limit))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the stream: %w", err)
	}
	return list, nil
}

// Before is the last position of what could be read at a time, in Unix milliseconds: behind it stands what is newer.
func (s *Stream) Before(ctx context.Context, added int64) (position int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT coalesce(max(position), 0) FROM stream WHERE added = (SELECT max(added) FROM stream WHERE added <= ?)`, added).Scan(&position)
	if err != nil {
		return 0, fmt.Errorf("couldn't read the stream: %w", err)
	}
	return position, nil
}

// Of returns what stands in the stream about each of some subjects; what never was in a release is not in it.
func (s *Stream) Of(ctx context.Context, subjects []subject.Subject) (map[subject.Subject]Object, error) {
	names, err := json.Marshal(subjects)
	if err != nil {
		return nil, err
	}
	there := map[subject.Subject]Object{}
	for o, err := range db.Each(scan)(s.db.QueryContext(ctx, selectObject+` WHERE subject IN (SELECT value FROM json_each(?))`, string(names))) {
		if err != nil {
			return nil, fmt.Errorf("couldn't read the stream: %w", err)
		}
		there[o.Subject] = o
	}
	return there, nil
}

// Named returns the object of a name; there is none where ok is false.
func (s *Stream) Named(ctx context.Context, name uuid.UUID) (o Object, ok bool, err error) {
	o, err = scan(s.db.QueryRowContext(ctx, selectObject+` WHERE name = ?`, name.String()))
	if errors.Is(err, sql.ErrNoRows) {
		return o, false, nil
	}
	if err != nil {
		return o, false, fmt.Errorf("couldn't read the stream: %w", err)
	}
	return o, true, nil
}

// First is the time of the first object, in Unix milliseconds, and 0 where there is none.
func (s *Stream) First(ctx context.Context) (added int64, err error) {
	if err = s.db.QueryRowContext(ctx, `SELECT coalesce((SELECT made FROM stream ORDER BY made LIMIT 1), 0)`).Scan(&added); err != nil {
		return 0, fmt.Errorf("couldn't read the stream: %w", err)
	}
	return added, nil
}

// All yields everything, in the order of the subjects: what is listed, and what has been.
func (s *Stream) All(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for o, err := range db.Each(scan)(s.db.QueryContext(ctx, selectObject+` ORDER BY subject`)) {
			if err != nil {
				err = fmt.Errorf("couldn't read the stream: %w", err)
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// End is the last position that was given, and its time in Unix milliseconds.
func (s *Stream) End(ctx context.Context) (position, added int64, err error) {
	if err = s.db.QueryRowContext(ctx, `SELECT position, added FROM streamed`).Scan(&position, &added); err != nil {
		return 0, 0, fmt.Errorf("couldn't read the stream: %w", err)
	}
	return position, added, nil
}
