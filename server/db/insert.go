package db

import (
	"context"
	"database/sql"
	"math/bits"
	"slices"
	"strings"
)

// Insert inserts many rows: into is an INSERT up to VALUES, and after what follows them, such as what becomes of those
// that are there. What it returns of each row, scan is told; it is nil where that is nothing.
//
// PostgreSQL takes up to 512 with one statement, since each is a way there and back. SQLite takes one at a time: for
// several it keeps a journal of the statement, which costs more than it saves.
func (d *DB) Insert(ctx context.Context, tx *sql.Tx, into string, rows [][]any, after string, scan func(Row) error) error {
	if len(rows) == 0 {
		return nil
	}
	row := ", (?" + strings.Repeat(", ?", len(rows[0])-1) + ")"
	query := func(n int) string { return into + " VALUES " + strings.Repeat(row, n)[2:] + " " + after }
	if !IsPostgres(d.place) {
		one, err := tx.PrepareContext(ctx, query(1))
		if err != nil {
			return err
		}
		defer one.Close()
		for _, row := range rows {
			if scan == nil {
				_, err = one.ExecContext(ctx, row...)
			} else {
				err = told(scan)(one.QueryContext(ctx, row...))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	for len(rows) > 0 {
		n := min(512, 1<<(bits.Len(uint(len(rows)))-1)) // a power of two: so there are few texts, which are prepared once
		if err := told(scan)(tx.QueryContext(ctx, query(n), slices.Concat(rows[:n]...)...)); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// told hands each row to scan.
func told(scan func(Row) error) func(*sql.Rows, error) error {
	return func(rows *sql.Rows, err error) error {
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}
