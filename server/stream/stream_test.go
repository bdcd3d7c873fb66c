package stream

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/db/dbtest"
	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/office/officetest"
	"khien/server/publish"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
)

// house is an office with a stream, in which a release is a number and nothing more.
type house struct {
	*Stream
	t       testing.TB
	book    *ledger.Ledger
	sources *exchange.Exchange
	seq     uint64
	at      time.Time
}

func open(t testing.TB) *house {
	t.Helper()
	office := officetest.Open(t, ledger.Tables, triage.Tables, exchange.Tables, Tables)
	h := &house{t: t, book: ledger.Open(office), at: time.UnixMilli(1_800_000_000_000)}
	h.sources = exchange.Open(office, func() (*publish.Protection, error) { return publish.Protect("") })
	h.Stream = Open(office, h.sources, "invented root")
	h.now = func() time.Time { return h.at }
	return h
}

func (h *house) lists(s string) {
	h.t.Helper()
	h.must(h.book.List(h.t.Context(), "mai", ledger.Indicator{Subject: subject.Subject(s), Category: category.Other, Source: "Khiên", FirstSeen: 1_700_000_000}))
}

func (h *house) takes(s string) {
	h.t.Helper()
	h.must(h.book.Withdraw(h.t.Context(), "mai", subject.Subject(s), map[string]string{"en": "A mistake."}))
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// releases makes a release of all that was decided.
func (h *house) releases() {
	h.t.Helper()
	decided, err := h.book.Seq(h.t.Context())
	h.must(err)
	h.seq++
	now := h.at.Unix()
	h.must(h.book.Issue(h.t.Context(), ledger.Issue{Release: ledger.Release{Sequence: h.seq, Issued: now, Expires: now + 1000, Head: []byte("head")}, Seq: decided}))
}

func (h *house) follows(want int) {
	h.t.Helper()
	if n, err := h.Follow(h.t.Context(), h.book); err != nil || n != want {
		h.t.Fatalf("followed %d, %v; not %d", n, err, want)
	}
}

// has is the stream behind a position: what is listed, and with a minus what is not any more.
func (h *house) has(after int64, want ...string) []Object {
	h.t.Helper()
	all, err := h.After(h.t.Context(), after, 10_000)
	h.must(err)
	var got []string
	for _, o := range all {
		sign := ""
		if o.Withdrawn != 0 {
			sign = "-"
		}
		got = append(got, sign+string(o.Subject))
	}
	if !slices.Equal(got, want) {
		h.t.Fatalf("the stream has %q, not %q", got, want)
	}
	return all
}

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestWhatIsInNoReleaseNeverLeaves(t *testing.T) {
	h := open(t)
	h.lists("one.example/")
	h.follows(0)
	h.has(0)
	h.releases()
	h.lists("two.example/")
	h.takes("one.example/") // nobody may read that yet, nor that it was ever listed
	h.follows(0)
	h.has(0)
	h.releases()
	h.follows(1) // the first is off before it ever left
	h.has(0, "two.example/")
}

func TestWhatChangesStandsAtTheEnd(t *testing.T) {
	h := open(t)
	h.lists("one.example/")
	h.lists("two.example/")
	h.releases()
	h.follows(2)
	first := h.has(0, "one.example/", "two.example/")
	h.at = h.at.Add(time.Hour)
	h.takes("one.example/")
	h.releases()
	h.follows(1)
	all := h.has(0, "two.example/", "-one.example/")
	h.has(first[1].Position, "-one.example/")
	if all[1].Made != first[0].Made || all[1].Added != h.at.UnixMilli() || all[1].Position <= first[1].Position {
		t.Errorf("%+v after %+v", all[1], first)
	}
	h.lists("one.example/")
	h.releases()
	h.follows(1)
	h.has(0, "two.example/", "one.example/")
}

func TestOfManyAtOnceNoTwoHaveOneTime(t *testing.T) {
	h := open(t)
	var list []ledger.Indicator
	for i := range 2500 {
		list = append(list, ledger.Indicator{Subject: subject.Subject(fmt.Sprintf("s%04d.example/", i)), Source: "x", FirstSeen: 1})
	}
	_, _, err := h.book.Import(t.Context(), "mai", list)
	h.must(err)
	h.releases()
	h.follows(2500)
	h.at = h.at.Add(-time.Hour) // a clock that was put back
	h.takes("s0000.example/")
	h.releases()
	h.follows(1)
	all, err := h.After(t.Context(), 0, 5000)
	h.must(err)
	for i := range all[1:] {
		if all[i+1].Added <= all[i].Added || all[i+1].Position <= all[i].Position {
			t.Fatalf("%d at %d stands before %d at %d", all[i].Position, all[i].Added, all[i+1].Position, all[i+1].Added)
		}
		if at, err := h.Before(t.Context(), all[i].Added); err != nil || at != all[i].Position {
			t.Fatalf("before %d is %d, %v", all[i].Added, at, err)
		}
	}
}

func TestWhatStandsThroughASourceSaysThrough(t *testing.T) {
	h := open(t)
	folder := t.TempDir()
	source := func(name string, tlp feed.TLP, lines ...string) {
		t.Helper()
		file := filepath.Join(folder, name)
		h.must(os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600))
		h.must(h.sources.Add(t.Context(), "mai", exchange.Source{Name: name, Address: file, Trust: exchange.List, TLP: tlp, Preset: feed.Preset{Name: name, Format: "lines"}}))
		_, err := h.sources.Run(t.Context(), "mai", name, nil)
		h.must(err)
	}
	source("bank", feed.Amber, "one.example", "both.example")
	source("national", feed.Green, "both.example")
	h.lists("ours.example/")
	h.releases()
	h.follows(3)
	there, err := h.Of(t.Context(), []subject.Subject{"one.example/", "both.example/", "ours.example/"})
	h.must(err)
	for s, want := range map[subject.Subject]string{"one.example/": "[bank] amber", "both.example/": "[bank national] green", "ours.example/": "[] clear"} {
		if got := fmt.Sprint(there[s].Origins, " ", there[s].TLP); got != want {
			t.Errorf("%s is %s, not %s", s, got, want)
		}
	}
}
