package exchange

import (
	"iter"

	"khien/server/db"
	"khien/server/feed"
	"khien/shared/subject"
)

// step is what becomes of one claim.
type step struct {
	heard
	was  kept
	is   what
	turn int64
	ends int64
}

type what uint8

const (
	same what = iota
	fresh
	back
	changed
	renewed
	gone
)

// kept is what is kept of a claim, as far as it is compared.
type kept struct {
	subject                   subject.Subject
	id                        string
	print, gone, lapses, turn int64
}

// hackedLife is how many days a claim about an honest site stands that others have put something on: it is mended soon.
const hackedLife = 14

// ends is until when a claim stands, if nothing more is heard.
func (s Status) ends(c feed.Claim, now int64) int64 {
	days := s.Life
	if c.Hacked {
		days = min(days, hackedLife)
	}
	ends := now + days*day
	if c.Lapses != 0 {
		ends = min(ends, c.Lapses)
	}
	return ends
}

// differ compares a list with what its source said before, thing by thing in the order of the subjects: it counts, and
// gives take each one of which anything changes.
func (h *holder) differ(r *Run, s Status, l *list, take func(step) error) error {
	now, n := h.unix(), &r.Numbers
	refused, refusals, refusedOnes := n.Refused, n.Refusals, n.Samples.Refused
	*n = Numbers{Refused: refused, Unwanted: n.Unwanted, Refusals: refusals, Samples: Samples{Refused: refusedOnes}}
	before, stop := iter.Pull2(h.before(s.ID))
	defer stop()
	was, err, more := before()
	leaves := func(was kept) error {
		if was.gone != 0 {
			return nil
		}
		if n.Had++; s.Preset.Meaning != feed.Full && was.lapses > now && !l.told[hashOf(was.id)] {
			return nil
		}
		n.Gone++
		if was.turn >= 2 {
			n.Flips++
		}
		if len(n.Samples.Gone) < samples {
			n.Samples.Gone = append(n.Samples.Gone, was.subject)
		}
		if take == nil {
			return nil
		}
		return take(step{heard: heard{Claim: feed.Claim{Subject: was.subject}}, was: was, is: gone})
	}
	for c, failed := range l.claims() {
		if failed != nil {
			return failed
		}
		for more && err == nil && was.subject < c.Subject {
			if err = leaves(was); err == nil {
				was, err, more = before()
			}
		}
		if err != nil {
			return err
		}
		of, known := was, more && was.subject == c.Subject
		if known {
			was, err, more = before()
		} else {
			of = kept{}
		}
		if c.Gone || c.Lapses != 0 && c.Lapses <= now {
			if known && of.gone == 0 {
				of.lapses = 0 // whatever its absence means
				if err := leaves(of); err != nil {
					return err
				}
			}
			continue
		}
		n.Read++
		one := step{heard: c, was: of, turn: of.turn, ends: s.ends(c.Claim, now)}
		switch {
		case !known:
			one.is = fresh
		case of.gone != 0:
			one.is, one.turn = back, 1
			if now-of.gone < silence {
				one.turn = of.turn + 1
			}
		case of.print != c.print:
			one.is = changed
		case of.lapses-now < (one.ends-now)/2:
			one.is = renewed
		}
		if known && of.gone == 0 {
			n.Had++
		}
		switch one.is {
		case same:
			continue
		case changed:
			n.Changed++
		case renewed:
			n.Renewed++
		default:
			n.New++
			if one.is == back {
				n.Back++
				if one.turn >= 2 {
					n.Flips++
				}
			}
			if len(n.Samples.New) < samples {
				n.Samples.New = append(n.Samples.New, c.Subject)
			}
		}
		if take != nil {
			if err := take(one); err != nil {
				return err
			}
		}
	}
	for ; more && err == nil; was, err, more = before() {
		if err := leaves(was); err != nil {
			return err
		}
	}
	return err
}

// before yields what a source has said, in the order of the subjects, some thousand at a time.
func (h *holder) before(source int64) iter.Seq2[kept, error] {
	const together = 5000
	return func(yield func(kept, error) bool) {
		var last subject.Subject
		for {
			rows, err := db.All(func(row db.Row) (k kept, err error) {
				return k, row.Scan(&k.subject, &k.id, &k.print, &k.gone, &k.lapses, &k.turn)
			})(h.db.QueryContext(h.ctx, `SELECT subject, id, print, gone, lapses, turns FROM claim WHERE source = ? AND subject > ? ORDER BY subject LIMIT ?`, source, string(last), together))
			if err != nil {
				yield(kept{}, err)
				return
			}
			for _, k := range rows {
				if !yield(k, nil) {
					return
				}
				last = k.subject
			}
			if len(rows) < together {
				return
			}
		}
	}
}

// From how many on a share counts: of a short list, a few lines are a large one.
const (
	fewGone = 3
	fewNew  = 10
)

// waitsFor tells why a run is to wait for a person.
func waitsFor(s Status, r Run) (why []Why) {
	n := r.Numbers
	add := func(is bool, one Why) {
		if is {
			why = append(why, one)
		}
	}
	marks := s.Preset.Meaning == feed.Full || s.Preset.Meaning == feed.Explicit // otherwise what is gone is so by its time
	left := n.Had - n.Gone
	add(r.Fetched.Page, Page)
	add(r.Fetched.Cut, Cut)
	add(n.Read == 0 && s.Preset.Meaning != feed.Explicit || marks && n.Had > 0 && left+n.New == 0, Empty)
	add(marks && n.Gone >= fewGone && n.Gone*100 > s.Less*n.Had, Shrunken)
	add(n.Had > 0 && n.New >= fewNew && n.New*100 > s.More*n.Had, Swollen)
	add(n.Flips > 0 && n.Flips*2 >= n.New+n.Gone+n.Changed, Flipping)
	add(s.pin != "" && r.Fetched.Pin != "" && s.pin != r.Fetched.Pin, Certificate)
	add(n.Had > 0 && n.Refused >= fewNew && n.Refused > n.Read && n.Refused*100 > 50*(n.Read+n.Refused), Refusing)
	return why
}
