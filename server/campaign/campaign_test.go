package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/office/officetest"
	"khien/shared/supplement"
)

const now = int64(1795500000)

func TestMain(m *testing.M) { dbtest.Main(m) }

func open(t *testing.T) *Store {
	t.Helper()
	return Open(officetest.Open(t, Tables))
}

func card(id string) supplement.Card {
	return supplement.Card{ID: id, Title: []supplement.Text{{Lang: "en", Text: "A title"}}, Text: []supplement.Text{{Lang: "en", Text: "A text."}}}
}

func TestACardFromDraftToItsEnd(t *testing.T) {
	s, ctx := open(t), context.Background()
	active := func(at int64, want ...string) {
		t.Helper()
		cards, err := s.Active(ctx, at)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range cards {
			got = append(got, c.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("in force are %v, want %v", got, want)
		}
	}
	put := func(c supplement.Card, state State) {
		t.Helper()
		if err := s.Put(ctx, "mai", c, state); err != nil {
			t.Fatal(err)
		}
	}
	c := card("b")
	put(c, Draft)
	active(now)
	put(c, Published)
	put(card("a"), Published)
	active(now, "a", "b")
	c.From, c.To = now, now+1000
	c.Picture = []byte("\xff\xd8\xffpicture")
	put(c, Published)
	got, err := s.Get(ctx, "b")
	if err != nil || got.State != Published || got.Actor != "mai" || got.To != c.To || !bytes.Equal(got.Picture, c.Picture) {
		t.Errorf("%+v, %v", got, err)
	}
	active(now-ahead-1, "a") // too early
	active(now-ahead, "a", "b")
	active(now+999, "a", "b")
	active(now+1000, "a")
	if err := s.Withdraw(ctx, "linh", "a"); err != nil {
		t.Fatal(err)
	}
	active(now, "b")
	if err := s.Withdraw(ctx, "linh", "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("withdrawn twice: %v", err)
	}
	if _, err := s.Get(ctx, "c"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a card that there is not: %v", err)
	}
	if all, err := s.All(ctx); err != nil || len(all) != 2 {
		t.Errorf("%d cards, %v", len(all), err)
	}
	met := map[string]int{}
	for at := (db.Place{}); ; {
		page, err := s.List(ctx, at, 1)
		if err != nil || len(page.Rows) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		met[page.Rows[0].ID]++
		if at.Key = page.After; at.Key == "" {
			break
		}
	}
	if len(met) != 2 {
		t.Errorf("page by page there are %v", met)
	}
}

func TestASupplementHoldsSoManyCards(t *testing.T) {
	s, ctx := open(t), context.Background()
	for i := range supplement.MaxCards {
		if err := s.Put(ctx, "mai", card(fmt.Sprint("card-", i)), Published); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put(ctx, "mai", card("one-more"), Published); !errors.Is(err, ErrFull) {
		t.Errorf("one more: %v", err)
	}
	if err := s.Put(ctx, "mai", card("one-more"), Draft); err != nil {
		t.Errorf("one more draft: %v", err)
	}
	if err := s.Put(ctx, "mai", card("card-3"), Published); err != nil {
		t.Errorf("a new version of one: %v", err)
	}
}

func TestWhatACardMayNotBe(t *testing.T) {
	s := open(t)
	f := func(want error, change func(c *supplement.Card)) {
		t.Helper()
		c := card("a")
		change(&c)
		if err := s.Put(context.Background(), "mai", c, Published); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	f(ErrCard, func(c *supplement.Card) { c.ID = "A card" })
	f(ErrCard, func(c *supplement.Card) { c.Link = "javascript:alert(1)" })
	f(ErrCard, func(c *supplement.Card) { c.Picture = []byte("<svg>") })
	f(ErrCategory, func(c *supplement.Card) { c.Categories = []string{"weather"} })
	f(ErrPlatform, func(c *supplement.Card) { c.Platforms = []string{"orkut"} })
	f(ErrLanguage, func(c *supplement.Card) { c.Title[0].Lang, c.Text[0].Lang = "th", "th" })
}

// Of a picture nothing is left but what it shows, small enough for every device.
func TestAPictureIsMadeAnew(t *testing.T) {
	noise := image.NewNRGBA(image.Rect(0, 0, 1600, 900))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(r.Uint32())
	}
	noise.Set(0, 0, color.Transparent)
	var file bytes.Buffer
	if err := png.Encode(&file, noise); err != nil {
		t.Fatal(err)
	}
	file.WriteString("GPS 10.7769 N 106.7009 E")
	small, err := Picture(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(small) > supplement.MaxPicture || supplement.PictureType(small) != "image/jpeg" || bytes.Contains(small, []byte("GPS")) {
		t.Errorf("%d bytes of %q", len(small), supplement.PictureType(small))
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(small))
	if err != nil || size.Width > maxWidth || size.Height > maxHeight || size.Width*900/1600-size.Height > 1 {
		t.Errorf("%d × %d, %v", size.Width, size.Height, err)
	}
	bomb := bytes.Clone(file.Bytes())
	copy(bomb[16:], "\x00\x00\xff\xff\x00\x00\xff\xff") // width and height of a PNG
	for what, file := range map[string][]byte{
		"nothing": nil, "a page": []byte("<html>"), "one cut short": file.Bytes()[:5000], "one that would fill the memory": bomb,
		"a large file": make([]byte, MaxUpload+1), "a GIF": []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
	} {
		if _, err := Picture(file); !errors.Is(err, ErrPicture) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func FuzzReadFile(f *testing.F) {
	f.Add(`{"id":"a","title":{"en":"A"},"text":{"en":"A."},"from":"2026-11-24","to":"2026-11-24"}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, _, err := ReadFile(strings.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrCard) {
				t.Fatalf("an error without a name: %v", err)
			}
			return
		}
		if check(&c) != nil {
			return
		}
		body, err := Card{Card: c}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if c.From != 0 && c.From%86400 != 0 {
			t.Fatalf("%s begins in the middle of a day", body)
		}
	})
}

// A card that is written out and read again is the same card, and its picture is not lost unseen.
func TestACardIsReadAsItWasWritten(t *testing.T) {
	c := Card{Card: card("a"), State: Published, Actor: "mai", Changed: now}
	c.From, c.To, c.Link, c.Categories, c.Platforms = 1795478400, 1795564800, "https://advice.example/", []string{"otp"}, []string{"zalo"}
	read := func() (supplement.Card, error) {
		t.Helper()
		body, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		back, _, err := ReadFile(bytes.NewReader(body))
		return back, err
	}
	if back, err := read(); err != nil || !reflect.DeepEqual(back, c.Card) {
		t.Errorf("%+v, %v, want %+v", back, err, c.Card)
	}
	c.Picture = []byte{1}
	if _, err := read(); !errors.Is(err, ErrCard) {
		t.Errorf("%v, want ErrCard", err)
	}
}

// Whatever somebody uploads for a card, it is refused by name, or becomes a small JPEG of the same shape that every
// device shows and that would be taken again.
func FuzzPicture(f *testing.F) {
	drawn := image.NewNRGBA(image.Rect(0, 0, 12, 7))
	drawn.Set(3, 3, color.NRGBA{200, 0, 0, 120})
	var asPNG, asJPEG bytes.Buffer
	if err := errors.Join(png.Encode(&asPNG, drawn), jpeg.Encode(&asJPEG, drawn, nil)); err != nil {
		f.Fatal(err)
	}
	f.Add(asPNG.Bytes())
	f.Add(asJPEG.Bytes())
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\r\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x10\x00\x00\x00\x10\x00\x10\x06\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, upload []byte) {
		size, _, err := image.DecodeConfig(bytes.NewReader(upload))
		if err == nil && size.Width > 0 && size.Height > (1<<18)/size.Width {
			return // slow, and held by the bound on pixels
		}
		small, refused := Picture(upload)
		if refused != nil {
			if !errors.Is(refused, ErrPicture) {
				t.Fatalf("an error without a name: %v", refused)
			}
			return
		}
		got, err := jpeg.DecodeConfig(bytes.NewReader(small))
		if err != nil || len(small) > supplement.MaxPicture || got.Width > maxWidth || got.Height > maxHeight || got.Width > size.Width || got.Height > size.Height {
			t.Fatalf("of %d × %d became %d × %d in %d bytes, %v", size.Width, size.Height, got.Width, got.Height, len(small), err)
		}
		if tall := float64(got.Width) * float64(size.Height) / float64(size.Width); got.Width > 1 && math.Abs(tall-float64(got.Height)) > 1+tall/float64(got.Width) {
			t.Fatalf("%d × %d has another shape than %d × %d", got.Width, got.Height, size.Width, size.Height)
		}
		if again, err := Picture(small); err != nil || len(again) == 0 {
			t.Fatalf("it would not be taken again: %v", err)
		}
	})
}
