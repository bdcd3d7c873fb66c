package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"khien/server/audit"
	"khien/server/exchange"
	"khien/server/feed"
	"khien/server/publish"
	"khien/server/staff"
	"khien/shared/category"
)

var sourceRoutes = []route{
	{"GET /sources", seen, sourcesPage},
	{"POST /sources", staff.Publish, addSource},
	{"GET /sources/{id}", seen, sourcePage},
	{"POST /sources/{id}/edit", staff.Publish, editSource},
	{"POST /sources/{id}/run", staff.Publish, askSource},
	{"POST /sources/{id}/pause", staff.Publish, pauseSource},
	{"POST /sources/{id}/resume", staff.Publish, resumeSource},
	{"POST /sources/{id}/remove", staff.Publish, removeSource},
	{"POST /sources/{id}/restore", staff.Publish, restoreSource},
	{"POST /sources/{id}/accept", staff.Publish, acceptRun},
	{"POST /sources/{id}/drop", staff.Publish, dropRun},
}

// trusts are what may become of what a source says, as a form has them.
var trusts = []string{"queue", "every", "second", "sure"}

// source is one as it is shown.
type source struct {
	exchange.Status
}

// Trusted is what becomes of what it says, one of trusts.
func (s source) Trusted() string {
	if s.Trust == exchange.Queue {
		return string(exchange.Queue)
	}
	return string(s.Rule)
}

// trusted sets what becomes of what a source says.
func trusted(s *exchange.Source, choice string) error {
	switch {
	case !slices.Contains(trusts, choice):
		return wrong("source.badtrust")
	case choice == string(exchange.Queue):
		s.Trust = exchange.Queue
	default:
		s.Trust, s.Rule = exchange.List, exchange.Rule(choice)
	}
	return nil
}

// Where is its address without what may be secret in it.
func (s source) Where() string {
	at, _, secret := strings.Cut(s.Address, "?")
	if secret {
		at += "?…"
	}
	return at
}

func (s source) Minutes() int64 { return s.Every / 60 }

// Kind is the kind of scam where the list does not say one; empty for none.
func (s source) Kind() string {
	if s.Category == category.Other {
		return ""
	}
	return s.Category.Slug()
}

// waitsFor says in words why a run waits, or has waited.
func (v *visit) waitsFor(r exchange.Run) (all []string) {
	n := r.Numbers
	for _, why := range r.Why {
		key := "sourcewhy." + string(why)
		switch why {
		case exchange.Shrunken:
			all = append(all, say(v.lang, key, fmt.Sprint(n.Gone*100/max(1, n.Had))))
		case exchange.Swollen:
			all = append(all, say(v.lang, key, fmt.Sprint(n.New*100/max(1, n.Had))))
		case exchange.Refusing:
			all = append(all, say(v.lang, key, fmt.Sprint(n.Refused), fmt.Sprint(n.Refused+n.Read)))
		default:
			all = append(all, say(v.lang, key))
		}
	}
	return all
}

// sourceRun is a run as it is shown.
type sourceRun struct {
	exchange.Run
	Because []string
	Reasons []reason
	MayTake bool
}

// reason is why so many entries are refused.
type reason struct {
	Why   string
	Ours  bool // in the reader's language
	Count int
}

func (v *visit) run(r exchange.Run) sourceRun {
	shown := sourceRun{Run: r, Because: v.waitsFor(r), MayTake: !slices.Contains(r.Why, exchange.Page)}
	for i, one := range r.Numbers.Samples.Refused {
		shown.Numbers.Samples.Refused[i].Why, _ = v.refusedWhy(one.Why)
	}
	for _, why := range slices.SortedFunc(maps.Keys(r.Numbers.Refusals), func(a, b string) int {
		return cmp.Or(r.Numbers.Refusals[b]-r.Numbers.Refusals[a], strings.Compare(a, b))
	}) {
		text, ours := v.refusedWhy(why)
		shown.Reasons = append(shown.Reasons, reason{text, ours, r.Numbers.Refusals[why]})
	}
	return shown
}

// refusedWhy is a reason why an entry is refused; that of a rule of the guard is in the reader's language.
func (v *visit) refusedWhy(why string) (text string, ours bool) {
	if slices.Contains(publish.Rules(), publish.Rule(why)) {
		return audit.Guarded(v.lang, why), true
	}
	return why, false
}

type sourceList struct {
	All     []source
	Presets []feed.Preset
	Trusts  []string
	Kinds   []category.Category
	Figures exchange.Figures
}

func sourcesPage(v *visit) error {
	all, err := v.Exchange.List(v.ctx())
	if err != nil {
		return err
	}
	list := sourceList{Presets: feed.Presets(), Trusts: trusts, Kinds: category.All()}
	for _, s := range all {
		list.All = append(list.All, source{s})
	}
	if list.Figures, err = v.Exchange.Figures(v.ctx()); err != nil {
		return err
	}
	return v.show("sources", list)
}

// sourceFile is what the page of one source shows.
type sourceFile struct {
	source
	Runs   []sourceRun
	Waits  *sourceRun
	Trusts []string
	Of     string // title of the preset
}

const runsShown = 10

func sourcePage(v *visit) error {
	s, err := v.Exchange.Get(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return aboutSource(err)
	}
	f := sourceFile{source: source{s}, Trusts: trusts, Of: cmp.Or(s.Preset.Title, s.Preset.Name, s.Preset.Format)}
	runs, err := v.Exchange.Runs(v.ctx(), s.Name, runsShown)
	if err != nil {
		return err
	}
	for _, r := range runs {
		f.Runs = append(f.Runs, v.run(r))
	}
	if s.Waiting != 0 {
		r, err := v.Exchange.GetRun(v.ctx(), s.Waiting)
		if err != nil {
			return err
		}
		waits := v.run(r)
		f.Waits = &waits
	}
	return v.show("source", f)
}

// aboutSource is a refusal of package exchange, as it is told.
func aboutSource(err error) error {
	for refused, key := range map[error]string{
		exchange.ErrExists: "source.exists", exchange.ErrBusy: "source.busy", exchange.ErrRemoved: "source.isremoved",
		exchange.ErrState: "source.changed", exchange.ErrChanged: "source.changed",
	} {
		if errors.Is(err, refused) {
			return &userError{http.StatusConflict, key, nil}
		}
	}
	switch {
	case errors.Is(err, exchange.ErrNotFound):
		return errNoPage
	case errors.Is(err, exchange.ErrConfig):
		return wrong("source.bad", strings.TrimPrefix(err.Error(), exchange.ErrConfig.Error()+": "))
	}
	return err
}

// addSource connects a list at an address of https. A file of this machine, or one of its networks, only the command
// line can name.
func addSource(v *visit) error {
	s := exchange.Source{Name: v.form("name"), Address: v.form("address")}
	at := slices.IndexFunc(feed.Presets(), func(p feed.Preset) bool { return p.Name == v.form("preset") })
	if at < 0 {
		return wrong("source.nopreset")
	}
	s.Preset = feed.Presets()[at]
	s.Address = cmp.Or(s.Address, s.Preset.Address)
	s.Every = int64(time.Duration(s.Preset.Interval) / time.Second)
	s.Category, _ = category.Parse(v.form("category"))
	if !strings.HasPrefix(s.Address, "https://") {
		return wrong("source.nothttps")
	}
	if err := trusted(&s, v.form("trust")); err != nil {
		return err
	}
	s = s.Usual()
	if _, err := v.Exchange.Get(v.ctx(), s.Name); err == nil {
		return aboutSource(exchange.ErrExists)
	}
	says := []string{say(v.lang, "source.will.add", s.Name, s.Preset.Title, defang(source{exchange.Status{Source: s}}.Where())), say(v.lang, "sourcetrust."+v.form("trust"))}
	proof, err := v.confirm(change{Key: "confirm.addsource", What: s, Says: says})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	if err := v.Exchange.Because(v.why(proof)).Add(v.ctx(), v.person.Name, s); err != nil {
		return aboutSource(err)
	}
	return v.back("/sources/"+s.Name, "source.added")
}

// editSource changes how often a source is asked, and how it is trusted. What it says may then be listed, or leave the
// list: that is confirmed.
func editSource(v *visit) error {
	was, err := v.Exchange.Get(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return aboutSource(err)
	}
	s := was.Source
	minutes, err := strconv.ParseInt(v.form("minutes"), 10, 64)
	if err != nil || minutes < 1 {
		return wrong("source.badminutes")
	}
	if minutes != s.Every/60 { // what is not whole minutes stays as it is
		s.Every = 60 * minutes
	}
	if err := trusted(&s, v.form("trust")); err != nil {
		return err
	}
	var proof audit.Why
	if s.Trust != was.Trust || s.Rule != was.Rule {
		leaves, err := v.Exchange.Leaves(v.ctx(), s.Name, &s)
		if err != nil {
			return aboutSource(err)
		}
		says := []string{say(v.lang, "source.will.trust", s.Name), say(v.lang, "sourcetrust."+v.form("trust")), say(v.lang, "source.will.leave", fmt.Sprint(leaves.Count))}
		if proof, err = v.confirm(change{Key: "confirm.trust", What: s, Says: says}); proof == (audit.Why{}) || err != nil {
			return err
		}
	}
	if err := v.Exchange.Because(v.why(proof)).Edit(v.whole(), v.person.Name, s); err != nil {
		return aboutSource(err)
	}
	return v.back("/sources/"+s.Name, "source.edited")
}

// whole is the context of what is done to its end, whether or not the browser that has asked for it is still there.
func (v *visit) whole() context.Context { return context.WithoutCancel(v.ctx()) }

// askSource has the server ask for a list at its next look, which is within seconds.
func askSource(v *visit) error {
	name := v.r.PathValue("id")
	if err := v.Exchange.Soon(v.ctx(), name); err != nil {
		return aboutSource(err)
	}
	return v.back("/sources/"+name, "source.soon")
}

func pauseSource(v *visit) error {
	return v.sourceAct("source.told.paused", (*exchange.Exchange).Pause)
}
func resumeSource(v *visit) error {
	return v.sourceAct("source.told.resumed", (*exchange.Exchange).Resume)
}
func restoreSource(v *visit) error {
	return v.sourceAct("source.told.restored", (*exchange.Exchange).Restore)
}

func (v *visit) sourceAct(told string, do func(*exchange.Exchange, context.Context, string, string) error) error {
	name := v.r.PathValue("id")
	if err := do(v.Exchange.Because(v.why(audit.Why{})), v.whole(), v.person.Name, name); err != nil {
		return aboutSource(err)
	}
	return v.back("/sources/"+name, told)
}

// removeSource takes back what a source says, after the reader has seen how much that is.
func removeSource(v *visit) error {
	name := v.r.PathValue("id")
	n, err := v.Exchange.Standing(v.ctx(), name)
	if err != nil {
		return aboutSource(err)
	}
	leaves, err := v.Exchange.Leaves(v.ctx(), name, nil)
	if err != nil {
		return aboutSource(err)
	}
	says := []string{
		say(v.lang, "source.will.remove", name, fmt.Sprint(n.Claims), fmt.Sprint(n.Listed)), say(v.lang, "source.will.leave", fmt.Sprint(leaves.Count)), say(v.lang, "source.will.undo"),
	}
	proof, err := v.confirm(change{Key: "confirm.removesource", What: []any{name, n, leaves.Count}, Says: says})
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	if err := v.Exchange.Because(v.why(proof)).Remove(v.whole(), v.person.Name, name); err != nil {
		return aboutSource(err)
	}
	return v.back("/sources/"+name, "source.told.removed")
}

// waiting is the run of the form, which must wait still.
func (v *visit) waiting() (exchange.Run, error) {
	r, err := v.Exchange.GetRun(v.ctx(), v.number("run"))
	if err == nil && r.Source != v.r.PathValue("id") {
		err = exchange.ErrNotFound
	}
	if err == nil && r.State != exchange.Waiting {
		err = exchange.ErrState
	}
	return r, aboutSource(err)
}

func (v *visit) willRun(key string, r exchange.Run) change {
	n := r.Numbers
	says := []string{say(v.lang, "source.will.run", fmt.Sprint(r.ID), r.Source, fmt.Sprint(n.New), fmt.Sprint(n.Changed), fmt.Sprint(n.Gone))}
	return change{Key: key, What: []any{r.Source, r.ID, r.Fetched.File, n.New, n.Changed, n.Gone}, Says: append(says, v.waitsFor(r)...)}
}

func acceptRun(v *visit) error {
	r, err := v.waiting()
	if err != nil {
		return err
	}
	proof, err := v.confirm(v.willRun("confirm.acceptrun", r))
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	if r, err = v.Exchange.Because(v.why(proof)).Accept(v.whole(), v.person.Name, r.ID, nil); err != nil {
		return aboutSource(err)
	}
	return v.back("/sources/"+r.Source, "source.told.accepted", fmt.Sprint(r.Numbers.Listed), fmt.Sprint(r.Numbers.Left))
}

func dropRun(v *visit) error {
	r, err := v.waiting()
	if err != nil {
		return err
	}
	proof, err := v.confirm(v.willRun("confirm.droprun", r))
	if proof == (audit.Why{}) || err != nil {
		return err
	}
	if err := v.Exchange.Because(v.why(proof)).Drop(v.whole(), v.person.Name, r.ID); err != nil {
		return aboutSource(err)
	}
	return v.back("/sources/"+r.Source, "source.told.dropped")
}
