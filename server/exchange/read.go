package exchange

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"iter"
	"strings"

	"khien/server/feed"
	"khien/server/publish"
	"khien/shared/category"
	"khien/shared/subject"
)

// heard is what a list says about one thing.
type heard struct {
	feed.Claim
	print int64
}

// list is what was read, in the order of the subjects.
type list struct {
	sorter
	told map[uint64]bool // hashes of the ids of objects, where a newer version may name something else
}

func hashOf(id string) uint64 {
	sum := fnv.New64a()
	sum.Write([]byte(id))
	return sum.Sum64()
}

// tell notes that the list has an object, whatever comes of it.
func (l *list) tell(id string) {
	if l.told != nil && id != "" {
		l.told[hashOf(id)] = true
	}
}

// read reads the file of a run: what it claims goes through the guard, and into the order of the subjects. What is
// refused is counted.
func (h *holder) read(r *Run, s Status, progress Progress) (*list, error) {
	protection, err := h.protect()
	if err != nil {
		return nil, err
	}
	file, err := h.openFetched(r.Fetched.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	l := &list{sorter: sorter{folder: h.folder}}
	if s.Preset.Format == "stix" || s.Preset.Format == "misp" {
		l.told = map[uint64]bool{}
	}
	r.Numbers = Numbers{Refusals: map[string]int{}}
	n := 0
	for c, err := range ahead(feed.Claims(file, s.Preset)) {
		if n++; n%1000 == 0 {
			progress.at("read", n)
			if err := h.ctx.Err(); err != nil {
				l.close()
				return nil, cmp.Or(context.Cause(h.ctx), err)
			}
		}
		if err == nil {
			c, err = s.Permitted(protection, c)
		}
		if errors.Is(err, feed.ErrUnwanted) {
			r.Numbers.Unwanted++
			continue
		}
		if refused, ok := errors.AsType[*feed.Refused](err); ok {
			r.Numbers.refuse(refused)
			l.tell(refused.Name)
			continue
		}
		l.tell(c.ID)
		if err == nil {
			var body []byte
			t := taken{c.Address, c.ID, c.First, c.Last, c.Lapses, c.Gone, uint8(c.Weight), c.Hacked, c.Sure, string(c.TLP), int(c.Category), c.Reference, c.Text}
			body, err = t.MarshalMsg(nil)
			if err == nil {
				err = l.add(record{string(c.Subject), body})
			}
		}
		if err != nil && r.Fetched.Cut && errors.Is(err, feed.ErrShape) {
			break // of what was cut off, what came before
		}
		if err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (n *Numbers) refuse(r *feed.Refused) {
	n.Refused++
	why := r.Why.Error()
	if len(n.Samples.Refused) < samples {
		n.Samples.Refused = append(n.Samples.Refused, Refusal{r.Place.String(), r.Value, why})
	}
	if protected, ok := errors.AsType[*publish.Protected](r.Why); ok {
		why = string(protected.Rule)
	}
	if _, known := n.Refusals[why]; known || len(n.Refusals) < 50 {
		n.Refusals[why]++
	}
}

var (
	errRed    = errors.New("it may be told to nobody (TLP:RED)")
	errHacked = errors.New("an honest site that was hacked: its whole host is not listed")
)

// Permitted is a claim that the guard lets in, with what its source leaves unsaid; else the error is a *feed.Refused.
func (s Source) Permitted(protection *publish.Protection, c feed.Claim) (feed.Claim, error) {
	refuse := func(why error) (feed.Claim, error) {
		return c, &feed.Refused{Place: c.Place, Value: string(c.Subject), Why: why}
	}
	if c.TLP == "" {
		c.TLP = s.TLP
	}
	if c.TLP == feed.Red {
		return refuse(errRed)
	}
	if err := protection.Permit(c.Subject); err != nil {
		return refuse(err)
	}
	if _, path, ok := strings.Cut(string(c.Subject), "/"); c.Hacked && ok && path == "" && c.Weight == feed.Lists {
		return refuse(errHacked)
	}
	return c, nil
}

// claims yields what a list says, once for each subject. Where it names one several times, what it says last counts,
// with the earliest and the latest of the dates; what it takes back it does not list.
func (l *list) claims() iter.Seq2[heard, error] {
	return func(yield func(heard, error) bool) {
		var now heard
		for r, err := range l.all() {
			var t taken
			if err == nil {
				_, err = t.UnmarshalMsg(r.body)
			}
			if err != nil {
				yield(now, err)
				return
			}
			c := feed.Claim{Subject: subject.Subject(r.key), Address: t.Address, ID: t.ID, First: t.First, Last: t.Last, Lapses: t.Lapses, Gone: t.Gone,
				Weight: feed.Weight(t.Weight), Hacked: t.Hacked, Sure: t.Sure, TLP: feed.TLP(t.TLP), Category: category.Category(t.Category), Reference: t.Reference, Text: t.Text}
			print := fnv.New64a()
			print.Write(r.body)
			next := heard{c, int64(print.Sum64())}
			if now.Subject == next.Subject {
				next.after(now)
			} else if now.Subject != "" && !yield(now, nil) {
				return
			}
			now = next
		}
		if now.Subject != "" {
			yield(now, nil)
		}
	}
}

// after adds what was said of the same thing before.
func (h *heard) after(was heard) {
	h.print = h.print*31 + was.print
	if h.Gone {
		return
	}
	if was.First != 0 && (h.First == 0 || was.First < h.First) {
		h.First = was.First
	}
	h.Last = max(h.Last, was.Last)
	h.Address, h.ID = cmp.Or(h.Address, was.Address), cmp.Or(h.ID, was.ID)
	h.Category, h.Reference, h.Text = cmp.Or(h.Category, was.Category), cmp.Or(h.Reference, was.Reference), cmp.Or(h.Text, was.Text)
}
