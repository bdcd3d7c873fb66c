// Package campaign keeps the advice cards that maintainers write, as drafts until they are published. The publisher
// puts those that are in force into the supplement (package supplement); what a card may hold is said there. Who did
// what is for the caller to write into the audit log.
package campaign

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"khien/server/db"
	"khien/server/platform"
	"khien/shared/category"
	"khien/shared/supplement"
	"khien/shared/texts"
)

var (
	// ErrNotFound is a card that there is not.
	ErrNotFound = errors.New("there is no such card")
	// ErrCard is a card that no client would read; the text says what is wrong with it.
	ErrCard = errors.New("the card can't be used")
	// ErrCategory is a category that is not in the taxonomy.
	ErrCategory = errors.New("there is no such category")
	// ErrPlatform is a platform that cards can't be for.
	ErrPlatform = errors.New("there is no such platform")
	// ErrLanguage is a language that the extension does not speak.
	ErrLanguage = errors.New("the extension does not speak this language")
	// ErrFull is one card more than a supplement may have.
	ErrFull = fmt.Errorf("%d cards are in force already; withdraw one first", supplement.MaxCards)
)

// State is how far a card is.
type State string

// The states.
const (
	Draft     State = "draft"
	Published State = "published" // in the next release, if its time has come
	Withdrawn State = "withdrawn"
)

// Platforms are those that a card may be for. The extension knows them by their domains.
var Platforms = withCards()

func withCards() (names []string) {
	for _, p := range platform.All() {
		if p.HasCards {
			names = append(names, p.Name)
		}
	}
	return names
}

// Card is one with its state.
type Card struct {
	supplement.Card
	State   State
	Actor   string // who changed it last
	Changed int64  // Unix seconds
}

// ahead is how long before it begins a card is published, in seconds: clients that are offline then show it in time.
const ahead = 7 * 24 * 60 * 60

// InForce tells whether a card goes into a release that is made at now.
func (c *Card) InForce(now int64) bool {
	return c.State == Published && c.From <= now+ahead && (c.To == 0 || now < c.To)
}

// Store is safe for concurrent use, by several processes too.
type Store struct{ db *db.DB }

//go:embed tables/*.sql
var files embed.FS

// Tables are what it keeps in the office's database.
var Tables = db.Tables{Package: "campaign", Files: files}

// Open opens the cards in a database that has their tables.
func Open(office *db.DB) *Store { return &Store{office} }

// Put writes a card, in place of one with its name if there is one: as a draft, or published. The picture must be one
// that Picture has made. The errors are ErrCard, ErrCategory, ErrPlatform, ErrLanguage and ErrFull.
func (s *Store) Put(ctx context.Context, actor string, c supplement.Card, state State) error {
	if err := check(&c); err != nil {
		return err
	}
	if state != Draft && state != Published {
		return fmt.Errorf("%w: it is a draft or published", ErrCard)
	}
	now := time.Now().Unix()
	if state == Published {
		active, err := s.Active(ctx, now)
		if err != nil {
			return err
		}
		if len(active) >= supplement.MaxCards && !slices.ContainsFunc(active, func(have supplement.Card) bool { return have.ID == c.ID }) {
			return ErrFull
		}
	}
	picture := c.Picture
	if picture == nil {
		picture = []byte{}
	}
	c.Picture = nil
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, `INSERT INTO card (id, state, body, picture, actor, changed) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body, picture = excluded.picture, actor = excluded.actor, changed = excluded.changed`,
		c.ID, string(state), string(body), picture, actor, now)
	if err != nil {
		return fmt.Errorf("couldn't write the card: %w", err)
	}
	return nil
}

func check(c *supplement.Card) error {
	if err := c.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrCard, err)
	}
	for _, text := range slices.Concat(c.Title, c.Alt) {
		if !slices.Contains(texts.All(), text.Lang) {
			return fmt.Errorf("%w: %s", ErrLanguage, text.Lang)
		}
	}
	for _, slug := range c.Categories {
		if _, ok := category.Parse(slug); !ok {
			return fmt.Errorf("%w: %s", ErrCategory, slug)
		}
	}
	for _, name := range c.Platforms {
		if !slices.Contains(Platforms, name) {
			return fmt.Errorf("%w: %s", ErrPlatform, name)
		}
	}
	return nil
}

// Withdraw takes a card out of the next release, or returns ErrNotFound.
func (s *Store) Withdraw(ctx context.Context, actor, id string) error {
	done, err := s.db.ExecContext(ctx, `UPDATE card SET state = ?, actor = ?, changed = ? WHERE id = ? AND state <> ?`,
		string(Withdrawn), actor, time.Now().Unix(), id, string(Withdrawn))
	if err != nil {
		return fmt.Errorf("couldn't withdraw the card: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return ErrNotFound
	}
	return nil
}

// Get returns a card, or ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (Card, error) {
	cards, err := s.read(ctx, `WHERE id = ?`, id)
	if err == nil && len(cards) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Card{}, err
	}
	return cards[0], nil
}

// List returns a page of at most limit cards, without their pictures: what changed last comes first.
func (s *Store) List(ctx context.Context, at db.Place, limit int) (db.Page[Card], error) {
	page, err := db.List[Card]{
		Select: `SELECT id, body, '', state, actor, changed FROM card WHERE 1 = 1`, Order: []string{"changed", "id"}, Down: true, Scan: scan,
		Key: func(c Card) []any { return []any{c.Changed, c.ID} }, Weight: func(c Card) int { return 0 },
	}.Page(ctx, s.db, at, limit)
	if err != nil {
		err = fmt.Errorf("couldn't read the cards: %w", err)
	}
	return page, err
}

// All returns all cards: what changed last comes first.
func (s *Store) All(ctx context.Context) ([]Card, error) {
	return s.read(ctx, `ORDER BY changed DESC, id DESC`)
}

// Active returns the cards that are in force at now, in Unix seconds, by their names.
func (s *Store) Active(ctx context.Context, now int64) ([]supplement.Card, error) {
	cards, err := s.read(ctx, `WHERE state = ?`, string(Published))
	if err != nil {
		return nil, err
	}
	var active []supplement.Card
	for i := range cards {
		if cards[i].InForce(now) {
			active = append(active, cards[i].Card)
		}
	}
	slices.SortFunc(active, func(a, b supplement.Card) int { return cmp.Compare(a.ID, b.ID) })
	return active, nil
}

func (s *Store) read(ctx context.Context, where string, args ...any) ([]Card, error) {
	cards, err := db.All(scan)(s.db.QueryContext(ctx, `SELECT id, body, picture, state, actor, changed FROM card `+where, args...))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the cards: %w", err)
	}
	return cards, nil
}

func scan(row db.Row) (c Card, err error) {
	var id, body string
	var picture []byte
	if err := row.Scan(&id, &body, &picture, &c.State, &c.Actor, &c.Changed); err != nil {
		return c, err
	}
	if json.Unmarshal([]byte(body), &c.Card) != nil { // a card that says nothing; the publisher leaves it out
		c.Card = supplement.Card{}
	}
	if c.ID = id; len(picture) > 0 {
		c.Picture = picture
	}
	return c, nil
}
