package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"khien/server/api"
	"khien/server/audit"
	"khien/server/db/dbtest"
	"khien/server/publish"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/subject"
	"khien/shared/wire"
)

// receiptStates are those of a receipt.
var receiptStates = regexp.MustCompile(`"state":"[a-z]*"`)

// newsroom is a data directory in which something was decided that is not published yet: an account and a shop are
// listed, and a page is rejected.
type newsroom struct {
	*dir
	t        *testing.T
	receipts []string
}

func newNewsroom(t *testing.T) *newsroom {
	t.Helper()
	n := &newsroom{dir: &dir{path: prepared(t)}, t: t}
	if out, err := exec.Command("khien", "publish", "--data", n.path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	n.with(func(o *api.API, _ *takedown.Store) {
		for i, about := range []struct {
			href  string
			lists subject.Subject
		}{{"https://www.facebook.com/invented.shop", "facebook:user/inventedshop"}, {"https://shop.example/", "shop.example/"}, {"https://honest.example/", ""}} {
			names, err := subject.FromHref(nil, about.href)
			n.check(err)
			r := wire.Report{ID: fmt.Appendf(nil, "%016d", i), Kind: wire.KindScam, Href: about.href, Subjects: []string{string(names[0])}, Time: time.Now().Unix()}
			receipt, _, err := o.Inbox.Accept(t.Context(), r, nil, r.Time)
			n.check(err)
			n.receipts = append(n.receipts, receipt.Receipt)
			_, err = o.Desk.Gather(t.Context(), o.Inbox)
			n.check(err)
			c, err := o.Desk.Of(t.Context(), r.ID)
			n.check(err)
			v := triage.Decision{Actor: "mai", Action: triage.Reject, Reason: map[string]string{"en": "as was seen"}}
			if about.lists != "" {
				v.Action, v.Category, v.Lists = triage.List, category.Shop, triage.Only(about.lists)
			}
			_, err = o.Desk.Decide(t.Context(), c.ID, v)
			n.check(err)
		}
	})
	return n
}

func (n *newsroom) check(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// copied is the same in a folder of its own.
func (n *newsroom) copied() *newsroom {
	n.t.Helper()
	to := filepath.Join(n.t.TempDir(), "data")
	copyData(n.t, n.path, to)
	return &newsroom{&dir{path: to}, n.t, n.receipts}
}

// with opens what answers strangers, and what is asked of platforms.
func (n *newsroom) with(do func(*api.API, *takedown.Store)) {
	n.t.Helper()
	box, err := n.inbox()
	n.check(err)
	defer box.Close()
	defer n.close()
	desk, err := n.desk()
	n.check(err)
	book, err := n.ledger()
	n.check(err)
	blobs, err := n.blobs()
	n.check(err)
	root, err := n.rootKey()
	n.check(err)
	takedowns, err := n.takedownsOf(desk)
	n.check(err)
	shelf := &publish.Shelf{Blobs: blobs, Ledger: book, Root: root}
	do(&api.API{Shelf: shelf, Inbox: box, Desk: desk, Platform: asked(takedowns), Since: since(book)}, takedowns)
}

// seen is all that anybody can tell of a release: who reported, who asks for the list, the platforms, and those who
// look into the register, the cases and the audit log. It is seen as "khien serve" leaves it when it starts.
func (n *newsroom) seen() string {
	n.t.Helper()
	var all []string
	n.with(func(o *api.API, takedowns *takedown.Store) {
		ctx := n.t.Context()
		n.check(o.Desk.Resume(ctx, o.Shelf, o.Inbox))
		_, err := takedowns.Follow(ctx, o.Shelf.Ledger, time.Now().Unix())
		n.check(err)
		h, err := o.Shelf.InForce(ctx)
		n.check(err)
		copied, err := o.Shelf.Blobs.Head()
		n.check(err)
		note, err := o.Shelf.Head(ctx)
		n.check(err)
		releases, err := o.Shelf.Ledger.Releases(ctx, 0)
		n.check(err)
		all = append(all, fmt.Sprintf("release %d of %d, %d listed, the head lies there: %v", h.Sequence, len(releases), h.Count, string(copied) == string(note)))
		for i, receipt := range n.receipts {
			a := o.Receipt(ctx, receipt, api.JSON)
			all = append(all, strings.Join(receiptStates.FindAllString(string(a.Body), -1), " "))
			c, err := o.Desk.Of(ctx, fmt.Appendf(nil, "%016d", i))
			n.check(err)
			all = append(all, fmt.Sprintf("case %s, settled %v, in release %d", c.State, c.Settled, c.Published))
		}
		cases, err := takedowns.Count(ctx, takedown.Filter{})
		n.check(err)
		acts, err := o.Desk.Log(ctx, audit.Filter{}, 100)
		n.check(err)
		published := 0
		for _, a := range acts {
			if a.Verb == audit.Publish {
				published++
			}
		}
		_, err = o.Shelf.Ledger.Entry(ctx, "shop.example/")
		all = append(all, fmt.Sprintf("%d takedowns, published %d times, in the ledger: %v", cases, published, err == nil))
	})
	return strings.Join(all, "\n")
}

// The publisher is killed at random moments. Whoever looks afterwards sees what was before, or what is after: nobody is
// told of a release that is not out, and nothing of one that is stays open.
func TestKilledAtAnyMomentOfPublishing(t *testing.T) {
	dbtest.Long(t)
	if testing.Short() {
		t.Skip("processes of their own: no races to find")
	}
	n := newNewsroom(t)
	done := n.copied()
	start := time.Now()
	if out, err := exec.Command("khien", "publish", "--data", done.path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took := time.Since(start)
	before, after := n.copied().seen(), done.seen()
	if before == after {
		t.Fatalf("there is nothing to be seen: %s", after)
	}
	found := map[string]int{}
	for range 20 {
		one := n.copied()
		cmd := exec.Command("khien", "publish", "--data", one.path)
		n.check(cmd.Start())
		time.Sleep(rand.N(took + took/4))
		cmd.Process.Kill()
		cmd.Wait()
		got := one.seen()
		if found[got]++; got != before && got != after {
			t.Errorf("killed, it is\n%s\n\nbefore it is\n%s\n\nand after\n%s", got, before, after)
		}
		if out, err := exec.Command("khien", "publish", "--data", one.path).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got := one.seen(); got != after {
			t.Errorf("published again, it is\n%s\n\nand not\n%s", got, after)
		}
	}
	t.Logf("as before and after: %v", slices.Sorted(maps.Values(found)))
}
