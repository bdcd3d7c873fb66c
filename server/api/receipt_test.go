package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/ledger"
	"khien/server/office/officetest"
	"khien/server/publish"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// office is where reports come in and are decided, with the releases that follow.
type office struct {
	*API
	t                 *testing.T
	book              *ledger.Ledger
	publisher         *publish.Publisher
	informed, removed int64
	sent              int
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{API: open(t), t: t}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	base := officetest.Open(t, ledger.Tables, triage.Tables)
	o.Desk, o.book = triage.Open(base), ledger.Open(base)
	o.Shelf.Ledger = o.book
	must(publish.InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), time.Now().Unix()))
	keys, err := publish.LoadKeys(filepath.Join(dir, "keys"))
	must(err)
	o.publisher = &publish.Publisher{Ledger: o.book, Blobs: o.Shelf.Blobs, Keys: keys}
	o.Shelf.Root = keys.Root
	o.Platform = func(context.Context, subject.Subject) (int64, int64, error) { return o.informed, o.removed, nil }
	return o
}

// report sends a report and returns its receipt.
func (o *office) report(kind, href string) string {
	o.t.Helper()
	o.sent++
	r := wire.Report{ID: fmt.Appendf(nil, "%016d", o.sent), Kind: kind, Href: href, Language: "vi", Time: noon}
	body, _ := r.MarshalMsg(nil)
	answer := accept(o.t.Context(), o.API, Sent{Type: string(MsgPack), Accept: string(JSON), Body: body}, time.Now().Unix())
	var receipt wire.Receipt
	if err := json.Unmarshal(answer.Body, &receipt); err != nil || receipt.Receipt == "" {
		o.t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	return receipt.Receipt
}

// says is what a receipt says: the states on its way, and the last one apart.
func (o *office) says(receipt string, way ...string) wire.Receipt {
	o.t.Helper()
	r, err := o.follow(o.t.Context(), receipt)
	if err != nil {
		o.t.Fatal(err)
	}
	var got []string
	last := int64(0)
	for _, step := range r.Steps {
		got = append(got, step.State)
		if step.Time < last {
			o.t.Errorf("%s is before what was before it", step.State)
		}
		last = step.Time
	}
	if !reflect.DeepEqual(got, way) || r.State != way[len(way)-1] || r.Time != last {
		o.t.Errorf("the receipt says %s by %q, want %q", r.State, got, way)
	}
	return r
}

func (o *office) caseOf() triage.Case {
	o.t.Helper()
	if _, err := o.Desk.Gather(o.t.Context(), o.Inbox); err != nil {
		o.t.Fatal(err)
	}
	cases, err := o.Desk.First(o.t.Context(), triage.PartOpen, 1)
	if err != nil || len(cases) != 1 {
		o.t.Fatalf("%d cases, %v", len(cases), err)
	}
	return cases[0]
}

func (o *office) decide(id int64, d triage.Decision) {
	o.t.Helper()
	d.Actor = "mai"
	if _, err := o.Desk.Decide(o.t.Context(), id, d); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) release() {
	o.t.Helper()
	if _, err := o.Desk.Release(o.t.Context(), o.publisher, o.Inbox, "mai", audit.Why{}, time.Now().Unix()); err != nil {
		o.t.Fatal(err)
	}
}

func TestAReportIsFollowedToItsEnd(t *testing.T) {
	o := newOffice(t)
	receipt := o.report(wire.KindScam, "https://www.tiktok.com/@invented.runner")
	o.says(receipt, "received")
	c := o.caseOf()
	o.says(receipt, "received")
	if err := o.Desk.Seen(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	o.says(receipt, "received", "review")
	o.decide(c.ID, triage.Decision{Action: triage.List, Lists: triage.Only(c.Subject), Category: category.Job, Reason: map[string]string{"en": "takes a deposit", "vi": "đòi đặt cọc"}})
	if r := o.says(receipt, "received", "review"); r.Subject != "" || r.Reason != "" || r.Reasons != nil {
		t.Errorf("a decision that can be undone is told: %+v", r)
	}
	o.release()
	r := o.says(receipt, "received", "review", "accepted", "listed")
	if want := []wire.Text{{Lang: "en", Text: "takes a deposit"}, {Lang: "vi", Text: "đòi đặt cọc"}}; !reflect.DeepEqual(r.Reasons, want) || r.Subject != string(c.Subject) {
		t.Errorf("why: %+v", r)
	}
	o.informed = time.Now().Unix() + 5
	o.says(receipt, "received", "review", "accepted", "listed", "informed")
	o.removed = o.informed + 5
	o.says(receipt, "received", "review", "accepted", "listed", "informed", "removed")

	// Somebody meets it again after the platform had acted: what it did then is no answer to that.
	o.informed, o.removed = time.Now().Unix()-20, time.Now().Unix()-10
	later := o.report(wire.KindScam, "https://www.tiktok.com/@invented.runner")
	if _, err := o.Desk.Gather(t.Context(), o.Inbox); err != nil {
		t.Fatal(err)
	}
	o.says(later, "received", "review", "accepted", "listed")

	// Somebody objects, and is right.
	objection := o.report(wire.KindMistake, "https://www.tiktok.com/@invented.runner")
	if _, err := o.Desk.Gather(t.Context(), o.Inbox); err != nil {
		t.Fatal(err)
	}
	o.decide(c.ID, triage.Decision{Action: triage.Withdraw, Lists: triage.Only(c.Subject), Reason: map[string]string{"en": "another person's name"}})
	o.release()
	o.says(objection, "received", "review", "accepted")
	o.says(receipt, "received", "review", "accepted", "withdrawn")
}

func TestAReportThatIsRejectedSaysWhy(t *testing.T) {
	o := newOffice(t)
	receipt := o.report(wire.KindScam, "https://an-honest-shop.example/")
	c := o.caseOf()
	o.decide(c.ID, triage.Decision{Action: triage.Reject, Reason: map[string]string{"en": "the real shop", "vi": "cửa hàng thật"}})
	o.says(receipt, "received", "review")
	o.release()
	if r := o.says(receipt, "received", "review", "rejected"); len(r.Reasons) != 2 || r.Reasons[1].Text != "cửa hàng thật" {
		t.Errorf("why: %+v", r)
	}
}

// What a person asks reaches those who reported it, and nobody who objects; answered, it is asked no more.
func TestAQuestionReachesWhoReported(t *testing.T) {
	o := newOffice(t)
	const href = "https://a-shop.example/"
	receipt, objection := o.report(wire.KindScam, href), o.report(wire.KindMistake, href)
	c := o.caseOf()
	o.decide(c.ID, triage.Decision{Action: triage.Ask, Reason: map[string]string{"en": "What was paid?", "vi": "Đã trả gì?"}})
	if r := o.says(receipt, "received", "review"); fmt.Sprint(r.Reasons) != "[{en What was paid?} {vi Đã trả gì?}]" || r.Reason != "" {
		t.Errorf("what is asked: %+v", r)
	}
	if r := o.says(objection, "received", "review"); r.Reasons != nil {
		t.Errorf("who objects is asked: %+v", r)
	}
	other := o.report(wire.KindScam, href)
	if again := o.caseOf(); again.ID != c.ID {
		t.Fatalf("%+v", again)
	}
	for _, one := range []string{receipt, other} {
		if r := o.says(one, "received"); r.Reasons != nil {
			t.Errorf("answered, and asked still: %+v", r)
		}
	}
}

// Whoever guesses learns nothing, and of many at once none is told from the others by its place.
func TestManyReceiptsAtOnce(t *testing.T) {
	o := newOffice(t)
	var held []string
	for i := range wire.MaxReceipts - 1 {
		held = append(held, o.report(wire.KindScam, fmt.Sprintf("https://shop-%d.example/", i)))
	}
	guess := make([]byte, 16)
	rand.Read(guess)
	asked := append([]string{fmt.Sprintf("%x", guess)}, held...)
	ask := func(receipts []string) wire.Followed {
		t.Helper()
		body, _ := (&wire.Follow{Receipts: receipts}).MarshalMsg(nil)
		if len(body) > wire.MaxFollow {
			t.Fatalf("a full question has %d bytes", len(body))
		}
		answer := o.Receipts(t.Context(), Sent{Type: string(MsgPack), Body: body})
		var f wire.Followed
		if rest, err := f.UnmarshalMsg(answer.Body); err != nil || len(rest) > 0 || answer.Status != 200 {
			t.Fatalf("%d %s", answer.Status, answer.Body)
		}
		return f
	}
	first := ask(asked)
	if len(first.Receipts) != wire.MaxReceipts {
		t.Fatalf("%d answers", len(first.Receipts))
	}
	for i, r := range first.Receipts {
		want := wire.StateReceived
		if r.Receipt == asked[0] {
			want = wire.StateUnknown
		}
		if r.State != want || i > 0 && strings.Compare(first.Receipts[i-1].Receipt, r.Receipt) >= 0 {
			t.Errorf("%d: %+v", i, r)
		}
	}
	for i, j := 0, len(asked)-1; i < j; i, j = i+1, j-1 {
		asked[i], asked[j] = asked[j], asked[i]
	}
	if again := ask(asked); !reflect.DeepEqual(again, first) {
		t.Error("asked in another order, the answer is another")
	}
}
