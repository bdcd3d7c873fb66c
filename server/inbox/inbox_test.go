package inbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/shared/wire"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const noon = 1763900000

func open(t *testing.T) *Inbox {
	t.Helper()
	i, err := Open(dbtest.Place(t, "inbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	return i
}

func report(id byte) wire.Report {
	return wire.Report{
		ID: bytes.Repeat([]byte{id}, IDSize), Kind: wire.KindScam,
		Subjects: []string{"tiktok:user/an.invented.name", "www.tiktok.com/@an.invented.name"},
		Href:     "https://www.tiktok.com/@an.invented.name", Title: "Quà tặng", Language: "vi", Time: noon,
	}
}

func accept(t *testing.T, i *Inbox, r wire.Report, wantCreated bool) wire.Receipt {
	t.Helper()
	receipt, created, err := i.Accept(t.Context(), r, nil, noon+1)
	if err != nil || created != wantCreated {
		t.Fatalf("Accept = created %v, %v; want %v", created, err, wantCreated)
	}
	return receipt
}

func get(t *testing.T, i *Inbox, name string) Report {
	t.Helper()
	r, err := i.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARetryGetsTheSameReceipt(t *testing.T) {
	i := open(t)
	first := accept(t, i, report(1), true)
	if again := accept(t, i, report(1), false); !reflect.DeepEqual(again, first) {
		t.Errorf("a retry got %+v, the first sending %+v", again, first)
	}
	if other := accept(t, i, report(2), true); other.Receipt == first.Receipt {
		t.Error("two reports share a receipt")
	}
	if list, total, err := i.List(t.Context(), wire.StateReceived, 10); err != nil || total != 2 || len(list) != 2 {
		t.Errorf("the inbox lists %d of %d reports (%v), want 2", len(list), total, err)
	}
}

func TestTheKindAndTheNoteComeLater(t *testing.T) {
	i := open(t)
	accept(t, i, report(1), true)
	amended := report(1)
	amended.Category, amended.Note = "prize", "asked for a fee"
	accept(t, i, amended, false)
	accept(t, i, report(1), false) // a retry of the first sending that arrives last
	if got := get(t, i, "01"); got.Category != "prize" || got.Note != "asked for a fee" {
		t.Errorf("kept category %q and note %q", got.Category, got.Note)
	}
	if more, last, err := i.Amended(t.Context(), 0, 10); err != nil || len(more) != 1 || last == 0 || more[0].Note != "asked for a fee" {
		t.Errorf("what was added: %+v up to %d, %v", more, last, err)
	}
	if err := i.Ping(t.Context()); err != nil {
		t.Error(err)
	}

	if err := i.DecideAll(t.Context(), [][]byte{amended.ID}, Transition{Time: noon + 2, Actor: "mai", State: wire.StateRejected}); err != nil {
		t.Fatal(err)
	}
	amended.Note = "changed after the decision"
	if receipt := accept(t, i, amended, false); receipt.State != wire.StateRejected {
		t.Errorf("the retry was told %q", receipt.State)
	}
	if got := get(t, i, "01"); got.Note != "asked for a fee" {
		t.Errorf("a decided report was changed: %q", got.Note)
	}
}

func TestAUsedIDIsNotOverwritten(t *testing.T) {
	i := open(t)
	accept(t, i, report(1), true)
	for name, change := range map[string]func(*wire.Report){
		"kind":     func(r *wire.Report) { r.Kind = wire.KindMistake },
		"href":     func(r *wire.Report) { r.Href += "x" },
		"title":    func(r *wire.Report) { r.Title = "" },
		"language": func(r *wire.Report) { r.Language = "en" },
		"time":     func(r *wire.Report) { r.Time++ },
		"no href":  func(r *wire.Report) { r.Href = "" },
	} {
		other := report(1)
		change(&other)
		if _, _, err := i.Accept(t.Context(), other, nil, noon); !errors.Is(err, ErrConflict) {
			t.Errorf("the same id with another %s: %v, want ErrConflict", name, err)
		}
	}
}

func TestTheServerLearnsANewPlatformBetweenTwoTries(t *testing.T) {
	i := open(t)
	before := report(1)
	before.Subjects = before.Subjects[1:]
	accept(t, i, before, true)
	accept(t, i, report(1), false)

	mistake := wire.Report{ID: bytes.Repeat([]byte{2}, IDSize), Kind: wire.KindMistake, Subjects: []string{"shop.example/"}}
	accept(t, i, mistake, true)
	mistake.Subjects = []string{"other.example/"}
	if _, _, err := i.Accept(t.Context(), mistake, nil, noon); !errors.Is(err, ErrConflict) {
		t.Errorf("without an address the subjects are the report: %v, want ErrConflict", err)
	}
}

func TestDecideAndTakeBack(t *testing.T) {
	i, ctx := open(t), t.Context()
	receipt := accept(t, i, report(1), true)
	id := report(1).ID
	decided := Transition{Time: noon + 5, Actor: "mai", State: wire.StateAccepted, Subject: "tiktok:user/an.invented.name", Reason: "seen by two of us"}

	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	both := [][]byte{id, make([]byte, IDSize)} // of one of which there is nothing
	must(i.ReopenAll(ctx, both, "mai", noon))  // which is open
	must(i.DecideAll(ctx, both, decided))
	must(i.DecideAll(ctx, both, decided)) // told twice
	r, err := i.ByReceipt(ctx, receipt.Receipt)
	want := wire.Receipt{Receipt: receipt.Receipt, State: wire.StateAccepted, Time: noon + 5, Reason: decided.Reason, Subject: decided.Subject}
	if err != nil || !reflect.DeepEqual(r.Acknowledgement(), want) {
		t.Errorf("the receipt says %+v (%v), want %+v", r.Acknowledgement(), err, want)
	}
	must(i.ReopenAll(ctx, both, "linh", noon+9))
	if r := get(t, i, "0101"); r.State != wire.StateReceived || r.Subject != "" || r.Reason != "" {
		t.Errorf("reopened, the report is %+v", r)
	}
	history, err := i.History(ctx, id)
	if err != nil || len(history) != 2 || history[0] != decided || history[1].Actor != "linh" {
		t.Errorf("history: %+v, %v", history, err)
	}
	if err := i.DecideAll(ctx, both, Transition{State: wire.StateListed}); err == nil {
		t.Error("\"listed\" was taken for a decision")
	}
}

func TestNames(t *testing.T) {
	i := open(t)
	a, b := report(1), report(1)
	b.ID = append(bytes.Repeat([]byte{1}, IDSize-1), 2)
	accept(t, i, a, true)
	accept(t, i, b, true)
	f := func(name string, want error) {
		t.Helper()
		if _, err := i.Get(t.Context(), name); !errors.Is(err, want) {
			t.Errorf("Get(%q) = %v, want %v", name, err, want)
		}
	}
	f("01010101010101010101010101010101", nil)
	f("01010101010101010101010101010102", nil)
	f("0101", ErrAmbiguous)
	f("02", ErrNotFound)
	f("", ErrNotFound)
	f("%", ErrNotFound)
	f("0101010101010101010101010101010102", ErrNotFound)
}

func TestNothingIsLostOverARestart(t *testing.T) {
	path := dbtest.Place(t, "inbox.db")
	for round := range 3 {
		i, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		accept(t, i, report(byte(round)), true)
		if _, total, _ := i.List(t.Context(), "", 0); total != round+1 {
			t.Errorf("after %d restarts the inbox holds %d reports", round, total)
		}
		if err := i.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Two processes, many senders, each report sent several times at once.
func TestManyAtOnce(t *testing.T) {
	path := dbtest.Place(t, "inbox.db")
	var boxes [2]*Inbox
	for n := range boxes {
		var err error
		if boxes[n], err = Open(path); err != nil {
			t.Fatal(err)
		}
		defer boxes[n].Close()
	}
	const reports, copies = 20, 4
	receipts := make([][copies]string, reports)
	var wg sync.WaitGroup
	for n := range reports {
		for c := range copies {
			wg.Go(func() {
				receipt, _, err := boxes[c%2].Accept(context.Background(), report(byte(n)), nil, noon)
				if err != nil {
					t.Error(err)
				}
				receipts[n][c] = receipt.Receipt
			})
		}
	}
	wg.Wait()
	distinct := map[string]bool{}
	for n := range receipts {
		for c := range copies {
			distinct[receipts[n][c]] = true
		}
	}
	if len(distinct) != reports {
		t.Errorf("%d reports got %d receipts", reports, len(distinct))
	}
}

// Two servers take reports, and a third one gathers what is new: whatever has a place comes once, in its order. With
// KHIEN_WHOLE=1 there are 100,000 of them.
func TestWhoeverGathersMissesNothing(t *testing.T) {
	reports := 4000
	if os.Getenv("KHIEN_WHOLE") != "" {
		reports = 100_000
	}
	place := dbtest.Place(t, "inbox.db")
	var boxes [3]*Inbox
	for n := range boxes {
		var err error
		if boxes[n], err = Open(place); err != nil {
			t.Fatal(err)
		}
		defer boxes[n].Close()
	}
	var next atomic.Int64
	var writers sync.WaitGroup
	for sender := range 64 {
		writers.Go(func() {
			for n := next.Add(1); n <= int64(reports); n = next.Add(1) {
				r := report(0)
				binary.BigEndian.PutUint64(r.ID, uint64(n))
				if _, created, err := boxes[sender%2].Accept(context.Background(), r, nil, noon); err != nil || !created {
					t.Errorf("report %d: created %v, %v", n, created, err)
					return
				}
			}
		})
	}
	written := make(chan struct{})
	go func() { writers.Wait(); close(written) }()
	gathered := map[uint64]int{}
	for place, last := int64(0), false; ; {
		list, err := boxes[2].After(t.Context(), place, 512)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			gathered[binary.BigEndian.Uint64(r.ID)]++
			place = r.Seq
		}
		if len(list) == 0 && last {
			break
		}
		select {
		case <-written:
			last = len(list) == 0
		default:
		}
	}
	twice := 0
	for _, n := range gathered {
		twice += n - 1
	}
	if len(gathered) != reports || twice != 0 {
		t.Errorf("of %d reports %d were gathered, %d of them again", reports, len(gathered), twice)
	}
}

// Five hundred people at once.
func BenchmarkAccept(b *testing.B) {
	i, err := Open(filepath.Join(b.TempDir(), "inbox.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer i.Close()
	b.SetParallelism(250)
	b.RunParallel(func(pb *testing.PB) {
		r := report(0)
		for pb.Next() {
			r.ID = make([]byte, IDSize)
			rand.Read(r.ID)
			if _, _, err := i.Accept(b.Context(), r, nil, noon); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// A file from before reports lay in order has the same reports, receipts and decisions afterwards.
func TestAFileOfTheFirstVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	first, err := fs.ReadFile(files, "migrations/0001_reports.sql")
	if err != nil {
		t.Fatal(err)
	}
	store, err := db.Open(path, db.Tables{Package: "inbox", Files: fstest.MapFS{"migrations/0001_reports.sql": {Data: first}}})
	if err != nil {
		t.Fatal(err)
	}
	r := report(1)
	_, err = store.ExecContext(t.Context(), `INSERT INTO report VALUES (?, '00112233445566778899aabbccddeeff', 5, ?, 'a.example/', ?, ?, ?, ?, '', 'a note', 'rejected', 7, '', 'the real one')`,
		r.ID, r.Kind, r.Href, r.Title, r.Language, r.Time)
	if err == nil {
		_, err = store.ExecContext(t.Context(), `INSERT INTO decision (report, time, actor, state, subject, reason) VALUES (?, 7, 'mai', 'rejected', '', 'the real one')`, r.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	store.Close()

	i, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	got, err := i.ByReceipt(t.Context(), "00112233445566778899aabbccddeeff")
	if err != nil || got.Name() != get(t, i, "01").Name() || got.State != wire.StateRejected || got.Reason != "the real one" || got.Note != "a note" {
		t.Errorf("after the upgrade: %+v, %v", got, err)
	}
	if history, err := i.History(t.Context(), r.ID); err != nil || len(history) != 1 || history[0].Actor != "mai" {
		t.Errorf("after the upgrade the history is %+v, %v", history, err)
	}
}

func TestAReportThatComesTooLate(t *testing.T) {
	i, err := Open(dbtest.Place(t, "inbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	i.Close()
	if _, _, err := i.Accept(t.Context(), report(1), nil, noon); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed inbox said %v, want ErrClosed", err)
	}
}
