package exchange

import (
	"context"
	"slices"

	"khien/server/db"
	"khien/server/feed"
	"khien/shared/subject"
)

// Label is through whom something stands, and to whom it may be told.
type Label struct {
	Sources []string // the names of those whose claims list it
	TLP     feed.TLP // the widest of theirs
}

// labels are those of the Traffic Light Protocol, in the order in which they narrow.
var labels = []feed.TLP{feed.Clear, feed.Green, feed.Amber, feed.AmberStrict, feed.Red}

// Narrower tells whether one label goes to fewer than another. What is no label is the narrowest.
func Narrower(a, than feed.TLP) bool { return narrow(a) > narrow(than) }

func narrow(l feed.TLP) int {
	if at := slices.Index(labels, l); at >= 0 {
		return at
	}
	return len(labels)
}

// Labels tells of each of some subjects what the claims that stand say. A claim without a label has that of its source,
// and is clear where that has none. What no claim lists has no label.
func (x *Exchange) Labels(ctx context.Context, q db.Reader, subjects []subject.Subject) (map[subject.Subject]Label, error) {
	all, err := sources(ctx, q)
	if err != nil {
		return nil, err
	}
	byID := map[int64]Status{}
	for _, s := range all {
		byID[s.ID] = s
	}
	claims, err := standingClaims(ctx, q, subjects)
	if err != nil {
		return nil, err
	}
	there := map[subject.Subject]Label{}
	for s, said := range claims {
		var l Label
		for _, c := range said {
			of, ok := byID[c.source]
			if !ok || of.Removed != 0 || c.weight != feed.Lists || c.lapses <= x.unix() {
				continue
			}
			tlp := c.tlp
			if tlp == "" {
				tlp = of.TLP
			}
			if tlp == "" {
				tlp = feed.Clear
			}
			if l.TLP == "" || Narrower(l.TLP, tlp) {
				l.TLP = tlp
			}
			l.Sources = append(l.Sources, of.Name)
		}
		if len(l.Sources) > 0 {
			slices.Sort(l.Sources)
			there[s] = l
		}
	}
	return there, nil
}
