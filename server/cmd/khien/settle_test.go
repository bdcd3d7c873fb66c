package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"khien/server/api"
	"khien/server/db/dbtest"
	"khien/server/ledger"
	"khien/server/takedown"
	"khien/server/triage"
	"khien/shared/category"
	"khien/shared/wire"
)

// settle is a program that settles what is decided in a data directory. It writes a line when it begins, and one when
// it is done.
func settle() {
	ctx, d := context.Background(), &dir{path: os.Args[1]}
	desk, err := d.desk()
	book, err2 := d.ledger()
	box, err3 := d.inbox()
	var cases []triage.Case
	if err = errors.Join(err, err2, err3); err == nil {
		cases, err = desk.Pending(ctx)
	}
	fmt.Println("begins")
	if err == nil {
		err = desk.Settle(ctx, book, box, cases)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("done")
}

// settledBy runs it in a process of its own, and kills that after a time since it began; 0 is never. It returns how
// long it took.
func (n *newsroom) settledBy(killed time.Duration) time.Duration {
	n.t.Helper()
	cmd := exec.Command("settle", n.path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	n.check(err)
	n.check(cmd.Start())
	said := bufio.NewScanner(out)
	said.Scan()
	start := time.Now()
	if killed > 0 {
		time.Sleep(killed)
		cmd.Process.Kill()
		cmd.Wait()
		return killed
	}
	said.Scan()
	took := time.Since(start)
	n.check(cmd.Wait())
	return took
}

// Who settles a case with many reports and an objection is killed at random moments. The case is settled, its page is
// on the list and all who reported it are told; or none of that is so. Settled again, it is the same once more.
func TestKilledAtAnyMomentOfSettling(t *testing.T) {
	dbtest.Long(t)
	if testing.Short() {
		t.Skip("processes of their own: no races to find")
	}
	const reports = 300
	n := &newsroom{dir: &dir{path: prepared(t)}, t: t}
	name := func(i int) []byte { return fmt.Appendf(nil, "%016d", i) }
	n.with(func(o *api.API, _ *takedown.Store) {
		for i := range reports {
			r := wire.Report{ID: name(i), Kind: wire.KindScam, Href: "https://shop.example/pay", Subjects: []string{"shop.example/pay", "shop.example/"}, Time: time.Now().Unix()}
			switch i {
			case 1: // names nothing that is decided, and goes into a case of its own
				r.Href, r.Subjects = "https://shop.example/other", []string{"shop.example/other", "shop.example/"}
			case 2:
				r.Kind, r.Note = wire.KindMistake, "it is mine"
			}
			_, _, err := o.Inbox.Accept(t.Context(), r, nil, r.Time)
			n.check(err)
		}
		_, err := o.Desk.Gather(t.Context(), o.Inbox)
		n.check(err)
		c, err := o.Desk.Of(t.Context(), name(0))
		n.check(err)
		o.Desk.SetClock(func() int64 { return time.Now().Unix() + 1 }) // the objection came before
		_, err = o.Desk.Decide(t.Context(), c.ID, triage.Decision{
			Actor: "mai", Action: triage.List, Lists: []triage.Listing{{Of: c.Subject, Lists: "shop.example/pay"}}, Category: category.Shop, Reason: map[string]string{"en": "as was seen"},
		})
		n.check(err)
	})
	seen := func(n *newsroom) (all string) {
		n.t.Helper()
		n.with(func(o *api.API, _ *takedown.Store) {
			ctx := n.t.Context()
			n.check(o.Desk.Deliver(ctx, o.Inbox))
			told := map[string]int{}
			for i := range reports {
				r, err := o.Inbox.Get(ctx, fmt.Sprintf("%x", name(i)))
				n.check(err)
				told[r.State]++
			}
			c, err := o.Desk.Of(ctx, name(0))
			n.check(err)
			left, err := o.Desk.Of(ctx, name(1))
			n.check(err)
			entry, err := o.Shelf.Ledger.Entry(ctx, "shop.example/pay")
			if err != nil && !errors.Is(err, ledger.ErrNotFound) {
				n.t.Fatal(err)
			}
			wrong, err := o.Desk.Miscounted(ctx)
			n.check(err)
			all = fmt.Sprintf("settled %v, called %s, %d reports and %d objections, in one case with the other page: %v, on the list: %v for %d, told: %v, miscounted: %v",
				c.Settled, c.Subject, c.Reports, c.Appeals, left.ID == c.ID, err == nil && entry.Subject != "", entry.Case, told, wrong)
		})
		return all
	}
	done := n.copied()
	took := min(n.copied().settledBy(0), n.copied().settledBy(0), done.settledBy(0))
	before, after := seen(n.copied()), seen(done)
	if before == after {
		t.Fatalf("nothing is settled: %s", after)
	}
	found := map[string]int{}
	for range 20 {
		one := n.copied()
		one.settledBy(1 + rand.N(took+took/2))
		got := seen(one)
		if found[got]++; got != before && got != after {
			t.Errorf("killed, it is\n%s\n\nbefore it is\n%s\n\nand after\n%s", got, before, after)
		}
		one.settledBy(0)
		if got := seen(one); got != after {
			t.Errorf("settled again, it is\n%s\n\nand not\n%s", got, after)
		}
	}
	t.Logf("it takes %v; as before %d times, as after %d times: %s", took, found[before], found[after], after)
}
