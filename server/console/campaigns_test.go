package console

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"khien/server/audit"
	"khien/server/campaign"
	"khien/server/db"
	"khien/server/staff"
	"khien/shared/supplement"
)

// upload sends a form with a file.
func (o *office) upload(path, session string, fields url.Values, file []byte) (status int, body string) {
	o.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, values := range fields {
		for _, value := range values {
			m.WriteField(name, value)
		}
	}
	if file != nil {
		part, err := m.CreateFormFile("picture", "picture.png")
		if err != nil {
			o.t.Fatal(err)
		}
		part.Write(file)
	}
	m.Close()
	r := httptest.NewRequest("POST", origin+path, &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Cookie", session)
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return w.Code, string(text)
}

func aPicture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 1200, 500))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnAdviceCard(t *testing.T) {
	o := newOffice(t)
	lan, chi := o.person("lan", staff.Liaison), o.person("chi", staff.Auditor)
	fields := url.Values{
		"name": {"fake-police"}, "title_en": {"The police do not call about money"}, "text_en": {"Hang up."},
		"title_vi": {"Công an không gọi điện đòi tiền"}, "text_vi": {"Hãy cúp máy."}, "alt_en": {"a telephone"}, "link": {"https://help.example/"},
		"category": {"impersonation", "phishing"}, "platform": {"zalo"}, "from": {"2026-11-24"}, "to": {"2026-12-24"},
	}
	if status, body := o.upload("/campaigns", lan, fields, aPicture(t)); status != http.StatusSeeOther {
		t.Fatalf("%d: %s", status, body)
	}
	c, err := o.Publisher.Cards.Get(t.Context(), "fake-police")
	if err != nil || c.State != campaign.Draft || len(c.Picture) == 0 || c.To-c.From != 31*24*3600 || len(c.Categories) != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	_, body, _ := o.ask("GET", "/campaigns", lan, nil)
	o.sees(body, "The police do not call about money", "Draft")
	_, body, _ = o.ask("GET", "/campaigns/fake-police", lan, nil)
	o.sees(body, `src="/campaigns/fake-police/picture" alt="a telephone"`, "Công an không gọi điện đòi tiền", `value="2026-12-24"`, "Publish with the next release")
	status, _, h := o.ask("GET", "/campaigns/fake-police/picture", lan, nil)
	if status != 200 || h.Get("Content-Type") != "image/jpeg" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the picture is %d, %v", status, h)
	}

	// It goes to every device, so a passkey confirms exactly this card; without one it stays a draft.
	status, body, _ = o.ask("POST", "/campaigns/fake-police/publish", lan, nil)
	o.sees(body, "You are about to do exactly this", "vi: Công an không gọi điện đòi tiền – Hãy cúp máy.", "with a picture of ", "What the picture shows: en: a telephone", "Link: https://help.example/",
		"Kinds of scams: Steals passwords, Pretends to be someone else", "On these networks: Zalo", "First day: 2026-11-24", "Last day: 2026-12-24")
	if c, _ := o.Publisher.Cards.Get(t.Context(), "fake-police"); status != 200 || c.State != campaign.Draft {
		t.Errorf("%d, and it is %s", status, c.State)
	}
	status, _, _ = o.ask("POST", "/campaigns/fake-police/publish", lan, url.Values{"assertion": {"{}"}, "digest": {strings.Repeat("0", 64)}})
	if c, _ := o.Publisher.Cards.Get(t.Context(), "fake-police"); status != 200 || c.State != campaign.Draft {
		t.Errorf("with a false assertion %d, and it is %s", status, c.State)
	}

	// Once it is published, it can be taken out, and a change makes it a draft. The picture stays until it is taken away.
	if err := o.Publisher.Cards.Put(t.Context(), "lan", c.Card, campaign.Published); err != nil {
		t.Fatal(err)
	}
	_, body, _ = o.ask("GET", "/campaigns/fake-police", chi, nil)
	o.sees(body, "Published", "!<form method=\"post\" action=\"/campaigns")
	if status, _, _ := o.ask("POST", "/campaigns/fake-police/withdraw", lan, nil); status != http.StatusSeeOther {
		t.Errorf("taking it out is %d", status)
	}
	fields.Set("title_en", "Nobody pays the police by phone")
	o.upload("/campaigns", lan, fields, nil)
	if c, _ := o.Publisher.Cards.Get(t.Context(), "fake-police"); c.State != campaign.Draft || len(c.Picture) == 0 || says(c.Title, "en") != "Nobody pays the police by phone" {
		t.Errorf("%+v", c)
	}
	fields.Set("nopicture", "1")
	o.upload("/campaigns", lan, fields, nil)
	if c, _ := o.Publisher.Cards.Get(t.Context(), "fake-police"); len(c.Picture) != 0 {
		t.Error("the picture is still there")
	}
	if status, _, _ := o.ask("GET", "/campaigns/fake-police/picture", lan, nil); status != 404 {
		t.Errorf("no picture is %d", status)
	}
	var acts []string
	for a, err := range o.Desk.Acts(t.Context(), audit.Filter{Object: "card fake-police"}) {
		if err != nil {
			t.Fatal(err)
		}
		acts = append(acts, a.Actor+" "+string(a.Verb))
	}
	if got := strings.Join(acts, ", "); got != "lan draft-card, lan withdraw-card, lan draft-card, lan draft-card" {
		t.Errorf("the log says %s", got)
	}
}

// A release may have nothing new but a card.
func TestAReleaseOfCards(t *testing.T) {
	o := newOffice(t)
	mai := o.person("mai", staff.Maintainer)
	release := func() {
		t.Helper()
		if _, err := o.Desk.Release(t.Context(), o.Publisher, o.Inbox, "mai", audit.Why{}, time.Now().Unix()); err != nil {
			t.Fatal(err)
		}
	}
	says := func(words ...string) {
		t.Helper()
		_, body, _ := o.ask("GET", "/publish", mai, nil)
		o.sees(body, words...)
	}
	put := func(title string) {
		t.Helper()
		c := supplement.Card{ID: "a-card", Title: []supplement.Text{{Lang: "en", Text: title}}, Text: []supplement.Text{{Lang: "en", Text: "Text."}}}
		if err := o.Publisher.Cards.Put(t.Context(), "mai", c, campaign.Published); err != nil {
			t.Fatal(err)
		}
	}
	put("A card")
	says("1 advice card", "A card", "new")
	release()
	says("There is nothing to publish")
	put("Another title")
	says("Another title", "changed")
	release()
	if err := o.Publisher.Cards.Withdraw(t.Context(), "mai", "a-card"); err != nil {
		t.Fatal(err)
	}
	says("Another title", "leaves")
	release()
	says("There is nothing to publish")
}

func TestCardsThatNobodyCouldRead(t *testing.T) {
	o := newOffice(t)
	lan := o.person("lan", staff.Liaison)
	f := func(want string, file []byte, change ...string) {
		t.Helper()
		fields := url.Values{"name": {"a-card"}, "title_en": {"Title"}, "text_en": {"Text."}}
		for i := 0; i < len(change); i += 2 {
			fields.Set(change[i], change[i+1])
		}
		status, body := o.upload("/campaigns", lan, fields, file)
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, want) {
			t.Errorf("%v: %d, want %q in %s", change, status, want, body)
		}
	}
	f("lower-case letters", nil, "name", "A card!")
	f("lower-case letters", nil, "name", "../x")
	f("needs a text", nil, "text_en", "")
	f("needs a text", nil, "title_vi", "Tiêu đề")
	f("no day", nil, "from", "tomorrow")
	f("before the first", nil, "from", "2026-12-24", "to", "2026-11-24")
	f("not https", nil, "link", "javascript:alert(1)")
	f("not https", nil, "link", "http://help.example/")
	f("no such category", nil, "category", "nonsense")
	f("no such platform", nil, "platform", "nonsense")
	f("neither PNG nor JPEG nor WebP", []byte("<svg onload=alert(1)>"))
	f("damaged", aPicture(t)[:60])
	if status, _ := o.upload("/campaigns", lan, url.Values{"name": {"a-card"}, "title_en": {"Title"}, "text_en": {"Text."}}, make([]byte, 2<<20)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("two megabytes are %d", status)
	}
	if cards, err := o.Publisher.Cards.List(t.Context(), db.Place{}, 1); err != nil || len(cards.Rows) != 0 {
		t.Errorf("%+v, %v", cards, err)
	}
	const attack = `</textarea><script>alert(1)</script>`
	o.upload("/campaigns", lan, url.Values{"name": {"attack"}, "title_en": {attack}, "text_en": {attack}, "alt_en": {attack}}, aPicture(t))
	for _, path := range []string{"/campaigns", "/campaigns/attack"} {
		if _, body, _ := o.ask("GET", path, lan, nil); strings.Contains(body, "<script>alert") {
			t.Errorf("%s runs a card", path)
		}
	}
}
