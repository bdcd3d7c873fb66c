package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Digest is how many rows a table has, and the sum of their SHA-256, whatever their order.
type Digest struct {
	Rows int64
	sum  [sha256.Size]byte
}

// DigestOf reads a whole table, of which and whose columns the names are as in a statement.
func DigestOf(ctx context.Context, q Reader, table string, columns []string) (d Digest, err error) {
	next, end, err := rowsOf(ctx, q, table, columns)
	if err != nil {
		return d, err
	}
	defer end()
	for {
		row, err := next()
		if err != nil || row == nil {
			return d, err
		}
		if err := d.add(row); err != nil {
			return d, fmt.Errorf("%s: %w", table, err)
		}
	}
}

// rowsOf reads a table; next returns nil after the last row, and a row until it is called again.
func rowsOf(ctx context.Context, q Reader, table string, columns []string) (next func() ([]any, error), end func() error, err error) {
	rows, err := q.QueryContext(ctx, `SELECT `+strings.Join(columns, ", ")+` FROM `+table)
	if err != nil {
		return nil, nil, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	return func() ([]any, error) {
		if !rows.Next() {
			return nil, rows.Err()
		}
		return values, rows.Scan(into...)
	}, rows.Close, nil
}

func (d *Digest) add(row []any) error {
	var line []byte
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			line = append(line, 'n')
		case int64:
			line = binary.BigEndian.AppendUint64(append(line, 'i'), uint64(v))
		case float64:
			line = binary.BigEndian.AppendUint64(append(line, 'f'), math.Float64bits(v))
		case string:
			line = append(binary.BigEndian.AppendUint64(append(line, 't'), uint64(len(v))), v...)
		case []byte:
			line = append(binary.BigEndian.AppendUint64(append(line, 'b'), uint64(len(v))), v...)
		default:
			return fmt.Errorf("there is a value of type %T", v)
		}
	}
	d.Rows++
	of, carry := sha256.Sum256(line), 0
	for i := range of {
		carry += int(d.sum[i]) + int(of[i])
		d.sum[i], carry = byte(carry), carry>>8
	}
	return nil
}

// table is one that Fill copies.
type table struct {
	name    string
	columns []string
	counts  string // the column whose numbers are never given twice; "" for none
}

func (t table) quoted() (name string, columns []string) {
	for _, c := range t.columns {
		columns = append(columns, quoted(c))
	}
	return quoted(t.name), columns
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Fill copies all that another database has, as it is at one moment, into this one, which is new and has the same
// tables. Bytes that are no text become on PostgreSQL what they would have been had they been written there. What would
// not be the same in a table leaves it as it was. copied is called with each number of rows so far.
func (d *DB) Fill(ctx context.Context, from *DB, copied func(rows int64)) error {
	snapshot := &sql.TxOptions{ReadOnly: true}
	if IsPostgres(from.place) {
		snapshot.Isolation = sql.LevelRepeatableRead
	}
	source, err := from.read.BeginTx(ctx, snapshot)
	if err != nil {
		return err
	}
	defer source.Rollback()
	c, err := d.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	theirs, err := from.kept(ctx, source)
	if err != nil {
		return err
	}
	ours, err := d.kept(ctx, tx)
	if err != nil {
		return err
	}
	if err := d.empty(ctx, tx, ours); err != nil {
		return err
	}
	var rows int64
	for _, t := range ours {
		at := slices.IndexFunc(theirs, func(other table) bool { return other.name == t.name })
		if at < 0 || !slices.Equal(theirs[at].columns, t.columns) || len(theirs) != len(ours) {
			return fmt.Errorf("the tables are not the same: %s", t.name)
		}
		was, err := d.copyTable(ctx, c, tx, source, t, func() {
			if rows++; rows%1000 == 0 {
				copied(rows)
			}
		})
		if err != nil {
			return fmt.Errorf("couldn't copy the table %s: %w", t.name, err)
		}
		name, columns := t.quoted()
		is, err := DigestOf(ctx, tx, name, columns)
		if err != nil {
			return err
		}
		if was != is {
			return fmt.Errorf("the table %s would not be the same: it has %d rows, and %d were copied", t.name, was.Rows, is.Rows)
		}
	}
	copied(rows)
	given, err := from.given(ctx, source, theirs)
	if err != nil {
		return err
	}
	if err := d.give(ctx, tx, ours, given); err != nil {
		return err
	}
	return tx.Commit()
}

// empty removes what a new database begins with.
func (d *DB) empty(ctx context.Context, tx *sql.Tx, all []table) error {
	if !IsPostgres(d.place) {
		if _, err := tx.ExecContext(ctx, `PRAGMA defer_foreign_keys = ON`); err != nil {
			return err
		}
	}
	for _, t := range slices.Backward(all) {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+quoted(t.name)); err != nil {
			return err
		}
	}
	return nil
}

// copyTable copies the rows of a table and returns what it has read. On PostgreSQL it is one statement, which may refer
// to rows that come later.
func (d *DB) copyTable(ctx context.Context, c *sql.Conn, tx, source *sql.Tx, t table, copied func()) (was Digest, err error) {
	name, columns := t.quoted()
	rows, end, err := rowsOf(ctx, source, name, columns)
	if err != nil {
		return was, err
	}
	defer end()
	next := func() ([]any, error) {
		row, err := rows()
		if err != nil || row == nil {
			return nil, err
		}
		for i, v := range row {
			if text, ok := v.(string); ok && IsPostgres(d.place) {
				row[i] = asText(text)
			}
		}
		copied()
		return row, was.add(row)
	}
	if IsPostgres(d.place) {
		return was, c.Raw(func(at any) error {
			_, err := at.(conn).Conn.Conn().CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromFunc(next))
			return err
		})
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO `+name+` (`+strings.Join(columns, ", ")+`) VALUES (?`+strings.Repeat(", ?", len(t.columns)-1)+`)`)
	if err != nil {
		return was, err
	}
	defer insert.Close()
	for {
		row, err := next()
		if err != nil || row == nil {
			return was, err
		}
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return was, err
		}
	}
}

// kept are its tables in the order in which they were made, so that none refers to a later one.
func (d *DB) kept(ctx context.Context, q Reader) (all []table, err error) {
	// Of each table its columns by their names, and whether they count up.
	query := `SELECT t.name, c.name, c.pk = 1 AND t.sql LIKE '%AUTOINCREMENT%' FROM sqlite_master AS t, pragma_table_info(t.name) AS c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND t.name <> 'migration' ORDER BY t.rowid, c.name`
	if IsPostgres(d.place) {
		query = `SELECT t.relname, c.attname, CASE WHEN c.attidentity = '' THEN 0 ELSE 1 END FROM pg_class AS t JOIN pg_attribute AS c ON c.attrelid = t.oid
			WHERE t.relnamespace = to_regnamespace(quote_ident(current_schema())) AND t.relkind = 'r' AND t.relname <> 'migration' AND c.attnum > 0 AND NOT c.attisdropped
			ORDER BY t.oid, c.attname COLLATE "C"`
	}
	type column struct {
		table, name string
		counts      bool
	}
	columns, err := All(func(row Row) (c column, err error) { return c, row.Scan(&c.table, &c.name, &c.counts) })(q.QueryContext(ctx, query))
	for _, c := range columns {
		if len(all) == 0 || all[len(all)-1].name != c.table {
			all = append(all, table{name: c.table})
		}
		t := &all[len(all)-1]
		t.columns = append(t.columns, c.name)
		if c.counts {
			t.counts = c.name
		}
	}
	return all, err
}

// given are the last numbers that tables have given, where the database keeps them.
func (d *DB) given(ctx context.Context, q Reader, all []table) (map[string]int64, error) {
	last := map[string]int64{}
	for _, t := range all {
		query, args := `SELECT seq FROM sqlite_sequence WHERE name = ?`, []any{t.name}
		if t.counts == "" {
			continue
		}
		if IsPostgres(d.place) {
			query, args = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM `, nil
			var of string
			if err := q.QueryRowContext(ctx, `SELECT pg_get_serial_sequence(?, ?)`, quoted(t.name), t.counts).Scan(&of); err != nil {
				return nil, err
			}
			query += of
		}
		var n int64
		if err := q.QueryRowContext(ctx, query, args...).Scan(&n); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		last[t.name] = n
	}
	return last, nil
}

// give has the tables count on from the numbers that were given elsewhere, and from their own.
func (d *DB) give(ctx context.Context, tx *sql.Tx, all []table, given map[string]int64) error {
	for _, t := range all {
		if t.counts == "" {
			continue
		}
		var highest int64
		if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(`+quoted(t.counts)+`), 0) FROM `+quoted(t.name)).Scan(&highest); err != nil {
			return err
		}
		n := max(highest, given[t.name])
		statements := []string{`DELETE FROM sqlite_sequence WHERE name = ?1 AND ?2 > 0`, `INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2 WHERE ?2 > 0`}
		args := []any{t.name, n}
		if IsPostgres(d.place) {
			statements = []string{`SELECT setval(pg_get_serial_sequence(?1, ?2), greatest(1, ?3), ?3 > 0)`}
			args = []any{quoted(t.name), t.counts, n}
		}
		for _, s := range statements {
			if _, err := tx.ExecContext(ctx, s, args...); err != nil {
				return err
			}
		}
	}
	return nil
}
