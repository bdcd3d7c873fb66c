package supplement

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"khien/shared/official"
)

const book = "bank.example | A Bank | facebook:user/abank | VN\n"

func en(text string) []Text { return []Text{{"en", text}} }

func sample() Body {
	return Body{
		Help: []Help{{
			Country: "VN", Checked: "2026-11-24",
			Steps:    []Instruction{{Paid, en("Call your bank.")}},
			Hotlines: []Hotline{{Kind: Phone, Value: "113", Name: en("Police"), What: en("A crime"), Harms: []string{Paid}, Source: "https://police.example/"}},
		}},
		Cards: []Card{{
			ID: "codes", Title: []Text{{"en", "Codes"}, {"vi", "Mã"}}, Text: []Text{{"en", "Keep them."}, {"vi", "Giữ kín."}}, Picture: []byte("\xff\xd8\xff…"), Alt: en("A key"),
			Link: "https://advice.example/a?b#c", Categories: []string{"otp"}, Platforms: []string{"telegram"}, From: 1763900000, To: 1764900000,
		}},
		Hot: []string{"scam.example", "xn--bcher-kva.example"}, HotAt: 1763900000,
	}
}

func TestASupplementIsReadAsItWasWritten(t *testing.T) {
	want := sample()
	body, err := Encode(book, want)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Open(body)
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Body(); !reflect.DeepEqual(got, want) {
		t.Errorf("told %+v, want %+v", got, want)
	}
	if name, ok := g.Book().AccountOwner([]string{"facebook:user/abank"}); !ok || name != "A Bank" {
		t.Errorf("the account is of %q", name)
	}
	if again, _ := Encode(book, want); !bytes.Equal(again, body) {
		t.Error("the same supplement has other bytes")
	}
	if empty, err := Encode("", Body{}); err != nil || len(empty) > 40 {
		t.Errorf("an empty one has %d bytes: %v", len(empty), err)
	}
}

// What the publisher would send by mistake is refused before it is signed.
func TestWhatIsNotPublished(t *testing.T) {
	f := func(what string, change func(t *Body)) {
		t.Helper()
		bad := sample()
		change(&bad)
		if _, err := Encode(book, bad); !errors.Is(err, ErrBound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	card := func(what string, change func(c *Card)) {
		t.Helper()
		f(what, func(t *Body) { change(&t.Cards[0]) })
	}
	card("a link that is not encrypted", func(c *Card) { c.Link = "http://advice.example/" })
	card("a link that runs", func(c *Card) { c.Link = "javascript:alert(1)" })
	card("a link with a name and password", func(c *Card) { c.Link = "https://bank.example@scam.example/" })
	card("a link with a blank", func(c *Card) { c.Link = "https://advice.example/ a" })
	card("a link without a host", func(c *Card) { c.Link = "https:///" })
	card("a picture that is a page", func(c *Card) { c.Picture = []byte("<svg onload=alert(1)>") })
	card("a picture that is too large", func(c *Card) { c.Picture = append([]byte("\xff\xd8\xff"), make([]byte, MaxPicture)...) })
	card("no title", func(c *Card) { c.Title, c.Text = nil, nil })
	card("a title without a text", func(c *Card) { c.Text = c.Text[:1] })
	card("a text in another language", func(c *Card) { c.Text[1].Lang = "pl" })
	card("a long title", func(c *Card) { c.Title[0].Text = strings.Repeat("a", MaxTitle+1) })
	card("a long text", func(c *Card) { c.Text[0].Text = strings.Repeat("a", MaxText+1) })
	card("languages out of order", func(c *Card) { slices.Reverse(c.Title); slices.Reverse(c.Text) })
	card("a name that is a path", func(c *Card) { c.ID = "../card" })
	card("an end before its beginning", func(c *Card) { c.To = c.From })
	card("a category in capitals", func(c *Card) { c.Categories = []string{"OTP"} })
	f("too many cards", func(t *Body) { t.Cards = slices.Repeat(t.Cards, MaxCards+1) })
	f("too many hot hosts", func(t *Body) { t.Hot = slices.Repeat(t.Hot, MaxHot) })
	f("an address for a host", func(t *Body) { t.Hot[0] = "scam.example/path" })
	f("a number that is none", func(t *Body) { t.Help[0].Hotlines[0].Value = "113<script>" })
	f("a hotline of a kind that there is not", func(t *Body) { t.Help[0].Hotlines[0].Kind = "fax" })
	f("a page that is not encrypted", func(t *Body) { t.Help[0].Hotlines[0].Kind, t.Help[0].Hotlines[0].Value = Web, "http://police.example/" })
	f("a case that there is not", func(t *Body) { t.Help[0].Steps[0].Harm = "lost" })
	f("a country that there is not", func(t *Body) { t.Help[0].Country = "Vietnam" })
	if _, err := Encode("bank.example | A Bank | facebook:user/A.Bank", sample()); !errors.Is(err, official.ErrFormat) {
		t.Errorf("an account that is not canonical: %v", err)
	}
}

// A client takes nothing that is longer than it may be, whoever signed it.
func TestWhatAClientRefuses(t *testing.T) {
	raw := func(book string, told Body) []byte {
		t.Helper()
		body, err := told.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		return append(append(binary.BigEndian.AppendUint32([]byte(magic), uint32(len(book))), book...), body...)
	}
	f := func(what string, want error, body []byte) {
		t.Helper()
		if _, err := Open(body); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	whole := raw(book, sample())
	f("a sound one", nil, whole)
	f("nothing", ErrFormat, nil)
	f("a web page", ErrFormat, []byte("<html>Sign in to the hotel network</html>"))
	f("another format", ErrFormat, append([]byte("KG\x02\x00"), whole[4:]...))
	f("one cut short", ErrFormat, whole[:len(whole)-1])
	f("one with something behind it", ErrFormat, append(bytes.Clone(whole), 0))
	f("a book that is longer than all", ErrFormat, append(binary.BigEndian.AppendUint32([]byte(magic), 1<<31), whole[8:]...))
	f("a book that is none", official.ErrFormat, raw("| A Bank", sample()))
	long := func(what string, change func(t *Body)) {
		t.Helper()
		bad := sample()
		change(&bad)
		f(what, ErrBound, raw(book, bad))
	}
	long("too many cards", func(t *Body) { t.Cards = slices.Repeat(t.Cards, MaxCards+1) })
	long("a long text", func(t *Body) { t.Cards[0].Text[0].Text = strings.Repeat("a", MaxText+1) })
	long("a large picture", func(t *Body) { t.Cards[0].Picture = make([]byte, MaxPicture+1) })
	long("a long link", func(t *Body) { t.Cards[0].Link = "https://" + strings.Repeat("a", MaxLink) })
	long("too many hotlines", func(t *Body) { t.Help[0].Hotlines = slices.Repeat(t.Help[0].Hotlines, MaxHotlines+1) })
	long("too many hot hosts", func(t *Body) { t.Hot = slices.Repeat(t.Hot, MaxHot) })
	long("a long host", func(t *Body) { t.Hot[0] = strings.Repeat("a", maxHost+1) })
}

func TestATextInTheReadersLanguage(t *testing.T) {
	both := []Text{{"en", "Hello"}, {"vi", "Chào"}}
	for lang, want := range map[string]string{"vi": "Chào", "vi-VN": "Chào", "en-GB": "Hello", "th": "Hello"} {
		if got := In(both, lang); got != want {
			t.Errorf("in %s it reads %q", lang, got)
		}
	}
	if got := In([]Text{{"pl", "Dzień dobry"}}, "th"); got != "Dzień dobry" {
		t.Errorf("without English it reads %q", got)
	}
	if In(nil, "vi") != "" {
		t.Error("nothing reads as something")
	}
}

// Whatever is opened holds to the bounds, and can be read by the codec that the publisher uses.
func FuzzOpen(f *testing.F) {
	whole, err := Encode(book, sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	empty, _ := Encode("", Body{})
	f.Add(empty)
	f.Add([]byte(magic + "\x00\x00\x00\x00\x80"))
	f.Add([]byte(magic + "\x00\x00\x00\x00\x81\xa3hot\xdd\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		g, err := Open(body)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrBound) && !errors.Is(err, official.ErrFormat) {
				t.Fatalf("an error without a name: %v", err)
			}
			return
		}
		told := g.Body()
		if len(told.Cards) > MaxCards || len(told.Help) > MaxHelp || len(told.Hot) > MaxHot {
			t.Fatalf("%d cards, %d countries, %d hosts", len(told.Cards), len(told.Help), len(told.Hot))
		}
		for _, c := range told.Cards {
			if len(c.Picture) > MaxPicture || len(c.Link) > MaxLink || len(c.Title) > maxTexts {
				t.Fatalf("card %q breaks its bounds", c.ID)
			}
		}
		g.Book().Account("A Bank", []string{"facebook:user/b"})
	})
}
