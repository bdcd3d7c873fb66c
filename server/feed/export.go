package feed

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"khien/server/ledger"
	"khien/shared/texts"
)

// WriteCSV writes indicators as CSV (RFC 4180) with a header, which Read reads again. The column url is the address at
// which each was first seen, or else the one that its subject has; it may be empty. A cell that a spreadsheet would
// take for a formula begins with an apostrophe (OWASP, "CSV Injection").
func WriteCSV(w io.Writer, list iter.Seq2[ledger.Indicator, error]) error {
	out := csv.NewWriter(w)
	header := []string{"subject", "url", "category"}
	for _, lang := range texts.All() {
		header = append(header, "reason_"+lang)
	}
	out.Write(append(header, "first_seen", "lapses", "reference", "source"))
	for i, err := range list {
		if err != nil {
			return fmt.Errorf("couldn't export: %w", err)
		}
		record := []string{string(i.Subject), i.Open(), i.Category.Slug()}
		for _, lang := range texts.All() {
			record = append(record, i.Reason[lang])
		}
		record = append(record, written(i.FirstSeen), written(i.Lapses), i.Reference, i.By())
		for n := range record {
			record[n] = Cell(record[n])
		}
		out.Write(record)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("couldn't export: %w", err)
	}
	return nil
}

func written(moment int64) string {
	if moment == 0 {
		return ""
	}
	return time.Unix(moment, 0).UTC().Format(time.RFC3339)
}

// Cell puts an apostrophe before what a spreadsheet would calculate, and before an
// apostrophe, so that unguard can take exactly one away. Blanks before it do not help.
func Cell(cell string) string {
	begin := strings.TrimLeft(cell, " \u00a0")
	if begin != "" && strings.ContainsRune("=+-@\t\r\n'", rune(begin[0])) || strings.Contains(cell, "\n") {
		return "'" + cell
	}
	return cell
}

func unguard(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && Cell(rest) == cell {
		return rest
	}
	return cell
}
