package console

import (
	"khien/server/triage"
	"khien/server/words"
)

// chart is reports by day as bars, in the units of an SVG that is Wide by chartHigh.
type chart struct {
	Bars []bar
	Wide int
	Says string // it in words
}

type bar struct {
	X, Y, High int
	Says       string
}

const (
	chartHigh = 56
	chartDays = 30
	barStep   = 14
)

// draw draws the last days on which reports came, with the days between them.
func draw(lang string, days []triage.Day) chart {
	if len(days) == 0 {
		return chart{}
	}
	const length = 24 * 60 * 60
	last := days[len(days)-1].Start
	most, first := 1, max(days[0].Start, last-(chartDays-1)*length)
	counts := map[int64]int{}
	for _, d := range days {
		if d.Start >= first {
			counts[d.Start] = d.Reports
			most = max(most, d.Reports)
		}
	}
	c := chart{Wide: int((last-first)/length+1)*barStep - 4}
	total, x := 0, 0
	for start := first; start <= last; start += length {
		n := counts[start]
		total += n
		if high := n * (chartHigh - 4) / most; n > 0 {
			high = max(high, 3)
			c.Bars = append(c.Bars, bar{x, chartHigh - high, high, words.Day(lang, start) + ": " + count(lang, "case.reports", n)})
		}
		x += barStep
	}
	c.Says = say(lang, "case.chart", count(lang, "case.reports", total), words.Day(lang, first), words.Day(lang, last))
	return c
}
