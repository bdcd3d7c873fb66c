package feed

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// clock reads the dates of a field.
type clock struct {
	Moment
	zone *time.Location
}

func newClock(m *Moment) *clock {
	if m == nil {
		return nil
	}
	zone, err := time.LoadLocation(m.Zone)
	if err != nil { // Check has seen to that
		zone = time.UTC
	}
	return &clock{*m, zone}
}

// customary are the layouts of which none can be taken for another.
var customary = []string{
	time.RFC3339, time.DateTime, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 Z0700", "2006-01-02 15:04", "2006-01-02T15:04", "2006/01/02 15:04:05", "2006/01/02 15:04", "2006/1/2", time.RFC1123, time.RFC1123Z, "unix", "unix-ms",
}

// known are the layouts that are tried.
func (m *Moment) known() []string {
	if len(m.Layouts) == 0 {
		return customary
	}
	return m.Layouts
}

// read is when a text says, in Unix seconds; 0 for nothing.
func (c *clock) read(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if len(text) > 64 {
		return 0, fmt.Errorf("%s: %w", c.Field, ErrDate)
	}
	for _, layout := range c.known() {
		if when, ok := c.parse(layout, text); ok && when > 0 && when <= latest {
			return when, nil
		}
	}
	return 0, fmt.Errorf("%s: %w", c.Field, ErrDate)
}

func (c *clock) parse(layout, text string) (int64, bool) {
	switch layout {
	case "unix", "unix-ms":
		n, err := strconv.ParseFloat(text, 64)
		if layout == "unix-ms" {
			n /= 1000
		}
		return int64(n), err == nil && n >= earliest && n <= latest
	case "days", "days-1904":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= 1 && n < 2958466) {
			return 0, false
		}
		if layout == "days-1904" {
			n += 1462
		}
		day := time.Date(1899, 12, 30, 0, 0, 0, 0, c.zone).AddDate(0, 0, int(n))
		return day.Add(time.Duration((n - float64(int(n))) * 24 * float64(time.Hour))).Round(time.Second).Unix(), true
	}
	if c.Era != 0 {
		text = c.common(layout, text)
	}
	when, err := time.ParseInLocation(layout, text, c.zone)
	return when.Unix(), err == nil
}

// common puts the year of the common calendar for that in front of a date: 114/11/27, 1141127.
func (c *clock) common(layout, text string) string {
	rest := strings.TrimPrefix(layout, "2006")
	digits := len(text) - len(strings.TrimLeft(text, "0123456789")) - (len(rest) - len(strings.TrimLeft(rest, "0123456789")))
	if digits <= 0 {
		return text
	}
	year, err := strconv.Atoi(text[:digits])
	if err != nil {
		return text
	}
	return fmt.Sprintf("%04d%s", year+c.Era, text[digits:])
}
