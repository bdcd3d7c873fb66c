package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"khien/server/inbox"
	"khien/server/ledger"
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
}

// flood stores reports about some subjects, each from a source of its own as if each had done its work, gathers them into cases, and
// settles what nobody has decided. With links, each page leads to as many invented places as a report may name.
func (l *load) flood(reports, subjects int, links bool) (r flooded, err error) {
	r.Reports, r.Subjects, r.Sources = reports, subjects, reports
	if l.folder, err = os.MkdirTemp("", "khien-flood-"); err != nil {
		return r, err
	}
	defer os.RemoveAll(l.folder)
	box, err := inbox.Open(filepath.Join(l.folder, "inbox.db"))
	if err != nil {
		return r, err
	}
	defer box.Close()
	desk, err := triage.Open(filepath.Join(l.folder, "triage.db"))
	if err != nil {
		return r, err
	}
	defer desk.Close()
	book, err := ledger.Open(filepath.Join(l.folder, "ledger.db"))
	if err != nil {
		return r, err
	}
	defer book.Close()
	ctx, start := context.Background(), time.Now()
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
				}, id[8:], start.Unix())
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
	start = time.Now()
	if _, err := desk.Gather(ctx, box); err != nil {
		return r, err
	}
	r.Gathered = time.Since(start).Seconds()
	found := 0
	for from := 0; from == r.Rows; from += 1000 {
		cases, total, err := desk.Queue(ctx, triage.StateOpen, false, from, 1000)
		if err != nil {
			return r, err
		}
		for _, c := range cases {
			r.Largest = max(r.Largest, c.Subjects)
			found += c.Subjects
		}
		if r.Rows += len(cases); r.Rows == total {
			break
		}
	}
	if _, err := desk.Settle(ctx, book, box); err != nil {
		return r, err
	}
	for _, err := range book.Active(ctx, start.Unix()) {
		if err != nil {
			return r, err
		}
		r.Published++
	}
	if found != subjects || !links && r.Rows != subjects || r.Largest > triage.MaxSubjects || r.Published > 0 {
		return r, errors.New("a flood has done more than fill a row for each subject")
	}
	return r, nil
}
