package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"khien/server/db"
	"khien/shared/subject"
)

// ErrImporting is a list of which a part is in the ledger: what follows from half of it is not to be published.
var ErrImporting = errors.New("a list is being imported, and nothing is published before all of it is there; " +
	"where that was broken off, import the same file again, or run the source again that it came from (khien source run NAME), " +
	"or let stand what is there (khien import --as-it-is)")

const (
	// part is how many indicators are imported in one change.
	part = 1000
	// giving is how long the import steps back after each, so that programs that wait for their turn at a file get it.
	giving = 10 * time.Millisecond
)

// Import lists many indicators, some at a time, so that nobody waits long for a turn. What is listed already is left as
// it is and counted as a duplicate; what was withdrawn before stays withdrawn, since a person decided so, and counts as
// one too. A list of several parts that is broken off is unfinished, and Seq ErrImporting, until the same is imported
// again, which goes on where it was.
func (l *Ledger) Import(ctx context.Context, actor string, list []Indicator) (added, duplicates int, err error) {
	sum := sha256.New()
	for _, i := range list {
		io.WriteString(sum, string(i.Subject)+"\n")
	}
	digest := hex.EncodeToString(sum.Sum(nil))
	for at := 0; at < len(list); at += part {
		some := list[at:min(at+part, len(list))]
		first, last := at == 0, at+part >= len(list)
		if !first {
			select {
			case <-ctx.Done():
			case <-time.After(giving):
			}
		}
		n := 0
		err := l.change(ctx, func(tx *transaction) (err error) {
			if n, err = tx.importSome(actor, some); err == nil && first && !last {
				_, err = tx.exec(`INSERT INTO importing (digest, actor, begun) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, digest, actor, tx.now)
			}
			if err == nil && last {
				_, err = tx.exec(`DELETE FROM importing WHERE digest = ?`, digest)
			}
			return err
		})
		if err != nil {
			return added, duplicates, fmt.Errorf("couldn't import: %w", err)
		}
		added, duplicates = added+n, duplicates+len(some)-n
	}
	return added, duplicates, nil
}

// AsItIs lets stand what unfinished imports have brought, as if that were all of them, and returns how many there were.
func (l *Ledger) AsItIs(ctx context.Context) (n int64, err error) {
	err = l.change(ctx, func(tx *transaction) error {
		done, err := tx.exec(`DELETE FROM importing`)
		if err == nil {
			n, err = done.RowsAffected()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("couldn't end the imports: %w", err)
	}
	return n, nil
}

// whole is ErrImporting while an import is unfinished.
func whole(ctx context.Context, q db.Reader) error {
	var half bool
	if err := q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM importing)`).Scan(&half); err != nil {
		return fmt.Errorf("couldn't read the imports: %w", err)
	}
	if half {
		return ErrImporting
	}
	return nil
}

// importSome imports some indicators with a few statements, whatever their number, and returns how many are new.
func (t *transaction) importSome(actor string, some []Indicator) (int, error) {
	names := make([]subject.Subject, len(some))
	for n, i := range some {
		names[n] = i.Subject
	}
	text, err := json.Marshal(names)
	if err != nil {
		return 0, err
	}
	there := map[subject.Subject]row{}
	for one, err := range db.Each(scan)(t.tx.QueryContext(t.ctx, selectIndicator+` WHERE subject IN (SELECT value FROM json_each(?))`, string(text))) {
		if err != nil {
			return 0, err
		}
		there[one.Subject] = one
	}
	var fresh []entering
	for _, i := range some {
		before, known := there[i.Subject]
		if known && (before.withdrawn != 0 || !lapsed(before.Indicator, t.now)) {
			continue
		}
		fresh = append(fresh, entering{i, before.Indicator})
		there[i.Subject] = row{} // once more in the list, it is a duplicate
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	return len(fresh), t.put(actor, "import", fresh)
}
