package httpd

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/evidence"
	"khien/server/ledger"
	"khien/server/limit"
	"khien/shared/category"
	"khien/shared/pow"
	"khien/shared/wire"
)

// worked is the header with a proof of work for a challenge that an answer has, for an id.
func worked(t *testing.T, resp *http.Response, id []byte) string {
	t.Helper()
	var challenge []byte
	var zeros int
	if n, _ := fmt.Sscanf(resp.Header.Get("Khien-Challenge"), "%x %d", &challenge, &zeros); n != 2 {
		t.Fatalf("%s without a challenge", resp.Status)
	}
	number, found := pow.Search(challenge, id, 0, 1<<30, zeros)
	if !found {
		t.Fatal("no proof was found")
	}
	return fmt.Sprintf("%x %x %d", challenge, id, number)
}

func aPicture(t *testing.T, n int) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 64, 48))
	m.SetGray(n%64, n/64%48, color.Gray{200})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Twenty times as many pictures come as the server takes, from receipts in as many networks, and none brings work.
// Whoever asks first and does the work gets theirs through, and who reports or objects meanwhile notices nothing.
func TestPicturesInAFlood(t *testing.T) {
	rules := alike(limit.Limits{Each: 0.001, EachBurst: 60, All: 1000, AllBurst: 1000, Bits: 8})
	rules[limit.Pictures].All, rules[limit.Pictures].AllBurst = 0.001, 8
	d := newDesk(t, rules)
	upload := func(n int, receipt, proof string) (*http.Response, string) {
		t.Helper()
		return d.post("/v1/pictures", aPicture(t, n), "Khien-Receipt", receipt, "Khien-Work", proof)
	}
	flooded := 0
	for i := range 160 {
		_, receipt := d.send(1000+i, fmt.Sprintf("2001:db8:%x::1", i), false)
		switch resp, answer := upload(1000+i, receipt.Receipt, "none"); resp.StatusCode {
		case 201:
			flooded++
		case 429:
			if resp.Header.Get("Khien-Challenge") == "" {
				t.Fatalf("no work is asked for: %s", answer)
			}
		default:
			t.Fatalf("%s: %s", resp.Status, answer)
		}
	}
	if flooded > 8 {
		t.Errorf("%d pictures of the flood were taken", flooded)
	}
	for i := range 40 {
		_, receipt := d.send(i, fmt.Sprintf("2001:db9:%x::1", i), false)
		resp, answer := d.post("/v1/pictures", nil, "Khien-Receipt", receipt.Receipt, "Accept-Language", "vi")
		if resp.StatusCode != 429 || !strings.Contains(answer, "Hãy gửi lại") {
			t.Fatalf("asking first: %s: %s", resp.Status, answer)
		}
		id, _ := hex.DecodeString(receipt.Receipt)
		proof := worked(t, resp, id)
		if i == 0 { // a proof that was made for another receipt, or that has counted, is none
			_, other := d.send(500, "2001:db9:500::1", false)
			if resp, _ := upload(500, other.Receipt, proof); resp.StatusCode != 429 {
				t.Errorf("with another's work: %s", resp.Status)
			}
		}
		if resp, answer := upload(i, receipt.Receipt, proof); resp.StatusCode != 201 {
			t.Errorf("picture %d: %s: %s", i, resp.Status, answer)
		}
		if resp, _ := upload(i, receipt.Receipt, proof); resp.StatusCode != 429 {
			t.Errorf("with the same work again: %s", resp.Status)
		}
	}
	if resp, _ := d.post("/v1/pictures", nil, "Khien-Receipt", strings.Repeat("0", 32)); resp.StatusCode != 404 {
		t.Errorf("asking with nobody's receipt: %s", resp.Status)
	}
}

// Whoever asks whether a picture would be taken, while there is room, hears so, and has used nothing up.
func TestAskingBeforeAPicture(t *testing.T) {
	d := newDesk(t, limit.Usual)
	_, receipt := d.send(1, "192.0.2.1", true)
	for range 200 {
		if resp, answer := d.post("/v1/pictures", nil, "Khien-Receipt", receipt.Receipt); resp.StatusCode != 204 {
			t.Fatalf("%s: %s", resp.Status, answer)
		}
	}
	if resp, answer := d.post("/v1/pictures", aPicture(t, 1), "Khien-Receipt", receipt.Receipt); resp.StatusCode != 201 {
		t.Errorf("%s: %s", resp.Status, answer)
	}
}

// What may come in a day from one network is used up by that one alone, and is told in the reader's language, with when
// to come again.
func TestTheDayIsFull(t *testing.T) {
	rules := alike(limit.Limits{Each: 1000, EachBurst: 1000, All: 1000, AllBurst: 1000, Bits: 8, EachDay: 1000})
	d := newDesk(t, rules)
	var resp *http.Response
	var answer string
	taken := 0
	for i := 0; i == taken; i++ {
		_, body := reportOf(i)
		resp, answer = d.post("/v1/reports", body, "Content-Type", "application/msgpack", "Accept", "application/json", "Accept-Language", "pl", "X-Client", fmt.Sprintf("192.0.2.%d", i))
		if resp.StatusCode == 201 {
			taken++
		}
	}
	if taken == 0 || taken > 12 || resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" || !strings.Contains(answer, `"full"`) || !strings.Contains(answer, "jutro") {
		t.Errorf("after %d: %s, %s", taken, resp.Status, answer)
	}
	// A network next door is another one, also where it writes the first one's address in front of its own.
	_, body := reportOf(99)
	if resp, answer := d.post("/v1/reports", body, "Content-Type", "application/msgpack", "X-Client", "192.0.2.1, 198.51.100.1"); resp.StatusCode != 201 {
		t.Errorf("another network: %s, %s", resp.Status, answer)
	}
}

func TestTheDiskIsFull(t *testing.T) {
	d := newDesk(t, limit.Usual, func(c *Config) { c.Disk = &limit.Disk{Path: t.TempDir(), Floor: 1 << 62} })
	if status, _ := d.send(1, "192.0.2.1", true); status != 429 {
		t.Errorf("a report: %d", status)
	}
	if resp, err := http.Get(d.url + "/healthz"); err != nil || resp.StatusCode != 200 {
		t.Errorf("what is only read: %v, %v", resp, err)
	}
}

// objector fills in the form of an objection, as a browser without script does.
type objector struct {
	d    *desk
	from string
}

var hidden = regexp.MustCompile(`name="(id|ticket)" value="([^"]*)"`)

func (o objector) fields(page string) url.Values {
	v := url.Values{"about": {"https://shop.example/"}, "note": {"It is mine."}}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		v.Set(m[1], m[2])
	}
	return v
}

func (o objector) ask(method, path string, form url.Values) (*http.Response, string) {
	o.d.t.Helper()
	req, err := http.NewRequest(method, o.d.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		o.d.t.Fatal(err)
	}
	req.Header.Set("X-Client", o.from)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		o.d.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, _ := io.ReadAll(resp.Body)
	return resp, string(page)
}

// held is a ticket that was made out to it a while ago.
func (o objector) held(p limit.Purpose, id []byte) string {
	ticket, _ := o.d.server.limiter.Ticket(p, id, time.Now().Unix()-120)
	return ticket
}

// Twenty times as many objections come as the server wants, by the form and as extensions send them, from as many
// networks. Who fills the form in without script is told to wait a moment, keeps what was written, and is taken then;
// who has an extension brings work.
func TestObjectionsInAFlood(t *testing.T) {
	rules := alike(limit.Limits{Each: 0.001, EachBurst: 60, All: 1000, AllBurst: 1000, Bits: 8})
	rules[limit.Appeals].All, rules[limit.Appeals].AllBurst = 0.001, 8
	d := newDesk(t, rules)
	shop := ledger.Indicator{Subject: "shop.example/", Category: category.Other, Source: "a partner", Reference: "1"}
	if err := d.book.List(t.Context(), "mai", shop); err != nil {
		t.Fatal(err)
	}
	d.publishes()
	object := func(n int, from, proof string) *http.Response {
		id := fmt.Appendf(nil, "%016d", n)
		r := wire.Report{ID: id, Kind: wire.KindMistake, Href: "https://shop.example/", Language: "vi", Time: 1_763_900_000}
		body, _ := r.MarshalMsg(nil)
		resp, _ := d.post("/v1/reports", body, "Content-Type", "application/msgpack", "X-Client", from, "Khien-Work", proof)
		return resp
	}
	flooded := 0
	for i := range 80 {
		from := fmt.Sprintf("2001:db8:%x::1", i)
		if object(i, from, "none").StatusCode == 201 {
			flooded++
		}
		o := objector{d, from}
		if resp, _ := o.ask("POST", "/appeal", url.Values{"id": {fmt.Sprintf("%032x", i)}, "about": {"shop.example"}, "note": {"flood"}}); resp.StatusCode == 200 {
			flooded++
		}
	}
	if flooded > 8 {
		t.Errorf("%d objections of the flood were taken", flooded)
	}
	// An extension.
	for i := range 20 {
		from := fmt.Sprintf("2001:db9:%x::1", i)
		resp := object(1000+i, from, "none")
		if resp = object(1000+i, from, worked(t, resp, fmt.Appendf(nil, "%016d", 1000+i))); resp.StatusCode != 201 {
			t.Errorf("an extension's: %s", resp.Status)
		}
	}
	// A form without script: its ticket is of now, and was of a while ago when it is sent.
	for i := range 20 {
		o := objector{d, fmt.Sprintf("2001:dba:%x::1", i)}
		_, page := o.ask("GET", "/appeal", nil)
		resp, page := o.ask("POST", "/appeal?lang=vi", o.fields(page))
		wait := resp.Header.Get("Retry-After") // 5 seconds, which the flood has doubled or not
		if resp.StatusCode != 429 || !slices.Contains([]string{"5", "10", "20", "40"}, wait) || !strings.Contains(page, "đợi "+wait+" giây") || !strings.Contains(page, "It is mine.") {
			t.Fatalf("sent at once: %s\n%s", resp.Status, page)
		}
		again := o.fields(page)
		if resp, _ := o.ask("POST", "/appeal", again); resp.StatusCode != 429 {
			t.Errorf("sent at once again: %s", resp.Status)
		}
		id, _ := hex.DecodeString(again.Get("id"))
		again.Set("ticket", o.held(limit.Appeals, id))
		if i%2 == 1 { // who waits has gone out of the house, and has another network
			o.from = fmt.Sprintf("2001:dbc:%x::1", i)
		}
		if resp, page := o.ask("POST", "/appeal", again); resp.StatusCode != 200 {
			t.Errorf("after having waited: %s\n%s", resp.Status, page)
		}
	}
	// Who only looks something up notices nothing.
	if resp, _ := (objector{d, "2001:dbb::1"}).ask("POST", "/register", url.Values{"about": {"shop.example"}}); resp.StatusCode != 200 {
		t.Errorf("the register: %s", resp.Status)
	}
}

// While too many look something up, who asks waits a moment and is answered.
func TestLookingUpInAFlood(t *testing.T) {
	rules := alike(limit.Limits{Each: 0.001, EachBurst: 60, All: 1000, AllBurst: 1000, Bits: 8})
	rules[limit.LookUps].All, rules[limit.LookUps].AllBurst = 0, 0
	d := newDesk(t, rules)
	o := objector{d, "192.0.2.1"}
	resp, page := o.ask("POST", "/register", url.Values{"about": {"https://shop.example/"}})
	if resp.StatusCode != 429 || !strings.Contains(page, "wait 5 seconds") {
		t.Fatalf("%s\n%s", resp.Status, page)
	}
	form := o.fields(page)
	id, _ := hex.DecodeString(form.Get("id"))
	form.Set("ticket", o.held(limit.LookUps, id))
	if resp, page := o.ask("POST", "/register", form); resp.StatusCode != 200 || !strings.Contains(page, "shop.example") {
		t.Errorf("%s\n%s", resp.Status, page)
	}
}

// received keeps a report that came at a time from a source, and returns its receipt.
func (d *desk) received(n int, source []byte, at int64) string {
	d.t.Helper()
	id, _ := reportOf(n)
	r := wire.Report{ID: id, Kind: wire.KindScam, Href: fmt.Sprintf("https://shop-%d.example/", n), Time: at}
	kept, _, err := d.box.Accept(d.t.Context(), r, source, at)
	if err != nil {
		d.t.Fatal(err)
	}
	return kept.Receipt
}

// Somebody has reported once a day for a hundred days, each time known as another source, and some of it was decided
// long ago, so that each has a label of its own. All these receipts together send no more pictures than one network,
// and who reports today sends theirs.
func TestOldReceiptsAreOneNetwork(t *testing.T) {
	rules := alike(limit.Limits{EachBurst: 60, All: 1000, AllBurst: 1000, Bits: 8})
	rules[limit.Pictures].EachBurst = 1 // and 8 from one network
	d := newDesk(t, rules)
	upload := func(n int, receipt string) int {
		t.Helper()
		resp, _ := d.post("/v1/pictures", aPicture(t, n), "Khien-Receipt", receipt)
		return resp.StatusCode
	}
	taken := 0
	for i := range 100 {
		source := fmt.Appendf(nil, "%08d", i)
		if i%2 == 1 {
			source = fmt.Appendf(nil, "%04d a label", i)
		}
		if upload(i, d.received(i, source, time.Now().Unix()-int64(2+i)*24*60*60)) == 201 {
			taken++
		}
	}
	if taken != 8 {
		t.Errorf("%d pictures were taken from old receipts", taken)
	}
	_, receipt := d.send(1000, "192.0.2.1", false)
	if status := upload(1000, receipt.Receipt); status != 201 {
		t.Errorf("of a report of today: %d", status)
	}
}

// One address has kept the receipts of sixty reports of yesterday, and sends pictures with them one after the other,
// and headers alone. There is room for whoever else has one of that day.
func TestOldReceiptsOfOneNetworkAreOneSender(t *testing.T) {
	d := newDesk(t, limit.Usual)
	now := time.Now().Unix()
	yesterday := now - 2*24*60*60
	holder := func(n int, source string) limit.Sender {
		h, err := d.server.holder(d.received(n, []byte(source), yesterday), now)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	const usual = 128 << 10
	honest := holder(1000, "another!")
	for n := range 60 {
		h := holder(n, "a source")
		for d.server.limiter.Begin(limit.Pictures, h, true, 100) == limit.Take {
		}
		for d.server.limiter.Came(limit.Pictures, h, usual/2) {
		}
	}
	if got := d.server.limiter.Would(limit.Pictures, honest, usual); got != limit.Take {
		t.Errorf("an honest one is told %v", got)
	}
}

// Which network a picture comes from is known on the day of its report, and for an hour.
func TestWhoHoldsAReceipt(t *testing.T) {
	d := newDesk(t, limit.Usual)
	const midnight, hour = 1_763_942_400, 60 * 60
	n := 0
	f := func(source string, received, now int64, want string) {
		t.Helper()
		n++
		h, err := d.server.holder(d.received(n, []byte(source), received), now)
		if got := string(bytes.TrimRight(h.Network[:], "\x00")); err != nil || got != want || h.One == (limit.Source{}) {
			t.Errorf("of %d at %d: %q, %v, want %q", received, now, got, err, want)
		}
	}
	f("a source", midnight, midnight, "a source")
	f("a source", midnight, midnight+24*hour-1, "a source")
	f("a source", midnight, midnight+24*hour, "")
	f("a source", midnight-60, midnight+60, "a source")
	f("a source", midnight-60, midnight+hour, "")
	f("a source", midnight, midnight+240*hour, "")
	f("a label of 12", midnight, midnight, "")
	f("", midnight, midnight, "")
}

// announce begins to send so many bytes as a picture and returns when the server waits for them.
func (d *desk) announce(receipt string, size int) net.Conn {
	d.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /v1/pictures HTTP/1.1\r\nHost: khien.example\r\nKhien-Receipt: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", receipt, size)
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	said := make([]byte, len(goOn))
	if _, err := io.ReadFull(conn, said); err != nil || string(said) != goOn {
		d.t.Fatalf("%q, %v", said, err)
	}
	return conn
}

// Somebody announces pictures of two megabytes from many networks, and sends none: nothing of the day is used up by
// that. And where more were begun than there is room for, those count that come.
func TestWhatWasOnlyAnnounced(t *testing.T) {
	rules := alike(limit.Limits{EachBurst: 60, All: 1000, AllBurst: 1000, Bits: 8})
	rules[limit.Pictures].AllDay = 4 * evidence.MaxUpload
	d := newDesk(t, rules)
	for i := range 40 {
		_, receipt := d.send(i, fmt.Sprintf("2001:db8:%x::1", i), false)
		d.announce(receipt.Receipt, evidence.MaxUpload).Close()
	}
	_, receipt := d.send(99, "192.0.2.1", false)
	if resp, answer := d.post("/v1/pictures", aPicture(t, 99), "Khien-Receipt", receipt.Receipt); resp.StatusCode != 201 {
		t.Errorf("an honest picture: %s: %s", resp.Status, answer)
	}

	size := len(aPicture(t, 0))
	rules[limit.Pictures].AllDay = int64(2*size + size/2)
	d = newDesk(t, rules)
	var conns []net.Conn
	for i := range 5 {
		_, receipt := d.send(i, fmt.Sprintf("2001:db8:%x::1", i), false)
		conns = append(conns, d.announce(receipt.Receipt, size))
	}
	got := map[int]int{}
	for _, conn := range conns {
		conn.Write(aPicture(t, 0))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		got[resp.StatusCode]++
	}
	if got[201] != 2 || got[429] != 3 {
		t.Errorf("of five that were begun: %v", got)
	}
}
