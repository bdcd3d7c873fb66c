package publish

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/campaign"
	"khien/server/ledger"
	"khien/server/office/officetest"

	"khien/shared/category"
	"khien/shared/official"
	"khien/shared/subject"
	"khien/shared/supplement"
	"khien/shared/texts"
)

// What Khiên comes with is complete in every language, and says where each number is from.
func TestTheHelpThatKhienComesWith(t *testing.T) {
	help, err := Help("")
	if err != nil {
		t.Fatal(err)
	}
	everywhere := func(what string, said []supplement.Text) {
		t.Helper()
		for _, lang := range texts.All() {
			if supplement.In(said, lang) == "" || len(said) != len(texts.All()) {
				t.Errorf("%s is not in every language: %v", what, said)
			}
		}
	}
	seen := map[string]bool{}
	for _, h := range help {
		if seen[h.Country] {
			t.Errorf("%q stands there twice", h.Country)
		}
		seen[h.Country] = true
		for _, s := range h.Steps {
			everywhere("a step for "+h.Country, s.Text)
		}
		for _, l := range h.Hotlines {
			everywhere(l.Value, l.Name)
			everywhere(l.Value, l.What)
			if !strings.HasPrefix(l.Source, "https://") || h.Checked == "" {
				t.Errorf("%s: %s comes from nowhere", h.Country, l.Value)
			}
		}
		if h.Country != "" && len(h.Hotlines) == 0 {
			t.Errorf("%s has no hotline", h.Country)
		}
	}
	for _, country := range []string{"", "VN", "PL", "US", "GB", "SG", "AU", "TH", "TW"} {
		if !seen[country] {
			t.Errorf("there is nothing for %q", country)
		}
	}
	for _, c := range supplement.Harms {
		n := 0
		for _, s := range help[0].Steps {
			if s.Harm == c {
				n++
			}
		}
		if help[0].Country != "" || n < 3 {
			t.Errorf("%d steps in the case %s", n, c)
		}
	}
	body, err := supplement.Encode(OwnBook(), supplement.Body{Help: help})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the supplement without cards has %d bytes", len(body))
}

func TestTheBookThatKhienComesWith(t *testing.T) {
	book, err := official.Read(strings.NewReader(OwnBook()))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for account := range book.Accounts() {
		n++
		if s, err := subject.Parse(account); err != nil || !s.IsProfile() {
			t.Errorf("%s is no account from which anybody speaks", account)
		}
	}
	if n < 5 || book.Len() < 80 {
		t.Errorf("%d accounts of %d", n, book.Len())
	}
}

// publishedBody is what the newest release tells beside the list and the names.
func (p *Publisher) publishedBody(t testing.TB, now int64) supplement.Body {
	t.Helper()
	return p.client(t, now).Supplement().Body()
}

// What was listed last is hot; once the list is full it stays for a day, but no host longer than it is listed.
func TestHotHosts(t *testing.T) {
	p := newPublisher(t)
	ctx, now := context.Background(), time.Now().Unix()
	list := func(since int64, subjects ...subject.Subject) {
		t.Helper()
		for _, s := range subjects {
			if err := p.Ledger.List(ctx, "test", ledger.Indicator{Subject: s, Category: category.Shop, FirstSeen: since}); err != nil {
				t.Fatal(err)
			}
		}
	}
	list(now-9, "older.example/", "b.example/page", "facebook:user/aninventedname", "[2001:db8::1]/")
	list(now-5, "newer.example/")
	p.mustPublish(t, now)
	if got := p.publishedBody(t, now).Hot; !slices.Equal(got, []string{"newer.example", "older.example"}) {
		t.Errorf("hot are %v", got)
	}
	for i := range supplement.MaxHot {
		list(now+int64(i), subject.Subject(fmt.Sprintf("scam%d.example/", i)))
	}
	p.mustPublish(t, now)
	full := p.publishedBody(t, now)
	if len(full.Hot) != supplement.MaxHot || full.Hot[0] != fmt.Sprintf("scam%d.example", supplement.MaxHot-1) || slices.Contains(full.Hot, "older.example") {
		t.Fatalf("%d are hot, %s the first of them", len(full.Hot), full.Hot[0])
	}
	list(now+9999, "just-now.example/")
	p.mustPublish(t, now+60)
	if got := p.publishedBody(t, now+60); !slices.Equal(got.Hot, full.Hot) || got.HotAt != full.HotAt {
		t.Error("a full list changes within a day")
	}
	if err := p.Ledger.Withdraw(ctx, "test", "scam7.example/", map[string]string{"en": "a mistake"}); err != nil {
		t.Fatal(err)
	}
	p.mustPublish(t, now+120)
	got := p.publishedBody(t, now+120).Hot
	if slices.Contains(got, "scam7.example") || got[0] != "just-now.example" {
		t.Errorf("after a withdrawal the first is %s", got[0])
	}
	list(now+99999, "tomorrow.example/")
	p.mustPublish(t, now+120+int64(hotLife.Seconds()))
	if got := p.publishedBody(t, now).Hot; got[0] != "tomorrow.example" {
		t.Errorf("after a day the first is %s", got[0])
	}
}

func TestCardsAndBooksGoOutWithARelease(t *testing.T) {
	p := newPublisher(t)
	ctx, now := context.Background(), time.Now().Unix()
	cards := campaign.Open(officetest.Open(t, campaign.Tables))
	p.Cards, p.Official = cards, t.TempDir()
	p.mustPublish(t, now)
	if r := p.mustPublish(t, now); r.Published {
		t.Error("nothing has changed, and a release was made")
	}
	card := supplement.Card{ID: "a", Title: []supplement.Text{{Lang: "en", Text: "A"}}, Text: []supplement.Text{{Lang: "en", Text: "A."}}, To: now + 1000}
	if err := cards.Put(ctx, "mai", card, campaign.Published); err != nil {
		t.Fatal(err)
	}
	if r := p.mustPublish(t, now); !r.Published || len(p.publishedBody(t, now).Cards) != 1 {
		t.Error("the card did not go out")
	}
	if r := p.mustPublish(t, now+1000); !r.Published || len(p.publishedBody(t, now+1000).Cards) != 0 {
		t.Error("the card did not end")
	}

	// The operator is right about who is who.
	ours := "vietcombank.com.vn | The Real One | facebook:user/therealone # for people\n"
	if err := os.WriteFile(filepath.Join(p.Official, "ours.txt"), []byte(ours), 0o644); err != nil {
		t.Fatal(err)
	}
	p.mustPublish(t, now+2000)
	book := p.client(t, now+2000).Supplement().Book()
	if name, _ := book.Owner("vietcombank.com.vn"); name != "The Real One" {
		t.Errorf("it is of %q", name)
	}
	if !p.Verified()("facebook:user/therealone") || !p.Verified()("facebook:user/ilovevcb") || !p.Verified()("facebook:user/mpsgov") || p.Verified()("facebook:user/another") {
		t.Error("whose accounts are official is not as the books say")
	}
	if err := os.WriteFile(filepath.Join(p.Official, "ours.txt"), []byte("| nobody"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := p.Publish(ctx, now+3000); err != nil || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Error(), "ours.txt:1: ") {
		t.Errorf("a book that cannot be read: %v, %v", r.Refused, err)
	}
	if !p.Verified()("facebook:user/another") {
		t.Error("with a book that cannot be read, one person may list anybody's account")
	}
}
