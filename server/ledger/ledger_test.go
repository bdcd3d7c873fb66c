package ledger

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"khien/server/db/dbtest"
	"khien/server/office/officetest"
	"khien/shared/category"
	"khien/shared/release"
	"khien/shared/subject"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func open(t *testing.T) *Ledger {
	t.Helper()
	return Open(officetest.Open(t, Tables))
}

func listed(t *testing.T, l *Ledger, now int64) (subjects []string) {
	t.Helper()
	for i, err := range l.Active(context.Background(), now) {
		if err != nil {
			t.Fatal(err)
		}
		subjects = append(subjects, string(i.Subject))
	}
	return subjects
}

func TestAnIndicatorComesBackAsItWasListed(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	want := Indicator{
		Subject: "facebook:user/an-invented-name", Category: category.Loan, Source: "report", Reference: "KH-2020-000007",
		Reason: map[string]string{"en": "asks for a fee first", "vi": "đòi phí trước"}, FirstSeen: 1763900000, Lapses: 4102444800,
	}
	if err := l.List(ctx, "mai", want); err != nil {
		t.Fatal(err)
	}
	got, err := l.Get(ctx, want.Subject)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := l.Get(ctx, "tiktok:user/nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
}

func TestEachCaseHasANumberThatStays(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	if _, _, err := l.Import(ctx, "mai", []Indicator{{Subject: "a.example/"}, {Subject: "b.example/"}}); err != nil {
		t.Fatal(err)
	}
	a, _ := l.Get(ctx, "a.example/")
	b, _ := l.Get(ctx, "b.example/")
	year := time.Now().UTC().Format("2006")
	if a.Reference != "KH-"+year+"-000001" || b.Reference != "KH-"+year+"-000002" {
		t.Errorf("numbers %s and %s", a.Reference, b.Reference)
	}
	if err := l.Withdraw(ctx, "mai", "a.example/", map[string]string{"en": "a mistake"}); err != nil {
		t.Fatal(err)
	}
	if err := l.List(ctx, "mai", Indicator{Subject: "a.example/"}); err != nil {
		t.Fatal(err)
	}
	if again, _ := l.Get(ctx, "a.example/"); again.Reference != a.Reference {
		t.Errorf("listed again, the case is %s, it was %s", again.Reference, a.Reference)
	}
}

func TestAnImportIsAllOrNothing(t *testing.T) {
	l := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	list := []Indicator{{Subject: "a.example/"}, {Subject: "b.example/"}}
	if added, duplicates, err := l.Import(ctx, "mai", append(list, list[0])); err != nil || added != 2 || duplicates != 1 {
		t.Errorf("added %d, duplicates %d, %v", added, duplicates, err)
	}
	cancel()
	if _, _, err := l.Import(ctx, "mai", []Indicator{{Subject: "c.example/"}}); err == nil {
		t.Error("an import that was broken off succeeded")
	}
	if got := listed(t, l, 1); strings.Join(got, " ") != "a.example/ b.example/" {
		t.Errorf("listed: %q", got)
	}
}

// A long list comes in by parts. Broken off, half of it is there, and no release is drafted upon it; the head is signed
// anew all the same. The same list goes on where it was, and is on the list once.
func TestAnImportThatWasBrokenOffGoesOn(t *testing.T) {
	l := open(t)
	list := make([]Indicator, 30*part)
	for n := range list {
		list[n].Subject = subject.Subject(fmt.Sprintf("shop-%05d.example/", n))
	}
	ctx, cancel := context.WithCancel(t.Context())
	broken := make(chan error)
	go func() {
		_, _, err := l.Import(ctx, "mai", list)
		broken <- err
	}()
	for {
		if _, err := l.Seq(t.Context()); errors.Is(err, ErrImporting) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-broken; !errors.Is(err, context.Canceled) {
		t.Fatalf("it was not broken off: %v", err)
	}
	half := len(listed(t, l, 1))
	if half == 0 || half == len(list) {
		t.Fatalf("%d are listed", half)
	}
	if err := l.List(t.Context(), "linh", Indicator{Subject: "meanwhile.example/"}); err != nil {
		t.Error(err)
	}
	if err := l.Issue(t.Context(), Issue{Release: Release{Sequence: 1}}); !errors.Is(err, ErrImporting) {
		t.Errorf("a release of half of the list: %v", err)
	}
	if err := l.Issue(t.Context(), Issue{Seq: -1, Release: Release{Sequence: 1}}); err != nil {
		t.Error(err)
	}
	if _, _, err := l.Import(t.Context(), "mai", list[:10]); err != nil {
		t.Error(err)
	}
	if _, err := l.Seq(t.Context()); !errors.Is(err, ErrImporting) {
		t.Errorf("another list has ended it: %v", err)
	}
	added, known, err := l.Import(t.Context(), "mai", list)
	if err != nil || added != len(list)-half || known != half {
		t.Errorf("%d added, %d known of %d, %v", added, known, half, err)
	}
	if seq, err := l.Seq(t.Context()); err != nil || seq != int64(len(list)+1) {
		t.Errorf("%d decisions, %v", seq, err)
	}
	if got := len(listed(t, l, 1)); got != len(list)+1 {
		t.Errorf("%d are listed", got)
	}
}

func TestWhatAPersonTookOffAnImportDoesNotPutBack(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	list := []Indicator{{Subject: "shop.example/"}}
	if _, _, err := l.Import(ctx, "mai", list); err != nil {
		t.Fatal(err)
	}
	if err := l.Withdraw(ctx, "lan", "shop.example/", map[string]string{"en": "sold to an honest owner"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Withdraw(ctx, "lan", "shop.example/", map[string]string{"en": "again"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("withdrawn twice: %v", err)
	}
	if added, duplicates, err := l.Import(ctx, "mai", list); err != nil || added != 0 || duplicates != 1 {
		t.Errorf("added %d, duplicates %d, %v", added, duplicates, err)
	}
	if got := listed(t, l, 1); len(got) != 0 {
		t.Errorf("listed: %q", got)
	}
	history, err := l.History(ctx, "shop.example/")
	if err != nil || len(history) != 2 || history[1].Actor != "lan" || history[1].Reason != "sold to an honest owner" {
		t.Errorf("history %+v, %v", history, err)
	}
}

func TestAnIndicatorLapses(t *testing.T) {
	l := open(t)
	now := time.Now().Unix()
	if err := l.List(context.Background(), "mai", Indicator{Subject: "a.example/", Lapses: now + 100}); err != nil {
		t.Fatal(err)
	}
	f := func(at int64, want int) {
		t.Helper()
		if got := listed(t, l, at); len(got) != want {
			t.Errorf("at %d: %q", at-now, got)
		}
	}
	f(now, 1)
	f(now+99, 1)
	f(now+100, 0)
}

func TestReleasesAreRemembered(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	for n := range uint64(5) {
		r := Issue{Seq: -1, Release: Release{Sequence: n + 1, Set: release.DigestOf([]byte{byte(n)}), Size: 10 * n, Count: n, Issued: int64(n), Expires: 9, BucketBits: 3}}
		if err := l.Issue(ctx, r); err != nil {
			t.Fatal(err)
		}
		if err := l.Issue(ctx, r); err != nil {
			t.Errorf("the same again: %v", err)
		}
	}
	got, err := l.Releases(ctx, 3)
	if err != nil || len(got) != 2 || got[0].Sequence != 5 || got[1].Sequence != 4 || got[0].Set != release.DigestOf([]byte{4}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Two have drafted a release beside each other, and a number is given once.
func TestANumberIsGivenOnce(t *testing.T) {
	l := open(t)
	first := Issue{Seq: -1, Release: Release{Sequence: 1, Issued: 1, Expires: 9, Head: []byte("a head")}}
	second := first
	second.Head = []byte("another head")
	for _, c := range []struct {
		i    Issue
		want error
	}{{Issue{Seq: -1, Release: Release{Sequence: 1}}, nil}, {first, nil}, {second, ErrDecided}, {first, nil}} {
		if err := l.Issue(t.Context(), c.i); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.i.Head, err, c.want)
		}
	}
	if all, err := l.Releases(t.Context(), 0); err != nil || len(all) != 1 || string(all[0].Head) != "a head" {
		t.Errorf("%+v, %v", all, err)
	}
}

// A text that nobody can see is none: it hides no other language, neither from readers nor in the history.
func TestABlankReasonHidesNothing(t *testing.T) {
	l := open(t)
	for _, blank := range []string{"", " ", "\n\t", "\u00a0", "\u200b", "\u2060\ufeff", "\u202e"} {
		reason := map[string]string{"en": blank, "vi": "không giao hàng", "pl": blank}
		if err := l.List(t.Context(), "mai", Indicator{Subject: "shop.example/", Reason: reason}); err != nil {
			t.Fatal(err)
		}
		got, err := l.Get(t.Context(), "shop.example/")
		if err != nil || len(got.Reason) != 1 || got.Reason["vi"] != "không giao hàng" {
			t.Errorf("%q: listed for %q, %v", blank, got.Reason, err)
		}
		if err := l.Withdraw(t.Context(), "mai", "shop.example/", reason); err != nil {
			t.Fatal(err)
		}
		e, err := l.Entry(t.Context(), "shop.example/")
		if err != nil || len(e.Taken) != 1 || e.Taken["vi"] != "không giao hàng" {
			t.Errorf("%q: taken off for %q, %v", blank, e.Taken, err)
		}
		all, err := l.History(t.Context(), "shop.example/")
		if err != nil || all[len(all)-1].Reason != "không giao hàng" {
			t.Errorf("%q: %+v, %v", blank, all, err)
		}
	}
}
