package takedown

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/office/officetest"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// office is where cases are followed: the list, the desk and the book.
type office struct {
	t    *testing.T
	list *ledger.Ledger
	base *db.DB
	box  *inbox.Inbox
	desk *triage.Desk
	book *Store
	now  int64
	seq  uint64
}

const shop = subject.Subject("facebook:user/inventedshop")

func TestMain(m *testing.M) { dbtest.Main(m) }

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, now: 1_763_900_000}
	var err error
	o.base = officetest.Open(t, ledger.Tables, triage.Tables, Tables)
	o.list, o.desk = ledger.Open(o.base), triage.Open(o.base)
	o.book = Open(o.base, o.desk)
	if o.box, err = inbox.Open(dbtest.Place(t, "inbox.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o.box.Close()
		if wrong, err := o.book.Miscounted(context.Background()); err != nil || len(wrong) > 0 {
			t.Errorf("%v, %v", wrong, err)
		}
	})
	return o
}

func (o *office) lists(subjects ...subject.Subject) {
	o.t.Helper()
	for _, s := range subjects {
		i := ledger.Indicator{Subject: s, Category: category.Shop, Source: "report", FirstSeen: o.now, Reason: map[string]string{"en": "never delivers", "vi": "không giao hàng"}}
		if err := o.list.List(context.Background(), "mai", i); err != nil {
			o.t.Fatal(err)
		}
	}
}

// release follows the list as after a publishing.
func (o *office) release() Followed {
	o.t.Helper()
	o.seq++
	decided, err := o.list.Seq(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	if err := o.list.Issue(context.Background(), ledger.Issue{Seq: decided, Release: ledger.Release{Sequence: o.seq, Issued: o.now, Expires: o.now + 1, Head: []byte("signed")}}); err != nil {
		o.t.Fatal(err)
	}
	return o.follow()
}

func (o *office) follow() Followed {
	o.t.Helper()
	done, err := o.book.Follow(context.Background(), o.list, o.now)
	if err != nil {
		o.t.Fatal(err)
	}
	return done
}

func (o *office) of(s subject.Subject) Request {
	o.t.Helper()
	c, err := o.book.Of(context.Background(), s)
	if err != nil {
		o.t.Fatalf("%s: %v", s, err)
	}
	return c
}

// moves takes steps an hour apart.
func (o *office) moves(s subject.Subject, to ...State) Request {
	o.t.Helper()
	c := o.of(s)
	for _, state := range to {
		o.now += 3600
		var err error
		if c, err = o.book.Move(context.Background(), c.ID, Move{Actor: "mai", To: state}, o.now); err != nil {
			o.t.Fatal(err)
		}
	}
	return c
}

func (o *office) reported(href string) {
	o.t.Helper()
	names, err := subject.FromHref(nil, href)
	if err != nil {
		o.t.Fatal(err)
	}
	r := wire.Report{ID: make([]byte, inbox.IDSize), Kind: wire.KindScam, Href: href}
	for i := range r.ID {
		r.ID[i] = byte(rand.Uint32())
	}
	for _, s := range names {
		r.Subjects = append(r.Subjects, string(s))
	}
	if _, _, err := o.box.Accept(context.Background(), r, nil, o.now); err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.desk.Gather(context.Background(), o.box); err != nil {
		o.t.Fatal(err)
	}
}

func TestWhatAPlatformCanTakeDownHasACase(t *testing.T) {
	o := newOffice(t)
	o.lists(shop, "tiktok:user/an.invented.name", "play:app/example.invented.app", "facebook:group/an.invented.group", "google:form/1FAIpQLSinventedinventedinventedinventedinventedinventedinv",
		"scam.example/", "facebook.com/groups/an.invented.group/", "phone:+84900000001", "bank:970436/0000000000", "short:bit.ly/invented")
	if done := o.follow(); done.Made != 0 {
		t.Errorf("%d cases before a release", done.Made)
	}
	if done := o.release(); done.Made != 5 {
		t.Errorf("%d cases, want 5", done.Made)
	}
	c := o.of(shop)
	if c.State != Prepared || c.Platform != "facebook" || c.Category != category.Shop || !strings.HasPrefix(c.Reference, "KH-") || c.Due != o.now+day {
		t.Errorf("%+v", c)
	}
	for _, s := range []subject.Subject{"scam.example/", "phone:+84900000001", "short:bit.ly/invented"} {
		if _, err := o.book.Of(t.Context(), s); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s has a case: %v", s, err)
		}
	}
	if done := o.release(); done != (Followed{}) {
		t.Errorf("following once more did %+v", done)
	}
}

func TestWhichStateMayFollowWhich(t *testing.T) {
	want := map[State]string{
		Prepared:     "sent action-taken withdrawn",
		Sent:         "acknowledged need-more action-taken restricted refused withdrawn",
		Acknowledged: "need-more action-taken restricted refused withdrawn",
		NeedMore:     "sent action-taken restricted refused withdrawn",
		Refused:      "appealed action-taken restricted withdrawn",
		Appealed:     "acknowledged need-more action-taken restricted refused withdrawn",
		ActionTaken:  "re-appeared restored withdrawn",
		Restricted:   "sent action-taken restored withdrawn",
		Restored:     "appealed action-taken restricted withdrawn",
		ReAppeared:   "sent action-taken withdrawn",
		Withdrawn:    "prepared",
	}
	way := map[State][]State{
		Prepared: {}, Sent: {Sent}, Acknowledged: {Sent, Acknowledged}, Refused: {Sent, Refused}, Appealed: {Sent, Refused, Appealed},
		ActionTaken: {Sent, ActionTaken}, ReAppeared: {Sent, ActionTaken, ReAppeared}, Withdrawn: {Withdrawn}, NeedMore: {Sent, NeedMore},
		Restricted: {Sent, Restricted}, Restored: {Sent, ActionTaken, Restored},
	}
	o := newOffice(t)
	for _, from := range States {
		for _, to := range append(slices.Clone(States), "nonsense", "") {
			s := subject.Subject("tiktok:user/" + strings.ReplaceAll(string(from+"."+to), "-", "") + "x")
			o.lists(s)
			o.release()
			c := o.moves(s, way[from]...)
			after, err := o.book.Move(t.Context(), c.ID, Move{Actor: "mai", To: to}, o.now)
			allowed := slices.Contains(strings.Fields(want[from]), string(to))
			if allowed != (err == nil) || !allowed && !errors.Is(err, ErrState) {
				t.Errorf("from %s to %q: %v", from, to, err)
			}
			if err == nil && after.State != to || err != nil && o.of(s).State != from {
				t.Errorf("from %s to %q it is %s", from, to, o.of(s).State)
			}
		}
	}
}

// Vietnam's 24 hours begin with the letter; who has to act is late afterwards.
func TestDueTimes(t *testing.T) {
	o := newOffice(t)
	o.lists(shop, "reddit:user/inventedshop")
	o.release()
	made := o.now
	f := func(c Request, due int64, ours bool) {
		t.Helper()
		if c.Due != due || c.State.Ours() != ours && c.State.Open() {
			t.Errorf("%s is due at %d (ours: %v), want %d", c.State, c.Due-made, c.State.Ours(), due-made)
		}
	}
	f(o.of(shop), made+day, true)
	sent := o.moves(shop, Sent)
	f(sent, o.now+day, false)
	f(o.moves(shop, Acknowledged), sent.Due, false)
	f(o.moves(shop, Refused), o.now+7*day, true)
	f(o.moves(shop, Appealed), o.now+day, false)
	f(o.moves(shop, ActionTaken), 0, false)
	f(o.moves("reddit:user/inventedshop", Sent), o.now+7*day, false)
	page, err := o.book.List(t.Context(), Filter{Open: true}, db.Place{}, 10)
	late := page.Rows
	if err != nil || len(late) != 1 || !late[0].Overdue(o.now+8*day) || late[0].Overdue(o.now) {
		t.Errorf("%+v, %v", late, err)
	}
}

func TestSeenAgainAfterTheTakedown(t *testing.T) {
	o := newOffice(t)
	o.reported("https://www.facebook.com/invented.shop")
	o.lists(shop)
	o.release()
	o.moves(shop, Sent, ActionTaken)
	if done := o.follow(); done.ReAppeared != 0 {
		t.Error("what was reported before the takedown re-appeared")
	}
	o.now += 3600
	o.reported("https://m.facebook.com/Invented.Shop/posts/1")
	if done := o.follow(); done.ReAppeared != 1 {
		t.Errorf("%+v", done)
	}
	c := o.of(shop)
	if c.State != ReAppeared || c.Returned != 1 || c.Sent != 0 || c.Due != o.now+day {
		t.Errorf("%+v", c)
	}
	if done := o.follow(); done.ReAppeared != 0 {
		t.Error("it re-appeared twice")
	}
	c = o.moves(shop, Sent, ActionTaken)
	if c.Asked != 2 || c.Answered != 2 {
		t.Errorf("%+v", c)
	}
}

func TestAMistakeIsWithdrawn(t *testing.T) {
	o := newOffice(t)
	o.lists(shop, "tiktok:user/an.invented.name")
	o.release()
	o.moves(shop, Sent, ActionTaken)
	if err := o.list.Withdraw(t.Context(), "linh", shop, map[string]string{"en": "an honest shop"}); err != nil {
		t.Fatal(err)
	}
	if done := o.release(); done.Withdrawn != 1 {
		t.Errorf("%+v", done)
	}
	if c := o.of(shop); c.State != Withdrawn || c.Due != 0 {
		t.Errorf("%+v", c)
	}
	o.lists(shop)
	o.release()
	if c := o.of(shop); c.State != Prepared || c.Sent != 0 {
		t.Errorf("listed again, and %+v", c)
	}
	// What only lapses was no mistake.
	i, err := o.list.Get(t.Context(), "tiktok:user/an.invented.name")
	if err != nil {
		t.Fatal(err)
	}
	i.Lapses = o.now
	if err := o.list.List(t.Context(), "mai", i); err != nil {
		t.Fatal(err)
	}
	o.now++
	if done := o.release(); done.Withdrawn != 0 {
		t.Error("what has lapsed was withdrawn")
	}
}

func TestAStepIsTakenBack(t *testing.T) {
	o := newOffice(t)
	o.lists(shop)
	o.release()
	c := o.of(shop)
	if _, err := o.book.Undo(t.Context(), c.ID, "mai", "", o.now); !errors.Is(err, ErrState) {
		t.Errorf("took back that it is listed: %v", err)
	}
	before := o.moves(shop, Sent)
	o.moves(shop, ActionTaken)
	back, err := o.book.Undo(t.Context(), c.ID, "linh", "the wrong line", o.now)
	back.Changed = before.Changed
	if err != nil || back != before {
		t.Errorf("taken back it is %+v, was %+v, %v", back, before, err)
	}
	if o.moves(shop, Refused); o.of(shop).Answered != 0 {
		t.Errorf("%+v", o.of(shop))
	}
	steps, err := o.book.Steps(t.Context(), c.ID)
	if err != nil || len(steps) != 5 || !steps[2].Undone || !steps[3].Undone || steps[3].State != Sent || steps[4].Undone {
		t.Errorf("%+v, %v", steps, err)
	}
	over, err := o.book.Overview(t.Context(), o.now)
	if err != nil || len(over) != 1 || over[0].Acted != 0 || over[0].Days != 0 {
		t.Errorf("%+v, %v", over, err)
	}
}

func TestOverview(t *testing.T) {
	o := newOffice(t)
	names := []subject.Subject{"tiktok:user/invented.a", "tiktok:user/invented.b", "tiktok:user/invented.c", "tiktok:user/invented.d"}
	o.lists(names...)
	o.lists("zalo:oa/9000000000000000001")
	o.release()
	for i, hours := range []int64{24, 72, 240} {
		c := o.moves(names[i], Sent)
		if _, err := o.book.Move(t.Context(), c.ID, Move{Actor: "mai", To: ActionTaken}, c.Sent+hours*3600); err != nil {
			t.Fatal(err)
		}
	}
	o.moves(names[3], Sent)
	over, err := o.book.Overview(t.Context(), o.now+3*day)
	if err != nil || len(over) != 2 {
		t.Fatalf("%+v, %v", over, err)
	}
	want := Overview{Platform: "tiktok", Open: 1, Overdue: 1, Asked: 4, Acted: 3, Days: 3}
	if over[0] != want || over[0].Share() != 0.75 {
		t.Errorf("%+v, want %+v", over[0], want)
	}
	if z := over[1]; z.Platform != "zalo" || z.Open != 1 || z.Share() != 0 || z.Days != 0 {
		t.Errorf("%+v", z)
	}
}

// Somebody changes the database by hand: what is kept says otherwise than what there is, until it is counted anew.
func TestWhatIsMiscountedIsNamed(t *testing.T) {
	o := newOffice(t)
	o.lists(shop, "tiktok:user/invented.a")
	o.release()
	o.moves(shop, Sent, ActionTaken)
	f := func(statement, want string) {
		t.Helper()
		if _, err := o.base.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		wrong, err := o.book.Miscounted(t.Context())
		if err != nil || len(wrong) == 0 || wrong[0].String() != want {
			t.Errorf("%s: %v, %v, want %s", statement, wrong, err, want)
		}
		if err := o.book.Recount(t.Context()); err != nil {
			t.Fatal(err)
		}
		if wrong, err := o.book.Miscounted(t.Context()); err != nil || len(wrong) > 0 {
			t.Errorf("counted anew: %v, %v", wrong, err)
		}
	}
	f(`UPDATE takedown_count SET cases = 5 WHERE platform = 'facebook'`, "takedown cases of facebook, action-taken: 5 are kept, 1 counted")
	f(`DELETE FROM takedown_count WHERE platform = 'tiktok'`, "hours in which takedown cases of tiktok are due: 0 are kept, 489996 counted")
	f(`UPDATE takedown_count SET asked = 0`, "letters to facebook: 0 are kept, 1 counted")
	f(`UPDATE action_count SET tenths = 7`, "tenths of days that facebook took: 7 are kept, 0 counted")
}

// What is past its due time is counted to the second.
func TestOverdueToTheSecond(t *testing.T) {
	o := newOffice(t)
	o.lists(shop)
	o.release()
	due := o.of(shop).Due
	for now, want := range map[int64]int{due - 3600: 0, due - 1: 0, due: 0, due + 1: 1, due + 3599: 1, due + 3600: 1, due + 90*day: 1} {
		if over, err := o.book.Overview(t.Context(), now); err != nil || over[0].Overdue != want {
			t.Errorf("%d s after it is due: %+v, %v", now-due, over, err)
		}
	}
}

// Who did what is in the audit log, with the case as its object; what the log doesn't take doesn't happen.
func TestEveryStepIsAnAct(t *testing.T) {
	o := newOffice(t)
	o.lists(shop)
	o.release()
	c := o.of(shop)
	if _, err := o.book.Move(t.Context(), c.ID, Move{Actor: "mai", To: Sent, Theirs: "FB-1\nFrom: x", Why: "by the form"}, o.now); err != nil {
		t.Fatal(err)
	}
	if _, err := o.book.Undo(t.Context(), c.ID, "linh", "not sent yet", o.now); err != nil {
		t.Fatal(err)
	}
	var got []string
	for a, err := range o.desk.Acts(t.Context(), audit.Filter{Object: c.Object().String()}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, a.Actor+": "+a.What("en")+": "+a.Because("en"))
	}
	want := []string{
		"khien: prepared: it is listed: facebook:user/inventedshop",
		"mai: sent: by the form; their reference FB-1 From: x",
		"linh: take a step back, to: prepared: not sent yet",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := o.base.ExecContext(t.Context(), `ALTER TABLE audit RENAME TO elsewhere`); err != nil {
		t.Fatal(err)
	}
	if _, err := o.book.Move(t.Context(), c.ID, Move{Actor: "mai", To: Sent}, o.now); err == nil || o.of(shop).State != Prepared {
		t.Errorf("without the log it went to %s, %v", o.of(shop).State, err)
	}
}

func TestWhatAPersonWritesIsBounded(t *testing.T) {
	o := newOffice(t)
	o.lists(shop)
	o.release()
	for _, m := range []Move{{To: Sent, Theirs: strings.Repeat("x", 201)}, {To: Sent, Why: strings.Repeat("x", 2001)}} {
		if _, err := o.book.Move(t.Context(), o.of(shop).ID, m, o.now); !errors.Is(err, ErrTooLong) {
			t.Errorf("%v, want ErrTooLong", err)
		}
	}
}

// Each platform whose accounts are known has somebody to write to, under the title that people know.
func TestEveryPlatformIsKnown(t *testing.T) {
	files, err := filepath.Glob("../../shared/subject/platforms/*.rules")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut("\n"+string(text), "\nplatform ")
		head, _, _ := strings.Cut(rest, "\n")
		name, title, _ := strings.Cut(head, " ")
		if name == "short" || name == "vietqr" || name == "elsewhere" { // links whose account is elsewhere
			continue
		}
		seen++
		p, ok := ByName(name)
		if !ok || p.Title != title || p.Clock <= 0 || p.Menu["en"] == "" || p.Where != "" && !strings.HasPrefix(p.Where, "https://") {
			t.Errorf("%s is %+v", name, p)
		}
	}
	if seen != len(platforms) {
		t.Errorf("%d platforms have rules, %d are known here", seen, len(platforms))
	}
}
