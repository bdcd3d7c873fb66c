package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/blob"
	"khien/server/campaign"
	"khien/server/db"
	"khien/shared/supplement"
	"khien/shared/texts"
)

// demoCards are advice cards for the demo; cards.txt of each language says them.
//
//go:embed cards.json
var demoCards []byte

func (d *dir) campaigns() (*campaign.Store, error) {
	base, err := d.office()
	if err != nil {
		return nil, err
	}
	return campaign.Open(base), nil
}

func campaignCommand(d *dir) *cobra.Command {
	cmd := group("campaign", "Write the advice cards that travel with the list", `  $ khien campaign put card.json
  $ khien publish`)
	cmd.Long = `An advice card has a title, a text, and if you like a picture and a link. It travels signed
with the next release; each extension picks by itself which one to show and tells nobody:
after a warning the card of that kind of scam, otherwise one a week at most, in its popup.`
	cmd.AddCommand(campaignList(d), campaignShow(d), campaignPut(d), campaignWithdraw(d))
	return cmd
}

func campaignList(d *dir) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the cards, what changed last first",
		Example: `  $ khien campaign list
  id         state      from        to          categories  title
  otp-codes  published  2026-11-24  2027-01-31  otp         Nobody needs your code`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := d.campaigns()
			if err != nil {
				return err
			}
			cards, err := store.All(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				out := json.NewEncoder(cmd.OutOrStdout())
				for _, c := range cards {
					if err := out.Encode(c); err != nil {
						return err
					}
				}
				return nil
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			if len(cards) > 0 {
				fmt.Fprintln(table, "id\tstate\tfrom\tto\tcategories\ttitle")
			}
			for _, c := range cards {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.State, dayOf(c.From, 0), dayOf(c.To, 1), strings.Join(c.Categories, " "), supplement.In(c.Title, "en"))
			}
			return table.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line, as \"put\" reads it")
	return cmd
}

// dayOf is the day of a moment, in UTC, or of the one that many days earlier; "-" for none.
func dayOf(seconds int64, earlier int) string {
	if seconds == 0 {
		return "-"
	}
	return time.Unix(seconds, 0).UTC().AddDate(0, 0, -earlier).Format(time.DateOnly)
}

func campaignShow(d *dir) *cobra.Command {
	var picture string
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show a card",
		Example: `  $ khien campaign show otp-codes > card.json`,
		Args:    exactly(1, "a card"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := d.campaigns()
			if err != nil {
				return err
			}
			c, err := store.Get(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if picture != "" {
				if len(c.Picture) == 0 {
					return fmt.Errorf("%s has no picture", args[0])
				}
				if err := os.WriteFile(picture, c.Picture, 0o644); err != nil {
					return err
				}
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			out.SetIndent("", "  ")
			return out.Encode(c)
		},
	}
	cmd.Flags().StringVar(&picture, "picture", "", "also write its picture to this `file`")
	return cmd
}

func campaignPut(d *dir) *cobra.Command {
	var draft bool
	cmd := &cobra.Command{
		Use: "put FILE.json", Short: "Write a card, or a new version of one",
		Long: `Reads a card as a JSON object, checks it, and has it published with the next release, from its
first day to its last one. The same id replaces the card that had it.

  id          lower-case letters, digits and dashes
  title       by language, at most 120 bytes each; a card is for those who read one of them
  text        in the same languages, at most 800 bytes each
  picture     a file beside this one: PNG, JPEG or WebP. A small JPEG is made of it.
  alt         what the picture shows, by language
  link        https, at most 300 bytes
  categories  kinds of scam after whose warning it is shown, as "khien import --help" lists them
  platforms   where it is shown: ` + strings.Join(campaign.Platforms[:5], ", ") + `,
              ` + strings.Join(campaign.Platforms[5:], ", ") + `; everywhere if there is none
  from, to    days in UTC, such as 2026-11-24; from now, and for ever, if there is none`,
		Example: `  $ cat card.json
  {"id": "otp-codes", "title": {"en": "Nobody needs your code", "vi": "Không ai cần mã của bạn"},
   "text": {"en": "Never pass it on.", "vi": "Đừng đưa cho ai."}, "categories": ["otp"], "to": "2027-01-31"}
  $ khien campaign put card.json`,
		Args: exactly(1, "a file with a card"),
	}
	cmd.Flags().BoolVar(&draft, "draft", false, "keep it as a draft, which is not published")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		card, err := readCard(args[0])
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		store, err := d.campaigns()
		if err != nil {
			return err
		}
		state, verb := campaign.Published, audit.PublishCard
		if draft {
			state, verb = campaign.Draft, audit.DraftCard
		}
		err = d.act(cmd.Context(), audit.Act{Verb: verb, Object: audit.Object{Kind: audit.OfCard, ID: card.ID}}, func() error { return store.Put(cmd.Context(), actor(), card, state) })
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		if draft {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s is a draft\n", card.ID)
		} else {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s goes out with the next release: run \"khien publish\"\n", card.ID)
		}
		return nil
	}
	return cmd
}

// readCard reads a card and the picture beside it.
func readCard(path string) (supplement.Card, error) {
	file, err := os.Open(path)
	if err != nil {
		return supplement.Card{}, err
	}
	defer file.Close()
	card, picture, err := campaign.ReadFile(file)
	if err != nil || picture == "" {
		return card, err
	}
	raw, err := blob.ReadPlain(filepath.Join(filepath.Dir(path), filepath.Base(picture)), campaign.MaxUpload)
	if err != nil {
		return card, err
	}
	card.Picture, err = campaign.Picture(raw)
	return card, err
}

func campaignWithdraw(d *dir) *cobra.Command {
	return &cobra.Command{
		Use: "withdraw ID", Short: "Take a card out of the next release",
		Example: `  $ khien campaign withdraw otp-codes`,
		Args:    exactly(1, "a card"),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := d.campaigns()
			if err != nil {
				return err
			}
			err = d.act(cmd.Context(), audit.Act{Verb: audit.WithdrawCard, Object: audit.Object{Kind: audit.OfCard, ID: args[0]}}, func() error { return store.Withdraw(cmd.Context(), actor(), args[0]) })
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s leaves with the next release: run \"khien publish\"\n", args[0])
			return nil
		},
	}
}

// demoCampaigns writes the demo's cards into an empty store.
func (d *dir) demoCampaigns(ctx context.Context) (added int, err error) {
	store, err := d.campaigns()
	if err != nil {
		return 0, err
	}
	have, err := store.List(ctx, db.Place{}, 1)
	if err != nil || len(have.Rows) > 0 {
		return 0, err
	}
	var cards []supplement.Card
	if err := json.Unmarshal(demoCards, &cards); err != nil {
		return 0, err
	}
	for _, card := range cards {
		card.Title, card.Text = supplement.Texts(texts.Every("cards.txt", card.ID+".title")), supplement.Texts(texts.Every("cards.txt", card.ID+".text"))
		if err := store.Put(ctx, actor(), card, campaign.Published); err != nil {
			return added, err
		}
		added++
	}
	return added, nil
}
