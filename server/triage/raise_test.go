package triage

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// raise brings before people what sources say, at the office's time.
func (o *office) raise(kind Kind, name subject.Subject, sources ...string) {
	o.t.Helper()
	o.raiseAll(Raised{Subject: name, Kind: kind, Sources: sources, Category: "phishing"})
}

func (o *office) raiseAll(all ...Raised) {
	o.t.Helper()
	for i := range all {
		all[i].Time = o.time
	}
	if err := o.desk.db.Change(o.t.Context(), func(tx *sql.Tx) error { return Raise(o.t.Context(), tx, all) }); err != nil {
		o.t.Fatal(err)
	}
}

// names are those of the cases in a part of the queue, in order.
func (o *office) names(part Part) (names []subject.Subject) {
	o.t.Helper()
	cases, err := o.desk.First(o.t.Context(), part, 1000)
	if err != nil || o.count(part) != len(cases) {
		o.t.Errorf("%s: %d cases, and %d are counted, %v", part, len(cases), o.count(part), err)
	}
	for _, c := range cases {
		names = append(names, c.Subject)
	}
	return names
}

func (o *office) wantIn(part Part, want ...subject.Subject) {
	o.t.Helper()
	if got := o.names(part); !slices.Equal(got, want) {
		o.t.Errorf("%s: %q, want %q", part, got, want)
	}
}

// Two sources name what nobody has reported. It waits behind all that people report, is decided about like anything
// else, and is listed with the address at which a source saw it; a rejection tells nobody, and stands.
func TestWhatSourcesNameIsDecidedAboutByPeople(t *testing.T) {
	o := newOffice(t)
	o.desk.SetClock(func() int64 { return o.time })
	o.raiseAll(
		Raised{Subject: "named.example/", Kind: Candidate, Sources: []string{"national", "cert"}, Category: "investment", Address: "https://named.example:8443/"},
		Raised{Subject: "once.example/", Kind: Candidate, Sources: []string{"cert"}},
		Raised{Subject: "facebook:id/999999999999999", Kind: Candidate, Sources: []string{"cert", "cert"}, Category: "no such kind"},
	)
	// Of one network of which nothing weighs any more, about the least harm.
	for n := range maxSpoken + 1 {
		o.report(wire.KindScam, fmt.Sprintf("https://reported-%d.example/", n), "a")
	}
	o.gather()
	queue := o.queue()
	for n, c := range queue {
		if (c.Reports > 0) != (n <= maxSpoken) {
			t.Errorf("at %d of the queue: %+v", n, c)
		}
	}
	o.wantIn(PartSourced, "named.example/", "facebook:id/999999999999999", "once.example/")
	c := o.called("named.example/")
	if c.Named != 2 || c.Category != "investment" || c.Subjects != 1 || c.Reports != 0 || c.Sources != 0 || c.Score >= 1 {
		t.Errorf("%+v", c)
	}
	asked, err := o.desk.Questions(t.Context(), c.ID, 10)
	if err != nil || len(asked) != 1 || asked[0].Kind != Candidate || fmt.Sprint(asked[0].Sources) != "[cert national]" || asked[0].Waits {
		t.Errorf("%+v, %v", asked, err)
	}

	o.time += 3600
	before := o.called("named.example/")
	o.raise(Candidate, "named.example/", "cert", "national")
	o.raise(Candidate, "named.example/", "cert")
	if after := o.called("named.example/"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the same once more: %+v, before %+v", after, before)
	}

	v := o.list("named.example/")
	v.Category = category.Investment
	o.decide(c.ID, v)
	o.decide(o.called("once.example/").ID, Decision{Actor: "mai", Action: Reject})
	if _, err := o.desk.Undo(t.Context(), c.ID, "mai", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	if again := o.called("named.example/"); again.State != StateOpen || again.Score != c.Score {
		t.Errorf("undone: %+v", again)
	}
	o.decide(c.ID, v)
	o.settle(1)
	i, err := o.book.Get(t.Context(), "named.example/")
	if err != nil || i.Address != "https://named.example:8443/" {
		t.Errorf("%+v, %v", i, err)
	}
	var letters int
	if err := o.desk.db.QueryRowContext(t.Context(), `SELECT count(*) FROM outbox`).Scan(&letters); err != nil || letters != 0 {
		t.Errorf("%d letters, %v", letters, err)
	}
	for range 3 { // a run each
		o.time += day
		o.raise(Candidate, "once.example/", "cert", "another")
		o.raise(Candidate, "named.example/", "cert", "another")
	}
	o.wantIn(PartSourced, "facebook:id/999999999999999")
	if c := o.called("once.example/"); c.State != StateRejected {
		t.Errorf("%+v", c)
	}
	// A person's report is news about what was rejected by the word of sources alone.
	o.report(wire.KindScam, "https://once.example/", "b")
	o.gather()
	if c := o.called("once.example/"); c.State != StateOpen || c.Named != 1 {
		t.Errorf("%+v", c)
	}
}

// A person takes something off the list and rejects something else, and three sources list both all the same: people
// are asked once, with all of them, and again for a new source or after 90 days.
func TestSourcesThatListAgainWhatAPersonTookOffAskOnce(t *testing.T) {
	o := newOffice(t)
	o.desk.SetClock(func() int64 { return o.time })
	reported := o.report(wire.KindScam, "https://rejected.example/", "a")
	o.gather()
	o.decide(o.called("rejected.example/").ID, Decision{Actor: "mai", Action: Reject})
	if err := o.book.List(t.Context(), "khien import", ledger.Indicator{Subject: "withdrawn.example/", Category: category.Shop, Source: "demo"}); err != nil {
		t.Fatal(err)
	}
	if err := o.book.Withdraw(t.Context(), "mai", "withdrawn.example/", nil); err != nil {
		t.Fatal(err)
	}
	both := func(sources ...string) {
		o.t.Helper()
		o.raiseAll(Raised{Subject: "rejected.example/", Kind: Again, Sources: sources}, Raised{Subject: "withdrawn.example/", Kind: Again, Sources: sources})
		o.gather()
	}
	both("one")
	o.wantIn(PartSourced, "withdrawn.example/") // of the other, nobody knows the decision yet
	o.settle(1)
	o.wantState(reported, wire.StateRejected)
	both("one", "two", "three")
	if names := o.names(PartSourced); len(names) != 2 {
		t.Errorf("%q", names)
	}
	o.wantState(reported, wire.StateRejected)
	answer := func() {
		o.t.Helper()
		for _, name := range o.names(PartSourced) {
			o.decide(o.called(name).ID, Decision{Actor: "mai", Action: Reject})
		}
		o.time += 3600
		o.settle(uint64(o.time))
	}
	answer()
	for range 5 {
		o.time += 10 * day
		both("one", "three", "two")
		both("two")
		o.wantIn(PartSourced)
	}
	both("four")
	if names := o.names(PartSourced); len(names) != 2 {
		t.Errorf("a new source: %q", names)
	}
	asked, err := o.desk.Questions(t.Context(), o.called("withdrawn.example/").ID, 10)
	if err != nil || len(asked) != 1 || asked[0].Kind != Again || fmt.Sprint(asked[0].Sources) != "[four one three two]" {
		t.Errorf("%+v, %v", asked, err)
	}
	answer()
	o.time += AskAgainDays*day - 2*3600
	both("one")
	o.wantIn(PartSourced)
	o.time += 2 * 3600
	both("one")
	if names := o.names(PartSourced); len(names) != 2 {
		t.Errorf("after %d days: %q", AskAgainDays, names)
	}
	// A question to people does not leave unread.
	o.time += 2 * month
	o.expire(0)
}

// A source says that something on the list is no scam: it stands where objections are answered, behind those of people,
// and is taken off or upheld, with nobody to be told.
func TestWhatASourceDisputesIsAnsweredLikeAnObjection(t *testing.T) {
	o := newOffice(t)
	o.desk.SetClock(func() int64 { return o.time })
	for _, name := range []subject.Subject{"imported.example/", "stays.example/", "person.example/"} {
		if err := o.book.List(t.Context(), "khien import", ledger.Indicator{Subject: name, Category: category.Shop, Source: "demo"}); err != nil {
			t.Fatal(err)
		}
	}
	o.report(wire.KindScam, "https://decided.example/", "a")
	o.gather()
	o.decide(o.called("decided.example/").ID, o.list("decided.example/"))
	o.settle(1)
	f := func() {
		o.t.Helper()
		for _, name := range []subject.Subject{"imported.example/", "stays.example/", "decided.example/"} {
			o.raise(Disputed, name, "warning-lists")
		}
	}
	f()
	o.time += 60
	f()
	o.wantIn(PartAppealed, "decided.example/", "imported.example/", "stays.example/")
	o.wantIn(PartOpen)
	o.wantIn(PartSourced)
	o.time += 60
	o.mistaken("https://person.example/", "b")
	o.wantIn(PartAppealed, "person.example/", "decided.example/", "imported.example/", "stays.example/")
	of, err := o.desk.Subjects(t.Context(), o.called("stays.example/").ID)
	if err != nil || len(of) != 1 || of[0].Appeals != 1 {
		t.Errorf("%+v, %v", of, err)
	}

	off := o.called("imported.example/")
	o.decide(off.ID, Decision{Actor: "linh", Action: Withdraw, Lists: Only("imported.example/"), Reason: map[string]string{"en": "a bank"}})
	o.decide(o.called("decided.example/").ID, Decision{Actor: "linh", Action: Withdraw, Lists: Only("decided.example/"), Reason: map[string]string{"en": "sold"}})
	upheld, err := o.desk.Uphold(t.Context(), o.box, o.called("stays.example/").ID, "linh", map[string]string{"en": "it is one"}, audit.Why{})
	if err != nil || upheld.State != StateRejected || upheld.Appeals != 0 {
		t.Errorf("%+v, %v", upheld, err)
	}
	if _, err := o.desk.Undo(t.Context(), off.ID, "linh", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	if c := o.called("imported.example/"); c.Appeals != 1 {
		t.Errorf("undone, and nobody asks any more: %+v", c)
	}
	o.decide(off.ID, Decision{Actor: "linh", Action: Withdraw, Lists: Only("imported.example/"), Reason: map[string]string{"en": "a bank"}})
	o.settle(2)
	o.wantIn(PartAppealed, "person.example/")
	for name, want := range map[subject.Subject]bool{"imported.example/": false, "decided.example/": false, "stays.example/": true} {
		if o.listed(name) != want {
			t.Errorf("%s is listed: %v", name, !want)
		}
	}
	tally, err := o.desk.Tally(t.Context(), 0, day)
	if err != nil || tally.Appeals != 1 || tally.Righted != 0 || tally.Refused != 0 {
		t.Errorf("sources count among the objections of people: %+v, %v", tally, err)
	}

	o.time += 30 * day
	o.raise(Disputed, "stays.example/", "warning-lists")
	o.wantIn(PartAppealed, "person.example/")
	o.time += AskAgainDays * day
	o.raise(Disputed, "stays.example/", "warning-lists")
	o.wantIn(PartAppealed, "person.example/", "stays.example/")
	o.raise(Disputed, "stays.example/")
	o.wantIn(PartAppealed, "person.example/")
}

// Nobody reads what sources name: it leaves the queue after a month, and comes back when another source names it. Where
// no source names it any more, it leaves at once, unless somebody has looked.
func TestCandidatesThatNobodyReads(t *testing.T) {
	o := newOffice(t)
	o.raise(Candidate, "unread.example/", "one")
	o.raise(Candidate, "seen.example/", "one")
	o.raise(Candidate, "gone.example/", "one")
	o.raise(Candidate, "reported.example/", "one")
	o.report(wire.KindScam, "https://reported.example/login", "a")
	o.gather()
	if err := o.desk.Seen(t.Context(), o.called("seen.example/").ID); err != nil {
		t.Fatal(err)
	}
	for _, name := range []subject.Subject{"seen.example/", "gone.example/", "reported.example/", "never.example/"} {
		o.raise(Candidate, name)
	}
	o.wantIn(PartUnread, "gone.example/")
	o.wantIn(PartSourced, "reported.example/", "unread.example/", "seen.example/")
	o.time += month + 3600
	o.expire(2)
	o.wantIn(PartSourced, "seen.example/")
	o.raise(Candidate, "unread.example/", "one")
	o.raise(Candidate, "reported.example/", "two", "one")
	o.gather()
	o.wantIn(PartSourced, "reported.example/", "seen.example/")
	o.time += 3600
	o.expire(0)
}

// What was listed in one case with others lapses, and sources name it: it alone is asked about.
func TestOneOfSeveralIsRaisedAlone(t *testing.T) {
	o := newOffice(t)
	o.desk.SetClock(func() int64 { return o.time })
	for _, page := range []string{"a", "b"} {
		o.reportWith(wire.KindScam, "https://"+page+"-shop.example/", "x", []string{"pay.example/"})
	}
	o.gather()
	c := o.called("a-shop.example/")
	v := o.list("a-shop.example/")
	v.Lists = append(v.Lists, Listing{Lists: "b-shop.example/"})
	v.Lapses = o.time + 30*day
	o.decide(c.ID, v)
	o.settle(1)
	o.raise(Candidate, "b-shop.example/", "one")
	o.wantIn(PartSourced)
	o.time += 40 * day
	o.raise(Candidate, "b-shop.example/", "one")
	o.gather()
	o.wantIn(PartSourced, "b-shop.example/")
	if a, b := o.called("a-shop.example/"), o.called("b-shop.example/"); a.ID == b.ID || a.State != StateAccepted || a.Subjects != 1 || b.State != StateOpen || b.Named != 1 {
		t.Errorf("%+v, %+v", a, b)
	}
}

// Of one thing sources say both, at once: it is asked as both, in one case.
func TestWhatIsNamedAndDisputedIsOneCase(t *testing.T) {
	o := newOffice(t)
	o.raiseAll(Raised{Subject: "both.example/", Kind: Disputed, Sources: []string{"two"}},
		Raised{Subject: "both.example/", Kind: Candidate, Sources: []string{"one"}, Category: "shop"})
	o.wantIn(PartSourced, "both.example/")
	o.wantIn(PartOpen, "both.example/")
	o.wantIn(PartAppealed, "both.example/")
	c := o.called("both.example/")
	if asked, err := o.desk.Questions(t.Context(), c.ID, 10); err != nil || len(asked) != 2 || c.Named != 1 || c.Category != "shop" {
		t.Errorf("%+v, %+v, %v", c, asked, err)
	}
	upheld, err := o.desk.Uphold(t.Context(), o.box, c.ID, "linh", map[string]string{"en": "it is one"}, audit.Why{})
	if err != nil || upheld.State != StateOpen || upheld.Appeals != 0 {
		t.Errorf("%+v, %v", upheld, err)
	}
	o.wantIn(PartOpen, "both.example/")
}

// A source names one page of a site: who reports that page is heard there, and who reports another one with the site.
func TestReportsOfAPageThatSourcesName(t *testing.T) {
	o := newOffice(t)
	o.raise(Candidate, "site.example/offer", "one")
	o.report(wire.KindScam, "https://site.example/offer?from=mail", "a")
	o.report(wire.KindScam, "https://site.example/other", "b")
	o.gather()
	if page, site := o.called("site.example/offer"), o.called("site.example/"); page.Reports != 1 || page.Named != 1 || site.Reports != 1 || site.Named != 0 {
		t.Errorf("%+v, %+v", page, site)
	}
}

// A list of many thousand candidates comes in while people read the queue: each page is as it was, and nothing that is
// done takes long.
func TestAFloodOfCandidatesBuriesNothing(t *testing.T) {
	most := 5_000
	if dbtest.Fewer() {
		most = 2_500
	}
	o := newOffice(t)
	for n := range 30 {
		o.report(wire.KindScam, fmt.Sprintf("https://shop-%02d.example/", n), fmt.Sprint(n%4))
	}
	o.gather()
	first, err := o.desk.In(t.Context(), PartOpen, db.Place{}, 7)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]Raised, most)
	for n := range all {
		all[n] = Raised{Subject: subject.Subject(fmt.Sprintf("candidate-%06d.example/", n)), Kind: Candidate, Sources: []string{"national"}, Category: "phishing"}
	}
	begin := time.Now()
	o.raiseAll(all...)
	raised := time.Since(begin)
	begin = time.Now()
	o.raiseAll(all...)
	t.Logf("%d raised in %v, and once more in %v", most, raised, time.Since(begin))
	if o.count(PartSourced) != most || o.count(PartOpen) != most+30 {
		t.Errorf("%d from sources, %d open", o.count(PartSourced), o.count(PartOpen))
	}
	met := len(first.Rows)
	for at := (db.Place{Key: first.After}); met < 30; {
		page, err := o.desk.In(t.Context(), PartOpen, at, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Rows[:min(len(page.Rows), 30-met)] {
			if c.Reports == 0 {
				t.Errorf("%s comes before what people report", c.Subject)
			}
			met++
		}
		at = db.Place{Key: page.After}
	}
	least := Score(0, 0, 0, 0, "", "")
	if most := Score(0, 0, 0, maxNamed, "phishing", "facebook") - unheard; most >= least {
		t.Errorf("a candidate may count %v, and what people report %v", most, least)
	}
}
