package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"khien/server/audit"
	"khien/server/campaign"
	"khien/server/publish"
	"khien/server/staff"
	"khien/shared/category"
	"khien/shared/supplement"
	"khien/shared/texts"
)

var campaignRoutes = []route{
	{"GET /campaigns", seen, campaignsPage},
	{"GET /campaigns/new", staff.Campaign, newCardPage},
	{"POST /campaigns", staff.Campaign, keepCard},
	{"GET /campaigns/{id}", seen, cardPage},
	{"GET /campaigns/{id}/picture", seen, cardPicture},
	{"POST /campaigns/{id}/publish", staff.Campaign, publishCard},
	{"POST /campaigns/{id}/withdraw", staff.Campaign, withdrawCard},
}

// advice is a card as it is shown and written.
type advice struct {
	campaign.Card
	New       bool
	InForce   bool
	Languages []string
	Kinds     []category.Category
	Networks  []string
}

// Says is a text of the card in a language.
func says(texts []supplement.Text, lang string) string {
	for _, t := range texts {
		if t.Lang == lang && strings.TrimSpace(t.Text) != "" {
			return t.Text
		}
	}
	return ""
}

func (a advice) Head(lang string) string  { return says(a.Card.Title, lang) }
func (a advice) Body(lang string) string  { return says(a.Card.Text, lang) }
func (a advice) Shows(lang string) string { return says(a.Card.Alt, lang) }
func (a advice) For(slug string) bool     { return slices.Contains(a.Categories, slug) }
func (a advice) On(network string) bool   { return slices.Contains(a.Platforms, network) }
func (a advice) HasPicture() bool         { return len(a.Picture) > 0 }
func (a advice) First() string            { return dayOf(a.From, 0) }
func (a advice) Last() string             { return dayOf(a.To, 1) }
func (a advice) Anyhow(lang string) string {
	for _, l := range append([]string{lang}, texts.All()...) {
		if text := a.Head(l); text != "" {
			return text
		}
	}
	return a.ID
}

// dayOf is the day of a moment less some days, in UTC as package campaign has them; empty for 0.
func dayOf(unix int64, earlier int) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).UTC().AddDate(0, 0, -earlier).Format(time.DateOnly)
}

func (v *visit) advice(c campaign.Card) advice {
	return advice{Card: c, InForce: c.InForce(v.now()), Languages: texts.All(), Kinds: category.All(), Networks: campaign.Platforms}
}

// adviceList are some of the cards.
type adviceList struct {
	pager
	Cards []advice
}

func campaignsPage(v *visit) error {
	page, err := v.Publisher.Cards.List(v.ctx(), v.place(), few)
	if err != nil {
		return err
	}
	list := adviceList{pager: v.pager(page.Before, page.After)}
	for _, c := range page.Rows {
		list.Cards = append(list.Cards, v.advice(c))
	}
	return v.show("campaigns", list)
}

func newCardPage(v *visit) error {
	a := v.advice(campaign.Card{})
	a.New = true
	return v.show("card", a)
}

// card is the one that the path names.
func (v *visit) card() (campaign.Card, error) {
	c, err := v.Publisher.Cards.Get(v.ctx(), v.r.PathValue("id"))
	if errors.Is(err, campaign.ErrNotFound) {
		err = errNoPage
	}
	return c, err
}

func cardPage(v *visit) error {
	c, err := v.card()
	if err != nil {
		return err
	}
	return v.show("card", v.advice(c))
}

func cardPicture(v *visit) error {
	c, err := v.card()
	if err != nil {
		return err
	}
	kind := supplement.PictureType(c.Picture)
	if kind == "" {
		return errNoPage
	}
	v.w.Header().Set("Content-Type", kind)
	_, err = v.w.Write(c.Picture)
	return err
}

// keepCard writes a card as a draft. Where one of this name is published, that stays on devices until the next
// release, and leaves them with it unless the new one is published before.
func keepCard(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	c, err := v.written()
	if err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return cardProblem(c, err)
	}
	if err := v.note(audit.Act{Verb: audit.DraftCard, Object: audit.Object{Kind: audit.OfCard, ID: c.ID}, Why: v.why(audit.Why{})}); err != nil {
		return err
	}
	if err := v.Publisher.Cards.Put(v.ctx(), v.person.Name, c, campaign.Draft); err != nil {
		return cardProblem(c, err)
	}
	return v.back("/campaigns/"+c.ID, "campaign.kept")
}

// written reads a card from the form.
func (v *visit) written() (c supplement.Card, err error) {
	c.ID, c.Link = strings.ToLower(v.form("name")), v.form("link")
	texts := func(field string) []supplement.Text {
		byLang := map[string]string{}
		for _, lang := range texts.All() {
			if text := strings.ReplaceAll(v.form(field+"_"+lang), "\r\n", "\n"); text != "" {
				byLang[lang] = text
			}
		}
		return supplement.Texts(byLang)
	}
	c.Title, c.Text, c.Alt = texts("title"), texts("text"), texts("alt")
	c.Categories, c.Platforms = slices.Clone(v.r.Form["category"]), slices.Clone(v.r.Form["platform"])
	if c.From, err = dayFrom(v.form("from"), 0); err != nil {
		return c, err
	}
	if c.To, err = dayFrom(v.form("to"), 1); err != nil {
		return c, err
	}
	file, _, err := v.r.FormFile("picture")
	switch {
	case errors.Is(err, http.ErrMissingFile), errors.Is(err, http.ErrNotMultipart):
		if before, err := v.Publisher.Cards.Get(v.ctx(), c.ID); err == nil && v.form("nopicture") == "" {
			c.Picture = before.Picture
		} else if err != nil && !errors.Is(err, campaign.ErrNotFound) {
			return c, err
		}
		return c, nil
	case err != nil:
		return c, err
	}
	defer file.Close()
	body, err := io.ReadAll(file)
	if err != nil {
		return c, err
	}
	if c.Picture, err = campaign.Picture(body); err != nil {
		return c, cardProblem(c, err)
	}
	return c, nil
}

// dayFrom is when a day begins, or the one that many days later, in Unix seconds; 0 for none.
func dayFrom(text string, later int) (int64, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, wrong("campaign.baddate")
	}
	return t.AddDate(0, 0, later).Unix(), nil
}

// cardProblem says what is wrong with a card, in the reader's words where there are some.
func cardProblem(c supplement.Card, err error) error {
	switch {
	case errors.Is(err, campaign.ErrPicture):
		return wrong("campaign.badpicture", err.Error())
	case c.ID == "" || strings.Trim(c.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return wrong("campaign.badname")
	case len(c.Title) == 0 || len(c.Title) != len(c.Text):
		return wrong("campaign.badtexts")
	case c.To != 0 && c.To <= c.From:
		return wrong("campaign.badtimes")
	case errors.Is(err, campaign.ErrFull):
		return wrong("campaign.full")
	case errors.Is(err, campaign.ErrCard), errors.Is(err, supplement.ErrBound), errors.Is(err, campaign.ErrCategory), errors.Is(err, campaign.ErrPlatform), errors.Is(err, campaign.ErrLanguage):
		return wrong("campaign.bad", err.Error())
	}
	return err
}

// publishCard brings a draft into the next release. It goes to every device, so a passkey confirms exactly this card.
func publishCard(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	c, err := v.card()
	if err != nil {
		return err
	}
	if c.State == campaign.Published {
		return v.back("/campaigns/"+c.ID, "campaign.already")
	}
	a := v.advice(c)
	proof, err := v.confirm(change{Key: "confirm.card", Says: v.will(a), What: []any{c.ID, cardHash(c.Card)}})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	if err := v.note(audit.Act{Verb: audit.PublishCard, Object: audit.Object{Kind: audit.OfCard, ID: c.ID}, Why: proof}); err != nil {
		return err
	}
	if err := v.Publisher.Cards.Put(v.ctx(), v.person.Name, c.Card, campaign.Published); err != nil {
		return cardProblem(c.Card, err)
	}
	return v.back("/campaigns/"+c.ID, "campaign.published")
}

// will is all of a card that travels, in words.
func (v *visit) will(a advice) (will []string) {
	for _, t := range a.Card.Title {
		will = append(will, t.Lang+": "+t.Text+" – "+a.Body(t.Lang))
	}
	if a.HasPicture() {
		will = append(will, say(v.lang, "campaign.will.picture", strconv.Itoa(len(a.Picture))))
	}
	part := func(key, text string) {
		if text != "" {
			will = append(will, say(v.lang, key)+": "+text)
		}
	}
	for _, t := range a.Alt {
		part("card.alt", t.Lang+": "+t.Text)
	}
	part("card.link", a.Link)
	var kinds, networks []string
	for _, k := range a.Kinds {
		if a.For(k.Slug()) {
			kinds = append(kinds, k.Name(v.lang))
		}
	}
	for _, name := range a.Platforms {
		networks = append(networks, network(name))
	}
	part("card.kinds", strings.Join(kinds, ", "))
	part("card.networks", strings.Join(networks, ", "))
	part("card.from", a.First())
	part("card.to", a.Last())
	return will
}

func withdrawCard(v *visit) error {
	v.deciding.RLock()
	defer v.deciding.RUnlock()
	c, err := v.card()
	if err != nil {
		return err
	}
	if err := v.note(audit.Act{Verb: audit.WithdrawCard, Object: audit.Object{Kind: audit.OfCard, ID: c.ID}, Why: v.why(audit.Why{})}); err != nil {
		return err
	}
	if err := v.Publisher.Cards.Withdraw(v.ctx(), v.person.Name, c.ID); err != nil && !errors.Is(err, campaign.ErrNotFound) {
		return err
	}
	return v.back("/campaigns/"+c.ID, "campaign.withdrawn")
}

// cardChange is what a release would change about an advice card.
type cardChange struct {
	Key   string // of the message that says what
	Title string
	ID    string
	Hash  string // of the card as it would be; empty where it leaves
}

// cardChanges are those of a plan.
func (v *visit) cardChanges(planned []publish.CardChange) (changes []cardChange) {
	for _, c := range planned {
		switch {
		case c.Was == nil:
			changes = append(changes, cardChange{"publish.card.new", titleOf(*c.Is, v.lang), c.Is.ID, cardHash(*c.Is)})
		case c.Is == nil:
			changes = append(changes, cardChange{"publish.card.gone", titleOf(*c.Was, v.lang), c.Was.ID, ""})
		default:
			changes = append(changes, cardChange{"publish.card.changed", titleOf(*c.Is, v.lang), c.Is.ID, cardHash(*c.Is)})
		}
	}
	return changes
}

func titleOf(c supplement.Card, lang string) string {
	return advice{Card: campaign.Card{Card: c}}.Anyhow(lang)
}

// cardHash is SHA-256 over a card as it is published, in hex.
func cardHash(c supplement.Card) string {
	body, _ := c.MarshalMsg(nil)
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
