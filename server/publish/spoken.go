package publish

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"khien/shared/release"
	"khien/shared/supplement"
)

// Spoken is what a release would change of what travels beside the list.
type Spoken struct {
	Changed  bool  // whether anything does, be it the order of something
	Official Lines // of the official book
	Help     Lines // steps and hotlines, by country
	Hot      Lines // hosts that browsers hold back before they are loaded
	Cards    []CardChange
}

// OnlyOrder tells whether nothing but the order of something changes.
func (s *Spoken) OnlyOrder() bool {
	return s.Changed && len(s.Cards) == 0 && !s.Official.Any() && !s.Help.Any() && !s.Hot.Any()
}

// Lines are those that a text gains and loses.
type Lines struct{ Added, Removed []string }

// Any tells whether there are some.
func (l Lines) Any() bool { return len(l.Added)+len(l.Removed) > 0 }

// CardChange is an advice card that a release brings, changes or takes away.
type CardChange struct{ Was, Is *supplement.Card } // nil where there is none

// said is a supplement before it is encoded.
type said struct {
	book string
	body supplement.Body
}

// timeless is the supplement without the time at which it was made: what a person confirms.
func (s said) timeless() ([]byte, error) {
	s.body.HotAt = 0
	return supplement.Encode(s.book, s.body)
}

// confirmed is the digest of the supplement that a person confirms.
func (s said) confirmed() (release.Digest, error) {
	body, err := s.timeless()
	return release.DigestOf(body), err
}

// lastSaid is the supplement of a release. Where that is damaged, it may be what would be said now, as of the time of a
// release; else, as where there is none or one of an older format, it is empty: then all of it is new.
func (p *Publisher) lastSaid(ctx context.Context, h release.Head, now said) (said, error) {
	if h.Sequence == 0 {
		return said{}, nil
	}
	body, err := blobOf(p.Blobs, h.Supplement, h.SupplementSize)
	if err == nil {
		g, err := supplement.Open(body)
		if err != nil {
			return said{}, nil
		}
		return said{g.BookText(), g.Body()}, nil
	}
	past, err := p.Ledger.Releases(ctx, h.Issued-int64(reach.Seconds()))
	if err != nil {
		return said{}, err
	}
	for _, r := range past {
		now.body.HotAt = r.Issued
		if body, err := now.encode(); err == nil && release.DigestOf(body) == h.Supplement {
			return now, nil
		}
	}
	return said{}, nil
}

// compareSaid finds what leads from one supplement to another.
func compareSaid(was, is said) (s Spoken, err error) {
	was.body.HotAt, is.body.HotAt = 0, 0
	before, err := was.body.MarshalMsg(nil)
	if err != nil {
		return s, err
	}
	after, err := is.body.MarshalMsg(nil)
	if err != nil {
		return s, err
	}
	s.Changed = was.book != is.book || !bytes.Equal(before, after)
	s.Official = compareLines(strings.Split(strings.TrimSpace(was.book), "\n"), strings.Split(strings.TrimSpace(is.book), "\n"))
	s.Help = compareLines(helpLines(was.body.Help), helpLines(is.body.Help))
	s.Hot = compareLines(was.body.Hot, is.body.Hot)
	for i := range is.body.Cards {
		now := &is.body.Cards[i]
		old := cardOf(was.body.Cards, now.ID)
		if old == nil || !sameCard(old, now) {
			s.Cards = append(s.Cards, CardChange{old, now})
		}
	}
	for i := range was.body.Cards {
		if old := &was.body.Cards[i]; cardOf(is.body.Cards, old.ID) == nil {
			s.Cards = append(s.Cards, CardChange{old, nil})
		}
	}
	return s, nil
}

func cardOf(cards []supplement.Card, id string) *supplement.Card {
	if i := slices.IndexFunc(cards, func(c supplement.Card) bool { return c.ID == id }); i >= 0 {
		return &cards[i]
	}
	return nil
}

func sameCard(a, b *supplement.Card) bool {
	one, err := a.MarshalMsg(nil)
	if err != nil {
		return false
	}
	other, err := b.MarshalMsg(nil)
	return err == nil && bytes.Equal(one, other)
}

// compareLines finds the lines of which there are more in one text than in the other, in their order.
func compareLines(was, is []string) (l Lines) {
	more := func(of, than []string) (more []string) {
		n := map[string]int{}
		for _, line := range than {
			n[line]++
		}
		for _, line := range of {
			if n[line]--; n[line] < 0 && line != "" {
				more = append(more, line)
			}
		}
		return more
	}
	return Lines{more(is, was), more(was, is)}
}

// helpLines are steps and hotlines as lines that hold all that is said, in every language.
func helpLines(help []supplement.Help) (lines []string) {
	texts := func(list []supplement.Text) string {
		var all []string
		for _, t := range list {
			all = append(all, t.Lang+": "+t.Text)
		}
		return strings.Join(all, " | ")
	}
	for _, h := range help {
		country := h.Country
		if country == "" {
			country = "*"
		}
		for _, s := range h.Steps {
			lines = append(lines, fmt.Sprintf("%s %s: %s", country, s.Harm, texts(s.Text)))
		}
		for _, l := range h.Hotlines {
			lines = append(lines, fmt.Sprintf("%s %s %s: %s | %s %v (%s, %s)", country, l.Kind, l.Value, texts(l.Name), texts(l.What), l.Harms, l.Source, h.Checked))
		}
	}
	return lines
}
