package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

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

// proposes is the action of a person's confirmation of a release that another must confirm too. Its entry in the audit
// log is the proposal: it outlives the server.
const proposes = "propose a release"

// proposed tells who has confirmed a release of exactly this digest before: somebody else, if there is one, who may still
// publish. The log has the digest in the proof of the passkey.
func (v *visit) proposed(base uint64, digest string) (by string, err error) {
	acts, err := v.Desk.Log(v.ctx(), "", afterRelease(base), 0, 0, 1000)
	if err != nil {
		return "", err
	}
	people, err := v.Staff.All(v.ctx())
	if err != nil {
		return "", err
	}
	for _, a := range acts {
		if a.Action != proposes || !strings.HasSuffix(a.Why, proofOver(digest)) {
			continue
		}
		may := func(p staff.Person) bool { return p.Name == a.Actor && p.Left == 0 && p.Role.May(staff.Publish) }
		if slices.ContainsFunc(people, may) && (by == "" || by == v.person.Name) {
			by = a.Actor
		}
	}
	return by, nil
}

func afterRelease(base uint64) string { return "release after " + strconv.FormatUint(base, 10) }

// plan is what the publish page shows.
type plan struct {
	triage.Planned
	Rejected int          // of its cases
	Cards    []cardChange // advice cards
	Waiting  int          // that wait for a second person and are not in it
	Digest   string
	Reason   string // why the page is shown again
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

// ByTwo tells whether two people must confirm.
func (p plan) ByTwo() bool { return p.Two != triage.Two{} }

// Nothing tells whether there is nothing to publish and nobody to tell.
func (p plan) Nothing() bool { return p.Empty() && len(p.Cases) == 0 }

// Order tells whether what is said beside the list changes in nothing but its order.
func (p plan) Order() bool {
	s := p.Spoken
	return s.Changed && len(s.Cards) == 0 && !s.Official.Any() && !s.Help.Any() && !s.Hot.Any()
}

// beside is one part of what is said beside the list, as lines that come and go.
type beside struct {
	Key string // of its message
	publish.Lines
}

// Beside are the parts that change.
func (p plan) Beside() (all []beside) {
	for _, one := range []beside{{"publish.head.official", p.Spoken.Official}, {"publish.head.help", p.Spoken.Help}, {"publish.head.hot", p.Spoken.Hot}} {
		if one.Any() {
			all = append(all, one)
		}
	}
	return all
}

// plan works out what publishing now would change.
func (v *visit) plan() (p plan, err error) {
	if p.Planned, err = v.Desk.Plan(v.ctx(), v.Publisher, v.Impact, v.now()); err != nil {
		return p, err
	}
	var cases []any
	for _, c := range p.Cases {
		cases = append(cases, pending(c))
		if c.Action != triage.List && c.Action != triage.Withdraw {
			p.Rejected++
		}
	}
	p.Cards = v.cardChanges(p.Spoken.Cards)
	if _, p.Waiting, err = v.Desk.In(v.ctx(), triage.PartProposed, 0, 0); err != nil {
		return p, err
	}
	p.Digest, err = change{Key: "publish", What: []any{p.Base, p.Set.String(), p.Root.String(), p.Guide.String(), p.Keys.String(), cases}}.digest()
	if err != nil {
		return p, err
	}
	if head, err := v.head(); err == nil {
		p.Last = &head
	} else if !errors.Is(err, blob.ErrNotFound) {
		return p, err
	}
	if p.ByTwo() {
		if p.By, err = v.proposed(p.Base, p.Digest); err != nil {
			return p, err
		}
		p.Mine = p.By == v.person.Name
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
	if p.ByTwo() && (p.By == "" || p.Mine) {
		err := v.Desk.Record(v.ctx(), triage.Act{Time: v.now(), Actor: v.person.Name, Action: proposes, Object: afterRelease(p.Base), Why: proof})
		if err != nil {
			return err
		}
		return v.back("/publish", "publish.proposed")
	}
	if p.ByTwo() {
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
		all = append(all, c.About()...)
	}
	return all
}
