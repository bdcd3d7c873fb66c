package db

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// This file is all that knows how PostgreSQL differs from SQLite. Statements are written for both; what they may
// not use is in RATIONALE.md.

// IsPostgres tells whether a place is a database of PostgreSQL and not a path.
func IsPostgres(place string) bool {
	return strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://")
}

// In is the part of a place that has this name: a file in a folder, or a schema of a database. Where the address names
// a schema itself (search_path), its name begins with that.
func In(place, name string) string {
	if !IsPostgres(place) {
		return filepath.Join(place, name+".db")
	}
	u, err := url.Parse(place)
	if err != nil {
		return place // which Open refuses
	}
	asked := u.Query()
	if of := asked.Get("search_path"); of != "" {
		name = of + "_" + name
	}
	asked.Set("search_path", name)
	u.RawQuery = asked.Encode()
	return u.String()
}

// parse reads an address. No error says what stands in it: it may have a password.
func parse(place string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(place)
	if err != nil || !IsPostgres(place) {
		return nil, errors.New("the database's address can't be read: it should be postgres://USER@HOST:PORT/NAME")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err // which unreachable tells
		}
		return nameless{c}, nil
	}
	return config, nil
}

// nameless is a connection whose errors do not say to where it leads.
type nameless struct{ net.Conn }

func (c nameless) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, withoutAddress(err)
}

func (c nameless) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, withoutAddress(err)
}

func withoutAddress(err error) error {
	if e, ok := err.(*net.OpError); ok {
		return &net.OpError{Op: e.Op, Net: e.Net, Err: e.Err}
	}
	if err == io.EOF { // amid whatever comes: nobody says goodbye to who has asked something
		return &net.OpError{Op: "read", Err: io.ErrUnexpectedEOF}
	}
	return err
}

// Away tells whether an error is that PostgreSQL can't be reached just now: it does not answer, ends, or only begins.
// What was asked may be asked again later. A file is never away.
func Away(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(e.Code, "57P") {
		return true
	}
	_, unreached := errors.AsType[unreachable](err)
	_, lost := errors.AsType[*net.OpError](err)
	return unreached || lost || errors.Is(err, driver.ErrBadConn) || errors.Is(err, ErrInUse)
}

// Bare is an address without the passwords in it.
func Bare(place string) (string, error) {
	if _, err := parse(place); err != nil {
		return "", err
	}
	u, err := url.Parse(place)
	if err != nil {
		return "", err
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	asked := u.Query()
	asked.Del("password")
	asked.Del("sslpassword")
	u.RawQuery = asked.Encode()
	return u.String(), nil
}

// Same tells whether two addresses lead to the same schemas, whoever comes there.
func Same(a, b string) bool {
	var of [2][4]string
	for i, place := range []string{a, b} {
		config, err := parse(place)
		if err != nil {
			return false
		}
		of[i] = [...]string{config.Host, strconv.Itoa(int(config.Port)), config.Database, config.RuntimeParams["search_path"]}
	}
	return of[0] == of[1]
}

// openPostgres opens the two ways into a schema.
func openPostgres(place string) (write, read *sql.DB, err error) {
	config, err := parse(place)
	if err != nil {
		return nil, nil, err
	}
	schema := config.RuntimeParams["search_path"]
	config.RuntimeParams["synchronous_commit"] = "on"                      // whatever the server's own setting: a commit survives the loss of power
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "300000" // who stopped in the middle of a change holds nobody up for ever
	write = connections(config, lockOf(schema), 1)
	if err := prepare(write, schema); err != nil {
		write.Close()
		return nil, nil, err
	}
	reading := config.Copy()
	reading.RuntimeParams["default_transaction_read_only"] = "on"
	return write, connections(reading, 0, 8), nil
}

// connections are so many at most; with a lock, those that write.
func connections(config *pgx.ConnConfig, lock int32, most int) *sql.DB {
	db := sql.OpenDB(connector{stdlib.GetConnector(*config), lock})
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db
}

// known asks whether the schema was made.
const known = `SELECT to_regclass('migration') IS NOT NULL`

// ErrMoved is a schema whose rows were moved elsewhere (Leave).
var ErrMoved = errors.New("what was kept there has moved away and is out of date: leave --db and KHIEN_DB away, or, where it moved to another database, name that")

// left is the comment of such a schema, and asks for it.
const (
	left    = "khien: all of it has moved away"
	askLeft = `SELECT coalesce(obj_description(to_regnamespace(quote_ident(current_schema())), 'pg_namespace'), '')`
)

// prepare makes the schema and the table that says which migrations it has seen. Where they are there, nobody needs the
// right to.
func prepare(db *sql.DB, schema string) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var there bool
	var said string
	if err := tx.QueryRow(askLeft).Scan(&said); err != nil || said == left {
		return cmp.Or(err, ErrMoved)
	}
	if err := tx.QueryRow(known).Scan(&there); err != nil || there {
		return err
	}
	begin := functions + `CREATE TABLE migration (package text NOT NULL PRIMARY KEY, version bigint NOT NULL)`
	if schema != "" {
		name := pgx.Identifier{schema}.Sanitize()
		// Who may not make one may be given one.
		if err := tx.QueryRow(`SELECT to_regnamespace(?) IS NOT NULL`, name).Scan(&there); err != nil {
			return err
		}
		if !there {
			begin = `CREATE SCHEMA ` + name + `; ` + begin
		}
	}
	if _, err := tx.Exec(begin); err != nil {
		if e, ok := errors.AsType[*pgconn.PgError](err); ok && (e.Code == "42501" || e.Code == "3F000") {
			return fmt.Errorf("this user of PostgreSQL may not make what is kept in it: GRANT CREATE ON DATABASE to it, or CREATE SCHEMA %s AUTHORIZATION it", schema)
		}
		return err
	}
	return tx.Commit()
}

// schemas runs statements on schemas of a database, all of them or none, which called names.
func schemas(ctx context.Context, place string, run func(tx *sql.Tx, called func(part string) string) error) error {
	config, err := parse(place)
	if err != nil {
		return err
	}
	db := connections(config, 0, 1)
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	called := func(part string) string {
		in, err := parse(In(place, part))
		if err != nil {
			return ""
		}
		return pgx.Identifier{in.RuntimeParams["search_path"]}.Sanitize()
	}
	if err := run(tx, called); err != nil {
		return err
	}
	return tx.Commit()
}

// Rename gives parts of a PostgreSQL database (In) other names, all of them or none. A part that was renamed before
// stays. One that has the name already is an error, unless there is nothing in it.
func Rename(ctx context.Context, place string, names map[string]string) error {
	return schemas(ctx, place, func(tx *sql.Tx, called func(string) string) error {
		for old, now := range names {
			var there bool
			if err := tx.QueryRowContext(ctx, `SELECT to_regnamespace(?) IS NOT NULL`, called(old)).Scan(&there); err != nil {
				return err
			}
			if !there {
				continue
			}
			if _, err := tx.ExecContext(ctx, `DROP SCHEMA IF EXISTS `+called(now)+`; ALTER SCHEMA `+called(old)+` RENAME TO `+called(now)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Drop removes parts of a PostgreSQL database with all that is in them.
func Drop(ctx context.Context, place string, parts ...string) error {
	return schemas(ctx, place, func(tx *sql.Tx, called func(string) string) error {
		for _, part := range parts {
			if _, err := tx.ExecContext(ctx, `DROP SCHEMA IF EXISTS `+called(part)+` CASCADE`); err != nil {
				return err
			}
		}
		return nil
	})
}

// Leave has nobody open parts of a PostgreSQL database any more: ErrMoved. What is in them stays.
func Leave(ctx context.Context, place string, parts ...string) error {
	return schemas(ctx, place, func(tx *sql.Tx, called func(string) string) error {
		for _, part := range parts {
			if _, err := tx.ExecContext(ctx, `COMMENT ON SCHEMA `+called(part)+` IS '`+left+`'`); err != nil {
				return err
			}
		}
		return nil
	})
}

// Seize keeps everybody else from opening a schema of PostgreSQL until it is closed; ErrInUse where somebody else has
// it open.
func (d *DB) Seize(ctx context.Context) error {
	c, err := d.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Raw(func(at any) error { return at.(conn).hold(ctx, "pg_advisory_lock") })
}

// hold takes the lock of who has the schema open, and waits a moment for one who is just leaving.
func (c conn) hold(ctx context.Context, how string) error {
	_, err := c.Conn.Conn().PgConn().Exec(ctx, fmt.Sprintf(`BEGIN; SET LOCAL lock_timeout = '3s'; SELECT %s(%d, %d); COMMIT`, how, lockOpen, c.lock)).ReadAll()
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "55P03" {
		err = ErrInUse
	}
	_, rolled := c.Conn.Conn().PgConn().Exec(context.WithoutCancel(ctx), `ROLLBACK`).ReadAll()
	return errors.Join(err, rolled)
}

// ErrInUse is a database that somebody else has open, or has for themselves.
var ErrInUse = errors.New("another khien has it open: stop each one that uses it, also on other machines")

// functions are those of SQLite that statements use and PostgreSQL has not.
const functions = `
	CREATE FUNCTION instr(text, text) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT strpos($1, $2)';
	CREATE FUNCTION min(bigint, bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT least($1, $2)';
	CREATE FUNCTION max(bigint, bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT greatest($1, $2)';
	CREATE FUNCTION json_field(text, text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT CASE WHEN $1 <> '''' THEN $1::json OPERATOR(pg_catalog.->>) $2 END';
	CREATE OPERATOR ->> (LEFTARG = text, RIGHTARG = text, FUNCTION = json_field);
	CREATE FUNCTION json_each(text) RETURNS TABLE (value text) IMMUTABLE LANGUAGE sql AS 'SELECT json_array_elements_text(CASE $1 WHEN '''' THEN ''[]'' WHEN ''null'' THEN ''[null]'' ELSE $1 END::json)';
	CREATE FUNCTION randomblob(bigint) RETURNS bytea LANGUAGE sql AS 'SELECT substring(uuid_send(gen_random_uuid()) FOR $1::integer)';
`

// connector makes connections that speak SQLite's dialect. Those that write take turns by a lock of their schema.
type connector struct {
	driver.Connector
	lock int32 // 0 for those that read
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, unreachable{err}
	}
	made := conn{opened.(*stdlib.Conn), c.lock}
	if c.lock == 0 {
		return made, nil
	}
	if err := made.hold(ctx, "pg_advisory_lock_shared"); err != nil {
		made.Close()
		if !errors.Is(err, ErrInUse) {
			err = unreachable{err}
		}
		return nil, err
	}
	return made, nil
}

// unreachable says why there is no connection, and not to where.
type unreachable struct{ error }

func (u unreachable) Unwrap() error { return u.error }

func (u unreachable) Error() string {
	if e, ok := errors.AsType[*pgconn.PgError](u.error); ok {
		switch e.Code {
		case "28P01", "28000":
			return "PostgreSQL does not let this user in with this password: give both in KHIEN_DB, or the password in PGPASSWORD or ~/.pgpass"
		case "3D000":
			return "PostgreSQL has no database of this name: make it with createdb"
		case "53300":
			return "PostgreSQL has no connection left: raise max_connections there, each server takes up to 20"
		}
		return "PostgreSQL refuses the connection: SQLSTATE " + e.Code
	}
	why := "the connection failed"
	if cause := syscall.Errno(0); errors.As(u.error, &cause) {
		why = cause.Error()
	} else if _, ok := errors.AsType[*net.DNSError](u.error); ok {
		why = "nobody knows the name of its host"
	} else if errors.Is(u.error, context.DeadlineExceeded) || os.IsTimeout(u.error) {
		why = "it does not answer"
	}
	return "PostgreSQL can't be reached: " + why
}

type conn struct {
	*stdlib.Conn
	lock int32
}

// The classes of our locks: other programs in the database may have locks of their own.
const (
	lockOffice = 0x4b48 // writers take turns by
	lockAlone  = 0x4b49 // whoever publishes has
	lockOpen   = 0x4b4a // whoever has the schema open, and may write, shares
)

// lockOf is the number of a schema's locks.
func lockOf(schema string) int32 {
	sum := fnv.New32a()
	sum.Write([]byte(schema))
	return int32(sum.Sum32())
}

// lockPostgres has a connection for as long as it lasts.
func lockPostgres(ctx context.Context, db *sql.DB, place string) (end func(), err error) {
	config, err := parse(place)
	if err != nil {
		return nil, err
	}
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	lock := fmt.Sprintf(`(%d, %d)`, lockAlone, lockOf(config.RuntimeParams["search_path"]))
	if _, err := c.ExecContext(ctx, `SELECT pg_advisory_lock`+lock); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return func() {
		if _, err := c.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock`+lock); err != nil {
			c.Raw(func(any) error { return driver.ErrBadConn }) // its end is the end of the lock
		}
		c.Close()
	}, nil
}

// BeginTx waits for its turn. The lock ends after what was committed can be seen, so that whoever writes next sees it.
func (c conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.BeginTx(ctx, o)
	if err != nil || c.lock == 0 {
		return tx, err
	}
	if _, err := c.ExecContext(ctx, fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d, %d)`, lockOffice, c.lock), nil); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

func (c conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.PrepareContext(ctx, numbered(query))
}

func (c conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.ExecContext(ctx, numbered(query), args)
}

func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.QueryContext(ctx, numbered(query), args)
}

// CheckNamedValue gives what is true or false as a number, as it is kept, and bytes that are no text, which would be
// refused with all that is changed beside, as the sign for those.
func (conn) CheckNamedValue(v *driver.NamedValue) (err error) {
	v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value)
	switch value := v.Value.(type) {
	case bool:
		v.Value = int64(0)
		if value {
			v.Value = int64(1)
		}
	case string:
		v.Value = asText(value)
	}
	return err
}

func asText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// pieces are placeholders, and what may hold a question mark that is none.
var pieces = regexp.MustCompile(`(?s)'[^']*'?|"[^"]*"?|--[^\n]*|/\*.*?(?:\*/|\z)|\?[0-9]{0,5}`)

// numbered writes SQLite's placeholders as PostgreSQL's: ? is the one after the highest before it, ?1 the first.
func numbered(query string) string {
	last := 0
	return pieces.ReplaceAllStringFunc(query, func(piece string) string {
		if piece[0] != '?' {
			return piece
		}
		n, err := strconv.Atoi(piece[1:])
		if err != nil {
			n = last + 1
		}
		last = max(last, n)
		return "$" + strconv.Itoa(n)
	})
}

// types writes a migration with PostgreSQL's. Text is compared by its bytes, whatever the language of the database.
var types = strings.NewReplacer(
	") STRICT, WITHOUT ROWID", ")", ") STRICT", ")",
	"INTEGER PRIMARY KEY AUTOINCREMENT", "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
	"INTEGER PRIMARY KEY", "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
	"INTEGER", "bigint", "BLOB", "bytea", " REAL ", " double precision ", "TEXT", `text COLLATE "C"`, " x'", ` '\x`,
)

// steps are the migrations in their order. Where one is too much for types, NAME.postgres.sql beside NAME.sql takes its
// place.
func steps(migrations fs.FS, postgres bool) (names, texts []string, err error) {
	all, err := fs.Glob(migrations, "*/*.sql")
	if err != nil {
		return nil, nil, err
	}
	for _, name := range all {
		if strings.HasSuffix(name, own) {
			continue
		}
		if twin := strings.TrimSuffix(name, ".sql") + own; postgres && slices.Contains(all, twin) {
			name = twin
		}
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			return nil, nil, err
		}
		names, texts = append(names, name), append(texts, string(text))
		if postgres {
			texts[len(texts)-1] = triggers.ReplaceAllString(types.Replace(string(text)), `CREATE FUNCTION $1() RETURNS trigger LANGUAGE plpgsql AS $$$$ BEGIN IF $3 THEN $4 END IF; RETURN NULL; END $$$$; CREATE TRIGGER $1 $2 FOR EACH ROW EXECUTE FUNCTION $1();`)
		}
	}
	return names, texts, nil
}

const own = ".postgres.sql"

// triggers are those of SQLite that have a condition and one statement.
var triggers = regexp.MustCompile(`(?s)CREATE TRIGGER (\w+) (AFTER \w+ ON \w+)\s+WHEN (.*?)\s+BEGIN (.*?) END;`)
