package exchange

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"khien/server/db"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/server/publish"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
)

// part is how many things are changed in one transaction: whoever else decides waits for no more.
const part = 2000

// Claim is what a source says about something, with the dates of it.
type Claim struct {
	feed.Claim
	Source string // its name
	Shown  string // what the public reads
	Came   int64  // Unix seconds when it first came
	Gone   int64  // Unix seconds since when it is not said any more; 0: it stands
	Turns  int    // how often it came back
	Over   bool   // whether the source was removed
	source int64
}

const selectClaim = `SELECT c.source, s.name, s.config, s.removed, c.subject, c.id, c.address, c.first, c.last, c.came, c.gone, c.lapses, c.turns, c.weight, c.hacked, c.sure,
	c.tlp, c.category, c.reference, c.said FROM claim AS c JOIN source AS s ON s.id = c.source`

func scanClaim(row db.Row) (c Claim, err error) {
	var config string
	var removed int64
	err = row.Scan(&c.source, &c.Source, &config, &removed, &c.Subject, &c.ID, &c.Address, &c.First, &c.Last, &c.Came, &c.Gone, &c.Lapses, &c.Turns, &c.Weight, &c.Hacked,
		&c.Sure, &c.TLP, &c.Category, &c.Reference, &c.Text)
	if err != nil {
		return c, err
	}
	var s Source
	err = json.Unmarshal([]byte(config), &s)
	c.Shown, c.Over = s.Shown(), removed != 0
	return c, err
}

// Claims returns all that was ever claimed about a subject, by the time when it came.
func (x *Exchange) Claims(ctx context.Context, s subject.Subject) ([]Claim, error) {
	list, err := db.All(scanClaim)(x.db.QueryContext(ctx, selectClaim+` WHERE c.subject = ? ORDER BY c.came, c.source`, string(s)))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the claims: %w", err)
	}
	return list, nil
}

// judge decides what all claims about one thing come to.
type judge struct {
	sources map[int64]Status
	far     func(subject.Subject) bool
	now     int64
}

func (x *Exchange) judge(ctx context.Context, q db.Reader, protection *publish.Protection) (*judge, error) {
	all, err := sources(ctx, q)
	if err != nil {
		return nil, err
	}
	j := &judge{map[int64]Status{}, protection.ReachesFar, x.unix()}
	for _, s := range all {
		j.sources[s.ID] = s
	}
	return j, nil
}

// said is what is claimed about one subject, as far as it stands.
type said struct {
	word    ledger.Word
	sources []string // those that say so, by their names
	against []string // those that say it is none, or would not block what is listed
	asks    bool     // what no rule lists, and people could
}

// sure is from how many percent on a source counts as sure.
const sure = 75

// weigh weighs the claims about a subject, which are those of standing sources or not.
func (j *judge) weigh(s subject.Subject, claims []standing, was ledger.Entry, rejected bool) said {
	var all said
	all.word.Subject = s
	var names []string
	var saying, suspecting []standing
	stands := was.Subject != "" && was.Listed(j.now)
	for _, c := range claims {
		of, ok := j.sources[c.source]
		if !ok || of.Removed != 0 || c.lapses <= j.now {
			continue
		}
		switch c.weight {
		case feed.Disputes:
			all.against = append(all.against, of.Name)
		case feed.Context: // what a source has beside a scam, and would not block
			if stands {
				all.against = append(all.against, of.Name)
			}
		case feed.Suspects:
			suspecting = append(suspecting, c)
			all.sources = append(all.sources, of.Name)
		case feed.Lists:
			saying = append(saying, c)
			all.sources = append(all.sources, of.Name)
			if c.tlp != feed.Amber && c.tlp != feed.AmberStrict {
				names = append(names, of.Shown())
			}
		}
	}
	slices.Sort(names)
	slices.Sort(all.sources)
	all.word.SaidBy = strings.Join(names, ", ")
	slices.SortFunc(saying, func(a, b standing) int { return cmp.Or(cmp.Compare(a.came, b.came), cmp.Compare(a.source, b.source)) })
	for _, c := range saying {
		of := j.sources[c.source]
		if all.word.Category == category.Other {
			all.word.Category = c.category
			if c.category == category.Other {
				all.word.Category = of.Category
			}
		}
		all.word.Address = cmp.Or(all.word.Address, c.address)
		if began := cmp.Or(c.first, c.came); all.word.FirstSeen == 0 || began < all.word.FirstSeen {
			all.word.FirstSeen = began
		}
		all.word.Lapses = max(all.word.Lapses, c.lapses)
		lists := of.Trust == List && c.tlp != feed.AmberStrict
		switch of.Rule {
		case Second:
			lists = lists && len(saying) > 1
		case Sure:
			lists = lists && c.sure >= sure
		}
		all.word.Lists = all.word.Lists || lists
	}
	for _, c := range suspecting { // people may list it, no rule does
		all.word.Category = cmp.Or(all.word.Category, c.category, j.sources[c.source].Category)
		all.word.Address = cmp.Or(all.word.Address, c.address)
	}
	if (len(all.against) > 0 || rejected) && !stands || j.far(s) {
		all.word.Lists = false
	}
	all.asks = len(all.sources) > 0 && !all.word.Lists && (!stands || was.Claimed)
	return all
}

// standing is a claim as it is weighed.
type standing struct {
	source                    int64
	subject                   subject.Subject
	address                   string
	first, came, lapses, sure int64
	weight                    feed.Weight
	tlp                       feed.TLP
	category                  category.Category
}

func scanStanding(row db.Row) (c standing, err error) {
	return c, row.Scan(&c.source, &c.subject, &c.address, &c.first, &c.came, &c.lapses, &c.sure, &c.weight, &c.tlp, &c.category)
}

// standingClaims are those about some subjects.
func standingClaims(ctx context.Context, q db.Reader, subjects []subject.Subject) (map[subject.Subject][]standing, error) {
	names, err := json.Marshal(subjects)
	if err != nil {
		return nil, err
	}
	claims := make(map[subject.Subject][]standing, len(subjects))
	for c, err := range db.Each(scanStanding)(q.QueryContext(ctx, `SELECT source, subject, address, first, came, lapses, sure, weight, tlp, category FROM claim
		WHERE subject IN (SELECT value FROM json_each(?)) AND gone = 0`, string(names))) {
		if err != nil {
			return nil, err
		}
		claims[c.subject] = append(claims[c.subject], c)
	}
	return claims, nil
}

// subjectsOf are the next subjects about which a source says something.
func subjectsOf(ctx context.Context, q db.Reader, source int64, after string) ([]subject.Subject, error) {
	return db.All(func(row db.Row) (s subject.Subject, err error) { return s, row.Scan(&s) })(
		q.QueryContext(ctx, `SELECT subject FROM claim WHERE source = ? AND subject > ? AND gone = 0 ORDER BY subject LIMIT ?`, source, after, part))
}

// Leaving is what would leave the list.
type Leaving struct {
	Count int
	First []subject.Subject // at most twenty
}

// Leaves tells what would leave the list if a source were as a person wants it now, or, without that, removed.
func (x *Exchange) Leaves(ctx context.Context, name string, now *Source) (all Leaving, err error) {
	protection, err := x.protect()
	if err != nil {
		return all, err
	}
	s, err := x.get(ctx, x.db, name)
	if err != nil {
		return all, err
	}
	j, err := x.judge(ctx, x.db, protection)
	if err != nil {
		return all, err
	}
	of := j.sources[s.ID]
	if now != nil {
		of.Source = now.Usual()
	} else {
		of.Removed = x.unix()
	}
	j.sources[s.ID] = of
	for last := ""; ; {
		subjects, err := subjectsOf(ctx, x.db, s.ID, last)
		if err != nil || len(subjects) == 0 {
			return all, err
		}
		last = string(subjects[len(subjects)-1])
		claims, err := standingClaims(ctx, x.db, subjects)
		if err != nil {
			return all, err
		}
		there, err := x.ledger.Entries(ctx, subjects)
		if err != nil {
			return all, err
		}
		for _, name := range subjects {
			was, known := there[name]
			if !known || !was.Claimed || !was.Listed(j.now) || j.weigh(name, claims[name], was, false).word.Lists {
				continue
			}
			if all.Count++; len(all.First) < samples {
				all.First = append(all.First, name)
			}
		}
	}
}

// settled counts what a part has changed.
type settled struct{ listed, left, asked int }

// settle has the ledger hear what is claimed about some subjects, and asks people what is to be asked. Lost is whether
// something may be claimed of them no more.
func (x *Exchange) settle(ctx context.Context, tx *sql.Tx, j *judge, actor string, subjects []subject.Subject, lost bool) (done settled, err error) {
	claims, err := standingClaims(ctx, tx, subjects)
	if err != nil {
		return done, err
	}
	book := x.ledger.In(tx)
	there, err := book.Entries(ctx, subjects)
	if err != nil {
		return done, err
	}
	words := make([]ledger.Word, len(subjects))
	rejected, err := triage.Rejected(ctx, tx, subjects)
	if err != nil {
		return done, err
	}
	var questions []triage.Raised
	for i, s := range subjects {
		was, no := there[s], rejected[s]
		all := j.weigh(s, claims[s], was, no)
		words[i] = all.word
		ask := func(kind triage.Kind, of []string) {
			questions = append(questions, triage.Raised{Subject: s, Kind: kind, Sources: of, Category: all.word.Category.Slug(), Address: all.word.Address, Time: j.now})
		}
		stands := was.Subject != "" && was.Listed(j.now)
		switch {
		case len(all.sources) > 0 && (was.Withdrawn != 0 || no && !stands):
			ask(triage.Again, all.sources)
		case all.asks:
			ask(triage.Candidate, all.sources)
		case len(all.sources) == 0 && lost:
			ask(triage.Candidate, nil)
		}
		if len(all.against) > 0 && stands || len(all.against) == 0 && lost {
			ask(triage.Disputed, all.against)
		}
	}
	for _, q := range questions {
		done.asked += min(len(q.Sources), 1)
	}
	if err := triage.Raise(ctx, tx, questions); err != nil {
		return done, err
	}
	done.listed, done.left, err = book.Hear(ctx, actor, words, there)
	return done, err
}

// unsettle notes that what follows from a change of a source is still to come, and that nothing is released before.
func (x *Exchange) unsettle(ctx context.Context, tx *sql.Tx, actor string, s Status, settles bool) error {
	if !settles {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE source SET unsettled = unsettled + 1 WHERE id = ?`, s.ID); err != nil {
		return err
	}
	return x.ledger.Begin(ctx, tx, "change of source "+s.Name, actor, x.unix())
}

// Settle has the ledger hear what follows from a change of a source, in parts. What was broken off is begun again.
func (x *Exchange) Settle(ctx context.Context, name string) error {
	protection, err := x.protect()
	if err != nil {
		return err
	}
	s, err := x.get(ctx, x.db, name)
	if err != nil || !s.Unsettled {
		return err
	}
	for last, more := "", true; more; {
		err := x.db.Change(ctx, func(tx *sql.Tx) error {
			j, err := x.judge(ctx, tx, protection)
			if err != nil {
				return err
			}
			subjects, err := subjectsOf(ctx, tx, s.ID, last)
			if err != nil {
				return err
			}
			if more = len(subjects) == part; len(subjects) > 0 {
				last = string(subjects[len(subjects)-1])
				if _, err := x.settle(ctx, tx, j, "source "+name, subjects, true); err != nil {
					return err
				}
			}
			if more {
				return nil
			}
			done, err := tx.ExecContext(ctx, `UPDATE source SET unsettled = 0 WHERE id = ? AND unsettled = ?`, s.ID, s.unsettled)
			if err != nil {
				return err
			}
			if n, err := done.RowsAffected(); err != nil || n == 0 { // whoever has changed it meanwhile is at it
				return err
			}
			return x.ledger.End(ctx, tx, "change of source "+name)
		})
		if err != nil {
			return fmt.Errorf("couldn't settle what follows for what %s says: %w", name, err)
		}
		x.giveWay(ctx)
	}
	return nil
}
