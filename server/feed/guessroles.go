package feed

import (
	"regexp"
	"slices"
	"strings"

	"khien/shared/category"
)

// layouts are those of dates that may be taken for one another; the first that fits all samples is taken.
var layouts = [][]string{
	{"02/01/2006 15:04:05", "02/01/2006 15:04", "02/01/2006"}, {"15:04:05 02/01/2006", "15:04 02/01/2006", "02/01/2006"}, {"2/1/2006 15:04:05", "2/1/2006 15:04", "2/1/2006"},
	{"02-01-2006 15:04:05", "02-01-2006 15:04", "02-01-2006"}, {"02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006"}, {"2.1.2006"},
	{"01/02/2006 15:04:05", "01/02/2006 15:04", "01/02/2006"}, {"1/2/2006 15:04:05", "1/2/2006 15:04", "1/2/2006"}, {"1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM"},
	{"20060102150405", "20060102"}, {"2006年1月2日"}, {"2 Jan 2006"}, {"Jan 2, 2006"}, {"2 January 2006"}, {"January 2, 2006"}, {"02-Jan-2006", "2-Jan-2006"}, {"days"},
}

// dates is how the samples of a column are read as dates.
func dates(c column, zone string) *Moment {
	if len(c.samples) == 0 {
		return nil
	}
	fits := func(m Moment) bool {
		clock := newClock(&m)
		for _, text := range c.samples {
			if _, err := clock.read(text); err != nil {
				return false
			}
		}
		return true
	}
	if m := (Moment{Field: c.name}); fits(m) {
		m.Zone = zone
		return &m
	}
	for _, list := range layouts {
		m := Moment{Field: c.name, Zone: zone}
		for _, layout := range list { // only those that occur
			one := newClock(&Moment{Layouts: []string{layout}})
			if slices.ContainsFunc(c.samples, func(text string) bool { _, err := one.read(text); return err == nil }) {
				m.Layouts = append(m.Layouts, layout)
			}
		}
		if len(m.Layouts) > 0 && fits(m) {
			return &m
		}
	}
	for _, layout := range []string{"2006/1/2", "2006-1-2", "2006.1.2", "20060102"} { // Taiwan's calendar
		if m := (Moment{Field: c.name, Zone: zone, Era: 1911, Layouts: []string{layout}}); len(c.samples[0]) <= 9 && fits(m) {
			return &m
		}
	}
	return nil
}

// roles says what the fields mean.
func (g *guess) roles() {
	if !g.isMapped() {
		return
	}
	var names strings.Builder
	for _, c := range g.columns {
		names.WriteString(fold(c.name) + " ")
	}
	zone := ""
	switch text := names.String(); {
	case strings.ContainsAny(text, "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"):
		zone = "Asia/Ho_Chi_Minh"
	case strings.ContainsAny(text, "ąćęłńóśźż") || strings.Contains(text, "data wpisu") || strings.Contains(text, "datawpisu"):
		zone = "Europe/Warsaw"
	case regexp.MustCompile(`\p{Han}`).MatchString(text):
		zone = "Asia/Taipei"
	}
	best, most := "", 0.0
	for _, c := range g.columns {
		role, things, spread := roleOf(c.name), 0, map[string]bool{}
		for _, text := range c.samples {
			if s, _, err := thing(strings.TrimSuffix(text, "/*"), ""); err == nil || isParted(text) {
				things++
				host, _, _ := strings.Cut(string(s), "/")
				spread[host] = true
			}
		}
		if things == 0 && role != "value" {
			continue
		}
		score := float64(things) / float64(max(1, len(c.samples)))
		switch {
		case role == "value":
			score += 1
		case role != "" || len(spread) == 1 && things > 3:
			score -= 0.8
		}
		if score > most {
			best, most = c.name, score
		}
	}
	for _, c := range g.columns {
		if c.name == best && slices.ContainsFunc(c.samples, func(text string) bool { return strings.HasSuffix(text, "/*") }) {
			g.Strip = []string{"/*"}
		}
		if parted := slices.DeleteFunc(slices.Clone(c.samples), func(text string) bool { return !isParted(text) }); c.name == best && len(parted)*5 > len(c.samples) {
			g.Split = partedBy
			g.say("%q parts several things in one field", partedBy)
		}
	}
	if best != "" {
		g.Value = Values{best}
		g.say("%s has the addresses", best)
	}
	for _, c := range g.columns {
		if c.name == best {
			continue
		}
		switch role := roleOf(c.name); role {
		case "first", "last", "lapses", "gone_when":
			m := dates(c, zone)
			to := map[string]**Moment{"first": &g.First, "last": &g.Last, "lapses": &g.Lapses}[role]
			switch {
			case role == "gone_when" && (m != nil || len(c.samples) == 0) && g.Gone == nil:
				set := true
				g.Gone = Conditions{{Field: c.name, Set: &set}}
				g.say("what has a %s is taken back", c.name)
			case to != nil && m != nil && *to == nil:
				*to = m
				g.say("%s is a date: %s", c.name, role)
			}
		case "id":
			if g.ID == "" {
				g.ID = c.name
			}
		case "bank":
			g.Beside = c.name
		case "category":
			if g.Category == nil {
				g.Category = kinds(c)
			}
		case "status":
			if gone := c.among(goneWords); gone != nil && g.Gone == nil {
				g.Gone = Conditions{{Field: c.name, In: gone}}
				g.say("what has %s in %s is taken back", strings.Join(gone, ", "), c.name)
			}
			if honest := c.among(honestWords); honest != nil && g.Disputed == nil {
				g.Disputed = Conditions{{Field: c.name, In: honest}}
				g.say("what has %s in %s is no scam", strings.Join(honest, ", "), c.name)
			}
		case "sure":
			g.Sure = &Share{Field: c.name}
			if !slices.ContainsFunc(c.samples, func(text string) bool {
				return !strings.HasPrefix(text, "0.") && text != "1" && text != "0" && text != "1.0"
			}) {
				g.Sure.Of = 1
			}
		case "tlp":
			g.TLP = &Choice{Field: c.name}
		case "reference":
			if g.Reference == "" {
				g.Reference = c.name
			}
		case "text":
			if g.Text == "" {
				g.Text = c.name
			}
		}
	}
	if g.Format == "json" || g.Format == "jsonl" { // a member that says nothing is often left out
		for _, name := range g.needed() {
			if !slices.Contains(g.Value, name) {
				g.Optional = append(g.Optional, name)
			}
		}
	}
}

// kinds says which kinds of scam the words of a column mean.
func kinds(c column) *Choice {
	k := &Choice{Field: c.name, Map: map[string]string{}}
	for _, text := range c.samples {
		if _, known := category.Parse(fold(text)); known || len(k.Map) > 40 {
			continue
		}
		for _, word := range kindWords {
			if strings.Contains(fold(text), word[0]) {
				k.Map[text] = word[1]
				break
			}
		}
	}
	return k
}
