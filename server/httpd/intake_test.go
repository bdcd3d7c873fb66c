package httpd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"khien/server/api"
	"khien/server/blob"
	"khien/server/evidence"
	"khien/server/exchange"
	"khien/server/gate"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/limit"
	"khien/server/office"
	"khien/server/office/officetest"
	"khien/server/public"
	"khien/server/publish"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/pow"
	"khien/shared/wire"
)

// desk is a server behind a proxy, with everything that a report may need.
type desk struct {
	t     testing.TB
	url   string
	data  string
	box   *inbox.Inbox
	book  *ledger.Ledger
	store *evidence.Store
	log   bytes.Buffer

	shelf  *publish.Shelf
	server *Server
}

// alike are the same limits for each purpose.
func alike(limits limit.Limits) (rules limit.Rules) {
	for p := range rules {
		rules[p] = limits
	}
	return rules
}

func newDesk(t testing.TB, limits limit.Rules, change ...func(*Config)) *desk {
	t.Helper()
	d := &desk{t: t, data: t.TempDir()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	d.box, err = inbox.Open(filepath.Join(d.data, "inbox.db"))
	must(err)
	t.Cleanup(func() { d.box.Close() })
	base := officetest.Open(t, office.Tables...)
	cases, book := triage.Open(base), ledger.Open(base)
	takedowns := takedown.Open(base, cases)
	d.store, err = evidence.Open(base, filepath.Join(d.data, "evidence"))
	must(err)
	blobs, err := blob.Open(filepath.Join(d.data, "published"))
	must(err)
	d.book = book
	log := slog.New(slog.NewTextHandler(&d.log, nil))
	shelf := &publish.Shelf{Blobs: blobs, Ledger: book}
	c := Config{
		API: &api.API{Shelf: shelf, Inbox: d.box, Desk: cases, Evidence: d.store}, Limiter: limit.New(limits), Proxies: gate.Proxies{Header: "X-Client", From: gate.Loopback}, Conns: gate.Usual, Log: log,
		Public: &public.Site{Shelf: shelf, Ledger: book, Inbox: d.box, Desk: cases, Takedowns: takedowns, Log: log,
			Exchange: exchange.Open(base, func() (*publish.Protection, error) { return publish.Protect("") })},
	}
	for _, f := range change {
		f(&c)
	}
	d.shelf = shelf
	d.server = New(c)
	d.url = runs(t, d.server)
	return d
}

// publishes makes keys, and publishes what is in the ledger.
func (d *desk) publishes() {
	d.t.Helper()
	dir := filepath.Join(d.data, "keys")
	err := publish.InitKeys(dir, filepath.Join(d.data, "root.key"), time.Now().Unix())
	if err != nil {
		d.t.Fatal(err)
	}
	keys, err := publish.LoadKeys(dir)
	if err != nil {
		d.t.Fatal(err)
	}
	d.shelf.Root = keys.Root
	if _, err := (&publish.Publisher{Ledger: d.book, Blobs: d.shelf.Blobs, Keys: keys}).Publish(d.t.Context(), time.Now().Unix()); err != nil {
		d.t.Fatal(err)
	}
}

// runs serves until the test ends and returns where.
func runs(t testing.TB, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

// post sends a body with headers, given as name and value in turn, and returns the answer with its body.
func (d *desk) post(path string, body []byte, headers ...string) (*http.Response, string) {
	d.t.Helper()
	req, err := http.NewRequest("POST", d.url+path, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	return resp, string(answer)
}

func reportOf(n int) (id, body []byte) {
	id = fmt.Appendf(nil, "%016d", n)
	r := wire.Report{ID: id, Kind: wire.KindScam, Href: fmt.Sprintf("https://shop-%d.example/", n), Language: "vi", Time: 1_763_900_000}
	body, _ = r.MarshalMsg(nil)
	return id, body
}

// send sends a report from an address as the extension does: when work is asked for, it does it and comes again.
func (d *desk) send(n int, from string, works bool) (status int, receipt wire.Receipt) {
	d.t.Helper()
	id, body := reportOf(n)
	proof := "none"
	for range 3 {
		resp, answer := d.post("/v1/reports", body, "Content-Type", "application/msgpack", "Accept", "application/json", "X-Client", from, "Khien-Work", proof)
		status = resp.StatusCode
		if status == 201 || status == 200 {
			if err := json.Unmarshal([]byte(answer), &receipt); err != nil {
				d.t.Fatal(err)
			}
			return status, receipt
		}
		var challenge []byte
		var zeros int
		if n, _ := fmt.Sscanf(resp.Header.Get("Khien-Challenge"), "%x %d", &challenge, &zeros); n != 2 || !works {
			return status, receipt
		}
		number, found := pow.Search(challenge, id, 0, 1<<30, zeros)
		if !found {
			d.t.Fatal("no proof was found")
		}
		proof = fmt.Sprintf("%x %x %d", challenge, id, number)
	}
	return status, receipt
}

// The server wants five reports; a hundred come from a flood that works for none of its own, and from people in
// between.
func TestPeopleAreServedInAFlood(t *testing.T) {
	d := newDesk(t, alike(limit.Limits{Each: 0.001, EachBurst: 60, All: 0.001, AllBurst: 5, Bits: 10}))
	var flooded, served, people int
	for i := range 100 {
		if status, _ := d.send(1000+i, fmt.Sprintf("2001:db8:bad:%x::1", i), false); status == 201 {
			flooded++
		}
		if i%5 == 4 {
			people++
			if status, _ := d.send(i, fmt.Sprintf("2001:db8:900d:%x::1", i), true); status == 201 {
				served++
			}
		}
	}
	if served < people*95/100 {
		t.Errorf("%d of %d people were served", served, people)
	}
	if flooded > 5 {
		t.Errorf("%d reports of the flood were taken without work", flooded)
	}
	if _, total, err := d.box.List(t.Context(), "", 1); err != nil || total != served+flooded {
		t.Errorf("%d reports are here, %v", total, err)
	}
}

func TestOneNetworkWaits(t *testing.T) {
	d := newDesk(t, alike(limit.Limits{Each: 0.001, EachBurst: 2, All: 1000, AllBurst: 1000, Bits: 8}))
	for i, want := range []int{201, 201, 429} {
		if status, _ := d.send(i, fmt.Sprintf("2001:db8:1:2::%x", i+1), true); status != want {
			t.Errorf("report %d from one network: %d, want %d", i, status, want)
		}
	}
	if status, _ := d.send(9, "2001:db8:1:3::1", true); status != 201 {
		t.Errorf("from the network beside it: %d", status)
	}
}

// Whoever gets hold of everything that is stored learns no address: neither as it is, nor by trying all there are,
// since what is stored was hashed with a key that was never written down. And the same address is another source the
// next day.
func TestNothingStoredTellsWhoReported(t *testing.T) {
	d := newDesk(t, limit.Usual)
	const address = "2001:db8:77:88:99aa:bbcc:ddee:ff01"
	_, receipt := d.send(1, address, true)
	r, err := d.box.ByReceipt(t.Context(), receipt.Receipt)
	if err != nil || len(r.Source) != 8 {
		t.Fatalf("source % x, %v", r.Source, err)
	}
	addr := netip.MustParseAddr(address)
	prefix, _ := addr.Prefix(64)
	network, _ := addr.Prefix(48)
	text, _ := prefix.MarshalBinary()
	raw := addr.As16()
	forbidden := map[string][]byte{"the address as text": []byte(address), "its first half": raw[:8], "all of it": raw[:]}
	for what, hashed := range map[string][]byte{"address": raw[:], "prefix": text, "prefix as text": []byte(prefix.String()), "half": raw[:8], "network": raw[:6], "network as text": []byte(network.String())} {
		sum := sha256.Sum256(hashed)
		forbidden["a hash of the "+what+" without a key"] = sum[:8]
	}
	files := 0
	err = filepath.WalkDir(d.data, func(path string, f os.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		files++
		body, err := os.ReadFile(path)
		for what, piece := range forbidden {
			if bytes.Contains(body, piece) {
				t.Errorf("%s holds %s", filepath.Base(path), what)
			}
		}
		return err
	})
	if err != nil || files < 3 {
		t.Fatalf("%d files, %v", files, err)
	}
	if strings.Contains(d.log.String(), address) {
		t.Error("the log tells who reported")
	}
	l := limit.New(limit.Usual)
	today, tomorrow := l.Sender(addr, 1_763_900_000), l.Sender(addr, 1_763_900_000+24*60*60)
	if today.One == tomorrow.One || today.Network == tomorrow.Network {
		t.Error("two days can be linked")
	}
	if back := l.Sender(addr, 1_763_900_000); back == today {
		t.Error("the key of a day that is over is still here")
	}
}

// Behind a proxy that adds the client's address to a list, each client is one sender, whatever it has written in front
// itself.
func TestAClientBehindAProxy(t *testing.T) {
	limits := limit.Usual[limit.Reports]
	limits.Each, limits.EachBurst = 0.0001, 1
	d := newDesk(t, alike(limits))
	f := func(n int, from string, want int) {
		t.Helper()
		if status, _ := d.send(n, from, true); status != want {
			t.Errorf("%q: %d, want %d", from, status, want)
		}
	}
	f(1, "198.51.100.1, 192.0.2.1", 201)
	f(2, "198.51.100.2, 192.0.2.1", 429)
	f(3, "192.0.2.2", 201)
	f(4, "198.51.100.1,192.0.2.3", 201)
	_, body := reportOf(5)
	r, err := http.NewRequestWithContext(t.Context(), "POST", d.url+"/v1/reports", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Content-Type"], r.Header["X-Client"] = []string{"application/msgpack"}, []string{"198.51.100.3", "192.0.2.3"} // a second line of it
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != 429 {
		t.Errorf("a header on two lines: %s, want 429", resp.Status)
	}
}

func TestAPictureOverHTTP(t *testing.T) {
	d := newDesk(t, limit.Usual)
	_, receipt := d.send(1, "192.0.2.1", true)
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 640, 480))); err != nil {
		t.Fatal(err)
	}
	picture := b.Bytes()
	f := func(what string, want int, body []byte, receipt string) {
		t.Helper()
		if resp, answer := d.post("/v1/pictures", body, "Khien-Receipt", receipt, "X-Client", "192.0.2.1"); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d\n%s", what, resp.Status, want, answer)
		}
	}
	f("a picture", 201, picture, receipt.Receipt)
	f("for nobody's receipt", 404, picture, strings.Repeat("0", 32))
	f("without a receipt", 404, picture, "")
	f("no picture", 400, []byte("GIF89a, it says"), receipt.Receipt)
	f("a page", 400, []byte("<!doctype html><script>alert(1)</script>"), receipt.Receipt)
	list, err := d.store.Of(t.Context(), fmt.Appendf(nil, "%016d", 1))
	if err != nil || len(list) != 1 || list[0].Width != 640 {
		t.Fatalf("%+v, %v", list, err)
	}

	// It is downloaded from an origin of its own, and is no page there.
	shown := runs(t, NewEvidence(d.store, gate.Usual, slog.New(slog.DiscardHandler)))
	resp, err := http.Get(shown + "/" + list[0].Digest + ".jpg")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if sum := sha256.Sum256(body); resp.StatusCode != 200 || hex.EncodeToString(sum[:]) != list[0].Digest {
		t.Errorf("%s, %d bytes", resp.Status, len(body))
	}
	for name, want := range map[string]string{
		"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
		"Content-Disposition":     `attachment; filename="` + list[0].Digest[:12] + `.jpg"`,
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, path := range []string{"/", "/index.db", "/../inbox.db", "/" + list[0].Digest, "/" + strings.Repeat("0", 64) + ".jpg", "/v1/head"} {
		resp, err := http.Get(shown + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if resp, _ := http.Post(shown+"/v1/pictures", "image/png", bytes.NewReader(make([]byte, 100_000))); resp == nil || resp.StatusCode != 413 {
		t.Errorf("something was taken where pictures are only shown: %v", resp)
	}
}

// Only who holds a receipt may send two megabytes, and not many at once: all others are cut off before their body is
// read.
func TestBodiesAreReadFromFew(t *testing.T) {
	d := newDesk(t, limit.Usual)
	_, receipt := d.send(1, "192.0.2.1", true)
	announced := func(receipt string) string {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(d.url, "http://"), 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(conn, "POST /v1/pictures HTTP/1.1\r\nHost: khien.example\r\nKhien-Receipt: %s\r\nContent-Length: 2000000\r\n\r\n", receipt)
		answer := make([]byte, 15)
		if _, err := io.ReadFull(conn, answer); err != nil {
			return "waits for the body"
		}
		return string(answer)
	}
	if got := announced(strings.Repeat("0", 32)); !strings.HasPrefix(got, "HTTP/1.1 404") {
		t.Errorf("without a receipt: %q", got)
	}
	// More than one receipt's share is refused, and so is more than there is for all; nobody else's is touched by what one
	// holder sends.
	const sent = 64
	waiting := 0
	answers := make(chan string)
	for range sent {
		go func() { answers <- announced(receipt.Receipt) }()
	}
	for range sent {
		switch got := <-answers; {
		case got == "waits for the body":
			waiting++
		case !strings.HasPrefix(got, "HTTP/1.1 429"):
			t.Errorf("%q", got)
		}
	}
	if waiting == 0 || waiting > limit.Usual[limit.Pictures].EachBurst+1 {
		t.Errorf("%d of %d bodies are read at once", waiting, sent)
	}
	_, other := d.send(2, "198.51.100.1", true)
	if got := announced(other.Receipt); got != "waits for the body" {
		t.Errorf("somebody else: %q", got)
	}
}
