package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"khien/shared/wire"
)

const now = 1_800_000_000

// Whatever somebody reports, what the extension makes of it is taken.
func TestWhatIsWrittenIsTaken(t *testing.T) {
	f := func(what string, change func(*wire.Report)) {
		t.Helper()
		r := wire.Report{ID: bytes.Repeat([]byte{7}, wire.IDSize), Kind: wire.KindScam, Subjects: []string{"shop.example/"}, Href: "https://shop.example/", Language: "en", Time: now}
		change(&r)
		body, err := Write(&r)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		var got wire.Report
		if _, err := got.UnmarshalMsg(body); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := Check(&got, now); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	f("a shop", func(*wire.Report) {})
	f("a long title, a note that ends within a letter", func(r *wire.Report) {
		r.Title, r.Note = strings.Repeat("x", 9000), strings.Repeat("ế", 3000)
	})
	f("a name, a password and a fragment", func(r *wire.Report) { r.Href = "https://me:secret@shop.example/a#b" })
	f("a very long query", func(r *wire.Report) { r.Href = "https://shop.example/?" + strings.Repeat("x", 20_000) })
	f("a language with all its parts", func(r *wire.Report) { r.Language = "vi-VN-x-" + strings.Repeat("very-", 50) })
	f("a clock that is years ahead", func(r *wire.Report) { r.Time = now * 2 })
	f("a page full of links", func(r *wire.Report) {
		for i := range 5000 {
			r.Links = append(r.Links, "https://"+strings.Repeat("a", 1+i%60)+".example/"+strings.Repeat("b", i%900))
		}
	})
	f("a mistake, about a name on the list", func(r *wire.Report) { r.Kind, r.Href = wire.KindMistake, "" })
}

func TestWhatNobodyWritesIsRefused(t *testing.T) {
	r := wire.Report{ID: make([]byte, wire.IDSize), Kind: wire.KindScam, Href: "https://shop.example/", Title: strings.Repeat("x", MaxTitle+1)}
	var refusal *Refusal
	if !errors.As(Check(&r, now), &refusal) || refusal.Code != "bad_field" {
		t.Errorf("a title beyond its bound: %+v", refusal)
	}
}
