package public

import (
	"khien/server/words"
)

// A chart is drawn here, as SVG without script and without a style of its own: shapes have classes, and the style
// sheet gives these their colours, light and dark. Beside each stands a table with the same numbers.

// chart is a drawing of bars, in the units of its viewBox.
type chart struct {
	ID, Title, Says string // Says tells the whole in a sentence, to who can't see it
	Width, Height   int
	Bars            []bar
	Labels          []label
	Lines           []int // heights at which a thin line lies
	Head            []string
	Rows            [][]string // of the table
}

type bar struct {
	X, Y, W, H int
	Class      string
	Says       string
}

type label struct {
	X, Y   int
	Anchor string // "start", "middle" or "end"
	Text   string
	Strong bool
}

// The sizes of charts, in units; a phone of 360 px shows 300 of them at full size.
const (
	chartWidth = 640
	columnArea = 200
	barHeight  = 16
	rowHeight  = 3*barHeight + 10
	nameWidth  = 220
	numberArea = 70
)

// charted is what the page of figures shows.
type statistics struct {
	Figures
	Weekly, Kinds, Places chart
}

func charted(lang string, f Figures) statistics {
	return statistics{f, weekly(lang, f.Weeks),
		rows(lang, "kinds", "chart.kinds", "chart.kind", f.Kinds, func(name string) string { return kindName(lang, name) }),
		rows(lang, "places", "chart.places", "chart.place", f.Places, func(name string) string { return placeName(lang, name) })}
}

// weekly draws three columns for each week.
func weekly(lang string, weeks []Week) chart {
	c := chart{ID: "weekly", Title: say(lang, "chart.weekly"), Width: chartWidth, Height: columnArea + 50,
		Head: []string{say(lang, "chart.week"), say(lang, "figure.reports"), say(lang, "figure.listed"), say(lang, "figure.removed")}}
	most, reports, listed, removed := 1, 0, 0, 0
	for _, w := range weeks {
		most = max(most, w.Reports, w.Listed, w.Removed)
		reports, listed, removed = reports+w.Reports, listed+w.Listed, removed+w.Removed
	}
	c.Says = said.Count(lang, "chart.weekly.says", len(weeks), words.Digits(lang, reports), words.Digits(lang, listed), words.Digits(lang, removed))
	top := round(most)
	const left, bottom = 64, columnArea + 16
	for _, part := range []int{0, 1, 2} {
		y := bottom - columnArea*part/2
		c.Lines = append(c.Lines, y)
		c.Labels = append(c.Labels, label{X: left - 8, Y: y + 4, Anchor: "end", Text: words.Digits(lang, top*part/2)})
	}
	step := (chartWidth - left) / max(len(weeks), 1)
	width := max((step-10)/3, 2)
	for i, w := range weeks {
		x := left + i*step + 4
		for n, value := range []int{w.Reports, w.Listed, w.Removed} {
			h := columnArea * value / top
			if value > 0 {
				h = max(h, 2)
			}
			c.Bars = append(c.Bars, bar{X: x + n*width, Y: bottom - h, W: max(width-1, 1), H: h, Class: [...]string{"reports", "listed", "removed"}[n]})
		}
		if i%3 == 0 {
			c.Labels = append(c.Labels, label{X: x, Y: bottom + 20, Anchor: "start", Text: words.Day(lang, w.Start)})
		}
		c.Rows = append(c.Rows, []string{words.Day(lang, w.Start), words.Digits(lang, w.Reports), words.Digits(lang, w.Listed), words.Digits(lang, w.Removed)})
	}
	return c
}

// maxRows bounds the bars of a chart; the table has all.
const maxRows = 12

// rows draws three bars for each, the most listed on top.
func rows(lang, id, title, head string, counts []Count, name func(string) string) chart {
	c := chart{ID: id, Title: say(lang, title), Width: chartWidth,
		Head: []string{say(lang, head), say(lang, "figure.reports"), say(lang, "figure.listed"), say(lang, "figure.removed")}}
	most, reports, listed, removed := 1, 0, 0, 0
	for _, one := range counts {
		most = max(most, one.Reports, one.Listed, one.Removed)
		reports, listed, removed = reports+one.Reports, listed+one.Listed, removed+one.Removed
		c.Rows = append(c.Rows, []string{name(one.Name), words.Digits(lang, one.Reports), words.Digits(lang, one.Listed), words.Digits(lang, one.Removed)})
	}
	shown := counts[:min(len(counts), maxRows)]
	for i, one := range shown {
		y := i * rowHeight
		c.Labels = append(c.Labels, label{X: nameWidth - 10, Y: y + rowHeight/2 + 3, Anchor: "end", Text: short(name(one.Name))})
		for n, value := range []int{one.Reports, one.Listed, one.Removed} {
			w := (chartWidth - nameWidth - numberArea) * value / most
			if value > 0 {
				w = max(w, 2)
			}
			c.Bars = append(c.Bars, bar{X: nameWidth, Y: y + 4 + n*barHeight, W: w, H: barHeight - 4, Class: [...]string{"reports", "listed", "removed"}[n]})
			c.Labels = append(c.Labels, label{X: nameWidth + w + 8, Y: y + 15 + n*barHeight, Anchor: "start", Text: words.Digits(lang, value), Strong: n == 1})
		}
	}
	c.Height = max(len(shown)*rowHeight, 1)
	first := ""
	if len(counts) > 0 {
		first = name(counts[0].Name)
	}
	c.Says = say(lang, "chart.rows.says", words.Digits(lang, reports), words.Digits(lang, listed), words.Digits(lang, removed), words.Digits(lang, len(counts)), first)
	return c
}

// short bounds a label; the table has the whole.
func short(text string) string {
	if r := []rune(text); len(r) > 27 {
		return string(r[:26]) + "…"
	}
	return text
}

// round is the next number above that reads well on an axis: 2, 4, 10, 20, 40, 100 and so on.
func round(n int) int {
	for top := 2; ; top *= 10 {
		for _, k := range []int{1, 2, 5} {
			if top*k >= n {
				return top * k
			}
		}
	}
}
