package public

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"khien/server/blob"
	"khien/server/db/dbtest"
	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/office"
	"khien/server/office/officetest"
	"khien/server/publish"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/texts"
	"khien/shared/wire"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is a site with all that is behind it.
type world struct {
	t testing.TB
	*Site
	publisher *publish.Publisher
	words     strings.Builder // what the log says
}

func newWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, Site: &Site{}}
	w.Log = slog.New(slog.NewTextHandler(&w.words, nil))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	base := officetest.Open(t, office.Tables...)
	w.Ledger, w.Desk = ledger.Open(base), triage.Open(base)
	w.Takedowns = takedown.Open(base, w.Desk)
	w.Exchange = exchange.Open(base, func() (*publish.Protection, error) { return publish.Protect("") })
	w.Inbox, err = inbox.Open(dbtest.Place(t, "inbox.db"))
	must(err)
	blobs, err := blob.Open(filepath.Join(dir, "published"))
	must(err)
	must(publish.InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), time.Now().Unix()))
	keys, err := publish.LoadKeys(filepath.Join(dir, "keys"))
	must(err)
	w.publisher = &publish.Publisher{Ledger: w.Ledger, Blobs: blobs, Keys: keys}
	w.Shelf = &publish.Shelf{Blobs: blobs, Ledger: w.Ledger, Root: keys.Root}
	t.Cleanup(func() { w.Inbox.Close() })
	return w
}

// lists and withdraws publish what they decide.
func (w *world) lists(s subject.Subject, reason map[string]string) {
	w.t.Helper()
	w.decides(s, reason)
	w.publishes()
}

func (w *world) withdraws(s subject.Subject, reason map[string]string) {
	w.t.Helper()
	if err := w.Ledger.Withdraw(context.Background(), "linh", s, reason); err != nil {
		w.t.Fatal(err)
	}
	w.publishes()
}

func (w *world) publishes() {
	w.t.Helper()
	if _, err := w.publisher.Publish(context.Background(), time.Now().Unix()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) decides(s subject.Subject, reason map[string]string) {
	w.t.Helper()
	i := ledger.Indicator{Subject: s, Category: category.Shop, Source: "invented list", FirstSeen: 1_763_900_000, Reason: reason}
	if err := w.Ledger.List(context.Background(), "mai", i); err != nil {
		w.t.Fatal(err)
	}
}

// form are the fields of a form.
func form(fields ...string) Values {
	return func(name string) string {
		for i := 0; i < len(fields); i += 2 {
			if fields[i] == name {
				return fields[i+1]
			}
		}
		return ""
	}
}

// text is what a reader sees of a page, with blanks made one.
func text(p Page) string {
	doc, err := html.Parse(strings.NewReader(string(p.Body)))
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(doc)
	return strings.Join(strings.Fields(b.String()), " ")
}

func (w *world) sees(p Page, status int, words ...string) {
	w.t.Helper()
	seen := text(p)
	if p.Status != status {
		w.t.Errorf("status %d, want %d: %.400s", p.Status, status, seen)
	}
	for _, word := range words {
		if gone, ok := strings.CutPrefix(word, "!"); ok && strings.Contains(seen, gone) {
			w.t.Errorf("the page says %q:\n%s", gone, seen)
		} else if !ok && !strings.Contains(seen, word) {
			w.t.Errorf("the page does not say %q:\n%s", word, seen)
		}
	}
}

// Somebody has listed it, and two sources say so too: the register names them, and so it does once it is over.
func TestTheRegisterSaysWhoSaysSoToo(t *testing.T) {
	w := newWorld(t)
	i := ledger.Indicator{Subject: "scam.example/", Category: category.Shop, Source: "report", SaidBy: "CERT Invented, National list"}
	if err := w.Ledger.List(t.Context(), "mai", i); err != nil {
		t.Fatal(err)
	}
	i = ledger.Indicator{Subject: "claimed.example/", Category: category.Shop, SaidBy: "CERT Invented, National list"}
	if err := w.Ledger.List(t.Context(), "source cert", i); err != nil {
		t.Fatal(err)
	}
	w.publishes()
	look := func(lang, about string) Page { return w.LookUp(t.Context(), lang, form("about", about)) }
	w.sees(look("en", "scam.example"), 200, "reports, which a person has looked at", "Also said by CERT Invented, National list")
	w.sees(look("vi", "scam.example"), 200, "Cũng được nêu bởi CERT Invented, National list")
	w.sees(look("en", "claimed.example"), 200, "CERT Invented, National list", "!Also said by")
	w.withdraws("scam.example/", nil)
	w.sees(look("en", "scam.example"), 200, "Also said by CERT Invented, National list")
}

func TestTheRegister(t *testing.T) {
	w := newWorld(t)
	w.lists("scam.example/", map[string]string{"en": "never delivers", "vi": "không giao hàng"})
	w.lists("facebook:user/inventedshop", nil)
	w.lists("phone:+84900000001", map[string]string{"vi": "gọi giả công an"})
	look := func(lang, about string) Page { return w.LookUp(t.Context(), lang, form("about", about)) }

	w.sees(look("en", "scam.example"), 200, "Listed", "Website scam.example", "never delivers", "Fake shop", "invented list", "KH-")
	w.sees(look("vi", "scam.example"), 200, "Đang có trong danh sách", "không giao hàng")
	// A page of a listed site is covered by its entry; a site is not by an entry of its page.
	w.sees(look("en", "https://pay.scam.example/x?y=1"), 200, "Website scam.example", "never delivers")
	w.lists("other.example/bad", nil)
	w.sees(look("en", "other.example"), 200, "Nothing is known", "!bad")
	w.sees(look("en", "https://m.facebook.com/Invented.Shop?ref=1"), 200, "Facebook account inventedshop", "No reason was written down")
	w.sees(look("en", "0900 000 001"), 200, "+84900000001", "gọi giả công an")

	// A reason that is how such scams work is not said twice.
	w.lists("plain.example/", map[string]string{"en": category.Shop.How("en")})
	if n := strings.Count(text(look("en", "plain.example")), category.Shop.How("en")); n != 1 {
		t.Errorf("how it works is said %d times", n)
	}

	// Only exactly: no part of a name, no pattern, nothing to leaf through.
	for _, about := range []string{"scam", "scam.exampl", "%", "*", "s_am.example", "scam.example%", "'; DROP TABLE indicator; --", "facebook:user/", "facebook:user/invented", "KH-2026-000001"} {
		w.sees(look("en", about), look("en", about).Status, "!never delivers", "!inventedshop")
	}
	w.sees(look("en", ""), 422, "Write down what")
	for _, text := range []string{"hello there", "@somebody", "KH-C31", "http://somebody/"} {
		w.sees(look("en", text), 422, "names nothing that the register")
	}
	w.sees(look("en", "https://"+strings.Repeat("x", 2100)+".example"), 422, "too long")
	if p := look("en", "\xff\xfe"); p.Status != 422 {
		t.Errorf("bytes that are no text: %d", p.Status)
	}

	// What was taken off stays in the register, with the reason.
	w.withdraws("scam.example/", map[string]string{"en": "sold to an honest owner", "vi": "đã bán cho chủ thật"})
	w.sees(look("vi", "scam.example"), 200, "Đã rút khỏi danh sách", "đã bán cho chủ thật", "!Hãy khiếu nại")

	// What is asked is neither kept by caches nor told to the log.
	if p := look("en", "scam.example"); p.Cache != "no-store" {
		t.Errorf("an answer may be kept: %q", p.Cache)
	}
	if w.words.Len() > 0 {
		t.Errorf("the log says %s", w.words.String())
	}
}

// What one person decides and nobody publishes is told to nobody: neither a charge that is invented, nor that something
// was taken off, nor other words for what is listed or was.
func TestTheRegisterSaysNothingThatIsNotPublished(t *testing.T) {
	w := newWorld(t)
	look := func(about string) Page { return w.LookUp(t.Context(), "en", form("about", about)) }
	receipt := func(about string) Page {
		return w.TakeAppeal(t.Context(), "en", form("id", newTurn(noTickets).ID, "about", about, "note", "It is mine."), noTickets, nil, time.Now().Unix())
	}
	figures := func(listed, removed, thisWeek, offThisWeek int) {
		t.Helper()
		f, err := w.countAnew(t.Context(), time.Now().Unix())
		last := Week{}
		if err == nil {
			last = f.Weeks[len(f.Weeks)-1]
		}
		if err != nil || f.Listed != listed || f.Removed != removed || thisWeek >= 0 && last.Listed != thisWeek || last.Removed != offThisWeek {
			t.Errorf("%+v, %v", f, err)
		}
	}
	const charge = "robs its students"
	for _, before := range []bool{false, true} { // any release
		if before {
			w.lists("scam.example/", map[string]string{"en": "never delivers"})
		}
		w.decides(subject.Subject(fmt.Sprintf("university-%t.example/", before)), map[string]string{"en": charge})
		w.sees(look(fmt.Sprintf("university-%t.example", before)), 200, "Nothing is known", "!"+charge)
		w.sees(receipt(fmt.Sprintf("university-%t.example", before)), 422, "Nothing on the list is about this")
		if before { // which has published what the first round has decided
			w.sees(look("university-false.example"), 200, "Listed", charge)
			figures(2, 0, 2, 0)
		} else {
			figures(0, 0, 0, 0)
		}
	}
	w.Ledger.Withdraw(t.Context(), "linh", "university-true.example/", map[string]string{"en": "a slip"})
	w.Ledger.Withdraw(t.Context(), "linh", "university-false.example/", nil)
	w.publishes()
	w.sees(look("university-true.example"), 200, "Nothing is known", "!"+charge, "!a slip", "!Taken off")
	w.sees(look("university-false.example"), 200, "Taken off the list", charge)
	figures(1, 1, 2, 1)

	w.decides("scam.example/", map[string]string{"en": charge})
	w.sees(look("scam.example"), 200, "Listed", "never delivers", "!"+charge)
	if err := w.Ledger.Withdraw(t.Context(), "linh", "scam.example/", map[string]string{"en": "paid to be silent"}); err != nil {
		t.Fatal(err)
	}
	w.sees(look("scam.example"), 200, "Listed", "never delivers", "!Taken off", "!paid")
	w.sees(receipt("scam.example"), 200, "scam.example")
	figures(1, 1, -1, 1) // in which second something was listed tells nothing here
	w.publishes()
	w.sees(look("scam.example"), 200, "Taken off the list", "never delivers", "paid to be silent", "!"+charge)
	figures(0, 2, -1, 2)

	// Listed and taken off anew, it says what it said.
	w.decides("scam.example/", map[string]string{"en": charge})
	w.sees(look("scam.example"), 200, "Taken off the list", "paid to be silent", "!"+charge)
	if err := w.Ledger.Withdraw(t.Context(), "linh", "scam.example/", map[string]string{"en": charge}); err != nil {
		t.Fatal(err)
	}
	w.sees(look("scam.example"), 200, "Taken off the list", "paid to be silent", "!"+charge)
	// On the list again, it is listed.
	w.lists("scam.example/", map[string]string{"en": "is back"})
	w.sees(look("scam.example"), 200, "Listed", "is back", "!paid")
}

func TestTheRegisterSaysWhatThePlatformDid(t *testing.T) {
	w := newWorld(t)
	const shop = subject.Subject("facebook:user/inventedshop")
	w.lists(shop, nil)
	now := time.Now().Unix()
	if _, err := w.Takedowns.Follow(t.Context(), w.Ledger, now); err != nil {
		t.Fatal(err)
	}
	look := func() Page {
		return w.LookUp(t.Context(), "en", form("about", "https://www.facebook.com/invented.shop"))
	}
	w.sees(look(), 200, "!At the platform")
	c, err := w.Takedowns.Of(t.Context(), shop)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		to   takedown.State
		want string
	}{{takedown.Sent, "Facebook was asked on"}, {takedown.Refused, "Facebook was asked to take it down and has refused."}, {takedown.ActionTaken, "Facebook took it down on"}} {
		if _, err := w.Takedowns.Move(t.Context(), c.ID, takedown.Move{Actor: "mai", To: step.to}, now); err != nil {
			t.Fatal(err)
		}
		w.sees(look(), 200, step.want)
	}
}

func noTickets([]byte) (string, int) { return "", 0 }

var number = regexp.MustCompile(`[0-9a-f]{4}(?: [0-9a-f]{4}){7}`)

// What strangers write stands in a page as text, whatever it is.
func TestNothingThatStrangersWriteRuns(t *testing.T) {
	dbtest.Long(t)
	attacks := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onfocus=alert(1) autofocus x='`, `</textarea><script>alert(1)</script>`,
		`</title><svg onload=alert(1)>`, `{{.}}`, `javascript:alert(1)`, `&lt;script&gt;`, "\u202e<b>", `--><script>`, `]]><script>`, "</desc></svg><script>alert(1)</script>",
	}
	plain := map[string]int{}
	w := newWorld(t)
	w.lists("scam.example/", nil)
	w.lists("taken.example/", nil)
	// What each page has when nobody attacks it.
	for name, p := range attacked(w, "x") {
		plain[name] = len(elements(t, p))
	}
	for _, attack := range attacks {
		w := newWorld(t)
		w.lists("scam.example/", map[string]string{"en": attack, "vi": attack})
		w.lists("taken.example/", nil)
		w.withdraws("taken.example/", map[string]string{"en": attack})
		for name, p := range attacked(w, attack) {
			for _, e := range elements(t, p) {
				if e.Data == "script" || e.Data == "b" || e.Data == "img" && attr(e, "src") != "/icon.svg" || attr(e, "style") != "" {
					t.Errorf("%s with %q has <%s>", name, attack, e.Data)
				}
				for _, a := range e.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "autofocus" || a.Key == "href" && !strings.HasPrefix(a.Val, "/") && a.Val != "#main" {
						t.Errorf("%s with %q has %s=%q", name, attack, a.Key, a.Val)
					}
				}
			}
		}
	}
	if plain["figures"] == 0 {
		t.Error("no page was looked at")
	}
}

// attacked are pages in which an attack could stand.
func attacked(w *world, attack string) map[string]Page {
	ctx := w.t.Context()
	made := map[string]Page{
		"a question":       w.LookUp(ctx, "en", form("about", attack)),
		"an entry":         w.LookUp(ctx, "en", form("about", "https://scam.example/?q="+attack)),
		"a withdrawn one":  w.LookUp(ctx, "en", form("about", "taken.example")),
		"a bad objection":  w.TakeAppeal(ctx, "en", form("id", attack, "about", attack, "note", attack), noTickets, nil, 1),
		"an objection":     w.TakeAppeal(ctx, "vi", form("id", newTurn(noTickets).ID, "about", "scam.example", "note", attack), noTickets, nil, 1),
		"a number":         w.Receipt(ctx, "en", form("number", attack)),
		"figures":          w.Statistics(ctx, "en"),
		"a strange tongue": w.Rules(attack),
	}
	r, _, err := w.Inbox.Accept(ctx, wire.Report{ID: make([]byte, 16), Kind: wire.KindMistake, Subjects: []string{"scam.example/"}, Note: attack}, nil, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Inbox.DecideAll(ctx, [][]byte{make([]byte, 16)}, inbox.Transition{State: wire.StateRejected, Reason: attack}); err != nil {
		w.t.Fatal(err)
	}
	made["an answer"] = w.Receipt(ctx, "en", form("number", r.Receipt))
	return made
}

func elements(t testing.TB, p Page) []*html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(string(p.Body)))
	if err != nil {
		t.Fatal(err)
	}
	var list []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			list = append(list, n)
		}
	}
	return list
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// Two sources say something, one of them for nobody else: the page of figures has what the other one has found.
func TestFiguresOfSources(t *testing.T) {
	w := newWorld(t)
	w.publishes()
	w.sees(w.Statistics(t.Context(), "en"), 200, "!What other lists know")
	w = newWorld(t)
	folder := t.TempDir()
	for name, list := range map[string]string{"open": "scam.example\nbad.example\n", "whispered": "other.example\n"} {
		source := exchange.Source{Name: name, Title: "List " + name, Address: filepath.Join(folder, name), Preset: feed.Preset{Name: name, Format: "lines"}, Trust: exchange.List}
		if name == "whispered" {
			source.TLP = feed.Amber
		}
		if err := os.WriteFile(source.Address, []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.Exchange.Add(t.Context(), "mai", source); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Exchange.Run(t.Context(), "mai", name, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.publishes()
	w.sees(w.Statistics(t.Context(), "en"), 200, "What other lists know", "List open 2 2 0 –", "!whispered")
	w.sees(w.LookUp(t.Context(), "en", form("about", "scam.example")), 200, "Source List open")
	w.sees(w.Statistics(t.Context(), "vi"), 200, "Các danh sách khác biết gì")
}

func TestFigures(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.lists(subject.Subject(fmt.Sprintf("tiktok:user/invented.%d", i)), nil)
	}
	w.lists("scam.example/", nil)
	w.lists("scam.example/page", nil)
	w.lists("phone:+84900000001", nil)
	w.withdraws("scam.example/page", nil)
	r := wire.Report{ID: make([]byte, 16), Kind: wire.KindScam, Subjects: []string{"new.example/"}}
	if _, _, err := w.Inbox.Accept(t.Context(), r, nil, time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Desk.Gather(t.Context(), w.Inbox); err != nil {
		t.Fatal(err)
	}
	f, err := w.count(t.Context(), time.Now().Unix())
	if err != nil {
		t.Fatal(err)
	}
	last := f.Weeks[len(f.Weeks)-1]
	if f.Listed != 5 || f.Removed != 1 || f.Reports != 1 || last.Reports != 1 || last.Listed != 6 || last.Removed != 1 {
		t.Errorf("%+v", f)
	}
	for _, one := range f.Weeks {
		if began := time.Unix(one.Start, 0).In(time.FixedZone("Vietnam", 7*60*60)).Format("Mon 15:04"); began != "Mon 00:00" {
			t.Errorf("a week begins on %s", began)
		}
	}
	want := []Count{{"tiktok", 0, 3, 0}, {"website", 1, 1, 0}, {"phone", 0, 1, 0}, {"webpage", 0, 0, 1}}
	if fmt.Sprint(f.Places) != fmt.Sprint(want) || fmt.Sprint(f.Kinds) != "[{shop 0 5 1} {other 1 0 0}]" {
		t.Errorf("%v, %v", f.Places, f.Kinds)
	}
	page := w.Statistics(t.Context(), "vi")
	w.sees(page, 200, "TikTok", "Số điện thoại", "Cửa hàng giả", "Trong 12 tuần: 1 báo cáo, 6 mục được liệt kê, 1 mục được rút.")
	charts := 0
	for _, e := range elements(t, page) {
		if e.Data != "svg" {
			continue
		}
		charts++
		if attr(e, "role") != "img" || attr(e, "aria-labelledby") == "" || e.FirstChild == nil {
			t.Errorf("a chart says nothing to who can't see it: %+v", e.Attr)
		}
	}
	if charts != 3 || page.Cache != "public, max-age=300" {
		t.Errorf("%d charts, %q", charts, page.Cache)
	}
	// They are counted again after ten minutes, and no sooner; whoever looks meanwhile sees those that there are.
	w.lists("more.example/", nil)
	for _, when := range []int64{f.Counted + figuresLife - 1, f.Counted + figuresLife} {
		if again, _ := w.count(t.Context(), when); again.Listed != 5 {
			t.Error("counted again at once")
		}
	}
	w.figures.counting.Do("", func() (any, error) { return Figures{}, nil }) // those under way are counted when this is
	if again, _ := w.count(t.Context(), f.Counted+figuresLife); again.Listed != 6 {
		t.Error("never counted again")
	}
}

// The list is counted when a server starts, and not by the first who looks: nobody reads it then.
func TestTheListIsCountedBeforeAnybodyLooks(t *testing.T) {
	w := newWorld(t)
	w.lists("scam.example/", nil)
	if err := w.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := w.figures.list.Load()
	w.sees(w.Statistics(t.Context(), "en"), 200)
	if begun == nil || begun.listed != 1 || w.figures.list.Load() != begun {
		t.Errorf("%+v, then %+v", begun, w.figures.list.Load())
	}
}

// Bars stay within their drawing, whatever the numbers.
func TestCharts(t *testing.T) {
	for _, most := range []int{0, 1, 7, 1_000_000_000} {
		weeks := make([]Week, weeksShown)
		for i := range weeks {
			weeks[i] = Week{Start: int64(i) * week, Reports: most * i / weeksShown, Listed: most, Removed: 1}
		}
		many := make([]Count, 40)
		for i := range many {
			many[i] = Count{strings.Repeat("x", 40), most, most / 2, 1}
		}
		for _, c := range []chart{weekly("en", weeks), weekly("en", nil), rows("en", "kinds", "chart.kinds", "chart.kind", many, func(s string) string { return s }), rows("en", "kinds", "chart.kinds", "chart.kind", nil, nil)} {
			for _, b := range c.Bars {
				if b.X < 0 || b.Y < 0 || b.W < 0 || b.H < 0 || b.X+b.W > c.Width || b.Y+b.H > c.Height {
					t.Errorf("%s with %d: a bar leaves the drawing: %+v", c.ID, most, b)
				}
			}
			if strings.Contains(c.Says, "%!") || strings.Contains(c.Title, "⟦") {
				t.Errorf("%q, %q", c.Title, c.Says)
			}
		}
	}
	f := func(n, want int) {
		t.Helper()
		if got := round(n); got != want {
			t.Errorf("round(%d) = %d, want %d", n, got, want)
		}
	}
	f(1, 2)
	f(3, 4)
	f(5, 10)
	f(11, 20)
	f(34_467, 40_000)
}

// Every message is used, and no page has one that is missing.
func TestEveryMessageIsUsed(t *testing.T) {
	var source strings.Builder
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, ".html") || strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")) {
			text, err := os.ReadFile(path)
			source.Write(text)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	transport, err := os.ReadFile("../httpd/public.go")
	if err != nil {
		t.Fatal(err)
	}
	source.Write(transport)
	for _, lang := range said.Languages {
		source.WriteString(texts.File(lang, "rules.html"))
	}
	forms := regexp.MustCompile(`\[(1|one|few|many)\]$`)
	for key := range said.Keys("en") {
		key = forms.ReplaceAllString(key, "")
		if !strings.Contains(source.String(), `"`+key+`"`) && !strings.HasPrefix(key, "place.") &&
			!strings.HasPrefix(key, "left.") && !strings.HasPrefix(key, "exports.for.") && !slices.Contains(triage.Rules, triage.Rule(strings.TrimPrefix(key, "reach."))) {
			t.Errorf("%s is not used", key)
		}
	}
	w := newWorld(t)
	w.lists("scam.example/", nil)
	for _, lang := range said.Languages {
		for _, p := range []Page{w.Statistics(t.Context(), lang), w.Rules(lang), w.Register(lang), w.Appeal(lang, noTickets), busy(w, lang, "appeal"), busy(w, lang, "register"), w.Problem(403, lang, "appeal", "problem.form"),
			w.LookUp(t.Context(), lang, form("about", "scam.example"))} {
			w.sees(p, p.Status, "!⟦", "!%!")
		}
	}
}

// Whatever is sent as an objection: it is refused by a page, or kept exactly as it was written, under its own id and
// for something that is listed; sent again it is the same one; and none of it is more than text on the page.
func FuzzAppeal(f *testing.F) {
	w := newWorld(f)
	w.lists("scam.example/", nil)
	id := newTurn(noTickets).ID
	f.Add(id, "scam.example", "It is the real shop.", "en")
	f.Add(id, "https://scam.example/?q=<script>", "<script>alert(1)</script>\r\n\u202e", "vi")
	f.Add("", "", "", "")
	f.Add(id+"00", "phone:+84900000001", strings.Repeat("ý", maxNote), "pl")
	f.Add(id, "scam.example\x00", "\xff", "en-\"><img>")
	const now = 1_700_000_000
	f.Fuzz(func(t *testing.T, id, about, note, lang string) {
		sent := form("id", id, "about", about, "note", note)
		p := w.TakeAppeal(t.Context(), lang, sent, noTickets, make([]byte, 16), now)
		for _, e := range elements(t, p) {
			if e.Data == "script" || e.Data == "iframe" || e.Data == "img" && attr(e, "src") != "/icon.svg" || attr(e, "style") != "" {
				t.Fatalf("the page has <%s>", e.Data)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "autofocus" || a.Key == "href" && !strings.HasPrefix(a.Val, "/") && a.Val != "#main" {
					t.Fatalf("the page has %s=%q", a.Key, a.Val)
				}
			}
		}
		if p.Status != 200 {
			if p.Status != 422 && p.Status != 409 {
				t.Fatalf("%d", p.Status)
			}
			return
		}
		r, err := w.Inbox.Get(t.Context(), strings.ToLower(id))
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind != wire.KindMistake || r.Note != strings.TrimSpace(strings.ReplaceAll(note, "\r\n", "\n")) || !slices.Contains(r.Subjects, "scam.example/") {
			t.Fatalf("%q about %q is kept as %q about %q", note, about, r.Note, r.Subjects)
		}
		if again := w.TakeAppeal(t.Context(), lang, sent, noTickets, make([]byte, 16), now); again.Status != 200 || string(again.Body) != string(p.Body) {
			t.Fatalf("sent again it is %d", again.Status)
		}
	})
}

// busy is what a form gets while too many come.
func busy(w *world, lang, part string) Page {
	p, _ := w.Busy(lang, part, form("about", "shop.example", "note", "It is mine."), func([]byte) (string, int) { return "ticket", 20 })
	return p
}

// A form that came while too many did comes back with what was written, and says when to send it again.
func TestAFormThatHasToWait(t *testing.T) {
	w := newWorld(t)
	for _, part := range []string{"appeal", "register"} {
		p, wait := w.Busy("en", part, form("id", strings.Repeat("0a", 16), "about", "<b>shop.example", "note", "It is mine."), func(id []byte) (string, int) {
			return fmt.Sprintf("ticket-for-%x", id), 20
		})
		w.sees(p, 429, "please wait 20 seconds")
		for _, want := range []string{`value="&lt;b&gt;shop.example"`, `name="ticket" value="ticket-for-` + strings.Repeat("0a", 16) + `"`} {
			if !strings.Contains(string(p.Body), want) {
				t.Errorf("%s does not say %s", part, want)
			}
		}
		if wait != 20 || p.Cache != "no-store" || part == "appeal" && !strings.Contains(string(p.Body), ">It is mine.</textarea>") {
			t.Errorf("%s: %d, %s\n%s", part, wait, p.Cache, p.Body)
		}
		if p, _ := w.Busy("vi", part, form("id", "x", "about", strings.Repeat("a", maxText+1)), noTickets); p.Status != 429 || len(p.Body) > 10_000 {
			t.Errorf("%s: too long: %d", part, p.Status)
		}
	}
}

// Somebody reads on the page of rules what takes two people: it says what the program does, of each of its rules and of
// things that are ruled by them.
func TestTheRulesPageSaysWhatTakesTwo(t *testing.T) {
	w := newWorld(t)
	impact := triage.Impact{Verified: (&publish.Publisher{}).Verified}
	words := map[string]map[subject.Subject]string{
		"en": {"vietcombank.com.vn/x": "a host that many people know", "shop.github.io/": "rents out", "facebook:user/ilovevcb": "official", "phone:+841900545413": "hotline", "email:support@vietcombank.com.vn": "mail address of a bank"},
		"vi": {"vietcombank.com.vn/x": "nhiều người biết", "shop.github.io/": "cho thuê", "facebook:user/ilovevcb": "chính thức", "phone:+841900545413": "đường dây nóng", "email:support@vietcombank.com.vn": "email của ngân hàng"},
	}
	for lang, of := range words {
		page := strings.ReplaceAll(strings.ReplaceAll(string(w.Rules(lang).Body), "<bdi>", ""), "</bdi>", "")
		if strings.Contains(page, "⟦") || !strings.Contains(page, strconv.Itoa(triage.MaxAtOnce)) {
			t.Errorf("%s: a rule is not in words, or without its number", lang)
		}
		for s, word := range of {
			why := impact.Of(s, 1)
			if why == (triage.Reach{}) || !strings.Contains(say(lang, "reach."+string(why.Rule)), word) || !strings.Contains(page, say(lang, "reach."+string(why.Rule))) {
				t.Errorf("%s: %s takes two for %q, and the page does not say %q", lang, s, why.Rule, word)
			}
		}
		for _, rule := range triage.Rules {
			if !strings.Contains(page, strings.Split(said.Text(lang, "reach."+string(rule)), "%s")[0]) {
				t.Errorf("%s: the page says nothing of %q", lang, rule)
			}
		}
	}
}
