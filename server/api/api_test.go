package api

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"khien/server/blob"
	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/office/officetest"
	"khien/server/publish"
	"khien/shared/report"
	"khien/shared/subject"
	"khien/shared/wire"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const noon = 1763900000

func open(t testing.TB) *API {
	t.Helper()
	box, err := inbox.Open(dbtest.Place(t, "inbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	dir := t.TempDir()
	blobs, err := blob.Open(filepath.Join(dir, "published"))
	if err != nil {
		t.Fatal(err)
	}
	return &API{Shelf: &publish.Shelf{Blobs: blobs, Ledger: ledger.Open(officetest.Open(t, ledger.Tables))}, Inbox: box}
}

func aReport() wire.Report {
	return wire.Report{
		ID: []byte("0123456789abcdef"), Kind: wire.KindScam, Subjects: []string{}, Href: "http://shop.example/",
		Title: "A shop", Language: "en", Time: noon, Category: "shop", Note: "took a deposit",
	}
}

// Each sentence about a field is told for JSON and for MessagePack alike.
func TestFieldsOfAReport(t *testing.T) {
	a := open(t)
	f := func(what string, change func(*wire.Report), want string) {
		t.Helper()
		r := aReport()
		change(&r)
		asJSON, _ := json.Marshal(r)
		asMsgPack, _ := r.MarshalMsg(nil)
		for form, body := range map[Form][]byte{JSON: asJSON, MsgPack: asMsgPack} {
			answer := accept(t.Context(), a, Sent{Type: string(form), Accept: string(JSON), Body: body}, noon)
			var told struct {
				Error struct{ Code, Message string }
			}
			json.Unmarshal(answer.Body, &told)
			if told.Error.Code != want {
				t.Errorf("%s in %s: %d %s, want %q", what, form, answer.Status, answer.Body, want)
			}
		}
	}
	long := func(n int) string { return strings.Repeat("a", n) }
	f("a good report", func(r *wire.Report) {}, "")
	f("the same again", func(r *wire.Report) {}, "")
	f("no id", func(r *wire.Report) { r.ID = nil }, "bad_field")
	f("an id of 17 bytes", func(r *wire.Report) { r.ID = append(r.ID, 0) }, "bad_field")
	f("no kind", func(r *wire.Report) { r.Kind = "" }, "bad_field")
	f("a title of 301 bytes", func(r *wire.Report) { r.Title = long(301) }, "bad_field")
	f("a note of 2001 bytes", func(r *wire.Report) { r.Note = long(2001) }, "bad_field")
	f("a sentence for a language", func(r *wire.Report) { r.Language = "en; rm" }, "bad_field")
	f("a time before 1970", func(r *wire.Report) { r.Time = -1 }, "bad_field")
	f("a clock that is ten years ahead", func(r *wire.Report) { r.ID, r.Time = []byte("a clock is ahead"), noon+315_360_000 }, "")
	f("an unknown category", func(r *wire.Report) { r.Category = "nonsense" }, "bad_field")
	f("no address", func(r *wire.Report) { r.Href = "" }, "bad_href")
	f("an address of 9000 bytes", func(r *wire.Report) { r.Href += long(9000) }, "bad_field")
	f("an address no browser writes", func(r *wire.Report) { r.Href = "HTTP://SHOP.example" }, "bad_href")
	f("an address with a password", func(r *wire.Report) { r.Href = "http://me:secret@shop.example/" }, "bad_href")
	f("an address with a fragment", func(r *wire.Report) { r.Href += "#secret" }, "bad_href")
	f("an address on what is no host name", func(r *wire.Report) { r.Href = "http://x&y.example/" }, "bad_href")
	f("a pattern for a host", func(r *wire.Report) { r.Href = "http://*.wild.example/" }, "conflict") // taken, under the id of the first
	f("that something odd is listed by mistake", func(r *wire.Report) { r.ID[0], r.Kind, r.Href = 'm', wire.KindMistake, "http://x&y.example/" }, "")
	f("a subject that is not canonical", func(r *wire.Report) { r.Subjects = []string{"SHOP.example/"} }, "bad_subject")
	f("65 subjects", func(r *wire.Report) { r.Subjects = make([]string, 65) }, "bad_subject")
	f("a mistake without anything", func(r *wire.Report) { r.Kind, r.Href = wire.KindMistake, "" }, "bad_href")
	f("another report under the id", func(r *wire.Report) { r.Title = "Another shop" }, "conflict")
}

func TestTheServerNamesTheSubjectsItself(t *testing.T) {
	a := open(t)
	r := aReport()
	r.Subjects = []string{"well-known.example/"} // nothing of the kind is at the address
	body, _ := r.MarshalMsg(nil)
	if answer := accept(t.Context(), a, Sent{Type: string(MsgPack), Body: body}, noon); answer.Status != 201 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	list, _, err := a.Inbox.List(t.Context(), "", 1)
	if err != nil || len(list) != 1 || len(list[0].Subjects) != 1 || list[0].Subjects[0] != "shop.example/" {
		t.Errorf("kept %+v, %v", list, err)
	}
}

func TestAccepts(t *testing.T) {
	f := func(header string, want Form) {
		t.Helper()
		if got := Accepts(header, "otherwise"); got != want {
			t.Errorf("Accepts(%q) = %s, want %s", header, got, want)
		}
	}
	f("application/json", JSON)
	f("text/html, Application/MsgPack;q=0.9, application/json", MsgPack)
	f("*/*", "otherwise")
	f("", "otherwise")
}

// Whatever is sent, as a report or as a question about receipts, is answered: with a receipt whose report keeps the
// promises of check, or with a refusal that has a code.
func FuzzReport(f *testing.F) {
	r := aReport()
	asMsgPack, _ := r.MarshalMsg(nil)
	asJSON, _ := json.Marshal(r)
	f.Add(true, asMsgPack)
	f.Add(false, asJSON)
	f.Add(false, []byte(`{"receipts":["0123456789abcdef0123456789abcdef"]}`))
	f.Add(false, []byte(`{"id":"MDEyMzQ1Njc4OWFiY2RlZg==","kind":"mistake","subjects":["a.example/"]}`))
	f.Fuzz(func(t *testing.T, packed bool, body []byte) {
		form := JSON
		if packed {
			form = MsgPack
		}
		if asked, refused := readFollow(form, Sent{Body: body}); refused == nil {
			for _, receipt := range asked {
				if len(asked) > wire.MaxReceipts || !isReceipt(receipt) {
					t.Fatalf("%q is asked for", asked)
				}
			}
		} else if refused.status < 400 || refused.code == "" {
			t.Fatalf("refused with %+v", refused)
		}
		r, refused := readReport(form, Sent{Body: body}, noon)
		if refused != nil {
			if refused.status < 400 || refused.status > 499 || refused.code == "" || !strings.HasSuffix(refused.sentence, ".") {
				t.Fatalf("refused with %+v", refused)
			}
			return
		}
		if len(r.ID) != inbox.IDSize || len(r.Subjects) == 0 || len(r.Note) > report.MaxNote || strings.Contains(r.Href, "#") {
			t.Fatalf("accepted %+v", r)
		}
		for _, s := range r.Subjects {
			if _, err := subject.Parse(s); err != nil {
				t.Fatalf("kept the subject %q", s)
			}
		}
	})
}

func BenchmarkReport(b *testing.B) {
	a := open(b)
	r := aReport()
	for n := 0; b.Loop(); n++ {
		copy(r.ID, fmt.Sprintf("%016d", n))
		body, _ := r.MarshalMsg(nil)
		if answer := accept(b.Context(), a, Sent{Type: string(MsgPack), Body: body}, noon); answer.Status != 201 {
			b.Fatalf("%d", answer.Status)
		}
	}
}

// To a browser there are more hosts than to a list. What is kept of a page on one is the name above it.
func TestAReportFromAHostThatIsNoName(t *testing.T) {
	a := open(t)
	r := aReport()
	r.Href = "http://x&y.shop.example/pay?a=b"
	body, _ := json.Marshal(r)
	if answer := accept(t.Context(), a, Sent{Type: string(JSON), Accept: string(JSON), Body: body}, noon); answer.Status != 201 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	kept, _, err := a.Inbox.List(t.Context(), "", 10)
	if err != nil || len(kept) != 1 || kept[0].Href != r.Href || strings.Join(kept[0].Subjects, " ") != "shop.example/pay?a=b shop.example/pay shop.example/" {
		t.Errorf("%+v, %v", kept, err)
	}
}

// accept reads a report and keeps it.
func accept(ctx context.Context, a *API, sent Sent, now int64) Answer {
	r, refused := a.ReadReport(sent, now)
	if refused != nil {
		return *refused
	}
	return a.TakeReport(ctx, r, nil, now)
}
