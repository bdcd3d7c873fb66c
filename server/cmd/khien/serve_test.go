package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/server/office"
	"khien/shared/release"
	"khien/shared/wire"
)

// prepared is a data directory with keys and nothing else.
func prepared(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if out, err := exec.Command("khien", "init", "--data", data, "--db", begins(t)).CombinedOutput(); err != nil {
		t.Fatalf("khien init: %v\n%s", err, out)
	}
	return data
}

// begins is what a new data directory is told with --db.
func begins(t *testing.T) string {
	dbtest.Opens(t)
	if dbtest.OnPostgres {
		return dbtest.Database(t)
	}
	return ""
}

// copyData makes a data directory that has the same in it as another, which nobody has open.
func copyData(t *testing.T, from, to string) {
	t.Helper()
	err := os.CopyFS(to, os.DirFS(from))
	if err == nil && dbtest.OnPostgres {
		var place string
		if place, err = office.Where(to, ""); err == nil {
			err = errors.Join(os.Remove(filepath.Join(to, "db")), office.Remember(to, dbtest.Copied(t, place)))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, data string) *server {
	t.Helper()
	s := &server{}
	if err := s.start(".", append(os.Environ(), "KHIEN_DATA="+data)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

func reportBody(id uint64) string {
	var b [inbox.IDSize]byte
	binary.BigEndian.PutUint64(b[:], id)
	return fmt.Sprintf(`{"id":%q,"kind":"scam","href":"http://shop-%d.example/","title":"Shop","language":"en","time":1763900000}`,
		base64.StdEncoding.EncodeToString(b[:]), id)
}

// The server is killed at random moments, without a chance to tidy up, while people
// report. Whoever was told "received" finds the report in the inbox, under the same receipt.
func TestNoAcknowledgedReportIsLost(t *testing.T) {
	kills := 20
	if testing.Short() {
		kills = 3
	}
	data := prepared(t)
	var mu sync.Mutex
	acknowledged := map[uint64]string{}
	var next uint64
	for range kills {
		s := start(t, data)
		ctx, stop := context.WithCancel(t.Context())
		var senders sync.WaitGroup
		first := make(chan struct{})
		var said sync.Once
		for range 4 {
			senders.Go(func() {
				client := &http.Client{Transport: &http.Transport{}}
				defer client.CloseIdleConnections()
				for ctx.Err() == nil {
					mu.Lock()
					next++
					id := next
					mu.Unlock()
					resp, err := client.Post("http://"+s.addr+"/v1/reports", "application/json", strings.NewReader(reportBody(id)))
					if err != nil {
						return // the server is dead
					}
					var r wire.Receipt
					err = json.NewDecoder(resp.Body).Decode(&r)
					resp.Body.Close()
					if err == nil && resp.StatusCode == http.StatusCreated {
						mu.Lock()
						acknowledged[id] = r.Receipt
						mu.Unlock()
						said.Do(func() { close(first) })
					}
				}
			})
		}
		select {
		case <-first:
		case <-time.After(time.Minute):
			t.Fatal("no report is acknowledged")
		}
		time.Sleep(time.Duration(rand.IntN(130)) * time.Millisecond)
		s.kill()
		stop()
		senders.Wait()
	}
	if len(acknowledged) < kills {
		t.Fatalf("only %d reports were acknowledged over %d lives of the server; nothing is shown by this", len(acknowledged), kills)
	}
	box, err := (&dir{path: data}).inbox()
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	for id, receipt := range acknowledged {
		r, err := box.ByReceipt(t.Context(), receipt)
		if err != nil {
			t.Fatalf("report %d was acknowledged and is lost: %v", id, err)
		}
		if want := fmt.Sprintf("http://shop-%d.example/", id); r.Href != want {
			t.Errorf("receipt %s leads to %s, want %s", hex.EncodeToString(r.ID), r.Href, want)
		}
	}
	t.Logf("%d reports acknowledged over %d kills, all kept", len(acknowledged), kills)
}

// A report that is half sent when the server is told to stop still gets its receipt;
// after that the program ends by itself, and with success.
func TestTheServerDrains(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			drains(t, signal)
		})
	}
}

func drains(t *testing.T, signal os.Signal) {
	s := start(t, prepared(t))
	idle, err := net.Dial("tcp", s.addr) // a browser's spare connection must not hold it up for long
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	body, answers := reportBody(1), bufio.NewReader(conn)
	fmt.Fprintf(conn, "POST /v1/reports HTTP/1.1\r\nHost: khien.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	// The server says when it has read so far.
	if resp, err := http.ReadResponse(answers, nil); err != nil || resp.StatusCode != http.StatusContinue {
		t.Fatalf("before its body the report got %v, %v", resp, err)
	}
	if _, err := io.WriteString(conn, body[:20]); err != nil {
		t.Fatal(err)
	}
	s.cmd.Process.Signal(signal)
	for signalled := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		late, err := net.Dial("tcp", s.addr)
		if err != nil {
			break
		}
		late.Close()
		if time.Since(signalled) > 5*time.Second {
			t.Fatal("connections are taken long after the signal")
		}
	}
	if _, err := io.WriteString(conn, body[20:]); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(answers, nil)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("the report under way got %v, %v", resp, err)
	}
	if !resp.Close {
		t.Error("the answer keeps the connection open")
	}
	if said, err := s.wait(); err != nil || !strings.HasSuffix(said, "stopped\n") {
		t.Errorf("the server ended with %v: %s", err, said)
	}
}

// What a console knows of popular pages is what was named last, though it was started before.
func TestPopularPagesAreReadAnew(t *testing.T) {
	data := prepared(t)
	d := &dir{path: data}
	impact, err := d.impact()
	if err != nil {
		t.Fatal(err)
	}
	names := func(want string, lines ...string) {
		t.Helper()
		if len(lines) > 0 {
			list := filepath.Join(t.TempDir(), "top.txt")
			if err := os.WriteFile(list, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("khien", "popular", list, "--data", data).CombinedOutput(); err != nil {
				t.Fatalf("khien popular: %v\n%s", err, out)
			}
		}
		if got := impact.Of("news.example/", 1).String(); got != want {
			t.Errorf("after %q it is %q, want %q", lines, got, want)
		}
	}
	names("")
	names("a popular host", "news.example")
	names("a popular host", "other.example")
	if err := os.WriteFile(d.popular(), []byte("a disk that fails"), 0o600); err != nil {
		t.Fatal(err)
	}
	names("a popular host")
	if _, err := d.impact(); err == nil {
		t.Error("it is started with what can't be read")
	}
	if out, err := exec.Command("khien", "popular", os.DevNull, "--data", data).CombinedOutput(); err == nil {
		t.Errorf("what can't be read is replaced: %s", out)
	}
	if err := os.Remove(d.popular()); err != nil {
		t.Fatal(err)
	}
	names("a popular host")
}

// A server that runs for weeks keeps its head fresh; one whose release key is kept
// elsewhere serves on and leaves that to whoever publishes.
func TestTheHeadIsRenewedInTime(t *testing.T) {
	data := prepared(t)
	d := &dir{path: data}
	ctx, now := t.Context(), time.Now().Unix()
	if _, err := renew(ctx, d, now); err != nil {
		t.Errorf("before the first release: %v", err)
	}
	if out, err := exec.Command("khien", "publish", "--data", data).CombinedOutput(); err != nil {
		t.Fatalf("khien publish: %v\n%s", err, out)
	}
	sequence := func() uint64 {
		t.Helper()
		blobs, err := d.blobs()
		if err != nil {
			t.Fatal(err)
		}
		note, err := blobs.Head()
		if err != nil {
			t.Fatal(err)
		}
		head, err := release.ReadHead(note)
		if err != nil {
			t.Fatal(err)
		}
		return head.Sequence
	}
	const day = 24 * 60 * 60
	for _, step := range []struct {
		days int64
		want uint64
	}{{0, 1}, {3, 1}, {4, 2}, {5, 2}, {8, 3}} {
		if _, err := renew(ctx, d, now+step.days*day); err != nil {
			t.Errorf("after %d days: %v", step.days, err)
		}
		if got := sequence(); got != step.want {
			t.Errorf("after %d days the release is %d, want %d", step.days, got, step.want)
		}
	}
	if err := os.Remove(filepath.Join(data, "keys", "release-1.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := renew(ctx, d, now+30*day); err != nil {
		t.Errorf("without the release key: %v", err)
	}
}
