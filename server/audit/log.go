package audit

import (
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"khien/server/bidi"
	"khien/server/db"
)

// Record appends an act to the log, within the change that it is about. What is no text is written down as one.
func Record(ctx context.Context, tx *sql.Tx, a Act) error {
	for _, text := range []*string{&a.Actor, &a.Object.ID, &a.Why.Text} {
		*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "�"), "\x00", "�")
	}
	a.args = a.encode()
	if read := (Act{}); read.decode(a.args) != nil { // a byte that is no text is read as another than it was written as
		a.Args, a.Why.Proof = read.Args, read.Why.Proof
		a.args = a.encode()
	}
	if err := a.check(); err != nil {
		return err
	}
	var before []byte
	err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`).Scan(&a.Seq, &before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	a.Seq++
	var last [32]byte
	copy(last[:], before)
	hash := a.sum(last)
	_, err = tx.ExecContext(ctx, `INSERT INTO audit (seq, time, actor, verb, object, args, why, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		a.Seq, a.Time, a.Actor, string(a.Verb), a.Object.String(), a.args, a.Why.Text, hash[:])
	return err
}

const selectAct = `SELECT seq, time, actor, verb, object, args, why, hash FROM audit`

func scan(row db.Row) (a Act, err error) {
	var object string
	var hash []byte
	err = row.Scan(&a.Seq, &a.Time, &a.Actor, &a.Verb, &object, &a.args, &a.Why.Text, &hash)
	copy(a.Hash[:], hash)
	if a.Object = objectOf(object); err != nil || a.Verb == Said {
		return a, err
	}
	_, known := verbs[a.Verb]
	a.odd = !known || a.decode(a.args) != nil
	return a, nil
}

// Filter picks entries; the zero value picks all.
type Filter struct {
	Actor, Object string
	Since         int64 // Unix seconds
	Before        int64 // the number of an entry, or 0
}

// where picks the entries of the filter, so that the index over objects finds the few of one object, and else those
// over actors and times what is asked for.
func (f Filter) where() (text string, args []any) {
	actor, before := "actor = ?", "(time, seq) < (SELECT time, seq FROM audit WHERE seq = ?)"
	if f.Object != "" {
		actor = "actor || '' = ?"
	}
	if !f.byTime() {
		before = "seq < ?"
	}
	for _, one := range []struct {
		term  string
		value any
		asked bool
	}{
		{actor, f.Actor, f.Actor != ""}, {"object = ?", f.Object, f.Object != ""}, {"time >= ?", f.Since, f.Since != 0}, {before, f.Before, f.Before != 0},
	} {
		if one.asked {
			text, args = text+" AND "+one.term, append(args, one.value)
		}
	}
	return strings.Replace(text, " AND", " WHERE", 1), args
}

// byTime tells whether the newest entries are those with the latest times: the same as by their numbers, unless a clock
// went back.
func (f Filter) byTime() bool { return f.Object == "" && (f.Actor != "" || f.Since != 0) }

// Acts yields entries of the log, the oldest first.
func Acts(ctx context.Context, q db.Reader, f Filter) iter.Seq2[Act, error] {
	where, args := f.where()
	return db.Each(scan)(q.QueryContext(ctx, selectAct+where+` ORDER BY seq`, args...))
}

// Newest are at most limit entries of the log, the newest first.
func Newest(ctx context.Context, q db.Reader, f Filter, limit int) ([]Act, error) {
	where, args := f.where()
	order := " ORDER BY seq DESC LIMIT ?"
	if f.byTime() {
		order = " ORDER BY time DESC, seq DESC LIMIT ?"
	}
	acts, err := db.All(scan)(q.QueryContext(ctx, selectAct+where+order, append(args, limit)...))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the audit log: %w", err)
	}
	return acts, nil
}

// Mark is an entry that somebody has noted outside of the log: its number, or 0 where it wasn't noted, and its hash.
type Mark struct {
	Seq  int64
	Hash [32]byte
}

// Last is the mark of the last entry; the zero one of an empty log.
func Last(ctx context.Context, q db.Reader) (Mark, error) {
	return at(ctx, q, `ORDER BY seq DESC LIMIT 1`)
}

// Has tells whether the entry of a mark is in the log.
func Has(ctx context.Context, q db.Reader, m Mark) (bool, error) {
	found, err := at(ctx, q, `WHERE seq = ?`, m.Seq)
	return err == nil && found == m, err
}

func at(ctx context.Context, q db.Reader, which string, args ...any) (m Mark, err error) {
	var hash []byte
	err = q.QueryRowContext(ctx, `SELECT seq, hash FROM audit `+which, args...).Scan(&m.Seq, &hash)
	copy(m.Hash[:], hash)
	if errors.Is(err, sql.ErrNoRows) {
		return Mark{}, nil
	}
	return m, err
}

// ParseMark reads what "khien audit verify" prints, such as "12:5f3a…", or the hash alone.
func ParseMark(text string) (m Mark, err error) {
	hash := text
	if number, rest, ok := strings.Cut(text, ":"); ok {
		hash = rest
		if m.Seq, err = strconv.ParseInt(number, 10, 64); err != nil || m.Seq < 1 {
			return Mark{}, errMark
		}
	}
	sum, err := hex.DecodeString(hash)
	if err != nil || len(sum) != len(m.Hash) {
		return Mark{}, errMark
	}
	copy(m.Hash[:], sum)
	if m.Hash == [len(m.Hash)]byte{} { // no entry has it: it stands for none
		return Mark{}, errMark
	}
	return m, nil
}

var errMark = errors.New("not a number and a hash of 64 hex digits, such as 12:5f3a…")

func (m Mark) String() string { return fmt.Sprintf("%d:%x", m.Seq, m.Hash) }

// ErrAudit is an audit log that was changed after it was written; the error is a *Broken.
var ErrAudit = errors.New("the audit log is not whole")

// Broken says what is wrong with a log.
type Broken struct {
	What  string // changed, noted, missing or none: see Text
	Entry int64
	Left  int64 // entries that are left
}

func (b *Broken) Error() string { return ErrAudit.Error() + ": " + bidi.Bare(b.Text("en")) }
func (b *Broken) Unwrap() error { return ErrAudit }

// Verify reads the whole log and returns the mark of its last entry, or a *Broken. Whoever has noted a mark once can
// see later whether what came before is still the same: the log must hold each that is given and is not the zero one.
// The numbers of entries are without gaps, an entry is written as acts are, and once there was an act there are no
// sentences any more.
func Verify(ctx context.Context, q db.Reader, noted ...Mark) (last Mark, err error) {
	found := make([]bool, len(noted))
	acts := false
	for a, err := range Acts(ctx, q, Filter{}) {
		if err != nil {
			return Mark{}, fmt.Errorf("couldn't read the audit log: %w", err)
		}
		last.Seq++
		if a.Seq != last.Seq || a.Verb == Said && acts || a.Verb != Said && (a.odd || a.check() != nil) || a.Hash != a.sum(last.Hash) {
			return Mark{}, &Broken{What: "changed", Entry: last.Seq}
		}
		last.Hash, acts = a.Hash, a.Verb != Said
		for i, m := range noted {
			if last.Hash == m.Hash && (m.Seq == 0 || m.Seq == last.Seq) {
				found[i] = true
			}
			if last.Seq == m.Seq && !found[i] {
				return Mark{}, &Broken{What: "noted", Entry: m.Seq}
			}
		}
	}
	for i, m := range noted {
		switch {
		case found[i] || m == Mark{}:
		case m.Seq > last.Seq:
			return Mark{}, &Broken{What: "missing", Entry: m.Seq, Left: last.Seq}
		default:
			return Mark{}, &Broken{What: "none", Left: last.Seq}
		}
	}
	return last, nil
}

// Formats are those of Write.
var Formats = []string{"jsonl", "csv"}

// Write writes acts for others: as one JSON object a line, from which the hashes can be computed again, or as a table
// for people. Cell makes a text harmless for a spreadsheet.
func Write(w io.Writer, format string, cell func(string) string, acts iter.Seq2[Act, error]) error {
	if format == "csv" {
		return writeCSV(w, cell, acts)
	}
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for a, err := range acts {
		if err != nil {
			return fmt.Errorf("couldn't read the audit log: %w", err)
		}
		var args any = a.args
		if a.Verb != Said && !a.odd {
			args = json.RawMessage(a.args)
		}
		err := lines.Encode(struct {
			Seq    int64  `json:"seq"`
			Time   int64  `json:"time"`
			Actor  string `json:"actor"`
			Verb   Verb   `json:"verb"`
			Object string `json:"object"`
			Args   any    `json:"args"`
			Why    string `json:"why"`
			Hash   string `json:"hash"`
			What   string `json:"what"`
		}{a.Seq, a.Time, a.Actor, a.Verb, a.Object.String(), args, a.Why.Text, hex.EncodeToString(a.Hash[:]), bidi.Bare(a.What("en"))})
		if err != nil {
			return err
		}
	}
	return nil
}

func writeCSV(w io.Writer, cell func(string) string, acts iter.Seq2[Act, error]) error {
	table := csv.NewWriter(w)
	table.Write([]string{"seq", "time", "actor", "verb", "object", "what", "why", "hash"})
	for a, err := range acts {
		if err != nil {
			return fmt.Errorf("couldn't read the audit log: %w", err)
		}
		row := []string{strconv.FormatInt(a.Seq, 10), time.Unix(a.Time, 0).UTC().Format(time.RFC3339)}
		for _, text := range []string{a.Actor, string(a.Verb), a.Object.String(), bidi.Bare(a.What("en")), bidi.Bare(a.Because("en"))} {
			row = append(row, cell(text))
		}
		if err := table.Write(append(row, hex.EncodeToString(a.Hash[:]))); err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}
