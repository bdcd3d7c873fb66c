package triage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"khien/server/blob"
	"khien/server/db"
)

// ErrAudit is an audit log that was changed after it was written.
var ErrAudit = errors.New("the audit log is not whole")

// Act is one entry of the audit log: who did what to what, when and why.
type Act struct {
	Seq    int64 // from 1, without gaps
	Time   int64 // Unix seconds
	Actor  string
	Action string
	Object string // such as "case 17" or "person mai"
	Why    string
	Hash   [32]byte // over this entry and the hash of the one before
}

// Shell ends the name of whoever works on the command line. No person of the console has it, and whoever has the command line is one
// person, whatever account it runs under.
const Shell = "@shell"

// SamePerson tells whether two names may be those of one person: they are equal but for where somebody works, or both of the command line.
func SamePerson(a, b string) bool {
	first, here := strings.CutSuffix(a, Shell)
	second, there := strings.CutSuffix(b, Shell)
	return first == second || here && there
}

func fromShell(name string) bool { return strings.HasSuffix(name, Shell) }

// sum is SHA-256 over the hash of the entry before, the numbers as eight bytes, the most significant first, and
// each text with its length in front.
func (a Act) sum(before [32]byte) [32]byte {
	b := append([]byte(nil), before[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(a.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(a.Time))
	for _, text := range []string{a.Actor, a.Action, a.Object, a.Why} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}

// Counted says in English how many of something there are, as actions in the log do.
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// record appends an act to the log, within the change that it is about.
func record(ctx context.Context, tx *sql.Tx, a Act) error {
	var before []byte
	err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`).Scan(&a.Seq, &before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	a.Seq++
	var last [32]byte
	copy(last[:], before)
	hash := a.sum(last)
	_, err = tx.ExecContext(ctx, `INSERT INTO audit (seq, time, actor, action, object, why, hash) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		a.Seq, a.Time, a.Actor, a.Action, a.Object, a.Why, hash[:])
	return err
}

// Record appends acts that change nothing here, such as a publishing: all of them or none.
func (d *Desk) Record(ctx context.Context, acts ...Act) error {
	if len(acts) == 0 {
		return nil
	}
	return d.change(ctx, func(tx *sql.Tx) error {
		for _, a := range acts {
			if err := record(ctx, tx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// Acts yields the log from an entry on, the oldest first; an empty object stands for all of it.
func (d *Desk) Acts(ctx context.Context, object string, from int64) iter.Seq2[Act, error] {
	return acts(ctx, d.db, object, from)
}

func acts(ctx context.Context, q db.Reader, object string, from int64) iter.Seq2[Act, error] {
	return func(yield func(Act, error) bool) {
		rows, err := q.QueryContext(ctx, `SELECT seq, time, actor, action, object, why, hash FROM audit
			WHERE seq >= ?1 AND (?2 = '' OR object = ?2) ORDER BY seq`, from, object)
		if err != nil {
			yield(Act{}, fmt.Errorf("couldn't read the audit log: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var a Act
			var hash []byte
			err := rows.Scan(&a.Seq, &a.Time, &a.Actor, &a.Action, &a.Object, &a.Why, &hash)
			copy(a.Hash[:], hash)
			if !yield(a, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Act{}, fmt.Errorf("couldn't read the audit log: %w", err))
		}
	}
}

// Verify reads the whole log and returns how many entries it has and the hash of the last, in hex. Whoever has
// written that down once can see later, with VerifyFrom, whether what came before is still the same. An entry that
// was changed, left out or put in is ErrAudit, with its number, and so is an end that was cut off: the mark of the last
// entry is kept beside the database too.
func (d *Desk) Verify(ctx context.Context) (n int64, last string, err error) {
	return verify(ctx, d.db, d.kept())
}

// Mark is an entry that somebody has noted outside of the log: its number, or 0 where it wasn't noted, and its hash.
type Mark struct {
	Seq  int64
	Hash [32]byte
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

// VerifyFrom is Verify, and tells too whether an entry that was noted earlier is still in the log: else somebody has
// written it anew from there on, or cut off its end, and it is ErrAudit.
func (d *Desk) VerifyFrom(ctx context.Context, noted Mark) (n int64, last string, err error) {
	return verify(ctx, d.db, noted, d.kept())
}

func verify(ctx context.Context, q db.Reader, noted ...Mark) (n int64, last string, err error) {
	var before [32]byte
	found := make([]bool, len(noted))
	for a, err := range acts(ctx, q, "", math.MinInt64) { // also what was put in before the first
		if err != nil {
			return 0, "", err
		}
		if n++; a.Seq != n || a.Hash != a.sum(before) {
			return 0, "", fmt.Errorf("%w: entry %d", ErrAudit, n)
		}
		before = a.Hash
		for i, m := range noted {
			if before == m.Hash && (m.Seq == 0 || m.Seq == n) {
				found[i] = true
			}
			if n == m.Seq && !found[i] {
				return 0, "", fmt.Errorf("%w: entry %d is not the one that was noted", ErrAudit, n)
			}
		}
	}
	for i, m := range noted {
		switch {
		case found[i] || m == Mark{}:
		case m.Seq > n:
			return 0, "", fmt.Errorf("%w: entry %d is missing, %d are left", ErrAudit, m.Seq, n)
		default:
			return 0, "", fmt.Errorf("%w: none of the %d entries is the one that was noted", ErrAudit, n)
		}
	}
	return n, hex.EncodeToString(before[:]), nil
}

// kept is the mark that the desk itself has noted beside its database; none where there is no such file.
func (d *Desk) kept() Mark {
	text, err := blob.ReadPlain(d.mark, 1024)
	if err != nil {
		return Mark{}
	}
	m, err := ParseMark(strings.TrimSpace(string(text)))
	if err != nil {
		return Mark{}
	}
	return m
}

// keepMark notes the last entry beside the database, so that a log whose end was cut off is found out without a note of
// somebody. A mark that the log does not hold any more stays: what comes after it must not cover that up. It is a help, and
// what can't be written fails nothing.
func (d *Desk) keepMark(ctx context.Context) {
	var last Mark
	var hash []byte
	if err := d.db.QueryRowContext(ctx, `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`).Scan(&last.Seq, &hash); err != nil {
		return
	}
	copy(last.Hash[:], hash)
	before := d.kept()
	if before == last {
		return
	}
	if before != (Mark{}) {
		if err := d.db.QueryRowContext(ctx, `SELECT hash FROM audit WHERE seq = ?`, before.Seq).Scan(&hash); err != nil || !bytes.Equal(hash, before.Hash[:]) {
			return
		}
	}
	fresh, err := os.CreateTemp(filepath.Dir(d.mark), "audit.mark-*")
	if err != nil {
		return
	}
	defer os.Remove(fresh.Name()) // of no effect once it has moved
	_, err = fmt.Fprintln(fresh, last)
	if closed := fresh.Close(); err == nil && closed == nil {
		os.Rename(fresh.Name(), d.mark)
	}
}
