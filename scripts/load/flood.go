package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"khien/server/db"
	"khien/server/inbox"
	"khien/server/ledger"
	"khien/server/office"
	"khien/server/triage"
	"khien/shared/wire"
)

// flooded is what became of a flood of reports from invented reporters.
type flooded struct {
	Reports   int     `json:"reports"`
	Subjects  int     `json:"subjects"`
	Sources   int     `json:"sources"`
	Rows      int     `json:"queue_rows"`
	Largest   int     `json:"largest_case"` // subjects of it
	Published int     `json:"published"`    // without a decision of a person
	Stored    float64 `json:"stored_s"`
	Gathered  float64 `json:"gathered_s"`
	Honest    int     `json:"honest_on_first_page,omitempty"` // of honestCases
}

// flood stores reports about some subjects, each from a source of its own as if each had done its work, gathers them
// into cases, and settles what nobody has decided. With links, each page leads to as many invented places as a report
// may name. With networks, it comes from so many, and a dozen others report honestly about some other things.
func (l *load) flood(reports, subjects, networks int, links bool) (r flooded, err error) {
	r.Reports, r.Subjects, r.Sources = reports, subjects, reports
	if networks > 0 {
		r.Sources = networks
	}
	if l.folder, err = os.MkdirTemp("", "khien-flood-"); err != nil {
		return r, err
	}
	defer os.RemoveAll(l.folder)
	box, err := inbox.Open(filepath.Join(l.folder, "inbox.db"))
	if err != nil {
		return r, err
	}
	defer box.Close()
	base, err := office.Open(context.Background(), l.folder, l.folder)
	if err != nil {
		return r, err
	}
	defer base.Close()
	desk, book := triage.Open(base), ledger.Open(base)
	ctx, start := context.Background(), time.Now()
	source := func(i int) []byte { return fmt.Appendf(nil, "%08x", i) }
	if networks > 0 { // each about everything
		source = func(i int) []byte { return fmt.Appendf(nil, "%08x", i/subjects%networks) }
	}
	const senders = 256
	var all sync.WaitGroup
	failed := make(chan error, senders)
	for sender := range senders {
		all.Go(func() {
			for i := sender; i < reports; i += senders {
				id := fmt.Appendf(nil, "%016x", i)
				href := fmt.Sprintf("honest-shop-%d.example/", i%subjects)
				var leads []string
				for n := 0; links && n < wire.MaxLinks; n++ {
					leads = append(leads, fmt.Sprintf([]string{"invented-%d.example/", "telegram:user/invented_%d"}[n%2], (i+n*n)%(subjects/2)))
				}
				_, _, err := box.Accept(ctx, wire.Report{
					ID: id, Kind: wire.KindScam, Href: "https://" + href, Subjects: []string{href}, Category: "phishing", Note: "a scam", Language: "vi", Time: start.Unix(), Links: leads,
				}, source(i), start.Unix())
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	if err := <-failed; err != nil {
		return r, err
	}
	r.Stored = time.Since(start).Seconds()
	if networks > 0 {
		if err := honestly(ctx, box, start.Unix()); err != nil {
			return r, err
		}
	}
	start = time.Now()
	if _, err := desk.Gather(ctx, box); err != nil {
		return r, err
	}
	r.Gathered = time.Since(start).Seconds()
	if networks > 0 {
		if r.Honest, err = onFirstPage(ctx, desk); err != nil {
			return r, err
		}
		subjects += honestCases
	}
	found := 0
	for at := (db.Place{}); ; {
		page, err := desk.In(ctx, triage.PartOpen, at, 1000)
		if err != nil {
			return r, err
		}
		for _, c := range page.Rows {
			r.Largest = max(r.Largest, c.Subjects)
			found += c.Subjects
		}
		r.Rows += len(page.Rows)
		if at.Key = page.After; at.Key == "" {
			break
		}
	}
	decided, err := desk.Pending(ctx)
	if err == nil {
		err = desk.Settle(ctx, book, box, decided)
	}
	if err != nil {
		return r, err
	}
	for _, err := range book.Active(ctx, start.Unix()) {
		if err != nil {
			return r, err
		}
		r.Published++
	}
	if networks > 0 && r.Honest < honestCases {
		return r, fmt.Errorf("%d of %d honest cases are on the first page", r.Honest, honestCases)
	}
	if found != subjects || !links && r.Rows != subjects || r.Largest > triage.MaxSubjects || r.Published > 0 {
		return r, errors.New("a flood has done more than fill a row for each subject")
	}
	return r, nil
}

// So many things are reported honestly beside a flood, each from so many networks.
const honestCases, honestNetworks = 20, 12

func honestly(ctx context.Context, box *inbox.Inbox, now int64) error {
	for i := range honestCases {
		for n := range honestNetworks {
			host := fmt.Sprintf("real-scam-%d.example/", i)
			r := wire.Report{ID: fmt.Appendf(nil, "honest%05d%05d", i, n), Kind: wire.KindScam, Href: "https://" + host, Subjects: []string{host}, Category: "shop", Language: "vi", Time: now}
			if _, _, err := box.Accept(ctx, r, fmt.Appendf(nil, "h%03d%03d", i, n), now); err != nil {
				return err
			}
		}
	}
	return nil
}

// onFirstPage counts what was reported honestly on the first page of the queue.
func onFirstPage(ctx context.Context, desk *triage.Desk) (n int, err error) {
	const page = 50
	cases, err := desk.First(ctx, triage.PartOpen, page)
	for _, c := range cases {
		if strings.HasPrefix(string(c.Subject), "real-scam-") {
			n++
		}
	}
	return n, err
}
