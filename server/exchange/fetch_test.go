package exchange

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"khien/server/audit"
	"khien/server/db/dbtest"
)

// served adds a source that a server on this machine has, and returns the server.
func (d *desk) served(name string, answer http.HandlerFunc, more func(*Source)) *httptest.Server {
	d.t.Helper()
	server := httptest.NewTLSServer(answer)
	d.t.Cleanup(server.Close)
	d.roots = x509.NewCertPool()
	d.roots.AddCert(server.Certificate())
	d.source(name, func(s *Source) {
		s.Address, s.Private = server.URL+"/list", true
		if more != nil {
			more(s)
		}
	})
	return server
}

func (d *desk) runs(name string) Run {
	d.t.Helper()
	r, err := d.Run(d.t.Context(), "mai", name, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func TestAListThatIsNotNewIsNotSent(t *testing.T) {
	d := open(t)
	body, sent := "a.example\n", 0
	d.served("one", func(w http.ResponseWriter, r *http.Request) {
		tag := fmt.Sprintf(`"%d"`, len(body))
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		io.WriteString(w, body)
	}, nil)
	if r := d.runs("one"); r.State != Accepted {
		t.Fatalf("%+v", r)
	}
	if r := d.runs("one"); r.State != Same || sent != 1 {
		t.Errorf("%+v, sent %d times", r, sent)
	}
	body = "a.example\nb.example\n"
	if r := d.runs("one"); r.State != Accepted || sent != 2 {
		t.Errorf("%+v, sent %d times", r, sent)
	}
	d.expect("a.example/ one", "b.example/ one")
}

func packed(t *testing.T, how, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if how == "zstd" {
		var err error
		if w, err = zstd.NewWriter(&b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAListMayBePacked(t *testing.T) {
	list := strings.Join(hosts(0, 500), "\n")
	for what, one := range map[string]struct {
		encoding string
		body     []byte
	}{
		"plain":           {"", []byte(list)},
		"gzip":            {"gzip", packed(t, "gzip", list)},
		"zstd":            {"zstd", packed(t, "zstd", list)},
		"a file .gz":      {"", packed(t, "gzip", list)},
		"a file .zst":     {"", packed(t, "zstd", list)},
		"a file .gz sent": {"gzip", packed(t, "gzip", string(packed(t, "gzip", list)))},
	} {
		t.Run(what, func(t *testing.T) {
			d := open(t)
			d.served("one", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", one.encoding)
				w.Write(one.body)
			}, nil)
			if r := d.runs("one"); r.State != Accepted || r.Numbers.New != 500 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// What a hostile server sends takes a bounded part of the memory and of the time, is refused by a clear message, and
// changes nothing.
func TestHostileServers(t *testing.T) {
	full := hosts(0, 100)
	bomb := sync.OnceValue(func() []byte { return packed(t, "gzip", strings.Repeat("0\n", 129<<20)) })
	half := packed(t, "gzip", strings.Join(hosts(0, 5000), "\n"))
	for what, one := range map[string]struct {
		answer http.HandlerFunc
		err    string
		why    Why
	}{
		"a bomb of 258 MB": {func(w http.ResponseWriter, _ *http.Request) { w.Write(bomb()) }, "larger than 256 MB", ""},
		"half a gzip":      {func(w http.ResponseWriter, _ *http.Request) { w.Write(half[:len(half)/2]) }, "", Cut},
		"half a gzip, sent as such": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(half[:len(half)/2])
		}, "", Cut},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000")
			io.WriteString(w, strings.Join(full[:90], "\n"))
		}, "", Cut},
		"a web page": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "<!doctype html><title>Please sign in</title>")
		}, "", Page},
		"nothing":          {func(http.ResponseWriter, *http.Request) {}, "", Empty},
		"a line of 300 MB": {func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, io.LimitReader(endless{}, 300<<20)) }, "larger than 256 MB", ""},
		"another packing": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			w.Write([]byte("x"))
		}, "packed", ""},
		"no list":       {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusNotFound) }, "answers 404", ""},
		"a closed door": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) }, "other credentials", ""},
		"in a circle": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/list?"+r.URL.RawQuery+"x", http.StatusFound)
		}, "from address to address", ""},
		"to http": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://list.example/", http.StatusFound)
		}, "http, which is not allowed", ""},
		"silent": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "sent nothing|timeout|10 minutes", ""},
		"silent in the middle": {func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "a.example\n")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "sent nothing", ""},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, "a.example\n")
				w.(http.Flusher).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}, "within 10 minutes", ""},
	} {
		t.Run(what, func(t *testing.T) {
			if (testing.Short() || dbtest.Fewer()) && strings.Contains(what, "MB") {
				t.Skip("it makes 258 MB")
			}
			if what == "a bomb of 258 MB" {
				bomb()
			}
			d := open(t)
			d.quiet, d.whole = 300*time.Millisecond, 10*time.Second
			if what == "slow" {
				d.whole = time.Second
			}
			answer := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Join(full, "\n")) }
			d.served("one", func(w http.ResponseWriter, r *http.Request) { answer(w, r) }, nil)
			d.runs("one")
			had := d.listed()
			answer = one.answer
			r, err := d.Run(t.Context(), "mai", "one", nil)
			switch {
			case one.why != "" && (err != nil || r.State != Waiting || !slices.Contains(r.Why, one.why)):
				t.Errorf("%+v, %v", r, err)
			case one.err != "" && (err == nil || !slices.ContainsFunc(strings.Split(one.err, "|"), func(text string) bool { return strings.Contains(err.Error(), text) })):
				t.Errorf("%+v, %v", r, err)
			case err != nil && (strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "/list")):
				t.Errorf("the address is told: %v", err)
			}
			d.expect(had...)
			if s, err := d.Get(t.Context(), "one"); err != nil || one.err != "" && (s.Failures != 1 || s.Trouble == "") {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestAListOfOneLineTakesNoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads 100 MB")
	}
	d := open(t)
	d.source("one", nil)
	f, err := os.Create(filepath.Join(d.lists, "one"))
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, "a.example\n")
	io.Copy(f, io.LimitReader(endless{}, 100<<20))
	f.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := d.runs("one")
	runtime.ReadMemStats(&after)
	if r.Numbers.New != 1 || r.Numbers.Refused != 1 {
		t.Errorf("%+v", r)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("it took %d MB", took>>20)
	}
}

// The rest of what was cut off is asked for, if it is of the same list.
func TestWhatIsCutOffGoesOn(t *testing.T) {
	d := open(t)
	list, asked := strings.Join(hosts(0, 1000), "\n"), []string{}
	d.served("one", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Range"))
		w.Header().Set("ETag", `"1"`)
		var from int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && r.Header.Get("If-Range") == `"1"` {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(list)-1, len(list)))
			w.Header().Set("Content-Length", fmt.Sprint(len(list)-from))
			w.WriteHeader(http.StatusPartialContent)
		} else {
			w.Header().Set("Content-Length", fmt.Sprint(len(list)))
		}
		io.WriteString(w, list[from:min(from+6000, len(list))])
	}, nil)
	if r := d.runs("one"); r.State != Accepted || r.Numbers.New != 1000 || len(asked) != 3 {
		t.Errorf("%+v after %q", r, asked)
	}
}

// A source leads to no machine beside this one, whatever its name means and wherever its server leads, unless the
// operator has said so.
func TestNoWayToOtherMachines(t *testing.T) {
	for _, at := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
		"fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "ff02::1", "198.18.0.1"} {
		if Public(netip.MustParseAddr(at)) {
			t.Errorf("%s counts as public", at)
		}
	}
	for _, at := range []string{"1.1.1.1", "2606:4700::1111", "8.8.8.8"} {
		if !Public(netip.MustParseAddr(at)) {
			t.Errorf("%s does not count as public", at)
		}
	}
	d := open(t)
	reached := false
	server := d.served("allowed", func(w http.ResponseWriter, _ *http.Request) { reached = true; io.WriteString(w, "a.example\n") }, nil)
	d.source("refused", func(s *Source) { s.Address = server.URL + "/list" })
	d.source("named", func(s *Source) { s.Address = "https://localhost" + server.URL[strings.LastIndexByte(server.URL, ':'):] })
	for _, name := range []string{"refused", "named"} {
		if _, err := d.Run(t.Context(), "mai", name, nil); !errors.Is(err, errPrivate) || reached {
			t.Errorf("%s: %v, reached %v", name, err, reached)
		}
	}
	if d.runs("allowed"); !reached {
		t.Error("what is allowed is refused")
	}
}

// A server whose key is another than before may be another's: a person looks first.
func TestAnotherCertificate(t *testing.T) {
	d := open(t)
	body := "a.example\n"
	server := d.served("one", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }, nil)
	d.runs("one")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	d.roots.AddCert(certificate)
	server.TLS.Certificates = []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}
	body = "b.example\n"
	r := d.runs("one")
	if r.State != Waiting || !slices.Contains(r.Why, Certificate) {
		t.Fatalf("%+v", r)
	}
	d.expect("a.example/ one")
	if _, err := d.Accept(t.Context(), "mai", r.ID, nil); err != nil {
		t.Fatal(err)
	}
	d.expect("b.example/ one")
	if r := d.runs("one"); r.State != Same {
		t.Errorf("%+v", r)
	}
}

// Credentials go to the server that they are for, and nowhere else: not into a database in clear, not into an error, not
// to where the server leads.
func TestCredentials(t *testing.T) {
	d := open(t)
	var got http.Header
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Header; io.WriteString(w, "a.example\n") }))
	defer other.Close()
	lead := false
	server := d.served("one", func(w http.ResponseWriter, r *http.Request) {
		if got = r.Header; lead {
			http.Redirect(w, r, other.URL, http.StatusFound)
			return
		}
		if r.URL.Query().Get("key") != "s3cret key" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		io.WriteString(w, "a.example\n")
	}, func(s *Source) { s.Address = strings.Replace(s.Address, "/list", "/list?key={key}", 1) })
	d.roots.AddCert(other.Certificate())
	if _, err := d.Run(t.Context(), "mai", "one", nil); err == nil {
		t.Fatal("it was let in")
	}
	if err := d.SetCredentials(t.Context(), "mai", "one", Credentials{Key: "s3cret key", Headers: map[string]string{"Auth-Key": "t0ken"}}); err != nil {
		t.Fatal(err)
	}
	if d.runs("one"); got.Get("Auth-Key") != "t0ken" {
		t.Errorf("%v", got)
	}
	s, err := d.Get(t.Context(), "one")
	if err != nil || !s.Secret || bytes.Contains(s.secret, []byte("s3cret")) || bytes.Contains(s.secret, []byte("t0ken")) || strings.Contains(s.Address, "s3cret") {
		t.Errorf("%+v, %v", s, err)
	}
	lead, got = true, nil
	if _, err := d.Run(t.Context(), "mai", "one", nil); err != nil && strings.Contains(err.Error(), "s3cret") || got == nil || got.Get("Auth-Key") != "" {
		t.Errorf("another server got %v (%v)", got, err)
	}
	server.Close()
	if _, err := d.Run(t.Context(), "mai", "one", nil); err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "key=") {
		t.Error(err)
	}
	for act, err := range audit.Acts(t.Context(), d.db, audit.Filter{}) {
		if err != nil || strings.Contains(fmt.Sprint(act.What("en"), act.Because("en"), act), "s3cret") {
			t.Error(act, err)
		}
	}
	// Without the key, or with something else in its place, it is said what to do, and that helps.
	key := filepath.Join(d.folder, "credentials.key")
	was, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func() error{
		"gone":    func() error { return nil },
		"garbage": func() error { return os.WriteFile(key, []byte("garbage"), 0o600) },
		"a pipe":  func() error { return syscall.Mkfifo(key, 0o600) },
	} {
		if err := errors.Join(os.Remove(key), spoil()); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Run(t.Context(), "mai", "one", nil); !errors.Is(err, errKey) {
			t.Errorf("%s: %v", what, err)
		}
		if err := errors.Join(os.RemoveAll(key), os.WriteFile(key, was, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Run(t.Context(), "mai", "one", nil); errors.Is(err, errKey) {
			t.Errorf("%s, and brought back: %v", what, err)
		}
	}
	// Whoever changes the address does not get them.
	s.Address = "https://other.example/?key={key}"
	if err := d.Edit(t.Context(), "mai", s.Source); err != nil {
		t.Fatal(err)
	}
	if s, err := d.Get(t.Context(), "one"); err != nil || s.Secret {
		t.Errorf("%+v, %v", s, err)
	}
}

// A file is a plain one; of a folder, the newest that is finished.
func TestFilesAndFolders(t *testing.T) {
	d := open(t)
	at := func(name string) string { return filepath.Join(d.lists, name) }
	write := func(name, text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(at(name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	write("secret", "secret.example\n", 0)
	if err := os.Symlink(at("secret"), at("link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "pipe"} {
		d.source(name, nil)
	}
	d.source("device", func(s *Source) { s.Address = "/dev/zero" })
	for _, name := range []string{"link", "pipe", "device"} {
		ctx, done := context.WithTimeout(t.Context(), 10*time.Second)
		if _, err := d.Run(ctx, "mai", name, nil); !errors.Is(err, errNoFile) {
			t.Errorf("%s: %v", name, err)
		}
		done()
	}
	if err := os.Mkdir(at("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.source("folder", nil)
	if _, err := d.Run(t.Context(), "mai", "folder", nil); err == nil {
		t.Error("there is nothing in the folder")
	}
	write("folder/2026-11-01.txt", "old.example\n", 48*time.Hour)
	write("folder/2026-11-02.txt", "new.example\n", time.Hour)
	write("folder/.hidden", "hidden.example\n", 0)
	write("folder/2026-11-03.txt.part", "half.example\n", 0)
	if err := os.Symlink(at("secret"), at("folder/2026-11-04.txt")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(at("folder/2026-11-05.txt"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.runs("folder")
	d.expect("new.example/ folder")
}
