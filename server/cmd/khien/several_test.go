package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/db/dbtest"
	"khien/shared/release"
	"khien/shared/wire"
)

// wire between a server and its PostgreSQL, which somebody can cut.
type line struct {
	t        *testing.T
	at, to   string // sockets
	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
}

// newLine returns the address of a database at its end.
func newLine(t *testing.T) (*line, string) {
	t.Helper()
	u, err := url.Parse(dbtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	asked := u.Query()
	l := &line{t: t, at: filepath.Join(t.TempDir(), ".s.PGSQL.5432"), to: filepath.Join(asked.Get("host"), ".s.PGSQL.5432")}
	asked.Set("host", filepath.Dir(l.at))
	u.RawQuery = asked.Encode()
	l.mend()
	t.Cleanup(l.cut)
	return l, u.String()
}

func (l *line) mend() {
	l.t.Helper()
	listener, err := net.Listen("unix", l.at)
	if err != nil {
		l.t.Fatal(err)
	}
	l.listener = listener
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", l.to)
			if err != nil {
				near.Close()
				return
			}
			l.mu.Lock()
			l.open = append(l.open, near, far)
			l.mu.Unlock()
			go func() { io.Copy(near, far); near.Close() }()
			go func() { io.Copy(far, near); far.Close() }()
		}
	}()
}

func (l *line) cut() {
	l.listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		c.Close()
	}
	l.open = nil
}

// initAt makes a data directory whose databases are at an address.
func initAt(t *testing.T, place string, args ...string) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if out, err := exec.Command("khien", append([]string{"init", "--data", data, "--db", place}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("khien init: %v\n%s", err, out)
	}
	return data
}

// answered asks until the answer has this status.
func answered(t *testing.T, status int, ask func() (*http.Response, error)) string {
	t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		got := "nothing"
		resp, err := ask()
		if err == nil {
			var body []byte
			body, err = io.ReadAll(resp.Body)
			resp.Body.Close()
			if got = string(body); err == nil && resp.StatusCode == status {
				return got
			}
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("no answer has status %d: %s, %v", status, got, err)
		}
	}
}

// The database is away for a while. Whoever reports is told to come again, whoever asks for the list has it, and
// nothing has to be started anew when it is back.
func TestTheDatabaseIsAwayForAWhile(t *testing.T) {
	dbtest.Only(t, "a file is not away")
	l, place := newLine(t)
	s := start(t, initAt(t, place, "--demo"))
	report := func(id uint64) func() (*http.Response, error) {
		return func() (*http.Response, error) {
			return http.Post("http://"+s.addr+"/v1/reports", "application/json", strings.NewReader(reportBody(id)))
		}
	}
	get := func(path string) func() (*http.Response, error) {
		return func() (*http.Response, error) { return http.Get("http://" + s.addr + path) }
	}
	var r wire.Receipt
	if err := json.Unmarshal([]byte(answered(t, http.StatusCreated, report(1))), &r); err != nil {
		t.Fatal(err)
	}
	l.cut()
	answered(t, http.StatusServiceUnavailable, report(2))
	answered(t, http.StatusServiceUnavailable, get("/v1/receipts/"+r.Receipt))
	answered(t, http.StatusServiceUnavailable, get("/statistics"))
	answered(t, http.StatusOK, get(release.HeadPath))
	l.mend()
	answered(t, http.StatusCreated, report(3))
	answered(t, http.StatusOK, get("/v1/receipts/"+r.Receipt))
	said, err := s.stop()
	if err != nil || !strings.HasSuffix(said, "stopped\n") {
		t.Errorf("it ended with %v: %s", err, said)
	}
	for _, secret := range []string{"shop-", r.Receipt, filepath.Dir(l.at)} {
		if strings.Contains(said, secret) {
			t.Errorf("it said %q: %s", secret, said)
		}
	}
}

// Two servers have one data directory and one database. Both take reports while people decide and publish and one of
// the two is killed: what was acknowledged is there once, each release follows the one before, and both hand out the
// same.
func TestTwoServersOnOneDatabase(t *testing.T) {
	dbtest.Only(t, "several servers have PostgreSQL")
	data := initAt(t, begins(t), "--demo")
	khien := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("khien", append(args, "--data", data)...).Output()
		if err != nil {
			said := ""
			if e, ok := err.(*exec.ExitError); ok {
				said = string(e.Stderr)
			}
			t.Fatalf("khien %s: %v\n%s%s", strings.Join(args, " "), err, out, said)
		}
		return string(out)
	}
	serve := func() *server {
		s := &server{}
		if err := s.start(".", append(os.Environ(), "KHIEN_DATA="+data), "--each", "1e6", "--each-burst", "1000000"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.kill)
		return s
	}
	both := [2]*server{serve(), serve()}
	var mu sync.Mutex
	acknowledged := map[uint64]string{}
	ids, next := make(chan uint64), uint64(0)
	var senders sync.WaitGroup
	for i := range 4 {
		senders.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for id := range ids {
				for try := i; ; try++ { // at the other server, where this one does not answer
					mu.Lock()
					addr := both[try%2].addr
					mu.Unlock()
					resp, err := client.Post("http://"+addr+"/v1/reports", "application/json", strings.NewReader(reportBody(id)))
					if err != nil {
						continue
					}
					var r wire.Receipt
					err = json.NewDecoder(resp.Body).Decode(&r)
					resp.Body.Close()
					if err == nil && r.Receipt != "" {
						mu.Lock()
						acknowledged[id] = r.Receipt
						mu.Unlock()
						break
					}
				}
			}
		})
	}
	report := func(n int) {
		for range n {
			next++
			ids <- next
		}
	}
	report(50)
	for n := range 6 {
		var together sync.WaitGroup
		together.Go(func() { report(50) })
		khien("reports", "accept", fmt.Sprintf("%016x%016x", n+1, 0), "--category", "shop")
		for range 2 {
			together.Go(func() {
				out, err := exec.Command("khien", "publish", "--data", data).CombinedOutput()
				if err != nil && !strings.Contains(string(out), "somebody else is at work: run it again") {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
		switch n {
		case 2:
			both[0].kill()
		case 4:
			again := serve()
			mu.Lock()
			both[0] = again
			mu.Unlock()
		}
		together.Wait()
	}
	close(ids)
	senders.Wait()
	khien("publish")

	// Both are sent the same picture at once.
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	var sent sync.WaitGroup
	for _, s := range both {
		sent.Go(func() {
			answered(t, http.StatusCreated, func() (*http.Response, error) {
				req, err := http.NewRequest("POST", "http://"+s.addr+"/v1/pictures", bytes.NewReader(picture.Bytes()))
				if err != nil {
					return nil, err
				}
				req.Header.Set("Khien-Receipt", acknowledged[1])
				return http.DefaultClient.Do(req)
			})
		})
	}
	sent.Wait()

	// Each report once, gathered once.
	box, err := (&dir{path: data}).inbox()
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	all, total, err := box.List(t.Context(), "", 1<<20)
	if err != nil || total != len(acknowledged) || total != int(next) {
		t.Fatalf("%d reports of %d, %d acknowledged, %v", total, next, len(acknowledged), err)
	}
	d := &dir{path: data}
	defer d.close()
	desk, err := d.desk()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Gather(t.Context(), box); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range all {
		if c, err := desk.Of(t.Context(), r.ID); err != nil || c.Reports != 1 {
			t.Errorf("report %s is in a case of %d reports, %v", r.Name(), c.Reports, err)
		}
		if known[r.Receipt] {
			t.Errorf("receipt %s is there twice", r.Receipt)
		}
		known[r.Receipt] = true
	}
	for id, receipt := range acknowledged {
		if !known[receipt] {
			t.Errorf("report %d was acknowledged and is lost", id)
		}
	}
	khien("doctor")
	khien("verify")
	for n := range 6 {
		if said := khien("check", fmt.Sprintf("http://shop-%d.example/", n+1)); !strings.Contains(said, `"verdict":"listed"`) {
			t.Errorf("what was decided is not listed: %s", said)
		}
	}
	khien("audit", "verify")

	first, err := box.ByReceipt(t.Context(), acknowledged[1])
	if err != nil {
		t.Fatal(err)
	}
	store, err := d.evidence()
	if err != nil {
		t.Fatal(err)
	}
	if list, err := store.Of(t.Context(), first.ID); err != nil || len(list) != 1 {
		t.Errorf("%d pictures are kept of one, %v", len(list), err)
	} else if _, err := store.Read(list[0].Digest); err != nil {
		t.Error(err)
	}
	last, err := desk.Log(t.Context(), audit.Filter{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if mark, err := os.ReadFile(filepath.Join(data, "audit.mark")); err != nil || !strings.HasPrefix(string(mark), fmt.Sprintf("%d:", last[0].Seq)) {
		t.Errorf("the mark is %s and not of entry %d, %v", mark, last[0].Seq, err)
	}

	// No gap, no fork.
	book, err := d.ledger()
	if err != nil {
		t.Fatal(err)
	}
	releases, err := book.Releases(t.Context(), 0)
	if err != nil || len(releases) < 4 {
		t.Fatalf("%d releases, %v", len(releases), err)
	}
	for i, r := range releases {
		if want := uint64(len(releases) - i); r.Sequence != want || len(r.Head) == 0 {
			t.Errorf("release %d stands where %d belongs", r.Sequence, want)
		}
	}
	heads := [2]string{}
	for i, s := range both {
		heads[i] = answered(t, http.StatusOK, func() (*http.Response, error) { return http.Get("http://" + s.addr + release.HeadPath) })
	}
	if heads[0] != heads[1] || heads[0] != string(releases[0].Head) {
		t.Error("the two hand out different releases")
	}
	t.Logf("%d reports, %d releases", total, len(releases))
}

// While somebody publishes, whoever else wants to waits in the database too: the folder of what is published may not
// keep them apart.
func TestOnePublishesAtATime(t *testing.T) {
	dbtest.Only(t, "several servers have PostgreSQL")
	d := &dir{path: initAt(t, begins(t))}
	defer d.close()
	base, err := d.office()
	if err != nil {
		t.Fatal(err)
	}
	end, err := base.Alone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- exec.Command("khien", "publish", "--data", d.path).Run() }()
	for waits := 0; waits == 0; time.Sleep(5 * time.Millisecond) {
		if err := base.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			t.Fatalf("two publish at once: %v", err)
		default:
		}
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
