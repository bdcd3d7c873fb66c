package db

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"khien/server/db/dbtest"
)

func TestPlaceholders(t *testing.T) {
	for in, want := range map[string]string{
		`SELECT 1`:                              `SELECT 1`,
		`a = ? AND b = ?`:                       `a = $1 AND b = $2`,
		`a = ?2 AND b = ? AND c = ?1 AND d = ?`: `a = $2 AND b = $3 AND c = $1 AND d = $4`,
		`'a?' || '''?' || ?`:                    `'a?' || '''?' || $1`,
		`"a?", 'open ?`:                         `"a?", 'open ?`,
		"? -- why?\n, ? /* ?1\n? */, ?1":        "$1 -- why?\n, $2 /* ?1\n? */, $1",
		`? /* open ?`:                           `$1 /* open ?`,
	} {
		if got := numbered(in); got != want {
			t.Errorf("%s became %s, not %s", in, got, want)
		}
	}
}

// Whatever is quoted or said beside stays as it is.
func FuzzPlaceholders(f *testing.F) {
	f.Add("what?", "is? this", "-- ?1 /*")
	f.Add("it's", `a "b"`, "'")
	f.Fuzz(func(t *testing.T, text, name, said string) {
		text, name = strings.ReplaceAll(text, "'", "''"), strings.ReplaceAll(name, `"`, `""`)
		line, block := strings.ReplaceAll(said, "\n", " "), strings.ReplaceAll(said, "*/", "* /")
		if strings.HasSuffix(block, "*") {
			block += " "
		}
		query := strings.NewReplacer("TEXT", "'"+text+"'", "NAME", `"`+name+`"`, "LINE", "--"+line+"\n", "BLOCK", "/*"+block+"*/")
		got, want := numbered(query.Replace(`SELECT ?, TEXT, ?2 BLOCK AS NAME LINE, ?1, ?`)), query.Replace(`SELECT $1, TEXT, $2 BLOCK AS NAME LINE, $1, $3`)
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct{ place, name, want string }{
		{"/var/lib/khien", "inbox", "/var/lib/khien/inbox.db"},
		{"postgres://khien@db/khien", "inbox", "postgres://khien@db/khien?search_path=inbox"},
		{"postgresql:///khien?host=%2Frun&search_path=a", "inbox", "postgresql:///khien?host=%2Frun&search_path=a_inbox"},
	} {
		if got := In(c.place, c.name); got != c.want {
			t.Errorf("In(%s, %s) = %s, want %s", c.place, c.name, got, c.want)
		}
	}
}

// Somebody mistypes an address that has a password. It is in no error.
func TestNoErrorHasThePassword(t *testing.T) {
	for _, place := range []string{
		"postgres://khien:hunter2@127.0.0.1:1/khien", "postgres://khien:hunter2@127.0.0.1:port/khien", "postgres://khien:hunter2%zz@/khien",
		"postgres:// khien:hunter2@[::1/khien", "postgres://127.0.0.1:1/khien?password=hunter2", "postgres://127.0.0.1:1/khien?password=hunter2&sslmode=never",
	} {
		for _, place := range []string{place, In(place, "inbox")} {
			if _, err := Open(place); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", place, err)
			}
			if _, err := Check(t.Context(), place); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", place, err)
			}
		}
	}
}

// asRole is an address as another role asks for it, with a password.
func asRole(t *testing.T, place, role, password string) string {
	t.Helper()
	u, err := url.Parse(place)
	if err != nil {
		t.Fatal(err)
	}
	asked := u.Query()
	asked.Set("user", role)
	if asked.Del("password"); password != "" {
		asked.Set("password", password)
	}
	u.RawQuery = asked.Encode()
	return u.String()
}

// What is logged of a connection that is lost in the middle says what happened, and not where.
func TestALostConnectionDoesNotSayWhere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	_, read := nameless{c}.Read(make([]byte, 1))
	_, wrote := nameless{c}.Write([]byte{1})
	for _, err := range []error{read, wrote} {
		if !errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("it says %q", err)
		}
	}
}

// Whoever can't open the database is told what to do, and never the password.
func TestWhyThereIsNoDatabase(t *testing.T) {
	place := dbtest.Postgres(t)
	base, err := Open(place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { base.Close() })
	if _, err := base.write.Exec(`CREATE ROLE locked LOGIN PASSWORD 'hunter2'; CREATE ROLE guest LOGIN`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { base.write.Exec(`DROP OWNED BY guest; DROP ROLE guest; DROP ROLE locked`) })
	refused := func(place, want string) {
		t.Helper()
		one, err := Open(place)
		if err == nil {
			one.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("it says %v and not %q", err, want)
		}
	}
	const password = "does not let this user in with this password"
	refused(asRole(t, place, "locked", "hunter3"), password)
	refused(asRole(t, place, "locked", ""), password)
	refused(asRole(t, place, "nobody", "hunter2"), password)
	refused(strings.Replace(place, "/postgres?", "/elsewhere?", 1), "make it with createdb")
	refused("postgres://khien:hunter2@127.0.0.1:1/khien", "PostgreSQL can't be reached: connection refused")
	refused("postgres://khien:hunter2@nobody.invalid/khien", "PostgreSQL can't be reached: nobody knows the name of its host")
	refused("postgres:///khien?host=/nowhere&password=hunter2", "PostgreSQL can't be reached: no such file or directory")

	// Who may not make a schema may be given one; there it is the only right that is needed.
	guests := asRole(t, In(place, "guests"), "guest", "")
	const mayNot = "may not make what is kept in it"
	refused(guests, mayNot)
	if there, err := Exists(t.Context(), guests); err != nil || there {
		t.Errorf("before: %v, %v", there, err)
	}
	refused(asRole(t, place, "guest", ""), mayNot)
	if _, err := base.write.Exec(strings.ReplaceAll(`CREATE SCHEMA "NAME_guests" AUTHORIZATION guest`, "NAME", schemaOf(t, place))); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		one, err := Open(guests, Tables{Package: "things", Files: fstest.MapFS{"tables/1.sql": {Data: []byte("CREATE TABLE thing (name TEXT NOT NULL) STRICT")}}})
		if err != nil {
			t.Fatal(err)
		}
		one.Close()
	}
	if there, err := Exists(t.Context(), guests); err != nil || !there {
		t.Errorf("afterwards: %v, %v", there, err)
	}
}

func schemaOf(t *testing.T, place string) string {
	t.Helper()
	config, err := parse(place)
	if err != nil {
		t.Fatal(err)
	}
	return config.RuntimeParams["search_path"]
}

// All connections end, in the middle of a change. Nothing of it is kept, and after a failure for each connection
// everybody is answered as before.
func TestALostConnectionIsMadeAnew(t *testing.T) {
	place := dbtest.Postgres(t)
	d, err := Open(place+"&application_name=cut", Tables{Package: "things", Files: fstest.MapFS{"tables/1.sql": {Data: []byte("CREATE TABLE thing (name TEXT NOT NULL) STRICT")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	other, err := Open(place)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	names := func() (n int, err error) {
		return n, d.QueryRowContext(t.Context(), `SELECT count(*) FROM thing`).Scan(&n)
	}
	add := func(between func()) error {
		return d.Change(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.Exec(`INSERT INTO thing VALUES ('shield')`); err != nil {
				return err
			}
			between()
			_, err := tx.Exec(`INSERT INTO thing VALUES ('sword')`)
			return err
		})
	}
	cut := func() {
		if _, err := other.write.Exec(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'cut'`); err != nil {
			t.Error(err)
		}
	}
	if n, err := names(); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	if err := add(cut); err == nil {
		t.Error("a change is kept that was cut")
	}
	failed := 0
	for n, err := names(); ; n, err = names() {
		if err == nil && n != 0 {
			t.Errorf("%d are kept of a change that was cut", n)
		}
		if err == nil {
			break
		}
		if failed++; failed > 1 {
			t.Fatal(err)
		}
	}
	if err := add(func() {}); err != nil {
		t.Error(err)
	}
	if n, err := names(); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
}

// One publishes, and the other waits until that is over, in whatever way.
func TestOneIsAlone(t *testing.T) {
	place := dbtest.Postgres(t)
	var both [2]*DB
	for i := range both {
		d, err := Open(place + "&application_name=alone" + strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		both[i] = d
	}
	alone := func(who int) (end func(), waits bool) {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer stop()
		end, err := both[who].Alone(ctx)
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		return end, err != nil
	}
	end, _ := alone(0)
	for who := range both {
		if _, waits := alone(who); !waits {
			t.Error("two are alone")
		}
	}
	if err := both[1].Change(t.Context(), func(*sql.Tx) error { return nil }); err != nil {
		t.Error(err)
	}
	end()
	if _, waits := alone(1); waits {
		t.Error("it did not end")
	}
	if _, err := both[0].write.Exec(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'alone1'`); err != nil {
		t.Fatal(err)
	}
	if end, waits := alone(0); waits {
		t.Error("who is gone is alone for ever")
	} else {
		end()
	}
}
