package campaign

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"khien/shared/supplement"
)

// maxFile bounds a file with a card, in bytes.
const maxFile = 64 << 10

// file is a card as people write it: texts by language, days in place of seconds.
type file struct {
	ID         string            `json:"id"`
	Title      map[string]string `json:"title"`
	Text       map[string]string `json:"text"`
	Picture    string            `json:"picture,omitempty"`
	Alt        map[string]string `json:"alt,omitempty"`
	Link       string            `json:"link,omitempty"`
	Categories []string          `json:"categories,omitempty"`
	Platforms  []string          `json:"platforms,omitempty"`
	From       string            `json:"from,omitempty"`
	To         string            `json:"to,omitempty"`
}

// written is a card as MarshalJSON writes it: with what the store knows of it, which nobody can set.
type written struct {
	file
	State   State  `json:"state"`
	Actor   string `json:"actor"`
	Changed string `json:"changed"`
	Bytes   int    `json:"picture_bytes,omitempty"`
}

// ReadFile reads a card from JSON, as people write it or as MarshalJSON does, and the name of the file with its
// picture, or "". From is the first day on which it is shown and to the last one, in UTC, such as "2026-11-24". What it
// is not in the form of is ErrCard, and so is a card that had a picture and names none: it would lose it unseen.
func ReadFile(r io.Reader) (c supplement.Card, picture string, err error) {
	d := json.NewDecoder(io.LimitReader(r, maxFile))
	d.DisallowUnknownFields()
	var f written
	var kind *json.UnmarshalTypeError
	if err := d.Decode(&f); errors.As(err, &kind) {
		return c, "", fmt.Errorf("%w: %s is a %s, which does not belong there", ErrCard, cmp.Or(kind.Field, "the file"), kind.Value)
	} else if err != nil {
		return c, "", fmt.Errorf("%w: %w", ErrCard, err)
	}
	if d.More() {
		return c, "", fmt.Errorf("%w: something stands behind it", ErrCard)
	}
	if f.Bytes > 0 && f.Picture == "" {
		return c, "", fmt.Errorf("%w: it had a picture: name its file as \"picture\", or leave \"picture_bytes\" out", ErrCard)
	}
	c = supplement.Card{
		ID: f.ID, Title: supplement.Texts(f.Title), Text: supplement.Texts(f.Text), Alt: supplement.Texts(f.Alt), Link: f.Link,
		Categories: f.Categories, Platforms: f.Platforms,
	}
	if c.From, err = day(f.From, 0); err != nil {
		return c, "", err
	}
	if c.To, err = day(f.To, 1); err != nil {
		return c, "", err
	}
	return c, f.Picture, nil
}

// day is the beginning of a day, or of the one that many days later, in Unix seconds; 0 for "".
func day(text string, later int) (int64, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is no day such as 2026-11-24", ErrCard, text)
	}
	return t.AddDate(0, 0, later).Unix(), nil
}

// MarshalJSON writes a card so that ReadFile reads it, with its state; of the picture, only how large it is.
func (c Card) MarshalJSON() ([]byte, error) {
	byLang := func(texts []supplement.Text) map[string]string {
		if len(texts) == 0 {
			return nil
		}
		m := map[string]string{}
		for _, t := range texts {
			m[t.Lang] = t.Text
		}
		return m
	}
	date := func(seconds int64, earlier int) string {
		if seconds == 0 {
			return ""
		}
		return time.Unix(seconds, 0).UTC().AddDate(0, 0, -earlier).Format(time.DateOnly)
	}
	return json.Marshal(written{
		file{
			ID: c.ID, Title: byLang(c.Title), Text: byLang(c.Text), Alt: byLang(c.Alt), Link: c.Link,
			Categories: c.Categories, Platforms: c.Platforms, From: date(c.From, 0), To: date(c.To, 1),
		},
		c.State, c.Actor, time.Unix(c.Changed, 0).UTC().Format(time.RFC3339), len(c.Picture),
	})
}
