package triage

import (
	"fmt"
	"path/filepath"
	"testing"

	"khien/server/audit"
	"khien/server/blob"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/shared/release"
	"khien/shared/subject"
	"khien/shared/wire"
)

// printer is an office with what it takes to make a release.
type printer struct {
	*office
	publisher *publish.Publisher
	impact    Impact
	keys      string // the folder of the keys
}

func newPrinter(t *testing.T) *printer {
	t.Helper()
	o := newOffice(t)
	dir := t.TempDir()
	blobs, err := blob.Open(filepath.Join(dir, "published"))
	if err != nil {
		t.Fatal(err)
	}
	if err := publish.InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), o.time); err != nil {
		t.Fatal(err)
	}
	keys, err := publish.LoadKeys(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	return &printer{o, &publish.Publisher{Ledger: o.book, Blobs: blobs, Keys: keys}, Impact{Popular: popular(t)}, dir}
}

// imported is listed by nobody's decision about a case.
func (p *printer) imported(lapses int64, subjects ...subject.Subject) {
	p.t.Helper()
	for _, s := range subjects {
		if err := p.book.List(p.t.Context(), "mai", ledger.Indicator{Subject: s, FirstSeen: p.time, Lapses: lapses}); err != nil {
			p.t.Fatal(err)
		}
	}
}

// takes tells why the next release takes two people, and makes it.
func (p *printer) takes(want string) {
	p.t.Helper()
	plan, err := p.desk.Plan(p.t.Context(), p.publisher, p.impact, p.time)
	if err != nil {
		p.t.Fatal(err)
	}
	if got := plan.Two.String(); got != want {
		p.t.Errorf("the release takes two people for %q, want %q", got, want)
	}
	if _, err := p.desk.ReleasePlanned(p.t.Context(), p.publisher, p.box, "mai", audit.Why{}, p.time, plan); err != nil {
		p.t.Fatal(err)
	}
}

// Whichever way an entry that reaches far comes to a release, two people have seen it before it is out, and before it
// is gone.
func TestTwoPeopleSeeWhatReachesFar(t *testing.T) {
	p := newPrinter(t)
	p.imported(0, "shop.example/", "other.example/page")
	p.takes("")
	p.imported(0, "popular.example/")
	p.takes("popular.example/, a popular host")
	p.takes("")
	if err := p.book.Withdraw(t.Context(), "mai", "popular.example/", sorry); err != nil {
		t.Fatal(err)
	}
	p.takes("popular.example/, a popular host")

	// Two have agreed in its case: the release is only its day. Rejected anew by one, it leaves by two.
	p.report(wire.KindScam, "https://popular.example/", "a")
	p.gather()
	v := p.list("popular.example/")
	v.Impact = p.impact.Of("popular.example/", 1)
	c := p.decide(p.first().ID, v)
	if _, err := p.desk.Second(t.Context(), c, "linh", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	p.takes("")
	for _, who := range []string{"mai", "linh"} {
		if _, err := p.desk.Reopen(t.Context(), p.box, c.ID, who, audit.Why{}); err != nil {
			t.Fatal(err)
		}
	}
	p.decide(c.ID, Decision{Actor: "mai", Action: Reject, Reason: sorry})
	p.takes("popular.example/, a popular host")

	// An end that was agreed on comes by itself.
	p.imported(p.time+60, "www.popular.example/")
	p.takes("www.popular.example/, a popular host")
	p.time += 120
	p.takes("")
}

func TestTwoPeopleSeeManyChangesAtOnce(t *testing.T) {
	p := newPrinter(t)
	for i := range MaxAtOnce {
		p.imported(0, subject.Subject(fmt.Sprintf("shop-%d.example/", i)))
	}
	p.takes("")
	for i := range MaxAtOnce + 1 {
		p.imported(0, subject.Subject(fmt.Sprintf("kit-%d.example/", i)))
	}
	p.takes("51 subjects at once")
}

// rotated replaces the release key, and returns the digest of the list that names the new one.
func (p *printer) rotated() release.Digest {
	p.t.Helper()
	if err := publish.Rotate(filepath.Join(p.keys, "keys"), filepath.Join(p.keys, "root.key"), p.time); err != nil {
		p.t.Fatal(err)
	}
	var err error
	if p.publisher.Keys, err = publish.LoadKeys(filepath.Join(p.keys, "keys")); err != nil {
		p.t.Fatal(err)
	}
	return release.DigestOf(p.publisher.Keys.Note)
}
