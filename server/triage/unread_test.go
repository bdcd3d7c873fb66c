package triage

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"khien/server/audit"
	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/shared/subject"
	"khien/shared/wire"
)

const month = UnreadDays * day

// expire takes cases out of the queue that are old enough at the office's time.
func (o *office) expire(want int) {
	o.t.Helper()
	o.desk.SetClock(func() int64 { return o.time })
	if n, err := o.desk.Expire(o.t.Context(), month, "khien serve"); err != nil || n != want {
		o.t.Errorf("%d cases have left the queue, want %d, %v", n, want, err)
	}
}

// What one network alone reports, and nobody looks at, leaves the queue after a month, and nothing of it is lost;
// another network, or a person, brings it back.
func TestWhatNobodyReadsLeavesTheQueue(t *testing.T) {
	o := newOffice(t)
	for range 3 {
		o.report(wire.KindScam, "https://invented.example/", "one")
	}
	receipt := o.report(wire.KindScam, "https://lonely.example/", "two")
	o.report(wire.KindScam, "https://both.example/", "three")
	o.report(wire.KindScam, "https://both.example/", "four")
	o.report(wire.KindScam, "https://seen.example/", "five")
	o.mistaken("https://objected.example/", "six")
	o.report(wire.KindScam, "https://objected.example/", "six")
	o.report(wire.KindScam, "https://touched.example/", "seven")
	o.gather()
	if err := o.desk.Seen(t.Context(), o.called("seen.example/").ID); err != nil {
		t.Fatal(err)
	}
	o.desk.SetClock(func() int64 { return o.time })
	touched := o.called("touched.example/")
	o.decide(touched.ID, Decision{Actor: "mai", Action: Reject})
	if _, err := o.desk.Undo(t.Context(), touched.ID, "mai", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	o.time += month - 3600
	o.expire(0)
	o.time += 7200
	o.expire(2)
	o.expire(0)
	names := map[string]bool{}
	for _, c := range o.queue() {
		names[string(c.Subject)] = true
	}
	if len(names) != 4 || names["invented.example/"] || names["lonely.example/"] {
		t.Errorf("in the queue: %v", names)
	}
	left, err := o.desk.First(t.Context(), PartUnread, 10)
	total := o.count(PartUnread)
	if err != nil || total != 2 || len(left) != 2 || left[0].State != StateOpen || left[0].Expired != o.time {
		t.Errorf("%+v, %v", left, err)
	}
	if next, err := o.desk.Next(t.Context(), o.called("both.example/")); err != nil || next.Expired != 0 {
		t.Errorf("after one comes %+v, %v", next, err)
	}
	if log, err := o.desk.Log(t.Context(), audit.Filter{Actor: "khien serve", Object: "queue"}, 10); err != nil || len(log) != 1 || log[0].What("en") != "take 2 cases out of the queue unread" {
		t.Errorf("%+v, %v", log, err)
	}
	o.wantState(receipt, wire.StateReceived)

	// The same network again on that day changes nothing; another one brings it back, with all that was there.
	for _, from := range []string{"one", "two"} {
		o.report(wire.KindScam, "https://invented.example/", from)
		o.gather()
		if c := o.called("invented.example/"); (c.Expired == 0) != (from == "two") {
			t.Errorf("after a report from %s: %+v", from, c)
		}
	}
	if c := o.called("invented.example/"); c.Reports != 5 || c.Sources != 2 || o.queue()[0].ID != o.called("both.example/").ID && o.queue()[0].ID != c.ID {
		t.Errorf("%+v", c)
	}
	// Whoever opens one has it in the queue again, and may decide.
	lonely := o.called("lonely.example/")
	if err := o.desk.Seen(t.Context(), lonely.ID); err != nil {
		t.Fatal(err)
	}
	if c := o.called("lonely.example/"); c.Expired != 0 {
		t.Errorf("%+v", c)
	}
	o.time += 2 * month
	o.expire(0)
	// Decided on the command line without being opened, and undone, it is in the queue too.
	o.report(wire.KindScam, "https://direct.example/", "eight")
	o.gather()
	o.time += 2 * month
	o.expire(1)
	direct := o.called("direct.example/")
	o.decide(direct.ID, o.list("direct.example/"))
	if _, err := o.desk.Undo(t.Context(), direct.ID, "mai", audit.Why{}); err != nil {
		t.Fatal(err)
	}
	if c := o.called("direct.example/"); c.Expired != 0 || c.State != StateOpen {
		t.Errorf("%+v", c)
	}
}

// Two networks name the same things, far more than their word weighs for, to have them stand in the queue for ever:
// these leave it as what nobody else names does, and neither the two nor another that has said so much brings them
// back. One whose word weighs does.
func TestJunkOfTwoNetworksLeavesTheQueue(t *testing.T) {
	o := newOffice(t)
	const things = 3 * maxSpoken
	name := func(i int) string { return fmt.Sprintf("invented-%d.example/", i) }
	for i := range things {
		for _, from := range []string{"one", "two"} {
			o.report(wire.KindScam, "https://"+name(i), from)
		}
	}
	o.gather()
	o.time += month + 3600
	o.expire(things - maxSpoken)
	for i := range maxSpoken {
		o.report(wire.KindScam, fmt.Sprintf("https://elsewhere-%d.example/", i), "three")
	}
	o.gather()
	f := func(from string, back bool) {
		t.Helper()
		o.report(wire.KindScam, "https://"+name(things-1), from)
		o.gather()
		if c := o.called(subject.Subject(name(things - 1))); (c.Expired == 0) != back {
			t.Errorf("after a report of %s: %+v", from, c)
		}
	}
	f("two", false)
	f("three", false)
	f("four", true)
	if c := o.called(subject.Subject(name(things - 1))); c.Sources != 4 {
		t.Errorf("%+v", c)
	}
}

// A case that left unread comes back with what its links join it to, when that waits.
func TestAnUnreadCaseIsJoined(t *testing.T) {
	o := newOffice(t)
	o.sent("https://one.example/", "a", boss)
	o.gather()
	o.time += month + 3600
	o.expire(1)
	o.sent("https://two.example/", "b", boss)
	o.gather()
	if c := o.called("one.example/"); c.Subjects != 2 || c.Expired != 0 {
		t.Errorf("%+v", c)
	}
}

// One network counts once, whatever it sends: a thousand reports, each with a note and the kind that weighs most, weigh
// as one, and on many days no more than three.
func TestWhatOneNetworkWeighs(t *testing.T) {
	o := newOffice(t)
	send := func(host, from string, note, kind string) {
		t.Helper()
		id := fmt.Appendf(nil, "%016d", o.time)
		r := wire.Report{ID: id, Kind: wire.KindScam, Href: "https://" + host, Subjects: []string{host}, Category: kind, Note: note, Time: o.time}
		o.time++
		if _, _, err := o.box.Accept(t.Context(), r, []byte(from), o.time); err != nil {
			t.Fatal(err)
		}
	}
	f := func(host string, want float64) {
		t.Helper()
		if c := o.called(nameOf([]string{host})); c.Score != want {
			t.Errorf("%s weighs %.2f, want %.2f: %+v", host, c.Score, want, c)
		}
	}
	send("once.example/", "a", "a scam", "phishing")
	for range 1000 {
		send("often.example/", "a", "a scam", "phishing")
	}
	o.gather()
	f("once.example/", Score(1, 1, 1, 0, "phishing", ""))
	f("often.example/", Score(1, 1, 1, 0, "phishing", ""))
	// The kind is what most networks say, not what most reports do.
	for i := range 3 {
		send("shop.example/", fmt.Sprint("honest ", i), "", "shop")
	}
	for range 100 {
		send("shop.example/", "loud", "", "phishing")
	}
	o.gather()
	f("shop.example/", Score(4, 4, 0, 0, "shop", ""))
	// A network that comes back each day is another source each day, and weighs three at most.
	for i := range 30 {
		send("daily.example/", fmt.Sprint("key of day ", i), "", "shop")
		o.time += day
	}
	o.gather()
	f("daily.example/", Score(3, 1, 0, 0, "shop", ""))
	// What is added later counts as what came at once.
	send("later.example/", "a", "", "")
	o.gather()
	r, err := o.box.After(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	last := r[len(r)-1].Report
	last.Note, last.Category = "it took my money", "phishing"
	if _, _, err := o.box.Accept(t.Context(), last, []byte("a"), o.time); err != nil {
		t.Fatal(err)
	}
	o.gather()
	f("later.example/", Score(1, 1, 1, 0, "phishing", ""))
	// Counted anew, as after a split, it is the same.
	for _, host := range []string{"once.example/", "often.example/", "shop.example/", "daily.example/", "later.example/"} {
		c := o.called(nameOf([]string{host}))
		err := o.desk.db.Change(t.Context(), func(tx *sql.Tx) error {
			var of int64
			if err := tx.QueryRow(`SELECT id FROM subjects WHERE case_id = ?`, c.ID).Scan(&of); err != nil {
				return err
			}
			if err := recount(t.Context(), tx, of); err != nil {
				return err
			}
			return rank(t.Context(), tx, c.ID)
		})
		if err != nil {
			t.Fatal(err)
		}
		if again := o.called(nameOf([]string{host})); again.Score != c.Score || again.Sources != c.Sources || again.Category != c.Category {
			t.Errorf("%s: %+v, counted anew %+v", host, c, again)
		}
	}
}

// Somebody invents reports about hundreds of things, of the worst kind and with notes, about each from twenty networks.
// What a dozen people report of a shop stays on the first page: the word of a network weighs about so many things a
// day.
func TestTheQueueCannotBeDrowned(t *testing.T) {
	dbtest.Long(t)
	o := newOffice(t)
	const things, networks, page = 500, 40, 50
	accept := func(n int, host, from string) {
		t.Helper()
		id := fmt.Appendf(nil, "%016d", n)
		r := wire.Report{ID: id, Kind: wire.KindScam, Href: "https://" + host, Subjects: []string{host}, Category: "shop", Time: o.time}
		if _, _, err := o.box.Accept(t.Context(), r, []byte(from), o.time); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	var flood []wire.Report
	for from := range networks { // each about half of them
		for i := range things / 2 {
			n++
			host := fmt.Sprintf("invented-%d.example/", (2*i+from+from/2)%things)
			flood = append(flood, wire.Report{
				ID: fmt.Appendf(make([]byte, 0, inbox.IDSize), "%02d%014d", from, n), Kind: wire.KindScam, Href: "https://" + host, Subjects: []string{host}, Category: "phishing", Note: "a scam", Time: o.time,
			})
		}
	}
	o.floodFrom(flood, func(r wire.Report) []byte { return r.ID[:2] })
	for i := range 20 {
		for from := range 12 {
			n++
			accept(n, fmt.Sprintf("real-scam-%d.example/", i), fmt.Sprint("person ", i, " ", from))
		}
	}
	o.gather()
	first, err := o.desk.First(t.Context(), PartOpen, page)
	total := o.count(PartOpen)
	if err != nil || total != things+20 {
		t.Fatalf("%d cases, %v", total, err)
	}
	honest := 0
	for _, c := range first {
		if c.Category == "shop" {
			honest++
		}
	}
	if honest != 20 {
		t.Errorf("%d of what 12 networks speak of are on the first page", honest)
	}
}

// One network objects to hundreds of things before an honest owner objects to one. The owner's is answered after the
// network's first ten, and not after all of them.
func TestObjectionsCannotBeDrowned(t *testing.T) {
	dbtest.Long(t)
	o := newOffice(t)
	for i := range 300 {
		o.report(wire.KindMistake, fmt.Sprintf("https://listed-%d.example/", i), "loud")
	}
	o.report(wire.KindMistake, "https://owner.example/", "owner")
	o.gather()
	first, err := o.desk.First(t.Context(), PartAppealed, 50)
	total := o.count(PartAppealed)
	if err != nil || total != 301 || first[10].Subject != "owner.example/" {
		t.Fatalf("%d cases, %v: at eleven %s", total, err, first[min(10, len(first)-1)].Subject)
	}
	// Somebody else who objects to one that waits behind brings it forward.
	o.report(wire.KindMistake, "https://listed-200.example/", "somebody")
	o.gather()
	if first, err = o.desk.First(t.Context(), PartAppealed, 50); err != nil || !slices.ContainsFunc(first[:12], func(c Case) bool { return c.Subject == "listed-200.example/" }) {
		t.Errorf("%v", err)
	}
}
