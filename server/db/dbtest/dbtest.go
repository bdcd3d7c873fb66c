// Package dbtest runs the tests of a package on both engines: SQLite, and a PostgreSQL that it starts for the run of
// the tests.
package dbtest

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Main runs the tests of a package on SQLite, and if they hold those that opened a database (Place) on PostgreSQL.
// Fuzzing, benchmarks, and without KHIEN_WHOLE=1 what is -short run on SQLite alone.
func Main(m *testing.M) { os.Exit(Twice{m}.Run()) }

// Twice are tests that Main runs.
type Twice struct{ *testing.M }

// Run runs them and returns the exit code.
func (t Twice) Run() int {
	code := t.M.Run()
	if code == 0 && !asked("test.fuzz") && !asked("test.bench") && !asked("test.list") && (whole || !testing.Short()) {
		OnPostgres = true
		if run := flag.Lookup("test.run").Value; len(opened) > 0 && !strings.Contains(run.String(), "/") {
			run.Set("^(" + strings.Join(slices.Collect(maps.Keys(opened)), "|") + ")$")
		}
		flag.Set("test.testlogfile", "") // what the first round has read is there, and half a line more spoils it for go test
		fmt.Println("--- the same on PostgreSQL")
		code = t.M.Run()
	}
	return code
}

func asked(name string) bool {
	f := flag.Lookup(name)
	return f != nil && f.Value.String() != ""
}

// whole is whether everything is asked for.
var whole = os.Getenv("KHIEN_WHOLE") != ""

// OnPostgres is whether the tests run for the second time.
var OnPostgres bool

// opened are the tests that have opened a database.
var (
	opening sync.Mutex
	opened  = map[string]bool{}
)

// Place is where a test may open a database that is new: a file of this name, or an address.
func Place(t testing.TB, name string) string {
	t.Helper()
	if OnPostgres {
		return Postgres(t)
	}
	Opens(t)
	return filepath.Join(t.TempDir(), name)
}

// In is a place that is found by a folder, which other processes may do too: a file of this name in it, or an address
// that such a file holds.
func In(t testing.TB, folder, name string) string {
	t.Helper()
	file := filepath.Join(folder, name)
	if text, err := os.ReadFile(file); err == nil && strings.HasPrefix(string(text), "postgres:") {
		return string(text)
	}
	if !OnPostgres {
		Opens(t)
		return file
	}
	place := Postgres(t)
	if err := os.WriteFile(file, []byte(place), 0o600); err != nil {
		t.Fatal(err)
	}
	return place
}

// Opens says that a test opens databases by other ways than these.
func Opens(t testing.TB) {
	test, _, _ := strings.Cut(t.Name(), "/")
	opening.Lock()
	opened[test] = true
	opening.Unlock()
}

// Only leaves a test to PostgreSQL.
func Only(t testing.TB, why string) {
	t.Helper()
	if Opens(t); !OnPostgres {
		t.Skip(why)
	}
}

// Fewer is whether of a long row of cases a few are enough: SQLite has had all of them, and KHIEN_WHOLE=1 does not ask
// for them here too.
func Fewer() bool { return OnPostgres && !whole }

// Long leaves a test that is long to SQLite, where of such a few are enough.
func Long(t testing.TB) {
	t.Helper()
	if Fewer() {
		t.Skip("it is long, and shorter ones ask PostgreSQL the same; KHIEN_WHOLE=1 runs it there too")
	}
}

var made atomic.Int64

// Postgres is an address on the server of these tests at which there is nothing yet.
func Postgres(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("%s&search_path=test%d", Server(t), made.Add(1))
}

// Server is the address of the server of these tests, for who finds names for schemas.
func Server(t testing.TB) string {
	t.Helper()
	dir, err := server()
	if err != nil {
		t.Fatalf("these tests need PostgreSQL, which scripts/deps.sh installs: %v", err)
	}
	return address(dir)
}

// Database is an address of a database of its own, which Copied can copy.
func Database(t testing.TB) string { return Copied(t, "template1") }

// Copied is an address of a copy of such a database, which nobody has open.
func Copied(t testing.TB, place string) string {
	t.Helper()
	name := fmt.Sprintf("copy%d", made.Add(1))
	u, err := url.Parse(Server(t))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Exec(`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`)
		db.Close()
	})
	of, err := url.Parse(place)
	if err == nil {
		_, err = db.ExecContext(t.Context(), `CREATE DATABASE `+name+` STRATEGY file_copy TEMPLATE `+strings.TrimPrefix(of.Path, "/"))
	}
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func address(dir string) string {
	return "postgres:///postgres?" + url.Values{"host": {dir}, "user": {"khien"}}.Encode()
}

// alive is open until this process ends, in whatever way.
var alive io.WriteCloser

// server starts PostgreSQL when it is first asked for: in a folder of its own, for whoever may open that, without a
// network. A role "locked" needs its password. Its language is one that sorts otherwise than by bytes. A shell waits
// for the end of the tests, and then ends the server and removes the folder. Where KHIEN_INITDB names a folder, the
// first of several packages leaves its empty cluster there, and the others copy it.
var server = sync.OnceValues(func() (dir string, err error) {
	bin, err := programs()
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "pg"); err != nil {
		return "", err
	}
	shell := exec.Command("sh", "-c", `
		as=
		if [ "$(id -u)" = 0 ]; then # as whom PostgreSQL refuses to run
			as='setpriv --reuid=postgres --regid=postgres --clear-groups'
			chown postgres:postgres .
		fi
		new() { $as "$BIN/initdb" -D data -U khien -A trust -E UTF8 --locale=C --locale-provider=icu --icu-locale=en-US --no-sync --no-instructions; }
		ready() {
			[ -n "${KHIEN_INITDB-}" ] || { new; return; }
			exec 9>"$KHIEN_INITDB/lock" && flock 9 || return
			if [ -d "$KHIEN_INITDB/data" ]; then
				cp -a "$KHIEN_INITDB/data" .
			else
				new && rm -rf "$KHIEN_INITDB/half" && cp -a data "$KHIEN_INITDB/half" && mv "$KHIEN_INITDB/half" "$KHIEN_INITDB/data"
			fi
		}
		((ready) >log 2>&1 &&
			sed -i '1i local all locked scram-sha-256' data/pg_hba.conf && exec $as "$BIN/postgres" -D data -k "$DIR" -h '' -F -c max_connections=200 -c shared_buffers=32MB -c full_page_writes=off -c autovacuum=off >>log 2>&1) &
		cat >/dev/null
		kill -TERM $!
		kill -QUIT $!
		wait
		cd / && rm -rf "$DIR"`)
	shell.Dir, shell.Env = dir, append(os.Environ(), "BIN="+bin, "DIR="+dir)
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that Ctrl-C does not end it
	if alive, err = shell.StdinPipe(); err == nil {
		err = shell.Start()
	}
	if err != nil {
		return "", err
	}
	for range 600 {
		db, err := sql.Open("pgx", address(dir))
		if err == nil {
			err = db.Ping()
			db.Close()
		}
		if err == nil {
			return dir, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	said, _ := os.ReadFile(filepath.Join(dir, "log"))
	return "", fmt.Errorf("PostgreSQL did not start: %s", said)
})

// programs is the folder of the newest PostgreSQL that Debian has installed.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("there is no /usr/lib/postgresql/*/bin/initdb")
	}
	return path.Dir(found[len(found)-1]), nil
}

// Door is a way to a PostgreSQL that can be shut, for who must get along without for a while.
type Door struct {
	Place string // what lies behind it

	t         testing.TB
	here, to  string // sockets
	mu        sync.Mutex
	listening net.Listener
	inside    map[net.Conn]bool
}

// NewDoor is an open door to an address.
func NewDoor(t testing.TB, place string) *Door {
	t.Helper()
	u, err := url.Parse(place)
	if err != nil {
		t.Fatal(err)
	}
	const socket = ".s.PGSQL.5432"
	asked, dir := u.Query(), t.TempDir()
	d := &Door{t: t, here: filepath.Join(dir, socket), to: filepath.Join(asked.Get("host"), socket), inside: map[net.Conn]bool{}}
	asked.Set("host", dir)
	u.RawQuery = asked.Encode()
	d.Place = u.String()
	d.Open()
	t.Cleanup(d.Shut)
	return d
}

// Open lets everybody in.
func (d *Door) Open() {
	d.t.Helper()
	l, err := net.Listen("unix", d.here)
	if err != nil {
		d.t.Fatal(err)
	}
	d.mu.Lock()
	d.listening = l
	d.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", d.to)
			if err != nil {
				c.Close()
				continue
			}
			if !d.enter(l, c, server) {
				return
			}
			for from, to := range map[net.Conn]net.Conn{c: server, server: c} {
				go func() {
					io.Copy(to, from)
					d.end(to)
					d.end(from)
				}()
			}
		}
	}()
}

// enter is false where the door was shut meanwhile.
func (d *Door) enter(by net.Listener, c, server net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listening != by {
		c.Close()
		server.Close()
		return false
	}
	d.inside[c], d.inside[server] = true, true
	return true
}

func (d *Door) end(c net.Conn) {
	d.mu.Lock()
	delete(d.inside, c)
	d.mu.Unlock()
	c.Close()
}

// Shut lets nobody in any more, and ends what whoever is inside is about to say.
func (d *Door) Shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listening != nil {
		d.listening.Close()
		d.listening = nil
	}
	for c := range d.inside {
		c.Close()
	}
}
