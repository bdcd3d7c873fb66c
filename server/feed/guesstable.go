package feed

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
)

// table finds the separator and the header.
func (g *guess) table(text string) bool {
	var best [][]string
	comma, most := ',', 0
	for _, c := range "\t;,|" {
		r := csv.NewReader(&lineEnds{r: strings.NewReader(text)})
		r.Comma, r.LazyQuotes, r.FieldsPerRecord = c, true, -1
		var rows [][]string
		counts := map[int]int{}
		for len(rows) < maxSample {
			row, err := r.Read()
			if err != nil {
				break
			}
			rows = append(rows, row[:min(len(row), maxFields)])
			counts[len(row)]++
		}
		score := 0
		for n, times := range counts {
			if n > 1 && times*2 > len(rows)-times {
				score = max(score, n*times)
			}
		}
		if score > most {
			best, comma, most = rows, c, score
		}
	}
	if best == nil {
		for row := range strings.Lines(text) {
			best = append(best, []string{strings.TrimSpace(row)})
			if len(best) == maxSample {
				break
			}
		}
		if _, ok := headerIn(best); !ok {
			return false
		}
	}
	g.Format, g.Separator = "csv", string(comma)
	if comma == '\t' {
		g.Format, g.Separator = "tsv", ""
	}
	g.say("%q parts the columns", comma)
	g.rows(best)
	return true
}

func isThing(text string) bool {
	_, _, err := thing(text, "")
	return err == nil
}

// partedBy are the signs that part several things in one field.
const partedBy = ";,"

// isParted tells whether a field holds several things that could be listed, and nothing else.
func isParted(text string) bool {
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(partedBy, r) })
	return len(parts) > 1 && !isThing(text) && !slices.ContainsFunc(parts, func(part string) bool { return !isThing(strings.TrimSpace(part)) })
}

// headerIn finds the row that names the columns: the first with words for columns, and nothing that could be listed.
func headerIn(rows [][]string) (int, bool) {
	for i, row := range rows[:min(len(rows), maxTitles)] {
		named, things := 0, 0
		for n, cell := range row {
			if n == 0 {
				cell = strings.TrimLeft(strings.TrimSpace(cell), "#")
			}
			if roleOf(cell) != "" {
				named++
			}
			if isThing(strings.TrimSpace(cell)) {
				things++
			}
		}
		if named > 0 && things == 0 && (len(row) == 1 || named > 1 || len(row) < 4) {
			return i, true
		}
	}
	return 0, false
}

// rows makes columns of rows.
func (g *guess) rows(rows [][]string) {
	header, ok := headerIn(rows)
	g.Header = ok
	if ok {
		for n, cell := range rows[header] {
			if n == 0 {
				cell = strings.TrimLeft(strings.TrimSpace(cell), "#")
			}
			g.columns = append(g.columns, column{name: strings.Join(strings.Fields(cell), " ")})
		}
		rows = rows[header+1:]
		g.say("row %d names the columns", header+1)
		if len(rows) > 0 && slices.ContainsFunc(rows[0], func(cell string) bool { return roleOf(cell) == "value" }) {
			g.HeaderLines, rows = 2, rows[1:]
			g.say("and so does the row below")
		}
	}
	for _, row := range rows {
		if isBlank(row) || strings.HasPrefix(strings.TrimSpace(row[0]), "#") {
			continue
		}
		for n, cell := range row {
			for !ok && n >= len(g.columns) {
				g.columns = append(g.columns, column{name: fmt.Sprint(len(g.columns) + 1)})
			}
			if cell = unguard(strings.TrimSpace(cell)); n < len(g.columns) && cell != "" {
				g.columns[n].samples = append(g.columns[n].samples, cell)
			}
		}
	}
}

// book reads the first rows of a spreadsheet.
func (g *guess) book() error {
	b, err := openBook(bytes.NewReader(g.begin))
	if err != nil {
		return err
	}
	s, err := b.open("")
	if err != nil {
		return err
	}
	g.Format = "xlsx"
	var rows [][]string
	for len(rows) < maxSample {
		r, err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		rows = append(rows, slices.Clone(r.cells[:min(len(r.cells), maxFields)]))
	}
	g.say("it is a spreadsheet; its first sheet is %s", s.name)
	g.rows(rows)
	return nil
}
