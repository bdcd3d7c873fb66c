package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/driver"
	"github.com/rogpeppe/go-internal/testscript"

	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/office"
	"khien/server/publish"
	"khien/shared/release"
	"khien/shared/wire"
)

func TestMain(m *testing.M) {
	testscript.Main(dbtest.Twice{M: m}, map[string]func(){"khien": program, "settle": settle})
}

// onPostgres is a variable of the environment that has the address of a server on which a data directory begins.
const onPostgres = "KHIEN_TEST_POSTGRES"

// program is the real one. In the round of PostgreSQL, a data directory in which there is nothing yet begins in a place
// of its own.
func program() {
	if server := os.Getenv(onPostgres); server != "" && os.Getenv("KHIEN_DB") == "" && !slices.Contains(os.Args, "--db") {
		data := cmp.Or(os.Getenv("KHIEN_DATA"), "data")
		if at := slices.Index(os.Args, "--data"); at > 0 && at+1 < len(os.Args) {
			data = os.Args[at+1]
		}
		path, _ := filepath.Abs(data)
		sum := sha256.Sum256([]byte(path))
		place := fmt.Sprintf("%s&search_path=of_%x", server, sum[:8])
		if _, err := office.Where(data, place); err == nil {
			os.Setenv("KHIEN_DB", place)
		}
	}
	main()
}

// The scripts in testdata run the real program, on both engines; [postgres] is whether it is the second. Beside
// testscript's own commands they have:
//
//	serve [FLAG...]            start "khien serve" on a free port; sets $SERVER and $PORT
//	drain                      SIGTERM it, which must end it with exit code 0; its stderr becomes stderr
//	http METHOD PATH [NAME:VALUE...] [@BODYFILE]   ask $SERVER; the answer becomes stdout
//	raw FILE                   send the bytes of FILE (\n as CR LF) to $SERVER; what comes back becomes stdout
//	receipt FILE               send the report in FILE, which must be taken; sets $RECEIPT
//	fetchset FILE              write the set that $SERVER publishes to FILE
//	published                  sets $KEYS, $SET, $DELTA and $BUCKET to paths of the release of $SERVER
//	flip PATH                  change a byte near the middle of a published file; twice changes it back
//	exits CODE COMMAND...      run a command that must end with this exit code
//	full COMMAND...            run a command whose stdout takes nothing, which must be told, with exit code 1
//	sums FOLDER                sign the sums of the files in a folder with the release key, as "make release" does
//	msgpack IN OUT             turn a report in JSON into MessagePack
//	match NAME PATTERN         set $NAME to what the group of the pattern matches in the last stdout
//	write FILE TEXT            write a text into a file
//	receiver                   listen for webhooks on this machine; sets $RECEIVER
//	received N FILE            wait for the Nth webhook, which the secret in FILE must have signed; its body becomes stdout
//	answered FILE REFERENCE    write a table of two answers, one of which is about nothing
//	postgres                   set $POSTGRES to an address at which there is nothing yet, and $THEIRS to what it was before
//	sql FILE STATEMENT         change a database, such as data/office.db, behind the program's back
//	away FILE, back FILE       take a database away, and put it back in the place of what is there
func TestScripts(t *testing.T) {
	dbtest.Opens(t)
	testscript.Run(t, testscript.Params{
		Files: scripts(t),
		Setup: func(e *testscript.Env) error {
			e.Setenv("KHIEN_DATA", e.WorkDir+"/data")
			if dbtest.OnPostgres {
				e.Setenv(onPostgres, dbtest.Server(t))
			}
			e.Setenv("GORACE", "atexit_sleep_ms=0") // or each command sleeps a second under the race detector
			server := &server{}
			e.Values["server"] = server
			e.Values["receiver"] = &receiver{}
			e.Defer(server.kill)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "postgres" {
				return false, fmt.Errorf("there is no condition %q", cond)
			}
			return dbtest.OnPostgres, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": scriptServe, "drain": scriptDrain, "http": scriptHTTP, "raw": scriptRaw, "msgpack": scriptMsgPack, "exits": scriptExits,
			"receipt": scriptReceipt, "fetchset": scriptFetchSet, "published": scriptPublished, "flip": scriptFlip,
			"full": scriptFull, "sums": scriptSums, "sql": scriptSQL, "match": scriptMatch, "write": scriptWrite, "away": scriptAway, "back": scriptBack,
			"receiver": scriptReceiver, "received": scriptReceived, "answered": scriptAnswered,
			// keep NAME FILE: what the file has, without its last newline, as a variable.
			"keep": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Setenv(args[0], strings.TrimSuffix(ts.ReadFile(args[1]), "\n"))
			},
			"postgres": func(ts *testscript.TestScript, _ bool, _ []string) {
				ts.Setenv("THEIRS", ts.Getenv("POSTGRES"))
				ts.Setenv("POSTGRES", dbtest.Postgres(t))
			},
		},
	})
}

// most are the scripts that together use most of what is kept, and each command that has statements of its own.
var most = regexp.MustCompile(`/(audit|campaign|counter|evidence|http_reports|killed|source|source_two|takedown|two)\.txt$`)

// several are scripts in which a server has all kinds of things to do at once.
var several = regexp.MustCompile(`/(console|evidence|http_reads|http_reports)\.txt$`)

// scripts are all of them; for -short, which the race detector gets, those in which a server runs: a command alone
// races with nobody. Without KHIEN_WHOLE=1 a few of these are enough.
func scripts(t *testing.T) []string {
	all, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	return slices.DeleteFunc(all, func(file string) bool {
		if dbtest.Fewer() && !most.MatchString(file) {
			return true
		}
		if !testing.Short() {
			return false
		}
		if os.Getenv("KHIEN_WHOLE") == "" {
			return !several.MatchString(file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return !bytes.Contains(text, []byte("\nserve"))
	})
}

// server is a "khien serve" of its own process.
type server struct {
	before  string // of the shell that starts it, such as "ulimit -n 1024;"
	cmd     *exec.Cmd
	addr    string // host:port
	console string // also
	stderr  bytes.Buffer
	copied  chan struct{}
}

// start returns when the server has said where it serves.
func (s *server) start(dir string, env []string, flags ...string) error {
	s.cmd = exec.Command("sh", append([]string{"-c", s.before + ` exec khien serve --listen 127.0.0.1:0 "$@"`, "sh"}, flags...)...)
	s.cmd.Dir, s.cmd.Env = dir, env
	out, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.stderr.Reset()
	s.copied = make(chan struct{})
	lines := bufio.NewReader(io.TeeReader(out, &s.stderr))
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			s.cmd.Wait()
			return fmt.Errorf("khien serve ended: %s", s.stderr.String())
		}
		if rest, ok := strings.CutPrefix(line, "the console is at http://"); ok {
			s.console = strings.TrimSuffix(strings.TrimSpace(rest), "/")
		}
		if rest, ok := strings.CutPrefix(line, "serving on http://"); ok {
			s.addr = strings.TrimSuffix(strings.TrimSpace(rest), "/")
			break
		}
	}
	go func() {
		io.Copy(io.Discard, lines)
		close(s.copied)
	}()
	return nil
}

// stop drains the server and returns its error and what it said.
func (s *server) stop() (string, error) {
	s.cmd.Process.Signal(syscall.SIGTERM)
	return s.wait()
}

func (s *server) wait() (string, error) {
	<-s.copied
	err := s.cmd.Wait()
	s.cmd = nil
	return s.stderr.String(), err
}

func (s *server) kill() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.wait()
	}
}

func scriptEnvironment(ts *testscript.TestScript) []string {
	env := os.Environ()
	for _, name := range []string{"KHIEN_DATA", "KHIEN_DB", onPostgres} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value("server").(*server)
	if neg || s.cmd != nil {
		ts.Fatalf("usage: serve [FLAG...], once at a time")
	}
	ts.Check(s.start(ts.Getenv("WORK"), scriptEnvironment(ts), args...))
	ts.Setenv("SERVER", "http://"+s.addr)
	_, port, _ := net.SplitHostPort(s.addr)
	ts.Setenv("PORT", port)
}

func scriptDrain(ts *testscript.TestScript, neg bool, args []string) {
	said, err := ts.Value("server").(*server).stop()
	fmt.Fprint(ts.Stderr(), said)
	if neg != (err != nil) {
		ts.Fatalf("khien serve ended with %v", err)
	}
}

func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: http METHOD PATH [NAME:VALUE...] [@BODYFILE]")
	}
	var body io.Reader
	if last := args[len(args)-1]; strings.HasPrefix(last, "@") {
		body = strings.NewReader(ts.ReadFile(last[1:]))
		args = args[:len(args)-1]
	}
	req, err := http.NewRequest(args[0], ts.Getenv("SERVER")+args[1], body)
	ts.Check(err)
	for _, header := range args[2:] {
		name, value, _ := strings.Cut(header, ":")
		req.Header.Set(name, value)
		if strings.EqualFold(name, "Host") {
			req.Host = value
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	ts.Check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	out := ts.Stdout()
	fmt.Fprintln(out, resp.StatusCode, http.StatusText(resp.StatusCode))
	resp.Header.Del("Date")
	resp.Header.Write(lineFeeds{out})
	fmt.Fprintf(out, "\n%s", answer)
}

// lineFeeds drops the carriage returns of HTTP headers.
type lineFeeds struct{ io.Writer }

func (w lineFeeds) Write(p []byte) (int, error) {
	_, err := w.Writer.Write(bytes.ReplaceAll(p, []byte("\r"), nil))
	return len(p), err
}

func scriptRaw(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: raw FILE")
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(ts.Getenv("SERVER"), "http://"))
	ts.Check(err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = io.WriteString(conn, strings.ReplaceAll(ts.ReadFile(args[0]), "\n", "\r\n"))
	ts.Check(err)
	conn.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(conn)
	fmt.Fprint(ts.Stdout(), strings.ReplaceAll(string(answer), "\r", ""))
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = scriptEnvironment(ts)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	cmd.Run()
	if got := fmt.Sprint(cmd.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

func scriptFull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: full COMMAND...")
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	ts.Check(err)
	defer full.Close()
	var words strings.Builder
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = scriptEnvironment(ts)
	cmd.Stdout, cmd.Stderr = full, &words
	cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 1 || strings.Count(words.String(), "no space left on device") != 1 {
		ts.Fatalf("exit code %d, and it said: %s", code, words.String())
	}
}

func scriptSums(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sums FOLDER")
	}
	folder := ts.MkAbs(args[0])
	files, err := os.ReadDir(folder)
	ts.Check(err)
	sums := release.Sums{}
	for _, file := range files {
		sums[file.Name()] = release.DigestOf([]byte(ts.ReadFile(filepath.Join(folder, file.Name()))))
	}
	keys, err := publish.LoadKeys(filepath.Join(ts.Getenv("KHIEN_DATA"), "keys"))
	ts.Check(err)
	signed, err := keys.SignSums(sums)
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(folder, "SHA256SUMS.signed"), signed, 0o600))
	ts.Check(os.WriteFile(filepath.Join(folder, "keys.note"), keys.Note, 0o600))
}

func scriptReceipt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: receipt FILE")
	}
	resp, err := http.Post(ts.Getenv("SERVER")+"/v1/reports", "application/json", strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	defer resp.Body.Close()
	var r wire.Receipt
	ts.Check(json.NewDecoder(resp.Body).Decode(&r))
	if r.Receipt == "" {
		ts.Fatalf("the report was answered with %s", resp.Status)
	}
	ts.Setenv("RECEIPT", r.Receipt)
}

func scriptFetchSet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fetchset FILE")
	}
	c, err := newClient(context.Background(), ts.Getenv("SERVER"))
	ts.Check(err)
	r, err := fetchRelease(c.get)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), r.set, 0o600))
}

func scriptPublished(ts *testscript.TestScript, neg bool, args []string) {
	c, err := newClient(context.Background(), ts.Getenv("SERVER"))
	ts.Check(err)
	note, err := c.get(release.HeadPath, release.MaxHead)
	ts.Check(err)
	head, err := release.ReadHead(note)
	ts.Check(err)
	ts.Setenv("KEYS", release.BlobPath(head.Keys))
	ts.Setenv("SET", release.BlobPath(head.Set))
	ts.Setenv("DELTA", release.DeltaPath(head.Set, head.Deltas))
	ts.Setenv("BUCKET", release.BucketPath(head.Sequence, head.BucketBits, [32]byte{}))
}

func scriptFlip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip PATH")
	}
	file := filepath.Join(ts.MkAbs("data/published"), strings.TrimPrefix(args[0], "/v1"))
	body, err := os.ReadFile(file)
	ts.Check(err)
	at := len(body) / 2
	if digit := bytes.IndexAny(body[at:], "0123456789"); digit >= 0 {
		at += digit // so that what is text keeps its format
	}
	body[at] ^= 1
	ts.Check(os.WriteFile(file, body, 0o600))
}

func scriptMatch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: match NAME PATTERN")
	}
	found := regexp.MustCompile(`(?m)` + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("nothing matches %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

func scriptWrite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: write FILE TEXT")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(args[1]), 0o600))
}

func scriptSQL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sql FILE STATEMENT")
	}
	file := ts.MkAbs(args[0])
	if dbtest.OnPostgres {
		inSchema(ts, file, dialect.Replace(args[1]))
		return
	}
	db, err := driver.Open(file)
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(args[1])
	ts.Check(err)
}

// dialect writes what scripts need of SQLite's.
var dialect = strings.NewReplacer("unixepoch()", "extract(epoch FROM now())::bigint", "x'", `'\x`)

// inSchema runs a statement in the schema that stands for a file.
func inSchema(ts *testscript.TestScript, file, statement string) {
	place, err := office.Where(filepath.Dir(file), "")
	ts.Check(err)
	base, err := db.Open(db.In(place, strings.TrimSuffix(filepath.Base(file), ".db")))
	ts.Check(err)
	defer base.Close()
	_, err = base.ExecContext(context.Background(), statement)
	ts.Check(err)
}

func scriptAway(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: away FILE")
	}
	file := ts.MkAbs(args[0])
	if dbtest.OnPostgres {
		inSchema(ts, file, `DO 'BEGIN EXECUTE format(''ALTER SCHEMA %I RENAME TO %I'', current_schema(), current_schema() || ''_away''); END'`)
		return
	}
	ts.Check(os.Rename(file, file+".away"))
	for _, log := range []string{"-wal", "-shm"} {
		ts.Check(os.RemoveAll(file + log))
	}
}

func scriptBack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: back FILE")
	}
	file := ts.MkAbs(args[0])
	if dbtest.OnPostgres {
		inSchema(ts, file, `DO 'DECLARE here text := current_schema(); BEGIN EXECUTE format(''DROP SCHEMA %I CASCADE; ALTER SCHEMA %I RENAME TO %I'', here, here || ''_away'', here); END'`)
		return
	}
	for _, log := range []string{"-wal", "-shm"} {
		ts.Check(os.RemoveAll(file + log))
	}
	ts.Check(os.Rename(file+".away", file))
}

func scriptMsgPack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: msgpack IN OUT")
	}
	var r wire.Report
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &r))
	body, err := r.MarshalMsg(nil)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), body, 0o600))
}
