package triage

import (
	"context"
	"database/sql"
	"iter"
	"strings"

	"khien/server/audit"
	"khien/server/blob"
)

// Shell ends the name of whoever works on the command line. No person of the console has it, and whoever has the
// command line is one person, whatever account it runs under.
const Shell = "@shell"

// SamePerson tells whether two names may be those of one person: they are equal but for where somebody works, or both
// of the command line.
func SamePerson(a, b string) bool {
	first, here := strings.CutSuffix(a, Shell)
	second, there := strings.CutSuffix(b, Shell)
	return first == second || here && there
}

func fromShell(name string) bool { return strings.HasSuffix(name, Shell) }

// Record appends acts that change nothing here, such as a publishing: all of them or none.
func (d *Desk) Record(ctx context.Context, acts ...audit.Act) error {
	if len(acts) == 0 {
		return nil
	}
	return d.Recorded(ctx, func(*sql.Tx) ([]audit.Act, error) { return acts, nil })
}

// Recorded runs f in a change and appends its acts: what the log doesn't take doesn't happen.
func (d *Desk) Recorded(ctx context.Context, f func(*sql.Tx) ([]audit.Act, error)) error {
	return d.change(ctx, func(tx *sql.Tx) error {
		acts, err := f(tx)
		if err != nil {
			return err
		}
		for _, a := range acts {
			if err := audit.Record(ctx, tx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// Acts yields entries of the audit log, the oldest first.
func (d *Desk) Acts(ctx context.Context, f audit.Filter) iter.Seq2[audit.Act, error] {
	return audit.Acts(ctx, d.db, f)
}

// Log returns at most limit entries of the audit log, the newest first.
func (d *Desk) Log(ctx context.Context, f audit.Filter, limit int) ([]audit.Act, error) {
	return audit.Newest(ctx, d.db, f, limit)
}

// Last is the mark of the last entry of the audit log.
func (d *Desk) Last(ctx context.Context) (audit.Mark, error) { return audit.Last(ctx, d.db) }

// Verify is audit.Verify. An end that was cut off is found out without a mark of somebody too: that of the last entry
// is kept beside the database.
func (d *Desk) Verify(ctx context.Context, noted ...audit.Mark) (last audit.Mark, err error) {
	return audit.Verify(ctx, d.db, append(noted, d.kept())...)
}

// kept is the mark that the desk itself has noted beside its database; none where there is no such file.
func (d *Desk) kept() audit.Mark {
	text, err := blob.ReadPlain(d.mark, 1024)
	if err != nil {
		return audit.Mark{}
	}
	m, err := audit.ParseMark(strings.TrimSpace(string(text)))
	if err != nil {
		return audit.Mark{}
	}
	return m
}

// keepMark notes the last entry beside the database. A mark that the log does not hold any more stays: what comes after
// it must not cover that up. It is a help, and what can't be written fails nothing.
func (d *Desk) keepMark(ctx context.Context) {
	for range 3 { // another server may have noted a later one meanwhile, which this one has written over
		last, err := audit.Last(ctx, d.db)
		before := d.kept()
		if err != nil || last == before || last == (audit.Mark{}) {
			return
		}
		if before != (audit.Mark{}) {
			if has, err := audit.Has(ctx, d.db, before); err != nil || !has {
				return
			}
		}
		if blob.WritePlain(d.mark, []byte(last.String()+"\n")) != nil {
			return
		}
	}
}
