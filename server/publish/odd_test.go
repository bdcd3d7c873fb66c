package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"khien/server/campaign"
	"khien/server/db/dbtest"
	"khien/server/ledger"
	"khien/shared/checker"
	"khien/shared/release"
	"khien/shared/subject"
	"khien/shared/supplement"
)

// What no list may hold, wherever it comes from, is refused by its kind, and named so that it can stand in a line of a
// terminal.
func TestWhatIsNoHostOrNoSubjectIsRefused(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		err := Permit(subject.Subject(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
			return
		}
		if said := err.Error(); len(said) > 1000 || strings.ContainsAny(said, "\x1b\n\r\u202e\xff") {
			t.Errorf("%q is told as %q", text, said)
		}
	}
	f("*.wild.example/", "*.wild.example/: no host name")
	f("x&y.example/", "x&y.example/: no host name")
	f("a,b.example/page", "no host name")
	f(`"a32.example",/`, "no host name")
	f("", "not a subject")
	f("/", "not a subject")
	f("scam.example", "not a subject")
	f("Scam.example/", "not a subject")
	f("1.2/", "not a subject")
	f("469/", "not a subject")
	f("scam.example/a b", "not a subject")
	f("facebook:user/An.Invented.Name", "not a subject")
	f("phone:0900000001", "not a subject")
	f("nothing:at/all", "not a subject")
	f("\x1b[2Jscam.example/", `\x1b`)
	f("scam.example\n/", `\n`)
	f("\u202escam.example/", `\u202e`)
	f("scam.exa\xffmple/", `\xff`)
	f(strings.Repeat("a.", 50_000)+"example/", "…")
}

// What the last question of a publishing would find, the guard has refused before: nobody stops a release by what he
// has listed.
func TestTheGuardRefusesWhateverWouldStopARelease(t *testing.T) {
	began := time.Now()
	covered := protected().covered()
	t.Logf("%d subjects in %v", len(covered), time.Since(began))
	for s, is := range covered {
		if is && Permit(s) == nil {
			t.Errorf("%s", s)
		}
	}
}

// Somebody has written into the files of an old installation what nobody may, or an older Khiên did. Each of these goes
// without, by its name, and all others are published.
func TestOneBadLineStopsNothing(t *testing.T) {
	dir := t.TempDir()
	if err := InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	p := open(t, dir)
	const now = 1_763_900_000
	p.list(t, "good.example/", "good.example/page")
	base := office(t, dir)
	cards := campaign.Open(base)
	p.Cards, p.Official, p.Help = cards, filepath.Join(dir, "official"), filepath.Join(dir, "help.json")
	card := supplement.Card{ID: "good", Title: []supplement.Text{{Lang: "en", Text: "Good"}}, Text: []supplement.Text{{Lang: "en", Text: "Advice"}}}
	if err := cards.Put(t.Context(), "mai", card, campaign.Published); err != nil {
		t.Fatal(err)
	}

	row := func(subject, source, reason string, category, seen, lapses int64) {
		t.Helper()
		if _, err := base.ExecContext(t.Context(), `INSERT INTO indicator (subject, category, source, reference, reason, first_seen, lapses) VALUES (?, ?, ?, '', ?, ?, ?)`, subject, category, source, reason, seen, lapses); err != nil {
			t.Fatal(err)
		}
	}
	left := []string{
		"*.wild.example/", "x&y.example/", "a,b.example/pay", "", "/", "scam.example", "Scam.example/", "scam.example/a b", "469/", "1.2/", "phone:0900000001",
		"facebook:user/An.Invented.Name", "\x1b[2J.example/", strings.Repeat("a", 100) + ".example/", strings.Repeat("a.", 5000) + "example/",
		"www.facebook.com/", "www.youtube.com/watch", "com.vn/", "192.168.1.1/",
	}
	if !dbtest.OnPostgres { // which takes no such text
		left = append(left, "scam.exa\xffmple/")
	}
	for s := range protected().covered() { // whatever the last question of a publishing would find
		if !s.IsAccount() && strings.Contains(string(s), another) && len(left) < 60 {
			left = append(left, string(s))
		}
	}
	for _, s := range left {
		row(s, "a partner", "{}", 1, now, 0)
	}
	row("no-json.example/", "a partner", "not JSON", 1, now, 0)
	row("json-of-another-kind.example/", "a partner", "[1, 2]", 1, now, 0)
	row("no-kind.example/", "a partner", "{}", 4000, now, 0)
	row("less-than-no-kind.example/", "a partner", "{}", -1, now, 0)
	row("kind-of-tomorrow.example/", "a partner", "{}", 63, now, 0)
	row("before-time.example/", "a partner", "{}", 1, -1<<62, 0)
	row("after-time.example/", "a partner", "{}", 1, 1<<62, 1<<62)
	wordy := 0
	for ; wordy < 40; wordy++ {
		reason, _ := json.Marshal(map[string]string{"en": strings.Repeat("a word ", 8000)})
		row(fmt.Sprintf("wordy-%d.example/", wordy), strings.Repeat("ế", 40_000), string(reason), 1, now, 0)
	}
	for id, body := range map[string]string{"no-json": "not JSON", "no-text": "{}", "NO-NAME": `{"title":[{"lang":"en","text":"x"}],"text":[{"lang":"en","text":"x"}]}`,
		"no-link": `{"title":[{"lang":"en","text":"x"}],"text":[{"lang":"en","text":"x"}],"link":"javascript:alert(1)"}`} {
		if _, err := base.ExecContext(t.Context(), `INSERT INTO card (id, state, body, picture, actor, changed) VALUES (?, 'published', ?, ?, 'mai', 0)`, id, body, []byte{}); err != nil {
			t.Fatal(err)
		}
	}
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(p.Official, 0o755); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(p.Official, "ours.txt"), "good-bank.example | The Good Bank | | VN\nx&y.example | Odd | | VN\nodd-account.example | Odd | facebook:user/An.Invented.Name | VN\n| "+strings.Repeat("x", 9000)+"\na | b | c | d | e\n\xff.example | Bad\n")
	write(p.Help, `{"help": [{"country": "Vietnam"}]}`)

	plan, err := p.Draft(t.Context(), now, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Issue(t.Context(), plan, Alone)
	if err != nil {
		t.Fatal(err)
	}
	if want := 9 + wordy; r.Count != want || plan.Count != want || plan.Added.Count != want {
		t.Errorf("%d are published, %d planned, %d added, want %d", r.Count, plan.Count, plan.Added.Count, want)
	}
	for what, refused := range map[string][]error{"plan": plan.Refused, "release": r.Refused} {
		if want := len(left) + wordy + 4 + 5 + 1; len(refused) != want {
			t.Errorf("the %s leaves %d out, want %d: %v", what, len(refused), want, refused)
		}
		for _, err := range refused {
			if said := err.Error(); len(said) > 1000 || strings.ContainsAny(said, "\x1b\n\r\xff") {
				t.Errorf("told as %q", said)
			}
		}
		said := fmt.Sprint(refused)
		for _, name := range []string{"*.wild.example/: ", "x&y.example/: ", "wordy-7.example/: what is said about it", "advice card no-json: ", "advice card no-link: ", "ours.txt:2: ", "ours.txt:3: ", "ours.txt:4: ", "ours.txt:5: ", "help.json: "} {
			if !strings.Contains(said, name) {
				t.Errorf("the %s does not name %q: %s", what, name, said)
			}
		}
	}
	c := p.client(t, now+60)
	for _, href := range []string{"http://good.example/", "http://wordy-7.example/", "http://no-json.example/", "http://after-time.example/"} {
		if f := c.Check(href, now+60); f.Verdict != checker.Listed {
			t.Errorf("%s is %v", href, f.Verdict)
		}
	}
	if told := c.Supplement().Body(); len(told.Cards) != 1 || len(told.Help) < 3 || !c.Supplement().Book().IsOfficial("good-bank.example") {
		t.Errorf("%d cards, %d countries", len(told.Cards), len(told.Help))
	}
	if again, err := p.Renew(t.Context(), now+4*24*3600, Alone); err != nil || !again.Published {
		t.Errorf("%+v, %v", again, err)
	}
}

// Somebody seeks names that all share one bucket, which no client would read then. Those that have no room in it are
// left out and named.
func TestACrowdedBucketStopsNothing(t *testing.T) {
	p := newPublisher(t)
	const now = 1_763_900_000
	var list []ledger.Indicator
	for n := 0; len(list) < 400; n++ { // 400 of them have 16 buckets
		s := subject.Subject(fmt.Sprintf("crowd-%d.example/", n))
		if release.BucketIndex(4, s.Digest()) == 3 {
			list = append(list, ledger.Indicator{Subject: s, Reason: map[string]string{"en": strings.Repeat("x", 7000)}, FirstSeen: now})
		}
	}
	list = append(list, ledger.Indicator{Subject: "good.example/", FirstSeen: now})
	if _, _, err := p.Ledger.Import(t.Context(), "mai", list); err != nil {
		t.Fatal(err)
	}
	r := p.mustPublish(t, now)
	if len(r.Refused) < 200 || r.Count+len(r.Refused) != 401 || !errors.Is(r.Refused[0], ErrCrowded) {
		t.Errorf("%d are published, %d left out: %v", r.Count, len(r.Refused), r.Refused[:1])
	}
	if f := p.client(t, now).Check("http://good.example/", now); f.Verdict != checker.Listed {
		t.Errorf("%v", f.Verdict)
	}
}

// More advice than a supplement has room for: the last cards wait.
func TestMoreCardsThanThereIsRoomFor(t *testing.T) {
	s := said{book: OwnBook()}
	for n := range supplement.MaxCards {
		s.body.Cards = append(s.body.Cards, supplement.Card{
			ID: fmt.Sprintf("card-%02d", n), Title: []supplement.Text{{Lang: "en", Text: "x"}}, Text: []supplement.Text{{Lang: "en", Text: "x"}},
			Picture: append([]byte("\xff\xd8\xff"), make([]byte, 20<<10)...),
		})
	}
	left := s.fitInto()
	if _, err := s.encode(); err != nil || len(s.body.Cards) < 10 || len(s.body.Cards)+len(left) != supplement.MaxCards || s.body.Cards[0].ID != "card-00" {
		t.Errorf("%d cards are in, %d left out, %v", len(s.body.Cards), len(left), err)
	}
}
