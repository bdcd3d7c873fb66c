package main

import (
	"cmp"
	"context"
	crand "crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"khien/server/audit"
	"khien/server/db"
	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/httpd"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/staff"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/texts"
	"khien/shared/wire"
)

// demoWeek is an invented week of reports and decisions: reserved domains, and ids and names that nobody has.
//
//go:embed demo.json
var demoWeek []byte

// demoThing is one thing that people report in the invented week.
type demoThing struct {
	About    string     `json:"about"`    // an address, or a canonical subject
	Category string     `json:"category"` // that reports name
	Leads    []string   `json:"leads"`    // where links on it lead, canonical
	Days     []int      `json:"days"`     // how many days ago each report came
	Said     [][]string `json:"said"`     // language, title, note; in turn
	// What was decided: "" (open), list, reject, ask, propose, or "decided" (list, not published yet).
	Done    string `json:"done"`
	Day     int    `json:"day"` // how many days ago
	By      string `json:"by"`
	Why     string `json:"why"`
	Mistake string `json:"mistake"` // what somebody says who finds that it is wrongly listed
}

func demoCommand(d *dir) *cobra.Command {
	var origin, server string
	cmd := &cobra.Command{
		Use: "demo", Short: "Fill an empty console with an invented week",
		Long: `Puts some hundred invented reports of the last seven days into an empty inbox, in Vietnamese
and English, and decides about some of them, so that the console shows what working with
it is like. Nothing in it is real: reserved domains, and numbers and names that nobody has.
Where nothing is listed yet, the week begins with the demo list of "khien init --demo"; run
before that, the audit log tells all of it in the order of time.

As long as nobody has a passkey, it also prints links that let you into the console, each
good once: as an approver, who decides, and as an admin, who says who may enter. They are
invented as the week is: their word counts at once. Where anybody else was invited, there is
no such link.

With --server, two invented sources are connected where there is none: the demo list as a file,
and a partner's TAXII server, which "khien serve --demo" plays.`,
		Example: `  $ khien demo
  http://localhost:8788/invite/X3vP…`,
		Args: none,
	}
	cmd.Flags().StringVar(&origin, "console-origin", consoleAt, "how browsers see the console, as for \"khien serve\"")
	cmd.Flags().StringVar(&server, "server", "", "where \"khien serve --demo\" will be, such as http://127.0.0.1:8787, to connect the demo's sources")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, words := cmd.Context(), cmd.ErrOrStderr()
		// What was a week ago comes into the log before what is now.
		n, err := d.week(ctx, time.Now().Unix())
		if err != nil {
			return err
		}
		if n > 0 {
			fmt.Fprintf(words, "an invented week: %s\n", counted(n, "report", "reports"))
		}
		if server != "" {
			if err := d.sourcesInDemo(ctx, words, server); err != nil {
				return err
			}
		}
		people, err := d.staff()
		if err != nil {
			return err
		}
		all, err := people.All(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(p staff.Person) bool { return len(p.Passkeys) > 0 }) {
			for _, one := range []struct {
				name, says string
				role       staff.Role
			}{
				{"an", "As an, an admin, who says who may enter", staff.Admin},
				{"linh", "As linh, an approver, who decides and publishes", staff.Approver},
			} {
				var link string
				err := d.act(ctx, audit.Act{Verb: audit.Invite, Object: person(one.name), Args: audit.Args{Role: string(one.role)}, Why: audit.Why{Text: "for the demo"}}, func() (err error) {
					link, err = people.Cast(ctx, one.name, one.role)
					return err
				})
				if err != nil {
					return err
				}
				fmt.Fprintf(words, "%s:\n  ", one.says)
				fmt.Fprintf(cmd.OutOrStdout(), "%s/invite/%s\n", strings.TrimSuffix(origin, "/"), link)
			}
		}
		return nil
	}
	return cmd
}

// week fills an empty inbox with the invented week that ends now, and returns how many reports it has.
func (d *dir) week(ctx context.Context, now int64) (int, error) {
	var things []demoThing
	if err := json.Unmarshal(demoWeek, &things); err != nil {
		return 0, err
	}
	box, err := d.inbox()
	if err != nil {
		return 0, err
	}
	defer box.Close()
	if _, total, err := box.List(ctx, "", 1); err != nil || total > 0 {
		return 0, err
	}
	if _, err := d.demo(ctx, now-7*day); err != nil {
		return 0, err
	}
	desk, err := d.desk()
	if err != nil {
		return 0, err
	}
	takedowns, err := d.lettersInDemo(desk)
	if err != nil {
		return 0, err
	}
	p, err := d.publisher()
	if err != nil {
		return 0, err
	}
	p.ClockIsRight = true // its days are past
	impact, err := d.impact()
	if err != nil {
		return 0, err
	}
	release := func(why string, at int64) error {
		plan, err := desk.PlanAlone(ctx, p, impact, at, false)
		if err != nil {
			return err
		}
		defer plan.Close()
		_, err = desk.ReleasePlanned(ctx, p, box, "mai", audit.Why{Text: why}, at, plan)
		return err
	}

	// Day by day, as it happened: reports come, and somebody decides. What was decided is published three days ago,
	// platforms are asked about it, and what was decided since is published now.
	dice := rand.New(rand.NewPCG(7, 7))
	clock := now
	desk.SetClock(func() int64 { return clock })
	sent := 0
	var asked []asking
	for ago := 6; ago >= 0; ago-- {
		morning := now - int64(ago)*day - 9*60*60
		var today []demoReport
		for _, t := range things {
			for i, days := range t.Days {
				if days == ago {
					today = append(today, t.report(i, morning+int64(dice.IntN(8*60*60))))
				}
			}
			if t.Mistake != "" && ago == 0 {
				r := t.report(0, morning+int64(dice.IntN(8*60*60)))
				r.Kind, r.Category, r.Title, r.Note = wire.KindMistake, "", "", t.Mistake
				today = append(today, r)
			}
		}
		slices.SortFunc(today, func(a, b demoReport) int { return int(a.Time - b.Time) })
		for _, r := range today {
			if err := r.send(ctx, box); err != nil {
				return sent, err
			}
			sent++
		}
		clock = morning + 8*60*60
		if ago == 0 {
			clock = now
			if asked, err = moves(ctx, takedowns, asked, now); err != nil {
				return sent, err
			}
			if err := release("what was decided until yesterday", now); err != nil {
				return sent, err
			}
		}
		if _, err := desk.Gather(ctx, box); err != nil {
			return sent, err
		}
		if asked, err = moves(ctx, takedowns, asked, clock); err != nil {
			return sent, err
		}
		for _, t := range things {
			if t.Done == "" || t.Day != ago {
				continue
			}
			if ago > 0 {
				clock += int64(60 + dice.IntN(240))
			}
			if asked, err = moves(ctx, takedowns, asked, clock); err != nil {
				return sent, err
			}
			if err := t.decide(ctx, desk, clock); err != nil {
				return sent, fmt.Errorf("%s: %w", t.About, err)
			}
		}
		if ago == 3 {
			clock = now - 71*hour
			if err := release("what was decided until today", clock); err != nil {
				return sent, err
			}
			if asked, err = askedInDemo(ctx, takedowns, p.Ledger, now-70*hour, now); err != nil {
				return sent, err
			}
		}
	}
	return sent, nil
}

// sourcesInDemo connects two sources where there is none, and asks the one that is a file.
func (d *dir) sourcesInDemo(ctx context.Context, words io.Writer, server string) error {
	x, err := d.exchange()
	if err != nil {
		return err
	}
	if all, err := x.List(ctx); err != nil || len(all) > 0 {
		return err
	}
	file, err := filepath.Abs(filepath.Join(d.path, "demo-list.csv"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, httpd.DemoList, 0o600); err != nil {
		return err
	}
	columns := feed.Preset{Name: "demo", Title: "The demo list", Format: "csv", Header: true, Value: feed.Values{"url"}, Category: &feed.Choice{Field: "category"}, Meaning: feed.Full}
	partner, err := presetNamed("taxii")
	if err != nil {
		return err
	}
	for _, s := range []exchange.Source{
		{Name: "demo-list", Address: file, Preset: columns, Trust: exchange.List},
		{Name: "demo-partner", Title: "Invented partner", Address: strings.TrimSuffix(server, "/") + httpd.DemoTAXII, Preset: partner, Private: true, Plain: true},
	} {
		if err := x.Add(ctx, actor(), s); err != nil {
			return err
		}
	}
	if _, err := x.Run(ctx, actor(), "demo-list", nil); err != nil {
		return err
	}
	fmt.Fprintln(words, "two invented sources: demo-list, a file, and demo-partner, which this server plays")
	return nil
}

// demoSender is who writes the letters of the demo.
const demoSender = `# Who writes letters to platforms: put your own here.
organisation Invented Office against Scams
contact takedown@office.example
domain office.example
`

const hour = 60 * 60

// lettersInDemo says who writes to platforms, and opens what they were asked.
func (d *dir) lettersInDemo(desk *triage.Desk) (*takedown.Store, error) {
	if err := os.MkdirAll(d.letters(), 0o700); err != nil {
		return nil, err
	}
	sender := filepath.Join(d.letters(), "sender.txt")
	if _, err := os.Stat(sender); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(sender, []byte(demoSender), 0o600); err != nil {
			return nil, err
		}
	}
	return d.takedownsOf(desk)
}

// asking is a step of a takedown case that is still to come in the invented week.
type asking struct {
	at   int64 // Unix seconds
	of   int64
	step takedown.Move
}

// askedInDemo is what platforms are asked from a time on about what is listed, and how they answer, in the order of
// time.
func askedInDemo(ctx context.Context, takedowns *takedown.Store, book *ledger.Ledger, began, now int64) (asked []asking, err error) {
	if _, err := takedowns.Follow(ctx, book, began); err != nil {
		return nil, err
	}
	cases, err := takedowns.List(ctx, takedown.Filter{}, db.Place{}, 1000)
	if err != nil {
		return nil, err
	}
	// By turns: gone within a day, late, answered, refused, and not written to yet.
	stories := [][]takedown.State{
		{takedown.Sent, takedown.ActionTaken}, {takedown.Sent}, {takedown.Sent, takedown.Acknowledged, takedown.ActionTaken}, {takedown.Sent, takedown.Refused}, {},
	}
	for i, c := range cases.Rows {
		at := began + int64(2+i%7)*hour
		for n, state := range stories[i%len(stories)] {
			m := takedown.Move{Actor: "mai", To: state}
			if n == 0 {
				m.Why = "by the form"
			} else if n == 1 {
				m.Theirs = fmt.Sprintf("%s-%05d", strings.ToUpper(c.Platform[:2]), 4711+i)
			}
			asked = append(asked, asking{at, c.ID, m})
			at = min(at+int64(9+5*(i%6))*hour, now)
		}
	}
	slices.SortStableFunc(asked, func(a, b asking) int { return cmp.Compare(a.at, b.at) })
	return asked, nil
}

// moves takes the steps that have come until a time, and returns those that are still to come.
func moves(ctx context.Context, takedowns *takedown.Store, asked []asking, until int64) ([]asking, error) {
	for len(asked) > 0 && asked[0].at <= until {
		if _, err := takedowns.Move(ctx, asked[0].of, asked[0].step, asked[0].at); err != nil {
			return nil, err
		}
		asked = asked[1:]
	}
	return asked, nil
}

// demoReport is a report on its way.
type demoReport struct{ wire.Report }

// report is the nth report about a thing.
func (t demoThing) report(n int, at int64) demoReport {
	r := wire.Report{Kind: wire.KindScam, Time: at, Category: t.Category, Language: "vi", Links: t.Leads}
	if strings.Contains(t.About, "://") {
		r.Href = t.About
	}
	if len(t.Said) > 0 {
		said := t.Said[n%len(t.Said)]
		r.Language = said[0]
		if n < len(t.Said) {
			r.Title, r.Note = said[1], said[2]
		} else {
			r.Title = said[1]
		}
	}
	names, err := feed.Named(t.About)
	if err == nil {
		for _, s := range names {
			r.Subjects = append(r.Subjects, string(s))
		}
	}
	return demoReport{r}
}

func (r demoReport) send(ctx context.Context, box *inbox.Inbox) error {
	var from [8]byte
	r.ID = make([]byte, inbox.IDSize)
	crand.Read(r.ID)
	crand.Read(from[:])
	_, _, err := box.Accept(ctx, r.Report, from[:], r.Time)
	return err
}

// decide does to the case of a thing what was done.
func (t demoThing) decide(ctx context.Context, desk *triage.Desk, at int64) error {
	names, err := feed.Named(t.About)
	if err != nil {
		return err
	}
	c, err := desk.Find(ctx, names)
	if err != nil {
		return err
	}
	kind, _ := category.Parse(t.Category)
	d := triage.Decision{Actor: t.By, Why: audit.Why{Text: t.Why}}
	switch t.Done {
	case "reject":
		d.Action, d.Reason = triage.Reject, map[string]string{"en": "We looked at it and found nothing dishonest.", "vi": "Chúng tôi đã xem và không thấy điều gì gian dối."}
	case "ask":
		d.Action, d.Reason = triage.Ask, map[string]string{"en": "Please tell us what happened and what was paid.", "vi": "Xin kể cho chúng tôi chuyện gì đã xảy ra và bạn đã trả gì."}
	default:
		d.Action, d.Lists, d.Category, d.Lapses = triage.List, triage.Only(c.Subject), kind, at+defaultLife*day
		d.Reason = map[string]string{}
		for _, lang := range texts.All() {
			d.Reason[lang] = kind.How(lang)
		}
		if t.Done == "propose" {
			d.Impact = triage.Reach{Rule: triage.Popular}
		}
	}
	_, err = desk.Decide(ctx, c.ID, d)
	return err
}
