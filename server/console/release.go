package console

import (
	"errors"
	"net/http"
	"strconv"
	"sync"

	"khien/server/blob"
	"khien/server/publish"
	"khien/server/staff"
	"khien/server/triage"
	"khien/shared/release"
	"khien/shared/subject"
)

var releaseRoutes = []route{
	{"GET /publish", staff.Publish, planPage},
	{"POST /publish", staff.Publish, publishNow},
	{"GET /releases/{id}", seen, releasePage},
}

// atOnce is how many changes of the list one person may publish at once.
const atOnce = 50

// proposal is a release that one person has confirmed and another must.
type proposal struct {
	sync.Mutex
	digest, by string
}

// plan is what the publish page shows.
type plan struct {
	publish.Plan
	Cases    []triage.Case // that it brings into the ledger
	Rejected int           // of them
	Cards    []cardChange  // advice cards
	Waiting  int           // that wait for a second person and are not in it
	Digest   string
	Reason   string // why the page is shown again
	Two      bool   // whether two people must confirm
	By       string // who has confirmed exactly this
	Mine     bool   // whether that is the reader
	Last     *release.Head
}

// Refusals are what the guard leaves out, with the reasons.
func (p plan) Refusals() []publish.Protected {
	var all []publish.Protected
	for _, err := range p.Refused {
		var one *publish.Protected
		if errors.As(err, &one) {
			all = append(all, *one)
		}
	}
	return all
}

// Nothing tells whether there is nothing to publish and nobody to tell.
func (p plan) Nothing() bool { return p.Empty() && len(p.Cases) == 0 && len(p.Cards) == 0 }

// plan works out what publishing now would change.
func (v *visit) plan() (p plan, err error) {
	if p.Cases, err = v.Desk.Pending(v.ctx()); err != nil {
		return p, err
	}
	if p.Cards, err = v.cardChanges(); err != nil {
		return p, err
	}
	var cards []string
	for _, c := range p.Cards {
		cards = append(cards, c.Key, c.ID, c.Hash)
	}
	overlay := publish.Pending{}
	var cases []any
	for _, c := range p.Cases {
		cases = append(cases, pending(c))
		switch c.Action {
		case triage.List:
			i := c.Indicator()
			overlay[c.Lists] = &i
		case triage.Withdraw:
			overlay[c.Lists] = nil
		default:
			p.Rejected++
		}
	}
	if p.Plan, err = v.Publisher.Plan(v.ctx(), v.now(), overlay); err != nil {
		return p, err
	}
	if _, p.Waiting, err = v.Desk.In(v.ctx(), triage.PartProposed, 0, 0); err != nil {
		return p, err
	}
	p.Two = p.Added.Count+p.Changed.Count+p.Removed.Count > atOnce
	p.Digest, err = change{Key: "publish", What: []any{p.Base, p.Set.String(), p.Root.String(), cases, cards}}.digest()
	if err != nil {
		return p, err
	}
	if head, err := v.head(); err == nil {
		p.Last = &head
	} else if !errors.Is(err, blob.ErrNotFound) {
		return p, err
	}
	v.proposal.Lock()
	defer v.proposal.Unlock()
	if p.Two && v.proposal.digest == p.Digest {
		p.By, p.Mine = v.proposal.by, v.proposal.by == v.person.Name
	}
	return p, nil
}

// head is the head that every device is handed out now, as it verifies it.
func (v *visit) head() (release.Head, error) {
	note, err := v.Publisher.Blobs.Head()
	if err != nil {
		return release.Head{}, err
	}
	return release.ReadHead(note)
}

func planPage(v *visit) error {
	p, err := v.plan()
	if err != nil {
		return err
	}
	return v.show("publish", p)
}

// publishNow publishes what the reader has confirmed with a passkey, if it is still exactly that. Where two people
// must, the first confirmation is kept and the second publishes.
func publishNow(v *visit) error {
	v.deciding.Lock()
	defer v.deciding.Unlock()
	p, err := v.plan()
	if err != nil {
		return err
	}
	proof, reason, err := v.confirmed(p.Digest)
	if err != nil {
		return err
	}
	if proof == "" {
		if p.Reason = reason; reason == "" && v.form("digest") != p.Digest {
			p.Reason = "confirm.changed"
		}
		return v.write(http.StatusConflict, "publish", p)
	}
	if p.Nothing() {
		return v.back("/publish", "publish.nothing")
	}
	if p.Two && (p.By == "" || p.Mine) {
		v.proposal.Lock()
		v.proposal.digest, v.proposal.by = p.Digest, v.person.Name
		v.proposal.Unlock()
		err := v.Desk.Record(v.ctx(), triage.Act{Time: v.now(), Actor: v.person.Name, Action: "propose a release",
			Object: "release after " + strconv.FormatUint(p.Base, 10), Why: proof})
		if err != nil {
			return err
		}
		return v.back("/publish", "publish.proposed")
	}
	if p.Two {
		if !v.may(staff.Second) {
			return errForbidden
		}
		proof += "; proposed by " + p.By
	}
	r, err := v.Desk.ReleasePlanned(v.ctx(), v.Publisher, v.Inbox, v.person.Name, proof, v.now(), p.Plan)
	if errors.Is(err, publish.ErrChanged) {
		if p, err = v.plan(); err != nil {
			return err
		}
		p.Reason = "confirm.changed"
		return v.write(http.StatusConflict, "publish", p)
	}
	if err != nil {
		return err
	}
	if !r.Published {
		return v.back("/publish", "publish.told")
	}
	return v.back("/releases/"+strconv.FormatUint(r.Sequence, 10), "publish.done", strconv.FormatUint(r.Sequence, 10))
}

// issued is a release, as its page shows it.
type issued struct {
	Sequence uint64
	Act      triage.Act
	Current  bool // whether it is what devices are handed out now
	Head     release.Head
	ByMinute int64 // Unix seconds when devices that are on have asked
	Cases    []triage.Case
}

func releasePage(v *visit) error {
	i := issued{Sequence: uint64(v.number("id"))}
	acts, err := v.Desk.Log(v.ctx(), "", "release "+strconv.FormatUint(i.Sequence, 10), 0, 0, 1)
	if err != nil {
		return err
	}
	if len(acts) == 0 {
		return errNoPage
	}
	i.Act = acts[0]
	if i.Head, err = v.head(); err != nil {
		return err
	}
	i.Current = i.Head.Sequence == i.Sequence
	i.ByMinute = i.Head.Issued + int64(i.Head.Wait+i.Head.Spread)
	if i.Cases, err = v.Desk.Within(v.ctx(), i.Sequence); err != nil {
		return err
	}
	return v.show("release", i)
}

// Lists are the things that the release's cases list or take off the list.
func (i issued) Lists() []subject.Subject {
	var all []subject.Subject
	for _, c := range i.Cases {
		if c.Lists != "" {
			all = append(all, c.Lists)
		}
	}
	return all
}
