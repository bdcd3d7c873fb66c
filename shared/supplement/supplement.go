// Package supplement is what travels signed beside the set, in one body whose digest is in the head:
// who is well known (package official), what to do after the harm and whom to call, advice cards,
// and the names of the hosts that were listed last.
//
//	0  4  "KG\x01\x00"
//	4  4  bytes of the book, big-endian
//	8     the book, as text (official.Read)
//	      Body, as MessagePack, which the core hands on as it is
//
// It is read whole or not at all: what breaks a bound refuses it, and the caller keeps the one before.
// The publisher refuses more than a client does: a link that is not https, a card without a text.
package supplement

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"khien/shared/official"
	"khien/shared/subject"
)

var (
	// ErrFormat is a body that is no supplement.
	ErrFormat = errors.New("not a supplement of this format")
	// ErrBound is a supplement in which something is longer, or more, than it may be, or not of its form.
	ErrBound = errors.New("something in the supplement is not as it may be")
)

// Bounds on a supplement, of whose bytes all together there is release.MaxSupplement.
const (
	MaxCards     = 64
	MaxTitle     = 120      // bytes, in each language
	MaxText      = 800      // bytes, in each language
	MaxLink      = 300      // bytes
	MaxPicture   = 24 << 10 // bytes
	MaxHelp      = 64       // countries
	MaxHotlines  = 16       // of a country
	MaxSteps     = 12       // of a country, in each case
	MaxHot       = 500
	maxTexts     = 8 // languages
	maxLang      = 12
	maxID        = 64 // bytes
	maxSlugs     = 64
	maxHost      = 253
	maxSource    = 300 // bytes
	maxDate      = 10
	maxWhat      = 300 // bytes, in each language
	maxPlatforms = 32
)

// Harms are what a person may need help with.
const (
	Paid      = "paid"      // money is gone
	Data      = "data"      // a password, a code or papers are known to others
	Installed = "installed" // something was installed, or somebody was let in
)

// Harms lists them.
var Harms = []string{Paid, Data, Installed}

// Kinds of hotline.
const (
	Phone = "phone"
	SMS   = "sms"
	Web   = "web"
)

const magic = "KG\x01\x00"

// cut takes a supplement apart.
func cut(whole []byte) (book string, body []byte, ok bool) {
	const header = len(magic) + 4
	if len(whole) < header || string(whole[:len(magic)]) != magic {
		return "", nil, false
	}
	n := uint64(binary.BigEndian.Uint32(whole[len(magic):]))
	if body = whole[header:]; n > uint64(len(body)) {
		return "", nil, false
	}
	return string(body[:n]), body[n:], true
}

// Supplement is one that was read. It never changes and is safe for concurrent use.
type Supplement struct {
	body []byte
	book *official.Book
	text string
}

// Open reads a supplement. Body must not change afterwards. The errors are ErrFormat, ErrBound and
// official.ErrFormat.
func Open(body []byte) (*Supplement, error) {
	text, raw, ok := cut(body)
	if !ok {
		return nil, ErrFormat
	}
	if rest, err := bodyShape.check(raw); err != nil {
		return nil, err
	} else if len(rest) > 0 {
		return nil, ErrFormat
	}
	book, err := official.Read(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	for account := range book.Accounts() {
		if s, err := subject.Parse(account); err != nil || !s.IsAccount() {
			return nil, fmt.Errorf("%w: %s is no account", official.ErrFormat, account)
		}
	}
	return &Supplement{body: raw, book: book, text: text}, nil
}

// Book is who is well known.
func (g *Supplement) Book() *official.Book { return g.book }

// BookText is the book as it was published.
func (g *Supplement) BookText() string { return g.text }

// BodyBytes is Body, encoded.
func (g *Supplement) BodyBytes() []byte { return g.body }

// Body is what people are told.
func (g *Supplement) Body() Body {
	var t Body
	t.UnmarshalMsg(g.body) // Open has read it
	return t
}

// Encode makes a supplement. What could not be opened is refused with the errors of Open.
func Encode(book string, body Body) ([]byte, error) {
	raw, err := body.MarshalMsg(nil)
	if err != nil {
		return nil, err
	}
	if err := body.check(); err != nil {
		return nil, err
	}
	whole := binary.BigEndian.AppendUint32([]byte(magic), uint32(len(book)))
	whole = append(append(whole, book...), raw...)
	if _, err := Open(whole); err != nil {
		return nil, err
	}
	return whole, nil
}

// In is the text in lang, or else in English, or else the first; "" if there is none. A blank one hides no other.
func In(texts []Text, lang string) string {
	base, _, _ := strings.Cut(lang, "-")
	for _, want := range []string{base, "en", ""} {
		for _, t := range texts {
			if (t.Lang == want || want == "") && strings.TrimSpace(t.Text) != "" {
				return t.Text
			}
		}
	}
	return ""
}

// Texts is a list of texts by language, in the order that a supplement wants.
func Texts(byLang map[string]string) []Text {
	var texts []Text
	for _, lang := range slices.Sorted(maps.Keys(byLang)) {
		texts = append(texts, Text{lang, byLang[lang]})
	}
	return texts
}

func bound(what string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBound, fmt.Sprintf(what, args...))
}

func (t *Body) check() error {
	if len(t.Help) > MaxHelp || len(t.Cards) > MaxCards || len(t.Hot) > MaxHot {
		return bound("%d countries, %d cards and %d hosts", len(t.Help), len(t.Cards), len(t.Hot))
	}
	for i := range t.Help {
		if err := t.Help[i].check(); err != nil {
			return err
		}
	}
	for i := range t.Cards {
		if err := t.Cards[i].Check(); err != nil {
			return err
		}
	}
	for _, host := range t.Hot {
		if host == "" || len(host) > maxHost || strings.Trim(host, hostLetters) != "" {
			return bound("%q is no host", host)
		}
	}
	return nil
}

const (
	letters     = "abcdefghijklmnopqrstuvwxyz"
	slugLetters = letters + "0123456789-"
	hostLetters = slugLetters + "._[]:"
)

func (h *Help) check() error {
	if len(h.Country) != 0 && (len(h.Country) != 2 || strings.Trim(h.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		return bound("%q is no country", h.Country)
	}
	if len(h.Checked) > maxDate || len(h.Hotlines) > MaxHotlines || len(h.Steps) > MaxSteps*len(Harms) {
		return bound("the help for %q is too long", h.Country)
	}
	for _, s := range h.Steps {
		if !slices.Contains(Harms, s.Harm) {
			return bound("there is no case %q", s.Harm)
		}
		if err := checkTexts(s.Text, MaxText); err != nil {
			return err
		}
	}
	for _, l := range h.Hotlines {
		switch {
		case l.Kind == Web && !isLink(l.Value), l.Kind != Web && strings.Trim(l.Value, "0123456789+*# -") != "":
			return bound("%q cannot be called", l.Value)
		case l.Kind != Phone && l.Kind != SMS && l.Kind != Web:
			return bound("there is no kind %q of hotline", l.Kind)
		case l.Value == "" || len(l.Value) > MaxLink || len(l.Source) > maxSource:
			return bound("a hotline is empty or too long")
		}
		for _, c := range l.Harms {
			if !slices.Contains(Harms, c) {
				return bound("there is no case %q", c)
			}
		}
		if err := checkTexts(l.Name, maxWhat); err != nil {
			return err
		}
		if err := checkTexts(l.What, maxWhat); err != nil {
			return err
		}
	}
	return nil
}

// Check refuses what no client would read, by ErrBound.
func (c *Card) Check() error {
	switch {
	case c.ID == "" || len(c.ID) > maxID || strings.Trim(c.ID, slugLetters) != "":
		return bound("%q is no name of a card: use lower-case letters, digits and dashes", c.ID)
	case c.Link != "" && (!isLink(c.Link) || len(c.Link) > MaxLink):
		return bound("the link of card %s is not https, or longer than %d bytes", c.ID, MaxLink)
	case len(c.Picture) > MaxPicture:
		return bound("the picture of card %s has %d bytes; %d are allowed", c.ID, len(c.Picture), MaxPicture)
	case len(c.Picture) > 0 && PictureType(c.Picture) == "":
		return bound("the picture of card %s is neither PNG nor JPEG", c.ID)
	case c.From < 0 || c.To < 0 || c.To != 0 && c.To <= c.From:
		return bound("card %s ends before it begins", c.ID)
	case len(c.Categories) > maxSlugs || len(c.Platforms) > maxPlatforms:
		return bound("card %s names too many categories or platforms", c.ID)
	}
	for _, slug := range slices.Concat(c.Categories, c.Platforms) {
		if slug == "" || len(slug) > maxID || strings.Trim(slug, slugLetters) != "" {
			return bound("card %s: %q is neither a category nor a platform", c.ID, slug)
		}
	}
	if len(c.Title) == 0 || len(c.Title) != len(c.Text) {
		return bound("card %s has a title without a text, or the other way round", c.ID)
	}
	for i := range c.Title {
		if c.Title[i].Lang != c.Text[i].Lang {
			return bound("card %s has its title in %s and not its text", c.ID, c.Title[i].Lang)
		}
	}
	if err := checkTexts(c.Title, MaxTitle); err != nil {
		return fmt.Errorf("card %s: %w", c.ID, err)
	}
	if err := checkTexts(c.Text, MaxText); err != nil {
		return fmt.Errorf("card %s: %w", c.ID, err)
	}
	if err := checkTexts(c.Alt, maxWhat); err != nil {
		return fmt.Errorf("card %s: %w", c.ID, err)
	}
	return nil
}

// checkTexts wants each language once, in order, and each text of 1 to max bytes.
func checkTexts(texts []Text, max int) error {
	if len(texts) > maxTexts {
		return bound("more than %d languages", maxTexts)
	}
	for i, t := range texts {
		switch {
		case len(t.Lang) < 2 || len(t.Lang) > maxLang || strings.Trim(t.Lang, letters+"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "":
			return bound("%q is no language", t.Lang)
		case i > 0 && texts[i-1].Lang >= t.Lang:
			return bound("the languages are not in order")
		case t.Text == "" || len(t.Text) > max:
			return bound("a text in %s has %d bytes; 1 to %d are allowed", t.Lang, len(t.Text), max)
		}
	}
	return nil
}

func isLink(text string) bool {
	rest, ok := strings.CutPrefix(text, "https://")
	if !ok || rest == "" {
		return false
	}
	for _, r := range text {
		if r <= ' ' || r == '"' || r == '<' || r == '>' || r == '\\' || r == 0x7f {
			return false
		}
	}
	host, _, _ := strings.Cut(rest, "/")
	return strings.Contains(host, ".") && !strings.Contains(host, "@")
}

// PictureType is "image/png" or "image/jpeg" by how a picture begins, or "".
func PictureType(picture []byte) string {
	switch {
	case strings.HasPrefix(string(picture), "\x89PNG\r\n\x1a\n"):
		return "image/png"
	case strings.HasPrefix(string(picture), "\xff\xd8\xff"):
		return "image/jpeg"
	}
	return ""
}
