package notice

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"khien/server/db/dbtest"
	"khien/server/evidence"
	"khien/server/exchange"
	"khien/server/ledger"
	"khien/server/office/officetest"
	"khien/server/partner"
	"khien/server/publish"
	"khien/server/stream"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const shop = subject.Subject("facebook:user/inventedshop")

// house is an office that has an agreement with one platform, whose server answers what status says.
type house struct {
	*Store
	t     *testing.T
	list  *ledger.Ledger
	seq   uint64
	at    time.Time
	by    partner.Actor
	where string

	mu     sync.Mutex
	status int
	hang   chan struct{} // the server answers when it is closed; nil is at once
	came   chan struct{} // is told when somebody asks a server that hangs
	got    []*http.Request
	bodies [][]byte
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, at: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), by: partner.Actor{Name: "mai", Alone: true}, status: 204}
	office := officetest.Open(t, ledger.Tables, triage.Tables, takedown.Tables, evidence.Tables, exchange.Tables, stream.Tables, partner.Tables, Tables)
	h.list = ledger.Open(office)
	desk := triage.Open(office)
	pictures, err := evidence.Open(office, t.TempDir())
	h.must(err)
	letters := t.TempDir()
	h.must(os.WriteFile(filepath.Join(letters, "sender.txt"), []byte("organisation An invented authority\ncontact liaison@agency.example\nregister https://khien.example/register\n"), 0o600))
	sources := exchange.Open(office, func() (*publish.Protection, error) { return publish.Protect("") })
	h.Store = Open(Config{Office: office, Cases: takedown.Open(office, desk), Partners: partner.Open(office, desk), Stream: stream.Open(office, sources, "invented root"),
		Ledger: h.list, Pictures: pictures, Root: "invented root", Operator: func() (takedown.Operator, error) { return takedown.ReadOperator(letters) }})
	h.now = func() time.Time { return h.at }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		h.got, h.bodies = append(h.got, r), append(h.bodies, body)
		status, hang := h.status, h.hang
		h.mu.Unlock()
		if hang != nil {
			h.came <- struct{}{}
			<-hang
		}
		if status == 302 {
			w.Header().Set("Location", "http://127.0.0.1:1/")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	h.where = server.URL
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// agrees makes an agreement with a platform, which is changed by f.
func (h *house) agrees(f func(*partner.Agreement)) partner.Standing {
	h.t.Helper()
	now := time.Now().UTC() // by which the store of agreements goes
	a := partner.Agreement{Name: "platform-one", Title: "An invented platform", Role: partner.Platform, Platforms: []string{"facebook"}, Purpose: "to take down scams", Retention: 180,
		Direction: partner.Both, Notice: partner.Request, Language: "vi", Legal: partner.Legal{Basis: "as agreed", Territory: []string{"VN"}, Redress: "https://khien.example/appeal"},
		Contacts: []partner.Contact{{Name: "Trust", Email: "trust@platform.example"}}, From: "2026-01-01", Until: now.AddDate(1, 0, 0).Format(time.DateOnly)}
	if f != nil {
		f(&a)
	}
	_, err := h.partners.Propose(h.t.Context(), h.by, a)
	h.must(err)
	s, err := h.partners.Get(h.t.Context(), a.Name)
	h.must(err)
	return s
}

func (h *house) lists(s subject.Subject) {
	h.t.Helper()
	h.must(h.list.List(h.t.Context(), "mai", ledger.Indicator{Subject: s, Category: category.Investment, Source: "report", FirstSeen: 1_780_000_000,
		Reason: map[string]string{"en": "Offers an investment that does not exist.", "vi": "Mời đầu tư vào thứ không có."}}))
}

// follows is what khien serve does after a release.
func (h *house) follows() int {
	h.t.Helper()
	ctx := h.t.Context()
	h.seq++
	decided, err := h.list.Seq(ctx)
	h.must(err)
	h.must(h.list.Issue(ctx, ledger.Issue{Seq: decided, Release: ledger.Release{Sequence: h.seq, Issued: h.at.Unix(), Expires: h.at.Unix() + 1, Head: []byte("signed")}}))
	_, err = h.cases.Follow(ctx, h.list, h.at.Unix())
	h.must(err)
	_, err = h.leaves.Follow(ctx, h.list)
	h.must(err)
	n, err := h.Follow(ctx)
	h.must(err)
	return n
}

func (h *house) hooks() []byte {
	h.t.Helper()
	secret, err := h.SetHook(h.t.Context(), h.by, "platform-one", h.where, true)
	h.must(err)
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	h.must(err)
	return key
}

// delivers sends what is due, and tells how many requests the partner's server has had in all.
func (h *house) delivers() int {
	h.t.Helper()
	due, err := h.due(h.t.Context())
	h.must(err)
	for _, name := range due {
		h.must(h.Deliver(h.t.Context(), name))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got)
}

func (h *house) notices(want ...State) []Notice {
	h.t.Helper()
	list, err := h.Of(h.t.Context(), "platform-one", "", 1000)
	h.must(err)
	var got []State
	for _, n := range list {
		got = append(got, n.State)
	}
	if !slices.Equal(got, want) {
		h.t.Fatalf("the notices are %v, want %v", got, want)
	}
	return list
}

func (h *house) of(s subject.Subject) takedown.Request {
	h.t.Helper()
	c, err := h.cases.Of(h.t.Context(), s)
	h.must(err)
	return c
}

func (h *house) answers(s partner.Standing, body string) Result {
	h.t.Helper()
	list, err := Read([]byte(body))
	h.must(err)
	r, err := h.Take(h.t.Context(), s, list)
	h.must(err)
	return r
}

func TestAPlatformIsToldAndAnswers(t *testing.T) {
	h := open(t)
	s := h.agrees(nil)
	key := h.hooks()
	h.lists(shop)
	h.lists("tiktok:user/an.invented.name") // with whom nothing is agreed
	h.lists("scam.example/")
	if n := h.follows(); n != 1 {
		t.Fatalf("%d notices, want 1", n)
	}
	if n := h.follows(); n != 0 {
		t.Errorf("followed again, %d more", n)
	}
	h.notices(Ready)
	if n := h.delivers(); n != 1 {
		t.Fatalf("%d requests", n)
	}
	if n := h.delivers(); n != 1 {
		t.Errorf("what was taken is sent again: %d", n)
	}
	n := h.notices(Sent)[0]
	c := h.of(shop)
	if c.State != takedown.Sent || c.Due != h.at.Unix()+24*60*60 || n.Due() != c.Due {
		t.Errorf("%+v", c)
	}

	head, body := h.got[0].Header, h.bodies[0]
	if want := Signature(key, head.Get("webhook-id"), h.at.Unix(), body); head.Get("webhook-signature") != want || head.Get("webhook-timestamp") != fmt.Sprint(h.at.Unix()) {
		t.Errorf("%v", head)
	}
	var m Message
	h.must(json.Unmarshal(body, &m))
	d := m.Data
	if m.Type != "takedown.prepared" || m.Time != "2026-06-01T12:00:00Z" || d.Reference != c.Reference || d.Subject != string(shop) || d.What != "profile" ||
		d.Identifiers["user_name"] != "inventedshop" || d.URLs[0] != "https://www.facebook.com/inventedshop" || d.Category != "investment" || d.Language != "vi" ||
		!strings.Contains(d.Explanation, "Mời đầu tư") || d.LegalBasis != "as agreed" || d.Notifier.Email != "liaison@agency.example" || !d.GoodFaith ||
		d.NoticeKind != partner.Request || d.Due != "2026-06-02T12:00:00Z" || d.AnswerTo != "https://khien.example/exchange/answers" || d.Redress == "" {
		t.Errorf("%s", body)
	}

	// The last answer by its own time counts, all are kept, and the same twice changes nothing.
	answer := func(decision, at, more string) string {
		return fmt.Sprintf(`{"reference":%q,"subject":"https://m.facebook.com/Invented.Shop","decision":%q,"decided_at":%q%s}`, c.Reference, decision, at, more)
	}
	f := func(body string, want Result, state takedown.State) {
		t.Helper()
		if r := h.answers(s, body); r.Taken != want.Taken || r.Known != want.Known || len(r.Refused) != len(want.Refused) || h.of(shop).State != state {
			t.Errorf("%s: %+v, the case is %s", body, r, h.of(shop).State)
		}
	}
	h.at = h.at.Add(time.Hour)
	f(answer("received", "2026-06-01T12:10:00Z", ""), Result{Taken: 1}, takedown.Acknowledged)
	f(answer("removed", "2026-06-01T12:30:00Z", `,"platform_reference":"FB-4711","ground":"terms"`), Result{Taken: 1}, takedown.ActionTaken)
	f(answer("removed", "2026-06-01T12:30:00Z", ""), Result{Known: 1}, takedown.ActionTaken)
	f(answer("refused", "2026-06-01T12:20:00Z", ""), Result{Taken: 1}, takedown.ActionTaken) // it came late
	f(answer("restricted", "2026-06-01T12:40:00Z", `,"territory":["VN"],"expires":"2026-12-01T00:00:00Z"`), Result{Taken: 1}, takedown.Restricted)
	if c := h.of(shop); c.Theirs != "FB-4711" || c.Territory != "VN" || c.Until == 0 {
		t.Errorf("%+v", c)
	}
	steps, err := h.cases.Steps(t.Context(), c.ID)
	if err != nil || steps[len(steps)-1].Actor != "platform-one" {
		t.Errorf("%+v, %v", steps, err)
	}
	f(`[{"signal":"https://www.facebook.com/inventedshop","type":"feedback_actioned","reporter_reference":"`+c.Reference+`"}]`, Result{Taken: 1}, takedown.ActionTaken)
	f(`[{"signal":"https://www.facebook.com/inventedshop","type":"feedback_actioned","reporter_reference":"`+c.Reference+`"}]`, Result{Known: 1}, takedown.ActionTaken)

	other := h.agrees(func(a *partner.Agreement) { a.Name, a.Platforms = "platform-two", []string{"tiktok"} })
	for _, one := range []struct {
		by        partner.Standing
		body, why string
	}{
		{other, answer("removed", "2026-06-01T12:50:00Z", ""), "of another platform"},
		{s, `{"reference":"KH-NONE","decision":"removed"}`, "no such reference"},
		{s, `{"reference":"` + c.Reference + `","decision":"maybe"}`, "decision is"},
		{s, answer("removed", "2026-06-03T12:50:00Z", ""), "in the future"},
		{s, answer("removed", "yesterday", ""), "decided_at is"},
		{s, `{"reference":"` + c.Reference + `","subject":"https://www.facebook.com/another.name","decision":"removed"}`, "another subject"},
		{s, `[["removed"]]`, "no JSON object"},
	} {
		if r := h.answers(one.by, one.body); len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Why, one.why) || r.Refused[0].Line != 1 {
			t.Errorf("%s: %+v, want %s", one.body, r, one.why)
		}
	}

	// That it was a mistake is told to whoever was told.
	h.must(h.list.Withdraw(t.Context(), "linh", shop, map[string]string{"en": "An honest shop.", "vi": "Cửa hàng thật."}))
	if n := h.follows(); n != 2 { // and the one to platform-two, with whom that was agreed meanwhile
		t.Errorf("%d notices of what is taken off", n)
	}
	h.delivers()
	h.notices(Sent, Sent)
	h.must(json.Unmarshal(h.bodies[1], &m))
	if m.Type != "takedown.withdrawn" || h.of(shop).State != takedown.Withdrawn || !strings.Contains(m.Data.Explanation, "Cửa hàng thật") {
		t.Errorf("%s", h.bodies[1])
	}
	f(answer("restored", "2026-06-01T13:00:00Z", ""), Result{Taken: 1}, takedown.Withdrawn)
}

func TestAPersonApprovesWhereThatWasAgreed(t *testing.T) {
	h := open(t)
	h.lists(shop)
	h.follows()
	h.notices()
	h.agrees(func(a *partner.Agreement) { a.Approved, a.Notice, a.Legal = true, partner.Complaint, partner.Legal{} })
	h.hooks()
	if n := h.follows(); n != 1 {
		t.Fatalf("an agreement that is new asks for what was there before: %d", n)
	}
	h.notices(Waiting)
	if n := h.delivers(); n != 0 {
		t.Errorf("sent without a person: %d", n)
	}
	n, err := h.Approve(t.Context(), h.by, "platform-one")
	h.must(err)
	if h.delivers(); n != 1 || h.notices(Sent)[0].Actor != "mai" || h.of(shop).Due != h.at.Unix()+48*60*60 {
		t.Errorf("%d approved, %+v", n, h.of(shop))
	}
}

func TestAPartnerThatIsDownIsTriedAgainInOrder(t *testing.T) {
	h := open(t)
	h.agrees(nil)
	key := h.hooks()
	h.lists(shop)
	h.lists("facebook:user/another.name")
	h.follows()
	var ids []string
	for i, status := range []int{500, 302, 404, 204} {
		h.status = status
		before := len(h.got)
		got := h.delivers()
		if status != 204 && got != before+1 || status == 204 && got != before+2 {
			t.Fatalf("try %d: %d requests after %d", i, got, before)
		}
		if n := h.delivers(); n != got {
			t.Errorf("tried again without a wait: %d", n)
		}
		ids = append(ids, h.got[before].Header.Get("webhook-id"))
		h.at = h.at.Add(7 * time.Hour)
	}
	if len(slices.Compact(ids)) != 1 || h.got[4].Header.Get("webhook-id") == ids[0] {
		t.Errorf("the names are %v", ids)
	}
	list := h.notices(Sent, Sent)
	for i, r := range h.got {
		if r.Header.Get("webhook-signature") != Signature(key, r.Header.Get("webhook-id"), int64Of(r.Header.Get("webhook-timestamp")), h.bodies[i]) {
			t.Errorf("request %d is not signed", i)
		}
	}
	_, err := h.Replay(t.Context(), h.by, "platform-one", list[0].ID)
	h.must(err)
	was := h.bodies[3]
	if h.delivers(); len(h.bodies) != 6 || string(h.bodies[5]) != string(was) || h.of(list[0].Subject).Asked != 1 {
		t.Errorf("sent again it is another one:\n%s\n%s", was, h.bodies[len(h.bodies)-1])
	}
}

func int64Of(text string) (n int64) { fmt.Sscan(text, &n); return n }

func TestWhatNobodyTakesForThreeDaysIsShown(t *testing.T) {
	h := open(t)
	h.agrees(nil)
	h.hooks()
	h.lists(shop)
	h.follows()
	h.status = 500
	for range 20 {
		h.delivers()
		h.at = h.at.Add(6 * time.Hour)
	}
	n := h.notices(Failed)[0]
	if n.Tries < 12 || n.Tries > 14 || n.Problem != "the server answers 500" {
		t.Errorf("%+v", n)
	}
	h.status = 204
	if n, err := h.Replay(t.Context(), h.by, "platform-one"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	h.delivers()
	h.notices(Sent)
}

// One that the partner's server can't read stops none behind it.
func TestWhatCannotBeReadIsPutAside(t *testing.T) {
	h := open(t)
	h.agrees(nil)
	h.hooks()
	h.lists(shop)
	h.lists("facebook:user/another.name")
	h.follows()
	h.status = 422
	for range 4 {
		h.delivers()
		h.at = h.at.Add(time.Hour)
	}
	h.notices(Ready, Ready)
	h.delivers()
	if list := h.notices(Failed, Ready); list[1].Tries != 1 {
		t.Errorf("%+v", list)
	}
}

// A partner whose server hangs holds no other, and a process that sends is alone.
func TestEachPartnerIsApart(t *testing.T) {
	h := open(t)
	h.agrees(nil)
	h.hooks()
	h.lists(shop)
	h.follows()
	h.hang, h.came = make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() { done <- h.Deliver(t.Context(), "platform-one") }()
	<-h.came
	if due, err := h.due(t.Context()); err != nil || len(due) != 0 {
		t.Errorf("another one may send, too: %v, %v", due, err)
	}
	close(h.hang)
	h.must(<-done)
	h.notices(Sent)
}

func TestWhatIsOvertakenIsNotSent(t *testing.T) {
	h := open(t)
	h.agrees(nil)
	h.hooks()
	h.lists(shop)
	h.lists("facebook:user/another.name")
	h.follows()
	_, err := h.cases.Move(t.Context(), h.of(shop).ID, takedown.Move{Actor: "mai", To: takedown.ActionTaken}, h.at.Unix())
	h.must(err)
	h.must(h.list.Withdraw(t.Context(), "linh", "facebook:user/another.name", map[string]string{"en": "An honest shop."}))
	if n := h.follows(); n != 0 {
		t.Errorf("who was not told is told of a mistake: %d", n)
	}
	if n := h.delivers(); n != 0 {
		t.Errorf("%d requests", n)
	}
	h.notices(Dropped, Dropped)
}

// What the agreement does not give is in no notice, and after its end nothing is sent.
func TestTheAgreementDecides(t *testing.T) {
	h := open(t)
	h.agrees(func(a *partner.Agreement) { a.Categories = []string{"romance"} })
	h.hooks()
	h.lists(shop)
	h.follows()
	if n := h.notices(Dropped)[0]; n.Problem != "withheld: category" {
		t.Errorf("%+v", n)
	}
	h.agrees(nil)
	h.lists("facebook:user/another.name")
	h.follows()
	h.must(h.partners.End(t.Context(), h.by, "platform-one"))
	if n := h.delivers(); n != 0 {
		t.Errorf("%d requests without an agreement", n)
	}
}

func TestWhereNoticesMayGo(t *testing.T) {
	h := open(t)
	h.agrees(nil)
	for address, want := range map[string]bool{
		"https://trust.platform.example/hooks": true, "http://trust.platform.example/": false, "https://192.168.0.1/": false, "https://127.0.0.1/": false,
		"https://[fd00::1]/": false, "ftp://platform.example/": false, "https://user:secret@platform.example/": false, "nonsense": false, "": false,
	} {
		if _, err := h.SetHook(t.Context(), h.by, "platform-one", address, false); (err == nil) != want {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := h.SetHook(t.Context(), h.by, "platform-one", "http://192.168.0.1/", true); err == nil {
		t.Error("this machine is not another one")
	}
	// A name that leads into a private network is found out when it is called.
	if _, err := client(false).Get(h.where); err == nil || failure(err) != errPrivate.Error() {
		t.Errorf("%v", err)
	}
}

// The vector that standardwebhooks publishes with its libraries.
func TestSignature(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestATableOfAnswers(t *testing.T) {
	list, err := ReadCSV(strings.NewReader("\ufeffreference,subject,decision,decided_at,platform_reference,ground,reason,expires\n" +
		"KH-1,https://www.facebook.com/profile.php?id=999999999999999,removed,2026-11-28T09:00:00Z,FB-4711,terms,Fraud and deception,\n" +
		"KH-2,,restricted,2026-11-28T09:05:00Z,FB-4712,law,\"not shown\nin VN\",2027-05-28T00:00:00Z\nKH-3,,removed,,,,,,,,\n"))
	if err != nil || len(list) != 3 || list[1].line != 3 || list[1].Expires == "" || list[2].wrong == nil {
		t.Errorf("%+v, %v", list, err)
	}
	for _, text := range []string{"", "subject\n", "reference,decision,what\n", "reference,decision\n\"", strings.Repeat("x", MaxAnswers+1)} {
		if list, err := ReadCSV(strings.NewReader(text)); err == nil {
			t.Errorf("%.20q is %+v", text, list)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`[{"reference":"KH-1","decision":"removed","decided_at":"2026-11-28T09:00:00Z","territory":["VN"]},{"signal":"x","type":"feedback_actioned"}]`))
	f.Add([]byte("reference,decision\nKH-1,removed\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, _ := Read(text)
		if len(list) > maxEach {
			t.Fatal(len(list))
		}
		for _, a := range list {
			if decided, _, err := a.check(1_800_000_000); err == nil && (decided < 0 || decided > 1_800_000_000+maxAhead || decisions[a.Decision] == "") {
				t.Fatalf("%+v", a)
			}
		}
	})
}
