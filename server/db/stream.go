package db

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strconv"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// Values are the columns of one row where they lie.
type Values struct {
	row *sqlite3.Stmt
	raw []sql.RawBytes // of another engine
}

// Text is a column that is a text, until the next row is read.
func (v Values) Text(column int) []byte {
	if v.row != nil {
		return v.row.ColumnRawText(column)
	}
	return v.raw[column]
}

// Int is a column that is a number.
func (v Values) Int(column int) int64 {
	if v.row != nil {
		return v.row.ColumnInt64(column)
	}
	n, _ := strconv.ParseInt(string(v.raw[column]), 10, 64) // the column is one of numbers
	return n
}

// Stream yields the rows of a query. A million of them take a quarter of the time of Each, and leave nothing behind:
// database/sql makes a value of its own of each column, and another of that.
func Stream(ctx context.Context, from Reader, query string, args ...any) iter.Seq2[Values, error] {
	return func(yield func(Values, error) bool) {
		var err error
		if d, ok := from.(*DB); ok && !IsPostgres(d.place) {
			err = streamSQLite(ctx, d.read, yield, query, args)
		} else {
			err = stream(ctx, from, yield, query, args)
		}
		if err != nil {
			yield(Values{}, err)
		}
	}
}

func stream(ctx context.Context, from Reader, yield func(Values, error) bool, query string, args []any) error {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	v := Values{raw: make([]sql.RawBytes, len(names))}
	into := make([]any, len(names))
	for n := range into {
		into[n] = &v.raw[n]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if !yield(v, nil) {
			return nil
		}
	}
	return rows.Err()
}

// streamSQLite is stream past database/sql. Arguments are numbers and texts.
func streamSQLite(ctx context.Context, from *sql.DB, yield func(Values, error) bool, query string, args []any) error {
	connection, err := from.Conn(ctx)
	if err != nil {
		return err
	}
	defer connection.Close()
	return connection.Raw(func(raw any) error {
		c := raw.(driver.Conn).Raw()
		defer c.SetInterrupt(c.SetInterrupt(ctx))
		s, _, err := c.Prepare(query)
		if err != nil {
			return err
		}
		defer s.Close()
		for n, arg := range args {
			switch arg := arg.(type) {
			case int64:
				err = s.BindInt64(n+1, arg)
			case string:
				err = s.BindText(n+1, arg)
			default:
				err = fmt.Errorf("argument %d is a %T", n+1, arg)
			}
			if err != nil {
				return err
			}
		}
		for s.Step() {
			if !yield(Values{row: s}, nil) {
				return nil
			}
		}
		return cmp.Or(ctx.Err(), s.Err())
	})
}
